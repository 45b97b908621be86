/* lib/endpoint/resolve_override.c -- HOST:PORT:ADDR[,ADDR...], addresses without DNS */
#include "endpoint/resolve_override.h"

bool resolve_override_next(struct str *addrs, uint16_t port, struct net_addr *out)
{
	struct str one = *addrs, rest = STR_EMPTY;

	str_cut(*addrs, ',', &one, &rest);
	if (!net_addr_parse(one, port, out))
		return false;
	*addrs = rest;
	return true;
}

/* "HOST:" or "[IPv6]:" */
static bool cut_host(struct str s, struct str *host, struct str *rest)
{
	if (!str_starts(s, STR("[")))
		return str_cut(s, ':', host, rest) &&
		       (str_eq(*host, STR("*")) || sip_uri_is_host(*host));
	if (!str_cut(str_sub(s, 1, s.n), ']', host, rest) || !str_starts(*rest, STR(":")))
		return false;
	*rest = str_sub(*rest, 1, rest->n);
	return sip_uri_is_ipv6(*host);
}

bool resolve_override_parse(struct str s, struct str *host, uint16_t *port, struct str *addrs)
{
	struct str h, p, list, rest;
	struct net_addr addr;
	uint32_t n;

	if (!cut_host(s, &h, &rest) || !str_cut(rest, ':', &p, &list) || !str_u32(p, &n) ||
		n == 0 || n > UINT16_MAX || str_ends(list, STR(",")))
		return false;
	rest = list;
	while (resolve_override_next(&rest, 0, &addr) && rest.n)
		;
	if (rest.n || !list.n)
		return false;
	*host = h;
	*port = (uint16_t)n;
	*addrs = list;
	return true;
}

static bool same_host(struct str a, struct str b)
{
	struct net_addr one, two;

	return str_ieq(a, b) || (net_addr_parse(a, 0, &one) && net_addr_parse(b, 0, &two) &&
					net_addr_equal_host(&one, &two));
}

bool resolve_override_find(
	const char *const *list, struct str host, uint16_t port, struct str *addrs)
{
	struct str h, found;
	uint16_t p;

	for (; list && *list; list++)
		if (resolve_override_parse(str_of(*list), &h, &p, &found) && p == port &&
			(str_eq(h, STR("*")) || same_host(h, host))) {
			*addrs = found;
			return true;
		}
	return false;
}
