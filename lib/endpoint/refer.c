/* lib/endpoint/refer.c -- REFER and the subscription that it makes: RFC 3515, 3892, 4488, 6665 */
#include "endpoint/refer.h"

#include "base/mem.h"
#include "base/text.h"
#include "endpoint/refer_impl.h"
#include "endpoint/session_impl.h"
#include "sip/build.h"
#include "sip/event.h"
#include "sip/param.h"
#include "sip/replaces.h"
#include "sip/status.h"
#include "sip/uri.h"

#include <stdio.h>
#include <string.h>

enum { SUBSCRIPTION_S = 300 }; /* how long a received REFER's subscription lasts at most */

struct refer {
	struct list node; /* in its session's refers, or alone */
	struct endpoint *endpoint;
	struct session *session; /* NULL: outside of any, or it has ended */
	struct arena arena; /* of config's texts, and of those of a received one */
	struct refer_config config;
	struct dialog own; /* outside of a session */
	struct dialog half; /* ours, before a response: a NOTIFY may come first (RFC 6665 4.4.1) */
	struct request *request; /* on its way: REFER, SUBSCRIBE, or NOTIFY */
	char call_id[40], tag[17];
	uint32_t cseq; /* of the REFER: the id of its events */
	unsigned status; /* of the last sipfrag */
	ev_timer timer; /* the last NOTIFY's time; then the end, from the loop (R2) */
	endpoint_event_fn *fn;
	void *arg;
	struct endpoint_result result;
	enum endpoint_event_type end; /* DONE, FAILED or CLOSED, when over */
	bool accepted, over, stopping;

	/* a received one */
	bool received, silent; /* silent: Refer-Sub: false, so nothing is reported */
	bool decided;
	bool *gone; /* set while the handler decides: tells that it was freed */
	struct transaction *transaction; /* until it is answered */
	struct str uri, refer_to, referred_by, method, replaces;
	struct str frag; /* "200 OK": to be told next; empty: nothing waits */
	unsigned frag_status;
};

/* ---- life ---- */

static struct dialog *dialog_of(struct refer *r)
{
	return r->session ? session_dialog(r->session) : &r->own;
}

static void tell(struct refer *r, const struct endpoint_event *ev)
{
	struct endpoint_event copy = *ev;

	copy.endpoint = r->endpoint;
	if (r->fn)
		r->fn(r->arg, &copy); /* may free r */
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct refer *r = CONTAINER_OF(w, struct refer, timer);

	(void)revents;
	ev_timer_stop(loop, w);
	if (!r->over) {
		fail_set(&r->result.fail, -FAIL_TIMEOUT, "no final NOTIFY came in time");
		r->end = ENDPOINT_FAILED;
	}
	r->over = true;
	tell(r, &(struct endpoint_event){ .type = r->end, .result = &r->result });
}

/* The one final event comes from the loop. */
static void finish(struct refer *r, enum endpoint_event_type end)
{
	if (r->over)
		return;
	r->over = true;
	r->end = end;
	net_later(endpoint_loop(), &r->timer);
}

static struct refer *make(struct endpoint *ep, struct session *s)
{
	struct refer *r = MEM_NEW(struct refer);

	list_init(&r->node);
	r->endpoint = ep;
	r->session = s;
	r->result.cause = "";
	r->result.times = (struct endpoint_times){ -1, -1, -1, -1, -1 };
	ev_init(&r->timer, on_timer);
	if (s)
		list_add(session_refers(s), &r->node);
	return r;
}

void refer_free(struct refer *r)
{
	if (!r)
		return;
	if (r->gone)
		*r->gone = true;
	ev_timer_stop(endpoint_loop(), &r->timer);
	list_del(&r->node);
	request_free(r->request);
	transaction_free(r->transaction);
	dialog_close(&r->own);
	dialog_close(&r->half);
	arena_done(&r->arena);
	mem_free(r);
}

void refer_session_ended(struct list *refers)
{
	LIST_EACH (it, refers) {
		struct refer *r = CONTAINER_OF(it, struct refer, node);

		list_del(&r->node);
		request_free(r->request); /* it lived in the session's dialog */
		r->request = NULL;
		r->session = NULL;
		if (r->received || r->stopping) {
			finish(r, ENDPOINT_CLOSED);
			continue;
		}
		fail_set(&r->result.fail, -FAIL_ENDED,
			"the session ended before the transfer was reported");
		finish(r, ENDPOINT_FAILED);
	}
}

/* ---- sipfrag, RFC 3420 ---- */

/* The status of "SIP/2.0 200 OK"; 0 when it is none. */
static unsigned frag_status(struct str body, struct str *line)
{
	struct str version, rest;
	uint32_t status;

	if (!str_cut(body, '\n', line, &rest))
		*line = body;
	*line = str_trim(*line);
	if (!str_cut(*line, ' ', &version, &rest) || !str_ieq(version, STR("SIP/2.0")) ||
		!str_u32(str_sub(rest, 0, 3), &status) || status < 100 || status > 699)
		return 0;
	return status;
}

/* ---- a NOTIFY for our REFER ---- */

static bool is_mine(const struct refer *r, const struct sip_event *event)
{
	uint32_t id;

	if (!str_ieq(event->package, STR("refer")))
		return false;
	return event->id.n == 0 || (str_u32(event->id, &id) && id == r->cseq);
}

static void notified(struct refer *r, struct transaction *t, struct sip_msg *m)
{
	struct dispatch_text text;
	struct endpoint_msg description;
	struct sip_subscription_state state = { 0 };
	struct str line = STR_EMPTY;
	struct endpoint_transfer what;
	bool ended;
	bool known = sip_subscription_state_parse(
		sip_msg_value(m, SIP_HDR_SUBSCRIPTION_STATE), &state);

	transaction_answer(t, known ? 200 : 400, NULL);
	dispatch_describe_msg(m, transaction_flow(t), &text, &description);
	transaction_free(t);
	if (!known || r->over)
		return;
	r->accepted = true;
	what = (struct endpoint_transfer){
		.refer = r,
		.id = r->session ? session_id(r->session) : 0,
		.refer_to = r->config.refer_to,
		.method = r->config.method,
		.status_code = frag_status(m->body, &line),
		.sipfrag = line,
		.reason = state.reason,
		.msg = &description,
	};
	if (what.status_code != 0)
		r->status = what.status_code;
	/* Its subscription may go on, but there is nothing more to be told after a final status. */
	ended = str_ieq(state.state, STR("terminated")) || r->status >= 200;
	what.state = ended ? "terminated" : str_ieq(state.state, STR("pending")) ? "pending" : "active";
	if (ended && r->status == 0) {
		fail_set(&r->result.fail, -FAIL_ENDED, "the transfer's subscription ended: " STR_FMT,
			STR_ARG(state.reason));
		finish(r, ENDPOINT_FAILED);
	} else if (ended) {
		finish(r, r->stopping ? ENDPOINT_CLOSED : ENDPOINT_DONE);
	}
	tell(r, &(struct endpoint_event){ .type = ENDPOINT_TRANSFER, .transfer = &what });
}

bool refer_notified(struct session *s, struct dialog *d, struct transaction *t, struct sip_msg *m)
{
	struct sip_event event;

	(void)d;
	if (!sip_event_parse(sip_msg_value(m, SIP_HDR_EVENT), &event))
		return false;
	LIST_EACH (it, session_refers(s)) {
		struct refer *r = CONTAINER_OF(it, struct refer, node);

		if (!r->received && is_mine(r, &event)) {
			notified(r, t, m);
			return true;
		}
	}
	return false;
}

/* What arrives in a dialog that the REFER made itself. */
static void on_dialog(void *arg, struct dialog *d, struct transaction *t, struct sip_msg *m,
	struct net_flow *flow);

/* The NOTIFY came before the response: it makes the dialog. */
static void on_half(void *arg, struct dialog *d, struct transaction *t, struct sip_msg *m,
	struct net_flow *flow)
{
	struct refer *r = arg;
	struct fail f;
	const struct sip_msg *request = r->request ? request_msg(r->request) : NULL;

	(void)d;
	if (!r->own.endpoint && request &&
		sip_dialog_from_notify(&r->own.sip, request, m, &f) == 0) {
		r->own.on_request = on_dialog;
		r->own.arg = r;
		if (dialog_open(&r->own, r->endpoint)) {
			dialog_use_flow(&r->own, flow, m);
			sip_dialog_received(&r->own.sip, m);
			on_dialog(r, &r->own, t, m, flow);
			return;
		}
		sip_dialog_done(&r->own.sip);
	}
	if (t)
		transaction_answer(t, 481, NULL);
	transaction_free(t);
}

/* ---- our REFER ---- */

static void write_refer(void *arg, struct request *request, struct buf *b)
{
	struct refer *r = arg;
	struct buf v = BUF_INIT(1 << 16);

	dialog_contact(r->endpoint, request_flow(request), b);
	buf_addf(&v, "<" STR_FMT ">", STR_ARG(r->config.refer_to));
	if (r->config.method.n > 0) { /* RFC 3515 2.1: a parameter of its URI */
		buf_clear(&v);
		buf_addf(&v, "<" STR_FMT ";method=" STR_FMT, STR_ARG(r->uri), STR_ARG(r->config.method));
		if (r->config.refer_to.n > r->uri.n)
			buf_add_str(&v, str_sub(r->config.refer_to, r->uri.n, r->config.refer_to.n));
		buf_add_char(&v, '>');
	}
	sip_build_hdr(b, SIP_HDR_REFER_TO, buf_str(&v));
	if (r->endpoint->config.aor.n > 0) {
		buf_clear(&v);
		buf_addf(&v, "<" STR_FMT ">", STR_ARG(r->endpoint->config.aor));
		sip_build_hdr(b, SIP_HDR_REFERRED_BY, buf_str(&v));
	}
	if (r->config.no_subscription)
		buf_add_str(b, STR("Refer-Sub: false\r\nSupported: norefersub\r\n"));
	buf_done(&v);
}

/* The 2xx of a REFER outside of a session makes a dialog, unless a NOTIFY already has. */
static void take_dialog(struct refer *r, struct request *request, const struct sip_msg *m)
{
	struct fail f;

	if (r->session || r->own.endpoint || !request_msg(request))
		return;
	if (sip_dialog_from_response(&r->own.sip, request_msg(request), m, &f) != 0) {
		trace_note(endpoint_manager_trace(r->endpoint->manager), "no dialog: %s", f.text);
		return;
	}
	r->own.on_request = on_dialog;
	r->own.arg = r;
	if (dialog_open(&r->own, r->endpoint))
		dialog_use_flow(&r->own, request_flow(request), m);
	else
		sip_dialog_done(&r->own.sip);
}

static void refer_accepted(struct refer *r, const struct endpoint_event *ev)
{
	const struct sip_msg *m = ev->result->response ? ev->result->response->msg : NULL;
	const struct sip_hdr *sub = m ? sip_msg_hdr_named(m, STR("Refer-Sub")) : NULL;
	struct endpoint_transfer what = {
		.refer = r,
		.id = r->session ? session_id(r->session) : 0,
		.state = "active",
		.refer_to = r->config.refer_to,
		.method = r->config.method,
		.msg = ev->result->response,
	};

	r->result.counts = ev->result->counts;
	r->result.times = ev->result->times;
	r->result.authenticated = ev->result->authenticated;
	r->accepted = true;
	if (r->over)
		return;
	if (sub && str_istarts(str_trim(sub->value), STR("false"))) {
		finish(r, ENDPOINT_DONE);
		return;
	}
	if (r->config.notify_ms > 0)
		net_timer_set(endpoint_loop(), &r->timer, net_now_ms() + r->config.notify_ms);
	if (r->status == 0)
		tell(r, &(struct endpoint_event){ .type = ENDPOINT_TRANSFER, .transfer = &what });
}

static void on_refer(void *arg, const struct endpoint_event *ev)
{
	struct refer *r = arg;
	struct sip_cseq cseq;

	switch (ev->type) {
	case ENDPOINT_RESPONSE:
		if (ev->msg->status_code >= 200 && ev->msg->status_code < 300)
			take_dialog(r, r->request, ev->msg->msg);
		break;
	case ENDPOINT_DONE:
		if (ev->result->response && sip_msg_cseq(ev->result->response->msg, &cseq))
			r->cseq = cseq.number;
		refer_accepted(r, ev);
		break;
	case ENDPOINT_FAILED:
		r->over = true;
		tell(r, ev);
		break;
	default:
		tell(r, ev);
		break;
	}
}

/* The Refer-To without its headers, and their Replaces (RFC 5589 section 7, RFC 3891 section 4). */
static bool split_uri(struct refer *r, const struct sip_uri *u)
{
	struct buf replaces = BUF_INIT(1 << 12);
	size_t n = u->text.n;

	if (u->headers.n > 0)
		n = (size_t)(u->headers.p - 1 - u->text.p);
	r->uri = arena_str(&r->arena, str_sub(u->text, 0, n));
	if (sip_uri_header(u, "Replaces", &replaces))
		r->replaces = arena_str(&r->arena, buf_str(&replaces));
	buf_done(&replaces);
	return u->scheme <= SIP_URI_TEL;
}

static int keep_config(struct refer *r, const struct refer_config *c, struct fail *f)
{
	struct endpoint_header *headers =
		arena_alloc(&r->arena, (c->header_count + 1) * sizeof(*headers));
	struct sip_uri uri;

	r->config = *c;
	r->config.target = arena_str(&r->arena, c->target);
	r->config.refer_to = arena_str(&r->arena, c->refer_to);
	r->config.method = arena_str(&r->arena, c->method);
	for (unsigned i = 0; i < c->header_count; i++) {
		headers[i] = c->headers[i];
		headers[i].name = arena_str(&r->arena, c->headers[i].name);
		headers[i].value = arena_str(&r->arena, c->headers[i].value);
	}
	r->config.headers = headers;
	r->fn = c->on_event;
	r->arg = c->arg;
	if (!sip_uri_parse(r->config.refer_to, &uri) || !split_uri(r, &uri))
		return fail_set(f, -FAIL_ARGUMENT, "\"" STR_FMT "\" is not a URI to refer to",
			STR_ARG(c->refer_to));
	if (c->method.n > 0 && !endpoint_check_token(c->method))
		return fail_set(f, -FAIL_ARGUMENT, "\"" STR_FMT "\" is not a method",
			STR_ARG(c->method));
	return 0;
}

static struct request_config request_of(struct refer *r)
{
	return (struct request_config){
		.endpoint = r->endpoint,
		.method = STR("REFER"),
		.target = r->config.target,
		.dialog = r->session ? session_dialog(r->session) : NULL,
		.call_id = r->session ? STR_EMPTY : str_of(r->call_id),
		.from_tag = r->session ? STR_EMPTY : str_of(r->tag),
		.headers = r->config.headers,
		.header_count = r->config.header_count,
		.max_forwards = r->config.max_forwards,
		.timeout_ms = r->config.timeout_ms,
		.follow = r->session ? 0 : r->config.follow,
		.retry = r->config.retry,
		.answers = true,
		.write = write_refer,
		.write_arg = r,
		.on_event = on_refer,
		.arg = r,
	};
}

static int prepare(const struct refer_config *config, struct refer **out, struct fail *f)
{
	struct refer *r;
	int e;

	if (config->session && !session_is_confirmed(config->session))
		return fail_set(f, -FAIL_STATE, "the session is not established");
	r = make(config->endpoint, config->session);
	text_token(r->call_id, 32);
	text_token(r->tag, 16);
	if ((e = keep_config(r, config, f)) != 0) {
		refer_free(r);
		return e;
	}
	*out = r;
	return 0;
}

int refer_start(const struct refer_config *config, struct refer **out, struct fail *f)
{
	struct request_config request;
	struct refer *r;
	int e = prepare(config, &r, f);

	if (e != 0)
		return e;
	request = request_of(r);
	if ((e = request_start(&request, &r->request, f)) != 0) {
		refer_free(r);
		return e;
	}
	/* Its number is the id of its events (RFC 3515 2.4.6), and a NOTIFY may overtake the 2xx. */
	r->cseq = r->session ? session_dialog(r->session)->sip.local_cseq + 1 : 1;
	if (!r->session) {
		r->half.on_request = on_half;
		r->half.arg = r;
		dialog_open_half(&r->half, r->endpoint, str_of(r->call_id), str_of(r->tag));
	}
	*out = r;
	return 0;
}

int refer_dry_run(const struct refer_config *config, struct buf *out, struct fail *f)
{
	struct request_config request;
	struct refer *r;
	int e = prepare(config, &r, f);

	if (e != 0)
		return e;
	request = request_of(r);
	e = request_dry_run(&request, out, f);
	refer_free(r);
	return e;
}

/* ---- unsubscribing, RF-03 ---- */

static void on_unsubscribed(void *arg, const struct endpoint_event *ev)
{
	struct refer *r = arg;

	if (ev->type == ENDPOINT_DONE || ev->type == ENDPOINT_FAILED)
		finish(r, ENDPOINT_CLOSED); /* the NOTIFY that ends it may come or not */
}

static void write_unsubscribe(void *arg, struct request *request, struct buf *b)
{
	struct refer *r = arg;

	dialog_contact(r->endpoint, request_flow(request), b);
	sip_build_hdrf(b, SIP_HDR_EVENT, "refer;id=%u", r->cseq);
	buf_add_str(b, STR("Expires: 0\r\n"));
}

void refer_stop(struct refer *r)
{
	struct request_config c;

	if (r->over || r->stopping)
		return;
	r->stopping = true;
	request_free(r->request);
	r->request = NULL;
	c = request_of(r);
	c.method = STR("SUBSCRIBE");
	c.dialog = dialog_of(r);
	c.write = write_unsubscribe;
	c.on_event = on_unsubscribed;
	c.answers = false;
	if (r->received || !r->accepted || !c.dialog || !c.dialog->endpoint ||
		request_start(&c, &r->request, NULL) != 0)
		finish(r, ENDPOINT_CLOSED);
}

unsigned refer_status(const struct refer *r)
{
	return r->status;
}

/* ---- received ---- */

static void refuse(struct transaction *t, unsigned status)
{
	transaction_answer(t, status, NULL);
	transaction_free(t);
}

/* Exactly one Refer-To (RFC 3515 2.4.2), of a scheme that a call can be made to (A74). */
static unsigned read_refer(struct refer *r, const struct sip_msg *m)
{
	const struct sip_hdr *to = sip_msg_hdr(m, SIP_HDR_REFER_TO);
	const struct sip_hdr *sub = sip_msg_hdr_named(m, STR("Refer-Sub"));
	struct sip_nameaddr a;
	struct sip_cseq cseq;
	struct str method;

	if (!to || sip_msg_hdr_next(m, to) || !sip_nameaddr_parse(to->value, &a))
		return 400;
	r->refer_to = arena_str(&r->arena, a.uri.text);
	r->referred_by = arena_str(&r->arena, sip_msg_value(m, SIP_HDR_REFERRED_BY));
	r->silent = sub && str_istarts(str_trim(sub->value), STR("false"));
	if (sip_msg_cseq(m, &cseq))
		r->cseq = cseq.number;
	if (!split_uri(r, &a.uri))
		return 416;
	if (a.uri.scheme <= SIP_URI_SIPS && sip_uri_param(&a.uri, "method", &method))
		r->method = arena_str(&r->arena, method);
	return 0;
}

bool refer_received(struct endpoint *ep, struct session *s, struct dialog *d, struct transaction *t,
	struct sip_msg *m)
{
	struct refer *r = make(ep, s);
	struct dispatch_text text;
	struct endpoint_msg description;
	struct endpoint_transfer what;
	struct endpoint_event ev = { .type = ENDPOINT_TRANSFER,
		.endpoint = ep,
		.transfer = &what };
	bool gone = false;
	unsigned status = read_refer(r, m);

	(void)d;
	if (status != 0) {
		refer_free(r);
		refuse(t, status);
		return true;
	}
	r->received = true;
	r->transaction = t;
	transaction_own(t, NULL, NULL);
	dispatch_describe_msg(m, transaction_flow(t), &text, &description);
	what = (struct endpoint_transfer){
		.refer = r,
		.id = s ? session_id(s) : 0,
		.received = true,
		.state = "pending",
		.refer_to = r->refer_to,
		.referred_by = r->referred_by,
		.method = r->method,
		.msg = &description,
	};
	r->gone = &gone;
	if (s)
		session_tell(s, &ev);
	else
		endpoint_emit(ep, &ev);
	if (gone)
		return true;
	r->gone = NULL;
	if (!r->decided)
		refer_decline(r, 603, STR_EMPTY); /* RF-08: nobody has proved who asks */
	return true;
}

void refer_decline(struct refer *r, unsigned status, struct str reason)
{
	if (r->transaction)
		dialog_reply(r->transaction,
			&(struct dialog_response){ .status = status, .reason = reason });
	refer_free(r);
}

static void send_notify(struct refer *r);

/* 481, or nobody there: the subscription is gone with what was to be told (RFC 6665 4.2.2). */
static void on_notified(void *arg, const struct endpoint_event *ev)
{
	struct refer *r = arg;

	if (ev->type != ENDPOINT_DONE && ev->type != ENDPOINT_FAILED)
		return;
	request_free(r->request);
	r->request = NULL;
	if (ev->type == ENDPOINT_FAILED) {
		r->result.fail = (struct fail){ .code = -FAIL_LOST };
		fail_set(&r->result.fail, -FAIL_LOST, "nobody takes the reports of this transfer");
		finish(r, ENDPOINT_FAILED);
	} else if (r->frag.n > 0) {
		send_notify(r);
	} else if (r->status >= 200) {
		finish(r, ENDPOINT_CLOSED);
	}
}

static void write_notify(void *arg, struct request *request, struct buf *b)
{
	struct refer *r = arg;

	dialog_contact(r->endpoint, request_flow(request), b);
	sip_build_hdrf(b, SIP_HDR_EVENT, "refer;id=%u", r->cseq);
	if (r->status >= 200)
		buf_add_str(b, STR("Subscription-State: terminated;reason=noresource\r\n"));
	else
		sip_build_hdrf(b, SIP_HDR_SUBSCRIPTION_STATE, "active;expires=%u", SUBSCRIPTION_S);
}

static void send_notify(struct refer *r)
{
	struct request_config c = request_of(r);
	struct buf body = BUF_INIT(1 << 12);

	c.dialog = dialog_of(r);
	buf_addf(&body, "SIP/2.0 " STR_FMT "\r\n", STR_ARG(r->frag));
	r->status = r->frag_status;
	r->frag = STR_EMPTY;
	c.method = STR("NOTIFY");
	c.body = buf_str(&body);
	c.type = STR("message/sipfrag;version=2.0");
	c.write = write_notify;
	c.on_event = on_notified;
	c.answers = false;
	c.max_forwards = -1;
	if (!c.dialog || !c.dialog->endpoint || request_start(&c, &r->request, NULL) != 0) {
		fail_set(&r->result.fail, -FAIL_LOST, "the transfer's dialog is gone");
		finish(r, ENDPOINT_FAILED);
	}
	buf_done(&body);
}

int refer_notify(struct refer *r, unsigned status, struct str reason, struct fail *f)
{
	if (r->over || !r->accepted || r->status >= 200 || r->frag_status >= 200)
		return fail_set(f, -FAIL_STATE, "there is nothing more to report");
	if (status < 100 || status > 699 || !sip_build_clean(reason))
		return fail_set(f, -FAIL_ARGUMENT, "%u is not a status to report", status);
	r->frag_status = status;
	if (r->silent) {
		if (status >= 200)
			finish(r, ENDPOINT_CLOSED);
		return 0;
	}
	r->frag = arena_fmt(&r->arena, "%u " STR_FMT, status,
		STR_ARG(reason.n ? reason : sip_status_reason(status)));
	if (!r->request)
		send_notify(r);
	return 0;
}

int refer_accept(struct refer *r, endpoint_event_fn *fn, void *arg, struct fail *f)
{
	struct transaction *t = r->transaction;
	struct sip_msg *m = transaction_msg(t);
	struct net_flow *flow = transaction_flow(t);
	struct buf headers = BUF_INIT(1 << 16);
	struct dialog_response answer = { .status = r->silent ? 200 : 202, .record_route = true };
	int e;

	if (!r->session) {
		e = sip_dialog_from_request(&r->own.sip, m, transaction_tag(t),
			net_flow_info(flow)->transport == NET_TLS, f);
		if (e != 0) {
			refer_decline(r, 400, STR_EMPTY);
			return e;
		}
		sip_dialog_confirm(&r->own.sip, NULL, NULL);
		r->own.on_request = on_dialog;
		r->own.arg = r;
		dialog_open(&r->own, r->endpoint);
		dialog_use_flow(&r->own, flow, m);
	}
	r->fn = fn;
	r->arg = arg;
	r->decided = r->accepted = true;
	dialog_contact(r->endpoint, flow, &headers);
	if (r->silent)
		buf_add_str(&headers, STR("Refer-Sub: false\r\n"));
	answer.headers = buf_str(&headers);
	dialog_reply(t, &answer);
	buf_done(&headers);
	transaction_free(t);
	r->transaction = NULL;
	return r->silent ? 0 : refer_notify(r, 100, STR_EMPTY, f);
}

struct str refer_uri(const struct refer *r)
{
	return r->uri;
}

struct str refer_replaces(const struct refer *r)
{
	return r->replaces;
}

/* ---- the dialog that a REFER outside of a session makes, both roles ---- */

/* RFC 6665 4.2.1.2: Expires 0 ends the subscription, anything else refreshes it. */
static void subscribed(struct refer *r, struct transaction *t, const struct sip_msg *m)
{
	uint32_t expires = SUBSCRIPTION_S;

	sip_msg_seconds(m, SIP_HDR_EXPIRES, &expires);
	transaction_answer(t, 200, expires ? "Expires: 300\r\n" : "Expires: 0\r\n");
	transaction_free(t);
	if (expires == 0)
		finish(r, ENDPOINT_CLOSED);
}

static void on_dialog(void *arg, struct dialog *d, struct transaction *t, struct sip_msg *m,
	struct net_flow *flow)
{
	struct refer *r = arg;
	struct sip_event event;

	(void)d;
	(void)flow;
	if (!t)
		return;
	if (m->method == SIP_NOTIFY && !r->received &&
		sip_event_parse(sip_msg_value(m, SIP_HDR_EVENT), &event)) {
		if (is_mine(r, &event))
			notified(r, t, m);
		else
			refuse(t, 489);
		return;
	}
	if (m->method == SIP_SUBSCRIBE && r->received) {
		subscribed(r, t, m);
		return;
	}
	refuse(t, m->method == SIP_BYE || m->method == SIP_NOTIFY ? 481 : 405);
}

/* ---- Replaces ---- */

bool refer_is_replaces(struct str value)
{
	struct sip_replaces parts;

	return sip_replaces_parse(value, &parts);
}

void refer_write_replaces(struct buf *b, struct str uri, struct str replaces)
{
	buf_addf(b, STR_FMT "%sReplaces=", STR_ARG(uri), str_find(uri, '?') < uri.n ? "&" : "?");
	sip_uri_escape_header(b, replaces);
}
