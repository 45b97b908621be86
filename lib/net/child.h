/* lib/net/child.h -- a function that runs in a process of its own, for what would block the loop,
 * and tells what it found through a pipe */
#ifndef NET_CHILD_H
#define NET_CHILD_H

#include <sys/types.h>

/* Forks. The child runs fn(arg, fd), fd being its end of the pipe, and ends: none of our atexit
 * handlers runs there, none of our stdio buffers is flushed. It holds fd and standard error open
 * and nothing else of ours; signals do to it what they do to any program, but for SIGPIPE, and
 * SIGINT and SIGQUIT of a terminal, which are for us. Where the system can it dies with us. Returns
 * 0, the process and our end, non-blocking and close-on-exec; or -errno. The loop reaps it, watched
 * (ev_child) or not. */
int net_child_start(void (*fn)(const void *arg, int fd), const void *arg, pid_t *child, int *fd);

#endif
