/* tests/unit/serve_rig.h -- what the tests of lib/serve share: a server, what it tells, and peers
 * that register with it by hand. Include it after cmocka.h. */
#ifndef SERVE_RIG_H
#define SERVE_RIG_H

#include "peer_rig.h"
#include "serve/serve.h"

#define SRV_INSTANCE "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"

struct srv {
	struct serve *s;
	struct peer *p; /* who asks it, unless a test says another */
	struct net_addr udp, tcp;
	char text[NET_ADDR_TEXT]; /* "127.0.0.1:40152" */
	unsigned conn; /* of p to the server; 0: UDP */
	bool quiet;

	/* What it told. */
	unsigned listening, bindings, requests, controls, stopped, discarded;
	char last_why[32]; /* of the last discard */
	char causes[512]; /* of the bindings, with blanks between */
	char last_aor[128], last_contact[256], last_agent[64], last_text[256], last_method[32];
	uint32_t last_expires;
	unsigned last_replied;
};

static inline void srv_event(void *arg, const struct serve_event *ev)
{
	struct srv *v = arg;

	if (v->quiet)
		fail_msg("event %d after the end", (int)ev->type);
	switch (ev->type) {
	case SERVE_LISTENING:
		v->listening++;
		break;
	case SERVE_BINDING:
		v->bindings++;
		snprintf(v->causes + strlen(v->causes), sizeof(v->causes) - strlen(v->causes),
			"%s%s", v->causes[0] ? " " : "", ev->binding->cause);
		heard_copy(v->last_aor, sizeof(v->last_aor), ev->binding->aor);
		heard_copy(v->last_contact, sizeof(v->last_contact), ev->binding->contact);
		heard_copy(v->last_agent, sizeof(v->last_agent), ev->binding->user_agent);
		v->last_expires = ev->binding->expires;
		break;
	case SERVE_REQUEST:
		v->requests++;
		heard_touch_msg(ev->msg);
		v->last_replied = ev->msg->replied;
		heard_copy(v->last_method, sizeof(v->last_method), ev->msg->method);
		break;
	case SERVE_CONTROL:
		v->controls++;
		heard_copy(v->last_text, sizeof(v->last_text), ev->text);
		break;
	case SERVE_DISCARDED:
		v->discarded++;
		heard_touch_msg(ev->msg);
		heard_copy(v->last_why, sizeof(v->last_why), ev->text);
		break;
	case SERVE_STOPPED:
		v->stopped++;
		break;
	}
}

static inline struct serve_user srv_user(const char *name, const char *password)
{
	return (struct serve_user){ .name = str_of(name),
		.secret = { .user = str_of(name), .secret = str_of(password), .source = "test" } };
}

static inline struct srv *srv_new(struct serve_config c)
{
	struct srv *v = MEM_NEW(struct srv);
	struct endpoint_hop hop;
	char text[NET_ADDR_TEXT];
	struct fail f;

	if (!c.timers.t1)
		c.timers = rig_timers(10);
	c.on_event = srv_event;
	c.arg = v;
	if (serve_new(&c, false, &v->s, &f) != 0)
		fail_msg("serve_new: %s", fail_show(&f));
	assert_true(serve_listener(v->s, 0, text, &hop));
	assert_true(net_addr_parse(
		str_ieq(hop.address, STR("0.0.0.0")) ? STR("127.0.0.1") : hop.address, hop.port,
		&v->udp));
	v->tcp = v->udp;
	net_addr_text(&v->udp, v->text);
	v->p = peer_new();
	return v;
}

/* With alice and bob, "secret" both, and a challenge. */
static inline struct srv *srv_secure(unsigned digest, uint64_t nonce_ms)
{
	struct serve_user users[] = { srv_user("alice", "secret"), srv_user("bob", "secret") };

	return srv_new((struct serve_config){ .users = users,
		.user_count = 2,
		.challenge = true,
		.digest = digest,
		.nonce_ms = nonce_ms });
}

static inline void srv_free(struct srv *v)
{
	v->quiet = true;
	serve_free(v->s);
	ev_run(net_loop(), EVRUN_NOWAIT);
	ev_run(net_loop(), EVRUN_NOWAIT);
	peer_free(v->p);
	mem_free(v);
}

static inline void srv_over_tcp(struct srv *v, struct peer *p)
{
	v->conn = peer_connect(p, &v->tcp);
}

/* Any request of p, and the final answer to it, or NULL after ms. */
static inline struct sip_msg *srv_ask_within(
	struct srv *v, struct peer *p, unsigned conn, const struct ask *a, unsigned ms)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(262144);
	double end = rig_ms() + ms;
	unsigned seen = p->count;

	asked++;
	peer_ask_write(&b, p, conn, a);
	peer_send_to(p, &v->udp, conn, buf_str(&b));
	while (rig_ms() < end) {
		rig_run(&p->responses, p->responses + 1, 2);
		for (; seen < p->count; seen++)
			if (!p->got[seen].msg->request && p->got[seen].msg->status >= 200)
				return p->got[seen].msg;
	}
	return NULL;
}

static inline struct sip_msg *srv_ask(struct srv *v, const struct ask *a)
{
	struct sip_msg *m = srv_ask_within(v, v->p, v->conn, a, PEER_MS);

	if (!m)
		fail_msg("no answer to %s %s", a->method ? a->method : "OPTIONS",
			a->uri ? a->uri : "");
	return m;
}

/* ---- credentials by hand ---- */

struct srv_challenge {
	char scheme[16], realm[64], nonce[128], qop[32], opaque[64], algorithm[32];
	bool stale, proxy;
};

/* The challenges of a response, in their order; how many there are. */
static inline unsigned srv_challenges(
	const struct sip_msg *m, struct srv_challenge *out, unsigned max)
{
	static const enum sip_hdr_id ids[] = { SIP_HDR_WWW_AUTHENTICATE,
		SIP_HDR_PROXY_AUTHENTICATE };
	unsigned n = 0;

	for (unsigned i = 0; i < 2; i++)
		for (const struct sip_hdr *h = sip_msg_hdr(m, ids[i]); h && n < max;
			h = sip_msg_hdr_next(m, h)) {
			struct srv_challenge *c = &out[n++];
			struct sip_challenge parsed;
			struct sip_param p;
			const struct {
				const char *name;
				char *to;
				size_t cap;
			} all[] = { { "realm", c->realm, sizeof(c->realm) },
				{ "nonce", c->nonce, sizeof(c->nonce) },
				{ "qop", c->qop, sizeof(c->qop) },
				{ "opaque", c->opaque, sizeof(c->opaque) },
				{ "algorithm", c->algorithm, sizeof(c->algorithm) } };
			*c = (struct srv_challenge){ .proxy = i == 1 };
			assert_true(sip_challenge_parse(h->value, &parsed));
			heard_copy(c->scheme, sizeof(c->scheme), parsed.scheme);
			for (unsigned k = 0; k < ARRAY_LEN(all); k++)
				if (sip_challenge_get(parsed.params, all[k].name, &p))
					heard_copy(all[k].to, all[k].cap, p.value);
			c->stale = sip_challenge_get(parsed.params, "stale", &p) &&
				   str_ieq(p.value, STR("true"));
		}
	return n;
}

struct answer {
	const struct srv_challenge *challenge;
	const char *user, *password, *qop; /* qop NULL: the form of RFC 2069 */
	const char *method, *uri; /* when they are to be others than the request's */
	unsigned nc; /* 0: 1 */
};

/* The header line. */
static inline void answer_write(struct buf *b, const struct answer *a, const char *method,
	const char *uri, const char *body)
{
	struct auth_digest d = { .user = str_of(a->user),
		.realm = str_of(a->challenge->realm),
		.password = str_of(a->password),
		.nonce = str_of(a->challenge->nonce),
		.cnonce = a->qop ? STR("0a4f113b") : STR_EMPTY,
		.nc = a->nc ? a->nc : 1,
		.qop = str_of(a->qop),
		.method = str_of(a->method ? a->method : method),
		.uri = str_of(a->uri ? a->uri : uri),
		.body = str_of(body) };
	char response[AUTH_DIGEST_HEX];
	struct auth_digest_answer w = { .user = d.user,
		.realm = d.realm,
		.nonce = d.nonce,
		.uri = d.uri,
		.cnonce = d.cnonce,
		.qop = d.qop,
		.nc = d.nc };

	assert_true(auth_digest_alg_parse(str_of(a->challenge->algorithm), &d.alg));
	auth_digest_response(&d, response);
	w.response = str_of(response);
	w.alg = d.alg;
	w.algorithm = str_of(a->challenge->algorithm);
	if (a->challenge->opaque[0])
		w.opaque = str_of(a->challenge->opaque);
	buf_addf(b, "%s: ", a->challenge->proxy ? "Proxy-Authorization" : "Authorization");
	auth_digest_answer_write(b, &w);
	buf_add_str(b, STR("\r\n"));
	assert_int_equal(b->fail, 0);
}

/* ---- REGISTER by hand ---- */

struct reg {
	const char *user; /* alice */
	const char *contact; /* the whole value; NULL: <sip:USER@PEER> */
	const char *params; /* behind it */
	const char *expires, *lines, *to, *uri, *call_id, *cseq;
	const struct answer *answer;
	struct peer *peer; /* NULL: v->p */
	unsigned conn; /* of that peer */
	bool star, no_contact;
};

static inline struct sip_msg *srv_register(struct srv *v, const struct reg *r)
{
	CLEANUP(buf_done) struct buf lines = BUF_INIT(65536);
	struct peer *p = r->peer ? r->peer : v->p;
	unsigned conn = r->peer ? r->conn : v->conn;
	const char *user = r->user ? r->user : "alice";
	const char *uri = r->uri ? r->uri : "sip:test.invalid";
	char to[128], from[160], cseq[32];
	struct sip_msg *m;

	snprintf(to, sizeof(to), "<sip:%s@test.invalid>", user);
	snprintf(from, sizeof(from), "%s;tag=f%u", to, asked);
	snprintf(cseq, sizeof(cseq), "%u REGISTER", asked + 1);
	if (r->star)
		buf_add_str(&lines, STR("Contact: *\r\n"));
	else if (r->contact)
		buf_addf(&lines, "Contact: %s%s\r\n", r->contact, r->params ? r->params : "");
	else if (!r->no_contact)
		buf_addf(&lines, "Contact: <sip:%s@%s%s>%s\r\n", user, p->text,
			conn ? ";transport=tcp" : "", r->params ? r->params : "");
	if (r->expires)
		buf_addf(&lines, "Expires: %s\r\n", r->expires);
	if (r->lines)
		buf_add_str(&lines, str_of(r->lines));
	if (r->answer)
		answer_write(&lines, r->answer, "REGISTER", uri, NULL);
	m = srv_ask_within(v, p, conn,
		&(struct ask){ .method = "REGISTER",
			.uri = uri,
			.to = r->to ? r->to : to,
			.from = from,
			.call_id = r->call_id,
			.cseq = r->cseq ? r->cseq : cseq,
			.lines = buf_cstr(&lines) },
		PEER_MS);
	if (!m)
		fail_msg("no answer to REGISTER");
	return m;
}

static inline struct sip_nameaddr contact_at(const struct sip_msg *m, unsigned n)
{
	struct sip_list l = sip_msg_list(m, SIP_HDR_CONTACT);
	struct sip_nameaddr a;

	do {
		assert_true(sip_list_nameaddr(&l, &a));
	} while (n-- > 0);
	return a;
}

static inline unsigned contacts_in(const struct sip_msg *m)
{
	struct sip_list l = sip_msg_list(m, SIP_HDR_CONTACT);
	struct sip_nameaddr a;
	unsigned n = 0;

	while (sip_list_nameaddr(&l, &a))
		n++;
	assert_false(l.bad);
	return n;
}

static inline bool param_at(
	const struct sip_msg *m, unsigned n, const char *name, char *out, size_t cap)
{
	struct str v;

	if (!sip_param(contact_at(m, n).params, name, &v))
		return false;
	heard_copy(out, cap, v);
	return true;
}

static inline uint32_t expires_at(const struct sip_msg *m, unsigned n)
{
	struct str v;
	uint32_t s;

	if (m->status != 200)
		fail_msg("%u instead of bindings", m->status);
	assert_true(sip_param(contact_at(m, n).params, "expires", &v));
	assert_true(sip_delta_parse(v, &s));
	return s;
}

#endif
