/* lib/sip/tx_server.c -- the server transactions: RFC 3261 section 17.2 as RFC 6026 corrects it. A
 * transport error ends none of them: "the server transaction ... MUST remain in the current state"
 * (RFC 6026 8.8), so that retransmissions of the request stay absorbed. */
#include "sip/tx_table.h"

/* RFC 6026 figure 7. That a 100 goes out within 200 ms is the owner's matter. */
const struct tx_table sip_tx_server_invite = {
	SIP_TX_PROCEEDING,
	{
		[SIP_TX_PROCEEDING] = {
			[ON_START] = { SIP_TX_PROCEEDING, SIP_TX_DELIVER },
			[ON_REQUEST] = { SIP_TX_PROCEEDING, SIP_TX_SEND },
			[ON_ERROR] = { SIP_TX_PROCEEDING, SIP_TX_ERROR },
			[ON_1XX] = { SIP_TX_PROCEEDING, SIP_TX_SEND },
			[ON_2XX] = { SIP_TX_ACCEPTED, SIP_TX_SEND | START_L },
			[ON_300_699] = { SIP_TX_COMPLETED, SIP_TX_SEND | START_G | START_H },
		},
		[SIP_TX_ACCEPTED] = {
			/* 7.1: "any retransmissions of the INVITE received ... will be absorbed",
			 * "any ACKs ... MUST be passed directly to the TU" */
			[ON_2XX] = { SIP_TX_ACCEPTED, SIP_TX_SEND },
			[ON_ACK] = { SIP_TX_ACCEPTED, SIP_TX_DELIVER },
			[ON_ERROR] = { SIP_TX_ACCEPTED, SIP_TX_ERROR },
			[ON_TIMER_L] = { SIP_TX_TERMINATED, SIP_TX_DONE },
		},
		[SIP_TX_COMPLETED] = {
			[ON_REQUEST] = { SIP_TX_COMPLETED, SIP_TX_SEND },
			[ON_ACK] = { SIP_TX_CONFIRMED, STOP_G | START_I },
			[ON_TIMER_G] = { SIP_TX_COMPLETED, SIP_TX_SEND | DOUBLE_G },
			/* RFC 3261 17.2.1: "MUST indicate to the TU that a transaction failure
			 * has occurred", which the new figure has lost, but no text takes back. */
			[ON_TIMER_H] = { SIP_TX_TERMINATED, SIP_TX_TIMEOUT },
			[ON_ERROR] = { SIP_TX_COMPLETED, SIP_TX_ERROR },
		},
		[SIP_TX_CONFIRMED] = {
			[ON_TIMER_I] = { SIP_TX_TERMINATED, SIP_TX_DONE },
		},
	},
};

/* RFC 3261 figure 8 */
const struct tx_table sip_tx_server_other = {
	SIP_TX_TRYING,
	{
		[SIP_TX_TRYING] = {
			[ON_START] = { SIP_TX_TRYING, SIP_TX_DELIVER },
			[ON_1XX] = { SIP_TX_PROCEEDING, SIP_TX_SEND },
			[ON_2XX] = { SIP_TX_COMPLETED, SIP_TX_SEND | START_J },
			[ON_300_699] = { SIP_TX_COMPLETED, SIP_TX_SEND | START_J },
		},
		[SIP_TX_PROCEEDING] = {
			[ON_REQUEST] = { SIP_TX_PROCEEDING, SIP_TX_SEND },
			[ON_ERROR] = { SIP_TX_PROCEEDING, SIP_TX_ERROR },
			[ON_1XX] = { SIP_TX_PROCEEDING, SIP_TX_SEND },
			[ON_2XX] = { SIP_TX_COMPLETED, SIP_TX_SEND | START_J },
			[ON_300_699] = { SIP_TX_COMPLETED, SIP_TX_SEND | START_J },
		},
		[SIP_TX_COMPLETED] = {
			[ON_REQUEST] = { SIP_TX_COMPLETED, SIP_TX_SEND },
			[ON_ERROR] = { SIP_TX_COMPLETED, SIP_TX_ERROR },
			[ON_TIMER_J] = { SIP_TX_TERMINATED, SIP_TX_DONE },
		},
	},
};
