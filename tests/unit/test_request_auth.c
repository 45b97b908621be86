/* tests/unit/test_request_auth.c -- requests of lib/endpoint that are challenged (RFC 3261 section
 * 22, RFC 7616, attacks A34, A35, A39) or redirected (RFC 3261 8.1.3.4, attack A73) */
#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "peer_rig.h"

/* --- challenges ----------------------------------------------------------------------------------
 */

#define WWW "WWW-Authenticate: Digest "
#define PROXY "Proxy-Authenticate: Digest "

/* The Digest credentials of a header, which must be right for alice's password. */
static void answer_of(const struct sip_msg *m, enum sip_hdr_id id, const char *password,
	struct auth_digest_answer *out)
{
	static struct arena arena;
	struct sip_challenge c;
	struct fail f;
	const struct sip_hdr *h = sip_msg_hdr(m, id);

	arena_done(&arena);
	assert_non_null(h);
	assert_true(sip_challenge_parse(h->value, &c));
	assert_str(c.scheme, "Digest");
	if (auth_digest_answer_parse(&arena, c.params, out, &f) != 0)
		fail_msg("%s", f.text);
	assert_true(auth_digest_answer_verify(out, &(struct auth_digest){ .user = out->user,
							   .realm = out->realm,
							   .password = str_of(password),
							   .method = m->method_name,
							   .body = m->body }));
	assert_true(str_eq(out->uri, m->request_uri));
}

static bool authorized(const struct sip_msg *m)
{
	return sip_msg_hdr(m, SIP_HDR_AUTHORIZATION) || sip_msg_hdr(m, SIP_HDR_PROXY_AUTHORIZATION);
}

static void challenged_over(int transport, unsigned status)
{
	struct peer *p = peer_new();
	struct ua *u = ua_auth_at(p, transport, "secret", (struct auth_config){ 0 });
	struct auth_digest_answer a;
	struct sip_msg *first, *second;
	struct op *o;

	peer_script(
		p, STEPS({ status, status == 401 ? WWW "realm=\"r\", nonce=\"n1\", qop=\"auth\", "
						       "opaque=\"op\", algorithm=MD5\r\n"
						 : PROXY "realm=\"r\", nonce=\"n1\", "
							 "qop=\"auth\", opaque=\"op\", "
							 "algorithm=MD5\r\n" },
			   { 200 }));
	o = op_request(u, (struct request_config){ .method = STR("MESSAGE"),
				  .body = STR("hello"),
				  .type = STR("text/plain") });
	op_done(o, 200);
	assert_true(o->heard.authenticated);
	assert_int_equal(p->requests, 2);
	first = peer_msg(p, 0);
	second = peer_msg(p, 1);
	assert_false(authorized(first));
	answer_of(second, status == 401 ? SIP_HDR_AUTHORIZATION : SIP_HDR_PROXY_AUTHORIZATION,
		"secret", &a);
	assert_str(a.user, "alice");
	assert_str(a.realm, "r");
	assert_str(a.nonce, "n1");
	assert_str(a.opaque, "op");
	assert_str(a.qop, "auth");
	assert_int_equal(a.nc, 1);
	assert_true(a.cnonce.n >= 8);
	/* 22.2: the same request, one CSeq further, as a new transaction. */
	assert_int_equal(msg_cseq(second), msg_cseq(first) + 1);
	assert_true(str_eq(sip_msg_call_id(first), sip_msg_call_id(second)));
	assert_true(str_eq(sip_msg_from_tag(first), sip_msg_from_tag(second)));
	assert_int_equal(sip_msg_to_tag(second).n, 0);
	assert_false(str_eq(msg_via(first).branch, msg_via(second).branch));
	assert_true(str_eq(first->body, second->body));
	/* What the handler heard. */
	assert_string_equal(u->heard.order, transport == NET_TCP ? "Cqpqp" : "qpqp");
	assert_string_equal(o->heard.order, "Ad");
	assert_string_equal(o->heard.scheme, "digest");
	assert_string_equal(o->heard.chosen, "md5");
	assert_string_equal(o->heard.realm, "r");
	assert_string_equal(o->heard.user, "alice");
	assert_false(o->heard.stale);
	assert_int_equal(o->heard.counts.sent, 2);
	assert_int_equal(o->heard.counts.received, 2);
	op_end(o);
	ua_free(u);
	peer_free(p);
}

static void test_challenged(void **state)
{
	(void)state;
	challenged_over(NET_UDP, 401);
	challenged_over(NET_TCP, 401);
	challenged_over(NET_UDP, 407);
	challenged_over(NET_TCP, 407);
}

/* Both a registrar and a proxy ask. */
static void test_both(void **state)
{
	struct peer *p = peer_new();
	struct ua *u = ua_auth_at(p, NET_UDP, "secret", (struct auth_config){ 0 });
	struct auth_digest_answer a;
	struct op *o;

	(void)state;
	peer_script(
		p, STEPS({ 407, PROXY "realm=\"proxy\", nonce=\"p1\", qop=\"auth\"\r\n" },
			   { 401, WWW "realm=\"home\", nonce=\"h1\", qop=\"auth\"\r\n" }, { 200 }));
	o = op_request(u, (struct request_config){ 0 });
	op_done(o, 200);
	assert_int_equal(p->requests, 3);
	answer_of(peer_msg(p, 2), SIP_HDR_PROXY_AUTHORIZATION, "secret", &a);
	assert_str(a.realm, "proxy");
	answer_of(peer_msg(p, 2), SIP_HDR_AUTHORIZATION, "secret", &a);
	assert_str(a.realm, "home");
	op_end(o);

	/* In one response, as RFC 3261 22.3 lets a forking proxy collect them. */
	peer_script(p, STEPS({ 401, WWW "realm=\"home\", nonce=\"h2\"\r\n" PROXY
					"realm=\"proxy\", nonce=\"p2\"\r\n" },
			       { 200 }));
	o = op_request(u, (struct request_config){ 0 });
	op_done(o, 200);
	answer_of(peer_last(p)->msg, SIP_HDR_AUTHORIZATION, "secret", &a);
	assert_str(a.nonce, "h2");
	answer_of(peer_last(p)->msg, SIP_HDR_PROXY_AUTHORIZATION, "secret", &a);
	assert_str(a.nonce, "p2");
	op_end(o);
	ua_free(u);
	peer_free(p);
}

static void test_algorithms(void **state)
{
	static const struct {
		const char *lines, *chosen, *algorithm;
		unsigned digest; /* the set that is allowed; 0: all */
	} cases[] = {
		{ WWW "realm=\"r\", nonce=\"n\"\r\n", "md5", NULL, 0 },
		{ WWW "realm=\"r\", nonce=\"n\", algorithm=SHA-256, qop=\"auth\"\r\n", "sha-256",
			"SHA-256", 0 },
		{ WWW "realm=\"r\", nonce=\"n\", algorithm=SHA-512-256, qop=\"auth\"\r\n",
			"sha-512-256", "SHA-512-256", 0 },
		{ WWW "realm=\"r\", nonce=\"n\", algorithm=MD5-sess, qop=\"auth\"\r\n", "md5",
			"MD5-sess", 0 },
		{ WWW "realm=\"r\", nonce=\"n\", algorithm=SHA-256-sess, qop=\"auth,auth-int\"\r\n",
			"sha-256", "SHA-256-sess", 0 },
		{ WWW "realm=\"r\", nonce=\"n\", qop=\"auth-int\"\r\n", "md5", NULL, 0 },
		/* The topmost that is allowed (ruling 14). */
		{ WWW "realm=\"r\", nonce=\"n\", algorithm=SHA-256, qop=\"auth\"\r\n" WWW
		      "realm=\"r\", nonce=\"n\", algorithm=MD5, qop=\"auth\"\r\n",
			"sha-256", "SHA-256", 0 },
		{ WWW "realm=\"r\", nonce=\"n\", algorithm=MD5, qop=\"auth\"\r\n" WWW
		      "realm=\"r\", nonce=\"n\", algorithm=SHA-256, qop=\"auth\"\r\n",
			"md5", "MD5", 0 },
		{ WWW "realm=\"r\", nonce=\"n\", algorithm=SHA-256, qop=\"auth\"\r\n" WWW
		      "realm=\"r\", nonce=\"n\", algorithm=MD5, qop=\"auth\"\r\n",
			"md5", "MD5", 1U << HASH_MD5 },
		/* What is unknown or malformed is passed over (A36). */
		{ WWW "realm=\"r\", nonce=\"n\", algorithm=CHACHA123\r\n" WWW
		      "realm=\"r\", nonce=\"m\", algorithm=MD5\r\n",
			"md5", "MD5", 0 },
		{ WWW "realm=\"r\", nonce=\"n\", nonce=\"o\"\r\nWWW-Authenticate: Basic "
		      "realm=\"r\"\r\n" WWW "realm=\"r\", nonce=\"n\", algorithm=SHA-256\r\n",
			"sha-256", "SHA-256", 0 },
	};
	struct peer *p = peer_new();

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
		const struct peer_step steps[] = { { 401, cases[i].lines }, { 200 } };
		struct ua *u = ua_auth_at(
			p, NET_UDP, "secret", (struct auth_config){ .digest = cases[i].digest });
		struct auth_digest_answer a;
		struct op *o;
		peer_script(p, steps, 2);
		o = op_request(u, (struct request_config){ .method = STR("MESSAGE"),
					  .body = STR("body"),
					  .type = STR("text/plain") });
		op_done(o, 200);
		answer_of(peer_last(p)->msg, SIP_HDR_AUTHORIZATION, "secret", &a);
		assert_string_equal(o->heard.chosen, cases[i].chosen);
		if (cases[i].algorithm)
			assert_str(a.algorithm, cases[i].algorithm);
		op_end(o);
		ua_free(u);
	}
	peer_free(p);
}

/* What cannot be answered: how it is classified, and that nothing of a secret is sent. */
static void test_unanswerable(void **state)
{
	static const struct {
		const char *lines, *realm, *cause;
		int code;
		bool creds;
	} cases[] = {
		/* no secret at all */
		{ WWW "realm=\"r\", nonce=\"n\"\r\n", "", "missing_credentials", FAIL_CREDENTIALS,
			false },
		/* A39: only of the realm that was named */
		{ WWW "realm=\"evil\", nonce=\"n\"\r\n", "r", NULL, 0, true },
		{ PROXY "realm=\"evil\", nonce=\"n\"\r\n", "r", NULL, 0, true },
		/* nothing in common */
		{ "WWW-Authenticate: NTLM realm=\"r\"\r\n", "", "no_common_scheme", FAIL_AUTH,
			true },
		{ "WWW-Authenticate: Basic realm=\"r\"\r\n", "", "no_common_scheme", FAIL_AUTH,
			true },
		{ WWW "realm=\"r\", nonce=\"n\", algorithm=CHACHA123\r\n", "", "no_common_scheme",
			FAIL_AUTH, true },
		{ WWW "realm=\"r\", nonce=\"n\", qop=\"auth-weird\"\r\n", "", "no_common_scheme",
			FAIL_AUTH, true },
		/* A35: no challenge in it; not one of them whole */
		{ NULL, "", NULL, 0, true },
		{ "WWW-Authenticate: \r\n", "", NULL, 0, true },
		{ WWW "nonce=\"n\"\r\n", "", NULL, 0, true },
		{ WWW "realm=\"r\"\r\n", "", NULL, 0, true },
		{ "Proxy-Authenticate: Digest realm=\"r\r\n", "", NULL, 0, true },
	};
	struct peer *p = peer_new();

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(cases); i++)
		for (unsigned status = 401; status <= 407; status += 6) {
			unsigned before = p->requests;
			struct ua *u = cases[i].creds
					       ? ua_auth_at(p, NET_UDP, "secret",
							 (struct auth_config){
								 .realm = str_of(cases[i].realm) })
					       : ua_at(p, NET_UDP);
			struct op *o;
			peer_script(p, &(struct peer_step){ status, cases[i].lines }, 1);
			o = op_request(u, (struct request_config){ .timeout_ms = 400 });
			op_wait(o);
			assert_int_equal(o->heard.final, ENDPOINT_FAILED);
			if (cases[i].code && o->heard.fail.code != -cases[i].code)
				fail_msg("%s: %d %s", cases[i].lines, o->heard.fail.code,
					o->heard.fail.text);
			if (cases[i].cause)
				assert_string_equal(o->heard.cause, cases[i].cause);
			assert_int_equal(p->requests, before + 1);
			assert_false(authorized(peer_last(p)->msg));
			op_end(o);
			ua_free(u);
		}
	peer_free(p);
}

static void test_wrong_password(void **state)
{
	struct peer *p = peer_new();
	struct ua *u = ua_auth_at(p, NET_UDP, "wrong", (struct auth_config){ 0 });
	struct op *o;

	(void)state;
	peer_script(
		p, STEPS({ 401, WWW "realm=\"r\", nonce=\"n1\", qop=\"auth\"\r\n" },
			   { 401, WWW "realm=\"r\", nonce=\"n2\", qop=\"auth\"\r\n" }, { 200 }));
	o = op_request(u, (struct request_config){ 0 });
	op_failed(o, FAIL_AUTH, 401);
	assert_string_equal(o->heard.cause, "invalid_credentials");
	assert_int_equal(p->requests, 2);
	assert_has(str_of(o->heard.fail.text), "\"r\"");
	op_end(o);

	/* 403 in answer to credentials is their fault; without credentials it is a refusal. */
	peer_script(p, STEPS({ 401, WWW "realm=\"r\", nonce=\"n3\"\r\n" }, { 403 }));
	o = op_request(u, (struct request_config){ 0 });
	op_wait(o);
	assert_int_equal(o->heard.final, ENDPOINT_FAILED);
	assert_int_equal(o->heard.status, 403);
	assert_string_equal(o->heard.cause, "forbidden");
	op_end(o);
	ua_free(u);
	u = ua_auth_at(p, NET_UDP, "wrong", (struct auth_config){ 0 });
	peer_script(p, STEPS({ 403 }));
	o = op_request(u, (struct request_config){ 0 });
	op_failed(o, FAIL_STATUS, 403);
	assert_string_equal(o->heard.cause, "");
	op_end(o);
	ua_free(u);
	peer_free(p);
}

/* A server that challenges for ever: at most three answers (A34, A35). */
static void endless(struct peer *p, const struct peer_got *g)
{
	const char *kind = p->hook_arg;
	char lines[256];

	if (g->again)
		return;
	if (strcmp(kind, "stale") == 0)
		snprintf(lines, sizeof(lines), WWW "realm=\"r\", nonce=\"n%u\", stale=true\r\n",
			p->requests);
	else if (strcmp(kind, "same stale") == 0)
		snprintf(lines, sizeof(lines), WWW "realm=\"r\", nonce=\"n\", stale=true\r\n");
	else if (strcmp(kind, "realms") == 0)
		snprintf(lines, sizeof(lines), WWW "realm=\"r%u\", nonce=\"n%u\"\r\n", p->requests,
			p->requests);
	else if (strcmp(kind, "alternating") == 0)
		snprintf(lines, sizeof(lines), "%srealm=\"r\", nonce=\"n%u\"\r\n",
			p->requests % 2 ? WWW : PROXY, p->requests);
	else
		snprintf(lines, sizeof(lines), WWW "realm=\"r\", nonce=\"n%u\"\r\n", p->requests);
	peer_reply(p, g, p->requests % 2 || strcmp(kind, "alternating") != 0 ? 401 : 407, lines);
}

static void test_endless(void **state)
{
	static char kinds[][16] = { "new nonces", "stale", "same stale", "realms", "alternating" };

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(kinds); i++)
		for (unsigned retry = 0; retry < 2; retry++) {
			struct peer *p = peer_new();
			struct ua *u = ua_auth_at(p, NET_UDP, "secret", (struct auth_config){ 0 });
			struct op *o;
			p->hook = endless;
			p->hook_arg = kinds[i];
			/* --retry is not for this. */
			o = op_request(
				u, (struct request_config){
					   .retry = { .count = retry ? 5 : 0, .delay_ms = 1 } });
			op_wait(o);
			assert_int_equal(o->heard.final, ENDPOINT_FAILED);
			if (p->requests > 4)
				fail_msg("%s: sent %u times", kinds[i], p->requests);
			assert_true(p->requests >= 2);
			assert_true(o->heard.fail.code == -FAIL_AUTH ||
				    o->heard.fail.code == -FAIL_LIMIT);
			op_end(o);
			ua_free(u);
			peer_free(p);
		}
}

/* A stale nonce is no failure. */
static void test_stale(void **state)
{
	struct peer *p = peer_new();
	struct ua *u = ua_auth_at(p, NET_UDP, "secret", (struct auth_config){ 0 });
	struct auth_digest_answer a;
	struct op *o;

	(void)state;
	peer_script(
		p, STEPS({ 401, WWW "realm=\"r\", nonce=\"n1\", qop=\"auth\"\r\n" },
			   { 401, WWW "realm=\"r\", nonce=\"n2\", qop=\"auth\", stale=TRUE\r\n" },
			   { 200 }));
	o = op_request(u, (struct request_config){ 0 });
	op_done(o, 200);
	assert_true(o->heard.stale);
	answer_of(peer_last(p)->msg, SIP_HDR_AUTHORIZATION, "secret", &a);
	assert_str(a.nonce, "n2");
	assert_int_equal(a.nc, 1); /* A38 */
	op_end(o);
	ua_free(u);
	peer_free(p);
}

/* AU-09: a peer-to-peer endpoint answers none. */
static void test_p2p(void **state)
{
	struct peer *p = peer_new();
	struct ua *u = ua_p2p(NET_UDP);
	char target[96];
	struct op *o;

	(void)state;
	snprintf(target, sizeof(target), "sip:bob@%s", p->text);
	for (unsigned status = 401; status <= 407; status += 6) {
		unsigned before = p->requests;
		peer_script(p,
			&(struct peer_step){ status, WWW "realm=\"r\", nonce=\"n\"\r\n" PROXY
							 "realm=\"r\", nonce=\"n\"\r\n" },
			1);
		o = op_request(u, (struct request_config){ .target = str_of(target) });
		op_failed(o, FAIL_CREDENTIALS, status);
		assert_string_equal(o->heard.cause, "peer_to_peer");
		assert_int_equal(p->requests, before + 1);
		op_end(o);
	}
	ua_free(u);
	peer_free(p);
}

/* --auth=none answers no challenge. */
static void test_none(void **state)
{
	struct peer *p = peer_new();
	struct ua *u = ua_auth_at(p, NET_UDP, "secret",
		(struct auth_config){ .schemes = { AUTH_NONE }, .scheme_count = 1 });
	struct op *o;

	(void)state;
	peer_script(p, STEPS({ 401, WWW "realm=\"r\", nonce=\"n\"\r\n" }));
	o = op_request(u, (struct request_config){ 0 });
	op_failed(o, FAIL_CREDENTIALS, 401);
	assert_int_equal(p->requests, 1);
	op_end(o);
	ua_free(u);
	peer_free(p);
}

/* nextnonce, and --preauth: the next request proves itself at once. */
static void test_next_request(void **state)
{
	struct peer *p = peer_new();
	struct auth_digest_answer a;

	(void)state;
	for (int preauth = 0; preauth < 2; preauth++) {
		struct ua *u = ua_auth_at(
			p, NET_UDP, "secret", (struct auth_config){ .preauth = preauth });
		struct op *o;
		peer_script(p,
			STEPS({ 401, WWW "realm=\"r\", nonce=\"n1\", qop=\"auth\"\r\n" }, { 200 },
				{ 200 }, { 200, "Authentication-Info: nextnonce=\"x2\"\r\n" },
				{ 200 }, { 200 }));
		o = op_request(u, (struct request_config){ 0 });
		op_done(o, 200);
		op_end(o);
		o = op_request(u, (struct request_config){ 0 });
		op_done(o, 200);
		op_end(o);
		if (preauth) {
			answer_of(peer_last(p)->msg, SIP_HDR_AUTHORIZATION, "secret", &a);
			assert_str(a.nonce, "n1");
			assert_int_equal(a.nc, 2);
		} else {
			assert_false(authorized(peer_last(p)->msg));
		}
		ua_free(u);

		u = ua_auth_at(p, NET_UDP, "secret", (struct auth_config){ .preauth = preauth });
		peer_script(
			p, STEPS({ 401, WWW "realm=\"r\", nonce=\"n1\", qop=\"auth\"\r\n" },
				   { 200, "Authentication-Info: nextnonce=\"x2\"\r\n" }, { 200 }));
		o = op_request(u, (struct request_config){ 0 });
		op_done(o, 200);
		op_end(o);
		o = op_request(u, (struct request_config){ 0 });
		op_done(o, 200);
		op_end(o);
		answer_of(peer_last(p)->msg, SIP_HDR_AUTHORIZATION, "secret", &a);
		assert_str(a.nonce, "x2");
		assert_int_equal(a.nc, 1);
		ua_free(u);
	}
	peer_free(p);
}

/* The server's own proof (RFC 7616 3.5). */
static void prove(struct peer *p, const struct peer_got *g)
{
	struct auth_digest_answer a;
	CLEANUP(buf_done) struct buf b = BUF_INIT(4096);
	CLEANUP(buf_done) struct buf line = BUF_INIT(4096);

	if (!authorized(g->msg)) {
		peer_reply(p, g, 401, WWW "realm=\"r\", nonce=\"n1\", qop=\"auth\"\r\n");
		return;
	}
	answer_of(g->msg, SIP_HDR_AUTHORIZATION, "secret", &a);
	auth_digest_info_write(&b, &a,
		&(struct auth_digest){
			.user = a.user, .realm = a.realm, .password = str_of(p->hook_arg) },
		STR_EMPTY);
	buf_addf(&line, "Authentication-Info: %s\r\n", buf_cstr(&b));
	peer_reply(p, g, 200, buf_cstr(&line));
}

static void test_server_proof(void **state)
{
	static char right[] = "secret", wrong[] = "other";
	struct peer *p = peer_new();
	struct ua *u = ua_auth_at(p, NET_UDP, "secret", (struct auth_config){ 0 });
	struct op *o;

	(void)state;
	p->hook = prove;
	p->hook_arg = right;
	o = op_request(u, (struct request_config){ 0 });
	op_done(o, 200);
	op_end(o);
	p->hook_arg = wrong;
	o = op_request(u, (struct request_config){ 0 });
	op_failed(o, FAIL_AUTH, 200);
	assert_string_equal(o->heard.cause, "server_proof");
	op_end(o);
	ua_free(u);
	peer_free(p);
}

/* Challenges mix with everything else: 401, 423, 503 with Retry-After, 200. */
static void test_mixture(void **state)
{
	struct peer *p = peer_new();
	struct ua *u = ua_auth_at(p, NET_UDP, "secret", (struct auth_config){ 0 });
	struct op *o;

	(void)state;
	peer_script(p,
		STEPS({ 401, WWW "realm=\"r\", nonce=\"n1\", qop=\"auth\"\r\n" },
			{ 423, "Min-Expires: 120\r\n" }, { 503, "Retry-After: 0\r\n" }, { 200 }));
	o = op_request(u, (struct request_config){
				  .method = STR("PUBLISH"), .expires = 60, .has_expires = true });
	op_done(o, 200);
	assert_int_equal(p->requests, 4);
	for (unsigned i = 1; i < 4; i++) {
		struct auth_digest_answer a;
		answer_of(peer_msg(p, i), SIP_HDR_AUTHORIZATION, "secret", &a);
		assert_int_equal(a.nc, i); /* no nonce count is used twice */
		assert_int_equal(msg_cseq(peer_msg(p, i)), i + 1);
		assert_int_equal(msg_seconds(peer_msg(p, i), SIP_HDR_EXPIRES), i == 1 ? 60 : 120);
	}
	op_end(o);
	ua_free(u);
	peer_free(p);
}

/* A secret never shows in a trace of the steps. */
static char seen[65536];
static size_t seen_n;

static void on_trace(void *arg, const struct trace_event *ev)
{
	const struct str all[] = { ev->name, ev->from, ev->to, ev->note };

	(void)arg;
	if (ev->kind == TRACE_MSG_IN || ev->kind == TRACE_MSG_OUT)
		return; /* the sink masks those */
	for (unsigned i = 0; i < ARRAY_LEN(all); i++)
		if (seen_n + all[i].n < sizeof(seen)) {
			memcpy(seen + seen_n, all[i].p ? all[i].p : "", all[i].n);
			seen_n += all[i].n;
		}
}

static void test_canary(void **state)
{
	static const struct trace trace = { .fn = on_trace, .mask = ~0U };
	struct peer *p = peer_new();
	struct cred_store *creds = rig_creds("c4n4ry-s3cr3t");
	struct ua *u = ua_new(
		(struct endpoint_manager_config){ .kind = NET_CLIENT, .trace = &trace },
		(struct endpoint_config){
			.servers = &p->server, .server_count = 1, .auth = { .creds = creds } });
	struct op *o;

	(void)state;
	u->creds = creds;
	peer_script(p, STEPS({ 401, WWW "realm=\"r\", nonce=\"n1\", qop=\"auth\"\r\n" },
			       { 401, WWW "realm=\"r\", nonce=\"n2\", qop=\"auth\"\r\n" }));
	o = op_request(u, (struct request_config){ 0 });
	op_failed(o, FAIL_AUTH, 401);
	assert_true(seen_n > 0);
	assert_lacks((struct str){ seen, seen_n }, "c4n4ry");
	assert_lacks(str_of(o->heard.fail.text), "c4n4ry");
	op_end(o);
	ua_free(u);
	peer_free(p);
}

/* --- redirects
 * ------------------------------------------------------------------------------------ */

struct moved {
	struct peer *a, *b;
	struct ua *u;
	char target[96], contact[160];
};

static struct moved *moved_new(const char *format)
{
	struct moved *m = MEM_NEW(struct moved);

	m->a = peer_new();
	m->b = peer_new();
	m->u = ua_p2p(NET_UDP);
	snprintf(m->target, sizeof(m->target), "sip:bob@%s", m->a->text);
	snprintf(m->contact, sizeof(m->contact), format, m->b->text);
	return m;
}

static void moved_free(struct moved *m)
{
	ua_free(m->u);
	peer_free(m->a);
	peer_free(m->b);
	mem_free(m);
}

static struct op *moved_request(struct moved *m, unsigned follow)
{
	return op_request(
		m->u, (struct request_config){ .target = str_of(m->target), .follow = follow });
}

static void test_redirect(void **state)
{
	static const unsigned statuses[] = { 300, 301, 302 };
	struct sip_msg *first, *second;
	struct sip_nameaddr to;

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(statuses); i++) {
		struct moved *m = moved_new("Contact: \"B\" <sip:carol@%s>;q=1\r\n");
		struct op *o;
		/* Not without being asked. */
		peer_script(m->a, &(struct peer_step){ statuses[i], m->contact }, 1);
		peer_script(m->b, STEPS({ 200 }));
		o = moved_request(m, 0);
		op_failed(o, FAIL_STATUS, statuses[i]);
		assert_int_equal(o->heard.counts.redirects, 0);
		op_end(o);
		o = moved_request(m, 1);
		op_done(o, 200);
		assert_int_equal(o->heard.counts.redirects, 1);
		assert_int_equal(m->b->requests, 1);
		first = peer_last(m->a)->msg;
		second = peer_msg(m->b, 0);
		assert_has(second->request_uri, "sip:carol@");
		assert_has(second->request_uri, m->b->text);
		/* 8.1.3.4: To, From and Call-ID are the same, CSeq is higher, the branch is new. */
		assert_true(sip_msg_to(second, &to));
		assert_str(to.uri.text, m->target);
		assert_true(str_eq(sip_msg_call_id(first), sip_msg_call_id(second)));
		assert_true(str_eq(sip_msg_from_tag(first), sip_msg_from_tag(second)));
		assert_true(msg_cseq(second) > msg_cseq(first));
		assert_false(str_eq(msg_via(first).branch, msg_via(second).branch));
		op_end(o);
		moved_free(m);
	}
}

/* SE-07: of a server-based endpoint only the Request-URI changes. */
static void test_redirect_server(void **state)
{
	struct peer *p = peer_new(), *q = peer_new();
	struct ua *u = ua_at(p, NET_UDP);
	char contact[128];
	struct op *o;

	(void)state;
	snprintf(contact, sizeof(contact), "Contact: <sip:carol@%s>\r\n", q->text);
	{
		const struct peer_step steps[] = { { 302, contact }, { 200 } };
		peer_script(p, steps, 2);
	}
	o = op_request(u, (struct request_config){ .follow = 3 });
	op_done(o, 200);
	assert_int_equal(q->requests, 0);
	assert_int_equal(p->requests, 2);
	assert_has(peer_msg(p, 1)->request_uri, "sip:carol@");
	op_end(o);
	ua_free(u);
	peer_free(p);
	peer_free(q);
}

/* Sends on and on to new URIs of its own. */
static void send_on(struct peer *p, const struct peer_got *g)
{
	char contact[128];

	if (g->again)
		return;
	snprintf(contact, sizeof(contact), "Contact: <sip:n%u@%s>\r\n", p->requests, p->text);
	peer_reply(p, g, 302, contact);
}

static void test_redirect_limit(void **state)
{
	(void)state;
	for (unsigned follow = 0; follow <= 5; follow++) {
		struct moved *m = moved_new("%s");
		struct op *o;
		m->a->hook = send_on;
		o = moved_request(m, follow);
		op_failed(o, FAIL_STATUS, 302);
		assert_int_equal(m->a->requests, follow + 1);
		assert_int_equal(o->heard.counts.redirects, follow);
		op_end(o);
		moved_free(m);
	}
}

/* 8.1.3.4: a URI that was tried is not tried again. */
static void test_redirect_loop(void **state)
{
	struct moved *m = moved_new("Contact: <sip:bob@%s>\r\n");
	char self[128], back[320];
	struct op *o;

	(void)state;
	snprintf(self, sizeof(self), "Contact: <%s>\r\n", m->target);
	peer_script(m->a, &(struct peer_step){ 302, self }, 1);
	o = moved_request(m, 5);
	op_failed(o, FAIL_STATUS, 302);
	assert_int_equal(m->a->requests, 1);
	op_end(o);

	/* a -> b -> a */
	snprintf(back, sizeof(back), "Contact: <%s>, <sip:BOB@%s>\r\n", m->target, m->b->text);
	peer_script(m->a, &(struct peer_step){ 302, m->contact }, 1);
	peer_script(m->b, &(struct peer_step){ 302, self }, 1);
	o = moved_request(m, 5);
	op_failed(o, FAIL_STATUS, 302);
	assert_int_equal(m->a->requests, 2);
	assert_int_equal(m->b->requests, 1);
	op_end(o);
	/* "sip:BOB" is another one. */
	peer_script(m->b, &(struct peer_step){ 302, back }, 1);
	o = moved_request(m, 5);
	op_failed(o, FAIL_STATUS, 302);
	assert_int_equal(m->a->requests, 3);
	assert_int_equal(m->b->requests, 3);
	op_end(o);
	moved_free(m);
}

/* What is not followed: other schemes, nothing, malformed ones. */
static void test_redirect_nowhere(void **state)
{
	static const char *const contacts[] = { NULL, "Contact: *\r\n",
		"Contact: <tel:+15551234>\r\n", "Contact: <mailto:bob@example.test>\r\n",
		"Contact: <http://example.test/>\r\n", "Contact: nobody\r\n", "Contact: <sip:\r\n",
		"Contact:\r\n" };

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(contacts); i++) {
		struct moved *m = moved_new("%s");
		struct op *o;
		peer_script(m->a, &(struct peer_step){ 302, contacts[i] }, 1);
		o = op_request(m->u,
			(struct request_config){
				.target = str_of(m->target), .follow = 5, .timeout_ms = 300 });
		op_wait(o);
		assert_int_equal(o->heard.final, ENDPOINT_FAILED);
		assert_int_equal(m->a->requests, 1);
		op_end(o);
		moved_free(m);
	}
}

/* The best q first, then the next when that one fails; a failed first choice is not the end. */
static void test_redirect_order(void **state)
{
	struct moved *m = moved_new("%s");
	char contacts[512];
	struct op *o;

	(void)state;
	snprintf(contacts, sizeof(contacts),
		"Contact: <sip:low@%s>;q=0.1, <sip:high@%s>;q=0.9\r\nContact: "
		"<sip:mid@%s>;q=0.5\r\n",
		m->b->text, m->b->text, m->b->text);
	peer_script(m->a, &(struct peer_step){ 300, contacts }, 1);
	peer_script(m->b, STEPS({ 200 }));
	o = moved_request(m, 1);
	op_done(o, 200);
	assert_has(peer_msg(m->b, 0)->request_uri, "sip:high@");
	op_end(o);
	peer_script(m->b, STEPS({ 404 }, { 480 }, { 200 }));
	o = moved_request(m, 3);
	op_done(o, 200);
	assert_int_equal(m->b->requests, 4);
	assert_has(peer_msg(m->b, 1)->request_uri, "sip:high@");
	assert_has(peer_msg(m->b, 2)->request_uri, "sip:mid@");
	assert_has(peer_msg(m->b, 3)->request_uri, "sip:low@");
	op_end(o);
	moved_free(m);
}

/* A73: 500 Contacts. */
static void test_redirect_many(void **state)
{
	struct moved *m = moved_new("%s");
	CLEANUP(buf_done) struct buf b = BUF_INIT(65536);
	struct op *o;

	(void)state;
	buf_add_str(&b, STR("Contact: "));
	for (unsigned i = 0; i < 500; i++)
		buf_addf(&b, "%s<sip:u%u@%s>", i ? "," : "", i, m->b->text);
	buf_add_str(&b, STR("\r\n"));
	peer_script(m->a, &(struct peer_step){ 302, buf_cstr(&b) }, 1);
	peer_script(m->b, STEPS({ 404 }));
	o = moved_request(m, 5);
	op_wait(o);
	assert_int_equal(o->heard.final, ENDPOINT_FAILED);
	assert_true(m->b->requests <= 10);
	op_end(o);
	/* And each of them redirects to 500 more. */
	m->b->hook = send_on;
	o = moved_request(m, 5);
	op_wait(o);
	assert_int_equal(o->heard.final, ENDPOINT_FAILED);
	assert_true(m->b->requests <= 25);
	op_end(o);
	moved_free(m);
}

/* 305 and 380 are bounded, too (A73); the headers and the method of a URI have no effect (A33). */
static void test_redirect_odd(void **state)
{
	struct moved *m =
		moved_new("Contact: <sip:carol@%s;method=BYE?From=x&Route=%%3Csip:evil%%3E&X-A=b>\r\n");
	struct op *o;

	(void)state;
	peer_script(m->a, &(struct peer_step){ 302, m->contact }, 1);
	peer_script(m->b, STEPS({ 200 }));
	o = moved_request(m, 1);
	op_wait(o);
	for (unsigned i = 0; i < m->b->requests; i++) {
		struct sip_msg *got = peer_msg(m->b, i);
		assert_null(sip_msg_hdr(got, SIP_HDR_ROUTE));
		assert_null(sip_msg_hdr_named(got, STR("X-A")));
		assert_lacks(got->request_uri, "?"); /* 19.1.5: not in a Request-URI */
		assert_lacks(got->request_uri, "method");
		assert_int_equal(msg_count(got, SIP_HDR_FROM), 1);
	}
	op_end(o);
	for (unsigned status = 305; status <= 380; status += 75) {
		m->a->hook = NULL;
		snprintf(m->contact, sizeof(m->contact), "Contact: <%s>\r\n", m->target);
		peer_script(m->a, &(struct peer_step){ status, m->contact }, 1);
		o = moved_request(m, 5);
		op_failed(o, FAIL_STATUS, status);
		op_end(o);
	}
	assert_true(m->a->requests <= 1 + 2);
	moved_free(m);
}

/* A39 with a redirect: what one server knows of us is not told to another. */
static void test_redirect_and_challenge(void **state)
{
	struct peer *p = peer_new();
	struct ua *u = ua_auth_at(p, NET_UDP, "secret", (struct auth_config){ 0 });
	struct op *o;
	char contact[128];

	(void)state;
	snprintf(contact, sizeof(contact), "Contact: <sip:carol@example.test>\r\n");
	{
		const struct peer_step steps[] = {
			{ 401, WWW "realm=\"r\", nonce=\"n1\", qop=\"auth\"\r\n" },
			{ 302, contact },
			{ 401, WWW "realm=\"r\", nonce=\"n2\", qop=\"auth\"\r\n" }, { 200 }
		};
		peer_script(p, steps, 4);
	}
	o = op_request(u, (struct request_config){ .follow = 1 });
	op_done(o, 200);
	assert_true(p->requests <= 4);
	if (authorized(peer_last(p)->msg)) {
		struct auth_digest_answer a;
		answer_of(peer_last(p)->msg, SIP_HDR_AUTHORIZATION, "secret", &a);
	}
	op_end(o);
	ua_free(u);
	peer_free(p);
}

/* A73: sips must not become sip. The target is asked over TLS, for which lib/net itself is the
 * peer. */

struct tls_peer {
	struct net_manager *m;
	struct net_tls *tls;
	struct net_addr addr;
	char dir[64], contact[256];
	unsigned requests;
};

static void tls_peer_event(void *arg, const struct net_event *ev)
{
	struct tls_peer *t = arg;
	struct sip_msg *m;
	struct sip_response r = { .status = 302, .to_tag = STR("tls") };
	CLEANUP(buf_done) struct buf b = BUF_INIT(65536);

	if (ev->type != NET_RECEIVED)
		return;
	assert_int_equal(sip_msg_parse(ev->bytes, NULL, &m, NULL), 0); /* small: in one piece */
	t->requests++;
	sip_build_response(&b, m, &r);
	buf_add_str(&b, str_of(t->contact));
	sip_build_end(&b, STR_EMPTY, STR_EMPTY);
	net_flow_send(ev->flow, buf_str(&b));
	sip_msg_unref(m);
}

static struct tls_peer *tls_peer_new(void)
{
	static const char *const names[] = { "127.0.0.1", NULL };
	struct tls_peer *t = MEM_NEW(struct tls_peer);
	struct net_addr any;
	char cert[96], key[96];

	snprintf(t->dir, sizeof(t->dir), "/tmp/rte-unit-XXXXXX");
	assert_non_null(mkdtemp(t->dir));
	assert_int_equal(net_tls_make_ca(t->dir, names, NULL), 0);
	snprintf(cert, sizeof(cert), "%s/server.pem", t->dir);
	snprintf(key, sizeof(key), "%s/server.key", t->dir);
	assert_int_equal(
		net_tls_new(&(struct net_tls_config){ .server = true, .cert = cert, .key = key },
			&t->tls, NULL),
		0);
	assert_int_equal(net_manager_new(&(struct net_manager_config){ .loop = net_loop(),
						 .kind = NET_SERVER,
						 .on_event = tls_peer_event,
						 .arg = t,
						 .tls_server = t->tls },
				 &t->m, NULL),
		0);
	assert_true(net_addr_parse(STR("127.0.0.1"), 0, &any));
	assert_int_equal(net_manager_listen(t->m, NET_TLS, &any, &t->addr, NULL), 0);
	return t;
}

static void tls_peer_free(struct tls_peer *t)
{
	static const char *const files[] = { "ca.pem", "server.pem", "server.key" };

	net_manager_free(t->m);
	net_tls_unref(t->tls);
	for (unsigned i = 0; i < ARRAY_LEN(files); i++) {
		char path[96];
		snprintf(path, sizeof(path), "%s/%s", t->dir, files[i]);
		unlink(path);
	}
	assert_int_equal(rmdir(t->dir), 0);
	mem_free(t);
}

static void test_redirect_downgrade(void **state)
{
	struct tls_peer *t = tls_peer_new();
	struct peer *p = peer_new();
	char target[96], ca[96], text[NET_ADDR_TEXT];
	struct ua *u;
	struct op *o;

	(void)state;
	snprintf(ca, sizeof(ca), "%s/ca.pem", t->dir);
	snprintf(target, sizeof(target), "sips:bob@%s", net_addr_text(&t->addr, text));
	u = ua_new(
		(struct endpoint_manager_config){
			.kind = NET_SERVER, .tls = { .cacert = ca }, .timers = rig_timers(100) },
		(struct endpoint_config){ .kind = ENDPOINT_PEER_TO_PEER, .transport = -1 });
	snprintf(t->contact, sizeof(t->contact), "Contact: <sip:bob@%s>\r\n", p->text);
	o = op_request(u, (struct request_config){ .target = str_of(target), .follow = 5 });
	op_failed(o, FAIL_STATUS, 302);
	assert_int_equal(t->requests, 1);
	assert_int_equal(p->count, 0);
	assert_true(o->heard.times.tls > 0);
	op_end(o);
	/* sips to sips is fine, and no way down from there either. */
	snprintf(t->contact, sizeof(t->contact), "Contact: <sip:bob@%s>, <sips:carol@%s>\r\n",
		p->text, net_addr_text(&t->addr, text));
	o = op_request(u, (struct request_config){ .target = str_of(target), .follow = 5 });
	op_failed(o, FAIL_STATUS, 302);
	assert_int_equal(t->requests, 3);
	assert_int_equal(p->count, 0);
	op_end(o);
	ua_free(u);
	peer_free(p);
	tls_peer_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_challenged),
		cmocka_unit_test(test_both),
		cmocka_unit_test(test_algorithms),
		cmocka_unit_test(test_unanswerable),
		cmocka_unit_test(test_wrong_password),
		cmocka_unit_test(test_endless),
		cmocka_unit_test(test_stale),
		cmocka_unit_test(test_p2p),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_next_request),
		cmocka_unit_test(test_server_proof),
		cmocka_unit_test(test_mixture),
		cmocka_unit_test(test_canary),
		cmocka_unit_test(test_redirect),
		cmocka_unit_test(test_redirect_server),
		cmocka_unit_test(test_redirect_limit),
		cmocka_unit_test(test_redirect_loop),
		cmocka_unit_test(test_redirect_nowhere),
		cmocka_unit_test(test_redirect_order),
		cmocka_unit_test(test_redirect_many),
		cmocka_unit_test(test_redirect_odd),
		cmocka_unit_test(test_redirect_and_challenge),
		cmocka_unit_test(test_redirect_downgrade),
	};

	net_loop();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
