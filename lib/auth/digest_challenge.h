/* lib/auth/digest_challenge.h -- what a Digest challenge says, RFC 7616 section 3.3: the client
 * reads it, the server writes it */
#ifndef AUTH_DIGEST_CHALLENGE_H
#define AUTH_DIGEST_CHALLENGE_H

#include "auth/digest.h"
#include "base/arena.h"
#include "base/buf.h"

enum { AUTH_QOP_AUTH = 1 << 0, AUTH_QOP_INT = 1 << 1 };

struct auth_digest_challenge {
	struct str realm, nonce; /* unescaped */
	struct str opaque; /* p is NULL: absent, which is not the same as empty */
	struct str algorithm; /* as written; p is NULL: absent. Reading fills in alg as well. */
	enum auth_digest_alg alg;
	unsigned qop; /* set of AUTH_QOP_x; 0: the form of RFC 2069 */
	bool stale, userhash;
};

/* From the parameters behind "Digest"; texts are copied into the arena. -FAIL_SYNTAX when malformed
 * (no realm, no nonce, a parameter twice), -FAIL_PROTOCOL when the algorithm or every qop is
 * unknown: such challenges are ignored. */
int auth_digest_challenge_parse(
	struct arena *a, struct str params, struct auth_digest_challenge *out);
/* Appends "Digest realm=..., ..." with the name of alg. */
void auth_digest_challenge_write(struct buf *b, const struct auth_digest_challenge *c);

#endif
