#include "secret.h"

#include "base/mem.h"
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum kind { ENV, FILE_, FD, STDIN, CMD, PROMPT, PASS, KINDS };

static const struct {
	const char *word; /* with a colon: a value follows */
	const char *name;
} kinds[KINDS] = {
	[ENV] = { "env:", "env" },
	[FILE_] = { "file:", "file" },
	[FD] = { "fd:", "fd" },
	[STDIN] = { "stdin", "stdin" },
	[CMD] = { "cmd:", "cmd" },
	[PROMPT] = { "prompt", "prompt" },
	[PASS] = { "pass:", "pass" },
};

/* The kind of a SOURCE and what follows its colon; KINDS when it is none. */
static enum kind split(const char *text, const char **value)
{
	for (enum kind k = ENV; k < KINDS; k++) {
		size_t n = strlen(kinds[k].word);
		bool more = kinds[k].word[n - 1] == ':';

		if (more ? strncmp(text, kinds[k].word, n) == 0 && text[n]
			 : strcmp(text, kinds[k].word) == 0) {
			*value = text + n;
			return k;
		}
	}
	return KINDS;
}

int secret_check(const char *option, const char *text, struct fail *f)
{
	const char *value;
	uint32_t fd;

	switch (split(text, &value)) {
	case KINDS:
		return fail_set(f, -FAIL_ARGUMENT,
			"%s: not a source; say env:NAME, file:PATH, fd:N, stdin, cmd:COMMAND or "
			"prompt",
			option);
	case FD:
		if (!str_u32(str_of(value), &fd) || fd > INT32_MAX)
			return fail_set(f, -FAIL_ARGUMENT, "%s: fd: wants a number", option);
		return 0;
	default:
		return 0;
	}
}

/* The rest of the first line, byte by byte: what follows in a pipe is somebody else's. 0 or -errno.
 */
static int first_line(int fd, struct buf *out)
{
	char c;

	for (;;) {
		ssize_t n = read(fd, &c, 1);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0 || (n == 1 && c == '\n'))
			break;
		if (n == 1)
			buf_add_char(out, c);
	}
	if (out->n && out->p[out->n - 1] == '\r')
		out->n--;
	return out->fail ? -EFBIG : 0;
}

static int from_file(
	const struct secret_source *s, const char *path, struct buf *out, struct fail *f)
{
	struct arena a = { 0 };
	int fd = open(config_home(&a, path), O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int e = fd < 0 ? -errno : first_line(fd, out);

	if (fd >= 0)
		close(fd);
	arena_done(&a);
	return e ? fail_set(f, -FAIL_LOCAL, "%s: %s: %s", s->option, path, strerror(-e)) : 0;
}

static int from_fd(const struct secret_source *s, int fd, struct buf *out, struct fail *f)
{
	int e = first_line(fd, out);

	return e ? fail_set(f, -FAIL_LOCAL, "%s: descriptor %d: %s", s->option, fd, strerror(-e))
		 : 0;
}

static int from_env(
	const struct secret_source *s, const char *name, struct buf *out, struct fail *f)
{
	const char *value = getenv(name);

	if (!value)
		return fail_set(
			f, -FAIL_LOCAL, "%s: %s is not in the environment", s->option, name);
	buf_add(out, value, strlen(value));
	return 0;
}

static int from_command(
	const struct secret_source *s, const char *command, struct buf *out, struct fail *f)
{
	struct fail why = { 0 };
	int e = secret_command(command, s->timeout_ms, out, &why);
	size_t line = str_find(buf_str(out), '\n');

	out->n = line;
	if (out->n && out->p[out->n - 1] == '\r')
		out->n--;
	return e ? fail_set(f, e, "%s: %s", s->option, fail_show(&why)) : 0;
}

static int read_kind(enum kind k, const struct secret_source *s, const char *value, struct buf *out,
	struct fail *f)
{
	uint32_t fd = 0; /* secret_check has seen the number */

	switch (k) {
	case ENV:
		return from_env(s, value, out, f);
	case FILE_:
		return from_file(s, value, out, f);
	case FD:
		str_u32(str_of(value), &fd);
		return from_fd(s, (int)fd, out, f);
	case STDIN:
		return from_fd(s, STDIN_FILENO, out, f);
	case CMD:
		return from_command(s, value, out, f);
	case PROMPT:
		return secret_prompt(s->prompt, out, f);
	default:
		buf_add(out, value, strlen(value));
		return 0;
	}
}

int secret_read(const struct secret_source *s, struct buf *out, const char **kind, struct fail *f)
{
	const char *value = NULL;
	enum kind k = split(s->text, &value);
	int e = secret_check(s->option, s->text, f);

	if (e)
		return e;
	buf_reserve(out, out->limit); /* growing would leave copies behind */
	e = read_kind(k, s, value, out, f);
	if (e)
		return e;
	if (out->fail)
		return fail_set(f, -FAIL_LOCAL, "%s: the secret is longer than %d bytes", s->option,
			SECRET_MAX);
	if (out->n == 0)
		return fail_set(f, -FAIL_LOCAL, "%s: the secret is empty", s->option);
	*kind = kinds[k].name;
	return 0;
}

/* Where the TEXT of pass:TEXT begins in an argument: --password=pass:X, --add-user=alice:pass:X, or
 * pass:X behind its option. */
static char *visible_secret(char *arg)
{
	char *p = strstr(arg, "pass:");

	while (p && p != arg && p[-1] != '=' && p[-1] != ':')
		p = strstr(p + 1, "pass:");
	return p ? p + strlen("pass:") : NULL;
}

const char **secret_hide(struct arena *a, int argc, char **argv)
{
	const char **copy = NULL;

	for (int i = 1; i < argc; i++) {
		char *secret = visible_secret(argv[i]);

		if (!secret || *secret == '\0')
			continue;
		if (!copy) {
			copy = arena_zalloc(a, ((size_t)argc + 1) * sizeof(*copy));
			for (int k = 0; k < argc; k++)
				copy[k] = argv[k];
		}
		copy[i] = arena_str(a, str_of(argv[i])).p;
		mem_wipe(secret, strlen(secret));
	}
	return copy ? copy : (const char **)argv;
}
