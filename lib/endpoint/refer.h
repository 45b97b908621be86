/* lib/endpoint/refer.h -- REFER and its implicit subscription, both roles, within a session or
 * outside of any: RFC 3515, 4488 (no subscription), 3892 (Referred-By), 5589; rows RF- */
#ifndef ENDPOINT_REFER_H
#define ENDPOINT_REFER_H

#include "endpoint/session.h"

struct refer;

struct refer_config {
	struct endpoint *endpoint;
	struct session *session; /* NULL: outside of a dialog, to target */
	struct str target;
	struct str refer_to; /* URI, with its ?Replaces= if any */
	struct str method; /* parameter of Refer-To; empty: none, which means INVITE */
	bool no_subscription; /* Refer-Sub: false (RFC 4488) */
	int max_forwards;
	uint64_t timeout_ms; /* of the REFER */
	uint64_t
		notify_ms; /* no final NOTIFY for so long: FAILED with -FAIL_TIMEOUT; 0: no limit */
	unsigned follow;
	struct request_retry retry;
	const struct endpoint_header *headers;
	unsigned header_count;
	endpoint_event_fn *on_event; /* TRANSFER for each NOTIFY; DONE when the final one is here
					(its sipfrag's status may be any; result.response is the
					REFER's, NULL when it was overtaken), or at once with
					no_subscription; FAILED */
	void *arg;
};

/* RF-01. refer_to may be a URI of any scheme (RFC 3515 2.1), a method goes with SIP ones. Never
 * calls the handler. -FAIL_ARGUMENT, -FAIL_STATE. */
int refer_start(const struct refer_config *config, struct refer **out, struct fail *f);
int refer_dry_run(const struct refer_config *config, struct buf *out, struct fail *f);
/* Unsubscribes (RF-03); of a received one: ends the subscription with a NOTIFY. Then
 * ENDPOINT_CLOSED. */
void refer_stop(struct refer *r);
/* At once and silently; NULL is fine. */
void refer_free(struct refer *r);
/* The status of the last sipfrag, 0: none yet. */
unsigned refer_status(const struct refer *r);

/* Is this the value of a Replaces header field (RFC 3891 section 6.1)? */
bool refer_is_replaces(struct str value);
/* A URI for refer_to that has the call it asks for replace a dialog (RFC 5589 section 7.3):
 * "sip:carol@example.com?Replaces=...". */
void refer_write_replaces(struct buf *b, struct str uri, struct str replaces);

/* ---- Received: ENDPOINT_TRANSFER with state "pending", at the session's handler or the
 * endpoint's. One of these in the handler, or 603 is sent when it returns. ---- */

/* 202 (200 with Refer-Sub: false) and NOTIFY "100 Trying" (RF-05). The taker reports with
 * refer_notify and frees r after its CLOSED or FAILED. When it fails, r is refused and freed. */
int refer_accept(struct refer *r, endpoint_event_fn *fn, void *arg, struct fail *f);
/* Refuses and frees r. */
void refer_decline(struct refer *r, unsigned status, struct str reason);
/* RF-06: status and phrase of the call that was asked for, into a NOTIFY; a final one ends the
 * subscription: then CLOSED comes, as when the subscriber ends it or lets it expire. While a NOTIFY
 * is on its way only the newest report is kept. reason may be empty. -FAIL_STATE after a final one
 * or the end, -FAIL_ARGUMENT. */
int refer_notify(struct refer *r, unsigned status, struct str reason, struct fail *f);
/* What it asks for: the URI without headers and method, and the value of Replaces in it (empty:
 * none). */
struct str refer_uri(const struct refer *r);
struct str refer_replaces(const struct refer *r);

#endif
