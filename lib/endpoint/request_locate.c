/* lib/endpoint/request_locate.c -- where a request goes: the URI of the next hop, its targets (RFC
 * 3263), a flow to one of them */
#include "endpoint/request_impl.h"

#include <string.h>

/* ---- locate ---- */

/* RFC 3261 8.1.2: "if the Request-URI specifies a SIPS resource, the UAC MUST follow the procedures
 * of [4] as if the input URI were a SIPS URI", whatever server or proxy is next. */
static struct str over_tls(struct request *r, struct str hop)
{
	struct buf b = BUF_INIT(1 << 16);
	struct sip_uri target;

	if (!sip_uri_parse(r->target, &target) || target.scheme != SIP_URI_SIPS ||
		!str_istarts(hop, STR("sip:")))
		return hop;
	buf_add_str(&b, STR("sips:"));
	buf_add_str(&b, str_sub(hop, 4, hop.n));
	hop = arena_str(&r->arena, buf_str(&b));
	buf_done(&b);
	return hop;
}

/* Within a dialog the way is the dialog's, but that a server-based endpoint sends everything
 * through its server (ruling 2). */
static bool is_own_route(const struct request *r)
{
	return r->config.dialog && r->endpoint->config.kind == ENDPOINT_PEER_TO_PEER;
}

static int next_hop_uri(struct request *r, struct sip_uri *uri, struct fail *f)
{
	struct endpoint *ep = r->endpoint;
	struct buf text = BUF_INIT(1 << 16);
	struct sip_dialog_route route;
	struct str hop;
	int e;

	if (is_own_route(r)) {
		sip_dialog_route(&r->config.dialog->sip, &route);
		hop = route.next_hop;
	} else if (!ep->ops->next_hop(ep, r->target, r->config.flow_index, r->hop, &hop)) {
		return -FAIL_DNS;
	}
	if (hop.n > 1 && hop.p[0] == '<')
		hop = str_sub(hop, 1, str_find(hop, '>'));
	e = endpoint_target_parse(hop, ep->host, &text, f);
	if (e == 0) {
		r->hop_uri = over_tls(r, arena_str(&r->arena, buf_str(&text)));
		if (!sip_uri_parse(r->hop_uri, uri))
			e = fail_set(f, -FAIL_ARGUMENT, "\"" STR_FMT "\" is not a SIP URI",
				STR_ARG(hop));
	}
	buf_done(&text);
	return e;
}

/* Ruling 3: where RFC 3263 leaves freedom. */
static enum net_transport usual_transport(const struct endpoint *ep)
{
	return ep->config.dialect == ENDPOINT_OCS ? NET_TLS : NET_UDP;
}

/* --connect: this address and nothing else, the transport as if the URI had been numeric. */
static bool connect_target(struct request *r, const struct sip_uri *uri)
{
	struct endpoint *ep = r->endpoint;
	enum net_transport t = uri->scheme == SIP_URI_SIPS ? NET_TLS : usual_transport(ep);
	struct str word;

	if (ep->config.connect.n == 0 || is_own_route(r))
		return false;
	if (ep->config.transport >= 0)
		t = (enum net_transport)ep->config.transport;
	else if (sip_uri_param(uri, "transport", &word))
		net_transport_parse(word, &t);
	r->current = (struct resolve_target){ .transport = t, .host = uri->host };
	return endpoint_connect_parse(
		ep->config.connect, t == NET_TLS ? 5061 : 5060, &r->current.addr);
}

static bool describe_resolved(struct request *r)
{
	struct resolve *v = &r->resolve;
	struct endpoint_query queries[64];
	struct endpoint_target targets[RESOLVE_TARGETS];
	char text[RESOLVE_TARGETS][NET_ADDR_TEXT];
	struct endpoint_resolved out = {
		.uri = r->hop_uri, .queries = queries, .targets = targets, .ms = v->ms
	};

	for (size_t i = 0; i < v->query_count && i < ARRAY_LEN(queries); i++)
		queries[out.query_count++] = (struct endpoint_query){ v->queries[i].name,
			v->queries[i].rrtype, v->queries[i].rcode, v->queries[i].ms };
	for (size_t i = 0; i < v->count; i++) {
		struct endpoint_target *t = &targets[out.target_count++];

		*t = (struct endpoint_target){ .host = v->targets[i].host,
			.priority = v->targets[i].priority,
			.weight = v->targets[i].weight,
			.srv = v->targets[i].srv };
		endpoint_hop_of(&v->targets[i].addr, v->targets[i].transport, text[i], &t->hop);
	}
	return request_tell(
		r, &(struct endpoint_event){ .type = ENDPOINT_RESOLVED, .resolved = &out });
}

static void on_resolved(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct resolve *v = CONTAINER_OF(w, struct resolve, done);
	struct request *r = CONTAINER_OF(v, struct request, resolve);

	(void)revents;
	ev_timer_stop(loop, w);
	r->resolving = false;
	r->resolved = true;
	if (v->query_count > 0) /* a numeric host takes no time */
		r->result.times.resolve = v->ms;
	if (v->query_count > 0 && !describe_resolved(r))
		return;
	if (v->count == 0) {
		struct fail f = v->fail;

		request_attempt_failed(r, &f);
		return;
	}
	r->target_index = 0;
	r->current = v->targets[0];
	request_try(r);
}

/* Locates the hop-th server of the endpoint. */
void request_locate(struct request *r)
{
	struct endpoint *ep = r->endpoint;
	struct fail f = { 0 };
	struct sip_uri uri;
	struct net_dns *dns;
	int e = next_hop_uri(r, &uri, &f);

	if (e != 0) {
		f.code = e;
		request_finish(r, &f);
		return;
	}
	if (connect_target(r, &uri)) {
		request_try(r);
		return;
	}
	dns = endpoint_manager_dns(ep->manager, &f);
	if (!dns) {
		request_finish(r, &f);
		return;
	}
	resolve_done(&r->resolve);
	memset(&r->resolve, 0, sizeof(r->resolve));
	ev_init(&r->resolve.done, on_resolved);
	r->state = REQUEST_RESOLVING;
	r->resolving = true;
	r->resolved = false;
	resolve_start(&r->resolve, &(struct resolve_config){
					   .loop = endpoint_loop(),
					   .dns = dns,
					   .trace = ep->manager->config.trace,
					   .dead = ep->manager->dead,
					   .uri = &uri,
					   .transport = ep->config.transport,
					   .preferred = usual_transport(ep),
					   .no_udp = ep->config.dialect == ENDPOINT_OCS,
					   .family = ep->config.family,
					   .overrides = ep->manager->config.resolve,
				   });
}

/* ---- connect ---- */

static void on_flow(void *arg, enum flow_news news, const struct net_event *ev)
{
	struct request *r = arg;

	if (news == FLOW_OPENED && r->state == REQUEST_CONNECTING) {
		request_send(r);
	} else if (news == FLOW_STRAY && r->state == REQUEST_WAITING && r->config.custom) {
		request_stray(r, ev);
	} else if ((news == FLOW_CLOSED || news == FLOW_UNREACHABLE) &&
		   r->state == REQUEST_WAITING && r->is_bare) {
		request_bare_lost(r, ev);
	} else if (news == FLOW_CLOSED && r->state == REQUEST_CONNECTING) {
		struct fail f = { -FAIL_CONNECT, "the connection was closed" };

		if (ev->fail)
			f = *ev->fail;
		request_attempt_failed(r, &f);
	}
}

void request_watch(struct request *r)
{
	r->watch = (struct flow_watch){ .fn = on_flow, .arg = r };
	flow_watch_start(r->endpoint->manager, r->flow, &r->watch);
}

/* Takes a flow to the current target. */
void request_try(struct request *r)
{
	struct endpoint *ep = r->endpoint;
	struct net_target target = {
		.transport = r->current.transport,
		.addr = r->current.addr,
		.host = r->current.host,
		.owner = ep->ops == &sip_endpoint_ops
				 ? (const void *)&ep->kept[r->config.flow_index % ENDPOINT_FLOWS]
				 : NULL,
	};
	struct sip_uri uri;
	struct fail f = { 0 };

	if (sip_uri_parse(r->hop_uri, &uri))
		target.host =
			uri.host; /* RFC 5922 7: the name of the URI, never that of an SRV target */
	request_drop_flow(r);
	if (ep->config.dialect == ENDPOINT_OCS && target.transport == NET_UDP) {
		/* a URI may ask for it, such as that of a redirect */
		fail_set(&f, -FAIL_CONNECT, "dialect ocs does not go over UDP");
		request_attempt_failed(r, &f);
		return;
	}
	r->result.counts.targets_tried++;
	if (manager_flow(ep->manager, &target, &r->flow, &f) != 0) {
		request_attempt_failed(r, &f);
		return;
	}
	request_watch(r);
	if (!flow_state_of(ep->manager, r->flow)->reporter)
		flow_state_of(ep->manager, r->flow)->reporter = ep;
	r->state = REQUEST_CONNECTING;
	if (net_flow_info(r->flow)->open)
		request_send(r);
}
