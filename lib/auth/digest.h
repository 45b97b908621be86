/* lib/auth/digest.h -- the Digest computation, RFC 7616 section 3.4 and RFC 8760; both sides use it
 */
#ifndef AUTH_DIGEST_H
#define AUTH_DIGEST_H

#include "base/hash.h"
#include "base/str.h"

enum auth_digest_alg {
	AUTH_MD5,
	AUTH_MD5_SESS,
	AUTH_SHA256,
	AUTH_SHA256_SESS,
	AUTH_SHA512_256,
	AUTH_SHA512_256_SESS,
	AUTH_DIGEST_ALGS
};

/* By its registered name, any case; empty is MD5 (RFC 7616 3.3). False when unknown. */
bool auth_digest_alg_parse(struct str s, enum auth_digest_alg *out);
const char *auth_digest_alg_name(enum auth_digest_alg a); /* "SHA-512-256-sess" */
/* Without -sess and as options and events write it: "sha-512-256". */
const char *auth_digest_base_name(enum auth_digest_alg a);
enum hash_kind auth_digest_hash(enum auth_digest_alg a);
bool auth_digest_sess(enum auth_digest_alg a);

#define AUTH_DIGEST_HEX (2 * HASH_MAX + 1)

struct auth_digest {
	enum auth_digest_alg alg;
	struct str user, realm; /* unescaped */
	struct str password; /* or: */
	struct str ha1; /* lower-case hex of the algorithm's length; when not empty, in
			 * place of user, realm and password */
	struct str nonce, cnonce;
	struct str first_nonce; /* of the challenge, when nextnonce has replaced it since: a -sess
				 * key stays with it (3.4.2); empty: nonce */
	uint32_t nc;
	struct str qop; /* "auth", "auth-int", or empty for the form of RFC 2069 */
	struct str method, uri, body;
};

/* H(user:realm:password), without -sess. */
void auth_digest_ha1(enum auth_digest_alg alg, struct str user, struct str realm,
	struct str password, char out[AUTH_DIGEST_HEX]);
/* The response of a request. */
void auth_digest_response(const struct auth_digest *d, char out[AUTH_DIGEST_HEX]);
/* rspauth of Authentication-Info (RFC 7616 3.5): as the response, without the method. body is the
 * response's. */
void auth_digest_rspauth(const struct auth_digest *d, char out[AUTH_DIGEST_HEX]);
/* H(user:realm) for userhash=true (RFC 7616 3.4.4). */
void auth_digest_userhash(
	enum auth_digest_alg alg, struct str user, struct str realm, char out[AUTH_DIGEST_HEX]);
/* Is `given` (hex, any case) this digest? In constant time; false when the lengths differ. */
bool auth_digest_equal(struct str given, const char *hex);

#endif
