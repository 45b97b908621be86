/* tests/unit/test_cli_check.c -- --expect and its kind, --stop-after and --drop-after (cli.md
 * sections 7 and 9), on events as a call, a registration and a request cause them */
#include "../../cli/check.h"
#include "../../cli/exit.h"
#include "base/buf.h"
#include "sip/msg.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- the records ---- */

static struct {
	unsigned count, failed;
	char last[300]; /* "expect-header|Server: x|found|passed" */
} records;

void out_check(struct out *o, const struct out_check *c)
{
	(void)o;
	records.count++;
	records.failed += !c->passed;
	snprintf(records.last, sizeof(records.last), "%s|%s|" STR_FMT "|%s", c->name, c->wanted,
		STR_ARG(c->found), c->passed ? "passed" : "failed");
}

static struct check *make(const struct groups *g, bool keeps)
{
	struct check *c = NULL;
	struct fail f = { 0 };

	memset(&records, 0, sizeof(records));
	assert_int_equal(check_new(g, &c, &f), 0);
	check_open(c, NULL, keeps);
	return c;
}

static void refused(const struct groups *g, const char *text)
{
	struct check *c = NULL;
	struct fail f = { 0 };

	assert_int_equal(check_new(g, &c, &f), -FAIL_ARGUMENT);
	if (!strstr(f.text, text))
		fail_msg("\"%s\" is not in \"%s\"", text, f.text);
}

/* ---- results ---- */

static int result_of(struct check *c, unsigned status, int fail, int code)
{
	const struct endpoint_msg m = {
		.status_code = status, .method = STR("OPTIONS"), .reason_phrase = STR("Reason")
	};
	const struct endpoint_result r = {
		.response = status ? &m : NULL, .fail = { .code = fail }, .cause = ""
	};

	return check_result(c, &r, code);
}

static void expects(const char *list, unsigned status, int code, int wanted)
{
	const struct groups g = { .expect = list };
	struct check *c = make(&g, false);

	assert_int_equal(result_of(c, status, code ? -FAIL_STATUS : 0, code), wanted);
	assert_int_equal(records.count, status ? 1 : 0);
	check_free(c);
}

static void statuses(void **state)
{
	(void)state;
	expects("200", 200, EXIT_ok, 0);
	expects("200", 202, EXIT_ok, 17);
	expects("2xx", 202, EXIT_ok, 0);
	expects("2XX", 299, EXIT_ok, 0);
	expects("404", 404, EXIT_client_failure, 0);
	expects("404", 200, EXIT_ok, 17);
	expects("404", 405, EXIT_client_failure, 17);
	expects("200, 4xx,503", 503, EXIT_server_failure, 0);
	expects("200,4xx,503", 499, EXIT_client_failure, 0);
	expects("200,4xx,503", 504, EXIT_server_failure, 17);
	expects("699", 699, EXIT_global_failure, 0);
	expects("486", 486, EXIT_busy_declined, 0);
	expects("200", 480, EXIT_no_answer, 17);
	expects("302", 302, EXIT_redirected, 0);
	expects("403", 403, EXIT_auth_failed, 0);
}

/* "Codes 10 to 16 and 18 to 22 stay as they are." */
static void other_codes_stay(void **state)
{
	static const int codes[] = { 10, 11, 12, 14, 15, 16, 18, 19, 20, 21, 22 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		expects("404", 0, codes[i], codes[i]);
	expects("404", 401, EXIT_no_credentials, 22);
	expects("401", 401, EXIT_no_credentials, 0); /* it is what was wanted */
	expects("200", 200, EXIT_auth_failed, 7); /* not challenged: no status made this */
	expects("200", 200, EXIT_media, 16);
	expects("488", 488, EXIT_media, 16);
}

static void bad_statuses(void **state)
{
	static const char *const bad[] = { "20", "2000", "2x", "2xxx", "100", "1xx", "7xx", "700",
		"200,", ",200", "200 404", "x", " ", "+20", "199" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		refused(&(struct groups){ .expect = bad[i] }, "--expect: not a list");
}

static void no_end_of_statuses(void **state)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(1000);

	(void)state;
	for (unsigned i = 0; i < 64; i++)
		buf_addf(&b, i ? ",200" : "200");
	expects(buf_cstr(&b), 200, EXIT_ok, 0);
	buf_addf(&b, ",200");
	refused(&(struct groups){ .expect = buf_cstr(&b) }, "more than 64");
}

/* ---- header fields and bodies ---- */

static const char response[] = "SIP/2.0 200 OK\r\n"
			       "Via: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1\r\n"
			       "From: <sip:a@b>;tag=1\r\n"
			       "To: <sip:a@b>;tag=2\r\n"
			       "Call-ID: 1\r\n"
			       "CSeq: 1 OPTIONS\r\n"
			       "Server: kamailio (5.8)\r\n"
			       "X-Two: first\r\n"
			       "x-two: second\r\n"
			       "m: <sip:a@127.0.0.1>\r\n"
			       "Content-Length: 25\r\n"
			       "\r\n"
			       "v=0\r\no=- 1 2\r\nm=audio 7\0\n";

static bool holds(const char *header, const char *body)
{
	const char *headers[] = { header, NULL }, *bodies[] = { body, NULL };
	const struct groups g = {
		.expect_header = { headers, header != NULL },
		.expect_body = { bodies, body != NULL },
	};
	struct check *c = make(&g, false);
	struct sip_msg *m = NULL;
	struct endpoint_msg view = { .status_code = 200 };
	struct fail f = { 0 };
	bool passed;

	assert_int_equal(
		sip_msg_parse((struct str){ response, sizeof(response) - 1 }, NULL, &m, &f), 0);
	view.msg = m;
	view.body = (struct str){ response + sizeof(response) - 1 - 25, 25 };
	passed = check_message(c, &view);
	assert_int_equal(records.count, 1);
	assert_int_equal(check_verdict(c), passed ? EXIT_ok : EXIT_check_failed);
	sip_msg_unref(m);
	check_free(c);
	return passed;
}

static void headers(void **state)
{
	(void)state;
	assert_true(holds("Server: ^kamailio \\([0-9.]+\\)$", NULL));
	assert_string_equal(records.last,
		"expect-header|Server: ^kamailio \\([0-9.]+\\)$|kamailio (5.8)|passed");
	assert_true(holds("server:kam", NULL));
	assert_true(holds("SERVER :  kam|open", NULL));
	assert_false(holds("Server: Kam", NULL)); /* the field's name alone is without case */
	assert_true(holds("X-Two: second", NULL));
	assert_string_equal(records.last, "expect-header|X-Two: second|second|passed");
	assert_false(holds("X-Two: third", NULL));
	assert_string_equal(records.last, "expect-header|X-Two: third|first|failed");
	assert_true(holds("Contact: 127", NULL)); /* it stands there in its compact form */
	assert_true(holds("m: 127", NULL));
	assert_false(holds("Subject: .*", NULL)); /* a field that is not there has no value */
	assert_string_equal(records.last, "expect-header|Subject: .*||failed");
	assert_true(holds("Server:", NULL)); /* an empty expression fits any value */
}

static void bodies(void **state)
{
	(void)state;
	assert_true(holds(NULL, "^v=0$"));
	assert_true(holds(NULL, "^o=- [0-9]+ 2$")); /* a line of its own, CRLF or not */
	assert_string_equal(records.last, "expect-body|^o=- [0-9]+ 2$|o=- 1 2|passed");
	assert_true(holds(NULL, "^m=audio 7 $")); /* behind a NUL all goes on */
	assert_false(holds(NULL, "v=0.o=")); /* no expression goes over the end of a line */
	assert_false(holds(NULL, "m=video"));
	assert_string_equal(records.last, "expect-body|m=video||failed");
}

static void bad_patterns(void **state)
{
	const char *one[] = { NULL, NULL };
	static const char *const bad[] = { "Server", ": x", "a b: c", "Ser(ver: x" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		one[0] = bad[i];
		refused(&(struct groups){ .expect_header = { one, 1 } }, "--expect-header: not of");
	}
	one[0] = "Server: (";
	refused(&(struct groups){ .expect_header = { one, 1 } }, "--expect-header: ");
	one[0] = "*(";
	refused(&(struct groups){ .expect_body = { one, 1 } }, "--expect-body: ");
}

/* Of a failure the code of the failure tells, of a success the check. */
static void patterns_and_codes(void **state)
{
	const char *one[] = { "Server: x", NULL };
	const struct groups g = { .expect_header = { one, 1 } };
	struct check *c = make(&g, false);

	(void)state;
	assert_int_equal(result_of(c, 200, 0, EXIT_ok), EXIT_check_failed);
	assert_non_null(strstr(check_why(c), "--expect-header: wanted Server: x, found nothing"));
	assert_int_equal(result_of(c, 404, -FAIL_STATUS, EXIT_client_failure), EXIT_client_failure);
	assert_int_equal(result_of(c, 0, -FAIL_TIMEOUT, EXIT_timeout), EXIT_timeout);
	assert_int_equal(records.count, 2);
	assert_int_equal(check_verdict(c), EXIT_ok); /* each result had its own code */
	check_free(c);
}

/* ---- steps ---- */

static enum check_end event(
	struct check *c, enum endpoint_event_type type, const struct endpoint_msg *m)
{
	return check_event(c, &(struct endpoint_event){ .type = type, .msg = m });
}

static enum check_end sent(struct check *c, const char *method, const char *transport)
{
	return event(c, ENDPOINT_REQUEST,
		&(struct endpoint_msg){
			.sent = true, .method = str_of(method), .remote.transport = transport });
}

static enum check_end got(struct check *c, unsigned status, const char *method, const char *tag)
{
	return event(c, ENDPOINT_RESPONSE,
		&(struct endpoint_msg){
			.status_code = status, .method = str_of(method), .to.tag = str_of(tag) });
}

static enum check_end resolved(struct check *c, unsigned targets, const char *transport)
{
	const struct endpoint_target t = { .hop.transport = transport };
	const struct endpoint_resolved r = { .targets = &t, .target_count = targets };

	return check_event(
		c, &(struct endpoint_event){ .type = ENDPOINT_RESOLVED, .resolved = &r });
}

static enum check_end connected(struct check *c, bool tls, bool incoming)
{
	const struct endpoint_tls t = { .version = "TLSv1.3" };
	const struct endpoint_flow flow = { .tls = tls ? &t : NULL, .incoming = incoming };

	return check_event(
		c, &(struct endpoint_event){ .type = ENDPOINT_CONNECTED, .flow = &flow });
}

static struct check *stops(const char *step)
{
	struct check *c = make(&(struct groups){ .stop_after = step }, false);

	check_start(c, false);
	return c;
}

static struct check *drops(const char *step)
{
	struct check *c = make(&(struct groups){ .drop_after = step }, false);

	check_start(c, false);
	return c;
}

/* A whole call over UDP or TLS: at which of its events is the step reached? -1: at none. */
static int reached_at(struct check *c, bool tls, enum check_end *how)
{
	static const char *const challenge = "INVITE";

	for (int i = 0; i < 10; i++) {
		*how = i == 0   ? resolved(c, 1, tls ? "tls" : "udp")
		       : i == 1 ? (tls ? connected(c, true, false) : CHECK_GO_ON)
		       : i == 2 ? sent(c, "INVITE", tls ? "tls" : "udp")
		       : i == 3 ? got(c, 407, challenge, "x")
		       : i == 4 ? sent(c, "INVITE", tls ? "tls" : "udp")
		       : i == 5 ? got(c, 100, "INVITE", "")
		       : i == 6 ? got(c, 181, "INVITE", "")
		       : i == 7 ? got(c, 180, "INVITE", "y")
		       : i == 8 ? got(c, 200, "INVITE", "y")
				: sent(c, "ACK", tls ? "tls" : "udp");
		if (*how != CHECK_GO_ON) {
			assert_true(check_reached(c));
			assert_int_equal(check_verdict(c), EXIT_ok);
			assert_int_equal(result_of(c, 503, -FAIL_STATUS, EXIT_server_failure), 0);
			check_free(c);
			return i;
		}
	}
	assert_false(check_reached(c));
	assert_int_equal(check_verdict(c), EXIT_check_failed);
	check_free(c);
	return -1;
}

static void steps_of_a_call(void **state)
{
	static const struct {
		const char *step;
		int udp, tls;
		enum check_end stop, drop;
	} table[] = {
		{ "resolve", 0, 0, CHECK_NOW, CHECK_NOW },
		{ "connect", 0, 1, CHECK_NOW, CHECK_NOW },
		{ "tls", -1, 1, CHECK_NOW, CHECK_NOW },
		{ "send", 2, 2, CHECK_END, CHECK_END },
		{ "1xx", 6, 6, CHECK_END, CHECK_NOW },
		{ "early", 7, 7, CHECK_END, CHECK_NOW },
		{ "answer", 8, 8, CHECK_END, CHECK_NOW },
		{ "ack", 9, 9, CHECK_END, CHECK_NOW },
		{ "established", 9, 9, CHECK_END, CHECK_NOW },
	};
	enum check_end how;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		for (int tls = 0; tls < 2; tls++) {
			int at = tls ? table[i].tls : table[i].udp;

			assert_int_equal(reached_at(stops(table[i].step), tls, &how), at);
			assert_int_equal(how, at < 0 ? CHECK_GO_ON : table[i].stop);
			assert_int_equal(reached_at(drops(table[i].step), tls, &how), at);
			assert_int_equal(how, at < 0 ? CHECK_GO_ON : table[i].drop);
		}
	}
}

/* A flow that is there already, a numeric host: the request brings what lies before it. */
static void early_steps_without_events(void **state)
{
	static const char *const steps[] = { "resolve", "connect", "tls", "send" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		struct check *c = stops(steps[i]);

		assert_int_equal(connected(c, true, true), CHECK_GO_ON); /* somebody else's */
		assert_int_equal(resolved(c, 0, NULL), CHECK_GO_ON); /* nothing was found */
		assert_int_equal(sent(c, "MESSAGE", "tls"), CHECK_END);
		check_free(c);
	}
}

/* What goes on beside the operation is no step of it. */
static void steps_of_others(void **state)
{
	struct check *c = make(&(struct groups){ .stop_after = "answer" }, false);

	(void)state;
	assert_int_equal(sent(c, "REGISTER", "udp"), CHECK_GO_ON);
	assert_int_equal(got(c, 200, "REGISTER", "x"), CHECK_GO_ON);
	check_start(c, true);
	assert_int_equal(sent(c, "REGISTER", "udp"), CHECK_GO_ON); /* a refresh */
	assert_int_equal(got(c, 200, "REGISTER", "x"), CHECK_GO_ON);
	assert_int_equal(sent(c, "INVITE", "udp"), CHECK_GO_ON);
	assert_int_equal(sent(c, "PRACK", "udp"), CHECK_GO_ON);
	assert_int_equal(got(c, 200, "PRACK", "x"), CHECK_GO_ON);
	assert_int_equal(got(c, 302, "INVITE", "x"), CHECK_GO_ON); /* may be followed */
	assert_int_equal(got(c, 200, "INVITE", "x"), CHECK_END);
	assert_string_equal(records.last, "stop-after|answer|answer|passed");
	check_free(c);

	c = make(&(struct groups){ .drop_after = "send" }, false);
	check_start(c, true);
	assert_int_equal(sent(c, "REGISTER", "udp"), CHECK_GO_ON);
	assert_int_equal(sent(c, "OPTIONS", "udp"), CHECK_END);
	assert_true(check_drops(c));
	check_free(c);
}

/* The final response that is the end of it is an answer, whatever it says. */
static void answers(void **state)
{
	struct check *c = stops("answer");

	(void)state;
	assert_int_equal(sent(c, "OPTIONS", "udp"), CHECK_GO_ON);
	assert_int_equal(got(c, 404, "OPTIONS", "x"), CHECK_GO_ON);
	assert_int_equal(result_of(c, 404, -FAIL_STATUS, EXIT_client_failure), EXIT_ok);
	assert_int_equal(records.failed, 0);
	check_free(c);

	c = stops("established");
	assert_int_equal(sent(c, "OPTIONS", "udp"), CHECK_GO_ON);
	assert_int_equal(result_of(c, 404, -FAIL_STATUS, EXIT_client_failure),
		EXIT_client_failure); /* was never reached */
	check_free(c);
	c = stops("established");
	assert_int_equal(sent(c, "OPTIONS", "udp"), CHECK_GO_ON);
	assert_int_equal(got(c, 200, "OPTIONS", "x"), CHECK_END);
	check_free(c);
}

static void bad_steps(void **state)
{
	(void)state;
	refused(&(struct groups){ .stop_after = "soon" }, "--stop-after: ");
	refused(&(struct groups){ .drop_after = "ACK" }, "--drop-after: ");
	refused(&(struct groups){ .stop_after = "ack", .drop_after = "ack" },
		"--stop-after with --drop-after");
}

/* ---- what goes on behind its 2xx ---- */

static void checked_when_it_came(void **state)
{
	struct check *c = make(&(struct groups){ .expect = "486" }, false);

	(void)state;
	check_start(c, false);
	sent(c, "INVITE", "udp");
	assert_int_equal(got(c, 180, "INVITE", "x"), CHECK_GO_ON);
	assert_int_equal(records.count, 0);
	assert_int_equal(got(c, 200, "INVITE", "x"), CHECK_GO_ON); /* a call ends by itself */
	assert_int_equal(got(c, 200, "INVITE", "z"), CHECK_GO_ON); /* of another branch */
	assert_int_equal(got(c, 200, "BYE", "x"), CHECK_GO_ON);
	assert_int_equal(records.count, 1);
	assert_int_equal(check_verdict(c), EXIT_check_failed);
	assert_non_null(strstr(check_why(c), "--expect: wanted 486, found 200"));
	assert_int_equal(result_of(c, 481, -FAIL_LOST, EXIT_lost), EXIT_lost);
	check_free(c);

	c = make(&(struct groups){ .expect = "202" }, true);
	check_start(c, false);
	sent(c, "REGISTER", "udp");
	assert_int_equal(got(c, 401, "REGISTER", "x"), CHECK_GO_ON);
	sent(c, "REGISTER", "udp");
	assert_int_equal(got(c, 200, "REGISTER", "x"), CHECK_END); /* it would stay for ever */
	assert_false(check_reached(c));
	assert_int_equal(check_verdict(c), EXIT_check_failed);
	check_free(c);
}

static void none(void **state)
{
	struct check *c = make(&(struct groups){ 0 }, false);
	enum check_end how;

	(void)state;
	assert_false(check_expects(c, 0));
	assert_int_equal(result_of(c, 404, -FAIL_STATUS, EXIT_client_failure), 4);
	assert_int_equal(result_of(c, 200, 0, EXIT_ok), 0);
	assert_int_equal(sent(c, "OPTIONS", "udp"), CHECK_GO_ON);
	assert_int_equal(check_verdict(c), EXIT_ok);
	assert_int_equal(records.count, 0);
	check_free(c);

	assert_int_equal(result_of(NULL, 404, -FAIL_STATUS, EXIT_client_failure), 4);
	how = sent(NULL, "OPTIONS", "udp");
	assert_int_equal(how, CHECK_GO_ON);
	assert_int_equal(check_verdict(NULL), EXIT_ok);
	assert_true(check_message(NULL, NULL));
	check_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(statuses),
		cmocka_unit_test(other_codes_stay),
		cmocka_unit_test(bad_statuses),
		cmocka_unit_test(no_end_of_statuses),
		cmocka_unit_test(headers),
		cmocka_unit_test(bodies),
		cmocka_unit_test(bad_patterns),
		cmocka_unit_test(patterns_and_codes),
		cmocka_unit_test(steps_of_a_call),
		cmocka_unit_test(early_steps_without_events),
		cmocka_unit_test(steps_of_others),
		cmocka_unit_test(answers),
		cmocka_unit_test(bad_steps),
		cmocka_unit_test(checked_when_it_came),
		cmocka_unit_test(none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
