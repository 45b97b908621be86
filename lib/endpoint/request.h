/* lib/endpoint/request.h -- one request to its end: targets and failover (RFC 3263 4.3), challenges
 * (RFC 3261 22), 423, redirects, Retry-After, retries. An INVITE, too: its dialogs and ACKs are its
 * session's. */
#ifndef ENDPOINT_REQUEST_H
#define ENDPOINT_REQUEST_H

#include "endpoint/endpoint.h"

struct dialog;
struct request;
struct template;

struct request_retry { /* --retry and its kind; times in ms */
	unsigned count; /* further attempts after 408, 480, 500, 503, 504 and time-outs */
	uint64_t delay_ms; /* before the first; doubles; 0: 1000 */
	uint64_t max_ms; /* all attempts together; 0: no limit */
	bool connrefused; /* a refused connection is retried, too */
	bool no_retry_after; /* a failure with Retry-After is not repeated (EP-25) */
};

/* A message that its author takes charge of (`rte request`): headers may change every header field
 * of the request, and every message that comes over its flow is told: those of no transaction as
 * ENDPOINT_RESPONSE, what is no message as ENDPOINT_MALFORMED. What no transaction can carry (raw
 * bytes; no Via, branch or CSeq that can be read) is sent once, and the first final response is its
 * result. */
struct request_custom {
	const struct template *form; /* the message; NULL: ours. Lives as long as the request */
	bool is_raw; /* raw is sent as it is */
	struct str raw;
	bool no_fix; /* what the author wrote or removed stays so; else Content-Length, line ends
			and a Via, Max-Forwards or CSeq that is missing are put right */
};

struct request_config {
	struct endpoint *endpoint;
	struct str method;
	struct str target; /* Request-URI */
	struct str to; /* name-addr or URI; empty: target */
	struct str from; /* URI; empty: the endpoint's */
	struct str body, type;
	const struct endpoint_header *headers;
	unsigned header_count; /* beside the endpoint's own */
	int max_forwards; /* -1: the endpoint's */
	uint64_t timeout_ms; /* of one transaction; 0: 64*T1 */
	unsigned follow; /* redirects */
	struct request_retry retry;
	bool fixed_target; /* no failover, no retry: probes of `options -c` (ruling 4) */

	/* For operations built on requests (registration ...): */
	struct str call_id, from_tag; /* empty: made */
	uint32_t *cseq; /* counted up for every sending; NULL: from 1 */
	struct auth_exchange *exchange; /* kept by the owner over several requests of one Call-ID
					   (RFC 3261 22.3); NULL: own */
	uint32_t expires; /* written as Expires; repeated once with Min-Expires on 423 */
	bool has_expires;
	unsigned flow_index; /* which kept flow of a server-based endpoint */
	bool keep_flow; /* the flow must be the endpoint's kept one, never another: keep-alive
			   probes */
	/* Writes further headers once the flow is known (Contact depends on it). */
	void (*write)(void *arg, struct request *r, struct buf *b);
	void *write_arg;

	/* For sessions and refers: */
	struct dialog *dialog; /* within it (12.2.1.1): ids, route set and connection are the
				  dialog's, target is not looked at; lives as long as the request */
	const struct sip_msg *ack_of; /* method ACK: the INVITE as it was sent, for its number and
					 its credentials (13.2.2.4, 22.1). DONE when it is sent */
	bool answers; /* every response from 101 on, 2xx among them, is told to on_event as
			 ENDPOINT_RESPONSE, then the final one as DONE or FAILED. An INVITE with a
			 2xx lives on after its DONE: each further 2xx, repeated or of another
			 branch, is told until it is freed (RFC 6026) */

	bool contact; /* writes our Contact: a request that may make a dialog (8.1.1.8) */
	const struct request_custom *custom; /* NULL: none; borrowed, lives as long as the request
					      */

	endpoint_event_fn *on_event; /* RETRY, CHALLENGED, DONE or FAILED; messages and flows go to
					the endpoint's handler */
	void *arg;
};

/* Copies what it needs; never calls the handler (R2). -FAIL_ARGUMENT, -FAIL_STATE at once. */
int request_start(const struct request_config *config, struct request **out, struct fail *f);
/* At once and silently; NULL is fine. Allowed in the handler. */
void request_free(struct request *r);

/* RFC 3261 section 9: gives up an INVITE. CANCEL goes out as soon as a provisional response is
 * there (9.1); the final event comes as ever, FAILED with the 487, or with -FAIL_CANCELLED when
 * nothing was sent yet, or no final response came within 64*T1. A 2xx may win the race: then DONE.
 * Nothing is followed, answered or tried again from now on. reason: value of a Reason header (RFC
 * 3326), empty: none. */
void request_cancel(struct request *r, struct str reason);
/* What there is of its result by now: times and counts. Valid until the next event of it. */
const struct endpoint_result *request_figures(struct request *r);
/* The final events that are due of requests within d, in their order, until *gone: for who has a
 * message that came behind the answers. From the loop only. */
void request_tell_within(struct endpoint *ep, const struct dialog *d, const bool *gone);
/* Its final event once more, from the loop, for an owner who had to wait with it. */
void request_tell_again(struct request *r);
/* The request as it was sent last; NULL before, and when it could not be read. Borrowed. */
const struct sip_msg *request_msg(const struct request *r);
/* Its Call-ID and From tag. */
struct str request_call_id(const struct request *r);
struct str request_from_tag(const struct request *r);

/* Of the flow the request went over, for who writes headers or reads the result; NULL before. */
struct net_flow *request_flow(const struct request *r);
/* The Expires that was sent last: a 423 may have raised it. */
uint32_t request_expires(const struct request *r);
/* The message as it would be sent now, without a flow. */
int request_dump(struct request *r, struct buf *out, struct fail *f);
/* The request as it would be sent, without any network (--dry-run, ruling 25). */
int request_dry_run(const struct request_config *config, struct buf *out, struct fail *f);

#endif
