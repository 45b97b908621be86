/* tests/fuzz/fuzz_proof.c -- header values that sign, and what they sign. Input: a byte of options,
 * a header value up to LF, a message. What an association takes from such a value it can write, and
 * what it signs the other side finds good, once. */
#include "auth/association.h"
#include "auth/signature.h"
#include "base/text.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The context is a text's sum of its own kind: no secret, but each byte counts. */
static uint64_t sum(struct str text)
{
	uint64_t h = 14695981039346656037U;

	for (size_t i = 0; i < text.n; i++)
		h = (h ^ (unsigned char)text.p[i]) * 1099511628211U;
	return h;
}

static int toy_sign(void *context, struct str text, struct buf *mic, struct fail *f)
{
	uint64_t h = sum(text);

	(void)context;
	(void)f;
	buf_add(mic, &h, sizeof(h));
	return 0;
}

static bool toy_verify(void *context, struct str text, struct str mic)
{
	uint64_t h = sum(text);

	(void)context;
	return mic.n == sizeof(h) && memcmp(mic.p, &h, sizeof(h)) == 0;
}

static void toy_free(void *context)
{
	(void)context;
}

static const struct association_mechanism ntlm = { "NTLM", toy_sign, toy_verify, toy_free };
static const struct association_mechanism kerberos = { "Kerberos", toy_sign, toy_verify, toy_free };

static struct association *end(const struct association_proof *p, bool server, unsigned version)
{
	return association_new(&(struct association_config){
		.mechanism = str_eq(p->scheme, STR("NTLM")) ? &ntlm : &kerberos,
		.server = server,
		.realm = p->realm,
		.targetname = p->targetname,
		.opaque = p->opaque,
		.version = version,
	});
}

static void check_proof(const struct association_proof *p)
{
	unsigned char mic[ASSOCIATION_MIC_MAX];
	uint32_t n;

	assert(p->realm.p && p->targetname.p && p->scheme.n);
	assert(!p->mic.p == !p->rand.p && !p->mic.p == !p->num.p);
	assert(p->mic.p || p->gssapi_data.p);
	if (!p->mic.p)
		return;
	assert(p->rand.n > 0 && p->rand.n <= 8);
	assert(str_u32(p->num, &n) && n > 0);
	assert(p->mic.n && text_unhex(p->mic, mic, p->mic.n / 2));
}

static void check_text(const struct sip_msg *m, const struct association_proof *p)
{
	struct buf two = BUF_INIT(1 << 20), three = BUF_INIT(1 << 20);
	struct signature s = { p->scheme, 2, p->rand, p->num, p->realm, p->targetname };

	signature_text(&s, m, &two);
	s.version = 3;
	signature_text(&s, m, &three);
	assert(!two.fail && !three.fail && three.n >= two.n + 6);
	assert(two.p[0] == '<' && two.p[two.n - 1] == '>' && three.p[three.n - 1] == '>');
	buf_done(&two);
	buf_done(&three);
}

/* With what the proof says of itself, as if its sender had challenged us. */
static void check_pair(struct arena *t, const struct sip_msg *m, const struct association_proof *p,
	unsigned version)
{
	struct association *client = end(p, false, version), *server = end(p, true, version);
	struct buf b = BUF_INIT(SIP_MESSAGE_MAX);
	struct association_proof ours;
	struct fail f = { 0 };
	int e;

	assert(association_is_for(client, p) && association_is_for(server, p));
	association_verify(client, m, p);
	e = association_sign(client, m, STR_EMPTY, &b, &f);
	assert(e == 0 || (e == -FAIL_LIMIT && f.text[0]));
	if (e == 0) {
		bool read = association_proof_read(t, buf_str(&b), true, &ours);

		assert(read && str_eq(ours.realm, p->realm));
		assert(association_verify(server, m, &ours) == ASSOCIATION_GOOD);
		assert(association_verify(server, m, &ours) == ASSOCIATION_REPLAYED);
	}
	buf_done(&b);
	association_unref(client);
	association_unref(server);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned options = size ? data[0] : 0;
	struct str rest = { (const char *)data + 1, size ? size - 1 : 0 }, value;
	struct arena t = { 0 };
	struct association_proof p;
	struct sip_msg *m;

	if (!str_cut(rest, '\n', &value, &rest))
		return 0;
	if (association_proof_read(&t, value, options & 1, &p)) {
		check_proof(&p);
		if (sip_msg_parse(rest, NULL, &m, NULL) == 0) {
			check_text(m, &p);
			check_pair(&t, m, &p, 2 + (options >> 1) % 3);
			sip_msg_unref(m);
		}
	}
	arena_done(&t);
	return 0;
}
