#include "instance.h"

#include "base/buf.h"
#include "base/scan.h"
#include "base/text.h"
#include "file.h"
#include "value.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { URN_MAX = 250 };

/* urn:NID:NSS of RFC 8141; it stands in <> in quotes, so nothing that ends those. */
static bool is_urn(struct str s)
{
	struct scan c = scan_str(s);
	struct str nid;

	if (s.n > URN_MAX || !str_istarts(s, STR("urn:")))
		return false;
	c.p += 4;
	if (!scan_run(&c, CH_ALPHA | CH_DIGIT | CH_TOKEN, &nid) || nid.n < 2 ||
		!scan_char(&c, ':') || scan_end(&c))
		return false;
	for (; !scan_end(&c); c.p++)
		if (!scan_is(*c.p, CH_VISIBLE) || strchr("<>\"\\;,", *c.p))
			return false;
	return true;
}

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

static char *state_path(struct arena *a)
{
	const char *base = getenv("XDG_STATE_HOME"), *home = getenv("HOME");

	if (base && base[0] == '/')
		return (char *)(uintptr_t)arena_fmt(a, "%s/rte/instance", base).p;
	if (home && home[0] != '\0')
		return (char *)(uintptr_t)arena_fmt(a, "%s/.local/state/rte/instance", home).p;
	return NULL;
}

/* The file's URN; -ENOENT when there is no file. */
static int load(const char *path, struct arena *a, const char **out, struct fail *f)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(4096);
	struct str urn;
	int e = file_read(path, &b);

	if (e == -ENOENT)
		return e;
	if (e != 0)
		return fail_set(f, -FAIL_LOCAL, "--instance: %s: %s", path, strerror(-e));
	urn = str_trim(buf_str(&b));
	if (!is_urn(urn))
		return fail_set(f, -FAIL_LOCAL, "--instance: %s: it holds no URN", path);
	*out = arena_str(a, urn).p;
	return 0;
}

/* Whoever comes first wins: of several at once, all use what the first one wrote. */
static int make(char *path, struct arena *a)
{
	char uuid[TEXT_UUID_LEN + 1];
	struct str line;
	const char *other;
	int fd, e = make_folder(path);

	if (e != 0)
		return e;
	text_uuid(uuid);
	line = arena_fmt(a, "urn:uuid:%s\n", uuid);
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

int instance_get(const char *text, struct arena *a, const char **out, struct fail *f)
{
	char shown[VALUE_SHOWN];
	char *path;
	int e;

	if (strcmp(text, "auto") != 0) {
		*out = text;
		return is_urn(str_of(text)) ? 0
					    : fail_set(f, -FAIL_ARGUMENT,
						      "--instance: %s is neither a URN nor auto",
						      value_show(text, shown));
	}
	path = state_path(a);
	if (!path)
		return fail_set(
			f, -FAIL_LOCAL, "--instance: neither XDG_STATE_HOME nor HOME is set");
	e = load(path, a, out, f);
	if (e != -ENOENT)
		return e;
	e = make(path, a);
	if (e != 0)
		return fail_set(f, -FAIL_LOCAL, "--instance: %s: %s", path, strerror(-e));
	return load(path, a, out, f);
}
