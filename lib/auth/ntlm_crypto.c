/* lib/auth/ntlm_crypto.c -- MD4, RC4 and HMAC-MD5 over OpenSSL's EVP, in a library context that is
 * immune to openssl.cnf and leaves the process's default one as it is */
#include "auth/ntlm_crypto.h"

#include <assert.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/provider.h>

struct primitives {
	OSSL_LIB_CTX *lib;
	OSSL_PROVIDER *base, *legacy;
	EVP_MD *md4;
	EVP_CIPHER *rc4;
	EVP_MAC *hmac;
};

static void unload(struct primitives *p)
{
	EVP_MD_free(p->md4);
	EVP_CIPHER_free(p->rc4);
	EVP_MAC_free(p->hmac);
	if (p->legacy)
		OSSL_PROVIDER_unload(p->legacy);
	if (p->base)
		OSSL_PROVIDER_unload(p->base);
	OSSL_LIB_CTX_free(p->lib);
	*p = (struct primitives){ 0 };
}

static bool load(struct primitives *p)
{
	p->lib = OSSL_LIB_CTX_new();
	if (!p->lib)
		return false;
	p->base = OSSL_PROVIDER_load(p->lib, "default");
	p->legacy = OSSL_PROVIDER_load(p->lib, "legacy");
	if (!p->base || !p->legacy)
		return false;
	/* "-fips": also where the system asks for approved algorithms only */
	p->md4 = EVP_MD_fetch(p->lib, "MD4", "-fips");
	p->rc4 = EVP_CIPHER_fetch(p->lib, "RC4", "-fips");
	p->hmac = EVP_MAC_fetch(p->lib, "HMAC", "-fips");
	return p->md4 && p->rc4 && p->hmac;
}

/* Loaded once for the process (ruling 32). NULL: something is missing, and another call may find it
 * there. */
static const struct primitives *primitives(void)
{
	static struct primitives loaded;

	if (loaded.lib)
		return &loaded;
	/* What fails here is our own business: no error may wait for TLS to find it. */
	ERR_set_mark();
	if (!load(&loaded))
		unload(&loaded);
	ERR_pop_to_mark();
	return loaded.lib ? &loaded : NULL;
}

int ntlm_crypto_ready(struct fail *f)
{
	if (primitives())
		return 0;
	return fail_set(f, -FAIL_NOT_BUILT, "NTLM needs OpenSSL's legacy provider (legacy.so)");
}

void ntlm_crypto_md4(struct str bytes, unsigned char out[NTLM_KEY])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int ok = ctx && EVP_DigestInit_ex2(ctx, primitives()->md4, NULL) &&
		 EVP_DigestUpdate(ctx, bytes.p, bytes.n) && EVP_DigestFinal_ex(ctx, out, NULL);

	EVP_MD_CTX_free(ctx); /* the provider wipes */
	assert(ok); /* nothing but exhausted memory fails here, and below */
	(void)ok;
}

void ntlm_crypto_hmac(const unsigned char key[NTLM_KEY], const struct str *parts, size_t count,
	unsigned char out[NTLM_KEY])
{
	char digest[] = "MD5";
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end(),
	};
	EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(primitives()->hmac);
	int ok = ctx && EVP_MAC_init(ctx, key, NTLM_KEY, params);

	for (size_t i = 0; ok && i < count; i++)
		ok = EVP_MAC_update(ctx, (const unsigned char *)parts[i].p, parts[i].n);
	ok = ok && EVP_MAC_final(ctx, out, NULL, NTLM_KEY);
	EVP_MAC_CTX_free(ctx);
	assert(ok);
	(void)ok;
}

void ntlm_crypto_rc4(struct str key, struct str in, unsigned char *out)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int written = 0;
	/* The length of the key first: RC4 takes any. */
	int ok = ctx && key.n <= NTLM_KEY &&
		 EVP_CipherInit_ex2(ctx, primitives()->rc4, NULL, NULL, 1, NULL) &&
		 EVP_CIPHER_CTX_set_key_length(ctx, (int)key.n) &&
		 EVP_CipherInit_ex2(ctx, NULL, (const unsigned char *)key.p, NULL, 1, NULL) &&
		 EVP_CipherUpdate(ctx, out, &written, (const unsigned char *)in.p, (int)in.n);

	EVP_CIPHER_CTX_free(ctx);
	assert(ok && (size_t)written == in.n);
	(void)ok;
}

uint32_t ntlm_crypto_crc32(struct str bytes)
{
	uint32_t crc = 0xffffffff;

	for (size_t i = 0; i < bytes.n; i++) {
		crc ^= (unsigned char)bytes.p[i];
		for (unsigned bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
	}
	return ~crc;
}
