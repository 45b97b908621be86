/* cli/cmd_invite.c -- rte invite: places a call, does what --do says, and hangs up (cli.md section
 * 8; rows SS-) */
#include "call.h"
#include "exit.h"
#include "target.h"
#include "value.h"

#include <string.h>

enum { RING_MS = 60000 };

struct args {
	struct call_options options;
	const char *ring_timeout, *duration, *cancel_after, *replaces, *privacy;

	uint64_t ring_ms, duration_ms, cancel_ms;
	bool cancel_early; /* --cancel-after=1xx */
	struct str target;
	struct endpoint_header headers[3];

	struct run *run;
	struct calls calls;
	struct call *call; /* the one that was asked for; NULL when it has ended */
	ev_timer timer; /* --cancel-after, then --duration */
	bool lasted, stepped; /* --duration is over, the steps are done */
};

/* ---- the call ---- */

/* It has lasted as long as it should, and nothing is left to do. */
static void hang_up(struct args *a)
{
	if (a->lasted && a->stepped)
		call_all_stop(&a->calls);
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct args *a = CONTAINER_OF(w, struct args, timer);

	(void)revents;
	ev_timer_stop(loop, w);
	if (a->call && !a->call->confirmed) {
		out_note(a->run->out, "--cancel-after is over");
		call_stop(a->call);
		return;
	}
	a->lasted = true;
	hang_up(a);
}

static void on_steps_over(struct call *c)
{
	struct args *a = c->calls->arg;

	a->stepped = true;
	if (a->calls.failed != EXIT_ok)
		call_all_stop(&a->calls);
	else
		hang_up(a);
}

/* For the end record: the answer, not what was answered to the BYE. */
static void keep_result(struct run *r, const struct endpoint_session *s)
{
	const struct endpoint_msg answer = {
		.status_code = s->status_code,
		.rtt_ms = -1,
	};
	struct endpoint_result result = {
		.response = &answer,
		.cause = "",
		.times = { -1, -1, -1, -1, s->setup_ms },
	};

	if (s->times)
		result.times = *s->times;
	if (s->counts)
		result.counts = *s->counts;
	run_result(r, &result);
}

static void on_session(struct args *a, struct call *c, const struct endpoint_session *s)
{
	bool provisional = strcmp(s->state, "proceeding") == 0 || strcmp(s->state, "early") == 0;

	if (c != a->call || s->extra)
		return;
	if (provisional && a->cancel_early && !c->stopping) {
		call_stop(c);
	} else if (c->confirmed && !a->run->goal) {
		a->run->goal = true;
		keep_result(a->run, s);
		ev_timer_stop(endpoint_loop(), &a->timer);
		if (a->duration_ms)
			net_timer_set(endpoint_loop(), &a->timer, net_now_ms() + a->duration_ms);
		else
			a->lasted = true;
	}
}

/* A BYE that nobody answers: the call is over, and not as it should be. 481 crossed the peer's BYE.
 */
static void bye_failed(struct args *a, const struct endpoint_result *result)
{
	const struct endpoint_msg *m = result ? result->response : NULL;

	if (!result || (m && (m->status_code < 300 || m->status_code == 481)) || a->run->stopping)
		return;
	if (m)
		out_warn(
			a->run->out, "BYE: %u " STR_FMT, m->status_code, STR_ARG(m->reason_phrase));
	else if (result->fail.code == -FAIL_TIMEOUT)
		call_failed(&a->calls,
			&(struct call_failure){
				.what = "BYE", .why = "nobody answered it", .code = EXIT_timeout });
	else
		call_failed(&a->calls, &(struct call_failure){ .what = "BYE", .result = result });
}

/* A call has ended. Another one lives on if a transfer was followed, or if it was one that failed.
 */
static void on_end(struct args *a, struct call *c, const struct endpoint_event *ev)
{
	struct run *r = a->run;
	bool first = c == a->call, transferred = false, lost = ev->type == ENDPOINT_FAILED;

	if (first)
		a->call = NULL;
	LIST_EACH (it, &a->calls.list)
		transferred = transferred || CONTAINER_OF(it, struct call, node)->from == c;
	if (!lost && c->stopping)
		bye_failed(a, ev->result);
	if (call_all_count(&a->calls) == 0) {
		if (first && lost)
			run_failed(r, ev->result);
		else
			run_finish(r, EXIT_ok);
		return;
	}
	if (first && lost)
		call_failed(&a->calls,
			&(struct call_failure){ .what = "the call", .result = ev->result });
	if (first && (lost || !transferred))
		call_all_stop(&a->calls);
	else
		hang_up(a);
}

static void on_event(struct call *c, const struct endpoint_event *ev)
{
	struct args *a = c->calls->arg;

	if (ev->type == ENDPOINT_SESSION)
		on_session(a, c, ev->session);
	else if (ev->type == ENDPOINT_FAILED || ev->type == ENDPOINT_CLOSED)
		on_end(a, c, ev);
}

/* While we call, nobody calls us. */
static void on_incoming(struct run *r, const struct endpoint_event *ev)
{
	struct fail f = { 0 };

	if (ev->type == ENDPOINT_INCOMING && !ev->incoming->request)
		session_reject(ev->incoming->session, 486, STR_EMPTY, NULL, 0, &f);
	else if (ev->type == ENDPOINT_INCOMING)
		call_message(r, ev);
}

/* ---- the command ---- */

static struct session_config config_of(const struct args *a)
{
	return call_config(&a->calls, a->target);
}

static int start(struct run *r, struct fail *f)
{
	struct args *a = r->arg;
	struct session_config config = config_of(a);

	if (a->cancel_ms)
		net_timer_set(endpoint_loop(), &a->timer, net_now_ms() + a->cancel_ms);
	return call_place(&a->calls, &config, &a->call, f);
}

static void stop(struct run *r)
{
	struct args *a = r->arg;

	if (call_all_count(&a->calls) == 0)
		run_finish(r, EXIT_ok);
	else
		call_all_stop(&a->calls);
}

static void dry_run(struct args *a)
{
	CLEANUP(buf_done) struct buf wire = BUF_INIT(1 << 20);
	struct session_config config = config_of(a);
	struct run *r = a->run;
	struct fail f = { 0 };
	int e;

	config.policy.media = a->calls.media;
	e = session_dry_run(&config, &wire, &f);
	run_unsent(r, e, buf_str(&wire), &f);
}

/* What needs the endpoint; prints its own errors. */
static bool prepare(struct args *a, struct run *r)
{
	struct fail f = { 0 };
	int e;

	a->run = r;
	ev_init(&a->timer, on_timer);
	if (target_request(r, STR("INVITE"), r->g->args.v[0], &a->target, &f) != 0) {
		run_finish(r, run_usage(r, "%s", fail_show(&f)));
		return false;
	}
	if ((e = call_all_init(&a->calls, r, &a->options, &f)) != 0) {
		out_error(r->out, exit_of_fail(e), fail_show(&f), NULL);
		run_finish(r, exit_of_fail(e));
		return false;
	}
	a->calls.ring_ms = a->ring_ms;
	a->calls.on_event = on_event;
	a->calls.on_steps_over = on_steps_over;
	a->calls.arg = a;
	return true;
}

static int go(struct args *a, struct groups *g)
{
	const struct run_config config = {
		.g = g,
		.target = g->args.v[0],
		.start = start,
		.stop = stop,
		.methods = "INVITE,MESSAGE,INFO",
		.on_incoming = on_incoming,
		.exit_of = exit_of_call,
		.arg = a,
	};
	struct run r;
	int code = run_init(&r, &config);

	if (code != OPT_GO_ON)
		return code;
	if (prepare(a, &r)) {
		if (g->dry_run)
			dry_run(a);
		else
			run_loop(&r);
		ev_timer_stop(endpoint_loop(), &a->timer);
	}
	call_all_done(&a->calls);
	return run_done(&r);
}

/* ---- values of options ---- */

static int cancel_after(struct args *a, struct fail *f)
{
	int e;

	if (!a->cancel_after)
		return 0;
	if (strcmp(a->cancel_after, "1xx") == 0) {
		a->cancel_early = true;
		return 0;
	}
	if ((e = value_ms("--cancel-after", a->cancel_after, 0, &a->cancel_ms, f)) != 0)
		return e;
	return a->cancel_ms ? 0
			    : fail_set(f, -FAIL_ARGUMENT,
				      "--cancel-after: neither 1xx nor a time above 0");
}

static void add_header(struct args *a, struct str name, const char *value)
{
	struct session_policy *p = &a->options.policy;

	p->headers = a->headers;
	a->headers[p->header_count++] =
		(struct endpoint_header){ ENDPOINT_HEADER_SET, name, str_of(value) };
}

/* RFC 3891: which dialog of the callee this call takes the place of. */
static int replaces(struct args *a, struct fail *f)
{
	int e;

	if (!a->replaces)
		return 0;
	if ((e = value_clean("--replaces", a->replaces, f)) != 0)
		return e;
	if (!refer_is_replaces(str_of(a->replaces)))
		return fail_set(
			f, -FAIL_ARGUMENT, "--replaces: not CALL-ID;to-tag=TAG;from-tag=TAG");
	add_header(a, STR("Replaces"), a->replaces);
	return 0;
}

/* RFC 3323 section 4.2, RFC 3325, RFC 7044: the header field has semicolons. */
static int privacy(struct args *a, struct groups *g, struct fail *f)
{
	static const char words[] = "id|user|header|session|history|critical|none";
	static const char *const names[] = { "id", "user", "header", "session", "history",
		"critical", "none" };
	CLEANUP(buf_done) struct buf b = BUF_INIT(1 << 10);
	struct value_list list;
	int e = value_words("--privacy", a->privacy, words, &list, f);

	if (e || list.n == 0)
		return e;
	for (unsigned i = 0; i < list.n; i++) {
		if (list.v[i] == (int)ARRAY_LEN(names) - 1 && list.n > 1)
			return fail_set(f, -FAIL_ARGUMENT, "--privacy: none with another word");
		buf_addf(&b, "%s%s", i ? ";" : "", names[list.v[i]]);
	}
	add_header(a, STR("Privacy"), arena_str(&g->arena, buf_str(&b)).p);
	return 0;
}

static int values(struct groups *g, struct args *a, struct fail *f)
{
	int e;

	if ((e = value_ms("--ring-timeout", a->ring_timeout, RING_MS, &a->ring_ms, f)) != 0 ||
		(e = value_ms("--duration", a->duration, 0, &a->duration_ms, f)) != 0 ||
		(e = cancel_after(a, f)) != 0 || (e = replaces(a, f)) != 0 ||
		(e = privacy(a, g, f)) != 0)
		return e;
	if (a->ring_ms == 0)
		return fail_set(f, -FAIL_ARGUMENT, "--ring-timeout: the time must be more than 0");
	if (g->data || g->type)
		return fail_set(f, -FAIL_ARGUMENT, "--%s: the body of an INVITE is --sdp",
			g->data ? "data" : "type");
	return call_options_read(&a->options, g, true, f);
}

int cmd_invite(const struct cmd *cmd, int argc, const char **argv, struct groups *g)
{
	struct args a = { .ring_timeout = NULL };
	const struct poptOption own[] = { { "sdp", 0, POPT_ARG_STRING, &a.options.sdp, 0,
						  "description in place of the built-in one",
						  "FILE|cmd:COMMAND|none|late" },
		{ "ring-timeout", 0, POPT_ARG_STRING, &a.ring_timeout, 0,
			"CANCEL when nobody answers for so long (60s)", "T" },
		{ "duration", 0, POPT_ARG_STRING, &a.duration, 0,
			"hang up so long after the answer (0)", "T" },
		{ "cancel-after", 0, POPT_ARG_STRING, &a.cancel_after, 0,
			"CANCEL after a time, or when it rings", "T|1xx" },
		{ "session-expires", 0, POPT_ARG_STRING, &a.options.session_expires, 0,
			"session timer (RFC 4028)", "T[;uac|;uas]" },
		{ "replaces", 0, POPT_ARG_STRING, &a.replaces, 0,
			"take the place of this dialog (RFC 3891)",
			"CALL-ID;to-tag=TAG;from-tag=TAG" },
		{ "privacy", 0, POPT_ARG_STRING, &a.privacy, 0,
			"Privacy: id user header session history critical none", "LIST" },
		CALL_ROWS(a.options), POPT_TABLEEND };
	const struct opt_spec spec = {
		.cmd = cmd, .own = own, .groups = GROUP_ALL, .min_args = 1, .max_args = 1
	};
	struct fail f = { 0 };
	int e, code = opt_parse(&spec, argc, argv, g);

	if (code != OPT_GO_ON)
		return code;
	e = values(g, &a, &f);
	return e ? opt_failed(g, e, &f) : go(&a, g);
}
