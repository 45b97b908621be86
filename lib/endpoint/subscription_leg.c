/* lib/endpoint/subscription_leg.c -- one dialog of a subscription: what its notifier tells, and its
 * refreshes. RFC 6665 sections 4.1.2.2 to 4.1.3, RFC 5839 section 5, row SB-03 */
#include "base/map.h"
#include "base/mem.h"
#include "endpoint/subscription_impl.h"
#include "sip/build.h"

#include <string.h>

enum {
	AHEAD_MS = 900000, /* SB-03: 15 minutes before the end */
	LEAST_MS = 500, /* between refreshes, whatever a notifier grants */
	PARTING_MS = 1000, /* for the last NOTIFY after ours to end it */
	LONGEST_S = 2592000, /* a month is enough for any timer */
};

static void on_request(void *arg, struct dialog *d, struct transaction *t, struct sip_msg *m,
	struct net_flow *flow);

/* ---- times ---- */

static void arm(struct subscription_leg *l)
{
	uint64_t at = l->expires_at;

	if (!l->busy && l->refresh_at < at)
		at = l->refresh_at;
	if (!l->closing)
		net_timer_set(endpoint_loop(), &l->timer, at);
}

/* SB-03: at max(expiry - 15 min, expiry / 2). */
void subscription_leg_set_expiry(struct subscription_leg *l, uint32_t seconds)
{
	uint64_t now = net_now_ms(),
		 ms = (uint64_t)(seconds < LONGEST_S ? seconds : LONGEST_S) * 1000, after = ms / 2;

	if (ms > 2 * AHEAD_MS)
		after = ms - AHEAD_MS;
	l->expires_at = now + ms;
	l->refresh_at = now + (after > LEAST_MS ? after : LEAST_MS);
	arm(l);
}

static uint32_t seconds_until(uint64_t at)
{
	uint64_t now = net_now_ms();

	return at == NET_NEVER || at <= now ? 0 : (uint32_t)((at - now + 500) / 1000);
}

/* What a NOTIFY says is left. A refresh that is planned stays where it is, unless this differs from
 * what is known: else every NOTIFY would put it off. */
void subscription_leg_correct_expiry(struct subscription_leg *l, uint32_t seconds)
{
	uint64_t at = net_now_ms() + (uint64_t)seconds * 1000;
	uint64_t apart = l->expires_at > at ? l->expires_at - at : at - l->expires_at;

	if (l->expires_at == NET_NEVER || apart > 2000)
		subscription_leg_set_expiry(l, seconds);
}

/* ---- events ---- */

struct endpoint_subscription subscription_leg_describe(
	const struct subscription_leg *l, const char *state, const char *cause)
{
	const struct subscription *s = l->subscription;

	return (struct endpoint_subscription){
		.subscription = l->subscription,
		.id = l->id,
		.uri = s->config.target,
		.event = s->event.package,
		.state = state,
		.cause = cause,
		.expires = seconds_until(l->expires_at),
		.refresh_in = seconds_until(l->refresh_at),
		.call_id = str_of(s->call_id),
	};
}

bool subscription_leg_tell(struct subscription *s, const struct endpoint_subscription *e)
{
	return subscription_tell(
		s, &(struct endpoint_event){ .type = ENDPOINT_SUBSCRIPTION, .subscription = e });
}

/* ---- life ---- */

void subscription_leg_free(struct subscription_leg *l)
{
	if (!l)
		return;
	ev_timer_stop(endpoint_loop(), &l->timer);
	if (!l->ended)
		l->subscription->leg_count--;
	list_del(&l->node);
	request_free(l->request);
	dialog_close(&l->dialog);
	body_state_free(l->documents);
	auth_exchange_done(&l->exchange);
	mem_free(l->etag);
	arena_done(&l->update_texts);
	mem_free(l);
}

/* Nothing comes of it any more, but that its end is told; it stays in its list, so that who frees
 * the subscription in a handler frees it, too. */
void subscription_leg_mark_ended(struct subscription_leg *l)
{
	if (l->ended)
		return;
	l->ended = true;
	l->subscription->leg_count--;
	l->refresh_at = l->expires_at = NET_NEVER;
	ev_timer_stop(endpoint_loop(), &l->timer);
	dialog_close(&l->dialog);
}

/* It is over. What the subscription does then is decided before anybody hears of it. Frees l. */
void subscription_leg_end(
	struct subscription_leg *l, struct endpoint_subscription *e, enum subscription_again when)
{
	struct subscription *s = l->subscription;
	bool waits = false;
	uint64_t wait = 0;

	subscription_leg_mark_ended(l);
	e->expires = e->refresh_in = 0;
	if (s->leg_count == 0 && !s->over && !subscription_first_keeps(s, l->tag, when, e)) {
		subscription_again(s, when, e, &wait);
		waits = s->state == SUBSCRIPTION_WAITING;
	}
	if (!subscription_leg_tell(s, e))
		return;
	subscription_leg_free(l);
	if (waits && s->state == SUBSCRIPTION_WAITING)
		subscription_tell_retry(
			s, "dropped", e->reason.n ? e->reason : str_of(e->cause), wait);
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int revents);

static struct subscription_leg *make(struct subscription *s)
{
	struct subscription_leg *l = MEM_NEW(struct subscription_leg);

	list_init(&l->node);
	l->subscription = s;
	l->expires_at = l->refresh_at = NET_NEVER;
	l->dialog.on_request = on_request;
	l->dialog.arg = l;
	ev_init(&l->timer, on_timer);
	s->leg_count++;
	return l;
}

/* ---- SUBSCRIBE within it ---- */

void subscription_keep_raised(struct subscription *s, const struct request *r)
{
	uint32_t expires = request_expires(r);

	if (!s->config.fetch && expires > s->config.expires)
		s->config.expires = expires;
}

/* RFC 6665 4.1.2.1: the notifier may shorten the time, not lengthen it. */
uint32_t subscription_leg_granted(const struct subscription *s, const struct sip_msg *m)
{
	uint32_t expires = s->config.expires;

	if (m && sip_msg_seconds(m, SIP_HDR_EXPIRES, &expires) && expires > s->config.expires)
		expires = s->config.expires;
	return expires;
}

/* What a 2xx that is a notification says of the state; without a word of its own the 2xx counts. */
static struct sip_subscription_state piggyback_state(
	const struct subscription *s, const struct sip_msg *m)
{
	struct sip_subscription_state state = { .state = STR_EMPTY };

	if (sip_subscription_state_parse(sip_msg_value(m, SIP_HDR_SUBSCRIPTION_STATE), &state))
		return state;
	state.expires = subscription_leg_granted(s, m);
	state.has_expires = true;
	state.state = state.expires > 0 ? STR("active") : STR("terminated");
	return state;
}

/* Told when it arrives, not when the request is over: a NOTIFY may be right behind it, and what
 * that says of the expiry counts more (4.1.3). */
static void refreshed(struct subscription_leg *l, const struct endpoint_msg *m)
{
	struct sip_subscription_state state;
	struct endpoint_subscription e;

	l->subscription->recovery.until = l->recovery.until = 0;
	l->want_all = false;
	subscription_keep_raised(l->subscription, l->request);
	sip_dialog_refresh(&l->dialog.sip, m->msg);
	subscription_leg_set_expiry(l, subscription_leg_granted(l->subscription, m->msg));
	e = subscription_leg_describe(l, l->state ? l->state : "active", "refreshed");
	e.msg = m;
	if (!subscription_leg_tell(l->subscription, &e) || l->ended ||
		!subscription_is_piggyback(l->subscription, m->msg))
		return;
	state = piggyback_state(l->subscription, m->msg);
	subscription_leg_notified(
		l, (struct sip_msg *)(uintptr_t)m->msg, request_flow(l->request), &state);
}

static void refresh_over(struct subscription_leg *l)
{
	request_free(l->request); /* it is in its handler, and what it said was told */
	l->request = NULL;
	if (l->updates)
		net_later(endpoint_loop(), &l->timer);
	else
		arm(l);
}

/* No way back: whose refusal it is, is told with the end of the whole. */
static void refresh_refused(struct subscription_leg *l, const struct endpoint_result *result)
{
	struct subscription *s = l->subscription;
	struct endpoint_subscription e = subscription_leg_describe(l, "terminated", "ended");
	bool last = s->leg_count == 1;

	e.msg = result->response;
	if (!last) {
		subscription_leg_end(l, &e, SUBSCRIPTION_NEVER);
		return;
	}
	subscription_leg_mark_ended(l);
	e.expires = e.refresh_in = 0;
	s->over = true; /* whatever the handler calls */
	if (subscription_leg_tell(s, &e))
		subscription_refused(s, result);
}

/* The last one takes the subscription along, one of several goes alone. */
static bool may_try_again(
	struct subscription_leg *l, const struct endpoint_result *result, uint64_t *wait)
{
	struct subscription *s = l->subscription;
	const struct endpoint_msg *m = result->response;
	uint64_t least = m && m->has_retry_after ? m->retry_after * 1000ULL : 0;

	return s->leg_count == 1 ? subscription_recover(s, result, wait)
				 : backoff_next(&l->recovery, s->config.recover_ms, least, wait);
}

/* RFC 6665 4.1.2.2: "the original subscription is still considered valid for the duration of the
 * most recently known Expires value", so it is tried again within the dialog. */
static void refresh_later(struct subscription_leg *l, const struct endpoint_result *result)
{
	struct subscription *s = l->subscription;
	struct endpoint_subscription e;
	uint64_t wait;

	if (!may_try_again(l, result, &wait)) {
		e = subscription_leg_describe(l, "terminated", "lost");
		subscription_leg_end(l, &e, SUBSCRIPTION_NEVER);
		return;
	}
	l->updates = l->updates || l->kind == SUBSCRIPTION_UPDATE; /* it is not lost */
	l->refresh_at = net_now_ms() + wait;
	arm(l);
	subscription_tell_retry(s, backoff_because(result), str_of(result->fail.text), wait);
}

static void refresh_failed(struct subscription_leg *l, const struct endpoint_result *result)
{
	unsigned status = result->response ? result->response->status_code : 0;
	struct endpoint_subscription e;

	if (status == 481) { /* "the subscriber MUST consider the subscription terminated" */
		e = subscription_leg_describe(l, "terminated", "lost");
		e.msg = result->response;
		subscription_leg_end(l, &e, SUBSCRIPTION_NOW);
	} else if (backoff_is_final(result)) {
		refresh_refused(l, result);
	} else {
		refresh_later(l, result);
	}
}

static void close_answered(struct subscription_leg *l, const struct endpoint_result *result)
{
	struct endpoint_subscription e = subscription_leg_describe(l, "terminated", "unsubscribed");
	unsigned status = result->response ? result->response->status_code : 0;

	if (result->fail.code == 0 && status != 204) /* its NOTIFY is to come: 4.1.2.3 */
		net_timer_set(endpoint_loop(), &l->timer, net_now_ms() + PARTING_MS);
	else
		subscription_leg_end(l, &e, SUBSCRIPTION_NEVER);
}

static void on_subscribe(void *arg, const struct endpoint_event *ev)
{
	struct subscription_leg *l = arg;

	if (ev->type == ENDPOINT_RESPONSE) {
		if (ev->msg->status_code / 100 == 2 && !l->closing && !l->ended)
			refreshed(l, ev->msg);
		return;
	}
	if (ev->type != ENDPOINT_DONE && ev->type != ENDPOINT_FAILED) {
		subscription_tell(l->subscription, ev);
		return;
	}
	l->busy = false;
	if (l->ended)
		return;
	if (l->closing)
		close_answered(l, ev->result);
	else if (ev->type == ENDPOINT_DONE)
		refresh_over(l);
	else
		refresh_failed(l, ev->result);
}

static int send_subscribe(
	struct subscription_leg *l, enum subscription_request kind, struct fail *f)
{
	struct subscription *s = l->subscription;
	const struct subscription_config *c = &s->config;
	const struct subscription_extra *x =
		kind == SUBSCRIPTION_UPDATE ? &l->update : &c->extra[kind];
	const struct request_config config = {
		.endpoint = s->endpoint,
		.method = STR("SUBSCRIBE"),
		.dialog = &l->dialog,
		.has_expires = true,
		.expires = l->closing ? 0 : c->expires,
		.exchange = &l->exchange,
		.type = x->type,
		.body = x->body,
		.max_forwards = c->max_forwards,
		.timeout_ms = c->timeout_ms,
		.retry = { .no_retry_after = true }, /* it has a schedule of its own */
		.answers = true,
		.write = subscription_leg_write,
		.write_arg = l,
		.on_event = on_subscribe,
		.arg = l,
	};
	int e;

	request_free(l->request);
	l->request = NULL;
	l->kind = kind;
	l->refresh_at = NET_NEVER;
	if ((e = request_start(&config, &l->request, f)) == 0)
		l->busy = true;
	return e;
}

static void expired(struct subscription_leg *l)
{
	struct endpoint_subscription e = subscription_leg_describe(l, "terminated", "lost");

	subscription_leg_end(l, &e, SUBSCRIPTION_NOW);
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct subscription_leg *l = CONTAINER_OF(w, struct subscription_leg, timer);
	struct endpoint_subscription e;
	struct fail f = { 0 };
	uint64_t now = net_now_ms();

	(void)revents;
	ev_timer_stop(loop, w);
	if (l->closing) {
		e = subscription_leg_describe(l, "terminated", "unsubscribed");
		subscription_leg_end(l, &e, SUBSCRIPTION_NEVER);
		return;
	}
	if (now >= l->expires_at) {
		expired(l);
		return;
	}
	if (!l->busy && l->updates) {
		l->updates = false;
		if (send_subscribe(l, SUBSCRIPTION_UPDATE, &f) != 0)
			subscription_fail(l->subscription, f.code, "%s", f.text);
	} else if (!l->busy && now >= l->refresh_at) {
		if (send_subscribe(l, SUBSCRIPTION_REFRESH, &f) != 0)
			subscription_fail(l->subscription, f.code, "%s", f.text);
	}
	arm(l);
}

void subscription_leg_refresh(struct subscription_leg *l)
{
	if (l->ended || l->closing)
		return;
	l->refresh_at = net_now_ms();
	if (!l->busy)
		net_later(endpoint_loop(), &l->timer);
}

void subscription_leg_update(struct subscription_leg *l, const struct subscription_extra *extra)
{
	if (l->ended || l->closing)
		return;
	if (!l->busy || l->kind != SUBSCRIPTION_UPDATE)
		arena_done(&l->update_texts);
	l->update = subscription_keep_extra(&l->update_texts, extra);
	l->updates = true;
	if (!l->busy)
		net_later(endpoint_loop(), &l->timer);
}

void subscription_leg_close(struct subscription_leg *l)
{
	if (l->ended || l->closing)
		return;
	l->closing = true;
	l->expires_at = NET_NEVER;
	ev_timer_stop(endpoint_loop(), &l->timer);
	if (send_subscribe(l, SUBSCRIPTION_UNSUBSCRIBE, NULL) != 0)
		net_later(endpoint_loop(), &l->timer);
}

void subscription_leg_lose(struct subscription_leg *l)
{
	if (l->ended || l->closing)
		return;
	l->expires_at = net_now_ms();
	net_later(endpoint_loop(), &l->timer);
}

void subscription_leg_from_response(struct subscription *s)
{
	struct subscription_leg *l = make(s);
	struct fail f;

	if (s->sent && sip_dialog_from_response(&l->dialog.sip, s->sent, s->accepted, &f) == 0 &&
		dialog_open(&l->dialog, s->endpoint)) {
		if (s->flow)
			dialog_use_flow(&l->dialog, s->flow, s->sent);
		l->id = dialog_next_id(s->endpoint->manager);
		list_add(&s->legs, &l->node);
		return;
	}
	subscription_leg_free(l);
}

static void answer(struct transaction *t, const struct sip_msg *m)
{
	if (m->method != SIP_BENOTIFY) /* AR-12 */
		transaction_answer(t, 200, NULL);
	transaction_free(t);
}

static void on_request(void *arg, struct dialog *d, struct transaction *t, struct sip_msg *m,
	struct net_flow *flow)
{
	struct subscription_leg *l = arg;
	struct sip_subscription_state state = { 0 };
	unsigned status;

	(void)d;
	if (!t)
		return;
	status = subscription_judge(l->subscription, m, &state);
	if (status != 0) {
		subscription_refuse(l->subscription, t, status);
		return;
	}
	answer(t, m);
	subscription_leg_notified(l, m, flow, &state);
}

/* ---- made by its first NOTIFY ---- */

static bool has_tag_of(const struct sip_msg *response, struct str tag)
{
	return response && str_eq(sip_msg_to_tag(response), tag);
}

/* RFC 6665 4.4.1: the NOTIFY makes the dialog. A proxy of RFC 3265's time recorded its route in the
 * SUBSCRIBE and its 2xx only, so that this one counts when it is of the same notifier and the
 * NOTIFY has none. So it does when the NOTIFY has no Contact, as those of dialect ocs. */
static int make_dialog(struct subscription_leg *l, const struct sip_msg *notify, struct fail *f)
{
	struct subscription *s = l->subscription;
	struct sip_dialog *d = &l->dialog.sip;

	if (has_tag_of(s->accepted, sip_msg_from_tag(notify)) &&
		(!sip_msg_hdr(notify, SIP_HDR_RECORD_ROUTE) ||
			!sip_msg_hdr(notify, SIP_HDR_CONTACT)) &&
		sip_dialog_from_response(d, s->sent, s->accepted, f) == 0) {
		sip_dialog_refresh(d, notify);
		return 0;
	}
	return sip_dialog_from_notify(d, s->sent, notify, f);
}

void subscription_leg_new(struct subscription *s, struct transaction *t, struct sip_msg *m,
	struct net_flow *flow, const struct sip_subscription_state *state)
{
	struct subscription_leg *l = make(s);
	struct fail f;
	unsigned status = 0;

	if (make_dialog(l, m, &f) != 0)
		status = 400;
	else if (!dialog_open(&l->dialog, s->endpoint))
		status = 481;
	if (status != 0) {
		subscription_leg_free(l);
		subscription_refuse(s, t, status);
		return;
	}
	dialog_use_flow(&l->dialog, flow, m);
	sip_dialog_received(&l->dialog.sip, m);
	l->tag = s->notifiers[s->notifier_count++] = map_hash(sip_msg_from_tag(m));
	s->verdict.is = false;
	l->id = dialog_next_id(s->endpoint->manager);
	list_add(&s->legs, &l->node);
	answer(t, m);
	subscription_leg_notified(l, m, flow, state);
}

/* SB-17, [MS-SIP] 3.4.5.1: "handle this 200 OK response as though it had received a separate NOTIFY
 * request". What is over with it needs no dialog, and so no Contact: the provisioning of a client
 * is fetched so. */
void subscription_leg_piggybacked(struct subscription *s)
{
	struct subscription_leg *l = make(s);
	const struct sip_subscription_state state = piggyback_state(s, s->accepted);
	bool once = s->config.fetch || str_ieq(state.state, STR("terminated"));
	struct fail f;

	if (s->sent && sip_dialog_from_response(&l->dialog.sip, s->sent, s->accepted, &f) == 0 &&
		dialog_open(&l->dialog, s->endpoint)) {
		dialog_use_flow(&l->dialog, s->flow, s->sent);
	} else if (!once) {
		subscription_leg_free(l);
		return;
	}
	l->tag = s->notifiers[s->notifier_count++] = map_hash(sip_msg_to_tag(s->accepted));
	s->verdict.is = false;
	l->id = dialog_next_id(s->endpoint->manager);
	list_add(&s->legs, &l->node);
	subscription_leg_notified(l, s->accepted, s->flow, &state);
}

/* The route of the 2xx, when the NOTIFY had none; what has happened since stays. */
static void take_route(struct subscription_leg *l)
{
	struct subscription *s = l->subscription;
	struct sip_dialog *d = &l->dialog.sip, of_2xx = { .state = SIP_DIALOG_EARLY };
	struct fail f;

	if (d->route_count > 0 || !sip_msg_hdr(s->accepted, SIP_HDR_RECORD_ROUTE) ||
		sip_dialog_from_response(&of_2xx, s->sent, s->accepted, &f) != 0)
		return;
	of_2xx.remote_cseq = d->remote_cseq;
	of_2xx.has_remote_cseq = d->has_remote_cseq;
	if (of_2xx.local_cseq < d->local_cseq)
		of_2xx.local_cseq = d->local_cseq;
	sip_dialog_done(d);
	*d = of_2xx;
}

void subscription_leg_accepted(struct subscription_leg *l)
{
	struct subscription *s = l->subscription;
	uint32_t granted;

	if (l->ended || l->closing || !has_tag_of(s->accepted, l->dialog.sip.remote_tag))
		return;
	take_route(l);
	/* A NOTIFY that came before may have said what is left; else what was asked for counted. */
	granted = subscription_leg_granted(s, s->accepted);
	if (l->expires_at > net_now_ms() + granted * 1000ULL)
		subscription_leg_set_expiry(l, granted);
}
