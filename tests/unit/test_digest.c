/* tests/unit/test_digest.c -- what is pure in lib/auth: the Digest computation, reading and writing
 * of challenges and credentials, the server's nonces, the store of credentials */
#include "auth/cred.h"
#include "auth/digest.h"
#include "auth/digest_answer.h"
#include "auth/digest_challenge.h"
#include "auth/nonce.h"
#include "sip/challenge.h"

#include <inttypes.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CORPUS TEST_SOURCE_ROOT "/../shared/corpus/digest/vectors.json"

#define assert_str(s, want) assert_bytes((s), (want), __LINE__)

static void assert_bytes(struct str got, const char *want, int line)
{
	if (!str_eq(got, str_of(want)))
		fail_msg("line %d: got <" STR_FMT ">, want <%s>", line, STR_ARG(got), want);
}

/* ---- vectors ---- */

struct vector {
	const char *source, *alg, *user, *realm, *password, *method, *uri, *nonce, *cnonce, *nc;
	const char *qop, *body, *response;
};

static struct auth_digest digest_of(const struct vector *v)
{
	struct auth_digest d = {
		.user = str_of(v->user),
		.realm = str_of(v->realm),
		.password = str_of(v->password),
		.nonce = str_of(v->nonce),
		.cnonce = str_of(v->cnonce),
		.nc = v->nc ? (uint32_t)strtoul(v->nc, NULL, 16) : 0,
		.qop = str_of(v->qop),
		.method = str_of(v->method),
		.uri = str_of(v->uri),
		.body = str_of(v->body),
	};

	assert_true(auth_digest_alg_parse(str_of(v->alg), &d.alg));
	return d;
}

static void assert_response(const struct vector *v)
{
	struct auth_digest d = digest_of(v);
	char hex[AUTH_DIGEST_HEX], ha1[AUTH_DIGEST_HEX];

	auth_digest_response(&d, hex);
	if (strcmp(hex, v->response) != 0)
		fail_msg("%s: got %s, want %s", v->source, hex, v->response);
	/* HA1 in place of the password */
	auth_digest_ha1(d.alg, d.user, d.realm, d.password, ha1);
	d.ha1 = str_of(ha1);
	d.user = d.realm = d.password = STR("unused");
	auth_digest_response(&d, hex);
	assert_string_equal(hex, v->response);
}

#define CIRCLE "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
#define CNONCE "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"

static const struct vector printed[] = {
	{ "RFC 2617 3.5", "MD5", "Mufasa", "testrealm@host.com", "Circle Of Life", "GET",
		"/dir/index.html", "dcd98b7102dd2f0e8b11d0f600bfb0c093", "0a4f113b", "00000001",
		"auth", NULL, "6629fae49393a05397450978507c4ef1" },
	{ "RFC 2069 form", "", "Mufasa", "testrealm@host.com", "Circle Of Life", "GET",
		"/dir/index.html", "dcd98b7102dd2f0e8b11d0f600bfb0c093", NULL, NULL, NULL, NULL,
		"670fd8c2df070c60b045671b8b24ff02" },
	{ "RFC 7616 3.9.1, MD5", "md5", "Mufasa", "http-auth@example.org", "Circle of Life", "GET",
		"/dir/index.html", CIRCLE, CNONCE, "00000001", "auth", NULL,
		"8ca523f5e9506fed4657c9700eebdbec" },
	{ "RFC 7616 3.9.1, SHA-256", "SHA-256", "Mufasa", "http-auth@example.org", "Circle of Life",
		"GET", "/dir/index.html", CIRCLE, CNONCE, "00000001", "auth", NULL,
		"753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1" },
	{ "RFC 7616 3.9.2 by erratum 4897", "SHA-512-256", "Jäsøn Doe", "api@example.org",
		"Secret, or not?", "GET", "/doe.json",
		"5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK",
		"NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v", "00000001", "auth", NULL,
		"3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5" },
};

static void test_printed_vectors(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(printed); i++)
		assert_response(&printed[i]);
}

/* What RFC 7616 3.9.2 prints is SHA-512 cut to 256 bits, which is another algorithm. */
static void test_erratum_4897(void **state)
{
	struct auth_digest d = digest_of(&printed[4]);
	char hex[AUTH_DIGEST_HEX];

	(void)state;
	auth_digest_response(&d, hex);
	assert_string_not_equal(
		hex, "ae66e67d6b427bd3f120414a82e4acff38e8ecd9101d6c861229025f607a79dd");
	auth_digest_userhash(d.alg, d.user, d.realm, hex);
	assert_string_equal(
		hex, "793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b");
}

static void test_algorithms(void **state)
{
	enum auth_digest_alg a = AUTH_SHA256;

	(void)state;
	for (int i = 0; i < AUTH_DIGEST_ALGS; i++) {
		assert_true(auth_digest_alg_parse(
			str_of(auth_digest_alg_name((enum auth_digest_alg)i)), &a));
		assert_int_equal(a, i);
		assert_int_equal(auth_digest_sess(a), i % 2);
	}
	assert_true(auth_digest_alg_parse(STR_EMPTY, &a));
	assert_int_equal(a, AUTH_MD5);
	assert_true(auth_digest_alg_parse(STR("sha-512-256-SESS"), &a));
	assert_int_equal(a, AUTH_SHA512_256_SESS);
	assert_string_equal(auth_digest_base_name(a), "sha-512-256");
	assert_false(auth_digest_alg_parse(STR("CHACHA123"), &a));
	assert_false(auth_digest_alg_parse(STR("SHA-512"), &a));
	assert_false(auth_digest_alg_parse(STR("MD5-sess-sess"), &a));
}

static void test_sess_key_stays_with_first_nonce(void **state)
{
	struct auth_digest d = digest_of(&printed[0]);
	char first[AUTH_DIGEST_HEX], second[AUTH_DIGEST_HEX];

	(void)state;
	d.alg = AUTH_MD5_SESS;
	d.first_nonce = d.nonce;
	auth_digest_response(&d, first);
	d.first_nonce = STR_EMPTY;
	auth_digest_response(&d, second);
	assert_string_equal(first, second);
	d.first_nonce = STR("older");
	auth_digest_response(&d, second);
	assert_string_not_equal(first, second);
}

/* ---- ../shared/corpus/digest ---- */

static const char *text(json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

static struct vector vector_of(json_t *o)
{
	return (struct vector){
		.source = text(o, "source") ? text(o, "source") : "computed",
		.alg = text(o, "alg"),
		.user = text(o, "user"),
		.realm = text(o, "realm"),
		.password = text(o, "pw"),
		.method = text(o, "method"),
		.uri = text(o, "uri"),
		.nonce = text(o, "nonce"),
		.cnonce = text(o, "cnonce"),
		.nc = text(o, "nc"),
		.qop = text(o, "qop"),
		.body = text(o, "body"),
		.response = text(o, text(o, "recomputed") ? "recomputed" : "response"),
	};
}

static unsigned run_vectors(json_t *list)
{
	size_t i;
	json_t *o;

	json_array_foreach(list, i, o)
	{
		struct vector v = vector_of(o);
		assert_response(&v);
		if (json_is_false(json_object_get(o, "matches")))
			assert_string_not_equal(v.response, text(o, "response"));
	}
	return (unsigned)json_array_size(list);
}

/* The intermediate values. */
static unsigned run_steps(json_t *list)
{
	char hex[AUTH_DIGEST_HEX];
	size_t i;
	json_t *o;

	json_array_foreach(list, i, o)
	{
		struct vector v = vector_of(o);
		struct auth_digest d = digest_of(&v);

		auth_digest_userhash(d.alg, d.user, d.realm, hex);
		assert_string_equal(hex, text(o, "userhash"));
		if (!text(o, "ha1"))
			continue;
		auth_digest_ha1(d.alg, d.user, d.realm, d.password, hex);
		assert_string_equal(hex, text(o, "ha1"));
		v.response = text(o, "response_no_qop");
		assert_response(&v);
	}
	return (unsigned)json_array_size(list);
}

static void test_corpus(void **state)
{
	json_t *all = json_load_file(CORPUS, 0, NULL);
	unsigned n;

	(void)state;
	if (!all) {
		const char *ci = getenv("CI");
		print_message("# %s is not there: its vectors did not run\n", CORPUS);
		assert_false(ci && strcmp(ci, "true") == 0); /* ruling 38 */
		skip();
	}
	n = run_vectors(json_object_get(all, "rfc")) +
	    run_vectors(json_object_get(all, "computed")) +
	    run_steps(json_object_get(all, "steps"));
	print_message("# %u digest vectors of the corpus\n", n);
	assert_true(n >= 25);
	json_decref(all);
}

/* ---- challenges ---- */

static int read_challenge(struct arena *a, const char *value, struct auth_digest_challenge *out)
{
	struct sip_challenge c;

	if (!sip_challenge_parse(str_of(value), &c))
		return -FAIL_SYNTAX;
	return auth_digest_challenge_parse(a, c.params, out);
}

static void test_challenge_read(void **state)
{
	static const struct {
		const char *value;
		int e;
		unsigned qop;
	} cases[] = {
		{ "Digest realm=\"a\", nonce=\"n\"", 0, 0 },
		{ "Digest realm=\"\", nonce=\"\"", 0, 0 },
		{ "Digest realm=a,nonce=n,qop=auth", 0, AUTH_QOP_AUTH },
		{ "digest NONCE = \"n\" , Realm = \"a\", qop=\"\"", 0, 0 },
		{ "Digest realm=\"a\", nonce=\"n\", qop=\"auth,\"", 0, AUTH_QOP_AUTH },
		{ "Digest realm=\"a\", nonce=\"n\", qop=\"auth-int\"", 0, AUTH_QOP_INT },
		{ "Digest realm=\"a\", nonce=\"n\", qop=\"Auth , auth-int\"", 0,
			AUTH_QOP_AUTH | AUTH_QOP_INT },
		{ "Digest realm=\"a\", nonce=\"n\", qop=\"new, auth\"", 0, AUTH_QOP_AUTH },
		{ "Digest realm=\"a\", nonce=\"n\", qop=\"new\"", -FAIL_PROTOCOL, 0 },
		{ "Digest realm=\"a\", nonce=\"n\", algorithm=MD5-sess", 0, AUTH_QOP_AUTH },
		{ "Digest realm=\"a\", nonce=\"n\", algorithm=\"sha-256\"", 0, 0 },
		{ "Digest realm=\"a\", nonce=\"n\", algorithm=CHACHA123", -FAIL_PROTOCOL, 0 },
		{ "Digest realm=\"a\", nonce=\"n\", charset=\"UTF-8\", x=y", 0, 0 },
		{ "Digest realm=\"a\"", -FAIL_SYNTAX, 0 },
		{ "Digest nonce=\"n\"", -FAIL_SYNTAX, 0 },
		{ "Digest realm=\"a\", nonce=\"n\", nonce=\"m\"", -FAIL_SYNTAX, 0 },
		{ "Digest realm=\"a\", nonce=\"n\", algorithm=MD5, algorithm=SHA-256", -FAIL_SYNTAX,
			0 },
		{ "Digest realm=\"a\", nonce=\"n", -FAIL_SYNTAX, 0 },
		{ "Digest realm=\"a\", nonce=\"n\\\"", -FAIL_SYNTAX, 0 },
		{ "Digest realm=\"a\", nonce=\"n\",", -FAIL_SYNTAX, 0 },
		{ "Digest realm=\"a\" nonce=\"n\"", -FAIL_SYNTAX, 0 },
		{ "Digest realm=\"a\", nonce=\"n\x01\"", -FAIL_SYNTAX, 0 },
		{ "Digest", -FAIL_SYNTAX, 0 },
		{ "", -FAIL_SYNTAX, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(arena_done) struct arena a = { 0 };
		struct auth_digest_challenge c = { .qop = 99 };
		int e = read_challenge(&a, cases[i].value, &c);

		if (e != cases[i].e || (e == 0 && c.qop != cases[i].qop) || (e && c.qop != 99))
			fail_msg("%s: got %d, qop %u", cases[i].value, e, c.qop);
	}
}

static void test_challenge_round_trip(void **state)
{
	const struct auth_digest_challenge in = {
		.realm = STR("a \"quoted\" \\ realm \xc3\xa9"),
		.nonce = STR("n"),
		.opaque = STR_EMPTY,
		.alg = AUTH_SHA512_256_SESS,
		.qop = AUTH_QOP_AUTH | AUTH_QOP_INT,
		.stale = true,
		.userhash = true,
	};
	CLEANUP(arena_done) struct arena a = { 0 };
	CLEANUP(buf_done) struct buf b = BUF_INIT(1000);
	struct auth_digest_challenge out;

	(void)state;
	auth_digest_challenge_write(&b, &in);
	assert_string_equal(buf_cstr(&b),
		"Digest realm=\"a \\\"quoted\\\" \\\\ realm \xc3\xa9\", nonce=\"n\", opaque=\"\", "
		"algorithm=SHA-512-256-sess, qop=\"auth,auth-int\", stale=true, userhash=true");
	assert_int_equal(read_challenge(&a, buf_cstr(&b), &out), 0);
	assert_true(str_eq(out.realm, in.realm));
	assert_non_null(out.opaque.p);
	assert_int_equal(out.opaque.n, 0);
	assert_int_equal(out.alg, in.alg);
	assert_int_equal(out.qop, in.qop);
	assert_true(out.stale && out.userhash);
}

/* ---- answers ---- */

static int read_answer(struct arena *a, const char *value, struct auth_digest_answer *out)
{
	struct sip_challenge c;

	assert_true(sip_challenge_parse(str_of(value), &c));
	return auth_digest_answer_parse(a, c.params, out, NULL);
}

#define ANSWER "Digest username=\"u\",realm=\"r\",nonce=\"n\",uri=\"sip:x\",response=\"00\""
#define NO_USER "Digest realm=\"r\",nonce=\"n\",uri=\"sip:x\",response=\"00\""

static void test_answer_read(void **state)
{
	static const struct {
		const char *value;
		int e;
		const char *user;
	} cases[] = {
		{ ANSWER, 0, "u" },
		{ ANSWER ",qop=auth,nc=0000000a,cnonce=\"c\"", 0, "u" },
		{ ANSWER ",qop=\"auth-int\",nc=\"FFFFFFFF\",cnonce=\"c\"", 0, "u" },
		{ ANSWER ",qop=\"\"", 0, "u" },
		{ ANSWER ",qop=auth,nc=1,cnonce=\"c\"", -FAIL_SYNTAX, NULL },
		{ ANSWER ",qop=auth,nc=0000000g,cnonce=\"c\"", -FAIL_SYNTAX, NULL },
		{ ANSWER ",qop=auth,nc=00000001", -FAIL_SYNTAX, NULL },
		{ ANSWER ",qop=auth,cnonce=\"c\"", -FAIL_SYNTAX, NULL },
		{ ANSWER ",qop=conf,nc=00000001,cnonce=\"c\"", -FAIL_PROTOCOL, NULL },
		{ ANSWER ",algorithm=CHACHA123", -FAIL_PROTOCOL, NULL },
		{ ANSWER ",username=\"v\"", -FAIL_SYNTAX, NULL },
		{ ANSWER ",username*=UTF-8''v", -FAIL_SYNTAX, NULL },
		{ NO_USER ",username*=UTF-8''J%C3%A4s%C3%B8n%20Doe", 0, "Jäsøn Doe" },
		{ NO_USER ",username*=utf-8'en'", 0, "" },
		{ NO_USER ",username*=UTF-8''v%C", -FAIL_SYNTAX, NULL },
		{ NO_USER ",username*=UTF-8''v%zz", -FAIL_SYNTAX, NULL },
		{ NO_USER ",username*=ISO-8859-1''v", -FAIL_SYNTAX, NULL },
		{ NO_USER ",username*=v", -FAIL_SYNTAX, NULL },
		{ NO_USER, -FAIL_SYNTAX, NULL },
		{ "Digest username=\"u\",realm=\"r\",nonce=\"n\",uri=\"sip:x\"", -FAIL_SYNTAX,
			NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(arena_done) struct arena a = { 0 };
		struct auth_digest_answer d = { 0 };
		int e = read_answer(&a, cases[i].value, &d);

		if (e != cases[i].e)
			fail_msg("%s: got %d", cases[i].value, e);
		if (e == 0)
			assert_str(d.user, cases[i].user);
	}
}

/* What an honest client says to these inputs, read by the server. */
static struct auth_digest_answer answer_of(
	const struct auth_digest *d, bool userhash, struct arena *a, char hex[AUTH_DIGEST_HEX])
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(4000);
	struct auth_digest_answer out = { 0 };
	char hidden[AUTH_DIGEST_HEX];

	auth_digest_response(d, hex);
	auth_digest_userhash(d->alg, d->user, d->realm, hidden);
	auth_digest_answer_write(&b, &(struct auth_digest_answer){
					     .user = userhash ? str_of(hidden) : d->user,
					     .realm = d->realm,
					     .nonce = d->nonce,
					     .uri = d->uri,
					     .response = str_of(hex),
					     .cnonce = d->cnonce,
					     .qop = d->qop,
					     .opaque = STR("o"),
					     .algorithm = str_of(auth_digest_alg_name(d->alg)),
					     .nc = d->nc,
					     .userhash = userhash,
				     });
	assert_int_equal(read_answer(a, buf_cstr(&b), &out), 0);
	return out;
}

static void check_answer(const struct auth_digest *d, const struct auth_digest_answer *a)
{
	const struct auth_digest good = {
		.user = d->user,
		.realm = d->realm,
		.password = d->password,
		.method = d->method,
		.body = d->body,
	};
	struct auth_digest bad = good;
	char ha1[AUTH_DIGEST_HEX];

	assert_true(auth_digest_answer_is(a, d->user));
	assert_false(auth_digest_answer_is(a, STR("mallory")));
	assert_true(auth_digest_answer_verify(a, &good));
	bad.password = STR("wrong");
	assert_false(auth_digest_answer_verify(a, &bad));
	bad = good;
	bad.realm = STR("elsewhere");
	assert_false(auth_digest_answer_verify(a, &bad));
	bad = good;
	bad.method = STR("BYE");
	assert_false(auth_digest_answer_verify(a, &bad));
	bad = good;
	bad.body = STR("changed");
	assert_int_equal(auth_digest_answer_verify(a, &bad), !str_eq(d->qop, STR("auth-int")));
	auth_digest_ha1(d->alg, d->user, d->realm, d->password, ha1);
	bad = (struct auth_digest){
		.ha1 = str_of(ha1), .realm = d->realm, .method = d->method, .body = d->body
	};
	assert_true(auth_digest_answer_verify(a, &bad));
	/* A37: an HA1 of another length */
	bad.ha1 = str_of(ha1 + 1);
	assert_false(auth_digest_answer_verify(a, &bad));
}

static void test_answer_verify(void **state)
{
	static const char *const qops[] = { "", "auth", "auth-int" };

	(void)state;
	for (int alg = 0; alg < AUTH_DIGEST_ALGS; alg++) {
		for (size_t q = 0; q < ARRAY_LEN(qops); q++) {
			CLEANUP(arena_done) struct arena a = { 0 };
			struct auth_digest d = digest_of(&printed[0]);
			struct auth_digest_answer ans;
			char hex[AUTH_DIGEST_HEX];

			d.alg = (enum auth_digest_alg)alg;
			d.qop = str_of(qops[q]);
			d.user = STR("al\"ice\\ \xc3\xa9");
			d.body = STR("body");
			if (auth_digest_sess(d.alg) && !d.qop.n)
				continue; /* cnonce would be missing: RFC 3261 22.4 (8) */
			ans = answer_of(&d, q == 1, &a, hex);
			assert_str(ans.opaque, "o");
			check_answer(&d, &ans);
		}
	}
}

static void test_answer_response_text(void **state)
{
	CLEANUP(arena_done) struct arena a = { 0 };
	struct auth_digest d = digest_of(&printed[0]);
	struct auth_digest_answer ans;
	char hex[AUTH_DIGEST_HEX], upper[AUTH_DIGEST_HEX];

	(void)state;
	ans = answer_of(&d, false, &a, hex);
	for (size_t i = 0; i <= strlen(hex); i++)
		upper[i] = (char)(hex[i] >= 'a' ? hex[i] - 'a' + 'A' : hex[i]);
	ans.response = str_of(upper);
	assert_true(auth_digest_answer_verify(&ans, &d));
	ans.response = str_sub(str_of(hex), 0, 31);
	assert_false(auth_digest_answer_verify(&ans, &d));
	ans.response = STR_EMPTY;
	assert_false(auth_digest_answer_verify(&ans, &d));
	ans.response = STR("00000000000000000000000000000000000000000000000000000000000000000000");
	assert_false(auth_digest_answer_verify(&ans, &d));
}

static void test_info(void **state)
{
	CLEANUP(arena_done) struct arena a = { 0 };
	CLEANUP(buf_done) struct buf b = BUF_INIT(1000);
	struct auth_digest d = digest_of(&printed[0]);
	struct auth_digest_answer ans;
	struct auth_digest_info i;
	char hex[AUTH_DIGEST_HEX];
	struct str params;

	(void)state;
	ans = answer_of(&d, false, &a, hex);
	auth_digest_info_write(&b, &ans, &d, STR("next"));
	assert_true(sip_auth_info_parse(buf_str(&b), &params));
	assert_true(auth_digest_info_parse(&a, params, &i));
	d.method = STR_EMPTY;
	auth_digest_response(&d, hex);
	assert_str(i.rspauth, hex);
	assert_str(i.nextnonce, "next");
	assert_str(i.cnonce, "0a4f113b");
	assert_int_equal(i.nc, 1);
	assert_str(i.qop, "auth");
	assert_false(auth_digest_info_parse(&a, STR("nc=1"), &i));
	assert_false(auth_digest_info_parse(&a, STR("qop=conf"), &i));
	assert_false(auth_digest_info_parse(&a, STR("nextnonce=a, nextnonce=b"), &i));
	assert_true(auth_digest_info_parse(&a, STR_EMPTY, &i));
	assert_null(i.rspauth.p);
}

/* ---- nonces ---- */

static void test_nonce(void **state)
{
	struct auth_nonce n, other;
	char text[AUTH_NONCE_LEN + 1], again[AUTH_NONCE_LEN + 1];
	struct str s;

	(void)state;
	auth_nonce_init(&n, 60000, 0);
	auth_nonce_init(&other, 60000, 0);
	auth_nonce_make(&n, 1000, text);
	auth_nonce_make(&n, 1000, again);
	s = str_of(text);
	assert_int_equal(s.n, AUTH_NONCE_LEN);
	assert_string_not_equal(text, again);
	assert_int_equal(auth_nonce_check(&n, s, 1000), AUTH_NONCE_FRESH);
	assert_int_equal(auth_nonce_check(&n, s, 60999), AUTH_NONCE_FRESH);
	assert_int_equal(auth_nonce_check(&n, s, 61000), AUTH_NONCE_STALE);
	assert_int_equal(auth_nonce_check(&n, s, 999), AUTH_NONCE_UNKNOWN);
	assert_int_equal(auth_nonce_check(&other, s, 1000), AUTH_NONCE_UNKNOWN);
	assert_int_equal(auth_nonce_check(&n, STR_EMPTY, 1000), AUTH_NONCE_UNKNOWN);
	for (size_t i = 0; i < AUTH_NONCE_LEN; i++) {
		char was = text[i];
		text[i] = was == '0' ? '1' : '0';
		assert_int_equal(auth_nonce_check(&n, s, 1000), AUTH_NONCE_UNKNOWN);
		text[i] = was;
	}
	auth_nonce_done(&n);
	auth_nonce_done(&other);
}

static void test_nonce_replay(void **state)
{
	struct auth_nonce n;
	char text[AUTH_NONCE_LEN + 1];
	struct str s;

	(void)state;
	auth_nonce_init(&n, 60000, 0);
	auth_nonce_make(&n, 0, text);
	s = str_of(text);
	assert_int_equal(auth_nonce_use(&n, s, 1, 0), AUTH_NONCE_FRESH);
	assert_int_equal(auth_nonce_use(&n, s, 1, 0), AUTH_NONCE_REPLAYED);
	assert_int_equal(auth_nonce_use(&n, s, 3, 0), AUTH_NONCE_FRESH);
	assert_int_equal(auth_nonce_use(&n, s, 2, 0), AUTH_NONCE_FRESH); /* overtaken */
	assert_int_equal(auth_nonce_use(&n, s, 2, 0), AUTH_NONCE_REPLAYED);
	assert_int_equal(auth_nonce_use(&n, s, 66, 0), AUTH_NONCE_FRESH);
	assert_int_equal(auth_nonce_use(&n, s, 3, 0), AUTH_NONCE_REPLAYED); /* in the window */
	assert_int_equal(auth_nonce_use(&n, s, 4, 0), AUTH_NONCE_FRESH);
	assert_int_equal(auth_nonce_use(&n, s, 200, 0), AUTH_NONCE_FRESH);
	assert_int_equal(auth_nonce_use(&n, s, 100, 0), AUTH_NONCE_REPLAYED); /* behind it */
	assert_int_equal(auth_nonce_use(&n, s, UINT32_MAX, 0), AUTH_NONCE_FRESH);
	assert_int_equal(auth_nonce_use(&n, s, UINT32_MAX, 0), AUTH_NONCE_REPLAYED);
	assert_int_equal(auth_nonce_use(&n, s, 0, 0), AUTH_NONCE_FRESH); /* RFC 2069 */
	assert_int_equal(auth_nonce_use(&n, s, 0, 0), AUTH_NONCE_FRESH);
	assert_int_equal(auth_nonce_use(&n, s, 300, 60000), AUTH_NONCE_STALE);
	assert_int_equal(auth_nonce_use(&n, STR("x"), 1, 0), AUTH_NONCE_UNKNOWN);
	auth_nonce_done(&n);
}

/* However many nonces are used, memory is bounded and no use is forgotten: it goes stale instead.
 */
static void test_nonce_limit(void **state)
{
	struct auth_nonce n;
	char text[6][AUTH_NONCE_LEN + 1];

	(void)state;
	auth_nonce_init(&n, 60000, 4);
	for (unsigned i = 0; i < 6; i++) {
		auth_nonce_make(&n, i, text[i]);
		assert_int_equal(auth_nonce_use(&n, str_of(text[i]), 1, 10), AUTH_NONCE_FRESH);
	}
	assert_int_equal(n.used.count, 4);
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(auth_nonce_use(&n, str_of(text[i]), 1, 10),
			i < 2 ? AUTH_NONCE_STALE : AUTH_NONCE_REPLAYED);
	auth_nonce_done(&n);
}

/* ---- credentials ---- */

#define MD5_HA1 "5F4DCC3B5AA765D61D8327DEB882CF99"

static void add(struct cred_store *s, const char *realm, const char *user, const char *password)
{
	assert_int_equal(cred_store_add(s,
				 &(struct cred){ .realm = str_of(realm),
					 .user = str_of(user),
					 .secret = str_of(password),
					 .source = "test" },
				 NULL),
		0);
}

static void expect(const struct cred_store *s, const char *realm, const char *user,
	enum hash_kind alg, const char *secret)
{
	const struct cred *c = cred_store_find(s, str_of(realm), str_of(user), alg);

	if (!secret) {
		assert_null(c);
	} else {
		assert_non_null(c);
		assert_str(c->secret, secret);
		assert_string_equal(c->source, "test");
	}
}

static void test_cred_store(void **state)
{
	struct cred_store *s = cred_store_new();
	struct cred ha1 = { .realm = STR("home"),
		.user = STR("alice"),
		.kind = CRED_HA1,
		.secret = STR(MD5_HA1),
		.source = "test" };
	struct fail f = { 0 };

	(void)state;
	assert_true(cred_store_empty(s));
	add(s, "*", "guest", "g");
	add(s, "home", "bob", "b");
	assert_int_equal(cred_store_add(s, &ha1, NULL), 0);
	assert_false(cred_store_empty(s));
	expect(s, "home", "", HASH_MD5, "b");
	expect(s, "home", "alice", HASH_MD5, "5f4dcc3b5aa765d61d8327deb882cf99");
	expect(s, "home", "alice", HASH_SHA256, NULL);
	expect(s, "other", "", HASH_SHA256, "g");
	expect(s, "home", "guest", HASH_SHA256, "g");
	expect(s, "other", "bob", HASH_MD5, NULL);
	expect(s, "HOME", "bob", HASH_MD5, NULL);
	add(s, "home", "bob", "b2"); /* replaces */
	expect(s, "home", "bob", HASH_MD5, "b2");
	assert_true(cred_store_remove(s, STR("home")));
	assert_false(cred_store_remove(s, STR("home")));
	expect(s, "home", "", HASH_MD5, "g");
	cred_store_clear(s);
	assert_true(cred_store_empty(s));
	ha1.ha1_alg = HASH_SHA256; /* too short for it */
	assert_int_equal(cred_store_add(s, &ha1, &f), -FAIL_ARGUMENT);
	assert_string_equal(f.text, "the HA1 for realm \"home\" must be 64 hex digits");
	ha1.ha1_alg = HASH_MD5;
	ha1.secret = STR("5f4dcc3b5aa765d61d8327deb882cf9x");
	assert_int_equal(cred_store_add(s, &ha1, NULL), -FAIL_ARGUMENT);
	assert_true(cred_store_empty(s));
	cred_store_free(s);
	cred_store_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_printed_vectors),
		cmocka_unit_test(test_erratum_4897),
		cmocka_unit_test(test_algorithms),
		cmocka_unit_test(test_sess_key_stays_with_first_nonce),
		cmocka_unit_test(test_corpus),
		cmocka_unit_test(test_challenge_read),
		cmocka_unit_test(test_challenge_round_trip),
		cmocka_unit_test(test_answer_read),
		cmocka_unit_test(test_answer_verify),
		cmocka_unit_test(test_answer_response_text),
		cmocka_unit_test(test_info),
		cmocka_unit_test(test_nonce),
		cmocka_unit_test(test_nonce_replay),
		cmocka_unit_test(test_nonce_limit),
		cmocka_unit_test(test_cred_store),
	};

	return cmocka_run_group_tests_name("digest", tests, NULL, NULL);
}
