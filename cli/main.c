/* cli/main.c -- the table of commands, and the way to the one that is asked for */
#include "base/mem.h"
#include "cmd.h"
#include "exit.h"
#include "opt.h"
#include "secret.h"
#include "value.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct cmd cmd_table[] = {
	{ "register", NULL, "AOR", "Add, refresh, query and remove bindings.", CMD_SERVER_BASED,
		cmd_register },
	{ "invite", NULL, "URI", "Place a call.", CMD_EITHER, cmd_invite },
	{ "refer", NULL, "URI", "REFER outside a call, and its outcome.", CMD_EITHER, cmd_refer },
	{ "listen", NULL, "", "Wait for requests and calls; answer, refuse, redirect.", CMD_EITHER,
		cmd_listen },
	{ "message", NULL, "URI...", "A MESSAGE of text or any type, to one or many.", CMD_EITHER,
		cmd_message },
	{ "subscribe", NULL, "URI...", "Watch the state of others: presence, dialogs, mail.",
		CMD_SERVER_UNLESS, cmd_subscribe },
	{ "publish", NULL, "AOR", "Publish state of our own, such as presence.", CMD_SERVER_BASED,
		cmd_publish },
	{ "options", "ping", "URI...", "OPTIONS once or repeatedly, with statistics.", CMD_EITHER,
		cmd_options },
	{ "request", NULL, "[METHOD URI]", "Any request: any header, template or bytes.",
		CMD_EITHER, cmd_request },
	{ "parse", NULL, "FILE...", "Check message files: what is in them, what is wrong.",
		CMD_NONE, cmd_parse },
	{ "config", NULL, "[COMMAND]", "What configuration and environment say, and where.",
		CMD_NONE, cmd_config },
	{ "credentials", NULL, "", "The credentials file: list, add, remove, check.", CMD_NONE,
		cmd_credentials },
	{ "resolve", NULL, "URI...", "Server location (RFC 3263), step by step.", CMD_NONE,
		cmd_resolve },
	{ "run", NULL, "FILE", "Several endpoints and their steps, from a file.", CMD_NONE,
		cmd_run },
	{ "serve", NULL, "[-- COMMAND [ARG...]]", "A registrar, proxy and event agent for tests.",
		CMD_NONE, cmd_serve },
	{ "help", NULL, "[COMMAND]", "The manual page of a command, or its help.", CMD_NONE,
		cmd_help },
	{ "version", NULL, "", "Version, features, libraries, RFCs.", CMD_NONE, cmd_version },
	{ NULL, NULL, NULL, NULL, CMD_NONE, NULL },
};

const struct cmd *cmd_find(const char *name)
{
	for (const struct cmd *c = cmd_table; c->name; c++)
		if (strcmp(c->name, name) == 0 || (c->alias && strcmp(c->alias, name) == 0))
			return c;
	return NULL;
}

static void out_of_memory(void)
{
	static const char text[] = "rte: out of memory\n";
	ssize_t n = write(STDERR_FILENO, text, sizeof(text) - 1);

	(void)n;
	_exit(EXIT_out_of_memory);
}

/* Does a bundle of short options hold j? It ends at the first letter that takes a value. */
static bool bundle_has_json(const char *letters)
{
	return letters[strspn(letters, "vqnk46hV")] == 'j';
}

/* A flag in the environment, before anybody says what is wrong with its value. */
enum env_flag { ENV_NO, ENV_YES, ENV_NEITHER };

static enum env_flag env_flag(const char *variable)
{
	static const char *const words[] = { "", "0", "no", "off", "false", "1", "yes", "on",
		"true" };
	const char *value = getenv(variable);

	for (size_t i = 0; value && i < ARRAY_LEN(words); i++)
		if (strcmp(value, words[i]) == 0)
			return i < 5 ? ENV_NO : ENV_YES;
	return value ? ENV_NEITHER : ENV_NO;
}

/* Ruling 22: also what goes wrong before all options are read is JSON where JSON is asked for. */
static bool wants_json(int argc, const char **argv)
{
	bool json = env_flag("RTE_JSON") != ENV_NO;

	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (strcmp(argv[i], "--json") == 0 ||
			(argv[i][0] == '-' && bundle_has_json(argv[i] + 1)))
			json = true;
		else if (strcmp(argv[i], "--no-json") == 0)
			json = false;
	}
	return json;
}

/* The same for --nagios, which only `options` has: whatever is wrong is UNKNOWN, and says so on
 * stdout. */
static bool wants_nagios(int argc, const char **argv)
{
	const struct cmd *options = cmd_find("options"), *cmd = NULL;
	bool nagios = env_flag("RTE_NAGIOS") == ENV_YES;

	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		cmd = cmd ? cmd : cmd_find(argv[i]);
		if (strcmp(argv[i], "--nagios") == 0)
			return true;
		if (strcmp(argv[i], "--no-nagios") == 0)
			nagios = false;
	}
	return nagios && cmd == options;
}

static int unknown(const struct groups *g, const char *name)
{
	const char *words[2 * ARRAY_LEN(cmd_table)] = { NULL }, *near;
	char shown[VALUE_SHOWN];
	size_t n = 0;

	for (const struct cmd *c = cmd_table; c->name; c++) {
		words[n++] = c->name;
		if (c->alias)
			words[n++] = c->alias;
	}
	near = value_nearest(name, words);
	if (near)
		return opt_usage(
			g, "unknown command %s; did you mean %s?", value_show(name, shown), near);
	return opt_usage(g, "unknown command %s; rte --help lists them", value_show(name, shown));
}

/* args[0] is the command word, or stands for it. */
static int run(const struct cmd *cmd, int argc, const char **args, struct groups *g)
{
	const char **argv = arena_alloc(&g->arena, ((size_t)argc + 1) * sizeof(*argv));

	memcpy(argv, args, ((size_t)argc + 1) * sizeof(*argv));
	argv[0] = arena_fmt(&g->arena, "rte %s", cmd->name).p;
	return cmd->run(cmd, argc, argv, g);
}

static int dispatch(int argc, const char **argv, struct groups *g)
{
	const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
	const char *name = slash ? slash + 1 : argc > 0 ? argv[0] : "";
	const struct cmd *cmd;
	int code;

	if (strncmp(name, "rte-", 4) == 0 && (cmd = cmd_find(name + 4)))
		return run(cmd, argc, argv, g);
	if (argc > 1 && argv[1][0] == '-') {
		code = opt_parse_common(argc, argv, g);
		if (code != OPT_GO_ON)
			return code;
		argc = (int)g->args.n;
		argv = g->args.v;
	} else if (argc > 0) {
		argc--;
		argv++;
	}
	if (argc < 1)
		return opt_usage(g, "no command; rte --help lists them");
	cmd = cmd_find(argv[0]);
	return cmd ? run(cmd, argc, argv, g) : unknown(g, argv[0]);
}

int main(int argc, char **argv)
{
	struct groups g = { 0 };
	const char **args;
	int code;

	mem_set_oom_hook(out_of_memory);
	args = secret_hide(&g.arena, argc, argv);
	g.json_errors = wants_json(argc, args);
	g.nagios_errors = wants_nagios(argc, args);
	code = dispatch(argc, args, &g);
	groups_done(&g);
	return code;
}
