/* lib/sip/replaces.h -- the Replaces header field (RFC 3891 section 6.1) and Join, which has the
 * same form (RFC 3911) */
#ifndef SIP_REPLACES_H
#define SIP_REPLACES_H

#include "base/buf.h"
#include "base/str.h"

/* "0" as a tag stands for none, too (peers of RFC 2543). */
struct sip_replaces {
	struct str call_id, to_tag, from_tag;
	bool early_only;
};

/* CALL-ID;to-tag=TAG;from-tag=TAG[;early-only]: both tags exactly once, no second value. False when
 * malformed. */
bool sip_replaces_parse(struct str value, struct sip_replaces *out);
/* Writes the value. */
void sip_replaces_write(struct buf *b, const struct sip_replaces *r);

#endif
