/* lib/endpoint/session.c -- the life of a session: its state, what it tells, and how it ends. RFC
 * 3261 sections 12 to 15; state table 2.3 and rows SS- of ucma.md */
#include "endpoint/session.h"

#include "base/mem.h"
#include "endpoint/refer_impl.h"
#include "endpoint/request_impl.h"
#include "endpoint/session_impl.h"
#include "sip/status.h"
#include "sip/build.h"
#include "sip/multipart.h"
#include "sip/param.h"
#include "sip/replaces.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

uint64_t session_t1(const struct session *s)
{
	uint32_t t1 = s->endpoint->manager->config.timers.t1;

	return t1 ? t1 : 500;
}

uint64_t session_t2(const struct session *s)
{
	uint32_t t2 = s->endpoint->manager->config.timers.t2;

	return t2 ? t2 : 4000;
}

uint64_t session_give_up(const struct session *s)
{
	uint32_t give_up = s->endpoint->manager->config.timers.give_up;

	return give_up ? give_up : 64 * session_t1(s);
}

/* ---- telling ---- */

bool session_tell(struct session *s, const struct endpoint_event *ev)
{
	struct endpoint_event copy = *ev;
	bool gone = false, *outer = s->gone;

	if (!s->policy.on_event)
		return true;
	copy.endpoint = s->endpoint;
	s->gone = &gone;
	s->policy.on_event(s->policy.arg, &copy);
	if (gone) {
		if (outer)
			*outer = true;
		return false;
	}
	s->gone = outer;
	return true;
}

const struct endpoint_msg *session_seen(
	struct session_seen *seen, const struct sip_msg *m, const struct net_flow *flow)
{
	dispatch_describe_msg(m, flow, &seen->text, &seen->msg);
	return &seen->msg;
}

static const char *direction_of(const struct session *s)
{
	if (!s->media.local || !s->media.remote)
		return NULL;
	return sdp_direction_name(media_direction(&s->media));
}

static void describe_peer(
	const struct session *s, const struct session_leg *leg, struct endpoint_session *e)
{
	const struct request *r = s->out ? s->out->request : NULL;
	struct sip_nameaddr a;
	struct str text = leg ? leg->dialog.sip.remote : STR_EMPTY;

	if (!leg && r) { /* before any response */
		text = r->config.to;
		e->peer.uri = r->config.target;
		e->call_id = request_call_id(r);
		e->local_tag = request_from_tag(r);
	}
	if (!sip_nameaddr_parse(text, &a))
		return;
	e->peer = (struct endpoint_address){ .display_name = a.display, .uri = a.uri.text };
	if (!sip_nameaddr_tag(&a, &e->peer.tag))
		e->peer.tag = STR_EMPTY;
}

bool session_tell_state(struct session *s, const struct session_told *told)
{
	const struct session_leg *leg = told->leg;
	const struct endpoint_msg *msg = told->msg;
	struct endpoint_session e = {
		.session = s,
		.id = leg ? leg->id : s->first_id,
		.state = told->state,
		.cause = told->cause,
		.news = told->news,
		.initiator = !s->incoming,
		.extra = leg && session_leg_lost(leg),
		.reason = told->reason,
		.setup_ms = -1,
		.duration_ms = -1,
		.codec = "",
		.msg = msg,
	};
	const struct endpoint_result *figures;

	if (leg) {
		e.call_id = leg->dialog.sip.call_id;
		e.local_tag = leg->dialog.sip.local_tag;
		e.remote_tag = leg->dialog.sip.remote_tag;
		e.remote_target = leg->dialog.sip.remote_target;
		e.route_set = leg->dialog.sip.routes;
		e.route_count = leg->dialog.sip.route_count;
	}
	describe_peer(s, leg, &e);
	if (msg && msg->status_code) {
		e.status_code = msg->status_code;
		e.reason_phrase = msg->reason_phrase;
	}
	if (!msg && s->refused && told->cause) {
		e.status_code = s->refused;
		e.reason_phrase = s->phrase ? str_of(s->phrase) : sip_status_reason(s->refused);
	}
	if (msg)
		e.warning = msg->warning;
	if (msg && e.reason.n == 0)
		e.reason = msg->reason;
	if (s->out && s->out->request) {
		figures = request_figures(s->out->request);
		e.times = &figures->times;
		e.counts = &figures->counts;
	}
	if (!e.extra) { /* the call's */
		e.setup_ms = s->setup_ms;
		e.codec = s->media.codec;
		e.direction = direction_of(s);
		e.rtp_received = s->media.received;
		if (s->confirmed_us)
			e.duration_ms = (double)(net_now_us() - s->confirmed_us) / 1000.0;
	}
	return session_tell(s, &(struct endpoint_event){ .type = ENDPOINT_SESSION, .session = &e });
}

/* ---- what comes from the loop ---- */

void session_later(struct session *s, unsigned what)
{
	s->pending |= what;
	net_later(endpoint_loop(), &s->later);
}

static void on_later(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct session *s = CONTAINER_OF(w, struct session, later);
	unsigned what = s->pending;

	(void)revents;
	ev_timer_stop(loop, w);
	s->pending = 0;
	request_free(s->spent);
	s->spent = NULL;
	if (what & SESSION_TELL_TRYING && s->state != SESSION_ENDED &&
		!session_tell_state(s, &(struct session_told){ .state = "trying" }))
		return;
	/* Also when its CANCEL is here already: the provisional response has been sent. */
	if (what & SESSION_TELL_EARLY && s->leg &&
		!session_tell_state(s, &(struct session_told){ .state = "early", .leg = s->leg }))
		return;
	if (what & SESSION_TELL_END)
		session_finish(s, NULL, NULL);
}

/* ---- the end ---- */

void session_why(struct session *s, const char *cause, int code, const char *fmt, ...)
{
	va_list ap;

	if (s->cause)
		return;
	s->cause = cause;
	if (code == 0)
		return;
	s->fail = MEM_NEW(struct fail);
	s->fail->code = code;
	va_start(ap, fmt);
	vsnprintf(s->fail->text, sizeof(s->fail->text), fmt, ap);
	va_end(ap);
}

void session_keep_reason(struct session *s, struct str reason)
{
	mem_free(s->reason);
	s->reason = reason.n ? mem_strndup(reason.p, reason.n) : NULL;
}

void session_end(struct session *s, struct str reason)
{
	s->stopping = true;
	ev_timer_stop(endpoint_loop(), &s->expiry);
	switch (s->state) {
	case SESSION_CALLING:
		session_cancel(s, reason);
		break;
	case SESSION_RINGING:
		session_refuse(s, 480, STR_EMPTY, STR_EMPTY);
		break;
	case SESSION_ACCEPTED: /* 15: no BYE before the ACK, or the end of the wait for it */
		session_keep_reason(s, reason);
		break;
	case SESSION_CONFIRMED:
		s->state = SESSION_ENDING;
		if (session_bye(s->leg, reason) != 0)
			session_later(s, SESSION_TELL_END);
		break;
	case SESSION_ENDING:
	case SESSION_ENDED:
		break;
	}
}

bool session_is_lost(const struct endpoint_result *r)
{
	unsigned status = r->response ? r->response->status_code : 0;

	return status == 481 || status == 408 || (status == 0 && r->fail.code == -FAIL_TIMEOUT);
}

void session_lost(struct session *s, const struct fail *f)
{
	session_why(s, "timeout", -FAIL_LOST, "the session is lost: %.180s", fail_show(f));
	session_end(s, STR_EMPTY);
}

static bool tell_answered(struct session *s, struct endpoint_result *r)
{
	return session_tell(s, &(struct endpoint_event){ .type = ENDPOINT_ANSWERED, .result = r });
}

/* What the user began and what had no answer when the session ended. */
static bool abort_requests(struct session *s)
{
	struct endpoint_result r = { .cause = "", .times = { -1, -1, -1, -1, -1 } };
	bool sending = s->sending, changing = s->change && !s->change->refresh;

	request_free(s->sending);
	s->sending = NULL;
	session_sent_free(s->change);
	s->change = NULL;
	fail_set(&r.fail, -FAIL_CANCELLED, "the session ended before an answer came");
	return (!sending || tell_answered(s, &r)) && (!changing || tell_answered(s, &r));
}

/* Other dialogs than its own end first. */
static bool tell_legs_end(struct session *s, const struct endpoint_msg *msg)
{
	struct session_told told = { .state = "terminated", .cause = s->cause, .msg = msg };
	const struct session_told lost = { .state = "terminated", .cause = "cancelled" };

	if (s->incoming && s->reason && !s->confirmed_us) /* of the CANCEL */
		told.reason = str_of(s->reason);
	LIST_EACH (it, &s->legs) {
		struct session_told one = s->leg ? lost : told;

		one.leg = CONTAINER_OF(it, struct session_leg, node);
		if (one.leg != s->leg && !one.leg->bye && !session_tell_state(s, &one))
			return false;
	}
	told.leg = s->leg;
	return (!s->leg && !list_empty(&s->legs)) || session_tell_state(s, &told);
}

static void stop_all(struct session *s)
{
	s->state = SESSION_ENDED;
	ev_timer_stop(endpoint_loop(), &s->expiry);
	ev_timer_stop(endpoint_loop(), &s->later);
	s->pending = 0;
	session_got_free(s->got);
	s->got = NULL;
	refer_session_ended(&s->refers);
}

void session_finish(
	struct session *s, const struct endpoint_result *result, const struct endpoint_msg *msg)
{
	struct endpoint_result r = { .cause = "", .times = { -1, -1, -1, -1, -1 } };
	struct endpoint_event ev = { .type = s->fail ? ENDPOINT_FAILED : ENDPOINT_CLOSED };
	endpoint_event_fn *fn;

	if (result)
		r = *result;
	if (s->fail)
		r.fail = *s->fail; /* else that of the BYE, which does not make the end a failure */
	if (result || s->fail)
		ev.result = &r;
	stop_all(s);
	if (!abort_requests(s) || !tell_legs_end(s, msg ? msg : r.response))
		return;
	fn = s->policy.on_event;
	if (s->endpoint->stopping)
		net_later(endpoint_loop(), &s->endpoint->stop_timer);
	s->policy.on_event = NULL; /* the last word */
	ev.endpoint = s->endpoint;
	if (fn)
		fn(s->policy.arg, &ev); /* may free s */
}

void session_stop(struct session *s, struct str reason)
{
	if (s->stopping || s->state >= SESSION_ENDING)
		return;
	if (s->state == SESSION_CONFIRMED || s->state == SESSION_ACCEPTED)
		session_why(s, "local-bye", 0, " ");
	else
		session_why(s, s->incoming ? "rejected" : "cancelled", -FAIL_CANCELLED,
			"ended before it was established");
	session_end(s, sip_build_clean(reason) ? reason : STR_EMPTY);
}

/* ---- life ---- */

struct session *session_new(struct endpoint *ep)
{
	struct session *s = MEM_NEW(struct session);

	list_init(&s->node);
	list_init(&s->legs);
	list_init(&s->lingering);
	list_init(&s->refers);
	s->endpoint = ep;
	s->first_id = dialog_next_id(ep->manager);
	s->started_us = net_now_us();
	s->setup_ms = -1;
	ev_init(&s->later, on_later);
	session_timer_init(s);
	if (ep->auth)
		s->exchange = MEM_NEW(struct auth_exchange);
	list_add(&ep->sessions, &s->node);
	return s;
}

/* One block: the list, then the texts. */
static const struct endpoint_header *copy_headers(const struct endpoint_header *list, unsigned n)
{
	size_t size = n * sizeof(*list);
	struct endpoint_header *copy;
	char *p;

	for (unsigned i = 0; i < n; i++)
		size += list[i].name.n + list[i].value.n;
	if (n == 0)
		return NULL;
	copy = mem_alloc(size);
	p = (char *)(copy + n);
	for (unsigned i = 0; i < n; i++) {
		copy[i] = list[i];
		copy[i].name.p = memcpy(p, list[i].name.n ? list[i].name.p : "", list[i].name.n);
		p += list[i].name.n;
		copy[i].value.p =
			memcpy(p, list[i].value.n ? list[i].value.p : "", list[i].value.n);
		p += list[i].value.n;
	}
	return copy;
}

static void free_headers(struct session *s)
{
	mem_free((void *)(uintptr_t)s->policy.headers);
	s->policy.headers = NULL;
	s->policy.header_count = 0;
}

int session_set_policy(struct session *s, const struct session_policy *p, struct fail *f)
{
	if (p->min_se > 0 && p->min_se < SESSION_MIN_SE)
		return fail_set(f, -FAIL_ARGUMENT, "Min-SE is at least %d", SESSION_MIN_SE);
	if (p->expires > 0 && p->expires < session_min_se(p))
		return fail_set(f, -FAIL_ARGUMENT, "Session-Expires is at least %u",
			session_min_se(p)); /* SS-36 */
	if (p->reinvite_status != 0 && (p->reinvite_status < 300 || p->reinvite_status > 699))
		return fail_set(f, -FAIL_ARGUMENT, "%u refuses nothing", p->reinvite_status);
	if (endpoint_check_headers(p->headers, p->header_count, false, f) != 0)
		return -FAIL_ARGUMENT;
	free_headers(s);
	s->policy = *p;
	s->policy.headers = copy_headers(p->headers, p->header_count);
	s->policy.header_count = p->header_count;
	if (session_has_media(s))
		media_call_init(&s->media, p->media);
	return 0;
}

/* Nothing of it runs any more, not even who called the handler that this happens in. */
static void abandon(struct session *s)
{
	if (s->gone)
		*s->gone = true;
	s->gone = NULL;
	ev_timer_stop(endpoint_loop(), &s->later);
	ev_timer_stop(endpoint_loop(), &s->expiry);
	list_del(&s->node);
	request_free(s->sending);
	request_free(s->spent);
	s->sending = s->spent = NULL;
	session_sent_free(s->out);
	session_sent_free(s->change);
	s->out = s->change = NULL;
	LIST_EACH (it, &s->lingering)
		session_sent_free(CONTAINER_OF(it, struct session_sent, node));
	session_got_free(s->got);
	s->got = NULL;
	refer_session_freed(&s->refers);
	LIST_EACH (it, &s->legs)
		session_leg_free(CONTAINER_OF(it, struct session_leg, node));
	s->leg = s->media_leg = NULL;
	if (s->replaces)
		s->replaces->replaced_by = NULL;
	if (s->replaced_by)
		s->replaced_by->replaces = NULL;
	s->replaces = s->replaced_by = NULL;
	s->state = SESSION_ENDED;
}

void session_stop_all(struct endpoint *ep)
{
	LIST_EACH (it, &ep->sessions)
		session_stop(CONTAINER_OF(it, struct session, node), STR_EMPTY);
}

void session_lose_all(struct endpoint *ep, const char *why)
{
	LIST_EACH (it, &ep->sessions) {
		struct session *s = CONTAINER_OF(it, struct session, node);

		if (s->state != SESSION_CONFIRMED || s->stopping)
			continue;
		session_why(s, "error", -FAIL_LOST, "the session is lost: %s", why);
		s->stopping = true;
		s->state = SESSION_ENDING;
		session_later(s, SESSION_TELL_END);
	}
}

bool session_all_ended(const struct endpoint *ep)
{
	LIST_EACH (it, &ep->sessions)
		if (CONTAINER_OF(it, struct session, node)->policy.on_event)
			return false; /* its last word is to come */
	return true;
}

void session_abandon_all(struct endpoint *ep)
{
	LIST_EACH (it, &ep->sessions) {
		struct session *s = CONTAINER_OF(it, struct session, node);

		if (s->incoming && !s->taken)
			session_free(s); /* the endpoint's, while its handler looks at it */
		else
			abandon(s);
	}
}

void session_free(struct session *s)
{
	if (!s)
		return;
	abandon(s);
	media_call_done(&s->media);
	if (s->exchange)
		auth_exchange_done(s->exchange);
	mem_free(s->exchange);
	free_headers(s);
	mem_free(s->reason);
	mem_free(s->phrase);
	mem_free(s->fail);
	mem_free(s);
}

/* ---- what others ask ---- */

bool session_is_confirmed(const struct session *s)
{
	return s->state == SESSION_CONFIRMED && !s->stopping;
}

unsigned session_refused(const struct session *s)
{
	return s->refused;
}

bool session_is_incoming(const struct session *s)
{
	return s->incoming;
}

unsigned session_id(const struct session *s)
{
	return s->leg ? s->leg->id : s->first_id;
}

void session_replaces(const struct session *s, struct buf *out)
{
	const struct sip_dialog *d = s->leg ? &s->leg->dialog.sip : NULL;

	if (d)
		sip_replaces_write(out, &(struct sip_replaces){ .call_id = d->call_id,
						.to_tag = d->remote_tag,
						.from_tag = d->local_tag });
}

struct dialog *session_dialog(struct session *s)
{
	return s->leg && s->confirmed_us ? &s->leg->dialog : NULL;
}

struct list *session_refers(struct session *s)
{
	return &s->refers;
}

struct endpoint *session_endpoint(struct session *s)
{
	return s->endpoint;
}

struct auth_exchange *session_exchange(struct session *s)
{
	return s->exchange;
}

/* ---- parts of messages ---- */

bool session_has_media(const struct session *s)
{
	return s->policy.media && !media_is_none(s->policy.media);
}

static bool is_sdp(struct str type)
{
	struct str head = type, rest;

	str_cut(type, ';', &head, &rest);
	return str_ieq(str_trim(head), STR("application/sdp"));
}

static bool is_optional(struct str params)
{
	struct str handling;

	return sip_param(params, "handling", &handling) && str_ieq(handling, STR("optional"));
}

/* 8.2.3: a body that is not understood is refused, unless it is optional (20.11); so is one with
 * another disposition than "session". */
bool session_body(const struct sip_msg *m, struct str *sdp, unsigned *status)
{
	struct str type = sip_msg_value(m, SIP_HDR_CONTENT_TYPE), what, params = STR_EMPTY;
	struct str encoding = sip_msg_value(m, SIP_HDR_CONTENT_ENCODING);
	struct str disposition = sip_msg_value(m, SIP_HDR_CONTENT_DISPOSITION);
	size_t end = str_find(disposition, ';');
	bool taken;

	if (m->body.n == 0)
		return false;
	what = str_trim(str_sub(disposition, 0, end));
	params = str_sub(disposition, end, disposition.n);
	*sdp = m->body;
	taken = is_sdp(type) ? what.n == 0 || str_ieq(what, STR("session"))
			     : multipart_is(type) &&
				       multipart_find(type, m->body, "application/sdp", sdp);
	if (encoding.n > 0 && !str_ieq(encoding, STR("identity")))
		taken = false;
	if (!taken && !is_optional(params))
		*status = 415;
	return taken;
}

void session_write_self(struct session *s, struct net_flow *flow, struct buf *b)
{
	dialog_contact(s->endpoint, flow, s->secure, b);
	sip_build_hdr(b, SIP_HDR_ALLOW, STR(SESSION_ALLOW));
	sip_build_hdr(b, SIP_HDR_SUPPORTED,
		s->policy.reliable == SESSION_100REL_NO
			? STR("timer, replaces, norefersub")
			: STR("100rel, timer, replaces, norefersub"));
}

void session_write_headers(struct session *s, struct buf *b)
{
	for (unsigned i = 0; i < s->policy.header_count; i++)
		if (s->policy.headers[i].change != ENDPOINT_HEADER_REMOVE)
			sip_build_named(b, s->policy.headers[i].name, s->policy.headers[i].value);
}

void session_learn(struct session *s, const struct sip_msg *m)
{
	if (sip_msg_hdr(m, SIP_HDR_ALLOW))
		s->peer_update = sip_msg_has_token(m, SIP_HDR_ALLOW, "UPDATE");
	if (sip_msg_hdr(m, SIP_HDR_SUPPORTED))
		s->peer_timer = sip_msg_has_token(m, SIP_HDR_SUPPORTED, "timer");
}
