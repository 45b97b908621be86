/* tests/fuzz/fuzz_body.c -- bodies of event packages: the first line of the input is a
 * Content-Type; what follows is one or more bodies, each behind a line "==", that are decoded and
 * merged in turn
 */
#include "sip/body.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile unsigned sum;

static void check(bool ok)
{
	if (!ok)
		abort();
}

static unsigned touch(const struct tree *t, unsigned depth)
{
	unsigned n = 1;

	check(depth < 200);
	for (size_t i = 0; i < t->text.n; i++)
		sum += (unsigned char)t->text.p[i];
	for (size_t i = 0; i < t->name.n; i++)
		sum += (unsigned char)t->name.p[i];
	check(t->kind == TREE_OBJECT || t->kind == TREE_LIST || !t->first);
	for (const struct tree *c = t->first; c; c = c->next) {
		/* Names stand in objects, and there once. */
		check((t->kind == TREE_OBJECT) == (c->name.n > 0));
		for (const struct tree *o = t->kind == TREE_OBJECT ? c->next : NULL; o; o = o->next)
			check(!str_eq(o->name, c->name));
		check(c->next || t->last == c);
		n += touch(c, depth + 1);
	}
	return n;
}

/* "line L column C" */
static bool has_place(const char *text)
{
	const char *column = strstr(text, " column ");

	return strncmp(text, "line ", 5) == 0 && text[5] >= '1' && text[5] <= '9' && column &&
	       column[8] >= '1' && column[8] <= '9';
}

static void one(struct body_state *state, struct str type, struct str body)
{
	struct tree untouched, *t = &untouched;
	const struct tree *whole = NULL;
	struct arena arena = { 0 };
	struct fail f = { 0 };
	int e = body_decode(type, body, &arena, &t, &f);
	enum body_news news;

	if (e != 0) {
		check((e == -FAIL_SYNTAX || e == -FAIL_LIMIT) && f.code == e && t == &untouched);
		check(has_place(f.text));
	} else if (t) {
		touch(t, 0);
		news = body_state_add(state, type, t, &whole);
		check(news != BODY_MERGED || whole);
	}
	arena_done(&arena);
	if (e == 0 && whole)
		touch(whole, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str input = { (const char *)data, size }, type = input, rest = STR_EMPTY;
	struct body_state *state = body_state_new();

	str_cut(input, '\n', &type, &rest);
	while (rest.n > 0) {
		const char *end = memmem(rest.p, rest.n, "\n==\n", 4);
		size_t n = end ? (size_t)(end - rest.p) : rest.n;

		one(state, type, str_sub(rest, 0, n));
		rest = str_sub(rest, end ? n + 4 : n, rest.n);
	}
	body_state_free(state);
	return 0;
}
