/* lib/auth/nonce.h -- the server's nonces. They carry the time they were made at and an HMAC, so
 * that nothing is kept for those who never answer; counted are only the uses by those who know a
 * password. RFC 7616 sections 3.3 and 5.4. */
#ifndef AUTH_NONCE_H
#define AUTH_NONCE_H

#include "base/list.h"
#include "base/map.h"

enum auth_freshness {
	AUTH_NONCE_FRESH,
	AUTH_NONCE_STALE, /* ours, but too old: challenge with stale=true */
	AUTH_NONCE_REPLAYED, /* this nonce count was used already */
	AUTH_NONCE_UNKNOWN, /* not ours */
};

struct auth_nonce {
	unsigned char key[32];
	uint64_t lifetime_ms;
	struct map used; /* nonces that authenticated something, by their bytes */
	struct list by_age; /* the same, the first used first */
	unsigned used_max;
	uint64_t horizon_ms; /* what was made before is stale: its uses are forgotten */
};

#define AUTH_NONCE_LEN 64 /* characters of a nonce */

/* used_max: how many nonces are remembered against replay; 0: 1024. */
void auth_nonce_init(struct auth_nonce *n, uint64_t lifetime_ms, unsigned used_max);
void auth_nonce_done(struct auth_nonce *n); /* wipes the key */
/* A new nonce and its terminator. */
void auth_nonce_make(const struct auth_nonce *n, uint64_t now_ms, char out[AUTH_NONCE_LEN + 1]);
/* Before the password is looked at; never REPLAYED. */
enum auth_freshness auth_nonce_check(const struct auth_nonce *n, struct str nonce, uint64_t now_ms);
/* After the response was found right: counts this use. nc may lag behind the highest one by up to
 * 63, since requests overtake each other; 0 (no qop, RFC 2069) is not counted. */
enum auth_freshness auth_nonce_use(
	struct auth_nonce *n, struct str nonce, uint32_t nc, uint64_t now_ms);

#endif
