/* lib/base/text.h -- base64, hex, and random tokens from getrandom(2) */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "base/buf.h"
#include "base/str.h"

void text_base64_encode(struct buf *b, struct str s);
/* Strict RFC 4648: padding needed, its bits 0, no blanks. False and nothing appended when
 * malformed, or when the limit forbids it (and latches). */
bool text_base64_decode(struct buf *b, struct str s);

/* 2n lower-case digits and a terminator into out. */
void text_hex(char *out, const void *p, size_t n);
/* Exactly 2n hex digits (any case) to n bytes. */
bool text_unhex(struct str s, void *out, size_t n);

/* n unpredictable bytes; a kernel that gives none is memory exhausted's sibling: abort. */
void text_random(void *p, size_t n);
uint32_t text_random_u32(void);
/* n characters of [a-z2-7] (5 bits each) and a terminator: tags, branches, Call-IDs, nonces. */
void text_token(char *out, size_t n);
/* A random (version 4) UUID, 36 characters and a terminator. */
#define TEXT_UUID_LEN 36
void text_uuid(char out[TEXT_UUID_LEN + 1]);

#endif
