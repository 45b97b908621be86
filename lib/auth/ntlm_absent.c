/* lib/auth/ntlm_absent.c -- the build without NTLM (-Dntlm=disabled): every door says so */
#include "auth/ntlm.h"

static int absent(struct fail *f)
{
	return fail_set(f, -FAIL_NOT_BUILT, "NTLM is not in this build");
}

void ntlm_free(struct ntlm *n)
{
	(void)n;
}

int ntlm_ready(struct fail *f)
{
	return absent(f);
}

struct ntlm_identity ntlm_identity_of(struct str name, struct str password)
{
	return (struct ntlm_identity){ .user = name, .password = password };
}

int ntlm_answer(const struct ntlm_identity *id, struct str challenge, const struct ntlm_options *o,
	struct buf *out, struct ntlm **context, struct fail *f)
{
	(void)id;
	(void)challenge;
	(void)o;
	(void)out;
	(void)context;
	return absent(f);
}

int ntlm_challenge(const struct ntlm_server *s, uint64_t now_ms, struct buf *out, struct fail *f)
{
	(void)s;
	(void)now_ms;
	(void)out;
	return absent(f);
}

int ntlm_who(struct str authenticate, struct buf *user, struct buf *domain, struct fail *f)
{
	(void)authenticate;
	(void)user;
	(void)domain;
	return absent(f);
}

int ntlm_accept(struct str challenge, struct str authenticate, struct str password,
	struct ntlm **context, struct fail *f)
{
	(void)challenge;
	(void)authenticate;
	(void)password;
	(void)context;
	return absent(f);
}

void ntlm_sign(struct ntlm *n, struct str text, unsigned char mic[NTLM_MIC])
{
	(void)n;
	(void)text;
	for (unsigned i = 0; i < NTLM_MIC; i++)
		mic[i] = 0;
}

bool ntlm_verify(struct ntlm *n, struct str text, struct str mic)
{
	(void)n;
	(void)text;
	(void)mic;
	return false;
}
