/* tests/unit/test_multipart.c -- multipart bodies: RFC 2046 section 5.1, RFC 5621, attack A49 */
#include "base/buf.h"
#include "sip/multipart.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define MIXED "multipart/mixed;boundary=b1"

static struct multipart_part parts[MULTIPART_PARTS];

#define assert_str(s, text)                                                                        \
	do {                                                                                       \
		struct str got_ = (s);                                                             \
		if (!str_eq(got_, str_of(text)))                                                   \
			fail_msg("\"" STR_FMT "\", not \"%s\"", STR_ARG(got_), text);              \
	} while (0)

/* The body at the end of readable memory, as far as a sanitizer can tell. */
static char *held;

static struct str hold(const char *body, size_t n)
{
	free(held);
	held = malloc(n ? n : 1);
	assert_non_null(held);
	memcpy(held, body, n);
	return (struct str){ held, n };
}

static int let_go(void **state)
{
	(void)state;
	free(held);
	held = NULL;
	return 0;
}

static unsigned split(const char *type, const char *body)
{
	unsigned count = 99;
	struct fail f = { 0 };

	if (multipart_split(str_of(type), hold(body, strlen(body)), parts, &count, &f) != 0)
		fail_msg("%s: %s", f.text, body);
	return count;
}

static void refused_as(const char *type, const char *body, int code, const char *words)
{
	unsigned count = 99;
	struct fail f = { 0 };

	if (multipart_split(str_of(type), hold(body, strlen(body)), parts, &count, &f) != code)
		fail_msg("taken: %s %s", type, body);
	assert_int_equal(count, 99);
	if (!strstr(f.text, words))
		fail_msg("\"%s\" does not say \"%s\"", f.text, words);
}

static void refused(const char *type, const char *body)
{
	refused_as(type, body, -FAIL_SYNTAX, "");
}

/* The example of RFC 2046 5.1.1. */
static void rfc2046(void **state)
{
	(void)state;
	assert_int_equal(split("multipart/mixed; boundary=\"simple boundary\"",
				 "This is the preamble.  It is to be ignored, though it\r\n"
				 "is a handy place for composition agents to include an\r\n"
				 "explanatory note to non-MIME conformant readers.\r\n"
				 "\r\n"
				 "--simple boundary\r\n"
				 "\r\n"
				 "This is implicitly typed plain US-ASCII text.\r\n"
				 "It does NOT end with a linebreak.\r\n"
				 "--simple boundary\r\n"
				 "Content-type: text/plain; charset=us-ascii\r\n"
				 "\r\n"
				 "This is explicitly typed plain US-ASCII text.\r\n"
				 "It DOES end with a linebreak.\r\n"
				 "\r\n"
				 "--simple boundary--\r\n"
				 "\r\n"
				 "This is the epilogue.  It is also to be ignored.\r\n"),
		2);
	assert_str(parts[0].type, "");
	assert_str(parts[0].body, "This is implicitly typed plain US-ASCII text.\r\n"
				  "It does NOT end with a linebreak.");
	assert_str(parts[1].type, "text/plain; charset=us-ascii");
	assert_str(parts[1].body, "This is explicitly typed plain US-ASCII text.\r\n"
				  "It DOES end with a linebreak.\r\n");
}

static void headers(void **state)
{
	(void)state;
	assert_int_equal(split(MIXED, "--b1  \t\r\n"
				      "X-Other: a\r\n"
				      "CONTENT-TYPE :application/sdp;\r\n"
				      "\tcharset=x\r\n"
				      "Content-Disposition: session;handling=optional \r\n"
				      "content-id: <a@b>\r\n"
				      "Content-Type: text/second\r\n"
				      "Empty:\r\n"
				      "\r\n"
				      "v=0\r\n"
				      "--b1--"),
		1);
	assert_str(parts[0].type, "application/sdp;\r\n\tcharset=x");
	assert_str(parts[0].disposition, "session;handling=optional");
	assert_str(parts[0].id, "<a@b>");
	assert_str(parts[0].body, "v=0");
	/* a value that begins on the next line */
	assert_int_equal(split(MIXED, "--b1\r\nContent-Type:\r\n text/x\r\n\r\n\r\n--b1--\r\n"), 1);
	assert_str(parts[0].type, "text/x");
	assert_str(parts[0].body, "");
}

static void line_ends(void **state)
{
	(void)state;
	assert_int_equal(
		split(MIXED, "--b1\nContent-Type: a/b\n\none\n\n--b1\n\ntwo\n--b1--\n"), 2);
	assert_str(parts[0].type, "a/b");
	assert_str(parts[0].body, "one\n");
	assert_str(parts[1].body, "two");
}

/* What only looks like a delimiter is text. */
static void no_delimiters(void **state)
{
	(void)state;
	assert_int_equal(
		split(MIXED, "--b1\r\n\r\n --b1\r\nx--b1\r\n--b12\r\n--B1\r\n-b1\r\n--b1-\r\n"
			     "--b1--x\r\n--b1 x\r\n--b1\r\n\r\n--b1--"),
		2);
	assert_str(parts[0].body,
		" --b1\r\nx--b1\r\n--b12\r\n--B1\r\n-b1\r\n--b1-\r\n--b1--x\r\n--b1 x");
	assert_str(parts[1].body, "");
	/* what stands behind the end is not looked at */
	assert_int_equal(split(MIXED, "--b1\r\n\r\nx\r\n--b1--\r\n--b1\r\nbad\r\n"), 1);
}

static void content_types(void **state)
{
	static const char body[] = "--b1\r\n\r\nx\r\n--b1--";
	static const char quoted[] = "--a'()+_,-./:=? b\r\n\r\nx\r\n--a'()+_,-./:=? b--";

	(void)state;
	assert_true(multipart_is(STR("multipart/mixed;boundary=x")));
	assert_true(multipart_is(STR("MULTIPART / Related")));
	assert_false(multipart_is(STR("multipart")));
	assert_false(multipart_is(STR("multipart/")));
	assert_false(multipart_is(STR("application/multipart")));
	assert_false(multipart_is(STR("multipart/mixed boundary=x")));
	assert_false(multipart_is(STR("")));
	assert_false(multipart_is((struct str){ NULL, 0 }));
	assert_int_equal(split("multipart/mixed;charset=x ; BOUNDARY = b1", body), 1);
	assert_int_equal(split("multipart/x;boundary=\"b1\"", body), 1);
	assert_int_equal(split("multipart/x;boundary=\"\\b\\1\"", body), 1);
	assert_int_equal(split("multipart/x;\r\n boundary=b1", body), 1);
	/* all of bchars (RFC 2046 5.1.1) */
	assert_int_equal(split("multipart/x;boundary=\"a'()+_,-./:=? b\"", quoted), 1);
	refused("text/plain;boundary=b1", body);
	refused_as("multipart/mixed", body, -FAIL_SYNTAX, "without a boundary");
	refused("multipart/mixed;boundary", body);
	refused("multipart/mixed;boundary=", body);
	refused("multipart/mixed;boundary=\"\"", body);
	refused("multipart/mixed;boundary=\"b1 \"", body);
	refused("multipart/mixed;boundary=\"b\x01\"", body);
	refused("multipart/mixed;boundary=\"b1", body);
}

/* RFC 2046 5.1.1: 70 characters at most */
static void boundary_length(void **state)
{
	(void)state;
	for (int n = 70; n <= 71; n++) {
		char type[256], body[512], b[72];
		memset(b, 'x', sizeof(b));
		snprintf(type, sizeof(type), "multipart/mixed;boundary=%.*s", n, b);
		snprintf(body, sizeof(body), "--%.*s\r\n\r\ny\r\n--%.*s--", n, b, n, b);
		if (n == 70)
			assert_int_equal(split(type, body), 1);
		else
			refused_as(type, body, -FAIL_SYNTAX, "more than 70");
	}
}

static void a49(void **state)
{
	static const char whole[] = "pre\r\n--b1\r\nContent-Type: a/b\r\n\r\nx\r\n--b1--\r\n";
	unsigned count = 0;

	(void)state;
	refused_as(MIXED, "--b1--", -FAIL_SYNTAX, "opening"); /* only the closing delimiter */
	refused(MIXED, "--b1--\r\n");
	refused(MIXED, "\r\n--b1--\r\n--b1\r\n\r\nx\r\n--b1--");
	refused(MIXED, "");
	refused(MIXED, "text\r\n");
	refused("multipart/mixed;boundary=longer-than-the-body", "--b");
	refused_as(MIXED, "--b1\r\n\r\nx", -FAIL_SYNTAX, "closing");
	refused(MIXED, "--b1");
	refused(MIXED, "--b1\r\n");
	refused(MIXED, "--b1\r\n\r\nx\r\n--b1\r\n");
	/* parts of no length, the line end being that of the delimiter, or not even that */
	assert_int_equal(split(MIXED, "--b1\r\n\r\n\r\n--b1\r\n\r\n--b1\r\n--b1--"), 3);
	for (int i = 0; i < 3; i++)
		assert_true(parts[i].body.n == 0 && parts[i].type.n == 0);
	/* headers but no body, with and without the empty line */
	assert_int_equal(split(MIXED, "--b1\r\nContent-Type: a/b\r\n--b1\r\nContent-Type: "
				      "c/d\r\n\r\n--b1--"),
		2);
	assert_str(parts[0].type, "a/b");
	assert_str(parts[0].body, "");
	assert_str(parts[1].type, "c/d");
	assert_str(parts[1].body, "");
	/* malformed header lines */
	refused_as(MIXED, "--b1\r\nno colon\r\n\r\nx\r\n--b1--", -FAIL_SYNTAX, "header line");
	refused(MIXED, "--b1\r\n: x\r\n\r\nx\r\n--b1--");
	refused(MIXED, "--b1\r\n folded\r\n\r\nx\r\n--b1--");
	refused(MIXED, "--b1\r\na(b: x\r\n\r\nx\r\n--b1--");
	assert_int_equal(multipart_split(STR(MIXED), STR("--b1\r\na: \0\r\n\r\nx\r\n--b1--"), parts,
				 &count, NULL),
		-FAIL_SYNTAX);
	/* each beginning: whole only with the whole closing delimiter */
	for (size_t n = 0; n < sizeof(whole); n++)
		assert_int_equal(multipart_split(STR(MIXED), hold(whole, n), parts, &count, NULL),
			n >= sizeof(whole) - 1 - 2 ? 0 : -FAIL_SYNTAX);
}

static void part_limit(void **state)
{
	struct buf b = BUF_INIT(1 << 20);

	(void)state;
	for (unsigned n = MULTIPART_PARTS; n <= MULTIPART_PARTS + 1; n++) {
		buf_clear(&b);
		for (unsigned i = 0; i < n; i++)
			buf_add_str(&b, STR("--b1\r\n\r\nx\r\n"));
		buf_add_str(&b, STR("--b1--"));
		if (n == MULTIPART_PARTS)
			assert_int_equal(split(MIXED, buf_cstr(&b)), n);
		else
			refused_as(MIXED, buf_cstr(&b), -FAIL_LIMIT, "64 parts");
	}
	buf_done(&b);
}

/* ---- finding ---- */

static const char *found(const char *type, const char *body, const char *want)
{
	static char copy[1024];
	struct str out = STR("kept");

	if (!multipart_find(str_of(type), hold(body, strlen(body)), want, &out)) {
		assert_str(out, "kept");
		return NULL;
	}
	snprintf(copy, sizeof(copy), STR_FMT, STR_ARG(out));
	return copy;
}

static void find(void **state)
{
	/* RFC 5621 section 4.1: an alternative inside of a mixed one; the boundary of the outer is
	 * the beginning of the inner. */
	static const char nested[] =
		"--b1\r\nContent-Type: application/pidf+xml\r\n\r\n<x/>\r\n"
		"--b1\r\nContent-Type: multipart/alternative;\r\n boundary=b12\r\n"
		"\r\n"
		"--b12\r\nContent-Type: text/html\r\n\r\n<html>\r\n"
		"--b12\r\nContent-Type: Application / SDP ; x=y\r\n\r\nv=0\r\n\r\n"
		"--b12--\r\n"
		"--b1\r\nContent-Type: application/sdp\r\n\r\nv=1\r\n"
		"--b1\r\n\r\nplain\r\n"
		"--b1--";

	(void)state;
	assert_string_equal(found("application/sdp", "v=0\r\n", "application/sdp"), "v=0\r\n");
	assert_string_equal(found("APPLICATION/Sdp;x=y", "v=0", "application/sdp"), "v=0");
	assert_null(found("application/sdpx", "v=0", "application/sdp"));
	assert_null(found("", "v=0", "application/sdp"));
	assert_string_equal(found(MIXED, nested, "application/sdp"), "v=0\r\n");
	assert_string_equal(found(MIXED, nested, "application/pidf+xml"), "<x/>");
	assert_string_equal(found(MIXED, nested, "text/html"), "<html>");
	assert_string_equal(found(MIXED, nested, "text/plain"), "plain"); /* RFC 2046 5.1 */
	assert_null(found(MIXED, nested, "text/xml"));
	assert_null(found("multipart/mixed", nested, "application/sdp"));
	/* a malformed multipart has no parts, its neighbours stay */
	assert_string_equal(found(MIXED,
				    "--b1\r\nContent-Type: multipart/mixed;boundary=q\r\n\r\n"
				    "--q\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n"
				    "--b1\r\nContent-Type: application/sdp\r\n\r\nv=2\r\n--b1--",
				    "application/sdp"),
		"v=2");
}

/* SDP inside of so many multiparts. */
static const char *deep(int levels)
{
	struct buf b = BUF_INIT(1 << 20);
	const char *got;

	for (int i = 0; i < levels; i++)
		buf_addf(&b, "--d%d\r\nContent-Type: %s%d\r\n\r\n", i,
			i + 1 < levels ? "multipart/mixed;boundary=d" : "application/sdp;n=",
			i + 1);
	buf_add_str(&b, STR("v=0"));
	for (int i = levels - 1; i >= 0; i--)
		buf_addf(&b, "\r\n--d%d--", i);
	got = found("multipart/mixed;boundary=d0", buf_cstr(&b), "application/sdp");
	buf_done(&b);
	return got;
}

static void depth(void **state)
{
	(void)state;
	for (int i = 1; i <= 4; i++)
		assert_string_equal(deep(i), "v=0");
	assert_null(deep(5));
	assert_null(deep(1000));
}

/* ---- linear time (A78) ---- */

static double seconds_for(const char *unit, size_t n)
{
	struct timespec a, b;
	struct buf body = BUF_INIT(1 << 21);
	struct str out;

	buf_add_str(&body, STR("--b1\r\n\r\n"));
	while (body.n < n)
		buf_add_str(&body, str_of(unit));
	buf_add_str(&body, STR("\r\n--b1--"));
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
	for (int i = 0; i < 20; i++)
		multipart_find(STR(MIXED), buf_str(&body), "application/sdp", &out);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
	buf_done(&body);
	return (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9;
}

static void linear(void **state)
{
	static const char *const units[] = { "--b1", "\n", "\r\n--b1-\r\n", "\r\n--", " " };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		double best = 1e9;
		for (int k = 0; k < 5 && best > 12; k++) {
			double one = seconds_for(units[i], 100000);
			double ten = seconds_for(units[i], 1000000);
			if (ten / one < best)
				best = ten / one;
		}
		if (best > 25) /* quadratic would be 100 */
			fail_msg("row %zu: ten times the size takes %.1f times the time", i, best);
	}
}

int main(void)
{
#define T(name) cmocka_unit_test_teardown(name, let_go)
	const struct CMUnitTest tests[] = {
		T(rfc2046),
		T(headers),
		T(line_ends),
		T(no_delimiters),
		T(content_types),
		T(boundary_length),
		T(a49),
		T(part_limit),
		T(find),
		T(depth),
		T(linear),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
