/* lib/auth/auth.c -- what an endpoint keeps of authentication, and what its requests say */
#include "auth/auth.h"

#include "auth/handshake.h"
#include "base/mem.h"

#include <string.h>

const char *auth_cause_name(enum auth_cause c)
{
	static const char *const names[] = {
		[AUTH_CAUSE_NONE] = "",
		[AUTH_INVALID_CREDENTIALS] = "invalid_credentials",
		[AUTH_FORBIDDEN] = "forbidden",
		[AUTH_NO_COMMON_SCHEME] = "no_common_scheme",
		[AUTH_UNCHALLENGING_SERVER] = "unchallenging_server",
		[AUTH_NO_AUTHORITY] = "no_authority",
		[AUTH_SKEWED_CLOCK] = "skewed_clock",
		[AUTH_SERVER_PROOF] = "server_proof",
		[AUTH_MISSING_CREDENTIALS] = "missing_credentials",
		[AUTH_PEER_TO_PEER] = "peer_to_peer",
	};

	return names[c];
}

#define BUILT(have, scheme) ((have) ? (scheme) : NULL)

static const struct {
	const char *name;
	const struct auth_scheme *scheme; /* NULL: not in this build, but for "none" */
} schemes[AUTH_SCHEMES] = {
	[AUTH_DIGEST] = { "digest", &digest_client },
	[AUTH_NTLM] = { "ntlm", BUILT(HAVE_NTLM, &ntlm_client) },
	[AUTH_KERBEROS] = { "kerberos", BUILT(HAVE_KERBEROS, &kerberos_client) },
	[AUTH_NONE] = { "none", NULL },
};

bool auth_scheme_parse(struct str s, enum auth_scheme_id *out)
{
	for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
		if (str_eq(s, str_of(schemes[i].name))) {
			*out = (enum auth_scheme_id)i;
			return true;
		}
	}
	return false;
}

const char *auth_scheme_name(enum auth_scheme_id id)
{
	return schemes[id].name;
}

bool auth_scheme_signs(struct str name)
{
	return str_ieq(name, str_of(ntlm_client.name)) ||
	       str_ieq(name, str_of(kerberos_client.name));
}

bool auth_names_signing(const struct auth_config *c)
{
	for (unsigned i = 0; i < c->scheme_count; i++) {
		const struct auth_scheme *s = schemes[c->schemes[i]].scheme;
		if (!s || !s->signs)
			return false;
	}
	return c->scheme_count > 0;
}

bool auth_scheme_built(enum auth_scheme_id id)
{
	return id == AUTH_NONE || schemes[id].scheme;
}

static struct str copy(struct str s)
{
	return (struct str){ mem_strndup(s.p, s.n), s.n };
}

struct auth *auth_new(const struct auth_config *config)
{
	struct auth *a = MEM_NEW(struct auth);

	a->config = *config;
	a->config.user = copy(config->user);
	a->config.realm = copy(config->realm);
	list_init(&a->sessions);
	buf_init(&a->credential, 0);
	return a;
}

void auth_free(struct auth *a)
{
	if (!a)
		return;
	LIST_EACH (it, &a->sessions) {
		struct auth_session *s = CONTAINER_OF(it, struct auth_session, node);
		list_del(&s->node);
		mem_free((char *)s->realm.p);
		association_unref(s->association);
		if (s->scheme->session_free)
			s->scheme->session_free(s);
		else
			mem_free(s);
	}
	buf_wipe(&a->credential);
	mem_free((char *)a->config.user.p);
	mem_free((char *)a->config.realm.p);
	mem_free(a);
}

bool auth_names(const struct auth *a, enum auth_scheme_id id)
{
	for (unsigned i = 0; i < a->config.scheme_count; i++) {
		if (a->config.schemes[i] == id)
			return true;
	}
	return false;
}

bool auth_must_challenge(const struct auth *a)
{
	return a->config.scheme_count && !auth_names(a, AUTH_NONE);
}

const struct auth_scheme *auth_scheme_allowed(const struct auth *a, unsigned rank)
{
	static const enum auth_scheme_id usual[] = { AUTH_DIGEST, AUTH_KERBEROS, AUTH_NTLM };

	if (a->config.scheme_count == 0)
		return rank < ARRAY_LEN(usual) ? schemes[usual[rank]].scheme : NULL;
	return rank < a->config.scheme_count ? schemes[a->config.schemes[rank]].scheme : NULL;
}

struct auth_session *auth_session_get(
	struct auth *a, const struct auth_scheme *scheme, bool proxy, struct str realm)
{
	struct auth_session *s;

	LIST_EACH (it, &a->sessions) {
		s = CONTAINER_OF(it, struct auth_session, node);
		if (s->scheme == scheme && s->proxy == proxy && str_eq(s->realm, realm))
			return s;
	}
	if (a->session_count == AUTH_SESSIONS)
		return NULL;
	s = scheme->session_new ? scheme->session_new() : MEM_NEW(struct auth_session);
	s->scheme = scheme;
	s->proxy = proxy;
	s->realm = copy(realm);
	list_init(&s->handshakes);
	list_init(&s->node);
	list_add(&a->sessions, &s->node);
	a->session_count++;
	return s;
}

void auth_trace(const struct auth *a, const char *scheme, struct str realm, const char *step,
	struct str note)
{
	const struct trace *t = a->config.trace;

	if (trace_on(t, TRACE_AUTH))
		trace_emit(t, &(struct trace_event){
				      .kind = TRACE_AUTH,
				      .name = str_of(scheme),
				      .from = realm,
				      .to = str_of(step),
				      .note = note,
			      });
}

void auth_exchange_next(struct auth_exchange *x)
{
	struct auth_exchange next = { .side_count = x->side_count };

	for (unsigned i = 0; i < x->side_count; i++) {
		handshake_drop(&x->sides[i]);
		next.sides[i].session = x->sides[i].session;
	}
	arena_done(&x->arena);
	*x = next;
}

void auth_exchange_done(struct auth_exchange *x)
{
	for (unsigned i = 0; i < x->side_count; i++)
		handshake_drop(&x->sides[i]);
	arena_done(&x->arena);
	memset(x, 0, sizeof(*x));
}

bool auth_exchange_sent(const struct auth_exchange *x)
{
	for (unsigned i = 0; i < x->side_count; i++) {
		if (x->sides[i].sent)
			return true;
	}
	return false;
}

struct auth_side *auth_exchange_side(struct auth_exchange *x, bool proxy, struct str realm)
{
	for (unsigned i = 0; i < x->side_count; i++) {
		const struct auth_session *s = x->sides[i].session;
		if (s->proxy == proxy && str_eq(s->realm, realm))
			return &x->sides[i];
	}
	return NULL;
}

struct auth_side *auth_exchange_add(struct auth_exchange *x, struct auth_session *s)
{
	struct auth_side *side = auth_exchange_side(x, s->proxy, s->realm);

	if (!side && x->side_count < AUTH_SIDES)
		side = &x->sides[x->side_count++];
	if (side && side->session != s) {
		handshake_drop(side);
		side->session = s;
	}
	return side;
}

/* What may be said without being asked. RFC 7616 3.6: "The Authorization header field MAY be
 * included preemptively". */
static void add_unasked(struct auth *a, struct auth_exchange *x)
{
	LIST_EACH (it, &a->sessions) {
		struct auth_session *s = CONTAINER_OF(it, struct auth_session, node);
		if ((s->armed || a->config.preauth) && !auth_exchange_side(x, s->proxy, s->realm))
			auth_exchange_add(x, s);
	}
}

static int authorize_side(struct auth *a, struct auth_exchange *x, struct auth_side *side,
	const struct auth_request *r, struct buf *b, struct fail *f)
{
	struct auth_session *s = side->session;
	size_t start = b->n, value;
	int e;

	buf_addf(b, "%s: ", s->proxy ? "Proxy-Authorization" : "Authorization");
	value = b->n;
	e = s->scheme->authorize(a, side, r, &x->arena, b, f);
	if (e || (b->n == value && !b->fail)) {
		b->n = start;
		if (!e)
			return 0;
		/* Unasked, a side without a credential stays silent. */
		return side->answered ? e : 0;
	}
	buf_addf(b, "\r\n");
	auth_trace(a, s->scheme->name, s->realm, "authorized", side->sent->user);
	return b->fail ? fail_set(f, b->fail, "the credentials cannot be written: %s",
				 fail_text(b->fail))
		       : 0;
}

int auth_authorize(struct auth *a, struct auth_exchange *x, const struct auth_request *r,
	struct buf *b, struct fail *f)
{
	size_t start = b->n;

	add_unasked(a, x);
	for (unsigned i = 0; i < x->side_count; i++) {
		int e = authorize_side(a, x, &x->sides[i], r, b, f);
		if (e) {
			x->cause =
				e == -FAIL_CREDENTIALS ? AUTH_MISSING_CREDENTIALS : AUTH_CAUSE_NONE;
			b->n = start;
			return e;
		}
	}
	return 0;
}

/* One value of an info header. It names no realm, so with several sides it is the proof of any. */
static int check_info(struct auth *a, struct auth_exchange *x, bool proxy, struct str value,
	const struct auth_request *r, struct str body, struct fail *f)
{
	struct fail why = { 0 };
	int e = 0;

	for (unsigned i = 0; i < x->side_count; i++) {
		struct auth_session *s = x->sides[i].session;
		if (s->proxy != proxy || !x->sides[i].sent || !s->scheme->accepted)
			continue;
		e = s->scheme->accepted(a, s, x->sides[i].sent, value, r, body, &why);
		if (e == 0)
			return 0;
		auth_trace(a, s->scheme->name, s->realm, "unproven", STR_EMPTY);
	}
	if (!e)
		return 0;
	x->cause = AUTH_SERVER_PROOF;
	return fail_set(f, e, "%s", why.text);
}

int auth_accepted(struct auth *a, struct auth_exchange *x, const struct sip_msg *response,
	const struct auth_request *r, struct fail *f)
{
	static const enum sip_hdr_id ids[] = { SIP_HDR_AUTHENTICATION_INFO,
		SIP_HDR_PROXY_AUTHENTICATION_INFO };

	if (response->status == 403 && (auth_exchange_sent(x) || auth_established(a, a->now_ms)))
		x->cause = AUTH_FORBIDDEN;
	for (unsigned i = 0; i < x->side_count; i++) {
		int e = handshake_finish(a, &x->sides[i], response, f);
		if (e) {
			x->cause = AUTH_SERVER_PROOF;
			return e;
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		const struct sip_hdr *h = sip_msg_hdr(response, ids[i]);
		for (; h; h = sip_msg_hdr_next(response, h)) {
			bool proxy = ids[i] == SIP_HDR_PROXY_AUTHENTICATION_INFO;
			int e = check_info(a, x, proxy, h->value, r, response->body, f);
			if (e)
				return e;
		}
	}
	return 0;
}
