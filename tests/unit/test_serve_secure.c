/* tests/unit/test_serve_secure.c -- security associations at the test server, by a client that is
 * written by hand upon lib/auth: handshakes, what is signed, what is discarded, what ends them.
 * [MS-SIPAE], microsoft-auth.md section 1. That the bytes are right shows test_association and the
 * independent peers; here it is which message is signed, and for whom. */
#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "serve_rig.h"

#include "agent_rig.h"
#include "serve/pact.h"

/* --- challenges
 * -----------------------------------------------------------------------------------
 */

static void test_challenges(void **state)
{
	struct srv *v = srv_ntlm((struct serve_config){ .schemes = { SERVE_NTLM, SERVE_DIGEST },
		.scheme_count = 2,
		.digest = 1U << HASH_MD5 });
	CLEANUP(buf_done) struct buf b = BUF_INIT(1024);
	const struct sip_hdr *h;
	struct sip_msg *m;
	struct str date;

	(void)state;
	m = srv_register(v, &(struct reg){ 0 });
	assert_int_equal(m->status, 401);
	h = sip_msg_hdr(m, SIP_HDR_WWW_AUTHENTICATE);
	assert_str(h->value,
		"NTLM realm=\"SIP Communications Service\", targetname=\"test.invalid\", "
		"version=4");
	h = sip_msg_hdr_next(m, h);
	assert_has(h->value, "Digest realm=\"test.invalid\"");
	assert_null(sip_msg_hdr_next(m, h));
	date = sip_msg_value(m, SIP_HDR_DATE); /* "Sat, 13 Nov 2010 23:29:00 GMT" */
	assert_int_equal(date.n, 29);
	assert_str(str_sub(date, 25, 29), " GMT");
	/* What goes through the proxy gets 407. */
	m = srv_ask(v, &(struct ask){ .method = "MESSAGE",
			       .uri = "sip:bob@test.invalid",
			       .from = "<sip:alice@test.invalid>;tag=1" });
	assert_int_equal(m->status, 407);
	assert_int_equal(msg_count(m, SIP_HDR_PROXY_AUTHENTICATE), 2);
	assert_true(sip_msg_hdr(m, SIP_HDR_DATE) != NULL);
	srv_free(v);

	/* Digest alone has no Date; version 2 names none. */
	v = srv_secure(0, 0);
	m = srv_register(v, &(struct reg){ 0 });
	assert_null(sip_msg_hdr(m, SIP_HDR_DATE));
	srv_free(v);
	v = srv_ntlm((struct serve_config){
		.ms_version = 2, .realm = STR("Lab"), .targetname = STR("front.test.invalid") });
	m = srv_register(v, &(struct reg){ 0 });
	assert_str(sip_msg_value(m, SIP_HDR_WWW_AUTHENTICATE),
		"NTLM realm=\"Lab\", targetname=\"front.test.invalid\"");
	assert_false(agent_param(m, "NTLM", "version", &b));
	srv_free(v);
}

/* Digest goes on beside it, for clients without epid. */
static void test_mixed(void **state)
{
	struct srv *v = srv_ntlm((struct serve_config){
		.schemes = { SERVE_NTLM, SERVE_DIGEST }, .scheme_count = 2 });
	struct srv_challenge c[4];
	struct agent *a;
	struct sip_msg *m;

	(void)state;
	m = srv_register(v, &(struct reg){ .user = "bob" });
	assert_int_equal(srv_challenges(m, c, 4), 4);
	m = srv_register(v, &(struct reg){ .user = "bob",
				    .answer = &(struct answer){ .challenge = &c[2],
					    .user = "bob",
					    .password = "secret",
					    .qop = "auth" } });
	assert_int_equal(m->status, 200);
	assert_null(sip_msg_hdr(m, SIP_HDR_AUTHENTICATION_INFO));
	a = agent_new(v, "alice");
	agent_register(a, NULL);
	agent_free(a);
	srv_free(v);
}

/* --- handshakes
 * -----------------------------------------------------------------------------------
 */

static void shakes(unsigned version)
{
	struct srv *v = srv_ntlm((struct serve_config){ .ms_version = version });
	struct agent *a = agent_new(v, "alice");
	CLEANUP(buf_done) struct buf b = BUF_INIT(1024);
	struct sip_msg *m = agent_shake(a, "Expires: 600\r\n");

	assert_int_equal(a->version, version);
	assert_int_equal(m->status, 200);
	assert_int_equal(a->p->requests, 0);
	assert_int_equal(a->cseq, 3); /* three requests, no more */
	assert_has(sip_msg_value(m, SIP_HDR_AUTHENTICATION_INFO), "snum=\"1\"");
	assert_has(sip_msg_value(m, SIP_HDR_AUTHENTICATION_INFO), "NTLM ");
	agent_signed(a, m);
	assert_int_equal(serve_bindings(v->s, STR("alice")), 1);

	/* Within it. */
	m = agent_refresh(a, "Expires: 500\r\n");
	assert_int_equal(m->status, 200);
	assert_has(sip_msg_value(m, SIP_HDR_AUTHENTICATION_INFO), "snum=\"2\"");
	agent_signed(a, m);
	m = agent_ask(a, &(struct ask){ .method = "MESSAGE",
				 .uri = "sip:echo@test.invalid",
				 .to = "<sip:echo@test.invalid>",
				 .lines = "Content-Type: text/plain\r\n",
				 .body = "hello" });
	assert_int_equal(m->status, 200);
	m = agent_ask(a, &(struct ask){ .method = "OPTIONS" });
	assert_int_equal(m->status, 200);
	m = agent_ask(a, &(struct ask){ .method = "MESSAGE",
				 .uri = "sip:nobody@test.invalid",
				 .to = "<sip:nobody@test.invalid>" });
	assert_int_equal(m->status, 404);
	m = agent_refresh(a, "Expires: 0\r\n");
	assert_int_equal(m->status, 200);
	agent_signed(a, m);
	assert_int_equal(serve_bindings(v->s, STR("alice")), 0);
	assert_int_equal(serve_discarded(v->s), 0);
	agent_free(a);
	srv_free(v);
}

static void test_shakes(void **state)
{
	(void)state;
	shakes(2);
	shakes(3);
	shakes(4);
}

/* A client that knows less decides. */
static void test_lower_version(void **state)
{
	struct srv *v = srv_ntlm((struct serve_config){ 0 });
	struct agent *a = agent_new(v, "alice");

	(void)state;
	a->version = 3;
	agent_register(a, NULL);
	agent_free(a);
	a = agent_new(v, "bob");
	a->version = 2;
	agent_register(a, NULL);
	agent_free(a);
	srv_free(v);
}

static void refused(struct srv *v, struct agent *a, enum agent_way way)
{
	CLEANUP(buf_done) struct buf challenge = BUF_INIT(65536), b = BUF_INIT(1024);
	struct sip_msg *m;

	agent_begin(a, NULL, &challenge);
	m = agent_end(a, NULL, buf_str(&challenge), way);
	assert_int_equal(m->status, 401);
	assert_true(agent_param(m, "NTLM", "targetname", &b));
	/* 1.10: a challenge without these says that it failed. */
	assert_false(agent_param(m, "NTLM", "opaque", &b));
	assert_false(agent_param(m, "NTLM", "gssapi-data", &b));
	assert_has(msg_named(m, "ms-diagnostics"), "1000;reason=");
	assert_null(sip_msg_hdr(m, SIP_HDR_AUTHENTICATION_INFO));
	assert_int_equal(serve_bindings(v->s, STR("alice")), 0);
	/* The same answer once more: its challenge is used up. */
	m = agent_end(a, NULL, buf_str(&challenge), AGENT_SIGNED);
	assert_int_equal(m->status, 401);
	assert_false(agent_param(m, "NTLM", "gssapi-data", &b));
}

static void test_refused(void **state)
{
	static const struct {
		const char *login, *password;
		enum agent_way way;
	} cases[] = {
		{ "TEST\\alice", "wrong", AGENT_SIGNED },
		{ "TEST\\carol", "secret", AGENT_SIGNED },
		{ "OTHER\\alice", "secret", AGENT_SIGNED },
		{ "alice@other.invalid", "secret", AGENT_SIGNED },
		{ "TEST\\alice", "secret", AGENT_UNSIGNED }, /* the last leg of version 4 */
		{ "TEST\\alice", "secret", AGENT_FORGED },
	};
	struct srv *v = srv_ntlm((struct serve_config){ 0 });

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
		struct agent *a = agent_new(v, "alice");

		a->login = cases[i].login;
		a->password = cases[i].password;
		refused(v, a, cases[i].way);
		agent_free(a);
	}
	srv_free(v);
}

/* RTE\alice, Alice, alice@domain: all of them are alice. */
static void test_names(void **state)
{
	static const char *const logins[] = { "TEST\\alice", "test\\Alice", "alice@test.invalid",
		"alice" };
	struct srv *v = srv_ntlm((struct serve_config){ 0 });

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(logins); i++) {
		struct agent *a = agent_new(v, "alice");

		a->login = logins[i];
		agent_register(a, NULL);
		agent_free(a);
	}
	srv_free(v);
}

/* 1.9: no epid, no association. Whoever proves to be somebody else may not register here. */
static void test_endpoint_id(void **state)
{
	struct srv *v = srv_ntlm((struct serve_config){ 0 });
	struct agent *a = agent_new(v, "alice");
	CLEANUP(buf_done)
	struct buf b = BUF_INIT(65536), value = BUF_INIT(1024), challenge = BUF_INIT(65536);
	struct sip_msg *m;

	(void)state;
	a->epid = NULL;
	snprintf(a->target, sizeof(a->target), "test.invalid");
	a->version = 4;
	agent_leg(a, &value, STR_EMPTY);
	agent_write_register(a, &b, NULL);
	agent_insert(&b, "Authorization", buf_str(&value));
	m = agent_send(a, buf_str(&b));
	assert_int_equal(m->status, 400);
	assert_str(m->reason, "From Needs an epid");

	/* The challenge of one endpoint is none of another's. */
	a->epid = "0101";
	agent_begin(a, NULL, &challenge);
	a->epid = "0202";
	m = agent_end(a, NULL, buf_str(&challenge), AGENT_SIGNED);
	assert_int_equal(m->status, 401);

	a->login = "TEST\\bob";
	m = agent_shake(a, NULL);
	assert_int_equal(m->status, 403);
	assert_int_equal(serve_bindings(v->s, STR("alice")), 0);
	agent_free(a);
	srv_free(v);
}

/* --- what is discarded ---------------------------------------------------------------------------
 */

static void test_discards(void **state)
{
	struct srv *v = srv_ntlm((struct serve_config){ 0 });
	struct agent *a = agent_new(v, "alice");
	struct ask echo = {
		.method = "MESSAGE", .uri = "sip:echo@test.invalid", .to = "<sip:echo@test.invalid>"
	};
	CLEANUP(buf_done) struct buf b = BUF_INIT(65536);
	struct sip_msg *m;

	(void)state;
	agent_register(a, NULL);
	assert_null(agent_ask_as(a, AGENT_FORGED, &echo, 60));
	assert_int_equal(v->discarded, 1);
	assert_string_equal(v->last_why, "forged");
	assert_null(agent_ask_as(a, AGENT_CHANGED, &echo, 60));
	assert_int_equal(v->discarded, 2);

	/* Once more the same bytes. */
	agent_write(a, &b, &echo);
	agent_pass(a, &b, AGENT_SIGNED, "Authorization");
	m = agent_send(a, buf_str(&b));
	assert_int_equal(m->status, 200);
	agent_signed(a, m);
	assert_null(agent_send_within(a, buf_str(&b), 60));
	assert_int_equal(v->discarded, 3);
	assert_string_equal(v->last_why, "replayed");

	/* What may be challenged is challenged, also within a dialog. */
	m = agent_ask_as(a, AGENT_UNSIGNED, &echo, PEER_MS);
	assert_int_equal(m->status, 401);
	assert_false(agent_check(a, m));
	m = agent_ask_as(a, AGENT_UNSIGNED,
		&(struct ask){ .method = "BYE",
			.uri = "sip:bob@test.invalid",
			.to = "<sip:bob@test.invalid>;tag=x" },
		PEER_MS);
	assert_int_equal(m->status, 401);
	/* Without its epid it is the same endpoint all the same. */
	a->epid = NULL;
	m = agent_ask_as(a, AGENT_UNSIGNED, &echo, PEER_MS);
	assert_int_equal(m->status, 401);
	a->epid = "c8ca638a15";
	assert_null(agent_ask_as(a, AGENT_UNSIGNED,
		&(struct ask){ .method = "ACK", .uri = "sip:bob@test.invalid" }, 60));
	assert_string_equal(v->last_why, "unsigned");
	assert_null(agent_ask_as(a, AGENT_UNSIGNED,
		&(struct ask){ .method = "CANCEL", .uri = "sip:bob@test.invalid" }, 60));
	assert_int_equal(v->discarded, 5);
	assert_int_equal(serve_discarded(v->s), 5);
	/* It goes on. */
	assert_int_equal(agent_ask(a, &echo)->status, 200);
	agent_free(a);
	srv_free(v);
}

/* A signature in Proxy-Authorization counts as well. */
static void test_either_header(void **state)
{
	struct srv *v = srv_ntlm((struct serve_config){ 0 });
	struct agent *a = agent_new(v, "alice");
	CLEANUP(buf_done) struct buf b = BUF_INIT(65536);
	struct sip_msg *m;

	(void)state;
	agent_register(a, NULL);
	agent_write(a, &b,
		&(struct ask){ .method = "MESSAGE",
			.uri = "sip:echo@test.invalid",
			.to = "<sip:echo@test.invalid>" });
	agent_pass(a, &b, AGENT_SIGNED, "Proxy-Authorization");
	m = agent_send(a, buf_str(&b));
	assert_int_equal(m->status, 200);
	agent_signed(a, m);
	agent_free(a);
	srv_free(v);
}

/* Over UDP a request comes again as it was: no replay. */
static void test_udp(void **state)
{
	struct srv *v = srv_ntlm((struct serve_config){ 0 });
	struct agent *a = agent_at(v, v->p, 0, "alice");
	CLEANUP(buf_done) struct buf b = BUF_INIT(65536);
	struct sip_msg *m;

	(void)state;
	agent_register(a, NULL);
	agent_write(a, &b, &(struct ask){ .method = "OPTIONS" });
	agent_pass(a, &b, AGENT_SIGNED, "Authorization");
	for (unsigned i = 0; i < 3; i++) {
		m = agent_send(a, buf_str(&b));
		assert_int_equal(m->status, 200);
		agent_signed(a, m); /* with a number of its own */
	}
	assert_int_equal(v->discarded, 0);
	agent_free(a);
	srv_free(v);
}

/* --- from endpoint to endpoint
 * --------------------------------------------------------------------
 */

struct pair {
	struct srv *v;
	struct agent *a, *b;
};

static struct pair pair_new(struct serve_config c)
{
	struct pair p = { .v = srv_ntlm(c) };

	p.a = agent_new(p.v, "alice");
	p.b = agent_new(p.v, "bob");
	p.b->epid = "0b0b0b0b";
	agent_register(p.a, NULL);
	agent_register(p.b, NULL);
	return p;
}

static void pair_free(struct pair *p)
{
	agent_free(p->a);
	agent_free(p->b);
	srv_free(p->v);
}

/* A request of alice's for bob is on its way. */
static const struct peer_got *pair_send(struct pair *p, struct buf *b, const struct ask *k)
{
	unsigned before = p->b->p->requests;

	agent_write(p->a, b, k);
	agent_pass(p->a, b, AGENT_SIGNED, "Authorization");
	peer_send_to(p->a->p, NULL, p->a->conn, buf_str(b));
	rig_wait(p->b->p->requests, before + 1);
	return peer_last(p->b->p);
}

/* The next final response at alice. */
static struct sip_msg *pair_wait(struct pair *p)
{
	unsigned seen = p->a->p->count;
	double end = rig_ms() + PEER_MS;

	while (rig_ms() < end) {
		for (unsigned i = seen; i < p->a->p->count; i++)
			if (!p->a->p->got[i].msg->request && p->a->p->got[i].msg->status >= 200)
				return p->a->p->got[i].msg;
		rig_run(&p->a->p->responses, p->a->p->responses + 1, 2);
	}
	fail_msg("no answer");
	return NULL;
}

/* Hop by hop: the sender's signature ends here, the receiver gets ours; both are theirs alone. */
static void test_passes_on(void **state)
{
	struct pair p = pair_new((struct serve_config){ 0 });
	CLEANUP(buf_done) struct buf b = BUF_INIT(65536);
	const struct peer_got *g;
	struct sip_msg *m;

	(void)state;
	g = pair_send(&p, &b,
		&(struct ask){ .method = "MESSAGE",
			.uri = "sip:bob@test.invalid",
			.to = "<sip:bob@test.invalid>",
			.lines = "Authentication-Info: NTLM "
				 "realm=\"SIP Communications Service\", rspauth=\"00\"\r\n"
				 "Authorization: Digest realm=\"x\", nonce=\"1\"\r\n" });
	assert_int_equal(msg_count(g->msg, SIP_HDR_AUTHENTICATION_INFO), 1);
	agent_signed(p.b, g->msg);
	/* Credentials for others go on. */
	assert_int_equal(msg_count(g->msg, SIP_HDR_AUTHORIZATION), 1);
	assert_has(sip_msg_value(g->msg, SIP_HDR_AUTHORIZATION), "Digest");
	assert_null(sip_msg_hdr(g->msg, SIP_HDR_PROXY_AUTHORIZATION));

	agent_reply(p.b, g, 200, AGENT_SIGNED);
	m = pair_wait(&p);
	assert_int_equal(m->status, 200);
	assert_null(sip_msg_hdr(m, SIP_HDR_AUTHORIZATION));
	agent_signed(p.a, m);
	assert_int_equal(p.v->discarded, 0);
	pair_free(&p);
}

/* A response that bob did not sign, or somebody changed, is none. */
static void test_responses(void **state)
{
	static const enum agent_way ways[] = { AGENT_UNSIGNED, AGENT_FORGED, AGENT_CHANGED };
	struct pair p = pair_new((struct serve_config){ 0 });
	CLEANUP(buf_done) struct buf b = BUF_INIT(65536);
	const struct peer_got *g;
	unsigned seen;

	(void)state;
	g = pair_send(&p, &b,
		&(struct ask){ .method = "MESSAGE",
			.uri = "sip:bob@test.invalid",
			.to = "<sip:bob@test.invalid>" });
	seen = p.a->p->count;
	for (unsigned i = 0; i < ARRAY_LEN(ways); i++) {
		agent_reply(p.b, g, 603, ways[i]);
		rig_wait(p.v->discarded, i + 1);
	}
	rig_idle(20);
	assert_int_equal(p.a->p->count, seen);
	agent_reply(p.b, g, 200, AGENT_SIGNED);
	agent_signed(p.a, pair_wait(&p));
	pair_free(&p);
}

/* A call: INVITE, 180, CANCEL, 487, ACK, each signed on both legs. */
static void test_call(void **state)
{
	struct pair p = pair_new((struct serve_config){ 0 });
	CLEANUP(buf_done) struct buf b = BUF_INIT(65536), c = BUF_INIT(65536);
	struct ask invite = { .method = "INVITE",
		.uri = "sip:bob@test.invalid",
		.to = "<sip:bob@test.invalid>",
		.call_id = "one-call",
		.cseq = "70 INVITE",
		.from = "<sip:alice@test.invalid>;tag=ft;epid=c8ca638a15",
		.via = "SIP/2.0/TCP 192.0.2.1;branch=z9hG4bKonecall",
		.lines = "Contact: <sip:a@192.0.2.1>\r\n" };
	struct ask cancel = invite;
	const struct peer_got *g;
	struct sip_msg *m;

	(void)state;
	g = pair_send(&p, &b, &invite);
	agent_signed(p.b, g->msg);
	agent_reply(p.b, g, 100, AGENT_UNSIGNED); /* a hop's own */
	agent_reply(p.b, g, 180, AGENT_SIGNED);
	rig_wait(p.a->p->responses, 5); /* the handshake's three, 100, 180 */
	m = peer_answer(p.a->p);
	assert_int_equal(m->status, 180);
	agent_signed(p.a, m);
	for (unsigned i = 0; i < p.a->p->count; i++)
		if (!p.a->p->got[i].msg->request && p.a->p->got[i].msg->status == 100)
			assert_false(agent_check(p.a, p.a->p->got[i].msg));

	/* Somebody else's CANCEL, who knows all but the key. */
	cancel.method = "CANCEL";
	cancel.cseq = "70 CANCEL";
	cancel.lines = NULL;
	agent_write(p.a, &c, &cancel);
	peer_send_to(p.a->p, NULL, p.a->conn, buf_str(&c));
	rig_wait(p.v->discarded, 1);
	rig_idle(20);
	assert_int_equal(p.b->p->requests, 1);
	buf_clear(&c);
	g = pair_send(&p, &c, &cancel);
	assert_str(g->msg->method_name, "CANCEL");
	agent_signed(p.b, g->msg);
	agent_reply(p.b, g, 200, AGENT_SIGNED);
	agent_reply(p.b, peer_request(p.b->p, 0), 487, AGENT_SIGNED);
	rig_wait(p.b->p->requests, 3);
	g = peer_last(p.b->p);
	assert_str(g->msg->method_name, "ACK"); /* the server's own */
	agent_signed(p.b, g->msg);
	rig_wait(p.a->p->responses, 7);
	m = peer_answer(p.a->p);
	assert_int_equal(m->status, 487);
	agent_signed(p.a, m);
	pair_free(&p);
}

/* Two users on one connection: each gets what is signed for itself. */
static void test_one_flow(void **state)
{
	struct srv *v = srv_ntlm((struct serve_config){ 0 });
	struct agent *a, *b;
	CLEANUP(buf_done) struct buf w = BUF_INIT(65536);
	const struct peer_got *g;

	(void)state;
	srv_over_tcp(v, v->p);
	a = agent_at(v, v->p, v->conn, "alice");
	b = agent_at(v, v->p, v->conn, "bob");
	agent_register(a, NULL);
	agent_register(b, NULL);
	for (unsigned i = 0; i < 2; i++) {
		struct agent *to = i ? a : b;
		char uri[64];

		snprintf(uri, sizeof(uri), "sip:%s@test.invalid", to->user);
		buf_clear(&w);
		agent_write(a, &w, &(struct ask){ .method = "MESSAGE", .uri = uri, .to = uri });
		agent_pass(a, &w, AGENT_SIGNED, "Authorization");
		peer_send_to(v->p, NULL, v->conn, buf_str(&w));
		rig_wait(v->p->requests, i + 1);
		g = peer_last(v->p);
		agent_signed(to, g->msg);
		agent_reply(to, g, 200, AGENT_SIGNED);
		rig_wait(v->p->responses, 6 + i + 1);
		agent_signed(a, peer_answer(v->p));
	}
	agent_free(a);
	agent_free(b);
	srv_free(v);
}

/* Two endpoints of one user there: To says which one is meant. */
static void test_one_user(void **state)
{
	struct srv *v = srv_ntlm((struct serve_config){ 0 });
	struct agent *a, *b;
	CLEANUP(buf_done) struct buf w = BUF_INIT(65536);

	(void)state;
	srv_over_tcp(v, v->p);
	a = agent_at(v, v->p, v->conn, "alice");
	b = agent_at(v, v->p, v->conn, "alice");
	b->epid = "0b0b0b0b";
	agent_register(a, NULL);
	agent_register(b, NULL);
	for (unsigned i = 0; i < 2; i++) {
		struct agent *to = i ? b : a;
		char text[96];

		snprintf(text, sizeof(text), "<sip:alice@test.invalid>;epid=%s", to->epid);
		buf_clear(&w);
		agent_write(a, &w,
			&(struct ask){
				.method = "MESSAGE", .uri = "sip:alice@test.invalid", .to = text });
		agent_pass(a, &w, AGENT_SIGNED, "Authorization");
		peer_send_to(v->p, NULL, v->conn, buf_str(&w));
		rig_wait(v->p->requests, i + 1);
		agent_signed(to, peer_last(v->p)->msg);
	}
	agent_free(a);
	agent_free(b);
	srv_free(v);
}

/* Nothing is signed for who only says that he is alice. */
static void test_no_oracle(void **state)
{
	struct srv *v = srv_ntlm((struct serve_config){ 0 });
	struct agent *a = agent_new(v, "alice");
	struct ask bad = { .method = "OPTIONS",
		.uri = "sip:test.invalid",
		.from = "<sip:alice@test.invalid>;tag=f;epid=c8ca638a15",
		.cseq = "1 INVITE" };
	struct sip_msg *m;

	(void)state;
	agent_register(a, NULL);
	m = srv_ask(v, &bad);
	assert_int_equal(m->status, 400);
	assert_null(sip_msg_hdr(m, SIP_HDR_AUTHENTICATION_INFO));
	m = agent_ask_as(a, AGENT_UNSIGNED, &bad, PEER_MS);
	assert_int_equal(m->status, 400);
	agent_signed(a, m);
	agent_free(a);
	srv_free(v);
}

/* The association goes along to another connection, with a signed request. */
static void test_other_flow(void **state)
{
	struct pair p = pair_new((struct serve_config){ 0 });
	CLEANUP(buf_done) struct buf b = BUF_INIT(65536);
	const struct peer_got *g;

	(void)state;
	p.b->conn = peer_connect(p.b->p, &p.v->tcp);
	agent_signed(p.b, agent_refresh(p.b, NULL));
	g = pair_send(&p, &b,
		&(struct ask){ .method = "MESSAGE",
			.uri = "sip:bob@test.invalid",
			.to = "<sip:bob@test.invalid>" });
	assert_int_equal(g->conn, p.b->conn);
	agent_signed(p.b, g->msg);
	pair_free(&p);
}

/* Where nobody may go without an association, nobody gets into a dialog without one; beside Digest,
 * which signs no single message, only who has one must sign. */
static void test_strangers(void **state)
{
	static const struct ask bye = { .method = "BYE",
		.uri = "sip:echo@test.invalid",
		.from = "<sip:bob@test.invalid>;tag=b;epid=0f0f",
		.to = "<sip:echo@test.invalid>;tag=x" };
	static const struct ask ack = { .method = "ACK",
		.uri = "sip:echo@test.invalid",
		.from = "<sip:bob@test.invalid>;tag=b",
		.to = "<sip:echo@test.invalid>;tag=x" };
	struct srv *v = srv_ntlm((struct serve_config){ 0 });

	(void)state;
	assert_int_equal(srv_ask(v, &bye)->status, 401);
	assert_null(srv_ask_within(v, v->p, 0, &ack, 30));
	assert_int_equal(v->discarded, 1);
	srv_free(v);
	v = srv_ntlm((struct serve_config){
		.schemes = { SERVE_NTLM, SERVE_DIGEST }, .scheme_count = 2 });
	assert_int_equal(srv_ask(v, &bye)->status, 481);
	assert_null(srv_ask_within(v, v->p, 0, &ack, 30));
	assert_int_equal(v->discarded, 0);
	srv_free(v);
}

/* Also beside Digest a CANCEL must be signed when its INVITE was; not as somebody else either. */
static void test_cancel(void **state)
{
	struct pair p = pair_new((struct serve_config){
		.schemes = { SERVE_NTLM, SERVE_DIGEST }, .scheme_count = 2 });
	CLEANUP(buf_done) struct buf b = BUF_INIT(65536), c = BUF_INIT(65536);
	struct ask invite = { .method = "INVITE",
		.uri = "sip:bob@test.invalid",
		.to = "<sip:bob@test.invalid>",
		.call_id = "one-call",
		.cseq = "70 INVITE",
		.from = "<sip:alice@test.invalid>;tag=ft;epid=c8ca638a15",
		.via = "SIP/2.0/TCP 192.0.2.1;branch=z9hG4bKonecall",
		.lines = "Contact: <sip:a@192.0.2.1>\r\n" };
	struct ask cancel = invite;
	const struct peer_got *g = pair_send(&p, &b, &invite);

	(void)state;
	agent_reply(p.b, g, 180, AGENT_SIGNED);
	rig_wait(p.a->p->responses, 5);
	cancel.method = "CANCEL";
	cancel.cseq = "70 CANCEL";
	cancel.from = "<sip:alice@elsewhere.test>;tag=ft";
	cancel.lines = "Authorization: NTLM qop=\"auth\", realm=\"" AGENT_REALM
		       "\", targetname=\"test.invalid\", opaque=\"00000000\", crand=\"00000000\", "
		       "cnum=\"1\", response=\"00\"\r\n";
	agent_write(p.a, &c, &cancel);
	peer_send_to(p.v->p, &p.v->udp, 0, buf_str(&c));
	rig_wait(p.v->discarded, 1);
	rig_idle(20);
	assert_int_equal(p.b->p->requests, 1);
	pair_free(&p);
}

/* --- the end of an association
 * --------------------------------------------------------------------
 */

static void test_forget(void **state)
{
	struct srv *v = srv_ntlm((struct serve_config){ 0 });
	struct agent *a = agent_new(v, "alice");
	struct ask echo = {
		.method = "MESSAGE", .uri = "sip:echo@test.invalid", .to = "<sip:echo@test.invalid>"
	};
	struct sip_msg *m;
	struct fail f;

	(void)state;
	assert_int_equal(serve_order(v->s, STR("forget alice"), &f), -FAIL_ARGUMENT);
	agent_register(a, NULL);
	assert_int_equal(serve_order(v->s, STR("forget bob"), &f), -FAIL_ARGUMENT);
	assert_int_equal(serve_order(v->s, STR("forget alice"), &f), 0);
	/* Signed, for nobody: a challenge, which is not signed either. */
	m = agent_ask_as(a, AGENT_SIGNED, &echo, PEER_MS);
	assert_int_equal(m->status, 401);
	assert_false(agent_check(a, m));
	m = agent_refresh(a, NULL);
	assert_int_equal(m->status, 401);
	assert_int_equal(serve_bindings(v->s, STR("alice")), 1);
	/* Anew, with new numbers. */
	agent_register(a, NULL);
	assert_int_equal(agent_ask(a, &echo)->status, 200);
	/* A second handshake takes the place of the first. */
	agent_register(a, NULL);
	assert_int_equal(agent_ask(a, &echo)->status, 200);
	agent_free(a);
	srv_free(v);
}

/* 1.8: 15 minutes until it is registered, then as long as that, and half a minute. */
static void test_idle(void **state)
{
	struct srv *v = srv_ntlm((struct serve_config){ 0 });
	struct agent *a = agent_new(v, "alice");
	struct pact *p;
	struct sip_msg *m;

	(void)state;
	agent_register(a, "Expires: 600\r\n");
	p = CONTAINER_OF(list_first(&v->s->pacts->list), struct pact, node);
	assert_int_equal(p->idle_ms, 630000);
	agent_signed(a, agent_refresh(a, "Expires: 0\r\n"));
	assert_int_equal(p->idle_ms, 900000);
	agent_signed(a, agent_refresh(a, "Expires: 60\r\n"));
	assert_int_equal(p->idle_ms, 90000);
	/* Every good message begins the time anew. */
	p->idle_ms = 150;
	assert_int_equal(agent_ask(a, &(struct ask){ .method = "OPTIONS" })->status, 200);
	p->end.repeat = 0.01;
	ev_timer_again(net_loop(), &p->end);
	rig_idle(80);
	assert_int_equal(agent_ask(a, &(struct ask){ .method = "OPTIONS" })->status, 200);
	rig_idle(80);
	assert_false(list_empty(&v->s->pacts->list));
	rig_idle(200);
	assert_true(list_empty(&v->s->pacts->list));
	m = agent_ask_as(a, AGENT_SIGNED, &(struct ask){ .method = "OPTIONS" }, PEER_MS);
	assert_int_equal(m->status, 401);
	agent_free(a);
	srv_free(v);
}

static void test_life(void **state)
{
	struct srv *v = srv_ntlm((struct serve_config){ .association_ms = 150 });
	struct agent *a = agent_new(v, "alice");
	struct sip_msg *m;

	(void)state;
	agent_register(a, NULL);
	rig_idle(200);
	m = agent_ask_as(a, AGENT_SIGNED, &(struct ask){ .method = "OPTIONS" }, PEER_MS);
	assert_int_equal(m->status, 401);
	agent_free(a);
	srv_free(v);
}

/* --- faults
 * ---------------------------------------------------------------------------------------
 */

static void test_unsigned(void **state)
{
	struct srv *v = srv_faulty("unsigned");
	struct agent *a = agent_new(v, "alice");
	struct sip_msg *m;

	(void)state;
	m = agent_shake(a, NULL);
	assert_int_equal(m->status, 200);
	assert_false(agent_check(a, m));
	agent_free(a);
	srv_free(v);

	v = srv_faulty("unsigned:1");
	a = agent_new(v, "alice");
	agent_register(a, NULL);
	m = agent_refresh(a, NULL);
	assert_int_equal(m->status, 200);
	assert_false(agent_check(a, m));
	agent_free(a);
	srv_free(v);
}

static void test_badsign(void **state)
{
	struct srv *v = srv_faulty("badsign");
	struct agent *a = agent_new(v, "alice");
	struct sip_msg *m;

	(void)state;
	m = agent_shake(a, NULL);
	assert_int_equal(m->status, 200);
	assert_true(agent_check(a, m));
	assert_int_equal(a->bad, 1);
	agent_free(a);
	srv_free(v);

	v = srv_faulty("badsign:2");
	a = agent_new(v, "alice");
	agent_register(a, NULL);
	agent_signed(a, agent_refresh(a, NULL));
	assert_true(agent_check(a, agent_refresh(a, NULL)));
	assert_int_equal(a->bad, 1);
	agent_free(a);
	srv_free(v);
}

static void test_endless(void **state)
{
	struct srv *v = srv_faulty("endless");
	struct agent *a = agent_new(v, "alice");
	CLEANUP(buf_done) struct buf c = BUF_INIT(65536), b = BUF_INIT(65536);
	struct sip_msg *m;

	(void)state;
	agent_begin(a, NULL, &c);
	for (unsigned i = 0; i < 3; i++) {
		m = agent_end(a, NULL, buf_str(&c), AGENT_SIGNED);
		assert_int_equal(m->status, 401);
		assert_true(agent_param(m, "NTLM", "opaque", &b));
		snprintf(a->opaque, sizeof(a->opaque), "%s", buf_cstr(&b));
		assert_true(agent_param(m, "NTLM", "gssapi-data", &b));
		buf_clear(&c);
		assert_true(text_base64_decode(&c, buf_str(&b)));
	}
	agent_free(a);
	srv_free(v);
}

static void test_weak(void **state)
{
	struct srv *v = srv_faulty("weak");
	struct agent *a = agent_new(v, "alice");
	CLEANUP(buf_done) struct buf c = BUF_INIT(65536), data = BUF_INIT(65536);
	struct fail f;

	(void)state;
	agent_begin(a, NULL, &c);
	assert_false(agent_answer(a, buf_str(&c), &data, &f));
	agent_free(a);
	srv_free(v);
}

static void test_fault_words(void **state)
{
	static const char *const good[] = { "unsigned", "unsigned:3", "badsign", "badsign:0",
		"endless", "weak" };
	static const char *const bad[] = { "unsigned:", "unsigned:x", "badsign:-1", "endless:1",
		"weak:", "unsigne" };
	struct fail f;

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(good); i++)
		assert_int_equal(serve_fault_check(str_of(good[i]), &f), 0);
	for (unsigned i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(serve_fault_check(str_of(bad[i]), &f), -FAIL_ARGUMENT);
}

/* --home: whoever asks. */
static void test_home(void **state)
{
	struct str home = STR("alice=sip:127.0.0.1:7777;transport=tcp");
	struct srv *v = srv_ntlm((struct serve_config){ .homes = &home, .home_count = 1 });
	struct sip_msg *m;
	struct fail f;

	(void)state;
	m = srv_register(v, &(struct reg){ 0 });
	assert_int_equal(m->status, 301);
	assert_str(sip_msg_value(m, SIP_HDR_CONTACT), "<sip:127.0.0.1:7777;transport=tcp>");
	m = srv_register(v, &(struct reg){ .user = "bob" });
	assert_int_equal(m->status, 401);
	srv_free(v);
	assert_int_equal(serve_home_check(STR("alice"), &f), -FAIL_ARGUMENT);
	assert_int_equal(serve_home_check(STR("=sip:a"), &f), -FAIL_ARGUMENT);
	assert_int_equal(serve_home_check(STR("alice=tel:1"), &f), -FAIL_ARGUMENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_challenges),
		cmocka_unit_test(test_mixed),
		cmocka_unit_test(test_shakes),
		cmocka_unit_test(test_lower_version),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_endpoint_id),
		cmocka_unit_test(test_discards),
		cmocka_unit_test(test_either_header),
		cmocka_unit_test(test_udp),
		cmocka_unit_test(test_passes_on),
		cmocka_unit_test(test_responses),
		cmocka_unit_test(test_call),
		cmocka_unit_test(test_one_flow),
		cmocka_unit_test(test_one_user),
		cmocka_unit_test(test_no_oracle),
		cmocka_unit_test(test_other_flow),
		cmocka_unit_test(test_strangers),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_forget),
		cmocka_unit_test(test_idle),
		cmocka_unit_test(test_life),
		cmocka_unit_test(test_unsigned),
		cmocka_unit_test(test_badsign),
		cmocka_unit_test(test_endless),
		cmocka_unit_test(test_weak),
		cmocka_unit_test(test_fault_words),
		cmocka_unit_test(test_home),
	};

	net_loop();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
