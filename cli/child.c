#include "child.h"

#include "base/mem.h"
#include "endpoint/endpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { CANNOT_RUN = 126, NOT_FOUND = 127 };

static bool same_name(const char *a, const char *b)
{
	size_t n = strcspn(a, "=");

	return strncmp(a, b, n) == 0 && b[n] == '=';
}

/* Ours, without what env replaces, and env. */
static const char **environment(const char *const *env)
{
	size_t n = 0, more = 0;
	const char **list;

	while (environ[n])
		n++;
	while (env[more])
		more++;
	list = mem_zalloc(n + more + 1, sizeof(*list));
	n = 0;
	for (char **e = environ; *e; e++) {
		bool replaced = false;

		for (size_t i = 0; i < more; i++)
			replaced = replaced || same_name(env[i], *e);
		if (!replaced)
			list[n++] = *e;
	}
	memcpy(list + n, env, more * sizeof(*list));
	return list;
}

static void on_child(struct ev_loop *loop, ev_child *w, int revents)
{
	struct child *c = CONTAINER_OF(w, struct child, watcher);
	int status = w->rstatus;

	(void)revents;
	if (!WIFEXITED(status) && !WIFSIGNALED(status))
		return; /* stopped or continued */
	ev_child_stop(loop, w);
	c->pid = 0;
	c->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	c->on_end(c);
}

bool child_start(struct child *c, const char *const *argv, const char *const *env, struct fail *f)
{
	struct ev_loop *loop = endpoint_loop(); /* before the child: it is what hears of its end */
	const char **envp = environment(env);
	posix_spawnattr_t attributes;
	sigset_t set;
	int e;

	sigemptyset(&set);
	sigaddset(&set, SIGPIPE); /* we ignore it, the child shall not */
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigdefault(&attributes, &set);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
	e = posix_spawnp(&c->pid, argv[0], NULL, &attributes, (char **)(uintptr_t)argv,
		(char **)(uintptr_t)envp);
	posix_spawnattr_destroy(&attributes);
	mem_free(envp);
	if (e != 0) {
		c->pid = 0;
		c->status = e == ENOENT ? NOT_FOUND : CANNOT_RUN;
		fail_set(f, -FAIL_LOCAL, "%s: %s", argv[0],
			e == ENOENT ? "command not found" : strerror(e));
		return false;
	}
	ev_child_init(&c->watcher, on_child, c->pid, 0);
	ev_child_start(loop, &c->watcher);
	return true;
}

bool child_running(const struct child *c)
{
	return c->pid > 0;
}

/* Are we in the foreground of a terminal? Then its keys tell the whole group. */
static bool has_keyboard(void)
{
	int fd = open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC);
	pid_t group = fd < 0 ? -1 : tcgetpgrp(fd);

	if (fd >= 0)
		close(fd);
	return group > 0 && group == getpgrp();
}

void child_signal(struct child *c, int signum)
{
	if (!child_running(c) || (signum == SIGINT && has_keyboard()))
		return;
	kill(c->pid, signum);
}

void child_kill(struct child *c)
{
	int status;

	if (!child_running(c))
		return;
	ev_child_stop(endpoint_loop(), &c->watcher);
	kill(c->pid, SIGKILL);
	while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
		;
	c->pid = 0;
	c->status = 128 + SIGKILL;
}
