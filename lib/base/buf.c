/* lib/base/buf.c -- a growable byte buffer with a limit and a latch */
#include "base/buf.h"

#include "base/fail.h"
#include "base/mem.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void buf_init(struct buf *b, size_t limit)
{
	*b = (struct buf)BUF_INIT(limit);
}

void buf_done(struct buf *b)
{
	mem_free(b->p);
	buf_init(b, b->limit);
}

void buf_wipe(struct buf *b)
{
	mem_wipe(b->p, b->cap);
	buf_done(b);
}

void buf_clear(struct buf *b)
{
	b->n = 0;
	b->fail = 0;
}

/* Allocates for n bytes and the terminator of buf_cstr, which does not count against the limit. */
static void grow(struct buf *b, size_t n)
{
	/* The first room is for most values; what is larger is likely to be all there is. */
	size_t cap = b->cap ? b->cap : n < 192 ? 192 : n + 64;
	while (cap <= n)
		cap = cap > SIZE_MAX / 2 ? SIZE_MAX : cap * 2;
	if (cap - 1 > b->limit)
		cap = b->limit + 1;
	b->p = mem_realloc(b->p, cap);
	b->cap = cap;
}

bool buf_reserve(struct buf *b, size_t n)
{
	if (b->fail)
		return false;
	if (b->n > b->limit || n > b->limit - b->n || n >= SIZE_MAX - b->n) {
		b->fail = -FAIL_LIMIT;
		return false;
	}
	if (b->n + n >= b->cap)
		grow(b, b->n + n);
	return true;
}

void buf_commit(struct buf *b, size_t n)
{
	if (b->fail)
		return;
	assert(n == 0 || n < b->cap - b->n);
	b->n += n;
}

void buf_add(struct buf *b, const void *p, size_t n)
{
	if (n == 0 || !buf_reserve(b, n))
		return;
	memcpy(b->p + b->n, p, n);
	b->n += n;
}

void buf_add_str(struct buf *b, struct str s)
{
	buf_add(b, s.p, s.n);
}

void buf_add_char(struct buf *b, char c)
{
	if (buf_reserve(b, 1))
		b->p[b->n++] = c;
}

void buf_add_u32(struct buf *b, uint32_t n)
{
	char text[10];
	size_t at = sizeof(text);

	do {
		text[--at] = (char)('0' + n % 10);
		n /= 10;
	} while (n > 0);
	buf_add(b, text + at, sizeof(text) - at);
}

void buf_addf(struct buf *b, const char *fmt, ...)
{
	size_t room = b->cap - b->n;
	va_list ap;
	int len;

	if (b->fail)
		return;
	va_start(ap, fmt);
	len = vsnprintf(room ? b->p + b->n : NULL, room, fmt, ap);
	va_end(ap);
	if (len < 0) { /* more than an int can count */
		b->fail = -FAIL_LIMIT;
		return;
	}
	if (!buf_reserve(b, (size_t)len))
		return;
	if ((size_t)len >= room) {
		va_start(ap, fmt);
		vsnprintf(b->p + b->n, (size_t)len + 1, fmt, ap);
		va_end(ap);
	}
	b->n += (size_t)len;
}

void buf_consume(struct buf *b, size_t n)
{
	assert(n <= b->n);
	if (n == 0)
		return;
	b->n -= n;
	memmove(b->p, b->p + n, b->n);
}

void buf_fail(struct buf *b, int code)
{
	assert(code < 0);
	if (!b->fail)
		b->fail = code;
}

struct str buf_str(const struct buf *b)
{
	return (struct str){ b->p, b->n };
}

const char *buf_cstr(struct buf *b)
{
	if (!b->p)
		return "";
	b->p[b->n] = '\0';
	return b->p;
}
