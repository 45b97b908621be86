/* lib/base/str.h -- string views: a pointer and a length that borrow somebody else's bytes */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct str {
	const char *p; /* not terminated; may be NULL when n is 0 */
	size_t n;
};

#define STR(literal) ((struct str){ (literal), sizeof(literal) - 1 })
#define STR_EMPTY ((struct str){ "", 0 })
/* For printf: printf("<" STR_FMT ">", STR_ARG(s)) */
#define STR_FMT "%.*s"
#define STR_ARG(s) (int)(s).n, ((s).p ? (s).p : "")

/* A view of a terminated string; NULL gives the empty view. */
struct str str_of(const char *z);
/* The bytes [from, to) of s, clamped to its length. */
struct str str_sub(struct str s, size_t from, size_t to);

bool str_eq(struct str a, struct str b);
/* Equal but for the case of ASCII letters. */
bool str_ieq(struct str a, struct str b);
bool str_starts(struct str s, struct str prefix);
bool str_istarts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
/* Bytewise order: <0, 0, >0. */
int str_cmp(struct str a, struct str b);

/* Index of the first c, or s.n when there is none. */
size_t str_find(struct str s, char c);
/* Splits at the first c: true and both sides; false when there is none (outputs untouched). */
bool str_cut(struct str s, char c, struct str *before, struct str *after);
/* Without SP and HTAB (and CR, LF) at both ends. */
struct str str_trim(struct str s);

/* The whole of s is decimal digits and fits: true. Empty, signs and blanks are refused. */
bool str_u32(struct str s, uint32_t *out);
bool str_u64(struct str s, uint64_t *out);

/* ASCII only, no locale. */
char str_lower(char c);

#endif
