/* tests/unit/test_auth.c -- lib/auth as an endpoint uses it: 401 and 407 responses as they come off
 * the wire, and what the next request then says, judged as a server would */
#include "auth/auth.h"
#include "auth/digest_answer.h"
#include "sip/challenge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define assert_str(s, want) assert_bytes((s), (want), __LINE__)

static void assert_bytes(struct str got, const char *want, int line)
{
	if (!str_eq(got, str_of(want)))
		fail_msg("line %d: got <" STR_FMT ">, want <%s>", line, STR_ARG(got), want);
}

/* ---- a client, and what it said last ---- */

#define PASSWORD "Circle Of Life"

struct rig {
	struct cred_store *creds;
	struct auth *auth;
	struct auth_exchange x;
	struct fail f;
	struct buf out; /* header lines of the latest request */
	struct sip_msg *m; /* the latest response */
	struct arena arena; /* of answers that were read */
	struct trace trace;
	struct buf traced; /* every word that was traced */
};

static const struct auth_request request = { { "REGISTER", 8 }, { "sip:example.com", 15 },
	{ "body", 4 } };

static void on_trace(void *arg, const struct trace_event *ev)
{
	struct rig *r = arg;

	buf_addf(&r->traced, STR_FMT "|" STR_FMT "|" STR_FMT "|" STR_FMT "\n", STR_ARG(ev->name),
		STR_ARG(ev->from), STR_ARG(ev->to), STR_ARG(ev->note));
}

static void rig_init(struct rig *r, struct auth_config config)
{
	*r = (struct rig){ .out = BUF_INIT(100000), .traced = BUF_INIT(100000) };
	r->trace = (struct trace){ on_trace, r, ~0U };
	r->creds = cred_store_new();
	config.creds = r->creds;
	config.trace = &r->trace;
	r->auth = auth_new(&config);
}

static void know(struct rig *r, const char *realm, const char *user, const char *password)
{
	const struct cred c = {
		.realm = str_of(realm),
		.user = str_of(user),
		.secret = str_of(password),
		.source = "env",
	};

	assert_int_equal(cred_store_add(r->creds, &c, NULL), 0);
}

static void know_ha1(struct rig *r, const char *realm, const char *user, enum auth_digest_alg alg)
{
	char ha1[AUTH_DIGEST_HEX];
	struct cred c = {
		.realm = str_of(realm),
		.user = str_of(user),
		.kind = CRED_HA1,
		.ha1_alg = auth_digest_hash(alg),
	};

	auth_digest_ha1(alg, c.user, c.realm, STR(PASSWORD), ha1);
	c.secret = str_of(ha1);
	assert_int_equal(cred_store_add(r->creds, &c, NULL), 0);
}

/* With alice's password, for every realm. */
static void rig_alice(struct rig *r, struct auth_config config)
{
	rig_init(r, config);
	know(r, "*", "alice", PASSWORD);
}

static void rig_done(struct rig *r)
{
	const char *all = buf_cstr(&r->traced);

	assert_null(strstr(all, PASSWORD));
	assert_null(strstr(all, "939e7578ed9e3c518a452acee763bce9")); /* its HA1 */
	auth_exchange_done(&r->x);
	auth_free(r->auth);
	cred_store_free(r->creds);
	sip_msg_unref(r->m);
	buf_done(&r->out);
	buf_done(&r->traced);
	arena_done(&r->arena);
}

/* A response with these header lines. */
static void receive(struct rig *r, const char *status, const char *headers, const char *body)
{
	struct buf b = BUF_INIT(200000);

	buf_addf(&b,
		"SIP/2.0 %s\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@x>;tag=1\r\n"
		"To: <sip:a@x>;tag=2\r\nCall-ID: c\r\nCSeq: 1 REGISTER\r\n%sContent-Length: "
		"%zu\r\n\r\n%s",
		status, headers, strlen(body), body);
	sip_msg_unref(r->m);
	r->m = NULL;
	assert_int_equal(
		sip_msg_parse(buf_str(&b), &(struct sip_limits){ 200000, 1100 }, &r->m, &r->f), 0);
	buf_done(&b);
}

static int challenge(struct rig *r, const char *headers)
{
	receive(r, "401 Unauthorized", headers, "");
	r->f = (struct fail){ 0 };
	return auth_challenged(r->auth, &r->x, r->m, 0, &r->f);
}

#define assert_refused(r, headers, code, why, words)                                               \
	refused((r), (headers), (code), (why), (words), __LINE__)

static void refused(struct rig *r, const char *headers, int code, enum auth_cause cause,
	const char *words, int line)
{
	int e = challenge(r, headers);

	if (e != code || r->f.code != code || r->x.cause != cause || strcmp(r->f.text, words) != 0)
		fail_msg("line %d: got %d, %s, <%s>", line, e, auth_cause_name(r->x.cause),
			r->f.text);
}

static void send(struct rig *r)
{
	buf_clear(&r->out);
	assert_int_equal(auth_authorize(r->auth, &r->x, &request, &r->out, &r->f), 0);
}

/* The n-th line of the request, which must be this header field. */
static struct auth_digest_answer line(struct rig *r, unsigned n, const char *header)
{
	struct str rest = buf_str(&r->out), l, name, value;
	struct auth_digest_answer a = { 0 };
	struct sip_challenge c;

	for (unsigned i = 0; i <= n; i++)
		assert_true(str_cut(rest, '\n', &l, &rest));
	assert_true(l.n && l.p[l.n - 1] == '\r');
	assert_true(str_cut(str_sub(l, 0, l.n - 1), ':', &name, &value));
	assert_str(name, header);
	assert_true(sip_challenge_parse(value, &c));
	assert_str(c.scheme, "Digest");
	assert_int_equal(auth_digest_answer_parse(&r->arena, c.params, &a, &r->f), 0);
	return a;
}

static unsigned lines(const struct rig *r)
{
	unsigned n = 0;

	for (size_t i = 0; i < r->out.n; i++)
		n += r->out.p[i] == '\n';
	return n;
}

/* Sends, and gives the one Authorization line there must be, if its response is right. */
static struct auth_digest_answer send_as(struct rig *r, const char *user, const char *password)
{
	struct auth_digest_answer a;

	send(r);
	assert_int_equal(lines(r), 1);
	a = line(r, 0, "Authorization");
	assert_true(auth_digest_answer_is(&a, str_of(user)));
	assert_true(auth_digest_answer_verify(&a, &(struct auth_digest){
							  .user = str_of(user),
							  .realm = a.realm,
							  .password = str_of(password),
							  .method = request.method,
							  .body = request.body,
						  }));
	assert_true(str_eq(a.uri, request.uri));
	return a;
}

static struct auth_digest_answer send_alice(struct rig *r)
{
	return send_as(r, "alice", PASSWORD);
}

#define WWW(rest) "WWW-Authenticate: Digest realm=\"example.com\", " rest "\r\n"
#define PROXY(rest) "Proxy-Authenticate: Digest realm=\"proxy\", " rest "\r\n"

/* ---- one challenge ---- */

static void test_single_md5(void **state)
{
	struct auth_digest_answer a;
	struct rig r;

	(void)state;
	rig_alice(&r, (struct auth_config){ 0 });
	send(&r);
	assert_int_equal(r.out.n, 0); /* nothing is known yet */
	assert_false(auth_exchange_sent(&r.x));
	assert_int_equal(challenge(&r, WWW("nonce=\"n1\", qop=\"auth\", opaque=\"o\"")), 0);
	assert_string_equal(r.x.info.scheme, "digest");
	assert_string_equal(r.x.info.chosen, "md5");
	assert_string_equal(r.x.info.offered[0], "md5");
	assert_int_equal(r.x.info.offered_count, 1);
	assert_string_equal(r.x.info.qop, "auth");
	assert_string_equal(r.x.info.source, "env");
	assert_str(r.x.info.realm, "example.com");
	assert_str(r.x.info.user, "alice");
	assert_false(r.x.info.stale || r.x.info.proxy);
	a = send_alice(&r);
	assert_true(auth_exchange_sent(&r.x));
	assert_int_equal(a.nc, 1);
	assert_str(a.nonce, "n1");
	assert_str(a.opaque, "o");
	assert_str(a.qop, "auth");
	assert_null(a.algorithm.p); /* it was not supplied */
	assert_true(a.cnonce.n >= 20);
	/* The same request once more, to another target. */
	a = send_alice(&r);
	assert_int_equal(a.nc, 2);
	receive(&r, "200 OK", "", "");
	assert_int_equal(auth_accepted(r.auth, &r.x, r.m, &request, &r.f), 0);
	assert_int_equal(r.x.cause, AUTH_CAUSE_NONE);
	rig_done(&r);
}

static void test_form(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r, (struct auth_config){ 0 });
	know(&r, "testrealm@host.com", "Mufasa", PASSWORD);
	assert_int_equal(challenge(&r, "WWW-Authenticate: Digest realm=\"testrealm@host.com\", "
				       "nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\"\r\n"),
		0);
	assert_null(r.x.info.qop);
	buf_clear(&r.out);
	assert_int_equal(
		auth_authorize(r.auth, &r.x,
			&(struct auth_request){ STR("GET"), STR("/dir/index.html"), STR_EMPTY },
			&r.out, &r.f),
		0);
	assert_string_equal(buf_cstr(&r.out),
		"Authorization: Digest username=\"Mufasa\", realm=\"testrealm@host.com\", "
		"nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", uri=\"/dir/index.html\", "
		"response=\"670fd8c2df070c60b045671b8b24ff02\"\r\n");
	rig_done(&r);
}

static void test_rejected(void **state)
{
	struct rig r;

	(void)state;
	rig_alice(&r, (struct auth_config){ 0 });
	assert_int_equal(challenge(&r, WWW("nonce=\"n1\", qop=\"auth\", algorithm=SHA-256")), 0);
	send_alice(&r);
	assert_refused(&r, WWW("nonce=\"n2\", qop=\"auth\", algorithm=SHA-256"), -FAIL_AUTH,
		AUTH_INVALID_CREDENTIALS,
		"401 Unauthorized after credentials were sent (realm \"example.com\", user "
		"\"alice\", SHA-256)");
	rig_done(&r);
}

/* After a failure no weaker challenge is tried, nor after a stale nonce. */
static void test_no_step_down(void **state)
{
	static const char *const second[] = {
		WWW("nonce=\"n2\""),
		WWW("nonce=\"n2\", stale=true"),
		WWW("nonce=\"n2\", algorithm=CHACHA123, stale=true"),
		"WWW-Authenticate: Basic realm=\"example.com\"\r\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(second); i++) {
		struct rig r;

		rig_alice(&r, (struct auth_config){ 0 });
		assert_int_equal(challenge(&r, WWW("nonce=\"n\", algorithm=SHA-256")), 0);
		send_alice(&r);
		assert_int_equal(challenge(&r, second[i]), -FAIL_AUTH);
		assert_int_equal(r.x.cause, AUTH_INVALID_CREDENTIALS);
		rig_done(&r);
	}
}

static void test_forbidden(void **state)
{
	struct rig r;

	(void)state;
	rig_alice(&r, (struct auth_config){ 0 });
	receive(&r, "403 Forbidden", "", "");
	assert_int_equal(auth_accepted(r.auth, &r.x, r.m, &request, &r.f), 0);
	assert_int_equal(r.x.cause, AUTH_CAUSE_NONE); /* nothing was sent */
	assert_int_equal(challenge(&r, WWW("nonce=\"n\"")), 0);
	send_alice(&r);
	receive(&r, "403 Forbidden", "", "");
	assert_int_equal(auth_accepted(r.auth, &r.x, r.m, &request, &r.f), 0);
	assert_int_equal(r.x.cause, AUTH_FORBIDDEN);
	assert_string_equal(auth_cause_name(r.x.cause), "forbidden");
	rig_done(&r);
}

/* ---- the choice ---- */

#define ALG(name) WWW("nonce=\"n-" name "\", qop=\"auth\", algorithm=" name)

static void test_choice(void **state)
{
	const unsigned md5 = 1U << HASH_MD5, sha256 = 1U << HASH_SHA256;
	const struct {
		const char *headers, *nonce, *chosen;
		unsigned digest;
	} cases[] = {
		{ ALG("SHA-256") ALG("MD5"), "n-SHA-256", "sha-256", 0 },
		{ ALG("MD5") ALG("SHA-256"), "n-MD5", "md5", 0 },
		{ ALG("MD5") ALG("SHA-256"), "n-SHA-256", "sha-256", sha256 },
		{ ALG("SHA-512-256") ALG("SHA-256") ALG("MD5"), "n-SHA-256", "sha-256",
			sha256 | md5 },
		{ ALG("SHA-256-sess") ALG("MD5"), "n-SHA-256-sess", "sha-256", sha256 },
		{ ALG("MD5-sess") ALG("SHA-512-256-sess"), "n-SHA-512-256-sess", "sha-512-256",
			1U << HASH_SHA512_256 },
		{ ALG("CHACHA123") ALG("MD5"), "n-MD5", "md5", 0 },
		{ WWW("nonce=\"n\", nonce=\"m\"") ALG("MD5"), "n-MD5", "md5", 0 },
		{ WWW("nonce=\"n") ALG("MD5"), "n-MD5", "md5", 0 },
		{ "WWW-Authenticate: Digest nonce=\"n\"\r\n" ALG("MD5"), "n-MD5", "md5", 0 },
		{ WWW("nonce=\"n\", qop=\"new\"") ALG("MD5"), "n-MD5", "md5", 0 },
		{ "WWW-Authenticate: Basic realm=\"example.com\"\r\n" ALG("MD5"), "n-MD5", "md5",
			0 },
		{ "WWW-Authenticate: \r\n" ALG("MD5"), "n-MD5", "md5", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct auth_digest_answer a;
		struct rig r;

		rig_alice(&r, (struct auth_config){ .digest = cases[i].digest });
		assert_int_equal(challenge(&r, cases[i].headers), 0);
		assert_string_equal(r.x.info.chosen, cases[i].chosen);
		a = send_alice(&r);
		assert_str(a.nonce, cases[i].nonce);
		assert_str(a.algorithm, cases[i].nonce + 2); /* as supplied */
		rig_done(&r);
	}
}

/* Digest beside NTLM is answered when the user named it, and else not (test_no_step_to_digest). */
static const struct auth_config digest_named = { .schemes = { AUTH_DIGEST }, .scheme_count = 1 };

static void test_offered(void **state)
{
	struct rig r;

	(void)state;
	rig_alice(&r, digest_named);
	assert_int_equal(
		challenge(&r, "WWW-Authenticate: NTLM realm=\"example.com\"\r\n" ALG("CHACHA123")
				      ALG("SHA-256-sess") ALG("SHA-256") WWW("nonce=\"n\"")),
		0);
	assert_int_equal(r.x.info.offered_count, 5);
	assert_string_equal(r.x.info.offered[0], "ntlm");
	assert_string_equal(r.x.info.offered[1], "chacha123");
	assert_string_equal(r.x.info.offered[2], "sha-256");
	assert_string_equal(r.x.info.offered[4], "md5");
	rig_done(&r);
}

/* Who asks for NTLM and then takes its opening, in which there is no proof of anybody's, is no home
 * server (microsoft-auth.md 1.6, step 5). */
static void test_opening_is_no_end(void **state)
{
	struct rig r;

	(void)state;
	if (!auth_scheme_built(AUTH_NTLM))
		return;
	rig_alice(&r, (struct auth_config){ .schemes = { AUTH_NTLM }, .scheme_count = 1 });
	assert_int_equal(challenge(&r, "WWW-Authenticate: NTLM realm=\"example.com\", "
				       "targetname=\"s\", version=4\r\n"),
		0);
	send(&r);
	receive(&r, "200 OK", "", "");
	assert_int_equal(auth_accepted(r.auth, &r.x, r.m, &request, &r.f), -FAIL_AUTH);
	assert_int_equal(r.x.cause, AUTH_SERVER_PROOF);
	assert_non_null(strstr(r.f.text, "took its opening for the end"));
	rig_done(&r);
}

static void test_no_step_to_digest(void **state)
{
	struct rig r;

	(void)state;
	rig_alice(&r, (struct auth_config){ 0 });
	assert_int_equal(
		challenge(&r, "WWW-Authenticate: NTLM realm=\"example.com\"\r\n" ALG("SHA-256")),
		-FAIL_AUTH);
	assert_int_equal(r.x.cause, AUTH_NO_COMMON_SCHEME);
	rig_done(&r);
}

static void test_qop(void **state)
{
	static const struct {
		const char *headers, *qop;
	} cases[] = {
		{ WWW("nonce=\"n\""), "" },
		{ WWW("nonce=\"n\", qop=\"\""), "" },
		{ WWW("nonce=\"n\", qop=auth"), "auth" },
		{ WWW("nonce=\"n\", qop=\"auth,auth-int\""), "auth" },
		{ WWW("nonce=\"n\", qop=\"auth-int, auth\""), "auth" },
		{ WWW("nonce=\"n\", qop=\"auth-int\""), "auth-int" },
		{ WWW("nonce=\"n\", qop=\"auth-int\", algorithm=SHA-512-256-sess"), "auth-int" },
		{ WWW("nonce=\"n\", qop=\"auth-conf,auth-int\""), "auth-int" },
		{ WWW("nonce=\"n\", algorithm=MD5-sess"), "auth" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct rig r;

		rig_alice(&r, (struct auth_config){ 0 });
		assert_int_equal(challenge(&r, cases[i].headers), 0);
		assert_str(send_alice(&r).qop, cases[i].qop);
		assert_str(str_of(r.x.info.qop), cases[i].qop);
		rig_done(&r);
	}
}

/* ---- stale, and servers that never have enough ---- */

static void test_stale(void **state)
{
	struct auth_digest_answer a;
	struct rig r;

	(void)state;
	rig_alice(&r, (struct auth_config){ 0 });
	assert_int_equal(challenge(&r, WWW("nonce=\"n1\", qop=\"auth\"")), 0);
	send_alice(&r);
	assert_int_equal(challenge(&r, WWW("nonce=\"n2\", qop=\"auth\", stale=\"TRUE\"")), 0);
	assert_true(r.x.info.stale);
	a = send_alice(&r);
	assert_str(a.nonce, "n2");
	assert_int_equal(a.nc, 1); /* A38 */
	rig_done(&r);
}

static void test_always_stale(void **state)
{
	struct rig r;
	unsigned answers = 0;

	(void)state;
	rig_alice(&r, (struct auth_config){ 0 });
	while (challenge(&r, WWW("nonce=\"n\", qop=\"auth\", stale=true")) == 0) {
		assert_true(++answers <= AUTH_ROUNDS);
		assert_int_equal(send_alice(&r).nc, answers); /* the same nonce goes on */
	}
	assert_int_equal(answers, AUTH_ROUNDS);
	assert_int_equal(r.x.cause, AUTH_INVALID_CREDENTIALS);
	assert_string_equal(r.f.text,
		"401 Unauthorized after 3 answers, every nonce stale (realm \"example.com\", user "
		"\"alice\", MD5)");
	rig_done(&r);
}

static void test_always_new_realm(void **state)
{
	char headers[200];
	unsigned answers = 0;
	struct rig r;

	(void)state;
	rig_alice(&r, (struct auth_config){ 0 });
	for (;;) {
		snprintf(headers, sizeof(headers),
			"WWW-Authenticate: Digest realm=\"r%u\", nonce=\"n\"\r\n", answers);
		if (challenge(&r, headers) != 0)
			break;
		assert_true(++answers <= AUTH_ROUNDS);
		send(&r);
	}
	assert_int_equal(answers, AUTH_ROUNDS);
	assert_int_equal(r.x.cause, AUTH_INVALID_CREDENTIALS);
	assert_string_equal(r.f.text, "401 Unauthorized after 3 answers (realm \"r3\")");
	rig_done(&r);
}

/* The same nonce in the challenge to another request: its count goes on. */
static void test_repeated_nonce(void **state)
{
	struct rig r;

	(void)state;
	rig_alice(&r, (struct auth_config){ 0 });
	for (unsigned i = 1; i < 4; i++) {
		assert_int_equal(challenge(&r, WWW("nonce=\"n1\", qop=\"auth\"")), 0);
		assert_int_equal(send_alice(&r).nc, i);
		auth_exchange_done(&r.x);
	}
	assert_int_equal(challenge(&r, WWW("nonce=\"n2\", qop=\"auth\"")), 0);
	assert_int_equal(send_alice(&r).nc, 1);
	rig_done(&r);
}

/* ---- several sides ---- */

static void test_401_then_407(void **state)
{
	struct auth_digest_answer a, p;
	struct rig r;

	(void)state;
	rig_init(&r, (struct auth_config){ 0 });
	know(&r, "example.com", "alice", PASSWORD);
	know(&r, "proxy", "corp\\alice", "other");
	receive(&r, "407 Proxy Authentication Required", PROXY("nonce=\"p\", qop=\"auth\""), "");
	assert_int_equal(auth_challenged(r.auth, &r.x, r.m, 0, &r.f), 0);
	assert_true(r.x.info.proxy);
	send(&r);
	assert_int_equal(lines(&r), 1);
	assert_int_equal(challenge(&r, WWW("nonce=\"n\", qop=\"auth\"")), 0);
	assert_false(r.x.info.proxy);
	send(&r);
	assert_int_equal(lines(&r), 2);
	p = line(&r, 0, "Proxy-Authorization");
	a = line(&r, 1, "Authorization");
	assert_str(p.user, "corp\\alice");
	assert_int_equal(p.nc, 2);
	assert_str(a.user, "alice");
	assert_int_equal(a.nc, 1);
	/* Now the proxy refuses, in its own realm. */
	receive(&r, "407 Proxy Authentication Required", PROXY("nonce=\"p2\", qop=\"auth\""), "");
	assert_int_equal(auth_challenged(r.auth, &r.x, r.m, 0, &r.f), -FAIL_AUTH);
	assert_int_equal(r.x.cause, AUTH_INVALID_CREDENTIALS);
	assert_string_equal(r.f.text,
		"407 Proxy Authentication Required after credentials were sent (realm \"proxy\", "
		"user \"corp\\alice\", MD5)");
	rig_done(&r);
}

static void test_both_in_one(void **state)
{
	struct rig r;

	(void)state;
	rig_alice(&r, (struct auth_config){ 0 });
	assert_int_equal(
		challenge(&r, PROXY("nonce=\"p\"") WWW("nonce=\"n\"") PROXY("nonce=\"p2\"")), 0);
	assert_int_equal(r.x.rounds, 1);
	send(&r);
	assert_int_equal(lines(&r), 2);
	assert_str(line(&r, 0, "Proxy-Authorization").nonce, "p");
	assert_str(line(&r, 1, "Authorization").nonce, "n");
	rig_done(&r);
}

/* The same realm, asked by a proxy and by the server: two sides. */
static void test_one_realm_two_sides(void **state)
{
	struct rig r;

	(void)state;
	rig_alice(&r, (struct auth_config){ 0 });
	assert_int_equal(challenge(&r, "Proxy-Authenticate: Digest realm=\"example.com\", "
				       "nonce=\"p\"\r\n"),
		0);
	send(&r);
	assert_int_equal(challenge(&r, WWW("nonce=\"n\"")), 0);
	send(&r);
	assert_int_equal(lines(&r), 2);
	rig_done(&r);
}

static void test_several_realms(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r, (struct auth_config){ 0 });
	know(&r, "two", "bob", "b");
	assert_int_equal(challenge(&r, "WWW-Authenticate: Digest realm=\"one\", nonce=\"1\"\r\n"
				       "WWW-Authenticate: Digest realm=\"two\", nonce=\"2\"\r\n"),
		0);
	assert_str(send_as(&r, "bob", "b").realm, "two");
	rig_done(&r);
}

/* A23: any number of challenges. */
static void test_many_challenges(void **state)
{
	static const unsigned counts[] = { 1, 31, 32, 33, 255, 1000 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
		struct buf b = BUF_INIT(100000);
		struct rig r;

		rig_alice(&r, (struct auth_config){ 0 });
		for (unsigned k = 0; k < counts[i]; k++)
			buf_addf(&b, "WWW-Authenticate: Digest realm=\"r%u\", nonce=\"n\"\r\n", k);
		assert_int_equal(challenge(&r, buf_cstr(&b)), 0);
		send(&r);
		assert_int_equal(lines(&r), counts[i] < AUTH_SIDES ? counts[i] : AUTH_SIDES);
		assert_str(line(&r, 0, "Authorization").realm, "r0");
		buf_done(&b);
		rig_done(&r);
	}
}

static void test_session_limit(void **state)
{
	char headers[100];
	struct rig r;
	unsigned n = 0;

	(void)state;
	rig_alice(&r, (struct auth_config){ 0 });
	for (;; n++) {
		snprintf(headers, sizeof(headers),
			"WWW-Authenticate: Digest realm=\"%u\", nonce=\"n\"\r\n", n);
		if (challenge(&r, headers) != 0)
			break;
		send(&r);
		auth_exchange_done(&r.x);
	}
	assert_int_equal(n, 64);
	assert_int_equal(r.f.code, -FAIL_LIMIT);
	assert_string_equal(r.f.text, "more than 64 realms have challenged this endpoint");
	rig_done(&r);
}

static void test_side_limit(void **state)
{
	struct rig r;

	(void)state;
	rig_alice(&r, (struct auth_config){ 0 });
	assert_int_equal(challenge(&r, "WWW-Authenticate: Digest realm=\"1\", nonce=\"n\"\r\n"
				       "WWW-Authenticate: Digest realm=\"2\", nonce=\"n\"\r\n"
				       "WWW-Authenticate: Digest realm=\"3\", nonce=\"n\"\r\n"
				       "WWW-Authenticate: Digest realm=\"4\", nonce=\"n\"\r\n"),
		0);
	send(&r);
	assert_refused(&r, WWW("nonce=\"n\""), -FAIL_LIMIT, AUTH_CAUSE_NONE,
		"more than 4 realms have challenged this request");
	rig_done(&r);
}

/* ---- what cannot be answered ---- */

static void test_no_challenge(void **state)
{
	struct rig r;

	(void)state;
	rig_alice(&r, (struct auth_config){ 0 });
	assert_refused(
		&r, "", -FAIL_AUTH, AUTH_NO_COMMON_SCHEME, "401 Unauthorized without a challenge");
	assert_refused(&r, WWW("nonce=\"n"), -FAIL_AUTH, AUTH_NO_COMMON_SCHEME,
		"401 Unauthorized with a malformed challenge");
	assert_refused(&r, WWW("realm=\"again\", nonce=\"n\""), -FAIL_AUTH, AUTH_NO_COMMON_SCHEME,
		"401 Unauthorized with a malformed challenge");
	assert_int_equal(challenge(&r, WWW("nonce=\"n\"")), 0);
	send_alice(&r);
	assert_refused(&r, "", -FAIL_AUTH, AUTH_INVALID_CREDENTIALS,
		"401 Unauthorized without a challenge after credentials were sent");
	rig_done(&r);
}

static void test_no_common_scheme(void **state)
{
	struct rig r;

	(void)state;
	rig_alice(&r, digest_named);
	assert_refused(&r,
		"WWW-Authenticate: Basic realm=\"x\"\r\nWWW-Authenticate: NTLM realm=\"x\"\r\n",
		-FAIL_AUTH, AUTH_NO_COMMON_SCHEME,
		"challenged by realm \"x\" with Basic, NTLM; allowed: digest");
	assert_refused(&r, ALG("CHACHA123"), -FAIL_AUTH, AUTH_NO_COMMON_SCHEME,
		"challenged by realm \"example.com\" with Digest CHACHA123; allowed: digest "
		"(sha-512-256, sha-256, md5)");
	assert_refused(&r, WWW("opaque=\"o\""), -FAIL_AUTH, AUTH_NO_COMMON_SCHEME,
		"challenged by realm \"example.com\" with malformed Digest; allowed: digest "
		"(sha-512-256, sha-256, md5)");
	assert_int_equal(r.x.info.offered_count, 1);
	rig_done(&r);
	rig_alice(&r, (struct auth_config){ .schemes = { AUTH_DIGEST },
			      .scheme_count = 1,
			      .digest = 1U << HASH_SHA256 });
	assert_refused(&r, ALG("MD5") ALG("SHA-512-256"), -FAIL_AUTH, AUTH_NO_COMMON_SCHEME,
		"challenged by realm \"example.com\" with Digest MD5, Digest SHA-512-256; allowed: "
		"digest (sha-256)");
	rig_done(&r);
}

static void test_auth_none(void **state)
{
	struct rig r;

	(void)state;
	rig_alice(&r, (struct auth_config){ .schemes = { AUTH_NONE }, .scheme_count = 1 });
	assert_refused(&r, WWW("nonce=\"n\""), -FAIL_CREDENTIALS, AUTH_MISSING_CREDENTIALS,
		"challenged by realm \"example.com\" with Digest MD5; allowed: none");
	assert_false(auth_must_challenge(r.auth));
	rig_done(&r);
}

static void test_missing_credentials(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r, (struct auth_config){ .user = STR("alice") });
	assert_refused(&r, WWW("nonce=\"n\""), -FAIL_CREDENTIALS, AUTH_MISSING_CREDENTIALS,
		"no password for realm \"example.com\" (user \"alice\")");
	/* What a prompt needs to know. */
	assert_str(r.x.info.realm, "example.com");
	assert_str(r.x.info.user, "alice");
	assert_string_equal(r.x.info.offered[0], "md5");
	assert_null(r.x.info.source);
	assert_int_equal(r.x.rounds, 0);
	know(&r, "example.com", "bob", PASSWORD);
	assert_int_equal(challenge(&r, WWW("nonce=\"n\"")), -FAIL_CREDENTIALS);
	/* It was asked for and found: the same response again (ruling 16). */
	know(&r, "example.com", "alice", PASSWORD);
	assert_int_equal(auth_challenged(r.auth, &r.x, r.m, 0, &r.f), 0);
	send_alice(&r);
	rig_done(&r);
	rig_init(&r, (struct auth_config){ 0 });
	assert_refused(&r, WWW("nonce=\"n\""), -FAIL_CREDENTIALS, AUTH_MISSING_CREDENTIALS,
		"no password for realm \"example.com\"");
	rig_done(&r);
}

/* Between challenge and answer. */
static void test_credentials_gone(void **state)
{
	struct rig r;

	(void)state;
	rig_alice(&r, (struct auth_config){ 0 });
	assert_int_equal(challenge(&r, WWW("nonce=\"n\"")), 0);
	cred_store_clear(r.creds);
	buf_add_str(&r.out, STR("before"));
	assert_int_equal(auth_authorize(r.auth, &r.x, &request, &r.out, &r.f), -FAIL_CREDENTIALS);
	assert_int_equal(r.x.cause, AUTH_MISSING_CREDENTIALS);
	assert_string_equal(r.f.text, "no password for realm \"example.com\"");
	assert_string_equal(buf_cstr(&r.out), "before");
	rig_done(&r);
}

static void test_wrong_realm(void **state)
{
	struct rig r;

	(void)state;
	rig_alice(&r, (struct auth_config){ .realm = STR("example.com") });
	assert_refused(&r, "WWW-Authenticate: Digest realm=\"evil\", nonce=\"n\"\r\n",
		-FAIL_CREDENTIALS, AUTH_MISSING_CREDENTIALS,
		"challenged by realm \"evil\"; only realm \"example.com\" is answered");
	send(&r);
	assert_int_equal(r.out.n, 0);
	assert_int_equal(
		challenge(&r, "WWW-Authenticate: Digest realm=\"evil\", nonce=\"n\"\r\n" WWW(
				      "nonce=\"n\"")),
		0);
	assert_str(send_alice(&r).realm, "example.com");
	rig_done(&r);
}

static void test_unsendable(void **state)
{
	const struct auth_request bad = { STR("REGISTER"), STR("sip:x\r\nEvil: 1"), STR_EMPTY };
	struct rig r;

	(void)state;
	rig_alice(&r, (struct auth_config){ 0 });
	assert_int_equal(challenge(&r, WWW("nonce=\"n\"")), 0);
	assert_int_equal(auth_authorize(r.auth, &r.x, &bad, &r.out, &r.f), -FAIL_SYNTAX);
	assert_int_equal(r.out.n, 0);
	rig_done(&r);
}

/* ---- credentials of every kind ---- */

static void test_ha1(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r, (struct auth_config){ .user = STR("alice") });
	know_ha1(&r, "example.com", "alice", AUTH_MD5);
	assert_int_equal(challenge(&r, ALG("SHA-256") ALG("MD5")), 0);
	assert_str(send_alice(&r).algorithm, "MD5");
	auth_exchange_done(&r.x);
	assert_int_equal(challenge(&r, ALG("MD5-sess")), 0);
	send_alice(&r);
	auth_exchange_done(&r.x);
	assert_refused(&r, ALG("SHA-256"), -FAIL_CREDENTIALS, AUTH_MISSING_CREDENTIALS,
		"no password for realm \"example.com\" (user \"alice\"); there is an HA1, but for "
		"MD5");
	know_ha1(&r, "example.com", "alice", AUTH_SHA256);
	assert_int_equal(challenge(&r, ALG("SHA-256-sess") ALG("MD5")), 0);
	assert_str(send_alice(&r).algorithm, "SHA-256-sess");
	rig_done(&r);
}

static void test_odd_users(void **state)
{
	static const char *const users[] = {
		"al\"ice\"",
		"CORP\\alice",
		"\\\"\\",
		"J\xc3\xa4s\xc3\xb8n Doe",
		"",
		"alice@example.com",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(users); i++) {
		struct rig r;

		rig_init(&r, (struct auth_config){ .user = str_of(users[i]) });
		know(&r, "*", users[i], "p\xc3\xa4ss \"word\"");
		assert_int_equal(
			challenge(&r, "WWW-Authenticate: Digest realm=\"caf\xc3\xa9 \\\"q\\\" "
				      "\\\\\", nonce=\"a\\\"b\", opaque=\"\", qop=\"auth\", "
				      "charset=\"UTF-8\"\r\n"),
			0);
		struct auth_digest_answer a = send_as(&r, users[i], "p\xc3\xa4ss \"word\"");
		assert_str(a.user, users[i]);
		assert_str(a.realm, "caf\xc3\xa9 \"q\" \\");
		assert_str(a.nonce, "a\"b");
		assert_non_null(a.opaque.p);
		rig_done(&r);
	}
}

static void test_userhash(void **state)
{
	struct auth_digest_answer a;
	char hash[AUTH_DIGEST_HEX];
	struct rig r;

	(void)state;
	rig_alice(&r, (struct auth_config){ 0 });
	assert_int_equal(
		challenge(&r, WWW("nonce=\"n\", qop=\"auth\", algorithm=SHA-256, userhash=true")),
		0);
	assert_str(r.x.info.user, "alice");
	a = send_alice(&r);
	assert_true(a.userhash);
	auth_digest_userhash(AUTH_SHA256, STR("alice"), STR("example.com"), hash);
	assert_str(a.user, hash);
	/* The message for people has the user in clear. */
	assert_int_equal(challenge(&r, WWW("nonce=\"n\", algorithm=SHA-256")), -FAIL_AUTH);
	assert_non_null(strstr(r.f.text, "user \"alice\""));
	rig_done(&r);
}

/* ---- Authentication-Info ---- */

/* The server's answer to the latest request, with a proof for this password. */
static int answer(
	struct rig *r, const char *header, const char *password, const char *next, const char *body)
{
	struct auth_digest_answer a = line(r, 0, "Authorization");
	struct buf b = BUF_INIT(2000);

	buf_addf(&b, "%s: ", header);
	auth_digest_info_write(&b, &a,
		&(struct auth_digest){ .user = STR("alice"),
			.realm = a.realm,
			.password = str_of(password),
			.body = STR("answer") },
		str_of(next));
	buf_addf(&b, "\r\n");
	receive(r, "200 OK", buf_cstr(&b), body);
	buf_done(&b);
	r->f = (struct fail){ 0 };
	return auth_accepted(r->auth, &r->x, r->m, &request, &r->f);
}

#define INFO "Authentication-Info"

static void test_proof(void **state)
{
	static const char *const challenges[] = {
		WWW("nonce=\"n\""),
		WWW("nonce=\"n\", qop=\"auth\""),
		WWW("nonce=\"n\", qop=\"auth-int\", algorithm=SHA-256"),
		WWW("nonce=\"n\", qop=\"auth-int\", algorithm=SHA-512-256-sess"),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(challenges); i++) {
		bool integrity = i > 1;
		struct rig r;

		rig_alice(&r, (struct auth_config){ 0 });
		assert_int_equal(challenge(&r, challenges[i]), 0);
		send_alice(&r);
		assert_int_equal(answer(&r, INFO, PASSWORD, "", "answer"), 0);
		assert_int_equal(
			answer(&r, INFO, PASSWORD, "", "changed"), integrity ? -FAIL_AUTH : 0);
		assert_int_equal(answer(&r, INFO, "wrong", "", "answer"), -FAIL_AUTH);
		assert_int_equal(r.x.cause, AUTH_SERVER_PROOF);
		assert_string_equal(r.f.text,
			"the server's proof (rspauth) is wrong: it may not know the password "
			"(realm \"example.com\")");
		/* A proxy's proof is nobody's: no proxy has challenged. */
		assert_int_equal(answer(&r, "Proxy-" INFO, "wrong", "", "answer"), 0);
		rig_done(&r);
	}
}

static void test_odd_info(void **state)
{
	static const struct {
		const char *line;
		int e;
	} cases[] = {
		{ INFO ": qop=auth\r\n", 0 },
		{ INFO ": \r\n", 0 },
		{ INFO ": rspauth=\"\r\n", 0 }, /* not readable, so not there */
		{ INFO ": rspauth=\"\"\r\n", -FAIL_AUTH },
		{ INFO ": rspauth=\"00\"\r\n", -FAIL_AUTH },
		{ INFO ": rspauth=\"6629fae49393a05397450978507c4ef1\", nc=00000001\r\n",
			-FAIL_AUTH },
		{ INFO ": nextnonce=\"x\", nextnonce=\"y\"\r\n", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct rig r;

		rig_alice(&r, (struct auth_config){ 0 });
		/* Before anything was said it proves nothing. */
		receive(&r, "200 OK", cases[i].line, "");
		assert_int_equal(auth_accepted(r.auth, &r.x, r.m, &request, &r.f), 0);
		assert_int_equal(challenge(&r, WWW("nonce=\"n\", qop=\"auth\"")), 0);
		send_alice(&r);
		receive(&r, "200 OK", cases[i].line, "");
		assert_int_equal(auth_accepted(r.auth, &r.x, r.m, &request, &r.f), cases[i].e);
		rig_done(&r);
	}
}

/* A proof for another request of ours. */
static void test_replayed_proof(void **state)
{
	struct auth_digest_answer a;
	struct buf b = BUF_INIT(2000);
	struct rig r;

	(void)state;
	rig_alice(&r, (struct auth_config){ 0 });
	assert_int_equal(challenge(&r, WWW("nonce=\"n\", qop=\"auth\"")), 0);
	a = send_alice(&r);
	buf_addf(&b, INFO ": ");
	auth_digest_info_write(&b, &a,
		&(struct auth_digest){
			.user = STR("alice"), .realm = a.realm, .password = STR(PASSWORD) },
		STR_EMPTY);
	buf_addf(&b, "\r\n");
	send_alice(&r); /* nc=2 */
	receive(&r, "200 OK", buf_cstr(&b), "");
	assert_int_equal(auth_accepted(r.auth, &r.x, r.m, &request, &r.f), -FAIL_AUTH);
	buf_done(&b);
	rig_done(&r);
}

static void test_nextnonce(void **state)
{
	struct auth_digest_answer a;
	struct rig r;

	(void)state;
	rig_alice(&r, (struct auth_config){ 0 });
	assert_int_equal(challenge(&r, WWW("nonce=\"n1\", qop=\"auth\", opaque=\"o\"")), 0);
	a = send_alice(&r);
	assert_int_equal(answer(&r, INFO, PASSWORD, "n2", "answer"), 0);
	/* The next request, another exchange, says it at once. */
	auth_exchange_done(&r.x);
	a = send_alice(&r);
	assert_str(a.nonce, "n2");
	assert_int_equal(a.nc, 1);
	assert_str(a.opaque, "o");
	assert_int_equal(answer(&r, INFO, PASSWORD, "", "answer"), 0);
	/* Challenged all the same: that is no refusal. */
	auth_exchange_done(&r.x);
	send_alice(&r);
	assert_int_equal(challenge(&r, WWW("nonce=\"n3\", qop=\"auth\"")), 0);
	a = send_alice(&r);
	assert_str(a.nonce, "n3");
	assert_int_equal(a.nc, 1);
	/* With a wrong proof it is not taken. */
	assert_int_equal(answer(&r, INFO, "wrong", "n4", "answer"), -FAIL_AUTH);
	auth_exchange_done(&r.x);
	send(&r);
	assert_int_equal(r.out.n, 0);
	rig_done(&r);
}

/* RFC 7616 3.4.2: the key of -sess is made of the nonce of the challenge, for good. */
static void test_nextnonce_sess(void **state)
{
	struct auth_digest_answer a;
	char hex[AUTH_DIGEST_HEX];
	struct auth_digest d;
	struct rig r;

	(void)state;
	rig_alice(&r, (struct auth_config){ 0 });
	assert_int_equal(
		challenge(&r, WWW("nonce=\"n1\", qop=\"auth\", algorithm=SHA-256-sess")), 0);
	send_alice(&r);
	receive(&r, "200 OK", INFO ": nextnonce=\"n2\"\r\n", "");
	assert_int_equal(auth_accepted(r.auth, &r.x, r.m, &request, &r.f), 0);
	auth_exchange_done(&r.x);
	send(&r);
	a = line(&r, 0, "Authorization");
	assert_str(a.nonce, "n2");
	d = (struct auth_digest){
		.alg = a.alg,
		.user = a.user,
		.realm = a.realm,
		.password = STR(PASSWORD),
		.nonce = a.nonce,
		.first_nonce = STR("n1"),
		.cnonce = a.cnonce,
		.nc = 1,
		.qop = a.qop,
		.method = request.method,
		.uri = a.uri,
	};
	auth_digest_response(&d, hex);
	assert_str(a.response, hex);
	rig_done(&r);
}

/* ---- between requests ---- */

static void test_preauth(void **state)
{
	struct rig r;

	(void)state;
	rig_alice(&r, (struct auth_config){ .preauth = true });
	send(&r);
	assert_int_equal(r.out.n, 0);
	assert_int_equal(challenge(&r, WWW("nonce=\"n1\", qop=\"auth\"")), 0);
	assert_int_equal(send_alice(&r).nc, 1);
	auth_exchange_done(&r.x);
	assert_int_equal(send_alice(&r).nc, 2);
	assert_int_equal(answer(&r, INFO, PASSWORD, "", "answer"), 0);
	auth_exchange_done(&r.x);
	assert_int_equal(send_alice(&r).nc, 3);
	/* A new nonce without stale: the first challenge of this request, so it is answered. */
	assert_int_equal(challenge(&r, WWW("nonce=\"n2\", qop=\"auth\"")), 0);
	assert_int_equal(send_alice(&r).nc, 1);
	assert_int_equal(challenge(&r, WWW("nonce=\"n3\", qop=\"auth\"")), -FAIL_AUTH);
	auth_exchange_done(&r.x);
	cred_store_clear(r.creds); /* unasked, nothing is missed */
	send(&r);
	assert_int_equal(r.out.n, 0);
	rig_done(&r);
}

/* RFC 3261 22.3: the credentials go into every later request with that Call-ID. */
static void test_same_call_id(void **state)
{
	struct rig r;

	(void)state;
	rig_alice(&r, (struct auth_config){ 0 });
	assert_int_equal(challenge(&r, PROXY("nonce=\"p\", qop=\"auth\"")), 0);
	send(&r);
	auth_exchange_next(&r.x);
	assert_false(auth_exchange_sent(&r.x));
	assert_int_equal(r.x.rounds, 0);
	send(&r);
	assert_int_equal(line(&r, 0, "Proxy-Authorization").nc, 2);
	assert_true(auth_exchange_sent(&r.x));
	assert_int_equal(challenge(&r, PROXY("nonce=\"p2\", qop=\"auth\"")), 0);
	send(&r);
	assert_int_equal(line(&r, 0, "Proxy-Authorization").nc, 1);
	rig_done(&r);
}

/* Two requests at once share the nonce, and each is proven by its own count. */
static void test_two_exchanges(void **state)
{
	struct auth_exchange first = { 0 };
	struct rig r;

	(void)state;
	rig_alice(&r, (struct auth_config){ .preauth = true });
	assert_int_equal(challenge(&r, WWW("nonce=\"n\", qop=\"auth\"")), 0);
	send_alice(&r);
	assert_int_equal(auth_authorize(r.auth, &first, &request, &r.out, &r.f), 0);
	assert_int_equal(line(&r, 1, "Authorization").nc, 2);
	/* line 0 is the request of r.x */
	assert_int_equal(answer(&r, INFO, PASSWORD, "n2", "answer"), 0);
	receive(&r, "200 OK", INFO ": rspauth=\"0\"\r\n", "");
	assert_int_equal(auth_accepted(r.auth, &first, r.m, &request, &r.f), -FAIL_AUTH);
	auth_exchange_done(&first);
	rig_done(&r);
}

static void test_names(void **state)
{
	static const enum auth_scheme_id named[] = { AUTH_DIGEST, AUTH_NONE };
	enum auth_scheme_id id;
	struct rig r;

	(void)state;
	for (int i = 0; i < AUTH_SCHEMES; i++) {
		assert_true(
			auth_scheme_parse(str_of(auth_scheme_name((enum auth_scheme_id)i)), &id));
		assert_int_equal(id, i);
	}
	assert_false(auth_scheme_parse(STR("basic"), &id));
	assert_true(auth_scheme_built(AUTH_DIGEST) && auth_scheme_built(AUTH_NONE));
	assert_int_equal(auth_scheme_built(AUTH_NTLM), HAVE_NTLM);
	assert_int_equal(auth_scheme_built(AUTH_KERBEROS), HAVE_KERBEROS);
	assert_string_equal(auth_cause_name(AUTH_CAUSE_NONE), "");
	assert_string_equal(auth_cause_name(AUTH_PEER_TO_PEER), "peer_to_peer");
	for (unsigned n = 0; n <= 2; n++) {
		struct auth_config c = { .scheme_count = n };
		memcpy(c.schemes, named, n * sizeof(named[0]));
		rig_init(&r, c);
		assert_int_equal(auth_must_challenge(r.auth), n == 1);
		rig_done(&r);
	}
	auth_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_single_md5),
		cmocka_unit_test(test_form),
		cmocka_unit_test(test_rejected),
		cmocka_unit_test(test_no_step_down),
		cmocka_unit_test(test_forbidden),
		cmocka_unit_test(test_choice),
		cmocka_unit_test(test_offered),
		cmocka_unit_test(test_no_step_to_digest),
		cmocka_unit_test(test_opening_is_no_end),
		cmocka_unit_test(test_qop),
		cmocka_unit_test(test_stale),
		cmocka_unit_test(test_always_stale),
		cmocka_unit_test(test_always_new_realm),
		cmocka_unit_test(test_repeated_nonce),
		cmocka_unit_test(test_401_then_407),
		cmocka_unit_test(test_both_in_one),
		cmocka_unit_test(test_one_realm_two_sides),
		cmocka_unit_test(test_several_realms),
		cmocka_unit_test(test_many_challenges),
		cmocka_unit_test(test_session_limit),
		cmocka_unit_test(test_side_limit),
		cmocka_unit_test(test_no_challenge),
		cmocka_unit_test(test_no_common_scheme),
		cmocka_unit_test(test_auth_none),
		cmocka_unit_test(test_missing_credentials),
		cmocka_unit_test(test_credentials_gone),
		cmocka_unit_test(test_wrong_realm),
		cmocka_unit_test(test_unsendable),
		cmocka_unit_test(test_ha1),
		cmocka_unit_test(test_odd_users),
		cmocka_unit_test(test_userhash),
		cmocka_unit_test(test_proof),
		cmocka_unit_test(test_odd_info),
		cmocka_unit_test(test_replayed_proof),
		cmocka_unit_test(test_nextnonce),
		cmocka_unit_test(test_nextnonce_sess),
		cmocka_unit_test(test_preauth),
		cmocka_unit_test(test_same_call_id),
		cmocka_unit_test(test_two_exchanges),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests_name("auth", tests, NULL, NULL);
}
