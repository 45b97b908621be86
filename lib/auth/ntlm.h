/* lib/auth/ntlm.h -- NTLM without a connection, as Microsoft's SIP uses it: NTLMv2 with extended
 * session security, key exchange and 128 bits; one CHALLENGE, one AUTHENTICATE, then signatures
 * with a fixed sequence number. [MS-NLMP], microsoft-auth.md section 2. No socket, no clock: the
 * time comes from the caller. */
#ifndef AUTH_NTLM_H
#define AUTH_NTLM_H

#include "base/buf.h"
#include "base/fail.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define NTLM_MIC 16 /* bytes of a signature */
#define NTLM_NAME 160 /* bytes of a user, domain or workstation name at most */

/* A security context: the keys of one association. */
struct ntlm;
void ntlm_free(struct ntlm *n); /* wipes; NULL is fine */

/* Is all there that NTLM needs: libntlm, and OpenSSL's legacy provider? -FAIL_NOT_BUILT with the
 * cause. Loads the provider into a private context at the first call (ruling 32). */
int ntlm_ready(struct fail *f);

/* Who we are. Texts are UTF-8. Without a domain it is the one that the server names, but for a user
 * with an @, who has none. */
struct ntlm_identity {
	struct str user, domain, password, workstation;
};
/* DOMAIN\user -> domain and user; user@dns.name stays whole, without a domain; anything else is a
 * user whose domain is the challenge's. The views are of name. */
struct ntlm_identity ntlm_identity_of(struct str name, struct str password);

struct ntlm_options {
	bool v1; /* the user asked for NTLMv1 by name: no proof of NTLMv2, weaker flags are taken */
	bool no_mic; /* leave the MIC of the AUTHENTICATE out, also where the CHALLENGE has a time
		      */
	uint64_t now_ms; /* since 1970 */
	/* For tests: what is random otherwise. NULL in production. */
	const unsigned char *client_challenge; /* 8 bytes */
	const unsigned char *exported_key; /* 16 bytes */
};

/* The client's side: reads a CHALLENGE (bytes, not base64), appends the AUTHENTICATE to out and
 * makes the context. -FAIL_PROTOCOL: the challenge is malformed; -FAIL_AUTH: it is too weak, which
 * f says flag by flag; -FAIL_ARGUMENT: a name or password that cannot be sent; -FAIL_LIMIT: it does
 * not fit; -FAIL_NOT_BUILT. */
int ntlm_answer(const struct ntlm_identity *id, struct str challenge, const struct ntlm_options *o,
	struct buf *out, struct ntlm **context, struct fail *f);

/* The server's side. Texts are UTF-8 and go into the target info (AV 1 to 4), with the time (AV 7).
 */
struct ntlm_server {
	struct str netbios_domain, netbios_computer, dns_domain, dns_computer;
	bool weak; /* for tests of clients: offers neither extended session security nor 128 bits */
	bool no_time; /* as servers before Windows 2008: no AV 7, so that no MIC is sent */
};
int ntlm_challenge(const struct ntlm_server *s, uint64_t now_ms, struct buf *out, struct fail *f);
/* Who answers: user and domain of an AUTHENTICATE, appended to the buffers as UTF-8.
 * -FAIL_PROTOCOL when malformed. */
int ntlm_who(struct str authenticate, struct buf *user, struct buf *domain, struct fail *f);
/* Checks the answer to our challenge (the bytes that ntlm_challenge wrote) against the password:
 * proof, MIC where there is one, flags. -FAIL_AUTH: wrong, without a word about what is wrong. */
int ntlm_accept(struct str challenge, struct str authenticate, struct str password,
	struct ntlm **context, struct fail *f);

/* GetMIC and VerifyMIC with sequence number 100; our direction and the other's. Constant time. */
void ntlm_sign(struct ntlm *n, struct str text, unsigned char mic[NTLM_MIC]);
bool ntlm_verify(struct ntlm *n, struct str text, struct str mic);

#endif
