/* lib/sip/nameaddr.h -- name-addr and addr-spec with parameters: From, To, Contact, Route and their
 * kind, RFC 3261 section 20.10 */
#ifndef SIP_NAMEADDR_H
#define SIP_NAMEADDR_H

#include "base/scan.h"
#include "sip/uri.h"

struct sip_nameaddr {
	struct str display; /* as written, without quotes; escapes kept; empty when absent */
	bool quoted; /* display stood in quotes */
	bool star; /* the "*" of Contact; nothing else is set then */
	bool brackets; /* the URI stood in angle brackets */
	struct sip_uri uri; /* without brackets its parameters are the header's (RFC 3261 20) */
	struct str params; /* from the first ';' on, or empty */
	struct str tag; /* of the params, as all addresses of dialogs have one; empty when absent */
	struct str text; /* the whole value as written */
};

/* The whole of value is one name-addr or addr-spec with parameters. "*" is refused. */
bool sip_nameaddr_parse(struct str value, struct sip_nameaddr *out);
/* Takes one element of a comma list; true with out, or false at the end (*bad false) or at an error
 * (*bad true). star allows "*" alone. */
bool sip_nameaddr_next(struct str *rest, bool star, struct sip_nameaddr *out, bool *bad);
/* The tag; false when absent. */
bool sip_nameaddr_tag(const struct sip_nameaddr *a, struct str *tag);

#endif
