/* tests/unit/peer_rig.h -- what the tests of lib/endpoint and lib/serve share: a scripted SIP peer
 * over UDP and TCP (raw sockets on the one loop), and user agents that note what their handlers
 * hear. Include it after cmocka.h. */
#ifndef PEER_RIG_H
#define PEER_RIG_H

#include "auth/digest_answer.h"
#include "auth/digest_challenge.h"
#include "base/base.h"
#include "base/mem.h"
#include "endpoint/registration.h"
#include "net/loop.h"
#include "sip/build.h"
#include "sip/challenge.h"
#include "sip/delta.h"
#include "sip/frame.h"
#include "sip/param.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Scripts are tables with most of their fields left out. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

enum {
	PEER_MS = 5000, /* what must happen, happens within this time */
	PEER_CONNS = 64,
	PEER_LATER = 64,
	/* How much later than due something may be on a busy machine. */
	PEER_LATE = 250,
};

/* ---- The loop ---- */

static inline void rig_on_time(struct ev_loop *loop, ev_timer *w, int revents)
{
	(void)revents;
	*(bool *)w->data = true;
	ev_timer_stop(loop, w);
}

/* Runs the loop until *counter is at least value: true; false when ms are over. */
static inline bool rig_run(const unsigned *counter, unsigned value, unsigned ms)
{
	bool over = false;
	ev_timer t;

	ev_timer_init(&t, rig_on_time, ms / 1000.0, 0.0);
	t.data = &over;
	ev_now_update(net_loop());
	ev_timer_start(net_loop(), &t);
	ev_run(net_loop(), EVRUN_NOWAIT);
	while (!over && *counter < value)
		ev_run(net_loop(), EVRUN_ONCE);
	ev_timer_stop(net_loop(), &t);
	return *counter >= value;
}

/* Runs it for a while; how many passes that took tells whether anything spins. */
static inline unsigned rig_idle(unsigned ms)
{
	static const unsigned never;
	unsigned before = ev_iteration(net_loop());

	rig_run(&never, 1, ms);
	return ev_iteration(net_loop()) - before;
}

#define rig_wait(counter, value) assert_true(rig_run(&(counter), (value), PEER_MS))

static inline double rig_ms(void)
{
	return (double)net_now_us() / 1000.0;
}

#define assert_between(x, low, high)                                                               \
	do {                                                                                       \
		double between_x = (x);                                                            \
		if (between_x < (double)(low) || between_x > (double)(high))                       \
			fail_msg("%s is %.1f, wanted %.1f to %.1f", #x, between_x, (double)(low),  \
				(double)(high));                                                   \
	} while (0)

static inline void assert_str(struct str s, const char *wanted)
{
	if (!str_eq(s, str_of(wanted)))
		fail_msg("\"" STR_FMT "\", wanted \"%s\"", STR_ARG(s), wanted);
}

static inline bool str_has(struct str s, const char *part)
{
	return s.p && memmem(s.p, s.n, part, strlen(part)) != NULL;
}

static inline void assert_has(struct str s, const char *part)
{
	if (!str_has(s, part))
		fail_msg("\"%s\" is not in \"" STR_FMT "\"", part, STR_ARG(s));
}

static inline void assert_lacks(struct str s, const char *part)
{
	if (str_has(s, part))
		fail_msg("\"%s\" is in \"" STR_FMT "\"", part, STR_ARG(s));
}

/* ---- The peer ---- */

struct peer;

struct peer_conn { /* a TCP connection that the peer accepted */
	struct peer *peer;
	int fd;
	ev_io io;
	struct sip_frame frame;
	struct net_addr from;
	unsigned id;
};

struct peer_got { /* what arrived */
	struct sip_msg *msg;
	double ms;
	enum net_transport transport;
	struct net_addr from;
	unsigned conn; /* id of its connection; 0: UDP */
	bool again; /* a retransmission: this branch and method were here before */
	unsigned bytes;
};

struct peer_step {
	unsigned status; /* 0: no answer */
	const char *headers; /* whole lines; {contact} is the request's Contact value, {me} our
				HOST:PORT */
	unsigned after_ms;
	bool more; /* the next step belongs to the same request: provisional answers */
	bool close; /* then the TCP connection is closed */
};

struct peer_later {
	ev_timer timer;
	struct peer *peer;
	char *bytes;
	size_t n;
	struct net_addr to;
	unsigned conn;
	bool used, close;
};

typedef void peer_fn(struct peer *p, const struct peer_got *g);

struct peer {
	struct net_addr addr;
	char host[NET_ADDR_TEXT], text[NET_ADDR_TEXT]; /* "127.0.0.1", "127.0.0.1:40152" */
	struct str server; /* the same, for endpoint_config.servers */
	uint16_t port;
	int udp, tcp; /* -1: closed */
	ev_io udp_io, tcp_io;
	struct peer_conn *conns[PEER_CONNS];
	unsigned conn_ids;

	struct peer_got *got; /* all requests and responses, the retransmissions too */
	unsigned count, cap;
	unsigned requests; /* of them: requests that are no retransmissions */
	unsigned retransmissions, responses, accepted, closed, pings, pongs, stuns, junk;
	bool no_pong, no_stun;
	unsigned stun_shift; /* added to the port that STUN tells */

	struct peer_step steps[16]; /* one a request; the last one stays */
	unsigned step_count, step;
	peer_fn *hook; /* in place of the script */
	void *hook_arg;
	struct peer_later later[PEER_LATER];

	/* The registrar of peer_registrar. */
	unsigned granted; /* 0: what was asked */
	const char *extra; /* more header lines of its 200 */
};

#define STEPS(...)                                                                                 \
	(const struct peer_step[]){ __VA_ARGS__ },                                                 \
		ARRAY_LEN(((const struct peer_step[]){ __VA_ARGS__ }))

static inline void peer_script(struct peer *p, const struct peer_step *steps, unsigned count)
{
	assert_true(count <= ARRAY_LEN(p->steps));
	for (unsigned i = 0; i < count; i++)
		p->steps[i] = steps[i];
	p->step_count = count;
	p->step = 0;
	p->hook = NULL;
}

static inline struct peer_conn *peer_conn(struct peer *p, unsigned id)
{
	for (unsigned i = 0; i < PEER_CONNS; i++)
		if (p->conns[i] && p->conns[i]->id == id)
			return p->conns[i];
	return NULL;
}

static inline void peer_conn_close(struct peer_conn *c, bool reset)
{
	struct peer *p = c->peer;
	struct linger now = { 1, 0 };

	ev_io_stop(net_loop(), &c->io);
	if (reset)
		setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(c->fd);
	sip_frame_done(&c->frame);
	for (unsigned i = 0; i < PEER_CONNS; i++)
		if (p->conns[i] == c)
			p->conns[i] = NULL;
	mem_free(c);
}

/* Ends all its connections. */
static inline void peer_drop(struct peer *p, bool reset)
{
	for (unsigned i = 0; i < PEER_CONNS; i++)
		if (p->conns[i])
			peer_conn_close(p->conns[i], reset);
}

static inline unsigned peer_open(const struct peer *p)
{
	unsigned n = 0;

	for (unsigned i = 0; i < PEER_CONNS; i++)
		n += p->conns[i] != NULL;
	return n;
}

static inline void peer_send_to(
	struct peer *p, const struct net_addr *to, unsigned conn, struct str bytes)
{
	struct peer_conn *c = conn ? peer_conn(p, conn) : NULL;
	size_t done = 0;

	if (!conn) {
		if (p->udp >= 0)
			sendto(p->udp, bytes.p, bytes.n, 0, &to->u.sa, net_addr_len(to));
		return;
	}
	while (c && done < bytes.n) {
		ssize_t n = send(c->fd, bytes.p + done, bytes.n - done, MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return;
		done += n > 0 ? (size_t)n : 0;
	}
}

static inline void peer_send(struct peer *p, const struct peer_got *g, struct str bytes)
{
	peer_send_to(p, &g->from, g->conn, bytes);
}

/* The start of a response; then headers and sip_build_end. */
static inline void peer_begin(struct buf *b, const struct peer_got *g, unsigned status)
{
	char host[NET_ADDR_TEXT];
	struct sip_response r = {
		.status = status,
		.to_tag = STR("peer"),
		.received = str_of(net_addr_host(&g->from, host)),
		.rport = net_addr_port(&g->from),
	};

	sip_build_response(b, g->msg, &r);
}

/* Header lines with {contact} and {me} filled in. */
static inline void peer_headers(
	struct buf *b, const struct peer *p, const struct peer_got *g, const char *lines)
{
	while (lines && *lines) {
		if (strncmp(lines, "{contact}", 9) == 0) {
			buf_add_str(b, sip_msg_value(g->msg, SIP_HDR_CONTACT));
			lines += 9;
		} else if (strncmp(lines, "{me}", 4) == 0) {
			buf_addf(b, "%s", p->text);
			lines += 4;
		} else {
			buf_add_char(b, *lines++);
		}
	}
}

/* The whole response as it stands in the script. */
static inline void peer_response(struct buf *b, const struct peer *p, const struct peer_got *g,
	unsigned status, const char *headers)
{
	peer_begin(b, g, status);
	peer_headers(b, p, g, headers);
	sip_build_end(b, STR_EMPTY, STR_EMPTY);
	assert_int_equal(b->fail, 0);
}

static inline void peer_reply(
	struct peer *p, const struct peer_got *g, unsigned status, const char *headers)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(262144);

	peer_response(&b, p, g, status, headers);
	peer_send(p, g, buf_str(&b));
}

static inline void peer_on_later(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct peer_later *l = CONTAINER_OF(w, struct peer_later, timer);
	struct peer_conn *c;

	(void)revents;
	ev_timer_stop(loop, w);
	peer_send_to(l->peer, &l->to, l->conn, (struct str){ l->bytes, l->n });
	c = l->conn && l->close ? peer_conn(l->peer, l->conn) : NULL;
	mem_free(l->bytes);
	l->used = false;
	if (c)
		peer_conn_close(c, false);
}

static inline void peer_reply_later(struct peer *p, const struct peer_got *g, unsigned status,
	const char *headers, unsigned ms, bool then_close)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(65536);
	struct peer_later *l = p->later;

	peer_response(&b, p, g, status, headers);
	while (l->used)
		assert_true(++l < p->later + PEER_LATER);
	*l = (struct peer_later){ .peer = p,
		.bytes = mem_strndup(b.p, b.n),
		.n = b.n,
		.to = g->from,
		.conn = g->conn,
		.used = true,
		.close = then_close };
	ev_timer_init(&l->timer, peer_on_later, ms / 1000.0, 0.0);
	ev_now_update(net_loop());
	ev_timer_start(net_loop(), &l->timer);
}

static inline void peer_play(struct peer *p, const struct peer_got *g)
{
	const struct peer_step *s;

	do {
		struct peer_conn *c;
		if (!p->step_count)
			return;
		s = &p->steps[p->step < p->step_count ? p->step : p->step_count - 1];
		p->step++;
		if (s->status && s->after_ms)
			peer_reply_later(p, g, s->status, s->headers, s->after_ms, s->close);
		else if (s->status)
			peer_reply(p, g, s->status, s->headers);
		c = s->close && !s->after_ms ? peer_conn(p, g->conn) : NULL;
		if (c)
			peer_conn_close(c, false);
	} while (s->more);
}

/* A registrar that takes everything: 200 with the request's Contacts, each with its expiry. */
static inline void peer_registrar(struct peer *p, const struct peer_got *g)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(65536);
	struct sip_list l = sip_msg_list(g->msg, SIP_HDR_CONTACT);
	struct sip_nameaddr a;
	uint32_t asked = 3600, own;
	struct str value;

	if (!str_eq(g->msg->method_name, STR("REGISTER"))) {
		peer_reply(p, g, 200, NULL);
		return;
	}
	sip_msg_seconds(g->msg, SIP_HDR_EXPIRES, &asked);
	peer_begin(&b, g, 200);
	while (sip_list_nameaddr(&l, &a)) {
		if (a.star)
			break;
		if (!sip_param(a.params, "expires", &value) || !sip_delta_parse(value, &own))
			own = asked;
		if (own == 0)
			continue;
		if (p->granted && own > p->granted)
			own = p->granted;
		buf_addf(&b, "Contact: <" STR_FMT ">", STR_ARG(a.uri.text));
		for (struct str rest = a.params;;) {
			struct sip_param q;
			if (!sip_param_next(&rest, &q))
				break;
			if (str_ieq(q.name, STR("expires")))
				continue;
			buf_addf(&b, ";" STR_FMT, STR_ARG(q.name));
			if (q.has_value)
				buf_addf(&b, q.quoted ? "=\"" STR_FMT "\"" : "=" STR_FMT,
					STR_ARG(q.value));
		}
		buf_addf(&b, ";expires=%u\r\n", own);
	}
	peer_headers(&b, p, g, p->extra);
	sip_build_end(&b, STR_EMPTY, STR_EMPTY);
	assert_int_equal(b.fail, 0);
	peer_send(p, g, buf_str(&b));
}

/* Was it here before? */
static inline bool peer_seen(const struct peer *p, const struct sip_msg *m)
{
	struct sip_via new, old;

	if (!sip_msg_via(m, &new))
		return false;
	for (unsigned i = 0; i < p->count; i++)
		if (p->got[i].msg->request && sip_msg_via(p->got[i].msg, &old) &&
			str_eq(old.branch, new.branch) &&
			str_eq(p->got[i].msg->method_name, m->method_name))
			return true;
	return false;
}

static inline void peer_message(struct peer *p, struct str bytes, enum net_transport t,
	const struct net_addr *from, unsigned conn)
{
	struct peer_got g = { .ms = rig_ms(),
		.transport = t,
		.from = *from,
		.conn = conn,
		.bytes = (unsigned)bytes.n };

	if (sip_msg_parse(bytes, NULL, &g.msg, NULL) < 0) {
		p->junk++;
		return;
	}
	g.again = g.msg->request && peer_seen(p, g.msg);
	if (p->count == p->cap) {
		p->cap = p->cap ? 2 * p->cap : 64;
		p->got = mem_realloc(p->got, p->cap * sizeof(*p->got));
	}
	p->got[p->count++] = g;
	if (!g.msg->request) {
		p->responses++;
		return;
	}
	if (g.again)
		p->retransmissions++;
	else
		p->requests++;
	if (p->hook)
		p->hook(p, &g);
	else if (!g.again)
		peer_play(p, &g);
}

static inline void peer_on_stun(struct peer *p, const unsigned char *q, const struct net_addr *from)
{
	/* A Binding success response with XOR-MAPPED-ADDRESS, IPv4 only; RFC 5389 */
	unsigned char r[32] = { 1, 1, 0, 12, 0x21, 0x12, 0xa4, 0x42 };
	uint16_t port = (uint16_t)(net_addr_port(from) + p->stun_shift);
	const unsigned char *ip = (const unsigned char *)&from->u.in4.sin_addr;

	p->stuns++;
	if (p->no_stun)
		return;
	memcpy(r + 8, q + 8, 12);
	memcpy(r + 20, "\x00\x20\x00\x08\x00\x01", 6);
	r[26] = (unsigned char)(port >> 8) ^ 0x21;
	r[27] = (unsigned char)(port & 255) ^ 0x12;
	for (int i = 0; i < 4; i++)
		r[28 + i] = ip[i] ^ r[4 + i];
	sendto(p->udp, r, sizeof(r), 0, &from->u.sa, net_addr_len(from));
}

static inline void peer_on_udp(struct ev_loop *loop, ev_io *w, int revents)
{
	struct peer *p = CONTAINER_OF(w, struct peer, udp_io);
	static char bytes[65536];
	struct net_addr from = { 0 };
	socklen_t len = sizeof(from.u);
	ssize_t n = recvfrom(p->udp, bytes, sizeof(bytes), 0, &from.u.sa, &len);

	(void)loop;
	(void)revents;
	if (n < 0)
		return;
	if (n >= 20 && bytes[0] == 0 && bytes[1] == 1 &&
		memcmp(bytes + 4, "\x21\x12\xa4\x42", 4) == 0)
		peer_on_stun(p, (const unsigned char *)bytes, &from);
	else if (n == 4 && memcmp(bytes, "\r\n\r\n", 4) == 0)
		p->pings++;
	else
		peer_message(p, (struct str){ bytes, (size_t)n }, NET_UDP, &from, 0);
}

static inline void peer_on_conn(struct ev_loop *loop, ev_io *w, int revents)
{
	struct peer_conn *c = CONTAINER_OF(w, struct peer_conn, io);
	struct peer *p = c->peer;
	struct net_addr from = c->from;
	unsigned id = c->id;
	char bytes[16384];
	struct str whole;
	ssize_t n = recv(c->fd, bytes, sizeof(bytes), 0);

	(void)loop;
	(void)revents;
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		p->closed++;
		peer_conn_close(c, false);
		return;
	}
	sip_frame_feed(&c->frame, (struct str){ bytes, (size_t)n });
	for (;;) {
		enum sip_frame_result r;
		c = peer_conn(p, id); /* a script may have closed it */
		if (!c)
			return;
		r = sip_frame_next(&c->frame, &whole, NULL);
		if (r == SIP_FRAME_PING) {
			p->pings++;
			if (!p->no_pong)
				peer_send_to(p, NULL, id, STR("\r\n"));
		} else if (r == SIP_FRAME_PONG) {
			p->pongs++;
		} else if (r == SIP_FRAME_MESSAGE) {
			peer_message(p, whole, NET_TCP, &from, id);
		} else if (r == SIP_FRAME_MORE) {
			return;
		} else {
			p->junk++;
			peer_conn_close(c, false);
			return;
		}
	}
}

/* A connection that it has from now on; its id. */
static inline unsigned peer_adopt(struct peer *p, int fd, const struct net_addr *from)
{
	struct peer_conn *c = MEM_NEW(struct peer_conn);
	unsigned i = 0;

	while (p->conns[i])
		assert_true(++i < PEER_CONNS);
	p->conns[i] = c;
	c->peer = p;
	c->fd = fd;
	c->from = *from;
	c->id = ++p->conn_ids;
	sip_frame_init(&c->frame, NULL);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	ev_io_init(&c->io, peer_on_conn, fd, EV_READ);
	ev_io_start(net_loop(), &c->io);
	return c->id;
}

static inline void peer_on_accept(struct ev_loop *loop, ev_io *w, int revents)
{
	struct peer *p = CONTAINER_OF(w, struct peer, tcp_io);
	struct net_addr from = { 0 };
	socklen_t len = sizeof(from.u);
	int fd = accept4(p->tcp, &from.u.sa, &len, SOCK_CLOEXEC);

	(void)loop;
	(void)revents;
	if (fd < 0)
		return;
	p->accepted++;
	peer_conn(p, peer_adopt(p, fd, &from))->frame.pings = true;
}

static inline int peer_socket(int type, struct net_addr *a)
{
	socklen_t n = sizeof(a->u);
	int fd = socket(a->u.sa.sa_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1;

	assert_true(fd >= 0);
	if (type == SOCK_STREAM)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, &a->u.sa, net_addr_len(a)) < 0 ||
		(type == SOCK_STREAM && listen(fd, 64) < 0)) {
		close(fd);
		return -1;
	}
	assert_int_equal(getsockname(fd, &a->u.sa, &n), 0);
	return fd;
}

static inline void peer_close_udp(struct peer *p)
{
	if (p->udp >= 0) {
		ev_io_stop(net_loop(), &p->udp_io);
		close(p->udp);
		p->udp = -1;
	}
}

static inline void peer_close_tcp(struct peer *p)
{
	peer_drop(p, false);
	if (p->tcp >= 0) {
		ev_io_stop(net_loop(), &p->tcp_io);
		close(p->tcp);
		p->tcp = -1;
	}
}

/* Opens what was closed, at the same port. */
static inline bool peer_reopen(struct peer *p)
{
	if (p->udp < 0) {
		p->udp = peer_socket(SOCK_DGRAM, &p->addr);
		if (p->udp < 0)
			return false;
		ev_io_init(&p->udp_io, peer_on_udp, p->udp, EV_READ);
		ev_io_start(net_loop(), &p->udp_io);
	}
	if (p->tcp < 0) {
		p->tcp = peer_socket(SOCK_STREAM, &p->addr);
		if (p->tcp < 0)
			return false;
		ev_io_init(&p->tcp_io, peer_on_accept, p->tcp, EV_READ);
		ev_io_start(net_loop(), &p->tcp_io);
	}
	return true;
}

static inline void peer_free(struct peer *p)
{
	peer_close_udp(p);
	peer_close_tcp(p);
	for (unsigned i = 0; i < PEER_LATER; i++)
		if (p->later[i].used) {
			ev_timer_stop(net_loop(), &p->later[i].timer);
			mem_free(p->later[i].bytes);
		}
	for (unsigned i = 0; i < p->count; i++)
		sip_msg_unref(p->got[i].msg);
	mem_free(p->got);
	mem_free(p);
}

/* Listens on UDP and TCP at one port of the address; port 0: any. NULL: that port is taken. */
static inline struct peer *peer_at(const char *host, uint16_t port)
{
	struct peer *p = MEM_NEW(struct peer);

	p->udp = p->tcp = -1;
	for (int tries = 0; tries < 100; tries++) {
		assert_true(net_addr_parse(str_of(host), port, &p->addr));
		if (peer_reopen(p))
			break;
		peer_close_udp(p);
		if (port)
			break;
	}
	if (p->udp < 0 || p->tcp < 0) {
		peer_free(p);
		return NULL;
	}
	net_addr_host(&p->addr, p->host);
	net_addr_text(&p->addr, p->text);
	p->server = str_of(p->text);
	p->port = net_addr_port(&p->addr);
	return p;
}

static inline struct peer *peer_new(void)
{
	struct peer *p = peer_at("127.0.0.1", 0);

	assert_non_null(p);
	return p;
}

/* Two at one port: 127.0.0.1 and 127.0.0.2. */
static inline void peer_pair(struct peer **a, struct peer **b)
{
	for (int tries = 0; tries < 100; tries++) {
		*a = peer_new();
		*b = peer_at("127.0.0.2", (*a)->port);
		if (*b)
			return;
		peer_free(*a);
	}
	fail_msg("no port that is free at both addresses");
}

/* The i-th request that is no retransmission, from 0. */
static inline const struct peer_got *peer_request(const struct peer *p, unsigned index)
{
	for (unsigned i = 0; i < p->count; i++)
		if (p->got[i].msg->request && !p->got[i].again && index-- == 0)
			return &p->got[i];
	fail_msg("no such request");
	return NULL;
}

static inline struct sip_msg *peer_msg(const struct peer *p, unsigned index)
{
	return peer_request(p, index)->msg;
}

static inline const struct peer_got *peer_last(const struct peer *p)
{
	assert_true(p->requests > 0);
	return peer_request(p, p->requests - 1);
}

/* Typed pieces that must be there. */
static inline uint32_t msg_cseq(const struct sip_msg *m)
{
	struct sip_cseq c;

	assert_true(sip_msg_cseq(m, &c));
	return c.number;
}

static inline struct sip_via msg_via(const struct sip_msg *m)
{
	struct sip_via v;

	assert_true(sip_msg_via(m, &v));
	return v;
}

static inline uint32_t msg_seconds(const struct sip_msg *m, enum sip_hdr_id id)
{
	uint32_t n;

	assert_true(sip_msg_seconds(m, id, &n));
	return n;
}

static inline struct str msg_named(const struct sip_msg *m, const char *name)
{
	const struct sip_hdr *h = sip_msg_hdr_named(m, str_of(name));

	return h ? h->value : STR_EMPTY;
}

static inline unsigned msg_count(const struct sip_msg *m, enum sip_hdr_id id)
{
	unsigned n = 0;

	for (const struct sip_hdr *h = sip_msg_hdr(m, id); h; h = sip_msg_hdr_next(m, h))
		n++;
	return n;
}

/* ---- The peer asks ---- */

/* A request; NULL and 0: the usual, from bob to alice. */
struct ask {
	const char *method, *uri, *to, *from, *call_id, *cseq, *via, *max_forwards, *lines, *body;
	bool no_rport;
};

static unsigned asked __attribute__((unused)); /* how many, for names that differ: count it up */

static inline void peer_ask_write(
	struct buf *b, const struct peer *p, unsigned conn, const struct ask *a)
{
	const char *method = a->method ? a->method : "OPTIONS";

	buf_addf(b, "%s %s SIP/2.0\r\n", method, a->uri ? a->uri : "sip:alice@example.test");
	if (a->via)
		buf_addf(b, "Via: %s\r\n", a->via);
	else
		buf_addf(b, "Via: SIP/2.0/%s %s;branch=z9hG4bKask%u%s\r\n", conn ? "TCP" : "UDP",
			p->text, asked, a->no_rport ? "" : ";rport");
	buf_addf(b, "Max-Forwards: %s\r\n", a->max_forwards ? a->max_forwards : "70");
	buf_addf(b, "From: %s\r\n", a->from ? a->from : "\"Bob\" <sip:bob@peer.test>;tag=bob");
	buf_addf(b, "To: %s\r\n", a->to ? a->to : "<sip:alice@example.test>");
	if (a->call_id)
		buf_addf(b, "Call-ID: %s\r\n", a->call_id);
	else
		buf_addf(b, "Call-ID: call%u@peer.test\r\n", asked);
	if (a->cseq)
		buf_addf(b, "CSeq: %s\r\n", a->cseq);
	else
		buf_addf(b, "CSeq: 7 %s\r\n", method);
	buf_addf(b, "%sContent-Length: %zu\r\n\r\n%s", a->lines ? a->lines : "",
		a->body ? strlen(a->body) : 0, a->body ? a->body : "");
}

/* The latest response that arrived. */
static inline struct sip_msg *peer_answer(const struct peer *p)
{
	for (unsigned i = p->count; i-- > 0;)
		if (!p->got[i].msg->request)
			return p->got[i].msg;
	return NULL;
}

/* Connects to a listener; the id of the connection. */
static inline unsigned peer_connect(struct peer *p, const struct net_addr *to)
{
	int fd = socket(to->u.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, &to->u.sa, net_addr_len(to)), 0);
	return peer_adopt(p, fd, to);
}

/* ---- What a handler hears ---- */

struct heard {
	unsigned count[ENDPOINT_CLOSED + 1];
	unsigned all, finals;
	bool operation; /* nothing comes after its final event (R6) */
	bool quiet; /* inside of a call: no event may come (R2), or after free (R5) */
	double began, ended;
	char order[512]; /* one letter an event */
	unsigned order_n;

	/* of the final event */
	enum endpoint_event_type final;
	bool has_response, authenticated, after_ringing;
	unsigned status;
	char reason[128], cause[64];
	struct fail fail;
	struct endpoint_counts counts;
	struct endpoint_times times;

	/* of the last ... */
	unsigned attempt, of;
	char because[32];
	double waits[64];
	char scheme[32], chosen[32], realm[64], user[64];
	bool stale;
	bool active, outbound;
	char reg_cause[40], reg_causes[512], detail[160];
	uint32_t expires, refresh_in;
	unsigned contacts, own, reg_id, paths, service_routes;
	char own_uri[256], pub_gruu[256], temp_gruu[256], service_route[256];
	char flow_cause[32], action[32], flow_transport[8];
	unsigned replied;
	char method[32];
	unsigned retransmissions;
	size_t bytes;

	void (*hook)(
		struct heard *h, const struct endpoint_event *ev); /* last: may free anything */
	void *arg;
};

static inline void heard_copy(char *out, size_t cap, struct str s)
{
	snprintf(out, cap, STR_FMT, STR_ARG(s));
}

/* Reads every byte that an event points at: all of it must be alive. */
static inline unsigned heard_touch(struct str s)
{
	unsigned sum = 0;

	for (size_t i = 0; i < s.n; i++)
		sum += (unsigned char)s.p[i];
	return sum;
}

static inline unsigned heard_touch_msg(const struct endpoint_msg *m)
{
	struct str all[] = { m->method, m->request_uri, m->reason_phrase, m->call_id, m->branch,
		m->from.display_name, m->from.uri, m->from.tag, m->to.display_name, m->to.uri,
		m->to.tag, m->local.address, m->remote.address, m->server, m->warning, m->reason,
		m->ms_diagnostics, m->content_type, m->body, m->wire, STR_EMPTY };
	unsigned sum = 0;

	endpoint_msg_header(m, STR("Via"), 0, &all[ARRAY_LEN(all) - 1]);
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		sum += heard_touch(all[i]);
	return sum;
}

static inline void heard_registration(struct heard *h, const struct endpoint_registration *r)
{
	h->active = r->active;
	h->outbound = r->outbound;
	h->expires = r->expires;
	h->refresh_in = r->refresh_in;
	h->contacts = r->contact_count;
	h->reg_id = r->reg_id;
	h->paths = r->path_count;
	h->service_routes = r->service_route_count;
	h->own = 0;
	heard_copy(h->reg_cause, sizeof(h->reg_cause), str_of(r->cause));
	snprintf(h->reg_causes + strlen(h->reg_causes),
		sizeof(h->reg_causes) - strlen(h->reg_causes), "%s%s", h->reg_causes[0] ? " " : "",
		h->reg_cause);
	heard_copy(h->detail, sizeof(h->detail), str_of(r->detail));
	heard_touch(r->aor);
	for (unsigned i = 0; i < r->contact_count; i++) {
		const struct endpoint_contact *c = &r->contacts[i];
		heard_touch(c->uri);
		heard_touch(c->instance);
		if (!c->own)
			continue;
		h->own++;
		heard_copy(h->own_uri, sizeof(h->own_uri), c->uri);
		heard_copy(h->pub_gruu, sizeof(h->pub_gruu), c->pub_gruu);
		heard_copy(h->temp_gruu, sizeof(h->temp_gruu), c->temp_gruu);
	}
	for (unsigned i = 0; i < r->path_count; i++)
		heard_touch(r->path[i]);
	for (unsigned i = 0; i < r->service_route_count; i++)
		heard_copy(h->service_route, sizeof(h->service_route), r->service_route[i]);
}

static inline void heard_result(struct heard *h, const struct endpoint_event *ev)
{
	const struct endpoint_result *r = ev->result;

	h->finals++;
	h->final = ev->type;
	h->ended = rig_ms();
	h->has_response = false;
	h->status = 0;
	h->fail = (struct fail){ 0 };
	h->cause[0] = '\0';
	if (!r)
		return;
	h->has_response = r->response != NULL;
	h->authenticated = r->authenticated;
	h->after_ringing = r->after_ringing;
	h->status = r->response ? r->response->status_code : 0;
	if (r->response) {
		heard_touch_msg(r->response);
		heard_copy(h->reason, sizeof(h->reason), r->response->reason_phrase);
		h->retransmissions = r->response->retransmissions;
	}
	heard_copy(h->cause, sizeof(h->cause), str_of(r->cause));
	h->fail = r->fail;
	h->counts = r->counts;
	h->times = r->times;
	assert_true(memchr(r->fail.text, 0, sizeof(r->fail.text)) != NULL);
	/* DONE has no failure, FAILED has one and says what it is. */
	if (ev->type == ENDPOINT_DONE)
		assert_int_equal(r->fail.code, 0);
	if (ev->type == ENDPOINT_FAILED) {
		assert_true(r->fail.code < 0);
		assert_true(fail_show(&r->fail)[0] != '\0');
	}
}

static inline void heard_event(void *arg, const struct endpoint_event *ev)
{
	static const char letters[] = "RCDqpAYGUListTbnPamdfc";
	struct heard *h = arg;

	if (h->quiet)
		fail_msg("event %d inside of a call or after the end", (int)ev->type);
	if (h->operation && h->finals)
		fail_msg("event %d after the final one", (int)ev->type);
	h->all++;
	h->count[ev->type]++;
	if (h->order_n + 1 < sizeof(h->order))
		h->order[h->order_n++] = letters[ev->type];
	switch (ev->type) {
	case ENDPOINT_RESOLVED:
		heard_touch(ev->resolved->uri);
		for (unsigned i = 0; i < ev->resolved->target_count; i++)
			heard_touch(ev->resolved->targets[i].host);
		break;
	case ENDPOINT_CONNECTED:
	case ENDPOINT_DISCONNECTED:
		heard_copy(h->flow_transport, sizeof(h->flow_transport),
			str_of(ev->flow->local.transport));
		heard_touch(ev->flow->remote.address);
		heard_touch(ev->flow->detail);
		if (ev->type == ENDPOINT_CONNECTED)
			break;
		heard_copy(h->flow_cause, sizeof(h->flow_cause), str_of(ev->flow->cause));
		heard_copy(h->action, sizeof(h->action), str_of(ev->flow->action));
		break;
	case ENDPOINT_REQUEST:
	case ENDPOINT_RESPONSE:
	case ENDPOINT_UNMATCHED:
		heard_touch_msg(ev->msg);
		h->replied = ev->msg->replied;
		h->bytes = ev->msg->bytes;
		heard_copy(h->method, sizeof(h->method), ev->msg->method);
		break;
	case ENDPOINT_CHALLENGED:
		heard_copy(h->scheme, sizeof(h->scheme), str_of(ev->auth->scheme));
		heard_copy(h->chosen, sizeof(h->chosen), str_of(ev->auth->chosen));
		heard_copy(h->realm, sizeof(h->realm), ev->auth->realm);
		heard_copy(h->user, sizeof(h->user), ev->auth->user);
		h->stale = ev->auth->stale;
		break;
	case ENDPOINT_RETRY:
		h->attempt = ev->retry->attempt;
		h->of = ev->retry->of;
		h->waits[(h->count[ENDPOINT_RETRY] - 1) % ARRAY_LEN(h->waits)] = ev->retry->wait_ms;
		heard_copy(h->because, sizeof(h->because), str_of(ev->retry->because));
		heard_touch(ev->retry->detail);
		break;
	case ENDPOINT_REGISTRATION:
		heard_registration(h, ev->registration);
		break;
	case ENDPOINT_DONE:
	case ENDPOINT_FAILED:
	case ENDPOINT_CLOSED:
		heard_result(h, ev);
		break;
	case ENDPOINT_LISTENER_LOST: /* for their own tests to look at */
	case ENDPOINT_INCOMING:
	case ENDPOINT_SESSION:
	case ENDPOINT_SESSION_TIMER:
	case ENDPOINT_TRANSFER:
	case ENDPOINT_SUBSCRIPTION:
	case ENDPOINT_NOTIFY:
	case ENDPOINT_PUBLICATION:
	case ENDPOINT_MALFORMED:
	case ENDPOINT_ANSWERED:
		break;
	}
	if (h->hook)
		h->hook(h, ev); /* may free what it likes, h too */
}

/* ---- User agents ---- */

struct ua {
	struct endpoint_manager *m;
	struct endpoint *ep;
	struct heard heard;
	struct cred_store *creds;
	struct fail why; /* of the last start that failed */
};

static inline struct sip_timers rig_timers(uint32_t t1)
{
	return (struct sip_timers){ .t1 = t1, .t2 = 8 * t1, .t4 = 10 * t1 };
}

/* A manager with short timers: T1 20 ms. */
static inline struct ua *ua_manager(struct endpoint_manager_config mc)
{
	struct ua *u = MEM_NEW(struct ua);

	if (!mc.timers.t1)
		mc.timers = rig_timers(20);
	assert_int_equal(endpoint_manager_new(&mc, &u->m, NULL), 0);
	return u;
}

/* The endpoint on it; alice when there is no AOR. */
static inline int ua_endpoint(struct ua *u, struct endpoint_config ec)
{
	int e;

	ec.manager = u->m;
	if (!ec.aor.n && ec.kind == ENDPOINT_SERVER_BASED)
		ec.aor = STR("sip:alice@example.test");
	ec.on_event = heard_event;
	ec.arg = &u->heard;
	u->heard.quiet = true;
	e = endpoint_new(&ec, &u->ep, &u->why);
	u->heard.quiet = false;
	return e;
}

static inline struct ua *ua_new(struct endpoint_manager_config mc, struct endpoint_config ec)
{
	struct ua *u = ua_manager(mc);

	if (ua_endpoint(u, ec) != 0)
		fail_msg("endpoint_new: %s", fail_show(&u->why));
	return u;
}

/* Server based at this peer, over this transport, client manager. */
static inline struct ua *ua_at(const struct peer *p, int transport)
{
	return ua_new((struct endpoint_manager_config){ .kind = NET_CLIENT },
		(struct endpoint_config){
			.servers = &p->server, .server_count = 1, .transport = transport });
}

/* Peer to peer. */
static inline struct ua *ua_p2p(int transport)
{
	return ua_new((struct endpoint_manager_config){ .kind = NET_SERVER },
		(struct endpoint_config){ .kind = ENDPOINT_PEER_TO_PEER, .transport = transport });
}

/* With alice's password for any realm. */
static inline struct cred_store *rig_creds(const char *password)
{
	struct cred_store *s = cred_store_new();
	struct cred c = { .realm = STR("*"),
		.user = STR("alice"),
		.secret = str_of(password),
		.source = "test" };

	assert_int_equal(cred_store_add(s, &c, NULL), 0);
	return s;
}

static inline struct ua *ua_auth_at(
	const struct peer *p, int transport, const char *password, struct auth_config ac)
{
	struct cred_store *s = rig_creds(password);
	struct ua *u;

	ac.creds = s;
	u = ua_new((struct endpoint_manager_config){ .kind = NET_CLIENT },
		(struct endpoint_config){ .servers = &p->server,
			.server_count = 1,
			.transport = transport,
			.auth = ac });
	u->creds = s;
	return u;
}

/* After this no event may come. */
static inline void ua_free(struct ua *u)
{
	u->heard.quiet = true;
	endpoint_free(u->ep);
	endpoint_manager_free(u->m);
	cred_store_free(u->creds);
	ev_run(net_loop(), EVRUN_NOWAIT);
	ev_run(net_loop(), EVRUN_NOWAIT);
	mem_free(u);
}

/* ---- Operations ---- */

struct op {
	struct heard heard;
	struct request *r;
	struct registration *reg;
	uint32_t cseq;
};

static inline struct op *op_new(void)
{
	struct op *o = MEM_NEW(struct op);

	o->heard.operation = true;
	return o;
}

/* R2: not one event while it starts. */
static inline int op_try(struct ua *u, struct op *o, struct request_config c)
{
	bool was = u->heard.quiet;
	int e;

	c.endpoint = c.endpoint ? c.endpoint : u->ep;
	if (!c.target.p)
		c.target = STR("sip:bob@example.test");
	c.on_event = heard_event;
	c.arg = &o->heard;
	u->heard.quiet = o->heard.quiet = true;
	o->heard.began = rig_ms();
	e = request_start(&c, &o->r, &u->why);
	u->heard.quiet = was;
	o->heard.quiet = false;
	return e;
}

/* max_forwards of 0 is the endpoint's here. */
static inline struct op *op_request(struct ua *u, struct request_config c)
{
	struct op *o = op_new();

	if (!c.max_forwards)
		c.max_forwards = -1;
	if (!c.method.p)
		c.method = STR("OPTIONS");
	if (op_try(u, o, c) != 0)
		fail_msg("request_start: %s", fail_show(&u->why));
	return o;
}

static inline int op_try_register(struct ua *u, struct op *o, struct registration_config c)
{
	bool was = u->heard.quiet;
	int e;

	c.endpoint = c.endpoint ? c.endpoint : u->ep;
	c.on_event = heard_event;
	c.arg = &o->heard;
	u->heard.quiet = o->heard.quiet = true;
	o->heard.began = rig_ms();
	e = registration_start(&c, &o->reg, &u->why);
	u->heard.quiet = was;
	o->heard.quiet = false;
	return e;
}

/* q of 0 is none here, expires of 0 is 60. */
static inline struct op *op_register(struct ua *u, struct registration_config c)
{
	struct op *o = op_new();

	if (!c.q)
		c.q = -1;
	if (!c.expires)
		c.expires = 60;
	if (op_try_register(u, o, c) != 0)
		fail_msg("registration_start: %s", fail_show(&u->why));
	return o;
}

static inline void op_free(struct op *o)
{
	o->heard.quiet = true;
	request_free(o->r);
	registration_free(o->reg);
	ev_run(net_loop(), EVRUN_NOWAIT);
	mem_free(o);
}

/* Waits for the end. */
static inline void op_wait(struct op *o)
{
	if (!rig_run(&o->heard.finals, 1, PEER_MS))
		fail_msg("no final event; so far: %s", o->heard.order);
}

static inline void op_done(struct op *o, unsigned status)
{
	op_wait(o);
	if (o->heard.final != ENDPOINT_DONE)
		fail_msg("failed: %s (%u)", fail_show(&o->heard.fail), o->heard.status);
	assert_int_equal(o->heard.status, status);
}

/* code: FAIL_x; status 0: no response. */
static inline void op_failed(struct op *o, int code, unsigned status)
{
	op_wait(o);
	assert_int_equal(o->heard.final, ENDPOINT_FAILED);
	if (o->heard.fail.code != -code || o->heard.status != status)
		fail_msg("failed with %d (%s) status %u, wanted %d (%s) and %u", o->heard.fail.code,
			fail_show(&o->heard.fail), o->heard.status, -code, fail_text(-code),
			status);
}

/* Runs on for a while: nothing more may come (R6), then it goes. */
static inline void op_end(struct op *o)
{
	rig_idle(15);
	assert_int_equal(o->heard.finals, 1);
	op_free(o);
}

static inline double op_ms(const struct op *o)
{
	return o->heard.ended - o->heard.began;
}

#endif
