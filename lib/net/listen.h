/* lib/net/listen.h -- listening sockets, for lib/net only */
#ifndef NET_LISTEN_H
#define NET_LISTEN_H

#include "net/manager_impl.h"
#include "net/udp.h"

/* As net_manager_listen, on a manager that may. */
int net_listen_start(struct net_manager *m, enum net_transport t, const struct net_addr *addr,
	struct net_addr *bound, struct fail *f);
void net_listen_stop_all(struct net_manager *m);
bool net_listen_get(
	const struct net_manager *m, unsigned i, enum net_transport *t, struct net_addr *bound);
/* The bound UDP socket that packets to the peer should leave from, or NULL. */
struct net_udp *net_listen_udp(const struct net_manager *m, const struct net_addr *peer);

#endif
