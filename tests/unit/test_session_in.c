/* tests/unit/test_session_in.c -- lib/endpoint/session, calls of a peer (RFC
 * 3261 8.2, 12.1.1, 13.3; RFC 3262 section 3, RFC 3891, RFC 6026) over loopback. Its siblings:
 * test_session, _within, _timer. */
#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "call_rig.h"

enum { T1 = 20, QUICK_T1 = 5 };

/* The peer's INVITE; waits until the handler has it. */
static struct call *rung(struct rig *r, struct leg *l, const char *lines, const char *sdp)
{
	unsigned before = r->in_count;

	*l = leg_call(r, lines, sdp);
	till(r->in_count > before);
	return r->in[before];
}

static void ring(struct call *c, unsigned status, bool early)
{
	if (session_ring(c->s, status, STR_EMPTY, early, &c->rig->u->why) != 0)
		fail_msg("session_ring: %s", fail_show(&c->rig->u->why));
}

static void accept_it(struct call *c)
{
	if (session_accept(c->s, 200, STR_EMPTY, &c->rig->u->why) != 0)
		fail_msg("session_accept: %s", fail_show(&c->rig->u->why));
}

/* What an INVITE gets without anybody being asked; it is acknowledged. */
static struct sip_msg *refused_at_once(struct rig *r, const char *lines, const char *sdp)
{
	unsigned before = r->offered;
	struct leg l = leg_call(r, lines, sdp);
	struct sip_msg *m = leg_response(&l, "INVITE", 200);

	leg_ack(&l, m, NULL);
	rig_idle(5);
	assert_int_equal(r->offered, before);
	return m;
}

/* --- taken -------------------------------------------------------------------------------------
 */

/* 12.1.1: what a response that makes a dialog carries. */
static void check_dialog_response(const struct sip_msg *m, const struct leg *l)
{
	struct sip_list list = sip_msg_list(m, SIP_HDR_RECORD_ROUTE);
	struct sip_nameaddr a;

	assert_true(sip_msg_to_tag(m).n >= 4);
	assert_str(sip_msg_value(m, SIP_HDR_FROM), l->local);
	assert_int_equal(msg_count(m, SIP_HDR_CONTACT), 1);
	assert_true(sip_list_nameaddr(&list, &a));
	assert_str(a.uri.text, "sip:p1.test;lr");
	assert_true(sip_list_nameaddr(&list, &a));
	assert_str(a.uri.text, "sip:p2.test;lr;x=1");
	assert_false(sip_list_nameaddr(&list, &a));
}

static void answered_over(int transport)
{
	struct rig *r = rig_in(transport, 0);
	struct leg l;
	struct call *c;
	struct sip_msg *m, *ringing;
	unsigned n, later;

	c = rung(r, &l, "Record-Route: <sip:p1.test;lr>\r\nRecord-Route: <sip:p2.test;lr;x=1>\r\n",
		bob_sdp(1, NULL));
	assert_true(session_is_incoming(c->s));
	assert_false(session_is_confirmed(c->s));
	ring(c, 180, false);
	ringing = leg_response(&l, "INVITE", 180);
	assert_int_equal(ringing->status, 180);
	check_dialog_response(ringing, &l);
	assert_int_equal(ringing->body.n, 0);
	till(call_times(c, "early"));
	assert_false(c->initiator);
	assert_string_equal(c->remote_tag, l.tag);
	accept_it(c);
	m = leg_response(&l, "INVITE", 200);
	assert_int_equal(m->status, 200);
	check_dialog_response(m, &l);
	assert_true(str_eq(sip_msg_to_tag(m), sip_msg_to_tag(ringing)));
	assert_true(sip_msg_has_token(m, SIP_HDR_ALLOW, "BYE")); /* 13.3.1.4 SHOULD */
	assert_non_null(sip_msg_hdr(m, SIP_HDR_SUPPORTED));
	assert_str(sip_msg_value(m, SIP_HDR_CONTENT_TYPE), "application/sdp");
	assert_has(m->body, "m=audio ");
	assert_has(m->body, " 0");
	/* 13.3.1.4: sent again until the ACK, over any transport; T1, 2*T1 ... */
	assert_false(session_is_confirmed(c->s));
	rig_idle(4 * T1);
	leg_find(&l, l.invite_branch, "INVITE", 200, &n);
	assert_between(n, 2, 4);
	assert_no_state(c, "confirmed");
	leg_learn(&l, m);
	leg_ack(&l, m, NULL);
	till(call_times(c, "confirmed"));
	assert_true(session_is_confirmed(c->s));
	assert_string_equal(c->codec, "PCMU/8000");
	assert_int_equal(c->routes, 2);
	leg_find(&l, l.invite_branch, "INVITE", 200, &n);
	rig_idle(10 * T1);
	leg_find(&l, l.invite_branch, "INVITE", 200, &later);
	assert_int_equal(n, later); /* quiet */
	call_free(c);
	rig_free(r);
}

static void test_answered(void **state)
{
	(void)state;
	answered_over(NET_UDP);
	answered_over(NET_TCP);
}

/* 12.2.1.1 as UAS: routes in the order they came, the Contact's URI, our own CSeq. */
static void test_bye(void **state)
{
	(void)state;
	for (int transport = NET_UDP; transport <= NET_TCP; transport++) {
		struct rig *r = rig_in(transport, 0);
		struct leg l;
		struct call *c = call_in_up(r, &l, NULL);
		struct peer_got b;
		call_stop(c, "Q.850;cause=16;text=\"bye\"");
		b = got(r->p, "BYE", 1);
		assert_str(sip_msg_value(b.msg, SIP_HDR_TO), l.local);
		assert_str(sip_msg_value(b.msg, SIP_HDR_FROM), l.remote);
		assert_str(sip_msg_call_id(b.msg), l.call_id);
		assert_uri(b.msg, &l);
		assert_str(msg_named(b.msg, "Reason"), "Q.850;cause=16;text=\"bye\"");
		assert_int_equal(b.transport, transport);
		assert_int_equal(b.conn, r->conn); /* ruling 2: the call's connection */
		leg_reply(&l, &b, 200, NULL, NULL);
		call_closed(c);
		assert_state(c, "terminated/local-bye");
		call_end(c);
		/* and the peer's BYE */
		c = call_in_up(r, &l, NULL);
		call_bye(c, &l);
		rig_free(r);
	}
}

/* Over routes: they stand in the order of the Record-Route. */
static void test_routes(void **state)
{
	struct rig *r = rig_in(NET_UDP, 0);
	struct leg l;
	char lines[160];
	struct call *c;
	struct peer_got b;
	struct sip_list list;
	struct sip_nameaddr a;

	(void)state;
	snprintf(lines, sizeof(lines), "Record-Route: <sip:%s;lr>, <sip:p2.test;lr>\r\n",
		r->p->text);
	c = call_in_up(r, &l, lines);
	call_stop(c, NULL);
	b = got(r->p, "BYE", 1);
	list = sip_msg_list(b.msg, SIP_HDR_ROUTE);
	assert_true(sip_list_nameaddr(&list, &a));
	assert_has(a.uri.text, r->p->text);
	assert_true(sip_list_nameaddr(&list, &a));
	assert_str(a.uri.text, "sip:p2.test;lr");
	assert_false(sip_list_nameaddr(&list, &a));
	leg_reply(&l, &b, 200, NULL, NULL);
	call_closed(c);
	call_end(c);
	rig_free(r);
}

/* Accepted and refused in the handler itself. */
static void accept_at_once(struct rig *r, struct call *c)
{
	c->heard.quiet = true; /* R2 */
	r->u->heard.quiet = false;
	assert_int_equal(session_ring(c->s, 180, STR_EMPTY, false, NULL), 0);
	assert_int_equal(session_accept(c->s, 200, STR_EMPTY, NULL), 0);
	c->heard.quiet = false;
}

static void reject_at_once(struct rig *r, struct call *c)
{
	(void)r;
	c->heard.quiet = true;
	assert_int_equal(session_reject(c->s, 486, STR_EMPTY, NULL, 0, NULL), 0);
	c->heard.quiet = false;
}

static void stop_at_once(struct rig *r, struct call *c)
{
	(void)r;
	call_stop(c, NULL);
}

static void free_at_once(struct rig *r, struct call *c)
{
	(void)r;
	session_free(c->s);
	c->s = NULL;
	c->heard.quiet = true;
}

static void test_in_handler(void **state)
{
	struct rig *r = rig_in(NET_UDP, 0);
	struct leg l;
	struct call *c;
	struct sip_msg *m;

	(void)state;
	r->on_invite = accept_at_once;
	c = rung(r, &l, NULL, bob_sdp(1, NULL));
	m = leg_response(&l, "INVITE", 200);
	assert_int_equal(m->status, 200);
	assert_int_equal(leg_find(&l, l.invite_branch, "INVITE", 101, NULL)->status, 180);
	leg_learn(&l, m);
	leg_ack(&l, m, NULL);
	till(session_is_confirmed(c->s));
	call_bye(c, &l);
	r->on_invite = reject_at_once;
	c = rung(r, &l, NULL, bob_sdp(1, NULL));
	m = leg_response(&l, "INVITE", 200);
	assert_int_equal(m->status, 486);
	leg_ack(&l, m, NULL);
	call_wait(c);
	assert_int_equal(c->heard.final, ENDPOINT_FAILED);
	call_end(c);
	r->on_invite = stop_at_once;
	c = rung(r, &l, NULL, bob_sdp(1, NULL));
	m = leg_response(&l, "INVITE", 200);
	assert_int_equal(m->status, 480);
	leg_ack(&l, m, NULL);
	call_wait(c);
	call_end(c);
	r->on_invite = free_at_once;
	c = rung(r, &l, NULL, bob_sdp(1, NULL));
	rig_idle(30);
	call_free(c);
	rig_free(r);
}

/* 100 within 200 ms unless something else was said (17.2.1). */
static void test_trying(void **state)
{
	struct rig *r = rig_in(NET_UDP, 0);
	struct leg l;
	struct call *c = rung(r, &l, NULL, bob_sdp(1, NULL));
	struct sip_msg *m = leg_response(&l, "INVITE", 100);

	(void)state;
	assert_int_equal(m->status, 100);
	assert_int_equal(sip_msg_to_tag(m).n, 0); /* 8.2.6.2: no tag of ours */
	assert_int_equal(session_reject(c->s, 404, STR_EMPTY, NULL, 0, NULL), 0);
	m = leg_response(&l, "INVITE", 200);
	assert_int_equal(m->status, 404);
	leg_ack(&l, m, NULL);
	call_wait(c);
	call_end(c);
	rig_free(r);
}

/* --- refused ------------------------------------------------------------------------------------
 */

/* Untaken: 480; and with a method that is not in endpoint_config.methods 405. */
static void test_untaken(void **state)
{
	struct rig *r = rig_in(NET_UDP, 0);
	struct leg l;
	struct sip_msg *m;

	(void)state;
	r->leave = true;
	l = leg_call(r, NULL, bob_sdp(1, NULL));
	m = leg_response(&l, "INVITE", 200);
	assert_int_equal(m->status, 480);
	assert_true(sip_msg_to_tag(m).n > 0);
	leg_ack(&l, m, NULL);
	assert_int_equal(r->offered, 1);
	rig_free(r);
}

/* SS-23: each code from 300 on; sent again until the ACK; header fields of the caller's. */
static void test_rejected(void **state)
{
	static const unsigned codes[] = { 300, 302, 380, 400, 404, 486, 488, 499, 500, 503, 599,
		600, 603, 699 };
	struct endpoint_header h[] = { { ENDPOINT_HEADER_ADD, STR("Retry-After"), STR("7") },
		{ ENDPOINT_HEADER_ADD, STR("X-Why"), STR("so") } };
	struct rig *r = rig_in(NET_UDP, 0);

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(codes); i++) {
		struct leg l;
		struct call *c;
		struct sip_msg *m;
		unsigned n, later;
		r->in_count = 0;
		c = rung(r, &l, NULL, bob_sdp(1, NULL));
		if (i % 2)
			ring(c, 180, false);
		assert_int_equal(
			session_reject(c->s, codes[i], STR("Because"), h, 2, &r->u->why), 0);
		m = leg_response(&l, "INVITE", 200);
		assert_int_equal(m->status, codes[i]);
		assert_str(m->reason, "Because");
		assert_str(msg_named(m, "X-Why"), "so");
		assert_str(msg_named(m, "Retry-After"), "7");
		assert_true(sip_msg_to_tag(m).n > 0);
		rig_idle(2 * T1);
		leg_find(&l, l.invite_branch, "INVITE", 200, &n);
		assert_true(n >= 2); /* Timer G */
		leg_ack(&l, m, NULL);
		rig_idle(5);
		leg_find(&l, l.invite_branch, "INVITE", 200, &n);
		call_wait(c);
		assert_int_equal(c->heard.final, ENDPOINT_FAILED);
		assert_state(c, "terminated/rejected");
		rig_idle(3 * T1);
		leg_find(&l, l.invite_branch, "INVITE", 200, &later);
		assert_int_equal(later, n);
		call_end(c);
	}
	rig_free(r);
}

/* SS-24 */
static void test_redirected(void **state)
{
	struct endpoint_header h[] = { { ENDPOINT_HEADER_ADD, STR("Contact"),
		STR("<sip:carol@else.test>") } };
	struct rig *r = rig_in(NET_UDP, 0);
	struct leg l;
	struct call *c = rung(r, &l, NULL, bob_sdp(1, NULL));
	struct sip_msg *m;

	(void)state;
	assert_int_equal(session_reject(c->s, 302, STR_EMPTY, h, 1, &r->u->why), 0);
	m = leg_response(&l, "INVITE", 200);
	assert_int_equal(m->status, 302);
	assert_str(m->reason, "Moved Temporarily");
	assert_int_equal(msg_count(m, SIP_HDR_CONTACT), 1); /* this one, not ours */
	assert_str(sip_msg_value(m, SIP_HDR_CONTACT), "<sip:carol@else.test>");
	leg_ack(&l, m, NULL);
	call_wait(c);
	call_end(c);
	rig_free(r);
}

/* Codes and states that cannot be. */
static void test_bad_calls(void **state)
{
	static const unsigned no_ring[] = { 0, 99, 100, 200, 300, 486 };
	static const unsigned no_reject[] = { 0, 100, 180, 200, 299, 700, 1000 };
	static const unsigned no_accept[] = { 0, 180, 199, 300, 404 };
	struct rig *r = rig_in(NET_UDP, 0);
	struct leg l;
	struct call *c = rung(r, &l, NULL, bob_sdp(1, NULL));
	struct sip_msg *m;

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(no_ring); i++)
		assert_int_equal(
			session_ring(c->s, no_ring[i], STR_EMPTY, false, NULL), -FAIL_ARGUMENT);
	for (unsigned i = 0; i < ARRAY_LEN(no_reject); i++)
		assert_int_equal(session_reject(c->s, no_reject[i], STR_EMPTY, NULL, 0, NULL),
			-FAIL_ARGUMENT);
	for (unsigned i = 0; i < ARRAY_LEN(no_accept); i++)
		assert_int_equal(
			session_accept(c->s, no_accept[i], STR_EMPTY, NULL), -FAIL_ARGUMENT);
	/* A line break in a phrase must not go out. */
	assert_int_equal(
		session_ring(c->s, 180, STR("x\r\nEvil: yes"), false, NULL), -FAIL_ARGUMENT);
	assert_int_equal(session_change(c->s, &(struct session_change){ 0 }, NULL), -FAIL_STATE);
	assert_int_equal(session_send(c->s, STR("INFO"), STR_EMPTY, STR_EMPTY, NULL), -FAIL_STATE);
	rig_idle(10);
	assert_null(leg_find(&l, l.invite_branch, "INVITE", 101, NULL));
	accept_it(c);
	assert_int_equal(session_ring(c->s, 180, STR_EMPTY, false, NULL), -FAIL_STATE);
	assert_int_equal(session_accept(c->s, 200, STR_EMPTY, NULL), -FAIL_STATE);
	assert_int_equal(session_reject(c->s, 486, STR_EMPTY, NULL, 0, NULL), -FAIL_STATE);
	m = leg_response(&l, "INVITE", 200);
	leg_learn(&l, m);
	leg_ack(&l, m, NULL);
	till(session_is_confirmed(c->s));
	assert_int_equal(session_accept(c->s, 200, STR_EMPTY, NULL), -FAIL_STATE);
	call_bye(c, &l);
	rig_free(r);
}

/* Other 2xx, with a phrase. */
static void test_other_2xx(void **state)
{
	struct rig *r = rig_in(NET_UDP, 0);
	struct leg l;
	struct call *c = rung(r, &l, NULL, bob_sdp(1, NULL));
	struct sip_msg *m;

	(void)state;
	assert_int_equal(session_accept(c->s, 299, STR("Fine"), &r->u->why), 0);
	m = leg_response(&l, "INVITE", 200);
	assert_int_equal(m->status, 299);
	assert_str(m->reason, "Fine");
	leg_learn(&l, m);
	leg_ack(&l, m, NULL);
	till(session_is_confirmed(c->s));
	call_bye(c, &l);
	rig_free(r);
}

/* --- CANCEL (9.2)
 * ---------------------------------------------------------------------------------
 */

static void test_cancelled(void **state)
{
	(void)state;
	for (int ringing = 0; ringing < 2; ringing++) {
		struct rig *r = rig_in(NET_UDP, 0);
		struct leg l;
		struct call *c = rung(r, &l, NULL, bob_sdp(1, NULL));
		struct sip_msg *m, *k;
		if (ringing) {
			ring(c, 180, false);
			leg_response(&l, "INVITE", 180);
		}
		leg_ask(&l, "CANCEL",
			(struct leg_says){ .cseq = l.invite_cseq,
				.branch = l.invite_branch,
				.uri = l.invite_uri,
				.lines = "Reason: SIP;cause=200;text=\"elsewhere\"\r\n",
				.no_contact = true });
		k = leg_response(&l, "CANCEL", 200);
		assert_int_equal(k->status, 200);
		m = leg_response(&l, "INVITE", 200);
		assert_int_equal(m->status, 487);
		/* 9.2: the To tag of both SHOULD be the same */
		assert_true(str_eq(sip_msg_to_tag(m), sip_msg_to_tag(k)));
		leg_ack(&l, m, NULL);
		call_failed_in(c, FAIL_CANCELLED);
		assert_state(c, "terminated/cancelled");
		assert_string_equal(c->reason, "SIP;cause=200;text=\"elsewhere\"");
		/* too late for everything */
		assert_int_equal(session_ring(c->s, 180, STR_EMPTY, false, NULL), -FAIL_STATE);
		assert_int_equal(session_accept(c->s, 200, STR_EMPTY, NULL), -FAIL_STATE);
		assert_int_equal(session_reject(c->s, 486, STR_EMPTY, NULL, 0, NULL), -FAIL_STATE);
		call_stop(c, NULL);
		call_end(c);
		rig_free(r);
	}
}

/* After the 2xx: 200 to the CANCEL, and no effect; for nothing: 481. */
static void test_cancel_late(void **state)
{
	struct rig *r = rig_in(NET_UDP, 0);
	struct leg l;
	struct call *c = rung(r, &l, NULL, bob_sdp(1, NULL));
	struct sip_msg *m;
	struct leg_says says = { .no_contact = true };

	(void)state;
	says.cseq = l.invite_cseq;
	says.branch = l.invite_branch;
	says.uri = l.invite_uri;
	accept_it(c);
	m = leg_response(&l, "INVITE", 200);
	leg_ask(&l, "CANCEL", says);
	assert_int_equal(leg_response(&l, "CANCEL", 200)->status, 200);
	rig_idle(20);
	assert_int_equal(c->heard.finals, 0);
	leg_learn(&l, m);
	leg_ack(&l, m, NULL);
	till(session_is_confirmed(c->s));
	l.invite_branch = says.branch = ++leg_branches;
	leg_ask(&l, "CANCEL", says);
	assert_int_equal(leg_response(&l, "CANCEL", 200)->status, 481);
	assert_true(session_is_confirmed(c->s));
	call_bye(c, &l);
	rig_free(r);
}

/* SS-21: what rings is declined when we stop. */
static void test_stop_ringing(void **state)
{
	struct rig *r = rig_in(NET_UDP, 0);
	struct leg l;
	struct call *c = rung(r, &l, NULL, bob_sdp(1, NULL));
	struct sip_msg *m;

	(void)state;
	ring(c, 180, false);
	call_stop(c, NULL);
	call_stop(c, NULL);
	m = leg_response(&l, "INVITE", 200);
	assert_int_equal(m->status, 480);
	leg_ack(&l, m, NULL);
	call_wait(c);
	assert_int_equal(c->heard.final, ENDPOINT_FAILED);
	call_end(c);
	rig_free(r);
}

/* 15.1.2: a BYE in the early dialog: 200, and the INVITE gets 487. */
static void test_bye_early(void **state)
{
	struct rig *r = rig_in(NET_UDP, 0);
	struct leg l;
	struct call *c = rung(r, &l, NULL, bob_sdp(1, NULL));
	struct sip_msg *m;

	(void)state;
	ring(c, 180, false);
	leg_learn(&l, leg_response(&l, "INVITE", 180));
	assert_int_equal(leg_do(&l, "BYE", (struct leg_says){ 0 })->status, 200);
	m = leg_response(&l, "INVITE", 200);
	assert_int_equal(m->status, 487);
	leg_ack(&l, m, NULL);
	call_wait(c);
	assert_int_equal(c->heard.final, ENDPOINT_FAILED);
	call_end(c);
	rig_free(r);
}

/* Within the early dialog: an UPDATE without an offer is fine, with one while the first waits for
 * its answer it gets 500 (RFC 3311 5.2), as does a second INVITE (14.2); Retry-After is a MUST. */
static void test_early_requests(void **state)
{
	struct rig *r = rig_in(NET_UDP, 0);
	struct leg l;
	struct call *c = rung(r, &l, NULL, bob_sdp(1, NULL));
	struct sip_msg *m;
	unsigned first = l.invite_branch;
	uint32_t cseq = l.invite_cseq;

	(void)state;
	ring(c, 180, false);
	leg_learn(&l, leg_response(&l, "INVITE", 180));
	m = leg_do(&l, "UPDATE", (struct leg_says){ 0 });
	assert_int_equal(m->status, 200);
	m = leg_do(&l, "UPDATE", (struct leg_says){ .body = bob_sdp(2, NULL) });
	assert_int_equal(m->status, 500);
	assert_true(msg_seconds(m, SIP_HDR_RETRY_AFTER) <= 10);
	leg_ask(&l, "INVITE", (struct leg_says){ .body = bob_sdp(2, NULL) });
	m = leg_response(&l, "INVITE", 200);
	assert_int_equal(m->status, 500);
	assert_true(msg_seconds(m, SIP_HDR_RETRY_AFTER) <= 10);
	leg_ack(&l, m, NULL);
	assert_int_equal(leg_do(&l, "OPTIONS", (struct leg_says){ 0 })->status, 200);
	rig_idle(10);
	assert_int_equal(c->heard.finals, 0);
	assert_int_equal(r->offered, 1);
	l.invite_branch = first;
	l.invite_cseq = cseq;
	accept_it(c);
	m = leg_response(&l, "INVITE", 200);
	assert_int_equal(m->status, 200);
	leg_ack(&l, m, NULL);
	till(session_is_confirmed(c->s));
	call_bye(c, &l);
	rig_free(r);
}

/* --- no ACK, and too many INVITEs (A60) ----------------------------------------------------------
 */

/* 13.3.1.4: the 2xx goes out at 0 1 3 7 15 23 ... (T2 is 8*T1) for 64*T1, then BYE. */
static void no_ack_over(int transport)
{
	struct rig *r = rig_in(transport, QUICK_T1);
	struct leg l;
	struct call *c = rung(r, &l, NULL, bob_sdp(1, NULL));
	struct peer_got b;
	double began;
	unsigned n;

	accept_it(c);
	began = rig_ms();
	b = got(r->p, "BYE", 1);
	assert_between(b.ms - began, 64 * QUICK_T1 - 15, 64 * QUICK_T1 + PEER_LATE);
	leg_find(&l, l.invite_branch, "INVITE", 200, &n);
	assert_between(n, 8, 12);
	leg_reply(&l, &b, 200, NULL, NULL);
	call_failed_in(c, FAIL_TIMEOUT);
	assert_no_state(c, "confirmed");
	call_end(c);
	rig_free(r);
}

static void test_no_ack(void **state)
{
	(void)state;
	no_ack_over(NET_UDP);
	no_ack_over(NET_TCP);
}

/* 15: the callee does not hang up before the ACK is here. */
static void test_stop_before_ack(void **state)
{
	struct rig *r = rig_in(NET_UDP, 0);
	struct leg l;
	struct call *c = rung(r, &l, NULL, bob_sdp(1, NULL));
	struct sip_msg *m;
	struct peer_got b;

	(void)state;
	accept_it(c);
	m = leg_response(&l, "INVITE", 200);
	call_stop(c, NULL);
	rig_idle(4 * T1);
	assert_int_equal(got_all(r->p, "BYE"), 0);
	leg_learn(&l, m);
	leg_ack(&l, m, NULL);
	b = got(r->p, "BYE", 1);
	leg_reply(&l, &b, 200, NULL, NULL);
	call_wait(c);
	call_end(c);
	rig_free(r);
}

/* An ACK with another number is none (13.3.1.4, A57). */
static void test_wrong_ack(void **state)
{
	struct rig *r = rig_in(NET_UDP, 0);
	struct leg l;
	struct call *c = rung(r, &l, NULL, bob_sdp(1, NULL));
	struct sip_msg *m;
	unsigned n, later;

	(void)state;
	accept_it(c);
	m = leg_response(&l, "INVITE", 200);
	leg_learn(&l, m);
	for (int i = -1; i <= 1; i += 2) {
		leg_ask(&l, "ACK", (struct leg_says){ .cseq = (uint32_t)((int)l.invite_cseq + i) });
		rig_idle(10);
		assert_false(session_is_confirmed(c->s));
	}
	leg_find(&l, l.invite_branch, "INVITE", 200, &n);
	rig_idle(6 * T1);
	leg_find(&l, l.invite_branch, "INVITE", 200, &later);
	assert_true(later > n); /* still waiting */
	leg_ack(&l, m, NULL);
	till(session_is_confirmed(c->s));
	call_bye(c, &l);
	rig_free(r);
}

/* The caller's connection ends while it rings: the 2xx goes to its Via (18.2.2), or the call fails;
 * one end in any case. */
static void test_connection_lost(void **state)
{
	(void)state;
	for (int gone = 0; gone < 2; gone++) {
		struct rig *r = rig_in(NET_TCP, QUICK_T1);
		struct leg l;
		struct call *c = rung(r, &l, NULL, bob_sdp(1, NULL));
		struct sip_msg *m;
		ring(c, 180, false);
		leg_response(&l, "INVITE", 180);
		if (gone)
			peer_close_tcp(r->p);
		else
			peer_drop(r->p, false);
		rig_idle(20);
		if (!c->heard.finals)
			session_accept(c->s, 200, STR_EMPTY, NULL);
		for (unsigned i = 0; i < 50 && !c->heard.finals; i++)
			rig_idle(1);
		m = leg_find(&l, l.invite_branch, "INVITE", 200, NULL);
		if (m && !c->heard.finals) {
			assert_int_equal(m->status, 200);
			leg_learn(&l, m);
			l.conn = r->conn = peer_connect(r->p, &r->at);
			leg_ack(&l, m, NULL);
			till(session_is_confirmed(c->s));
			call_bye(c, &l);
		} else {
			call_wait(c);
			assert_int_equal(c->heard.final, ENDPOINT_FAILED);
			call_end(c);
		}
		rig_free(r);
	}
}

/* The caller hangs up without an ACK. */
static void test_bye_before_ack(void **state)
{
	struct rig *r = rig_in(NET_UDP, 0);
	struct leg l;
	struct call *c = rung(r, &l, NULL, bob_sdp(1, NULL));
	unsigned n, later;

	(void)state;
	accept_it(c);
	leg_learn(&l, leg_response(&l, "INVITE", 200));
	assert_int_equal(leg_do(&l, "BYE", (struct leg_says){ 0 })->status, 200);
	call_wait(c);
	rig_idle(5);
	leg_find(&l, l.invite_branch, "INVITE", 200, &n);
	rig_idle(10 * T1);
	leg_find(&l, l.invite_branch, "INVITE", 200, &later);
	assert_int_equal(n, later); /* no 2xx for a call that is over */
	assert_int_equal(got_all(r->p, "BYE"), 0);
	call_end(c);
	rig_free(r);
}

/* The same INVITE again: while it rings its last answer, after the ACK nothing new (RFC 6026 7.1).
 */
static void test_repeated_invite(void **state)
{
	struct rig *r = rig_in(NET_UDP, 0);
	struct leg l;
	struct call *c = rung(r, &l, NULL, bob_sdp(1, NULL));
	struct leg_says again = { .body = bob_sdp(1, NULL) };
	struct sip_msg *m;
	unsigned n, later;

	(void)state;
	again.branch = l.invite_branch;
	again.cseq = l.invite_cseq;
	ring(c, 180, false);
	leg_response(&l, "INVITE", 180);
	leg_find(&l, l.invite_branch, "INVITE", 101, &n);
	leg_ask(&l, "INVITE", again);
	rig_idle(20);
	leg_find(&l, l.invite_branch, "INVITE", 101, &later);
	assert_int_equal(later, n + 1);
	accept_it(c);
	m = leg_response(&l, "INVITE", 200);
	leg_ask(&l, "INVITE", again);
	leg_learn(&l, m);
	leg_ack(&l, m, NULL);
	till(session_is_confirmed(c->s));
	again.uri = l.invite_uri;
	again.to = "<sip:alice@example.test>";
	leg_ask(&l, "INVITE", again);
	rig_idle(40);
	assert_int_equal(r->offered, 1);
	assert_int_equal(c->heard.finals, 0);
	for (unsigned i = 0; i < r->p->count; i++) /* 200 or nothing */
		assert_true(r->p->got[i].msg->request || r->p->got[i].msg->status <= 200);
	/* A second ACK is nothing, too. */
	leg_ack(&l, m, NULL);
	rig_idle(10);
	assert_state(c, "confirmed");
	call_bye(c, &l);
	rig_free(r);
}

/* 8.2.2.2: the same request over another way: 482. */
static void test_merged(void **state)
{
	struct rig *r = rig_in(NET_UDP, 0);
	struct leg l;
	struct call *c = rung(r, &l, NULL, bob_sdp(1, NULL));
	unsigned first = l.invite_branch;
	struct sip_msg *m;

	(void)state;
	leg_ask(&l, "INVITE", (struct leg_says){ .cseq = l.invite_cseq, .body = bob_sdp(1, NULL) });
	m = leg_response(&l, "INVITE", 200);
	assert_int_equal(m->status, 482);
	leg_ack(&l, m, NULL);
	assert_int_equal(r->offered, 1);
	l.invite_branch = first;
	assert_int_equal(session_reject(c->s, 486, STR_EMPTY, NULL, 0, NULL), 0);
	m = leg_response(&l, "INVITE", 200);
	assert_int_equal(m->status, 486);
	leg_ack(&l, m, NULL);
	call_wait(c);
	call_end(c);
	rig_free(r);
}

/* --- what cannot be a call -----------------------------------------------------------------------
 */

/* AR-02, 8.2.2.3: all that is not understood, by name. */
static void test_require(void **state)
{
	struct rig *r = rig_in(NET_UDP, 0);
	struct sip_msg *m = refused_at_once(r, "Require: foo, bar-2\r\n", bob_sdp(1, NULL));

	(void)state;
	assert_int_equal(m->status, 420);
	assert_true(sip_msg_has_token(m, SIP_HDR_UNSUPPORTED, "foo"));
	assert_true(sip_msg_has_token(m, SIP_HDR_UNSUPPORTED, "bar-2"));
	rig_free(r);
}

/* A21, 8.1.1.8: no Contact, or none that can be used. */
static void test_no_contact(void **state)
{
	static const char *const bad[] = { "", "Contact: *\r\n", "Contact: <tel:+15551234>\r\n",
		"Contact: <mailto:bob@peer.test>\r\n" };
	struct rig *r = rig_in(NET_UDP, 0);

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
		struct leg l = { .r = r, .p = r->p, .to = r->at, .cseq = 9 };
		struct sip_msg *m;
		snprintf(l.call_id, sizeof(l.call_id), "nocontact%u@peer", i);
		snprintf(l.local, sizeof(l.local), "<sip:bob@peer.test>;tag=x%u", i);
		snprintf(l.remote, sizeof(l.remote), "<sip:alice@example.test>");
		snprintf(l.target, sizeof(l.target), "sip:alice@example.test");
		leg_ask(&l, "INVITE",
			(struct leg_says){
				.lines = bad[i], .body = bob_sdp(1, NULL), .no_contact = true });
		m = leg_response(&l, "INVITE", 200);
		if (m->status != 400)
			fail_msg("%u to %s", m->status, bad[i]);
		leg_ack(&l, m, NULL);
	}
	rig_idle(10);
	assert_int_equal(r->offered, 0);
	rig_free(r);
}

/* An INVITE with a To tag that is nobody's: 481 (12.2.2). */
static void test_unknown_dialog(void **state)
{
	static const char *const methods[] = { "INVITE", "BYE", "UPDATE", "PRACK", "INFO" };
	struct rig *r = rig_in(NET_UDP, 0);
	struct leg l;

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(methods); i++) {
		l = (struct leg){ .r = r, .p = r->p, .to = r->at, .cseq = 9 };
		snprintf(l.call_id, sizeof(l.call_id), "unknown%u@peer", i);
		snprintf(l.local, sizeof(l.local), "<sip:bob@peer.test>;tag=x%u", i);
		snprintf(l.remote, sizeof(l.remote), "<sip:alice@example.test>;tag=nobody");
		snprintf(l.target, sizeof(l.target), "sip:alice@example.test");
		leg_contact(&l);
		leg_ask(&l, methods[i],
			(struct leg_says){ .lines = strcmp(methods[i], "PRACK") == 0
							    ? "RAck: 1 1 INVITE\r\n"
							    : NULL });
		if (i) {
			assert_int_equal(leg_response(&l, methods[i], 200)->status, 481);
		} else {
			struct sip_msg *m = leg_response(&l, "INVITE", 200);
			assert_int_equal(m->status, 481);
			leg_ack(&l, m, NULL);
		}
	}
	/* an ACK for nothing gets no answer */
	leg_ask(&l, "ACK", (struct leg_says){ .cseq = 3 });
	rig_idle(20);
	assert_null(leg_find(&l, l.branch, "ACK", 100, NULL));
	assert_int_equal(r->offered, 0);
	rig_free(r);
}

/* --- offers and answers --------------------------------------------------------------------------
 */

/* 488 by itself when no answer can be made; session_accept says why. */
static void test_unusable_offer(void **state)
{
	static const char head[] = "v=0\r\no=b 1 1 IN IP4 127.0.0.1\r\ns=-\r\n"
				   "c=IN IP4 127.0.0.1\r\nt=0 0\r\n";
	static const char *const bad[] = { "m=video 4000 RTP/AVP 31\r\n",
		"m=audio 4000 RTP/AVP 99\r\na=rtpmap:99 odd/8000\r\n",
		"m=image 4000 udptl t38\r\n" };
	struct rig *r = rig_in(NET_UDP, 0);

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
		struct leg l;
		struct call *c;
		struct sip_msg *m;
		char sdp[512];
		snprintf(sdp, sizeof(sdp), "%s%s", head, bad[i]);
		c = rung(r, &l, NULL, sdp);
		assert_int_equal(session_accept(c->s, 200, STR_EMPTY, &r->u->why), -FAIL_MEDIA);
		m = leg_response(&l, "INVITE", 200);
		assert_int_equal(m->status, 488);
		leg_ack(&l, m, NULL);
		call_wait(c);
		assert_int_equal(c->heard.final, ENDPOINT_FAILED);
		assert_state(c, "terminated/rejected");
		call_end(c);
	}
	rig_free(r);
}

/* What is no description at all: a final response between 400 and 499, and no call. */
static void test_garbage_offer(void **state)
{
	struct rig *r = rig_in(NET_UDP, 0);
	struct leg l = leg_call(r, NULL, "this is no description\r\n");
	struct sip_msg *m;

	(void)state;
	rig_idle(20);
	if (r->in_count)
		session_accept(r->in[0]->s, 200, STR_EMPTY, NULL);
	m = leg_response(&l, "INVITE", 200);
	assert_true(m->status == 400 || m->status == 488);
	leg_ack(&l, m, NULL);
	if (r->in_count) {
		call_wait(r->in[0]);
		assert_int_equal(r->in[0]->heard.final, ENDPOINT_FAILED);
		call_end(r->in[0]);
	}
	rig_free(r);
}

/* 8.2.3, 21.4.13: a body of a type that is not understood: 415 with Accept. */
static void test_other_body(void **state)
{
	struct rig *r = rig_in(NET_UDP, 0);
	struct leg l = { .r = r, .p = r->p, .to = r->at, .cseq = 9 };
	struct sip_msg *m;

	(void)state;
	snprintf(l.call_id, sizeof(l.call_id), "body@peer");
	snprintf(l.local, sizeof(l.local), "<sip:bob@peer.test>;tag=body");
	snprintf(l.remote, sizeof(l.remote), "<sip:alice@example.test>");
	snprintf(l.target, sizeof(l.target), "sip:alice@example.test");
	leg_contact(&l);
	leg_ask(&l, "INVITE", (struct leg_says){ .type = "application/x-odd", .body = "?" });
	rig_idle(20);
	if (r->in_count)
		session_accept(r->in[0]->s, 200, STR_EMPTY, NULL);
	m = leg_response(&l, "INVITE", 200);
	assert_int_equal(m->status, 415);
	assert_has(sip_msg_value(m, SIP_HDR_ACCEPT), "application/sdp");
	leg_ack(&l, m, NULL);
	if (r->in_count) {
		call_wait(r->in[0]);
		call_end(r->in[0]);
	}
	rig_free(r);
}

/* 13.2.1: no offer in the INVITE: ours is in the 2xx, the answer in the ACK. */
static void test_late_offer(void **state)
{
	struct rig *r = rig_in(NET_UDP, 0);
	struct leg l;
	struct call *c = rung(r, &l, NULL, NULL);
	struct sip_msg *m;

	(void)state;
	accept_it(c);
	m = leg_response(&l, "INVITE", 200);
	assert_int_equal(m->status, 200);
	assert_has(m->body, "m=audio ");
	leg_learn(&l, m);
	leg_ack(&l, m, bob_sdp(1, NULL));
	till(session_is_confirmed(c->s));
	assert_string_equal(c->codec, "PCMU/8000");
	call_bye(c, &l);
	rig_free(r);
}

/* Without an answer in the ACK, or a bad one: BYE, and the call failed. */
static void test_late_offer_bad(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct rig *r = rig_in(NET_UDP, QUICK_T1);
		struct leg l;
		struct call *c = rung(r, &l, NULL, NULL);
		struct sip_msg *m;
		struct peer_got b;
		accept_it(c);
		m = leg_response(&l, "INVITE", 200);
		leg_learn(&l, m);
		leg_ack(&l, m, i ? "garbage" : NULL);
		b = got(r->p, "BYE", 1);
		leg_reply(&l, &b, 200, NULL, NULL);
		call_failed_in(c, FAIL_MEDIA);
		call_end(c);
		rig_free(r);
	}
}

/* The answer mirrors the offer's directions and its declined streams (RFC 3264 6). */
static void test_answer(void **state)
{
	static const struct {
		const char *offered, *wanted;
	} cases[] = { { "sendonly", "a=recvonly" }, { "inactive", "a=inactive" },
		{ "recvonly", "a=sendonly" } };
	struct rig *r = rig_in(NET_UDP, 0);

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
		struct leg l;
		struct call *c = rung(r, &l, NULL, bob_sdp(1, cases[i].offered));
		struct sip_msg *m;
		accept_it(c);
		m = leg_response(&l, "INVITE", 200);
		assert_has(m->body, cases[i].wanted);
		leg_learn(&l, m);
		leg_ack(&l, m, NULL);
		till(session_is_confirmed(c->s));
		call_bye(c, &l);
	}
	{
		struct leg l;
		struct call *c = rung(r, &l, NULL,
			"v=0\r\no=b 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
			"m=video 5000 RTP/AVP 31\r\nm=audio 4000 RTP/AVP 8 0\r\n");
		struct sip_msg *m;
		accept_it(c);
		m = leg_response(&l, "INVITE", 200);
		assert_has(m->body, "m=video 0 ");
		assert_has(m->body, "m=audio ");
		assert_lacks(m->body, "m=audio 0 ");
		leg_learn(&l, m);
		leg_ack(&l, m, NULL);
		till(session_is_confirmed(c->s));
		call_bye(c, &l);
	}
	rig_free(r);
}

/* --- reliable provisional responses (RFC 3262 section 3)
 * ------------------------------------------
 */

static struct sip_msg *prack(struct leg *l, const struct sip_msg *m, unsigned off)
{
	char lines[80];
	unsigned rseq = (unsigned)strtoul(msg_named(m, "RSeq").p, NULL, 10);

	snprintf(lines, sizeof(lines), "RAck: %u %u INVITE\r\n", rseq + off, l->invite_cseq);
	return leg_do(l, "PRACK", (struct leg_says){ .lines = lines, .no_contact = true });
}

static void test_reliable(void **state)
{
	struct rig *r = rig_in(NET_UDP, 0);
	struct leg l;
	struct call *c;
	struct sip_msg *m, *second;
	unsigned n, later;

	(void)state;
	r->policy.reliable = SESSION_100REL_OFFER;
	c = rung(r, &l, "Supported: 100rel\r\n", bob_sdp(1, NULL));
	ring(c, 183, true);
	m = leg_response(&l, "INVITE", 101);
	assert_int_equal(m->status, 183);
	assert_true(sip_msg_has_token(m, SIP_HDR_REQUIRE, "100rel"));
	assert_true(msg_named(m, "RSeq").n > 0);
	assert_int_equal(msg_count(m, SIP_HDR_CONTACT), 1);
	assert_has(m->body, "m=audio "); /* a reliable one must answer the offer */
	leg_learn(&l, m);
	/* again after T1, 2*T1 ... until the PRACK */
	rig_idle(4 * T1);
	leg_find(&l, l.invite_branch, "INVITE", 101, &n);
	assert_between(n, 2, 4);
	/* one for something else does not count: 481 */
	assert_int_equal(prack(&l, m, 5)->status, 481);
	assert_int_equal(prack(&l, m, 0)->status, 200);
	rig_idle(5);
	leg_find(&l, l.invite_branch, "INVITE", 101, &n);
	rig_idle(6 * T1);
	leg_find(&l, l.invite_branch, "INVITE", 101, &later);
	assert_int_equal(later, n);
	assert_int_equal(prack(&l, m, 0)->status, 481); /* it is acknowledged already */
	/* the next one counts up by one */
	ring(c, 180, false);
	till((leg_find(&l, l.invite_branch, "INVITE", 101, &n), n > later));
	second = r->p->got[r->p->count - 1].msg;
	assert_int_equal(second->status, 180);
	assert_int_equal(strtoul(msg_named(second, "RSeq").p, NULL, 10),
		strtoul(msg_named(m, "RSeq").p, NULL, 10) + 1);
	assert_int_equal(prack(&l, second, 0)->status, 200);
	accept_it(c);
	m = leg_response(&l, "INVITE", 200);
	assert_int_equal(m->status, 200);
	leg_ack(&l, m, NULL);
	till(session_is_confirmed(c->s));
	assert_string_equal(c->codec, "PCMU/8000");
	call_bye(c, &l);
	rig_free(r);
}

/* Section 3, SS-14: never reliable to whom it does not support. */
static void test_not_reliable(void **state)
{
	struct rig *r = rig_in(NET_UDP, 0);
	struct leg l;
	struct call *c;
	struct sip_msg *m;
	unsigned n;

	(void)state;
	for (int i = 0; i < 2; i++) { /* the peer cannot; we do not want to */
		r->policy.reliable = i ? SESSION_100REL_NO : SESSION_100REL_OFFER;
		c = rung(r, &l, i ? "Supported: 100rel\r\n" : NULL, bob_sdp(1, NULL));
		ring(c, 180, false);
		m = leg_response(&l, "INVITE", 101);
		assert_int_equal(m->status, 180);
		assert_false(sip_msg_has_token(m, SIP_HDR_REQUIRE, "100rel"));
		assert_int_equal(msg_named(m, "RSeq").n, 0);
		rig_idle(4 * T1);
		leg_find(&l, l.invite_branch, "INVITE", 101, &n);
		assert_int_equal(n, 1);
		accept_it(c);
		m = leg_response(&l, "INVITE", 200);
		leg_learn(&l, m);
		leg_ack(&l, m, NULL);
		till(session_is_confirmed(c->s));
		call_bye(c, &l);
	}
	rig_free(r);
}

/* The peer requires it: reliable; when our policy says no: 420. */
static void test_100rel_required(void **state)
{
	struct rig *r = rig_in(NET_UDP, 0);
	struct leg l;
	struct call *c;
	struct sip_msg *m;

	(void)state;
	r->policy.reliable = SESSION_100REL_OFFER;
	c = rung(r, &l, "Require: 100rel\r\n", bob_sdp(1, NULL));
	ring(c, 180, false);
	m = leg_response(&l, "INVITE", 101);
	assert_true(sip_msg_has_token(m, SIP_HDR_REQUIRE, "100rel"));
	leg_learn(&l, m);
	assert_int_equal(prack(&l, m, 0)->status, 200);
	assert_int_equal(session_reject(c->s, 486, STR_EMPTY, NULL, 0, NULL), 0);
	m = leg_response(&l, "INVITE", 200);
	leg_ack(&l, m, NULL);
	call_wait(c);
	call_end(c);
	r->policy.reliable = SESSION_100REL_NO;
	c = rung(r, &l, "Require: 100rel\r\n", bob_sdp(1, NULL));
	rig_idle(20);
	if (!leg_find(&l, l.invite_branch, "INVITE", 200, NULL))
		session_ring(c->s, 180, STR_EMPTY, false, NULL);
	m = leg_response(&l, "INVITE", 200);
	assert_int_equal(m->status, 420);
	assert_true(sip_msg_has_token(m, SIP_HDR_UNSUPPORTED, "100rel"));
	leg_ack(&l, m, NULL);
	call_wait(c);
	assert_int_equal(c->heard.final, ENDPOINT_FAILED);
	call_end(c);
	rig_free(r);
}

/* EP-22: we require what the peer does not support: 421 (RFC 3261 21.4.16). */
static void test_100rel_required_by_us(void **state)
{
	struct rig *r = rig_in(NET_UDP, 0);
	struct leg l;
	struct call *c;
	struct sip_msg *m;

	(void)state;
	r->policy.reliable = SESSION_100REL_REQUIRE;
	c = rung(r, &l, NULL, bob_sdp(1, NULL));
	rig_idle(20);
	if (!leg_find(&l, l.invite_branch, "INVITE", 200, NULL))
		session_ring(c->s, 180, STR_EMPTY, false, NULL);
	m = leg_response(&l, "INVITE", 200);
	assert_int_equal(m->status, 421);
	assert_true(sip_msg_has_token(m, SIP_HDR_REQUIRE, "100rel"));
	leg_ack(&l, m, NULL);
	call_wait(c);
	call_end(c);
	rig_free(r);
}

/* RFC 3262 section 5: the INVITE had no offer: ours is in the reliable response, the answer in its
 * PRACK, and nothing more in the 2xx. */
static void test_offer_in_18x(void **state)
{
	struct rig *r = rig_in(NET_UDP, 0);
	struct leg l;
	struct call *c;
	struct sip_msg *m;
	char lines[80];

	(void)state;
	r->policy.reliable = SESSION_100REL_OFFER;
	c = rung(r, &l, "Supported: 100rel\r\n", NULL);
	ring(c, 183, true);
	m = leg_response(&l, "INVITE", 101);
	assert_has(m->body, "m=audio ");
	assert_true(sip_msg_has_token(m, SIP_HDR_REQUIRE, "100rel"));
	leg_learn(&l, m);
	snprintf(lines, sizeof(lines), "RAck: " STR_FMT " %u INVITE\r\n",
		STR_ARG(msg_named(m, "RSeq")), l.invite_cseq);
	m = leg_do(&l, "PRACK", (struct leg_says){ .lines = lines, .body = bob_sdp(1, NULL) });
	assert_int_equal(m->status, 200);
	accept_it(c);
	m = leg_response(&l, "INVITE", 200);
	assert_int_equal(m->status, 200);
	assert_int_equal(m->body.n, 0);
	leg_ack(&l, m, NULL);
	till(session_is_confirmed(c->s));
	assert_string_equal(c->codec, "PCMU/8000");
	call_bye(c, &l);
	rig_free(r);
}

/* A PRACK whose answer is none: refused or not, there is no crash and the call ends once. */
static void test_bad_answer_in_prack(void **state)
{
	static const char *const bad[] = { "garbage", NULL,
		"v=0\r\no=b 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
		"m=video 4000 RTP/AVP 31\r\n" };

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
		struct rig *r = rig_in(NET_UDP, QUICK_T1);
		struct leg l;
		struct call *c;
		struct sip_msg *m;
		char lines[80];
		r->policy.reliable = SESSION_100REL_OFFER;
		c = rung(r, &l, "Supported: 100rel\r\n", NULL);
		ring(c, 183, true);
		m = leg_response(&l, "INVITE", 101);
		leg_learn(&l, m);
		snprintf(lines, sizeof(lines), "RAck: " STR_FMT " %u INVITE\r\n",
			STR_ARG(msg_named(m, "RSeq")), l.invite_cseq);
		m = leg_do(&l, "PRACK", (struct leg_says){ .lines = lines, .body = bad[i] });
		assert_true(m->status == 200 || m->status == 400 || m->status == 488);
		rig_idle(10);
		if (!c->heard.finals)
			call_stop(c, NULL);
		m = leg_response(&l, "INVITE", 200);
		assert_true(m->status >= 300);
		leg_ack(&l, m, NULL);
		call_wait(c);
		assert_int_equal(c->heard.final, ENDPOINT_FAILED);
		call_end(c);
		rig_free(r);
	}
}

/* RFC 3262 section 5: the offer is answered, and the PRACK has another: its 200 answers that one.
 */
static void test_offer_in_prack(void **state)
{
	struct rig *r = rig_in(NET_UDP, 0);
	struct leg l;
	struct call *c;
	struct sip_msg *m;
	char lines[80];

	(void)state;
	r->policy.reliable = SESSION_100REL_OFFER;
	c = rung(r, &l, "Supported: 100rel\r\n", bob_sdp(1, NULL));
	ring(c, 183, true);
	m = leg_response(&l, "INVITE", 101);
	assert_has(m->body, "m=audio ");
	leg_learn(&l, m);
	snprintf(lines, sizeof(lines), "RAck: " STR_FMT " %u INVITE\r\n",
		STR_ARG(msg_named(m, "RSeq")), l.invite_cseq);
	m = leg_do(
		&l, "PRACK", (struct leg_says){ .lines = lines, .body = bob_sdp(2, "sendonly") });
	assert_int_equal(m->status, 200);
	assert_has(m->body, "a=recvonly");
	accept_it(c);
	m = leg_response(&l, "INVITE", 200);
	assert_int_equal(m->status, 200);
	leg_ack(&l, m, NULL);
	till(session_is_confirmed(c->s));
	call_bye(c, &l);
	rig_free(r);
}

/* Early, and not reliable: what the 2xx says later is the very same (13.2.1). */
static void test_early_answer(void **state)
{
	struct rig *r = rig_in(NET_UDP, 0);
	struct leg l;
	struct call *c = rung(r, &l, NULL, bob_sdp(1, NULL));
	struct sip_msg *m, *final;

	(void)state;
	ring(c, 183, true);
	m = leg_response(&l, "INVITE", 101);
	assert_int_equal(m->status, 183);
	assert_has(m->body, "m=audio ");
	assert_str(sip_msg_value(m, SIP_HDR_CONTENT_TYPE), "application/sdp");
	ring(c, 180, false); /* any number, in any order */
	accept_it(c);
	final = leg_response(&l, "INVITE", 200);
	assert_true(str_eq(final->body, m->body));
	leg_learn(&l, final);
	leg_ack(&l, final, NULL);
	till(session_is_confirmed(c->s));
	call_bye(c, &l);
	rig_free(r);
}

/* No PRACK for 64*T1: the INVITE is refused with a 5xx. */
static void test_no_prack(void **state)
{
	struct rig *r = rig_in(NET_UDP, QUICK_T1);
	struct leg l;
	struct call *c;
	struct sip_msg *m;
	double began;

	(void)state;
	r->policy.reliable = SESSION_100REL_OFFER;
	c = rung(r, &l, "Supported: 100rel\r\n", bob_sdp(1, NULL));
	ring(c, 180, false);
	began = rig_ms();
	m = leg_response(&l, "INVITE", 200);
	assert_true(m->status >= 500 && m->status < 600);
	assert_between(rig_ms() - began, 64 * QUICK_T1 - 20, 64 * QUICK_T1 + PEER_LATE);
	leg_ack(&l, m, NULL);
	call_wait(c);
	assert_int_equal(c->heard.final, ENDPOINT_FAILED);
	call_end(c);
	rig_free(r);
}

/* Section 3: accepted while a reliable 18x with a description waits for its PRACK: the 2xx waits,
 * too. */
static void test_accept_before_prack(void **state)
{
	struct rig *r = rig_in(NET_UDP, 0);
	struct leg l;
	struct call *c;
	struct sip_msg *m;

	(void)state;
	r->policy.reliable = SESSION_100REL_OFFER;
	c = rung(r, &l, "Supported: 100rel\r\n", bob_sdp(1, NULL));
	ring(c, 183, true);
	m = leg_response(&l, "INVITE", 101);
	assert_has(m->body, "m=audio ");
	leg_learn(&l, m);
	accept_it(c);
	rig_idle(2 * T1);
	assert_null(leg_find(&l, l.invite_branch, "INVITE", 200, NULL));
	assert_int_equal(prack(&l, m, 0)->status, 200);
	m = leg_response(&l, "INVITE", 200);
	assert_int_equal(m->status, 200);
	leg_ack(&l, m, NULL);
	till(session_is_confirmed(c->s));
	call_bye(c, &l);
	rig_free(r);
}

/* --- Replaces (RFC 3891, A75) and Join (RFC 3911)
 * ---------------------------------------------------
 */

/* Names our dialog for us: our tag is the to-tag (section 3). */
static void replaces_line(char out[400], const struct call *c, const char *more)
{
	snprintf(out, 400, "Replaces: %s;to-tag=%s;from-tag=%s%s\r\n", c->call_id, c->local_tag,
		c->remote_tag, more);
}

static void test_replaces_refused(void **state)
{
	static const struct {
		const char *line;
		unsigned status;
	} cases[] = { { "Replaces: nobody@x;to-tag=a;from-tag=b\r\n", 481 },
		{ "Replaces: nobody@x;to-tag=a;from-tag=b\r\n"
		  "Replaces: nobody@x;to-tag=a;from-tag=b\r\n",
			400 },
		{ "Replaces: nobody@x;to-tag=a\r\n", 400 }, { "Replaces: \r\n", 400 },
		{ "Replaces: nobody@x;to-tag=a;from-tag=b;to-tag=c\r\n", 400 },
		{ "Join: nobody@x;to-tag=a;from-tag=b\r\n", 481 },
		{ "Join: nobody@x;to-tag=a;from-tag=b\r\n"
		  "Replaces: nobody@x;to-tag=a;from-tag=b\r\n",
			400 } };
	struct rig *r = rig_in(NET_UDP, 0);
	struct leg first, l;
	struct call *c = call_in_up(r, &first, NULL);
	char line[400];
	struct sip_msg *m;

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
		m = refused_at_once(r, cases[i].line, bob_sdp(1, NULL));
		if (m->status != cases[i].status)
			fail_msg("%u to %s", m->status, cases[i].line);
	}
	/* the right dialog with its tags exchanged is another one */
	snprintf(line, sizeof(line), "Replaces: %s;to-tag=%s;from-tag=%s\r\n", first.call_id,
		c->remote_tag, c->local_tag);
	assert_int_equal(refused_at_once(r, line, bob_sdp(1, NULL))->status, 481);
	replaces_line(line, c, ";early-only");
	assert_int_equal(refused_at_once(r, line, bob_sdp(1, NULL))->status, 486);
	/* in a request other than INVITE: 400 */
	replaces_line(line, c, "");
	assert_int_equal(leg_do(&first, "INFO", (struct leg_says){ .lines = line })->status, 400);
	assert_true(session_is_confirmed(c->s));
	/* an early dialog that we did not begin: 481 */
	c = rung(r, &l, NULL, bob_sdp(1, NULL));
	ring(c, 180, false);
	m = leg_response(&l, "INVITE", 180);
	snprintf(line, sizeof(line), "Replaces: %s;to-tag=" STR_FMT ";from-tag=%s\r\n", l.call_id,
		STR_ARG(sip_msg_to_tag(m)), l.tag);
	assert_int_equal(refused_at_once(r, line, bob_sdp(1, NULL))->status, 481);
	assert_int_equal(session_reject(c->s, 486, STR_EMPTY, NULL, 0, NULL), 0);
	m = leg_response(&l, "INVITE", 200);
	leg_ack(&l, m, NULL);
	call_wait(c);
	call_end(c);
	call_bye(r->in[0], &first);
	rig_free(r);
}

/* Join has the same form and doors; nothing is mixed here, so a good one is refused, and the call
 * it names goes on (RFC 3911 section 4). */
static void test_join(void **state)
{
	struct rig *r = rig_in(NET_UDP, 0);
	struct leg l;
	struct call *c = call_in_up(r, &l, NULL);
	char line[400], twice[900];

	(void)state;
	snprintf(line, sizeof(line), "Join: %s;to-tag=%s;from-tag=%s\r\n", c->call_id, c->local_tag,
		c->remote_tag);
	snprintf(twice, sizeof(twice), "%s%s", line, line);
	assert_int_equal(refused_at_once(r, twice, bob_sdp(1, NULL))->status, 400);
	assert_int_equal(leg_do(&l, "INFO", (struct leg_says){ .lines = line })->status, 400);
	assert_true(refused_at_once(r, line, bob_sdp(1, NULL))->status >= 400);
	assert_true(session_is_confirmed(c->s));
	assert_int_equal(leg_do(&l, "BYE", (struct leg_says){ 0 })->status, 200);
	call_closed(c);
	assert_int_equal(refused_at_once(r, line, bob_sdp(1, NULL))->status, 603);
	call_end(c);
	assert_int_equal(refused_at_once(r, line, bob_sdp(1, NULL))->status, 481);
	rig_free(r);
}

/* A good one: the new call is accepted, the old one gets a BYE from us. */
static void test_replaces(void **state)
{
	struct rig *r = rig_in(NET_UDP, 0);
	struct leg old, new;
	struct call *c = call_in_up(r, &old, NULL), *n;
	char line[400];
	struct sip_msg *m;
	struct peer_got b;

	(void)state;
	replaces_line(line, c, "");
	/* session_replaces: for who shall call that peer: its tag is the to-tag there */
	{
		CLEANUP(buf_done) struct buf named = BUF_INIT(1024);
		char wanted[400];
		session_replaces(c->s, &named);
		snprintf(wanted, sizeof(wanted), "%s;to-tag=%s;from-tag=%s", old.call_id, old.tag,
			c->local_tag);
		assert_str(buf_str(&named), wanted);
	}
	n = rung(r, &new, line, bob_sdp(1, NULL));
	rig_idle(10);
	assert_true(session_is_confirmed(c->s)); /* not before the new one is taken */
	assert_int_equal(session_accept(n->s, 200, STR_EMPTY, &r->u->why), 0);
	m = leg_response(&new, "INVITE", 200);
	assert_int_equal(m->status, 200);
	leg_learn(&new, m);
	leg_ack(&new, m, NULL);
	b = got(r->p, "BYE", 1);
	assert_str(sip_msg_call_id(b.msg), old.call_id);
	leg_reply(&old, &b, 200, NULL, NULL);
	call_closed(c);
	assert_state(c, "terminated/replaced");
	/* One that has just ended is declined (section 3, SHOULD). */
	assert_int_equal(refused_at_once(r, line, bob_sdp(1, NULL))->status, 603);
	call_end(c);
	till(session_is_confirmed(n->s));
	/* The old one is over: 481 or 603. */
	m = refused_at_once(r, line, bob_sdp(1, NULL));
	assert_true(m->status == 481 || m->status == 603);
	call_bye(n, &new);
	rig_free(r);
}

/* Refused: the old call goes on (section 3). */
static void test_replaces_rejected(void **state)
{
	struct rig *r = rig_in(NET_UDP, 0);
	struct leg old, new;
	struct call *c = call_in_up(r, &old, NULL), *n;
	char line[400];
	struct sip_msg *m;

	(void)state;
	replaces_line(line, c, "");
	n = rung(r, &new, line, bob_sdp(1, NULL));
	assert_int_equal(session_reject(n->s, 603, STR_EMPTY, NULL, 0, NULL), 0);
	m = leg_response(&new, "INVITE", 200);
	leg_ack(&new, m, NULL);
	call_wait(n);
	call_end(n);
	rig_idle(20);
	assert_true(session_is_confirmed(c->s));
	assert_int_equal(got_all(r->p, "BYE"), 0);
	/* The old call ends and is freed while the one that would replace it rings. */
	r->in_count = 0;
	n = rung(r, &new, line, bob_sdp(1, NULL));
	call_bye(c, &old);
	session_accept(n->s, 200, STR_EMPTY, NULL);
	m = leg_response(&new, "INVITE", 200);
	if (m->status == 200) {
		leg_learn(&new, m);
		leg_ack(&new, m, NULL);
		till(session_is_confirmed(n->s));
		call_bye(n, &new);
	} else {
		leg_ack(&new, m, NULL);
		call_wait(n);
		call_end(n);
	}
	rig_free(r);
}

/* Ends it, whatever became of its answer. */
static void finish(struct call *c, struct leg *l)
{
	struct sip_msg *m = leg_response(l, "INVITE", 200);

	if (m->status == 200) {
		leg_learn(l, m);
		leg_ack(l, m, NULL);
		till(session_is_confirmed(c->s));
		call_bye(c, l);
	} else {
		leg_ack(l, m, NULL);
		call_wait(c);
		call_end(c);
	}
}

/* Two would replace the same call, and the replaced one is freed under a third: one end each. */
static void test_replaces_twice(void **state)
{
	struct rig *r = rig_in(NET_UDP, QUICK_T1);
	struct leg old, one, two;
	struct call *c = call_in_up(r, &old, NULL), *n, *k;
	char line[400];
	struct peer_got b;

	(void)state;
	replaces_line(line, c, "");
	n = rung(r, &one, line, bob_sdp(1, NULL));
	k = rung(r, &two, line, bob_sdp(1, NULL));
	session_accept(n->s, 200, STR_EMPTY, NULL);
	session_accept(k->s, 200, STR_EMPTY, NULL);
	b = got(r->p, "BYE", 1);
	leg_reply(&old, &b, 200, NULL, NULL);
	call_closed(c);
	call_end(c);
	assert_int_equal(got_new(r->p, "BYE"), 1);
	finish(n, &one);
	finish(k, &two);
	c = call_in_up(r, &old, NULL);
	replaces_line(line, c, "");
	n = rung(r, &one, line, bob_sdp(1, NULL));
	call_free(c);
	session_accept(n->s, 200, STR_EMPTY, NULL);
	finish(n, &one);
	rig_free(r);
}

/* An early dialog that we began: the new one is accepted and the old one gets a CANCEL. */
static void test_replaces_early(void **state)
{
	struct rig *r = rig_in(NET_UDP, 0);
	struct call *c = call_start(r, (struct session_config){ 0 }), *n;
	struct peer_got g = got(r->p, "INVITE", 1), k;
	struct leg old = leg_of(r, &g, "bob"), new;
	char line[400];
	struct sip_msg *m;

	(void)state;
	leg_reply(&old, &g, 180, NULL, NULL);
	till(call_times(c, "early"));
	snprintf(line, sizeof(line), "Replaces: %s;to-tag=" STR_FMT ";from-tag=bob;early-only\r\n",
		old.call_id, STR_ARG(sip_msg_from_tag(g.msg)));
	n = rung(r, &new, line, bob_sdp(1, NULL));
	assert_int_equal(session_accept(n->s, 200, STR_EMPTY, &r->u->why), 0);
	m = leg_response(&new, "INVITE", 200);
	assert_int_equal(m->status, 200);
	leg_learn(&new, m);
	leg_ack(&new, m, NULL);
	k = got(r->p, "CANCEL", 1);
	leg_reply(&old, &k, 200, NULL, NULL);
	leg_reply(&old, &g, 487, NULL, NULL);
	call_wait(c);
	assert_state(c, "terminated/replaced");
	call_end(c);
	till(session_is_confirmed(n->s));
	call_bye(n, &new);
	rig_free(r);
}

/* --- the session timer's door, and lifetimes
 * ------------------------------------------------------
 */

/* RFC 4028 section 9, AR-15. */
static void test_too_small(void **state)
{
	struct rig *r = rig_in(NET_UDP, 0);
	struct leg l;
	struct sip_msg *m;
	struct call *c;

	(void)state;
	l = leg_call(r, "Supported: timer\r\nSession-Expires: 30\r\n", bob_sdp(1, NULL));
	m = leg_response(&l, "INVITE", 200);
	assert_int_equal(m->status, 422);
	assert_int_equal(msg_seconds(m, SIP_HDR_MIN_SE), 90);
	leg_ack(&l, m, NULL);
	rig_idle(10);
	if (r->in_count) { /* it may have been offered before */
		call_wait(r->in[0]);
		call_end(r->in[0]);
	}
	/* The policy's own minimum counts once it is known. */
	r->in_count = 0;
	r->policy.min_se = 600;
	l = leg_call(r, "Supported: timer\r\nSession-Expires: 500\r\n", bob_sdp(1, NULL));
	till(r->in_count == 1 || leg_find(&l, l.invite_branch, "INVITE", 200, NULL));
	c = r->in_count ? r->in[0] : NULL;
	if (c && !leg_find(&l, l.invite_branch, "INVITE", 200, NULL))
		session_accept(c->s, 200, STR_EMPTY, NULL);
	m = leg_response(&l, "INVITE", 200);
	assert_int_equal(m->status, 422);
	assert_int_equal(msg_seconds(m, SIP_HDR_MIN_SE), 600);
	leg_ack(&l, m, NULL);
	if (c) {
		call_wait(c);
		call_end(c);
	}
	rig_free(r);
}

/* Freed at every number of passes, in each of its states. */
static void test_free_at_any_pass(void **state)
{
	(void)state;
	for (int transport = NET_UDP; transport <= NET_TCP; transport++)
		for (int what = 0; what < 5; what++)
			for (int passes = 0; passes < 8; passes++) {
				struct rig *r = rig_in(transport, 0);
				struct leg l;
				struct call *c;
				struct sip_msg *m;
				r->policy.reliable = SESSION_100REL_OFFER;
				r->policy.expires = 90;
				c = rung(r, &l, "Supported: 100rel, timer\r\n", bob_sdp(1, NULL));
				if (what == 1)
					session_ring(c->s, 183, STR_EMPTY, true, NULL);
				if (what == 2)
					session_reject(c->s, 486, STR_EMPTY, NULL, 0, NULL);
				if (what >= 3)
					session_accept(c->s, 200, STR_EMPTY, NULL);
				if (what == 4) {
					m = leg_response(&l, "INVITE", 200);
					leg_learn(&l, m);
					leg_ack(&l, m, NULL);
				}
				for (int i = 0; i < passes; i++)
					ev_run(net_loop(), EVRUN_NOWAIT);
				call_free(c);
				rig_idle(2);
				rig_free(r);
			}
}

/* The session is freed in each event it tells. */
static unsigned free_at, free_events;

static void free_now(struct call *c, const struct endpoint_event *ev)
{
	(void)ev;
	if (++free_events != free_at)
		return;
	session_free(c->s);
	c->s = NULL;
	c->heard.quiet = true;
}

static void hook_it(struct rig *r, struct call *c)
{
	(void)r;
	c->hook = free_now;
}

static void test_free_in_handler(void **state)
{
	(void)state;
	for (free_at = 1;; free_at++) {
		struct rig *r = rig_in(NET_UDP, 0);
		struct leg l;
		struct call *c;
		bool freed;
		free_events = 0;
		r->on_invite = hook_it;
		c = rung(r, &l, NULL, bob_sdp(1, NULL));
		if (c->s)
			session_ring(c->s, 180, STR_EMPTY, false, NULL);
		rig_idle(5);
		if (c->s)
			session_accept(c->s, 200, STR_EMPTY, NULL);
		rig_idle(5);
		if (c->s) {
			struct sip_msg *m = leg_response(&l, "INVITE", 200);
			leg_learn(&l, m);
			leg_ack(&l, m, NULL);
			rig_idle(5);
		}
		if (c->s)
			leg_ask(&l, "INFO", (struct leg_says){ 0 });
		rig_idle(5);
		if (c->s)
			leg_ask(&l, "INVITE", (struct leg_says){ .body = bob_sdp(2, "sendonly") });
		rig_idle(5);
		if (c->s)
			leg_ask(&l, "BYE", (struct leg_says){ 0 });
		rig_idle(10);
		freed = !c->s;
		call_free(c);
		rig_free(r);
		if (!freed)
			break;
	}
	assert_true(free_at > 4);
}

/* A58 */
static void refuse(struct rig *r, struct call *c)
{
	(void)r;
	session_ring(c->s, 180, STR_EMPTY, false, NULL);
	session_reject(c->s, 486, STR_EMPTY, NULL, 0, NULL);
}

static void forget(struct peer *p, const struct peer_got *g)
{
	p->count--;
	sip_msg_unref(g->msg);
}

static void test_thousand_rejected(void **state)
{
	struct rig *r = rig_in(NET_UDP, 2);
	size_t before = 0;

	(void)state;
	r->on_invite = refuse;
	for (unsigned i = 0; i < 1000; i++) {
		struct leg l = leg_call(r, NULL, bob_sdp(1, NULL));
		struct sip_msg *m = leg_response(&l, "INVITE", 200);
		struct call *c = r->in[0];
		leg_ack(&l, m, NULL);
		call_wait(c);
		call_free(c);
		r->in_count = 0;
		while (r->p->count)
			forget(r->p, &r->p->got[r->p->count - 1]);
		if (i == 200) {
			rig_idle(300);
			before = memory_in_use();
		}
	}
	rig_idle(300);
	while (r->p->count)
		forget(r->p, &r->p->got[r->p->count - 1]);
	assert_true(memory_in_use() < before + MEMORY_SLACK);
	rig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answered),
		cmocka_unit_test(test_bye),
		cmocka_unit_test(test_routes),
		cmocka_unit_test(test_in_handler),
		cmocka_unit_test(test_trying),
		cmocka_unit_test(test_untaken),
		cmocka_unit_test(test_rejected),
		cmocka_unit_test(test_redirected),
		cmocka_unit_test(test_bad_calls),
		cmocka_unit_test(test_other_2xx),
		cmocka_unit_test(test_cancelled),
		cmocka_unit_test(test_cancel_late),
		cmocka_unit_test(test_stop_ringing),
		cmocka_unit_test(test_bye_early),
		cmocka_unit_test(test_early_requests),
		cmocka_unit_test(test_no_ack),
		cmocka_unit_test(test_stop_before_ack),
		cmocka_unit_test(test_wrong_ack),
		cmocka_unit_test(test_connection_lost),
		cmocka_unit_test(test_bye_before_ack),
		cmocka_unit_test(test_repeated_invite),
		cmocka_unit_test(test_merged),
		cmocka_unit_test(test_require),
		cmocka_unit_test(test_no_contact),
		cmocka_unit_test(test_unknown_dialog),
		cmocka_unit_test(test_unusable_offer),
		cmocka_unit_test(test_garbage_offer),
		cmocka_unit_test(test_other_body),
		cmocka_unit_test(test_late_offer),
		cmocka_unit_test(test_late_offer_bad),
		cmocka_unit_test(test_answer),
		cmocka_unit_test(test_reliable),
		cmocka_unit_test(test_not_reliable),
		cmocka_unit_test(test_100rel_required),
		cmocka_unit_test(test_100rel_required_by_us),
		cmocka_unit_test(test_offer_in_18x),
		cmocka_unit_test(test_bad_answer_in_prack),
		cmocka_unit_test(test_offer_in_prack),
		cmocka_unit_test(test_early_answer),
		cmocka_unit_test(test_no_prack),
		cmocka_unit_test(test_accept_before_prack),
		cmocka_unit_test(test_replaces_refused),
		cmocka_unit_test(test_join),
		cmocka_unit_test(test_replaces),
		cmocka_unit_test(test_replaces_rejected),
		cmocka_unit_test(test_replaces_twice),
		cmocka_unit_test(test_replaces_early),
		cmocka_unit_test(test_too_small),
		cmocka_unit_test(test_free_at_any_pass),
		cmocka_unit_test(test_free_in_handler),
		cmocka_unit_test(test_thousand_rejected),
	};

	net_loop();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
