/* cli/cmd_options.c -- rte options: one probe, many probes with statistics, and the trace of a
 * route by Max-Forwards (cli.md section 8) */
#include "base/list.h"
#include "base/mem.h"
#include "exit.h"
#include "nagios.h"
#include "run.h"
#include "stats.h"
#include "target.h"
#include "value.h"

#include <string.h>

enum { TIMEOUT_MS = 5000, COUNT_MAX = 1000000, HOPS = 30 };

struct args {
	const char *count_text, *interval_text, *max_hops_text, *min_ok_text;
	const char *nagios_limits;
	int trace_route, nagios_wanted;

	uint64_t interval_ms;
	uint32_t count, max_hops, min_ok;
	struct str *targets; /* URIs */
	struct str body;
	bool many; /* -c, or several targets: one line each, and a summary */

	struct run *run;
	ev_timer timer; /* the next round of many */
	unsigned round; /* rounds that were sent */
	struct list probes; /* on their way */
	struct stats stats;
	struct nagios nagios;
	unsigned hop; /* of --trace-route: its Max-Forwards */
};

struct probe {
	struct list node;
	struct args *args;
	const struct str *target;
	unsigned seq;
	struct request *request;
};

static void probe_free(struct probe *p)
{
	list_del(&p->node);
	request_free(p->request);
	mem_free(p);
}

static void free_probes(struct args *a)
{
	LIST_EACH (it, &a->probes)
		probe_free(CONTAINER_OF(it, struct probe, node));
	ev_timer_stop(endpoint_loop(), &a->timer);
}

static struct request_config request_of(const struct args *a, const struct str *target)
{
	const struct run *r = a->run;
	const char *type = r->g->type ? r->g->type : "text/plain";

	return (struct request_config){
		.endpoint = r->endpoint,
		.method = STR("OPTIONS"),
		.target = *target,
		.body = a->body,
		.type = a->body.n ? str_of(type) : STR_EMPTY,
		.max_forwards = a->trace_route ? (int)a->hop : r->max_forwards,
		.timeout_ms = r->timeout_ms,
		.follow = r->follow,
		.retry = r->retry,
		.fixed_target = a->many || a->trace_route, /* ruling 4 */
	};
}

/* Sends a probe; what it comes to is told to fn. */
static int probe_start(struct args *a, unsigned i, endpoint_event_fn *fn, struct fail *f)
{
	struct request_config config = request_of(a, &a->targets[i]);
	struct probe *p = MEM_NEW(struct probe);
	int e;

	p->args = a;
	p->target = &a->targets[i];
	p->seq = a->round;
	list_init(&p->node);
	list_add(&a->probes, &p->node);
	config.on_event = fn;
	config.arg = p;
	if ((e = request_start(&config, &p->request, f)) != 0)
		probe_free(p);
	return e;
}

static void show(const struct probe *p, const struct endpoint_result *result, int code)
{
	const struct args *a = p->args;
	struct run *r = a->run;
	const struct out_probe line = {
		.seq = a->many ? p->seq : 0,
		.hop = a->trace_route ? a->hop + 1 : 0,
		.target = r->g->args.n > 1 ? r->g->args.v[p->target - a->targets] : NULL,
		.with_server = !a->many,
		.result = result,
		.code = code,
		.ms = result->response ? result->response->rtt_ms : -1,
		.timeout_ms = r->timeout_ms,
	};

	out_probe(r->out, &line);
}

/* ---- one probe ---- */

static void on_single(void *arg, const struct endpoint_event *ev)
{
	struct probe *p = arg;
	struct run *r = p->args->run;
	bool refused = ev->type == ENDPOINT_FAILED && ev->result->response;

	/* a status that --expect asks about is a result and no error */
	if (ev->type == ENDPOINT_DONE)
		show(p, ev->result, EXIT_ok);
	else if (refused && check_expects(r->check, 0) && !out_is_json(r->out))
		show(p, ev->result, exit_of_result(ev->result));
	run_event(r, ev);
}

/* ---- many ---- */

static void next_round(struct args *a);

/* All were sent and ended, or are given up. */
static void finish_many(struct args *a, bool complete)
{
	struct run *r = a->run;
	int code = a->stats.first_failure;
	char text[120];

	free_probes(a);
	stats_finish(&a->stats);
	out_summary(r->out, &a->stats.sum);
	if (a->min_ok && complete && a->stats.sum.ok >= a->min_ok)
		code = EXIT_ok;
	if (code && r->g->quiet && !r->g->json) {
		snprintf(text, sizeof(text), "%u of %u requests failed", a->stats.sum.failed,
			a->stats.sum.sent);
		out_error(r->out, code, text, NULL);
	}
	r->goal = complete;
	run_finish(r, code);
}

static void tell_progress(const struct args *a)
{
	const struct out_summary *s = &a->stats.sum;

	out_progress(a->run->out, s->sent, a->count * a->run->g->args.n, s->failed);
}

static void on_probe(void *arg, const struct endpoint_event *ev)
{
	struct probe *p = arg;
	struct args *a = p->args;
	int code;

	if (ev->type != ENDPOINT_DONE && ev->type != ENDPOINT_FAILED) {
		out_event(a->run->out, ev);
		return;
	}
	run_result(a->run, ev->result);
	code = run_judge(a->run, ev->result);
	stats_add(&a->stats, ev->result, code);
	tell_progress(a);
	show(p, ev->result, code);
	probe_free(p);
	if (!list_empty(&a->probes))
		return;
	if (a->round == a->count)
		finish_many(a, true);
	else if (a->interval_ms == 0)
		net_later(endpoint_loop(), &a->timer);
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct args *a = CONTAINER_OF(w, struct args, timer);

	(void)loop;
	(void)revents;
	next_round(a);
}

/* A request to each target. */
static void next_round(struct args *a)
{
	struct run *r = a->run;
	struct fail f = { 0 };

	a->round++;
	if (a->round == a->count)
		ev_timer_stop(endpoint_loop(), &a->timer);
	for (unsigned i = 0; i < r->g->args.n; i++) {
		int e = probe_start(a, i, on_probe, &f);

		if (e == 0)
			continue;
		out_error(r->out, exit_of_fail(e), fail_show(&f), NULL);
		run_finish(r, exit_of_fail(e));
		return;
	}
}

static void start_many(struct args *a)
{
	if (a->interval_ms > 0 && a->count > 1) {
		a->timer.repeat = (double)a->interval_ms / 1000;
		ev_timer_again(endpoint_loop(), &a->timer);
	}
	tell_progress(a);
	next_round(a);
}

/* ---- the route ---- */

static void on_hop(void *arg, const struct endpoint_event *ev)
{
	struct probe *p = arg;
	struct args *a = p->args;
	struct run *r = a->run;
	struct fail f = { 0 };
	const struct endpoint_msg *m = ev->type == ENDPOINT_FAILED ? ev->result->response : NULL;
	bool further = m && m->status_code == 483 && a->hop + 1 < a->max_hops;
	int e;

	if (ev->type == ENDPOINT_DONE || m)
		if (!out_is_json(r->out))
			show(p, ev->result, exit_of_result(ev->result));
	if (!further) {
		run_event(r, ev);
		return;
	}
	run_result(r, ev->result);
	probe_free(p);
	a->hop++;
	e = probe_start(a, 0, on_hop, &f);
	if (e == 0)
		return;
	out_error(r->out, exit_of_fail(e), fail_show(&f), NULL);
	run_finish(r, exit_of_fail(e));
}

/* ---- the command ---- */

static int start(struct run *r, struct fail *f)
{
	struct args *a = r->arg;

	free_probes(a);
	if (!a->many)
		return probe_start(a, 0, a->trace_route ? on_hop : on_single, f);
	start_many(a);
	return 0;
}

static void stop(struct run *r)
{
	struct args *a = r->arg;

	if (a->many)
		finish_many(a, false);
	else
		run_finish(r, EXIT_ok);
}

static int targets(struct args *a, struct run *r)
{
	struct groups *g = r->g;
	struct fail f = { 0 };

	a->targets = arena_zalloc(&g->arena, g->args.n * sizeof(*a->targets));
	for (unsigned i = 0; i < g->args.n; i++)
		if (target_request(r, STR("OPTIONS"), g->args.v[i], &a->targets[i], &f) != 0)
			return run_usage(r, "%s", fail_show(&f));
	return EXIT_ok;
}

static void dry_run(struct args *a)
{
	struct run *r = a->run;
	struct fail f = { 0 };

	for (unsigned i = 0; i < r->g->args.n; i++) {
		CLEANUP(buf_done) struct buf wire = BUF_INIT(8 << 20);
		const struct request_config config = request_of(a, &a->targets[i]);
		int e = request_dry_run(&config, &wire, &f);

		run_unsent(r, e, buf_str(&wire), &f);
	}
}

static int values(struct groups *g, struct args *a, struct fail *f)
{
	uint64_t items;
	int e;

	if ((e = value_number("--count", a->count_text, (struct value_range){ 1, COUNT_MAX, 1 },
		     &a->count, f)) != 0 ||
		(e = value_ms("--interval", a->interval_text, 1000, &a->interval_ms, f)) != 0 ||
		(e = value_number("--max-hops", a->max_hops_text,
			 (struct value_range){ 1, 256, HOPS }, &a->max_hops, f)) != 0)
		return e;
	items = (uint64_t)a->count * g->args.n;
	if (items > UINT32_MAX)
		return fail_set(f, -FAIL_ARGUMENT, "--count: too many requests in all");
	if ((e = value_number("--min-ok", a->min_ok_text,
		     (struct value_range){ 1, (uint32_t)items, 0 }, &a->min_ok, f)) != 0 ||
		(e = value_data("--data", g->data, &g->arena, &a->body, f)) != 0 ||
		(e = nagios_limits_parse(a->nagios_limits, &a->nagios, f)) != 0)
		return e;
	a->many = a->count_text || g->args.n > 1;
	if (a->interval_text && !a->count_text)
		return fail_set(f, -FAIL_ARGUMENT, "--interval without --count");
	if (a->min_ok && !a->many)
		return fail_set(f, -FAIL_ARGUMENT, "--min-ok without --count");
	if (a->max_hops_text && !a->trace_route)
		return fail_set(f, -FAIL_ARGUMENT, "--max-hops without --trace-route");
	if (a->trace_route && a->many)
		return fail_set(
			f, -FAIL_ARGUMENT, "--trace-route takes one target, and no --count");
	if (a->nagios_wanted && (g->json || g->dry_run || a->trace_route))
		return fail_set(f, -FAIL_ARGUMENT, "--nagios with %s",
			g->json      ? "--json"
			: g->dry_run ? "--dry-run"
				     : "--trace-route");
	if (a->nagios_limits && !a->nagios_wanted)
		return fail_set(f, -FAIL_ARGUMENT, "--nagios-limits without --nagios");
	if (a->trace_route && g->max_forwards)
		return fail_set(f, -FAIL_ARGUMENT, "--max-forwards with --trace-route");
	return 0;
}

static int go(struct args *a, struct groups *g)
{
	const struct run_config config = {
		.g = g,
		.target = g->args.n == 1 ? g->args.v[0] : NULL,
		.timeout_ms = TIMEOUT_MS,
		.nagios = a->nagios_wanted ? &a->nagios : NULL,
		.start = start,
		.stop = stop,
		.arg = a,
	};
	struct run r;
	int code = run_init(&r, &config);

	if (code != OPT_GO_ON)
		return code;
	a->run = &r;
	list_init(&a->probes);
	ev_init(&a->timer, on_timer);
	code = targets(a, &r);
	if (code != EXIT_ok)
		run_finish(&r, code);
	else if (g->dry_run)
		dry_run(a);
	else
		run_loop(&r);
	free_probes(a);
	stats_done(&a->stats);
	return run_done(&r);
}

int cmd_options(const struct cmd *cmd, int argc, const char **argv, struct groups *g)
{
	struct args a = { .nagios.ms = -1 };
	const struct poptOption own[] = { { "count", 'c', POPT_ARG_STRING, &a.count_text, 0,
						  "requests to send to each target (1)", "COUNT" },
		{ "interval", 'i', POPT_ARG_STRING, &a.interval_text, 0,
			"between them (1s; 0: one after another)", "T" },
		{ "min-ok", 0, POPT_ARG_STRING, &a.min_ok_text, 0,
			"so many 2xx are a success (all)", "N" },
		{ "trace-route", 0, POPT_ARG_NONE, &a.trace_route, 0,
			"Max-Forwards 0, 1, 2 ... : who is on the way", NULL },
		{ "nagios", 0, POPT_ARG_NONE, &a.nagios_wanted, 0,
			"one line and an exit code of 0 to 3 for monitoring", NULL },
		{ "nagios-limits", 0, POPT_ARG_STRING, &a.nagios_limits, 0,
			"WARNING and CRITICAL above these times", "MS,MS" },
		{ "max-hops", 0, POPT_ARG_STRING, &a.max_hops_text, 0, "of --trace-route (30)",
			"N" },
		POPT_TABLEEND };
	const struct opt_spec spec = {
		.cmd = cmd, .own = own, .groups = GROUP_ALL, .min_args = 1, .max_args = -1
	};
	struct fail f = { 0 };
	int e, code = opt_parse(&spec, argc, argv, g);

	if (code != OPT_GO_ON)
		return code;
	e = values(g, &a, &f);
	return e ? opt_failed(g, e, &f) : go(&a, g);
}
