/* cli/fields.h -- --set=NAME=VALUE: the fields of a template (endpoint/template.h) */
#ifndef CLI_FIELDS_H
#define CLI_FIELDS_H

#include "base/fail.h"
#include "endpoint/template.h"
#include "groups.h"

/* As many as there are texts, in the arena of g, into which they point. -FAIL_ARGUMENT. */
int fields_read(
	const struct values *texts, struct groups *g, struct template_set **out, struct fail *f);

#endif
