#include "dump.h"

#include <stdio.h>
#include <string.h>

/* Text inside the brackets and colons of a specification. */
static void escaped(const struct dump *d, const char *text)
{
	for (text = dump_quoted(d, text); *text; text++) {
		if (strchr("[]:", *text))
			putchar('\\');
		putchar(*text);
	}
}

static void action(const struct dump *d, const struct opt_row *row)
{
	const char *words = "";

	switch (dump_kind(d, row, &words)) {
	case DUMP_FILE:
		printf("_files");
		break;
	case DUMP_DIR:
		printf("_directories");
		break;
	case DUMP_WORDS:
		printf("(%s)", words);
		break;
	case DUMP_LIST:
		printf("_values -s , word %s", words);
		break;
	case DUMP_SOURCE:
		printf("_rte_sources");
		break;
	case DUMP_PROFILE:
		printf("_rte_profiles");
		break;
	default:
		putchar(' ');
		break;
	}
}

/* '(-t --transport)'{-t+,--transport=}'[text]:word:action' */
static void option(const struct dump *d, const struct opt_row *row)
{
	const char *name = row->opt.longName, *words;
	bool flag = dump_kind(d, row, &words) == DUMP_FLAG;
	bool many = row->opt.val == OPT_LIST || strcmp(name, "verbose") == 0;
	char letter = row->opt.shortName;

	printf("\t\t");
	if (many)
		printf("'*'");
	else if (letter)
		printf("'(-%c --%s)'", letter, name);
	if (letter)
		printf("{-%c%s,--%s%s}'[", letter, flag ? "" : "+", name, flag ? "" : "=");
	else
		printf("'--%s%s[", name, flag ? "" : "=");
	escaped(d, row->opt.descrip);
	printf("]");
	if (!flag) {
		printf(":");
		escaped(d, row->opt.argDescrip);
		printf(":");
		action(d, row);
	}
	printf("'\n");
}

static void options(const struct dump *d, const struct dump_command *c)
{
	for (unsigned i = 0; i < c->count; i++)
		option(d, &c->rows[i]);
}

static const char head[] =
	"#compdef rte\n"
	"# zsh completion of rte; made by rte --dump-completion=zsh\n\n"
	"_rte_profiles() {\n"
	"\tlocal -a names\n"
	"\tnames=(${(f)\"$(" DUMP_PROFILES " \\\n"
	"\t\t\"${XDG_CONFIG_HOME:-$HOME/.config}/rte/config\" 2>/dev/null)\"})\n"
	"\tcompadd -a names\n}\n\n"
	"_rte_sources() {\n"
	"\tif compset -P file:; then\n\t\t_files\n"
	"\telif compset -P env:; then\n\t\t_parameters -g '*export*'\n"
	"\telse\n\t\tcompadd -S '' env: file: fd: cmd:\n\t\tcompadd stdin prompt\n\tfi\n}\n\n";

void dump_zsh(const struct dump *d)
{
	fputs(head, stdout);
	printf("_rte_commands() {\n\tlocal -a commands\n\tcommands=(\n");
	for (unsigned i = 1; i < d->count; i++) {
		const struct cmd *c = d->commands[i].cmd;
		printf("\t\t'%s:%s'\n", c->name, dump_quoted(d, c->summary));
		if (c->alias)
			printf("\t\t'%s:%s'\n", c->alias, dump_quoted(d, c->summary));
	}
	printf("\t)\n\t_describe command commands\n}\n\n");
	printf("_rte() {\n\tlocal curcontext=$curcontext state line\n\tlocal -a "
	       "options\n\n\toptions=(\n");
	options(d, &d->commands[0]);
	printf("\t)\n\t_arguments -C -s -S $options '1:command:_rte_commands' "
	       "'*::argument:->argument' && return\n");
	printf("\tcase $words[1] in\n");
	for (unsigned i = 1; i < d->count; i++) {
		const struct cmd *c = d->commands[i].cmd;
		printf("\t%s%s%s)\n\t\toptions=(\n", c->name, c->alias ? "|" : "",
			c->alias ? c->alias : "");
		options(d, &d->commands[i]);
		printf("\t\t)\n\t\t_arguments -s -S $options '*:argument:%s'\n\t\t;;\n",
			strcmp(c->name, "help") == 0 ? "_rte_commands" : "_default");
	}
	printf("\tesac\n}\n\n_rte \"$@\"\n");
}
