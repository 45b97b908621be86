/* tests/tools/jsoncheck.c -- holds the records of rte --json against cli/events.def
 *
 *   rte ... --json | jsoncheck [--exit=N] [--unfinished]
 *
 * Checks of every line: one JSON object without a key twice, written as rte writes it (compact, keys sorted, ASCII),
 * of a known type, with all its required fields, no unknown field and no wrong kind; of the whole: seq counts from 1,
 * elapsed_ms never goes back, `start` is first and `end` last (after it the next run may begin), a failure has its
 * `error`, and the exit code is the one of the process (--exit=N). --unfinished: the run may go on.
 * Complaints on stderr, exit 1; otherwise `N records` and 0. */
#include "schema.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DUMP (JSON_COMPACT | JSON_SORT_KEYS | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(15))

static unsigned line_number, complaints;

static void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void complain(const char *format, ...)
{
	va_list args;

	fprintf(stderr, "line %u: ", line_number);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	complaints++;
}

/* ---- kinds */

/* 2026-11-22T12:00:00.000112Z */
static bool is_time(const char *s)
{
	static const char form[] = "0000-00-00T00:00:00.000000Z";

	for (size_t i = 0; i < sizeof(form); i++) {
		bool digit = s[i] >= '0' && s[i] <= '9';
		if (form[i] == '0' ? !digit : s[i] != form[i])
			return false;
	}
	return true;
}

static bool is_one_of(const char *s, const char *words)
{
	size_t n = strlen(s);

	while (*words) {
		size_t word = strcspn(words, "|");
		if (word == n && memcmp(words, s, n) == 0)
			return true;
		words += word + (words[word] == '|');
	}
	return false;
}

static void check_fields(const char *where, json_t *o, const struct schema_field *fields, bool common);

static void check_one(const char *where, json_t *v, const char *kind)
{
	const struct schema_record *object = schema_find(schema_objects, kind);
	bool ok;

	if (object) {
		if (json_is_object(v))
			check_fields(where, v, object->fields, false);
		else
			complain("%s is no object (%s)", where, kind);
		return;
	}
	if (strcmp(kind, "string") == 0)
		ok = json_is_string(v);
	else if (strcmp(kind, "integer") == 0)
		ok = json_is_integer(v);
	else if (strcmp(kind, "number") == 0)
		ok = json_is_real(v); /* what is measured is a real, also when it is 0.0 */
	else if (strcmp(kind, "boolean") == 0)
		ok = json_is_boolean(v);
	else if (strcmp(kind, "time") == 0)
		ok = json_is_string(v) && is_time(json_string_value(v));
	else
		ok = json_is_string(v) && is_one_of(json_string_value(v), kind);
	if (!ok) {
		char *text = json_dumps(v, DUMP | JSON_ENCODE_ANY);
		complain("%s is %s, wanted %s", where, text, kind);
		free(text);
	}
}

static void check_kind(const char *where, json_t *v, const char *text)
{
	struct schema_kind k = schema_kind(text);
	char inner[256];

	if (k.list) {
		size_t i;
		json_t *item;
		if (!json_is_array(v)) {
			complain("%s is no list", where);
			return;
		}
		json_array_foreach(v, i, item) {
			snprintf(inner, sizeof(inner), "%.200s[%zu]", where, i);
			check_one(inner, item, k.name);
		}
	} else if (k.map) {
		const char *key;
		json_t *item;
		if (!json_is_object(v)) {
			complain("%s is no map", where);
			return;
		}
		json_object_foreach(v, key, item) {
			snprintf(inner, sizeof(inner), "%.120s.%.120s", where, key);
			check_one(inner, item, k.name);
		}
	} else {
		check_one(where, v, k.name);
	}
}

/* The fields of an object; common: those that every record has are allowed beside them. */
static void check_fields(const char *where, json_t *o, const struct schema_field *fields, bool common)
{
	const char *key;
	json_t *v;
	char inner[256];

	for (const struct schema_field *f = fields; f->name; f++)
		if (f->required && !json_object_get(o, f->name))
			complain("%s has no %s", where, f->name);
	json_object_foreach(o, key, v) {
		const struct schema_field *f = schema_field(fields, key);
		if (!f && common)
			f = schema_field(schema_common, key);
		if (!f) {
			complain("%s: unknown field %s", where, key);
			continue;
		}
		snprintf(inner, sizeof(inner), "%.120s.%.120s", where, key);
		check_kind(inner, v, f->kind);
	}
}

/* ---- the run */

struct run {
	json_int_t seq;  /* of the last record; 0 before the first */
	double elapsed;
	bool ended, failed;
	json_int_t exit_code;
};

static void check_order(struct run *run, json_t *o, const char *type)
{
	json_int_t seq = json_integer_value(json_object_get(o, "seq"));
	double elapsed = json_real_value(json_object_get(o, "elapsed_ms"));

	if (run->ended && seq == 1)
		*run = (struct run){ 0 };
	else if (run->ended)
		complain("a record after end");
	if (seq != run->seq + 1)
		complain("seq is %lld after %lld", (long long)seq, (long long)run->seq);
	if (elapsed < run->elapsed)
		complain("elapsed_ms goes back from %g to %g", run->elapsed, elapsed);
	run->elapsed = elapsed;
	if (seq == 1 && strcmp(type, "start") != 0 && strcmp(type, "version") != 0)
		complain("the first record is %s", type);
	if (seq != 1 && strcmp(type, "start") == 0)
		complain("start is not first");
	run->seq = seq;
	if (strcmp(type, "error") == 0)
		run->failed = true;
	if (strcmp(type, "end") == 0) {
		run->exit_code = json_integer_value(json_object_get(o, "exit_code"));
		if (run->exit_code > 0 && run->exit_code < 128 && !run->failed)
			complain("exit code %lld without an error", (long long)run->exit_code);
		run->ended = true;
	}
	if (strcmp(type, "version") == 0)
		run->ended = true; /* a single record */
}

static void check_line(struct run *run, const char *line, size_t n)
{
	json_error_t error;
	json_t *o = json_loadb(line, n, JSON_REJECT_DUPLICATES, &error);
	const struct schema_record *r = NULL;
	const char *type;
	char *text;

	if (!json_is_object(o)) {
		complain("no JSON object: %s", o ? "something else" : error.text);
		json_decref(o);
		return;
	}
	text = json_dumps(o, DUMP);
	if (!text || strlen(text) != n || memcmp(text, line, n) != 0)
		complain("not as rte writes it (compact, keys sorted, ASCII); wanted: %s", text);
	free(text);

	type = json_string_value(json_object_get(o, "type"));
	if (type)
		r = schema_find(schema_events, type);
	if (!r) {
		complain("unknown type %s", type ? type : "(none)");
	} else {
		for (const struct schema_field *f = schema_common; f->name; f++)
			if (f->required && !json_object_get(o, f->name))
				complain("%s has no %s", type, f->name);
		check_fields(type, o, r->fields, true);
		if (json_integer_value(json_object_get(o, "v")) != 1)
			complain("v is not 1");
		check_order(run, o, type);
	}
	json_decref(o);
}

int main(int argc, char **argv)
{
	struct run run = { 0 };
	bool unfinished = false;
	long want = -1;
	char *line = NULL;
	size_t size = 0;
	ssize_t n;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--unfinished") == 0) {
			unfinished = true;
		} else if (strncmp(argv[i], "--exit=", 7) == 0) {
			want = strtol(argv[i] + 7, NULL, 10);
		} else {
			fprintf(stderr, "usage: jsoncheck [--exit=N] [--unfinished] < RECORDS\n");
			return 2;
		}
	}
	while ((n = getline(&line, &size, stdin)) > 0) {
		line_number++;
		if (line[n - 1] != '\n')
			complain("the line does not end");
		else
			n--;
		check_line(&run, line, (size_t)n);
	}
	free(line);
	if (line_number == 0)
		complain("no record at all");
	else if (!run.ended && !unfinished)
		complain("the run has no end");
	if (run.ended && want >= 0 && run.exit_code != want)
		complain("end says exit code %lld, the process said %ld", (long long)run.exit_code, want);
	if (complaints)
		return 1;
	printf("%u records\n", line_number);
	return 0;
}
