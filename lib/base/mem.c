/* lib/base/mem.c -- allocation that ends in the out-of-memory hook instead of NULL */
#include "base/mem.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void (*oom_hook)(void) = abort; /* process-wide by nature: ruling 32 */

void mem_set_oom_hook(void (*hook)(void))
{
	oom_hook = hook ? hook : abort;
}

static NORETURN void oom(void)
{
	oom_hook();
	abort(); /* a hook that returns has broken its contract */
}

/* No object may be larger; refused here, since sanitizers report such a malloc as an error. */
static bool too_big(size_t n)
{
	return n > PTRDIFF_MAX;
}

void *mem_alloc(size_t n)
{
	void *p = too_big(n) ? NULL : malloc(n ? n : 1);
	if (!p)
		oom();
	return p;
}

void *mem_zalloc(size_t count, size_t size)
{
	void *p;
	if (size && count > PTRDIFF_MAX / size)
		oom();
	p = count && size ? calloc(count, size) : calloc(1, 1);
	if (!p)
		oom();
	return p;
}

void *mem_realloc(void *p, size_t n)
{
	/* realloc(p, 0) means something else in every libc */
	void *q = too_big(n) ? NULL : realloc(p, n ? n : 1);
	if (!q)
		oom();
	return q;
}

char *mem_strndup(const char *p, size_t n)
{
	char *z = mem_alloc(n < SIZE_MAX ? n + 1 : n);
	if (n)
		memcpy(z, p, n);
	z[n] = '\0';
	return z;
}

void mem_free(void *p)
{
	free(p);
}

void mem_wipe(void *p, size_t n)
{
	if (!n)
		return;
	memset(p, 0, n);
	/* The compiler must believe that somebody reads the zeros, or it drops the memset. */
	__asm__ volatile("" : : "r"(p) : "memory");
}

/* AddressSanitizer would put `below` on a heap of its own, and wipe that. */
__attribute__((no_sanitize_address)) NOINLINE void mem_wipe_stack(void)
{
	unsigned char
		below[32 << 10]; /* deeper than OpenSSL's providers and the dynamic linker go */

	mem_wipe(below, sizeof(below));
}
