/* lib/auth/association.h -- a security association: after the handshake every message is signed and
 * checked, in both directions. [MS-SIPAE] 3.2 and 3.3, microsoft-auth.md sections 1.2 to 1.8. The
 * same code serves the client's and the server's side. No socket, no clock. */
#ifndef AUTH_ASSOCIATION_H
#define AUTH_ASSOCIATION_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/fail.h"
#include "sip/msg.h"

#include <stdbool.h>
#include <stdint.h>

/* Who makes and checks the MICs: NTLM or Kerberos. */
struct association_mechanism {
	const char *scheme; /* "NTLM" "Kerberos" */
	int (*sign)(void *context, struct str text, struct buf *mic, struct fail *f); /* appends */
	bool (*verify)(void *context, struct str text, struct str mic);
	void (*free)(void *context); /* wipes */
};
extern const struct association_mechanism association_ntlm; /* context: struct ntlm */
extern const struct association_mechanism association_kerberos; /* context: struct kerberos */

/* Bytes of a MIC. NTLM has 16, Kerberos 28 or 37 today. */
#define ASSOCIATION_MIC_MAX 256

struct association; /* counted */

struct association_config {
	const struct association_mechanism *mechanism;
	void *context; /* owned from now on */
	bool server; /* we are the registrar: we write srand, snum, rspauth */
	/* Copied; as they stand between the quotes of the challenge, backslashes included, since
	 * that is what is signed and sent. opaque may be empty (learned later). */
	struct str realm, targetname, opaque;
	unsigned version; /* 2, 3 or 4 */
	uint64_t ends_at; /* ms, monotonic as all times here: no use after it */
};

struct association *association_new(const struct association_config *c);
struct association *association_ref(struct association *a);
void association_unref(struct association *a); /* the last one wipes; NULL is fine */

const char *association_scheme(const struct association *a);
struct str association_realm(const struct association *a);
struct str association_targetname(const struct association *a);
struct str association_opaque(const struct association *a);
unsigned association_version(const struct association *a);
uint64_t association_ends_at(const struct association *a);
void association_set_ends_at(struct association *a, uint64_t ms);

/* Appends the value of the header field that signs m: for a client `NTLM qop="auth", opaque="...",
 * realm="...", targetname="...", crand="...", cnum="...", response="..."`, for a server the same
 * with srand, snum, rspauth. extra: parameters that stand before crand (", "-separated, such as
 * gssapi-data and version of the last leg of a handshake); empty: none. Takes the next number. m
 * may be a message whose last header fields are still to come, as long as they are none that is
 * signed. 0, or -FAIL_x and value as it was. */
int association_sign(struct association *a, const struct sip_msg *m, struct str extra,
	struct buf *value, struct fail *f);

/* A header value that signs a message, taken apart. */
struct association_proof {
	struct str scheme; /* "NTLM" "Kerberos" */
	struct str realm, targetname, opaque; /* as they stand between their quotes */
	struct str rand, num, mic; /* mic in hex; all three or, beside gssapi_data, none */
	struct str gssapi_data; /* base64; p NULL: absent */
	struct str version; /* text; empty: absent */
};
/* Reads Authorization, Proxy-Authorization, Authentication-Info or Proxy-Authentication-Info of
 * scheme NTLM or Kerberos; client_proof: crand, cnum and response are read, else srand, snum and
 * rspauth. The texts are copied into the arena. False when it is of another scheme or malformed: a
 * parameter twice, no realm or targetname, a number of 0 or over 32 bits, a signature that is no
 * hex or beyond ASSOCIATION_MIC_MAX. */
bool association_proof_read(
	struct arena *t, struct str value, bool client_proof, struct association_proof *out);
/* Are they with the same server: realm and target? */
bool association_is_alike(const struct association *a, const struct association *b);
/* Is this proof made for this association: scheme, realm (as text), target (without the "sip/" of a
 * Kerberos principal), and opaque if both have one? */
bool association_is_for(const struct association *a, const struct association_proof *p);

enum association_verdict {
	ASSOCIATION_GOOD,
	ASSOCIATION_FORGED, /* the signature is wrong or absent, or made for another association */
	ASSOCIATION_REPLAYED, /* the signature is right, but the number was used or is too old */
};
/* The number counts as used when it is good. The replay window is checked after the signature, so
 * that a forgery moves nothing. */
enum association_verdict association_verify(
	struct association *a, const struct sip_msg *m, const struct association_proof *p);
/* An opaque that was learned from the peer's first answer (Kerberos). */
void association_set_opaque(struct association *a, struct str opaque);

/* The replay window on its own: 256 numbers wide (microsoft-auth.md 1.7). */
#define REPLAY_WINDOW 256
struct replay {
	uint32_t high; /* the highest number seen; 0: none */
	uint64_t seen[REPLAY_WINDOW / 64];
};
/* May n be taken? Then it is marked. Refuses 0, what was seen, n <= high - 256, n > high + 256. */
bool replay_take(struct replay *r, uint32_t n);

#endif
