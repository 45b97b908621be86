/* cli/opt.h -- popt contexts: the layers of values (environment, configuration, line), help, and one place for usage
 * errors (cli.md sections 12 and 13) */
#ifndef CLI_OPT_H
#define CLI_OPT_H

#include "cmd.h"

/* How a table row says more than popt does: in the `val` of a repeatable option stands OPT_LIST + index into lists. */
enum { OPT_LIST = 1000 };

struct opt_spec {
	const struct cmd *cmd;
	const struct poptOption *own; /* the command's own rows, ended by POPT_TABLEEND */
	struct values *lists[16];     /* of the rows with val OPT_LIST + i */
	unsigned groups;              /* set of GROUP_x */
	int min_args, max_args;       /* -1: no limit */
};

/* Parses a command's line into g and the locals its rows point at; `args` gets what stands behind the options. 0: go on;
 * else 1 + the exit code: help was shown (1), or a usage error was printed (3). */
int opt_parse(const struct opt_spec *spec, int argc, const char **argv, struct groups *g, struct values *args);

/* A usage error of a command after parsing: prints it in the way that g asks for; gives 2. */
int opt_usage(const struct cmd *cmd, const struct groups *g, const char *fmt, ...) PRINTF_LIKE(3, 4);

#endif
