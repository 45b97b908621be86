/* cli/schema_print.c -- the records of --json as a JSON Schema (draft 2020-12) */
#include "exit.h"
#include "schema.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

static json_t *words(const char *text)
{
	json_t *list = json_array();

	while (*text) {
		size_t n = strcspn(text, "|");
		json_array_append_new(list, json_stringn(text, n));
		text += n + (text[n] == '|');
	}
	return json_pack("{s:o}", "enum", list);
}

static json_t *one(const char *name)
{
	static const char *const plain[] = { "string", "integer", "number", "boolean" };
	char ref[64];

	for (size_t i = 0; i < ARRAY_LEN(plain); i++)
		if (strcmp(name, plain[i]) == 0)
			return json_pack("{s:s}", "type", name);
	if (strcmp(name, "signed") == 0)
		return json_pack("{s:s}", "type", "integer");
	if (strcmp(name, "time") == 0)
		return json_pack("{s:s, s:s}", "type", "string", "format", "date-time");
	if (strchr(name, '|'))
		return words(name);
	snprintf(ref, sizeof(ref), "#/$defs/%s", name);
	return json_pack("{s:s}", "$ref", ref);
}

static json_t *kind(const char *text)
{
	struct schema_kind k = schema_kind(text);

	if (k.list)
		return json_pack("{s:s, s:o}", "type", "array", "items", one(k.name));
	if (k.map)
		return json_pack(
			"{s:s, s:o}", "type", "object", "additionalProperties", one(k.name));
	return one(k.name);
}

static void add_fields(const struct schema_field *f, json_t *properties, json_t *required)
{
	for (; f->name; f++) {
		json_object_set_new(properties, f->name, kind(f->kind));
		if (f->required)
			json_array_append_new(required, json_string(f->name));
	}
}

static json_t *record(const struct schema_record *r, bool event)
{
	json_t *properties = json_object(), *required = json_array();
	json_t *o = json_pack("{s:s, s:o, s:o}", "type", "object", "properties", properties,
		"required", required);

	if (event) {
		add_fields(schema_common, properties, required);
		json_object_set_new(properties, "type", json_pack("{s:s}", "const", r->name));
		json_object_set_new(properties, "v", json_pack("{s:i}", "const", 1));
		json_object_set_new(o, "description", json_string(r->text));
	}
	add_fields(r->fields, properties, required);
	return o;
}

static json_t *alternatives(const char *kinds)
{
	json_t *list = json_array();

	while (*kinds) {
		char name[64];
		size_t n = strcspn(kinds, "|");

		snprintf(name, sizeof(name), "%.*s", (int)n, kinds);
		json_array_append_new(list, one(name));
		kinds += n + (kinds[n] == '|');
	}
	return json_pack("{s:o}", "anyOf", list);
}

/* An event and an object may have one name ("tls"), so events are called "event_tls". */
static json_t *definitions(json_t *any_of)
{
	json_t *defs = json_object();
	char name[64], ref[80];

	for (const struct schema_record *r = schema_objects; r->name; r++)
		json_object_set_new(defs, r->name, record(r, false));
	for (const struct schema_union *u = schema_unions; u->name; u++)
		json_object_set_new(defs, u->name, alternatives(u->kinds));
	for (const struct schema_record *r = schema_events; r->name; r++) {
		snprintf(name, sizeof(name), "event_%s", r->name);
		snprintf(ref, sizeof(ref), "#/$defs/%s", name);
		json_object_set_new(defs, name, record(r, true));
		json_array_append_new(any_of, json_pack("{s:s}", "$ref", ref));
	}
	return defs;
}

int schema_print(void)
{
	json_t *events = json_array(), *defs = definitions(events);
	json_t *schema = json_pack("{s:s, s:s, s:s, s:o, s:o}", "$schema",
		"https://json-schema.org/draft/2020-12/schema", "title", "rte event, schema 1",
		"description",
		"One line of rte --json; fields may be added, none is renamed or removed.", "oneOf",
		events, "$defs", defs);

	json_dumpf(schema, stdout, JSON_INDENT(2) | JSON_SORT_KEYS | JSON_ENSURE_ASCII);
	putchar('\n');
	json_decref(schema);
	return exit_flush(EXIT_ok);
}
