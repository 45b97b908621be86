/* tests/tools/jsoncheck.c -- jsoncheck < events.ndjson: holds the records of rte --json against
 * cli/events.def and the rules of cli.md section 10.3. Several runs may follow one another. The
 * first violation is told with its line, exit 1.
 *
 * jsoncheck -c: the commands of the records must not matter, and a run may begin or end in the
 * middle (cut streams). */
#include "schema.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static unsigned line_number;

static void complain(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

static void complain(const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "jsoncheck: line %u: ", line_number);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	_exit(1); /* at once: nothing of it is freed */
}

/* ---- kinds ---- */

/* "2026-11-22T12:00:00.000112Z" */
static bool is_time(const char *s)
{
	static const char form[] = "dddd-dd-ddTdd:dd:dd.ddddddZ";

	if (strlen(s) != strlen(form))
		return false;
	for (size_t i = 0; form[i]; i++)
		if (form[i] == 'd' ? s[i] < '0' || s[i] > '9' : s[i] != form[i])
			return false;
	return true;
}

static bool is_word_of(const char *s, const char *words)
{
	size_t n = strlen(s);

	while (*words) {
		size_t w = strcspn(words, "|");

		if (w == n && memcmp(words, s, n) == 0)
			return true;
		words += w + (words[w] == '|');
	}
	return false;
}

/* What does not fit, and why: told when nothing else fits either. */
static char why[1000];

static bool unfit(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static bool unfit(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	return false;
}

static bool fits_fields(const char *where, const json_t *object, const struct schema_field *common,
	const struct schema_field *fields);

static bool fits_plain(const json_t *v, const char *kind)
{
	if (strcmp(kind, "string") == 0)
		return json_is_string(v);
	if (strcmp(kind, "integer") == 0)
		return json_is_integer(v) && json_integer_value(v) >= 0;
	if (strcmp(kind, "signed") == 0)
		return json_is_integer(v);
	if (strcmp(kind, "number") == 0)
		return json_is_real(v) && json_real_value(v) >= 0;
	if (strcmp(kind, "boolean") == 0)
		return json_is_boolean(v);
	if (strcmp(kind, "time") == 0)
		return json_is_string(v) && is_time(json_string_value(v));
	return json_is_string(v) && is_word_of(json_string_value(v), kind);
}

static bool fits_one(const char *where, const json_t *v, const char *kind);

/* One kind of the union fits. If none does, the complaint about the one that fitted for longest is
 * the one of use. */
static bool fits_union(const char *where, const json_t *v, const struct schema_union *u)
{
	char longest[sizeof(why)] = "";

	for (const char *k = u->kinds; *k;) {
		char kind[64];
		size_t n = strcspn(k, "|");

		snprintf(kind, sizeof(kind), "%.*s", (int)n, k);
		if (fits_one(where, v, kind))
			return true;
		if (strlen(why) > strlen(longest))
			memcpy(longest, why, sizeof(why));
		k += n + (k[n] == '|');
	}
	return unfit("%s is no %s: %.800s", where, u->name, longest);
}

static bool fits_one(const char *where, const json_t *v, const char *kind)
{
	const struct schema_record *object = schema_find(schema_objects, kind);
	const struct schema_union *any = schema_find_union(kind);
	char *text;

	if (any)
		return fits_union(where, v, any);
	if (object)
		return json_is_object(v) ? fits_fields(where, v, NULL, object->fields)
					 : unfit("%s is not an object (%s)", where, kind);
	if (fits_plain(v, kind))
		return true;
	text = json_dumps(v, JSON_ENCODE_ANY);
	unfit("%s is %.200s, which is not of the kind %s", where, text, kind);
	free(text);
	return false;
}

static bool fits_list(const char *where, const json_t *v, const char *kind)
{
	char name[200];
	json_t *item;
	size_t i;

	if (!json_is_array(v))
		return unfit("%s is not a list", where);
	json_array_foreach(v, i, item)
	{
		snprintf(name, sizeof(name), "%.150s[%zu]", where, i);
		if (!fits_one(name, item, kind))
			return false;
	}
	return true;
}

static bool fits_map(const char *where, const json_t *v, const char *kind)
{
	char name[200];
	const char *key;
	json_t *item;

	if (!json_is_object(v))
		return unfit("%s is not an object", where);
	json_object_foreach((json_t *)(uintptr_t)v, key, item)
	{
		snprintf(name, sizeof(name), "%.100s.%.60s", where, key);
		if (!fits_one(name, item, kind))
			return false;
	}
	return true;
}

static bool fits(const char *where, const json_t *v, const char *kind)
{
	struct schema_kind k = schema_kind(kind);

	if (k.list)
		return fits_list(where, v, k.name);
	return k.map ? fits_map(where, v, k.name) : fits_one(where, v, k.name);
}

/* Every key is known and of its kind, every required one is there. */
static bool fits_fields(const char *where, const json_t *object, const struct schema_field *common,
	const struct schema_field *fields)
{
	const struct schema_field *lists[] = { common, fields };
	const struct schema_field *f;
	const char *key;
	json_t *v;

	json_object_foreach((json_t *)(uintptr_t)object, key, v)
	{
		char name[200];

		f = common ? schema_field(common, key) : NULL;
		f = f ? f : schema_field(fields, key);
		if (!f)
			return unfit("%s.%s is in no row of events.def", where, key);
		snprintf(name, sizeof(name), "%.100s.%.60s", where, key);
		if (!fits(name, v, f->kind))
			return false;
	}
	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		for (f = lists[i]; f && f->name; f++)
			if (f->required && !json_object_get(object, f->name))
				return unfit("%s.%s is missing", where, f->name);
	return true;
}

/* ---- records and their order ---- */

struct stream {
	json_int_t seq;
	double elapsed_ms;
	bool running, loose;
	char command[40];
};

static const char *text_of(const json_t *r, const char *key)
{
	const char *s = json_string_value(json_object_get(r, key));

	return s ? s : "";
}

static void check_order(struct stream *s, const json_t *r, const char *type)
{
	json_int_t seq = json_integer_value(json_object_get(r, "seq"));
	double elapsed = json_real_value(json_object_get(r, "elapsed_ms"));
	bool starts = strcmp(type, "start") == 0, alone = strcmp(type, "version") == 0;

	if (s->running && (starts || alone))
		complain("%s before the end of the run before", type);
	if (!s->running && !starts && !alone && !s->loose)
		complain("%s before start", type);
	if (starts || alone || (s->loose && !s->running)) {
		*s = (struct stream){ .seq = seq - 1, .running = !alone, .loose = s->loose };
		if (!s->loose && seq != 1)
			complain("seq does not begin with 1");
		snprintf(s->command, sizeof(s->command), "%s", text_of(r, "command"));
	}
	if (seq != s->seq + 1)
		complain("seq %lld after %lld", (long long)seq, (long long)s->seq);
	if (elapsed < s->elapsed_ms)
		complain("elapsed_ms goes back");
	if (strcmp(s->command, text_of(r, "command")) != 0)
		complain("the command was %s", s->command);
	s->seq = seq;
	s->elapsed_ms = elapsed;
	if (strcmp(type, "end") == 0)
		s->running = false;
}

/* Is it the same, but for DEL, which Jansson does not escape, and we do? */
static bool is_same(const char *again, const char *line, size_t n)
{
	for (const char *end = line + n; line < end; again++) {
		if (*again == 0x7f) {
			if (end - line < 6 || memcmp(line, "\\u007f", 6) != 0)
				return false;
			line += 6;
		} else if (*again != *line++) {
			return false;
		}
	}
	return *again == '\0';
}

/* Compact, keys sorted, ASCII: just as Jansson writes it again. */
static void check_form(const json_t *r, const char *line, size_t n)
{
	char *again = json_dumps(
		r, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(15));

	for (size_t i = 0; i < n; i++)
		if ((unsigned char)line[i] < 0x20 || (unsigned char)line[i] > 0x7e)
			complain("byte 0x%02x at %zu", (unsigned)(unsigned char)line[i], i + 1);
	if (!is_same(again, line, n))
		complain("not compact with sorted keys; it should be %s", again);
	free(again);
}

static void check_line(struct stream *s, const char *line, size_t n)
{
	json_error_t error;
	json_t *r = json_loadb(line, n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
	const struct schema_record *event;
	const char *type;

	if (!r)
		complain("not JSON: %s (column %d)", error.text, error.column);
	if (!json_is_object(r))
		complain("not an object");
	type = text_of(r, "type");
	event = schema_find(schema_events, type);
	if (!event)
		complain("the type \"%s\" is in no row of events.def", type);
	if (!fits_fields(type, r, schema_common, event->fields))
		complain("%s", why);
	if (json_integer_value(json_object_get(r, "v")) != 1)
		complain("v is not 1");
	check_form(r, line, n);
	check_order(s, r, type);
	json_decref(r);
}

int main(int argc, char **argv)
{
	struct stream s = { .loose = argc > 1 && strcmp(argv[1], "-c") == 0 };
	char *line = NULL;
	size_t size = 0;
	ssize_t n;

	if (argc > 1 + s.loose) {
		fprintf(stderr, "usage: jsoncheck [-c] < events.ndjson\n");
		return 2;
	}
	while ((n = getline(&line, &size, stdin)) > 0) {
		line_number++;
		if (line[n - 1] != '\n')
			complain("the last line has no end");
		check_line(&s, line, (size_t)n - 1);
	}
	free(line);
	if (s.running && !s.loose)
		complain("no end record");
	if (line_number == 0)
		complain("no records");
	return 0;
}
