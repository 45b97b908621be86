/* lib/endpoint/refer_impl.h -- the insides of a REFER, shared by its files: refer.c has what both
 * roles need and our own ones, refer_received.c those that come to us */
#ifndef ENDPOINT_REFER_IMPL_H
#define ENDPOINT_REFER_IMPL_H

#include "endpoint/dialog.h"
#include "endpoint/impl.h"
#include "endpoint/refer.h"
#include "sip/uri.h"

enum { REFER_FRAG_MAX = 1024 }; /* of a status line that is reported */

struct refer {
	struct list node; /* in its session's refers, or alone */
	struct endpoint *endpoint;
	struct session *session; /* NULL: outside of any, or it has ended */
	struct arena arena; /* of config's texts, and of those of a received one */
	struct refer_config config;
	struct dialog own; /* outside of a session */
	struct dialog half; /* ours, before a response: a NOTIFY may come first (RFC 6665 4.4.1) */
	struct request *request; /* on its way: REFER, SUBSCRIBE, or NOTIFY */
	char call_id[40], tag[17];
	uint32_t cseq; /* of the REFER: the id of its events; 0: not sent yet */
	unsigned status; /* of the last sipfrag, received or sent */
	ev_timer timer; /* no final NOTIFY, or no refresh; then the end, from the loop (R2) */
	endpoint_event_fn *fn;
	void *arg;
	struct endpoint_result result;
	struct sip_msg *response; /* the 2xx of our REFER, for the result; NULL: none came */
	struct net_flow *flow; /* that it came by */
	double rtt_ms;
	enum endpoint_event_type end; /* DONE, FAILED or CLOSED, when over */
	bool accepted, over, told, stopping;

	/* a received one */
	bool received, silent; /* silent: Refer-Sub: false, so nothing is reported */
	bool decided;
	bool *gone; /* set while the handler decides: tells that it was freed */
	struct transaction *transaction; /* until it is answered */
	struct str uri, refer_to, referred_by, method, replaces;
	struct buf frag; /* "200 OK": what is to be told, or was told last */
	unsigned frag_status;
	bool due; /* a NOTIFY with it is to be sent */
	bool last; /* the one on its way ends the subscription */
	const char *ending; /* why it ends without a final status; NULL: it does not */
	uint64_t expires_at; /* ms */
};

/* ---- for who takes requests ---- */

/* A REFER arrived: within session s's dialog d, or outside of any (s and d are NULL). True: t is
 * taken over and will be answered. */
bool refer_received(struct endpoint *ep, struct session *s, struct dialog *d, struct transaction *t,
	struct sip_msg *m);
/* A NOTIFY with Event: refer arrived within a session's dialog. False when it belongs to no REFER
 * of that session: t is still the caller's. */
bool refer_notified(struct session *s, struct dialog *d, struct transaction *t, struct sip_msg *m);
/* A SUBSCRIBE arrived there: the same, for the REFERs that came within the session. */
bool refer_subscribed(struct session *s, struct transaction *t, struct sip_msg *m);

/* The session that these REFERs live in has ended, and its dialog with it: ours are over (RF-03),
 * ends are told later. Takes them out of the list. */
void refer_session_ended(struct list *refers);
/* The ends that are due, until *gone: before something is told that came behind what they come of.
 */
void refer_tell_due(struct list *refers, const bool *gone);
/* It was freed, silently: theirs is to be freed by who owns them. */
void refer_session_freed(struct list *refers);

/* ---- refer.c ---- */

struct refer *refer_new(struct endpoint *ep, struct session *s);
/* Never NULL; a closed one has no endpoint. */
struct dialog *refer_dialog(struct refer *r);
/* The one final event comes from the loop. */
void refer_finish(struct refer *r, enum endpoint_event_type end);
/* Refuses a request of its subscription; t is let go. */
void refer_refuse(struct transaction *t, unsigned status);
/* Which of the session's REFERs it is about, of those received or of ours; NULL: none. */
struct refer *refer_find(struct session *s, const struct sip_msg *m, bool received);
/* The Refer-To without its headers, and their Replaces (RFC 5589 section 7, RFC 3891 section 4).
 * False: there is one that is none. */
bool refer_split_uri(struct refer *r, const struct sip_uri *u);
/* What follows the REFER in its dialog: without its header fields. */
struct request_config refer_within(struct refer *r, struct str method);
/* What arrives in a dialog that the REFER made itself, both roles. */
void refer_on_dialog(void *arg, struct dialog *d, struct transaction *t, struct sip_msg *m,
	struct net_flow *flow);

/* ---- refer_received.c ---- */

/* Its last NOTIFY, for a reason of RFC 6665. */
void refer_end_subscription(struct refer *r, const char *reason);
/* A SUBSCRIBE within its dialog. */
void refer_answer_subscribe(struct refer *r, struct transaction *t, const struct sip_msg *m);

#endif
