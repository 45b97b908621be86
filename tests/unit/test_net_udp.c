/* tests/unit/test_net_udp.c -- lib/net: flows over UDP, connected and through a listening socket */
#include "net/flow.h"
#include "net/manager.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "net_rig.h"

/* Where the next datagram comes from */
static struct net_addr peer_from(int fd, const char *want)
{
	struct net_addr from = { 0 };
	socklen_t len = sizeof(from.u);
	char bytes[100];
	ssize_t n = -1;

	for (int i = 0; i < RIG_MS && n < 0; i++) {
		n = recvfrom(fd, bytes, sizeof(bytes), MSG_DONTWAIT, &from.u.sa, &len);
		if (n < 0)
			rig_idle(1);
	}
	assert_int_equal(n, (int)strlen(want));
	assert_memory_equal(bytes, want, strlen(want));
	return from;
}

static void peer_send_to(int fd, struct net_addr to, struct str s)
{
	assert_int_equal(sendto(fd, s.p, s.n, 0, &to.u.sa, net_addr_len(&to)), (int)s.n);
}

/* ---- connected sockets ---- */

static void connected(int family)
{
	struct rig *r = rig_new(NET_SERVER, (struct net_manager_config){ 0 });
	struct net_addr a, local;
	int fd = peer_bound(family, SOCK_DGRAM, &a);
	struct net_flow *f = rig_flow_of(r, NET_UDP, a, "example.com", NULL);
	const struct net_flow_info *i = net_flow_info(f);

	assert_true(i->open);
	assert_int_equal(rig_send(r, f, STR("early")), 0);
	rig_wait(r->opened, 1);
	local = peer_from(fd, "early");
	assert_true(net_addr_equal(&local, &i->local));
	peer_send_to(fd, local, STR("one"));
	peer_send_to(fd, local, STR("two"));
	rig_wait(r->received, 2);
	assert_true(str_eq(r->bytes, STR("onetwo")));
	assert_ptr_equal(net_manager_find(r->m, NET_UDP, &a), f);
	assert_ptr_equal(
		rig_flow_of(r, NET_UDP, a, "example.com", NULL), f); /* one socket a next hop */
	net_flow_unref(f);
	rig_close(r, f);
	rig_wait(r->closed, 1);
	assert_int_equal(r->cause, NET_CAUSE_LOCAL);
	assert_int_equal(rig_send(r, f, STR("late")), -FAIL_CONNECT);
	net_flow_unref(f);
	close(fd);
	rig_free(r);
}

static void test_connected(void **state)
{
	(void)state;
	connected(AF_INET);
	connected(AF_INET6);
}

static void nobody(int family, bool listening)
{
	struct rig *r = rig_new(NET_SERVER, (struct net_manager_config){ 0 });
	struct net_addr a = peer_nobody(family, SOCK_DGRAM);
	struct net_flow *f;
	uint64_t before = net_now_ms();
	int fd;

	if (listening)
		rig_listen(r, NET_UDP, family);
	f = rig_flow(r, NET_UDP, a);
	assert_int_equal(rig_send(r, f, STR("x")), 0);
	rig_wait(r->unreachable, 1);
	assert_true(net_now_ms() - before <= RIG_LATE);
	assert_ptr_equal(r->flow, f);
	assert_int_equal(r->why.code, -FAIL_CONNECT);
	assert_remote_text(r, a, "udp: connection refused");
	/* One for each datagram, also when the error of one is there before the next goes out */
	for (unsigned n = 2; n < 5; n++) {
		assert_int_equal(rig_send(r, f, STR("x")), 0);
		if (n == 3)
			assert_int_equal(rig_send(r, f, STR("x")), 0);
		rig_wait(r->unreachable, n);
	}
	assert_true(rig_idle(100) < 10); /* the queue of errors is empty */
	assert_int_equal(r->closed, 0);
	assert_true(net_flow_info(f)->open);
	/* Somebody comes, and the flow goes on. */
	fd = socket(family, SOCK_DGRAM, 0);
	assert_int_equal(bind(fd, &a.u.sa, net_addr_len(&a)), 0);
	assert_int_equal(rig_send(r, f, STR("hello")), 0);
	peer_send_to(fd, peer_from(fd, "hello"), STR("welcome"));
	rig_wait(r->received, 1);
	close(fd);
	net_flow_unref(f);
	rig_free(r);
}

static void test_nobody(void **state)
{
	(void)state;
	nobody(AF_INET, false);
	nobody(AF_INET6, false);
	nobody(AF_INET, true);
	nobody(AF_INET6, true);
}

/* What a process finds that slept: an answer, the ICMP error of a later datagram, and a timer. */
struct late {
	struct rig *rig;
	unsigned received, unreachable; /* when the timer came */
	unsigned answers; /* when the error came */
};

static void on_late_timer(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct late *l = w->data;

	(void)loop;
	(void)revents;
	l->received = l->rig->received;
	l->unreachable = l->rig->unreachable;
}

static void on_late_event(struct rig *r, const struct net_event *ev)
{
	struct late *l = r->hook_arg;

	if (ev->type == NET_UNREACHABLE)
		l->answers = r->received;
}

static void answered_and_gone(bool listening)
{
	struct rig *r = rig_new(NET_SERVER, (struct net_manager_config){ 0 });
	struct late late = { .rig = r };
	struct net_addr a, local;
	int fd = peer_bound(AF_INET, SOCK_DGRAM, &a);
	struct net_flow *f;
	ev_timer t;

	if (listening)
		rig_listen(r, NET_UDP, AF_INET);
	f = rig_flow(r, NET_UDP, a);
	rig_wait(r->opened, listening ? 0 : 1);
	ev_timer_init(&t, on_late_timer, 0.01, 0);
	t.data = &late;
	ev_now_update(net_loop());
	ev_timer_start(net_loop(), &t);
	assert_int_equal(rig_send(r, f, STR("hello")), 0);
	local = peer_from(fd, "hello");
	peer_send_to(fd, local, STR("welcome"));
	close(fd);
	assert_int_equal(rig_send(r, f, STR("again")), 0);
	poll(NULL, 0, 30);
	r->hook = on_late_event;
	r->hook_arg = &late;
	rig_wait(r->unreachable, 1);
	assert_int_equal(late.answers, 1);
	rig_wait(late.received, 1);
	assert_int_equal(late.unreachable, 1);
	net_flow_unref(f);
	rig_free(r);
}

static void test_answered_and_gone(void **state)
{
	(void)state;
	answered_and_gone(false);
	answered_and_gone(true);
}

static void large(bool listening)
{
	struct rig *r = rig_new(NET_SERVER, (struct net_manager_config){ 0 });
	struct net_addr a, local;
	int fd = peer_bound(AF_INET, SOCK_DGRAM, &a), size = 1 << 20;
	static char bytes[70000];
	char *pattern = rig_pattern(65508);
	struct net_flow *f;
	ssize_t n;

	if (listening)
		rig_listen(r, NET_UDP, AF_INET);
	f = rig_flow(r, NET_UDP, a);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	assert_int_equal(rig_send(r, f, (struct str){ pattern, 65507 }), 0);
	n = peer_recv(fd, bytes, sizeof(bytes));
	assert_int_equal(n, 65507);
	assert_true(rig_is_pattern((struct str){ bytes, 65507 }));
	assert_int_equal(rig_send(r, f, (struct str){ pattern, 65508 }), -EMSGSIZE);
	local = net_flow_info(f)->local;
	peer_send_to(fd, local, (struct str){ pattern, 65507 });
	rig_wait(r->received, 1);
	assert_int_equal(r->bytes.n, 65507);
	assert_true(rig_is_pattern(r->bytes));
	assert_int_equal(r->unreachable, 0);
	net_flow_unref(f);
	mem_free(pattern);
	close(fd);
	rig_free(r);
}

static void test_large(void **state)
{
	(void)state;
	large(false);
	large(true);
}

static void test_no_route(void **state)
{
	struct rig *r = rig_new(NET_SERVER, (struct net_manager_config){ 0 });
	struct net_addr a;
	struct net_flow *f;

	(void)state;
	assert_true(net_addr_parse(STR("255.255.255.255"), 9, &a)); /* not without SO_BROADCAST */
	f = rig_flow(r, NET_UDP, a);
	rig_wait(r->closed, 1);
	assert_int_equal(r->cause, NET_CAUSE_ERROR);
	assert_int_equal(r->opened, 0);
	net_flow_unref(f);
	rig_listen(r, NET_UDP, AF_INET);
	a = rig_loopback(AF_INET, 0); /* no such port */
	f = rig_flow(r, NET_UDP, a);
	assert_int_equal(rig_send(r, f, STR("x")), -EINVAL);
	net_flow_unref(f);
	rig_free(r);
}

/* ---- a listening socket ---- */

static void test_listening(void **state)
{
	struct rig *r = rig_new(NET_SERVER, (struct net_manager_config){ 0 });
	struct net_addr in = rig_listen(r, NET_UDP, AF_INET), a, b, from;
	int one = peer_bound(AF_INET, SOCK_DGRAM, &a), two = peer_bound(AF_INET, SOCK_DGRAM, &b);
	struct net_flow *f, *g;

	(void)state;
	/* A peer that calls, */
	peer_send_to(one, in, STR("ping"));
	rig_wait(r->received, 1);
	assert_int_equal(r->opened, 0);
	f = r->flow;
	assert_true(net_flow_info(f)->incoming && net_flow_info(f)->open);
	assert_true(net_addr_equal(&net_flow_info(f)->remote, &a) &&
		    net_addr_equal(&net_flow_info(f)->local, &in));
	assert_int_equal(rig_send(r, f, STR("pong")), 0);
	from = peer_from(one, "pong");
	assert_true(net_addr_equal(&from, &in));
	assert_ptr_equal(net_manager_find(r->m, NET_UDP, &a), f);
	assert_ptr_equal(rig_flow(r, NET_UDP, a), f); /* is the same when it is called, */
	net_flow_unref(f);
	/* one that is called, */
	g = rig_flow(r, NET_UDP, b);
	assert_ptr_not_equal(g, f);
	rig_wait(r->opened, 1);
	assert_int_equal(rig_send(r, g, STR("call")), 0);
	from = peer_from(two, "call");
	assert_true(net_addr_equal(&from, &in));
	/* and both told apart. */
	peer_send_to(two, in, STR("2"));
	rig_wait(r->received, 2);
	assert_ptr_equal(r->flow, g);
	peer_send_to(one, in, STR("1"));
	rig_wait(r->received, 3);
	assert_ptr_equal(r->flow, f);
	close(two);
	assert_int_equal(rig_send(r, f, STR("fine")), 0);
	assert_int_equal(rig_send(r, g, STR("gone")), 0);
	rig_wait(r->unreachable, 1);
	assert_ptr_equal(r->flow, g);
	assert_true(net_addr_equal(&r->remote, &b));
	assert_int_equal(net_manager_stats(r->m).flows, 2);
	assert_int_equal(net_manager_stats(r->m).incoming, 1);
	assert_int_equal(net_manager_stats(r->m).pools, 0);
	net_flow_unref(g);
	close(one);
	rig_free(r);
}

/* With a wildcard the flow tells the address that answers leave from. */
static void wildcard(int family)
{
	struct rig *r = rig_new(NET_SERVER, (struct net_manager_config){ 0 });
	struct net_addr any = net_addr_any(family, 0), bound, to, want;
	int fd;

	assert_int_equal(net_manager_listen(r->m, NET_UDP, &any, &bound, NULL), 0);
	to = want = rig_loopback(family, net_addr_port(&bound));
	fd = peer_connect(to, SOCK_DGRAM);
	peer_send(fd, STR("ping"));
	rig_wait(r->received, 1);
	assert_true(net_addr_equal(&net_flow_info(r->flow)->local, &want));
	close(fd);
	rig_free(r);
}

static void test_wildcard(void **state)
{
	(void)state;
	wildcard(AF_INET);
	wildcard(AF_INET6);
}

/* Loopback listeners do not take what goes elsewhere, and families do not mix. */
static void test_which_socket(void **state)
{
	struct rig *r = rig_new(NET_SERVER, (struct net_manager_config){ 0 });
	struct net_addr in = rig_listen(r, NET_UDP, AF_INET), six;
	int fd = peer_bound(AF_INET6, SOCK_DGRAM, &six);
	struct net_flow *f = rig_flow(r, NET_UDP, six), *g;
	struct net_addr out;

	(void)state;
	rig_wait(r->opened, 1);
	assert_int_equal(rig_send(r, f, STR("x")), 0);
	peer_from(fd, "x");
	assert_true(net_addr_parse(STR("192.0.2.1"), 9, &out));
	g = rig_flow(r, NET_UDP, out);
	assert_int_not_equal(net_addr_port(&net_flow_info(g)->local), net_addr_port(&in));
	net_flow_unref(f);
	net_flow_unref(g);
	close(fd);
	rig_free(r);
}

static void test_eviction(void **state)
{
	enum { PEERS = 6, MOST = 4 };
	struct rig *r = rig_new(NET_SERVER, (struct net_manager_config){ .max_flows = MOST });
	struct net_addr in = rig_listen(r, NET_UDP, AF_INET);
	struct net_flow *held[MOST];
	unsigned n = 1;
	int fd[PEERS];

	(void)state;
	for (unsigned i = 0; i < PEERS; i++)
		fd[i] = peer_connect(in, SOCK_DGRAM);
	for (unsigned i = 0; i < MOST; i++) {
		peer_send(fd[i], STR("x"));
		rig_wait(r->received, i + 1);
		held[i] = r->flow;
	}
	net_flow_ref(held[0]);
	peer_send(fd[1], STR("y")); /* used last */
	rig_wait(r->received, MOST + 1);
	peer_send(fd[4], STR("x"));
	rig_wait(r->received, MOST + 2);
	rig_wait(r->closed, 1);
	assert_int_equal(r->cause, NET_CAUSE_IDLE);
	assert_int_equal(r->ends[net_flow_info(held[0])->id + 2], 1); /* the third peer */
	assert_int_equal(net_manager_stats(r->m).flows, MOST);

	/* Those in use stay; who finds no room is not heard. */
	for (struct net_flow *f = NULL; (f = net_manager_next(r->m, f)) != NULL;)
		if (f != held[0])
			held[n++] = net_flow_ref(f);
	assert_int_equal(n, MOST);
	peer_send(fd[5], STR("x"));
	rig_idle(20);
	assert_int_equal(r->received, MOST + 2);
	assert_int_equal(net_manager_stats(r->m).refused, 1);
	for (unsigned i = 0; i < MOST; i++)
		net_flow_unref(held[i]);
	peer_send(fd[5], STR("x"));
	rig_wait(r->received, MOST + 3);
	for (unsigned i = 0; i < PEERS; i++)
		close(fd[i]);
	rig_free(r);
}

static void test_unlisten(void **state)
{
	struct rig *r = rig_new(NET_SERVER, (struct net_manager_config){ .linger_ms = 20 });
	struct net_addr in = rig_listen(r, NET_UDP, AF_INET), got;
	int known = peer_connect(in, SOCK_DGRAM), unknown = peer_connect(in, SOCK_DGRAM), fd;
	struct net_flow *f;

	(void)state;
	peer_send(known, STR("one"));
	rig_wait(r->received, 1);
	f = net_flow_ref(r->flow);
	assert_int_equal(net_manager_unlisten(r->m), 0);
	peer_send(unknown, STR("x"));
	peer_send(known, STR("two")); /* CM-09 */
	rig_wait(r->received, 2);
	assert_int_equal(rig_send(r, f, STR("three")), 0);
	peer_from(known, "three");
	assert_int_equal(r->received, 2);
	/* Again, on the port that the flow has kept */
	assert_int_equal(net_manager_listen(r->m, NET_UDP, &in, &got, NULL), 0);
	assert_true(net_addr_equal(&got, &in));
	peer_send(unknown, STR("y"));
	rig_wait(r->received, 3);
	assert_int_equal(net_manager_unlisten(r->m), 0);
	net_flow_close(f);
	net_flow_close(r->flow);
	net_flow_unref(f);
	rig_wait(r->closed, 2);
	fd = socket(AF_INET, SOCK_DGRAM, 0); /* the last flow took the socket with it */
	assert_int_equal(bind(fd, &in.u.sa, net_addr_len(&in)), 0);
	close(fd);
	close(known);
	close(unknown);
	rig_free(r);
}

static void test_idle(void **state)
{
	struct rig *r = rig_new(
		NET_SERVER, (struct net_manager_config){ .idle_in_ms = 300, .linger_ms = 50 });
	struct net_addr in = rig_listen(r, NET_UDP, AF_INET), a;
	int fd = peer_connect(in, SOCK_DGRAM), other = peer_bound(AF_INET, SOCK_DGRAM, &a);

	(void)state;
	peer_send(fd, STR("x"));
	rig_wait(r->received, 1);
	rig_idle(200);
	peer_send(fd, STR("x"));
	rig_idle(200);
	assert_int_equal(r->closed, 0);
	rig_wait(r->closed, 1);
	assert_int_equal(r->cause, NET_CAUSE_IDLE);
	net_flow_unref(rig_flow(r, NET_UDP, a));
	rig_wait(r->closed, 2);
	assert_int_equal(r->cause, NET_CAUSE_LINGER);
	close(fd);
	close(other);
	rig_free(r);
}

/* A06 */
static void test_empty(void **state)
{
	struct rig *r = rig_new(NET_SERVER, (struct net_manager_config){ 0 });
	struct net_addr in = rig_listen(r, NET_UDP, AF_INET);
	int fd = peer_connect(in, SOCK_DGRAM);

	(void)state;
	for (int i = 0; i < 100; i++)
		assert_int_equal(send(fd, "", 0, 0), 0);
	assert_true(rig_idle(50) < 30);
	assert_int_equal(r->all, 0);
	assert_int_equal(net_manager_stats(r->m).flows, 0);
	peer_send(fd, STR("x"));
	assert_int_equal(send(fd, "", 0, 0), 0);
	rig_wait(r->received, 1);
	rig_idle(20);
	assert_int_equal(r->all, 1);
	close(fd);
	rig_free(r);
}

/* ---- R3 ---- */

static void end_all(struct rig *r, const struct net_event *ev)
{
	if ((unsigned)ev->type != *(unsigned *)r->hook_arg)
		return;
	net_manager_free(r->m);
	r->m = NULL;
	r->quiet = true;
}

static void free_in(unsigned type, bool listening)
{
	struct rig *r = rig_new(NET_SERVER, (struct net_manager_config){ 0 });
	struct net_addr a, gone = peer_nobody(AF_INET, SOCK_DGRAM), in = { 0 };
	int fd = peer_bound(AF_INET, SOCK_DGRAM, &a);
	struct net_flow *f, *g;

	if (listening)
		in = rig_listen(r, NET_UDP, AF_INET);
	f = rig_flow(r, NET_UDP, a);
	g = rig_flow(r, NET_UDP, gone);
	if (!listening)
		in = net_flow_info(f)->local;
	for (int i = 0; i < 100; i++)
		peer_send_to(fd, in, STR("more"));
	for (int i = 0; i < 10; i++)
		assert_int_equal(rig_send(r, g, STR("nobody")), 0);
	r->hook = end_all;
	r->hook_arg = &type;
	if (type == NET_CLOSED)
		net_flow_close(g);
	rig_wait(*rig_counter(r, type), 1);
	rig_idle(5);
	net_flow_unref(f);
	net_flow_unref(g);
	close(fd);
	rig_free(r);
}

static void test_free_in_handler(void **state)
{
	static const unsigned types[] = { NET_OPENED, NET_RECEIVED, NET_UNREACHABLE, NET_CLOSED };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		free_in(types[i], false);
		free_in(types[i], true);
	}
}

static void close_others(struct rig *r, const struct net_event *ev)
{
	struct net_flow *f = NULL;

	if (ev->type == NET_RECEIVED && r->received == 1)
		while ((f = net_manager_next(r->m, f)) != NULL)
			net_flow_close(f);
}

/* All flows of a socket end while it has more to read; the peers begin anew. */
static void test_close_in_handler(void **state)
{
	struct rig *r = rig_new(NET_SERVER, (struct net_manager_config){ 0 });
	struct net_addr in = rig_listen(r, NET_UDP, AF_INET);
	int fd[3];

	(void)state;
	r->hook = close_others;
	for (int i = 0; i < 3; i++)
		fd[i] = peer_connect(in, SOCK_DGRAM);
	for (int i = 0; i < 9; i++)
		peer_send(fd[i % 3], STR("x"));
	rig_wait(r->received, 9);
	rig_wait(r->closed, 1);
	assert_int_equal(net_manager_stats(r->m).flows, 3);
	assert_int_equal(net_manager_stats(r->m).closed, 1);
	for (int i = 0; i < 3; i++)
		close(fd[i]);
	rig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_connected),
		cmocka_unit_test(test_nobody),
		cmocka_unit_test(test_answered_and_gone),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_no_route),
		cmocka_unit_test(test_listening),
		cmocka_unit_test(test_wildcard),
		cmocka_unit_test(test_which_socket),
		cmocka_unit_test(test_eviction),
		cmocka_unit_test(test_unlisten),
		cmocka_unit_test(test_idle),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_free_in_handler),
		cmocka_unit_test(test_close_in_handler),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
