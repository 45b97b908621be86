/* tests/unit/test_review.c -- what hostile peers once did to lib/endpoint and lib/serve, found by
 * review: storms, loops, what never ends, and one abort */
#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "endpoint/impl.h"
#include "peer_rig.h"
#include "serve/impl.h"

/* ---- a client of the test server: one UDP socket, requests as text ---- */

struct client {
	struct serve *serve;
	int fd;
	uint16_t port; /* ours */
	struct net_addr server;
	unsigned branch;
};

static void client_new(struct client *c)
{
	const struct serve_config config = { .timers = rig_timers(500) };
	char text[NET_ADDR_TEXT];
	struct endpoint_hop hop;
	struct fail f;

	*c = (struct client){ .fd = -1 };
	if (serve_new(&config, true, &c->serve, &f) != 0)
		fail_msg("serve_new: %s", f.text);
	assert_true(serve_listener(c->serve, 0, text, &hop));
	assert_true(net_addr_parse(hop.address, hop.port, &c->server));
	c->fd = socket(AF_INET, SOCK_DGRAM, 0);
	assert_true(c->fd >= 0);
	assert_int_equal(connect(c->fd, &c->server.u.sa, net_addr_len(&c->server)), 0);
	{
		struct sockaddr_in own;
		socklen_t n = sizeof(own);

		assert_int_equal(getsockname(c->fd, (struct sockaddr *)&own, &n), 0);
		c->port = ntohs(own.sin_port);
	}
}

static void client_free(struct client *c)
{
	close(c->fd);
	serve_free(c->serve);
}

static void client_bytes(struct client *c, const void *p, size_t n)
{
	assert_int_equal(send(c->fd, p, n, 0), (ssize_t)n);
	rig_idle(10);
}

/* sent_by: 0 asks for rport */
static void client_send(
	struct client *c, const char *method, const char *to, unsigned sent_by, const char *headers)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(1 << 16);
	bool registering = strcmp(method, "REGISTER") == 0;

	buf_addf(&b,
		"%s %s SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:%u;branch=z9hG4bK%u%s\r\n"
		"Max-Forwards: 70\r\nFrom: <sip:x@else.invalid>;tag=a\r\nTo: <%s>\r\n"
		"Call-ID: %u\r\nCSeq: 1 %s\r\n%sContent-Length: 0\r\n\r\n",
		method, registering ? "sip:test.invalid" : to, sent_by ? sent_by : c->port,
		c->branch + 1, sent_by ? "" : ";rport", to, c->branch + 1, method,
		headers ? headers : "");
	c->branch++;
	client_bytes(c, b.p, b.n);
}

/* What came, or an empty string. */
static struct str client_got(struct client *c, char *bytes, size_t cap)
{
	ssize_t n = recv(c->fd, bytes, cap - 1, MSG_DONTWAIT);

	bytes[n > 0 ? n : 0] = '\0';
	return (struct str){ bytes, n > 0 ? (size_t)n : 0 };
}

/* A user part with %00 in it was kept up to the NUL: the second time it met itself, and an
 * assertion ended the server. */
static void test_nul_in_user(void **state)
{
	static const char *const to[] = { "sip:a%00b@test.invalid", "sip:a%00b@test.invalid",
		"sip:a@test.invalid" };
	struct client c;
	char bytes[4096];

	(void)state;
	client_new(&c);
	for (size_t i = 0; i < ARRAY_LEN(to); i++) {
		client_send(&c, "REGISTER", to[i], 0, "Contact: <sip:x@127.0.0.1:9>\r\n");
		assert_has(client_got(&c, bytes, sizeof(bytes)), "SIP/2.0 200");
	}
	assert_int_equal(serve_bindings(c.serve, (struct str){ "a\0b", 3 }), 1);
	assert_int_equal(serve_bindings(c.serve, STR("a")), 1);
	client_free(&c);
}

/* Two bindings of one instance over one flow, each answered 430: the request went to and fro
 * between them for ever. */
static void test_flow_failed_twice(void **state)
{
	CLEANUP(buf_done) struct buf answer = BUF_INIT(1 << 16);
	struct client c;
	char bytes[4096];
	unsigned copies = 0;

	(void)state;
	client_new(&c);
	for (unsigned i = 0; i < 2; i++) {
		char contact[160];

		snprintf(contact, sizeof(contact),
			"Contact: <sip:x@127.0.0.1:%u;n=%u>;+sip.instance=\"<urn:x:1>\"\r\n",
			c.port, i);
		client_send(&c, "REGISTER", "sip:x@test.invalid", 0, contact);
		assert_has(client_got(&c, bytes, sizeof(bytes)), "SIP/2.0 200");
	}
	client_send(&c, "MESSAGE", "sip:x@test.invalid", 0, NULL);
	for (unsigned i = 0; i < 20; i++) {
		struct str got = client_got(&c, bytes, sizeof(bytes)), line, rest = got;

		if (!str_starts(got, STR("MESSAGE")))
			continue;
		copies++;
		buf_clear(&answer);
		buf_add_str(&answer, STR("SIP/2.0 430 Flow Failed\r\n"));
		str_cut(rest, '\n', &line, &rest);
		while (str_cut(rest, '\n', &line, &rest))
			if (str_starts(line, STR("Via")) || str_starts(line, STR("From")) ||
				str_starts(line, STR("To")) || str_starts(line, STR("Call-ID")) ||
				str_starts(line, STR("CSeq")))
				buf_addf(&answer, STR_FMT "\n", STR_ARG(line));
		buf_add_str(&answer, STR("Content-Length: 0\r\n\r\n"));
		client_bytes(&c, answer.p, answer.n);
	}
	assert_int_equal(copies, 2);
	client_free(&c);
}

/* Without rport the answer goes to the port of the Via (18.2.2). A port each, and the flows to them
 * took the places of all connections. */
static void test_via_ports(void **state)
{
	struct client c;
	struct net_manager_stats s;

	(void)state;
	client_new(&c);
	for (unsigned i = 0; i < 5; i++)
		client_send(&c, "OPTIONS", "sip:test.invalid", 20000 + i, NULL);
	s = net_manager_stats(endpoint_manager_net(c.serve->manager));
	assert_int_equal(s.flows, 6);
	assert_int_equal(s.incoming, 6);
	client_free(&c);
}

/* RFC 5626 8: who takes outbound registrations over UDP answers the keep-alive. */
static void test_stun(void **state)
{
	static const unsigned char ask[20] = { 0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 'i', 'd' };
	struct client c;
	char bytes[4096];
	struct str got;

	(void)state;
	client_new(&c);
	client_bytes(&c, ask, sizeof(ask));
	got = client_got(&c, bytes, sizeof(bytes));
	assert_int_equal(got.n, 32);
	assert_memory_equal(got.p, "\x01\x01\x00\x0c", 4);
	assert_memory_equal(got.p + 4, ask + 4, 16);
	assert_int_equal(
		((unsigned char)got.p[26] ^ 0x21) << 8 | ((unsigned char)got.p[27] ^ 0x12), c.port);
	assert_memory_equal(got.p + 28, "\x5e\x12\xa4\x43", 4); /* 127.0.0.1 */
	/* an answer gets none */
	client_bytes(&c, "\x01\x01\x00\x00\x21\x12\xa4\x42idididididid", 20);
	assert_int_equal(client_got(&c, bytes, sizeof(bytes)).n, 0);
	client_free(&c);
}

/* ---- user agents ---- */

/* A BENOTIFY is never answered, and its transaction had no other end. */
static void test_unanswered_ends(void **state)
{
	struct peer *p = peer_new();
	struct ua *u = ua_at(p, NET_UDP);
	struct op *o;

	(void)state;
	p->hook = peer_registrar;
	o = op_register(u, (struct registration_config){ .keep = true });
	rig_wait(o->heard.count[ENDPOINT_REGISTRATION], 1);
	for (unsigned i = 0; i < 10; i++) {
		char text[400];
		int n = snprintf(text, sizeof(text),
			"BENOTIFY sip:alice@x SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK%u\r\n"
			"Max-Forwards: 70\r\nFrom: <sip:x@x>;tag=1\r\n"
			"To: <sip:alice@example.test>\r\nCall-ID: c\r\nCSeq: 1 BENOTIFY\r\n"
			"Content-Length: 0\r\n\r\n",
			p->text, i);

		peer_send(p, peer_last(p), (struct str){ text, (size_t)n });
	}
	rig_idle(50);
	assert_int_equal(u->m->server_txs.count, 10);
	assert_true(u->m->server_bytes > 0);
	rig_idle(64 * 20 + PEER_LATE);
	assert_int_equal(u->m->server_txs.count, 0);
	assert_int_equal(u->m->server_bytes, 0);
	op_free(o);
	ua_free(u);
	peer_free(p);
}

static void hang_up(struct peer *p, const struct peer_got *g)
{
	peer_registrar(p, g);
	peer_drop(p, false);
}

/* A server that hangs up behind each of its answers got hundreds of REGISTERs a second. */
static void test_no_storm(void **state)
{
	struct peer *p = peer_new();
	struct ua *u = ua_at(p, NET_TCP);
	struct op *o;

	(void)state;
	p->hook = hang_up;
	o = op_register(u, (struct registration_config){ .keep = true });
	rig_wait(p->requests, 2); /* the first drop is answered at once */
	rig_idle(700);
	assert_int_equal(p->requests, 2);
	rig_wait(p->requests, 3); /* the second one after a second */
	op_free(o);
	ua_free(u);
	peer_free(p);
}

static void silent(struct peer *p, const struct peer_got *g)
{
	(void)p;
	(void)g;
}

/* Stopped with its first REGISTER on the way, it left behind what that had bound. */
static void test_stop_on_the_way(void **state)
{
	struct peer *p = peer_new();
	struct ua *u = ua_at(p, NET_UDP);
	struct op *o;

	(void)state;
	p->hook = silent;
	o = op_register(u, (struct registration_config){ .keep = true, .timeout_ms = 2000 });
	rig_wait(p->requests, 1);
	p->hook = peer_registrar;
	registration_stop(o->reg);
	op_wait(o);
	assert_int_equal(o->heard.final, ENDPOINT_CLOSED);
	assert_int_equal(p->requests, 2);
	assert_int_equal(msg_seconds(peer_msg(p, p->count - 1), SIP_HDR_EXPIRES), 0);
	op_end(o);
	ua_free(u);
	peer_free(p);
}

/* Two flows of one registration, refused in the same pass of the loop: there is one end (R6). */
static void test_one_end(void **state)
{
	static const unsigned ids[] = { 1, 2 };
	struct peer *p = peer_new();
	struct ua *u = ua_new((struct endpoint_manager_config){ .kind = NET_CLIENT },
		(struct endpoint_config){ .servers = &p->server,
			.server_count = 1,
			.transport = NET_UDP,
			.instance = STR("urn:uuid:00000000-0000-1000-8000-000a95a0e128") });
	struct op *o;

	(void)state;
	peer_script(p, STEPS({ 0 }));
	o = op_register(u, (struct registration_config){
				   .outbound = true, .reg_ids = ids, .reg_id_count = 2 });
	rig_wait(p->requests, 2);
	peer_reply(p, peer_request(p, 0), 403, NULL);
	peer_reply(p, peer_request(p, 1), 403, NULL);
	op_failed(o, FAIL_STATUS, 403);
	op_end(o); /* nothing more comes */
	ua_free(u);
	peer_free(p);
}

static void free_all(struct heard *h, const struct endpoint_event *ev)
{
	struct ua *u = h->arg;

	if (ev->type != ENDPOINT_RESPONSE || !u->m)
		return;
	request_free(((struct op *)u->creds)->r);
	endpoint_free(u->ep);
	endpoint_manager_free(u->m);
	u->ep = NULL;
	u->m = NULL;
}

/* The handler of a response frees everything, the manager too (R3). */
static void test_free_manager(void **state)
{
	struct peer *p = peer_new();
	struct ua *u = ua_at(p, NET_UDP);
	struct op *o;

	(void)state;
	peer_script(p, STEPS({ 200 }));
	o = op_request(u, (struct request_config){ 0 });
	u->heard.hook = free_all;
	u->heard.arg = u;
	u->creds = (struct cred_store *)o; /* what the hook needs */
	rig_wait(u->heard.count[ENDPOINT_RESPONSE], 1);
	rig_idle(20);
	assert_null(u->m);
	u->creds = NULL;
	o->r = NULL;
	op_free(o);
	ua_free(u);
	peer_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nul_in_user),
		cmocka_unit_test(test_flow_failed_twice),
		cmocka_unit_test(test_via_ports),
		cmocka_unit_test(test_stun),
		cmocka_unit_test(test_unanswered_ends),
		cmocka_unit_test(test_no_storm),
		cmocka_unit_test(test_stop_on_the_way),
		cmocka_unit_test(test_one_end),
		cmocka_unit_test(test_free_manager),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
