/* lib/sip/body_shape.c -- XML documents to trees, by tables */
#include "sip/body_shape.h"

#include "base/scan.h"

struct read {
	struct arena *arena;
	struct fail *fail;
	struct xml_namespaces namespaces; /* those that the tree tells of */
};

static const struct body_shape_field note_fields[] = {
	{ "text", .required = true },
	{ "lang", .attribute = "lang" },
	{ .key = NULL },
};
const struct body_shape body_shape_note = { .name = "note", .fields = note_fields };

/* ---- values ---- */

static bool parse_signed(struct str s, int64_t *out)
{
	bool minus = s.n > 0 && s.p[0] == '-';
	uint64_t n;

	if (!str_u64(str_sub(s, minus || (s.n > 0 && s.p[0] == '+'), s.n), &n) || n > INT64_MAX)
		return false;
	*out = minus ? -(int64_t)n : (int64_t)n;
	return true;
}

static bool parse_number(struct str s, double *out)
{
	struct str whole = s, part = STR_EMPTY;
	uint64_t a, b = 0;
	double scale = 1;

	str_cut(s, '.', &whole, &part);
	if (!str_u64(whole.n ? whole : STR("0"), &a) || part.n > 9 || whole.n + part.n == 0 ||
		(part.n > 0 && !str_u64(part, &b)))
		return false;
	for (size_t i = 0; i < part.n; i++)
		scale *= 10;
	*out = (double)a + (double)b / scale;
	return true;
}

static bool parse_boolean(struct str s, bool *out)
{
	bool yes = str_eq(s, STR("true")) || str_eq(s, STR("1"));

	if (!yes && !str_eq(s, STR("false")) && !str_eq(s, STR("0")))
		return false;
	*out = yes;
	return true;
}

/* The name of a field as the document has it. */
static const char *title(const struct body_shape_field *d)
{
	return d->attribute ? d->attribute : d->child ? d->child : d->element ? d->element : d->key;
}

static int wrong(struct read *r, const struct xml_element *e, const struct body_shape_field *d,
	struct str text)
{
	static const char *const wanted[] = { [SHAPE_INTEGER] = "a number",
		[SHAPE_SIGNED] = "a number",
		[SHAPE_NUMBER] = "a decimal number",
		[SHAPE_BOOLEAN] = "true or false" };

	return xml_fail(r->fail, e, "%s is \"%.40s\", not %s", title(d), text.n ? text.p : "",
		wanted[d->kind]);
}

/* One value that is text in the document: of an attribute or an element. */
static int put_scalar(struct read *r, struct tree *parent, const struct body_shape_field *d,
	const struct xml_element *e, struct str text)
{
	const char *key = d->list ? "" : d->key;
	struct str s = str_trim(text);
	int64_t integer = 0;
	double number = 0;
	bool boolean = false;

	if (s.n == 0 && !d->required)
		return 0; /* nothing is said */
	switch (d->kind) {
	case SHAPE_INTEGER:
	case SHAPE_SIGNED:
		if (!parse_signed(s, &integer) || (d->kind == SHAPE_INTEGER && integer < 0))
			return wrong(r, e, d, s);
		tree_integer(r->arena, parent, key, integer);
		break;
	case SHAPE_NUMBER:
		if (!parse_number(s, &number))
			return wrong(r, e, d, s);
		tree_number(r->arena, parent, key, number);
		break;
	case SHAPE_BOOLEAN:
		if (!parse_boolean(s, &boolean))
			return wrong(r, e, d, s);
		tree_boolean(r->arena, parent, key, boolean);
		break;
	default:
		tree_text(r->arena, parent, key, s);
	}
	return 0;
}

/* ---- elements ---- */

static bool is_element(const struct xml_element *e, const char *name, const char *ns)
{
	return str_eq(e->name, str_of(name)) && str_eq(e->ns, str_of(ns));
}

static bool is_field(const struct xml_element *e, const struct body_shape *shape)
{
	for (const struct body_shape_field *d = shape->fields; d->key; d++)
		if (d->element && is_element(e, d->element, d->ns ? d->ns : shape->ns))
			return true;
	return false;
}

static void put_words(struct read *r, struct tree *parent, const struct body_shape_field *d,
	const struct xml_element *e, const struct body_shape *shape)
{
	struct tree *list = tree_list(r->arena, parent, d->key);

	for (const struct xml_element *c = e->first; c; c = c->next) {
		if (shape->ns && is_field(c, shape))
			continue;
		tree_text(r->arena, list, "",
			str_eq(c->name, STR("other")) && c->text.n ? c->text : c->name);
	}
	if (!list->first && e->text.n)
		tree_text(r->arena, list, "", e->text);
}

static int put_object(struct read *r, struct tree *o, const struct body_shape *shape,
	const struct xml_element *e);

static int put_element(struct read *r, struct tree *parent, const struct body_shape_field *d,
	const struct xml_element *e)
{
	const struct xml_attribute *x = d->attribute ? xml_get(e, d->attribute) : NULL;

	if (d->kind == SHAPE_OBJECT)
		return put_object(
			r, tree_object(r->arena, parent, d->list ? "" : d->key), d->shape, e);
	if (d->attribute)
		return x ? put_scalar(r, parent, d, e, x->value) : 0;
	return put_scalar(r, parent, d, e, e->text);
}

/* The next child of this name, from e on. */
static const struct xml_element *next_of(
	const struct xml_element *e, const char *name, const char *ns)
{
	while (e && !is_element(e, name, ns))
		e = e->next;
	return e;
}

/* All that d is about within e; how many there were. */
static int put_elements(struct read *r, struct tree *parent, const struct body_shape_field *d,
	const struct xml_element *e, const char *ns)
{
	const char *name = d->child ? d->child : d->element;
	int error = 0;

	if (d->child)
		e = next_of(e->first, d->element, ns);
	for (e = e ? next_of(e->first, name, ns) : NULL; e && error == 0;
		e = next_of(e->next, name, ns)) {
		error = put_element(r, parent, d, e);
		if (!d->list)
			break;
	}
	return error;
}

static int put_field(struct read *r, struct tree *o, const struct body_shape_field *d,
	const struct body_shape *shape, const struct xml_element *e)
{
	struct tree scratch = { .kind = TREE_LIST }, *list = NULL;
	int error = 0;

	if (!d->list && tree_get(o, d->key))
		return 0; /* it goes by two names, and the other one was there */
	if (d->kind == SHAPE_WORDS) {
		put_words(r, o, d, e, shape);
		return 0;
	}
	if (!d->element)
		error = put_element(r, o, d, e);
	else if (!d->list)
		error = put_elements(r, o, d, e, d->ns ? d->ns : shape->ns);
	else
		error = put_elements(r, &scratch, d, e, d->ns ? d->ns : shape->ns);
	if (error == 0 && d->list && (scratch.first || d->required)) {
		list = tree_list(r->arena, o, d->key);
		list->first = scratch.first;
		list->last = scratch.last;
	}
	if (error == 0 && d->required && !d->list && !tree_get(o, d->key))
		return xml_fail(r->fail, e, STR_FMT " without %s", STR_ARG(e->name), title(d));
	return error;
}

/* What nobody asked for is kept where it is simple: a name and a text. */
static void put_others(
	struct read *r, struct tree *o, const struct body_shape *shape, const struct xml_element *e)
{
	struct tree *list = NULL;

	for (const struct xml_element *c = e->first; c; c = c->next) {
		struct tree *other;

		if (c->first || is_field(c, shape))
			continue;
		if (!list)
			list = tree_list(r->arena, o, "other");
		other = tree_object(r->arena, list, "");
		tree_text(r->arena, other, "name", c->name);
		if (c->ns.n && !str_eq(c->ns, str_of(shape->ns))) {
			struct str ns = c->ns;

			/* never too many: the document has no more */
			if (xml_namespaces_keep(&r->namespaces, r->arena, &ns))
				tree_borrow(r->arena, other, "namespace", ns);
		}
		tree_text(r->arena, other, "text", c->text);
	}
}

static int put_object(
	struct read *r, struct tree *o, const struct body_shape *shape, const struct xml_element *e)
{
	for (const struct body_shape_field *d = shape->fields; d->key; d++) {
		int error = put_field(r, o, d, shape, e);

		if (error)
			return error;
	}
	if (shape->open)
		put_others(r, o, shape, e);
	return 0;
}

/* ---- the whole ---- */

int body_shape_read(const struct body_shape *shape, struct str document, struct arena *arena,
	struct tree **out, struct fail *f)
{
	struct arena elements = { 0 };
	struct read r = { .arena = arena, .fail = f };
	struct tree *t = tree_new(arena);
	struct xml_element *root = NULL;
	int e = xml_parse(document, &elements, &root, f);

	if (e == 0 && !is_element(root, shape->root, shape->ns))
		e = xml_fail(f, root,
			"the root is " STR_FMT " of the namespace \"%.60s\", not %s of %s",
			STR_ARG(str_sub(root->name, 0, 40)), root->ns.p, shape->root, shape->ns);
	if (e == 0)
		e = put_object(&r, t, shape, root);
	arena_done(&elements);
	if (e == 0)
		*out = t;
	return e;
}
