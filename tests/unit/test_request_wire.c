/* tests/unit/test_request_wire.c -- requests of lib/endpoint on the wire: forged and odd responses,
 * large requests, what is written into a message and what is refused */
#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "peer_rig.h"

/* --- forged responses, A59 ---------------------------------------------------------------------- */

static unsigned unexpected;

static void on_trace(void *arg, const struct trace_event *ev)
{
	(void)arg;
	if (ev->kind == TRACE_MSG_IN && ev->unexpected)
		unexpected++;
}

static const struct trace forged_trace = { .fn = on_trace, .mask = 1U << TRACE_MSG_IN };

struct forgery {
	const char *name, *old, *new; /* the first `old` of the right response becomes `new` */
};

static void text_replace(struct buf *out, struct str s, const char *old, const char *new)
{
	const char *at = memmem(s.p, s.n, old, strlen(old));

	assert_non_null(at);
	buf_add(out, s.p, (size_t)(at - s.p));
	buf_add_str(out, str_of(new));
	at += strlen(old);
	buf_add(out, at, (size_t)(s.p + s.n - at));
}

static void forge(struct peer *p, const struct peer_got *g)
{
	const struct forgery *f = p->hook_arg;
	CLEANUP(buf_done) struct buf right = BUF_INIT(65536);
	CLEANUP(buf_done) struct buf wrong = BUF_INIT(65536);

	if (p->requests > 1 || g->again)
		return;
	peer_response(&right, p, g, 200, NULL);
	text_replace(&wrong, buf_str(&right), f->old, f->new);
	peer_send(p, g, buf_str(&wrong));
	peer_reply_later(p, g, 204, NULL, 40, false);
}

static void test_forged(void **state)
{
	static const struct forgery forgeries[] = {
		{ "a second Via", "From:",
			"Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx\r\nFrom:" },
		{ "a second Via in one line", ";branch=", ";x, SIP/2.0/UDP 192.0.2.1;branch=" },
		{ "no Via", "Via:", "X-Via:" },
		{ "another Call-ID", "Call-ID: ", "Call-ID: x" },
		{ "no Call-ID", "Call-ID: ", "X-Call-ID: " },
		{ "another method", " OPTIONS\r\n", " MESSAGE\r\n" },
		{ "the method in lower case", " OPTIONS\r\n", " options\r\n" },
		{ "another branch", "branch=z9hG4bK", "branch=z9hG4bKx" },
		{ "another sent-by host", "127.0.0.1:", "127.0.0.9:" },
		{ "another sent-by port", "127.0.0.1:", "127.0.0.1:1" },
		{ "status 700", "SIP/2.0 200", "SIP/2.0 700" },
		{ "status 099", "SIP/2.0 200", "SIP/2.0 099" },
		{ "a status of 64 bits", "SIP/2.0 200", "SIP/2.0 4294967496" },
		{ "status 2000", "SIP/2.0 200", "SIP/2.0 2000" },
		{ "another version", "SIP/2.0 200", "SIP/3.0 200" },
		{ "no CSeq", "CSeq:", "X-CSeq:" },
		{ "a CSeq that is no number", "CSeq: 1", "CSeq: one" },
		{ "a Content-Length beyond the end", "Content-Length: 0", "Content-Length: 100" },
		{ "no Content-Length value", "Content-Length: 0", "Content-Length: x" },
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(forgeries); i++) {
		struct peer *p = peer_new();
		struct ua *u = ua_new((struct endpoint_manager_config){ .kind = NET_CLIENT,
					      .timers = rig_timers(200),
					      .trace = &forged_trace },
			(struct endpoint_config){ .servers = &p->server, .server_count = 1 });
		struct op *o;
		p->hook = forge;
		p->hook_arg = (void *)(uintptr_t)&forgeries[i];
		unexpected = 0;
		o = op_request(u, (struct request_config){ 0 });
		op_wait(o);
		if (o->heard.status != 204)
			fail_msg("taken: %s (%u, %s)", forgeries[i].name, o->heard.status,
				fail_show(&o->heard.fail));
		if (unexpected != 1)
			fail_msg("not traced as unexpected: %s", forgeries[i].name);
		assert_int_equal(u->heard.count[ENDPOINT_RESPONSE], 1);
		op_end(o);
		ua_free(u);
		peer_free(p);
	}
}

/* What tells nothing about the transaction may differ. */
static void test_tolerated(void **state)
{
	static const struct forgery others[] = {
		{ "another CSeq number", "CSeq: 1", "CSeq: 01" },
		{ "no To tag", ";tag=peer", "" },
		{ "compact names", "Via:", "v:" },
		{ "no received", ";received=127.0.0.1", "" },
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(others); i++) {
		struct peer *p = peer_new();
		struct ua *u = ua_new((struct endpoint_manager_config){ .kind = NET_CLIENT,
					      .timers = rig_timers(200) },
			(struct endpoint_config){ .servers = &p->server, .server_count = 1 });
		struct op *o;
		p->hook = forge;
		p->hook_arg = (void *)(uintptr_t)&others[i];
		o = op_request(u, (struct request_config){ 0 });
		op_wait(o);
		if (o->heard.status != 200)
			fail_msg("not taken: %s (%u)", others[i].name, o->heard.status);
		op_end(o);
		ua_free(u);
		peer_free(p);
	}
}

/* Ruling 7: the source address of a response may differ. */
static void answer_elsewhere(struct peer *p, const struct peer_got *g)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(65536);

	peer_response(&b, p, g, 200, NULL);
	peer_send_to(p->hook_arg, &g->from, 0, buf_str(&b));
}

static void test_other_source(void **state)
{
	struct peer *p, *q;

	(void)state;
	for (int kind = 0; kind < 2; kind++) {
		struct ua *u = ua_manager((struct endpoint_manager_config){ .kind = NET_SERVER });
		struct op *o;
		char target[96];
		peer_pair(&p, &q);
		p->hook = answer_elsewhere;
		p->hook_arg = q; /* the same port of another address */
		assert_int_equal(endpoint_manager_listen(u->m, STR("udp:127.0.0.1:0"), NULL), 0);
		assert_int_equal(ua_endpoint(u, (struct endpoint_config){
							.kind = kind ? ENDPOINT_PEER_TO_PEER
								     : ENDPOINT_SERVER_BASED,
							.servers = &p->server,
							.server_count = kind ? 0 : 1 }),
			0);
		snprintf(target, sizeof(target), "sip:bob@%s", p->text);
		o = op_request(u, (struct request_config){ .target = str_of(target) });
		op_done(o, 200);
		op_end(o);
		ua_free(u);
		peer_free(p);
		peer_free(q);
	}
}

/* Bytes that are no SIP at all do no harm. */
static void answer_junk(struct peer *p, const struct peer_got *g)
{
	static const char *const junk[] = { "", "x", "\r\n\r\n", "SIP/2.0", "SIP/2.0 200 OK\r\n\r\n",
		"HTTP/1.1 200 OK\r\n\r\n", "\x16\x03\x01\x02", "OPTIONS" };

	for (unsigned i = 0; i < ARRAY_LEN(junk); i++)
		peer_send(p, g, str_of(junk[i]));
	peer_reply(p, g, 200, NULL);
}

static void test_junk(void **state)
{
	struct peer *p = peer_new();
	struct ua *u = ua_at(p, NET_UDP);
	struct op *o;

	(void)state;
	p->hook = answer_junk;
	o = op_request(u, (struct request_config){ 0 });
	op_done(o, 200);
	op_end(o);
	ua_free(u);

	/* On a stream it ends the connection, and the request with it. */
	u = ua_at(p, NET_TCP);
	o = op_request(u, (struct request_config){ 0 });
	op_wait(o);
	assert_int_equal(o->heard.final, ENDPOINT_FAILED);
	assert_between(op_ms(o), 0, 1000);
	op_end(o);
	ua_free(u);
	peer_free(p);
}

/* A response in two segments, two responses in one, and byte by byte. */
static void answer_split(struct peer *p, const struct peer_got *g)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(65536);

	peer_response(&b, p, g, 180, NULL);
	peer_response(&b, p, g, 200, NULL);
	for (size_t i = 0; i < b.n; i++) {
		peer_send(p, g, (struct str){ b.p + i, 1 });
		if (i % 7 == 0)
			usleep(50);
	}
}

static void test_split_stream(void **state)
{
	struct peer *p = peer_new();
	struct ua *u = ua_at(p, NET_TCP);
	struct op *o;

	(void)state;
	p->hook = answer_split;
	o = op_request(u, (struct request_config){ 0 });
	op_done(o, 200);
	assert_int_equal(u->heard.count[ENDPOINT_RESPONSE], 2);
	op_end(o);
	ua_free(u);
	peer_free(p);
}

/* --- large requests, RFC 3261 18.1.1 and ruling 3 ------------------------------------------------ */

static char large[4000];

static struct op *send_large(struct ua *u, size_t n, const char *target)
{
	memset(large, 'x', sizeof(large));
	return op_request(u, (struct request_config){ .method = STR("MESSAGE"),
				     .target = target ? str_of(target) : (struct str){ 0 },
				     .body = { large, n },
				     .type = STR("text/plain") });
}

static void test_large(void **state)
{
	struct peer *p = peer_new();
	struct ua *u = ua_new((struct endpoint_manager_config){ .kind = NET_CLIENT },
		(struct endpoint_config){
			.servers = &p->server, .server_count = 1, .transport = -1 });
	struct op *o;
	unsigned fixed;

	(void)state;
	peer_script(p, STEPS({ 200 }));
	o = send_large(u, 500, NULL);
	op_done(o, 200);
	assert_int_equal(peer_last(p)->transport, NET_UDP);
	fixed = peer_last(p)->bytes - 500;
	op_end(o);
	/* 1300 bytes are fine, one more is not. */
	o = send_large(u, 1300 - fixed, NULL);
	op_done(o, 200);
	assert_int_equal(peer_last(p)->bytes, 1300);
	assert_int_equal(peer_last(p)->transport, NET_UDP);
	op_end(o);
	o = send_large(u, 1301 - fixed, NULL);
	op_done(o, 200);
	assert_int_equal(peer_last(p)->transport, NET_TCP);
	assert_str(msg_via(peer_last(p)->msg).transport, "TCP");
	op_end(o);
	/* Small ones stay on UDP. */
	o = send_large(u, 10, NULL);
	op_done(o, 200);
	assert_int_equal(peer_last(p)->transport, NET_UDP);
	op_end(o);
	/* Back to UDP if TCP is refused. */
	peer_close_tcp(p);
	rig_idle(20);
	o = send_large(u, 2000, NULL);
	op_done(o, 200);
	assert_between(op_ms(o), 0, 1000);
	assert_int_equal(peer_last(p)->transport, NET_UDP);
	assert_str(msg_via(peer_last(p)->msg).transport, "UDP");
	op_end(o);
	ua_free(u);
	peer_free(p);
}

static void test_large_udp_only(void **state)
{
	struct peer *p = peer_new();
	struct ua *u = ua_new((struct endpoint_manager_config){ .kind = NET_CLIENT },
		(struct endpoint_config){ .servers = &p->server,
			.server_count = 1,
			.transport = NET_UDP,
			.udp_only = true });
	struct op *o;

	(void)state;
	peer_script(p, STEPS({ 200 }));
	o = send_large(u, 3000, NULL);
	op_done(o, 200);
	assert_int_equal(peer_last(p)->transport, NET_UDP);
	assert_int_equal(p->accepted, 0);
	op_end(o);
	ua_free(u);
	peer_free(p);
}

static void test_large_p2p(void **state)
{
	struct peer *p = peer_new();
	struct ua *u = ua_p2p(-1);
	char target[96];
	struct op *o;

	(void)state;
	snprintf(target, sizeof(target), "sip:bob@%s", p->text);
	peer_script(p, STEPS({ 200 }));
	o = send_large(u, 2000, target);
	op_done(o, 200);
	assert_int_equal(peer_last(p)->transport, NET_TCP);
	op_end(o);
	peer_close_tcp(p);
	rig_idle(20);
	o = send_large(u, 2000, target);
	op_done(o, 200);
	assert_int_equal(peer_last(p)->transport, NET_UDP);
	op_end(o);
	/* Nobody at all: one failure, quickly. */
	peer_close_udp(p);
	o = send_large(u, 2000, target);
	op_failed(o, FAIL_CONNECT, 0);
	assert_between(op_ms(o), 0, 1000);
	op_end(o);
	ua_free(u);
	peer_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forged),
		cmocka_unit_test(test_tolerated),
		cmocka_unit_test(test_other_source),
		cmocka_unit_test(test_junk),
		cmocka_unit_test(test_split_stream),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_large_udp_only),
		cmocka_unit_test(test_large_p2p),
	};

	net_loop();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
