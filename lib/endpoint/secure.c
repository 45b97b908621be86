/* lib/endpoint/secure.c -- signs what endpoints send and checks what they receive, once there is a
 * security association: microsoft-auth.md 1.6. Whose message it is tells the flow, since a
 * server-based endpoint sends and receives everything over those it keeps (SE-06). */
#include "endpoint/secure.h"

#include "endpoint/epid.h"

#include "base/text.h"

/* ---- whose message ---- */

static bool keeps(const struct endpoint *ep, const struct net_flow *flow)
{
	for (unsigned i = 0; i < ENDPOINT_FLOWS; i++) {
		if (ep->kept[i].flow == flow)
			return true;
	}
	return false;
}

/* Is it from or to this endpoint, as the header field of our side of m says? */
static bool is_party(const struct endpoint *ep, const struct sip_msg *m, bool outgoing)
{
	struct sip_nameaddr a;
	bool from = m->request == outgoing;

	return (from ? sip_msg_from(m, &a) : sip_msg_to(m, &a)) && sip_uri_equal(&a.uri, &ep->aor);
}

/* The endpoint on this flow whose matter m is; of several on one flow the one that it names. */
static struct endpoint *owner(struct endpoint_manager *m, const struct net_flow *flow,
	const struct sip_msg *msg, bool outgoing)
{
	struct endpoint *found = NULL;

	LIST_EACH (it, &m->endpoints) {
		struct endpoint *ep = CONTAINER_OF(it, struct endpoint, node);

		if (!ep->auth || !keeps(ep, flow) || !auth_secures(ep->auth))
			continue;
		if (is_party(ep, msg, outgoing))
			return ep;
		found = found ? found : ep;
	}
	return found;
}

static bool any_secures(const struct endpoint_manager *m, const struct net_flow *flow)
{
	LIST_EACH (it, &m->endpoints) {
		const struct endpoint *ep = CONTAINER_OF(it, struct endpoint, node);
		if (ep->auth && keeps(ep, flow) && auth_secures(ep->auth))
			return true;
	}
	return false;
}

/* ---- out ---- */

/* Puts lines behind the header fields that are there. */
static void insert(struct str wire, struct str lines, struct buf *out)
{
	static const struct str blank = { "\r\n\r\n", 4 };
	size_t end = 0;

	while (end < wire.n && !str_starts(str_sub(wire, end, wire.n), blank))
		end++;
	if (end == wire.n)
		return;
	buf_add_str(out, str_sub(wire, 0, end + 2));
	buf_add_str(out, lines);
	buf_add_str(out, str_sub(wire, end + 2, wire.n));
}

static bool sign(void *arg, struct net_flow *flow, struct str wire, struct buf *out)
{
	struct endpoint_manager *m = arg;
	CLEANUP(buf_done) struct buf lines = BUF_INIT(1 << 16);
	struct endpoint *ep;
	struct sip_msg *msg;
	struct fail f = { 0 };

	if (!any_secures(m, flow) || sip_msg_parse(wire, &m->config.limits, &msg, NULL) != 0)
		return false;
	ep = owner(m, flow, msg, true);
	if (ep && auth_sign(ep->auth, msg, net_now_ms(), &lines, &f) != 0)
		trace_note(m->config.trace, "a message goes out unsigned: %s", f.text);
	sip_msg_unref(msg);
	if (lines.n > 0 && lines.fail == 0)
		insert(wire, buf_str(&lines), out);
	return out->n > 0;
}

/* ---- in ---- */

/* Not over the flow of any: a request or an answer to an endpoint of ours that is named, or else to
 * whom it can only be. Nobody who connects to us directly is to pass for the server (1.6). */
static struct endpoint *named(struct endpoint_manager *m, const struct sip_msg *msg)
{
	struct endpoint *found = NULL;

	LIST_EACH (it, &m->endpoints) {
		struct endpoint *ep = CONTAINER_OF(it, struct endpoint, node);
		bool secures = ep->auth && auth_established(ep->auth, net_now_ms());

		if (is_party(ep, msg, false))
			return secures ? ep : NULL;
		found = secures && !found ? ep : found;
	}
	return found;
}

static bool is_kept(const struct endpoint_manager *m, const struct net_flow *flow)
{
	LIST_EACH (it, &m->endpoints) {
		if (keeps(CONTAINER_OF(it, struct endpoint, node), flow))
			return true;
	}
	return false;
}

static bool verify(void *arg, struct net_flow *flow, struct sip_msg *msg)
{
	struct endpoint_manager *m = arg;
	struct endpoint *ep = NULL;
	const char *why = "";

	if (!is_kept(m, flow))
		ep = named(m, msg);
	else if (any_secures(m, flow))
		ep = owner(m, flow, msg, false);
	if (!ep || auth_verify(ep->auth, msg, net_now_ms(), &why) != AUTH_DISCARD)
		return true;
	m->counts.discarded++;
	trace_note(m->config.trace, "a message was discarded: %s", why);
	return false;
}

/* ---- life ---- */

static const struct dispatch_security security = { .sign = sign, .verify = verify };

void secure_begin(struct endpoint *ep)
{
	if (!ep->manager->security)
		endpoint_manager_secure(ep->manager, &security, ep->manager);
	endpoint_epid_make(ep);
}
