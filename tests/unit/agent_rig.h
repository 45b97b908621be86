/* tests/unit/agent_rig.h -- a client of Communications Server by hand: it has an epid, shakes hands
 * with NTLM, signs what it sends and checks what it gets. Include it after serve_rig.h. */
#ifndef AGENT_RIG_H
#define AGENT_RIG_H

#include "auth/association.h"
#include "auth/ntlm.h"
#include "base/text.h"

#define AGENT_REALM "SIP Communications Service"

struct agent {
	struct srv *v;
	struct peer *p;
	unsigned conn;
	const char *user, *epid, *password, *login; /* login: what NTLM is told; NULL: TEST\user */
	unsigned version; /* what it answers with; 0: what the challenge says */
	char opaque[16], target[64];
	struct association *a; /* NULL: none */
	unsigned good, bad; /* signatures of the server's that were checked */
	struct sip_msg *last; /* the last answer; of the peer's */
	unsigned cseq;
};

static inline struct agent *agent_at(struct srv *v, struct peer *p, unsigned conn, const char *user)
{
	struct agent *a = MEM_NEW(struct agent);

	a->v = v;
	a->p = p;
	a->conn = conn;
	a->user = user;
	a->epid = "c8ca638a15";
	a->password = "secret";
	return a;
}

/* With a peer and a connection of its own. */
static inline struct agent *agent_new(struct srv *v, const char *user)
{
	struct peer *p = peer_new();

	return agent_at(v, p, peer_connect(p, &v->tcp), user);
}

static inline void agent_free(struct agent *a)
{
	association_unref(a->a);
	if (a->p != a->v->p)
		peer_free(a->p);
	mem_free(a);
}

/* ---- what it gets ---- */

/* Is it signed? False: it is not; a wrong signature ends the test unless bad ones are counted. */
static inline bool agent_check(struct agent *a, const struct sip_msg *m)
{
	struct association_proof proof;
	struct arena arena = { 0 };
	struct str value = sip_msg_value(m, SIP_HDR_AUTHENTICATION_INFO);
	bool is = value.n > 0;

	if (is) {
		assert_true(association_proof_read(&arena, value, false, &proof));
		assert_non_null(a->a);
		assert_true(association_is_for(a->a, &proof));
		if (association_verify(a->a, m, &proof) == ASSOCIATION_GOOD)
			a->good++;
		else
			a->bad++;
	}
	arena_done(&arena);
	return is;
}

#define agent_signed(a, m)                                                                         \
	do {                                                                                       \
		unsigned agent_bad = (a)->bad;                                                     \
		assert_true(agent_check((a), (m)));                                                \
		assert_int_equal((a)->bad, agent_bad);                                             \
	} while (0)

/* ---- what it sends ---- */

enum agent_way {
	AGENT_SIGNED,
	AGENT_UNSIGNED,
	AGENT_FORGED, /* a byte of the signature is another */
	AGENT_CHANGED, /* the message was changed after it was signed */
};

/* Puts a header line behind those that are there. */
static inline void agent_insert(struct buf *b, const char *name, struct str value)
{
	char *end = memmem(b->p, b->n, "\r\n\r\n", 4);
	struct buf out = BUF_INIT(262144);

	assert_non_null(end);
	buf_add(&out, b->p, (size_t)(end - b->p) + 2);
	buf_addf(&out, "%s: " STR_FMT "\r\n", name, STR_ARG(value));
	buf_add_str(&out, str_sub(buf_str(b), (size_t)(end - b->p) + 2, b->n));
	buf_done(b);
	*b = out;
}

/* Signs a whole message; extra as association_sign has it. */
static inline void agent_sign(struct agent *a, struct buf *b, const char *name, struct str extra)
{
	CLEANUP(buf_done) struct buf value = BUF_INIT(65536);
	struct sip_msg *m;
	struct fail f;

	assert_int_equal(sip_msg_parse(buf_str(b), NULL, &m, &f), 0);
	if (association_sign(a->a, m, extra, &value, &f) != 0)
		fail_msg("sign: %s", f.text);
	sip_msg_unref(m);
	agent_insert(b, name, buf_str(&value));
}

static inline void agent_spoil(struct buf *b, const char *before)
{
	char *at = memmem(b->p, b->n, before, strlen(before));

	assert_non_null(at);
	at += strlen(before) + 10;
	*at = *at == '0' ? '1' : '0';
}

static inline void agent_pass(struct agent *a, struct buf *b, enum agent_way way, const char *name)
{
	if (way == AGENT_UNSIGNED)
		return;
	agent_sign(a, b, name, STR_EMPTY);
	if (way == AGENT_FORGED)
		agent_spoil(b, "response=\"");
	if (way == AGENT_CHANGED)
		agent_spoil(b, "Call-ID: ");
}

/* A request of this method from the agent; what is NULL is made. */
static inline void agent_write(struct agent *a, struct buf *b, const struct ask *wish)
{
	struct ask k = *wish;
	char from[160], to[128], cseq[48];

	asked++;
	snprintf(from, sizeof(from), "<sip:%s@test.invalid>;tag=f%u%s%s", a->user, asked,
		a->epid ? ";epid=" : "", a->epid ? a->epid : "");
	snprintf(to, sizeof(to), "<sip:%s@test.invalid>", a->user);
	snprintf(cseq, sizeof(cseq), "%u %s", ++a->cseq, k.method);
	k.from = k.from ? k.from : from;
	k.to = k.to ? k.to : to;
	k.cseq = k.cseq ? k.cseq : cseq;
	k.uri = k.uri ? k.uri : "sip:test.invalid";
	peer_ask_write(b, a->p, a->conn, &k);
}

static inline struct sip_msg *agent_send_within(struct agent *a, struct str bytes, unsigned ms)
{
	double end = rig_ms() + ms;
	unsigned seen = a->p->count;

	a->last = NULL;
	peer_send_to(a->p, &a->v->udp, a->conn, bytes);
	while (rig_ms() < end) {
		rig_run(&a->p->responses, a->p->responses + 1, 2);
		for (; seen < a->p->count; seen++)
			if (!a->p->got[seen].msg->request && a->p->got[seen].msg->status >= 200)
				return a->last = a->p->got[seen].msg;
	}
	return NULL;
}

static inline struct sip_msg *agent_send(struct agent *a, struct str bytes)
{
	if (!agent_send_within(a, bytes, PEER_MS))
		fail_msg("no answer to " STR_FMT, STR_ARG(str_sub(bytes, 0, 60)));
	return a->last;
}

static inline struct sip_msg *agent_ask_as(
	struct agent *a, enum agent_way way, const struct ask *k, unsigned ms)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(262144);

	agent_write(a, &b, k);
	agent_pass(a, &b, way, "Authorization");
	return agent_send_within(a, buf_str(&b), ms);
}

/* Signed, and so must be the answer. */
static inline struct sip_msg *agent_ask(struct agent *a, const struct ask *k)
{
	struct sip_msg *m = agent_ask_as(a, AGENT_SIGNED, k, PEER_MS);

	if (!m)
		fail_msg("no answer to %s", k->method);
	agent_signed(a, m);
	return m;
}

/* Answers a request that came, signed or not. */
static inline void agent_reply(
	struct agent *a, const struct peer_got *g, unsigned status, enum agent_way way)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(262144);

	peer_response(&b, a->p, g, status, status == 200 ? "Contact: <sip:b@{me}>\r\n" : NULL);
	agent_pass(a, &b, way, "Authorization");
	peer_send(a->p, g, buf_str(&b));
}

/* ---- handshakes ---- */

/* The value of a parameter of the n-th challenge of this scheme; false: it is not there. */
static inline bool agent_param(
	const struct sip_msg *m, const char *scheme, const char *name, struct buf *out)
{
	static const enum sip_hdr_id ids[] = { SIP_HDR_WWW_AUTHENTICATE,
		SIP_HDR_PROXY_AUTHENTICATE };
	struct sip_challenge c;
	struct sip_param p;

	buf_clear(out);
	for (unsigned i = 0; i < 2; i++)
		for (const struct sip_hdr *h = sip_msg_hdr(m, ids[i]); h;
			h = sip_msg_hdr_next(m, h)) {
			assert_true(sip_challenge_parse(h->value, &c));
			if (!str_ieq(c.scheme, str_of(scheme)) ||
				!sip_challenge_get(c.params, name, &p))
				continue;
			buf_add_str(out, p.value);
			return true;
		}
	return false;
}

/* REGISTER of this agent with these further lines. */
static inline void agent_write_register(struct agent *a, struct buf *b, const char *lines)
{
	CLEANUP(buf_done) struct buf all = BUF_INIT(65536);

	buf_addf(&all, "Contact: <sip:%s@%s;transport=tcp>\r\n%s", a->user, a->p->text,
		lines ? lines : "");
	agent_write(a, b, &(struct ask){ .method = "REGISTER", .lines = buf_cstr(&all) });
}

/* "NTLM qop=..., gssapi-data=DATA[, version=N]" */
static inline void agent_leg(struct agent *a, struct buf *value, struct str data)
{
	buf_addf(value, "NTLM qop=\"auth\"");
	if (a->opaque[0])
		buf_addf(value, ", opaque=\"%s\"", a->opaque);
	buf_addf(value,
		", realm=\"" AGENT_REALM "\", targetname=\"%s\", gssapi-data=\"" STR_FMT "\"",
		a->target, STR_ARG(data));
	if (a->version > 2)
		buf_addf(value, ", version=%u", a->version);
}

/* The first two requests: up to the CHALLENGE, which is appended to out. */
static inline void agent_begin(struct agent *a, const char *lines, struct buf *out)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(262144), v = BUF_INIT(65536);
	struct sip_msg *m;
	uint32_t version;

	association_unref(a->a);
	a->a = NULL;
	a->opaque[0] = '\0';
	agent_write_register(a, &b, lines);
	m = agent_send(a, buf_str(&b));
	assert_int_equal(m->status, 401);
	assert_true(agent_param(m, "NTLM", "targetname", &v));
	snprintf(a->target, sizeof(a->target), "%s", buf_cstr(&v));
	if (!a->version)
		a->version = agent_param(m, "NTLM", "version", &v) && str_u32(buf_str(&v), &version)
				     ? version
				     : 2;
	buf_clear(&b);
	agent_write_register(a, &b, lines);
	buf_clear(&v);
	agent_leg(a, &v, STR_EMPTY);
	agent_insert(&b, "Authorization", buf_str(&v));
	m = agent_send(a, buf_str(&b));
	assert_int_equal(m->status, 401);
	assert_int_equal(msg_count(m, SIP_HDR_WWW_AUTHENTICATE), 1);
	assert_true(agent_param(m, "NTLM", "opaque", &v));
	assert_int_equal(v.n, 8);
	snprintf(a->opaque, sizeof(a->opaque), "%s", buf_cstr(&v));
	assert_true(agent_param(m, "NTLM", "gssapi-data", &v));
	assert_true(text_base64_decode(out, buf_str(&v)));
}

/* The AUTHENTICATE for this CHALLENGE, in base64; the agent has its association from now on. False:
 * it was refused, and f says why. */
static inline bool agent_answer(
	struct agent *a, struct str challenge, struct buf *data, struct fail *f)
{
	CLEANUP(buf_done) struct buf token = BUF_INIT(65536);
	char login[64];
	struct ntlm *context;
	struct ntlm_identity who;

	snprintf(login, sizeof(login), "TEST\\%s", a->user);
	who = ntlm_identity_of(str_of(a->login ? a->login : login), str_of(a->password));
	if (ntlm_answer(&who, challenge, &(struct ntlm_options){ .now_ms = 1800000000000ULL },
		    &token, &context, f) != 0)
		return false;
	text_base64_encode(data, buf_str(&token));
	association_unref(a->a);
	a->a = association_new(&(struct association_config){ .mechanism = &association_ntlm,
		.context = context,
		.realm = STR(AGENT_REALM),
		.targetname = str_of(a->target),
		.opaque = str_of(a->opaque),
		.version = a->version,
		.ends_at = UINT64_MAX });
	return true;
}

/* The third request; from version 4 on it is signed. */
static inline struct sip_msg *agent_end(
	struct agent *a, const char *lines, struct str challenge, enum agent_way way)
{
	CLEANUP(buf_done)
	struct buf b = BUF_INIT(262144),
		   v = BUF_INIT(65536), data = BUF_INIT(65536);
	struct fail f;

	if (!agent_answer(a, challenge, &data, &f))
		fail_msg("the challenge was refused: %s", f.text);
	agent_write_register(a, &b, lines);
	if (a->version < 4 || way == AGENT_UNSIGNED) {
		agent_leg(a, &v, buf_str(&data));
		agent_insert(&b, "Authorization", buf_str(&v));
	} else {
		buf_addf(&v, "gssapi-data=\"" STR_FMT "\", version=%u", STR_ARG(buf_str(&data)),
			a->version);
		agent_sign(a, &b, "Authorization", buf_str(&v));
		if (way == AGENT_FORGED)
			agent_spoil(&b, "response=\"");
	}
	return agent_send(a, buf_str(&b));
}

/* All of it; the answer of the last. */
static inline struct sip_msg *agent_shake(struct agent *a, const char *lines)
{
	CLEANUP(buf_done) struct buf challenge = BUF_INIT(65536);

	agent_begin(a, lines, &challenge);
	return agent_end(a, lines, buf_str(&challenge), AGENT_SIGNED);
}

/* Registered, and the server has proved itself. */
static inline void agent_register(struct agent *a, const char *lines)
{
	struct sip_msg *m = agent_shake(a, lines);

	assert_int_equal(m->status, 200);
	agent_signed(a, m);
}

/* A refresh within the association. */
static inline struct sip_msg *agent_refresh(struct agent *a, const char *lines)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(262144);

	agent_write_register(a, &b, lines);
	agent_pass(a, &b, AGENT_SIGNED, "Authorization");
	return agent_send(a, buf_str(&b));
}

/* ---- the server ---- */

/* With alice and bob, "secret" both, and NTLM. */
static inline struct srv *srv_ntlm(struct serve_config c)
{
	struct serve_user users[] = { srv_user("alice", "secret"), srv_user("bob", "secret") };

	c.users = users;
	c.user_count = 2;
	c.challenge = true;
	if (!c.scheme_count)
		c.schemes[c.scheme_count++] = SERVE_NTLM;
	return srv_new(c);
}

static inline struct srv *srv_faulty(const char *fault)
{
	struct str f = str_of(fault);

	return srv_ntlm((struct serve_config){ .faults = &f, .fault_count = 1 });
}

#endif
