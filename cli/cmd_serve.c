/* cli/cmd_serve.c -- rte serve: a registrar and proxy for tests, by itself or around a COMMAND
 * (cli.md section 16) */
#include "child.h"
#include "exit.h"
#include "folder.h"
#include "ready.h"
#include "run.h"
#include "run_setup.h"
#include "serve/serve.h"
#include "users.h"
#include "value.h"

#include <stdio.h>
#include <string.h>

enum {
	HOPS = 32,
	VARIABLES = 8,
	GRACE_MS = 3000, /* for the COMMAND to end */
	STOP_MS = 2000, /* for the subscribers to hear of the end */
};

struct args {
	const char *domain, *users_file, *auth, *digest, *realm, *cert, *key, *min_expires,
		*max_expires, *nonce_expires, *service_route, *seed, *control, *ready_file,
		*ready_fd, *duration, *events, *dialect, *ntlm_domain, *keytab, *targetname,
		*ms_version, *association_life;
	struct values add_users, listen, replies, faults, routes, trust, mwi, conferences, lists,
		homes;
	int tls_auto;

	const char *const *command; /* NULL: none */
	uint64_t for_ms;
	bool open; /* --auth=none: anybody may come */
	struct users users;
	struct serve_config config;
	struct ready ready;

	struct run *run;
	struct serve *serve;
	const char *folder; /* of --tls-auto */
	struct endpoint_hop hops[HOPS];
	char hop_texts[HOPS][NET_ADDR_TEXT];
	unsigned hop_count;
	struct child child;
	ev_signal on_hup;
	ev_timer timer; /* --for, then the time that the COMMAND has to end */
	bool expired, stopping;
};

/* ---- the command ---- */

/* Where others reach it: an address that means all is the loopback's. */
static const char *reachable(struct args *a, const struct endpoint_hop *h)
{
	struct arena *arena = &a->run->g->arena;
	bool v6 = str_find(h->address, ':') < h->address.n;
	struct str host = h->address;

	if (str_eq(host, STR("0.0.0.0")))
		host = STR("127.0.0.1");
	else if (str_eq(host, STR("::")))
		host = STR("::1");
	return arena_fmt(
		arena, "%s" STR_FMT "%s:%u", v6 ? "[" : "", STR_ARG(host), v6 ? "]" : "", h->port)
		.p;
}

static const struct endpoint_hop *hop_of(const struct args *a, const char *transport)
{
	for (unsigned i = 0; i < a->hop_count; i++)
		if (strcmp(a->hops[i].transport, transport) == 0)
			return &a->hops[i];
	return NULL;
}

/* RTE_SERVER, RTE_CACERT and RTE_SERVE_*, ended by NULL. */
static void environment(struct args *a, const char *env[VARIABLES])
{
	static const struct {
		const char *transport, *name;
	} names[] = {
		{ "udp", "RTE_SERVE_UDP" },
		{ "tcp", "RTE_SERVE_TCP" },
		{ "tls", "RTE_SERVE_TLS" },
	};
	struct arena *arena = &a->run->g->arena;
	const char *server = NULL;
	unsigned n = 0;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const struct endpoint_hop *h = hop_of(a, names[i].transport);

		if (!h)
			continue;
		env[n++] = arena_fmt(arena, "%s=%s", names[i].name, reachable(a, h)).p;
		if (!server) /* ruling 11; a server that speaks TLS only must be named as such */
			server = arena_fmt(arena, "RTE_SERVER=%s%s",
				strcmp(h->transport, "tls") == 0 ? "tls:" : "", reachable(a, h))
					 .p;
	}
	if (server)
		env[n++] = server;
	env[n++] =
		arena_fmt(arena, "RTE_SERVE_DOMAIN=%s", a->domain ? a->domain : "test.invalid").p;
	if (serve_cacert(a->serve))
		env[n++] = arena_fmt(arena, "RTE_CACERT=%s", serve_cacert(a->serve)).p;
	env[n] = NULL;
}

static void on_child_end(struct child *c)
{
	struct args *a = CONTAINER_OF(c, struct args, child);

	run_finish(a->run, a->expired ? EXIT_timeout : c->status);
}

static void start_command(struct args *a)
{
	const char *env[VARIABLES];
	struct fail f = { 0 };

	environment(a, env);
	a->child.on_end = on_child_end;
	if (child_start(&a->child, a->command, env, &f))
		return;
	out_error(a->run->out, a->child.status, fail_show(&f), NULL);
	run_finish(a->run, a->child.status);
}

/* ---- events ---- */

static void on_event(void *arg, const struct serve_event *ev)
{
	struct args *a = arg;
	struct out *o = a->run->out;

	switch (ev->type) {
	case SERVE_BINDING: {
		const struct serve_binding *b = ev->binding;

		out_binding(o, &(struct out_binding){
				       b->aor, b->contact, b->user_agent, b->cause, b->expires });
		break;
	}
	case SERVE_REQUEST:
		out_request(o, ev->msg);
		break;
	case SERVE_CONTROL:
		out_line(o, "%-10s  " STR_FMT, "control", STR_ARG(ev->text));
		break;
	case SERVE_DISCARDED:
		out_discarded(o, ev->msg, ev->text);
		break;
	case SERVE_STOPPED:
		run_finish(a->run, EXIT_ok);
		break;
	case SERVE_LISTENING: /* told by start() */
		break;
	}
}

/* The subscribers are told, which must not take long. */
static void stop_serving(struct args *a)
{
	if (a->stopping)
		return;
	a->stopping = true;
	net_timer_set(endpoint_loop(), &a->timer, net_now_ms() + STOP_MS);
	serve_stop(a->serve);
}

static void on_hup(struct ev_loop *loop, ev_signal *w, int revents)
{
	struct args *a = CONTAINER_OF(w, struct args, on_hup);

	(void)loop;
	(void)revents;
	if (child_running(&a->child))
		child_signal(&a->child, w->signum);
	else
		run_finish(a->run, 128 + w->signum);
}

/* --for is over. A COMMAND that still runs has not reached its goal. */
static void on_timer(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct args *a = CONTAINER_OF(w, struct args, timer);
	char text[120];

	(void)revents;
	ev_timer_stop(loop, w);
	if (a->stopping || a->expired) {
		run_finish(a->run, a->expired ? EXIT_timeout : EXIT_ok);
		return;
	}
	if (!child_running(&a->child)) {
		stop_serving(a);
		return;
	}
	a->expired = true;
	snprintf(text, sizeof(text), "COMMAND did not end within --for=%.40s", a->duration);
	out_error(a->run->out, EXIT_timeout, text, NULL);
	child_signal(&a->child, SIGTERM);
	net_timer_set(loop, w, net_now_ms() + GRACE_MS);
}

/* ---- its life ---- */

/* Section 14: the record, then the file, the descriptor and the socket. */
static int announce(struct args *a, struct fail *f)
{
	struct out *o = a->run->out;

	while (a->hop_count < HOPS && serve_listener(a->serve, a->hop_count,
					      a->hop_texts[a->hop_count], &a->hops[a->hop_count]))
		a->hop_count++;
	if (a->faults.n)
		out_seed(o, serve_seed(a->serve));
	out_listening(o, a->hops, a->hop_count);
	return ready_tell(&a->ready, a->hops, a->hop_count, f);
}

static int start(struct run *r, struct fail *f)
{
	struct args *a = r->arg;
	int e;

	ev_signal_start(endpoint_loop(), &a->on_hup);
	if (a->tls_auto && (e = folder_new(&r->g->arena, &a->folder, f)) != 0)
		return e;
	a->config.trace = out_trace(r->out);
	a->config.tls_dir = a->folder;
	a->config.on_event = on_event;
	a->config.arg = a;
	if ((e = serve_new(&a->config, a->open, &a->serve, f)) != 0 || (e = announce(a, f)) != 0)
		return e;
	r->goal = true;
	if (a->for_ms)
		net_timer_set(endpoint_loop(), &a->timer, net_now_ms() + a->for_ms);
	if (a->command)
		start_command(a);
	return 0;
}

static void stop(struct run *r)
{
	struct args *a = r->arg;

	if (child_running(&a->child))
		child_signal(&a->child, r->signal ? r->signal : SIGTERM);
	else if (a->serve)
		stop_serving(a);
	else
		run_finish(r, EXIT_ok);
}

/* What must not be left behind. */
static void clean(struct run *r)
{
	struct args *a = r->arg;

	child_kill(&a->child);
	folder_remove(a->folder);
	a->folder = NULL;
}

static int go(struct args *a, struct groups *g)
{
	const struct run_config config = {
		.g = g,
		.keeps = true,
		.start = start,
		.stop = stop,
		.at_once = clean,
		.arg = a,
	};
	struct run r;
	int code = run_init(&r, &config);

	if (code != OPT_GO_ON)
		return code;
	a->run = &r;
	ev_signal_init(&a->on_hup, on_hup, SIGHUP);
	ev_init(&a->timer, on_timer);
	if (!g->dry_run)
		run_loop(&r);
	if (child_running(&a->child)) {
		clean(&r);
		run_finish(&r, a->child.status);
	}
	ev_signal_stop(endpoint_loop(), &a->on_hup);
	ev_timer_stop(endpoint_loop(), &a->timer);
	if (a->serve)
		r.counts = serve_counts(a->serve);
	serve_free(a->serve);
	clean(&r);
	return run_done(&r);
}

/* ---- values of options ---- */

static const struct str *texts(struct groups *g, const struct values *list)
{
	struct str *copy = arena_zalloc(&g->arena, (list->n + 1) * sizeof(*copy));

	for (unsigned i = 0; i < list->n; i++)
		copy[i] = str_of(list->v[i]);
	return copy;
}

static int rules(const char *option, const struct values *list,
	int (*check)(struct str, struct fail *), struct fail *f)
{
	struct fail why = { 0 };

	for (unsigned i = 0; i < list->n; i++)
		if (check(str_of(list->v[i]), &why) != 0)
			return fail_set(f, -FAIL_ARGUMENT, "%s: %s", option, fail_show(&why));
	return 0;
}

/* --auth: what is challenged with, in this order. */
static int schemes(struct args *a, struct fail *f)
{
	static const enum serve_scheme all[] = { SERVE_DIGEST, SERVE_NTLM, SERVE_KERBEROS };
	struct serve_config *c = &a->config;
	struct value_list list;
	bool ntlm = false, kerberos = false;
	int e;

	if ((e = value_words("--auth", a->auth, "digest|ntlm|kerberos|none", &list, f)) != 0)
		return e;
	for (unsigned i = 0; i < list.n; i++) {
		if ((size_t)list.v[i] < ARRAY_LEN(all))
			c->schemes[c->scheme_count++] = all[list.v[i]];
		else
			a->open = true;
		ntlm = ntlm || list.v[i] == SERVE_NTLM;
		kerberos = kerberos || list.v[i] == SERVE_KERBEROS;
	}
	if ((ntlm && !HAVE_NTLM) || (kerberos && !HAVE_KERBEROS))
		return fail_set(f, -FAIL_NOT_BUILT, "--auth: %s is not in this build",
			ntlm && !HAVE_NTLM ? "ntlm" : "kerberos");
	if (a->open && c->scheme_count)
		return fail_set(f, -FAIL_ARGUMENT, "--auth: none with another scheme");
	if (kerberos && !a->keytab)
		return fail_set(f, -FAIL_ARGUMENT, "--auth: kerberos needs --keytab");
	return 0;
}

static int authentication(struct args *a, struct fail *f)
{
	static const enum hash_kind hashes[] = { HASH_SHA512_256, HASH_SHA256, HASH_MD5 };
	struct value_list digest;
	int e;

	if ((e = schemes(a, f)) != 0 || (e = value_words("--digest", a->digest,
						 "sha-512-256|sha-256|md5", &digest, f)) != 0)
		return e;
	for (unsigned i = 0; i < digest.n; i++)
		a->config.digest |= 1U << hashes[digest.v[i]];
	if ((e = users_read(&a->users, &a->add_users, a->users_file, a->open, f)) != 0)
		return e;
	a->config.users = a->users.list;
	a->config.user_count = a->users.count;
	a->config.challenge = a->config.scheme_count || (!a->open && a->users.count > 0);
	return 0;
}

/* What Communications Server needs. */
static int microsoft(struct groups *g, struct args *a, struct fail *f)
{
	struct serve_config *c = &a->config;
	uint32_t version;
	struct str host;
	uint16_t port;
	int e, dialect = 0;

	if ((e = value_word("--dialect", a->dialect, "standard|ocs", &dialect, f)) != 0 ||
		(e = value_number("--ms-version", a->ms_version, (struct value_range){ 2, 4, 4 },
			 &version, f)) != 0 ||
		(e = value_ms("--association-life", a->association_life, 8 * 3600000,
			 &c->association_ms, f)) != 0 ||
		(e = rules("--home", &a->homes, serve_home_check, f)) != 0 ||
		(a->ntlm_domain && (e = value_clean("--ntlm-domain", a->ntlm_domain, f)) != 0) ||
		(a->targetname &&
			(e = value_hostport("--targetname", a->targetname, &host, &port, f)) != 0))
		return e;
	if (c->association_ms == 0)
		return fail_set(
			f, -FAIL_ARGUMENT, "--association-life: the time must be more than 0");
	if (a->targetname && (port || host.p != a->targetname))
		return fail_set(f, -FAIL_ARGUMENT, "--targetname: it has no port and no brackets");
	c->ocs = dialect == 1;
	c->ms_version = version;
	c->ntlm_domain = str_of(a->ntlm_domain);
	c->targetname = str_of(a->targetname);
	c->keytab = a->keytab;
	c->homes = texts(g, &a->homes);
	c->home_count = a->homes.n;
	return 0;
}

static int sockets(struct groups *g, struct args *a, struct fail *f)
{
	bool tls = false;

	for (unsigned i = 0; i < a->listen.n; i++)
		tls = tls || str_istarts(str_of(a->listen.v[i]), STR("tls:"));
	if (!a->cert != !a->key)
		return fail_set(f, -FAIL_ARGUMENT, "%s",
			a->cert ? "--cert without --key" : "--key without --cert");
	if (a->tls_auto && a->cert)
		return fail_set(f, -FAIL_ARGUMENT, "--tls-auto with --cert");
	if (tls && !a->tls_auto && !a->cert)
		return fail_set(
			f, -FAIL_ARGUMENT, "--listen: tls needs --tls-auto, or --cert and --key");
	a->config.listen = texts(g, &a->listen);
	a->config.listen_count = a->listen.n;
	a->config.tls.cert = a->cert;
	a->config.tls.key = a->key;
	a->config.tls.keylog = run_setup_keylog(g);
	a->config.tls_auto = a->tls_auto;
	return 0;
}

static int times(struct args *a, struct fail *f)
{
	struct serve_config *c = &a->config;
	int e;

	if ((e = value_seconds("--min-expires", a->min_expires, 60, &c->min_expires, f)) != 0 ||
		(e = value_seconds("--max-expires", a->max_expires, c->ocs ? 7200 : 3600,
			 &c->max_expires, f)) != 0 ||
		(e = value_ms("--nonce-expires", a->nonce_expires, 300000, &c->nonce_ms, f)) != 0 ||
		(e = value_ms("--for", a->duration, 0, &a->for_ms, f)) != 0)
		return e;
	if (c->min_expires == 0 || c->max_expires == 0 || c->nonce_ms == 0 ||
		(a->duration && a->for_ms == 0))
		return fail_set(f, -FAIL_ARGUMENT, "%s: the time must be more than 0",
			c->min_expires == 0   ? "--min-expires"
			: c->max_expires == 0 ? "--max-expires"
			: c->nonce_ms == 0    ? "--nonce-expires"
					      : "--for");
	if (c->min_expires > c->max_expires)
		return fail_set(f, -FAIL_ARGUMENT, "--min-expires: more than --max-expires (%u s)",
			c->max_expires);
	return 0;
}

static int names(struct groups *g, struct args *a, struct fail *f)
{
	CLEANUP(buf_done) struct buf route = BUF_INIT(1 << 16);
	struct serve_config *c = &a->config;
	struct fail why = { 0 };
	struct str host;
	uint16_t port;
	int e;

	if ((a->domain && (e = value_hostport("--domain", a->domain, &host, &port, f)) != 0) ||
		(e = value_clean("--realm", a->realm, f)) != 0)
		return e;
	if (a->domain && (port || host.p != a->domain))
		return fail_set(f, -FAIL_ARGUMENT, "--domain: it has no port and no brackets");
	if (a->service_route &&
		endpoint_target_parse(str_of(a->service_route), STR_EMPTY, &route, &why) != 0)
		return fail_set(f, -FAIL_ARGUMENT, "--service-route: %s", fail_show(&why));
	c->domain = str_of(a->domain);
	c->realm = str_of(a->realm);
	c->service_route = a->service_route ? arena_str(&g->arena, buf_str(&route)) : STR_EMPTY;
	return 0;
}

static int values(struct groups *g, struct args *a, struct fail *f)
{
	struct serve_config *c = &a->config;
	struct fail why = { 0 };
	uint32_t seed = 0;
	int e;

	if (a->events && serve_events_check(str_of(a->events), &why) != 0)
		return fail_set(f, -FAIL_ARGUMENT, "--events: %s", fail_show(&why));
	if ((e = names(g, a, f)) != 0 || (e = microsoft(g, a, f)) != 0 || (e = times(a, f)) != 0 ||
		(e = sockets(g, a, f)) != 0 ||
		(e = rules("--reply", &a->replies, serve_reply_check, f)) != 0 ||
		(e = rules("--fault", &a->faults, serve_fault_check, f)) != 0 ||
		(e = rules("--route", &a->routes, serve_route_check, f)) != 0 ||
		(e = rules("--trust", &a->trust, serve_trust_check, f)) != 0 ||
		(e = rules("--mwi", &a->mwi, serve_mwi_check, f)) != 0 ||
		(e = rules("--conference", &a->conferences, serve_conference_check, f)) != 0 ||
		(e = rules("--list", &a->lists, serve_list_check, f)) != 0 ||
		(e = value_number("--seed", a->seed, (struct value_range){ 1, UINT32_MAX, 0 },
			 &seed, f)) != 0 ||
		(e = ready_fd(a->ready_fd, &a->ready.fd, f)) != 0)
		return e;
	c->replies = texts(g, &a->replies);
	c->reply_count = a->replies.n;
	c->faults = texts(g, &a->faults);
	c->fault_count = a->faults.n;
	c->routes = texts(g, &a->routes);
	c->route_count = a->routes.n;
	c->trust = texts(g, &a->trust);
	c->trust_count = a->trust.n;
	c->mwi = texts(g, &a->mwi);
	c->mwi_count = a->mwi.n;
	c->conferences = texts(g, &a->conferences);
	c->conference_count = a->conferences.n;
	c->lists = texts(g, &a->lists);
	c->list_count = a->lists.n;
	c->events = str_of(a->events);
	c->seed = seed;
	c->control = a->control;
	a->ready.file = a->ready_file;
	return authentication(a, f);
}

/* What stands behind --, and only that, is the COMMAND. */
static int command(struct args *a, struct groups *g, int argc, const char **argv)
{
	char shown[VALUE_SHOWN];
	int at = 1;

	while (at < argc && strcmp(argv[at], "--") != 0)
		at++;
	if (at == argc && g->args.n)
		return opt_usage(g, "unexpected argument %s; a COMMAND stands behind --",
			value_show(g->args.v[0], shown));
	if (at < argc && g->args.n == 0)
		return opt_usage(g, "no COMMAND behind --");
	if (at < argc && (int)g->args.n > argc - at - 1)
		return opt_usage(g, "unexpected argument %s", value_show(g->args.v[0], shown));
	if (g->args.n == 0)
		return OPT_GO_ON;
	a->command = g->args.v;
	/* stdout is the COMMAND's */
	if (!g->output)
		g->output = "%";
	if (!g->verbose && !g->json)
		g->quiet = 1;
	return OPT_GO_ON;
}

int cmd_serve(const struct cmd *cmd, int argc, const char **argv, struct groups *g)
{
	struct args a = { .ready = { .fd = -1 } };
	const struct poptOption own[] = { { "domain", 0, POPT_ARG_STRING, &a.domain, 0,
						  "whom it serves (test.invalid)", "NAME" },
		{ "add-user", 0, POPT_ARG_STRING, &a.add_users, OPT_LIST,
			"a user and the password (sensitive)", "NAME[:SOURCE]" },
		{ "users", 0, POPT_ARG_STRING, &a.users_file, 0, "users, as in rte-credentials(5)",
			"FILE" },
		{ "auth", 0, POPT_ARG_STRING, &a.auth, 0,
			"challenges: digest ntlm kerberos (digest once there are users), or none",
			"LIST" },
		{ "digest", 0, POPT_ARG_STRING, &a.digest, 0,
			"algorithms: sha-512-256 sha-256 md5 (all)", "LIST" },
		{ "realm", 0, POPT_ARG_STRING, &a.realm, 0, "of its challenges (the domain)",
			"REALM" },
		{ "dialect", 0, POPT_ARG_STRING, &a.dialect, 0,
			"of its registrar; ocs: Office Communications Server's (standard)",
			"standard|ocs" },
		{ "ntlm-domain", 0, POPT_ARG_STRING, &a.ntlm_domain, 0,
			"of its users (first label of the domain)", "NAME" },
		{ "keytab", 0, POPT_ARG_STRING, &a.keytab, 0, "keys for kerberos", "FILE" },
		{ "targetname", 0, POPT_ARG_STRING, &a.targetname, 0,
			"its name for ntlm and kerberos (the domain)", "HOST" },
		{ "ms-version", 0, POPT_ARG_STRING, &a.ms_version, 0,
			"version of security associations (4)", "2|3|4" },
		{ "association-life", 0, POPT_ARG_STRING, &a.association_life, 0,
			"then they are forgotten (8h)", "T" },
		{ "home", 0, POPT_ARG_STRING, &a.homes, OPT_LIST,
			"another server of a user: 301 to REGISTER", "USER=URI" },
		{ "trust", 0, POPT_ARG_STRING, &a.trust, OPT_LIST,
			"no challenge for who comes from there", "ADDR[:PORT]" },
		{ "route", 0, POPT_ARG_STRING, &a.routes, OPT_LIST,
			"'sip:[USER@]DOMAIN=sip:ADDR:PORT'", "URI=URI" },
		{ "listen", 0, POPT_ARG_STRING, &a.listen, OPT_LIST,
			"udp:ADDR:PORT, tcp:..., tls:... (loopback)", "URI" },
		{ "tls-auto", 0, POPT_ARG_NONE, &a.tls_auto, 0, "TLS with a throw-away CA", NULL },
		{ "cert", 0, POPT_ARG_STRING, &a.cert, 0, "certificate", "FILE" },
		{ "key", 0, POPT_ARG_STRING, &a.key, 0, "its private key", "FILE" },
		{ "min-expires", 0, POPT_ARG_STRING, &a.min_expires, 0,
			"less is refused with 423 (60s)", "T" },
		{ "max-expires", 0, POPT_ARG_STRING, &a.max_expires, 0, "more is shortened (1h)",
			"T" },
		{ "nonce-expires", 0, POPT_ARG_STRING, &a.nonce_expires, 0, "then it is stale (5m)",
			"T" },
		{ "service-route", 0, POPT_ARG_STRING, &a.service_route, 0,
			"Service-Route of every 200", "URI" },
		{ "reply", 0, POPT_ARG_STRING, &a.replies, OPT_LIST,
			"'METHOD[ USER]=STATUS[ REASON][;after=T][;retry-after=T]'", "RULE" },
		{ "fault", 0, POPT_ARG_STRING, &a.faults, OPT_LIST,
			"what it sends suffers: drop:P delay:T dup:P reorder:P "
			"truncate badsdp unsigned badsign endless weak",
			"RULE" },
		{ "events", 0, POPT_ARG_STRING, &a.events, 0,
			"packages: presence dialog reg message-summary conference "
			"presence.winfo, or none (all)",
			"LIST" },
		{ "mwi", 0, POPT_ARG_STRING, &a.mwi, OPT_LIST, "messages that wait for a user",
			"USER=NEW/OLD" },
		{ "conference", 0, POPT_ARG_STRING, &a.conferences, OPT_LIST,
			"a conference and its document", "USER=FILE" },
		{ "list", 0, POPT_ARG_STRING, &a.lists, OPT_LIST,
			"several to be subscribed to as one", "NAME=URI,..." },
		{ "seed", 0, POPT_ARG_STRING, &a.seed, 0, "of --fault (random)", "N" },
		{ "control", 0, POPT_ARG_STRING, &a.control, 0, "take orders here, one a line",
			"FIFO" },
		{ "ready-file", 0, POPT_ARG_STRING, &a.ready_file, 0,
			"its addresses, when it is ready", "FILE" },
		{ "ready-fd", 0, POPT_ARG_STRING, &a.ready_fd, 0,
			"the same on one line to a descriptor", "N" },
		{ "for", 0, POPT_ARG_STRING, &a.duration, 0, "end after this time", "T" },
		POPT_TABLEEND };
	const struct opt_spec spec = {
		.cmd = cmd,
		.own = own,
		.groups = GROUP_OUTPUT | GROUP_CONFIG,
		.max_args = -1,
		.raw_args = true,
	};
	struct fail f = { 0 };
	int e, code = opt_parse(&spec, argc, argv, g);

	if (code != OPT_GO_ON || (code = command(&a, g, argc, argv)) != OPT_GO_ON)
		return code;
	e = values(g, &a, &f);
	code = e ? opt_failed(g, e, &f) : go(&a, g);
	users_done(&a.users);
	return code;
}
