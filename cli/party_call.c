/* cli/party_call.c -- the calls of a party by the names that a scenario gives them */
#include "base/mem.h"
#include "exit.h"
#include "party.h"

#include <stdio.h>
#include <string.h>

static void copy(char *to, size_t n, struct str text)
{
	snprintf(to, n, STR_FMT, STR_ARG(text));
}

/* ---- legs ---- */

static struct leg *leg_new(struct party *p, struct call *c, const char *name)
{
	struct leg *l = MEM_NEW(struct leg);

	l->call = c;
	l->name = name;
	snprintf(l->is.state, sizeof(l->is.state), "trying");
	list_init(&l->node);
	list_add(&p->legs, &l->node);
	return l;
}

/* Of a call that a transfer or an answer by itself has made, it is new. */
static struct leg *leg_of(struct party *p, struct call *c)
{
	LIST_EACH (it, &p->legs) {
		struct leg *l = CONTAINER_OF(it, struct leg, node);
		if (l->call == c)
			return l;
	}
	return leg_new(p, c, NULL);
}

struct leg *party_leg(struct party *p, const char *name)
{
	LIST_EACH (it, &p->legs) {
		struct leg *l = CONTAINER_OF(it, struct leg, node);
		if (l->name && strcmp(l->name, name) == 0)
			return l;
	}
	return NULL;
}

struct leg *party_nameless(
	struct party *p, bool (*passes)(void *arg, const struct leg *leg), void *arg)
{
	LIST_EACH (it, &p->legs) {
		struct leg *l = CONTAINER_OF(it, struct leg, node);
		if (!l->name && l->incoming && passes(arg, l))
			return l;
	}
	return NULL;
}

/* ---- events ---- */

static void on_session(struct leg *l, const struct endpoint_session *s)
{
	if (s->extra)
		return;
	copy(l->is.state, sizeof(l->is.state), str_of(s->state));
	copy(l->is.cause, sizeof(l->is.cause), str_of(s->cause));
	if (s->news)
		copy(l->is.news, sizeof(l->is.news), str_of(s->news));
	if (s->call_id.n)
		copy(l->call_id, sizeof(l->call_id), s->call_id);
	l->incoming = !s->initiator;
	if (s->status_code)
		l->is.status = s->status_code;
	else if (l->incoming && strcmp(s->state, "confirmed") == 0 && l->is.status < 200)
		l->is.status = 200; /* by `answer` of its section */
	moments_add(&l->was, &l->is);
}

static void ended(struct leg *l, const struct endpoint_result *result)
{
	l->call = NULL;
	copy(l->is.state, sizeof(l->is.state), STR("terminated"));
	if (!result || !result->fail.code)
		return;
	if (result->response && result->response->status_code >= 300)
		l->is.status = result->response->status_code;
	if (!l->is.cause[0])
		copy(l->is.cause, sizeof(l->is.cause), STR("error"));
	copy(l->why, sizeof(l->why), str_of(fail_show(&result->fail)));
}

/* A MESSAGE or INFO, in a call or outside. */
static void hear(struct party *p, const struct endpoint_msg *m)
{
	if (str_eq(m->method, STR("MESSAGE")))
		party_hear(p, HEARD_MESSAGE, NULL, m->body);
	else if (str_eq(m->method, STR("INFO")))
		party_hear(p, HEARD_INFO, NULL, m->body);
}

/* Is it a step in this call that is under way? */
static bool waits_for(const struct party *p, const struct call *c)
{
	return p->deed.kind == DEED_IN_CALL && p->deed.call == c && !p->deed.over;
}

static void on_call(struct call *c, const struct endpoint_event *ev)
{
	struct party *p = c->calls->arg;

	switch (ev->type) {
	case ENDPOINT_SESSION:
		on_session(leg_of(p, c), ev->session);
		break;
	case ENDPOINT_INCOMING:
		hear(p, ev->incoming->msg);
		break;
	case ENDPOINT_ANSWERED:
		if (waits_for(p, c) && ev->result->response)
			p->deed.status = ev->result->response->status_code;
		return;
	case ENDPOINT_FAILED:
	case ENDPOINT_CLOSED:
		answer_ended(&p->answers, c, ev);
		ended(leg_of(p, c), ev->result);
		break;
	default:
		return;
	}
	p->on_news(p->arg);
}

void party_incoming(struct run *r, const struct endpoint_event *ev)
{
	struct party *p = r->arg;
	struct leg *l;

	if (p->run.stopping && ev->type == ENDPOINT_INCOMING) {
		if (ev->incoming->request)
			incoming_answer(
				ev->incoming->request, &(struct incoming_answer){ .status = 480 });
		return; /* an INVITE gets 480 by itself */
	}
	if (ev->type == ENDPOINT_INCOMING && ev->incoming->request)
		hear(p, ev->incoming->msg);
	if (ev->type != ENDPOINT_INCOMING || ev->incoming->request ||
		answer_decides(&p->answer_options, ev->incoming->msg)) {
		answer_event(&p->answers, ev);
	} else {
		l = leg_of(p, call_take(&p->calls, ev->incoming->session));
		l->incoming = true;
		copy(l->call_id, sizeof(l->call_id), ev->incoming->msg->call_id);
	}
	p->on_news(p->arg);
}

/* ---- steps within a call ---- */

/* That of another call, which a transfer has placed or which answers by itself, is told, and no
 * step fails by it. */
static void on_failure(struct call *c, struct calls *cs, int code, const char *text,
	const struct endpoint_result *result)
{
	struct party *p = cs->arg;
	struct deed *d = &p->deed;

	if (!c || !waits_for(p, c)) {
		out_warn(p->run.out, "%s", text);
		return;
	}
	d->over = true;
	d->code = code;
	d->status = result && result->response ? result->response->status_code : 0;
	snprintf(d->why, sizeof(d->why), "%s", text);
	p->on_news(p->arg);
}

static void on_steps_over(struct call *c)
{
	struct party *p = c->calls->arg;

	if (c->steps.list.n == 0 || !waits_for(p, c))
		return; /* it is confirmed, no more */
	p->deed.over = true;
	p->on_news(p->arg);
}

int party_step(struct party *p, struct leg *leg, const struct step *step, struct fail *f)
{
	struct call *c = leg->call;

	if (!c)
		return fail_set(f, -FAIL_STATE, "the call has ended");
	p->deed.kind = DEED_IN_CALL;
	p->deed.call = c;
	p->calls.failed = EXIT_ok;
	steps_done(&c->steps);
	steps_init(&c->steps, c, (struct step_list){ step, 1 });
	steps_start(&c->steps);
	return 0;
}

int party_invite(struct party *p, const char *name, struct str target, struct fail *f)
{
	struct session_config config = call_config(&p->calls, target);
	struct call *c = NULL;
	int e = call_place(&p->calls, &config, &c, f);

	if (e)
		return e;
	leg_new(p, c, name);
	return 0;
}

/* ---- life ---- */

void party_calls_init(struct party *p)
{
	p->calls.on_event = on_call;
	p->calls.on_failure = on_failure;
	p->calls.on_steps_over = on_steps_over;
	p->calls.arg = p;
	answer_init(&p->answers, &p->run, &p->calls, &p->answer_options);
}

void party_calls_done(struct party *p)
{
	answer_done(&p->answers);
	call_all_done(&p->calls);
	LIST_EACH (it, &p->legs) {
		list_del(it);
		mem_free(CONTAINER_OF(it, struct leg, node));
	}
}
