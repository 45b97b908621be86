/* cli/out_call.c -- calls as lines for people (cli.md section 10.1): the dialog, its timer,
 * transfers, messages */
#include "out_impl.h"

#include <stdio.h>
#include <string.h>

static bool is(const char *a, const char *b)
{
	return a && strcmp(a, b) == 0;
}

/* "0.3 s" */
static void add_seconds(struct buf *b, double ms)
{
	if (ms >= 0)
		buf_addf(b, "  %.1f s", ms / 1000);
}

static void add_word(struct buf *b, const char *word)
{
	if (word && word[0])
		buf_addf(b, "  %s", word);
}

static void add_text(struct buf *b, struct str text)
{
	if (text.n > 0)
		buf_addf(b, "  " STR_FMT, STR_ARG(text));
}

/* The first dialog is the only one, mostly. */
static void add_dialog(struct buf *b, unsigned id)
{
	if (id > 1)
		buf_addf(b, "  d%u", id);
}

/* The first word, or "486 Busy Here", fills a column. */
static void put_column(struct out *o, enum out_color color, struct str word, struct buf *rest)
{
	out_put(o, color, "%-11.*s" STR_FMT, STR_ARG(word), STR_ARG(buf_str(rest)));
}

static void name_addr(struct buf *b, const char *word, const struct endpoint_address *a)
{
	if (!a || a->uri.n == 0)
		return;
	buf_addf(b, "  %s ", word);
	if (a->display_name.n)
		buf_addf(b, "\"" STR_FMT "\" ", STR_ARG(a->display_name));
	buf_addf(b, "<" STR_FMT ">", STR_ARG(a->uri));
}

/* "PCMU/8000" is PCMU to people; other rates are said. */
static void add_codec(struct buf *b, const char *codec)
{
	size_t n = codec ? strlen(codec) : 0;

	if (n > 5 && is(codec + n - 5, "/8000"))
		n -= 5;
	if (n)
		buf_addf(b, "  %.*s", (int)n, codec);
}

/* ---- the dialog ---- */

static void status_line(struct out *o, const struct endpoint_session *s)
{
	CLEANUP(buf_done) struct buf word = BUF_INIT(1 << 16), b = BUF_INIT(1 << 16);
	bool confirmed = is(s->state, "confirmed");

	buf_addf(&word, "%u " STR_FMT, s->status_code, STR_ARG(s->reason_phrase));
	if (s->setup_ms >= 0)
		add_seconds(&b, s->setup_ms);
	else if (s->msg && !s->msg->sent)
		add_seconds(&b, s->msg->rtt_ms);
	if (confirmed || (s->codec && s->codec[0]))
		add_codec(&b, s->codec);
	if (confirmed && s->direction && !is(s->direction, "sendrecv"))
		add_word(&b, s->direction);
	if (s->extra)
		add_text(&b, STR("another branch, hung up"));
	add_dialog(&b, s->id);
	put_column(o, confirmed ? OUT_GREEN : OUT_CYAN, buf_str(&word), &b);
}

static void incoming_line(struct out *o, const struct endpoint_session *s)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(1 << 16);

	name_addr(&b, "from", &s->peer);
	add_dialog(&b, s->id);
	put_column(o, OUT_CYAN, STR("INVITE"), &b);
}

/* Hold, resume, another description. */
static void change_line(struct out *o, const struct endpoint_session *s)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(1 << 16);

	add_word(&b, s->direction);
	add_codec(&b, s->codec);
	add_dialog(&b, s->id);
	put_column(o, OUT_CYAN, str_of(s->news), &b);
}

static void ended_line(struct out *o, const struct endpoint_session *s)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(1 << 16);
	const char *cause = s->cause ? s->cause : "";
	size_t n = strlen(cause);

	if (n > 4 && is(cause + n - 4, "-bye"))
		n -= 4;
	buf_addf(&b, "  %.*s", (int)n, cause);
	add_seconds(
		&b, s->setup_ms >= 0 && s->duration_ms >= 0 ? s->setup_ms + s->duration_ms : -1);
	if (s->duration_ms >= 0)
		buf_addf(&b, "  duration %.1f s", s->duration_ms / 1000);
	if (s->rtp_received > 0)
		buf_addf(&b, "  rtp %llu", (unsigned long long)s->rtp_received);
	add_text(&b, s->reason);
	add_text(&b, s->warning);
	add_dialog(&b, s->id);
	put_column(o, is(cause, "local-bye") || is(cause, "remote-bye") ? OUT_GREEN : OUT_YELLOW,
		STR("ended"), &b);
}

/* Never established: of ours the error line says it, unless it is one of several endpoints'; what
 * we have refused is told here. */
static void refused_line(struct out *o, const struct endpoint_session *s)
{
	CLEANUP(buf_done) struct buf word = BUF_INIT(1 << 16), b = BUF_INIT(1 << 16);

	if (s->initiator && !is(s->cause, "cancelled") && !o->party) {
		out_put_note(o, "dialog d%u terminated: %s", s->id, s->cause ? s->cause : "?");
		return;
	}
	if (s->status_code)
		buf_addf(&word, "%u " STR_FMT, s->status_code, STR_ARG(s->reason_phrase));
	else
		buf_add_str(&word, STR("ended"));
	add_word(&b, s->cause);
	if (s->extra)
		add_text(&b, STR("another branch"));
	add_text(&b, s->reason);
	add_dialog(&b, s->id);
	put_column(o, OUT_YELLOW, buf_str(&word), &b);
}

void out_text_session(struct out *o, const struct endpoint_session *s)
{
	bool refused = is(s->cause, "rejected") || is(s->cause, "cancelled");

	if (o->config.quiet && o->config.verbose == 0)
		return; /* thousands of calls: nothing is written for nobody */
	if (is(s->state, "terminated")) {
		if (s->duration_ms >= 0 && !refused)
			ended_line(o, s);
		else
			refused_line(o, s);
	} else if (s->news && s->news[0]) {
		change_line(o, s);
	} else if (is(s->state, "trying")) {
		if (!s->initiator)
			incoming_line(o, s);
	} else if (s->status_code) {
		status_line(o, s);
	}
}

/* ---- what happens in it ---- */

void out_text_session_timer(struct out *o, const struct endpoint_session_timer *t)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(1 << 12);

	add_word(&b, t->action);
	add_word(&b, t->method);
	if (t->session_expires)
		buf_addf(&b, "  %u s", t->session_expires);
	if (t->refresher && t->refresher[0])
		buf_addf(&b, "  refresher %s (%s)", t->refresher, t->local ? "we" : "the peer");
	add_dialog(&b, t->id);
	put_column(o, is(t->action, "expired") || is(t->action, "failed") ? OUT_YELLOW : OUT_CYAN,
		STR("timer"), &b);
}

void out_text_transfer(struct out *o, const struct endpoint_transfer *t)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(1 << 16);
	struct str fragment = str_sub(t->sipfrag, 0, str_find(t->sipfrag, '\n'));

	buf_addf(&b, "  %s " STR_FMT, t->received ? "asked for:" : "to", STR_ARG(t->refer_to));
	if (t->method.n)
		buf_addf(&b, "  by " STR_FMT, STR_ARG(t->method));
	if (t->referred_by.n)
		buf_addf(&b, "  says " STR_FMT, STR_ARG(t->referred_by));
	add_word(&b, t->state);
	if (fragment.n)
		add_text(&b, str_trim(fragment));
	else if (t->status_code)
		buf_addf(&b, "  %u", t->status_code);
	add_text(&b, t->reason);
	add_dialog(&b, t->id);
	put_column(o, OUT_CYAN, STR("transfer"), &b);
}

void out_text_message(struct out *o, const struct out_message *m)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(1 << 16);
	bool info = str_eq(m->method, STR("INFO"));

	add_word(&b, m->sent ? "sent" : "received");
	name_addr(&b, m->sent ? "to" : "from", m->sent ? m->to : m->from);
	if (m->status)
		buf_addf(&b, "  %u%s" STR_FMT, m->status, m->reason_phrase.n ? " " : "",
			STR_ARG(m->reason_phrase));
	add_text(&b, m->content_type);
	add_dialog(&b, m->dialog);
	put_column(o, OUT_CYAN, info ? STR("info") : STR("message"), &b);
	out_text_body(o, m->body);
}
