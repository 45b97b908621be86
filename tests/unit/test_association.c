/* tests/unit/test_association.c -- what is signed of a message, the header values that sign, and
 * the numbers of an association. The mechanism is a toy; real signatures are in test_transcripts.c
 * and test_ntlm.c. */
#include "auth/association.h"
#include "auth/signature.h"
#include "base/mem.h"
#include "base/text.h"
#include "sip/build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void assert_text(struct str got, const char *want, const char *name)
{
	if (!str_eq(got, str_of(want)))
		fail_msg("%s: got\n" STR_FMT ", want\n%s", name, STR_ARG(got), want);
}

/* Lines end with LF in the tables. */
static struct sip_msg *parse(const char *lines)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(SIP_MESSAGE_MAX);
	struct sip_msg *m = NULL;
	struct fail f = { 0 };

	for (const char *p = lines; *p; p++) {
		if (*p == '\n')
			buf_add_char(&b, '\r');
		buf_add_char(&b, *p);
	}
	buf_add_str(&b, STR("\r\n"));
	if (sip_msg_parse(buf_str(&b), NULL, &m, &f) != 0)
		fail_msg("%s:\n%s", f.text, lines);
	return m;
}

/* ---- the vectors of microsoft-auth.md ---- */

struct vector {
	const char *name;
	struct signature s;
	const char *message, *text;
};

#define OCS "SIP Communications Service"

static const struct vector vectors[] = {
	{
		"7.3 OCS 2007, version 2",
		{ { "NTLM", 4 }, 2, { "0878F41B", 8 }, { "1", 1 }, { OCS, 26 },
			{ "ocs1.ocs.provo.novell.com", 25 } },
		"SIP/2.0 200 OK\n"
		"From: <sip:gabriel@ocs.provo.novell.com>;tag=2947328781;epid=00\n"
		"To: <sip:gabriel@ocs.provo.novell.com>;tag=B816D65C2300A32CFA6D371F2AF537FD\n"
		"Call-ID: 8592g5DCBa1694i5887m0D0Bt2247b3F38xAE9Fx\n"
		"CSeq: 3 REGISTER\n"
		"Contact: <sip:10.0.0.1:1>;expires=901\n"
		"Expires: 900\n",
		"<NTLM><0878F41B><1><" OCS "><ocs1.ocs.provo.novell.com>"
		"<8592g5DCBa1694i5887m0D0Bt2247b3F38xAE9Fx><3><REGISTER>"
		"<sip:gabriel@ocs.provo.novell.com><2947328781>"
		"<B816D65C2300A32CFA6D371F2AF537FD><900><200>",
	},
	{
		"7.4 OCS 2007 R2, version 4, request",
		{ { "NTLM", 4 }, 4, { "13317733", 8 }, { "1", 1 }, { OCS, 26 },
			{ "cosmo-ocs-r2.cosmo.local", 24 } },
		"REGISTER sip:cosmo.local SIP/2.0\n"
		"From: <sip:user@cosmo.local>;tag=3e49177a52;epid=c8ca638a15\n"
		"To: <sip:user@cosmo.local>\n"
		"Call-ID: 4037df9284354df39065195bd57a4b14\n"
		"CSeq: 3 REGISTER\n",
		"<NTLM><13317733><1><" OCS "><cosmo-ocs-r2.cosmo.local>"
		"<4037df9284354df39065195bd57a4b14><3><REGISTER><sip:user@cosmo.local>"
		"<3e49177a52><sip:user@cosmo.local><><><><>",
	},
	{
		"7.4 OCS 2007 R2, version 4, reply",
		{ { "NTLM", 4 }, 4, { "9616454F", 8 }, { "1", 1 }, { OCS, 26 },
			{ "cosmo-ocs-r2.cosmo.local", 24 } },
		"SIP/2.0 200 OK\n"
		"From: \"User\"<sip:user@cosmo.local>;tag=3e49177a52;epid=c8ca638a15\n"
		"To: <sip:user@cosmo.local>;tag=5E61CCD925D17E043D9A74835A88F664\n"
		"Call-ID: 4037df9284354df39065195bd57a4b14\n"
		"CSeq: 3 REGISTER\n"
		"Expires: 7200\n",
		"<NTLM><9616454F><1><" OCS "><cosmo-ocs-r2.cosmo.local>"
		"<4037df9284354df39065195bd57a4b14><3><REGISTER><sip:user@cosmo.local>"
		"<3e49177a52><sip:user@cosmo.local><5E61CCD925D17E043D9A74835A88F664>"
		"<><><7200><200>",
	},
	{
		"7.5 with P-Asserted-Identity",
		{ { "NTLM", 4 }, 4, { "1B6D47A1", 8 }, { "11", 2 }, { OCS, 26 },
			{ "LOC-COMPANYT-FE03.COMPANY.COM", 29 } },
		"SIP/2.0 180 Ringing\n"
		"From: <sip:sender@company.com>;tag=2420628112;epid=01\n"
		"To: <sip:recipient@company.com>;tag=7aee15546a;epid=02\n"
		"Call-ID: 41CEg82ECa0AC8i3DD7mE673t9CF4b19DAxF780x\n"
		"CSeq: 1 INVITE\n"
		"P-Asserted-Identity: \"recipient\"<SIP:recipient@company.com>\n",
		"<NTLM><1B6D47A1><11><" OCS "><LOC-COMPANYT-FE03.COMPANY.COM>"
		"<41CEg82ECa0AC8i3DD7mE673t9CF4b19DAxF780x><1><INVITE><sip:sender@company.com>"
		"<2420628112><sip:recipient@company.com><7aee15546a>"
		"<SIP:recipient@company.com><><><180>",
	},
	{
		"7.6 Lync 2013, request",
		{ { "NTLM", 4 }, 4, { "0a0b0c0d", 8 }, { "1", 1 }, { OCS, 26 },
			{ "LYNC2013-SERVER.lync.loc", 24 } },
		"REGISTER sip:lync.loc SIP/2.0\n"
		"From: <sip:test2@lync.loc>;tag=8E9A17553EB6074EA50DD285529213AC;epid=1\n"
		"To: <sip:test2@lync.loc>\n"
		"Call-ID: 423C0DE2E19B21F63D4CB068D359BABD\n"
		"CSeq: 3 REGISTER\n",
		"<NTLM><0a0b0c0d><1><" OCS "><LYNC2013-SERVER.lync.loc>"
		"<423C0DE2E19B21F63D4CB068D359BABD><3><REGISTER><sip:test2@lync.loc>"
		"<8E9A17553EB6074EA50DD285529213AC><sip:test2@lync.loc><><><><>",
	},
	{
		"7.6 Lync 2013, reply",
		{ { "NTLM", 4 }, 4, { "973D56C9", 8 }, { "1", 1 }, { OCS, 26 },
			{ "LYNC2013-SERVER.lync.loc", 24 } },
		"SIP/2.0 200 OK\n"
		"From: <sip:test2@lync.loc>;tag=8E9A17553EB6074EA50DD285529213AC;epid=1\n"
		"To: <sip:test2@lync.loc>;tag=AC5312E6748A51BA96E6D129AB85A765\n"
		"Call-ID: 423C0DE2E19B21F63D4CB068D359BABD\n"
		"CSeq: 3 REGISTER\n"
		"P-Asserted-Identity: \"Test, 2\" <SIP:test2@lync.loc>, <tel:+4955512345>\n"
		"Expires: 7200\n",
		"<NTLM><973D56C9><1><" OCS "><LYNC2013-SERVER.lync.loc>"
		"<423C0DE2E19B21F63D4CB068D359BABD><3><REGISTER><sip:test2@lync.loc>"
		"<8E9A17553EB6074EA50DD285529213AC><sip:test2@lync.loc>"
		"<AC5312E6748A51BA96E6D129AB85A765><SIP:test2@lync.loc><tel:+4955512345>"
		"<7200><200>",
	},
};

static void test_vectors(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
		CLEANUP(buf_done) struct buf b = BUF_INIT(4096);
		struct sip_msg *m = parse(vectors[i].message);

		signature_text(&vectors[i].s, m, &b);
		assert_int_equal(b.fail, 0);
		assert_text(buf_str(&b), vectors[i].text, vectors[i].name);
		sip_msg_unref(m);
	}
}

/* ---- forms of the fields ---- */

struct form {
	const char *name;
	const char *lines; /* of a message with nothing else */
	const char *two, *three; /* what follows <S><r><1><R><T>; NULL: not looked at */
};

#define REQUEST "OPTIONS sip:x SIP/2.0\n"
#define CORE "Call-ID: c\nCSeq: 1 OPTIONS\n"
#define ENDS "From: <sip:a@x>;tag=1\nTo: <sip:b@x>\n"
#define FRONT "<c><1><OPTIONS>"

static const struct form forms[] = {
	{ "a request", REQUEST CORE ENDS, FRONT "<sip:a@x><1><><>",
		FRONT "<sip:a@x><1><sip:b@x><><><><>" },
	{ "a response", "SIP/2.0 100 Trying\n" CORE ENDS, FRONT "<sip:a@x><1><><><100>",
		FRONT "<sip:a@x><1><sip:b@x><><><><><100>" },
	{ "nothing at all", REQUEST, "<><><><><><><>", "<><><><><><><><><><>" },
	{ "compact and any case",
		REQUEST "i:c\ncseq :1 OPTIONS\nF:<sip:a@x>;TAG=1\nT: <sip:b@x>;tag=2\n"
			"EXPIRES: 5\n",
		FRONT "<sip:a@x><1><2><5>", FRONT "<sip:a@x><1><sip:b@x><2><><><5>" },
	{ "folded",
		REQUEST "Call-ID:\n c\nCSeq: 1\n\tOPTIONS\nFrom: \"A\"\n <sip:a@x>\n ;tag=1\n"
			"To:\n <sip:b@x>;epid=9\n ;tag=2\nExpires:\n 5\n",
		FRONT "<sip:a@x><1><2><5>", FRONT "<sip:a@x><1><sip:b@x><2><><><5>" },
	{ "without brackets", REQUEST CORE "From: sip:a@x;tag=1;epid=2\nTo: sip:b@x;epid=2\n",
		FRONT "<sip:a@x><1><><>", FRONT "<sip:a@x><1><sip:b@x><><><><>" },
	{ "without brackets, blanks",
		REQUEST CORE "From: sip:a@x ; tag = 1\nTo:  sip:b@x:5061 ;tag=2\n",
		FRONT "<sip:a@x><1><2><>", FRONT "<sip:a@x><1><sip:b@x:5061><2><><><>" },
	{ "parameters of the URI",
		REQUEST CORE "From: <sip:a@x;opaque=user:epid:u;gruu>;epid=3;tag=1\n"
			     "To: <sips:b@[::1]:1;transport=tcp?Subject=x>;tag=2\n",
		FRONT "<sip:a@x;opaque=user:epid:u;gruu><1><2><>",
		FRONT "<sip:a@x;opaque=user:epid:u;gruu><1>"
		      "<sips:b@[::1]:1;transport=tcp?Subject=x><2><><><>" },
	{ "case and escapes stay", REQUEST CORE "From: <SIP:%41@X>;tag=aB\nTo: <sip:b@x>;tag=Cd\n",
		FRONT "<SIP:%41@X><aB><Cd><>", FRONT "<SIP:%41@X><aB><sip:b@x><Cd><><><>" },
	{ "a tel URI", REQUEST CORE "From: <tel:+1;ext=2>;tag=1\nTo: tel:+2\n",
		FRONT "<tel:+1;ext=2><1><><>", FRONT "<tel:+1;ext=2><1><tel:+2><><><><>" },
	{ "display names that mislead",
		REQUEST CORE "From: \"<sip:z@z>;tag=9 \\\"<\" <sip:a@x>;tag=1\n"
			     "To: \"B; tag=8\" <sip:b@x>\n",
		FRONT "<sip:a@x><1><><>", FRONT "<sip:a@x><1><sip:b@x><><><><>" },
	{ "no blanks behind the colon (OfficeSIP)",
		REQUEST "Call-ID:c\nCSeq:1 OPTIONS\nFrom:<sip:a@x>;tag=1\nTo:<sip:b@x>;tag=2\n",
		FRONT "<sip:a@x><1><2><>", FRONT "<sip:a@x><1><sip:b@x><2><><><>" },
	{ "digits and method as written",
		"BENOTIFY sip:x SIP/2.0\nCall-ID:  c@h \nCSeq: 007  bENOTIFY\n" ENDS,
		"<c@h><007><bENOTIFY><sip:a@x><1><><>", NULL },
	{ "a CSeq that is none", REQUEST "Call-ID: c\nCSeq: x OPTIONS\n" ENDS,
		"<c><><><sip:a@x><1><><>", NULL },
	{ "a From that is none", REQUEST CORE "From: <sip:a@x;tag=1\nTo: <sip:b@x>\n",
		FRONT "<><><><>", FRONT "<><><sip:b@x><><><><>" },
	{ "Expires is no parameter of a Contact",
		REQUEST CORE ENDS "Contact: <sip:a@y>;expires=7\nMin-Expires: 8\n",
		FRONT "<sip:a@x><1><><>", NULL },
	{ "Expires: 0", REQUEST CORE ENDS "Expires: 0\nContact: *\n", FRONT "<sip:a@x><1><><0>",
		FRONT "<sip:a@x><1><sip:b@x><><><><0>" },
	{ "a challenge of another kind in the same message (pidgin-sipe #190)",
		"SIP/2.0 407 No\n" CORE ENDS
		"Proxy-Authenticate: Digest realm=\"D\", nonce=\"n\"\n",
		FRONT "<sip:a@x><1><><><407>", NULL },
};

/* Only what comes of P-Asserted-Identity and P-Preferred-Identity. */
struct identity {
	const char *lines, *text;
};

#define PAI "P-Asserted-Identity: "
#define PPI "P-Preferred-Identity: "

static const struct identity identities[] = {
	{ PAI "<sip:p@x>\n", "<sip:p@x><>" },
	{ PAI "\"P\" <SIP:P@X>\n", "<SIP:P@X><>" },
	{ PAI "<sips:p@x;user=phone>\n", "<sips:p@x;user=phone><>" },
	{ PAI "P Q <Sip:p@x>\n", "<Sip:p@x><>" },
	{ PAI "<tel:+420123456;ext=88463>\n", "<><tel:+420123456;ext=88463>" },
	{ PAI "tel:+420123456;ext=88463\n", "<><tel:+420123456;ext=88463>" },
	{ PAI "TEL:+1 \n", "<><TEL:+1>" },
	{ PAI "sip:p@x\n", "<sip:p@x><>" },
	{ PAI "sip:p@x,tel:+1;ext=2 , <sip:q@x>\n", "<sip:p@x><tel:+1;ext=2>" },
	{ PAI "<sip:p@x>, <tel:+1>\n", "<sip:p@x><tel:+1>" },
	{ PAI "<tel:+1>,<sip:p@x>\n", "<sip:p@x><tel:+1>" },
	{ PAI "<sip:p@x>\n" PAI "<tel:+1>\n", "<sip:p@x><tel:+1>" },
	{ PAI "<tel:+1>\nSubject: s\np-asserted-identity: \"P\"<sip:p@x>\n", "<sip:p@x><tel:+1>" },
	{ PAI "<sip:p@x>, <sip:q@x>, <tel:+1>, <tel:+2>\n", "<sip:p@x><tel:+1>" },
	{ PAI "<sip:p@x>\n" PAI "<sip:q@x>\n", "<sip:p@x><>" },
	{ PAI "\"Doe, Jane <sip:z@z>\" <sip:p@x>, tel:+1\n", "<sip:p@x><tel:+1>" },
	{ PAI "\"Doe, \\\"J,\\\" \" <sip:p@x>,\"tel:+9\" <tel:+1>\n", "<sip:p@x><tel:+1>" },
	{ PAI "<sip:p,q@x>, <tel:+1>\n", "<sip:p,q@x><tel:+1>" },
	{ PAI "\"P\"\n <sip:p@x>,\n\t<tel:+1>\n", "<sip:p@x><tel:+1>" },
	{ PAI "<http://x/>, <sip:p@x>\n", "<sip:p@x><>" },
	{ PAI "<sip:p@x>\n" PPI "<sip:q@x>, <tel:+2>\n", "<sip:p@x><>" },
	{ PPI "<sip:q@x>, <tel:+2>\n" PAI "<tel:+1>\n", "<><tel:+1>" },
	{ PPI "<sip:q@x>, <tel:+2>\n", "<sip:q@x><tel:+2>" },
	{ PPI "<sip:q@x>\n" PAI "<http://x/>\n", "<><>" },
	{ PAI "\n", "<><>" },
	{ PAI ",,<sip:p@x>\n", "<sip:p@x><>" },
	{ PAI "<sip:p@x\n", "<><>" },
	{ PAI "\"P <sip:p@x>\n", "<><>" },
	{ PAI "<sip:p@x>, \"Q <tel:+1>\n", "<sip:p@x><>" },
	{ PAI "\"P\n" PAI "<tel:+1>\n", "<><tel:+1>" },
	{ "P-Asserted-Identity-2: <sip:p@x>\n", "<><>" },
};

static void check_form(const char *name, const char *lines, unsigned version, const char *want)
{
	const struct signature s = { STR("S"), version, STR("r"), STR("1"), STR("R"), STR("T") };
	CLEANUP(buf_done) struct buf b = BUF_INIT(4096), full = BUF_INIT(4096);
	struct sip_msg *m = parse(lines);

	signature_text(&s, m, &b);
	buf_addf(&full, "<S><r><1><R><T>%s", want);
	assert_text(buf_str(&b), buf_cstr(&full), name);
	sip_msg_unref(m);
}

static void test_forms(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		const struct form *f = &forms[i];

		check_form(f->name, f->lines, 2, f->two);
		if (f->three) {
			check_form(f->name, f->lines, 3, f->three);
			check_form(f->name, f->lines, 4, f->three);
		}
	}
}

static void test_identities(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(identities); i++) {
		CLEANUP(buf_done) struct buf b = BUF_INIT(4096), want = BUF_INIT(4096);

		buf_addf(&b, REQUEST CORE ENDS "%sExpires: 5\n", identities[i].lines);
		buf_addf(&want, FRONT "<sip:a@x><1><sip:b@x><>%s<5>", identities[i].text);
		check_form(identities[i].lines, buf_cstr(&b), 3, buf_cstr(&want));
		check_form(identities[i].lines, buf_cstr(&b), 2, FRONT "<sip:a@x><1><><5>");
	}
}

/* What is written later than the signature is none of what is signed. */
static void test_unfinished(void **state)
{
	CLEANUP(buf_done) struct buf early = BUF_INIT(4096), late = BUF_INIT(4096);
	const struct signature s = { STR("S"), 3, STR("r"), STR("1"), STR("R"), STR("T") };
	struct sip_msg *m = parse(REQUEST CORE ENDS "Expires: 5\n");

	(void)state;
	signature_text(&s, m, &early);
	sip_msg_unref(m);
	m = parse(REQUEST CORE ENDS "Expires: 5\nAuthorization: NTLM realm=\"R\"\n"
				    "Content-Type: text/plain\nContent-Length: 4\n\nbody");
	signature_text(&s, m, &late);
	sip_msg_unref(m);
	assert_text(buf_str(&late), buf_cstr(&early), "unfinished");
}

/* ---- the replay window ---- */

struct take {
	uint32_t n;
	bool good;
};

static void takes(const char *name, const struct take *t, size_t count)
{
	struct replay r = { 0 };

	for (size_t i = 0; i < count; i++)
		if (replay_take(&r, t[i].n) != t[i].good)
			fail_msg("%s: number %u, step %zu", name, (unsigned)t[i].n, i);
}

#define TAKES(name, ...)                                                                           \
	takes(name, (const struct take[]){ __VA_ARGS__ },                                          \
		ARRAY_LEN(((const struct take[]){ __VA_ARGS__ })))

static void test_replay(void **state)
{
	(void)state;
	TAKES("zero", { 0, false }, { 1, true }, { 0, false }, { 2, true });
	TAKES("in order", { 1, true }, { 2, true }, { 3, true }, { 3, false }, { 2, false },
		{ 1, false }, { 4, true });
	TAKES("out of order", { 3, true }, { 1, true }, { 2, true }, { 1, false }, { 2, false },
		{ 3, false });
	TAKES("the first may be late", { 256, true }, { 1, true }, { 256, false }, { 1, false });
	TAKES("but not that late", { 257, false }, { UINT32_MAX, false }, { 1, true },
		{ 258, false }, { 257, true });
	TAKES("the lower edge", { 256, true }, { 257, true }, { 1, false }, { 2, true },
		{ 258, true }, { 2, false }, { 3, true });
	TAKES("the upper edge", { 1, true }, { 258, false }, { 257, true }, { 513, true },
		{ 257, false }, { 258, true }, { 770, false }, { 769, true });
	TAKES("a full turn forgets", { 1, true }, { 257, true }, { 2, true }, { 513, true },
		{ 257, false }, { 258, true }, { 512, true });
	TAKES("a jump clears what is between", { 10, true }, { 11, true }, { 12, true },
		{ 266, true }, { 267, true }, { 268, true }, { 265, true }, { 13, true },
		{ 12, false }, { 269, true });
}

/* The highest numbers there are: nothing wraps around. */
static void test_replay_end(void **state)
{
	struct replay r = { .high = UINT32_MAX - 2 };

	(void)state;
	assert_true(replay_take(&r, UINT32_MAX));
	assert_false(replay_take(&r, UINT32_MAX));
	assert_true(replay_take(&r, UINT32_MAX - 1));
	assert_false(replay_take(&r, 0));
	assert_false(replay_take(&r, 1));
	assert_false(replay_take(&r, UINT32_MAX - 256));
	assert_true(replay_take(&r, UINT32_MAX - 255));
	assert_int_equal(r.high, UINT32_MAX);
}

/* Against the sentence of the reference: "reject 0, reject num > high+256 or <= high-256, reject
 * seen", with a list of all that was ever taken. */
static void test_replay_model(void **state)
{
	enum { MOST = 20000 };
	static bool taken[MOST + 1024];
	struct replay r = { 0 };
	uint32_t high = 0, seed = 1, good = 0;

	(void)state;
	for (unsigned i = 0; i < 200000 && high < MOST; i++) {
		int64_t n;
		bool want;

		seed = seed * 1103515245U + 12345U;
		n = (int64_t)high + (int64_t)(seed >> 16) % 560 - 290;
		/* Mostly near the highest number, as it is in life. */
		if (seed & 0x700)
			n = (int64_t)high + (int64_t)(seed >> 16) % 8 - 5;
		if (n < 0)
			n = 0;
		want = n != 0 && n <= (int64_t)high + 256 && n > (int64_t)high - 256 && !taken[n];
		assert_int_equal(replay_take(&r, (uint32_t)n), want);
		if (!want)
			continue;
		good++;
		taken[n] = true;
		if (n > high)
			high = (uint32_t)n;
		assert_int_equal(r.high, high);
	}
	assert_true(good > 1000 && high > 1000);
	print_message("# %u numbers taken up to %u\n", (unsigned)good, (unsigned)high);
}

/* ---- a toy mechanism ---- */

struct toy {
	char ours, theirs; /* a key for each direction */
	int failure; /* what signing gives */
	unsigned *freed;
	char last[1024]; /* the text that was signed or verified */
};

/* FNV-1a: it proves nothing to anybody, but sees each byte. */
static uint64_t toy_mac(char key, struct str text)
{
	uint64_t h = 14695981039346656037U ^ (unsigned char)key;

	for (size_t i = 0; i < text.n; i++)
		h = (h ^ (unsigned char)text.p[i]) * 1099511628211U;
	return h;
}

static void toy_keep(struct toy *t, struct str text)
{
	snprintf(t->last, sizeof(t->last), STR_FMT, STR_ARG(text));
}

static int toy_sign(void *context, struct str text, struct buf *mic, struct fail *f)
{
	struct toy *t = context;
	uint64_t h = toy_mac(t->ours, text);

	toy_keep(t, text);
	if (t->failure)
		return fail_set(f, t->failure, "the toy is broken");
	buf_add(mic, &h, sizeof(h));
	buf_add_str(mic, STR("\xab\xcd\xef")); /* no multiple of anything */
	return 0;
}

static bool toy_verify(void *context, struct str text, struct str mic)
{
	struct toy *t = context;
	uint64_t h = toy_mac(t->theirs, text);

	toy_keep(t, text);
	return mic.n == sizeof(h) + 3 && memcmp(mic.p, &h, sizeof(h)) == 0 &&
	       memcmp(mic.p + sizeof(h), "\xab\xcd\xef", 3) == 0;
}

static void toy_free(void *context)
{
	struct toy *t = context;

	(*t->freed)++;
	mem_free(t);
}

static const struct association_mechanism toy_ntlm = { "NTLM", toy_sign, toy_verify, toy_free };
static const struct association_mechanism toy_kerberos = { "Kerberos", toy_sign, toy_verify,
	toy_free };

/* Both ends of one association. */
struct pair {
	struct association *client, *server;
	struct toy *client_toy, *server_toy;
	unsigned freed;
};

static struct toy *new_toy(struct pair *p, bool server)
{
	struct toy *t = MEM_NEW(struct toy);

	t->ours = server ? 's' : 'c';
	t->theirs = server ? 'c' : 's';
	t->freed = &p->freed;
	return t;
}

static void open_pair(struct pair *p, const struct association_config *c)
{
	struct association_config end = *c;

	p->freed = 0;
	if (!end.mechanism)
		end.mechanism = &toy_ntlm;
	if (!end.realm.p)
		end.realm = STR("R");
	if (!end.targetname.p)
		end.targetname = STR("t.example");
	if (!end.version)
		end.version = 4;
	end.context = p->client_toy = new_toy(p, false);
	p->client = association_new(&end);
	end.context = p->server_toy = new_toy(p, true);
	end.server = true;
	p->server = association_new(&end);
}

static void close_pair(struct pair *p)
{
	association_unref(p->client);
	association_unref(p->server);
	assert_int_equal(p->freed, 2);
}

/* The value of the header field that signs these lines; in *b, which begins empty. */
static void sign(struct association *a, const char *lines, const char *extra, struct buf *b)
{
	struct sip_msg *m = parse(lines);
	struct fail f = { 0 };

	if (association_sign(a, m, str_of(extra), b, &f) != 0)
		fail_msg("%s", f.text);
	sip_msg_unref(m);
}

static enum association_verdict verify(
	struct association *a, const char *lines, struct str value, bool client_proof)
{
	CLEANUP(arena_done) struct arena t = { 0 };
	struct association_proof p;
	struct sip_msg *m = parse(lines);
	enum association_verdict v;

	if (!association_proof_read(&t, value, client_proof, &p))
		fail_msg("cannot read " STR_FMT, STR_ARG(value));
	v = association_verify(a, m, &p);
	sip_msg_unref(m);
	return v;
}

static const char lines_request[] = REQUEST CORE ENDS;
static const char lines_reply[] = "SIP/2.0 200 OK\n" CORE "From: <sip:a@x>;tag=1\n"
				  "To: <sip:b@x>;tag=2\nExpires: 60\n";

/* Splits what stands between the first and the second text; the first is at the front. */
static struct str between(struct str *rest, const char *first, const char *second)
{
	const char *p;
	struct str got;

	if (!str_starts(*rest, str_of(first)))
		fail_msg("want %s at the front of " STR_FMT, first, STR_ARG(*rest));
	*rest = str_sub(*rest, strlen(first), rest->n);
	for (p = rest->p; p < rest->p + rest->n; p++)
		if (str_starts((struct str){ p, (size_t)(rest->p + rest->n - p) }, str_of(second)))
			break;
	got = (struct str){ rest->p, (size_t)(p - rest->p) };
	*rest = str_sub(*rest, got.n, rest->n);
	return got;
}

static bool lower_hex(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!memchr("0123456789abcdef", s.p[i], 16))
			return false;
	return true;
}

static void test_written(void **state)
{
	CLEANUP(buf_done) struct buf c = BUF_INIT(4096), s = BUF_INIT(4096);
	struct str rest, rand;
	struct pair p;

	(void)state;
	open_pair(&p, &(struct association_config){ .opaque = STR("78D29AC8") });
	sign(p.client, lines_request, "gssapi-data=\"AAAA\", version=4", &c);
	rest = buf_str(&c);
	rand = between(&rest,
		"NTLM qop=\"auth\", opaque=\"78D29AC8\", realm=\"R\", targetname=\"t.example\", "
		"gssapi-data=\"AAAA\", version=4, crand=\"",
		"\"");
	assert_true(rand.n == 8 && lower_hex(rand));
	rand = between(&rest, "\", cnum=\"1\", response=\"", "\"");
	assert_true(rand.n == 22 && lower_hex(rand));
	assert_text(rest, "\"", "the end");
	sign(p.server, lines_reply, "", &s);
	rest = buf_str(&s);
	rand = between(&rest,
		"NTLM qop=\"auth\", opaque=\"78D29AC8\", realm=\"R\", targetname=\"t.example\", "
		"srand=\"",
		"\"");
	assert_true(rand.n == 8 && lower_hex(rand));
	rand = between(&rest, "\", snum=\"1\", rspauth=\"", "\"");
	assert_true(rand.n == 22 && lower_hex(rand) && str_ends(rand, STR("abcdef")));
	assert_text(rest, "\"", "the end");
	close_pair(&p);
}

/* One counter for requests and responses; what goes into the text is what goes into the header. */
static void test_numbers(void **state)
{
	struct pair p;
	char first[9] = "", rand[9], want[32];
	unsigned differ = 0;

	(void)state;
	open_pair(&p, &(struct association_config){ .realm = STR("R") });
	for (unsigned i = 1; i <= 300; i++) {
		CLEANUP(buf_done) struct buf b = BUF_INIT(4096);
		CLEANUP(arena_done) struct arena t = { 0 };
		struct association_proof proof;
		const char *lines = i % 2 ? lines_request : lines_reply;

		sign(p.client, lines, "", &b);
		assert_true(association_proof_read(&t, buf_str(&b), true, &proof));
		snprintf(want, sizeof(want), "%u", i);
		assert_text(proof.num, want, "cnum");
		snprintf(want, sizeof(want), "<NTLM><" STR_FMT "><%u><R>", STR_ARG(proof.rand), i);
		assert_int_equal(strncmp(p.client_toy->last, want, strlen(want)), 0);
		snprintf(rand, sizeof(rand), STR_FMT, STR_ARG(proof.rand));
		differ += strcmp(rand, first) != 0;
		memcpy(first, rand, sizeof(first));
		assert_int_equal(verify(p.server, lines, buf_str(&b), true), ASSOCIATION_GOOD);
		assert_string_equal(p.client_toy->last, p.server_toy->last);
	}
	assert_true(differ > 298); /* of 300, each is fresh */
	close_pair(&p);
}

static void test_both_ways(void **state)
{
	static const struct association_config configs[] = {
		{ .version = 2 },
		{ .version = 3 },
		{ .version = 4, .opaque = { "0734d601", 8 } },
		{ .mechanism = &toy_kerberos, .targetname = { "sip/t.example", 13 } },
		{ .realm = { "a \\\"quoted\\\" \\\\ realm", 21 }, .targetname = { "", 0 } },
		{ .realm = { "", 0 }, .opaque = { "o\\\"", 3 } },
		{ .realm = { "Gr\xc3\xbc\xc3\x9f, <Gott>", 14 } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(configs); i++) {
		CLEANUP(buf_done) struct buf b = BUF_INIT(4096), r = BUF_INIT(4096);
		struct pair p;

		open_pair(&p, &configs[i]);
		sign(p.client, lines_request, "", &b);
		assert_int_equal(
			verify(p.server, lines_request, buf_str(&b), true), ASSOCIATION_GOOD);
		assert_int_equal(
			verify(p.server, lines_request, buf_str(&b), true), ASSOCIATION_REPLAYED);
		sign(p.server, lines_reply, "", &r);
		assert_int_equal(
			verify(p.client, lines_reply, buf_str(&r), false), ASSOCIATION_GOOD);
		/* What goes one way proves nothing the other way. */
		assert_int_equal(
			verify(p.client, lines_request, buf_str(&b), true), ASSOCIATION_FORGED);
		close_pair(&p);
	}
}

/* Replaces the first of these texts in the lines by one of the same or any other length. */
static char *changed(const char *lines, const char *from, const char *to)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(SIP_MESSAGE_MAX);
	const char *at = strstr(lines, from);

	if (!at)
		fail_msg("no %s in %s", from, lines);
	buf_add(&b, lines, (size_t)(at - lines));
	buf_add_str(&b, str_of(to));
	buf_add_str(&b, str_of(at + strlen(from)));
	return mem_strndup(buf_cstr(&b), b.n);
}

static const char lines_full[] = "SIP/2.0 200 OK\n"
				 "Via: SIP/2.0/TCP h;branch=z9hG4bK1\n"
				 "From: \"A\" <sip:alice@x;u=1>;tag=ta;epid=e\n"
				 "To: \"B\" <sip:bob@x>;tag=tb\n"
				 "Call-ID: call\n"
				 "CSeq: 11 INVITE\n"
				 "P-Asserted-Identity: \"C\" <sip:carol@x>, <tel:+12>\n"
				 "Expires: 60\n"
				 "Contact: <sip:y>;expires=61\n"
				 "Subject: s\n";

struct change {
	const char *from, *to;
	unsigned covered; /* the lowest version whose signature covers it; 0: none does */
};

static const struct change changes[] = {
	{ "200 OK", "202 OK", 2 },
	{ "200 OK", "200 KO", 0 },
	{ "SIP/2.0 200 OK", "INVITE sip:x SIP/2.0", 2 },
	{ "branch=z9hG4bK1", "branch=z9hG4bK2", 0 },
	{ "\"A\"", "\"Z\"", 0 },
	{ "alice@", "alicf@", 2 },
	{ "alice@x;u=1", "alice@x;u=2", 2 },
	{ "sip:alice", "sips:alice", 2 },
	{ "sip:alice", "SIP:alice", 2 },
	{ "tag=ta", "tag=tA", 2 },
	{ "tag=ta;", "", 2 },
	{ "epid=e", "epid=f", 0 },
	{ "bob@", "bobb@", 3 },
	{ "tag=tb", "tag=tc", 2 },
	{ ";tag=tb", "", 2 },
	{ "Call-ID: call", "Call-ID: calk", 2 },
	{ "Call-ID: call\n", "", 2 },
	{ "CSeq: 11", "CSeq: 1", 2 },
	{ "CSeq: 11", "CSeq: 011", 2 },
	{ "11 INVITE", "11 INVITF", 2 },
	{ "\"C\" <sip:carol@x>", "\"C\" <sip:carom@x>", 3 },
	{ "\"C\"", "\"D\"", 0 },
	{ "tel:+12", "tel:+13", 3 },
	{ "<sip:carol@x>, <tel:+12>", "<sip:carol@x>", 3 },
	{ "<sip:carol@x>, <tel:+12>", "<tel:+12>, <sip:carol@x>", 0 },
	{ "P-Asserted-Identity", "P-Preferred-Identity", 0 },
	{ "P-Asserted-Identity", "P-Asserted-Identitx", 3 },
	{ "Expires: 60", "Expires: 6", 2 },
	{ "Expires: 60", "Expires: 060", 2 },
	{ "Expires: 60\n", "", 2 },
	{ "expires=61", "expires=62", 0 },
	{ "Subject: s", "Subject: t", 0 },
};

static void test_changes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
		for (unsigned version = 2; version <= 4; version++) {
			const struct change *c = &changes[i];
			bool forged = c->covered && version >= c->covered;
			CLEANUP(buf_done) struct buf b = BUF_INIT(4096);
			char *other = changed(lines_full, c->from, c->to);
			enum association_verdict v;
			struct pair p;

			open_pair(&p, &(struct association_config){ .version = version });
			sign(p.server, lines_full, "", &b);
			v = verify(p.client, other, buf_str(&b), false);
			if (v != (forged ? ASSOCIATION_FORGED : ASSOCIATION_GOOD))
				fail_msg("version %u, %s to %s: %d", version, c->from, c->to, v);
			/* A forgery uses up no number. */
			v = verify(p.client, lines_full, buf_str(&b), false);
			assert_int_equal(v, forged ? ASSOCIATION_GOOD : ASSOCIATION_REPLAYED);
			mem_free(other);
			close_pair(&p);
		}
	}
}

/* The same for the header value that signs. */
static const struct change value_changes[] = {
	{ "rspauth=\"", "rspauth=\"0", 2 }, /* not a byte more */
	{ "snum=\"1\"", "snum=\"2\"", 2 },
	{ "snum=\"1\"", "snum=\"01\"", 2 },
	{ "realm=\"R\"", "realm=\"r\"", 2 },
	{ "realm=\"R\"", "realm=\"\\R\"", 2 }, /* the same realm, but other bytes */
	{ "realm=\"R\"", "realm=R", 0 },
	{ "targetname=\"t.example\"", "targetname=\"T.example\"", 2 },
	{ "targetname=\"t.example\"", "targetname=\"u.example\"", 2 },
	{ "opaque=\"o\"", "opaque=\"p\"", 2 }, /* it is not signed, but ours */
	{ "opaque=\"o\", ", "", 0 },
	{ "NTLM ", "Kerberos ", 2 },
	{ "NTLM ", "ntlm ", 0 },
	{ "qop=\"auth\", ", "", 0 },
	{ "qop=\"auth\"", "QOP=auth", 0 },
	{ ", realm", ",x=y,realm", 0 },
	{ ", realm", " ,  REALM", 0 },
};

static void test_value_changes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(value_changes); i++) {
		const struct change *c = &value_changes[i];
		CLEANUP(buf_done) struct buf b = BUF_INIT(4096);
		CLEANUP(arena_done) struct arena t = { 0 };
		struct association_proof proof;
		enum association_verdict v = ASSOCIATION_FORGED;
		struct sip_msg *m = parse(lines_full);
		struct pair p;
		char *other;

		open_pair(&p, &(struct association_config){ .opaque = STR("o") });
		sign(p.server, lines_full, "", &b);
		other = changed(buf_cstr(&b), c->from, c->to);
		if (association_proof_read(&t, str_of(other), false, &proof))
			v = association_verify(p.client, m, &proof);
		if (v != (c->covered ? ASSOCIATION_FORGED : ASSOCIATION_GOOD))
			fail_msg("%s to %s: %d", c->from, c->to, v);
		sip_msg_unref(m);
		mem_free(other);
		close_pair(&p);
	}
}

/* Each single bit of the signature counts, and upper case is the same signature. */
static void test_mic(void **state)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(4096);
	size_t at;
	struct pair p;

	(void)state;
	open_pair(&p, &(struct association_config){ .version = 3 });
	sign(p.client, lines_full, "", &b);
	at = (size_t)(strstr(buf_cstr(&b), "response=\"") - b.p) + strlen("response=\"");
	for (size_t i = at; b.p[i] != '"'; i++) {
		for (unsigned bit = 1; bit < 16; bit <<= 1) {
			char old = b.p[i];
			unsigned char digit[1];
			const char two[] = { '0', old };

			assert_true(text_unhex((struct str){ two, 2 }, digit, 1));
			b.p[i] = "0123456789abcdef"[digit[0] ^ bit];
			assert_int_equal(verify(p.server, lines_full, buf_str(&b), true),
				ASSOCIATION_FORGED);
			b.p[i] = old;
		}
	}
	for (size_t i = at; b.p[i] != '"'; i++)
		if (b.p[i] >= 'a')
			b.p[i] = (char)(b.p[i] - 'a' + 'A');
	assert_int_equal(verify(p.server, lines_full, buf_str(&b), true), ASSOCIATION_GOOD);
	close_pair(&p);
}

/* The window is the association's, and a forgery moves nothing. */
static void test_order(void **state)
{
	struct buf b[300];
	struct pair p;

	(void)state;
	open_pair(&p, &(struct association_config){ .version = 3 });
	for (unsigned i = 0; i < ARRAY_LEN(b); i++) {
		buf_init(&b[i], 4096);
		sign(p.server, lines_full, "", &b[i]);
	}
	/* Number 300 is too far ahead as long as nothing has come. */
	assert_int_equal(
		verify(p.client, lines_full, buf_str(&b[299]), false), ASSOCIATION_REPLAYED);
	assert_int_equal(
		verify(p.client, lines_request, buf_str(&b[200]), false), ASSOCIATION_FORGED);
	assert_int_equal(verify(p.client, lines_full, buf_str(&b[99]), false), ASSOCIATION_GOOD);
	assert_int_equal(verify(p.client, lines_full, buf_str(&b[0]), false), ASSOCIATION_GOOD);
	assert_int_equal(verify(p.client, lines_full, buf_str(&b[299]), false), ASSOCIATION_GOOD);
	assert_int_equal(
		verify(p.client, lines_full, buf_str(&b[43]), false), ASSOCIATION_REPLAYED);
	assert_int_equal(verify(p.client, lines_full, buf_str(&b[44]), false), ASSOCIATION_GOOD);
	assert_int_equal(
		verify(p.client, lines_full, buf_str(&b[99]), false), ASSOCIATION_REPLAYED);
	for (unsigned i = 0; i < ARRAY_LEN(b); i++)
		buf_done(&b[i]);
	close_pair(&p);
}

/* What fails takes no number and writes nothing. */
static void test_sign_fails(void **state)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(4096), small = BUF_INIT(20);
	CLEANUP(arena_done) struct arena t = { 0 };
	struct association_proof proof;
	struct sip_msg *m = parse(lines_full);
	struct fail f = { 0 };
	struct pair p;

	(void)state;
	open_pair(&p, &(struct association_config){ .version = 3 });
	buf_add_str(&b, STR("Authorization: "));
	p.client_toy->failure = -FAIL_AUTH;
	assert_int_equal(association_sign(p.client, m, STR_EMPTY, &b, &f), -FAIL_AUTH);
	assert_string_equal(f.text, "the toy is broken");
	assert_text(buf_str(&b), "Authorization: ", "untouched");
	p.client_toy->failure = 0;
	assert_int_equal(association_sign(p.client, m, STR_EMPTY, &small, &f), -FAIL_LIMIT);
	assert_int_equal(small.n, 0);
	assert_int_equal(association_sign(p.client, m, STR_EMPTY, &b, &f), 0);
	assert_true(association_proof_read(
		&t, str_sub(buf_str(&b), strlen("Authorization: "), b.n), true, &proof));
	assert_text(proof.num, "1", "the first number");
	close_pair(&p);
	sip_msg_unref(m);
}

/* Texts that cannot stand between quotes: no challenge that was read has them. */
static void test_bad_texts(void **state)
{
	static const struct str bad[] = { { "a\"b", 3 }, { "a\\", 2 }, { "a\r\nX: y", 7 },
		{ "a\0b", 3 }, { "\"", 1 }, { "a\", b=\"c", 8 } };
	struct sip_msg *m = parse(lines_full);

	(void)state;
	for (size_t i = 0; i < 3 * ARRAY_LEN(bad); i++) {
		CLEANUP(buf_done) struct buf b = BUF_INIT(4096);
		struct association_config c = { .version = 3 };
		struct str s = bad[i / 3];
		struct fail f = { 0 };
		struct pair p;

		*(i % 3 == 0 ? &c.realm : i % 3 == 1 ? &c.targetname : &c.opaque) = s;
		open_pair(&p, &c);
		assert_int_equal(association_sign(p.client, m, STR_EMPTY, &b, &f), -FAIL_SYNTAX);
		assert_int_equal(b.n, 0);
		assert_true(f.text[0] != '\0');
		close_pair(&p);
	}
	sip_msg_unref(m);
}

static void test_life(void **state)
{
	struct pair p;

	(void)state;
	open_pair(&p, &(struct association_config){ .version = 2, .ends_at = 7 });
	assert_string_equal(association_scheme(p.client), "NTLM");
	assert_text(association_realm(p.client), "R", "realm");
	assert_text(association_targetname(p.client), "t.example", "targetname");
	assert_text(association_opaque(p.client), "", "opaque");
	assert_int_equal(association_version(p.client), 2);
	assert_int_equal(association_ends_at(p.client), 7);
	association_set_ends_at(p.client, UINT64_MAX);
	assert_true(association_ends_at(p.client) == UINT64_MAX);
	association_set_opaque(p.client, STR("0734d604"));
	assert_text(association_opaque(p.client), "0734d604", "opaque");
	association_set_opaque(p.client, STR("1"));
	assert_text(association_opaque(p.client), "1", "opaque");
	assert_ptr_equal(association_ref(p.client), p.client);
	association_unref(p.client);
	assert_int_equal(p.freed, 0);
	close_pair(&p);
	association_unref(NULL);
	assert_string_equal(association_ntlm.scheme, "NTLM");
	assert_string_equal(association_kerberos.scheme, "Kerberos");
}

/* ---- reading ---- */

static const char base[] = "NTLM realm=\"R\", targetname=\"t\"";

/* Written behind base; the signed ones are of the client's side. */
static const char *const good_tails[] = {
	", gssapi-data=\"\"",
	", gssapi-data=\"\", version=3",
	", gssapi-data=\"TlRM\", version=\"4\", opaque=\"1\"",
	", gssapi-data=TlRM==",
	", crand=\"0a0B0c0d\", cnum=\"1\", response=\"00\"",
	", crand=\"1\", cnum=\"4294967295\", response=\"aBCD\"",
	", crand=1, cnum=1, response=00, qop=auth",
	", response=\"00\", cnum=\"7\", CRAND=\"1\", gssapi-data=\"\", QOP=\"AUTH\"",
	",crand=\"1\" ,cnum = \"0000000001\",  response=\"00\", unknown=\"\", realms=\"x\"",
	", crand=\"1\", cnum=\"1\", response=\"00\", srand=\"zz\", snum=\"0\", rspauth=\"\"",
};

static const char *const bad_tails[] = {
	"",
	", version=4, opaque=\"1\", qop=\"auth\"",
	", crand=\"1\"",
	", crand=\"1\", cnum=\"1\"",
	", crand=\"1\", response=\"00\"",
	", cnum=\"1\", response=\"00\"",
	", gssapi-data=\"TlRM\", cnum=\"1\"",
	", gssapi-data=\"TlRM\", response=\"00\"",
	", srand=\"1\", snum=\"1\", rspauth=\"00\"",
	", crand=\"1\", snum=\"1\", rspauth=\"00\"",
	/* twice */
	", crand=\"1\", crand=\"1\", cnum=\"1\", response=\"00\"",
	", crand=\"1\", cnum=\"1\", CNUM=\"2\", response=\"00\"",
	", crand=\"1\", cnum=\"1\", response=\"00\", response=\"00\"",
	", crand=\"1\", cnum=\"1\", response=\"00\", realm=\"R\"",
	", crand=\"1\", cnum=\"1\", response=\"00\", targetname=\"u\"",
	", crand=\"1\", cnum=\"1\", response=\"00\", opaque=\"1\", opaque=\"1\"",
	", gssapi-data=\"\", gssapi-data=\"\"",
	", gssapi-data=\"\", version=3, version=4",
	/* numbers */
	", crand=\"1\", cnum=\"0\", response=\"00\"",
	", crand=\"1\", cnum=\"00\", response=\"00\"",
	", crand=\"1\", cnum=\"\", response=\"00\"",
	", crand=\"1\", cnum=\"-1\", response=\"00\"",
	", crand=\"1\", cnum=\"+1\", response=\"00\"",
	", crand=\"1\", cnum=\" 1\", response=\"00\"",
	", crand=\"1\", cnum=\"1 \", response=\"00\"",
	", crand=\"1\", cnum=\"0x1\", response=\"00\"",
	", crand=\"1\", cnum=\"1\\0\", response=\"00\"",
	", crand=\"1\", cnum=\"4294967296\", response=\"00\"",
	", crand=\"1\", cnum=\"18446744073709551617\", response=\"00\"",
	", crand=\"1\", cnum=\"00000000001\", response=\"00\"",
	/* hex */
	", crand=\"\", cnum=\"1\", response=\"00\"",
	", crand=\"0x1\", cnum=\"1\", response=\"00\"",
	", crand=\"123456789\", cnum=\"1\", response=\"00\"",
	", crand=\"g\", cnum=\"1\", response=\"00\"",
	", crand=\"1\", cnum=\"1\", response=\"\"",
	", crand=\"1\", cnum=\"1\", response=\"0\"",
	", crand=\"1\", cnum=\"1\", response=\"000\"",
	", crand=\"1\", cnum=\"1\", response=\"0g\"",
	", crand=\"1\", cnum=\"1\", response=\"0 \"",
	", crand=\"1\", cnum=\"1\", response=\"00\\00\"",
	/* the rest */
	", crand=\"1\", cnum=\"1\", response=\"00\", qop=\"auth-int\"",
	", crand=\"1\", cnum=\"1\", response=\"00\", qop=\"\"",
	", crand=\"1\", cnum=\"1\", response=\"00",
	", crand=\"1\", cnum=\"1\", response=\"00\",",
	", crand=\"1\",, cnum=\"1\", response=\"00\"",
	" crand=\"1\", cnum=\"1\", response=\"00\"",
	", crand=\"1\", cnum=\"1\", response",
};

static const char *const bad_values[] = {
	"",
	"NTLM",
	"NTLM ",
	"Kerberos",
	"Digest realm=\"R\", targetname=\"t\", crand=\"1\", cnum=\"1\", response=\"00\"",
	"TLS-DSK realm=\"R\", targetname=\"t\", crand=\"1\", cnum=\"1\", response=\"00\"",
	"NTLMv2 realm=\"R\", targetname=\"t\", crand=\"1\", cnum=\"1\", response=\"00\"",
	"realm=\"R\", targetname=\"t\", crand=\"1\", cnum=\"1\", response=\"00\"",
	"NTLM, realm=\"R\", targetname=\"t\", crand=\"1\", cnum=\"1\", response=\"00\"",
	"NTLM realm=\"R\", crand=\"1\", cnum=\"1\", response=\"00\"",
	"NTLM targetname=\"t\", crand=\"1\", cnum=\"1\", response=\"00\"",
	"NTLM TlRMTVNTUAABAAAA",
	"NTLM realm=\"\x01\", targetname=\"t\", crand=\"1\", cnum=\"1\", response=\"00\"",
	"NTLM realm=\"\\\x01\", targetname=\"t\", crand=\"1\", cnum=\"1\", response=\"00\"",
};

static bool readable(const char *value, const char *tail, bool client_proof)
{
	CLEANUP(arena_done) struct arena t = { 0 };
	CLEANUP(buf_done) struct buf b = BUF_INIT(SIP_MESSAGE_MAX);
	struct association_proof p;

	buf_addf(&b, "%s%s", value, tail);
	return association_proof_read(&t, buf_str(&b), client_proof, &p);
}

static void test_reading(void **state)
{
	char huge[2 * ASSOCIATION_MIC_MAX + 64];
	const char front[] = ", crand=\"1\", cnum=\"1\", response=\"";

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good_tails); i++)
		if (!readable(base, good_tails[i], true))
			fail_msg("refused: %s", good_tails[i]);
	for (size_t i = 0; i < ARRAY_LEN(bad_tails); i++)
		if (readable(base, bad_tails[i], true))
			fail_msg("taken: %s", bad_tails[i]);
	for (size_t i = 0; i < ARRAY_LEN(bad_values); i++)
		if (readable(bad_values[i], "", true))
			fail_msg("taken: %s", bad_values[i]);
	/* The largest signature and one that is larger. */
	for (size_t digits = 2 * ASSOCIATION_MIC_MAX; digits <= 2 * ASSOCIATION_MIC_MAX + 2;
		digits += 2) {
		snprintf(huge, sizeof(huge), "%s%0*d\"", front, (int)digits, 0);
		assert_int_equal(readable(base, huge, true), digits == 2 * ASSOCIATION_MIC_MAX);
	}
	print_message("# %zu values taken, %zu refused\n", ARRAY_LEN(good_tails),
		ARRAY_LEN(bad_tails) + ARRAY_LEN(bad_values));
}

static void test_read_fields(void **state)
{
	CLEANUP(arena_done) struct arena t = { 0 };
	struct association_proof p;

	(void)state;
	assert_true(association_proof_read(&t,
		STR("kerberos targetname=\"sip/T\",realm=\"a \\\"b\\\"\",opaque=\"O\",qop=\"auth\","
		    "snum=\"6\",srand=\"006c976B\",rspauth=\"0404FF\""),
		false, &p));
	assert_text(p.scheme, "Kerberos", "scheme");
	assert_text(p.realm, "a \\\"b\\\"", "realm");
	assert_text(p.targetname, "sip/T", "targetname");
	assert_text(p.opaque, "O", "opaque");
	assert_text(p.rand, "006c976B", "rand");
	assert_text(p.num, "6", "num");
	assert_text(p.mic, "0404FF", "mic");
	assert_null(p.gssapi_data.p);
	assert_int_equal(p.version.n, 0);
	assert_true(association_proof_read(&t,
		STR("NTLM qop=\"auth\", realm=\"\", targetname=\"\", gssapi-data=\"\", version=4"),
		true, &p));
	assert_non_null(p.gssapi_data.p);
	assert_int_equal(p.gssapi_data.n, 0);
	assert_text(p.version, "4", "version");
	assert_int_equal(p.mic.n, 0);
}

/* A proof without a signature is none. */
static void test_no_mic(void **state)
{
	struct pair p;

	(void)state;
	open_pair(&p, &(struct association_config){ .targetname = STR("t") });
	assert_int_equal(verify(p.server, lines_request,
				 STR("NTLM realm=\"R\", targetname=\"t\", gssapi-data=\"\""), true),
		ASSOCIATION_FORGED);
	assert_string_equal(p.server_toy->last, "");
	close_pair(&p);
}

struct whose {
	const char *realm, *target, *opaque; /* of the association */
	const char *value;
	bool ours;
};

static const struct whose whose[] = {
	{ "R", "t", "", "NTLM realm=\"R\", targetname=\"t\"", true },
	{ "R", "t", "1", "NTLM realm=\"R\", targetname=\"t\"", true },
	{ "R", "t", "", "NTLM realm=\"R\", targetname=\"t\", opaque=\"1\"", true },
	{ "R", "t", "1", "NTLM realm=\"R\", targetname=\"t\", opaque=\"1\"", true },
	{ "R", "t", "1", "NTLM realm=\"R\", targetname=\"t\", opaque=\"2\"", false },
	{ "R", "t", "1", "NTLM realm=\"R\", targetname=\"t\", opaque=\"11\"", false },
	{ "R", "t", "1", "NTLM realm=\"R\", targetname=\"t\", opaque=\"\"", true },
	{ "R", "t", "", "Kerberos realm=\"R\", targetname=\"t\"", false },
	{ "R", "t", "", "NTLM realm=\"r\", targetname=\"t\"", false },
	{ "R", "t", "", "NTLM realm=\"\", targetname=\"t\"", false },
	{ "R", "t", "", "NTLM realm=\"RR\", targetname=\"t\"", false },
	{ "R", "t", "", "NTLM realm=\"\\R\", targetname=\"t\"", true },
	{ "a\\\"", "t", "", "NTLM realm=\"\\a\\\"\", targetname=\"t\"", true },
	{ "a\\\\b", "t", "", "NTLM realm=\"ab\", targetname=\"t\"", false },
	{ "R", "t", "", "NTLM realm=\"R\", targetname=\"T\"", true },
	{ "R", "t", "", "NTLM realm=\"R\", targetname=\"u\"", false },
	{ "R", "sip/t", "", "NTLM realm=\"R\", targetname=\"t\"", true },
	{ "R", "t", "", "NTLM realm=\"R\", targetname=\"SIP/t\"", true },
	{ "R", "t", "", "NTLM realm=\"R\", targetname=\"sips/t\"", false },
};

static void test_whose(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(whose); i++) {
		CLEANUP(arena_done) struct arena t = { 0 };
		CLEANUP(buf_done) struct buf b = BUF_INIT(4096);
		struct association_proof proof;
		struct pair p;

		open_pair(&p, &(struct association_config){
				      .realm = str_of(whose[i].realm),
				      .targetname = str_of(whose[i].target),
				      .opaque = str_of(whose[i].opaque),
			      });
		buf_addf(&b, "%s, gssapi-data=\"\"", whose[i].value);
		assert_true(association_proof_read(&t, buf_str(&b), true, &proof));
		if (association_is_for(p.client, &proof) != whose[i].ours)
			fail_msg("%s", whose[i].value);
		close_pair(&p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_identities),
		cmocka_unit_test(test_unfinished),
		cmocka_unit_test(test_replay),
		cmocka_unit_test(test_replay_end),
		cmocka_unit_test(test_replay_model),
		cmocka_unit_test(test_written),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_both_ways),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_value_changes),
		cmocka_unit_test(test_mic),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_sign_fails),
		cmocka_unit_test(test_bad_texts),
		cmocka_unit_test(test_life),
		cmocka_unit_test(test_reading),
		cmocka_unit_test(test_read_fields),
		cmocka_unit_test(test_no_mic),
		cmocka_unit_test(test_whose),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
