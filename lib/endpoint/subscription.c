/* lib/endpoint/subscription.c -- the life of a subscription, from its configuration to its one
 * final event; rows SB-, the states of ucma.md 2.5 */
#include "endpoint/subscription.h"

#include "base/mem.h"
#include "endpoint/subscription_impl.h"
#include "sip/build.h"

#include <stdarg.h>
#include <stdio.h>

enum { LIST_MAX = 1 << 20 }; /* bytes of a list that is sent */

/* ---- telling ---- */

bool subscription_tell(struct subscription *s, const struct endpoint_event *ev)
{
	struct endpoint_event copy = *ev;
	bool gone = false, *outer = s->gone;

	s->gone = &gone;
	copy.endpoint = s->endpoint;
	s->config.on_event(s->config.arg, &copy);
	if (!gone)
		s->gone = outer;
	else if (outer)
		*outer = true;
	return !gone;
}

bool subscription_tell_retry(
	struct subscription *s, const char *because, struct str detail, uint64_t wait)
{
	const struct endpoint_retry retry = {
		.because = because, .detail = detail, .wait_ms = (double)wait
	};

	return subscription_tell(
		s, &(struct endpoint_event){ .type = ENDPOINT_RETRY, .retry = &retry });
}

/* ---- the end ---- */

/* Nothing is heard of it any more; the legs stay until it is freed. */
static void close_all(struct subscription *s)
{
	ev_timer_stop(endpoint_loop(), &s->timer);
	dialog_close(&s->half);
	LIST_EACH (it, &s->legs)
		subscription_leg_mark_ended(CONTAINER_OF(it, struct subscription_leg, node));
}

void subscription_finish(struct subscription *s, enum endpoint_event_type end)
{
	if (s->over)
		return;
	close_all(s);
	s->over = true;
	s->end = end;
	s->state = SUBSCRIPTION_TERMINATED;
	net_later(endpoint_loop(), &s->timer);
}

void subscription_fail(struct subscription *s, int code, const char *fmt, ...)
{
	char text[sizeof(s->result.fail.text)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fail_set(&s->result.fail, code, "%s", text);
	subscription_finish(s, ENDPOINT_FAILED);
}

static void deliver_end(struct subscription *s)
{
	struct endpoint_event ev = { .type = s->end, .result = &s->result };
	struct dispatch_text text;
	struct endpoint_msg description;

	s->told = true;
	if (s->accepted && s->flow) {
		dispatch_describe_msg(s->accepted, s->flow, &text, &description);
		description.retransmissions = s->result.counts.retransmissions;
		description.rtt_ms = s->rtt_ms;
		s->result.response = &description;
	}
	if (s->endpoint->stopping) /* EP-17: the endpoint ends after its children */
		net_later(endpoint_loop(), &s->endpoint->stop_timer);
	subscription_tell(s, &ev); /* may free s */
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct subscription *s = CONTAINER_OF(w, struct subscription, timer);

	(void)revents;
	ev_timer_stop(loop, w);
	if (s->over)
		deliver_end(s);
	else
		subscription_first_due(s);
}

/* A final refusal is told with its own response. */
void subscription_refused(struct subscription *s, const struct endpoint_result *result)
{
	struct endpoint_event ev = { .type = ENDPOINT_FAILED, .result = result };

	close_all(s);
	s->over = s->told = true;
	s->state = SUBSCRIPTION_TERMINATED;
	subscription_first_drop(s);
	if (s->endpoint->stopping)
		net_later(endpoint_loop(), &s->endpoint->stop_timer);
	subscription_tell(s, &ev);
}

/* ---- configuration ---- */

struct subscription_extra subscription_keep_extra(
	struct arena *a, const struct subscription_extra *x)
{
	struct endpoint_header *headers = arena_alloc(a, (x->header_count + 1) * sizeof(*headers));

	for (unsigned i = 0; i < x->header_count; i++) {
		headers[i] = x->headers[i];
		headers[i].name = arena_str(a, x->headers[i].name);
		headers[i].value = arena_str(a, x->headers[i].value);
	}
	return (struct subscription_extra){ .headers = headers,
		.header_count = x->header_count,
		.type = arena_str(a, x->type),
		.body = arena_str(a, x->body) };
}

static int keep_list(struct subscription *s, struct fail *f)
{
	struct buf b = BUF_INIT(LIST_MAX);
	int e = 0;

	if (s->config.member_count > 0) {
		/* Before a registration nobody knows; without it the server says no. */
		s->adhoclist = s->endpoint->config.dialect == ENDPOINT_OCS &&
			       (!s->endpoint->registration || s->endpoint->adhoclist);
		subscription_write_list(s, &b);
		if (b.fail)
			e = fail_set(f, -FAIL_ARGUMENT, "a list of %u members is too long",
				s->config.member_count);
		s->list_body = arena_str(&s->arena, buf_str(&b));
	}
	buf_done(&b);
	return e;
}

static int check_extra(const struct subscription_extra *x, struct fail *f)
{
	if (!sip_build_clean(x->type) || (x->body.n > 0 && x->type.n == 0))
		return fail_set(f, -FAIL_ARGUMENT, "a body needs a media type");
	return endpoint_check_headers(x->headers, x->header_count, false, f);
}

static int check(const struct subscription_config *c, struct fail *f)
{
	struct sip_event event;
	int e;

	if (c->endpoint->stopping || !c->endpoint->manager)
		return fail_set(f, -FAIL_STATE, "the endpoint is closed");
	if (!sip_build_clean(c->event) || !sip_event_parse(c->event, &event))
		return fail_set(f, -FAIL_ARGUMENT, "\"" STR_FMT "\" is not an event package",
			STR_ARG(c->event));
	if (c->expires == 0 && !c->fetch)
		return fail_set(f, -FAIL_ARGUMENT, "a subscription of 0 s is a fetch");
	if (c->suppress.n > 0 && !str_eq(c->suppress, STR("*")) &&
		!endpoint_check_token(c->suppress))
		return fail_set(f, -FAIL_ARGUMENT, "\"" STR_FMT "\" is not an entity tag",
			STR_ARG(c->suppress));
	for (unsigned i = 0; i < c->accept_count; i++)
		if (!sip_build_clean(c->accept[i]) || c->accept[i].n == 0)
			return fail_set(f, -FAIL_ARGUMENT, "\"" STR_FMT "\" is not a media type",
				STR_ARG(c->accept[i]));
	for (unsigned i = 0; i < SUBSCRIPTION_REQUESTS; i++)
		if ((e = check_extra(&c->extra[i], f)) != 0)
			return e;
	if (c->member_count > 0 && c->extra[SUBSCRIPTION_SUBSCRIBE].body.n > 0)
		return fail_set(f, -FAIL_ARGUMENT, "a list has no further body");
	return 0;
}

static int make(const struct subscription_config *c, struct subscription **out, struct fail *f)
{
	struct subscription *s;
	int e = check(c, f);

	if (e != 0)
		return e;
	s = MEM_NEW(struct subscription);
	list_init(&s->node);
	list_init(&s->legs);
	s->config = *c;
	s->endpoint = c->endpoint;
	s->config.target = arena_str(&s->arena, c->target);
	s->config.event = arena_str(&s->arena, c->event);
	s->config.suppress = arena_str(&s->arena, c->suppress);
	s->config.accept = arena_strs(&s->arena, c->accept, c->accept_count);
	s->config.members = arena_strs(&s->arena, c->members, c->member_count);
	for (unsigned i = 0; i < SUBSCRIPTION_REQUESTS; i++)
		s->config.extra[i] = subscription_keep_extra(&s->arena, &c->extra[i]);
	sip_event_parse(s->config.event, &s->event);
	s->result.cause = "";
	s->result.times = (struct endpoint_times){ -1, -1, -1, -1, -1 };
	ev_init(&s->timer, on_timer);
	if ((e = keep_list(s, f)) != 0) {
		subscription_free(s);
		return e;
	}
	*out = s;
	return 0;
}

/* ---- life ---- */

int subscription_start(
	const struct subscription_config *config, struct subscription **out, struct fail *f)
{
	struct subscription *s;
	int e = make(config, &s, f);

	if (e != 0)
		return e;
	if ((e = subscription_first(s, f)) != 0) {
		subscription_free(s);
		return e;
	}
	list_add(&s->endpoint->subscriptions, &s->node);
	*out = s;
	return 0;
}

int subscription_dry_run(const struct subscription_config *config, struct buf *out, struct fail *f)
{
	struct request_config request;
	struct subscription *s;
	int e = make(config, &s, f);

	if (e != 0)
		return e;
	request = subscription_first_request(s);
	e = request_dry_run(&request, out, f);
	subscription_free(s);
	return e;
}

void subscription_stop(struct subscription *s)
{
	if (s->stopping || s->over)
		return;
	s->stopping = true;
	s->state = SUBSCRIPTION_TERMINATING;
	ev_timer_stop(endpoint_loop(), &s->timer);
	/* What is accepted and has no dialog yet is ended, too; what is not answered yet is left
	 * alone: its NOTIFY finds nobody (481). */
	if (s->leg_count == 0 && s->accepted && !s->notified && !s->config.fetch)
		subscription_leg_from_response(s);
	request_free(s->request);
	s->request = NULL;
	dialog_close(&s->half);
	LIST_EACH (it, &s->legs)
		subscription_leg_close(CONTAINER_OF(it, struct subscription_leg, node));
	if (s->leg_count == 0)
		subscription_finish(s, ENDPOINT_CLOSED);
}

/* Nothing of it runs any more. */
static void abandon(struct subscription *s)
{
	if (s->gone)
		*s->gone = true;
	s->gone = NULL;
	ev_timer_stop(endpoint_loop(), &s->timer);
	dialog_close(&s->half);
	LIST_EACH (it, &s->legs)
		subscription_leg_free(CONTAINER_OF(it, struct subscription_leg, node));
	list_del(&s->node);
}

void subscription_free(struct subscription *s)
{
	if (!s)
		return;
	abandon(s);
	if (s->endpoint->stopping && s->endpoint->manager)
		net_later(endpoint_loop(), &s->endpoint->stop_timer);
	request_free(s->request);
	subscription_first_drop(s);
	sip_msg_unref(s->accepted);
	net_flow_unref(s->flow);
	auth_exchange_done(&s->exchange);
	arena_done(&s->arena);
	mem_free(s);
}

/* ---- what the application asks for ---- */

int subscription_refresh(struct subscription *s)
{
	if (s->state != SUBSCRIPTION_SUBSCRIBED || s->leg_count == 0)
		return -FAIL_STATE;
	LIST_EACH (it, &s->legs)
		subscription_leg_refresh(CONTAINER_OF(it, struct subscription_leg, node));
	return 0;
}

int subscription_update(
	struct subscription *s, const struct subscription_extra *extra, struct fail *f)
{
	int e = check_extra(extra, f);

	if (e != 0)
		return e;
	if (s->state != SUBSCRIPTION_SUBSCRIBED || s->leg_count == 0)
		return fail_set(f, -FAIL_STATE, "it is not subscribed");
	LIST_EACH (it, &s->legs)
		subscription_leg_update(CONTAINER_OF(it, struct subscription_leg, node), extra);
	return 0;
}

enum subscription_state subscription_state(const struct subscription *s)
{
	return s->state;
}

uint64_t subscription_refresh_in_ms(const struct subscription *s)
{
	uint64_t at = NET_NEVER, now = net_now_ms();

	LIST_EACH (it, &s->legs) {
		const struct subscription_leg *l = CONTAINER_OF(it, struct subscription_leg, node);

		at = l->refresh_at < at ? l->refresh_at : at;
	}
	return at == NET_NEVER ? NET_NEVER : at > now ? at - now : 0;
}

/* ---- of the endpoint ---- */

void subscription_stop_all(struct endpoint *ep)
{
	LIST_EACH (it, &ep->subscriptions)
		subscription_stop(CONTAINER_OF(it, struct subscription, node));
}

bool subscription_all_ended(const struct endpoint *ep)
{
	LIST_EACH (it, &ep->subscriptions)
		if (!CONTAINER_OF(it, struct subscription, node)->told)
			return false;
	return true;
}

void subscription_abandon_all(struct endpoint *ep)
{
	LIST_EACH (it, &ep->subscriptions)
		abandon(CONTAINER_OF(it, struct subscription, node));
}

/* Nobody could tell us anything over it any more (RG-22, PP-11). */
void subscription_flow_lost(struct endpoint *ep, const struct net_flow *flow)
{
	LIST_EACH (it, &ep->subscriptions) {
		struct subscription *s = CONTAINER_OF(it, struct subscription, node);

		if (s->stopping || s->over)
			continue;
		LIST_EACH (leg, &s->legs) {
			struct subscription_leg *l =
				CONTAINER_OF(leg, struct subscription_leg, node);
			uint64_t now = net_now_ms();

			if (l->ended || l->dialog.flow != flow)
				continue;
			l->refresh_at = now + backoff_repeat(&s->repeat, now);
			net_timer_set(endpoint_loop(), &l->timer, l->refresh_at);
		}
	}
}

void subscription_lose_all(struct endpoint *ep)
{
	LIST_EACH (it, &ep->subscriptions) {
		struct subscription *s = CONTAINER_OF(it, struct subscription, node);

		if (s->stopping || s->over)
			continue;
		LIST_EACH (leg, &s->legs)
			subscription_leg_lose(CONTAINER_OF(leg, struct subscription_leg, node));
	}
}

void subscription_registered(struct endpoint *ep)
{
	LIST_EACH (it, &ep->subscriptions) {
		struct subscription *s = CONTAINER_OF(it, struct subscription, node);

		if (s->stopping || s->over)
			continue;
		if (s->state == SUBSCRIPTION_WAITING && net_now_ms() >= s->not_before)
			net_later(endpoint_loop(), &s->timer);
		LIST_EACH (leg, &s->legs)
			subscription_leg_refresh(CONTAINER_OF(leg, struct subscription_leg, node));
	}
}
