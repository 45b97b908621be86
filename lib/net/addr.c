/* lib/net/addr.c -- IPv4 and IPv6 socket addresses */
#include "net/addr.h"

#include "net/socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A copy with a terminator; false when it does not fit, or contains one. */
static bool terminated(struct str s, char *out, size_t size)
{
	if (s.n == 0 || s.n >= size || memchr(s.p, '\0', s.n))
		return false;
	memcpy(out, s.p, s.n);
	out[s.n] = '\0';
	return true;
}

/* RFC 4007 section 11: a number, or the name of an interface */
static bool parse_scope(struct str s, uint32_t *out)
{
	char name[IF_NAMESIZE];

	if (str_u32(s, out))
		return *out != 0;
	if (!terminated(s, name, sizeof(name)))
		return false;
	*out = if_nametoindex(name);
	return *out != 0;
}

static bool parse_ipv6(struct str host, struct net_addr *out)
{
	struct str scope;
	char text[INET6_ADDRSTRLEN];

	out->u.in6 = (struct sockaddr_in6){ .sin6_family = AF_INET6 };
	if (str_cut(host, '%', &host, &scope) && !parse_scope(scope, &out->u.in6.sin6_scope_id))
		return false;
	return terminated(host, text, sizeof(text)) &&
	       inet_pton(AF_INET6, text, &out->u.in6.sin6_addr) == 1;
}

bool net_addr_parse(struct str host, uint16_t port, struct net_addr *out)
{
	struct net_addr a = { .u.in4 = { .sin_family = AF_INET } };
	bool brackets = host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']';
	char text[INET_ADDRSTRLEN];

	if (brackets)
		host = str_sub(host, 1, host.n - 1);
	if (brackets || !terminated(host, text, sizeof(text)) ||
		inet_pton(AF_INET, text, &a.u.in4.sin_addr) != 1) {
		if (!parse_ipv6(host, &a))
			return false;
	}
	net_addr_set_port(&a, port);
	*out = a;
	return true;
}

struct net_addr net_addr_any(int family, uint16_t port)
{
	struct net_addr a = { .u.in6 = { .sin6_addr = IN6ADDR_ANY_INIT } };

	a.u.sa.sa_family = (sa_family_t)family;
	net_addr_set_port(&a, port);
	return a;
}

socklen_t net_addr_len(const struct net_addr *a)
{
	switch (a->u.sa.sa_family) {
	case AF_INET:
		return sizeof(a->u.in4);
	case AF_INET6:
		return sizeof(a->u.in6);
	default:
		return 0;
	}
}

uint16_t net_addr_port(const struct net_addr *a)
{
	switch (a->u.sa.sa_family) {
	case AF_INET:
		return ntohs(a->u.in4.sin_port);
	case AF_INET6:
		return ntohs(a->u.in6.sin6_port);
	default:
		return 0;
	}
}

void net_addr_set_port(struct net_addr *a, uint16_t port)
{
	if (a->u.sa.sa_family == AF_INET)
		a->u.in4.sin_port = htons(port);
	else if (a->u.sa.sa_family == AF_INET6)
		a->u.in6.sin6_port = htons(port);
}

bool net_addr_is_ipv6(const struct net_addr *a)
{
	return a->u.sa.sa_family == AF_INET6;
}

/* The IPv4 address, also of an IPv4-mapped one (RFC 4291 2.5.5.2); false for others. */
static bool ipv4_of(const struct net_addr *a, struct in_addr *out)
{
	if (a->u.sa.sa_family == AF_INET)
		*out = a->u.in4.sin_addr;
	else if (net_addr_is_ipv6(a) && IN6_IS_ADDR_V4MAPPED(&a->u.in6.sin6_addr))
		memcpy(out, a->u.in6.sin6_addr.s6_addr + 12, sizeof(*out));
	else
		return false;
	return true;
}

bool net_addr_is_loopback(const struct net_addr *a)
{
	struct in_addr ip;

	if (ipv4_of(a, &ip))
		return ntohl(ip.s_addr) >> 24 == IN_LOOPBACKNET;
	return net_addr_is_ipv6(a) && IN6_IS_ADDR_LOOPBACK(&a->u.in6.sin6_addr);
}

bool net_addr_is_any(const struct net_addr *a)
{
	struct in_addr ip;

	if (ipv4_of(a, &ip))
		return ip.s_addr == htonl(INADDR_ANY);
	return net_addr_is_ipv6(a) && IN6_IS_ADDR_UNSPECIFIED(&a->u.in6.sin6_addr);
}

bool net_addr_equal_host(const struct net_addr *a, const struct net_addr *b)
{
	if (a->u.sa.sa_family != b->u.sa.sa_family)
		return false;
	switch (a->u.sa.sa_family) {
	case AF_INET:
		return a->u.in4.sin_addr.s_addr == b->u.in4.sin_addr.s_addr;
	case AF_INET6:
		return IN6_ARE_ADDR_EQUAL(&a->u.in6.sin6_addr, &b->u.in6.sin6_addr) &&
		       a->u.in6.sin6_scope_id == b->u.in6.sin6_scope_id;
	default:
		return true;
	}
}

bool net_addr_equal(const struct net_addr *a, const struct net_addr *b)
{
	return net_addr_equal_host(a, b) && net_addr_port(a) == net_addr_port(b);
}

struct str net_addr_key(const struct net_addr *a, char out[NET_ADDR_KEY])
{
	uint16_t port = net_addr_port(a);
	size_t n = sizeof(port);

	memcpy(out, &port, sizeof(port));
	if (a->u.sa.sa_family == AF_INET) {
		memcpy(out + n, &a->u.in4.sin_addr, sizeof(a->u.in4.sin_addr));
		n += sizeof(a->u.in4.sin_addr);
	} else if (net_addr_is_ipv6(a)) {
		memcpy(out + n, &a->u.in6.sin6_addr, sizeof(a->u.in6.sin6_addr));
		n += sizeof(a->u.in6.sin6_addr);
		memcpy(out + n, &a->u.in6.sin6_scope_id, sizeof(a->u.in6.sin6_scope_id));
		n += sizeof(a->u.in6.sin6_scope_id);
	}
	return (struct str){ out, n };
}

/* inet_ntop goes through printf, and every message has addresses to be written. */
static void write_ipv4(const struct in_addr *ip, char *out)
{
	const unsigned char *byte = (const unsigned char *)&ip->s_addr;

	for (unsigned i = 0; i < 4; i++) {
		if (byte[i] >= 100)
			*out++ = (char)('0' + byte[i] / 100);
		if (byte[i] >= 10)
			*out++ = (char)('0' + byte[i] / 10 % 10);
		*out++ = (char)('0' + byte[i] % 10);
		*out++ = i < 3 ? '.' : '\0';
	}
}

const char *net_addr_host(const struct net_addr *a, char out[NET_ADDR_TEXT])
{
	struct in_addr ip;
	uint32_t scope;
	char name[IF_NAMESIZE];
	size_t n;

	out[0] = '\0';
	if (ipv4_of(a, &ip))
		write_ipv4(&ip, out);
	if (out[0] || !net_addr_is_ipv6(a))
		return out;
	inet_ntop(AF_INET6, &a->u.in6.sin6_addr, out, NET_ADDR_TEXT);
	scope = a->u.in6.sin6_scope_id;
	n = strlen(out);
	if (scope && IN6_IS_ADDR_LINKLOCAL(&a->u.in6.sin6_addr) && if_indextoname(scope, name))
		snprintf(out + n, NET_ADDR_TEXT - n, "%%%s", name);
	else if (scope)
		snprintf(out + n, NET_ADDR_TEXT - n, "%%%u", scope);
	return out;
}

const char *net_addr_text(const struct net_addr *a, char out[NET_ADDR_TEXT])
{
	char host[NET_ADDR_TEXT];
	bool brackets;

	net_addr_host(a, host);
	if (!host[0]) {
		out[0] = '\0';
		return out;
	}
	brackets = strchr(host, ':') != NULL;
	/* 39 of the address, 16 of % and an interface, 8 of brackets and port: exactly the room
	 * there is. */
	snprintf(out, NET_ADDR_TEXT, "%s%.55s%s:%u", brackets ? "[" : "", host, brackets ? "]" : "",
		(unsigned)net_addr_port(a));
	return out;
}

int net_addr_local_for(const struct net_addr *peer, struct net_addr *out)
{
	struct net_addr local = { 0 };
	socklen_t n = sizeof(local.u);
	int fd = net_socket_new(peer->u.sa.sa_family, SOCK_DGRAM), e = 0;

	if (fd < 0)
		return fd;
	if (connect(fd, &peer->u.sa, net_addr_len(peer)) < 0 ||
		getsockname(fd, &local.u.sa, &n) < 0)
		e = -errno;
	close(fd);
	if (e)
		return e;
	net_addr_set_port(&local, 0);
	*out = local;
	return 0;
}
