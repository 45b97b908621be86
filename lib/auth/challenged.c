/* lib/auth/challenged.c -- a 401 or 407 arrived: which of its challenges is answered, or why none.
 * RFC 8760 section 2.4, RFC 3261 sections 22.2 and 22.3. */
#include "auth/handshake.h"
#include "auth/offers.h"
#include "sip/warning.h"

#include <stdio.h>

/* What became of a side; of several failures the lowest one is told. */
enum outcome { ANSWERED, BROKEN, NO_SECRET, NO_COMMON, WRONG_REALM, REFUSED, TOO_MANY, OUTCOMES };

struct pick {
	const struct auth_scheme *scheme;
	const struct auth_offer *offer;
	const struct cred *cred;
};

static bool is_microsoft(struct str scheme)
{
	return str_ieq(scheme, STR("NTLM")) || str_ieq(scheme, STR("Kerberos")) ||
	       str_ieq(scheme, STR("TLS-DSK"));
}

/* May this scheme be tried at all? Never Digest for a challenge that offers Microsoft's schemes,
 * unless the user named it: it would be a step down that nobody asked for. Nor a security
 * association over UDP, which repeats what may be said only once. */
static bool may_try(const struct auth *a, const struct auth_exchange *x,
	const struct auth_offers *o, const struct auth_scheme *scheme)
{
	if (x->excluded & 1U << scheme->id || (scheme->signs && x->datagram))
		return false;
	if (scheme->signs || a->config.scheme_count > 0)
		return true;
	for (const struct auth_offer *it = o->list; it < o->list + o->n; it++) {
		if (is_microsoft(it->c.scheme))
			return false;
	}
	return true;
}

/* The topmost challenge of first's side that the best scheme can answer. */
static enum outcome choose(const struct auth *a, struct auth_exchange *x,
	const struct auth_offers *o, struct auth_offer *first, struct pick *out)
{
	const struct auth_side *side = auth_exchange_side(x, first->proxy, first->realm);
	const struct auth_scheme *begun =
		side && side->handshake && !side->handshake->sent ? side->session->scheme : NULL;
	struct arena *t = &x->arena;
	enum outcome outcome = NO_COMMON;

	for (unsigned rank = 0; rank < AUTH_SCHEMES; rank++) {
		const struct auth_scheme *scheme = auth_scheme_allowed(a, rank);

		if (scheme && (!may_try(a, x, o, scheme) || (begun && scheme != begun)))
			continue;
		for (struct auth_offer *it = first; scheme && it < o->list + o->n; it++) {
			const struct cred *cred;
			enum auth_fit fit;

			if (!auth_offers_alike(it, first) ||
				!str_ieq(it->c.scheme, str_of(scheme->name)))
				continue;
			fit = scheme->fit(a, t, &it->c, &cred);
			if (fit == AUTH_FITS) {
				*out = (struct pick){ scheme, it, cred };
				return ANSWERED;
			}
			it->malformed = fit == AUTH_FIT_MALFORMED;
			if (fit == AUTH_FIT_NO_SECRET)
				outcome = NO_SECRET;
		}
	}
	return outcome;
}

/* For events and prompts: what this side offers. */
static void describe(const struct auth *a, struct auth_exchange *x, const struct auth_offers *o,
	const struct auth_offer *first)
{
	struct auth_info *info = &x->info;

	*info = (struct auth_info){
		.scheme = "",
		.chosen = "",
		.realm = first->realm,
		.user = a->config.user,
		.proxy = first->proxy,
	};
	info->offered_count =
		auth_offers_names(&x->arena, o, first, info->offered, ARRAY_LEN(info->offered));
}

/* RFC 3261 22.1: a UAC "MUST NOT re-attempt requests with the credentials that have just been
 * rejected (though the request may be retried if the nonce was stale)". */
static bool is_refused(struct arena *t, const struct auth_side *side, const struct pick *pick)
{
	if (!side || !side->answered || !side->sent)
		return false;
	return !pick->scheme || pick->scheme != side->session->scheme ||
	       pick->scheme->refused(t, side, &pick->offer->c);
}

/* 1.10 of microsoft-auth.md: after a refusal one other scheme may be tried, and that is all, or an
 * account is locked. */
static bool fall_back(const struct auth *a, struct auth_exchange *x, const struct auth_offers *o,
	struct auth_offer *first, struct auth_side *side, struct pick *out)
{
	const struct auth_scheme *refused = side->session->scheme;

	if (!refused->signs || x->fell_back)
		return false;
	x->excluded |= 1U << refused->id;
	if (choose(a, x, o, first, out) != ANSWERED)
		return false;
	auth_trace(a, refused->name, first->realm, "refused", str_of(out->scheme->name));
	x->fell_back = true;
	side->answered = 0;
	side->sent = NULL;
	return true;
}

static enum outcome answer(struct auth *a, struct auth_exchange *x, const struct auth_offers *o,
	struct auth_offer *first, uint64_t now_ms, struct fail *f)
{
	struct auth_side *side = auth_exchange_side(x, first->proxy, first->realm);
	struct auth_session *s;
	struct pick pick = { 0 };
	enum outcome outcome;

	if (a->config.realm.n && !str_eq(a->config.realm, first->realm))
		return WRONG_REALM;
	outcome = choose(a, x, o, first, &pick);
	if (is_refused(&x->arena, side, &pick)) {
		if (!fall_back(a, x, o, first, side, &pick))
			return REFUSED;
		outcome = ANSWERED;
	}
	if (outcome != ANSWERED)
		return outcome;
	s = auth_session_get(a, pick.scheme, first->proxy, first->realm);
	side = s ? auth_exchange_add(x, s) : NULL;
	if (!side)
		return TOO_MANY;
	side->answered++;
	s->armed = false;
	describe(a, x, o, first);
	x->info.scheme = auth_scheme_name(pick.scheme->id);
	x->info.user = arena_str(&x->arena, pick.cred->user);
	x->info.source = pick.cred->source;
	x->info.signs = pick.scheme->signs;
	if (pick.scheme->challenged(a, side, &pick.offer->c, now_ms, &x->info, f) != 0)
		return BROKEN;
	auth_trace(a, pick.scheme->name, first->realm, x->info.stale ? "stale" : "challenged",
		str_of(x->info.step ? x->info.step : x->info.chosen));
	return ANSWERED;
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

/* What a peer may choose at any length, cut so that the sentence keeps its end. */
static struct str brief(struct str s)
{
	return str_sub(s, 0, 60);
}

/* Would it have been answered over a stream? */
static bool wants_stream(const struct auth *a, const struct auth_exchange *x,
	const struct auth_offers *o, const struct auth_offer *first)
{
	for (unsigned rank = 0; x->datagram && rank < AUTH_SCHEMES; rank++) {
		const struct auth_scheme *scheme = auth_scheme_allowed(a, rank);

		for (const struct auth_offer *it = first;
			scheme && scheme->signs && it < o->list + o->n; it++)
			if (auth_offers_alike(it, first) &&
				str_ieq(it->c.scheme, str_of(scheme->name)))
				return true;
	}
	return false;
}

static int fail_common(const struct auth *a, struct auth_exchange *x, const struct auth_offers *o,
	const struct auth_offer *first, struct fail *f)
{
	CLEANUP(buf_done) struct buf with = BUF_INIT(SIP_MESSAGE_MAX), allowed = BUF_INIT(200);
	bool digest = auth_offers_write(&x->arena, o, first, &with);
	bool some = add_allowed(a, &allowed, digest);

	if (wants_stream(a, x, o, first)) {
		x->cause = AUTH_NO_COMMON_SCHEME;
		return fail_set(f, -FAIL_AUTH,
			"challenged by realm \"" STR_FMT "\" with " STR_FMT
			", which needs TCP or TLS",
			STR_ARG(brief(first->realm)), STR_ARG(brief(buf_str(&with))));
	}
	/* cli.md section 11: to allow none at all is to have no credentials. */
	x->cause = some ? AUTH_NO_COMMON_SCHEME : AUTH_MISSING_CREDENTIALS;
	return fail_set(f, some ? -FAIL_AUTH : -FAIL_CREDENTIALS,
		"challenged by realm \"" STR_FMT "\" with " STR_FMT "; allowed: %s",
		STR_ARG(brief(first->realm)), STR_ARG(brief(buf_str(&with))),
		some ? buf_cstr(&allowed) : "none");
}

static int fail_secret(const struct auth *a, struct auth_exchange *x,
	const struct auth_offer *first, struct fail *f)
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
		"no password for realm \"" STR_FMT "\"%s" STR_FMT "%s%s%s",
		STR_ARG(brief(first->realm)), user.n ? " (user \"" : "", STR_ARG(brief(user)),
		user.n ? "\")" : "", other ? "; there is an HA1, but for " : "",
		other ? other : "");
}

/* By how much the server's clock differs from ours, when it is more than the scheme stands (AU-08):
 * 15 minutes for NTLM, 5 for Kerberos. */
static bool is_skewed(
	const struct auth *a, const struct auth_side *side, const struct sip_msg *m, uint64_t *by_s)
{
	int64_t theirs, ours = (int64_t)((a->config.epoch_ms + a->now_ms) / 1000), limit;

	if (!side || !side->session->scheme->signs ||
		!sip_date_parse(sip_msg_value(m, SIP_HDR_DATE), &theirs))
		return false;
	limit = side->session->scheme->id == AUTH_NTLM ? 15 * 60 : 5 * 60;
	*by_s = (uint64_t)(theirs > ours ? theirs - ours : ours - theirs);
	return *by_s > (uint64_t)limit;
}

/* Of what this side said last; `how` it failed. */
static int fail_refused(const struct auth *a, struct auth_exchange *x, const struct sip_msg *m,
	const struct auth_offer *first, const char *how, struct fail *f)
{
	const struct auth_side *side = auth_exchange_side(x, first->proxy, first->realm);
	const struct auth_sent *sent = side ? side->sent : NULL;
	uint64_t skew;

	x->cause = AUTH_INVALID_CREDENTIALS;
	if (sent && is_skewed(a, side, m, &skew)) {
		x->cause = AUTH_SKEWED_CLOCK;
		return fail_set(f, -FAIL_AUTH,
			"%u " STR_FMT " %s: the server's clock is %llu s away from ours (realm "
			"\"" STR_FMT "\", user \"" STR_FMT "\", %s)",
			m->status, STR_ARG(brief(m->reason)), how, (unsigned long long)skew,
			STR_ARG(brief(first->realm)), STR_ARG(brief(sent->user)), sent->how);
	}
	if (!sent)
		return fail_set(f, -FAIL_AUTH, "%u " STR_FMT " %s (realm \"" STR_FMT "\")",
			m->status, STR_ARG(brief(m->reason)), how, STR_ARG(brief(first->realm)));
	return fail_set(f, -FAIL_AUTH,
		"%u " STR_FMT " %s (realm \"" STR_FMT "\", user \"" STR_FMT "\", %s)", m->status,
		STR_ARG(brief(m->reason)), how, STR_ARG(brief(first->realm)),
		STR_ARG(brief(sent->user)), sent->how);
}

/* A34 and A35: a server may ask for ever, with or without calling every nonce stale. */
static int fail_rounds(const struct auth *a, struct auth_exchange *x, const struct sip_msg *m,
	const struct auth_offer *first, bool stale, struct fail *f)
{
	char how[64];

	snprintf(how, sizeof(how), "after %u answers%s", x->rounds,
		stale ? ", every nonce stale" : "");
	return fail_refused(a, x, m, first, how, f);
}

static int fail_empty(
	struct auth_exchange *x, const struct sip_msg *m, bool malformed, struct fail *f)
{
	bool sent = auth_exchange_sent(x);

	x->cause = sent ? AUTH_INVALID_CREDENTIALS : AUTH_NO_COMMON_SCHEME;
	return fail_set(f, -FAIL_AUTH, "%u " STR_FMT " %s%s", m->status, STR_ARG(brief(m->reason)),
		malformed ? "with a malformed challenge" : "without a challenge",
		sent ? " after credentials were sent" : "");
}

static int fail_limit(const struct auth *a, struct fail *f)
{
	if (a->session_count == AUTH_SESSIONS)
		return fail_set(f, -FAIL_LIMIT, "more than %d realms have challenged this endpoint",
			AUTH_SESSIONS);
	return fail_set(
		f, -FAIL_LIMIT, "more than %d realms have challenged this request", AUTH_SIDES);
}

static int report(const struct auth *a, struct auth_exchange *x, const struct sip_msg *m,
	const struct auth_offers *o, const struct auth_offer *first, enum outcome outcome,
	struct fail *f)
{
	auth_trace(a, "", first->realm, "unanswered", STR_EMPTY);
	describe(a, x, o, first);
	switch (outcome) {
	case NO_SECRET:
		return fail_secret(a, x, first, f);
	case REFUSED:
		return fail_refused(a, x, m, first, "after credentials were sent", f);
	case WRONG_REALM:
		x->cause = AUTH_MISSING_CREDENTIALS;
		return fail_set(f, -FAIL_CREDENTIALS,
			"challenged by realm \"" STR_FMT "\"; only realm \"" STR_FMT
			"\" is answered",
			STR_ARG(brief(first->realm)), STR_ARG(brief(a->config.realm)));
	case TOO_MANY:
		return fail_limit(a, f);
	default:
		return fail_common(a, x, o, first, f);
	}
}

/* The scheme itself could not go on: the server's token is malformed or too weak. */
static int fail_broken(struct auth_exchange *x, struct fail *f)
{
	x->cause = f->code == -FAIL_CREDENTIALS ? AUTH_MISSING_CREDENTIALS
		   : f->code == -FAIL_AUTH      ? AUTH_NO_COMMON_SCHEME
						: AUTH_CAUSE_NONE;
	return f->code;
}

int auth_challenged(struct auth *a, struct auth_exchange *x, const struct sip_msg *response,
	uint64_t now_ms, struct fail *f)
{
	struct auth_offers o = auth_offers_read(&x->arena, response);
	const struct auth_offer *worst[OUTCOMES] = { NULL }; /* the first side of each outcome */
	bool stale = x->info.stale; /* in the round before */

	x->info = (struct auth_info){ .scheme = "", .chosen = "" };
	x->cause = AUTH_CAUSE_NONE;
	a->now_ms = now_ms;
	if (o.n == 0)
		return fail_empty(x, response, o.malformed, f);
	if (x->rounds == AUTH_ROUNDS)
		return fail_rounds(a, x, response, o.list, stale, f);
	for (struct auth_offer *first = o.list; first < o.list + o.n; first++) {
		enum outcome outcome;

		if (first->done)
			continue;
		for (struct auth_offer *it = first; it < o.list + o.n; it++)
			it->done = it->done || auth_offers_alike(it, first);
		outcome = answer(a, x, &o, first, now_ms, f);
		if (outcome == BROKEN)
			return fail_broken(x, f);
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
