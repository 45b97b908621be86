/* cli/check.h -- what the user wants of the outcome: --expect and its kind, --stop-after and
 * --drop-after (cli.md sections 7 and 9). run.c asks it at every event and at every end; a command
 * that takes requests itself calls check_message for each of them. Every function takes NULL, which
 * is a command without an endpoint. */
#ifndef CLI_CHECK_H
#define CLI_CHECK_H

#include "groups.h"
#include "out.h"

struct check;

/* From the texts of the group. -FAIL_ARGUMENT, f begins with the option. */
int check_new(const struct groups *g, struct check **out, struct fail *f);
void check_free(struct check *c);
/* Where its records go, before anything below. keeps: the command stays behind its first 2xx, which
 * is then what is checked. */
void check_open(struct check *c, struct out *o, bool keeps);
/* The operation itself begins. registered: a registration goes before it and lives beside it, whose
 * REGISTERs do not count. */
void check_start(struct check *c, bool registered);

/* Does --expect name this status? 0: is there an --expect? Then any final response is a result. */
bool check_expects(const struct check *c, unsigned status);
/* The command takes requests: these are what --expect-header and --expect-body look at, by
 * check_message, and no response; without any the checks did not hold. */
void check_requests(struct check *c);
/* --expect-header and --expect-body against a message: a record for each. False, and exit code 17
 * at the end, when one does not hold. */
bool check_message(struct check *c, const struct endpoint_msg *m);
/* A final result whose exit code would be `code`: checks its response, unless that was checked when
 * it came; gives the code to use. Of failed checks only the code tells. */
int check_result(struct check *c, const struct endpoint_result *result, int code);
/* All went well: 0, or 17 when a check did not hold or the step was not reached. */
int check_verdict(struct check *c);
/* What check_message, check_result or check_verdict found last, in one sentence. */
const char *check_why(const struct check *c);

enum check_end {
	CHECK_GO_ON,
	CHECK_END, /* from the loop, in order, or with check_drops without a word */
	CHECK_NOW, /* at once: what comes next in this event would be said already */
};
/* An event of the endpoint, after it was printed. */
enum check_end check_event(struct check *c, const struct endpoint_event *ev);
/* The step was reached: the exit code is 0, whatever comes. */
bool check_reached(const struct check *c);
/* It was, and with --drop-after. */
bool check_drops(const struct check *c);

#endif
