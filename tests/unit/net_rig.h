/* tests/unit/net_rig.h -- what the tests of lib/net share: a manager that counts its events, the
 * loop with a time limit, and peers made of plain sockets. Include it after cmocka.h. */
#ifndef NET_RIG_H
#define NET_RIG_H

#include "base/mem.h"
#include "net/manager.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* clang has no macro for it. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define RIG_SLOW 1
#endif
#endif

enum {
	RIG_MS = 5000, /* what must happen, happens within this time */
	RIG_FLOWS = 4096, /* numbers of flows that are checked for their one NET_CLOSED */
	RIG_DATA = 6 << 20,
#if defined(__SANITIZE_ADDRESS__) || defined(RIG_SLOW)
	RIG_LATE = 1000, /* ruling 36 */
#else
	RIG_LATE = 50, /* how long what is due at once, or at a time, may take */
#endif
};

struct rig {
	struct net_manager *m;
	unsigned opened, received, unreachable, closed, lost, tls_failed, all;
	struct net_flow *flow, *opened_flow; /* of the last event, of the last NET_OPENED */
	enum net_cause cause; /* of the last end */
	struct fail why; /* of the last event that had one */
	struct net_addr remote;
	struct str bytes; /* all that was received */
	char *data;
	unsigned char ends[RIG_FLOWS];
	bool quiet; /* inside of a call: no event may come */
	void (*hook)(struct rig *r, const struct net_event *ev);
	void *hook_arg;
};

static inline unsigned *rig_counter(struct rig *r, enum net_event_type type)
{
	unsigned *const counters[] = {
		[NET_OPENED] = &r->opened,
		[NET_RECEIVED] = &r->received,
		[NET_UNREACHABLE] = &r->unreachable,
		[NET_CLOSED] = &r->closed,
		[NET_LISTEN_LOST] = &r->lost,
		[NET_TLS_FAILED] = &r->tls_failed,
	};
	return counters[type];
}

static inline void rig_keep(struct rig *r, struct str bytes)
{
	assert_true(r->bytes.n + bytes.n <= RIG_DATA);
	memcpy(r->data + r->bytes.n, bytes.p, bytes.n);
	r->bytes.n += bytes.n;
}

static inline void rig_event(void *arg, const struct net_event *ev)
{
	struct rig *r = arg;

	assert_false(r->quiet);
	r->all++;
	(*rig_counter(r, ev->type))++;
	r->flow = ev->flow;
	if (ev->fail)
		r->why = *ev->fail;
	if (ev->type == NET_OPENED)
		r->opened_flow = ev->flow;
	if (ev->remote)
		r->remote = *ev->remote;
	if (ev->type == NET_RECEIVED)
		rig_keep(r, ev->bytes);
	if (ev->type == NET_CLOSED || ev->type == NET_TLS_FAILED)
		r->cause = ev->cause;
	if (ev->type == NET_CLOSED) {
		const struct net_flow_info *i = net_flow_info(ev->flow);
		assert_true(i->closed && !i->open && !i->tls);
		assert_int_equal(r->ends[i->id % RIG_FLOWS]++, 0);
		assert_non_null(ev->fail);
		assert_true(ev->fail->code < 0 && ev->fail->text[0]);
	}
	if (r->hook)
		r->hook(r, ev);
}

/* Everything but the fields that a test sets is filled in. */
static inline struct rig *rig_new(enum net_manager_kind kind, struct net_manager_config c)
{
	struct rig *r = MEM_NEW(struct rig);

	r->data = mem_alloc(RIG_DATA);
	r->bytes.p = r->data;
	c.loop = net_loop();
	c.kind = kind;
	c.on_event = rig_event;
	c.arg = r;
	assert_int_equal(net_manager_new(&c, &r->m, NULL), 0);
	return r;
}

/* After this no event may come. */
static inline void rig_end(struct rig *r)
{
	r->quiet = true;
	net_manager_free(r->m);
	r->m = NULL;
	ev_run(net_loop(), EVRUN_NOWAIT);
	ev_run(net_loop(), EVRUN_NOWAIT);
}

static inline void rig_free(struct rig *r)
{
	rig_end(r);
	mem_free(r->data);
	mem_free(r);
}

/* ---- the loop ---- */

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
	/* What is pending already comes first: EVRUN_ONCE would wait for more. */
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

#define rig_wait(counter, value) assert_true(rig_run(&(counter), (value), RIG_MS))

/* ---- flows ---- */

static inline struct net_addr rig_loopback(int family, uint16_t port)
{
	struct net_addr a;

	assert_true(net_addr_parse(family == AF_INET ? STR("127.0.0.1") : STR("::1"), port, &a));
	return a;
}

static inline struct net_addr rig_listen(struct rig *r, enum net_transport t, int family)
{
	struct net_addr any = rig_loopback(family, 0), bound = { 0 };

	assert_int_equal(net_manager_listen(r->m, t, &any, &bound, NULL), 0);
	assert_int_not_equal(net_addr_port(&bound), 0);
	return bound;
}

/* A flow that must be had; R2: no handler runs meanwhile. */
static inline struct net_flow *rig_flow_of(struct rig *r, enum net_transport t,
	struct net_addr addr, const char *host, const void *owner)
{
	struct net_target target = {
		.transport = t, .addr = addr, .host = str_of(host), .owner = owner
	};
	struct net_flow *f = NULL;

	r->quiet = true;
	assert_int_equal(net_manager_flow(r->m, &target, &f, NULL), 0);
	r->quiet = false;
	return f;
}

static inline struct net_flow *rig_flow(struct rig *r, enum net_transport t, struct net_addr addr)
{
	return rig_flow_of(r, t, addr, "", NULL);
}

static inline int rig_send(struct rig *r, struct net_flow *f, struct str bytes)
{
	int e;

	r->quiet = true;
	e = net_flow_send(f, bytes);
	r->quiet = false;
	return e;
}

static inline void rig_close(struct rig *r, struct net_flow *f)
{
	r->quiet = true;
	net_flow_close(f);
	r->quiet = false;
}

/* n bytes that tell their place */
static inline char *rig_pattern(size_t n)
{
	char *p = mem_alloc(n);

	for (size_t i = 0; i < n; i++)
		p[i] = (char)(i % 251);
	return p;
}

static inline bool rig_is_pattern(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != (char)(i % 251))
			return false;
	return true;
}

/* ---- peers ---- */

/* A blocking socket on loopback, bound to any free port; a stream listens. */
static inline int peer_bound(int family, int type, struct net_addr *addr)
{
	struct net_addr a = rig_loopback(family, 0);
	socklen_t n = sizeof(a.u);
	int fd = socket(family, type | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, &a.u.sa, net_addr_len(&a)), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 64), 0);
	assert_int_equal(getsockname(fd, &a.u.sa, &n), 0);
	*addr = a;
	return fd;
}

static inline int peer_accept(int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static inline int peer_connect(struct net_addr to, int type)
{
	int fd = socket(to.u.sa.sa_family, type | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, &to.u.sa, net_addr_len(&to)), 0);
	return fd;
}

static inline void peer_send(int fd, struct str s)
{
	assert_int_equal(send(fd, s.p, s.n, MSG_NOSIGNAL), (int)s.n);
}

/* Ends the connection with a reset. */
static inline void peer_reset(int fd)
{
	struct linger now = { 1, 0 };

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
	close(fd);
}

/* The next bytes, 0 at the end of a stream, -errno; runs the loop while there are none. */
static inline ssize_t peer_recv(int fd, char *p, size_t cap)
{
	for (int i = 0; i < RIG_MS; i++) {
		ssize_t n = recv(fd, p, cap, MSG_DONTWAIT);
		if (n >= 0 || errno != EAGAIN)
			return n < 0 ? -errno : n;
		rig_idle(1);
	}
	return -ETIMEDOUT;
}

/* A port where nobody is. */
static inline struct net_addr peer_nobody(int family, int type)
{
	struct net_addr a;

	close(peer_bound(family, type, &a));
	return a;
}

static inline void assert_starts(const char *text, const char *start)
{
	if (strncmp(text, start, strlen(start)) != 0)
		fail_msg("got <%s>, want <%s...>", text, start);
}

#define assert_remote_text(r, addr, rest)                                                          \
	do {                                                                                       \
		char a_[NET_ADDR_TEXT], want_[300];                                                \
		snprintf(want_, sizeof(want_), "%s %s", net_addr_text(&(addr), a_), rest);         \
		assert_string_equal((r)->why.text, want_);                                         \
	} while (0)

#endif
