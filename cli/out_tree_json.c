/* cli/out_tree_json.c -- a decoded body as JSON */
#include "base/buf.h"
#include "base/utf8.h"
#include "mask.h"
#include "out_tree.h"

#include <stdio.h>

enum { TEXT_MAX = 64 << 20 };

static json_t *text(struct str s)
{
	CLEANUP(buf_done) struct buf plain = BUF_INIT(TEXT_MAX), clean = BUF_INIT(TEXT_MAX);

	mask_add(&plain, s);
	utf8_clean(&clean, buf_str(&plain));
	return json_stringn(buf_cstr(&clean), clean.n);
}

static json_t *object(const struct tree *t)
{
	json_t *o = json_object();
	char key[64]; /* names are ours, and shorter */

	for (const struct tree *c = t->first; c; c = c->next) {
		snprintf(key, sizeof(key), STR_FMT, STR_ARG(c->name));
		json_object_set_new(o, key, out_json_tree(c));
	}
	return o;
}

static json_t *list(const struct tree *t)
{
	json_t *a = json_array();

	for (const struct tree *c = t->first; c; c = c->next)
		json_array_append_new(a, out_json_tree(c));
	return a;
}

json_t *out_json_tree(const struct tree *t)
{
	switch (t->kind) {
	case TREE_OBJECT:
		return object(t);
	case TREE_LIST:
		return list(t);
	case TREE_INTEGER:
		return json_integer(t->integer);
	case TREE_NUMBER:
		return json_real(t->number);
	case TREE_BOOLEAN:
		return json_boolean(t->boolean);
	case TREE_TEXT:
		break;
	}
	return text(t->text);
}
