/* tests/unit/test_cli_value.c -- text of options to values: cli.md section 6 */
#include "../../cli/value.h"

#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define REFUSED UINT64_MAX

static uint64_t ms(const char *text)
{
	struct fail f = { 0 };
	uint64_t out = 77;
	int e = value_ms("--x", text, 42, &out, &f);

	if (e == 0)
		return out;
	assert_int_equal(e, -FAIL_ARGUMENT);
	assert_int_equal(f.code, e);
	assert_memory_equal(f.text, "--x: ", 5);
	assert_int_equal(out, 77); /* untouched */
	return REFUSED;
}

static void times(void **state)
{
	(void)state;
	assert_int_equal(ms(NULL), 42);
	assert_int_equal(ms("500ms"), 500);
	assert_int_equal(ms("5"), 5000);
	assert_int_equal(ms("5s"), 5000);
	assert_int_equal(ms("0"), 0);
	assert_int_equal(ms("0.25s"), 250);
	assert_int_equal(ms("1.5"), 1500);
	assert_int_equal(ms("0.001"), 1);
	assert_int_equal(ms("2m"), 120000);
	assert_int_equal(ms("1.5h"), 5400000);
	assert_int_equal(ms("1193h"), 4294800000);
	static const char *const bad[] = { "", " ", "s", "ms", ".5", "5.", "5.0001", "-1", "+1",
		"5 s", " 5", "5d", "5S", "0x10", "1e3", "1194h", "99999999999999999999", "0.5ms",
		"5s5", "\xd9\xa5" };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(ms(bad[i]), REFUSED);
}

static void seconds(void **state)
{
	struct fail f = { 0 };
	uint32_t out = 7;

	(void)state;
	assert_int_equal(value_seconds("--x", NULL, 3600, &out, &f), 0);
	assert_int_equal(out, 3600);
	assert_int_equal(value_seconds("--x", "10m", 0, &out, &f), 0);
	assert_int_equal(out, 600);
	assert_int_equal(value_seconds("--x", "2000ms", 0, &out, &f), 0);
	assert_int_equal(out, 2);
	assert_int_equal(value_seconds("--x", "500ms", 0, &out, &f), -FAIL_ARGUMENT);
	assert_int_equal(out, 2);
}

static void numbers(void **state)
{
	const struct value_range range = { 1, 255, 70 };
	struct fail f = { 0 };
	uint32_t out = 7;

	(void)state;
	assert_int_equal(value_number("--x", NULL, range, &out, &f), 0);
	assert_int_equal(out, 70);
	assert_int_equal(value_number("--x", "255", range, &out, &f), 0);
	assert_int_equal(out, 255);
	assert_int_equal(value_number("--x", "0", range, &out, &f), -FAIL_ARGUMENT);
	assert_string_equal(f.text, "--x: \"0\" is not a number from 1 to 255");
	assert_int_equal(value_number("--x", "256", range, &out, &f), -FAIL_ARGUMENT);
	assert_int_equal(value_number("--x", "", range, &out, &f), -FAIL_ARGUMENT);
	assert_int_equal(value_number("--x", "4294967297", range, &out, &f), -FAIL_ARGUMENT);
	assert_int_equal(out, 255);
}

static void words(void **state)
{
	struct value_list list;
	struct fail f = { 0 };
	int out = -1;

	(void)state;
	assert_int_equal(value_word("--x", NULL, "a|bc|d", &out, &f), 0);
	assert_int_equal(out, -1);
	assert_int_equal(value_word("--x", "bc", "a|bc|d", &out, &f), 0);
	assert_int_equal(out, 1);
	assert_int_equal(value_word("--x", "b", "a|bc|d", &out, &f), -FAIL_ARGUMENT);
	assert_int_equal(value_word("--x", "", "a|bc|d", &out, &f), -FAIL_ARGUMENT);
	assert_int_equal(value_word("--x", "a|bc", "a|bc|d", &out, &f), -FAIL_ARGUMENT);
	assert_int_equal(value_words("--x", NULL, "a|bc|d", &list, &f), 0);
	assert_int_equal(list.n, 0);
	assert_int_equal(value_words("--x", "d, a", "a|bc|d", &list, &f), 0);
	assert_int_equal(list.n, 2);
	assert_int_equal(list.v[0], 2);
	assert_int_equal(list.v[1], 0);
	assert_int_equal(value_words("--x", "d,d", "a|bc|d", &list, &f), -FAIL_ARGUMENT);
	assert_int_equal(value_words("--x", "d,", "a|bc|d", &list, &f), -FAIL_ARGUMENT);
	assert_int_equal(value_words("--x", "", "a|bc|d", &list, &f), -FAIL_ARGUMENT);
	assert_int_equal(value_words("--x", "a,b,c,d,e,f,g,h,i", "a|b|c|d|e|f|g|h|i", &list, &f),
		-FAIL_ARGUMENT);
	assert_int_equal(list.n, 2);
}

static void fractions(void **state)
{
	struct fail f = { 0 };
	int out = 7;

	(void)state;
	assert_int_equal(value_q("--q", NULL, -1, &out, &f), 0);
	assert_int_equal(out, -1);
	assert_int_equal(value_q("--q", "0.5", -1, &out, &f), 0);
	assert_int_equal(out, 500);
	assert_int_equal(value_q("--q", "1", -1, &out, &f), 0);
	assert_int_equal(out, 1000);
	assert_int_equal(value_q("--q", "1.001", -1, &out, &f), -FAIL_ARGUMENT);
	assert_int_equal(value_q("--q", "0.5x", -1, &out, &f), -FAIL_ARGUMENT);
}

static void hosts(void **state)
{
	static const struct {
		const char *text, *host; /* host NULL: refused */
		uint16_t port;
	} cases[] = {
		{ "example.com", "example.com", 0 },
		{ "example.com:5060", "example.com", 5060 },
		{ "192.0.2.1:65535", "192.0.2.1", 65535 },
		{ "2001:db8::1", "2001:db8::1", 0 },
		{ "[2001:db8::1]", "2001:db8::1", 0 },
		{ "[2001:db8::1]:5061", "2001:db8::1", 5061 },
		{ "[fe80::1%eth0]:5061", "fe80::1%eth0", 5061 },
		{ "::1", "::1", 0 },
		{ "", NULL, 0 },
		{ ":5060", NULL, 0 },
		{ "example.com:", NULL, 0 },
		{ "example.com:0", NULL, 0 },
		{ "example.com:65536", NULL, 0 },
		{ "example.com:5060x", NULL, 0 },
		{ "exa mple.com", NULL, 0 },
		{ "sip:example.com", NULL, 0 },
		{ "a:b:c", "a:b:c", 0 },
		{ "g:b:c", NULL, 0 },
		{ "[::1", NULL, 0 },
		{ "[]:5060", NULL, 0 },
		{ "[::1]5060", NULL, 0 },
		{ "[::1]:", NULL, 0 },
		{ "example.com;x", NULL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fail f = { 0 };
		struct str host;
		uint16_t port;
		int e = value_hostport("--x", cases[i].text, &host, &port, &f);

		if (!cases[i].host) {
			assert_int_equal(e, -FAIL_ARGUMENT);
			continue;
		}
		assert_int_equal(e, 0);
		assert_true(str_eq(host, str_of(cases[i].host)));
		assert_int_equal(port, cases[i].port);
	}
}

static void data(void **state)
{
	struct arena a = { 0 };
	struct fail f = { 0 };
	struct str out;

	(void)state;
	assert_int_equal(value_data("-d", NULL, &a, &out, &f), 0);
	assert_int_equal(out.n, 0);
	assert_int_equal(value_data("-d", "hello", &a, &out, &f), 0);
	assert_true(str_eq(out, STR("hello")));
	assert_int_equal(value_data("-d", "@@home", &a, &out, &f), 0);
	assert_true(str_eq(out, STR("@home")));
	assert_int_equal(value_data("-d", "@/dev/null", &a, &out, &f), 0);
	assert_int_equal(out.n, 0);
	assert_int_equal(value_data("-d", "@", &a, &out, &f), -FAIL_ARGUMENT);
	assert_int_equal(value_data("-d", "@/nonexistent", &a, &out, &f), -FAIL_LOCAL);
	assert_string_equal(f.text, "-d: /nonexistent: No such file or directory");
	assert_int_equal(
		value_data("-d", "@/dev/zero", &a, &out, &f), -FAIL_LOCAL); /* 4 MiB at most */
	arena_done(&a);
}

static void messages(void **state)
{
	struct fail f = { 0 };
	char shown[VALUE_SHOWN], text[400];

	(void)state;
	assert_int_equal(value_clean("--x", NULL, &f), 0);
	assert_int_equal(value_clean("--x", "a\tb \xc3\xa4", &f), 0);
	assert_int_equal(value_clean("--x", "", &f), -FAIL_ARGUMENT);
	assert_int_equal(value_clean("--x", "a\rb", &f), -FAIL_ARGUMENT);
	assert_string_equal(
		f.text, "--x: \"a\\x0db\" is not fit for a message: it has a control character");
	assert_int_equal(value_clean("--x", "\xc3", &f), -FAIL_ARGUMENT);
	assert_int_equal(value_mime("--type", "text/plain;charset=utf-8", &f), 0);
	assert_int_equal(value_mime("--type", "text", &f), -FAIL_ARGUMENT);
	assert_int_equal(value_mime("--type", "text/ plain", &f), -FAIL_ARGUMENT);
	assert_string_equal(value_show("a\x1b[1m", shown), "\"a\\x1b[1m\"");
	memset(text, '\x01', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	value_show(text, shown); /* the longest there is */
	assert_string_equal(shown + strlen(shown) - 4, "...\"");
	memset(text, 'a', 47);
	memcpy(text + 47, "\xe2\x82\xac\xe2\x82\xac", 7);
	assert_string_equal(
		value_show(text, shown), "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...\"");
}

static void nearest(void **state)
{
	static const char *const list[] = { "register", "options", "expires", "exp", NULL };

	(void)state;
	assert_string_equal(value_nearest("regsiter", list), "register");
	assert_string_equal(value_nearest("option", list), "options");
	assert_string_equal(value_nearest("exprise", list), "expires");
	assert_string_equal(value_nearest("re", list), "register");
	assert_null(value_nearest("foo", list));
	assert_null(value_nearest("", list));
	assert_null(value_nearest("a-very-long-word-that-is-longer-than-all-of-them", list));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times),
		cmocka_unit_test(seconds),
		cmocka_unit_test(numbers),
		cmocka_unit_test(words),
		cmocka_unit_test(fractions),
		cmocka_unit_test(hosts),
		cmocka_unit_test(data),
		cmocka_unit_test(messages),
		cmocka_unit_test(nearest),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
