/* cli/cmd_help.c -- rte help: the manual page of a command, or its --help where no page is
 * installed */
#include "cmd.h"
#include "opt.h"
#include "schema.h"
#include "value.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* Is this page installed? man -w says where, or fails; what it prints is not for the user. */
static bool has_page(const char *page)
{
	const char *argv[] = { "man", "-w", page, NULL };
	posix_spawn_file_actions_t actions;
	int status = -1;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
	if (posix_spawnp(&pid, argv[0], &actions, NULL, (char **)(uintptr_t)argv, environ) != 0 ||
		waitpid(pid, &status, 0) != pid)
		status = -1;
	posix_spawn_file_actions_destroy(&actions);
	return status == 0;
}

/* Its own options; for `rte help` alone the commands. */
static int show_help(const struct cmd *cmd)
{
	const char *argv[] = { cmd ? cmd->name : "rte", "--help", NULL };
	struct groups g = { 0 };
	int code = cmd ? cmd->run(cmd, 2, argv, &g) : opt_parse_common(2, argv, &g);

	groups_done(&g);
	return code;
}

int cmd_help(const struct cmd *cmd, int argc, const char **argv, struct groups *g)
{
	const struct cmd *about = NULL;
	char page[64] = "rte", shown[VALUE_SHOWN];
	int schema = 0;
	const struct poptOption own[] = {
		{ "schema", 0, POPT_ARG_NONE, &schema, 0, "the JSON Schema of --json", NULL },
		POPT_TABLEEND,
	};
	const struct opt_spec spec = { .cmd = cmd, .own = own, .max_args = 1 };
	int code = opt_parse(&spec, argc, argv, g);

	if (code != OPT_GO_ON)
		return code;
	if (schema)
		return schema_print();
	if (g->args.n) {
		about = cmd_find(g->args.v[0]);
		if (!about)
			return opt_usage(g, "unknown command %s; rte --help lists them",
				value_show(g->args.v[0], shown));
		snprintf(page, sizeof(page), "rte-%s", about->name);
	}
	if (has_page(page))
		execlp("man", "man", page, (char *)NULL);
	return show_help(about);
}
