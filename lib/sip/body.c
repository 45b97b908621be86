/* lib/sip/body.c -- which body is decoded by whom */
#include "sip/body.h"

#include "base/scan.h"
#include "sip/body_impl.h"
#include "sip/body_shape.h"

#include <string.h>

/* ---- bodies of lines ---- */

bool body_lines_next(struct body_lines *l, struct str *line)
{
	if (l->rest.n == 0)
		return false;
	if (!str_cut(l->rest, '\n', line, &l->rest)) {
		*line = l->rest;
		l->rest = STR_EMPTY;
	} else if (line->n > 0 && line->p[line->n - 1] == '\r') {
		line->n--;
	}
	l->number++;
	return true;
}

int body_lines_fail(struct fail *f, const struct body_lines *l, size_t column, const char *text)
{
	return fail_set(f, -FAIL_SYNTAX, "line %u column %zu: %s", l->number, column, text);
}

/* A value goes on in the lines that begin with a blank; their line ends stay in it. */
static void unfold(struct body_lines *l, struct str *value)
{
	struct body_lines after = *l;
	struct str line;

	while (after.rest.n > 0 && scan_is(*after.rest.p, CH_LWS) &&
		body_lines_next(&after, &line)) {
		if (str_trim(line).n > 0)
			value->n = (size_t)(line.p + line.n - value->p);
		*l = after;
	}
}

bool body_lines_field(struct body_lines *l, struct str line, struct str *name, struct str *value)
{
	struct scan s = scan_str(line);
	struct str token;

	scan_lws(&s);
	if (!scan_run(&s, CH_TOKEN, &token) || !scan_sep(&s, ':'))
		return false;
	*name = token;
	*value = scan_rest(&s);
	unfold(l, value);
	*value = str_trim(*value);
	return true;
}

struct str body_flat(struct arena *a, struct str s)
{
	char *p = arena_alloc(a, s.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		bool blank = scan_is(s.p[i], CH_LWS) || s.p[i] == '\r' || s.p[i] == '\n';

		if (!blank)
			p[n++] = s.p[i];
		else if (n > 0 && p[n - 1] != ' ')
			p[n++] = ' ';
	}
	return (struct str){ p, n };
}

void body_named_text(struct arena *a, struct tree *list, struct str name, struct str text)
{
	struct tree *o = tree_object(a, list, "");
	bool folded = str_find(text, '\n') < text.n;

	tree_text(a, o, "name", name);
	tree_text(a, o, "text", folded ? body_flat(a, text) : text);
}

/* ---- media types ---- */

static const struct {
	const char *type;
	const struct body_shape *shape; /* NULL: of lines */
	int (*read)(struct str body, struct arena *arena, struct tree **out, struct fail *f);
} decoders[] = {
	{ "application/pidf+xml", &body_presence_shape, NULL },
	{ "application/dialog-info+xml", &body_dialog_shape, NULL },
	{ "application/reginfo+xml", &body_reginfo_shape, NULL },
	{ "application/conference-info+xml", &body_conference_shape, NULL },
	{ "application/watcherinfo+xml", &body_watchers_shape, NULL },
	{ "application/rlmi+xml", &body_rlmi_shape, NULL },
	{ "application/im-iscomposing+xml", &body_composing_shape, NULL },
	{ "application/simple-message-summary", NULL, mwi_read },
	{ "message/sipfrag", NULL, sipfrag_read },
};

/* "application/pidf+xml" of `application / pidf+xml ; charset="UTF-8"`. */
static bool is_type(struct str content_type, const char *type)
{
	struct scan s = scan_str(content_type);
	struct str major, minor, wanted_major, wanted_minor;

	scan_lws(&s);
	return scan_run(&s, CH_TOKEN, &major) && scan_sep(&s, '/') &&
	       scan_run(&s, CH_TOKEN, &minor) && scan_lws(&s) &&
	       (scan_end(&s) || scan_peek(&s) == ';' || scan_peek(&s) == '\r' ||
		       scan_peek(&s) == '\n') &&
	       str_cut(str_of(type), '/', &wanted_major, &wanted_minor) &&
	       str_ieq(major, wanted_major) && str_ieq(minor, wanted_minor);
}

int body_decode_within(struct str content_type, struct str body, unsigned levels,
	struct arena *arena, struct tree **out, struct fail *f)
{
	*out = NULL;
	if (is_type(content_type, "multipart/related"))
		return body_rlmi_read(content_type, body, levels, arena, out, f);
	for (size_t i = 0; i < ARRAY_LEN(decoders); i++) {
		if (!is_type(content_type, decoders[i].type))
			continue;
		if (decoders[i].shape)
			return body_shape_read(decoders[i].shape, body, arena, out, f);
		return decoders[i].read(body, arena, out, f);
	}
	return 0;
}

int body_decode(struct str content_type, struct str body, struct arena *arena, struct tree **out,
	struct fail *f)
{
	struct tree *t = NULL;
	int e;

	if (body.n > BODY_MAX)
		return fail_set(
			f, -FAIL_LIMIT, "line 1 column 1: a body of more than %d bytes", BODY_MAX);
	e = body_decode_within(content_type, body, BODY_LEVELS, arena, &t, f);
	if (e == 0)
		*out = t;
	return e;
}
