/* cli/exit.h -- exit codes; the table is exit.def (cli.md section 9) */
#ifndef CLI_EXIT_H
#define CLI_EXIT_H

#include "endpoint/event.h"

enum exit_code {
#define EXIT(code, name, text) EXIT_##name = code,
#include "exit.def"
#undef EXIT
};

/* "ok", "usage" ...; "signal" from 128 on, "unknown" for what is in no row. */
const char *exit_name(int code);
/* Its meaning in one sentence. */
const char *exit_text(int code);
/* What a failure code alone means: -FAIL_DNS is 10, -ECONNREFUSED 11, -FAIL_ARGUMENT 2, other
 * -errno 20; 0 is 0. */
int exit_of_fail(int fail_code);
/* What the end of an operation other than a call means: its auth cause, else its status (3xx to
 * 6xx), else its failure. */
int exit_of_result(const struct endpoint_result *r);
/* The same for a call (INVITE): busy or declined is 8, nobody answered 9; a call that we were told
 * to cancel (-FAIL_CANCELLED) is what was asked for: 0. */
int exit_of_call(const struct endpoint_result *r);
/* Flushes stdout: code, or 1 with a message on stderr when it could not be written. */
int exit_flush(int code);
/* The rows of exit.def, as "CODE<TAB>name<TAB>text" lines on stdout; gives 0. */
int exit_dump(void);

#endif
