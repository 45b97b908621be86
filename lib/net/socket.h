/* lib/net/socket.h -- sockets as they are wanted here: close-on-exec and non-blocking, differences
 * of systems hidden, and words for their errors */
#ifndef NET_SOCKET_H
#define NET_SOCKET_H

#include "base/fail.h"
#include "net/addr.h"

/* The new socket, or -errno. IPv6 ones carry IPv6 only. */
int net_socket_new(int family, int type);
/* The next connection of a listener with TCP_NODELAY, or -errno. */
int net_socket_accept(int fd, struct net_addr *peer);
/* A socket to connect with: bound to local (port 0: any; AF_UNSPEC: not bound) and to the interface
 * (NULL: none). The socket, or -FAIL_LOCAL. */
int net_socket_outgoing(int type, const struct net_addr *remote, const struct net_addr *local,
	const char *interface, struct fail *f);
/* A socket bound to addr, and listening if it is a stream. The socket, or -FAIL_LOCAL. */
int net_socket_listening(
	int type, const struct net_addr *addr, const char *interface, struct fail *f);
/* Its own address; AF_UNSPEC when it has none. */
struct net_addr net_socket_local(int fd);
/* "connection refused" and the like: lower case, the same on every system for the common ones. */
const char *net_socket_words(int err, char out[64]);

#endif
