/* lib/endpoint/manager.c -- the manager: sockets, TLS, DNS and transactions shared by endpoints */
#include "endpoint/impl.h"

#include "base/mem.h"
#include "endpoint/session_impl.h"
#include "net/dns.h"

#include <stdio.h>
#include <string.h>

struct ev_loop *endpoint_loop(void)
{
	return net_loop();
}

/* Copies a terminated string into the manager; NULL stays NULL. */
static const char *keep(struct endpoint_manager *m, const char *z)
{
	return z ? arena_str(&m->arena, str_of(z)).p : NULL;
}

static const char *const *keep_list(struct endpoint_manager *m, const char *const *list)
{
	size_t n = 0;
	const char **copy;

	if (!list)
		return NULL;
	while (list[n])
		n++;
	copy = arena_alloc(&m->arena, (n + 1) * sizeof(*copy));
	for (size_t i = 0; i < n; i++)
		copy[i] = keep(m, list[i]);
	copy[n] = NULL;
	return copy;
}

static void keep_tls(struct endpoint_manager *m, struct net_tls_config *t)
{
	t->cacert = keep(m, t->cacert);
	t->capath = keep(m, t->capath);
	t->cert = keep(m, t->cert);
	t->key = keep(m, t->key);
	t->ciphers = keep(m, t->ciphers);
	t->keylog = keep(m, t->keylog);
	t->tls_name = keep(m, t->tls_name);
	t->pin = keep(m, t->pin);
	t->allow = keep_list(m, t->allow);
	t->ekus = keep_list(m, t->ekus);
}

int endpoint_manager_new(
	const struct endpoint_manager_config *config, struct endpoint_manager **out, struct fail *f)
{
	struct endpoint_manager *m = MEM_NEW(struct endpoint_manager);
	struct net_manager_config net = config->net;
	struct net_tls *server = NULL;
	int e;

	m->config = *config;
	m->config.dns_servers = arena_str(&m->arena, config->dns_servers);
	m->config.advertise = arena_str(&m->arena, config->advertise);
	m->config.resolve = keep_list(m, config->resolve);
	/* key_password is borrowed from the caller, who keeps it until the manager is gone: secrets
	 * are never copied into arenas. */
	keep_tls(m, &m->config.tls);
	keep_tls(m, &m->config.tls_server);
	list_init(&m->endpoints);
	m->dead = resolve_dead_new();
	if (config->tls_server.cert) {
		m->config.tls_server.server = true;
		if ((e = net_tls_new(&m->config.tls_server, &server, f)) != 0)
			goto fail;
	}
	net.loop = endpoint_loop();
	net.trace = config->trace;
	net.kind = config->kind;
	net.on_event = dispatch_flow_event;
	net.arg = m;
	net.tls_client = NULL;
	net.tls_server = server;
	e = net_manager_new(&net, &m->net, f);
	net_tls_unref(server);
	if (e != 0)
		goto fail;
	for (unsigned i = 0; i < config->idle_count; i++)
		net_manager_set_peer_idle(
			m->net, config->idle[i].host, config->idle[i].port, config->idle[i].ms);
	m->config.idle = NULL;
	m->config.idle_count = 0;
	net_loop_trace(net.loop, config->trace);
	*out = m;
	return 0;
fail:
	endpoint_manager_free(m);
	return e;
}

void endpoint_manager_free(struct endpoint_manager *m)
{
	if (!m)
		return;
	if (m->gone)
		*m->gone = true;
	net_loop_trace(endpoint_loop(), NULL);
	LIST_EACH (it, &m->endpoints) {
		struct endpoint *ep = CONTAINER_OF(it, struct endpoint, node);

		session_abandon_all(ep);
		subscription_abandon_all(ep);
		publication_abandon_all(ep);
		request_abandon_all(ep);
		incoming_abandon_all(ep);
		if (ep->registration)
			registration_abandon(ep->registration);
	}
	transaction_free_all(m);
	if (m->net)
		for (struct net_flow *flow = net_manager_next(m->net, NULL); flow;
			flow = net_manager_next(m->net, flow))
			flow_state_free(flow);
	LIST_EACH (it, &m->endpoints)
		CONTAINER_OF(it, struct endpoint, node)->manager = NULL;
	net_manager_free(m->net);
	net_dns_free(m->dns);
	resolve_dead_free(m->dead);
	net_tls_unref(m->tls);
	map_done(&m->client_txs);
	map_done(&m->server_txs);
	map_done(&m->requests);
	map_done(&m->dialogs);
	arena_done(&m->arena);
	mem_free(m);
}

int endpoint_manager_listen(struct endpoint_manager *m, struct str uri, struct fail *f)
{
	struct str word, rest, host, port_text = STR_EMPTY;
	enum net_transport t;
	struct net_addr addr, bound;
	uint32_t port = 0;

	if (!str_cut(uri, ':', &word, &rest) || !net_transport_parse(word, &t))
		return fail_set(f, -FAIL_ARGUMENT,
			"\"" STR_FMT "\" is not udp:, tcp: or tls:ADDR:PORT", STR_ARG(uri));
	host = rest;
	if (rest.n > 0 && rest.p[0] == '[') {
		size_t close = str_find(rest, ']');

		host = str_sub(rest, 0, close + 1);
		if (close + 1 < rest.n && rest.p[close + 1] == ':')
			port_text = str_sub(rest, close + 2, rest.n);
		else if (close + 1 != rest.n)
			port_text = STR("?");
	} else {
		str_cut(rest, ':', &host, &port_text);
	}
	if ((port_text.n > 0 && (!str_u32(port_text, &port) || port > UINT16_MAX)) ||
		!net_addr_parse(host, (uint16_t)port, &addr))
		return fail_set(f, -FAIL_ARGUMENT,
			"\"" STR_FMT "\" is not ADDR:PORT with a numeric address", STR_ARG(rest));
	return net_manager_listen(m->net, t, &addr, &bound, f);
}

/* A port that the kernel gives for one may be taken for the other: try again. */
int endpoint_manager_listen_loopback(struct endpoint_manager *m, struct fail *f)
{
	struct endpoint_hop hop;
	char text[NET_ADDR_TEXT], uri[64];
	int e = 0;

	for (unsigned tries = 0; tries < 50; tries++) {
		if ((e = endpoint_manager_listen(m, STR("udp:127.0.0.1:0"), f)) != 0)
			return e;
		endpoint_manager_listener(m, 0, text, &hop);
		snprintf(uri, sizeof(uri), "tcp:127.0.0.1:%u", hop.port);
		if ((e = endpoint_manager_listen(m, str_of(uri), f)) == 0)
			break;
		net_manager_unlisten(m->net);
	}
	return e;
}

bool endpoint_manager_listener(const struct endpoint_manager *m, unsigned i,
	char text[NET_ADDR_TEXT], struct endpoint_hop *out)
{
	enum net_transport t;
	struct net_addr bound;

	if (!net_manager_listener(m->net, i, &t, &bound))
		return false;
	endpoint_hop_of(&bound, t, text, out);
	return true;
}

unsigned endpoint_manager_count(const struct endpoint_manager *m)
{
	return m->endpoint_count;
}

unsigned endpoint_manager_unacked(const struct endpoint_manager *m)
{
	return m->unacked;
}

struct endpoint_counts endpoint_manager_counts(const struct endpoint_manager *m)
{
	return m->counts;
}

struct net_manager *endpoint_manager_net(struct endpoint_manager *m)
{
	return m->net;
}

struct net_dns *endpoint_manager_dns(struct endpoint_manager *m, struct fail *f)
{
	const struct net_dns_config config = {
		.loop = endpoint_loop(),
		.trace = m->config.trace,
		.servers = m->config.dns_servers,
		.no_hosts_file = m->config.dns_servers.n > 0,
	};

	if (!m->dns && net_dns_new(&config, &m->dns, f) != 0)
		return NULL;
	return m->dns;
}

struct resolve_dead *endpoint_manager_dead(struct endpoint_manager *m)
{
	return m->dead;
}

const struct trace *endpoint_manager_trace(const struct endpoint_manager *m)
{
	return m->config.trace;
}

const struct endpoint_manager_config *endpoint_manager_options(const struct endpoint_manager *m)
{
	return &m->config;
}

void endpoint_manager_on_request(struct endpoint_manager *m, dispatch_request_fn *fn, void *arg)
{
	m->on_request = fn;
	m->on_request_arg = arg;
}

void endpoint_manager_on_flow(struct endpoint_manager *m, net_flow_fn *fn, void *arg)
{
	m->on_flow = fn;
	m->on_flow_arg = arg;
}

void endpoint_manager_on_send(struct endpoint_manager *m, dispatch_send_fn *fn, void *arg)
{
	m->on_send = fn;
	m->on_send_arg = arg;
}

void endpoint_manager_secure(
	struct endpoint_manager *m, const struct dispatch_security *ops, void *arg)
{
	m->security = ops;
	m->security_arg = arg;
}

int manager_flow(struct endpoint_manager *m, const struct net_target *target, struct net_flow **out,
	struct fail *f)
{
	int e;

	if (target->transport == NET_TLS && !m->tls) {
		if ((e = net_tls_new(&m->config.tls, &m->tls, f)) != 0)
			return e;
		net_manager_set_tls_client(m->net, m->tls);
	}
	return net_manager_flow(m->net, target, out, f);
}
