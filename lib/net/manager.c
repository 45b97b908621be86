/* lib/net/manager.c -- connection managers: the tables of flows, and where flows come from */
#include "net/manager.h"

#include "base/mem.h"
#include "net/listen.h"
#include "net/manager_impl.h"
#include "net/pool.h"
#include "net/tcp.h"
#include "net/udp.h"

#include <assert.h>
#include <string.h>

enum {
	IDLE_MS = 15 * 60 * 1000, /* CM-15, CM-16 */
	LINGER_MS = 60 * 1000, /* PP-10 */
	FIRST_MESSAGE_MS = 60 * 1000, /* CM-17 */
	CONNECT_MS = 32 * 1000,
	POOL_SIZE = 5, /* CP-02 */
	MAX_FLOWS = 20000,
	QUEUE_BYTES = 4 << 20
};

struct peer {
	struct list node;
	char *host;
	struct net_addr addr; /* when host is numeric */
	uint16_t port; /* 0: any */
	uint64_t idle_ms;
};

static uint64_t or_default(uint64_t ms, uint64_t otherwise)
{
	return ms ? ms : otherwise;
}

int net_manager_new(
	const struct net_manager_config *config, struct net_manager **out, struct fail *f)
{
	struct net_manager *m = MEM_NEW(struct net_manager);
	struct net_manager_config *c = &m->config;

	(void)f;
	assert(config->loop && config->on_event);
	*c = *config;
	c->linger_ms = or_default(c->linger_ms, LINGER_MS);
	c->first_message_ms = or_default(c->first_message_ms, FIRST_MESSAGE_MS);
	c->connect_ms = or_default(c->connect_ms, CONNECT_MS);
	c->pool_size = c->pool_size ? c->pool_size : POOL_SIZE;
	c->max_flows = c->max_flows ? c->max_flows : MAX_FLOWS;
	c->queue_bytes = c->queue_bytes ? c->queue_bytes : QUEUE_BYTES;
	c->interface = c->interface ? mem_strndup(c->interface, strlen(c->interface)) : NULL;
	c->tls_client = c->tls_client ? net_tls_ref(c->tls_client) : NULL;
	c->tls_server = c->tls_server ? net_tls_ref(c->tls_server) : NULL;
	net_manager_set_idle(m, c->idle_in_ms, c->idle_out_ms);
	list_init(&m->flows);
	list_init(&m->listeners);
	list_init(&m->udp_sockets);
	list_init(&m->peers);
	list_init(&m->evictable);
	*out = m;
	return 0;
}

void net_manager_free(struct net_manager *m)
{
	if (!m)
		return;
	net_listen_stop_all(m);
	LIST_EACH (it, &m->flows)
		net_flow_abandon(CONTAINER_OF(it, struct net_flow, in_manager));
	/* What is left was called from its own callback, and ends with that. */
	LIST_EACH (it, &m->udp_sockets)
		list_del(it);
	LIST_EACH (it, &m->peers) {
		struct peer *p = CONTAINER_OF(it, struct peer, node);
		mem_free(p->host);
		mem_free(p);
	}
	map_done(&m->pools);
	map_done(&m->ids);
	map_done(&m->remotes);
	net_tls_unref(m->config.tls_client);
	net_tls_unref(m->config.tls_server);
	mem_free((char *)(uintptr_t)m->config.interface);
	mem_free(m);
}

void net_manager_set_tls_client(struct net_manager *m, struct net_tls *tls)
{
	struct net_tls *old = m->config.tls_client;

	m->config.tls_client = tls ? net_tls_ref(tls) : NULL;
	net_tls_unref(old);
}

enum net_manager_kind net_manager_kind(const struct net_manager *m)
{
	return m->config.kind;
}

/* ---- tables ---- */

static struct str id_key(const unsigned *id)
{
	return (struct str){ (const char *)id, sizeof(*id) };
}

static struct str remote_key(const struct net_flow *f)
{
	return (struct str){ f->key, f->key_len };
}

static struct net_flow *by_remote(struct net_manager *m, struct str key)
{
	struct map_node *node = map_get(&m->remotes, key);
	return node ? CONTAINER_OF(node, struct net_flow, by_remote) : NULL;
}

void net_manager_add(struct net_manager *m, struct net_flow *f)
{
	do /* the numbers may come round */
		f->info.id = ++m->last_id;
	while (f->info.id == 0 || net_manager_flow_by_id(m, f->info.id));
	f->key[0] = (char)f->info.transport;
	f->key_len = 1 + net_addr_key(&f->info.remote, f->key + 1).n;
	map_set(&m->ids, &f->by_id, id_key(&f->info.id));
	list_add(&m->flows, &f->in_manager);
	m->stats.flows++;
	m->stats.incoming += f->info.incoming;
	m->udp_incoming += f->info.incoming && f->info.transport == NET_UDP;
}

/* Several flows may go to one address: the flows of a pool do. The map has one of them, the others
 * are in its ring. */
void net_manager_add_remote(struct net_manager *m, struct net_flow *f)
{
	struct net_flow *first = by_remote(m, remote_key(f));

	if (first) {
		list_add(&first->same_remote, &f->same_remote);
		return;
	}
	map_set(&m->remotes, &f->by_remote, remote_key(f));
	f->in_remotes = true;
}

static void remove_remote(struct net_manager *m, struct net_flow *f)
{
	struct list *other = list_first(&f->same_remote);

	list_del(&f->same_remote);
	if (!f->in_remotes)
		return;
	f->in_remotes = false;
	map_del(&m->remotes, &f->by_remote);
	if (other) {
		struct net_flow *heir = CONTAINER_OF(other, struct net_flow, same_remote);
		map_set(&m->remotes, &heir->by_remote, remote_key(heir));
		heir->in_remotes = true;
	}
}

void net_manager_retire(struct net_manager *m, struct net_flow *f)
{
	if (f->retired)
		return;
	f->retired = true;
	map_del(&m->ids, &f->by_id);
	remove_remote(m, f);
	net_pool_leave(m, f);
	list_del(&f->evictable);
}

struct net_flow *net_manager_find(
	struct net_manager *m, enum net_transport t, const struct net_addr *remote)
{
	char key[1 + NET_ADDR_KEY] = { (char)t };
	size_t n = 1 + net_addr_key(remote, key + 1).n;

	return by_remote(m, (struct str){ key, n });
}

struct net_flow *net_manager_next(const struct net_manager *m, const struct net_flow *flow)
{
	const struct list *next = flow ? flow->in_manager.next : m->flows.next;

	return next == &m->flows ? NULL : CONTAINER_OF(next, struct net_flow, in_manager);
}

struct net_flow *net_manager_flow_by_id(struct net_manager *m, unsigned id)
{
	struct map_node *node = map_get(&m->ids, id_key(&id));
	return node ? CONTAINER_OF(node, struct net_flow, by_id) : NULL;
}

/* ---- idle limits ---- */

void net_manager_set_idle(struct net_manager *m, uint64_t in_ms, uint64_t out_ms)
{
	m->config.idle_in_ms = or_default(in_ms, IDLE_MS);
	m->config.idle_out_ms = or_default(out_ms, IDLE_MS);
}

void net_manager_set_peer_idle(struct net_manager *m, struct str host, uint16_t port, uint64_t ms)
{
	struct peer *p;

	LIST_EACH (it, &m->peers) {
		p = CONTAINER_OF(it, struct peer, node);
		if (p->port == port && str_ieq(str_of(p->host), host)) {
			p->idle_ms = ms;
			return;
		}
	}
	p = MEM_NEW(struct peer);
	p->host = mem_strndup(host.p, host.n);
	p->port = port;
	p->idle_ms = ms;
	if (!net_addr_parse(host, port, &p->addr))
		p->addr = (struct net_addr){ 0 };
	list_add(&m->peers, &p->node);
}

/* A connection from a peer has any port, so that only tells the peers of other flows apart. */
static bool is_peer(const struct peer *p, const struct net_flow *f)
{
	bool any_port = p->port == 0 || (f->info.incoming && f->info.transport != NET_UDP);
	bool numeric = p->addr.u.sa.sa_family != AF_UNSPEC;

	if (!any_port && net_addr_port(&f->info.remote) != p->port)
		return false;
	return (f->info.host.n && str_ieq(f->info.host, str_of(p->host))) ||
	       (numeric && net_addr_equal_host(&p->addr, &f->info.remote));
}

uint64_t net_manager_idle(const struct net_manager *m, const struct net_flow *f)
{
	uint64_t usual = f->info.incoming ? m->config.idle_in_ms : m->config.idle_out_ms;

	if (m->config.kind == NET_CLIENT)
		return NET_NEVER;
	LIST_EACH (it, &m->peers) {
		const struct peer *p = CONTAINER_OF(it, struct peer, node);
		if (is_peer(p, f))
			return or_default(p->idle_ms, usual);
	}
	return usual;
}

/* ---- flows ---- */

bool net_manager_has_room(const struct net_manager *m)
{
	return m->stats.flows - m->udp_incoming < m->config.max_flows;
}

static int no_room(const struct net_manager *m, struct fail *f)
{
	return fail_set(f, -FAIL_LIMIT, "too many connections: %u", m->config.max_flows);
}

/* Through a listening UDP socket there is one flow to a peer, whoever began. */
static int bound_flow(struct net_manager *m, struct net_udp *u, const struct net_target *t,
	struct net_flow **out, struct fail *fail)
{
	struct net_flow *f = net_udp_find(u, &t->addr);

	if (f) {
		net_flow_trace(f, "shared", NULL);
	} else if (t->answer) {
		if (!(f = net_udp_peer(u, &t->addr)))
			return no_room(m, fail);
	} else if (!net_manager_has_room(m)) {
		return no_room(m, fail);
	} else {
		f = net_flow_new(m, NET_UDP, &t->addr, t->host, false);
		net_udp_attach(u, f);
	}
	*out = f;
	return 0;
}

/* How many flows may go to one destination. */
static unsigned pool_size(const struct net_manager *m, enum net_transport t)
{
	/* Of datagrams one socket a next hop (ruling 7); from one local port there can be but one.
	 */
	if (m->config.kind == NET_CLIENT || t == NET_UDP || net_addr_port(&m->config.local) != 0)
		return 1;
	return m->config.pool_size;
}

static int pooled_flow(
	struct net_manager *m, const struct net_target *t, struct net_flow **out, struct fail *fail)
{
	struct net_pool *p = net_pool_get(m, t);
	struct net_flow *f = net_pool_pick(p, &t->addr, pool_size(m, t->transport));
	int e;

	if (f) {
		net_flow_trace(f, "shared", NULL);
		*out = f;
		return 0;
	}
	if (!net_manager_has_room(m)) {
		net_pool_trim(m, p);
		return no_room(m, fail);
	}
	f = net_flow_new(m, t->transport, &t->addr, t->host, false);
	net_pool_add(p, f);
	e = t->transport == NET_UDP ? net_udp_connect(f, fail) : net_tcp_connect(f, fail);
	if (e < 0) {
		net_flow_abandon(f);
		return e;
	}
	*out = f;
	return 0;
}

int net_manager_flow(struct net_manager *m, const struct net_target *target, struct net_flow **out,
	struct fail *f)
{
	struct net_udp *u = target->transport == NET_UDP ? net_listen_udp(m, &target->addr) : NULL;
	struct net_flow *flow = NULL;
	int e = u ? bound_flow(m, u, target, &flow, f) : pooled_flow(m, target, &flow, f);

	if (e == 0)
		*out = net_flow_ref(flow);
	return e;
}

/* ---- listening ---- */

int net_manager_listen(struct net_manager *m, enum net_transport t, const struct net_addr *addr,
	struct net_addr *bound, struct fail *f)
{
	if (m->config.kind == NET_CLIENT)
		return fail_set(f, -FAIL_STATE, "a client connection manager does not listen");
	return net_listen_start(m, t, addr, bound, f);
}

int net_manager_unlisten(struct net_manager *m)
{
	if (list_empty(&m->listeners))
		return -FAIL_STATE;
	net_listen_stop_all(m);
	return 0;
}

bool net_manager_listener(
	const struct net_manager *m, unsigned i, enum net_transport *t, struct net_addr *bound)
{
	return net_listen_get(m, i, t, bound);
}

struct net_manager_stats net_manager_stats(const struct net_manager *m)
{
	struct net_manager_stats s = m->stats;

	s.pools = (unsigned)m->pools.count;
	return s;
}
