/* lib/net/socket.c -- making sockets; the differences of systems */
#include "net/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const int on = 1;

#if !defined(SOCK_NONBLOCK)
/* There is one thread, so no child starts between socket() and fcntl(). */
static int tamed(int fd)
{
	int e;

	if (fd < 0)
		return -errno;
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 && fcntl(fd, F_SETFL, O_NONBLOCK) == 0)
		return fd;
	e = -errno;
	close(fd);
	return e;
}
#endif

static int make(int family, int type)
{
#if defined(SOCK_NONBLOCK)
	int fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	return fd < 0 ? -errno : fd;
#else
	return tamed(socket(family, type, 0));
#endif
}

int net_socket_new(int family, int type)
{
	int fd = make(family, type), e;

	if (fd < 0)
		return fd;
	if (family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0)
		goto fail;
	if (type == SOCK_STREAM && setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0)
		goto fail;
	return fd;
fail:
	e = -errno;
	close(fd);
	return e;
}

int net_socket_accept(int listener, struct net_addr *peer)
{
	struct net_addr a = { 0 };
	socklen_t n = sizeof(a.u);
#if defined(SOCK_NONBLOCK)
	int fd = accept4(listener, &a.u.sa, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0)
		return -errno;
#else
	int fd = tamed(accept(listener, &a.u.sa, &n));
	if (fd < 0)
		return fd;
#endif
	/* May fail when the peer has reset it already; reading will tell. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	*peer = a;
	return fd;
}

/* 0 or -errno */
static int bind_interface(int fd, const char *interface)
{
#if defined(SO_BINDTODEVICE)
	socklen_t n = (socklen_t)strlen(interface);
	return setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface, n) < 0 ? -errno : 0;
#else
	(void)fd;
	(void)interface;
	return -EOPNOTSUPP;
#endif
}

static int local_failure(struct fail *f, const char *what, int e)
{
	char words[64];
	return fail_set(f, -FAIL_LOCAL, "%s: %s", what, net_socket_words(-e, words));
}

/* The socket, or -FAIL_LOCAL; reuse: SO_REUSEADDR. */
static int bound(int type, int family, const struct net_addr *local, const char *interface,
	bool reuse, struct fail *f)
{
	char text[NET_ADDR_TEXT];
	int fd = net_socket_new(family, type), e;

	if (fd < 0)
		return local_failure(f, "no socket", fd);
	if (interface && (e = bind_interface(fd, interface)) < 0) {
		local_failure(f, interface, e);
		goto fail;
	}
	if (reuse)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (local->u.sa.sa_family != AF_UNSPEC && bind(fd, &local->u.sa, net_addr_len(local)) < 0) {
		local_failure(f, net_addr_text(local, text), -errno);
		goto fail;
	}
	return fd;
fail:
	close(fd);
	return -FAIL_LOCAL;
}

int net_socket_outgoing(int type, const struct net_addr *remote, const struct net_addr *local,
	const char *interface, struct fail *f)
{
	char from[NET_ADDR_TEXT], to[NET_ADDR_TEXT];
	int family = remote->u.sa.sa_family;

	if (local->u.sa.sa_family != AF_UNSPEC && local->u.sa.sa_family != family)
		return fail_set(f, -FAIL_LOCAL,
			"%s cannot be reached from %s: one is IPv4, one is IPv6",
			net_addr_text(remote, to), net_addr_host(local, from));
	/* A chosen port serves several peers at the same time, and again soon after. */
	return bound(type, family, local, interface, net_addr_port(local) != 0, f);
}

int net_socket_listening(
	int type, const struct net_addr *addr, const char *interface, struct fail *f)
{
	char text[NET_ADDR_TEXT];
	/* With datagrams, SO_REUSEADDR would let two processes have the same port. */
	bool reuse = type == SOCK_STREAM && net_addr_port(addr) != 0;
	int fd = bound(type, addr->u.sa.sa_family, addr, interface, reuse, f);

	if (fd < 0 || type != SOCK_STREAM)
		return fd;
	/* For any port now: connections inherit it, and do not keep the next listener out. */
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (listen(fd, SOMAXCONN) == 0)
		return fd;
	local_failure(f, net_addr_text(addr, text), -errno);
	close(fd);
	return -FAIL_LOCAL;
}

struct net_addr net_socket_local(int fd)
{
	struct net_addr a = { 0 };
	socklen_t n = sizeof(a.u);

	if (getsockname(fd, &a.u.sa, &n) < 0)
		return (struct net_addr){ 0 };
	return a;
}

const char *net_socket_words(int err, char out[64])
{
	static const struct {
		int err;
		const char *words;
	} common[] = {
		{ ECONNREFUSED, "connection refused" },
		{ ECONNRESET, "connection reset by peer" },
		{ EPIPE, "connection closed by peer" },
		{ ETIMEDOUT, "connection timed out" },
		{ EHOSTUNREACH, "no route to host" },
		{ ENETUNREACH, "network is unreachable" },
		{ EADDRINUSE, "address already in use" },
		{ EADDRNOTAVAIL, "address not available" },
		{ EACCES, "permission denied" },
		{ EPERM, "operation not permitted" },
		{ EMFILE, "too many open files" },
		{ ENFILE, "too many open files in system" },
		{ EMSGSIZE, "message too long" },
		{ ENODEV, "no such device" },
	};

	for (size_t i = 0; i < ARRAY_LEN(common); i++)
		if (common[i].err == err)
			return common[i].words;
	snprintf(out, 64, "%s", fail_text(-err));
	out[0] = str_lower(out[0]);
	return out;
}
