/* lib/auth/ntlm_accept.c -- the server's side: a CHALLENGE, and the AUTHENTICATE that answers it,
 * [MS-NLMP] 3.2.5.2, microsoft-auth.md section 2 */
#include "auth/ntlm_impl.h"

#include "auth/ntlm_text.h"
#include "base/base.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/text.h"

#include <string.h>

/* What Communications Server says (microsoft-auth.md section 2), IDENTIFY and all: pidgin-sipe
 * insists on it. */
#define OFFER UINT32_C(0xe29882f3)
/* So that nothing shortens the key where there is no extended session security. */
#define WEAK_OFFER                                                                                 \
	(OFFER & ~(uint32_t)(NTLM_FLAG_EXTENDED_SESSIONSECURITY | NTLM_FLAG_128 | NTLM_FLAG_LM_KEY))

#define PASSWORD_MAX 512 /* bytes of UTF-8 */

/* ---- the CHALLENGE */

static int add_name(struct buf *info, unsigned id, struct str utf8, struct fail *f)
{
	struct buf name = BUF_INIT(2 * NTLM_NAME);
	bool good = utf8.n <= NTLM_NAME && ntlm_text_write(&name, utf8);

	if (good && name.n)
		ntlm_message_info_add(info, id, buf_str(&name));
	buf_done(&name);
	if (!good)
		return fail_set(f, -FAIL_ARGUMENT,
			"a name of this server is no UTF-8 of at most %d bytes", NTLM_NAME);
	return 0;
}

/* In the order of Windows. */
static int add_names(struct buf *info, const struct ntlm_server *s, struct fail *f)
{
	int e;

	if ((e = add_name(info, NTLM_AV_NETBIOS_DOMAIN, s->netbios_domain, f)) != 0 ||
		(e = add_name(info, NTLM_AV_NETBIOS_COMPUTER, s->netbios_computer, f)) != 0 ||
		(e = add_name(info, NTLM_AV_DNS_DOMAIN, s->dns_domain, f)) != 0 ||
		(e = add_name(info, NTLM_AV_DNS_COMPUTER, s->dns_computer, f)) != 0)
		return e;
	return 0;
}

static void add_time(struct buf *info, uint64_t now_ms)
{
	unsigned char now[8];

	ntlm_message_time(now_ms, now);
	ntlm_message_info_add(info, NTLM_AV_TIME, ntlm_bytes(now, sizeof(now)));
}

int ntlm_challenge(const struct ntlm_server *s, uint64_t now_ms, struct buf *out, struct fail *f)
{
	struct buf info = BUF_INIT(NTLM_MESSAGE_MAX);
	struct ntlm_message_challenge m = { .flags = s->weak ? WEAK_OFFER : OFFER };
	int e = ntlm_ready(f);

	if (!e)
		e = add_names(&info, s, f);
	if (!e && !s->no_time)
		add_time(&info, now_ms);
	if (!e) {
		ntlm_message_info_add(&info, NTLM_AV_END, STR_EMPTY);
		text_random(m.challenge, sizeof(m.challenge));
		m.info = buf_str(&info);
		e = info.fail ? fail_set(f, -FAIL_LIMIT, "the names do not fit into a CHALLENGE")
			      : ntlm_message_challenge_write(&m, out, f);
	}
	buf_done(&info);
	return e;
}

/* ---- who answers */

/* The names as UTF-8; -FAIL_PROTOCOL and nothing appended. */
static int read_name(struct str utf16, struct buf *out, struct fail *f)
{
	size_t start = out->n;

	if (!ntlm_text_read(out, utf16) || out->n - start > NTLM_NAME) {
		out->n = start;
		return fail_set(f, -FAIL_PROTOCOL, "a name in the NTLM AUTHENTICATE is malformed");
	}
	return 0;
}

int ntlm_who(struct str authenticate, struct buf *user, struct buf *domain, struct fail *f)
{
	struct ntlm_message_authenticate m;
	size_t start = user->n;
	int e = ntlm_message_authenticate_read(authenticate, &m, f);

	if (e)
		return e;
	if (!(m.flags & NTLM_FLAG_UNICODE))
		return fail_set(f, -FAIL_PROTOCOL, "the NTLM AUTHENTICATE is not in Unicode");
	if ((e = read_name(m.user, user, f)) != 0)
		return e;
	if ((e = read_name(m.domain, domain, f)) != 0)
		user->n = start;
	return e;
}

/* ---- is it right? */

/* An AUTHENTICATE that is being checked. */
struct check {
	struct str challenge, authenticate, password;
	struct ntlm_message_challenge c;
	struct ntlm_message_authenticate m;
	uint32_t flags; /* agreed on */
	struct ntlm_secret secret;
};

static int read_both(struct check *k, struct fail *f)
{
	int e = ntlm_message_challenge_read(k->challenge, &k->c, f);

	if (!e)
		e = ntlm_message_authenticate_read(k->authenticate, &k->m, f);
	return e;
}

/* Does the answer take what a strong challenge offers? */
static bool agreed(struct check *k)
{
	uint32_t required = NTLM_ALWAYS | (k->c.flags & NTLM_STRONG);

	/* The target info is there, whatever the flags of the answer say. */
	required &= ~(uint32_t)NTLM_FLAG_TARGET_INFO;
	k->flags = k->c.flags & k->m.flags;
	return (k->flags & required) == required && k->m.user.n;
}

static bool nt_hash(struct check *k)
{
	struct buf text = BUF_INIT(2 * PASSWORD_MAX + 1);
	bool good = k->password.n <= PASSWORD_MAX && buf_reserve(&text, 2 * k->password.n + 1) &&
		    ntlm_text_write(&text, k->password);

	if (good)
		ntlm_keys_nt(buf_str(&text), k->secret.nt);
	buf_wipe(&text);
	return good;
}

/* Proof, then version 1 1, 6 bytes of nothing, time, the client's challenge, 4 bytes of nothing,
 * target info, 4 bytes that some leave out. */
enum { TEMP = NTLM_KEY, INFO = TEMP + 28 };

/* wants_mic: AV 6 says that the AUTHENTICATE has a MIC. */
static bool check_v2(struct check *k, bool *wants_mic)
{
	struct str info = str_sub(k->m.nt, INFO, k->m.nt.n), flags;
	unsigned char proof[NTLM_KEY];
	bool good;

	if (k->m.nt.n < INFO || k->m.nt.p[TEMP] != 1 || k->m.nt.p[TEMP + 1] != 1 ||
		!ntlm_message_info_check(info, &info.n) ||
		ntlm_keys_v2(k->secret.nt, k->m.user, k->m.domain, k->secret.v2) != 0)
		return false;
	ntlm_keys_proof(k->secret.v2, k->c.challenge, str_sub(k->m.nt, TEMP, k->m.nt.n), proof);
	good = hash_equal(ntlm_bytes(proof, sizeof(proof)), str_sub(k->m.nt, 0, TEMP));
	if (good)
		ntlm_keys_base(k->secret.v2, proof, k->secret.base);
	mem_wipe(proof, sizeof(proof)); /* when it is not theirs it is a right one */
	*wants_mic = ntlm_message_info_get(info, NTLM_AV_FLAGS, &flags) &&
		     (flags.p[0] & NTLM_AV_FLAGS_MIC);
	return good;
}

/* Only where we offered no better. */
static bool check_v1(struct check *k)
{
	unsigned char want[24];
	bool good;

	if (k->c.flags & NTLM_FLAG_EXTENDED_SESSIONSECURITY ||
		ntlm_v1_response(k->password, k->c.challenge, NULL, want, NULL) != 0)
		return false;
	good = hash_equal(ntlm_bytes(want, sizeof(want)), k->m.nt);
	ntlm_v1_base(k->secret.nt, k->c.challenge, NULL, k->secret.base);
	mem_wipe(want, sizeof(want));
	return good;
}

static bool check_mic(const struct check *k)
{
	unsigned char mic[NTLM_KEY];
	bool good;

	if (!k->m.mic)
		return false;
	ntlm_keys_mic(k->secret.exported, k->challenge, k->authenticate, mic);
	good = hash_equal(ntlm_bytes(mic, sizeof(mic)),
		str_sub(k->authenticate, NTLM_MIC_AT, NTLM_MIC_AT + NTLM_MIC));
	mem_wipe(mic, sizeof(mic));
	return good;
}

static bool is_right(struct check *k)
{
	bool wants_mic = false;

	if (!agreed(k) || k->m.key.n != NTLM_KEY || !nt_hash(k))
		return false;
	if (!(k->m.nt.n == 24 ? check_v1(k) : check_v2(k, &wants_mic)))
		return false;
	ntlm_crypto_rc4(ntlm_bytes(k->secret.base, NTLM_KEY), k->m.key, k->secret.exported);
	return !wants_mic || check_mic(k);
}

int ntlm_accept(struct str challenge, struct str authenticate, struct str password,
	struct ntlm **context, struct fail *f)
{
	struct check k = {
		.challenge = challenge, .authenticate = authenticate, .password = password
	};
	int e = ntlm_ready(f);

	if (!e)
		e = read_both(&k, f);
	if (!e && !is_right(&k))
		e = fail_set(f, -FAIL_AUTH, "the NTLM AUTHENTICATE is not right");
	if (!e)
		*context = ntlm_new(k.secret.exported, k.flags, true);
	mem_wipe(&k.secret, sizeof(k.secret));
	mem_wipe_stack();
	return e;
}
