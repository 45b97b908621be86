/* lib/net/tcp.h -- the stream transports, TCP and TLS over it, for lib/net only */
#ifndef NET_TCP_H
#define NET_TCP_H

#include "net/flow_impl.h"

/* Begins to connect. -FAIL_LOCAL or -FAIL_TLS; whatever the network says is the end of the flow. */
int net_tcp_connect(struct net_flow *f, struct fail *fail);
/* A flow for a connection that a listener accepted. */
void net_tcp_accepted(
	struct net_manager *m, enum net_transport t, int fd, const struct net_addr *peer);
/* Queues, and writes what the socket takes. */
int net_tcp_send(struct net_flow *f, struct str bytes);
/* Releases the socket: with a good-bye, or as it is. */
void net_tcp_done(struct net_flow *f, bool orderly);

#endif
