/* cli/file.h -- whole files into buffers, and whole texts into files */
#ifndef CLI_FILE_H
#define CLI_FILE_H

#include "base/buf.h"

/* Appends what is left in fd, up to b's limit, without leaving copies behind if the room was
 * reserved before. 0 or -errno: -EFBIG when the limit is too small. */
int file_read_fd(int fd, struct buf *b);
/* The same for a path; "-" is stdin. */
int file_read(const char *path, struct buf *b);

/* Writes all of it. 0 or -errno. */
int file_write_fd(int fd, struct str bytes);

#endif
