/* lib/sip/host.c -- host names and addresses */
#include "sip/host.h"

#include "sip/uri.h"

#include <string.h>

/* IPv4address = 1*3DIGIT "." 1*3DIGIT "." 1*3DIGIT "." 1*3DIGIT: where it ends, or NULL. */
static const char *past_ipv4(const char *p, const char *end)
{
	for (int part = 0;; part++) {
		const char *start = p;
		unsigned n = 0;
		for (; p < end && scan_is(*p, CH_DIGIT) && p - start < 3; p++)
			n = n * 10 + (unsigned)(*p - '0');
		if (p == start || n > 255)
			return NULL;
		if (part == 3)
			return p;
		if (p == end || *p++ != '.')
			return NULL;
	}
}

bool sip_uri_is_ipv4(struct str s)
{
	return s.n && past_ipv4(s.p, s.p + s.n) == s.p + s.n;
}

/* hexseq [ ":" IPv4address ], the latter when last is set: adds the groups of 16 bits in it. */
static bool add_groups(struct str s, bool last, unsigned *groups)
{
	for (bool more = true; more;) {
		struct str group = s, hex;
		struct scan c;
		more = str_cut(s, ':', &group, &s);
		c = scan_str(group);
		if (!more && last && sip_uri_is_ipv4(group))
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
		return add_groups(s, true, &groups) && groups == 8;
	/* IPv6address = hexpart [ ":" IPv4address ], and a hexpart may end in "::". RFC 5118 4.10
	 * calls the third colon of that rule a bug and asks receivers to take either form. */
	if (right.n > 0 && right.p[0] == ':' && sip_uri_is_ipv4(third))
		right = third;
	return (left.n == 0 || add_groups(left, false, &groups)) &&
	       (right.n == 0 || add_groups(right, true, &groups)) && groups < 8;
}

/* *( domainlabel "." ) toplabel [ "." ], but a label may begin with a digit (RFC 1123 2.1) and hold
 * '_', which is in use. */
static const char *past_hostname(const char *p, const char *end)
{
	const char *label = p, *start = p;

	for (;;) {
		p = scan_past(p, end, CH_ALPHA | CH_DIGIT);
		if (p == end)
			break;
		if (*p == '.') {
			if (p == label || p[-1] == '-')
				return NULL;
			label = ++p;
		} else if (*p == '_' || (*p == '-' && p > label)) {
			p++;
		} else {
			break;
		}
	}
	if (p == start || p[-1] == '-')
		return NULL;
	/* What ends in a number should have been an IPv4address. */
	return label < p && scan_past(label, p, CH_DIGIT) == p ? NULL : p;
}

static const char *past_name_or_ipv4(const char *p, const char *end)
{
	if (p < end && scan_is(*p, CH_DIGIT)) {
		const char *q = past_ipv4(p, end);
		if (q && (q == end || !scan_is(*q, CH_HOST)))
			return q;
	}
	return past_hostname(p, end);
}

bool sip_uri_is_host(struct str s)
{
	struct scan c = scan_str(s);
	return past_name_or_ipv4(c.p, c.end) == c.end || sip_uri_is_ipv6(s);
}

bool sip_host_scan(struct scan *s, struct str *host, bool *ipv6)
{
	const char *p = s->p, *end = s->end, *stop;

	if (p < end && *p == '[') {
		struct str h;
		stop = memchr(p, ']', (size_t)(end - p));
		h = (struct str){ p + 1, stop ? (size_t)(stop - p - 1) : 0 };
		if (!sip_uri_is_ipv6(h))
			return false;
		*host = h;
		*ipv6 = true;
		s->p = stop + 1;
		return true;
	}
	stop = past_name_or_ipv4(p, end);
	if (!stop)
		return false;
	*host = (struct str){ p, (size_t)(stop - p) };
	*ipv6 = false;
	s->p = stop;
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
