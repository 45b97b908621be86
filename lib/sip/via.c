/* lib/sip/via.c -- the Via header field */
#include "sip/via.h"

#include "sip/host.h"
#include "sip/param.h"
#include "sip/uri.h"

#include <string.h>

/* sent-protocol LWS, which is "SIP/2.0/UDP " but for the transport nearly everywhere. protocol-name
 * = "SIP" / token: RFC 4475 3.1.2.16 has SIP/7.0 here, which must be answered. */
static bool protocol(struct scan *s, struct str *transport)
{
	static const char usual[] = "SIP/2.0/";
	const size_t n = sizeof(usual) - 1;

	if ((size_t)(s->end - s->p) > n && memcmp(s->p, usual, n) == 0)
		s->p += n;
	else if (!scan_lws(s) || !scan_run(s, CH_TOKEN, NULL) || !scan_sep(s, '/') ||
		 !scan_run(s, CH_TOKEN, NULL) || !scan_sep(s, '/'))
		return false;
	return scan_lws(s) && scan_run(s, CH_TOKEN, transport) && scan_run(s, CH_LWS, NULL);
}

/* Writes into *v as it goes, as does element(). */
static bool sent_by(struct scan *s, struct sip_via *v)
{
	v->params = v->branch = v->received = v->maddr = STR_EMPTY;
	v->port = v->rport = 0;
	v->has_rport = false;
	if (!protocol(s, &v->transport) || !sip_host_scan(s, &v->host, &v->ipv6) ||
		(scan_sep(s, ':') && !sip_host_port(s, &v->port)))
		return false;
	v->params.p = s->p;
	return true;
}

bool sip_via_sent_by(struct scan *s, struct sip_via *out)
{
	struct scan t = *s;
	struct sip_via v;

	if (!sent_by(&t, &v))
		return false;
	s->p = t.p;
	*out = v;
	return true;
}

/* The address without the brackets that RFC 5118 4.5 asks receivers to bear. */
static bool address(struct str value, struct str *out)
{
	struct scan s = scan_str(value);
	bool ipv6;

	if (sip_host_scan(&s, out, &ipv6) && scan_end(&s))
		return true;
	*out = value;
	return sip_uri_is_ipv6(value);
}

static bool is(struct str name, struct str want)
{
	return name.n == want.n && (memcmp(name.p, want.p, want.n) == 0 || str_ieq(name, want));
}

/* The parameters that mean something; the first of several counts. */
static bool known(const struct sip_param *p, struct sip_via *v)
{
	uint32_t n = 0;

	switch (p->name.p[0] | 0x20) {
	case 'b':
		if (v->branch.n || !is(p->name, STR("branch")))
			return true;
		v->branch = p->value;
		return v->branch.n > 0;
	case 'r':
		if (is(p->name, STR("received")))
			return v->received.n || address(p->value, &v->received);
		if (v->has_rport || !is(p->name, STR("rport")))
			return true;
		if (p->has_value && (!str_u32(p->value, &n) || n > UINT16_MAX))
			return false;
		v->has_rport = true;
		v->rport = (uint16_t)n;
		return true;
	case 'm':
		return v->maddr.n || !is(p->name, STR("maddr")) || address(p->value, &v->maddr);
	case 't':
		/* ttl = 1*3DIGIT ; 0 to 255 */
		return !is(p->name, STR("ttl")) || (str_u32(p->value, &n) && n <= 255);
	default:
		return true;
	}
}

static bool element(struct scan *s, struct sip_via *v)
{
	struct sip_param p;
	const char *end;

	if (!sent_by(s, v))
		return false;
	end = s->p;
	while (scan_sep(s, ';')) {
		if (!sip_param_scan(s, &p) || !known(&p, v))
			return false;
		end = s->p;
	}
	v->params.n = (size_t)(end - v->params.p);
	return scan_lws(s) && (scan_end(s) || *s->p == ',');
}

bool sip_via_scan(struct scan *s, struct sip_via *out)
{
	struct scan t = *s;
	struct sip_via v;

	if (!element(&t, &v))
		return false;
	s->p = t.p;
	*out = v;
	return true;
}

bool sip_via_parse(struct str value, struct sip_via *out, struct str *rest)
{
	struct scan s = scan_str(value);
	struct sip_via v;

	if (!element(&s, &v) || (scan_char(&s, ',') && scan_lws(&s) && scan_end(&s)))
		return false;
	*out = v;
	if (rest)
		*rest = scan_rest(&s);
	return true;
}

bool sip_via_cookie(const struct sip_via *v)
{
	return str_istarts(v->branch, STR("z9hG4bK"));
}
