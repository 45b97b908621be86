#include "scenario.h"

#include "file.h"
#include "scenario_impl.h"

#include <stdio.h>
#include <string.h>

enum { FILE_MAX = 1 << 20, PARTIES_MAX = 64, STEPS_MAX = 10000, SETTINGS_MAX = 256 };

int scenario_bad(
	const struct scenario_reader *r, struct fail *f, const char *what, const char *about)
{
	char shown[VALUE_SHOWN];

	return fail_set(f, -FAIL_ARGUMENT, "%s:%u: %s%s%s", r->out->file, r->line, what,
		about ? " " : "", about ? value_show(about, shown) : "");
}

bool scenario_is_name(const char *text)
{
	size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");

	return n > 0 && text[n] == '\0' && n < 64 && text[0] != '-';
}

int scenario_party_index(const struct scenario *s, const char *name)
{
	for (unsigned i = 0; i < s->party_count; i++)
		if (strcmp(s->parties[i].name, name) == 0)
			return (int)i;
	return -1;
}

/* ---- sections ---- */

static int begin_party(struct scenario_reader *r, const char *name, struct fail *f)
{
	struct scenario *s = r->out;

	if (!scenario_is_name(name))
		return scenario_bad(
			r, f, "no name of an endpoint (letters, digits, - and _):", name);
	if (strcmp(name, "wait") == 0 || strcmp(name, "expect") == 0)
		return scenario_bad(r, f, "no endpoint can have the name of a step:", name);
	if (scenario_party_index(s, name) >= 0)
		return scenario_bad(r, f, "a second endpoint", name);
	if (s->party_count == PARTIES_MAX)
		return scenario_bad(r, f, "too many endpoints", NULL);
	s->parties[s->party_count++] = (struct scenario_party){
		.name = name,
		.line = r->line,
		.settings = { arena_alloc(r->arena, SETTINGS_MAX * sizeof(struct scenario_setting)),
			0 },
	};
	r->settings = &s->parties[s->party_count - 1].settings;
	return 0;
}

static int section(struct scenario_reader *r, struct str line, struct fail *f)
{
	static const char endpoint[] = "endpoint ";
	struct str name, rest;

	if (!str_cut(str_sub(line, 1, line.n), ']', &name, &rest) || str_trim(rest).n)
		return scenario_bad(r, f, "no section:", arena_str(r->arena, line).p);
	name = str_trim(name);
	r->settings = NULL;
	if (str_eq(name, STR("steps")))
		return 0;
	if (!str_starts(name, STR(endpoint)))
		return scenario_bad(
			r, f, "neither [endpoint NAME] nor [steps]:", arena_str(r->arena, line).p);
	name = str_trim(str_sub(name, strlen(endpoint), name.n));
	return begin_party(r, arena_str(r->arena, name).p, f);
}

static int setting(struct scenario_reader *r, struct str line, struct fail *f)
{
	struct str key = line, value = STR_EMPTY;
	bool assigned = str_cut(line, '=', &key, &value);

	if (r->settings->n == SETTINGS_MAX)
		return scenario_bad(r, f, "too many settings", NULL);
	key = str_trim(key);
	/* what stands behind a blank may be a password, and is not shown */
	if (!assigned && (memchr(key.p, ' ', key.n) || memchr(key.p, '\t', key.n)))
		return scenario_bad(r, f, "neither KEY = VALUE nor a flag", NULL);
	r->settings->v[r->settings->n++] = (struct scenario_setting){
		.key = arena_str(r->arena, key).p,
		.value = assigned ? arena_str(r->arena, str_trim(value)).p : NULL,
		.where = arena_fmt(r->arena, "%s:%u", r->out->file, r->line).p,
	};
	return 0;
}

/* Steps are read when all endpoints are known. */
static int keep_step(struct scenario_reader *r, struct str line, struct fail *f)
{
	struct scenario *s = r->out;

	if (s->step_count == STEPS_MAX)
		return scenario_bad(r, f, "too many steps", NULL);
	if ((s->step_count & (s->step_count - 1)) == 0) {
		struct scenario_step *old = s->steps;
		unsigned size = s->step_count ? 2 * s->step_count : 1;

		s->steps = arena_alloc(r->arena, size * sizeof(*s->steps));
		if (old)
			memcpy(s->steps, old, s->step_count * sizeof(*s->steps));
	}
	s->steps[s->step_count++] = (struct scenario_step){
		.line = r->line,
		.text = arena_str(r->arena, line).p,
		.party = -1,
	};
	return 0;
}

static int read_line(struct scenario_reader *r, struct str line, struct fail *f)
{
	if (line.n == 0 || line.p[0] == '#')
		return 0;
	if (memchr(line.p, '\0', line.n))
		return scenario_bad(r, f, "a NUL byte", NULL);
	if (line.p[0] == '[')
		return section(r, line, f);
	return r->settings ? setting(r, line, f) : keep_step(r, line, f);
}

/* ---- the whole ---- */

static int read_lines(struct scenario_reader *r, struct str text, struct fail *f)
{
	int e = 0;

	while (text.n && e == 0) {
		struct str line = text;

		r->line++;
		if (!str_cut(text, '\n', &line, &text))
			text = STR_EMPTY;
		e = read_line(r, str_trim(line), f);
	}
	return e;
}

static int read_steps(struct scenario_reader *r, struct fail *f)
{
	struct scenario *s = r->out;
	int e = 0;

	for (unsigned i = 0; i < s->step_count && e == 0; i++) {
		r->line = s->steps[i].line;
		e = scenario_step_read(r, &s->steps[i], f);
	}
	return e;
}

int scenario_parse(
	const char *name, struct str text, struct arena *a, struct scenario *out, struct fail *f)
{
	struct scenario_reader r = { .out = out, .arena = a };
	int e;

	*out = (struct scenario){
		.file = name,
		.top = { arena_alloc(a, SETTINGS_MAX * sizeof(struct scenario_setting)), 0 },
		.parties = arena_alloc(a, PARTIES_MAX * sizeof(struct scenario_party)),
	};
	r.settings = &out->top;
	if ((e = read_lines(&r, text, f)) != 0 || (e = read_steps(&r, f)) != 0)
		return e;
	if (out->party_count == 0)
		return fail_set(f, -FAIL_ARGUMENT, "%s: there is no [endpoint NAME]", out->file);
	if (out->step_count == 0)
		return fail_set(f, -FAIL_ARGUMENT, "%s: there are no [steps]", out->file);
	return 0;
}

/* With values in place of its fields. */
static int fill_in(const struct scenario_source *source, const char *name, struct str text,
	struct buf *out, struct fail *f)
{
	const struct template_config config = {
		.text = text,
		.file = name,
		.sets = source->sets,
		.set_count = source->set_count,
		.environment = source->environment,
		.no_message = true,
	};
	struct template *t = NULL;
	int e = template_new(&config, &t, f);

	if (e == 0)
		template_expand(t, &(struct template_facts){ .seq = 0 }, out);
	template_free(t);
	if (e == 0 && out->fail)
		return fail_set(f, -FAIL_ARGUMENT, "%s: too large with its fields filled in", name);
	return e;
}

int scenario_read(
	const struct scenario_source *source, struct arena *a, struct scenario *out, struct fail *f)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(FILE_MAX), filled = BUF_INIT(FILE_MAX);
	const char *name = strcmp(source->path, "-") == 0 ? "stdin" : source->path;
	int e = file_read(source->path, &text);

	if (e)
		return fail_set(f, -FAIL_LOCAL, "%s: %s", source->path, strerror(-e));
	e = fill_in(source, name, buf_str(&text), &filled, f);
	return e ? e : scenario_parse(name, buf_str(&filled), a, out, f);
}
