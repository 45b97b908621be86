/* lib/sip/host.c -- host names and addresses */
#include "sip/host.h"

#include "sip/uri.h"

bool sip_uri_is_ipv4(struct str s)
{
	const char *p = s.p, *end = p + s.n;
	unsigned dots = 0, digits = 0, n = 0;

	if (s.n < sizeof("0.0.0.0") - 1 || s.n > sizeof("255.255.255.255") - 1)
		return false;
	for (; p < end; p++) {
		if (*p == '.' && digits > 0 && dots < 3) {
			dots++;
			digits = n = 0;
		} else if (scan_is(*p, CH_DIGIT) && digits < 3) {
			digits++;
			n = n * 10 + (unsigned)(*p - '0');
			if (n > 255)
				return false;
		} else {
			return false;
		}
	}
	return dots == 3 && digits > 0;
}

/* hexseq [ ":" IPv4address ]: adds the groups of 16 bits in it. */
static bool add_groups(struct str s, unsigned *groups)
{
	for (bool more = true; more;) {
		struct str group = s, hex;
		struct scan c;
		more = str_cut(s, ':', &group, &s);
		c = scan_str(group);
		if (!more && sip_uri_is_ipv4(group))
			*groups += 2;
		else if (scan_run(&c, CH_HEX, &hex) && scan_end(&c) && hex.n <= 4)
			*groups += 1;
		else
			return false;
	}
	return true;
}

/* Where the first "::" is, or s.n. */
static size_t find_gap(struct str s)
{
	for (size_t i = 1; i < s.n; i++)
		if (s.p[i - 1] == ':' && s.p[i] == ':')
			return i - 1;
	return s.n;
}

bool sip_uri_is_ipv6(struct str s)
{
	size_t gap = find_gap(s);
	struct str left = str_sub(s, 0, gap), right = str_sub(s, gap + 2, s.n);
	struct str third = str_sub(right, 1, right.n);
	unsigned groups = 0;

	if (gap == s.n)
		return add_groups(s, &groups) && groups == 8;
	/* IPv6address = hexpart [ ":" IPv4address ], and a hexpart may end in "::". RFC 5118 4.10
	 * calls the third colon of that rule a bug and asks receivers to take either form. */
	if (right.n > 0 && right.p[0] == ':' && sip_uri_is_ipv4(third))
		right = third;
	return (left.n == 0 || add_groups(left, &groups)) &&
	       (right.n == 0 || add_groups(right, &groups)) && groups < 8;
}

/* *( domainlabel "." ) toplabel [ "." ], but a label may begin with a digit (RFC 1123 2.1) and hold
 * '_', which is in use. What ends in a number must be an IPv4address. */
static bool scan_hostname(struct scan *s, struct str *out)
{
	const char *start = s->p, *end = s->end, *p = start, *label = start;

	for (;; p++) {
		p = scan_past(p, end, CH_ALPHA | CH_DIGIT);
		if (p == end || !scan_is(*p, CH_HOST))
			break;
		if (p == label && *p != '_') /* a label neither begins nor ends with '-' */
			return false;
		if (*p != '.')
			continue;
		if (p[-1] == '-')
			return false;
		if (p + 1 < end && scan_is(p[1], CH_HOST))
			label = p + 1;
	}
	if (p == start || p[-1] == '-')
		return false;
	*out = (struct str){ start, (size_t)(p - start) };
	if (scan_is(*label, CH_DIGIT) && scan_past(label, p, CH_DIGIT) == p && !sip_uri_is_ipv4(*out))
		return false;
	s->p = p;
	return true;
}

bool sip_uri_is_host(struct str s)
{
	struct scan c = scan_str(s);
	struct str name;
	return (scan_hostname(&c, &name) && scan_end(&c)) || sip_uri_is_ipv6(s);
}

bool sip_host_scan(struct scan *s, struct str *host, bool *ipv6)
{
	struct scan t = *s;
	struct str h;
	bool v6 = scan_char(&t, '[');

	if (v6 ? !scan_until(&t, ']', &h) || !scan_char(&t, ']') || !sip_uri_is_ipv6(h)
	       : !scan_hostname(&t, &h))
		return false;
	s->p = t.p;
	*host = h;
	*ipv6 = v6;
	return true;
}

bool sip_host_port(struct scan *s, uint16_t *port)
{
	struct scan t = *s;
	uint32_t n;

	if (!scan_u32(&t, UINT16_MAX, &n) || n == 0)
		return false;
	s->p = t.p;
	*port = (uint16_t)n;
	return true;
}
