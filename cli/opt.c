#include "opt.h"

#include "base/mem.h"
#include "config.h"
#include "dump.h"
#include "exit.h"
#include "opt_table.h"
#include "out.h"
#include "value.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int refuse(const struct groups *g, int code, const char *fmt, va_list ap)
{
	char text[480];

	vsnprintf(text, sizeof(text), fmt, ap);
	if (g->nagios_errors)
		return out_refuse_nagios(code, text);
	return out_refuse(g->cmd ? g->cmd->name : NULL, g->json || g->json_errors, code, text);
}

int opt_refuse(const struct groups *g, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	code = refuse(g, code, fmt, ap);
	va_end(ap);
	return code;
}

int opt_usage(const struct groups *g, const char *fmt, ...)
{
	va_list ap;
	int code;

	va_start(ap, fmt);
	code = refuse(g, EXIT_usage, fmt, ap);
	va_end(ap);
	return code;
}

poptContext opt_context(const struct opt_table *t, const char **argv, const struct poptOption *rows)
{
	const struct cmd *cmd = t->spec->cmd;
	const char *off = getenv("RTE_NO_CONFIG");
	char name[64];
	unsigned flags = cmd ? 0 : POPT_CONTEXT_POSIXMEHARDER;
	poptContext con;
	int argc = 0;

	while (argv[argc])
		argc++;
	snprintf(name, sizeof(name), cmd ? "rte-%s" : "rte", cmd ? cmd->name : "");
	/* exec lines of ~/.popt run any program */
	con = poptGetContext(name, argc, argv, rows, flags | POPT_CONTEXT_NO_EXEC);
	if (!con)
		mem_zalloc(SIZE_MAX, 2); /* memory is exhausted: does not come back */
	if (!off || strcmp(off, "0") == 0 || strcmp(off, "no") == 0)
		poptReadDefaultConfig(con, 1);
	return con;
}

/* The option that popt did not understand, without its value, which may be a secret. */
static const char *bad_option(const struct opt_table *t, poptContext con, char out[VALUE_SHOWN])
{
	const char *text = poptBadOption(con, POPT_BADOPTION_NOALIAS);
	char *shown;
	size_t n;

	if (text[0] == '-' && text[1] != '-' && text[1] != '\0') {
		char letter[3] = { '-', text[1], '\0' };
		/* of a bundle, the first letter that nobody has */
		for (const char *p = text + 1; *p; p++) {
			bool known = false;
			for (unsigned i = 0; i < t->count; i++)
				known = known || t->rows[i].opt.shortName == *p;
			if (known)
				continue;
			letter[1] = *p;
			break;
		}
		return value_show(letter, out);
	}
	n = strcspn(text, "=");
	shown = strndup(text, n);
	value_show(shown ? shown : "", out);
	free(shown);
	return out;
}

static int unknown_option(const struct opt_table *t, struct groups *g, const char *shown)
{
	const char **words = arena_alloc(&g->arena, (t->count + 1) * sizeof(*words));
	char name[80];
	const char *near = NULL;
	unsigned n = 0;

	for (unsigned i = 0; i < t->count; i++)
		if (!t->rows[i].hidden)
			words[n++] = t->rows[i].opt.longName;
	words[n] = NULL;
	if (strncmp(shown, "\"--", 3) == 0) {
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(shown + 3, "\""), shown + 3);
		near = value_nearest(name, words);
	}
	if (near)
		return opt_usage(g, "unknown option %s; did you mean --%s?", shown, near);
	return opt_usage(g, "unknown option %s", shown);
}

static int parse_error(const struct opt_table *t, struct groups *g, poptContext con, int rc)
{
	char shown[VALUE_SHOWN];

	bad_option(t, con, shown);
	if (rc == POPT_ERROR_BADOPT)
		return unknown_option(t, g, shown);
	if (rc == POPT_ERROR_NOARG)
		return opt_usage(g, "option %s needs a value", shown);
	if (rc == POPT_ERROR_UNWANTEDARG)
		return opt_usage(g, "option %s takes no value", shown);
	return opt_usage(g, "option %s: %s", shown, poptStrerror(rc));
}

static int special(
	const struct opt_table *t, struct groups *g, const struct opt_row *row, char *text)
{
	switch ((enum opt_special)row->special) {
	case OPT_VERSION: {
		const char *argv[] = { "rte version", g->json ? "--json" : NULL, NULL };
		g->origin_count = 0; /* whatever stood before it */
		return cmd_version(cmd_find("version"), g->json ? 2 : 1, argv, g);
	}
	case OPT_DUMP_OPTIONS:
		return dump_options();
	case OPT_DUMP_COMPLETION:
		return dump_completion(g, text);
	case OPT_DUMP_EXIT_CODES:
		return exit_dump();
	case OPT_HELP:
	case OPT_HELP_ALL:
	case OPT_USAGE:
		break;
	}
	return opt_help(t, g, (enum opt_special)row->special);
}

/* The options of argv, stored or, if they are special, done. */
static int parse(const struct opt_table *t, struct groups *g, poptContext con)
{
	struct fail f = { 0 };
	int rc, code = OPT_GO_ON;

	while (code == OPT_GO_ON && (rc = poptGetNextOpt(con)) > 0) {
		const struct opt_row *row = &t->rows[rc - 1];
		char *text = poptGetOptArg(con);

		if (row->special)
			code = special(t, g, row, text);
		else if (opt_store(
				 g, row, &(struct opt_value){ text, "command line", OPT_LINE }, &f))
			code = opt_usage(g, "%s", fail_show(&f));
		if (text)
			mem_wipe(text, strlen(text));
		free(text);
	}
	if (code == OPT_GO_ON && rc < -1)
		code = parse_error(t, g, con, rc);
	return code;
}

static int arguments(const struct opt_table *t, struct groups *g, poptContext con)
{
	const struct opt_spec *spec = t->spec;
	const char **args = poptGetArgs(con);
	char shown[VALUE_SHOWN];
	int n = 0;

	while (args && args[n])
		n++;
	g->args = (struct values){ arena_zalloc(&g->arena, ((size_t)n + 1) * sizeof(char *)), 0 };
	for (int i = 0; i < n; i++) {
		const char *a = args[i];
		if (spec->cmd && spec->max_args >= 0 && i >= spec->max_args)
			return opt_usage(g, "too many arguments: %s", value_show(a, shown));
		if (spec->cmd && !spec->raw_args && a[0] == '\0')
			return opt_usage(
				g, "argument %d (%s) is empty", i + 1, spec->cmd->arguments);
		if (spec->cmd && !spec->raw_args && strpbrk(a, "\r\n"))
			return opt_usage(g, "argument %s holds a line break", value_show(a, shown));
		g->args.v[g->args.n++] = arena_str(&g->arena, str_of(a)).p;
	}
	if (n < spec->min_args)
		return opt_usage(g, "missing argument: %s", spec->cmd->arguments);
	return OPT_GO_ON;
}

/* What stood before the command word must mean something to the command. */
static int check_common(const struct opt_table *t, struct groups *g)
{
	for (unsigned i = 0; i < g->origin_count; i++)
		if (!opt_table_find(t, str_of(g->origins[i].name)))
			return opt_usage(g, "--%s does not apply to %s", g->origins[i].name,
				t->spec->cmd->name);
	return OPT_GO_ON;
}

static int parse_line(const struct opt_table *t, const char **argv, struct groups *g)
{
	poptContext con = opt_context(t, argv, opt_table_popt(t, g, true));
	int code = parse(t, g, con);

	if (code == OPT_GO_ON)
		code = arguments(t, g, con);
	poptFreeContext(con);
	return code;
}

int opt_parse(const struct opt_spec *spec, int argc, const char **argv, struct groups *g)
{
	struct opt_table t;
	int code;

	(void)argc;
	opt_table_init(&t, spec, g);
	if (g->visitor) {
		g->visitor->fn(g->visitor->arg, &t);
		return 0;
	}
	g->cmd = spec->cmd;
	if ((code = check_common(&t, g)) != OPT_GO_ON ||
		(code = parse_line(&t, argv, g)) != OPT_GO_ON ||
		(code = config_environment(&t, g)) != OPT_GO_ON)
		return code;
	return config_file(&t, g);
}

int opt_parse_common(int argc, const char **argv, struct groups *g)
{
	const struct opt_spec spec = { .groups = GROUP_ALL, .max_args = -1 };
	struct opt_table t;

	(void)argc;
	opt_table_init(&t, &spec, g);
	return parse_line(&t, argv, g);
}
