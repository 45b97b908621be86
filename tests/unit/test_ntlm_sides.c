/* tests/unit/test_ntlm_sides.c -- both sides of NTLM against each other, and what each of them
 * refuses: malformed and weak challenges, names that do not fit, wrong proofs, MICs, signatures */
#include "ntlm_rig.h"

#include <stdio.h>

#define PASSWORD "p\303\244ss\342\202\254"

static const struct ntlm_identity alice = { { "J\303\274rgen", 7 }, { "CONTOSO", 7 },
	{ PASSWORD, 8 }, { "DESK", 4 } };
static const struct ntlm_server contoso = { { "CONTOSO", 7 }, { "SERVER", 6 },
	{ "contoso.test", 12 }, { "server.contoso.test", 19 }, false, false };
static const struct ntlm_options today = { .now_ms = UINT64_C(1700000000000) };

static struct buf challenge_of(const struct ntlm_server *s)
{
	struct buf b = BUF_INIT(2000);

	assert_int_equal(0, ntlm_challenge(s, today.now_ms, &b, NULL));
	return b;
}

/* An answer, and the context that is freed at once. */
static struct buf answer_of(
	const struct ntlm_identity *id, struct str challenge, const struct ntlm_options *o)
{
	struct buf b = BUF_INIT(2000);
	struct ntlm *context = NULL;

	assert_int_equal(0, ntlm_answer(id, challenge, o, &b, &context, NULL));
	ntlm_free(context);
	return b;
}

/* The words are in the sentence; nothing was written and no context was made. */
static void assert_refused(const struct ntlm_identity *id, struct str challenge,
	const struct ntlm_options *o, int code, const char *words)
{
	CLEANUP(buf_done) struct buf out = BUF_INIT(2000);
	struct ntlm *context = NULL;
	struct fail f = { 0 };

	buf_addf(&out, "before");
	assert_int_equal(code, ntlm_answer(id, challenge, o, &out, &context, &f));
	assert_null(context);
	assert_int_equal(6, out.n);
	if (!strstr(f.text, words))
		fail_msg("<%s> does not say <%s>", f.text, words);
}

static int accepted(struct str challenge, struct str authenticate, const char *password)
{
	struct ntlm *context = NULL;
	struct fail f = { 0 };
	int e = ntlm_accept(challenge, authenticate, str_of(password), &context, &f);

	assert_int_equal(e == 0, context != NULL);
	assert_int_equal(e, f.code);
	ntlm_free(context);
	return e;
}

static uint32_t flags_of(struct str message, size_t at)
{
	uint32_t flags = 0;

	for (size_t i = 4; i > 0; i--)
		flags = flags << 8 | (unsigned char)message.p[at + i - 1];
	return flags;
}

static void set_flags(struct buf *b, size_t at, uint32_t flags)
{
	for (size_t i = 0; i < 4; i++, flags >>= 8)
		b->p[at + i] = (char)(flags & 0xff);
}

enum { CHALLENGE_FLAGS = 20, AUTHENTICATE_FLAGS = 60 };

/* ---- what is good */

/* A challenge of this server, an answer of this client: accepted, and both sign. */
static void assert_handshake(const struct ntlm_server *s, const struct ntlm_identity *id,
	const struct ntlm_options *o, bool mic)
{
	CLEANUP(buf_done) struct buf challenge = challenge_of(s), out = BUF_INIT(2000);
	CLEANUP(buf_done) struct buf user = BUF_INIT(200), domain = BUF_INIT(200);
	struct ntlm *client = NULL, *server = NULL;
	struct ntlm_message_authenticate m;
	struct str password = id->password;

	assert_int_equal(0, ntlm_answer(id, buf_str(&challenge), o, &out, &client, NULL));
	assert_int_equal(0, ntlm_message_authenticate_read(buf_str(&out), &m, NULL));
	assert_int_equal(mic, m.mic);
	assert_int_equal(0, ntlm_who(buf_str(&out), &user, &domain, NULL));
	assert_true(str_eq(id->user, buf_str(&user)));
	assert_int_equal(
		0, ntlm_accept(buf_str(&challenge), buf_str(&out), password, &server, NULL));
	assert_pair(client, server);
	ntlm_free(client);
	ntlm_free(server);
}

static void test_handshakes(void **state)
{
	static const struct ntlm_options no_mic = { .now_ms = 1, .no_mic = true };
	static const struct ntlm_options v1 = { .now_ms = 1, .v1 = true };
	static const struct ntlm_identity ascii = { { "alice", 5 }, { "CONTOSO", 7 },
		{ "p@ssw0rd", 8 }, { NULL, 0 } };
	struct ntlm_server old = contoso, weak = contoso;

	(void)state;
	old.no_time = weak.weak = true;
	assert_handshake(&contoso, &alice, &today, true);
	assert_handshake(&contoso, &alice, &no_mic, false);
	assert_handshake(&old, &alice, &today, false);
	assert_handshake(&weak, &ascii, &v1, false);
	assert_handshake(&(struct ntlm_server){ 0 }, &alice, &today, true);
	assert_handshake(&contoso, &(struct ntlm_identity){ .user = STR("a") }, &today, true);
}

static void test_domains(void **state)
{
	static const struct {
		const char *name, *user, *domain;
	} names[] = {
		{ "CORP\\alice", "alice", "CORP" },
		{ "alice@corp.example", "alice@corp.example", "" },
		{ "alice", "alice", "CONTOSO" },
		{ "CORP\\al\\ice", "al\\ice", "CORP" },
		{ "CORP\\alice@x", "alice@x", "CORP" },
	};
	CLEANUP(buf_done) struct buf challenge = challenge_of(&contoso);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		CLEANUP(buf_done) struct buf user = BUF_INIT(200), domain = BUF_INIT(200);
		struct ntlm_identity id = ntlm_identity_of(str_of(names[i].name), STR("pw"));
		CLEANUP(buf_done) struct buf out = answer_of(&id, buf_str(&challenge), &today);

		assert_int_equal(0, ntlm_who(buf_str(&out), &user, &domain, NULL));
		assert_string_equal(names[i].user, buf_cstr(&user));
		assert_string_equal(names[i].domain, buf_cstr(&domain));
		assert_int_equal(0, accepted(buf_str(&challenge), buf_str(&out), "pw"));
	}
}

/* As Communications Server: pidgin-sipe wants IDENTIFY, gss-ntlmssp wants AV 1. */
static void test_challenge(void **state)
{
	CLEANUP(buf_done) struct buf b = challenge_of(&contoso), again = challenge_of(&contoso);
	CLEANUP(buf_done) struct buf text = BUF_INIT(100);
	struct ntlm_message_challenge m;
	struct str value;

	(void)state;
	assert_int_equal(0, ntlm_message_challenge_read(buf_str(&b), &m, NULL));
	assert_int_equal(0xe29882f3, m.flags);
	assert_int_equal(0, m.target.n);
	assert_true(ntlm_message_info_get(m.info, NTLM_AV_NETBIOS_COMPUTER, &value));
	assert_true(str_eq(utf16(&text, "SERVER"), value));
	assert_true(ntlm_message_info_get(m.info, NTLM_AV_DNS_COMPUTER, &value));
	assert_true(str_eq(utf16(&text, "server.contoso.test"), value));
	assert_true(ntlm_message_info_get(m.info, NTLM_AV_TIME, &value));
	assert_hex(value.p, value.n, "00006DC64717DA01"); /* 2023-11-14 22:13:20 */
	assert_memory_not_equal(b.p + 24, again.p + 24, 8);
}

/* AV 6 of the server is edited where it stands. */
static void test_av_flags(void **state)
{
	static const char flags[4] = { 1, 0, 0, 0 }, time[8] = { 1 };
	CLEANUP(buf_done) struct buf info = BUF_INIT(200), challenge = BUF_INIT(2000);
	struct ntlm_options no_mic = { .no_mic = true };
	struct ntlm_message_authenticate a;
	struct ntlm_message_challenge m = { .flags = 0xe29882f3 };
	struct str value, list;

	(void)state;
	ntlm_message_info_add(&info, NTLM_AV_FLAGS, (struct str){ flags, 4 });
	ntlm_message_info_add(&info, NTLM_AV_TIME, (struct str){ time, 8 });
	ntlm_message_info_add(&info, NTLM_AV_END, STR_EMPTY);
	m.info = buf_str(&info);
	assert_int_equal(0, ntlm_message_challenge_write(&m, &challenge, NULL));
	for (unsigned mic = 0; mic < 2; mic++) {
		CLEANUP(buf_done)
		struct buf out = answer_of(&alice, buf_str(&challenge), mic ? &today : &no_mic);

		assert_int_equal(0, ntlm_message_authenticate_read(buf_str(&out), &a, NULL));
		list = str_sub(a.nt, 44, a.nt.n);
		assert_int_equal(info.n + 4, list.n);
		assert_true(ntlm_message_info_get(list, NTLM_AV_FLAGS, &value));
		assert_int_equal(mic ? 3 : 1, value.p[0]);
		assert_memory_equal(list.p + 8, info.p + 8, info.n - 8);
		assert_int_equal(0, accepted(buf_str(&challenge), buf_str(&out), PASSWORD));
	}
}

/* ---- what the client refuses */

static void test_truncated_challenges(void **state)
{
	CLEANUP(buf_done) struct buf b = challenge_of(&contoso);

	(void)state;
	for (size_t n = 0; n < b.n; n++) {
		struct bytes copy = { malloc(n ? n : 1), n };

		memcpy(copy.p, b.p, n);
		assert_refused(&alice, bytes_str(&copy), &today, -FAIL_PROTOCOL, "NTLM CHALLENGE");
		bytes_done(&copy);
	}
}

/* Whatever a byte becomes: it is refused, or what comes out is good. */
static void test_changed_challenges(void **state)
{
	CLEANUP(buf_done) struct buf b = challenge_of(&contoso);

	(void)state;
	for (size_t at = 0; at < b.n; at++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			CLEANUP(buf_done) struct buf out = BUF_INIT(2000);
			struct ntlm *context = NULL;
			int e;

			b.p[at] ^= (char)(1 << bit);
			e = ntlm_answer(&alice, buf_str(&b), &today, &out, &context, NULL);
			assert_true(e == 0 || e == -FAIL_PROTOCOL || e == -FAIL_AUTH);
			if (!e)
				assert_int_equal(0, accepted(buf_str(&b), buf_str(&out), PASSWORD));
			ntlm_free(context);
			b.p[at] ^= (char)(1 << bit);
		}
	}
}

static void test_malformed_info(void **state)
{
	static const char *const infos[] = {
		"", /* none, although the flags promise it */
		"0200", /* half a head */
		"02000400", /* no value */
		"020002004100", /* no end */
		"0600040000000000" /* twice */
		"060004000000000000000000",
		"0700080001020304050607080700080001020304050607080000" /* twice */
		"0000",
		"060002000000"
		"00000000", /* lengths */
		"0700040001020304"
		"00000000",
		"00000100AA",
	};
	struct ntlm_message_challenge m = { .flags = 0xe29882f3 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(infos); i++) {
		CLEANUP(bytes_done) struct bytes info = unhex(infos[i]);
		CLEANUP(buf_done) struct buf b = BUF_INIT(2000);

		m.info = bytes_str(&info);
		assert_int_equal(0, ntlm_message_challenge_write(&m, &b, NULL));
		assert_refused(&alice, buf_str(&b), &today, -FAIL_PROTOCOL, "target info");
	}
}

/* A domain that is no text, or too long, for a user without one. */
static void test_bad_domain(void **state)
{
	static const char long_name[2 * NTLM_NAME + 2] = { 'A' };
	const struct str domains[] = { { "A", 1 }, { long_name, sizeof(long_name) } };
	const struct ntlm_identity id = { .user = STR("alice"), .password = STR("pw") };
	struct ntlm_message_challenge m = { .flags = 0xe29882f3 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(domains); i++) {
		CLEANUP(buf_done) struct buf b = BUF_INIT(2000), info = BUF_INIT(2000);

		ntlm_message_info_add(&info, NTLM_AV_NETBIOS_DOMAIN, domains[i]);
		ntlm_message_info_add(&info, NTLM_AV_END, STR_EMPTY);
		m.info = buf_str(&info);
		assert_int_equal(0, ntlm_message_challenge_write(&m, &b, NULL));
		assert_refused(&id, buf_str(&b), &today, -FAIL_PROTOCOL, "domain");
	}
}

static void test_weak_challenges(void **state)
{
	static const struct {
		uint32_t flag;
		const char *name;
		bool v1; /* taken when NTLMv1 is asked for */
	} flags[] = {
		{ NTLM_FLAG_UNICODE, "lacks UNICODE", false },
		{ NTLM_FLAG_NTLM, "lacks NTLM", false },
		{ NTLM_FLAG_SIGN, "lacks SIGN", false },
		{ NTLM_FLAG_DATAGRAM, "lacks DATAGRAM", false },
		{ NTLM_FLAG_KEY_EXCH, "lacks KEY_EXCH", false },
		{ NTLM_FLAG_EXTENDED_SESSIONSECURITY, "lacks EXTENDED_SESSIONSECURITY", true },
		{ NTLM_FLAG_TARGET_INFO, "lacks TARGET_INFO", true },
		{ NTLM_FLAG_128, "lacks 128", true },
	};
	const struct ntlm_identity ascii = { .user = STR("alice"), .password = STR("pw") };
	const struct ntlm_options v1 = { .v1 = true };
	struct ntlm_server weak = contoso;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
		CLEANUP(buf_done) struct buf b = challenge_of(&contoso);

		set_flags(&b, CHALLENGE_FLAGS,
			flags_of(buf_str(&b), CHALLENGE_FLAGS) & ~flags[i].flag);
		assert_refused(&alice, buf_str(&b), &today, -FAIL_AUTH, flags[i].name);
		if (flags[i].v1) {
			CLEANUP(buf_done) struct buf out = answer_of(&ascii, buf_str(&b), &v1);
			assert_true(out.n > 0);
		} else {
			assert_refused(&ascii, buf_str(&b), &v1, -FAIL_AUTH, flags[i].name);
		}
	}
	weak.weak = true;
	CLEANUP(buf_done) struct buf b = challenge_of(&weak);
	assert_refused(&alice, buf_str(&b), &today, -FAIL_AUTH, "EXTENDED_SESSIONSECURITY, 128");
	/* IDENTIFY and the rest are welcome, not required */
	CLEANUP(buf_done) struct buf bare = challenge_of(&contoso);
	set_flags(&bare, CHALLENGE_FLAGS, NTLM_ALWAYS | NTLM_STRONG);
	CLEANUP(buf_done) struct buf out = answer_of(&alice, buf_str(&bare), &today);
	assert_int_equal(0, accepted(buf_str(&bare), buf_str(&out), PASSWORD));
	assert_hex(out.p + 64, 8, "0000000000000000");
}

static void test_flags_sent(void **state)
{
	CLEANUP(buf_done) struct buf b = challenge_of(&contoso);
	CLEANUP(buf_done) struct buf out = answer_of(&alice, buf_str(&b), &today);

	(void)state;
	/* as Office Communicator: no SEAL, LM_KEY, OEM, 56 */
	assert_int_equal(0x62988255, flags_of(buf_str(&out), AUTHENTICATE_FLAGS));
	assert_hex(out.p + 64, 8, "0601B11D0000000F");
}

static void test_names(void **state)
{
	CLEANUP(buf_done) struct buf b = challenge_of(&contoso), out = BUF_INIT(2000);
	char text[600];
	const struct str most = { text, NTLM_NAME }, more = { text, NTLM_NAME + 1 };
	const struct str not_utf8 = STR("a\377"), nul = { "a\0b", 3 };
	const struct ntlm_identity bad[] = {
		{ more, alice.domain, STR("pw"), STR_EMPTY },
		{ alice.user, more, STR("pw"), STR_EMPTY },
		{ alice.user, alice.domain, STR("pw"), more },
		{ alice.user, alice.domain, { text, 513 }, STR_EMPTY },
		{ not_utf8, alice.domain, STR("pw"), STR_EMPTY },
		{ alice.user, not_utf8, STR("pw"), STR_EMPTY },
		{ alice.user, alice.domain, not_utf8, STR_EMPTY },
		{ nul, alice.domain, STR("pw"), STR_EMPTY },
		{ STR_EMPTY, alice.domain, STR("pw"), STR_EMPTY },
	};
	static const char *const words[] = { "user name has 161 bytes", "domain name has 161 bytes",
		"workstation name has 161 bytes", "at most 512 bytes", "user name is not UTF-8",
		"domain name is not UTF-8", "password is not UTF-8", "user name is not UTF-8",
		"needs a user name" };
	struct ntlm *context = NULL;

	(void)state;
	memset(text, 'x', sizeof(text));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_refused(&bad[i], buf_str(&b), &today, -FAIL_ARGUMENT, words[i]);
	/* two of them fit, three do not */
	const struct ntlm_identity two = { most, most, { text, 512 }, STR_EMPTY };
	const struct ntlm_identity three = { most, most, STR("pw"), most };
	assert_int_equal(0, ntlm_answer(&two, buf_str(&b), &today, &out, &context, NULL));
	ntlm_free(context);
	memset(text + 512, 0, 1);
	assert_int_equal(0, accepted(buf_str(&b), buf_str(&out), text));
	assert_refused(&three, buf_str(&b), &today, -FAIL_LIMIT, "1072 bytes");
}

static void test_no_room(void **state)
{
	CLEANUP(buf_done) struct buf b = challenge_of(&contoso), out = BUF_INIT(100);
	CLEANUP(buf_done) struct buf good = challenge_of(&contoso);
	struct ntlm *context = NULL;

	(void)state;
	assert_int_equal(
		-FAIL_LIMIT, ntlm_answer(&alice, buf_str(&b), &today, &out, &context, NULL));
	assert_null(context);
	assert_int_equal(0, out.n);
	buf_clear(&out);
	buf_done(&b);
	buf_add(&b, "NTLMSSP\0\2\0\0\0", 12);
	while (b.n < 1073)
		buf_add_char(&b, 0);
	assert_refused(&alice, buf_str(&b), &today, -FAIL_LIMIT, "1073 bytes, at most 1072");
	b.p[8] = 3;
	assert_int_equal(-FAIL_PROTOCOL, accepted(buf_str(&good), buf_str(&b), "pw"));
}

static void test_v1_passwords(void **state)
{
	CLEANUP(buf_done) struct buf b = challenge_of(&contoso);
	const struct ntlm_options v1 = { .v1 = true };
	char text[NTLM_V1_PASSWORD + 1];
	const struct ntlm_identity too_long = { .user = STR("a"),
		.password = { text, sizeof(text) } };

	(void)state;
	memset(text, 'x', sizeof(text));
	assert_refused(&alice, buf_str(&b), &v1, -FAIL_ARGUMENT, "ASCII");
	assert_refused(&too_long, buf_str(&b), &v1, -FAIL_ARGUMENT, "128 bytes");
}

/* We take no NTLMv1 where we offered better, not even when a weaker challenge was put in its place
 * on the way and the flags of the answer were mended. */
static void test_no_v1(void **state)
{
	const uint32_t strong = NTLM_FLAG_EXTENDED_SESSIONSECURITY | NTLM_FLAG_128;
	const struct ntlm_identity id = { .user = STR("a"), .password = STR("pw") };
	const struct ntlm_options v1 = { .v1 = true };
	CLEANUP(buf_done) struct buf b = challenge_of(&contoso);
	CLEANUP(buf_done) struct buf out = answer_of(&id, buf_str(&b), &v1);
	uint32_t flags = flags_of(buf_str(&b), CHALLENGE_FLAGS);

	(void)state;
	assert_int_equal(-FAIL_AUTH, accepted(buf_str(&b), buf_str(&out), "pw"));
	set_flags(&b, CHALLENGE_FLAGS, flags & ~strong);
	CLEANUP(buf_done) struct buf weak = answer_of(&id, buf_str(&b), &v1);
	assert_int_equal(0, accepted(buf_str(&b), buf_str(&weak), "pw"));
	set_flags(&b, CHALLENGE_FLAGS, flags);
	assert_int_equal(-FAIL_AUTH, accepted(buf_str(&b), buf_str(&weak), "pw"));
	set_flags(&weak, AUTHENTICATE_FLAGS, flags_of(buf_str(&weak), AUTHENTICATE_FLAGS) | strong);
	assert_int_equal(-FAIL_AUTH, accepted(buf_str(&b), buf_str(&weak), "pw"));
}

/* ---- what the server refuses */

static void test_long_names_of_a_server(void **state)
{
	char text[NTLM_NAME + 1];
	struct str most = { text, NTLM_NAME };
	struct ntlm_server s = { .netbios_domain = { text, sizeof(text) } };
	CLEANUP(buf_done) struct buf out = BUF_INIT(2000);

	(void)state;
	memset(text, 'x', sizeof(text));
	assert_int_equal(-FAIL_ARGUMENT, ntlm_challenge(&s, 0, &out, NULL));
	s = (struct ntlm_server){ most, most, most, most, false, false };
	assert_int_equal(-FAIL_LIMIT, ntlm_challenge(&s, 0, &out, NULL));
	s = (struct ntlm_server){ .dns_domain = STR("\377") };
	assert_int_equal(-FAIL_ARGUMENT, ntlm_challenge(&s, 0, &out, NULL));
	assert_int_equal(0, out.n);
}

static void test_wrong_password(void **state)
{
	CLEANUP(buf_done) struct buf b = challenge_of(&contoso), other = challenge_of(&contoso);
	CLEANUP(buf_done) struct buf out = answer_of(&alice, buf_str(&b), &today);

	(void)state;
	assert_int_equal(0, accepted(buf_str(&b), buf_str(&out), PASSWORD));
	assert_int_equal(-FAIL_AUTH, accepted(buf_str(&b), buf_str(&out), "wrong"));
	assert_int_equal(-FAIL_AUTH, accepted(buf_str(&b), buf_str(&out), ""));
	assert_int_equal(-FAIL_AUTH, accepted(buf_str(&b), buf_str(&out), "\377"));
	assert_int_equal(-FAIL_AUTH, accepted(buf_str(&other), buf_str(&out), PASSWORD));
}

/* With a MIC no bit of the message may change; what its padding would be there is none. */
static void test_changed_answers(void **state)
{
	CLEANUP(buf_done) struct buf b = challenge_of(&contoso);
	CLEANUP(buf_done) struct buf out = answer_of(&alice, buf_str(&b), &today);

	(void)state;
	for (size_t at = 0; at < out.n; at++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			int e;

			out.p[at] ^= (char)(1 << bit);
			e = accepted(buf_str(&b), buf_str(&out), PASSWORD);
			if (e != -FAIL_AUTH && e != -FAIL_PROTOCOL)
				fail_msg("byte %zu, bit %u: %d", at, bit, e);
			out.p[at] ^= (char)(1 << bit);
		}
	}
	for (size_t at = 0; at < b.n; at++) { /* nor of the challenge */
		b.p[at] ^= 1;
		assert_int_not_equal(0, accepted(buf_str(&b), buf_str(&out), PASSWORD));
		b.p[at] ^= 1;
	}
}

static void test_truncated_answers(void **state)
{
	CLEANUP(buf_done) struct buf b = challenge_of(&contoso);
	CLEANUP(buf_done) struct buf out = answer_of(&alice, buf_str(&b), &today);
	CLEANUP(buf_done) struct buf user = BUF_INIT(200), domain = BUF_INIT(200);

	(void)state;
	for (size_t n = 0; n < out.n; n++) {
		struct bytes copy = { malloc(n ? n : 1), n };

		memcpy(copy.p, out.p, n);
		assert_int_equal(-FAIL_PROTOCOL, accepted(buf_str(&b), bytes_str(&copy), PASSWORD));
		assert_int_equal(-FAIL_PROTOCOL, ntlm_who(bytes_str(&copy), &user, &domain, NULL));
		assert_int_equal(0, user.n + domain.n);
		bytes_done(&copy);
	}
}

/* The proof says that there is a MIC, but there is no room for it. */
static void test_mic_left_out(void **state)
{
	CLEANUP(buf_done) struct buf b = challenge_of(&contoso), stripped = BUF_INIT(2000);
	CLEANUP(buf_done) struct buf out = answer_of(&alice, buf_str(&b), &today);
	struct ntlm_message_authenticate m;

	(void)state;
	assert_int_equal(0, ntlm_message_authenticate_read(buf_str(&out), &m, NULL));
	m.mic = false;
	assert_int_equal(0, ntlm_message_authenticate_write(&m, &stripped, NULL));
	assert_int_equal(-FAIL_AUTH, accepted(buf_str(&b), buf_str(&stripped), PASSWORD));
}

/* An answer with another field than it had, without a MIC that would tell. */
static void test_odd_answers(void **state)
{
	const struct ntlm_options no_mic = { .no_mic = true };
	CLEANUP(buf_done) struct buf b = challenge_of(&contoso);
	CLEANUP(buf_done) struct buf out = answer_of(&alice, buf_str(&b), &no_mic);
	char many[600] = "";
	struct ntlm_message_authenticate good, odd[10];
	size_t n = 0;

	(void)state;
	assert_int_equal(0, ntlm_message_authenticate_read(buf_str(&out), &good, NULL));
	for (; n < ARRAY_LEN(odd); n++)
		odd[n] = good;
	odd[0].key = STR_EMPTY;
	odd[1].key.n--;
	odd[2].nt = STR_EMPTY;
	odd[3].nt.n = 24;
	odd[4].nt.n = 44; /* no target info */
	odd[5].user = STR_EMPTY; /* nobody */
	odd[6].user = (struct str){ many, sizeof(many) };
	odd[7].flags &= ~(uint32_t)NTLM_FLAG_EXTENDED_SESSIONSECURITY;
	odd[8].flags &= ~(uint32_t)NTLM_FLAG_128;
	odd[9].flags &= ~(uint32_t)NTLM_FLAG_UNICODE;
	for (n = 0; n < ARRAY_LEN(odd); n++) {
		CLEANUP(buf_done) struct buf changed = BUF_INIT(2000);

		assert_int_equal(0, ntlm_message_authenticate_write(&odd[n], &changed, NULL));
		assert_int_equal(-FAIL_AUTH, accepted(buf_str(&b), buf_str(&changed), PASSWORD));
	}
	/* what is not looked at may differ */
	good.workstation = good.lm = STR_EMPTY;
	CLEANUP(buf_done) struct buf changed = BUF_INIT(2000);
	assert_int_equal(0, ntlm_message_authenticate_write(&good, &changed, NULL));
	assert_int_equal(0, accepted(buf_str(&b), buf_str(&changed), PASSWORD));
}

static void test_who(void **state)
{
	static const char *const users[] = {
		"41", /* half a character */
		"00D8", /* half a pair */
		"00D84100", "00DC", /* the wrong half */
		"41000000", /* NUL */
	};
	struct ntlm_message_authenticate m = { .flags = NTLM_FLAG_UNICODE };
	CLEANUP(buf_done) struct buf user = BUF_INIT(2000), domain = BUF_INIT(2000);
	CLEANUP(buf_done) struct buf name = BUF_INIT(2000);
	char text[NTLM_NAME + 2] = "";

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(users); i++) {
		CLEANUP(bytes_done) struct bytes bad = unhex(users[i]);

		for (unsigned where = 0; where < 2; where++) {
			CLEANUP(buf_done) struct buf b = BUF_INIT(2000);

			m.user = where ? STR("a\0") : bytes_str(&bad);
			m.user.n = where ? 2 : m.user.n;
			m.domain = where ? bytes_str(&bad) : STR_EMPTY;
			assert_int_equal(0, ntlm_message_authenticate_write(&m, &b, NULL));
			assert_int_equal(
				-FAIL_PROTOCOL, ntlm_who(buf_str(&b), &user, &domain, NULL));
			assert_int_equal(0, user.n + domain.n);
		}
	}
	m.domain = STR_EMPTY;
	for (size_t n = NTLM_NAME; n <= NTLM_NAME + 1; n++) {
		CLEANUP(buf_done) struct buf b = BUF_INIT(2000);

		memset(text, 'x', n);
		m.user = utf16(&name, text);
		assert_int_equal(0, ntlm_message_authenticate_write(&m, &b, NULL));
		assert_int_equal(n == NTLM_NAME ? 0 : -FAIL_PROTOCOL,
			ntlm_who(buf_str(&b), &user, &domain, NULL));
	}
	assert_int_equal(NTLM_NAME, user.n);
}

static void test_signatures(void **state)
{
	CLEANUP(buf_done) struct buf b = challenge_of(&contoso), out = BUF_INIT(2000);
	struct ntlm *client = NULL, *server = NULL;
	unsigned char mic[NTLM_MIC + 1] = { 0 };

	(void)state;
	assert_int_equal(0, ntlm_answer(&alice, buf_str(&b), &today, &out, &client, NULL));
	assert_int_equal(0, ntlm_accept(buf_str(&b), buf_str(&out), STR(PASSWORD), &server, NULL));
	ntlm_sign(client, STR("text"), mic);
	assert_true(ntlm_verify(server, STR("text"), ntlm_bytes(mic, NTLM_MIC)));
	assert_false(ntlm_verify(client, STR("text"), ntlm_bytes(mic, NTLM_MIC))); /* reflected */
	assert_false(ntlm_verify(server, STR("Text"), ntlm_bytes(mic, NTLM_MIC)));
	assert_false(ntlm_verify(server, STR("text"), ntlm_bytes(mic, NTLM_MIC - 1)));
	assert_false(ntlm_verify(server, STR("text"), ntlm_bytes(mic, NTLM_MIC + 1)));
	assert_false(ntlm_verify(server, STR("text"), STR_EMPTY));
	for (unsigned i = 0; i < NTLM_MIC; i++) {
		mic[i] ^= 0x80;
		assert_false(ntlm_verify(server, STR("text"), ntlm_bytes(mic, NTLM_MIC)));
		mic[i] ^= 0x80;
	}
	ntlm_sign(client, STR_EMPTY, mic);
	assert_true(ntlm_verify(server, STR_EMPTY, ntlm_bytes(mic, NTLM_MIC)));
	ntlm_free(client);
	ntlm_free(server);
	ntlm_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_handshakes),
		cmocka_unit_test(test_domains),
		cmocka_unit_test(test_challenge),
		cmocka_unit_test(test_av_flags),
		cmocka_unit_test(test_truncated_challenges),
		cmocka_unit_test(test_changed_challenges),
		cmocka_unit_test(test_malformed_info),
		cmocka_unit_test(test_bad_domain),
		cmocka_unit_test(test_weak_challenges),
		cmocka_unit_test(test_flags_sent),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_no_room),
		cmocka_unit_test(test_v1_passwords),
		cmocka_unit_test(test_no_v1),
		cmocka_unit_test(test_long_names_of_a_server),
		cmocka_unit_test(test_wrong_password),
		cmocka_unit_test(test_changed_answers),
		cmocka_unit_test(test_truncated_answers),
		cmocka_unit_test(test_mic_left_out),
		cmocka_unit_test(test_odd_answers),
		cmocka_unit_test(test_who),
		cmocka_unit_test(test_signatures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
