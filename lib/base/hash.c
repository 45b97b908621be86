/* lib/base/hash.c -- message digests over OpenSSL's EVP */
#include "base/hash.h"

#include "base/base.h"
#include "base/mem.h"
#include "base/mem.h"
#include "base/text.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

static const struct {
	const char *name;
	size_t len;
} kinds[] = {
	[HASH_MD5] = { "MD5", 16 },
	[HASH_SHA1] = { "SHA1", 20 },
	[HASH_SHA256] = { "SHA256", 32 },
	[HASH_SHA512_256] = { "SHA512-256", 32 },
};

/* Fetched at the first use, constant from then on. The library context is our own, since
 * openssl.cnf may take MD5 away from the default one. OPENSSL_INIT_NO_LOAD_CONFIG would spare
 * reading that file (0.4 ms, once), but for the whole process and for good: TLS would lose the
 * policy of the system, and only in runs where a digest came first.
 */
static const EVP_MD *digest(enum hash_kind kind)
{
	static OSSL_LIB_CTX *lib;
	static EVP_MD *md[ARRAY_LEN(kinds)];

	assert((size_t)kind < ARRAY_LEN(kinds));
	if (!md[kind]) {
		if (!lib)
			lib = OSSL_LIB_CTX_new();
		assert(lib);
		/* "-fips": also where the system asks for approved algorithms only */
		md[kind] = EVP_MD_fetch(lib, kinds[kind].name, "-fips");
		assert(md[kind]);
	}
	return md[kind];
}

size_t hash_len(enum hash_kind kind)
{
	return kinds[kind].len;
}

void hash_parts(enum hash_kind kind, const struct str *parts, size_t count, void *out)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int ok = ctx && EVP_DigestInit_ex2(ctx, digest(kind), NULL);

	for (size_t i = 0; ok && i < count; i++)
		ok = EVP_DigestUpdate(ctx, parts[i].p, parts[i].n);
	ok = ok && EVP_DigestFinal_ex(ctx, out, NULL);
	EVP_MD_CTX_free(ctx);
	assert(ok); /* nothing but exhausted memory fails here */
	(void)ok;
}

void hash_hex(
	enum hash_kind kind, const struct str *parts, size_t count, char out[2 * HASH_MAX + 1])
{
	unsigned char sum[HASH_MAX];
	hash_parts(kind, parts, count, sum);
	text_hex(out, sum, hash_len(kind));
	mem_wipe(sum, sizeof(sum)); /* it may be an HA1 */
}

bool hash_equal(struct str a, struct str b)
{
	return a.n == b.n && CRYPTO_memcmp(a.p, b.p, a.n) == 0;
}
