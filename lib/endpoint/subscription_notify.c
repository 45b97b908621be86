/* lib/endpoint/subscription_notify.c -- what a notifier tells: NOTIFYs are judged, decoded and
 * told. RFC 6665 sections 4.1.2.3 and 4.1.3, RFC 5839 section 5.3 */
#include "base/mem.h"
#include "endpoint/subscription_impl.h"
#include "sip/build.h"

#include <string.h>

enum { WHOLE_AGAIN_MS = 30000 }; /* the whole state is not asked for more often */

unsigned subscription_judge(
	const struct subscription *s, const struct sip_msg *m, struct sip_subscription_state *state)
{
	struct sip_event event;

	if (m->method != SIP_NOTIFY && m->method != SIP_BENOTIFY)
		return m->method == SIP_BYE ? 481 : 405;
	if (endpoint_unsupported(s->endpoint, m, NULL))
		return 420;
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
	struct buf headers = BUF_INIT(1 << 16);

	if (!t)
		return;
	if (status == 489) /* RFC 6665 8.3.2 */
		sip_build_hdr(&headers, SIP_HDR_ALLOW_EVENTS, s->event.package);
	else if (status == 405)
		buf_add_str(&headers, STR("Allow: NOTIFY\r\n"));
	else if (status == 420)
		endpoint_unsupported(s->endpoint, transaction_msg(t), &headers);
	if (transaction_msg(t)->method != SIP_BENOTIFY) /* AR-12 */
		transaction_answer(t, status, headers.n > 0 ? buf_cstr(&headers) : NULL);
	transaction_free(t);
	buf_done(&headers);
}

bool subscription_is_piggyback(const struct subscription *s, const struct sip_msg *response)
{
	struct str value = sip_msg_value(response, SIP_HDR_EVENT);
	struct sip_event event;

	if (response->body.n == 0 ||
		(value.n > 0 && (!sip_event_parse(value, &event) ||
					!str_ieq(event.package, s->event.package))))
		return false;
	return sip_msg_hdr_named(response, STR("ms-piggyback-cseq")) ||
	       sip_msg_has_token(response, SIP_HDR_SUPPORTED, "ms-piggyback-first-notify");
}

/* ---- NOTIFY ---- */

static bool is_terminated(const struct sip_subscription_state *state)
{
	return str_ieq(state->state, STR("terminated"));
}

/* RFC 6665 4.1.3, "terminated". */
static enum subscription_again when_again(struct str reason)
{
	static const struct {
		const char *reason;
		enum subscription_again when;
	} table[] = {
		{ "deactivated", SUBSCRIPTION_NOW },
		{ "probation", SUBSCRIPTION_LATER },
		{ "rejected", SUBSCRIPTION_NEVER },
		{ "timeout", SUBSCRIPTION_NOW },
		{ "giveup", SUBSCRIPTION_LATER },
		{ "noresource", SUBSCRIPTION_NEVER },
		{ "invariant", SUBSCRIPTION_NEVER },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (str_ieq(reason, str_of(table[i].reason)))
			return table[i].when;
	return SUBSCRIPTION_LATER;
}

/* A partial document that others are missing before: the whole is asked for (RFC 4235 4.5, RFC
 * 3680 5.2), but not again and again. */
static void ask_for_all(struct subscription_leg *l)
{
	uint64_t now = net_now_ms();

	if (l->busy || l->closing || l->ended || l->subscription->config.fetch ||
		(l->asked_all_at && now < l->asked_all_at + WHOLE_AGAIN_MS))
		return;
	l->asked_all_at = now;
	l->want_all = true;
	subscription_leg_refresh(l);
}

struct document { /* of one NOTIFY */
	struct arena arena;
	struct fail fail;
};

static void decode(struct subscription_leg *l, const struct sip_msg *m, struct document *d,
	struct endpoint_notify *n)
{
	struct str type = sip_msg_value(m, SIP_HDR_CONTENT_TYPE);
	struct tree *tree = NULL;

	if (!l->subscription->config.decode || m->body.n == 0)
		return;
	if (body_decode(type, m->body, &d->arena, &tree, &d->fail) != 0) {
		n->malformed = &d->fail;
		return;
	}
	n->body = tree;
	if (!tree)
		return;
	if (!l->documents)
		l->documents = body_state_new();
	switch (body_state_add(l->documents, type, tree, &n->whole)) {
	case BODY_WHOLE:
		n->whole = NULL; /* the body says it all */
		break;
	case BODY_MERGED:
		break;
	case BODY_OLD:
		n->note = "an old document, which changes nothing";
		break;
	case BODY_GAP:
		n->note = "documents before this one are missing";
		ask_for_all(l);
		break;
	case BODY_TOO_MUCH:
		n->note = "more than can be kept: what was known is forgotten";
		break;
	}
}

static void keep_etag(struct subscription_leg *l, const struct sip_msg *m)
{
	struct str etag = sip_msg_value(m, SIP_HDR_SIP_ETAG);

	if (etag.n == 0 || !endpoint_check_token(etag))
		return;
	mem_free(l->etag);
	l->etag = mem_strndup(etag.p, etag.n);
}

/* Pending or active. Gives the cause when that is news, else NULL. */
static const char *keep_state(
	struct subscription_leg *l, const struct sip_subscription_state *state)
{
	struct subscription *s = l->subscription;
	const char *now = str_ieq(state->state, STR("pending")) ? "pending" : "active";
	const char *cause = !l->state                    ? "subscribed"
			    : strcmp(l->state, now) != 0 ? "notified"
							 : NULL;

	if (!l->state) /* else a refresh that fails all the while would be repeated at once */
		s->recovery.until = 0;
	l->state = now;
	s->established = true;
	if (s->config.fetch || l->closing)
		return cause;
	if (state->has_expires)
		subscription_leg_correct_expiry(l, state->expires);
	else if (l->expires_at == NET_NEVER)
		subscription_leg_set_expiry(l, subscription_leg_granted(s, s->accepted));
	return cause;
}

static void notified_end(struct subscription_leg *l, const struct sip_subscription_state *state,
	const struct endpoint_msg *msg)
{
	struct endpoint_subscription e = subscription_leg_describe(l, "terminated",
		l->closing || l->subscription->config.fetch ? "unsubscribed" : "ended");

	e.reason = state->reason;
	e.has_retry_after = state->has_retry_after && !str_ieq(state->reason, STR("deactivated")) &&
			    !str_ieq(state->reason, STR("timeout")); /* there it means nothing */
	e.retry_after = state->retry_after;
	e.msg = msg;
	/* a 2xx that grants no time is all there will be */
	subscription_leg_end(
		l, &e, msg->msg->request ? when_again(state->reason) : SUBSCRIPTION_NEVER);
}

void subscription_leg_notified(struct subscription_leg *l, struct sip_msg *m, struct net_flow *flow,
	const struct sip_subscription_state *state)
{
	struct subscription *s = l->subscription;
	struct document d = { .fail = { 0 } };
	struct dispatch_text text;
	struct endpoint_msg msg;
	struct endpoint_notify n = {
		.subscription = s,
		.id = l->id,
		.uri = s->config.target,
		.event = s->event.package,
		.state = state->state,
		.reason = state->reason,
		.has_expires = state->has_expires,
		.expires = state->expires,
		.etag = sip_msg_value(m, SIP_HDR_SIP_ETAG),
		.msg = &msg,
	};
	struct endpoint_subscription e;
	const char *cause = NULL;
	bool terminated = is_terminated(state), alive = true;

	dispatch_describe_msg(m, flow, &text, &msg);
	if (m->request) {
		msg.replied = m->method == SIP_BENOTIFY ? 0 : 200;
	} else { /* of a 2xx the other side is in To */
		struct endpoint_address us = msg.from;

		msg.from = msg.to;
		msg.to = us;
	}
	s->notified = true;
	sip_dialog_refresh(&l->dialog.sip, m);
	keep_etag(l, m);
	if (!terminated)
		cause = keep_state(l, state);
	else
		subscription_leg_mark_ended(l);
	decode(l, m, &d, &n);
	if (s->config.fetch && s->answered)
		subscription_finish(s, ENDPOINT_DONE);
	if (cause) {
		e = subscription_leg_describe(l, l->state, cause);
		e.msg = &msg;
		alive = subscription_leg_tell(s, &e);
	}
	if (alive)
		alive = subscription_tell(
			s, &(struct endpoint_event){ .type = ENDPOINT_NOTIFY, .notify = &n });
	if (alive && terminated)
		notified_end(l, state, &msg);
	arena_done(&d.arena);
}
