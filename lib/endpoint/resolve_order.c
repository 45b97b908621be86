/* lib/endpoint/resolve_order.c -- RFC 2915, 2782 and 6724: orders of records and of addresses */
#include "endpoint/resolve_order.h"

#include "base/text.h"

#include <assert.h>
#include <string.h>

/* --- records --------------------------------------------------------------------------------- */

/* Record `from` comes to the front of r; those before it keep their order. */
static void to_front(struct net_dns_record *r, size_t from)
{
	struct net_dns_record one = r[from];

	memmove(r + 1, r, from * sizeof(*r));
	*r = one;
}

/* Stable; lists are short. */
static void sort(struct net_dns_record *r, size_t n, uint32_t (*key)(const struct net_dns_record *))
{
	for (size_t i = 1; i < n; i++) {
		size_t to = i;
		while (to > 0 && key(&r[to - 1]) > key(&r[i]))
			to--;
		to_front(r + to, i - to);
	}
}

static uint32_t naptr_key(const struct net_dns_record *r)
{
	return (uint32_t)r->order << 16 | r->preference;
}

/* RFC 2782: "arrange all SRV RRs (that have not been ordered yet) in any order, except that all
 * those with weight 0 are placed at the beginning of the list". */
static uint32_t srv_key(const struct net_dns_record *r)
{
	return (uint32_t)r->priority << 1 | (r->weight != 0);
}

void resolve_order_naptr(struct net_dns_record *r, size_t n)
{
	sort(r, n, naptr_key);
}

/* RFC 2782: "Compute the sum of the weights of those RRs, and with each RR associate the running
 * sum in the selected order. Then choose a uniform random number between 0 and the sum computed
 * (inclusive), and select the RR whose running sum value is the first in the selected order which
 * is greater than or equal to the random number selected." And so on with those that are left. */
static void draw(struct net_dns_record *r, size_t n)
{
	for (; n > 1; r++, n--) {
		uint32_t sum = 0, running = r[0].weight, chosen;
		size_t i = 0;
		for (size_t k = 0; k < n; k++)
			sum += r[k].weight;
		chosen = (uint32_t)((uint64_t)text_random_u32() * ((uint64_t)sum + 1) >> 32);
		while (running < chosen)
			running += r[++i].weight;
		to_front(r, i);
	}
}

void resolve_order_srv(struct net_dns_record *r, size_t n)
{
	sort(r, n, srv_key);
	for (size_t from = 0, to; from < n; from = to) {
		for (to = from; to < n && r[to].priority == r[from].priority; to++)
			;
		draw(r + from, to - from);
	}
}

/* --- addresses ------------------------------------------------------------------------------- */

enum {
	SCOPE_LINK = 2,
	SCOPE_GLOBAL = 14,
	ADDRS_MAX = 2 * RESOLVE_TARGETS,
};

/* RFC 6724 section 2.1, without the blocks that are history; longest prefix first. */
static const struct policy {
	unsigned char prefix[16];
	unsigned bits, precedence, label;
} policies[] = {
	{ { [15] = 1 }, 128, 50, 0 }, /* ::1 */
	{ { [10] = 0xff, [11] = 0xff }, 96, 35, 4 }, /* ::ffff:0:0, which is IPv4 */
	{ { 0x20, 0x01 }, 32, 5, 5 }, /* Teredo */
	{ { 0x20, 0x02 }, 16, 30, 2 }, /* 6to4 */
	{ { 0xfc }, 7, 3, 13 }, /* unique local */
	{ { 0 }, 0, 40, 1 },
};

/* IPv4 as IPv4-mapped. */
static void as_ipv6(const struct net_addr *a, unsigned char out[16])
{
	static const unsigned char mapped[16] = { [10] = 0xff, [11] = 0xff };

	if (net_addr_is_ipv6(a)) {
		memcpy(out, &a->u.in6.sin6_addr, 16);
		return;
	}
	memcpy(out, mapped, 12);
	memcpy(out + 12, &a->u.in4.sin_addr, 4);
}

static const struct policy *policy_of(const struct net_addr *a)
{
	const struct policy *p = policies;
	unsigned char ip[16];

	as_ipv6(a, ip);
	for (; p->bits; p++) {
		unsigned whole = p->bits / 8, rest = p->bits % 8;
		if (memcmp(ip, p->prefix, whole) == 0 &&
			(rest == 0 || (ip[whole] ^ p->prefix[whole]) >> (8 - rest) == 0))
			break;
	}
	return p;
}

/* RFC 6724 section 3.1 and 3.2: loopback addresses have the scope of a link. */
static unsigned scope_of(const struct net_addr *a)
{
	unsigned char ip[16];

	as_ipv6(a, ip);
	if (net_addr_is_loopback(a) || (ip[0] == 0xfe && (ip[1] & 0xc0) == 0x80))
		return SCOPE_LINK;
	if (!net_addr_is_ipv6(a) && ip[12] == 169 && ip[13] == 254)
		return SCOPE_LINK;
	return SCOPE_GLOBAL;
}

/* Smaller is better. */
static unsigned rank(const struct net_addr *a)
{
	const struct policy *p = policy_of(a);
	struct net_addr own;
	bool unreachable = net_addr_local_for(a, &own) != 0;
	bool other_scope = !unreachable && scope_of(a) != scope_of(&own);
	bool other_label = !unreachable && policy_of(&own)->label != p->label;

	return (unreachable ? 4000U : 0) + (other_scope ? 2000U : 0) + (other_label ? 1000U : 0) +
	       (100 - p->precedence);
}

void resolve_order_addrs(struct net_addr *a, size_t n)
{
	unsigned ranks[ADDRS_MAX];

	assert(n <= ARRAY_LEN(ranks));
	for (size_t i = 0; n > 1 && i < n; i++) {
		struct net_addr one = a[i];
		unsigned mine = rank(&one);
		size_t to = i;
		for (; to > 0 && ranks[to - 1] > mine; to--) {
			a[to] = a[to - 1];
			ranks[to] = ranks[to - 1];
		}
		a[to] = one;
		ranks[to] = mine;
	}
}

void resolve_order_dead(struct resolve_target *t, size_t n)
{
	struct resolve_target dead[RESOLVE_TARGETS];
	size_t living = 0, count = 0;

	assert(n <= ARRAY_LEN(dead));
	for (size_t i = 0; i < n; i++) {
		if (t[i].dead)
			dead[count++] = t[i];
		else
			t[living++] = t[i];
	}
	memcpy(t + living, dead, count * sizeof(*t));
}
