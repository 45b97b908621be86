/* lib/net/udp.c -- UDP sockets: a connected one has one flow, a bound one a flow for each peer */
#include "net/udp.h"

#include "base/mem.h"
#include "net/manager_impl.h"
#include "net/socket.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Linux keeps the ICMP errors of a socket in a queue, with the peer that each is about. Elsewhere a
 * connected socket tells the last one as the result of any call, and a bound one tells nothing. */
#if defined(__linux__)
#include <linux/errqueue.h>
#define ERROR_QUEUE 1
#else
#define ERROR_QUEUE 0
#endif

enum {
	DATAGRAM_MAX = 65535,
	READS = 64 /* in one pass */
};

struct net_udp {
	struct net_manager *manager;
	struct ev_loop *loop;
	struct list node; /* in the manager: bound ones */
	int fd;
	ev_io io;
	struct net_addr bound;
	struct net_flow *only; /* of a connected socket */
	struct map by_peer; /* the flows of a bound one */
	bool listening; /* makes flows for unknown peers */
	bool busy; /* on_io runs */
};

static bool in_use(const struct net_udp *u)
{
	return u->listening || u->only || u->by_peer.count > 0;
}

static void free_unused(struct net_udp *u)
{
	if (in_use(u) || u->busy)
		return;
	list_del(&u->node);
	ev_io_stop(u->loop, &u->io);
	close(u->fd);
	map_done(&u->by_peer);
	mem_free(u);
}

/* ---- input ---- */

struct net_flow *net_udp_find(struct net_udp *u, const struct net_addr *peer)
{
	char key[NET_ADDR_KEY];
	struct map_node *node = map_get(&u->by_peer, net_addr_key(peer, key));

	return node ? CONTAINER_OF(node, struct net_flow, by_peer) : NULL;
}

static struct net_flow *flow_of(struct net_udp *u, const struct net_addr *peer)
{
	return u->only ? u->only : net_udp_find(u, peer);
}

/* The peer unheard of for the longest time makes room, unless its flow is in use. */
static bool evict(struct net_manager *m)
{
	struct list *oldest = list_first(&m->evictable);

	if (!oldest)
		return false;
	net_flow_stop(CONTAINER_OF(oldest, struct net_flow, evictable), NET_CAUSE_IDLE);
	return true;
}

struct net_flow *net_udp_peer(struct net_udp *u, const struct net_addr *peer)
{
	struct net_manager *m = u->manager;
	struct net_flow *f;

	if (!u->listening || net_addr_port(peer) == 0)
		return NULL;
	if (m->udp_incoming >= m->config.max_flows && !evict(m)) {
		m->stats.refused++;
		return NULL;
	}
	f = net_flow_new(m, NET_UDP, peer, STR_EMPTY, true);
	list_add(&m->evictable, &f->evictable);
	net_udp_attach(u, f);
	return f;
}

static void deliver(struct net_udp *u, const struct net_addr *peer, struct str bytes)
{
	struct net_flow *f = flow_of(u, peer);

	if (bytes.n == 0)
		return;
	if (!f && !(f = net_udp_peer(u, peer)))
		return;
	net_flow_hold(f);
	net_flow_received(f, bytes);
	net_flow_release(f);
}

static void unreachable(struct net_udp *u, const struct net_addr *peer, int err)
{
	struct net_flow *f = flow_of(u, peer);

	/* A datagram that was too long for the path: the next one goes out in fragments. */
	if (!f || err == EMSGSIZE)
		return;
	net_flow_hold(f);
	net_flow_unreachable(f, err);
	net_flow_release(f);
}

#if ERROR_QUEUE
static void ask_for_errors(int fd, int family)
{
	static const int on = 1;

	if (family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof(on));
	else
		setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof(on));
}

/* The errno of an ICMP error, 0 for anything else. */
static int icmp_errno(struct msghdr *msg)
{
	struct sock_extended_err e;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		if (!(c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) &&
			!(c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR))
			continue;
		memcpy(&e, CMSG_DATA(c), sizeof(e));
		if (e.ee_origin == SO_EE_ORIGIN_ICMP || e.ee_origin == SO_EE_ORIGIN_ICMP6)
			return (int)e.ee_errno;
	}
	return 0;
}

static bool read_error(struct net_udp *u)
{
	struct net_addr peer = { 0 };
	union {
		struct cmsghdr align;
		char bytes[512];
	} control;
	struct msghdr msg = {
		.msg_name = &peer.u,
		.msg_namelen = sizeof(peer.u),
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	int err;

	if (recvmsg(u->fd, &msg, MSG_ERRQUEUE) < 0)
		return false;
	err = icmp_errno(&msg);
	if (err)
		unreachable(u, &peer, err);
	return true;
}

static void read_errors(struct net_udp *u, int err)
{
	(void)err;
	for (int i = 0; i < READS && in_use(u) && read_error(u); i++)
		;
}
#else
static void ask_for_errors(int fd, int family)
{
	(void)fd;
	(void)family;
}

static void read_errors(struct net_udp *u, int err)
{
	if (u->only && err != EAGAIN && err != EWOULDBLOCK && err != EINTR)
		unreachable(u, &u->only->info.remote, err);
}
#endif

/* 0 or an errno */
static int read_datagram(struct net_udp *u)
{
	char bytes[DATAGRAM_MAX];
	struct net_addr peer = { 0 };
	socklen_t len = sizeof(peer.u);
	ssize_t n = recvfrom(u->fd, bytes, sizeof(bytes), 0, &peer.u.sa, &len);

	if (n < 0)
		return errno;
	deliver(u, &peer, (struct str){ bytes, (size_t)n });
	return 0;
}

static bool would_block(int err)
{
	return err == EAGAIN || err == EWOULDBLOCK;
}

/* The kernel tells of an ICMP error before it hands out datagrams that came earlier: an answer that
 * is there already is read first, or it would be told as "connection refused". */
static void on_io(struct ev_loop *loop, ev_io *w, int revents)
{
	struct net_udp *u = CONTAINER_OF(w, struct net_udp, io);
	int err = 0, last = 0, got = 0;

	(void)loop;
	(void)revents;
	u->busy = true; /* handlers may end every flow, and the manager */
	for (int i = 0; i < READS && in_use(u) && !would_block(last); i++) {
		last = read_datagram(u);
		if (!last)
			got++;
		else if (!would_block(last))
			err = last;
	}
	if (in_use(u) && (err || (ERROR_QUEUE && !got)))
		read_errors(u, err);
	u->busy = false;
	free_unused(u);
}

/* ---- output ---- */

int net_udp_send(struct net_flow *f, struct str bytes)
{
	struct net_udp *u = f->udp;
	const struct sockaddr *to = u->only ? NULL : &f->info.remote.u.sa;
	socklen_t len = to ? net_addr_len(&f->info.remote) : 0;
	int err = 0;

	/* It may fail with the ICMP error of an earlier one, which is cleared so: try again. */
	for (int tries = 0; tries < 2; tries++) {
		if (sendto(u->fd, bytes.p, bytes.n, 0, to, len) >= 0) {
			net_flow_active(f);
			return 0;
		}
		err = errno;
		/* No room: lost, as it could be on the way. Who sent it has a timer. */
		if (err == EAGAIN || err == EWOULDBLOCK || err == ENOBUFS)
			return 0;
		if (err == ECONNREFUSED && u->only && !ERROR_QUEUE) {
			f->icmp = err;
			net_later(f->loop, &f->later);
		}
	}
	return -err;
}

/* ---- life ---- */

static struct net_udp *new_socket(struct net_manager *m, int fd, int family)
{
	struct net_udp *u = MEM_NEW(struct net_udp);

	u->manager = m;
	u->loop = m->config.loop;
	u->fd = fd;
	u->bound = net_socket_local(fd);
	list_init(&u->node);
	ask_for_errors(fd, family);
	ev_io_init(&u->io, on_io, fd, EV_READ);
	ev_set_priority(&u->io, NET_IO_PRIORITY);
	ev_io_start(u->loop, &u->io);
	return u;
}

int net_udp_connect(struct net_flow *f, struct fail *fail)
{
	struct net_manager *m = f->manager;
	const struct net_addr *to = &f->info.remote;
	int fd = net_socket_outgoing(SOCK_DGRAM, to, &m->config.local, m->config.interface, fail);
	int err;

	if (fd < 0)
		return fd;
	f->udp = new_socket(m, fd, to->u.sa.sa_family);
	f->udp->only = f;
	err = connect(fd, &to->u.sa, net_addr_len(to)) < 0 ? errno : 0;
	f->info.local = net_socket_local(fd);
	if (!err && net_addr_equal(&f->info.local, to))
		err = ECONNREFUSED; /* it got the very port where it found nobody */
	if (err) {
		net_flow_end_errno(f, err);
		return 0;
	}
	net_flow_opened(f);
	f->tell_open = true;
	net_later(f->loop, &f->later);
	return 0;
}

int net_udp_listen(
	struct net_manager *m, const struct net_addr *addr, struct net_udp **out, struct fail *fail)
{
	int fd;

	/* Listening again where flows of the last time still are */
	LIST_EACH (it, &m->udp_sockets) {
		struct net_udp *u = CONTAINER_OF(it, struct net_udp, node);
		if (!u->listening && net_addr_equal(&u->bound, addr)) {
			u->listening = true;
			*out = u;
			return 0;
		}
	}
	fd = net_socket_listening(SOCK_DGRAM, addr, m->config.interface, fail);
	if (fd < 0)
		return fd;
	*out = new_socket(m, fd, addr->u.sa.sa_family);
	(*out)->listening = true;
	list_add(&m->udp_sockets, &(*out)->node);
	return 0;
}

void net_udp_unlisten(struct net_udp *u)
{
	u->listening = false;
	free_unused(u);
}

const struct net_addr *net_udp_bound(const struct net_udp *u)
{
	return &u->bound;
}

void net_udp_attach(struct net_udp *u, struct net_flow *f)
{
	struct net_addr *local = &f->info.local;

	f->udp = u;
	map_set(&u->by_peer, &f->by_peer,
		str_sub((struct str){ f->key, f->key_len }, 1, f->key_len));
	if (!net_addr_is_any(&u->bound) || net_addr_local_for(&f->info.remote, local) < 0)
		*local = u->bound;
	net_addr_set_port(local, net_addr_port(&u->bound));
	net_flow_opened(f);
	if (f->info.incoming)
		return;
	f->tell_open = true;
	net_later(f->loop, &f->later);
}

void net_udp_done(struct net_flow *f)
{
	struct net_udp *u = f->udp;

	f->udp = NULL;
	if (!u)
		return;
	if (u->only)
		u->only = NULL;
	else
		map_del(&u->by_peer, &f->by_peer);
	free_unused(u);
}
