/* lib/base/arena.h -- a bump allocator: what is allocated here dies together. Zeroed `struct arena`
 * is an empty one. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/base.h"
#include "base/str.h"

struct arena_block;

struct arena {
	struct arena_block *head;
	char *p, *end; /* free room in the newest block */
};

#define ARENA_NEW(a, type) ((type *)arena_zalloc((a), sizeof(type)))

/* n bytes, aligned for any type, uninitialised; never NULL. */
void *arena_alloc(struct arena *a, size_t n);
void *arena_zalloc(struct arena *a, size_t n);
/* A copy, terminated behind its end (the terminator is not counted). */
struct str arena_str(struct arena *a, struct str s);
/* Copies of a list of texts, in a new list. */
struct str *arena_strs(struct arena *a, const struct str *list, size_t n);
struct str arena_fmt(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Frees everything; the arena is empty and usable again. */
void arena_done(struct arena *a);

#endif
