/* lib/serve/serve.c -- the life of the test server, its users, and which part answers a request */
#include "serve/serve.h"

#include "base/mem.h"
#include "base/text.h"
#include "serve/actors.h"
#include "serve/impl.h"
#include "sip/build.h"

#include <string.h>

static const char allow[] =
	"Allow: INVITE, ACK, CANCEL, BYE, UPDATE, PRACK, REGISTER, OPTIONS, MESSAGE, SUBSCRIBE, "
	"NOTIFY, REFER, INFO, PUBLISH\r\n";

void serve_tell(struct serve *s, const struct serve_event *ev)
{
	if (s->config.on_event)
		s->config.on_event(s->config.arg, ev);
}

/* ---- who and where ---- */

struct user *serve_user(const struct serve *s, struct str name)
{
	struct map_node *node = map_get(&s->users, name);

	return node ? CONTAINER_OF(node, struct user, node) : NULL;
}

void serve_user_key(const struct sip_uri *u, struct buf *out)
{
	unsigned char c;

	/* RFC 3261 10.3 step 5: compared "as described in 19.1.4", where %HH is the character it
	 * stands for. */
	for (size_t i = 0; i < u->user.n; i++)
		if (u->user.p[i] == '%' && text_unhex(str_sub(u->user, i + 1, i + 3), &c, 1)) {
			buf_add_char(out, (char)c);
			i += 2;
		} else {
			buf_add_char(out, u->user.p[i]);
		}
}

bool serve_is_self(const struct serve *s, const struct sip_uri *u)
{
	char text[NET_ADDR_TEXT];
	struct endpoint_hop hop;

	if (str_ieq(u->host, s->config.domain))
		return true;
	for (unsigned i = 0; endpoint_manager_listener(s->manager, i, text, &hop); i++)
		if (str_ieq(u->host, hop.address) && u->port == hop.port)
			return true;
	return false;
}

bool serve_listener(
	const struct serve *s, unsigned i, char text[NET_ADDR_TEXT], struct endpoint_hop *out)
{
	return endpoint_manager_listener(s->manager, i, text, out);
}

const char *serve_cacert(const struct serve *s)
{
	return s->cacert;
}

uint32_t serve_seed(const struct serve *s)
{
	return s->seed;
}

unsigned serve_bindings(const struct serve *s, struct str user)
{
	struct record *r = registrar_record(s, user);

	return r ? r->count : 0;
}

/* ---- answers ---- */

void serve_tell_request(struct serve *s, struct transaction *t, unsigned status)
{
	struct dispatch_text text;
	struct endpoint_msg description;

	dispatch_describe_msg(transaction_msg(t), transaction_flow(t), &text, &description);
	description.replied = status;
	serve_tell(s, &(struct serve_event){ .type = SERVE_REQUEST, .msg = &description });
}

void serve_answer(struct serve *s, struct transaction *t, unsigned status, struct str reason,
	struct str headers)
{
	struct buf b = BUF_INIT(1 << 18);
	char address[NET_ADDR_TEXT];
	struct sip_response r =
		transaction_response(transaction_msg(t), transaction_flow(t), address);

	serve_tell_request(s, t, status);
	r.status = status;
	r.reason = reason;
	r.to_tag = transaction_tag(t);
	sip_build_response(&b, transaction_msg(t), &r);
	buf_add_str(&b, headers);
	sip_build_hdr(&b, SIP_HDR_SERVER, STR("rte/" RTE_VERSION));
	sip_build_end(&b, STR_EMPTY, STR_EMPTY);
	if (b.fail == 0)
		transaction_reply(t, status, buf_str(&b));
	else
		transaction_answer(t, 500, NULL);
	buf_done(&b);
	if (status >= 200)
		transaction_free(t);
}

/* 8.2.2.3 for what we answer ourselves. */
bool serve_unsupported(
	struct serve *s, struct transaction *t, const struct sip_msg *m, const char *const *known)
{
	struct sip_list l = sip_msg_list(m, SIP_HDR_REQUIRE);
	struct buf h = BUF_INIT(1 << 12);
	struct str tag;
	bool bad;

	while (sip_list_token(&l, &tag)) {
		bool is_known = false;

		for (unsigned i = 0; known[i]; i++)
			is_known = is_known || str_ieq(tag, str_of(known[i]));
		if (!is_known)
			buf_addf(&h, "Unsupported: " STR_FMT "\r\n", STR_ARG(tag));
	}
	bad = h.n > 0;
	if (bad)
		serve_answer(s, t, 420, STR_EMPTY, buf_str(&h));
	buf_done(&h);
	return bad;
}

/* Requests for the server itself: OPTIONS is answered (11.2), anything else is not for a server. */
static void own_request(struct serve *s, struct transaction *t, const struct sip_msg *m)
{
	struct buf h = BUF_INIT(1 << 10);

	buf_add_str(&h, str_of(allow));
	if (m->method == SIP_OPTIONS) {
		buf_add_str(&h, STR("Accept: */*\r\nSupported: path, outbound, gruu\r\n"));
		events_write_options(s, &h);
	}
	serve_answer(s, t,
		m->method == SIP_OPTIONS ? 200
		: m->method == SIP_OTHER ? 501
					 : 405,
		STR_EMPTY, buf_str(&h));
	buf_done(&h);
}

/* Who takes a request with a SIP URI; the others are all the proxy's. */
static void sip_request(struct serve *s, struct transaction *t, struct sip_msg *m,
	struct net_flow *flow, const struct sip_uri *uri)
{
	static const char *const known[] = { "path", "outbound", "gruu", NULL };
	bool ours = serve_is_self(s, uri), routed = sip_msg_hdr(m, SIP_HDR_ROUTE) != NULL;

	if (m->method == SIP_REGISTER && ours) {
		if (!serve_unsupported(s, t, m, known))
			registrar_request(s, t, m, flow);
	} else if (ours && !uri->has_user && !routed) {
		if (!serve_unsupported(s, t, m, known))
			own_request(s, t, m);
	} else {
		proxy_request(s, t, m, flow);
	}
}

static bool is_for_actors(struct serve *s, const struct sip_uri *uri)
{
	return uri->scheme <= SIP_URI_SIPS && uri->has_user && serve_is_self(s, uri);
}

static bool on_request(void *arg, struct transaction *t, struct sip_msg *m, struct net_flow *flow)
{
	struct serve *s = arg;
	enum actors_verdict verdict;
	struct sip_uri uri;
	bool good;

	if (!pact_admits(s, t, m, flow))
		return true;
	verdict = actors_within(s, t, m);
	if (verdict != ACTORS_NOT_OURS)
		return verdict == ACTORS_TAKEN;
	if (!t) {
		proxy_ack(s, m, flow);
		return true;
	}
	if (m->method == SIP_CANCEL) { /* of nothing that we know */
		serve_answer(s, t, 481, STR_EMPTY, STR_EMPTY);
		return true;
	}
	if (rule_request(s, t, m))
		return true;
	good = sip_uri_parse(m->request_uri, &uri);
	if (good && events_request(s, t, m, flow, &uri))
		return true;
	if (good && m->method != SIP_REGISTER && is_for_actors(s, &uri) &&
		(verdict = actors_request(s, t, m, flow)) != ACTORS_NOT_OURS)
		return verdict == ACTORS_TAKEN;
	if (!good)
		serve_answer(s, t, 400, STR("Malformed Request-URI"), STR_EMPTY);
	else if (uri.scheme <= SIP_URI_SIPS)
		sip_request(s, t, m, flow, &uri);
	else
		proxy_request(s, t, m, flow);
	return true;
}

static void on_flow(void *arg, const struct net_event *ev)
{
	if (ev->type == NET_CLOSED)
		registrar_flow_closed(arg, net_flow_info(ev->flow)->id);
}

/* ---- life ---- */

static void keep_config(struct serve *s)
{
	struct serve_config *c = &s->config;

	c->domain = arena_str(&s->arena, c->domain.n ? c->domain : STR("test.invalid"));
	s->ms_realm =
		arena_str(&s->arena, c->realm.n ? c->realm : STR("SIP Communications Service"));
	c->realm = arena_str(&s->arena, c->realm.n ? c->realm : c->domain);
	c->listen = arena_strs(&s->arena, c->listen, c->listen_count);
	c->service_route = arena_str(&s->arena, c->service_route);
	c->replies = arena_strs(&s->arena, c->replies, c->reply_count);
	c->faults = arena_strs(&s->arena, c->faults, c->fault_count);
	c->min_expires = c->min_expires ? c->min_expires : 60;
	c->max_expires = c->max_expires ? c->max_expires : c->ocs ? 7200 : 3600;
	c->nonce_ms = c->nonce_ms ? c->nonce_ms : 300000;
	c->timer_c_ms = c->timer_c_ms ? c->timer_c_ms : 181000;
	c->events = arena_str(&s->arena, c->events);
	c->lists = arena_strs(&s->arena, c->lists, c->list_count);
	c->max_subscriptions = c->max_subscriptions ? c->max_subscriptions : 10000;
	c->max_publications = c->max_publications ? c->max_publications : 1000;
	c->ms_version = c->ms_version ? c->ms_version : 4;
	c->association_ms = c->association_ms ? c->association_ms : 8 * 3600000;
	if (c->scheme_count == 0)
		c->schemes[c->scheme_count++] = SERVE_DIGEST;
}

static void add_user(struct serve *s, const struct serve_user *u)
{
	struct user *copy = MEM_NEW(struct user);

	copy->name = (struct str){ mem_strndup(u->name.p, u->name.n), u->name.n };
	copy->secret = u->secret;
	copy->secret.secret = (struct str){ mem_strndup(u->secret.secret.p, u->secret.secret.n),
		u->secret.secret.n };
	map_set(&s->users, &copy->node, copy->name);
}

static void free_users(struct serve *s)
{
	struct map_node *node;

	while ((node = map_any(&s->users)) != NULL) {
		struct user *u = CONTAINER_OF(node, struct user, node);

		map_del(&s->users, node);
		mem_wipe((char *)(uintptr_t)u->secret.secret.p, u->secret.secret.n);
		mem_free((char *)(uintptr_t)u->secret.secret.p);
		mem_free((char *)(uintptr_t)u->name.p);
		mem_free(u);
	}
	map_done(&s->users);
}

static int make_certificate(struct serve *s, struct fail *f)
{
	const char *dir = s->config.tls_dir;
	const char *domain = arena_str(&s->arena, s->config.domain).p;
	const char *const names[] = { domain, "localhost", "127.0.0.1", "::1",
		NULL }; /* ruling 12 */
	int e;

	if (!s->config.tls_auto)
		return 0;
	if ((e = net_tls_make_ca(dir, names, f)) != 0)
		return e;
	s->cacert = (char *)(uintptr_t)arena_fmt(&s->arena, "%s/ca.pem", dir).p;
	s->config.tls.cert = arena_fmt(&s->arena, "%s/server.pem", dir).p;
	s->config.tls.key = arena_fmt(&s->arena, "%s/server.key", dir).p;
	return 0;
}

/* Ruling 11 */
static int listen_default(struct serve *s, struct fail *f)
{
	int e = endpoint_manager_listen_loopback(s->manager, f);

	if (e == 0 && s->config.tls.cert)
		e = endpoint_manager_listen(s->manager, STR("tls:127.0.0.1:0"), f);
	return e;
}

static int listen_all(struct serve *s, bool open, struct fail *f)
{
	int e = 0;

	if (s->config.listen_count == 0)
		return listen_default(s, f);
	for (unsigned i = 0; i < s->config.listen_count && e == 0; i++) {
		struct str uri = s->config.listen[i];
		bool loopback = str_find(uri, '[') < uri.n
					? str_starts(str_sub(uri, 4, uri.n), STR("[::1]"))
					: str_starts(str_sub(uri, 4, uri.n), STR("127."));

		if (!loopback && !open && (s->users.count == 0 || !s->config.challenge))
			return fail_set(f, -FAIL_ARGUMENT,
				STR_FMT " is not loopback: add users and a challenge, or "
					"--auth=none to serve everybody",
				STR_ARG(uri));
		e = endpoint_manager_listen(s->manager, uri, f);
	}
	return e;
}

/* What goes into messages must fit there. */
static int check(const struct serve_config *c, struct fail *f)
{
	struct sip_uri uri;

	if (!sip_uri_is_host(c->domain))
		return fail_set(
			f, -FAIL_ARGUMENT, "\"" STR_FMT "\" is not a domain", STR_ARG(c->domain));
	if (!sip_build_clean(c->realm) || str_find(c->realm, '"') < c->realm.n ||
		str_find(c->realm, '\\') < c->realm.n)
		return fail_set(f, -FAIL_ARGUMENT, "the realm has quotes or control characters");
	if (c->service_route.n > 0 && !sip_uri_parse(c->service_route, &uri))
		return fail_set(f, -FAIL_ARGUMENT, "\"" STR_FMT "\" is not a URI",
			STR_ARG(c->service_route));
	if (c->min_expires > c->max_expires)
		return fail_set(f, -FAIL_ARGUMENT,
			"a registration may last from %u to %u s at most", c->min_expires,
			c->max_expires);
	return 0;
}

int serve_new(const struct serve_config *config, bool open, struct serve **out, struct fail *f)
{
	struct serve *s = MEM_NEW(struct serve);
	struct endpoint_manager_config mc = {
		.kind = NET_SERVER, .trace = config->trace, .timers = config->timers
	};
	int e = 0;

	s->config = *config;
	keep_config(s);
	list_init(&s->pending);
	list_init(&s->forwards);
	list_init(&s->forks);
	s->control_fd = s->control_keep = -1;
	s->seed = config->seed ? config->seed : text_random_u32();
	auth_nonce_init(&s->nonce, s->config.nonce_ms, 0);
	for (unsigned i = 0; i < config->user_count; i++)
		add_user(s, &config->users[i]);
	e = check(&s->config, f);
	for (unsigned i = 0; i < config->reply_count && e == 0; i++)
		e = serve_reply_check(config->replies[i], f);
	if (e != 0 || (e = route_init(s, f)) != 0 ||
		(e = fault_init(&s->fault, &s->config, s->seed, f)) != 0 ||
		(e = make_certificate(s, f)) != 0)
		goto fail;
	mc.tls_server = s->config.tls;
	mc.tls.keylog = s->config.tls.keylog;
	if ((e = endpoint_manager_new(&mc, &s->manager, f)) != 0)
		goto fail;
	endpoint_manager_on_request(s->manager, on_request, s);
	endpoint_manager_on_flow(s->manager, on_flow, s);
	if (config->fault_count > 0)
		endpoint_manager_on_send(s->manager, fault_send, s);
	if ((e = pact_open(s, f)) != 0 || (e = listen_all(s, open, f)) != 0 ||
		(e = actors_open(s, f)) != 0 || (e = events_open(s, f)) != 0 ||
		(e = control_open(s, f)) != 0)
		goto fail;
	*out = s;
	return 0;
fail:
	serve_free(s);
	return e;
}

void serve_stop(struct serve *s)
{
	events_stop(s);
}

struct endpoint_counts serve_counts(const struct serve *s)
{
	struct endpoint_counts counts = endpoint_manager_counts(s->manager);

	counts.discarded = 0;
	return counts;
}

void serve_free(struct serve *s)
{
	if (!s)
		return;
	s->config.on_event = NULL;
	control_close(s);
	rule_done(s);
	events_close(s);
	actors_close(s);
	forward_done(s);
	route_done(s);
	fault_done(&s->fault);
	registrar_done(s);
	pact_close(s);
	endpoint_manager_free(s->manager);
	free_users(s);
	auth_nonce_done(&s->nonce);
	arena_done(&s->arena);
	mem_free(s);
}
