/* cli/cmd_resolve.c -- rte resolve: RFC 3263 step by step (cli.md section 8) */
#include "base/list.h"
#include "endpoint/resolve.h"
#include "exit.h"
#include "run.h"
#include "value.h"

#include <string.h>

enum { QUERIES = 64 };

/* What a question was answered with, as the trace tells it. */
struct answer {
	struct list node;
	struct str rrtype, name, text;
};

struct args {
	int all, from_naptr, from_srv;

	struct run *run;
	struct net_dns *dns;
	struct trace trace; /* listens to answers, then hands on */
	struct list answers; /* of the URI at hand; in its arena */
	struct arena arena;
	struct resolve resolve;
	unsigned index; /* of the URI at hand */
	int code; /* of the first failure */
};

static void on_trace(void *arg, const struct trace_event *ev)
{
	struct args *a = arg;
	struct answer *one;

	trace_emit(out_trace(a->run->out), ev);
	if (ev->kind != TRACE_DNS)
		return;
	one = ARENA_NEW(&a->arena, struct answer);
	one->rrtype = arena_str(&a->arena, ev->from);
	one->name = arena_str(&a->arena, ev->name);
	one->text = arena_str(&a->arena, ev->note);
	list_init(&one->node);
	list_add(&a->answers, &one->node);
}

static struct str answer_to(const struct args *a, const struct resolve_query *q)
{
	LIST_EACH (it, &a->answers) {
		const struct answer *one = CONTAINER_OF(it, struct answer, node);

		if (str_eq(one->rrtype, str_of(q->rrtype)) && str_ieq(one->name, q->name))
			return one->text;
	}
	return STR_EMPTY;
}

static void show(struct args *a)
{
	struct out_query queries[QUERIES];
	struct endpoint_target targets[RESOLVE_TARGETS];
	char text[RESOLVE_TARGETS][NET_ADDR_TEXT];
	const struct resolve *v = &a->resolve;
	struct out_resolved r = {
		.uri = str_of(a->run->g->args.v[a->index]),
		.queries = queries,
		.targets = targets,
	};

	for (size_t i = 0; i < v->query_count && i < QUERIES; i++) {
		const struct resolve_query *q = &v->queries[i];

		queries[r.query_count].query =
			(struct endpoint_query){ q->name, q->rrtype, q->rcode, q->ms };
		queries[r.query_count++].answer = answer_to(a, q);
	}
	for (size_t i = 0; i < v->count; i++) {
		const struct resolve_target *t = &v->targets[i];

		targets[r.target_count++] = (struct endpoint_target){
			.hop = { net_transport_name(t->transport),
				str_of(net_addr_host(&t->addr, text[i])), net_addr_port(&t->addr) },
			.host = t->host,
			.priority = t->priority,
			.weight = t->weight,
			.srv = t->srv,
		};
	}
	out_resolved(a->run->out, &r);
}

static void failed(struct args *a, const struct fail *f)
{
	int code = exit_of_fail(f->code);

	out_error(a->run->out, code, fail_show(f), NULL);
	if (a->code == EXIT_ok)
		a->code = code;
}

static void forget(struct args *a)
{
	resolve_done(&a->resolve);
	list_init(&a->answers);
	arena_done(&a->arena);
}

static bool next(struct args *a);

static void on_done(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct args *a = CONTAINER_OF(w, struct args, resolve.done);

	(void)revents;
	ev_timer_stop(loop, w);
	show(a);
	if (a->resolve.count == 0)
		failed(a, &a->resolve.fail);
	forget(a);
	a->index++;
	if (!next(a))
		run_finish(a->run, a->code);
}

/* The URI in any form of cli.md section 6; its text lives in the arena. */
static int parse(struct args *a, const char *text, struct sip_uri *uri, struct fail *f)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(1 << 16);
	int e = endpoint_target_parse(str_of(text), STR_EMPTY, &b, f);

	if (e != 0)
		return e;
	if (!sip_uri_parse(arena_str(&a->arena, buf_str(&b)), uri))
		return fail_set(f, -FAIL_ARGUMENT, "\"%s\" is not a SIP URI", text);
	return 0;
}

/* Begins with the URI at hand; false when there is none left. */
static bool next(struct args *a)
{
	struct run *r = a->run;
	struct sip_uri uri;
	const struct resolve_config config = {
		.loop = endpoint_loop(),
		.dns = a->dns,
		.trace = &a->trace,
		.uri = &uri,
		.transport = r->transport,
		.preferred = NET_UDP,
		.family = r->family,
		.overrides = r->g->resolve.v,
		.from = a->from_naptr ? RESOLVE_FROM_NAPTR
			: a->from_srv ? RESOLVE_FROM_SRV
				      : RESOLVE_AUTO,
		.all = a->all,
	};
	struct fail f = { 0 };

	if (a->index == r->g->args.n)
		return false;
	if (parse(a, r->g->args.v[a->index], &uri, &f) != 0)
		return false; /* they were all parsed before */
	memset(&a->resolve, 0, sizeof(a->resolve));
	ev_init(&a->resolve.done, on_done);
	resolve_start(&a->resolve, &config);
	return true;
}

static int start(struct run *r, struct fail *f)
{
	struct args *a = r->arg;
	const struct trace *t = out_trace(r->out);
	int e;

	a->trace = (struct trace){ .fn = on_trace, .arg = a, .mask = t->mask | 1U << TRACE_DNS };
	e = net_dns_new(
		&(struct net_dns_config){
			.loop = endpoint_loop(),
			.trace = &a->trace,
			.servers = str_of(r->g->dns),
			.no_hosts_file = r->g->dns != NULL,
		},
		&a->dns, f);
	if (e != 0)
		return e;
	next(a);
	return 0;
}

static int check(struct args *a, struct groups *g, struct fail *f)
{
	struct sip_uri uri;

	for (unsigned i = 0; i < g->args.n; i++) {
		int e = parse(a, g->args.v[i], &uri, f);

		if (e != 0)
			return e;
	}
	return a->from_naptr && a->from_srv
		       ? fail_set(f, -FAIL_ARGUMENT, "--from-naptr with --from-srv")
		       : 0;
}

static int go(struct args *a, struct groups *g)
{
	const struct run_config config = {
		.g = g,
		.target = g->args.n == 1 ? g->args.v[0] : NULL,
		.start = start,
		.arg = a,
	};
	struct run r;
	int code = run_init(&r, &config);

	if (code != OPT_GO_ON)
		return code;
	a->run = &r;
	if (!g->dry_run)
		run_loop(&r);
	forget(a);
	net_dns_free(a->dns);
	return run_done(&r);
}

int cmd_resolve(const struct cmd *cmd, int argc, const char **argv, struct groups *g)
{
	struct args a = { .all = 0 };
	const struct poptOption own[] = { { "all", 0, POPT_ARG_NONE, &a.all, 0,
						  "every NAPTR service, not only the best", NULL },
		{ "from-naptr", 0, POPT_ARG_NONE, &a.from_naptr, 0,
			"begin with NAPTR, whatever port is given", NULL },
		{ "from-srv", 0, POPT_ARG_NONE, &a.from_srv, 0,
			"begin with SRV, whatever port is given", NULL },
		{ "transport", 't', POPT_ARG_STRING, &g->transport, 0,
			"transport where the URI leaves it open", "udp|tcp|tls" },
		{ "resolve", 0, POPT_ARG_STRING, &g->resolve, OPT_LIST, "addresses of a host",
			"HOST:PORT:ADDR[,ADDR]" },
		{ "dns", 0, POPT_ARG_STRING, &g->dns, 0, "DNS server", "ADDR[:PORT]" },
		{ "ipv4", '4', POPT_ARG_NONE, &g->ipv4, 0, "IPv4 only", NULL },
		{ "ipv6", '6', POPT_ARG_NONE, &g->ipv6, 0, "IPv6 only", NULL },
		{ "max-time", 'm', POPT_ARG_STRING, &g->max_time, 0, "the whole command", "T" },
		POPT_TABLEEND };
	const struct opt_spec spec = {
		.cmd = cmd,
		.own = own,
		.groups = GROUP_OUTPUT | GROUP_CONFIG,
		.min_args = 1,
		.max_args = -1,
	};
	struct fail f = { 0 };
	int e, code = opt_parse(&spec, argc, argv, g);

	if (code != OPT_GO_ON)
		return code;
	list_init(&a.answers);
	e = check(&a, g, &f);
	arena_done(&a.arena);
	return e ? opt_bad(g, &f) : go(&a, g);
}
