/* cli/run.h -- what every command with an endpoint does around its operation: config structs from
 * option groups, the manager and the endpoint, signals, --max-time, the orderly end and the exit
 * code. A command fills in a struct run_config, and then:
 *
 *	code = run_init(&r, &config);
 *	if (code != OPT_GO_ON)
 *		return code;
 *	run_loop(&r);
 *	registration_free(a.registration);
 *	return run_done(&r);
 */
#ifndef CLI_RUN_H
#define CLI_RUN_H

#include "base/buf.h"
#include "check.h"
#include "cmd.h"
#include "endpoint/request.h"
#include "opt.h"
#include "out.h"

#include <ev.h>

struct run;

struct run_config {
	struct groups *g;
	struct out *out; /* of one endpoint of several (out_party): run_done frees it; NULL: of its
			    own. Then run_loop is another's */
	const char *target; /* shown in errors; NULL: the AOR */
	const char *aor; /* who we are when an argument says it (`register`); NULL: --aor */
	bool keeps; /* goes on until a signal: INT, TERM and --max-time after the goal are exit 0 */
	uint64_t timeout_ms; /* of --timeout when it is not given; 0: 64*T1 */
	uint32_t follow; /* of --follow when it is not given */
	const char *instance; /* URN of +sip.instance; NULL: none */
	struct nagios *nagios; /* its line is the result; NULL: it is not wanted */
	bool binds_contacts; /* URIs of --contact are the command's; ;PARAMS go to the endpoint */
	/* Begins the operation; never finishes it inside. With --register it is called when the
	 * binding is there; all sockets are bound, and `listening` was printed. It is called again
	 * after a prompt for a password, and then first frees what it began before. 0 or -FAIL_x:
	 * printed, and the run is over. */
	int (*start)(struct run *r, struct fail *f);
	/* Begins the orderly end, which comes to run_finish; NULL: there is nothing to end. */
	void (*stop)(struct run *r);
	/* A second signal ends the process at once: what must not be left behind; NULL: nothing. */
	void (*at_once)(struct run *r);
	/* Requests outside of dialogs that the command takes, as in endpoint_config.methods; NULL:
	 * none. They come to on_incoming with INCOMING and TRANSFER of the endpoint. */
	const char *methods;
	bool listens; /* peer to peer and without --listen: on UDP and TCP of loopback; server based
			 it needs --listen or --register (ruling 20) */
	bool registers_later; /* or this: the binding is the command's own matter */
	void (*on_incoming)(struct run *r, const struct endpoint_event *ev);
	/* -H and --add-header may name any header field, and are the command's: run.headers has
	 * them in place of the endpoint. */
	bool any_header;
	bool parties; /* it has endpoints of its own: the ladder is shown when it went wrong */
	bool shows_received; /* a line of text for every message that is received */
	/* The exit code of a failed result; NULL: exit_of_result. */
	int (*exit_of)(const struct endpoint_result *result);
	void *arg; /* the command's own */
};

struct run {
	struct run_config config;
	const struct cmd *cmd;
	struct groups *g;
	void *arg;
	struct out *out;
	struct endpoint_manager *manager;
	struct endpoint *endpoint; /* NULL for CMD_NONE */
	enum endpoint_kind kind;
	enum endpoint_dialect dialect;
	struct cred_store *creds;
	struct check *check; /* --expect and its kind; check_message is for commands, too */

	/* values of the groups that operations need */
	struct request_retry retry;
	uint64_t timeout_ms; /* --timeout, never 0 */
	uint64_t max_time_ms; /* 0: none */
	uint64_t recover_ms; /* --retry-max-time when it was given, else 0 */
	uint32_t follow;
	int max_forwards; /* --max-forwards, -1: not given */
	int transport; /* enum net_transport, or -1 */
	int family; /* AF_UNSPEC, AF_INET, AF_INET6 */
	const char *aor; /* as a SIP URI; "" when nobody said */
	const struct endpoint_header *headers; /* with any_header */
	unsigned header_count;
	bool must_challenge; /* schemes were named, without none (AU-05) */

	int exit_code; /* of the first failure; 0: none yet */
	bool goal; /* set by the command: the goal was reached */
	int signal; /* the first INT or TERM, else 0 */
	struct endpoint_result last; /* the latest final one; of its response only the numbers */
	struct endpoint_counts counts; /* of a manager of the command's own, for the end record */

	/* internal */
	struct buf key_password; /* TLS contexts are made late */
	struct endpoint_msg last_response;
	ev_timer max_timer, end_timer;
	ev_signal on_int, on_term;
	ev_prepare on_pass;
	struct registration *registration; /* of --register */
	bool registers, register_over; /* --register; its registration has ended */
	uint32_t register_expires;
	ev_timer step_timer; /* the step of --stop-after was reached: the end comes from the loop */
	uint64_t end_at; /* when the orderly end is cut short */
	bool started; /* config.start was called */
	bool finished; /* the operation is over; the registration may have to go yet */
	bool stopping, over, again, prompted, running, has_last, listens_tls;
};

/* Reads the groups; makes output, credentials, manager and endpoint (CMD_NONE: output only); prints
 * its own errors. OPT_GO_ON or an exit code. After OPT_GO_ON nothing is sent yet, and run_done must
 * follow. */
int run_init(struct run *r, const struct run_config *config);
/* Ready: tells of the sockets that are bound. run_loop does it by itself. */
void run_announce_listening(struct run *r);
/* Starts the operation and runs the loop until run_finish. Signals count from here on. */
void run_loop(struct run *r);
/* The operation is over: removes the binding of --register and leaves the loop. The first code
 * other than 0 decides; 0 becomes 17 when a check did not hold. Without a loop running it only
 * keeps the code. */
void run_finish(struct run *r, int code);
/* Frees all, writes the end record, gives the exit code. Operations must be freed before. */
int run_done(struct run *r);

/* The exit code of one final result, by the command's own table and by --expect and its kind, whose
 * records are printed. run_event and run_failed do this; for a command with many results. */
int run_judge(struct run *r, const struct endpoint_result *result);
/* Keeps a final result for the end record. */
void run_result(struct run *r, const struct endpoint_result *result);
/* A final failure: asks for a password and begins anew where that may help (cli.md section 11,
 * source 6), else keeps the result, prints it and finishes with its code. With --expect it may be a
 * success. */
void run_failed(struct run *r, const struct endpoint_result *result);
/* The handler of simple operations; arg is the struct run: DONE finishes with 0, FAILED is
 * run_failed, CLOSED finishes, everything else goes to out_event. */
void run_event(void *arg, const struct endpoint_event *ev);
/* --dry-run: prints the request, or why there is none (e of a dry run, not 0), which is then the
 * exit code. */
void run_unsent(struct run *r, int e, struct str wire, const struct fail *f);
/* A bad argument of the command, found after run_init: prints it, gives the code for run_finish
 * (2). */
int run_usage(struct run *r, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
