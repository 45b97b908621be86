/* cli/scenario.h -- a file of `rte run`: its endpoints with their settings, and its steps.
 * rte-run(5) says what may stand in it. It is checked as a whole before anything is sent. */
#ifndef CLI_SCENARIO_H
#define CLI_SCENARIO_H

#include "base/arena.h"
#include "base/fail.h"
#include "base/str.h"
#include "endpoint/template.h"
#include "value.h"

enum scenario_verb {
	VERB_WAIT,
	VERB_EXPECT,
	VERB_REGISTER,
	VERB_UNREGISTER,
	VERB_INVITE,
	VERB_RING,
	VERB_ANSWER,
	VERB_IN_CALL, /* hold resume reinvite update info refer refer-replaces, as --do has them */
	VERB_BYE, /* also cancel: whatever ends a call */
	VERB_MESSAGE,
	VERB_OPTIONS,
	VERB_REQUEST,
	VERB_SUBSCRIBE,
	VERB_UNSUBSCRIBE,
	VERB_PUBLISH,
	VERB_UNPUBLISH,
};

enum scenario_wanted { /* of VERB_EXPECT */
	WANTED_REGISTERED,
	WANTED_UNREGISTERED,
	WANTED_CALL_STATE, /* of the call `name` */
	WANTED_WATCH_STATE, /* of the subscription `name` */
	WANTED_NOTIFY, /* of it */
	WANTED_MESSAGE, /* that came to the endpoint and was not expected before */
	WANTED_INFO,
	WANTED_CALL, /* one that has no name yet */
};

struct scenario_step {
	unsigned line;
	const char *text; /* as it was written, without what surrounds it */
	enum scenario_verb verb;
	const char *word; /* the verb itself: "hold" */
	int party; /* whose step: index; -1: of VERB_WAIT */
	const char *name; /* CALL or NAME; of VERB_MESSAGE: NULL outside of calls */
	const char *target; /* as written */
	const char *value; /* METHOD, PACKAGE, FILE, MIME@FILE, TEXT, NOTE, REGEX, open|closed */
	unsigned status; /* of an answer or an expectation; 0: not said */
	const char *reason;
	uint64_t ms; /* of VERB_WAIT; within; 0: not said */
	struct value_statuses expect;

	enum scenario_wanted wanted;
	const char *state;
	bool none; /* "no": it must not come */
};

struct scenario_setting {
	const char *key, *value; /* value NULL: a flag */
	const char *where; /* "call.rte:3" */
};

struct scenario_settings {
	struct scenario_setting *v;
	unsigned n;
};

struct scenario_party {
	const char *name;
	unsigned line;
	struct scenario_settings settings;
	bool registers; /* a step makes it a server-based one */
};

struct scenario {
	const char *file;
	struct scenario_settings top; /* for all endpoints */
	struct scenario_party *parties;
	unsigned party_count;
	struct scenario_step *steps;
	unsigned step_count;
};

/* From a text; name is that of its file, and lives as long as the arena, in which all is.
 * -FAIL_ARGUMENT with "NAME:LINE: ..." in f. */
int scenario_parse(
	const char *name, struct str text, struct arena *a, struct scenario *out, struct fail *f);
/* A file, and what its {{NAME}} stand for. */
struct scenario_source {
	const char *path; /* "-": stdin */
	const struct template_set *sets;
	unsigned set_count;
	const char *const *environment; /* "NAME=VALUE", ended by NULL, for {{env:NAME}} */
};
/* The same from there; -FAIL_LOCAL when it cannot be read. */
int scenario_read(const struct scenario_source *source, struct arena *a, struct scenario *out,
	struct fail *f);

#endif
