/* tests/unit/body_rig.h -- bodies and the JSON that they become, for the tests of bodies */
#ifndef BODY_RIG_H
#define BODY_RIG_H

#include "../../cli/out_tree.h"
#include "base/buf.h"
#include "sip/body.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#define PIDF "application/pidf+xml"
#define DIALOG "application/dialog-info+xml"
#define REGINFO "application/reginfo+xml"
#define CONFERENCE "application/conference-info+xml"
#define WATCHERS "application/watcherinfo+xml"
#define RLMI "application/rlmi+xml"
#define COMPOSING "application/im-iscomposing+xml"
#define MWI "application/simple-message-summary"
#define SIPFRAG "message/sipfrag"

/* Its JSON, keys sorted, with ' for every ". */
static char *tree_dump(const struct tree *t)
{
	json_t *j = out_json_tree(t);
	char *text = json_dumps(
		j, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(15));

	for (char *c = text; *c; c++)
		if (*c == '"')
			*c = '\'';
	json_decref(j);
	return text;
}

static void tree_is(const struct tree *t, const char *wanted)
{
	char *text;

	assert_non_null(t);
	text = tree_dump(t);
	if (strcmp(text, wanted) != 0)
		fail_msg("\n%s\nnot\n%s", text, wanted);
	free(text);
}

/* Decodes a copy that ends where readable memory ends, as far as a sanitizer can tell. */
static int decode_copy(
	const char *type, struct str body, struct arena *arena, struct tree **t, struct fail *f)
{
	char *copy = malloc(body.n ? body.n : 1);
	int e;

	assert_non_null(copy);
	if (body.n)
		memcpy(copy, body.p, body.n);
	e = body_decode(str_of(type), (struct str){ copy, body.n }, arena, t, f);
	memset(copy, '#', body.n); /* nothing of the tree may point there */
	free(copy);
	return e;
}

#endif
