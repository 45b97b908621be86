/* lib/endpoint/template.c -- reading a template into pieces, and the pieces into a message */
#include "endpoint/template.h"

#include "base/arena.h"
#include "base/mem.h"
#include "base/scan.h"
#include "base/text.h"

#include <string.h>

enum { RANDOM_MAX = 1024 };

enum field {
	FIELD_TEXT, /* as it is */
	FIELD_METHOD,
	FIELD_REQUEST_URI,
	FIELD_FROM_TAG,
	FIELD_CALL_ID,
	FIELD_BRANCH,
	FIELD_LOCAL,
	FIELD_TRANSPORT,
	FIELD_SEQ,
};

struct piece {
	enum field field;
	struct str text;
};

struct template
{
	struct arena arena;
	struct piece *pieces;
	size_t count, room;
};

struct reader {
	struct template *t;
	const struct template_config *config;
	unsigned line;
	struct fail *f;
};

bool template_is_name(struct str name)
{
	if (name.n == 0 || !scan_is(name.p[0], CH_ALPHA))
		return false;
	for (size_t i = 1; i < name.n; i++)
		if (!scan_is(name.p[i], CH_ALPHA | CH_DIGIT) && name.p[i] != '_')
			return false;
	return true;
}

static void add(struct template *t, enum field field, struct str text)
{
	if (t->count == t->room) {
		struct piece *more;

		t->room = t->room ? 2 * t->room : 32;
		more = arena_alloc(&t->arena, t->room * sizeof(*more));
		if (t->count)
			memcpy(more, t->pieces, t->count * sizeof(*more));
		t->pieces = more;
	}
	t->pieces[t->count++] = (struct piece){ field, arena_str(&t->arena, text) };
}

/* What a field's name is shortened to in a failure. */
static struct str shown(struct str name)
{
	return str_sub(name, 0, 40);
}

static int bad(const struct reader *r, const char *what, struct str name)
{
	struct str s = shown(name);
	char clean[41];
	size_t n = 0;

	for (; n < s.n; n++)
		clean[n] = scan_is(s.p[n], CH_VISIBLE) || s.p[n] == ' ' ? s.p[n] : '?';
	clean[n] = '\0';
	return fail_set(r->f, -FAIL_ARGUMENT, "%.100s:%u: {{%s}}: %s", r->config->file, r->line,
		clean, what);
}

/* {{env:NAME}} */
static int environment(struct reader *r, struct str field, struct str name)
{
	const char *const *list = r->config->environment;
	struct str value = STR_EMPTY;

	for (; list && *list; list++) {
		struct str entry = str_of(*list);

		if (entry.n > name.n && entry.p[name.n] == '=' && str_starts(entry, name)) {
			value = str_sub(entry, name.n + 1, entry.n);
			break;
		}
	}
	if (name.n == 0 || !list || !*list)
		return bad(r, "there is no such variable in the environment", field);
	if (str_find(value, '\n') < value.n || str_find(value, '\r') < value.n)
		return bad(r, "its value has line breaks", field);
	add(r->t, FIELD_TEXT, value);
	return 0;
}

/* {{rand:N}} */
static int random_text(struct reader *r, struct str field, struct str number)
{
	char text[RANDOM_MAX + 1];
	uint32_t n;

	if (!str_u32(number, &n) || n == 0 || n > RANDOM_MAX)
		return bad(r, "N is a number from 1 to 1024", field);
	text_token(text, n);
	add(r->t, FIELD_TEXT, (struct str){ text, n });
	return 0;
}

static const struct template_set *find_set(const struct reader *r, struct str name)
{
	/* the last of a name counts, as with other options */
	for (unsigned i = r->config->set_count; i > 0; i--)
		if (str_eq(r->config->sets[i - 1].name, name))
			return &r->config->sets[i - 1];
	return NULL;
}

static int field(struct reader *r, struct str name)
{
	static const struct {
		const char *name;
		enum field field;
	} table[] = {
		{ "method", FIELD_METHOD },
		{ "request_uri", FIELD_REQUEST_URI },
		{ "from_tag", FIELD_FROM_TAG },
		{ "call_id", FIELD_CALL_ID },
		{ "branch", FIELD_BRANCH },
		{ "local", FIELD_LOCAL },
		{ "transport", FIELD_TRANSPORT },
		{ "seq", FIELD_SEQ },
	};
	const struct template_set *set = find_set(r, name);
	struct str kind, rest;
	char uuid[TEXT_UUID_LEN + 1];

	if (set) {
		add(r->t, FIELD_TEXT, set->value);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(table) && !r->config->no_message; i++) {
		if (!str_eq(name, str_of(table[i].name)))
			continue;
		add(r->t, table[i].field, STR_EMPTY);
		return 0;
	}
	if (str_eq(name, STR("uuid"))) {
		text_uuid(uuid);
		add(r->t, FIELD_TEXT, str_of(uuid));
		return 0;
	}
	if (str_cut(name, ':', &kind, &rest) && str_eq(kind, STR("rand")))
		return random_text(r, name, rest);
	if (str_cut(name, ':', &kind, &rest) && str_eq(kind, STR("env")))
		return environment(r, name, rest);
	return bad(r, "there is no such field; --set=NAME=VALUE makes one", name);
}

static void count_lines(struct reader *r, struct str text)
{
	for (size_t i = 0; i < text.n; i++)
		r->line += text.p[i] == '\n';
}

/* Where "{{" or "}}" stands, or text.n. */
static size_t find_pair(struct str text, char c)
{
	for (size_t i = 0; i + 1 < text.n; i++)
		if (text.p[i] == c && text.p[i + 1] == c)
			return i;
	return text.n;
}

static int read_pieces(struct reader *r, struct str text)
{
	while (text.n > 0) {
		size_t open = find_pair(text, '{'), end;
		struct str before = str_sub(text, 0, open), rest, name;
		int e;

		if (before.n)
			add(r->t, FIELD_TEXT, before);
		count_lines(r, before);
		if (open == text.n)
			break;
		rest = str_sub(text, open + 2, text.n);
		end = find_pair(rest, '}');
		name = str_sub(rest, 0, end);
		if (end == rest.n || str_find(name, '\n') < name.n)
			return bad(r, "it is not closed on its line",
				str_trim(str_sub(name, 0, str_find(name, '\n'))));
		e = field(r, str_trim(name));
		if (e != 0)
			return e;
		text = str_sub(rest, end + 2, rest.n);
	}
	return 0;
}

int template_new(const struct template_config *config, struct template **out, struct fail *f)
{
	struct template *t = MEM_NEW(struct template);
	struct reader r = { .t = t, .config = config, .line = 1, .f = f };
	int e = read_pieces(&r, config->text);

	if (e != 0)
		template_free(t);
	else
		*out = t;
	return e;
}

void template_free(struct template *t)
{
	if (!t)
		return;
	arena_done(&t->arena);
	mem_free(t);
}

void template_expand(const struct template *t, const struct template_facts *facts, struct buf *b)
{
	for (size_t i = 0; i < t->count; i++) {
		const struct piece *p = &t->pieces[i];
		const struct str texts[] = {
			[FIELD_TEXT] = p->text,
			[FIELD_METHOD] = facts->method,
			[FIELD_REQUEST_URI] = facts->request_uri,
			[FIELD_FROM_TAG] = facts->from_tag,
			[FIELD_CALL_ID] = facts->call_id,
			[FIELD_BRANCH] = facts->branch,
			[FIELD_LOCAL] = facts->local,
			[FIELD_TRANSPORT] = facts->transport,
		};

		if (p->field == FIELD_SEQ)
			buf_add_u32(b, facts->seq);
		else
			buf_add_str(b, texts[p->field]);
	}
}
