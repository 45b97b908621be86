#include "run_setup.h"

#include "endpoint/resolve.h"
#include "value.h"

#include <stdlib.h>
#include <string.h>

/* The transaction's timer runs while the transport connects (RFC 3261 17.1.2.2): --timeout bounds
 * that, too. */
enum { CONNECT_MS = 32000 };

/* T, but not 0. */
static int positive(
	const char *option, const char *text, uint64_t dflt, uint64_t *out, struct fail *f)
{
	uint64_t ms = 0;
	int e = value_ms(option, text, dflt, &ms, f);

	if (e == 0 && text && ms == 0)
		return fail_set(f, -FAIL_ARGUMENT, "%s: the time must be more than 0", option);
	if (e == 0)
		*out = ms;
	return e;
}

static int timers(struct run *r, struct run_setup *s, struct fail *f)
{
	const struct groups *g = r->g;
	uint64_t t1 = 0, t2 = 0;
	int e;

	if ((e = positive("--t1", g->t1, 500, &t1, f)) != 0 ||
		(e = positive("--t2", g->t2, 4000, &t2, f)) != 0)
		return e;
	if (t1 > t2)
		return fail_set(f, -FAIL_ARGUMENT, "%s", "--t2: it is less than T1");
	s->manager.timers.t1 = (uint32_t)t1;
	s->manager.timers.t2 = (uint32_t)t2;
	s->manager.timers.no_retransmit = g->no_retransmit;
	if (r->config.timeout_ms == 0)
		r->config.timeout_ms = 64 * t1;
	return positive("--timeout", g->timeout, r->config.timeout_ms, &r->timeout_ms, f);
}

static int retries(struct run *r, struct fail *f)
{
	const struct groups *g = r->g;
	uint32_t count;
	int e;

	if ((e = positive("--max-time", g->max_time, 0, &r->max_time_ms, f)) != 0 ||
		(e = value_number("--retry", g->retry, (struct value_range){ 0, 1000000, 0 },
			 &count, f)) != 0 ||
		(e = positive("--retry-delay", g->retry_delay, 1000, &r->retry.delay_ms, f)) != 0 ||
		(e = positive("--retry-max-time", g->retry_max_time, 0, &r->recover_ms, f)) != 0 ||
		(e = value_number("--follow", g->follow,
			 (struct value_range){ 0, 20, r->config.follow }, &r->follow, f)) != 0)
		return e;
	r->retry.count = count;
	r->retry.max_ms = r->recover_ms;
	r->retry.connrefused = g->retry_connrefused;
	r->retry.no_retry_after = g->no_retry_after;
	return 0;
}

/* A time of which 0 means something, where the library takes 0 for the default. */
static int flow_time(
	const char *option, const char *text, uint64_t zero, uint64_t *out, struct fail *f)
{
	uint64_t ms = 0;
	int e = value_ms(option, text, 0, &ms, f);

	if (e == 0 && text)
		*out = ms ? ms : zero;
	return e;
}

/* --idle-timeout=T for all, HOST:PORT=T for one peer (ruling 28). */
static int idle_times(struct run *r, struct run_setup *s, struct fail *f)
{
	const struct values *given = &r->g->idle_timeout;
	struct endpoint_idle *peers = arena_alloc(&r->g->arena, (given->n + 1) * sizeof(*peers));
	const char *const option = "--idle-timeout";
	struct str peer, time;
	int e = 0;

	for (unsigned i = 0; i < given->n && e == 0; i++) {
		struct endpoint_idle *p = &peers[s->manager.idle_count];
		if (!str_cut(str_of(given->v[i]), '=', &peer, &time)) {
			e = flow_time(
				option, given->v[i], NET_NEVER, &s->manager.net.idle_in_ms, f);
			continue;
		}
		*p = (struct endpoint_idle){ 0 };
		e = value_hostport(option, arena_str(&r->g->arena, peer).p, &p->host, &p->port, f);
		if (e == 0)
			e = flow_time(option, time.p, NET_NEVER, &p->ms, f);
		s->manager.idle_count++;
	}
	s->manager.idle = peers;
	s->manager.net.idle_out_ms = s->manager.net.idle_in_ms;
	return e;
}

static int flows(struct run *r, struct run_setup *s, struct fail *f)
{
	const struct groups *g = r->g;
	struct net_manager_config *net = &s->manager.net;
	int e = idle_times(r, s, f);

	if (e == 0)
		e = flow_time("--linger", g->linger, 1, &net->linger_ms, f);
	if (e == 0)
		e = positive("--first-message-timeout", g->first_message_timeout, 0,
			&net->first_message_ms, f);
	if (e == 0)
		e = positive("--connect-timeout", g->connect_timeout,
			r->timeout_ms < CONNECT_MS ? r->timeout_ms : CONNECT_MS, &net->connect_ms,
			f);
	return e;
}

static int sizes(struct run *r, struct run_setup *s, struct fail *f)
{
	const struct value_range pool_range = { 1, 1000, 0 }, message_range = { 512, 16 << 20, 0 };
	uint32_t pool, message;
	int e = value_number("--pool-size", r->g->pool_size, pool_range, &pool, f);

	if (e == 0)
		e = value_number("--max-message", r->g->max_message, message_range, &message, f);
	if (e)
		return e;
	s->manager.net.pool_size = pool;
	s->manager.limits.message = message;
	return 0;
}

/* ADDR[:PORT] with a numeric address. */
static int address(const char *option, const char *text, struct net_addr *out, struct fail *f)
{
	struct str host;
	uint16_t port;
	int e = value_hostport(option, text, &host, &port, f);

	if (e == 0 && !net_addr_parse(host, port, out))
		return fail_set(f, -FAIL_ARGUMENT, "%s: \"%s\" is not an IP address", option, text);
	return e;
}

static int listeners(struct run *r, struct run_setup *s, struct fail *f)
{
	const struct groups *g = r->g;

	for (unsigned i = 0; i < g->listen.n; i++) {
		struct str uri = str_of(g->listen.v[i]);
		if (!str_istarts(uri, STR("udp:")) && !str_istarts(uri, STR("tcp:")) &&
			!str_istarts(uri, STR("tls:")))
			return fail_set(f, -FAIL_ARGUMENT,
				"--listen: \"%s\" is not udp:ADDR:PORT, tcp:... or tls:...",
				g->listen.v[i]);
		s->listens_tls = s->listens_tls || str_istarts(uri, STR("tls:"));
	}
	if (s->listens_tls && (!g->cert || !g->key))
		return fail_set(f, -FAIL_ARGUMENT, "--listen: tls needs --cert and --key");
	if (opt_on_line(g, "mutual-tls") && g->mutual_tls && !s->listens_tls)
		return fail_set(f, -FAIL_ARGUMENT, "--mutual-tls without --listen=tls:...");
	return 0;
}

static int network(struct run *r, struct run_setup *s, struct fail *f)
{
	const struct groups *g = r->g;
	struct str host, addrs;
	struct net_addr a;
	uint16_t port;
	int e;

	if (g->local && (e = address("--local", g->local, &s->manager.net.local, f)) != 0)
		return e;
	if (g->dns && (e = address("--dns", g->dns, &a, f)) != 0)
		return e;
	if (g->advertise && (e = value_hostport("--advertise", g->advertise, &host, &port, f)) != 0)
		return e;
	if (g->connect && (e = address("--connect", g->connect, &a, f)) != 0)
		return e;
	if (g->connect && net_addr_port(&a) == 0)
		return fail_set(f, -FAIL_ARGUMENT, "--connect: \"%s\" has no port", g->connect);
	for (unsigned i = 0; i < g->resolve.n; i++)
		if (!resolve_override_parse(str_of(g->resolve.v[i]), &host, &port, &addrs))
			return fail_set(f, -FAIL_ARGUMENT,
				"--resolve: \"%s\" is not HOST:PORT:ADDR", g->resolve.v[i]);
	if (g->ipv4 && g->ipv6)
		return fail_set(f, -FAIL_ARGUMENT, "--ipv4 with --ipv6");
	/* the words are in the order of enum net_transport */
	if ((e = value_word("--transport", g->transport, "udp|tcp|tls", &r->transport, f)) != 0)
		return e;
	r->family = g->ipv4 ? AF_INET : g->ipv6 ? AF_INET6 : AF_UNSPEC;
	s->manager.net.interface = g->interface;
	s->manager.dns_servers = str_of(g->dns);
	s->manager.resolve = g->resolve.v;
	s->manager.advertise = str_of(g->advertise);
	return listeners(r, s, f);
}

const char *run_setup_keylog(const struct groups *g)
{
	const char *environment = getenv("SSLKEYLOGFILE");

	if (g->keylog)
		return g->keylog;
	return environment && environment[0] != '\0' ? environment : NULL;
}

static int tls(struct run *r, struct run_setup *s, struct fail *f)
{
	const struct groups *g = r->g;
	int version = 0, e;

	e = value_word("--tls-min", g->tls_min, "1.2|1.3", &version, f);
	if (e)
		return e;
	if (!g->cert != !g->key)
		return fail_set(f, -FAIL_ARGUMENT, "%s",
			g->cert ? "--cert without --key" : "--key without --cert");
	s->manager.tls = (struct net_tls_config){
		.cacert = g->cacert,
		.capath = g->capath,
		.cert = g->cert,
		.key = g->key,
		.ciphers = g->tls_ciphers,
		.keylog = run_setup_keylog(g),
		.tls_name = g->tls_name,
		.pin = g->pinnedpubkey,
		.min_version = version == 0 ? 12 : 13,
		.insecure = g->insecure,
	};
	if (!s->listens_tls)
		return 0;
	s->manager.tls_server = s->manager.tls;
	s->manager.tls_server.server = true;
	s->manager.tls_server.pin = NULL;
	s->manager.tls_server.tls_name = NULL;
	s->manager.tls_server.mutual = g->mutual_tls;
	s->manager.tls_server.allow = g->allow.v;
	s->manager.tls_server.ekus = g->require_eku.v;
	return 0;
}

int run_setup_net(struct run *r, struct run_setup *s, struct fail *f)
{
	int e;

	if ((e = timers(r, s, f)) != 0 || (e = retries(r, f)) != 0 || (e = flows(r, s, f)) != 0 ||
		(e = sizes(r, s, f)) != 0 || (e = network(r, s, f)) != 0)
		return e;
	return tls(r, s, f);
}
