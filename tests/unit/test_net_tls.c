/* tests/unit/test_net_tls.c -- lib/net: flows over TLS (what TLS itself demands is in test_tls.c)
 */
#include "net/flow.h"
#include "net/manager.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "net_rig.h"

struct pki {
	char dir[64], ca[80], cert[80], key[80];
	struct net_tls *server, *client, *mutual;
};

static int set_up(void **state)
{
	static const char *const names[] = { "sip.example.com", "127.0.0.1", NULL };
	static const char *const allow[] = { "client.example.org", NULL };
	struct pki *p = MEM_NEW(struct pki);

	snprintf(p->dir, sizeof(p->dir), "/tmp/test_net_tls.XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	assert_int_equal(net_tls_make_ca(p->dir, names, NULL), 0);
	snprintf(p->ca, sizeof(p->ca), "%s/ca.pem", p->dir);
	snprintf(p->cert, sizeof(p->cert), "%s/server.pem", p->dir);
	snprintf(p->key, sizeof(p->key), "%s/server.key", p->dir);
	assert_int_equal(
		net_tls_new(
			&(struct net_tls_config){ .server = true, .cert = p->cert, .key = p->key },
			&p->server, NULL),
		0);
	assert_int_equal(net_tls_new(&(struct net_tls_config){ .server = true,
					     .cert = p->cert,
					     .key = p->key,
					     .cacert = p->ca,
					     .mutual = true,
					     .allow = allow },
				 &p->mutual, NULL),
		0);
	assert_int_equal(
		net_tls_new(
			&(struct net_tls_config){ .cacert = p->ca, .cert = p->cert, .key = p->key },
			&p->client, NULL),
		0);
	*state = p;
	return 0;
}

static int tear_down(void **state)
{
	struct pki *p = *state;
	char command[100];

	net_tls_unref(p->server);
	net_tls_unref(p->mutual);
	net_tls_unref(p->client);
	snprintf(command, sizeof(command), "rm -r %s", p->dir);
	assert_int_equal(system(command), 0);
	mem_free(p);
	return 0;
}

static struct rig *new_server(const struct pki *p, struct net_manager_config c)
{
	c.tls_server = p->server;
	return rig_new(NET_SERVER, c);
}

static struct rig *new_client(const struct pki *p, struct net_manager_config c)
{
	c.tls_client = p->client;
	return rig_new(NET_SERVER, c);
}

static void on_trace(void *arg, const struct trace_event *ev)
{
	char *line = arg;

	snprintf(line, 200, "%s " STR_FMT "|" STR_FMT "|" STR_FMT "|" STR_FMT, ev->transport,
		STR_ARG(ev->name), STR_ARG(ev->from), STR_ARG(ev->to), STR_ARG(ev->note));
}

/* 4 MiB each way at the same time, through records, partial writes and full sockets */
static void test_exchange(void **state)
{
	enum { SIZE = 4 << 20 };
	struct pki *p = *state;
	char line[200] = "";
	struct trace t = { on_trace, line, 1U << TRACE_TLS };
	struct rig *a = new_server(p, (struct net_manager_config){ 0 });
	struct rig *b = new_client(p, (struct net_manager_config){ .trace = &t });
	struct net_addr in = rig_listen(a, NET_TLS, AF_INET);
	struct net_flow *f = rig_flow_of(b, NET_TLS, in, "sip.example.com", NULL);
	const struct net_flow_info *i = net_flow_info(f);
	char *bytes = rig_pattern(SIZE);

	assert_int_equal(rig_send(b, f, (struct str){ bytes, SIZE }), 0);
	assert_int_equal(rig_send(b, f, STR("x")), -FAIL_LIMIT);
	rig_wait(b->opened, 1);
	rig_wait(a->opened, 1);
	assert_non_null(i->tls);
	assert_true(i->tls->verified && i->tls_ms > 0 && i->connect_ms > 0);
	assert_string_equal(i->tls->identity, "URI:sip:sip.example.com");
	assert_starts(line, "tls TLSv1.3|TLS_");
	assert_non_null(strstr(line, "|URI:sip:sip.example.com|verified"));
	assert_string_equal(net_flow_info(a->opened_flow)->tls->server_name, "sip.example.com");
	assert_int_equal(rig_send(a, a->opened_flow, (struct str){ bytes, SIZE }), 0);
	while (a->bytes.n < SIZE || b->bytes.n < SIZE)
		assert_true(rig_run(a->bytes.n < SIZE ? &a->received : &b->received,
			(a->bytes.n < SIZE ? a->received : b->received) + 1, RIG_MS));
	assert_true(rig_is_pattern(a->bytes) && rig_is_pattern(b->bytes));
	assert_true(rig_idle(50) < 10);

	/* What is queued goes out before the end. */
	a->bytes.n = 0;
	assert_int_equal(rig_send(b, f, (struct str){ bytes, SIZE }), 0);
	rig_close(b, f);
	rig_wait(a->closed, 1);
	rig_wait(b->closed, 1);
	assert_int_equal(a->cause, NET_CAUSE_PEER);
	assert_int_equal(b->cause, NET_CAUSE_LOCAL);
	assert_int_equal(a->bytes.n, SIZE);
	assert_true(rig_is_pattern(a->bytes));
	net_flow_unref(f);
	mem_free(bytes);
	rig_free(a);
	rig_free(b);
}

/* A65: one address, two names: the connection of one is not for the other. */
static void test_wrong_name(void **state)
{
	struct pki *p = *state;
	struct rig *a = new_server(p, (struct net_manager_config){ 0 });
	struct rig *b = new_client(p, (struct net_manager_config){ .pool_size = 1 });
	struct net_addr in = rig_listen(a, NET_TLS, AF_INET);
	struct net_flow *f = rig_flow_of(b, NET_TLS, in, "sip.example.com", NULL), *g;

	rig_wait(b->opened, 1);
	g = rig_flow_of(b, NET_TLS, in, "sip.example.net", NULL);
	assert_ptr_not_equal(f, g);
	rig_wait(b->closed, 1);
	rig_wait(a->tls_failed, 1); /* CM-13: the client says it with an alert */
	assert_ptr_equal(b->flow, g);
	assert_int_equal(b->cause, NET_CAUSE_TLS);
	assert_int_equal(b->why.code, -FAIL_TLS);
	assert_non_null(strstr(b->why.text, "sip.example.net"));
	assert_int_equal(b->opened, 1);
	assert_int_equal(a->closed, 0);
	net_flow_unref(f);
	net_flow_unref(g);
	rig_free(a);
	rig_free(b);
}

static void test_not_allowed(void **state)
{
	struct pki *p = *state;
	struct rig *a = rig_new(NET_SERVER, (struct net_manager_config){ .tls_server = p->mutual });
	struct rig *b = new_client(p, (struct net_manager_config){ 0 });
	struct net_addr in = rig_listen(a, NET_TLS, AF_INET);
	struct net_flow *f = rig_flow_of(b, NET_TLS, in, "sip.example.com", NULL);

	rig_wait(a->tls_failed, 1);
	assert_int_equal(a->all, 1);
	assert_int_equal(a->cause, NET_CAUSE_NOT_ALLOWED);
	rig_wait(b->closed, 1);
	assert_int_equal(b->cause, NET_CAUSE_TLS);
	assert_int_equal(b->why.code, -FAIL_TLS);
	net_flow_unref(f);
	rig_free(a);
	rig_free(b);
}

static void test_no_context(void **state)
{
	struct rig *r = rig_new(NET_SERVER, (struct net_manager_config){ 0 });
	struct pki *p = *state;
	struct net_target target = { .transport = NET_TLS,
		.addr = rig_loopback(AF_INET, 9),
		.host = STR("sip.example.com") };
	struct net_flow *f = NULL;
	struct fail why;

	assert_int_equal(net_manager_flow(r->m, &target, &f, &why), -FAIL_TLS);
	assert_int_equal(net_manager_stats(r->m).flows, 0);
	net_manager_set_tls_client(r->m, p->client);
	net_manager_set_tls_client(r->m, p->client);
	assert_int_equal(net_manager_flow(r->m, &target, &f, &why), 0);
	rig_wait(r->closed, 1);
	assert_int_equal(r->cause, NET_CAUSE_ERROR);
	assert_remote_text(r, target.addr, "tls: connection refused");
	net_flow_unref(f);
	target.host.p = "a\0b", target.host.n = 3;
	assert_int_equal(net_manager_flow(r->m, &target, &f, &why), -FAIL_ARGUMENT);
	rig_free(r);
}

/* Peers that do not speak TLS, or nothing at all */
static void test_handshake_time(void **state)
{
	struct pki *p = *state;
	struct rig *a = new_server(p, (struct net_manager_config){ .connect_ms = 100 });
	struct rig *b = new_client(p, (struct net_manager_config){ .connect_ms = 100 });
	struct net_addr in = rig_listen(a, NET_TLS, AF_INET), mute;
	int fd = peer_bound(AF_INET, SOCK_STREAM, &mute), silent = peer_connect(in, SOCK_STREAM),
	    plain;
	struct net_flow *f = rig_flow_of(b, NET_TLS, mute, "sip.example.com", NULL);

	assert_int_equal(rig_send(b, f, STR("x")), 0);
	rig_wait(a->tls_failed, 1);
	assert_int_equal(a->why.code, -FAIL_TIMEOUT);
	assert_non_null(strstr(a->why.text, " tls: no TLS handshake within 0.1 s"));
	rig_wait(b->closed, 1);
	assert_int_equal(b->why.code, -FAIL_TIMEOUT);
	assert_int_equal(b->cause, NET_CAUSE_TLS);
	assert_remote_text(b, mute, "tls: no TLS handshake within 0.1 s");
	plain = peer_connect(in, SOCK_STREAM);
	peer_send(plain, STR("OPTIONS sip:a@b SIP/2.0\r\n"));
	rig_wait(a->tls_failed, 2);
	assert_int_equal(a->all, 2);
	assert_int_equal(net_manager_stats(a->m).flows, 0);
	net_flow_unref(f);
	close(fd);
	close(silent);
	close(plain);
	rig_free(a);
	rig_free(b);
}

/* The records of a client's first flight, for peers that break off in its middle */
static size_t client_hello(const struct pki *p, char *out, size_t cap)
{
	struct rig *b = new_client(p, (struct net_manager_config){ 0 });
	struct net_addr a;
	int fd = peer_bound(AF_INET, SOCK_STREAM, &a), peer;
	ssize_t n;

	net_flow_unref(rig_flow_of(b, NET_TLS, a, "sip.example.com", NULL));
	peer = peer_accept(fd);
	n = peer_recv(peer, out, cap);
	assert_true(n > 100);
	close(peer);
	close(fd);
	rig_free(b);
	return (size_t)n;
}

/* A63: a reset behind each length of the first flight, and 1,000 in all */
static void test_resets(void **state)
{
	struct pki *p = *state;
	struct rig *a = new_server(p, (struct net_manager_config){ 0 });
	struct net_addr in = rig_listen(a, NET_TLS, AF_INET);
	char hello[2048];
	size_t n = client_hello(p, hello, sizeof(hello));

	for (unsigned i = 0; i < 1000; i++) {
		int peer = peer_connect(in, SOCK_STREAM);
		if (i % n)
			peer_send(peer, (struct str){ hello, i % n });
		if (i % 3 == 0)
			rig_idle(0);
		if (i % 5)
			peer_reset(peer);
		else
			close(peer);
	}
	rig_wait(a->tls_failed, 1000);
	assert_int_equal(a->all, 1000);
	assert_int_equal(net_manager_stats(a->m).flows, 0);
	rig_free(a);
}

/* Clients that end in the middle of everything: connecting, in the handshake, right after it */
static void test_ends(void **state)
{
	struct pki *p = *state;
	struct rig *a = new_server(p, (struct net_manager_config){ 0 });
	struct net_addr in = rig_listen(a, NET_TLS, AF_INET);

	for (unsigned i = 0; i < 60; i++) {
		struct rig *b = new_client(p, (struct net_manager_config){ 0 });
		struct net_flow *f = rig_flow_of(b, NET_TLS, in, "sip.example.com", NULL);
		assert_int_equal(rig_send(b, f, STR("hello")), 0);
		for (unsigned pass = 0; pass < i % 12; pass++)
			ev_run(net_loop(), EVRUN_NOWAIT);
		if (i % 2 && !net_flow_info(f)->closed)
			rig_close(b, f);
		rig_end(b);
		net_flow_unref(f);
		rig_free(b);
	}
	for (int i = 0; i < RIG_MS && net_manager_stats(a->m).flows > 0; i++)
		rig_idle(1);
	assert_int_equal(net_manager_stats(a->m).flows, 0);
	rig_free(a);
}

static void end_all(struct rig *r, const struct net_event *ev)
{
	if ((unsigned)ev->type != *(unsigned *)r->hook_arg)
		return;
	net_manager_free(r->m);
	r->m = NULL;
	r->quiet = true;
}

static void test_free_in_handler(void **state)
{
	struct pki *p = *state;
	unsigned types[] = { NET_OPENED, NET_RECEIVED, NET_CLOSED, NET_TLS_FAILED };

	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		for (int server = 0; server < 2; server++) {
			struct rig *a = new_server(p, (struct net_manager_config){ 0 });
			struct rig *b =
				new_client(p, (struct net_manager_config){ .linger_ms = 20 });
			struct net_addr in = rig_listen(a, NET_TLS, AF_INET);
			struct rig *r = server ? a : b;
			const char *name = types[i] == NET_TLS_FAILED ? "wrong.example.com"
								      : "sip.example.com";
			struct net_flow *f = rig_flow_of(b, NET_TLS, in, name, NULL);

			if (types[i] == NET_TLS_FAILED)
				r = a;
			r->hook = end_all;
			r->hook_arg = &types[i];
			assert_int_equal(rig_send(b, f, STR("hello")), 0);
			if (types[i] == NET_RECEIVED && !server) {
				rig_wait(a->opened, 1);
				assert_int_equal(rig_send(a, a->opened_flow, STR("welcome")), 0);
			}
			if (types[i] == NET_CLOSED)
				net_flow_unref(f);
			rig_wait(*rig_counter(r, types[i]), 1);
			rig_idle(5);
			if (types[i] != NET_CLOSED)
				net_flow_unref(f);
			rig_free(a);
			rig_free(b);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exchange),
		cmocka_unit_test(test_wrong_name),
		cmocka_unit_test(test_not_allowed),
		cmocka_unit_test(test_no_context),
		cmocka_unit_test(test_handshake_time),
		cmocka_unit_test(test_resets),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_free_in_handler),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
