/* lib/endpoint/session_in.c -- the peer's INVITE: ringing, reliable provisional responses, the 2xx
 * and its ACK, Replaces. RFC 3261 sections 9.2 and 13.3, RFC 3262 section 3, RFC 3891 section 3,
 * RFC 3911 section 4; rows SS-03, SS-13, SS-14, SS-19, SS-23, AR-05 */
#include "endpoint/session_impl.h"

#include "base/mem.h"
#include "base/text.h"
#include "endpoint/incoming_impl.h"
#include "sip/build.h"
#include "sip/rack.h"
#include "sip/replaces.h"

enum {
	TRYING_MS = 200, /* RFC 3261 17.2.1 */
	REMIND_MS = 60000, /* 13.3.1.1: proxies want to hear a provisional response each minute */
};

static void on_timer(struct ev_loop *loop, ev_timer *w, int revents);
static int accept_now(struct session_got *got, unsigned status, struct str reason, struct fail *f);

/* ---- the INVITE ---- */

static void on_transaction(void *arg, struct transaction *t, const struct transaction_event *ev);

struct session_got *session_got_new(struct session_leg *leg, struct transaction *t, bool first)
{
	struct session_got *got = MEM_NEW(struct session_got);
	struct sip_cseq cseq = { 0 };

	sip_msg_cseq(transaction_msg(t), &cseq);
	got->session = leg->session;
	got->leg = leg;
	got->t = t;
	got->first = first;
	got->cseq = cseq.number;
	ev_init(&got->timer, on_timer);
	transaction_own(t, on_transaction, got);
	return got;
}

void session_got_free(struct session_got *got)
{
	if (!got)
		return;
	ev_timer_stop(endpoint_loop(), &got->timer);
	transaction_free(got->t);
	mem_free(got->reason);
	mem_free(got);
}

/* Out of the session, then freed. */
static void got_done(struct session_got *got)
{
	got->session->got = NULL;
	session_got_free(got);
}

static void repeat_from_now(struct session_got *got)
{
	got->interval = session_t1(got->session);
	got->give_up = net_now_ms() + session_give_up(got->session);
	net_timer_set(endpoint_loop(), &got->timer, net_now_ms() + got->interval);
}

static void repeat_next(struct session_got *got, uint64_t most)
{
	uint64_t now = net_now_ms(), at;

	if (got->t)
		transaction_repeat(got->t);
	got->interval = got->interval * 2 < most ? got->interval * 2 : most;
	at = now + got->interval;
	net_timer_set(endpoint_loop(), &got->timer, at < got->give_up ? at : got->give_up);
}

/* 13.3.1.4 and 14.2: "the dialog is confirmed, but the session SHOULD be terminated". */
static void no_ack(struct session_got *got)
{
	struct session *s = got->session;
	bool first = got->first;

	got_done(got);
	if (s->state == SESSION_ACCEPTED)
		s->state = SESSION_CONFIRMED;
	if (s->stopping) { /* the BYE has waited for this */
		struct str reason = s->reason ? str_of(s->reason) : STR_EMPTY;

		session_end(s, reason);
		return;
	}
	session_why(s, "timeout", first ? -FAIL_TIMEOUT : -FAIL_LOST, "no ACK came for the answer");
	session_end(s, STR_EMPTY);
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct session_got *got = CONTAINER_OF(w, struct session_got, timer);
	struct session *s = got->session;
	bool over = got->give_up > 0 && net_now_ms() >= got->give_up;

	(void)revents;
	ev_timer_stop(loop, w);
	if (!got->first || s->state != SESSION_RINGING) {
		if (over)
			no_ack(got);
		else
			repeat_next(got, session_t2(s));
	} else if (got->unacknowledged) {
		if (!over) {
			repeat_next(got, UINT64_MAX / 2); /* RFC 3262 3: no cap at T2 */
			return;
		}
		session_why(s, "timeout", -FAIL_TIMEOUT,
			"no PRACK came for a reliable provisional response");
		session_refuse(s, 504, STR_EMPTY, STR_EMPTY);
	} else if (!got->provisional) {
		transaction_answer(got->t, 100, NULL);
	} else {
		transaction_repeat(got->t);
		net_timer_set(loop, w, net_now_ms() + REMIND_MS);
	}
}

/* AR-05: 487. After a final response it "has no effect" (9.2). */
static void cancelled(struct session *s, const struct sip_msg *cancel)
{
	struct str reason = sip_msg_value(cancel, SIP_HDR_REASON);

	if (s->state != SESSION_RINGING)
		return;
	session_why(s, "cancelled", -FAIL_CANCELLED, "cancelled by the caller%s%.*s",
		reason.n ? ": " : "", STR_ARG(str_sub(reason, 0, 160)));
	session_keep_reason(s, reason);
	session_refuse(s, 487, STR_EMPTY, STR_EMPTY);
}

static void on_transaction(void *arg, struct transaction *t, const struct transaction_event *ev)
{
	struct session_got *got = arg;
	struct session *s = got->session;

	switch (ev->type) {
	case TRANSACTION_CANCEL:
		if (got->first)
			cancelled(s, ev->msg);
		break;
	case TRANSACTION_FAILED:
		/* The call goes on; but t ends without another word once it is answered. */
		got->broken = true;
		if (got->first && s->state == SESSION_RINGING)
			break;
		transaction_free(t);
		got->t = NULL;
		break;
	case TRANSACTION_TIMEOUT:
	case TRANSACTION_ENDED: /* Timer L: the wait for the ACK is over as well */
		transaction_free(t);
		got->t = NULL;
		break;
	case TRANSACTION_RESPONSE:
	case TRANSACTION_ACK:
		break;
	}
}

/* ---- final responses ---- */

void session_refuse(struct session *s, unsigned status, struct str reason, struct str headers)
{
	const struct dialog_response r = { .status = status, .reason = reason, .headers = headers };

	dialog_reply(s->got->t, &r);
	got_done(s->got);
	s->state = SESSION_ENDED;
	s->refused = status;
	s->phrase = reason.n ? mem_strndup(reason.p, reason.n) : NULL;
	session_why(s, "rejected", -FAIL_STATUS, "refused with %u", status);
	session_later(s, SESSION_TELL_END);
}

int session_reject(struct session *s, unsigned status, struct str reason,
	const struct endpoint_header *headers, unsigned header_count, struct fail *f)
{
	struct buf b = BUF_INIT(1 << 18);

	if (status < 300 || status > 699 || !sip_build_clean(reason))
		return fail_set(f, -FAIL_ARGUMENT, "%u is no status to refuse with", status);
	for (unsigned i = 0; i < header_count; i++) /* a redirect's Contact among them */
		if (!endpoint_check_token(headers[i].name) || !sip_build_clean(headers[i].value))
			return fail_set(f, -FAIL_ARGUMENT,
				"a header field has a bad name or control characters");
	if (s->state != SESSION_RINGING)
		return fail_set(f, -FAIL_STATE, "the session does not ring");
	for (unsigned i = 0; i < header_count; i++)
		if (headers[i].change != ENDPOINT_HEADER_REMOVE)
			sip_build_named(&b, headers[i].name, headers[i].value);
	session_refuse(s, status, reason, buf_str(&b));
	buf_done(&b);
	return 0;
}

void session_got_accept(
	struct session_got *got, unsigned status, struct str reason, struct str body)
{
	struct session *s = got->session;
	struct buf headers = BUF_INIT(1 << 18);

	session_write_self(s, transaction_flow(got->t), &headers);
	session_timer_accept(s, transaction_msg(got->t), &headers);
	session_write_headers(s, &headers);
	dialog_reply(got->t, &(struct dialog_response){
				     .status = status,
				     .reason = reason,
				     .headers = buf_str(&headers),
				     .type = body.n ? STR("application/sdp") : STR_EMPTY,
				     .body = body,
				     .record_route = true,
				     .local_tag = got->leg->dialog.sip.local_tag,
			     });
	buf_done(&headers);
	repeat_from_now(got);
	if (got->broken) {
		transaction_free(got->t);
		got->t = NULL;
	}
}

/* The description for the next response that carries one: our answer, our offer, or the one that an
 * unreliable provisional response had already, which the 2xx repeats (13.2.1). */
static int describe(struct session_got *got, struct buf *body, struct fail *f)
{
	struct session *s = got->session;
	struct net_flow *flow = transaction_flow(got->t);
	struct str offer;
	unsigned status = 0;

	if (!session_has_media(s) || got->settled)
		return 0;
	if (got->described) {
		buf_add_str(body, str_of(s->media.local ? s->media.local : s->media.offered));
		return 0;
	}
	if (!session_body(transaction_msg(got->t), &offer, &status))
		return media_offer(&s->media, flow, body, f);
	return media_answer(&s->media, flow, offer, body, f);
}

static void replace_now(struct session *s)
{
	struct session *old = s->replaces;

	if (!old)
		return;
	s->replaces = old->replaced_by = NULL;
	session_why(old, "replaced", old->state == SESSION_CALLING ? -FAIL_CANCELLED : 0,
		"replaced by another call");
	session_end(old, STR_EMPTY);
}

/* Our media cannot meet the offer. */
static int refuse_media(struct session *s, const struct fail *why, struct fail *f)
{
	int code = why->code == -FAIL_LOCAL ? -FAIL_LOCAL : -FAIL_MEDIA;

	session_why(s, "rejected", code, "%.200s", fail_show(why));
	session_refuse(s, code == -FAIL_LOCAL ? 500 : 488, STR_EMPTY,
		code == -FAIL_LOCAL ? STR_EMPTY
				    : STR("Warning: 304 rte \"Media type not available\"\r\n"));
	return fail_set(f, code, "%s", fail_show(why));
}

static int accept_now(struct session_got *got, unsigned status, struct str reason, struct fail *f)
{
	struct session *s = got->session;
	struct buf body = BUF_INIT(1 << 16);
	struct fail why = { 0 };

	if (describe(got, &body, &why) != 0) {
		buf_done(&body);
		return refuse_media(s, &why, f);
	}
	s->state = SESSION_ACCEPTED;
	sip_dialog_confirm(&got->leg->dialog.sip, NULL, NULL);
	got->leg->confirmed = true;
	session_got_accept(got, status, reason, buf_str(&body));
	buf_done(&body);
	replace_now(s);
	return 0;
}

int session_accept(struct session *s, unsigned status, struct str reason, struct fail *f)
{
	struct session_got *got = s->got;

	if (status < 200 || status > 299 || !sip_build_clean(reason))
		return fail_set(f, -FAIL_ARGUMENT, "%u is no status to accept with", status);
	if (s->state != SESSION_RINGING || !got || got->status != 0)
		return fail_set(f, -FAIL_STATE, "the session does not ring");
	if (!got->unacknowledged)
		return accept_now(got, status, reason, f);
	/* RFC 3262 3: not before the PRACK. */
	got->status = status;
	got->reason = mem_strndup(reason.n ? reason.p : "", reason.n);
	return 0;
}

/* The answer that an ACK brings when our 2xx had the offer. */
static int take_ack_media(struct session *s, const struct sip_msg *m, struct fail *f)
{
	struct str sdp;
	unsigned status = 0;

	if (session_body(m, &sdp, &status))
		return media_answered(&s->media, sdp, f);
	media_withdraw(&s->media);
	return fail_set(f, -FAIL_MEDIA, "the ACK has no usable answer");
}

/* The first ACK: we are connected (SS-19). */
static void connected(struct session *s)
{
	s->state = SESSION_CONFIRMED;
	s->confirmed_us = net_now_us();
	s->setup_ms = (double)(s->confirmed_us - s->started_us) / 1000.0;
}

/* The ACK for our 2xx: 13.3.1.4. */
void session_in_ack(struct session_leg *leg, struct sip_msg *m, struct net_flow *flow)
{
	struct session *s = leg->session;
	struct session_got *got = s->got;
	struct session_seen seen;
	const struct session_told told = {
		.state = "confirmed", .leg = leg, .msg = session_seen(&seen, m, flow)
	};
	bool first, waited = media_waits(&s->media), was_held = media_is_held(&s->media);
	struct sip_cseq cseq;
	struct fail f;

	if (!got || got->leg != leg || !sip_msg_cseq(m, &cseq) || cseq.number != got->cseq ||
		s->state == SESSION_RINGING)
		return;
	first = got->first;
	got_done(got);
	if (first)
		connected(s);
	if (waited && take_ack_media(s, m, &f) != 0) {
		session_why(s, "error", -FAIL_MEDIA, "%.200s", fail_show(&f));
		session_end(s, STR("SIP;cause=488;text=\"Not Acceptable Here\""));
		return;
	}
	if (s->stopping) {
		session_end(s, s->reason ? str_of(s->reason) : STR_EMPTY);
		return;
	}
	if (first ? session_tell_state(s, &told)
		  : !waited || session_tell_media(s, was_held, "reinvite", told.msg))
		session_timer_tell(s, NULL);
}

/* ---- provisional responses ---- */

/* Shall it go reliably? */
static bool is_reliable(const struct session *s)
{
	return s->policy.reliable != SESSION_100REL_NO && s->peer_100rel;
}

static void ring_reliably(struct session_got *got, struct buf *headers)
{
	got->rseq = got->rseq ? got->rseq + 1 : 1 + text_random_u32() % (INT32_MAX - 1);
	sip_build_hdr(headers, SIP_HDR_REQUIRE, STR("100rel"));
	sip_build_hdrf(headers, SIP_HDR_RSEQ, "%u", got->rseq);
	got->unacknowledged = true;
	repeat_from_now(got);
}

bool session_waits_for_prack(const struct session *s)
{
	return s->state == SESSION_RINGING && s->got && s->got->unacknowledged;
}

int session_ring(struct session *s, unsigned status, struct str reason, bool early, struct fail *f)
{
	struct session_got *got = s->got;
	struct buf headers = BUF_INIT(1 << 18), body = BUF_INIT(1 << 16);
	bool reliable = is_reliable(s);
	struct fail why = { 0 };

	if (status < 101 || status > 199 || !sip_build_clean(reason))
		return fail_set(f, -FAIL_ARGUMENT, "%u is no provisional status", status);
	if (s->state != SESSION_RINGING || !got || got->status != 0)
		return fail_set(f, -FAIL_STATE, "the session does not ring");
	if (got->unacknowledged)
		return fail_set(
			f, -FAIL_STATE, "the last reliable provisional response has no PRACK yet");
	/* RFC 3262 5: the first reliable response to an INVITE without an offer has it. An
	 * unreliable one has none: it could be lost. */
	if (got->offers ? early : reliable && !got->described) {
		if (describe(got, &body, &why) != 0) {
			buf_done(&body);
			return refuse_media(s, &why, f);
		}
		got->described = got->described || body.n > 0;
	}
	session_write_self(s, transaction_flow(got->t), &headers);
	got->provisional = true;
	if (reliable)
		ring_reliably(got, &headers);
	else
		net_timer_set(endpoint_loop(), &got->timer, net_now_ms() + REMIND_MS);
	session_write_headers(s, &headers);
	dialog_reply(got->t, &(struct dialog_response){
				     .status = status,
				     .reason = reason,
				     .headers = buf_str(&headers),
				     .type = body.n ? STR("application/sdp") : STR_EMPTY,
				     .body = buf_str(&body),
				     .record_route = true,
			     });
	buf_done(&headers);
	buf_done(&body);
	session_later(s, SESSION_TELL_EARLY);
	return 0;
}

static void answer_prack(struct transaction *t, unsigned status, struct str body)
{
	dialog_reply(t, &(struct dialog_response){
				.status = status,
				.type = body.n ? STR("application/sdp") : STR_EMPTY,
				.body = body,
			});
	transaction_free(t);
}

/* RFC 3262 3 and 5: the answer to our offer, or an offer of the peer's once we have answered. */
static unsigned take_prack_media(struct session_got *got, const struct sip_msg *m, struct buf *body)
{
	struct session *s = got->session;
	struct str sdp;
	struct fail f;
	unsigned status = 0;
	bool has = session_body(m, &sdp, &status);

	if (status != 0 || !session_has_media(s))
		return status ? status : 200;
	if (media_waits(&s->media))
		return has && media_answered(&s->media, sdp, &f) == 0 ? 200 : 488;
	if (has && media_answer(&s->media, transaction_flow(got->t), sdp, body, &f) != 0)
		return 488;
	return 200;
}

void session_in_prack(struct session_leg *leg, struct transaction *t, struct sip_msg *m)
{
	struct session *s = leg->session;
	struct session_got *got = s->got;
	struct buf body = BUF_INIT(1 << 16);
	struct sip_rack rack;
	bool waited;
	unsigned status;

	if (!got || !got->unacknowledged ||
		!sip_rack_parse(sip_msg_value(m, SIP_HDR_RACK), &rack) || rack.rseq != got->rseq ||
		rack.cseq != got->cseq || !str_eq(rack.method, STR("INVITE"))) {
		answer_prack(t, 481, STR_EMPTY);
		return;
	}
	waited = media_waits(&s->media);
	status = take_prack_media(got, m, &body);
	answer_prack(t, waited ? 200 : status, buf_str(&body));
	buf_done(&body);
	got->unacknowledged = false;
	got->settled = got->described;
	ev_timer_stop(endpoint_loop(), &got->timer);
	if (status != 200 && waited) { /* our offer will have no answer any more */
		session_why(s, "error", -FAIL_MEDIA, "the PRACK has no usable answer");
		session_refuse(s, 488, STR_EMPTY, STR_EMPTY);
		return;
	}
	net_timer_set(endpoint_loop(), &got->timer, net_now_ms() + REMIND_MS);
	if (got->status != 0) {
		struct fail ignored;

		accept_now(got, got->status, str_of(got->reason), &ignored);
	}
}

/* ---- a new one ---- */

static struct dialog *find_dialog(struct endpoint *ep, const struct sip_replaces *r)
{
	struct buf key = BUF_INIT(1 << 16);
	struct map_node *node;
	struct dialog *d;

	sip_dialog_key(&key, r->call_id, r->to_tag, r->from_tag);
	node = map_get(&ep->manager->dialogs, buf_str(&key));
	buf_done(&key);
	d = node ? CONTAINER_OF(node, struct dialog, node) : NULL;
	return d && d->endpoint == ep && d->on_request == session_on_request ? d : NULL;
}

/* RFC 3891 3: the session that m takes the place of, or the status that refuses it. */
static unsigned find_replaced(struct endpoint *ep, const struct sip_msg *m, struct session **out)
{
	const struct sip_hdr *h = sip_msg_hdr(m, SIP_HDR_REPLACES),
			     *join = sip_msg_hdr_named(m, STR("Join"));
	struct sip_replaces r;
	struct session_leg *leg;
	struct dialog *d;

	if ((h && (sip_msg_hdr_next(m, h) || join)) || (join && sip_msg_hdr_next(m, join)))
		return 400;
	if (join) { /* RFC 3911 4: nothing here can be joined, so nothing matches; what has ended is
		       603 */
		d = sip_replaces_parse(join->value, &r) ? find_dialog(ep, &r) : NULL;
		leg = d ? d->arg : NULL;
		return leg && (leg->session->stopping || leg->session->state >= SESSION_ENDING)
			       ? 603
			       : 481;
	}
	if (!h)
		return 0;
	if (!sip_replaces_parse(h->value, &r))
		return 400;
	d = find_dialog(ep, &r);
	if (!d)
		return 481;
	leg = d->arg;
	if (session_leg_lost(leg))
		return leg->bye ? 603 : 481;
	*out = leg->session;
	switch ((*out)->state) {
	case SESSION_CALLING: /* an early dialog that we began: then it is cancelled */
		return (*out)->stopping ? 603 : 0;
	case SESSION_RINGING:
		return 481;
	case SESSION_ACCEPTED:
	case SESSION_CONFIRMED:
		if ((*out)->stopping)
			return 603;
		return r.early_only ? 486 : 0;
	case SESSION_ENDING:
	case SESSION_ENDED:
		break;
	}
	return 603;
}

/* Reads what the INVITE says about its sender. */
static void begin(
	struct session *s, struct session_leg *leg, struct transaction *t, const struct sip_msg *m)
{
	struct str sdp;
	unsigned status = 0;

	s->incoming = true;
	s->state = SESSION_RINGING;
	s->leg = leg;
	s->got = session_got_new(leg, t, true);
	s->got->offers = session_body(m, &sdp, &status);
	leg->invite_cseq = s->got->cseq;
	session_learn(s, m);
	s->peer_100rel = sip_msg_has_token(m, SIP_HDR_SUPPORTED, "100rel") ||
			 sip_msg_has_token(m, SIP_HDR_REQUIRE, "100rel");
	net_timer_set(endpoint_loop(), &s->got->timer, net_now_ms() + TRYING_MS);
	session_timer_ring(s, m);
}

static void emit(struct session *s, struct sip_msg *m, struct net_flow *flow)
{
	struct session_seen seen;
	const struct endpoint_incoming what = {
		.msg = session_seen(&seen, m, flow),
		.session = s,
		.replaced = s->replaces,
	};
	bool gone = false;

	s->gone = &gone;
	endpoint_emit(s->endpoint,
		&(struct endpoint_event){ .type = ENDPOINT_INCOMING, .incoming = &what });
	if (gone)
		return;
	s->gone = NULL;
	if (s->taken)
		return;
	if (s->state == SESSION_RINGING)
		session_refuse(s, 480, STR_EMPTY, STR_EMPTY); /* AR-14: nobody took it */
	session_free(s);
}

/* It comes to no handler, but is seen. */
static void report_refused(
	struct endpoint *ep, const struct sip_msg *m, struct net_flow *flow, unsigned status)
{
	struct session_seen seen;

	session_seen(&seen, m, flow);
	seen.msg.replied = status;
	endpoint_emit(ep, &(struct endpoint_event){ .type = ENDPOINT_REQUEST, .msg = &seen.msg });
}

void session_incoming(
	struct endpoint *ep, struct transaction *t, struct sip_msg *m, struct net_flow *flow)
{
	struct buf headers = BUF_INIT(1 << 16);
	unsigned status = session_judge(m, SESSION_MIN_SE, &headers);
	struct session *s, *replaced = NULL;
	struct session_leg *leg;

	if (status == 0)
		status = find_replaced(ep, m, &replaced);
	if (status != 0) {
		session_answer(t, status, &headers);
		buf_done(&headers);
		report_refused(ep, m, flow, status);
		return;
	}
	buf_done(&headers);
	s = session_new(ep);
	s->secure = dialog_wants_sips(m);
	leg = session_leg_new(s);
	if (sip_dialog_from_request(&leg->dialog.sip, m, transaction_tag(t),
		    net_flow_info(flow)->transport == NET_TLS, NULL) != 0 ||
		!dialog_open(&leg->dialog, ep)) {
		session_free(s);
		session_answer(t, 400, NULL);
		report_refused(ep, m, flow, 400);
		return;
	}
	dialog_use_flow(&leg->dialog, flow, m);
	begin(s, leg, t, m);
	if (replaced) {
		if (replaced->replaced_by) /* one at a time: the later one */
			replaced->replaced_by->replaces = NULL;
		s->replaces = replaced;
		replaced->replaced_by = s;
	}
	emit(s, m, flow);
}

void session_take(struct session *s, const struct session_policy *policy)
{
	const struct sip_msg *m;
	struct buf b = BUF_INIT(256);
	struct fail f;

	if (s->taken || !s->got)
		return;
	m = transaction_msg(s->got->t);
	s->taken = true;
	if (session_set_policy(s, policy, &f) != 0) {
		s->policy.on_event = policy->on_event;
		s->policy.arg = policy->arg;
		session_why(s, "error", f.code, "%.200s", f.text);
		session_refuse(s, 500, STR_EMPTY, STR_EMPTY);
	} else if (policy->reliable == SESSION_100REL_NO &&
		   sip_msg_has_token(m, SIP_HDR_REQUIRE, "100rel")) {
		/* RFC 3262 3: "If the UAS is unwilling to do so, it MUST reject" */
		session_refuse(s, 420, STR_EMPTY, STR("Unsupported: 100rel\r\n"));
	} else if (policy->reliable == SESSION_100REL_REQUIRE && !s->peer_100rel) {
		session_refuse(s, 421, STR_EMPTY, STR("Require: 100rel\r\n")); /* 21.4.16 */
	} else {
		unsigned status = session_judge_interval(m, session_min_se(&s->policy), &b);

		if (status != 0)
			session_refuse(s, status, STR_EMPTY, buf_str(&b));
	}
	buf_done(&b);
}
