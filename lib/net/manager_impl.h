/* lib/net/manager_impl.h -- the inside of a manager, for lib/net only */
#ifndef NET_MANAGER_IMPL_H
#define NET_MANAGER_IMPL_H

#include "base/list.h"
#include "base/map.h"
#include "net/manager.h"

struct net_manager {
	struct net_manager_config config; /* defaults filled in, texts copied */
	struct list flows; /* also the dead whose end has not been told */
	struct list listeners; /* struct net_listener */
	struct list udp_sockets; /* bound ones, struct net_udp */
	struct list peers; /* idle limits of single peers */
	struct list evictable; /* flows */
	struct map pools, ids, remotes;
	unsigned last_id;
	unsigned udp_incoming; /* of stats.flows */
	struct net_manager_stats stats;
};

/* Tables: every flow by its number, open ones by their remote address. */
void net_manager_add(struct net_manager *m, struct net_flow *f);
void net_manager_add_remote(struct net_manager *m, struct net_flow *f);
/* Out of the tables and its pool: nobody finds it any more. Twice is fine. */
void net_manager_retire(struct net_manager *m, struct net_flow *f);
/* Is there room for one more connection? Incoming UDP peers are counted apart: connections must not
 * keep them out. */
bool net_manager_has_room(const struct net_manager *m);
/* The idle limit for a new flow. */
uint64_t net_manager_idle(const struct net_manager *m, const struct net_flow *f);

#endif
