/* lib/endpoint/request_build.c -- the message of a request: RFC 3261 section 8.1.1, Route as
 * section 8.1.2 and RFC 3608, the user's changes of header fields last */
#include "endpoint/request_impl.h"

#include "base/text.h"
#include "sip/build.h"
#include "sip/challenge.h"
#include "sip/param.h"

#include <string.h>

struct writer {
	struct request *r;
	struct buf *b;
};

/* Does the user set or remove this header? */
bool request_is_changed(const struct endpoint_header *list, unsigned n, struct str name)
{
	for (unsigned i = 0; i < n; i++)
		if (list[i].change != ENDPOINT_HEADER_ADD &&
			sip_hdr_id(list[i].name) == sip_hdr_id(name) &&
			(sip_hdr_id(name) != SIP_HDR_OTHER || str_ieq(list[i].name, name)))
			return true;
	return false;
}

/* What an author has removed and we put right (request_custom). */
static bool is_restored(const struct writer *w, enum sip_hdr_id id)
{
	const struct request_config *c = &w->r->config;

	if (!c->custom || !request_fixes(w->r) ||
		(id != SIP_HDR_VIA && id != SIP_HDR_MAX_FORWARDS && id != SIP_HDR_CSEQ))
		return false;
	for (unsigned i = 0; i < c->header_count; i++)
		if (c->headers[i].change != ENDPOINT_HEADER_REMOVE &&
			sip_hdr_id(c->headers[i].name) == id)
			return false;
	return true;
}

/* Is this header field ours to write? */
static bool is_ours(const struct writer *w, enum sip_hdr_id id)
{
	const struct request_config *c = &w->r->config;

	return !c->custom || !request_is_changed(c->headers, c->header_count, sip_hdr_name(id)) ||
	       is_restored(w, id);
}

/* Where these stand matters, so that what an author sets stands there, too. */
static bool is_in_place(const struct writer *w, enum sip_hdr_id id)
{
	return w->r->config.custom &&
	       (id == SIP_HDR_VIA || id == SIP_HDR_MAX_FORWARDS || id == SIP_HDR_FROM ||
		       id == SIP_HDR_TO || id == SIP_HDR_CALL_ID || id == SIP_HDR_CSEQ);
}

static void put_set(struct writer *w, enum sip_hdr_id id)
{
	const struct request_config *c = &w->r->config;

	for (unsigned i = c->header_count; i > 0 && is_in_place(w, id); i--) {
		const struct endpoint_header *h = &c->headers[i - 1];

		if (h->change == ENDPOINT_HEADER_ADD || sip_hdr_id(h->name) != id)
			continue;
		if (h->change == ENDPOINT_HEADER_SET)
			sip_build_named(w->b, h->name, h->value);
		return;
	}
}

static void put(struct writer *w, enum sip_hdr_id id, struct str value)
{
	const struct endpoint_config *c = &w->r->endpoint->config;
	struct str name = sip_hdr_name(id);

	if ((request_is_changed(w->r->config.headers, w->r->config.header_count, name) &&
		    !is_restored(w, id)) ||
		request_is_changed(c->headers, c->header_count, name)) {
		put_set(w, id);
		return;
	}
	sip_build_hdr(w->b, id, value);
}

/* Was it written already? The length of the body is put right whatever an author says, unless that
 * is to stay. */
static bool is_done(const struct writer *w, const struct endpoint_header *h)
{
	enum sip_hdr_id id = sip_hdr_id(h->name);

	if (h->change == ENDPOINT_HEADER_SET && is_in_place(w, id))
		return true;
	return w->r->config.custom && request_fixes(w->r) && id == SIP_HDR_CONTENT_LENGTH;
}

/* What is set or removed later, in this list or by the request, replaces what came before. */
static void put_changes(struct writer *w, const struct endpoint_header *list, unsigned n)
{
	const struct request_config *c = &w->r->config;

	for (unsigned i = 0; i < n; i++)
		if (list[i].change != ENDPOINT_HEADER_REMOVE && !is_done(w, &list[i]) &&
			!request_is_changed(list + i + 1, n - i - 1, list[i].name) &&
			(list == c->headers ||
				!request_is_changed(c->headers, c->header_count, list[i].name)))
			sip_build_named(w->b, list[i].name, list[i].value);
}

/* --compact: every name that has a short form. */
static void shorten(struct buf *wire)
{
	struct buf out = BUF_INIT(wire->limit);
	struct str rest = buf_str(wire), line, name, value;
	enum sip_hdr_id id;

	while (str_cut(rest, '\n', &line, &rest) && line.n > 1) {
		id = out.n > 0 && str_cut(line, ':', &name, &value) ? sip_hdr_id(name)
								    : SIP_HDR_OTHER;
		if (id == SIP_HDR_OTHER)
			buf_add_str(&out, line);
		else
			buf_addf(&out, STR_FMT ":" STR_FMT, STR_ARG(sip_hdr_compact(id)),
				STR_ARG(value));
		buf_add_char(&out, '\n');
	}
	buf_add_str(&out, STR("\r\n"));
	buf_add_str(&out, rest);
	buf_wipe(wire);
	*wire = out;
}

/* Who we are: --from, else the AOR, else rte at the host that we are known by (ruling 10). */
static void put_from(struct writer *w, struct str host)
{
	struct request *r = w->r;
	const struct endpoint_config *c = &r->endpoint->config;
	struct buf v = BUF_INIT(1 << 16);
	struct sip_nameaddr own;

	if (c->display_name.n > 0 && c->from.n == 0 && r->config.from.n == 0) {
		sip_quote(&v, c->display_name);
		buf_add_char(&v, ' ');
	}
	if (r->config.from.n > 0) {
		buf_addf(&v, "<" STR_FMT ">", STR_ARG(r->config.from));
	} else if (c->from.n > 0) {
		if (sip_nameaddr_parse(c->from, &own) && own.brackets)
			buf_add_str(&v, str_sub(own.text, 0, own.text.n - own.params.n));
		else
			buf_addf(&v, "<" STR_FMT ">", STR_ARG(c->from));
	} else if (c->aor.n > 0) {
		buf_addf(&v, "<" STR_FMT ">", STR_ARG(c->aor));
	} else {
		buf_add_str(&v, STR("<sip:rte@"));
		sip_uri_write_hostport(&v,
			c->kind == ENDPOINT_SERVER_BASED && r->current.host.n > 0 ? r->current.host
										  : host,
			0);
		buf_add_char(&v, '>');
	}
	buf_addf(&v, ";tag=" STR_FMT,
		STR_ARG(r->config.from_tag.n ? r->config.from_tag : str_of(r->from_tag)));
	if (c->epid.n > 0) /* EP-06 */
		buf_addf(&v, ";epid=" STR_FMT, STR_ARG(c->epid));
	put(w, SIP_HDR_FROM, buf_str(&v));
	buf_done(&v);
}

/* EP-06: From of every request, also where the dialog's address of ours, which a peer has written,
 * has no epid: the server looks for the security association by it. */
static void put_dialog_from(struct writer *w, struct str local)
{
	struct str epid = w->r->endpoint->config.epid, there;
	struct sip_nameaddr a;

	if (epid.n == 0 || !sip_nameaddr_parse(local, &a) || sip_param(a.params, "epid", &there))
		sip_build_hdr(w->b, SIP_HDR_FROM, local);
	else
		sip_build_hdrf(w->b, SIP_HDR_FROM, STR_FMT ";epid=" STR_FMT, STR_ARG(local),
			STR_ARG(epid));
}

static void put_to(struct writer *w)
{
	const struct request_config *c = &w->r->config;
	struct str to = c->to.n ? c->to : c->target;
	struct buf v = BUF_INIT(1 << 16);
	struct sip_nameaddr a;

	if (sip_nameaddr_parse(to, &a) && a.brackets)
		buf_add_str(&v, to);
	else
		buf_addf(&v, "<" STR_FMT ">", STR_ARG(to));
	put(w, SIP_HDR_TO, buf_str(&v));
	buf_done(&v);
}

/* A proxy with ;lr is the first Route (ruling 1), then --route, then what the registrar gave (RFC
 * 3608 6.2: not for REGISTER, which makes that route). */
static void put_routes(struct writer *w, const struct sip_dialog_route *route)
{
	const struct endpoint *ep = w->r->endpoint;
	const struct endpoint_config *c = &ep->config;
	struct buf v = BUF_INIT(1 << 16);
	struct sip_uri proxy;
	struct str lr;

	for (unsigned i = 0; route && i < route->route_count; i++)
		put(w, SIP_HDR_ROUTE, route->routes[i]);
	if (route)
		return;
	if (c->proxy.n > 0 && sip_uri_parse(c->proxy, &proxy) && sip_uri_param(&proxy, "lr", &lr)) {
		buf_addf(&v, "<" STR_FMT ">", STR_ARG(c->proxy));
		put(w, SIP_HDR_ROUTE, buf_str(&v));
	}
	for (unsigned i = 0; i < c->route_count; i++) {
		buf_clear(&v);
		buf_addf(&v, c->routes[i].p[0] == '<' ? STR_FMT : "<" STR_FMT ">",
			STR_ARG(c->routes[i]));
		put(w, SIP_HDR_ROUTE, buf_str(&v));
	}
	if (!str_eq(w->r->config.method, STR("REGISTER")))
		for (unsigned i = 0; i < ep->service_route_count; i++)
			put(w, SIP_HDR_ROUTE, ep->service_route[i]);
	buf_done(&v);
}

static void put_user_agent(struct writer *w)
{
	struct str extra = w->r->endpoint->config.user_agent;
	struct buf v = BUF_INIT(1 << 12);

	buf_addf(&v, "rte/" RTE_VERSION "%s" STR_FMT, extra.n ? " " : "", STR_ARG(extra));
	put(w, SIP_HDR_USER_AGENT, buf_str(&v));
	buf_done(&v);
}

/* The host in Via before there is a flow: a dry run shows the form, not an address that nobody has
 * chosen. */
static void sent_by(struct request *r, struct net_flow *flow, struct buf *host, uint16_t *port)
{
	*port = 0;
	if (flow)
		dispatch_sent_by(r->endpoint->manager, flow, host, port);
	else if (r->endpoint->manager->config.advertise.n > 0)
		dispatch_advertised(r->endpoint->manager, host, port);
	else
		buf_add_str(host, STR("local.invalid"));
}

/* 12.2.1.1: within a dialog its numbers go on; an ACK has that of its INVITE (13.2.2.4). */
static uint32_t next_cseq(struct request *r)
{
	const struct request_config *c = &r->config;
	struct sip_cseq invite;

	if (c->ack_of && sip_msg_cseq(c->ack_of, &invite))
		return invite.number;
	if (c->dialog)
		return ++c->dialog->sip.local_cseq;
	return c->cseq ? ++*c->cseq : ++r->own_cseq;
}

/* 22.1: an ACK repeats the credentials of its INVITE; within a security association it has a
 * signature of its own (secure.c). */
static void put_credentials(struct writer *w, const struct sip_msg *invite)
{
	struct sip_challenge c;

	for (unsigned i = 0; i < invite->hdr_count; i++) {
		const struct sip_hdr *h = &invite->hdrs[i];
		if ((h->id == SIP_HDR_AUTHORIZATION || h->id == SIP_HDR_PROXY_AUTHORIZATION) &&
			!(sip_challenge_parse(h->value, &c) && auth_scheme_signs(c.scheme)))
			sip_build_hdr(w->b, h->id, h->value);
	}
}

/* With a Content-Length that its author insists on. */
static void put_end(struct writer *w, struct str type, struct str body)
{
	if (!w->r->config.custom || request_fixes(w->r) || is_ours(w, SIP_HDR_CONTENT_LENGTH)) {
		sip_build_end(w->b, type, body);
		return;
	}
	if (type.n)
		sip_build_hdr(w->b, SIP_HDR_CONTENT_TYPE, type);
	buf_add_str(w->b, STR("\r\n"));
	buf_add_str(w->b, body);
}

/* What this sending has of its own. */
struct sending {
	struct net_flow *flow; /* NULL: --dry-run */
	struct buf host; /* of Via */
	uint16_t port;
	const char *via; /* "UDP" */
	char branch[TRANSACTION_BRANCH];
};

static void sending_init(struct sending *s, struct request *r, struct net_flow *flow)
{
	static const char *const vias[] = { "UDP", "TCP", "TLS" };

	*s = (struct sending){ .flow = flow, .host = BUF_INIT(512) };
	s->via = vias[flow ? net_flow_info(flow)->transport : r->current.transport];
	sent_by(r, flow, &s->host, &s->port);
	transaction_branch(s->branch);
}

/* The message that its author takes charge of. */
static int build_custom(struct request *r, struct sending *s, struct fail *f)
{
	CLEANUP(buf_done) struct buf local = BUF_INIT(600);
	const struct request_config *c = &r->config;
	struct template_facts facts = {
		.method = c->method,
		.request_uri = r->target,
		.from_tag = c->from_tag.n ? c->from_tag : str_of(r->from_tag),
		.call_id = request_call_id(r),
		.branch = str_of(s->branch),
		.transport = str_of(s->via),
		.seq = r->cseq,
	};

	sip_uri_write_hostport(&local, buf_str(&s->host), s->port);
	facts.local = buf_str(&local);
	return request_custom_build(r, &facts, f);
}

/* What every request has (8.1.1), or what its author has put there. */
static void put_head(struct writer *w, struct sending *s, const struct sip_dialog_route *route)
{
	struct request *r = w->r;
	const struct request_config *c = &r->config;
	const struct endpoint_config *ec = &r->endpoint->config;
	unsigned hops = c->max_forwards >= 0 ? (unsigned)c->max_forwards
			: ec->max_forwards   ? ec->max_forwards
					     : 70;

	sip_build_request(&r->wire, c->method, r->target);
	if (is_ours(w, SIP_HDR_VIA))
		sip_build_via(
			&r->wire, str_of(s->via), buf_str(&s->host), s->port, str_of(s->branch));
	else
		put_set(w, SIP_HDR_VIA);
	put_routes(w, route);
	if (is_ours(w, SIP_HDR_MAX_FORWARDS))
		sip_build_hdrf(&r->wire, SIP_HDR_MAX_FORWARDS, "%u", hops);
	else
		put_set(w, SIP_HDR_MAX_FORWARDS);
	if (c->dialog) {
		put_dialog_from(w, c->dialog->sip.local);
		sip_build_hdr(&r->wire, SIP_HDR_TO, c->dialog->sip.remote);
		sip_build_hdr(&r->wire, SIP_HDR_CALL_ID, c->dialog->sip.call_id);
	} else {
		put_from(w, buf_str(&s->host));
		put_to(w);
		put(w, SIP_HDR_CALL_ID, request_call_id(r));
	}
	if (is_ours(w, SIP_HDR_CSEQ))
		sip_build_hdrf(&r->wire, SIP_HDR_CSEQ, "%u " STR_FMT, r->cseq, STR_ARG(c->method));
	else
		put_set(w, SIP_HDR_CSEQ);
}

/* What the operation, the endpoint and the user add. */
static void put_rest(struct writer *w, struct net_flow *flow)
{
	struct request *r = w->r;
	const struct request_config *c = &r->config;
	const struct endpoint_config *ec = &r->endpoint->config;

	if (c->contact && is_ours(w, SIP_HDR_CONTACT))
		dialog_contact(r->endpoint, flow, dialog_is_sips(r->target), &r->wire);
	if (c->has_expires)
		sip_build_hdrf(&r->wire, SIP_HDR_EXPIRES, "%u", r->expires);
	if (c->write)
		c->write(c->write_arg, r, &r->wire);
	put_user_agent(w);
	put_changes(w, ec->headers, ec->header_count);
	put_changes(w, c->headers, c->header_count);
}

static int put_authorization(struct writer *w, struct fail *f)
{
	struct request *r = w->r;
	const struct request_config *c = &r->config;
	struct auth *auth = r->endpoint->ops->auth(r->endpoint);

	if (c->ack_of)
		put_credentials(w, c->ack_of);
	else if (auth && !r->wire.fail)
		return auth_authorize(auth, r->exchange,
			&(struct auth_request){ c->method, r->target, c->body }, &r->wire, f);
	return 0;
}

/* Empty where the user says it. */
static struct str content_type(const struct request *r)
{
	const struct request_config *c = &r->config;
	const struct endpoint_config *ec = &r->endpoint->config;
	bool said = request_is_changed(c->headers, c->header_count, STR("Content-Type")) ||
		    request_is_changed(ec->headers, ec->header_count, STR("Content-Type"));

	return said ? STR_EMPTY : c->type;
}

static int build_ours(
	struct request *r, struct sending *s, const struct sip_dialog_route *route, struct fail *f)
{
	struct writer w = { r, &r->wire };
	int e;

	put_head(&w, s, route);
	put_rest(&w, s->flow);
	e = put_authorization(&w, f);
	put_end(&w, content_type(r), r->config.body);
	if (e != 0)
		return e;
	if (r->endpoint->config.compact && !r->wire.fail)
		shorten(&r->wire);
	if (r->wire.fail)
		return fail_set(f, r->wire.fail,
			r->wire.fail == -FAIL_LIMIT ? "the request is too large"
						    : "a value has control characters");
	return 0;
}

int request_build(struct request *r, struct net_flow *flow, struct fail *f)
{
	const struct request_config *c = &r->config;
	struct sip_dialog_route within, *route = NULL;
	struct sending s;
	int e;

	buf_clear(&r->wire);
	sending_init(&s, r, flow);
	if (c->dialog) {
		sip_dialog_route(&c->dialog->sip, route = &within);
		r->target = arena_str(&r->arena, within.request_uri);
	}
	r->cseq = next_cseq(r);
	if (c->custom && (c->custom->form || c->custom->is_raw))
		e = build_custom(r, &s, f);
	else
		e = build_ours(r, &s, route, f);
	buf_done(&s.host);
	return e;
}
