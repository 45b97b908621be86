/* tests/fuzz/fuzz_tx.c -- any sequence of events and times ends each transaction exactly once, and
 * its user hears of one end. Input: six bytes of settings, then pairs of bytes: an event, and the
 * time that passes before it. */
#include "sip/tx.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A transaction and what its user has been told. */
struct run {
	struct sip_tx tx;
	uint64_t now;
	int finals, timeouts, errors, done;
};

static bool is_client(const struct run *r)
{
	return r->tx.kind == SIP_TX_INVITE_CLIENT || r->tx.kind == SIP_TX_CLIENT;
}

/* status: what the event carried, or 0. */
static void check(struct run *r, unsigned act, unsigned status)
{
	bool over = r->done > 0;

	assert(!over || act == 0);
	r->done += (act & SIP_TX_DONE) != 0;
	r->timeouts += (act & SIP_TX_TIMEOUT) != 0;
	r->errors += (act & SIP_TX_ERROR) != 0;
	if (is_client(r))
		r->finals += (act & SIP_TX_DELIVER) && status >= 200;

	assert((r->done > 0) == (r->tx.state == SIP_TX_TERMINATED));
	assert(r->done <= 1 && r->timeouts <= 1);
	assert(!(act & SIP_TX_TIMEOUT) || (act & SIP_TX_DONE));
	assert(!r->done || sip_tx_deadline(&r->tx) == UINT64_MAX);
	assert(r->tx.expire_at == 0 || r->tx.expire_at >= r->tx.retransmit_at ||
		r->tx.retransmit_at - r->tx.expire_at <= r->tx.interval);
	if (!is_client(r))
		return;
	assert(!(act & SIP_TX_ERROR) || (act & SIP_TX_DONE));
	assert(r->timeouts + r->errors <= 1);
	assert(!r->timeouts || !r->finals);
	/* Only the ACK for a final response may fail behind it; only an INVITE has several. */
	assert(!(r->errors && r->finals) || r->tx.kind == SIP_TX_INVITE_CLIENT);
	assert(r->finals <= 1 || r->tx.kind == SIP_TX_INVITE_CLIENT);
	assert(!(act & SIP_TX_ACK) || r->tx.kind == SIP_TX_INVITE_CLIENT);
}

static void tick(struct run *r)
{
	struct sip_tx before = r->tx;
	unsigned act = sip_tx_tick(&r->tx, r->now);

	check(r, act, 0);
	if (sip_tx_deadline(&before) > r->now) { /* early: nothing, and no change */
		assert(act == 0 && memcmp(&before, &r->tx, sizeof(before)) == 0);
		return;
	}
	assert(act != 0 && !(act & (SIP_TX_DELIVER | SIP_TX_ACK | SIP_TX_ERROR)));
	assert(!(act & SIP_TX_SEND) || (!r->tx.reliable && !r->tx.timers.no_retransmit));
	assert(sip_tx_deadline(&r->tx) > r->now); /* so that ticks come to an end */
}

static void status_event(struct run *r, unsigned status)
{
	unsigned act = is_client(r) ? sip_tx_response(&r->tx, status, r->now)
				    : sip_tx_reply(&r->tx, status, r->now);

	check(r, act, status);
	assert(is_client(r) || !(act & ~(unsigned)(SIP_TX_SEND | SIP_TX_DONE)));
}

static void event(struct run *r, uint8_t which)
{
	switch (which % 5) {
	case 0:
		status_event(r, 100 + which % 100);
		break;
	case 1:
		status_event(r, 200 + which);
		break;
	case 2:
		status_event(r, 300 + which);
		break;
	case 3:
		if (is_client(r))
			break;
		check(r, sip_tx_request(&r->tx, which & 0x80, r->now), 0);
		break;
	default:
		if (which < 0x40)
			check(r, sip_tx_error(&r->tx), 0);
	}
}

/* Time up to the end: a user who has not answered does so, a peer that only rings does no more. */
static void finish(struct run *r)
{
	int ticks = 0;

	if (sip_tx_deadline(&r->tx) == UINT64_MAX && !r->done)
		status_event(r, 500);
	while (!r->done) {
		uint64_t deadline = sip_tx_deadline(&r->tx);
		assert(deadline != UINT64_MAX && ++ticks < 50000);
		r->now = deadline > r->now ? deadline : r->now;
		tick(r);
	}
	for (unsigned i = 0; i < 256; i++) /* nothing but 0 from here on */
		event(r, (uint8_t)i);
	tick(r);
	if (r->tx.kind == SIP_TX_CLIENT)
		assert(r->finals + r->timeouts + r->errors == 1);
	if (r->tx.kind == SIP_TX_INVITE_CLIENT)
		assert(r->finals + r->timeouts + r->errors >= 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct run r;
	struct sip_timers t;
	unsigned act;

	if (size < 6)
		return -1;
	memset(&r, 0, sizeof(r));
	t = (struct sip_timers){ .t1 = data[1] * 4U,
		.t2 = data[2] * 32U,
		.t4 = data[3] * 16U,
		.give_up = data[4] * 128U,
		.no_retransmit = data[5] & 1 };
	r.now = data[5] * 1000U;
	act = sip_tx_start(&r.tx, (enum sip_tx_kind)(data[0] & 3), data[0] & 4, &t, r.now);
	check(&r, act, 0);
	assert(act == (is_client(&r) ? SIP_TX_SEND : SIP_TX_DELIVER));
	for (size_t i = 6; i + 1 < size; i += 2) {
		/* up to 2 s in steps, or right to the deadline, or just before it */
		uint64_t deadline = sip_tx_deadline(&r.tx);
		if (data[i + 1] < 0xf0)
			r.now += (uint64_t)data[i + 1] * data[i + 1] / 28;
		else if (deadline != UINT64_MAX && deadline > r.now)
			r.now = deadline - (data[i + 1] & 1);
		if (data[i] & 0x20)
			tick(&r);
		event(&r, data[i]);
	}
	finish(&r);
	return 0;
}
