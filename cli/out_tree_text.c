/* cli/out_tree_text.c -- a decoded body as lines for people */
#include "out_impl.h"
#include "out_tree.h"

#include "base/buf.h"

enum {
	LINE_BYTES = 1 << 20,
	NAME_COLUMNS = 24, /* at most, of the names of one object */
	ON_ONE_LINE = 4, /* fields of an object that is a line */
};

static void put_lines(struct out *o, const struct tree *t, int indent);

static bool is_scalar(const struct tree *t)
{
	return t->kind != TREE_OBJECT && t->kind != TREE_LIST;
}

static bool has_lines(const struct tree *t)
{
	return t->kind == TREE_TEXT && str_find(t->text, '\n') < t->text.n;
}

static void add_value(struct buf *b, const struct tree *t)
{
	switch (t->kind) {
	case TREE_INTEGER:
		buf_addf(b, "%lld", (long long)t->integer);
		break;
	case TREE_NUMBER:
		buf_addf(b, "%.10g", t->number);
		break;
	case TREE_BOOLEAN:
		buf_add_str(b, t->boolean ? STR("yes") : STR("no"));
		break;
	default:
		buf_add_str(b, t->text);
	}
}

static void put(struct out *o, int indent, struct str name, int width, struct str value)
{
	out_put(o, OUT_PLAIN, "%*s%-*.*s  " STR_FMT, indent, "", width, (int)name.n, name.p,
		STR_ARG(value));
}

/* Without anything behind the name. */
static void put_name(struct out *o, int indent, struct str name)
{
	out_put(o, OUT_PLAIN, "%*s" STR_FMT, indent, "", STR_ARG(name));
}

/* Text of several lines: each deeper than the name. */
static void put_text(struct out *o, int indent, struct str name, struct str text)
{
	struct str line;

	put_name(o, indent, name);
	while (text.n > 0) {
		if (!str_cut(text, '\n', &line, &text)) {
			line = text;
			text = STR_EMPTY;
		}
		if (line.n && line.p[line.n - 1] == '\r')
			line.n--;
		out_put(o, OUT_PLAIN, "%*s" STR_FMT, indent + 2, "", STR_ARG(line));
	}
}

/* How many values: of a scalar one, of a list of scalars as many as there are; more than fit when
 * it is none of these, or does not fit a line. */
static int count_values(const struct tree *t)
{
	int n = 0;

	if (t->kind == TREE_LIST)
		for (const struct tree *c = t->first; c && n <= ON_ONE_LINE; c = c->next)
			n += is_scalar(c) ? count_values(c) : ON_ONE_LINE + 1;
	else
		n = is_scalar(t) && !has_lines(t) ? 1 : ON_ONE_LINE + 1;
	return n > 0 ? n : ON_ONE_LINE + 1;
}

/* {"new":4,"old":8} is "new 4  old 8". */
static bool fits_line(const struct tree *t)
{
	int n = 0;

	for (const struct tree *c = t->first; c && n <= ON_ONE_LINE; c = c->next)
		n += count_values(c);
	return n > 0 && n <= ON_ONE_LINE;
}

static void add_named(struct buf *b, const struct tree *t, struct str name)
{
	for (const struct tree *c = t->kind == TREE_LIST ? t->first : NULL; c; c = c->next)
		add_named(b, c, name);
	if (t->kind == TREE_LIST)
		return;
	buf_addf(b, "%s" STR_FMT " ", b->n ? "  " : "", STR_ARG(name));
	add_value(b, t);
}

/* One that is longer than a line begins with the first thing that it says of itself: its id,
 * mostly.
 */
static void put_object(struct out *o, const struct tree *t, struct str name, int indent, int width)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(LINE_BYTES);
	struct tree rest = *t;

	if (fits_line(t)) {
		for (const struct tree *c = t->first; c; c = c->next)
			add_named(&b, c, c->name);
		put(o, indent, name, width, buf_str(&b));
		return;
	}
	if (t->first && is_scalar(t->first) && !has_lines(t->first)) {
		add_named(&b, t->first, t->first->name);
		put(o, indent, name, width, buf_str(&b));
		rest.first = t->first->next;
	} else {
		put_name(o, indent, name);
	}
	put_lines(o, &rest, indent + 2);
}

static void put_one(struct out *o, const struct tree *t, struct str name, int indent, int width)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(LINE_BYTES);

	if (t->kind == TREE_OBJECT) {
		put_object(o, t, name, indent, width);
	} else if (t->kind == TREE_LIST) {
		for (const struct tree *c = t->first; c; c = c->next)
			put_one(o, c, name, indent, width);
		if (!t->first)
			put(o, indent, name, width, STR("(none)"));
	} else if (has_lines(t)) {
		put_text(o, indent, name, t->text);
	} else {
		add_value(&b, t);
		put(o, indent, name, width, buf_str(&b));
	}
}

static void put_lines(struct out *o, const struct tree *t, int indent)
{
	int width = 0;

	for (const struct tree *c = t->first; c; c = c->next)
		if ((int)c->name.n > width)
			width = (int)c->name.n;
	if (width > NAME_COLUMNS)
		width = NAME_COLUMNS;
	for (const struct tree *c = t->first; c; c = c->next)
		put_one(o, c, c->name, indent, width);
}

void out_text_tree(struct out *o, const struct tree *t)
{
	put_lines(o, t, 2);
}
