/* lib/endpoint/subscription_first.c -- the SUBSCRIBE outside of dialogs, which begins a
 * subscription and begins it anew when it was lost, and the NOTIFYs that it brings. RFC 6665
 * sections 4.1.2 and 4.4.1; ruling 5 */
#include "base/map.h"
#include "base/text.h"
#include "endpoint/subscription_impl.h"

#include <stdio.h>

enum { PENDING_MS = 30000 };

void subscription_first_drop(struct subscription *s)
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

/* ---- tries ---- */

uint64_t subscription_timer_n(const struct subscription *s)
{
	uint32_t t1 = s->endpoint->manager->config.timers.t1;

	return s->config.timeout_ms ? s->config.timeout_ms : 64 * (uint64_t)(t1 ? t1 : 500);
}

static void wait_for_try(struct subscription *s, uint64_t wait)
{
	s->state = SUBSCRIPTION_WAITING;
	subscription_first_drop(s);
	net_timer_set(endpoint_loop(), &s->timer, net_now_ms() + wait);
}

/* At once or later, but never in a storm, nor before the notifier wants it back. */
static uint64_t wait_of(
	struct subscription *s, enum subscription_again when, const struct endpoint_subscription *e)
{
	uint64_t least = e->has_retry_after ? e->retry_after * 1000ULL : 0;
	uint64_t wait = backoff_repeat(&s->repeat, net_now_ms());

	if (when == SUBSCRIPTION_LATER && wait == 0)
		wait = backoff_jitter(1000);
	/* The registration that is on its way wakes it up. */
	if (registration_is_pending(s->endpoint->registration) && wait < PENDING_MS)
		wait = PENDING_MS;
	s->not_before = net_now_ms() + least;
	return wait < least ? least : wait;
}

void subscription_again(struct subscription *s, enum subscription_again when,
	const struct endpoint_subscription *e, uint64_t *wait)
{
	uint64_t most = s->config.recover_ms ? s->config.recover_ms : 300000;

	*wait = 0;
	if (s->stopping) {
		subscription_finish(s, ENDPOINT_CLOSED);
	} else if (s->config.fetch) {
		if (s->answered)
			subscription_finish(s, ENDPOINT_DONE);
	} else if (when == SUBSCRIPTION_NEVER || s->config.give_up) {
		subscription_fail(s, -FAIL_ENDED, "the notifier ended the subscription%s" STR_FMT,
			e->reason.n ? ": " : "", STR_ARG(e->reason));
	} else if (e->has_retry_after && e->retry_after * 1000ULL > most) {
		subscription_fail(s, -FAIL_ENDED,
			"the notifier ended the subscription, and wants it back in %u s only",
			e->retry_after);
	} else {
		*wait = wait_of(s, when, e);
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
	if (!s->config.give_up && !s->endpoint->refuse && /* ruling 21 */
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
	if (subscription_first(s, &f) != 0)
		subscription_fail(s, f.code, "%s", f.text);
}

static void no_notify(struct subscription *s)
{
	struct endpoint_result none = { .cause = "", .times = { -1, -1, -1, -1, -1 } };
	uint64_t wait;

	fail_set(&none.fail, -FAIL_TIMEOUT,
		"the subscription was accepted, but no NOTIFY came within %.3g s",
		(double)subscription_timer_n(s) / 1000);
	if (!s->established) {
		subscription_fail(s, -FAIL_TIMEOUT, "%s", none.fail.text);
	} else if (subscription_recover(s, &none, &wait)) {
		wait_for_try(s, wait);
		subscription_tell_retry(s, "timeout", str_of(none.fail.text), wait);
	}
}

/* Whose 2xx it is has nobody beside it: nothing else answers the SUBSCRIBE. */
static bool is_of_2xx(const struct subscription *s, uint64_t tag)
{
	return s->accepted && map_hash(sip_msg_to_tag(s->accepted)) == tag;
}

bool subscription_first_keeps(struct subscription *s, uint64_t tag, enum subscription_again when,
	const struct endpoint_subscription *e)
{
	struct subscription_verdict *v = &s->verdict;

	if (s->stopping || s->config.fetch || !s->half.endpoint || is_of_2xx(s, tag))
		return false;
	*v = (struct subscription_verdict){
		.is = true,
		.when = when,
		.tag = tag,
		.has_retry_after = e->has_retry_after,
		.retry_after = e->retry_after,
	};
	snprintf(v->reason, sizeof(v->reason), STR_FMT, STR_ARG(e->reason));
	return true;
}

static void act_on_verdict(struct subscription *s)
{
	const struct subscription_verdict v = s->verdict;
	const struct endpoint_subscription e = {
		.reason = str_of(v.reason),
		.has_retry_after = v.has_retry_after,
		.retry_after = v.retry_after,
	};
	uint64_t wait;

	s->verdict.is = false;
	subscription_first_drop(s);
	subscription_again(s, v.when, &e, &wait);
	if (s->state == SUBSCRIPTION_WAITING)
		subscription_tell_retry(s, "dropped", e.reason.n ? e.reason : STR("ended"), wait);
}

void subscription_first_due(struct subscription *s)
{
	if (s->state == SUBSCRIPTION_WAITING)
		subscribe_anew(s);
	else if (s->verdict.is && s->leg_count == 0)
		act_on_verdict(s);
	else if (s->notified) /* no further notifier is waited for: RFC 6665 4.1.2.4 */
		subscription_first_drop(s);
	else
		no_notify(s);
}

/* ---- a NOTIFY that makes a dialog ---- */

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

static bool is_new_notifier(const struct subscription *s, struct str tag)
{
	uint64_t hash = map_hash(tag);

	for (unsigned i = 0; i < s->notifier_count; i++)
		if (s->notifiers[i] == hash)
			return false;
	return s->notifier_count < SUBSCRIPTION_LEGS;
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
		(s->over || s->stopping || !s->sent || !is_new_notifier(s, sip_msg_from_tag(m))))
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

static void wait_for_notifiers(struct subscription *s)
{
	net_timer_set(endpoint_loop(), &s->timer, net_now_ms() + subscription_timer_n(s));
}

static void accepted(struct subscription *s, const struct endpoint_result *result)
{
	struct endpoint_result *keep = &s->result;

	keep->counts = result->counts;
	keep->times = result->times;
	keep->authenticated = result->authenticated;
	s->answered = true;
	/* its NOTIFY may have come before, and have ended it already */
	if (s->over || s->state != SUBSCRIPTION_SUBSCRIBING)
		return;
	s->state = SUBSCRIPTION_SUBSCRIBED;
	if (ends_fetch(s)) {
		subscription_finish(s, ENDPOINT_DONE);
		return;
	}
	LIST_EACH (it, &s->legs)
		subscription_leg_accepted(CONTAINER_OF(it, struct subscription_leg, node));
	if (s->verdict.is && is_of_2xx(s, s->verdict.tag))
		net_later(endpoint_loop(), &s->timer);
	else
		wait_for_notifiers(s);
}

static void keep_accepted(struct subscription *s, const struct endpoint_msg *m)
{
	keep_sent(s);
	subscription_keep_raised(s, s->request);
	sip_msg_unref(s->accepted);
	s->accepted = sip_msg_ref((struct sip_msg *)(uintptr_t)m->msg);
	net_flow_unref(s->flow);
	s->flow = net_flow_ref(request_flow(s->request));
	s->rtt_ms = m->rtt_ms;
}

/* SB-16: Proxy-Require is for every proxy on the way, and one may not know it. */
static bool wants_plain(const struct subscription *s, const struct endpoint_result *result)
{
	return s->endpoint->config.dialect == ENDPOINT_OCS && !s->plain && result->response &&
	       result->response->status_code == 420 &&
	       sip_msg_has_token(result->response->msg, SIP_HDR_UNSUPPORTED, "ms-benotify");
}

static void failed(struct subscription *s, const struct endpoint_result *result)
{
	uint64_t wait;

	s->answered = true;
	if (s->over || s->state != SUBSCRIPTION_SUBSCRIBING)
		return;
	if (wants_plain(s, result)) {
		s->plain = true;
		wait_for_try(s, 0);
		subscription_tell_retry(s, "status", str_of(result->fail.text), 0);
		return;
	}
	if (s->notified && !result->response) { /* the NOTIFY has proved that it is there */
		s->state = SUBSCRIPTION_SUBSCRIBED;
		if (s->config.fetch)
			subscription_finish(s, ENDPOINT_DONE);
		else /* Timer N is over with the request's own */
			net_later(endpoint_loop(), &s->timer);
		return;
	}
	/* 4.1.2.1: "a non-200 class final response indicates that no subscription ... has been
	 * created", whatever was notified. */
	if (!s->established || s->notified || backoff_is_final(result)) {
		subscription_refused(s, result);
		return;
	}
	if (!subscription_recover(s, result, &wait))
		return;
	wait_for_try(s, wait);
	subscription_tell_retry(s, backoff_because(result), str_of(result->fail.text), wait);
}

static void on_request(void *arg, const struct endpoint_event *ev)
{
	struct subscription *s = arg;

	switch (ev->type) {
	case ENDPOINT_RESPONSE:
		if (ev->msg->status_code / 100 != 2)
			break;
		keep_accepted(s, ev->msg);
		if (subscription_is_piggyback(s, s->accepted) && !s->over && !s->stopping &&
			is_new_notifier(s, sip_msg_to_tag(s->accepted)))
			subscription_leg_piggybacked(s); /* may free s */
		break;
	case ENDPOINT_DONE:
		accepted(s, ev->result);
		request_free(s->request); /* it is in its handler, and what it said is kept */
		s->request = NULL;
		break;
	case ENDPOINT_FAILED:
		failed(s, ev->result);
		break;
	default:
		subscription_tell(s, ev);
		break;
	}
}

struct request_config subscription_first_request(struct subscription *s)
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
		.type = c->member_count ? subscription_list_type(s) : extra->type,
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
	s->notifier_count = 0;
	s->verdict.is = false;
	auth_exchange_done(&s->exchange);
	subscription_first_drop(s);
	drop_accepted(s);
}

int subscription_first(struct subscription *s, struct fail *f)
{
	struct request_config c;
	int e;

	new_ids(s);
	c = subscription_first_request(s);
	if ((e = request_start(&c, &s->request, f)) != 0)
		return e;
	s->state = SUBSCRIPTION_SUBSCRIBING;
	s->notified = s->answered = false;
	s->half.on_request = on_half;
	s->half.arg = s;
	dialog_open_half(&s->half, s->endpoint, str_of(s->call_id), str_of(s->tag));
	return 0;
}
