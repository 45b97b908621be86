/* cli/secret.h -- secrets from their sources (cli.md section 11) */
#ifndef CLI_SECRET_H
#define CLI_SECRET_H

#include "base/arena.h"
#include "base/buf.h"
#include "endpoint/endpoint.h"

#define SECRET_MAX 4096 /* bytes of one secret: BUF_INIT(SECRET_MAX), and buf_wipe at the end */

/* SOURCE: env:NAME file:PATH fd:N stdin cmd:COMMAND prompt pass:TEXT */
struct secret_source {
	const char *option; /* names it in errors: "--password" */
	const char *text;
	const char *prompt; /* what a prompt asks for: "Password for alice" */
	uint64_t timeout_ms; /* bounds cmd: */
};
/* Is the text of the form of a SOURCE? Nothing is read. -FAIL_ARGUMENT, for a bare word with a hint
 * that does not repeat it. */
int secret_check(const char *option, const char *text, struct fail *f);
/* The secret into out, its kind into *kind ("env" "file" ...). -FAIL_ARGUMENT as above; what cannot
 * be read is -FAIL_LOCAL; no terminal for a prompt is -FAIL_CREDENTIALS. */
int secret_read(const struct secret_source *s, struct buf *out, const char **kind, struct fail *f);
/* Asks on /dev/tty without echo. -FAIL_CREDENTIALS when there is no terminal or no answer. */
int secret_prompt(const char *what, struct buf *out, struct fail *f);
/* What a command prints: split by popt's rules, no shell, PATH search, stdin empty, stderr
 * inherited, killed after timeout_ms (ruling 23). -FAIL_LOCAL with the cause when it cannot run,
 * fails, or prints more than out may hold. The output never stands in f. */
int secret_command(const char *command, uint64_t timeout_ms, struct buf *out, struct fail *f);

/* An entry of a credentials file, for who looks at it without its secret. Views. */
struct secret_entry {
	struct str realm, user;
	const char *kind; /* "password" "password-cmd" "ha1" */
	const char *algorithm; /* of ha1: "md5" "sha-256" "sha-512-256"; else NULL */
	unsigned line;
};

/* Adds the entries of a credentials file to the store. -FAIL_ARGUMENT with file and line, also when
 * others than the owner may touch it; -FAIL_LOCAL when it cannot be read. */
struct secret_file {
	const char *path;
	bool must_exist; /* else a missing file is fine */
	struct str user, realm; /* only entries that may match these are taken; empty: any */
	uint64_t timeout_ms; /* bounds each password-cmd */
	/* Not NULL: told of each entry in place of adding it; no command runs. */
	void (*each)(void *arg, const struct secret_entry *e);
	void *arg;
};
int secret_file(const struct secret_file *file, struct cred_store *store, struct fail *f);

/* Changes a credentials file, which keeps its other lines: takes out the entries with this realm
 * and user (and algorithm, if one is named), puts in line (empty: none; without a line end). A new
 * file, and its folders, are for the owner only. *removed: how many entries went. -FAIL_LOCAL,
 * -FAIL_ARGUMENT: the file is malformed, or others can use it. */
int secret_edit(const char *path, const struct secret_entry *entry, struct str line,
	unsigned *removed, struct fail *f);
/* Appends the line of an entry; secret is the password, the hash or the command. Quotes what needs
 * it. */
void secret_line(const struct secret_entry *e, struct str secret, struct buf *out);

/* Blanks the TEXT of every pass:TEXT in argv, which all users of the machine can see. Gives argv,
 * or a copy in a that still holds them. */
const char **secret_hide(struct arena *a, int argc, char **argv);

#endif
