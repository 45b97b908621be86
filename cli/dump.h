/* cli/dump.h -- the tables of all commands for other programs: hidden options that need no network
 * and no configuration. Each gives an exit code. */
#ifndef CLI_DUMP_H
#define CLI_DUMP_H

#include "opt_table.h"

/* One line per option, tab separated: command, long, short, argument word, group, flags ("hidden",
 * "sensitive"). The command of the options before a command word is "rte". */
int dump_options(void);
/* The completion functions for bash, zsh or fish. */
int dump_completion(struct groups *g, const char *shell);

/* What the writers of completions work on: the visible rows of every command; the first one has no
 * cmd. */
struct dump_command {
	const struct cmd *cmd;
	struct opt_row *rows;
	unsigned count;
};
struct dump {
	struct arena *arena;
	struct dump_command commands[24];
	unsigned count;
	const struct opt_row *all[400]; /* each option once, whatever commands have it */
	unsigned all_count;
};

/* How the value of an option completes. */
enum dump_kind {
	DUMP_FLAG,
	DUMP_PLAIN,
	DUMP_FILE,
	DUMP_DIR,
	DUMP_WORDS,
	DUMP_LIST,
	DUMP_SOURCE,
	DUMP_PROFILE
};
/* *words: of DUMP_WORDS, DUMP_LIST and DUMP_SOURCE, separated by blanks. */
enum dump_kind dump_kind(const struct dump *d, const struct opt_row *row, const char **words);
/* Text between single quotes of a shell. */
const char *dump_quoted(const struct dump *d, const char *text);

/* A command that prints the names of the profiles in the file behind it. */
#define DUMP_PROFILES                                                                              \
	"sed -n 's/^[[:space:]]*\\[[[:space:]]*profile[[:space:]]\\{1,\\}\\([^]]*\\)\\].*/\\1/p'"

void dump_bash(const struct dump *d);
void dump_zsh(const struct dump *d);
void dump_fish(const struct dump *d);

#endif
