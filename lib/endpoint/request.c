/* lib/endpoint/request.c -- the course of a request: locate, connect, send, wait. What its answers
 * mean is in request_retry.c, how it is written in request_build.c. RFC 3261 sections 8.1.2
 * and 8.1.3, RFC 3263 section 4.3 */
#include "endpoint/request.h"

#include "base/mem.h"
#include "base/text.h"
#include "endpoint/request_impl.h"
#include "sip/build.h"
#include "sip/param.h"

#include <string.h>

static void emit(struct request *r, const struct endpoint_event *ev)
{
	struct endpoint_event copy = *ev;

	copy.endpoint = r->endpoint;
	r->config.on_event(r->config.arg, &copy);
}

/* After a handler ran: false when it freed r. One may run inside of another, as who gives an INVITE
 * up in its handler is told of the CANCEL. */
static bool is_left(struct request *r, const bool *gone, bool *outer)
{
	if (!*gone)
		r->gone = outer;
	else if (outer)
		*outer = true;
	return !*gone;
}

bool request_tell(struct request *r, const struct endpoint_event *ev)
{
	bool gone = false, *outer = r->gone;

	r->gone = &gone;
	endpoint_emit(r->endpoint, ev);
	return is_left(r, &gone, outer);
}

bool request_tell_owner(struct request *r, const struct endpoint_event *ev)
{
	bool gone = false, *outer = r->gone;

	r->gone = &gone;
	emit(r, ev);
	return is_left(r, &gone, outer);
}

/* ---- the end ---- */

void request_release_place(struct request *r)
{
	if (!r->counted)
		return;
	r->counted = false;
	r->endpoint->outstanding--;
	request_unqueue(r->endpoint);
}

void request_drop_flow(struct request *r)
{
	transaction_free(r->tx);
	r->tx = NULL;
	flow_watch_stop(&r->watch);
	net_flow_unref(r->flow);
	r->flow = NULL;
}

static void fill_times(struct request *r)
{
	struct endpoint_times *t = &r->result.times;
	const struct net_flow_info *i = r->flow ? net_flow_info(r->flow) : NULL;

	t->total = (double)(net_now_us() - r->started_us) / 1000.0;
	if (i && i->transport != NET_UDP && i->connect_ms > 0)
		t->connect = i->connect_ms;
	if (i && i->tls)
		t->tls = i->tls_ms;
}

static void tell_later(struct request *r)
{
	list_del(&r->node);
	list_add(&r->endpoint->finished, &r->node);
	net_later(endpoint_loop(), &r->endpoint->finish_timer);
}

/* Tells the end from the loop, never from inside a call (R2). */
void request_finish(struct request *r, const struct fail *f)
{
	if (f)
		r->result.fail = *f;
	if (r->cancelled && r->result.fail.code && !r->final)
		fail_set(
			&r->result.fail, -FAIL_CANCELLED, "cancelled before a final response came");
	if (!r->result.cause)
		r->result.cause = "";
	if (r->resolved)
		r->result.counts.targets_known = (unsigned)r->resolve.count;
	fill_times(r);
	ticket_stop(&r->ticket);
	r->state = REQUEST_FINISHED;
	if (f || !request_is_invite(r)) { /* an INVITE with a 2xx waits for further ones */
		transaction_free(r->tx);
		r->tx = NULL;
	}
	flow_watch_stop(&r->watch);
	ev_timer_stop(endpoint_loop(), &r->timer);
	tell_later(r);
}

static void count_up(struct endpoint_counts *all, const struct endpoint_counts *more)
{
	all->sent += more->sent;
	all->received += more->received;
	all->retransmissions += more->retransmissions;
	all->redirects += more->redirects;
	all->retries += more->retries;
	all->targets_known += more->targets_known;
	all->targets_tried += more->targets_tried;
}

static void deliver_end(struct request *r)
{
	struct dispatch_text t;
	struct endpoint_msg description;
	struct endpoint_event ev = { .type = r->result.fail.code ? ENDPOINT_FAILED
								 : ENDPOINT_DONE };

	if (r->final && r->flow) {
		dispatch_describe_msg(r->final, r->flow, &t, &description);
		description.retransmissions = r->result.counts.retransmissions;
		description.rtt_ms = r->final_rtt_ms;
		r->result.response = &description;
	}
	request_release_place(r);
	if (!r->told)
		count_up(&r->endpoint->counts, &r->result.counts);
	r->told = true;
	ev.result = &r->result;
	emit(r, &ev); /* may free r */
}

/* ---- send and wait ---- */

bool request_describe(
	struct request *r, enum endpoint_event_type type, struct sip_msg *m, bool sent)
{
	struct dispatch_text t;
	struct endpoint_msg description;

	dispatch_describe_msg(m, r->flow, &t, &description);
	description.sent = sent;
	if (!sent) {
		r->final_rtt_ms = (double)(net_now_us() - r->first_sent_us) / 1000.0;
		description.rtt_ms = r->final_rtt_ms;
		description.retransmissions = r->tx ? transaction_retransmissions(r->tx) : 0;
	}
	if (!request_tell(r, &(struct endpoint_event){ .type = type, .msg = &description }))
		return false;
	return sent || !r->config.answers || m->status == 100 ||
	       request_tell_owner(r, &(struct endpoint_event){ .type = type, .msg = &description });
}

bool request_is_invite(const struct request *r)
{
	return str_eq(r->config.method, STR("INVITE"));
}

/* A 2xx to an INVITE comes again and again until its ACK arrives, and one may come from every
 * branch. */
static bool is_late(const struct request *r)
{
	return r->state == REQUEST_FINISHED;
}

static void on_response(struct request *r, struct sip_msg *m)
{
	if (is_late(r)) {
		request_describe(r, ENDPOINT_RESPONSE, m, false);
		return;
	}
	if (r->result.times.first_response < 0)
		r->result.times.first_response = (double)(net_now_us() - r->started_us) / 1000.0;
	r->result.counts.received++;
	resolve_dead_del(r->endpoint->manager->dead, r->current.transport, &r->current.addr);
	if (!request_describe(r, ENDPOINT_RESPONSE, m, false))
		return;
	if (m->status < 200) {
		r->after_ringing = r->after_ringing || (m->status >= 180 && m->status < 190);
		r->provisional = true;
		if (r->cancelled)
			request_cancel_now(r);
		return;
	}
	r->result.counts.retransmissions += transaction_retransmissions(r->tx);
	sip_msg_ref(m);
	if (m->status >= 300 || !request_is_invite(r)) {
		transaction_free(r->tx);
		r->tx = NULL;
	}
	request_final(r, m);
	sip_msg_unref(m);
}

static void on_transaction(void *arg, struct transaction *t, const struct transaction_event *ev)
{
	struct request *r = arg;
	struct fail f;

	switch (ev->type) {
	case TRANSACTION_RESPONSE:
		on_response(r, ev->msg);
		break;
	case TRANSACTION_TIMEOUT:
	case TRANSACTION_FAILED:
		if (is_late(r)) {
			transaction_free(t);
			r->tx = NULL;
			break;
		}
		f = *ev->fail;
		if (ev->type == TRANSACTION_TIMEOUT) {
			char text[NET_ADDR_TEXT];
			const struct net_flow_info *i = net_flow_info(r->flow);

			fail_set(&f, -FAIL_TIMEOUT, "no response from %s %s within %.3g s",
				net_addr_text(&i->remote, text), net_transport_name(i->transport),
				transaction_age_ms(t) / 1000.0);
			request_unanswered(r, &f);
		}
		r->result.counts.retransmissions += transaction_retransmissions(t);
		transaction_free(t);
		r->tx = NULL;
		request_attempt_failed(r, &f);
		break;
	case TRANSACTION_ENDED:
		transaction_free(t);
		r->tx = NULL;
		break;
	case TRANSACTION_ACK:
	case TRANSACTION_CANCEL:
		break;
	}
}

/* 18.1.1: within 200 bytes of the path MTU, or over 1,300 bytes when it is unknown, a request must
 * not go over UDP. Back to UDP if that is refused; with -t udp it stays there (ruling 3). */
static bool grow_to_tcp(struct request *r)
{
	const struct endpoint_config *c = &r->endpoint->config;

	if (r->config.custom && (r->config.custom->form || r->config.custom->is_raw))
		return false; /* its Via is written */
	if (r->wire.n <= 1300 || net_flow_info(r->flow)->transport != NET_UDP || r->grown ||
		c->udp_only || r->config.keep_flow)
		return false;
	r->grown = true;
	trace_note(r->endpoint->manager->config.trace,
		"%zu bytes are too many for UDP (RFC 3261 18.1.1): trying TCP", r->wire.n);
	r->current.transport = NET_TCP;
	return true;
}

/* The ACK for a 2xx has no transaction and no answer (13.2.2.4), a BENOTIFY none either ([MS-SIP]
 * 3.5). */
static bool is_unanswered(const struct request *r)
{
	return str_eq(r->config.method, STR("ACK")) || str_eq(r->config.method, STR("BENOTIFY"));
}

static void send_unanswered(struct request *r)
{
	struct fail f;
	struct sip_msg *m;
	int e;

	dispatch_sign(r->endpoint->manager, r->flow, &r->wire);
	e = dispatch_send_signed(r->endpoint->manager, r->flow, buf_str(&r->wire), false);
	if (e == 0)
		e = sip_msg_parse(buf_str(&r->wire), NULL, &m, &f);
	if (e != 0) {
		fail_set(&f, -FAIL_CONNECT, "cannot send the " STR_FMT ": %s",
			STR_ARG(r->config.method), fail_text(e));
		request_attempt_failed(r, &f);
		return;
	}
	r->result.counts.sent++;
	if (r->config.dialog)
		dialog_use_flow(r->config.dialog, r->flow, m);
	request_finish(r, NULL);
	request_describe(r, ENDPOINT_REQUEST, m, true);
	sip_msg_unref(m);
}

void request_send(struct request *r)
{
	struct endpoint *ep = r->endpoint;
	const struct transaction_config config = {
		.manager = ep->manager,
		.endpoint = ep,
		.flow = r->flow,
		.timeout_ms = r->config.timeout_ms,
		.fn = on_transaction,
		.arg = r,
	};
	struct fail f = { 0 };
	int e = request_build(r, r->flow, &f);

	if (e == 0 && grow_to_tcp(r)) {
		if (r->config.dialog && !r->config.ack_of)
			r->config.dialog->sip.local_cseq--;
		else if (r->config.cseq)
			--*r->config.cseq;
		else
			r->own_cseq--;
		request_try(r);
		return;
	}
	if (e != 0) {
		f.code = e;
		request_finish(r, &f);
		return;
	}
	if (request_is_bare(r)) {
		request_send_bare(r);
		return;
	}
	if (is_unanswered(r)) {
		send_unanswered(r);
		return;
	}
	/* Before it is sent, since the association that signs is found by the flow. A detour for
	 * one large request does not change the kept flow: the binding may be on it (SE-06). */
	if (!r->grown || r->current.transport != NET_TCP)
		ep->ops->use_flow(ep, r->config.flow_index, r->flow);
	/* before: the answer may be on its way when this process goes on */
	r->first_sent_us = net_now_us();
	e = transaction_send(&config, buf_str(&r->wire), &r->tx, &f);
	if (e != 0) {
		request_attempt_failed(r, &f);
		return;
	}
	r->state = REQUEST_WAITING;
	r->result.counts.sent++;
	if (r->config.dialog)
		dialog_use_flow(r->config.dialog, r->flow, transaction_msg(r->tx));
	request_describe(r, ENDPOINT_REQUEST, transaction_msg(r->tx), true);
}

/* ---- life ---- */

void request_begin(struct request *r)
{
	struct endpoint *ep = r->endpoint;
	struct net_flow *kept;
	struct fail f;

	if (ep->refuse && !str_eq(r->config.method, STR("REGISTER"))) {
		fail_set(&f, -FAIL_LOST, "the registration was lost and is not to be renewed");
		request_finish(r, &f);
		return;
	}
	if (request_first_ticket(r))
		return;
	r->hop = 0;
	kept = r->config.dialog ? dialog_flow(r->config.dialog)
				: ep->ops->flow(ep, r->config.flow_index);
	if (!kept) {
		if (r->config.keep_flow) {
			fail_set(&f, -FAIL_LOST, "the connection is gone");
			request_finish(r, &f);
			return;
		}
		request_locate(r);
		return;
	}
	request_drop_flow(r);
	r->flow = net_flow_ref(kept);
	r->current = (struct resolve_target){ .transport = net_flow_info(kept)->transport,
		.addr = net_flow_info(kept)->remote,
		.host = arena_str(&r->arena, net_flow_info(kept)->host) };
	request_watch(r);
	r->state = REQUEST_CONNECTING;
	if (net_flow_info(kept)->open)
		request_send(r);
}

/* SE-11: begins with the next turn of the loop, or waits in the queue. The place is taken here and
 * handed on in request_unqueue, so that the first to come is the first to go. */
void request_enter(struct request *r)
{
	struct endpoint *ep = r->endpoint;

	if (ep->config.max_outstanding > 0 && ep->outstanding >= ep->config.max_outstanding) {
		r->state = REQUEST_QUEUED;
		list_add(&ep->queue, &r->node);
		return;
	}
	ep->outstanding++;
	r->counted = true;
	r->state = REQUEST_IDLE;
	list_add(&ep->starting, &r->node);
	net_later(endpoint_loop(), &ep->start_timer);
}

/* One for each call, so that what its handlers free does not matter. A timer of each request would
 * not do: libev delivers the event that was fed last first. NULL: there is none. */
static struct request *take_first(struct list *l, struct ev_loop *loop, ev_timer *w)
{
	struct list *node = list_first(l);

	ev_timer_stop(loop, w);
	if (!node)
		return NULL;
	list_del(node);
	if (!list_empty(l))
		net_later(loop, w);
	return CONTAINER_OF(node, struct request, node);
}

void request_on_start(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct endpoint *ep = CONTAINER_OF(w, struct endpoint, start_timer);
	struct request *r = take_first(&ep->starting, loop, w);

	(void)revents;
	if (!r)
		return;
	auth_exchange_next(r->exchange);
	request_begin(r);
}

void request_on_finish(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct endpoint *ep = CONTAINER_OF(w, struct endpoint, finish_timer);
	struct request *r = take_first(&ep->finished, loop, w);

	(void)revents;
	if (r)
		deliver_end(r);
}

void request_unqueue(struct endpoint *ep)
{
	struct list *node = list_first(&ep->queue);

	if (!node)
		return;
	list_del(node);
	request_enter(CONTAINER_OF(node, struct request, node));
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct request *r = CONTAINER_OF(w, struct request, timer);

	(void)revents;
	ev_timer_stop(loop, w);
	switch (r->state) {
	case REQUEST_PAUSED:
		auth_exchange_next(r->exchange);
		request_begin(r);
		break;
	case REQUEST_WAITING:
		if (r->is_bare) {
			request_bare_timeout(r);
			break;
		}
		/* 9.1: no final response came within 64*T1 after the CANCEL */
		request_finish(r, &(struct fail){ .code = -FAIL_CANCELLED });
		break;
	default:
		break;
	}
}

void request_pause(struct request *r, uint64_t ms, const char *because, struct str detail)
{
	const struct endpoint_retry retry = {
		.attempt = ++r->attempt,
		.of = r->config.retry.count ? r->config.retry.count + 1 : 0,
		.because = because,
		.detail = detail,
		.wait_ms = (double)ms,
	};

	request_drop_flow(r);
	r->state = REQUEST_PAUSED;
	r->result.counts.retries++;
	net_timer_set(endpoint_loop(), &r->timer, net_now_ms() + ms);
	emit(r, &(struct endpoint_event){ .type = ENDPOINT_RETRY, .retry = &retry });
}

static void keep_headers(struct request *r)
{
	struct endpoint_header *copy =
		arena_alloc(&r->arena, (r->config.header_count + 1) * sizeof(*copy));

	for (unsigned i = 0; i < r->config.header_count; i++) {
		copy[i] = r->config.headers[i];
		copy[i].name = arena_str(&r->arena, copy[i].name);
		copy[i].value = arena_str(&r->arena, copy[i].value);
	}
	r->config.headers = copy;
}

static bool is_media_type(struct str text)
{
	struct scan s = scan_str(text);

	return scan_run(&s, CH_TOKEN, NULL) && scan_sep(&s, '/') && scan_run(&s, CH_TOKEN, NULL) &&
	       sip_params_scan(&s, NULL) && scan_end(&s);
}

/* word [ "@" word ] */
static bool is_call_id(struct str text)
{
	struct scan s = scan_str(text);

	return scan_run(&s, CH_WORD, NULL) &&
	       (!scan_char(&s, '@') || scan_run(&s, CH_WORD, NULL)) && scan_end(&s);
}

static int check(const struct request_config *c, struct fail *f)
{
	struct sip_uri uri;
	struct sip_nameaddr to;
	const struct {
		const char *what;
		struct str text;
		bool optional, fits;
	} all[] = {
		{ "a method", c->method, false, endpoint_check_token(c->method) },
		{ "a URI", c->target, c->dialog != NULL, sip_uri_parse(c->target, &uri) },
		{ "an address", c->to, true, c->to.n && sip_nameaddr_parse(c->to, &to) },
		{ "a URI", c->from, true, c->from.n && sip_uri_parse(c->from, &uri) },
		{ "a media type", c->type, true, is_media_type(c->type) },
		{ "a Call-ID", c->call_id, true, is_call_id(c->call_id) },
		{ "a tag", c->from_tag, true, endpoint_check_token(c->from_tag) },
	};

	for (unsigned i = 0; i < ARRAY_LEN(all); i++)
		if (!all[i].fits && (all[i].text.n > 0 || !all[i].optional))
			return fail_set(f, -FAIL_ARGUMENT, "\"" STR_FMT "\" is not %s",
				STR_ARG(all[i].text), all[i].what);
	return endpoint_check_headers(c->headers, c->header_count, c->custom != NULL, f);
}

int request_start(const struct request_config *config, struct request **out, struct fail *f)
{
	struct request *r;
	int e = check(config, f);

	if (e != 0)
		return e;
	if (config->endpoint->stopped || !config->endpoint->manager) /* CM-19 */
		return fail_set(f, -FAIL_STATE, "the endpoint is closed");
	r = MEM_NEW(struct request);
	list_init(&r->node);
	list_init(&r->all);
	r->config = *config;
	r->endpoint = config->endpoint;
	list_add(&r->endpoint->requests, &r->all);
	r->config.method = arena_str(&r->arena, config->method);
	r->config.target = arena_str(&r->arena, config->target);
	r->config.to = arena_str(&r->arena, config->to);
	r->config.from = arena_str(&r->arena, config->from);
	r->config.body = arena_str(&r->arena, config->body);
	r->config.type = arena_str(&r->arena, config->type);
	if (config->ack_of) /* kept by its owner until it is sent */
		r->config.ack_of = sip_msg_ref((struct sip_msg *)(uintptr_t)config->ack_of);
	r->config.call_id = arena_str(&r->arena, config->call_id);
	r->config.from_tag = arena_str(&r->arena, config->from_tag);
	keep_headers(r);
	r->target = config->dialog ? arena_str(&r->arena, config->dialog->sip.remote_target)
				   : r->config.target;
	r->exchange = config->exchange ? config->exchange : &r->own_exchange;
	r->expires = config->expires;
	text_token(r->call_id, 32);
	text_token(r->from_tag, 16);
	buf_init(&r->wire, 1 << 20);
	r->attempt = 1;
	r->started_ms = net_now_ms();
	r->started_us = net_now_us();
	r->result.times = (struct endpoint_times){ -1, -1, -1, -1, -1 };
	ev_init(&r->timer, on_timer);
	request_enter(r);
	*out = r;
	return 0;
}

/* Nothing of it runs any more, not even who called the handler that this happens in. */
static void abandon(struct request *r)
{
	if (r->gone)
		*r->gone = true;
	r->gone = NULL;
	ev_timer_stop(endpoint_loop(), &r->timer);
	list_del(&r->node);
	list_del(&r->all);
	ticket_stop(&r->ticket);
	resolve_done(&r->resolve);
	request_drop_flow(r);
}

void request_abandon_all(struct endpoint *ep)
{
	LIST_EACH (it, &ep->requests)
		abandon(CONTAINER_OF(it, struct request, all));
}

void request_free(struct request *r)
{
	if (!r)
		return;
	abandon(r);
	request_release_place(r);
	sip_msg_unref(r->final);
	sip_msg_unref(r->bare);
	sip_msg_unref((struct sip_msg *)(uintptr_t)r->config.ack_of);
	auth_exchange_done(&r->own_exchange);
	buf_wipe(&r->wire);
	arena_done(&r->arena);
	mem_free(r);
}

void request_tell_again(struct request *r)
{
	if (r->told)
		tell_later(r);
}

static struct request *finished_within(const struct endpoint *ep, const struct dialog *d)
{
	LIST_EACH (it, &ep->finished) {
		struct request *r = CONTAINER_OF(it, struct request, node);

		if (r->config.dialog == d)
			return r;
	}
	return NULL;
}

void request_tell_within(struct endpoint *ep, const struct dialog *d, const bool *gone)
{
	for (struct request *r; !*gone && (r = finished_within(ep, d)) != NULL;) {
		list_del(&r->node);
		deliver_end(r);
	}
}

const struct endpoint_result *request_figures(struct request *r)
{
	fill_times(r);
	return &r->result;
}

struct net_flow *request_flow(const struct request *r)
{
	return r->flow;
}

const struct sip_msg *request_msg(const struct request *r)
{
	return r->tx ? transaction_msg(r->tx) : r->bare;
}

struct str request_call_id(const struct request *r)
{
	return r->config.call_id.n ? r->config.call_id : str_of(r->call_id);
}

struct str request_from_tag(const struct request *r)
{
	return r->config.from_tag.n ? r->config.from_tag : str_of(r->from_tag);
}

uint32_t request_expires(const struct request *r)
{
	return r->expires;
}

int request_dump(struct request *r, struct buf *out, struct fail *f)
{
	int e;

	if (r->endpoint->config.transport >= 0)
		r->current.transport = (enum net_transport)r->endpoint->config.transport;
	else if (r->endpoint->config.dialect == ENDPOINT_OCS)
		r->current.transport = NET_TLS;
	r->current.host = r->endpoint->host;
	e = request_build(r, NULL, f);
	if (e == 0)
		buf_add_str(out, buf_str(&r->wire));
	return e;
}

int request_dry_run(const struct request_config *config, struct buf *out, struct fail *f)
{
	struct request *r;
	int e = request_start(config, &r, f);

	if (e != 0)
		return e;
	e = request_dump(r, out, f);
	request_free(r);
	return e;
}
