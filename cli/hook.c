#include "hook.h"

#include "endpoint/endpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <popt.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { INPUT_MAX = 64 << 20, LINE_MAX_BYTES = 1024, CHUNK = 4096 };

int hook_parse(const char *command, struct arena *a, const char *const **argv, struct fail *f)
{
	const char **words = NULL, **copy;
	int n = 0, e = poptParseArgvString(command, &n, &words);

	if (e < 0 || n == 0) {
		free(words);
		return fail_set(
			f, -FAIL_ARGUMENT, "--exec: %s", e < 0 ? poptStrerror(e) : "no command");
	}
	copy = arena_zalloc(a, ((size_t)n + 1) * sizeof(*copy));
	for (int i = 0; i < n; i++)
		copy[i] = arena_str(a, str_of(words[i])).p;
	free(words);
	*argv = copy;
	return 0;
}

/* ---- its end ---- */

static void close_fd(int *fd, ev_io *io)
{
	if (*fd < 0)
		return;
	ev_io_stop(endpoint_loop(), io);
	close(*fd);
	*fd = -1;
}

static void clear(struct hook *h)
{
	close_fd(&h->in, &h->in_io);
	close_fd(&h->out, &h->out_io);
	ev_child_stop(endpoint_loop(), &h->child);
	ev_timer_stop(endpoint_loop(), &h->timer);
	buf_done(&h->input);
	h->pid = 0;
}

void hook_stop(struct hook *h)
{
	int status;

	if (h->pid == 0)
		return;
	if (!h->ended) {
		kill(h->pid, SIGKILL);
		while (waitpid(h->pid, &status, 0) < 0 && errno == EINTR)
			;
	}
	clear(h);
	buf_done(&h->line);
}

/* What it said, or why it does not count. */
static int judge(const struct hook *h, struct fail *f)
{
	if (h->late)
		return fail_set(f, -FAIL_LOCAL, "--exec: %s: killed: no answer in time", h->name);
	if (WIFSIGNALED(h->status))
		return fail_set(f, -FAIL_LOCAL, "--exec: %s: ended by signal %d", h->name,
			WTERMSIG(h->status));
	if (WEXITSTATUS(h->status) != 0)
		return fail_set(f, -FAIL_LOCAL, "--exec: %s: exit status %d", h->name,
			WEXITSTATUS(h->status));
	if (h->line.fail)
		return fail_set(f, -FAIL_LOCAL, "--exec: %s: its first line has more than %d bytes",
			h->name, LINE_MAX_BYTES);
	return 0;
}

/* It is over when it has ended, and with it what it prints. */
static void finish(struct hook *h)
{
	struct buf line = h->line;
	struct fail f = { 0 };
	int e = judge(h, &f);

	buf_init(&h->line, LINE_MAX_BYTES);
	clear(h);
	h->on_end(h, e ? STR_EMPTY : buf_str(&line), e ? &f : NULL);
	buf_done(&line);
}

/* ---- its life ---- */

static void keep(struct hook *h, struct str s)
{
	size_t end = str_find(s, '\n');

	if (h->whole)
		return;
	buf_add_str(&h->line, str_sub(s, 0, end));
	h->whole = end < s.n || h->line.fail;
}

/* Reads what is there. False: there is no more. */
static bool collect(struct hook *h)
{
	char chunk[CHUNK];
	ssize_t n = read(h->out, chunk, sizeof(chunk));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (n <= 0)
		return false;
	keep(h, (struct str){ chunk, (size_t)n });
	return true;
}

static void on_out(struct ev_loop *loop, ev_io *w, int revents)
{
	struct hook *h = CONTAINER_OF(w, struct hook, out_io);

	(void)loop;
	(void)revents;
	if (!collect(h))
		close_fd(&h->out, &h->out_io);
}

static void on_in(struct ev_loop *loop, ev_io *w, int revents)
{
	struct hook *h = CONTAINER_OF(w, struct hook, in_io);
	ssize_t n = write(h->in, h->input.p, h->input.n);

	(void)loop;
	(void)revents;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		buf_consume(&h->input, (size_t)n);
	if (n <= 0 || h->input.n == 0) /* it need not read all of it */
		close_fd(&h->in, &h->in_io);
}

static void on_child(struct ev_loop *loop, ev_child *w, int revents)
{
	struct hook *h = CONTAINER_OF(w, struct hook, child);

	(void)revents;
	if (!WIFEXITED(w->rstatus) && !WIFSIGNALED(w->rstatus))
		return; /* stopped or continued */
	ev_child_stop(loop, w);
	h->ended = true;
	h->status = w->rstatus;
	/* What it printed is in the pipe. A child of its own that still holds the other end is not
	 * waited for. */
	for (unsigned i = 0; i < 64 && h->out >= 0 && !h->whole; i++) {
		size_t had = h->line.n;

		if (!collect(h) || (h->line.n == had && !h->whole))
			break;
	}
	finish(h);
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct hook *h = CONTAINER_OF(w, struct hook, timer);

	(void)revents;
	ev_timer_stop(loop, w);
	h->late = true;
	kill(h->pid, SIGKILL); /* its end comes by on_child */
}

/* 0 or an errno. SIGPIPE, which we ignore, kills again. */
static int spawn(struct hook *h, const char *const *argv, const int in[2], const int out[2])
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t defaults;
	int e;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigdefault(&attr, &defaults);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF);
	e = posix_spawnp(&h->pid, argv[0], &actions, &attr, (char **)(uintptr_t)argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	return e;
}

static int start(struct hook *h, const char *const *argv)
{
	int in[2], out[2], e;

	if (pipe2(in, O_CLOEXEC) != 0)
		return errno;
	if (pipe2(out, O_CLOEXEC) != 0) {
		e = errno;
		close(in[0]);
		close(in[1]);
		return e;
	}
	e = spawn(h, argv, in, out);
	close(in[0]);
	close(out[1]);
	h->in = in[1];
	h->out = out[0];
	if (e == 0)
		return 0;
	close(h->in);
	close(h->out);
	h->pid = 0;
	return e;
}

int hook_start(struct hook *h, const char *const *argv, struct str input, uint64_t timeout_ms,
	struct fail *f)
{
	struct ev_loop *loop = endpoint_loop(); /* before the child: it is what hears of its end */
	int e = start(h, argv);

	if (e)
		return fail_set(f, -FAIL_LOCAL, "--exec: %s: %s", argv[0],
			e == ENOENT ? "command not found" : strerror(e));
	h->name = argv[0];
	h->whole = h->late = h->ended = false;
	buf_init(&h->line, LINE_MAX_BYTES);
	buf_init(&h->input, INPUT_MAX);
	buf_add_str(&h->input, input);
	fcntl(h->in, F_SETFL, O_NONBLOCK);
	fcntl(h->out, F_SETFL, O_NONBLOCK);
	ev_io_init(&h->in_io, on_in, h->in, EV_WRITE);
	ev_io_init(&h->out_io, on_out, h->out, EV_READ);
	ev_child_init(&h->child, on_child, h->pid, 0);
	ev_init(&h->timer, on_timer);
	ev_io_start(loop, &h->in_io);
	ev_io_start(loop, &h->out_io);
	ev_child_start(loop, &h->child);
	net_timer_set(loop, &h->timer, net_now_ms() + timeout_ms);
	return 0;
}
