/* lib/auth/nonce.c -- nonces that need no memory until they are used */
#include "auth/nonce.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/text.h"

#include <string.h>

/* hex of: time (8, big endian), random bytes (8), HMAC-SHA256 over both (cut to 16) */
enum { TIME = 8, SALT = 8, MAC = 16, RAW = TIME + SALT + MAC };
_Static_assert(2 * RAW == AUTH_NONCE_LEN, "a nonce is the hex of its bytes");

struct used {
	struct map_node node;
	struct list age;
	uint64_t made_ms;
	uint32_t highest; /* nonce count */
	uint64_t seen; /* bit i: highest - i was used */
	unsigned char raw[RAW];
};

/* RFC 2104, for a key of exactly one half block. */
static void hmac(const unsigned char key[32], const void *p, size_t n, unsigned char out[32])
{
	unsigned char pad[64], inner[32];
	struct str parts[2] = { { (char *)pad, sizeof(pad) }, { p, n } };

	memset(pad, 0x36, sizeof(pad));
	for (size_t i = 0; i < 32; i++)
		pad[i] ^= key[i];
	hash_parts(HASH_SHA256, parts, 2, inner);
	for (size_t i = 0; i < sizeof(pad); i++)
		pad[i] ^= 0x36 ^ 0x5c;
	parts[1] = (struct str){ (char *)inner, sizeof(inner) };
	hash_parts(HASH_SHA256, parts, 2, out);
	mem_wipe(pad, sizeof(pad));
}

void auth_nonce_init(struct auth_nonce *n, uint64_t lifetime_ms, unsigned used_max)
{
	*n = (struct auth_nonce){ .lifetime_ms = lifetime_ms,
		.used_max = used_max ? used_max : 1024 };
	text_random(n->key, sizeof(n->key));
	list_init(&n->by_age);
}

static void forget(struct auth_nonce *n, struct used *u)
{
	/* Its uses can no longer be told from replays. */
	if (u->made_ms >= n->horizon_ms)
		n->horizon_ms = u->made_ms + 1;
	map_del(&n->used, &u->node);
	list_del(&u->age);
	mem_free(u);
}

void auth_nonce_done(struct auth_nonce *n)
{
	LIST_EACH (it, &n->by_age)
		forget(n, CONTAINER_OF(it, struct used, age));
	map_done(&n->used);
	mem_wipe(n->key, sizeof(n->key));
}

void auth_nonce_make(const struct auth_nonce *n, uint64_t now_ms, char out[AUTH_NONCE_LEN + 1])
{
	unsigned char raw[RAW], sum[32];

	for (size_t i = 0; i < TIME; i++)
		raw[i] = (unsigned char)(now_ms >> (8 * (TIME - 1 - i)));
	text_random(raw + TIME, SALT);
	hmac(n->key, raw, TIME + SALT, sum);
	memcpy(raw + TIME + SALT, sum, MAC);
	text_hex(out, raw, sizeof(raw));
}

/* Its bytes, and the time it was made at; false when the nonce is not ours. */
static bool open_nonce(
	const struct auth_nonce *n, struct str nonce, unsigned char raw[RAW], uint64_t *made_ms)
{
	unsigned char sum[32];
	uint64_t t = 0;

	if (!text_unhex(nonce, raw, RAW))
		return false;
	hmac(n->key, raw, TIME + SALT, sum);
	if (!hash_equal((struct str){ (char *)raw + TIME + SALT, MAC },
		    (struct str){ (char *)sum, MAC }))
		return false;
	for (size_t i = 0; i < TIME; i++)
		t = t << 8 | raw[i];
	*made_ms = t;
	return true;
}

enum auth_freshness auth_nonce_check(const struct auth_nonce *n, struct str nonce, uint64_t now_ms)
{
	unsigned char raw[RAW];
	uint64_t made_ms;

	if (!open_nonce(n, nonce, raw, &made_ms) || made_ms > now_ms)
		return AUTH_NONCE_UNKNOWN;
	if (now_ms - made_ms >= n->lifetime_ms || made_ms < n->horizon_ms)
		return AUTH_NONCE_STALE;
	return AUTH_NONCE_FRESH;
}

/* The sliding window of RFC 4303 3.4.3, over nonce counts. */
static bool count(struct used *u, uint32_t nc)
{
	uint32_t behind;

	if (nc > u->highest) {
		uint32_t ahead = nc - u->highest;
		u->seen = ahead < 64 ? u->seen << ahead | 1 : 1;
		u->highest = nc;
		return true;
	}
	behind = u->highest - nc;
	if (behind >= 64 || (u->seen >> behind & 1))
		return false;
	u->seen |= (uint64_t)1 << behind;
	return true;
}

/* The record of a nonce; a new one may displace the oldest. */
static struct used *record(struct auth_nonce *n, const unsigned char raw[RAW], uint64_t made_ms)
{
	struct map_node *found = map_get(&n->used, (struct str){ (const char *)raw, RAW });
	struct used *u;

	if (found)
		return CONTAINER_OF(found, struct used, node);
	if (n->used.count >= n->used_max)
		forget(n, CONTAINER_OF(list_first(&n->by_age), struct used, age));
	u = MEM_NEW(struct used);
	u->made_ms = made_ms;
	memcpy(u->raw, raw, RAW);
	list_init(&u->age);
	list_add(&n->by_age, &u->age);
	map_set(&n->used, &u->node, (struct str){ (char *)u->raw, RAW });
	return u;
}

enum auth_freshness auth_nonce_use(
	struct auth_nonce *n, struct str nonce, uint32_t nc, uint64_t now_ms)
{
	enum auth_freshness state = auth_nonce_check(n, nonce, now_ms);
	unsigned char raw[RAW];
	uint64_t made_ms;

	if (state != AUTH_NONCE_FRESH || nc == 0 || !open_nonce(n, nonce, raw, &made_ms))
		return state;
	return count(record(n, raw, made_ms), nc) ? AUTH_NONCE_FRESH : AUTH_NONCE_REPLAYED;
}
