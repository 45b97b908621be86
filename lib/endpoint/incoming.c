/* lib/endpoint/incoming.c -- requests that arrive for an endpoint: whose they are (EP-30) and what
 * is answered by itself (rows AR- of ucma.md 1M; the order of checks is ruling 6) */
#include "endpoint/dialog.h"
#include "endpoint/incoming_impl.h"
#include "endpoint/refer_impl.h"

#include "base/mem.h"
#include "sip/build.h"
#include "sip/param.h"

#include <stdio.h>

struct incoming {
	struct list node; /* in endpoint->incoming */
	struct endpoint *endpoint;
	struct session *session;
	struct transaction *transaction;
	struct dispatch_text text;
	struct endpoint_msg msg;
	bool kept;
	bool *gone; /* set while the handler runs: tells that it answered */
};

/* ---- requests that a handler answers ---- */

struct incoming *incoming_new(struct endpoint *ep, struct session *s, struct transaction *t)
{
	struct incoming *in = MEM_NEW(struct incoming);

	list_init(&in->node);
	list_add(&ep->incoming, &in->node);
	in->endpoint = ep;
	in->session = s;
	in->transaction = t;
	transaction_own(t, NULL, NULL);
	dispatch_describe_msg(transaction_msg(t), transaction_flow(t), &in->text, &in->msg);
	return in;
}

static void incoming_free(struct incoming *in)
{
	if (in->gone)
		*in->gone = true;
	list_del(&in->node);
	transaction_free(in->transaction);
	mem_free(in);
}

void incoming_abandon_all(struct endpoint *ep)
{
	LIST_EACH (it, &ep->incoming)
		incoming_free(CONTAINER_OF(it, struct incoming, node));
}

void incoming_deliver(struct incoming *in, endpoint_event_fn *fn, void *arg)
{
	const struct endpoint_incoming what = {
		.msg = &in->msg, .request = in, .session = in->session
	};
	const struct endpoint_event ev = {
		.type = ENDPOINT_INCOMING, .endpoint = in->endpoint, .incoming = &what
	};
	bool gone = false;

	if (fn) {
		in->gone = &gone;
		fn(arg, &ev);
		if (gone)
			return;
		in->gone = NULL;
	}
	if (!in->kept)
		incoming_answer(in, &(struct incoming_answer){ .status = 200 }); /* AR-01 */
}

/* What a 200 to OPTIONS (11.2) and a 405 (8.2.1) say. */
static void capabilities(const struct incoming *in, unsigned status, struct buf *headers)
{
	bool options = transaction_msg(in->transaction)->method == SIP_OPTIONS && status == 200;

	if (options || status == 405)
		endpoint_allow(in->endpoint, headers);
	if (!options)
		return;
	buf_add_str(headers, STR("Accept: application/sdp\r\n"));
	endpoint_supported(in->endpoint, headers);
}

void incoming_answer(struct incoming *in, const struct incoming_answer *a)
{
	struct buf headers = BUF_INIT(1 << 18);
	const struct dialog_response r = {
		.status = a->status, .reason = a->reason, .type = a->type, .body = a->body
	};
	struct dialog_response reply = r;

	for (unsigned i = 0; i < a->header_count; i++)
		if (a->headers[i].change != ENDPOINT_HEADER_REMOVE)
			sip_build_named(&headers, a->headers[i].name, a->headers[i].value);
	capabilities(in, a->status, &headers);
	if (headers.fail)
		reply = (struct dialog_response){ .status = 500 };
	else
		reply.headers = buf_str(&headers);
	/* AR-12: a BENOTIFY is never answered. */
	if (a->status != 0 && transaction_msg(in->transaction)->method != SIP_BENOTIFY)
		dialog_reply(in->transaction, &reply);
	buf_done(&headers);
	incoming_free(in);
}

void incoming_keep(struct incoming *in)
{
	in->kept = true;
}

const struct endpoint_msg *incoming_msg(struct incoming *in)
{
	return &in->msg;
}

/* ---- whose it is ---- */

/* Equal but for scheme, port and parameters: a caller may have written To in many ways. */
static bool same_user(const struct sip_uri *a, const struct sip_uri *b)
{
	struct buf one = BUF_INIT(1 << 16), two = BUF_INIT(1 << 16);
	struct sip_uri x = *a, y = *b;
	bool same;

	if (a->scheme > SIP_URI_SIPS || b->scheme > SIP_URI_SIPS)
		return false;
	x.port = y.port = 0;
	x.scheme = y.scheme = SIP_URI_SIP;
	sip_uri_aor_key(&one, &x);
	sip_uri_aor_key(&two, &y);
	same = str_eq(buf_str(&one), buf_str(&two));
	buf_done(&one);
	buf_done(&two);
	return same;
}

/* Our Contact on the flow that the request came by, or one that we have registered. In dialect ocs
 * its address may be another, which the server sees (proxy=replace), and it says whose it is. */
static bool is_contact(
	struct endpoint *ep, const struct sip_uri *request_uri, struct net_flow *flow)
{
	struct buf text = BUF_INIT(1 << 12);
	struct str opaque;
	struct sip_uri own;
	bool is;

	if (ep->config.dialect == ENDPOINT_OCS && sip_uri_param(request_uri, "ms-opaque", &opaque))
		return str_eq(opaque, str_of(ep->ms_opaque));
	if (ep->gruu && sip_uri_param(request_uri, "gruu", &opaque))
		return sip_uri_parse(str_of(ep->gruu), &own) && sip_uri_equal(&own, request_uri);
	endpoint_contact_uri(ep, flow, false, &text);
	is = sip_uri_parse(buf_str(&text), &own) && own.port == request_uri->port &&
	     same_user(&own, request_uri);
	buf_done(&text);
	return is || (ep->registration && registration_has_contact(ep->registration, request_uri));
}

/* 8.2.2.1 and cli.md 5.3: ours is what names our Contact in the Request-URI or our AOR, with our
 * epid if it names one, in To. */
static bool is_ours(struct endpoint *ep, const struct sip_uri *request_uri,
	const struct sip_nameaddr *to, struct net_flow *flow)
{
	struct str epid, gruu;

	if (ep->config.any_to || ep->config.aor.n == 0 || is_contact(ep, request_uri, flow))
		return true;
	if (ep->gruu && sip_uri_param(request_uri, "gruu", &gruu))
		return false; /* another endpoint of the same address of record */
	return same_user(&to->uri, &ep->aor) &&
	       (!sip_param(to->params, "epid", &epid) || str_eq(epid, ep->config.epid));
}

static struct endpoint *owner_of(struct endpoint_manager *m, const struct sip_msg *msg,
	const struct sip_uri *uri, struct net_flow *flow)
{
	struct sip_nameaddr to;

	if (!sip_msg_to(msg, &to))
		return NULL;
	LIST_EACH (it, &m->endpoints) {
		struct endpoint *ep = CONTAINER_OF(it, struct endpoint, node);

		if (!ep->stopped && is_ours(ep, uri, &to, flow))
			return ep;
	}
	return NULL;
}

/* ---- what is answered by itself ---- */

/* Methods that live in dialogs only; NOTIFY is among them by ruling 9. */
static bool is_for_dialogs(const struct endpoint *owner, const struct sip_msg *msg)
{
	if (msg->method == SIP_NOTIFY || msg->method == SIP_BENOTIFY)
		return !owner || (owner->methods >> msg->method & 1) == 0;
	return msg->method == SIP_BYE || msg->method == SIP_UPDATE || msg->method == SIP_PRACK;
}

static bool is_taken(const struct endpoint *ep, const struct sip_msg *msg)
{
	return ep && (msg->method == SIP_OTHER ? ep->methods == UINT64_MAX
					       : ep->methods >> msg->method & 1);
}

/* Somebody here takes this method: then a request that is nobody's is 500 (AR-03), not 405. */
static bool is_known(const struct endpoint_manager *m, const struct sip_msg *msg)
{
	if (msg->method == SIP_OPTIONS)
		return true;
	LIST_EACH (it, &m->endpoints)
		if (is_taken(CONTAINER_OF(it, struct endpoint, node), msg))
			return true;
	return false;
}

/* The status for a request outside of dialogs, in the order of ruling 6, or 0: a handler's; headers
 * to add go into out. */
static unsigned judge(struct endpoint_manager *m, struct transaction *t, const struct sip_uri *uri,
	const struct endpoint *owner, struct buf *out)
{
	const struct sip_msg *msg = transaction_msg(t);

	if (sip_msg_to_tag(msg).n > 0 || is_for_dialogs(owner, msg))
		return 481; /* AR-04: no dialog of ours has this tag */
	if (!(owner ? is_taken(owner, msg) || msg->method == SIP_OPTIONS : is_known(m, msg))) {
		endpoint_allow(owner, out);
		/* 8.2.1 and 21.5.2: 501 is for what is not recognised at all */
		return msg->method == SIP_OTHER ? 501 : 405;
	}
	if (uri->scheme > SIP_URI_SIPS)
		return 416;
	if (!owner)
		return 500; /* AR-03 */
	if (transaction_merged(t))
		return 482;
	if (endpoint_unsupported(owner, msg, out))
		return 420; /* AR-02 */
	if (is_taken(owner, msg))
		return 0;
	endpoint_allow(owner, out);
	buf_add_str(out, STR("Accept: application/sdp\r\n"));
	endpoint_supported(owner, out);
	return 200; /* 11.2 */
}

/* Handlers may do anything (R3): is the manager, and the endpoint on it, still there? */
static bool is_alive(struct endpoint_manager *m, const bool *gone, const struct endpoint *ep)
{
	if (gone && *gone)
		return false;
	LIST_EACH (it, &m->endpoints)
		if (CONTAINER_OF(it, struct endpoint, node) == ep)
			return true;
	return false;
}

static void report(struct endpoint *ep, enum endpoint_event_type type, struct sip_msg *msg,
	struct net_flow *flow, unsigned status)
{
	struct dispatch_text t;
	struct endpoint_msg description;

	if (!ep)
		return;
	dispatch_describe_msg(msg, flow, &t, &description);
	description.replied = status;
	endpoint_emit(ep, &(struct endpoint_event){ .type = type, .msg = &description });
}

void endpoint_cancelled(struct endpoint_manager *m, const struct sip_msg *invite,
	struct sip_msg *msg, struct net_flow *flow)
{
	struct sip_uri uri;

	if (sip_uri_parse(invite->request_uri, &uri))
		report(owner_of(m, invite, &uri, flow), ENDPOINT_REQUEST, msg, flow, 200);
}

/* ---- within dialogs ---- */

/* True: it has an owner, or was answered. */
static bool within_dialog(struct endpoint_manager *m, struct transaction *t, struct sip_msg *msg,
	struct net_flow *flow)
{
	bool notify = msg->method == SIP_NOTIFY || msg->method == SIP_BENOTIFY;
	struct dialog *d = dialog_find(m, msg, notify);
	const bool *gone = m->gone;
	unsigned status;

	if (!d)
		return false;
	status = d->sip.texts ? sip_dialog_received(&d->sip, msg) : 0;
	if (status != 0) {
		if (t && msg->method != SIP_BENOTIFY) /* AR-12 */
			transaction_answer(t, status, NULL);
		transaction_free(t);
		return true;
	}
	if (sip_msg_to_tag(msg).n > 0 && d->sip.remote_tag.n > 0)
		dialog_use_flow(d, flow, msg);
	report(d->endpoint, ENDPOINT_REQUEST, msg, flow, 0);
	if (gone && *gone)
		return true;
	d = dialog_find(m, msg, notify); /* the handler may have closed it */
	if (d) {
		d->on_request(d->arg, d, t, msg, flow);
		return true;
	}
	if (t && msg->method != SIP_BENOTIFY)
		transaction_answer(t, 481, NULL);
	transaction_free(t);
	return true;
}

/* ---- all of them ---- */

/* CM-21: above the high mark new requests are refused until the low mark is reached. */
static bool is_throttled(struct endpoint_manager *m)
{
	unsigned high = m->config.high_mark, low = m->config.low_mark;

	if (high == 0)
		return false;
	if (m->waiting >= high)
		m->throttled = true;
	else if (m->waiting <= low)
		m->throttled = false;
	return m->throttled;
}

static void give(
	struct endpoint *owner, struct transaction *t, struct sip_msg *msg, struct net_flow *flow)
{
	if (msg->method == SIP_INVITE)
		session_incoming(owner, t, msg, flow);
	else if (msg->method != SIP_REFER || !refer_received(owner, NULL, NULL, t, msg))
		incoming_deliver(
			incoming_new(owner, NULL, t), owner->config.on_event, owner->config.arg);
}

static void refuse(struct endpoint_manager *m, struct endpoint *owner, struct transaction *t,
	unsigned status, struct buf *headers)
{
	struct sip_msg *msg = sip_msg_ref(transaction_msg(t));
	struct net_flow *flow = net_flow_ref(transaction_flow(t));

	if (msg->method == SIP_BENOTIFY) /* AR-12 */
		status = 0;
	if (status != 0)
		transaction_answer(
			t, status, headers->n > 0 && headers->fail == 0 ? buf_cstr(headers) : NULL);
	transaction_free(t);
	if (!owner && !list_empty(&m->endpoints))
		report(CONTAINER_OF(list_first(&m->endpoints), struct endpoint, node),
			ENDPOINT_UNMATCHED, msg, flow, status);
	else
		report(owner, ENDPOINT_REQUEST, msg, flow, status);
	net_flow_unref(flow);
	sip_msg_unref(msg);
}

void endpoint_incoming(struct endpoint_manager *m, struct transaction *t, struct sip_msg *msg,
	struct net_flow *flow)
{
	struct buf headers = BUF_INIT(1 << 16);
	struct endpoint *owner = NULL;
	const bool *gone = m->gone;
	struct sip_uri uri;
	unsigned status = 400;

	if (msg->method == SIP_CANCEL) {
		transaction_answer(t, 481, NULL); /* 9.2: there is nothing to cancel */
		transaction_free(t);
		return;
	}
	if ((t && registration_notified(m, t, msg, flow)) || within_dialog(m, t, msg, flow) || !t)
		return; /* or an ACK for a 2xx that we never sent */
	if (sip_uri_parse(msg->request_uri, &uri)) {
		owner = sip_msg_to_tag(msg).n > 0 ? NULL : owner_of(m, msg, &uri, flow);
		status = judge(m, t, &uri, owner, &headers);
	}
	if (status == 0 && is_throttled(m)) {
		status = 503;
		buf_add_str(&headers, STR("Retry-After: 1\r\n"));
	}
	if (status != 0) {
		refuse(m, owner, t, status, &headers);
		buf_done(&headers);
		return;
	}
	buf_done(&headers);
	report(owner, ENDPOINT_REQUEST, msg, flow, 0);
	if (is_alive(m, gone, owner))
		give(owner, t, msg, flow);
	else if (!gone || !*gone)
		transaction_free(t);
}
