/* cli/out_live.c -- what events say about what is being waited for, for the live line (live.h) */
#include "out_impl.h"

#include "endpoint/endpoint.h"
#include "live.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What lasts while requests come and go; a provisional response lasts, too, as its status. */
enum { REGISTERED = 1, PUBLISHED, SUBSCRIBED, TRANSFERRING, LISTENING, IN_CALL };

static bool is(const char *a, const char *b)
{
	return a && strcmp(a, b) == 0;
}

static bool is_command(const struct out *o, const char *name)
{
	return is(o->config.command, name);
}

/* ---- states ---- */

/* For a while: until something is answered, connected, over. limit_ms: how long that may take, or
 * 0. */
static void PRINTF_LIKE(3, 4) passing(struct out *o, uint64_t limit_ms, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	live_state(o->live.line, &(struct live_state){ .text = text, .limit_ms = limit_ms });
}

/* What lasts is said again when what passed is over. */
static void show_lasting(struct out *o)
{
	const struct out_live *l = &o->live;

	if (l->lasting)
		live_state(l->line, &(struct live_state){ .text = l->text,
					    .since_us = l->since_us,
					    .refresh_us = l->refresh_us });
}

static void PRINTF_LIKE(3, 4) lasting(struct out *o, unsigned what, const char *fmt, ...)
{
	struct out_live *l = &o->live;
	va_list ap;

	if (l->lasting != what) {
		l->since_us = net_now_us();
		l->refresh_us = 0;
	}
	l->lasting = what;
	va_start(ap, fmt);
	vsnprintf(l->text, sizeof(l->text), fmt, ap);
	va_end(ap);
	show_lasting(o);
}

static void refreshes(struct out *o, uint32_t seconds)
{
	o->live.refresh_us = seconds ? net_now_us() + (uint64_t)seconds * 1000000 : 0;
	show_lasting(o);
}

static void over(struct out *o, unsigned what)
{
	if (o->live.lasting == what)
		o->live.lasting = 0;
}

static void listening(struct out *o)
{
	unsigned n = o->live.count;

	lasting(o, LISTENING, "listening, %u request%s so far", n, n == 1 ? "" : "s");
}

static void subscribed(struct out *o)
{
	unsigned n = o->live.count;

	lasting(o, SUBSCRIBED, "%s, %u notification%s so far",
		o->live.pending ? "subscription pending" : "subscribed", n, n == 1 ? "" : "s");
}

/* ---- events ---- */

static void on_resolved(struct out *o, const struct endpoint_resolved *r)
{
	const struct endpoint_hop *hop = &r->targets->hop;
	char text[96];

	if (r->target_count > 0 && !is(hop->transport, "udp"))
		passing(o, 0, "connecting to %s %s", out_hop_text(hop, false, text),
			hop->transport);
}

static void on_request(struct out *o, const struct endpoint_msg *m)
{
	bool expected = str_ieq(m->method, str_of(o->config.command));
	char hop[96];

	if (str_eq(m->method, STR("ACK")))
		return;
	if (m->sent) {
		passing(o, o->live.timeout_ms, "waiting for an answer%s" STR_FMT " from %s %s",
			expected ? "" : " to ", STR_ARG(expected ? STR_EMPTY : m->method),
			out_hop_text(&m->remote, false, hop), m->remote.transport);
	} else if (o->live.lasting == LISTENING) {
		o->live.count++;
		listening(o);
	}
}

static void on_response(struct out *o, const struct endpoint_msg *m)
{
	unsigned status = m->status_code, before = o->live.lasting;
	char hop[96];

	if (m->sent)
		return;
	if (status >= 200 || (before > 0 && before < 100)) {
		show_lasting(o);
		return;
	}
	if (status == 180)
		lasting(o, status, "ringing");
	else
		lasting(o, status, "%u " STR_FMT ", waiting for a final answer from %s %s", status,
			STR_ARG(m->reason_phrase), out_hop_text(&m->remote, false, hop),
			m->remote.transport);
}

static void on_retry(struct out *o, const struct endpoint_retry *r)
{
	passing(o, (uint64_t)r->wait_ms, "waiting to try again");
}

static void on_registration(struct out *o, const struct endpoint_registration *r)
{
	if (is_command(o, "listen") && r->active) {
		listening(o);
	} else if (is_command(o, "register") && r->active) {
		lasting(o, REGISTERED, "registered");
		refreshes(o, r->refresh_in);
	} else {
		over(o, REGISTERED);
	}
}

static void on_session(struct out *o, const struct endpoint_session *s)
{
	struct out_live *l = &o->live;

	if (l->lasting == LISTENING || s->extra)
		return;
	if (is(s->state, "confirmed")) {
		l->dialog = s->id;
		lasting(o, IN_CALL, "in a call");
	} else if (is(s->state, "terminated") && (l->lasting != IN_CALL || l->dialog == s->id)) {
		l->lasting = 0;
	}
}

static void on_transfer(struct out *o, const struct endpoint_transfer *t)
{
	if (t->received || o->live.lasting == IN_CALL || o->live.lasting == LISTENING)
		return;
	if (is(t->state, "active"))
		lasting(o, TRANSFERRING, "accepted, waiting for what comes of it");
	else
		over(o, TRANSFERRING);
}

static void on_subscription(struct out *o, const struct endpoint_subscription *s)
{
	if (!is_command(o, "subscribe"))
		return;
	if (is(s->state, "terminated")) {
		over(o, SUBSCRIBED);
		return;
	}
	o->live.pending = is(s->state, "pending");
	subscribed(o);
	refreshes(o, s->refresh_in);
}

static void on_notify(struct out *o)
{
	o->live.count++;
	if (o->live.lasting == SUBSCRIBED)
		subscribed(o);
}

static void on_publication(struct out *o, const struct endpoint_publication *p)
{
	if (!is(p->state, "active")) {
		over(o, PUBLISHED);
		return;
	}
	lasting(o, PUBLISHED, "published");
	refreshes(o, p->refresh_in);
}

void out_live_event(struct out *o, const struct endpoint_event *ev)
{
	if (!o->live.line || o->book) /* of several endpoints it is the step that is waited for */
		return;
	switch (ev->type) {
	case ENDPOINT_RESOLVED:
		on_resolved(o, ev->resolved);
		break;
	case ENDPOINT_REQUEST:
	case ENDPOINT_UNMATCHED:
		on_request(o, ev->msg);
		break;
	case ENDPOINT_RESPONSE:
		on_response(o, ev->msg);
		break;
	case ENDPOINT_RETRY:
		on_retry(o, ev->retry);
		break;
	case ENDPOINT_REGISTRATION:
		on_registration(o, ev->registration);
		break;
	case ENDPOINT_SESSION:
		on_session(o, ev->session);
		break;
	case ENDPOINT_TRANSFER:
		on_transfer(o, ev->transfer);
		break;
	case ENDPOINT_SUBSCRIPTION:
		on_subscription(o, ev->subscription);
		break;
	case ENDPOINT_NOTIFY:
		on_notify(o);
		break;
	case ENDPOINT_PUBLICATION:
		on_publication(o, ev->publication);
		break;
	default: /* nothing that is waited for changes with it */
		break;
	}
}

void out_live_listening(struct out *o)
{
	if (o->live.line && is_command(o, "listen"))
		listening(o);
}

void out_step_begins(struct out *o, const struct out_step *s, uint64_t limit_ms)
{
	o = out_speak(o);
	if (o->live.line)
		passing(o, limit_ms, "line %u, %s", s->line, s->text);
}

void out_progress(struct out *o, unsigned done, unsigned of, unsigned failed)
{
	o = out_speak(o);
	if (of > 1) /* a single one says more by itself */
		live_progress(o->live.line, done, of, failed);
}

/* ---- life ---- */

/* Not among the lines of a trace, and not where others write to the terminal who know nothing of a
 * line to wipe: whoever reads our pipe. */
static bool is_wanted(const struct out *o)
{
	const struct out_config *c = &o->config;
	struct stat st;

	if (c->quiet || c->json || c->verbose > 0)
		return false;
	if (o->trace_stream.fd >= 0 && isatty(o->trace_stream.fd))
		return false;
	return fstat(STDOUT_FILENO, &st) != 0 || !S_ISFIFO(st.st_mode);
}

/* Whatever is written to a terminal wipes the line first. */
static void attach(struct out *o, struct live *line)
{
	struct out_stream *streams[] = { &o->result, &o->story, &o->plain, &o->trace_stream,
		&o->capture, &o->tap, &o->junit };

	for (size_t i = 0; i < ARRAY_LEN(streams); i++)
		streams[i]->live = streams[i]->fd >= 0 && isatty(streams[i]->fd) ? line : NULL;
}

void out_live_begin(struct out *o, uint64_t timeout_ms)
{
	char who[256];

	out_live_end(o);
	if (!is_wanted(o))
		return;
	snprintf(who, sizeof(who), "%s%s%s", o->config.command, o->config.target ? " " : "",
		o->config.target ? o->config.target : "");
	o->live = (struct out_live){ .line = live_new(who), .timeout_ms = timeout_ms };
	if (!o->live.line)
		return;
	attach(o, o->live.line);
	passing(o, 0, "resolving or connecting"); /* of a numeric host no event tells which */
}

void out_live_hide(struct out *o)
{
	live_hide(o->live.line);
}

void out_live_end(struct out *o)
{
	if (!o->live.line)
		return;
	live_free(o->live.line);
	o->live.line = NULL;
	attach(o, NULL);
}
