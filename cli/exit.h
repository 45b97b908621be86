/* cli/exit.h -- exit codes; the table is exit.def */
#ifndef CLI_EXIT_H
#define CLI_EXIT_H

#include "endpoint/event.h"

enum exit_code {
#define EXIT(code, name, text) EXIT_##name = code,
#include "exit.def"
#undef EXIT
};

/* "ok", "usage" ...; "signal" from 128 on. */
const char *exit_name(int code);
const char *exit_text(int code);
/* What a failure code alone means: -FAIL_DNS is 10, -ECONNREFUSED 11, ... */
int exit_of_fail(int fail_code);
/* What the end of an operation means: by its status (3xx to 6xx), its auth cause, else its failure. */
int exit_of_result(const struct endpoint_result *r);

#endif
