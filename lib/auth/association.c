/* lib/auth/association.c -- a security association: its numbers, signing and checking */
#include "auth/association.h"

#include "auth/kerberos.h"
#include "auth/ntlm.h"
#include "auth/signature.h"
#include "base/mem.h"
#include "base/scan.h"
#include "base/text.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

struct association {
	unsigned refs;
	const struct association_mechanism *mechanism;
	void *context;
	bool server;
	struct buf realm, targetname, opaque; /* as they stand between their quotes */
	unsigned version;
	uint64_t ends_at;
	uint32_t last; /* the number of our latest signature */
	struct replay replay; /* the numbers of the other side */
};

static int sign_ntlm(void *context, struct str text, struct buf *mic, struct fail *f)
{
	unsigned char bytes[NTLM_MIC];

	ntlm_sign(context, text, bytes);
	buf_add(mic, bytes, sizeof(bytes));
	return mic->fail ? fail_set(f, mic->fail, "the signature is too long") : 0;
}

static bool verify_ntlm(void *context, struct str text, struct str mic)
{
	return ntlm_verify(context, text, mic);
}

static void free_ntlm(void *context)
{
	ntlm_free(context);
}

const struct association_mechanism association_ntlm = {
	.scheme = "NTLM",
	.sign = sign_ntlm,
	.verify = verify_ntlm,
	.free = free_ntlm,
};

static int sign_kerberos(void *context, struct str text, struct buf *mic, struct fail *f)
{
	return kerberos_sign(context, text, mic, f);
}

static bool verify_kerberos(void *context, struct str text, struct str mic)
{
	return kerberos_verify(context, text, mic);
}

static void free_kerberos(void *context)
{
	kerberos_free(context);
}

const struct association_mechanism association_kerberos = {
	.scheme = "Kerberos",
	.sign = sign_kerberos,
	.verify = verify_kerberos,
	.free = free_kerberos,
};

static void keep(struct buf *b, struct str s)
{
	buf_done(b);
	buf_init(b, s.n);
	buf_add_str(b, s);
}

struct association *association_new(const struct association_config *c)
{
	struct association *a = MEM_NEW(struct association);

	assert(c->version >= 2 && c->version <= 4);
	a->refs = 1;
	a->mechanism = c->mechanism;
	a->context = c->context;
	a->server = c->server;
	keep(&a->realm, c->realm);
	keep(&a->targetname, c->targetname);
	keep(&a->opaque, c->opaque);
	a->version = c->version;
	a->ends_at = c->ends_at;
	return a;
}

struct association *association_ref(struct association *a)
{
	a->refs++;
	return a;
}

void association_unref(struct association *a)
{
	if (!a || --a->refs > 0)
		return;
	a->mechanism->free(a->context);
	buf_done(&a->realm);
	buf_done(&a->targetname);
	buf_done(&a->opaque);
	mem_free(a);
}

const char *association_scheme(const struct association *a)
{
	return a->mechanism->scheme;
}

struct str association_realm(const struct association *a)
{
	return buf_str(&a->realm);
}

struct str association_targetname(const struct association *a)
{
	return buf_str(&a->targetname);
}

struct str association_opaque(const struct association *a)
{
	return buf_str(&a->opaque);
}

unsigned association_version(const struct association *a)
{
	return a->version;
}

uint64_t association_ends_at(const struct association *a)
{
	return a->ends_at;
}

void association_set_ends_at(struct association *a, uint64_t ms)
{
	a->ends_at = ms;
}

void association_set_opaque(struct association *a, struct str opaque)
{
	keep(&a->opaque, opaque);
}

/* The bytes that are signed: parts of the message, none of them twice, and the texts of s. */
static struct buf signed_text(const struct signature *s, const struct sip_msg *m)
{
	const size_t marks = 64; /* 16 pairs of brackets, a status code */
	struct buf b = BUF_INIT(m->wire.n + s->scheme.n + s->rand.n + s->num.n + s->realm.n +
				s->targetname.n + marks);

	signature_text(s, m, &b);
	assert(!b.fail);
	return b;
}

/* What is signed is what stands between the quotes, and a challenge may have backslashes there: so
 * it goes out as it came in. */
static void add_verbatim(struct buf *b, const char *name, struct str value)
{
	size_t start = b->n + str_of(name).n + 2;

	buf_addf(b, "%s=\"", name);
	buf_add_str(b, value);
	buf_add_char(b, '"');
	if (!b->fail && scan_past_quoted(b->p + start - 1, b->p + b->n) != b->p + b->n)
		buf_fail(b, -FAIL_SYNTAX);
}

static void add_hex(struct buf *b, struct str bytes)
{
	if (!buf_reserve(b, 2 * bytes.n)) /* which leaves room for a terminator */
		return;
	text_hex(b->p + b->n, bytes.p, bytes.n);
	buf_commit(b, 2 * bytes.n);
}

static void add_value(struct buf *b, const struct association *a, const struct signature *s,
	struct str extra, struct str mic)
{
	char side = a->server ? 's' : 'c';

	buf_addf(b, "%s qop=\"auth\"", a->mechanism->scheme);
	if (a->opaque.n)
		add_verbatim(b, ", opaque", buf_str(&a->opaque));
	add_verbatim(b, ", realm", s->realm);
	add_verbatim(b, ", targetname", s->targetname);
	if (extra.n)
		buf_addf(b, ", ");
	buf_add_str(b, extra);
	buf_addf(b, ", %crand=\"" STR_FMT "\", %cnum=\"" STR_FMT "\", %s=\"", side,
		STR_ARG(s->rand), side, STR_ARG(s->num), a->server ? "rspauth" : "response");
	add_hex(b, mic);
	buf_add_char(b, '"');
}

int association_sign(struct association *a, const struct sip_msg *m, struct str extra,
	struct buf *value, struct fail *f)
{
	CLEANUP(buf_done) struct buf text = { 0 }, mic = BUF_INIT(ASSOCIATION_MIC_MAX);
	CLEANUP(buf_done) struct buf b = BUF_INIT(SIP_MESSAGE_MAX);
	char rand[9], num[11];
	struct signature s = {
		.scheme = str_of(a->mechanism->scheme),
		.version = a->version,
		.realm = buf_str(&a->realm),
		.targetname = buf_str(&a->targetname),
	};
	int e;

	if (a->last == UINT32_MAX)
		return fail_set(f, -FAIL_LIMIT, "the association has no numbers left");
	snprintf(rand, sizeof(rand), "%08" PRIx32, text_random_u32());
	snprintf(num, sizeof(num), "%" PRIu32, a->last + 1);
	s.rand = str_of(rand);
	s.num = str_of(num);
	text = signed_text(&s, m);
	e = a->mechanism->sign(a->context, buf_str(&text), &mic, f);
	if (e < 0)
		return e;
	add_value(&b, a, &s, extra, buf_str(&mic));
	if (b.fail)
		return fail_set(f, b.fail, "the %s credentials: %s", a->mechanism->scheme,
			fail_text(b.fail));
	buf_add_str(value, buf_str(&b));
	if (value->fail)
		return fail_set(f, value->fail, "%s", fail_text(value->fail));
	a->last++;
	return 0;
}

enum association_verdict association_verify(
	struct association *a, const struct sip_msg *m, const struct association_proof *p)
{
	unsigned char mic[ASSOCIATION_MIC_MAX];
	struct signature s = {
		.scheme = str_of(a->mechanism->scheme),
		.version = a->version,
		.rand = p->rand,
		.num = p->num,
		.realm = p->realm,
		.targetname = p->targetname,
	};
	size_t n = p->mic.n / 2;
	struct buf text;
	uint32_t num;
	bool good;

	/* The opaque is not among what is signed. */
	if (!association_is_for(a, p) || n == 0 || n > sizeof(mic) || !text_unhex(p->mic, mic, n) ||
		!str_u32(p->num, &num))
		return ASSOCIATION_FORGED;
	text = signed_text(&s, m);
	good = a->mechanism->verify(
		a->context, buf_str(&text), (struct str){ (const char *)mic, n });
	buf_done(&text);
	if (!good)
		return ASSOCIATION_FORGED;
	return replay_take(&a->replay, num) ? ASSOCIATION_GOOD : ASSOCIATION_REPLAYED;
}
