/* lib/endpoint/dialog.h -- a dialog that lives: found by what arrives, with its connection.
 * Embedded in its owner (session, refer). Internal to the endpoint layer. */
#ifndef ENDPOINT_DIALOG_H
#define ENDPOINT_DIALOG_H

#include "base/map.h"
#include "endpoint/transaction.h"
#include "sip/dialog.h"

struct dialog;

/* A request within the dialog whose CSeq is in order. t is the owner's to answer and to free, NULL
 * for an ACK to a 2xx. The owner may close and free d in it. */
typedef void dialog_request_fn(void *arg, struct dialog *d, struct transaction *t,
	struct sip_msg *m, struct net_flow *flow);

struct dialog {
	struct map_node node; /* in manager->dialogs */
	struct endpoint *endpoint; /* NULL: closed, or never open */
	struct sip_dialog sip;
	struct net_flow *flow; /* its connection (PP-11), NULL: none */
	bool direct; /* the peer at the other end of flow is the next hop of our requests */
	dialog_request_fn *on_request;
	void *arg;
};

/* Makes d findable: d->sip, on_request and arg are set. False when a dialog with this id is there
 * already (A54): d is not open then. */
bool dialog_open(struct dialog *d, struct endpoint *ep);
/* A dialog in the making: Call-ID and our tag are all that is known of it (NOTIFY may come before
 * the 2xx, RFC 6665 4.4.1). d->sip stays empty. */
bool dialog_open_half(
	struct dialog *d, struct endpoint *ep, struct str call_id, struct str local_tag);
/* Not found any more; lets go of the flow and frees sip. Zeroed, or twice, is fine. */
void dialog_close(struct dialog *d);
/* What request m is for, or NULL; half: also one in the making. */
struct dialog *dialog_find(struct endpoint_manager *m, const struct sip_msg *msg, bool half);

/* The dialog goes over this flow from now on; takes a ref. m: the message that came or went over
 * it, which tells whether the peer itself is at its other end. */
void dialog_use_flow(struct dialog *d, struct net_flow *flow, const struct sip_msg *m);
/* The flow that our next request can take as it is: the kept one of a server-based endpoint, the
 * dialog's when it is open and leads to the next hop; NULL: locate the next hop. No ref. */
struct net_flow *dialog_flow(struct dialog *d);

/* Answers t as it is usual within a dialog: our tag, Record-Route when asked for, received and
 * rport; headers: whole lines, may be empty. reason may be empty. t stays the caller's. */
struct dialog_response {
	unsigned status;
	struct str reason, headers, type, body;
	bool record_route; /* a response that makes a dialog */
	struct str local_tag; /* empty: the transaction's */
};
void dialog_reply(struct transaction *t, const struct dialog_response *r);
/* "Contact: <...>\r\n" of ours on this flow, with the endpoint's parameters and features; secure: a
 * sips URI, when the flow is TLS. */
void dialog_contact(struct endpoint *ep, struct net_flow *flow, bool secure, struct buf *b);
/* RFC 3261 12.1.1: must the Contact in our answer to m, which makes a dialog, be a sips URI? */
bool dialog_wants_sips(const struct sip_msg *m);
/* 8.1.1.8: must that of our request to target be one? */
bool dialog_is_sips(struct str target);
/* The next id of a dialog in this process, for events ("d1"). */
unsigned dialog_next_id(struct endpoint_manager *m);

#endif
