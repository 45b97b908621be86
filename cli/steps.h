/* cli/steps.h -- --do=STEP of `invite` and `listen`: what happens in a call once it is confirmed,
 * one after another (cli.md section 8). call.c starts them and tells them of answers; a command
 * only declares the option (CALL_ROWS of call.h). */
#ifndef CLI_STEPS_H
#define CLI_STEPS_H

#include "endpoint/refer.h"
#include "groups.h"

#include <ev.h>

struct call;

enum step_kind {
	STEP_WAIT, /* wait:T */
	STEP_HOLD, /* hold */
	STEP_RESUME, /* resume */
	STEP_REINVITE, /* reinvite[:FILE] */
	STEP_UPDATE, /* update[:FILE] */
	STEP_INFO, /* info:MIME@FILE */
	STEP_REFER, /* refer:URI */
	STEP_REFER_REPLACES, /* refer-replaces:URI: calls URI first, then the peer is to take its
				place (RFC 5589 section 7) */
	STEP_MESSAGE, /* message:TEXT */
	STEP_BYE, /* bye */
};

struct step {
	enum step_kind kind;
	const char *text; /* as it was written, for messages */
	uint64_t ms; /* of wait */
	struct str type, body; /* of info and message; body: the description of reinvite, update */
	struct str uri; /* of refer */
};

struct step_list {
	const struct step *v;
	unsigned n;
};

/* Checks the texts and reads the files they name; all lives in the arena. -FAIL_ARGUMENT or
 * -FAIL_LOCAL with f beginning with "--do". */
int steps_parse(const struct values *texts, struct str default_domain, struct arena *a,
	struct step_list *out, struct fail *f);

/* The steps of one call, embedded in it. Zeroed: none. */
struct steps {
	struct step_list list;
	unsigned next; /* the step that comes, or is under way */
	struct call *call;
	ev_timer timer; /* of wait, and between steps */
	struct refer *refer; /* of a refer that is under way */
	struct call *consult; /* of refer-replaces: the call to the one who is to be replaced */
	bool begun, under_way; /* under_way: an answer to the step is awaited */
};

void steps_init(struct steps *s, struct call *call, struct step_list list);
void steps_done(struct steps *s);
/* The call is confirmed: begins. The end comes as call_steps_over() of call.h, never from inside.
 */
void steps_start(struct steps *s);
/* A request within the session has come to its end. */
void steps_answered(struct steps *s, const struct endpoint_result *result);
/* The call of refer-replaces is confirmed, or has failed. */
void steps_consulted(struct steps *s, bool confirmed);
/* Is a step left that does more than wait? Its text, or NULL. */
const char *steps_left(const struct steps *s);
/* Goes on in another call, which took the place of this one (a followed transfer). */
void steps_move(struct steps *from, struct steps *to);

#endif
