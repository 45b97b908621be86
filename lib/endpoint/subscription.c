/* lib/endpoint/subscription.c -- the life of a subscription: the SUBSCRIBE that begins it, and the
 * next one when it was lost. RFC 6665 sections 4.1.2 and 4.4.1; the states of ucma.md 2.5; ruling 5
 */
#include "endpoint/subscription.h"

#include "base/mem.h"
#include "base/text.h"
#include "endpoint/subscription_impl.h"
#include "sip/build.h"
#include "sip/delta.h"

#include <stdarg.h>
#include <stdio.h>

enum { LIST_MAX = 1 << 20 }; /* bytes of a list that is sent */

static int subscribe(struct subscription *s, struct fail *f);

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

static void drop_half(struct subscription *s)
{
	dialog_close(&s->half);
	sip_msg_unref(s->sent);
	s->sent = NULL;
}

static void drop_accepted(struct subscription *s)
{
	sip_msg_unref(s->accepted);
	s->accepted = NULL;
}

void subscription_finish(struct subscription *s, enum endpoint_event_type end)
{
	if (s->over)
		return;
	s->over = true;
	s->end = end;
	s->state = SUBSCRIPTION_TERMINATED;
	dialog_close(&s->half);
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

/* A final refusal is told with its own response. */
void subscription_refused(struct subscription *s, const struct endpoint_result *result)
{
	struct endpoint_event ev = { .type = ENDPOINT_FAILED, .result = result };

	s->over = s->told = true;
	s->state = SUBSCRIPTION_TERMINATED;
	drop_half(s);
	if (s->endpoint->stopping)
		net_later(endpoint_loop(), &s->endpoint->stop_timer);
	subscription_tell(s, &ev);
}

/* ---- tries ---- */

uint64_t subscription_timer_n(const struct subscription *s)
{
	uint32_t t1 = s->endpoint->manager->config.timers.t1;

	return s->config.timeout_ms ? s->config.timeout_ms : 64 * (uint64_t)(t1 ? t1 : 500);
}

static void wait_for_try(struct subscription *s, uint64_t wait)
{
	s->state = SUBSCRIPTION_WAITING;
	drop_half(s);
	net_timer_set(endpoint_loop(), &s->timer, net_now_ms() + wait);
}

void subscription_again(
	struct subscription *s, enum subscription_again when, uint64_t after_ms, uint64_t *wait)
{
	uint64_t most = s->config.recover_ms ? s->config.recover_ms : 300000;

	*wait = 0;
	if (s->stopping) {
		subscription_finish(s, ENDPOINT_CLOSED);
	} else if (s->config.fetch) {
		if (s->answered)
			subscription_finish(s, ENDPOINT_DONE);
	} else if (when == SUBSCRIPTION_NEVER || s->config.give_up) {
		subscription_fail(s, -FAIL_ENDED, "the notifier ended the subscription");
	} else if (after_ms > most) {
		subscription_fail(s, -FAIL_ENDED,
			"the notifier ended the subscription, and wants it back in %llu s only",
			(unsigned long long)(after_ms / 1000));
	} else {
		*wait = backoff_repeat(&s->repeat, net_now_ms());
		if (when == SUBSCRIPTION_LATER && *wait == 0)
			*wait = backoff_jitter(1000);
		if (*wait < after_ms)
			*wait = after_ms;
		wait_for_try(s, *wait);
	}
}

bool subscription_recover(
	struct subscription *s, const struct endpoint_result *result, uint64_t *wait)
{
	uint32_t after = 0;

	if (result->response && result->response->has_retry_after &&
		!s->config.retry.no_retry_after)
		after = result->response->retry_after;
	if (!s->config.give_up &&
		backoff_next(&s->recovery, s->config.recover_ms, after * 1000ULL, wait))
		return true;
	subscription_fail(
		s, -FAIL_LOST, "the subscription was lost: %.160s", fail_show(&result->fail));
	return false;
}

static void subscribe_anew(struct subscription *s)
{
	struct fail f = { 0 };

	request_free(s->request);
	s->request = NULL;
	if (subscribe(s, &f) != 0)
		subscription_fail(s, f.code, "%s", f.text);
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct subscription *s = CONTAINER_OF(w, struct subscription, timer);
	struct endpoint_result none = { .cause = "", .times = { -1, -1, -1, -1, -1 } };
	uint64_t wait;

	(void)revents;
	ev_timer_stop(loop, w);
	if (s->over) {
		deliver_end(s);
	} else if (s->state == SUBSCRIPTION_WAITING) {
		subscribe_anew(s);
	} else if (s->notified) { /* no further notifier is waited for: RFC 6665 4.1.2.4 */
		drop_half(s);
	} else {
		fail_set(&none.fail, -FAIL_TIMEOUT,
			"the subscription was accepted, but no NOTIFY came within %.3g s",
			(double)subscription_timer_n(s) / 1000);
		if (!s->established)
			subscription_fail(s, -FAIL_TIMEOUT, "%s", none.fail.text);
		else if (subscription_recover(s, &none, &wait)) {
			wait_for_try(s, wait);
			subscription_tell_retry(s, "timeout", str_of(none.fail.text), wait);
		}
	}
}

/* ---- a NOTIFY that makes a dialog ---- */

unsigned subscription_judge(
	const struct subscription *s, const struct sip_msg *m, struct sip_subscription_state *state)
{
	struct sip_event event;

	if (m->method != SIP_NOTIFY && m->method != SIP_BENOTIFY)
		return m->method == SIP_BYE ? 481 : 405;
	if (!sip_event_parse(sip_msg_value(m, SIP_HDR_EVENT), &event) ||
		!str_ieq(event.package, s->event.package))
		return 489;
	if (!str_eq(event.id, s->event.id)) /* RFC 6665 8.2.1: "byte-by-byte" */
		return 481;
	return sip_subscription_state_parse(sip_msg_value(m, SIP_HDR_SUBSCRIPTION_STATE), state)
		       ? 0
		       : 400;
}

void subscription_refuse(const struct subscription *s, struct transaction *t, unsigned status)
{
	char headers[300];

	if (!t)
		return;
	if (status == 489) /* RFC 6665 8.3.2 */
		snprintf(headers, sizeof(headers), "Allow-Events: %.*s\r\n",
			(int)(s->event.package.n < 256 ? s->event.package.n : 256),
			s->event.package.p);
	if (transaction_msg(t)->method != SIP_BENOTIFY) /* AR-12 */
		transaction_answer(t, status,
			status == 489   ? headers
			: status == 405 ? "Allow: NOTIFY\r\n"
					: NULL);
	transaction_free(t);
}

/* Which request makes the dialog: the one on its way, or the one that was accepted. */
static void keep_sent(struct subscription *s)
{
	struct sip_msg *m =
		s->request ? (struct sip_msg *)(uintptr_t)request_msg(s->request) : NULL;

	if (!m || m == s->sent)
		return;
	sip_msg_unref(s->sent);
	s->sent = sip_msg_ref(m);
}

/* Found by Call-ID and our tag only: from a notifier that has no dialog with us yet. */
static void on_half(void *arg, struct dialog *d, struct transaction *t, struct sip_msg *m,
	struct net_flow *flow)
{
	struct subscription *s = arg;
	struct sip_subscription_state state = { 0 };
	unsigned status;

	(void)d;
	if (!t)
		return;
	keep_sent(s);
	status = subscription_judge(s, m, &state);
	if (status == 0 &&
		(s->over || s->stopping || !s->sent || s->leg_count >= SUBSCRIPTION_LEGS))
		status = 481;
	if (status != 0) {
		subscription_refuse(s, t, status);
		return;
	}
	subscription_leg_new(s, t, m, flow, &state);
}

/* ---- the SUBSCRIBE outside of dialogs ---- */

static bool ends_fetch(const struct subscription *s)
{
	/* RFC 5839 5.6: "sends a 204 (No Notification) response and sends no NOTIFY request" */
	return s->config.fetch && (s->notified || (s->accepted && s->accepted->status == 204));
}

static void accepted(struct subscription *s, const struct endpoint_result *result)
{
	struct endpoint_result *keep = &s->result;

	keep->counts = result->counts;
	keep->times = result->times;
	keep->authenticated = result->authenticated;
	s->answered = true;
	if (!s->over)
		s->state = SUBSCRIPTION_SUBSCRIBED;
	if (s->over)
		return;
	if (ends_fetch(s)) {
		subscription_finish(s, ENDPOINT_DONE);
		return;
	}
	LIST_EACH (it, &s->legs)
		subscription_leg_accepted(CONTAINER_OF(it, struct subscription_leg, node));
	net_timer_set(endpoint_loop(), &s->timer, net_now_ms() + subscription_timer_n(s));
}

static void keep_accepted(struct subscription *s, const struct endpoint_msg *m)
{
	keep_sent(s);
	sip_msg_unref(s->accepted);
	s->accepted = sip_msg_ref((struct sip_msg *)(uintptr_t)m->msg);
	net_flow_unref(s->flow);
	s->flow = net_flow_ref(request_flow(s->request));
	s->rtt_ms = m->rtt_ms;
}

static void failed(struct subscription *s, const struct endpoint_result *result)
{
	uint64_t wait;

	s->answered = true;
	if (s->over)
		return;
	if (s->notified) { /* the NOTIFY has proved that it is there */
		if (s->config.fetch)
			subscription_finish(s, ENDPOINT_DONE);
		return;
	}
	if (!s->established || backoff_is_final(result)) {
		subscription_refused(s, result);
		return;
	}
	if (!subscription_recover(s, result, &wait))
		return;
	wait_for_try(s, wait);
	subscription_tell_retry(s, result->fail.code == -FAIL_TIMEOUT ? "timeout" : "connect",
		str_of(result->fail.text), wait);
}

static void on_request(void *arg, const struct endpoint_event *ev)
{
	struct subscription *s = arg;

	switch (ev->type) {
	case ENDPOINT_RESPONSE:
		if (ev->msg->status_code / 100 == 2)
			keep_accepted(s, ev->msg);
		break;
	case ENDPOINT_DONE:
		accepted(s, ev->result);
		break;
	case ENDPOINT_FAILED:
		failed(s, ev->result);
		break;
	default:
		subscription_tell(s, ev);
		break;
	}
}

static struct request_config request_of(struct subscription *s)
{
	const struct subscription_config *c = &s->config;
	const struct subscription_extra *extra = &c->extra[SUBSCRIPTION_SUBSCRIBE];

	return (struct request_config){
		.endpoint = s->endpoint,
		.method = STR("SUBSCRIBE"),
		.target = c->target,
		.call_id = str_of(s->call_id),
		.from_tag = str_of(s->tag),
		.cseq = &s->cseq,
		.exchange = &s->exchange,
		.has_expires = true,
		.expires = c->fetch ? 0 : c->expires,
		.type = c->member_count ? STR("application/resource-lists+xml") : extra->type,
		.body = c->member_count ? s->list_body : extra->body,
		.max_forwards = c->max_forwards,
		.timeout_ms = c->timeout_ms,
		.follow = c->follow,
		.retry = s->established ? (struct request_retry){ .no_retry_after =
									  c->retry.no_retry_after }
					: c->retry,
		.answers = true,
		.write = subscription_write,
		.write_arg = s,
		.on_event = on_request,
		.arg = s,
	};
}

static void new_ids(struct subscription *s)
{
	text_token(s->call_id, 32);
	text_token(s->tag, 16);
	s->cseq = 0;
	auth_exchange_done(&s->exchange);
	drop_half(s);
	drop_accepted(s);
}

static int subscribe(struct subscription *s, struct fail *f)
{
	struct request_config c;
	int e;

	new_ids(s);
	c = request_of(s);
	if ((e = request_start(&c, &s->request, f)) != 0)
		return e;
	s->state = SUBSCRIPTION_SUBSCRIBING;
	s->notified = s->answered = false;
	s->half.on_request = on_half;
	s->half.arg = s;
	dialog_open_half(&s->half, s->endpoint, str_of(s->call_id), str_of(s->tag));
	return 0;
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
		subscription_write_list(s->config.members, s->config.member_count, &b);
		if (b.fail)
			e = fail_set(f, -FAIL_ARGUMENT, "a list of %u members is too long",
				s->config.member_count);
		s->list_body = arena_str(&s->arena, buf_str(&b));
	}
	buf_done(&b);
	return e;
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
		if ((e = endpoint_check_headers(
			     c->extra[i].headers, c->extra[i].header_count, f)) != 0)
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
	if ((e = subscribe(s, f)) != 0) {
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
	new_ids(s);
	request = request_of(s);
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
	if (s->leg_count == 0 && s->accepted && !s->config.fetch)
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
	drop_half(s);
	drop_accepted(s);
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
	int e = endpoint_check_headers(extra->headers, extra->header_count, f);

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

void subscription_registered(struct endpoint *ep)
{
	LIST_EACH (it, &ep->subscriptions) {
		struct subscription *s = CONTAINER_OF(it, struct subscription, node);

		if (s->stopping || s->over)
			continue;
		if (s->state == SUBSCRIPTION_WAITING)
			net_later(endpoint_loop(), &s->timer);
		LIST_EACH (leg, &s->legs)
			subscription_leg_refresh(CONTAINER_OF(leg, struct subscription_leg, node));
	}
}
