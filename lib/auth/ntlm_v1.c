/* lib/auth/ntlm_v1.c -- NTLMv1, [MS-NLMP] 3.3.1: only where the user asks for it by name
 *
 * The response is libntlm's (DES). No LM response is ever made: it would give the password away. */
#include "auth/ntlm_impl.h"

#include "base/base.h"
#include "base/hash.h"
#include "base/mem.h"

#include <ntlm.h>
#include <string.h>

int ntlm_v1_response(struct str password, const unsigned char challenge[8],
	const unsigned char *client, unsigned char response[24], struct fail *f)
{
	const struct str parts[] = { ntlm_bytes(challenge, 8), ntlm_bytes(client, 8) };
	char text[NTLM_V1_PASSWORD + 1] = "";
	unsigned char mixed[NTLM_KEY];

	if (password.n >= sizeof(text))
		return fail_set(f, -FAIL_ARGUMENT, "NTLMv1 takes passwords of at most %d bytes",
			NTLM_V1_PASSWORD);
	/* libntlm takes each byte for a character */
	for (size_t i = 0; i < password.n; i++)
		if (password.p[i] < 1)
			return fail_set(f, -FAIL_ARGUMENT, "NTLMv1 takes ASCII passwords only");
	if (password.n)
		memcpy(text, password.p, password.n);
	/* NTLM2 session response: the challenge of the client is mixed in */
	if (client)
		hash_parts(HASH_MD5, parts, ARRAY_LEN(parts), mixed);
	else
		memcpy(mixed, challenge, 8);
	ntlm_smb_nt_encrypt(text, mixed, response);
	mem_wipe(text, sizeof(text));
	return 0;
}

void ntlm_v1_base(const unsigned char nt[NTLM_KEY], const unsigned char challenge[8],
	const unsigned char *client, unsigned char base[NTLM_KEY])
{
	const struct str parts[] = { ntlm_bytes(challenge, 8), ntlm_bytes(client, 8) };
	unsigned char session[NTLM_KEY];

	ntlm_crypto_md4(ntlm_bytes(nt, NTLM_KEY), session);
	/* [MS-NLMP] 3.4.5.1: with extended session security the challenges go in */
	if (client)
		ntlm_crypto_hmac(session, parts, ARRAY_LEN(parts), base);
	else
		memcpy(base, session, NTLM_KEY);
	mem_wipe(session, sizeof(session));
}
