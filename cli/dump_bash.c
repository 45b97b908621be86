#include "dump.h"

#include <stdio.h>

/* "-t|--transport" */
static void pattern(const struct opt_row *row)
{
	if (row->opt.shortName)
		printf("-%c|", row->opt.shortName);
	printf("--%s", row->opt.longName);
}

static void names(const struct dump *d)
{
	for (unsigned i = 1; i < d->count; i++)
		printf("%s%s%s%s", i > 1 ? " " : "", d->commands[i].cmd->name,
			d->commands[i].cmd->alias ? " " : "",
			d->commands[i].cmd->alias ? d->commands[i].cmd->alias : "");
}

/* The options of each command; long ones that take a value end in "=". */
static void options(const struct dump *d)
{
	printf("_rte_options() # COMMAND\n{\n\tcase $1 in\n");
	for (unsigned i = 0; i < d->count; i++) {
		const struct dump_command *c = &d->commands[i];
		const char *words;

		if (!c->cmd)
			printf("\t'')");
		else
			printf("\t%s%s%s)", c->cmd->name, c->cmd->alias ? "|" : "",
				c->cmd->alias ? c->cmd->alias : "");
		printf("\n\t\techo '");
		for (unsigned k = 0; k < c->count; k++)
			printf("%s--%s%s", k ? " " : "", c->rows[k].opt.longName,
				dump_kind(d, &c->rows[k], &words) == DUMP_FLAG ? "" : "=");
		printf("'\n\t\t;;\n");
	}
	printf("\tesac\n}\n\n");
}

static void takes_value(const struct dump *d)
{
	const char *words, *bar = "";

	printf("_rte_takes_value() # OPTION\n{\n\tcase $1 in\n\t");
	for (unsigned i = 0; i < d->all_count; i++) {
		if (dump_kind(d, d->all[i], &words) == DUMP_FLAG)
			continue;
		printf("%s", bar);
		pattern(d->all[i]);
		bar = "|\\\n\t";
	}
	printf(")\n\t\treturn 0\n\t\t;;\n\tesac\n\treturn 1\n}\n\n");
}

static void value(const struct dump *d, const struct opt_row *row)
{
	const char *words = "";
	enum dump_kind kind = dump_kind(d, row, &words);

	if (kind == DUMP_FLAG || kind == DUMP_PLAIN)
		return;
	printf("\t");
	pattern(row);
	printf(")\n\t\t");
	switch (kind) {
	case DUMP_FILE:
		printf("COMPREPLY=($(compgen -f -- \"$2\"))");
		break;
	case DUMP_DIR:
		printf("COMPREPLY=($(compgen -d -- \"$2\"))");
		break;
	case DUMP_PROFILE:
		printf("COMPREPLY=($(compgen -W \"$(_rte_profiles)\" -- \"$2\"))");
		break;
	case DUMP_LIST:
		printf("_rte_list '%s' \"$2\"", words);
		break;
	case DUMP_SOURCE:
		printf("_rte_source '%s' \"$2\"", words);
		break;
	default:
		printf("COMPREPLY=($(compgen -W '%s' -- \"$2\"))", words);
		break;
	}
	printf("\n\t\t;;\n");
}

static const char head[] =
	"# bash completion of rte; made by rte --dump-completion=bash\n"
	"# shellcheck shell=bash disable=SC2207\n\n"
	"_rte_profiles()\n{\n"
	"\t" DUMP_PROFILES " \\\n"
	"\t\t\"${XDG_CONFIG_HOME:-$HOME/.config}/rte/config\" 2>/dev/null\n}\n\n"
	"# The last word of a list with commas.\n"
	"_rte_list() # WORDS VALUE\n{\n"
	"\tlocal before=\n"
	"\t[[ $2 != *,* ]] || before=${2%,*},\n"
	"\tCOMPREPLY=($(compgen -P \"$before\" -W \"$1\" -- \"${2##*,}\"))\n}\n\n"
	"# Where a secret comes from. Readline takes env: for a word of its own.\n"
	"_rte_source() # WORDS VALUE\n{\n"
	"\tcase $2 in\n"
	"\tfile:*) COMPREPLY=($(compgen -f -- \"${2#file:}\")) ;;\n"
	"\tenv:*) COMPREPLY=($(compgen -e -- \"${2#env:}\")) ;;\n"
	"\t*)\n\t\tCOMPREPLY=($(compgen -W \"$1\" -- \"$2\"))\n"
	"\t\t[[ ${COMPREPLY[0]} != *: ]] || compopt -o nospace 2>/dev/null\n\t\t;;\n"
	"\tesac\n}\n\n";

static const char tail[] =
	"# Readline splits words at = and :, here they are whole again: words[1] to words[n].\n"
	"_rte()\n{\n"
	"\tlocal words=() command= cur prev word glue= i n=0\n\n"
	"\tCOMPREPLY=()\n"
	"\tfor ((i = 1; i <= COMP_CWORD; i++)); do\n"
	"\t\tword=${COMP_WORDS[i]}\n"
	"\t\tif [[ $word =~ ^[=:]+$ && n -gt 0 ]]; then\n"
	"\t\t\twords[n]+=$word glue=1\n"
	"\t\telif [[ $glue ]]; then\n"
	"\t\t\twords[n]+=$word glue=\n"
	"\t\telse\n"
	"\t\t\twords[++n]=$word\n"
	"\t\tfi\n"
	"\tdone\n"
	"\tcur=${words[n]} prev=${words[n - 1]}\n"
	"\tfor ((i = 1; i < n; i++)); do\n"
	"\t\tcase ${words[i]} in\n"
	"\t\t--) return ;;\n"
	"\t\t-*=*) ;;\n"
	"\t\t-*) ! _rte_takes_value \"${words[i]}\" || i=$((i + 1)) ;;\n"
	"\t\t*) [[ $command ]] || command=${words[i]} ;;\n"
	"\t\tesac\n"
	"\tdone\n"
	"\tif [[ $cur == --*=* ]]; then\n"
	"\t\t_rte_values \"${cur%%=*}\" \"${cur#*=}\"\n"
	"\telif _rte_takes_value \"$prev\"; then\n"
	"\t\t_rte_values \"$prev\" \"$cur\"\n"
	"\telif [[ $cur == -* ]]; then\n"
	"\t\tCOMPREPLY=($(compgen -W \"$(_rte_options \"$command\")\" -- \"$cur\"))\n"
	"\t\t[[ ${#COMPREPLY[@]} -ne 1 || ${COMPREPLY[0]} != *= ]] || compopt -o nospace "
	"2>/dev/null\n"
	"\telif [[ -z $command || $command == help ]]; then\n"
	"\t\tCOMPREPLY=($(compgen -W \"$_rte_commands\" -- \"$cur\"))\n"
	"\tfi\n}\n\n"
	"complete -o filenames -F _rte rte\n";

void dump_bash(const struct dump *d)
{
	fputs(head, stdout);
	printf("_rte_commands='");
	names(d);
	printf("'\n\n");
	options(d);
	takes_value(d);
	printf("_rte_values() # OPTION VALUE\n{\n\tcase $1 in\n");
	for (unsigned i = 0; i < d->all_count; i++)
		value(d, d->all[i]);
	printf("\tesac\n}\n\n");
	fputs(tail, stdout);
}
