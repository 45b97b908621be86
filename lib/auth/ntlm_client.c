/* lib/auth/ntlm_client.c -- the scheme NTLM, the side that is challenged: an opening without a
 * token, the server's CHALLENGE, our AUTHENTICATE. microsoft-auth.md section 1.3 */
#include "auth/handshake.h"
#include "auth/ntlm.h"
#include "base/mem.h"
#include "base/text.h"

static enum auth_fit fit(const struct auth *a, struct arena *t, const struct sip_challenge *c,
	const struct cred **cred)
{
	struct handshake_challenge h;

	(void)t;
	if (!handshake_challenge_parse(c->params, &h))
		return AUTH_FIT_MALFORMED;
	*cred = cred_store_password(a->config.creds, h.realm, a->config.user);
	return *cred ? AUTH_FITS : AUTH_FIT_NO_SECRET;
}

/* To the opening a CHALLENGE belongs; whatever comes to the AUTHENTICATE is a refusal (1.10: "never
 * loop"). */
static bool refused(struct arena *t, const struct auth_side *side, const struct sip_challenge *c)
{
	struct handshake_challenge h;

	(void)t;
	return !side->handshake || side->handshake->sent ||
	       !handshake_challenge_parse(c->params, &h) || h.gssapi_data.n == 0;
}

static int answer(const struct auth *a, struct handshake *h, struct str gssapi_data,
	uint64_t now_ms, struct fail *f)
{
	const struct cred *c =
		cred_store_password(a->config.creds, h->session->realm, a->config.user);
	CLEANUP(buf_done) struct buf challenge = BUF_INIT(1 << 14);
	CLEANUP(buf_wipe) struct buf token = BUF_INIT(1 << 14);
	const struct ntlm_options o = {
		.v1 = a->config.ntlm_v1,
		.now_ms = a->config.epoch_ms + now_ms,
	};
	struct ntlm_identity id;
	struct ntlm *context;
	int e;

	if (!c)
		return fail_set(f, -FAIL_CREDENTIALS, "no password for realm \"" STR_FMT "\"",
			STR_ARG(h->session->realm));
	if (!text_base64_decode(&challenge, gssapi_data))
		return fail_set(
			f, -FAIL_PROTOCOL, "the server's NTLM challenge: not base64, or too long");
	id = ntlm_identity_of(c->user, c->secret);
	e = ntlm_answer(&id, buf_str(&challenge), &o, &token, &context, f);
	if (e == 0)
		handshake_complete(
			h, &association_ntlm, context, buf_str(&token), now_ms + HANDSHAKE_LIFE_MS);
	return e;
}

static int challenged(const struct auth *a, struct auth_side *side, const struct sip_challenge *c,
	uint64_t now_ms, struct auth_info *info, struct fail *f)
{
	struct handshake_challenge said = { 0 };
	struct handshake *h = side->handshake;

	handshake_challenge_parse(c->params, &said);
	info->step = "negotiate";
	if (!h || h->sent || said.gssapi_data.n == 0) {
		h = handshake_begin(side, &said);
	} else {
		int e;

		/* The handle of the association comes with the CHALLENGE (1.2). */
		h->opaque = arena_str(&h->arena, said.opaque);
		h->version = said.version;
		e = answer(a, h, said.gssapi_data, now_ms, f);
		if (e != 0)
			return e;
		info->step = "authenticate";
	}
	handshake_tell(h, info);
	return 0;
}

static int authorize(const struct auth *a, struct auth_side *side, const struct auth_request *r,
	struct arena *t, struct buf *b, struct fail *f)
{
	const struct cred *c =
		cred_store_password(a->config.creds, side->session->realm, a->config.user);

	(void)r;
	return handshake_write("NTLM", side, c ? c->user : STR_EMPTY, t, b, f);
}

const struct auth_scheme ntlm_client = {
	.id = AUTH_NTLM,
	.name = "NTLM",
	.signs = true,
	.fit = fit,
	.refused = refused,
	.challenged = challenged,
	.authorize = authorize,
};
