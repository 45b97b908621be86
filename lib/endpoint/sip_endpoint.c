/* lib/endpoint/sip_endpoint.c -- the server-based endpoint (rows SE-): everything goes to the home
 * server over one kept flow; challenges are answered */
#include "endpoint/impl.h"

#include "endpoint/registration.h"

/* The home servers in their order; with outbound the reg-ids go to them one by one (ruling 8),
 * otherwise further servers are the failover list. No server: the domain of the AOR, or without an
 * AOR the target's own. */
static bool sip_endpoint_next_hop(
	struct endpoint *ep, struct str target, unsigned index, unsigned n, struct str *uri)
{
	const struct endpoint_config *c = &ep->config;

	if (c->server_count == 0) {
		if (n > 0)
			return false;
		*uri = c->aor.n > 0 ? c->aor : target;
		return true;
	}
	if (ep->spread || index > 0) {
		if (n > 0)
			return false;
		*uri = c->servers[index % c->server_count];
		return true;
	}
	if (n >= c->server_count)
		return false;
	*uri = c->servers[n];
	return true;
}

static struct auth *sip_endpoint_auth(struct endpoint *ep)
{
	return ep->auth;
}

static struct net_flow *sip_endpoint_flow(struct endpoint *ep, unsigned index)
{
	struct net_flow *flow = ep->kept[index % ENDPOINT_FLOWS].flow;

	return flow && !net_flow_info(flow)->closed ? flow : NULL;
}

/* SE-06: the first flow that a request took is kept, and lets go of the one before. */
static void sip_endpoint_use_flow(struct endpoint *ep, unsigned index, struct net_flow *flow)
{
	struct kept_flow *k = &ep->kept[index % ENDPOINT_FLOWS];

	if (k->flow == flow)
		return;
	/* A security association is made with one server (microsoft-auth.md 1.9). */
	if (k->remote.u.sa.sa_family != AF_UNSPEC &&
		!net_addr_equal(&k->remote, &net_flow_info(flow)->remote))
		auth_forget(ep->auth);
	k->remote = net_flow_info(flow)->remote;
	net_flow_ref(flow);
	net_flow_unref(k->flow);
	k->flow = flow;
}

const struct endpoint_ops sip_endpoint_ops = {
	.next_hop = sip_endpoint_next_hop,
	.auth = sip_endpoint_auth,
	.flow = sip_endpoint_flow,
	.use_flow = sip_endpoint_use_flow,
};
