/* lib/auth/ntlm_text.h -- texts as NTLM has them: UTF-16, little-endian, [MS-NLMP] 2.2 */
#ifndef AUTH_NTLM_TEXT_H
#define AUTH_NTLM_TEXT_H

#include "base/buf.h"
#include "base/str.h"

/* Appends s as UTF-16LE. False, and nothing appended, when s is not UTF-8, holds a NUL, or does not
 * fit (which latches). Reserve the room of a secret first: two bytes for each of s. */
bool ntlm_text_write(struct buf *b, struct str utf8);
/* Appends UTF-16LE as UTF-8. False, and nothing appended, for half a character or a NUL. */
bool ntlm_text_read(struct buf *b, struct str utf16);
/* Upper case of each UTF-16LE character of s, in place. */
void ntlm_text_upper(char *utf16, size_t n);
/* Upper case of one character of the basic plane: Unicode's simple mapping. ntlm_upper.c */
unsigned ntlm_upper(unsigned c);

#endif
