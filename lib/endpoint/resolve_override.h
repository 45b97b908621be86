/* lib/endpoint/resolve_override.h -- looking --resolve up; its parser is in resolve.h */
#ifndef ENDPOINT_RESOLVE_OVERRIDE_H
#define ENDPOINT_RESOLVE_OVERRIDE_H

#include "endpoint/resolve.h"

/* The addresses of the first override for host and port; false when there is none. */
bool resolve_override_find(
	const char *const *list, struct str host, uint16_t port, struct str *addrs);
/* Takes the next address, of any family, from the front of addrs; false at the end. */
bool resolve_override_next(struct str *addrs, uint16_t port, struct net_addr *out);

#endif
