/* lib/auth/offers.c -- the challenges of one response, and what they are called */
#include "auth/offers.h"

#include "auth/digest.h"
#include "auth/fields.h"

static bool read_one(struct arena *t, const struct sip_hdr *h, struct auth_offer *out)
{
	struct auth_offer o = { .proxy = h->id == SIP_HDR_PROXY_AUTHENTICATE };
	const struct auth_field realm = { "realm", &o.realm };

	if (!sip_challenge_parse(h->value, &o.c) || !auth_fields_read(t, o.c.params, &realm, 1) ||
		!o.realm.p)
		return false;
	*out = o;
	return true;
}

struct auth_offers auth_offers_read(struct arena *t, const struct sip_msg *m)
{
	struct auth_offers o = { .list = arena_zalloc(t, m->hdr_count * sizeof(*o.list)) };

	for (unsigned i = 0; i < m->hdr_count; i++) {
		const struct sip_hdr *h = &m->hdrs[i];

		if (h->id != SIP_HDR_WWW_AUTHENTICATE && h->id != SIP_HDR_PROXY_AUTHENTICATE)
			continue;
		if (read_one(t, h, &o.list[o.n]))
			o.n++;
		else
			o.malformed = true;
	}
	return o;
}

bool auth_offers_alike(const struct auth_offer *a, const struct auth_offer *b)
{
	return a->proxy == b->proxy && str_eq(a->realm, b->realm);
}

/* What a challenge offers: its algorithm if it is Digest's, else its scheme. */
static struct str name(struct arena *t, const struct auth_offer *o, bool *digest)
{
	struct str algorithm = { 0 };
	const struct auth_field field = { "algorithm", &algorithm };

	*digest = str_ieq(o->c.scheme, STR("Digest"));
	if (!*digest)
		return o->c.scheme;
	if (!auth_fields_read(t, o->c.params, &field, 1) || algorithm.n == 0)
		return STR("MD5");
	return algorithm;
}

static const char *event_name(struct arena *t, const struct auth_offer *o)
{
	enum auth_digest_alg alg;
	bool digest;
	struct str s = name(t, o, &digest);
	char *low;

	if (digest && auth_digest_alg_parse(s, &alg))
		return auth_digest_base_name(alg);
	low = arena_zalloc(t, s.n + 1);
	for (size_t i = 0; i < s.n; i++)
		low[i] = str_lower(s.p[i]);
	return low;
}

unsigned auth_offers_names(struct arena *t, const struct auth_offers *o,
	const struct auth_offer *first, const char **names, unsigned max)
{
	unsigned n = 0;

	for (const struct auth_offer *it = first; n < max && it < o->list + o->n; it++) {
		if (auth_offers_alike(it, first))
			names[n++] = event_name(t, it);
	}
	return n;
}

bool auth_offers_write(
	struct arena *t, const struct auth_offers *o, const struct auth_offer *first, struct buf *b)
{
	const char *sep = "";
	bool any = false;

	for (const struct auth_offer *it = first; it < o->list + o->n; it++) {
		bool digest;
		struct str s = name(t, it, &digest);

		if (!auth_offers_alike(it, first))
			continue;
		if (it->malformed)
			buf_addf(b, "%smalformed " STR_FMT, sep, STR_ARG(it->c.scheme));
		else
			buf_addf(b, "%s%s" STR_FMT, sep, digest ? "Digest " : "", STR_ARG(s));
		sep = ", ";
		any = any || digest;
	}
	return any;
}
