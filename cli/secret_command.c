#include "secret.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <popt.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

struct child {
	const char *name;
	pid_t pid;
	int fd; /* what it prints */
	uint64_t deadline;
};

/* stdout into the pipe, stdin from nowhere, stderr stays ours; SIGPIPE, which we ignore, kills
 * again. 0 or an errno. */
static int spawn(struct child *c, char **argv)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t defaults;
	int fds[2], e;

	if (pipe2(fds, O_CLOEXEC) != 0)
		return errno;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, fds[1], STDOUT_FILENO);
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigdefault(&attr, &defaults);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF);
	e = posix_spawnp(&c->pid, argv[0], &actions, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	close(fds[1]);
	if (e)
		close(fds[0]);
	else
		c->fd = fds[0];
	return e;
}

static int left(const struct child *c)
{
	uint64_t now = net_now_ms();

	return now < c->deadline ? (int)(c->deadline - now) : 0;
}

/* Its output until it closes it; false when the time is over or there is too much. */
static bool collect(struct child *c, struct buf *out, struct fail *f)
{
	struct pollfd p = { .fd = c->fd, .events = POLLIN };
	char chunk[512];
	ssize_t n = 1;

	while (n > 0) {
		int ready = poll(&p, 1, left(c));
		if (ready < 0 && errno == EINTR)
			continue;
		if (ready <= 0) {
			fail_set(f, -FAIL_LOCAL, "command %s: killed: no answer in time", c->name);
			return false;
		}
		n = read(c->fd, chunk, sizeof(chunk));
		if (n > 0)
			buf_add(out, chunk, (size_t)n);
		mem_wipe(chunk, sizeof(chunk));
		if (out->fail) {
			fail_set(f, -FAIL_LOCAL, "command %s: it prints more than %zu bytes",
				c->name, out->limit);
			return false;
		}
	}
	return true;
}

/* Its status; one that lives on behind a closed stdout has the rest of the time. */
static int reap(struct child *c, bool kill_it)
{
	int status = 0;

	for (;;) {
		if (kill_it)
			kill(c->pid, SIGKILL);
		pid_t got = waitpid(c->pid, &status, kill_it ? 0 : WNOHANG);
		if (got == c->pid || (got < 0 && errno != EINTR))
			return status;
		if (left(c) == 0)
			kill_it = true;
		else if (got == 0)
			poll(NULL, 0, 2);
	}
}

static int run(char **argv, uint64_t timeout_ms, struct buf *out, struct fail *f)
{
	struct child c = { .name = argv[0], .deadline = net_now_ms() + timeout_ms };
	int e = spawn(&c, argv), status;
	bool whole;

	if (e)
		return fail_set(f, -FAIL_LOCAL, "command %s: %s", c.name, strerror(e));
	whole = collect(&c, out, f);
	status = reap(&c, !whole);
	close(c.fd);
	if (!whole)
		return -FAIL_LOCAL;
	if (WIFSIGNALED(status))
		return fail_set(
			f, -FAIL_LOCAL, "command %s: ended by signal %d", c.name, WTERMSIG(status));
	if (WEXITSTATUS(status) != 0)
		return fail_set(
			f, -FAIL_LOCAL, "command %s: exit status %d", c.name, WEXITSTATUS(status));
	return 0;
}

int secret_command(const char *command, uint64_t timeout_ms, struct buf *out, struct fail *f)
{
	const char **argv = NULL;
	int argc = 0, e;

	e = poptParseArgvString(command, &argc, &argv);
	if (e < 0 || argc == 0)
		return fail_set(
			f, -FAIL_ARGUMENT, "cmd: %s", e < 0 ? poptStrerror(e) : "no command");
	e = run((char **)(uintptr_t)argv, timeout_ms, out, f);
	free(argv);
	return e;
}
