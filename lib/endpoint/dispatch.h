/* lib/endpoint/dispatch.h -- inside the manager: wire -> transaction -> dialog -> owner; the
 * unmatched are answered (ucma.md table 1M, EP-30). Internal to the endpoint layer and the test
 * server. */
#ifndef ENDPOINT_DISPATCH_H
#define ENDPOINT_DISPATCH_H

#include "endpoint/endpoint.h"
#include "endpoint/resolve.h"
#include "endpoint/transaction.h"

/* Who takes every new request in place of the endpoints: the test server. t is NULL for an ACK that
 * belongs to no transaction (the one for a 2xx). True: taken (then t is the taker's to answer and
 * to free). */
typedef bool dispatch_request_fn(
	void *arg, struct transaction *t, struct sip_msg *m, struct net_flow *flow);
void endpoint_manager_on_request(struct endpoint_manager *m, dispatch_request_fn *fn, void *arg);
/* A second listener for the flows' events, after the manager's own work; flow tokens of a registrar
 * need it. */
void endpoint_manager_on_flow(struct endpoint_manager *m, net_flow_fn *fn, void *arg);
/* May spoil what is sent (rte serve --fault): true when it took the bytes over. */
typedef bool dispatch_send_fn(void *arg, struct net_flow *flow, struct str wire);
void endpoint_manager_on_send(struct endpoint_manager *m, dispatch_send_fn *fn, void *arg);

/* Signs what goes out and checks what comes in, where a security association demands it
 * (auth/association.h): the endpoints' own (secure.c) unless the test server sets another. */
struct dispatch_security {
	/* A whole message is about to go over flow. True: out holds it signed; false: it goes as it
	 * is. */
	bool (*sign)(void *arg, struct net_flow *flow, struct str wire, struct buf *out);
	/* A message that fits the grammar has come by flow, and nothing has been done with it yet.
	 * False: it is discarded, silently towards the peer; who says so has traced and counted
	 * why. */
	bool (*verify)(void *arg, struct net_flow *flow, struct sip_msg *m);
};
void endpoint_manager_secure(
	struct endpoint_manager *m, const struct dispatch_security *ops, void *arg);

/* The request of the server transaction that msg belongs to, or for as_invite that an ACK or CANCEL
 * is for (17.2.3, 9.2); NULL: there is none (any more). */
const struct sip_msg *dispatch_known(
	struct endpoint_manager *m, const struct sip_msg *msg, bool as_invite);

/* Sends bytes over a flow, signed where that is due, traced and counted. */
int dispatch_send(
	struct endpoint_manager *m, struct net_flow *flow, struct str wire, bool retransmission);
/* The first half of it alone: b, a whole message, is replaced by its signed form. */
void dispatch_sign(struct endpoint_manager *m, struct net_flow *flow, struct buf *b);
/* The second half: what dispatch_sign has seen. */
int dispatch_send_signed(
	struct endpoint_manager *m, struct net_flow *flow, struct str wire, bool retransmission);
/* The manager's parts. */
struct net_manager *endpoint_manager_net(struct endpoint_manager *m);
struct net_dns *endpoint_manager_dns(struct endpoint_manager *m, struct fail *f);
struct resolve_dead *endpoint_manager_dead(struct endpoint_manager *m);
const struct trace *endpoint_manager_trace(const struct endpoint_manager *m);
const struct endpoint_manager_config *endpoint_manager_options(const struct endpoint_manager *m);

/* --advertise taken apart; the port is left alone when it names none. */
void dispatch_advertised(const struct endpoint_manager *m, struct buf *host, uint16_t *port);
/* Host and port for Via and Contact on this flow: --advertise, a listener's port, or the flow's own
 * local address. */
void dispatch_sent_by(
	struct endpoint_manager *m, const struct net_flow *flow, struct buf *host, uint16_t *port);

/* Fills the plain-typed description of a message or flow for an event; views into m, flow and the
 * buffers given. A message that was never sent has no flow (NULL). */
struct dispatch_text {
	char local[NET_ADDR_TEXT], remote[NET_ADDR_TEXT];
};
void dispatch_describe_flow(const struct net_flow *flow, struct dispatch_text *t,
	struct endpoint_tls *tls, struct endpoint_flow *out);
void dispatch_describe_msg(const struct sip_msg *m, const struct net_flow *flow,
	struct dispatch_text *t, struct endpoint_msg *out);

#endif
