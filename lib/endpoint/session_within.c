/* lib/endpoint/session_within.c -- what the peer asks within the session: BYE, re-INVITE, UPDATE,
 * PRACK, INFO, MESSAGE and the rest. RFC 3261 sections 12.2.2, 14.2 and 15.1.2, RFC 3311
 * section 5.2; rows SS-20, SS-31, SS-35, AR- */
#include "endpoint/session_impl.h"

#include "base/text.h"
#include "endpoint/incoming_impl.h"
#include "endpoint/refer_impl.h"
#include "sip/build.h"
#include "sip/event.h"
#include "sip/session_expires.h"

#include <stdio.h>

void session_answer(struct transaction *t, unsigned status, const struct buf *headers)
{
	dialog_reply(t, &(struct dialog_response){
				.status = status,
				.headers = headers && !headers->fail ? buf_str(headers) : STR_EMPTY,
			});
	transaction_free(t);
}

/* 14.2 and RFC 3311 5.2: "a randomly chosen value of between 0 and 10 seconds" */
static void answer_later(struct transaction *t)
{
	struct buf b = BUF_INIT(64);

	sip_build_hdrf(&b, SIP_HDR_RETRY_AFTER, "%u", text_random_u32() % 11);
	session_answer(t, 500, &b);
	buf_done(&b);
}

/* 8.2.2.3: what Require names and nobody here knows, for Unsupported. */
static bool is_unknown(const struct sip_msg *m, struct buf *b)
{
	static const char *const known[] = { "100rel", "timer", "replaces", "norefersub" };
	struct sip_list l = sip_msg_list(m, SIP_HDR_REQUIRE);
	struct str tag;
	bool any = false;

	while (sip_list_token(&l, &tag)) {
		bool is_known = false;

		for (unsigned i = 0; i < ARRAY_LEN(known) && !is_known; i++)
			is_known = str_ieq(tag, str_of(known[i]));
		if (!is_known)
			buf_addf(b, "%s" STR_FMT, any ? ", " : "Unsupported: ", STR_ARG(tag));
		any = any || !is_known;
	}
	if (any)
		buf_add_str(b, STR("\r\n"));
	return any;
}

unsigned session_judge_interval(const struct sip_msg *m, uint32_t min_se, struct buf *b)
{
	struct sip_session_expires se;

	if (!sip_msg_hdr(m, SIP_HDR_SESSION_EXPIRES))
		return 0;
	if (!sip_session_expires_parse(sip_msg_value(m, SIP_HDR_SESSION_EXPIRES), &se))
		return 400;
	if (se.seconds >= min_se)
		return 0;
	sip_build_hdrf(b, SIP_HDR_MIN_SE, "%u", min_se);
	return 422; /* RFC 4028 9, AR-15 */
}

/* A description that cannot be read is refused, whoever would look into it. */
static unsigned judge_body(const struct sip_msg *m, struct buf *b)
{
	struct arena a = { 0 };
	struct sdp parsed;
	struct str sdp;
	unsigned status = 0;

	if (session_body(m, &sdp, &status)) {
		int e = sdp_parse(sdp, &a, &parsed, NULL);

		status = e == 0 ? 0 : e == -FAIL_LIMIT ? 488 : 400;
		arena_done(&a);
	} else if (status != 0) {
		buf_add_str(b, STR("Accept: application/sdp\r\n"));
		if (sip_msg_value(m, SIP_HDR_CONTENT_ENCODING).n > 0) /* RFC 3261 21.4.13 */
			buf_add_str(b, STR("Accept-Encoding: identity\r\n"));
	}
	return status;
}

unsigned session_judge(const struct sip_msg *m, uint32_t min_se, struct buf *b)
{
	unsigned status = is_unknown(m, b) ? 420 /* AR-02 */ : judge_body(m, b);

	return status ? status : session_judge_interval(m, min_se, b);
}

bool session_tell_media(
	struct session *s, bool was_held, const char *usual, const struct endpoint_msg *msg)
{
	bool is_held = media_is_held(&s->media);

	return session_tell_state(s, &(struct session_told){
					     .state = "confirmed",
					     .news = is_held == was_held ? usual
						     : is_held           ? "hold"
									 : "resume",
					     .leg = s->leg,
					     .msg = msg,
				     });
}

/* ---- BYE ---- */

static void on_bye(
	struct session_leg *leg, struct transaction *t, struct sip_msg *m, struct net_flow *flow)
{
	struct session *s = leg->session;
	struct session_seen seen;
	const struct endpoint_msg *msg = session_seen(&seen, m, flow);

	session_answer(t, s->state == SESSION_ENDED ? 481 : 200, NULL);
	if (leg != s->leg) { /* another branch of our INVITE gives itself up */
		const struct session_told told = {
			.state = "terminated", .cause = "remote-bye", .leg = leg, .msg = msg
		};

		if (!leg->bye && session_tell_state(s, &told))
			session_leg_free(leg);
		return;
	}
	switch (s->state) {
	case SESSION_RINGING: /* 15: the caller may end an early dialog so */
		session_why(s, "cancelled", -FAIL_CANCELLED, "ended by the caller");
		session_refuse(s, 487, STR_EMPTY, STR_EMPTY);
		break;
	case SESSION_ACCEPTED:
	case SESSION_CONFIRMED:
		session_why(s, "remote-bye", 0, " ");
		session_finish(s, NULL, msg);
		break;
	case SESSION_CALLING:
	case SESSION_ENDING: /* ours is on its way as well */
	case SESSION_ENDED:
		break;
	}
}

/* ---- re-INVITE and UPDATE ---- */

/* What stands in the way of an INVITE of the peer's; 0: nothing. */
static unsigned refuses_invite(const struct session *s)
{
	if (s->state == SESSION_ENDING || s->state == SESSION_ENDED)
		return 481; /* A53 */
	if ((s->change && !s->change->pausing) || media_waits(&s->media))
		return 491;
	return s->state != SESSION_CONFIRMED || s->got ? 500 : 0;
}

/* RFC 3311 5.2; one without an offer disturbs nothing. */
static unsigned refuses_update(const struct session *s, bool offers)
{
	if (s->state == SESSION_ENDING || s->state == SESSION_ENDED)
		return 481;
	if (!offers)
		return 0;
	if (media_waits(&s->media) ||
		(s->change && !s->change->pausing && s->change->kind == SESSION_SENT_REINVITE))
		return 491;
	return s->state == SESSION_RINGING && s->got && s->got->offers && !s->got->settled ? 500
											   : 0;
}

/* True: answered already. */
static bool refused(
	struct session *s, struct transaction *t, const struct sip_msg *m, unsigned status)
{
	struct buf b = BUF_INIT(1 << 16);

	if (status == 0)
		status = session_judge(m, session_min_se(&s->policy), &b);
	if (status == 0)
		status = s->policy.reinvite_status;
	if (status == 500)
		answer_later(t);
	else if (status != 0)
		session_answer(t, status, &b);
	buf_done(&b);
	return status != 0;
}

/* The answer to the offer in m, or for an INVITE without one our offer. False: answered 488. */
static bool negotiate(
	struct session *s, struct transaction *t, const struct sip_msg *m, struct buf *body)
{
	struct buf b = BUF_INIT(256);
	struct str sdp;
	struct fail f;
	unsigned status = 0;
	bool has = session_body(m, &sdp, &status);
	int e = 0;

	if (!session_has_media(s))
		return true;
	if (has)
		e = media_answer(&s->media, transaction_flow(t), sdp, body, &f);
	else if (m->method == SIP_INVITE)
		e = media_offer(&s->media, transaction_flow(t), body, &f);
	if (e == 0)
		return true;
	buf_add_str(&b, STR("Warning: 304 rte \"Media type not available\"\r\n"));
	session_answer(t, e == -FAIL_LOCAL ? 500 : 488, e == -FAIL_LOCAL ? NULL : &b);
	buf_done(&b);
	return false;
}

static void on_invite(
	struct session_leg *leg, struct transaction *t, struct sip_msg *m, struct net_flow *flow)
{
	struct session *s = leg->session;
	struct buf body = BUF_INIT(1 << 16);
	struct session_seen seen;
	bool was_held = media_is_held(&s->media), waits;

	if (refused(s, t, m, leg != s->leg ? 481 : refuses_invite(s)) ||
		!negotiate(s, t, m, &body)) {
		buf_done(&body);
		return;
	}
	session_learn(s, m);
	sip_dialog_refresh(&leg->dialog.sip, m);
	s->got = session_got_new(leg, t, false);
	session_got_accept(s->got, 200, STR_EMPTY, buf_str(&body));
	buf_done(&body);
	waits = media_waits(&s->media); /* then the ACK brings the news */
	if (waits || session_tell_media(s, was_held, "reinvite", session_seen(&seen, m, flow)))
		session_timer_tell(s, NULL);
}

static void on_update(
	struct session_leg *leg, struct transaction *t, struct sip_msg *m, struct net_flow *flow)
{
	struct session *s = leg->session;
	struct buf body = BUF_INIT(1 << 16), headers = BUF_INIT(1 << 18);
	struct session_seen seen;
	struct str sdp;
	unsigned status = 0;
	bool was_held = media_is_held(&s->media), offers = session_body(m, &sdp, &status);

	if (refused(s, t, m, refuses_update(s, offers)) || !negotiate(s, t, m, &body)) {
		buf_done(&body);
		return;
	}
	session_learn(s, m);
	sip_dialog_refresh(&leg->dialog.sip, m);
	session_write_self(s, transaction_flow(t), &headers);
	if (s->state == SESSION_CONFIRMED)
		session_timer_accept(s, m, &headers);
	dialog_reply(t, &(struct dialog_response){
				.status = 200,
				.headers = buf_str(&headers),
				.type = body.n ? STR("application/sdp") : STR_EMPTY,
				.body = buf_str(&body),
			});
	transaction_free(t);
	buf_done(&headers);
	buf_done(&body);
	if (s->state != SESSION_CONFIRMED)
		return;
	if (!offers || session_tell_media(s, was_held, "update", session_seen(&seen, m, flow)))
		session_timer_tell(s, NULL);
}

/* ---- the others ---- */

static void on_ack(
	struct session_leg *leg, struct transaction *t, struct sip_msg *m, struct net_flow *flow)
{
	(void)t;
	session_in_ack(leg, m, flow);
}

static void on_prack(
	struct session_leg *leg, struct transaction *t, struct sip_msg *m, struct net_flow *flow)
{
	(void)flow;
	session_in_prack(leg, t, m);
}

static void on_message(
	struct session_leg *leg, struct transaction *t, struct sip_msg *m, struct net_flow *flow)
{
	struct session *s = leg->session;

	(void)m;
	(void)flow;
	if (s->state == SESSION_ENDING || s->state == SESSION_ENDED)
		session_answer(t, 481, NULL);
	else
		incoming_deliver(
			incoming_new(s->endpoint, s, t), s->policy.on_event, s->policy.arg);
}

static void on_options(
	struct session_leg *leg, struct transaction *t, struct sip_msg *m, struct net_flow *flow)
{
	struct buf b = BUF_INIT(1 << 16);

	(void)m;
	(void)flow;
	session_write_self(leg->session, transaction_flow(t), &b);
	buf_add_str(&b, STR("Accept: application/sdp\r\n"));
	session_answer(t, 200, &b);
	buf_done(&b);
}

static void on_refer(
	struct session_leg *leg, struct transaction *t, struct sip_msg *m, struct net_flow *flow)
{
	struct session *s = leg->session;

	(void)flow;
	if (s->state != SESSION_CONFIRMED || !refer_received(s->endpoint, s, &leg->dialog, t, m))
		session_answer(t, 481, NULL);
}

static void on_notify(
	struct session_leg *leg, struct transaction *t, struct sip_msg *m, struct net_flow *flow)
{
	struct buf b = BUF_INIT(64);
	struct sip_event event;

	(void)flow;
	if (!sip_event_parse(sip_msg_value(m, SIP_HDR_EVENT), &event) ||
		!str_ieq(event.package, STR("refer"))) {
		buf_add_str(&b, STR("Allow-Events: refer\r\n"));
		session_answer(t, 489, &b);
	} else if (!refer_notified(leg->session, &leg->dialog, t, m)) {
		session_answer(t, 481, NULL);
	}
	buf_done(&b);
}

static void on_subscribe(
	struct session_leg *leg, struct transaction *t, struct sip_msg *m, struct net_flow *flow)
{
	struct buf b = BUF_INIT(64);

	(void)flow;
	if (refer_subscribed(leg->session, t, m))
		return;
	buf_add_str(&b, STR("Allow-Events: refer\r\n"));
	session_answer(t, 489, &b);
	buf_done(&b);
}

static void on_other(
	struct session_leg *leg, struct transaction *t, struct sip_msg *m, struct net_flow *flow)
{
	struct buf b = BUF_INIT(256);

	(void)leg;
	(void)flow;
	if (m->method == SIP_BENOTIFY || !t) { /* AR-12: never answered */
		transaction_free(t);
		return;
	}
	sip_build_hdr(&b, SIP_HDR_ALLOW, STR(SESSION_ALLOW));
	session_answer(t, m->method == SIP_OTHER ? 501 : 405, &b);
	buf_done(&b);
}

typedef void within_fn(
	struct session_leg *leg, struct transaction *t, struct sip_msg *m, struct net_flow *flow);

static bool has_leg(const struct session *s, unsigned id)
{
	LIST_EACH (it, &s->legs)
		if (CONTAINER_OF(it, struct session_leg, node)->id == id)
			return true;
	return false;
}

/* What came before this request is told before it. False when that was the end of the leg. */
static bool tell_answers(struct session_leg *leg)
{
	struct session *s = leg->session;
	unsigned id = leg->id;
	bool gone = false, *outer = s->gone;

	s->gone = &gone;
	request_tell_within(s->endpoint, &leg->dialog, &gone);
	if (!gone)
		refer_tell_due(&s->refers, &gone);
	if (!gone)
		s->gone = outer;
	else if (outer)
		*outer = true;
	return !gone && has_leg(s, id);
}

void session_on_request(void *arg, struct dialog *d, struct transaction *t, struct sip_msg *m,
	struct net_flow *flow)
{
	static within_fn *const table[SIP_METHOD_COUNT] = {
		[SIP_INVITE] = on_invite,
		[SIP_ACK] = on_ack,
		[SIP_BYE] = on_bye,
		[SIP_PRACK] = on_prack,
		[SIP_UPDATE] = on_update,
		[SIP_INFO] = on_message,
		[SIP_MESSAGE] = on_message,
		[SIP_OPTIONS] = on_options,
		[SIP_REFER] = on_refer,
		[SIP_NOTIFY] = on_notify,
		[SIP_SUBSCRIBE] = on_subscribe,
	};
	within_fn *fn = table[m->method] ? table[m->method] : on_other;
	struct session_leg *leg = arg;
	const bool *manager_gone = leg->session->endpoint->manager->gone;
	struct buf b = BUF_INIT(1 << 16);

	(void)d;
	if (!tell_answers(leg)) {
		if (manager_gone && *manager_gone)
			return; /* and t with it */
		if (t && m->method != SIP_BENOTIFY)
			session_answer(t, 481, NULL);
		else
			transaction_free(t);
		return;
	}
	if (!t || m->method == SIP_BENOTIFY) { /* what has no answer, of whatever status */
		fn(arg, t, m, flow);
		return;
	}
	/* What a branch that lost asks is not for the call that won. */
	if (session_leg_lost(leg) && m->method != SIP_BYE) {
		session_answer(t, 481, NULL);
		return;
	}
	/* 8.2.2.3; a BYE ends the session whatever it requires of us. */
	if (m->method != SIP_INVITE && m->method != SIP_UPDATE && m->method != SIP_BYE &&
		is_unknown(m, &b)) {
		session_answer(t, 420, &b);
		buf_done(&b);
		return;
	}
	buf_done(&b);
	if (m->method != SIP_INVITE &&
		(sip_msg_hdr(m, SIP_HDR_REPLACES) || sip_msg_hdr_named(m, STR("Join")))) {
		session_answer(t, 400, NULL); /* RFC 3891 3 */
		return;
	}
	fn(arg, t, m, flow);
}
