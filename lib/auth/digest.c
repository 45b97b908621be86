/* lib/auth/digest.c -- the Digest computation. RFC 7616 3.4 writes H(concat(a, ":", b ...)); here
 * the parts go into the hash one by one, so no copy of a secret is made but HA1. */
#include "auth/digest.h"

#include "base/base.h"
#include "base/mem.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *name, *base;
	enum hash_kind hash;
	bool sess;
} algs[AUTH_DIGEST_ALGS] = {
	[AUTH_MD5] = { "MD5", "md5", HASH_MD5, false },
	[AUTH_MD5_SESS] = { "MD5-sess", "md5", HASH_MD5, true },
	[AUTH_SHA256] = { "SHA-256", "sha-256", HASH_SHA256, false },
	[AUTH_SHA256_SESS] = { "SHA-256-sess", "sha-256", HASH_SHA256, true },
	[AUTH_SHA512_256] = { "SHA-512-256", "sha-512-256", HASH_SHA512_256, false },
	[AUTH_SHA512_256_SESS] = { "SHA-512-256-sess", "sha-512-256", HASH_SHA512_256, true },
};

bool auth_digest_alg_parse(struct str s, enum auth_digest_alg *out)
{
	if (s.n == 0) {
		*out = AUTH_MD5; /* RFC 7616 3.3: "If this is not present, it is assumed to be MD5"
				  */
		return true;
	}
	for (size_t i = 0; i < ARRAY_LEN(algs); i++) {
		if (str_ieq(s, str_of(algs[i].name))) {
			*out = (enum auth_digest_alg)i;
			return true;
		}
	}
	return false;
}

const char *auth_digest_alg_name(enum auth_digest_alg a)
{
	return algs[a].name;
}

const char *auth_digest_base_name(enum auth_digest_alg a)
{
	return algs[a].base;
}

enum hash_kind auth_digest_hash(enum auth_digest_alg a)
{
	return algs[a].hash;
}

bool auth_digest_sess(enum auth_digest_alg a)
{
	return algs[a].sess;
}

#define COLON STR(":")

void auth_digest_ha1(enum auth_digest_alg alg, struct str user, struct str realm,
	struct str password, char out[AUTH_DIGEST_HEX])
{
	const struct str parts[] = { user, COLON, realm, COLON, password };

	hash_hex(algs[alg].hash, parts, ARRAY_LEN(parts), out);
}

void auth_digest_userhash(
	enum auth_digest_alg alg, struct str user, struct str realm, char out[AUTH_DIGEST_HEX])
{
	const struct str parts[] = { user, COLON, realm };

	hash_hex(algs[alg].hash, parts, ARRAY_LEN(parts), out);
}

/* H(A1), 3.4.2. */
static void h_a1(const struct auth_digest *d, char out[AUTH_DIGEST_HEX])
{
	size_t n = 2 * hash_len(algs[d->alg].hash);

	if (d->ha1.n) {
		assert(d->ha1.n == n);
		memcpy(out, d->ha1.p, n);
		out[n] = '\0';
	} else {
		auth_digest_ha1(d->alg, d->user, d->realm, d->password, out);
	}
	if (algs[d->alg].sess) {
		const struct str parts[] = { { out, n }, COLON,
			d->first_nonce.n ? d->first_nonce : d->nonce, COLON, d->cnonce };
		hash_hex(algs[d->alg].hash, parts, ARRAY_LEN(parts), out);
	}
}

/* H(A2), 3.4.3; RFC 8760 2.6: without a body H(entity-body) is the hash of the empty string. */
static void h_a2(const struct auth_digest *d, struct str method, char out[AUTH_DIGEST_HEX])
{
	struct str parts[] = { method, COLON, d->uri, COLON, STR_EMPTY };
	char body[AUTH_DIGEST_HEX];
	size_t n = 3;

	if (str_eq(d->qop, STR("auth-int"))) {
		hash_hex(algs[d->alg].hash, &d->body, 1, body);
		parts[4] = str_of(body);
		n = 5;
	}
	hash_hex(algs[d->alg].hash, parts, n, out);
}

/* KD(H(A1), ...), 3.4.1. */
static void compute(const struct auth_digest *d, struct str method, char out[AUTH_DIGEST_HEX])
{
	char a1[AUTH_DIGEST_HEX], a2[AUTH_DIGEST_HEX], nc[9];

	h_a1(d, a1);
	h_a2(d, method, a2);
	snprintf(nc, sizeof(nc), "%08" PRIx32, d->nc);
	if (d->qop.n) {
		const struct str parts[] = { str_of(a1), COLON, d->nonce, COLON, str_of(nc), COLON,
			d->cnonce, COLON, d->qop, COLON, str_of(a2) };
		hash_hex(algs[d->alg].hash, parts, ARRAY_LEN(parts), out);
	} else {
		const struct str parts[] = { str_of(a1), COLON, d->nonce, COLON, str_of(a2) };
		hash_hex(algs[d->alg].hash, parts, ARRAY_LEN(parts), out);
	}
	mem_wipe(a1, sizeof(a1));
}

void auth_digest_response(const struct auth_digest *d, char out[AUTH_DIGEST_HEX])
{
	compute(d, d->method, out);
}

void auth_digest_rspauth(const struct auth_digest *d, char out[AUTH_DIGEST_HEX])
{
	compute(d, STR_EMPTY, out);
}

bool auth_digest_equal(struct str given, const char *hex)
{
	char low[AUTH_DIGEST_HEX];

	if (given.n >= sizeof(low))
		return false;
	for (size_t i = 0; i < given.n; i++)
		low[i] = str_lower(given.p[i]);
	return hash_equal((struct str){ low, given.n }, str_of(hex));
}
