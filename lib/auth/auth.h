/* lib/auth/auth.h -- how an endpoint proves who it is: the choice among challenges, the rounds of one request, and what
 * stays between requests (nonce counts, security associations). A scheme is a struct auth_scheme: Digest today; NTLM and
 * Kerberos fit the same shape (several legs, then signing of every message). RFC 3261 section 22, RFC 7616, RFC 8760,
 * rows AU-01 to AU-11, rulings 14 and 16. No socket, no clock. */
#ifndef AUTH_AUTH_H
#define AUTH_AUTH_H

#include "auth/cred.h"
#include "auth/digest.h"
#include "base/buf.h"
#include "base/fail.h"
#include "base/trace.h"
#include "sip/challenge.h"
#include "sip/msg.h"

enum auth_cause { /* AU-11 and cli.md section 9 */
	AUTH_CAUSE_NONE,
	AUTH_INVALID_CREDENTIALS,  /* challenged again although credentials were sent */
	AUTH_FORBIDDEN,            /* 403 in answer to credentials */
	AUTH_NO_COMMON_SCHEME,
	AUTH_UNCHALLENGING_SERVER,
	AUTH_NO_AUTHORITY,
	AUTH_SKEWED_CLOCK,
	AUTH_SERVER_PROOF,         /* Authentication-Info is wrong */
	AUTH_MISSING_CREDENTIALS,
	AUTH_PEER_TO_PEER,         /* this kind of endpoint answers no challenge */
};
const char *auth_cause_name(enum auth_cause c); /* "invalid_credentials" ...; "" for none */

enum auth_scheme_id { AUTH_DIGEST, AUTH_NTLM, AUTH_KERBEROS, AUTH_NONE, AUTH_SCHEMES };
bool auth_scheme_parse(struct str s, enum auth_scheme_id *out); /* "digest" "ntlm" "kerberos" "none" */
/* Is this scheme in this build? */
bool auth_scheme_built(enum auth_scheme_id id);

struct auth_config {
	const struct trace *trace;
	struct cred_store *creds;  /* borrowed */
	struct str user;           /* the user to look for; empty: any */
	struct str realm;          /* only challenges of this realm are answered (A39); empty: any */
	enum auth_scheme_id schemes[AUTH_SCHEMES]; /* allowed, in order of preference */
	unsigned scheme_count;     /* 0: all that are built, and an unchallenging server is fine */
	unsigned digest;           /* set of 1 << enum hash_kind (MD5, SHA256, SHA512_256); 0: all */
	bool preauth;              /* Authorization with what the last challenge gave, before a new one */
};

struct auth; /* one per server-based endpoint */
struct auth *auth_new(const struct auth_config *config); /* texts are copied */
void auth_free(struct auth *a); /* wipes; NULL is fine */

/* Has the user named schemes without "none", so that an unchallenged registration is an error (AU-05)? */
bool auth_must_challenge(const struct auth *a);

/* What is to be authorized. */
struct auth_request {
	struct str method, uri, body;
};

/* What was chosen, for events; views live until the exchange's next call. */
struct auth_info {
	const char *scheme;       /* "digest" */
	const char *chosen;       /* "sha-256", also for its -sess form */
	const char *offered[8];   /* algorithms or schemes, in the server's order */
	unsigned offered_count;
	struct str realm, user;
	const char *qop;          /* "auth" "auth-int" or NULL */
	const char *source;       /* of the credential */
	bool stale, proxy;
};

/* The rounds of one request; zeroed to begin with, embedded in its owner. */
#define AUTH_ROUNDS 3 /* never more than this many answers for one request (A34) */
struct auth_exchange {
	unsigned rounds;
	struct auth_side { /* 401 and 407 may both challenge one request */
		struct auth_session *session; /* borrowed from the struct auth */
		unsigned answered;            /* how often this side's challenges were answered in this exchange */
	} sides[4]; /* by (proxy or not, realm) */
	unsigned side_count;
	struct auth_info info;   /* of the latest answer */
	enum auth_cause cause;   /* set on failure */
	char info_text[512];     /* storage for info */
};

/* A 401 or 407 arrived. 0: send the request again with auth_authorize. -FAIL_AUTH or -FAIL_CREDENTIALS with x->cause and
 * a sentence in f: final. All its challenges are looked at: per realm and side the topmost that is allowed. A nonce
 * that is stale is no failure; the same side challenging again without stale after an answer is AUTH_INVALID_CREDENTIALS. */
int auth_challenged(struct auth *a, struct auth_exchange *x, const struct sip_msg *response, uint64_t now_ms,
	struct fail *f);
/* Appends the Authorization and Proxy-Authorization header lines for the next sending: for the sides of x, and with
 * preauth or a nextnonce for what is known already. Counts nonces. 0 or -FAIL_x. Nothing known: appends nothing. */
int auth_authorize(struct auth *a, struct auth_exchange *x, const struct auth_request *r, struct buf *b, struct fail *f);
/* Any other final response: checks Authentication-Info and Proxy-Authentication-Info (RFC 7616 3.5) and takes
 * nextnonce. -FAIL_AUTH (AUTH_SERVER_PROOF) when the proof is wrong; 403 after credentials sets the cause
 * AUTH_FORBIDDEN and gives 0. */
int auth_accepted(struct auth *a, struct auth_exchange *x, const struct sip_msg *response, const struct auth_request *r,
	struct fail *f);
/* Were credentials sent in this exchange? */
bool auth_exchange_sent(const struct auth_exchange *x);

/* What a scheme implements. Legs: challenged -> authorize, as often as the scheme needs; then sign and verify on every
 * later message of the association, both NULL for schemes that do not sign. */
struct auth_session; /* what is kept per (scheme, proxy or not, realm, target) */
struct auth_scheme {
	enum auth_scheme_id id;
	const char *name; /* as in the challenge: "Digest" */
	bool (*usable)(const struct auth *a, const struct sip_challenge *c);
	int (*challenged)(struct auth_session *s, const struct sip_challenge *c, uint64_t now_ms, struct fail *f);
	int (*authorize)(struct auth_session *s, const struct auth_request *r, struct buf *b, struct fail *f);
	int (*accepted)(struct auth_session *s, const struct sip_msg *response, struct str info,
		const struct auth_request *r, struct fail *f);
	int (*sign)(struct auth_session *s, const struct sip_msg *m, struct buf *b, struct fail *f);
	int (*verify)(struct auth_session *s, const struct sip_msg *m, struct fail *f);
	void (*free)(struct auth_session *s);
};

#endif
