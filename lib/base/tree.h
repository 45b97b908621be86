/* lib/base/tree.h -- a document as a tree of named values, in an arena: what a decoder makes and an
 * output writes, neither knowing the other. Numbers, truth values, text, objects and lists, as in
 * JSON. */
#ifndef BASE_TREE_H
#define BASE_TREE_H

#include "base/arena.h"

enum tree_kind { TREE_OBJECT, TREE_LIST, TREE_TEXT, TREE_INTEGER, TREE_NUMBER, TREE_BOOLEAN };

struct tree {
	struct tree *next; /* the next one of the same parent */
	struct str name; /* in an object; empty in a list and at the top */
	enum tree_kind kind;
	struct tree *first, *last; /* of an object or a list */
	struct str text;
	int64_t integer;
	double number;
	bool boolean;
};

/* An object at the top. */
struct tree *tree_new(struct arena *a);
/* Each puts a new value at the end of parent: with a name into an object, with "" into a list. The
 * name is borrowed (a literal, or of the arena), text is copied (but by tree_borrow). Gives the new
 * value. */
struct tree *tree_object(struct arena *a, struct tree *parent, const char *name);
struct tree *tree_list(struct arena *a, struct tree *parent, const char *name);
struct tree *tree_text(struct arena *a, struct tree *parent, const char *name, struct str text);
struct tree *tree_borrow(struct arena *a, struct tree *parent, const char *name, struct str text);
struct tree *tree_integer(struct arena *a, struct tree *parent, const char *name, int64_t value);
struct tree *tree_number(struct arena *a, struct tree *parent, const char *name, double value);
struct tree *tree_boolean(struct arena *a, struct tree *parent, const char *name, bool value);
/* The value of this name in an object, or NULL. */
struct tree *tree_get(const struct tree *parent, const char *name);
/* Its text; empty when there is none of this name, or it is no text. */
struct str tree_get_text(const struct tree *parent, const char *name);
/* A copy of a whole tree, names and all, into an arena. */
struct tree *tree_copy(struct arena *a, const struct tree *t);
/* Puts a tree that has no parent, under the name it has, at the end of parent. */
void tree_add(struct tree *parent, struct tree *t);

#endif
