/* lib/endpoint/session_out.c -- our INVITE: its early dialogs, its 2xx and those of other branches,
 * the ACK, giving it up. RFC 3261 sections 9.1, 13.2, RFC 3262 section 4, RFC 4028 section 7.3;
 * rows SS-02 to SS-30 */
#include "endpoint/session_impl.h"

#include "base/mem.h"
#include "endpoint/request_impl.h"
#include "sip/build.h"
#include "sip/rack.h"
#include "sip/session_expires.h"

#include <string.h>

enum { RAISES = 2 }; /* how often a 422 is followed (A76) */

/* ---- what was sent ---- */

static void on_timer(struct ev_loop *loop, ev_timer *w, int revents);

struct session_sent *session_sent_new(struct session *s)
{
	struct session_sent *sent = MEM_NEW(struct session_sent);

	list_init(&sent->node);
	sent->session = s;
	ev_init(&sent->timer, on_timer);
	return sent;
}

void session_sent_free(struct session_sent *sent)
{
	if (!sent)
		return;
	ev_timer_stop(endpoint_loop(), &sent->timer);
	list_del(&sent->node);
	request_free(sent->request);
	mem_free(sent->sdp);
	mem_free(sent->answer);
	mem_free(sent);
}

/* 13.2.2.4: "The UAC core considers the INVITE transaction completed 64*T1 seconds after the
 * reception of the first 2xx response." */
void session_linger(struct session_sent *sent)
{
	sent->final = true;
	list_add(&sent->session->lingering, &sent->node);
	net_timer_set(endpoint_loop(), &sent->timer, net_now_ms() + session_give_up(sent->session));
}

void session_write_offer(struct session_sent *sent, struct request *r, struct buf *b)
{
	struct session *s = sent->session;
	struct buf offer = BUF_INIT(1 << 16);

	if (sent->late || !session_has_media(s))
		return;
	media_withdraw(&s->media); /* of a sending before: another target, or with credentials */
	if (sent->sdp)
		media_give(&s->media, str_of(sent->sdp));
	if (media_offer(&s->media, request_flow(r), &offer, &sent->fail) == 0) {
		/* The body depends on the flow, as the Contact does. */
		r->config.body = arena_str(&r->arena, buf_str(&offer));
		r->config.type = STR("application/sdp");
	} else {
		buf_fail(b, sent->fail.code);
	}
	buf_done(&offer);
}

static void write_first(void *arg, struct request *r, struct buf *b)
{
	struct session_sent *sent = arg;
	struct session *s = sent->session;

	session_write_self(s, request_flow(r), b);
	if (s->policy.reliable == SESSION_100REL_REQUIRE)
		sip_build_hdr(b, SIP_HDR_REQUIRE, STR("100rel"));
	session_timer_write(s, sent->expires, true, b);
	session_write_offer(sent, r, b);
}

/* ---- dialogs of its responses ---- */

/* The dialog of a response that has a To tag, made if it is new. NULL: it can have none. */
static struct session_leg *leg_of(struct session_sent *sent, const struct sip_msg *m)
{
	struct session *s = sent->session;
	struct session_leg *leg = session_leg_find(s, sip_msg_to_tag(m));
	struct sip_cseq cseq = { 0 };
	unsigned count = 0;

	LIST_EACH (it, &s->legs)
		count++;
	/* A 2xx must have its ACK, however many others rang. */
	if (leg || count >= (m->status < 200 ? SESSION_FORKS : 2 * SESSION_FORKS))
		return leg;
	leg = session_leg_new(s);
	if (sip_dialog_from_response(&leg->dialog.sip, request_msg(sent->request), m, NULL) != 0 ||
		!dialog_open(&leg->dialog, s->endpoint)) {
		session_leg_free(leg);
		return NULL;
	}
	sip_msg_cseq(m, &cseq);
	leg->invite_cseq = cseq.number;
	dialog_use_flow(&leg->dialog, request_flow(sent->request), m);
	return leg;
}

/* A description that answers our offer. One from another branch than the last answers the same
 * offer once more. */
static int take_answer(
	struct session_sent *sent, struct session_leg *leg, struct str sdp, struct fail *f)
{
	struct session *s = sent->session;
	struct buf again = BUF_INIT(1 << 16);
	int e = 0;

	if (s->media_leg == leg && !media_waits(&s->media))
		return 0; /* 13.2.1: the first answer counts */
	if (!media_waits(&s->media))
		e = media_offer(&s->media, request_flow(sent->request), &again, f);
	if (e == 0)
		e = media_answered(&s->media, sdp, f);
	if (e == 0)
		s->media_leg = leg;
	buf_done(&again);
	return e;
}

/* The offer to an INVITE that had none: our answer is kept for the ACK or PRACK. */
static int take_offer(
	struct session_sent *sent, struct session_leg *leg, struct str sdp, struct fail *f)
{
	struct session *s = sent->session;
	struct buf answer = BUF_INIT(1 << 16);
	int e = media_answer(&s->media, request_flow(sent->request), sdp, &answer, f);

	if (e == 0)
		s->media_leg = leg;
	else /* 13.2.2.4: what is not acceptable has a valid answer all the same, and then a BYE */
		media_decline(&s->media, request_flow(sent->request), sdp, &answer);
	if (answer.n > 0 && !answer.fail) {
		mem_free(sent->answer);
		sent->answer = mem_strndup(answer.p, answer.n);
	}
	buf_done(&answer);
	return e;
}

/* What a 2xx says about media. An answer may have come before it. */
static int take_final_media(
	struct session_sent *sent, struct session_leg *leg, const struct sip_msg *m, struct fail *f)
{
	struct session *s = sent->session;
	struct str sdp;
	unsigned status = 0;
	bool has = session_body(m, &sdp, &status);

	if (!session_has_media(s))
		return 0;
	if (status != 0)
		return fail_set(f, -FAIL_MEDIA, "the description in the answer cannot be used");
	if (s->media_leg == leg && !media_waits(&s->media))
		return 0;
	if (!has)
		return fail_set(f, -FAIL_MEDIA, "the answer has no description");
	return sent->late ? take_offer(sent, leg, sdp, f) : take_answer(sent, leg, sdp, f);
}

/* ---- provisional responses ---- */

static bool is_reliable(const struct session *s, const struct sip_msg *m, uint32_t *rseq)
{
	return s->policy.reliable != SESSION_100REL_NO &&
	       sip_msg_has_token(m, SIP_HDR_REQUIRE, "100rel") &&
	       sip_rseq_parse(sip_msg_value(m, SIP_HDR_RSEQ), rseq);
}

static void give_up_media(struct session *s, const struct fail *f)
{
	session_why(s, "error", -FAIL_MEDIA, "%.200s", fail_show(f));
	session_end(s, STR_EMPTY);
}

/* RFC 3262 4: in order of RSeq, a repetition is absorbed. False: not to be looked at. */
static bool take_reliable(
	struct session_sent *sent, struct session_leg *leg, const struct sip_msg *m, uint32_t rseq)
{
	struct session *s = sent->session;
	struct str sdp, answer = STR_EMPTY;
	unsigned status = 0;
	struct fail f = { 0 };
	int e = 0;

	if ((leg->rseq != 0 && rseq != leg->rseq + 1) || !session_may_prack(leg))
		return false; /* one that comes too early is repeated by the peer */
	leg->rseq = rseq;
	if (session_has_media(s) && session_body(m, &sdp, &status)) {
		e = sent->late && s->media_leg != leg ? take_offer(sent, leg, sdp, &f)
						      : take_answer(sent, leg, sdp, &f);
		if (e == 0 && sent->late && sent->answer)
			answer = str_of(sent->answer);
	}
	if (session_prack(leg, answer) == 0 &&
		answer.n > 0) { /* it is given: the ACK carries none */
		mem_free(sent->answer);
		sent->answer = NULL;
	}
	if (e != 0)
		give_up_media(s, &f);
	return true;
}

static void on_provisional(struct session_sent *sent, const struct endpoint_msg *msg)
{
	struct session *s = sent->session;
	const struct sip_msg *m = msg->msg;
	struct session_leg *leg = NULL;
	struct str sdp;
	unsigned status = 0;
	uint32_t rseq;

	if (!sent->ringing && sent->ring_ms > 0)
		net_timer_set(endpoint_loop(), &sent->timer, net_now_ms() + sent->ring_ms);
	sent->ringing = true;
	session_learn(s, m);
	if (sip_msg_to_tag(m).n > 0)
		leg = leg_of(sent, m);
	if (!leg) { /* told once: repetitions, and branches beyond the limit, are no news */
		if (sent->proceeding || sip_msg_to_tag(m).n > 0)
			return;
		sent->proceeding = true;
		session_tell_state(s, &(struct session_told){ .state = "proceeding", .msg = msg });
		return;
	}
	if (leg->confirmed)
		return;
	if (is_reliable(s, m, &rseq)) {
		sip_dialog_refresh(&leg->dialog.sip, m);
		if (!take_reliable(sent, leg, m, rseq))
			return;
	} else if (session_has_media(s) && !sent->late && session_body(m, &sdp, &status)) {
		take_answer(sent, leg, sdp, NULL); /* no more than a hint: the 2xx has it again */
	}
	session_tell_state(s, &(struct session_told){ .state = "early", .leg = leg, .msg = msg });
}

/* ---- 2xx ---- */

static struct session_leg *first_unconfirmed(struct session *s)
{
	LIST_EACH (it, &s->legs) {
		struct session_leg *leg = CONTAINER_OF(it, struct session_leg, node);

		if (!leg->confirmed)
			return leg;
	}
	return NULL;
}

/* The branches that have not answered in time: 13.2.2.4, "all the early dialogs that have not
 * transitioned to established dialogs are terminated". False: s is gone. */
static bool end_early(struct session *s)
{
	struct session_told told = { .state = "terminated", .cause = "cancelled" };

	while ((told.leg = first_unconfirmed(s)) != NULL) {
		if (!session_tell_state(s, &told))
			return false;
		session_leg_free(told.leg);
	}
	return true;
}

/* 13.2.2.4: a 2xx of another branch makes a dialog of its own, which is not wanted. */
static void end_extra(
	struct session_sent *sent, struct session_leg *leg, const struct endpoint_msg *msg)
{
	struct session *s = sent->session;

	session_ack(leg, sent);
	if (session_bye(leg, STR_EMPTY) == 0)
		session_tell_state(
			s, &(struct session_told){ .state = "confirmed", .leg = leg, .msg = msg });
}

static void confirmed(
	struct session_sent *sent, struct session_leg *leg, const struct endpoint_msg *msg)
{
	struct session *s = sent->session;

	s->state = SESSION_CONFIRMED;
	s->confirmed_us = net_now_us();
	s->setup_ms = (double)(s->confirmed_us - s->started_us) / 1000.0;
	session_timer_accepted(s, msg->msg, sent->expires);
	if (session_tell_state(
		    s, &(struct session_told){ .state = "confirmed", .leg = leg, .msg = msg }))
		session_timer_tell(s, NULL);
}

static bool confirm_leg(struct session_leg *leg, const struct sip_msg *m)
{
	if (sip_dialog_confirm(&leg->dialog.sip, m, NULL) != 0)
		return false;
	leg->confirmed = true;
	return true;
}

static void on_success(struct session_sent *sent, const struct endpoint_msg *msg)
{
	struct session *s = sent->session;
	const struct sip_msg *m = msg->msg;
	struct session_leg *leg = leg_of(sent, m);
	struct fail f = { 0 };

	if (leg && leg->confirmed) { /* once more: our ACK was lost */
		session_ack(leg, sent);
		return;
	}
	if (!leg || !confirm_leg(leg, m)) {
		if (!s->leg) /* told with DONE */
			fail_set(&sent->fail, -FAIL_PROTOCOL, "the 2xx makes no dialog");
		return;
	}
	if (s->leg) {
		end_extra(sent, leg, msg);
		return;
	}
	s->leg = leg;
	session_learn(s, m);
	ev_timer_stop(endpoint_loop(), &sent->timer);
	if (s->stopping) { /* SS-22: it was faster than our CANCEL */
		session_ack(leg, sent);
		s->state = SESSION_CONFIRMED;
		session_end(s, STR_EMPTY);
		return;
	}
	if (take_final_media(sent, leg, m, &f) == 0) {
		session_ack(leg, sent);
		confirmed(sent, leg, msg);
		return;
	}
	session_ack(leg, sent);
	s->state = SESSION_CONFIRMED;
	session_why(s, "error", -FAIL_MEDIA, "%.200s", fail_show(&f));
	session_end(s, STR("SIP;cause=488;text=\"Not Acceptable Here\""));
}

/* ---- its end ---- */

/* RFC 4028 7.3: once more with what the 422 asks for. */
static bool raise_interval(struct session_sent *sent, const struct sip_msg *m)
{
	struct session *s = sent->session;
	uint32_t least;

	if (m->status != 422 || sent->expires == 0 || sent->raised >= RAISES ||
		!sip_min_se_parse(sip_msg_value(m, SIP_HDR_MIN_SE), &least) ||
		least <= sent->expires)
		return false;
	sent->raised++;
	sent->expires = s->min_se = least;
	return true;
}

/* The same INVITE again: same Call-ID and From, the next CSeq. */
static int again(struct session_sent *sent)
{
	struct request *old = sent->request, *r;
	struct request_config config = old->config;
	int e;

	config.call_id = request_call_id(old);
	config.from_tag = request_from_tag(old);
	config.target = old->target;
	config.body = config.type = STR_EMPTY;
	e = request_start(&config, &r, NULL);
	if (e == 0) {
		sent->request = r;
		request_free(old);
	}
	return e;
}

static const char *cause_of(const struct fail *f)
{
	return f->code == -FAIL_TIMEOUT ? "timeout" : "error";
}

static void on_failed(struct session_sent *sent, const struct endpoint_result *result)
{
	struct session *s = sent->session;
	const struct sip_msg *m = result->response ? result->response->msg : NULL;
	const struct fail *why;

	if (s->leg) { /* the 2xx came, but proved nothing */
		session_why(s, "error", result->fail.code, "%.200s", fail_show(&result->fail));
		s->out = NULL;
		session_linger(sent);
		session_end(s, STR_EMPTY);
		return;
	}
	if (m && !s->stopping && raise_interval(sent, m) && again(sent) == 0)
		return;
	media_withdraw(&s->media);
	why = !m && sent->fail.code ? &sent->fail : &result->fail; /* no offer could be made */
	session_why(s, m ? "rejected" : cause_of(why), why->code, "%.200s", fail_show(why));
	ev_timer_stop(endpoint_loop(), &sent->timer);
	session_finish(s, result, NULL);
}

static void on_done(struct session_sent *sent, const struct endpoint_result *result)
{
	struct session *s = sent->session;

	if (!s->leg) {
		session_why(s, "error", sent->fail.code ? sent->fail.code : -FAIL_PROTOCOL,
			"%.200s", fail_show(&sent->fail));
		session_finish(s, result, NULL);
		return;
	}
	s->out = NULL;
	session_linger(sent);
}

static void on_event(void *arg, const struct endpoint_event *ev)
{
	struct session_sent *sent = arg;

	switch (ev->type) {
	case ENDPOINT_RESPONSE:
		if (ev->msg->status_code < 200)
			on_provisional(sent, ev->msg);
		else if (ev->msg->status_code < 300)
			on_success(sent, ev->msg);
		break;
	case ENDPOINT_DONE:
		on_done(sent, ev->result);
		break;
	case ENDPOINT_FAILED:
		on_failed(sent, ev->result);
		break;
	default:
		session_tell(sent->session, ev);
		break;
	}
}

void session_cancel(struct session *s, struct str reason)
{
	if (!s->out)
		return;
	ev_timer_stop(endpoint_loop(), &s->out->timer);
	request_cancel(s->out->request, reason);
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct session_sent *sent = CONTAINER_OF(w, struct session_sent, timer);
	struct session *s = sent->session;

	(void)revents;
	ev_timer_stop(loop, w);
	if (sent->final) {
		if (sent->kind != SESSION_SENT_FIRST || end_early(s))
			session_sent_free(sent);
	} else if (sent->kind != SESSION_SENT_FIRST) {
		session_change_again(sent);
	} else {
		session_why(s, "timeout", -FAIL_TIMEOUT, "nobody answered in time"); /* EP-24 */
		session_end(s, STR_EMPTY);
	}
}

/* ---- the start ---- */

static struct request_config request_of(
	const struct session_config *config, struct session_sent *sent)
{
	struct session *s = sent->session;

	return (struct request_config){
		.endpoint = s->endpoint,
		.method = STR("INVITE"),
		.target = config->target,
		.to = config->to,
		.headers = s->policy.headers,
		.header_count = s->policy.header_count,
		.max_forwards = config->max_forwards,
		.timeout_ms = config->timeout_ms,
		.follow = config->follow,
		.retry = config->retry,
		.call_id = config->call_id,
		.cseq = &sent->cseq,
		.exchange = s->exchange,
		.write = write_first,
		.write_arg = sent,
		.answers = true,
		.on_event = on_event,
		.arg = sent,
	};
}

/* A session that has not begun, with its INVITE's part. */
static int make(const struct session_config *config, struct session **out, struct fail *f)
{
	struct session *s;
	int e;

	if (config->endpoint->stopped || !config->endpoint->manager)
		return fail_set(f, -FAIL_STATE, "the endpoint is closed");
	s = session_new(config->endpoint);
	e = session_set_policy(s, &config->policy, f);
	if (e != 0) {
		session_free(s);
		return e;
	}
	s->state = SESSION_CALLING;
	s->secure = dialog_is_sips(config->target);
	s->timeout_ms = config->timeout_ms;
	s->min_se = config->policy.min_se > SESSION_MIN_SE ? config->policy.min_se : 0;
	s->out = session_sent_new(s);
	s->out->ring_ms = config->ring_ms;
	s->out->late = config->late_offer;
	s->out->expires = config->policy.expires;
	*out = s;
	return 0;
}

int session_start(const struct session_config *config, struct session **out, struct fail *f)
{
	struct session *s = NULL;
	struct request_config request;
	int e = make(config, &s, f);

	if (e != 0)
		return e;
	request = request_of(config, s->out);
	e = request_start(&request, &s->out->request, f);
	if (e != 0) {
		session_free(s);
		return e;
	}
	session_later(s, SESSION_TELL_TRYING);
	*out = s;
	return 0;
}

int session_dry_run(const struct session_config *config, struct buf *out, struct fail *f)
{
	struct session *s = NULL;
	struct request_config request;
	int e = make(config, &s, f);

	if (e != 0)
		return e;
	request = request_of(config, s->out);
	e = request_start(&request, &s->out->request, f);
	if (e == 0)
		e = request_dump(s->out->request, out, f);
	session_free(s);
	return e;
}
