#include "dump.h"

#include <stdio.h>
#include <string.h>

static bool has(const struct dump_command *c, const char *name)
{
	for (unsigned i = 0; i < c->count; i++)
		if (strcmp(c->rows[i].opt.longName, name) == 0)
			return true;
	return false;
}

/* The commands that know an option; "-" stands for no command word yet. */
static void condition(const struct dump *d, const char *name)
{
	printf(" -n '__rte_command_is");
	for (unsigned i = 0; i < d->count; i++) {
		const struct cmd *c = d->commands[i].cmd;
		if (!has(&d->commands[i], name))
			continue;
		printf(" %s", c ? c->name : "-");
		if (c && c->alias)
			printf(" %s", c->alias);
	}
	printf("'");
}

/* Between single quotes fish knows \' and \\. */
static void quoted(const char *text)
{
	putchar('\'');
	for (; *text; text++) {
		if (*text == '\'' || *text == '\\')
			putchar('\\');
		putchar(*text);
	}
	putchar('\'');
}

static void value(const struct dump *d, const struct opt_row *row)
{
	const char *words = "";

	switch (dump_kind(d, row, &words)) {
	case DUMP_FLAG:
		break;
	case DUMP_FILE:
		printf(" -r -F");
		break;
	case DUMP_DIR:
		printf(" -x -a '(__fish_complete_directories)'");
		break;
	case DUMP_WORDS:
	case DUMP_SOURCE:
		printf(" -x -a '%s'", words);
		break;
	case DUMP_LIST:
		printf(" -x -a '(__fish_append , %s)'", words);
		break;
	case DUMP_PROFILE:
		printf(" -x -a '(__rte_profiles)'");
		break;
	case DUMP_PLAIN:
		printf(" -x");
		break;
	}
}

static const char head[] = "# fish completion of rte; made by rte --dump-completion=fish\n\n"
			   "function __rte_profiles\n"
			   "\tset -l base $XDG_CONFIG_HOME\n"
			   "\ttest -n \"$base\"; or set base ~/.config\n"
			   "\t" DUMP_PROFILES " \\\n"
			   "\t\t$base/rte/config 2>/dev/null\nend\n\n";

static const char body[] = "# Is the command word one of these? \"-\": there is none yet.\n"
			   "function __rte_command_is\n"
			   "\tset -l words (commandline -opc)\n"
			   "\tset -l skip\n"
			   "\tset -e words[1]\n"
			   "\tfor word in $words\n"
			   "\t\tif test -n \"$skip\"\n\t\t\tset skip\n\t\t\tcontinue\n\t\tend\n"
			   "\t\tif string match -q -- '-*' $word\n"
			   "\t\t\tcontains -- $word $__rte_takes_value; and set skip 1\n"
			   "\t\t\tcontinue\n\t\tend\n"
			   "\t\tcontains -- $word $argv\n\t\treturn\n"
			   "\tend\n"
			   "\tcontains -- - $argv\nend\n\n"
			   "complete -c rte -f\n";

static void takes_value(const struct dump *d)
{
	const char *words;

	printf("set -g __rte_takes_value");
	for (unsigned i = 0; i < d->commands[0].count; i++) {
		const struct opt_row *row = &d->commands[0].rows[i];
		if (dump_kind(d, row, &words) == DUMP_FLAG)
			continue;
		printf(" \\\n\t--%s", row->opt.longName);
		if (row->opt.shortName)
			printf(" -%c", row->opt.shortName);
	}
	printf("\n\n");
}

void dump_fish(const struct dump *d)
{
	fputs(head, stdout);
	takes_value(d);
	fputs(body, stdout);
	for (unsigned i = 1; i < d->count; i++) {
		const struct cmd *c = d->commands[i].cmd;
		printf("complete -c rte -n '__rte_command_is - help' -a '%s%s%s' -d ", c->name,
			c->alias ? " " : "", c->alias ? c->alias : "");
		quoted(c->summary);
		putchar('\n');
	}
	for (unsigned i = 0; i < d->all_count; i++) {
		const struct opt_row *row = d->all[i];
		printf("complete -c rte");
		condition(d, row->opt.longName);
		printf(" -l %s", row->opt.longName);
		if (row->opt.shortName)
			printf(" -s %c", row->opt.shortName);
		value(d, row);
		printf(" -d ");
		quoted(row->opt.descrip);
		putchar('\n');
	}
}
