/* tests/unit/test_attacks.c -- what a hostile peer, and handlers that free everything, may do to
 * calls: rows of the attack checklist that no other module tests */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "call_rig.h"

#include "base/text.h"
#include "endpoint/refer.h"

/* --- what is freed where -----------------------------------------------------------------------
 * R3: "A handler may do anything, including freeing the object it was called for." */

enum freed { FREE_ENDPOINT, FREE_MANAGER, FREE_BOTH, FREE_KINDS };
static enum freed what_goes;

static void free_in_event(struct ua *u)
{
	if (what_goes != FREE_ENDPOINT) {
		endpoint_manager_free(u->m);
		u->m = NULL;
	}
	if (what_goes != FREE_MANAGER) {
		endpoint_free(u->ep);
		u->ep = NULL;
	}
}

static void free_on_incoming(struct heard *h, const struct endpoint_event *ev)
{
	struct rig *r = h->arg;

	if (ev->type != ENDPOINT_INCOMING)
		return;
	r->offered++;
	free_in_event(r->u);
}

/* The call that nobody has taken is the endpoint's, and goes with it. */
static void test_free_untaken(void **state)
{
	(void)state;
	for (what_goes = 0; what_goes < FREE_KINDS; what_goes++) {
		struct rig *r = rig_in(NET_UDP, 0);

		r->u->heard.hook = free_on_incoming;
		leg_call(r, NULL, bob_sdp(1, NULL));
		till(r->offered == 1);
		rig_idle(20);
		rig_free(r);
	}
}

static void free_on_transfer(struct heard *h, const struct endpoint_event *ev)
{
	struct rig *r = h->arg;

	if (ev->type != ENDPOINT_TRANSFER)
		return;
	r->offered++;
	free_in_event(r->u);
}

/* An agent that takes REFER outside of calls. */
static struct rig *rig_refer(void)
{
	struct rig *r = rig_in(NET_UDP, 0);

	endpoint_free(r->u->ep);
	assert_int_equal(ua_endpoint(r->u, (struct endpoint_config){ .kind = ENDPOINT_PEER_TO_PEER,
						   .aor = STR("sip:alice@example.test"),
						   .methods = STR("INVITE,REFER"),
						   .transport = -1 }),
		0);
	return r;
}

/* The REFER that nobody has decided about. */
static void test_free_undecided(void **state)
{
	(void)state;
	for (what_goes = 0; what_goes < FREE_KINDS; what_goes++) {
		struct rig *r = rig_refer();
		struct leg l = { .r = r, .p = r->p, .to = r->at, .cseq = 7 };

		snprintf(l.call_id, sizeof(l.call_id), "refer@peer.test");
		snprintf(l.local, sizeof(l.local), "<sip:bob@peer.test>;tag=b");
		snprintf(l.remote, sizeof(l.remote), "<sip:alice@example.test>");
		snprintf(l.target, sizeof(l.target), "sip:alice@example.test");
		leg_contact(&l);
		r->u->heard.hook = free_on_transfer;
		leg_ask(&l, "REFER", (struct leg_says){ .lines = "Refer-To: <sip:c@x>\r\n" });
		till(r->offered == 1);
		rig_idle(20);
		rig_free(r);
	}
}

static void free_session_on_transfer(struct call *c, const struct endpoint_event *ev)
{
	if (ev->type != ENDPOINT_TRANSFER)
		return;
	c->heard.quiet = true;
	session_free(c->s);
	c->s = NULL;
}

/* The same within a call: the peer hears that it is declined. */
static void test_free_call_of_refer(void **state)
{
	struct rig *r = rig_in(NET_UDP, 0);
	struct leg l;
	struct call *c = call_in_up(r, &l, NULL);

	(void)state;
	c->hook = free_session_on_transfer;
	assert_int_equal(
		leg_do(&l, "REFER", (struct leg_says){ .lines = "Refer-To: <sip:c@x>\r\n" })
			->status,
		603);
	assert_null(c->s);
	call_free(c);
	rig_free(r);
}

static void stop_and_free(struct call *c, const struct endpoint_event *ev)
{
	if (ev->type != ENDPOINT_SESSION || call_times(c, "early") < 2)
		return;
	session_stop(c->s, STR_EMPTY); /* its CANCEL is told from inside */
	c->heard.quiet = true;
	session_free(c->s);
	c->s = NULL;
}

/* Given up and freed in one event, with a provisional response behind it: the CANCEL goes at once.
 */
static void test_stop_and_free(void **state)
{
	struct rig *r = rig_out(-1, 0);
	struct call *c = call_start(r, (struct session_config){ 0 });
	struct peer_got g = got(r->p, "INVITE", 1);
	struct leg l = leg_of(r, &g, "bob");

	(void)state;
	c->hook = stop_and_free;
	leg_reply(&l, &g, 180, NULL, NULL);
	till(call_times(c, "early") == 1);
	leg_reply(&l, &g, 180, NULL, NULL);
	till(!c->s);
	got(r->p, "CANCEL", 1);
	rig_idle(20);
	call_free(c);
	rig_free(r);
}

/* --- who may say what ----------------------------------------------------------------------------
 */

static unsigned cancel_with(struct leg *l, const char *call_id, const char *from, uint32_t cseq)
{
	struct leg forged = *l;

	snprintf(forged.call_id, sizeof(forged.call_id), "%s", call_id ? call_id : l->call_id);
	return leg_do(&forged, "CANCEL",
		(struct leg_says){ .branch = l->invite_branch,
			.uri = l->invite_uri,
			.from = from,
			.cseq = cseq,
			.no_contact = true })
		->status;
}

/* RFC 3261 9.1: the branch alone, which every proxy and every Via shows, cancels nothing. */
static void test_forged_cancel(void **state)
{
	static const char *const froms[] = { "<sip:bob@peer.test>;tag=other", "<sip:bob@peer.test>",
		NULL };

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct rig *r = rig_in(NET_UDP, 0);
		struct leg l = leg_call(r, NULL, bob_sdp(1, NULL));
		struct call *c;

		till(r->in_count == 1);
		c = r->in[0];
		assert_int_equal(session_ring(c->s, 180, STR_EMPTY, false, NULL), 0);
		leg_response(&l, "INVITE", 180);
		if (i < 2)
			assert_int_equal(cancel_with(&l, NULL, froms[i], l.invite_cseq), 481);
		else if (i == 2)
			assert_int_equal(cancel_with(&l, "other@x", NULL, l.invite_cseq), 481);
		else
			assert_int_equal(cancel_with(&l, NULL, NULL, l.invite_cseq + 1), 481);
		rig_idle(20);
		assert_int_equal(c->heard.finals, 0);
		assert_int_equal(session_accept(c->s, 200, STR_EMPTY, NULL), 0);
		leg_learn(&l, leg_response(&l, "INVITE", 200));
		leg_ack(&l, leg_response(&l, "INVITE", 200), NULL);
		till(session_is_confirmed(c->s));
		call_bye(c, &l);
		rig_free(r);
	}
}

/* 12.2.2: a dialog is known by both tags; who guesses the others is nobody. */
static void test_other_tag(void **state)
{
	static const char *const methods[] = { "BYE", "INVITE", "UPDATE", "INFO", "REFER", "NOTIFY",
		"PRACK", "MESSAGE" };
	struct rig *r = rig_in(NET_UDP, 0);
	struct leg l, forged;
	struct call *c = call_in_up(r, &l, NULL);

	(void)state;
	forged = l;
	for (unsigned i = 0; i < ARRAY_LEN(methods); i++)
		for (unsigned k = 0; k < 2; k++) {
			struct sip_msg *m;
			snprintf(forged.local, sizeof(forged.local), "<sip:bob@peer.test>%s",
				k ? ";tag=guess" : "");
			m = leg_do(&forged, methods[i],
				(struct leg_says){
					.lines = "Event: refer\r\nRefer-To: <sip:x@y>\r\n" });
			assert_int_equal(m->status, 481);
			if (strcmp(methods[i], "INVITE") == 0)
				leg_ack(&forged, m, NULL);
		}
	assert_int_equal(c->asked, 0);
	assert_true(session_is_confirmed(c->s));
	call_bye(c, &l);
	rig_free(r);
}

/* A54: a branch that lost has our BYE; nothing that it asks touches the call that won. */
static void test_losing_branch(void **state)
{
	static const char *const methods[] = { "UPDATE", "INFO", "MESSAGE", "REFER", "OPTIONS" };
	struct rig *r = rig_in(NET_UDP, 100); /* p2p; the BYE waits */
	struct call *c = call_start(r, (struct session_config){ 0 });
	struct peer_got g = got(r->p, "INVITE", 1);
	struct leg l = leg_of(r, &g, "bob"), lost = leg_of(r, &g, "late"), other;
	char line[512];
	struct sip_msg *m;

	(void)state;
	lost.cseq = 5000;
	leg_reply(&l, &g, 200, NULL, bob_sdp(1, NULL));
	till(session_is_confirmed(c->s));
	leg_reply(&lost, &g, 200, NULL, bob_sdp(1, NULL));
	got(r->p, "BYE", 1);
	assert_int_equal(c->extra, 1);
	for (unsigned i = 0; i < ARRAY_LEN(methods); i++) {
		m = leg_do(&lost, methods[i],
			(struct leg_says){ .lines = "Refer-To: <sip:x@y>\r\n",
				.body = i == 0 ? bob_sdp(2, "sendonly") : NULL });
		assert_int_equal(m->status, 481);
	}
	m = leg_do(&lost, "INVITE", (struct leg_says){ .body = bob_sdp(2, "sendonly") });
	assert_int_equal(m->status, 481);
	leg_ack(&lost, m, NULL);
	/* RFC 3891 3: it is over, so a Replaces of it is declined */
	snprintf(line, sizeof(line), "Replaces: %s;to-tag=%s;from-tag=late\r\n", l.call_id,
		c->local_tag);
	other = leg_call(r, line, bob_sdp(1, NULL));
	m = leg_response(&other, "INVITE", 200);
	assert_int_equal(m->status, 603);
	leg_ack(&other, m, NULL);
	assert_int_equal(r->offered, 0);
	assert_int_equal(c->asked, 0);
	assert_no_state(c, "confirmed/hold");
	assert_true(session_is_confirmed(c->s));
	g = got(r->p, "BYE", 1);
	leg_reply(&lost, &g, 200, NULL, NULL);
	call_stop(c, NULL);
	g = got(r->p, "BYE", 2);
	leg_reply(&l, &g, 200, NULL, NULL);
	call_closed(c);
	call_end(c);
	rig_free(r);
}

/* AR-12: a BENOTIFY has no answer, whatever is wrong with it. */
static void test_benotify(void **state)
{
	static const char *const lines[] = { "Require: x\r\n",
		"Replaces: a;to-tag=b;from-tag=c\r\n", "Event: refer\r\n", "Event: x\r\n" };
	struct rig *r = rig_in(NET_UDP, 0);
	struct leg l;
	struct call *c = call_in_up(r, &l, NULL);

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(lines); i++) {
		leg_ask(&l, "BENOTIFY", (struct leg_says){ .lines = lines[i] });
		rig_idle(10);
		assert_null(leg_find(&l, l.branch, "BENOTIFY", 100, NULL));
	}
	/* an old CSeq, and a dialog that is none */
	leg_ask(&l, "BENOTIFY", (struct leg_says){ .cseq = 1 });
	rig_idle(10);
	assert_null(leg_find(&l, l.branch, "BENOTIFY", 100, NULL));
	leg_ask(&l, "BENOTIFY", (struct leg_says){ .from = "<sip:bob@peer.test>;tag=guess" });
	rig_idle(10);
	assert_null(leg_find(&l, l.branch, "BENOTIFY", 100, NULL));
	call_bye(c, &l);
	rig_free(r);
}

/* --- sizes and numbers -------------------------------------------------------------------------
 */

/* A51: a mailbox that nobody has subscribed to, with a value that is too long for somebody. */
static void test_message_summary(void **state)
{
	struct rig *r = rig_in(NET_UDP, 0);
	struct leg l;
	struct call *c = call_in_up(r, &l, NULL);
	struct leg alone = l;
	char *body = mem_zalloc(1, 9000);

	(void)state;
	snprintf(body, 9000, "Messages-Waiting: yes\r\nMessage-Account: sip:%*s@x\r\n", 8000, "a");
	for (char *p = strstr(body, "sip:"); *p && *p != '@'; p++)
		*p = *p == ' ' ? 'a' : *p;
	snprintf(alone.call_id, sizeof(alone.call_id), "mwi@peer.test");
	snprintf(alone.remote, sizeof(alone.remote), "<sip:alice@example.test>");
	snprintf(alone.target, sizeof(alone.target), "sip:alice@example.test");
	assert_int_equal(leg_do(&alone, "NOTIFY",
				 (struct leg_says){ .lines = "Event: message-summary\r\n"
							     "Subscription-State: active\r\n",
					 .type = "application/simple-message-summary",
					 .body = body })
				 ->status,
		481);
	/* in a dialog that has no such subscription: RFC 6665 8.3.2 */
	assert_int_equal(leg_do(&l, "NOTIFY",
				 (struct leg_says){ .lines = "Event: message-summary\r\n"
							     "Subscription-State: active\r\n",
					 .type = "application/simple-message-summary",
					 .body = body })
				 ->status,
		489);
	assert_int_equal(c->asked, 0);
	mem_free(body);
	call_bye(c, &l);
	rig_free(r);
}

/* Session-Expires and Min-SE of 2^32-1: no overflow makes a timer of them that runs at once. */
static void test_timer_of_years(void **state)
{
	struct rig *r = rig_in(NET_UDP, 0);
	struct leg l;
	struct call *c = call_in_up(r, &l,
		"Supported: timer\r\nSession-Expires: 4294967295;refresher=uas\r\n"
		"Min-SE: 4294967295\r\n");

	(void)state;
	assert_string_equal(c->timers, " negotiated:uas:local:4294967295");
	assert_true(rig_idle(50) < 20);
	assert_int_equal(got_new(r->p, "UPDATE") + got_new(r->p, "INVITE"), 0);
	assert_int_equal(leg_do(&l, "UPDATE",
				 (struct leg_says){
					 .lines = "Supported: timer\r\nMin-SE: 4294967295\r\n"
						  "Session-Expires: 4294967295;refresher=uac\r\n" })
				 ->status,
		200);
	assert_true(rig_idle(50) < 20);
	assert_true(session_is_confirmed(c->s));
	call_bye(c, &l);
	rig_free(r);
}

/* RFC 3261 13.3.1: who leaves calls ringing says how long, and we need not wait for longer. */
static void test_invitation_expires(void **state)
{
	struct rig *r = rig_in(NET_UDP, 0);
	struct leg l = leg_call(r, "Expires: 1\r\n", bob_sdp(1, NULL)), up, long_one;
	double began = rig_ms();
	struct call *c, *answered, *rings;
	struct sip_msg *m;

	(void)state;
	till(r->in_count == 1);
	c = r->in[0];
	assert_int_equal(session_ring(c->s, 180, STR_EMPTY, false, NULL), 0);
	answered = call_in_up(r, &up, "Expires: 1\r\n");
	long_one = leg_call(r, "Expires: 4294967295\r\n", bob_sdp(1, NULL));
	till(r->in_count == 3);
	rings = r->in[2];
	m = leg_response(&l, "INVITE", 200);
	assert_int_equal(m->status, 487);
	assert_between(rig_ms() - began, 990, 1500);
	leg_ack(&l, m, NULL);
	call_failed_in(c, FAIL_TIMEOUT);
	assert_state(c, "terminated/timeout");
	call_end(c);
	assert_true(rig_idle(300) < 100);
	assert_true(session_is_confirmed(answered->s));
	assert_int_equal(rings->heard.finals, 0);
	call_bye(answered, &up);
	assert_int_equal(session_reject(rings->s, 486, STR_EMPTY, NULL, 0, NULL), 0);
	leg_ack(&long_one, leg_response(&long_one, "INVITE", 200), NULL);
	call_wait(rings);
	call_end(rings);
	rig_free(r);
}

/* What a request got whose CSeq no reader of ours takes. */
static unsigned raw_status(struct leg *l, const char *method, uint32_t cseq)
{
	char via[40];

	leg_ask(l, method, (struct leg_says){ .cseq = cseq });
	snprintf(via, sizeof(via), "branch=z9hG4bKleg%u;", l->branch);
	for (double end = rig_ms() + PEER_MS; rig_ms() < end; rig_idle(1))
		for (unsigned i = 0; i < l->p->count; i++) {
			const struct sip_msg *m = l->p->got[i].msg;
			if (!m->request && str_has(m->wire, via))
				return m->status;
		}
	return 0;
}

/* A20, A57: the highest CSeq, then nothing can follow, and the call can still be ended by us. */
static void test_last_cseq(void **state)
{
	struct rig *r = rig_in(NET_UDP, 0);
	struct leg l;
	struct call *c = call_in_up(r, &l, NULL);

	(void)state;
	assert_int_equal(raw_status(&l, "INFO", 2147483648U), 400);
	assert_int_equal(raw_status(&l, "INFO", 4294967295U), 400);
	assert_int_equal(leg_do(&l, "INFO", (struct leg_says){ .cseq = 2147483647U })->status, 200);
	assert_int_equal(leg_do(&l, "BYE", (struct leg_says){ .cseq = 2147483647U })->status, 500);
	assert_true(session_is_confirmed(c->s));
	call_down(c, &l);
	rig_free(r);
}

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, 16);
}

/* A40 */
static void test_tokens_differ(void **state)
{
	enum { COUNT = 1000000 };
	char *all = mem_zalloc(COUNT + 1, 16);

	(void)state;
	for (unsigned i = 0; i < COUNT; i++) {
		char one[17];
		text_token(one, 16);
		memcpy(all + i * (size_t)16, one, 16);
	}
	qsort(all, COUNT, 16, compare);
	for (unsigned i = 1; i < COUNT; i++)
		if (memcmp(all + (i - 1) * (size_t)16, all + i * (size_t)16, 16) == 0)
			fail_msg("a tag came twice");
	mem_free(all);
}

/* --- many ---------------------------------------------------------------------------------------
 */

enum { MANY = 1000 };

static struct {
	struct session *s[MANY];
	unsigned taken, finals;
	bool accepts;
} many;

static void on_many(void *arg, const struct endpoint_event *ev)
{
	struct session **s = arg;

	if (ev->type != ENDPOINT_FAILED && ev->type != ENDPOINT_CLOSED)
		return;
	assert_non_null(*s); /* R6: once */
	many.finals++;
	session_free(*s);
	*s = NULL;
}

static void take_many(struct heard *h, const struct endpoint_event *ev)
{
	struct rig *r = h->arg;
	struct session_policy p = { .media = r->media, .on_event = on_many };

	if (ev->type != ENDPOINT_INCOMING)
		return;
	assert_true(many.taken < MANY);
	p.arg = &many.s[many.taken];
	many.s[many.taken++] = ev->incoming->session;
	session_take(ev->incoming->session, &p);
	if (many.accepts)
		session_accept(ev->incoming->session, 200, STR_EMPTY, NULL);
	else
		session_ring(ev->incoming->session, 180, STR_EMPTY, false, NULL);
}

static void forget_all(struct peer *p)
{
	while (p->count)
		sip_msg_unref(p->got[--p->count].msg);
}

/* In portions that the socket of either side can hold. */
static void call_many(struct rig *r, bool cancel)
{
	many.taken = many.finals = 0;
	for (unsigned i = 0; i < MANY; i++) {
		struct leg l = leg_call(r, NULL, bob_sdp(1, NULL));

		till(many.taken == i + 1);
		if (cancel)
			assert_int_equal(cancel_with(&l, NULL, NULL, l.invite_cseq), 200);
		if (i % 20 == 0)
			forget_all(r->p);
	}
}

/* A60: a peer that never says ACK, and does not answer our BYE: each call ends by itself, once, and
 * nothing is left of it. */
static void test_never_acked(void **state)
{
	struct rig *r = rig_in(NET_UDP, 4);
	size_t before = 0;

	(void)state;
	many.accepts = true;
	r->u->heard.hook = take_many;
	for (unsigned round = 0; round < 2; round++) {
		call_many(r, false);
		while (many.finals < MANY) {
			rig_idle(50);
			forget_all(r->p);
		}
		rig_idle(600);
		forget_all(r->p);
		if (round == 0)
			before = memory_in_use();
	}
	assert_true(memory_in_use() < before + MEMORY_SLACK);
	rig_free(r);
}

/* A58: INVITEs that ring and are cancelled. */
static void test_cancelled_flood(void **state)
{
	struct rig *r = rig_in(NET_UDP, 4);
	size_t before = 0;

	(void)state;
	many.accepts = false;
	r->u->heard.hook = take_many;
	for (unsigned round = 0; round < 2; round++) {
		call_many(r, true);
		till(many.finals == MANY);
		rig_idle(600); /* Timers H, I, J */
		forget_all(r->p);
		if (round == 0)
			before = memory_in_use();
	}
	assert_true(memory_in_use() < before + MEMORY_SLACK);
	rig_free(r);
}

/* Hold and resume without end: the memory of the call does not grow, its version does. */
static void test_ping_pong(void **state)
{
	struct rig *r = rig_in(NET_UDP, 2);
	struct leg l;
	struct call *c = call_in_up(r, &l, NULL);
	size_t before = 0;

	(void)state;
	for (unsigned i = 0; i < 600; i++) {
		struct sip_msg *m = leg_do(&l, i % 3 == 2 ? "UPDATE" : "INVITE",
			(struct leg_says){ .body = bob_sdp(2 + i, i % 2 ? NULL : "sendonly") });
		if (m->status != 200)
			fail_msg("%u at %u", m->status, i);
		if (i % 3 != 2)
			leg_ack(&l, m, NULL);
		if (i % 3 != 2)
			rig_idle(1);
		forget_all(r->p);
		c->states[0] = '\0';
		if (i == 200) {
			rig_idle(300);
			before = memory_in_use();
		}
	}
	rig_idle(300);
	assert_true(memory_in_use() < before + MEMORY_SLACK);
	call_bye(c, &l);
	rig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_free_untaken),
		cmocka_unit_test(test_free_undecided),
		cmocka_unit_test(test_free_call_of_refer),
		cmocka_unit_test(test_stop_and_free),
		cmocka_unit_test(test_forged_cancel),
		cmocka_unit_test(test_other_tag),
		cmocka_unit_test(test_losing_branch),
		cmocka_unit_test(test_benotify),
		cmocka_unit_test(test_message_summary),
		cmocka_unit_test(test_timer_of_years),
		cmocka_unit_test(test_invitation_expires),
		cmocka_unit_test(test_last_cseq),
		cmocka_unit_test(test_tokens_differ),
		cmocka_unit_test(test_never_acked),
		cmocka_unit_test(test_cancelled_flood),
		cmocka_unit_test(test_ping_pong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
