/* lib/net/dns_local.h -- names that this machine knows without a DNS server. For dns.c. */
#ifndef NET_DNS_LOCAL_H
#define NET_DNS_LOCAL_H

#include "net/dns.h"

/* Addresses of q->name from a hosts file: true and the records of its type when the name is there.
 * A name that is there for one family only has no record of the other, as in the C library: no
 * server is asked. */
bool net_dns_local_hosts(struct net_dns_query *q, const char *path);
/* True and the records for localhost and its subdomains; there are none of SRV and NAPTR. */
bool net_dns_local_localhost(struct net_dns_query *q);

#endif
