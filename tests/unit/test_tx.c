/* tests/unit/test_tx.c -- lib/sip/tx: every cell of the four tables, the time of every timer */
#include "base/base.h"
#include "sip/tx.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { NOW = 1000 };

/* Whatever can happen to a transaction. */
enum event {
	GET_1XX, /* received by a client, sent by the user of a server */
	GET_2XX,
	GET_FINAL, /* 300 to 699 */
	GET_REQUEST,
	GET_ACK,
	GET_ERROR,
	GET_RETRANSMIT, /* Timer A, E or G */
	GET_EXPIRE, /* any other */
	EVENTS
};

struct arrow {
	enum sip_tx_kind kind;
	enum sip_tx_state from;
	enum event event;
	enum sip_tx_state to;
	unsigned act;
};

#define S(x) SIP_TX_##x

/* The figures once more, one row an arrow, written down apart from lib/sip. On unreliable
 * transports; what is not here is ignored. */
static const struct arrow arrows[] = {
	/* RFC 6026 figure 5 */
	{ S(INVITE_CLIENT), S(CALLING), GET_1XX, S(PROCEEDING), S(DELIVER) },
	{ S(INVITE_CLIENT), S(CALLING), GET_2XX, S(ACCEPTED), S(DELIVER) },
	{ S(INVITE_CLIENT), S(CALLING), GET_FINAL, S(COMPLETED), S(ACK) | S(DELIVER) },
	{ S(INVITE_CLIENT), S(CALLING), GET_ERROR, S(TERMINATED), S(ERROR) | S(DONE) },
	{ S(INVITE_CLIENT), S(CALLING), GET_RETRANSMIT, S(CALLING), S(SEND) },
	{ S(INVITE_CLIENT), S(CALLING), GET_EXPIRE, S(TERMINATED), S(TIMEOUT) | S(DONE) },
	{ S(INVITE_CLIENT), S(PROCEEDING), GET_1XX, S(PROCEEDING), S(DELIVER) },
	{ S(INVITE_CLIENT), S(PROCEEDING), GET_2XX, S(ACCEPTED), S(DELIVER) },
	{ S(INVITE_CLIENT), S(PROCEEDING), GET_FINAL, S(COMPLETED), S(ACK) | S(DELIVER) },
	{ S(INVITE_CLIENT), S(PROCEEDING), GET_ERROR, S(TERMINATED), S(ERROR) | S(DONE) },
	{ S(INVITE_CLIENT), S(ACCEPTED), GET_2XX, S(ACCEPTED), S(DELIVER) },
	{ S(INVITE_CLIENT), S(ACCEPTED), GET_EXPIRE, S(TERMINATED), S(DONE) },
	{ S(INVITE_CLIENT), S(COMPLETED), GET_FINAL, S(COMPLETED), S(ACK) },
	{ S(INVITE_CLIENT), S(COMPLETED), GET_ERROR, S(TERMINATED), S(ERROR) | S(DONE) },
	{ S(INVITE_CLIENT), S(COMPLETED), GET_EXPIRE, S(TERMINATED), S(DONE) },
	/* RFC 3261 figure 6 */
	{ S(CLIENT), S(TRYING), GET_1XX, S(PROCEEDING), S(DELIVER) },
	{ S(CLIENT), S(TRYING), GET_2XX, S(COMPLETED), S(DELIVER) },
	{ S(CLIENT), S(TRYING), GET_FINAL, S(COMPLETED), S(DELIVER) },
	{ S(CLIENT), S(TRYING), GET_ERROR, S(TERMINATED), S(ERROR) | S(DONE) },
	{ S(CLIENT), S(TRYING), GET_RETRANSMIT, S(TRYING), S(SEND) },
	{ S(CLIENT), S(TRYING), GET_EXPIRE, S(TERMINATED), S(TIMEOUT) | S(DONE) },
	{ S(CLIENT), S(PROCEEDING), GET_1XX, S(PROCEEDING), S(DELIVER) },
	{ S(CLIENT), S(PROCEEDING), GET_2XX, S(COMPLETED), S(DELIVER) },
	{ S(CLIENT), S(PROCEEDING), GET_FINAL, S(COMPLETED), S(DELIVER) },
	{ S(CLIENT), S(PROCEEDING), GET_ERROR, S(TERMINATED), S(ERROR) | S(DONE) },
	{ S(CLIENT), S(PROCEEDING), GET_RETRANSMIT, S(PROCEEDING), S(SEND) },
	{ S(CLIENT), S(PROCEEDING), GET_EXPIRE, S(TERMINATED), S(TIMEOUT) | S(DONE) },
	{ S(CLIENT), S(COMPLETED), GET_EXPIRE, S(TERMINATED), S(DONE) },
	/* RFC 6026 figure 7; the user hears of Timer H (RFC 3261 17.2.1) */
	{ S(INVITE_SERVER), S(PROCEEDING), GET_1XX, S(PROCEEDING), S(SEND) },
	{ S(INVITE_SERVER), S(PROCEEDING), GET_2XX, S(ACCEPTED), S(SEND) },
	{ S(INVITE_SERVER), S(PROCEEDING), GET_FINAL, S(COMPLETED), S(SEND) },
	{ S(INVITE_SERVER), S(PROCEEDING), GET_REQUEST, S(PROCEEDING), S(SEND) },
	{ S(INVITE_SERVER), S(PROCEEDING), GET_ERROR, S(PROCEEDING), S(ERROR) },
	{ S(INVITE_SERVER), S(ACCEPTED), GET_2XX, S(ACCEPTED), S(SEND) },
	{ S(INVITE_SERVER), S(ACCEPTED), GET_ACK, S(ACCEPTED), S(DELIVER) },
	{ S(INVITE_SERVER), S(ACCEPTED), GET_ERROR, S(ACCEPTED), S(ERROR) },
	{ S(INVITE_SERVER), S(ACCEPTED), GET_EXPIRE, S(TERMINATED), S(DONE) },
	{ S(INVITE_SERVER), S(COMPLETED), GET_REQUEST, S(COMPLETED), S(SEND) },
	{ S(INVITE_SERVER), S(COMPLETED), GET_ACK, S(CONFIRMED), 0 },
	{ S(INVITE_SERVER), S(COMPLETED), GET_ERROR, S(COMPLETED), S(ERROR) },
	{ S(INVITE_SERVER), S(COMPLETED), GET_RETRANSMIT, S(COMPLETED), S(SEND) },
	{ S(INVITE_SERVER), S(COMPLETED), GET_EXPIRE, S(TERMINATED), S(TIMEOUT) | S(DONE) },
	{ S(INVITE_SERVER), S(CONFIRMED), GET_EXPIRE, S(TERMINATED), S(DONE) },
	/* RFC 3261 figure 8; transport errors end nothing (RFC 6026 8.8) */
	{ S(SERVER), S(TRYING), GET_1XX, S(PROCEEDING), S(SEND) },
	{ S(SERVER), S(TRYING), GET_2XX, S(COMPLETED), S(SEND) },
	{ S(SERVER), S(TRYING), GET_FINAL, S(COMPLETED), S(SEND) },
	{ S(SERVER), S(PROCEEDING), GET_1XX, S(PROCEEDING), S(SEND) },
	{ S(SERVER), S(PROCEEDING), GET_2XX, S(COMPLETED), S(SEND) },
	{ S(SERVER), S(PROCEEDING), GET_FINAL, S(COMPLETED), S(SEND) },
	{ S(SERVER), S(PROCEEDING), GET_REQUEST, S(PROCEEDING), S(SEND) },
	{ S(SERVER), S(PROCEEDING), GET_ERROR, S(PROCEEDING), S(ERROR) },
	{ S(SERVER), S(COMPLETED), GET_REQUEST, S(COMPLETED), S(SEND) },
	{ S(SERVER), S(COMPLETED), GET_ERROR, S(COMPLETED), S(ERROR) },
	{ S(SERVER), S(COMPLETED), GET_EXPIRE, S(TERMINATED), S(DONE) },
};

/* How to get to a state: an event after the other. An INVITE server has sent a 180 first. */
static const struct {
	enum sip_tx_kind kind;
	enum sip_tx_state state;
	enum event path[3];
	int count;
} states[] = {
	{ S(INVITE_CLIENT), S(CALLING), { 0 }, 0 },
	{ S(INVITE_CLIENT), S(PROCEEDING), { GET_1XX }, 1 },
	{ S(INVITE_CLIENT), S(ACCEPTED), { GET_2XX }, 1 },
	{ S(INVITE_CLIENT), S(ACCEPTED), { GET_1XX, GET_2XX }, 2 },
	{ S(INVITE_CLIENT), S(COMPLETED), { GET_FINAL }, 1 },
	{ S(INVITE_CLIENT), S(COMPLETED), { GET_1XX, GET_FINAL }, 2 },
	{ S(INVITE_CLIENT), S(TERMINATED), { GET_ERROR }, 1 },
	{ S(CLIENT), S(TRYING), { 0 }, 0 },
	{ S(CLIENT), S(PROCEEDING), { GET_1XX }, 1 },
	{ S(CLIENT), S(COMPLETED), { GET_FINAL }, 1 },
	{ S(CLIENT), S(COMPLETED), { GET_2XX }, 1 },
	{ S(CLIENT), S(COMPLETED), { GET_1XX, GET_FINAL }, 2 },
	{ S(CLIENT), S(COMPLETED), { GET_1XX, GET_2XX }, 2 },
	{ S(CLIENT), S(TERMINATED), { GET_ERROR }, 1 },
	{ S(INVITE_SERVER), S(PROCEEDING), { GET_1XX }, 1 },
	{ S(INVITE_SERVER), S(ACCEPTED), { GET_1XX, GET_2XX }, 2 },
	{ S(INVITE_SERVER), S(COMPLETED), { GET_FINAL }, 1 },
	{ S(INVITE_SERVER), S(CONFIRMED), { GET_FINAL, GET_ACK }, 2 },
	{ S(INVITE_SERVER), S(TERMINATED), { GET_2XX, GET_EXPIRE }, 2 },
	{ S(SERVER), S(TRYING), { 0 }, 0 },
	{ S(SERVER), S(PROCEEDING), { GET_1XX }, 1 },
	{ S(SERVER), S(COMPLETED), { GET_1XX, GET_FINAL }, 2 },
	{ S(SERVER), S(TERMINATED), { GET_2XX, GET_EXPIRE }, 2 },
};

static bool is_client(const struct sip_tx *tx)
{
	return tx->kind == SIP_TX_INVITE_CLIENT || tx->kind == SIP_TX_CLIENT;
}

static unsigned status(struct sip_tx *tx, unsigned code)
{
	return is_client(tx) ? sip_tx_response(tx, code, NOW) : sip_tx_reply(tx, code, NOW);
}

/* Timers that are off do not fire: 0. */
static unsigned happen(struct sip_tx *tx, enum event event, unsigned final)
{
	switch (event) {
	case GET_1XX:
		return status(tx, 180);
	case GET_2XX:
		return status(tx, 200);
	case GET_FINAL:
		return status(tx, final);
	case GET_REQUEST:
	case GET_ACK:
		return is_client(tx) ? 0 : sip_tx_request(tx, event == GET_ACK, NOW);
	case GET_ERROR:
		return sip_tx_error(tx);
	case GET_RETRANSMIT:
		return tx->retransmit_at ? sip_tx_tick(tx, tx->retransmit_at) : 0;
	case GET_EXPIRE:
		return tx->expire_at ? sip_tx_tick(tx, tx->expire_at) : 0;
	case EVENTS:
		break;
	}
	fail();
	return 0;
}

static const struct arrow *arrow(enum sip_tx_kind kind, enum sip_tx_state from, enum event event)
{
	for (size_t i = 0; i < ARRAY_LEN(arrows); i++)
		if (arrows[i].kind == kind && arrows[i].from == from && arrows[i].event == event)
			return &arrows[i];
	return NULL;
}

/* States that last zero seconds on reliable transports: Timers D, I, J, K. */
static bool is_brief(enum sip_tx_kind kind, enum sip_tx_state state)
{
	return state == SIP_TX_CONFIRMED ||
	       (state == SIP_TX_COMPLETED && kind != SIP_TX_INVITE_SERVER);
}

static void check_cell(const struct sip_tx *before, enum event event, unsigned final)
{
	const struct arrow *a = arrow(before->kind, before->state, event);
	enum sip_tx_state to = a ? a->to : before->state;
	unsigned want = a ? a->act : 0;
	struct sip_tx tx = *before;
	unsigned got;

	if (before->reliable && event == GET_RETRANSMIT)
		want = 0; /* Timers A, E, G never run there */
	if (before->reliable && a && is_brief(before->kind, to)) {
		to = SIP_TX_TERMINATED;
		want |= SIP_TX_DONE;
	}
	got = happen(&tx, event, final);
	if (got != want || tx.state != to)
		fail_msg("kind %d, %s, event %d: got %s and %x, want %s and %x", before->kind,
			sip_tx_state_name(before->state), event, sip_tx_state_name(tx.state), got,
			sip_tx_state_name(to), want);
	if (tx.state == SIP_TX_TERMINATED)
		assert_true(sip_tx_deadline(&tx) == UINT64_MAX);
	if (before->state == SIP_TX_TERMINATED) /* nothing but 0 follows */
		assert_int_equal(sip_tx_tick(&tx, UINT64_MAX), 0);
}

/* Every event in every state: the arrows of the figures, and nothing else. */
static void check_all(bool reliable)
{
	for (size_t i = 0; i < ARRAY_LEN(states); i++) {
		struct sip_tx tx;

		sip_tx_start(&tx, states[i].kind, reliable, NULL, NOW);
		for (int k = 0; k < states[i].count; k++)
			happen(&tx, states[i].path[k], 486);
		if (reliable && is_brief(states[i].kind, states[i].state)) {
			assert_int_equal(tx.state, SIP_TX_TERMINATED);
			continue;
		}
		assert_int_equal(tx.state, states[i].state);
		/* A timer that runs without an arrow would be due for ever. */
		assert_true(!tx.retransmit_at || arrow(tx.kind, tx.state, GET_RETRANSMIT));
		assert_true(!tx.expire_at == !arrow(tx.kind, tx.state, GET_EXPIRE));
		for (enum event e = 0; e < EVENTS; e++) {
			check_cell(&tx, e, 300);
			check_cell(&tx, e, 699);
		}
	}
}

static void test_arrows(void **state)
{
	(void)state;
	check_all(false);
}

static void test_arrows_reliable(void **state)
{
	(void)state;
	check_all(true);
}

static void test_start(void **state)
{
	static const enum sip_tx_state initial[] = { S(CALLING), S(TRYING), S(PROCEEDING),
		S(TRYING) };
	struct sip_tx tx;
	(void)state;

	for (enum sip_tx_kind kind = SIP_TX_INVITE_CLIENT; kind <= SIP_TX_SERVER; kind++) {
		bool client = kind == SIP_TX_INVITE_CLIENT || kind == SIP_TX_CLIENT;
		assert_int_equal(sip_tx_start(&tx, kind, false, NULL, NOW),
			client ? SIP_TX_SEND : SIP_TX_DELIVER);
		assert_int_equal(tx.state, initial[kind]);
		assert_int_equal(tx.timers.t1, 500);
		assert_int_equal(tx.timers.t2, 4000);
		assert_int_equal(tx.timers.t4, 5000);
		assert_int_equal(tx.timers.give_up, 32000);
		assert_true(sip_tx_deadline(&tx) == (client ? NOW + 500 : UINT64_MAX));
	}
}

/* ---- when ---- */

static const unsigned at_a[] = { 0, 1, 3, 7, 15, 31, 63 };
static const unsigned at_e[] = { 0, 1, 3, 7, 15, 23, 31, 39, 47, 55, 63 };

/* A tick in every millisecond but for the first: all but the due ones are early. */
static void check_schedule(
	struct sip_tx *tx, const unsigned *at, size_t count, unsigned unit, uint64_t end)
{
	size_t sent = 1;

	for (uint64_t ms = 1; ms < end; ms++) {
		uint64_t deadline = sip_tx_deadline(tx);
		unsigned act = sip_tx_tick(tx, NOW + ms);

		assert_int_equal(act != 0, deadline <= NOW + ms);
		if (!act)
			continue;
		assert_int_equal(act, SIP_TX_SEND);
		assert_true(sent < count);
		assert_int_equal(ms, at[sent] * unit);
		sent++;
	}
	assert_int_equal(sent, count);
	assert_true(sip_tx_deadline(tx) == NOW + end);
	assert_int_equal(sip_tx_tick(tx, NOW + end), SIP_TX_TIMEOUT | SIP_TX_DONE);
	assert_int_equal(sip_tx_tick(tx, NOW + end), 0);
}

static void test_times(void **state)
{
	static const uint32_t t1[] = { 500, 50, 1, 3 };
	struct sip_tx tx;
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(t1); i++) {
		struct sip_timers t = { .t1 = t1[i], .t2 = 8 * t1[i], .t4 = 10 * t1[i] };

		sip_tx_start(&tx, SIP_TX_INVITE_CLIENT, false, &t, NOW);
		check_schedule(&tx, at_a, ARRAY_LEN(at_a), t.t1, 64 * t.t1);
		sip_tx_start(&tx, SIP_TX_CLIENT, false, &t, NOW);
		check_schedule(&tx, at_e, ARRAY_LEN(at_e), t.t1, 64 * t.t1);
		sip_tx_start(&tx, SIP_TX_INVITE_SERVER, false, &t, NOW);
		assert_int_equal(sip_tx_reply(&tx, 486, NOW), SIP_TX_SEND);
		check_schedule(&tx, at_e, ARRAY_LEN(at_e), t.t1, 64 * t.t1);
	}
}

/* With T2 left at 4 s, requests other than INVITE are sent 7 times instead of 11. */
static void test_times_large_t2(void **state)
{
	struct sip_timers t = { .t1 = 50 };
	struct sip_tx tx;
	(void)state;

	sip_tx_start(&tx, SIP_TX_CLIENT, false, &t, NOW);
	check_schedule(&tx, at_a, ARRAY_LEN(at_a), 50, 3200);
}

static void test_times_reliable(void **state)
{
	struct sip_tx tx;
	(void)state;

	sip_tx_start(&tx, SIP_TX_INVITE_CLIENT, true, NULL, NOW);
	check_schedule(&tx, at_a, 1, 1, 32000);
	sip_tx_start(&tx, SIP_TX_CLIENT, true, NULL, NOW);
	check_schedule(&tx, at_a, 1, 1, 32000);
	sip_tx_start(&tx, SIP_TX_INVITE_SERVER, true, NULL, NOW);
	sip_tx_reply(&tx, 486, NOW);
	check_schedule(&tx, at_a, 1, 1, 32000);
}

static void test_no_retransmit(void **state)
{
	struct sip_timers t = { .no_retransmit = true, .give_up = 700 };
	struct sip_tx tx;
	(void)state;

	sip_tx_start(&tx, SIP_TX_INVITE_CLIENT, false, &t, NOW);
	check_schedule(&tx, at_a, 1, 1, 700);
	sip_tx_start(&tx, SIP_TX_CLIENT, false, &t, NOW);
	check_schedule(&tx, at_a, 1, 1, 700);
	sip_tx_start(&tx, SIP_TX_INVITE_SERVER, false, &t, NOW);
	sip_tx_reply(&tx, 603, NOW);
	check_schedule(&tx, at_a, 1, 1, 700);
	/* an answer to a retransmission is none of our own */
	sip_tx_start(&tx, SIP_TX_SERVER, false, &t, NOW);
	sip_tx_reply(&tx, 200, NOW);
	assert_int_equal(sip_tx_request(&tx, false, NOW + 1), SIP_TX_SEND);
}

/* RFC 3261 17.1.2.2: a provisional response leaves Timer E alone, which then is reset to T2. */
static void test_times_proceeding(void **state)
{
	static const unsigned at[] = { 0, 1, 9, 17, 25, 33, 41, 49, 57 };
	struct sip_tx tx;
	(void)state;

	sip_tx_start(&tx, SIP_TX_CLIENT, false, NULL, NOW);
	assert_int_equal(sip_tx_response(&tx, 100, NOW + 250), SIP_TX_DELIVER);
	check_schedule(&tx, at, ARRAY_LEN(at), 500, 32000);

	/* "Timers A and B stop": nothing is due while it rings. */
	sip_tx_start(&tx, SIP_TX_INVITE_CLIENT, false, NULL, NOW);
	assert_int_equal(sip_tx_response(&tx, 100, NOW + 250), SIP_TX_DELIVER);
	assert_true(sip_tx_deadline(&tx) == UINT64_MAX);
	assert_int_equal(sip_tx_tick(&tx, NOW + 1000000), 0);
}

/* A late tick is one retransmission, not a burst; the later ones keep their times. */
static void test_late(void **state)
{
	struct sip_tx tx;
	(void)state;

	sip_tx_start(&tx, SIP_TX_INVITE_CLIENT, false, NULL, NOW);
	assert_int_equal(sip_tx_tick(&tx, NOW + 520), SIP_TX_SEND);
	assert_true(sip_tx_deadline(&tx) == NOW + 1500);
	assert_int_equal(sip_tx_tick(&tx, NOW + 9000), SIP_TX_SEND);
	assert_true(sip_tx_deadline(&tx) > NOW + 9000);
	assert_int_equal(sip_tx_tick(&tx, NOW + 9000), 0);
	/* when both are due, it is over */
	assert_int_equal(sip_tx_tick(&tx, NOW + 100000), SIP_TX_TIMEOUT | SIP_TX_DONE);
}

/* How long the last state lasts. */
static uint64_t rest(
	enum sip_tx_kind kind, const enum event *path, int count, const struct sip_timers *t)
{
	struct sip_tx tx;
	uint64_t ms;

	sip_tx_start(&tx, kind, false, t, NOW);
	for (int i = 0; i < count; i++)
		happen(&tx, path[i], 404);
	ms = sip_tx_deadline(&tx) - NOW;
	assert_true(tx.retransmit_at == 0 || tx.state == SIP_TX_COMPLETED);
	return tx.expire_at ? tx.expire_at - NOW : ms;
}

static void test_waits(void **state)
{
	static const enum event answer[] = { GET_2XX }, refusal[] = { GET_FINAL, GET_ACK };
	struct sip_timers slow = { .t1 = 1000, .t4 = 7000 };
	struct sip_timers fast = { .t1 = 50, .t2 = 400, .t4 = 300 };
	struct sip_timers hasty = { .give_up = 900 };
	(void)state;

	/* D: "at least 32 seconds", whatever T1 is */
	assert_int_equal(rest(SIP_TX_INVITE_CLIENT, refusal, 1, NULL), 32000);
	assert_int_equal(rest(SIP_TX_INVITE_CLIENT, refusal, 1, &fast), 32000);
	assert_int_equal(rest(SIP_TX_INVITE_CLIENT, refusal, 1, &slow), 64000);
	assert_int_equal(rest(SIP_TX_INVITE_CLIENT, refusal, 1, &hasty), 32000);
	/* M, L: 64*T1 or as the user says */
	assert_int_equal(rest(SIP_TX_INVITE_CLIENT, answer, 1, NULL), 32000);
	assert_int_equal(rest(SIP_TX_INVITE_CLIENT, answer, 1, &fast), 3200);
	assert_int_equal(rest(SIP_TX_INVITE_CLIENT, answer, 1, &hasty), 900);
	assert_int_equal(rest(SIP_TX_INVITE_SERVER, answer, 1, NULL), 32000);
	assert_int_equal(rest(SIP_TX_INVITE_SERVER, answer, 1, &fast), 3200);
	assert_int_equal(rest(SIP_TX_INVITE_SERVER, answer, 1, &hasty), 900);
	/* H */
	assert_int_equal(rest(SIP_TX_INVITE_SERVER, refusal, 1, NULL), 32000);
	assert_int_equal(rest(SIP_TX_INVITE_SERVER, refusal, 1, &hasty), 900);
	/* I, K: T4; J: 64*T1 */
	assert_int_equal(rest(SIP_TX_INVITE_SERVER, refusal, 2, NULL), 5000);
	assert_int_equal(rest(SIP_TX_INVITE_SERVER, refusal, 2, &slow), 7000);
	assert_int_equal(rest(SIP_TX_CLIENT, answer, 1, NULL), 5000);
	assert_int_equal(rest(SIP_TX_CLIENT, answer, 1, &fast), 300);
	assert_int_equal(rest(SIP_TX_SERVER, answer, 1, NULL), 32000);
	assert_int_equal(rest(SIP_TX_SERVER, answer, 1, &fast), 3200);
	assert_int_equal(rest(SIP_TX_SERVER, answer, 1, &hasty), 32000);
	/* the largest values do not wrap round */
	assert_int_equal(rest(SIP_TX_SERVER, answer, 1, &(struct sip_timers){ .t1 = UINT32_MAX }),
		UINT32_MAX);
}

/* 17.2.1: a retransmitted request is answered with "the most recent provisional response", so
 * before there is one it is absorbed; 17.2.2: in Trying "any further request retransmissions are
 * discarded". */
static void test_server_silent(void **state)
{
	struct sip_tx tx;
	(void)state;

	sip_tx_start(&tx, SIP_TX_INVITE_SERVER, false, NULL, NOW);
	assert_int_equal(sip_tx_request(&tx, false, NOW), 0);
	assert_int_equal(sip_tx_request(&tx, true, NOW), 0);
	assert_int_equal(sip_tx_reply(&tx, 100, NOW), SIP_TX_SEND);
	assert_int_equal(sip_tx_request(&tx, false, NOW), SIP_TX_SEND);

	sip_tx_start(&tx, SIP_TX_SERVER, false, NULL, NOW);
	assert_int_equal(sip_tx_request(&tx, false, NOW), 0);
	assert_int_equal(sip_tx_reply(&tx, 100, NOW), SIP_TX_SEND);
	assert_int_equal(sip_tx_request(&tx, false, NOW), SIP_TX_SEND);
}

/* A60: a lost 200 and its ACK; the 2xx is the user's to repeat, the INVITE is absorbed. */
static void test_accepted(void **state)
{
	struct sip_tx tx;
	(void)state;

	sip_tx_start(&tx, SIP_TX_INVITE_SERVER, false, NULL, NOW);
	assert_int_equal(sip_tx_reply(&tx, 200, NOW), SIP_TX_SEND);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(sip_tx_request(&tx, false, NOW), 0);
		assert_int_equal(sip_tx_reply(&tx, 200, NOW), SIP_TX_SEND);
	}
	assert_int_equal(sip_tx_request(&tx, true, NOW), SIP_TX_DELIVER);
	assert_int_equal(sip_tx_request(&tx, true, NOW), SIP_TX_DELIVER);
	assert_int_equal(sip_tx_request(&tx, false, NOW), 0);
	assert_int_equal(sip_tx_reply(&tx, 180, NOW), 0);
	assert_int_equal(sip_tx_reply(&tx, 500, NOW), 0);
	assert_true(sip_tx_deadline(&tx) == NOW + 32000); /* no 2xx starts Timer L again */

	/* every 2xx goes up, each from another fork; what else follows them does not */
	sip_tx_start(&tx, SIP_TX_INVITE_CLIENT, false, NULL, NOW);
	for (int i = 0; i < 5; i++)
		assert_int_equal(sip_tx_response(&tx, 200, NOW + 100), SIP_TX_DELIVER);
	assert_int_equal(sip_tx_response(&tx, 180, NOW + 100), 0);
	assert_int_equal(sip_tx_response(&tx, 487, NOW + 100), 0);
	assert_true(sip_tx_deadline(&tx) == NOW + 32100); /* Timer M of the first one */
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(sip_tx_state_name(SIP_TX_CALLING), "calling");
	for (enum sip_tx_state s = SIP_TX_CALLING; s < SIP_TX_STATES; s++)
		assert_true(strlen(sip_tx_state_name(s)) > 0);
	assert_string_equal(sip_tx_state_name(SIP_TX_TERMINATED), "terminated");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_start),
		cmocka_unit_test(test_arrows),
		cmocka_unit_test(test_arrows_reliable),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_times_large_t2),
		cmocka_unit_test(test_times_reliable),
		cmocka_unit_test(test_times_proceeding),
		cmocka_unit_test(test_no_retransmit),
		cmocka_unit_test(test_late),
		cmocka_unit_test(test_waits),
		cmocka_unit_test(test_server_silent),
		cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_names),
	};
	return cmocka_run_group_tests_name("tx", tests, NULL, NULL);
}
