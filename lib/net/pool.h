/* lib/net/pool.h -- outgoing flows to one (owner, transport, host name, port, verified name), for
 * lib/net only. Rows CP-01 to CP-05: made with the first flow, gone with the last. */
#ifndef NET_POOL_H
#define NET_POOL_H

#include "net/flow_impl.h"
#include "net/manager.h"

struct net_pool {
	struct map_node node; /* in the manager */
	struct list flows; /* the next of the rotation first */
	unsigned count;
	char *key;
};

/* The pool of the target, made if need be: then put a flow in. */
struct net_pool *net_pool_get(struct net_manager *m, const struct net_target *target);
/* The flow to share for this address, or NULL: make a new one. One that nobody uses comes first;
 * below size it is a new one; then they take turns. A flow to another address of the same name (RFC
 * 3263) is no substitute, so the first flow to an address may exceed the size. */
struct net_flow *net_pool_pick(struct net_pool *p, const struct net_addr *addr, unsigned size);
void net_pool_add(struct net_pool *p, struct net_flow *f);
/* The flow leaves its pool, if it is in one, and the pool is trimmed. */
void net_pool_leave(struct net_manager *m, struct net_flow *f);

/* Frees it if it is empty. */
void net_pool_trim(struct net_manager *m, struct net_pool *p);

#endif
