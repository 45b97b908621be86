/* cli/secret.h -- secrets from their sources (cli.md section 11) */
#ifndef CLI_SECRET_H
#define CLI_SECRET_H

#include "auth/cred.h"
#include "base/buf.h"
#include "base/fail.h"

/* SOURCE: env:NAME file:PATH fd:N stdin cmd:COMMAND prompt pass:TEXT. The secret into out (wipe it with buf_wipe), its
 * kind into *source ("env" "file" ...). A bare word is -FAIL_ARGUMENT with a hint; what cannot be read -FAIL_LOCAL.
 * pass: wipes its text in argv. timeout_ms bounds cmd:. */
int secret_read(char *text, const char *option, uint64_t timeout_ms, struct buf *out, const char **source, struct fail *f);
/* Asks on /dev/tty without echo. -FAIL_CREDENTIALS when there is no terminal. */
int secret_prompt(const char *what, struct buf *out, struct fail *f);
/* Adds the entries of a credentials file to the store. -FAIL_ARGUMENT with file and line; also when group or others
 * can read it. A missing file is fine unless must_exist. */
int secret_file(const char *path, bool must_exist, struct cred_store *store, uint64_t timeout_ms, struct fail *f);

#endif
