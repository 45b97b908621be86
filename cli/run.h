/* cli/run.h -- what every command with an endpoint does around its operation: config structs from option groups, the
 * manager and the endpoint, signals, --max-time, the orderly end and the exit code */
#ifndef CLI_RUN_H
#define CLI_RUN_H

#include "cmd.h"

#include <ev.h>

struct run {
	const struct cmd *cmd;
	struct groups *g;
	struct out *out;
	struct endpoint_manager *manager;
	struct endpoint *endpoint;
	struct cred_store *creds;
	struct request_retry retry;
	uint64_t timeout_ms, max_time_ms;
	int exit_code;       /* of the first failure; -1: none yet */
	int signal;          /* the first INT or TERM, else 0 */
	bool goal;           /* the goal was reached: a signal then means exit 0 (cli.md section 9) */
	void (*stop)(struct run *r); /* the command's orderly end, begun by a signal, --max-time or a broken stdout */
	struct endpoint_result last; /* of the latest final event; its response pointer is not kept */
	unsigned last_status;
	ev_timer max_timer, end_timer;
	ev_signal on_int, on_term;
	void *arg;           /* the command's own */
};

/* Reads the groups, makes output, manager and endpoint; aor: of `register`, else NULL (--aor counts). Prints its own errors; 0, or
 * 1 + exit code. */
int run_init(struct run *r, const struct cmd *cmd, struct groups *g, const char *target, const char *aor);
/* Which kind of endpoint by the rules of cli.md 5.1 and 5.3. */
/* Runs the loop until run_finish. */
void run_loop(struct run *r);
/* The operation is over: leaves the loop. code counts if it is the first failure. */
void run_finish(struct run *r, int code);
/* Frees all, writes the end record, gives the process's exit code. */
int run_done(struct run *r);

#endif
