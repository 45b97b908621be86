#include "opt_table.h"

#include <assert.h>
#include <string.h>

enum { ROWS_MAX = 320, SECTIONS_MAX = GROUP_COUNT + 8 };

/* Sections are told apart by the address of their name. */
static const char own_section[] = "", help_section[] = "Help", hidden_section[] = "Hidden";

static const struct poptOption help_rows[] = {
	{ "help", 'h', POPT_ARG_NONE, NULL, OPT_HELP, "this text", NULL },
	{ "help-all", 0, POPT_ARG_NONE, NULL, OPT_HELP_ALL, "the common options, too", NULL },
	{ "usage", 0, POPT_ARG_NONE, NULL, OPT_USAGE, "one paragraph", NULL },
	POPT_TABLEEND,
};

static const struct poptOption program_rows[] = {
	{ "version", 'V', POPT_ARG_NONE, NULL, OPT_VERSION, "version, features, libraries", NULL },
	POPT_TABLEEND,
};

static const struct poptOption dump_rows[] = {
	{ "dump-options", 0, POPT_ARG_NONE | POPT_ARGFLAG_DOC_HIDDEN, NULL, OPT_DUMP_OPTIONS,
		"all options, tab separated", NULL },
	{ "dump-completion", 0, POPT_ARG_STRING | POPT_ARGFLAG_DOC_HIDDEN, NULL,
		OPT_DUMP_COMPLETION, "completion functions", "bash|zsh|fish" },
	{ "dump-exit-codes", 0, POPT_ARG_NONE | POPT_ARGFLAG_DOC_HIDDEN, NULL, OPT_DUMP_EXIT_CODES,
		"all exit codes", NULL },
	POPT_TABLEEND,
};

static bool is_flag(const struct opt_row *row)
{
	return (row->opt.argInfo & POPT_ARG_MASK) == POPT_ARG_NONE;
}

static struct opt_row *add(struct opt_table *t, const struct poptOption *opt, const char *group)
{
	struct opt_row *row = &t->rows[t->count++];

	assert(t->count <= ROWS_MAX);
	*row = (struct opt_row){
		.opt = *opt,
		.group = group,
		.hidden = (opt->argInfo & POPT_ARGFLAG_DOC_HIDDEN) != 0,
		.sensitive = opt->descrip && str_ends(str_of(opt->descrip), STR("(sensitive)")),
	};
	return row;
}

static void add_special(struct opt_table *t, const struct poptOption *rows)
{
	for (; rows->longName; rows++)
		add(t, rows, help_section)->special = rows->val;
}

/* --no-FOO clears what a file or the environment has set (cli.md section 12). */
static void add_negations(struct opt_table *t, struct groups *g)
{
	unsigned plain = t->count;

	for (unsigned i = 0; i < plain; i++) {
		struct poptOption opt = t->rows[i].opt;

		if (!is_flag(&t->rows[i]))
			continue;
		opt.longName = arena_fmt(&g->arena, "no-%s", opt.longName).p;
		opt.shortName = 0;
		opt.argInfo |= POPT_ARGFLAG_DOC_HIDDEN;
		add(t, &opt, hidden_section)->negates = true;
	}
}

void opt_table_init(struct opt_table *t, const struct opt_spec *spec, struct groups *g)
{
	*t = (struct opt_table){ .spec = spec };
	t->rows = arena_alloc(&g->arena, ROWS_MAX * sizeof(*t->rows));
	for (const struct poptOption *o = spec->own; o && o->longName; o++)
		add(t, o, own_section);
	unsigned own = t->count;
	for (unsigned i = 0; i < GROUP_COUNT; i++) {
		const char *title;
		const struct poptOption *rows;

		if (!(spec->groups & (1U << i)))
			continue;
		rows = groups_rows(g, i, &title);
		for (; rows->longName; rows++) {
			struct opt_table mine = { .rows = t->rows, .count = own };
			if (!opt_table_find(&mine, str_of(rows->longName)))
				add(t, rows, title);
		}
	}
	add_negations(t, g);
	add_special(t, help_rows);
	if (!spec->cmd) {
		add_special(t, program_rows);
		add_special(t, dump_rows);
	}
}

const struct opt_row *opt_table_find(const struct opt_table *t, struct str name)
{
	for (unsigned i = 0; i < t->count; i++)
		if (!t->rows[i].negates && str_eq(str_of(t->rows[i].opt.longName), name))
			return &t->rows[i];
	return NULL;
}

/* Rows [from, to) as a table of their own. */
static struct poptOption *sub_table(
	const struct opt_table *t, struct groups *g, unsigned from, unsigned to)
{
	struct poptOption *sub = arena_alloc(&g->arena, (to - from + 1) * sizeof(*sub));

	for (unsigned i = from; i < to; i++) {
		struct poptOption *o = &sub[i - from];
		*o = t->rows[i].opt;
		o->arg = NULL;
		o->val = (int)i + 1;
	}
	sub[to - from] = (struct poptOption)POPT_TABLEEND;
	return sub;
}

static const char *title(struct groups *g, const struct opt_row *row)
{
	return arena_fmt(&g->arena, "%s:", row->group == own_section ? "Options" : row->group).p;
}

static bool same_section(const struct opt_row *a, const struct opt_row *b)
{
	return a->group == b->group && a->hidden == b->hidden;
}

const struct poptOption *opt_table_popt(const struct opt_table *t, struct groups *g, bool full)
{
	struct poptOption *top = arena_zalloc(&g->arena, SECTIONS_MAX * sizeof(*top));
	unsigned n = 0;

	for (unsigned from = 0, to; from < t->count; from = to) {
		const struct opt_row *first = &t->rows[from];

		for (to = from + 1; to < t->count && same_section(first, &t->rows[to]);)
			to++;
		if (!full && first->group != own_section && first->group != help_section)
			continue;
		assert(n + 2 < SECTIONS_MAX);
		top[n++] = (struct poptOption){ NULL, 0, POPT_ARG_INCLUDE_TABLE,
			sub_table(t, g, from, to), 0, first->hidden ? NULL : title(g, first),
			NULL };
	}
	top[n] = (struct poptOption){ NULL, 0, POPT_ARG_INCLUDE_TABLE, poptAliasOptions, 0,
		"Aliases:", NULL };
	return top;
}

bool opt_selects_file(const char *name)
{
	static const char *const names[] = { "profile", "config", "no-config" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

bool opt_row_in_file(const struct opt_row *row)
{
	return !row->special && !row->negates && !opt_selects_file(row->opt.longName);
}

void opt_table_visit(const struct opt_visitor *v)
{
	const struct opt_spec common = { .groups = GROUP_ALL };
	struct groups g = { .visitor = v };
	struct opt_table t;

	opt_table_init(&t, &common, &g);
	v->fn(v->arg, &t);
	groups_done(&g);
	for (const struct cmd *c = cmd_table; c->name; c++) {
		const char *argv[] = { c->name, NULL };

		g = (struct groups){ .visitor = v };
		c->run(c, 1, argv, &g);
		groups_done(&g);
	}
}
