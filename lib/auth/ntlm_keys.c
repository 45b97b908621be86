/* lib/auth/ntlm_keys.c -- the keys of NTLMv2, [MS-NLMP] 3.3.2 and 3.4.5, microsoft-auth.md
 * section 2 */
#include "auth/ntlm_impl.h"

#include "auth/ntlm_text.h"
#include "base/base.h"
#include "base/mem.h"

#include <string.h>

void ntlm_keys_nt(struct str password, unsigned char nt[NTLM_KEY])
{
	ntlm_crypto_md4(password, nt);
}

int ntlm_keys_v2(const unsigned char nt[NTLM_KEY], struct str user, struct str domain,
	unsigned char v2[NTLM_KEY])
{
	char upper[2 * NTLM_NAME];
	const struct str parts[] = { ntlm_bytes(upper, user.n), domain };

	if (user.n > sizeof(upper))
		return -FAIL_LIMIT;
	if (user.n)
		memcpy(upper, user.p, user.n);
	ntlm_text_upper(upper, user.n);
	/* the domain as it is sent: Windows does not put it into upper case */
	ntlm_crypto_hmac(nt, parts, ARRAY_LEN(parts), v2);
	return 0;
}

void ntlm_keys_proof(const unsigned char v2[NTLM_KEY], const unsigned char challenge[8],
	struct str temp, unsigned char proof[NTLM_KEY])
{
	const struct str parts[] = { ntlm_bytes(challenge, 8), temp };

	ntlm_crypto_hmac(v2, parts, ARRAY_LEN(parts), proof);
}

void ntlm_keys_base(const unsigned char v2[NTLM_KEY], const unsigned char proof[NTLM_KEY],
	unsigned char base[NTLM_KEY])
{
	const struct str part = ntlm_bytes(proof, NTLM_KEY);

	ntlm_crypto_hmac(v2, &part, 1, base);
}

void ntlm_keys_mic(const unsigned char exported[NTLM_KEY], struct str challenge,
	struct str authenticate, unsigned char mic[NTLM_KEY])
{
	static const unsigned char zeros[NTLM_MIC];
	/* Without a connection there is no NEGOTIATE that would come first. */
	const struct str parts[] = {
		challenge,
		str_sub(authenticate, 0, NTLM_MIC_AT),
		ntlm_bytes(zeros, sizeof(zeros)),
		str_sub(authenticate, NTLM_MIC_AT + NTLM_MIC, authenticate.n),
	};

	ntlm_crypto_hmac(exported, parts, ARRAY_LEN(parts), mic);
}
