/* lib/auth/auth.h -- how an endpoint proves who it is: the choice among challenges, the rounds of
 * one request, and what stays between requests (nonce counts, later security associations). RFC
 * 3261 section 22, RFC 7616, RFC 8760, rows AU-01 to AU-11, rulings 14 and 16. No socket, no clock.
 * What a scheme implements is in auth/scheme.h. */
#ifndef AUTH_AUTH_H
#define AUTH_AUTH_H

#include "auth/cred.h"
#include "auth/digest.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/fail.h"
#include "base/trace.h"
#include "sip/msg.h"

enum auth_cause { /* AU-11 and cli.md section 9 */
	AUTH_CAUSE_NONE,
	AUTH_INVALID_CREDENTIALS, /* challenged again although credentials were sent */
	AUTH_FORBIDDEN, /* 403 in answer to credentials */
	AUTH_NO_COMMON_SCHEME,
	AUTH_UNCHALLENGING_SERVER,
	AUTH_NO_AUTHORITY,
	AUTH_SKEWED_CLOCK,
	AUTH_SERVER_PROOF, /* Authentication-Info is wrong */
	AUTH_MISSING_CREDENTIALS,
	AUTH_PEER_TO_PEER, /* this kind of endpoint answers no challenge */
};
const char *auth_cause_name(enum auth_cause c); /* "invalid_credentials" ...; "" for none */

enum auth_scheme_id { AUTH_DIGEST, AUTH_NTLM, AUTH_KERBEROS, AUTH_NONE, AUTH_SCHEMES };
/* "digest" "ntlm" "kerberos" "none" */
bool auth_scheme_parse(struct str s, enum auth_scheme_id *out);
const char *auth_scheme_name(enum auth_scheme_id id);
/* Is this scheme in this build? */
bool auth_scheme_built(enum auth_scheme_id id);

struct auth_config {
	const struct trace *trace;
	struct cred_store *creds; /* borrowed */
	struct str user; /* the user to look for; empty: any */
	struct str realm; /* only challenges of this realm are answered (A39); empty: any */
	enum auth_scheme_id schemes[AUTH_SCHEMES]; /* allowed, in order of preference */
	unsigned scheme_count; /* 0: all that are built, and an unchallenging server is fine */
	unsigned digest; /* set of 1 << enum hash_kind (MD5, SHA256, SHA512_256); 0: all */
	bool preauth; /* what the last challenge gave goes into every request */
};

struct auth; /* one per server-based endpoint */
struct auth *auth_new(const struct auth_config *config); /* texts are copied */
void auth_free(struct auth *a); /* NULL is fine */

/* Has the user named schemes without "none", so that an unchallenged registration is an error
 * (AU-05)? */
bool auth_must_challenge(const struct auth *a);

/* What is to be authorized. */
struct auth_request {
	struct str method, uri, body;
};

/* What was chosen, for events, and what is missing, for a prompt. */
struct auth_info {
	const char *scheme; /* "digest" */
	const char *chosen; /* "sha-256", also for its -sess form */
	const char *offered[8]; /* algorithms or schemes, in the server's order: "sha-256" "ntlm" */
	unsigned offered_count;
	struct str realm, user;
	const char *qop; /* "auth" "auth-int" or NULL */
	const char *source; /* of the credential; NULL: there is none */
	bool stale, proxy;
};

#define AUTH_ROUNDS 3 /* never more than this many answers for one request (A34) */
#define AUTH_SIDES 4 /* nor this many realms at once */

/* The rounds of one request; zeroed to begin with, embedded in its owner. Must not outlive the
 * struct auth. */
struct auth_exchange {
	/* A realm, by proxies or not: 401 and 407 may both challenge one request. */
	struct auth_side {
		struct auth_session *session; /* borrowed from the struct auth */
		const struct auth_sent *sent; /* what the latest sending said; NULL: nothing */
		unsigned answered; /* how many of this side's challenges were answered */
	} sides[AUTH_SIDES];
	unsigned side_count;
	unsigned rounds;
	struct auth_info info; /* of the latest challenge; views live until _next or _done */
	enum auth_cause cause; /* set on failure */
	struct arena arena; /* nothing secret in it */
};

/* The next request with the same Call-ID begins: rounds and answers are forgotten, the sides are
 * kept, so that its first sending is authorized already. RFC 3261 22.3: a UA that was challenged
 * "should incorporate credentials for that realm in all subsequent requests that contain the same
 * Call-ID". */
void auth_exchange_next(struct auth_exchange *x);
/* Frees what it holds; it is zeroed again. */
void auth_exchange_done(struct auth_exchange *x);

/* A 401 or 407 arrived. 0: send the request again with auth_authorize. All its challenges are
 * looked at: per side the topmost that is allowed and that there is a credential for. A stale nonce
 * is no failure; the same side challenging again without stale after an answer is
 * AUTH_INVALID_CREDENTIALS. -FAIL_AUTH, -FAIL_CREDENTIALS or -FAIL_LIMIT with x->cause and a
 * sentence in f: final, but that after -FAIL_CREDENTIALS the same response may be given again when
 * a secret has been found (ruling 16). */
int auth_challenged(struct auth *a, struct auth_exchange *x, const struct sip_msg *response,
	uint64_t now_ms, struct fail *f);
/* Appends the Authorization and Proxy-Authorization header lines for the next sending: for the
 * sides of x, and with preauth or a nextnonce for what is known already. Counts nonces. 0, or
 * -FAIL_x and b as it was. Nothing known: appends nothing. */
int auth_authorize(struct auth *a, struct auth_exchange *x, const struct auth_request *r,
	struct buf *b, struct fail *f);
/* Any other final response to r: checks Authentication-Info and Proxy-Authentication-Info (RFC 7616
 * 3.5) and takes nextnonce. -FAIL_AUTH (AUTH_SERVER_PROOF) when the proof is wrong; 403 after
 * credentials sets the cause AUTH_FORBIDDEN and gives 0. */
int auth_accepted(struct auth *a, struct auth_exchange *x, const struct sip_msg *response,
	const struct auth_request *r, struct fail *f);
/* Were credentials sent in this exchange? */
bool auth_exchange_sent(const struct auth_exchange *x);

#endif
