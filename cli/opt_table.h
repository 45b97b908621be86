/* cli/opt_table.h -- all rows of one command's options: its own, those of its groups, a hidden
 * --no-FOO for each flag, and the help options; one table for parsing, help, completion and the
 * dumps */
#ifndef CLI_OPT_TABLE_H
#define CLI_OPT_TABLE_H

#include "opt.h"

struct opt_row {
	struct poptOption opt; /* as its owner wrote it: arg says where the value goes */
	const char *group; /* "Output", "Help", "Hidden"; "" for the own ones */
	int special; /* 0, or one of OPT_HELP ... */
	bool negates; /* --no-FOO: clears the flag whose arg this is */
	bool hidden;
	bool sensitive; /* a secret may stand there */
};

enum opt_special {
	OPT_HELP = 1,
	OPT_HELP_ALL,
	OPT_USAGE,
	OPT_VERSION,
	OPT_DUMP_OPTIONS,
	OPT_DUMP_COMPLETION,
	OPT_DUMP_EXIT_CODES,
};

struct opt_table {
	const struct opt_spec *spec;
	struct opt_row *rows;
	unsigned count;
};

/* spec->cmd NULL: the options before a command word. The table lives in g's arena. */
void opt_table_init(struct opt_table *t, const struct opt_spec *spec, struct groups *g);
/* By long name; NULL when there is none. Hidden negations are not found, special rows are. */
const struct opt_row *opt_table_find(const struct opt_table *t, struct str name);
/* What popt wants: the rows with a val of index + 1 and nothing bound. full: all rows; else the own
 * and the help rows, which is what --help shows. Lives in g's arena. */
const struct poptOption *opt_table_popt(const struct opt_table *t, struct groups *g, bool full);

/* Does this option say which file or section is read? Then it stands in none. */
bool opt_selects_file(const char *name);
/* May this row be set by a file? --help, --profile and their like may not. */
bool opt_row_in_file(const struct opt_row *row);

/* One value on its way into its row. */
struct opt_value {
	const char *text; /* NULL for a flag that was given */
	const char *where; /* as in struct opt_origin */
	enum opt_layer layer;
};
/* Puts it where the row's arg says and notes its origin; a value of a lower layer than what is
 * there is passed over, one of a higher layer replaces it, lists as a whole. -FAIL_ARGUMENT with
 * the option or its place in f: it is empty, holds CR or LF, or is no value for a flag. */
int opt_store(
	struct groups *g, const struct opt_row *row, const struct opt_value *v, struct fail *f);
/* Notes the origin of a value that was copied with its groups. */
void opt_note_origin(struct groups *g, const struct opt_origin *o);
/* A context with the aliases of ~/.popt and /etc/popt, unless RTE_NO_CONFIG forbids them. */
poptContext opt_context(
	const struct opt_table *t, const char **argv, const struct poptOption *rows);
/* Prints a form of help; gives the exit code. */
int opt_help(const struct opt_table *t, struct groups *g, enum opt_special form);

/* Sees every command's table, in the order of cmd_table; the first one is that of the options
 * before a command word. */
struct opt_visitor {
	void (*fn)(void *arg, const struct opt_table *t);
	void *arg;
};
void opt_table_visit(const struct opt_visitor *v);

#endif
