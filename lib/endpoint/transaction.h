/* lib/endpoint/transaction.h -- one running transaction: a sip_tx, its flow and its timer. Internal
 * to the endpoint layer and the test server. */
#ifndef ENDPOINT_TRANSACTION_H
#define ENDPOINT_TRANSACTION_H

#include "endpoint/endpoint.h"
#include "sip/build.h"
#include "sip/msg.h"
#include "sip/tx.h"

struct transaction;

enum transaction_event_type {
	TRANSACTION_RESPONSE, /* client: msg; also every 2xx to an INVITE again */
	TRANSACTION_TIMEOUT, /* client: Timer B or F; server: H, no ACK came */
	TRANSACTION_FAILED, /* the transport failed: fail */
	TRANSACTION_ACK, /* INVITE server: the ACK for a non-2xx arrived */
	TRANSACTION_CANCEL, /* INVITE server: a CANCEL arrived and was answered 200 */
	TRANSACTION_ENDED, /* terminated in order; comes last, then the owner frees it */
};

struct transaction_event {
	enum transaction_event_type type;
	struct sip_msg *msg; /* borrowed */
	const struct fail *fail;
};

/* The owner may free the transaction in it. After TIMEOUT and FAILED of a client nothing more
 * comes. */
typedef void transaction_fn(void *arg, struct transaction *t, const struct transaction_event *ev);

struct transaction_config {
	struct endpoint_manager *manager;
	struct endpoint *endpoint; /* whose handler hears of the messages; NULL: nobody's */
	struct net_flow *flow; /* open, or a UDP flow; a ref is taken */
	uint64_t timeout_ms; /* Timers B and F; 0: 64*T1 */
	transaction_fn *fn;
	void *arg;
};

/* Sends a request; its topmost Via has a branch of ours. 0 and *out, or -FAIL_x. Never calls fn
 * (R2). */
int transaction_send(const struct transaction_config *config, struct str wire,
	struct transaction **out, struct fail *f);
/* Takes a server transaction over: fn hears of ACK, CANCEL and the end. Until then the manager owns
 * it. */
void transaction_own(struct transaction *t, transaction_fn *fn, void *arg);
/* Server: sends a response (whole message, as sip_build_response made it). A status that the state
 * does not allow any more is dropped silently. */
void transaction_reply(struct transaction *t, unsigned status, struct str wire);
/* Server: the latest response once more, as it is (2xx: 13.3.1.4; reliable provisional ones: RFC
 * 3262 section 3). */
void transaction_repeat(struct transaction *t);
/* Server: a response without body and with nothing but what is mandatory, and these headers (may be
 * NULL). */
void transaction_answer(struct transaction *t, unsigned status, const char *headers);
/* Lets go: no fn any more. A server transaction lives on by itself until its timers end
 * (retransmissions are still absorbed), and so does an INVITE client with its final response; any
 * other client transaction dies at once. NULL is fine. */
void transaction_free(struct transaction *t);

struct sip_msg *transaction_msg(const struct transaction *t); /* the request; borrowed */
struct net_flow *transaction_flow(const struct transaction *t);
unsigned transaction_retransmissions(const struct transaction *t);
double transaction_age_ms(const struct transaction *t);
/* Our To tag of a server transaction: the same for all its responses. */
struct str transaction_tag(struct transaction *t);

/* received and rport for the topmost Via of a response to msg that came over flow (18.2.1, RFC
 * 3581); texts into t. */
struct sip_response transaction_response(
	const struct sip_msg *msg, struct net_flow *flow, char text[NET_ADDR_TEXT]);

/* z9hG4bK and twenty random characters. */
#define TRANSACTION_BRANCH 32
void transaction_branch(char out[TRANSACTION_BRANCH]);

#endif
