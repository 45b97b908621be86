/* lib/net/child.c -- a function that runs in a process of its own */
#include "net/child.h"

#include "base/base.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif

enum { PIPE_AT = 3 };

/* The handlers of libev would write into a pipe that the parent reads. All are blocked meanwhile.
 */
static void reset_signals(void)
{
	struct sigaction a = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (int i = 1; i < NSIG; i++)
		sigaction(i, &a, NULL); /* KILL, STOP and the C library's own are refused */
	a.sa_handler = SIG_IGN;
	/* A server that resets a connection must be an error in there, not the end of it. */
	sigaction(SIGPIPE, &a, NULL);
	sigaction(SIGINT, &a, NULL);
	sigaction(SIGQUIT, &a, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void die_with(pid_t parent)
{
#ifdef __linux__
	prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
	if (getppid() != parent) /* it was faster */
		_exit(0);
}

static void close_from(int first)
{
	long end = sysconf(_SC_OPEN_MAX);

#ifdef SYS_close_range
	if (syscall(SYS_close_range, (unsigned)first, ~0u, 0u) == 0)
		return;
#endif
	for (long fd = first; fd < end; fd++)
		close((int)fd);
}

/* Sockets above all: what the parent closes has to be closed, so nobody may keep a copy. Standard
 * error stays, for KRB5_TRACE and for what a sanitizer says; but not when it is our pipe because
 * the parent has none. */
static bool keep_only(const int fds[2])
{
	int fd = fcntl(fds[1], F_DUPFD, PIPE_AT), null;

	if (fd < 0 || (null = open("/dev/null", O_RDWR | O_CLOEXEC)) < 0)
		return false;
	if (dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0 ||
		((fds[0] <= STDERR_FILENO || fds[1] <= STDERR_FILENO) &&
			dup2(null, STDERR_FILENO) < 0) ||
		dup2(fd, PIPE_AT) < 0)
		return false;
	close_from(PIPE_AT + 1);
	return true;
}

static NORETURN void live(
	void (*fn)(const void *arg, int fd), const void *arg, pid_t parent, const int fds[2])
{
	reset_signals();
	die_with(parent);
	if (!keep_only(fds))
		_exit(1);
	fn(arg, PIPE_AT);
	_exit(0);
}

int net_child_start(void (*fn)(const void *arg, int fd), const void *arg, pid_t *child, int *fd)
{
	pid_t parent = getpid(), made;
	sigset_t all, before;
	int fds[2], e;

	if (pipe2(fds, O_CLOEXEC) != 0)
		return -errno;
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	made = fork();
	if (made == 0)
		live(fn, arg, parent, fds);
	e = errno;
	sigprocmask(SIG_SETMASK, &before, NULL);
	close(fds[1]);
	if (made < 0) {
		close(fds[0]);
		return -e;
	}
	*child = made;
	*fd = fds[0];
	return 0;
}
