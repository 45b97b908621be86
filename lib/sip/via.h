/* lib/sip/via.h -- the Via header field, RFC 3261 section 20.42; rport of RFC 3581 */
#ifndef SIP_VIA_H
#define SIP_VIA_H

#include "base/buf.h"
#include "base/scan.h"

struct sip_via {
	struct str transport; /* as written */
	struct str host; /* IPv6 without brackets */
	uint16_t port; /* 0: absent */
	bool ipv6;
	struct str params; /* from sent-by on: blanks, ';' and so on; or empty */
	struct str branch; /* empty: absent */
	struct str received; /* empty: absent */
	struct str maddr; /* empty: absent */
	bool has_rport;
	uint16_t rport; /* 0: without a value */
};

/* The front of a via-parm: protocol and sent-by. It tells where to answer a request whose Via is
 * malformed behind it. */
bool sip_via_sent_by(struct scan *s, struct sip_via *out);
/* One via-parm. Takes up to the end or up to a comma, which is left. */
bool sip_via_scan(struct scan *s, struct sip_via *out);
/* The first via-parm of a Via header value; what follows its comma goes to rest (may be NULL). */
bool sip_via_parse(struct str value, struct sip_via *out, struct str *rest);
/* The branch begins with z9hG4bK, letters in any case (RFC 3261 8.1.1.7). */
bool sip_via_cookie(const struct sip_via *v);

#endif
