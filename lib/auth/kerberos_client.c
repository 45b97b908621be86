/* lib/auth/kerberos_client.c -- the scheme Kerberos, the side that is challenged: a ticket for the
 * challenge's target, then one token. microsoft-auth.md sections 1.3 and 3, rulings 15 and 17 */
#include "auth/handshake.h"
#include "base/mem.h"

/* Ruling 17: the default credential is the ticket cache. */
static const struct cred cache = { .source = "ticket-cache" };

/* Has it a realm? */
static bool is_principal(struct str user)
{
	CLEANUP(buf_done) struct buf name = BUF_INIT(KERBEROS_NAME_MAX);

	return kerberos_principal_of(user, &name) && name.fail == 0;
}

/* Unasked, a password serves Kerberos only if its user has the form of a principal; asked for by
 * name, any user is one of the default realm. */
static const struct cred *find_cred(const struct auth *a, struct str realm)
{
	const struct cred *c = cred_store_password(a->config.creds, realm, a->config.user);

	if (!c)
		return &cache;
	return auth_names(a, AUTH_KERBEROS) || is_principal(c->user) ? c : NULL;
}

static enum auth_fit fit(const struct auth *a, struct arena *t, const struct sip_challenge *c,
	const struct cred **cred)
{
	struct handshake_challenge h;

	(void)t;
	if (!handshake_challenge_parse(c->params, &h) || !kerberos_target_is_good(h.targetname))
		return AUTH_FIT_MALFORMED;
	*cred = find_cred(a, h.realm);
	return *cred ? AUTH_FITS : AUTH_FITS_NOT;
}

/* One token is all there is to say. */
static bool refused(struct arena *t, const struct auth_side *side, const struct sip_challenge *c)
{
	(void)t;
	(void)side;
	(void)c;
	return true;
}

static int challenged(const struct auth *a, struct auth_side *side, const struct sip_challenge *c,
	uint64_t now_ms, struct auth_info *info, struct fail *f)
{
	const struct cred *cred = find_cred(a, side->session->realm);
	struct handshake_challenge said = { 0 };
	struct handshake *h;
	CLEANUP(buf_done) struct buf name = BUF_INIT(KERBEROS_NAME_MAX);

	(void)now_ms;
	handshake_challenge_parse(c->params, &said);
	h = handshake_begin(side, &said);
	h->waits = true;
	h->wish.target = h->targetname;
	if (a->credential.n > 0) {
		h->wish.credential = buf_str(&a->credential);
	} else if (cred && cred != &cache) {
		kerberos_principal_of(cred->user, &name);
		if (name.fail || name.n == 0)
			return fail_set(f, -FAIL_CREDENTIALS,
				"\"" STR_FMT "\" is no name of a Kerberos principal",
				STR_ARG(str_sub(cred->user, 0, 60)));
		h->wish.principal = arena_str(&h->arena, buf_str(&name));
		h->wish.password = cred->secret;
	}
	info->step = "ticket";
	handshake_tell(h, info);
	return 0;
}

static int authorize(const struct auth *a, struct auth_side *side, const struct auth_request *r,
	struct arena *t, struct buf *b, struct fail *f)
{
	const struct cred *c = find_cred(a, side->session->realm);

	(void)r;
	return handshake_write("Kerberos", side, c ? c->user : STR_EMPTY, t, b, f);
}

const struct auth_scheme kerberos_client = {
	.id = AUTH_KERBEROS,
	.name = "Kerberos",
	.signs = true,
	.fit = fit,
	.refused = refused,
	.challenged = challenged,
	.authorize = authorize,
};
