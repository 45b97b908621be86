/* cli/child.h -- a command that runs beside us, in the same terminal: rte serve -- COMMAND */
#ifndef CLI_CHILD_H
#define CLI_CHILD_H

#include "base/fail.h"

#include <ev.h>
#include <stdbool.h>
#include <sys/types.h>

struct child {
	ev_child watcher;
	pid_t pid; /* 0: none */
	int status; /* as a shell names it: the exit code, or 128 and the signal; 126, 127 */
	void (*on_end)(struct child *c);
};

/* Starts argv[0] (PATH is searched) with our environment changed by the entries of env
 * ("NAME=VALUE"). It has our streams; signals are as they were for us. on_end comes from the loop.
 * False: it could not be started, status says why in a shell's number, f in words. */
bool child_start(struct child *c, const char *const *argv, const char *const *env, struct fail *f);
bool child_running(const struct child *c);
/* Hands a signal on, unless it came from the keyboard of the terminal, which has told the child,
 * too. */
void child_signal(struct child *c, int signum);
/* At once, and waits until it is gone; status is 137. */
void child_kill(struct child *c);

#endif
