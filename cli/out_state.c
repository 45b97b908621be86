/* cli/out_state.c -- subscriptions, notifications and publications as lines for people (cli.md
 * section 10.1) */
#include "out_impl.h"
#include "out_tree.h"

#include <stdio.h>
#include <string.h>

static bool is(const char *a, const char *b)
{
	return a && strcmp(a, b) == 0;
}

static void add_text(struct buf *b, const char *name, struct str text)
{
	if (text.n > 0)
		buf_addf(b, "  %s%s" STR_FMT, name, name[0] ? " " : "", STR_ARG(text));
}

static void add_seconds(struct buf *b, const char *name, bool known, uint32_t seconds)
{
	if (known)
		buf_addf(b, "  %s %u", name, seconds);
}

/* Of a further notifier; the first is the only one, mostly. */
static void add_dialog(struct buf *b, unsigned id)
{
	if (id > 1)
		buf_addf(b, "  d%u", id);
}

void out_text_subscription(struct out *o, const struct endpoint_subscription *e)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(1 << 16);
	bool terminated = is(e->state, "terminated");
	const char *word = terminated                 ? "terminated"
			   : is(e->cause, "notified") ? e->state
						      : e->cause;

	if (o->config.quiet && o->config.verbose == 0)
		return;
	buf_addf(&b, STR_FMT "  " STR_FMT, STR_ARG(e->uri), STR_ARG(e->event));
	if (terminated || word != e->state)
		buf_addf(&b, "  %s", terminated ? e->cause : e->state);
	add_text(&b, "reason", e->reason);
	add_seconds(&b, "retry-after", e->has_retry_after, e->retry_after);
	add_seconds(&b, "expires", e->expires > 0, e->expires);
	add_dialog(&b, e->id);
	out_put(o, is(e->cause, "ended") || is(e->cause, "lost") ? OUT_YELLOW : OUT_GREEN,
		"%-10s  " STR_FMT, word, STR_ARG(buf_str(&b)));
}

/* Under a name of its own. */
static void whole_lines(struct out *o, const struct tree *whole)
{
	struct tree named = *whole,
		    parent = { .kind = TREE_OBJECT, .first = &named, .last = &named };

	named.name = STR("state");
	named.next = NULL;
	out_text_tree(o, &parent);
}

static void body_lines(struct out *o, const struct endpoint_notify *n)
{
	if (n->body)
		out_text_tree(o, n->body);
	else
		out_text_body(o, n->msg->body);
	if (n->malformed)
		out_detail(o, "malformed", str_of(n->malformed->text));
	if (n->whole)
		whole_lines(o, n->whole);
	out_detail(o, "note", str_of(n->note));
}

void out_text_notification(struct out *o, const struct endpoint_notify *n)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(1 << 16);

	if (o->config.quiet && o->config.verbose == 0)
		return;
	buf_addf(&b, STR_FMT "  " STR_FMT "  " STR_FMT, STR_ARG(n->uri), STR_ARG(n->event),
		STR_ARG(n->state));
	add_text(&b, "reason", n->reason);
	add_text(&b, "etag", n->etag);
	add_text(&b, "", n->msg->content_type);
	add_dialog(&b, n->id);
	out_put(o, OUT_CYAN, "%-10s  " STR_FMT, "notify", STR_ARG(buf_str(&b)));
	body_lines(o, n);
}

void out_text_publication(struct out *o, const struct endpoint_publication *e)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(1 << 16);
	bool bad = is(e->cause, "expired") || is(e->cause, "rejected");

	buf_addf(&b, STR_FMT "  " STR_FMT, STR_ARG(e->aor), STR_ARG(e->event));
	if (e->msg)
		buf_addf(&b, "  %u " STR_FMT, e->msg->status_code, STR_ARG(e->msg->reason_phrase));
	add_seconds(&b, "expires", e->expires > 0, e->expires);
	add_text(&b, "etag", e->etag);
	out_put(o, bad ? OUT_YELLOW : OUT_GREEN, "%-10s  " STR_FMT, e->cause, STR_ARG(buf_str(&b)));
}

void out_trying(struct out *o, const char *uri, const struct endpoint_retry *r)
{
	char when[24] = "now";

	o = out_speak(o);
	if (o->config.json)
		return;
	if (r->wait_ms >= 50)
		snprintf(when, sizeof(when), "in %.1f s", r->wait_ms / 1000);
	out_put(o, OUT_YELLOW, "%-10s  %s  %s  " STR_FMT, "trying", uri, when, STR_ARG(r->detail));
}
