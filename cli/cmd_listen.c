/* cli/cmd_listen.c -- rte listen: waits for requests and calls, and answers them (rows PP-06, ME-08
 * to ME-10, AR-; cli.md section 8) */
#include "answer.h"
#include "exit.h"
#include "ready.h"
#include "value.h"

#include <stdio.h>
#include <string.h>

enum { HOPS = 64, COUNT_MAX = 1000000000, GRACE_MS = 3000, LOOK_MS = 20 };

struct args {
	const char *count_text, *duration, *ready_file, *ready_fd;
	int once;
	struct answer_options answer;
	struct call_options call;

	uint32_t count; /* 0: no end */
	uint64_t for_ms;
	struct ready ready;

	struct run *run;
	struct calls calls;
	struct answers answers;
	ev_timer timer; /* --for, then the time that calls have to end */
	uint32_t taken;
	bool announced, ending;
	int code; /* to end with */
	uint64_t deadline; /* then nothing is waited for any more */
};

/* ---- the end ---- */

static uint64_t grace_ms(const struct run *r)
{
	return r->timeout_ms < GRACE_MS ? r->timeout_ms : GRACE_MS;
}

/* All calls are over, who sent a REFER has heard what came of it, and refusals have arrived. */
static bool is_idle(const struct args *a)
{
	return call_all_count(&a->calls) == 0 && list_empty(&a->calls.transfers) &&
	       endpoint_manager_unacked(a->run->manager) == 0;
}

/* Hangs up what is there; the loop is left when all is over. */
static void end(struct args *a, int code)
{
	if (a->ending)
		return;
	a->ending = true;
	a->code = code;
	answer_stop(&a->answers);
	call_all_stop(&a->calls);
	a->deadline = net_now_ms() + grace_ms(a->run);
	if (is_idle(a))
		run_finish(a->run, code);
	else
		net_timer_set(endpoint_loop(), &a->timer, net_now_ms() + LOOK_MS);
}

static void took(struct args *a)
{
	a->taken++;
	if (a->count == 0 || a->taken < a->count)
		return;
	a->run->goal = true;
	end(a, EXIT_ok);
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct args *a = CONTAINER_OF(w, struct args, timer);
	char text[120];

	(void)revents;
	ev_timer_stop(loop, w);
	if (a->ending) {
		if (is_idle(a) || net_now_ms() >= a->deadline)
			run_finish(a->run, a->code);
		else
			net_timer_set(loop, w, net_now_ms() + LOOK_MS);
		return;
	}
	if (a->count == 0) {
		end(a, EXIT_ok);
		return;
	}
	snprintf(text, sizeof(text), "%u of %u requests within --for=%.40s", a->taken, a->count,
		a->duration);
	out_error(a->run->out, EXIT_timeout, text, NULL);
	end(a, EXIT_timeout);
}

/* ---- events ---- */

static void on_taken(struct answers *as)
{
	took(as->arg);
}

static void on_call_event(struct call *c, const struct endpoint_event *ev)
{
	struct args *a = c->calls->arg;

	if (ev->type != ENDPOINT_FAILED && ev->type != ENDPOINT_CLOSED)
		return;
	if (answer_ended(&a->answers, c, ev))
		took(a);
	if (a->ending && is_idle(a))
		run_finish(a->run, a->code);
}

static void on_incoming(struct run *r, const struct endpoint_event *ev)
{
	struct args *a = r->arg;

	if (!a->ending && ev->type == ENDPOINT_INCOMING)
		check_message(r->check, ev->incoming->msg);
	if (!a->ending)
		answer_event(&a->answers, ev);
	else if (ev->type == ENDPOINT_INCOMING && ev->incoming->request)
		incoming_answer(ev->incoming->request, &(struct incoming_answer){ .status = 480 });
}

/* ---- its life ---- */

/* Section 14: the record was written when the sockets were bound. */
static int announce(struct args *a, struct fail *f)
{
	struct endpoint_hop hops[HOPS];
	char texts[HOPS][NET_ADDR_TEXT];
	unsigned n = 0;

	if (a->announced)
		return 0;
	a->announced = true;
	while (n < HOPS && endpoint_manager_listener(a->run->manager, n, texts[n], &hops[n]))
		n++;
	return ready_tell(&a->ready, hops, n, f);
}

static int start(struct run *r, struct fail *f)
{
	struct args *a = r->arg;
	int e = announce(a, f);

	check_requests(r->check);
	if (e != 0)
		return e;
	r->goal = a->count == 0;
	if (a->for_ms)
		net_timer_set(endpoint_loop(), &a->timer, net_now_ms() + a->for_ms);
	return 0;
}

static void stop(struct run *r)
{
	end(r->arg, EXIT_ok);
}

static int begin(struct args *a)
{
	struct run *r = a->run;
	const struct groups *g = r->g;
	struct fail f = { 0 };
	int e;

	/* ruling 20: nobody would find us */
	if (r->kind == ENDPOINT_SERVER_BASED && !g->register_first && g->listen.n == 0)
		e = fail_set(&f, -FAIL_ARGUMENT, "--server: add --register or --listen");
	else
		e = call_all_init(&a->calls, r, &a->call, &f);
	if (e != 0) {
		out_error(r->out, exit_of_fail(e), fail_show(&f), NULL);
		run_finish(r, exit_of_fail(e));
		return e;
	}
	a->calls.on_event = on_call_event;
	a->calls.arg = a;
	answer_init(&a->answers, r, &a->calls, &a->answer);
	a->answers.on_taken = on_taken;
	a->answers.arg = a;
	return 0;
}

static int go(struct args *a, struct groups *g)
{
	const struct run_config config = {
		.g = g,
		.keeps = true,
		.methods = answer_methods(&a->answer),
		.listens = true,
		.on_incoming = on_incoming,
		.start = start,
		.stop = stop,
		.exit_of = exit_of_call,
		.arg = a,
	};
	struct run r;
	int code = run_init(&r, &config);

	if (code != OPT_GO_ON)
		return code;
	a->run = &r;
	ev_init(&a->timer, on_timer);
	if (begin(a) == 0 && !g->dry_run)
		run_loop(&r);
	ev_timer_stop(endpoint_loop(), &a->timer);
	answer_done(&a->answers);
	call_all_done(&a->calls);
	return run_done(&r);
}

/* ---- values of options ---- */

static int values(struct groups *g, struct args *a, struct fail *f)
{
	int e;

	if ((e = value_number("--count", a->count_text, (struct value_range){ 1, COUNT_MAX, 0 },
		     &a->count, f)) != 0 ||
		(e = value_ms("--for", a->duration, 0, &a->for_ms, f)) != 0 ||
		(e = ready_fd(a->ready_fd, &a->ready.fd, f)) != 0 ||
		(e = answer_options_read(&a->answer, g, f)) != 0 ||
		(e = call_options_read(&a->call, g, false, f)) != 0)
		return e;
	a->ready.file = a->ready_file;
	if (g->expect)
		return fail_set(f, -FAIL_ARGUMENT,
			"--expect: rte listen answers; it checks requests with --expect-header "
			"and --expect-body");
	if (a->duration && a->for_ms == 0)
		return fail_set(f, -FAIL_ARGUMENT, "--for: the time must be more than 0");
	if (a->once && a->count_text)
		return fail_set(f, -FAIL_ARGUMENT, "--once with --count");
	if (a->once)
		a->count = 1;
	if (opt_on_line(g, "data"))
		return fail_set(f, -FAIL_ARGUMENT, "--data: listen sends no body");
	return 0;
}

int cmd_listen(const struct cmd *cmd, int argc, const char **argv, struct groups *g)
{
	struct args a = { .ready = { .fd = -1 } };
	const struct poptOption own[] = { { "count", 'c', POPT_ARG_STRING, &a.count_text, 0,
						  "end after so many requests", "COUNT" },
		{ "once", 0, POPT_ARG_NONE, &a.once, 0, "the same as --count=1", NULL },
		{ "for", 0, POPT_ARG_STRING, &a.duration, 0, "end after this time", "T" },
		ANSWER_ROWS(a.answer),
		{ "sdp", 0, POPT_ARG_STRING, &a.call.sdp, 0,
			"description in place of the built-in one", "FILE|cmd:COMMAND|none" },
		{ "session-expires", 0, POPT_ARG_STRING, &a.call.session_expires, 0,
			"session timer (RFC 4028)", "T" },
		CALL_ROWS(a.call),
		{ "ready-file", 0, POPT_ARG_STRING, &a.ready_file, 0,
			"its addresses, when it is ready", "FILE" },
		{ "ready-fd", 0, POPT_ARG_STRING, &a.ready_fd, 0,
			"the same on one line to a descriptor", "N" },
		POPT_TABLEEND };
	const struct opt_spec spec = { .cmd = cmd, .own = own, .groups = GROUP_ALL };
	struct fail f = { 0 };
	int e, code = opt_parse(&spec, argc, argv, g);

	if (code != OPT_GO_ON)
		return code;
	e = values(g, &a, &f);
	return e ? opt_failed(g, e, &f) : go(&a, g);
}
