/* lib/serve/route.c -- what the operator says about the neighbours: static routes (--route),
 * addresses that are trusted without a challenge (--trust), other servers that users are at home at
 * (--home) */
#include "serve/impl.h"

#include "sip/param.h"

struct route {
	struct sip_uri from; /* without a user: the whole domain */
	struct net_target to;
	/* Kept once it is there: the flow tokens of Record-Route must live as long as the calls. */
	struct net_flow *flow;
};

/* ---- --route=URI=URI ---- */

/* A user part may hold '=', so the second URI is known by its scheme. */
static bool split(struct str text, struct str *left, struct str *right)
{
	for (size_t i = 0; i < text.n; i++) {
		*left = str_sub(text, 0, i);
		*right = str_sub(text, i + 1, text.n);
		if (text.p[i] == '=' && str_istarts(*right, STR("sip:")))
			return true;
	}
	return false;
}

static bool parse_hop(struct str text, struct net_target *to)
{
	struct sip_param p;
	struct sip_uri uri;
	struct str rest;

	if (!sip_uri_parse(text, &uri) || uri.has_user || uri.headers.n > 0)
		return false;
	to->transport = NET_UDP;
	to->host = uri.host;
	rest = uri.params;
	while (sip_param_next(&rest, &p)) {
		if (str_ieq(p.name, STR("lr")) && !p.has_value)
			continue;
		if (!str_ieq(p.name, STR("transport")) ||
			!net_transport_parse(p.value, &to->transport))
			return false;
	}
	return to->transport != NET_TLS && /* as a client it would need a CA */
	       net_addr_parse(uri.host, uri.port ? uri.port : 5060, &to->addr);
}

static bool parse_route(struct str text, struct route *r)
{
	struct str left, right;

	*r = (struct route){ 0 };
	return split(text, &left, &right) && sip_uri_parse(left, &r->from) &&
	       r->from.scheme <= SIP_URI_SIPS && r->from.params.n == 0 && r->from.headers.n == 0 &&
	       parse_hop(right, &r->to);
}

int serve_route_check(struct str route, struct fail *f)
{
	struct route r;

	return parse_route(route, &r)
		       ? 0
		       : fail_set(f, -FAIL_ARGUMENT,
				 "\"" STR_FMT "\" is not sip:[USER@]DOMAIN=sip:ADDR[:PORT]"
				 "[;transport=udp|tcp] with a numeric address",
				 STR_ARG(route));
}

static bool is_same_user(const struct sip_uri *a, const struct sip_uri *b)
{
	struct buf ka = BUF_INIT(1 << 16), kb = BUF_INIT(1 << 16);
	bool same;

	serve_user_key(a, &ka);
	serve_user_key(b, &kb);
	same = ka.fail == 0 && kb.fail == 0 && str_eq(buf_str(&ka), buf_str(&kb));
	buf_done(&ka);
	buf_done(&kb);
	return same;
}

static bool matches(const struct serve *s, const struct route *r, const struct sip_uri *uri)
{
	bool there = serve_is_self(s, &r->from)
			     ? serve_is_self(s, uri)
			     : str_ieq(r->from.host, uri->host) && r->from.port == uri->port;

	return there && (!r->from.has_user || (uri->has_user && is_same_user(&r->from, uri)));
}

bool route_find(struct serve *s, const struct sip_uri *uri, struct net_flow **flow)
{
	for (unsigned i = 0; i < s->config.route_count; i++) {
		struct route *r = &s->routes[i];

		if (!matches(s, r, uri))
			continue;
		if (r->flow && net_flow_info(r->flow)->closed) {
			net_flow_unref(r->flow);
			r->flow = NULL;
		}
		if (!r->flow && net_manager_flow(endpoint_manager_net(s->manager), &r->to, &r->flow,
					NULL) != 0)
			r->flow = NULL;
		*flow = r->flow ? net_flow_ref(r->flow) : NULL;
		return true;
	}
	return false;
}

/* ---- --trust=ADDR[:PORT] ---- */

/* Without a port: 0. */
static bool parse_trust(struct str text, struct net_addr *out)
{
	size_t colon = text.n;
	uint32_t port;

	if (net_addr_parse(text, 0, out))
		return !net_addr_is_any(out);
	while (colon > 0 && text.p[colon - 1] != ':')
		colon--;
	return colon > 0 && str_u32(str_sub(text, colon, text.n), &port) && port > 0 &&
	       port <= UINT16_MAX &&
	       net_addr_parse(str_sub(text, 0, colon - 1), (uint16_t)port, out) &&
	       !net_addr_is_any(out);
}

int serve_trust_check(struct str address, struct fail *f)
{
	struct net_addr a;

	return parse_trust(address, &a)
		       ? 0
		       : fail_set(f, -FAIL_ARGUMENT,
				 "\"" STR_FMT "\" is not ADDR or ADDR:PORT with a numeric address",
				 STR_ARG(address));
}

bool route_trusts(const struct serve *s, const struct net_flow *flow)
{
	const struct net_addr *from = &net_flow_info(flow)->remote;

	for (unsigned i = 0; i < s->config.trust_count; i++)
		if (net_addr_port(&s->trusted[i]) == 0 ? net_addr_equal_host(&s->trusted[i], from)
						       : net_addr_equal(&s->trusted[i], from))
			return true;
	return false;
}

/* ---- --home=USER=URI ---- */

static bool parse_home(struct str text, struct str *user, struct str *uri)
{
	struct sip_uri parsed;

	return str_cut(text, '=', user, uri) && user->n > 0 && sip_uri_parse(*uri, &parsed) &&
	       parsed.scheme <= SIP_URI_SIPS;
}

int serve_home_check(struct str option, struct fail *f)
{
	struct str user, uri;

	return parse_home(option, &user, &uri)
		       ? 0
		       : fail_set(f, -FAIL_ARGUMENT, "\"" STR_FMT "\" is not USER=URI",
				 STR_ARG(option));
}

bool route_home(const struct serve *s, struct str user, struct str *uri)
{
	struct str name;

	for (unsigned i = 0; i < s->config.home_count; i++)
		if (parse_home(s->config.homes[i], &name, uri) && str_eq(name, user))
			return true;
	return false;
}

/* ---- life ---- */

int route_init(struct serve *s, struct fail *f)
{
	struct serve_config *c = &s->config;
	int e;

	c->routes = arena_strs(&s->arena, c->routes, c->route_count);
	c->homes = arena_strs(&s->arena, c->homes, c->home_count);
	for (unsigned i = 0; i < c->home_count; i++)
		if ((e = serve_home_check(c->homes[i], f)) != 0)
			return e;
	s->routes = arena_zalloc(&s->arena, (c->route_count + 1) * sizeof(*s->routes));
	s->trusted = arena_zalloc(&s->arena, (c->trust_count + 1) * sizeof(*s->trusted));
	for (unsigned i = 0; i < c->route_count; i++) {
		if ((e = serve_route_check(c->routes[i], f)) != 0)
			return e;
		parse_route(c->routes[i], &s->routes[i]);
	}
	for (unsigned i = 0; i < c->trust_count; i++) {
		if ((e = serve_trust_check(c->trust[i], f)) != 0)
			return e;
		parse_trust(c->trust[i], &s->trusted[i]);
	}
	return 0;
}

void route_done(struct serve *s)
{
	for (unsigned i = 0; s->routes && i < s->config.route_count; i++)
		net_flow_unref(s->routes[i].flow);
}
