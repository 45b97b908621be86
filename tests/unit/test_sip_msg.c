/* tests/unit/test_sip_msg.c -- splitting messages, looking headers up, lists, limits and verdicts
 */
#include "base/buf.h"
#include "base/mem.h"
#include "sip_touch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define assert_str(s, literal) assert_bytes((s), STR(literal), __LINE__)

static void assert_bytes(struct str got, struct str want, int line)
{
	if (!str_eq(got, want))
		fail_msg("line %d: got <" STR_FMT ">, want <" STR_FMT ">", line, STR_ARG(got),
			STR_ARG(want));
}

static struct sip_msg *parse(struct str wire)
{
	struct sip_msg *m = NULL;
	struct fail f = { 0 };

	if (sip_msg_parse(wire, NULL, &m, &f) != 0)
		fail_msg("not parsed: %s", f.text);
	return m;
}

/* What every request needs but for the header under test. */
#define VIA "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n"
#define FROM "From: <sip:a@example.com>;tag=1\r\n"
#define TO "To: <sip:b@example.com>\r\n"
#define CALL_ID "Call-ID: 1@192.0.2.1\r\n"
#define CSEQ "CSeq: 1 OPTIONS\r\n"
#define OPTIONS "OPTIONS sip:b@example.com SIP/2.0\r\n"
#define REQUEST OPTIONS VIA FROM TO CALL_ID CSEQ
#define RESPONSE "SIP/2.0 200 OK\r\n" VIA FROM TO CALL_ID CSEQ

/* ---- parts ---- */

static void request(void **state)
{
	struct sip_msg *m =
		parse(STR("INVITE sip:b@example.com SIP/2.0\r\n" VIA FROM TO CALL_ID
			  "CSeq: 7 INVITE\r\nmax-forwards:  70  \r\nX-Own : 1\r\nc: a/b\r\n"
			  "L: 3\r\n\r\nabcdef"));
	struct sip_nameaddr a;
	struct sip_cseq c;
	struct sip_via v;
	uint32_t n;

	(void)state;
	assert_true(m->request && !m->cut);
	assert_int_equal(m->method, SIP_INVITE);
	assert_str(m->method_name, "INVITE");
	assert_str(m->request_uri, "sip:b@example.com");
	assert_str(m->version, "SIP/2.0");
	assert_int_equal(m->hdr_count, 9);
	assert_str(m->hdrs[5].name, "max-forwards");
	assert_str(m->hdrs[5].value, "70");
	assert_str(m->hdrs[6].name, "X-Own");
	assert_int_equal(m->hdrs[6].id, SIP_HDR_OTHER);
	assert_str(sip_msg_value(m, SIP_HDR_CONTENT_TYPE), "a/b");
	assert_str(sip_msg_value(m, SIP_HDR_EXPIRES), "");
	assert_str(m->body, "abc");
	assert_str(sip_msg_call_id(m), "1@192.0.2.1");
	assert_str(sip_msg_from_tag(m), "1");
	assert_str(sip_msg_to_tag(m), "");
	assert_true(sip_msg_via(m, &v) && sip_msg_from(m, &a) && sip_msg_to(m, &a) &&
		    sip_msg_cseq(m, &c));
	assert_int_equal(c.number, 7);
	assert_true(sip_msg_seconds(m, SIP_HDR_MAX_FORWARDS, &n) && n == 70);
	assert_false(sip_msg_seconds(m, SIP_HDR_EXPIRES, &n));
	assert_ptr_equal(sip_msg_hdr_named(m, STR("x-OWN")), &m->hdrs[6]);
	assert_ptr_equal(sip_msg_hdr_named(m, STR("content-type")), &m->hdrs[7]);
	assert_null(sip_msg_hdr_named(m, STR("X-Other")));
	assert_null(sip_msg_hdr_named(m, STR("Expires")));
	assert_ptr_equal(sip_msg_ref(m), m);
	sip_msg_unref(m);
	assert_str(m->method_name, "INVITE");
	sip_msg_unref(m);
	sip_msg_unref(NULL);
}

static void response(void **state)
{
	struct sip_msg *m =
		parse(STR("sip/2.0 404  Not  Found \r\n" VIA FROM TO CALL_ID CSEQ "\r\nbody"));

	(void)state;
	assert_false(m->request);
	assert_int_equal(m->status, 404);
	assert_str(m->reason, "Not  Found");
	assert_str(m->version, "sip/2.0");
	assert_str(m->body, "body"); /* no Content-Length: all there is (RFC 3261 18.3) */
	sip_msg_unref(m);
	m = parse(STR("SIP/2.0 100 \r\n" VIA "\r\n"));
	assert_int_equal(m->status, 100);
	assert_str(m->reason, "");
	sip_msg_unref(m);
	m = parse(STR("SIP/2.0 100\r\n" VIA "\r\n"));
	assert_str(m->reason, "");
	sip_msg_unref(m);
}

static void folding(void **state)
{
	struct sip_msg *m =
		parse(STR(REQUEST "Subject: a\r\n b\r\n\tc \r\n  \r\nContact:\r\n <sip:a@b>\r\n"
				  "X: \r\n \r\n y\r\n\r\n body\r\n"));
	struct sip_list l = sip_msg_list(m, SIP_HDR_CONTACT);
	struct sip_nameaddr a;

	(void)state;
	assert_str(sip_msg_value(m, SIP_HDR_SUBJECT), "a   b  \tc");
	assert_true(sip_list_nameaddr(&l, &a));
	assert_str(a.text, "<sip:a@b>");
	assert_str(sip_msg_hdr_named(m, STR("X"))->value, "y");
	assert_str(m->body, " body\r\n"); /* a blank behind the empty line is no fold */
	sip_msg_unref(m);
}

static void bare_lf(void **state)
{
	struct sip_msg *m = parse(STR("OPTIONS sip:b@h SIP/2.0\nSubject: a\n b\r\nl: 2\n\nhello"));

	(void)state;
	assert_str(sip_msg_value(m, SIP_HDR_SUBJECT), "a  b");
	assert_str(m->body, "he");
	sip_msg_unref(m);
	m = parse(STR("\r\n\r\n\nOPTIONS sip:b@h SIP/2.0\r\n\r\n")); /* RFC 3261 7.5 */
	assert_str(m->method_name, "OPTIONS");
	assert_int_equal(m->hdr_count, 0);
	sip_msg_unref(m);
}

static void not_a_message(void **state)
{
	static const struct str bad[] = {
		{ NULL, 0 },
		{ "", 0 },
		{ "\0\0\0\0", 4 },
		{ "\r\n\r\n", 4 },
		{ "x", 1 },
		{ "GET / HTTP/1.1\r\n\r\n", 18 },
		{ "\x16\x03\x01\x02\x00\x01", 6 },
#define Z(z) { z, sizeof(z) - 1 }
		Z("OPTIONS\r\n\r\n"),
		Z("OPTIONS sip:b@h\r\n\r\n"),
		Z("OPTIONS SIP/2.0\r\n\r\n"),
		Z("OPTIONS  SIP/2.0\r\n\r\n"),
		Z("OPTIONS sip:b@h SIP/2\r\n\r\n"),
		Z("OPTIONS sip:b@h SIP/2.0x\r\n\r\n"),
		Z("OPTIONS sip:b@h SIP/2.0"),
		Z(" OPTIONS sip:b@h SIP/2.0\r\n\r\n"),
		Z("OPT<IONS sip:b@h SIP/2.0\r\n\r\n"),
		Z("SIP/2.0\r\n\r\n"),
		Z("SIP/2.0 20 OK\r\n\r\n"),
		Z("SIP/2.0 099 OK\r\n\r\n"),
		Z("SIP/2.0 700 OK\r\n\r\n"),
		Z("SIP/2.0 2000 OK\r\n\r\n"),
		Z("SIP/2.0 4294967496 OK\r\n\r\n"),
		Z("SIP/2.0 200OK\r\n\r\n"),
		Z("SIP/2.0200 OK\r\n\r\n"),
		Z("SIP/x 200 OK\r\n\r\n"),
		/* header lines */
		Z("OPTIONS sip:b@h SIP/2.0\r\nFoobar roobar\r\n\r\n"),
		Z("OPTIONS sip:b@h SIP/2.0\r\n: x\r\n\r\n"),
		Z("OPTIONS sip:b@h SIP/2.0\r\n\tX: y\r\n\r\n"),
		Z("OPTIONS sip:b@h SIP/2.0\r\n \r\n\r\n"),
		Z("OPTIONS sip:b@h SIP/2.0\r\nX y: z\r\n\r\n"),
		/* attack A12: nothing but SP and HTAB between the name and the colon */
		Z("OPTIONS sip:b@h SIP/2.0\r\nFrom\x0b: x\r\n\r\n"),
		Z("OPTIONS sip:b@h SIP/2.0\r\nFrom\x0c: x\r\n\r\n"),
		Z("OPTIONS sip:b@h SIP/2.0\r\nFrom\r: x\r\n\r\n"),
		Z("OPTIONS sip:b@h SIP/2.0\r\nFrom\0: x\r\n\r\n"),
		Z("OPTIONS sip:b@h SIP/2.0\r\nFrom\xa0: x\r\n\r\n"),
		Z("OPTIONS sip:b@h SIP/2.0\r\nFrom \x01: x\r\n\r\n"),
		Z("OPTIONS sip:b@h SIP/2.0\r\n\x7f"
		  "From: x\r\n\r\n"),
		/* no end, and not enough to answer */
		Z("OPTIONS sip:b@h SIP/2.0\r\n" VIA FROM TO CALL_ID),
		Z("SIP/2.0 200 OK\r\n" VIA FROM TO CALL_ID CSEQ),
#undef Z
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct sip_msg *m = NULL;
		struct fail f = { 0 };
		if (sip_msg_parse(bad[i], NULL, &m, &f) != -FAIL_SYNTAX || m || !f.text[0])
			fail_msg("number %zu: <" STR_FMT ">", i, STR_ARG(bad[i]));
		assert_int_equal(sip_msg_parse(bad[i], NULL, &m, NULL), -FAIL_SYNTAX);
	}
}

static void unknown_headers(void **state)
{
	struct sip_msg *m = parse(STR(OPTIONS "X-A: 1\r\nX-B: 2\r\nx-a: 3\r\nX-B: 4\r\n\r\n"));
	const struct sip_hdr *h = sip_msg_hdr_named(m, STR("X-B"));

	(void)state;
	assert_str(h->value, "2");
	h = sip_msg_hdr_next(m, h);
	assert_str(h->value, "4");
	assert_null(sip_msg_hdr_next(m, h));
	h = sip_msg_hdr_next(m, sip_msg_hdr_named(m, STR("X-a")));
	assert_str(h->value, "3");
	sip_msg_unref(m);
}

/* Blanks before the colon are allowed (RFC 3261 7.3.1), whatever the name. */
static void blanks_before_colon(void **state)
{
	struct sip_msg *m = parse(
		STR("OPTIONS sip:b@h SIP/2.0\r\nVia \t :x\r\nv\t: y\r\nX-A :z\r\nTo:\r\n\r\n"));

	(void)state;
	assert_int_equal(m->hdrs[0].id, SIP_HDR_VIA);
	assert_str(m->hdrs[0].name, "Via");
	assert_int_equal(m->hdrs[1].id, SIP_HDR_VIA);
	assert_str(m->hdrs[2].name, "X-A");
	assert_str(m->hdrs[3].value, "");
	sip_msg_unref(m);
}

/* ---- limits ---- */

/* A request with `extra` more lines of this text and a body that fills it up to `size`. */
static struct str build(struct buf *b, unsigned extra, const char *line, size_t size)
{
	buf_addf(b, REQUEST);
	for (unsigned i = 0; i < extra; i++)
		buf_addf(b, "%s\r\n", line);
	buf_add_str(b, STR("\r\n"));
	while (b->n < size)
		buf_add_char(b, 'x');
	assert_int_equal(b->fail, 0);
	return buf_str(b);
}

static void limits(void **state)
{
	struct buf b = BUF_INIT(2000000);
	struct sip_msg *m = NULL;
	struct fail f;

	(void)state;
	/* 5 lines of the request, and 251 or 252 more */
	m = parse(build(&b, 251, "Accept: a/b", 0));
	assert_int_equal(m->hdr_count, 256);
	sip_msg_unref(m);
	buf_clear(&b);
	assert_int_equal(
		sip_msg_parse(build(&b, 252, "Accept: a/b", 0), NULL, &m, &f), -FAIL_LIMIT);
	assert_string_equal(f.text, "more than 256 header lines");
	assert_int_equal(
		sip_msg_parse(buf_str(&b), &(struct sip_limits){ .headers = 257 }, &m, &f), 0);
	assert_int_equal(m->hdr_count, 257);
	sip_msg_unref(m);
	assert_int_equal(sip_msg_parse(buf_str(&b), &(struct sip_limits){ .headers = 4 }, &m, &f),
		-FAIL_LIMIT);

	buf_clear(&b);
	m = parse(build(&b, 0, "", 65536));
	assert_int_equal(m->wire.n, 65536);
	sip_msg_unref(m);
	buf_clear(&b);
	build(&b, 0, "", 65537);
	assert_int_equal(sip_msg_parse(buf_str(&b), NULL, &m, &f), -FAIL_LIMIT);
	assert_string_equal(f.text, "a message of 65537 bytes, limit 65536");
	assert_int_equal(
		sip_msg_parse(buf_str(&b), &(struct sip_limits){ .message = 65537 }, &m, &f), 0);
	sip_msg_unref(m);

	/* More lines than first[] can count: the limit is kept below that. */
	buf_clear(&b);
	build(&b, 70000, "A: b", 0);
	assert_int_equal(
		sip_msg_parse(buf_str(&b),
			&(struct sip_limits){ .message = 1000000, .headers = 100000 }, &m, &f),
		-FAIL_LIMIT);
	buf_done(&b);
}

/* Attack A23: each repeatable header, in so many copies, one a line. */
static void repeated_headers(void **state)
{
	static const unsigned copies[] = { 0, 1, 31, 32, 33, 250, 255, 1000 };
	static const struct {
		enum sip_hdr_id id;
		const char *line;
	} rows[] = {
		{ SIP_HDR_CONTACT, "Contact: <sip:a@b>" },
		{ SIP_HDR_ROUTE, "Route: <sip:a;lr>" },
		{ SIP_HDR_RECORD_ROUTE, "Record-Route: <sip:a;lr>" },
		{ SIP_HDR_PATH, "Path: <sip:a;lr>" },
		{ SIP_HDR_SERVICE_ROUTE, "Service-Route: <sip:a;lr>" },
		{ SIP_HDR_VIA, "v: SIP/2.0/UDP a" },
		{ SIP_HDR_ACCEPT, "Accept: a/b" },
		{ SIP_HDR_SUPPORTED, "k: a" },
		{ SIP_HDR_REQUIRE, "Require: a" },
		{ SIP_HDR_ALLOW, "Allow: A" },
		{ SIP_HDR_WARNING, "Warning: 399 a \"b\"" },
	};
	struct buf b = BUF_INIT(100000);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		for (size_t j = 0; j < ARRAY_LEN(copies); j++) {
			unsigned own = rows[i].id == SIP_HDR_VIA, n = 0, rows_seen = 0;
			const struct sip_limits more = { .headers = 2000 };
			struct sip_nameaddr a;
			struct sip_via v;
			struct str t;
			struct sip_list l;
			struct sip_msg *m;

			buf_clear(&b);
			assert_int_equal(sip_msg_parse(build(&b, copies[j], rows[i].line, 0), &more,
						 &m, NULL),
				0);
			l = sip_msg_list(m, rows[i].id);
			if (own)
				while (sip_list_via(&l, &v))
					n++;
			else if (strchr(rows[i].line, '<'))
				while (sip_list_nameaddr(&l, &a))
					n++;
			else
				while (sip_list_token(&l, &t))
					n++;
			assert_false(l.bad);
			assert_int_equal(n, copies[j] + own);
			for (const struct sip_hdr *h = sip_msg_hdr(m, rows[i].id); h;
				h = sip_msg_hdr_next(m, h))
				rows_seen++;
			assert_int_equal(rows_seen, copies[j] + own);
			sip_msg_unref(m);
		}
	}
	buf_done(&b);
}

/* Attack A18: tags and branches of the sizes that buffers have. */
static void long_values(void **state)
{
	static const size_t sizes[] = { 0, 1, 63, 64, 255, 256, 1023, 1024, 4095, 4096, 65000 };
	struct buf b = BUF_INIT(300000);
	char *x = mem_alloc(65536);

	(void)state;
	memset(x, 'x', 65536);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		const struct sip_limits more = { .message = 300000 };
		int n = (int)sizes[i];
		struct sip_msg *m;
		struct sip_via v;
		unsigned status;

		buf_clear(&b);
		buf_addf(&b, OPTIONS "Via: SIP/2.0/UDP h;branch=%.*s;x=\r\n", n, x);
		buf_addf(&b, "From: sip:a@b;tag=%.*s\r\nTo: sip:a@b;tag=%.*s\r\n", n, x, n, x);
		buf_addf(&b, "Call-ID: %.*s\r\n" CSEQ "\r\n", n, x);
		memcpy(strstr(buf_cstr(&b), ";x="), ";x ", 3);
		assert_int_equal(sip_msg_parse(buf_str(&b), &more, &m, NULL), 0);
		assert_int_equal(sip_msg_from_tag(m).n, sizes[i]);
		assert_int_equal(sip_msg_to_tag(m).n, sizes[i]);
		assert_int_equal(sip_msg_call_id(m).n, sizes[i]);
		assert_int_equal(sip_msg_via(m, &v), sizes[i] > 0);
		if (sizes[i])
			assert_int_equal(v.branch.n, sizes[i]);
		assert_int_equal(
			sip_msg_check(m, true, &status, NULL), sizes[i] ? SIP_ACCEPT : SIP_REJECT);
		sip_msg_unref(m);
	}
	mem_free(x);
	buf_done(&b);
}

/* ---- lists ---- */

static void lists(void **state)
{
	struct sip_msg *m = parse(
		STR(REQUEST "Contact: <sip:a@b>;q=1 , \"x, y\" <sip:c@d>\r\nContact:\r\n"
			    "m: sip:e@f\r\nSupported:\r\nk: 100rel, timer\r\nk:path\r\n"
			    "Require: a,,b\r\nAccept: a/b;x=\"1,2\", c/d\r\n"
			    "Allow: INVITE,\r\nUnsupported: \"x\r\n"
			    "Record-Route: <sip:a>, \r\nv: SIP/2.0/UDP a, SIP/2.0/UDP b\r\n\r\n"));
	struct sip_list l = sip_msg_list(m, SIP_HDR_CONTACT);
	struct sip_nameaddr a;
	struct sip_via v;
	struct str t;
	unsigned n = 0;

	(void)state;
	assert_true(sip_list_nameaddr(&l, &a));
	assert_str(a.uri.user, "a");
	assert_true(sip_list_nameaddr(&l, &a));
	assert_str(a.display, "x, y");
	assert_true(sip_list_nameaddr(&l, &a));
	assert_str(a.uri.user, "e");
	assert_false(sip_list_nameaddr(&l, &a) || l.bad || sip_list_nameaddr(&l, &a));

	assert_true(sip_msg_has_token(m, SIP_HDR_SUPPORTED, "TIMER"));
	assert_true(sip_msg_has_token(m, SIP_HDR_SUPPORTED, "path"));
	assert_false(sip_msg_has_token(m, SIP_HDR_SUPPORTED, "tim"));
	assert_false(sip_msg_has_token(m, SIP_HDR_PROXY_REQUIRE, "x"));
	l = sip_msg_list(m, SIP_HDR_REQUIRE);
	assert_true(sip_list_token(&l, &t));
	assert_str(t, "a");
	assert_false(sip_list_token(&l, &t));
	assert_true(l.bad);
	l = sip_msg_list(m, SIP_HDR_ACCEPT);
	assert_true(sip_list_token(&l, &t));
	assert_str(t, "a/b;x=\"1,2\"");
	assert_true(sip_list_token(&l, &t));
	assert_str(t, "c/d");
	l = sip_msg_list(m, SIP_HDR_ALLOW);
	assert_false(sip_list_token(&l, &t));
	assert_true(l.bad);
	l = sip_msg_list(m, SIP_HDR_UNSUPPORTED);
	assert_false(sip_list_token(&l, &t));
	assert_true(l.bad);
	l = sip_msg_list(m, SIP_HDR_RECORD_ROUTE);
	assert_false(sip_list_nameaddr(&l, &a));
	assert_true(l.bad);
	for (l = sip_msg_list(m, SIP_HDR_VIA); sip_list_via(&l, &v);)
		n++;
	assert_int_equal(n, 3);
	l = sip_msg_list(m, SIP_HDR_PATH);
	assert_false(sip_list_nameaddr(&l, &a) || l.bad);
	sip_msg_unref(m);
}

/* ---- verdicts ---- */

/* want: 0 accept, 1 drop, else the status of the rejection. */
static void judge(const char *wire, size_t n, bool datagram, unsigned want, const char *text)
{
	struct sip_msg *m = NULL;
	struct fail f = { 0 };
	unsigned status = 0, got = 1;

	if (sip_msg_parse((struct str){ wire, n }, NULL, &m, &f) == 0) {
		enum sip_verdict v = sip_msg_check(m, datagram, &status, &f);
		got = v == SIP_ACCEPT ? 0 : v == SIP_DROP ? 1 : status;
		sip_msg_unref(m);
	}
	if (got != want || (text && strcmp(f.text, text) != 0))
		fail_msg("got %u \"%s\", want %u \"%s\" for:\n%.*s", got, f.text, want,
			text ? text : "", (int)n, wire);
}

#define JUDGE(wire, want, text) judge((wire), sizeof(wire) - 1, true, (want), (text))

static void verdicts_on_headers(void **state)
{
	(void)state;
	JUDGE(REQUEST "\r\n", 0, NULL);
	JUDGE(RESPONSE "\r\n", 0, NULL);
	JUDGE(REQUEST "Max-Forwards: 255\r\n\r\n", 0, NULL);
	JUDGE(REQUEST "Max-Forwards: 256\r\n\r\n", 400, "malformed Max-Forwards header");
	JUDGE(REQUEST "Max-Forwards: -1\r\n\r\n", 400, NULL);
	JUDGE(REQUEST "Max-Forwards: 4294967296\r\n\r\n", 400, NULL);
	JUDGE(REQUEST "Max-Forwards: 1\r\nMax-Forwards: 1\r\n\r\n", 400,
		"repeated Max-Forwards header");
	JUDGE(REQUEST "Expires: 4294967295\r\n\r\n", 0, NULL);
	JUDGE(REQUEST "Expires: 4294967296\r\n\r\n", 400, "malformed Expires header");
	JUDGE(REQUEST "Contact: <sip:a@b>;expires=4294967296\r\n\r\n", 400,
		"malformed Contact header");
	JUDGE(REQUEST "Contact: <sip:a@b>;q=1.1\r\n\r\n", 400, NULL);
	JUDGE(REQUEST "Contact: *\r\n\r\n", 0, NULL);
	JUDGE(REQUEST "Contact: <sip:a@b>, *\r\n\r\n", 400, NULL);
	JUDGE(REQUEST "Contact: \r\n\r\n", 400, NULL);
	JUDGE(REQUEST "Contact: <sip:a@b>, sip:c@d\r\nm: sip:e@f\r\n\r\n", 0, NULL);
	JUDGE(REQUEST "t: <sip:b@example.com>\r\n\r\n", 400, "repeated To header"); /* A17 */
	JUDGE(REQUEST "Route: sip:p;lr\r\n\r\n", 0, NULL);
	JUDGE(REQUEST "Route: p\r\n\r\n", 400, "malformed Route header");
	JUDGE(REQUEST "Content-Type: text\r\n\r\n", 400, NULL);
	JUDGE(REQUEST "Content-Type: text/plain;charset=\"x\"\r\n\r\n", 0, NULL);
	JUDGE(REQUEST "Content-Type: text/plain\r\nc: text/plain\r\n\r\n", 400,
		"repeated Content-Type header");
	JUDGE(REQUEST "Require: a, b\r\n\r\n", 0, NULL);
	JUDGE(REQUEST "Require:\r\n\r\n", 400, NULL);
	JUDGE(REQUEST "Require: a,\r\n\r\n", 400, NULL);
	JUDGE(REQUEST "Supported:\r\nAllow:\r\n\r\n", 0, NULL);
	JUDGE(REQUEST "Authorization: Digest a=\"b\r\n\r\n", 400, "malformed Authorization header");
	JUDGE(REQUEST "Authorization: A a=b\r\nAuthorization: B a=b\r\n\r\n", 0, NULL);
	JUDGE(REQUEST "Event: a;id=\r\n\r\n", 400, NULL);
	JUDGE(REQUEST "Refer-To: <sip:a@b?Replaces=1%3Bto-tag%3D2>\r\n\r\n", 0, NULL);
	JUDGE(REQUEST "Refer-To: (whatever URI)\r\n\r\n", 400, NULL);
	JUDGE(REQUEST "Replaces: 1@h;to-tag=1;from-tag=2\r\n\r\n", 0, NULL);
	JUDGE(REQUEST "Replaces: 1@h;to-tag=1\r\nReplaces: 1@h;to-tag=1\r\n\r\n", 400,
		NULL); /* A75 */
	JUDGE(REQUEST "Replaces: 1@h\r\n\r\n", 400, NULL);
	JUDGE(REQUEST "Session-Expires: 90;refresher=uac\r\nMin-SE: 90\r\n\r\n", 0, NULL);
	JUDGE(REQUEST "RAck: 776656 1 INVITE\r\n\r\n", 0, NULL);
	JUDGE(REQUEST "RAck: 1 INVITE\r\n\r\n", 400, NULL);
	/* not ours to judge */
	JUDGE(REQUEST "Date: Fri, 01 Jan 2010 16:00:00 EST\r\nDate: x\r\nWarning: x\r\nX-A: "
		      ";;,,;,;\r\n\r\n",
		0, NULL);
	JUDGE(REQUEST "Subject: a\tb \xd0\xbf \\\x07\r\n\r\n", 0, NULL);
	JUDGE(REQUEST "Subject: a\rb\r\n\r\n", 400, "malformed Subject header");
	JUDGE(REQUEST "X-Own: a\0b\r\n\r\n", 400, "malformed X-Own header");
	JUDGE(REQUEST "X-Own: a\x1b[2J\r\n\r\n", 400, NULL);
	/* responses are held to less */
	JUDGE(RESPONSE "Warning: x\r\nRetry-After: x\r\nContact: x\r\nWWW-Authenticate: x=\r\n\r\n",
		0, NULL);
	JUDGE(RESPONSE "RSeq: x\r\n\r\n", 1, "malformed RSeq header");
	JUDGE(RESPONSE "CSeq: 1 OPTIONS\r\n\r\n", 1, "repeated CSeq header");
}

static void verdicts_on_what_is_missing(void **state)
{
	(void)state;
	JUDGE(OPTIONS FROM TO CALL_ID CSEQ "\r\n", 1, "missing Via header");
	JUDGE(OPTIONS VIA TO CALL_ID CSEQ "\r\n", 400, "missing From header");
	JUDGE(OPTIONS VIA FROM CALL_ID CSEQ "\r\n", 400, "missing To header");
	JUDGE(OPTIONS VIA FROM TO CSEQ "\r\n", 400, "missing Call-ID header");
	JUDGE(OPTIONS VIA FROM TO CALL_ID "\r\n", 400, "missing CSeq header");
	JUDGE("SIP/2.0 200 OK\r\n" VIA FROM TO CALL_ID "\r\n", 1, "missing CSeq header");
	/* an answer needs to know where to go */
	JUDGE(OPTIONS "Via: x\r\n" FROM TO CALL_ID CSEQ "\r\n", 1, "malformed Via header");
	JUDGE(OPTIONS "Via: SIP/2.0/UDP h;;\r\n" FROM TO CALL_ID CSEQ "\r\n", 400,
		"malformed Via header");
	JUDGE(OPTIONS VIA "Via: x\r\n" FROM TO CALL_ID CSEQ "\r\n", 400, "malformed Via header");
	JUDGE(OPTIONS "Via: SIP/2.0/UDP h,\r\n" FROM TO CALL_ID CSEQ "\r\n", 400, NULL);
	JUDGE(OPTIONS "Via: SIP/2.0/UDP [::g]\r\n" FROM TO CALL_ID CSEQ "\r\n", 1, NULL); /* A16 */
	/* cut off before the blank line */
	JUDGE(REQUEST, 400, "the end of the header fields is missing");
	JUDGE(REQUEST "Subject: x", 400, NULL);
	JUDGE(REQUEST "\r", 400, NULL);
	JUDGE(RESPONSE, 1, NULL);
	/* malformed addresses: A13, A14, A15 */
	JUDGE(OPTIONS VIA "From: \"a\\\r\n" TO CALL_ID CSEQ "\r\n", 400, "malformed From header");
	JUDGE(OPTIONS VIA "From: /\r\n" TO CALL_ID CSEQ "\r\n", 400, NULL);
	JUDGE(OPTIONS VIA FROM "To: <sip:a@b>;x=\"\r\n" CALL_ID CSEQ "\r\n", 400,
		"malformed To header");
	JUDGE(OPTIONS VIA FROM "To: <sip:a@b>;tag=\r\n" CALL_ID CSEQ "\r\n", 400, NULL);
	JUDGE(OPTIONS VIA FROM TO "Call-ID: a@b@c\r\n" CSEQ "\r\n", 400,
		"malformed Call-ID header");
	JUDGE(OPTIONS VIA FROM TO "Call-ID: \r\n" CSEQ "\r\n", 400, NULL);
	JUDGE(OPTIONS VIA FROM TO CALL_ID "CSeq: 2147483648 OPTIONS\r\n\r\n", 400,
		"malformed CSeq header");
	JUDGE(OPTIONS VIA FROM TO CALL_ID "CSeq: 1 INVITE\r\n\r\n", 400,
		"CSeq method INVITE does not match OPTIONS");
	JUDGE("SIP/2.0 200 OK\r\n" VIA FROM TO CALL_ID "CSeq: 1 INVITE\r\n\r\n", 0, NULL);
}

static void verdicts_on_start_lines(void **state)
{
	(void)state;
	JUDGE("OPTIONS sip:b@h SIP/7.0\r\n" VIA "\r\n", 505, "version SIP/7.0 is not supported");
	JUDGE("OPTIONS sip:b@h sip/2.0\r\n" VIA FROM TO CALL_ID CSEQ "\r\n", 0, NULL);
	JUDGE("OPTIONS  sip:b@h SIP/2.0\r\n" VIA FROM TO CALL_ID CSEQ "\r\n", 400,
		"malformed request line");
	JUDGE("OPTIONS\tsip:b@h SIP/2.0\r\n" VIA FROM TO CALL_ID CSEQ "\r\n", 400, NULL);
	JUDGE("OPTIONS sip:b@h\tSIP/2.0\r\n" VIA FROM TO CALL_ID CSEQ "\r\n", 400, NULL);
	JUDGE("OPTIONS sip:b@h SIP/2.0 \r\n" VIA FROM TO CALL_ID CSEQ "\r\n", 400, NULL);
	JUDGE("OPTIONS sip:b@h SIP/2.0\r\r\n" VIA FROM TO CALL_ID CSEQ "\r\n", 400, NULL);
	JUDGE("OPTIONS sip:b@h SIP/2.0\n" VIA FROM TO CALL_ID CSEQ "\r\n", 0, NULL);
	JUDGE("OPTIONS <sip:b@h> SIP/2.0\r\n" VIA FROM TO CALL_ID CSEQ "\r\n", 400,
		"malformed Request-URI");
	JUDGE("OPTIONS sip:b@h; lr SIP/2.0\r\n" VIA FROM TO CALL_ID CSEQ "\r\n", 400, NULL);
	JUDGE("OPTIONS sip:b@h?Route=x SIP/2.0\r\n" VIA FROM TO CALL_ID CSEQ "\r\n", 400,
		NULL); /* A33 */
	JUDGE("OPTIONS nobodyKnowsThisScheme:x SIP/2.0\r\n" VIA FROM TO CALL_ID CSEQ "\r\n", 0,
		NULL);
	JUDGE("SIP/3.0 200 OK\r\n" VIA FROM TO CALL_ID CSEQ "\r\n", 1, NULL);
	/* nobody answers an ACK (RFC 3261 17.1.1.3) */
	JUDGE("ACK sip:b@h SIP/2.0\r\n" VIA FROM TO CALL_ID "CSeq: 1 ACK\r\n\r\n", 0, NULL);
	JUDGE("ACK sip:b@h SIP/2.0\r\n" VIA FROM TO CALL_ID "CSeq: 1 INVITE\r\n\r\n", 1, NULL);
	JUDGE("ACK sip:b@h SIP/2.0\r\n" VIA TO CALL_ID "CSeq: 1 ACK\r\n\r\n", 1, NULL);
}

static void verdicts_on_length(void **state)
{
	static const char short_body[] = REQUEST "Content-Length: 5\r\n\r\n1234";

	(void)state;
	JUDGE(short_body, 400, "Content-Length 5 but a body of 4 bytes");
	judge(short_body, sizeof(short_body) - 1, false, 0, NULL); /* the framing's matter there */
	JUDGE(REQUEST "Content-Length: 4\r\n\r\n12345", 0, NULL);
	JUDGE(REQUEST "Content-Length: 0000000000000000000004\r\n\r\n1234", 0, NULL);
	/* attack A04 and A02 */
	JUDGE(REQUEST "Content-Length: -999\r\n\r\n1234", 400, "malformed Content-Length header");
	JUDGE(REQUEST "Content-Length: abc\r\n\r\n", 400, NULL);
	JUDGE(REQUEST "Content-Length:\r\n\r\n", 400, NULL);
	JUDGE(REQUEST "Content-Length: +5\r\n\r\n12345", 400, NULL);
	JUDGE(REQUEST "Content-Length: 5 5\r\n\r\n12345", 400, NULL);
	JUDGE(REQUEST "Content-Length: 5\r\nl: 4\r\n\r\n12345", 400,
		"repeated Content-Length header");
	JUDGE(REQUEST "Content-Length: 4294967300\r\n\r\n1234", 400, NULL);
	JUDGE(REQUEST "Content-Length: 4294967295\r\n\r\n1234", 400, NULL);
	JUDGE(RESPONSE "Content-Length: 5\r\n\r\n1234", 1, NULL);
}

/* Attack A78 and A29 once, for crashes and depth; bench_parse scale measures. */
static void hostile_text(void **state)
{
	static const char *const fillers[] = { "(", "\"", ",", "<", " ", ";", ";a", "\\\"", "\r\n ",
		"%", "%41", "@", ":", "[", "a:", ",<sip:a>", "=", "&", "?", "\t", "1.", "::" };
	static const char *const headers[] = { "Via: SIP/2.0/UDP h", "From: \"",
		"Contact: <sip:a@b>", "To: <sip:", "Retry-After: 1", "Record-Route: <sip:a;lr>",
		"Authorization: Digest a=b" };
	char *text = mem_alloc(60000);

	(void)state;
	for (size_t h = 0; h < ARRAY_LEN(headers); h++) {
		for (size_t f = 0; f < ARRAY_LEN(fillers); f++) {
			size_t n = (size_t)snprintf(text, 60000, REQUEST "%s", headers[h]);
			while (n < 59000) {
				memcpy(text + n, fillers[f], strlen(fillers[f]));
				n += strlen(fillers[f]);
			}
			memcpy(text + n, "\r\n\r\n", 4);
			touch_wire((struct str){ text, n + 4 });
		}
	}
	mem_free(text);
}

/* Every byte of a message replaced by each of some hostile ones. */
static void hostile_bytes(void **state)
{
	static const char message[] =
		"INVITE sip:b@example.com;x SIP/2.0\r\nVia: SIP/2.0/UDP "
		"[::1]:5060;branch=z9hG4bK1;rport\r\n"
		"f: \"A \\\"\" <sip:a@example.com>;tag=1\r\nTo: b <sips:b@h>\r\nCall-ID: 1@h\r\n"
		"CSeq: 1 INVITE\r\nm: <sip:a@b>;q=0.5, <tel:+1>\r\nAuthorization: Digest a=\"b\", "
		"c=d\r\n"
		"l: 2\r\n\r\nab";
	static const char bytes[] = "\0\r\n\t \"\\<>%;,:@=?&[]()*/.0-\x7f\x80\xff";
	char copy[sizeof(message)];

	(void)state;
	for (size_t i = 0; i < sizeof(message) - 1; i++) {
		for (size_t j = 0; j < sizeof(bytes) - 1; j++) {
			memcpy(copy, message, sizeof(message));
			copy[i] = bytes[j];
			touch_wire((struct str){ copy, sizeof(message) - 1 });
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(request),
		cmocka_unit_test(response),
		cmocka_unit_test(folding),
		cmocka_unit_test(bare_lf),
		cmocka_unit_test(not_a_message),
		cmocka_unit_test(unknown_headers),
		cmocka_unit_test(blanks_before_colon),
		cmocka_unit_test(limits),
		cmocka_unit_test(repeated_headers),
		cmocka_unit_test(long_values),
		cmocka_unit_test(lists),
		cmocka_unit_test(verdicts_on_headers),
		cmocka_unit_test(verdicts_on_what_is_missing),
		cmocka_unit_test(verdicts_on_start_lines),
		cmocka_unit_test(verdicts_on_length),
		cmocka_unit_test(hostile_text),
		cmocka_unit_test(hostile_bytes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
