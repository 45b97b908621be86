/* cli/opt.h -- popt contexts, the layers of values (configuration, environment, line), help, and
 * one place for usage errors (cli.md sections 7, 12 and 13)
 *
 * A row of a table says where its value goes, and nothing is converted here:
 *
 *	{ "expires", 'x', POPT_ARG_STRING, &a.expires, 0, "lifetime (default 1h)", "T" },
 *	{ "path", 0, POPT_ARG_STRING, &a.path, OPT_LIST, "Path (RFC 3327)", "URI" },
 *	{ "keep", 0, POPT_ARG_NONE, &a.keep, 0, "stay and refresh", NULL },
 *
 * are a const char *, of which the last one counts; a struct values, since it is repeatable; and an
 * int that counts. A row whose long name a group has, too, takes the place of the group's row. A
 * hidden --no-FOO row is added for each flag. Empty values and CR or LF in any value or argument
 * are refused here. */
#ifndef CLI_OPT_H
#define CLI_OPT_H

#include "base/fail.h"
#include "cmd.h"

enum {
	OPT_LIST = 1, /* val of a repeatable option */
	OPT_GO_ON = -1, /* what is given in place of an exit code when the command shall go on */
};

struct opt_spec {
	const struct cmd *cmd;
	const struct poptOption *own; /* the command's own rows, ended by POPT_TABLEEND */
	unsigned groups; /* set of GROUP_x */
	int min_args, max_args; /* max_args -1: no limit */
	bool raw_args; /* the arguments are another program's: not checked for CR and LF */
};

/* Parses a command's line into g and the locals its rows point at, then what it left open from
 * RTE_* and the configuration; the arguments into g->args. OPT_GO_ON, or the exit code to return at
 * once: help was shown (0) or a usage error printed (2). */
int opt_parse(const struct opt_spec *spec, int argc, const char **argv, struct groups *g);
/* The options before the command word; the rest, command word first, into g->args. OPT_GO_ON or an
 * exit code. */
int opt_parse_common(int argc, const char **argv, struct groups *g);

/* A usage error of a command: prints it in the way that g asks for; gives 2. */
int opt_usage(const struct groups *g, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Any failure before the output exists; gives the code. */
int opt_refuse(const struct groups *g, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* A usage error for a bad value: the option that f->text begins with ("--timeout ...", as value.h
 * writes it) is replaced by the place it came from, be that a file or the environment. Gives 2. */
int opt_bad(const struct groups *g, const struct fail *f);
/* Only its text. Returns text. */
enum { OPT_BAD_TEXT = 480 };
const char *opt_bad_text(const struct groups *g, const struct fail *f, char text[OPT_BAD_TEXT]);

/* What a command found wrong with its values: a bad one as above, anything else (a file that cannot
 * be read) with its own code, which it gives. */
int opt_failed(const struct groups *g, int e, const struct fail *f);

/* Where the option's value came from; NULL when it is built in. */
const struct opt_origin *opt_origin(const struct groups *g, const char *name);
/* Was it said on the command line, or for this very endpoint? */
bool opt_on_line(const struct groups *g, const char *name);

#endif
