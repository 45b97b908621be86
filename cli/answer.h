/* cli/answer.h -- what `listen` answers to requests outside of dialogs: --reply rules first, then
 * --exec, then --answer and --redirect, else 200 (cli.md section 8) */
#ifndef CLI_ANSWER_H
#define CLI_ANSWER_H

#include "call.h"
#include "endpoint/reply.h"

struct answer_options {
	/* texts of the options */
	const char *answer, *ring, *challenge, *exec;
	struct values redirect, replies;
	int unsolicited;

	/* from them, by answer_options_read */
	struct reply *rules;
	struct reply plain; /* of --answer and --redirect */
	const struct endpoint_header *contacts; /* of --redirect */
	const char *const *command; /* of --exec; NULL: none */
	uint64_t ring_ms;
};

#define ANSWER_ROWS(o)                                                                             \
	{ "answer", 0, POPT_ARG_STRING, &(o).answer, 0, "to every request (default 200)",          \
		"STATUS[ REASON]" },                                                               \
		{ "ring", 0, POPT_ARG_STRING, &(o).ring, 0,                                        \
			"INVITE: 180 first, the answer after this time", "T" },                    \
		{ "redirect", 0, POPT_ARG_STRING, &(o).redirect, OPT_LIST,                         \
			"302 with this Contact", "URI" },                                          \
		{ "reply", 0, POPT_ARG_STRING, &(o).replies, OPT_LIST,                             \
			"'METHOD[ USER]=STATUS[ REASON][;after=T][;retry-after=T]'", "RULE" },     \
		{ "challenge", 0, POPT_ARG_STRING, &(o).challenge, 0,                              \
			"ask once for digest, take any answer", "REALM" },                         \
		{ "unsolicited", 0, POPT_ARG_NONE, &(o).unsolicited, 0,                            \
			"take NOTIFY outside of subscriptions", NULL },                            \
	{                                                                                          \
		"exec", 0, POPT_ARG_STRING, &(o).exec, 0, "ask it what to answer: see the manual", \
			"COMMAND"                                                                  \
	}

/* Checks the texts. -FAIL_ARGUMENT; f begins with the option. */
int answer_options_read(struct answer_options *o, struct groups *g, struct fail *f);
/* Do they say what this INVITE is answered? Else it is the usual 200. */
bool answer_decides(const struct answer_options *o, const struct endpoint_msg *invite);
/* Which requests must come to answer_event for them: as endpoint_config.methods. */
const char *answer_methods(const struct answer_options *o);

struct answers {
	struct run *run;
	struct calls *calls;
	const struct answer_options *options;
	struct list jobs; /* requests without their answer, and all calls */
	struct list queue; /* those that wait for --exec */
	unsigned job_count, running; /* running: commands */
	size_t input; /* bytes for those that wait */
	/* A request has got its answer; that of an INVITE is known when its call ends. May be
	 * NULL. */
	void (*on_taken)(struct answers *as);
	void *arg;
};

/* After call_all_init; c->arg of calls is ours. */
void answer_init(
	struct answers *as, struct run *r, struct calls *calls, const struct answer_options *o);
/* Answers ENDPOINT_INCOMING and ENDPOINT_TRANSFER of the endpoint, now or later. May call
 * on_taken. */
void answer_event(struct answers *as, const struct endpoint_event *ev);
/* The final event of a call of ours: true when it counts as taken. */
bool answer_ended(struct answers *as, struct call *c, const struct endpoint_event *ev);
/* What waits for its answer gets 480; calls are not touched. */
void answer_stop(struct answers *as);
/* Silently. Zeroed is fine. Before call_all_done. */
void answer_done(struct answers *as);

#endif
