/* lib/net/dns_answer.h -- a DNS answer: wire to records, records to text. For dns.c and its fuzzer.
 */
#ifndef NET_DNS_ANSWER_H
#define NET_DNS_ANSWER_H

#include "base/buf.h"
#include "net/dns.h"

/* The records of this type in the packet; texts and array are in arena a. Records that no server
 * location can have (a name that is no host name, unprintable text) are left out. False when the
 * packet is malformed. */
bool net_dns_answer_parse(struct arena *a, enum net_dns_type type, struct str packet,
	struct net_dns_record **records, size_t *count);
/* One record for people: "10 60 5061 edge1.example.com". */
void net_dns_answer_write(struct buf *b, enum net_dns_type type, const struct net_dns_record *r);

#endif
