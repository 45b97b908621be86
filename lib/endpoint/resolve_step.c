/* lib/endpoint/resolve_step.c -- RFC 3263 4.1 and 4.2: from NAPTR to addresses, a function a phase
 */
#include "endpoint/resolve_order.h"
#include "endpoint/resolve_override.h"
#include "endpoint/resolve_state.h"

#include <assert.h>

enum { ASKED_AT_ONCE = 16 }; /* hosts whose addresses are on their way */

/* --- questions ------------------------------------------------------------------------------- */

static void on_answer(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct resolve_question *x = CONTAINER_OF(w, struct resolve_question, q.done);

	(void)loop;
	(void)revents;
	x->answered = true;
	resolve_step(x->r);
}

static void ask(
	struct resolve *r, struct resolve_question *x, struct str name, enum net_dns_type type)
{
	if (x->asked)
		return;
	assert(r->state->config.dns);
	x->asked = true;
	x->r = r;
	ev_init(&x->q.done, on_answer);
	net_dns_ask(r->state->config.dns, &x->q, name, type);
}

/* Puts an answered question into the report, once and in the order of use: the order of arrival
 * would make two runs look different. */
static void tell(struct resolve *r, struct resolve_question *x)
{
	struct resolve_state *s = r->state;
	unsigned bit = 1U << x->q.type;

	if (!x->asked || x->told || r->query_count == RESOLVE_QUERIES)
		return;
	if (!r->queries)
		r->queries = arena_alloc(&s->arena, RESOLVE_QUERIES * sizeof(*r->queries));
	x->told = true;
	s->asked_types |= bit;
	s->found_types |= x->q.count ? bit : 0;
	r->queries[r->query_count++] = (struct resolve_query){
		.name = arena_str(&s->arena, x->q.name),
		.rrtype = net_dns_type_name(x->q.type),
		.rcode = x->q.rcode,
		.ms = x->q.ms,
	};
}

/* --- NAPTR ----------------------------------------------------------------------------------- */

static void add_service(struct resolve_state *s, enum net_transport t, bool srv, struct str name)
{
	if (s->service_count == RESOLVE_SERVICES || !name.n)
		return;
	s->services[s->service_count++] = (struct resolve_service){
		.transport = t,
		.srv = srv,
		.name = arena_str(&s->arena, name),
	};
}

/* RFC 3263 4.1: "a client MUST discard any service fields that identify a resolution service
 * whose value is not "D2X", for values of X that indicate transport protocols supported by the
 * client." */
static bool service_of(struct str text, enum net_transport *out)
{
	static const struct {
		const char *text;
		enum net_transport transport;
	} services[] = {
		{ "SIP+D2U", NET_UDP },
		{ "SIP+D2T", NET_TCP },
		{ "SIPS+D2T", NET_TLS },
	};

	for (size_t i = 0; i < ARRAY_LEN(services); i++)
		if (str_ieq(text, str_of(services[i].text))) {
			*out = services[i].transport;
			return true;
		}
	return false;
}

static void add_naptr(struct resolve_state *s, const struct net_dns_record *n)
{
	bool srv = str_ieq(n->flags, STR("s"));
	enum net_transport t;

	/* Other flags mean what no server location needs: a URI, or yet another NAPTR. A regular
	 * expression is not looked at; the replacement alone counts. */
	if ((!srv && !str_ieq(n->flags, STR("a"))) || !service_of(n->service, &t))
		return;
	/* RFC 3263 4.1: "a client resolving a SIPS URI MUST discard any services that do not
	 * contain "SIPS" as the protocol in the service field. The converse is not true". */
	if ((s->sips && t != NET_TLS) || (s->config.no_udp && t == NET_UDP) ||
		(s->transport >= 0 && t != (enum net_transport)s->transport))
		return;
	add_service(s, t, srv, n->target);
}

static void guess(struct resolve_state *s, enum net_transport t)
{
	static const char *const prefixes[NET_TRANSPORTS] = {
		[NET_UDP] = "_sip._udp.",
		[NET_TCP] = "_sip._tcp.",
		[NET_TLS] = "_sips._tcp.",
	};
	struct str name = arena_fmt(&s->arena, "%s" STR_FMT, prefixes[t], STR_ARG(s->target));

	add_service(s, t, true, name);
}

void resolve_step_guess(struct resolve_state *s)
{
	enum net_transport first = resolve_state_transport(s);

	s->parallel = true;
	guess(s, first);
	if (s->transport >= 0 || s->sips)
		return;
	/* RFC 3263 4.1: "The client MAY use any transport protocol it desires which is supported by
	 * the server." */
	for (enum net_transport t = NET_UDP; t < NET_TRANSPORTS; t++)
		if (t != first && !(s->config.no_udp && t == NET_UDP))
			guess(s, t);
}

static bool naptr_phase(struct resolve *r)
{
	struct resolve_state *s = r->state;

	ask(r, &s->naptr, s->target, NET_DNS_NAPTR);
	if (!s->naptr.answered)
		return false;
	tell(r, &s->naptr);
	resolve_order_naptr(s->naptr.q.records, s->naptr.q.count);
	for (size_t i = 0; i < s->naptr.q.count; i++)
		add_naptr(s, &s->naptr.q.records[i]);
	s->parallel = s->config.all;
	/* RFC 3263 4.1: "If no NAPTR records are found, the client constructs SRV queries for those
	 * transport protocols it supports, and does a query for each." */
	if (s->service_count == 0)
		resolve_step_guess(s);
	s->phase = RESOLVE_SERVICE;
	return true;
}

/* --- SRV ------------------------------------------------------------------------------------- */

static struct resolve_name *name_of(struct resolve_state *s, struct str host)
{
	struct resolve_name *n;

	for (size_t i = 0; i < s->name_count; i++)
		if (str_ieq(s->names[i]->host, host))
			return s->names[i];
	if (s->name_count == RESOLVE_NAMES)
		return NULL;
	n = ARENA_NEW(&s->arena, struct resolve_name);
	n->host = host;
	s->names[s->name_count++] = n;
	return n;
}

void resolve_step_host(struct resolve *r, struct resolve_host host)
{
	struct resolve_state *s = r->state;

	if (s->host_count == RESOLVE_TARGETS)
		return;
	host.host = arena_str(&s->arena, host.host);
	if (resolve_override_find(s->config.overrides, host.host, host.port, &host.addrs))
		trace_note(s->config.trace,
			"resolve: " STR_FMT " port %u is " STR_FMT " (--resolve)",
			STR_ARG(host.host), host.port, STR_ARG(host.addrs));
	else if (!(host.name = name_of(s, host.host)))
		return;
	s->hosts[s->host_count++] = host;
}

static void add_srv(struct resolve *r, enum net_transport t, const struct net_dns_record *srv)
{
	struct resolve_host host = {
		.transport = t,
		.host = srv->target,
		.port = srv->port,
		.priority = srv->priority,
		.weight = srv->weight,
		.srv = true,
	};

	resolve_step_host(r, host);
}

/* A host without SRV record. */
static void add_plain(struct resolve *r, enum net_transport t, struct str host)
{
	struct resolve_host h = { .transport = t, .host = host, .port = resolve_state_port(t) };

	resolve_step_host(r, h);
}

static void add_servers(struct resolve *r, struct resolve_service *v)
{
	struct resolve_state *s = r->state;
	struct net_dns_query *q = &v->question.q;

	s->found |= q->count > 0;
	resolve_order_srv(q->records, q->count);
	for (size_t i = 0; i < q->count; i++) {
		const struct net_dns_record *srv = &q->records[i];
		if (!srv->target.n) {
			/* RFC 2782: "A Target of "." means that the service is decidedly not
			 * available at this domain." */
			s->not_offered = v->name;
			continue;
		}
		if (srv->port)
			add_srv(r, v->transport, srv);
		else
			s->left_out = true;
	}
}

/* The hosts of the next service, when its answer is there. */
static bool next_service(struct resolve *r, struct resolve_service *v)
{
	struct resolve_state *s = r->state;

	if (!v->srv) {
		add_plain(r, v->transport, v->name);
		s->found = true;
		return true;
	}
	ask(r, &v->question, v->name, NET_DNS_SRV);
	if (!v->question.answered)
		return false;
	tell(r, &v->question);
	add_servers(r, v);
	return true;
}

static bool service_phase(struct resolve *r)
{
	struct resolve_state *s = r->state;

	for (size_t i = 0; s->parallel && i < s->service_count; i++)
		if (s->services[i].srv)
			ask(r, &s->services[i].question, s->services[i].name, NET_DNS_SRV);
	/* RFC 2915 would end at the first service of use, whatever becomes of it. One without any
	 * server says that it is not in use; the next one is what the domain prefers then. */
	for (; s->at < s->service_count && (s->host_count == 0 || s->config.all); s->at++)
		if (!next_service(r, &s->services[s->at]))
			return false;
	/* RFC 3263 4.2: "If no SRV records were found, the client performs an A or AAAA record
	 * lookup of the domain name", with the transport that has been determined. */
	if (s->host_count == 0 && !s->found && !s->fell_back) {
		s->fell_back = true;
		add_plain(r, s->services[0].transport, s->target);
	}
	s->phase = s->host_count ? RESOLVE_ADDRESS : RESOLVE_END;
	return true;
}

/* --- A and AAAA ------------------------------------------------------------------------------ */

/* True when nothing is missing any more. */
static bool ask_addresses(struct resolve *r, struct resolve_name *n)
{
	int family = r->state->config.family;

	if (family != AF_INET6)
		ask(r, &n->a, n->host, NET_DNS_A);
	if (family != AF_INET)
		ask(r, &n->aaaa, n->host, NET_DNS_AAAA);
	return n->a.asked == n->a.answered && n->aaaa.asked == n->aaaa.answered;
}

static size_t take(
	struct resolve_state *s, const struct net_dns_query *q, uint16_t port, struct net_addr *out)
{
	size_t n = 0;

	for (size_t i = 0; i < q->count && n < RESOLVE_TARGETS; i++) {
		/* 0.0.0.0 would be this machine: nothing that a name server can have to say */
		if (net_addr_is_any(&q->records[i].addr)) {
			s->left_out = true;
			continue;
		}
		out[n] = q->records[i].addr;
		net_addr_set_port(&out[n++], port);
	}
	return n;
}

static size_t addresses_of(struct resolve *r, struct resolve_host *h, struct net_addr *out)
{
	size_t n = 0;

	if (!h->name) {
		while (n < RESOLVE_TARGETS && resolve_override_next(&h->addrs, h->port, &out[n]))
			n++;
		return n; /* in the user's order */
	}
	tell(r, &h->name->a);
	tell(r, &h->name->aaaa);
	n = take(r->state, &h->name->a.q, h->port, out);
	n += take(r->state, &h->name->aaaa.q, h->port, out + n);
	resolve_order_addrs(out, n);
	return n;
}

static void add_targets(struct resolve *r, struct resolve_host *h)
{
	struct net_addr addrs[2 * RESOLVE_TARGETS];
	size_t n = addresses_of(r, h, addrs);

	for (size_t i = 0; i < n; i++) {
		struct resolve_target target = {
			.transport = h->transport,
			.addr = addrs[i],
			.host = h->host,
			.priority = h->priority,
			.weight = h->weight,
			.srv = h->srv,
		};
		resolve_state_add(r, target);
	}
}

static bool address_phase(struct resolve *r)
{
	struct resolve_state *s = r->state;
	size_t missing = 0;

	for (size_t i = 0; i < s->name_count && missing < ASKED_AT_ONCE; i++)
		if (!ask_addresses(r, s->names[i]))
			missing++;
	if (missing)
		return false;
	for (size_t i = 0; i < s->host_count; i++)
		add_targets(r, &s->hosts[i]);
	s->host_count = 0;
	s->phase = r->count ? RESOLVE_END : RESOLVE_SERVICE;
	return true;
}

void resolve_step(struct resolve *r)
{
	static bool (*const phases[])(struct resolve *) = {
		[RESOLVE_NAPTR] = naptr_phase,
		[RESOLVE_SERVICE] = service_phase,
		[RESOLVE_ADDRESS] = address_phase,
	};
	struct resolve_state *s = r->state;

	while (s->phase != RESOLVE_END && phases[s->phase](r))
		;
	if (s->phase == RESOLVE_END)
		resolve_state_finish(r);
}
