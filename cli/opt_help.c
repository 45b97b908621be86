#include "base/buf.h"
#include "exit.h"
#include "opt_table.h"

#include <stdio.h>

/* popt prints this text behind "Usage: rte register", so the summary and the commands can follow
 * there. */
static const char *intro(const struct cmd *cmd, struct groups *g)
{
	struct buf b = BUF_INIT(8192);
	const char *text;

	if (cmd) {
		buf_addf(&b, "[OPTION...]%s%s\n\n%s", cmd->arguments[0] ? " " : "", cmd->arguments,
			cmd->summary);
	} else {
		buf_addf(&b, "[OPTION...] COMMAND [OPTION...] [ARGUMENT...]\n\n"
			     "SIP endpoints from the shell.\n\nCommands:");
		for (const struct cmd *c = cmd_table; c->name; c++)
			buf_addf(&b, "\n  %-10s %s%s%s%s", c->name, c->summary,
				c->alias ? " (alias " : "", c->alias ? c->alias : "",
				c->alias ? ")" : "");
	}
	text = arena_str(&g->arena, buf_str(&b)).p;
	buf_done(&b);
	return text;
}

int opt_help(const struct opt_table *t, struct groups *g, enum opt_special form)
{
	const struct cmd *cmd = t->spec->cmd;
	const char *name = cmd ? arena_fmt(&g->arena, "rte %s", cmd->name).p : "rte";
	const char *argv[] = { name, NULL };
	poptContext con = opt_context(t, argv, opt_table_popt(t, g, form != OPT_HELP));

	if (form == OPT_USAGE) {
		poptSetOtherOptionHelp(con, cmd ? cmd->arguments : "COMMAND [ARGUMENT...]");
		poptPrintUsage(con, stdout, 0);
	} else {
		poptSetOtherOptionHelp(con, intro(cmd, g));
		poptPrintHelp(con, stdout, 0);
	}
	poptFreeContext(con);
	return exit_flush(0);
}
