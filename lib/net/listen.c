/* lib/net/listen.c -- listening sockets and what comes out of them */
#include "net/listen.h"

#include "base/mem.h"
#include "net/socket.h"
#include "net/tcp.h"

#include <errno.h>
#include <unistd.h>

enum {
	ACCEPTS = 64, /* in one pass */
	PAUSE_MS = 100 /* without descriptors: the peers wait in the queue of the kernel */
};

struct net_listener {
	struct list node;
	struct net_manager *manager;
	enum net_transport transport;
	struct net_addr bound;
	struct net_udp *udp; /* UDP, which does the rest */
	int fd; /* TCP and TLS */
	ev_io io;
	ev_timer pause;
};

static void stop(struct net_listener *l)
{
	struct ev_loop *loop = l->manager->config.loop;

	list_del(&l->node);
	if (l->udp) {
		net_udp_unlisten(l->udp);
	} else {
		ev_io_stop(loop, &l->io);
		ev_timer_stop(loop, &l->pause);
		close(l->fd);
	}
	mem_free(l);
}

/* CM-11 */
static void lost(struct net_listener *l, int err)
{
	struct net_manager *m = l->manager;
	struct net_addr bound = l->bound;
	struct fail why;
	struct net_event ev = {
		.type = NET_LISTEN_LOST,
		.cause = NET_CAUSE_ERROR,
		.fail = &why,
		.local = &bound,
	};
	char text[NET_ADDR_TEXT], words[64];

	fail_set(&why, -FAIL_LOCAL, "%s %s: %s", net_addr_text(&bound, text),
		net_transport_name(l->transport), net_socket_words(err, words));
	stop(l);
	m->config.on_event(m->config.arg, &ev);
}

static void trace_refused(struct net_listener *l, const struct net_addr *peer, const char *why)
{
	struct net_flow_info info = { l->transport, l->bound, *peer, .incoming = true };
	struct trace_event ev = { .kind = TRACE_FLOW, .name = STR("refused"), .note = str_of(why) };

	net_flow_trace_event(l->manager->config.trace, &info, &ev);
}

static void refuse(struct net_listener *l, const struct net_addr *peer, int fd, const char *why)
{
	l->manager->stats.refused++;
	trace_refused(l, peer, why);
	if (fd >= 0)
		close(fd);
}

static void on_pause(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct net_listener *l = CONTAINER_OF(w, struct net_listener, pause);

	(void)revents;
	ev_timer_stop(loop, w);
	ev_io_start(loop, &l->io);
}

/* A connection could not be taken. Most reasons pass, but some keep the socket ready, so going on
 * at once would spin. */
static void not_accepted(struct net_listener *l, int err)
{
	struct ev_loop *loop = l->manager->config.loop;
	char words[64];

	switch (err) {
	case EBADF:
	case EINVAL:
	case ENOTSOCK:
		lost(l, err);
		return;
	default:
		refuse(l, &(struct net_addr){ 0 }, -1, net_socket_words(err, words));
		ev_io_stop(loop, &l->io);
		net_timer_set(loop, &l->pause, net_now_ms() + PAUSE_MS);
	}
}

/* Calls no handler but by lost(): an accepted flow tells of itself later. */
static void on_accept(struct ev_loop *loop, ev_io *w, int revents)
{
	struct net_listener *l = CONTAINER_OF(w, struct net_listener, io);

	(void)loop;
	(void)revents;
	for (int i = 0; i < ACCEPTS; i++) {
		struct net_addr peer;
		int fd = net_socket_accept(l->fd, &peer);

		if (fd == -EAGAIN || fd == -EWOULDBLOCK)
			return;
		if (fd == -ECONNABORTED || fd == -EINTR || fd == -EPROTO)
			continue; /* the peer took it back */
		if (fd < 0) {
			not_accepted(l, -fd);
			return;
		}
		if (net_manager_has_room(l->manager))
			net_tcp_accepted(l->manager, l->transport, fd, &peer);
		else
			refuse(l, &peer, fd, "too many connections");
	}
}

static int start(struct net_listener *l, const struct net_addr *addr, struct fail *f)
{
	struct net_manager_config *c = &l->manager->config;
	int e;

	if (l->transport == NET_TLS && !c->tls_server)
		return fail_set(f, -FAIL_TLS, "no certificate to listen with");
	if (l->transport == NET_UDP) {
		e = net_udp_listen(l->manager, addr, &l->udp, f);
		if (!e)
			l->bound = *net_udp_bound(l->udp);
		return e;
	}
	l->fd = net_socket_listening(SOCK_STREAM, addr, c->interface, f);
	if (l->fd < 0)
		return l->fd;
	l->bound = net_socket_local(l->fd);
	ev_init(&l->pause, on_pause);
	ev_io_init(&l->io, on_accept, l->fd, EV_READ);
	ev_io_start(c->loop, &l->io);
	return 0;
}

int net_listen_start(struct net_manager *m, enum net_transport t, const struct net_addr *addr,
	struct net_addr *bound, struct fail *f)
{
	struct net_listener *l = MEM_NEW(struct net_listener);
	int e;

	l->manager = m;
	l->transport = t;
	if ((e = start(l, addr, f)) < 0) {
		mem_free(l);
		return e;
	}
	list_add(&m->listeners, &l->node);
	*bound = l->bound;
	return 0;
}

void net_listen_stop_all(struct net_manager *m)
{
	LIST_EACH (it, &m->listeners)
		stop(CONTAINER_OF(it, struct net_listener, node));
}

bool net_listen_get(
	const struct net_manager *m, unsigned i, enum net_transport *t, struct net_addr *bound)
{
	LIST_EACH (it, &m->listeners) {
		const struct net_listener *l = CONTAINER_OF(it, struct net_listener, node);
		if (i-- > 0)
			continue;
		*t = l->transport;
		*bound = l->bound;
		return true;
	}
	return false;
}

struct net_udp *net_listen_udp(const struct net_manager *m, const struct net_addr *peer)
{
	LIST_EACH (it, &m->listeners) {
		const struct net_listener *l = CONTAINER_OF(it, struct net_listener, node);
		/* From a loopback address nothing gets out. */
		if (l->udp && l->bound.u.sa.sa_family == peer->u.sa.sa_family &&
			(!net_addr_is_loopback(&l->bound) || net_addr_is_loopback(peer)))
			return l->udp;
	}
	return NULL;
}
