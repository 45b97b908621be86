/* lib/sip/delta.h -- seconds with or without parameters: Expires, Min-Expires, Retry-After,
 * Flow-Timer */
#ifndef SIP_DELTA_H
#define SIP_DELTA_H

#include "base/str.h"

/* delta-seconds from 0 to 2^32-1, nothing else (RFC 3261 20.19). */
bool sip_delta_parse(struct str value, uint32_t *seconds);
/* Retry-After: seconds, a comment, parameters (RFC 3261 20.33). */
bool sip_retry_after_parse(struct str value, uint32_t *seconds);
/* A q value in thousandths, 0 to 1000 (RFC 3261 25.1 qvalue). */
bool sip_qvalue_parse(struct str value, unsigned *thousandths);

#endif
