/* lib/auth/replay.c -- the window of numbers that may still come. [MS-SIPAE] 3.3.5.3: one of 256 */
#include "auth/association.h"

static uint64_t *word(struct replay *r, uint32_t n)
{
	return &r->seen[n % REPLAY_WINDOW / 64];
}

static uint64_t bit(uint32_t n)
{
	return (uint64_t)1 << n % 64;
}

bool replay_take(struct replay *r, uint32_t n)
{
	if (n == 0 || n > (uint64_t)r->high + REPLAY_WINDOW)
		return false;
	if (n <= r->high && (r->high - n >= REPLAY_WINDOW || (*word(r, n) & bit(n))))
		return false;
	/* The places of those that the window leaves behind become those of the new ones. */
	for (; r->high < n; r->high++)
		*word(r, r->high + 1) &= ~bit(r->high + 1);
	*word(r, n) |= bit(n);
	return true;
}
