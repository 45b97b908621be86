#include "report.h"

#include "base/mem.h"
#include "base/utf8.h"
#include "mask.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { TEXT_MAX = 1 << 20, CASES_MAX = 10000 };

struct report {
	struct arena arena;
	const char *suite;
	struct report_case *cases;
	unsigned count, size, failed, skipped;
	double seconds;
	time_t began;
};

struct report *report_new(const char *suite)
{
	struct report *r = MEM_NEW(struct report);

	r->suite = arena_str(&r->arena, str_of(suite)).p;
	r->began = time(NULL);
	return r;
}

void report_free(struct report *r)
{
	if (!r)
		return;
	mem_free(r->cases);
	arena_done(&r->arena);
	mem_free(r);
}

static const char *shown(struct arena *a, struct str s)
{
	CLEANUP(buf_done) struct buf masked = BUF_INIT(TEXT_MAX), text = BUF_INIT(4 * TEXT_MAX);

	mask_add(&masked, s);
	utf8_show(&text, buf_str(&masked));
	return arena_str(a, buf_str(&text)).p;
}

void report_add(struct report *r, const struct report_case *c)
{
	struct report_case *to;

	if (r->count == CASES_MAX)
		return;
	if (r->count == r->size) {
		r->size = r->size ? 2 * r->size : 8;
		r->cases = mem_realloc(r->cases, r->size * sizeof(*r->cases));
	}
	to = &r->cases[r->count++];
	*to = *c;
	to->name = shown(&r->arena, str_of(c->name));
	to->kind = arena_str(&r->arena, str_of(c->kind ? c->kind : "")).p;
	to->detail = str_of(shown(&r->arena, c->detail));
	r->failed += !c->passed && !c->skipped;
	r->skipped += c->skipped;
	if (c->seconds > 0)
		r->seconds += c->seconds;
}

/* ---- TAP 13 ---- */

/* A string of YAML in double quotes. */
static void add_quoted(struct buf *out, struct str s)
{
	buf_add_char(out, '"');
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			buf_add_char(out, '\\');
		buf_add_char(out, s.p[i]);
	}
	buf_add_char(out, '"');
}

/* "#" begins a directive. */
static void add_name(struct buf *out, const char *name)
{
	for (; *name; name++) {
		if (*name == '#' || *name == '\\')
			buf_add_char(out, '\\');
		buf_add_char(out, *name);
	}
}

void report_tap(const struct report *r, struct buf *out)
{
	buf_addf(out, "TAP version 13\n1..%u\n", r->count);
	for (unsigned i = 0; i < r->count; i++) {
		const struct report_case *c = &r->cases[i];

		buf_addf(out, "%sok %u - %s%s", c->passed || c->skipped ? "" : "not ", i + 1,
			r->suite, c->name[0] ? " " : "");
		add_name(out, c->name);
		buf_addf(out, "%s\n", c->skipped ? " # SKIP not reached" : "");
		if (c->passed || c->skipped)
			continue;
		buf_addf(out, "  ---\n  kind: %s\n  message: ", c->kind);
		add_quoted(out, c->detail);
		buf_addf(out, "\n  ...\n");
	}
}

/* ---- JUnit ---- */

static void add_xml(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		const char *entity = c == '<'   ? "&lt;"
				     : c == '>' ? "&gt;"
				     : c == '&' ? "&amp;"
				     : c == '"' ? "&quot;"
						: NULL;

		if (entity)
			buf_add_str(out, str_of(entity));
		else
			buf_add_char(out, c);
	}
}

static void add_case(const struct report *r, const struct report_case *c, struct buf *out)
{
	buf_addf(out, "    <testcase classname=\"%s\" name=\"", r->suite);
	add_xml(out, str_of(c->name));
	if (c->seconds >= 0)
		buf_addf(out, "\" time=\"%.6f", c->seconds);
	if (c->passed) {
		buf_addf(out, "\"/>\n");
		return;
	}
	if (c->skipped) {
		buf_addf(out, "\"><skipped/></testcase>\n");
		return;
	}
	buf_addf(out, "\">\n      <failure type=\"%s\" message=\"", c->kind);
	add_xml(out, c->detail);
	buf_addf(out, "\"/>\n    </testcase>\n");
}

void report_junit(const struct report *r, struct buf *out)
{
	struct tm t;
	char stamp[32] = "";

	if (gmtime_r(&r->began, &t))
		strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &t);
	buf_addf(out,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite "
		"name=\"%s\" tests=\"%u\" failures=\"%u\" errors=\"0\" skipped=\"%u\" "
		"time=\"%.6f\" timestamp=\"%s\">\n",
		r->suite, r->count, r->failed, r->skipped, r->seconds, stamp);
	for (unsigned i = 0; i < r->count; i++)
		add_case(r, &r->cases[i], out);
	buf_addf(out, "  </testsuite>\n</testsuites>\n");
}
