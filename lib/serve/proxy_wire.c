/* lib/serve/proxy_wire.c -- what the proxy writes: a request as it goes on (RFC 3261 16.6) and a
 * response on its way back (16.7), our Via, our Record-Route with flow tokens (RFC 5626 5.2) */
#include "serve/proxy.h"

#include "base/hash.h"
#include "sip/build.h"
#include "sip/challenge.h"
#include "sip/delta.h"

#include <stdio.h>

/* ---- loops ---- */

/* 16.6 step 8: the second part of the branch tells a loop from a spiral. */
static void loop_hash(const struct sip_msg *m, char out[2 * HASH_MAX + 1])
{
	const struct str parts[] = { m->request_uri, STR("\n"), sip_msg_from_tag(m), STR("\n"),
		sip_msg_to_tag(m), STR("\n"), sip_msg_call_id(m), STR("\n"),
		sip_msg_value(m, SIP_HDR_CSEQ), STR("\n"), sip_msg_value(m, SIP_HDR_ROUTE) };

	hash_hex(HASH_MD5, parts, ARRAY_LEN(parts), out);
	out[12] = '\0';
}

/* One of our own branches with the same second part is a loop. */
bool proxy_is_loop(struct serve *s, const struct sip_msg *m)
{
	struct sip_list l = sip_msg_list(m, SIP_HDR_VIA);
	char hash[2 * HASH_MAX + 1];
	struct sip_uri self = { 0 };
	struct sip_via via;

	loop_hash(m, hash);
	while (sip_list_via(&l, &via)) {
		self.host = via.host;
		self.port = via.port;
		if (str_ends(via.branch, str_of(hash)) && serve_is_self(s, &self))
			return true;
	}
	return false;
}

/* ---- Record-Route ---- */

/* RFC 5626 5.2: nobody else can make a token, so nobody else chooses a connection: SipHash under
 * the key of this process signs it. */
static void add_token(struct buf *b, unsigned id)
{
	char text[32];

	snprintf(text, sizeof(text), "flow %u", id);
	buf_addf(b, "f%u-%016llx", id, (unsigned long long)map_hash(str_of(text)));
}

bool proxy_read_token(struct str user, unsigned *flow_id)
{
	struct buf own = BUF_INIT(64);
	struct str number, hash;
	bool good = user.n > 1 && user.p[0] == 'f' && str_cut(user, '-', &number, &hash) &&
		    str_u32(str_sub(number, 1, number.n), flow_id);

	if (good)
		add_token(&own, *flow_id);
	good = good && hash_equal(buf_str(&own), user);
	buf_done(&own);
	return good;
}

/* sip:TOKEN@HOST:PORT;transport=T;lr, where TOKEN names the flow: it brings a dialog's requests
 * back to us and from here to the peer's connection. */
static void put_own_route(struct buf *b, struct serve *s, const struct net_flow *flow)
{
	const struct net_flow_info *i = net_flow_info(flow);
	struct buf host = BUF_INIT(512), uri = BUF_INIT(1 << 10);
	uint16_t port;

	dispatch_sent_by(s->manager, flow, &host, &port);
	buf_add_str(&uri, STR("<sip:"));
	add_token(&uri, i->id);
	buf_add_char(&uri, '@');
	sip_uri_write_hostport(&uri, buf_str(&host), port);
	buf_addf(&uri, ";transport=%s;lr>", net_transport_name(i->transport));
	sip_build_hdr(b, SIP_HDR_RECORD_ROUTE, buf_str(&uri));
	buf_done(&host);
	buf_done(&uri);
}

static bool makes_dialog(const struct sip_msg *m)
{
	return sip_msg_to_tag(m).n == 0 &&
	       (m->method == SIP_INVITE || m->method == SIP_SUBSCRIBE || m->method == SIP_REFER);
}

/* ---- requests ---- */

/* Which of the topmost Route values are ours and end here (16.4)? */
static unsigned own_routes(struct serve *s, const struct sip_msg *m)
{
	struct sip_list l = sip_msg_list(m, SIP_HDR_ROUTE);
	struct sip_nameaddr a;
	unsigned n = 0;

	while (sip_list_nameaddr(&l, &a) && serve_is_self(s, &a.uri))
		n++;
	return n;
}

static void put_routes(struct serve *s, const struct sip_msg *m, struct str path, struct buf *b)
{
	struct sip_list l = sip_msg_list(m, SIP_HDR_ROUTE);
	unsigned skip = own_routes(s, m);
	struct sip_nameaddr a;

	if (path.n > 0) /* RFC 3327 5.4: the stored Path comes first */
		sip_build_hdr(b, SIP_HDR_ROUTE, path);
	while (sip_list_nameaddr(&l, &a))
		if (skip > 0)
			skip--;
		else
			sip_build_hdr(b, SIP_HDR_ROUTE, a.text);
}

static void put_branch(struct buf *b, const struct proxy_copy *c)
{
	const struct str via[] = { sip_msg_value(c->m, SIP_HDR_VIA) };
	char unique[TRANSACTION_BRANCH], same[2 * HASH_MAX + 1], loop[2 * HASH_MAX + 1];

	loop_hash(c->m, loop);
	if (c->stateless) {
		hash_hex(HASH_MD5, via, ARRAY_LEN(via), same);
		buf_addf(b, "z9hG4bK%s.%s", same, loop);
	} else {
		transaction_branch(unique);
		buf_addf(b, "%s.%s", unique, loop);
	}
}

static void put_vias(struct serve *s, const struct proxy_copy *c, struct buf *b)
{
	static const char *const names[] = { "UDP", "TCP", "TLS" };
	const struct net_flow_info *i = net_flow_info(c->from);
	const struct sip_hdr *h = sip_msg_hdr(c->m, SIP_HDR_VIA);
	struct buf host = BUF_INIT(512), branch = BUF_INIT(128);
	char text[NET_ADDR_TEXT];
	bool top = true;
	uint16_t port;

	put_branch(&branch, c);
	dispatch_sent_by(s->manager, c->to, &host, &port);
	sip_build_via(b, str_of(names[net_flow_info(c->to)->transport]), buf_str(&host), port,
		buf_str(&branch));
	for (; h; h = sip_msg_hdr_next(c->m, h)) {
		if (top)
			sip_build_via_from(b, h->value, str_of(net_addr_host(&i->remote, text)),
				net_addr_port(&i->remote));
		else
			sip_build_hdr(b, SIP_HDR_VIA, h->value);
		top = false;
	}
	buf_done(&host);
	buf_done(&branch);
}

/* Signatures are from hop to hop: ours is put in when the message leaves (pact.c). */
static bool is_signature(const struct serve *s, const struct sip_hdr *h)
{
	struct sip_challenge c;
	struct sip_param realm;

	if (h->id != SIP_HDR_AUTHORIZATION && h->id != SIP_HDR_PROXY_AUTHORIZATION &&
		h->id != SIP_HDR_AUTHENTICATION_INFO && h->id != SIP_HDR_PROXY_AUTHENTICATION_INFO)
		return false;
	return sip_challenge_parse(h->value, &c) &&
	       (str_ieq(c.scheme, STR("NTLM")) || str_ieq(c.scheme, STR("Kerberos"))) &&
	       sip_challenge_get(c.params, "realm", &realm) && str_eq(realm.value, s->ms_realm);
}

/* Is this field written anew, or not for those who come after us? */
static bool is_ours_to_write(const struct serve *s, const struct sip_hdr *h)
{
	struct sip_challenge c;
	struct sip_param realm;

	switch (h->id) {
	case SIP_HDR_VIA:
	case SIP_HDR_ROUTE:
	case SIP_HDR_MAX_FORWARDS:
	case SIP_HDR_CONTENT_LENGTH:
	case SIP_HDR_CONTENT_TYPE:
		return true;
	case SIP_HDR_PROXY_AUTHORIZATION: /* 22.3: credentials for our realm end here */
		return sip_challenge_parse(h->value, &c) &&
		       sip_challenge_get(c.params, "realm", &realm) &&
		       (str_eq(realm.value, s->config.realm) || is_signature(s, h));
	default:
		return is_signature(s, h) || str_ieq(h->name, STR("Max-Breadth"));
	}
}

bool proxy_write_request(struct serve *s, const struct proxy_copy *c, struct buf *b)
{
	const struct sip_msg *m = c->m;
	uint32_t hops = 70;

	sip_build_request(b, m->method_name, c->uri);
	put_vias(s, c, b);
	put_routes(s, m, c->path, b);
	if (makes_dialog(m)) {
		put_own_route(b, s, c->from);
		put_own_route(b, s, c->to);
	}
	if (sip_delta_parse(sip_msg_value(m, SIP_HDR_MAX_FORWARDS), &hops))
		hops--; /* zero was refused before */
	sip_build_hdrf(b, SIP_HDR_MAX_FORWARDS, "%u", hops);
	buf_addf(b, "Max-Breadth: %u\r\n", c->breadth); /* RFC 5393 5.3.3: in every request */
	for (unsigned i = 0; i < m->hdr_count; i++)
		if (!is_ours_to_write(s, &m->hdrs[i]))
			sip_build_named(b, m->hdrs[i].name, m->hdrs[i].value);
	sip_build_end(b, sip_msg_value(m, SIP_HDR_CONTENT_TYPE), m->body);
	return b->fail == 0;
}

/* ---- responses ---- */

bool proxy_write_response(
	const struct serve *s, const struct sip_msg *m, struct str headers, struct buf *b)
{
	struct str rest = STR_EMPTY;
	struct sip_via via;
	unsigned vias = 0;

	buf_addf(b, "SIP/2.0 %u " STR_FMT "\r\n", m->status, STR_ARG(m->reason));
	for (unsigned i = 0; i < m->hdr_count; i++) {
		const struct sip_hdr *h = &m->hdrs[i];

		if (h->id == SIP_HDR_VIA && vias++ == 0) {
			if (sip_via_parse(h->value, &via, &rest) && str_trim(rest).n > 0) {
				sip_build_hdr(b, SIP_HDR_VIA, str_trim(rest));
				vias++;
			}
		} else if (h->id != SIP_HDR_CONTENT_LENGTH && h->id != SIP_HDR_CONTENT_TYPE &&
			   !is_signature(s, h)) {
			sip_build_named(b, h->name, h->value);
		}
	}
	buf_add_str(b, headers);
	sip_build_end(b, sip_msg_value(m, SIP_HDR_CONTENT_TYPE), m->body);
	return b->fail == 0 && vias > 1;
}
