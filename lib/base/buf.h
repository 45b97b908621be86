/* lib/base/buf.h -- a growable byte buffer, born with a limit. Writers latch: after the first
 * failure every call is a no-op, so a message is written without tests and checked once. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/base.h"
#include "base/str.h"

struct buf {
	char *p;
	size_t n; /* bytes in use */
	size_t cap; /* bytes allocated */
	size_t limit; /* never more than this */
	int fail; /* latched: 0, -FAIL_LIMIT, or what buf_fail() was given */
};

#define BUF_INIT(max)                                                                              \
	{                                                                                          \
		.limit = (max)                                                                     \
	}

void buf_init(struct buf *b, size_t limit);
/* Frees the bytes; the buffer is empty and usable again. */
void buf_done(struct buf *b);
/* Wipes, then frees: for secrets. Reserve their room first, since growing leaves an unwiped copy
 * behind. */
void buf_wipe(struct buf *b);
/* Empties it and clears the latch, keeps the memory. */
void buf_clear(struct buf *b);

void buf_add(struct buf *b, const void *p, size_t n);
void buf_add_str(struct buf *b, struct str s);
void buf_add_char(struct buf *b, char c);
/* In decimal. */
void buf_add_u32(struct buf *b, uint32_t n);
void buf_addf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Room for n more bytes at b->p + b->n; false when the limit forbids it (and latches). Then
 * buf_commit. */
bool buf_reserve(struct buf *b, size_t n);
void buf_commit(struct buf *b, size_t n);
/* Drops n bytes at the front. */
void buf_consume(struct buf *b, size_t n);
/* Latches a failure of the writer's own; the first one stays. */
void buf_fail(struct buf *b, int code);

/* What has been written, valid until the next write. */
struct str buf_str(const struct buf *b);
/* The same, terminated (the terminator is not counted). "" when empty. */
const char *buf_cstr(struct buf *b);

#endif
