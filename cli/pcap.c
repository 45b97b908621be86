#include "pcap.h"

#include "endpoint/endpoint.h"

#include <string.h>

enum {
	LINKTYPE_RAW = 101,
	SNAPLEN = 262144, /* no record is longer; what tcpdump writes, too */
	IPV4 = 20,
	IPV6 = 40,
	UDP = 8,
	PROTOCOL_UDP = 17,
	HOPS = 64,
};

static const uint32_t magic = 0xa1b2c3d4; /* times are in microseconds */

static void add_le32(struct buf *b, uint32_t n)
{
	for (unsigned shift = 0; shift < 32; shift += 8)
		buf_add_char(b, (char)(n >> shift & 0xff));
}

static void put_be16(unsigned char *p, size_t n)
{
	p[0] = (unsigned char)(n >> 8 & 0xff);
	p[1] = (unsigned char)(n & 0xff);
}

void pcap_head(struct buf *b)
{
	add_le32(b, magic);
	add_le32(b, 2 | 4 << 16); /* version 2.4 */
	add_le32(b, 0); /* times are UTC */
	add_le32(b, 0);
	add_le32(b, SNAPLEN);
	add_le32(b, LINKTYPE_RAW);
}

/* ---- the ends ---- */

static struct net_addr end_of(struct str text)
{
	struct str host = text, port;
	struct net_addr a;
	uint32_t n = 0;
	size_t colon = text.n;

	while (colon > 0 && text.p[colon - 1] != ':')
		colon--;
	port = str_sub(text, colon, text.n);
	if (colon > 0 && str_u32(port, &n) && n <= UINT16_MAX)
		host = str_sub(text, 0, colon - 1);
	if (!net_addr_parse(host, (uint16_t)n, &a))
		a = net_addr_any(AF_INET, 0);
	return a;
}

/* The 16 bytes of an address, of an IPv4 one as RFC 4291 2.5.5.2 maps it. */
static void put_ipv6(unsigned char *p, const struct net_addr *a)
{
	if (net_addr_is_ipv6(a)) {
		memcpy(p, &a->u.in6.sin6_addr, 16);
		return;
	}
	memset(p, 0, 16);
	if (net_addr_is_any(a))
		return;
	p[10] = p[11] = 0xff;
	memcpy(p + 12, &a->u.in4.sin_addr, 4);
}

/* ---- checksums, RFC 1071 ---- */

static uint32_t sum(uint32_t so_far, const void *bytes, size_t n)
{
	const unsigned char *p = bytes;

	for (; n > 1; p += 2, n -= 2)
		so_far += (uint32_t)p[0] << 8 | p[1];
	if (n)
		so_far += (uint32_t)p[0] << 8;
	while (so_far >> 16)
		so_far = (so_far & 0xffff) + (so_far >> 16);
	return so_far;
}

/* RFC 768: "If the computed checksum is zero, it is transmitted as all ones" */
static void checksum_udp(
	unsigned char udp[UDP], const unsigned char *addresses, size_t n, struct str body)
{
	uint32_t s = sum(PROTOCOL_UDP + UDP + (uint32_t)body.n, addresses, n);

	s = sum(sum(s, udp, UDP), body.p, body.n);
	put_be16(udp + 6, s == 0xffff ? 0xffff : ~s & 0xffff);
}

/* ---- packets ---- */

/* RFC 791, atomic as RFC 6864 says: not fragmented, no identification. Gives its length. */
static size_t ipv4(
	unsigned char *p, const struct net_addr *from, const struct net_addr *to, size_t n)
{
	p[0] = 0x45;
	put_be16(p + 2, IPV4 + n);
	p[6] = 0x40;
	p[8] = HOPS;
	p[9] = PROTOCOL_UDP;
	memcpy(p + 12, &from->u.in4.sin_addr, 4);
	memcpy(p + 16, &to->u.in4.sin_addr, 4);
	put_be16(p + 10, ~sum(0, p, IPV4) & 0xffff);
	return IPV4;
}

/* RFC 8200 */
static size_t ipv6(
	unsigned char *p, const struct net_addr *from, const struct net_addr *to, size_t n)
{
	p[0] = 0x60;
	put_be16(p + 4, n);
	p[6] = PROTOCOL_UDP;
	p[7] = HOPS;
	put_ipv6(p + 8, from);
	put_ipv6(p + 24, to);
	return IPV6;
}

void pcap_add(struct buf *b, const struct pcap_packet *p)
{
	struct net_addr from = end_of(p->from), to = end_of(p->to);
	bool six = net_addr_is_ipv6(&from) || net_addr_is_ipv6(&to);
	struct str body = str_sub(p->message, 0, six ? PCAP_IPV6_MAX : PCAP_IPV4_MAX);
	unsigned char headers[IPV6 + UDP] = { 0 }, *udp;
	size_t n;

	n = six ? ipv6(headers, &from, &to, UDP + body.n) : ipv4(headers, &from, &to, UDP + body.n);
	udp = headers + n;
	put_be16(udp, net_addr_port(&from));
	put_be16(udp + 2, net_addr_port(&to));
	put_be16(udp + 4, UDP + body.n);
	if (six)
		checksum_udp(udp, headers + 8, 32, body);
	else
		checksum_udp(udp, headers + 12, 8, body);
	add_le32(b, (uint32_t)p->at.tv_sec);
	add_le32(b, (uint32_t)(p->at.tv_nsec / 1000));
	add_le32(b, (uint32_t)(n + UDP + body.n));
	add_le32(b, (uint32_t)(n + UDP + p->message.n));
	buf_add(b, headers, n + UDP);
	buf_add_str(b, body);
}
