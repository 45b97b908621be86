/* lib/auth/secured.c -- what goes out and comes in once there is a security association: the
 * client's side of [MS-SIPAE] 3.2.5.2, microsoft-auth.md 1.6 and 1.8 */
#include "auth/handshake.h"
#include "auth/offers.h"

/* An association is of no use after its end. */
static struct association *live(const struct auth_session *s, uint64_t now_ms)
{
	return s->association && now_ms < association_ends_at(s->association) ? s->association
									      : NULL;
}

bool auth_secures(const struct auth *a)
{
	LIST_EACH (it, &a->sessions) {
		const struct auth_session *s = CONTAINER_OF(it, struct auth_session, node);
		if (s->association || !list_empty(&s->handshakes))
			return true;
	}
	return false;
}

bool auth_established(const struct auth *a, uint64_t now_ms)
{
	LIST_EACH (it, &a->sessions) {
		if (live(CONTAINER_OF(it, struct auth_session, node), now_ms))
			return true;
	}
	return false;
}

uint64_t auth_renew_at(const struct auth *a)
{
	uint64_t at = UINT64_MAX;

	LIST_EACH (it, &a->sessions) {
		const struct auth_session *s = CONTAINER_OF(it, struct auth_session, node);
		if (s->association && s->renew_at > 0 && s->renew_at < at)
			at = s->renew_at;
	}
	return at;
}

/* Is it the beginning of a handshake that leads to such an association? */
static bool asks_for(const struct auth_offer *o, const struct association *of)
{
	struct handshake_challenge c;

	return of && str_ieq(o->c.scheme, str_of(association_scheme(of))) &&
	       handshake_challenge_parse(o->c.params, &c) && !c.gssapi_data.p &&
	       str_eq(c.realm, association_realm(of)) &&
	       str_ieq(c.targetname, association_targetname(of));
}

static bool has_lapsed(
	const struct auth_session *s, const struct sip_msg *response, uint64_t now_ms)
{
	CLEANUP(arena_done) struct arena t = { 0 };
	const struct auth_offers o = auth_offers_read(&t, response);
	bool lapsed = false;

	for (size_t i = 0; i < o.n; i++)
		lapsed = lapsed || asks_for(&o.list[i], live(s, now_ms));
	return lapsed;
}

bool auth_lapsed(const struct auth *a, const struct sip_msg *response, uint64_t now_ms)
{
	LIST_EACH (it, &a->sessions) {
		if (has_lapsed(CONTAINER_OF(it, struct auth_session, node), response, now_ms))
			return true;
	}
	return false;
}

void auth_renew(struct auth *a, const struct sip_msg *response, uint64_t now_ms)
{
	LIST_EACH (it, &a->sessions) {
		struct auth_session *s = CONTAINER_OF(it, struct auth_session, node);
		if (has_lapsed(s, response, now_ms))
			s->renew_at = 0;
	}
}

unsigned auth_associations(const struct auth *a)
{
	unsigned n = 0;

	LIST_EACH (it, &a->sessions)
		n += CONTAINER_OF(it, struct auth_session, node)->associations;
	return n;
}

void auth_forget(struct auth *a)
{
	LIST_EACH (it, &a->sessions) {
		struct auth_session *s = CONTAINER_OF(it, struct auth_session, node);
		association_unref(s->association);
		s->association = NULL;
	}
}

/* ---- out ---- */

/* Does m carry a leg of a handshake? That is signed, if at all, on its own (handshake.c). */
static bool is_leg(const struct sip_msg *m)
{
	struct sip_challenge c;
	struct sip_param p;

	for (unsigned i = 0; i < m->hdr_count; i++) {
		const struct sip_hdr *h = &m->hdrs[i];
		if ((h->id == SIP_HDR_AUTHORIZATION || h->id == SIP_HDR_PROXY_AUTHORIZATION) &&
			sip_challenge_parse(h->value, &c) &&
			sip_challenge_get(c.params, "gssapi-data", &p))
			return true;
	}
	return false;
}

int auth_sign(
	struct auth *a, const struct sip_msg *m, uint64_t now_ms, struct buf *lines, struct fail *f)
{
	bool renews = m->request && m->method == SIP_REGISTER;
	size_t start = lines->n;

	if (is_leg(m))
		return 0;
	LIST_EACH (it, &a->sessions) {
		struct auth_session *s = CONTAINER_OF(it, struct auth_session, node);
		int e;

		if (!live(s, now_ms) || (renews && now_ms >= s->renew_at))
			continue;
		buf_addf(lines, "%s: ", s->proxy ? "Proxy-Authorization" : "Authorization");
		e = association_sign(s->association, m, STR_EMPTY, lines, f);
		if (e != 0) {
			lines->n = start;
			return e;
		}
		buf_add_str(lines, STR("\r\n"));
	}
	return 0;
}

/* ---- in ---- */

enum judgement { UNKNOWN, GOOD, FORGED, REPLAYED };

static enum judgement judge_by(
	struct association *of, const struct sip_msg *m, const struct association_proof *p)
{
	if (!of || !association_is_for(of, p))
		return UNKNOWN;
	switch (association_verify(of, m, p)) {
	case ASSOCIATION_GOOD:
		if (association_opaque(of).n == 0) /* Kerberos: the first answer names it (1.2) */
			association_set_opaque(of, p->opaque);
		return GOOD;
	case ASSOCIATION_REPLAYED:
		return REPLAYED;
	default:
		return FORGED;
	}
}

/* The server's answer to the last leg carries its first signature, and proves it. */
static enum judgement judge_by_handshakes(
	struct auth_session *s, const struct sip_msg *m, const struct association_proof *p)
{
	enum judgement worst = UNKNOWN;

	LIST_EACH (it, &s->handshakes) {
		struct handshake *h = CONTAINER_OF(it, struct handshake, node);
		enum judgement j = h->sent ? judge_by(h->association, m, p) : UNKNOWN;

		h->proven = h->proven || j == GOOD;
		h->disproved = h->disproved || j == FORGED;
		if (j == GOOD)
			return GOOD;
		worst = j > worst ? j : worst;
	}
	return worst;
}

struct judged {
	enum judgement by_association, by_handshake;
};

static void judge(struct auth *a, const struct sip_msg *m, const struct association_proof *p,
	uint64_t now_ms, struct judged *out)
{
	LIST_EACH (it, &a->sessions) {
		struct auth_session *s = CONTAINER_OF(it, struct auth_session, node);
		enum judgement j = judge_by(live(s, now_ms), m, p);

		if (j != UNKNOWN && out->by_association != GOOD)
			out->by_association = j;
		j = j == GOOD ? UNKNOWN : judge_by_handshakes(s, m, p);
		if (j != UNKNOWN && out->by_handshake != GOOD)
			out->by_handshake = j;
	}
}

/* 1.6, step 4: of what is not signed only challenges are taken, and a hop's 100, which stops
 * retransmissions and means no more. */
static bool may_be_unsigned(const struct sip_msg *m)
{
	return !m->request && (m->status == 100 || m->status == 401 || m->status == 407);
}

static enum auth_verdict discard(const char **why, const char *because)
{
	*why = because;
	return AUTH_DISCARD;
}

enum auth_verdict auth_verify(
	struct auth *a, const struct sip_msg *m, uint64_t now_ms, const char **why)
{
	CLEANUP(arena_done) struct arena t = { 0 };
	struct judged judged = { UNKNOWN, UNKNOWN };
	struct association_proof p;
	bool any = false;

	for (unsigned i = 0; i < m->hdr_count; i++) {
		const struct sip_hdr *h = &m->hdrs[i];
		if ((h->id != SIP_HDR_AUTHENTICATION_INFO &&
			    h->id != SIP_HDR_PROXY_AUTHENTICATION_INFO) ||
			!association_proof_read(&t, h->value, false, &p))
			continue;
		any = true;
		judge(a, m, &p, now_ms, &judged);
	}
	if (judged.by_association == GOOD || judged.by_handshake == GOOD)
		return AUTH_PROVEN;
	if (!any) {
		if (!auth_established(a, now_ms) || a->config.unsigned_too || may_be_unsigned(m))
			return AUTH_UNSIGNED;
		return discard(why, "it is not signed");
	}
	if (judged.by_association == REPLAYED || judged.by_handshake == REPLAYED)
		return discard(why, "its number was used before, or is too old");
	if (judged.by_association == FORGED)
		return discard(why, "its signature is wrong");
	/* An answer to the last leg: its request fails for want of proof (handshake_finish). */
	if (judged.by_handshake == FORGED && !m->request)
		return AUTH_UNSIGNED;
	return discard(why, judged.by_handshake == FORGED
				    ? "its signature is wrong"
				    : "it is signed for a security association that is not ours");
}
