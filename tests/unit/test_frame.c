/* tests/unit/test_frame.c -- lib/sip/frame: the same bytes give the same results, however they are
 * cut */
#include "base/base.h"
#include "base/mem.h"
#include "sip/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define REQUEST "OPTIONS sip:a@b SIP/2.0\r\nCall-ID: 1\r\nContent-Length: 0\r\n\r\n"
#define RESPONSE "SIP/2.0 200 OK\r\nCall-ID: 2\r\nl:5\r\n\r\nhello"
/* A body that looks like the end of headers and the start of a message, A08 */
#define TRICKY                                                                                     \
	"MESSAGE sip:a@b SIP/2.0\r\nContent-Length:\r\n 25\r\nX: 1\r\n\r\n\r\n\r\nSIP/2.0 200 "    \
	"OK\r\n\r\n123"

/* Takes out what is ready: one letter a result, and the message behind an M. True: the end. */
static bool drain(struct sip_frame *f, struct buf *log, struct fail *why)
{
	struct str message;

	for (;;) {
		switch (sip_frame_next(f, &message, why)) {
		case SIP_FRAME_MORE:
			return false;
		case SIP_FRAME_MESSAGE:
			buf_addf(log, "M(" STR_FMT ")", STR_ARG(message));
			break;
		case SIP_FRAME_PING:
			buf_add_char(log, 'I');
			break;
		case SIP_FRAME_PONG:
			buf_add_char(log, 'O');
			break;
		case SIP_FRAME_ERROR:
			buf_add_char(log, 'E');
			return true;
		}
	}
}

/* A copy of exactly its size, so that a sanitizer sees what reads behind its end. */
static void feed(struct sip_frame *f, struct str bytes)
{
	char *copy = mem_alloc(bytes.n);

	if (bytes.n)
		memcpy(copy, bytes.p, bytes.n);
	sip_frame_feed(f, (struct str){ copy, bytes.n });
	mem_free(copy);
}

/* What comes out of a stream cut at two places. */
static void run(struct buf *log, struct str stream, bool pings, size_t one, size_t two)
{
	struct str parts[] = { str_sub(stream, 0, one), str_sub(stream, one, two),
		str_sub(stream, two, stream.n) };
	struct sip_frame f;

	buf_clear(log);
	sip_frame_init(&f, NULL);
	f.pings = pings;
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		feed(&f, parts[i]);
		if (drain(&f, log, NULL))
			break;
	}
	sip_frame_done(&f);
}

/* At every split point, at every pair of them, and byte by byte: `want`. */
static void check_splits(struct str stream, bool pings, const char *want)
{
	struct buf log = BUF_INIT(1 << 20);
	struct sip_frame f;

	for (size_t one = 0; one <= stream.n; one++) {
		for (size_t two = one; two <= stream.n; two++) {
			run(&log, stream, pings, one, two);
			if (!str_eq(buf_str(&log), str_of(want)))
				fail_msg("cut at %zu and %zu: got\n%s\nwant\n%s", one, two,
					buf_cstr(&log), want);
		}
	}
	buf_clear(&log);
	sip_frame_init(&f, NULL);
	f.pings = pings;
	for (size_t i = 0; i < stream.n && !f.broken; i++) {
		feed(&f, str_sub(stream, i, i + 1));
		drain(&f, &log, NULL);
	}
	assert_string_equal(buf_cstr(&log), want);
	sip_frame_done(&f);
	buf_done(&log);
}

static void test_messages(void **state)
{
	(void)state;
	check_splits(
		STR(REQUEST RESPONSE TRICKY), true, "M(" REQUEST ")M(" RESPONSE ")M(" TRICKY ")");
	check_splits(
		STR(REQUEST RESPONSE TRICKY), false, "M(" REQUEST ")M(" RESPONSE ")M(" TRICKY ")");
}

/* RFC 5626 3.5.1 from the side that was called: pings, and CRLFs that mean nothing */
static void test_pings(void **state)
{
	static const struct {
		const char *stream, *want;
	} rows[] = {
		{ "", "" },
		{ "\r", "" },
		{ "\r\n", "" },
		{ "\r\n\r", "" },
		{ "\r\n\r\n", "I" },
		{ "\r\n\r\n\r\n", "I" },
		{ "\r\n\r\n\r\n\r\n", "II" },
		{ "\r\n" REQUEST, "M(" REQUEST ")" },
		{ "\r\n\r\n" REQUEST, "IM(" REQUEST ")" },
		{ "\r\n\r\n\r\n" REQUEST, "IM(" REQUEST ")" },
		{ REQUEST "\r\n\r\n" RESPONSE "\r\n\r\n\r\n\r\n" REQUEST "\r\n\r\n",
			"M(" REQUEST ")IM(" RESPONSE ")IIM(" REQUEST ")I" },
		{ REQUEST "\r\n" RESPONSE "\r\n" TRICKY "\r\n",
			"M(" REQUEST ")M(" RESPONSE ")M(" TRICKY ")" },
		{ "\r\n\rX", "E" },
		{ "\r\n\r\n\n", "IE" },
		{ "\rX", "E" },
		{ "\n", "E" },
		{ "\r\r\n", "E" },
		{ "\r\n ", "E" },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check_splits(str_of(rows[i].stream), true, rows[i].want);
}

/* The same from the side that called: it pinged, so each CRLF is a pong. */
static void test_pongs(void **state)
{
	static const struct {
		const char *stream, *want;
	} rows[] = {
		{ "\r", "" },
		{ "\r\n", "O" },
		{ "\r\n\r\n\r\n", "OOO" },
		{ "\r\n" RESPONSE, "OM(" RESPONSE ")" },
		{ RESPONSE "\r\n" RESPONSE "\r\n\r\n" REQUEST "\r\n",
			"M(" RESPONSE ")OM(" RESPONSE ")OOM(" REQUEST ")O" },
		{ "\r\n\rX", "OE" },
		{ "\n", "E" },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check_splits(str_of(rows[i].stream), false, rows[i].want);
}

/* The code of the error that these bytes end in; 0: one message came out. */
static int code_of(struct str stream, const struct sip_limits *limits)
{
	struct buf log = BUF_INIT(1 << 20);
	struct fail why = { 0 };
	struct sip_frame f;

	sip_frame_init(&f, limits);
	f.pings = true;
	feed(&f, stream);
	if (drain(&f, &log, &why)) {
		assert_true(strlen(why.text) > 0);
		assert_true(f.broken == why.code && f.in.p == NULL);
	} else if (log.n == 0) {
		why.code = 1; /* waits */
	}
	sip_frame_done(&f);
	buf_done(&log);
	return why.code;
}

static int code_of_headers(const char *headers)
{
	char text[500];

	snprintf(text, sizeof(text), "BYE sip:a@b SIP/2.0\r\n%s\r\n12345", headers);
	return code_of(str_of(text), NULL);
}

/* A01 to A04 */
static void test_content_length(void **state)
{
	static const char *const good[] = {
		"Content-Length: 5\r\n",
		"Content-Length:5\r\n",
		"content-LENGTH\t : \t5 \t\r\n",
		"l: 5\r\n",
		"L:\r\n 5\r\n",
		"l:\r\n \r\n\t5\r\n  \r\n",
		"Content-Length: 0005\r\n",
		"Content-Length: 5\r\nX: y\r\nl: 5\r\n",
		"l: 5\r\nl: 05\r\nl: 5\r\n",
		"X: 1\r\n Content-Length: 9\r\nl: 5\r\n",
		"X-Content-Length: 9\r\nContent-Lengthy: 9\r\nl: 5\r\nll: 9\r\n",
		"no colon\r\nl: 5\r\n",
	};
	static const char *const bad[] = {
		"",
		"X: y\r\n",
		"X: 1\r\n Content-Length: 5\r\n",
		"Content-Length 5\r\n",
		"Content-Length:\r\n",
		"Content-Length: \r\n",
		"Content-Length:\r\n \r\n",
		"Content-Length: -5\r\n",
		"Content-Length: -999\r\n",
		"Content-Length: +5\r\n",
		"Content-Length: 5 5\r\n",
		"Content-Length: 5\r\n 5\r\n",
		"Content-Length: 5,5\r\n",
		"Content-Length: 5;x\r\n",
		"Content-Length: 5.0\r\n",
		"Content-Length: 0x5\r\n",
		"Content-Length: abc\r\n",
		"Content-Length: \"5\"\r\n",
		"Content-Length: 5\r\nContent-Length: 4\r\n",
		"Content-Length: 5\r\nl: 0\r\n",
		"l: 5\r\nl: 5\r\nl: x\r\n",
		"l: 0\r\nContent-Length: 5\r\n",
		"Content-Length: 18446744073709551621\r\n",
		"Content-Length: 4294967301\r\n",
		"Content-Length: 99999999999999999999999999999999\r\n",
		"l: 5\nX: y\r\n",
		"l: 5\r\nX: y\rz\r\n",
		"l: 5\r\r\n",
		"l: 5\r\n\n",
	};
	static const char *const large[] = {
		"Content-Length: 65536\r\n",
		"Content-Length: 4294967295\r\n",
		"Content-Length: 2147483648\r\n",
		"Content-Length: 65500\r\n",
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		if (code_of_headers(good[i]) != 0)
			fail_msg("%s: %d", good[i], code_of_headers(good[i]));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (code_of_headers(bad[i]) != -FAIL_SYNTAX)
			fail_msg("%s: %d", bad[i], code_of_headers(bad[i]));
	for (size_t i = 0; i < ARRAY_LEN(large); i++)
		if (code_of_headers(large[i]) != -FAIL_LIMIT)
			fail_msg("%s: %d", large[i], code_of_headers(large[i]));
}

/* The limit counts the whole message; at each value of it, cut anywhere. */
static void test_limit(void **state)
{
	struct str stream = STR("\r\n" RESPONSE);
	size_t whole = sizeof(RESPONSE) - 1;
	(void)state;

	for (size_t limit = 1; limit <= whole + 1; limit++) {
		for (size_t cut = 0; cut <= stream.n; cut++) {
			struct buf log = BUF_INIT(1000);
			struct fail why = { 0 };
			struct sip_frame f;

			sip_frame_init(&f, &(struct sip_limits){ .message = limit });
			f.pings = true;
			feed(&f, str_sub(stream, 0, cut));
			if (!drain(&f, &log, &why)) {
				feed(&f, str_sub(stream, cut, stream.n));
				drain(&f, &log, &why);
			}
			assert_string_equal(
				buf_cstr(&log), limit < whole ? "E" : "M(" RESPONSE ")");
			/* "headers that do not end" or "more than is allowed", both limits */
			assert_int_equal(why.code, limit < whole ? -FAIL_LIMIT : 0);
			sip_frame_done(&f);
			buf_done(&log);
		}
	}
}

static void test_limit_headers(void **state)
{
	struct buf b = BUF_INIT(1 << 20);
	(void)state;

	buf_add_str(&b, STR("BYE sip:a SIP/2.0\r\n"));
	while (b.n < SIP_MESSAGE_MAX)
		buf_add_str(&b, STR("X: yyyyyyyyyyyyyyyyyyyyyyyyy\r\n"));
	assert_int_equal(code_of(str_sub(buf_str(&b), 0, SIP_MESSAGE_MAX - 1), NULL), 1);
	assert_int_equal(code_of(str_sub(buf_str(&b), 0, SIP_MESSAGE_MAX), NULL), -FAIL_LIMIT);
	/* the same without any line end */
	buf_clear(&b);
	while (b.n < SIP_MESSAGE_MAX)
		buf_add_char(&b, 'A');
	assert_int_equal(code_of(str_sub(buf_str(&b), 0, SIP_MESSAGE_MAX - 1), NULL), 1);
	assert_int_equal(code_of(buf_str(&b), NULL), -FAIL_LIMIT);
	/* more at once than the contract allows */
	while (b.n <= SIP_MESSAGE_MAX + SIP_FRAME_FEED_MAX)
		buf_add_char(&b, 'A');
	assert_int_equal(code_of(buf_str(&b), NULL), -FAIL_LIMIT);
	buf_done(&b);
}

/* The largest messages in the largest feeds, each with the last byte of one and the next but for
 * its last byte. */
static void test_feed_max(void **state)
{
	struct str head = STR("BYE sip:a SIP/2.0\r\nl: 65505\r\n\r\n");
	struct buf b = BUF_INIT(1 << 20), log = BUF_INIT(1 << 20);
	struct sip_frame f;
	(void)state;

	buf_add_char(&b, '\n');
	buf_add_str(&b, head);
	while (b.n < SIP_MESSAGE_MAX)
		buf_add_char(&b, 'x');
	assert_int_equal(b.n, SIP_FRAME_FEED_MAX);
	sip_frame_init(&f, NULL);
	f.pings = true;
	feed(&f, str_sub(buf_str(&b), 1, b.n));
	for (int i = 0; i < 20; i++) {
		assert_false(drain(&f, &log, NULL));
		assert_int_equal(log.n, i ? SIP_MESSAGE_MAX + 3 : 0);
		assert_true(sip_frame_partial(&f));
		buf_clear(&log);
		feed(&f, buf_str(&b));
	}
	sip_frame_done(&f);
	buf_done(&b);
	buf_done(&log);
}

/* A11: foreign protocols end as early as their bytes allow. */
static void test_not_sip(void **state)
{
	static const struct {
		struct str bytes;
		size_t enough; /* so many of them must do */
	} rows[] = {
		{ { "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 27 }, 16 },
		{ { "HTTP/1.1 200 OK\r\n\r\n", 19 }, 17 },
		{ { "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11 }, 1 },
		{ { "\x00\x01\x00\x00\x21\x12\xa4\x42", 8 }, 1 },
		{ { "\x80\x08\x12\x34\x00\x00\x00\xa0", 8 }, 1 },
		{ { "\0\0\0\0", 4 }, 1 },
		{ { "SSH-2.0-OpenSSH_9.2\r\n", 21 }, 21 },
		{ { "SIP\0", 4 }, 4 },
		{ { "INVITE\0sip:a@b SIP/2.0\r\n", 24 }, 7 },
		{ { "INVITE sip:a\x7f SIP/2.0\r\n", 24 }, 13 },
		{ { " INVITE sip:a@b SIP/2.0\r\n", 25 }, 1 },
		{ { "INVITE sip:a@b SIP/2.0\nVia: x\r\n\r\n", 34 }, 23 },
		{ { "INVITE sip:a@b\r\n", 16 }, 16 },
		{ { "INVITE sip:a@b SIPS/2.0\r\n", 25 }, 25 },
		{ { "INVITE sip:a@b SIP/2.0\rX: y\r\n", 29 }, 29 },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		for (size_t n = 1; n <= rows[i].bytes.n; n++) {
			int want = n < rows[i].enough ? 1 : -FAIL_SYNTAX;
			if (code_of(str_sub(rows[i].bytes, 0, n), NULL) != want)
				fail_msg("row %zu with %zu bytes", i, n);
		}
	}
	/* what the grammar of RFC 4475 allows, and a version that is for others to refuse */
	assert_int_equal(code_of(STR("OPTIONS  sip:a  SIP/2.0 \t \r\nl: 0\r\n\r\n"), NULL), 0);
	assert_int_equal(code_of(STR("SIP/2.0 200 \xc3\xa4\tx\r\nl: 0\r\n\r\n"), NULL), 0);
	assert_int_equal(code_of(STR("sip/7.0 200\r\nl: 0\r\n\r\n"), NULL), 0);
	assert_int_equal(code_of(STR("!x%* t:1;a sip/7.0\r\nl: 0\r\n\r\n"), NULL), 0);
	assert_int_equal(
		code_of(STR("l: 9 SIP/2.0\r\nl: 0\r\n\r\n"), NULL), 0); /* no header field */
}

/* An error lasts; nothing is kept of what comes after it. */
static void test_broken(void **state)
{
	struct fail why;
	struct str message;
	struct sip_frame f;
	(void)state;

	sip_frame_init(&f, NULL);
	feed(&f, STR(REQUEST "\n" REQUEST));
	assert_int_equal(sip_frame_next(&f, &message, &why), SIP_FRAME_MESSAGE);
	assert_int_equal(sip_frame_next(&f, &message, &why), SIP_FRAME_ERROR);
	for (int i = 0; i < 3; i++) {
		feed(&f, STR(REQUEST));
		memset(&why, 0, sizeof(why));
		assert_int_equal(sip_frame_next(&f, &message, &why), SIP_FRAME_ERROR);
		assert_int_equal(why.code, -FAIL_SYNTAX);
		assert_true(strlen(why.text) > 0 && f.in.n == 0 && !sip_frame_partial(&f));
	}
	sip_frame_done(&f);
}

/* A05, A06: a stalled message is seen as such; nothing new means no work. */
static void test_partial(void **state)
{
	struct str all = STR(RESPONSE), message;
	struct sip_frame f;
	(void)state;

	sip_frame_init(&f, NULL);
	f.pings = true;
	assert_false(sip_frame_partial(&f));
	for (size_t i = 0; i < all.n; i++) {
		feed(&f, str_sub(all, i, i + 1));
		for (int k = 0; k < 3; k++) {
			enum sip_frame_result r = sip_frame_next(&f, &message, NULL);
			feed(&f, STR_EMPTY);
			if (r == SIP_FRAME_MESSAGE)
				break;
			assert_int_equal(r, SIP_FRAME_MORE);
			assert_true(sip_frame_partial(&f));
		}
	}
	assert_false(sip_frame_partial(&f));
	feed(&f, STR("\r\n\r"));
	assert_int_equal(sip_frame_next(&f, &message, NULL), SIP_FRAME_MORE);
	assert_false(sip_frame_partial(&f));
	sip_frame_done(&f);
}

/* Byte by byte through a large message: each byte is searched once, and memory stays in bounds. */
static void test_linear(void **state)
{
	struct buf b = BUF_INIT(1 << 20);
	struct sip_frame f;
	struct str message;
	size_t head;
	(void)state;

	buf_add_str(&b, STR("BYE sip:a SIP/2.0\r\nl: 10000\r\n"));
	while (b.n < 50000)
		buf_add_str(&b, STR("X: yyyyyyyyyyyyyyyyyyyyyyyyy\r\n"));
	buf_add_str(&b, STR("\r\n"));
	head = b.n;
	while (b.n < head + 10000)
		buf_add_char(&b, 'x');
	sip_frame_init(&f, NULL);
	f.pings = true;
	for (size_t i = 0; i + 1 < b.n; i++) {
		sip_frame_feed(&f, str_sub(buf_str(&b), i, i + 1));
		assert_int_equal(sip_frame_next(&f, &message, NULL), SIP_FRAME_MORE);
		assert_true(f.scanned == (i + 1 < head ? i + 1 : head) && f.taken == 0);
		assert_true(f.need == (i + 1 < head ? 0 : b.n));
	}
	sip_frame_feed(&f, STR("x"));
	assert_int_equal(sip_frame_next(&f, &message, NULL), SIP_FRAME_MESSAGE);
	assert_true(str_eq(message, buf_str(&b)));
	assert_true(f.in.cap <= 2 * SIP_MESSAGE_MAX);
	sip_frame_done(&f);
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_pings),
		cmocka_unit_test(test_pongs),
		cmocka_unit_test(test_content_length),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_limit_headers),
		cmocka_unit_test(test_feed_max),
		cmocka_unit_test(test_not_sip),
		cmocka_unit_test(test_broken),
		cmocka_unit_test(test_partial),
		cmocka_unit_test(test_linear),
	};
	return cmocka_run_group_tests_name("frame", tests, NULL, NULL);
}
