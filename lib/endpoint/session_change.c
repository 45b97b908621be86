/* lib/endpoint/session_change.c -- what we ask within the session: re-INVITE and UPDATE, the user's
 * or a refresh, and MESSAGE, INFO and their kind. RFC 3261 sections 12.2.1 and 14.1, RFC 3311
 * sections 5.1 and 5.3, RFC 4028 section 10; rows SS-32 and SS-34 */
#include "endpoint/session_impl.h"

#include "base/mem.h"
#include "base/text.h"
#include "endpoint/request_impl.h"
#include "sip/build.h"
#include "sip/session_expires.h"

static void on_event(void *arg, const struct endpoint_event *ev);

static const char *method_of(const struct session_sent *sent)
{
	return sent->kind == SESSION_SENT_UPDATE ? "UPDATE" : "INVITE";
}

static void write_change(void *arg, struct request *r, struct buf *b)
{
	struct session_sent *sent = arg;
	struct session *s = sent->session;

	session_write_self(s, request_flow(r), b);
	session_timer_write(s, sent->expires, false, b);
	session_write_offer(sent, r, b);
}

/* What the first INVITE alone says: which dialog the new one replaces (RFC 3891 section 3), and who
 * asked for it (RFC 3892). */
static void forget_initial(struct session *s)
{
	struct endpoint_header *list = (struct endpoint_header *)(uintptr_t)s->policy.headers;
	unsigned n = 0;

	for (unsigned i = 0; i < s->policy.header_count; i++)
		if (!str_ieq(list[i].name, STR("Replaces")) &&
			!str_ieq(list[i].name, STR("Referred-By")))
			list[n++] = list[i];
	s->policy.header_count = n;
}

static int send_change(struct session_sent *sent, struct fail *f)
{
	struct session *s = sent->session;
	struct request_config config = {
		.endpoint = s->endpoint,
		.method = str_of(method_of(sent)),
		.max_forwards = -1,
		.timeout_ms = s->timeout_ms,
		.exchange = s->exchange,
		.headers = s->policy.headers,
		.write = write_change,
		.write_arg = sent,
		.dialog = &s->leg->dialog,
		.answers = true,
		.on_event = on_event,
		.arg = sent,
	};
	struct request *r;
	int e;

	forget_initial(s);
	if (sent->kind == SESSION_SENT_REINVITE)
		config.header_count = s->policy.header_count;
	e = request_start(&config, &r, f);
	if (e == 0) {
		request_free(sent->request);
		sent->request = r;
		sent->before = s->media.wanted;
		s->media.wanted = sent->wanted;
	}
	return e;
}

/* Takes sent over, also when it fails. */
static int start(struct session_sent *sent, struct fail *f)
{
	struct session *s = sent->session;
	int e;

	sent->expires = s->interval;
	e = send_change(sent, f);
	if (e != 0) {
		session_sent_free(sent);
		return e;
	}
	s->change = sent;
	return 0;
}

static int check_state(const struct session *s, struct fail *f)
{
	if (s->state != SESSION_CONFIRMED || s->stopping)
		return fail_set(f, -FAIL_STATE, "the session is not established");
	if (s->sending || (s->change && !s->change->refresh))
		return fail_set(f, -FAIL_STATE, "a request is on its way already");
	return 0;
}

static int check_sdp(struct str text, struct fail *f)
{
	struct arena a = { 0 };
	struct fail why = { 0 };
	struct sdp s;
	int e = sdp_parse(text, &a, &s, &why);

	arena_done(&a);
	return e ? fail_set(f, -FAIL_ARGUMENT, "%s", fail_show(&why)) : 0;
}

int session_change(struct session *s, const struct session_change *c, struct fail *f)
{
	struct session_sent *sent;
	int e = check_state(s, f);

	if (e == 0 && c->sdp.n > 0)
		e = session_has_media(s) ? check_sdp(c->sdp, f)
					 : fail_set(f, -FAIL_ARGUMENT, "the session has no media");
	if (e != 0)
		return e;
	if (s->got || s->change) /* SS-32: may be tried again */
		return fail_set(f, -FAIL_STATE, "a change is on its way already");
	sent = session_sent_new(s);
	sent->kind = c->update ? SESSION_SENT_UPDATE : SESSION_SENT_REINVITE;
	sent->late = c->no_offer;
	sent->sdp = c->sdp.n ? mem_strndup(c->sdp.p, c->sdp.n) : NULL;
	sent->wanted = c->direction;
	return start(sent, f);
}

int session_refresh(struct session *s, struct fail *f)
{
	struct session_sent *sent = session_sent_new(s);

	sent->refresh = true;
	sent->kind = s->peer_update ? SESSION_SENT_UPDATE : SESSION_SENT_REINVITE;
	sent->late = sent->kind == SESSION_SENT_UPDATE; /* 7.4: it needs no offer */
	sent->wanted = s->media.wanted;
	return start(sent, f);
}

void session_change_again(struct session_sent *sent)
{
	struct session *s = sent->session;
	struct endpoint_result r = { .cause = "", .times = { -1, -1, -1, -1, -1 } };

	if (s->got) { /* 14.1: not while the peer's is under way */
		net_timer_set(endpoint_loop(), &sent->timer, net_now_ms() + session_t1(s));
		return;
	}
	sent->pausing = false;
	if (s->state == SESSION_CONFIRMED && send_change(sent, &r.fail) == 0)
		return;
	if (r.fail.code == 0)
		fail_set(&r.fail, -FAIL_CANCELLED, "the session ends");
	on_event(sent, &(struct endpoint_event){ .type = ENDPOINT_FAILED, .result = &r });
}

/* ---- the 2xx ---- */

/* The answer to our offer, or the offer that we asked for. */
static int take_media(struct session_sent *sent, const struct sip_msg *m, struct fail *f)
{
	struct session *s = sent->session;
	struct buf answer = BUF_INIT(1 << 16);
	struct str sdp;
	unsigned status = 0;
	bool has = session_body(m, &sdp, &status);
	int e = 0;

	if (!session_has_media(s) || (sent->late && sent->kind == SESSION_SENT_UPDATE))
		return 0;
	if (!has)
		e = fail_set(f, -FAIL_MEDIA, "the answer has no usable description");
	else if (!sent->late)
		e = media_answered(&s->media, sdp, f);
	else
		e = media_answer(&s->media, request_flow(sent->request), sdp, &answer, f);
	if (e == 0 && sent->late)
		sent->answer = mem_strndup(answer.p, answer.n);
	buf_done(&answer);
	return e;
}

static void on_success(struct session_sent *sent, const struct endpoint_msg *msg)
{
	struct session *s = sent->session;
	bool again = sent->final || sent->taken;

	if (!again) {
		sent->taken = true;
		sent->was_held = media_is_held(&s->media);
		session_learn(s, msg->msg);
		sip_dialog_refresh(&s->leg->dialog.sip, msg->msg);
		if (take_media(sent, msg->msg, &sent->fail) != 0)
			media_withdraw(&s->media);
		session_timer_accepted(s, msg->msg, sent->expires);
	}
	if (sent->kind == SESSION_SENT_REINVITE)
		session_ack(s->leg, sent);
}

/* ---- its end ---- */

static bool tell_answered(struct session *s, const struct endpoint_result *r)
{
	return session_tell(s, &(struct endpoint_event){ .type = ENDPOINT_ANSWERED, .result = r });
}

/* Was it a hold of ours, or its end? */
static const char *news_of(const struct session_sent *sent)
{
	bool held = sent->before == SDP_SENDONLY || sent->before == SDP_INACTIVE;
	enum sdp_direction now = sent->session->media.wanted;
	bool holds = now == SDP_SENDONLY || now == SDP_INACTIVE;

	if (held != holds)
		return holds ? "hold" : "resume";
	return sent->kind == SESSION_SENT_UPDATE ? "update" : "reinvite";
}

/* Its result lives in it. */
static void free_later(struct session_sent *sent)
{
	sent->final = true;
	list_add(&sent->session->lingering, &sent->node);
	net_later(endpoint_loop(), &sent->timer);
}

static void on_done(struct session_sent *sent, const struct endpoint_result *result)
{
	struct session *s = sent->session;
	struct endpoint_result r = *result;
	bool refresh = sent->refresh, was_held = sent->was_held;
	bool media = session_has_media(s) && !(sent->late && sent->kind == SESSION_SENT_UPDATE) &&
		     sent->fail.code == 0;
	const char *news = news_of(sent), *method = method_of(sent);

	r.fail = sent->fail;
	if (sent->fail.code != 0)
		s->media.wanted = sent->before;
	s->change = NULL;
	if (sent->kind == SESSION_SENT_REINVITE)
		session_linger(sent); /* its request and the result live on with it */
	else
		free_later(sent);
	if (s->state != SESSION_CONFIRMED) {
		if (!refresh)
			tell_answered(s, &r);
		return;
	}
	if (media && !refresh && !session_tell_media(s, was_held, news, r.response))
		return;
	if (!session_timer_tell(s, method))
		return;
	if (!refresh)
		tell_answered(s, &r);
}

/* 14.1: the owner of the Call-ID waits longer, so that one of them is first. Once. */
static bool pause_glare(struct session_sent *sent, unsigned status)
{
	uint64_t wait = sent->session->incoming ? 10 * (text_random_u32() % 201)
						: 2100 + 10 * (text_random_u32() % 191);

	if (status != 491 || sent->glared || sent->session->state != SESSION_CONFIRMED)
		return false;
	media_withdraw(&sent->session->media);
	sent->session->media.wanted = sent->before;
	sent->glared = sent->pausing = true;
	net_timer_set(endpoint_loop(), &sent->timer, net_now_ms() + wait);
	return true;
}

/* RFC 4028 7.3 */
static bool raise_interval(struct session_sent *sent, const struct endpoint_msg *msg)
{
	struct session *s = sent->session;
	struct fail f;
	uint32_t least;

	if (!msg || msg->status_code != 422 || sent->raised >= 2 || s->state != SESSION_CONFIRMED ||
		!sip_min_se_parse(sip_msg_value(msg->msg, SIP_HDR_MIN_SE), &least) ||
		least <= sent->expires)
		return false;
	sent->raised++;
	s->min_se = sent->expires = least;
	media_withdraw(&s->media);
	s->media.wanted = sent->before;
	return send_change(sent, &f) == 0;
}

static void on_failed(struct session_sent *sent, const struct endpoint_result *result)
{
	struct session *s = sent->session;
	unsigned status = result->response ? result->response->status_code : 0;
	bool refresh = sent->refresh, lost = session_is_lost(result);
	const char *method = method_of(sent);
	bool confirmed = s->state == SESSION_CONFIRMED;

	if (pause_glare(sent, status) || raise_interval(sent, result->response))
		return;
	media_withdraw(&s->media);
	s->media.wanted = sent->before;
	sent->pausing = false;
	s->change = NULL;
	free_later(sent);
	if (lost && confirmed)
		session_lost(s, &result->fail);
	if (!refresh)
		tell_answered(s, result);
	else if (confirmed)
		session_timer_failed(s, method);
}

static void on_event(void *arg, const struct endpoint_event *ev)
{
	struct session_sent *sent = arg;

	switch (ev->type) {
	case ENDPOINT_RESPONSE:
		if (ev->msg->status_code >= 200 && ev->msg->status_code < 300)
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

/* ---- MESSAGE, INFO ... ---- */

/* What has a meaning of its own in a dialog is not for session_send. */
static bool is_reserved(enum sip_method m)
{
	static const enum sip_method list[] = { SIP_INVITE, SIP_ACK, SIP_CANCEL, SIP_BYE,
		SIP_REGISTER, SIP_SUBSCRIBE, SIP_NOTIFY, SIP_BENOTIFY, SIP_PUBLISH, SIP_REFER,
		SIP_UPDATE, SIP_PRACK };

	for (unsigned i = 0; i < ARRAY_LEN(list); i++)
		if (list[i] == m)
			return true;
	return false;
}

static void on_sent(void *arg, const struct endpoint_event *ev)
{
	struct session *s = arg;
	bool lost;

	if (ev->type < ENDPOINT_DONE) {
		session_tell(s, ev);
		return;
	}
	lost = ev->type == ENDPOINT_FAILED && session_is_lost(ev->result);
	if (lost && s->state == SESSION_CONFIRMED)
		session_lost(s, &ev->result->fail);
	/* The result lives in the request, and the handler may send the next one. */
	request_free(s->spent);
	s->spent = s->sending;
	s->sending = NULL;
	session_later(s, SESSION_FREE_SPENT);
	tell_answered(s, ev->result);
}

static void write_plain(void *arg, struct request *r, struct buf *b)
{
	(void)arg;
	(void)r;
	sip_build_hdr(b, SIP_HDR_SUPPORTED, STR("timer, replaces, norefersub"));
}

int session_send(
	struct session *s, struct str method, struct str type, struct str body, struct fail *f)
{
	const struct request_config config = {
		.endpoint = s->endpoint,
		.method = method,
		.body = body,
		.type = type,
		.max_forwards = -1,
		.timeout_ms = s->timeout_ms,
		.exchange = s->exchange,
		.write = write_plain,
		.dialog = s->leg ? &s->leg->dialog : NULL,
		.on_event = on_sent,
		.arg = s,
	};
	int e = check_state(s, f);

	if (e != 0)
		return e;
	if (is_reserved(sip_method_of(method)))
		return fail_set(
			f, -FAIL_ARGUMENT, "\"" STR_FMT "\" is not sent this way", STR_ARG(method));
	if (body.n > 0 && type.n == 0)
		return fail_set(f, -FAIL_ARGUMENT, "a body needs a media type"); /* SS-34 */
	return request_start(&config, &s->sending, f);
}
