/* lib/serve/actor_fork.c -- fork3@: as if a proxy far away had forked the INVITE to three phones
 * that ring and then all answer before its CANCEL reaches them (RFC 3261 13.2.2.4): the caller
 * keeps one call and ends the others. No session plays three answers, so the responses are written
 * here. */
#include "serve/actors.h"

#include "base/mem.h"
#include "base/text.h"
#include "sip/build.h"
#include "sip/sdp.h"

enum {
	LEGS = 3,
	RING_MS = 200,
	FORKS = 1000,
	CALL_MS = 3600000, /* how long one that was answered is kept, without its BYE */
};

struct leg {
	char tag[17];
	bool acked, ended;
};

struct actor_fork {
	struct list node; /* in serve->forks */
	struct serve *serve;
	struct transaction *transaction;
	struct sip_msg *msg; /* the INVITE */
	struct net_flow *flow;
	struct leg legs[LEGS];
	bool answered, given_up;
	uint64_t interval, give_up_at; /* of the 2xx's: 13.3.1.4 */
	ev_timer timer;
};

static void finish(struct actor_fork *w)
{
	ev_timer_stop(endpoint_loop(), &w->timer);
	list_del(&w->node);
	calls_ended(w->serve, sip_msg_call_id(w->msg), sip_msg_from_tag(w->msg), "timeout", 0);
	transaction_free(w->transaction);
	sip_msg_unref(w->msg);
	net_flow_unref(w->flow);
	mem_free(w);
}

void actor_fork_done(struct serve *s)
{
	struct list *node;

	while ((node = list_first(&s->forks)) != NULL)
		finish(CONTAINER_OF(node, struct actor_fork, node));
}

/* ---- responses ---- */

static void write_description(const struct actor_fork *w, struct buf *out)
{
	const struct net_flow_info *i = net_flow_info(w->flow);
	char address[NET_ADDR_TEXT];
	/* Nobody plays here: the discard port takes what is sent. */
	const struct sdp_local local = { .address = str_of(net_addr_host(&i->local, address)),
		.ipv6 = net_addr_is_ipv6(&i->local),
		.port = 9,
		.rtcp_port = 10,
		.id = 1,
		.version = 1,
		.direction = SDP_SENDRECV };
	struct arena a = { 0 };
	struct str codec;
	struct sdp offer;

	if (w->msg->body.n == 0)
		sdp_write_offer(out, &local);
	else if (sdp_parse(w->msg->body, &a, &offer, NULL) == 0)
		sdp_write_answer(out, &offer, &local, &a, &codec, NULL);
	arena_done(&a);
}

static void reply(struct actor_fork *w, const struct leg *leg, unsigned status)
{
	struct buf b = BUF_INIT(1 << 18), host = BUF_INIT(512), body = BUF_INIT(1 << 16);
	char address[NET_ADDR_TEXT];
	struct sip_response r = transaction_response(w->msg, w->flow, address);
	uint16_t port;

	dispatch_sent_by(w->serve->manager, w->flow, &host, &port);
	r.status = status;
	r.to_tag = str_of(leg->tag);
	r.record_route = true;
	sip_build_response(&b, w->msg, &r);
	buf_add_str(&b, STR("Contact: <sip:fork3@"));
	sip_uri_write_hostport(&b, buf_str(&host), port);
	buf_addf(&b, ";transport=%s>\r\n", net_transport_name(net_flow_info(w->flow)->transport));
	if (status >= 200)
		write_description(w, &body);
	sip_build_end(&b, body.n > 0 ? STR("application/sdp") : STR_EMPTY, buf_str(&body));
	if (b.fail == 0)
		transaction_reply(w->transaction, status, buf_str(&b));
	calls_answered(w->serve, sip_msg_call_id(w->msg), sip_msg_from_tag(w->msg), status,
		str_of(leg->tag));
	buf_done(&host);
	buf_done(&body);
	buf_done(&b);
}

/* Nobody took this leg's 200 in time: it is over. The others wait for their BYE. */
static void give_up(struct actor_fork *f, uint64_t now)
{
	bool any = false;

	for (unsigned i = 0; i < LEGS; i++) {
		f->legs[i].ended = f->legs[i].ended || !f->legs[i].acked;
		any = any || !f->legs[i].ended;
	}
	if (!any || f->given_up) {
		finish(f);
		return;
	}
	f->given_up = true;
	net_timer_set(endpoint_loop(), &f->timer, now + CALL_MS);
}

/* The three 200s, and again those without an ACK, from T1 on at twice the distance up to T2. */
static void on_timer(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct actor_fork *f = CONTAINER_OF(w, struct actor_fork, timer);
	const struct sip_timers *t = &f->serve->config.timers;
	uint64_t now = net_now_ms(), t1 = t->t1 ? t->t1 : 500, t2 = t->t2 ? t->t2 : 4000;

	(void)loop;
	(void)revents;
	if (!f->answered) {
		f->answered = true;
		f->interval = t1;
		f->give_up_at = now + 64 * t1;
	} else {
		f->interval = 2 * f->interval < t2 ? 2 * f->interval : t2;
	}
	if (now >= f->give_up_at) {
		give_up(f, now);
		return;
	}
	for (unsigned i = 0; i < LEGS; i++)
		if (!f->legs[i].acked)
			reply(f, &f->legs[i], 200);
	net_timer_set(endpoint_loop(), &f->timer, now + f->interval);
}

/* ---- what arrives ---- */

static void on_transaction(void *arg, struct transaction *t, const struct transaction_event *ev)
{
	struct actor_fork *w = arg;

	if (ev->type == TRANSACTION_CANCEL && !w->answered) {
		transaction_answer(t, 487, NULL);
		calls_answered(w->serve, sip_msg_call_id(w->msg), sip_msg_from_tag(w->msg), 487,
			STR_EMPTY);
		finish(w);
	}
}

void actor_fork_request(
	struct serve *s, struct transaction *t, struct sip_msg *m, struct net_flow *flow)
{
	struct actor_fork *w;
	unsigned count = 0;

	LIST_EACH (it, &s->forks)
		count++;
	if (count >= FORKS) {
		serve_answer(s, t, 503, STR_EMPTY, STR_EMPTY);
		return;
	}
	w = MEM_NEW(struct actor_fork);
	list_init(&w->node);
	list_add(&s->forks, &w->node);
	w->serve = s;
	w->transaction = t;
	w->msg = sip_msg_ref(m);
	w->flow = net_flow_ref(flow);
	ev_init(&w->timer, on_timer);
	transaction_own(t, on_transaction, w);
	calls_invite(s, m);
	for (unsigned i = 0; i < LEGS; i++) {
		text_token(w->legs[i].tag, 16);
		reply(w, &w->legs[i], 180);
	}
	net_timer_set(endpoint_loop(), &w->timer, net_now_ms() + RING_MS);
}

bool actor_fork_within(struct serve *s, struct transaction *t, struct sip_msg *m)
{
	LIST_EACH (it, &s->forks) {
		struct actor_fork *w = CONTAINER_OF(it, struct actor_fork, node);
		bool all = true, mine = false;

		if (!str_eq(sip_msg_call_id(m), sip_msg_call_id(w->msg)))
			continue;
		for (unsigned i = 0; i < LEGS; i++) {
			struct leg *leg = &w->legs[i];

			if (str_eq(sip_msg_to_tag(m), str_of(leg->tag))) {
				mine = true;
				leg->acked = true; /* by whatever shows that the 200 arrived */
				leg->ended = leg->ended || m->method == SIP_BYE;
			}
			all = all && leg->ended;
		}
		if (!mine)
			continue;
		if (m->method == SIP_BYE)
			calls_bye(s, m);
		if (t)
			serve_answer(s, t, m->method == SIP_BYE ? 200 : 405, STR_EMPTY,
				m->method == SIP_BYE ? STR_EMPTY : STR("Allow: ACK, BYE\r\n"));
		if (all)
			finish(w);
		return true;
	}
	return false;
}
