/* cli/out_parsed.c -- a message in a file, for people: its start line and header fields, then what
 * is wrong, each with the place and the line that it is in */
#include "out_impl.h"

#include "base/scan.h"

#include <stdio.h>
#include <string.h>

enum { WIDTH = 72, BEFORE = 40 }; /* of an excerpt, and what stands before its mark at most */

static bool is_shown(char c)
{
	return scan_is(c, CH_VISIBLE) || c == ' ';
}

void out_excerpt(struct str text, size_t offset, char line[80], char mark[80])
{
	size_t begin = offset < text.n ? offset : text.n, end, at, n = 0;

	while (begin > 0 && text.p[begin - 1] != '\n')
		begin--;
	if (offset - begin > BEFORE)
		begin = offset - BEFORE;
	at = offset - begin;
	for (end = begin; end < text.n && text.p[end] != '\n' && n < WIDTH; end++, n++)
		line[n] = is_shown(text.p[end]) ? text.p[end] : '.';
	if (end < text.n && n > 0 && text.p[end] == '\n' && text.p[end - 1] == '\r' && n - 1 >= at)
		n--; /* the CR of its end */
	line[n] = '\0';
	memset(mark, ' ', at);
	mark[at] = '^';
	mark[at + 1] = '\0';
}

static void message_lines(struct out *o, const struct inspect *i)
{
	for (unsigned k = 0; k < i->header_count; k++)
		out_put(o, OUT_PLAIN, "  %-*.*s  " STR_FMT, 16,
			i->headers[k].name.n < 200 ? (int)i->headers[k].name.n : 200,
			i->headers[k].name.p, STR_ARG(i->headers[k].value));
	if (i->msg.body.n)
		out_put(o, OUT_PLAIN, "  %-16s  %zu bytes", "(body)", i->msg.body.n);
}

static void finding_lines(
	struct out *o, const struct out_parsed *p, const struct inspect_finding *f)
{
	char line[80], mark[80];

	out_put(o, f->error ? OUT_RED : OUT_YELLOW, "%s:%u:%u: %s: " STR_FMT "  (byte %zu)",
		p->file, f->line, f->column, f->error ? "error" : "warning", STR_ARG(f->text),
		f->offset);
	out_excerpt(p->text, f->offset, line, mark);
	if (line[0] == '\0')
		return;
	out_put(o, OUT_PLAIN, "    %s", line);
	out_put(o, OUT_PLAIN, "    %s", mark);
}

static void start_line(struct out *o, const struct out_parsed *p)
{
	const struct inspect *i = p->message;
	enum out_color color = i->error_count ? OUT_RED : OUT_GREEN;
	char what[64];

	snprintf(what, sizeof(what), "%zu bytes  %s", i->bytes, inspect_verdict_name(i->verdict));
	if (i->status)
		snprintf(what + strlen(what), sizeof(what) - strlen(what), " %u", i->status);
	if (!i->readable)
		out_put(o, color, "%s  no message  %s", p->file, what);
	else if (i->msg.status_code)
		out_put(o, color, "%s  " STR_FMT " %u " STR_FMT "  %s", p->file,
			STR_ARG(i->version), i->msg.status_code, STR_ARG(i->msg.reason_phrase),
			what);
	else
		out_put(o, color, "%s  " STR_FMT " " STR_FMT " " STR_FMT "  %s", p->file,
			STR_ARG(i->msg.method), STR_ARG(i->msg.request_uri), STR_ARG(i->version),
			what);
}

void out_text_parsed(struct out *o, const struct out_parsed *p)
{
	const struct inspect *i = p->message;

	start_line(o, p);
	if (i->readable)
		message_lines(o, i);
	for (unsigned k = 0; k < i->finding_count; k++)
		finding_lines(o, p, &i->findings[k]);
	if (i->left_off)
		out_put(o, OUT_YELLOW, "%s: and %u more", p->file, i->left_off);
}
