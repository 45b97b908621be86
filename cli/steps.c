#include "steps.h"

#include "base/buf.h"
#include "call.h"
#include "exit.h"
#include "file.h"
#include "value.h"

#include <stdio.h>
#include <string.h>

enum {
	BODY_MAX = 65536,
	BUSY_MS = 50, /* another request of the session is on its way: asked again after it */
};

/* ---- texts ---- */

static const struct {
	const char *name;
	enum step_kind kind;
	enum { NONE, MAY, MUST } value;
	const char *word; /* for it */
} kinds[] = {
	{ "wait", STEP_WAIT, MUST, "T" },
	{ "hold", STEP_HOLD, NONE, "" },
	{ "resume", STEP_RESUME, NONE, "" },
	{ "reinvite", STEP_REINVITE, MAY, "FILE" },
	{ "update", STEP_UPDATE, MAY, "FILE" },
	{ "info", STEP_INFO, MUST, "MIME@FILE" },
	{ "refer", STEP_REFER, MUST, "URI" },
	{ "refer-replaces", STEP_REFER_REPLACES, MUST, "URI" },
	{ "message", STEP_MESSAGE, MUST, "TEXT" },
	{ "bye", STEP_BYE, NONE, "" },
};

static int unknown(const char *text, struct fail *f)
{
	const char *names[ARRAY_LEN(kinds) + 1] = { NULL }, *near;
	char shown[VALUE_SHOWN];
	size_t n = 0;
	char all[160];

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		names[i] = kinds[i].name;
		n += (size_t)snprintf(all + n, sizeof(all) - n, " %s", kinds[i].name);
	}
	near = value_nearest(text, names);
	value_show(text, shown);
	return near ? fail_set(f, -FAIL_ARGUMENT, "--do: %s is no step; did you mean %s?", shown,
			      near)
		    : fail_set(f, -FAIL_ARGUMENT, "--do: %s is no step; there are%s", shown, all);
}

static int read_body(const char *path, struct arena *a, struct str *out, struct fail *f)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(BODY_MAX);
	int e = file_read(path, &b);

	if (e)
		return fail_set(f, -FAIL_LOCAL, "--do: %s: %s", path, strerror(-e));
	*out = arena_str(a, buf_str(&b));
	return 0;
}

/* MIME@FILE */
static int info(struct step *s, const char *value, struct arena *a, struct fail *f)
{
	struct str type, file;
	int e;

	if (!str_cut(str_of(value), '@', &type, &file) || type.n == 0 || file.n == 0)
		return fail_set(f, -FAIL_ARGUMENT, "--do: info wants MIME@FILE");
	s->type = arena_str(a, type);
	if ((e = value_mime("--do", s->type.p, f)) != 0)
		return e;
	return read_body(file.p, a, &s->body, f);
}

static int refer(
	struct step *s, const char *value, struct str domain, struct arena *a, struct fail *f)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(BODY_MAX), called = BUF_INIT(BODY_MAX);
	struct fail why = { 0 };
	int e = endpoint_target_parse(str_of(value), domain, &b, &why);

	if (e == 0 && s->kind == STEP_REFER_REPLACES) /* we call it first */
		e = endpoint_target_request(buf_str(&b), STR("INVITE"), &called, &why);
	if (e != 0)
		return fail_set(f, -FAIL_ARGUMENT, "--do: %s", fail_show(&why));
	s->uri = arena_str(a, buf_str(s->kind == STEP_REFER_REPLACES ? &called : &b));
	return 0;
}

static int parse_value(
	struct step *s, const char *value, struct str domain, struct arena *a, struct fail *f)
{
	switch (s->kind) {
	case STEP_WAIT:
		return value_ms("--do", value, 0, &s->ms, f);
	case STEP_REINVITE:
	case STEP_UPDATE:
		return value ? read_body(value, a, &s->body, f) : 0;
	case STEP_INFO:
		return info(s, value, a, f);
	case STEP_REFER:
	case STEP_REFER_REPLACES:
		return refer(s, value, domain, a, f);
	case STEP_MESSAGE:
		s->type = STR("text/plain");
		s->body = str_of(value);
		return 0;
	case STEP_HOLD:
	case STEP_RESUME:
	case STEP_BYE:
		break;
	}
	return 0;
}

static int parse(
	struct step *s, const char *text, struct str domain, struct arena *a, struct fail *f)
{
	const char *colon = strchr(text, ':');
	size_t n = colon ? (size_t)(colon - text) : strlen(text);
	struct str word = { text, n };
	size_t i = 0;

	while (i < ARRAY_LEN(kinds) && !str_eq(word, str_of(kinds[i].name)))
		i++;
	if (i == ARRAY_LEN(kinds))
		return unknown(arena_str(a, word).p, f);
	s->kind = kinds[i].kind;
	s->text = text;
	if (kinds[i].value == NONE && colon)
		return fail_set(f, -FAIL_ARGUMENT, "--do: %s takes no value", kinds[i].name);
	if ((kinds[i].value == MUST && !colon) || (colon && colon[1] == '\0'))
		return fail_set(f, -FAIL_ARGUMENT, "--do: %s: without a value; say %s:%s",
			kinds[i].name, kinds[i].name, kinds[i].word);
	return parse_value(s, colon ? colon + 1 : NULL, domain, a, f);
}

int steps_parse(const struct values *texts, struct str default_domain, struct arena *a,
	struct step_list *out, struct fail *f)
{
	struct step *v = arena_zalloc(a, (texts->n + 1) * sizeof(*v));

	for (unsigned i = 0; i < texts->n; i++) {
		int e = parse(&v[i], texts->v[i], default_domain, a, f);

		if (e)
			return e;
		if (i > 0 && v[i - 1].kind == STEP_BYE)
			return fail_set(f, -FAIL_ARGUMENT, "--do: a step behind bye");
	}
	*out = (struct step_list){ v, texts->n };
	return 0;
}

/* ---- the run of them ---- */

static const struct step *current(const struct steps *s)
{
	return s->next < s->list.n ? &s->list.v[s->next] : NULL;
}

/* The step is done: the next one in a moment. */
static void finish(struct steps *s)
{
	s->under_way = false;
	s->next++;
	net_later(endpoint_loop(), &s->timer);
}

/* One failed, which was printed: none of the others makes sense. */
static void give_up(struct steps *s, int code)
{
	s->under_way = false;
	s->next = s->list.n;
	call_steps_over(s->call, code);
}

/* What the peer's peer answered, as the NOTIFY told. */
static void referred(struct steps *s)
{
	unsigned status = refer_status(s->refer);
	int code;

	refer_free(s->refer);
	s->refer = NULL;
	if (status / 100 == 2) {
		finish(s);
		return;
	}
	code = call_failed_status(s->call, current(s)->text, status, STR_EMPTY);
	give_up(s, code);
}

static void refer_failed(struct steps *s, const struct endpoint_result *result)
{
	const struct call_failure failure = {
		.what = current(s)->text, .result = result, .call = s->call
	};
	int code = call_failed(s->call->calls, &failure);

	refer_free(s->refer); /* the result was its */
	s->refer = NULL;
	give_up(s, code);
}

static void on_refer(void *arg, const struct endpoint_event *ev)
{
	struct steps *s = arg;
	struct calls *cs = s->call->calls;

	switch (ev->type) {
	case ENDPOINT_DONE:
		referred(s);
		break;
	case ENDPOINT_FAILED:
		refer_failed(s, ev->result);
		break;
	case ENDPOINT_CLOSED:
		refer_free(s->refer);
		s->refer = NULL;
		break;
	default:
		out_event(cs->run->out, ev);
		if (cs->on_event)
			cs->on_event(s->call, ev);
		break;
	}
}

static int start_refer(struct steps *s, struct str to, struct fail *f)
{
	struct call *c = s->call;
	const struct refer_config config = {
		.endpoint = c->calls->run->endpoint,
		.session = c->session,
		.refer_to = to,
		.max_forwards = c->calls->run->max_forwards,
		.timeout_ms = c->calls->run->timeout_ms,
		.notify_ms = c->calls->ring_ms,
		.on_event = on_refer,
		.arg = s,
	};

	return refer_start(&config, &s->refer, f);
}

static int start_consult(struct steps *s, struct str uri, struct fail *f)
{
	struct session_config config = call_config(s->call->calls, uri);
	int e = call_place(s->call->calls, &config, &s->consult, f);

	if (e)
		return e;
	s->consult->own = true;
	s->consult->consulted_by = s;
	return 0;
}

/* The consulted one is to be called by our peer, in our place (RFC 5589 section 7.3). */
static int replace(struct steps *s, struct fail *f)
{
	CLEANUP(buf_done) struct buf to = BUF_INIT(BODY_MAX), value = BUF_INIT(BODY_MAX);
	struct str uri = current(s)->uri;

	session_replaces(s->consult->session, &value);
	refer_write_replaces(&to, uri, buf_str(&value));
	return start_refer(s, buf_str(&to), f);
}

static int change(struct steps *s, const struct session_change *c, struct fail *f)
{
	return session_change(s->call->session, c, f);
}

static int begin(struct steps *s, const struct step *step, struct fail *f)
{
	struct session *session = s->call->session;

	switch (step->kind) {
	case STEP_HOLD:
		return change(s, &(struct session_change){ .direction = SDP_SENDONLY }, f);
	case STEP_RESUME:
		return change(s, &(struct session_change){ .direction = SDP_SENDRECV }, f);
	case STEP_REINVITE:
		return change(s, &(struct session_change){ .sdp = step->body }, f);
	case STEP_UPDATE:
		return change(s, &(struct session_change){ .update = true, .sdp = step->body }, f);
	case STEP_INFO:
		return session_send(session, STR("INFO"), step->type, step->body, f);
	case STEP_MESSAGE:
		return session_send(session, STR("MESSAGE"), step->type, step->body, f);
	case STEP_REFER:
		return start_refer(s, step->uri, f);
	case STEP_REFER_REPLACES:
		return start_consult(s, step->uri, f);
	case STEP_WAIT:
	case STEP_BYE:
		break;
	}
	return 0;
}

static void start_failed(struct steps *s, int e, const struct fail *f)
{
	const struct step *step = current(s);

	if (e == -FAIL_STATE && !session_is_confirmed(s->call->session))
		return; /* it has ended: that event comes */
	if (e == -FAIL_STATE) { /* a refresh, or a change of the peer's: one after another */
		net_timer_set(endpoint_loop(), &s->timer, net_now_ms() + BUSY_MS);
		return;
	}
	give_up(s, call_failed(s->call->calls, &(struct call_failure){ .what = step->text,
						       .why = fail_show(f),
						       .code = exit_of_fail(e),
						       .call = s->call }));
}

/* The step that comes. */
static void go_on(struct steps *s)
{
	const struct step *step = current(s);
	struct fail f = { 0 };
	int e;

	if (!step) {
		call_steps_over(s->call, EXIT_ok);
		return;
	}
	if (step->kind == STEP_BYE) {
		s->next++;
		call_stop(s->call);
		return;
	}
	s->under_way = true;
	if (step->kind == STEP_WAIT) {
		net_timer_set(endpoint_loop(), &s->timer, net_now_ms() + step->ms);
		return;
	}
	e = begin(s, step, &f);
	if (e == 0)
		return;
	s->under_way = false;
	start_failed(s, e, &f);
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct steps *s = CONTAINER_OF(w, struct steps, timer);

	(void)revents;
	ev_timer_stop(loop, w);
	if (s->under_way) { /* a wait is over */
		s->under_way = false;
		s->next++;
	}
	go_on(s);
}

void steps_init(struct steps *s, struct call *call, struct step_list list)
{
	*s = (struct steps){ .list = list, .call = call };
	ev_init(&s->timer, on_timer);
}

void steps_done(struct steps *s)
{
	if (!s->call)
		return;
	ev_timer_stop(endpoint_loop(), &s->timer);
	refer_free(s->refer);
	s->refer = NULL;
	if (s->consult)
		s->consult->consulted_by = NULL;
	s->consult = NULL;
}

void steps_start(struct steps *s)
{
	s->begun = true;
	net_later(endpoint_loop(), &s->timer);
}

/* What was said in the call. */
static void told(struct steps *s, const struct endpoint_result *result)
{
	const struct step *step = current(s);
	const struct endpoint_msg *m = result->response;

	out_message(s->call->calls->run->out,
		&(struct out_message){
			.sent = true,
			.dialog = s->call->id,
			.method = step->kind == STEP_INFO ? STR("INFO") : STR("MESSAGE"),
			.from = m ? &m->from : NULL,
			.to = m ? &m->to : NULL,
			.content_type = step->type,
			.body = step->body,
			.status = m ? m->status_code : 0,
			.reason_phrase = m ? m->reason_phrase : STR_EMPTY,
		});
}

void steps_answered(struct steps *s, const struct endpoint_result *result)
{
	const struct step *step = current(s);

	if (!s->under_way || !step || step->kind == STEP_WAIT || s->refer || s->consult)
		return;
	if ((result->fail.code == -FAIL_CANCELLED && !result->response) ||
		(result->fail.code != 0 && !session_is_confirmed(s->call->session)))
		return; /* the call has ended, or is lost with this: that event comes */
	if (step->kind == STEP_INFO || step->kind == STEP_MESSAGE)
		told(s, result);
	if (result->fail.code == 0) {
		finish(s);
		return;
	}
	give_up(s, call_failed(s->call->calls,
			   &(struct call_failure){
				   .what = step->text, .result = result, .call = s->call }));
}

void steps_consulted(struct steps *s, bool confirmed)
{
	struct fail f = { 0 };
	int e;

	if (!s->consult || !current(s))
		return;
	if (!confirmed) { /* after its REFER the call may end as it likes */
		s->consult = NULL;
		if (s->under_way && !s->refer)
			give_up(s, s->call->calls->failed);
		return;
	}
	e = replace(s, &f);
	s->consult->consulted_by = NULL;
	s->consult = NULL;
	if (e == 0)
		return;
	s->under_way = false;
	give_up(s, call_failed(s->call->calls, &(struct call_failure){ .what = current(s)->text,
						       .why = fail_show(&f),
						       .code = exit_of_fail(e),
						       .call = s->call }));
}

const char *steps_left(const struct steps *s)
{
	for (unsigned i = s->next; i < s->list.n; i++)
		if (s->list.v[i].kind != STEP_WAIT && s->list.v[i].kind != STEP_BYE)
			return s->list.v[i].text;
	return NULL;
}

void steps_move(struct steps *from, struct steps *to)
{
	double left = from->under_way && current(from) && current(from)->kind == STEP_WAIT
			      ? ev_timer_remaining(endpoint_loop(), &from->timer)
			      : -1;

	to->list = from->list;
	to->next = from->next;
	to->begun = from->begun;
	steps_done(from);
	from->next = from->list.n;
	if (!to->begun)
		return;
	to->under_way = left > 0;
	if (to->under_way)
		net_timer_set(endpoint_loop(), &to->timer, net_now_ms() + (uint64_t)(left * 1000));
	else if (to->call->confirmed)
		net_later(endpoint_loop(), &to->timer);
}
