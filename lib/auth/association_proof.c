/* lib/auth/association_proof.c -- the header value that signs a message, read */
#include "auth/association.h"

#include "auth/fields.h"
#include "base/scan.h"
#include "sip/challenge.h"
#include "sip/param.h"

enum {
	RAND_MAX_DIGITS = 8, /* 32 bits */
	NUM_MAX_DIGITS = 10,
	MIC_MAX_DIGITS = 2 * ASSOCIATION_MIC_MAX,
};

static bool is_hex(struct str s, size_t max)
{
	return s.n > 0 && s.n <= max && scan_past(s.p, s.p + s.n, CH_HEX) == s.p + s.n;
}

static bool is_scheme(struct str s, struct str *out)
{
	if (str_ieq(s, STR("NTLM")))
		*out = STR("NTLM");
	else if (str_ieq(s, STR("Kerberos")))
		*out = STR("Kerberos");
	else
		return false;
	return true;
}

/* The signature and what it needs come together or not at all; without one there is a token: the
 * first requests of a handshake, in versions 2 and 3 all of them. */
static bool is_whole(const struct association_proof *p)
{
	uint32_t n;

	if (!p->realm.p || !p->targetname.p)
		return false;
	if (!p->rand.p && !p->num.p && !p->mic.p)
		return p->gssapi_data.p != NULL;
	return is_hex(p->rand, RAND_MAX_DIGITS) && p->num.n <= NUM_MAX_DIGITS &&
	       str_u32(p->num, &n) && n != 0 && is_hex(p->mic, MIC_MAX_DIGITS) && p->mic.n % 2 == 0;
}

bool association_proof_read(
	struct arena *t, struct str value, bool client_proof, struct association_proof *out)
{
	struct association_proof p = { 0 };
	struct str qop = { 0 };
	const struct auth_field fields[] = {
		{ "realm", &p.realm },
		{ "targetname", &p.targetname },
		{ "opaque", &p.opaque },
		{ client_proof ? "crand" : "srand", &p.rand },
		{ client_proof ? "cnum" : "snum", &p.num },
		{ client_proof ? "response" : "rspauth", &p.mic },
		{ "gssapi-data", &p.gssapi_data },
		{ "version", &p.version },
		{ "qop", &qop },
	};
	struct sip_challenge c;

	/* Authentication-Info of these schemes begins with their name, which that of RFC 7616 does
	 * not. */
	if (!sip_challenge_parse(value, &c) || !is_scheme(c.scheme, &p.scheme) ||
		!auth_fields_verbatim(t, c.params, fields, ARRAY_LEN(fields)) || !is_whole(&p) ||
		(qop.p && !str_ieq(qop, STR("auth"))))
		return false;
	*out = p;
	return true;
}

/* Do they mean the same, whatever is written with a backslash? */
static bool same_text(struct str a, struct str b)
{
	size_t i = 0, k = 0;

	while (i < a.n && k < b.n) {
		i += a.p[i] == '\\' && i + 1 < a.n;
		k += b.p[k] == '\\' && k + 1 < b.n;
		if (a.p[i++] != b.p[k++])
			return false;
	}
	return i == a.n && k == b.n;
}

/* The authentication target: without the service of a Kerberos principal. */
static struct str target(struct str name)
{
	return str_istarts(name, STR("sip/")) ? str_sub(name, 4, name.n) : name;
}

bool association_is_alike(const struct association *a, const struct association *b)
{
	return same_text(association_realm(a), association_realm(b)) &&
	       str_ieq(target(association_targetname(a)), target(association_targetname(b)));
}

bool association_is_for(const struct association *a, const struct association_proof *p)
{
	struct str opaque = association_opaque(a);

	return str_ieq(str_of(association_scheme(a)), p->scheme) &&
	       same_text(association_realm(a), p->realm) &&
	       str_ieq(target(association_targetname(a)), target(p->targetname)) &&
	       (!opaque.n || !p->opaque.n || same_text(opaque, p->opaque));
}
