/* tests/unit/test_net.c -- lib/net: addresses, the loop, and TCP flows, pools, listeners and
 * managers on loopback */
#include "net/addr.h"
#include "net/flow.h"
#include "net/loop.h"
#include "net/manager.h"

#include "base/mem.h"

#include <net/if.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "net_rig.h"

/* ---- addresses ---- */

static void test_addr_text(void **state)
{
	static const struct {
		const char *in, *host, *text;
	} rows[] = {
		{ "192.0.2.1", "192.0.2.1", "192.0.2.1:5060" },
		{ "2001:DB8::1", "2001:db8::1", "[2001:db8::1]:5060" },
		{ "[2001:db8::1]", "2001:db8::1", "[2001:db8::1]:5060" },
		{ "::", "::", "[::]:5060" },
		{ "::ffff:192.0.2.1", "192.0.2.1", "192.0.2.1:5060" },
		{ "fe80::1%1", "fe80::1%lo", "[fe80::1%lo]:5060" },
		{ "fe80::1%lo", "fe80::1%lo", "[fe80::1%lo]:5060" },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
			"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
			"[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:5060" },
	};
	static const char *const bad[] = { "", "[", "[]", "1.2.3", "1.2.3.4.5", "256.1.1.1",
		"[1.2.3.4]", "::1]", "[::1", "fe80::1%", "fe80::1%nosuchinterface0", "fe80::1%0",
		"example.com", " 1.2.3.4", "1.2.3.4 ", "::1%%lo", "01.2.3.4",
		"0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000" };
	struct net_addr a, untouched = { .u.in4 = { .sin_family = 77 } };
	char out[NET_ADDR_TEXT];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_true(net_addr_parse(str_of(rows[i].in), 5060, &a));
		assert_string_equal(net_addr_host(&a, out), rows[i].host);
		assert_string_equal(net_addr_text(&a, out), rows[i].text);
		assert_int_equal(net_addr_port(&a), 5060);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (net_addr_parse(str_of(bad[i]), 1, &untouched))
			fail_msg("<%s> was taken", bad[i]);
		assert_int_equal(untouched.u.sa.sa_family, 77);
	}
	assert_false(net_addr_parse((struct str){ "1.2.3.4\0x", 9 }, 1, &a));
	a = (struct net_addr){ 0 };
	assert_string_equal(net_addr_text(&a, out), "");
	assert_int_equal(net_addr_len(&a), 0);
}

static struct net_addr addr(const char *host, uint16_t port)
{
	struct net_addr a = { 0 };

	assert_true(net_addr_parse(str_of(host), port, &a));
	return a;
}

static void test_addr_compare(void **state)
{
	struct net_addr list[] = { addr("192.0.2.1", 1), addr("192.0.2.1", 2), addr("192.0.2.2", 1),
		addr("2001:db8::1", 1), addr("2001:db8::1", 2), addr("2001:db8::2", 1),
		addr("fe80::1%1", 1), addr("fe80::1%2", 1) };
	char k1[NET_ADDR_KEY], k2[NET_ADDR_KEY];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(list); i++)
		for (size_t j = 0; j < ARRAY_LEN(list); j++) {
			assert_int_equal(net_addr_equal(&list[i], &list[j]), i == j);
			assert_int_equal(
				str_eq(net_addr_key(&list[i], k1), net_addr_key(&list[j], k2)),
				i == j);
		}
	assert_true(net_addr_equal_host(&list[0], &list[1]));
	assert_false(net_addr_equal_host(&list[0], &list[3]));
	list[0] = addr("127.8.8.8", 0), list[1] = addr("::1", 0),
	list[2] = addr("::ffff:127.0.0.1", 0);
	for (int i = 0; i < 3; i++)
		assert_true(net_addr_is_loopback(&list[i]) && !net_addr_is_any(&list[i]));
	list[0] = net_addr_any(AF_INET, 7), list[1] = net_addr_any(AF_INET6, 7);
	for (int i = 0; i < 2; i++)
		assert_true(net_addr_is_any(&list[i]) && !net_addr_is_loopback(&list[i]) &&
			    net_addr_port(&list[i]) == 7);
}

static void test_addr_local_for(void **state)
{
	struct net_addr local, peer = addr("127.0.0.1", 9);

	(void)state;
	assert_int_equal(net_addr_local_for(&peer, &local), 0);
	assert_true(net_addr_equal_host(&local, &peer));
	assert_int_equal(net_addr_port(&local), 0);
	peer = addr("::1", 9);
	assert_int_equal(net_addr_local_for(&peer, &local), 0);
	assert_true(net_addr_equal_host(&local, &peer));
}

/* ---- the loop ---- */

static void count(struct ev_loop *loop, ev_timer *w, int revents)
{
	(void)loop;
	(void)revents;
	++*(unsigned *)w->data;
}

static void test_loop(void **state)
{
	struct ev_loop *loop = net_loop();
	unsigned n = 0;
	ev_timer w;

	(void)state;
	assert_ptr_equal(loop, net_loop());
	assert_true(net_seconds_until(0) > 0 && net_seconds_until(net_now_ms()) > 0);
	assert_true(net_seconds_until(NET_NEVER) > 364 * 86400.0);
	/* never early, though net_now_ms cuts off; at most a millisecond late */
	assert_true(net_seconds_until(net_now_ms() + 1000) > 0.9);
	assert_true(net_seconds_until(net_now_ms() + 1000) <= 1.001);
	ev_init(&w, count);
	w.data = &n;
	net_later(loop, &w);
	net_later(loop, &w);
	assert_int_equal(n, 0);
	ev_run(loop, EVRUN_NOWAIT);
	assert_int_equal(n, 1);
	net_later(loop, &w);
	ev_timer_stop(loop, &w);
	ev_run(loop, EVRUN_NOWAIT);
	assert_int_equal(n, 1);
	net_timer_set(loop, &w, net_now_ms() + 10);
	net_timer_set(loop, &w, NET_NEVER);
	rig_idle(20);
	assert_int_equal(n, 1);
	net_timer_set(loop, &w, net_now_ms() + 5);
	assert_true(rig_run(&n, 2, 1000));
	ev_timer_stop(loop, &w);
}

static void test_names(void **state)
{
	enum net_transport t;

	(void)state;
	assert_true(net_transport_parse(STR("UDP"), &t) && t == NET_UDP);
	assert_true(net_transport_parse(STR("Tcp"), &t) && t == NET_TCP);
	assert_true(net_transport_parse(STR("tls"), &t) && t == NET_TLS);
	assert_false(net_transport_parse(STR("sctp"), &t));
	assert_string_equal(net_transport_name(NET_TLS), "tls");
	assert_string_equal(net_cause_name(NET_CAUSE_FIRST_MESSAGE), "first-message");
	assert_string_equal(net_cause_name(NET_CAUSE_LOCAL), "local");
	assert_true(net_transport_reliable(NET_TLS) && !net_transport_reliable(NET_UDP));
}

/* ---- TCP ---- */

static void exchange(int family)
{
	struct rig *a = rig_new(NET_SERVER, (struct net_manager_config){ 0 });
	struct rig *b = rig_new(NET_CLIENT, (struct net_manager_config){ 0 });
	struct net_addr bound = rig_listen(a, NET_TCP, family);
	struct net_flow *f = rig_flow_of(b, NET_TCP, bound, "sip.example.com", NULL);
	const struct net_flow_info *i = net_flow_info(f), *j;

	assert_int_equal(rig_send(b, f, STR("early ")), 0);
	rig_wait(b->opened, 1);
	assert_int_equal(rig_send(b, f, STR("hello")), 0);
	assert_true(i->open && !i->closed && !i->incoming && i->refs == 1 && i->id == 1 &&
		    i->connect_ms > 0);
	assert_true(net_addr_equal(&i->remote, &bound) && str_eq(i->host, STR("sip.example.com")));
	rig_wait(a->opened, 1);
	while (a->bytes.n < 11)
		rig_wait(a->received, a->received + 1);
	assert_true(str_eq(a->bytes, STR("early hello")));
	j = net_flow_info(a->opened_flow);
	assert_true(j->incoming && j->open && j->refs == 0 && j->host.n == 0);
	assert_true(net_addr_equal(&j->local, &i->remote) && net_addr_equal(&j->remote, &i->local));
	assert_ptr_equal(net_manager_find(a->m, NET_TCP, &i->local), a->opened_flow);
	assert_null(net_manager_find(a->m, NET_UDP, &i->local));
	assert_ptr_equal(net_manager_flow_by_id(a->m, j->id), a->opened_flow);
	net_flow_set_user(a->opened_flow, a);
	assert_ptr_equal(net_flow_user(a->opened_flow), a);
	assert_int_equal(rig_send(a, a->opened_flow, STR("welcome")), 0);
	rig_wait(b->received, 1);
	assert_true(str_eq(b->bytes, STR("welcome")));

	rig_close(a, a->opened_flow);
	assert_null(net_manager_find(a->m, NET_TCP, &i->local));
	rig_wait(b->closed, 1);
	rig_wait(a->closed, 1);
	assert_int_equal(a->cause, NET_CAUSE_LOCAL);
	assert_int_equal(b->cause, NET_CAUSE_PEER);
	assert_remote_text(b, bound, "tcp: closed by the peer");
	assert_true(i->closed && !i->open);
	assert_int_equal(rig_send(b, f, STR("late")), -FAIL_CONNECT);
	assert_null(net_manager_flow_by_id(b->m, i->id));
	assert_int_equal(net_manager_stats(a->m).accepted, 1);
	assert_int_equal(net_manager_stats(a->m).flows, 0);
	assert_int_equal(net_manager_stats(b->m).opened, 1);
	net_flow_unref(f);
	rig_free(a);
	rig_free(b);
}

static void test_exchange(void **state)
{
	(void)state;
	exchange(AF_INET);
	exchange(AF_INET6);
}

static void refused(int family)
{
	struct rig *r = rig_new(NET_SERVER, (struct net_manager_config){ 0 });
	struct net_addr nobody = peer_nobody(family, SOCK_STREAM);
	struct net_flow *f = rig_flow(r, NET_TCP, nobody);
	uint64_t before = net_now_ms();

	assert_int_equal(rig_send(r, f, STR("x")), 0);
	rig_wait(r->closed, 1);
	assert_true(net_now_ms() - before <= RIG_LATE);
	assert_int_equal(r->all, 1);
	assert_int_equal(r->cause, NET_CAUSE_ERROR);
	assert_int_equal(r->why.code, -FAIL_CONNECT);
	assert_remote_text(r, nobody, "tcp: connection refused");
	assert_int_equal(net_manager_stats(r->m).pools, 0);
	net_flow_unref(f);
	rig_free(r);
}

static void test_refused(void **state)
{
	(void)state;
	refused(AF_INET);
	refused(AF_INET6);
}

/* The port chosen for us can be the very port where nobody listens. */
static void test_meets_itself(void **state)
{
	for (enum net_transport t = NET_UDP; t <= NET_TCP; t++) {
		struct net_addr a = peer_nobody(AF_INET, t == NET_TCP ? SOCK_STREAM : SOCK_DGRAM);
		struct rig *r = rig_new(NET_SERVER, (struct net_manager_config){ .local = a });
		struct net_flow *f = rig_flow(r, t, a);

		rig_wait(r->closed, 1);
		assert_int_equal(r->all, 1);
		assert_non_null(strstr(r->why.text, "connection refused"));
		net_flow_unref(f);
		rig_free(r);
	}
	(void)state;
}

/* A listener whose queue is full lets further SYNs go unanswered. */
static void test_connect_time(void **state)
{
	struct rig *r = rig_new(NET_SERVER, (struct net_manager_config){ .connect_ms = 300 });
	struct net_addr a;
	int fd = peer_bound(AF_INET, SOCK_STREAM, &a), fill[4];
	struct net_flow *f;
	uint64_t before;

	(void)state;
	assert_int_equal(listen(fd, 0), 0);
	for (int i = 0; i < 4; i++) {
		fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		connect(fill[i], &a.u.sa, net_addr_len(&a));
	}
	before = net_now_ms();
	f = rig_flow(r, NET_TCP, a);
	rig_wait(r->closed, 1);
	assert_in_range(net_now_ms() - before, 300, 300 + RIG_LATE);
	assert_int_equal(r->why.code, -FAIL_TIMEOUT);
	assert_remote_text(r, a, "tcp: no connection within 0.3 s");
	net_flow_unref(f);
	for (int i = 0; i < 4; i++)
		close(fill[i]);
	close(fd);
	rig_free(r);
}

static void test_unreachable_at_once(void **state)
{
	struct rig *r = rig_new(NET_CLIENT, (struct net_manager_config){ 0 });
	/* RFC 1112: class E, which Linux never routes. */
	struct net_flow *f = rig_flow(r, NET_TCP, addr("255.255.255.255", 9));

	(void)state;
	rig_wait(r->closed, 1);
	assert_int_equal(r->cause, NET_CAUSE_ERROR);
	net_flow_unref(f);
	rig_free(r);
}

static void test_local_address(void **state)
{
	struct rig *r =
		rig_new(NET_SERVER, (struct net_manager_config){ .local = addr("127.0.0.3", 0) });
	struct net_addr a, port = peer_nobody(AF_INET, SOCK_STREAM);
	int fd = peer_bound(AF_INET, SOCK_STREAM, &a);
	struct net_target t = { .transport = NET_TCP, .addr = addr("::1", 9) };
	struct net_flow *f = rig_flow(r, NET_TCP, a), *g;
	char text[NET_ADDR_TEXT];
	struct fail why;

	(void)state;
	rig_wait(r->opened, 1);
	assert_string_equal(net_addr_host(&net_flow_info(f)->local, text), "127.0.0.3");
	assert_int_equal(net_manager_flow(r->m, &t, &g, &why), -FAIL_LOCAL);
	assert_starts(why.text, "[::1]:9 cannot be reached from 127.0.0.3");
	net_flow_unref(f);
	rig_free(r);
	close(peer_accept(fd));

	/* With a port there is one connection to a peer, and another one soon after. */
	for (int i = 0; i < 2; i++) {
		r = rig_new(NET_SERVER, (struct net_manager_config){ .local = port });
		f = rig_flow(r, NET_TCP, a);
		assert_ptr_equal(f, rig_flow(r, NET_TCP, a));
		rig_wait(r->opened, 1);
		assert_int_equal(net_addr_port(&net_flow_info(f)->local), net_addr_port(&port));
		peer_reset(peer_accept(
			fd)); /* an orderly end would keep the pair of ports for a while */
		rig_wait(r->closed, 1);
		net_flow_unref(f);
		net_flow_unref(f);
		rig_free(r);
	}
	r = rig_new(NET_SERVER, (struct net_manager_config){ .local = addr("192.0.2.77", 0) });
	t.addr = a;
	assert_int_equal(net_manager_flow(r->m, &t, &g, &why), -FAIL_LOCAL);
	assert_string_equal(why.text, "192.0.2.77:0: address not available");
	rig_free(r);
	r = rig_new(NET_SERVER, (struct net_manager_config){ .interface = "nosuch0" });
	assert_int_equal(net_manager_flow(r->m, &t, &g, &why), -FAIL_LOCAL);
	assert_starts(why.text, "nosuch0: ");
	assert_int_equal(net_manager_stats(r->m).flows, 0);
	assert_int_equal(net_manager_stats(r->m).pools, 0);
	rig_free(r);
	close(fd);
}

/* ---- pools ---- */

static void test_pool_growth(void **state)
{
	struct rig *r = rig_new(NET_SERVER, (struct net_manager_config){ 0 });
	struct net_flow *f[12], *g;
	struct net_addr a;
	int fd = peer_bound(AF_INET, SOCK_STREAM, &a);

	(void)state;
	for (int i = 0; i < 12; i++)
		f[i] = rig_flow_of(
			r, NET_TCP, a, i % 2 ? "sip.example.com" : "SIP.Example.COM", NULL);
	/* Five connections, then they take turns. */
	for (int i = 0; i < 5; i++)
		for (int j = 0; j < i; j++)
			assert_ptr_not_equal(f[i], f[j]);
	for (int i = 5; i < 12; i++)
		assert_ptr_equal(f[i], f[i - 5]);
	rig_wait(r->opened, 5);
	assert_int_equal(net_manager_stats(r->m).flows, 5);
	assert_int_equal(net_manager_stats(r->m).pools, 1);
	assert_non_null(net_manager_find(r->m, NET_TCP, &a));

	/* One that is free comes before the turns. */
	assert_int_equal(net_flow_info(f[3])->refs, 2);
	net_flow_unref(f[3]);
	net_flow_unref(f[3]);
	assert_ptr_equal(rig_flow_of(r, NET_TCP, a, "sip.example.com", NULL), f[3]);

	/* A lost one is replaced. */
	rig_close(r, f[2]);
	rig_wait(r->closed, 1);
	g = rig_flow_of(r, NET_TCP, a, "sip.example.com", NULL);
	assert_ptr_not_equal(g, f[2]);
	assert_int_equal(net_flow_info(g)->refs, 1);
	rig_wait(r->opened, 6);
	assert_int_equal(net_manager_stats(r->m).flows, 5);
	assert_non_null(net_manager_find(r->m, NET_TCP, &a));
	rig_end(r);
	for (int i = 0; i < 12; i++)
		if (i != 8) /* given back above */
			net_flow_unref(f[i]);
	net_flow_unref(g);
	rig_free(r);
	close(fd);
}

static void test_pool_keys(void **state)
{
	struct rig *r = rig_new(NET_SERVER, (struct net_manager_config){ .pool_size = 1 });
	struct net_addr a, b, other;
	int fd = peer_bound(AF_INET, SOCK_STREAM, &a), fd2 = peer_bound(AF_INET, SOCK_STREAM, &b);
	struct net_flow *f[5];

	(void)state;
	other = addr("127.0.0.2", net_addr_port(&a));
	f[0] = rig_flow_of(r, NET_TCP, a, "one.example.com", NULL);
	f[1] = rig_flow_of(r, NET_TCP, a, "two.example.com", NULL); /* CP-01 */
	f[2] = rig_flow_of(r, NET_TCP, a, "", NULL);
	f[3] = rig_flow_of(r, NET_TCP, b, "one.example.com", NULL);
	f[4] = rig_flow_of(r, NET_TCP, other, "one.example.com",
		NULL); /* failover to the name's other address */
	assert_int_equal(net_manager_stats(r->m).pools, 4);
	for (int i = 0; i < 5; i++)
		for (int j = 0; j < i; j++)
			assert_ptr_not_equal(f[i], f[j]);
	assert_ptr_equal(
		rig_flow_of(r, NET_TCP, a, "one.example.com", &r), f[0]); /* owners share here */
	net_flow_unref(f[0]);
	rig_end(r);
	for (int i = 0; i < 5; i++)
		net_flow_unref(f[i]);
	rig_free(r);
	close(fd);
	close(fd2);
}

static void test_client_kind(void **state)
{
	struct rig *r = rig_new(NET_CLIENT, (struct net_manager_config){ .idle_out_ms = 20 });
	struct net_addr a;
	int fd = peer_bound(AF_INET, SOCK_STREAM, &a), one, two;
	struct net_flow *f = rig_flow_of(r, NET_TCP, a, "h", &one),
			*g = rig_flow_of(r, NET_TCP, a, "h", &two);
	struct net_addr bound;
	struct fail why;

	(void)state;
	assert_int_equal(net_manager_kind(r->m), NET_CLIENT);
	assert_ptr_not_equal(f, g);
	assert_ptr_equal(f, rig_flow_of(r, NET_TCP, a, "h", &one));
	assert_ptr_equal(g, rig_flow_of(r, NET_TCP, a, "h", &two));
	net_flow_unref(f);
	net_flow_unref(f);
	assert_ptr_equal(
		g, rig_flow_of(r, NET_TCP, a, "h", &two)); /* not the free one of another owner */
	rig_wait(r->opened, 2);
	assert_int_equal(net_flow_set_idle(g, 10), -FAIL_STATE);
	rig_idle(60);
	assert_int_equal(r->closed, 0);
	assert_int_equal(net_manager_listen(r->m, NET_TCP, &a, &bound, &why), -FAIL_STATE);
	for (int i = 0; i < 3; i++)
		net_flow_unref(g);
	rig_free(r);
	close(fd);
}

static void linger(enum net_manager_kind kind)
{
	struct rig *r = rig_new(kind, (struct net_manager_config){ .linger_ms = 300 });
	struct net_addr a;
	int fd = peer_bound(AF_INET, SOCK_STREAM, &a);
	struct net_flow *f = rig_flow(r, NET_TCP, a);
	uint64_t before;

	rig_wait(r->opened, 1);
	rig_idle(400);
	assert_int_equal(r->closed, 0); /* in use */
	net_flow_unref(f);
	rig_idle(200);
	assert_ptr_equal(rig_flow(r, NET_TCP, a), f);
	rig_idle(200);
	assert_int_equal(r->closed, 0);
	before = net_now_ms();
	net_flow_unref(f);
	rig_wait(r->closed, 1);
	assert_in_range(net_now_ms() - before, 299, 300 + RIG_LATE);
	assert_int_equal(r->cause, NET_CAUSE_LINGER);
	assert_int_equal(r->opened, 1);
	assert_int_equal(net_manager_stats(r->m).pools, 0);
	rig_free(r);
	close(fd);
}

static void take_and_drop(struct rig *r, const struct net_event *ev)
{
	(void)r;
	if (ev->type == NET_RECEIVED)
		net_flow_unref(net_flow_ref(ev->flow));
}

/* A peer that keeps talking does not keep an unused flow. */
static void test_linger_talk(void **state)
{
	struct rig *r = rig_new(NET_SERVER, (struct net_manager_config){ .linger_ms = 300 });
	struct net_addr a;
	int fd = peer_bound(AF_INET, SOCK_STREAM, &a), peer;
	struct net_flow *f = rig_flow(r, NET_TCP, a);
	uint64_t before;

	(void)state;
	r->hook = take_and_drop;
	rig_wait(r->opened, 1);
	peer = peer_accept(fd);
	before = net_now_ms();
	net_flow_unref(f);
	while (!r->closed && net_now_ms() - before < 2000) {
		send(peer, "\r\n", 2, MSG_NOSIGNAL);
		rig_run(&r->closed, 1, 20);
	}
	assert_in_range(net_now_ms() - before, 299, 300 + RIG_LATE);
	assert_int_equal(r->cause, NET_CAUSE_LINGER);
	close(peer);
	close(fd);
	rig_free(r);
}

static void test_linger(void **state)
{
	(void)state;
	linger(NET_SERVER);
	linger(NET_CLIENT);
}

/* ---- deadlines ---- */

static void test_idle(void **state)
{
	struct rig *r = rig_new(NET_SERVER,
		(struct net_manager_config){ .idle_out_ms = 300, .idle_in_ms = NET_NEVER });
	struct net_addr a;
	int fd = peer_bound(AF_INET, SOCK_STREAM, &a), peer;
	struct net_flow *f = rig_flow(r, NET_TCP, a), *g;
	uint64_t before = net_now_ms();

	(void)state;
	rig_wait(r->opened, 1);
	peer = peer_accept(fd);
	/* Traffic in either direction counts. */
	for (int i = 0; i < 6; i++) {
		if (i % 2)
			peer_send(peer, STR("\r\n"));
		else
			assert_int_equal(rig_send(r, f, STR("\r\n")), 0);
		rig_idle(100);
	}
	assert_int_equal(r->closed, 0);
	rig_wait(r->closed, 1);
	assert_in_range(net_now_ms() - before, 800, 900 + RIG_LATE);
	assert_int_equal(r->cause, NET_CAUSE_IDLE);
	net_flow_unref(f);
	close(peer);

	/* The manager's setter is for later flows, the flow's for this one. */
	f = rig_flow(r, NET_TCP, a);
	net_manager_set_idle(r->m, 0, NET_NEVER);
	g = rig_flow(r, NET_TCP, a);
	assert_int_equal(net_flow_set_idle(f, NET_NEVER), 0);
	rig_idle(400);
	assert_int_equal(r->closed, 1);
	assert_int_equal(net_flow_set_idle(g, 30), 0);
	rig_wait(r->closed, 2);
	assert_ptr_equal(r->flow, g);
	net_flow_unref(g);
	net_manager_set_idle(r->m, 0, 50);
	assert_int_equal(net_flow_set_idle(f, 0), 0); /* as its manager has it now */
	rig_wait(r->closed, 3);
	assert_int_equal(net_flow_set_idle(f, 10), 0);
	net_flow_unref(f);
	close(fd);
	rig_free(r);
}

static void test_idle_of_peers(void **state)
{
	struct rig *r = rig_new(NET_SERVER, (struct net_manager_config){ 0 });
	struct net_addr a, in = rig_listen(r, NET_TCP, AF_INET);
	int fd = peer_bound(AF_INET, SOCK_STREAM, &a), peer;
	struct net_flow *f[4];

	(void)state;
	net_manager_set_peer_idle(r->m, STR("slow.example.com"), 0, NET_NEVER);
	net_manager_set_peer_idle(r->m, STR("quick.example.com"), net_addr_port(&a), 1000);
	net_manager_set_peer_idle(r->m, STR("Quick.Example.com"), net_addr_port(&a), 50);
	net_manager_set_peer_idle(r->m, STR("port.example.com"), 1, 50);
	f[0] = rig_flow_of(r, NET_TCP, a, "slow.example.com", NULL);
	f[1] = rig_flow_of(r, NET_TCP, a, "quick.example.com", NULL);
	f[2] = rig_flow_of(r, NET_TCP, a, "port.example.com", NULL);
	rig_wait(r->closed, 1);
	assert_ptr_equal(r->flow, f[1]);
	rig_idle(100);
	assert_int_equal(r->closed, 1);
	/* By address, whatever name it was found under; the other side may come from any port. */
	net_manager_set_peer_idle(r->m, STR("127.0.0.1"), net_addr_port(&a), 60);
	f[3] = rig_flow_of(r, NET_TCP, a, "any.example.com", NULL);
	peer = peer_connect(in, SOCK_STREAM);
	rig_wait(r->closed, 3);
	assert_int_equal(r->cause, NET_CAUSE_IDLE);
	assert_int_equal(net_manager_stats(r->m).incoming, 0);
	assert_true(net_flow_info(f[3])->closed);
	rig_end(r);
	for (int i = 0; i < 4; i++)
		net_flow_unref(f[i]);
	close(fd);
	close(peer);
	rig_free(r);
}

static void test_first_message(void **state)
{
	struct rig *r = rig_new(NET_SERVER, (struct net_manager_config){ .first_message_ms = 300 });
	struct net_addr in = rig_listen(r, NET_TCP, AF_INET);
	int mute = peer_connect(in, SOCK_STREAM), talker, good;
	uint64_t before = net_now_ms();
	char c;

	(void)state;
	rig_wait(r->opened, 1);
	talker = peer_connect(in, SOCK_STREAM);
	rig_wait(r->opened, 2);
	good = peer_connect(in, SOCK_STREAM);
	rig_wait(r->opened, 3);
	net_flow_valid(r->opened_flow);
	/* Bytes are no message. */
	while (r->closed < 2 && net_now_ms() - before < 2000) {
		send(talker, "x", 1, MSG_NOSIGNAL);
		rig_run(&r->closed, 2, 20);
	}
	assert_in_range(net_now_ms() - before, 299, 400 + RIG_LATE);
	assert_int_equal(r->cause, NET_CAUSE_FIRST_MESSAGE);
	assert_int_equal(peer_recv(mute, &c, 1), 0);
	rig_idle(400);
	assert_int_equal(r->closed, 2);
	close(mute);
	close(talker);
	close(good);
	rig_free(r);
}

/* ---- the queue, the end of streams ---- */

static void read_pattern(int fd, size_t want)
{
	static char bytes[65536];
	size_t got = 0;
	ssize_t n;

	while ((n = peer_recv(fd, bytes, sizeof(bytes))) > 0) {
		for (ssize_t i = 0; i < n; i++)
			if (bytes[i] != (char)((got + (size_t)i) % 251))
				fail_msg("byte %zu is wrong", got + (size_t)i);
		got += (size_t)n;
		if (got == want)
			return;
	}
	fail_msg("ended with %zd after %zu of %zu", n, got, want);
}

static void test_queue_limit(void **state)
{
	struct rig *r = rig_new(NET_SERVER, (struct net_manager_config){ .queue_bytes = 100000 });
	struct net_addr a;
	int fd = peer_bound(AF_INET, SOCK_STREAM, &a), peer, e;
	struct net_flow *f = rig_flow(r, NET_TCP, a);
	char *bytes = rig_pattern(251 * 100);
	size_t sent = 0;

	(void)state;
	/* Before the connection is there: exactly the limit. */
	assert_int_equal(rig_send(r, f, (struct str){ bytes, 100001 - 251 * 300 }), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(rig_send(r, f, (struct str){ bytes, 251 * 100 }), 0);
	assert_int_equal(rig_send(r, f, (struct str){ bytes, 251 * 100 }), -FAIL_LIMIT);
	rig_close(r, f);
	net_flow_unref(f);
	close(peer_accept(fd));
	rig_wait(r->closed, 1);

	f = rig_flow(r, NET_TCP, a);
	rig_wait(r->opened, 1);
	peer = peer_accept(fd);
	while ((e = rig_send(r, f, (struct str){ bytes, 251 * 100 })) == 0 && sent < 64 << 20)
		sent += 251 * 100;
	assert_int_equal(e, -FAIL_LIMIT);
	assert_true(rig_idle(100) < 20); /* A05: waiting is not spinning */
	read_pattern(peer, sent);
	assert_int_equal(rig_send(r, f, (struct str){ bytes, 251 * 100 }), 0);
	read_pattern(peer, 251 * 100);
	assert_int_equal(r->closed, 1);
	net_flow_unref(f);
	mem_free(bytes);
	close(peer);
	close(fd);
	rig_free(r);
}

static void test_flush_before_close(void **state)
{
	enum { SIZE = 4 << 20 };
	struct rig *r = rig_new(NET_SERVER, (struct net_manager_config){ 0 });
	struct net_addr a;
	int fd = peer_bound(AF_INET, SOCK_STREAM, &a), peer;
	char *bytes = rig_pattern(SIZE), c;

	(void)state;
	/* Closed while connecting, and closed when open */
	for (unsigned round = 0; round < 2; round++) {
		struct net_flow *f = rig_flow(r, NET_TCP, a);
		if (round)
			rig_wait(r->opened, 1);
		assert_int_equal(rig_send(r, f, (struct str){ bytes, SIZE }), 0);
		rig_close(r, f);
		assert_int_equal(rig_send(r, f, STR("late")), -FAIL_CONNECT);
		assert_null(net_manager_find(r->m, NET_TCP, &a));
		assert_int_equal(net_manager_stats(r->m).pools, 0);
		net_flow_unref(f);
		rig_idle(20);
		assert_int_equal(r->closed, round);
		peer = peer_accept(fd);
		peer_send(peer, STR("nobody reads this"));
		read_pattern(peer, SIZE);
		assert_int_equal(peer_recv(peer, &c, 1), 0);
		rig_wait(r->closed, round + 1);
		assert_int_equal(r->cause, NET_CAUSE_LOCAL);
		assert_int_equal(r->received, 0);
		close(peer);
	}
	mem_free(bytes);
	close(fd);
	rig_free(r);
}

static void test_flush_has_an_end(void **state)
{
	struct rig *r = rig_new(NET_SERVER, (struct net_manager_config){ 0 });
	struct net_addr a;
	int fd = peer_bound(AF_INET, SOCK_STREAM, &a);
	struct net_flow *f = rig_flow(r, NET_TCP, a);
	char *bytes = rig_pattern(4 << 20);

	(void)state;
	rig_wait(r->opened, 1);
	while (rig_send(r, f, (struct str){ bytes, 1 << 20 }) == 0)
		;
	rig_close(r, f);
	net_flow_unref(f);
	assert_false(rig_run(&r->closed, 1, 4500));
	assert_true(rig_run(&r->closed, 1, 500 + RIG_LATE));
	assert_int_equal(r->cause, NET_CAUSE_LOCAL);
	mem_free(bytes);
	close(fd);
	rig_free(r);
}

static void answer(struct rig *r, const struct net_event *ev)
{
	if (ev->type == NET_RECEIVED)
		assert_int_equal(net_flow_send(ev->flow, STR("pong")), 0);
	(void)r;
}

/* "echo ping | nc": the peer's end comes with its request, the answer still goes out. */
static void test_half_closed(void **state)
{
	struct rig *r = rig_new(NET_SERVER, (struct net_manager_config){ 0 });
	int peer = peer_connect(rig_listen(r, NET_TCP, AF_INET), SOCK_STREAM);
	char bytes[16];

	(void)state;
	r->hook = answer;
	peer_send(peer, STR("ping"));
	shutdown(peer, SHUT_WR);
	assert_int_equal(peer_recv(peer, bytes, sizeof(bytes)), 4);
	assert_int_equal(peer_recv(peer, bytes, sizeof(bytes)), 0);
	rig_wait(r->closed, 1);
	assert_int_equal(r->cause, NET_CAUSE_PEER);
	close(peer);
	rig_free(r);
}

static void test_reset(void **state)
{
	struct rig *r = rig_new(NET_SERVER, (struct net_manager_config){ 0 });
	struct net_addr a;
	int fd = peer_bound(AF_INET, SOCK_STREAM, &a), peer;
	struct net_flow *f = rig_flow(r, NET_TCP, a);

	(void)state;
	rig_wait(r->opened, 1);
	peer = peer_accept(fd);
	peer_send(peer, STR("SIP/2.0 200 O"));
	rig_wait(r->received, 1);
	peer_reset(peer);
	rig_wait(r->closed, 1);
	assert_true(str_eq(r->bytes, STR("SIP/2.0 200 O")));
	assert_int_equal(r->cause, NET_CAUSE_ERROR);
	assert_int_equal(r->why.code, -FAIL_CONNECT);
	assert_remote_text(r, a, "tcp: connection reset by peer");
	net_flow_unref(f);
	close(fd);
	rig_free(r);
}

/* The peer answers and is gone; writing fails before the answer was read. */
static void test_last_words(void **state)
{
	struct rig *r = rig_new(NET_SERVER, (struct net_manager_config){ 0 });
	struct net_addr a;
	int fd = peer_bound(AF_INET, SOCK_STREAM, &a), peer;
	struct net_flow *f = rig_flow(r, NET_TCP, a);

	(void)state;
	rig_wait(r->opened, 1);
	peer = peer_accept(fd);
	peer_send(peer, STR("SIP/2.0 503 Busy"));
	close(peer);
	assert_int_equal(rig_send(r, f, STR("one")), 0); /* answered with a reset */
	usleep(1000);
	rig_send(r, f, STR("two"));
	rig_wait(r->closed, 1);
	assert_int_equal(r->all, 1u + r->received + 1u);
	net_flow_unref(f);
	close(fd);
	rig_free(r);
}

/* A63 */
static void test_resets(void **state)
{
	struct rig *r = rig_new(NET_SERVER, (struct net_manager_config){ 0 });
	struct net_addr in = rig_listen(r, NET_TCP, AF_INET);

	(void)state;
	r->hook = answer;
	for (unsigned i = 0; i < 1000; i++) {
		int peer = peer_connect(in, SOCK_STREAM);
		if (i % 3)
			peer_send(peer, STR("INVITE sip:"));
		if (i % 2)
			rig_wait(r->opened, i + 1);
		peer_reset(peer);
	}
	rig_wait(r->closed, 1000);
	assert_int_equal(r->opened, 1000);
	assert_int_equal(net_manager_stats(r->m).flows, 0);
	rig_free(r);
}

/* ---- listeners ---- */

static void test_listen(void **state)
{
	struct rig *r = rig_new(NET_SERVER, (struct net_manager_config){ 0 });
	struct net_addr tcp = rig_listen(r, NET_TCP, AF_INET),
			six = rig_listen(r, NET_TCP, AF_INET6), got, udp;
	int peer = peer_connect(tcp, SOCK_STREAM), fd;
	enum net_transport t;
	struct fail why;
	char text[NET_ADDR_TEXT];

	(void)state;
	assert_int_equal(net_manager_listen(r->m, NET_TCP, &tcp, &got, &why), -FAIL_LOCAL);
	snprintf(r->why.text, sizeof(r->why.text), "%s: address already in use",
		net_addr_text(&tcp, text));
	assert_string_equal(why.text, r->why.text);
	assert_int_equal(
		net_manager_listen(r->m, NET_UDP, &tcp, &udp, &why), 0); /* the same number */
	assert_true(net_addr_equal(&udp, &tcp));
	assert_int_equal(net_manager_listen(r->m, NET_UDP, &udp, &got, &why), -FAIL_LOCAL);
	assert_int_equal(net_manager_listen(r->m, NET_TLS, &tcp, &got, &why), -FAIL_TLS);
	assert_true(net_manager_listener(r->m, 0, &t, &got) && t == NET_TCP &&
		    net_addr_equal(&got, &tcp));
	assert_true(net_manager_listener(r->m, 1, &t, &got) && t == NET_TCP &&
		    net_addr_equal(&got, &six));
	assert_true(net_manager_listener(r->m, 2, &t, &got) && t == NET_UDP);
	assert_false(net_manager_listener(r->m, 3, &t, &got));

	rig_wait(r->opened, 1);
	assert_int_equal(net_manager_unlisten(r->m), 0);
	assert_int_equal(net_manager_unlisten(r->m), -FAIL_STATE);
	assert_false(net_manager_listener(r->m, 0, &t, &got));
	fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(fd, &tcp.u.sa, net_addr_len(&tcp)), -1);
	close(fd);
	peer_send(peer, STR("still here"));
	rig_wait(r->received, 1);
	assert_int_equal(net_manager_listen(r->m, NET_TCP, &tcp, &got, &why), 0);
	fd = peer_connect(tcp, SOCK_STREAM);
	rig_wait(r->opened, 2);
	close(fd);
	close(peer);
	rig_free(r);
}

static void test_listen_lost(void **state)
{
	struct rig *r = rig_new(NET_SERVER, (struct net_manager_config){ 0 });
	struct net_addr in = rig_listen(r, NET_TCP, AF_INET);
	enum net_transport t;

	(void)state;
	for (int fd = 3; fd < 100; fd++) {
		struct net_addr a = { 0 };
		socklen_t n = sizeof(a.u);
		if (getsockname(fd, &a.u.sa, &n) == 0 && net_addr_equal(&a, &in))
			shutdown(fd, SHUT_RDWR); /* on Linux a listener is then dead */
	}
	rig_wait(r->lost, 1);
	assert_null(r->flow);
	assert_int_equal(r->why.code, -FAIL_LOCAL);
	assert_remote_text(r, in, "tcp: invalid argument");
	assert_false(net_manager_listener(r->m, 0, &t, &in));
	assert_true(rig_idle(50) < 10);
	rig_free(r);
}

static void test_max_flows(void **state)
{
	struct rig *r = rig_new(NET_SERVER, (struct net_manager_config){ .max_flows = 2 });
	struct net_addr in = rig_listen(r, NET_TCP, AF_INET), udp = rig_listen(r, NET_UDP, AF_INET);
	struct net_target target = { .transport = NET_TCP, .addr = in };
	int peer[3], u = peer_connect(udp, SOCK_DGRAM);
	struct net_flow *f;
	struct fail why;
	char bytes[8];

	(void)state;
	for (int i = 0; i < 3; i++)
		peer[i] = peer_connect(in, SOCK_STREAM);
	assert_int_equal(peer_recv(peer[2], bytes, 1), 0);
	assert_int_equal(r->opened, 2);
	assert_int_equal(net_manager_stats(r->m).refused, 1);
	assert_int_equal(net_manager_flow(r->m, &target, &f, &why), -FAIL_LIMIT);
	assert_string_equal(why.text, "too many connections: 2");
	target.transport = NET_UDP;
	assert_int_equal(net_manager_flow(r->m, &target, &f, &why), -FAIL_LIMIT);
	assert_int_equal(net_manager_stats(r->m).pools, 0);
	/* A61: UDP is still served. */
	r->hook = answer;
	peer_send(u, STR("ping"));
	assert_int_equal(peer_recv(u, bytes, sizeof(bytes)), 4);
	/* There is room again. */
	close(peer[0]);
	rig_wait(r->closed, 1);
	peer[0] = peer_connect(in, SOCK_STREAM);
	rig_wait(r->opened, 3);
	for (int i = 0; i < 3; i++)
		close(peer[i]);
	close(u);
	rig_free(r);
}

/* It closes the connections that it does not let through, so that they never come. */
static bool under_valgrind(void)
{
	return str_of(getenv("LD_PRELOAD")).n && strstr(getenv("LD_PRELOAD"), "valgrind");
}

/* A61: no descriptors left */
static void test_no_descriptors(void **state)
{
	struct rig *r = rig_new(NET_SERVER, (struct net_manager_config){ 0 });
	struct net_addr in = rig_listen(r, NET_TCP, AF_INET), udp = rig_listen(r, NET_UDP, AF_INET),
			a;
	struct net_target target = { .transport = NET_TCP };
	int fd = peer_bound(AF_INET, SOCK_STREAM, &a), u = peer_connect(udp, SOCK_DGRAM), peer[8];
	struct rlimit before, now;
	struct net_flow *f;
	struct fail why;
	char bytes[8];

	(void)state;
	for (int i = 0; i < 8; i++)
		peer[i] = peer_connect(in, SOCK_STREAM);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	now = before;
	now.rlim_cur = (rlim_t)peer[7] + 4; /* room for three of the eight */
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &now), 0);
	assert_true(rig_idle(450) < 40);
	assert_int_equal(r->opened, 3);
	assert_in_range(net_manager_stats(r->m).refused, 2, 6); /* one a pause */
	target.addr = a;
	assert_int_equal(net_manager_flow(r->m, &target, &f, &why), -FAIL_LOCAL);
	assert_string_equal(why.text, "no socket: too many open files");
	r->hook = answer;
	peer_send(u, STR("ping"));
	assert_int_equal(peer_recv(u, bytes, sizeof(bytes)), 4);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	if (!under_valgrind())
		rig_wait(r->opened, 8);
	for (int i = 0; i < 8; i++)
		close(peer[i]);
	close(u);
	close(fd);
	rig_free(r);
}

/* ---- R3: a handler may do anything ---- */

static void drop_and_free(struct rig *r, const struct net_event *ev)
{
	if ((unsigned)ev->type != *(unsigned *)r->hook_arg)
		return;
	if (ev->flow && !net_flow_info(ev->flow)->incoming)
		net_flow_unref(ev->flow);
	net_manager_free(r->m);
	r->m = NULL;
	r->quiet = true;
}

/* The manager ends inside of each kind of event. */
static void test_free_in_handler(void **state)
{
	unsigned types[] = { NET_OPENED, NET_RECEIVED, NET_CLOSED };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		struct rig *r = rig_new(NET_SERVER, (struct net_manager_config){ 0 });
		struct net_addr a;
		int fd = peer_bound(AF_INET, SOCK_STREAM, &a), peer;
		struct net_flow *f = rig_flow(r, NET_TCP, a);

		r->hook = drop_and_free;
		r->hook_arg = &types[i];
		assert_int_equal(rig_send(r, f, STR("hello")), 0);
		peer = peer_accept(fd);
		peer_send(peer, STR("welcome"));
		close(peer);
		rig_wait(*rig_counter(r, types[i]), 1);
		rig_idle(10);
		close(fd);
		rig_free(r);
	}
}

static void test_free_in_accepted(void **state)
{
	unsigned types[] = { NET_OPENED, NET_RECEIVED, NET_CLOSED, NET_LISTEN_LOST };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		struct rig *r = rig_new(NET_SERVER, (struct net_manager_config){ 0 });
		struct net_addr in = rig_listen(r, NET_TCP, AF_INET);
		int peer = peer_connect(in, SOCK_STREAM), second = peer_connect(in, SOCK_STREAM);

		r->hook = drop_and_free;
		r->hook_arg = &types[i];
		peer_send(peer, STR("hello"));
		peer_send(second, STR("hello"));
		if (types[i] == NET_CLOSED)
			close(peer);
		for (int fd = 3; fd < 100 && types[i] == NET_LISTEN_LOST; fd++) {
			struct net_addr a = { 0 };
			socklen_t n = sizeof(a.u);
			int on = 0;
			socklen_t len = sizeof(on);
			if (getsockname(fd, &a.u.sa, &n) == 0 && net_addr_equal(&a, &in) &&
				getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &len) == 0 && on)
				shutdown(fd, SHUT_RDWR);
		}
		rig_wait(*rig_counter(r, types[i]), 1);
		rig_idle(10);
		if (types[i] != NET_CLOSED)
			close(peer);
		close(second);
		rig_free(r);
	}
}

static void unref_all(struct rig *r, const struct net_event *ev)
{
	if (ev->type == NET_RECEIVED) {
		net_flow_close(ev->flow);
		net_flow_unref(ev->flow);
		net_flow_close(ev->flow); /* the memory is there as long as the handler runs */
		assert_int_equal(net_flow_send(ev->flow, STR("x")), -FAIL_CONNECT);
	}
	(void)r;
}

static void test_close_in_handler(void **state)
{
	struct rig *r = rig_new(NET_SERVER, (struct net_manager_config){ 0 });
	struct net_addr a;
	int fd = peer_bound(AF_INET, SOCK_STREAM, &a), peer;
	char *bytes = rig_pattern(200000);

	(void)state;
	rig_flow(r, NET_TCP, a);
	r->hook = unref_all;
	rig_wait(r->opened, 1);
	peer = peer_accept(fd);
	peer_send(peer, (struct str){ bytes, 200000 });
	rig_wait(r->closed, 1);
	assert_int_equal(r->received, 1); /* nothing after the close */
	assert_int_equal(r->cause, NET_CAUSE_LOCAL);
	mem_free(bytes);
	close(peer);
	close(fd);
	rig_free(r);
}

static void again(struct rig *r, const struct net_event *ev)
{
	struct net_target target = { .transport = NET_TCP, .addr = *ev->remote };
	struct net_flow *f = NULL;

	if (ev->type != NET_CLOSED || r->closed >= 20)
		return;
	assert_int_equal(net_manager_flow(r->m, &target, &f, NULL), 0);
	assert_ptr_not_equal(f, ev->flow);
	net_flow_unref(f);
	net_flow_unref(r->closed == 1 ? ev->flow : NULL); /* the first of them */
}

/* The end of a flow begins the next one. */
static void test_new_flow_in_handler(void **state)
{
	struct rig *r = rig_new(NET_SERVER, (struct net_manager_config){ 0 });

	(void)state;
	r->hook = again;
	rig_flow(r, NET_TCP, peer_nobody(AF_INET, SOCK_STREAM));
	rig_wait(r->closed, 20);
	assert_int_equal(net_manager_stats(r->m).flows, 0);
	rig_free(r);
}

static void test_manager_free(void **state)
{
	struct rig *r = rig_new(NET_SERVER, (struct net_manager_config){ 0 });
	struct net_addr a;
	int fd = peer_bound(AF_INET, SOCK_STREAM, &a), peer;
	struct net_flow *open = rig_flow(r, NET_TCP, a), *connecting, *closing, *dead;
	char *bytes = rig_pattern(4 << 20), c;
	unsigned flows = 0;

	(void)state;
	rig_listen(r, NET_TCP, AF_INET);
	rig_listen(r, NET_UDP, AF_INET);
	rig_wait(r->opened, 1);
	peer = peer_accept(fd);
	closing = rig_flow(r, NET_TCP, a);
	assert_int_equal(rig_send(r, closing, (struct str){ bytes, 4 << 20 }), 0);
	rig_wait(r->opened, 2);
	rig_close(r, closing);
	connecting = rig_flow(r, NET_TCP, a);
	dead = rig_flow(r, NET_TCP, peer_nobody(AF_INET, SOCK_STREAM));
	rig_close(r, dead);
	for (struct net_flow *f = NULL; (f = net_manager_next(r->m, f)) != NULL;)
		flows++;
	assert_int_equal(flows, 4);
	rig_end(r);
	assert_int_equal(peer_recv(peer, &c, 1), 0);
	assert_true(net_flow_info(open)->closed && net_flow_info(connecting)->closed);
	assert_int_equal(net_flow_send(open, STR("x")), -FAIL_CONNECT);
	net_flow_close(open);
	net_flow_valid(open);
	assert_int_equal(net_flow_set_idle(open, 5), 0);
	net_flow_unref(net_flow_ref(open));
	net_flow_unref(open);
	net_flow_unref(connecting);
	net_flow_unref(closing);
	net_flow_unref(dead);
	net_flow_unref(NULL);
	net_manager_free(NULL);
	mem_free(bytes);
	close(peer);
	close(fd);
	rig_free(r);
}

/* An open flow where nothing happens costs nothing. */
static void test_no_spin(void **state)
{
	struct rig *r = rig_new(NET_SERVER, (struct net_manager_config){ 0 });
	struct net_addr in = rig_listen(r, NET_TCP, AF_INET);
	int peer = peer_connect(in, SOCK_STREAM);

	(void)state;
	peer_send(peer, STR("INVITE sip:a@b SIP/2.0\r\nContent-Length: 5000\r\n\r\n"));
	rig_wait(r->received, 1);
	assert_true(rig_idle(200) < 10);
	close(peer);
	rig_wait(r->closed, 1);
	rig_free(r);
}

/* ---- trace ---- */

static void on_trace(void *arg, const struct trace_event *ev)
{
	char *all = arg;
	size_t n = strlen(all);

	snprintf(all + n, 1000 - n, STR_FMT "(" STR_FMT ") ", STR_ARG(ev->name), STR_ARG(ev->note));
	assert_string_equal(ev->transport, "tcp");
	assert_true(ev->remote.n > 0);
}

static void test_trace(void **state)
{
	char all[1000] = "";
	struct trace t = { on_trace, all, 1U << TRACE_FLOW };
	struct rig *r = rig_new(NET_SERVER,
		(struct net_manager_config){ .trace = &t, .pool_size = 1, .linger_ms = 10 });
	struct net_addr a;
	int fd = peer_bound(AF_INET, SOCK_STREAM, &a);
	struct net_flow *f = rig_flow(r, NET_TCP, a);

	(void)state;
	rig_wait(r->opened, 1);
	net_flow_unref(rig_flow(r, NET_TCP, a));
	net_flow_unref(f);
	rig_wait(r->closed, 1);
	close(fd);
	f = rig_flow(r, NET_TCP, a);
	net_flow_unref(f);
	rig_wait(r->closed, 2);
	assert_string_equal(
		all, "opened() shared() closed(not used any more) closed(connection refused) ");
	rig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addr_text),
		cmocka_unit_test(test_addr_compare),
		cmocka_unit_test(test_addr_local_for),
		cmocka_unit_test(test_loop),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_exchange),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_meets_itself),
		cmocka_unit_test(test_connect_time),
		cmocka_unit_test(test_unreachable_at_once),
		cmocka_unit_test(test_local_address),
		cmocka_unit_test(test_pool_growth),
		cmocka_unit_test(test_pool_keys),
		cmocka_unit_test(test_client_kind),
		cmocka_unit_test(test_linger),
		cmocka_unit_test(test_linger_talk),
		cmocka_unit_test(test_idle),
		cmocka_unit_test(test_idle_of_peers),
		cmocka_unit_test(test_first_message),
		cmocka_unit_test(test_queue_limit),
		cmocka_unit_test(test_flush_before_close),
		cmocka_unit_test(test_flush_has_an_end),
		cmocka_unit_test(test_half_closed),
		cmocka_unit_test(test_reset),
		cmocka_unit_test(test_last_words),
		cmocka_unit_test(test_resets),
		cmocka_unit_test(test_listen),
		cmocka_unit_test(test_listen_lost),
		cmocka_unit_test(test_max_flows),
		cmocka_unit_test(test_no_descriptors),
		cmocka_unit_test(test_free_in_handler),
		cmocka_unit_test(test_free_in_accepted),
		cmocka_unit_test(test_close_in_handler),
		cmocka_unit_test(test_new_flow_in_handler),
		cmocka_unit_test(test_manager_free),
		cmocka_unit_test(test_no_spin),
		cmocka_unit_test(test_trace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
