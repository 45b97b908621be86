/* lib/base/base.h -- what every file may use: attributes, small macros, and the one place for
 * portability */
#ifndef BASE_BASE_H
#define BASE_BASE_H

#include <stddef.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* The object that embeds member m at address p. */
#define CONTAINER_OF(p, type, m) ((type *)(void *)((char *)(p)-offsetof(type, m)))

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, first) __attribute__((format(printf, fmt, first)))
#define NORETURN __attribute__((noreturn))
#define NOINLINE __attribute__((noinline))

/* Calls fn on the variable's address when its block ends; for what a block owns, never for what is
 * handed on. */
#define CLEANUP(fn) __attribute__((cleanup(fn)))

#endif
