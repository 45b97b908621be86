/* lib/endpoint/refer.c -- REFER and the subscription that it makes, as we send it: RFC 3515, 3892,
 * 4488, 6665 */
#include "endpoint/refer.h"

#include "base/mem.h"
#include "base/text.h"
#include "endpoint/refer_impl.h"
#include "endpoint/session_impl.h"
#include "sip/build.h"
#include "sip/event.h"
#include "sip/replaces.h"
#include "sip/uri.h"

/* ---- life ---- */

struct dialog *refer_dialog(struct refer *r)
{
	struct dialog *d = r->session ? session_dialog(r->session) : NULL;

	return d ? d : &r->own;
}

static void tell(struct refer *r, const struct endpoint_event *ev)
{
	struct endpoint_event copy = *ev;

	copy.endpoint = r->endpoint;
	if (r->fn)
		r->fn(r->arg, &copy); /* may free r */
}

static void keep_response(struct refer *r, const struct endpoint_msg *m)
{
	if (r->response)
		return;
	r->response = sip_msg_ref((struct sip_msg *)(uintptr_t)m->msg);
	r->flow = net_flow_ref(request_flow(r->request));
	r->rtt_ms = m->rtt_ms;
}

static void deliver_end(struct refer *r)
{
	struct dispatch_text text;
	struct endpoint_msg description;

	if (r->response) {
		dispatch_describe_msg(r->response, r->flow, &text, &description);
		description.retransmissions = r->result.counts.retransmissions;
		description.rtt_ms = r->rtt_ms;
		r->result.response = &description;
	}
	r->told = true;
	tell(r, &(struct endpoint_event){ .type = r->end, .result = &r->result });
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct refer *r = CONTAINER_OF(w, struct refer, timer);

	(void)revents;
	ev_timer_stop(loop, w);
	if (!r->over && r->received) {
		refer_end_subscription(r, "timeout");
		return;
	}
	if (!r->over) {
		fail_set(&r->result.fail, -FAIL_TIMEOUT, "no final NOTIFY came in time");
		r->end = ENDPOINT_FAILED;
	}
	r->over = true;
	deliver_end(r);
}

void refer_finish(struct refer *r, enum endpoint_event_type end)
{
	if (r->over)
		return;
	r->over = true;
	r->end = end;
	net_later(endpoint_loop(), &r->timer);
}

struct refer *refer_new(struct endpoint *ep, struct session *s)
{
	struct refer *r = MEM_NEW(struct refer);

	list_init(&r->node);
	buf_init(&r->frag, REFER_FRAG_MAX);
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
	sip_msg_unref(r->response);
	net_flow_unref(r->flow);
	buf_done(&r->frag);
	arena_done(&r->arena);
	mem_free(r);
}

static void leave_session(struct refer *r)
{
	list_del(&r->node);
	request_free(r->request); /* it lived in the session's dialog */
	r->request = NULL;
	r->session = NULL;
}

static struct refer *first_due(const struct list *refers)
{
	LIST_EACH (it, refers) {
		struct refer *r = CONTAINER_OF(it, struct refer, node);

		if (r->over && !r->told)
			return r;
	}
	return NULL;
}

void refer_tell_due(struct list *refers, const bool *gone)
{
	for (struct refer *r; !*gone && (r = first_due(refers)) != NULL;) {
		ev_timer_stop(endpoint_loop(), &r->timer);
		deliver_end(r);
	}
}

void refer_session_freed(struct list *refers)
{
	LIST_EACH (it, refers)
		leave_session(CONTAINER_OF(it, struct refer, node));
}

void refer_session_ended(struct list *refers)
{
	LIST_EACH (it, refers) {
		struct refer *r = CONTAINER_OF(it, struct refer, node);

		leave_session(r);
		if (r->over)
			continue;
		if (r->received || r->stopping) {
			refer_finish(r, ENDPOINT_CLOSED);
			continue;
		}
		fail_set(&r->result.fail, -FAIL_ENDED,
			"the session ended before the transfer was reported");
		refer_finish(r, ENDPOINT_FAILED);
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
		!str_u32(str_sub(rest, 0, str_find(rest, ' ')), &status) || status < 100 ||
		status > 699)
		return 0;
	return status;
}

static unsigned told_status(const struct sip_msg *m, struct str *line)
{
	struct str type = sip_msg_value(m, SIP_HDR_CONTENT_TYPE), name, params;

	if (!str_cut(type, ';', &name, &params))
		name = type;
	return str_ieq(str_trim(name), STR("message/sipfrag")) ? frag_status(m->body, line) : 0;
}

/* ---- whose event is it? ---- */

/* A challenge was answered with a number of its own, and a NOTIFY may overtake the 2xx. */
static void learn_cseq(struct refer *r)
{
	struct sip_cseq cseq;

	if (!r->received && !r->stopping && r->request && request_msg(r->request) &&
		sip_msg_cseq(request_msg(r->request), &cseq))
		r->cseq = cseq.number;
}

/* RFC 3515 2.4.6: the number of the REFER; none: it is for the first one. */
static bool is_mine(struct refer *r, const struct sip_event *event)
{
	uint32_t id;

	learn_cseq(r);
	return r->cseq != 0 && (event->id.n == 0 || (str_u32(event->id, &id) && id == r->cseq));
}

static bool read_event(const struct sip_msg *m, struct sip_event *event)
{
	return sip_event_parse(sip_msg_value(m, SIP_HDR_EVENT), event) &&
	       str_ieq(event->package, STR("refer"));
}

void refer_refuse(struct transaction *t, unsigned status)
{
	const char *headers = status == 489   ? "Allow-Events: refer\r\n" /* RFC 6665 8.3.2 */
			      : status == 405 ? "Allow: NOTIFY, SUBSCRIBE\r\n"
					      : NULL;

	transaction_answer(t, status, headers);
	transaction_free(t);
}

/* ---- a NOTIFY for our REFER ---- */

static void notified(struct refer *r, struct transaction *t, struct sip_msg *m)
{
	struct dispatch_text text;
	struct endpoint_msg description;
	struct sip_subscription_state state = { 0 };
	struct str line = STR_EMPTY;
	struct endpoint_transfer what;
	bool ended;

	if (r->over || !sip_subscription_state_parse(
			       sip_msg_value(m, SIP_HDR_SUBSCRIPTION_STATE), &state)) {
		refer_refuse(
			t, r->over ? 481 : 400); /* A56: after its end there is no subscription */
		return;
	}
	transaction_answer(t, 200, NULL);
	dispatch_describe_msg(m, transaction_flow(t), &text, &description);
	transaction_free(t);
	r->accepted = true;
	what = (struct endpoint_transfer){
		.refer = r,
		.id = r->session ? session_id(r->session) : 0,
		.refer_to = r->config.refer_to,
		.method = r->config.method,
		.status_code = told_status(m, &line),
		.sipfrag = line,
		.reason = state.reason,
		.msg = &description,
	};
	if (what.status_code != 0)
		r->status = what.status_code;
	/* Its subscription may go on, but there is nothing more to be told after a final status. */
	ended = str_ieq(state.state, STR("terminated")) || r->status >= 200;
	what.state = ended                                  ? "terminated"
		     : str_ieq(state.state, STR("pending")) ? "pending"
							    : "active";
	if (ended && r->stopping) {
		refer_finish(r, ENDPOINT_CLOSED);
	} else if (ended && r->status == 0) {
		fail_set(&r->result.fail, -FAIL_ENDED,
			"the transfer's subscription ended: " STR_FMT, STR_ARG(state.reason));
		refer_finish(r, ENDPOINT_FAILED);
	} else if (ended) {
		refer_finish(r, ENDPOINT_DONE);
	}
	tell(r, &(struct endpoint_event){ .type = ENDPOINT_TRANSFER, .transfer = &what });
}

struct refer *refer_find(struct session *s, const struct sip_msg *m, bool received)
{
	struct sip_event event;

	if (!read_event(m, &event))
		return NULL;
	LIST_EACH (it, session_refers(s)) {
		struct refer *r = CONTAINER_OF(it, struct refer, node);

		if (r->received == received && is_mine(r, &event))
			return r;
	}
	return NULL;
}

bool refer_notified(struct session *s, struct dialog *d, struct transaction *t, struct sip_msg *m)
{
	struct refer *r = refer_find(s, m, false);

	(void)d;
	if (r)
		notified(r, t, m);
	return r != NULL;
}

/* The NOTIFY came before the response: it makes the dialog. */
static void on_half(void *arg, struct dialog *d, struct transaction *t, struct sip_msg *m,
	struct net_flow *flow)
{
	struct refer *r = arg;
	struct sip_event event;
	struct fail f;
	const struct sip_msg *request =
		r->request && !r->over && !r->stopping ? request_msg(r->request) : NULL;

	(void)d;
	/* What is not about this REFER makes nothing. */
	if (t && !r->own.endpoint && request && m->method == SIP_NOTIFY && read_event(m, &event) &&
		is_mine(r, &event) && sip_dialog_from_notify(&r->own.sip, request, m, &f) == 0) {
		r->own.on_request = refer_on_dialog;
		r->own.arg = r;
		if (dialog_open(&r->own, r->endpoint)) {
			dialog_use_flow(&r->own, flow, m);
			sip_dialog_received(&r->own.sip, m);
			refer_on_dialog(r, &r->own, t, m, flow);
			return;
		}
		sip_dialog_done(&r->own.sip);
	}
	if (t && m->method != SIP_BENOTIFY) /* AR-12 */
		transaction_answer(t, read_event(m, &event) ? 481 : 489, NULL);
	transaction_free(t);
}

/* ---- our REFER ---- */

static bool has_header(const struct refer *r, struct str name)
{
	for (unsigned i = 0; i < r->config.header_count; i++)
		if (str_ieq(r->config.headers[i].name, name))
			return true;
	return false;
}

static void write_refer(void *arg, struct request *request, struct buf *b)
{
	struct refer *r = arg;
	struct buf v = BUF_INIT(1 << 16);

	dialog_contact(r->endpoint, request_flow(request),
		refer_dialog(r)->sip.secure || dialog_is_sips(r->config.target), b);
	buf_addf(&v, "<" STR_FMT ">", STR_ARG(r->config.refer_to));
	if (r->config.method.n > 0) { /* RFC 3515 2.1: a parameter of its URI */
		buf_clear(&v);
		buf_addf(&v, "<" STR_FMT ";method=" STR_FMT, STR_ARG(r->uri),
			STR_ARG(r->config.method));
		if (r->config.refer_to.n > r->uri.n)
			buf_add_str(
				&v, str_sub(r->config.refer_to, r->uri.n, r->config.refer_to.n));
		buf_add_char(&v, '>');
	}
	sip_build_hdr(b, SIP_HDR_REFER_TO, buf_str(&v));
	if (r->endpoint->config.aor.n > 0 && !has_header(r, STR("Referred-By"))) {
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
	r->own.on_request = refer_on_dialog;
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
	/* RFC 4488 4: "the absence of a Refer-Sub ... indicates ... an implicit subscription" */
	if (sub && str_istarts(str_trim(sub->value), STR("false"))) {
		refer_finish(r, ENDPOINT_DONE);
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

	switch (ev->type) {
	case ENDPOINT_RESPONSE:
		learn_cseq(r);
		if (ev->msg->status_code < 200 || ev->msg->status_code > 299)
			break;
		take_dialog(r, r->request, ev->msg->msg);
		keep_response(r, ev->msg);
		break;
	case ENDPOINT_DONE:
		refer_accepted(r, ev);
		break;
	case ENDPOINT_FAILED:
		if (r->over) /* a final NOTIFY came before: its end is on the way */
			break;
		r->over = r->told = true;
		tell(r, ev);
		break;
	default:
		tell(r, ev);
		break;
	}
}

static bool names_replaces(struct str headers)
{
	struct str one;

	while (headers.n > 0) {
		if (!str_cut(headers, '&', &one, &headers)) {
			one = headers;
			headers = STR_EMPTY;
		}
		if (str_istarts(one, STR("Replaces=")))
			return true;
	}
	return false;
}

bool refer_split_uri(struct refer *r, const struct sip_uri *u)
{
	struct buf replaces = BUF_INIT(1 << 12);
	size_t n = u->text.n;
	bool has;

	if (u->headers.n > 0)
		n = (size_t)(u->headers.p - 1 - u->text.p);
	r->uri = arena_str(&r->arena, str_sub(u->text, 0, n));
	has = sip_uri_header(u, "Replaces", &replaces);
	if (has)
		r->replaces = arena_str(&r->arena, buf_str(&replaces));
	buf_done(&replaces);
	return has ? refer_is_replaces(r->replaces) : !names_replaces(u->headers);
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
	if (!sip_uri_parse(r->config.refer_to, &uri) || !refer_split_uri(r, &uri))
		return fail_set(f, -FAIL_ARGUMENT, "\"" STR_FMT "\" is not a URI to refer to",
			STR_ARG(c->refer_to));
	if (c->method.n > 0 && uri.scheme > SIP_URI_SIPS)
		return fail_set(f, -FAIL_ARGUMENT, "a method belongs to a SIP URI only");
	if (c->method.n > 0 && !endpoint_check_token(c->method))
		return fail_set(
			f, -FAIL_ARGUMENT, "\"" STR_FMT "\" is not a method", STR_ARG(c->method));
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

struct request_config refer_within(struct refer *r, struct str method)
{
	return (struct request_config){
		.endpoint = r->endpoint,
		.method = method,
		.dialog = refer_dialog(r),
		.max_forwards = -1,
		.timeout_ms = r->config.timeout_ms,
		.write_arg = r,
		.arg = r,
	};
}

static int prepare(const struct refer_config *config, struct refer **out, struct fail *f)
{
	struct refer *r;
	int e;

	if (config->session && !session_is_confirmed(config->session))
		return fail_set(f, -FAIL_STATE, "the session is not established");
	r = refer_new(config->endpoint, config->session);
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
		refer_finish(r, ENDPOINT_CLOSED); /* the NOTIFY that ends it may come or not */
}

static void write_unsubscribe(void *arg, struct request *request, struct buf *b)
{
	struct refer *r = arg;

	dialog_contact(r->endpoint, request_flow(request), refer_dialog(r)->sip.secure, b);
	sip_build_hdrf(b, SIP_HDR_EVENT, "refer;id=%u", r->cseq);
	buf_add_str(b, STR("Expires: 0\r\n"));
}

void refer_stop(struct refer *r)
{
	struct request_config c;

	if (r->over || r->stopping)
		return;
	if (r->received && r->accepted && !r->silent) {
		refer_end_subscription(r, "noresource");
		return;
	}
	ev_timer_stop(endpoint_loop(), &r->timer);
	learn_cseq(r);
	r->stopping = true;
	request_free(r->request);
	r->request = NULL;
	c = refer_within(r, STR("SUBSCRIBE"));
	c.write = write_unsubscribe;
	c.on_event = on_unsubscribed;
	if (r->received || !r->accepted || !c.dialog->endpoint ||
		request_start(&c, &r->request, NULL) != 0)
		refer_finish(r, ENDPOINT_CLOSED);
}

unsigned refer_status(const struct refer *r)
{
	return r->status;
}

/* ---- the dialog that a REFER outside of a session makes, both roles ---- */

void refer_on_dialog(void *arg, struct dialog *d, struct transaction *t, struct sip_msg *m,
	struct net_flow *flow)
{
	struct refer *r = arg;
	bool event_fits = m->method == (r->received ? SIP_SUBSCRIBE : SIP_NOTIFY);
	struct sip_event event;

	(void)d;
	(void)flow;
	if (!t || m->method == SIP_BENOTIFY) /* AR-12 */
		transaction_free(t);
	else if (!event_fits)
		refer_refuse(t, m->method == SIP_BYE || m->method == SIP_NOTIFY ? 481 : 405);
	else if (!read_event(m, &event))
		refer_refuse(t, 489);
	else if (!is_mine(r, &event))
		refer_refuse(t, 481);
	else if (r->received)
		refer_answer_subscribe(r, t, m);
	else
		notified(r, t, m);
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
