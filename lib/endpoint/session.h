/* lib/endpoint/session.h -- signaling sessions: RFC 3261 sections 13 to 15 in both directions, RFC
 * 3262, 3264, 3311, 4028, 3891; rows SS-. A session is one INVITE and the dialogs that come of it.
 */
#ifndef ENDPOINT_SESSION_H
#define ENDPOINT_SESSION_H

#include "endpoint/media.h"
#include "endpoint/request.h"

struct session;

enum session_100rel { SESSION_100REL_NO, SESSION_100REL_OFFER, SESSION_100REL_REQUIRE };
enum session_refresher { SESSION_REFRESHER_ANY, SESSION_REFRESHER_UAC, SESSION_REFRESHER_UAS };

/* What both directions share. Copied. */
struct session_policy {
	struct media
		*media; /* borrowed; lives longer. NULL: no description is sent, any is taken */
	enum session_100rel reliable; /* SS-14, SS-15, EP-22 */
	uint32_t expires; /* Session-Expires in s that we ask for; 0: no timer of ours, but the
			     peer's is honoured */
	enum session_refresher refresher;
	uint32_t min_se; /* s; 0: 90, which is also the least (RFC 4028 section 4) */
	unsigned reinvite_status; /* 0: re-INVITE and UPDATE are accepted; else refused with this */
	const struct endpoint_header *headers; /* of INVITE, of re-INVITE, and of the answer */
	unsigned header_count;
	endpoint_event_fn *on_event; /* SESSION, SESSION_TIMER, TRANSFER, INCOMING (MESSAGE and INFO
					within), ANSWERED, RETRY, CHALLENGED; then one final:
					FAILED when it was never established, or was lost (code
					-FAIL_LOST); CLOSED when an established one has ended */
	void *arg;
};

struct session_config {
	struct endpoint *endpoint;
	struct session_policy policy;
	struct str target; /* Request-URI */
	struct str to; /* empty: target */
	struct str call_id; /* SS-02; empty: made */
	bool late_offer; /* INVITE without a description: the offer comes in the 2xx (13.2.1) */
	int max_forwards; /* -1: the endpoint's */
	uint64_t timeout_ms; /* Timer B, and F of requests within; 0: 64*T1 */
	uint64_t ring_ms; /* no final response for so long after the first 1xx: CANCEL (EP-24);
			     0: no limit. Then FAILED with -FAIL_TIMEOUT, response the 487 */
	unsigned follow; /* redirects (SS-25) */
	struct request_retry retry;
};

/* ---- Outgoing ---- */

/* SS-02, SS-04: the INVITE. Never calls the handler. -FAIL_ARGUMENT, -FAIL_STATE. */
int session_start(const struct session_config *config, struct session **out, struct fail *f);
/* The INVITE as it would be sent (--dry-run). */
int session_dry_run(const struct session_config *config, struct buf *out, struct fail *f);

/* ---- Incoming: comes with ENDPOINT_INCOMING of its endpoint ---- */

/* The handler takes the session; what happens to it from now on goes to the policy's handler, and
 * the taker frees it after its final event. What the policy cannot have (420, 421, 422) is refused
 * by itself: then FAILED comes. Untaken it is refused with 480 when the handler returns. */
void session_take(struct session *s, const struct session_policy *policy);
/* A provisional response, 101 to 199 (SS-13), reliably as the policy and the peer allow (SS-14),
 * with our description if early (a reliable one must answer an offer). -FAIL_STATE unless it rings;
 * -FAIL_ARGUMENT. */
int session_ring(struct session *s, unsigned status, struct str reason, bool early, struct fail *f);
/* The last of them was reliable and has no PRACK yet: until then there is no other one. */
bool session_waits_for_prack(const struct session *s);
/* 200, or another 2xx; confirmed with the ACK (SS-19). What the offer allows no answer to is
 * refused with 488 by itself (-FAIL_MEDIA). reason may be empty. */
int session_accept(struct session *s, unsigned status, struct str reason, struct fail *f);
/* SS-23: 300 to 699, with headers (may be none). Then FAILED comes. */
int session_reject(struct session *s, unsigned status, struct str reason,
	const struct endpoint_header *headers, unsigned header_count, struct fail *f);

/* ---- Both ---- */

/* SS-21: CANCEL, BYE, or 480 to an INVITE that rings; then the final event comes. Twice is fine.
 * reason: value of a Reason header (RFC 3326), empty: none. */
void session_stop(struct session *s, struct str reason);
/* At once and silently, without a word on the wire (--drop-after); NULL is fine. Its refers are
 * freed before. */
void session_free(struct session *s);
/* Confirmed, and not about to end. */
bool session_is_confirmed(const struct session *s);
bool session_is_incoming(const struct session *s);
/* The status that an incoming one was refused with, by whomever; 0: it was not. */
unsigned session_refused(const struct session *s);
unsigned session_id(const struct session *s);
/* Call-ID;to-tag=..;from-tag=.. of its dialog for the Replaces of an INVITE that goes to its peer,
 * as in an attended transfer: to-tag is the peer's. Nothing before there is a dialog. */
void session_replaces(const struct session *s, struct buf *out);

/* Requests within: one at a time (-FAIL_STATE while one is on its way, or not confirmed); each ends
 * in one ENDPOINT_ANSWERED. */

struct session_change {
	bool update; /* UPDATE (RFC 3311) in place of re-INVITE */
	enum sdp_direction direction; /* hold: SDP_SENDONLY; resume: SDP_SENDRECV */
	struct str sdp; /* a description to offer in place of ours; empty: ours */
	bool no_offer; /* re-INVITE without a description */
};
/* SS-32. Glare (491) is tried again by itself after the time of RFC 3261 14.1, once. */
int session_change(struct session *s, const struct session_change *c, struct fail *f);
/* SS-34: MESSAGE, INFO, or any other method that has no meaning of its own here. */
int session_send(
	struct session *s, struct str method, struct str type, struct str body, struct fail *f);

#endif
