/* lib/endpoint/media_rtp.c -- port pairs that count what arrives (ruling 24) */
#include "endpoint/media_rtp.h"

#include "base/mem.h"
#include "endpoint/dispatch.h"
#include "net/socket.h"

#include <assert.h>
#include <errno.h>
#include <unistd.h>

enum {
	PAIRS = 64, /* local addresses of one process */
	TRIES = 64, /* until two ports beside each other are free */
	READS = 64, /* datagrams in one pass */
};

/* The ports of one local address. */
struct pair {
	struct list node;
	struct media_rtp *owner;
	struct net_addr addr; /* port: RTP, which is even; RTCP is the next (RFC 3550 section 11) */
	int rtp, rtcp;
	ev_io rtp_io, rtcp_io;
};

/* The calls whose peer sends from one address. */
struct remote {
	struct map_node node;
	char key[NET_ADDR_KEY];
	struct list calls; /* the first of them counts */
};

/* ---- counting ---- */

/* An address in a description has no scope, so none is compared. */
static struct str key_of(const struct net_addr *a, char out[NET_ADDR_KEY])
{
	struct net_addr plain = *a;

	if (net_addr_is_ipv6(a))
		plain.u.in6.sin6_scope_id = 0;
	return net_addr_key(&plain, out);
}

static struct remote *remote_find(const struct media_rtp *m, const struct net_addr *a)
{
	char key[NET_ADDR_KEY];
	struct map_node *node = map_get(&m->remotes, key_of(a, key));

	return node ? CONTAINER_OF(node, struct remote, node) : NULL;
}

void media_rtp_ignore(struct media_rtp *m, struct media_call *c)
{
	struct remote *r;

	if (c->remote_rtp.u.sa.sa_family == AF_UNSPEC)
		return;
	r = remote_find(m, &c->remote_rtp);
	c->remote_rtp = (struct net_addr){ 0 };
	list_del(&c->node);
	if (!list_empty(&r->calls))
		return;
	map_del(&m->remotes, &r->node);
	mem_free(r);
}

void media_rtp_count(struct media_rtp *m, struct media_call *c, const struct net_addr *a)
{
	struct remote *r;

	if (a->u.sa.sa_family != AF_UNSPEC && net_addr_equal(a, &c->remote_rtp))
		return; /* it keeps its place */
	media_rtp_ignore(m, c);
	if (a->u.sa.sa_family == AF_UNSPEC)
		return;
	r = remote_find(m, a);
	if (!r) {
		r = MEM_NEW(struct remote);
		list_init(&r->calls);
		map_set(&m->remotes, &r->node, key_of(a, r->key));
	}
	list_add(&r->calls, &c->node);
	c->remote_rtp = *a;
}

/* RFC 3550 5.1: version 2, and a header of 12 bytes at least */
static void count(struct media_rtp *m, const struct net_addr *from, const char *bytes, size_t n)
{
	struct remote *r;

	if (n < 12 || ((unsigned char)bytes[0] >> 6) != 2)
		return;
	r = remote_find(m, from);
	if (r)
		CONTAINER_OF(list_first(&r->calls), struct media_call, node)->received++;
}

/* Of a datagram nothing is looked at behind the fixed header; the rest is cut off. */
static bool read_head(int fd, struct net_addr *from, char bytes[12], size_t *n)
{
	socklen_t len = sizeof(from->u);
	ssize_t got = recvfrom(fd, bytes, 12, 0, &from->u.sa, &len);

	if (got < 0)
		return false;
	*n = (size_t)got;
	return true;
}

static void on_rtp(struct ev_loop *loop, ev_io *w, int revents)
{
	struct pair *p = CONTAINER_OF(w, struct pair, rtp_io);
	struct net_addr from = { 0 };
	char bytes[12];
	size_t n;

	(void)loop;
	(void)revents;
	for (int i = 0; i < READS && read_head(p->rtp, &from, bytes, &n); i++)
		count(p->owner, &from, bytes, n);
}

static void on_rtcp(struct ev_loop *loop, ev_io *w, int revents)
{
	struct net_addr from = { 0 };
	char bytes[12];
	size_t n;

	(void)loop;
	(void)revents;
	for (int i = 0; i < READS && read_head(w->fd, &from, bytes, &n); i++)
		;
}

/* ---- ports ---- */

/* Any free port and the one beside it. -EADDRINUSE: that one is taken, try again. */
static int bind_both(struct net_addr *addr, const char *interface, int fds[2], struct fail *f)
{
	struct net_addr other = *addr;
	uint16_t port;
	int one, two;

	net_addr_set_port(&other, 0);
	one = net_socket_listening(SOCK_DGRAM, &other, interface, f);
	if (one < 0)
		return one;
	other = net_socket_local(one);
	port = net_addr_port(&other);
	net_addr_set_port(&other, port ^ 1);
	two = net_socket_listening(SOCK_DGRAM, &other, interface, f);
	if (two < 0) {
		close(one);
		return -EADDRINUSE;
	}
	fds[0] = port % 2 == 0 ? one : two;
	fds[1] = port % 2 == 0 ? two : one;
	net_addr_set_port(addr, (uint16_t)(port & ~1));
	return 0;
}

static int pair_new(
	struct media_rtp *m, const struct net_addr *local, struct pair **out, struct fail *f)
{
	const char *interface = endpoint_manager_options(m->manager)->net.interface;
	struct net_addr addr = *local;
	char text[NET_ADDR_TEXT];
	struct fail why = { 0 };
	struct pair *p;
	int fds[2], e = -EADDRINUSE;

	if (m->pair_count == PAIRS)
		return fail_set(f, -FAIL_LOCAL, "RTP ports at more than %d local addresses", PAIRS);
	for (int i = 0; i < TRIES && e == -EADDRINUSE; i++)
		e = bind_both(&addr, interface, fds, &why);
	if (e)
		return fail_set(f, -FAIL_LOCAL, "no pair of RTP ports at %s: %s",
			net_addr_host(local, text), fail_show(&why));
	p = MEM_NEW(struct pair);
	p->owner = m;
	p->addr = addr;
	p->rtp = fds[0];
	p->rtcp = fds[1];
	ev_io_init(&p->rtp_io, on_rtp, p->rtp, EV_READ);
	ev_io_init(&p->rtcp_io, on_rtcp, p->rtcp, EV_READ);
	ev_io_start(endpoint_loop(), &p->rtp_io);
	ev_io_start(endpoint_loop(), &p->rtcp_io);
	list_add(&m->pairs, &p->node);
	m->pair_count++;
	*out = p;
	return 0;
}

static void pair_free(struct pair *p)
{
	ev_io_stop(endpoint_loop(), &p->rtp_io);
	ev_io_stop(endpoint_loop(), &p->rtcp_io);
	close(p->rtp);
	close(p->rtcp);
	list_del(&p->node);
	mem_free(p);
}

int media_rtp_port(
	struct media_rtp *m, const struct net_addr *local, uint16_t *port, struct fail *f)
{
	struct pair *p = NULL;
	int e = 0;

	LIST_EACH (it, &m->pairs) {
		p = CONTAINER_OF(it, struct pair, node);
		if (net_addr_equal_host(&p->addr, local))
			break;
		p = NULL;
	}
	if (!p && (e = pair_new(m, local, &p, f)) != 0)
		return e;
	*port = net_addr_port(&p->addr);
	return 0;
}

void media_rtp_init(struct media_rtp *m, struct endpoint_manager *manager)
{
	*m = (struct media_rtp){ .manager = manager };
	list_init(&m->pairs);
}

void media_rtp_done(struct media_rtp *m)
{
	assert(m->remotes.count == 0);
	LIST_EACH (it, &m->pairs)
		pair_free(CONTAINER_OF(it, struct pair, node));
	map_done(&m->remotes);
}
