/* lib/serve/challenge.c -- who has to prove who they are, and by which schemes: 401 and 407 with a
 * challenge of each that is offered. RFC 3261 section 22, [MS-SIPAE] 3.3 */
#include "serve/challenge_ms.h"

#include "base/mem.h"

#include <time.h>

void challenge_write_date(struct buf *h)
{
	/* Not strftime: its names are the locale's. */
	static const char days[][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug",
		"Sep", "Oct", "Nov", "Dec" };
	time_t now = time(NULL);
	struct tm t;

	if (gmtime_r(&now, &t))
		buf_addf(h, "Date: %s, %02d %s %04d %02d:%02d:%02d GMT\r\n", days[t.tm_wday],
			t.tm_mday, months[t.tm_mon], t.tm_year + 1900, t.tm_hour, t.tm_min,
			t.tm_sec);
}

static void send_all(
	struct serve *s, struct transaction *t, bool proxy, bool stale, struct str headers)
{
	struct buf b = BUF_INIT(1 << 16);
	bool microsoft = false;

	for (unsigned i = 0; i < s->config.scheme_count; i++)
		if (s->config.schemes[i] == SERVE_DIGEST) {
			challenge_digest_write(s, proxy, stale, &b);
		} else {
			challenge_ms_write(s, s->config.schemes[i], proxy, &b);
			microsoft = true;
		}
	if (microsoft) /* microsoft-auth.md 1.2: clocks are compared */
		challenge_write_date(&b);
	buf_add_str(&b, headers);
	serve_answer(s, t, proxy ? 407 : 401, STR_EMPTY, buf_str(&b));
	buf_done(&b);
}

void challenge_send(struct serve *s, struct transaction *t, bool proxy, struct str headers)
{
	send_all(s, t, proxy, false, headers);
}

bool challenge_offers(const struct serve *s, enum serve_scheme scheme)
{
	for (unsigned i = 0; i < s->config.scheme_count; i++)
		if (s->config.schemes[i] == scheme)
			return true;
	return false;
}

bool challenge_passed(struct serve *s, struct transaction *t, struct sip_msg *m, bool proxy,
	struct str *user, struct arena *arena)
{
	enum challenge_verdict verdict = CHALLENGE_NONE;
	struct association_proof proof;

	if (pact_proved(s, m, user))
		return true;
	if (pact_proof(s, m, arena, &proof))
		return challenge_ms_passed(s, t, m, &proof, proxy, user);
	if (challenge_offers(s, SERVE_DIGEST))
		verdict = challenge_digest_judge(s, t, m, proxy, user, arena);
	if (verdict == CHALLENGE_GOOD && !s->fault.endless)
		return true;
	if (verdict != CHALLENGE_BAD)
		send_all(s, t, proxy, verdict == CHALLENGE_STALE, STR_EMPTY);
	return false;
}
