/* tests/unit/test_cli_out.c -- what is shown: secrets masked (cli.md 10.2), figures of many
 * requests (cli.md section 8), exit codes of calls */
#include "../../cli/exit.h"
#include "../../cli/mask.h"
#include "../../cli/stats.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- masking ---- */

static void masks(const char *in, const char *wanted)
{
	struct buf b = BUF_INIT(1 << 16);

	mask_add(&b, str_of(in));
	assert_string_equal(buf_cstr(&b), wanted);
	buf_done(&b);
}

static void same(const char *in)
{
	masks(in, in);
}

static void digest(void **state)
{
	(void)state;
	masks("Authorization: Digest username=\"a\", response=\"0123\", nc=00000001\r\n",
		"Authorization: Digest username=\"a\", response=<masked>, nc=00000001\r\n");
	masks("Proxy-Authorization: Digest response = \"01\\\"23\",uri=\"x\"",
		"Proxy-Authorization: Digest response = <masked>,uri=\"x\"");
	masks("Authorization: Digest RESPONSE=\r\n \"0123\"\r\nTo: x",
		"Authorization: Digest RESPONSE=\r\n <masked>\r\nTo: x");
	masks("Authentication-Info: rspauth=\"0123\", cnonce=\"x\"",
		"Authentication-Info: rspauth=<masked>, cnonce=\"x\"");
	masks("response=unquoted\r\nnext", "response=<masked>\r\nnext");
	masks("response=\"without end", "response=<masked>");
	same("WWW-Authenticate: Digest realm=\"response\", nonce=\"abc\"");
	same("response=");
	same("response");
	same("a response, and no =");
}

static void tokens(void **state)
{
	(void)state;
	masks("Authorization: NTLM qop=\"auth\", gssapi-data=\"TlRMTVNTUA==\"",
		"Authorization: NTLM qop=\"auth\", gssapi-data=<masked>");
	masks("WWW-Authenticate: Kerberos gssapi-data=\"x\", version=4",
		"WWW-Authenticate: Kerberos gssapi-data=<masked>, version=4");
	masks("authorization: Basic YWxpY2U6c2VjcmV0\r\n", "authorization: Basic <masked>\r\n");
	masks("A: b\r\nProxy-Authorization:Bearer a.b-c_d/e+f=\r\nC: d",
		"A: b\r\nProxy-Authorization:Bearer <masked>\r\nC: d");
	masks("Authorization: Negotiate\r\n TlRM\r\n", "Authorization: Negotiate\r\n <masked>\r\n");
	same("Authorization: NTLM qop=\"auth\", realm=\"x\"\r\n");
	same("X-Authorization-Info: nothing");
	same("Authorization: Negotiate\r\nTo: x\r\n");
	same("Authorization:");
	same("Authorization: Digest");
}

static void uris(void **state)
{
	(void)state;
	masks("To: <sip:alice:s3cret@example.com:5060>",
		"To: <sip:alice:<masked>@example.com:5060>");
	masks("SIPS:a;b=c:pw,x&=+$@host", "SIPS:a;b=c:<masked>@host");
	masks("sip:a:pa:ss@host", "sip:a:<masked>@host");
	masks("<sip:a:1@h>, <sip:b:2@h>", "<sip:a:<masked>@h>, <sip:b:<masked>@h>");
	masks("sip:proxy:5060,sip:b:2@h", "sip:proxy:5060,sip:b:<masked>@h");
	masks("Contact: <sip:a@h;pn-provider=x;pn-prid=s3cret;pn-param=y>",
		"Contact: <sip:a@h;pn-provider=x;pn-prid=<masked>;pn-param=y>");
	masks("pn-prid=s3cret", "pn-prid=<masked>");
	same("sip:alice@example.com:5060");
	same("sip:example.com:5060;transport=tcp mail a@b");
	same("<sip:example.com:5060>, \"x\" <sip:a@b>");
	same("sip:a:@h");
	same("sip:");
	same("sips:a:b");
}

static void bodies(void **state)
{
	(void)state;
	masks("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:KEY+/=|2^20|1:4 UNENCRYPTED_SRTP\r\na=x",
		"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:<masked> UNENCRYPTED_SRTP\r\na=x");
	masks("a=crypto:2 F8_128_HMAC_SHA1_80 inline:K1|2^20|1:4;inline:K2",
		"a=crypto:2 F8_128_HMAC_SHA1_80 inline:<masked>;inline:<masked>");
	same("inline:");
	same("");
}

static void fills(const char *in, const char *wanted)
{
	struct buf b = BUF_INIT(1 << 16);

	mask_add_same_length(&b, str_of(in));
	assert_string_equal(buf_cstr(&b), wanted);
	buf_done(&b);
}

/* In a capture: what was a message stays one, no length changes. */
static void lengths(void **state)
{
	(void)state;
	fills("Authorization: Digest username=\"a\", response=\"0123\", nc=00000001\r\n",
		"Authorization: Digest username=\"a\", response=\"xxxx\", nc=00000001\r\n");
	fills("response=0123, response=\"\", response=\"",
		"response=xxxx, response=\"\", response=\"");
	fills("Digest RESPONSE=\r\n \"01\r\n 23\\\"4\"\r\nTo: x",
		"Digest RESPONSE=\r\n \"xx\r\n xxxxx\"\r\nTo: x");
	fills("response=\"without end", "response=\"xxxxxxx xxx");
	fills("Authorization: NTLM qop=\"auth\", gssapi-data=\"TlRMTVNTUA==\"",
		"Authorization: NTLM qop=\"auth\", gssapi-data=\"xxxxxxxxxxxx\"");
	fills("authorization: Basic YWxp==\r\n", "authorization: Basic xxxxxx\r\n");
	fills("<sip:a:1@h>, <sip:b:234@h;pn-prid=5>", "<sip:a:x@h>, <sip:b:xxx@h;pn-prid=x>");
	fills("inline:K1|2^20|1:4;inline:K2\r\n", "inline:xxxxxxxxxxx;inline:xx\r\n");
	fills("nothing here", "nothing here");
}

/* Every prefix of a message is a message that may come: nothing is read beyond its end. */
static void prefixes(void **state)
{
	static const char text[] = "Authorization: Basic Zm9v\r\nx: response = \"a\\\"b\", "
				   "sip:a:b@c pn-prid=x inline:y";

	(void)state;
	for (size_t n = 0; n <= strlen(text); n++) {
		char *copy = malloc(n ? n : 1); /* the sanitizers watch its end */
		struct buf b = BUF_INIT(1 << 16), same_length = BUF_INIT(1 << 16);

		memcpy(copy, text, n);
		mask_add(&b, (struct str){ copy, n });
		assert_int_equal(b.fail, 0);
		mask_add_same_length(&same_length, (struct str){ copy, n });
		assert_int_equal(same_length.n, n);
		buf_done(&b);
		buf_done(&same_length);
		free(copy);
	}
}

/* ---- calls (cli.md section 9) ---- */

static int call(unsigned status, int fail, bool after_ringing)
{
	const struct endpoint_msg m = { .status_code = status };
	const struct endpoint_result r = {
		.response = status ? &m : NULL,
		.fail = { .code = fail },
		.cause = "",
		.after_ringing = after_ringing,
	};

	return exit_of_call(&r);
}

static void calls_busy(void **state)
{
	static const unsigned busy[] = { 486, 600, 603, 607, 608 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(busy); i++) {
		assert_int_equal(call(busy[i], -FAIL_STATUS, false), 8);
		assert_int_equal(call(busy[i], -FAIL_STATUS, true), 8);
	}
	assert_int_equal(call(606, -FAIL_STATUS, false), 6);
	assert_int_equal(call(488, -FAIL_STATUS, false), 4);
}

static void calls_not_answered(void **state)
{
	(void)state;
	assert_int_equal(call(480, -FAIL_STATUS, false), 9);
	assert_int_equal(call(408, -FAIL_STATUS, true), 9);
	assert_int_equal(call(408, -FAIL_STATUS, false), 4); /* nothing rang */
	assert_int_equal(call(487, -FAIL_TIMEOUT, true), 9); /* the ring time, and our CANCEL */
	assert_int_equal(call(487, -FAIL_TIMEOUT, false), 9);
	assert_int_equal(call(0, -FAIL_TIMEOUT, true), 9); /* not even a 487 came */
	assert_int_equal(call(0, -FAIL_TIMEOUT, false), 14); /* Timer B */
}

static void calls_otherwise(void **state)
{
	(void)state;
	assert_int_equal(call(487, -FAIL_CANCELLED, true), 0); /* --cancel-after */
	assert_int_equal(call(0, -FAIL_CANCELLED, false), 0);
	assert_int_equal(call(487, -FAIL_STATUS, true), 4); /* somebody else's */
	assert_int_equal(call(200, -FAIL_LOST, true), 19);
	assert_int_equal(call(481, -FAIL_LOST, false), 19);
	assert_int_equal(call(200, -FAIL_MEDIA, false), 16);
	assert_int_equal(call(488, -FAIL_MEDIA, false), 16);
	assert_int_equal(call(302, -FAIL_STATUS, false), 3);
	assert_int_equal(call(404, -FAIL_STATUS, false), 4);
	assert_int_equal(call(503, -FAIL_STATUS, false), 5);
	assert_int_equal(call(0, -FAIL_DNS, false), 10);
	assert_int_equal(call(0, -FAIL_TLS, false), 12);
	assert_int_equal(call(200, 0, false), 0);
}

/* ---- figures ---- */

static void answered(struct stats *s, unsigned status, double ms)
{
	const struct endpoint_msg m = { .status_code = status, .rtt_ms = ms };
	const struct endpoint_result r = {
		.response = &m, .cause = "", .fail = { .code = status < 300 ? 0 : -FAIL_STATUS }
	};

	stats_add(s, &r, exit_of_result(&r));
}

static void percentiles(void **state)
{
	struct stats s = { .samples = NULL };

	(void)state;
	for (unsigned i = 0; i < 100; i++)
		answered(&s, 200, (i * 37) % 100 + 1); /* 1 to 100, in no order */
	stats_finish(&s);
	assert_int_equal(s.sum.sent, 100);
	assert_int_equal(s.sum.ok, 100);
	assert_int_equal(s.sum.by_status[200], 100);
	assert_true(s.sum.min == 1 && s.sum.max == 100 && s.sum.mean == 50.5);
	assert_true(s.sum.p50 == 50 && s.sum.p95 == 95 && s.sum.p99 == 99);
	stats_done(&s);
}

static void failures(void **state)
{
	const struct endpoint_result timeout = { .fail = { .code = -FAIL_TIMEOUT }, .cause = "" };
	struct stats s = { .samples = NULL };

	(void)state;
	stats_finish(&s); /* of nothing */
	assert_true(s.sum.max == 0);
	answered(&s, 200, 5);
	stats_add(&s, &timeout, exit_of_result(&timeout));
	answered(&s, 404, 3);
	stats_finish(&s);
	assert_int_equal(s.sum.sent, 3);
	assert_int_equal(s.sum.ok, 1);
	assert_int_equal(s.sum.failed, 2);
	assert_int_equal(s.first_failure, EXIT_timeout);
	assert_int_equal(s.sum.by_exit[EXIT_timeout], 1);
	assert_int_equal(s.sum.by_exit[EXIT_client_failure], 1);
	assert_int_equal(s.sum.by_status[404], 1);
	/* of the answered ones */
	assert_true(s.sum.min == 3 && s.sum.max == 5 && s.sum.p50 == 3 && s.sum.p99 == 5);
	stats_done(&s);
}

static void codes(void **state)
{
	static const struct {
		int fail, code;
	} of[] = {
		{ 0, EXIT_ok },
		{ -FAIL_DNS, EXIT_dns },
		{ -FAIL_CONNECT, EXIT_connect },
		{ -FAIL_TLS, EXIT_tls },
		{ -FAIL_TIMEOUT, EXIT_timeout },
		{ -FAIL_PROTOCOL, EXIT_protocol },
		{ -FAIL_AUTH, EXIT_auth_failed },
		{ -FAIL_CREDENTIALS, EXIT_no_credentials },
		{ -FAIL_ENDED, EXIT_ended_by_server },
		{ -FAIL_LOST, EXIT_lost },
		{ -FAIL_LOCAL, EXIT_local },
		{ -FAIL_NOT_BUILT, EXIT_not_built },
		{ -FAIL_ARGUMENT, EXIT_usage },
		{ -FAIL_STATE, EXIT_internal },
	};
	struct endpoint_msg m = { .status_code = 401 };
	struct endpoint_result r = {
		.response = &m, .cause = "invalid_credentials", .fail = { .code = -FAIL_AUTH }
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(of); i++)
		assert_int_equal(exit_of_fail(of[i].fail), of[i].code);
	assert_int_equal(exit_of_result(&r), EXIT_auth_failed);
	r.cause = "missing_credentials";
	assert_int_equal(exit_of_result(&r), EXIT_no_credentials);
	r.cause = "";
	for (unsigned status = 300; status < 700; status += 100) {
		m.status_code = status + 8;
		assert_int_equal(exit_of_result(&r), (int)status / 100);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digest),
		cmocka_unit_test(tokens),
		cmocka_unit_test(uris),
		cmocka_unit_test(bodies),
		cmocka_unit_test(lengths),
		cmocka_unit_test(prefixes),
		cmocka_unit_test(calls_busy),
		cmocka_unit_test(calls_not_answered),
		cmocka_unit_test(calls_otherwise),
		cmocka_unit_test(percentiles),
		cmocka_unit_test(failures),
		cmocka_unit_test(codes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
