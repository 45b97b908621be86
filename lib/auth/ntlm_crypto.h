/* lib/auth/ntlm_crypto.h -- the old primitives of NTLM: OpenSSL's legacy provider has them, and
 * only a library context of our own loads it. MD5 is in base/hash.h. Everything but _ready needs
 * _ready to have said 0. */
#ifndef AUTH_NTLM_CRYPTO_H
#define AUTH_NTLM_CRYPTO_H

#include "base/fail.h"
#include "base/str.h"

#define NTLM_KEY 16 /* bytes of a key, and of every digest here */

/* A view of bytes, for the parts below. */
static inline struct str ntlm_bytes(const void *p, size_t n)
{
	return (struct str){ p, n };
}

/* Loads the providers at the first call; -FAIL_NOT_BUILT when the legacy one is missing. */
int ntlm_crypto_ready(struct fail *f);

void ntlm_crypto_md4(struct str bytes, unsigned char out[NTLM_KEY]);
/* HMAC-MD5 of the parts, one behind the other. */
void ntlm_crypto_hmac(const unsigned char key[NTLM_KEY], const struct str *parts, size_t count,
	unsigned char out[NTLM_KEY]);
/* in.n bytes into out, which may be in. The key has 1 to 16 bytes. */
void ntlm_crypto_rc4(struct str key, struct str in, unsigned char *out);
/* CRC-32 as Ethernet and zlib have it; no cryptography, but the signature without extended session
 * security is made of it. */
uint32_t ntlm_crypto_crc32(struct str bytes);

#endif
