/* cli/schema.h -- events.def as tables, and as a JSON Schema */
#ifndef CLI_SCHEMA_H
#define CLI_SCHEMA_H

#include "base/base.h"

#include <stdbool.h>

struct schema_field {
	const char *name;
	const char *kind; /* as events.def writes it */
	bool required;
};

struct schema_record {
	const char *name; /* NULL ends a list of records */
	const char *text; /* what it means; NULL for objects */
	const struct schema_field *fields; /* ended by a NULL name */
};

struct schema_union {
	const char *name; /* NULL ends a list of unions */
	const char *kinds; /* apart by "|" */
};

extern const struct schema_field schema_common[];
extern const struct schema_union schema_unions[];
extern const struct schema_record schema_events[], schema_objects[];

/* The record of this name; NULL when there is none. */
const struct schema_record *schema_find(const struct schema_record *list, const char *name);
const struct schema_union *schema_find_union(const char *name);
/* The field of this name; NULL when there is none. */
const struct schema_field *schema_field(const struct schema_field *list, const char *name);

/* A kind taken apart: "hop[]" is a list of hop. */
struct schema_kind {
	char name[320];
	bool list, map;
};
struct schema_kind schema_kind(const char *text);

/* `rte help --schema`: the JSON Schema on stdout; gives the exit code. */
int schema_print(void);

#endif
