/* lib/endpoint/refer_received.c -- a REFER to us, and the NOTIFYs that report what becomes of it:
 * RFC 3515 section 2.4, 4488, 6665
 */
#include "endpoint/refer_impl.h"
#include "endpoint/session_impl.h"
#include "sip/build.h"
#include "sip/status.h"

enum { SUBSCRIPTION_S = 300 }; /* how long its subscription lasts, unless refreshed */

/* Exactly one Refer-To (RFC 3515 2.4.2), of a scheme that a call can be made to (A74). */
static unsigned read_refer(struct refer *r, const struct sip_msg *m)
{
	CLEANUP(buf_done) struct buf uri = BUF_INIT(1 << 16);
	const struct sip_hdr *to = sip_msg_hdr(m, SIP_HDR_REFER_TO);
	const struct sip_hdr *sub = sip_msg_hdr_named(m, STR("Refer-Sub"));
	struct sip_nameaddr a;
	struct sip_cseq cseq;
	struct str method;

	if (!to || sip_msg_hdr_next(m, to) || !sip_nameaddr_parse(to->value, &a))
		return 400;
	r->refer_to = arena_str(&r->arena, a.uri.text);
	r->referred_by = arena_str(&r->arena, sip_msg_value(m, SIP_HDR_REFERRED_BY));
	r->silent = sub && str_istarts(str_trim(sub->value), STR("false"));
	if (sip_msg_cseq(m, &cseq))
		r->cseq = cseq.number;
	if (a.uri.scheme > SIP_URI_TEL)
		return 416;
	if (!refer_split_uri(r, &a.uri))
		return 400;
	sip_uri_write_request(&uri, &a.uri);
	r->uri = arena_str(&r->arena, buf_str(&uri));
	if (a.uri.scheme <= SIP_URI_SIPS && sip_uri_param(&a.uri, "method", &method)) {
		if (!endpoint_check_token(method))
			return 400;
		r->method = arena_str(&r->arena, method);
	}
	/* RFC 3891 4: it is for INVITE only. */
	return r->replaces.n && r->method.n && !str_eq(r->method, STR("INVITE")) ? 400 : 0;
}

bool refer_received(struct endpoint *ep, struct session *s, struct dialog *d, struct transaction *t,
	struct sip_msg *m)
{
	struct refer *r = refer_new(ep, s);
	struct dispatch_text text;
	struct endpoint_msg description;
	struct endpoint_transfer what;
	struct endpoint_event ev = { .type = ENDPOINT_TRANSFER, .endpoint = ep, .transfer = &what };
	const bool *manager_gone = ep->manager->gone;
	bool gone = false;
	unsigned status = read_refer(r, m);

	(void)d;
	if (status != 0) {
		refer_free(r);
		refer_refuse(t, status);
		return true;
	}
	r->received = true;
	r->transaction = t;
	transaction_own(t, NULL, NULL);
	dispatch_describe_msg(m, transaction_flow(t), &text, &description);
	what = (struct endpoint_transfer){
		.refer = r,
		.id = s ? session_id(s) : 0,
		.received = true,
		.state = "pending",
		.refer_to = r->refer_to,
		.referred_by = r->referred_by,
		.method = r->method,
		.msg = &description,
	};
	r->gone = &gone;
	if (s)
		session_tell(s, &ev);
	else
		endpoint_emit(ep, &ev);
	if (gone)
		return true;
	r->gone = NULL;
	if (manager_gone && *manager_gone)
		r->transaction = NULL; /* it went, too */
	if (!r->decided)
		refer_decline(r, 603, STR_EMPTY); /* RF-08: nobody has proved who asks */
	return true;
}

void refer_decline(struct refer *r, unsigned status, struct str reason)
{
	if (r->transaction)
		dialog_reply(r->transaction,
			&(struct dialog_response){ .status = status, .reason = reason });
	refer_free(r);
}

static void send_notify(struct refer *r);

/* 481, or nobody there: the subscription is gone with what was to be told (RFC 6665 4.2.2). */
static void on_notified(void *arg, const struct endpoint_event *ev)
{
	struct refer *r = arg;

	if (ev->type != ENDPOINT_DONE && ev->type != ENDPOINT_FAILED)
		return;
	request_free(r->request);
	r->request = NULL;
	if (ev->type == ENDPOINT_FAILED) {
		fail_set(&r->result.fail, -FAIL_LOST, "nobody takes the reports of this transfer");
		refer_finish(r, ENDPOINT_FAILED);
	} else if (r->last) {
		refer_finish(r, ENDPOINT_CLOSED);
	} else if (r->due) {
		send_notify(r);
	}
}

static void write_notify(void *arg, struct request *request, struct buf *b)
{
	struct refer *r = arg;
	uint64_t now = net_now_ms();

	dialog_contact(r->endpoint, request_flow(request), refer_dialog(r)->sip.secure, b);
	sip_build_hdrf(b, SIP_HDR_EVENT, "refer;id=%u", r->cseq);
	if (r->last)
		sip_build_hdrf(b, SIP_HDR_SUBSCRIPTION_STATE, "terminated;reason=%s",
			r->status >= 200 ? "noresource" : r->ending);
	else
		sip_build_hdrf(b, SIP_HDR_SUBSCRIPTION_STATE, "active;expires=%u",
			r->expires_at > now ? (unsigned)((r->expires_at - now + 999) / 1000) : 0);
}

static void send_notify(struct refer *r)
{
	struct request_config c = refer_within(r, STR("NOTIFY"));
	struct buf body = BUF_INIT(REFER_FRAG_MAX + 16);

	buf_addf(&body, "SIP/2.0 " STR_FMT "\r\n", STR_ARG(buf_str(&r->frag)));
	r->status = r->frag_status;
	r->due = false;
	r->last = r->status >= 200 || r->ending;
	c.body = buf_str(&body);
	c.type = STR("message/sipfrag;version=2.0");
	c.write = write_notify;
	c.on_event = on_notified;
	if (!c.dialog->endpoint || request_start(&c, &r->request, NULL) != 0) {
		fail_set(&r->result.fail, -FAIL_LOST, "the transfer's dialog is gone");
		refer_finish(r, ENDPOINT_FAILED);
	}
	buf_done(&body);
}

/* Now, or when the one on its way was answered: the newest is told then. */
static void notify(struct refer *r)
{
	r->due = true;
	if (!r->request)
		send_notify(r);
}

void refer_end_subscription(struct refer *r, const char *reason)
{
	if (r->over || r->last || r->ending)
		return;
	r->ending = reason;
	notify(r);
}

static void expire_after(struct refer *r, uint32_t seconds)
{
	r->expires_at = net_now_ms() + seconds * 1000ULL;
	net_timer_set(endpoint_loop(), &r->timer, r->expires_at);
}

int refer_notify(struct refer *r, unsigned status, struct str reason, struct fail *f)
{
	if (r->over || !r->accepted || r->frag_status >= 200 || r->ending)
		return fail_set(f, -FAIL_STATE, "there is nothing more to report");
	if (status < 100 || status > 699 || !sip_build_clean(reason))
		return fail_set(f, -FAIL_ARGUMENT, "%u is not a status to report", status);
	r->frag_status = status;
	if (r->silent) {
		r->status = status;
		if (status >= 200)
			refer_finish(r, ENDPOINT_CLOSED);
		return 0;
	}
	if (reason.n == 0 || reason.n > REFER_FRAG_MAX - 4)
		reason = sip_status_reason(status);
	buf_clear(&r->frag);
	buf_addf(&r->frag, "%u " STR_FMT, status, STR_ARG(reason));
	notify(r);
	return 0;
}

int refer_accept(struct refer *r, endpoint_event_fn *fn, void *arg, struct fail *f)
{
	struct transaction *t = r->transaction;
	struct sip_msg *m = transaction_msg(t);
	struct net_flow *flow = transaction_flow(t);
	struct buf headers = BUF_INIT(1 << 16);
	struct dialog_response answer = { .status = r->silent ? 200 : 202, .record_route = true };
	int e;

	if (!r->session) {
		e = sip_dialog_from_request(&r->own.sip, m, transaction_tag(t),
			net_flow_info(flow)->transport == NET_TLS, f);
		if (e != 0) {
			refer_decline(r, 400, STR_EMPTY);
			return e;
		}
		sip_dialog_confirm(&r->own.sip, NULL, NULL);
		r->own.on_request = refer_on_dialog;
		r->own.arg = r;
		dialog_open(&r->own, r->endpoint);
		dialog_use_flow(&r->own, flow, m);
	}
	r->fn = fn;
	r->arg = arg;
	r->decided = r->accepted = true;
	dialog_contact(r->endpoint, flow, dialog_wants_sips(m), &headers);
	if (r->silent)
		buf_add_str(&headers, STR("Refer-Sub: false\r\n"));
	answer.headers = buf_str(&headers);
	dialog_reply(t, &answer);
	buf_done(&headers);
	transaction_free(t);
	r->transaction = NULL;
	if (r->silent)
		return 0;
	expire_after(r, SUBSCRIPTION_S);
	return refer_notify(r, 100, STR_EMPTY, f);
}

struct str refer_uri(const struct refer *r)
{
	return r->uri;
}

struct str refer_replaces(const struct refer *r)
{
	return r->replaces;
}

/* RFC 6665 4.2.1: Expires 0 ends the subscription, anything else refreshes it; a NOTIFY follows. */
void refer_answer_subscribe(struct refer *r, struct transaction *t, const struct sip_msg *m)
{
	struct buf headers = BUF_INIT(1 << 16);
	uint32_t expires = SUBSCRIPTION_S;

	if (!r->accepted || r->over || r->silent || r->last || r->ending) {
		refer_refuse(t, 481);
		return;
	}
	sip_msg_seconds(m, SIP_HDR_EXPIRES, &expires);
	if (expires > SUBSCRIPTION_S)
		expires = SUBSCRIPTION_S;
	dialog_contact(r->endpoint, transaction_flow(t), refer_dialog(r)->sip.secure, &headers);
	sip_build_hdrf(&headers, SIP_HDR_EXPIRES, "%u", expires);
	dialog_reply(t, &(struct dialog_response){ .status = 200, .headers = buf_str(&headers) });
	buf_done(&headers);
	transaction_free(t);
	if (expires == 0) {
		refer_end_subscription(r, "timeout");
	} else {
		expire_after(r, expires);
		notify(r);
	}
}

bool refer_subscribed(struct session *s, struct transaction *t, struct sip_msg *m)
{
	struct refer *r = refer_find(s, m, true);

	if (r)
		refer_answer_subscribe(r, t, m);
	return r != NULL;
}
