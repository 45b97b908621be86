/* tests/unit/test_session.c -- lib/endpoint/session, calls of ours (RFC 3261 sections 9, 12, 13,
 * 15; RFC 3262, 3264, 6026) over loopback against a scripted peer. Its siblings: _in (the peer
 * calls), _within (what happens in a call), _timer (RFC 4028). */
#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#define CALL_RIG_CLOCK
#include "call_rig.h"

/* Timers in ms as rig_out has them. */
enum { T1 = 20, QUICK_T1 = 5 };

/* --- the plain call ------------------------------------------------------------------------------
 */

/* 13.2.1: what an INVITE has. */
static void check_invite(const struct sip_msg *m)
{
	assert_true(sip_msg_to_tag(m).n == 0);
	assert_true(sip_msg_from_tag(m).n >= 4); /* 19.3: 32 bits of randomness */
	assert_int_equal(msg_count(m, SIP_HDR_CONTACT), 1);
	assert_int_equal(msg_count(m, SIP_HDR_VIA), 1);
	assert_int_equal(msg_seconds(m, SIP_HDR_MAX_FORWARDS), 70);
	for (unsigned i = 0; i < 4; i++)
		assert_true(sip_msg_has_token(m, SIP_HDR_ALLOW,
			(const char *const[]){ "INVITE", "ACK", "CANCEL", "BYE" }[i]));
	assert_non_null(sip_msg_hdr(m, SIP_HDR_SUPPORTED));
}

/* 13.2.2.4: an ACK to a 2xx is a request within the dialog, with the INVITE's number. */
static void check_ack(const struct sip_msg *ack, const struct sip_msg *invite, const struct leg *l)
{
	assert_str(sip_msg_value(ack, SIP_HDR_TO), l->local);
	assert_true(str_eq(sip_msg_value(ack, SIP_HDR_FROM), sip_msg_value(invite, SIP_HDR_FROM)));
	assert_true(str_eq(sip_msg_call_id(ack), sip_msg_call_id(invite)));
	assert_int_equal(msg_cseq(ack), msg_cseq(invite));
	assert_has(sip_msg_value(ack, SIP_HDR_CSEQ), " ACK");
	assert_int_equal(msg_count(ack, SIP_HDR_VIA), 1);
	assert_int_equal(msg_count(ack, SIP_HDR_MAX_FORWARDS), 1);
	assert_false(str_eq(msg_via(ack).branch, msg_via(invite).branch));
}

static void plain_over(int transport)
{
	struct rig *r = rig_out(transport, 0);
	struct call *c =
		call_start(r, (struct session_config){ .target = STR("sip:bob@far.test") });
	struct peer_got g = got(r->p, "INVITE", 1), a, b;
	struct leg l = leg_of(r, &g, "bob");

	assert_int_equal(g.transport, transport);
	check_invite(g.msg);
	assert_str(g.msg->request_uri, "sip:bob@far.test");
	assert_str(sip_msg_value(g.msg, SIP_HDR_CONTENT_TYPE), "application/sdp");
	assert_has(g.msg->body, "m=audio ");
	assert_false(session_is_confirmed(c->s));
	assert_false(session_is_incoming(c->s));
	leg_reply(&l, &g, 180, NULL, NULL);
	till(call_times(c, "early"));
	assert_true(c->initiator);
	assert_int_equal(c->status, 180);
	assert_string_equal(c->remote_tag, "bob");
	assert_false(session_is_confirmed(c->s));
	leg_reply(&l, &g, 200, NULL, bob_sdp(1, NULL));
	a = got(r->p, "ACK", 1);
	till(call_times(c, "confirmed"));
	check_ack(a.msg, g.msg, &l);
	assert_int_equal(a.msg->body.n, 0); /* the offer was in the INVITE */
	assert_uri(a.msg, &l);
	assert_true(session_is_confirmed(c->s));
	assert_true(session_id(c->s) > 0);
	assert_int_equal(c->id, session_id(c->s));
	assert_string_equal(c->codec, "PCMU/8000");
	assert_string_equal(c->direction, "sendrecv");
	assert_string_equal(c->call_id, l.call_id);
	assert_true(str_eq(str_of(c->local_tag), sip_msg_from_tag(g.msg)));
	assert_int_equal(c->routes, 0);
	assert_int_equal(c->id_count, 1);
	assert_between(c->setup_ms, 0, PEER_MS);
	rig_idle(20);
	call_stop(c, "Q.850;cause=16");
	assert_false(session_is_confirmed(c->s)); /* about to end */
	call_stop(c, NULL); /* twice is fine */
	b = got(r->p, "BYE", 1);
	assert_str(sip_msg_value(b.msg, SIP_HDR_TO), l.local);
	assert_true(str_eq(sip_msg_value(b.msg, SIP_HDR_FROM), str_of(l.remote)));
	assert_int_equal(msg_cseq(b.msg), msg_cseq(g.msg) + 1); /* 12.2.1.1 */
	assert_str(msg_named(b.msg, "Reason"), "Q.850;cause=16");
	assert_int_equal(c->heard.finals, 0);
	leg_reply(&l, &b, 200, NULL, NULL);
	call_closed(c);
	assert_string_equal(c->states, " trying early confirmed terminated/local-bye");
	assert_between(c->duration_ms, 19, PEER_MS);
	assert_int_equal(got_new(r->p, "BYE"), 1);
	assert_int_equal(got_all(r->p, "ACK"), 1);
	assert_int_equal(got_all(r->p, "CANCEL"), 0);
	call_end(c);
	rig_free(r);
}

static void test_plain(void **state)
{
	(void)state;
	plain_over(NET_UDP);
	plain_over(NET_TCP);
}

/* Peer to peer: Request-URI and the ACK's address are those of the target and of the Contact. */
static void test_plain_p2p(void **state)
{
	struct rig *r = rig_in(NET_UDP, 0);
	struct leg l;
	struct call *c = call_up(r, (struct session_config){ 0 }, &l);

	(void)state;
	assert_str(peer_msg(r->p, 0)->request_uri, r->target);
	call_bye(c, &l);
	c = call_up(r, (struct session_config){ 0 }, &l);
	call_down(c, &l);
	rig_free(r);
}

/* SS-02, SS-06: Call-ID, To and header fields of the caller's. */
static void test_config(void **state)
{
	struct rig *r = rig_out(NET_UDP, 0);
	struct endpoint_header h[] = { { ENDPOINT_HEADER_ADD, STR("X-Test"), STR("one") } };
	struct call *c = call_start(r, (struct session_config){ .call_id = STR("given@here"),
					       .to = STR("\"B\" <sip:b@else.test>"),
					       .max_forwards = 5,
					       .policy = { .headers = h, .header_count = 1 } });
	struct peer_got g = got(r->p, "INVITE", 1);

	(void)state;
	assert_str(sip_msg_call_id(g.msg), "given@here");
	assert_str(sip_msg_value(g.msg, SIP_HDR_TO), "\"B\" <sip:b@else.test>");
	assert_int_equal(msg_seconds(g.msg, SIP_HDR_MAX_FORWARDS), 5);
	assert_str(msg_named(g.msg, "X-Test"), "one");
	call_free(c);
	c = call_new(r);
	assert_int_equal(call_try(c, (struct session_config){ .target = STR("no uri at all") }),
		-FAIL_ARGUMENT);
	assert_null(c->s);
	call_free(c);
	rig_idle(20);
	assert_int_equal(got_new(r->p, "INVITE"), 1);
	rig_free(r);
}

/* A dry run: the INVITE, and not one byte on the wire. */
static void test_dry_run(void **state)
{
	struct rig *r = rig_out(NET_UDP, 0);
	CLEANUP(buf_done) struct buf b = BUF_INIT(65536);
	struct sip_msg *m;

	(void)state;
	assert_int_equal(session_dry_run(&(struct session_config){ .endpoint = r->u->ep,
						 .target = STR("sip:bob@far.test"),
						 .max_forwards = -1,
						 .policy = { .media = r->media,
							 .on_event = call_event,
							 .arg = NULL } },
				 &b, NULL),
		0);
	assert_int_equal(sip_msg_parse(buf_str(&b), NULL, &m, NULL), 0);
	assert_str(m->method_name, "INVITE");
	assert_str(m->request_uri, "sip:bob@far.test");
	assert_has(m->body, "m=audio ");
	sip_msg_unref(m);
	rig_idle(20);
	assert_int_equal(r->p->count, 0);
	rig_free(r);
}

/* --- refused, and not answered -------------------------------------------------------------------
 */

/* 17.1.1.3: the ACK is part of the INVITE's transaction, and comes again for each repetition. */
static void refused(struct rig *r, unsigned status)
{
	unsigned invites = got_new(r->p, "INVITE"), acks = got_new(r->p, "ACK"),
		 all = got_all(r->p, "ACK");
	struct call *c = call_start(r, (struct session_config){ 0 });
	struct peer_got g = got(r->p, "INVITE", invites + 1), a;
	struct leg l = leg_of(r, &g, "bob");

	leg_reply(&l, &g, 100, NULL, NULL);
	leg_reply(&l, &g, status, "Warning: 399 peer \"no\"\r\n", NULL);
	call_failed(c, FAIL_STATUS, status);
	assert_state(c, "terminated/rejected");
	assert_no_state(c, "confirmed");
	a = got(r->p, "ACK", acks + 1);
	assert_true(str_eq(msg_via(a.msg).branch, msg_via(g.msg).branch));
	assert_true(str_eq(a.msg->request_uri, g.msg->request_uri));
	assert_str(sip_msg_value(a.msg, SIP_HDR_TO), l.local);
	assert_int_equal(msg_cseq(a.msg), msg_cseq(g.msg));
	if (g.transport == NET_UDP) {
		leg_reply(&l, &g, status, "Warning: 399 peer \"no\"\r\n", NULL);
		till(got_all(r->p, "ACK") == all + 2);
	}
	call_end(c);
	assert_int_equal(got_new(r->p, "INVITE"), invites + 1);
	assert_int_equal(got_new(r->p, "BYE"), 0);
}

static void test_refused(void **state)
{
	static const unsigned statuses[] = { 300, 302, 380, 400, 403, 404, 408, 410, 480, 482, 484,
		486, 488, 491, 493, 499, 500, 501, 503, 504, 580, 599, 600, 603, 604, 606, 699 };

	(void)state;
	for (int transport = NET_UDP; transport <= NET_TCP; transport++) {
		struct rig *r = rig_out(transport, 0);
		for (unsigned i = 0; i < ARRAY_LEN(statuses); i++)
			refused(r, statuses[i]);
		rig_free(r);
	}
}

/* A 487 that nobody asked for is a refusal as well. */
static void test_refused_487(void **state)
{
	struct rig *r = rig_out(NET_UDP, 0);
	struct call *c = call_start(r, (struct session_config){ 0 });
	struct peer_got g = got(r->p, "INVITE", 1);
	struct leg l = leg_of(r, &g, "bob");

	(void)state;
	leg_reply(&l, &g, 180, NULL, NULL);
	leg_reply(&l, &g, 487, NULL, NULL);
	call_failed(c, FAIL_STATUS, 487);
	assert_true(c->heard.after_ringing);
	call_end(c);
	rig_free(r);
}

/* Timer B; Timer A doubles without a limit: 0 1 3 7 15 31 63 times T1 (17.1.1.2). */
static void test_no_answer(void **state)
{
	struct rig *r = rig_out(NET_UDP, QUICK_T1);
	struct call *c = call_start(r, (struct session_config){ 0 });

	(void)state;
	call_failed(c, FAIL_TIMEOUT, 0);
	assert_between(
		c->heard.ended - c->heard.began, 64 * QUICK_T1 - 1, 64 * QUICK_T1 + PEER_LATE);
	assert_int_equal(got_new(r->p, "INVITE"), 1);
	assert_int_equal(got_all(r->p, "INVITE"), 7);
	assert_int_equal(got_all(r->p, "CANCEL"), 0);
	call_end(c);
	rig_free(r);
}

/* timeout_ms is Timer B, and no limit once there was a provisional response. */
static void test_timeout(void **state)
{
	struct rig *r = rig_out(NET_TCP, 0);
	struct call *c = call_start(r, (struct session_config){ .timeout_ms = 100 });
	struct peer_got g;
	struct leg l;

	(void)state;
	call_failed(c, FAIL_TIMEOUT, 0);
	assert_between(c->heard.ended - c->heard.began, 99, 100 + PEER_LATE);
	call_end(c);
	c = call_start(r, (struct session_config){ .timeout_ms = 100 });
	g = got(r->p, "INVITE", 2);
	l = leg_of(r, &g, "bob");
	leg_reply(&l, &g, 180, NULL, NULL);
	rig_idle(200);
	assert_int_equal(c->heard.finals, 0);
	leg_reply(&l, &g, 486, NULL, NULL);
	call_failed(c, FAIL_STATUS, 486);
	assert_true(c->heard.after_ringing);
	call_end(c);
	rig_free(r);
}

static void test_no_connection(void **state)
{
	struct rig *r = rig_out(NET_TCP, 0);
	struct call *c;

	(void)state;
	peer_close_tcp(r->p);
	c = call_start(r, (struct session_config){ 0 });
	call_failed(c, FAIL_CONNECT, 0);
	call_end(c);
	rig_free(r);
}

/* The connection ends while it rings: nothing can come any more. */
static void test_connection_lost_early(void **state)
{
	struct rig *r = rig_out(NET_TCP, QUICK_T1);
	struct call *c = call_start(r, (struct session_config){ 0 });
	struct peer_got g = got(r->p, "INVITE", 1);
	struct leg l = leg_of(r, &g, "bob");

	(void)state;
	leg_reply(&l, &g, 180, NULL, NULL);
	till(call_times(c, "early"));
	peer_close_tcp(r->p);
	call_wait(c);
	assert_int_equal(c->heard.final, ENDPOINT_FAILED);
	assert_int_equal(c->heard.status, 0);
	call_end(c);
	rig_free(r);
}

/* --- provisional responses -----------------------------------------------------------------------
 */

/* A 100 makes no dialog, even with a tag in To (12.1); it ends the retransmissions (17.1.1.2). */
static void test_trying(void **state)
{
	struct rig *r = rig_out(NET_UDP, 0);
	struct call *c = call_start(r, (struct session_config){ 0 });
	struct peer_got g = got(r->p, "INVITE", 1);
	struct leg l = leg_of(r, &g, "bob");
	unsigned sent;

	(void)state;
	leg_reply(&l, &g, 100, NULL, NULL);
	peer_send(r->p, &g, STR("")); /* an empty datagram is nothing */
	rig_idle(20);
	sent = got_all(r->p, "INVITE");
	rig_idle(10 * T1);
	assert_int_equal(got_all(r->p, "INVITE"), sent);
	assert_no_state(c, "early");
	assert_int_equal(c->heard.finals, 0);
	leg_reply(&l, &g, 486, NULL, NULL);
	call_failed(c, FAIL_STATUS, 486);
	assert_false(c->heard.after_ringing);
	call_end(c);
	rig_free(r);
}

/* 183 with a description that is not reliable: the 2xx says the same (13.2.1). A 2xx from another
 * Contact than the 183's counts (13.2.2.4). */
static void test_early_media(void **state)
{
	struct rig *r = rig_out(NET_UDP, 0);
	struct call *c = call_start(r, (struct session_config){ 0 });
	struct peer_got g = got(r->p, "INVITE", 1), a;
	struct leg l = leg_of(r, &g, "bob");

	(void)state;
	snprintf(l.contact, sizeof(l.contact), "<sip:early@%s>", r->p->text);
	leg_reply(&l, &g, 180, NULL, NULL);
	leg_reply(&l, &g, 183, NULL, bob_sdp(1, NULL));
	leg_reply(&l, &g, 183, NULL, bob_sdp(1, NULL));
	till(call_times(c, "early"));
	snprintf(l.contact, sizeof(l.contact), "<sip:late@%s>", r->p->text);
	leg_reply(&l, &g, 200, NULL, bob_sdp(1, NULL));
	a = got(r->p, "ACK", 1);
	assert_has(a.msg->request_uri, "sip:late@");
	till(call_times(c, "confirmed"));
	assert_string_equal(c->codec, "PCMU/8000");
	assert_int_equal(c->id_count, 1);
	assert_int_equal(got_all(r->p, "PRACK"), 0);
	call_down(c, &l);
	rig_free(r);
}

/* --- forks (SS-16, A54) --------------------------------------------------------------------------
 */

/* Rings at two; both take it. The first 2xx wins, the other gets ACK and BYE in its own dialog. */
static void forked(bool ringing)
{
	struct rig *r = rig_out(NET_UDP, 0);
	struct call *c = call_start(r, (struct session_config){ 0 });
	struct peer_got g = got(r->p, "INVITE", 1), a, b;
	struct leg one = leg_of(r, &g, "one"), two = leg_of(r, &g, "two");

	snprintf(one.contact, sizeof(one.contact), "<sip:one@%s>", r->p->text);
	snprintf(two.contact, sizeof(two.contact), "<sip:two@%s>", r->p->text);
	if (ringing) {
		leg_reply(&one, &g, 180, NULL, NULL);
		leg_reply(&two, &g, 180, NULL, NULL);
		till(call_times(c, "early") == 2);
		assert_int_equal(c->id_count, 2); /* two dialogs */
	}
	leg_reply(&two, &g, 200, NULL, bob_sdp(1, NULL));
	a = got(r->p, "ACK", 1);
	assert_has(a.msg->request_uri, "sip:two@");
	till(session_is_confirmed(c->s));
	assert_string_equal(c->remote_tag, "two");
	leg_reply(&one, &g, 200, NULL, bob_sdp(1, NULL));
	a = got(r->p, "ACK", 2);
	assert_str(sip_msg_value(a.msg, SIP_HDR_TO), one.local);
	assert_has(a.msg->request_uri, "sip:one@");
	assert_int_equal(msg_cseq(a.msg), msg_cseq(g.msg));
	b = got(r->p, "BYE", 1);
	assert_str(sip_msg_value(b.msg, SIP_HDR_TO), one.local);
	assert_has(b.msg->request_uri, "sip:one@");
	leg_reply(&one, &b, 200, NULL, NULL);
	/* Its 2xx once more: one more ACK, no second BYE. */
	leg_reply(&one, &g, 200, NULL, bob_sdp(1, NULL));
	till(got_all(r->p, "ACK") == 3);
	rig_idle(30);
	assert_int_equal(got_new(r->p, "BYE"), 1);
	assert_true(c->extra >= 1);
	assert_true(session_is_confirmed(c->s));
	assert_int_equal(c->heard.finals, 0);
	/* The call that won lives and ends as ever. */
	assert_int_equal(leg_do(&two, "INFO", (struct leg_says){ 0 })->status, 200);
	call_stop(c, NULL);
	b = got(r->p, "BYE", 2);
	assert_str(sip_msg_value(b.msg, SIP_HDR_TO), two.local);
	leg_reply(&two, &b, 200, NULL, NULL);
	call_closed(c);
	call_end(c);
	rig_free(r);
}

static void test_forked(void **state)
{
	(void)state;
	forked(true);
	forked(false);
}

/* Many branches, as a hostile peer would have: nothing but one call, memory stays in bounds. */
static void test_forked_many(void **state)
{
	struct rig *r = rig_out(NET_UDP, 0);
	struct call *c = call_start(r, (struct session_config){ 0 });
	struct peer_got g = got(r->p, "INVITE", 1);
	struct leg l;

	(void)state;
	for (unsigned i = 0; i < 300; i++) {
		char tag[16];
		snprintf(tag, sizeof(tag), "fork%u", i);
		l = leg_of(r, &g, tag);
		leg_reply(&l, &g, 180, NULL, NULL);
		if (i % 10 == 0)
			rig_idle(1);
	}
	l = leg_of(r, &g, "last");
	leg_reply(&l, &g, 200, NULL, bob_sdp(1, NULL));
	got(r->p, "ACK", 1);
	till(session_is_confirmed(c->s));
	assert_string_equal(c->remote_tag, "last");
	call_down(c, &l);
	rig_free(r);
}

/* All branches but the winner are over for who listens: each dialog that was told ends. */
static void test_forked_ends(void **state)
{
	struct rig *r = rig_out(NET_UDP, 0);
	struct call *c = call_start(r, (struct session_config){ 0 });
	struct peer_got g = got(r->p, "INVITE", 1);
	struct leg one = leg_of(r, &g, "one"), two = leg_of(r, &g, "two");

	(void)state;
	leg_reply(&one, &g, 180, NULL, NULL);
	leg_reply(&two, &g, 183, NULL, NULL);
	till(call_times(c, "early") == 2);
	leg_reply(&one, &g, 486, NULL, NULL);
	call_failed(c, FAIL_STATUS, 486);
	assert_true(c->heard.after_ringing);
	assert_no_state(c, "confirmed");
	assert_true(strstr(c->states, "terminated/rejected") != NULL);
	call_end(c);
	rig_free(r);
}

/* 13.2.2.4: what has not answered 64*T1 behind the first 2xx is over. Until then its dialog is
 * there: one that answers late keeps it; what it asks is not for the call that won. */
static void test_forked_late(void **state)
{
	struct rig *r = rig_out(NET_UDP, T1);
	struct call *c = call_start(r, (struct session_config){ 0 });
	struct peer_got g = got(r->p, "INVITE", 1), b;
	struct leg won = leg_of(r, &g, "won"), late = leg_of(r, &g, "late"),
		   never = leg_of(r, &g, "never");
	double first;

	(void)state;
	leg_reply(&never, &g, 180, NULL, NULL);
	leg_reply(&late, &g, 180, NULL, NULL);
	till(call_times(c, "early") == 2);
	leg_reply(&won, &g, 200, NULL, bob_sdp(1, NULL));
	first = rig_ms();
	till(session_is_confirmed(c->s));
	assert_int_equal(c->id_count, 3);
	assert_no_state(c, "+terminated/cancelled");
	leg_ask(&never, "INFO", (struct leg_says){ 0 });
	assert_int_equal(leg_response(&never, "INFO", 481)->status, 481);
	assert_int_equal(c->asked, 0);
	leg_reply(&late, &g, 200, NULL, bob_sdp(1, NULL));
	b = got(r->p, "BYE", 1);
	assert_str(sip_msg_value(b.msg, SIP_HDR_TO), late.local);
	leg_reply(&late, &b, 200, NULL, NULL);
	till(call_times(c, "+terminated/local-bye") == 1);
	assert_int_equal(c->id_count, 3); /* under the name it rang with */
	till(call_times(c, "+terminated/cancelled") == 1);
	assert_between(rig_ms() - first, 64 * T1 - 20, 64 * T1 + PEER_LATE);
	assert_true(session_is_confirmed(c->s));
	call_down(c, &won);
	rig_free(r);
}

/* The call ends before that: so do the dialogs of the others, once each, before its own. */
static void test_forked_over(void **state)
{
	struct rig *r = rig_out(NET_UDP, 0);
	struct call *c = call_start(r, (struct session_config){ 0 });
	struct peer_got g = got(r->p, "INVITE", 1), b;
	struct leg one = leg_of(r, &g, "one"), two = leg_of(r, &g, "two");

	(void)state;
	leg_reply(&one, &g, 180, NULL, NULL);
	leg_reply(&two, &g, 200, NULL, bob_sdp(1, NULL));
	till(session_is_confirmed(c->s));
	assert_no_state(c, "+terminated/cancelled");
	call_stop(c, NULL);
	b = got(r->p, "BYE", 1);
	leg_reply(&two, &b, 200, NULL, NULL);
	call_closed(c);
	assert_has(str_of(c->states), " +terminated/cancelled terminated/local-bye");
	assert_state(c, "+terminated/cancelled");
	assert_state(c, "terminated/local-bye");
	call_end(c);
	rig_free(r);
}

/* --- 2xx and ACK ---------------------------------------------------------------------------------
 */

/* 13.2.2.4: an ACK for every repetition of the 2xx, the same one, and no new event. */
static void test_ack_again(void **state)
{
	struct rig *r = rig_out(NET_UDP, 0);
	struct leg l;
	struct call *c = call_up(r, (struct session_config){ 0 }, &l);
	struct peer_got g = got(r->p, "INVITE", 1), b;
	unsigned events = c->heard.all;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		leg_reply(&l, &g, 200, NULL, bob_sdp(1, NULL));
		till(got_all(r->p, "ACK") == i + 2);
	}
	for (unsigned i = 0; i < r->p->count; i++)
		if (str_eq(r->p->got[i].msg->method_name, STR("ACK")))
			check_ack(r->p->got[i].msg, g.msg, &l);
	assert_int_equal(c->heard.all, events);
	/* The ACK was lost, and our BYE is on its way already. */
	call_stop(c, NULL);
	b = got(r->p, "BYE", 1);
	leg_reply(&l, &g, 200, NULL, bob_sdp(1, NULL));
	till(got_all(r->p, "ACK") == 5);
	leg_reply(&l, &b, 200, NULL, NULL);
	call_closed(c);
	call_end(c);
	rig_free(r);
}

/* 12.1.2, 12.2.1.1: the Contact of the 2xx, Route from its Record-Route in reverse order. */
static void test_route_set(void **state)
{
	struct rig *r = rig_out(NET_UDP, 0);
	struct leg l = { 0 };
	struct call *c = call_start(r, (struct session_config){ 0 });
	struct peer_got g = got(r->p, "INVITE", 1), m;

	(void)state;
	l = leg_of(r, &g, "bob");
	snprintf(l.contact, sizeof(l.contact), "\"Bob\" <sip:bob@192.0.2.4:5099;x=y>;q=0.5");
	/* of a provisional response: its route set is not that of the 2xx */
	leg_reply(&l, &g, 180, "Record-Route: <sip:old.test;lr>\r\n", NULL);
	leg_reply(&l, &g, 200,
		"Record-Route: <sip:p3.test;lr>, \"P 2\" <sip:p2.test:5070;lr;a=b>;c=d\r\n"
		"Record-Route: <sip:p1.test;lr=on>\r\n",
		bob_sdp(1, NULL));
	got(r->p, "ACK", 1);
	till(call_times(c, "confirmed"));
	assert_int_equal(c->routes, 3);
	assert_has(str_of(c->route), "sip:p1.test;lr=on");
	assert_string_equal(c->target, "sip:bob@192.0.2.4:5099;x=y");
	call_stop(c, NULL);
	got(r->p, "BYE", 1);
	for (unsigned i = 0; i < 2; i++) {
		struct sip_list list;
		struct sip_nameaddr a;
		m = got(r->p, i ? "BYE" : "ACK", 1);
		assert_str(m.msg->request_uri, "sip:bob@192.0.2.4:5099;x=y");
		list = sip_msg_list(m.msg, SIP_HDR_ROUTE);
		assert_true(sip_list_nameaddr(&list, &a));
		assert_str(a.uri.text, "sip:p1.test;lr=on");
		assert_true(sip_list_nameaddr(&list, &a));
		assert_str(a.uri.text, "sip:p2.test:5070;lr;a=b");
		assert_true(sip_list_nameaddr(&list, &a));
		assert_str(a.uri.text, "sip:p3.test;lr");
		assert_false(sip_list_nameaddr(&list, &a));
	}
	leg_reply(&l, &m, 200, NULL, NULL);
	call_closed(c);
	call_end(c);
	rig_free(r);
}

/* 12.2.1.1: a strict router is the Request-URI, and the remote target the last Route. */
static void test_strict_router(void **state)
{
	struct rig *r = rig_out(NET_UDP, 0);
	struct leg l = { 0 };
	struct call *c = call_up_with(r, (struct session_config){ 0 }, &l,
		"Record-Route: <sip:p2.test;lr>, <sip:strict.test:5071;method=INVITE>\r\n",
		bob_sdp(1, NULL));
	struct peer_got m;

	(void)state;
	call_stop(c, NULL);
	got(r->p, "BYE", 1);
	for (unsigned i = 0; i < 2; i++) {
		struct sip_list list;
		struct sip_nameaddr a;
		m = got(r->p, i ? "BYE" : "ACK", 1);
		assert_str(m.msg->request_uri, "sip:strict.test:5071"); /* 19.1.1: no method */
		list = sip_msg_list(m.msg, SIP_HDR_ROUTE);
		assert_true(sip_list_nameaddr(&list, &a));
		assert_str(a.uri.text, "sip:p2.test;lr");
		assert_true(sip_list_nameaddr(&list, &a));
		assert_has(a.uri.text, "sip:bob@");
		assert_false(sip_list_nameaddr(&list, &a));
	}
	leg_reply(&l, &m, 200, NULL, NULL);
	call_closed(c);
	call_end(c);
	rig_free(r);
}

/* Peer to peer over UDP: ACK and BYE go where the Contact says, and over the Record-Route. */
static void test_ack_elsewhere(void **state)
{
	(void)state;
	for (int routed = 0; routed < 2; routed++) {
		struct rig *r = rig_in(NET_UDP, 0);
		struct peer *q = peer_new();
		struct call *c = call_start(r, (struct session_config){ 0 });
		struct peer_got g = got(r->p, "INVITE", 1), b;
		struct leg l = leg_of(r, &g, "bob");
		char route[128];
		snprintf(route, sizeof(route), "Record-Route: <sip:%s;lr>\r\n", q->text);
		snprintf(l.contact, sizeof(l.contact), "<sip:bob@%s>",
			routed ? "192.0.2.77" : q->text);
		leg_reply(&l, &g, 200, routed ? route : NULL, bob_sdp(1, NULL));
		b = got(q, "ACK", 1);
		assert_has(b.msg->request_uri, routed ? "sip:bob@192.0.2.77" : q->text);
		till(session_is_confirmed(c->s));
		call_stop(c, NULL);
		b = got(q, "BYE", 1);
		l.p = q;
		leg_reply(&l, &b, 200, NULL, NULL);
		call_closed(c);
		assert_int_equal(got_all(r->p, "ACK") + got_all(r->p, "BYE"), 0);
		call_end(c);
		peer_free(q);
		rig_free(r);
	}
}

/* A 2xx that can make no dialog: without Contact (12.1.2 needs it, A21), without a tag in To. No
 * crash, and it is over. */
static void test_bad_2xx(void **state)
{
	static const char *const bad[] = { NULL, "Contact: *\r\n", "Contact: <tel:+1555>\r\n",
		"Contact: <sip:bob@127.0.0.1:9>\r\nRecord-Route: <<>\r\n" };

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
		struct rig *r = rig_out(NET_UDP, QUICK_T1);
		struct call *c = call_start(r, (struct session_config){ 0 });
		struct peer_got g = got(r->p, "INVITE", 1);
		peer_reply(r->p, &g, 200, bad[i]);
		call_wait(c);
		assert_int_equal(c->heard.final, ENDPOINT_FAILED);
		assert_no_state(c, "confirmed");
		call_end(c);
		rig_free(r);
	}
}

/* A59: what is not the answer to our INVITE changes nothing. */
static void test_forged(void **state)
{
	struct rig *r = rig_out(NET_UDP, 0);
	struct call *c = call_start(r, (struct session_config){ 0 });
	struct peer_got g = got(r->p, "INVITE", 1);
	struct leg l = leg_of(r, &g, "bob");
	char text[2048];
	struct sip_via via = msg_via(g.msg);

	(void)state;
	leg_reply(&l, &g, 180, NULL, NULL);
	till(call_times(c, "early"));
	for (unsigned i = 0; i < 3; i++) {
		snprintf(text, sizeof(text),
			"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP " STR_FMT ";branch=" STR_FMT
			"%s\r\nFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %u %s\r\nContact: "
			"%s\r\nContent-Length: 0\r\n\r\n",
			i == 0 ? 11 : (int)via.host.n, i == 0 ? "192.0.2.200" : via.host.p,
			STR_ARG(via.branch), i == 1 ? "x" : "", l.remote, l.local, l.call_id,
			msg_cseq(g.msg), i == 2 ? "BYE" : "INVITE", l.contact);
		peer_send(r->p, &g, str_of(text));
	}
	rig_idle(40);
	assert_no_state(c, "confirmed");
	assert_int_equal(got_all(r->p, "ACK"), 0);
	assert_int_equal(c->heard.finals, 0);
	leg_reply(&l, &g, 486, NULL, NULL);
	call_failed(c, FAIL_STATUS, 486);
	call_end(c);
	rig_free(r);
}

/* --- CANCEL (section 9) --------------------------------------------------------------------------
 */

/* 9.1: the fields of a CANCEL. */
static void check_cancel(const struct sip_msg *m, const struct sip_msg *invite)
{
	assert_true(str_eq(m->request_uri, invite->request_uri));
	assert_true(str_eq(msg_via(m).branch, msg_via(invite).branch));
	assert_int_equal(msg_count(m, SIP_HDR_VIA), 1);
	assert_true(str_eq(sip_msg_value(m, SIP_HDR_TO), sip_msg_value(invite, SIP_HDR_TO)));
	assert_true(str_eq(sip_msg_value(m, SIP_HDR_FROM), sip_msg_value(invite, SIP_HDR_FROM)));
	assert_true(str_eq(sip_msg_call_id(m), sip_msg_call_id(invite)));
	assert_int_equal(msg_cseq(m), msg_cseq(invite));
	assert_has(sip_msg_value(m, SIP_HDR_CSEQ), " CANCEL");
	assert_int_equal(msg_count(m, SIP_HDR_REQUIRE), 0); /* MUST NOT */
	assert_int_equal(m->body.n, 0);
}

/* CANCEL waits for a provisional response; then 487 and the end. */
static void cancelled(unsigned provisional, bool early_stop)
{
	struct rig *r = rig_out(NET_UDP, 0);
	struct call *c = call_start(
		r, (struct session_config){ .policy = { .reliable = SESSION_100REL_REQUIRE } });
	struct peer_got g = got(r->p, "INVITE", 1), k;
	struct leg l = leg_of(r, &g, "bob");

	if (early_stop) {
		call_stop(c, "SIP;cause=200");
		rig_idle(3 * T1);
		assert_int_equal(got_all(r->p, "CANCEL"), 0); /* 9.1: MUST NOT yet */
		assert_int_equal(c->heard.finals, 0);
	}
	leg_reply(&l, &g, provisional, NULL, NULL);
	if (!early_stop) {
		rig_idle(20);
		call_stop(c, "SIP;cause=200");
		call_stop(c, NULL);
	}
	k = got(r->p, "CANCEL", 1);
	check_cancel(k.msg, g.msg);
	assert_str(msg_named(k.msg, "Reason"), "SIP;cause=200");
	leg_reply(&l, &k, 200, NULL, NULL);
	rig_idle(20);
	assert_int_equal(c->heard.finals, 0); /* the INVITE's final response counts */
	leg_reply(&l, &g, 487, NULL, NULL);
	call_wait(c);
	assert_int_equal(c->heard.final, ENDPOINT_FAILED);
	assert_int_equal(c->heard.status, 487);
	assert_state(c, "terminated/cancelled");
	got(r->p, "ACK", 1);
	call_end(c);
	assert_int_equal(got_all(r->p, "BYE"), 0);
	assert_int_equal(got_new(r->p, "CANCEL"), 1);
	rig_free(r);
}

static void test_cancel(void **state)
{
	(void)state;
	cancelled(180, false);
	cancelled(100, false);
	cancelled(100, true);
	cancelled(180, true);
}

/* Stopped before anything was sent: nothing goes out, and it ends by its event. */
static void test_cancel_unsent(void **state)
{
	(void)state;
	for (int transport = NET_UDP; transport <= NET_TCP; transport++) {
		struct rig *r = rig_out(transport, QUICK_T1);
		struct call *c = call_start(r, (struct session_config){ 0 });
		call_stop(c, NULL);
		call_failed(c, FAIL_CANCELLED, 0);
		assert_int_equal(got_all(r->p, "INVITE"), 0);
		call_end(c);
		rig_free(r);
	}
}

/* Any final response to the CANCEL, even none: the 487 ends it. */
static void test_cancel_refused(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		struct rig *r = rig_out(NET_UDP, QUICK_T1);
		struct call *c = call_start(r, (struct session_config){ 0 });
		struct peer_got g = got(r->p, "INVITE", 1), k;
		struct leg l = leg_of(r, &g, "bob");
		leg_reply(&l, &g, 180, NULL, NULL);
		rig_idle(10);
		call_stop(c, NULL);
		k = got(r->p, "CANCEL", 1);
		if (i)
			leg_reply(&l, &k, i == 1 ? 481 : 500, NULL, NULL);
		rig_idle(20);
		assert_int_equal(c->heard.finals, 0);
		leg_reply(&l, &g, 487, NULL, NULL);
		call_wait(c);
		assert_int_equal(c->heard.status, 487);
		call_end(c);
		rig_free(r);
	}
}

/* SS-22: the 2xx wins the race: ACK and BYE (15), and the call was never there. */
static void test_cancel_race(void **state)
{
	(void)state;
	for (int before = 0; before < 2; before++) {
		struct rig *r = rig_out(NET_UDP, 0);
		struct call *c = call_start(r, (struct session_config){ 0 });
		struct peer_got g = got(r->p, "INVITE", 1), k;
		struct leg l = leg_of(r, &g, "bob");
		if (before) { /* no provisional response at all: no CANCEL was sent */
			call_stop(c, NULL);
		} else {
			leg_reply(&l, &g, 180, NULL, NULL);
			rig_idle(10);
			call_stop(c, NULL);
			k = got(r->p, "CANCEL", 1);
		}
		leg_reply(&l, &g, 200, NULL, bob_sdp(1, NULL));
		got(r->p, "ACK", 1);
		if (!before)
			leg_reply(&l, &k, 200, NULL, NULL);
		k = got(r->p, "BYE", 1);
		assert_str(sip_msg_value(k.msg, SIP_HDR_TO), l.local);
		leg_reply(&l, &k, 200, NULL, NULL);
		call_wait(c);
		assert_int_equal(c->heard.final, ENDPOINT_FAILED);
		assert_int_equal(c->heard.fail.code, -FAIL_CANCELLED);
		assert_true(strstr(c->states, "terminated/cancelled") != NULL);
		call_end(c);
		if (before)
			assert_int_equal(got_all(r->p, "CANCEL"), 0);
		rig_free(r);
	}
}

/* 9.1: without a final response it is over after 64*T1. */
static void test_cancel_silence(void **state)
{
	struct rig *r = rig_out(NET_UDP, QUICK_T1);
	struct call *c = call_start(r, (struct session_config){ 0 });
	struct peer_got g = got(r->p, "INVITE", 1), k;
	struct leg l = leg_of(r, &g, "bob");

	(void)state;
	leg_reply(&l, &g, 180, NULL, NULL);
	till(call_times(c, "early"));
	call_stop(c, NULL);
	k = got(r->p, "CANCEL", 1);
	leg_reply(&l, &k, 200, NULL, NULL);
	call_failed(c, FAIL_CANCELLED, 0);
	assert_between(c->heard.ended - k.ms, 64 * QUICK_T1 - 20, 64 * QUICK_T1 + PEER_LATE);
	assert_true(strstr(c->states, "terminated/cancelled") != NULL);
	call_end(c);
	rig_free(r);
}

/* EP-24: it rings for so long, and no longer. */
static void test_ring_time(void **state)
{
	struct rig *r = rig_out(NET_UDP, 0);
	struct call *c = call_start(r, (struct session_config){ .ring_ms = 150 });
	struct peer_got g = got(r->p, "INVITE", 1), k;
	struct leg l = leg_of(r, &g, "bob");
	double began;

	(void)state;
	rig_idle(100);
	began = rig_ms();
	leg_reply(&l, &g, 180, NULL, NULL);
	rig_idle(100);
	leg_reply(&l, &g, 180, NULL, NULL); /* a further one does not prolong it */
	k = got(r->p, "CANCEL", 1);
	assert_between(k.ms - began, 149, 150 + PEER_LATE);
	leg_reply(&l, &k, 200, NULL, NULL);
	leg_reply(&l, &g, 487, NULL, NULL);
	call_failed(c, FAIL_TIMEOUT, 487);
	assert_true(c->heard.after_ringing);
	call_end(c);
	/* It is answered in time: the limit is over with it. */
	c = call_start(r, (struct session_config){ .ring_ms = 100 });
	g = got(r->p, "INVITE", 2);
	l = leg_of(r, &g, "bob2");
	leg_reply(&l, &g, 180, NULL, NULL);
	leg_reply(&l, &g, 200, NULL, bob_sdp(1, NULL));
	till(session_is_confirmed(c->s));
	rig_idle(200);
	assert_true(session_is_confirmed(c->s));
	assert_int_equal(got_all(r->p, "CANCEL"), 1);
	call_down(c, &l);
	rig_free(r);
}

/* --- redirects, challenges, retries --------------------------------------------------------------
 */

/* SS-25, 8.1.3.4: another Request-URI, the rest of the call stays; the 3xx is acknowledged. */
static void test_redirected(void **state)
{
	struct rig *r = rig_out(NET_UDP, 0);
	struct call *c = call_start(r, (struct session_config){ .follow = 3 });
	struct peer_got g = got(r->p, "INVITE", 1), h, a;
	struct leg l = leg_of(r, &g, "bob");

	(void)state;
	/* not leg_reply: this Contact is the new target */
	peer_reply(r->p, &g, 302, "Contact: <sip:carol@other.test>\r\n");
	h = got(r->p, "INVITE", 2);
	a = got(r->p, "ACK", 1);
	assert_true(str_eq(msg_via(a.msg).branch, msg_via(g.msg).branch));
	assert_str(h.msg->request_uri, "sip:carol@other.test");
	check_invite(h.msg);
	assert_true(msg_cseq(h.msg) > msg_cseq(g.msg));
	assert_true(str_eq(sip_msg_call_id(h.msg), sip_msg_call_id(g.msg)));
	assert_true(str_eq(sip_msg_from_tag(h.msg), sip_msg_from_tag(g.msg)));
	assert_true(str_eq(sip_msg_value(h.msg, SIP_HDR_TO), sip_msg_value(g.msg, SIP_HDR_TO)));
	assert_has(h.msg->body, "m=audio ");
	leg_reply(&l, &h, 200, NULL, bob_sdp(1, NULL));
	a = got(r->p, "ACK", 2);
	check_ack(a.msg, h.msg, &l);
	till(session_is_confirmed(c->s));
	call_down(c, &l);
	rig_free(r);
}

static void test_redirect_limit(void **state)
{
	struct rig *r = rig_out(NET_UDP, 0);
	struct call *c = call_start(r, (struct session_config){ .follow = 2 });

	(void)state;
	for (unsigned i = 1; i <= 3; i++) {
		struct peer_got g = got(r->p, "INVITE", i);
		char contact[64];
		snprintf(contact, sizeof(contact), "Contact: <sip:n%u@other.test>\r\n", i);
		peer_reply(r->p, &g, 302, contact);
	}
	call_failed(c, FAIL_STATUS, 302);
	assert_int_equal(got_new(r->p, "INVITE"), 3);
	got(r->p, "ACK", 3);
	call_end(c);
	rig_free(r);
}

static const char challenge[] =
	"WWW-Authenticate: Digest realm=\"r\", nonce=\"n1\", qop=\"auth\", algorithm=MD5\r\n";

static struct rig *rig_auth(int transport)
{
	struct peer *p = peer_new();
	struct ua *u = ua_auth_at(p, transport, "secret", (struct auth_config){ 0 });

	return rig_of(p, u);
}

/* 22.2, 13.2.2.4: once more with credentials; the ACK of the 2xx carries them, too. */
static void test_challenged(void **state)
{
	struct rig *r = rig_auth(NET_UDP);
	struct call *c = call_start(r, (struct session_config){ 0 });
	struct peer_got g = got(r->p, "INVITE", 1), h, a;
	struct leg l = leg_of(r, &g, "bob");

	(void)state;
	leg_reply(&l, &g, 401, challenge, NULL);
	h = got(r->p, "INVITE", 2);
	a = got(r->p, "ACK", 1);
	assert_true(str_eq(msg_via(a.msg).branch, msg_via(g.msg).branch));
	assert_int_equal(msg_cseq(h.msg), msg_cseq(g.msg) + 1);
	check_invite(h.msg); /* To without the 401's tag */
	assert_true(str_eq(sip_msg_call_id(h.msg), sip_msg_call_id(g.msg)));
	assert_true(str_eq(sip_msg_from_tag(h.msg), sip_msg_from_tag(g.msg)));
	assert_true(str_eq(h.msg->body, g.msg->body)); /* the same offer */
	assert_has(msg_named(h.msg, "Authorization"), "username=\"alice\"");
	assert_int_equal(c->heard.count[ENDPOINT_CHALLENGED], 1);
	leg_reply(&l, &h, 200, NULL, bob_sdp(1, NULL));
	a = got(r->p, "ACK", 2);
	check_ack(a.msg, h.msg, &l);
	assert_true(str_eq(msg_named(a.msg, "Authorization"), msg_named(h.msg, "Authorization")));
	till(session_is_confirmed(c->s));
	call_down(c, &l);
	rig_free(r);
}

/* A wrong password: one attempt more, then it failed. */
static void test_wrong_password(void **state)
{
	struct rig *r = rig_auth(NET_UDP);
	struct call *c = call_start(r, (struct session_config){ 0 });

	(void)state;
	for (unsigned i = 1; i <= 2; i++) {
		struct peer_got g = got(r->p, "INVITE", i);
		struct leg l = leg_of(r, &g, "bob");
		leg_reply(&l, &g, 401, challenge, NULL);
	}
	call_failed(c, FAIL_AUTH, 401);
	assert_int_equal(got_new(r->p, "INVITE"), 2);
	got(r->p, "ACK", 2);
	call_end(c);
	rig_free(r);
}

/* A challenge to a BYE of a server-based endpoint is answered, in the dialog with the next CSeq. */
static void test_challenged_bye(void **state)
{
	struct rig *r = rig_auth(NET_UDP);
	struct leg l;
	struct call *c = call_up(r, (struct session_config){ 0 }, &l);
	struct peer_got b, d;

	(void)state;
	call_stop(c, NULL);
	b = got(r->p, "BYE", 1);
	leg_reply(&l, &b, 401, challenge, NULL);
	d = got(r->p, "BYE", 2);
	assert_int_equal(msg_cseq(d.msg), msg_cseq(b.msg) + 1);
	assert_has(msg_named(d.msg, "Authorization"), "username=\"alice\"");
	leg_reply(&l, &d, 200, NULL, NULL);
	call_closed(c);
	call_end(c);
	rig_free(r);
}

/* So is one to a re-INVITE: the change is answered once, the ACK carries the credentials. */
static void test_challenged_reinvite(void **state)
{
	struct rig *r = rig_auth(NET_UDP);
	struct leg l;
	struct call *c = call_up(r, (struct session_config){ 0 }, &l);
	struct peer_got g, h, a;

	(void)state;
	assert_int_equal(
		session_change(c->s, &(struct session_change){ .direction = SDP_SENDONLY }, NULL),
		0);
	g = got(r->p, "INVITE", 2);
	leg_reply(&l, &g, 401, challenge, NULL);
	h = got(r->p, "INVITE", 3);
	assert_int_equal(msg_cseq(h.msg), msg_cseq(g.msg) + 1);
	assert_str(sip_msg_value(h.msg, SIP_HDR_TO), l.local);
	assert_true(str_eq(h.msg->body, g.msg->body));
	assert_has(msg_named(h.msg, "Authorization"), "username=\"alice\"");
	leg_reply(&l, &h, 200, NULL, bob_sdp(2, "recvonly"));
	a = got(r->p, "ACK", 3);
	assert_int_equal(msg_cseq(a.msg), msg_cseq(h.msg));
	assert_true(str_eq(msg_named(a.msg, "Authorization"), msg_named(h.msg, "Authorization")));
	till(c->answered == 1);
	assert_int_equal(c->answered_status, 200);
	assert_state(c, "confirmed/hold");
	rig_idle(20);
	assert_int_equal(c->answered, 1);
	call_down(c, &l);
	rig_free(r);
}

/* A39: a peer-to-peer endpoint answers no challenge, least of all a peer's within a call. */
static void test_challenge_p2p(void **state)
{
	static const char proxy_challenge[] =
		"Proxy-Authenticate: Digest realm=\"r\", nonce=\"n1\", qop=\"auth\"\r\n";
	struct rig *r = rig_in(NET_UDP, QUICK_T1);
	struct leg l;
	struct call *c = call_up(r, (struct session_config){ 0 }, &l);
	struct peer_got b;

	(void)state;
	call_stop(c, NULL);
	b = got(r->p, "BYE", 1);
	leg_reply(&l, &b, 407, proxy_challenge, NULL);
	call_closed(c);
	call_end(c);
	assert_int_equal(got_new(r->p, "BYE"), 1);
	/* nor to its INVITE */
	c = call_start(r, (struct session_config){ 0 });
	b = got(r->p, "INVITE", 2);
	l = leg_of(r, &b, "bob");
	leg_reply(&l, &b, 407, proxy_challenge, NULL);
	call_wait(c);
	assert_int_equal(c->heard.final, ENDPOINT_FAILED);
	assert_int_equal(c->heard.status, 407);
	call_end(c);
	assert_int_equal(got_new(r->p, "INVITE"), 2);
	for (unsigned i = 0; i < r->p->count; i++)
		assert_lacks(r->p->got[i].msg->wire, "uthorization:");
	rig_free(r);
}

/* AR-10: a failure with Retry-After is tried once more. */
static void test_retry_after(void **state)
{
	struct rig *r = rig_out(NET_UDP, 0);
	struct call *c = call_start(r, (struct session_config){ 0 });
	struct peer_got g = got(r->p, "INVITE", 1);
	struct leg l = leg_of(r, &g, "bob");

	(void)state;
	leg_reply(&l, &g, 480, "Retry-After: 0\r\n", NULL);
	g = got(r->p, "INVITE", 2);
	assert_int_equal(c->heard.count[ENDPOINT_RETRY], 1);
	leg_reply(&l, &g, 480, "Retry-After: 0\r\n", NULL);
	call_failed(c, FAIL_STATUS, 480);
	assert_int_equal(got_new(r->p, "INVITE"), 2);
	call_end(c);
	rig_free(r);
}

/* --- offers and answers (RFC 3264) ---------------------------------------------------------------
 */

/* 13.2.1: no offer in the INVITE, the offer in the 2xx, the answer in the ACK. */
static void test_late_offer(void **state)
{
	struct rig *r = rig_out(NET_UDP, 0);
	struct call *c = call_start(r, (struct session_config){ .late_offer = true });
	struct peer_got g = got(r->p, "INVITE", 1), a;
	struct leg l = leg_of(r, &g, "bob");

	(void)state;
	assert_int_equal(g.msg->body.n, 0);
	assert_int_equal(msg_count(g.msg, SIP_HDR_CONTENT_TYPE), 0);
	leg_reply(&l, &g, 200, NULL, bob_sdp(1, "sendonly"));
	a = got(r->p, "ACK", 1);
	check_ack(a.msg, g.msg, &l);
	assert_str(sip_msg_value(a.msg, SIP_HDR_CONTENT_TYPE), "application/sdp");
	assert_has(a.msg->body, "m=audio ");
	assert_has(a.msg->body, "a=recvonly"); /* RFC 3264 6.1 */
	till(session_is_confirmed(c->s));
	assert_string_equal(c->codec, "PCMU/8000");
	/* A repeated 2xx gets the very same ACK, answer and all. */
	leg_reply(&l, &g, 200, NULL, bob_sdp(1, "sendonly"));
	till(got_all(r->p, "ACK") == 2);
	assert_true(str_eq(r->p->got[r->p->count - 1].msg->body, a.msg->body));
	call_down(c, &l);
	rig_free(r);
}

/* 13.2.2.4, RFC 3264 6: what is no answer to our offer: ACK, then BYE; the call failed. */
static void test_bad_answer(void **state)
{
	static const char head[] = "v=0\r\no=b 1 1 IN IP4 127.0.0.1\r\ns=-\r\n"
				   "c=IN IP4 127.0.0.1\r\nt=0 0\r\n";
	static const char *const bad[] = { "garbage", "v=0\r\n", "", /* no stream for ours */
		"m=video 4000 RTP/AVP 31\r\n", /* of another type */
		"m=audio 4000 RTP/SAVP 0\r\n",
		"m=audio 4000 RTP/AVP 0\r\nm=audio 4002 RTP/AVP 0\r\n" }; /* more than offered */

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
		struct rig *r = rig_out(NET_UDP, QUICK_T1);
		struct call *c = call_start(r, (struct session_config){ 0 });
		struct peer_got g = got(r->p, "INVITE", 1), b;
		struct leg l = leg_of(r, &g, "bob");
		char sdp[512];
		snprintf(sdp, sizeof(sdp), "%s%s", i < 2 ? "" : head, bad[i]);
		leg_reply(&l, &g, 200, NULL, sdp);
		got(r->p, "ACK", 1);
		b = got(r->p, "BYE", 1);
		leg_reply(&l, &b, 200, NULL, NULL);
		call_wait(c);
		if (c->heard.final != ENDPOINT_FAILED || c->heard.fail.code != -FAIL_MEDIA)
			fail_msg("answer %u: event %d, code %d", i, (int)c->heard.final,
				c->heard.fail.code);
		assert_int_equal(got_new(r->p, "BYE"), 1);
		call_end(c);
		rig_free(r);
	}
}

/* A47: a declined stream is an answer like any other, and a 2xx may have none at all though it
 * must: no crash, an ACK, and the call goes on or ends by a BYE of ours. */
static void test_odd_answer(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct rig *r = rig_out(NET_UDP, QUICK_T1);
		struct call *c = call_start(r, (struct session_config){ 0 });
		struct peer_got g = got(r->p, "INVITE", 1), b;
		struct leg l = leg_of(r, &g, "bob");
		leg_reply(&l, &g, 200, NULL,
			i ? NULL
			  : "v=0\r\no=b 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\n"
			    "t=0 0\r\nm=audio 0 RTP/AVP 0\r\n");
		got(r->p, "ACK", 1);
		rig_idle(20);
		if (session_is_confirmed(c->s))
			call_stop(c, NULL);
		b = got(r->p, "BYE", 1);
		leg_reply(&l, &b, 200, NULL, NULL);
		call_wait(c);
		call_end(c);
		rig_free(r);
	}
}

/* Sessions without media: no description goes out, any is taken. */
static void test_no_media(void **state)
{
	struct rig *r = rig_out(NET_UDP, 0);
	struct leg l;
	struct call *c;

	(void)state;
	media_free(r->media);
	r->media = NULL;
	c = call_up(r, (struct session_config){ 0 }, &l);
	assert_int_equal(got(r->p, "INVITE", 1).msg->body.n, 0);
	call_down(c, &l);
	rig_free(r);
}

/* A description of the user's goes out byte for byte. */
static void test_given_sdp(void **state)
{
	static const char mine[] =
		"v=0\r\no=me 1 1 IN IP4 192.0.2.1\r\ns=x\r\nc=IN IP4 192.0.2.1\r\n"
		"t=0 0\r\nm=audio 9000 RTP/AVP 0 96\r\na=x-odd:1\r\n";
	struct rig *r = rig_out(NET_UDP, 0);
	struct leg l;
	struct call *c;

	(void)state;
	media_free(r->media);
	r->media = rig_media(r, (struct media_config){ .kind = MEDIA_GIVEN, .given = STR(mine) });
	c = call_up(r, (struct session_config){ 0 }, &l);
	assert_str(got(r->p, "INVITE", 1).msg->body, mine);
	call_down(c, &l);
	rig_free(r);
}

/* --- reliable provisional responses (RFC 3262) ---------------------------------------------------
 */

static bool has_option(const struct sip_msg *m, const char *header, const char *tag)
{
	return sip_msg_has_token(
		m, strcmp(header, "Require") == 0 ? SIP_HDR_REQUIRE : SIP_HDR_SUPPORTED, tag);
}

static void test_100rel_offer(void **state)
{
	static const struct {
		enum session_100rel policy;
		bool supported, required;
	} cases[] = { { SESSION_100REL_NO, false, false }, { SESSION_100REL_OFFER, true, false },
		{ SESSION_100REL_REQUIRE, false, true } };
	struct rig *r = rig_out(NET_UDP, 0);

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
		struct call *c = call_start(
			r, (struct session_config){ .policy = { .reliable = cases[i].policy } });
		struct peer_got g = got(r->p, "INVITE", i + 1);
		if (cases[i].supported || !cases[i].required)
			assert_int_equal(
				has_option(g.msg, "Supported", "100rel"), cases[i].supported);
		assert_int_equal(has_option(g.msg, "Require", "100rel"), cases[i].required);
		call_free(c);
	}
	rig_free(r);
}

/* Section 4: PRACK for each new one in order, in the early dialog; none for what is repeated or
 * comes out of order. */
static void test_prack(void **state)
{
	struct rig *r = rig_out(NET_UDP, 0);
	struct call *c = call_start(
		r, (struct session_config){ .policy = { .reliable = SESSION_100REL_OFFER } });
	struct peer_got g = got(r->p, "INVITE", 1), k;
	struct leg l = leg_of(r, &g, "bob");
	char rack[64];
	uint32_t cseq = msg_cseq(g.msg);

	(void)state;
	leg_reply(&l, &g, 100, NULL, NULL);
	leg_reply(&l, &g, 183, "Require: 100rel\r\nRSeq: 9021\r\n", bob_sdp(1, NULL));
	k = got(r->p, "PRACK", 1);
	snprintf(rack, sizeof(rack), "9021 %u INVITE", cseq);
	assert_str(msg_named(k.msg, "RAck"), rack);
	assert_str(sip_msg_value(k.msg, SIP_HDR_TO), l.local);
	assert_true(str_eq(sip_msg_value(k.msg, SIP_HDR_FROM), str_of(l.remote)));
	assert_int_equal(msg_cseq(k.msg), cseq + 1);
	assert_has(k.msg->request_uri, "sip:bob@");
	assert_int_equal(k.msg->body.n, 0);
	/* repeated before the PRACK arrived, and again after its 200 */
	leg_reply(&l, &g, 183, "Require: 100rel\r\nRSeq: 9021\r\n", bob_sdp(1, NULL));
	rig_idle(15);
	leg_reply(&l, &k, 200, NULL, NULL);
	leg_reply(&l, &g, 183, "Require: 100rel\r\nRSeq: 9021\r\n", bob_sdp(1, NULL));
	/* 9023 comes before 9022 */
	leg_reply(&l, &g, 180, "Require: 100rel\r\nRSeq: 9023\r\n", NULL);
	rig_idle(40);
	assert_int_equal(got_new(r->p, "PRACK"), 1);
	leg_reply(&l, &g, 180, "Require: 100rel\r\nRSeq: 9022\r\n", NULL);
	k = got(r->p, "PRACK", 2);
	snprintf(rack, sizeof(rack), "9022 %u INVITE", cseq);
	assert_str(msg_named(k.msg, "RAck"), rack);
	assert_int_equal(msg_cseq(k.msg), cseq + 2);
	leg_reply(&l, &k, 200, NULL, NULL);
	rig_idle(10);
	leg_reply(&l, &g, 180, "Require: 100rel\r\nRSeq: 9023\r\n", NULL);
	k = got(r->p, "PRACK", 3);
	leg_reply(&l, &k, 200, NULL, NULL);
	/* The answer is there already: the 2xx has none (RFC 3262 section 5). */
	leg_reply(&l, &g, 200, NULL, NULL);
	k = got(r->p, "ACK", 1);
	assert_int_equal(msg_cseq(k.msg), cseq);
	till(session_is_confirmed(c->s));
	assert_string_equal(c->codec, "PCMU/8000");
	/* The BYE's number follows the last PRACK's. */
	call_stop(c, NULL);
	k = got(r->p, "BYE", 1);
	assert_int_equal(msg_cseq(k.msg), cseq + 4);
	leg_reply(&l, &k, 200, NULL, NULL);
	call_closed(c);
	call_end(c);
	rig_free(r);
}

/* The next one stands right behind the 200 to the PRACK, or even before it. */
static void test_prack_at_once(void **state)
{
	(void)state;
	for (int before = 0; before < 2; before++) {
		struct rig *r = rig_out(NET_UDP, 0);
		struct call *c = call_start(r,
			(struct session_config){ .policy = { .reliable = SESSION_100REL_OFFER } });
		struct peer_got g = got(r->p, "INVITE", 1), k;
		struct leg l = leg_of(r, &g, "bob");
		for (unsigned i = 1; i <= 3; i++) {
			char lines[64];
			snprintf(lines, sizeof(lines), "Require: 100rel\r\nRSeq: %u\r\n", i);
			leg_reply(&l, &g, 180, lines, NULL);
			if (i > 1 && before)
				leg_reply(&l, &k, 200, NULL, NULL);
			k = got(r->p, "PRACK", i);
			snprintf(lines, sizeof(lines), "%u %u INVITE", i, msg_cseq(g.msg));
			assert_str(msg_named(k.msg, "RAck"), lines);
			if (!before || i == 3)
				leg_reply(&l, &k, 200, NULL, NULL);
		}
		leg_reply(&l, &g, 486, NULL, NULL);
		call_failed(c, FAIL_STATUS, 486);
		call_end(c);
		rig_free(r);
	}
}

/* RFC 3262 section 5: an offer in a reliable provisional response is answered in its PRACK. */
static void test_prack_answer(void **state)
{
	struct rig *r = rig_out(NET_UDP, 0);
	struct call *c = call_start(r, (struct session_config){ .late_offer = true,
					       .policy = { .reliable = SESSION_100REL_OFFER } });
	struct peer_got g = got(r->p, "INVITE", 1), k;
	struct leg l = leg_of(r, &g, "bob");

	(void)state;
	assert_int_equal(g.msg->body.n, 0);
	leg_reply(&l, &g, 183, "Require: 100rel\r\nRSeq: 3\r\n", bob_sdp(1, "sendonly"));
	k = got(r->p, "PRACK", 1);
	assert_str(sip_msg_value(k.msg, SIP_HDR_CONTENT_TYPE), "application/sdp");
	assert_has(k.msg->body, "m=audio ");
	assert_has(k.msg->body, "a=recvonly");
	leg_reply(&l, &k, 200, NULL, NULL);
	leg_reply(&l, &g, 200, NULL, NULL);
	k = got(r->p, "ACK", 1);
	assert_int_equal(k.msg->body.n, 0);
	till(session_is_confirmed(c->s));
	assert_string_equal(c->codec, "PCMU/8000");
	call_down(c, &l);
	rig_free(r);
}

/* Each early dialog counts by itself. */
static void test_prack_forks(void **state)
{
	struct rig *r = rig_out(NET_UDP, 0);
	struct call *c = call_start(
		r, (struct session_config){ .policy = { .reliable = SESSION_100REL_OFFER } });
	struct peer_got g = got(r->p, "INVITE", 1), k;
	struct leg one = leg_of(r, &g, "one"), two = leg_of(r, &g, "two");

	(void)state;
	leg_reply(&one, &g, 180, "Require: 100rel\r\nRSeq: 5\r\n", NULL);
	k = got(r->p, "PRACK", 1);
	assert_str(sip_msg_value(k.msg, SIP_HDR_TO), one.local);
	leg_reply(&one, &k, 200, NULL, NULL);
	leg_reply(&two, &g, 180, "Require: 100rel\r\nRSeq: 100\r\n", NULL);
	k = got(r->p, "PRACK", 2);
	assert_str(sip_msg_value(k.msg, SIP_HDR_TO), two.local);
	assert_has(msg_named(k.msg, "RAck"), "100 ");
	leg_reply(&two, &k, 200, NULL, NULL);
	leg_reply(&one, &g, 180, "Require: 100rel\r\nRSeq: 6\r\n", NULL);
	k = got(r->p, "PRACK", 3);
	assert_str(sip_msg_value(k.msg, SIP_HDR_TO), one.local);
	leg_reply(&one, &k, 200, NULL, NULL);
	leg_reply(&one, &g, 200, NULL, bob_sdp(1, NULL));
	got(r->p, "ACK", 1);
	till(session_is_confirmed(c->s));
	call_down(c, &one);
	rig_free(r);
}

/* The 2xx comes while a PRACK waits for its answer; the PRACK is never answered. */
static void test_prack_and_2xx(void **state)
{
	struct rig *r = rig_out(NET_UDP, QUICK_T1);
	struct call *c = call_start(
		r, (struct session_config){ .policy = { .reliable = SESSION_100REL_REQUIRE } });
	struct peer_got g = got(r->p, "INVITE", 1);
	struct leg l = leg_of(r, &g, "bob");

	(void)state;
	leg_reply(&l, &g, 180, "Require: 100rel\r\nRSeq: 1\r\n", NULL);
	got(r->p, "PRACK", 1);
	leg_reply(&l, &g, 200, NULL, bob_sdp(1, NULL));
	got(r->p, "ACK", 1);
	till(session_is_confirmed(c->s));
	rig_idle(64 * QUICK_T1 + 60);
	assert_int_equal(c->heard.finals, 0);
	assert_int_equal(got_new(r->p, "PRACK"), 1);
	call_down(c, &l);
	rig_free(r);
}

/* 420 to what we require, 421 to what we do not: an end, with the INVITE acknowledged. */
static void test_100rel_refused(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct rig *r = rig_out(NET_UDP, 0);
		struct call *c = call_start(
			r, (struct session_config){
				   .policy = { .reliable = i ? SESSION_100REL_NO
							     : SESSION_100REL_REQUIRE } });
		struct peer_got g = got(r->p, "INVITE", 1);
		struct leg l = leg_of(r, &g, "bob");
		leg_reply(&l, &g, i ? 421 : 420,
			i ? "Require: 100rel\r\n" : "Unsupported: 100rel\r\n", NULL);
		call_failed(c, FAIL_STATUS, i ? 421 : 420);
		got(r->p, "ACK", 1);
		call_end(c);
		assert_int_equal(got_new(r->p, "INVITE"), 1);
		rig_free(r);
	}
}

/* Senseless ones: RSeq of 0, none, too large; without a tag; a 100. No PRACK, no crash. */
static void test_prack_odd(void **state)
{
	struct rig *r = rig_out(NET_UDP, 0);
	struct call *c = call_start(
		r, (struct session_config){ .policy = { .reliable = SESSION_100REL_OFFER } });
	struct peer_got g = got(r->p, "INVITE", 1);
	struct leg l = leg_of(r, &g, "bob");

	(void)state;
	leg_reply(&l, &g, 180, "Require: 100rel\r\n", NULL);
	leg_reply(&l, &g, 180, "Require: 100rel\r\nRSeq: 0\r\n", NULL);
	leg_reply(&l, &g, 180, "Require: 100rel\r\nRSeq: 4294967296\r\n", NULL);
	leg_reply(&l, &g, 100, "Require: 100rel\r\nRSeq: 1\r\n", NULL);
	rig_idle(40);
	assert_int_equal(got_all(r->p, "PRACK"), 0);
	leg_reply(&l, &g, 200, NULL, bob_sdp(1, NULL));
	got(r->p, "ACK", 1);
	till(session_is_confirmed(c->s));
	call_down(c, &l);
	rig_free(r);
}

/* --- requests in an early dialog -----------------------------------------------------------------
 */

/* RFC 3311 5.2: without an offer it is fine; with one while ours waits for its answer: 491. */
static void test_early_update(void **state)
{
	struct rig *r = rig_out(NET_UDP, 0);
	struct call *c = call_start(r, (struct session_config){ 0 });
	struct peer_got g = got(r->p, "INVITE", 1);
	struct leg l = leg_of(r, &g, "bob");
	struct sip_msg *m;

	(void)state;
	leg_reply(&l, &g, 180, NULL, NULL);
	till(call_times(c, "early"));
	m = leg_do(&l, "UPDATE", (struct leg_says){ .body = bob_sdp(1, NULL) });
	assert_int_equal(m->status, 491);
	m = leg_do(&l, "UPDATE", (struct leg_says){ 0 });
	assert_int_equal(m->status, 200);
	/* Nothing of ours goes yet (SS-32, SS-34). */
	assert_int_equal(session_change(c->s, &(struct session_change){ 0 }, NULL), -FAIL_STATE);
	assert_int_equal(session_send(c->s, STR("INFO"), STR_EMPTY, STR_EMPTY, NULL), -FAIL_STATE);
	/* Nor do the verbs of who is called. */
	assert_int_equal(session_ring(c->s, 180, STR_EMPTY, false, NULL), -FAIL_STATE);
	assert_int_equal(session_accept(c->s, 200, STR_EMPTY, NULL), -FAIL_STATE);
	assert_int_equal(session_reject(c->s, 486, STR_EMPTY, NULL, 0, NULL), -FAIL_STATE);
	leg_reply(&l, &g, 200, NULL, bob_sdp(1, NULL));
	got(r->p, "ACK", 1);
	till(session_is_confirmed(c->s));
	call_down(c, &l);
	rig_free(r);
}

/* 15: the callee may not hang up an early dialog with BYE; if it does there is no crash, and the
 * INVITE still ends by its final response. */
static void test_early_bye(void **state)
{
	struct rig *r = rig_out(NET_UDP, QUICK_T1);
	struct call *c = call_start(r, (struct session_config){ 0 });
	struct peer_got g = got(r->p, "INVITE", 1);
	struct leg l = leg_of(r, &g, "bob");

	(void)state;
	leg_reply(&l, &g, 180, NULL, NULL);
	till(call_times(c, "early"));
	leg_do(&l, "BYE", (struct leg_says){ 0 });
	leg_reply(&l, &g, 486, NULL, NULL);
	call_wait(c);
	assert_int_equal(c->heard.final, ENDPOINT_FAILED);
	call_end(c);
	rig_free(r);
}

/* --- lifetimes -----------------------------------------------------------------------------------
 */

/* PP-11: the connection of a call is lost; the BYE makes a new one to the peer's Contact. */
static void test_connection_lost(void **state)
{
	struct rig *r = rig_in(NET_TCP, 0);
	struct leg l;
	struct call *c = call_up(r, (struct session_config){ 0 }, &l);
	unsigned accepted = r->p->accepted;
	struct peer_got b;

	(void)state;
	peer_drop(r->p, false);
	rig_idle(50);
	assert_true(session_is_confirmed(c->s)); /* a call outlives its connection */
	assert_int_equal(c->heard.finals, 0);
	call_stop(c, NULL);
	b = got(r->p, "BYE", 1);
	assert_true(r->p->accepted > accepted);
	assert_int_equal(b.transport, NET_TCP);
	leg_reply(&l, &b, 200, NULL, NULL);
	call_closed(c);
	call_end(c);
	rig_free(r);
}

/* And when nobody is there any more the call is over all the same. */
static void test_connection_gone(void **state)
{
	struct rig *r = rig_in(NET_TCP, QUICK_T1);
	struct leg l;
	struct call *c = call_up(r, (struct session_config){ 0 }, &l);

	(void)state;
	peer_close_tcp(r->p);
	rig_idle(20);
	call_stop(c, NULL);
	call_closed(c);
	call_end(c);
	rig_free(r);
}

/* The script of a call with everything in it, for the tests of lifetimes below. */
static void play_all(struct peer *p, const struct peer_got *g)
{
	struct leg l = { .p = p, .tag = "bob" };
	unsigned invites = got_new(p, "INVITE");

	if (g->again)
		return;
	snprintf(l.contact, sizeof(l.contact), "<sip:bob@%s>", p->text);
	if (str_eq(g->msg->method_name, STR("INVITE")) && invites == 1) {
		leg_reply(&l, g, 401, challenge, NULL);
	} else if (str_eq(g->msg->method_name, STR("INVITE"))) {
		leg_reply(&l, g, 180, "Require: 100rel\r\nRSeq: 1\r\n", NULL);
		snprintf(l.tag, sizeof(l.tag), "else");
		leg_reply(&l, g, 180, NULL, NULL);
	} else if (str_eq(g->msg->method_name, STR("PRACK"))) {
		const struct peer_got invite = got(p, "INVITE", 2);
		leg_reply(&l, g, 200, NULL, NULL);
		leg_reply(&l, &invite, 200, "Session-Expires: 90;refresher=uac\r\n",
			bob_sdp(1, NULL));
		snprintf(l.tag, sizeof(l.tag), "third");
		leg_reply(&l, &invite, 200, NULL, bob_sdp(1, NULL));
	} else if (!str_eq(g->msg->method_name, STR("ACK"))) {
		leg_reply(&l, g, 200, NULL, NULL);
	}
}

static struct call *start_all(struct rig *r)
{
	r->p->hook = play_all;
	return call_start(r, (struct session_config){ .policy = { .reliable = SESSION_100REL_OFFER,
							      .expires = 90 } });
}

/* Freed after every number of loop passes. Nothing leaks and nothing is heard. */
static void test_free_at_any_pass(void **state)
{
	(void)state;
	for (int transport = NET_UDP; transport <= NET_TCP; transport++)
		for (int passes = 0; passes < 24; passes++)
			for (int stop = 0; stop < 2; stop++) {
				struct rig *r = rig_auth(transport);
				struct call *c = start_all(r);
				for (int i = 0; i < passes; i++)
					ev_run(net_loop(), EVRUN_NOWAIT);
				if (stop) {
					call_stop(c, NULL);
					for (int i = 0; i < passes; i++)
						ev_run(net_loop(), EVRUN_NOWAIT);
				}
				call_free(c);
				rig_free(r);
			}
}

/* What is freed at the n-th event: the session, the endpoint besides, the manager besides. */
enum { ONLY_SESSION, AND_ENDPOINT, AND_MANAGER, WHATS };

struct end {
	struct rig *r;
	struct call *c;
	unsigned at, events;
	int what;
	bool happened;
};

static void end_now(struct end *e)
{
	if (e->happened || ++e->events != e->at)
		return;
	e->happened = true;
	session_free(e->c->s);
	e->c->s = NULL;
	if (e->what >= AND_ENDPOINT) {
		endpoint_free(e->r->u->ep);
		e->r->u->ep = NULL;
		e->r->u->heard.quiet = true;
	}
	if (e->what >= AND_MANAGER) {
		media_free(e->r->media);
		e->r->media = NULL;
		endpoint_manager_free(e->r->u->m);
		e->r->u->m = NULL;
	}
	e->c->heard.quiet = true;
}

static void end_of_call(struct call *c, const struct endpoint_event *ev)
{
	(void)ev;
	end_now(c->arg);
}

static void end_of_agent(struct heard *h, const struct endpoint_event *ev)
{
	(void)ev;
	end_now(h->arg);
}

static bool end_at(unsigned at, int what, bool agents)
{
	struct end e = { .r = rig_auth(NET_TCP), .at = at, .what = what };
	struct heard *h = &e.r->u->heard;

	e.c = start_all(e.r);
	if (agents) {
		h->hook = end_of_agent;
		h->arg = &e;
	} else {
		e.c->hook = end_of_call;
		e.c->arg = &e;
	}
	for (unsigned i = 0; i < 300 && !e.happened && !call_times(e.c, "confirmed"); i++)
		rig_idle(1);
	for (unsigned i = 0; i < 20 && !e.happened; i++)
		rig_idle(1);
	if (!e.happened && e.c->s)
		call_stop(e.c, NULL);
	for (unsigned i = 0; i < 1000 && !e.happened && !e.c->heard.finals; i++)
		rig_idle(1);
	rig_idle(10);
	h->hook = NULL;
	call_free(e.c);
	rig_free(e.r);
	return e.happened;
}

static void end_answered(struct call *c, const struct endpoint_event *ev)
{
	struct end *e = c->arg;

	if (ev->type == ENDPOINT_ANSWERED)
		end_now(e);
}

/* The answer to our request and one of the peer's in one read: the handler of the first frees what
 * the second is for. Where there is still somebody to answer it gets 481, a BENOTIFY nothing
 * (AR-12). */
static void test_free_before_request(void **state)
{
	static const char *const methods[] = { "INFO", "BENOTIFY" };

	(void)state;
	for (int what = 0; what < WHATS; what++)
		for (unsigned i = 0; i < ARRAY_LEN(methods); i++) {
			struct end e = { .r = rig_out(NET_UDP, 0), .at = 1, .what = what };
			struct peer_got g;
			struct leg l;

			e.c = call_up(e.r, (struct session_config){ 0 }, &l);
			e.c->hook = end_answered;
			e.c->arg = &e;
			assert_int_equal(
				session_send(e.c->s, STR("INFO"), STR_EMPTY, STR_EMPTY, NULL), 0);
			g = got(e.r->p, "INFO", 1);
			leg_reply(&l, &g, 200, NULL, NULL);
			leg_ask(&l, methods[i], (struct leg_says){ 0 });
			till(e.happened);
			if (i == 0 && what < AND_MANAGER)
				assert_int_equal(leg_response(&l, "INFO", 481)->status, 481);
			rig_idle(20);
			if (i == 1)
				assert_null(leg_find(&l, l.branch, "BENOTIFY", 100, NULL));
			call_free(e.c);
			rig_free(e.r);
		}
}

static void test_free_in_handler(void **state)
{
	(void)state;
	for (int agents = 0; agents < 2; agents++)
		for (int what = 0; what < WHATS; what++) {
			unsigned at = 1;
			while (end_at(at, what, agents))
				at++;
			assert_true(at > 6); /* it had that many events at least */
		}
}

/* Stopped in the handler, as the command does with --cancel-after=1xx and `bye`. */
static void stop_now(struct call *c, const struct endpoint_event *ev)
{
	if (ev->type == ENDPOINT_SESSION && strcmp(ev->session->state, c->arg) == 0)
		call_stop(c, NULL);
}

static void test_stop_in_handler(void **state)
{
	static char early[] = "early", confirmed[] = "confirmed", terminated[] = "terminated";
	char *const at[] = { early, confirmed, terminated };

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(at); i++) {
		struct rig *r = rig_out(NET_UDP, 0);
		struct call *c = call_start(r, (struct session_config){ 0 });
		struct peer_got g = got(r->p, "INVITE", 1), k;
		struct leg l = leg_of(r, &g, "bob");
		c->hook = stop_now;
		c->arg = at[i];
		leg_reply(&l, &g, 180, NULL, NULL);
		if (i == 0) {
			k = got(r->p, "CANCEL", 1);
			leg_reply(&l, &k, 200, NULL, NULL);
			leg_reply(&l, &g, 487, NULL, NULL);
			call_wait(c);
			assert_int_equal(c->heard.status, 487);
		} else {
			leg_reply(&l, &g, 200, NULL, bob_sdp(1, NULL));
			got(r->p, "ACK", 1);
			if (i == 2) {
				till(session_is_confirmed(c->s));
				assert_int_equal(
					leg_do(&l, "BYE", (struct leg_says){ 0 })->status, 200);
			} else {
				k = got(r->p, "BYE", 1);
				leg_reply(&l, &k, 200, NULL, NULL);
			}
			call_closed(c);
		}
		call_end(c);
		rig_free(r);
	}
}

/* R6: whatever the peer does, one final event each. */
static void random_invite(struct rig *r, const struct peer_got *g)
{
	static const char *const methods[] = { "BYE", "UPDATE", "INFO", "MESSAGE", "INVITE",
		"PRACK", "CANCEL", "ACK" };
	static const unsigned refusals[] = { 408, 422, 480, 486, 487, 491, 500, 503, 603 };
	struct leg l = leg_of(r, g, rand() % 3 ? "bob" : "carol");
	struct peer_conn *conn = peer_conn(r->p, g->conn);
	char lines[64];

	snprintf(lines, sizeof(lines), "Require: 100rel\r\nRSeq: %d\r\n", rand() % 4);
	switch (rand() % 12) {
	case 0:
		leg_reply(&l, g, 100, NULL, NULL);
		break;
	case 1:
		leg_reply(&l, g, 180, NULL, NULL);
		break;
	case 2:
		leg_reply(&l, g, 183, lines, rand() % 2 ? bob_sdp(1, NULL) : NULL);
		break;
	case 3:
		leg_reply(&l, g, 401, challenge, NULL);
		break;
	case 4:
		leg_reply(&l, g, 302, NULL, NULL);
		break;
	case 5:
		leg_reply(&l, g, refusals[(unsigned)rand() % ARRAY_LEN(refusals)],
			rand() % 2 ? "Retry-After: 0\r\n" : "Min-SE: 100\r\n", NULL);
		break;
	case 6:
		leg_reply(&l, g, 200, NULL, "garbage");
		break;
	case 7:
		if (conn)
			peer_conn_close(conn, rand() % 2);
		return;
	case 8:
		return;
	default:
		leg_reply(&l, g, 200, "Session-Expires: 90;refresher=uac\r\n", bob_sdp(1, NULL));
	}
	if (rand() % 3 == 0 && peer_conn(r->p, g->conn))
		leg_ask(&l, methods[(unsigned)rand() % ARRAY_LEN(methods)],
			(struct leg_says){ .lines = "RAck: 1 1 INVITE\r\n",
				.body = rand() % 2 ? bob_sdp(2, "sendonly") : NULL });
	if (rand() % 3 == 0 && peer_conn(r->p, g->conn))
		random_invite(r, g);
}

static void play_random(struct peer *p, const struct peer_got *g)
{
	static const unsigned codes[] = { 200, 200, 200, 481, 408, 500, 491, 401 };
	unsigned code = codes[(unsigned)rand() % ARRAY_LEN(codes)];
	struct leg l = { .p = p, .tag = "bob" };

	if (g->msg->method == SIP_INVITE) {
		random_invite(p->hook_arg, g);
	} else if (g->msg->method != SIP_ACK && rand() % 4) {
		snprintf(l.contact, sizeof(l.contact), "<sip:bob@%s;transport=tcp>", p->text);
		leg_reply(&l, g, code, code == 401 ? challenge : NULL, NULL);
	}
}

static void act_random(struct call *c)
{
	switch (rand() % 8) {
	case 0:
		call_stop(c, NULL);
		break;
	case 1:
		session_change(c->s, &(struct session_change){ .update = rand() % 2 }, NULL);
		break;
	case 2:
		session_send(c->s, STR("INFO"), STR_EMPTY, STR_EMPTY, NULL);
		break;
	default:
		break;
	}
}

static void test_random(void **state)
{
	(void)state;
	srand(20261122);
	for (int round = 0; round < 10; round++) {
		struct peer *p = peer_new();
		struct cred_store *creds = rig_creds("secret");
		struct ua *u = ua_new((struct endpoint_manager_config){ .kind = NET_CLIENT,
					      .timers = rig_timers(QUICK_T1) },
			(struct endpoint_config){ .servers = &p->server,
				.server_count = 1,
				.transport = NET_TCP,
				.auth = { .creds = creds } });
		struct rig *r = rig_of(p, u);
		struct call *c[20];
		u->creds = creds;
		p->hook = play_random;
		p->hook_arg = r;
		for (unsigned i = 0; i < ARRAY_LEN(c); i++)
			c[i] = call_start(r,
				(struct session_config){ .timeout_ms = 100,
					.ring_ms = rand() % 2 ? 80 : 0,
					.late_offer = rand() % 4 == 0,
					.follow = 2,
					.retry = { .count = (unsigned)rand() % 2, .delay_ms = 5 },
					.policy = { .expires = rand() % 2 ? 90 : 0,
						.reliable = rand() % 2 ? SESSION_100REL_OFFER
								       : SESSION_100REL_NO } });
		for (unsigned step = 0; step < 20; step++) {
			rig_idle(5);
			for (unsigned i = 0; i < ARRAY_LEN(c); i++)
				if (!c[i]->heard.finals)
					act_random(c[i]);
		}
		for (unsigned i = 0; i < ARRAY_LEN(c); i++)
			if (!c[i]->heard.finals)
				call_stop(c[i], NULL);
		for (unsigned i = 0; i < ARRAY_LEN(c); i++)
			call_wait(c[i]);
		rig_idle(50);
		for (unsigned i = 0; i < ARRAY_LEN(c); i++) {
			assert_int_equal(c[i]->heard.finals, 1);
			call_free(c[i]);
		}
		rig_free(r);
	}
}

/* A58: a thousand calls that were refused leave nothing behind. */
static void play_busy(struct peer *p, const struct peer_got *g)
{
	struct leg l = { .p = p, .tag = "bob" };

	if (str_eq(g->msg->method_name, STR("INVITE"))) {
		snprintf(l.contact, sizeof(l.contact), "<sip:bob@%s>", p->text);
		leg_reply(&l, g, 180, NULL, NULL);
		leg_reply(&l, g, 486, NULL, NULL);
	}
	/* the peer's own memory is not to grow */
	p->count--;
	sip_msg_unref(g->msg);
}

static void test_thousand_refused(void **state)
{
	struct rig *r = rig_out(NET_UDP, 2);
	size_t before = 0, after;

	(void)state;
	r->p->hook = play_busy;
	for (unsigned i = 0; i < 1000; i++) {
		struct call *c = call_start(r, (struct session_config){ 0 });
		call_failed(c, FAIL_STATUS, 486);
		call_free(c);
		if (i == 200) { /* pools are full */
			clock_skip(33); /* Timer D */
			before = memory_in_use();
		}
	}
	clock_skip(33);
	after = memory_in_use();
	assert_true(before > 0 && after < before + 64 * 1024);
	rig_free(r);
}

/* While nothing happens, nothing runs. */
static void test_no_spin(void **state)
{
	struct rig *r = rig_out(NET_UDP, QUICK_T1);
	struct leg l;
	struct call *c = call_up(
		r, (struct session_config){ .policy = { .expires = 1800 }, .ring_ms = 60000 }, &l);

	(void)state;
	rig_idle(64 * QUICK_T1 + 60);
	assert_true(rig_idle(300) < 20);
	call_down(c, &l);
	rig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_plain_p2p),
		cmocka_unit_test(test_config),
		cmocka_unit_test(test_dry_run),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_refused_487),
		cmocka_unit_test(test_no_answer),
		cmocka_unit_test(test_timeout),
		cmocka_unit_test(test_no_connection),
		cmocka_unit_test(test_connection_lost_early),
		cmocka_unit_test(test_trying),
		cmocka_unit_test(test_early_media),
		cmocka_unit_test(test_forked),
		cmocka_unit_test(test_forked_many),
		cmocka_unit_test(test_forked_ends),
		cmocka_unit_test(test_forked_late),
		cmocka_unit_test(test_forked_over),
		cmocka_unit_test(test_ack_again),
		cmocka_unit_test(test_route_set),
		cmocka_unit_test(test_strict_router),
		cmocka_unit_test(test_ack_elsewhere),
		cmocka_unit_test(test_bad_2xx),
		cmocka_unit_test(test_forged),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_cancel_unsent),
		cmocka_unit_test(test_cancel_refused),
		cmocka_unit_test(test_cancel_race),
		cmocka_unit_test(test_cancel_silence),
		cmocka_unit_test(test_ring_time),
		cmocka_unit_test(test_redirected),
		cmocka_unit_test(test_redirect_limit),
		cmocka_unit_test(test_challenged),
		cmocka_unit_test(test_wrong_password),
		cmocka_unit_test(test_challenged_bye),
		cmocka_unit_test(test_challenged_reinvite),
		cmocka_unit_test(test_challenge_p2p),
		cmocka_unit_test(test_retry_after),
		cmocka_unit_test(test_late_offer),
		cmocka_unit_test(test_bad_answer),
		cmocka_unit_test(test_odd_answer),
		cmocka_unit_test(test_no_media),
		cmocka_unit_test(test_given_sdp),
		cmocka_unit_test(test_100rel_offer),
		cmocka_unit_test(test_prack),
		cmocka_unit_test(test_prack_at_once),
		cmocka_unit_test(test_prack_answer),
		cmocka_unit_test(test_prack_forks),
		cmocka_unit_test(test_prack_and_2xx),
		cmocka_unit_test(test_100rel_refused),
		cmocka_unit_test(test_prack_odd),
		cmocka_unit_test(test_early_update),
		cmocka_unit_test(test_early_bye),
		cmocka_unit_test(test_connection_lost),
		cmocka_unit_test(test_connection_gone),
		cmocka_unit_test(test_free_at_any_pass),
		cmocka_unit_test(test_free_in_handler),
		cmocka_unit_test(test_free_before_request),
		cmocka_unit_test(test_stop_in_handler),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_thousand_refused),
		cmocka_unit_test(test_no_spin),
	};

	net_loop();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
