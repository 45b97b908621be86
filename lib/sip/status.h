/* lib/sip/status.h -- status codes and their default reason phrases, RFC 3261 section 21 and the
 * IANA registry */
#ifndef SIP_STATUS_H
#define SIP_STATUS_H

#include "base/str.h"

/* The default phrase of a status from 100 to 699; that of the class's x00 when the status is not
 * registered. */
struct str sip_status_reason(unsigned status);

#endif
