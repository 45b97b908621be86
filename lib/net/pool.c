/* lib/net/pool.c -- outgoing flows to one destination: limit and rotation */
#include "net/pool.h"

#include "base/mem.h"
#include "net/manager_impl.h"

#include <stdio.h>

/* The owner counts on a client manager only: there nobody shares (CM-02). The name of the
 * verification counts although a manager has one context, so that a key tells all that a connection
 * was checked for (A65). */
static void write_key(struct buf *b, const struct net_manager *m, const struct net_target *t)
{
	char addr[NET_ADDR_TEXT];
	struct str host = t->host.n ? t->host : str_of(net_addr_host(&t->addr, addr));

	buf_addf(b, "%p %s %u ", m->config.kind == NET_CLIENT ? (void *)(uintptr_t)t->owner : NULL,
		net_transport_name(t->transport), (unsigned)net_addr_port(&t->addr));
	for (size_t i = 0; i < host.n; i++)
		buf_add_char(b, str_lower(host.p[i]));
	if (t->transport == NET_TLS && m->config.tls_client)
		buf_addf(b, " %s", net_tls_key(m->config.tls_client));
}

struct net_pool *net_pool_get(struct net_manager *m, const struct net_target *target)
{
	CLEANUP(buf_done) struct buf key = BUF_INIT(SIZE_MAX);
	struct map_node *node;
	struct net_pool *p;

	write_key(&key, m, target);
	node = map_get(&m->pools, buf_str(&key));
	if (node)
		return CONTAINER_OF(node, struct net_pool, node);
	p = MEM_NEW(struct net_pool);
	list_init(&p->flows);
	p->key = mem_strndup(key.p, key.n);
	map_set(&m->pools, &p->node, (struct str){ p->key, key.n });
	return p;
}

struct net_flow *net_pool_pick(struct net_pool *p, const struct net_addr *addr, unsigned size)
{
	struct net_flow *next = NULL;

	LIST_EACH (it, &p->flows) {
		struct net_flow *f = CONTAINER_OF(it, struct net_flow, in_pool);
		if (!net_addr_equal(&f->info.remote, addr))
			continue;
		if (f->info.refs == 0)
			return f;
		if (!next)
			next = f;
	}
	if (!next || p->count < size)
		return NULL;
	list_del(&next->in_pool);
	list_add(&p->flows, &next->in_pool);
	return next;
}

/* An empty pool is no pool. */
void net_pool_trim(struct net_manager *m, struct net_pool *p)
{
	if (p->count > 0)
		return;
	map_del(&m->pools, &p->node);
	mem_free(p->key);
	mem_free(p);
}

void net_pool_add(struct net_pool *p, struct net_flow *f)
{
	f->pool = p;
	p->count++;
	list_add(&p->flows, &f->in_pool);
}

void net_pool_leave(struct net_manager *m, struct net_flow *f)
{
	struct net_pool *p = f->pool;

	if (!p)
		return;
	f->pool = NULL;
	list_del(&f->in_pool);
	p->count--;
	net_pool_trim(m, p);
}
