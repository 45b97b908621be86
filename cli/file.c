#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { CHUNK = 16384 };

static int more(int fd, struct buf *b, ssize_t *n)
{
	size_t room = b->limit - b->n;
	char beyond;

	if (room > CHUNK)
		room = CHUNK;
	if (room && !buf_reserve(b, room))
		return -EFBIG;
	*n = room ? read(fd, b->p + b->n, room) : read(fd, &beyond, 1);
	if (*n < 0)
		return errno == EINTR ? 0 : -errno;
	if (room)
		buf_commit(b, (size_t)*n);
	else if (*n > 0)
		return -EFBIG;
	return 0;
}

int file_read_fd(int fd, struct buf *b)
{
	ssize_t n;
	int e;

	do
		e = more(fd, b, &n);
	while (e == 0 && n != 0);
	return e;
}

int file_read(const char *path, struct buf *b)
{
	int fd, e;

	if (strcmp(path, "-") == 0)
		return file_read_fd(STDIN_FILENO, b);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return -errno;
	e = file_read_fd(fd, b);
	close(fd);
	return e;
}

int file_write_fd(int fd, struct str bytes)
{
	while (bytes.n > 0) {
		ssize_t n = write(fd, bytes.p, bytes.n);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			bytes = str_sub(bytes, (size_t)n, bytes.n);
	}
	return 0;
}
