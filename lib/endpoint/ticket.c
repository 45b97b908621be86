/* lib/endpoint/ticket.c -- a Kerberos ticket, asked for by a child process. A process and not a
 * thread (ruling 15 leaves the choice): it can be ended at any time, whatever libkrb5 waits for,
 * and what it knew of a password goes with it. */
#include "endpoint/ticket.h"

#include "base/mem.h"
#include "net/child.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- the child ---- */

static void ask(const void *arg, int fd)
{
	struct kerberos_ticket t;
	struct buf bytes = BUF_INIT(KERBEROS_TICKET_MAX);
	size_t done = 0;

	kerberos_ask(arg, &t);
	kerberos_ticket_write(&t, &bytes);
	while (done < bytes.n) {
		ssize_t n = write(fd, bytes.p + done, bytes.n - done);
		if (n < 0 && errno != EINTR)
			break; /* nobody waits any more */
		done += n > 0 ? (size_t)n : 0;
	}
	buf_wipe(&bytes);
	kerberos_ticket_done(&t);
}

/* ---- the parent ---- */

/* Everything ends but the process: what is dead or dying the loop reaps, watched or not. */
static void put_down(struct ticket *t)
{
	ev_io_stop(net_loop(), &t->io);
	ev_child_stop(net_loop(), &t->exit);
	ev_timer_stop(net_loop(), &t->timer);
	close(t->fd);
	buf_wipe(&t->bytes);
	t->child = 0;
}

void ticket_stop(struct ticket *t)
{
	if (!t->child)
		return;
	kill(t->child, SIGKILL);
	put_down(t);
}

/* The owner may free t in fn. */
static void tell(struct ticket *t, struct kerberos_ticket *got)
{
	t->fn(t->arg, got);
	kerberos_ticket_done(got);
}

static void tell_failure(struct ticket *t, enum kerberos_cause cause, const char *why)
{
	struct kerberos_ticket none;

	kerberos_ticket_init(&none);
	none.cause = cause;
	buf_add_str(&none.reason, str_of(why));
	tell(t, &none);
}

/* What is in the pipe; false at its end. */
static bool drain(struct ticket *t)
{
	ssize_t n;

	for (;;) {
		/* one byte more than a ticket has at most: its reader refuses that */
		if (t->bytes.n == t->bytes.limit)
			return false;
		n = read(t->fd, t->bytes.p + t->bytes.n, t->bytes.limit - t->bytes.n);
		if (n > 0)
			buf_commit(&t->bytes, (size_t)n);
		else if (n == 0 || errno != EINTR)
			return n != 0 && errno == EAGAIN;
	}
}

static void on_bytes(struct ev_loop *loop, ev_io *w, int revents)
{
	struct ticket *t = CONTAINER_OF(w, struct ticket, io);

	(void)revents;
	if (!drain(t))
		ev_io_stop(loop, w);
}

/* Only now is it told, so that no child is left when the owner hears of its ticket. */
static void on_exit_of(struct ev_loop *loop, ev_child *w, int revents)
{
	struct ticket *t = CONTAINER_OF(w, struct ticket, exit);
	struct kerberos_ticket got;
	int status = w->rstatus;
	bool whole;
	char why[80];

	(void)loop;
	(void)revents;
	drain(t);
	whole = kerberos_ticket_read(buf_str(&t->bytes), &got) == 0;
	put_down(t);
	if (whole) {
		tell(t, &got);
		return;
	}
	if (WIFSIGNALED(status))
		snprintf(why, sizeof(why), "the process that asked for a ticket died of signal %d",
			WTERMSIG(status));
	else
		snprintf(why, sizeof(why), "the process that asked for a ticket failed (%d)",
			WEXITSTATUS(status));
	tell_failure(t, KERBEROS_OTHER, why);
}

static void on_time(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct ticket *t = CONTAINER_OF(w, struct ticket, timer);
	char why[80];

	(void)loop;
	(void)revents;
	snprintf(
		why, sizeof(why), "no answer from a KDC within %g s", (double)t->timeout_ms / 1000);
	ticket_stop(t);
	tell_failure(t, KERBEROS_UNREACHABLE, why);
}

static uint64_t deadline_in(uint64_t timeout_ms)
{
	uint64_t now = net_now_ms();

	return timeout_ms < NET_NEVER - now ? now + timeout_ms : NET_NEVER;
}

int ticket_start(struct ticket *t, const struct kerberos_wish *w, uint64_t timeout_ms,
	ticket_fn *fn, void *arg, struct fail *f)
{
	struct ev_loop *loop = net_loop(); /* before the child: its SIGCHLD must not be missed */
	pid_t child;
	int fd, e;

	assert(!t->child);
	if ((e = net_child_start(ask, w, &child, &fd)) != 0)
		return fail_set(f, e, "no process to ask for a Kerberos ticket: %s", strerror(-e));
	*t = (struct ticket){ .child = child,
		.fd = fd,
		.bytes = BUF_INIT(KERBEROS_TICKET_MAX + 1),
		.timeout_ms = timeout_ms,
		.fn = fn,
		.arg = arg };
	buf_reserve(&t->bytes, t->bytes.limit); /* it never grows, and so leaves no copies */
	ev_io_init(&t->io, on_bytes, fd, EV_READ);
	ev_io_start(loop, &t->io);
	ev_child_init(&t->exit, on_exit_of, child, 0);
	ev_child_start(loop, &t->exit);
	ev_init(&t->timer, on_time);
	net_timer_set(loop, &t->timer, deadline_in(timeout_ms));
	return 0;
}
