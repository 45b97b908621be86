/* cli/secret_edit.c -- changes to a credentials file: the new text goes into another file first, so
 * that the old one is whole until it is replaced */
#include "secret.h"

#include "base/mem.h"
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MAX = 1 << 20, LINES_MAX = 1 << 16 };

struct edit {
	const struct secret_entry *entry;
	bool gone[LINES_MAX]; /* by number */
	unsigned removed;
};

static void look(void *arg, const struct secret_entry *e)
{
	struct edit *edit = arg;
	const struct secret_entry *of = edit->entry;
	bool same = str_eq(e->realm, of->realm) && str_eq(e->user, of->user) &&
		    (!of->algorithm || !e->algorithm || strcmp(of->algorithm, e->algorithm) == 0);

	if (!same || e->line >= LINES_MAX)
		return;
	edit->gone[e->line] = true;
	edit->removed++;
}

/* What stays, each line with its end. */
static void keep(const struct edit *edit, struct str text, struct buf *out)
{
	for (unsigned n = 1; text.n > 0; n++) {
		struct str line = text;

		if (!str_cut(text, '\n', &line, &text))
			text = STR_EMPTY;
		if (n < LINES_MAX && edit->gone[n])
			continue;
		buf_add_str(out, line);
		buf_add_char(out, '\n');
	}
}

static int fail_errno(const char *path, int e, struct fail *f)
{
	return fail_set(f, -FAIL_LOCAL, "%s: %s", path, strerror(e));
}

/* The folders that are missing on the way to path. */
static void make_folders(const char *path)
{
	char *copy = mem_strndup(path, strlen(path));

	for (char *p = copy + 1; *p; p++)
		if (*p == '/') {
			*p = '\0';
			mkdir(copy, 0700); /* what fails is seen when the file is opened */
			*p = '/';
		}
	mem_free(copy);
}

static int replace(const char *path, struct str text, struct fail *f)
{
	CLEANUP(buf_done) struct buf name = BUF_INIT(1 << 14);
	int fd, e;

	make_folders(path);
	buf_addf(&name, "%s.%ld", path, (long)getpid());
	fd = open(buf_cstr(&name), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return fail_errno(buf_cstr(&name), errno, f);
	e = -file_write_fd(fd, text);
	if (e == 0 && fsync(fd) != 0)
		e = errno;
	if (close(fd) != 0 && e == 0)
		e = errno;
	if (e == 0 && rename(buf_cstr(&name), path) != 0)
		e = errno;
	if (e == 0)
		return 0;
	unlink(buf_cstr(&name));
	return fail_errno(path, e, f);
}

int secret_edit(const char *path, const struct secret_entry *entry, struct str line,
	unsigned *removed, struct fail *f)
{
	CLEANUP(buf_wipe) struct buf text = BUF_INIT(FILE_MAX), now = BUF_INIT(FILE_MAX);
	struct edit *edit = MEM_NEW(struct edit);
	int e;

	edit->entry = entry;
	e = secret_file(&(struct secret_file){ .path = path, .each = look, .arg = edit }, NULL, f);
	*removed = edit->removed;
	buf_reserve(&text, FILE_MAX);
	buf_reserve(&now, FILE_MAX);
	if (e == 0 && (e = file_read(path, &text)) != 0)
		e = e == -ENOENT ? 0 : fail_errno(path, -e, f);
	if (e == 0 && (line.n > 0 || edit->removed > 0)) {
		keep(edit, buf_str(&text), &now);
		if (line.n > 0) {
			buf_add_str(&now, line);
			buf_add_char(&now, '\n');
		}
		e = now.fail ? fail_errno(path, EFBIG, f) : replace(path, buf_str(&now), f);
	}
	mem_free(edit);
	return e;
}

static void add_word(struct buf *out, const char *key, struct str value)
{
	bool quoted = false;

	for (size_t i = 0; i < value.n; i++)
		quoted = quoted || strchr(" \t\"\\#", value.p[i]);
	buf_addf(out, "%s%s %s", out->n ? " " : "", key, quoted ? "\"" : "");
	for (size_t i = 0; i < value.n; i++) {
		if (value.p[i] == '"' || (quoted && value.p[i] == '\\'))
			buf_add_char(out, '\\');
		buf_add_char(out, value.p[i]);
	}
	if (quoted)
		buf_add_char(out, '"');
}

void secret_line(const struct secret_entry *e, struct str secret, struct buf *out)
{
	add_word(out, "realm", e->realm);
	add_word(out, "user", e->user);
	add_word(out, e->kind, secret);
	if (e->algorithm)
		add_word(out, "algorithm", str_of(e->algorithm));
}
