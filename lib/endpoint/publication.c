/* lib/endpoint/publication.c -- the course of a publication: publish, refresh, modify, remove; RFC
 * 3903 section 4, ruling 5 */
#include "endpoint/publication.h"

#include "base/mem.h"
#include "base/text.h"
#include "endpoint/backoff.h"
#include "endpoint/impl.h"
#include "sip/build.h"
#include "sip/event.h"

#include <stdio.h>

enum publication_state {
	PUBLICATION_PUBLISHING,
	PUBLICATION_PUBLISHED,
	PUBLICATION_REMOVING,
};

struct publication {
	struct list node; /* in endpoint->publications */
	struct publication_config config; /* texts live in the arena, but for the body */
	struct arena arena;
	struct endpoint *endpoint;
	struct str package;
	struct buf type, body; /* the state as it is to be; body empty: not known */
	enum publication_state state;
	char *etag; /* NULL: none */
	struct request *request;
	bool busy; /* it is on its way */
	bool with_body; /* it carries one */
	bool due; /* a modification waits until it is over */
	bool anew; /* the server has forgotten it (412): it is published as the first time */
	char call_id[40], tag[17];
	uint32_t cseq;
	struct auth_exchange exchange;
	uint64_t expires_at; /* ms */
	ev_timer timer; /* refresh, the next try, or the end */
	struct backoff recovery;
	bool stopping, over, told;
	bool *gone; /* set while a handler runs: tells its caller that it freed us */
	struct endpoint_result result; /* of an end from the loop */
	enum endpoint_event_type end;
};

/* ---- telling ---- */

static bool tell(struct publication *p, const struct endpoint_event *ev)
{
	struct endpoint_event copy = *ev;
	bool gone = false, *outer = p->gone;

	p->gone = &gone;
	copy.endpoint = p->endpoint;
	p->config.on_event(p->config.arg, &copy);
	if (!gone)
		p->gone = outer;
	else if (outer)
		*outer = true;
	return !gone;
}

static bool tell_state(struct publication *p, const char *state, const char *cause,
	const struct endpoint_msg *msg, uint64_t refresh_ms)
{
	uint64_t now = net_now_ms();
	const struct endpoint_publication e = {
		.publication = p,
		.aor = p->config.target,
		.event = p->package,
		.state = state,
		.cause = cause,
		.expires = state[0] == 'a' && p->expires_at > now
				   ? (uint32_t)((p->expires_at - now + 500) / 1000)
				   : 0,
		.refresh_in = (uint32_t)(refresh_ms / 1000),
		.etag = str_of(p->etag),
		.msg = msg,
	};

	return tell(p, &(struct endpoint_event){ .type = ENDPOINT_PUBLICATION, .publication = &e });
}

/* ---- the end ---- */

/* Comes last: the handler may free p. */
static void finish(
	struct publication *p, enum endpoint_event_type type, const struct endpoint_result *result)
{
	p->over = p->told = true;
	ev_timer_stop(endpoint_loop(), &p->timer);
	if (p->endpoint->stopping) /* EP-17 */
		net_later(endpoint_loop(), &p->endpoint->stop_timer);
	tell(p, &(struct endpoint_event){ .type = type, .result = result });
}

/* The same from the loop. */
static void finish_later(struct publication *p, enum endpoint_event_type type)
{
	p->over = true;
	p->end = type;
	net_later(endpoint_loop(), &p->timer);
}

static void finish_lost(struct publication *p, const char *why)
{
	struct endpoint_result result = { .cause = "", .times = { -1, -1, -1, -1, -1 } };

	fail_set(&result.fail, -FAIL_LOST, "the publication was lost: %.180s", why);
	finish(p, ENDPOINT_FAILED, &result);
}

/* ---- answers ---- */

/* As a registration's: at 90 % of what was granted, at half below 20 s. */
static uint64_t refresh_after(uint32_t granted)
{
	uint64_t ms = (uint64_t)(granted < 2592000 ? granted : 2592000) * 1000;

	return granted < 20 ? ms / 2 : ms / 10 * 9;
}

static void keep_etag(struct publication *p, struct str etag)
{
	mem_free(p->etag);
	p->etag = etag.n ? mem_strndup(etag.p, etag.n) : NULL;
}

static const char *cause_of(const struct publication *p, bool first)
{
	if (p->anew)
		return "republished";
	if (first && p->config.etag.n == 0)
		return "published";
	return p->with_body ? "modified" : "refreshed";
}

static void published(struct publication *p, const struct endpoint_result *result)
{
	const struct sip_msg *m = result->response->msg;
	struct str etag = sip_msg_value(m, SIP_HDR_SIP_ETAG);
	bool first = p->state == PUBLICATION_PUBLISHING;
	const char *cause = cause_of(p, first);
	uint32_t expires = request_expires(p->request);
	uint64_t after;
	struct endpoint_result bad;

	/* RFC 3903 4.1: "The 2xx response ... MUST contain" both; without a tag nothing can follow.
	 */
	if (etag.n == 0 || !endpoint_check_token(etag)) {
		bad = *result;
		fail_set(&bad.fail, -FAIL_PROTOCOL, "%u " STR_FMT " without a SIP-ETag", m->status,
			STR_ARG(m->reason));
		bad.response = NULL;
		finish(p, ENDPOINT_FAILED, &bad);
		return;
	}
	p->config.expires = expires; /* a 423 may have raised it */
	if (sip_msg_seconds(m, SIP_HDR_EXPIRES, &expires) && expires > p->config.expires)
		expires = p->config.expires; /* "MUST NOT be larger" */
	keep_etag(p, etag);
	after = refresh_after(expires);
	p->state = PUBLICATION_PUBLISHED;
	p->anew = false;
	p->recovery.until = 0;
	p->expires_at = net_now_ms() + (uint64_t)expires * 1000;
	if (p->config.keep)
		net_timer_set(endpoint_loop(), &p->timer,
			p->due ? net_now_ms() : net_now_ms() + (after > 500 ? after : 500));
	if (tell_state(p, "active", cause, result->response, p->config.keep ? after : 0) &&
		!p->config.keep && !p->stopping)
		finish(p, ENDPOINT_DONE, result);
}

static void removed(struct publication *p, const struct endpoint_result *result)
{
	bool ok = result->fail.code == 0;

	p->over = true; /* whatever the handler calls */
	if (ok) {
		keep_etag(p, STR_EMPTY);
		if (!tell_state(p, "terminated", "removed", result->response, 0))
			return;
	}
	if (p->stopping)
		finish(p, ENDPOINT_CLOSED, result); /* it expires, if the server did not hear */
	else
		finish(p, ok ? ENDPOINT_DONE : ENDPOINT_FAILED, result);
}

/* RFC 3903 5: after a 412 the tag is discarded, and what is known here is published as the first
 * time. */
static bool publish_anew(struct publication *p, const struct endpoint_result *result)
{
	if (!result->response || result->response->status_code != 412 || !p->config.keep ||
		p->body.n == 0 || p->anew)
		return false;
	keep_etag(p, STR_EMPTY);
	p->anew = true;
	net_later(endpoint_loop(), &p->timer); /* this request is in its handler */
	return true;
}

static bool try_later(struct publication *p, const struct endpoint_result *result)
{
	const struct endpoint_msg *m = result->response;
	struct endpoint_retry retry = {
		.because = backoff_because(result),
		.detail = str_of(result->fail.text),
	};
	uint64_t least = m && m->has_retry_after ? m->retry_after * 1000ULL : 0, wait;

	if (backoff_is_final(result) ||
		!backoff_next(&p->recovery, p->config.recover_ms, least, &wait))
		return false;
	retry.wait_ms = (double)wait;
	net_timer_set(endpoint_loop(), &p->timer, net_now_ms() + wait);
	tell(p, &(struct endpoint_event){ .type = ENDPOINT_RETRY, .retry = &retry });
	return true;
}

static void failed(struct publication *p, const struct endpoint_result *result)
{
	bool final = backoff_is_final(result);
	const char *why = result->fail.text;

	if (publish_anew(p, result))
		return;
	p->due = p->due || (p->with_body && p->state == PUBLICATION_PUBLISHED);
	if (p->state != PUBLICATION_PUBLISHED) {
		finish(p, ENDPOINT_FAILED, result);
		return;
	}
	if (!final && try_later(p, result))
		return;
	p->over = true; /* whatever the handler calls */
	if (!tell_state(p, "terminated", final ? "rejected" : "expired", result->response, 0))
		return;
	if (final)
		finish(p, ENDPOINT_FAILED, result);
	else
		finish_lost(p, why);
}

/* What was on its way when it was stopped: the removal follows, of what there is now. */
static void answered_late(struct publication *p, const struct endpoint_result *result)
{
	struct str etag = STR_EMPTY;

	if (result->fail.code == 0)
		etag = sip_msg_value(result->response->msg, SIP_HDR_SIP_ETAG);
	if (etag.n > 0 && endpoint_check_token(etag))
		keep_etag(p, etag);
	net_later(endpoint_loop(), &p->timer); /* this request is in its handler */
}

static void on_request(void *arg, const struct endpoint_event *ev)
{
	struct publication *p = arg;

	if (ev->type != ENDPOINT_DONE && ev->type != ENDPOINT_FAILED) {
		tell(p, ev);
		return;
	}
	p->busy = false;
	if (p->state == PUBLICATION_REMOVING)
		removed(p, ev->result);
	else if (p->stopping)
		answered_late(p, ev->result);
	else if (ev->type == ENDPOINT_DONE)
		published(p, ev->result);
	else
		failed(p, ev->result);
}

/* ---- sending ---- */

static void write_publish(void *arg, struct request *r, struct buf *b)
{
	struct publication *p = arg;

	(void)r;
	sip_build_hdr(b, SIP_HDR_EVENT, p->config.event);
	if (p->etag)
		sip_build_hdr(b, SIP_HDR_SIP_IF_MATCH, str_of(p->etag));
}

static struct request_config request_of(struct publication *p)
{
	const struct publication_config *c = &p->config;
	bool removing = p->state == PUBLICATION_REMOVING;

	/* 4.1 table 1: a refresh and a removal have no body */
	p->with_body = !removing && p->body.n > 0 &&
		       (p->due || p->anew || p->state == PUBLICATION_PUBLISHING);
	return (struct request_config){
		.endpoint = p->endpoint,
		.method = STR("PUBLISH"),
		.target = c->target,
		.call_id = str_of(p->call_id),
		.from_tag = str_of(p->tag),
		.cseq = &p->cseq,
		.exchange = &p->exchange,
		.has_expires = true,
		.expires = removing ? 0 : c->expires,
		.type = p->with_body ? buf_str(&p->type) : STR_EMPTY,
		.body = p->with_body ? buf_str(&p->body) : STR_EMPTY,
		.headers = c->headers,
		.header_count = c->header_count,
		.max_forwards = c->max_forwards,
		.timeout_ms = c->timeout_ms,
		.follow = c->follow,
		.retry = p->state == PUBLICATION_PUBLISHED
				 ? (struct request_retry){ .no_retry_after = true }
				 : c->retry,
		.write = write_publish,
		.write_arg = p,
		.on_event = on_request,
		.arg = p,
	};
}

static int send_publish(struct publication *p, struct fail *f)
{
	struct request_config c;
	int e;

	request_free(p->request);
	p->request = NULL;
	c = request_of(p);
	if ((e = request_start(&c, &p->request, f)) != 0)
		return e;
	p->busy = true;
	p->due = false;
	return 0;
}

static void take_back(struct publication *p)
{
	struct fail f;

	p->state = PUBLICATION_REMOVING;
	if (!p->etag || send_publish(p, &f) != 0)
		finish_later(p, ENDPOINT_CLOSED);
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct publication *p = CONTAINER_OF(w, struct publication, timer);
	struct fail f = { 0 };

	(void)revents;
	ev_timer_stop(loop, w);
	if (p->over)
		finish(p, p->end, &p->result);
	else if (p->stopping)
		take_back(p);
	else if (!p->busy && send_publish(p, &f) != 0)
		finish_lost(p, fail_show(&f));
}

/* ---- life ---- */

static int check(const struct publication_config *c, struct fail *f)
{
	struct sip_event event;

	if (c->endpoint->stopping || !c->endpoint->manager)
		return fail_set(f, -FAIL_STATE, "the endpoint is closed");
	if (!sip_build_clean(c->event) || !sip_event_parse(c->event, &event))
		return fail_set(f, -FAIL_ARGUMENT, "\"" STR_FMT "\" is not an event package",
			STR_ARG(c->event));
	if (c->etag.n > 0 && !endpoint_check_token(c->etag))
		return fail_set(f, -FAIL_ARGUMENT, "\"" STR_FMT "\" is not an entity tag",
			STR_ARG(c->etag));
	if (c->etag.n == 0 && c->remove)
		return fail_set(f, -FAIL_ARGUMENT, "what is to be removed has an entity tag");
	if (c->etag.n == 0 && c->body.n == 0)
		return fail_set(f, -FAIL_ARGUMENT, "there is nothing to publish");
	if (c->body.n > 0 && c->type.n == 0)
		return fail_set(f, -FAIL_ARGUMENT, "a body needs a media type");
	if (c->expires == 0 && !c->remove)
		return fail_set(f, -FAIL_ARGUMENT, "a publication of 0 s is a removal");
	return endpoint_check_headers(c->headers, c->header_count, false, f);
}

static void keep_headers(struct publication *p, const struct publication_config *c)
{
	struct endpoint_header *copy =
		arena_alloc(&p->arena, (c->header_count + 1) * sizeof(*copy));

	for (unsigned i = 0; i < c->header_count; i++) {
		copy[i] = c->headers[i];
		copy[i].name = arena_str(&p->arena, c->headers[i].name);
		copy[i].value = arena_str(&p->arena, c->headers[i].value);
	}
	p->config.headers = copy;
}

static int make(const struct publication_config *c, struct publication **out, struct fail *f)
{
	struct sip_event event;
	struct publication *p;
	int e = check(c, f);

	if (e != 0)
		return e;
	p = MEM_NEW(struct publication);
	list_init(&p->node);
	p->config = *c;
	p->endpoint = c->endpoint;
	p->config.target = arena_str(&p->arena, c->target);
	p->config.event = arena_str(&p->arena, c->event);
	p->config.etag = arena_str(&p->arena, c->etag);
	keep_headers(p, c);
	sip_event_parse(p->config.event, &event);
	p->package = event.package;
	buf_init(&p->type, 1 << 12);
	buf_init(&p->body, 64 << 20);
	buf_add_str(&p->type, c->type);
	buf_add_str(&p->body, c->body);
	keep_etag(p, c->etag);
	p->state = c->remove ? PUBLICATION_REMOVING : PUBLICATION_PUBLISHING;
	text_token(p->call_id, 32);
	text_token(p->tag, 16);
	p->result.cause = "";
	p->result.times = (struct endpoint_times){ -1, -1, -1, -1, -1 };
	ev_init(&p->timer, on_timer);
	*out = p;
	return 0;
}

int publication_start(
	const struct publication_config *config, struct publication **out, struct fail *f)
{
	struct publication *p;
	int e = make(config, &p, f);

	if (e != 0)
		return e;
	if ((e = send_publish(p, f)) != 0) {
		publication_free(p);
		return e;
	}
	list_add(&p->endpoint->publications, &p->node);
	*out = p;
	return 0;
}

int publication_dry_run(const struct publication_config *config, struct buf *out, struct fail *f)
{
	struct request_config request;
	struct publication *p;
	int e = make(config, &p, f);

	if (e != 0)
		return e;
	request = request_of(p);
	e = request_dry_run(&request, out, f);
	publication_free(p);
	return e;
}

int publication_modify(struct publication *p, struct str type, struct str body, struct fail *f)
{
	if (p->state != PUBLICATION_PUBLISHED || p->over || p->stopping)
		return fail_set(f, -FAIL_STATE, "it is not published");
	if (type.n == 0 || body.n == 0 || !sip_build_clean(type))
		return fail_set(f, -FAIL_ARGUMENT, "a new state has a body and its media type");
	buf_clear(&p->type);
	buf_clear(&p->body);
	buf_add_str(&p->type, type);
	buf_add_str(&p->body, body);
	p->due = true;
	if (!p->busy)
		net_later(endpoint_loop(), &p->timer);
	return 0;
}

int publication_refresh(struct publication *p)
{
	if (p->state != PUBLICATION_PUBLISHED || p->over || p->stopping)
		return -FAIL_STATE;
	if (!p->busy)
		net_later(endpoint_loop(), &p->timer);
	return 0;
}

void publication_stop(struct publication *p)
{
	if (p->stopping || p->over)
		return;
	p->stopping = true;
	ev_timer_stop(endpoint_loop(), &p->timer);
	if (!p->config.keep || p->config.leave) {
		request_free(p->request);
		p->request = NULL;
		finish_later(p, ENDPOINT_CLOSED);
	} else if (!p->busy) {
		take_back(p);
	}
	/* else RFC 3903 4: no further one "until they have received a final response" */
}

static void abandon(struct publication *p)
{
	if (p->gone)
		*p->gone = true;
	p->gone = NULL;
	ev_timer_stop(endpoint_loop(), &p->timer);
	list_del(&p->node);
}

void publication_free(struct publication *p)
{
	if (!p)
		return;
	abandon(p);
	if (p->endpoint->stopping && p->endpoint->manager)
		net_later(endpoint_loop(), &p->endpoint->stop_timer);
	request_free(p->request);
	auth_exchange_done(&p->exchange);
	buf_done(&p->type);
	buf_done(&p->body);
	mem_free(p->etag);
	arena_done(&p->arena);
	mem_free(p);
}

struct str publication_etag(const struct publication *p)
{
	return str_of(p->etag);
}

/* ---- of the endpoint ---- */

void publication_stop_all(struct endpoint *ep)
{
	LIST_EACH (it, &ep->publications)
		publication_stop(CONTAINER_OF(it, struct publication, node));
}

bool publication_all_ended(const struct endpoint *ep)
{
	LIST_EACH (it, &ep->publications)
		if (!CONTAINER_OF(it, struct publication, node)->told)
			return false;
	return true;
}

void publication_abandon_all(struct endpoint *ep)
{
	LIST_EACH (it, &ep->publications)
		abandon(CONTAINER_OF(it, struct publication, node));
}
