/* lib/net/dns_channel.c -- the sockets and the timer of c-ares as watchers of the loop */
#include "net/dns_channel.h"

#include "base/mem.h"
#include "net/loop.h"

struct socket {
	struct list node;
	struct net_dns_channel *channel;
	ev_io io;
};

void net_dns_channel_rearm(struct net_dns_channel *c)
{
	struct timeval tv;

	if (!ares_timeout(c->ares, NULL, &tv)) {
		ev_timer_stop(c->loop, &c->timer);
		return;
	}
	/* libev counts from the start of the loop pass and may be early by a fraction; never 0,
	 * which would stop the timer. */
	c->timer.repeat = (double)tv.tv_sec + (double)tv.tv_usec / 1e6 + 0.001;
	ev_timer_again(c->loop, &c->timer);
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct net_dns_channel *c = CONTAINER_OF(w, struct net_dns_channel, timer);

	(void)loop;
	(void)revents;
	ares_process_fd(c->ares, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	net_dns_channel_rearm(c);
}

static void on_ready(struct ev_loop *loop, ev_io *w, int revents)
{
	struct net_dns_channel *c = CONTAINER_OF(w, struct socket, io)->channel;

	(void)loop;
	ares_process_fd(c->ares, revents & EV_READ ? w->fd : ARES_SOCKET_BAD,
		revents & EV_WRITE ? w->fd : ARES_SOCKET_BAD); /* may free w */
	net_dns_channel_rearm(c);
}

static void socket_free(struct socket *s)
{
	ev_io_stop(s->channel->loop, &s->io);
	list_del(&s->node);
	mem_free(s);
}

static struct socket *socket_of(struct net_dns_channel *c, int fd)
{
	struct socket *s;

	LIST_EACH (it, &c->sockets) {
		s = CONTAINER_OF(it, struct socket, node);
		if (s->io.fd == fd)
			return s;
	}
	s = MEM_NEW(struct socket);
	s->channel = c;
	ev_io_init(&s->io, on_ready, fd, 0);
	ev_set_priority(&s->io, NET_IO_PRIORITY);
	list_add(&c->sockets, &s->node);
	return s;
}

/* c-ares says what it waits for; for nothing, when it is about to close the socket. */
static void on_socket(void *arg, ares_socket_t fd, int readable, int writable)
{
	struct net_dns_channel *c = arg;
	struct socket *s = socket_of(c, fd);

	if (!readable && !writable) {
		socket_free(s);
		return;
	}
	ev_io_stop(c->loop, &s->io);
	ev_io_set(&s->io, fd, (readable ? EV_READ : 0) | (writable ? EV_WRITE : 0));
	ev_io_start(c->loop, &s->io);
}

void net_dns_channel_init(struct net_dns_channel *c, struct ev_loop *loop)
{
	c->loop = loop;
	c->ares = NULL;
	ev_init(&c->timer, on_timer);
	list_init(&c->sockets);
}

void net_dns_channel_done(struct net_dns_channel *c)
{
	if (!c->ares)
		return;
	ares_destroy(c->ares);
	ares_library_cleanup();
	c->ares = NULL;
	ev_timer_stop(c->loop, &c->timer);
	LIST_EACH (it, &c->sockets)
		socket_free(CONTAINER_OF(it, struct socket, node));
}

static int setup(struct net_dns_channel *c, const struct net_dns_channel_config *config)
{
	struct ares_options options = {
		/* HOSTALIASES of the environment would rename what is asked */
		.flags = ARES_FLAG_NOALIASES | (config->any_answer ? ARES_FLAG_NOCHECKRESP : 0),
		.timeout = (int)config->timeout_ms,
		.tries = (int)config->tries,
		.sock_state_cb = on_socket,
		.sock_state_cb_data = c,
	};
	int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB;
	int e = ares_init_options(&c->ares, &options, mask);

	if (e != ARES_SUCCESS) {
		c->ares = NULL;
		return e;
	}
	return *config->servers ? ares_set_servers_ports_csv(c->ares, config->servers) : e;
}

bool net_dns_channel_open(struct net_dns_channel *c, const struct net_dns_channel_config *config)
{
	if (c->ares)
		return true;
	/* Counted, so that each channel may begin and end the library. */
	if (ares_library_init_mem(ARES_LIB_INIT_ALL, mem_alloc, mem_free, mem_realloc) != 0)
		return false;
	if (setup(c, config) == ARES_SUCCESS)
		return true;
	if (c->ares)
		ares_destroy(c->ares);
	c->ares = NULL;
	ares_library_cleanup();
	return false;
}

void net_dns_channel_cancel(struct net_dns_channel *c)
{
	if (!c->ares)
		return;
	ares_cancel(c->ares);
	net_dns_channel_rearm(c);
}

size_t net_dns_channel_servers(const struct net_dns_channel *c)
{
	struct ares_addr_port_node *list = NULL;
	size_t n = 0;

	if (ares_get_servers_ports(c->ares, &list) != ARES_SUCCESS)
		return 1;
	for (struct ares_addr_port_node *s = list; s; s = s->next)
		n++;
	ares_free_data(list);
	return n;
}
