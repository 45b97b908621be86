#include "answer.h"

#include "base/mem.h"
#include "base/text.h"
#include "endpoint/refer.h"
#include "exit.h"
#include "hook.h"
#include "value.h"

#include <stdio.h>
#include <string.h>

enum {
	JOBS_MAX = 100000, /* requests that wait for their answer, and calls; more are refused */
	INPUT_MAX = 128 << 20, /* of one command; a message is bounded by --max-message */
	RUNNING_MAX = 16, /* commands of --exec at a time; further requests wait in a queue */
	WAITING_MAX = 256 << 20, /* bytes of that queue; what does not fit is refused with 503 */
};

/* A request on the way to its answer. That of an INVITE goes with its 2xx, otherwise with the call.
 */
/* Of an INVITE what the records of its answers need. */
struct invite {
	struct arena arena;
	struct endpoint_msg msg;
};

struct job {
	struct list node; /* in answers.jobs */
	struct list queued; /* in answers.queue */
	struct answers *answers;
	struct incoming *request; /* NULL: it is an INVITE, or was answered */
	struct call *call;
	struct invite *invite; /* until its final answer */
	struct reply reply; /* what it will be: views of options, or of line */
	char *line; /* what --exec has printed */
	struct buf input; /* for --exec */
	struct hook hook;
	ev_timer timer; /* until the answer */
	bool challenged; /* it is asked to come again, and does not count */
};

/* ---- options ---- */

/* Methods that have an answer by themselves. */
static const char usual[] = "INVITE,MESSAGE,INFO,OPTIONS,REFER";
static const char unsolicited[] = "INVITE,MESSAGE,INFO,OPTIONS,REFER,NOTIFY,BENOTIFY";

static bool is_in(struct str name, const char *list)
{
	struct str rest = str_of(list), one;

	while (rest.n > 0) {
		if (!str_cut(rest, ',', &one, &rest)) {
			one = rest;
			rest = STR_EMPTY;
		}
		if (str_eq(one, name))
			return true;
	}
	return false;
}

static int check_rule(const struct reply *r, struct fail *f)
{
	bool invite = str_eq(r->method, STR("INVITE"));

	if (r->status >= 100 && r->status < 200 && !invite)
		return fail_set(f, -FAIL_ARGUMENT, "--reply: %u is for INVITE only", r->status);
	if (r->status == 100)
		return fail_set(f, -FAIL_ARGUMENT, "--reply: 100 is sent anyway");
	if (str_eq(r->method, STR("REFER")) && r->status < 300)
		return fail_set(f, -FAIL_ARGUMENT,
			"--reply: REFER is accepted with --on-refer, or refused here");
	return 0;
}

static int rules(struct answer_options *o, struct groups *g, struct fail *f)
{
	struct fail why = { 0 };
	int e = 0;

	o->rules = arena_zalloc(&g->arena, (o->replies.n + 1) * sizeof(*o->rules));
	for (unsigned i = 0; i < o->replies.n && e == 0; i++) {
		if (reply_parse(str_of(o->replies.v[i]), &o->rules[i], &why) != 0)
			return fail_set(f, -FAIL_ARGUMENT, "--reply: %s", fail_show(&why));
		e = check_rule(&o->rules[i], f);
	}
	return e;
}

static int plain(struct answer_options *o, struct fail *f)
{
	struct reply *r = &o->plain;

	r->status = o->redirect.n ? 302 : 200;
	if (!o->answer)
		return 0;
	if (!reply_status(str_of(o->answer), &r->status, &r->reason) || r->status < 200)
		return fail_set(f, -FAIL_ARGUMENT,
			"--answer: \"%s\" is not STATUS[ REASON] from 200 to 699", o->answer);
	if (o->redirect.n && r->status / 100 != 3)
		return fail_set(f, -FAIL_ARGUMENT, "--answer: no 3xx, with --redirect");
	return 0;
}

static int redirect(struct answer_options *o, struct groups *g, struct fail *f)
{
	struct endpoint_header *list = arena_zalloc(&g->arena, (o->redirect.n + 1) * sizeof(*list));
	struct fail why = { 0 };

	for (unsigned i = 0; i < o->redirect.n; i++) {
		CLEANUP(buf_done) struct buf b = BUF_INIT(1 << 16);

		buf_add_char(&b, '<');
		if (endpoint_target_parse(str_of(o->redirect.v[i]), STR_EMPTY, &b, &why) != 0)
			return fail_set(f, -FAIL_ARGUMENT, "--redirect: %s", fail_show(&why));
		buf_add_char(&b, '>');
		list[i] = (struct endpoint_header){ ENDPOINT_HEADER_ADD, STR("Contact"),
			arena_str(&g->arena, buf_str(&b)) };
	}
	o->contacts = list;
	return 0;
}

int answer_options_read(struct answer_options *o, struct groups *g, struct fail *f)
{
	int e;

	if ((e = plain(o, f)) != 0 || (e = redirect(o, g, f)) != 0 || (e = rules(o, g, f)) != 0 ||
		(e = value_ms("--ring", o->ring, 0, &o->ring_ms, f)) != 0 ||
		(e = value_clean("--challenge", o->challenge, f)) != 0)
		return e;
	if (o->challenge && strpbrk(o->challenge, "\"\\"))
		return fail_set(
			f, -FAIL_ARGUMENT, "--challenge: a realm has no quotes and backslashes");
	if (o->exec && (o->answer || o->redirect.n))
		return fail_set(
			f, -FAIL_ARGUMENT, "--exec with --%s", o->answer ? "answer" : "redirect");
	return o->exec ? hook_parse(o->exec, &g->arena, &o->command, f) : 0;
}

const char *answer_methods(const struct answer_options *o)
{
	const char *list = o->unsolicited ? unsolicited : usual;

	/* who says what is answered, says it for all methods */
	if (o->answer || o->exec || o->redirect.n)
		return "*";
	for (unsigned i = 0; i < o->replies.n; i++)
		if (!is_in(o->rules[i].method, list))
			return "*";
	return list;
}

/* ---- jobs ---- */

static struct job *job_new(struct answers *as)
{
	struct job *j = MEM_NEW(struct job);

	list_init(&j->node);
	list_init(&j->queued);
	list_add(&as->jobs, &j->node);
	as->job_count++;
	j->answers = as;
	return j;
}

static void forget_invite(struct job *j)
{
	if (!j->invite)
		return;
	arena_done(&j->invite->arena);
	mem_free(j->invite);
	j->invite = NULL;
}

/* Its command is started, or not needed any more. */
static void leave_queue(struct job *j)
{
	list_del(&j->queued);
	j->answers->input -= j->input.n;
	buf_done(&j->input);
}

static void job_free(struct job *j)
{
	struct answers *as = j->answers;

	if (j->hook.pid) {
		as->running--;
		hook_stop(&j->hook);
	}
	ev_timer_stop(endpoint_loop(), &j->timer);
	leave_queue(j);
	list_del(&j->node);
	as->job_count--;
	mem_free(j->line);
	forget_invite(j);
	if (j->call)
		j->call->arg = NULL;
	mem_free(j);
}

/* ---- the answer itself ---- */

static struct str phrase_of(const struct reply *r)
{
	return r->reason.n || r->status == 0 ? r->reason : reply_phrase(r->status);
}

/* The record, then the answer: `in` is gone afterwards. */
static void answer(struct answers *as, struct incoming *in, const struct incoming_answer *a)
{
	struct endpoint_msg m = *incoming_msg(in);
	struct out *o = as->run->out;

	m.replied = str_eq(m.method, STR("BENOTIFY")) ? 0 : a->status;
	if (a->status == 401) /* what it says was not taken */
		out_answered(o, &m, a->reason);
	else if (str_eq(m.method, STR("MESSAGE")) || str_eq(m.method, STR("INFO")))
		out_message(o, &(struct out_message){ .method = m.method,
				       .from = &m.from,
				       .to = &m.to,
				       .content_type = m.content_type,
				       .body = m.body,
				       .status = m.replied,
				       .reason_phrase = a->reason });
	else if (str_eq(m.method, STR("NOTIFY")) || str_eq(m.method, STR("BENOTIFY")))
		out_notify(o, &m);
	else
		out_answered(o, &m, a->reason);
	incoming_answer(in, a);
}

/* Headers of a reply: Retry-After, Contact of a redirection. */
struct headers {
	struct endpoint_header one;
	char number[16];
	const struct endpoint_header *v;
	unsigned n;
};

static void headers_of(const struct answer_options *o, const struct reply *r, struct headers *h)
{
	*h = (struct headers){ .v = NULL };
	if (r->has_retry_after) {
		snprintf(h->number, sizeof(h->number), "%u", r->retry_after);
		h->one = (struct endpoint_header){ ENDPOINT_HEADER_SET, STR("Retry-After"),
			str_of(h->number) };
		h->v = &h->one;
		h->n = 1;
	} else if (r->status / 100 == 3) {
		h->v = o->contacts;
		h->n = o->redirect.n;
	}
}

static void answer_request(struct answers *as, struct incoming *in, const struct reply *r)
{
	struct headers h;

	headers_of(as->options, r, &h);
	answer(as, in,
		&(struct incoming_answer){ .status = r->status,
			.reason = phrase_of(r),
			.headers = h.v,
			.header_count = h.n });
}

/* The record of an answer to an INVITE. */
static void tell_invite(struct job *j, unsigned status, struct str reason)
{
	if (!j->invite)
		return;
	j->invite->msg.replied = status;
	out_answered(j->answers->run->out, &j->invite->msg, reason);
	if (status >= 200) /* the call may stay open for long */
		forget_invite(j);
}

static void keep_invite(struct job *j, const struct endpoint_msg *m)
{
	struct arena *a;

	j->invite = MEM_NEW(struct invite);
	a = &j->invite->arena;
	j->invite->msg = (struct endpoint_msg){
		.method = STR("INVITE"),
		.call_id = arena_str(a, m->call_id),
		.cseq = m->cseq,
		.from.uri = arena_str(a, m->from.uri),
		.remote = { m->remote.transport, arena_str(a, m->remote.address), m->remote.port },
	};
}

static void ring_call(struct job *j, unsigned status, struct str reason)
{
	struct fail f = { 0 };

	if (session_ring(j->call->session, status, reason, false, &f) == 0)
		tell_invite(j, status, reason);
	else
		out_note(j->answers->run->out, "%u: %s", status, fail_show(&f));
}

static void refuse_call(struct job *j, unsigned status, struct str reason,
	const struct endpoint_header *headers, unsigned n)
{
	struct fail f = { 0 };

	if (session_reject(j->call->session, status, reason, headers, n, &f) == 0)
		tell_invite(j, status, reason);
	else
		out_note(j->answers->run->out, "%u: %s", status, fail_show(&f));
}

/* What cannot be accepted ends by itself (488), or here. */
static void accept_call(struct job *j, unsigned status, struct str reason)
{
	struct answers *as = j->answers;
	struct fail f = { 0 };
	char what[32];
	int e = session_accept(j->call->session, status, reason, &f);

	if (e == 0) {
		tell_invite(j, status, reason);
		j->call->accepted = true;
		job_free(j); /* a call may stay open for long, and thousands beside it */
		return;
	}
	if (e == -FAIL_STATE) { /* it was refused when it was taken: 420, 421, 422 */
		out_note(as->run->out, "%u: %s", status, fail_show(&f));
		return;
	}
	snprintf(what, sizeof(what), j->call->id ? "call d%u" : "a call", j->call->id);
	call_failed(
		as->calls, &(struct call_failure){
				   .what = what, .why = fail_show(&f), .code = exit_of_fail(e) });
	if (e == -FAIL_MEDIA)
		tell_invite(j, 488, reply_phrase(488));
	else
		call_stop(j->call);
}

/* Provisional: it rings until the caller gives up; 2xx: a call; else refused. */
static void answer_invite(struct job *j, const struct reply *r)
{
	struct headers h;

	headers_of(j->answers->options, r, &h);
	if (r->status >= 300)
		refuse_call(j, r->status, phrase_of(r), h.v, h.n);
	else if (r->status >= 200)
		accept_call(j, r->status, phrase_of(r));
	else if (r->status > 0) /* 0: --reply='INVITE=0' */
		ring_call(j, r->status, phrase_of(r));
}

/* Answers a job that waited. It may be gone afterwards. */
static void answer_job(struct job *j)
{
	struct answers *as = j->answers;
	struct incoming *in = j->request;

	if (!in) {
		answer_invite(j, &j->reply);
		return;
	}
	answer_request(as, in, &j->reply);
	job_free(j);
	if (as->on_taken)
		as->on_taken(as);
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int revents)
{
	(void)revents;
	ev_timer_stop(loop, w);
	answer_job(CONTAINER_OF(w, struct job, timer));
}

/* ---- --exec ---- */

static void next_hook(struct answers *as);

/* The answer is 500, and the code of the run 20 (ruling 23). */
static void hook_failed(struct job *j, const struct fail *f)
{
	struct run *r = j->answers->run;

	out_error(r->out, EXIT_local, fail_show(f), NULL);
	if (r->exit_code == EXIT_ok)
		r->exit_code = EXIT_local;
	j->reply = (struct reply){ .status = 500 };
}

static void on_hook_end(struct hook *h, struct str line, const struct fail *f)
{
	struct job *j = CONTAINER_OF(h, struct job, hook);
	struct answers *as = j->answers;
	struct fail why = { 0 };

	as->running--;
	j->line = mem_strndup(line.p, line.n);
	if (!f && (!reply_status(str_of(j->line), &j->reply.status, &j->reply.reason) ||
			  j->reply.status < 200)) {
		fail_set(&why, -FAIL_LOCAL,
			"--exec: %s: its first line is not STATUS[ REASON] from 200 to 699",
			h->name);
		f = &why;
	}
	if (f)
		hook_failed(j, f);
	next_hook(as);
	answer_job(j);
}

static void start_hook(struct job *j)
{
	struct answers *as = j->answers;
	struct fail f = { 0 };
	int e;

	j->hook.on_end = on_hook_end;
	e = hook_start(&j->hook, as->options->command, buf_str(&j->input), as->run->timeout_ms, &f);
	leave_queue(j);
	if (e == 0) {
		as->running++;
		return;
	}
	hook_failed(j, &f);
	net_later(endpoint_loop(), &j->timer);
}

static void next_hook(struct answers *as)
{
	struct list *first;

	while (as->running < RUNNING_MAX && (first = list_first(&as->queue)) != NULL)
		start_hook(CONTAINER_OF(first, struct job, queued));
}

static void ask_command(struct job *j, const struct endpoint_msg *m)
{
	buf_init(&j->input, INPUT_MAX);
	out_request_json(j->answers->run->out, m, &j->input);
	j->answers->input += j->input.n;
	if (j->input.fail || j->answers->input > WAITING_MAX) {
		leave_queue(j);
		j->reply = (struct reply){ .status = 503 };
		net_later(endpoint_loop(), &j->timer);
		return;
	}
	list_add(&j->answers->queue, &j->queued);
	next_hook(j->answers);
}

/* ---- what comes ---- */

static const struct reply *rule_for(const struct answer_options *o, const struct endpoint_msg *m)
{
	for (unsigned i = 0; i < o->replies.n; i++)
		if (reply_matches(&o->rules[i], m->msg))
			return &o->rules[i];
	return NULL;
}

/* What a request gets that no rule is for. NULL: the command decides. */
static const struct reply *usual_for(const struct answer_options *o, const struct endpoint_msg *m)
{
	static const struct reply not_ours = { .status = 481 }, unknown = { .status = 405 };
	bool notify = str_eq(m->method, STR("NOTIFY")) || str_eq(m->method, STR("BENOTIFY"));

	if (notify && !o->unsolicited)
		return &not_ours; /* ruling 9 */
	if (o->command)
		return NULL;
	if (notify || o->answer || o->redirect.n || is_in(m->method, usual))
		return &o->plain;
	return &unknown;
}

static bool wants_challenge(const struct answer_options *o, const struct endpoint_msg *m)
{
	struct str value;

	return o->challenge && !endpoint_msg_header(m, STR("Authorization"), 0, &value) &&
	       !endpoint_msg_header(m, STR("Proxy-Authorization"), 0, &value);
}

/* RFC 3261 section 22: asked once; whatever comes then is taken. Of the algorithms, the one that
 * every peer has. */
static struct endpoint_header challenge_of(const struct answer_options *o, struct buf *value)
{
	char nonce[33];

	text_token(nonce, sizeof(nonce) - 1);
	buf_addf(value, "Digest realm=\"%s\", nonce=\"%s\", algorithm=MD5, qop=\"auth\"",
		o->challenge, nonce);
	return (struct endpoint_header){ ENDPOINT_HEADER_SET, STR("WWW-Authenticate"),
		buf_str(value) };
}

bool answer_decides(const struct answer_options *o, const struct endpoint_msg *invite)
{
	return o->answer || o->ring || o->redirect.n || o->exec || o->challenge ||
	       rule_for(o, invite);
}

static void on_invite(struct answers *as, const struct endpoint_incoming *in)
{
	const struct answer_options *o = as->options;
	const struct endpoint_msg *m = in->msg;
	CLEANUP(buf_done) struct buf value = BUF_INIT(1 << 16);
	const struct reply *rule = rule_for(o, m), *r = rule ? rule : usual_for(o, m);
	struct endpoint_header challenge;
	struct job *j;

	if (as->job_count >= JOBS_MAX || call_all_count(as->calls) >= JOBS_MAX)
		return; /* 480 */
	j = job_new(as);
	ev_init(&j->timer, on_timer);
	j->call = call_take(as->calls, in->session);
	j->call->arg = j;
	keep_invite(j, m);
	if (wants_challenge(o, m)) {
		j->challenged = true;
		challenge = challenge_of(o, &value);
		refuse_call(j, 401, reply_phrase(401), &challenge, 1);
		return;
	}
	if (o->ring)
		ring_call(j, 180, reply_phrase(180));
	if (r)
		j->reply = *r;
	if (!r)
		ask_command(j, m);
	else if (r->after_ms || o->ring_ms)
		net_timer_set(endpoint_loop(), &j->timer,
			net_now_ms() + (r->after_ms ? r->after_ms : o->ring_ms));
	else
		answer_invite(j, r);
}

static void on_request(struct answers *as, const struct endpoint_incoming *in)
{
	const struct answer_options *o = as->options;
	CLEANUP(buf_done) struct buf value = BUF_INIT(1 << 16);
	const struct reply *rule = rule_for(o, in->msg), *r = rule ? rule : usual_for(o, in->msg);
	struct endpoint_header challenge;
	struct job *j;

	if (wants_challenge(o, in->msg)) {
		challenge = challenge_of(o, &value);
		answer(as, in->request,
			&(struct incoming_answer){ .status = 401,
				.reason = reply_phrase(401),
				.headers = &challenge,
				.header_count = 1 });
		return;
	}
	if (as->job_count >= JOBS_MAX) {
		answer_request(as, in->request, &(struct reply){ .status = 503 });
		return;
	}
	if (r && r->after_ms == 0) {
		answer_request(as, in->request, r);
		if (as->on_taken)
			as->on_taken(as);
		return;
	}
	j = job_new(as);
	ev_init(&j->timer, on_timer);
	j->request = in->request;
	incoming_keep(in->request);
	if (!r) {
		ask_command(j, in->msg);
		return;
	}
	j->reply = *r;
	net_timer_set(endpoint_loop(), &j->timer, net_now_ms() + r->after_ms);
}

/* A REFER outside of any call (RF-05). One that is followed counts when its call ends. */
static void on_refer(struct answers *as, const struct endpoint_transfer *t)
{
	const struct reply *r = t->msg ? rule_for(as->options, t->msg) : NULL;
	unsigned calls = call_all_count(as->calls);

	if (r)
		refer_decline(t->refer, r->status, r->reason);
	else
		call_refer(as->calls, NULL, t);
	if (call_all_count(as->calls) == calls && as->on_taken)
		as->on_taken(as);
}

void answer_event(struct answers *as, const struct endpoint_event *ev)
{
	if (ev->type == ENDPOINT_TRANSFER) {
		if (ev->transfer->received && strcmp(ev->transfer->state, "pending") == 0)
			on_refer(as, ev->transfer);
	} else if (ev->incoming->request) {
		on_request(as, ev->incoming);
	} else {
		on_invite(as, ev->incoming);
	}
}

bool answer_ended(struct answers *as, struct call *c, const struct endpoint_event *ev)
{
	struct job *j = c->arg;
	bool counts = !j || !j->challenged, failed = c->accepted && ev->type == ENDPOINT_FAILED;
	char what[32];

	if (j && j->invite && session_refused(c->session)) /* cancelled, or 488 */
		tell_invite(
			j, session_refused(c->session), reply_phrase(session_refused(c->session)));
	if (j) {
		job_free(j);
		if (!as->run->stopping) /* a caller gave up: its command was ended */
			next_hook(as);
	}
	if (c->own)
		return c->from == NULL; /* of a REFER outside of any call */
	if (!failed || as->run->stopping)
		return counts;
	snprintf(what, sizeof(what), c->id ? "call d%u" : "a call", c->id);
	call_failed(as->calls, &(struct call_failure){ .what = what, .result = ev->result });
	return counts;
}

/* ---- life ---- */

void answer_init(
	struct answers *as, struct run *r, struct calls *calls, const struct answer_options *o)
{
	as->run = r;
	as->calls = calls;
	as->options = o;
	list_init(&as->jobs);
	list_init(&as->queue);
}

void answer_stop(struct answers *as)
{
	LIST_EACH (it, &as->jobs) {
		struct job *j = CONTAINER_OF(it, struct job, node);

		if (!j->request)
			continue;
		answer_request(as, j->request, &(struct reply){ .status = 480 });
		job_free(j);
	}
}

void answer_done(struct answers *as)
{
	if (!as->run)
		return;
	while (!list_empty(&as->jobs))
		job_free(CONTAINER_OF(list_first(&as->jobs), struct job, node));
}
