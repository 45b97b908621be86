/* tests/unit/test_reply.c -- rules of answers (endpoint/reply.h) and message/cpim bodies
 * (endpoint/cpim.h) */
#include "endpoint/cpim.h"
#include "endpoint/reply.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define assert_str(s, text) assert_true(str_eq((s), STR(text)))

static void rules(void **state)
{
	struct reply r;

	(void)state;
	assert_int_equal(reply_parse(STR("INVITE=486"), &r, NULL), 0);
	assert_str(r.method, "INVITE");
	assert_int_equal(r.status, 486);
	assert_int_equal(r.user.n + r.reason.n + r.after_ms, 0);
	assert_false(r.has_retry_after);
	assert_int_equal(
		reply_parse(
			STR("MESSAGE bob=480 Gone Fishing;after=1500ms;retry-after=2m"), &r, NULL),
		0);
	assert_str(r.user, "bob");
	assert_str(r.reason, "Gone Fishing");
	assert_int_equal(r.after_ms, 1500);
	assert_true(r.has_retry_after);
	assert_int_equal(r.retry_after, 120);
	assert_int_equal(reply_parse(STR("*=0"), &r, NULL), 0);
	assert_int_equal(r.status, 0);
	/* seconds are rounded up, and stay in 32 bits */
	assert_int_equal(reply_parse(STR("A=503;retry-after=1ms"), &r, NULL), 0);
	assert_int_equal(r.retry_after, 1);
	assert_int_equal(reply_parse(STR("A=503;retry-after=1000000000h"), &r, NULL), 0);
	assert_int_equal(r.retry_after, UINT32_MAX);
}

static void no_rules(void **state)
{
	static const char *const bad[] = { "", "INVITE", "=200", "INVITE=", "INVITE=99",
		"INVITE=700", "INVITE=1", "IN VI TE=200", "INV\"ITE=200", "A=200;", "A=200;x=1",
		"A=200;after=", "A=200;after=-1", "A=200;after=1y", "A=200;after=10000000000",
		"A=200\r\nX: y", "A=200 \x01" };
	struct fail f = { 0 };
	struct reply r;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (reply_parse(str_of(bad[i]), &r, &f) != -FAIL_ARGUMENT)
			fail_msg("taken: %s", bad[i]);
}

static void statuses(void **state)
{
	unsigned status;
	struct str reason;

	(void)state;
	assert_true(reply_status(STR("200"), &status, &reason));
	assert_int_equal(reason.n, 0);
	assert_true(reply_status(STR("  603  Not  Today \t"), &status, &reason));
	assert_int_equal(status, 603);
	assert_str(reason, "Not  Today");
	assert_false(reply_status(STR("200\n"), &status, &reason));
	assert_false(reply_status(STR("-200"), &status, &reason));
	assert_false(reply_status(STR("200OK"), &status, &reason));
	assert_false(reply_status(STR("4294967496"), &status, &reason));
	assert_str(reply_phrase(486), "Busy Here");
}

static void cpim(void **state)
{
	struct buf b = BUF_INIT(4096);
	const struct cpim c = {
		.from_name = STR("A \"B\"\\\t\x01"),
		.from = STR("sip:alice@example.com"),
		.to = STR("sip:bob@example.com"),
		.time = 951782400, /* a leap day */
		.notify = CPIM_NEGATIVE_DELIVERY | CPIM_DISPLAY,
		.message_id = STR("34jk324j"),
		.type = STR("text/plain"),
		.body = STR("Hello\0World"),
	};
	static const char wanted[] =
		"From: \"A \\\"B\\\"\\\\\\t\\u0001\" <sip:alice@example.com>\r\n"
		"To: <sip:bob@example.com>\r\n"
		"DateTime: 2000-02-29T00:00:00Z\r\n"
		"NS: imdn <urn:ietf:params:imdn>\r\n"
		"imdn.Message-ID: 34jk324j\r\n"
		"imdn.Disposition-Notification: negative-delivery, display\r\n"
		"\r\n"
		"Content-Type: text/plain\r\n"
		"Content-Length: 11\r\n"
		"\r\n"
		"Hello\0World";

	(void)state;
	cpim_write(&c, &b);
	assert_int_equal(b.n, sizeof(wanted) - 1);
	assert_memory_equal(b.p, wanted, b.n);
	buf_done(&b);
}

/* What does not fit is noticed by who owns the buffer. */
static void cpim_limit(void **state)
{
	struct buf b = BUF_INIT(64);

	(void)state;
	cpim_write(&(struct cpim){ .from = STR("sip:a@b"),
			   .to = STR("sip:c@d"),
			   .type = STR("text/plain"),
			   .body = STR("x") },
		&b);
	assert_int_equal(b.fail, -FAIL_LIMIT);
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules),
		cmocka_unit_test(no_rules),
		cmocka_unit_test(statuses),
		cmocka_unit_test(cpim),
		cmocka_unit_test(cpim_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
