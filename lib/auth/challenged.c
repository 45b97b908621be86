/* lib/auth/challenged.c -- a 401 or 407 arrived: which of its challenges is answered, or why none.
 * RFC 8760 section 2.4, RFC 3261 sections 22.2 and 22.3. */
#include "auth/fields.h"
#include "auth/scheme.h"

#include <stdio.h>

/* One challenge. Those of one side (proxy or not, realm) are alternatives. */
struct offer {
	struct sip_challenge c;
	struct str realm; /* unescaped */
	bool proxy;
	bool done; /* its side has been looked at */
};

struct offers {
	struct offer *list;
	size_t n;
	bool malformed; /* others could not be read */
};

/* What became of a side; of several failures the lowest one is told. */
enum outcome { ANSWERED, NO_SECRET, NO_COMMON, WRONG_REALM, REFUSED, TOO_MANY, OUTCOMES };

static bool read_offer(struct arena *t, const struct sip_hdr *h, struct offer *out)
{
	struct offer o = { .proxy = h->id == SIP_HDR_PROXY_AUTHENTICATE };
	const struct auth_field realm = { "realm", &o.realm };

	if (!sip_challenge_parse(h->value, &o.c) || !auth_fields_read(t, o.c.params, &realm, 1) ||
		!o.realm.p)
		return false;
	*out = o;
	return true;
}

/* In the order of the message, which is the server's preference (RFC 8760 2.3). */
static struct offers gather(struct arena *t, const struct sip_msg *m)
{
	struct offers o = { .list = arena_zalloc(t, m->hdr_count * sizeof(struct offer)) };

	for (unsigned i = 0; i < m->hdr_count; i++) {
		const struct sip_hdr *h = &m->hdrs[i];
		if (h->id != SIP_HDR_WWW_AUTHENTICATE && h->id != SIP_HDR_PROXY_AUTHENTICATE)
			continue;
		if (read_offer(t, h, &o.list[o.n]))
			o.n++;
		else
			o.malformed = true;
	}
	return o;
}

static bool same_side(const struct offer *a, const struct offer *b)
{
	return a->proxy == b->proxy && str_eq(a->realm, b->realm);
}

struct pick {
	const struct auth_scheme *scheme;
	const struct offer *offer;
	const struct cred *cred;
};

/* The topmost challenge of first's side that the best scheme can answer. */
static enum outcome choose(const struct auth *a, struct arena *t, const struct offers *o,
	const struct offer *first, struct pick *out)
{
	enum outcome outcome = NO_COMMON;

	for (unsigned rank = 0; rank < AUTH_SCHEMES; rank++) {
		const struct auth_scheme *scheme = auth_scheme_allowed(a, rank);
		for (const struct offer *it = first; scheme && it < o->list + o->n; it++) {
			const struct cred *cred;
			enum auth_fit fit;

			if (!same_side(it, first) || !str_ieq(it->c.scheme, str_of(scheme->name)))
				continue;
			fit = scheme->fit(a, t, &it->c, &cred);
			if (fit == AUTH_FITS) {
				*out = (struct pick){ scheme, it, cred };
				return ANSWERED;
			}
			if (fit == AUTH_FIT_NO_SECRET)
				outcome = NO_SECRET;
		}
	}
	return outcome;
}

/* What a challenge offers: its algorithm if it is Digest's, else its scheme. */
static struct str offered(struct arena *t, const struct offer *o, bool *digest)
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

static const char *event_name(struct arena *t, const struct offer *o)
{
	enum auth_digest_alg alg;
	bool digest;
	struct str s = offered(t, o, &digest), low;

	if (digest && auth_digest_alg_parse(s, &alg))
		return auth_digest_base_name(alg);
	low = arena_str(t, s);
	for (size_t i = 0; i < low.n; i++)
		((char *)low.p)[i] = str_lower(low.p[i]);
	return low.p;
}

/* For events and prompts: what this side offers. */
static void describe(const struct auth *a, struct auth_exchange *x, const struct offers *o,
	const struct offer *first)
{
	struct auth_info *info = &x->info;

	*info = (struct auth_info){
		.scheme = "",
		.chosen = "",
		.realm = first->realm,
		.user = a->config.user,
		.proxy = first->proxy,
	};
	for (const struct offer *it = first; it < o->list + o->n; it++) {
		if (same_side(it, first) && info->offered_count < ARRAY_LEN(info->offered))
			info->offered[info->offered_count++] = event_name(&x->arena, it);
	}
}

/* RFC 3261 22.1: a UAC "MUST NOT re-attempt requests with the credentials that have just been
 * rejected (though the request may be retried if the nonce was stale)". */
static bool is_refused(struct arena *t, const struct auth_side *side, const struct pick *pick)
{
	if (!side || !side->answered || !side->sent)
		return false;
	return !pick->scheme || pick->scheme != side->session->scheme ||
	       pick->scheme->refused(t, side->sent, &pick->offer->c);
}

static enum outcome answer(struct auth *a, struct auth_exchange *x, const struct offers *o,
	const struct offer *first, uint64_t now_ms)
{
	struct auth_side *side = auth_exchange_side(x, first->proxy, first->realm);
	struct auth_session *s;
	struct pick pick = { 0 };
	enum outcome outcome;

	if (a->config.realm.n && !str_eq(a->config.realm, first->realm))
		return WRONG_REALM;
	outcome = choose(a, &x->arena, o, first, &pick);
	if (is_refused(&x->arena, side, &pick))
		return REFUSED;
	if (outcome != ANSWERED)
		return outcome;
	s = auth_session_get(a, pick.scheme, first->proxy, first->realm);
	side = s ? auth_exchange_add(x, s) : NULL;
	if (!side)
		return TOO_MANY;
	side->answered++;
	describe(a, x, o, first);
	x->info.scheme = auth_scheme_name(pick.scheme->id);
	x->info.user = arena_str(&x->arena, pick.cred->user);
	x->info.source = pick.cred->source;
	pick.scheme->challenged(s, &pick.offer->c, now_ms, &x->info);
	auth_trace(a, pick.scheme->name, first->realm, x->info.stale ? "stale" : "challenged",
		str_of(x->info.chosen));
	return ANSWERED;
}

/* "Basic, Digest CHACHA123": all that this side offers, for people. */
static bool add_offered(
	struct arena *t, struct buf *b, const struct offers *o, const struct offer *first)
{
	const char *sep = "";
	bool any = false;

	for (const struct offer *it = first; it < o->list + o->n; it++) {
		bool digest;
		struct str s = offered(t, it, &digest);

		if (!same_side(it, first))
			continue;
XX
		sep = ", ";
		any = any || digest;
	}
	return any;
}

/* "digest (sha-256, md5)". False when no scheme is allowed. */
static bool add_allowed(const struct auth *a, struct buf *b, bool algorithms)
{
	static const enum auth_digest_alg algs[] = { AUTH_SHA512_256, AUTH_SHA256, AUTH_MD5 };
	const char *sep = "";

	for (unsigned rank = 0; rank < AUTH_SCHEMES; rank++) {
		const struct auth_scheme *scheme = auth_scheme_allowed(a, rank);
		const char *open = " (";

		if (!scheme)
			continue;
		buf_addf(b, "%s%s", sep, auth_scheme_name(scheme->id));
		sep = ", ";
		if (scheme->id != AUTH_DIGEST || !algorithms)
			continue;
		for (size_t i = 0; i < ARRAY_LEN(algs); i++) {
			if (a->config.digest &&
				!(a->config.digest & 1U << auth_digest_hash(algs[i])))
				continue;
			buf_addf(b, "%s%s", open, auth_digest_base_name(algs[i]));
			open = ", ";
		}
		buf_add_char(b, ')');
	}
	return *sep;
}

static int fail_common(const struct auth *a, struct auth_exchange *x, const struct offers *o,
	const struct offer *first, struct fail *f)
{
	CLEANUP(buf_done) struct buf with = BUF_INIT(100), allowed = BUF_INIT(100);
	bool digest = add_offered(&x->arena, &with, o, first);
	bool some = add_allowed(a, &allowed, digest);

	/* cli.md section 11: to allow none at all is to have no credentials. */
	x->cause = some ? AUTH_NO_COMMON_SCHEME : AUTH_MISSING_CREDENTIALS;
	return fail_set(f, some ? -FAIL_AUTH : -FAIL_CREDENTIALS,
		"challenged by realm \"" STR_FMT "\" with %s; allowed: %s", STR_ARG(first->realm),
		buf_cstr(&with), some ? buf_cstr(&allowed) : "none");
}

static int fail_secret(
	const struct auth *a, struct auth_exchange *x, const struct offer *first, struct fail *f)
{
	static const enum auth_digest_alg algs[] = { AUTH_MD5, AUTH_SHA256, AUTH_SHA512_256 };
	const char *other = NULL; /* an HA1 that does not help */
	struct str user = a->config.user;

	for (size_t i = 0; i < ARRAY_LEN(algs); i++) {
		if (cred_store_find(a->config.creds, first->realm, user, auth_digest_hash(algs[i])))
			other = auth_digest_alg_name(algs[i]);
	}
	x->cause = AUTH_MISSING_CREDENTIALS;
	return fail_set(f, -FAIL_CREDENTIALS,
		"no password for realm \"" STR_FMT "\"%s" STR_FMT "%s%s%s", STR_ARG(first->realm),
		user.n ? " (user \"" : "", STR_ARG(user), user.n ? "\")" : "",
		other ? "; there is an HA1, but for " : "", other ? other : "");
}

/* Of what this side said last; `how` it failed. */
static int fail_refused(struct auth_exchange *x, const struct sip_msg *m, const struct offer *first,
	const char *how, struct fail *f)
{
	const struct auth_side *side = auth_exchange_side(x, first->proxy, first->realm);
	const struct auth_sent *sent = side ? side->sent : NULL;

	x->cause = AUTH_INVALID_CREDENTIALS;
	if (!sent)
		return fail_set(f, -FAIL_AUTH, "%u " STR_FMT " %s (realm \"" STR_FMT "\")",
			m->status, STR_ARG(m->reason), how, STR_ARG(first->realm));
	return fail_set(f, -FAIL_AUTH,
		"%u " STR_FMT " %s (realm \"" STR_FMT "\", user \"" STR_FMT "\", %s)", m->status,
		STR_ARG(m->reason), how, STR_ARG(first->realm), STR_ARG(sent->user), sent->how);
}

/* A34 and A35: a server may ask for ever, with or without calling every nonce stale. */
static int fail_rounds(struct auth_exchange *x, const struct sip_msg *m, const struct offer *first,
	bool stale, struct fail *f)
{
	char how[64];

	snprintf(how, sizeof(how), "after %u answers%s", x->rounds,
		stale ? ", every nonce stale" : "");
	return fail_refused(x, m, first, how, f);
}

static int fail_empty(
	struct auth_exchange *x, const struct sip_msg *m, bool malformed, struct fail *f)
{
	bool sent = auth_exchange_sent(x);

	x->cause = sent ? AUTH_INVALID_CREDENTIALS : AUTH_NO_COMMON_SCHEME;
	return fail_set(f, -FAIL_AUTH, "%u " STR_FMT " %s%s", m->status, STR_ARG(m->reason),
		malformed ? "with a malformed challenge" : "without a challenge",
		sent ? " after credentials were sent" : "");
}

static int report(const struct auth *a, struct auth_exchange *x, const struct sip_msg *m,
	const struct offers *o, const struct offer *first, enum outcome outcome, struct fail *f)
{
	auth_trace(a, "", first->realm, "unanswered", STR_EMPTY);
	describe(a, x, o, first);
	switch (outcome) {
	case NO_SECRET:
		return fail_secret(a, x, first, f);
	case REFUSED:
		return fail_refused(x, m, first, "after credentials were sent", f);
	case WRONG_REALM:
		x->cause = AUTH_MISSING_CREDENTIALS;
		return fail_set(f, -FAIL_CREDENTIALS,
			"challenged by realm \"" STR_FMT "\"; only realm \"" STR_FMT
			"\" is answered",
			STR_ARG(first->realm), STR_ARG(a->config.realm));
	case TOO_MANY:
		return fail_set(
			f, -FAIL_LIMIT, "more realms than %d have challenged", AUTH_SESSIONS);
	default:
		return fail_common(a, x, o, first, f);
	}
}

int auth_challenged(struct auth *a, struct auth_exchange *x, const struct sip_msg *response,
	uint64_t now_ms, struct fail *f)
{
	struct offers o = gather(&x->arena, response);
	const struct offer *worst[OUTCOMES] = { NULL }; /* the first side of each outcome */
	bool stale = x->info.stale; /* in the round before */

	x->info = (struct auth_info){ .scheme = "", .chosen = "" };
	x->cause = AUTH_CAUSE_NONE;
	if (o.n == 0)
		return fail_empty(x, response, o.malformed, f);
	if (x->rounds == AUTH_ROUNDS)
		return fail_rounds(x, response, o.list, stale, f);
	for (struct offer *first = o.list; first < o.list + o.n; first++) {
		enum outcome outcome;

		if (first->done)
			continue;
		for (struct offer *it = first; it < o.list + o.n; it++)
			it->done = it->done || same_side(it, first);
		outcome = answer(a, x, &o, first, now_ms);
		if (outcome == REFUSED)
			return report(a, x, response, &o, first, REFUSED, f);
		if (!worst[outcome])
			worst[outcome] = first;
	}
	if (worst[ANSWERED]) {
		x->rounds++;
		return 0;
	}
	for (enum outcome i = NO_SECRET; i < OUTCOMES; i++) {
		if (worst[i])
			return report(a, x, response, &o, worst[i], i, f);
	}
	return fail_empty(x, response, o.malformed, f);
}
