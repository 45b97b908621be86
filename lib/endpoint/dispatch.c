/* lib/endpoint/dispatch.c -- wire -> transaction -> owner, and what every flow needs: framing,
 * keep-alive answers, news for who waits. RFC 3261 sections 18 and 17.2.3, RFC 5626 section 3.5.1
 */
#include "endpoint/dispatch.h"

#include "base/mem.h"
#include "endpoint/dialog.h"
#include "endpoint/impl.h"
#include "sip/build.h"
#include "sip/diagnostics.h"

#include <string.h>

static void forget(struct net_manager *net, struct endpoint *ep)
{
	struct net_flow *flow = NULL;

	while ((flow = net_manager_next(net, flow)) != NULL) {
		struct flow_state *s = net_flow_user(flow);

		if (s && s->reporter == ep)
			s->reporter = NULL;
	}
}

void dispatch_forget_endpoint(struct endpoint *ep)
{
	if (ep->manager)
		forget(ep->manager->net, ep);
}

/* ---- descriptions ---- */

void endpoint_hop_of(const struct net_addr *addr, enum net_transport t, char text[NET_ADDR_TEXT],
	struct endpoint_hop *out)
{
	*out = (struct endpoint_hop){
		.transport = net_transport_name(t),
		.address = str_of(net_addr_host(addr, text)),
		.port = net_addr_port(addr),
	};
}

void dispatch_describe_flow(const struct net_flow *flow, struct dispatch_text *t,
	struct endpoint_tls *tls, struct endpoint_flow *out)
{
	const struct net_flow_info *i = net_flow_info(flow);

	*out = (struct endpoint_flow){
		.incoming = i->incoming,
		.connect_ms = i->connect_ms,
		.tls_ms = i->tls_ms,
	};
	endpoint_hop_of(&i->local, i->transport, t->local, &out->local);
	endpoint_hop_of(&i->remote, i->transport, t->remote, &out->remote);
	if (!i->tls)
		return;
	*tls = (struct endpoint_tls){
		.version = i->tls->version,
		.cipher = i->tls->cipher,
		.server_name = i->tls->server_name,
		.identity = i->tls->identity,
		.not_after = i->tls->not_after,
		.spki_sha256 = i->tls->spki_sha256,
		.verified = i->tls->verified,
		.resumed = i->tls->resumed,
	};
	out->tls = tls;
}

static void describe_address(const struct sip_nameaddr *a, struct endpoint_address *out)
{
	out->display_name = a->display;
	out->uri = a->uri.text;
	if (!sip_nameaddr_tag(a, &out->tag))
		out->tag = STR_EMPTY;
}

/* The private form is for peers within the enterprise, and says more. */
static void describe_diagnostics(const struct sip_msg *m, struct endpoint_msg *out)
{
	struct sip_diagnostics d;

	out->ms_diagnostics = sip_msg_value(m, SIP_HDR_MS_DIAGNOSTICS);
	if (out->ms_diagnostics.n == 0)
		out->ms_diagnostics = sip_msg_value(m, SIP_HDR_MS_DIAGNOSTICS_PUBLIC);
	if (!sip_diagnostics_parse(out->ms_diagnostics, &d))
		return;
	out->ms_diagnostics_id = d.id;
	out->ms_diagnostics_reason = d.reason;
}

void dispatch_describe_msg(const struct sip_msg *m, const struct net_flow *flow,
	struct dispatch_text *t, struct endpoint_msg *out)
{
	const struct net_flow_info *i = flow ? net_flow_info(flow) : NULL;
	struct sip_nameaddr a;
	struct sip_cseq cseq = { 0 };
	struct sip_via via;

	*out = (struct endpoint_msg){
		.request_uri = m->request_uri,
		.status_code = m->request ? 0 : m->status,
		.reason_phrase = m->reason,
		.call_id = sip_msg_call_id(m),
		.bytes = m->wire.n,
		.rtt_ms = -1,
		.server = sip_msg_value(m, SIP_HDR_SERVER),
		.warning = sip_msg_value(m, SIP_HDR_WARNING),
		.reason = sip_msg_value(m, SIP_HDR_REASON),
		.content_type = sip_msg_value(m, SIP_HDR_CONTENT_TYPE),
		.body = m->body,
		.wire = m->wire,
		.msg = m,
	};
	describe_diagnostics(m, out);
	if (sip_msg_cseq(m, &cseq))
		out->cseq = cseq.number;
	out->method = m->request ? m->method_name : cseq.name;
	if (sip_msg_via(m, &via))
		out->branch = via.branch;
	if (sip_msg_from(m, &a))
		describe_address(&a, &out->from);
	if (sip_msg_to(m, &a))
		describe_address(&a, &out->to);
	out->has_retry_after = sip_msg_seconds(m, SIP_HDR_RETRY_AFTER, &out->retry_after);
	if (!i)
		return;
	endpoint_hop_of(&i->local, i->transport, t->local, &out->local);
	endpoint_hop_of(&i->remote, i->transport, t->remote, &out->remote);
}

bool endpoint_describe(struct str wire, endpoint_event_fn *fn, void *arg)
{
	const struct sip_limits limits = { .message = 16 << 20 }; /* it is ours */
	struct endpoint_event ev = { .msg = NULL };
	struct endpoint_msg description;
	struct sip_msg *m;

	if (sip_msg_parse(wire, &limits, &m, NULL) != 0)
		return false;
	dispatch_describe_msg(m, NULL, NULL, &description);
	description.sent = true;
	ev.type = m->request ? ENDPOINT_REQUEST : ENDPOINT_RESPONSE;
	ev.msg = &description;
	fn(arg, &ev);
	sip_msg_unref(m);
	return true;
}

bool endpoint_msg_field(
	const struct endpoint_msg *m, unsigned index, struct str *name, struct str *value)
{
	const struct sip_hdr *h;

	if (!m->msg || index >= m->msg->hdr_count)
		return false;
	h = &m->msg->hdrs[index];
	*name = sip_hdr_name(h->id);
	if (name->n == 0)
		*name = h->name;
	*value = h->value;
	return true;
}

bool endpoint_msg_header(
	const struct endpoint_msg *m, struct str name, unsigned index, struct str *value)
{
	const struct sip_hdr *h = m->msg ? sip_msg_hdr_named(m->msg, name) : NULL;

	for (unsigned i = 0; h; i++) {
		if (i == index) {
			*value = h->value;
			return true;
		}
		do {
			h++;
		} while (h < m->msg->hdrs + m->msg->hdr_count && !str_ieq(h->name, name));
		if (h >= m->msg->hdrs + m->msg->hdr_count)
			h = NULL;
	}
	return false;
}

/* ---- sending ---- */

static void trace_bytes(struct endpoint_manager *m, enum trace_kind kind, struct net_flow *flow,
	struct str bytes, bool unexpected)
{
	const struct net_flow_info *i = net_flow_info(flow);
	char local[NET_ADDR_TEXT], remote[NET_ADDR_TEXT];

	if (!trace_on(m->config.trace, kind))
		return;
	trace_emit(m->config.trace, &(struct trace_event){
					    .kind = kind,
					    .bytes = bytes,
					    .local = str_of(net_addr_text(&i->local, local)),
					    .remote = str_of(net_addr_text(&i->remote, remote)),
					    .transport = net_transport_name(i->transport),
					    .unexpected = unexpected,
				    });
}

static bool sign(
	struct endpoint_manager *m, struct net_flow *flow, struct str wire, struct buf *out)
{
	return m->security && m->security->sign(m->security_arg, flow, wire, out) && out->fail == 0;
}

void dispatch_sign(struct endpoint_manager *m, struct net_flow *flow, struct buf *b)
{
	struct buf out = BUF_INIT(b->limit);

	if (sign(m, flow, buf_str(b), &out)) {
		buf_done(b);
		*b = out;
	} else {
		buf_done(&out);
	}
}

int dispatch_send(
	struct endpoint_manager *m, struct net_flow *flow, struct str wire, bool retransmission)
{
	struct buf out = BUF_INIT(1 << 20);
	bool is_signed = sign(m, flow, wire, &out);
	int e = dispatch_send_signed(m, flow, is_signed ? buf_str(&out) : wire, retransmission);

	buf_done(&out);
	return e;
}

int dispatch_send_signed(
	struct endpoint_manager *m, struct net_flow *flow, struct str wire, bool retransmission)
{
	trace_bytes(m, TRACE_MSG_OUT, flow, wire, retransmission);
	if (retransmission)
		m->counts.retransmissions++;
	else
		m->counts.sent++;
	if (m->on_send && m->on_send(m->on_send_arg, flow, wire))
		return 0;
	return net_flow_send(flow, wire);
}

void dispatch_advertised(const struct endpoint_manager *m, struct buf *host, uint16_t *port)
{
	struct str text = m->config.advertise, after;
	size_t close = str_find(text, ']');
	uint32_t n;

	if (text.n > 0 && text.p[0] == '[' && close < text.n) {
		buf_add_str(host, str_sub(text, 1, close));
		after = str_sub(text, close + 1, text.n);
		if (after.n > 1 && str_u32(str_sub(after, 1, after.n), &n))
			*port = (uint16_t)n;
		return;
	}
	if (str_cut(text, ':', &text, &after) && str_u32(after, &n))
		*port = (uint16_t)n;
	buf_add_str(host, text);
}

void dispatch_sent_by(
	struct endpoint_manager *m, const struct net_flow *flow, struct buf *host, uint16_t *port)
{
	const struct net_flow_info *i = net_flow_info(flow);
	char local[NET_ADDR_TEXT];
	enum net_transport t;
	struct net_addr bound;

	*port = net_addr_port(&i->local);
	for (unsigned k = 0; net_manager_listener(m->net, k, &t, &bound); k++)
		if (t == i->transport && net_addr_is_ipv6(&bound) == net_addr_is_ipv6(&i->local)) {
			/* A peer that answers over a new connection must find our listener
			 * (18.2.2). */
			*port = net_addr_port(&bound);
			break;
		}
	if (m->config.advertise.n > 0)
		dispatch_advertised(m, host, port);
	else
		buf_add_str(host, str_of(net_addr_host(&i->local, local)));
}

/* A response that needs no transaction: to a request that cannot be understood (8.2.7). */
static void answer_stateless(struct endpoint_manager *m, struct net_flow *flow, struct sip_msg *msg,
	unsigned status, struct str reason)
{
	struct buf b = BUF_INIT(1 << 16);
	char text[NET_ADDR_TEXT];
	struct sip_response r = transaction_response(msg, flow, text);
	struct net_flow *back;

	r.status = status;
	r.reason = reason;
	r.to_tag = STR(
		"stateless"); /* 8.2.7: the same tag for the same request, without keeping state */
	sip_build_response(&b, msg, &r);
	sip_build_end(&b, STR_EMPTY, STR_EMPTY);
	if (b.fail == 0) {
		back = transaction_response_flow(m, msg, flow);
		dispatch_send(m, back, buf_str(&b), false);
		net_flow_unref(back);
	}
	buf_done(&b);
}

/* ---- messages ---- */

/* A message that nobody takes; f: because it is none, or malformed. */
static void tell_stray(
	struct endpoint_manager *m, struct net_flow *flow, struct str bytes, const struct fail *f)
{
	flow_state_tell(flow_state_of(m, flow), FLOW_STRAY,
		&(struct net_event){
			.type = NET_RECEIVED, .flow = flow, .bytes = bytes, .fail = f });
}

static void got_response(struct endpoint_manager *m, struct sip_msg *msg, struct net_flow *flow)
{
	struct transaction *t = transaction_find_client(m, msg);

	trace_bytes(m, TRACE_MSG_IN, flow, msg->wire, !t);
	if (!t) {
		trace_note(m->config.trace, "a response that belongs to no request of ours");
		tell_stray(m, flow, msg->wire, NULL);
		return;
	}
	transaction_got_response(t, msg);
}

const struct sip_msg *dispatch_known(
	struct endpoint_manager *m, const struct sip_msg *msg, bool as_invite)
{
	struct transaction *t = transaction_find_server(m, msg, as_invite);

	return t ? transaction_msg(t) : NULL;
}

/* 9.1: "The ... Call-ID, To, the numeric part of CSeq, and From header fields in the CANCEL request
 * MUST be identical to those in the request being cancelled". Who knows the branch alone (every
 * Via of a response shows it) cancels nothing. */
static bool cancels(const struct sip_msg *cancel, const struct sip_msg *invite)
{
	struct sip_cseq a, b;

	return sip_msg_cseq(cancel, &a) && sip_msg_cseq(invite, &b) && a.number == b.number &&
	       str_eq(sip_msg_call_id(cancel), sip_msg_call_id(invite)) &&
	       str_eq(sip_msg_from_tag(cancel), sip_msg_from_tag(invite));
}

static void got_request(struct endpoint_manager *m, struct sip_msg *msg, struct net_flow *flow)
{
	struct transaction *t = transaction_find_server(m, msg, msg->method == SIP_ACK);
	const bool *gone = m->gone;

	trace_bytes(m, TRACE_MSG_IN, flow, msg->wire, t && msg->method != SIP_ACK);
	if (t) {
		transaction_got_request(t, msg, msg->method == SIP_ACK);
		return;
	}
	if (msg->method == SIP_CANCEL && (t = transaction_find_server(m, msg, true)) != NULL &&
		cancels(msg, transaction_msg(t))) {
		/* 9.2: the CANCEL is a transaction of its own, answered 200 whatever becomes of the
		 * INVITE. */
		struct transaction *cancel = transaction_accept(m, msg, flow);

		if (cancel) /* 9.2: the To tag of both answers "SHOULD be the same" */
			dialog_reply(cancel, &(struct dialog_response){ .status = 200,
						     .local_tag = transaction_tag(t) });
		endpoint_cancelled(m, transaction_msg(t), msg, flow);
		if (gone && *gone)
			return;
		t = transaction_find_server(m, msg, true); /* the handler may have ended it */
		if (t)
			transaction_got_cancel(t, msg);
		return;
	}
	if (msg->method != SIP_ACK && !(t = transaction_accept(m, msg, flow))) {
		trace_note(m->config.trace, "too many requests at a time: one was dropped");
		return;
	}
	if (m->on_request && m->on_request(m->on_request_arg, t, msg, flow))
		return;
	endpoint_incoming(m, t, msg, flow);
}

static void got_message(struct endpoint_manager *m, struct str bytes, struct net_flow *flow)
{
	bool datagram = net_flow_info(flow)->transport == NET_UDP;
	struct sip_msg *msg;
	struct fail f;
	unsigned status = 400;
	enum sip_verdict verdict;

	m->counts.received++;
	if (sip_msg_parse(bytes, &m->config.limits, &msg, &f) != 0) {
		trace_bytes(m, TRACE_MSG_IN, flow, bytes, true);
		trace_note(m->config.trace, "dropped: %s", f.text);
		tell_stray(m, flow, bytes, &f);
		return;
	}
	verdict = sip_msg_check(msg, datagram, &status, &f);
	if (verdict == SIP_ACCEPT && m->security &&
		!m->security->verify(m->security_arg, flow, msg)) {
		trace_bytes(m, TRACE_MSG_IN, flow, bytes, true);
	} else if (verdict == SIP_ACCEPT) {
		net_flow_valid(flow);
		if (msg->request)
			got_request(m, msg, flow);
		else
			got_response(m, msg, flow);
	} else {
		trace_bytes(m, TRACE_MSG_IN, flow, bytes, true);
		trace_note(m->config.trace, "%s: %s", verdict == SIP_REJECT ? "refused" : "dropped",
			f.text);
		if (verdict == SIP_REJECT && msg->method != SIP_BENOTIFY) /* AR-12 */
			answer_stateless(m, flow, msg, status, str_of(f.text));
		tell_stray(m, flow, bytes, &f);
	}
	sip_msg_unref(msg);
}

/* Keep-alives of RFC 5626 4.4 on UDP: CRLFs are for NAT boxes only; STUN is answered to who asked.
 */
static bool got_keepalive(struct endpoint_manager *m, struct str bytes, struct net_flow *flow)
{
	static const unsigned char cookie[] = { 0x21, 0x12, 0xa4, 0x42 };

	if (str_trim(bytes).n == 0)
		return true;
	if (bytes.n < 20 || (bytes.p[0] != 0 && bytes.p[0] != 1) ||
		memcmp(bytes.p + 4, cookie, sizeof(cookie)) != 0)
		return false;
	if (net_flow_info(flow)->incoming)
		keepalive_answer(flow, bytes);
	flow_state_tell(flow_state_of(m, flow), FLOW_PONG,
		&(struct net_event){ .type = NET_RECEIVED, .flow = flow, .bytes = bytes });
	return true;
}

/* Who waits on the flow hears that the peer is to blame, not that we closed it. */
static void break_framing(struct flow_state *s, struct net_flow *flow, const struct fail *f)
{
	const struct net_flow_info *i = net_flow_info(flow);
	char text[NET_ADDR_TEXT];

	fail_set(&s->broken, -FAIL_PROTOCOL, "%s %s: %.120s", net_addr_text(&i->remote, text),
		net_transport_name(i->transport), f->text);
}

static void got_stream(struct endpoint_manager *m, struct str bytes, struct net_flow *flow)
{
	struct flow_state *s = flow_state_of(m, flow);
	const struct net_event pong = { .type = NET_RECEIVED, .flow = flow };
	struct str message;
	struct fail f;

	sip_frame_feed(&s->frame, bytes);
	for (;;) {
		switch (sip_frame_next(&s->frame, &message, &f)) {
		case SIP_FRAME_MORE:
			return;
		case SIP_FRAME_MESSAGE:
			got_message(m, message, flow);
			break;
		case SIP_FRAME_PING: /* no message: CM-17's deadline stays */
			net_flow_send(flow, STR("\r\n"));
			break;
		case SIP_FRAME_PONG:
			flow_state_tell(s, FLOW_PONG, &pong);
			break;
		case SIP_FRAME_ERROR:
			trace_note(m->config.trace, "closing the connection: %s", f.text);
			break_framing(s, flow, &f);
			net_flow_close(flow);
			tell_stray(m, flow, bytes, &f);
			return;
		}
		if (net_flow_info(flow)->closed || net_flow_user(flow) != s)
			return;
	}
}

/* ---- the life of flows ---- */

/* Incoming connections are told to the first endpoint; the ones we make to the endpoint that asked.
 */
static struct endpoint *reporter_of(struct endpoint_manager *m, struct flow_state *s, bool incoming)
{
	if (incoming && !s->reporter && !list_empty(&m->endpoints))
		s->reporter = CONTAINER_OF(list_first(&m->endpoints), struct endpoint, node);
	return s->reporter;
}

static void announce_open(struct endpoint_manager *m, struct net_flow *flow)
{
	struct flow_state *s = flow_state_of(m, flow);
	const struct net_flow_info *i = net_flow_info(flow);
	struct endpoint *ep = reporter_of(m, s, i->incoming);
	struct dispatch_text t;
	struct endpoint_tls tls;
	struct endpoint_flow description;

	if (!ep || s->announced || i->transport == NET_UDP)
		return;
	s->announced = true;
	dispatch_describe_flow(flow, &t, &tls, &description);
	endpoint_emit(
		ep, &(struct endpoint_event){ .type = ENDPOINT_CONNECTED, .flow = &description });
}

/* What the loss of a kept flow means is its registration's decision; it is asked before anybody
 * else hears. */
static const char *loss_action(
	struct endpoint *ep, struct net_flow *flow, const struct net_event *ev)
{
	for (unsigned i = 0; i < ENDPOINT_FLOWS; i++) {
		if (ep->kept[i].flow != flow)
			continue;
		flow_watch_stop(&ep->kept[i].watch);
		ep->kept[i].flow = NULL;
		net_flow_unref(flow);
		return ep->registration ? registration_flow_lost(ep->registration, i, ev) : "none";
	}
	return "none";
}

static bool is_listening(const struct endpoint_manager *m)
{
	enum net_transport t;
	struct net_addr bound;

	return net_manager_listener(m->net, 0, &t, &bound);
}

static void announce_close(
	struct endpoint_manager *m, struct net_flow *flow, const struct net_event *ev)
{
	struct flow_state *s = net_flow_user(flow);
	struct endpoint *ep = s ? s->reporter : NULL;
	struct dispatch_text t;
	struct endpoint_tls tls;
	struct endpoint_flow description;
	const char *action = "none";

	LIST_EACH (it, &m->endpoints) {
		struct endpoint *of = CONTAINER_OF(it, struct endpoint, node);
		const char *a = loss_action(of, flow, ev);

		if (strcmp(a, "none") != 0)
			action = a;
		else if (!is_listening(m)) /* else the notifier can connect to us (RG-13) */
			subscription_flow_lost(of, flow);
	}
	if (!ep || !s->announced)
		return;
	dispatch_describe_flow(flow, &t, &tls, &description);
	description.cause = net_cause_name(ev->cause);
	description.action = action;
	description.detail = ev->fail ? str_of(ev->fail->text) : STR_EMPTY;
	endpoint_emit(ep,
		&(struct endpoint_event){ .type = ENDPOINT_DISCONNECTED, .flow = &description });
}

/* CM-11, CM-13: what happens to listeners and to peers that never became a connection is the first
 * endpoint's to hear. */
static void report_listener(struct endpoint_manager *m, const struct net_event *ev)
{
	bool lost = ev->type == NET_LISTEN_LOST;
	char local[NET_ADDR_TEXT], remote[NET_ADDR_TEXT];
	struct endpoint_flow description = {
		.incoming = !lost,
		.cause = lost ? "error" : net_cause_name(ev->cause),
		.action = "none",
		.detail = ev->fail ? str_of(ev->fail->text) : STR_EMPTY,
	};

	trace_note(m->config.trace, "%s: %s",
		lost ? "a listener failed" : "an incoming TLS handshake failed",
		ev->fail ? ev->fail->text : "");
	if (list_empty(&m->endpoints))
		return;
	if (ev->local)
		endpoint_hop_of(ev->local, lost ? NET_TCP : NET_TLS, local, &description.local);
	if (!lost && ev->remote)
		endpoint_hop_of(ev->remote, NET_TLS, remote, &description.remote);
	endpoint_emit(CONTAINER_OF(list_first(&m->endpoints), struct endpoint, node),
		&(struct endpoint_event){
			.type = lost ? ENDPOINT_LISTENER_LOST : ENDPOINT_DISCONNECTED,
			.flow = &description });
}

void dispatch_flow_event(void *arg, const struct net_event *ev)
{
	struct endpoint_manager *m = arg;
	struct net_flow *flow = ev->flow;
	struct net_event closed;
	struct flow_state *s;
	bool gone = false; /* a handler may free the manager */

	if (!flow) {
		report_listener(m, ev);
		return;
	}
	m->gone = &gone;
	net_flow_ref(flow); /* handlers may drop every other ref */
	switch (ev->type) {
	case NET_OPENED:
		announce_open(m, flow);
		if (!gone)
			flow_state_tell(flow_state_of(m, flow), FLOW_OPENED, ev);
		break;
	case NET_RECEIVED:
		if (net_flow_info(flow)->transport != NET_UDP)
			got_stream(m, ev->bytes, flow);
		else if (!got_keepalive(m, ev->bytes, flow))
			got_message(m, ev->bytes, flow);
		break;
	case NET_UNREACHABLE:
		flow_state_tell(flow_state_of(m, flow), FLOW_UNREACHABLE, ev);
		break;
	case NET_CLOSED:
		s = net_flow_user(flow);
		closed = *ev;
		if (s && s->broken.code) {
			closed.cause = NET_CAUSE_ERROR;
			closed.fail = &s->broken;
		}
		announce_close(m, flow, &closed);
		if (!gone && s)
			flow_state_tell(s, FLOW_CLOSED, &closed);
		break;
	case NET_LISTEN_LOST:
	case NET_TLS_FAILED:
		break;
	}
	if (!gone)
		m->gone = NULL;
	if (!gone && m->on_flow)
		m->on_flow(m->on_flow_arg, ev);
	if (ev->type == NET_CLOSED)
		flow_state_free(flow);
	net_flow_unref(flow);
}
