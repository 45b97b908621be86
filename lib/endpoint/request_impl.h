/* lib/endpoint/request_impl.h -- the insides of a request, shared by its files */
#ifndef ENDPOINT_REQUEST_IMPL_H
#define ENDPOINT_REQUEST_IMPL_H

#include "endpoint/dialog.h"
#include "endpoint/impl.h"
#include "endpoint/request.h"
#include "endpoint/template.h"
#include "endpoint/ticket.h"

enum request_state {
	REQUEST_IDLE, /* begins with the next turn of the loop */
	REQUEST_QUEUED, /* SE-11: too many are outstanding */
	REQUEST_RESOLVING,
	REQUEST_CONNECTING,
	REQUEST_TICKET, /* a Kerberos ticket is on its way */
	REQUEST_WAITING, /* for a response */
	REQUEST_PAUSED, /* until it is tried again */
	REQUEST_FINISHED,
};

/* One URI of a redirected request's target set (RFC 3261 8.1.3.4). */
struct redirect {
	struct str uri;
	unsigned q; /* thousandths */
};
#define REQUEST_REDIRECTS 11 /* the first URI and ten more */

struct request {
	struct list node; /* in endpoint->queue while queued, then in ->starting, at last in
			     ->finished */
	struct list all; /* in endpoint->requests */
	struct request_config config; /* texts live in the arena */
	struct arena arena;
	struct endpoint *endpoint;
	enum request_state state;
	struct str target; /* Request-URI; a redirect changes it */
	char call_id[40], from_tag[17];
	uint32_t own_cseq, cseq;
	uint32_t expires;

	unsigned hop; /* which URI of the endpoint's list is being located */
	struct str hop_uri;
	struct redirect redirects[REQUEST_REDIRECTS]; /* those tried, then the others, best first */
	unsigned redirect_count, tried_count;
	struct resolve resolve;
	bool resolving, resolved;
	size_t target_index; /* the target being tried */
	struct resolve_target current;
	bool grown; /* the current target is the TCP form of a UDP one: the request was too large
		       (18.1.1) */
	struct net_flow *flow;
	struct flow_watch watch;
	struct transaction *tx;
	struct auth_exchange own_exchange, *exchange;
	ev_timer timer;
	struct ticket ticket;
	struct buf wire;

	bool *gone; /* set while a handler runs: tells its caller that it freed us */
	bool told; /* its final event */
	bool counted; /* in endpoint->outstanding */
	bool min_expires_done, retry_after_done, after_ringing;
	bool waits_for_renewal, renewed; /* request_renew.c: at most once */
	bool provisional; /* one has come: an INVITE may be cancelled (9.1) */
	bool cancelled, cancel_sent;
	struct str cancel_reason; /* value of Reason */
	unsigned attempt; /* from 1 */
	uint64_t delay_ms, started_ms, started_us, first_sent_us;
	struct endpoint_result result;
	struct sip_msg *final; /* of the result */
	double final_rtt_ms;

	/* request_bare.c: */
	bool is_bare; /* it was sent without a transaction */
	struct sip_msg *bare; /* what was sent so, or NULL */
	unsigned malformed_count;
	struct fail malformed; /* the last */
};

/* request_build.c: the whole message for the flow at hand (NULL: a dry run) into r->wire. 0 or
 * -FAIL_x. */
int request_build(struct request *r, struct net_flow *flow, struct fail *f);
/* request_retry.c: what to do with a final response or a failure. */
void request_final(struct request *r, struct sip_msg *m);
void request_answer_challenge(struct request *r, int e, struct fail *f);
void request_attempt_failed(struct request *r, const struct fail *f);
/* request_locate.c: locates the next hop; tries the current target; hears of r->flow from now on.
 */
/* The same for the handler of the request. */
bool request_tell_owner(struct request *r, const struct endpoint_event *ev);
void request_locate(struct request *r);
void request_try(struct request *r);
void request_watch(struct request *r);
/* request.c */
/* Tells the endpoint's handler of progress. False when it freed r: then nothing of it may be
 * touched. */
bool request_tell(struct request *r, const struct endpoint_event *ev);
void request_send(struct request *r);
void request_finish(struct request *r, const struct fail *f);
void request_pause(struct request *r, uint64_t ms, const char *because, struct str detail);
void request_drop_flow(struct request *r);
/* SE-11: takes a place among those that are outstanding, or waits for one, and begins from the
 * loop; gives it back. */
void request_enter(struct request *r);
void request_release_place(struct request *r);
bool request_is_invite(const struct request *r);
/* request_ticket.c: the tickets that Kerberos wants: before the first packet (true: it waits for
 * one), and once a challenge has named the service. */
bool request_first_ticket(struct request *r);
void request_ticket(struct request *r);
/* request_renew.c: was it challenged because the server has forgotten the security association?
 * True: it waits until a REGISTER has made another. */
bool request_waits_for_renewal(struct request *r, const struct sip_msg *challenge);
/* request.c: begins, or begins again. */
void request_begin(struct request *r);
/* Tells of a message that was sent or received. False when a handler freed r. */
bool request_describe(
	struct request *r, enum endpoint_event_type type, struct sip_msg *m, bool sent);
/* request_build.c: is this header field set or removed by the list? */
bool request_is_changed(const struct endpoint_header *list, unsigned n, struct str name);
/* request_custom.c: is what is missing or wrong put right? */
bool request_fixes(const struct request *r);
/* The user's own message into r->wire. */
int request_custom_build(struct request *r, const struct template_facts *facts, struct fail *f);
/* request_bare.c: can no transaction carry r->wire? */
bool request_is_bare(const struct request *r);
void request_send_bare(struct request *r);
/* A message came that nobody has taken. */
void request_stray(struct request *r, const struct net_event *ev);
/* No final response came: says of malformed messages that did. */
void request_unanswered(struct request *r, struct fail *f);
void request_bare_timeout(struct request *r);
void request_bare_lost(struct request *r, const struct net_event *ev);
/* request_cancel.c: a provisional response has come. */
void request_cancel_now(struct request *r);

#endif
