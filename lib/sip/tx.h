/* lib/sip/tx.h -- the four transactions of RFC 3261 section 17 with the corrections of RFC 6026,
 * as tables over (state, event). No socket, no clock: a time goes in, actions and a deadline come
 * out. */
#ifndef SIP_TX_H
#define SIP_TX_H

#include "base/str.h"

/* RFC 3261 table 4, in milliseconds; zero means 500, 4000, 5000. */
struct sip_timers {
	uint32_t t1, t2, t4;
	uint32_t give_up; /* Timers B, F, H and RFC 6026's L and M: 0 means 64*T1 */
	bool no_retransmit; /* for tests of the peer: Timers A, E, G never fire */
};

enum sip_tx_kind { SIP_TX_INVITE_CLIENT, SIP_TX_CLIENT, SIP_TX_INVITE_SERVER, SIP_TX_SERVER };

enum sip_tx_state {
	SIP_TX_CALLING, /* INVITE client */
	SIP_TX_TRYING, /* non-INVITE, both sides */
	SIP_TX_PROCEEDING,
	SIP_TX_ACCEPTED, /* INVITE, RFC 6026 */
	SIP_TX_COMPLETED,
	SIP_TX_CONFIRMED, /* INVITE server */
	SIP_TX_TERMINATED,
	SIP_TX_STATES
};

/* Actions, ORed. The owner carries them out in this order. */
enum {
	SIP_TX_SEND = 1 << 0, /* client: the request; server: the latest response */
	SIP_TX_ACK = 1 << 1, /* INVITE client: send (again) the ACK for this non-2xx */
	SIP_TX_DELIVER = 1 << 2, /* give what was received to the user */
	SIP_TX_TIMEOUT = 1 << 3, /* tell the user: Timer B, F; server: H (no ACK came) */
	SIP_TX_ERROR = 1 << 4, /* tell the user: the transport failed */
	SIP_TX_DONE = 1 << 5, /* terminated: free it; exactly once, and nothing but 0 follows */
};

struct sip_tx {
	enum sip_tx_kind kind;
	enum sip_tx_state state;
	bool reliable; /* the transport */
	struct sip_timers timers; /* defaults filled in */
	uint32_t interval; /* current A, E or G */
	uint64_t retransmit_at; /* 0: off */
	uint64_t expire_at; /* B, D, F, H, I, J, K, L or M; 0: off */
	bool provisional; /* server: the latest response is a provisional one */
};

/* Begins one at time now (ms). Client: SEND comes back. Server: DELIVER comes back. */
unsigned sip_tx_start(struct sip_tx *tx, enum sip_tx_kind kind, bool reliable,
	const struct sip_timers *timers, uint64_t now);
/* Client: a response with this status (100 to 699) arrived. 0: absorbed. On a reliable transport a
 * final one comes back with DONE at once, unless it is a 2xx to INVITE: Timers D and K are zero. */
unsigned sip_tx_response(struct sip_tx *tx, unsigned status, uint64_t now);
/* Server: the request arrived again; for INVITE ack says that it was the ACK. DELIVER: the ACK is
 * the user's, who sent a 2xx (RFC 6026 7.1). */
unsigned sip_tx_request(struct sip_tx *tx, bool ack, uint64_t now);
/* Server: the user answers with this status. SEND: it is the latest response now; 0: the state does
 * not allow it any more and it must be discarded. A 2xx to INVITE is sent again as often as the
 * user asks (RFC 6026 7.1). */
unsigned sip_tx_reply(struct sip_tx *tx, unsigned status, uint64_t now);
/* The time has come, or may have: nothing due gives 0 and leaves the deadline. */
unsigned sip_tx_tick(struct sip_tx *tx, uint64_t now);
/* The transport failed. Ends a client that waits for its final response, and an INVITE client whose
 * ACK for a final one (delivered before) fails; a server goes on, so that retransmissions stay
 * absorbed (RFC 6026 8.8). */
unsigned sip_tx_error(struct sip_tx *tx);
/* When to tick next; UINT64_MAX: never (an INVITE that rings, a request nobody has answered). */
uint64_t sip_tx_deadline(const struct sip_tx *tx);
/* "calling", "trying" ... for traces. */
const char *sip_tx_state_name(enum sip_tx_state s);

#endif
