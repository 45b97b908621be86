/* cli/hook.h -- --exec=COMMAND: a command that is asked what to answer. It gets one line of JSON on
 * stdin, nothing of the wire in its arguments or environment, and no shell (ruling 23); the first
 * line it prints is its answer. */
#ifndef CLI_HOOK_H
#define CLI_HOOK_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/fail.h"

#include <ev.h>

struct hook {
	pid_t pid; /* 0: none */
	int in, out; /* its stdin and stdout; -1: closed */
	struct buf input, line;
	bool whole; /* the first line is complete: the rest is read and dropped */
	bool late, ended;
	int status; /* of waitpid */
	const char *name;
	ev_io in_io, out_io;
	ev_child child;
	ev_timer timer;
	/* The last thing that happens: code 0 and the line without its end, or -FAIL_LOCAL with the
	 * cause. The hook is free again before. */
	void (*on_end)(struct hook *h, struct str line, const struct fail *f);
};

/* Splits by popt's rules; the words live in the arena. -FAIL_ARGUMENT. */
int hook_parse(const char *command, struct arena *a, const char *const **argv, struct fail *f);
/* Starts it: on_end (set before) comes from the loop. stderr is ours; it is killed after
 * timeout_ms. -FAIL_LOCAL. */
int hook_start(struct hook *h, const char *const *argv, struct str input, uint64_t timeout_ms,
	struct fail *f);
/* Kills it, at once and silently, with no on_end. Zeroed is fine. */
void hook_stop(struct hook *h);

#endif
