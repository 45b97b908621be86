/* lib/endpoint/request_bare.c -- bytes that no transaction can carry: they are sent once, as they
 * are, and whatever comes back over their flow is told. A final response, of whatever request, is
 * the result. */
#include "endpoint/request_impl.h"

#include "sip/build.h"

#include <string.h>

/* RFC 3261 17.1.3 finds a transaction by the branch and the method of CSeq: without these nothing
 * that comes back can be told to be the answer. */
static bool can_transact(const struct sip_msg *m)
{
	struct sip_via via;
	struct sip_cseq cseq;

	return m->request && !m->cut && sip_msg_via(m, &via) && via.branch.n > 0 &&
	       sip_msg_cseq(m, &cseq) && str_eq(cseq.name, m->method_name) &&
	       sip_msg_hdr(m, SIP_HDR_FROM) && sip_msg_hdr(m, SIP_HDR_TO) &&
	       sip_msg_call_id(m).n > 0;
}

bool request_is_bare(const struct request *r)
{
	const struct request_custom *custom = r->config.custom;
	struct sip_msg *m;
	bool bare;

	if (!custom || custom->is_raw)
		return custom != NULL;
	if (sip_msg_parse(buf_str(&r->wire), &r->endpoint->manager->config.limits, &m, NULL) != 0)
		return true;
	bare = !can_transact(m);
	sip_msg_unref(m);
	return bare;
}

static bool tell_malformed(struct request *r, struct str wire, bool sent, const struct fail *why)
{
	const struct net_flow_info *i = net_flow_info(r->flow);
	char local[NET_ADDR_TEXT], remote[NET_ADDR_TEXT];
	struct endpoint_malformed m = { .sent = sent, .wire = wire, .why = fail_show(why) };

	endpoint_hop_of(&i->local, i->transport, local, &m.local);
	endpoint_hop_of(&i->remote, i->transport, remote, &m.remote);
	return request_tell(
		r, &(struct endpoint_event){ .type = ENDPOINT_MALFORMED, .malformed = &m });
}

static uint64_t patience(const struct request *r)
{
	uint32_t t1 = r->endpoint->manager->config.timers.t1;

	return r->config.timeout_ms ? r->config.timeout_ms : 64 * (uint64_t)(t1 ? t1 : 500);
}

void request_send_bare(struct request *r)
{
	struct endpoint *ep = r->endpoint;
	struct str wire = buf_str(&r->wire);
	struct fail f = { 0 };
	int e;

	r->first_sent_us = net_now_us();
	e = dispatch_send_signed(ep->manager, r->flow, wire, false);

	if (e != 0) {
		fail_set(&f, -FAIL_CONNECT, "cannot send: %s", fail_text(e));
		request_attempt_failed(r, &f);
		return;
	}
	sip_msg_unref(r->bare);
	r->bare = NULL;
	r->is_bare = true;
	r->state = REQUEST_WAITING;
	r->result.counts.sent++;
	ep->ops->use_flow(ep, r->config.flow_index, r->flow);
	net_timer_set(endpoint_loop(), &r->timer, net_now_ms() + patience(r));
	trace_note(ep->manager->config.trace, "sent once, without a transaction");
	if (sip_msg_parse(wire, &ep->manager->config.limits, &r->bare, &f) != 0)
		tell_malformed(r, wire, true, &f);
	else
		request_describe(
			r, r->bare->request ? ENDPOINT_REQUEST : ENDPOINT_RESPONSE, r->bare, true);
}

/* 17.1.1.3: the ACK that a transaction would have sent. */
static void acknowledge(struct request *r, const struct sip_msg *response)
{
	struct buf b = BUF_INIT(1 << 16);

	sip_build_ack(&b, r->bare, response);
	sip_build_end(&b, STR_EMPTY, STR_EMPTY);
	if (b.fail == 0)
		dispatch_send(r->endpoint->manager, r->flow, buf_str(&b), false);
	buf_done(&b);
}

static void got_final(struct request *r, struct sip_msg *m)
{
	struct sip_cseq cseq;
	struct fail f;

	sip_msg_unref(r->final);
	r->final = sip_msg_ref(m);
	r->result.after_ringing = r->after_ringing;
	if (m->status < 300) {
		request_finish(r, NULL);
		return;
	}
	if (r->bare && r->bare->request && r->bare->method == SIP_INVITE &&
		sip_msg_cseq(m, &cseq) && str_eq(cseq.name, STR("INVITE")))
		acknowledge(r, m);
	fail_set(&f, -FAIL_STATUS, "%u " STR_FMT, m->status, STR_ARG(m->reason));
	request_finish(r, &f);
}

/* A response that nobody else has taken. */
static void got_response(struct request *r, struct sip_msg *m)
{
	if (!request_describe(r, ENDPOINT_RESPONSE, m, false) || !r->is_bare ||
		r->state != REQUEST_WAITING)
		return;
	r->after_ringing = r->after_ringing || (m->status >= 180 && m->status < 190);
	if (m->status >= 200)
		got_final(r, m);
}

/* A malformed one may be so since what was sent was: without a transaction it counts if it can be
 * read at all. */
void request_stray(struct request *r, const struct net_event *ev)
{
	struct sip_msg *m;

	if (r->result.times.first_response < 0)
		r->result.times.first_response = (double)(net_now_us() - r->started_us) / 1000.0;
	r->result.counts.received++;
	if (ev->fail) {
		r->malformed_count++;
		r->malformed = *ev->fail;
		if (!tell_malformed(r, ev->bytes, false, ev->fail) || !r->is_bare)
			return;
	}
	if (sip_msg_parse(ev->bytes, &r->endpoint->manager->config.limits, &m, NULL) != 0)
		return;
	if (!m->request)
		got_response(r, m);
	sip_msg_unref(m);
}

/* No answer came that could be used. */
void request_unanswered(struct request *r, struct fail *f)
{
	char last[sizeof(f->text)];

	if (r->malformed_count == 0)
		return;
	memcpy(last, r->malformed.text, sizeof(last));
	fail_set(f, -FAIL_PROTOCOL, "no final response, but %u malformed message%s: %.160s",
		r->malformed_count, r->malformed_count == 1 ? "" : "s", last);
}

void request_bare_timeout(struct request *r)
{
	const struct net_flow_info *i = net_flow_info(r->flow);
	char text[NET_ADDR_TEXT];
	struct fail f;

	fail_set(&f, -FAIL_TIMEOUT, "no final response from %s %s within %.3g s",
		net_addr_text(&i->remote, text), net_transport_name(i->transport),
		(double)patience(r) / 1000.0);
	request_unanswered(r, &f);
	request_finish(r, &f);
}

/* The flow died, or the peer cannot be reached. */
void request_bare_lost(struct request *r, const struct net_event *ev)
{
	struct fail f = { -FAIL_CONNECT, "the connection was closed" };

	if (ev->fail)
		f = *ev->fail;
	request_unanswered(r, &f);
	request_finish(r, &f);
}
