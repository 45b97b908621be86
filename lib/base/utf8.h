/* lib/base/utf8.h -- wire text made fit for output */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "base/buf.h"
#include "base/str.h"

/* RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. */
bool utf8_valid(struct str s);
/* Appends s with U+FFFD in place of each malformed byte. */
void utf8_clean(struct buf *b, struct str s);
/* Appends s for a terminal: malformed bytes, C0, DEL and C1 controls, line separators and what
 * reorders text (U+202A to U+202E, U+2066 to U+2069) as \xNN for each byte, backslash itself as it
 * is. */
void utf8_show(struct buf *b, struct str s);

#endif
