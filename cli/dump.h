/* cli/dump.h -- the tables of all commands for other programs: hidden options that need no network and no configuration.
 * Each gives an exit code. */
#ifndef CLI_DUMP_H
#define CLI_DUMP_H

#include "groups.h"

/* One line per option, tab separated: command, long, short, argument word, group, flags ("hidden", "sensitive"). The command
 * of the options before a command word is "rte". */
int dump_options(void);
/* The completion functions for bash, zsh or fish. */
int dump_completion(struct groups *g, const char *shell);

#endif
