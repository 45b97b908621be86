/* lib/auth/tickets.c -- the tickets that Kerberos needs before it can answer: which, and what
 * becomes of one that cannot be had. Rulings 15 and 17, row AU-11 */
#include "auth/handshake.h"

static struct auth_side *waiting(const struct auth_exchange *x)
{
	for (unsigned i = 0; i < x->side_count; i++) {
		const struct handshake *h = x->sides[i].handshake;
		if (h && h->waits)
			return (struct auth_side *)(uintptr_t)&x->sides[i];
	}
	return NULL;
}

const struct kerberos_wish *auth_wish(const struct auth_exchange *x)
{
	const struct auth_side *side = waiting(x);

	return side ? &side->handshake->wish : NULL;
}

static const struct {
	int code;
	enum auth_cause cause;
	const char *text;
} causes[] = {
	[KERBEROS_NO_CAUSE] = { 0, AUTH_CAUSE_NONE, "" },
	[KERBEROS_NO_CREDENTIAL] = { -FAIL_CREDENTIALS, AUTH_MISSING_CREDENTIALS,
		"no Kerberos ticket" },
	[KERBEROS_EXPIRED] = { -FAIL_CREDENTIALS, AUTH_MISSING_CREDENTIALS,
		"the Kerberos ticket has expired" },
	[KERBEROS_WRONG_PASSWORD] = { -FAIL_AUTH, AUTH_INVALID_CREDENTIALS,
		"Kerberos refused the password" },
	[KERBEROS_UNKNOWN_PRINCIPAL] = { -FAIL_AUTH, AUTH_INVALID_CREDENTIALS,
		"Kerberos does not know the user" },
	[KERBEROS_UNKNOWN_SERVICE] = { -FAIL_AUTH, AUTH_NO_AUTHORITY,
		"Kerberos does not know the server" },
	[KERBEROS_SKEW] = { -FAIL_AUTH, AUTH_SKEWED_CLOCK,
		"the clocks differ too much for Kerberos" },
	[KERBEROS_UNREACHABLE] = { -FAIL_AUTH, AUTH_NO_AUTHORITY,
		"no Kerberos server (KDC) answered" },
	[KERBEROS_OTHER] = { -FAIL_AUTH, AUTH_NO_AUTHORITY, "no Kerberos ticket could be had" },
};

static int fail_ticket(const struct kerberos_ticket *t, enum auth_cause *cause, struct fail *f)
{
	*cause = causes[t->cause].cause;
	return fail_set(f, causes[t->cause].code, "%s: " STR_FMT, causes[t->cause].text,
		STR_ARG(buf_str(&t->reason)));
}

static int take(
	struct auth_side *side, const struct kerberos_ticket *t, uint64_t now_ms, struct fail *f)
{
	uint64_t life = (uint64_t)t->life_s * 1000;
	struct kerberos *context;
	int e = kerberos_import(buf_str(&t->context), &context, f);

	if (e != 0)
		return e;
	if (life > HANDSHAKE_LIFE_MS) /* 1.8: the lower of eight hours and the ticket's end */
		life = HANDSHAKE_LIFE_MS;
	handshake_complete(
		side->handshake, &association_kerberos, context, buf_str(&t->token), now_ms + life);
	return 0;
}

int auth_ticket(struct auth *a, struct auth_exchange *x, const struct kerberos_ticket *t,
	const struct sip_msg *response, uint64_t now_ms, struct fail *f)
{
	struct auth_side *side = waiting(x);
	struct fail other = { 0 };
	enum auth_cause cause;
	int e;

	if (!side)
		return 0;
	if (t->cause == KERBEROS_NO_CAUSE) {
		auth_trace(a, kerberos_client.name, side->session->realm, "ticket",
			buf_str(&t->principal));
		e = take(side, t, now_ms, f);
		if (e != 0)
			x->cause = AUTH_NO_AUTHORITY;
		return e;
	}
	e = fail_ticket(t, &cause, f);
	auth_trace(a, kerberos_client.name, side->session->realm, "no ticket", str_of(f->text));
	handshake_drop(side);
	side->answered = 0;
	x->excluded |= 1U << AUTH_KERBEROS;
	x->rounds = x->rounds > 0 ? x->rounds - 1 : 0; /* it was not answered after all */
	/* "no Kerberos, try NTLM" (section 3): what was refused here was refused by the KDC. */
	if (!x->fell_back && auth_challenged(a, x, response, now_ms, &other) == 0) {
		x->fell_back = cause == AUTH_INVALID_CREDENTIALS;
		return 0;
	}
	x->cause = cause;
	return e;
}

/* ---- before the first packet ---- */

static bool is_only(const struct auth *a)
{
	for (unsigned i = 0; i < a->config.scheme_count; i++) {
		if (a->config.schemes[i] != AUTH_KERBEROS && a->config.schemes[i] != AUTH_NONE)
			return false;
	}
	return true;
}

bool auth_first_wish(struct auth *a, struct arena *t, struct kerberos_wish *out)
{
	CLEANUP(buf_done) struct buf name = BUF_INIT(KERBEROS_NAME_MAX);
	const struct cred *c;

	if (a->credential_asked || !auth_names(a, AUTH_KERBEROS))
		return false;
	a->credential_asked = true;
	c = cred_store_password(
		a->config.creds, a->config.realm.n ? a->config.realm : STR("*"), a->config.user);
	if (!c)
		return false;
	kerberos_principal_of(c->user, &name);
	if (name.fail || name.n == 0)
		return false;
	*out = (struct kerberos_wish){ .principal = arena_str(t, buf_str(&name)),
		.password = c->secret };
	return true;
}

int auth_first_ticket(
	struct auth *a, const struct kerberos_ticket *t, enum auth_cause *cause, struct fail *f)
{
	int e;

	if (t->cause == KERBEROS_NO_CAUSE) {
		buf_wipe(&a->credential);
		buf_init(&a->credential, t->context.limit);
		buf_reserve(&a->credential, t->context.n);
		buf_add_str(&a->credential, buf_str(&t->context));
		return 0;
	}
	e = fail_ticket(t, cause, f);
	auth_trace(a, kerberos_client.name, a->config.realm, "no ticket", str_of(f->text));
	return is_only(a) ? e : 0;
}
