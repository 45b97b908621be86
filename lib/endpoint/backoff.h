/* lib/endpoint/backoff.h -- when something that was lost is tried again: ruling 5, row RG-15.
 * Values only: who owns them has the timer. Internal to the endpoint layer. */
#ifndef ENDPOINT_BACKOFF_H
#define ENDPOINT_BACKOFF_H

#include "endpoint/event.h"

/* Tries: at once, then after 1, 2, 4 ... 30 s with 20 % jitter. Zeroed: nothing is being tried. */
struct backoff {
	uint64_t until; /* ms: then it is given up; 0: not begun */
	uint64_t delay; /* before the next try but one */
};

/* The wait before the next try, at least at_least (Retry-After). total_ms: for all of them, 0: 5
 * minutes. False: the time is over. Times in ms. */
bool backoff_next(struct backoff *b, uint64_t total_ms, uint64_t at_least, uint64_t *wait);
/* As if its first try had been made now; the next waits a second. */
void backoff_begin(struct backoff *b, uint64_t now, uint64_t total_ms);

/* What is answered at once, unless the time before was less than a minute ago: a peer that hangs up
 * behind each of our requests gets the schedule above, not a storm. Zeroed to begin with. */
struct backoff_repeat {
	uint64_t at, delay; /* ms: when it was done last; the next wait */
};
uint64_t backoff_repeat(struct backoff_repeat *r, uint64_t now);

/* 20 % more or less. */
uint64_t backoff_jitter(uint64_t ms);
/* Is it of no use to try again? What says "not you" or "not so" is final; no answer, 408, 480, 491
 * and 5xx are not, nor is a TLS handshake, since a server that is just going down resets it. */
bool backoff_is_final(const struct endpoint_result *result);

/* Why it is tried again, for a RETRY event: "timeout" "retry-after" "status" "connect". */
const char *backoff_because(const struct endpoint_result *result);

#endif
