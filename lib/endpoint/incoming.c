/* lib/endpoint/incoming.c -- requests that arrive for an endpoint: whose they are (EP-30) and what
 * is answered by itself (rows AR- of ucma.md 1M; the order of checks is ruling 6) */
#include "endpoint/impl.h"

#include "sip/build.h"
#include "sip/param.h"
#include "sip/event.h"

/* What this side takes. Sessions, messages and subscriptions add theirs when they come. */
static const char allow[] = "Allow: OPTIONS\r\n";

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

/* Our Contact on the flow that the request came by, or one that we have registered. */
static bool is_contact(
	struct endpoint *ep, const struct sip_uri *request_uri, struct net_flow *flow)
{
	struct buf text = BUF_INIT(1 << 12);
	struct sip_uri own;
	bool is;

	endpoint_contact_uri(ep, flow, &text);
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
	struct str epid;

	if (ep->config.any_to || ep->config.aor.n == 0 || is_contact(ep, request_uri, flow))
		return true;
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

/* 8.2.2.3: every option tag of Require that we do not know, for Unsupported. */
static bool unknown_requirements(const struct sip_msg *msg, struct buf *out)
{
	struct sip_list l = sip_msg_list(msg, SIP_HDR_REQUIRE);
	struct str tag;
	bool any = false;

	buf_add_str(out, STR("Unsupported: "));
	while (sip_list_token(&l, &tag)) {
		buf_addf(out, "%s" STR_FMT, any ? ", " : "", STR_ARG(tag));
		any = true;
	}
	buf_add_str(out, STR("\r\n"));
	return any;
}

/* Methods that live in dialogs only; NOTIFY is among them by ruling 9. */
static bool is_for_dialogs(const struct sip_msg *msg)
{
	return sip_msg_to_tag(msg).n > 0 || msg->method == SIP_NOTIFY || msg->method == SIP_BYE ||
	       msg->method == SIP_UPDATE || msg->method == SIP_PRACK;
}

/* The status for a request, in the order of ruling 6; headers to add go into out. */
static unsigned judge(struct transaction *t, const struct sip_uri *uri, const struct endpoint *owner,
	struct buf *out)
{
	const struct sip_msg *msg = transaction_msg(t);

	if (msg->method == SIP_OTHER) {
		buf_add_str(out, str_of(allow));
		return 501; /* 8.2.1 and 21.5.2: not recognised at all */
	}
	if (is_for_dialogs(msg))
		return 481; /* AR-04: no dialog of ours has this tag */
	if (msg->method != SIP_OPTIONS) {
		buf_add_str(out, str_of(allow));
		return 405;
	}
	if (uri->scheme > SIP_URI_SIPS)
		return 416;
	if (!owner)
		return 500; /* AR-03 */
	if (transaction_merged(t))
		return 482;
	if (unknown_requirements(msg, out))
		return 420; /* AR-02 */
	buf_clear(out);
	buf_add_str(out, str_of(allow));
	buf_add_str(out, STR("Accept: application/sdp\r\nSupported: path, outbound, gruu\r\n"));
	return 200; /* 11.2 */
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

void endpoint_incoming(struct endpoint_manager *m, struct transaction *t, struct sip_msg *msg,
	struct net_flow *flow)
{
	struct buf headers = BUF_INIT(1 << 16);
	struct endpoint *owner = NULL;
	struct sip_uri uri;
	unsigned status = 400;

	if (!t)
		return; /* an ACK for a 2xx that we never sent */
	if (msg->method == SIP_CANCEL) {
		transaction_answer(t, 481, NULL); /* 9.2: there is nothing to cancel */
		transaction_free(t);
		return;
	}
	if (sip_uri_parse(msg->request_uri, &uri)) {
		owner = sip_msg_to_tag(msg).n > 0 ? NULL : owner_of(m, msg, &uri, flow);
		status = judge(t, &uri, owner, &headers);
	}
	if (msg->method == SIP_BENOTIFY)
		status = 0;
	if (status != 0) /* AR-12: a BENOTIFY is never answered */
		transaction_answer(
			t, status, headers.n > 0 && headers.fail == 0 ? buf_cstr(&headers) : NULL);
	transaction_free(t);
	buf_done(&headers);
	if (!owner && !list_empty(&m->endpoints))
		report(CONTAINER_OF(list_first(&m->endpoints), struct endpoint, node),
			ENDPOINT_UNMATCHED, msg, flow, status);
	else
		report(owner, ENDPOINT_REQUEST, msg, flow, status);
}
