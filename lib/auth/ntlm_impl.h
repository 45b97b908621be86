/* lib/auth/ntlm_impl.h -- the insides of NTLM: keys and contexts. For lib/auth/ntlm*.c and its
 * tests. */
#ifndef AUTH_NTLM_IMPL_H
#define AUTH_NTLM_IMPL_H

#include "auth/ntlm.h"
#include "auth/ntlm_crypto.h"
#include "auth/ntlm_message.h"

#define NTLM_SEQUENCE 100 /* of every signature, both directions: microsoft-auth.md 1.5 */

/* Texts are UTF-16LE here. Every output is NTLM_KEY bytes, but for what says its length. */

/* What of a password answers the challenge; wiped by who has it. */
struct ntlm_secret {
	unsigned char nt[NTLM_KEY]; /* NTOWFv1 */
	unsigned char v2[NTLM_KEY]; /* NTOWFv2 */
	unsigned char base[NTLM_KEY]; /* the key exchange key */
	unsigned char exported[NTLM_KEY];
};

void ntlm_keys_nt(struct str password, unsigned char nt[NTLM_KEY]);
/* -FAIL_LIMIT when the name does not fit. */
int ntlm_keys_v2(const unsigned char nt[NTLM_KEY], struct str user, struct str domain,
	unsigned char v2[NTLM_KEY]);
/* temp is what the NTLMv2 response has behind the proof. */
void ntlm_keys_proof(const unsigned char v2[NTLM_KEY], const unsigned char challenge[8],
	struct str temp, unsigned char proof[NTLM_KEY]);
void ntlm_keys_base(const unsigned char v2[NTLM_KEY], const unsigned char proof[NTLM_KEY],
	unsigned char base[NTLM_KEY]);
/* The MIC of an AUTHENTICATE, whose own MIC field counts as zeros. */
void ntlm_keys_mic(const unsigned char exported[NTLM_KEY], struct str challenge,
	struct str authenticate, unsigned char mic[NTLM_KEY]);

/* NTLMv1, by libntlm: ASCII passwords of at most NTLM_V1_PASSWORD bytes, all others are refused.
 * client: the challenge of the client, for the NTLM2 session response; NULL: there is none. */
#define NTLM_V1_PASSWORD 128
int ntlm_v1_response(struct str password, const unsigned char challenge[8],
	const unsigned char *client, unsigned char response[24], struct fail *f);
void ntlm_v1_base(const unsigned char nt[NTLM_KEY], const unsigned char challenge[8],
	const unsigned char *client, unsigned char base[NTLM_KEY]);

struct ntlm {
	bool ess; /* extended session security */
	uint32_t sequence;
	struct ntlm_direction {
		unsigned char sign[NTLM_KEY];
		unsigned char seal[NTLM_KEY];
		size_t seal_len; /* 16, without extended session security maybe less */
	} ours, theirs;
};
/* What flags and key make. server: we are the server. */
struct ntlm *ntlm_new(const unsigned char exported[NTLM_KEY], uint32_t flags, bool server);

#endif
