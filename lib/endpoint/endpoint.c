/* lib/endpoint/endpoint.c -- the common base of endpoints: identity, life, Contact, and the text
 * forms of peers */
#include "endpoint/endpoint.h"

#include "base/mem.h"
#include "base/text.h"
#include "endpoint/epid.h"
#include "endpoint/impl.h"
#include "endpoint/registration.h"
#include "endpoint/session_impl.h"
#include "sip/build.h"

#include <string.h>
#include <time.h>

void endpoint_emit(struct endpoint *ep, const struct endpoint_event *ev)
{
	struct endpoint_event copy = *ev;

	copy.endpoint = ep;
	if (ep->config.on_event)
		ep->config.on_event(ep->config.arg, &copy);
}

/* ---- names of peers, cli.md section 6 ---- */

static bool is_scheme(struct str text, const char *scheme)
{
	return str_istarts(text, str_of(scheme));
}

/* tel:+1-201-555-0123 -> sip:+12015550123@DOMAIN;user=phone (RFC 3261 19.1.6) */
static int tel_target(struct str number, struct str domain, struct buf *out, struct fail *f)
{
	struct sip_uri u;

	if (!sip_uri_parse((struct str){ number.p - 4, number.n + 4 }, &u))
		return fail_set(f, -FAIL_ARGUMENT, "\"tel:" STR_FMT "\" is not a telephone number",
			STR_ARG(number));
	if (domain.n == 0)
		return fail_set(f, -FAIL_ARGUMENT,
			"a tel: target needs a domain: add --aor, or write sip:NUMBER@DOMAIN");
	buf_add_str(out, STR("sip:"));
	for (size_t i = 0; i < u.user.n; i++)
		if (scan_is(u.user.p[i], CH_DIGIT) || u.user.p[i] == '+' || u.user.p[i] == '*' ||
			u.user.p[i] == '#')
			sip_uri_write_user(out, str_sub(u.user, i, i + 1));
	buf_addf(out, "@" STR_FMT ";user=phone", STR_ARG(domain));
	return 0;
}

int endpoint_target_parse(
	struct str text, struct str default_domain, struct buf *out, struct fail *f)
{
	static const char *const transports[] = { "udp:", "tcp:", "tls:" };
	struct sip_uri u;
	size_t start = out->n;

	if (!sip_build_clean(text) || text.n == 0)
		return fail_set(f, -FAIL_ARGUMENT, "the URI is empty or has control characters");
	if (is_scheme(text, "tel:"))
		return tel_target(str_sub(text, 4, text.n), default_domain, out, f);
	if (is_scheme(text, "sip:") || is_scheme(text, "sips:")) {
		buf_add_str(out, text);
	} else {
		for (unsigned i = 0; i < ARRAY_LEN(transports); i++)
			if (is_scheme(text, transports[i])) {
				buf_addf(out, "sip:" STR_FMT ";transport=%.3s",
					STR_ARG(str_sub(text, 4, text.n)), transports[i]);
				break;
			}
		if (out->n == start)
			buf_addf(out, "sip:" STR_FMT, STR_ARG(text));
	}
	if (out->fail || !sip_uri_parse(str_sub(buf_str(out), start, out->n), &u) ||
		u.scheme > SIP_URI_SIPS) {
		out->n = start;
		return fail_set(
			f, -FAIL_ARGUMENT, "\"" STR_FMT "\" is not a SIP URI", STR_ARG(text));
	}
	return 0;
}

int endpoint_target_request(struct str uri, struct str method, struct buf *out, struct fail *f)
{
	struct str wanted;
	struct sip_uri u;

	if (!sip_uri_parse(uri, &u))
		return fail_set(
			f, -FAIL_ARGUMENT, "\"" STR_FMT "\" is not a SIP URI", STR_ARG(uri));
	if (u.headers.n > 0)
		return fail_set(f, -FAIL_ARGUMENT,
			"\"" STR_FMT "\" has headers, which are not taken from a URI: use --header",
			STR_ARG(uri));
	if (sip_uri_param(&u, "method", &wanted) && !str_eq(wanted, method))
		return fail_set(f, -FAIL_ARGUMENT,
			"\"" STR_FMT "\" asks for " STR_FMT ", not " STR_FMT, STR_ARG(uri),
			STR_ARG(wanted), STR_ARG(method));
	sip_uri_write_request(out, &u);
	return 0;
}

/* ---- life ---- */

static void keep_config(struct endpoint *ep)
{
	struct endpoint_config *c = &ep->config;
	struct str *texts[] = { &c->aor, &c->from, &c->display_name, &c->epid, &c->user_agent,
		&c->contact, &c->instance, &c->proxy, &c->connect, &c->methods };
	struct endpoint_header *headers =
		arena_alloc(&ep->arena, (c->header_count + 1) * sizeof(*headers));

	for (unsigned i = 0; i < ARRAY_LEN(texts); i++)
		*texts[i] = arena_str(&ep->arena, *texts[i]);
	c->features = arena_strs(&ep->arena, c->features, c->feature_count);
	c->servers = arena_strs(&ep->arena, c->servers, c->server_count);
	c->routes = arena_strs(&ep->arena, c->routes, c->route_count);
	for (unsigned i = 0; i < c->header_count; i++) {
		headers[i] = c->headers[i];
		headers[i].name = arena_str(&ep->arena, c->headers[i].name);
		headers[i].value = arena_str(&ep->arena, c->headers[i].value);
	}
	c->headers = headers;
}

/* The time since 1970 at the zero of the monotonic clock. */
static uint64_t epoch_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000 - net_now_ms();
}

static int check_identity(struct endpoint *ep, struct fail *f)
{
	struct endpoint_config *c = &ep->config;

	if (c->aor.n > 0 && (!sip_uri_parse(c->aor, &ep->aor) || ep->aor.scheme > SIP_URI_SIPS))
		return fail_set(f, -FAIL_ARGUMENT, "\"" STR_FMT "\" is not a SIP address of record",
			STR_ARG(c->aor));
	if (c->aor.n > 0 && c->kind == ENDPOINT_PEER_TO_PEER && ep->aor.port != 0)
		return fail_set(f, -FAIL_ARGUMENT, /* PP-04 */
			"the address of a peer-to-peer endpoint has no port: it is the one that it "
			"listens at");
	ep->host = ep->aor.host;
	LIST_EACH (it, &ep->manager->endpoints) {
		struct endpoint *other = CONTAINER_OF(it, struct endpoint, node);

		if (c->aor.n > 0 && other->config.aor.n > 0 &&
			sip_uri_equal(&ep->aor, &other->aor) &&
			str_eq(c->epid, other->config.epid)) /* EP-32 */
			return fail_set(f, -FAIL_STATE,
				STR_FMT " has an endpoint with this id already", STR_ARG(c->aor));
	}
	return 0;
}

static void on_stop_timer(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct endpoint *ep = CONTAINER_OF(w, struct endpoint, stop_timer);

	(void)loop;
	(void)revents;
	ev_timer_stop(loop, w);
	if (ep->stopped || (ep->registration && !registration_ended(ep->registration)))
		return;
	if (!session_all_ended(ep) || !subscription_all_ended(ep) || !publication_all_ended(ep))
		return;
	ep->stopped = true;
	endpoint_emit(ep, &(struct endpoint_event){ .type = ENDPOINT_CLOSED });
}

int endpoint_new(const struct endpoint_config *config, struct endpoint **out, struct fail *f)
{
	struct endpoint *ep = MEM_NEW(struct endpoint);
	int e;

	list_init(&ep->node);
	list_init(&ep->queue);
	list_init(&ep->starting);
	list_init(&ep->finished);
	list_init(&ep->requests);
	list_init(&ep->sessions);
	list_init(&ep->subscriptions);
	list_init(&ep->publications);
	list_init(&ep->incoming);
	ep->config = *config;
	ep->manager = config->manager;
	ev_init(&ep->stop_timer, on_stop_timer);
	ev_init(&ep->start_timer, request_on_start);
	ev_init(&ep->finish_timer, request_on_finish);
	keep_config(ep);
	ep->methods = endpoint_methods(ep->config.methods);
	ep->ops = config->kind == ENDPOINT_PEER_TO_PEER ? &p2p_endpoint_ops : &sip_endpoint_ops;
	if ((e = endpoint_check(&ep->config, f)) != 0 || (e = check_identity(ep, f)) != 0)
		goto fail;
	if (config->kind == ENDPOINT_PEER_TO_PEER &&
		net_manager_kind(ep->manager->net) != NET_SERVER) { /* PP-02 */
		e = fail_set(f, -FAIL_STATE,
			"a peer-to-peer endpoint needs a server connection manager");
		goto fail;
	}
	if (config->kind == ENDPOINT_SERVER_BASED) {
		ep->config.auth.trace = ep->manager->config.trace;
		if (!ep->config.auth.creds)
			ep->config.auth.creds = ep->no_creds = cred_store_new();
		ep->config.auth.epoch_ms = epoch_ms();
		ep->auth = auth_new(&ep->config.auth);
	}
	for (unsigned i = 0; i < ENDPOINT_FLOWS; i++)
		ep->kept[i] = (struct kept_flow){ .endpoint = ep, .index = i };
	text_token(ep->contact_user, 12);
	epid_make(ep->ms_opaque);
	if (config->dialect == ENDPOINT_OCS || auth_names_signing(&config->auth))
		endpoint_epid_make(ep);
	list_add(&ep->manager->endpoints, &ep->node);
	ep->manager->endpoint_count++;
	*out = ep;
	return 0;
fail:
	arena_done(&ep->arena);
	mem_free(ep);
	return e;
}

void endpoint_stop(struct endpoint *ep)
{
	if (ep->stopping)
		return;
	ep->stopping = true;
	session_stop_all(ep); /* SS-42 */
	subscription_stop_all(ep);
	publication_stop_all(ep);
	if (ep->registration)
		registration_stop(ep->registration); /* its owner hears its CLOSED, then frees it */
	net_later(endpoint_loop(), &ep->stop_timer);
}

void endpoint_set_service_route(struct endpoint *ep, const struct str *routes, unsigned count)
{
	for (unsigned i = 0; i < ep->service_route_count; i++)
		mem_free((char *)(uintptr_t)ep->service_route[i].p);
	mem_free(ep->service_route);
	ep->service_route = count ? mem_zalloc(count, sizeof(*ep->service_route)) : NULL;
	for (unsigned i = 0; i < count; i++)
		ep->service_route[i] =
			(struct str){ mem_strndup(routes[i].p, routes[i].n), routes[i].n };
	ep->service_route_count = count;
}

void endpoint_set_gruu(struct endpoint *ep, struct str gruu)
{
	mem_free(ep->gruu);
	ep->gruu = gruu.n ? mem_strndup(gruu.p, gruu.n) : NULL;
}

void endpoint_free(struct endpoint *ep)
{
	if (!ep)
		return;
	session_abandon_all(ep);
	subscription_abandon_all(ep);
	publication_abandon_all(ep);
	ev_timer_stop(endpoint_loop(), &ep->stop_timer);
	ev_timer_stop(endpoint_loop(), &ep->start_timer);
	ev_timer_stop(endpoint_loop(), &ep->finish_timer);
	for (unsigned i = 0; i < ENDPOINT_FLOWS; i++) {
		flow_watch_stop(&ep->kept[i].watch);
		net_flow_unref(ep->kept[i].flow);
	}
	incoming_abandon_all(ep);
	dispatch_forget_endpoint(ep);
	if (ep->manager) {
		list_del(&ep->node);
		ep->manager->endpoint_count--;
	}
	endpoint_set_service_route(ep, NULL, 0);
	endpoint_set_gruu(ep, STR_EMPTY);
	auth_free(ep->auth);
	cred_store_free(ep->no_creds);
	arena_done(&ep->arena);
	mem_free(ep);
}

struct str endpoint_uri(const struct endpoint *ep)
{
	return ep->config.aor;
}

struct str endpoint_next_hop_text(const struct endpoint *ep)
{
	if (ep->config.kind == ENDPOINT_PEER_TO_PEER)
		return ep->config.proxy;
	if (ep->config.server_count > 0)
		return ep->config.servers[0];
	return ep->host;
}

struct endpoint_counts endpoint_counts(const struct endpoint *ep)
{
	return ep->counts;
}

struct str endpoint_contact_user(const struct endpoint *ep)
{
	return ep->aor.has_user ? ep->aor.user : str_of(ep->contact_user);
}

/* sip:USER@HOST:PORT;transport=T of this flow (RFC 3261 8.1.1.8); the scheme of a sips AOR is sips
 * (10.2.1). In dialect ocs an address without a user, and what tells it from others there. */
void endpoint_contact_uri(struct endpoint *ep, struct net_flow *flow, bool secure, struct buf *b)
{
	const struct endpoint_config *c = &ep->config;
	enum net_transport t = net_flow_info(flow)->transport;
	bool sips = (secure || ep->aor.scheme == SIP_URI_SIPS) && t == NET_TLS;
	struct buf host = BUF_INIT(512);
	uint16_t port;

	if (c->contact.n > 0 && c->contact.p[0] != ';') {
		buf_add_str(b, c->contact);
		return;
	}
	dispatch_sent_by(ep->manager, flow, &host, &port);
	buf_add_str(b, sips ? STR("sips:") : STR("sip:"));
	if (c->dialect != ENDPOINT_OCS) {
		buf_add_str(b, endpoint_contact_user(ep));
		buf_add_char(b, '@');
	}
	sip_uri_write_hostport(b, buf_str(&host), port);
	if (t != NET_UDP && !sips)
		buf_addf(b, ";transport=%s", net_transport_name(t));
	if (c->dialect == ENDPOINT_OCS)
		buf_addf(b, ";ms-opaque=%s", ep->ms_opaque);
	buf_done(&host);
}
