/* lib/sip/tx_client.c -- the client transactions: RFC 3261 17.1, INVITE as RFC 6026 corrects it */
#include "sip/tx_table.h"

/* RFC 6026 figure 5. Timer B guards "calling" alone: how long a call may ring is the user's. */
const struct tx_table sip_tx_client_invite = {
	SIP_TX_CALLING,
	{
		[SIP_TX_CALLING] = {
			[ON_START] = { SIP_TX_CALLING, SIP_TX_SEND | START_A | START_B },
			[ON_TIMER_A] = { SIP_TX_CALLING, SIP_TX_SEND | DOUBLE_A },
			[ON_TIMER_B] = { SIP_TX_TERMINATED, SIP_TX_TIMEOUT },
			[ON_ERROR] = { SIP_TX_TERMINATED, SIP_TX_ERROR },
			[ON_1XX] = { SIP_TX_PROCEEDING, SIP_TX_DELIVER | STOP_A | STOP_B },
			[ON_2XX] = { SIP_TX_ACCEPTED, SIP_TX_DELIVER | STOP_A | START_M },
			[ON_300_699] = { SIP_TX_COMPLETED,
				SIP_TX_ACK | SIP_TX_DELIVER | STOP_A | START_D },
		},
		[SIP_TX_PROCEEDING] = {
			[ON_ERROR] = { SIP_TX_TERMINATED, SIP_TX_ERROR },
			[ON_1XX] = { SIP_TX_PROCEEDING, SIP_TX_DELIVER },
			[ON_2XX] = { SIP_TX_ACCEPTED, SIP_TX_DELIVER | START_M },
			[ON_300_699] = { SIP_TX_COMPLETED, SIP_TX_ACK | SIP_TX_DELIVER | START_D },
		},
		[SIP_TX_ACCEPTED] = {
			/* 8.4: "Any 2xx responses ... MUST be passed up to the TU" */
			[ON_2XX] = { SIP_TX_ACCEPTED, SIP_TX_DELIVER },
			[ON_TIMER_M] = { SIP_TX_TERMINATED, SIP_TX_DONE },
		},
		[SIP_TX_COMPLETED] = {
			/* 8.4: "but the newly received response MUST NOT be passed up" */
			[ON_300_699] = { SIP_TX_COMPLETED, SIP_TX_ACK },
			[ON_TIMER_D] = { SIP_TX_TERMINATED, SIP_TX_DONE },
			[ON_ERROR] = { SIP_TX_TERMINATED, SIP_TX_ERROR },
		},
	},
};

/* RFC 3261 figure 6. Timers E and F go on through a provisional response. */
const struct tx_table sip_tx_client_other = {
	SIP_TX_TRYING,
	{
		[SIP_TX_TRYING] = {
			[ON_START] = { SIP_TX_TRYING, SIP_TX_SEND | START_E | START_F },
			[ON_TIMER_E] = { SIP_TX_TRYING, SIP_TX_SEND | DOUBLE_E },
			[ON_TIMER_F] = { SIP_TX_TERMINATED, SIP_TX_TIMEOUT },
			[ON_ERROR] = { SIP_TX_TERMINATED, SIP_TX_ERROR },
			[ON_1XX] = { SIP_TX_PROCEEDING, SIP_TX_DELIVER },
			[ON_2XX] = { SIP_TX_COMPLETED, SIP_TX_DELIVER | STOP_E | START_K },
			[ON_300_699] = { SIP_TX_COMPLETED, SIP_TX_DELIVER | STOP_E | START_K },
		},
		[SIP_TX_PROCEEDING] = {
			/* 17.1.2.2: "Timer E MUST be reset with a value of T2 seconds" */
			[ON_TIMER_E] = { SIP_TX_PROCEEDING, SIP_TX_SEND | E_AT_T2 },
			[ON_TIMER_F] = { SIP_TX_TERMINATED, SIP_TX_TIMEOUT },
			[ON_ERROR] = { SIP_TX_TERMINATED, SIP_TX_ERROR },
			[ON_1XX] = { SIP_TX_PROCEEDING, SIP_TX_DELIVER },
			[ON_2XX] = { SIP_TX_COMPLETED, SIP_TX_DELIVER | STOP_E | START_K },
			[ON_300_699] = { SIP_TX_COMPLETED, SIP_TX_DELIVER | STOP_E | START_K },
		},
		[SIP_TX_COMPLETED] = {
			[ON_TIMER_K] = { SIP_TX_TERMINATED, SIP_TX_DONE },
		},
	},
};
