/* cli/targets.c -- arguments and --each */
#include "targets.h"

#include "base/mem.h"
#include "exit.h"
#include "file.h"
#include "target.h"

#include <string.h>

enum { EACH_MAX = 128 << 20 }; /* bytes of --each */

static void add(struct targets *t, const char *text)
{
	if (t->n == t->size) {
		t->size = t->size ? 2 * t->size : 64;
		t->v = mem_realloc(t->v, t->size * sizeof(*t->v));
	}
	t->v[t->n++] = (struct targets_one){ text, STR_EMPTY };
}

static int each_lines(struct targets *t, const char *each, struct fail *f)
{
	struct str rest = { NULL, 0 }, line;

	buf_add_char(&t->each_text, '\n');
	if (t->each_text.fail)
		return fail_set(f, -FAIL_LOCAL, "--each: %s: it is too long", each);
	rest = buf_str(&t->each_text);
	while (str_cut(rest, '\n', &line, &rest)) {
		line = str_trim(line);
		if (line.n == 0 || line.p[0] == '#')
			continue;
		if (t->n == TARGETS_MAX)
			return fail_set(f, -FAIL_LOCAL, "--each: %s: more than %d targets", each,
				TARGETS_MAX);
		/* the buffer is ours, and something ended the line */
		*(char *)(uintptr_t)(line.p + line.n) = '\0';
		if (strlen(line.p) != line.n)
			return fail_set(f, -FAIL_ARGUMENT, "--each: %s: a NUL byte", each);
		add(t, line.p);
	}
	return 0;
}

int targets_collect(struct targets *t, const struct groups *g, const char *each, struct fail *f)
{
	int e;

	buf_init(&t->each_text, EACH_MAX);
	if (!each && g->args.n == 0)
		return fail_set(f, -FAIL_ARGUMENT, "URI: name somebody, or --each=FILE");
	for (unsigned i = 0; i < g->args.n; i++)
		add(t, g->args.v[i]);
	t->arguments = t->n;
	t->many = each || t->n > 1;
	if (!each)
		return 0;
	if (strcmp(each, "-") == 0 && g->data && strcmp(g->data, "@-") == 0)
		return fail_set(f, -FAIL_ARGUMENT, "--each=- with --data=@-: there is one stdin");
	if ((e = file_read(each, &t->each_text)) != 0)
		return fail_set(f, -FAIL_LOCAL, "--each: %s: %s", each, strerror(-e));
	if ((e = each_lines(t, each, f)) != 0)
		return e;
	if (t->n == 0)
		return fail_set(f, -FAIL_ARGUMENT, "--each: %s names nobody", each);
	return 0;
}

int targets_parse(struct targets *t, struct run *r, struct str method)
{
	struct fail f = { 0 };

	for (unsigned i = 0; i < t->n; i++)
		if (target_request(r, method, t->v[i].text, &t->v[i].uri, &f) != 0)
			return run_usage(
				r, "%s%s", i < t->arguments ? "" : "--each: ", fail_show(&f));
	return EXIT_ok;
}

void targets_done(struct targets *t)
{
	mem_free(t->v);
	buf_done(&t->each_text);
}
