/* lib/sip/body_state.c -- what partial documents make together: RFC 4235 section 4.3, RFC 3680
 * section 5.1, RFC 3858 section 4.4, RFC 4575 section 4.6, RFC 4662 section 5.6 */
#include "sip/body.h"

#include "base/map.h"
#include "base/mem.h"

/* ---- what is merged how ---- */

/* A child of an object that is more than replaced when it comes again. */
struct merge {
	const char *name; /* NULL ends a list of them */
	const char *id[2]; /* of a list: the fields that make the key of a row */
	const char *ended; /* of a list: the field of a row that is "terminated" at its end */
	bool stateful; /* full, partial or deleted by its own field "state" (RFC 4575 4.4) */
	const struct merge *into; /* of an object or a row: its children; NULL: it is replaced */
};

static const struct merge dialog_info[] = {
	{ "dialog", .id = { "id" }, .ended = "state" },
	{ .name = NULL },
};
static const struct merge registration[] = {
	{ "contact", .id = { "id" }, .ended = "state" },
	{ .name = NULL },
};
static const struct merge reginfo[] = {
	{ "registration", .id = { "id" }, .ended = "state", .into = registration },
	{ .name = NULL },
};
static const struct merge watcher_list[] = {
	{ "watcher", .id = { "id" }, .ended = "status" },
	{ .name = NULL },
};
static const struct merge watcherinfo[] = {
	{ "watcher_list", .id = { "resource", "package" }, .into = watcher_list },
	{ .name = NULL },
};
static const struct merge resource[] = {
	{ "instance", .id = { "id" }, .ended = "state" },
	{ .name = NULL },
};
static const struct merge rlmi[] = {
	{ "resource", .id = { "uri" }, .into = resource },
	{ .name = NULL },
};

/* RFC 4575 section 4.5 has the keys. */
static const struct merge endpoint[] = {
	{ "media", .id = { "id" } },
	{ .name = NULL },
};
static const struct merge uris[] = {
	{ "entry", .id = { "uri" } },
	{ .name = NULL },
};
static const struct merge user[] = {
	{ "associated_aors", .stateful = true, .into = uris },
	{ "endpoint", .id = { "entity" }, .stateful = true, .into = endpoint },
	{ .name = NULL },
};
static const struct merge users[] = {
	{ "user", .id = { "entity" }, .stateful = true, .into = user },
	{ .name = NULL },
};
enum { CONFERENCE_PARTS = 4 };
static const struct merge conference_info[CONFERENCE_PARTS];
static const struct merge sidebars[] = {
	{ "entry", .id = { "entity" }, .stateful = true, .into = conference_info },
	{ .name = NULL },
};
static const struct merge conference_info[CONFERENCE_PARTS] = {
	{ "users", .stateful = true, .into = users },
	{ "sidebars_by_ref", .stateful = true, .into = uris },
	{ "sidebars_by_val", .stateful = true, .into = sidebars },
	{ .name = NULL },
};

static const struct package {
	const char *type;
	const struct merge *into;
	bool flag; /* full_state, not state */
	bool repeats; /* a whole document of the known version is taken: only lower ones are passed
			 over; RFC 4575 and 4662 discard equal ones, too */
} packages[] = {
	{ "application/dialog-info+xml", dialog_info, .repeats = true },
	{ "application/reginfo+xml", reginfo, .repeats = true },
	{ "application/watcherinfo+xml", watcherinfo, .repeats = true },
	{ "application/conference-info+xml", .into = conference_info },
	{ "application/rlmi+xml", rlmi, .flag = true },
	{ "multipart/related", rlmi, .flag = true },
};

static const struct merge *find(const struct merge *list, struct str name)
{
	for (; list && list->name; list++)
		if (str_eq(name, str_of(list->name)))
			return list;
	return NULL;
}

/* ---- merging: each makes a copy, in the order of what was known, then what is new ---- */

struct join {
	struct arena *out;
	struct arena *rows; /* of tables for the time of merging */
};

static void join_object(struct join *j, struct tree *out, const struct tree *known,
	const struct tree *doc, const struct merge *into);

static bool is_word(const struct tree *t, const char *field, const char *word)
{
	return str_eq(tree_get_text(t, field), str_of(word));
}

static struct tree *child(const struct tree *parent, struct str name)
{
	struct tree *t = parent ? parent->first : NULL;

	while (t && !str_eq(t->name, name))
		t = t->next;
	return t;
}

static void copy(struct join *j, struct tree *parent, const struct tree *t)
{
	tree_add(parent, tree_copy(j->out, t));
}

/* An object that takes the place of known, under its name. */
static void join_into(struct join *j, struct tree *parent, const struct tree *known,
	const struct tree *doc, const struct merge *into)
{
	struct tree *o = tree_new(j->out);

	o->name = arena_str(j->out, known->name);
	tree_add(parent, o);
	join_object(j, o, known, doc, into);
}

/* RFC 4575 section 4.6: steps 1 to 3 for an element that has a state; without one it is full. */
static void join_stateful(struct join *j, struct tree *parent, const struct tree *known,
	const struct tree *doc, const struct merge *m)
{
	if (is_word(doc, "state", "deleted"))
		return;
	if (known && is_word(doc, "state", "partial"))
		join_into(j, parent, known, doc, m->into);
	else
		copy(j, parent, doc);
}

/* ---- rows ---- */

struct row {
	struct map_node node;
	struct row *next;
	const struct tree *doc;
	bool used;
};

static struct str key_of(struct join *j, const struct tree *t, const struct merge *m)
{
	struct str first = tree_get_text(t, m->id[0]), second;

	if (!m->id[1])
		return first;
	second = tree_get_text(t, m->id[1]);
	return arena_fmt(j->rows, STR_FMT "\n" STR_FMT, STR_ARG(first), STR_ARG(second));
}

/* The rows of a document by their keys; of two with one key the last is taken. */
static struct row *index_rows(
	struct join *j, struct map *map, const struct tree *doc, const struct merge *m)
{
	struct row *first = NULL, **end = &first;

	for (const struct tree *t = doc ? doc->first : NULL; t; t = t->next) {
		struct str key = key_of(j, t, m);
		struct map_node *node = map_get(map, key);
		struct row *row = node ? CONTAINER_OF(node, struct row, node) : NULL;

		if (!row) {
			row = ARENA_NEW(j->rows, struct row);
			map_set(map, &row->node, key);
			*end = row;
			end = &row->next;
		}
		row->doc = t;
	}
	return first;
}

static void join_row(struct join *j, struct tree *list, const struct tree *known,
	const struct tree *doc, const struct merge *m)
{
	if (m->stateful)
		join_stateful(j, list, known, doc, m);
	else if (known && m->into)
		join_into(j, list, known, doc, m->into);
	else
		copy(j, list, doc);
}

static void join_list(struct join *j, struct tree *parent, const struct tree *known,
	const struct tree *doc, const struct merge *m)
{
	struct tree *list = tree_list(j->out, parent, m->name);
	struct map map = { 0 };
	struct row *rows = index_rows(j, &map, doc, m);

	for (const struct tree *k = known ? known->first : NULL; k; k = k->next) {
		struct map_node *node = map_get(&map, key_of(j, k, m));
		struct row *row = node ? CONTAINER_OF(node, struct row, node) : NULL;

		if (row && !row->used)
			join_row(j, list, k, row->doc, m);
		else if (!m->ended || !is_word(k, m->ended, "terminated"))
			copy(j, list, k);
		if (row)
			row->used = true;
	}
	for (; rows; rows = rows->next)
		if (!rows->used)
			join_row(j, list, NULL, rows->doc, m);
	map_done(&map);
}

static void join_child(struct join *j, struct tree *parent, const struct tree *known,
	const struct tree *doc, const struct merge *m)
{
	if (m && m->id[0])
		join_list(j, parent, known, doc, m);
	else if (!doc)
		copy(j, parent, known);
	else if (m)
		join_stateful(j, parent, known, doc, m);
	else
		copy(j, parent, doc);
}

static void join_object(struct join *j, struct tree *out, const struct tree *known,
	const struct tree *doc, const struct merge *into)
{
	for (const struct tree *k = known ? known->first : NULL; k; k = k->next)
		join_child(j, out, k, child(doc, k->name), find(into, k->name));
	for (const struct tree *d = doc->first; d; d = d->next)
		if (!child(known, d->name))
			join_child(j, out, NULL, d, find(into, d->name));
}

/* ---- the state ---- */

struct body_state {
	struct arena arena; /* of whole */
	struct tree *whole; /* NULL: nothing is known */
	const struct package *package;
	int64_t version; /* -1: the document had none */
	bool holes; /* something is missing since the last whole document */
};

struct body_state *body_state_new(void)
{
	return MEM_NEW(struct body_state);
}

static void forget(struct body_state *s)
{
	arena_done(&s->arena);
	*s = (struct body_state){ .package = NULL };
}

void body_state_free(struct body_state *s)
{
	if (!s)
		return;
	forget(s);
	mem_free(s);
}

static const struct package *package_of(struct str content_type)
{
	struct str type = str_trim(str_sub(content_type, 0, str_find(content_type, ';')));

	for (size_t i = 0; i < ARRAY_LEN(packages); i++)
		if (str_ieq(type, str_of(packages[i].type)))
			return &packages[i];
	return NULL;
}

static int64_t version_of(const struct tree *doc)
{
	const struct tree *version = tree_get(doc, "version");

	return version && version->kind == TREE_INTEGER ? version->integer : -1;
}

static bool is_whole(const struct package *p, const struct tree *doc)
{
	const struct tree *flag = p->flag ? tree_get(doc, "full_state") : NULL;

	return p->flag ? flag && flag->boolean : !is_word(doc, "state", "partial");
}

static bool is_old(const struct body_state *s, int64_t version, bool whole)
{
	if (!s->whole || version < 0 || s->version < 0)
		return false;
	return version < s->version || (version == s->version && !(whole && s->package->repeats));
}

/* What is known is all there is, unless documents are missing. */
static void mark(const struct body_state *s, struct tree *t, bool top)
{
	struct str state = top && s->holes ? STR("partial") : STR("full");

	for (struct tree *c = t->first; c; c = c->next) {
		if (c->kind == TREE_BOOLEAN && top && str_eq(c->name, STR("full_state")))
			c->boolean = !s->holes;
		else if (c->kind == TREE_TEXT && str_eq(c->name, STR("state")) &&
			 str_eq(c->text, STR("partial")))
			c->text = state;
		else if (s->package->into == conference_info)
			mark(s, c, false);
	}
}

static size_t weight(const struct tree *t)
{
	size_t n = 128 + t->name.n + t->text.n;

	for (const struct tree *c = t->first; c; c = c->next)
		n += weight(c);
	return n;
}

/* Into a new arena, for one that is added to for ever would grow for ever. */
static void merge(struct body_state *s, const struct tree *doc)
{
	struct arena out = { 0 }, rows = { 0 };
	struct join j = { &out, &rows };
	struct tree *t = tree_new(&out);

	join_object(&j, t, s->whole, doc, s->package->into);
	arena_done(&rows);
	arena_done(&s->arena);
	s->arena = out;
	s->whole = t;
}

static void replace(struct body_state *s, const struct tree *doc)
{
	const struct package *p = s->package;

	forget(s);
	s->package = p;
	s->whole = tree_copy(&s->arena, doc);
}

enum body_news body_state_add(struct body_state *s, struct str content_type, const struct tree *doc,
	const struct tree **whole)
{
	const struct package *p = package_of(content_type);
	int64_t version = version_of(doc);
	bool all = p && is_whole(p, doc), gap;

	*whole = NULL;
	if (!p)
		return BODY_WHOLE;
	if (s->package && s->package->into != p->into)
		forget(s);
	s->package = p;
	if (is_old(s, version, all)) {
		*whole = s->whole;
		return BODY_OLD;
	}
	gap = !all && (!s->whole || version < 0 || version != s->version + 1);
	if (all)
		replace(s, doc);
	else
		merge(s, doc);
	s->version = version;
	s->holes = s->holes || gap;
	if (weight(s->whole) > BODY_STATE_MAX) {
		forget(s);
		return BODY_TOO_MUCH;
	}
	if (!all)
		mark(s, s->whole, true);
	*whole = s->whole;
	return gap ? BODY_GAP : all ? BODY_WHOLE : BODY_MERGED;
}
