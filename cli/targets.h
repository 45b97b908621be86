/* cli/targets.h -- the peers that a command is about when there may be many: its arguments and the
 * lines of --each=FILE */
#ifndef CLI_TARGETS_H
#define CLI_TARGETS_H

#include "run.h"

#define TARGETS_MAX 1000000

struct targets {
	struct targets_one {
		const char *text;
		struct str uri; /* by targets_parse */
	} * v;
	unsigned n;
	bool many; /* --each, or several */
	/* internal */
	struct buf each_text; /* the texts of --each are in it */
	unsigned size, arguments;
};

/* The arguments, then what each names (NULL: nothing): lines that are neither blank nor a comment;
 * "-" is stdin. -FAIL_ARGUMENT, also when there is none at all, or -FAIL_LOCAL: f begins with the
 * option. t is zeroed. */
int targets_collect(struct targets *t, const struct groups *g, const char *each, struct fail *f);
/* All as Request-URIs of that method (target_request). 0, or 2 when a usage error was printed. */
int targets_parse(struct targets *t, struct run *r, struct str method);
void targets_done(struct targets *t);

#endif
