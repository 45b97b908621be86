/* tests/unit/test_session_timer.c -- lib/endpoint/session, session timers in both roles (RFC 4028),
 * over loopback against a scripted peer. The clock is put ahead where minutes would have to pass.
 */
#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#define CALL_RIG_CLOCK
#include "call_rig.h"

#include "sip/session_expires.h"

enum { T1 = 20 };

#define ALLOW_UPDATE "Allow: INVITE, ACK, CANCEL, BYE, UPDATE\r\n"
#define ALLOW_NO_UPDATE "Allow: INVITE, ACK, CANCEL, BYE\r\n"
#define TIMER_UAC "Require: timer\r\nSession-Expires: 90;refresher=uac\r\n"
#define TIMER_UAS "Require: timer\r\nSession-Expires: 90;refresher=uas\r\n"

static struct session_config with_timer(uint32_t expires, enum session_refresher who)
{
	return (struct session_config){ .policy = { .expires = expires, .refresher = who } };
}

static void assert_expires(const struct sip_msg *m, uint32_t seconds, enum sip_refresher who)
{
	struct sip_session_expires s = { 0 };

	if (!sip_session_expires_parse(sip_msg_value(m, SIP_HDR_SESSION_EXPIRES), &s))
		fail_msg("no Session-Expires in " STR_FMT, STR_ARG(m->wire));
	assert_int_equal(s.seconds, seconds);
	assert_int_equal(s.refresher, who);
}

static void assert_timer(const struct call *c, const char *wanted)
{
	if (!strstr(c->timers, wanted))
		fail_msg("no \"%s\" in \"%s\"", wanted, c->timers);
}

/* The session ran out: our BYE, and the call was lost. */
static void assert_expired(struct rig *r, struct call *c, struct leg *l)
{
	struct peer_got b = got(r->p, "BYE", 1);

	leg_reply(l, &b, 200, NULL, NULL);
	call_wait(c);
	assert_int_equal(c->heard.final, ENDPOINT_FAILED);
	assert_int_equal(c->heard.fail.code, -FAIL_LOST);
	assert_timer(c, " expired:");
	call_end(c);
}

/* --- calls of ours ------------------------------------------------------------------------------
 */

/* 7.1: what our INVITE says. */
static void test_invite(void **state)
{
	static const struct {
		enum session_refresher who;
		enum sip_refresher said;
	} cases[] = { { SESSION_REFRESHER_ANY, SIP_REFRESHER_NONE },
		{ SESSION_REFRESHER_UAC, SIP_REFRESHER_UAC },
		{ SESSION_REFRESHER_UAS, SIP_REFRESHER_UAS } };
	struct rig *r = rig_out(NET_UDP, 0);
	struct session_config sc;
	struct call *c;
	struct peer_got g;

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
		c = call_start(r, with_timer(1800, cases[i].who));
		g = got(r->p, "INVITE", i + 1);
		assert_expires(g.msg, 1800, cases[i].said);
		assert_true(sip_msg_has_token(g.msg, SIP_HDR_SUPPORTED, "timer")); /* MUST */
		assert_false(sip_msg_has_token(g.msg, SIP_HDR_REQUIRE, "timer"));
		call_free(c);
	}
	sc = with_timer(1800, SESSION_REFRESHER_ANY);
	sc.policy.min_se = 300;
	c = call_start(r, sc);
	g = got(r->p, "INVITE", 4);
	assert_int_equal(msg_seconds(g.msg, SIP_HDR_MIN_SE), 300);
	call_free(c);
	/* No timer of ours: that it is understood is said all the same. */
	c = call_start(r, (struct session_config){ 0 });
	g = got(r->p, "INVITE", 5);
	assert_int_equal(msg_count(g.msg, SIP_HDR_SESSION_EXPIRES), 0);
	assert_true(sip_msg_has_token(g.msg, SIP_HDR_SUPPORTED, "timer"));
	call_free(c);
	/* 90 is the least (4), and the minimum is no more than what is asked (SS-36). */
	c = call_new(r);
	assert_int_equal(call_try(c, with_timer(89, SESSION_REFRESHER_ANY)), -FAIL_ARGUMENT);
	sc = with_timer(100, SESSION_REFRESHER_ANY);
	sc.policy.min_se = 101;
	assert_int_equal(call_try(c, sc), -FAIL_ARGUMENT);
	sc = with_timer(100, SESSION_REFRESHER_ANY);
	sc.policy.min_se = 89;
	assert_int_equal(call_try(c, sc), -FAIL_ARGUMENT);
	call_free(c);
	rig_free(r);
}

/* We refresh, at half the interval, by UPDATE when the peer allows it (7.2, 7.4, 10), else by
 * re-INVITE with the same description. */
static void refreshes(bool update, uint32_t ours)
{
	struct rig *r = rig_in(NET_UDP, 0);
	struct leg l = { 0 };
	struct call *c = call_up_with(r, with_timer(ours, SESSION_REFRESHER_ANY), &l,
		update ? TIMER_UAC ALLOW_UPDATE : TIMER_UAC ALLOW_NO_UPDATE, bob_sdp(1, NULL));
	const char *method = update ? "UPDATE" : "INVITE";
	unsigned n = update ? 0 : 1;
	unsigned long long version = sdp_version(got(r->p, "INVITE", 1).msg->body, NULL);

	assert_timer(c, " negotiated:uac:local:90");
	for (unsigned i = 1; i <= 3; i++) {
		struct peer_got g;
		clock_skip(44);
		assert_int_equal(got_new(r->p, method), n + i - 1);
		clock_skip(2);
		g = got(r->p, method, n + i);
		assert_uri(g.msg, &l);
		assert_expires(g.msg, 90, SIP_REFRESHER_UAC);
		assert_true(sip_msg_has_token(g.msg, SIP_HDR_SUPPORTED, "timer"));
		if (update) {
			assert_int_equal(g.msg->body.n, 0); /* RECOMMENDED */
		} else {
			assert_int_equal(sdp_version(g.msg->body, NULL), version); /* MUST */
			assert_true(str_eq(g.msg->body, got(r->p, "INVITE", 1).msg->body));
		}
		leg_reply(&l, &g, 200, TIMER_UAC, update ? NULL : bob_sdp(1, NULL));
		till(c->heard.count[ENDPOINT_SESSION_TIMER] == 1 + i);
		assert_timer(c, update ? " refreshed:UPDATE:uac:local:90"
				       : " refreshed:INVITE:uac:local:90");
		if (!update)
			got(r->p, "ACK", 1 + i);
		assert_true(session_is_confirmed(c->s));
	}
	assert_int_equal(c->answered, 0); /* nobody asked for it */
	assert_no_state(c, "confirmed/hold");
	call_down(c, &l);
	/* and it is over with the call */
	clock_skip(200);
	assert_int_equal(got_new(r->p, method), n + 3);
	rig_free(r);
}

static void test_refresh(void **state)
{
	(void)state;
	refreshes(true, 90);
	refreshes(false, 90);
	refreshes(true, 0); /* the peer's timer is honoured though we asked for none (7.2) */
}

/* Minutes pass. If we still refresh, which is our own affair (7.2), it is answered as by a peer
 * that knows no timers; no BYE may come. */
static void goes_on(struct rig *r, struct leg *l, unsigned before)
{
	for (unsigned i = 0; i < 16; i++) {
		clock_skip(20);
		assert_int_equal(got_new(r->p, "BYE"), 0);
		for (; before < got_new(r->p, "UPDATE"); before++) {
			struct peer_got g = got(r->p, "UPDATE", before + 1);
			leg_reply(l, &g, 200, NULL, NULL);
			rig_idle(5);
		}
	}
}

/* The peer's answer to a refresh has no Session-Expires: the timer is off (7.2). */
static void test_turned_off(void **state)
{
	struct rig *r = rig_in(NET_UDP, 0);
	struct leg l = { 0 };
	struct call *c = call_up_with(r, with_timer(90, SESSION_REFRESHER_UAC), &l,
		TIMER_UAC ALLOW_UPDATE, bob_sdp(1, NULL));
	struct peer_got g;

	(void)state;
	clock_skip(46);
	g = got(r->p, "UPDATE", 1);
	leg_reply(&l, &g, 200, NULL, NULL);
	rig_idle(10);
	goes_on(r, &l, 1);
	assert_true(session_is_confirmed(c->s));
	call_down(c, &l);
	rig_free(r);
}

/* A peer that knows no timers: the call goes on, with refreshes of ours or without (7.2). */
static void test_peer_without(void **state)
{
	struct rig *r = rig_in(NET_UDP, 0);
	struct leg l = { 0 };
	struct call *c = call_up_with(
		r, with_timer(90, SESSION_REFRESHER_ANY), &l, ALLOW_UPDATE, bob_sdp(1, NULL));

	(void)state;
	goes_on(r, &l, 0);
	assert_true(session_is_confirmed(c->s));
	call_down(c, &l);
	rig_free(r);
}

/* The peer refreshes, or does not: BYE min(32 s, a third) before the end (10). */
static void peer_refreshes(const char *method)
{
	struct rig *r = rig_in(NET_UDP, 0);
	struct leg l = { 0 };
	struct call *c = call_up_with(r, with_timer(90, SESSION_REFRESHER_UAS), &l,
		TIMER_UAS ALLOW_UPDATE, bob_sdp(1, NULL));
	struct sip_msg *m;

	assert_timer(c, " negotiated:uas:remote:90");
	for (unsigned i = 1; i <= 2; i++) {
		clock_skip(55);
		assert_int_equal(got_new(r->p, "BYE") + got_new(r->p, "UPDATE"), 0);
		/* It is the UAC of this transaction. */
		leg_ask(&l, method,
			(struct leg_says){ .lines = "Supported: timer\r\n"
						    "Session-Expires: 90;refresher=uac\r\n",
				.body = strcmp(method, "INVITE") == 0 ? bob_sdp(1, NULL) : NULL });
		m = leg_response(&l, method, 200);
		assert_int_equal(m->status, 200);
		assert_expires(m, 90, SIP_REFRESHER_UAC);
		assert_true(sip_msg_has_token(m, SIP_HDR_REQUIRE, "timer")); /* MUST */
		if (strcmp(method, "INVITE") == 0)
			leg_ack(&l, m, NULL);
		till(c->heard.count[ENDPOINT_SESSION_TIMER] == 1 + i);
		assert_timer(c, "refreshed:");
	}
	clock_skip(59);
	assert_int_equal(got_new(r->p, "BYE"), 0);
	clock_skip(3);
	assert_expired(r, c, &l);
	rig_free(r);
}

static void test_peer_refreshes(void **state)
{
	(void)state;
	peer_refreshes("UPDATE");
	peer_refreshes("INVITE");
}

/* Any re-INVITE of the peer refreshes (7.2, 9): without the header there is no timer any more. */
static void test_peer_turns_off(void **state)
{
	struct rig *r = rig_in(NET_UDP, 0);
	struct leg l = { 0 };
	struct call *c = call_up_with(
		r, with_timer(0, SESSION_REFRESHER_ANY), &l, TIMER_UAS, bob_sdp(1, NULL));
	struct sip_msg *m;

	(void)state;
	leg_ask(&l, "INVITE", (struct leg_says){ .body = bob_sdp(2, NULL) });
	m = leg_response(&l, "INVITE", 200);
	assert_int_equal(m->status, 200);
	leg_ack(&l, m, NULL);
	rig_idle(10);
	assert_int_equal(msg_count(m, SIP_HDR_SESSION_EXPIRES), 0);
	clock_skip(200);
	assert_true(session_is_confirmed(c->s));
	call_down(c, &l);
	rig_free(r);
}

/* The refresh fails: 481 and silence end the call with a BYE (10); 500 leaves time to try again. */
static void test_refresh_fails(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct rig *r = rig_in(NET_UDP, 0);
		struct leg l = { 0 };
		struct call *c = call_up_with(r, with_timer(90, SESSION_REFRESHER_UAC), &l,
			TIMER_UAC ALLOW_UPDATE, bob_sdp(1, NULL));
		struct peer_got g;
		clock_skip(46);
		g = got(r->p, "UPDATE", 1);
		if (i == 0)
			leg_reply(&l, &g, 481, NULL, NULL);
		g = got(r->p, "BYE", 1);
		leg_reply(&l, &g, 200, NULL, NULL);
		call_wait(c);
		assert_int_equal(c->heard.final, ENDPOINT_FAILED);
		assert_int_equal(c->heard.fail.code, -FAIL_LOST);
		assert_timer(c, " failed:UPDATE");
		call_end(c);
		rig_free(r);
	}
}

/* A refused refresh: the session ends when it runs out at the latest, not by the refusal (10). */
static void test_refresh_refused(void **state)
{
	struct rig *r = rig_in(NET_UDP, 0);
	struct leg l = { 0 };
	struct call *c = call_up_with(r, with_timer(90, SESSION_REFRESHER_UAC), &l,
		TIMER_UAC ALLOW_UPDATE, bob_sdp(1, NULL));
	struct peer_got g;

	(void)state;
	clock_skip(46);
	g = got(r->p, "UPDATE", 1);
	leg_reply(&l, &g, 500, NULL, NULL);
	rig_idle(30);
	assert_true(session_is_confirmed(c->s));
	for (unsigned i = 0; i < 10 && !got_new(r->p, "BYE"); i++) {
		unsigned n = got_new(r->p, "UPDATE");
		clock_skip(10);
		for (unsigned k = n; k < got_new(r->p, "UPDATE"); k++) {
			g = got(r->p, "UPDATE", k + 1);
			leg_reply(&l, &g, 500, NULL, NULL);
		}
	}
	g = got(r->p, "BYE", 1);
	leg_reply(&l, &g, 200, NULL, NULL);
	call_wait(c);
	assert_int_equal(c->heard.fail.code, -FAIL_LOST);
	call_end(c);
	rig_free(r);
}

/* --- 422 (7.3, A76) -----------------------------------------------------------------------------
 */

static void test_too_small(void **state)
{
	struct rig *r = rig_out(NET_UDP, 0);
	struct call *c = call_start(r, with_timer(100, SESSION_REFRESHER_UAC));
	struct peer_got g = got(r->p, "INVITE", 1), h;
	struct leg l = leg_of(r, &g, "bob");

	(void)state;
	leg_reply(&l, &g, 422, "Min-SE: 200\r\n", NULL);
	h = got(r->p, "INVITE", 2);
	got(r->p, "ACK", 1);
	assert_expires(h.msg, 200, SIP_REFRESHER_UAC);
	assert_int_equal(msg_seconds(h.msg, SIP_HDR_MIN_SE), 200); /* MUST */
	assert_int_equal(msg_cseq(h.msg), msg_cseq(g.msg) + 1);
	assert_true(str_eq(sip_msg_call_id(h.msg), sip_msg_call_id(g.msg)));
	assert_true(str_eq(sip_msg_value(h.msg, SIP_HDR_TO), sip_msg_value(g.msg, SIP_HDR_TO)));
	/* another one on the way asks for more */
	leg_reply(&l, &h, 422, "Min-SE: 300\r\n", NULL);
	g = got(r->p, "INVITE", 3);
	assert_expires(g.msg, 300, SIP_REFRESHER_UAC);
	assert_int_equal(msg_seconds(g.msg, SIP_HDR_MIN_SE), 300);
	leg_reply(&l, &g, 200, "Require: timer\r\nSession-Expires: 300;refresher=uac\r\n",
		bob_sdp(1, NULL));
	got(r->p, "ACK", 3);
	till(session_is_confirmed(c->s));
	assert_timer(c, " negotiated:uac:local:300");
	call_down(c, &l);
	rig_free(r);
}

/* No end of it, nothing to follow, nonsense: bounded, and a failure like any other. */
static void test_too_small_for_ever(void **state)
{
	static const char *const bad[] = { NULL, "", "Min-SE: 10\r\n", "Min-SE: 100\r\n",
		"Min-SE: nonsense\r\n", "Min-SE: 4294967295\r\n" };

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
		struct rig *r = rig_out(NET_UDP, 0);
		struct call *c = call_start(r, with_timer(100, SESSION_REFRESHER_ANY));
		unsigned n = 0;
		while (!c->heard.finals && n < 50) {
			struct peer_got g = got(r->p, "INVITE", ++n);
			struct leg l = leg_of(r, &g, "bob");
			char min[40];
			snprintf(min, sizeof(min), "Min-SE: %u\r\n", 100 + 10 * n);
			leg_reply(&l, &g, 422, bad[i] ? bad[i] : min, NULL);
			for (unsigned k = 0;
				k < 500 && !c->heard.finals && got_new(r->p, "INVITE") == n; k++)
				rig_idle(1);
		}
		call_failed(c, FAIL_STATUS, 422);
		assert_true(n < 20);
		assert_int_equal(got_new(r->p, "ACK"), n);
		call_end(c);
		rig_free(r);
	}
}

/* 422 to a refresh: again with what it asks for. */
static void test_refresh_too_small(void **state)
{
	struct rig *r = rig_in(NET_UDP, 0);
	struct leg l = { 0 };
	struct call *c = call_up_with(r, with_timer(90, SESSION_REFRESHER_UAC), &l,
		TIMER_UAC ALLOW_UPDATE, bob_sdp(1, NULL));
	struct peer_got g;

	(void)state;
	clock_skip(46);
	g = got(r->p, "UPDATE", 1);
	leg_reply(&l, &g, 422, "Min-SE: 180\r\n", NULL);
	g = got(r->p, "UPDATE", 2);
	assert_expires(g.msg, 180, SIP_REFRESHER_UAC);
	assert_int_equal(msg_seconds(g.msg, SIP_HDR_MIN_SE), 180);
	leg_reply(&l, &g, 200, "Require: timer\r\nSession-Expires: 180;refresher=uac\r\n", NULL);
	till(strstr(c->timers, " refreshed:UPDATE:uac:local:180"));
	call_down(c, &l);
	rig_free(r);
}

/* A timer below 90 in a 2xx, which nobody may write: no storm of refreshes. */
static void test_tiny(void **state)
{
	static const char *const lines[] = {
		"Require: timer\r\nSession-Expires: 1;refresher=uac\r\n",
		"Require: timer\r\nSession-Expires: 0;refresher=uac\r\n",
		"Require: timer\r\nSession-Expires: 0;refresher=uas\r\n",
		"Require: timer\r\nSession-Expires: nonsense\r\n", "Require: timer\r\n",
		"Session-Expires: 4294967295;refresher=uac\r\n",
		"Session-Expires: 99999999999999999999;refresher=uas\r\n",
		"Session-Expires: 90;refresher=nobody\r\n"
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(lines); i++) {
		struct rig *r = rig_in(NET_UDP, 0);
		struct leg l = { 0 };
		struct call *c = call_up_with(
			r, with_timer(90, SESSION_REFRESHER_UAC), &l, lines[i], bob_sdp(1, NULL));
		assert_true(rig_idle(100) < 50);
		assert_true(got_new(r->p, "INVITE") + got_new(r->p, "UPDATE") <= 2);
		call_free(c);
		rig_free(r);
	}
}

/* --- calls of the peer (9) -----------------------------------------------------------------------
 */

static struct sip_msg *taken(struct rig *r, struct leg *l, const char *lines, struct call **c)
{
	struct sip_msg *m;

	r->in_count = 0;
	*c = call_in_up(r, l, lines);
	m = leg_find(l, l->invite_branch, "INVITE", 200, NULL);
	return m;
}

/* Table 2, with what is asked for copied into the 2xx. */
static void test_table_2(void **state)
{
	static const struct {
		const char *lines;
		uint32_t policy, seconds; /* of 0: no timer */
		enum sip_refresher who, or_who;
		int require; /* 1: MUST; 0: must not; 2: as it likes */
	} cases[] = {
		{ "Session-Expires: 120\r\n", 0, 120, SIP_REFRESHER_UAS, SIP_REFRESHER_UAS, 0 },
		{ "Supported: timer\r\nSession-Expires: 120\r\n", 0, 120, SIP_REFRESHER_UAS,
			SIP_REFRESHER_UAC, 2 },
		{ "Supported: timer\r\nSession-Expires: 120;refresher=uac\r\n", 0, 120,
			SIP_REFRESHER_UAC, SIP_REFRESHER_UAC, 1 },
		{ "Supported: timer\r\nSession-Expires: 120;refresher=uas\r\n", 0, 120,
			SIP_REFRESHER_UAS, SIP_REFRESHER_UAS, 2 },
		{ "Supported: timer\r\nx: 120;refresher=uac\r\n", 0, 120, SIP_REFRESHER_UAC,
			SIP_REFRESHER_UAC, 1 }, /* the compact form */
		{ "Supported: timer\r\nSession-Expires: 120;refresher=uac\r\nMin-SE: 120\r\n", 100,
			120, SIP_REFRESHER_UAC, SIP_REFRESHER_UAC, 1 }, /* not below Min-SE */
		{ "Supported: timer\r\n", 150, 150, SIP_REFRESHER_UAS, SIP_REFRESHER_UAC, 2 },
		{ "Supported: timer\r\nMin-SE: 200\r\n", 150, 200, SIP_REFRESHER_UAS,
			SIP_REFRESHER_UAC, 2 }, /* not below Min-SE, or none */
		{ "Supported: timer\r\n", 0, 0, SIP_REFRESHER_NONE, SIP_REFRESHER_NONE, 0 },
		{ NULL, 0, 0, SIP_REFRESHER_NONE, SIP_REFRESHER_NONE, 0 },
	};
	struct rig *r = rig_in(NET_UDP, 0);

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
		struct leg l;
		struct call *c;
		struct sip_msg *m;
		struct sip_session_expires s = { 0 };
		bool required;
		r->policy.expires = cases[i].policy;
		m = taken(r, &l, cases[i].lines, &c);
		required = sip_msg_has_token(m, SIP_HDR_REQUIRE, "timer");
		sip_session_expires_parse(sip_msg_value(m, SIP_HDR_SESSION_EXPIRES), &s);
		if (s.seconds != cases[i].seconds ||
			(s.refresher != cases[i].who && s.refresher != cases[i].or_who) ||
			(s.seconds && s.refresher == SIP_REFRESHER_UAC && !required) ||
			(cases[i].require < 2 && required != (cases[i].require == 1)))
			fail_msg("row %u: " STR_FMT, i, STR_ARG(m->wire));
		call_bye(c, &l);
	}
	rig_free(r);
}

/* The UAC refreshes, and then it does not. */
static void test_in_peer_refreshes(void **state)
{
	struct rig *r = rig_in(NET_UDP, 0);
	struct leg l;
	struct call *c;
	struct sip_msg *m;

	(void)state;
	taken(r, &l, "Supported: timer\r\nSession-Expires: 90;refresher=uac\r\n", &c);
	assert_timer(c, " negotiated:uac:remote:90");
	clock_skip(50);
	m = leg_do(&l, "UPDATE",
		(struct leg_says){
			.lines = "Supported: timer\r\nSession-Expires: 90;refresher=uac\r\n" });
	assert_int_equal(m->status, 200);
	assert_expires(m, 90, SIP_REFRESHER_UAC);
	clock_skip(59);
	assert_int_equal(got_new(r->p, "BYE"), 0);
	assert_true(session_is_confirmed(c->s));
	clock_skip(3);
	assert_expired(r, c, &l);
	rig_free(r);
}

/* We refresh: in our transaction it is we who are the uac (7.4). */
static void test_in_we_refresh(void **state)
{
	static const char lines[] =
		"Supported: timer\r\n" ALLOW_UPDATE "Session-Expires: 90;refresher=uas\r\n";
	struct rig *r = rig_in(NET_UDP, 0);
	struct leg l;
	struct call *c;
	struct peer_got g;

	(void)state;
	taken(r, &l, lines, &c);
	assert_timer(c, " negotiated:uas:local:90");
	for (unsigned i = 1; i <= 2; i++) {
		clock_skip(46);
		g = got(r->p, "UPDATE", i);
		assert_expires(g.msg, 90, SIP_REFRESHER_UAC);
		assert_true(sip_msg_has_token(g.msg, SIP_HDR_SUPPORTED, "timer"));
		leg_reply(&l, &g, 200, TIMER_UAC, NULL);
		till(c->heard.count[ENDPOINT_SESSION_TIMER] == 1 + i);
	}
	assert_true(session_is_confirmed(c->s));
	call_bye(c, &l);
	rig_free(r);
}

/* A re-INVITE of the peer whose interval is too small: 422, and the call goes on. */
static void test_in_too_small(void **state)
{
	struct rig *r = rig_in(NET_UDP, 0);
	struct leg l;
	struct call *c;
	struct sip_msg *m;

	(void)state;
	taken(r, &l, "Supported: timer\r\n", &c);
	m = leg_do(&l, "UPDATE",
		(struct leg_says){ .lines = "Supported: timer\r\nSession-Expires: 20\r\n" });
	assert_int_equal(m->status, 422);
	assert_int_equal(msg_seconds(m, SIP_HDR_MIN_SE), 90);
	leg_ask(&l, "INVITE",
		(struct leg_says){ .lines = "Supported: timer\r\nSession-Expires: 20\r\n",
			.body = bob_sdp(2, NULL) });
	m = leg_response(&l, "INVITE", 200);
	assert_int_equal(m->status, 422);
	leg_ack(&l, m, NULL);
	rig_idle(5);
	assert_true(session_is_confirmed(c->s));
	call_bye(c, &l);
	rig_free(r);
}

/* A refresh of ours meets a re-INVITE of the peer: both get through, nothing is lost. */
static void test_refresh_glare(void **state)
{
	struct rig *r = rig_in(NET_UDP, 0);
	struct leg l = { 0 };
	struct call *c = call_up_with(r, with_timer(90, SESSION_REFRESHER_UAC), &l,
		TIMER_UAC ALLOW_NO_UPDATE, bob_sdp(1, NULL));
	struct peer_got g;

	(void)state;
	clock_skip(46);
	g = got(r->p, "INVITE", 2);
	leg_reply(&l, &g, 491, NULL, NULL);
	got(r->p, "ACK", 2);
	rig_idle(10);
	clock_skip(4);
	g = got(r->p, "INVITE", 3);
	leg_reply(&l, &g, 200, TIMER_UAC, bob_sdp(1, NULL));
	till(strstr(c->timers, " refreshed:INVITE:uac:local:90"));
	assert_true(session_is_confirmed(c->s));
	call_down(c, &l);
	rig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_invite),
		cmocka_unit_test(test_refresh),
		cmocka_unit_test(test_turned_off),
		cmocka_unit_test(test_peer_without),
		cmocka_unit_test(test_peer_refreshes),
		cmocka_unit_test(test_peer_turns_off),
		cmocka_unit_test(test_refresh_fails),
		cmocka_unit_test(test_refresh_refused),
		cmocka_unit_test(test_too_small),
		cmocka_unit_test(test_too_small_for_ever),
		cmocka_unit_test(test_refresh_too_small),
		cmocka_unit_test(test_tiny),
		cmocka_unit_test(test_table_2),
		cmocka_unit_test(test_in_peer_refreshes),
		cmocka_unit_test(test_in_we_refresh),
		cmocka_unit_test(test_in_too_small),
		cmocka_unit_test(test_refresh_glare),
	};

	net_loop();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
