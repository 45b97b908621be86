/* cli/cmd_serve_absent.c -- in the place of rte serve in a build without it (-Dserve=false) */
#include "cmd.h"
#include "exit.h"
#include "opt.h"

int cmd_serve(const struct cmd *cmd, int argc, const char **argv, struct groups *g)
{
	const struct opt_spec spec = { .cmd = cmd, .max_args = -1, .raw_args = true };

	g->cmd = cmd;
	if (g->visitor) /* an empty table */
		return opt_parse(&spec, argc, argv, g);
	return opt_refuse(
		g, EXIT_not_built, "the test server is not in this build (-Dserve=false)");
}
