/* tests/unit/test_serve_fork.c -- the proxy of lib/serve with INVITE: parallel forking, CANCEL,
 * Timer C, the best response (RFC 3261 16.6 to 16.10, RFC 6026), Record-Route in both directions,
 * Max-Breadth (RFC 5393), outbound flows (RFC 5626), --route and --trust. Raw messages. */
#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "serve_rig.h"

enum { GIVE_UP = 640 /* 64*T1 of the rig's timers */ };

/* ---- phones: peers that are registered as bob ---- */

struct phone {
	struct peer *p;
	unsigned conn; /* 0: UDP */
	const char *tag, *contact;
	unsigned ring; /* what it says at once: 0 nothing, 100, 180 ... */
	unsigned final; /* and then */
	const char *headers; /* of the final response */
	bool deaf; /* to CANCEL */
	unsigned on_cancel; /* what its INVITE gets then; 0: 487 */
	struct peer_got invite; /* the latest */
	unsigned invites, cancels, acks, others;
};

static void phone_say_to(
	struct phone *f, const struct peer_got *g, unsigned status, const char *headers)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(65536);
	char host[NET_ADDR_TEXT];
	const struct sip_response r = {
		.status = status,
		.to_tag = str_of(f->tag),
		.record_route = true,
		.received = str_of(net_addr_host(&g->from, host)),
		.rport = net_addr_port(&g->from),
	};

	sip_build_response(&b, g->msg, &r);
	buf_addf(&b, "Contact: <sip:%s@%s>\r\n", f->tag, f->p->text);
	if (headers)
		buf_add_str(&b, str_of(headers));
	sip_build_end(&b, STR_EMPTY, STR_EMPTY);
	assert_int_equal(b.fail, 0);
	peer_send(f->p, g, buf_str(&b));
}

static void phone_say(struct phone *f, unsigned status)
{
	phone_say_to(f, &f->invite, status, f->headers);
}

static void phone_hears(struct peer *p, const struct peer_got *g)
{
	struct phone *f = p->hook_arg;

	if (g->again)
		return;
	if (g->msg->method == SIP_INVITE) {
		f->invite = *g;
		f->invites++;
		if (f->ring)
			phone_say_to(f, g, f->ring, NULL);
		if (f->final)
			phone_say(f, f->final);
	} else if (g->msg->method == SIP_CANCEL) {
		f->cancels++;
		if (f->deaf)
			return;
		phone_say_to(f, g, 200, NULL);
		phone_say(f, f->on_cancel ? f->on_cancel : 487);
	} else if (g->msg->method == SIP_ACK) {
		f->acks++;
	} else {
		f->others++;
		phone_say_to(f, g, 200, NULL);
	}
}

static struct phone *phone_new(struct srv *v, const char *tag, bool tcp, const char *params)
{
	struct phone *f = MEM_NEW(struct phone);

	f->p = peer_new();
	f->tag = tag;
	f->p->hook = phone_hears;
	f->p->hook_arg = f;
	if (tcp)
		f->conn = peer_connect(f->p, &v->tcp);
	f->p->hook = NULL;
	assert_int_equal(
		srv_register(v, &(struct reg){ .user = "bob",
					.expires = "600",
					.peer = f->p,
					.conn = f->conn,
					.params = params,
					.lines = params ? "Supported: outbound, path\r\n" : NULL })
			->status,
		200);
	f->p->hook = phone_hears;
	return f;
}

static void phone_free(struct phone *f)
{
	peer_free(f->p);
	mem_free(f);
}

/* The n-th request of a method, from 0. */
static struct sip_msg *request_of(const struct peer *p, const char *method, unsigned n)
{
	for (unsigned i = 0; i < p->count; i++)
		if (p->got[i].msg->request && !p->got[i].again &&
			str_eq(p->got[i].msg->method_name, str_of(method)) && n-- == 0)
			return p->got[i].msg;
	fail_msg("no %s", method);
	return NULL;
}

/* ---- the caller, which is v->p ---- */

static unsigned heard(const struct peer *p, unsigned status)
{
	unsigned n = 0;

	for (unsigned i = 0; i < p->count; i++)
		n += !p->got[i].msg->request && p->got[i].msg->status == status;
	return n;
}

/* The n-th response with this status, from 0; NULL after ms. */
static struct sip_msg *hear_within(struct peer *p, unsigned status, unsigned n, unsigned ms)
{
	double end = rig_ms() + ms;

	while (heard(p, status) <= n && rig_ms() < end)
		rig_run(&p->responses, p->responses + 1, 2);
	for (unsigned i = 0; i < p->count; i++)
		if (!p->got[i].msg->request && p->got[i].msg->status == status && n-- == 0)
			return p->got[i].msg;
	return NULL;
}

static struct sip_msg *hear(struct srv *v, unsigned status)
{
	struct sip_msg *m = hear_within(v->p, status, 0, PEER_MS);

	if (!m)
		fail_msg("no %u", status);
	return m;
}

/* Did it hear any final answer but 200s to CANCEL? */
static bool heard_final(const struct peer *p)
{
	struct sip_cseq c;

	for (unsigned i = 0; i < p->count; i++)
		if (!p->got[i].msg->request && p->got[i].msg->status >= 200 &&
			sip_msg_cseq(p->got[i].msg, &c) && str_eq(c.name, STR("INVITE")))
			return true;
	return false;
}

static const struct ask to_bob = { .method = "INVITE",
	.uri = "sip:bob@test.invalid",
	.to = "<sip:bob@test.invalid>",
	.from = "<sip:carol@elsewhere.test>;tag=1",
	.cseq = "7 INVITE",
	.lines = "Contact: <sip:carol@192.0.2.1>\r\n" };

static void say(struct srv *v, const struct ask *a)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(65536);

	peer_ask_write(&b, v->p, v->conn, a);
	peer_send_to(v->p, &v->udp, v->conn, buf_str(&b));
}

static void invite(struct srv *v)
{
	asked++;
	say(v, &to_bob);
}

/* CANCEL has the branch of its INVITE (9.1), and so has the ACK for a refusal (17.1.1.3). */
static void say_cancel(struct srv *v)
{
	struct ask a = to_bob;

	a.method = "CANCEL";
	a.cseq = "7 CANCEL";
	a.lines = "Reason: Q.850;cause=16\r\n";
	say(v, &a);
}

static void say_ack(struct srv *v, const struct sip_msg *refusal)
{
	char to[128];
	struct ask a = to_bob;

	snprintf(to, sizeof(to), STR_FMT, STR_ARG(sip_msg_value(refusal, SIP_HDR_TO)));
	a.method = "ACK";
	a.cseq = "7 ACK";
	a.to = to;
	a.lines = NULL;
	say(v, &a);
}

/* The final answer to a call, acknowledged when it is a refusal. Earlier ones may be repeated in
 * between: it is known by its Call-ID. */
static struct sip_msg *outcome(struct srv *v, const struct ask *a)
{
	double end = rig_ms() + PEER_MS;
	unsigned seen = v->p->count;
	char call_id[64];

	asked++;
	snprintf(call_id, sizeof(call_id), "call%u@peer.test", asked);
	say(v, a);
	while (rig_ms() < end) {
		rig_run(&v->p->responses, v->p->responses + 1, 2);
		for (; seen < v->p->count; seen++) {
			struct sip_msg *m = v->p->got[seen].msg;

			if (m->request || m->status < 200 ||
				!str_eq(sip_msg_call_id(m), str_of(call_id)))
				continue;
			if (m->status >= 300 && strcmp(a->method, "INVITE") == 0)
				say_ack(v, m);
			return m;
		}
	}
	fail_msg("no final answer to %s %s", a->method, a->uri);
	return NULL;
}

/* ---- requests of a dialog ---- */

struct dialog {
	char routes[1024], uri[128], from[128], to[128], call_id[128];
};

/* route set: the Record-Route of the message, reversed for the caller (12.1.2). */
static struct dialog dialog_of(const struct sip_msg *m, bool caller)
{
	struct sip_list l = sip_msg_list(m, SIP_HDR_RECORD_ROUTE);
	struct sip_nameaddr a;
	struct str found[8];
	struct dialog d = { 0 };
	unsigned n = 0;

	while (sip_list_nameaddr(&l, &a) && n < ARRAY_LEN(found))
		found[n++] = a.text;
	assert_true(n > 0);
	for (unsigned i = 0; i < n; i++)
		snprintf(d.routes + strlen(d.routes), sizeof(d.routes) - strlen(d.routes),
			"Route: " STR_FMT "\r\n", STR_ARG(found[caller ? n - 1 - i : i]));
	l = sip_msg_list(m, SIP_HDR_CONTACT);
	assert_true(sip_list_nameaddr(&l, &a));
	heard_copy(d.uri, sizeof(d.uri), a.uri.text);
	heard_copy(d.from, sizeof(d.from), sip_msg_value(m, caller ? SIP_HDR_FROM : SIP_HDR_TO));
	heard_copy(d.to, sizeof(d.to), sip_msg_value(m, caller ? SIP_HDR_TO : SIP_HDR_FROM));
	heard_copy(d.call_id, sizeof(d.call_id), sip_msg_call_id(m));
	return d;
}

static void say_in(struct peer *p, unsigned conn, const struct srv *v, const struct dialog *d,
	const char *method, unsigned cseq)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(65536);
	char number[32];
	struct ask a = { .method = method,
		.uri = d->uri,
		.from = d->from,
		.to = d->to,
		.call_id = d->call_id,
		.cseq = number,
		.lines = d->routes };

	asked++;
	snprintf(number, sizeof(number), "%u %s", cseq, method);
	peer_ask_write(&b, p, conn, &a);
	peer_send_to(p, &v->udp, conn, buf_str(&b));
}

/* ---- the call that everything is about ---- */

static void check_cancel(struct phone *f)
{
	struct sip_msg *i = request_of(f->p, "INVITE", 0), *c = request_of(f->p, "CANCEL", 0),
		       *a = request_of(f->p, "ACK", 0);
	unsigned status;

	/* 9.1: Request-URI, Call-ID, To, CSeq number and From of the INVITE, one Via, the same. */
	assert_int_equal(sip_msg_check(c, true, &status, NULL), SIP_ACCEPT);
	assert_true(str_eq(c->request_uri, i->request_uri));
	assert_true(str_eq(sip_msg_call_id(c), sip_msg_call_id(i)));
	assert_true(str_eq(sip_msg_value(c, SIP_HDR_TO), sip_msg_value(i, SIP_HDR_TO)));
	assert_true(str_eq(sip_msg_value(c, SIP_HDR_FROM), sip_msg_value(i, SIP_HDR_FROM)));
	assert_int_equal(msg_cseq(c), msg_cseq(i));
	assert_int_equal(msg_count(c, SIP_HDR_VIA), 1);
	assert_true(str_eq(msg_via(c).branch, msg_via(i).branch));
	/* 17.1.1.3: the ACK is the transaction's own. */
	assert_true(str_eq(msg_via(a).branch, msg_via(i).branch));
	assert_int_equal(msg_count(a, SIP_HDR_VIA), 1);
	assert_int_equal(f->acks, 1);
}

static void fork_over(bool tcp, bool caller_tcp)
{
	struct srv *v = srv_new((struct serve_config){ 0 });
	struct phone *a = phone_new(v, "a", tcp, NULL), *b = phone_new(v, "b", tcp, NULL);
	struct dialog caller, callee;
	struct sip_msg *m;
	unsigned status;

	if (caller_tcp)
		srv_over_tcp(v, v->p);
	a->ring = b->ring = 180;
	invite(v);
	assert_non_null(hear(v, 100));
	assert_non_null(hear_within(v->p, 180, 1, PEER_MS)); /* of both */
	m = b->invite.msg;
	assert_int_equal(sip_msg_check(m, !tcp, &status, NULL), SIP_ACCEPT);
	assert_int_equal(msg_count(m, SIP_HDR_RECORD_ROUTE), 2);
	assert_false(str_eq(msg_via(m).branch, msg_via(a->invite.msg).branch)); /* 16.6 step 8 */
	phone_say(b, 200);
	m = hear(v, 200);
	assert_str(sip_msg_to_tag(m), "b");
	rig_wait(a->cancels, 1);
	rig_wait(a->acks, 1);
	check_cancel(a);
	assert_has(sip_msg_value(request_of(a->p, "CANCEL", 0), SIP_HDR_REASON), "cause=200");
	/* ACK, re-INVITE and BYE of the caller: to the one phone, along the route. */
	caller = dialog_of(m, true);
	callee = dialog_of(b->invite.msg, false);
	snprintf(callee.from, sizeof(callee.from), STR_FMT, STR_ARG(sip_msg_value(m, SIP_HDR_TO)));
	say_in(v->p, v->conn, v, &caller, "ACK", 7);
	rig_wait(b->acks, 1);
	m = request_of(b->p, "ACK", 0);
	assert_int_equal(sip_msg_check(m, !tcp, &status, NULL), SIP_ACCEPT);
	assert_true(str_eq(m->request_uri, str_of(caller.uri)));
	assert_null(sip_msg_hdr(m, SIP_HDR_ROUTE));
	assert_int_equal(msg_count(m, SIP_HDR_VIA), 2);
	assert_str(sip_msg_value(m, SIP_HDR_MAX_FORWARDS), "69");
	b->final = 200;
	say_in(v->p, v->conn, v, &caller, "INVITE", 8);
	rig_wait(b->invites, 2);
	assert_non_null(hear_within(v->p, 200, 1, PEER_MS));
	assert_null(sip_msg_hdr(b->invite.msg, SIP_HDR_ROUTE));
	say_in(v->p, v->conn, v, &caller, "ACK", 8);
	rig_wait(b->acks, 2);
	/* And of the callee. */
	say_in(b->p, b->conn, v, &callee, "BYE", 1);
	rig_wait(v->p->requests, 1);
	m = peer_last(v->p)->msg;
	assert_str(m->method_name, "BYE");
	assert_str(m->request_uri, "sip:carol@192.0.2.1");
	assert_int_equal(peer_last(v->p)->conn, v->conn);
	peer_reply(v->p, peer_last(v->p), 200, NULL);
	assert_non_null(hear_within(b->p, 200, 1, PEER_MS)); /* behind that of REGISTER */
	/* The other phone had the one call, and the caller heard nothing of its end. */
	assert_int_equal(a->invites, 1);
	assert_int_equal(a->acks, 1);
	assert_int_equal(a->others, 0);
	assert_int_equal(heard(v->p, 487), 0);
	srv_free(v);
	phone_free(a);
	phone_free(b);
}

static void test_fork(void **state)
{
	(void)state;
	fork_over(false, false);
	fork_over(false, true);
	fork_over(true, false);
	fork_over(true, true);
}

/* 16.7 step 5: every 2xx goes on at once, and again when it comes again (RFC 6026 8.4). */
static void test_both_answer(void **state)
{
	(void)state;
	for (int tcp = 0; tcp < 2; tcp++) {
		struct srv *v = srv_new((struct serve_config){ 0 });
		struct phone *a = phone_new(v, "a", tcp, NULL), *b = phone_new(v, "b", tcp, NULL);

		invite(v);
		rig_wait(a->invites, 1);
		rig_wait(b->invites, 1);
		phone_say(a, 200);
		phone_say(b, 200);
		assert_non_null(hear_within(v->p, 200, 1, PEER_MS));
		phone_say(a, 200);
		phone_say(b, 200);
		phone_say(b, 200);
		assert_non_null(hear_within(v->p, 200, 4, PEER_MS));
		assert_true(str_eq(sip_msg_to_tag(hear_within(v->p, 200, 0, 0)), STR("a")) !=
			    str_eq(sip_msg_to_tag(hear_within(v->p, 200, 1, 0)), STR("a")));
		/* Neither was ringing any more: nobody to cancel. */
		rig_idle(20);
		assert_int_equal(a->cancels + b->cancels, 0);
		/* Later the transactions are over: nothing is left that forwards. */
		rig_idle(GIVE_UP + 100);
		phone_say(a, 200);
		rig_idle(20);
		assert_int_equal(heard(v->p, 200), 5);
		srv_free(v);
		phone_free(a);
		phone_free(b);
	}
}

/* Retransmissions of the INVITE end at the server. */
static void test_retransmitted(void **state)
{
	struct srv *v = srv_new((struct serve_config){ 0 });
	struct phone *a = phone_new(v, "a", false, NULL);

	(void)state;
	a->ring = 180;
	invite(v);
	rig_wait(a->invites, 1);
	hear(v, 180);
	for (int i = 0; i < 3; i++)
		say(v, &to_bob);
	assert_non_null(hear_within(v->p, 180, 3, PEER_MS)); /* the latest, again */
	rig_idle(20);
	assert_int_equal(a->invites, 1);
	phone_say(a, 486);
	hear(v, 486);
	rig_wait(a->acks, 1);
	/* 17.1.1.2: the ACK again for the 486 again, which does not go on. */
	phone_say(a, 486);
	rig_wait(a->p->retransmissions, 1);
	srv_free(v);
	phone_free(a);
}

/* ---- 16.7 step 6 ---- */

static void test_best(void **state)
{
	static const struct {
		unsigned a, b, low, high;
	} cases[] = {
		{ 486, 404, 400, 499 },
		{ 486, 503, 486, 486 },
		{ 500, 302, 302, 302 }, /* the lowest class */
		{ 404, 407, 407, 407 }, /* it says how to ask again */
		{ 484, 486, 484, 484 },
		{ 501, 503, 501, 501 }, /* 503 should not go on */
		{ 503, 503, 500, 500 },
		{ 404, 603, 603, 603 },
		{ 302, 600, 600, 600 },
		{ 401, 404, 401, 401 },
	};

	(void)state;
	for (unsigned i = 0; i < 2 * ARRAY_LEN(cases); i++) {
		struct srv *v = srv_new((struct serve_config){ 0 });
		struct phone *a = phone_new(v, "a", i % 3 == 0, NULL),
			     *b = phone_new(v, "b", false, NULL);
		unsigned k = i / 2, finals = 0, status = 0;

		invite(v);
		rig_wait(a->invites, 1);
		rig_wait(b->invites, 1);
		phone_say(a, i % 2 ? cases[k].a : cases[k].b);
		rig_idle(10);
		assert_false(heard_final(v->p)); /* not before all have answered */
		phone_say(b, i % 2 ? cases[k].b : cases[k].a);
		rig_wait(a->acks, 1);
		rig_wait(b->acks, 1);
		rig_wait(v->p->responses, 2);
		for (unsigned n = 0; n < v->p->count; n++)
			if (!v->p->got[n].msg->request && v->p->got[n].msg->status != 100) {
				finals += status != v->p->got[n].msg->status;
				status = v->p->got[n].msg->status;
			}
		assert_int_equal(finals, 1);
		if (status < cases[k].low || status > cases[k].high)
			fail_msg("%u and %u: %u", cases[k].a, cases[k].b, status);
		srv_free(v);
		phone_free(a);
		phone_free(b);
	}
}

/* Step 7: the challenges of all. */
static void test_challenges(void **state)
{
	struct srv *v = srv_new((struct serve_config){ 0 });
	struct phone *a = phone_new(v, "a", false, NULL), *b = phone_new(v, "b", false, NULL),
		     *c = phone_new(v, "c", false, NULL);
	struct sip_msg *m;

	(void)state;
	a->headers = "WWW-Authenticate: Digest realm=\"a\", nonce=\"1\"\r\n";
	b->headers = "Proxy-Authenticate: Digest realm=\"b1\", nonce=\"2\"\r\n"
		     "Proxy-Authenticate: Digest realm=\"b2\", nonce=\"3\"\r\n";
	c->headers = "WWW-Authenticate: Digest realm=\"c\", nonce=\"4\"\r\n";
	a->final = 401;
	b->final = 407;
	c->final = 404; /* a challenge that is none */
	invite(v);
	rig_wait(a->acks, 1);
	rig_wait(b->acks, 1);
	rig_wait(c->acks, 1);
	rig_wait(v->p->responses, 2);
	m = peer_answer(v->p);
	assert_true(m->status == 401 || m->status == 407);
	assert_int_equal(msg_count(m, SIP_HDR_WWW_AUTHENTICATE), 1);
	assert_int_equal(msg_count(m, SIP_HDR_PROXY_AUTHENTICATE), 2);
	assert_has(sip_msg_value(m, SIP_HDR_WWW_AUTHENTICATE), "realm=\"a\"");
	srv_free(v);
	phone_free(a);
	phone_free(b);
	phone_free(c);
}

/* A 6xx ends the ringing of the others, and goes on when they have ended; a 2xx beats it. */
static void test_decline(void **state)
{
	(void)state;
	for (int late = 0; late < 2; late++) {
		struct srv *v = srv_new((struct serve_config){ 0 });
		struct phone *a = phone_new(v, "a", false, NULL),
			     *b = phone_new(v, "b", false, NULL);

		a->ring = b->ring = 180;
		a->deaf = true;
		invite(v);
		assert_non_null(hear_within(v->p, 180, 1, PEER_MS));
		phone_say(b, 603);
		rig_wait(b->acks, 1);
		rig_wait(a->cancels, 1);
		rig_idle(10);
		assert_false(heard_final(v->p));
		phone_say(a, late ? 200 : 487);
		hear(v, late ? 200 : 603);
		rig_idle(20);
		assert_int_equal(heard(v->p, late ? 603 : 487), 0);
		srv_free(v);
		phone_free(a);
		phone_free(b);
	}
}

/* ---- CANCEL from the caller ---- */

static void test_cancel(void **state)
{
	(void)state;
	for (int tcp = 0; tcp < 2; tcp++) {
		struct srv *v = srv_new((struct serve_config){ 0 });
		struct phone *a = phone_new(v, "a", tcp, NULL), *b = phone_new(v, "b", tcp, NULL);
		struct sip_msg *m;

		if (tcp)
			srv_over_tcp(v, v->p);
		a->ring = b->ring = 180;
		invite(v);
		assert_non_null(hear_within(v->p, 180, 1, PEER_MS));
		say_cancel(v);
		m = hear(v, 487);
		say_ack(v, m);
		assert_int_equal(heard(v->p, 200), 1); /* to the CANCEL */
		rig_wait(a->acks, 1);
		rig_wait(b->acks, 1);
		check_cancel(a);
		check_cancel(b);
		/* RFC 3326: the reason goes along. */
		assert_str(sip_msg_value(request_of(a->p, "CANCEL", 0), SIP_HDR_REASON),
			"Q.850;cause=16");
		rig_idle(30);
		assert_int_equal(heard(v->p, 487), 1); /* acknowledged, not repeated */
		assert_int_equal(a->acks, 1); /* the caller's ends at the server */
		srv_free(v);
		phone_free(a);
		phone_free(b);
	}
}

/* 9.1: no CANCEL before a provisional response; a busy phone's word does not count any more. */
static void test_cancel_early(void **state)
{
	struct srv *v = srv_new((struct serve_config){ 0 });
	struct phone *a = phone_new(v, "a", false, NULL), *b = phone_new(v, "b", false, NULL);

	(void)state;
	invite(v);
	rig_wait(a->invites, 1);
	rig_wait(b->invites, 1);
	say_cancel(v);
	hear(v, 200);
	rig_idle(30);
	assert_int_equal(a->cancels + b->cancels, 0);
	assert_false(heard(v->p, 487));
	phone_say(a, 100); /* it counts as well */
	rig_wait(a->cancels, 1);
	rig_wait(a->acks, 1);
	assert_int_equal(b->cancels, 0);
	phone_say(b, 486); /* never cancelled: it had not begun to ring */
	hear(v, 487);
	assert_int_equal(heard(v->p, 486), 0);
	rig_idle(20);
	assert_int_equal(b->cancels, 0);
	srv_free(v);
	phone_free(a);
	phone_free(b);
}

/* 9.2: too late, or for a phone that answers in between. */
static void test_cancel_late(void **state)
{
	struct srv *v = srv_new((struct serve_config){ 0 });
	struct phone *a = phone_new(v, "a", false, NULL);

	(void)state;
	a->ring = 180;
	a->on_cancel = 200;
	invite(v);
	hear(v, 180);
	say_cancel(v);
	assert_non_null(hear_within(v->p, 200, 1, PEER_MS)); /* to CANCEL and to INVITE */
	assert_int_equal(a->cancels, 1);
	say_cancel(v);
	rig_idle(30);
	assert_int_equal(a->cancels, 1);
	assert_int_equal(heard(v->p, 487), 0);
	srv_free(v);
	phone_free(a);
}

/* 9.1: a phone that does not answer its CANCEL ends 64*T1 later. */
static void test_deaf(void **state)
{
	struct srv *v = srv_new((struct serve_config){ 0 });
	struct phone *a = phone_new(v, "a", false, NULL);
	double began;

	(void)state;
	a->ring = 180;
	a->deaf = true;
	invite(v);
	hear(v, 180);
	began = rig_ms();
	say_cancel(v);
	assert_non_null(hear(v, 487));
	assert_between(rig_ms() - began, GIVE_UP - 2, GIVE_UP + PEER_LATE);
	assert_int_equal(a->cancels, 1);
	assert_true(a->p->retransmissions > 2); /* Timer E */
	srv_free(v);
	phone_free(a);
}

/* ---- silence ---- */

/* 16.8, and 16.7 step 2: every 101 to 199 starts it again. */
static void test_timer_c(void **state)
{
	struct srv *v = srv_new((struct serve_config){ .timer_c_ms = 200 });
	struct phone *a = phone_new(v, "a", false, NULL);
	double began;

	(void)state;
	a->ring = 180;
	invite(v);
	hear(v, 180);
	rig_idle(120);
	began = rig_ms();
	phone_say(a, 183);
	rig_wait(a->cancels, 1);
	assert_between(rig_ms() - began, 198, 200 + PEER_LATE);
	assert_true(hear(v, 487) != NULL);
	srv_free(v);
	phone_free(a);

	/* A 100 does not; it is provisional all the same, so that there is a CANCEL. */
	v = srv_new((struct serve_config){ .timer_c_ms = 200 });
	a = phone_new(v, "a", false, NULL);
	a->ring = 100;
	began = rig_ms();
	invite(v);
	rig_wait(a->invites, 1);
	rig_idle(100);
	phone_say(a, 100);
	rig_wait(a->cancels, 1);
	assert_between(rig_ms() - began, 198, 200 + 90);
	srv_free(v);
	phone_free(a);

	/* Without a provisional response: as a 408. */
	v = srv_new((struct serve_config){ .timer_c_ms = 100 });
	a = phone_new(v, "a", false, NULL);
	invite(v);
	assert_non_null(hear(v, 408));
	rig_idle(20);
	assert_int_equal(a->cancels, 0);
	srv_free(v);
	phone_free(a);
}

static void test_dead(void **state)
{
	struct srv *v = srv_new((struct serve_config){ 0 });
	struct phone *a = phone_new(v, "a", false, NULL), *b = phone_new(v, "b", false, NULL);
	double began = rig_ms();

	(void)state;
	b->final = 486;
	invite(v);
	assert_non_null(hear(v, 486));
	assert_between(rig_ms() - began, GIVE_UP - 2, GIVE_UP + PEER_LATE);
	assert_int_equal(a->cancels, 0);
	srv_free(v);
	phone_free(b);

	/* All of them are: 408. */
	v = srv_new((struct serve_config){ 0 });
	b = phone_new(v, "b", false, NULL);
	began = rig_ms();
	invite(v);
	assert_non_null(hear(v, 408));
	assert_between(rig_ms() - began, GIVE_UP - 2, GIVE_UP + PEER_LATE);
	srv_free(v);
	phone_free(a);
	phone_free(b);
}

/* ---- flows ---- */

static void test_lost_flow(void **state)
{
	struct srv *v = srv_new((struct serve_config){ 0 });
	struct phone *a = phone_new(v, "a", true, NULL), *b = phone_new(v, "b", true, NULL);

	(void)state;
	a->ring = b->ring = 180;
	invite(v);
	assert_non_null(hear_within(v->p, 180, 1, PEER_MS));
	peer_drop(a->p, true);
	rig_idle(20);
	assert_false(heard_final(v->p));
	phone_say(b, 200);
	hear(v, 200);
	srv_free(v);
	phone_free(b);

	v = srv_new((struct serve_config){ 0 });
	b = phone_new(v, "b", true, NULL);
	b->ring = 180;
	invite(v);
	hear(v, 180);
	peer_drop(b->p, true);
	assert_non_null(hear(v, 480));
	srv_free(v);
	phone_free(a);
	phone_free(b);
}

#define FLOW(n) ";+sip.instance=\"<" SRV_INSTANCE ">\";reg-id=" #n

/* RFC 5626 section 7: one flow of an instance at a time, the next when it fails: 430, 408 or its
 * end; any other answer is the instance's. */
static void test_outbound(void **state)
{
	static const unsigned answers[] = { 430, 408, 0, 486 };

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(answers); i++) {
		struct srv *v = srv_new((struct serve_config){ 0 });
		struct phone *a = phone_new(v, "a", true, FLOW(1)),
			     *b = phone_new(v, "b", true, FLOW(2)),
			     *c = phone_new(v, "c", false, NULL);

		a->ring = b->ring = c->ring = 180;
		assert_int_equal(serve_bindings(v->s, STR("bob")), 3);
		invite(v);
		assert_non_null(hear_within(v->p, 180, 1, PEER_MS));
		rig_idle(20);
		assert_int_equal(b->invites, 1); /* the newer one */
		assert_int_equal(c->invites, 1);
		assert_int_equal(a->invites, 0);
		if (answers[i])
			phone_say(b, answers[i]);
		else
			peer_drop(b->p, true);
		if (answers[i] == 486) {
			phone_say(c, 500);
			assert_non_null(hear(v, 486));
			assert_int_equal(a->invites, 0);
		} else {
			rig_wait(a->invites, 1);
			phone_say(a, 200);
			hear(v, 200);
			rig_wait(c->cancels, 1);
		}
		assert_int_equal(heard(v->p, 430) + heard(v->p, 408), 0);
		srv_free(v);
		phone_free(a);
		phone_free(b);
		phone_free(c);
	}
}

/* A GRUU rings at its instance only; without anybody there it is 480, without such a user 404. */
static void test_who(void **state)
{
	struct serve_user users[] = { srv_user("bob", "secret"), srv_user("dave", "secret") };
	struct srv *v = srv_new((struct serve_config){ .users = users, .user_count = 2 });
	struct phone *a = phone_new(v, "a", false, FLOW(1)), *b = phone_new(v, "b", false, NULL);
	struct ask ask = to_bob;

	(void)state;
	a->final = 200;
	ask.uri = "sip:bob@test.invalid;gr=" SRV_INSTANCE;
	assert_int_equal(outcome(v, &ask)->status, 200);
	assert_int_equal(a->invites, 1);
	assert_int_equal(b->invites, 0);
	ask.uri = "sip:dave@test.invalid";
	assert_int_equal(outcome(v, &ask)->status, 480);
	ask.uri = "sip:nobody@test.invalid";
	assert_int_equal(outcome(v, &ask)->status, 404);
	ask.uri = "sip:test.invalid"; /* not for a server */
	assert_int_equal(outcome(v, &ask)->status, 405);
	ask.uri = "sip:bob@test.invalid";
	ask.max_forwards = "0";
	assert_int_equal(outcome(v, &ask)->status, 483);
	assert_int_equal(a->invites + b->invites, 1);
	srv_free(v);
	phone_free(a);
	phone_free(b);
}

/* Other requests keep to one binding. */
static void test_others(void **state)
{
	struct srv *v = srv_new((struct serve_config){ 0 });
	struct phone *a = phone_new(v, "a", false, NULL), *b = phone_new(v, "b", false, NULL);
	struct ask ask = to_bob;

	(void)state;
	ask.method = "MESSAGE";
	ask.cseq = NULL;
	assert_int_equal(outcome(v, &ask)->status, 200);
	rig_idle(20);
	assert_int_equal(a->others + b->others, 1);
	srv_free(v);
	phone_free(a);
	phone_free(b);
}

/* Both parties behind one connection: the route leads back over it. */
static void test_same_flow(void **state)
{
	struct srv *v = srv_new((struct serve_config){ 0 });
	struct dialog d;

	(void)state;
	srv_over_tcp(v, v->p);
	srv_register(v, &(struct reg){ .user = "bob", .expires = "60" });
	invite(v);
	rig_wait(v->p->requests, 1);
	peer_reply(v->p, peer_last(v->p), 200, "Contact: <sip:other@192.0.2.9>\r\n");
	rig_wait(v->p->responses, 3);
	/* What the rig answers has no Record-Route, but the request has. */
	d = dialog_of(peer_last(v->p)->msg, false);
	say_in(v->p, v->conn, v, &d, "BYE", 9);
	rig_wait(v->p->requests, 2);
	assert_str(peer_last(v->p)->msg->method_name, "BYE");
	srv_free(v);
}

/* A token that names a connection that is gone, and one that we never made. */
static void test_tokens(void **state)
{
	struct srv *v = srv_new((struct serve_config){ 0 });
	struct phone *a = phone_new(v, "a", true, NULL), *b = phone_new(v, "b", true, NULL);
	struct dialog d;
	char *user;

	(void)state;
	b->ring = 180;
	a->final = 200;
	invite(v);
	d = dialog_of(hear(v, 200), true);
	peer_drop(a->p, true);
	rig_idle(20);
	say_in(v->p, 0, v, &d, "ACK", 7); /* nobody to tell */
	say_in(v->p, 0, v, &d, "BYE", 8);
	assert_non_null(hear(v, 430));
	/* Not back to the caller, whose flow of the call lives, when it comes by another one. */
	say_in(v->p, peer_connect(v->p, &v->tcp), v, &d, "BYE", 9);
	assert_non_null(hear_within(v->p, 430, 1, PEER_MS));
	assert_int_equal(v->p->requests, 0);
	user = strstr(d.routes, "sip:f");
	assert_non_null(user);
	user[8] ^= 1;
	say_in(v->p, 0, v, &d, "BYE", 10);
	rig_idle(30);
	assert_int_equal(b->others + b->acks, 1); /* the ACK of its 487 */
	srv_free(v);
	phone_free(a);
	phone_free(b);
}

/* ---- Max-Breadth, RFC 5393 5.3.3 ---- */

static unsigned breadth_at(const struct phone *f)
{
	unsigned n = 0;

	for (unsigned i = 0; i < f->invite.msg->hdr_count; i++)
		n += str_ieq(f->invite.msg->hdrs[i].name, STR("Max-Breadth"));
	assert_int_equal(n, 1);
	assert_true(str_u32(msg_named(f->invite.msg, "Max-Breadth"), &n));
	return n;
}

static void test_breadth(void **state)
{
	static const struct {
		const char *line;
		unsigned a, b; /* in any order */
	} cases[] = {
		{ "", 30, 30 },
		{ "Max-Breadth: 5\r\n", 2, 3 },
		{ "Max-Breadth: 2\r\n", 1, 1 },
		{ "Max-Breadth: 4000\r\n", 30, 30 },
	};
	struct ask ask = to_bob;

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
		struct srv *v = srv_new((struct serve_config){ 0 });
		struct phone *a = phone_new(v, "a", false, NULL),
			     *b = phone_new(v, "b", false, NULL);
		asked++;
		ask.lines = cases[i].line;
		say(v, &ask);
		rig_wait(a->invites, 1);
		rig_wait(b->invites, 1);
		assert_int_equal(breadth_at(a) + breadth_at(b), cases[i].a + cases[i].b);
		assert_true(breadth_at(a) == cases[i].a || breadth_at(b) == cases[i].a);
		srv_free(v);
		phone_free(a);
		phone_free(b);
	}
}

/* With a breadth of one they are asked in turn (5.3.3.1), the highest q first. */
static void test_narrow(void **state)
{
	struct srv *v = srv_new((struct serve_config){ 0 });
	struct phone *a = phone_new(v, "a", false, ";q=0.5"),
		     *b = phone_new(v, "b", false, ";q=0.9"),
		     *c = phone_new(v, "c", false, ";q=0.1");
	struct ask ask = to_bob;

	(void)state;
	ask.lines = "max-breadth: 1\r\n";
	asked++;
	say(v, &ask);
	rig_wait(b->invites, 1);
	assert_int_equal(breadth_at(b), 1);
	rig_idle(20);
	assert_int_equal(a->invites + c->invites, 0);
	phone_say(b, 404);
	rig_wait(a->invites, 1);
	assert_int_equal(breadth_at(a), 1);
	rig_idle(20);
	assert_int_equal(c->invites, 0);
	phone_say(a, 180);
	say_cancel(v); /* no further branch */
	assert_non_null(hear(v, 487));
	rig_idle(20);
	assert_int_equal(c->invites, 0);
	ask.lines = "Max-Breadth: 0\r\n";
	assert_int_equal(outcome(v, &ask)->status, 440);
	assert_int_equal(a->invites + b->invites + c->invites, 2);
	srv_free(v);
	phone_free(a);
	phone_free(b);
	phone_free(c);
}

/* ---- who may call ---- */

static void test_proved(void **state)
{
	struct srv *v = srv_secure(0, 0);
	CLEANUP(buf_done) struct buf lines = BUF_INIT(65536);
	struct srv_challenge c[8];
	struct answer an = { .user = "bob", .password = "secret", .qop = "auth", .challenge = c };
	struct peer *bob = peer_new();
	struct phone f = { .p = bob, .tag = "bob", .final = 200 };
	struct ask ask = to_bob;
	struct dialog d;
	struct sip_msg *m;

	(void)state;
	m = srv_register(v, &(struct reg){ .user = "bob", .expires = "60", .peer = bob });
	srv_challenges(m, c, 8);
	srv_register(
		v, &(struct reg){ .user = "bob", .expires = "60", .peer = bob, .answer = &an });
	assert_int_equal(serve_bindings(v->s, STR("bob")), 1);
	bob->hook = phone_hears;
	bob->hook_arg = &f;
	ask.from = "<sip:alice@test.invalid>;tag=2";
	m = outcome(v, &ask);
	assert_int_equal(m->status, 407);
	assert_int_equal(heard(v->p, 100), 0);
	srv_challenges(m, c, 8);
	rig_idle(20);
	assert_int_equal(f.invites + f.acks, 0); /* the ACK ends here, too */
	an.user = "alice";
	answer_write(&lines, &an, "INVITE", ask.uri, ask.body);
	ask.lines = buf_cstr(&lines);
	ask.cseq = "8 INVITE";
	m = outcome(v, &ask);
	assert_int_equal(m->status, 200);
	assert_null(sip_msg_hdr(f.invite.msg, SIP_HDR_PROXY_AUTHORIZATION));
	/* ACK and what follows in the dialog is not challenged. */
	d = dialog_of(m, true);
	say_in(v->p, 0, v, &d, "ACK", 8);
	rig_wait(f.acks, 1);
	say_in(v->p, 0, v, &d, "BYE", 9);
	rig_wait(f.others, 1);
	srv_free(v);
	peer_free(bob);
}

/* --trust: no challenge for who comes from there. */
static void test_trust(void **state)
{
	struct serve_user users[] = { srv_user("alice", "secret"), srv_user("bob", "secret") };
	struct str trust[] = { STR("192.0.2.1"), STR("127.0.0.1") };
	struct serve_config c = {
		.users = users, .user_count = 2, .challenge = true, .trust = trust, .trust_count = 2
	};
	struct srv *v = srv_new(c);
	struct phone *a = phone_new(v, "a", false, NULL); /* 401 for nobody */
	struct ask ask = to_bob;
	char text[NET_ADDR_TEXT];

	(void)state;
	a->final = 200;
	ask.from = "<sip:alice@test.invalid>;tag=2";
	assert_int_equal(outcome(v, &ask)->status, 200);
	srv_free(v);
	phone_free(a);
	/* With a port: for this one alone. */
	a = MEM_NEW(struct phone);
	a->p = peer_new();
	snprintf(text, sizeof(text), "%s", a->p->text);
	trust[1] = str_of(text);
	v = srv_new(c);
	assert_int_equal(
		srv_register(v, &(struct reg){ .user = "bob", .expires = "60", .peer = a->p })
			->status,
		200);
	assert_int_equal(
		srv_register(v, &(struct reg){ .user = "bob", .expires = "60" })->status, 401);
	assert_int_equal(outcome(v, &ask)->status, 407);
	srv_free(v);
	phone_free(a);
}

/* ---- --route ---- */

static void route_over(bool tcp)
{
	struct peer *p = peer_new();
	struct phone app = { .p = p, .tag = "app", .ring = 180 };
	char text[2][160];
	struct str routes[2];
	struct srv *v;
	struct ask ask = to_bob;
	struct dialog caller, callee;
	struct sip_msg *m;

	snprintf(text[0], sizeof(text[0]), "sip:app@test.invalid=sip:%s%s", p->text,
		tcp ? ";transport=tcp" : "");
	snprintf(text[1], sizeof(text[1]), "sip:Other.Example=sip:%s;lr", p->text);
	routes[0] = str_of(text[0]);
	routes[1] = str_of(text[1]);
	v = srv_new((struct serve_config){ .routes = routes, .route_count = 2 });
	p->hook = phone_hears;
	p->hook_arg = &app;
	ask.uri = "sip:%61pp@test.invalid;x=y";
	asked++;
	say(v, &ask);
	hear(v, 180);
	assert_str(app.invite.msg->request_uri, ask.uri); /* as it came */
	assert_int_equal(app.invite.transport, tcp ? NET_TCP : NET_UDP);
	phone_say(&app, 200);
	m = hear(v, 200);
	caller = dialog_of(m, true);
	callee = dialog_of(app.invite.msg, false);
	say_in(v->p, 0, v, &caller, "ACK", 7);
	rig_wait(app.acks, 1);
	say_in(p, app.invite.conn, v, &callee, "INFO", 1);
	rig_wait(v->p->requests, 1);
	peer_reply(v->p, peer_last(v->p), 200, NULL);
	say_in(v->p, 0, v, &caller, "BYE", 8);
	rig_wait(app.others, 1);
	assert_non_null(hear_within(v->p, 200, 1, PEER_MS));
	assert_true(str_eq(peer_last(p)->msg->method_name, STR("BYE")));
	assert_int_equal(p->accepted, tcp ? 1 : 0); /* one connection for all */
	/* A whole domain that is not ours; another one stays unknown. */
	ask.uri = "sip:anybody@other.example";
	app.final = 486;
	assert_int_equal(outcome(v, &ask)->status, 486);
	assert_str(app.invite.msg->request_uri, ask.uri);
	ask.uri = "sip:anybody@other.example:5099";
	assert_int_equal(outcome(v, &ask)->status, 404);
	ask.uri = "sip:apps@test.invalid";
	assert_true(outcome(v, &ask)->status != 486);
	/* Any request, not only calls. */
	ask.uri = "sip:app@test.invalid";
	ask.method = "OPTIONS";
	ask.cseq = "9 OPTIONS";
	assert_int_equal(outcome(v, &ask)->status, 200);
	/* Nobody there: 16.9 and 16.7 step 6. Then again somebody. */
	if (tcp) {
		peer_close_tcp(p);
		rig_idle(20);
		assert_int_equal(outcome(v, &ask)->status, 500);
		assert_true(peer_reopen(p));
		assert_int_equal(outcome(v, &ask)->status, 200);
	}
	srv_free(v);
	peer_free(p);
}

static void test_route(void **state)
{
	(void)state;
	route_over(false);
	route_over(true);
}

/* A route that leads to ourselves ends as a loop. */
static void test_route_loop(void **state)
{
	struct str route = STR("sip:app@test.invalid=sip:127.0.0.1:47111");
	struct str listen = STR("udp:127.0.0.1:47111");
	struct ask ask = to_bob;
	struct serve *probe;
	struct srv *v;

	(void)state;
	if (serve_new(&(struct serve_config){ .listen = &listen, .listen_count = 1 }, false, &probe,
		    NULL) != 0)
		skip(); /* somebody has that port */
	serve_free(probe);
	v = srv_new((struct serve_config){
		.routes = &route, .route_count = 1, .listen = &listen, .listen_count = 1 });
	ask.uri = "sip:app@test.invalid";
	assert_int_equal(outcome(v, &ask)->status, 482);
	srv_free(v);
}

static void test_syntax(void **state)
{
	static const char *const routes[] = { "sip:app@test.invalid=sip:127.0.0.1:5080",
		"sip:a=b@x.test=sip:127.0.0.1", "sip:x.test=sip:[::1]:5070;transport=tcp",
		"sips:app@x.test=sip:192.0.2.1;lr", "sip:x.test=SIP:192.0.2.1;transport=UDP" };
	static const char *const bad_routes[] = { "", "sip:a@b.test",
		"sip:a@b.test=", "=sip:127.0.0.1", "sip:a@b.test=127.0.0.1",
		"sip:a@b.test=sip:host.test", "sip:a@b.test=sip:u@127.0.0.1",
		"sip:a@b.test=sip:127.0.0.1;transport=tls", "sip:a@b.test=sips:127.0.0.1",
		"sip:a@b.test=sip:127.0.0.1;transpot=tcp", "sip:a@b.test=sip:127.0.0.1;transport",
		"sip:a@b.test=sip:127.0.0.1:0", "sip:a@b.test=sip:127.0.0.1:70000",
		"sip:a@b.test;x=y=sip:127.0.0.1", "tel:+1555=sip:127.0.0.1",
		"sip:a@b.test=sip:127.0.0.1?x=y" };
	static const char *const trusts[] = { "192.0.2.1", "192.0.2.1:5060", "::1", "[::1]",
		"[2001:db8::1]:5060" };
	static const char *const bad_trusts[] = { "", "host.test", "192.0.2.1:", "192.0.2.1:0",
		"192.0.2.1:70000", "192.0.2.1:x", "[::1", ":5060", "0.0.0.0",
		"::", "192.0.2.0/24" };
	struct fail f;

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(routes); i++)
		if (serve_route_check(str_of(routes[i]), &f) != 0)
			fail_msg("%s: %s", routes[i], f.text);
	for (unsigned i = 0; i < ARRAY_LEN(bad_routes); i++)
		if (serve_route_check(str_of(bad_routes[i]), &f) != -FAIL_ARGUMENT)
			fail_msg("\"%s\" is taken for a route", bad_routes[i]);
	for (unsigned i = 0; i < ARRAY_LEN(trusts); i++)
		if (serve_trust_check(str_of(trusts[i]), &f) != 0)
			fail_msg("%s: %s", trusts[i], f.text);
	for (unsigned i = 0; i < ARRAY_LEN(bad_trusts); i++)
		if (serve_trust_check(str_of(bad_trusts[i]), &f) != -FAIL_ARGUMENT)
			fail_msg("\"%s\" is taken for an address", bad_trusts[i]);
}

/* ---- the end in the middle ---- */

static void test_freed(void **state)
{
	(void)state;
	for (int at = 0; at < 5; at++) {
		struct srv *v = srv_new((struct serve_config){ 0 });
		struct phone *a = phone_new(v, "a", false, NULL),
			     *b = phone_new(v, "b", true, NULL);

		a->ring = b->ring = at > 0 ? 180 : 0;
		a->deaf = b->deaf = true;
		invite(v);
		rig_wait(a->invites, 1);
		rig_wait(b->invites, 1);
		if (at > 0)
			assert_non_null(hear_within(v->p, 180, 1, PEER_MS));
		if (at == 2)
			phone_say(b, 200);
		if (at == 3)
			say_cancel(v);
		if (at >= 2)
			rig_idle(20);
		if (at == 4) { /* everybody hangs up without a word */
			peer_drop(b->p, true);
			peer_close_udp(a->p);
			rig_idle(20);
		}
		srv_free(v);
		phone_free(a);
		phone_free(b);
	}
}

/* What no phone should send. */
static void test_hostile(void **state)
{
	struct srv *v = srv_new((struct serve_config){ 0 });
	struct phone *a = phone_new(v, "a", false, NULL), *b = phone_new(v, "b", false, NULL);

	(void)state;
	a->ring = 180;
	invite(v);
	hear(v, 180);
	phone_say(a, 699);
	rig_wait(a->acks, 1);
	phone_say(a, 200); /* after its refusal: the transaction hears it no more */
	phone_say(a, 180);
	phone_say(b, 183);
	rig_wait(b->cancels, 1);
	assert_non_null(hear(v, 699));
	phone_say(b, 200);
	rig_idle(30);
	assert_int_equal(heard(v->p, 200), 0);
	/* An ACK for nothing, one that has travelled enough. */
	say(v, &(struct ask){
		       .method = "ACK", .uri = "sip:bob@test.invalid", .max_forwards = "0" });
	asked++;
	say(v, &(struct ask){ .method = "ACK", .uri = "tel:+1555" });
	asked++;
	say(v, &(struct ask){ .method = "ACK", .uri = "sip:nobody@test.invalid" });
	rig_idle(30);
	assert_int_equal(a->acks, 1);
	assert_int_equal(b->acks, 1);
	srv_free(v);
	phone_free(a);
	phone_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fork),
		cmocka_unit_test(test_both_answer),
		cmocka_unit_test(test_retransmitted),
		cmocka_unit_test(test_best),
		cmocka_unit_test(test_challenges),
		cmocka_unit_test(test_decline),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_cancel_early),
		cmocka_unit_test(test_cancel_late),
		cmocka_unit_test(test_deaf),
		cmocka_unit_test(test_timer_c),
		cmocka_unit_test(test_dead),
		cmocka_unit_test(test_lost_flow),
		cmocka_unit_test(test_outbound),
		cmocka_unit_test(test_who),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_same_flow),
		cmocka_unit_test(test_tokens),
		cmocka_unit_test(test_breadth),
		cmocka_unit_test(test_narrow),
		cmocka_unit_test(test_proved),
		cmocka_unit_test(test_trust),
		cmocka_unit_test(test_route),
		cmocka_unit_test(test_route_loop),
		cmocka_unit_test(test_syntax),
		cmocka_unit_test(test_freed),
		cmocka_unit_test(test_hostile),
	};

	net_loop();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
