/* lib/endpoint/incoming_impl.h -- requests on their way to a handler, for the files of this layer
 */
#ifndef ENDPOINT_INCOMING_IMPL_H
#define ENDPOINT_INCOMING_IMPL_H

#include "endpoint/impl.h"
#include "endpoint/incoming.h"

/* Takes t over. session: the one it came in, or NULL. */
struct incoming *incoming_new(struct endpoint *ep, struct session *s, struct transaction *t);
/* Tells fn of it as ENDPOINT_INCOMING; what is neither answered nor kept in the call gets 200 and
 * is freed. Comes last: fn may free everything. */
void incoming_deliver(struct incoming *in, endpoint_event_fn *fn, void *arg);

/* session.c: a new INVITE that passed the checks; t is taken over. */
void session_incoming(
	struct endpoint *ep, struct transaction *t, struct sip_msg *m, struct net_flow *flow);

#endif
