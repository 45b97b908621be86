#include "ready.h"

#include "base/buf.h"
#include "file.h"
#include "value.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int ready_fd(const char *text, int *fd, struct fail *f)
{
	uint32_t n = 0;
	int flags,
		e = value_number("--ready-fd", text, (struct value_range){ 0, INT_MAX, 0 }, &n, f);

	if (e != 0 || !text)
		return e;
	flags = fcntl((int)n, F_GETFL);
	if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY)
		return fail_set(
			f, -FAIL_ARGUMENT, "--ready-fd: descriptor %u is not open for writing", n);
	fcntl((int)n, F_SETFD, FD_CLOEXEC);
	*fd = (int)n;
	return 0;
}

static void addresses(struct buf *b, const struct endpoint_hop *local, unsigned count, char end)
{
	for (unsigned i = 0; i < count; i++) {
		bool v6 = str_find(local[i].address, ':') < local[i].address.n;

		buf_addf(b, "%s:%s" STR_FMT "%s:%u", local[i].transport, v6 ? "[" : "",
			STR_ARG(local[i].address), v6 ? "]" : "", local[i].port);
		buf_add_char(b, i + 1 < count ? end : '\n');
	}
	if (count == 0) /* server based: requests come over the flow to the server */
		buf_add_char(b, '\n');
}

/* Under another name, then renamed: who waits for the file finds it whole. */
static int write_file(const char *path, struct str text, struct fail *f)
{
	char other[PATH_MAX];
	int fd, e = 0;

	if ((size_t)snprintf(other, sizeof(other), "%s.%ld", path, (long)getpid()) >= sizeof(other))
		return fail_set(f, -FAIL_LOCAL, "--ready-file: the name is too long");
	fd = open(other, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
	if (fd < 0)
		return fail_set(f, -FAIL_LOCAL, "--ready-file: %s: %s", other, strerror(errno));
	e = -file_write_fd(fd, text);
	if (close(fd) != 0 && e == 0)
		e = errno;
	if (e == 0 && rename(other, path) != 0)
		e = errno;
	if (e == 0)
		return 0;
	unlink(other);
	return fail_set(f, -FAIL_LOCAL, "--ready-file: %s: %s", path, strerror(e));
}

/* sd_notify(3): a datagram to a socket that the service manager names. Nobody there is no failure
 * of ours. */
static void notify(void)
{
	static const char text[] = "READY=1";
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	size_t n = path ? strlen(path) : 0;
	int fd;

	if (n == 0 || n >= sizeof(a.sun_path) || (path[0] != '/' && path[0] != '@'))
		return;
	memcpy(a.sun_path, path, n);
	if (path[0] == '@')
		a.sun_path[0] = '\0'; /* abstract */
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	sendto(fd, text, sizeof(text) - 1, MSG_NOSIGNAL, (const struct sockaddr *)&a,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + n));
	close(fd);
}

int ready_tell(
	const struct ready *r, const struct endpoint_hop *local, unsigned count, struct fail *f)
{
	CLEANUP(buf_done) struct buf lines = BUF_INIT(1 << 16), line = BUF_INIT(1 << 16);
	int e = 0;

	addresses(&lines, local, count, '\n');
	addresses(&line, local, count, ' ');
	if (r->file)
		e = write_file(r->file, buf_str(&lines), f);
	if (e == 0 && r->fd >= 0 && file_write_fd(r->fd, buf_str(&line)) != 0)
		e = fail_set(f, -FAIL_LOCAL, "--ready-fd: %s", strerror(errno));
	if (r->fd > 2)
		close(r->fd);
	if (e == 0)
		notify();
	return e;
}
