/* lib/sip/multipart.c -- the parts of a multipart body */
#include "sip/multipart.h"

#include "base/scan.h"
#include "sip/param.h"

#include <string.h>

enum {
	BOUNDARY_MAX = 70, /* RFC 2046 5.1.1 */
	VALUE_MAX = 1024, /* of a Content-Type that is looked at */
	LEVELS = 4, /* of multiparts inside of multiparts */
};

/* ---- Content-Type ---- */

struct content_type {
	char text[VALUE_MAX]; /* what the others point to: the value, unfolded */
	struct str type, subtype, params;
};

/* m-type SLASH m-subtype *(SEMI m-parameter), RFC 3261 25.1. The lines of a part are as they came,
 * so this value may be folded, which a SIP header's is not any more. */
static bool content_type_parse(struct str value, struct content_type *out)
{
	struct scan s;

	if (value.n > sizeof(out->text))
		return false;
	for (size_t i = 0; i < value.n; i++)
		out->text[i] = value.p[i] == '\r' || value.p[i] == '\n' ? ' ' : value.p[i];
	s = scan_str(str_trim((struct str){ out->text, value.n }));
	return scan_run(&s, CH_TOKEN, &out->type) && scan_sep(&s, '/') &&
	       scan_run(&s, CH_TOKEN, &out->subtype) && sip_params_scan(&s, &out->params) &&
	       scan_lws(&s) && scan_end(&s);
}

bool multipart_is(struct str content_type)
{
	struct content_type t;

	return content_type_parse(content_type, &t) && str_ieq(t.type, STR("multipart"));
}

/* Is value of the type "application/sdp"? Empty is text/plain (RFC 2046 5.1). */
static bool is_type(struct str value, struct str want)
{
	struct content_type t;
	struct str type, subtype;

	if (!content_type_parse(value.n ? value : STR("text/plain"), &t))
		return false;
	return str_cut(want, '/', &type, &subtype) && str_ieq(t.type, type) &&
	       str_ieq(t.subtype, subtype);
}

/* bchars are visible ones and the blank, which is not the last (RFC 2046 5.1.1); some use more than
 * it allows. */
static int boundary_of(struct str content_type, char out[BOUNDARY_MAX], size_t *n, struct fail *f)
{
	struct content_type t;
	struct sip_param p;
	size_t len = 0;

	if (!content_type_parse(content_type, &t) || !str_ieq(t.type, STR("multipart")))
		return fail_set(f, -FAIL_SYNTAX, "the Content-Type is no multipart");
	if (!sip_param_get(t.params, "boundary", &p) || p.value.n == 0)
		return fail_set(f, -FAIL_SYNTAX, "multipart without a boundary");
	for (size_t i = 0; i < p.value.n; i++) {
		char c = p.value.p[i];
		if (p.quoted && c == '\\' && i + 1 < p.value.n)
			c = p.value.p[++i];
		if (len == BOUNDARY_MAX)
			return fail_set(f, -FAIL_SYNTAX,
				"a multipart boundary of more than %d characters", BOUNDARY_MAX);
		if (!scan_is(c, CH_VISIBLE) && c != ' ')
			return fail_set(f, -FAIL_SYNTAX, "a malformed multipart boundary");
		out[len++] = c;
	}
	if (out[len - 1] == ' ')
		return fail_set(f, -FAIL_SYNTAX, "a multipart boundary that ends in a blank");
	*n = len;
	return 0;
}

/* ---- lines ---- */

/* The next line without its end, which may be LF alone; false behind the last. */
static bool next_line(struct str *rest, struct str *line)
{
	if (rest->n == 0)
		return false;
	if (!str_cut(*rest, '\n', line, rest)) {
		*line = *rest;
		*rest = (struct str){ rest->p + rest->n, 0 };
	} else if (line->n > 0 && line->p[line->n - 1] == '\r') {
		line->n--;
	}
	return true;
}

enum delimiter { NONE, OPENS, CLOSES };

/* "--" boundary ["--"] and nothing but blanks behind it. The whole line is compared, so that a
 * boundary may be the beginning of an inner one. */
static enum delimiter delimiter(struct str line, struct str boundary)
{
	enum delimiter d = OPENS;

	if (!str_starts(line, STR("--")) || !str_starts(str_sub(line, 2, line.n), boundary))
		return NONE;
	line = str_sub(line, 2 + boundary.n, line.n);
	if (str_starts(line, STR("--"))) {
		d = CLOSES;
		line = str_sub(line, 2, line.n);
	}
	return str_trim(line).n == 0 ? d : NONE;
}

/* Where p stands in the body, for people. */
static unsigned line_of(struct str body, const char *p)
{
	unsigned n = 1;

	for (const char *c = body.p; c < p; c++)
		n += *c == '\n';
	return n;
}

/* ---- one part ---- */

/* The value of one header field, which ends before the next line that does not begin with a blank.
 */
static void unfold(struct str *rest, struct str *value)
{
	struct str l, after = *rest;

	while (after.n > 0 && scan_is(*after.p, CH_LWS) && next_line(&after, &l)) {
		if (str_trim(l).n > 0)
			value->n = (size_t)(l.p + l.n - value->p);
		*rest = after;
	}
	*value = str_trim(*value);
}

static void keep(struct multipart_part *out, struct str name, struct str value)
{
	struct str *to = NULL;

	if (str_ieq(name, STR("Content-Type")))
		to = &out->type;
	else if (str_ieq(name, STR("Content-Disposition")))
		to = &out->disposition;
	else if (str_ieq(name, STR("Content-ID")))
		to = &out->id;
	if (to && to->n == 0)
		*to = value;
}

/* MIME-part-headers [CRLF *OCTET]: header lines, then perhaps an empty one and the body. */
static int part_parse(struct str whole, struct str text, struct multipart_part *out, struct fail *f)
{
	struct multipart_part part = { .body = STR_EMPTY };
	struct str line;

	while (next_line(&text, &line) && line.n > 0) {
		struct scan s = scan_str(line);
		struct str name, value;
		if (!scan_run(&s, CH_TOKEN, &name) || !scan_sep(&s, ':'))
			return fail_set(f, -FAIL_SYNTAX,
				"line %u column 1: a part of the body has a malformed header line",
				line_of(whole, line.p));
		value = scan_rest(&s);
		unfold(&text, &value);
		if (memchr(name.p, '\0', (size_t)(value.p + value.n - name.p)))
			return fail_set(f, -FAIL_SYNTAX,
				"line %u column 1: NUL in a header line of a part",
				line_of(whole, line.p));
		keep(&part, name, value);
	}
	if (text.n > 0)
		part.body = text;
	*out = part;
	return 0;
}

/* The text between two delimiters: the line end before the second belongs to that. */
static struct str between(const char *from, const char *to)
{
	if (to > from && to[-1] == '\n')
		to--;
	if (to > from && to[-1] == '\r')
		to--;
	return (struct str){ from, (size_t)(to - from) };
}

/* ---- the whole ---- */

int multipart_split(struct str content_type, struct str body,
	struct multipart_part parts[MULTIPART_PARTS], unsigned *count, struct fail *f)
{
	char bytes[BOUNDARY_MAX];
	struct str boundary = { bytes, 0 }, rest = body, line;
	const char *start = NULL; /* of the part that is open */
	enum delimiter d = NONE;
	unsigned n = 0;
	int e = boundary_of(content_type, bytes, &boundary.n, f);

	if (e)
		return e;
	while (d != CLOSES && next_line(&rest, &line)) {
		if ((d = delimiter(line, boundary)) == NONE)
			continue;
		if (!start && d == CLOSES)
			break;
		if (start && n == MULTIPART_PARTS)
			return fail_set(f, -FAIL_LIMIT,
				"line %u column 1: a multipart body of more than %d parts",
				line_of(body, line.p), MULTIPART_PARTS);
		if (start && (e = part_parse(body, between(start, line.p), &parts[n++], f)) != 0)
			return e;
		start = rest.p;
	}
	if (!start || d != CLOSES)
		return fail_set(f, -FAIL_SYNTAX,
			"line %u column 1: a multipart body without its %s delimiter",
			line_of(body, body.n ? body.p + body.n : body.p),
			start ? "closing" : "opening");
	*count = n;
	return 0;
}

static struct str bare_id(struct str id)
{
	id = str_trim(id);
	if (id.n > 1 && id.p[0] == '<' && id.p[id.n - 1] == '>')
		id = str_sub(id, 1, id.n - 1);
	return id;
}

bool multipart_has_id(const struct multipart_part *part, struct str id)
{
	return part->id.n > 0 && str_eq(bare_id(part->id), bare_id(id));
}

const struct multipart_part *multipart_root(
	struct str content_type, const struct multipart_part *parts, unsigned count)
{
	struct content_type t;
	struct str start = STR_EMPTY;

	if (content_type_parse(content_type, &t))
		sip_param(t.params, "start", &start);
	if (start.n == 0)
		return count > 0 ? &parts[0] : NULL;
	for (unsigned i = 0; i < count; i++)
		if (multipart_has_id(&parts[i], start))
			return &parts[i];
	return NULL;
}

static bool find(
	struct str content_type, struct str body, struct str type, int levels, struct str *out)
{
	struct multipart_part parts[MULTIPART_PARTS];
	unsigned count;

	if (is_type(content_type, type)) {
		*out = body;
		return true;
	}
	if (levels == 0 || !multipart_is(content_type) ||
		multipart_split(content_type, body, parts, &count, NULL) != 0)
		return false;
	for (unsigned i = 0; i < count; i++)
		if (find(parts[i].type, parts[i].body, type, levels - 1, out))
			return true;
	return false;
}

bool multipart_find(struct str content_type, struct str body, const char *type, struct str *out)
{
	return find(content_type, body, str_of(type), LEVELS, out);
}
