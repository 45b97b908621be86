/* lib/sip/mwi.c -- application/simple-message-summary: messages that wait (RFC 3842 section 5.2) */
#include "base/scan.h"
#include "sip/body_impl.h"

/* message-context-class of RFC 3458 section 6.2 and what it is called here. */
static const struct {
	const char *name, *key;
} classes[] = {
	{ "Voice-Message", "voice_message" },
	{ "Video-Message", "video_message" },
	{ "Fax-Message", "fax_message" },
	{ "Pager-Message", "pager_message" },
	{ "Multimedia-Message", "multimedia_message" },
	{ "Text-Message", "text_message" },
	{ "None", "none" },
};

struct summary {
	struct body_lines lines;
	struct arena *arena;
	struct tree *out;
	struct fail *fail;
};

static const char *class_key(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(classes); i++)
		if (str_ieq(name, str_of(classes[i].name)))
			return classes[i].key;
	return NULL;
}

/* 4/8 (1/2) */
static bool put_counts(struct summary *m, const char *key, struct str value)
{
	struct scan s = scan_str(value);
	uint32_t n[4];
	struct tree *o;
	bool urgent;

	if (!scan_u32(&s, UINT32_MAX, &n[0]) || !scan_sep(&s, '/') ||
		!scan_u32(&s, UINT32_MAX, &n[1]))
		return false;
	urgent = scan_sep(&s, '(');
	if (urgent && (!scan_u32(&s, UINT32_MAX, &n[2]) || !scan_sep(&s, '/') ||
			      !scan_u32(&s, UINT32_MAX, &n[3]) || !scan_sep(&s, ')')))
		return false;
	if (!scan_lws(&s) || !scan_end(&s))
		return false;
	o = tree_object(m->arena, m->out, key);
	tree_integer(m->arena, o, "new", n[0]);
	tree_integer(m->arena, o, "old", n[1]);
	if (urgent) {
		tree_integer(m->arena, o, "urgent_new", n[2]);
		tree_integer(m->arena, o, "urgent_old", n[3]);
	}
	return true;
}

/* The first line says whether there are any. */
static int read_status(struct summary *m)
{
	struct str line = STR_EMPTY, name, value;
	bool yes;

	m->lines.number = m->lines.rest.n ? 0 : 1;
	if (!body_lines_next(&m->lines, &line) ||
		!body_lines_field(&m->lines, line, &name, &value) ||
		!str_ieq(name, STR("Messages-Waiting")))
		return body_lines_fail(m->fail, &m->lines, 1, "not Messages-Waiting");
	yes = str_ieq(value, STR("yes"));
	if (!yes && !str_ieq(value, STR("no")))
		return body_lines_fail(m->fail, &m->lines, (size_t)(value.p - line.p) + 1,
			"Messages-Waiting is neither yes nor no");
	tree_boolean(m->arena, m->out, "messages_waiting", yes);
	return 0;
}

/* A list of m->out, made when it is first needed. */
static struct tree *list_of(struct summary *m, struct tree *in, const char *key)
{
	struct tree *list = tree_get(in, key);

	return list ? list : tree_list(m->arena, in, key);
}

/* The account and the counts; both in any order, as some send them. */
static int read_summary(struct summary *m, struct str line)
{
	unsigned number = m->lines.number;
	struct body_lines here = m->lines;
	struct str name, value;
	const char *key;

	if (!body_lines_field(&m->lines, line, &name, &value))
		return body_lines_fail(m->fail, &here, 1, "neither a name and a value nor empty");
	here.number = number;
	key = class_key(name);
	if (key && tree_get(m->out, key))
		return body_lines_fail(
			m->fail, &here, 1, "a class of messages for the second time");
	if (key && !put_counts(m, key, value))
		return body_lines_fail(m->fail, &here, (size_t)(value.p - line.p) + 1,
			"counts are not NEW/OLD (NEW/OLD)");
	if (!key && str_ieq(name, STR("Message-Account")) && !tree_get(m->out, "message_account"))
		tree_text(m->arena, m->out, "message_account", value);
	else if (!key)
		body_named_text(m->arena, list_of(m, m->out, "other"), name, value);
	return 0;
}

/* Behind an empty line: header fields of single messages, in groups. */
static int read_headers(struct summary *m)
{
	struct tree *headers = NULL;
	struct str line, name, value;

	while (body_lines_next(&m->lines, &line)) {
		struct body_lines here = m->lines;

		if (here.number > BODY_LINES)
			return fail_set(m->fail, -FAIL_LIMIT,
				"line %u column 1: more than %d lines", here.number, BODY_LINES);
		if (line.n == 0) {
			headers = NULL;
			continue;
		}
		if (!body_lines_field(&m->lines, line, &name, &value))
			return body_lines_fail(m->fail, &here, 1, "no header field of a message");
		if (!headers)
			headers = tree_list(m->arena,
				tree_object(m->arena, list_of(m, m->out, "message"), ""), "header");
		body_named_text(m->arena, headers, name, value);
	}
	return 0;
}

int mwi_read(struct str body, struct arena *arena, struct tree **out, struct fail *f)
{
	struct summary m = { .lines = { .rest = body }, .arena = arena, .fail = f };
	struct str line = STR_EMPTY;
	int e;

	m.out = tree_new(arena);
	e = read_status(&m);
	while (e == 0 && body_lines_next(&m.lines, &line) && line.n > 0) {
		if (m.lines.number > BODY_LINES)
			e = fail_set(f, -FAIL_LIMIT, "line %u column 1: more than %d lines",
				m.lines.number, BODY_LINES);
		else
			e = read_summary(&m, line);
	}
	if (e == 0)
		e = read_headers(&m);
	if (e == 0)
		*out = m.out;
	return e;
}
