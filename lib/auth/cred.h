/* lib/auth/cred.h -- credentials by realm (reference rows AU-02 to AU-04). Secrets live here only,
 * are never traced and are wiped when they go. */
#ifndef AUTH_CRED_H
#define AUTH_CRED_H

#include "base/fail.h"
#include "base/hash.h"
#include "base/str.h"

enum cred_kind { CRED_PASSWORD, CRED_HA1 };

struct cred {
	struct str realm; /* "*": any */
	struct str user; /* "alice", "CORP\alice", "alice@CORP.EXAMPLE" */
	enum cred_kind kind;
	struct str secret; /* the password, or HA1 in hex */
	enum hash_kind ha1_alg; /* CRED_HA1 holds for one algorithm */
	const char *source; /* for people: "env", "credentials-file" ...; static text */
};

struct cred_store;

struct cred_store *cred_store_new(void);
void cred_store_free(struct cred_store *s); /* wipes; NULL is fine */
/* Copies c. A second entry of the same realm, user and algorithm replaces the first.
 * -FAIL_ARGUMENT when an HA1 is not hex of just the length of its algorithm. */
int cred_store_add(struct cred_store *s, const struct cred *c, struct fail *f);
/* Every entry of this realm. AU-02: false when there was none. */
bool cred_store_remove(struct cred_store *s, struct str realm);
void cred_store_clear(struct cred_store *s);
/* The best entry for a challenge: of the wanted user (empty: any), then the exact realm, then "*";
 * of those, one whose kind fits the algorithm (an HA1 of another one does not), the oldest first.
 * NULL when none. Valid until the store changes. */
const struct cred *cred_store_find(
	const struct cred_store *s, struct str realm, struct str user, enum hash_kind alg);
/* The same for what needs the password itself: an HA1 does not do. */
const struct cred *cred_store_password(
	const struct cred_store *s, struct str realm, struct str user);
bool cred_store_empty(const struct cred_store *s);
/* The entries one after the other, the oldest first: that behind c, for NULL the first; NULL behind
 * the last. */
const struct cred *cred_store_next(const struct cred_store *s, const struct cred *c);

#endif
