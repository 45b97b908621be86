/* lib/net/addr.h -- IPv4 and IPv6 socket addresses */
#ifndef NET_ADDR_H
#define NET_ADDR_H

#include "base/fail.h"
#include "base/str.h"

#include <netinet/in.h>
#include <sys/socket.h>

struct net_addr {
	union {
		struct sockaddr sa;
		struct sockaddr_in in4;
		struct sockaddr_in6 in6;
	} u; /* sa_family AF_UNSPEC: no address */
};

#define NET_ADDR_TEXT 64 /* room for "[addr%scope]:port" and its terminator */

/* A numeric address with or without brackets; scope ids allowed for IPv6. */
bool net_addr_parse(struct str host, uint16_t port, struct net_addr *out);
/* 0.0.0.0 or :: with this port. */
struct net_addr net_addr_any(int family, uint16_t port);
socklen_t net_addr_len(const struct net_addr *a);
uint16_t net_addr_port(const struct net_addr *a);
void net_addr_set_port(struct net_addr *a, uint16_t port);
bool net_addr_is_ipv6(const struct net_addr *a);
bool net_addr_is_loopback(const struct net_addr *a);
bool net_addr_is_any(const struct net_addr *a);
bool net_addr_equal(const struct net_addr *a, const struct net_addr *b); /* address and port */
bool net_addr_equal_host(const struct net_addr *a, const struct net_addr *b); /* address only */
/* The bare address, no brackets, IPv4-mapped shown as IPv4; returns out. */
const char *net_addr_host(const struct net_addr *a, char out[NET_ADDR_TEXT]);
/* "192.0.2.1:5060" or "[2001:db8::1]:5060"; returns out. */
const char *net_addr_text(const struct net_addr *a, char out[NET_ADDR_TEXT]);
/* The local address that packets to peer would leave from (a connected UDP socket, nothing is
 * sent). 0 or -errno. */
int net_addr_local_for(const struct net_addr *peer, struct net_addr *out);
/* Bytes that are the same exactly when net_addr_equal: for the keys of maps. */
#define NET_ADDR_KEY 24
struct str net_addr_key(const struct net_addr *a, char out[NET_ADDR_KEY]);

#endif
