/* cli/schema.c -- the tables of events.def */
#include "schema.h"

#include <stdio.h>
#include <string.h>

#define REQ(name, kind) { #name, kind, true },
#define OPT(name, kind) { #name, kind, false },

#define COMMON(fields) const struct schema_field schema_common[] = { fields{ NULL, NULL, false } };
#define OBJECT(name, fields)                                                                       \
	static const struct schema_field object_##name[] = { fields{ NULL, NULL, false } };
#define EVENT(name, text, fields)                                                                  \
	static const struct schema_field event_##name[] = { fields{ NULL, NULL, false } };
#define UNION(name, kinds)
#include "events.def"
#undef COMMON
#undef OBJECT
#undef EVENT

#define COMMON(fields)
#define OBJECT(name, fields) { #name, NULL, object_##name },
#define EVENT(name, text, fields)
const struct schema_record schema_objects[] = {
#include "events.def"
	{ NULL, NULL, NULL },
};
#undef OBJECT
#undef EVENT

#define OBJECT(name, fields)
#define EVENT(name, text, fields) { #name, text, event_##name },
const struct schema_record schema_events[] = {
#include "events.def"
	{ NULL, NULL, NULL },
};
#undef OBJECT
#undef EVENT
#undef UNION

#define OBJECT(name, fields)
#define EVENT(name, text, fields)
#define UNION(name, kinds) { #name, kinds },
const struct schema_union schema_unions[] = {
#include "events.def"
	{ NULL, NULL },
};
#undef COMMON
#undef OBJECT
#undef EVENT
#undef UNION
#undef REQ
#undef OPT

const struct schema_record *schema_find(const struct schema_record *list, const char *name)
{
	for (; list->name; list++)
		if (strcmp(list->name, name) == 0)
			return list;
	return NULL;
}

const struct schema_field *schema_field(const struct schema_field *list, const char *name)
{
	for (; list->name; list++)
		if (strcmp(list->name, name) == 0)
			return list;
	return NULL;
}

const struct schema_union *schema_find_union(const char *name)
{
	const struct schema_union *u = schema_unions;

	while (u->name && strcmp(u->name, name) != 0)
		u++;
	return u->name ? u : NULL;
}

struct schema_kind schema_kind(const char *text)
{
	struct schema_kind k = { .list = false };
	size_t n = strlen(text);

	k.list = n > 2 && strcmp(text + n - 2, "[]") == 0;
	k.map = n > 2 && strcmp(text + n - 2, "{}") == 0;
	if (k.list || k.map)
		n -= 2;
	snprintf(k.name, sizeof(k.name), "%.*s", (int)n, text);
	return k;
}
