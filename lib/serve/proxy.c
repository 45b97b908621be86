/* lib/serve/proxy.c -- a transaction-stateful proxy, RFC 3261 section 16: which requests it takes
 * (16.3) and where they go (16.4, 16.5): along the flow that a Route of ours names, by a static
 * route, or to registered bindings over the flow they registered with (RFC 5626 section 5.3).
 * INVITE forks to all bindings of a user; any other request goes to the best one. */
#include "serve/ocs.h"
#include "serve/proxy.h"

#include "sip/delta.h"

#include <string.h>

enum {
	BREADTH = 60, /* RFC 5393 5.3.3: of a request that says nothing, and at most */
	BRANCHES = 100000, /* of all requests that are on their way */
};

/* ---- flows and bindings ---- */

/* The flow that a binding was registered over; UDP flows come back by their addresses. */
struct net_flow *proxy_flow_of(struct serve *s, const struct binding *b)
{
	struct net_manager *net = endpoint_manager_net(s->manager);
	struct net_flow *flow = net_manager_flow_by_id(net, b->flow_id);
	struct net_target target = { .transport = NET_UDP, .addr = b->source };
	char text[NET_ADDR_TEXT];

	if (flow || b->transport != NET_UDP)
		return flow ? net_flow_ref(flow) : NULL;
	target.host = str_of(net_addr_host(&b->source, text));
	return net_manager_flow(net, &target, &flow, NULL) == 0 ? flow : NULL;
}

/* A binding as a target, or the next flow of its instance that is there. */
static bool target_of(struct serve *s, const struct binding *b, struct target *out)
{
	struct net_flow *flow = proxy_flow_of(s, b);

	while (!flow && b && b->instance[0]) {
		b = registrar_choose(b->record, str_of(b->instance), b->serial);
		flow = b ? proxy_flow_of(s, b) : NULL;
	}
	if (!flow)
		return false;
	*out = (struct target){
		.flow = flow,
		.uri = str_of(b->contact),
		.path = str_of(b->path),
		.key = b->record->key,
		.instance = str_of(b->instance),
		.serial = b->serial,
		.q = b->q,
		.lost = 480,
	};
	return true;
}

bool proxy_next_flow(struct serve *s, const struct target *failed, struct target *out)
{
	struct record *r = registrar_record(s, failed->key);
	const struct binding *b = r ? registrar_choose(r, failed->instance, failed->serial) : NULL;

	return b && target_of(s, b, out);
}

/* RFC 5626 section 7: an instance is a target once, whatever flows it has. */
static bool has_instance(const struct targets *t, struct str instance)
{
	for (unsigned i = 0; i < t->count; i++)
		if (instance.n > 0 && str_ieq(t->list[i].instance, instance))
			return true;
	return false;
}

/* Behind those of the same q. */
static void add_target(struct targets *t, const struct target *new)
{
	unsigned at = t->count++;

	for (; at > 0 && t->list[at - 1].q < new->q; at--)
		t->list[at] = t->list[at - 1];
	t->list[at] = *new;
}

/* ---- where it goes, 16.5 ---- */

/* A Route of ours with a flow token says over which connection (RFC 5626 5.3.1). Record-Route got
 * two, the caller's before the callee's, and the route set of either is in the order in which the
 * topmost is the other's (RFC 3261 12.1). False: there is no token. *out is NULL when its flow is
 * gone; no ref is taken. */
static bool by_token(struct serve *s, const struct sip_msg *m, struct net_flow **out)
{
	struct sip_list l = sip_msg_list(m, SIP_HDR_ROUTE);
	struct sip_nameaddr a;
	unsigned id;

	while (sip_list_nameaddr(&l, &a) && serve_is_self(s, &a.uri))
		if (proxy_read_token(a.uri.user, &id)) {
			*out = net_manager_flow_by_id(endpoint_manager_net(s->manager), id);
			return true;
		}
	return false;
}

static void add_flow(struct targets *out, struct str uri, struct net_flow *flow, unsigned lost)
{
	const struct target t = { .flow = flow, .uri = uri, .lost = lost };

	add_target(out, &t);
}

/* Within a dialog the Request-URI may be a GRUU, which the endpoint knows as its Contact. */
static struct str contact_of(struct serve *s, const struct sip_msg *m, const struct sip_uri *uri)
{
	struct buf key = BUF_INIT(1 << 12);
	const struct binding *b = NULL;
	struct str gruu;
	bool named;

	if (s->config.ocs && sip_uri_param(uri, "gruu", &gruu) && serve_is_self(s, uri)) {
		serve_user_key(uri, &key);
		b = ocs_find(registrar_record(s, buf_str(&key)), uri, m, &named);
	}
	buf_done(&key);
	return b ? str_of(b->contact) : m->request_uri;
}

/* The binding that a Request-URI of ours names: a GRUU's instance, or the user's. */
static void by_user(
	struct serve *s, const struct sip_uri *u, bool all, struct record *r, struct targets *out)
{
	struct buf wrapped = BUF_INIT(1 << 18);
	struct str gr, instance = STR_EMPTY;
	const struct binding *best;
	struct target t;

	if (sip_uri_param(u, "gr", &gr)) {
		buf_addf(&wrapped, "<" STR_FMT ">", STR_ARG(gr));
		instance = buf_str(&wrapped);
	}
	best = registrar_choose(r, instance, 0);
	if (best && !all && target_of(s, best, &t))
		add_target(out, &t);
	/* From the newest on: the older flows of an instance are for when it fails. */
	for (struct list *it = r->bindings.prev; all && it != &r->bindings; it = it->prev) {
		const struct binding *b = CONTAINER_OF(it, struct binding, node);

		if (instance.n > 0 && !str_ieq(instance, str_of(b->instance)))
			continue;
		if (!has_instance(out, str_of(b->instance)) && target_of(s, b, &t))
			add_target(out, &t);
	}
	buf_done(&wrapped);
}

/* One binding and no other flow of its instance: a Contact in the Request-URI, or a temporary GRUU.
 */
static void by_binding(struct serve *s, const struct binding *b, struct targets *out)
{
	struct target t;

	if (!b || !target_of(s, b, &t))
		return;
	t.instance = STR_EMPTY;
	add_target(out, &t);
}

static void by_location(
	struct serve *s, const struct sip_msg *m, const struct sip_uri *uri, struct targets *out)
{
	struct buf key = BUF_INIT(1 << 12);
	struct record *r;
	struct binding *one = NULL;
	struct str gr;
	bool named = false;

	out->otherwise = 404;
	if (!serve_is_self(s, uri)) {
		by_binding(s, registrar_by_contact(s, uri), out);
		return;
	}
	serve_user_key(uri, &key);
	r = registrar_record(s, buf_str(&key));
	if (s->config.ocs)
		one = ocs_find(r, uri, m, &named);
	if (named)
		by_binding(s, one, out);
	else if (sip_uri_param(uri, "gr", &gr) && gr.n == 0)
		by_binding(s, registrar_by_temp_gruu(s, uri->user), out);
	else if (r)
		by_user(s, uri, m->method == SIP_INVITE, r, out);
	/* An address of ours that nobody is at now is 480, one that does not exist 404. */
	if (s->users.count == 0 || serve_user(s, buf_str(&key)))
		out->otherwise = 480;
	buf_done(&key);
}

static void find_targets(
	struct serve *s, const struct sip_msg *m, const struct sip_uri *uri, struct targets *out)
{
	struct net_flow *flow;

	out->count = 0;
	out->otherwise = 0;
	if (by_token(s, m, &flow)) {
		out->otherwise = 430;
		if (flow)
			add_flow(out, contact_of(s, m, uri), net_flow_ref(flow), 430);
	} else if (route_find(s, uri, &flow)) {
		out->otherwise = 500; /* 16.9: as 503, which is not forwarded (16.7 step 6) */
		if (flow)
			add_flow(out, m->request_uri, flow, 503);
	} else {
		by_location(s, m, uri, out);
	}
}

/* ---- the requests that we take, 16.3 ---- */

/* RFC 5393 5.3.3. */
static unsigned breadth_of(const struct sip_msg *m)
{
	const struct sip_hdr *h = sip_msg_hdr_named(m, STR("Max-Breadth"));
	uint32_t n = BREADTH;

	return h && sip_delta_parse(h->value, &n) && n < BREADTH ? n : BREADTH;
}

/* [MS-SIP] 3.5: with ms-benotify a proxy must let BENOTIFY pass, which has no answer. */
static bool write_unsupported(const struct serve *s, const struct sip_msg *m, struct buf *headers)
{
	struct sip_list l = sip_msg_list(m, SIP_HDR_PROXY_REQUIRE);
	struct str tag;

	while (sip_list_token(&l, &tag))
		if (!s->config.ocs || !str_ieq(tag, STR("ms-benotify")))
			buf_addf(headers, "Unsupported: " STR_FMT "\r\n", STR_ARG(tag));
	return headers->n > 0;
}

bool proxy_unsupported(struct serve *s, struct transaction *t, const struct sip_msg *m)
{
	struct buf headers = BUF_INIT(1 << 12);
	bool is = write_unsupported(s, m, &headers);

	if (is)
		serve_answer(s, t, 420, STR_EMPTY, buf_str(&headers));
	buf_done(&headers);
	return is;
}

static unsigned validate(
	struct serve *s, const struct sip_msg *m, const struct sip_uri *uri, struct buf *headers)
{
	uint32_t hops;

	if (uri->scheme > SIP_URI_SIPS)
		return 416;
	if (sip_delta_parse(sip_msg_value(m, SIP_HDR_MAX_FORWARDS), &hops) && hops == 0)
		return 483;
	if (proxy_is_loop(s, m))
		return 482;
	if (write_unsupported(s, m, headers))
		return 420;
	return breadth_of(m) == 0 ? 440 : 0;
}

bool proxy_proved(struct serve *s, struct transaction *t, struct sip_msg *m, struct net_flow *flow)
{
	struct arena arena = { 0 };
	struct buf key = BUF_INIT(1 << 12);
	struct sip_nameaddr from;
	struct str user;
	bool good = true;

	if (s->config.challenge && !route_trusts(s, flow) && sip_msg_to_tag(m).n == 0 &&
		sip_msg_from(m, &from) && serve_is_self(s, &from.uri)) {
		serve_user_key(&from.uri, &key);
		good = challenge_passed(s, t, m, true, &user, &arena);
		if (good && !str_eq(user, buf_str(&key))) {
			serve_answer(s, t, 403, STR("Not your address"), STR_EMPTY);
			good = false;
		}
	}
	buf_done(&key);
	arena_done(&arena);
	return good;
}

void proxy_request(struct serve *s, struct transaction *t, struct sip_msg *m, struct net_flow *flow)
{
	struct buf headers = BUF_INIT(1 << 12);
	struct targets targets;
	struct sip_uri uri;
	unsigned status =
		sip_uri_parse(m->request_uri, &uri) ? validate(s, m, &uri, &headers) : 400;

	if (status == 0 && s->branches >= BRANCHES)
		status = 503;
	if (status != 0) {
		serve_answer(s, t, status, STR_EMPTY, buf_str(&headers));
	} else if (proxy_proved(s, t, m, flow)) {
		find_targets(s, m, &uri, &targets);
		if (targets.count > 0) {
			forward_request(s, t, flow, &targets, breadth_of(m));
		} else {
			transaction_answer(t, targets.otherwise, NULL);
			transaction_free(t);
		}
	}
	buf_done(&headers);
}

/* The ACK for a 2xx has no transaction (13.2.2.4): forwarded as a stateless proxy does (16.11), or
 * dropped, since nobody answers an ACK. */
void proxy_ack(struct serve *s, struct sip_msg *m, struct net_flow *flow)
{
	struct buf headers = BUF_INIT(1 << 12), wire = BUF_INIT(1 << 18);
	struct proxy_copy copy = { .m = m, .from = flow, .breadth = BREADTH, .stateless = true };
	struct targets targets = { .count = 0 };
	struct sip_uri uri;

	if (sip_uri_parse(m->request_uri, &uri) && validate(s, m, &uri, &headers) == 0)
		find_targets(s, m, &uri, &targets);
	if (targets.count > 0) {
		copy.to = targets.list[0].flow;
		copy.uri = targets.list[0].uri;
		copy.path = targets.list[0].path;
		copy.breadth = breadth_of(m);
		if (proxy_write_request(s, &copy, &wire))
			dispatch_send(s->manager, copy.to, buf_str(&wire), false);
		net_flow_unref(copy.to);
	}
	buf_done(&headers);
	buf_done(&wire);
}
