/* lib/base/hash.h -- message digests over OpenSSL, nothing initialised before the first use. They
 * come from OpenSSL's default provider in a library context of our own, so that they exist whatever
 * openssl.cnf or a FIPS mode says. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include "base/str.h"

enum hash_kind { HASH_MD5, HASH_SHA1, HASH_SHA256, HASH_SHA512_256 };

#define HASH_MAX 32 /* bytes of the longest digest */

/* Bytes of this digest. */
size_t hash_len(enum hash_kind kind);
/* The digest of the parts, one behind the other, into out (hash_len bytes). */
void hash_parts(enum hash_kind kind, const struct str *parts, size_t count, void *out);
/* The same as lower-case hex with a terminator. */
void hash_hex(
	enum hash_kind kind, const struct str *parts, size_t count, char out[2 * HASH_MAX + 1]);
/* Equal, in a time that does not depend on the bytes. */
bool hash_equal(struct str a, struct str b);

#endif
