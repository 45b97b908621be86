/* lib/endpoint/incoming.c -- requests that arrive for an endpoint: whose they are (EP-30) and what
 * is answered by itself (rows AR- of ucma.md 1M; the order of checks is ruling 6) */
#include "endpoint/impl.h"

#include "sip/build.h"
#include "sip/param.h"
#include "sip/event.h"

/* What this side takes. Sessions, messages and subscriptions add theirs when they come. */
static const char allow[] = "Allow: OPTIONS\r\n";

/* 8.2.2.1 and cli.md 5.3: ours is what names our Contact in the Request-URI or our AOR, with our
 * epid if it names one, in To. */
static bool is_ours(
	const struct endpoint *ep, const struct sip_uri *request_uri, const struct sip_nameaddr *to)
{
	struct str epid;

	if (ep->config.any_to || ep->config.aor.n == 0)
		return true;
	if (request_uri->has_user &&
		str_eq(request_uri->user,
			ep->aor.has_user ? ep->aor.user : str_of(ep->contact_user)) &&
		!str_ieq(request_uri->host, ep->aor.host))
		return true; /* our Contact: its host is an address of ours, its user the one we
				gave out */
	if (!str_ieq(to->uri.host, ep->aor.host) || !str_eq(to->uri.user, ep->aor.user))
		return false;
	return !sip_param(to->params, "epid", &epid) || ep->config.epid.n == 0 ||
	       str_eq(epid, ep->config.epid);
}

static struct endpoint *owner_of(
	struct endpoint_manager *m, const struct sip_msg *msg, const struct sip_uri *uri)
{
	struct sip_nameaddr to;

	if (!sip_msg_to(msg, &to))
		return NULL;
	LIST_EACH (it, &m->endpoints) {
		struct endpoint *ep = CONTAINER_OF(it, struct endpoint, node);

		if (!ep->stopped && is_ours(ep, uri, &to))
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

/* The status for a request, in the order of ruling 6; headers to add go into out. */
static unsigned judge(struct endpoint_manager *m, const struct sip_msg *msg,
	struct endpoint **owner, struct buf *out)
{
	struct sip_uri uri;

	if (msg->method == SIP_OTHER) {
		buf_add_str(out, str_of(allow));
		return 501; /* 8.2.1 and 21.5.2: not recognised at all */
	}
	if (!sip_uri_parse(msg->request_uri, &uri))
		return 400;
	if (uri.scheme > SIP_URI_SIPS)
		return 416;
	if (sip_msg_to_tag(msg).n > 0 && msg->method != SIP_OPTIONS)
		return 481; /* AR-04: no dialog of ours has this tag */
	*owner = owner_of(m, msg, &uri);
	if (!*owner)
		return 500; /* AR-03 */
	if (unknown_requirements(msg, out))
		return 420; /* AR-02 */
	buf_clear(out);
	if (msg->method == SIP_OPTIONS) {
		buf_add_str(out, str_of(allow));
		buf_add_str(
			out, STR("Accept: application/sdp\r\nSupported: path, outbound, gruu\r\n"));
		return 200; /* 11.2 */
	}
	if (msg->method == SIP_NOTIFY || msg->method == SIP_BYE || msg->method == SIP_UPDATE ||
		msg->method == SIP_PRACK)
		return 481; /* ruling 9; the others live in dialogs only */
	buf_add_str(out, str_of(allow));
	return 405;
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
	unsigned status;

	if (!t)
		return; /* an ACK for a 2xx that we never sent */
	if (msg->method == SIP_CANCEL) {
		transaction_answer(t, 481, NULL); /* 9.2: there is nothing to cancel */
		transaction_free(t);
		return;
	}
	status = msg->method == SIP_BENOTIFY ? 0 : judge(m, msg, &owner, &headers);
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
