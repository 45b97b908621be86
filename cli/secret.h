/* cli/secret.h -- secrets from their sources (cli.md section 11) */
#ifndef CLI_SECRET_H
#define CLI_SECRET_H

#include "base/buf.h"
#include "endpoint/endpoint.h"

#define SECRET_MAX 4096 /* bytes of one secret */

/* SOURCE: env:NAME file:PATH fd:N stdin cmd:COMMAND prompt pass:TEXT. The secret goes into out (BUF_INIT(SECRET_MAX); wipe
 * it with buf_wipe), its kind into *source ("env" "file" "fd" "stdin" "command" "prompt" "argument"). option names it in
 * errors ("--password"). A bare word is -FAIL_ARGUMENT with a hint that does not repeat it; what cannot be read is
 * -FAIL_LOCAL; no terminal for a prompt is -FAIL_CREDENTIALS. timeout_ms bounds cmd:. */
struct secret_source {
	const char *option, *text;
	const char *prompt; /* what a prompt asks for: "Password for alice" */
	uint64_t timeout_ms;
};
int secret_read(const struct secret_source *s, struct buf *out, const char **source, struct fail *f);
/* Is the text of the form of a SOURCE? The syntax alone, nothing is read. */
int secret_check(const char *option, const char *text, struct fail *f);
/* Asks on /dev/tty without echo. -FAIL_CREDENTIALS when there is no terminal. */
int secret_prompt(const char *what, struct buf *out, struct fail *f);
/* Adds the entries of a credentials file to the store. -FAIL_ARGUMENT with file and line, also when group or others can
 * read it; -FAIL_LOCAL when it cannot be read. A missing file is fine unless must_exist. password-cmd runs for the entries
 * of this user only (empty: of all). */
struct secret_file {
	const char *path;
	bool must_exist;
	uint64_t timeout_ms;
	struct str user;
};
int secret_file(const struct secret_file *file, struct cred_store *store, struct fail *f);
/* The output of a command: split by popt's rules, no shell, PATH search, stderr inherited, killed after timeout_ms
 * (ruling 23). -FAIL_LOCAL with the cause when it cannot run, fails or prints more than out may hold. */
int secret_command(const char *option, const char *command, uint64_t timeout_ms, struct buf *out, struct fail *f);

/* Blanks the TEXT of every pass:TEXT in argv, which all users can see, and gives a copy of argv that still holds it; argv
 * itself when there is none. For main, at start. */
const char **secret_hide(int argc, char **argv);

#endif
