/* lib/base/arena.c -- a bump allocator over blocks that double in size */
#include "base/arena.h"

#include "base/mem.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
	BLOCK_FIRST = 1024,
	BLOCK_LAST = 32768,
};

struct arena_block {
	struct arena_block *next;
	size_t n; /* bytes of room */
	_Alignas(max_align_t) char room[];
};

static struct arena_block *block_new(size_t n)
{
	/* A sum that overflows stays too big for mem_alloc, which ends through the hook. */
	size_t all = n > SIZE_MAX - sizeof(struct arena_block) ? SIZE_MAX
							       : n + sizeof(struct arena_block);
	struct arena_block *b = mem_alloc(all);
	b->n = n;
	return b;
}

/* The block that the request did not fit into is full for good, unless the request is a big one. */
static char *take_new(struct arena *a, size_t n)
{
	struct arena_block *b;
	size_t size = BLOCK_FIRST;

	if (a->head)
		size = a->head->n < BLOCK_LAST / 2 ? a->head->n * 2 : BLOCK_LAST;
	if (n > size / 4 && a->head) {
		/* A big one gets a block of its own behind the head, whose room stays in use. */
		b = block_new(n);
		b->next = a->head->next;
		a->head->next = b;
		return b->room;
	}
	b = block_new(n > size ? n : size);
	b->next = a->head;
	a->head = b;
	a->p = b->room + n;
	a->end = b->room + b->n;
	return b->room;
}

static char *take(struct arena *a, size_t n, size_t align)
{
	size_t pad = (size_t)(-(uintptr_t)a->p & (align - 1));
	size_t room = (size_t)(a->end - a->p);
	char *p;

	if (!a->p || pad > room || n > room - pad)
		return take_new(a, n);
	p = a->p + pad;
	a->p = p + n;
	return p;
}

void *arena_alloc(struct arena *a, size_t n)
{
	return take(a, n, _Alignof(max_align_t));
}

void *arena_zalloc(struct arena *a, size_t n)
{
	return memset(arena_alloc(a, n), 0, n);
}

struct str arena_str(struct arena *a, struct str s)
{
	char *p = take(a, s.n < SIZE_MAX ? s.n + 1 : s.n, 1); /* bytes need no alignment */
	if (s.n)
		memcpy(p, s.p, s.n);
	p[s.n] = '\0';
	return (struct str){ p, s.n };
}

struct str *arena_strs(struct arena *a, const struct str *list, size_t n)
{
	struct str *copy = arena_alloc(a, n * sizeof(*copy));

	for (size_t i = 0; i < n; i++)
		copy[i] = arena_str(a, list[i]);
	return copy;
}

struct str arena_fmt(struct arena *a, const char *fmt, ...)
{
	size_t room = (size_t)(a->end - a->p);
	va_list ap;
	char *p;
	int n;

	/* Into the free room first: most texts fit, and then take gives just that room. */
	va_start(ap, fmt);
	n = vsnprintf(a->p, room, fmt, ap);
	va_end(ap);
	assert(n >= 0); /* only a bad format or a text of 2 GiB fails */
	p = take(a, (size_t)n + 1, 1);
	if ((size_t)n >= room) {
		va_start(ap, fmt);
		vsnprintf(p, (size_t)n + 1, fmt, ap);
		va_end(ap);
	}
	return (struct str){ p, (size_t)n };
}

void arena_done(struct arena *a)
{
	struct arena_block *b = a->head;
	while (b) {
		struct arena_block *next = b->next;
		mem_free(b);
		b = next;
	}
	*a = (struct arena){ 0 };
}
