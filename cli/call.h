/* cli/call.h -- calls of `invite` and `listen`: their options, their life from the confirmation to
 * the end, transfers, and what of it is printed.
 *
 * How to use it:
 *
 *	struct call_options o = { 0 };
 *	const struct poptOption own[] = { ... CALL_ROWS(o), POPT_TABLEEND };
 *			(--sdp and --session-expires are rows of the command: their words differ)
 *	opt_parse(...); call_options_read(&o, g, f)	usage errors, before run_init
 *	run_init(&r, &config)		config.methods names the requests outside of dialogs that we
 *					take ("INVITE,MESSAGE,INFO"), and config.on_incoming gets
 *					INCOMING and TRANSFER of the endpoint, after the record was
 *					written; config.exit_of = exit_of_call
 *	call_all_init(&calls, &r, &o, f)	runs --sdp=cmd:, makes the media
 *	calls.on_event = fn; calls.arg = x;	(optional)
 *	call_place(&calls, ...)		an outgoing call, or, in on_incoming,
 *	c = call_take(&calls, ev->incoming->session)	an incoming one; then session_ring,
 *					session_accept, session_reject on c->session as you like
 *	run_loop(&r);
 *	call_all_done(&calls);		before run_done
 *
 * calls.on_event is told of every event of every call after it was printed (and after steps and
 * transfers have seen it); the final one (FAILED, CLOSED) is the last, then the call frees itself.
 * A call never finishes the run: that is the command's, for instance when call_all_count() is 0.
 * Without an on_event nothing is missed but that end.
 *
 * Printed are: `dialog`, `session_timer`, `transfer`, `message` (all by out_event and out_message),
 * an error for a step or a followed transfer that failed (the code goes to calls.failed, and is
 * kept in run.exit_code as the first failure). FAILED of a call is NOT printed: the command calls
 * run_failed (rte invite) or out_failed as it likes. */
#ifndef CLI_CALL_H
#define CLI_CALL_H

#include "base/list.h"
#include "endpoint/incoming.h"
#include "run.h"
#include "steps.h"

enum call_on_refer { CALL_REFER_DECLINE, CALL_REFER_ACCEPT, CALL_REFER_FOLLOW };

struct call_options {
	/* texts of the options */
	const char *sdp, *codec, *reliable, *session_expires, *min_se, *on_reinvite, *on_refer;
	struct values steps;

	/* from them, by call_options_read */
	struct session_policy policy; /* without media and handler; headers: the command's */
	const char *sdp_command; /* --sdp=cmd: */
	struct media_config media; /* without manager */
	struct step_list step_list;
	enum call_on_refer refer;
	bool late; /* --sdp=late */
};

#define CALL_ROWS(o)                                                                               \
	{ "codec", 0, POPT_ARG_STRING, &(o).codec, 0, "codecs of the built-in description",        \
		"LIST" },                                                                          \
		{ "100rel", 0, POPT_ARG_STRING, &(o).reliable, 0,                                  \
			"reliable provisional responses (default offer)", "no|offer|require" },    \
		{ "min-se", 0, POPT_ARG_STRING, &(o).min_se, 0,                                    \
			"shortest session interval to accept (90s)", "T" },                        \
		{ "on-reinvite", 0, POPT_ARG_STRING, &(o).on_reinvite, 0,                          \
			"answer to re-INVITE and UPDATE (default accept)", "accept|STATUS" },      \
		{ "on-refer", 0, POPT_ARG_STRING, &(o).on_refer, 0,                                \
			"answer to REFER (default decline)", "decline|accept|follow" },            \
	{                                                                                          \
		"do", 0, POPT_ARG_STRING, &(o).steps, OPT_LIST,                                    \
			"a step of the call: see the manual", "STEP"                               \
	}

/* Checks the texts, reads files. -FAIL_ARGUMENT or -FAIL_LOCAL; f begins with the option. late:
 * --sdp=late is fine here. */
int call_options_read(struct call_options *o, struct groups *g, bool late, struct fail *f);

struct calls {
	struct run *run;
	const struct call_options *options;
	struct media *media;
	struct list list; /* of struct call */
	unsigned count; /* of it */
	struct list transfers; /* REFERs that we follow */
	uint64_t ring_ms; /* how long calls may ring, and the result of a REFER may take; 0: 60 s */
	int failed; /* exit code of the first step or transfer that failed; 0: none */
	/* The command's; may be NULL. */
	void (*on_event)(struct call *c, const struct endpoint_event *ev);
	/* All steps of a call are done (at once with the confirmation when there are none), or one
	 * failed; NULL: the call is hung up if it has steps, else it stays. */
	void (*on_steps_over)(struct call *c);
	/* Is told of a failure of a step or transfer in place of an error that is printed. c: whose
	 * step it was, or which call has failed; NULL: none of these. */
	void (*on_failure)(struct call *c, struct calls *cs, int code, const char *text,
		const struct endpoint_result *result);
	void *arg;
};

struct call {
	struct list node;
	struct calls *calls;
	struct session *session;
	unsigned id; /* of its dialog; 0: none yet */
	bool confirmed; /* it was, once */
	bool own; /* placed by a transfer or a step: its failure is printed here, not by the command
		   */
	bool stopping; /* by call_stop */
	bool listed; /* in calls->list */
	struct steps steps;
	struct transfer *transfer; /* the REFER that asked for this call and is told of it */
	struct call *from; /* the call in which that REFER came; NULL: gone, or none */
	unsigned successors; /* how many calls have this one in `from` */
	unsigned depth; /* how many transfers led here */
	struct steps *consulted_by; /* whose refer-replaces placed this call; NULL: none */
	void *arg; /* the command's own */
	bool accepted; /* the command's: it was answered with a 2xx */
};

/* After run_init. -FAIL_LOCAL (a command that fails, ruling 23), -FAIL_ARGUMENT. */
int call_all_init(struct calls *cs, struct run *r, const struct call_options *o, struct fail *f);
/* Frees all calls, at once and silently. Zeroed is fine. */
void call_all_done(struct calls *cs);
unsigned call_all_count(const struct calls *cs);
/* CANCEL or BYE for all; each comes to its final event. */
void call_all_stop(struct calls *cs);

/* The session_config of a call to target by the options and groups of the run; its headers are
 * those of options->policy. */
struct session_config call_config(const struct calls *cs, struct str target);
/* Places a call; the handler and its arg are filled in. Never calls the handler. */
int call_place(struct calls *cs, struct session_config *config, struct call **out, struct fail *f);
/* Takes the session of an ENDPOINT_INCOMING. */
struct call *call_take(struct calls *cs, struct session *s);
/* BYE, CANCEL or 480; twice is fine. */
void call_stop(struct call *c);

/* A REFER that arrived (state "pending"), in a call or (NULL) outside of any: --on-refer. */
void call_refer(struct calls *cs, struct call *in, const struct endpoint_transfer *t);
/* MESSAGE and INFO, in a call or outside of any: a record; the library answers 200. True when it
 * was one of them. */
bool call_message(struct run *r, const struct endpoint_event *ev);

/* For steps.c: all are done, or (code) one failed, which was printed. */
void call_steps_over(struct call *c, int code);
/* A failure of a step or transfer: prints "WHAT: why" and keeps the code, the first counts. result
 * may be NULL: then code and why count. Gives the code. */
struct call_failure {
	const char *what, *why;
	int code;
	const struct endpoint_result *result;
	struct call *call; /* for on_failure */
};
int call_failed(struct calls *cs, const struct call_failure *failure);
/* The same for a status that a sipfrag told. */
int call_failed_status(struct call *c, const char *what, unsigned status, struct str reason);

#endif
