/* cli/party_do.c -- what a party does outside of calls: bindings, requests, subscriptions, presence
 */
#include "base/mem.h"
#include "endpoint/publication.h"
#include "endpoint/registration.h"
#include "endpoint/subscription.h"
#include "exit.h"
#include "party.h"
#include "run_register.h"

#include <regex.h>
#include <stdio.h>
#include <string.h>

enum {
	EXPIRES = 3600,
	HEARD_MAX = 1000, /* texts that nobody asked for; the oldest goes */
	BODY_MAX = 1 << 20,
};

static void tell(struct party *p)
{
	p->on_news(p->arg);
}

/* The step that is under way has come to its end, if this is what it waits for: a refresh, for
 * instance, may come at any time. False if it is not. */
static bool over(struct party *p, enum deed_kind kind, const struct endpoint_result *result)
{
	struct deed *d = &p->deed;

	if (d->over || d->kind != kind || p->run.stopping)
		return false;
	d->over = true;
	if (!result)
		return true;
	d->status = result->response ? result->response->status_code : 0;
	if (result->fail.code) {
		d->code = exit_of_result(result);
		snprintf(d->why, sizeof(d->why), "%s", fail_show(&result->fail));
	}
	return true;
}

/* What ends badly behind its step, or what the end of the run leaves behind: no step fails by it,
 * but it is told. */
static void lost(struct party *p, const char *what, const struct endpoint_result *result)
{
	if (result && result->fail.code)
		out_warn(p->run.out, "%s: %s", what, fail_show(&result->fail));
}

/* ---- bindings ---- */

static void on_registration(void *arg, const struct endpoint_event *ev)
{
	struct party *p = arg;

	out_event(p->run.out, ev);
	switch (ev->type) {
	case ENDPOINT_REGISTRATION:
		p->registered = ev->registration->active;
		if (p->registered) /* by a 2xx, and REGISTER has but one (RFC 3261 10.3) */
			over(p, DEED_BIND,
				&(struct endpoint_result){
					.response = &(struct endpoint_msg){ .status_code = 200 } });
		break;
	case ENDPOINT_FAILED:
	case ENDPOINT_CLOSED:
		if (!over(p, DEED_BIND, ev->result) && !over(p, DEED_UNBIND, ev->result))
			lost(p, "binding", ev->result);
		p->registered = false;
		registration_free(p->registration);
		p->registration = NULL;
		break;
	default:
		return;
	}
	tell(p);
}

int party_register(struct party *p, struct fail *f)
{
	struct registration_config c = run_register_config(&p->run);

	c.on_event = on_registration;
	c.arg = p;
	p->deed.kind = DEED_BIND;
	if (p->registration)
		return registration_refresh(p->registration) == 0
			       ? 0
			       : fail_set(f, -FAIL_STATE, "it registers already");
	return registration_start(&c, &p->registration, f);
}

int party_unregister(struct party *p, struct fail *f)
{
	if (!p->registration)
		return fail_set(f, -FAIL_STATE, "it is not registered");
	p->deed.kind = DEED_UNBIND;
	registration_stop(p->registration);
	return 0;
}

/* ---- requests ---- */

static void on_request(void *arg, const struct endpoint_event *ev)
{
	struct party *p = arg;

	if (ev->type != ENDPOINT_DONE && ev->type != ENDPOINT_FAILED) {
		out_event(p->run.out, ev);
		return;
	}
	over(p, DEED_REQUEST, ev->result);
	request_free(p->request);
	p->request = NULL;
	tell(p);
}

int party_send(struct party *p, const struct party_request *send, struct fail *f)
{
	const struct run *r = &p->run;
	const struct request_config c = {
		.endpoint = r->endpoint,
		.method = send->method,
		.target = send->target,
		.body = send->body,
		.type = send->type,
		.max_forwards = r->max_forwards,
		.timeout_ms = r->timeout_ms,
		.follow = r->follow,
		.retry = r->retry,
		.on_event = on_request,
		.arg = p,
	};

	p->deed.kind = DEED_REQUEST;
	return request_start(&c, &p->request, f);
}

/* ---- subscriptions ---- */

static void watch_ended(struct watch *w, const struct endpoint_result *result)
{
	snprintf(w->is.state, sizeof(w->is.state), "terminated");
	if (result && result->fail.code)
		snprintf(w->why, sizeof(w->why), "%s", fail_show(&result->fail));
	subscription_free(w->subscription);
	w->subscription = NULL;
}

static void on_subscription(void *arg, const struct endpoint_event *ev)
{
	struct watch *w = arg;
	struct party *p = w->party;

	out_event(p->run.out, ev);
	switch (ev->type) {
	case ENDPOINT_SUBSCRIPTION:
		snprintf(w->is.state, sizeof(w->is.state), "%s", ev->subscription->state);
		moments_add(&w->was, &w->is);
		break;
	case ENDPOINT_NOTIFY:
		party_hear(p, HEARD_NOTIFY, w, ev->notify->msg ? ev->notify->msg->body : STR_EMPTY);
		break;
	case ENDPOINT_DONE:
	case ENDPOINT_FAILED:
	case ENDPOINT_CLOSED:
		if (p->deed.over || p->run.stopping) /* else the step says it, or the next one */
			lost(p, w->name, ev->result);
		watch_ended(w, ev->result);
		break;
	default:
		return;
	}
	tell(p);
}

int party_subscribe(
	struct party *p, const char *name, struct str target, const char *package, struct fail *f)
{
	const struct run *r = &p->run;
	struct watch *w = MEM_NEW(struct watch);
	const struct subscription_config c = {
		.endpoint = r->endpoint,
		.target = target,
		.event = str_of(package),
		.expires = EXPIRES,
		.decode = true,
		.give_up = true,
		.max_forwards = r->max_forwards,
		.timeout_ms = r->timeout_ms,
		.follow = r->follow,
		.retry = r->retry,
		.recover_ms = r->recover_ms,
		.on_event = on_subscription,
		.arg = w,
	};
	int e;

	w->party = p;
	w->name = name;
	e = subscription_start(&c, &w->subscription, f);
	if (e) {
		mem_free(w);
		return e;
	}
	list_init(&w->node);
	list_add(&p->watches, &w->node);
	return 0;
}

struct watch *party_watch(struct party *p, const char *name)
{
	LIST_EACH (it, &p->watches) {
		struct watch *w = CONTAINER_OF(it, struct watch, node);
		if (strcmp(w->name, name) == 0)
			return w;
	}
	return NULL;
}

/* ---- presence ---- */

static void on_publication(void *arg, const struct endpoint_event *ev)
{
	struct party *p = arg;

	out_event(p->run.out, ev);
	switch (ev->type) {
	case ENDPOINT_PUBLICATION:
		if (strcmp(ev->publication->state, "active") == 0)
			over(p, DEED_PUBLISH,
				&(struct endpoint_result){ .response = ev->publication->msg });
		break;
	case ENDPOINT_DONE:
	case ENDPOINT_FAILED:
	case ENDPOINT_CLOSED:
		if (!over(p, DEED_PUBLISH, ev->result) && !over(p, DEED_UNPUBLISH, ev->result))
			lost(p, "publication", ev->result);
		publication_free(p->publication);
		p->publication = NULL;
		break;
	default:
		return;
	}
	tell(p);
}

int party_publish(struct party *p, bool open, const char *note, struct fail *f)
{
	CLEANUP(buf_done) struct buf body = BUF_INIT(BODY_MAX);
	const struct run *r = &p->run;
	struct str uri = endpoint_uri(r->endpoint);
	struct publication_config c = {
		.endpoint = r->endpoint,
		.target = uri,
		.event = STR("presence"),
		.expires = EXPIRES,
		.type = STR(PUBLICATION_PRESENCE_TYPE),
		.keep = true,
		.max_forwards = r->max_forwards,
		.timeout_ms = r->timeout_ms,
		.follow = r->follow,
		.retry = r->retry,
		.recover_ms = r->recover_ms,
		.on_event = on_publication,
		.arg = p,
	};

	publication_write_presence(
		&(struct publication_presence){ .entity = uri, .open = open, .note = str_of(note) },
		&body);
	p->deed.kind = DEED_PUBLISH;
	if (p->publication)
		return publication_modify(p->publication, c.type, buf_str(&body), f);
	c.body = buf_str(&body);
	return publication_start(&c, &p->publication, f);
}

int party_unpublish(struct party *p, struct fail *f)
{
	if (!p->publication)
		return fail_set(f, -FAIL_STATE, "nothing is published");
	p->deed.kind = DEED_UNPUBLISH;
	publication_stop(p->publication);
	return 0;
}

/* ---- what was heard ---- */

static void forget(struct party *p, struct heard *h)
{
	list_del(&h->node);
	mem_free(h);
	p->heard_count--;
}

/* Text of the wire as a C string: a NUL counts as a space. */
static void keep_text(char *to, struct str text)
{
	for (size_t i = 0; i < text.n; i++)
		to[i] = text.p[i] ? text.p[i] : ' ';
	to[text.n] = '\0';
}

void party_hear(struct party *p, enum heard_kind kind, const struct watch *w, struct str text)
{
	struct heard *h = mem_alloc(sizeof(*h) + text.n + 1);

	h->kind = kind;
	h->watch = w;
	keep_text(h->text, text);
	if (p->heard_count == HEARD_MAX)
		forget(p, CONTAINER_OF(list_first(&p->heard), struct heard, node));
	list_init(&h->node);
	list_add(&p->heard, &h->node);
	p->heard_count++;
}

bool party_heard(struct party *p, enum heard_kind kind, const struct watch *w, const char *regex)
{
	regex_t compiled;
	bool found = false;

	/* it was compiled when the file was read */
	if (regex && regcomp(&compiled, regex, REG_EXTENDED | REG_NOSUB | REG_NEWLINE) != 0)
		return false;
	LIST_EACH (it, &p->heard) {
		struct heard *h = CONTAINER_OF(it, struct heard, node);

		if (found || h->kind != kind || h->watch != w ||
			(regex && regexec(&compiled, h->text, 0, NULL, 0) != 0))
			continue;
		found = true;
		forget(p, h);
	}
	if (regex)
		regfree(&compiled);
	return found;
}
