/* lib/sip/via.c -- the Via header field */
#include "sip/via.h"

#include "sip/host.h"
#include "sip/param.h"
#include "sip/uri.h"

bool sip_via_sent_by(struct scan *s, struct sip_via *out)
{
	struct scan t = *s;
	struct sip_via v = { 0 };

	/* protocol-name = "SIP" / token: RFC 4475 3.1.2.16 has SIP/7.0, which must be answered */
	if (!scan_lws(&t) || !scan_run(&t, CH_TOKEN, NULL) || !scan_sep(&t, '/') ||
	    !scan_run(&t, CH_TOKEN, NULL) || !scan_sep(&t, '/') ||
	    !scan_run(&t, CH_TOKEN, &v.transport) || !scan_run(&t, CH_LWS, NULL) ||
	    !sip_host_scan(&t, &v.host, &v.ipv6) ||
	    (scan_sep(&t, ':') && !sip_host_port(&t, &v.port)))
		return false;
	v.params.p = t.p;
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

/* The parameters that mean something; the first of several counts. */
static bool known(const struct sip_param *p, struct sip_via *v)
{
	uint32_t n = 0;

	switch (p->name.n ? p->name.p[0] | 0x20 : 0) {
	case 'b':
		if (v->branch.n || !str_ieq(p->name, STR("branch")))
			return true;
		v->branch = p->value;
		return v->branch.n > 0;
	case 'r':
		if (str_ieq(p->name, STR("received")))
			return v->received.n || address(p->value, &v->received);
		if (v->has_rport || !str_ieq(p->name, STR("rport")))
			return true;
		if (p->has_value && (!str_u32(p->value, &n) || n > UINT16_MAX))
			return false;
		v->has_rport = true;
		v->rport = (uint16_t)n;
		return true;
	case 'm':
		if (v->maddr.n || !str_ieq(p->name, STR("maddr")))
			return true;
		return address(p->value, &v->maddr);
	case 't':
		/* ttl = 1*3DIGIT ; 0 to 255 */
		return !str_ieq(p->name, STR("ttl")) || (str_u32(p->value, &n) && n <= 255);
	default:
		return true;
	}
}

bool sip_via_scan(struct scan *s, struct sip_via *out)
{
	struct scan t = *s;
	struct sip_via v;
	struct sip_param p;
	const char *end;

	if (!sip_via_sent_by(&t, &v))
		return false;
	end = t.p;
	while (scan_sep(&t, ';')) {
		if (!sip_param_scan(&t, &p) || !known(&p, &v))
			return false;
		end = t.p;
	}
	if (!scan_lws(&t) || (!scan_end(&t) && *t.p != ','))
		return false;
	v.params.n = (size_t)(end - v.params.p);
	s->p = t.p;
	*out = v;
	return true;
}

bool sip_via_parse(struct str value, struct sip_via *out, struct str *rest)
{
	struct scan s = scan_str(value);
	struct sip_via v;

	if (!sip_via_scan(&s, &v) || (scan_char(&s, ',') && scan_lws(&s) && scan_end(&s)))
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
