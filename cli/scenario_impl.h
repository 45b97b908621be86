/* cli/scenario_impl.h -- the insides of the reader of scenarios, shared by its files */
#ifndef CLI_SCENARIO_IMPL_H
#define CLI_SCENARIO_IMPL_H

#include "scenario.h"

/* A call or subscription that a step has named. */
struct scenario_name {
	struct scenario_name *next;
	const char *name;
	bool watch; /* a subscription; else a call */
};

struct scenario_reader {
	struct scenario *out;
	struct arena *arena;
	unsigned line;
	struct scenario_settings *settings; /* of the section; NULL: it is [steps] */
	struct scenario_name *names;
};

/* "FILE:LINE: what "about"" into f; gives -FAIL_ARGUMENT. about may be NULL. */
int scenario_bad(
	const struct scenario_reader *r, struct fail *f, const char *what, const char *about);
bool scenario_is_name(const char *text);
/* -1: there is none. */
int scenario_party_index(const struct scenario *s, const char *name);
/* From its text. */
int scenario_step_read(struct scenario_reader *r, struct scenario_step *s, struct fail *f);

#endif
