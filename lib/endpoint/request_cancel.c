/* lib/endpoint/request_cancel.c -- an INVITE is given up: RFC 3261 section 9.1, RFC 3326 for the
 * Reason */
#include "endpoint/request_impl.h"

#include "sip/build.h"

/* "If the original request has issued a final response ... no effect": the INVITE ends as it ends,
 * at the latest after 64*T1. */
void request_cancel_now(struct request *r)
{
	struct endpoint_manager *m = r->endpoint->manager;
	const struct transaction_config config = {
		.manager = m, .endpoint = r->endpoint, .flow = r->flow
	};
	uint32_t t1 = m->config.timers.t1 ? m->config.timers.t1 : 500;
	struct transaction *t = NULL;
	struct dispatch_text text;
	struct endpoint_msg description;

	if (r->cancel_sent)
		return;
	r->cancel_sent = true;
	buf_clear(&r->wire);
	sip_build_cancel(&r->wire, transaction_msg(r->tx));
	if (r->cancel_reason.n > 0)
		sip_build_hdr(&r->wire, SIP_HDR_REASON, r->cancel_reason);
	sip_build_end(&r->wire, STR_EMPTY, STR_EMPTY);
	net_timer_set(endpoint_loop(), &r->timer, net_now_ms() + (uint64_t)64 * t1);
	/* Nobody waits for its answer: the transaction looks after itself. */
	if (transaction_send(&config, buf_str(&r->wire), &t, NULL) != 0)
		return;
	r->result.counts.sent++;
	dispatch_describe_msg(transaction_msg(t), r->flow, &text, &description);
	description.sent = true;
	request_tell(r, &(struct endpoint_event){ .type = ENDPOINT_REQUEST, .msg = &description });
}

void request_cancel(struct request *r, struct str reason)
{
	if (r->cancelled || r->state == REQUEST_FINISHED || !request_is_invite(r))
		return;
	r->cancelled = true;
	r->cancel_reason = arena_str(&r->arena, reason);
	if (r->state != REQUEST_WAITING) {
		resolve_done(&r->resolve);
		request_drop_flow(r);
		request_finish(r, &(struct fail){ .code = -FAIL_CANCELLED });
	} else if (r->is_bare) {
		request_finish(r, &(struct fail){ .code = -FAIL_CANCELLED });
	} else if (r->provisional) {
		request_cancel_now(r);
	}
}
