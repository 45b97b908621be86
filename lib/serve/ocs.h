/* lib/serve/ocs.h -- the registrar in the forms of Office Communications Server: [MS-SIPREGE],
 * [MS-SIPRE], [MS-CONMGMT]; microsoft-auth.md section 6. For lib/serve only. */
#ifndef SERVE_OCS_H
#define SERVE_OCS_H

#include "serve/impl.h"
#include "sip/nameaddr.h"

/* Is the instance of this Contact not the one of this epid (6.2)? */
bool ocs_is_foreign(const struct sip_nameaddr *contact, struct str epid);
/* What is kept as instance: in lower case; derived from the epid when the Contact has none. */
void ocs_write_instance(const struct sip_nameaddr *contact, struct str epid, struct buf *out);
/* What is kept as Contact: proxy=replace wants the connection's address in it. */
void ocs_write_contact(
	const struct sip_nameaddr *contact, const struct net_flow *flow, struct buf *out);
/* The GRUU of a binding; false when it has no instance to make one of. */
bool ocs_write_gruu(const struct binding *b, struct buf *out);
/* A binding by its GRUU, or by the epid in To; NULL: neither names one. *named: one of both is
 * there. */
struct binding *ocs_find(
	struct record *r, const struct sip_uri *uri, const struct sip_msg *m, bool *named);
/* Header lines of a 200 to REGISTER. */
struct ocs_registered {
	const struct sip_msg *m;
	const char *action; /* "added" "refreshed" "fixed"; NULL: nothing was registered */
	uint32_t expires;
};
void ocs_write_registered(const struct ocs_registered *r, struct buf *h);
/* A cause of [MS-SIPREGE] 2.2.1.13; *as: the word of RFC 3680 that comes next. */
bool ocs_cause(struct str word, const char **cause, const char **as);
/* Tells the endpoint of a binding that it is registered no more. */
void ocs_deregister(struct serve *s, const struct binding *b, const char *cause);

#endif
