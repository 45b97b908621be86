/* cli/cmd_message.c -- rte message: MESSAGE outside of dialogs (RFC 3428), one, or one to each of
 * many over shared connections (rows ME-, PP-19) */
#include "base/list.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/utf8.h"
#include "endpoint/cpim.h"
#include "exit.h"
#include "run.h"
#include "stats.h"
#include "targets.h"
#include "value.h"

#include <string.h>
#include <time.h>

enum {
	BODY_MAX = 8 << 20,
	WINDOW = 100, /* on their way at once: what a socket's buffer holds */
	WINDOW_RATE = 10000, /* with --rate, which bounds them by itself */
	RATE_MAX = 100000,
	CATCH_UP_US = 100000, /* so much of what --rate has missed is made good */
};

struct args {
	const char *each, *rate_text, *imdn;
	int cpim;

	struct str body;
	const char *type;
	unsigned notify; /* set of CPIM_x */
	uint32_t rate; /* a second; 0: as fast as answers come */
	uint32_t window;
	struct targets targets; /* many: one line each, and a summary */

	struct run *run;
	struct list messages; /* on their way */
	unsigned sent, outstanding;
	ev_timer timer; /* --rate */
	uint64_t due_us; /* when the next one is due */
	struct stats stats;
};

struct message {
	struct list node;
	struct args *args;
	unsigned index; /* of its target */
	struct request *request;
};

static void message_free(struct message *m)
{
	list_del(&m->node);
	request_free(m->request);
	mem_free(m);
}

static void free_messages(struct args *a)
{
	LIST_EACH (it, &a->messages)
		message_free(CONTAINER_OF(it, struct message, node));
	a->outstanding = 0;
	ev_timer_stop(endpoint_loop(), &a->timer);
}

/* ---- what is sent ---- */

/* The URI of --from=NAME-ADDR, else the endpoint's. */
static struct str sender(const struct run *r)
{
	struct str before, uri;

	if (!r->g->from)
		return endpoint_uri(r->endpoint);
	if (str_cut(str_of(r->g->from), '<', &before, &uri))
		return str_sub(uri, 0, str_find(uri, '>'));
	return str_of(r->g->from);
}

static void wrap(const struct args *a, struct str to, struct buf *out)
{
	const struct run *r = a->run;
	char id[33];

	text_token(id, sizeof(id) - 1);
	cpim_write(
		&(struct cpim){
			.from_name = str_of(r->g->display_name),
			.from = sender(r),
			.to = to,
			.time = time(NULL),
			.notify = a->notify,
			.message_id = str_of(id),
			.type = str_of(a->type),
			.body = a->body,
		},
		out);
}

/* wrapped: room for the body of --cpim, which the configuration points into. */
static struct request_config request_of(const struct args *a, struct str to, struct buf *wrapped)
{
	const struct run *r = a->run;
	struct request_config config = {
		.endpoint = r->endpoint,
		.method = STR("MESSAGE"),
		.target = to,
		.body = a->body,
		.type = str_of(a->type),
		.max_forwards = r->max_forwards,
		.timeout_ms = r->timeout_ms,
		.follow = r->follow,
		.retry = r->retry,
	};

	if (a->cpim) {
		wrap(a, to, wrapped);
		config.body = buf_str(wrapped);
		config.type = STR("message/cpim");
	}
	return config;
}

static int send_next(struct args *a, endpoint_event_fn *fn, struct fail *f)
{
	CLEANUP(buf_done) struct buf wrapped = BUF_INIT(BODY_MAX);
	struct request_config config = request_of(a, a->targets.v[a->sent].uri, &wrapped);
	struct message *m = MEM_NEW(struct message);
	int e;

	m->args = a;
	m->index = a->sent++;
	list_init(&m->node);
	list_add(&a->messages, &m->node);
	a->outstanding++;
	config.on_event = fn;
	config.arg = m;
	if ((e = request_start(&config, &m->request, f)) != 0) {
		message_free(m);
		a->outstanding--;
	}
	return e;
}

static void show(const struct message *m, const struct endpoint_result *result, int code)
{
	const struct args *a = m->args;
	const struct out_probe line = {
		.seq = a->targets.many ? m->index + 1 : 0,
		.target = a->targets.many ? a->targets.v[m->index].text : NULL,
		.result = result,
		.code = code,
		.ms = result->response ? result->response->rtt_ms : -1,
		.timeout_ms = a->run->timeout_ms,
	};

	out_probe(a->run->out, &line);
}

/* ---- one ---- */

static void on_single(void *arg, const struct endpoint_event *ev)
{
	struct message *m = arg;
	struct run *r = m->args->run;
	bool refused = ev->type == ENDPOINT_FAILED && ev->result->response;

	/* a status that --expect asks about is a result and no error */
	if (ev->type == ENDPOINT_DONE)
		show(m, ev->result, EXIT_ok);
	else if (refused && check_expects(r->check, 0) && !out_is_json(r->out))
		show(m, ev->result, exit_of_result(ev->result));
	run_event(r, ev);
}

/* ---- many ---- */

/* All were sent and ended, or are given up. */
static void finish(struct args *a, bool complete)
{
	struct run *r = a->run;
	int code = a->stats.first_failure;

	free_messages(a);
	stats_finish(&a->stats);
	out_summary(r->out, &a->stats.sum);
	if (code && r->g->quiet && !r->g->json) {
		char text[120];

		snprintf(text, sizeof(text), "%u of %u messages failed", a->stats.sum.failed,
			a->stats.sum.sent);
		out_error(r->out, code, text, NULL);
	}
	r->goal = complete;
	run_finish(r, code);
}

/* May the next one go out now? If it is not due yet, the timer is set. */
static bool is_due(struct args *a)
{
	uint64_t now = net_now_us();

	if (a->rate == 0)
		return true;
	if (a->due_us + CATCH_UP_US < now)
		a->due_us = now - CATCH_UP_US;
	if (a->due_us > now) {
		net_timer_set(endpoint_loop(), &a->timer, a->due_us / 1000 + 1);
		return false;
	}
	a->due_us += 1000000 / a->rate;
	return true;
}

static void on_message(void *arg, const struct endpoint_event *ev);

static void send_more(struct args *a)
{
	struct run *r = a->run;
	struct fail f = { 0 };

	while (a->sent < a->targets.n && a->outstanding < a->window && is_due(a)) {
		int e = send_next(a, on_message, &f);

		if (e == 0)
			continue;
		out_error(r->out, exit_of_fail(e), fail_show(&f), NULL);
		run_finish(r, exit_of_fail(e));
		return;
	}
}

static void tell_progress(const struct args *a)
{
	const struct out_summary *s = &a->stats.sum;

	out_progress(a->run->out, s->sent, a->targets.n, s->failed);
}

static void on_message(void *arg, const struct endpoint_event *ev)
{
	struct message *m = arg;
	struct args *a = m->args;
	int code;

	if (ev->type != ENDPOINT_DONE && ev->type != ENDPOINT_FAILED) {
		out_event(a->run->out, ev);
		return;
	}
	run_result(a->run, ev->result);
	code = run_judge(a->run, ev->result);
	stats_add(&a->stats, ev->result, code);
	tell_progress(a);
	show(m, ev->result, code);
	message_free(m);
	a->outstanding--;
	if (a->outstanding == 0 && a->sent == a->targets.n)
		finish(a, true);
	else
		send_more(a);
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int revents)
{
	(void)revents;
	ev_timer_stop(loop, w);
	send_more(CONTAINER_OF(w, struct args, timer));
}

/* ---- the command ---- */

static int start(struct run *r, struct fail *f)
{
	struct args *a = r->arg;

	free_messages(a);
	a->sent = 0;
	if (!a->targets.many)
		return send_next(a, on_single, f);
	a->due_us = net_now_us();
	tell_progress(a);
	send_more(a);
	return 0;
}

static void stop(struct run *r)
{
	struct args *a = r->arg;

	if (a->targets.many)
		finish(a, false);
	else
		run_finish(r, EXIT_ok);
}

static void dry_run(struct args *a)
{
	struct run *r = a->run;
	struct fail f = { 0 };

	for (unsigned i = 0; i < a->targets.n; i++) {
		CLEANUP(buf_done)
		struct buf wire = BUF_INIT(BODY_MAX), wrapped = BUF_INIT(BODY_MAX);
		const struct request_config config = request_of(a, a->targets.v[i].uri, &wrapped);
		int e = request_dry_run(&config, &wire, &f);

		run_unsent(r, e, buf_str(&wire), &f);
	}
}

/* ---- values of options ---- */

static int content(struct groups *g, struct args *a, struct fail *f)
{
	int e;

	if (!g->data)
		return fail_set(f, -FAIL_ARGUMENT, "--data: say what to send: -d TEXT, -d @FILE");
	if ((e = value_data("--data", g->data, &g->arena, &a->body, f)) != 0)
		return e;
	if (!g->type && !utf8_valid(a->body))
		return fail_set(
			f, -FAIL_ARGUMENT, "--data: it is no text in UTF-8; say its --type");
	a->type = g->type ? g->type : "text/plain; charset=UTF-8"; /* ME-03 */
	return 0;
}

static int values(struct groups *g, struct args *a, struct fail *f)
{
	struct value_list notify;
	int e;

	/* in the order of CPIM_x */
	if ((e = value_words("--imdn", a->imdn, "positive-delivery|negative-delivery|display",
		     &notify, f)) != 0 ||
		(e = value_number("--rate", a->rate_text, (struct value_range){ 1, RATE_MAX, 0 },
			 &a->rate, f)) != 0 ||
		(e = value_number("--max-outstanding", g->max_outstanding,
			 (struct value_range){ 1, 100000, a->rate ? WINDOW_RATE : WINDOW },
			 &a->window, f)) != 0 ||
		(e = content(g, a, f)) != 0 ||
		(e = targets_collect(&a->targets, g, a->each, f)) != 0)
		return e;
	for (unsigned i = 0; i < notify.n; i++)
		a->notify |= 1U << notify.v[i];
	if (a->notify)
		a->cpim = true;
	if (a->rate && !a->targets.many)
		return fail_set(f, -FAIL_ARGUMENT, "--rate without --each");
	return 0;
}

static int parse_targets(struct args *a, struct run *r)
{
	int code = targets_parse(&a->targets, r, STR("MESSAGE"));

	if (code == EXIT_ok && a->cpim && sender(r).n == 0)
		return run_usage(r, "--cpim: say from whom with --aor or --from");
	return code;
}

static int go(struct args *a, struct groups *g)
{
	const struct run_config config = {
		.g = g,
		.target = a->targets.many ? NULL : a->targets.v[0].text,
		.start = start,
		.stop = stop,
		.arg = a,
	};
	struct run r;
	int code = run_init(&r, &config);

	if (code != OPT_GO_ON)
		return code;
	a->run = &r;
	list_init(&a->messages);
	ev_init(&a->timer, on_timer);
	code = parse_targets(a, &r);
	if (code != EXIT_ok)
		run_finish(&r, code);
	else if (g->dry_run)
		dry_run(a);
	else
		run_loop(&r);
	free_messages(a);
	return run_done(&r);
}

int cmd_message(const struct cmd *cmd, int argc, const char **argv, struct groups *g)
{
	struct args a = { .each = NULL };
	const struct poptOption own[] = { { "cpim", 0, POPT_ARG_NONE, &a.cpim, 0,
						  "wrap the body as message/cpim (RFC 3862)",
						  NULL },
		{ "imdn", 0, POPT_ARG_STRING, &a.imdn, 0,
			"ask to be told of positive-delivery, negative-delivery, display; "
			"implies --cpim",
			"LIST" },
		{ "each", 0, POPT_ARG_STRING, &a.each, 0, "one to each target, a line each",
			"FILE" },
		{ "rate", 0, POPT_ARG_STRING, &a.rate_text, 0,
			"so many a second (as fast as answers come)", "N" },
		POPT_TABLEEND };
	const struct opt_spec spec = {
		.cmd = cmd, .own = own, .groups = GROUP_ALL, .max_args = -1
	};
	struct fail f = { 0 };
	int e, code = opt_parse(&spec, argc, argv, g);

	if (code != OPT_GO_ON)
		return code;
	e = values(g, &a, &f);
	code = e ? opt_failed(g, e, &f) : go(&a, g);
	stats_done(&a.stats);
	targets_done(&a.targets);
	return code;
}
