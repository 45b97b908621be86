/* lib/auth/digest_client.c -- the scheme Digest, the side that is challenged. RFC 7616, RFC 8760,
 * RFC 3261 22.4. */
#include "auth/digest_answer.h"
#include "auth/digest_challenge.h"
#include "auth/scheme.h"
#include "base/mem.h"
#include "base/text.h"

#include <assert.h>

enum { CNONCE_LEN = 26 }; /* characters of 5 random bits each */

struct digest_session {
	struct auth_session base;
	struct arena
		arena; /* texts of the challenge; the nonce alone may change between challenges */
	struct str nonce; /* owned */
	struct str first_nonce, opaque, algorithm;
	enum auth_digest_alg alg;
	const char *qop; /* what we say: "auth", "auth-int" or "" */
	bool userhash;
	uint32_t nc; /* of the latest request with this nonce */
	char cnonce[CNONCE_LEN + 1];
};

static struct auth_session *session_new(void)
{
	return &MEM_NEW(struct digest_session)->base;
}

static void session_free(struct auth_session *s)
{
	struct digest_session *d = CONTAINER_OF(s, struct digest_session, base);

	arena_done(&d->arena);
	mem_free((char *)d->nonce.p);
	mem_free(d);
}

/* RFC 7616 3.4.1: nc counts the requests "that the client has sent with the nonce value in this
 * request": it begins again with a new nonce (A38), and with no other. */
static void set_nonce(struct digest_session *d, struct str nonce)
{
	if (d->nonce.p && str_eq(nonce, d->nonce))
		return;
	mem_free((char *)d->nonce.p);
	d->nonce = (struct str){ mem_strndup(nonce.p, nonce.n), nonce.n };
	d->nc = 0;
}

static const struct cred *find_cred(
	const struct auth *a, struct str realm, struct str user, enum auth_digest_alg alg)
{
	return cred_store_find(a->config.creds, realm, user, auth_digest_hash(alg));
}

static enum auth_fit fit(const struct auth *a, struct arena *t, const struct sip_challenge *c,
	const struct cred **cred)
{
	struct auth_digest_challenge d;
	int e = auth_digest_challenge_parse(t, c->params, &d);

	if (e)
		return e == -FAIL_SYNTAX ? AUTH_FIT_MALFORMED : AUTH_FITS_NOT;
	if (a->config.digest && !(a->config.digest & 1U << auth_digest_hash(d.alg)))
		return AUTH_FITS_NOT;
	*cred = find_cred(a, d.realm, a->config.user, d.alg);
	return *cred ? AUTH_FITS : AUTH_FIT_NO_SECRET;
}

static bool refused(struct arena *t, const struct auth_side *side, const struct sip_challenge *c)
{
	const struct auth_sent *sent = side->sent;
	struct auth_digest_challenge d;

	/* RFC 7616 3.3: with stale anything but true "the username and/or password are invalid". */
	if (auth_digest_challenge_parse(t, c->params, &d) != 0 || !d.stale)
		return true;
	/* Nor does a stale nonce lead from a better algorithm to MD5. */
	return auth_digest_hash(d.alg) == HASH_MD5 && auth_digest_hash(sent->alg) != HASH_MD5;
}

static int challenged(const struct auth *a, struct auth_side *side, const struct sip_challenge *c,
	uint64_t now_ms, struct auth_info *info, struct fail *f)
{
	struct digest_session *d = CONTAINER_OF(side->session, struct digest_session, base);
	struct auth_digest_challenge ch;
	struct arena texts = { 0 };
	int e = auth_digest_challenge_parse(&texts, c->params, &ch);

	(void)a;
	(void)now_ms;
	(void)f;
	assert(e == 0);
	(void)e;
	arena_done(&d->arena);
	d->arena = texts;
	set_nonce(d, ch.nonce);
	d->first_nonce = ch.nonce;
	d->opaque = ch.opaque;
	d->algorithm = ch.algorithm;
	d->alg = ch.alg;
	d->userhash = ch.userhash;
	/* Ruling 14: auth-int only when auth is not offered, since proxies change bodies. */
	d->qop = ch.qop & AUTH_QOP_AUTH ? "auth" : ch.qop & AUTH_QOP_INT ? "auth-int" : "";
	/* One cnonce a challenge: a -sess key is made of the first one, and nc makes each request
	 * differ. */
	text_token(d->cnonce, CNONCE_LEN);

	info->chosen = auth_digest_base_name(d->alg);
	info->qop = *d->qop ? d->qop : NULL;
	info->stale = ch.stale;
	return 0;
}

static struct str copy(struct arena *t, const char *z)
{
	return arena_str(t, str_of(z));
}

/* The inputs of the digest of what was or is being sent. */
static struct auth_digest inputs(const struct auth_session *s, const struct auth_sent *sent,
	const struct cred *c, const struct auth_request *r)
{
	struct auth_digest d = {
		.alg = sent->alg,
		.user = sent->user,
		.realm = s->realm,
		.nonce = sent->nonce,
		.first_nonce = sent->first_nonce,
		.cnonce = sent->cnonce,
		.nc = sent->nc,
		.qop = str_of(sent->qop),
		.method = r->method,
		.uri = r->uri,
		.body = r->body,
	};

	*(c->kind == CRED_HA1 ? &d.ha1 : &d.password) = c->secret;
	return d;
}

static int authorize(const struct auth *a, struct auth_side *side, const struct auth_request *r,
	struct arena *t, struct buf *b, struct fail *f)
{
	struct auth_session *s = side->session;
	struct digest_session *d = CONTAINER_OF(s, struct digest_session, base);
	const struct cred *c = find_cred(a, s->realm, a->config.user, d->alg);
	char response[AUTH_DIGEST_HEX], hidden[AUTH_DIGEST_HEX];
	struct auth_sent *n = ARENA_NEW(t, struct auth_sent);
	struct auth_digest in;

	if (!c)
		return fail_set(f, -FAIL_CREDENTIALS, "no password for realm \"" STR_FMT "\"",
			STR_ARG(s->realm));
	*n = (struct auth_sent){
		.how = auth_digest_alg_name(d->alg),
		.user = arena_str(t, c->user),
		.alg = d->alg,
		.nonce = arena_str(t, d->nonce),
		.first_nonce = arena_str(t, d->first_nonce),
		.cnonce = copy(t, d->cnonce),
		.qop = d->qop,
		.nc = ++d->nc,
	};
	in = inputs(s, n, c, r);
	auth_digest_response(&in, response);
	if (d->userhash)
		auth_digest_userhash(d->alg, n->user, s->realm, hidden);
	/* Texts are UTF-8 whether charset asks for it or not, and in the form the user typed: RFC
	 * 3261 25.1 lets a quoted string hold it, so username* is not needed. */
	auth_digest_answer_write(b, &(struct auth_digest_answer){
					    .user = d->userhash ? str_of(hidden) : n->user,
					    .realm = s->realm,
					    .nonce = n->nonce,
					    .uri = r->uri,
					    .response = str_of(response),
					    .cnonce = n->cnonce,
					    .qop = in.qop,
					    .opaque = d->opaque,
					    .algorithm = d->algorithm,
					    .nc = n->nc,
					    .userhash = d->userhash,
				    });
	side->sent = n;
	return 0;
}

/* RFC 7616 3.5. What is left out is not checked, since all of it is optional. */
static bool proven(
	const struct auth_digest_info *i, const struct auth_sent *sent, struct auth_digest *d)
{
	char hex[AUTH_DIGEST_HEX];

	/* "The cnonce value and nc value MUST be the ones for the client request to which this
	 * message is the response." */
	if (*sent->qop &&
		((i->cnonce.p && !str_eq(i->cnonce, sent->cnonce)) || (i->nc && i->nc != sent->nc)))
		return false;
	/* The server SHOULD repeat our qop; should it not, its own says what it has hashed. */
	if (i->qop.n)
		d->qop = i->qop;
	auth_digest_rspauth(d, hex);
	return auth_digest_equal(i->rspauth, hex);
}

static int accepted(const struct auth *a, struct auth_session *s, const struct auth_sent *sent,
	struct str info, const struct auth_request *r, struct str body, struct fail *f)
{
	struct digest_session *d = CONTAINER_OF(s, struct digest_session, base);
	const struct cred *c = find_cred(a, s->realm, sent->user, sent->alg);
	CLEANUP(arena_done) struct arena t = { 0 };
	struct auth_digest_info i;
	struct str params;

	if (!sip_auth_info_parse(info, &params) || !auth_digest_info_parse(&t, params, &i)) {
		auth_trace(a, digest_client.name, s->realm, "ignored",
			STR("Authentication-Info is malformed"));
		return 0;
	}
	if (i.rspauth.p && c) {
		struct auth_digest in = inputs(s, sent, c, r);
		in.body = body;
		if (!proven(&i, sent, &in))
			return fail_set(f, -FAIL_AUTH,
				"the server's proof (rspauth) is wrong: it may not know "
				"the password (realm \"" STR_FMT "\")",
				STR_ARG(s->realm));
		auth_trace(a, digest_client.name, s->realm, "proven", STR("rspauth is right"));
	}
	if (i.nextnonce.p) {
		/* The client "SHOULD use it when constructing the Authorization header field for
		 * its next request". */
		set_nonce(d, i.nextnonce);
		s->armed = true;
		auth_trace(a, digest_client.name, s->realm, "nextnonce", STR_EMPTY);
	}
	return 0;
}

const struct auth_scheme digest_client = {
	.id = AUTH_DIGEST,
	.name = "Digest",
	.session_new = session_new,
	.session_free = session_free,
	.fit = fit,
	.refused = refused,
	.challenged = challenged,
	.authorize = authorize,
	.accepted = accepted,
};
