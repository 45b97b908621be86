/* lib/sip/tx_table.h -- inside of lib/sip/tx*.c: the words in which the tables are written. A row
 * is an arrow of a figure; a cell that is not there means "ignore". */
#ifndef SIP_TX_TABLE_H
#define SIP_TX_TABLE_H

#include "sip/tx.h"

enum tx_event {
	ON_START,
	ON_1XX, /* received by a client, given to a server by its user */
	ON_2XX,
	ON_300_699,
	ON_REQUEST, /* a retransmission */
	ON_ACK,
	ON_RETRANSMIT,
	ON_EXPIRE,
	ON_ERROR,
	ON_EVENTS,

	/* The timers by their letters, RFC 3261 table 4 and RFC 6026 8.11: in a state at most one
	 * of A, E, G runs, and at most one of the others. */
	ON_TIMER_A = ON_RETRANSMIT,
	ON_TIMER_E = ON_RETRANSMIT,
	ON_TIMER_G = ON_RETRANSMIT,
	ON_TIMER_B = ON_EXPIRE,
	ON_TIMER_D = ON_EXPIRE,
	ON_TIMER_F = ON_EXPIRE,
	ON_TIMER_H = ON_EXPIRE,
	ON_TIMER_I = ON_EXPIRE,
	ON_TIMER_J = ON_EXPIRE,
	ON_TIMER_K = ON_EXPIRE,
	ON_TIMER_L = ON_EXPIRE,
	ON_TIMER_M = ON_EXPIRE,
};

/* What a step does besides the actions of tx.h, ORed to them. */
enum {
	START_A = 1 << 8, /* at T1; never on reliable transports */
	DOUBLE_A = 1 << 9, /* again after twice the interval */
	DOUBLE_E = 1 << 10, /* the same, but at most T2 */
	E_AT_T2 = 1 << 11,
	STOP_A = 1 << 12,
	START_B = 1 << 13, /* 64*T1, or what the user wants instead */
	STOP_B = 1 << 14,
	START_D = 1 << 15, /* D, J and K: at once on reliable transports */
	START_J = 1 << 16,
	START_K = 1 << 17,

	START_E = START_A,
	STOP_E = STOP_A,
	START_G = START_A,
	DOUBLE_G = DOUBLE_E,
	STOP_G = STOP_A,
	START_F = START_B,
	START_H = START_B,
	START_L = START_B,
	START_M = START_B,
	START_I = START_K,
};

struct tx_step {
	enum sip_tx_state to;
	unsigned act; /* 0: the cell is empty */
};

struct tx_table {
	enum sip_tx_state initial;
	struct tx_step step[SIP_TX_STATES][ON_EVENTS];
};

/* RFC 6026 figure 5, RFC 3261 figure 6 */
extern const struct tx_table sip_tx_client_invite, sip_tx_client_other;
/* RFC 6026 figure 7, RFC 3261 figure 8 */
extern const struct tx_table sip_tx_server_invite, sip_tx_server_other;

#endif
