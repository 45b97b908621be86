/* lib/auth/auth.h -- how an endpoint proves who it is: the choice among challenges, the rounds of
 * one request, and what stays between requests (nonce counts, later security associations). RFC
 * 3261 section 22, RFC 7616, RFC 8760, rows AU-01 to AU-11, rulings 14 and 16. No socket, no clock.
 * What a scheme implements is in auth/scheme.h. */
#ifndef AUTH_AUTH_H
#define AUTH_AUTH_H

#include "auth/cred.h"
#include "auth/digest.h"
#include "auth/kerberos.h"
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
/* "NTLM" or "Kerberos", as header fields name them: does it end in a security association? */
bool auth_scheme_signs(struct str name);
/* Are schemes named, and do they all end in one? */
struct auth_config;
bool auth_names_signing(const struct auth_config *c);
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
	bool unsigned_too; /* what comes unsigned within a security association is taken (Cisco VCS)
			    */
	bool ntlm_v1; /* NTLMv1 was named: old servers, crackable answers */
	uint64_t epoch_ms; /* the time since 1970 when the clock of now_ms was 0 */
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
	const char *step; /* of a security association: "negotiate" "authenticate" "ticket"; NULL */
	struct str target; /* its targetname */
	unsigned version; /* and version; 0: none */
	bool signs; /* the scheme makes a security association, which needs an epid in From */
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
		struct handshake *handshake; /* of a scheme that signs; NULL: none under way */
	} sides[AUTH_SIDES];
	unsigned side_count;
	unsigned rounds;
	unsigned excluded; /* set of 1 << enum auth_scheme_id that failed here already */
	bool fell_back; /* after a refusal another scheme was tried: at most once */
	bool datagram; /* set by the owner: no security association over UDP */
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
/* Kerberos: the ticket that must be there before auth_authorize, or NULL. Getting it may block, so
 * it is the caller's matter (ruling 15). Views live until the ticket is given. */
const struct kerberos_wish *auth_wish(const struct auth_exchange *x);
/* Here it is, or why there is none: as auth_challenged, which has seen the same response; a scheme
 * that is left may answer in Kerberos' place. */
int auth_ticket(struct auth *a, struct auth_exchange *x, const struct kerberos_ticket *t,
	const struct sip_msg *response, uint64_t now_ms, struct fail *f);
/* The ticket-granting ticket of a password is wanted before the first packet (cli.md section 11):
 * true once, when Kerberos is allowed by name and there is such a password. */
bool auth_first_wish(struct auth *a, struct arena *t, struct kerberos_wish *out);
/* What it came to. 0: go on (Kerberos may be left out from now on, when others are allowed);
 * -FAIL_AUTH or -FAIL_CREDENTIALS with *cause. */
int auth_first_ticket(
	struct auth *a, const struct kerberos_ticket *t, enum auth_cause *cause, struct fail *f);

/* Appends the Authorization and Proxy-Authorization header lines for the next sending: for the
 * sides of x, and with preauth or a nextnonce for what is known already. Counts nonces. 0, or
 * -FAIL_x and b as it was. Nothing known: appends nothing. b holds the start line and the header
 * lines so far: all that a security association signs must be among them. */
int auth_authorize(struct auth *a, struct auth_exchange *x, const struct auth_request *r,
	struct buf *b, struct fail *f);
/* Any other final response to r: checks Authentication-Info and Proxy-Authentication-Info (RFC 7616
 * 3.5) and takes nextnonce. -FAIL_AUTH (AUTH_SERVER_PROOF) when the proof is wrong; 403 after
 * credentials sets the cause AUTH_FORBIDDEN and gives 0. */
int auth_accepted(struct auth *a, struct auth_exchange *x, const struct sip_msg *response,
	const struct auth_request *r, struct fail *f);
/* Were credentials sent in this exchange? */
bool auth_exchange_sent(const struct auth_exchange *x);

/* ---- Security associations: every message after the handshake (microsoft-auth.md 1.6) ---- */

/* Is there one, or one in the making? Then auth_sign and auth_verify have a say. */
bool auth_secures(const struct auth *a);
/* Appends a header line for each association that signs m; nothing for the legs of a handshake. */
int auth_sign(struct auth *a, const struct sip_msg *m, uint64_t now_ms, struct buf *lines,
	struct fail *f);
enum auth_verdict { AUTH_UNSIGNED, AUTH_PROVEN, AUTH_DISCARD };
/* A message came. AUTH_UNSIGNED: it may be taken as it is; AUTH_DISCARD: it must not be acted on,
 * *why says why ("its signature is wrong"). */
enum auth_verdict auth_verify(
	struct auth *a, const struct sip_msg *m, uint64_t now_ms, const char **why);
/* Is there one? */
bool auth_established(const struct auth *a, uint64_t now_ms);
/* When a REGISTER should make a new association, before the old one ends; UINT64_MAX: never. */
uint64_t auth_renew_at(const struct auth *a);
/* Does this 401 or 407 ask anew for an association that there is, which its server has forgotten
 * then (microsoft-auth.md 1.10)? */
bool auth_lapsed(const struct auth *a, const struct sip_msg *response, uint64_t now_ms);
/* Then the next REGISTER goes without its signature, so that it is asked to make a new one; until
 * that is there the old one goes on. */
void auth_renew(struct auth *a, const struct sip_msg *response, uint64_t now_ms);
/* How many have been made so far. */
unsigned auth_associations(const struct auth *a);
/* Another server: what was agreed with the old one is of no use (microsoft-auth.md 1.9). */
void auth_forget(struct auth *a);

#endif
