/* lib/base/tree.c -- documents as trees */
#include "base/tree.h"

void tree_add(struct tree *parent, struct tree *t)
{
	if (parent->last)
		parent->last->next = t;
	else
		parent->first = t;
	parent->last = t;
}

static struct tree *add(struct arena *a, struct tree *parent, struct str name, enum tree_kind kind)
{
	struct tree *t = ARENA_NEW(a, struct tree);

	t->kind = kind;
	t->name = name;
	if (parent)
		tree_add(parent, t);
	return t;
}

struct tree *tree_new(struct arena *a)
{
	return add(a, NULL, STR_EMPTY, TREE_OBJECT);
}

struct tree *tree_object(struct arena *a, struct tree *parent, const char *name)
{
	return add(a, parent, str_of(name), TREE_OBJECT);
}

struct tree *tree_list(struct arena *a, struct tree *parent, const char *name)
{
	return add(a, parent, str_of(name), TREE_LIST);
}

struct tree *tree_text(struct arena *a, struct tree *parent, const char *name, struct str text)
{
	return tree_borrow(a, parent, name, arena_str(a, text));
}

struct tree *tree_borrow(struct arena *a, struct tree *parent, const char *name, struct str text)
{
	struct tree *t = add(a, parent, str_of(name), TREE_TEXT);

	t->text = text;
	return t;
}

struct tree *tree_integer(struct arena *a, struct tree *parent, const char *name, int64_t value)
{
	struct tree *t = add(a, parent, str_of(name), TREE_INTEGER);

	t->integer = value;
	return t;
}

struct tree *tree_number(struct arena *a, struct tree *parent, const char *name, double value)
{
	struct tree *t = add(a, parent, str_of(name), TREE_NUMBER);

	t->number = value;
	return t;
}

struct tree *tree_boolean(struct arena *a, struct tree *parent, const char *name, bool value)
{
	struct tree *t = add(a, parent, str_of(name), TREE_BOOLEAN);

	t->boolean = value;
	return t;
}

struct tree *tree_get(const struct tree *parent, const char *name)
{
	for (struct tree *t = parent ? parent->first : NULL; t; t = t->next)
		if (str_eq(t->name, str_of(name)))
			return t;
	return NULL;
}

struct str tree_get_text(const struct tree *parent, const char *name)
{
	const struct tree *t = tree_get(parent, name);

	return t && t->kind == TREE_TEXT ? t->text : STR_EMPTY;
}

static struct tree *copy_into(struct arena *a, struct tree *parent, const struct tree *t)
{
	struct tree *c = add(a, parent, t->name.n ? arena_str(a, t->name) : STR_EMPTY, t->kind);

	c->text = t->text.n ? arena_str(a, t->text) : STR_EMPTY;
	c->integer = t->integer;
	c->number = t->number;
	c->boolean = t->boolean;
	for (const struct tree *child = t->first; child; child = child->next)
		copy_into(a, c, child);
	return c;
}

struct tree *tree_copy(struct arena *a, const struct tree *t)
{
	return copy_into(a, NULL, t);
}
