/* cli/state.h -- what is made once and kept: a line each in $XDG_STATE_HOME/rte */
#ifndef CLI_STATE_H
#define CLI_STATE_H

#include "base/arena.h"
#include "base/fail.h"

enum { STATE_LINE = 80 };

struct state {
	const char *option; /* whose it is, for errors: "--instance" */
	const char *path; /* under the folder: "instance" */
	const char *what; /* "URN" */
	bool (*check)(struct str line);
	void (*make)(char line[STATE_LINE]);
};

/* What the file holds; it is made at the first use. Lives in a. -FAIL_LOCAL when it cannot be read
 * or written, or holds something else. */
int state_get(const struct state *s, struct arena *a, const char **out, struct fail *f);

#endif
