/* lib/endpoint/resolve.c -- RFC 3263 section 4: what a URI says by itself; the end of a resolve */
#include "endpoint/resolve.h"

#include "base/mem.h"
#include "endpoint/resolve_order.h"
#include "endpoint/resolve_override.h"
#include "endpoint/resolve_state.h"
#include "net/loop.h"

#include <assert.h>
#include <string.h>

/* --- the beginning --------------------------------------------------------------------------- */

enum net_transport resolve_state_transport(const struct resolve_state *s)
{
	if (s->transport >= 0)
		return (enum net_transport)s->transport;
	return s->sips ? NET_TLS : s->config.preferred;
}

uint16_t resolve_state_port(enum net_transport t)
{
	return t == NET_TLS ? 5061 : 5060;
}

static int read_transport(struct resolve *r, const struct sip_uri *u)
{
	struct resolve_state *s = r->state;
	enum net_transport t;
	struct str value;

	s->transport = s->config.transport;
	if (sip_uri_param(u, "transport", &value)) {
		if (!net_transport_parse(value, &t))
			return fail_set(&r->fail, -FAIL_ARGUMENT,
				"transport " STR_FMT " is not supported", STR_ARG(value));
		s->transport = (int)t; /* ruling 3: it wins over -t */
	}
	if (s->sips && s->transport == NET_UDP)
		return fail_set(&r->fail, -FAIL_ARGUMENT,
			"a sips URI cannot be reached over udp, which has no TLS");
	/* RFC 3261 26.2.2: in sips:example.com;transport=tcp it says what is below TLS */
	if (s->sips && s->transport == NET_TCP)
		s->transport = NET_TLS;
	return 0;
}

static int read_uri(struct resolve *r, const struct sip_uri *u)
{
	struct resolve_state *s = r->state;
	struct str host = u->host, maddr;

	if (u->scheme != SIP_URI_SIP && u->scheme != SIP_URI_SIPS)
		return fail_set(&r->fail, -FAIL_ARGUMENT,
			"no server can be found for " STR_FMT ": not a sip or sips URI",
			STR_ARG(u->text));
	/* RFC 3263 section 4: "We define TARGET as the value of the maddr parameter of the URI, if
	 * present, otherwise, the host value of the hostport component of the URI." */
	if (sip_uri_param(u, "maddr", &maddr)) {
		host = maddr;
		if (str_starts(host, STR("[")) && str_ends(host, STR("]")))
			host = str_sub(host, 1, host.n - 1);
		if (!sip_uri_is_host(host))
			return fail_set(&r->fail, -FAIL_ARGUMENT, "maddr=" STR_FMT " is not a host",
				STR_ARG(maddr));
	}
	s->sips = u->scheme == SIP_URI_SIPS;
	s->target = arena_str(&s->arena, host);
	s->port = u->port;
	return read_transport(r, u);
}

/* RFC 3263 4.2: "If TARGET is a numeric IP address, the client uses that address." */
static bool is_numeric(struct resolve *r, const struct resolve_host *direct)
{
	struct resolve_target target = { .transport = direct->transport, .host = direct->host };

	if (!net_addr_parse(direct->host, direct->port, &target.addr))
		return false;
	resolve_state_add(r, target);
	if (r->count == 0)
		fail_set(&r->fail, -FAIL_ARGUMENT, STR_FMT " is not an %s address",
			STR_ARG(direct->host),
			r->state->config.family == AF_INET ? "IPv4" : "IPv6");
	return true;
}

static enum resolve_phase first_phase(struct resolve *r)
{
	struct resolve_state *s = r->state;
	enum net_transport t = resolve_state_transport(s);
	struct resolve_host direct = {
		.transport = t,
		.host = s->target,
		.port = s->port ? s->port : resolve_state_port(t),
	};
	struct str addrs;
	bool given = resolve_override_find(s->config.overrides, s->target, direct.port, &addrs);

	if (!given && is_numeric(r, &direct))
		return RESOLVE_END;
	/* RFC 3263 4.2: "If the TARGET was not a numeric IP address, but a port is present in the
	 * URI, the client performs an A or AAAA record lookup of the domain name." */
	if (given || (s->port && s->config.from == RESOLVE_AUTO)) {
		s->fell_back = true; /* there is nothing to fall back to */
		resolve_step_host(r, direct);
		return RESOLVE_ADDRESS;
	}
	/* RFC 3263 4.1: "if no transport protocol or port is specified, and the target is not
	 * a numeric IP address, the client SHOULD perform a NAPTR query". */
	if (s->config.from == RESOLVE_FROM_NAPTR ||
		(s->config.from == RESOLVE_AUTO && s->transport < 0))
		return RESOLVE_NAPTR;
	resolve_step_guess(s);
	return RESOLVE_SERVICE;
}

void resolve_start(struct resolve *r, const struct resolve_config *config)
{
	struct resolve_state *s = MEM_NEW(struct resolve_state);

	assert(!r->state);
	r->state = s;
	s->config = *config;
	s->started_us = net_now_us();
	s->phase = read_uri(r, config->uri) == 0 ? first_phase(r) : RESOLVE_END;
	s->config.uri = NULL;
	resolve_step(r);
}

/* --- the end --------------------------------------------------------------------------------- */

void resolve_state_add(struct resolve *r, struct resolve_target target)
{
	struct resolve_state *s = r->state;
	int family = target.addr.u.sa.sa_family;

	if (!r->targets)
		r->targets = arena_alloc(&s->arena, RESOLVE_TARGETS * sizeof(*r->targets));
	if (r->count == RESOLVE_TARGETS ||
		(s->config.family != AF_UNSPEC && s->config.family != family))
		return;
	target.dead = s->config.dead && resolve_dead_has(s->config.dead, target.transport,
						&target.addr, net_now_ms());
	r->targets[r->count++] = target;
}

static void forget_all(struct resolve_state *s)
{
	net_dns_forget(&s->naptr.q);
	for (size_t i = 0; i < s->service_count; i++)
		net_dns_forget(&s->services[i].question.q);
	for (size_t i = 0; i < s->name_count; i++) {
		net_dns_forget(&s->names[i]->a.q);
		net_dns_forget(&s->names[i]->aaaa.q);
	}
}

/* "NAPTR, SRV and A questions" */
static void write_types(struct buf *b, unsigned types)
{
	static const enum net_dns_type order[] = { NET_DNS_NAPTR, NET_DNS_SRV, NET_DNS_A,
		NET_DNS_AAAA };
	bool many = (types & (types - 1)) != 0;

	for (size_t i = 0; i < ARRAY_LEN(order); i++) {
		const char *glue = b->n ? ", " : "";
		unsigned bit = 1U << order[i];
		if (!(types & bit))
			continue;
		types &= ~bit;
		if (b->n && !types)
			glue = " and ";
		buf_addf(b, "%s%s", glue, net_dns_type_name(order[i]));
	}
	buf_addf(b, many ? " questions" : " question");
}

static bool is_no(const char *rcode)
{
	return strcmp(rcode, "NOERROR") == 0 || strcmp(rcode, "NXDOMAIN") == 0;
}

/* The question to name in a failure: of the last ones in a row about addresses the first that went
 * wrong, else the first; without such ones the last question of all. */
static const struct resolve_query *decisive(const struct resolve *r)
{
	const struct resolve_query *end = r->queries + r->query_count, *found = NULL;
	bool in_row = false;

	for (const struct resolve_query *q = r->queries; q < end; q++) {
		bool address = q->rrtype[0] == 'A';
		if (address && (!in_row || (is_no(found->rcode) && !is_no(q->rcode))))
			found = q;
		in_row = address;
	}
	return found ? found : end - 1;
}

static void say_why(struct resolve *r)
{
	CLEANUP(buf_done) struct buf types = BUF_INIT(64);
	struct resolve_state *s = r->state;
	const struct resolve_query *q = decisive(r);
	const char *rcode = strcmp(q->rcode, "NOERROR") == 0 ? "no records" : q->rcode;
	const char *silence = NULL;

	if (strcmp(q->rcode, "TIMEOUT") == 0)
		silence = "the DNS server did not answer";
	else if (strcmp(q->rcode, "UNREACHABLE") == 0)
		silence = "no DNS server can be reached";
	if (silence) {
		fail_set(&r->fail, -FAIL_DNS, STR_FMT ": %s (%s " STR_FMT ")", STR_ARG(s->target),
			silence, q->rrtype, STR_ARG(q->name));
		return;
	}
	write_types(&types, s->asked_types & ~s->found_types);
	fail_set(&r->fail, -FAIL_DNS, STR_FMT ": %s gave no answer (%s " STR_FMT ": %s)",
		STR_ARG(s->target), buf_cstr(&types), q->rrtype, STR_ARG(q->name), rcode);
}

static void no_targets(struct resolve *r)
{
	struct resolve_state *s = r->state;

	if (s->not_offered.n && s->name_count == 0)
		fail_set(&r->fail, -FAIL_DNS,
			STR_FMT ": the service is not offered (SRV " STR_FMT ": \".\")",
			STR_ARG(s->target), STR_ARG(s->not_offered));
	else if (s->left_out)
		fail_set(&r->fail, -FAIL_DNS, STR_FMT ": its records have no address or no port",
			STR_ARG(s->target));
	else if (r->query_count == 0)
		fail_set(&r->fail, -FAIL_DNS, STR_FMT ": --resolve gives no %s address",
			STR_ARG(s->target), s->config.family == AF_INET ? "IPv4" : "IPv6");
	else
		say_why(r);
}

void resolve_state_finish(struct resolve *r)
{
	struct resolve_state *s = r->state;

	s->phase = RESOLVE_END;
	forget_all(s);
	if (r->count)
		resolve_order_dead(r->targets, r->count);
	else if (r->fail.code == 0)
		no_targets(r);
	r->ms = (double)(net_now_us() - s->started_us) / 1000;
	net_later(s->config.loop, &r->done);
}

void resolve_done(struct resolve *r)
{
	struct resolve_state *s = r->state;
	ev_timer done;

	if (!s)
		return;
	ev_timer_stop(s->config.loop, &r->done);
	forget_all(s);
	arena_done(&s->arena);
	mem_free(s);
	done = r->done;
	*r = (struct resolve){ .done = done };
}
