/* cli/cmd_register.c -- rte register: add, refresh, query and remove bindings (cli.md section 8) */
#include "base/scan.h"
#include "endpoint/registration.h"
#include "exit.h"
#include "instance.h"
#include "run.h"
#include "value.h"

#include <string.h>

struct args {
	const char *expires, *q, *instance, *methods, *keepalive, *push, *third_party;
	struct values reg_ids, paths;
	int keep, leave, query, remove, remove_all, outbound, gruu;

	const char *urn;
	struct registration_config config;
	struct registration *registration;
};

/* ---- the operation ---- */

static void removal_failed(struct run *r, const struct endpoint_result *result)
{
	if (result && result->fail.code)
		out_warn(r->out, "the binding could not be removed: %s", fail_show(&result->fail));
}

static void on_event(void *arg, const struct endpoint_event *ev)
{
	struct run *r = arg;
	struct args *a = r->arg;

	switch (ev->type) {
	case ENDPOINT_REGISTRATION:
		out_event(r->out, ev);
		if (a->config.keep && !r->goal && ev->registration->active)
			out_times(r->out, NULL);
		r->goal = r->goal || ev->registration->active;
		break;
	case ENDPOINT_DONE:
		out_times(r->out, &ev->result->times);
		/* ruling 26: our own Contact, and soon nobody is there */
		if (a->config.what == REGISTRATION_ADD && a->config.contact_count == 0)
			out_reachable(r->out, false);
		run_event(r, ev);
		break;
	case ENDPOINT_CLOSED:
		removal_failed(r, ev->result);
		run_event(r, ev);
		break;
	default:
		run_event(r, ev);
		break;
	}
}

static int start(struct run *r, struct fail *f)
{
	struct args *a = r->arg;
	int e;

	registration_free(a->registration);
	a->registration = NULL;
	e = registration_start(&a->config, &a->registration, f);
	return e == -FAIL_LIMIT ? -FAIL_ARGUMENT : e;
}

static void stop(struct run *r)
{
	struct args *a = r->arg;

	if (a->registration)
		registration_stop(a->registration);
	else
		run_finish(r, EXIT_ok);
}

static void dry_run(struct run *r)
{
	CLEANUP(buf_done) struct buf wire = BUF_INIT(1 << 20);
	struct args *a = r->arg;
	struct fail f = { 0 };
	int e = registration_dry_run(&a->config, &wire, &f);

	run_unsent(r, e, buf_str(&wire), &f);
}

/* ---- values of options ---- */

/* A URI in any form of cli.md section 6; other schemes (mailto:, tel:) stay as they are. */
static int uri(
	struct groups *g, const char *option, const char *text, struct str *out, struct fail *f)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(1 << 16);
	struct fail why = { 0 };
	int e = value_clean(option, text, f);

	if (e != 0)
		return e;
	if (str_istarts(str_of(text), STR("tel:")) || str_istarts(str_of(text), STR("mailto:")))
		buf_add_str(&b, str_of(text));
	else if (endpoint_target_parse(str_of(text), STR_EMPTY, &b, &why) != 0)
		return fail_set(f, -FAIL_ARGUMENT, "%s: %s", option, fail_show(&why));
	*out = arena_str(&g->arena, buf_str(&b));
	return 0;
}

/* Those of a list; parameters for our own Contact (;PARAMS) are the endpoint's matter. */
static int uris(struct groups *g, const char *option, const struct values *list,
	const struct str **out, unsigned *count, struct fail *f)
{
	struct str *copy = arena_zalloc(&g->arena, (list->n + 1) * sizeof(*copy));
	int e;

	for (unsigned i = 0; i < list->n; i++) {
		if (list->v[i][0] == ';')
			continue;
		if ((e = uri(g, option, list->v[i], &copy[*count], f)) != 0)
			return e;
		++*count;
	}
	*out = copy;
	return 0;
}

static int reg_ids(struct groups *g, struct args *a, struct fail *f)
{
	unsigned *ids = arena_zalloc(&g->arena, (a->reg_ids.n + 1) * sizeof(*ids));

	for (unsigned i = 0; i < a->reg_ids.n; i++) {
		/* RFC 5626 4.2: from 1 to 2**31 - 1 */
		int e = value_number("--reg-id", a->reg_ids.v[i],
			(struct value_range){ 1, INT32_MAX, 0 }, &ids[i], f);

		if (e != 0)
			return e;
		for (unsigned k = 0; k < i; k++)
			if (ids[k] == ids[i])
				return fail_set(f, -FAIL_ARGUMENT,
					"--reg-id: %u stands there twice", ids[i]);
	}
	a->config.reg_ids = ids;
	a->config.reg_id_count = a->reg_ids.n;
	return 0;
}

static int methods(struct args *a, struct fail *f)
{
	struct scan s = scan_str(str_of(a->methods));

	if (!a->methods)
		return 0;
	do {
		scan_lws(&s);
		if (!scan_run(&s, CH_TOKEN, NULL))
			return fail_set(f, -FAIL_ARGUMENT,
				"--methods: not a list of methods such as INVITE,BYE");
		scan_lws(&s);
	} while (scan_char(&s, ','));
	if (!scan_end(&s))
		return fail_set(
			f, -FAIL_ARGUMENT, "--methods: not a list of methods such as INVITE,BYE");
	a->config.methods = str_of(a->methods);
	return 0;
}

/* PROVIDER,PRID[,PARAM], RFC 8599 section 6. The PRID is not repeated: it is as good as a password.
 */
static int push(struct args *a, struct fail *f)
{
	unsigned parts = 1, empty = 0, bad = 0;

	if (!a->push)
		return 0;
	for (const char *p = a->push; *p; p++) {
		bool comma = *p == ',';

		empty += comma && (p == a->push || p[1] == '\0' || p[1] == ',');
		parts += comma;
		bad += !comma && *p != '%' && !scan_is(*p, CH_PARAM);
	}
	if (parts < 2 || parts > 3 || empty || bad)
		return fail_set(
			f, -FAIL_ARGUMENT, "--push: not PROVIDER,PRID or PROVIDER,PRID,PARAM");
	a->config.push = str_of(a->push);
	return 0;
}

/* crlf|stun|options|none[,T] */
static int keepalive(struct groups *g, struct args *a, struct fail *f)
{
	static const enum registration_keepalive kinds[] = { REGISTRATION_KEEPALIVE_CRLF,
		REGISTRATION_KEEPALIVE_STUN, REGISTRATION_KEEPALIVE_OPTIONS,
		REGISTRATION_KEEPALIVE_NONE };
	struct str kind, time;
	int i = 0, e;

	if (!a->keepalive)
		return 0;
	if (!str_cut(str_of(a->keepalive), ',', &kind, &time)) {
		kind = str_of(a->keepalive);
		time.p = NULL;
	}
	if ((e = value_word("--keepalive", arena_str(&g->arena, kind).p, "crlf|stun|options|none",
		     &i, f)) != 0)
		return e;
	if ((e = value_ms("--keepalive", time.p, 0, &a->config.keepalive_ms, f)) != 0)
		return e;
	if (time.p && a->config.keepalive_ms == 0)
		return fail_set(f, -FAIL_ARGUMENT, "--keepalive: the time must be more than 0");
	a->config.keepalive = kinds[i];
	return 0;
}

static int third_party(struct groups *g, struct args *a, struct fail *f)
{
	return a->third_party ? uri(g, "--third-party", a->third_party, &a->config.third_party, f)
			      : 0;
}

static bool is_ocs(const struct groups *g)
{
	return g->dialect && strcmp(g->dialect, "ocs") == 0;
}

/* What does not go together. */
static int conflicts(const struct groups *g, const struct args *a, struct fail *f)
{
	const struct {
		int set;
		const char *name;
	} what[] = {
		{ a->query, "query" }, { a->remove, "remove" }, { a->remove_all, "remove-all" },
	}, adding[] = {
		{ a->keep, "keep" }, { a->expires != NULL, "expires" }, { a->outbound, "outbound" },
		{ a->push != NULL, "push" },
	};
	const char *first = NULL;

	for (size_t i = 0; i < ARRAY_LEN(what); i++) {
		if (what[i].set && first)
			return fail_set(f, -FAIL_ARGUMENT, "--%s with --%s", first, what[i].name);
		first = what[i].set ? what[i].name : first;
	}
	for (size_t i = 0; first && i < ARRAY_LEN(adding); i++)
		if (adding[i].set)
			return fail_set(f, -FAIL_ARGUMENT, "--%s with --%s", first, adding[i].name);
	if (a->leave && !a->keep)
		return fail_set(f, -FAIL_ARGUMENT,
			"--leave without --keep, which alone removes the binding");
	if (a->outbound && is_ocs(g))
		return fail_set(f, -FAIL_ARGUMENT, "--outbound with --dialect=ocs");
	if (a->keepalive && !a->keep)
		return fail_set(f, -FAIL_ARGUMENT, "--keepalive without --keep");
	if (a->reg_ids.n && !a->outbound)
		return fail_set(f, -FAIL_ARGUMENT, "--reg-id without --outbound");
	for (unsigned i = 0; i < g->contact.n; i++)
		if ((a->query || a->remove_all) && g->contact.v[i][0] != ';')
			return fail_set(f, -FAIL_ARGUMENT, "--%s with --contact", first);
	return 0;
}

static int values(struct groups *g, struct args *a, struct fail *f)
{
	struct registration_config *c = &a->config;
	int e;

	c->what = a->query        ? REGISTRATION_QUERY
		  : a->remove     ? REGISTRATION_REMOVE
		  : a->remove_all ? REGISTRATION_REMOVE_ALL
				  : REGISTRATION_ADD;
	c->keep = a->keep;
	c->leave = a->leave;
	c->outbound = a->outbound;
	c->gruu = a->gruu;
	if ((e = conflicts(g, a, f)) != 0 ||
		(e = value_seconds("--expires", a->expires, 3600, &c->expires, f)) != 0 ||
		(e = value_q("--q", a->q, -1, &c->q, f)) != 0 || (e = reg_ids(g, a, f)) != 0 ||
		(e = uris(g, "--contact", &g->contact, &c->contacts, &c->contact_count, f)) != 0 ||
		(e = uris(g, "--path", &a->paths, &c->paths, &c->path_count, f)) != 0 ||
		(e = methods(a, f)) != 0 || (e = push(a, f)) != 0 ||
		(e = keepalive(g, a, f)) != 0 || (e = third_party(g, a, f)) != 0)
		return e;
	if (c->expires == 0)
		return fail_set(f, -FAIL_ARGUMENT,
			"--expires: 0 would remove the binding, which is --remove");
	if (!a->instance && (a->outbound || a->gruu) && !is_ocs(g))
		a->instance = "auto"; /* RFC 5626 4.2, RFC 5627 4.1: neither is possible without */
	return a->instance ? instance_get(a->instance, &g->arena, &a->urn, f) : 0;
}

static bool has_method(struct str list, struct str method)
{
	struct str one;

	while (str_cut(list, ',', &one, &list))
		if (str_eq(str_trim(one), method))
			return true;
	return str_eq(str_trim(list), method);
}

static void from_run(struct args *a, struct run *r)
{
	struct registration_config *c = &a->config;

	c->endpoint = r->endpoint;
	c->reject_unchallenged = r->must_challenge;
	c->follow = r->follow;
	c->timeout_ms = r->timeout_ms;
	c->retry = r->retry;
	c->recover_ms = r->recover_ms;
	c->on_event = on_event;
	c->arg = r;
	if (r->dialect != ENDPOINT_OCS)
		return;
	if (!a->expires) /* the server says */
		c->expires = 0;
	if (a->methods && !has_method(str_of(a->methods), STR("NOTIFY"))) /* RG-05 */
		out_warn(r->out,
			"--methods without NOTIFY, by which the server ends a registration");
}

static int go(struct args *a, struct groups *g)
{
	const struct run_config config = {
		.g = g,
		.aor = g->args.v[0],
		.keeps = a->keep,
		.follow = 3,
		.instance = a->urn,
		.binds_contacts = true,
		.start = start,
		.stop = stop,
		.arg = a,
	};
	struct run r;
	int code = run_init(&r, &config);

	if (code != OPT_GO_ON)
		return code;
	from_run(a, &r);
	if (g->dry_run)
		dry_run(&r);
	else
		run_loop(&r);
	registration_free(a->registration);
	return run_done(&r);
}

int cmd_register(const struct cmd *cmd, int argc, const char **argv, struct groups *g)
{
	struct args a = { .expires = NULL };
	const struct poptOption own[] = { { "expires", 'x', POPT_ARG_STRING, &a.expires, 0,
						  "lifetime (default 1h)", "T" },
		{ "contact", 0, POPT_ARG_STRING, &g->contact, OPT_LIST,
			"bind this, or parameters for our own", "URI|;PARAMS" },
		{ "q", 0, POPT_ARG_STRING, &a.q, 0, "preference, 0.0 to 1.0", "Q" },
		{ "keep", 0, POPT_ARG_NONE, &a.keep, 0, "stay, refresh, remove it at the end",
			NULL },
		{ "leave", 0, POPT_ARG_NONE, &a.leave, 0, "with --keep: do not remove it", NULL },
		{ "query", 0, POPT_ARG_NONE, &a.query, 0, "which bindings are there?", NULL },
		{ "remove", 0, POPT_ARG_NONE, &a.remove, 0, "remove ours, or those of --contact",
			NULL },
		{ "remove-all", 0, POPT_ARG_NONE, &a.remove_all, 0, "remove all of the AOR", NULL },
		{ "outbound", 0, POPT_ARG_NONE, &a.outbound, 0,
			"RFC 5626: the server uses our flow", NULL },
		{ "reg-id", 0, POPT_ARG_STRING, &a.reg_ids, OPT_LIST,
			"with --outbound: one flow each (1)", "N" },
		{ "instance", 0, POPT_ARG_STRING, &a.instance, 0, "+sip.instance; auto keeps one",
			"URN|auto" },
		{ "gruu", 0, POPT_ARG_NONE, &a.gruu, 0, "ask for a GRUU (RFC 5627)", NULL },
		{ "methods", 0, POPT_ARG_STRING, &a.methods, 0, "methods parameter of Contact",
			"LIST" },
		{ "path", 0, POPT_ARG_STRING, &a.paths, OPT_LIST, "Path (RFC 3327)", "URI" },
		{ "keepalive", 0, POPT_ARG_STRING, &a.keepalive, 0,
			"how --keep keeps the flow alive", "crlf|stun|options|none[,T]" },
		{ "push", 0, POPT_ARG_STRING, &a.push, 0, "push notification, RFC 8599 (sensitive)",
			"PROVIDER,PRID[,PARAM]" },
		{ "third-party", 0, POPT_ARG_STRING, &a.third_party, 0, "who registers for the AOR",
			"FROM" },
		POPT_TABLEEND };
	const struct opt_spec spec = {
		.cmd = cmd,
		.own = own,
		.groups = GROUP_ALL & ~GROUP_REGISTER,
		.min_args = 1,
		.max_args = 1,
	};
	struct fail f = { 0 };
	int e, code = opt_parse(&spec, argc, argv, g);

	if (code != OPT_GO_ON)
		return code;
	e = values(g, &a, &f);
	return e ? opt_failed(g, e, &f) : go(&a, g);
}
