/* tests/unit/test_cli_ladder.c -- the layout of a ladder: columns, labels that must be shortened,
 * names that do not fit, marks, and what is left out */
#include "../../cli/ladder.h"
#include "base/base.h"
#include "base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { KEEP = 20 };

static uint64_t now_us; /* of the test that runs */

static int start(void **state)
{
	(void)state;
	now_us = 0;
	return 0;
}

static void add(struct ladder *l, const char *from, const char *to, const char *label)
{
	ladder_add(l, &(struct ladder_message){
			      .at_us = now_us += 1000,
			      .from = str_of(from),
			      .to = str_of(to),
			      .label = str_of(label),
		      });
}

/* At most 80 columns, no blanks at the end. */
static void check_lines(struct str text)
{
	struct str line;

	while (str_cut(text, '\n', &line, &text)) {
		size_t columns = 0;

		for (size_t i = 0; i < line.n; i++)
			columns += ((unsigned char)line.p[i] & 0xc0) != 0x80;
		assert_true(columns <= 80);
		assert_true(line.n > 0 && line.p[line.n - 1] != ' ');
	}
	assert_int_equal(text.n, 0);
}

static void shows(struct ladder *l, bool utf8, const char *wanted)
{
	struct buf b = BUF_INIT(1 << 20);

	ladder_write(l, (struct ladder_style){ .utf8 = utf8 }, &b);
	assert_int_equal(b.fail, 0);
	assert_true(utf8_valid(buf_str(&b)));
	if (wanted)
		assert_string_equal(buf_cstr(&b), wanted);
	check_lines(buf_str(&b));
	buf_done(&b);
	ladder_free(l);
}

static bool has(struct ladder *l, const char *part)
{
	struct buf b = BUF_INIT(1 << 20);
	bool found;

	ladder_write(l, (struct ladder_style){ 0 }, &b);
	found = strstr(buf_cstr(&b), part) != NULL;
	check_lines(buf_str(&b));
	buf_done(&b);
	return found;
}

static struct ladder *call(void)
{
	struct ladder *l = ladder_new(KEEP);

	ladder_party(l, STR("us"));
	ladder_add(l, &(struct ladder_message){ 500, STR("us"), STR("10.0.0.1:5060"), STR("INVITE"),
			      STR("1"), false });
	ladder_add(l, &(struct ladder_message){ 501000, STR("us"), STR("10.0.0.1:5060"),
			      STR("INVITE"), STR("1"), false }); /* the same bytes */
	ladder_add(l, &(struct ladder_message){ 600000, STR("10.0.0.1:5060"), STR("us"),
			      STR("180 Ringing (INVITE)"), STR("2"), false });
	ladder_add(l, &(struct ladder_message){ 99999999000, STR("10.0.0.1:5060"), STR("us"),
			      STR("200 OK (INVITE)"), STR("3"), true });
	return l;
}

static void two_parties(void **state)
{
	(void)state;
	shows(call(), false,
		"            us                                     10.0.0.1:5060\n"
		"    0.001    |----------------- INVITE ----------------->|\n"
		"    0.501 !  |----------------- INVITE ----------------->|\n"
		"    0.600    |<--------- 180 Ringing (INVITE) -----------|\n"
		"99999.999 !  |<------------ 200 OK (INVITE) -------------|\n"
		"          ! a retransmission, or not expected\n");
}

/* The drawing in UTF-8 is that in ASCII, sign by sign. */
static void in_utf8(void **state)
{
	static const char *const drawn[] = { "|\u2502", "-\u2500", ">\u2192", "<\u2190" };
	struct ladder *l = call();
	struct buf ascii = BUF_INIT(1 << 16), utf8 = BUF_INIT(1 << 16);
	unsigned signs = 0;
	size_t n = 0;

	(void)state;
	ladder_write(l, (struct ladder_style){ 0 }, &ascii);
	ladder_write(l, (struct ladder_style){ .utf8 = true }, &utf8);
	assert_true(utf8_valid(str_of(buf_cstr(&utf8)))); /* which ends it, for strncmp */
	for (size_t i = 0; i < utf8.n; n++) {
		const char *p = utf8.p + i;
		size_t k = 0;

		assert_true(n < ascii.n);
		while (k < ARRAY_LEN(drawn) && strncmp(p, drawn[k] + 1, 3) != 0)
			k++;
		assert_int_equal(ascii.p[n], k < ARRAY_LEN(drawn) ? drawn[k][0] : *p);
		signs += k < ARRAY_LEN(drawn);
		i += k < ARRAY_LEN(drawn) ? 3 : 1;
	}
	assert_int_equal(n, ascii.n);
	assert_true(signs > 100);
	buf_done(&ascii);
	buf_done(&utf8);
	ladder_free(l);
}

static void colors(void **state)
{
	struct buf b = BUF_INIT(1 << 16);
	struct ladder *l = call();

	(void)state;
	ladder_write(l, (struct ladder_style){ .color = true }, &b);
	assert_non_null(strstr(buf_cstr(&b), "|\x1b[36m----------------- INVITE ----"));
	assert_non_null(strstr(buf_cstr(&b), "|\x1b[33m----------------- INVITE ----"));
	assert_non_null(strstr(buf_cstr(&b), "|\x1b[32m<--------- 180 Ringing"));
	assert_non_null(strstr(buf_cstr(&b), "--->\x1b[0m|\n"));
	buf_done(&b);
	ladder_free(l);
}

static void four_parties(void **state)
{
	struct ladder *l = ladder_new(KEEP);

	(void)state;
	for (int i = 1; i <= 3; i++) {
		char name[32];
		snprintf(name, sizeof(name), "10.0.0.%d:5060", i);
		add(l, "us", name, "SUBSCRIBE");
		add(l, name, "us", "401 Unauthorized (SUBSCRIBE)");
	}
	assert_true(has(l, "us           10.0.0.1:5060     10.0.0.2:5060     10.0.0.3:5060\n"));
	assert_true(has(l, "|< 401 SUBSCRIBE -|")); /* the reason goes first, then the end */
	assert_true(has(l, "|<- 401 Unauthorized (SUBSCRIBE) ---|"));
	assert_true(has(l, "|<---------- 401 Unauthorized (SUBSCRIBE) ------------|\n"));
	assert_false(has(l, "["));
	ladder_free(l);
}

static void more_parties(void **state)
{
	struct ladder *l = ladder_new(KEEP);

	(void)state;
	for (int i = 1; i <= 6; i++) {
		char name[32];
		snprintf(name, sizeof(name), "10.0.0.%d:5060", i);
		add(l, "us", name, "OPTIONS");
	}
	add(l, "10.0.0.3:5060", "10.0.0.6:5060", "ACK");
	assert_true(has(l, "10.0.0.2:5060        others\n"));
	assert_true(has(l, "- [4] OPTIONS -"));
	assert_true(has(l, "- [7] OPTIONS -"));
	assert_true(has(l, "[4] > [7] ACK  |\n"));
	assert_true(has(l, "        [4] 10.0.0.3:5060\n"));
	assert_true(has(l, "        [7] 10.0.0.6:5060\n"));
	assert_false(has(l, "[3] "));
	ladder_free(l);
}

static void long_names(void **state)
{
	const char *name = "[2001:db8:1234:5678:9abc:def0:1234:5678]:65535";
	struct ladder *l = ladder_new(KEEP);

	(void)state;
	add(l, "us", name, "OPTIONS");
	assert_true(has(l, "us                                          [2]\n"));
	assert_true(has(l, "        [2] [2001:db8:1234:5678:9abc:def0:1234:5678]:65535\n"));
	ladder_free(l);
}

/* Whatever comes, no line is wider than a terminal, and no byte is one that it obeys. */
static void hostile(void **state)
{
	static const char bytes[] = "\x1b[31m\x01\x02\x7f\xc3\xa9\xff";
	struct ladder *l = ladder_new(KEEP);
	char text[300];
	struct buf b = BUF_INIT(1 << 20);

	(void)state;
	memset(text, 'x', sizeof(text));
	memcpy(text + 10, bytes, sizeof(bytes) - 1);
	for (size_t n = 0; n < sizeof(text); n += 13) {
		struct str s = { text, n };
		ladder_add(l, &(struct ladder_message){ n, s, STR("us"), s, s, false });
		ladder_add(l, &(struct ladder_message){ UINT64_MAX, STR("us"), s, s, s, true });
	}
	ladder_write(l, (struct ladder_style){ .utf8 = true }, &b);
	for (size_t i = 0; i < b.n; i++)
		assert_true(b.p[i] == '\n' || (unsigned char)b.p[i] >= ' ');
	assert_true(utf8_valid(buf_str(&b)));
	check_lines(buf_str(&b));
	buf_done(&b);
	ladder_free(l);
}

static void left_out(void **state)
{
	struct ladder *l = ladder_new(KEEP);

	(void)state;
	shows(ladder_new(KEEP), false, "no message was sent or received\n");
	for (int i = 0; i < KEEP; i++)
		add(l, "us", i == 0 ? "gone" : "them", "OPTIONS");
	assert_true(has(l, "gone"));
	assert_false(has(l, "left out"));
	for (int i = 0; i < 1000; i++)
		add(l, "us", "them", "OPTIONS");
	assert_false(has(l, "gone"));
	assert_true(has(l, "          1000 earlier messages are left out\n"));
	ladder_free(l);
}

static void one_party(void **state)
{
	struct ladder *l = ladder_new(KEEP);

	(void)state;
	ladder_party(l, STR("us"));
	add(l, "us", "us", "ACK");
	assert_true(has(l, "| [1] > [1] ACK\n"));
	ladder_free(l);
}

static void is_called(const char *message, const char *wanted)
{
	struct buf b = BUF_INIT(1 << 16);

	ladder_label(&b, str_of(message));
	assert_string_equal(buf_cstr(&b), wanted);
	buf_done(&b);
}

static void labels(void **state)
{
	(void)state;
	is_called("INVITE sip:a@b SIP/2.0\r\nCSeq: 1 INVITE\r\n\r\n", "INVITE");
	is_called(
		"SIP/2.0 180 Ringing\r\nVia: x\r\nCSeq: 1 INVITE\r\n\r\n", "180 Ringing (INVITE)");
	is_called("SIP/2.0 200 OK\ncseq  :\t7   BYE \n\n", "200 OK (BYE)");
	is_called("SIP/2.0 200 \r\nCSeq: 1 INVITE\r\n\r\n", "200 (INVITE)");
	is_called("SIP/2.0 200 OK\r\n\r\nCSeq: 1 INVITE\r\n", "200 OK");
	is_called("SIP/2.0 200 OK\r\nCSeq: 1\r\n\r\n", "200 OK");
	is_called("SIP/2.0", "SIP/2.0");
	is_called("garbage", "garbage");
	is_called("\r\n\r\n", "4 bytes");
	is_called("", "0 bytes");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(two_parties, start),
		cmocka_unit_test_setup(in_utf8, start),
		cmocka_unit_test_setup(colors, start),
		cmocka_unit_test_setup(four_parties, start),
		cmocka_unit_test_setup(more_parties, start),
		cmocka_unit_test_setup(long_names, start),
		cmocka_unit_test_setup(hostile, start),
		cmocka_unit_test_setup(left_out, start),
		cmocka_unit_test_setup(one_party, start),
		cmocka_unit_test_setup(labels, start),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
