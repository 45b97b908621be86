/* tests/unit/test_cli_pcap.c -- the bytes of a capture: heads, addresses, lengths, checksums, and
 * messages that are larger than a datagram */
#include "../../cli/pcap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { RECORD = 16, IPV4 = 20, IPV6 = 40, UDP = 8 };

static const unsigned char *at(const struct buf *b, size_t i)
{
	return (const unsigned char *)b->p + i;
}

static uint32_t le32(const struct buf *b, size_t i)
{
	const unsigned char *p = at(b, i);
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static unsigned be16(const struct buf *b, size_t i)
{
	return (unsigned)at(b, i)[0] << 8 | at(b, i)[1];
}

/* RFC 1071: over all that a checksum covers, itself too, the sum is ~0. */
static unsigned sum(unsigned so_far, const unsigned char *p, size_t n)
{
	uint64_t s = so_far;

	for (size_t i = 0; i < n; i++)
		s += i % 2 ? p[i] : (unsigned)p[i] << 8;
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return (unsigned)s;
}

static void add(struct buf *b, const char *from, const char *to, struct str message)
{
	buf_init(b, 1 << 20);
	pcap_add(b, &(struct pcap_packet){
			    .at = { .tv_sec = 0x61626364, .tv_nsec = 999999999 },
			    .from = str_of(from),
			    .to = str_of(to),
			    .message = message,
		    });
	assert_int_equal(b->fail, 0);
	assert_int_equal(le32(b, 0), 0x61626364);
	assert_int_equal(le32(b, 4), 999999);
	assert_int_equal(le32(b, 8), b->n - RECORD);
}

static void head(void **state)
{
	static const unsigned char wanted[] = { 0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0,
		0, 0, 0, 0, 0, 4, 0, 101, 0, 0, 0 };
	struct buf b = BUF_INIT(64);

	(void)state;
	pcap_head(&b);
	assert_int_equal(b.n, sizeof(wanted));
	assert_memory_equal(b.p, wanted, sizeof(wanted));
	buf_done(&b);
}

/* An IPv4 packet with n bytes of a message. */
static void check_ipv4(const struct buf *b, size_t n)
{
	const size_t ip = RECORD, udp = RECORD + IPV4;

	assert_int_equal(b->n, RECORD + IPV4 + UDP + n);
	assert_int_equal(*at(b, ip), 0x45);
	assert_int_equal(be16(b, ip + 2), IPV4 + UDP + n);
	assert_int_equal(*at(b, ip + 9), 17);
	assert_int_equal(sum(0, at(b, ip), IPV4), 0xffff);
	assert_int_equal(be16(b, udp + 4), UDP + n);
	assert_int_not_equal(be16(b, udp + 6), 0); /* it would mean: none */
	assert_int_equal(
		sum(sum(17 + UDP + (unsigned)n, at(b, ip + 12), 8), at(b, udp), UDP + n), 0xffff);
}

static void check_ipv6(const struct buf *b, size_t n)
{
	const size_t ip = RECORD, udp = RECORD + IPV6;

	assert_int_equal(b->n, RECORD + IPV6 + UDP + n);
	assert_int_equal(*at(b, ip), 0x60);
	assert_int_equal(be16(b, ip + 4), UDP + n);
	assert_int_equal(*at(b, ip + 6), 17);
	assert_int_equal(be16(b, udp + 4), UDP + n);
	assert_int_not_equal(be16(b, udp + 6), 0);
	assert_int_equal(
		sum(sum(17 + UDP + (unsigned)n, at(b, ip + 8), 32), at(b, udp), UDP + n), 0xffff);
}

static void ipv4(void **state)
{
	struct buf b;

	(void)state;
	for (size_t n = 0; n < 8; n++) { /* odd and even */
		add(&b, "192.0.2.7:40152", "192.0.2.10:5060", str_sub(STR("REGISTER"), 0, n));
		check_ipv4(&b, n);
		assert_int_equal(le32(&b, 12), b.n - RECORD);
		assert_memory_equal(at(&b, RECORD + 12), "\xc0\x00\x02\x07\xc0\x00\x02\x0a", 8);
		assert_int_equal(be16(&b, RECORD + IPV4), 40152);
		assert_int_equal(be16(&b, RECORD + IPV4 + 2), 5060);
		if (n > 0)
			assert_memory_equal(at(&b, RECORD + IPV4 + UDP), "REGISTER", n);
		buf_done(&b);
	}
}

static void ipv6(void **state)
{
	static const char one[] = "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01";
	static const char link[] = "\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\x02";
	struct buf b;

	(void)state;
	add(&b, "[2001:db8::1]:5060", "[fe80::2%1]:5061", STR("odd"));
	check_ipv6(&b, 3);
	assert_memory_equal(at(&b, RECORD + 8), one, 16);
	assert_memory_equal(at(&b, RECORD + 24), link, 16);
	assert_int_equal(be16(&b, RECORD + IPV6), 5060);
	assert_int_equal(be16(&b, RECORD + IPV6 + 2), 5061);
	buf_done(&b);
}

/* RFC 768: a checksum of 0 is sent as all ones. */
static void checksum_zero(void **state)
{
	char two[2];
	struct buf b;
	unsigned missing;

	(void)state;
	add(&b, "10.0.0.1:1", "10.0.0.2:2", STR("\0\0"));
	missing = be16(&b, RECORD + IPV4 + 6); /* what is left to 0xffff */
	buf_done(&b);
	two[0] = (char)(missing >> 8);
	two[1] = (char)(missing & 0xff);
	add(&b, "10.0.0.1:1", "10.0.0.2:2", (struct str){ two, 2 });
	assert_int_equal(be16(&b, RECORD + IPV4 + 6), 0xffff);
	check_ipv4(&b, 2);
	buf_done(&b);
}

static void other_ends(void **state)
{
	static const char mapped[] = "\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\0\0\x01", none[16] = { 0 };
	struct buf b;

	(void)state;
	add(&b, "", "nowhere", STR("x"));
	check_ipv4(&b, 1);
	assert_memory_equal(at(&b, RECORD + 12), none, 8);
	assert_int_equal(be16(&b, RECORD + IPV4), 0);
	buf_done(&b);
	add(&b, "10.0.0.1:65536", "10.0.0.1", STR("x"));
	check_ipv4(&b, 1);
	assert_int_equal(be16(&b, RECORD + IPV4 + 2), 0);
	buf_done(&b);
	add(&b, "10.0.0.1:5060", "[::1]:5060", STR("x"));
	check_ipv6(&b, 1);
	assert_memory_equal(at(&b, RECORD + 8), mapped, 16);
	buf_done(&b);
	add(&b, "", "[::1]:5060", STR("x"));
	check_ipv6(&b, 1);
	assert_memory_equal(at(&b, RECORD + 8), none, 16);
	buf_done(&b);
}

static void large(void **state)
{
	static const size_t sizes[] = { 65506, 65507, 65508, 65527, 65528, 70001, 300000 };
	char *text = malloc(300000);
	struct buf b;

	(void)state;
	assert_non_null(text);
	for (size_t i = 0; i < 300000; i++)
		text[i] = (char)(i % 251);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		size_t n = sizes[i];
		struct str s = { text, n };

		add(&b, "10.0.0.1:5060", "10.0.0.2:5060", s);
		check_ipv4(&b, n < PCAP_IPV4_MAX ? n : PCAP_IPV4_MAX);
		assert_int_equal(le32(&b, 12), IPV4 + UDP + n);
		buf_done(&b);
		add(&b, "[::1]:5060", "[::1]:5061", s);
		check_ipv6(&b, n < PCAP_IPV6_MAX ? n : PCAP_IPV6_MAX);
		assert_int_equal(le32(&b, 12), IPV6 + UDP + n);
		assert_true(b.n <= PCAP_HEADERS_MAX + PCAP_IPV6_MAX);
		buf_done(&b);
	}
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(head),
		cmocka_unit_test(ipv4),
		cmocka_unit_test(ipv6),
		cmocka_unit_test(checksum_zero),
		cmocka_unit_test(other_ends),
		cmocka_unit_test(large),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
