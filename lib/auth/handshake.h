/* lib/auth/handshake.h -- the way to a security association, as NTLM and Kerberos share it: what a
 * challenge says, the legs, and the end, when the server has proved itself. microsoft-auth.md
 * sections 1.1 to 1.3 and 1.9. For lib/auth only. */
#ifndef AUTH_HANDSHAKE_H
#define AUTH_HANDSHAKE_H

#include "auth/association.h"
#include "auth/scheme.h"

/* A challenge of NTLM or Kerberos. Texts as they stand between the quotes, since they are echoed
 * and signed as they are; views. */
struct handshake_challenge {
	struct str realm, targetname, opaque;
	struct str gssapi_data; /* p NULL: absent */
	unsigned version; /* 2 to 4, the lower of the server's and ours; absent means 2 */
};
/* False when malformed: no realm or targetname, a parameter twice, qop other than auth. */
bool handshake_challenge_parse(struct str params, struct handshake_challenge *out);

/* One handshake of one request. It ends as its session's association, or with its request. */
struct handshake {
	struct list node; /* in session->handshakes */
	struct auth_session *session;
	struct arena arena; /* for the texts */
	struct str realm, targetname, opaque;
	unsigned version;
	struct str token; /* base64, for gssapi-data; empty: NTLM's opening */
	struct kerberos_wish wish; /* a ticket that must be there first */
	bool waits; /* for it */
	struct association *association; /* once the token is there */
	bool sent; /* the token has gone out */
	bool proven, disproved; /* a message with its signature has come: a good or a wrong one */
};

/* Begins anew for the side; what it had is dropped. */
struct handshake *handshake_begin(struct auth_side *side, const struct handshake_challenge *c);
void handshake_drop(struct auth_side *side); /* none is fine */
/* For events. */
void handshake_tell(const struct handshake *h, struct auth_info *info);

/* Token and context are there: the association begins when the server has proved itself. */
void handshake_complete(struct handshake *h, const struct association_mechanism *mechanism,
	void *context, struct str token, uint64_t ends_at);
/* Appends the value of Authorization for the leg at hand, and sets side->sent. From version 4 on
 * the last leg is signed itself. */
int handshake_write(const char *scheme, struct auth_side *side, struct str user, struct arena *t,
	struct buf *b, struct fail *f);
/* A final response other than a challenge came. -FAIL_AUTH: it should have proved who sent it, and
 * did not. */
int handshake_finish(const struct auth *a, struct auth_side *side, const struct sip_msg *response,
	struct fail *f);

#define HANDSHAKE_LIFE_MS ((uint64_t)8 * 3600 * 1000) /* MS-SIPAE 3.2.2 */

#endif
