/* cli/cmd.h -- the table of commands */
#ifndef CLI_CMD_H
#define CLI_CMD_H

#include "groups.h"

enum cmd_kind { /* which endpoint a command builds (cli.md section 5.1) */
	CMD_SERVER_BASED, /* always server based */
	CMD_SERVER_UNLESS, /* server based, unless --p2p or --proxy is said */
	CMD_EITHER, /* server based with --server or --register, else peer to peer */
	CMD_NONE, /* no endpoint */
};

struct cmd {
	const char *name, *alias; /* alias may be NULL */
	const char *arguments; /* of the usage line: "AOR", "URI..."; "" for none */
	const char *summary; /* one line: "add, refresh, query, remove bindings" */
	enum cmd_kind kind;
	/* argv[0] is "rte NAME"; g holds what stood before the command word. Gives the exit code.
	 * The first thing it does is opt_parse: the dumps and the check of configuration keys call
	 * it to see its table. */
	int (*run)(const struct cmd *cmd, int argc, const char **argv, struct groups *g);
};

/* All commands, ended by a NULL name. */
extern const struct cmd cmd_table[];
/* By name or alias; NULL when there is none. */
const struct cmd *cmd_find(const char *name);

int cmd_config(const struct cmd *cmd, int argc, const char **argv, struct groups *g);
int cmd_credentials(const struct cmd *cmd, int argc, const char **argv, struct groups *g);
int cmd_invite(const struct cmd *cmd, int argc, const char **argv, struct groups *g);
int cmd_refer(const struct cmd *cmd, int argc, const char **argv, struct groups *g);
int cmd_register(const struct cmd *cmd, int argc, const char **argv, struct groups *g);
int cmd_listen(const struct cmd *cmd, int argc, const char **argv, struct groups *g);
int cmd_message(const struct cmd *cmd, int argc, const char **argv, struct groups *g);
int cmd_options(const struct cmd *cmd, int argc, const char **argv, struct groups *g);
int cmd_subscribe(const struct cmd *cmd, int argc, const char **argv, struct groups *g);
int cmd_parse(const struct cmd *cmd, int argc, const char **argv, struct groups *g);
int cmd_publish(const struct cmd *cmd, int argc, const char **argv, struct groups *g);
int cmd_request(const struct cmd *cmd, int argc, const char **argv, struct groups *g);
int cmd_resolve(const struct cmd *cmd, int argc, const char **argv, struct groups *g);
int cmd_run(const struct cmd *cmd, int argc, const char **argv, struct groups *g);
int cmd_serve(const struct cmd *cmd, int argc, const char **argv, struct groups *g);
int cmd_help(const struct cmd *cmd, int argc, const char **argv, struct groups *g);
int cmd_version(const struct cmd *cmd, int argc, const char **argv, struct groups *g);

#endif
