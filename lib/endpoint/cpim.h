/* lib/endpoint/cpim.h -- message/cpim bodies (RFC 3862), and the header fields in them that ask for
 * notifications of what became of a message (IMDN, RFC 5438) */
#ifndef ENDPOINT_CPIM_H
#define ENDPOINT_CPIM_H

#include "base/buf.h"
#include "base/str.h"

/* What the sender wants to hear of (RFC 5438 section 6.2), a set. */
enum {
	CPIM_POSITIVE_DELIVERY = 1 << 0,
	CPIM_NEGATIVE_DELIVERY = 1 << 1,
	CPIM_DISPLAY = 1 << 2,
};

struct cpim {
	struct str from_name; /* UTF-8; empty: none */
	struct str from, to; /* URIs */
	int64_t time; /* when it was sent: seconds of UTC since 1970 */
	unsigned notify; /* 0: nothing is asked for, and message_id is not written */
	struct str message_id; /* a token that is unlike any other (RFC 5438 section 6.3) */
	struct str type, body;
};

/* Appends the whole body. */
void cpim_write(const struct cpim *c, struct buf *out);

#endif
