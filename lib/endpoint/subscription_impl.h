/* lib/endpoint/subscription_impl.h -- the insides of a subscription, shared by its files:
 * subscription.c has its life, subscription_first.c the SUBSCRIBE outside of dialogs,
 * subscription_leg.c one of its dialogs, subscription_notify.c what arrives there,
 * subscription_wire.c what is written */
#ifndef ENDPOINT_SUBSCRIPTION_IMPL_H
#define ENDPOINT_SUBSCRIPTION_IMPL_H

#include "endpoint/backoff.h"
#include "endpoint/dialog.h"
#include "endpoint/impl.h"
#include "endpoint/subscription.h"
#include "sip/body.h"
#include "sip/event.h"

/* Of each SUBSCRIBE: more notifiers than this are told that there is no subscription (481). */
#define SUBSCRIPTION_LEGS 64

struct subscription {
	struct list node; /* in endpoint->subscriptions */
	struct subscription_config config; /* texts live in the arena */
	struct arena arena;
	struct endpoint *endpoint;
	struct sip_event event; /* of config.event */
	struct str list_body; /* of config.members */
	bool adhoclist; /* it is in the form of dialect ocs */
	bool plain; /* a server does not know BENOTIFY, which dialect ocs offers */
	enum subscription_state state;
	char call_id[40], tag[17]; /* of the SUBSCRIBE that makes dialogs */
	uint32_t cseq;
	struct auth_exchange exchange; /* of that Call-ID */
	struct request *request; /* that SUBSCRIBE, until it is answered */
	struct dialog half; /* it: NOTIFYs of all notifiers are found by it (RFC 6665 4.4.1) */
	struct sip_msg *sent, *accepted; /* it and its 2xx */
	struct net_flow *flow; /* that the 2xx came by */
	double rtt_ms; /* of the 2xx */
	struct list legs; /* the dialogs, each made by a NOTIFY */
	unsigned leg_count; /* of those that have not ended */
	/* Of the tags that made one by this SUBSCRIBE: whose dialog is over, has no second one. */
	uint64_t notifiers[SUBSCRIPTION_LEGS];
	unsigned notifier_count;
	ev_timer timer; /* no NOTIFY, the next try, or the end */
	struct backoff recovery;
	struct backoff_repeat repeat; /* of subscribing anew at once */
	uint64_t not_before; /* ms: the notifier does not want it back earlier */
	/* How the last dialog ended while other notifiers may still come: what counts when none
	 * did. */
	struct subscription_verdict {
		bool is;
		enum subscription_again {
			SUBSCRIPTION_NOW,
			SUBSCRIPTION_LATER,
			SUBSCRIPTION_NEVER
		} when;
		uint64_t tag; /* hash of the notifier's */
		char reason[40];
		bool has_retry_after;
		uint32_t retry_after;
	} verdict;
	bool answered; /* the SUBSCRIBE outside of dialogs is over */
	bool notified; /* a NOTIFY has come since the last SUBSCRIBE outside of dialogs */
	bool established; /* there was a dialog that was pending or active */
	bool stopping, over, told; /* told: its final event is out */
	bool *gone; /* set while a handler runs: tells its caller that it freed us */
	enum endpoint_event_type end; /* DONE, FAILED or CLOSED, when over */
	struct endpoint_result result;
};

/* One dialog: our side of one notifier. */
struct subscription_leg {
	struct list node; /* in subscription->legs */
	struct subscription *subscription;
	struct dialog dialog;
	unsigned id; /* for events */
	uint64_t tag; /* hash of the notifier's */
	const char *state; /* "pending" or "active"; NULL: not told yet */
	uint64_t expires_at, refresh_at; /* ms; NET_NEVER: not known, none planned */
	ev_timer timer;
	struct request *request; /* a SUBSCRIBE within it */
	enum subscription_request kind; /* of it */
	bool busy; /* it is on its way */
	struct subscription_extra update; /* to be sent, when updates is set, or just sent */
	struct arena update_texts;
	bool updates;
	struct backoff recovery; /* of one of several: the last one's is the subscription's */
	struct auth_exchange exchange;
	char *etag; /* of the last NOTIFY (RFC 5839); NULL: none */
	struct body_state *documents; /* NULL: none yet */
	uint64_t asked_all_at; /* ms: when the whole state was asked for last */
	bool want_all; /* the next refresh is to bring it */
	bool closing; /* Expires: 0 is on its way, or was answered */
	bool ended; /* it is as good as freed: its last events are being told */
};

/* ---- subscription_first.c ---- */

/* Sends the SUBSCRIBE that makes dialogs, under ids of its own. */
int subscription_first(struct subscription *s, struct fail *f);
struct request_config subscription_first_request(struct subscription *s);
/* What was waited for is due: the next try, or the end of Timer N. May free s. */
void subscription_first_due(struct subscription *s);
/* No further notifier is taken. */
void subscription_first_drop(struct subscription *s);
/* The last dialog has ended. May other notifiers of this SUBSCRIBE come, so that this one does not
 * decide? Then it is kept until they did not. */
bool subscription_first_keeps(struct subscription *s, uint64_t tag, enum subscription_again when,
	const struct endpoint_subscription *e);

/* ---- subscription.c ---- */

/* False when the handler freed s. */
bool subscription_tell(struct subscription *s, const struct endpoint_event *ev);
/* The one final event comes from the loop. */
void subscription_finish(struct subscription *s, enum endpoint_event_type end);
/* FAILED with this text. */
void subscription_fail(struct subscription *s, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* The last dialog is gone. */
/* Subscribes anew, or says why not; e: how it ended, with its reason and retry-after. Arms timers
 * only; *wait: until then. */
void subscription_again(struct subscription *s, enum subscription_again when,
	const struct endpoint_subscription *e, uint64_t *wait);
/* The next try of what was lost: false when there is no time left, and then the end is on its way.
 */
bool subscription_recover(
	struct subscription *s, const struct endpoint_result *result, uint64_t *wait);
/* A RETRY event. As subscription_tell. */
bool subscription_tell_retry(
	struct subscription *s, const char *because, struct str detail, uint64_t wait);
/* 64*T1: RFC 6665 4.1.2.4's Timer N. */
uint64_t subscription_timer_n(const struct subscription *s);
/* FAILED with a response of the notifier's. Comes last: the handler may free s. */
void subscription_refused(struct subscription *s, const struct endpoint_result *result);
struct subscription_extra subscription_keep_extra(
	struct arena *a, const struct subscription_extra *x);

/* ---- subscription_leg.c ---- */

/* A NOTIFY that passed the judge makes a new one; t is answered and let go. */
void subscription_leg_new(struct subscription *s, struct transaction *t, struct sip_msg *m,
	struct net_flow *flow, const struct sip_subscription_state *state);
void subscription_leg_free(struct subscription_leg *l);
/* A 2xx that says what a NOTIFY would (ms-piggyback-first-notify)? */
bool subscription_is_piggyback(const struct subscription *s, const struct sip_msg *response);
/* The 2xx that was accepted makes a new one, and is its first notification. May free s. */
void subscription_leg_piggybacked(struct subscription *s);
/* The 2xx of the SUBSCRIBE that made it has come: its Record-Route counts when the NOTIFY had none.
 */
void subscription_leg_accepted(struct subscription_leg *l);
/* Begins a SUBSCRIBE within it as soon as the one on its way is over. */
void subscription_leg_refresh(struct subscription_leg *l);
void subscription_leg_update(struct subscription_leg *l, const struct subscription_extra *extra);
/* Expires: 0; when that is over the leg frees itself, and the subscription after its last leg. */
void subscription_leg_close(struct subscription_leg *l);
/* It is over, as the notifier has forgotten it; told from the loop. */
void subscription_leg_lose(struct subscription_leg *l);
/* Before any NOTIFY: a dialog of the 2xx, only to end it. */
void subscription_leg_from_response(struct subscription *s);

/* What the events tell of it; expiries in seconds. */
struct endpoint_subscription subscription_leg_describe(
	const struct subscription_leg *l, const char *state, const char *cause);
/* A SUBSCRIPTION event. As subscription_tell. */
bool subscription_leg_tell(struct subscription *s, const struct endpoint_subscription *e);
/* What a 423 has raised is asked for from now on. */
void subscription_keep_raised(struct subscription *s, const struct request *r);
/* The expiry of a SUBSCRIBE's 2xx, never more than was asked for. */
uint32_t subscription_leg_granted(const struct subscription *s, const struct sip_msg *m);
void subscription_leg_set_expiry(struct subscription_leg *l, uint32_t seconds);
/* What a NOTIFY says is left. */
void subscription_leg_correct_expiry(struct subscription_leg *l, uint32_t seconds);
/* Nothing comes of it any more, but that its end is told. */
void subscription_leg_mark_ended(struct subscription_leg *l);
/* Tells its end and frees it; the subscription goes on as `when` says, if it was the last. May free
 * the subscription. */
void subscription_leg_end(
	struct subscription_leg *l, struct endpoint_subscription *e, enum subscription_again when);

/* ---- subscription_notify.c ---- */

/* Is this NOTIFY about our package, and well-formed? 0 and *state, or the status to refuse it with.
 */
unsigned subscription_judge(const struct subscription *s, const struct sip_msg *m,
	struct sip_subscription_state *state);
/* Refuses t, which is let go; a BENOTIFY gets no answer. */
void subscription_refuse(const struct subscription *s, struct transaction *t, unsigned status);

/* A NOTIFY that was judged and answered, or a 2xx in the place of one: what it says is kept and
 * told. May free l and its subscription. */
void subscription_leg_notified(struct subscription_leg *l, struct sip_msg *m, struct net_flow *flow,
	const struct sip_subscription_state *state);

/* ---- subscription_wire.c ---- */

/* request_config.write of the SUBSCRIBE outside of dialogs; arg: struct subscription. */
void subscription_write(void *arg, struct request *r, struct buf *b);
/* Of one within; arg: struct subscription_leg. */
void subscription_leg_write(void *arg, struct request *r, struct buf *b);
/* The list of config.members and its type: RFC 5367, or what a registrar of dialect ocs takes. */
void subscription_write_list(const struct subscription *s, struct buf *b);
struct str subscription_list_type(const struct subscription *s);

#endif
