/* lib/endpoint/refer_impl.h -- what refer.c takes from the files that receive */
#ifndef ENDPOINT_REFER_IMPL_H
#define ENDPOINT_REFER_IMPL_H

#include "endpoint/dialog.h"
#include "endpoint/impl.h"
#include "endpoint/refer.h"

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
/* It was freed, silently: theirs is to be freed by who owns them. */
void refer_session_freed(struct list *refers);

#endif
