/* lib/sip/body_impl.h -- the decoders that are more than a table. Private to body*.c, mwi.c and
 * sipfrag.c. */
#ifndef SIP_BODY_IMPL_H
#define SIP_BODY_IMPL_H

#include "base/fail.h"
#include "base/tree.h"

enum {
	BODY_LEVELS = 4, /* lists within lists */
	BODY_LINES = 1000, /* of a body that is lines of text */
};

/* As body_decode; levels: how many may be inside of this one. */
int body_decode_within(struct str content_type, struct str body, unsigned levels,
	struct arena *arena, struct tree **out, struct fail *f);
/* A multipart/related whose root is an rlmi; *out is untouched when it is another. */
int body_rlmi_read(struct str content_type, struct str body, unsigned levels, struct arena *arena,
	struct tree **out, struct fail *f);
int mwi_read(struct str body, struct arena *arena, struct tree **out, struct fail *f);
int sipfrag_read(struct str body, struct arena *arena, struct tree **out, struct fail *f);

/* ---- bodies of lines ---- */

struct body_lines {
	struct str rest;
	unsigned number; /* of the line that was taken last, from 1 */
};
/* The next line without its end, which may be LF alone; false behind the last. */
bool body_lines_next(struct body_lines *l, struct str *line);
/* -FAIL_SYNTAX at a column of the line that was taken last. */
int body_lines_fail(struct fail *f, const struct body_lines *l, size_t column, const char *text);
/* "Name: value" with what lines that begin with a blank add; the name is a token. False: malformed.
 */
bool body_lines_field(struct body_lines *l, struct str line, struct str *name, struct str *value);
/* Folded text as the one line that it is (RFC 3261 section 7.3.1). */
struct str body_flat(struct arena *a, struct str s);
/* {"name":...,"text":...} in a list. */
void body_named_text(struct arena *a, struct tree *list, struct str name, struct str text);

#endif
