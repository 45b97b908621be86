/* lib/net/udp.h -- UDP sockets, for lib/net only: a connected one carries one flow, a bound one a
 * flow for each peer */
#ifndef NET_UDP_H
#define NET_UDP_H

#include "net/flow_impl.h"

/* A connected socket for the flow. -FAIL_LOCAL; whatever the network says is the end of the flow.
 */
int net_udp_connect(struct net_flow *f, struct fail *fail);
int net_udp_send(struct net_flow *f, struct str bytes);
/* The flow leaves its socket, which closes with its last use. */
void net_udp_done(struct net_flow *f);

/* A bound socket that makes flows for unknown peers, until net_udp_unlisten; flows stay.
 * -FAIL_LOCAL. */
int net_udp_listen(struct net_manager *m, const struct net_addr *addr, struct net_udp **out,
	struct fail *fail);
void net_udp_unlisten(struct net_udp *u);
const struct net_addr *net_udp_bound(const struct net_udp *u);
/* The flow of this peer, or NULL. */
struct net_flow *net_udp_find(struct net_udp *u, const struct net_addr *peer);
/* A flow to a peer as if it had sent something; NULL when there is no room. */
struct net_flow *net_udp_peer(struct net_udp *u, const struct net_addr *peer);
/* Puts a new flow onto the bound socket and opens it. */
void net_udp_attach(struct net_udp *u, struct net_flow *f);

#endif
