/* lib/endpoint/backoff.c -- waits between tries: ruling 5 */
#include "endpoint/backoff.h"

#include "base/text.h"
#include "net/loop.h"

enum { FIRST_MS = 1000, MOST_MS = 30000, TOTAL_MS = 300000, APART_MS = 60000 };

uint64_t backoff_jitter(uint64_t ms)
{
	return ms * (80 + text_random_u32() % 41) / 100;
}

static uint64_t doubled(uint64_t ms)
{
	return ms * 2 < MOST_MS ? ms * 2 : MOST_MS;
}

void backoff_begin(struct backoff *b, uint64_t now, uint64_t total_ms)
{
	b->until = now + (total_ms ? total_ms : TOTAL_MS);
	b->delay = FIRST_MS;
}

bool backoff_next(struct backoff *b, uint64_t total_ms, uint64_t at_least, uint64_t *wait)
{
	uint64_t now = net_now_ms(), next = 0;

	if (b->until == 0) {
		backoff_begin(b, now, total_ms);
	} else {
		next = backoff_jitter(b->delay);
		b->delay = doubled(b->delay);
	}
	if (next < at_least)
		next = at_least;
	if (now + next > b->until)
		return false;
	*wait = next;
	return true;
}

uint64_t backoff_repeat(struct backoff_repeat *r, uint64_t now)
{
	bool again = r->at > 0 && now < r->at + APART_MS;
	uint64_t wait = again ? backoff_jitter(r->delay) : 0;

	r->delay = again ? doubled(r->delay) : FIRST_MS;
	r->at = now + wait;
	return wait;
}

bool backoff_is_final(const struct endpoint_result *result)
{
	unsigned status = result->response ? result->response->status_code : 0;

	if (result->fail.code == -FAIL_AUTH || result->fail.code == -FAIL_CREDENTIALS)
		return true;
	return status >= 300 && status < 700 && status != 408 && status != 480 && status != 491 &&
	       status / 100 != 5;
}

const char *backoff_because(const struct endpoint_result *result)
{
	if (result->fail.code == -FAIL_TIMEOUT)
		return "timeout";
	if (!result->response)
		return "connect";
	return result->response->has_retry_after ? "retry-after" : "status";
}
