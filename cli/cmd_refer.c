/* cli/cmd_refer.c -- rte refer: REFER outside of a call, and what its NOTIFYs tell (cli.md section
 * 8; RFC 3515; rows RF-) */
#include "base/scan.h"
#include "endpoint/refer.h"
#include "exit.h"
#include "run.h"
#include "target.h"
#include "value.h"

#include <string.h>

enum {
	RESULT_MS = 180000, /* for the final NOTIFY, without --max-time: a call rings for as long */
	URI_MAX = 65536,
};

struct args {
	const char *to, *method, *replaces;
	int no_subscription;

	struct run *run;
	struct str target, refer_to;
	struct refer *refer;
	char reason[128]; /* phrase of the last sipfrag */
};

/* ---- the operation ---- */

/* "SIP/2.0 486 Busy Here" -> "Busy Here" */
static void keep_reason(struct args *a, struct str sipfrag)
{
	struct str line = str_sub(sipfrag, 0, str_find(sipfrag, '\n')), version, rest, code, phrase;

	a->reason[0] = '\0';
	if (str_cut(str_trim(line), ' ', &version, &rest) && str_cut(rest, ' ', &code, &phrase))
		snprintf(a->reason, sizeof(a->reason), STR_FMT, STR_ARG(phrase));
}

/* The result is what the last NOTIFY told, as if it had been the answer. */
static void finish(struct args *a, const struct endpoint_event *ev)
{
	struct run *r = a->run;
	unsigned status = refer_status(a->refer);
	struct endpoint_result result = *ev->result;
	const struct endpoint_msg told = {
		.status_code = status,
		.reason_phrase = str_of(a->reason),
		.rtt_ms = -1,
	};

	if (status < 200) {
		fail_set(&result.fail, -FAIL_TIMEOUT,
			"the peer ended the subscription and did not say what came of it");
		result.response = NULL;
		run_failed(r, &result);
		return;
	}
	result.response = &told;
	if (status / 100 == 2) {
		run_result(r, &result);
		run_finish(r, EXIT_ok);
		return;
	}
	fail_set(&result.fail, -FAIL_STATUS, "%u %s, says the NOTIFY", status, a->reason);
	run_failed(r, &result);
}

static void on_event(void *arg, const struct endpoint_event *ev)
{
	struct args *a = arg;

	switch (ev->type) {
	case ENDPOINT_TRANSFER:
		keep_reason(a, ev->transfer->sipfrag);
		out_event(a->run->out, ev);
		break;
	case ENDPOINT_DONE:
		a->run->goal = true;
		/* RFC 4488: a peer that knows nothing of it sends NOTIFYs all the same */
		if (a->no_subscription && refer_status(a->refer) == 0)
			run_event(a->run, ev);
		else
			finish(a, ev);
		break;
	default:
		run_event(a->run, ev);
		break;
	}
}

static struct refer_config config_of(struct args *a)
{
	const struct run *r = a->run;

	return (struct refer_config){
		.endpoint = r->endpoint,
		.target = a->target,
		.refer_to = a->refer_to,
		.method = str_of(a->method),
		.no_subscription = a->no_subscription,
		.max_forwards = r->max_forwards,
		.timeout_ms = r->timeout_ms,
		.notify_ms = r->max_time_ms ? 0 : RESULT_MS,
		.follow = r->follow,
		.retry = r->retry,
		.on_event = on_event,
		.arg = a,
	};
}

static int start(struct run *r, struct fail *f)
{
	struct args *a = r->arg;
	const struct refer_config config = config_of(a);

	refer_free(a->refer);
	a->refer = NULL;
	return refer_start(&config, &a->refer, f);
}

static void stop(struct run *r)
{
	struct args *a = r->arg;

	if (a->refer)
		refer_stop(a->refer);
	else
		run_finish(r, EXIT_ok);
}

static void dry_run(struct args *a)
{
	CLEANUP(buf_done) struct buf wire = BUF_INIT(1 << 20);
	const struct refer_config config = config_of(a);
	struct run *r = a->run;
	struct fail f = { 0 };
	int e = refer_dry_run(&config, &wire, &f);

	run_unsent(r, e, buf_str(&wire), &f);
}

/* ---- values ---- */

/* Whom the peer is to call, with the dialog to replace (RFC 5589 section 7.3). */
static int refer_to(struct args *a, struct run *r, struct fail *f)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(URI_MAX);
	struct fail why = { 0 };
	struct str uri = str_of(a->to);

	/* other schemes are referred to as they are: RFC 3515 2.4.2; a number by our own domain */
	if (!str_istarts(uri, STR("http:")) && !str_istarts(uri, STR("https:")) &&
		!str_istarts(uri, STR("mailto:")) &&
		!(str_istarts(uri, STR("tel:")) && !r->aor[0]) &&
		target_parse(r, a->to, &uri, &why) != 0)
		return fail_set(f, -FAIL_ARGUMENT, "--to: %s", fail_show(&why));
	if (a->replaces)
		refer_write_replaces(&b, uri, str_of(a->replaces));
	else
		buf_add_str(&b, uri);
	a->refer_to = arena_str(&r->g->arena, buf_str(&b));
	return 0;
}

static int values(struct args *a, struct groups *g, struct fail *f)
{
	int e;

	if (!a->to)
		return fail_set(f, -FAIL_ARGUMENT, "--to: say whom to refer to");
	if ((e = value_clean("--to", a->to, f)) != 0 ||
		(e = value_clean("--replaces", a->replaces, f)) != 0)
		return e;
	if (a->replaces && !refer_is_replaces(str_of(a->replaces)))
		return fail_set(
			f, -FAIL_ARGUMENT, "--replaces: not CALL-ID;to-tag=TAG;from-tag=TAG");
	for (const char *p = a->method ? a->method : ""; *p; p++)
		if (!scan_is(*p, CH_TOKEN))
			return fail_set(f, -FAIL_ARGUMENT, "--method: not a method such as BYE");
	if (a->replaces && a->method && strcmp(a->method, "INVITE") != 0)
		return fail_set(f, -FAIL_ARGUMENT, "--replaces with --method=%.64s", a->method);
	if (g->data || g->type)
		return fail_set(
			f, -FAIL_ARGUMENT, "--%s: a REFER has no body", g->data ? "data" : "type");
	return 0;
}

static bool prepare(struct args *a, struct run *r)
{
	struct fail f = { 0 };

	a->run = r;
	if (target_request(r, STR("REFER"), r->g->args.v[0], &a->target, &f) == 0 &&
		refer_to(a, r, &f) == 0)
		return true;
	run_finish(r, run_usage(r, "%s", fail_show(&f)));
	return false;
}

static int go(struct args *a, struct groups *g)
{
	const struct run_config config = {
		.g = g,
		.target = g->args.v[0],
		.start = start,
		.stop = stop,
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
	}
	refer_free(a->refer);
	return run_done(&r);
}

int cmd_refer(const struct cmd *cmd, int argc, const char **argv, struct groups *g)
{
	struct args a = { .to = NULL };
	const struct poptOption own[] = { { "to", 0, POPT_ARG_STRING, &a.to, 0,
						  "whom the peer is to call", "URI" },
		{ "method", 0, POPT_ARG_STRING, &a.method, 0, "what it is to send there (INVITE)",
			"METHOD" },
		{ "replaces", 0, POPT_ARG_STRING, &a.replaces, 0,
			"the dialog there that its call replaces",
			"CALL-ID;to-tag=TAG;from-tag=TAG" },
		{ "no-subscription", 0, POPT_ARG_NONE, &a.no_subscription, 0,
			"do not ask for the result (RFC 4488)", NULL },
		POPT_TABLEEND };
	const struct opt_spec spec = {
		.cmd = cmd, .own = own, .groups = GROUP_ALL, .min_args = 1, .max_args = 1
	};
	struct fail f = { 0 };
	int e, code = opt_parse(&spec, argc, argv, g);

	if (code != OPT_GO_ON)
		return code;
	e = values(&a, g, &f);
	return e ? opt_failed(g, e, &f) : go(&a, g);
}
