/* lib/endpoint/dialog.c -- dialogs by their ids, the connection of each, and what every message
 * within one needs: RFC 3261 section 12.2, rows PP-08 and PP-11 */
#include "endpoint/dialog.h"

#include "base/mem.h"
#include "endpoint/impl.h"
#include "sip/build.h"

/* ---- found by what arrives ---- */

static bool open_with_key(struct dialog *d, struct endpoint *ep, struct str call_id,
	struct str local_tag, struct str remote_tag)
{
	struct buf key = BUF_INIT(1 << 16);
	struct map *dialogs = &ep->manager->dialogs;
	bool is_new;

	sip_dialog_key(&key, call_id, local_tag, remote_tag);
	is_new = key.fail == 0 && !map_get(dialogs, buf_str(&key));
	if (is_new) {
		d->endpoint = ep;
		map_set(dialogs, &d->node, (struct str){ mem_strndup(key.p, key.n), key.n });
	}
	buf_done(&key);
	return is_new;
}

bool dialog_open(struct dialog *d, struct endpoint *ep)
{
	return open_with_key(d, ep, d->sip.call_id, d->sip.local_tag, d->sip.remote_tag);
}

bool dialog_open_half(
	struct dialog *d, struct endpoint *ep, struct str call_id, struct str local_tag)
{
	return open_with_key(d, ep, call_id, local_tag, STR_EMPTY);
}

void dialog_close(struct dialog *d)
{
	if (d->endpoint) {
		if (d->endpoint->manager)
			map_del(&d->endpoint->manager->dialogs, &d->node);
		mem_free((char *)(uintptr_t)d->node.key.p);
		d->endpoint = NULL;
	}
	net_flow_unref(d->flow);
	d->flow = NULL;
	sip_dialog_done(&d->sip);
}

struct dialog *dialog_find(struct endpoint_manager *m, const struct sip_msg *msg, bool half)
{
	struct str call_id = sip_msg_call_id(msg), ours = sip_msg_to_tag(msg);
	struct buf key = BUF_INIT(1 << 17);
	struct map_node *node = NULL;

	if (ours.n > 0 && m->dialogs.count > 0) {
		sip_dialog_key(&key, call_id, ours, sip_msg_from_tag(msg));
		node = map_get(&m->dialogs, buf_str(&key));
		if (!node && half) {
			buf_clear(&key);
			sip_dialog_key(&key, call_id, ours, STR_EMPTY);
			node = map_get(&m->dialogs, buf_str(&key));
		}
	}
	buf_done(&key);
	return node ? CONTAINER_OF(node, struct dialog, node) : NULL;
}

unsigned dialog_next_id(struct endpoint_manager *m)
{
	return ++m->dialog_count;
}

/* ---- its connection ---- */

static unsigned count_vias(const struct sip_msg *m)
{
	struct sip_list l = sip_msg_list(m, SIP_HDR_VIA);
	struct sip_via via;
	unsigned n = 0;

	while (n < 2 && sip_list_via(&l, &via))
		n++;
	return n;
}

void dialog_use_flow(struct dialog *d, struct net_flow *flow, const struct sip_msg *m)
{
	/* One Via: no proxy is between us, so the connection is the peer's own, whatever port its
	 * Contact names. Of what we sent ourselves the route tells nothing. */
	if (m->request && net_flow_info(flow)->incoming)
		d->direct = count_vias(m) == 1;
	if (d->flow == flow)
		return;
	net_flow_ref(flow);
	net_flow_unref(d->flow);
	d->flow = flow;
}

/* Is the next hop what the flow leads to: by the name it was opened for, or by its address? */
static bool leads_to(const struct dialog *d, struct str next_hop)
{
	const struct net_flow_info *i = net_flow_info(d->flow);
	struct sip_uri uri;
	struct str word;
	struct net_addr addr;
	enum net_transport t;
	uint16_t port;

	if (next_hop.n > 0 && next_hop.p[0] == '<')
		next_hop = str_sub(next_hop, 1, str_find(next_hop, '>'));
	if (!sip_uri_parse(next_hop, &uri) || uri.scheme > SIP_URI_SIPS)
		return false;
	if (uri.scheme == SIP_URI_SIPS ? i->transport != NET_TLS
				       : sip_uri_param(&uri, "transport", &word) &&
						 net_transport_parse(word, &t) && t != i->transport)
		return false;
	port = uri.port ? uri.port : i->transport == NET_TLS ? 5061 : 5060;
	if (i->incoming && i->transport != NET_UDP && (d->direct || d->sip.route_count > 0))
		return true; /* the peer's port is an ephemeral one; a proxy that recorded itself is
				at the other end */
	if (port != net_addr_port(&i->remote))
		return false;
	return str_ieq(uri.host, i->host) ||
	       (net_addr_parse(uri.host, port, &addr) && net_addr_equal(&addr, &i->remote));
}

struct net_flow *dialog_flow(struct dialog *d)
{
	struct endpoint *ep = d->endpoint;
	struct net_flow *kept = ep->ops->flow(ep, 0);
	struct sip_dialog_route route;

	if (kept || ep->config.kind == ENDPOINT_SERVER_BASED) /* ruling 2 */
		return kept;
	if (!d->flow || net_flow_info(d->flow)->closed || !net_flow_info(d->flow)->open)
		return NULL;
	sip_dialog_route(&d->sip, &route);
	return leads_to(d, route.next_hop) ? d->flow : NULL;
}

/* ---- answers ---- */

void dialog_reply(struct transaction *t, const struct dialog_response *d)
{
	struct buf b = BUF_INIT(1 << 20);
	char text[NET_ADDR_TEXT];
	struct sip_response r = transaction_response(transaction_msg(t), transaction_flow(t), text);

	r.status = d->status;
	r.reason = d->reason;
	if (sip_msg_to_tag(transaction_msg(t)).n == 0)
		r.to_tag = d->local_tag.n ? d->local_tag : transaction_tag(t);
	r.record_route = d->record_route;
	sip_build_response(&b, transaction_msg(t), &r);
	buf_add_str(&b, d->headers);
	sip_build_end(&b, d->type, d->body);
	if (b.fail == 0)
		transaction_reply(t, d->status, buf_str(&b));
	else
		transaction_answer(t, 500, NULL);
	buf_done(&b);
}

bool dialog_is_sips(struct str target)
{
	struct sip_uri uri;

	return sip_uri_parse(target, &uri) && uri.scheme == SIP_URI_SIPS;
}

/* "the Request-URI or ... the top Record-Route header field value, if there was any, or the Contact
 * header field if there was no Record-Route header field" */
bool dialog_wants_sips(const struct sip_msg *m)
{
	struct sip_list routes = sip_msg_list(m, SIP_HDR_RECORD_ROUTE),
			contacts = sip_msg_list(m, SIP_HDR_CONTACT);
	struct sip_nameaddr a;

	if (dialog_is_sips(m->request_uri))
		return true;
	return (sip_list_nameaddr(&routes, &a) || sip_list_nameaddr(&contacts, &a)) &&
	       a.uri.scheme == SIP_URI_SIPS;
}

void dialog_contact(struct endpoint *ep, struct net_flow *flow, bool secure, struct buf *b)
{
	const struct endpoint_config *c = &ep->config;
	bool own = c->contact.n > 0 && c->contact.p[0] != ';'; /* the user's */
	bool gruu = ep->gruu && !own && !secure; /* it is a sip URI */
	struct buf v = BUF_INIT(1 << 16);

	/* [MS-SIPRE] 3.4.4.1: the GRUU alone, wherever a dialog may come of it; before there is
	 * one, the server puts the address that it sees in the place of ours. */
	buf_add_char(&v, '<');
	if (gruu)
		buf_addf(&v, "%s", ep->gruu);
	else if (flow)
		endpoint_contact_uri(ep, flow, secure, &v);
	else /* a dry run */
		buf_add_str(&v, secure ? STR("sips:local.invalid") : STR("sip:local.invalid"));
	buf_add_char(&v, '>');
	if (c->dialect == ENDPOINT_OCS && !gruu && !own)
		buf_add_str(&v, STR(";proxy=replace"));
	if (c->instance.n > 0 && !gruu)
		buf_addf(&v, ";+sip.instance=\"<" STR_FMT ">\"", STR_ARG(c->instance));
	for (unsigned i = 0; i < c->feature_count; i++)
		buf_addf(&v, ";" STR_FMT, STR_ARG(c->features[i]));
	if (c->contact.n > 0 && c->contact.p[0] == ';')
		buf_add_str(&v, c->contact);
	sip_build_hdr(b, SIP_HDR_CONTACT, buf_str(&v));
	buf_done(&v);
}
