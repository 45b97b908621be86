/* lib/auth/digest_challenge.c -- Digest challenges */
#include "auth/digest_challenge.h"

#include "auth/fields.h"
#include "base/fail.h"
#include "sip/param.h"

/* "auth,auth-int", RFC 7616 3.3: "Unrecognized options MUST be ignored." False when others are all
 * there is. The empty list occurs in the wild and means what its absence means. */
static bool read_qop(struct str list, unsigned *out)
{
	bool unknown = false;
	unsigned set = 0;

	while (list.n) {
		struct str token = list, rest = STR_EMPTY;

		str_cut(list, ',', &token, &rest);
		token = str_trim(token);
		if (str_ieq(token, STR("auth")))
			set |= AUTH_QOP_AUTH;
		else if (str_ieq(token, STR("auth-int")))
			set |= AUTH_QOP_INT;
		else
			unknown = unknown || token.n;
		list = rest;
	}
	*out = set;
	return set || !unknown;
}

int auth_digest_challenge_parse(
	struct arena *a, struct str params, struct auth_digest_challenge *out)
{
	struct auth_digest_challenge c = { 0 };
	struct str qop = { 0 }, stale = { 0 }, userhash = { 0 };
	const struct auth_field fields[] = {
		{ "realm", &c.realm },
		{ "nonce", &c.nonce },
		{ "opaque", &c.opaque },
		{ "algorithm", &c.algorithm },
		{ "qop", &qop },
		{ "stale", &stale },
		{ "userhash", &userhash },
	};

	if (!auth_fields_read(a, params, fields, ARRAY_LEN(fields)) || !c.realm.p || !c.nonce.p)
		return -FAIL_SYNTAX;
	if (!auth_digest_alg_parse(c.algorithm, &c.alg) || !read_qop(qop, &c.qop))
		return -FAIL_PROTOCOL;
	/* RFC 3261 22.4 (8): -sess requires "that the qop directive be sent"; RFC 8760 2.6 (8): "If
	 * the qop parameter is not specified, then the default value is auth." */
	if (auth_digest_sess(c.alg) && !c.qop)
		c.qop = AUTH_QOP_AUTH;
	c.stale = str_ieq(stale, STR("true"));
	c.userhash = str_ieq(userhash, STR("true"));
	*out = c;
	return 0;
}

void auth_digest_challenge_write(struct buf *b, const struct auth_digest_challenge *c)
{
	static const char *const qop[] = { NULL, "auth", "auth-int", "auth,auth-int" };

	buf_addf(b, "Digest realm=");
	sip_quote(b, c->realm);
	buf_addf(b, ", nonce=");
	sip_quote(b, c->nonce);
	if (c->opaque.p) {
		buf_addf(b, ", opaque=");
		sip_quote(b, c->opaque);
	}
	buf_addf(b, ", algorithm=%s", auth_digest_alg_name(c->alg));
	if (c->qop)
		buf_addf(b, ", qop=\"%s\"", qop[c->qop & (AUTH_QOP_AUTH | AUTH_QOP_INT)]);
	if (c->stale)
		buf_addf(b, ", stale=true");
	if (c->userhash)
		buf_addf(b, ", userhash=true");
}
