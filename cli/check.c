#include "check.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/scan.h"
#include "exit.h"
#include "value.h"

#include <regex.h>
#include <stdio.h>
#include <string.h>

enum { FOUND_MAX = 200, TEXT_MAX = 64 << 20 };

/* In the order in which they come; `words` below has them. */
enum step {
	STEP_RESOLVE,
	STEP_CONNECT,
	STEP_TLS,
	STEP_SEND,
	STEP_1XX,
	STEP_EARLY,
	STEP_ANSWER,
	STEP_ACK,
	STEP_ESTABLISHED,
};

static const char words[] = "resolve|connect|tls|send|1xx|early|answer|ack|established";

struct pattern { /* --expect-header, --expect-body */
	const char *text; /* as given */
	struct str name; /* of the header field; empty: the body */
	regex_t regex;
};

struct check {
	struct out *out;
	const char *expect; /* as given; NULL: none */
	struct value_statuses statuses;
	struct pattern *patterns;
	unsigned pattern_count;

	const char *step; /* as given; NULL: none */
	enum step want;
	bool drops, reached;

	bool keeps;
	bool started, registered; /* check_start was called, and what it said */
	char method[32]; /* of the operation: that of its first request */
	bool accepted; /* an INVITE has its 2xx */
	bool answered; /* the final response was checked when it came */
	bool messages; /* check_message is what looks at them: a command that takes requests */
	bool looked; /* at a message */
	bool failed; /* a check of check_message or of that response did not hold */
	char why[512];
};

/* ---- options ---- */

static int compile(
	struct check *c, const char *option, const char *regex, int flags, struct fail *f)
{
	struct pattern *p = &c->patterns[c->pattern_count];
	char why[120];
	int e = regcomp(&p->regex, regex, REG_EXTENDED | flags);

	if (e == 0) {
		c->pattern_count++;
		return 0;
	}
	regerror(e, &p->regex, why, sizeof(why));
	return fail_set(f, -FAIL_ARGUMENT, "%s: %s", option, why);
}

/* 'N: REGEX' */
static int header(struct check *c, const char *text, struct fail *f)
{
	struct scan s = scan_str(str_of(text));
	struct pattern *p = &c->patterns[c->pattern_count];
	bool named = scan_run(&s, CH_TOKEN, &p->name);

	scan_lws(&s);
	if (!named || !scan_char(&s, ':'))
		return fail_set(
			f, -FAIL_ARGUMENT, "--expect-header: not of the form 'NAME: REGEX'");
	scan_lws(&s);
	p->text = text;
	return compile(c, "--expect-header", s.p, 0, f);
}

static int patterns(struct check *c, const struct groups *g, struct fail *f)
{
	int e = 0;

	c->patterns = mem_zalloc(g->expect_header.n + g->expect_body.n + 1, sizeof(*c->patterns));
	for (unsigned i = 0; e == 0 && i < g->expect_header.n; i++)
		e = header(c, g->expect_header.v[i], f);
	for (unsigned i = 0; e == 0 && i < g->expect_body.n; i++) {
		c->patterns[c->pattern_count].text = g->expect_body.v[i];
		/* line by line, as grep does */
		e = compile(c, "--expect-body", g->expect_body.v[i], REG_NEWLINE, f);
	}
	return e;
}

static int step(struct check *c, const struct groups *g, struct fail *f)
{
	int which = 0, e;

	if (g->stop_after && g->drop_after)
		return fail_set(f, -FAIL_ARGUMENT, "--stop-after with --drop-after");
	c->step = g->stop_after ? g->stop_after : g->drop_after;
	c->drops = g->drop_after != NULL;
	e = value_word(c->drops ? "--drop-after" : "--stop-after", c->step, words, &which, f);
	c->want = (enum step)which;
	return e;
}

int check_new(const struct groups *g, struct check **out, struct fail *f)
{
	struct check *c = MEM_NEW(struct check);
	int e;

	c->expect = g->expect;
	if ((e = value_statuses("--expect", g->expect, &c->statuses, f)) != 0 ||
		(e = patterns(c, g, f)) != 0 || (e = step(c, g, f)) != 0) {
		check_free(c);
		return e;
	}
	*out = c;
	return 0;
}

void check_free(struct check *c)
{
	if (!c)
		return;
	for (unsigned i = 0; i < c->pattern_count; i++)
		regfree(&c->patterns[i].regex);
	mem_free(c->patterns);
	mem_free(c);
}

void check_open(struct check *c, struct out *o, bool keeps)
{
	if (!c)
		return;
	c->out = o;
	c->keeps = keeps;
}

void check_start(struct check *c, bool registered)
{
	if (!c)
		return;
	c->started = true;
	c->registered = registered;
}

/* ---- checks ---- */

/* Its record, and the sentence about it when it does not hold. */
static bool tell(
	struct check *c, const char *name, const char *wanted, struct str found, bool passed)
{
	const struct out_check record = { name, wanted, found, passed };
	size_t n = found.n < FOUND_MAX ? found.n : FOUND_MAX;

	out_check(c->out, &record);
	if (!passed)
		snprintf(c->why, sizeof(c->why), "--%s: wanted %.200s, found %.*s", name, wanted,
			found.n ? (int)n : 7, found.n ? found.p : "nothing");
	return passed;
}

bool check_expects(const struct check *c, unsigned number)
{
	if (!c || !c->expect || number == 0)
		return c && c->expect;
	return value_has_status(&c->statuses, number);
}

/* Bytes of the wire as a C string: a NUL counts as a space, CR LF as LF. */
static const char *plain(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\r' && i + 1 < s.n && s.p[i + 1] == '\n')
			continue;
		buf_add_char(b, s.p[i] ? s.p[i] : ' ');
	}
	return buf_cstr(b);
}

/* One of the values of the field is enough. What is shown is that one, else the first. */
static bool check_header(struct check *c, const struct pattern *p, const struct endpoint_msg *m)
{
	struct str value, found = STR_EMPTY;
	bool passed = false;

	for (unsigned i = 0; !passed && endpoint_msg_header(m, p->name, i, &value); i++) {
		CLEANUP(buf_done) struct buf b = BUF_INIT(TEXT_MAX);

		passed = regexec(&p->regex, plain(&b, value), 0, NULL, 0) == 0;
		if (passed || i == 0)
			found = value;
	}
	return tell(c, "expect-header", p->text, found, passed);
}

/* What is shown is the part that fits. */
static bool check_body(struct check *c, const struct pattern *p, const struct endpoint_msg *m)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(TEXT_MAX);
	const char *text = plain(&b, m->body);
	struct str found = STR_EMPTY;
	regmatch_t at;
	bool passed = regexec(&p->regex, text, 1, &at, 0) == 0;

	if (passed)
		found = str_sub(str_of(text), (size_t)at.rm_so, (size_t)at.rm_eo);
	return tell(c, "expect-body", p->text, str_sub(found, 0, FOUND_MAX), passed);
}

static bool check_patterns(struct check *c, const struct endpoint_msg *m)
{
	bool passed = true;

	for (unsigned i = 0; i < c->pattern_count; i++) {
		const struct pattern *p = &c->patterns[i];
		bool one = p->name.n ? check_header(c, p, m) : check_body(c, p, m);

		passed = passed && one;
	}
	return passed;
}

void check_requests(struct check *c)
{
	if (c)
		c->messages = true;
}

bool check_message(struct check *c, const struct endpoint_msg *m)
{
	bool passed = !c || check_patterns(c, m);

	if (c)
		c->looked = true;
	if (!passed)
		c->failed = true;
	return passed;
}

static bool check_status(struct check *c, const struct endpoint_msg *m)
{
	char found[160];

	if (!c->expect)
		return true;
	snprintf(found, sizeof(found), "%u %.*s", m->status_code,
		(int)(m->reason_phrase.n < 120 ? m->reason_phrase.n : 120), m->reason_phrase.p);
	return tell(c, "expect", c->expect, str_of(found), check_expects(c, m->status_code));
}

/* Is it the status that made this code? "Codes 10 to 16 and 18 to 22 stay" (section 9); but a 401
 * that is wanted is no lack of credentials, and a 2xx that failed for something else stays a
 * failure. */
static bool is_by_status(unsigned number, int code, bool named)
{
	if (number < 300)
		return code == EXIT_ok;
	return (code >= EXIT_redirected && code <= EXIT_no_answer) || code == EXIT_ok ||
	       (named && code == EXIT_no_credentials);
}

int check_result(struct check *c, const struct endpoint_result *result, int code)
{
	const struct endpoint_msg *m = result->response;
	bool named, held;

	if (!c || !m || m->status_code < 200)
		return c && c->reached ? EXIT_ok : code;
	if (c->step && c->want == STEP_ANSWER && !c->reached)
		c->reached = tell(
			c, c->drops ? "drop-after" : "stop-after", c->step, str_of(c->step), true);
	if (c->reached)
		return EXIT_ok;
	if (c->answered)
		return code;
	named = check_status(c, m);
	held = c->messages || check_patterns(c, m);
	if (c->expect && is_by_status(m->status_code, code, named))
		code = named ? EXIT_ok : EXIT_check_failed;
	return code == EXIT_ok && !held ? EXIT_check_failed : code;
}

int check_verdict(struct check *c)
{
	if (!c || c->reached)
		return EXIT_ok;
	if (c->failed)
		return EXIT_check_failed;
	if (c->messages && c->pattern_count > 0 && !c->looked) {
		snprintf(c->why, sizeof(c->why), "no request came that could be checked");
		return EXIT_check_failed;
	}
	if (!c->step)
		return EXIT_ok;
	tell(c, c->drops ? "drop-after" : "stop-after", c->step, STR_EMPTY, false);
	snprintf(c->why, sizeof(c->why), "--%s: the step %s was not reached",
		c->drops ? "drop-after" : "stop-after", c->step);
	return EXIT_check_failed;
}

const char *check_why(const struct check *c)
{
	return c->why;
}

bool check_reached(const struct check *c)
{
	return c && c->reached;
}

bool check_drops(const struct check *c)
{
	return c && c->reached && c->drops;
}

/* ---- steps ---- */

static bool is_invite(const struct check *c)
{
	return strcmp(c->method, "INVITE") == 0;
}

/* Of the operation, and not of a registration beside it, of a keep-alive or of a CANCEL. */
static bool is_mine(const struct check *c, const struct endpoint_msg *m)
{
	return c->started && str_eq(m->method, str_of(c->method));
}

static void remember_method(struct check *c, const struct endpoint_msg *m)
{
	bool register_first = c->registered && str_eq(m->method, STR("REGISTER"));

	if (c->started && !c->method[0] && !register_first)
		snprintf(c->method, sizeof(c->method), STR_FMT, STR_ARG(m->method));
}

/* What lies before a request is reached with it at the latest: a numeric host is not resolved, UDP
 * has no connection, and a flow may be there already. */
static bool request_reaches(const struct check *c, const struct endpoint_msg *m)
{
	bool ack = str_eq(m->method, STR("ACK"));

	switch (c->want) {
	case STEP_RESOLVE:
	case STEP_CONNECT:
		return m->sent;
	case STEP_TLS:
		return m->sent && m->remote.transport && strcmp(m->remote.transport, "tls") == 0;
	case STEP_SEND:
		return m->sent && is_mine(c, m);
	case STEP_ACK:
		return c->started && ack;
	case STEP_ESTABLISHED:
		return c->accepted && ack;
	case STEP_1XX:
	case STEP_EARLY:
	case STEP_ANSWER:
		break;
	}
	return false;
}

/* Other final responses than a 2xx are steps of the way (401, 302, 503) until the result says that
 * they are the end: check_result. */
static bool response_reaches(const struct check *c, const struct endpoint_msg *m)
{
	bool provisional = m->status_code > 100 && m->status_code < 200;
	bool success = m->status_code >= 200 && m->status_code < 300;

	if (!is_mine(c, m))
		return false;
	switch (c->want) {
	case STEP_1XX:
		return provisional;
	case STEP_EARLY:
		return provisional && m->to.tag.n > 0;
	case STEP_ANSWER:
		return success;
	case STEP_ESTABLISHED:
		return success && !is_invite(c);
	case STEP_RESOLVE:
	case STEP_CONNECT:
	case STEP_TLS:
	case STEP_SEND:
	case STEP_ACK:
		break;
	}
	return false;
}

static bool resolved_reaches(const struct check *c, const struct endpoint_resolved *r)
{
	if (r->target_count == 0)
		return false;
	return c->want == STEP_RESOLVE ||
	       (c->want == STEP_CONNECT && strcmp(r->targets[0].hop.transport, "udp") == 0);
}

static bool reaches(const struct check *c, const struct endpoint_event *ev)
{
	switch (ev->type) {
	case ENDPOINT_RESOLVED:
		return resolved_reaches(c, ev->resolved);
	case ENDPOINT_CONNECTED:
		return !ev->flow->incoming &&
		       (c->want < STEP_TLS || (c->want == STEP_TLS && ev->flow->tls));
	case ENDPOINT_REQUEST:
		return request_reaches(c, ev->msg);
	case ENDPOINT_RESPONSE:
		return response_reaches(c, ev->msg);
	default:
		return false;
	}
}

/* Before the first request there is nothing to end in order, and the request must not follow. In a
 * call an ACK, a PRACK or a BYE may follow in this very event; an ACK of ours has gone out. */
static enum check_end how(const struct check *c, const struct endpoint_event *ev)
{
	bool ack = ev->type == ENDPOINT_REQUEST && str_eq(ev->msg->method, STR("ACK"));

	if (ev->type == ENDPOINT_RESOLVED || ev->type == ENDPOINT_CONNECTED)
		return c->registered ? CHECK_END : CHECK_NOW;
	if (c->drops && is_invite(c) && (ev->type == ENDPOINT_RESPONSE || ack))
		return CHECK_NOW;
	return CHECK_END;
}

/* The first 2xx of what goes on behind it: a call, or a command that stays. */
static bool check_answer(struct check *c, const struct endpoint_msg *m)
{
	bool success = m->status_code >= 200 && m->status_code < 300;
	bool named, held;

	if (m->sent || !is_mine(c, m) || !success)
		return true;
	c->accepted = c->accepted || is_invite(c);
	if (c->answered || (!is_invite(c) && !c->keeps))
		return true;
	c->answered = true;
	named = check_status(c, m);
	held = c->messages || check_patterns(c, m);
	c->failed = c->failed || !named || !held;
	return named && held;
}

enum check_end check_event(struct check *c, const struct endpoint_event *ev)
{
	bool held = true;

	if (!c || c->reached)
		return CHECK_GO_ON;
	if (ev->type == ENDPOINT_REQUEST)
		remember_method(c, ev->msg);
	if (c->step && reaches(c, ev)) {
		c->reached = tell(
			c, c->drops ? "drop-after" : "stop-after", c->step, str_of(c->step), true);
		return how(c, ev);
	}
	if (ev->type == ENDPOINT_RESPONSE)
		held = check_answer(c, ev->msg);
	/* nobody waits for the end of what stays */
	return held || is_invite(c) ? CHECK_GO_ON : CHECK_END;
}
