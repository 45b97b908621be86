/* cli/cmd_subscribe.c -- rte subscribe: the state of others, as it changes (cli.md section 8; RFC
 * 6665; rows SB-) */
#include "base/mem.h"
#include "endpoint/subscription.h"
#include "exit.h"
#include "run.h"
#include "target.h"
#include "targets.h"
#include "value.h"

#include <stdio.h>
#include <string.h>

enum { COUNT_MAX = 1000000000, EXPIRES_S = 3600, DRY_MAX = 8 << 20 };
enum { WINDOW = 100 }; /* requests on their way at once */
#define WINDOW_TEXT "100"

struct args {
	const char *event, *expires_text, *count_text, *duration, *until, *list_uri, *each,
		*suppress;
	struct values accept;
	int fetch, once, list, no_resubscribe, raw;

	uint32_t expires, count; /* count 0: no end */
	uint64_t for_ms;
	struct str body, *accepts, *members;
	struct targets targets; /* with --list the members */
	struct str list_target;

	struct run *run;
	struct watch *watches;
	unsigned watch_count, open; /* open: of those, not over */
	unsigned taken; /* notifications */
	/* subscriptions that had one, that failed, that have been in the state of --until */
	unsigned told, failed, reached;
	unsigned settled; /* of which is known whether they are there */
	ev_timer timer; /* --for */
	bool due; /* the state of --until is there, and its notification comes next */
	bool ending;
	int code; /* to end with */
};

struct watch { /* one subscription */
	struct args *args;
	struct str uri;
	struct subscription *subscription;
	bool over, told, reached, settled;
	bool live; /* pending or active now, or fetched */
};

/* ---- the end ---- */

static void free_watches(struct args *a)
{
	for (unsigned i = 0; i < a->watch_count; i++) {
		subscription_free(a->watches[i].subscription);
		a->watches[i].subscription = NULL;
	}
	ev_timer_stop(endpoint_loop(), &a->timer);
}

/* All is unsubscribed; the loop is left when the last one is over. */
static void end(struct args *a, int code)
{
	if (a->ending)
		return;
	a->ending = true;
	if (a->code == EXIT_ok) /* else the first failure decides */
		a->code = code;
	ev_timer_stop(endpoint_loop(), &a->timer);
	for (unsigned i = 0; i < a->watch_count; i++)
		if (a->watches[i].subscription)
			subscription_stop(a->watches[i].subscription);
	if (a->open == 0)
		run_finish(a->run, a->code);
}

static void reach_goal(struct args *a)
{
	a->run->goal = true;
	end(a, EXIT_ok);
}

static bool is_done(const struct args *a)
{
	if (a->count > 0)
		return a->taken >= a->count;
	return a->until && a->reached + a->failed >= a->watch_count;
}

/* How many have what they asked for. */
static unsigned live_count(const struct args *a)
{
	unsigned n = 0;

	for (unsigned i = 0; i < a->watch_count; i++)
		n += a->watches[i].live;
	return n;
}

static void on_for(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct args *a = CONTAINER_OF(w, struct args, timer);
	char text[160];

	(void)revents;
	ev_timer_stop(loop, w);
	if (a->count) {
		snprintf(text, sizeof(text), "%u of %u notifications within --for=%.40s", a->taken,
			a->count, a->duration);
	} else if (a->until) {
		snprintf(text, sizeof(text), "not %.40s within --for=%.40s", a->until, a->duration);
	} else if (live_count(a) + a->failed < a->watch_count) {
		snprintf(text, sizeof(text), "%u of %u subscribed at the end of --for=%.40s",
			live_count(a), a->watch_count, a->duration);
	} else {
		end(a, EXIT_ok);
		return;
	}
	out_error(a->run->out, EXIT_timeout, text, NULL);
	end(a, EXIT_timeout);
}

/* ---- events ---- */

static void settle(struct watch *w)
{
	struct args *a = w->args;

	a->settled += !w->settled;
	w->settled = true;
	out_progress(a->run->out, a->settled, a->watch_count, a->failed);
}

/* A NOTIFY that changes the state is told of twice: the state first, unless that is its end. */
static bool is_told_next(const struct endpoint_subscription *e)
{
	return strcmp(e->cause, "subscribed") == 0 || strcmp(e->cause, "notified") == 0;
}

static void on_state(struct watch *w, const struct endpoint_event *ev)
{
	struct args *a = w->args;
	bool terminated = strcmp(ev->subscription->state, "terminated") == 0;

	/* of a fetch the notification has said it */
	if (!a->fetch || !terminated || out_is_json(a->run->out))
		out_event(a->run->out, ev);
	w->live = !terminated;
	if (!terminated)
		settle(w);
	if (a->ending)
		return;
	if (!w->told && !terminated) {
		w->told = true;
		a->told++;
	}
	if (!a->count && !a->until && !a->fetch && a->told == a->watch_count)
		a->run->goal = true;
	if (a->until && !w->reached && strcmp(ev->subscription->state, a->until) == 0) {
		w->reached = true;
		a->reached++;
		a->due = is_done(a);
		if (a->due && !is_told_next(ev->subscription))
			reach_goal(a);
	}
}

static void on_notify(struct args *a, const struct endpoint_event *ev)
{
	if (a->ending) /* COUNT is COUNT: the one that answers our end is not told */
		return;
	out_event(a->run->out, ev);
	check_message(a->run->check, ev->notify->msg);
	a->taken++;
	if (a->due || (a->count && is_done(a)))
		reach_goal(a);
}

/* The last one decides for all; the first failure gave the code. */
static void close_watch(struct watch *w, int code)
{
	struct args *a = w->args;

	w->over = true;
	a->open--;
	settle(w);
	if (!a->ending && a->code == EXIT_ok)
		a->code = code;
	if (a->open == 0)
		run_finish(a->run, a->code);
	else if (is_done(a)) /* nobody else is waited for */
		end(a, EXIT_ok);
}

/* With a single one everything that run_failed does for an operation is right, a prompt for a
 * password, too. */
static void on_failed(struct watch *w, const struct endpoint_event *ev)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(1 << 16);
	struct args *a = w->args;
	struct run *r = a->run;
	int code;

	if (a->ending) {
		close_watch(w, EXIT_ok);
		return;
	}
	if (a->watch_count == 1) {
		w->over = true;
		a->open--;
		run_failed(r, ev->result);
		return;
	}
	run_result(r, ev->result);
	code = run_judge(r, ev->result);
	a->failed += !w->reached;
	if (code != EXIT_ok) {
		buf_addf(&text, STR_FMT ": %s", STR_ARG(w->uri), fail_show(&ev->result->fail));
		out_error(r->out, code, buf_cstr(&text), ev->result);
	}
	close_watch(w, code);
}

static void on_over(struct watch *w, const struct endpoint_event *ev)
{
	struct args *a = w->args;
	int code = EXIT_ok;

	if (ev->result && ev->result->response) {
		run_result(a->run, ev->result);
		if (ev->type == ENDPOINT_DONE)
			code = run_judge(a->run, ev->result);
	}
	if (code != EXIT_ok)
		out_error(a->run->out, code, check_why(a->run->check), ev->result);
	if (ev->type == ENDPOINT_DONE) {
		w->live = true;
		a->told++;
	}
	a->run->goal = a->run->goal || (a->fetch && a->told == a->watch_count);
	close_watch(w, code);
}

static void on_event(void *arg, const struct endpoint_event *ev)
{
	struct watch *w = arg;

	switch (ev->type) {
	case ENDPOINT_SUBSCRIPTION:
		on_state(w, ev);
		break;
	case ENDPOINT_NOTIFY:
		on_notify(w->args, ev);
		break;
	case ENDPOINT_FAILED:
		on_failed(w, ev);
		break;
	case ENDPOINT_DONE:
	case ENDPOINT_CLOSED:
		on_over(w, ev);
		break;
	default:
		out_event(w->args->run->out, ev);
		if (ev->type == ENDPOINT_RETRY && !w->args->ending)
			out_trying(w->args->run->out, w->uri.p, ev->retry);
		break;
	}
}

/* ---- the operation ---- */

static struct subscription_config config_of(struct args *a, struct watch *w)
{
	const struct run *r = a->run;
	const struct subscription_extra body = { .type = str_of(r->g->type), .body = a->body };

	return (struct subscription_config){
		.endpoint = r->endpoint,
		.target = w->uri,
		.event = str_of(a->event),
		.expires = a->expires,
		.fetch = a->fetch,
		.accept = a->accepts,
		.accept_count = a->accept.n,
		.extra = { [SUBSCRIPTION_SUBSCRIBE] = body },
		.members = a->members,
		.member_count = a->members ? a->targets.n : 0,
		.suppress = str_of(a->suppress),
		.decode = !a->raw,
		.give_up = a->no_resubscribe,
		.max_forwards = r->max_forwards,
		.timeout_ms = r->timeout_ms,
		.follow = r->follow,
		.retry = r->retry,
		.recover_ms = r->recover_ms,
		.on_event = on_event,
		.arg = w,
	};
}

static int start(struct run *r, struct fail *f)
{
	struct args *a = r->arg;
	int e;

	free_watches(a);
	a->open = a->taken = a->told = a->failed = a->reached = a->settled = 0;
	out_progress(r->out, 0, a->watch_count, 0);
	for (unsigned i = 0; i < a->watch_count; i++) {
		struct watch *w = &a->watches[i];
		const struct subscription_config config = config_of(a, w);

		w->over = w->told = w->reached = w->settled = w->live = false;
		if ((e = subscription_start(&config, &w->subscription, f)) != 0)
			return e;
		a->open++;
	}
	if (a->for_ms)
		net_timer_set(endpoint_loop(), &a->timer, net_now_ms() + a->for_ms);
	return 0;
}

static void stop(struct run *r)
{
	end(r->arg, EXIT_ok);
}

static void dry_run(struct args *a)
{
	struct run *r = a->run;
	struct fail f = { 0 };

	for (unsigned i = 0; i < a->watch_count; i++) {
		CLEANUP(buf_done) struct buf wire = BUF_INIT(DRY_MAX);
		const struct subscription_config config = config_of(a, &a->watches[i]);
		int e = subscription_dry_run(&config, &wire, &f);

		run_unsent(r, e, buf_str(&wire), &f);
	}
}

/* ---- values ---- */

static int media_types(struct args *a, struct groups *g, struct fail *f)
{
	int e;

	a->accepts = arena_zalloc(&g->arena, (a->accept.n + 1) * sizeof(*a->accepts));
	for (unsigned i = 0; i < a->accept.n; i++) {
		if ((e = value_mime("--accept", a->accept.v[i], f)) != 0)
			return e;
		a->accepts[i] = str_of(a->accept.v[i]);
	}
	return 0;
}

static int content(struct args *a, struct groups *g, struct fail *f)
{
	int e;

	if (g->type && !g->data)
		return fail_set(f, -FAIL_ARGUMENT, "--type without --data");
	if (!g->data)
		return 0;
	if ((e = value_data("--data", g->data, &g->arena, &a->body, f)) != 0)
		return e;
	if (!g->type)
		return fail_set(f, -FAIL_ARGUMENT,
			"--data: say its --type, such as "
			"application/simple-filter+xml");
	return 0;
}

static int conflicts(const struct args *a, const struct groups *g, struct fail *f)
{
	const struct {
		bool set;
		const char *a, *b;
	} rows[] = {
		{ a->fetch && a->count_text, "fetch", "count" },
		{ a->fetch && a->once, "fetch", "once" },
		{ a->fetch && a->until, "fetch", "until" },
		{ a->fetch && a->expires_text, "fetch", "expires" },
		{ a->once && a->count_text, "once", "count" },
		{ a->count_text && a->until, "count", "until" },
		{ a->once && a->until, "once", "until" },
		{ a->list && g->data, "list", "data" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].set)
			return fail_set(f, -FAIL_ARGUMENT, "--%s with --%s", rows[i].a, rows[i].b);
	if (a->list_uri && !a->list)
		return fail_set(f, -FAIL_ARGUMENT, "--list-uri without --list");
	return 0;
}

static int values(struct args *a, struct groups *g, struct fail *f)
{
	int e, state = -1;

	if (!a->event)
		return fail_set(f, -FAIL_ARGUMENT,
			"--event: say which package, such as presence, dialog or message-summary");
	if ((e = value_clean("--event", a->event, f)) != 0 || (e = conflicts(a, g, f)) != 0 ||
		(e = value_seconds("--expires", a->expires_text, EXPIRES_S, &a->expires, f)) != 0 ||
		(e = value_number("--count", a->count_text, (struct value_range){ 1, COUNT_MAX, 0 },
			 &a->count, f)) != 0 ||
		(e = value_ms("--for", a->duration, 0, &a->for_ms, f)) != 0 ||
		(e = value_word("--until", a->until, "pending|active|terminated", &state, f)) !=
			0 ||
		(e = media_types(a, g, f)) != 0 || (e = content(a, g, f)) != 0 ||
		(e = targets_collect(&a->targets, g, a->each, f)) != 0)
		return e;
	if (a->expires == 0)
		return fail_set(f, -FAIL_ARGUMENT, "--expires: 0 is --fetch");
	if (a->duration && a->for_ms == 0)
		return fail_set(f, -FAIL_ARGUMENT, "--for: the time must be more than 0");
	if (a->once)
		a->count = 1;
	return 0;
}

/* Whom a list of members is sent to: RFC 5367 section 4. */
static bool list_target(struct args *a, struct run *r, struct fail *f)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(1 << 12);
	struct str domain = target_domain(r->aor);

	if (a->list_uri)
		return target_request(r, STR("SUBSCRIBE"), a->list_uri, &a->list_target, f) == 0;
	if (r->dialect == ENDPOINT_OCS && r->aor[0]) /* [MS-SIP] 3.3.4.1: to oneself */
		return target_parse(r, r->aor, &a->list_target, f) == 0;
	if (domain.n == 0 && r->g->server.n) {
		domain = endpoint_next_hop_text(r->endpoint);
		if (str_find(domain, '@') < domain.n || domain.n == 0)
			domain = STR_EMPTY;
	}
	if (domain.n == 0) {
		fail_set(f, -FAIL_ARGUMENT,
			"--list: say whom to ask with --list-uri, --aor or --server");
		return false;
	}
	if (!str_istarts(domain, STR("sip:")) && !str_istarts(domain, STR("sips:")))
		buf_add_str(&b, STR("sip:"));
	buf_add_str(&b, domain);
	return target_parse(r, buf_cstr(&b), &a->list_target, f) == 0;
}

static bool prepare(struct args *a, struct run *r)
{
	struct fail f = { 0 };
	int code = targets_parse(&a->targets, r, STR("SUBSCRIBE"));

	a->run = r;
	ev_init(&a->timer, on_for);
	if (code == EXIT_ok && a->list && !list_target(a, r, &f))
		code = run_usage(r, "%s", fail_show(&f));
	if (code != EXIT_ok) {
		run_finish(r, code);
		return false;
	}
	a->watch_count = a->list ? 1 : a->targets.n;
	a->watches = mem_zalloc(a->watch_count, sizeof(*a->watches));
	if (a->list)
		a->members = arena_zalloc(&r->g->arena, a->targets.n * sizeof(*a->members));
	for (unsigned i = 0; i < a->targets.n; i++)
		if (a->list)
			a->members[i] = a->targets.v[i].uri;
		else
			a->watches[i] = (struct watch){ .uri = a->targets.v[i].uri };
	if (a->list)
		a->watches[0].uri = a->list_target;
	for (unsigned i = 0; i < a->watch_count; i++)
		a->watches[i].args = a;
	check_requests(r->check);
	return true;
}

/* A thousand SUBSCRIBEs at once, and the NOTIFYs that they bring, are more than a socket's buffer
 * holds: over UDP what does not fit is lost. */
static void pace(const struct args *a, struct groups *g)
{
	bool ocs = g->dialect && strcmp(g->dialect, "ocs") == 0; /* which has a limit of its own */

	if (a->targets.n > WINDOW && !a->list && !g->max_outstanding && !ocs)
		g->max_outstanding = WINDOW_TEXT;
}

static int go(struct args *a, struct groups *g)
{
	const struct run_config config = {
		.g = g,
		.target = a->targets.many ? NULL : a->targets.v[0].text,
		.keeps = !a->fetch,
		.start = start,
		.stop = stop,
		.arg = a,
	};
	struct run r;
	int code;

	pace(a, g);
	code = run_init(&r, &config);
	if (code != OPT_GO_ON)
		return code;
	if (prepare(a, &r)) {
		if (g->dry_run)
			dry_run(a);
		else
			run_loop(&r);
	}
	free_watches(a);
	return run_done(&r);
}

int cmd_subscribe(const struct cmd *cmd, int argc, const char **argv, struct groups *g)
{
	struct args a = { .event = NULL };
	const struct poptOption own[] = { { "event", 'e', POPT_ARG_STRING, &a.event, 0,
						  "what of it: presence, dialog, reg ...",
						  "PACKAGE[;PARAM=V]" },
		{ "expires", 'x', POPT_ARG_STRING, &a.expires_text, 0, "lifetime (default 1h)",
			"T" },
		{ "fetch", 0, POPT_ARG_NONE, &a.fetch, 0, "ask once", NULL },
		{ "count", 'c', POPT_ARG_STRING, &a.count_text, 0,
			"end after so many notifications", "COUNT" },
		{ "once", 0, POPT_ARG_NONE, &a.once, 0, "the same as --count=1", NULL },
		{ "for", 0, POPT_ARG_STRING, &a.duration, 0, "end after this time", "T" },
		{ "until", 0, POPT_ARG_STRING, &a.until, 0, "end when the subscription is so",
			"pending|active|terminated" },
		{ "accept", 0, POPT_ARG_STRING, &a.accept, OPT_LIST,
			"media type (those of the package)", "MIME" },
		{ "list", 0, POPT_ARG_NONE, &a.list, 0,
			"one subscription to a list of all URIs (RFC 5367)", NULL },
		{ "list-uri", 0, POPT_ARG_STRING, &a.list_uri, 0,
			"with --list: whom to ask (the home domain)", "URI" },
		{ "each", 0, POPT_ARG_STRING, &a.each, 0, "a subscription to each, a line each",
			"FILE" },
		{ "suppress", 0, POPT_ARG_STRING, &a.suppress, 0,
			"no state that has this tag (RFC 5839)", "ETAG|*" },
		{ "no-resubscribe", 0, POPT_ARG_NONE, &a.no_resubscribe, 0,
			"end when it ends or fails, whatever the reason", NULL },
		{ "raw", 0, POPT_ARG_NONE, &a.raw, 0, "bodies as they are, not decoded", NULL },
		POPT_TABLEEND };
	const struct opt_spec spec = {
		.cmd = cmd, .own = own, .groups = GROUP_ALL, .max_args = -1
	};
	struct fail f = { 0 };
	int e, code = opt_parse(&spec, argc, argv, g);

	if (code != OPT_GO_ON)
		return code;
	e = values(&a, g, &f);
	code = e ? opt_failed(g, e, &f) : go(&a, g);
	mem_free(a.watches);
	targets_done(&a.targets);
	return code;
}
