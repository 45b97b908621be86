/* tests/unit/test_transcripts.c -- real signatures: the sessions of microsoft-auth.md 7.4 and 7.6,
 * and what a client and a registrar that are not ours said to each other
 * (../shared/corpus/microsoft). */
#include "auth/association.h"
#include "auth/ntlm.h"
#include "auth/signature.h"
#include "base/text.h"
#include "sip/challenge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define CORPUS TEST_SOURCE_ROOT "/../shared/corpus/microsoft/"

static bool in_ci(void)
{
	const char *ci = getenv("CI");

	return ci && strcmp(ci, "true") == 0;
}

/* Ruling 38: CI has the corpus, so there its absence is a failure. */
static void need_corpus(void)
{
	if (access(CORPUS "README.md", R_OK) == 0)
		return;
	if (in_ci())
		fail_msg("no corpus at %s, and CI=true", CORPUS);
	print_message("# DID NOT RUN: there is no corpus at %s\n", CORPUS);
	skip();
}

/* The build may be without NTLM, and then there is nothing to test; one with it skips only where
 * OpenSSL's legacy provider is missing. */
static bool have_ntlm(void)
{
	struct fail f = { 0 };
	int e = ntlm_ready(&f);

	if (e == 0)
		return true;
	assert_int_equal(e, -FAIL_NOT_BUILT);
	if (TEST_NTLM && in_ci())
		fail_msg("this build should have NTLM: %s", f.text);
	print_message("# DID NOT RUN: the NTLM signatures: %s\n", f.text);
	if (TEST_NTLM)
		skip();
	return false;
}

/* One message; LF becomes CR LF. What is behind its Content-Length does not matter. */
static struct sip_msg *parse(struct str text)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(SIP_MESSAGE_MAX);
	struct sip_msg *m = NULL;
	struct fail f = { 0 };

	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '\n')
			buf_add_char(&b, '\r');
		buf_add_char(&b, text.p[i]);
	}
	buf_add_str(&b, STR("\r\n\r\n"));
	if (sip_msg_parse(buf_str(&b), NULL, &m, &f) != 0)
		fail_msg("%s: " STR_FMT, f.text, STR_ARG(text));
	return m;
}

static struct str text_of(struct arena *t, const struct association_proof *p, unsigned version,
	const struct sip_msg *m)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(8192);
	const struct signature s = { p->scheme, version, p->rand, p->num, p->realm, p->targetname };

	signature_text(&s, m, &b);
	assert_int_equal(b.fail, 0);
	return arena_str(t, buf_str(&b));
}

/* ---- transcripts ---- */

struct transcript {
	struct arena t;
	struct sip_msg *m[32];
	bool client[32]; /* who sent it */
	unsigned n;
};

static char *slurp(const char *name, size_t *n)
{
	CLEANUP(buf_done) struct buf path = BUF_INIT(4096);
	FILE *f;
	char *p = calloc(1, 1 << 20);

	buf_addf(&path, CORPUS "%s", name);
	f = fopen(buf_cstr(&path), "rb");
	if (!f || !p)
		fail_msg("cannot read %s", name);
	*n = fread(p, 1, (1 << 20) - 1, f);
	fclose(f);
	return p;
}

static bool is_mark(struct str line)
{
	return str_starts(line, STR("--> client ")) || str_starts(line, STR("<-- server "));
}

/* A line and its LF off the front. */
static struct str take_line(struct str *rest)
{
	size_t n = str_find(*rest, '\n');
	struct str line = str_sub(*rest, 0, n);

	*rest = str_sub(*rest, n + 1, rest->n);
	return line;
}

static void load(struct transcript *all, const char *name)
{
	size_t n;
	char *file = slurp(name, &n);
	struct str rest = { file, n }, line = take_line(&rest);

	while (is_mark(line)) {
		const char *start = rest.p, *end = rest.p;

		assert_true(all->n < ARRAY_LEN(all->m));
		all->client[all->n] = line.p[0] == '-';
		while (rest.n) {
			end = rest.p;
			line = take_line(&rest);
			if (is_mark(line))
				break;
			end = line.p + line.n;
		}
		if (rest.n == 0)
			line = STR_EMPTY;
		all->m[all->n++] = parse(str_trim((struct str){ start, (size_t)(end - start) }));
	}
	assert_int_equal(rest.n, 0);
	free(file);
}

static void unload(struct transcript *all)
{
	for (unsigned i = 0; i < all->n; i++)
		sip_msg_unref(all->m[i]);
	arena_done(&all->t);
	all->n = 0;
}

/* The header field of the sender that signs; false when there is none, or no signature in it. */
static bool proof_of(struct transcript *all, unsigned i, struct association_proof *p)
{
	enum sip_hdr_id id = all->client[i] ? SIP_HDR_AUTHORIZATION : SIP_HDR_AUTHENTICATION_INFO;
	const struct sip_hdr *h = sip_msg_hdr(all->m[i], id);

	if (!h)
		return false;
	if (!association_proof_read(&all->t, h->value, all->client[i], p))
		fail_msg("cannot read " STR_FMT, STR_ARG(h->value));
	return p->mic.n > 0;
}

static const struct expected {
	const char *name;
	unsigned messages, proofs; /* header fields of NTLM or Kerberos that are no challenge */
	unsigned by_client, by_server; /* signatures */
	unsigned listed; /* of these by the client: the registrar checked no responses and no ACK */
} expected[] = {
	{ "bob-ntlm.sip.txt", 14, 11, 4, 5, 1 },
	{ "alice-krb5.sip.txt", 12, 10, 5, 4, 4 },
	{ "carol-ntlm-wrongpw.sip.txt", 6, 2, 0, 0, 0 },
};

/* Each message is one that we take. */
static void test_messages(void **state)
{
	unsigned n = 0, proofs = 0;

	(void)state;
	need_corpus();
	for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
		struct transcript all = { .n = 0 };
		unsigned found = 0;

		load(&all, expected[i].name);
		for (unsigned k = 0; k < all.n; k++) {
			struct association_proof p = { .scheme = STR_EMPTY };
			struct fail f = { 0 };
			unsigned status;

			if (sip_msg_check(all.m[k], false, &status, &f) != SIP_ACCEPT)
				fail_msg("%s, message %u: %s", expected[i].name, k + 1, f.text);
			proof_of(&all, k, &p);
			found += p.scheme.n > 0;
		}
		assert_int_equal(all.n, expected[i].messages);
		assert_int_equal(found, expected[i].proofs);
		n += all.n;
		proofs += found;
		unload(&all);
	}
	print_message("# %u messages, %u proofs read\n", n, proofs);
}

/* What the registrar itself noted: "SSPI sign [<NTLM>...] -> ...", "SSPI verify [...] -> ...". */
static bool is_listed(const char *inputs, bool verify, struct str text)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(8192);

	buf_addf(
		&b, "SSPI %s [" STR_FMT "] -> 00000000", verify ? "verify" : "sign", STR_ARG(text));
	return strstr(inputs, buf_cstr(&b)) != NULL;
}

static void test_inputs(void **state)
{
	unsigned sum = 0;
	char *inputs;
	size_t n;

	(void)state;
	need_corpus();
	inputs = slurp("signature-inputs.txt", &n);
	for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
		unsigned client = 0, server = 0, listed = 0;
		struct transcript all = { .n = 0 };
		struct association_proof p;

		load(&all, expected[i].name);
		for (unsigned k = 0; k < all.n; k++) {
			bool found;

			if (!proof_of(&all, k, &p))
				continue;
			found = is_listed(inputs, all.client[k], text_of(&all.t, &p, 3, all.m[k]));
			listed += found;
			if (all.client[k])
				client++;
			else
				server++;
			if (!found && (!all.client[k] ||
					      (all.m[k]->request && all.m[k]->method != SIP_ACK)))
				fail_msg("%s, message %u", expected[i].name, k + 1);
		}
		assert_int_equal(client, expected[i].by_client);
		assert_int_equal(server, expected[i].by_server);
		assert_int_equal(listed, expected[i].by_server + expected[i].listed);
		sum += listed;
		unload(&all);
	}
	print_message("# %u signed texts as the registrar noted them\n", sum);
	assert_int_equal(sum, 14);
	free(inputs);
}

/* ---- NTLM ---- */

static struct str base64(struct arena *t, struct str text)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(4096);

	assert_true(text_base64_decode(&b, text));
	return arena_str(t, buf_str(&b));
}

struct tokens {
	struct str challenge, authenticate;
};

/* The tokens of the handshake, and what its last request said. */
static struct tokens tokens_of(struct transcript *all, struct association_proof *p)
{
	struct tokens found = { STR_EMPTY, STR_EMPTY };
	struct association_proof client;
	struct sip_challenge c;
	struct sip_param data;

	for (unsigned i = 0; i < all->n; i++) {
		const struct sip_hdr *h = sip_msg_hdr(all->m[i], SIP_HDR_WWW_AUTHENTICATE);

		if (!all->client[i] && h && sip_challenge_parse(h->value, &c) &&
			sip_challenge_get(c.params, "gssapi-data", &data))
			found.challenge = base64(&all->t, data.value);
		h = sip_msg_hdr(all->m[i], SIP_HDR_AUTHORIZATION);
		if (all->client[i] && h &&
			association_proof_read(&all->t, h->value, true, &client) &&
			client.gssapi_data.n) {
			found.authenticate = base64(&all->t, client.gssapi_data);
			*p = client;
		}
	}
	assert_true(found.challenge.n && found.authenticate.n);
	return found;
}

static void assert_mic(struct ntlm *n, struct str text, struct str want)
{
	CLEANUP(buf_done) struct buf got = BUF_INIT(ASSOCIATION_MIC_MAX);
	unsigned char bytes[NTLM_MIC];

	assert_true(text_unhex(want, bytes, sizeof(bytes)));
	assert_int_equal(association_ntlm.sign(n, text, &got, NULL), 0);
	if (got.n != NTLM_MIC || memcmp(got.p, bytes, got.n) != 0)
		fail_msg("another signature than " STR_FMT " of " STR_FMT, STR_ARG(want),
			STR_ARG(text));
}

static void test_bob(void **state)
{
	struct transcript all = { .n = 0 };
	unsigned client = 0, server = 0;
	struct association_proof p;
	struct association *a;
	struct ntlm *context = NULL;
	struct tokens tokens;
	struct fail f = { 0 };

	(void)state;
	need_corpus();
	if (!have_ntlm())
		return;
	load(&all, "bob-ntlm.sip.txt");
	tokens = tokens_of(&all, &p);
	assert_int_equal(
		ntlm_accept(tokens.challenge, tokens.authenticate, STR("pw-bob"), &context, &f), 0);
	a = association_new(&(struct association_config){
		.mechanism = &association_ntlm,
		.context = context,
		.server = true,
		.realm = p.realm,
		.targetname = p.targetname,
		.opaque = p.opaque,
		.version = 3,
	});
	for (unsigned i = 0; i < all.n; i++) {
		if (!proof_of(&all, i, &p))
			continue;
		if (!all.client[i]) {
			assert_mic(context, text_of(&all.t, &p, 3, all.m[i]), p.mic);
			server++;
			continue;
		}
		assert_int_equal(association_verify(a, all.m[i], &p), ASSOCIATION_GOOD);
		assert_int_equal(association_verify(a, all.m[i], &p), ASSOCIATION_REPLAYED);
		client++;
	}
	print_message("# NTLM: %u signatures of the server recomputed, %u of the client verified\n",
		server, client);
	assert_int_equal(server, 5);
	assert_int_equal(client, 4);
	association_unref(a);
	unload(&all);
}

/* Whatever it was that she typed, it was not this. */
static void test_carol(void **state)
{
	struct transcript all = { .n = 0 };
	struct ntlm *context = NULL;
	struct association_proof p;
	struct tokens tokens;
	struct fail f = { 0 };

	(void)state;
	need_corpus();
	if (!have_ntlm())
		return;
	load(&all, "carol-ntlm-wrongpw.sip.txt");
	tokens = tokens_of(&all, &p);
	assert_int_equal(
		ntlm_accept(tokens.challenge, tokens.authenticate, STR("pw-carol"), &context, &f),
		-FAIL_AUTH);
	assert_null(context);
	unload(&all);
}

/* ---- microsoft-auth.md 7.4 and 7.6: version 4, where the last request is signed, too ---- */

struct session {
	const char *password, *challenge, *authenticate; /* hex */
	const char *request, *reply;
	const char *proof, *info; /* the header values, but for the tokens */
};

#define PARAMS(target)                                                                             \
	"NTLM qop=\"auth\", realm=\"SIP Communications Service\", targetname=\"" target "\", "
#define COSMO PARAMS("cosmo-ocs-r2.cosmo.local") "opaque=\"2BDBAC9D\", "
#define LYNC PARAMS("LYNC2013-SERVER.lync.loc")

static const struct session sessions[] = {
	{
		"Pa$$word",
		"4E544C4D53535000020000000000000038000000F38298E2DD1BAAF4E7E218D1000000000000000096"
		"009600380000000502CE0E0000000F02000A0043004F0053004D004F000100180043004F0053004D00"
		"4F002D004F00430053002D00520032000400160063006F0073006D006F002E006C006F00630061006C"
		"000300300063006F0073006D006F002D006F00630073002D00720032002E0063006F0073006D006F00"
		"2E006C006F00630061006C000500160063006F0073006D006F002E006C006F00630061006C00000000"
		"00",
		"4E544C4D53535000030000001800180072000000C600C6008A0000000A000A00480000000800080052"
		"000000180018005A0000001000100050010000558298620502CE0E0000000F43004F0053004D004F00"
		"550073006500720043004F0053004D004F002D004F00430053002D0052003200A1E92EFE4E078BF7C5"
		"C0049ACC6166C2D6AE875CB0FDAA418DC0C800AE76ECA606D2B9FBEBD0473101010000000000005951"
		"9A1727B9CA01D6AE875CB0FDAA410000000002000A0043004F0053004D004F000100180043004F0053"
		"004D004F002D004F00430053002D00520032000400160063006F0073006D006F002E006C006F006300"
		"61006C000300300063006F0073006D006F002D006F00630073002D00720032002E0063006F0073006D"
		"006F002E006C006F00630061006C000500160063006F0073006D006F002E006C006F00630061006C00"
		"000000000000000031CB739E1CA80A498591E8AE797115E4",
		"REGISTER sip:cosmo.local SIP/2.0\n"
		"From: <sip:user@cosmo.local>;tag=3e49177a52;epid=c8ca638a15\n"
		"To: <sip:user@cosmo.local>\n"
		"Call-ID: 4037df9284354df39065195bd57a4b14\n"
		"CSeq: 3 REGISTER",
		"SIP/2.0 200 OK\n"
		"From: \"User\"<sip:user@cosmo.local>;tag=3e49177a52;epid=c8ca638a15\n"
		"To: <sip:user@cosmo.local>;tag=5E61CCD925D17E043D9A74835A88F664\n"
		"Call-ID: 4037df9284354df39065195bd57a4b14\n"
		"CSeq: 3 REGISTER\n"
		"Expires: 7200",
		COSMO "version=4, crand=\"13317733\", cnum=\"1\", "
		      "response=\"0100000029618e9651b65a7764000000\"",
		COSMO "srand=\"9616454F\", snum=\"1\", "
		      "rspauth=\"01000000E615438A917661BE64000000\"",
	},
	{
		"Passw0rd!",
		"4E544C4D53535000020000000000000038000000F38298E2CA08067FC6E46A0100000000000000009A"
		"009A00380000000601B11D0000000F020008004C0059004E00430001001E004C0059004E0043003200"
		"3000310033002D00530045005200560045005200040010006C0079006E0063002E006C006F00630003"
		"0030004C0059004E00430032003000310033002D005300450052005600450052002E006C0079006E00"
		"63002E006C006F006300050010006C0079006E0063002E006C006F00630007000800DD48EEFF3651D2"
		"0100000000",
		"4E544C4D53535000030000001800180070000000D200D2008800000008000800580000000A000A0060"
		"000000060006006A000000100010005A010000558298620601B11D0000000F78AF15FE3AB63427BE56"
		"FE09B59EC1CD4C0059004E0043007400650073007400320057004B0053000000000000000000000000"
		"0000000000000000000000000099F5F8DEF80CF0FE92EBBD8C393B1BB80101000000000000DD48EEFF"
		"3651D201010203040506070800000000020008004C0059004E00430001001E004C0059004E00430032"
		"003000310033002D00530045005200560045005200040010006C0079006E0063002E006C006F006300"
		"030030004C0059004E00430032003000310033002D005300450052005600450052002E006C0079006E"
		"0063002E006C006F006300050010006C0079006E0063002E006C006F00630007000800DD48EEFF3651"
		"D2010600040002000000000000000000000038D5B867E03303D0415EF0D077738024",
		"REGISTER sip:lync.loc SIP/2.0\n"
		"From: <sip:test2@lync.loc>;tag=8E9A17553EB6074EA50DD285529213AC\n"
		"To: <sip:test2@lync.loc>\n"
		"Call-ID: 423C0DE2E19B21F63D4CB068D359BABD\n"
		"CSeq: 3 REGISTER",
		"SIP/2.0 200 OK\n"
		"From: <sip:test2@lync.loc>;tag=8E9A17553EB6074EA50DD285529213AC\n"
		"To: <sip:test2@lync.loc>;tag=AC5312E6748A51BA96E6D129AB85A765\n"
		"Call-ID: 423C0DE2E19B21F63D4CB068D359BABD\n"
		"CSeq: 3 REGISTER\n"
		"P-Asserted-Identity: <SIP:test2@lync.loc>, tel:+4955512345\n"
		"Expires: 7200",
		LYNC "crand=\"0a0b0c0d\", cnum=\"1\", "
		     "response=\"0100000066110B863B49ED8264000000\"",
		LYNC "srand=\"973D56C9\", snum=\"1\", "
		     "rspauth=\"0100000073720ABC7915979F64000000\"",
	},
};

static struct str unhex(struct arena *t, const char *hex)
{
	size_t n = strlen(hex) / 2;
	char *p = arena_alloc(t, n + 1);

	assert_true(text_unhex(str_of(hex), p, n));
	return (struct str){ p, n };
}

static void run_session(const struct session *s)
{
	CLEANUP(arena_done) struct arena t = { 0 };
	struct sip_msg *request = parse(str_of(s->request)), *reply = parse(str_of(s->reply));
	struct association_proof proof, info;
	struct association *server;
	struct ntlm *context = NULL;
	struct fail f = { 0 };
	int e;

	e = ntlm_accept(unhex(&t, s->challenge), unhex(&t, s->authenticate), str_of(s->password),
		&context, &f);
	if (e != 0)
		fail_msg("%s", f.text);
	assert_true(association_proof_read(&t, str_of(s->proof), true, &proof));
	assert_true(association_proof_read(&t, str_of(s->info), false, &info));
	server = association_new(&(struct association_config){
		.mechanism = &association_ntlm,
		.context = context,
		.server = true,
		.realm = proof.realm,
		.targetname = proof.targetname,
		.opaque = proof.opaque,
		.version = 4,
	});
	assert_int_equal(association_verify(server, reply, &proof), ASSOCIATION_FORGED);
	assert_int_equal(association_verify(server, request, &proof), ASSOCIATION_GOOD);
	assert_int_equal(association_verify(server, request, &proof), ASSOCIATION_REPLAYED);
	assert_mic(context, text_of(&t, &info, 4, reply), info.mic);
	association_unref(server);
	sip_msg_unref(request);
	sip_msg_unref(reply);
}

static void test_sessions(void **state)
{
	(void)state;
	if (!have_ntlm())
		return;
	for (size_t i = 0; i < ARRAY_LEN(sessions); i++)
		run_session(&sessions[i]);
}

/* ---- both ends ours ---- */

static struct association *ntlm_end(struct ntlm *context, bool server, unsigned version)
{
	return association_new(&(struct association_config){
		.mechanism = &association_ntlm,
		.context = context,
		.server = server,
		.realm = STR("R"),
		.targetname = STR("t"),
		.opaque = STR("1"),
		.version = version,
	});
}

static void pass(struct association *from, struct association *to, bool client,
	const struct sip_msg *m, enum association_verdict want)
{
	CLEANUP(arena_done) struct arena t = { 0 };
	CLEANUP(buf_done) struct buf b = BUF_INIT(4096);
	struct association_proof p;
	struct fail f = { 0 };

	assert_int_equal(association_sign(from, m, STR_EMPTY, &b, &f), 0);
	assert_true(association_proof_read(&t, buf_str(&b), client, &p));
	assert_int_equal(association_verify(to, m, &p), want);
}

static void run_pair(unsigned version)
{
	CLEANUP(buf_done) struct buf challenge = BUF_INIT(4096), answer = BUF_INIT(4096);
	const struct ntlm_server names = {
		.netbios_domain = STR("D"),
		.netbios_computer = STR("S"),
		.dns_domain = STR("d.test"),
		.dns_computer = STR("s.d.test"),
	};
	const struct ntlm_identity id = { STR("bob"), STR("D"), STR("pw"), STR("W") };
	const struct ntlm_options options = { .now_ms = 1700000000000 };
	struct ntlm *ours = NULL, *theirs = NULL;
	struct association *client, *server;
	struct sip_msg *m = parse(str_of(sessions[0].reply));
	struct fail f = { 0 };

	assert_int_equal(ntlm_challenge(&names, options.now_ms, &challenge, &f), 0);
	assert_int_equal(ntlm_answer(&id, buf_str(&challenge), &options, &answer, &ours, &f), 0);
	assert_int_equal(
		ntlm_accept(buf_str(&challenge), buf_str(&answer), STR("pw"), &theirs, &f), 0);
	client = ntlm_end(ours, false, version);
	server = ntlm_end(theirs, true, version);
	for (unsigned i = 0; i < 4; i++) {
		pass(client, server, true, m, ASSOCIATION_GOOD);
		pass(server, client, false, m, ASSOCIATION_GOOD);
	}
	pass(client, client, true, m, ASSOCIATION_FORGED);
	pass(server, server, false, m, ASSOCIATION_FORGED);
	association_unref(client);
	association_unref(server);
	sip_msg_unref(m);
}

static void test_pair(void **state)
{
	(void)state;
	if (!have_ntlm())
		return;
	for (unsigned version = 2; version <= 4; version++)
		run_pair(version);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_inputs),
		cmocka_unit_test(test_bob),
		cmocka_unit_test(test_carol),
		cmocka_unit_test(test_sessions),
		cmocka_unit_test(test_pair),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
