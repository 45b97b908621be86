/* tests/unit/test_session_within.c -- lib/endpoint/session, what happens within a call: re-INVITE
 * and UPDATE both ways (RFC 3261 14, RFC 3311, RFC 3264 8), glare, MESSAGE and INFO, BYE both ways,
 * and requests out of order (12.2.2). Over loopback against a scripted peer. */
#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#define CALL_RIG_CLOCK
#include "call_rig.h"

enum { T1 = 20, QUICK_T1 = 5 };

static const char with_update[] = "Allow: INVITE, ACK, CANCEL, BYE, UPDATE, INFO, MESSAGE\r\n";

static void change(struct call *c, struct session_change ch)
{
	bool was = c->heard.quiet;
	int e;

	c->heard.quiet = true; /* R2 */
	e = session_change(c->s, &ch, &c->rig->u->why);
	c->heard.quiet = was;
	if (e != 0)
		fail_msg("session_change: %s", fail_show(&c->rig->u->why));
}

static void answered_with(struct call *c, unsigned count, unsigned status)
{
	till(c->answered >= count);
	assert_int_equal(c->answered, count);
	assert_int_equal(c->answered_status, status);
	assert_int_equal(c->answered_fail.code < 0, status >= 300 || status == 0);
}

/* A call of either direction; the tests run over both. */
static struct call *up(struct rig **r, struct leg *l, bool incoming)
{
	*l = (struct leg){ 0 };
	*r = rig_in(NET_UDP, 0);
	return incoming ? call_in_up(*r, l, with_update)
			: call_up_with(*r, (struct session_config){ 0 }, l, with_update,
				  bob_sdp(1, NULL));
}

/* The description that is in force on our side, from what was sent last. */
static struct str our_sdp(const struct peer *p)
{
	for (unsigned i = p->count; i-- > 0;)
		if (p->got[i].msg->body.n && str_has(p->got[i].msg->body, "m=audio"))
			return p->got[i].msg->body;
	fail_msg("no description came");
	return STR_EMPTY;
}

/* --- re-INVITE of ours (14.1) -------------------------------------------------------------------
 */

static void hold_and_resume(bool incoming)
{
	struct rig *r;
	struct leg l;
	struct call *c = up(&r, &l, incoming);
	unsigned invites = got_new(r->p, "INVITE"), acks = got_new(r->p, "ACK");
	unsigned long long id, same, version = sdp_version(our_sdp(r->p), &id);
	struct peer_got g, a;
	uint32_t cseq;

	change(c, (struct session_change){ .direction = SDP_SENDONLY });
	g = got(r->p, "INVITE", invites + 1);
	cseq = msg_cseq(g.msg);
	assert_uri(g.msg, &l);
	assert_str(sip_msg_value(g.msg, SIP_HDR_TO), l.local);
	assert_str(sip_msg_value(g.msg, SIP_HDR_FROM), l.remote);
	assert_str(sip_msg_call_id(g.msg), l.call_id);
	assert_int_equal(msg_count(g.msg, SIP_HDR_CONTACT), 1); /* a target refresh request */
	assert_has(g.msg->body, "a=sendonly");
	assert_int_equal(sdp_version(g.msg->body, &same), version + 1); /* RFC 3264 8 */
	assert_int_equal(same, id);
	/* one at a time */
	assert_int_equal(session_change(c->s, &(struct session_change){ 0 }, NULL), -FAIL_STATE);
	leg_reply(&l, &g, 200, NULL, bob_sdp(2, "recvonly"));
	a = got(r->p, "ACK", acks + 1);
	assert_int_equal(msg_cseq(a.msg), cseq);
	assert_uri(a.msg, &l);
	assert_int_equal(a.msg->body.n, 0);
	answered_with(c, 1, 200);
	assert_state(c, "confirmed/hold");
	assert_string_equal(c->direction, "sendonly");
	/* Its 2xx again: the ACK again, and no event. */
	leg_reply(&l, &g, 200, NULL, bob_sdp(2, "recvonly"));
	till(got_all(r->p, "ACK") > acks + 1);
	change(c, (struct session_change){ .direction = SDP_SENDRECV });
	g = got(r->p, "INVITE", invites + 2);
	assert_int_equal(msg_cseq(g.msg), cseq + 1);
	assert_lacks(g.msg->body, "a=sendonly");
	assert_int_equal(sdp_version(g.msg->body, NULL), version + 2);
	leg_reply(&l, &g, 100, NULL, NULL);
	leg_reply(&l, &g, 200, NULL, bob_sdp(3, "sendrecv"));
	got(r->p, "ACK", acks + 2);
	answered_with(c, 2, 200);
	assert_state(c, "confirmed/resume");
	assert_string_equal(c->direction, "sendrecv");
	assert_true(session_is_confirmed(c->s));
	call_down(c, &l);
	rig_free(r);
}

static void test_hold(void **state)
{
	(void)state;
	hold_and_resume(false);
	hold_and_resume(true);
}

/* Refused: the call stays as it was (14.1); the version of what was refused is not used again. */
static void test_reinvite_refused(void **state)
{
	static const unsigned codes[] = { 488, 403, 500, 603 };

	(void)state;
	for (int incoming = 0; incoming < 2; incoming++) {
		struct rig *r;
		struct leg l;
		struct call *c = up(&r, &l, incoming);
		unsigned invites = got_new(r->p, "INVITE"), acks = got_new(r->p, "ACK");
		for (unsigned i = 0; i < ARRAY_LEN(codes); i++) {
			struct peer_got g, a;
			change(c, (struct session_change){ .direction = SDP_SENDONLY });
			g = got(r->p, "INVITE", invites + 1 + i);
			leg_reply(&l, &g, codes[i], NULL, NULL);
			a = got(r->p, "ACK", acks + 1 + i);
			assert_true(str_eq(msg_via(a.msg).branch, msg_via(g.msg).branch));
			answered_with(c, i + 1, codes[i]);
			assert_true(session_is_confirmed(c->s));
		}
		assert_no_state(c, "confirmed/hold");
		assert_string_equal(c->direction, "sendrecv");
		call_bye(c, &l);
		rig_free(r);
	}
}

/* 12.2.1.2: 481, 408 and silence say that the dialog is gone: BYE, and it was lost. */
static void test_reinvite_dead(void **state)
{
	static const unsigned codes[] = { 481, 408, 0 };

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(codes); i++) {
		struct rig *r = rig_in(NET_UDP, QUICK_T1);
		struct leg l;
		struct call *c = call_up(r, (struct session_config){ 0 }, &l);
		struct peer_got g;
		change(c, (struct session_change){ .direction = SDP_SENDONLY });
		g = got(r->p, "INVITE", 2);
		if (codes[i])
			leg_reply(&l, &g, codes[i], NULL, NULL);
		g = got(r->p, "BYE", 1);
		leg_reply(&l, &g, 481, NULL, NULL);
		call_wait(c);
		assert_int_equal(c->heard.final, ENDPOINT_FAILED);
		assert_int_equal(c->heard.fail.code, -FAIL_LOST);
		assert_int_equal(c->answered, 1);
		call_end(c);
		rig_free(r);
	}
}

/* Without an offer: theirs comes in the 2xx, our answer goes in the ACK. */
static void test_reinvite_no_offer(void **state)
{
	struct rig *r;
	struct leg l;
	struct call *c = up(&r, &l, false);
	struct peer_got g, a;

	(void)state;
	change(c, (struct session_change){ .no_offer = true });
	g = got(r->p, "INVITE", 2);
	assert_int_equal(g.msg->body.n, 0);
	leg_reply(&l, &g, 200, NULL, bob_sdp(2, "sendonly"));
	a = got(r->p, "ACK", 2);
	assert_has(a.msg->body, "a=recvonly");
	answered_with(c, 1, 200);
	assert_true(session_is_confirmed(c->s));
	call_bye(c, &l);
	rig_free(r);
}

/* A description of the user's in place of ours; an answer that does not fit ends the call (14.1
 * says nothing: ACK, and what was in force stays, or BYE). */
static void test_reinvite_given(void **state)
{
	static const char mine[] = "v=0\r\no=me 7 9 IN IP4 192.0.2.1\r\ns=x\r\n"
				   "c=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 9000 RTP/AVP 0\r\n";
	struct rig *r;
	struct leg l;
	struct call *c = up(&r, &l, false);
	struct peer_got g;

	(void)state;
	change(c, (struct session_change){ .sdp = STR(mine) });
	g = got(r->p, "INVITE", 2);
	assert_has(g.msg->body, "m=audio 9000 ");
	assert_has(g.msg->body, "c=IN IP4 192.0.2.1");
	leg_reply(&l, &g, 200, NULL, bob_sdp(2, NULL));
	answered_with(c, 1, 200);
	call_down(c, &l);
	rig_free(r);
}

/* What is no answer to our offer: an ACK (13.2.2.4), the change has failed, and what was in force
 * stays or the call ends by our BYE. */
static void test_reinvite_bad_answer(void **state)
{
	static const char *const bad[] = { "garbage",
		"v=0\r\no=b 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
		"m=video 4000 RTP/AVP 31\r\n" };

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
		struct rig *r;
		struct leg l;
		struct call *c = up(&r, &l, false);
		struct peer_got g;
		change(c, (struct session_change){ .direction = SDP_SENDONLY });
		g = got(r->p, "INVITE", 2);
		leg_reply(&l, &g, 200, NULL, bad[i]);
		got(r->p, "ACK", 2);
		till(c->answered == 1);
		assert_true(c->answered_fail.code == -FAIL_MEDIA ||
			    c->answered_fail.code == -FAIL_SYNTAX); /* media_answered() */
		assert_no_state(c, "confirmed/hold");
		rig_idle(20);
		if (got_new(r->p, "BYE")) {
			g = got(r->p, "BYE", 1);
			leg_reply(&l, &g, 200, NULL, NULL);
			call_wait(c);
			call_end(c);
		} else {
			assert_true(session_is_confirmed(c->s));
			call_bye(c, &l);
		}
		rig_free(r);
	}
}

/* The 2xx has another Contact: that is where the BYE goes (12.2.1.2). */
static void test_target_refresh(void **state)
{
	struct rig *r;
	struct leg l;
	struct call *c = up(&r, &l, false);
	struct peer *q = peer_new();
	struct peer_got g;

	(void)state;
	change(c, (struct session_change){ .direction = SDP_SENDONLY });
	g = got(r->p, "INVITE", 2);
	snprintf(l.contact, sizeof(l.contact), "<sip:moved@%s>", q->text);
	leg_reply(&l, &g, 200, NULL, bob_sdp(2, "recvonly"));
	g = got(q, "ACK", 1);
	assert_has(g.msg->request_uri, "sip:moved@");
	answered_with(c, 1, 200);
	call_stop(c, NULL);
	g = got(q, "BYE", 1);
	assert_has(g.msg->request_uri, "sip:moved@");
	l.p = q;
	leg_reply(&l, &g, 200, NULL, NULL);
	call_closed(c);
	call_end(c);
	peer_free(q);
	rig_free(r);
}

/* --- re-INVITE of the peer (14.2) ---------------------------------------------------------------
 */

static struct sip_msg *peer_reinvites(struct leg *l, const char *sdp)
{
	leg_ask(l, "INVITE", (struct leg_says){ .body = sdp });
	return leg_response(l, "INVITE", 200);
}

static void held_by_peer(bool incoming)
{
	struct rig *r;
	struct leg l;
	struct call *c = up(&r, &l, incoming);
	unsigned long long id, same, version = sdp_version(our_sdp(r->p), &id);
	struct sip_msg *m = peer_reinvites(&l, bob_sdp(2, "sendonly"));
	unsigned n, later;

	assert_int_equal(m->status, 200);
	assert_int_equal(msg_count(m, SIP_HDR_CONTACT), 1);
	assert_has(m->body, "a=recvonly"); /* RFC 3264 6.1 */
	assert_int_equal(sdp_version(m->body, &same), version + 1);
	assert_int_equal(same, id);
	/* The 2xx is sent again until the ACK. */
	rig_idle(4 * T1);
	leg_find(&l, l.invite_branch, "INVITE", 200, &n);
	assert_true(n >= 2);
	leg_ack(&l, m, NULL);
	rig_idle(5);
	leg_find(&l, l.invite_branch, "INVITE", 200, &n);
	rig_idle(6 * T1);
	leg_find(&l, l.invite_branch, "INVITE", 200, &later);
	assert_int_equal(n, later);
	assert_state(c, "confirmed/hold");
	assert_string_equal(c->direction, "recvonly");
	/* Unchanged: the same description, the same version (RFC 3264 8). */
	m = peer_reinvites(&l, bob_sdp(2, "sendonly"));
	assert_int_equal(m->status, 200);
	assert_int_equal(sdp_version(m->body, NULL), version + 1);
	leg_ack(&l, m, NULL);
	m = peer_reinvites(&l, bob_sdp(3, "sendrecv"));
	assert_int_equal(m->status, 200);
	assert_lacks(m->body, "a=recvonly");
	leg_ack(&l, m, NULL);
	till(call_times(c, "confirmed/resume"));
	assert_string_equal(c->direction, "sendrecv");
	assert_int_equal(r->offered, incoming ? 1 : 0); /* no new call */
	call_down(c, &l);
	rig_free(r);
}

static void test_held(void **state)
{
	(void)state;
	held_by_peer(false);
	held_by_peer(true);
}

/* Without an offer: ours is in the 2xx, the answer in the ACK. */
static void test_peer_no_offer(void **state)
{
	struct rig *r;
	struct leg l;
	struct call *c = up(&r, &l, false);
	struct sip_msg *m = peer_reinvites(&l, NULL);

	(void)state;
	assert_int_equal(m->status, 200);
	assert_has(m->body, "m=audio ");
	leg_ack(&l, m, bob_sdp(2, "recvonly"));
	rig_idle(20);
	assert_true(session_is_confirmed(c->s));
	/* It is over: another one may come. */
	m = peer_reinvites(&l, bob_sdp(3, "sendrecv"));
	assert_int_equal(m->status, 200);
	leg_ack(&l, m, NULL);
	call_bye(c, &l);
	rig_free(r);
}

/* What cannot be: 488 and the call stays; an unknown Require: 420; by policy: its code. */
static void test_peer_reinvite_refused(void **state)
{
	static const char head[] = "v=0\r\no=bob 4711 2 IN IP4 127.0.0.1\r\ns=-\r\n"
				   "c=IN IP4 127.0.0.1\r\nt=0 0\r\n";
	static const char *const bad[] = { "m=audio 4000 RTP/AVP 99\r\na=rtpmap:99 odd/8000\r\n",
		"m=video 4000 RTP/AVP 31\r\n" };
	struct rig *r;
	struct leg l;
	struct call *c = up(&r, &l, true);
	struct sip_msg *m;
	char text[400];

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
		snprintf(text, sizeof(text), "%s%s", head, bad[i]);
		m = peer_reinvites(&l, text);
		assert_int_equal(m->status, 488);
		leg_ack(&l, m, NULL);
	}
	m = peer_reinvites(&l, "garbage");
	assert_true(m->status == 400 || m->status == 488);
	leg_ack(&l, m, NULL);
	leg_ask(&l, "INVITE",
		(struct leg_says){ .lines = "Require: nonsense\r\n", .body = bob_sdp(2, NULL) });
	m = leg_response(&l, "INVITE", 200);
	assert_int_equal(m->status, 420);
	leg_ack(&l, m, NULL);
	rig_idle(10);
	assert_true(session_is_confirmed(c->s));
	assert_string_equal(c->codec, "PCMU/8000");
	assert_state(c, "confirmed");
	call_bye(c, &l);
	r->in_count = 0;
	r->policy.reinvite_status = 606;
	c = call_in_up(r, &l, NULL);
	m = peer_reinvites(&l, bob_sdp(2, "sendonly"));
	assert_int_equal(m->status, 606);
	leg_ack(&l, m, NULL);
	m = leg_do(&l, "UPDATE", (struct leg_says){ .body = bob_sdp(2, "sendonly") });
	assert_int_equal(m->status, 606);
	assert_true(session_is_confirmed(c->s));
	call_bye(c, &l);
	rig_free(r);
}

/* A47: another number of streams, a declined one: no crash; 200 or 488. */
static void test_peer_odd_offers(void **state)
{
	static const char *const bodies[] = { "m=audio 0 RTP/AVP 0\r\n", "",
		"m=audio 40000 RTP/AVP 0\r\nm=image 0 udptl t38\r\n",
		"m=image 0 udptl t38\r\nm=audio 40000 RTP/AVP 0\r\n" };
	struct rig *r;
	struct leg l;
	struct call *c = up(&r, &l, false);
	char text[400];

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(bodies); i++) {
		struct sip_msg *m;
		snprintf(text, sizeof(text), SDP_HEAD "%s", i + 2, bodies[i]);
		m = peer_reinvites(&l, text);
		assert_true(m->status == 200 || m->status == 488);
		leg_ack(&l, m, NULL);
		rig_idle(5);
		assert_true(session_is_confirmed(c->s));
	}
	call_bye(c, &l);
	rig_free(r);
}

/* 14.2, 13.3.1.4: no ACK to the 2xx of a re-INVITE: BYE after 64*T1. */
static void test_peer_reinvite_no_ack(void **state)
{
	struct rig *r = rig_in(NET_UDP, QUICK_T1);
	struct leg l;
	struct call *c = call_up(r, (struct session_config){ 0 }, &l);
	double began = rig_ms();
	struct peer_got b;

	(void)state;
	assert_int_equal(peer_reinvites(&l, bob_sdp(2, NULL))->status, 200);
	b = got(r->p, "BYE", 1);
	assert_between(b.ms - began, 64 * QUICK_T1 - 15, 64 * QUICK_T1 + PEER_LATE);
	leg_reply(&l, &b, 200, NULL, NULL);
	call_wait(c);
	assert_int_equal(c->heard.final, ENDPOINT_FAILED);
	assert_int_equal(c->heard.fail.code, -FAIL_LOST);
	call_end(c);
	rig_free(r);
}

/* --- glare (14.1, 14.2) -------------------------------------------------------------------------
 */

/* The peer's INVITE while ours is out: 491; ours goes on. */
static void test_glare_peer(void **state)
{
	(void)state;
	for (int incoming = 0; incoming < 2; incoming++) {
		struct rig *r;
		struct leg l;
		struct call *c = up(&r, &l, incoming);
		unsigned invites = got_new(r->p, "INVITE");
		struct peer_got g;
		struct sip_msg *m;
		change(c, (struct session_change){ .direction = SDP_SENDONLY });
		g = got(r->p, "INVITE", invites + 1);
		m = peer_reinvites(&l, bob_sdp(2, NULL));
		assert_int_equal(m->status, 491);
		leg_ack(&l, m, NULL);
		/* the same for UPDATE with an offer (RFC 3311 5.2) */
		m = leg_do(&l, "UPDATE", (struct leg_says){ .body = bob_sdp(2, NULL) });
		assert_int_equal(m->status, 491);
		leg_reply(&l, &g, 200, NULL, bob_sdp(2, "recvonly"));
		answered_with(c, 1, 200);
		assert_state(c, "confirmed/hold");
		call_bye(c, &l);
		rig_free(r);
	}
}

/* Ours gets 491: once more after 2.1 to 4 s when the Call-ID is ours, else 0 to 2 s. */
static void test_glare_ours(void **state)
{
	(void)state;
	for (int incoming = 0; incoming < 2; incoming++) {
		struct rig *r;
		struct leg l;
		struct call *c = up(&r, &l, incoming);
		unsigned invites = got_new(r->p, "INVITE"), acks = got_new(r->p, "ACK");
		struct peer_got g, h;
		change(c, (struct session_change){ .direction = SDP_SENDONLY });
		g = got(r->p, "INVITE", invites + 1);
		leg_reply(&l, &g, 491, NULL, NULL);
		got(r->p, "ACK", acks + 1);
		rig_idle(10);
		assert_int_equal(c->answered, 0);
		/* still one at a time */
		assert_int_equal(
			session_change(c->s, &(struct session_change){ 0 }, NULL), -FAIL_STATE);
		if (!incoming) {
			clock_skip(2);
			assert_int_equal(got_new(r->p, "INVITE"), invites + 1);
			clock_skip(2);
		} else {
			clock_skip(2);
		}
		h = got(r->p, "INVITE", invites + 2);
		assert_true(msg_cseq(h.msg) > msg_cseq(g.msg));
		assert_has(h.msg->body, "a=sendonly");
		if (incoming) { /* once: a second one is an answer like any other */
			leg_reply(&l, &h, 491, NULL, NULL);
			answered_with(c, 1, 491);
			clock_skip(5);
			assert_int_equal(got_new(r->p, "INVITE"), invites + 2);
		} else {
			leg_reply(&l, &h, 200, NULL, bob_sdp(2, "recvonly"));
			answered_with(c, 1, 200);
			assert_state(c, "confirmed/hold");
		}
		call_bye(c, &l);
		rig_free(r);
	}
}

/* The peer hangs up while ours waits for its second try; and we do. */
static void test_glare_and_bye(void **state)
{
	(void)state;
	for (int ours = 0; ours < 2; ours++) {
		struct rig *r;
		struct leg l;
		struct call *c = up(&r, &l, false);
		struct peer_got g;
		change(c, (struct session_change){ .direction = SDP_SENDONLY });
		g = got(r->p, "INVITE", 2);
		leg_reply(&l, &g, 491, NULL, NULL);
		got(r->p, "ACK", 2);
		if (ours) {
			call_down(c, &l);
		} else {
			call_bye(c, &l);
		}
		clock_skip(5);
		assert_int_equal(got_new(r->p, "INVITE"), 2);
		rig_free(r);
	}
}

/* --- UPDATE (RFC 3311) ---------------------------------------------------------------------------
 */

static void test_update(void **state)
{
	struct rig *r;
	struct leg l;
	struct call *c = up(&r, &l, false);
	struct peer_got g;

	(void)state;
	change(c, (struct session_change){ .update = true, .direction = SDP_SENDONLY });
	g = got(r->p, "UPDATE", 1);
	assert_uri(g.msg, &l);
	assert_int_equal(msg_count(g.msg, SIP_HDR_CONTACT), 1);
	assert_has(g.msg->body, "a=sendonly");
	leg_reply(&l, &g, 200, NULL, bob_sdp(2, "recvonly"));
	answered_with(c, 1, 200);
	assert_string_equal(c->direction, "sendonly");
	rig_idle(20);
	assert_int_equal(got_new(r->p, "ACK"), 1); /* none for an UPDATE */
	/* refused: nothing changes */
	change(c, (struct session_change){ .update = true, .direction = SDP_SENDRECV });
	g = got(r->p, "UPDATE", 2);
	leg_reply(&l, &g, 488, NULL, NULL);
	answered_with(c, 2, 488);
	assert_true(session_is_confirmed(c->s));
	call_bye(c, &l);
	rig_free(r);
}

static void test_peer_update(void **state)
{
	(void)state;
	for (int incoming = 0; incoming < 2; incoming++) {
		struct rig *r;
		struct leg l;
		struct call *c = up(&r, &l, incoming);
		struct sip_msg *m =
			leg_do(&l, "UPDATE", (struct leg_says){ .body = bob_sdp(2, "sendonly") });
		struct peer_got g;
		assert_int_equal(m->status, 200);
		assert_has(m->body, "a=recvonly");
		assert_int_equal(msg_count(m, SIP_HDR_CONTACT), 1);
		till(strcmp(c->direction, "recvonly") == 0);
		/* no offer, another target */
		snprintf(l.contact, sizeof(l.contact), "<sip:moved@%s>", r->p->text);
		m = leg_do(&l, "UPDATE", (struct leg_says){ 0 });
		assert_int_equal(m->status, 200);
		assert_int_equal(m->body.n, 0);
		/* an offer that cannot be: 488, section 5.2 */
		m = leg_do(&l, "UPDATE",
			(struct leg_says){
				.body = "v=0\r\no=bob 4711 3 IN IP4 127.0.0.1\r\ns=-\r\n"
					"c=IN IP4 127.0.0.1\r\nt=0 0\r\n"
					"m=audio 4000 RTP/AVP 99\r\na=rtpmap:99 odd/8000\r\n" });
		assert_int_equal(m->status, 488);
		call_stop(c, NULL);
		g = got(r->p, "BYE", 1);
		assert_has(g.msg->request_uri, "sip:moved@");
		leg_reply(&l, &g, 200, NULL, NULL);
		call_closed(c);
		call_end(c);
		rig_free(r);
	}
}

/* --- BYE (15) -----------------------------------------------------------------------------------
 */

static void test_peer_bye(void **state)
{
	(void)state;
	for (int incoming = 0; incoming < 2; incoming++) {
		struct rig *r;
		struct leg l;
		struct call *c = up(&r, &l, incoming);
		unsigned n;
		leg_ask(&l, "BYE", (struct leg_says){ .lines = "Reason: Q.850;cause=16\r\n" });
		assert_int_equal(leg_response(&l, "BYE", 200)->status, 200);
		call_closed(c);
		assert_state(c, "terminated/remote-bye");
		assert_string_equal(c->reason, "Q.850;cause=16");
		/* The same BYE again gets the same answer (17.2.2), and says nothing new. */
		leg_ask(&l, "BYE", (struct leg_says){ .branch = l.branch, .cseq = l.cseq });
		rig_idle(20);
		leg_find(&l, l.branch, "BYE", 200, &n);
		assert_int_equal(n, 2);
		/* A new one: there is nothing any more. */
		assert_int_equal(leg_do(&l, "BYE", (struct leg_says){ 0 })->status, 481);
		call_end(c);
		assert_int_equal(leg_do(&l, "INFO", (struct leg_says){ 0 })->status, 481);
		rig_free(r);
	}
}

/* Our BYE: refused, challenged, unanswered: it is over all the same (15.1.1). */
static void test_our_bye(void **state)
{
	static const unsigned codes[] = { 200, 481, 408, 403, 500, 0 };

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(codes); i++) {
		struct rig *r = rig_in(NET_UDP, QUICK_T1);
		struct leg l;
		struct call *c = call_up(r, (struct session_config){ 0 }, &l);
		struct peer_got b;
		call_stop(c, NULL);
		b = got(r->p, "BYE", 1);
		if (codes[i])
			leg_reply(&l, &b, codes[i], NULL, NULL);
		call_closed(c);
		if (!codes[i])
			assert_between(c->heard.ended - b.ms, 64 * QUICK_T1 - 15,
				64 * QUICK_T1 + PEER_LATE);
		assert_state(c, "terminated/local-bye");
		call_end(c);
		rig_free(r);
	}
}

/* Both hang up at once. */
static void test_bye_crossing(void **state)
{
	struct rig *r;
	struct leg l;
	struct call *c = up(&r, &l, false);
	struct peer_got b;
	unsigned status;

	(void)state;
	call_stop(c, NULL);
	b = got(r->p, "BYE", 1);
	status = leg_do(&l, "BYE", (struct leg_says){ 0 })->status;
	assert_true(status == 200 || status == 481);
	leg_reply(&l, &b, 481, NULL, NULL);
	call_closed(c);
	assert_int_equal(
		call_times(c, "terminated/local-bye") + call_times(c, "terminated/remote-bye"), 1);
	call_end(c);
	rig_free(r);
}

/* A53: what comes after our BYE: 481. */
static void test_after_bye(void **state)
{
	(void)state;
	for (int incoming = 0; incoming < 2; incoming++) {
		struct rig *r;
		struct leg l;
		struct call *c = up(&r, &l, incoming);
		struct peer_got b;
		struct sip_msg *m;
		call_stop(c, NULL);
		b = got(r->p, "BYE", 1);
		m = peer_reinvites(&l, bob_sdp(2, "sendonly"));
		assert_int_equal(m->status, 481);
		leg_ack(&l, m, NULL);
		m = leg_do(&l, "UPDATE", (struct leg_says){ 0 });
		assert_int_equal(m->status, 481);
		leg_reply(&l, &b, 200, NULL, NULL);
		call_closed(c);
		m = peer_reinvites(&l, bob_sdp(2, "sendonly"));
		assert_int_equal(m->status, 481);
		leg_ack(&l, m, NULL);
		call_end(c);
		m = peer_reinvites(&l, bob_sdp(2, "sendonly"));
		assert_int_equal(m->status, 481);
		leg_ack(&l, m, NULL);
		rig_free(r);
	}
}

/* Whatever comes when the call is over and its session still there: 481, and no event. */
static void test_after_end(void **state)
{
	static const char *const methods[] = { "INFO", "MESSAGE", "UPDATE", "PRACK", "BYE" };

	(void)state;
	for (int ours = 0; ours < 2; ours++) {
		struct rig *r;
		struct leg l;
		struct call *c = up(&r, &l, ours);
		struct sip_msg *m;
		if (ours) {
			struct peer_got b;
			call_stop(c, NULL);
			b = got(r->p, "BYE", 1);
			leg_reply(&l, &b, 200, NULL, NULL);
		} else {
			leg_do(&l, "BYE", (struct leg_says){ 0 });
		}
		call_closed(c);
		for (unsigned i = 0; i < ARRAY_LEN(methods); i++) {
			m = leg_do(&l, methods[i],
				(struct leg_says){ .lines = "RAck: 1 1 INVITE\r\n" });
			if (m->status != 481)
				fail_msg("%u to %s", m->status, methods[i]);
		}
		m = peer_reinvites(&l, bob_sdp(2, NULL));
		assert_int_equal(m->status, 481);
		leg_ack(&l, m, NULL);
		assert_int_equal(c->asked, 0);
		assert_int_equal(
			session_send(c->s, STR("INFO"), STR_EMPTY, STR_EMPTY, NULL), -FAIL_STATE);
		assert_int_equal(
			session_change(c->s, &(struct session_change){ 0 }, NULL), -FAIL_STATE);
		call_stop(c, NULL);
		call_end(c);
		rig_free(r);
	}
}

/* Requests of ours that wait when the call ends: each is answered once, before the final event. */
static void test_bye_and_pending(void **state)
{
	(void)state;
	for (int ours = 0; ours < 2; ours++)
		for (int invite = 0; invite < 2; invite++) {
			struct rig *r;
			struct leg l;
			struct call *c = up(&r, &l, false);
			struct peer_got g;
			if (invite)
				change(c, (struct session_change){ .direction = SDP_SENDONLY });
			else
				assert_int_equal(session_send(c->s, STR("INFO"), STR("text/plain"),
							 STR("x"), NULL),
					0);
			g = got(r->p, invite ? "INVITE" : "INFO", invite ? 2 : 1);
			if (ours) {
				call_stop(c, NULL);
				rig_idle(10);
				leg_reply(&l, &g, invite ? 487 : 200, NULL, NULL);
				g = got(r->p, "BYE", 1);
				leg_reply(&l, &g, 200, NULL, NULL);
			} else {
				assert_int_equal(
					leg_do(&l, "BYE", (struct leg_says){ 0 })->status, 200);
				leg_reply(&l, &g, 487, NULL, NULL);
			}
			call_closed(c);
			assert_true(c->answered <= 1);
			call_end(c);
			rig_free(r);
		}
}

/* An answer and the BYE behind it are read at once: the answer is told, and first. */
static void test_answer_and_bye(void **state)
{
	(void)state;
	for (int incoming = 0; incoming < 2; incoming++) {
		struct rig *r;
		struct leg l;
		struct call *c = up(&r, &l, incoming);
		struct peer_got g;

		assert_int_equal(session_send(c->s, STR("INFO"), STR_EMPTY, STR_EMPTY, NULL), 0);
		g = got(r->p, "INFO", 1);
		leg_reply(&l, &g, 200, NULL, NULL);
		leg_ask(&l, "BYE", (struct leg_says){ 0 });
		call_closed(c);
		answered_with(c, 1, 200);
		assert_state(c, "terminated/remote-bye");
		call_end(c);
		rig_free(r);
	}
}

/* --- requests within (SS-34, SS-35) -------------------------------------------------------------
 */

static void sends(bool incoming)
{
	struct rig *r;
	struct leg l;
	struct call *c = up(&r, &l, incoming);
	struct peer_got g;
	uint32_t cseq;

	assert_int_equal(session_send(c->s, STR("INFO"), STR("application/dtmf-relay"),
				 STR("Signal=5\r\n"), &r->u->why),
		0);
	/* one at a time */
	assert_int_equal(
		session_send(c->s, STR("MESSAGE"), STR("text/plain"), STR("x"), NULL), -FAIL_STATE);
	g = got(r->p, "INFO", 1);
	cseq = msg_cseq(g.msg);
	assert_uri(g.msg, &l);
	assert_str(sip_msg_value(g.msg, SIP_HDR_TO), l.local);
	assert_str(sip_msg_value(g.msg, SIP_HDR_CONTENT_TYPE), "application/dtmf-relay");
	assert_str(g.msg->body, "Signal=5\r\n");
	leg_reply(&l, &g, 200, NULL, NULL);
	answered_with(c, 1, 200);
	assert_int_equal(
		session_send(c->s, STR("MESSAGE"), STR("text/plain"), STR("hello"), &r->u->why), 0);
	g = got(r->p, "MESSAGE", 1);
	assert_int_equal(msg_cseq(g.msg), cseq + 1);
	assert_int_equal(msg_count(g.msg, SIP_HDR_CONTACT), 0); /* RFC 3428 section 4 */
	assert_str(g.msg->body, "hello");
	leg_reply(&l, &g, 404, NULL, NULL);
	answered_with(c, 2, 404);
	assert_true(session_is_confirmed(c->s));
	/* a method of no meaning here */
	assert_int_equal(session_send(c->s, STR("FOO"), STR_EMPTY, STR_EMPTY, &r->u->why), 0);
	g = got(r->p, "FOO", 1);
	leg_reply(&l, &g, 501, NULL, NULL);
	answered_with(c, 3, 501);
	/* those that have one are not for this, and a body needs a type */
	assert_int_equal(
		session_send(c->s, STR("INVITE"), STR_EMPTY, STR_EMPTY, NULL), -FAIL_ARGUMENT);
	assert_int_equal(
		session_send(c->s, STR("BYE"), STR_EMPTY, STR_EMPTY, NULL), -FAIL_ARGUMENT);
	assert_int_equal(
		session_send(c->s, STR("two words"), STR_EMPTY, STR_EMPTY, NULL), -FAIL_ARGUMENT);
	assert_int_equal(
		session_send(c->s, STR("INFO"), STR_EMPTY, STR("body"), NULL), -FAIL_ARGUMENT);
	rig_idle(15);
	assert_int_equal(c->answered, 3);
	call_down(c, &l);
	rig_free(r);
}

static void test_send(void **state)
{
	(void)state;
	sends(false);
	sends(true);
}

/* 12.2.1.2: a 481 to any request ends the call; so does silence. */
static void test_send_dead(void **state)
{
	(void)state;
	for (int silent = 0; silent < 2; silent++) {
		struct rig *r = rig_in(NET_UDP, QUICK_T1);
		struct leg l;
		struct call *c = call_up(r, (struct session_config){ 0 }, &l);
		struct peer_got g;
		assert_int_equal(
			session_send(c->s, STR("INFO"), STR_EMPTY, STR_EMPTY, &r->u->why), 0);
		g = got(r->p, "INFO", 1);
		if (!silent)
			leg_reply(&l, &g, 481, NULL, NULL);
		g = got(r->p, "BYE", 1);
		leg_reply(&l, &g, 481, NULL, NULL);
		call_wait(c);
		assert_int_equal(c->heard.final, ENDPOINT_FAILED);
		assert_int_equal(c->heard.fail.code, -FAIL_LOST);
		assert_int_equal(c->answered, 1);
		call_end(c);
		rig_free(r);
	}
}

static void receives(bool incoming)
{
	struct rig *r;
	struct leg l;
	struct call *c = up(&r, &l, incoming);
	struct sip_msg *m;

	m = leg_do(&l, "INFO",
		(struct leg_says){ .type = "application/dtmf-relay", .body = "Signal=7\r\n" });
	assert_int_equal(m->status, 200); /* AR-01 */
	assert_str(sip_msg_to_tag(m), c->local_tag);
	assert_int_equal(c->asked, 1);
	assert_string_equal(c->method, "INFO");
	assert_string_equal(c->type, "application/dtmf-relay");
	assert_string_equal(c->body, "Signal=7\r\n");
	c->answer = 202;
	m = leg_do(&l, "MESSAGE", (struct leg_says){ .type = "text/plain", .body = "hi" });
	assert_int_equal(m->status, 202);
	assert_string_equal(c->method, "MESSAGE");
	assert_string_equal(c->body, "hi");
	c->answer = 415;
	m = leg_do(&l, "MESSAGE", (struct leg_says){ .type = "text/x", .body = "hi" });
	assert_int_equal(m->status, 415);
	assert_int_equal(c->asked, 3);
	c->answer = 0;
	/* OPTIONS is answered by itself (11.2), what nobody knows is refused. */
	assert_int_equal(leg_do(&l, "OPTIONS", (struct leg_says){ 0 })->status, 200);
	m = leg_do(&l, "FOO", (struct leg_says){ 0 });
	assert_true(m->status == 501 || m->status == 405);
	m = leg_do(&l, "INFO", (struct leg_says){ .lines = "Require: nonsense\r\n" });
	assert_int_equal(m->status, 420);
	assert_true(session_is_confirmed(c->s));
	call_bye(c, &l);
	rig_free(r);
}

static void test_receive(void **state)
{
	(void)state;
	receives(false);
	receives(true);
}

/* PRACK for nothing: 481 (RFC 3262 section 3). */
static void test_stray_prack(void **state)
{
	struct rig *r;
	struct leg l;
	struct call *c = up(&r, &l, true);

	(void)state;
	assert_int_equal(
		leg_do(&l, "PRACK", (struct leg_says){ .lines = "RAck: 1 101 INVITE\r\n" })->status,
		481);
	assert_true(session_is_confirmed(c->s));
	call_bye(c, &l);
	rig_free(r);
}

/* --- order, and whose it is (12.2.2, A57) --------------------------------------------------------
 */

static void test_order(void **state)
{
	(void)state;
	for (int incoming = 0; incoming < 2; incoming++) {
		struct rig *r;
		struct leg l;
		struct call *c = up(&r, &l, incoming);
		struct sip_msg *m;
		struct leg other;
		assert_int_equal(
			leg_do(&l, "INFO", (struct leg_says){ .cseq = 5000 })->status, 200);
		l.cseq = 5000;
		/* lower, and the same in another transaction: 500 */
		assert_int_equal(
			leg_do(&l, "INFO", (struct leg_says){ .cseq = 4999 })->status, 500);
		assert_int_equal(leg_do(&l, "BYE", (struct leg_says){ .cseq = 1 })->status, 500);
		leg_ask(&l, "INVITE", (struct leg_says){ .cseq = 60, .body = bob_sdp(2, NULL) });
		m = leg_response(&l, "INVITE", 200);
		assert_int_equal(m->status, 500);
		leg_ack(&l, m, NULL);
		assert_int_equal(c->asked, 1);
		/* a gap is no fault */
		l.cseq = 5100;
		assert_int_equal(leg_do(&l, "INFO", (struct leg_says){ 0 })->status, 200);
		/* another tag on either side is another dialog */
		other = l;
		snprintf(other.local, sizeof(other.local), "<sip:bob@peer.test>;tag=forged");
		assert_int_equal(leg_do(&other, "BYE", (struct leg_says){ 0 })->status, 481);
		other = l;
		snprintf(other.remote, sizeof(other.remote), "<sip:alice@example.test>;tag=forged");
		assert_int_equal(leg_do(&other, "BYE", (struct leg_says){ 0 })->status, 481);
		other = l;
		snprintf(other.call_id, sizeof(other.call_id), "forged@peer");
		assert_int_equal(leg_do(&other, "BYE", (struct leg_says){ 0 })->status, 481);
		assert_true(session_is_confirmed(c->s));
		/* an ACK with a number of its own is nothing */
		leg_ask(&l, "ACK", (struct leg_says){ .cseq = 4 });
		rig_idle(10);
		assert_true(session_is_confirmed(c->s));
		call_bye(c, &l);
		rig_free(r);
	}
}

/* Several calls at once do not mix. */
static void test_many(void **state)
{
	enum { CALLS = 8 };
	struct rig *r = rig_in(NET_UDP, 0);
	struct leg l[CALLS];
	struct call *c[CALLS];

	(void)state;
	for (unsigned i = 0; i < CALLS; i++) {
		l[i] = (struct leg){ 0 };
		c[i] = i % 2 ? call_in_up(r, &l[i], NULL)
			     : call_up(r, (struct session_config){ 0 }, &l[i]);
	}
	for (unsigned i = 0; i < CALLS; i++) {
		assert_int_equal(leg_do(&l[i], "INFO", (struct leg_says){ 0 })->status, 200);
		for (unsigned k = 0; k < CALLS; k++)
			assert_int_equal(c[k]->asked, k <= i);
	}
	for (unsigned i = 0; i < CALLS; i += 2) {
		call_bye(c[i], &l[i]);
		assert_true(session_is_confirmed(c[i + 1]->s));
	}
	for (unsigned i = 1; i < CALLS; i += 2)
		call_down(c[i], &l[i]);
	rig_free(r);
}

/* --- lifetimes -----------------------------------------------------------------------------------
 */

/* Freed at any pass while a request is out, of ours or the peer's. */
static void test_free_at_any_pass(void **state)
{
	(void)state;
	for (int what = 0; what < 6; what++)
		for (int passes = 0; passes < 10; passes++) {
			struct rig *r;
			struct leg l;
			struct call *c = up(&r, &l, what % 2);
			unsigned invites = got_new(r->p, "INVITE");
			struct peer_got g;
			if (what < 2)
				change(c, (struct session_change){ .direction = SDP_SENDONLY });
			else if (what < 4)
				session_send(c->s, STR("INFO"), STR_EMPTY, STR_EMPTY, NULL);
			else
				leg_ask(&l, "INVITE",
					(struct leg_says){ .body = bob_sdp(2, "sendonly") });
			if (what < 4) {
				g = got(r->p, what < 2 ? "INVITE" : "INFO",
					what < 2 ? invites + 1 : 1);
				leg_reply(&l, &g, 200, NULL,
					what < 2 ? bob_sdp(2, "recvonly") : NULL);
			}
			for (int i = 0; i < passes; i++)
				ev_run(net_loop(), EVRUN_NOWAIT);
			if (passes % 2)
				call_stop(c, NULL);
			call_free(c);
			rig_idle(2);
			rig_free(r);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hold),
		cmocka_unit_test(test_reinvite_refused),
		cmocka_unit_test(test_reinvite_dead),
		cmocka_unit_test(test_reinvite_no_offer),
		cmocka_unit_test(test_reinvite_given),
		cmocka_unit_test(test_reinvite_bad_answer),
		cmocka_unit_test(test_target_refresh),
		cmocka_unit_test(test_held),
		cmocka_unit_test(test_peer_no_offer),
		cmocka_unit_test(test_peer_reinvite_refused),
		cmocka_unit_test(test_peer_odd_offers),
		cmocka_unit_test(test_peer_reinvite_no_ack),
		cmocka_unit_test(test_glare_peer),
		cmocka_unit_test(test_glare_ours),
		cmocka_unit_test(test_glare_and_bye),
		cmocka_unit_test(test_update),
		cmocka_unit_test(test_peer_update),
		cmocka_unit_test(test_peer_bye),
		cmocka_unit_test(test_our_bye),
		cmocka_unit_test(test_bye_crossing),
		cmocka_unit_test(test_after_bye),
		cmocka_unit_test(test_after_end),
		cmocka_unit_test(test_bye_and_pending),
		cmocka_unit_test(test_answer_and_bye),
		cmocka_unit_test(test_send),
		cmocka_unit_test(test_send_dead),
		cmocka_unit_test(test_receive),
		cmocka_unit_test(test_stray_prack),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_free_at_any_pass),
	};

	net_loop();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
