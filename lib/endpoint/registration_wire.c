/* lib/endpoint/registration_wire.c -- what a REGISTER says and what its 2xx means: RFC 3261 10.2
 * and 10.3, RFC 3327, 3608, 5626, 5627, 8599 */
#include "endpoint/registration_impl.h"

#include "base/mem.h"
#include "sip/build.h"
#include "sip/param.h"
#include "sip/delta.h"

#include <stdio.h>
#include <string.h>

static bool removes(const struct registration_flow *f)
{
	return f->registration->config.what == REGISTRATION_REMOVE ||
	       f->state == REGISTRATION_UNREGISTERING;
}

/* pn-provider, pn-prid and pn-param of RFC 8599 6 from PROVIDER,PRID[,PARAM]. */
static void add_push(struct buf *b, struct str push)
{
	static const char *const names[] = { "pn-provider", "pn-prid", "pn-param" };
	struct str part, rest = push;

	for (unsigned i = 0; i < ARRAY_LEN(names) && rest.n > 0; i++) {
		if (!str_cut(rest, ',', &part, &rest)) {
			part = rest;
			rest = STR_EMPTY;
		}
		buf_addf(b, ";%s=" STR_FMT, names[i], STR_ARG(part));
	}
}

static bool is_ocs(const struct registration_flow *f)
{
	return f->registration->endpoint->config.dialect == ENDPOINT_OCS;
}

/* Parameters of the Contact header: instance, reg-id, q, methods, features, the user's own. */
static void add_params(struct buf *b, const struct registration_flow *f)
{
	const struct registration_config *c = &f->registration->config;
	const struct endpoint_config *ec = &f->registration->endpoint->config;

	if (is_ocs(f))
		registration_ocs_params(b, f);
	else if (ec->instance.n > 0)
		buf_addf(b, ";+sip.instance=\"<" STR_FMT ">\"", STR_ARG(ec->instance));
	if (f->reg_id > 0)
		buf_addf(b, ";reg-id=%u", f->reg_id);
	if (c->q >= 0)
		buf_addf(b, ";q=%u.%03u", (unsigned)c->q / 1000, (unsigned)c->q % 1000);
	if (c->methods.n > 0 && !is_ocs(f))
		buf_addf(b, ";methods=\"" STR_FMT "\"", STR_ARG(c->methods));
	for (unsigned i = 0; i < ec->feature_count; i++)
		buf_addf(b, ";" STR_FMT, STR_ARG(ec->features[i]));
	if (ec->contact.n > 0 && ec->contact.p[0] == ';')
		buf_add_str(b, ec->contact);
	if (removes(f) && !is_ocs(f)) /* there Expires says it, which is what is signed */
		buf_add_str(b, STR(";expires=0"));
}

static void add_contact(struct buf *out, const struct registration_flow *f, struct str uri)
{
	struct buf v = BUF_INIT(1 << 16);

	buf_addf(&v, "<" STR_FMT, STR_ARG(uri));
	if (f->registration->config.push.n > 0)
		add_push(&v, f->registration->config.push);
	buf_add_char(&v, '>');
	add_params(&v, f);
	sip_build_hdr(out, SIP_HDR_CONTACT, buf_str(&v));
	buf_done(&v);
}

static void add_own_contact(struct buf *out, struct registration_flow *f, struct request *r)
{
	struct buf uri = BUF_INIT(sizeof(f->contact) - 1);

	if (request_flow(r))
		endpoint_contact_uri(f->registration->endpoint, request_flow(r), false, &uri);
	else if (is_ocs(f)) /* a dry run */
		buf_addf(&uri, "sip:local.invalid;ms-opaque=%s",
			f->registration->endpoint->ms_opaque);
	else
		buf_addf(&uri, "sip:" STR_FMT "@local.invalid",
			STR_ARG(endpoint_contact_user(f->registration->endpoint)));
	if (uri.fail)
		buf_fail(out, uri.fail);
	/* When the binding is removed after its flow was lost, the Contact is still the one that
	 * was registered. */
	if (f->state != REGISTRATION_UNREGISTERING || f->contact[0] == '\0')
		snprintf(f->contact, sizeof(f->contact), STR_FMT, STR_ARG(buf_str(&uri)));
	buf_done(&uri);
	add_contact(out, f, str_of(f->contact));
}

static void add_contacts(struct buf *b, struct registration_flow *f, struct request *r)
{
	const struct registration *reg = f->registration;
	const struct registration_config *c = &reg->config;

	if (c->what == REGISTRATION_QUERY ||
		(c->what == REGISTRATION_REMOVE && !reg->queried && c->contact_count == 0 &&
			reg->endpoint->config.instance.n == 0))
		return; /* 10.2.3: a request without Contact asks */
	if (c->what == REGISTRATION_REMOVE_ALL) {
		sip_build_hdr(b, SIP_HDR_CONTACT, STR("*"));
		return;
	}
	if (c->contact_count > 0) {
		for (unsigned i = 0; i < c->contact_count; i++)
			add_contact(b, f, c->contacts[i]);
	} else if (reg->queried) {
		for (unsigned i = 0; i < reg->removal_count; i++)
			add_contact(b, f, reg->removals[i]);
	} else {
		add_own_contact(b, f, r);
	}
}

void registration_write(void *arg, struct request *r, struct buf *b)
{
	struct registration_flow *f = arg;
	const struct registration_config *c = &f->registration->config;
	bool instance = f->registration->endpoint->config.instance.n > 0;

	add_contacts(b, f, r);
	for (unsigned i = 0; i < c->path_count; i++)
		sip_build_hdrf(b, SIP_HDR_PATH, "<" STR_FMT ">", STR_ARG(c->paths[i]));
	if (is_ocs(f)) {
		registration_ocs_headers(b);
		return;
	}
	/* RFC 5627 4.1: gruu asks for GRUUs and needs an instance; RFC 5626 4.2: outbound needs a
	 * reg-id. */
	sip_build_hdrf(b, SIP_HDR_SUPPORTED, "path%s%s", f->reg_id > 0 ? ", outbound" : "",
		c->gruu && instance ? ", gruu" : "");
}

/* ---- the answer ---- */

static struct str between_brackets(struct str s)
{
	if (s.n >= 2 && s.p[0] == '<' && s.p[s.n - 1] == '>')
		return str_sub(s, 1, s.n - 1);
	return s;
}

static bool is_own(const struct registration_flow *f, const struct sip_nameaddr *a,
	const struct endpoint_contact *c)
{
	const struct registration *reg = f->registration;
	struct sip_uri own;

	/* RFC 5626 4.2: with a reg-id the binding is (instance, reg-id), whatever its URI. */
	if (f->reg_id > 0 && c->reg_id > 0)
		return c->reg_id == f->reg_id &&
		       str_ieq(c->instance, reg->endpoint->config.instance);
	/* The server may have put another address there (proxy=replace). */
	if (is_ocs(f) && c->instance.n > 0)
		return str_ieq(c->instance, reg->endpoint->config.instance);
	for (unsigned i = 0; i < reg->config.contact_count; i++)
		if (sip_uri_parse(reg->config.contacts[i], &own) && sip_uri_equal(&own, &a->uri))
			return true;
	return f->contact[0] && sip_uri_parse(str_of(f->contact), &own) &&
	       sip_uri_equal(&own, &a->uri);
}

static void read_contact(const struct registration_flow *f, const struct sip_nameaddr *a,
	uint32_t dflt, struct registration_answer *out)
{
	/* Of too many those at the end are passed over, but never ours. */
	bool full = out->contact_count == REGISTRATION_CONTACTS;
	struct endpoint_contact other, *c = full ? &other : &out->contacts[out->contact_count];
	struct str v;

	*c = (struct endpoint_contact){ .uri = a->uri.text, .expires = dflt, .q = 1001 };
	if (sip_param(a->params, "expires", &v))
		sip_delta_parse(v, &c->expires);
	if (sip_param(a->params, "q", &v))
		sip_qvalue_parse(v, &c->q);
	if (sip_param(a->params, "reg-id", &v))
		str_u32(v, &c->reg_id);
	if (sip_param(a->params, "+sip.instance", &v))
		c->instance = between_brackets(v);
	if (sip_param(a->params, "pub-gruu", &v))
		c->pub_gruu = v;
	if (sip_param(a->params, "temp-gruu", &v))
		c->temp_gruu = v;
	if (is_ocs(f) && c->pub_gruu.n == 0)
		c->pub_gruu = registration_ocs_gruu(a->params);
	c->own = is_own(f, a, c);
	if (c->own) {
		out->listed = true;
		out->expires = c->expires;
		out->gruu = is_ocs(f) ? registration_ocs_gruu(a->params) : STR_EMPTY;
	}
	if (!full)
		out->contact_count++;
	else if (c->own)
		out->contacts[REGISTRATION_CONTACTS - 1] = other;
}

static unsigned read_routes(
	const struct sip_msg *m, enum sip_hdr_id id, struct str *out, unsigned max)
{
	struct sip_list l = sip_msg_list(m, id);
	struct sip_nameaddr a;
	unsigned n = 0;

	while (n < max && sip_list_nameaddr(&l, &a))
		out[n++] = a.text;
	return n;
}

void registration_read(
	const struct registration_flow *f, const struct sip_msg *m, struct registration_answer *out)
{
	struct sip_list l = sip_msg_list(m, SIP_HDR_CONTACT);
	uint32_t dflt = f->registration->expires ? f->registration->expires : 3600;
	struct sip_nameaddr a;

	*out = (struct registration_answer){ 0 };
	sip_msg_seconds(m, SIP_HDR_EXPIRES, &dflt);
	while (sip_list_nameaddr(&l, &a))
		read_contact(f, &a, dflt, out);
	out->malformed = l.bad;
	if (!out->listed)
		out->expires = dflt;
	out->path_count = read_routes(m, SIP_HDR_PATH, out->path, ARRAY_LEN(out->path));
	out->service_route_count = read_routes(
		m, SIP_HDR_SERVICE_ROUTE, out->service_route, ARRAY_LEN(out->service_route));
	out->outbound = sip_msg_has_token(m, SIP_HDR_REQUIRE, "outbound");
	sip_msg_seconds(m, SIP_HDR_FLOW_TIMER, &out->flow_timer);
	if (is_ocs(f))
		registration_ocs_read(m, out);
}
