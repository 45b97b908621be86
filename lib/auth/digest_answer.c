/* lib/auth/digest_answer.c -- Digest credentials and Authentication-Info */
#include "auth/digest_answer.h"

#include "auth/fields.h"
#include "base/text.h"
#include "sip/param.h"

#include <inttypes.h>

/* nc-value = 8LHEX; RFC 7616 3.5: "the nc value MUST be exactly 8 hexadecimal digits". */
static bool read_nc(struct str s, uint32_t *out)
{
	unsigned char b[4];

	if (!text_unhex(s, b, sizeof(b)))
		return false;
	*out = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
	return true;
}

static bool read_qop(struct str s, struct str *out)
{
	if (s.n == 0)
		*out = STR_EMPTY;
	else if (str_ieq(s, STR("auth")))
		*out = STR("auth");
	else if (str_ieq(s, STR("auth-int")))
		*out = STR("auth-int");
	else
		return false;
	return true;
}

/* RFC 5987 ext-value: UTF-8'language'percent-encoded. RFC 7616 3.4 allows it for the user alone. */
static bool read_ext_user(struct arena *a, struct str s, struct str *out)
{
	struct str charset, language, text;
	size_t n = 0;
	char *p;

	if (!str_cut(s, '\'', &charset, &text) || !str_cut(text, '\'', &language, &text) ||
		!str_ieq(charset, STR("UTF-8")))
		return false;
	p = arena_alloc(a, text.n + 1);
	while (text.n) {
		size_t used = 1;

		p[n] = text.p[0];
		if (p[n] == '%') {
			if (!text_unhex(str_sub(text, 1, 3), &p[n], 1))
				return false;
			used = 3;
		}
		n++;
		text = str_sub(text, used, text.n);
	}
	p[n] = '\0';
	*out = (struct str){ p, n };
	return true;
}

int auth_digest_answer_parse(
	struct arena *a, struct str params, struct auth_digest_answer *out, struct fail *f)
{
	struct auth_digest_answer d = { 0 };
	struct str qop = { 0 }, nc = { 0 }, userhash = { 0 }, ext = { 0 };
	const struct auth_field fields[] = {
		{ "username", &d.user },
		{ "realm", &d.realm },
		{ "nonce", &d.nonce },
		{ "uri", &d.uri },
		{ "response", &d.response },
		{ "cnonce", &d.cnonce },
		{ "opaque", &d.opaque },
		{ "algorithm", &d.algorithm },
		{ "qop", &qop },
		{ "nc", &nc },
		{ "userhash", &userhash },
		{ "username*", &ext },
	};
	const size_t mandatory = 5;

	if (!auth_fields_read(a, params, fields, ARRAY_LEN(fields)))
		return fail_set(f, -FAIL_SYNTAX, "a parameter comes twice or is malformed");
	/* 3.4: "Sending both username and username* in the same header option MUST be treated as an
	 * error." */
	if (ext.p && (d.user.p || !read_ext_user(a, ext, &d.user)))
		return fail_set(f, -FAIL_SYNTAX, "username* is malformed or besides username");
	for (size_t i = 0; i < mandatory; i++) {
		if (!fields[i].value->p)
			return fail_set(f, -FAIL_SYNTAX, "%s is missing", fields[i].name);
	}
	if (!auth_digest_alg_parse(d.algorithm, &d.alg) || !read_qop(qop, &d.qop))
		return fail_set(f, -FAIL_PROTOCOL, "algorithm or qop is unknown");
	if (d.qop.n && (!d.cnonce.p || !read_nc(nc, &d.nc)))
		return fail_set(f, -FAIL_SYNTAX, "qop without cnonce or nc");
	d.userhash = str_ieq(userhash, STR("true"));
	*out = d;
	return 0;
}

static void add_quoted(struct buf *b, const char *name, struct str value)
{
	buf_addf(b, "%s=", name);
	sip_quote(b, value);
}

/* 3.4: username, realm, nonce, uri, response, cnonce and opaque are quoted; algorithm, qop, nc are
 * not. */
void auth_digest_answer_write(struct buf *b, const struct auth_digest_answer *a)
{
	add_quoted(b, "Digest username", a->user);
	add_quoted(b, ", realm", a->realm);
	add_quoted(b, ", nonce", a->nonce);
	add_quoted(b, ", uri", a->uri);
	add_quoted(b, ", response", a->response);
	if (a->algorithm.p)
		buf_addf(b, ", algorithm=" STR_FMT, STR_ARG(a->algorithm));
	if (a->qop.n) {
		add_quoted(b, ", cnonce", a->cnonce);
		buf_addf(b, ", nc=%08" PRIx32 ", qop=" STR_FMT, a->nc, STR_ARG(a->qop));
	}
	if (a->opaque.p)
		add_quoted(b, ", opaque", a->opaque);
	if (a->userhash)
		buf_addf(b, ", userhash=true");
}

bool auth_digest_answer_is(const struct auth_digest_answer *a, struct str user)
{
	char hash[AUTH_DIGEST_HEX];

	if (!a->userhash)
		return str_eq(a->user, user);
	auth_digest_userhash(a->alg, user, a->realm, hash);
	return auth_digest_equal(a->user, hash);
}

/* All that the digest of an answer is made of. */
static struct auth_digest inputs(const struct auth_digest_answer *a, const struct auth_digest *who)
{
	struct auth_digest d = *who;

	d.alg = a->alg;
	d.nonce = a->nonce;
	d.cnonce = a->cnonce;
	d.nc = a->nc;
	d.qop = a->qop;
	d.uri = a->uri;
	return d;
}

bool auth_digest_answer_verify(const struct auth_digest_answer *a, const struct auth_digest *who)
{
	struct auth_digest d = inputs(a, who);
	char hex[AUTH_DIGEST_HEX];
	bool ok;

	/* A37: an HA1 has the length of its algorithm, or it is for another one. */
	if (d.ha1.n && d.ha1.n != 2 * hash_len(auth_digest_hash(d.alg)))
		return false;
	auth_digest_response(&d, hex);
	ok = auth_digest_equal(a->response, hex);
	return ok && str_eq(a->realm, who->realm);
}

bool auth_digest_info_parse(struct arena *a, struct str params, struct auth_digest_info *out)
{
	struct auth_digest_info i = { 0 };
	struct str qop = { 0 }, nc = { 0 };
	const struct auth_field fields[] = {
		{ "nextnonce", &i.nextnonce },
		{ "rspauth", &i.rspauth },
		{ "cnonce", &i.cnonce },
		{ "qop", &qop },
		{ "nc", &nc },
	};

	if (!auth_fields_read(a, params, fields, ARRAY_LEN(fields)) || !read_qop(qop, &i.qop) ||
		(nc.p && !read_nc(nc, &i.nc)))
		return false;
	*out = i;
	return true;
}

void auth_digest_info_write(struct buf *b, const struct auth_digest_answer *a,
	const struct auth_digest *who, struct str nextnonce)
{
	struct auth_digest d = inputs(a, who);
	char hex[AUTH_DIGEST_HEX];

	auth_digest_rspauth(&d, hex);
	buf_addf(b, "rspauth=\"%s\"", hex);
	/* 3.5: "The rspauth, cnonce, and nc parameters MUST be present if qop=auth or qop=auth-int
	 * is specified." */
	if (a->qop.n) {
		buf_addf(b, ", qop=" STR_FMT, STR_ARG(a->qop));
		add_quoted(b, ", cnonce", a->cnonce);
		buf_addf(b, ", nc=%08" PRIx32, a->nc);
	}
	if (nextnonce.n)
		add_quoted(b, ", nextnonce", nextnonce);
}
