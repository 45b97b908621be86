/* cli/out_impl.h -- the insides of the output, shared by its files */
#ifndef CLI_OUT_IMPL_H
#define CLI_OUT_IMPL_H

#include "base/buf.h"
#include "out.h"

struct out_stream {
	int fd; /* -1: none */
	bool own; /* opened here, for an option */
	bool is_story; /* standard error: nobody relies on it */
	bool color;
	int failed; /* the first errno; nothing is written after it */
	struct live *live; /* of a terminal: wiped before anything is written; or NULL */
};

/* What the live line is made of (out_live.c). */
struct out_live {
	struct live *line; /* NULL: there is none */
	uint64_t timeout_ms; /* what an answer may take */
	unsigned lasting; /* what is said while nothing else is; 0: nothing */
	char text[256]; /* of that */
	uint64_t since_us, refresh_us; /* refresh_us 0: none */
	unsigned dialog; /* of the call */
	unsigned count; /* requests, notifications */
	bool pending; /* the subscription */
};

/* What the lines of a registration tell beside the event itself. */
enum { OUT_HOSTS = 16 };
struct out_seen {
	char status[160]; /* of the latest 2xx: "200 OK" */
	char hop[96]; /* where it came from: "tls 192.0.2.10:5061" */
	char host[256]; /* its name, when it was resolved */
	char tls[32]; /* "TLSv1.3" */
	char auth[400]; /* "Digest SHA-256 realm example.com" */
	double resolve_ms, connect_ms, tls_ms; /* < 0: did not happen */
	struct {
		char hop[96], host[256];
	} hosts[OUT_HOSTS]; /* of the latest resolution */
	unsigned host_count;
};

struct report;
struct writeout;

/* Where our parties are, by address: "127.0.0.1:5060". The oldest goes when it is full. */
enum { OUT_BOOK = 256 };
struct out_book {
	struct {
		char address[96];
		const char *party;
	} entries[OUT_BOOK];
	unsigned count;
};

struct out {
	/* Of a party (out_party): the output that it speaks through. All that follows is used of
	 * that one, but for name, own_seen and trace. */
	struct out *root;
	const char *name;
	struct out_seen own_seen;

	/* Who speaks: set by out_speak at the door of every public function */
	const char *party; /* NULL: the command itself */
	struct out_seen *seen;
	unsigned party_width; /* of the longest name */
	struct out_book *book; /* NULL: there are no parties */

	struct out_config config;
	struct writeout *writeout; /* NULL: none */
	struct out_stream result, story, trace_stream, capture;
	struct out_stream tap, junit;
	struct report *report; /* for both; NULL: nobody wants one */
	char first_error[400];
	struct out_stream plain; /* stdout for --write-out, where the result goes elsewhere */
	struct trace trace;
	struct ladder *ladder; /* of --ladder; or NULL */
	uint64_t start_us;
	unsigned seq;
	bool has_seed;
	uint32_t seed;
	int reachable; /* -1: does not matter */
	unsigned discarded; /* messages */
	unsigned step_count, steps_failed; /* of `run` */
	struct endpoint_counts counts; /* of the parties that have ended */
	struct out_live live;
};

enum out_color { OUT_PLAIN, OUT_GREEN, OUT_YELLOW, OUT_RED, OUT_DIM, OUT_CYAN };
/* The number of the escape sequence. */
const char *out_color_code(enum out_color color);

/* ---- out_stream.c ---- */

/* A closed standard descriptor would be given to the next socket, and what is meant for people
 * would go to the peer. What is put in its place fails with EBADF, as it should. */
void out_stream_guard(void);
/* Would --color WHEN (NULL: auto) have colours there? */
bool out_stream_color(const char *when, int fd);
/* Result, trace and capture as configured; 0, or -FAIL_ARGUMENT for what would mix on one stream,
 * or -FAIL_LOCAL. Those that were opened are open then, too. */
int out_stream_open_all(struct out *o, struct fail *f);
void out_stream_close(struct out_stream *s);
/* Bytes as they are. */
void out_write(struct out_stream *s, struct str bytes);

/* ---- out_party.c ---- */

/* The output to use in place of o, which says from now on who speaks. Every public function begins
 * with it, and calls no other public one. */
struct out *out_speak(struct out *o);
/* "alice  " before a line; nothing when the command itself speaks. */
void out_party_label(const struct out *o, struct buf *b);
/* Adds the counters of a party that has ended to those of all. */
void out_party_count(struct out *o, const struct endpoint_counts *counts);
/* The party that speaks is at this address. */
void out_party_at(struct out *o, struct str address);
/* Who is there; NULL: none of ours. */
const char *out_party_find(const struct out *o, struct str address);

/* ---- out.c: lines ---- */

/* One line of the result: nothing with -q or --json. The first word gets the colour. */
void out_put(struct out *o, enum out_color color, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* A note of -v, as out_note. */
void out_put_note(struct out *o, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* A detail of it: "  contact   ...". */
void out_detail(struct out *o, const char *name, struct str text);
/* A line of any stream, shown: masked, control bytes visible, with time and colour. */
void out_write_line(struct out *o, struct out_stream *s, enum out_color color, struct str line);
/* The lines of a body, indented so that none can look like a line of ours; bytes that are no text
 * as base64. */
void out_text_body(struct out *o, struct str body);
/* UTF-8 without NUL; else it is shown as base64. */
bool out_body_is_text(struct str body);
/* "12:00:00.001234", local time. */
void out_clock(char text[24]);
double out_elapsed_ms(const struct out *o);

/* ---- out_text.c: the same facts as the records of out_json.c, for people ---- */

void out_text_event(struct out *o, const struct endpoint_event *ev);
void out_text_endpoint(struct out *o, const struct out_endpoint *e);
void out_text_listening(struct out *o, const struct endpoint_hop *local, unsigned count);
void out_text_error(struct out *o, const char *text, int code, const struct endpoint_result *r);
void out_text_probe(struct out *o, const struct out_probe *p);
void out_text_summary(struct out *o, const struct out_summary *s);
void out_text_resolved(struct out *o, const struct out_resolved *r);
void out_text_binding(struct out *o, const struct out_binding *b);
void out_text_discarded(struct out *o, const struct endpoint_msg *m, struct str why);
void out_text_request(struct out *o, const struct endpoint_msg *m);
/* out_parsed.c */
void out_text_parsed(struct out *o, const struct out_parsed *p);
/* The line of the text that the offset is in, and a mark below it, both fit for a terminal: bytes
 * that are not printable ASCII are dots, so that the columns hold. */
void out_excerpt(struct str text, size_t offset, char line[80], char mark[80]);
void out_text_received(struct out *o, const struct endpoint_msg *m);
void out_text_unsent(struct out *o, struct str wire);
void out_text_check(struct out *o, const struct out_check *c);
void out_text_step(struct out *o, const struct out_step *s);
void out_text_message(struct out *o, const struct out_message *m);
/* out_call.c */
void out_text_session(struct out *o, const struct endpoint_session *s);
void out_text_session_timer(struct out *o, const struct endpoint_session_timer *t);
void out_text_transfer(struct out *o, const struct endpoint_transfer *t);
/* out_state.c */
void out_text_subscription(struct out *o, const struct endpoint_subscription *e);
void out_text_notification(struct out *o, const struct endpoint_notify *n);
void out_text_publication(struct out *o, const struct endpoint_publication *e);
void out_text_notify(struct out *o, const struct endpoint_msg *m);
void out_text_answered(struct out *o, const struct endpoint_msg *m, struct str reason);
/* "tls 192.0.2.10:5061", "[2001:db8::1]:5060". */
const char *out_hop_text(const struct endpoint_hop *h, bool transport, char text[96]);
/* What would help, of a response that says it: writes the Contacts of a 3xx, Unsupported of a 420,
 * Require of a 421, Allow-Events of a 489, and returns its name in lower case; NULL when there is
 * nothing. */
const char *out_way_out(const struct endpoint_msg *m, struct buf *b);
/* "4 ms", "0.3 ms". */
const char *out_ms_text(double ms, char text[24]);

/* ---- out_live.c ---- */

void out_live_event(struct out *o, const struct endpoint_event *ev);
void out_live_listening(struct out *o);

/* ---- out_trace.c ---- */

void out_trace_init(struct out *o);
/* A "* ..." line at -v (1), -vv (2), -vvv (3). */
void out_trace_note(struct out *o, int level, struct str text);

/* ---- out_capture.c ---- */

/* The head of the file of --pcap, and an empty ladder. */
void out_capture_init(struct out *o);
/* Every message that was sent or received. */
void out_capture(struct out *o, const struct trace_event *ev);
/* Prints the ladder, if the code is one for which it was asked for, and frees it. */
void out_capture_end(struct out *o, int code);

/* ---- out_report.c: only called with --tap or --junit ---- */

void out_report_begin(struct out *o);
void out_report_check(struct out *o, const struct out_check *c);
void out_report_step(struct out *o, const struct out_step *s);
/* The operation's own case; the files are written and closed. */
void out_report_end(struct out *o, int code);

/* ---- out_json.c: only called with --json (but for out_request_json); nothing of Jansson is
 * touched without it ---- */

void out_json_start(struct out *o, const char *aor);
void out_json_endpoint(struct out *o, const struct out_endpoint *e);
void out_json_listening(struct out *o, const struct endpoint_hop *local, unsigned count);
void out_json_event(struct out *o, const struct endpoint_event *ev);
struct out_json_error {
	int code;
	const char *text, *uri; /* uri: of one probe of many; may be NULL */
	const struct endpoint_result *result; /* may be NULL */
};
void out_json_error(struct out *o, const struct out_json_error *e);
void out_json_summary(struct out *o, const struct out_summary *s);
void out_json_resolved(struct out *o, const struct out_resolved *r);
void out_json_binding(struct out *o, const struct out_binding *b);
void out_json_discarded(struct out *o, const struct endpoint_msg *m, struct str why);
void out_json_option(struct out *o, const struct out_option *option);
void out_json_credential(struct out *o, const struct out_credential *c);
void out_json_parsed(struct out *o, const struct out_parsed *p);
void out_json_unsent(struct out *o, struct str wire);
void out_json_check(struct out *o, const struct out_check *c);
void out_json_step(struct out *o, const struct out_step *s);
void out_json_message(struct out *o, const struct out_message *m);
void out_json_notify(struct out *o, const struct endpoint_msg *m);
void out_json_answered(struct out *o, const struct endpoint_msg *m, struct str reason);
/* The end record as a line, appended: it is wanted also where the output is text. */
void out_json_end(struct out *o, int code, const struct endpoint_result *last,
	const struct endpoint_counts *counts, struct buf *line);

#endif
