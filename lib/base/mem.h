/* lib/base/mem.h -- allocation that cannot fail, and wiping that cannot be optimised away */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include "base/base.h"

/* A zeroed object of the given type. */
#define MEM_NEW(type) ((type *)mem_zalloc(1, sizeof(type)))

/* What runs when memory is exhausted; it must not return. Default (and for NULL): abort. Set once,
 * at start (ruling 32). */
void mem_set_oom_hook(void (*hook)(void));

/* n bytes, uninitialised; never NULL, also for n = 0. */
void *mem_alloc(size_t n);
/* count * size zeroed bytes; an overflowing product counts as memory exhausted. */
void *mem_zalloc(size_t count, size_t size);
/* As realloc; never NULL. */
void *mem_realloc(void *p, size_t n);
/* A terminated copy of n bytes, freed with mem_free. */
char *mem_strndup(const char *p, size_t n);
/* NULL is fine. */
void mem_free(void *p);
/* Overwrites n bytes of a secret. */
void mem_wipe(void *p, size_t n);
/* Overwrites what the calls that have returned left behind on the stack. Registers that held a
 * secret get there too, by way of the dynamic linker, which saves them while it binds a symbol. For
 * the end of what handles keys. */
void mem_wipe_stack(void);

#endif
