/* tests/unit/test_serve_proxy.c -- the test server of lib/serve: requests to registered bindings
 * over their flows (RFC 3261 section 16, RFC 5626, RFC 5627), --reply rules, --fault and --control.
 * Raw messages over UDP and TCP. */
#include "base/buf.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "serve_rig.h"

#include "sip/sdp.h"

/* bob, registered by a peer of his own. */
struct call {
	struct srv *v;
	struct peer *bob;
	unsigned conn; /* bob's to the server; 0: UDP */
};

static struct call call_new(struct serve_config c, bool tcp)
{
	struct call x = { .v = srv_new(c), .bob = peer_new() };

	if (tcp)
		x.conn = peer_connect(x.bob, &x.v->tcp);
	assert_int_equal(
		srv_register(x.v,
			&(struct reg){
				.user = "bob", .expires = "600", .peer = x.bob, .conn = x.conn })
			->status,
		200);
	return x;
}

static void call_free(struct call *x)
{
	srv_free(x->v);
	peer_free(x->bob);
}

static const struct ask to_bob = { .method = "MESSAGE",
	.uri = "sip:bob@test.invalid",
	.to = "<sip:bob@test.invalid>",
	.from = "<sip:carol@elsewhere.test>;tag=1",
	.lines = "Content-Type: text/plain\r\nX-Kept: as it is\r\nRequire: foo\r\n",
	.body = "hello" };

/* --- requests to the server itself
 * ---------------------------------------------------------------------- */

static void test_own(void **state)
{
	struct srv *v = srv_new((struct serve_config){ 0 });
	static const struct {
		struct ask ask;
		unsigned status;
	} cases[] = {
		{ { .uri = "sip:test.invalid" }, 200 },
		{ { .uri = "sip:test.invalid", .max_forwards = "0" },
			200 }, /* 16.3: it is for us */
		{ { .uri = "sip:TEST.INVALID" }, 200 },
		{ { .uri = "sip:test.invalid", .method = "MESSAGE" }, 405 },
		{ { .uri = "sip:test.invalid", .method = "FOO" }, 501 },
		{ { .uri = "sip:test.invalid", .lines = "Require: foo\r\n" }, 420 },
		{ { .uri = "sip:test.invalid", .cseq = "1 FOO" }, 400 },
		{ { .uri = "tel:+1555" }, 416 },
		{ { .uri = "sip:test.invalid", .method = "CANCEL" }, 481 },
	};
	char uri[96];

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
		unsigned status = srv_ask(v, &cases[i].ask)->status;
		if (status != cases[i].status)
			fail_msg("case %u: %u", i, status);
	}
	snprintf(uri, sizeof(uri), "sip:%s", v->text); /* by its address */
	assert_int_equal(srv_ask(v, &(struct ask){ .uri = uri })->status, 200);
	assert_int_equal(v->last_replied, 200);
	assert_string_equal(v->last_method, "OPTIONS");
	assert_null(srv_ask_within(v, v->p, 0, &(struct ask){ .method = "ACK", .uri = uri }, 40));
	srv_over_tcp(v, v->p);
	assert_int_equal(srv_ask(v, &(struct ask){ .uri = uri })->status, 200);
	srv_free(v);
}

/* --- the proxy
 * ---------------------------------------------------------------------------------------------- */

static void forwards_over(bool bob_tcp, bool asker_tcp)
{
	struct call x = call_new((struct serve_config){ 0 }, bob_tcp);
	const struct peer_got *got;
	struct sip_list l;
	struct sip_via via, own;
	struct sip_msg *m;
	unsigned status;

	if (asker_tcp)
		srv_over_tcp(x.v, x.v->p);
	peer_script(x.bob, STEPS({ 100, .more = true }, { 180, .more = true },
				   { 202, "X-Answer: kept\r\nContact: <sip:bob@192.0.2.1>\r\n" }));
	m = srv_ask(x.v, &to_bob);
	assert_int_equal(m->status, 202);
	assert_str(msg_named(m, "X-Answer"), "kept");
	assert_int_equal(msg_count(m, SIP_HDR_VIA), 1);
	assert_str(sip_msg_to_tag(m), "peer");
	/* 100 ends at the server, 180 goes on. */
	assert_int_equal(x.v->p->responses, 2);

	assert_int_equal(x.bob->requests, 1);
	got = peer_request(x.bob, 0);
	assert_int_equal(sip_msg_check(got->msg, !bob_tcp, &status, NULL), SIP_ACCEPT);
	assert_int_equal(got->transport, bob_tcp ? NET_TCP : NET_UDP);
	assert_int_equal(got->conn, x.conn); /* the flow it was registered over */
	assert_has(got->msg->request_uri, "sip:bob@127.0.0.1"); /* 16.6: the Contact */
	assert_str(got->msg->body, "hello");
	assert_str(sip_msg_value(got->msg, SIP_HDR_CONTENT_TYPE), "text/plain");
	assert_str(msg_named(got->msg, "X-Kept"), "as it is");
	assert_str(sip_msg_value(got->msg, SIP_HDR_REQUIRE), "foo"); /* not for proxies */
	assert_str(sip_msg_value(got->msg, SIP_HDR_MAX_FORWARDS), "69");
	assert_str(sip_msg_value(got->msg, SIP_HDR_TO), "<sip:bob@test.invalid>");
	assert_str(sip_msg_value(got->msg, SIP_HDR_FROM), "<sip:carol@elsewhere.test>;tag=1");
	assert_int_equal(msg_cseq(got->msg), 7);
	assert_null(sip_msg_hdr(got->msg, SIP_HDR_ROUTE));
	l = sip_msg_list(got->msg, SIP_HDR_VIA);
	assert_true(sip_list_via(&l, &own));
	assert_true(sip_via_cookie(&own));
	assert_str(own.transport, bob_tcp ? "TCP" : "UDP");
	assert_true(sip_list_via(&l, &via));
	assert_str(via.received, "127.0.0.1"); /* 18.2.1 */
	assert_false(str_eq(via.branch, own.branch));
	assert_false(sip_list_via(&l, &via));
	call_free(&x);
}

static void test_forwards(void **state)
{
	(void)state;
	forwards_over(false, false);
	forwards_over(false, true);
	forwards_over(true, false);
	forwards_over(true, true);
}

/* Retransmissions stop at the server, on both sides. */
static void test_stateful(void **state)
{
	struct call x = call_new((struct serve_config){ 0 }, false);
	CLEANUP(buf_done) struct buf b = BUF_INIT(65536);

	(void)state;
	peer_script(x.bob, STEPS({ 200, .after_ms = 60 }));
	asked++;
	peer_ask_write(&b, x.v->p, 0, &to_bob);
	for (int i = 0; i < 4; i++) {
		peer_send_to(x.v->p, &x.v->udp, 0, buf_str(&b));
		rig_idle(8);
	}
	rig_wait(x.v->p->responses, 1);
	assert_int_equal(x.bob->requests, 1);
	assert_true(x.bob->retransmissions >= 1); /* Timer E of the server: 10, 20 ms ... */
	peer_send_to(x.v->p, &x.v->udp, 0, buf_str(&b));
	rig_wait(x.v->p->responses, 2);
	assert_true(str_eq(x.v->p->got[0].msg->wire, x.v->p->got[1].msg->wire));
	assert_int_equal(x.bob->requests, 1);
	call_free(&x);
}

/* Whatever the answer is, it goes back as it came; a 503 would mean us (16.7 step 6). */
static void test_answers(void **state)
{
	static const unsigned statuses[] = { 200, 202, 302, 400, 401, 404, 407, 423, 480, 486, 500,
		503, 600, 699 };
	struct call x = call_new((struct serve_config){ 0 }, false);

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(statuses); i++) {
		unsigned before = x.v->p->responses;
		peer_script(
			x.bob, &(struct peer_step){ statuses[i], "Warning: 399 x \"y\"\r\n" }, 1);
		assert_int_equal(
			srv_ask(x.v, &to_bob)->status, statuses[i] == 503 ? 500 : statuses[i]);
		rig_idle(15);
		assert_int_equal(x.v->p->responses, before + 1);
	}
	call_free(&x);
}

/* Nobody answers: 408 after Timer F (16.8), and nothing stays. */
static void test_silent(void **state)
{
	struct call x = call_new((struct serve_config){ 0 }, false);
	double began = rig_ms();
	struct sip_msg *m;

	(void)state;
	peer_script(x.bob, STEPS({ 0 }));
	m = srv_ask(x.v, &to_bob);
	assert_int_equal(m->status, 408);
	assert_between(rig_ms() - began, 639, 640 + PEER_LATE);
	call_free(&x);
}

static void test_nobody(void **state)
{
	struct serve_user users[] = { srv_user("bob", "secret"), srv_user("dave", "secret") };
	struct call x = call_new((struct serve_config){ .users = users, .user_count = 2 }, false);
	struct ask a = to_bob;

	(void)state;
	/* Known, but not there: 480. Not known: 404. */
	a.uri = "sip:dave@test.invalid";
	assert_int_equal(srv_ask(x.v, &a)->status, 480);
	a.uri = "sip:nobody@test.invalid";
	assert_int_equal(srv_ask(x.v, &a)->status, 404);
	a.uri = "sip:bob@other.test";
	assert_true(srv_ask(x.v, &a)->status >= 400);
	/* Escapes are undone, letters are not changed. */
	a.uri = "sip:%62ob@test.invalid";
	peer_script(x.bob, STEPS({ 200 }));
	assert_int_equal(srv_ask(x.v, &a)->status, 200);
	a.uri = "sip:BOB@test.invalid";
	assert_int_equal(srv_ask(x.v, &a)->status, 404);
	/* Removed: not there any more. */
	srv_register(x.v, &(struct reg){ .user = "bob", .expires = "0", .peer = x.bob });
	a.uri = "sip:bob@test.invalid";
	assert_int_equal(srv_ask(x.v, &a)->status, 480);
	call_free(&x);
}

static void test_checks(void **state)
{
	struct call x = call_new((struct serve_config){ 0 }, false);
	struct ask a = to_bob;
	struct sip_msg *m;
	char via[320];

	(void)state;
	peer_script(x.bob, STEPS({ 200 }));
	a.max_forwards = "0"; /* 16.3 step 3 */
	assert_int_equal(srv_ask(x.v, &a)->status, 483);
	a.max_forwards = "1";
	assert_int_equal(srv_ask(x.v, &a)->status, 200);
	assert_str(sip_msg_value(peer_last(x.bob)->msg, SIP_HDR_MAX_FORWARDS), "0");
	a.max_forwards = NULL;
	a.lines = "Proxy-Require: foo\r\n"; /* step 5 */
	m = srv_ask(x.v, &a);
	assert_int_equal(m->status, 420);
	assert_true(sip_msg_has_token(m, SIP_HDR_UNSUPPORTED, "foo"));
	a.lines = NULL;
	/* step 4: what comes back unchanged is a loop: 482. */
	assert_int_equal(srv_ask(x.v, &a)->status, 200);
	snprintf(via, sizeof(via), "SIP/2.0/UDP %s;branch=z9hG4bKback%u;rport, %.*s", x.v->p->text,
		asked, STR_ARG(sip_msg_value(peer_last(x.bob)->msg, SIP_HDR_VIA)));
	{
		struct ask loop = a;
		char call_id[64];
		snprintf(call_id, sizeof(call_id), STR_FMT,
			STR_ARG(sip_msg_call_id(peer_last(x.bob)->msg)));
		loop.via = via;
		loop.call_id = call_id;
		assert_int_equal(srv_ask(x.v, &loop)->status, 482);
		/* With another Request-URI it is a spiral, and fine. */
		snprintf(via, sizeof(via), "SIP/2.0/UDP %s;branch=z9hG4bKback%u;rport, %.*s",
			x.v->p->text, asked,
			STR_ARG(sip_msg_value(peer_last(x.bob)->msg, SIP_HDR_VIA)));
		loop.uri = "sip:bob@test.invalid;x=y";
		assert_int_equal(srv_ask(x.v, &loop)->status, 200);
	}
	call_free(&x);
}

/* A72: a binding that leads back to the server does not run in circles. */
static void test_loop(void **state)
{
	struct srv *v = srv_new((struct serve_config){ 0 });
	char contact[128];
	struct sip_msg *m;

	(void)state;
	snprintf(contact, sizeof(contact), "<sip:bob@%s>", v->text);
	assert_int_equal(
		srv_register(v, &(struct reg){ .user = "bob", .contact = contact, .expires = "60" })
			->status,
		200);
	m = srv_ask_within(v, v->p, 0, &to_bob, 2000);
	/* It goes over the flow that registered, back to us: one request, or refused at once. */
	if (m)
		assert_true(m->status >= 400);
	assert_true(v->p->requests <= 1);
	srv_free(v);
}

/* RFC 3327: the stored Path becomes the Route. */
static void test_path(void **state)
{
	struct call x = call_new((struct serve_config){ 0 }, false);
	struct sip_list l;
	struct sip_nameaddr r;

	(void)state;
	srv_register(x.v, &(struct reg){ .user = "bob",
				  .expires = "600",
				  .peer = x.bob,
				  .lines = "Supported: path\r\nPath: <sip:p1.test;lr>, "
					   "<sip:p2.test;lr>\r\n" });
	peer_script(x.bob, STEPS({ 200 }));
	assert_int_equal(srv_ask(x.v, &to_bob)->status, 200);
	l = sip_msg_list(peer_last(x.bob)->msg, SIP_HDR_ROUTE);
	assert_true(sip_list_nameaddr(&l, &r));
	assert_str(r.uri.text, "sip:p1.test;lr");
	assert_true(sip_list_nameaddr(&l, &r));
	assert_str(r.uri.text, "sip:p2.test;lr");
	call_free(&x);
}

/* The highest q, then the newest; after its removal the other. */
static void test_choice(void **state)
{
	struct call x = call_new((struct serve_config){ 0 }, false);
	struct peer *other = peer_new();

	(void)state;
	peer_script(x.bob, STEPS({ 200 }));
	peer_script(other, STEPS({ 200 }));
	srv_register(
		x.v, &(struct reg){
			     .user = "bob", .params = ";q=0.5", .expires = "600", .peer = x.bob });
	srv_register(
		x.v, &(struct reg){
			     .user = "bob", .params = ";q=0.9", .expires = "600", .peer = other });
	assert_int_equal(srv_ask(x.v, &to_bob)->status, 200);
	assert_int_equal(other->requests, 1);
	srv_register(
		x.v, &(struct reg){
			     .user = "bob", .params = ";q=0.1", .expires = "600", .peer = other });
	assert_int_equal(srv_ask(x.v, &to_bob)->status, 200);
	assert_int_equal(x.bob->requests, 1);
	srv_register(x.v, &(struct reg){ .user = "bob", .expires = "0", .peer = x.bob });
	assert_int_equal(srv_ask(x.v, &to_bob)->status, 200);
	assert_int_equal(other->requests, 2);
	call_free(&x);
	peer_free(other);
}

/* RFC 5627: a GRUU names one instance, whatever q says. */
static void test_gruu(void **state)
{
	struct call x = call_new((struct serve_config){ 0 }, false);
	struct peer *other = peer_new();
	char pub[256], temp[256];
	struct ask a = to_bob;
	struct sip_msg *m;

	(void)state;
	peer_script(x.bob, STEPS({ 200 }));
	peer_script(other, STEPS({ 200 }));
	m = srv_register(x.v, &(struct reg){ .user = "bob",
				      .expires = "600",
				      .peer = other,
				      .params = ";q=0.1;+sip.instance=\"<" SRV_INSTANCE ">\"",
				      .lines = "Supported: gruu\r\n" });
	for (unsigned i = 0; i < contacts_in(m); i++)
		if (param_at(m, i, "pub-gruu", pub, sizeof(pub)))
			assert_true(param_at(m, i, "temp-gruu", temp, sizeof(temp)));
	a.uri = pub;
	assert_int_equal(srv_ask(x.v, &a)->status, 200);
	assert_int_equal(other->requests, 1);
	a.uri = temp;
	assert_int_equal(srv_ask(x.v, &a)->status, 200);
	assert_int_equal(other->requests, 2);
	assert_int_equal(x.bob->requests, 0);
	/* One that was never given out, and one whose instance has gone. */
	a.uri = "sip:bob@test.invalid;gr=urn:uuid:00000000-0000-0000-0000-000000000000";
	m = srv_ask(x.v, &a);
	assert_true(m->status == 404 || m->status == 480);
	a.uri = "sip:nobody@test.invalid;gr";
	m = srv_ask(x.v, &a);
	assert_true(m->status == 404 || m->status == 480);
	srv_register(x.v, &(struct reg){ .user = "bob",
				  .expires = "0",
				  .peer = other,
				  .params = ";+sip.instance=\"<" SRV_INSTANCE ">\"" });
	a.uri = pub;
	assert_int_equal(srv_ask(x.v, &a)->status, 480);
	assert_int_equal(x.bob->requests, 0);
	call_free(&x);
	peer_free(other);
}

/* Over its connection only: with that gone the binding is, too (RFC 5626 5.3). */
static void test_lost_flow(void **state)
{
	struct call x = call_new((struct serve_config){ 0 }, true);
	struct sip_msg *m;

	(void)state;
	peer_script(x.bob, STEPS({ 200 }));
	assert_int_equal(srv_ask(x.v, &to_bob)->status, 200);
	peer_drop(x.bob, false);
	rig_idle(20);
	m = srv_ask(x.v, &to_bob);
	assert_true(m->status == 430 || m->status == 480);
	assert_int_equal(x.bob->accepted, 0); /* nobody connects to the Contact */
	call_free(&x);

	/* Dropped while the request is on its way. */
	x = call_new((struct serve_config){ 0 }, true);
	peer_script(x.bob, STEPS({ 0, .close = true }));
	m = srv_ask(x.v, &to_bob);
	assert_true(m->status == 430 || m->status == 480);
	call_free(&x);

	/* Outbound: the other flow of the same instance takes over. */
	x.v = srv_new((struct serve_config){ 0 });
	x.bob = peer_new();
	{
		static const char *const params[] = { ";+sip.instance=\"<" SRV_INSTANCE
						      ">\";reg-id=1",
			";+sip.instance=\"<" SRV_INSTANCE ">\";reg-id=2" };
		unsigned conns[2];
		for (unsigned i = 0; i < 2; i++) {
			conns[i] = peer_connect(x.bob, &x.v->tcp);
			assert_int_equal(srv_register(x.v,
						 &(struct reg){ .user = "bob",
							 .expires = "600",
							 .peer = x.bob,
							 .conn = conns[i],
							 .params = params[i],
							 .lines = "Supported: outbound, path\r\n" })
						 ->status,
				200);
		}
		assert_int_equal(serve_bindings(x.v->s, STR("bob")), 2);
		peer_script(x.bob, STEPS({ 0, .close = true }, { 200 }));
		assert_int_equal(srv_ask(x.v, &to_bob)->status, 200);
		assert_int_equal(x.bob->requests, 2);
		assert_int_not_equal(peer_request(x.bob, 0)->conn, peer_request(x.bob, 1)->conn);
		assert_int_equal(serve_bindings(x.v->s, STR("bob")), 1);
	}
	call_free(&x);
}

/* 407 for who says that he is ours; outsiders may call in. */
static void test_challenge(void **state)
{
	struct srv *v = srv_secure(0, 0);
	struct peer *bob = peer_new();
	struct srv_challenge c[8];
	struct answer an = { .user = "bob", .password = "secret", .qop = "auth", .challenge = c };
	struct ask a = to_bob;
	CLEANUP(buf_done) struct buf lines = BUF_INIT(65536);
	struct sip_msg *m;

	(void)state;
	peer_script(bob, STEPS({ 200 }));
	m = srv_register(v, &(struct reg){ .user = "bob", .expires = "60", .peer = bob });
	srv_challenges(m, c, 8);
	assert_int_equal(
		srv_register(v,
			&(struct reg){ .user = "bob", .expires = "60", .peer = bob, .answer = &an })
			->status,
		200);
	assert_int_equal(srv_ask(v, &a)->status, 200); /* from elsewhere */
	a.from = "<sip:alice@test.invalid>;tag=2";
	m = srv_ask(v, &a);
	assert_int_equal(m->status, 407);
	assert_int_equal(srv_challenges(m, c, 8), 3);
	assert_true(c[0].proxy);
	an.user = "alice";
	answer_write(&lines, &an, "MESSAGE", a.uri, a.body);
	a.lines = buf_cstr(&lines);
	assert_int_equal(srv_ask(v, &a)->status, 200);
	/* 22.3: credentials for the server end there. */
	assert_null(sip_msg_hdr(peer_last(bob)->msg, SIP_HDR_PROXY_AUTHORIZATION));
	/* Alice's password makes nobody else of her. */
	an.nc = 2;
	buf_clear(&lines);
	answer_write(&lines, &an, "MESSAGE", a.uri, a.body);
	a.lines = buf_cstr(&lines);
	a.from = "<sip:bob@test.invalid>;tag=2";
	assert_int_equal(srv_ask(v, &a)->status, 403);
	assert_int_equal(bob->requests, 2);
	srv_free(v);
	peer_free(bob);
}

/* The peer that asked, or the one that was asked, has gone in between. */
static void test_gone(void **state)
{
	(void)state;
	for (int who = 0; who < 3; who++) {
		struct call x = call_new((struct serve_config){ 0 }, true);
		CLEANUP(buf_done) struct buf b = BUF_INIT(65536);
		srv_over_tcp(x.v, x.v->p);
		peer_script(x.bob, STEPS({ 200, .after_ms = 20 }));
		for (int i = 0; i < 3; i++) {
			asked++;
			peer_ask_write(&b, x.v->p, x.v->conn, &to_bob);
		}
		peer_send_to(x.v->p, NULL, x.v->conn, buf_str(&b));
		rig_wait(x.bob->requests, 1);
		if (who != 1)
			peer_drop(x.v->p, true);
		if (who != 0)
			peer_drop(x.bob, true);
		rig_idle(60);
		x.v->conn = 0;
		assert_int_equal(
			srv_ask(x.v, &(struct ask){ .uri = "sip:test.invalid" })->status, 200);
		call_free(&x);
	}
}

/* --- rules
 * ---------------------------------------------------------------------------------------------------
 */

static void test_rule_syntax(void **state)
{
	static const char *const good[] = { "OPTIONS=503", "REGISTER alice=403 Not now", "*=500",
		"MESSAGE=486 Busy Here;after=100ms", "REGISTER=503;retry-after=5",
		"MESSAGE bob=200;after=1s;retry-after=2", "REGISTER=0", "INVITE=699" };
	static const char *const bad[] = { "", "OPTIONS", "=200", "OPTIONS=", "OPTIONS=99",
		"OPTIONS=700", "OPTIONS=abc", "OPTIONS=200;after",
		"OPTIONS=200;after=", "OPTIONS=200;after=soon", "OPTIONS=200;later=1s",
		"OPTIONS=200;retry-after=-1", "OPTIONS=200 a\r\nX: y", "OPT IO NS=200",
		"OP\"TIONS=200", "OPTIONS=200;;after=1s" };
	struct fail f;

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(good); i++)
		if (serve_reply_check(str_of(good[i]), &f) != 0)
			fail_msg("%s: %s", good[i], f.text);
	for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
		f.text[0] = '\0';
		if (serve_reply_check(str_of(bad[i]), &f) != -FAIL_ARGUMENT)
			fail_msg("\"%s\" is taken for a rule", bad[i]);
		assert_true(f.text[0] != '\0');
	}
}

static void test_rules(void **state)
{
	const struct str replies[] = { STR("MESSAGE bob=486 Out to lunch;retry-after=7"),
		STR("REGISTER alice=500;after=100ms"), STR("PUBLISH=0"), STR("OPTIONS=503") };
	struct srv *v = srv_new((struct serve_config){ .replies = replies, .reply_count = 4 });
	struct ask a = to_bob;
	struct sip_msg *m;
	double began;

	(void)state;
	m = srv_ask(v, &a);
	assert_int_equal(m->status, 486);
	assert_str(m->reason, "Out to lunch");
	assert_int_equal(msg_seconds(m, SIP_HDR_RETRY_AFTER), 7);
	/* Of another user it says nothing. */
	a.uri = "sip:dave@test.invalid";
	a.to = "<sip:dave@test.invalid>";
	assert_int_equal(srv_ask(v, &a)->status, 480);
	began = rig_ms();
	assert_int_equal(srv_register(v, &(struct reg){ .expires = "60" })->status, 500);
	assert_between(rig_ms() - began, 99, 100 + PEER_LATE);
	assert_int_equal(
		srv_register(v, &(struct reg){ .user = "dave", .expires = "60" })->status, 200);
	/* 0 never answers. */
	assert_null(srv_ask_within(
		v, v->p, 0, &(struct ask){ .method = "PUBLISH", .uri = "sip:x@test.invalid" }, 60));
	assert_int_equal(srv_ask(v, &(struct ask){ .uri = "sip:test.invalid" })->status, 503);
	assert_int_equal(serve_bindings(v->s, STR("alice")), 0);
	srv_free(v);
	/* Freed with an answer that waits. */
	v = srv_new((struct serve_config){ .replies = replies, .reply_count = 4 });
	assert_null(srv_ask_within(v, v->p, 0,
		&(struct ask){ .method = "REGISTER",
			.uri = "sip:test.invalid",
			.to = "<sip:alice@test.invalid>" },
		20));
	srv_free(v);
}

/* --- faults
 * --------------------------------------------------------------------------------------------------
 */

static void test_fault_syntax(void **state)
{
	static const char *const good[] = { "drop:0", "drop:100", "delay:50ms", "delay:1s",
		"dup:10", "reorder:3", "truncate", "badsdp" };
	static const char *const bad[] = { "", "drop", "drop:", "drop:101", "drop:-1", "drop:x",
		"delay", "delay:", "delay:x", "truncate:1", "badsdp:1", "lose:1", "drop:1 ",
		"DROP:1" };
	struct fail f;

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(good); i++)
		if (serve_fault_check(str_of(good[i]), &f) != 0)
			fail_msg("%s: %s", good[i], f.text);
	for (unsigned i = 0; i < ARRAY_LEN(bad); i++)
		if (serve_fault_check(str_of(bad[i]), &f) != -FAIL_ARGUMENT)
			fail_msg("\"%s\" is taken for a fault", bad[i]);
}

/* Which of n requests were answered, as a bit each. */
static uint64_t pattern(struct srv *v, unsigned n)
{
	uint64_t bits = 0;
	unsigned first = v->p->count;

	for (unsigned i = 0; i < n; i++) {
		CLEANUP(buf_done) struct buf b = BUF_INIT(65536);
		char cseq[32];
		asked++;
		snprintf(cseq, sizeof(cseq), "%u OPTIONS", i + 1);
		peer_ask_write(
			&b, v->p, 0, &(struct ask){ .uri = "sip:test.invalid", .cseq = cseq });
		peer_send_to(v->p, &v->udp, 0, buf_str(&b));
		rig_idle(1);
	}
	rig_idle(30);
	for (unsigned i = first; i < v->p->count; i++)
		bits |= UINT64_C(1) << (msg_cseq(v->p->got[i].msg) - 1);
	return bits;
}

static void test_drop(void **state)
{
	struct str fault = STR("drop:50");
	uint64_t first = 0, other;
	struct srv *v;
	unsigned n = 0;

	(void)state;
	/* The same seed, the same faults. */
	for (int i = 0; i < 3; i++) {
		v = srv_new(
			(struct serve_config){ .faults = &fault, .fault_count = 1, .seed = 4711 });
		assert_int_equal(serve_seed(v->s), 4711);
		other = pattern(v, 60);
		if (i > 0 && other != first)
			fail_msg("%llx, before it was %llx", (unsigned long long)other,
				(unsigned long long)first);
		first = other;
		srv_free(v);
	}
	for (uint64_t b = first; b; b &= b - 1)
		n++;
	assert_between(n, 15, 45);
	v = srv_new((struct serve_config){ .faults = &fault, .fault_count = 1, .seed = 815 });
	assert_true(pattern(v, 60) != first);
	srv_free(v);
	/* A seed of its own is told. */
	v = srv_new((struct serve_config){ .faults = &fault, .fault_count = 1 });
	assert_true(serve_seed(v->s) != 0);
	srv_free(v);
	fault = STR("drop:100");
	v = srv_new((struct serve_config){ .faults = &fault, .fault_count = 1 });
	assert_true(pattern(v, 10) == 0);
	srv_free(v);
	fault = STR("drop:0");
	v = srv_new((struct serve_config){ .faults = &fault, .fault_count = 1 });
	assert_true(pattern(v, 60) == (UINT64_C(1) << 60) - 1);
	srv_free(v);
}

/* A description that comes from the server cannot be read, over UDP and TCP; the message around it
 * is whole, and other bodies are left alone. */
static void test_bad_sdp(void **state)
{
	static const char offer[] =
		"v=0\r\no=bob 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\n"
		"t=0 0\r\nm=audio 40000 RTP/AVP 0\r\n";
	const struct ask invite = { .method = "INVITE",
		.uri = "sip:echo@test.invalid",
		.to = "<sip:echo@test.invalid>",
		.lines = "Contact: <sip:bob@127.0.0.1:9>\r\nContent-Type: application/sdp\r\n",
		.body = offer };
	const struct ask message = { .method = "MESSAGE",
		.uri = "sip:echo@test.invalid",
		.to = "<sip:echo@test.invalid>",
		.lines = "Content-Type: text/plain\r\n",
		.body = "m=audio 40000 RTP/AVP 0\r\n" };
	struct str fault = STR("badsdp");

	(void)state;
	for (int tcp = 0; tcp < 2; tcp++) {
		struct srv *v =
			srv_new((struct serve_config){ .faults = &fault, .fault_count = 1 });
		struct arena arena = { 0 };
		struct sip_msg *m;
		struct sdp sdp;
		if (tcp)
			srv_over_tcp(v, v->p);
		m = srv_ask(v, &invite);
		assert_int_equal(m->status, 200);
		assert_has(m->body, "m=audio xxxxx RTP/AVP 0");
		assert_true(str_starts(m->body, STR("v=0\r\n")));
		assert_int_equal(sdp_parse(m->body, &arena, &sdp, NULL), -FAIL_SYNTAX);
		assert_int_equal(
			m->body.n, strtoul(sip_msg_value(m, SIP_HDR_CONTENT_LENGTH).p, NULL, 10));
		arena_done(&arena);
		srv_ask(v, &message);
		while (!v->p->got[v->p->count - 1].msg->request)
			rig_wait(v->p->requests, 1);
		assert_has(v->p->got[v->p->count - 1].msg->body, "m=audio 40000 RTP/AVP 0");
		assert_int_equal(
			srv_ask(v, &(struct ask){ .uri = "sip:test.invalid" })->status, 200);
		srv_free(v);
	}
}

static void test_other_faults(void **state)
{
	struct str fault = STR("delay:60ms");
	struct srv *v = srv_new((struct serve_config){ .faults = &fault, .fault_count = 1 });
	double began = rig_ms();

	(void)state;
	assert_int_equal(srv_ask(v, &(struct ask){ .uri = "sip:test.invalid" })->status, 200);
	assert_between(rig_ms() - began, 59, 60 + PEER_LATE);
	srv_ask_within(v, v->p, 0, &(struct ask){ .uri = "sip:test.invalid" }, 10);
	srv_free(v); /* with one that waits */

	fault = STR("dup:100");
	v = srv_new((struct serve_config){ .faults = &fault, .fault_count = 1 });
	srv_ask(v, &(struct ask){ .uri = "sip:test.invalid" });
	rig_idle(20);
	assert_int_equal(v->p->responses, 2);
	assert_true(str_eq(v->p->got[0].msg->wire, v->p->got[1].msg->wire));
	srv_free(v);

	/* Cut short: what arrives is not whole. */
	fault = STR("truncate");
	v = srv_new((struct serve_config){ .faults = &fault, .fault_count = 1 });
	srv_ask_within(v, v->p, 0, &(struct ask){ .uri = "sip:test.invalid" }, 40);
	for (unsigned i = 0; i < v->p->count; i++)
		assert_true(v->p->got[i].msg->cut || v->p->got[i].msg->hdr_count < 7);
	assert_true(v->p->count + v->p->junk >= 1);
	srv_free(v);

	/* Reordered: none is lost. */
	fault = STR("reorder:50");
	v = srv_new((struct serve_config){ .faults = &fault, .fault_count = 1, .seed = 4 });
	{
		uint64_t bits = pattern(v, 40);
		bool in_order = true;
		rig_idle(200);
		for (unsigned i = 0; i < v->p->count; i++)
			bits |= UINT64_C(1) << (msg_cseq(v->p->got[i].msg) - 1);
		for (unsigned i = 1; i < v->p->count; i++)
			in_order = in_order &&
				   msg_cseq(v->p->got[i].msg) > msg_cseq(v->p->got[i - 1].msg);
		assert_false(in_order);
		assert_true((bits | UINT64_C(1) << 39) ==
			    (UINT64_C(1) << 40) - 1); /* the last may wait for one more */
	}
	srv_free(v);

	/* On a stream nothing breaks. */
	fault = STR("truncate");
	v = srv_new((struct serve_config){ .faults = &fault, .fault_count = 1 });
	srv_over_tcp(v, v->p);
	srv_ask_within(v, v->p, v->conn, &(struct ask){ .uri = "sip:test.invalid" }, 40);
	srv_free(v);
}

/* --- control
 * ---------------------------------------------------------------------------------------------------
 */

static void test_orders(void **state)
{
	struct call x = call_new((struct serve_config){ 0 }, true);
	static const char *const bad[] = { "", "drop", "drop ", "lift bob", "deregister",
		"deregister bob", "deregister bob because", "drop bob now" };
	struct fail f;

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
		f.text[0] = '\0';
		if (serve_order(x.v->s, str_of(bad[i]), &f) >= 0)
			fail_msg("\"%s\" was carried out", bad[i]);
		assert_true(f.text[0] != '\0');
	}
	assert_int_equal(serve_bindings(x.v->s, STR("bob")), 1);
	/* Somebody who is not there. */
	assert_true(serve_order(x.v->s, STR("drop nobody"), &f) < 0);
	assert_true(serve_order(x.v->s, STR("deregister nobody rejected"), &f) < 0);
	/* drop: its connection is closed. */
	assert_int_equal(serve_order(x.v->s, STR("drop bob"), &f), 0);
	rig_wait(x.bob->closed, 1);
	call_free(&x);
	/* deregister: the binding goes, with this cause. */
	x = call_new((struct serve_config){ 0 }, true);
	assert_int_equal(serve_order(x.v->s, STR("deregister bob rejected"), &f), 0);
	assert_int_equal(serve_bindings(x.v->s, STR("bob")), 0);
	assert_string_equal(x.v->causes, "created rejected");
	rig_idle(20);
	assert_int_equal(x.bob->closed, 0);
	call_free(&x);
}

static void test_fifo(void **state)
{
	char dir[] = "/tmp/rte-unit-XXXXXX", path[64];
	struct call x;
	struct stat st;
	int fd;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/control", dir);
	x = call_new((struct serve_config){ .control = path }, false);
	assert_int_equal(stat(path, &st), 0);
	assert_true(S_ISFIFO(st.st_mode));
	assert_int_equal(st.st_mode & 077, 0); /* nobody else's */
	for (int i = 0; i < 2; i++) { /* one writer after the other */
		fd = open(path, O_WRONLY | O_NONBLOCK);
		assert_true(fd >= 0);
		assert_true(write(fd, "no such order\nderegis", 21) == 21);
		rig_wait(x.v->controls, 2 * (unsigned)i + 1);
		assert_int_equal(serve_bindings(x.v->s, STR("bob")), 1);
		assert_true(write(fd, "ter bob deactivated\n", 20) == 20);
		close(fd);
		rig_wait(x.v->controls, 2 * (unsigned)i + 2);
		assert_has(str_of(x.v->last_text), "deregister bob deactivated");
		assert_int_equal(serve_bindings(x.v->s, STR("bob")), 0);
		srv_register(x.v, &(struct reg){ .user = "bob", .expires = "600", .peer = x.bob });
	}
	/* A line without end is no reason to grow. */
	fd = open(path, O_WRONLY | O_NONBLOCK);
	for (int i = 0; i < 300; i++)
		if (write(fd,
			    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
			    "xxxxxxxxxxxxxxxxxxxxxxxx",
			    90) < 0)
			rig_idle(1);
	assert_true(write(fd, "\n", 1) == 1);
	close(fd);
	rig_idle(20);
	assert_int_equal(srv_ask(x.v, &(struct ask){ .uri = "sip:test.invalid" })->status, 200);
	call_free(&x);
	unlink(path);
	assert_int_equal(rmdir(dir), 0);
}

/* No spinning, with a FIFO that nobody writes to either. */
static void test_no_spin(void **state)
{
	char dir[] = "/tmp/rte-unit-XXXXXX", path[64];
	struct srv *v;
	int fd;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/control", dir);
	v = srv_new((struct serve_config){ .control = path });
	assert_true(rig_idle(100) < 10);
	fd = open(path, O_WRONLY | O_NONBLOCK);
	close(fd); /* the end of a writer */
	rig_idle(10);
	assert_true(rig_idle(100) < 10);
	srv_free(v);
	unlink(path);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own),
		cmocka_unit_test(test_forwards),
		cmocka_unit_test(test_stateful),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_silent),
		cmocka_unit_test(test_nobody),
		cmocka_unit_test(test_checks),
		cmocka_unit_test(test_loop),
		cmocka_unit_test(test_path),
		cmocka_unit_test(test_choice),
		cmocka_unit_test(test_gruu),
		cmocka_unit_test(test_lost_flow),
		cmocka_unit_test(test_challenge),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_rule_syntax),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_fault_syntax),
		cmocka_unit_test(test_drop),
		cmocka_unit_test(test_other_faults),
		cmocka_unit_test(test_bad_sdp),
		cmocka_unit_test(test_orders),
		cmocka_unit_test(test_fifo),
		cmocka_unit_test(test_no_spin),
	};

	net_loop();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
