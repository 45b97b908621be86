#include "state.h"

#include "base/buf.h"
#include "base/text.h"
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The folder, and its parents where they are missing. */
static int make_folder(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(path, 0700) != 0 && errno != EEXIST)
			return -errno;
		*slash = '/';
	}
	return 0;
}

static char *path_of(const struct state *s, struct arena *a)
{
	const char *base = getenv("XDG_STATE_HOME"), *home = getenv("HOME");

	if (base && base[0] == '/')
		return (char *)(uintptr_t)arena_fmt(a, "%s/rte/%s", base, s->path).p;
	if (home && home[0] != '\0')
		return (char *)(uintptr_t)arena_fmt(a, "%s/.local/state/rte/%s", home, s->path).p;
	return NULL;
}

/* The file's line; -ENOENT when there is no file. */
static int load(
	const struct state *s, const char *path, struct arena *a, const char **out, struct fail *f)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(4096);
	struct str line;
	int e = file_read(path, &b);

	if (e == -ENOENT)
		return e;
	if (e != 0)
		return fail_set(f, -FAIL_LOCAL, "%s: %s: %s", s->option, path, strerror(-e));
	line = str_trim(buf_str(&b));
	if (!s->check(line))
		return fail_set(f, -FAIL_LOCAL, "%s: %s: it holds no %s", s->option, path, s->what);
	*out = arena_str(a, line).p;
	return 0;
}

/* Whoever comes first wins: of several at once, all use what the first one wrote. */
static int make(const struct state *s, char *path, struct arena *a)
{
	char uuid[TEXT_UUID_LEN + 1], text[STATE_LINE];
	struct str line;
	const char *other;
	int fd, e = make_folder(path);

	if (e != 0)
		return e;
	s->make(text);
	line = arena_fmt(a, "%s\n", text);
	text_uuid(uuid);
	other = arena_fmt(a, "%s.%s", path, uuid).p;
	fd = open(other, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	if (write(fd, line.p, line.n) != (ssize_t)line.n)
		e = errno ? -errno : -EIO;
	if (close(fd) != 0 && e == 0)
		e = -errno;
	if (e == 0 && link(other, path) != 0 && errno != EEXIST)
		e = -errno;
	unlink(other);
	return e;
}

int state_get(const struct state *s, struct arena *a, const char **out, struct fail *f)
{
	char *path = path_of(s, a);
	int e;

	if (!path)
		return fail_set(
			f, -FAIL_LOCAL, "%s: neither XDG_STATE_HOME nor HOME is set", s->option);
	e = load(s, path, a, out, f);
	if (e != -ENOENT)
		return e;
	e = make(s, path, a);
	if (e != 0)
		return fail_set(f, -FAIL_LOCAL, "%s: %s: %s", s->option, path, strerror(-e));
	return load(s, path, a, out, f);
}
