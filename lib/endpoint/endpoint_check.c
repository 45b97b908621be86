/* lib/endpoint/endpoint_check.c -- what may go into a message: no text of a configuration gets onto
 * the wire unless it fits where it goes. CR, LF and NUL fit nowhere (A69). */
#include "endpoint/endpoint.h"

#include "endpoint/epid.h"
#include "endpoint/impl.h"
#include "sip/build.h"
#include "sip/param.h"

bool endpoint_check_token(struct str s)
{
	struct scan t = scan_str(s);

	return scan_run(&t, CH_TOKEN, NULL) && scan_end(&t);
}

/* What has options of its own or keeps the protocol sound (cli.md section 7). */
bool endpoint_header_allowed(struct str name)
{
	static const enum sip_hdr_id refused[] = {
		SIP_HDR_VIA,
		SIP_HDR_FROM,
		SIP_HDR_TO,
		SIP_HDR_CALL_ID,
		SIP_HDR_CSEQ,
		SIP_HDR_CONTACT,
		SIP_HDR_MAX_FORWARDS,
		SIP_HDR_CONTENT_LENGTH,
		SIP_HDR_ROUTE,
		SIP_HDR_RECORD_ROUTE,
		SIP_HDR_AUTHORIZATION,
		SIP_HDR_PROXY_AUTHORIZATION,
		SIP_HDR_EVENT,
		SIP_HDR_EXPIRES,
		SIP_HDR_RACK,
		SIP_HDR_RSEQ,
	};
	enum sip_hdr_id id = sip_hdr_id(name);

	for (unsigned i = 0; i < ARRAY_LEN(refused); i++)
		if (id == refused[i])
			return false;
	return true;
}

int endpoint_check_headers(const struct endpoint_header *list, unsigned n, bool any, struct fail *f)
{
	for (unsigned i = 0; i < n; i++) {
		if (!endpoint_check_token(list[i].name) || !sip_build_clean(list[i].value))
			return fail_set(f, -FAIL_ARGUMENT,
				"a header field has a bad name or control characters");
		if (!any && !endpoint_header_allowed(list[i].name))
			return fail_set(f, -FAIL_ARGUMENT,
				"the header field " STR_FMT " cannot be set",
				STR_ARG(list[i].name));
	}
	return 0;
}

/* A comment of RFC 3261 25.1, nested ones too. */
static bool scan_comment(struct scan *s)
{
	unsigned depth = 0;

	do {
		if (scan_char(s, '('))
			depth++;
		else if (scan_char(s, ')'))
			depth--;
		else if (scan_end(s) || (scan_char(s, '\\') && scan_end(s)))
			return false;
		else
			s->p++;
	} while (depth > 0);
	return true;
}

/* EP-10: what is appended to our own User-Agent is products and comments (20.41). */
static bool is_user_agent(struct str text)
{
	struct scan s = scan_str(text);

	while (scan_lws(&s) && !scan_end(&s)) {
		if (scan_peek(&s) == '(') {
			if (!scan_comment(&s))
				return false;
		} else if (!scan_run(&s, CH_TOKEN, NULL) ||
			   (scan_char(&s, '/') && !scan_run(&s, CH_TOKEN, NULL))) {
			return false;
		}
	}
	return true;
}

/* A whole URI, or what is appended to ours: ";name=value;..." */
static bool is_contact(struct str text)
{
	struct scan s = scan_str(text);
	struct sip_uri uri;

	if (text.p[0] == ';')
		return sip_params_scan(&s, NULL) && scan_end(&s);
	return sip_uri_parse(text, &uri);
}

/* It stands between <> in a quoted string (RFC 5626 4.1). */
static bool is_instance(struct str text)
{
	struct sip_uri uri;

	return str_istarts(text, STR("urn:")) && sip_uri_parse(text, &uri) &&
	       str_find(text, '"') == text.n && str_find(text, '\\') == text.n &&
	       str_find(text, '<') == text.n && str_find(text, '>') == text.n;
}

static bool is_route(struct str text)
{
	struct sip_nameaddr a;

	return sip_nameaddr_parse(text, &a) && a.uri.scheme <= SIP_URI_SIPS &&
	       (a.brackets || sip_uri_parse(text, &a.uri));
}

/* EP-12: each feature is a name or name=value, and there once. */
static int check_features(const struct endpoint_config *c, struct fail *f)
{
	for (unsigned i = 0; i < c->feature_count; i++) {
		struct scan s = scan_str(c->features[i]);
		struct sip_param p, other;

		if (!sip_param_scan(&s, &p) || !scan_end(&s))
			return fail_set(f, -FAIL_ARGUMENT,
				"\"" STR_FMT "\" is not a feature parameter",
				STR_ARG(c->features[i]));
		for (unsigned k = 0; k < i; k++) {
			s = scan_str(c->features[k]);
			if (sip_param_scan(&s, &other) && str_ieq(p.name, other.name))
				return fail_set(f, -FAIL_ARGUMENT,
					"the feature " STR_FMT " comes twice", STR_ARG(p.name));
		}
	}
	return 0;
}

static int check_hop(struct str text, struct fail *f)
{
	struct buf uri = BUF_INIT(1 << 16);
	int e = endpoint_target_parse(text, STR_EMPTY, &uri, f);

	buf_done(&uri);
	return e;
}

static int check_hops(const struct endpoint_config *c, struct fail *f)
{
	struct net_addr addr;
	int e;

	for (unsigned i = 0; i < c->server_count; i++)
		if ((e = check_hop(c->servers[i], f)) != 0)
			return e;
	if (c->proxy.n > 0 && (e = check_hop(c->proxy, f)) != 0)
		return e;
	for (unsigned i = 0; i < c->route_count; i++)
		if (!is_route(c->routes[i]))
			return fail_set(f, -FAIL_ARGUMENT, "\"" STR_FMT "\" is not a SIP route",
				STR_ARG(c->routes[i]));
	if (c->connect.n > 0 && !endpoint_connect_parse(c->connect, 5060, &addr))
		return fail_set(f, -FAIL_ARGUMENT,
			"\"" STR_FMT "\" is not ADDR:PORT with a numeric address",
			STR_ARG(c->connect));
	return 0;
}

/* Dialect ocs: a home server, and a connection to it that is kept. */
static int check_dialect(const struct endpoint_config *c, struct fail *f)
{
	struct sip_uri uri;
	struct str word;

	if (c->dialect != ENDPOINT_OCS)
		return 0;
	if (c->kind != ENDPOINT_SERVER_BASED)
		return fail_set(f, -FAIL_ARGUMENT, "dialect ocs needs a server-based endpoint");
	for (unsigned i = 0; i < c->server_count; i++)
		if (sip_uri_parse(c->servers[i], &uri) && sip_uri_param(&uri, "transport", &word) &&
			str_ieq(word, STR("udp")))
			return fail_set(f, -FAIL_ARGUMENT,
				"\"" STR_FMT "\": dialect ocs does not go over UDP",
				STR_ARG(c->servers[i]));
	return c->transport == NET_UDP
		       ? fail_set(f, -FAIL_ARGUMENT, "dialect ocs does not go over UDP")
		       : 0;
}

int endpoint_check(const struct endpoint_config *c, struct fail *f)
{
	struct sip_nameaddr from;
	const struct {
		const char *what;
		struct str text;
		bool fits;
	} all[] = {
		{ "a display name", c->display_name, true },
		{ "an address for From", c->from, c->from.n && sip_nameaddr_parse(c->from, &from) },
		{ "an endpoint id", c->epid, epid_is_valid(c->epid) },
		{ "a User-Agent", c->user_agent, is_user_agent(c->user_agent) },
		{ "a Contact", c->contact, c->contact.n && is_contact(c->contact) },
		{ "an instance", c->instance, is_instance(c->instance) },
	};
	int e;

	for (unsigned i = 0; i < ARRAY_LEN(all); i++)
		if (all[i].text.n > 0 && (!all[i].fits || !sip_build_clean(all[i].text)))
			return fail_set(f, -FAIL_ARGUMENT, "\"" STR_FMT "\" is not fit for %s",
				STR_ARG(all[i].text), all[i].what);
	if ((e = check_features(c, f)) != 0 || (e = check_hops(c, f)) != 0 ||
		(e = check_dialect(c, f)) != 0)
		return e;
	return endpoint_check_headers(c->headers, c->header_count, false, f);
}

bool endpoint_connect_parse(struct str text, uint16_t usual_port, struct net_addr *out)
{
	size_t close = str_find(text, ']'),
	       colon = close < text.n ? close + 1 : str_find(text, ':');
	uint32_t port = usual_port;

	if (colon < text.n &&
		(text.p[colon] != ':' || !str_u32(str_sub(text, colon + 1, text.n), &port) ||
			port == 0 || port > UINT16_MAX))
		return false;
	return net_addr_parse(str_sub(text, 0, colon), (uint16_t)port, out);
}
