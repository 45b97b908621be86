/* cli/out.h -- events to words: human lines or NDJSON, one interface for both (cli.md section 10). One struct out a
 * process; it knows the stream, the colours, the sequence number and the start time. */
#ifndef CLI_OUT_H
#define CLI_OUT_H

#include "endpoint/event.h"
#include "base/trace.h"

struct out;

struct out_config {
	const char *command;    /* "register" */
	const char *target;     /* shown in errors: "rte: register sip:alice@example.com: ..."; may be NULL */
	const char *output;     /* --output FILE, or NULL */
	const char *trace_file; /* --trace FILE, "-" stdout, "%" stderr, or NULL */
	const char *color;      /* auto always never */
	bool json, quiet, timestamps;
	int verbose;
};

/* 0 or -FAIL_LOCAL with the cause in f. */
int out_new(const struct out_config *config, struct out **out, struct fail *f);
/* Ends it: the `end` record (once), flush, checks of the stream. Gives the exit code to use: `code`, or 1 when the output
 * could not be written (ruling 18: EPIPE ends by SIGPIPE after this). Frees o. */
int out_end(struct out *o, int code, const struct endpoint_result *last, const struct endpoint_counts *counts);
/* The trace sink to hand to the library: renders by verbosity and --trace; secrets masked. */
const struct trace *out_trace(struct out *o);
/* Did the stream break with EPIPE? The command then ends in order. */
bool out_broken(const struct out *o);

/* Records. Each prints its text line(s) or its JSON object. */
void out_start(struct out *o, const char *aor);
/* The endpoint record and its -v note; kind "server" or "p2p", manager "client" or "server"; NULLs are left out. */
struct out_endpoint { const char *aor, *dialect, *epid, *home_server, *proxy, *kind, *manager, *transport; };
void out_endpoint(struct out *o, const struct out_endpoint *e);
void out_listening(struct out *o, const struct endpoint_hop *local, unsigned count);
/* Any event of the library: progress is -v notes in text and records in JSON; finals are left to out_result. */
void out_event(struct out *o, const struct endpoint_event *ev);
/* An error: "rte: COMMAND TARGET: text" on stderr, or the error record. r may be NULL. */
void out_error(struct out *o, int code, const char *text, const struct endpoint_result *r);
/* The failure of an operation, with Warning, Reason, Retry-After, ms-diagnostics. Returns the exit code it printed. */
int out_failed(struct out *o, const struct endpoint_result *r);
/* One free text line for people; nothing in JSON. */
void out_line(struct out *o, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* A note with -v ("* ..."), on stderr. */
void out_note(struct out *o, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* A warning on stderr unless -q ("rte: warning: ..."). */
void out_warn(struct out *o, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* The lines of `options`: one probe, and the summary of many. */
struct out_probe { unsigned seq; const struct endpoint_result *result; double ms; const char *target; };
void out_probe(struct out *o, const struct out_probe *p);
struct out_summary {
	unsigned sent, ok, failed;
	double min, mean, max, p50, p95, p99;       /* ms; of the answered ones */
	unsigned by_status[700];
	unsigned by_exit[128];
};
void out_summary(struct out *o, const struct out_summary *s);

/* The table of `resolve`: every question and every target. */
void out_resolved(struct out *o, const struct endpoint_resolved *r);

/* A binding event of `serve`. */
struct out_binding { struct str aor, contact, user_agent; const char *cause; uint32_t expires; };
void out_binding(struct out *o, const struct out_binding *b);

/* A usage error before any struct out exists: text on stderr, or with json (argv is scanned for it, ruling 22) the
 * records start, error, end on stdout. Gives 2. */
int out_usage(const char *command, bool json, const char *fmt, ...) PRINTF_LIKE(3, 4);

#endif
