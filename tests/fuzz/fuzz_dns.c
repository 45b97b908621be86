/* tests/fuzz/fuzz_dns.c -- any packet as the answer of a name server (A68). Input: a byte that
 * chooses the type, the packet. */
#include "base/scan.h"
#include "net/dns_answer.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What goes on into the next question, and to a terminal. */
static void check(struct str s, unsigned classes, char also)
{
	for (size_t i = 0; i < s.n; i++)
		assert(scan_is(s.p[i], classes) || s.p[i] == also);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum net_dns_type types[] = { NET_DNS_A, NET_DNS_AAAA, NET_DNS_SRV,
		NET_DNS_NAPTR };
	struct buf text = BUF_INIT(1 << 20);
	struct net_dns_record *records = NULL;
	struct arena a = { 0 };
	struct str packet;
	size_t count = 0;

	if (size < 1)
		return -1;
	packet = (struct str){ (const char *)data + 1, size - 1 };
	if (net_dns_answer_parse(&a, types[data[0] % 4], packet, &records, &count))
		assert(count <= NET_DNS_RECORDS);
	else
		assert(count == 0 && !records);
	for (size_t i = 0; i < count; i++) {
		check(records[i].target, CH_HOST, '.');
		check(records[i].flags, CH_VISIBLE, ' ');
		check(records[i].service, CH_VISIBLE, ' ');
		check(records[i].regexp, CH_VISIBLE, ' ');
		net_dns_answer_write(&text, types[data[0] % 4], &records[i]);
	}
	buf_done(&text);
	arena_done(&a);
	return 0;
}
