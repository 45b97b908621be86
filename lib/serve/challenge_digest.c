/* lib/serve/challenge_digest.c -- the server's side of Digest: RFC 3261 section 22, RFC 7616, RFC
 * 8760 */
#include "serve/impl.h"

#include "sip/build.h"
#include "sip/challenge.h"

#include <string.h>

static const struct {
	enum hash_kind hash;
	const char *name;
} algorithms[] = {
	/* RFC 8760 2.4: "in the order of preference", the strongest first */
	{ HASH_SHA512_256, "SHA-512-256" },
	{ HASH_SHA256, "SHA-256" },
	{ HASH_MD5, "MD5" },
};

static bool offers(const struct serve *s, enum hash_kind hash)
{
	return s->config.digest == 0 || (s->config.digest & (1U << hash)) != 0;
}

/* Known and unknown users get the same (A80). */
void challenge_digest_write(struct serve *s, bool proxy, bool stale, struct buf *h)
{
	char nonce[AUTH_NONCE_LEN + 1];

	for (unsigned i = 0; i < ARRAY_LEN(algorithms); i++) {
		if (!offers(s, algorithms[i].hash))
			continue;
		auth_nonce_make(&s->nonce, net_now_ms(), nonce);
		buf_addf(h,
			"%s: Digest realm=\"" STR_FMT
			"\", nonce=\"%s\", algorithm=%s, qop=\"auth,auth-int\"%s\r\n",
			proxy ? "Proxy-Authenticate" : "WWW-Authenticate", STR_ARG(s->config.realm),
			nonce, algorithms[i].name, stale ? ", stale=true" : "");
	}
}

static bool is_right(struct serve *s, const struct auth_digest_answer *a, const struct sip_msg *m,
	const struct user *u)
{
	struct auth_digest who = { .user = u ? u->name : STR("nobody"),
		.realm = s->config.realm,
		.method = m->method_name,
		.body = m->body };

	if (u && u->secret.kind == CRED_PASSWORD)
		who.password = u->secret.secret;
	else if (u && u->secret.ha1_alg == auth_digest_hash(a->alg))
		who.ha1 = u->secret.secret;
	else if (u)
		return false;
	/* An unknown user costs the same computation (A80). */
	return auth_digest_answer_verify(a, &who) && u != NULL;
}

static struct user *find_user(const struct serve *s, const struct auth_digest_answer *a)
{
	struct map_iter it = map_iter(&s->users);
	struct map_node *node;

	if (!a->userhash)
		return serve_user(s, a->user);
	while ((node = map_next(&it)) != NULL)
		if (auth_digest_answer_is(a, CONTAINER_OF(node, struct user, node)->name))
			return CONTAINER_OF(node, struct user, node);
	return NULL;
}

static enum challenge_verdict judge(struct serve *s, struct transaction *t, struct sip_msg *m,
	const struct sip_hdr *h, struct str *user, struct arena *arena)
{
	struct auth_digest_answer a;
	struct sip_challenge c;
	struct fail f;
	struct user *u;

	sip_challenge_parse(h->value, &c);
	if (auth_digest_answer_parse(arena, c.params, &a, &f) != 0) {
		serve_answer(s, t, 400, str_of(f.text), STR_EMPTY);
		return CHALLENGE_BAD;
	}
	switch (auth_nonce_check(&s->nonce, a.nonce, net_now_ms())) {
	case AUTH_NONCE_FRESH:
		break;
	case AUTH_NONCE_STALE:
		/* RFC 7616 3.3: stale=true only when the answer was right but for the nonce's age.
		 */
		return is_right(s, &a, m, find_user(s, &a)) ? CHALLENGE_STALE : CHALLENGE_NONE;
	default:
		return CHALLENGE_NONE;
	}
	u = find_user(s, &a);
	if (!offers(s, auth_digest_hash(a.alg)) || !is_right(s, &a, m, u))
		return CHALLENGE_NONE;
	if (auth_nonce_use(&s->nonce, a.nonce, a.nc, net_now_ms()) == AUTH_NONCE_REPLAYED)
		return CHALLENGE_STALE;
	*user = u->name;
	return CHALLENGE_GOOD;
}

enum challenge_verdict challenge_digest_judge(struct serve *s, struct transaction *t,
	struct sip_msg *m, bool proxy, struct str *user, struct arena *arena)
{
	enum sip_hdr_id id = proxy ? SIP_HDR_PROXY_AUTHORIZATION : SIP_HDR_AUTHORIZATION;
	struct sip_challenge c;
	struct sip_param realm;

	for (const struct sip_hdr *h = sip_msg_hdr(m, id); h; h = sip_msg_hdr_next(m, h))
		if (sip_challenge_parse(h->value, &c) && str_ieq(c.scheme, STR("Digest")) &&
			sip_challenge_get(c.params, "realm", &realm) &&
			str_eq(realm.value, s->config.realm))
			return judge(s, t, m, h, user, arena);
	return CHALLENGE_NONE;
}
