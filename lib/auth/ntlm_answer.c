/* lib/auth/ntlm_answer.c -- the client's side: a CHALLENGE is answered with an AUTHENTICATE,
 * [MS-NLMP] 3.1.5.2, microsoft-auth.md section 2 */
#include "auth/ntlm_impl.h"

#include "auth/ntlm_text.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/text.h"

#include <string.h>

#define PASSWORD_MAX 512 /* bytes of UTF-8; Windows has 127 characters at most */

/* What we take over where the server has it. */
#define WELCOME                                                                                    \
	(NTLM_ALWAYS | NTLM_STRONG |                                                               \
		(uint32_t)(NTLM_FLAG_ALWAYS_SIGN | NTLM_FLAG_IDENTIFY | NTLM_FLAG_VERSION) |       \
		(uint32_t)NTLM_FLAG_56)

/* An answer on its way. */
struct answer {
	const struct ntlm_options *options;
	struct str challenge;
	struct ntlm_message_challenge c;
	struct buf user, domain, workstation, password; /* UTF-16LE */
	struct buf nt; /* the response */
	unsigned char lm[24], client[8], sealed[NTLM_KEY];
	struct ntlm_secret secret;
	uint32_t flags;
	bool mic;
};

static void answer_done(struct answer *a)
{
	buf_done(&a->user);
	buf_done(&a->domain);
	buf_done(&a->workstation);
	buf_wipe(&a->password);
	buf_done(&a->nt);
	mem_wipe(&a->secret, sizeof(a->secret));
}

/* ---- what the server offers */

static int agree(struct answer *a, struct fail *f)
{
	uint32_t required = a->options->v1 ? NTLM_ALWAYS : NTLM_ALWAYS | NTLM_STRONG;
	uint32_t missing = required & ~a->c.flags;
	struct buf names = BUF_INIT(200);

	if (missing) {
		ntlm_message_flags(missing, &names);
		fail_set(f, -FAIL_AUTH, "the server's NTLM is too weak: it lacks %s",
			buf_cstr(&names));
		buf_done(&names);
		return -FAIL_AUTH;
	}
	a->flags = (a->c.flags & WELCOME) | NTLM_FLAG_REQUEST_TARGET;
	if (a->flags & NTLM_FLAG_128)
		a->flags &= ~(uint32_t)NTLM_FLAG_56;
	return 0;
}

/* ---- who we are */

static int name(struct buf *b, struct str utf8, const char *what, struct fail *f)
{
	if (utf8.n > NTLM_NAME)
		return fail_set(f, -FAIL_ARGUMENT, "the %s has %zu bytes, NTLM takes at most %d",
			what, utf8.n, NTLM_NAME);
	if (!ntlm_text_write(b, utf8))
		return fail_set(f, -FAIL_ARGUMENT, "the %s is not UTF-8", what);
	return 0;
}

static bool has_domain(const struct ntlm_identity *id)
{
	/* user@dns.name names its domain itself */
	return id->domain.n || str_find(id->user, '@') < id->user.n;
}

/* The domain that the server names, for a user who names none. */
static int servers_domain(struct answer *a, struct fail *f)
{
	struct str domain = STR_EMPTY;

	ntlm_message_info_get(a->c.info, NTLM_AV_NETBIOS_DOMAIN, &domain);
	if (domain.n > 2 * NTLM_NAME || domain.n % 2 != 0)
		return fail_set(f, -FAIL_PROTOCOL,
			"the domain that the server's NTLM names cannot be sent");
	buf_add_str(&a->domain, domain);
	return 0;
}

static int identify(struct answer *a, const struct ntlm_identity *id, struct fail *f)
{
	int e;

	if (!id->user.n)
		return fail_set(f, -FAIL_ARGUMENT, "NTLM needs a user name");
	if ((e = name(&a->user, id->user, "user name", f)) != 0 ||
		(e = name(&a->domain, id->domain, "domain name", f)) != 0 ||
		(e = name(&a->workstation, id->workstation, "workstation name", f)) != 0)
		return e;
	if (!has_domain(id) && (e = servers_domain(a, f)) != 0)
		return e;
	if (id->password.n > PASSWORD_MAX)
		return fail_set(f, -FAIL_ARGUMENT, "NTLM takes passwords of at most %d bytes",
			PASSWORD_MAX);
	buf_reserve(&a->password, 2 * id->password.n + 1); /* it grows no more: see buf_wipe */
	if (!ntlm_text_write(&a->password, id->password))
		return fail_set(f, -FAIL_ARGUMENT, "the password is not UTF-8");
	ntlm_keys_nt(buf_str(&a->password), a->secret.nt);
	return 0;
}

/* ---- NTLMv2 */

/* The server's target info with our word in AV 6 on whether there is a MIC. It is edited in place
 * where it stands: no server wants two. */
static void add_info(struct answer *a)
{
	static const char flags[4] = { NTLM_AV_FLAGS_MIC, 0, 0, 0 };
	struct str info = str_sub(a->c.info, 0, a->c.info.n - 4); /* without AV 0 */
	size_t start = a->nt.n;
	struct str old;

	buf_add_str(&a->nt, info);
	if (ntlm_message_info_get(a->c.info, NTLM_AV_FLAGS, &old)) {
		char *byte = a->nt.p + start + (old.p - info.p);

		*byte = (char)(a->mic ? *byte | NTLM_AV_FLAGS_MIC : *byte & ~NTLM_AV_FLAGS_MIC);
	} else if (a->mic) {
		ntlm_message_info_add(&a->nt, NTLM_AV_FLAGS, (struct str){ flags, sizeof(flags) });
	}
	ntlm_message_info_add(&a->nt, NTLM_AV_END, STR_EMPTY);
}

static void add_time(struct answer *a)
{
	unsigned char now[8];
	struct str time = ntlm_bytes(now, sizeof(now));

	ntlm_message_time(a->options->now_ms, now);
	ntlm_message_info_get(a->c.info, NTLM_AV_TIME, &time);
	buf_add_str(&a->nt, time);
}

static int respond_v2(struct answer *a, struct fail *f)
{
	static const unsigned char version[8] = { 1, 1 }, zeros[NTLM_KEY];
	unsigned char proof[NTLM_KEY];
	struct str theirs;

	a->mic = !a->options->no_mic && ntlm_message_info_get(a->c.info, NTLM_AV_TIME, &theirs);
	buf_add(&a->nt, zeros, sizeof(zeros)); /* the proof, see below */
	buf_add(&a->nt, version, sizeof(version));
	add_time(a);
	buf_add(&a->nt, a->client, sizeof(a->client));
	buf_add(&a->nt, zeros, 4);
	add_info(a);
	buf_add(&a->nt, zeros, 4);
	if (a->nt.fail || ntlm_keys_v2(a->secret.nt, buf_str(&a->user), buf_str(&a->domain),
				  a->secret.v2) != 0)
		return fail_set(f, -FAIL_LIMIT, "the NTLM response does not fit");
	ntlm_keys_proof(a->secret.v2, a->c.challenge,
		str_sub(buf_str(&a->nt), sizeof(proof), a->nt.n), proof);
	memcpy(a->nt.p, proof, sizeof(proof));
	ntlm_keys_base(a->secret.v2, proof, a->secret.base);
	/* The LM field stays zeros: LMv2 would be one more thing to crack. */
	return 0;
}

/* ---- NTLMv1 */

static int respond_v1(struct answer *a, struct str password, struct fail *f)
{
	bool ess = a->flags & NTLM_FLAG_EXTENDED_SESSIONSECURITY;
	const unsigned char *client = ess ? a->client : NULL;
	unsigned char response[24];
	int e = ntlm_v1_response(password, a->c.challenge, client, response, f);

	if (e)
		return e;
	buf_add(&a->nt, response, sizeof(response));
	if (ess)
		memcpy(a->lm, a->client, sizeof(a->client));
	else
		memcpy(a->lm, response, sizeof(response)); /* in place of an LM response */
	ntlm_v1_base(a->secret.nt, a->c.challenge, client, a->secret.base);
	return 0;
}

/* ---- the message */

static int write(struct answer *a, struct buf *out, struct fail *f)
{
	const struct ntlm_message_authenticate m = {
		.flags = a->flags,
		.lm = ntlm_bytes(a->lm, sizeof(a->lm)),
		.nt = buf_str(&a->nt),
		.domain = buf_str(&a->domain),
		.user = buf_str(&a->user),
		.workstation = buf_str(&a->workstation),
		.key = ntlm_bytes(a->sealed, sizeof(a->sealed)),
		.version = NTLM_MESSAGE_VERSION,
		.mic = a->mic,
	};
	size_t start = out->n;
	int e = ntlm_message_authenticate_write(&m, out, f);

	if (e || !a->mic)
		return e;
	ntlm_keys_mic(a->secret.exported, a->challenge, str_sub(buf_str(out), start, out->n),
		(unsigned char *)out->p + start + NTLM_MIC_AT);
	return 0;
}

static void choose(void *out, size_t n, const unsigned char *given)
{
	if (given)
		memcpy(out, given, n);
	else
		text_random(out, n);
}

static int answer(struct answer *a, const struct ntlm_identity *id, struct buf *out, struct fail *f)
{
	int e;

	if ((e = ntlm_message_challenge_read(a->challenge, &a->c, f)) != 0 ||
		(e = agree(a, f)) != 0)
		return e;
	if (!a->options->v1 && !a->c.info.n)
		return fail_set(f, -FAIL_PROTOCOL, "the NTLM CHALLENGE has no target info");
	if ((e = identify(a, id, f)) != 0)
		return e;
	choose(a->client, sizeof(a->client), a->options->client_challenge);
	choose(a->secret.exported, sizeof(a->secret.exported), a->options->exported_key);
	e = a->options->v1 ? respond_v1(a, id->password, f) : respond_v2(a, f);
	if (e)
		return e;
	ntlm_crypto_rc4(ntlm_bytes(a->secret.base, NTLM_KEY),
		ntlm_bytes(a->secret.exported, NTLM_KEY), a->sealed);
	return write(a, out, f);
}

int ntlm_answer(const struct ntlm_identity *id, struct str challenge, const struct ntlm_options *o,
	struct buf *out, struct ntlm **context, struct fail *f)
{
	struct answer a = {
		.options = o,
		.challenge = challenge,
		.user = BUF_INIT(2 * NTLM_NAME),
		.domain = BUF_INIT(2 * NTLM_NAME),
		.workstation = BUF_INIT(2 * NTLM_NAME),
		.password = BUF_INIT(2 * PASSWORD_MAX + 1),
		.nt = BUF_INIT(NTLM_MESSAGE_MAX),
	};
	int e = ntlm_ready(f);

	if (!e)
		e = answer(&a, id, out, f);
	if (!e)
		*context = ntlm_new(a.secret.exported, a.flags, false);
	answer_done(&a);
	mem_wipe_stack();
	return e;
}
