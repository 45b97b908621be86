/* lib/endpoint/subscription.h -- a subscription to the state of a resource: RFC 6665 sections 4.1
 * and 4.4, RFC 5839, RFC 4662, RFC 5367; rows SB- and the states of ucma.md 2.5. One SUBSCRIBE may
 * come to several notifiers (it forks): then there are several dialogs, each refreshed by itself.
 */
#ifndef ENDPOINT_SUBSCRIPTION_H
#define ENDPOINT_SUBSCRIPTION_H

#include "endpoint/request.h"

struct subscription;

/* SB-06, SB-07: what each kind of SUBSCRIBE carries beside Event, Expires and Accept. */
enum subscription_request {
	SUBSCRIPTION_SUBSCRIBE, /* also those that subscribe anew */
	SUBSCRIPTION_UPDATE,
	SUBSCRIPTION_UNSUBSCRIBE,
	SUBSCRIPTION_REFRESH,
	SUBSCRIPTION_REQUESTS
};

struct subscription_extra {
	const struct endpoint_header *headers;
	unsigned header_count;
	struct str type, body; /* empty: none */
};

struct subscription_config {
	struct endpoint *endpoint;
	struct str target; /* Request-URI */
	struct str event; /* package and parameters: "presence", "dialog;call-id=\"...\"" */
	uint32_t expires; /* asked for, seconds; not 0 */
	bool fetch; /* Expires: 0, its NOTIFY ends it (SB-05) */
	const struct str *accept;
	unsigned accept_count; /* media types; none: those of the package that are decoded, and any
				  other */
	struct subscription_extra extra[SUBSCRIPTION_REQUESTS];
	const struct str
		*members; /* the body is a list of these URIs (RFC 5367); extra has no body then */
	unsigned member_count;
	struct str suppress; /* RFC 5839: Suppress-If-Match of the first SUBSCRIBE, an entity tag or
				"*"; empty: none. Refreshes carry the tag of the last NOTIFY that
				had one */
	bool decode; /* bodies become trees, partial ones are merged */
	bool give_up; /* ends with the first failure or end by the notifier, whatever its reason
			 (SB-09) */
	int max_forwards; /* -1: the endpoint's */
	uint64_t timeout_ms; /* of one transaction; 0: 64*T1 */
	unsigned follow; /* redirects */
	struct request_retry retry; /* of the first SUBSCRIBE */
	uint64_t recover_ms; /* how long a lost subscription is tried again; 0: 5 min */
	endpoint_event_fn *on_event; /* SUBSCRIPTION, NOTIFY, RETRY, CHALLENGED; then DONE (fetch),
					FAILED or CLOSED */
	void *arg;
};

enum subscription_state { /* ucma.md 2.5; Idle is before subscription_start */
	SUBSCRIPTION_SUBSCRIBING,
	SUBSCRIPTION_SUBSCRIBED,
	SUBSCRIPTION_WAITING, /* for the next try (SB-11) */
	SUBSCRIPTION_TERMINATING,
	SUBSCRIPTION_TERMINATED,
};

/* -FAIL_ARGUMENT, -FAIL_STATE, before any packet. Never calls the handler. The final event of a
 * subscription that was active and ended by the notifier for good has -FAIL_ENDED, of one that was
 * lost and not recovered -FAIL_LOST, of one without any NOTIFY -FAIL_TIMEOUT. */
int subscription_start(
	const struct subscription_config *config, struct subscription **out, struct fail *f);
/* Graceful (SB-14): Expires 0 in every dialog, then ENDPOINT_CLOSED, whatever the notifier says.
 * Twice is fine. */
void subscription_stop(struct subscription *s);
void subscription_free(
	struct subscription *s); /* at once and silently; NULL is fine; allowed in the handler */

/* A refresh now, in every dialog (SB-12). -FAIL_STATE unless it is subscribed. */
int subscription_refresh(struct subscription *s);
/* A SUBSCRIBE with a body and extra header fields in every dialog (SB-13). -FAIL_STATE unless it is
 * subscribed, -FAIL_ARGUMENT. */
int subscription_update(
	struct subscription *s, const struct subscription_extra *extra, struct fail *f);
enum subscription_state subscription_state(const struct subscription *s);
/* Until the next refresh is due, in ms; NET_NEVER when none is planned (SB-03). */
uint64_t subscription_refresh_in_ms(const struct subscription *s);
/* The first SUBSCRIBE as it would be sent (--dry-run). */
int subscription_dry_run(const struct subscription_config *config, struct buf *out, struct fail *f);

#endif
