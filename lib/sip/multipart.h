/* lib/sip/multipart.h -- the parts of a multipart body: RFC 2046 section 5.1, RFC 5621 */
#ifndef SIP_MULTIPART_H
#define SIP_MULTIPART_H

#include "base/fail.h"
#include "base/str.h"

#define MULTIPART_PARTS 64

struct multipart_part {
	/* Values as written: one that was folded has its line ends in it. */
	struct str type; /* Content-Type; empty: text/plain */
	struct str disposition, id; /* Content-Disposition, Content-ID; empty: absent */
	struct str body;
};

/* Is this a multipart Content-Type? */
bool multipart_is(struct str content_type);
/* Splits body by the boundary parameter of content_type. LF alone ends a line as CRLF does. *count:
 * as many parts as were found, at most MULTIPART_PARTS. -FAIL_SYNTAX: no boundary, one longer than
 * 70, no opening or no closing delimiter, a part whose header lines are malformed; -FAIL_LIMIT.
 * What is wrong with the body is led by "line L column 1: ". (A49) */
int multipart_split(struct str content_type, struct str body,
	struct multipart_part parts[MULTIPART_PARTS], unsigned *count, struct fail *f);
/* The root of a multipart/related (RFC 2387 section 3.2): the part that the start parameter names,
 * else the first one; NULL when there is none. */
const struct multipart_part *multipart_root(
	struct str content_type, const struct multipart_part *parts, unsigned count);
/* Has the part this Content-ID? Angle brackets around either do not count. */
bool multipart_has_id(const struct multipart_part *part, struct str id);
/* The first part of this type (type/subtype in any case, parameters ignored), also in nested
 * multiparts down to four levels, or the whole body when it has that type itself. False when there
 * is none; a malformed multipart has none. */
bool multipart_find(struct str content_type, struct str body, const char *type, struct str *out);

#endif
