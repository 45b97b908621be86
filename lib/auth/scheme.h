/* lib/auth/scheme.h -- what an authentication scheme implements; for lib/auth only. Legs:
 * challenged -> authorize, as often as the scheme needs (Digest once, and again when a nonce is
 * stale; NTLM twice). A scheme with a security association then signs and verifies every later
 * message of it. */
#ifndef AUTH_SCHEME_H
#define AUTH_SCHEME_H

#include "auth/auth.h"
#include "base/list.h"
#include "sip/challenge.h"

#define AUTH_SESSIONS 64 /* realms that an endpoint keeps at most */

struct auth {
	struct auth_config config; /* user and realm are copies */
	struct list sessions;
	unsigned session_count;
	uint64_t now_ms; /* of the latest challenge */
	struct buf credential; /* Kerberos: the exported ticket-granting ticket of a password;
				  secret */
	bool credential_asked;
};

/* What is kept per (scheme, proxy or not, realm); a scheme embeds it as its first member. */
struct auth_session {
	struct list node; /* in auth->sessions */
	const struct auth_scheme *scheme;
	struct str realm; /* a copy */
	bool proxy;
	bool armed; /* has a nextnonce, which the next request SHOULD use */
	struct association *association; /* NULL: none */
	uint64_t renew_at; /* ms; from then on a REGISTER goes unsigned and makes a new one */
	unsigned associations; /* how many it has had */
	struct list handshakes; /* those that are under way for another one */
};

/* What a request said, to check the answer against: another request may have used the session
 * since. Lives in the arena of its exchange. */
struct auth_sent {
	const char *how; /* for people: "SHA-256" */
	struct str user;
	enum auth_digest_alg alg;
	struct str nonce, first_nonce, cnonce;
	const char *qop; /* "": the form of RFC 2069 */
	uint32_t nc;
};

enum auth_fit {
	AUTH_FITS,
	AUTH_FITS_NOT, /* nothing that we allow or know */
	AUTH_FIT_MALFORMED,
	AUTH_FIT_NO_SECRET, /* all it lacks is a credential */
};

struct auth_scheme {
	enum auth_scheme_id id;
	const char *name; /* as in a challenge: "Digest" */
	bool signs; /* ends in a security association */

	/* Its own part only; NULL: it has none. */
	struct auth_session *(*session_new)(void);
	void (*session_free)(struct auth_session *s);

	/* Can this challenge be answered, and with which credential? *cred is set with AUTH_FITS. t
	 * is for temporary texts. */
	enum auth_fit (*fit)(const struct auth *a, struct arena *t, const struct sip_challenge *c,
		const struct cred **cred);
	/* An answer was sent, and this came: a refusal, or does it only ask for more (a stale
	 * nonce, the next leg)? */
	bool (*refused)(
		struct arena *t, const struct auth_side *side, const struct sip_challenge *c);
	/* Takes a challenge that fits as the base of the next answer, and tells of it. -FAIL_x
	 * when it turns out to be one that cannot be answered. */
	int (*challenged)(const struct auth *a, struct auth_side *side,
		const struct sip_challenge *c, uint64_t now_ms, struct auth_info *info,
		struct fail *f);
	/* Appends the value of Authorization and sets side->sent, allocated in t. Nothing appended:
	 * there is nothing to say. -FAIL_CREDENTIALS when the credential is gone. */
	int (*authorize)(const struct auth *a, struct auth_side *side, const struct auth_request *r,
		struct arena *t, struct buf *b, struct fail *f);
	/* A value of Authentication-Info in the answer to r. -FAIL_AUTH when the server's proof is
	 * wrong. NULL for schemes that sign: auth_verify has looked at it. */
	int (*accepted)(const struct auth *a, struct auth_session *s, const struct auth_sent *sent,
		struct str info, const struct auth_request *r, struct str body, struct fail *f);
};

extern const struct auth_scheme digest_client; /* digest_client.c */
extern const struct auth_scheme ntlm_client, kerberos_client;

/* The schemes that are built and allowed, by preference from rank 0 to AUTH_SCHEMES - 1; NULL: none
 * at this rank. */
const struct auth_scheme *auth_scheme_allowed(const struct auth *a, unsigned rank);
/* Has the user named this scheme? */
bool auth_names(const struct auth *a, enum auth_scheme_id id);
/* Finds or makes; NULL when there are too many. */
struct auth_session *auth_session_get(
	struct auth *a, const struct auth_scheme *scheme, bool proxy, struct str realm);
/* The side of this realm, or NULL. */
struct auth_side *auth_exchange_side(struct auth_exchange *x, bool proxy, struct str realm);
/* The side of this session, a new one if need be; NULL when there are too many. */
struct auth_side *auth_exchange_add(struct auth_exchange *x, struct auth_session *s);
/* step: "challenged" "stale" "refused" "authorized" "accepted" ... */
void auth_trace(const struct auth *a, const char *scheme, struct str realm, const char *step,
	struct str note);

#endif
