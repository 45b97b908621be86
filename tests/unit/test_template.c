/* tests/unit/test_template.c -- messages with fields to fill in (endpoint/template.h) */
#include "endpoint/template.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const variables[] = { "NAME=value", "NAMES=other", "EMPTY=", "LINES=a\nb",
	"CR=a\rb", NULL };

static const struct template_facts facts = {
	.method = { "OPTIONS", 7 },
	.request_uri = { "sip:a@b", 7 },
	.from_tag = { "tag1", 4 },
	.call_id = { "id1", 3 },
	.branch = { "z9hG4bK1", 8 },
	.local = { "192.0.2.1:5060", 14 },
	.transport = { "TCP", 3 },
	.seq = 7,
};

static int make(const char *text, const struct template_set *sets, unsigned n,
	struct template **out, struct fail *f)
{
	const struct template_config config = {
		.text = str_of(text),
		.file = "x.sip",
		.sets = sets,
		.set_count = n,
		.environment = variables,
	};

	return template_new(&config, out, f);
}

static void check(const char *text, const struct template_set *sets, unsigned n, const char *wanted)
{
	struct buf b = BUF_INIT(1 << 16);
	struct template *t;
	struct fail f = { 0 };

	if (make(text, sets, n, &t, &f) != 0)
		fail_msg("refused: %s: %s", text, f.text);
	template_expand(t, &facts, &b);
	assert_string_equal(buf_cstr(&b), wanted);
	template_free(t);
	buf_done(&b);
}

static void fields(void **state)
{
	(void)state;
	check("", NULL, 0, "");
	check("plain {text} }} {\r\n", NULL, 0, "plain {text} }} {\r\n");
	check("{{method}} {{ request_uri }}", NULL, 0, "OPTIONS sip:a@b");
	check("{{from_tag}}{{call_id}}{{branch}}", NULL, 0, "tag1id1z9hG4bK1");
	check("{{transport}} {{local}} {{seq}}", NULL, 0, "TCP 192.0.2.1:5060 7");
	check("{{env:NAME}}{{env:EMPTY}}.{{env:NAMES}}", NULL, 0, "value.other");
}

static void sets(void **state)
{
	const struct template_set list[] = {
		{ STR("who"), STR("alice") },
		{ STR("who"), STR("bob") },
		{ STR("open"), STR("{{") },
		{ STR("call_id"), STR("mine") },
		{ STR("none"), STR_EMPTY },
	};

	(void)state;
	check("{{who}}", list, 5, "bob"); /* the last one counts */
	check("{{open}}method}}", list, 5, "{{method}}"); /* not looked at again */
	check("{{call_id}}", list, 5, "mine"); /* it hides ours */
	check("<{{none}}>", list, 5, "<>");
}

static void refused(void **state)
{
	static const struct {
		const char *text, *says;
	} bad[] = {
		{ "{{nosuch}}", "x.sip:1: {{nosuch}}: there is no such field" },
		{ "a\nb\n{{nosuch}}", "x.sip:3: " },
		{ "{{METHOD}}", "x.sip:1: {{METHOD}}" },
		{ "{{}}", "x.sip:1: {{}}" },
		{ "\n{{method\n}}", "x.sip:2: {{method}}: it is not closed" },
		{ "{{method", "x.sip:1: {{method}}: it is not closed" },
		{ "{{", "it is not closed" },
		{ "{{rand:0}}", "N is a number" },
		{ "{{rand:}}", "N is a number" },
		{ "{{rand:1025}}", "N is a number" },
		{ "{{rand}}", "no such field" },
		{ "{{env:NO}}", "no such variable" },
		{ "{{env:}}", "no such variable" },
		{ "{{env:LINES}}", "line breaks" },
		{ "{{env:CR}}", "line breaks" },
		{ "{{\x1b[2J}}", "{{?[2J}}" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct template *t;
		struct fail f = { 0 };

		if (make(bad[i].text, NULL, 0, &t, &f) != -FAIL_ARGUMENT)
			fail_msg("taken: %s", bad[i].text);
		if (!strstr(f.text, bad[i].says))
			fail_msg("%s: %s", bad[i].text, f.text);
	}
}

/* What is random is chosen once: a request that is sent again is the same one. */
static void random_values(void **state)
{
	struct buf a = BUF_INIT(1 << 16), b = BUF_INIT(1 << 16);
	struct template *t;
	struct str first, second;

	(void)state;
	assert_int_equal(make("{{uuid}} {{uuid}} {{rand:1024}}", NULL, 0, &t, NULL), 0);
	template_expand(t, &facts, &a);
	template_expand(t, &facts, &b);
	assert_true(str_eq(buf_str(&a), buf_str(&b)));
	assert_int_equal(a.n, 36 + 1 + 36 + 1 + 1024);
	assert_true(str_cut(buf_str(&a), ' ', &first, &second));
	assert_false(str_eq(first, str_sub(second, 0, 36)));
	template_free(t);
	buf_done(&a);
	buf_done(&b);
}

static void names(void **state)
{
	(void)state;
	assert_true(template_is_name(STR("a")));
	assert_true(template_is_name(STR("A_1")));
	assert_false(template_is_name(STR("")));
	assert_false(template_is_name(STR("1a")));
	assert_false(template_is_name(STR("_a")));
	assert_false(template_is_name(STR("env:HOME")));
	assert_false(template_is_name(STR("a b")));
}

/* The limit of the buffer holds. */
static void limit(void **state)
{
	struct buf b = BUF_INIT(10);
	struct template *t;

	(void)state;
	assert_int_equal(make("{{rand:11}}", NULL, 0, &t, NULL), 0);
	template_expand(t, &facts, &b);
	assert_int_equal(b.fail, -FAIL_LIMIT);
	template_free(t);
	template_free(NULL);
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields),
		cmocka_unit_test(sets),
		cmocka_unit_test(refused),
		cmocka_unit_test(random_values),
		cmocka_unit_test(names),
		cmocka_unit_test(limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
