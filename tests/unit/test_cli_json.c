/* tests/unit/test_cli_json.c -- a record is written whole, or not at all */
#include "../../cli/out_impl.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- what out_json.c needs of the rest of the output ---- */

static size_t written;

void out_write(struct out_stream *s, struct str bytes)
{
	if (s->failed == 0)
		written += bytes.n;
}

double out_elapsed_ms(const struct out *o)
{
	(void)o;
	return 0;
}

bool out_body_is_text(struct str body)
{
	(void)body;
	return true;
}

const char *out_way_out(const struct endpoint_msg *m, struct buf *b)
{
	(void)m;
	(void)b;
	return NULL;
}

/* ---- tests ---- */

/* Control characters take six bytes each in JSON. */
static char *controls(size_t n)
{
	char *text = malloc(n + 1);

	assert_non_null(text);
	memset(text, 1, n);
	text[n] = '\0';
	return text;
}

static void too_long(void **state)
{
	struct out o = { .config.command = "options" };
	char *fits = controls(10 << 20), *long_one = controls(11 << 20);

	(void)state;
	out_json_check(&o, &(struct out_check){ .name = "x", .wanted = fits });
	assert_int_equal(o.result.failed, 0);
	assert_true(written > 60 << 20);
	written = 0;
	out_json_check(&o, &(struct out_check){ .name = "x", .wanted = long_one });
	assert_int_equal(o.result.failed, EFBIG);
	out_json_check(&o, &(struct out_check){ .name = "x", .wanted = "y" });
	assert_int_equal(written, 0);
	free(fits);
	free(long_one);
}

/* For a program: the line fails. */
static void too_long_for_a_program(void **state)
{
	struct out o = { .config.command = "listen" };
	struct endpoint_msg m = { .method = STR("OPTIONS"), .wire = STR("OPTIONS sip:a SIP/2.0") };
	struct buf line = BUF_INIT(4096), little = BUF_INIT(100);

	(void)state;
	out_request_json(&o, &m, &line);
	assert_int_equal(line.fail, 0);
	assert_int_equal(line.p[line.n - 1], '\n');
	out_request_json(&o, &m, &little);
	assert_int_not_equal(little.fail, 0);
	assert_int_equal(little.n, 0);
	buf_done(&line);
	buf_done(&little);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(too_long),
		cmocka_unit_test(too_long_for_a_program),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
