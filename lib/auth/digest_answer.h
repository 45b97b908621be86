/* lib/auth/digest_answer.h -- Digest credentials, RFC 7616 section 3.4, and the server's own proof,
 * section 3.5: the client writes the one and checks the other, the server the reverse */
#ifndef AUTH_DIGEST_ANSWER_H
#define AUTH_DIGEST_ANSWER_H

#include "auth/digest.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/fail.h"

struct auth_digest_answer {
	struct str user; /* unescaped; with userhash its hash in hex */
	struct str realm, nonce, uri, response, cnonce;
	struct str qop; /* "auth", "auth-int", or empty: RFC 2069 */
	struct str opaque; /* p is NULL: absent */
	struct str algorithm; /* as written; p is NULL: absent. Reading fills in alg as well. */
	enum auth_digest_alg alg;
	uint32_t nc;
	bool userhash;
};

/* From the parameters behind "Digest" of Authorization or Proxy-Authorization; texts are copied
 * into the arena. -FAIL_SYNTAX when a parameter is missing, comes twice or is malformed,
 * -FAIL_PROTOCOL when algorithm or qop is unknown; f says which. */
int auth_digest_answer_parse(
	struct arena *a, struct str params, struct auth_digest_answer *out, struct fail *f);
/* Appends "Digest username=..., ...". */
void auth_digest_answer_write(struct buf *b, const struct auth_digest_answer *a);

/* Does the answer name this user, in clear or hashed? */
bool auth_digest_answer_is(const struct auth_digest_answer *a, struct str user);
/* Is the response right? `who` gives user, realm, password or ha1, method and body; the rest is the
 * answer's. In constant time. False also for another realm. Whether alg, qop, nonce and uri are
 * those of our challenge is the caller's question. */
bool auth_digest_answer_verify(const struct auth_digest_answer *a, const struct auth_digest *who);

/* Authentication-Info. */
struct auth_digest_info {
	struct str nextnonce, rspauth; /* p is NULL: absent */
	struct str cnonce, qop;
	uint32_t nc; /* 0: absent */
};
bool auth_digest_info_parse(struct arena *a, struct str params, struct auth_digest_info *out);
/* Appends the proof for the answer a, and nextnonce unless it is empty. who as above, but with the
 * body of the response that this goes into. */
void auth_digest_info_write(struct buf *b, const struct auth_digest_answer *a,
	const struct auth_digest *who, struct str nextnonce);

#endif
