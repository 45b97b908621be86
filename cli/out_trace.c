/* cli/out_trace.c -- what the library traces, as text: -v, -vv, -vvv on stderr, and --trace (cli.md
 * section 10.2) */
#include "out_impl.h"

#include "base/utf8.h"
#include "mask.h"

#include <stdio.h>
#include <string.h>

enum { TRACE_MAX = 8 << 20 };

/* From which -v on a kind is shown. */
static const int levels[] = {
	[TRACE_MSG_OUT] = 1,
	[TRACE_MSG_IN] = 1,
	[TRACE_TX] = 3,
	[TRACE_FLOW] = 2,
	[TRACE_DNS] = 2,
	[TRACE_TLS] = 1,
	[TRACE_AUTH] = 2,
	[TRACE_LOOP] = 3,
	[TRACE_NOTE] = 1,
};

static void write_block(struct out_stream *s, enum out_color color, struct str text)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(4 * TRACE_MAX + 32);

	if (s->fd < 0 || !s->color) {
		out_write(s, text);
		return;
	}
	buf_addf(&b, "\x1b[%sm" STR_FMT "\x1b[0m\n", out_color_code(color),
		STR_ARG(str_sub(text, 0, text.n - 1)));
	out_write(s, buf_str(&b));
}

/* Into each of the two places that wants this level; --trace FILE gets what -vv gives, more with
 * -vvv. */
static void deliver(struct out *o, int level, enum out_color color, struct str text)
{
	int verbose = o->config.verbose;

	if (verbose >= level)
		write_block(&o->story, color, text);
	if (level <= 2 || verbose >= level)
		write_block(&o->trace_stream, color, text);
}

/* One line behind its three columns. */
static void add_line(struct buf *b, const char *columns, struct str line)
{
	size_t start = b->n;

	buf_addf(b, "%s", columns);
	utf8_show(b, line);
	while (b->n > start && b->p[b->n - 1] == ' ')
		b->n--;
	buf_add_char(b, '\n');
}

void out_trace_note(struct out *o, int level, struct str text)
{
	CLEANUP(buf_done) struct buf plain = BUF_INIT(TRACE_MAX), b = BUF_INIT(4 * TRACE_MAX);

	if (o->party)
		buf_addf(&plain, "%s: ", o->party);
	mask_add(&plain, text);
	add_line(&b, "* ", buf_str(&plain));
	deliver(o, level, OUT_DIM, buf_str(&b));
}

/* ---- messages ---- */

static void add_lines(struct buf *b, const char *columns, struct str text)
{
	struct str line;

	while (text.n > 0) {
		if (!str_cut(text, '\n', &line, &text)) {
			line = text;
			text = STR_EMPTY;
		}
		if (line.n && line.p[line.n - 1] == '\r')
			line.n--;
		add_line(b, columns, line);
	}
}

static bool is_on(const struct out *o)
{
	return o->config.verbose > 0 || o->trace_stream.fd >= 0;
}

static void message(struct out *o, const struct trace_event *ev)
{
	CLEANUP(buf_done)
	struct buf plain = BUF_INIT(TRACE_MAX), head = BUF_INIT(1 << 16),
		   whole = BUF_INIT(4 * TRACE_MAX);
	bool sent = ev->kind == TRACE_MSG_OUT,
	     encrypted = ev->transport && strcmp(ev->transport, "tls") == 0;
	const char columns[] = { sent ? '>' : '<', encrypted ? '~' : ' ',
		ev->unexpected ? '!' : ' ', '\0' };
	struct str from = sent ? ev->local : ev->remote, to = sent ? ev->remote : ev->local, start;
	enum out_color color = sent ? OUT_CYAN : OUT_GREEN;
	char clock[24];

	out_clock(clock);
	buf_addf(&head, "%s%s " STR_FMT " -> " STR_FMT " %s %zu bytes%s%s\n", columns, clock,
		STR_ARG(from), STR_ARG(to), ev->transport ? ev->transport : "", ev->bytes.n,
		o->party ? " " : "", o->party ? o->party : "");
	mask_add(&plain, ev->bytes);
	buf_add_str(&whole, buf_str(&head));
	add_lines(&whole, columns, buf_str(&plain));
	start = buf_str(&plain);
	start = str_sub(start, 0, str_find(start, '\n'));
	if (start.n && start.p[start.n - 1] == '\r')
		start.n--;
	add_line(&head, columns, start);
	if (o->config.verbose == 1) /* the whole of it is for -vv and --trace */
		write_block(&o->story, color, buf_str(&head));
	deliver(o, 2, color, buf_str(&whole));
}

/* ---- everything else ---- */

static void add_part(struct buf *b, const char *before, struct str text, const char *behind)
{
	if (text.n > 0)
		buf_addf(b, "%s" STR_FMT "%s", before, STR_ARG(text), behind);
}

static void describe(struct buf *b, const struct trace_event *ev)
{
	switch (ev->kind) {
	case TRACE_TX:
		buf_addf(b, "transaction " STR_FMT ": " STR_FMT " -> " STR_FMT, STR_ARG(ev->name),
			STR_ARG(ev->from), STR_ARG(ev->to));
		add_part(b, " (", ev->note, ")");
		break;
	case TRACE_FLOW:
		buf_addf(b, "%s " STR_FMT " " STR_FMT " -> " STR_FMT,
			ev->transport ? ev->transport : "flow", STR_ARG(ev->name),
			STR_ARG(ev->local), STR_ARG(ev->remote));
		add_part(b, ": ", ev->note, "");
		break;
	case TRACE_DNS:
		buf_addf(b, "dns " STR_FMT " " STR_FMT ": " STR_FMT, STR_ARG(ev->from),
			STR_ARG(ev->name), STR_ARG(ev->to));
		add_part(b, " ", ev->note, "");
		buf_addf(b, " (%.1f ms)", ev->ms);
		break;
	case TRACE_TLS:
		buf_addf(b, "tls " STR_FMT, STR_ARG(ev->remote));
		add_part(b, " ", ev->name, "");
		add_part(b, " ", ev->from, "");
		add_part(b, " ", ev->note, "");
		add_part(b, ": ", ev->to, "");
		break;
	case TRACE_AUTH:
		buf_addf(b, "auth " STR_FMT " " STR_FMT, STR_ARG(ev->name), STR_ARG(ev->to));
		add_part(b, " realm \"", ev->from, "\"");
		add_part(b, ": ", ev->note, "");
		break;
	case TRACE_LOOP:
		buf_addf(b, "a pass of the loop took %.0f ms", ev->ms);
		break;
	case TRACE_NOTE:
		buf_add_str(b, ev->note);
		break;
	case TRACE_MSG_OUT:
	case TRACE_MSG_IN:
		break;
	}
}

static void on_trace(void *arg, const struct trace_event *ev)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(1 << 16);
	struct out *o = out_speak(arg);

	if (ev->kind == TRACE_MSG_OUT || ev->kind == TRACE_MSG_IN) {
		if (is_on(o))
			message(o, ev);
		out_capture(o, ev);
		return;
	}
	describe(&b, ev);
	out_trace_note(o, levels[ev->kind], buf_str(&b));
}

void out_trace_init(struct out *o)
{
	int most = o->config.verbose;

	if (o->trace_stream.fd >= 0 && most < 2)
		most = 2;
	o->trace = (struct trace){ .fn = on_trace, .arg = o };
	for (size_t i = 0; i < ARRAY_LEN(levels); i++)
		if (most >= levels[i])
			o->trace.mask |= 1U << i;
	if (o->capture.fd >= 0 || o->ladder)
		o->trace.mask |= 1U << TRACE_MSG_OUT | 1U << TRACE_MSG_IN;
}

const struct trace *out_trace(struct out *o)
{
	return &o->trace;
}
