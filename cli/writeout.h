/* cli/writeout.h -- --write-out: a line of the user's own form at the end, with what the operation
 * came to (cli.md section 10.5). Values from the wire are masked and shown as all text is. */
#ifndef CLI_WRITEOUT_H
#define CLI_WRITEOUT_H

#include "base/arena.h"
#include "endpoint/event.h"
#include "out.h"

struct writeout;

/* FMT or @FILE. -FAIL_ARGUMENT: an unknown variable, an unfinished one, a file that cannot be read.
 */
int writeout_new(const char *format, struct writeout **out, struct fail *f);
void writeout_free(struct writeout *w); /* NULL is fine */
/* Does it write anything to stdout? */
bool writeout_to_stdout(const struct writeout *w);

/* What happens meanwhile; w NULL is fine. */
void writeout_event(struct writeout *w, const struct endpoint_event *ev);
/* The final result of the operation; of several the latest counts. */
void writeout_result(struct writeout *w, const struct endpoint_result *r);
void writeout_error(struct writeout *w, const char *text);

enum writeout_to { WRITEOUT_STDOUT, WRITEOUT_STDERR };

struct writeout_end {
	int exit_code;
	double total_ms; /* of an operation without a result */
	struct str json; /* the end record, without its line end */
	/* Takes what does not go to a file that stands in the format. */
	void (*put)(void *arg, enum writeout_to to, struct str bytes);
	void *arg;
};
/* -FAIL_LOCAL: a file of %output{FILE} cannot be written. */
int writeout_print(struct writeout *w, const struct writeout_end *e, struct fail *f);

#endif
