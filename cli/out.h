/* cli/out.h -- events to words: human lines or NDJSON, one interface for both (cli.md section 10).
 * One struct out a process; it knows the streams, the colours, the sequence number and the start
 * time. Text is for people: control bytes of the wire are shown as \x1b, secrets are masked. */
#ifndef CLI_OUT_H
#define CLI_OUT_H

#include "base/buf.h"
#include "base/trace.h"
#include "endpoint/event.h"
#include "endpoint/inspect.h"

struct out;
struct secret_entry;

struct out_config {
	const char *command; /* "register" */
	const char *target; /* shown in errors: "rte: register sip:alice@example.com: ..."; may be
			       NULL */
	const char *output; /* --output FILE: "-" stdout, "%" stderr; NULL: stdout */
	const char *trace_file; /* --trace FILE, "-" stdout, "%" stderr, or NULL */
	const char *write_out; /* --write-out FMT, or NULL */
	struct nagios *nagios; /* NULL: its line and its exit codes are not wanted */
	const char *pcap_file; /* --pcap FILE, "-" stdout: text then goes to stderr; or NULL */
	bool pcap_secrets; /* shown in that file, which only its owner may read */
	const char *tap_file, *junit_file; /* reports; as trace_file */
	bool ladder; /* who sent what to whom, on stderr at the end */
	bool ladder_of_failure; /* the same when it went wrong, but in text only */
	const char *color; /* auto always never */
	bool json, quiet, timestamps; /* quiet: text only */
	int verbose;
};

/* 0, or -FAIL_LOCAL or -FAIL_ARGUMENT (what does not go together) with the cause in f. */
int out_new(const struct out_config *config, struct out **out, struct fail *f);
/* Ends it: the `end` record (once), checks of the streams. Gives the exit code to use: `code`, or 1
 * when the output could not be written, 20 when it was a file that an option names. Frees o. A
 * reader that went away is a death by SIGPIPE here (ruling 18): whatever must not be left behind is
 * gone before. last and counts may be NULL. */
int out_end(struct out *o, int code, const struct endpoint_result *last,
	const struct endpoint_counts *counts);
/* The output of one endpoint of several, under its name, which must live as long: it goes to where
 * `o` goes, and its lines and records say whose they are. Ended by out_end, which then only frees
 * it. */
struct out *out_party(struct out *o, const char *name);
/* One of this name will follow: its width counts for all lines from now on. */
void out_party_expect(struct out *o, const char *name);
/* The trace sink to hand to the library: renders by verbosity and --trace, fills --pcap; secrets
 * masked. */
const struct trace *out_trace(struct out *o);
/* Did an output fail? The command then ends in order; out_end knows the code. */
bool out_broken(const struct out *o);
/* We are to end: a reader that does not read is not waited for any more. For signal handlers. */
void out_hurry(void);
bool out_is_json(const struct out *o);

/* The line on a terminal that says what is being waited for, from out_event and out_progress: from
 * here on, where people want it, until the end. timeout_ms: what an answer may take. A loop must
 * run. */
void out_live_begin(struct out *o, uint64_t timeout_ms);
void out_live_end(struct out *o);
/* Before somebody else writes to the terminal. It comes back. */
void out_live_hide(struct out *o);

/* Records. Each prints its text line(s) or its JSON object. */
void out_start(struct out *o, const char *aor);
/* The endpoint record and its -v note; kind "server" or "p2p", manager "client" or "server"; NULLs
 * are left out. */
struct out_endpoint {
	const char *aor, *dialect, *epid, *home_server, *proxy, *kind, *manager, *transport;
};
void out_endpoint(struct out *o, const struct out_endpoint *e);
void out_listening(struct out *o, const struct endpoint_hop *local, unsigned count);
/* Any event of the library: a record in JSON; in text a -v note, but lines for REGISTRATION,
 * SESSION, SESSION_TIMER, TRANSFER and for the loss of a registered flow. INCOMING and ANSWERED
 * have no record of their own (out_message). Finals (DONE, FAILED, CLOSED) are left to out_failed
 * and out_end. */
void out_event(struct out *o, const struct endpoint_event *ev);
/* An error: "rte: COMMAND TARGET: text" on stderr, or the error record. r may be NULL. */
void out_error(struct out *o, int code, const char *text, const struct endpoint_result *r);
/* The failure of an operation, with Warning, Reason, Retry-After, ms-diagnostics. Returns the exit
 * code it printed. */
int out_failed(struct out *o, const struct endpoint_result *r);
/* The final result of the operation, for --write-out; of several the latest counts. */
void out_result(struct out *o, const struct endpoint_result *r);
/* One free text line for people; nothing in JSON. */
void out_line(struct out *o, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* For a command that stays: it is being tried again, which people should see without -v, too.
 * Nothing in JSON. */
void out_trying(struct out *o, const char *uri, const struct endpoint_retry *r);
/* A note with -v ("* ..."), on stderr. */
void out_note(struct out *o, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* A warning on stderr unless -q ("rte: warning: ..."). */
void out_warn(struct out *o, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* A detail of text only, what the end record has as time_ms: how long an operation took; NULL: as
 * far as events told, and in all since the start. */
void out_times(struct out *o, const struct endpoint_times *t);
/* The first request as it would be sent (--dry-run). */
void out_unsent(struct out *o, struct str wire);
/* For the end record: does somebody answer at the binding that was made (ruling 26)? In text a line
 * when nobody does. */
void out_reachable(struct out *o, bool reachable);

/* The lines of `options`: one probe of many or one hop of a route, and the summary. */
struct out_probe {
	unsigned seq; /* 0: not counted */
	unsigned hop; /* of a route, from 1; 0: no route */
	const char *target; /* shown when there are several; else NULL */
	bool with_server; /* the Server field, too */
	const struct endpoint_result *result;
	int code; /* what it came to */
	double ms; /* since it was sent; < 0: never */
	uint64_t timeout_ms; /* what was waited for */
};
void out_probe(struct out *o, const struct out_probe *p);
struct out_summary {
	unsigned sent, ok, failed;
	double min, mean, max, p50, p95, p99; /* ms; of the answered ones */
	unsigned by_status[700];
	unsigned by_exit[128];
};
void out_summary(struct out *o, const struct out_summary *s);
/* How far a batch is, for the live line. */
void out_progress(struct out *o, unsigned done, unsigned of, unsigned failed);

/* The steps of `resolve`: every question with its answer, and every target. */
struct out_query {
	struct endpoint_query query;
	struct str answer; /* "10 60 5061 edge1.example.com, ..."; empty: not known, or none */
};
struct out_resolved {
	struct str uri;
	const struct out_query *queries;
	unsigned query_count;
	const struct endpoint_target *targets;
	unsigned target_count;
};
void out_resolved(struct out *o, const struct out_resolved *r);

/* A MESSAGE or INFO, in a call or outside of any. */
struct out_message {
	bool sent;
	unsigned dialog; /* 0: outside of any */
	struct str method;
	const struct endpoint_address *from, *to; /* NULL: not known */
	struct str content_type, body;
	unsigned status; /* what we answered, or what was answered to us; 0: nothing */
	struct str reason_phrase; /* of that; empty: not known */
};
void out_message(struct out *o, const struct out_message *m);

/* A line of text for a message that was received, whose record was written when it came; nothing
 * for one that was sent. */
void out_received(struct out *o, const struct endpoint_msg *m);

/* `serve`: a request that it answered (replied 0: it was passed on), a binding, and the seed of its
 * faults. */
void out_request(struct out *o, const struct endpoint_msg *m);
struct out_binding {
	struct str aor, contact, user_agent;
	const char *cause;
	uint32_t expires;
};
void out_binding(struct out *o, const struct out_binding *b);
/* A message that was not acted on, and is counted in the end record; why: "unsigned" "forged"
 * "replayed". */
void out_discarded(struct out *o, const struct endpoint_msg *m, struct str why);
/* What `listen` was told beside messages, with what it answered (m->replied, 0: nothing): an
 * unsolicited NOTIFY, and any other request, whose record was written when it came: of it only the
 * answer. */
void out_notify(struct out *o, const struct endpoint_msg *m);
void out_answered(struct out *o, const struct endpoint_msg *m, struct str reason);
/* The record of a request as one line of JSON for a program, also where the output is text: with
 * the body of a MESSAGE, INFO or NOTIFY, and the whole message as raw. Secrets are masked. The
 * line fails, and is empty, when it does not fit. */
void out_request_json(struct out *o, const struct endpoint_msg *m, struct buf *line);
/* `parse`: a message in a file, with what is wrong with it. */
struct out_parsed {
	const char *file;
	unsigned index; /* from 1, in its file */
	struct str text; /* the whole file */
	const struct inspect *message;
};
void out_parsed(struct out *o, const struct out_parsed *p);
/* To be called before out_listening. */
void out_seed(struct out *o, uint32_t seed);

/* `config`: a value that is not built in. */
struct out_option {
	const char *name, *value; /* value "": a flag that is set */
	const char *origin; /* "RTE_TIMEOUT", "/home/x/.config/rte/config:3" */
	const char *layer; /* "config" "profile" "environment" */
	bool with_origin; /* in text, too: a comment in the line before */
	bool no_key; /* it cannot stand in a file: a comment itself */
};
void out_option(struct out *o, const struct out_option *option);

/* `credentials`: an entry, without its secret. */
struct out_credential {
	const char *file;
	const struct secret_entry *entry;
	const char *state; /* "added" "removed" "good", or NULL */
};
void out_credential(struct out *o, const struct out_credential *c);

/* A check of --expect and its kind, or the step of --stop-after (check.h). */
struct out_check {
	const char *name; /* "expect-header" */
	const char *wanted; /* as the option says it */
	struct str found; /* of the wire; empty: nothing */
	bool passed;
};
void out_check(struct out *o, const struct out_check *c);

/* `run`: a step of the file. Those that were not reached are only in the reports. */
struct out_step {
	const char *file;
	unsigned line; /* in it */
	const char *text; /* as it stands there */
	const char *party; /* whose step; NULL: nobody's */
	enum { OUT_STEP_OK, OUT_STEP_FAILED, OUT_STEP_SKIPPED } state;
	int code; /* of a failure */
	const char *why; /* of a failure; else NULL */
	double ms; /* how long it took; < 0: it did not begin */
};
void out_step(struct out *o, const struct out_step *s);
/* For the live line: only line and text count. limit_ms: how long it may take; 0: not known. */
void out_step_begins(struct out *o, const struct out_step *s, uint64_t limit_ms);

/* A failure before any struct out exists: text on stderr, or with json (argv is scanned for it,
 * ruling 22) the records start, error, end on stdout. command may be NULL. Gives `code`, or 1 when
 * even this cannot be written. */
int out_refuse(const char *command, bool json, int code, const char *text);
/* The same for --nagios: its line on stdout. Gives 3. */
int out_refuse_nagios(int code, const char *text);
/* The same for a usage error, from a printf format. Gives 2. */
int out_usage(const char *command, bool json, const char *fmt, ...) PRINTF_LIKE(3, 4);

#endif
