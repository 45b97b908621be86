#include "run_setup.h"

#include "base/scan.h"
#include "file.h"
#include "value.h"

#include <string.h>

struct list {
	struct run *r;
	struct endpoint_header *list;
	unsigned n, size;
};

static void header_add(struct list *h, const struct endpoint_header *one)
{
	if (h->n == h->size) {
		struct endpoint_header *bigger;
		h->size = h->size ? 2 * h->size : 16;
		bigger = arena_alloc(&h->r->g->arena, h->size * sizeof(*bigger));
		if (h->n)
			memcpy(bigger, h->list, h->n * sizeof(*bigger));
		h->list = bigger;
	}
	h->list[h->n++] = *one;
}

/* "N: V", or "N:" to remove. */
static int header_line(
	struct list *h, const char *option, const char *line, bool second, struct fail *f)
{
	struct str name, value;
	struct scan s;
	char shown[VALUE_SHOWN];
	int e = value_clean(option, line, f);

	if (e)
		return e;
	if (!str_cut(str_of(line), ':', &name, &value))
		return fail_set(f, -FAIL_ARGUMENT, "%s: %s is not \"NAME: VALUE\"", option,
			value_show(line, shown));
	name = str_trim(name);
	value = str_trim(value);
	s = scan_str(name);
	if (!scan_run(&s, CH_TOKEN, NULL) || !scan_end(&s))
		return fail_set(f, -FAIL_ARGUMENT, "%s: %s has no header name", option,
			value_show(line, shown));
	if (!h->r->config.any_header && !endpoint_header_allowed(name))
		return fail_set(f, -FAIL_ARGUMENT,
			"%s: " STR_FMT " has an option of its own or cannot be touched", option,
			STR_ARG(name));
	if (second && value.n == 0)
		return fail_set(f, -FAIL_ARGUMENT, "%s: " STR_FMT " without a value", option,
			STR_ARG(name));
	struct endpoint_header one = { .name = name, .value = value };
	one.change = value.n ? ENDPOINT_HEADER_SET : ENDPOINT_HEADER_REMOVE;
	if (second)
		one.change = ENDPOINT_HEADER_ADD;
	header_add(h, &one);
	return 0;
}

/* @FILE: a header field a line. */
static int header_file(struct list *h, const char *option, const char *path, struct fail *f)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(65536);
	struct str text, line;
	int e = file_read(path, &b);

	if (e)
		return fail_set(f, -FAIL_LOCAL, "%s: %s: %s", option, path, strerror(-e));
	text = buf_str(&b);
	if (text.n && memchr(text.p, '\0', text.n))
		return fail_set(f, -FAIL_ARGUMENT, "%s: %s has NUL bytes", option, path);
	while (text.n && e == 0) {
		line = text;
		if (!str_cut(text, '\n', &line, &text))
			text = STR_EMPTY;
		if (str_ends(line, STR("\r")))
			line.n--;
		if (line.n)
			e = header_line(h, option, arena_str(&h->r->g->arena, line).p, false, f);
	}
	return e;
}

/* Option tags: each is one more field of that name. */
static int tags(struct list *h, const char *name, const char *option, const struct values *list,
	struct fail *f)
{
	for (unsigned i = 0; i < list->n; i++) {
		struct scan s = scan_str(str_of(list->v[i]));
		char shown[VALUE_SHOWN];

		if (!scan_run(&s, CH_TOKEN, NULL) || !scan_end(&s))
			return fail_set(f, -FAIL_ARGUMENT, "%s: %s is not an option tag", option,
				value_show(list->v[i], shown));
		struct endpoint_header one = { ENDPOINT_HEADER_ADD, str_of(name),
			str_of(list->v[i]) };
		header_add(h, &one);
	}
	return 0;
}

int run_setup_headers(struct run *r, struct run_setup *s, struct fail *f)
{
	const struct groups *g = r->g;
	struct list h = { .r = r };
	int e = 0;

	for (unsigned i = 0; i < g->header.n && e == 0; i++) {
		const char *v = g->header.v[i];
		e = v[0] == '@' ? header_file(&h, "--header", v + 1, f)
				: header_line(&h, "--header", v, false, f);
	}
	for (unsigned i = 0; i < g->add_header.n && e == 0; i++)
		e = header_line(&h, "--add-header", g->add_header.v[i], true, f);
	if (e || (e = tags(&h, "Require", "--require", &g->require, f)) != 0 ||
		(e = tags(&h, "Supported", "--supported", &g->supported, f)) != 0)
		return e;
	if (r->config.any_header) {
		r->headers = h.list;
		r->header_count = h.n;
	} else {
		s->endpoint.headers = h.list;
		s->endpoint.header_count = h.n;
	}
	return 0;
}
