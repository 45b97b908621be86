/* cli/cmd_publish.c -- rte publish: event state of our own (cli.md section 8; RFC 3903; row SB-20)
 */
#include "endpoint/publication.h"
#include "exit.h"
#include "run.h"
#include "value.h"

#include <string.h>

enum { EXPIRES_S = 3600, WIRE_MAX = 8 << 20 };

struct args {
	const char *event, *expires_text, *status, *note, *activity, *if_match;
	int remove, keep, leave;

	uint32_t expires;
	struct str body;
	const char *type;
	struct buf presence; /* body, when the options make it */

	struct run *run;
	struct publication *publication;
};

/* ---- the operation ---- */

static void on_event(void *arg, const struct endpoint_event *ev)
{
	struct args *a = arg;
	struct run *r = a->run;

	switch (ev->type) {
	case ENDPOINT_PUBLICATION:
		out_event(r->out, ev);
		r->goal = r->goal || strcmp(ev->publication->state, "active") == 0;
		break;
	case ENDPOINT_RETRY:
		out_event(r->out, ev);
		out_trying(r->out, r->aor, ev->retry);
		break;
	case ENDPOINT_DONE:
		out_times(r->out, &ev->result->times);
		run_event(r, ev);
		break;
	case ENDPOINT_CLOSED:
		if (ev->result && ev->result->fail.code)
			out_warn(r->out, "the publication could not be removed: %s",
				fail_show(&ev->result->fail));
		run_event(r, ev);
		break;
	default:
		run_event(r, ev);
		break;
	}
}

static struct publication_config config_of(struct args *a)
{
	const struct run *r = a->run;

	return (struct publication_config){
		.endpoint = r->endpoint,
		.target = str_of(r->aor),
		.event = str_of(a->event),
		.expires = a->expires,
		.type = str_of(a->type),
		.body = a->body,
		.etag = str_of(a->if_match),
		.remove = a->remove,
		.keep = a->keep,
		.leave = a->leave,
		.max_forwards = r->max_forwards,
		.timeout_ms = r->timeout_ms,
		.follow = r->follow,
		.retry = r->retry,
		.recover_ms = r->recover_ms,
		.on_event = on_event,
		.arg = a,
	};
}

static int start(struct run *r, struct fail *f)
{
	struct args *a = r->arg;
	const struct publication_config config = config_of(a);

	publication_free(a->publication);
	a->publication = NULL;
	return publication_start(&config, &a->publication, f);
}

static void stop(struct run *r)
{
	struct args *a = r->arg;

	if (a->publication)
		publication_stop(a->publication);
	else
		run_finish(r, EXIT_ok);
}

static void dry_run(struct args *a)
{
	CLEANUP(buf_done) struct buf wire = BUF_INIT(WIRE_MAX);
	const struct publication_config config = config_of(a);
	struct run *r = a->run;
	struct fail f = { 0 };
	int e = publication_dry_run(&config, &wire, &f);

	run_unsent(r, e, buf_str(&wire), &f);
}

/* ---- values ---- */

static bool has_presence(const struct args *a)
{
	return a->status || a->note || a->activity;
}

static int content(struct args *a, struct groups *g, struct fail *f)
{
	int e, open = -1;

	if ((e = value_word("--status", a->status, "closed|open", &open, f)) != 0 ||
		(e = value_clean("--note", a->note, f)) != 0 ||
		(e = value_clean("--activity", a->activity, f)) != 0)
		return e;
	if (has_presence(a) && strcmp(a->event, "presence") != 0)
		return fail_set(f, -FAIL_ARGUMENT, "--%s: it is presence, not %.64s",
			a->status ? "status"
			: a->note ? "note"
				  : "activity",
			a->event);
	if (has_presence(a) && g->data)
		return fail_set(f, -FAIL_ARGUMENT, "--data with --%s",
			a->status ? "status"
			: a->note ? "note"
				  : "activity");
	if (g->type && !g->data)
		return fail_set(f, -FAIL_ARGUMENT, "--type without --data");
	if (g->data && !g->type)
		return fail_set(
			f, -FAIL_ARGUMENT, "--data: say its --type, such as application/pidf+xml");
	a->type = g->type;
	return g->data ? value_data("--data", g->data, &g->arena, &a->body, f) : 0;
}

static int values(struct args *a, struct groups *g, struct fail *f)
{
	int e;

	if (!a->event)
		a->event = "presence";
	if ((e = value_clean("--event", a->event, f)) != 0 ||
		(e = value_seconds("--expires", a->expires_text, EXPIRES_S, &a->expires, f)) != 0 ||
		(e = content(a, g, f)) != 0)
		return e;
	if (a->remove && !a->if_match)
		return fail_set(f, -FAIL_ARGUMENT,
			"--remove: say what with --if-match=ETAG, as publish printed it");
	if (a->remove && (has_presence(a) || g->data || a->keep))
		return fail_set(f, -FAIL_ARGUMENT, "--remove with %s",
			a->keep ? "--keep" : "a state to publish");
	if (a->leave && !a->keep)
		return fail_set(
			f, -FAIL_ARGUMENT, "--leave without --keep, which alone removes it");
	if (!a->if_match && !has_presence(a) && !g->data)
		return fail_set(f, -FAIL_ARGUMENT,
			"there is nothing to publish: add --status, --note, --activity, or "
			"--data and --type");
	if (a->expires == 0)
		return fail_set(f, -FAIL_ARGUMENT, "--expires: 0 removes it, which is --remove");
	return 0;
}

/* Now that it is known whose presence it is. */
static void make_presence(struct args *a, const struct run *r)
{
	if (!has_presence(a))
		return;
	publication_write_presence(
		&(struct publication_presence){
			.entity = str_of(r->aor),
			.open = !a->status ? -1 : strcmp(a->status, "open") == 0,
			.note = str_of(a->note),
			.activity = str_of(a->activity),
		},
		&a->presence);
	a->body = buf_str(&a->presence);
	a->type = PUBLICATION_PRESENCE_TYPE;
}

static int go(struct args *a, struct groups *g)
{
	const struct run_config config = {
		.g = g,
		.aor = g->args.v[0],
		.keeps = a->keep,
		.start = start,
		.stop = stop,
		.arg = a,
	};
	struct run r;
	int code = run_init(&r, &config);

	if (code != OPT_GO_ON)
		return code;
	a->run = &r;
	make_presence(a, &r);
	if (g->dry_run)
		dry_run(a);
	else
		run_loop(&r);
	publication_free(a->publication);
	return run_done(&r);
}

int cmd_publish(const struct cmd *cmd, int argc, const char **argv, struct groups *g)
{
	struct args a = { .presence = BUF_INIT(1 << 20) };
	const struct poptOption own[] = { { "event", 'e', POPT_ARG_STRING, &a.event, 0,
						  "package (presence)", "PACKAGE" },
		{ "expires", 'x', POPT_ARG_STRING, &a.expires_text, 0, "lifetime (default 1h)",
			"T" },
		{ "status", 0, POPT_ARG_STRING, &a.status, 0, "presence: can be reached or not",
			"open|closed" },
		{ "note", 0, POPT_ARG_STRING, &a.note, 0, "presence: a note for people", "TEXT" },
		{ "activity", 0, POPT_ARG_STRING, &a.activity, 0,
			"presence: busy, meeting, on-the-phone ...", "NAME" },
		{ "if-match", 0, POPT_ARG_STRING, &a.if_match, 0,
			"change or refresh what has this tag", "ETAG" },
		{ "remove", 0, POPT_ARG_NONE, &a.remove, 0, "remove what --if-match names", NULL },
		{ "keep", 0, POPT_ARG_NONE, &a.keep, 0, "stay, refresh, remove it at the end",
			NULL },
		{ "leave", 0, POPT_ARG_NONE, &a.leave, 0, "with --keep: do not remove it", NULL },
		POPT_TABLEEND };
	const struct opt_spec spec = {
		.cmd = cmd, .own = own, .groups = GROUP_ALL, .min_args = 1, .max_args = 1
	};
	struct fail f = { 0 };
	int e, code = opt_parse(&spec, argc, argv, g);

	if (code != OPT_GO_ON)
		return code;
	e = values(&a, g, &f);
	code = e ? opt_failed(g, e, &f) : go(&a, g);
	buf_done(&a.presence);
	return code;
}
