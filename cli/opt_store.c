#include "exit.h"
#include "opt_table.h"
#include "value.h"

#include "base/scan.h"

#include <stdio.h>
#include <string.h>

/* The place of a value, to begin an error with. */
static const char *label(
	struct groups *g, const char *name, const char *where, enum opt_layer layer)
{
	if (layer == OPT_LINE)
		return arena_fmt(&g->arena, "--%s", name).p;
	if (layer == OPT_ENVIRONMENT)
		return where;
	return arena_fmt(&g->arena, "%s: %s", where, name).p;
}

const struct opt_origin *opt_origin(const struct groups *g, const char *name)
{
	for (unsigned i = 0; i < g->origin_count; i++)
		if (strcmp(g->origins[i].name, name) == 0)
			return &g->origins[i];
	return NULL;
}

bool opt_on_line(const struct groups *g, const char *name)
{
	const struct opt_origin *o = opt_origin(g, name);

	return o && o->layer >= OPT_LINE;
}

static void forget(struct groups *g, const char *name)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < g->origin_count; i++)
		if (strcmp(g->origins[i].name, name) != 0)
			g->origins[kept++] = g->origins[i];
	g->origin_count = kept;
}

/* What -v may show of a sensitive value: the kind of its source, where it lies, but no secret. A
 * copy: the value itself is wiped, and rte config shows it after that. */
static const char *shown(struct groups *g, const struct opt_row *row, const char *text)
{
	static const char *const open[] = { "env:", "file:", "fd:", "stdin", "prompt" };
	static const char *const secret[] = { "pass:", "cmd:" };

	if (!text)
		return row->negates ? "no" : "";
	if (!row->sensitive)
		return text;
	for (size_t i = 0; i < ARRAY_LEN(open); i++)
		if (str_starts(str_of(text), str_of(open[i])))
			return arena_str(&g->arena, str_of(text)).p;
	for (size_t i = 0; i < ARRAY_LEN(secret); i++)
		if (str_starts(str_of(text), str_of(secret[i])))
			return arena_fmt(&g->arena, "%s<masked>", secret[i]).p;
	return "<masked>";
}

/* Room in an array of the arena that doubles when it is full: n elements are in use. */
static void *grow(struct arena *a, void *old, unsigned n, size_t size)
{
	if (n & (n - 1) || (n > 0 && n < 8))
		return old;
	if (n == 0)
		return arena_alloc(a, 8 * size);
	return memcpy(arena_alloc(a, 2 * n * size), old, n * size);
}

void opt_note_origin(struct groups *g, const struct opt_origin *o)
{
	g->origins = grow(&g->arena, g->origins, g->origin_count, sizeof(*g->origins));
	g->origins[g->origin_count++] = *o;
}

static void note(struct groups *g, const char *name, const char *text, const struct opt_value *v)
{
	opt_note_origin(g, &(struct opt_origin){
				   .name = name,
				   .value = text,
				   .where = v->where,
				   .layer = v->layer,
			   });
}

static void append(struct groups *g, struct values *list, const char *text)
{
	/* one more than in use: the list ends in NULL */
	list->v = grow(&g->arena, list->v, list->n ? list->n + 1 : 0, sizeof(*list->v));
	list->v[list->n++] = text;
	list->v[list->n] = NULL;
}

/* yes, no, or how often: what a file or the environment may say of a flag. */
static bool flag_value(const char *text, int *out)
{
	static const char *const words[] = { "no", "false", "off", "yes", "true", "on" };
	uint32_t n;

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (str_ieq(str_of(text), str_of(words[i]))) {
			*out = i >= 3;
			return true;
		}
	}
	if (!str_u32(str_of(text), &n) || n > 9)
		return false;
	*out = (int)n;
	return true;
}

static int store_flag(struct groups *g, const struct opt_row *row, const struct opt_value *v,
	bool again, int *out)
{
	const char *name = row->opt.longName + (row->negates ? 3 : 0);

	if (row->negates)
		*out = 0;
	else if (!v->text)
		*out = again ? *out + 1 : 1;
	else if (!flag_value(v->text, out))
		return -FAIL_ARGUMENT;
	if (again)
		forget(g, name);
	note(g, name, shown(g, row, v->text), v);
	return 0;
}

static void store_text(
	struct groups *g, const struct opt_row *row, const struct opt_value *v, bool again)
{
	const char *text = arena_str(&g->arena, str_of(v->text)).p;

	if (row->opt.val == OPT_LIST) {
		struct values *list = row->opt.arg;
		if (!again)
			*list = (struct values){ 0 };
		append(g, list, text);
	} else {
		*(const char **)row->opt.arg = text;
		forget(g, row->opt.longName);
	}
	note(g, row->opt.longName, shown(g, row, text), v);
}

int opt_store(
	struct groups *g, const struct opt_row *row, const struct opt_value *v, struct fail *f)
{
	const char *name = row->opt.longName + (row->negates ? 3 : 0);
	const struct opt_origin *old = opt_origin(g, name);
	bool flag = (row->opt.argInfo & POPT_ARG_MASK) == POPT_ARG_NONE;
	bool again = old && old->layer == v->layer;
	const char *why = NULL;

	if (old && old->layer > v->layer)
		return 0;
	if (!flag && !v->text)
		why = "needs a value";
	else if (v->text && v->text[0] == '\0')
		why = "the value is empty";
	else if (v->text && strpbrk(v->text, "\r\n"))
		why = "the value holds a line break";
	if (why)
		return fail_set(f, -FAIL_ARGUMENT, "%s: %s",
			label(g, row->opt.longName, v->where, v->layer), why);
	if (old && !again)
		forget(g, name);
	if (!flag)
		store_text(g, row, v, again);
	else if (store_flag(g, row, v, again, row->opt.arg) != 0)
		return fail_set(f, -FAIL_ARGUMENT, "%s: neither yes nor no",
			label(g, name, v->where, v->layer));
	return 0;
}

/* "--name" and what follows it. */
static bool option_prefix(const char *text, struct str *name, const char **rest)
{
	struct scan s = scan_str(str_of(text));

	if (!scan_lit(&s, "--") || !scan_run(&s, CH_TOKEN, name))
		return false;
	*rest = s.p;
	return true;
}

const char *opt_bad_text(const struct groups *g, const struct fail *f, char out[OPT_BAD_TEXT])
{
	const char *text = fail_show(f), *rest;
	struct str name;

	snprintf(out, OPT_BAD_TEXT, "%s", text);
	for (unsigned i = 0; option_prefix(text, &name, &rest) && i < g->origin_count; i++) {
		const struct opt_origin *o = &g->origins[i];
		bool variable = o->layer == OPT_ENVIRONMENT;

		if (str_eq(name, str_of(o->name)) && o->layer != OPT_LINE)
			snprintf(out, OPT_BAD_TEXT, "%s%s%s%s", o->where, variable ? "" : ": ",
				variable ? "" : o->name, rest);
	}
	return out;
}

int opt_bad(const struct groups *g, const struct fail *f)
{
	char text[OPT_BAD_TEXT];

	return opt_usage(g, "%s", opt_bad_text(g, f, text));
}

int opt_failed(const struct groups *g, int e, const struct fail *f)
{
	return e == -FAIL_ARGUMENT ? opt_bad(g, f)
				   : opt_refuse(g, exit_of_fail(e), "%s", fail_show(f));
}
