/* lib/sip/host.h -- the host and port of a URI or a Via, RFC 3261 section 25.1 */
#ifndef SIP_HOST_H
#define SIP_HOST_H

#include "base/scan.h"

/* hostname, IPv4address or IPv6reference; the host comes without the brackets of the last. */
bool sip_host_scan(struct scan *s, struct str *host, bool *ipv6);
/* The digits of a port from 1 to 65535. */
bool sip_host_port(struct scan *s, uint16_t *port);

#endif
