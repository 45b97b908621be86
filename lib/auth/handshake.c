/* lib/auth/handshake.c -- the legs to a security association */
#include "auth/handshake.h"

#include "base/mem.h"
#include "base/text.h"

enum {
	BEST_VERSION = 4,
	MARGIN_MS = 5 * 60 * 1000,
};

/* ---- a challenge ---- */

static bool read_version(const struct sip_param *p, unsigned *version)
{
	uint32_t n;

	if (!str_u32(p->value, &n) || n < 2)
		return false;
	*version = n < BEST_VERSION ? n : BEST_VERSION;
	return true;
}

bool handshake_challenge_parse(struct str params, struct handshake_challenge *out)
{
	struct handshake_challenge c = { .version = 2 };
	struct str qop = { 0 }, version = { 0 };
	const struct {
		const char *name;
		struct str *value;
	} fields[] = {
		{ "realm", &c.realm },
		{ "targetname", &c.targetname },
		{ "opaque", &c.opaque },
		{ "gssapi-data", &c.gssapi_data },
		{ "version", &version },
		{ "qop", &qop },
	};
	struct sip_param p;

	while (sip_challenge_next(&params, &p)) {
		for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
			if (!str_ieq(p.name, str_of(fields[i].name)))
				continue;
			if (fields[i].value->p) /* A36: one of two is what attacks are made of */
				return false;
			*fields[i].value = p.value;
			if (fields[i].value == &version && !read_version(&p, &c.version))
				return false;
		}
	}
	if (c.realm.n == 0 || c.targetname.n == 0 || (qop.p && !str_ieq(qop, STR("auth"))))
		return false;
	*out = c;
	return true;
}

/* ---- life ---- */

struct handshake *handshake_begin(struct auth_side *side, const struct handshake_challenge *c)
{
	struct handshake *h = MEM_NEW(struct handshake);

	handshake_drop(side);
	h->session = side->session;
	h->realm = arena_str(&h->arena, c->realm);
	h->targetname = arena_str(&h->arena, c->targetname);
	h->opaque = arena_str(&h->arena, c->opaque);
	h->version = c->version;
	list_init(&h->node);
	list_add(&h->session->handshakes, &h->node);
	side->handshake = h;
	return h;
}

void handshake_drop(struct auth_side *side)
{
	struct handshake *h = side->handshake;

	if (!h)
		return;
	side->handshake = NULL;
	list_del(&h->node);
	association_unref(h->association);
	arena_done(&h->arena);
	mem_free(h);
}

void handshake_tell(const struct handshake *h, struct auth_info *info)
{
	static const char *const versions[] = { "v2", "v3", "v4" };

	info->chosen = versions[h->version - 2];
	info->target = h->targetname;
	info->version = h->version;
}

void handshake_complete(struct handshake *h, const struct association_mechanism *mechanism,
	void *context, struct str token, uint64_t ends_at)
{
	struct buf text = BUF_INIT(1 << 16);

	text_base64_encode(&text, token);
	h->token = arena_str(&h->arena, buf_str(&text));
	buf_done(&text);
	h->waits = false;
	association_unref(h->association);
	h->association = association_new(&(struct association_config){
		.mechanism = mechanism,
		.context = context,
		.realm = h->realm,
		.targetname = h->targetname,
		.opaque = h->opaque,
		.version = h->version,
		.ends_at = ends_at,
	});
}

/* ---- the legs ---- */

/* gssapi-data, and the version where the server named one: version 2 has no such parameter. */
static void write_extra(const struct handshake *h, struct buf *b)
{
	buf_addf(b, "gssapi-data=\"" STR_FMT "\"", STR_ARG(h->token));
	if (h->version > 2)
		buf_addf(b, ", version=%u", h->version);
}

static void write_unsigned(const char *scheme, const struct handshake *h, struct buf *b)
{
	buf_addf(b, "%s qop=\"auth\"", scheme);
	if (h->opaque.n > 0)
		buf_addf(b, ", opaque=\"" STR_FMT "\"", STR_ARG(h->opaque));
	buf_addf(b, ", realm=\"" STR_FMT "\", targetname=\"" STR_FMT "\", ", STR_ARG(h->realm),
		STR_ARG(h->targetname));
	write_extra(h, b);
}

static struct str whole_lines(const struct buf *b)
{
	size_t n = b->n;

	while (n > 0 && b->p[n - 1] != '\n')
		n--;
	return (struct str){ b->p, n };
}

/* From version 4 on the last leg is signed itself. */
static int write_signed(const struct handshake *h, struct buf *b, struct fail *f)
{
	struct buf head = BUF_INIT(SIP_MESSAGE_MAX), extra = BUF_INIT(1 << 16);
	struct sip_msg *m;
	int e;

	/* What stands in b behind the last line is the one that is being written. */
	buf_add_str(&head, whole_lines(b));
	buf_add_str(&head, STR("\r\n"));
	write_extra(h, &extra);
	e = sip_msg_parse(buf_str(&head), NULL, &m, f);
	if (e == 0) {
		e = association_sign(h->association, m, buf_str(&extra), b, f);
		sip_msg_unref(m);
	}
	buf_done(&head);
	buf_done(&extra);
	return e;
}

int handshake_write(const char *scheme, struct auth_side *side, struct str user, struct arena *t,
	struct buf *b, struct fail *f)
{
	struct handshake *h = side->handshake;
	struct auth_sent *sent;
	int e = 0;

	if (!h || h->sent) /* an association that is there signs by itself: auth_sign */
		return 0;
	if (h->version >= 4 && h->association)
		e = write_signed(h, b, f);
	else
		write_unsigned(scheme, h, b);
	if (e != 0)
		return e;
	h->sent = h->association != NULL;
	sent = ARENA_NEW(t, struct auth_sent);
	sent->how = scheme;
	sent->user = arena_str(t, user);
	side->sent = sent;
	return 0;
}

/* ---- the end ---- */

/* An older one with the same server, that came by the other kind of challenge (407, 401) or by
 * another scheme, is of no use any more: a server has one for each endpoint id (1.9). */
static void supersede(const struct auth *a, const struct auth_session *by)
{
	LIST_EACH (it, &a->sessions) {
		struct auth_session *s = CONTAINER_OF(it, struct auth_session, node);

		if (s == by || !s->association ||
			!association_is_alike(s->association, by->association))
			continue;
		association_unref(s->association);
		s->association = NULL;
	}
}

/* "minus at least five minutes" before the end (1.8); a shorter one is renewed at half its life. */
static uint64_t renew_at(const struct auth *a, uint64_t end)
{
	uint64_t left = end > a->now_ms ? end - a->now_ms : 0;

	return end - (left / 2 < MARGIN_MS ? left / 2 : MARGIN_MS);
}

static void promote(const struct auth *a, struct auth_side *side)
{
	struct handshake *h = side->handshake;
	struct auth_session *s = h->session;

	association_unref(s->association);
	s->association = association_ref(h->association);
	s->associations++;
	s->renew_at = renew_at(a, association_ends_at(h->association));
	supersede(a, s);
	handshake_drop(side);
}

int handshake_finish(const struct auth *a, struct auth_side *side, const struct sip_msg *response,
	struct fail *f)
{
	struct handshake *h = side->handshake;
	bool success = response->status >= 200 && response->status < 300;
	const char *what = NULL;

	if (!h)
		return 0;
	if (h->proven) {
		promote(a, side);
		return 0;
	}
	if (!success) {
		handshake_drop(side);
		return 0;
	}
	if (!h->sent)
		what = "it asked for a handshake, and took its opening for the end";
	else if (h->disproved)
		what = "its signature (rspauth) is wrong";
	else if (h->version > 2 && !a->config.unsigned_too)
		what = "it is not signed";
	if (what) {
		fail_set(f, -FAIL_AUTH,
			"%u " STR_FMT ": the server did not prove itself: %s (realm \"" STR_FMT
			"\")",
			response->status, STR_ARG(str_sub(response->reason, 0, 60)), what,
			STR_ARG(str_sub(h->realm, 0, 60)));
		handshake_drop(side);
		return -FAIL_AUTH;
	}
	promote(a, side); /* version 2 does not say that the answer must be signed (1.6) */
	return 0;
}
