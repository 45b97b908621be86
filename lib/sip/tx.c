/* lib/sip/tx.c -- what the four transactions share: start, step, timers, names. The tables are in
 * tx_client.c and tx_server.c. */
#include "sip/tx.h"

#include "base/base.h"
#include "sip/tx_table.h"

#include <assert.h>

#define ACTIONS                                                                                    \
	((unsigned)(SIP_TX_SEND | SIP_TX_ACK | SIP_TX_DELIVER | SIP_TX_TIMEOUT | SIP_TX_ERROR |    \
		    SIP_TX_DONE))

static const struct tx_table *const tables[] = {
	[SIP_TX_INVITE_CLIENT] = &sip_tx_client_invite,
	[SIP_TX_CLIENT] = &sip_tx_client_other,
	[SIP_TX_INVITE_SERVER] = &sip_tx_server_invite,
	[SIP_TX_SERVER] = &sip_tx_server_other,
};

static uint32_t cut(uint64_t ms)
{
	return ms < UINT32_MAX ? (uint32_t)ms : UINT32_MAX;
}

static uint32_t lesser(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static struct sip_timers with_defaults(const struct sip_timers *timers)
{
	struct sip_timers t = timers ? *timers : (struct sip_timers){ 0 };

	t.t1 = t.t1 ? t.t1 : 500;
	t.t2 = t.t2 ? t.t2 : 4000;
	t.t4 = t.t4 ? t.t4 : 5000;
	t.give_up = t.give_up ? t.give_up : cut((uint64_t)64 * t.t1);
	return t;
}

/* Timers A, E and G. */
static void set_retransmit(struct sip_tx *tx, unsigned act, uint64_t now)
{
	uint32_t twice = cut((uint64_t)2 * tx->interval);

	if (act & STOP_A)
		tx->retransmit_at = 0;
	if (act & START_A && !tx->reliable && !tx->timers.no_retransmit) {
		tx->interval = tx->timers.t1;
		tx->retransmit_at = now + tx->interval;
	}
	if (act & (DOUBLE_A | DOUBLE_E | E_AT_T2)) {
		tx->interval = act & DOUBLE_A   ? twice
			       : act & DOUBLE_E ? lesser(twice, tx->timers.t2)
						: tx->timers.t2;
		/* A late tick does not shift those that follow, and is followed by no burst. */
		tx->retransmit_at += tx->interval;
		if (tx->retransmit_at <= now)
			tx->retransmit_at = now + tx->interval;
	}
}

/* The other timers. False: one of zero seconds was started. */
static bool set_expire(struct sip_tx *tx, unsigned act, uint64_t now)
{
	uint32_t wait_64t1 = cut((uint64_t)64 * tx->timers.t1);

	if (act & STOP_B)
		tx->expire_at = 0;
	if (act & START_B)
		tx->expire_at = now + tx->timers.give_up;
	/* Table 4: "Timer D > 32s for UDP, 0s for TCP/SCTP"; so J and K: nothing is lost there. */
	if (act & (START_D | START_J | START_K) && tx->reliable)
		return false;
	/* RFC 6026 8.4: the peer's T1 is unknown, "so an absolute minimum of 32 s is used". */
	if (act & START_D)
		tx->expire_at = now + (wait_64t1 > 32000 ? wait_64t1 : 32000);
	if (act & START_J)
		tx->expire_at = now + wait_64t1;
	if (act & START_K)
		tx->expire_at = now + tx->timers.t4;
	return true;
}

static unsigned step(struct sip_tx *tx, enum tx_event event, uint64_t now)
{
	const struct tx_step *s = &tables[tx->kind]->step[tx->state][event];
	unsigned act = s->act;

	if (!act)
		return 0;
	tx->state = s->to;
	set_retransmit(tx, act, now);
	if (!set_expire(tx, act, now))
		tx->state = SIP_TX_TERMINATED;
	if (tx->state == SIP_TX_TERMINATED) {
		tx->retransmit_at = tx->expire_at = 0;
		act |= SIP_TX_DONE;
	}
	return act & ACTIONS;
}

static bool is_client(const struct sip_tx *tx)
{
	return tx->kind == SIP_TX_INVITE_CLIENT || tx->kind == SIP_TX_CLIENT;
}

static enum tx_event on_status(unsigned status)
{
	assert(status >= 100 && status <= 699);
	return status < 200 ? ON_1XX : status < 300 ? ON_2XX : ON_300_699;
}

unsigned sip_tx_start(struct sip_tx *tx, enum sip_tx_kind kind, bool reliable,
	const struct sip_timers *timers, uint64_t now)
{
	*tx = (struct sip_tx){
		.kind = kind,
		.state = tables[kind]->initial,
		.reliable = reliable,
		.timers = with_defaults(timers),
	};
	return step(tx, ON_START, now);
}

unsigned sip_tx_response(struct sip_tx *tx, unsigned status, uint64_t now)
{
	assert(is_client(tx));
	return step(tx, on_status(status), now);
}

unsigned sip_tx_request(struct sip_tx *tx, bool ack, uint64_t now)
{
	assert(!is_client(tx));
	/* 17.2.1: "the most recent provisional response that was received from the TU": there may
	 * be none yet. */
	if (!ack && tx->state == SIP_TX_PROCEEDING && !tx->provisional)
		return 0;
	return step(tx, ack ? ON_ACK : ON_REQUEST, now);
}

unsigned sip_tx_reply(struct sip_tx *tx, unsigned status, uint64_t now)
{
	unsigned act;

	assert(!is_client(tx));
	act = step(tx, on_status(status), now);
	if (act)
		tx->provisional = status < 200;
	return act;
}

unsigned sip_tx_tick(struct sip_tx *tx, uint64_t now)
{
	if (tx->expire_at && tx->expire_at <= now)
		return step(tx, ON_EXPIRE, now);
	if (tx->retransmit_at && tx->retransmit_at <= now)
		return step(tx, ON_RETRANSMIT, now);
	return 0;
}

unsigned sip_tx_error(struct sip_tx *tx)
{
	return step(tx, ON_ERROR, 0); /* no arrow of a transport error starts a timer */
}

uint64_t sip_tx_deadline(const struct sip_tx *tx)
{
	uint64_t expire = tx->expire_at ? tx->expire_at : UINT64_MAX;
	uint64_t retransmit = tx->retransmit_at ? tx->retransmit_at : UINT64_MAX;

	return expire < retransmit ? expire : retransmit;
}

const char *sip_tx_state_name(enum sip_tx_state s)
{
	static const char *const names[] = {
		[SIP_TX_CALLING] = "calling",
		[SIP_TX_TRYING] = "trying",
		[SIP_TX_PROCEEDING] = "proceeding",
		[SIP_TX_ACCEPTED] = "accepted",
		[SIP_TX_COMPLETED] = "completed",
		[SIP_TX_CONFIRMED] = "confirmed",
		[SIP_TX_TERMINATED] = "terminated",
	};
	return names[s];
}
