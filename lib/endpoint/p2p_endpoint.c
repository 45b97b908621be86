/* lib/endpoint/p2p_endpoint.c -- the peer-to-peer endpoint (rows PP-): to the target or to an
 * outbound proxy over pooled flows; no registrar, no credentials */
#include "endpoint/impl.h"

/* The preloaded Route set's top, the proxy, or the target itself (ruling 1; PP-08). */
static bool p2p_endpoint_next_hop(
	struct endpoint *ep, struct str target, unsigned index, unsigned n, struct str *uri)
{
	const struct endpoint_config *c = &ep->config;

	(void)index;
	if (n > 0)
		return false;
	if (c->proxy.n > 0)
		*uri = c->proxy;
	else
		*uri = c->route_count > 0 ? c->routes[0] : target;
	return true;
}

static struct auth *p2p_endpoint_auth(struct endpoint *ep)
{
	(void)ep;
	return NULL; /* AU-09 */
}

static struct net_flow *p2p_endpoint_flow(struct endpoint *ep, unsigned index)
{
	(void)ep;
	(void)index;
	return NULL; /* PP-10: nothing is kept; the pool has what lingers */
}

static void p2p_endpoint_use_flow(struct endpoint *ep, unsigned index, struct net_flow *flow)
{
	(void)ep;
	(void)index;
	(void)flow;
}

const struct endpoint_ops p2p_endpoint_ops = {
	.next_hop = p2p_endpoint_next_hop,
	.auth = p2p_endpoint_auth,
	.flow = p2p_endpoint_flow,
	.use_flow = p2p_endpoint_use_flow,
};
