/* tests/unit/test_incoming.c -- requests that arrive for endpoints of lib/endpoint: whose they are
 * (EP-30, EP-31), what is answered by itself and in which order (table 1M, ruling 6), where the
 * answers go (RFC 3261 18.2), and the verdicts of RFC 4475 and RFC 5118 on the wire. Raw peers. */
#include "base/buf.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "peer_rig.h"

/* --- the rig: an agent that listens, and who asks it
 * ------------------------------------------------ */

struct talk {
	struct ua *u;
	struct peer *p;
	struct net_addr udp, tcp; /* where the agent listens */
	unsigned conn; /* of the peer to the agent; 0: it asks over UDP */
};

static struct net_addr listen_at(struct ua *u, const char *uri, unsigned index)
{
	struct endpoint_hop hop;
	char text[NET_ADDR_TEXT];
	struct net_addr a;

	assert_int_equal(endpoint_manager_listen(u->m, str_of(uri), &u->why), 0);
	assert_true(endpoint_manager_listener(u->m, index, text, &hop));
	assert_true(net_addr_parse(hop.address, hop.port, &a));
	return a;
}

static struct talk *talk_with(struct endpoint_config ec, struct endpoint_manager_config mc)
{
	struct talk *t = MEM_NEW(struct talk);

	mc.kind = NET_SERVER;
	if (!mc.timers.t1)
		mc.timers = rig_timers(10);
	t->p = peer_new();
	t->u = ua_manager(mc);
	t->udp = listen_at(t->u, "udp:127.0.0.1:0", 0);
	t->tcp = listen_at(t->u, "tcp:127.0.0.1:0", 1);
	ec.kind = ENDPOINT_PEER_TO_PEER;
	if (!ec.aor.n && !ec.any_to)
		ec.aor = STR("sip:alice@example.test");
	assert_int_equal(ua_endpoint(t->u, ec), 0);
	return t;
}

static struct talk *talk_new(void)
{
	return talk_with((struct endpoint_config){ 0 }, (struct endpoint_manager_config){ 0 });
}

static void talk_free(struct talk *t)
{
	ua_free(t->u);
	peer_free(t->p);
	mem_free(t);
}

/* Connects, for what is asked from now on. */
static void talk_over_tcp(struct talk *t)
{
	t->conn = peer_connect(t->p, &t->tcp);
}

static void ask_write(struct buf *b, const struct talk *t, const struct ask *a)
{
	peer_ask_write(b, t->p, t->conn, a);
}

static void talk_send(struct talk *t, struct str bytes)
{
	peer_send_to(t->p, &t->udp, t->conn, bytes);
}

/* The answer, or NULL when none comes in time. */
static struct sip_msg *ask_within(struct talk *t, const struct ask *a, unsigned ms)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(262144);
	unsigned before = t->p->responses;

	asked++;
	ask_write(&b, t, a);
	talk_send(t, buf_str(&b));
	if (!rig_run(&t->p->responses, before + 1, ms))
		return NULL;
	return peer_answer(t->p);
}

static struct sip_msg *ask(struct talk *t, const struct ask *a)
{
	struct sip_msg *m = ask_within(t, a, PEER_MS);

	if (!m)
		fail_msg("no answer to %s %s", a->method ? a->method : "OPTIONS",
			a->uri ? a->uri : "");
	return m;
}

static unsigned status_of(struct talk *t, const struct ask *a)
{
	return ask(t, a)->status;
}

static void expect_silence(struct talk *t, const struct ask *a)
{
	struct sip_msg *m = ask_within(t, a, 40);

	if (m)
		fail_msg("%u to %s", m->status, a->method);
	assert_int_equal(status_of(t, &(struct ask){ 0 }), 200); /* still there */
}

/* --- what is answered by itself
 * ----------------------------------------------------------------------- */

static void test_options(void **state)
{
	struct talk *t = talk_new();
	unsigned status;

	(void)state;
	for (int tcp = 0; tcp < 2; tcp++) {
		struct sip_msg *m;
		unsigned heard = t->u->heard.count[ENDPOINT_REQUEST];
		if (tcp)
			talk_over_tcp(t);
		m = ask(t, &(struct ask){ .lines = "Timestamp: 54\r\n" });
		assert_int_equal(m->status, 200);
		assert_int_equal(sip_msg_check(m, !tcp, &status, NULL), SIP_ACCEPT);
		assert_str(m->reason, "OK");
		assert_has(msg_named(m, "Call-ID"), "@peer.test");
		assert_str(sip_msg_value(m, SIP_HDR_CSEQ), "7 OPTIONS");
		assert_str(sip_msg_value(m, SIP_HDR_FROM), "\"Bob\" <sip:bob@peer.test>;tag=bob");
		assert_has(sip_msg_value(m, SIP_HDR_TO), "<sip:alice@example.test>;tag=");
		assert_true(sip_msg_to_tag(m).n >= 8);
		assert_true(sip_msg_has_token(m, SIP_HDR_ALLOW, "OPTIONS")); /* 11.2 */
		assert_non_null(sip_msg_hdr(m, SIP_HDR_ACCEPT));
		assert_non_null(sip_msg_hdr(m, SIP_HDR_SUPPORTED));
		assert_int_equal(t->u->heard.count[ENDPOINT_REQUEST], heard + 1);
		assert_int_equal(t->u->heard.replied, 200);
		assert_string_equal(t->u->heard.method, "OPTIONS");
		rig_idle(30);
		assert_int_equal(t->p->responses, (unsigned)tcp + 1); /* one answer */
	}
	talk_free(t);
}

static void test_methods(void **state)
{
	static const struct {
		const char *method;
		unsigned status;
	} cases[] = {
		{ "FOO", 501 }, { "options", 501 },
		{ "!interesting-Method0123456789_*+`.%indeed'~", 501 }, { "INVITE", 405 },
		{ "MESSAGE", 405 }, { "REGISTER", 405 }, { "SUBSCRIBE", 405 }, { "PUBLISH", 405 },
		{ "REFER", 405 }, { "INFO", 405 }, { "SERVICE", 405 },
		{ "NOTIFY", 481 }, /* ruling 9 */
		{ "BYE", 481 }, { "UPDATE", 481 }, { "PRACK", 481 }, /* in dialogs only */
		{ "CANCEL", 481 }, /* 9.2: there is nothing to cancel */
	};
	struct talk *t = talk_new();

	(void)state;
	for (int tcp = 0; tcp < 2; tcp++) {
		for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
			struct sip_msg *m =
				ask(t, &(struct ask){ .method = cases[i].method,
					       .lines = "Contact: <sip:bob@192.0.2.1>\r\n"
							"Event: presence\r\n" });
			if (m->status != cases[i].status)
				fail_msg("%s: %u", cases[i].method, m->status);
			if (m->status == 405) /* 8.2.1: MUST */
				assert_true(sip_msg_has_token(m, SIP_HDR_ALLOW, "OPTIONS"));
			assert_true(sip_msg_to_tag(m).n > 0);
			if (m->status == 405 && strcmp(cases[i].method, "INVITE") == 0) {
				/* so that it is not sent again */
				CLEANUP(buf_done) struct buf b = BUF_INIT(4096);
				buf_addf(&b,
					"ACK sip:alice@example.test SIP/2.0\r\nVia: " STR_FMT
					"\r\nFrom: " STR_FMT "\r\nTo: " STR_FMT
					"\r\nCall-ID: " STR_FMT "\r\nCSeq: 7 ACK\r\nMax-Forwards: "
					"70\r\nContent-Length: 0\r\n\r\n",
					STR_ARG(sip_msg_value(m, SIP_HDR_VIA)),
					STR_ARG(sip_msg_value(m, SIP_HDR_FROM)),
					STR_ARG(sip_msg_value(m, SIP_HDR_TO)),
					STR_ARG(sip_msg_call_id(m)));
				talk_send(t, buf_str(&b));
			}
		}
		talk_over_tcp(t);
	}
	talk_free(t);
}

/* The final answer to an INVITE is repeated until the ACK, then it is quiet (17.2.1). */
static void test_invite_refused(void **state)
{
	struct talk *t = talk_new();
	struct sip_msg *m = ask(t,
		&(struct ask){ .method = "INVITE", .lines = "Contact: <sip:bob@192.0.2.1>\r\n" });
	CLEANUP(buf_done) struct buf b = BUF_INIT(4096);
	unsigned n;

	(void)state;
	assert_int_equal(m->status, 405);
	rig_idle(60);
	n = t->p->responses;
	assert_true(n >= 3); /* 0, 10, 30 ms */
	for (unsigned i = 0; i < t->p->count; i++)
		assert_true(str_eq(t->p->got[i].msg->wire, m->wire));
	buf_addf(&b,
		"ACK sip:alice@example.test SIP/2.0\r\nVia: " STR_FMT "\r\nFrom: " STR_FMT
		"\r\nTo: " STR_FMT "\r\nCall-ID: " STR_FMT
		"\r\nCSeq: 7 ACK\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
		STR_ARG(sip_msg_value(m, SIP_HDR_VIA)), STR_ARG(sip_msg_value(m, SIP_HDR_FROM)),
		STR_ARG(sip_msg_value(m, SIP_HDR_TO)), STR_ARG(sip_msg_call_id(m)));
	talk_send(t, buf_str(&b));
	rig_idle(10);
	n = t->p->responses;
	rig_idle(150);
	assert_int_equal(t->p->responses, n);
	talk_free(t);
}

/* A transaction that the ACK never ends gives up by itself (Timer H). */
static void test_invite_no_ack(void **state)
{
	struct talk *t = talk_new();
	unsigned n;

	(void)state;
	ask(t, &(struct ask){ .method = "INVITE", .lines = "Contact: <sip:bob@192.0.2.1>\r\n" });
	rig_idle(640 + 100);
	n = t->p->responses;
	assert_between(n, 9, 11); /* 0 1 3 7 15 23 31 39 47 55 63 */
	rig_idle(150);
	assert_int_equal(t->p->responses, n);
	talk_free(t);
}

static void test_schemes(void **state)
{
	struct talk *t = talk_new();

	(void)state;
	assert_int_equal(status_of(t, &(struct ask){ .uri = "tel:+15551234" }), 416);
	assert_int_equal(status_of(t, &(struct ask){ .uri = "http://example.test/" }), 416);
	assert_int_equal(status_of(t, &(struct ask){ .uri = "soap.beep://192.0.2.103:3002" }), 416);
	assert_int_equal(
		status_of(t, &(struct ask){ .uri = "nobodyKnowsThisScheme:totallyopaquecontent" }),
		416);
	talk_free(t);
}

/* EP-30: To is our AOR, or the Request-URI our Contact. */
static void test_ours(void **state)
{
	struct talk *t = talk_new();
	char contact[64], other[64];
	static const char *const not_ours[] = { "<sip:carol@example.test>",
		"<sip:alice@other.test>", "<sip:ALICE@example.test>", "<sip:example.test>",
		"<tel:+15551234>", "<sip:alice@example.test.evil>", "<sip:al%69ce2@example.test>",
		"<sip:alice@example.test>;epid=somebody" };
	static const char *const ours[] = { "<sip:alice@example.test>",
		"Alice <sip:alice@EXAMPLE.TEST>", "<sip:%61lice@example.test>",
		"sip:alice@example.test", "<sip:alice@example.test;x=y>" };

	(void)state;
	snprintf(contact, sizeof(contact), "sip:alice@127.0.0.1:%u", net_addr_port(&t->udp));
	snprintf(other, sizeof(other), "sip:alice@127.0.0.1:%u", net_addr_port(&t->udp) ^ 1);
	for (unsigned i = 0; i < ARRAY_LEN(ours); i++)
		if (status_of(t, &(struct ask){ .to = ours[i], .uri = "sip:x@elsewhere.test" }) !=
			200)
			fail_msg("%s is not ours", ours[i]);
	for (unsigned i = 0; i < ARRAY_LEN(not_ours); i++) {
		unsigned n = t->u->heard.count[ENDPOINT_UNMATCHED];
		if (status_of(t, &(struct ask){
					 .to = not_ours[i], .uri = "sip:x@elsewhere.test" }) != 500)
			fail_msg("%s is ours", not_ours[i]);
		assert_int_equal(t->u->heard.count[ENDPOINT_UNMATCHED], n + 1); /* CM-25 */
		assert_int_equal(t->u->heard.replied, 500);
		/* Our Contact counts, whatever To says. */
		assert_int_equal(
			status_of(t, &(struct ask){ .to = not_ours[i], .uri = contact }), 200);
	}
	/* A Request-URI that is not our Contact. */
	assert_int_equal(
		status_of(t, &(struct ask){ .to = not_ours[0], .uri = "sip:alice@elsewhere.test" }),
		500);
	assert_int_equal(status_of(t, &(struct ask){ .to = not_ours[0], .uri = other }), 500);
	talk_free(t);

	/* EP-31, and an endpoint that is nobody in particular. */
	t = talk_with(
		(struct endpoint_config){ .any_to = true }, (struct endpoint_manager_config){ 0 });
	for (unsigned i = 0; i < ARRAY_LEN(not_ours); i++)
		assert_int_equal(status_of(t, &(struct ask){ .to = not_ours[i] }), 200);
	talk_free(t);
}

/* Several endpoints: by To, then by epid; each hears of its own (EP-02, EP-30, EP-32). */
static void test_dispatch(void **state)
{
	static const struct {
		const char *aor, *epid;
	} ids[] = { { "sip:alice@example.test", "one" }, { "sip:alice@example.test", "two" },
		{ "sip:bob@example.test", "" }, { "sip:alice@other.test", "one" } };
	static const struct {
		const char *to;
		int who; /* -1: nobody */
	} cases[] = { { "<sip:alice@example.test>;epid=one", 0 },
		{ "<sip:alice@example.test>;epid=two", 1 }, { "<sip:bob@example.test>", 2 },
		{ "<sip:alice@other.test>", 3 }, { "<sip:alice@other.test>;epid=one", 3 },
		{ "<sip:alice@other.test>;epid=two", -1 },
		{ "<sip:alice@example.test>;epid=three", -1 }, { "<sip:carol@example.test>", -1 },
		{ "<sip:bob@example.test>;epid=one", -1 } };
	struct talk *t = MEM_NEW(struct talk);
	struct heard heard[ARRAY_LEN(ids)] = { { .all = 0 } };
	struct endpoint *ep[ARRAY_LEN(ids)];

	(void)state;
	t->p = peer_new();
	t->u = ua_manager((struct endpoint_manager_config){ .kind = NET_SERVER });
	t->udp = listen_at(t->u, "udp:127.0.0.1:0", 0);
	for (unsigned i = 0; i < ARRAY_LEN(ids); i++) {
		struct endpoint_config c = { .manager = t->u->m,
			.kind = i % 2 ? ENDPOINT_PEER_TO_PEER : ENDPOINT_SERVER_BASED,
			.aor = str_of(ids[i].aor),
			.epid = str_of(ids[i].epid),
			.on_event = heard_event,
			.arg = &heard[i] };
		assert_int_equal(endpoint_new(&c, &ep[i], NULL), 0);
	}
	assert_int_equal(endpoint_manager_count(t->u->m), ARRAY_LEN(ids));
	for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
		unsigned before[ARRAY_LEN(ids)];
		for (unsigned k = 0; k < ARRAY_LEN(ids); k++)
			before[k] = heard[k].count[ENDPOINT_REQUEST];
		if (status_of(
			    t, &(struct ask){ .to = cases[i].to, .uri = "sip:x@elsewhere.test" }) !=
			(cases[i].who < 0 ? 500 : 200))
			fail_msg("%s", cases[i].to);
		for (int k = 0; k < (int)ARRAY_LEN(ids); k++)
			assert_int_equal(
				heard[k].count[ENDPOINT_REQUEST], before[k] + (k == cases[i].who));
	}
	/* Without epid: one of the two. */
	assert_int_equal(status_of(t, &(struct ask){ 0 }), 200);
	/* Who has gone takes nothing. */
	endpoint_free(ep[2]);
	assert_int_equal(status_of(t, &(struct ask){ .to = "<sip:bob@example.test>" }), 500);
	endpoint_stop(ep[3]);
	rig_wait(heard[3].count[ENDPOINT_CLOSED], 1);
	assert_int_equal(status_of(t, &(struct ask){ .to = "<sip:alice@other.test>" }), 500);
	for (unsigned i = 0; i < ARRAY_LEN(ids); i++)
		if (i != 2)
			endpoint_free(ep[i]);
	/* Nobody is left. */
	assert_int_equal(status_of(t, &(struct ask){ 0 }), 500);
	talk_free(t);
}

static void test_in_dialog(void **state)
{
	static const char *const methods[] = { "OPTIONS", "BYE", "INFO", "MESSAGE", "INVITE",
		"NOTIFY", "UPDATE", "PRACK", "SUBSCRIBE", "REFER" };
	struct talk *t = talk_new();

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(methods); i++) {
		unsigned status = status_of(t,
			&(struct ask){ .method = methods[i],
				.to = "<sip:alice@example.test>;tag=unknown",
				.lines = "Contact: <sip:bob@192.0.2.1>\r\nEvent: presence\r\n" });
		if (status != 481)
			fail_msg("%s: %u", methods[i], status);
	}
	talk_free(t);
}

static void test_require(void **state)
{
	struct talk *t = talk_new();
	struct sip_msg *m;

	(void)state;
	m = ask(t, &(struct ask){ .lines = "Require: foo, bar\r\nRequire: foo.baz\r\n"
					   "Proxy-Require: not-for-us\r\n" });
	assert_int_equal(m->status, 420);
	assert_true(sip_msg_has_token(m, SIP_HDR_UNSUPPORTED, "foo"));
	assert_true(sip_msg_has_token(m, SIP_HDR_UNSUPPORTED, "bar"));
	assert_true(sip_msg_has_token(m, SIP_HDR_UNSUPPORTED, "foo.baz"));
	assert_false(sip_msg_has_token(m, SIP_HDR_UNSUPPORTED, "not-for-us"));
	/* Proxy-Require is not ours to judge. */
	assert_int_equal(status_of(t, &(struct ask){ .lines = "Proxy-Require: x\r\n" }), 200);
	/* 8.2.2.3: not for CANCEL and ACK. */
	assert_int_equal(
		status_of(t, &(struct ask){ .method = "CANCEL", .lines = "Require: foo\r\n" }),
		481);
	expect_silence(t, &(struct ask){ .method = "ACK", .lines = "Require: foo\r\n" });
	talk_free(t);
}

/* Ruling 6: method, scheme, whose it is, merged, Require, body. */
static void test_order(void **state)
{
	struct talk *t = talk_new();
	const char *nobody = "<sip:carol@example.test>", *x = "sip:x@elsewhere.test";

	(void)state;
	assert_int_equal(status_of(t, &(struct ask){ .method = "FOO",
					      .uri = "tel:+1555",
					      .to = nobody,
					      .lines = "Require: foo\r\n" }),
		501);
	assert_int_equal(status_of(t, &(struct ask){ .method = "MESSAGE",
					      .uri = "tel:+1555",
					      .to = nobody,
					      .lines = "Require: foo\r\n" }),
		405);
	assert_int_equal(
		status_of(t, &(struct ask){ .method = "MESSAGE", .uri = x, .to = nobody }), 405);
	assert_int_equal(status_of(t, &(struct ask){ .uri = "tel:+1555",
					      .to = nobody,
					      .lines = "Require: foo\r\n" }),
		416);
	assert_int_equal(
		status_of(t, &(struct ask){ .uri = x, .to = nobody, .lines = "Require: foo\r\n" }),
		500);
	assert_int_equal(
		status_of(t, &(struct ask){ .lines = "Require: foo\r\nContent-Type: x/y\r\n",
				     .body = "?" }),
		420);
	/* A malformed one is 400 before all of these. */
	assert_int_equal(status_of(t, &(struct ask){ .method = "FOO", .cseq = "1 BAR" }), 400);
	talk_free(t);
}

/* ACKs that belong to nothing, BENOTIFY (AR-12), responses: no answer whatever they say. */
static void test_unanswered(void **state)
{
	struct talk *t = talk_new();

	(void)state;
	for (int tcp = 0; tcp < 2; tcp++) {
		expect_silence(t, &(struct ask){ .method = "ACK" });
		expect_silence(t, &(struct ask){ .method = "ACK", .to = "<sip:x@y.test>;tag=1" });
		expect_silence(
			t, &(struct ask){ .method = "ACK", .cseq = "1 INVITE" }); /* malformed */
		expect_silence(
			t, &(struct ask){ .method = "BENOTIFY", .lines = "Event: presence\r\n" });
		expect_silence(t, &(struct ask){ .method = "BENOTIFY",
					  .to = "<sip:x@y.test>;tag=1",
					  .lines = "Event: presence\r\nRequire: foo\r\n" });
		expect_silence(t, &(struct ask){ .method = "BENOTIFY", .uri = "tel:+1" });
		talk_over_tcp(t);
	}
	talk_free(t);
}

/* --- transactions
 * -------------------------------------------------------------------------------------- */

static void test_retransmitted(void **state)
{
	struct talk *t = talk_new();
	CLEANUP(buf_done) struct buf b = BUF_INIT(4096);
	struct sip_msg *first;
	unsigned heard;

	(void)state;
	asked++;
	ask_write(&b, t, &(struct ask){ 0 });
	talk_send(t, buf_str(&b));
	rig_wait(t->p->responses, 1);
	heard = t->u->heard.all;
	for (unsigned i = 2; i <= 4; i++) {
		talk_send(t, buf_str(&b));
		rig_wait(t->p->responses, i); /* the same answer once more */
	}
	first = t->p->got[0].msg;
	for (unsigned i = 1; i < t->p->count; i++)
		assert_true(str_eq(t->p->got[i].msg->wire, first->wire));
	assert_int_equal(t->u->heard.all, heard); /* the endpoint hears of it once */
	/* After Timer J it is a new request: another tag. */
	rig_idle(640 + 60);
	talk_send(t, buf_str(&b));
	rig_wait(t->p->responses, 5);
	assert_int_equal(t->p->got[4].msg->status, 200);
	assert_false(str_eq(sip_msg_to_tag(t->p->got[4].msg), sip_msg_to_tag(first)));
	/* The same branch with another method or from another sent-by is another request. */
	{
		char via[160];
		snprintf(via, sizeof(via), "SIP/2.0/UDP %s;branch=z9hG4bKsame;rport", t->p->text);
		assert_int_equal(status_of(t, &(struct ask){ .via = via }), 200);
		assert_int_equal(status_of(t, &(struct ask){ .method = "FOO", .via = via }), 501);
		snprintf(via, sizeof(via), "SIP/2.0/UDP 127.0.0.9:%u;branch=z9hG4bKsame;rport",
			t->p->port);
		assert_int_equal(status_of(t, &(struct ask){ .method = "FOO", .via = via }), 501);
	}
	talk_free(t);
}

/* 8.2.2.2: the same request by another way is a loop or a fork that came together: 482. */
static void test_merged(void **state)
{
	struct talk *t = talk_new();
	char via[160];

	(void)state;
	assert_int_equal(status_of(t, &(struct ask){ .call_id = "merged" }), 200);
	assert_int_equal(status_of(t, &(struct ask){ .call_id = "merged" }), 482);
	assert_int_equal(status_of(t, &(struct ask){ .call_id = "merged" }), 482);
	/* Another From tag, CSeq or Call-ID: another request. */
	assert_int_equal(
		status_of(t, &(struct ask){ .call_id = "merged", .cseq = "8 OPTIONS" }), 200);
	assert_int_equal(status_of(t, &(struct ask){ .call_id = "merged",
					      .from = "<sip:bob@peer.test>;tag=2" }),
		200);
	assert_int_equal(status_of(t, &(struct ask){ .call_id = "merged2" }), 200);
	/* With a To tag it is not one (it is 481 here). */
	assert_int_equal(status_of(t, &(struct ask){ .call_id = "merged",
					      .to = "<sip:alice@example.test>;tag=x" }),
		481);
	/* Before Require. */
	assert_int_equal(
		status_of(t, &(struct ask){ .call_id = "merged", .lines = "Require: foo\r\n" }),
		482);
	/* The first one is over: no loop any more. */
	rig_idle(640 + 60);
	snprintf(via, sizeof(via), "SIP/2.0/UDP %s;branch=z9hG4bKlater;rport", t->p->text);
	assert_int_equal(status_of(t, &(struct ask){ .call_id = "merged", .via = via }), 200);
	talk_free(t);
}

/* 17.2.3: without the magic cookie RFC 2543's rules hold. */
static void test_rfc2543(void **state)
{
	struct talk *t = talk_new();
	char via[160];

	(void)state;
	snprintf(via, sizeof(via), "SIP/2.0/UDP %s", t->p->text);
	assert_int_equal(status_of(t, &(struct ask){ .via = via }), 200);
	assert_int_equal(status_of(t, &(struct ask){ .via = via }), 200); /* another Call-ID */
	talk_free(t);
}

/* --- malformed
 * ------------------------------------------------------------------------------------------ */

static void test_malformed(void **state)
{
	static const struct {
		const char *name;
		struct ask ask;
		unsigned status;
	} cases[] = {
		{ "CSeq of another method", { .cseq = "1 INVITE" }, 400 },
		{ "CSeq without number", { .cseq = "OPTIONS" }, 400 },
		{ "CSeq too large", { .cseq = "4294967296 OPTIONS" }, 400 },
		{ "no From URI", { .from = "nobody;tag=1" }, 400 },
		{ "open quote", { .from = "\"Bob <sip:bob@peer.test>;tag=1" }, 400 },
		{ "To is empty", { .to = "" }, 400 },
		{ "two To", { .lines = "To: <sip:x@y.test>\r\n" }, 400 },
		{ "two Call-ID", { .lines = "Call-ID: second\r\n" }, 400 },
		{ "two Content-Length", { .lines = "Content-Length: 3\r\n" }, 400 },
		{ "blank in the URI", { .uri = "sip:a b@example.test" }, 400 },
		{ "bare IPv6", { .uri = "sip:2001:db8::1" }, 400 },
		{ "brackets around it", { .uri = "<sip:alice@example.test>" }, 400 },
		{ "an empty Call-ID", { .call_id = "" }, 400 },
	};
	struct talk *t = talk_new();
	CLEANUP(buf_done) struct buf b = BUF_INIT(262144);

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
		unsigned status = status_of(t, &cases[i].ask);
		if (status != cases[i].status)
			fail_msg("%s: %u", cases[i].name, status);
	}
	/* A body shorter than it says, another version. */
	asked++;
	ask_write(&b, t, &(struct ask){ .lines = "X: y\r\n" });
	memcpy(memmem(b.p, b.n, "Content-Length: 0", 17), "Content-Length: 9", 17);
	talk_send(t, buf_str(&b));
	rig_wait(t->p->responses, ARRAY_LEN(cases) + 1);
	assert_int_equal(t->p->got[t->p->count - 1].msg->status, 400);
	buf_clear(&b);
	asked++;
	ask_write(&b, t, &(struct ask){ 0 });
	memcpy(memmem(b.p, b.n, "SIP/2.0\r\n", 9), "SIP/3.0\r\n", 9);
	talk_send(t, buf_str(&b));
	rig_wait(t->p->responses, ARRAY_LEN(cases) + 2);
	assert_int_equal(t->p->got[t->p->count - 1].msg->status, 505);
	assert_int_equal(status_of(t, &(struct ask){ 0 }), 200);
	talk_free(t);
}

/* 8.2.7: what is refused without a transaction has the same tag each time; an answer per request.
 */
static void test_malformed_again(void **state)
{
	struct talk *t = talk_new();
	CLEANUP(buf_done) struct buf b = BUF_INIT(4096);

	(void)state;
	asked++;
	ask_write(&b, t, &(struct ask){ .cseq = "1 INVITE" });
	for (unsigned i = 1; i <= 3; i++) {
		talk_send(t, buf_str(&b));
		rig_wait(t->p->responses, i);
	}
	rig_idle(20);
	assert_int_equal(t->p->responses, 3);
	assert_true(str_eq(t->p->got[0].msg->wire, t->p->got[2].msg->wire));
	talk_free(t);
}

/* A11: other protocols on the port, byte by byte, and noise. */
static void test_noise(void **state)
{
	static const struct str noise[] = { { "", 0 }, { "x", 1 }, { "\0", 1 }, { "\r\n", 2 },
		{ "\r\n\r\n", 4 }, { "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27 },
		{ "\x16\x03\x01\x00\xa5\x01", 6 },
		{ "\x80\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01", 12 },
		{ "SIP/2.0 200 OK\r\n\r\n", 18 }, { "OPTIONS", 7 },
		{ "OPTIONS sip:x SIP/2.0\r\n\r\n", 25 } };
	struct talk *t = talk_new();

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(noise); i++) {
		unsigned before = t->p->responses;
		talk_send(t, noise[i]);
		assert_int_equal(status_of(t, &(struct ask){ 0 }), 200);
		/* "OPTIONS sip:x" lacks every header: it cannot be answered. */
		assert_int_equal(t->p->responses, before + 1);
	}
	/* On streams what is not SIP ends the connection; keep-alives do not. */
	for (unsigned i = 1; i < ARRAY_LEN(noise); i++) {
		unsigned closed = t->p->closed;
		bool keepalive = noise[i].n <= 4 && noise[i].p[0] == '\r';
		talk_over_tcp(t);
		talk_send(t, noise[i]);
		if (keepalive)
			assert_int_equal(status_of(t, &(struct ask){ 0 }), 200);
		rig_idle(10);
		if (keepalive)
			assert_int_equal(t->p->closed, closed);
		t->conn = 0;
		assert_int_equal(status_of(t, &(struct ask){ 0 }), 200);
	}
	talk_free(t);
}

/* A08, A07: several requests in one segment, keep-alives between, byte by byte. */
static void test_stream(void **state)
{
	struct talk *t = talk_new();
	CLEANUP(buf_done) struct buf b = BUF_INIT(65536);

	(void)state;
	talk_over_tcp(t);
	buf_add_str(&b, STR("\r\n\r\n"));
	for (int i = 0; i < 5; i++) {
		asked++;
		ask_write(&b, t, &(struct ask){ 0 });
		buf_add_str(&b, i % 2 ? STR("\r\n\r\n") : STR("\r\n"));
	}
	talk_send(t, buf_str(&b));
	rig_wait(t->p->responses, 5);
	rig_idle(10);
	assert_int_equal(t->p->pongs, 3);
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(t->p->got[i].msg->status, 200);
	buf_clear(&b);
	for (int i = 0; i < 2; i++) {
		asked++;
		ask_write(&b, t,
			&(struct ask){
				.lines = "Content-Type: text/plain\r\n", .body = "a\r\n\r\nb" });
	}
	for (size_t i = 0; i < b.n; i++) {
		talk_send(t, (struct str){ b.p + i, 1 });
		ev_run(net_loop(), EVRUN_NOWAIT);
	}
	rig_wait(t->p->responses, 7);
	talk_free(t);
}

/* Too much of everything is refused or dropped, and named (ruling 29). */
static void test_limits(void **state)
{
	struct talk *t = talk_new();
	CLEANUP(buf_done) struct buf b = BUF_INIT(1 << 20);
	struct sip_msg *m;

	(void)state;
	for (unsigned lines = 200; lines <= 2000; lines *= 10) {
		buf_clear(&b);
		for (unsigned i = 0; i < lines; i++)
			buf_addf(&b, "X-%u: y\r\n", i);
		m = ask_within(t, &(struct ask){ .lines = buf_cstr(&b) }, 60);
		if (lines == 200)
			assert_int_equal(m ? m->status : 0, 200);
		else
			assert_true(!m || m->status >= 400);
	}
	/* Over TCP a message beyond the limit ends the connection. */
	talk_over_tcp(t);
	buf_clear(&b);
	for (unsigned i = 0; i < 70; i++)
		buf_addf(&b, "X-%u: %01000d\r\n", i, 0);
	ask_within(t, &(struct ask){ .lines = buf_cstr(&b) }, 100);
	rig_wait(t->p->closed, 1);
	t->conn = 0;
	assert_int_equal(status_of(t, &(struct ask){ 0 }), 200);
	talk_free(t);
}

/* --- where answers go (18.2)
 * ------------------------------------------------------------------------------ */

static void test_response_address(void **state)
{
	struct talk *t = talk_new();
	struct peer *q = peer_new();
	char via[320];
	struct sip_msg *m;
	struct sip_via v;

	(void)state;
	/* rport: back to the source, which it tells (RFC 3581). */
	snprintf(via, sizeof(via), "SIP/2.0/UDP 192.0.2.1:9;branch=z9hG4bK1%u;rport", asked);
	m = ask(t, &(struct ask){ .via = via });
	v = msg_via(m);
	assert_str(v.received, "127.0.0.1");
	assert_int_equal(v.rport, t->p->port);
	assert_str(v.host, "192.0.2.1");
	assert_int_equal(v.port, 9);
	/* Names get a received, too (18.2.1). */
	snprintf(via, sizeof(via),
		"SIP/2.0/UDP peer.test;branch=z9hG4bK2%u;rport=1;received=192.0.2.9", asked);
	v = msg_via(ask(t, &(struct ask){ .via = via }));
	assert_str(v.received, "127.0.0.1");
	assert_int_equal(v.rport, t->p->port);
	/* Without rport: to the port of sent-by, at the source address. */
	snprintf(via, sizeof(via), "SIP/2.0/UDP %s;branch=z9hG4bK3%u", q->text, asked);
	{
		unsigned before = t->p->responses;
		asked++;
		assert_null(ask_within(t, &(struct ask){ .via = via }, 50));
		assert_int_equal(q->responses, 1);
		assert_int_equal(q->got[0].msg->status, 200);
		v = msg_via(q->got[0].msg);
		assert_false(v.has_rport);
		/* To another address it is never sent: received wins over sent-by. */
		snprintf(via, sizeof(via), "SIP/2.0/UDP 192.0.2.1:%u;branch=z9hG4bK4%u", q->port,
			asked);
		assert_null(ask_within(t, &(struct ask){ .via = via }, 50));
		assert_int_equal(q->responses, 2);
		assert_str(msg_via(q->got[1].msg).received, "127.0.0.1");
		assert_int_equal(t->p->responses, before);
	}
	/* The other Vias stay as they are and in their order. */
	snprintf(via, sizeof(via),
		"SIP/2.0/UDP %s;branch=z9hG4bK5%u;rport, SIP/2.0/TCP "
		"a.test;branch=z9hG4bKa;x=\"y,z\"\r\n"
		"Via: SIP/2.0/TLS b.test:1;branch=z9hG4bKb",
		t->p->text, asked);
	m = ask(t, &(struct ask){ .via = via });
	{
		struct sip_list l = sip_msg_list(m, SIP_HDR_VIA);
		assert_true(sip_list_via(&l, &v));
		assert_true(sip_list_via(&l, &v));
		assert_str(v.host, "a.test");
		assert_true(sip_list_via(&l, &v));
		assert_str(v.host, "b.test");
		assert_false(sip_list_via(&l, &v));
	}
	/* A72: never to broadcast or multicast addresses. */
	snprintf(via, sizeof(via),
		"SIP/2.0/UDP 224.0.1.75:5060;branch=z9hG4bK6%u;maddr=224.0.1.75;rport", asked);
	m = ask(t, &(struct ask){ .via = via });
	assert_int_equal(m->status, 200);
	snprintf(via, sizeof(via),
		"SIP/2.0/UDP 255.255.255.255:%u;branch=z9hG4bK7%u;maddr=255.255.255.255",
		t->p->port, asked);
	m = ask(t, &(struct ask){ .via = via });
	assert_int_equal(m->status, 200);
	/* The malformed is answered by the same rules. */
	snprintf(via, sizeof(via), "SIP/2.0/UDP %s;branch=z9hG4bK8%u", q->text, asked);
	assert_null(ask_within(t, &(struct ask){ .via = via, .cseq = "1 INVITE" }, 50));
	assert_int_equal(q->responses, 3);
	assert_int_equal(q->got[2].msg->status, 400);
	peer_free(q);
	talk_free(t);
}

/* Over streams the answer takes the connection, whatever Via says. */
static void test_response_connection(void **state)
{
	struct talk *t = talk_new();
	struct sip_msg *m;

	(void)state;
	talk_over_tcp(t);
	m = ask(t, &(struct ask){ .via = "SIP/2.0/TCP 192.0.2.1:9;branch=z9hG4bKt1" });
	assert_str(msg_via(m).received, "127.0.0.1");
	assert_int_equal(t->p->got[t->p->count - 1].conn, t->conn);
	m = ask(t, &(struct ask){ .via = "SIP/2.0/UDP peer.test;branch=z9hG4bKt2;rport" });
	assert_int_equal(m->status, 200);
	/* A peer that leaves before the answer does no harm (A64). */
	for (int i = 0; i < 10; i++) {
		CLEANUP(buf_done) struct buf b = BUF_INIT(4096);
		asked++;
		ask_write(&b, t,
			&(struct ask){ .method = i % 2 ? "INVITE" : "OPTIONS",
				.lines = "Contact: <sip:bob@192.0.2.1>\r\n" });
		talk_send(t, buf_str(&b));
		peer_conn_close(peer_conn(t->p, t->conn), i % 3 == 0);
		rig_idle(3);
		talk_over_tcp(t);
	}
	assert_int_equal(status_of(t, &(struct ask){ 0 }), 200);
	talk_free(t);
}

/* RFC 5626 section 8: a STUN binding request on the SIP port is answered. */
static void test_stun(void **state)
{
	static const unsigned char request[] = { 0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5,
		6, 7, 8, 9, 10, 11, 12 };
	struct talk *t = talk_new();
	unsigned char answer[128] = { 0 };
	struct sockaddr_in from = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(from);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ssize_t n = 0;

	(void)state;
	assert_int_equal(bind(fd, (struct sockaddr *)&from, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&from, &len), 0);
	sendto(fd, request, sizeof(request), 0, &t->udp.u.sa, net_addr_len(&t->udp));
	for (int i = 0; i < 200 && n <= 0; i++) {
		rig_idle(2);
		n = recv(fd, answer, sizeof(answer), MSG_DONTWAIT);
	}
	close(fd);
	assert_true(n >= 32);
	assert_int_equal(answer[0], 1);
	assert_int_equal(answer[1], 1);
	assert_memory_equal(answer + 4, request + 4, 16);
	assert_int_equal((answer[26] ^ 0x21) << 8 | (answer[27] ^ 0x12), ntohs(from.sin_port));
	talk_free(t);
}

/* --- over the flow to the home server (client managers never listen)
 * ---------------------------------------- */

static void test_kept_flow(void **state)
{
	(void)state;
	for (int transport = NET_UDP; transport <= NET_TCP; transport++) {
		struct talk *t = MEM_NEW(struct talk);
		struct sip_nameaddr contact;
		struct sip_list l;
		struct op *o;
		char uri[128];
		t->p = peer_new();
		t->u = ua_at(t->p, transport);
		t->p->hook = peer_registrar;
		o = op_register(t->u, (struct registration_config){ .keep = true });
		rig_wait(o->heard.count[ENDPOINT_REGISTRATION], 1);
		t->udp = peer_last(t->p)->from;
		t->conn = peer_last(t->p)->conn;
		l = sip_msg_list(peer_last(t->p)->msg, SIP_HDR_CONTACT);
		assert_true(sip_list_nameaddr(&l, &contact));
		snprintf(uri, sizeof(uri), STR_FMT, STR_ARG(contact.uri.text));
		/* What a proxy sends: our Contact as Request-URI, To as the caller wrote it. */
		assert_int_equal(
			status_of(t, &(struct ask){ .uri = uri, .to = "<sip:group@example.test>" }),
			200);
		assert_int_equal(t->u->heard.replied, 200);
		assert_int_equal(status_of(t, &(struct ask){ .uri = uri }), 200);
		assert_int_equal(status_of(t, &(struct ask){ .uri = "sip:x@elsewhere.test" }), 200);
		assert_int_equal(status_of(t, &(struct ask){ .uri = "sip:x@elsewhere.test",
						      .to = "<sip:carol@example.test>" }),
			500);
		assert_int_equal(o->heard.all, 1);
		op_free(o);
		talk_free(t);
	}
}

/* Freed in the middle of an incoming request. */
struct end {
	struct talk *t;
	int what;
	unsigned happened;
};

static void end_now(struct heard *h, const struct endpoint_event *ev)
{
	struct end *e = h->arg;

	if (ev->type != ENDPOINT_REQUEST && ev->type != ENDPOINT_UNMATCHED &&
		ev->type != ENDPOINT_CONNECTED)
		return;
	e->happened = 1;
	if (e->what < 2) {
		endpoint_free(e->t->u->ep);
		e->t->u->ep = NULL;
	}
	if (e->what > 0) {
		endpoint_manager_free(e->t->u->m);
		e->t->u->m = NULL;
	}
	e->t->u->heard.quiet = true;
}

static void test_free_in_request(void **state)
{
	(void)state;
	for (int what = 0; what < 3; what++)
		for (int tcp = 0; tcp < 2; tcp++)
			for (int matched = 0; matched < 2; matched++) {
				struct end *e = MEM_NEW(struct end);
				CLEANUP(buf_done) struct buf b = BUF_INIT(65536);
				e->t = talk_new();
				e->what = what;
				if (tcp) {
					talk_over_tcp(e->t);
					if (matched) /* the connect has been told */
						status_of(e->t, &(struct ask){ 0 });
				}
				e->t->u->heard.arg = e;
				e->t->u->heard.hook = end_now;
				for (int i = 0; i < 3; i++) { /* several in one segment */
					asked++;
					ask_write(&b, e->t,
						&(struct ask){
							.to = matched ? NULL : "<sip:x@y.test>" });
				}
				talk_send(e->t, buf_str(&b));
				rig_wait(e->happened, 1);
				rig_idle(5);
				talk_free(e->t);
				mem_free(e);
			}
}

/* --- RFC 4475 and RFC 5118 on the wire
 * ------------------------------------------------------------------------ */

#define CORPUS TEST_SOURCE_ROOT "/../shared/corpus/"

static bool have_corpus(void)
{
	const char *ci = getenv("CI");

	if (access(CORPUS "rfc4475/expected.tsv", R_OK) == 0)
		return true;
	if (ci && strcmp(ci, "true") == 0)
		fail_msg("no corpus at %s, and CI=true", CORPUS);
	print_message("# DID NOT RUN: there is no corpus at %s\n", CORPUS);
	return false;
}

static void read_whole(const char *path, struct buf *out)
{
	FILE *f = fopen(path, "r");
	size_t n;

	if (!f)
		fail_msg("%s: %s", path, strerror(errno));
	while (buf_reserve(out, 4096) && (n = fread(out->p + out->n, 1, 4096, f)) > 0)
		buf_commit(out, n);
	fclose(f);
}

/* attacks.md 2.1: in requests the topmost Via gets our transport and sent-by, and a branch of its
 * own. */
static void prepare(struct buf *out, struct str m, const char *name, const char *sent_by)
{
	static const char *const vias[] = { "\nVia", "\nvia", "\nVIA", "\nv" };
	const char *end = m.p + m.n, *via = NULL, *p, *branch, *eol;

	if (str_starts(m, STR("SIP/2.0 "))) {
		buf_add_str(out, m);
		return;
	}
	for (unsigned i = 0; i < ARRAY_LEN(vias); i++) {
		p = memmem(m.p, m.n, vias[i], strlen(vias[i]));
		while (p && p[strlen(vias[i])] != ':' && p[strlen(vias[i])] != ' ' &&
			p[strlen(vias[i])] != '\t')
			p = memmem(p + 1, (size_t)(end - p - 1), vias[i], strlen(vias[i]));
		if (p && (!via || p < via))
			via = p;
	}
	p = via ? memchr(via + 1, ':', (size_t)(end - via - 1)) : NULL;
	for (int slash = 0; p && slash < 2; slash++) /* SIP / 2.0 / transport */
		p = memchr(p + 1, '/', (size_t)(end - p - 1));
	if (!p) {
		buf_add_str(out, m);
		return;
	}
	p++;
	while (*p == ' ' || *p == '\t')
		p++;
	buf_add(out, m.p, (size_t)(p - m.p));
	buf_add_str(out, STR("UDP "));
	while (*p != ' ' && *p != '\t' && *p != '\r' && *p != '\n')
		p++;
	while (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n')
		p++;
	buf_addf(out, "%s;rport", sent_by);
	if (*p == '[')
		p = memchr(p, ']', (size_t)(end - p));
	while (p < end && *p != ';' && *p != ',' && *p != '\r' && *p != '\n')
		p++;
	eol = p;
	do { /* to the end of the header, its folded lines included */
		eol = memchr(eol + 1, '\n', (size_t)(end - eol - 1));
	} while (eol && eol + 1 < end && (eol[1] == ' ' || eol[1] == '\t'));
	branch = memmem(p, (size_t)((eol ? eol : end) - p), "branch", 6);
	if (branch && strcmp(name, "badbranch.dat") != 0) {
		const char *value = branch + 6;
		while (*value == ' ' || *value == '=' || *value == '\t')
			value++;
		while (value < end && *value != ';' && *value != ',' && *value != '\r' &&
			*value != '\n' && *value != ' ')
			value++;
		buf_add(out, p, (size_t)(value - p));
		for (const char *c = name; *c; c++)
			if (scan_is(*c, CH_ALPHA | CH_DIGIT))
				buf_add_char(out, *c);
		p = value;
	}
	buf_add(out, p, (size_t)(end - p));
}

/* What came back: the status of the first answer, 0: none. */
struct outcome {
	unsigned status, answers;
	struct sip_msg *m;
};

static bool has(const char *text, const char *part)
{
	return strstr(text, part) != NULL;
}

/* Is it what the column endpoint_verdict of expected.tsv says? The endpoint takes every To and no
 * method but OPTIONS: 405 is how it processes an INVITE or REGISTER (ruling 6: the method comes
 * first). */
static bool right(const char *verdict, const char *name, const struct outcome *o)
{
	unsigned s = o->status;
	bool processed = s >= 200 && s != 400 && s != 413 && s != 513;

	if (strncmp(verdict, "discard", 7) == 0)
		return s == 0;
	if (strcmp(name, "dblreq.dat") == 0)
		return o->answers == 1 && (s == 405 || s == 501);
	if (strncmp(verdict, "never 400", 9) == 0)
		return processed && (!has(verdict, "481") || s == 481);
	if (strncmp(verdict, "501 + Allow", 11) == 0)
		return s == 501 && sip_msg_hdr(o->m, SIP_HDR_ALLOW);
	if (strncmp(verdict, "501 (400", 8) == 0)
		return s == 501 || s == 400;
	if (strncmp(verdict, "501", 3) == 0)
		return s == 501;
	if (strncmp(verdict, "505", 3) == 0)
		return s == 505;
	if (strncmp(verdict, "405", 3) == 0)
		return s == 405 || s == 501;
	if (strncmp(verdict, "416 or 404", 10) == 0)
		return s == 416 || s == 404;
	if (strncmp(verdict, "416", 3) == 0)
		return s == 416;
	if (strncmp(verdict, "420", 3) == 0)
		return s == 420 &&
		       sip_msg_has_token(o->m, SIP_HDR_UNSUPPORTED, "nothingSupportsThis") &&
		       sip_msg_has_token(o->m, SIP_HDR_UNSUPPORTED, "nothingSupportsThisEither") &&
		       !sip_msg_has_token(o->m, SIP_HDR_UNSUPPORTED, "noProxiesSupportThis");
	if (strncmp(verdict, "415", 3) == 0)
		return s == 415 || s == 405;
	if (strncmp(verdict, "406", 3) == 0)
		return s == 406 || s == 400 || s == 405;
	if (has(verdict, "process") && has(verdict, "OPTIONS"))
		return s == 200;
	if (strncmp(verdict, "process normally (200)", 22) == 0)
		return s == 200;
	if (strncmp(verdict, "process (BYE: 481", 17) == 0)
		return s == 481;
	if (strncmp(verdict, "process", 7) == 0)
		return processed;
	if (strncmp(verdict, "400, or drop", 12) == 0)
		return s == 400 || s == 0;
	if (strncmp(verdict, "400; or 405/501", 15) == 0)
		return s == 400 || s == 405 || s == 501;
	if (strncmp(verdict, "400 or process", 14) == 0 || has(verdict, "tolerated") ||
		has(verdict, "RFC 2543 matching"))
		return s == 400 || processed;
	if (strncmp(verdict, "400", 3) == 0)
		return s == 400;
	fail_msg("a verdict that this test does not know: %s", verdict);
	return false;
}

static struct outcome probe(struct talk *t, struct str m, const char *name)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(262144);
	struct outcome o = { 0 };

	prepare(&b, m, name, t->p->text);
	talk_send(t, buf_str(&b));
	rig_run(&t->p->responses, 1, 40);
	if (t->p->responses)
		rig_idle(6);
	for (unsigned i = 0; i < t->p->count; i++) {
		if (o.m && str_eq(o.m->wire, t->p->got[i].msg->wire))
			continue; /* an answer to INVITE that waits for its ACK */
		o.answers++;
		if (!o.m)
			o.m = t->p->got[i].msg;
	}
	o.status = o.m ? o.m->status : 0;
	return o;
}

static void torture(const char *set, const char *folder, int verdict_column, int strength_column)
{
	CLEANUP(buf_done) struct buf table = BUF_INIT(1 << 20);
	unsigned count = 0, wrong_must = 0, others = 0, wrong_others = 0;
	struct str rest, line;
	char path[1200];

	snprintf(path, sizeof(path), CORPUS "%s/expected.tsv", set);
	read_whole(path, &table);
	rest = buf_str(&table);
	assert_true(str_cut(rest, '\n', &line, &rest)); /* the head */
	while (str_cut(rest, '\n', &line, &rest)) {
		CLEANUP(buf_done) struct buf file = BUF_INIT(1 << 20);
		char columns[8][600] = { "" };
		/* Each asks an agent of its own: two of RFC 5118 have the same Call-ID, CSeq and
		 * From tag, so that with branches of their own the second would be a merged
		 * request, 482. */
		struct talk *t = talk_with((struct endpoint_config){ .any_to = true },
			(struct endpoint_manager_config){ 0 });
		struct outcome o;
		bool must;
		for (int i = 0; i < 8; i++) {
			struct str cell = line, next = STR_EMPTY;
			str_cut(line, '\t', &cell, &next);
			snprintf(columns[i], sizeof(columns[i]), STR_FMT, STR_ARG(cell));
			line = next;
		}
		assert_true(columns[0][0] != '\0');
		snprintf(path, sizeof(path), CORPUS "%s/%s/%s", set, folder, columns[0]);
		read_whole(path, &file);
		o = probe(t, buf_str(&file), columns[0]);
		must = strength_column >= 0 && strcmp(columns[strength_column], "must") == 0;
		count++;
		others += !must;
		if (!right(columns[verdict_column], columns[0], &o)) {
			print_message("# %s: %u, wanted: %s (%s)\n", columns[0], o.status,
				columns[verdict_column], must ? "must" : "not a must");
			wrong_must += must;
			wrong_others += !must;
		}
		peer_free(t->p);
		t->p = peer_new();
		if (status_of(t, &(struct ask){ 0 }) != 200)
			fail_msg("not itself any more after %s", columns[0]);
		talk_free(t);
	}
	print_message("# %s: %u messages, %u wrong of %u musts, %u wrong of %u others\n", set,
		count, wrong_must, count - others, wrong_others, others);
	assert_true(count >= 12);
	assert_int_equal(wrong_must, 0);
	assert_true(wrong_others * 100 <= others * 5);
}

static void test_rfc4475(void **state)
{
	(void)state;
	if (!have_corpus())
		skip();
	torture("rfc4475", "msg", 5, 6);
}

static void test_rfc5118(void **state)
{
	(void)state;
	if (!have_corpus())
		skip();
	torture("rfc5118", "wire", 3, -1);
}

/* The raw copies of RFC 5118, the variants, and everything over TCP: nothing must break. */
static void test_survival(void **state)
{
	static const char *const folders[] = { "rfc4475/msg", "rfc4475/variants", "rfc5118/msg",
		"rfc5118/wire" };
	struct talk *t;
	unsigned count = 0;

	(void)state;
	if (!have_corpus())
		skip();
	t = talk_with(
		(struct endpoint_config){ .any_to = true }, (struct endpoint_manager_config){ 0 });
	for (unsigned i = 0; i < ARRAY_LEN(folders); i++) {
		char path[600];
		struct dirent **names;
		int n;
		snprintf(path, sizeof(path), CORPUS "%s", folders[i]);
		n = scandir(path, &names, NULL, alphasort);
		assert_true(n > 2);
		for (int k = 0; k < n; k++) {
			CLEANUP(buf_done) struct buf file = BUF_INIT(1 << 20);
			if (names[k]->d_name[0] != '.') {
				snprintf(path, sizeof(path), CORPUS "%s/%s", folders[i],
					names[k]->d_name);
				read_whole(path, &file);
				t->conn = 0;
				talk_send(t, buf_str(&file));
				talk_over_tcp(t);
				talk_send(t, buf_str(&file));
				rig_idle(3);
				t->conn = 0;
				assert_int_equal(status_of(t, &(struct ask){ 0 }), 200);
				peer_drop(t->p, true);
				count++;
			}
			free(names[k]);
		}
		free(names);
	}
	print_message("# %u messages over UDP and TCP\n", count);
	assert_true(count >= 75);
	talk_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_methods),
		cmocka_unit_test(test_invite_refused),
		cmocka_unit_test(test_invite_no_ack),
		cmocka_unit_test(test_schemes),
		cmocka_unit_test(test_ours),
		cmocka_unit_test(test_dispatch),
		cmocka_unit_test(test_in_dialog),
		cmocka_unit_test(test_require),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_unanswered),
		cmocka_unit_test(test_retransmitted),
		cmocka_unit_test(test_merged),
		cmocka_unit_test(test_rfc2543),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_malformed_again),
		cmocka_unit_test(test_noise),
		cmocka_unit_test(test_stream),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_response_address),
		cmocka_unit_test(test_response_connection),
		cmocka_unit_test(test_stun),
		cmocka_unit_test(test_kept_flow),
		cmocka_unit_test(test_free_in_request),
		cmocka_unit_test(test_rfc4475),
		cmocka_unit_test(test_rfc5118),
		cmocka_unit_test(test_survival),
	};

	net_loop();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
