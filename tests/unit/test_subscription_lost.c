/* tests/unit/test_subscription_lost.c -- lib/endpoint/subscription: what the notifier ends,
 * refreshes that fail, connections and registrations that are lost, and how it comes back (RFC
 * 6665 4.1.2.2 and 4.1.3, rows SB-11, SB-24, RG-22, ruling 5). Over loopback against a scripted
 * peer. */
#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "subscription_rig.h"

static const char active[] = "active;expires=3600", over[] = "terminated;reason=noresource";

/* The next SUBSCRIBE, the n-th, is one of its own: it is accepted, and is up again. */
static void up_again(struct sub *s, struct leg *l, unsigned n)
{
	struct peer_got g = sub_asked(s->rig, n);
	unsigned told = s->told;

	assert_anew(&g, l);
	assert_int_equal(msg_seconds(g.msg, SIP_HDR_EXPIRES), 3600);
	*l = leg_of(s->rig, &g, "again");
	sub_accept(l, &g, 200, 3600, NULL);
	assert_int_equal(notify(l, active, "again"), 200);
	till(s->told > told);
	assert_has(str_of(strrchr(s->states, ' ')), " active/subscribed");
	assert_int_equal(subscription_state(s->s), SUBSCRIPTION_SUBSCRIBED);
}

/* --- the notifier ends it ------------------------------------------------------------------------
 */

/* RFC 6665 4.1.3: which ends are for good. */
static void test_ended(void **state)
{
	static const char *const says[] = { "rejected", "noresource", "invariant",
		"invariant;retry-after=1", "rejected;retry-after=1", "NoResource" };

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(says); i++) {
		struct rig *r = rig_out(NET_UDP, 0);
		char text[80];
		struct leg l;
		struct sub *s = sub_up(r, (struct subscription_config){ 0 }, &l);

		snprintf(text, sizeof(text), "terminated;reason=%s", says[i]);
		assert_int_equal(notify(&l, text, "last"), 200);
		sub_wait(s);
		assert_string_equal(s->body, "last");
		assert_string_equal(s->heard.order, "bnnbf");
		assert_has(str_of(s->states), "terminated/ended:");
		assert_int_equal(s->expires, 0);
		sub_end(s, ENDPOINT_FAILED, FAIL_ENDED, 200);
		clock_skip(2);
		assert_int_equal(got_new(r->p, "SUBSCRIBE"), 1);
		rig_free(r);
	}
}

/* ... and which are not. The waits are at least those asked for, where they have a meaning. */
static void test_ended_again(void **state)
{
	static const struct {
		const char *says;
		double least, most; /* ms of the RETRY */
	} rows[] = {
		{ "terminated;reason=deactivated", 0, 0 },
		{ "terminated;reason=deactivated;retry-after=100", 0, 0 },
		{ "terminated;reason=timeout", 0, 0 },
		{ "terminated;reason=timeout;retry-after=100", 0, 0 },
		{ "terminated;reason=probation", 800, 1200 },
		{ "terminated;reason=probation;retry-after=7", 7000, 9000 },
		{ "terminated;reason=giveup", 800, 1200 },
		{ "terminated;reason=giveup;retry-after=9", 9000, 12000 },
		{ "terminated", 800, 1200 },
		{ "terminated;retry-after=5", 5000, 7000 },
		{ "terminated;reason=x-new", 800, 1200 },
		{ "terminated;reason=x-new;retry-after=5", 5000, 7000 },
		{ "terminated;reason=Deactivated;expires=9", 0, 0 },
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		struct rig *r = rig_out(NET_UDP, 0);
		struct leg l, before;
		struct sub *s = sub_up(r, (struct subscription_config){ 0 }, &l);

		before = l;
		assert_int_equal(notify(&l, rows[i].says, "last"), 200);
		till(s->heard.count[ENDPOINT_RETRY] == 1);
		assert_string_equal(s->heard.order, "bnnbY");
		assert_has(str_of(s->states), "active/subscribed terminated/ended");
		assert_between(s->heard.waits[0], rows[i].least, rows[i].most);
		assert_string_equal(s->body, "last");
		if (rows[i].most > 0) {
			assert_int_equal(subscription_state(s->s), SUBSCRIPTION_WAITING);
			assert_int_equal(subscription_refresh(s->s), -FAIL_STATE); /* SB-12 */
			clock_skip((unsigned)(rows[i].least / 1000 + 0.5) > 1
					   ? (unsigned)(rows[i].least / 1000) - 1
					   : 0);
			assert_int_equal(got_new(r->p, "SUBSCRIBE"), 1);
			clock_skip(3);
		}
		up_again(s, &l, 2);
		assert_int_equal(s->id_count, 2);
		assert_int_equal(notify(&before, active, "old"), 481);
		sub_down(s, &l, 3);
		rig_free(r);
	}
}

/* A notifier that always ends it "at once" gets no storm. */
static void test_no_storm(void **state)
{
	struct rig *r = rig_out(NET_UDP, 0);
	struct leg l;
	struct sub *s = sub_up(r, (struct subscription_config){ 0 }, &l);
	double last = 0;

	(void)state;
	for (unsigned i = 0; i < 7; i++) {
		assert_int_equal(notify(&l, "terminated;reason=deactivated", NULL), 200);
		till(s->heard.count[ENDPOINT_RETRY] == i + 1);
		if (i > 0 && last < 20000)
			assert_true(s->heard.waits[i] > last);
		assert_true(s->heard.waits[i] <= 36000);
		last = s->heard.waits[i];
		if (i > 0)
			clock_skip((unsigned)(last / 1000) + 1);
		up_again(s, &l, i + 2);
	}
	assert_true(last > 20000);
	sub_free(s);
	rig_free(r);
}

/* A Retry-After beyond all patience is an end. */
static void test_ended_too_long(void **state)
{
	struct rig *r = rig_out(NET_UDP, 0);
	struct leg l;
	struct sub *s = sub_up(r, (struct subscription_config){ .recover_ms = 10000 }, &l);

	(void)state;
	assert_int_equal(notify(&l, "terminated;reason=probation;retry-after=11", NULL), 200);
	sub_end(s, ENDPOINT_FAILED, FAIL_ENDED, 200);
	rig_free(r);
}

/* SB-09 */
static void test_give_up(void **state)
{
	static const char *const says[] = { "terminated;reason=deactivated", "terminated",
		"terminated;reason=probation;retry-after=1" };

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(says); i++) {
		struct rig *r = rig_out(NET_UDP, 0);
		struct leg l;
		struct sub *s = sub_up(r, (struct subscription_config){ .give_up = true }, &l);

		assert_int_equal(notify(&l, says[i], NULL), 200);
		sub_end(s, ENDPOINT_FAILED, FAIL_ENDED, 200);
		rig_free(r);
	}
	for (int i = 0; i < 2; i++) { /* and a refresh that fails once */
		struct rig *r = rig_out(NET_UDP, QUICK_T1);
		struct leg l;
		struct sub *s = sub_up(r, (struct subscription_config){ .give_up = true }, &l);
		struct peer_got g;

		assert_int_equal(subscription_refresh(s->s), 0);
		g = sub_asked(r, 2);
		leg_reply(&l, &g, i ? 500 : 481, NULL, NULL);
		sub_wait(s);
		assert_int_equal(s->heard.final, ENDPOINT_FAILED);
		assert_int_equal(s->heard.fail.code, i ? -FAIL_LOST : -FAIL_ENDED);
		assert_int_equal(s->heard.count[ENDPOINT_RETRY], 0);
		sub_free(s);
		rig_free(r);
	}
}

/* The SUBSCRIBE that is to bring it back is refused, or goes unanswered. */
static void test_again_refused(void **state)
{
	static const unsigned codes[] = { 403, 404, 489, 603 };

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(codes); i++) {
		struct rig *r = rig_out(NET_UDP, 0);
		struct leg l;
		struct sub *s = sub_up(r, (struct subscription_config){ 0 }, &l);
		struct peer_got g;

		assert_int_equal(notify(&l, "terminated;reason=deactivated", NULL), 200);
		g = sub_asked(r, 2);
		leg_reply(&l, &g, codes[i], NULL, NULL);
		sub_end(s, ENDPOINT_FAILED, FAIL_STATUS, codes[i]);
		rig_free(r);
	}
}

static void test_again_fails(void **state)
{
	static const unsigned codes[] = { 500, 0, 200 }; /* 200: but no NOTIFY */

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(codes); i++) {
		struct rig *r = rig_out(NET_UDP, QUICK_T1);
		struct leg l;
		struct sub *s = sub_up(r, (struct subscription_config){ 0 }, &l);
		struct peer_got g;

		assert_int_equal(notify(&l, "terminated;reason=deactivated", NULL), 200);
		g = sub_asked(r, 2);
		l = leg_of(r, &g, "second");
		if (codes[i])
			sub_accept(&l, &g, codes[i], 3600, NULL);
		till(s->heard.count[ENDPOINT_RETRY] == 2);
		assert_between(s->heard.waits[1], 0, 0); /* ruling 5: at once, then 1, 2, 4 ... */
		g = sub_asked(r, 3);
		assert_anew(&g, &l);
		l = leg_of(r, &g, "third");
		leg_reply(&l, &g, 503, NULL, NULL);
		till(s->heard.count[ENDPOINT_RETRY] == 3);
		assert_between(s->heard.waits[2], 800, 1200);
		assert_int_equal(subscription_state(s->s), SUBSCRIPTION_WAITING);
		clock_skip(2);
		up_again(s, &l, 4);
		/* that is over: the next time begins at once */
		clock_skip(100);
		assert_int_equal(notify(&l, "terminated;reason=deactivated", NULL), 200);
		g = sub_asked(r, 5);
		leg_reply(&l, &g, 503, NULL, NULL);
		till(s->heard.count[ENDPOINT_RETRY] == 5);
		assert_between(s->heard.waits[4], 0, 0);
		sub_free(s);
		rig_free(r);
	}
}

/* SB-14, ucma.md 2.5: WaitingForRetry, Terminate: Terminated; nothing is sent. */
static void test_stop_waiting(void **state)
{
	(void)state;
	for (int how = 0; how < 3; how++) {
		struct rig *r = rig_out(NET_UDP, QUICK_T1);
		struct leg l;
		struct sub *s = sub_up(r, (struct subscription_config){ 0 }, &l);

		assert_int_equal(
			notify(&l, "terminated;reason=probation;retry-after=20", NULL), 200);
		till(s->heard.count[ENDPOINT_RETRY] == 1);
		if (how == 1) { /* freed */
			sub_free(s);
		} else {
			if (how == 2)
				endpoint_stop(r->u->ep);
			sub_stop(s);
			sub_end(s, ENDPOINT_CLOSED, 0, 200);
		}
		clock_skip(30);
		assert_int_equal(got_new(r->p, "SUBSCRIBE"), 1);
		if (how == 2)
			rig_wait(r->u->heard.count[ENDPOINT_CLOSED], 1);
		rig_free(r);
	}
}

/* Stopped while the SUBSCRIBE anew is on its way. */
static void test_stop_again(void **state)
{
	struct rig *r = rig_out(NET_UDP, QUICK_T1);
	struct leg l;
	struct sub *s = sub_up(r, (struct subscription_config){ 0 }, &l);
	struct peer_got g;

	(void)state;
	assert_int_equal(notify(&l, "terminated;reason=deactivated", NULL), 200);
	g = sub_asked(r, 2);
	l = leg_of(r, &g, "again");
	sub_stop(s);
	sub_wait(s);
	assert_int_equal(s->heard.final, ENDPOINT_CLOSED);
	assert_int_equal(notify(&l, active, "late"), 481);
	sub_free(s);
	rig_free(r);
}

/* R3 */
static void test_free_in_handler(void **state)
{
	(void)state;
	for (unsigned at = 1; at <= 8; at++) {
		struct rig *r = rig_out(NET_UDP, QUICK_T1);
		struct sub *s = sub_new(r);
		struct peer_got g;
		struct leg l;

		s->free_at = at;
		assert_int_equal(sub_try(s, (struct subscription_config){ 0 }), 0);
		g = sub_asked(r, 1);
		l = leg_of(r, &g, "bob");
		sub_accept(&l, &g, 200, 3600, NULL);
		notify(&l, active, "one");
		if (s->s)
			subscription_refresh(s->s);
		rig_idle(10);
		if (got_new(r->p, "SUBSCRIBE") == 2) {
			g = sub_asked(r, 2);
			leg_reply(&l, &g, 500, NULL, NULL); /* RETRY */
			rig_idle(10);
		}
		if (got_new(r->p, "SUBSCRIBE") == 3) {
			g = sub_asked(r, 3);
			leg_reply(&l, &g, 481, NULL, NULL); /* lost, RETRY */
			rig_idle(10);
		}
		if (got_new(r->p, "SUBSCRIBE") == 4) {
			g = sub_asked(r, 4);
			l = leg_of(r, &g, "again");
			sub_accept(&l, &g, 200, 3600, NULL);
			notify(&l, over, "end");
			rig_idle(10);
		}
		if (s->s)
			fail_msg("event %u never came: %s", at, s->heard.order);
		sub_free(s);
		rig_free(r);
	}
}

/* --- refreshes that fail -------------------------------------------------------------------------
 */

/* RFC 6665 4.1.2.2: 481: it is gone; anew at once, unrelated to the one before. */
static void test_refresh_481(void **state)
{
	struct rig *r = rig_out(NET_UDP, 0);
	struct leg l;
	struct sub *s = sub_up(r, (struct subscription_config){ 0 }, &l);
	struct peer_got g;

	(void)state;
	clock_skip(2701);
	g = sub_asked(r, 2);
	assert_within(&g, &l, 3600);
	leg_reply(&l, &g, 481, NULL, NULL);
	till(s->told == 2);
	assert_string_equal(s->states, " active/subscribed terminated/lost");
	up_again(s, &l, 3);
	assert_string_equal(s->heard.order, "bnbYbn");
	sub_down(s, &l, 4);
	rig_free(r);
}

/* What refuses for good. */
static void test_refresh_refused(void **state)
{
	static const unsigned codes[] = { 403, 404, 405, 410, 416, 484, 489, 603, 604 };

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(codes); i++) {
		struct rig *r = rig_out(NET_UDP, 0);
		struct leg l;
		struct sub *s = sub_up(r, (struct subscription_config){ 0 }, &l);
		struct peer_got g;

		assert_int_equal(subscription_refresh(s->s), 0);
		g = sub_asked(r, 2);
		leg_reply(&l, &g, codes[i], NULL, NULL);
		sub_wait(s);
		assert_string_equal(s->states, " active/subscribed terminated/ended");
		sub_end(s, ENDPOINT_FAILED, FAIL_STATUS, codes[i]);
		assert_int_equal(notify(&l, active, NULL), 481);
		assert_int_equal(got_new(r->p, "SUBSCRIBE"), 2);
		rig_free(r);
	}
}

/* One of two notifiers refuses: the other one lives. */
static void test_refresh_refused_one(void **state)
{
	static const unsigned codes[] = { 404, 481 };

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(codes); i++) {
		struct rig *r = rig_out(NET_UDP, 0);
		struct peer_got g;
		struct leg a, b;
		struct sub *s = sub_sent(r, (struct subscription_config){ 0 }, &a, &g);

		b = leg_of(r, &g, "fork");
		sub_accept(&a, &g, 200, 3600, NULL);
		assert_int_equal(notify(&a, active, "a"), 200);
		assert_int_equal(notify(&b, active, "b"), 200);
		till(s->told == 2);
		assert_int_equal(subscription_refresh(s->s), 0);
		for (unsigned k = 2; k < 4; k++) {
			g = sub_asked(r, k);
			if (str_eq(sip_msg_value(g.msg, SIP_HDR_TO), str_of(a.local)))
				leg_reply(&a, &g, codes[i], NULL, NULL);
			else
				sub_accept(&b, &g, 200, 3600, NULL);
		}
		till(s->told == 4);
		rig_idle(20);
		assert_int_equal(s->heard.finals, 0);
		assert_int_equal(got_new(r->p, "SUBSCRIBE"), 3);
		assert_int_equal(notify(&a, active, NULL), 481);
		assert_int_equal(notify(&b, active, NULL), 200);
		assert_int_equal(notify(&b, over, NULL), 200);
		sub_end(s, ENDPOINT_FAILED, FAIL_ENDED, 200);
		rig_free(r);
	}
}

/* "the original subscription is still considered valid": again within the dialog, by ruling 5. */
static void test_refresh_fails(void **state)
{
	static const unsigned codes[] = { 500, 503, 0 };

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(codes); i++) {
		struct rig *r = rig_out(NET_UDP, QUICK_T1);
		struct leg l;
		struct sub *s = sub_up(r, (struct subscription_config){ 0 }, &l);
		struct peer_got g;

		assert_int_equal(subscription_refresh(s->s), 0);
		g = sub_asked(r, 2);
		if (codes[i])
			leg_reply(&l, &g, codes[i], NULL, NULL);
		till(s->heard.count[ENDPOINT_RETRY] == 1);
		assert_between(s->heard.waits[0], 0, 0);
		assert_string_equal(s->heard.because, codes[i] ? "status" : "timeout");
		g = sub_asked(r, 3);
		assert_within(&g, &l, 3600);
		leg_reply(&l, &g, 500, NULL, NULL);
		till(s->heard.count[ENDPOINT_RETRY] == 2);
		assert_between(s->heard.waits[1], 800, 1200);
		/* it hears what the notifier says all the while */
		assert_int_equal(notify(&l, active, "while"), 200);
		assert_int_equal(s->notified, 2);
		clock_skip(2);
		g = sub_asked(r, 4);
		/* ... which is no reason to ask at once again */
		leg_reply(&l, &g, 500, NULL, NULL);
		till(s->heard.count[ENDPOINT_RETRY] == 3);
		assert_between(s->heard.waits[2], 1600, 2400);
		clock_skip(3);
		g = sub_asked(r, 5);
		assert_within(&g, &l, 3600);
		sub_accept(&l, &g, 200, 3600, NULL);
		till(s->told == 2);
		assert_string_equal(s->states, " active/subscribed active/refreshed");
		assert_between((double)subscription_refresh_in_ms(s->s), 2690000, 2700000);
		sub_free(s);
		rig_free(r);
	}
}

static void test_refresh_retry_after(void **state)
{
	struct rig *r = rig_out(NET_UDP, 0);
	struct leg l;
	struct sub *s = sub_up(r, (struct subscription_config){ 0 }, &l);
	struct peer_got g;

	(void)state;
	assert_int_equal(subscription_refresh(s->s), 0);
	g = sub_asked(r, 2);
	leg_reply(&l, &g, 503, "Retry-After: 7\r\n", NULL);
	till(s->heard.count[ENDPOINT_RETRY] == 1);
	assert_between(s->heard.waits[0], 7000, 9000);
	clock_skip(6);
	assert_int_equal(got_new(r->p, "SUBSCRIBE"), 2);
	clock_skip(3);
	g = sub_asked(r, 3);
	assert_within(&g, &l, 3600);
	sub_accept(&l, &g, 200, 3600, NULL);
	till(s->told == 2);
	sub_free(s);
	rig_free(r);
}

/* It expires while refreshes fail: then with a SUBSCRIBE of its own. */
static void test_expires_in_outage(void **state)
{
	struct rig *r = rig_out(NET_UDP, QUICK_T1);
	struct leg l;
	struct sub *s = sub_up_for(r, (struct subscription_config){ 0 }, &l, 4);
	struct peer_got g;
	unsigned n = 2;

	(void)state;
	clock_skip(2);
	while (!strstr(s->states, "terminated/lost")) {
		unsigned have = got_new(r->p, "SUBSCRIBE");
		for (; n <= have; n++) {
			g = sub_asked(r, n);
			assert_within(&g, &l, 3600);
			leg_reply(&l, &g, 500, NULL, NULL);
		}
		clock_skip(1);
		assert_true(n < 10);
	}
	assert_true(n > 3);
	assert_string_equal(s->states, " active/subscribed terminated/lost");
	up_again(s, &l, n);
	sub_down(s, &l, n + 1);
	rig_free(r);
}

/* --retry-max-time: then it is lost. */
static void test_recover_ms(void **state)
{
	(void)state;
	for (int silent = 0; silent < 2; silent++) {
		struct rig *r = rig_out(NET_UDP, QUICK_T1);
		struct leg l;
		struct sub *s = sub_up(r, (struct subscription_config){ .recover_ms = 3000 }, &l);
		unsigned n = 2;

		assert_int_equal(subscription_refresh(s->s), 0);
		while (!s->heard.finals) {
			unsigned have = got_new(r->p, "SUBSCRIBE");
			for (; n <= have; n++) {
				struct peer_got g = sub_asked(r, n);
				assert_within(&g, &l, 3600);
				if (!silent)
					leg_reply(&l, &g, 503, NULL, NULL);
			}
			rig_idle(5);
			clock_ahead += s->heard.count[ENDPOINT_RETRY] > 1;
			rig_idle(5);
			assert_true(n < 10);
		}
		assert_string_equal(s->states, " active/subscribed terminated/lost");
		sub_end(s, ENDPOINT_FAILED, FAIL_LOST, 200);
		assert_int_equal(notify(&l, active, NULL), 481);
		rig_free(r);
	}
}

/* A refresh that comes through begins the schedule anew. */
static void test_recovery_restarts(void **state)
{
	struct rig *r = rig_out(NET_UDP, 0);
	struct leg l;
	struct sub *s = sub_up(r, (struct subscription_config){ .recover_ms = 3000 }, &l);
	struct peer_got g;

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(subscription_refresh(s->s), 0);
		g = sub_asked(r, 2 + 2 * i);
		leg_reply(&l, &g, 500, NULL, NULL);
		g = sub_asked(r, 3 + 2 * i);
		assert_between(s->heard.waits[i], 0, 0);
		sub_accept(&l, &g, 200, 3600, NULL);
		till(s->told == 2 + i);
		assert_int_equal(notify(&l, active, NULL), 200);
		clock_skip(10);
	}
	sub_free(s);
	rig_free(r);
}

/* An update that fails is not lost (SB-13). */
static void test_update_fails(void **state)
{
	const struct subscription_extra extra = { NULL, 0, STR("text/filter"), STR("more") };
	struct rig *r = rig_out(NET_UDP, 0);
	struct leg l;
	struct sub *s = sub_up(r, (struct subscription_config){ 0 }, &l);
	struct peer_got g;

	(void)state;
	assert_int_equal(subscription_update(s->s, &extra, &r->u->why), 0);
	g = sub_asked(r, 2);
	assert_str(g.msg->body, "more");
	leg_reply(&l, &g, 500, NULL, NULL);
	g = sub_asked(r, 3);
	assert_within(&g, &l, 3600);
	assert_str(g.msg->body, "more");
	sub_accept(&l, &g, 200, 3600, NULL);
	till(s->told == 2);
	rig_idle(20);
	assert_int_equal(got_new(r->p, "SUBSCRIBE"), 3);
	sub_free(s);
	rig_free(r);
}

/* --- connections and registrations ---------------------------------------------------------------
 */

/* Who does not listen hears nothing more: it is refreshed at once over a new connection. */
static void test_connection_lost(void **state)
{
	(void)state;
	for (int reset = 0; reset < 2; reset++) {
		struct rig *r = rig_out(NET_TCP, 0);
		struct leg l;
		struct sub *s = sub_up(r, (struct subscription_config){ 0 }, &l);
		struct peer_got g;
		double began = rig_ms();

		assert_int_equal(r->p->accepted, 1);
		peer_drop(r->p, reset);
		g = sub_asked(r, 2);
		assert_between(g.ms - began, 0, PEER_LATE);
		assert_int_equal(r->p->accepted, 2);
		assert_within(&g, &l, 3600);
		sub_accept(&l, &g, 200, 3600, NULL);
		till(s->told == 2);
		assert_string_equal(s->states, " active/subscribed active/refreshed");
		/* what comes over the new one is its own, and refreshes go there */
		assert_int_equal(notify(&l, active, "new"), 200);
		assert_string_equal(s->body, "new");
		assert_int_equal(subscription_refresh(s->s), 0);
		g = sub_asked(r, 3);
		assert_int_equal(g.conn, l.conn);
		sub_accept(&l, &g, 200, 3600, NULL);
		rig_idle(5);
		sub_down(s, &l, 4);
		rig_free(r);
	}
}

/* A server that hangs up behind each refresh gets no storm. */
static void test_connection_storm(void **state)
{
	struct rig *r = rig_out(NET_TCP, 0);
	struct leg l;
	struct sub *s = sub_up(r, (struct subscription_config){ 0 }, &l);
	struct peer_got g;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		peer_drop(r->p, false);
		if (i > 0)
			clock_skip(i == 1 ? 2 : 3);
		g = sub_asked(r, 2 + i);
		assert_within(&g, &l, 3600);
		sub_accept(&l, &g, 200, 3600, NULL);
		till(s->told == 2 + i);
		if (i < 2) {
			rig_idle(50);
			assert_int_equal(got_new(r->p, "SUBSCRIBE"), 2 + i);
		}
	}
	sub_free(s);
	rig_free(r);
}

/* The server is away for a while: a refused connection is a failure like others. */
static void test_server_away(void **state)
{
	struct rig *r = rig_out(NET_TCP, 0);
	struct leg l;
	struct sub *s = sub_up(r, (struct subscription_config){ 0 }, &l);
	struct peer_got g;

	(void)state;
	peer_close_tcp(r->p);
	till(s->heard.count[ENDPOINT_RETRY] >= 2);
	assert_int_equal(s->heard.finals, 0);
	if (!peer_reopen(r->p)) { /* somebody else has the port now */
		sub_free(s);
		rig_free(r);
		return;
	}
	clock_skip(3);
	g = sub_asked(r, 2);
	assert_within(&g, &l, 3600);
	sub_accept(&l, &g, 200, 3600, NULL);
	till(s->told == 2);
	assert_string_equal(s->states, " active/subscribed active/refreshed");
	sub_free(s);
	rig_free(r);
}

/* The connection goes while a refresh is on its way. */
static void test_reset_refreshing(void **state)
{
	struct rig *r = rig_out(NET_TCP, 0);
	struct leg l;
	struct sub *s = sub_up(r, (struct subscription_config){ 0 }, &l);
	struct peer_got g;

	(void)state;
	assert_int_equal(subscription_refresh(s->s), 0);
	sub_asked(r, 2);
	peer_drop(r->p, true);
	g = sub_asked(r, 3);
	assert_within(&g, &l, 3600);
	assert_int_equal(r->p->accepted, 2);
	sub_accept(&l, &g, 200, 3600, NULL);
	till(s->told == 2);
	rig_idle(20);
	assert_int_equal(got_new(r->p, "SUBSCRIBE"), 3);
	assert_int_equal(s->heard.finals, 0);
	sub_free(s);
	rig_free(r);
}

static void registrar(struct peer *p, const struct peer_got *g)
{
	if (g->again || !str_eq(g->msg->method_name, STR("REGISTER")))
		return;
	if (p->hook_arg)
		peer_registrar(p, g);
	else
		peer_reply(p, g, 503, NULL);
}

/* RG-22: when the registration is back, its subscriptions follow. */
static void test_registration_back(void **state)
{
	struct rig *r = rig_out(NET_TCP, 0);
	struct op *reg;
	struct sub *s;
	struct peer_got g;
	struct leg l;

	(void)state;
	r->p->hook = registrar;
	r->p->hook_arg = r;
	reg = op_register(r->u, (struct registration_config){ .keep = true, .expires = 3600 });
	till(registration_active(reg->reg));
	s = sub_up(r, (struct subscription_config){ 0 }, &l);
	/* a refresh of the registration is no reason */
	assert_int_equal(registration_refresh(reg->reg), 0);
	got(r->p, "REGISTER", 2);
	rig_idle(20);
	assert_int_equal(got_new(r->p, "SUBSCRIBE"), 1);
	/* while it is away, the subscription waits */
	r->p->hook_arg = NULL;
	peer_drop(r->p, false);
	got(r->p, "REGISTER", 4);
	rig_idle(20);
	assert_int_equal(got_new(r->p, "SUBSCRIBE"), 1);
	assert_int_equal(s->heard.finals, 0);
	r->p->hook_arg = r;
	clock_skip(3);
	g = sub_asked(r, 2);
	assert_within(&g, &l, 3600);
	assert_true(g.ms >= got(r->p, "REGISTER", got_new(r->p, "REGISTER")).ms);
	sub_accept(&l, &g, 200, 3600, NULL);
	till(s->told == 2);
	assert_string_equal(s->states, " active/subscribed active/refreshed");
	rig_idle(20);
	assert_int_equal(got_new(r->p, "SUBSCRIBE"), 2);
	sub_free(s);
	op_free(reg);
	rig_free(r);
}

/* RG-22, of one that waits for its next try: not before the registration is back, then at once. */
static void test_registration_waiting(void **state)
{
	struct rig *r = rig_out(NET_TCP, 0);
	struct op *reg;
	struct sub *s;
	struct leg l;

	(void)state;
	r->p->hook = registrar;
	r->p->hook_arg = r;
	reg = op_register(r->u, (struct registration_config){ .keep = true, .expires = 3600 });
	till(registration_active(reg->reg));
	s = sub_up(r, (struct subscription_config){ 0 }, &l);
	assert_int_equal(notify(&l, "terminated;reason=probation;retry-after=30", NULL), 200);
	till(s->heard.count[ENDPOINT_RETRY] == 1);
	peer_drop(r->p, false);
	got(r->p, "REGISTER", 2);
	rig_idle(50);
	/* a notifier that says 30 s, means 30 s: RFC 6665 4.1.3 */
	assert_int_equal(got_new(r->p, "SUBSCRIBE"), 1);
	clock_skip(31);
	up_again(s, &l, 2);
	sub_free(s);
	op_free(reg);
	rig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ended),
		cmocka_unit_test(test_ended_again),
		cmocka_unit_test(test_no_storm),
		cmocka_unit_test(test_ended_too_long),
		cmocka_unit_test(test_give_up),
		cmocka_unit_test(test_again_refused),
		cmocka_unit_test(test_again_fails),
		cmocka_unit_test(test_stop_waiting),
		cmocka_unit_test(test_stop_again),
		cmocka_unit_test(test_free_in_handler),
		cmocka_unit_test(test_refresh_481),
		cmocka_unit_test(test_refresh_refused),
		cmocka_unit_test(test_refresh_refused_one),
		cmocka_unit_test(test_refresh_fails),
		cmocka_unit_test(test_refresh_retry_after),
		cmocka_unit_test(test_expires_in_outage),
		cmocka_unit_test(test_recover_ms),
		cmocka_unit_test(test_recovery_restarts),
		cmocka_unit_test(test_update_fails),
		cmocka_unit_test(test_connection_lost),
		cmocka_unit_test(test_connection_storm),
		cmocka_unit_test(test_server_away),
		cmocka_unit_test(test_reset_refreshing),
		cmocka_unit_test(test_registration_back),
		cmocka_unit_test(test_registration_waiting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
