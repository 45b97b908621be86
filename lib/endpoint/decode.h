/* lib/endpoint/decode.h -- bodies of event packages for those above: sip/body.h, which they do not
 * see */
#ifndef ENDPOINT_DECODE_H
#define ENDPOINT_DECODE_H

#include "base/fail.h"
#include "base/tree.h"

/* 0 and *out: the tree, with copies in the arena, or NULL when bodies of this type are not decoded.
 * -FAIL_SYNTAX, -FAIL_LIMIT: f says "line L column C: ...", *out is untouched. */
int endpoint_decode(
	struct str type, struct str body, struct arena *arena, struct tree **out, struct fail *f);

#endif
