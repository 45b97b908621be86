/* lib/endpoint/resolve_order.h -- in what order what was found is tried. For resolve*.c and its
 * test. */
#ifndef ENDPOINT_RESOLVE_ORDER_H
#define ENDPOINT_RESOLVE_ORDER_H

#include "endpoint/resolve.h"

/* RFC 2915: by order, then by preference; equal ones stay as they are. */
void resolve_order_naptr(struct net_dns_record *r, size_t n);
/* RFC 2782: by priority, and by chance within one, in proportion to the weights. */
void resolve_order_srv(struct net_dns_record *r, size_t n);
/* RFC 6724 section 6, rules 1, 2, 5 and 6: what has a route first, then what our own address
 * towards it fits to, then IPv6 before IPv4; equal ones stay as the server sent them, which is
 * where it spreads load. At most 2 * RESOLVE_TARGETS. */
void resolve_order_addrs(struct net_addr *a, size_t n);
/* The living before the dead, else as they are. At most RESOLVE_TARGETS. */
void resolve_order_dead(struct resolve_target *t, size_t n);

#endif
