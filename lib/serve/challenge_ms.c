/* lib/serve/challenge_ms.c -- the server's side of NTLM and Kerberos up to the association. A
 * failure is answered with a new challenge, without a word about what was wrong. */
#include "serve/challenge_ms.h"

#include "auth/kerberos.h"
#include "auth/ntlm.h"
#include "base/mem.h"
#include "base/text.h"

#include <string.h>
#include <time.h>

enum {
	WAIT_MS = 60000, /* for the answer to a CHALLENGE */
	WAITING = 1000, /* at a time; then the oldest is forgotten */
	TOKEN = 49152, /* bytes of a token: tickets with many groups have tens of thousands */
};

/* A CHALLENGE of NTLM's that waits for its answer. */
struct handshake {
	struct list node; /* in pacts->handshakes */
	struct pacts *pacts;
	struct str id; /* of the endpoint */
	char opaque[PACT_OPAQUE + 1];
	uint64_t ends_at;
	struct buf challenge;
};

/* One request of a handshake. */
struct leg {
	struct serve *serve;
	struct transaction *t;
	struct sip_msg *m;
	const struct association_proof *proof;
	bool proxy;
	struct str id, from; /* of the endpoint; its user */
	struct buf token;
};

/* ---- challenges ---- */

static struct str target_of(const struct serve *s, enum serve_scheme scheme)
{
	return scheme == SERVE_NTLM ? s->config.targetname : s->pacts->spn;
}

static void write_start(struct serve *s, enum serve_scheme scheme, bool proxy, struct buf *h)
{
	buf_addf(h, "%s: %s realm=\"" STR_FMT "\", targetname=\"" STR_FMT "\"",
		proxy ? "Proxy-Authenticate" : "WWW-Authenticate",
		scheme == SERVE_NTLM ? "NTLM" : "Kerberos", STR_ARG(s->ms_realm),
		STR_ARG(target_of(s, scheme)));
	if (s->config.ms_version > 2) /* 1.1: version 2 is known by having none */
		buf_addf(h, ", version=%u", s->config.ms_version);
}

void challenge_ms_write(struct serve *s, enum serve_scheme scheme, bool proxy, struct buf *h)
{
	write_start(s, scheme, proxy, h);
	buf_add_str(h, STR("\r\n"));
}

/* It failed; not every challenge says so. */
static bool refuse(struct leg *l, const char *why)
{
	struct buf h = BUF_INIT(1 << 10);

	trace_note(l->serve->config.trace, "the handshake failed: %s", why);
	buf_addf(&h,
		"ms-diagnostics: 1000;reason=\"Final handshake failed\";source=\"" STR_FMT "\"\r\n",
		STR_ARG(l->serve->config.targetname));
	challenge_send(l->serve, l->t, l->proxy, buf_str(&h));
	buf_done(&h);
	return false;
}

/* ---- what waits ---- */

static void free_handshake(struct handshake *h)
{
	h->pacts->handshake_count--;
	list_del(&h->node);
	buf_done(&h->challenge);
	mem_free((char *)(uintptr_t)h->id.p);
	mem_free(h);
}

void challenge_ms_done(struct serve *s)
{
	struct list *node;

	while ((node = list_first(&s->pacts->handshakes)) != NULL)
		free_handshake(CONTAINER_OF(node, struct handshake, node));
}

/* Those that waited too long, and the oldest when there are too many. */
static void tidy(struct pacts *pacts)
{
	LIST_EACH (it, &pacts->handshakes) {
		struct handshake *h = CONTAINER_OF(it, struct handshake, node);

		if (net_now_ms() < h->ends_at && pacts->handshake_count < WAITING)
			return;
		free_handshake(h);
	}
}

static struct handshake *find(const struct leg *l)
{
	LIST_EACH (it, &l->serve->pacts->handshakes) {
		struct handshake *h = CONTAINER_OF(it, struct handshake, node);

		if (str_ieq(l->proof->opaque, str_of(h->opaque)) && str_eq(l->id, h->id))
			return net_now_ms() < h->ends_at ? h : NULL;
	}
	return NULL;
}

/* ---- NTLM ---- */

static int make_challenge(struct serve *s, struct buf *out, struct fail *f)
{
	const struct ntlm_server who = {
		.netbios_domain = s->config.ntlm_domain,
		.netbios_computer = s->pacts->computer,
		.dns_domain = s->config.domain,
		.dns_computer = s->config.targetname,
		.weak = s->fault.weak,
	};

	return ntlm_challenge(&who, (uint64_t)time(NULL) * 1000, out, f);
}

static void send_challenge(const struct leg *l, const struct handshake *wait)
{
	struct serve *s = l->serve;
	struct buf h = BUF_INIT(1 << 16);

	write_start(s, SERVE_NTLM, l->proxy, &h);
	buf_addf(&h, ", opaque=\"%s\", gssapi-data=\"", wait->opaque);
	text_base64_encode(&h, buf_str(&wait->challenge));
	buf_add_str(&h, STR("\"\r\n"));
	challenge_write_date(&h);
	serve_answer(s, l->t, l->proxy ? 407 : 401, STR_EMPTY, buf_str(&h));
	buf_done(&h);
}

/* The second request: no token in it, a CHALLENGE in the answer. */
static bool begin_ntlm(struct leg *l)
{
	struct pacts *pacts = l->serve->pacts;
	struct handshake *h;
	struct fail f = { 0 };

	tidy(pacts);
	h = MEM_NEW(struct handshake);
	h->pacts = pacts;
	h->id = (struct str){ mem_strndup(l->id.p, l->id.n), l->id.n };
	h->ends_at = net_now_ms() + WAIT_MS;
	pact_opaque(l->serve, h->opaque);
	buf_init(&h->challenge, 1 << 16);
	list_init(&h->node);
	list_add(&pacts->handshakes, &h->node);
	pacts->handshake_count++;
	if (make_challenge(l->serve, &h->challenge, &f) == 0) {
		send_challenge(l, h);
	} else {
		serve_answer(l->serve, l->t, 500, str_of(f.text), STR_EMPTY);
		free_handshake(h);
	}
	return false;
}

/* RTE\alice, or alice@rte.test without a domain: a user of ours, or NULL. Windows knows its users
 * in any case. */
static const struct user *account(const struct serve *s, struct str name, struct str domain)
{
	struct map_iter it = map_iter(&s->users);
	struct map_node *node;
	struct str host;

	if (domain.n > 0 ? !str_ieq(domain, s->config.ntlm_domain)
			 : !str_cut(name, '@', &name, &host) || !str_ieq(host, s->config.domain))
		return NULL;
	while ((node = map_next(&it)) != NULL)
		if (str_ieq(name, CONTAINER_OF(node, struct user, node)->name))
			return CONTAINER_OF(node, struct user, node);
	return NULL;
}

/* The right answer makes a context; *who: whose it is. */
static int accept_ntlm(const struct leg *l, const struct handshake *h, struct ntlm **context,
	struct str *who, struct fail *f)
{
	struct buf name = BUF_INIT(1 << 12), domain = BUF_INIT(1 << 12);
	const struct user *u = NULL;
	struct str password = STR_EMPTY;
	int e = ntlm_who(buf_str(&l->token), &name, &domain, f);

	if (e == 0)
		u = account(l->serve, buf_str(&name), buf_str(&domain));
	if (u && u->secret.kind == CRED_PASSWORD)
		password = u->secret.secret;
	if (e == 0 && password.n == 0)
		e = fail_set(f, -FAIL_AUTH, "no such user, or one without a password");
	if (e == 0)
		e = ntlm_accept(buf_str(&h->challenge), buf_str(&l->token), password, context, f);
	if (e == 0)
		*who = u->name;
	buf_done(&name);
	buf_done(&domain);
	return e;
}

/* ---- the end of both ---- */

/* The version that both speak; a client names none below 3. */
static unsigned version_of(const struct leg *l)
{
	uint32_t theirs = 2, ours = l->serve->config.ms_version;

	if (l->proof->version.n > 0 && !str_u32(l->proof->version, &theirs))
		theirs = 2;
	if (theirs < 2)
		theirs = 2;
	return theirs < ours ? theirs : ours;
}

/* 1.1: "the last handshake request is itself signed" from version 4 on. */
static bool is_signed(const struct leg *l, struct pact *p)
{
	return association_version(p->association) < 4 ||
	       association_verify(p->association, l->m, l->proof) == ASSOCIATION_GOOD;
}

static bool conclude(struct leg *l, const struct pact_config *c, struct str who, struct str *user)
{
	struct pact *p = pact_new(l->serve, c);

	if (!is_signed(l, p)) {
		pact_free(p);
		return refuse(l, "its last request is not signed, or not well");
	}
	if (!str_eq(who, l->from)) {
		pact_free(p);
		serve_answer(l->serve, l->t, 403, STR("Not your address"), STR_EMPTY);
		return false;
	}
	pact_begin(p, l->m, transaction_flow(l->t));
	*user = p->user;
	return true;
}

/* The third request. */
static bool end_ntlm(struct leg *l, struct str *user)
{
	struct serve *s = l->serve;
	struct handshake *h = find(l);
	struct ntlm *context;
	struct str who;
	struct fail f = { 0 };
	char opaque[PACT_OPAQUE + 1];
	int e;

	if (!h)
		return refuse(l, "no such challenge is waiting");
	memcpy(opaque, h->opaque, sizeof(opaque));
	e = accept_ntlm(l, h, &context, &who, &f);
	free_handshake(h); /* one answer to each (account lock-out) */
	if (e != 0)
		return refuse(l, f.text);
	if (s->fault.endless) {
		ntlm_free(context);
		return begin_ntlm(l);
	}
	return conclude(l,
		&(struct pact_config){ .mechanism = &association_ntlm,
			.context = context,
			.id = l->id,
			.targetname = s->config.targetname,
			.opaque = opaque,
			.version = version_of(l),
			.life_ms = UINT64_MAX },
		who, user);
}

/* The second request; alice@ANYREALM is our alice. */
static bool end_kerberos(struct leg *l, struct str *user)
{
	struct serve *s = l->serve;
	struct buf principal = BUF_INIT(1 << 12);
	struct kerberos *context;
	struct str who, realm;
	struct fail f = { 0 };
	char opaque[PACT_OPAQUE + 1];
	uint32_t life_s;
	bool good;

	if (kerberos_accept(s->pacts->acceptor, buf_str(&l->token), &context, &principal, &life_s,
		    &f) != 0) {
		buf_done(&principal);
		return refuse(l, f.text);
	}
	if (s->fault.endless) {
		kerberos_free(context);
		buf_done(&principal);
		challenge_send(s, l->t, l->proxy, STR_EMPTY);
		return false;
	}
	who = buf_str(&principal);
	str_cut(who, '@', &who, &realm);
	pact_opaque(s, opaque);
	good = conclude(l,
		&(struct pact_config){ .mechanism = &association_kerberos,
			.context = context,
			.id = l->id,
			.targetname = s->pacts->spn,
			.opaque = opaque,
			.version = version_of(l),
			.life_ms = life_s * 1000ULL },
		who, user);
	buf_done(&principal);
	return good;
}

static bool judge(struct leg *l, struct str *user)
{
	struct str data = l->proof->gssapi_data;

	if (!data.p) { /* signed, for an association that is not there (any more) */
		challenge_send(l->serve, l->t, false, STR_EMPTY);
		return false;
	}
	if (pact_scheme(l->proof) == SERVE_NTLM && data.n == 0)
		return begin_ntlm(l);
	if (data.n == 0 || !text_base64_decode(&l->token, data)) {
		serve_answer(l->serve, l->t, 400, STR("Malformed gssapi-data"), STR_EMPTY);
		return false;
	}
	return pact_scheme(l->proof) == SERVE_NTLM ? end_ntlm(l, user) : end_kerberos(l, user);
}

bool challenge_ms_passed(struct serve *s, struct transaction *t, struct sip_msg *m,
	const struct association_proof *proof, bool proxy, struct str *user)
{
	struct leg l = {
		.serve = s, .t = t, .m = m, .proof = proof, .proxy = proxy, .token = BUF_INIT(TOKEN)
	};
	struct buf id = BUF_INIT(1 << 16);
	struct sip_nameaddr from = { 0 };
	bool good = false;

	/* 1.9: what has no endpoint id can have no association. */
	if (!sip_msg_from(m, &from) || !pact_id(s, &from, &id)) {
		serve_answer(s, t, 400,
			from.uri.text.n && pact_epid(&from).n == 0
				? STR("From Needs an epid")
				: STR("From Is Not of This Domain"),
			STR_EMPTY);
	} else {
		l.id = buf_str(&id);
		l.from = str_sub(l.id, 0, l.id.n - pact_epid(&from).n - 1);
		good = judge(&l, user);
	}
	buf_wipe(&l.token);
	buf_done(&id);
	return good;
}
