#include "exit.h"

#include "base/fail.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct {
	int code;
	const char *name, *text;
} table[] = {
#define EXIT(code, name, text) { code, #name, text },
#include "exit.def"
#undef EXIT
};

static int row_of(int code)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (table[i].code == code)
			return (int)i;
	return -1;
}

const char *exit_name(int code)
{
	int row = row_of(code);

	if (row >= 0)
		return table[row].name;
	return code >= 128 ? "signal" : "unknown";
}

const char *exit_text(int code)
{
	int row = row_of(code);

	if (row >= 0)
		return table[row].text;
	return code >= 128 ? "ended by a signal" : "unknown";
}

static int of_errno(int e)
{
	switch (e) {
	case ECONNREFUSED:
	case ECONNRESET:
	case ECONNABORTED:
	case EPIPE:
	case EHOSTUNREACH:
	case EHOSTDOWN:
	case ENETUNREACH:
	case ENETDOWN:
	case ENOTCONN:
		return EXIT_connect;
	case ETIMEDOUT:
		return EXIT_timeout;
	default:
		return EXIT_local;
	}
}

int exit_of_fail(int fail_code)
{
	static const unsigned char of[] = {
		[FAIL_SYNTAX - FAIL_FIRST] = EXIT_protocol,
		[FAIL_LIMIT - FAIL_FIRST] = EXIT_protocol,
		[FAIL_ARGUMENT - FAIL_FIRST] = EXIT_usage,
		[FAIL_STATE - FAIL_FIRST] = EXIT_internal,
		[FAIL_DNS - FAIL_FIRST] = EXIT_dns,
		[FAIL_CONNECT - FAIL_FIRST] = EXIT_connect,
		[FAIL_TLS - FAIL_FIRST] = EXIT_tls,
		[FAIL_TIMEOUT - FAIL_FIRST] = EXIT_timeout,
		[FAIL_PROTOCOL - FAIL_FIRST] = EXIT_protocol,
		[FAIL_MEDIA - FAIL_FIRST] = EXIT_media,
		[FAIL_STATUS - FAIL_FIRST] = EXIT_protocol,
		[FAIL_AUTH - FAIL_FIRST] = EXIT_auth_failed,
		[FAIL_CREDENTIALS - FAIL_FIRST] = EXIT_no_credentials,
		[FAIL_ENDED - FAIL_FIRST] = EXIT_ended_by_server,
		[FAIL_LOST - FAIL_FIRST] = EXIT_lost,
		[FAIL_LOCAL - FAIL_FIRST] = EXIT_local,
		[FAIL_CANCELLED - FAIL_FIRST] = EXIT_internal,
		[FAIL_NOT_BUILT - FAIL_FIRST] = EXIT_not_built,
	};
	int i = -fail_code - FAIL_FIRST;

	if (fail_code == 0)
		return EXIT_ok;
	if (-fail_code < FAIL_FIRST)
		return fail_code < 0 ? of_errno(-fail_code) : EXIT_internal;
	return i > 0 && i < (int)ARRAY_LEN(of) ? of[i] : EXIT_internal;
}

/* The causes of codes 7 and 22 (cli.md section 9). */
static int of_cause(const char *cause)
{
	if (!cause || cause[0] == '\0')
		return EXIT_ok;
	if (strcmp(cause, "missing_credentials") == 0 || strcmp(cause, "peer_to_peer") == 0)
		return EXIT_no_credentials;
	return EXIT_auth_failed;
}

int exit_of_result(const struct endpoint_result *r)
{
	unsigned status = r->response ? r->response->status_code : 0;
	int code = of_cause(r->cause);

	if (code != EXIT_ok)
		return code;
	switch (status / 100) {
	case 3:
		return EXIT_redirected;
	case 4:
		return status == 401 || status == 407 ? EXIT_auth_failed : EXIT_client_failure;
	case 5:
		return EXIT_server_failure;
	case 6:
		return EXIT_global_failure;
	default:
		return exit_of_fail(r->fail.code);
	}
}

int exit_of_call(const struct endpoint_result *r)
{
	switch (r->fail.code) {
	case -FAIL_CANCELLED:
		return EXIT_ok;
	case -FAIL_LOST:
	case -FAIL_MEDIA:
		return exit_of_fail(r->fail.code); /* whatever the response was */
	case -FAIL_TIMEOUT: /* of ringing, which our CANCEL has ended; else of the INVITE itself */
		if (r->after_ringing || (r->response && r->response->status_code == 487))
			return EXIT_no_answer;
		break;
	default:
		break;
	}
	switch (r->response ? r->response->status_code : 0) {
	case 486:
	case 600:
	case 603:
	case 607:
	case 608:
		return EXIT_busy_declined;
	case 480:
		return EXIT_no_answer;
	case 408:
		return r->after_ringing ? EXIT_no_answer : EXIT_client_failure;
	default:
		return exit_of_result(r);
	}
}

int exit_flush(int code)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	fprintf(stderr, "rte: cannot write the output: %s\n", strerror(errno));
	return EXIT_internal;
}

int exit_dump(void)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		printf("%d\t%s\t%s\n", table[i].code, table[i].name, table[i].text);
	return exit_flush(EXIT_ok);
}
