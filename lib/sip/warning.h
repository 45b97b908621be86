/* lib/sip/warning.h -- Warning, Reason and Date: what a response says about its cause, RFC
 * 3261 20.43, RFC 3326, 20.17 */
#ifndef SIP_WARNING_H
#define SIP_WARNING_H

#include "base/str.h"

struct sip_warning {
	unsigned code; /* three digits */
	struct str agent;
	struct str text; /* between the quotes, escapes kept */
};

/* Takes one element of a comma list; as sip_nameaddr_next. */
bool sip_warning_next(struct str *rest, struct sip_warning *out, bool *bad);

struct sip_reason {
	struct str protocol; /* "SIP", "Q.850" ... */
	struct str params;
	bool has_cause;
	uint32_t cause;
	struct str text; /* between the quotes, escapes kept */
};

bool sip_reason_next(struct str *rest, struct sip_reason *out, bool *bad);

/* SIP-date (RFC 1123, always GMT) to seconds since 1970. */
bool sip_date_parse(struct str value, int64_t *unix_s);

#endif
