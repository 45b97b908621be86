/* lib/sip/date.h -- SIP-date, RFC 3261 sections 20.17 and 25.1 (the rfc1123-date of HTTP) */
#ifndef SIP_DATE_H
#define SIP_DATE_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* "Sat, 13 Nov 2010 23:29:00 GMT" as seconds since 1970. False when it is none, or before 1970. */
bool sip_date_parse(struct str value, uint64_t *seconds);

#endif
