/* lib/net/dns_answer.c -- DNS answers through c-ares' parsers, RFC 1035, 2782, 2915 and 3596 */
#include "net/dns_answer.h"

#include "base/scan.h"

#define CARES_NO_DEPRECATED /* see dns_channel.h */
#include <ares.h>
#include <string.h>

/* ares_free_data takes every list; NULL is fine. */
static void free_srv(struct ares_srv_reply **list)
{
	ares_free_data(*list);
}

static void free_naptr(struct ares_naptr_reply **list)
{
	ares_free_data(*list);
}

static const unsigned char *bytes(struct str packet)
{
	return (const unsigned char *)packet.p;
}

/* c-ares says for an answer without a record of the type, depending on its version, ENODATA or
 * nothing. */
static bool is_answer(int status)
{
	return status == ARES_SUCCESS || status == ARES_ENODATA;
}

/* A name that we would ask for again, or "" for the root. c-ares writes any byte that is not
 * printable as \DDD, and dots and blanks within a label behind a backslash: none of these is in
 * a host name. */
static bool is_name(const char *name)
{
	struct scan s = scan_str(str_of(name));
	scan_run(&s, CH_HOST, NULL);
	return scan_end(&s);
}

static bool is_printable(const unsigned char *text)
{
	for (; *text; text++)
		if (*text != ' ' && !scan_is((char)*text, CH_VISIBLE))
			return false;
	return true;
}

static struct str keep(struct arena *a, const unsigned char *text)
{
	return arena_str(a, str_of((const char *)text));
}

/* RFC 1035 ends names at the root; a dot at the end is only a way of writing. */
static struct str keep_name(struct arena *a, const char *name)
{
	struct str s = str_of(name);
	if (s.n && s.p[s.n - 1] == '.')
		s.n--;
	return arena_str(a, s);
}

static bool parse_a(struct str packet, struct net_dns_record *out, size_t *count)
{
	struct ares_addrttl list[NET_DNS_RECORDS];
	int n = NET_DNS_RECORDS;
	int status = ares_parse_a_reply(bytes(packet), (int)packet.n, NULL, list, &n);

	if (!is_answer(status))
		return false;
	*count = status == ARES_SUCCESS ? (size_t)n : 0;
	for (size_t i = 0; i < *count; i++) {
		out[i].addr.u.in4.sin_family = AF_INET;
		out[i].addr.u.in4.sin_addr = list[i].ipaddr;
	}
	return true;
}

static bool parse_aaaa(struct str packet, struct net_dns_record *out, size_t *count)
{
	struct ares_addr6ttl list[NET_DNS_RECORDS];
	int n = NET_DNS_RECORDS;
	int status = ares_parse_aaaa_reply(bytes(packet), (int)packet.n, NULL, list, &n);

	if (!is_answer(status))
		return false;
	*count = status == ARES_SUCCESS ? (size_t)n : 0;
	for (size_t i = 0; i < *count; i++) {
		out[i].addr.u.in6.sin6_family = AF_INET6;
		memcpy(&out[i].addr.u.in6.sin6_addr, &list[i].ip6addr,
			sizeof(out[i].addr.u.in6.sin6_addr));
	}
	return true;
}

static bool parse_srv(struct arena *a, struct str packet, struct net_dns_record *out, size_t *count)
{
	CLEANUP(free_srv) struct ares_srv_reply *list = NULL;

	if (!is_answer(ares_parse_srv_reply(bytes(packet), (int)packet.n, &list)))
		return false;
	for (struct ares_srv_reply *s = list; s && *count < NET_DNS_RECORDS; s = s->next)
		if (is_name(s->host))
			out[(*count)++] = (struct net_dns_record){
				.priority = s->priority,
				.weight = s->weight,
				.port = s->port,
				.target = keep_name(a, s->host),
			};
	return true;
}

static bool parse_naptr(
	struct arena *a, struct str packet, struct net_dns_record *out, size_t *count)
{
	CLEANUP(free_naptr) struct ares_naptr_reply *list = NULL;

	if (!is_answer(ares_parse_naptr_reply(bytes(packet), (int)packet.n, &list)))
		return false;
	for (struct ares_naptr_reply *s = list; s && *count < NET_DNS_RECORDS; s = s->next)
		if (is_name(s->replacement) && is_printable(s->flags) && is_printable(s->service) &&
			is_printable(s->regexp))
			out[(*count)++] = (struct net_dns_record){
				.order = s->order,
				.preference = s->preference,
				.flags = keep(a, s->flags),
				.service = keep(a, s->service),
				.regexp = keep(a, s->regexp),
				.target = keep_name(a, s->replacement),
			};
	return true;
}

static bool parse(struct arena *a, enum net_dns_type type, struct str packet,
	struct net_dns_record *out, size_t *count)
{
	switch (type) {
	case NET_DNS_A:
		return parse_a(packet, out, count);
	case NET_DNS_AAAA:
		return parse_aaaa(packet, out, count);
	case NET_DNS_SRV:
		return parse_srv(a, packet, out, count);
	case NET_DNS_NAPTR:
		return parse_naptr(a, packet, out, count);
	}
	return false;
}

bool net_dns_answer_parse(struct arena *a, enum net_dns_type type, struct str packet,
	struct net_dns_record **records, size_t *count)
{
	struct net_dns_record list[NET_DNS_RECORDS] = { 0 };
	size_t n = 0;

	/* No message is longer than the length field of TCP can say, and c-ares takes an int. */
	if (packet.n > UINT16_MAX || !parse(a, type, packet, list, &n))
		return false;
	*records = arena_alloc(a, n * sizeof(list[0]));
	memcpy(*records, list, n * sizeof(list[0]));
	*count = n;
	return true;
}

void net_dns_answer_write(struct buf *b, enum net_dns_type type, const struct net_dns_record *r)
{
	char text[NET_ADDR_TEXT];

	switch (type) {
	case NET_DNS_A:
	case NET_DNS_AAAA:
		buf_addf(b, "%s", net_addr_host(&r->addr, text));
		break;
	case NET_DNS_SRV:
		buf_addf(b, "%u %u %u " STR_FMT, r->priority, r->weight, r->port,
			STR_ARG(r->target.n ? r->target : STR(".")));
		break;
	case NET_DNS_NAPTR:
		buf_addf(b, "%u %u \"" STR_FMT "\" \"" STR_FMT "\" \"" STR_FMT "\" " STR_FMT,
			r->order, r->preference, STR_ARG(r->flags), STR_ARG(r->service),
			STR_ARG(r->regexp), STR_ARG(r->target.n ? r->target : STR(".")));
		break;
	}
}
