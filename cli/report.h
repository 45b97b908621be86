/* cli/report.h -- what a run came to, for CI systems: TAP, or JUnit's XML. A case is the operation
 * itself, and each check of --expect and its kind. */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include "base/arena.h"
#include "base/buf.h"

struct report;

struct report_case {
	const char *name; /* "sip:alice@example.com", "expect 200" */
	bool passed;
	bool skipped; /* it was not reached: neither passed nor failed */
	const char *kind; /* of a failure: "timeout" "check_failed" */
	struct str detail; /* of a failure; what the peer chose is masked and shown as text */
	double seconds; /* < 0: not known */
};

struct report *report_new(const char *suite); /* "rte register" */
void report_free(struct report *r); /* NULL is fine */
void report_add(struct report *r, const struct report_case *c);
void report_tap(const struct report *r, struct buf *out);
void report_junit(const struct report *r, struct buf *out);

#endif
