/* lib/endpoint/transaction.c -- a sip_tx with its flow and its timer, RFC 3261 section 17 and 18.2
 */
#include "endpoint/transaction.h"

#include "base/mem.h"
#include "base/text.h"
#include "endpoint/impl.h"

#include <stdio.h>
#include <string.h>

struct transaction {
	struct map_node node; /* in client_txs or server_txs */
	struct map_node request; /* in requests, when request_key is not empty */
	struct endpoint_manager *manager;
	struct endpoint *endpoint;
	struct sip_tx tx;
	ev_timer timer;
	struct net_flow *flow;
	struct flow_watch watch;
	struct sip_msg *msg; /* the request */
	struct buf wire; /* client: the request; server: the latest response */
	struct buf ack; /* INVITE client: the ACK for a non-2xx */
	struct str key, request_key;
	transaction_fn *fn;
	void *arg;
	uint64_t started_us;
	unsigned retransmissions;
	bool server;
	bool ended; /* the user has had its last event */
	bool unacked; /* server: in manager->unacked */
	bool waiting; /* server: owned by a handler and without its final answer (CM-21) */
	bool abandoned; /* server: let go without a final response; the timer is its end */
	char tag[17];
};

void transaction_branch(char out[TRANSACTION_BRANCH])
{
	memcpy(out, "z9hG4bK", 7);
	text_token(out + 7, 20);
}

/* ---- keys ---- */

/* A client transaction is found by branch and CSeq method (17.1.3). */
static void client_key(struct buf *b, struct str branch, struct str method)
{
	buf_add_str(b, branch);
	buf_add_char(b, '\n');
	buf_add_str(b, method);
}

static void lower_into(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		buf_add_char(b, str_lower(s.p[i]));
}

/* 17.2.3: branch, sent-by and method, where ACK belongs to its INVITE; without the magic cookie
 * what RFC 2543 compared. */
static bool server_key(struct buf *b, const struct sip_msg *m, struct str method)
{
	struct sip_via via;
	struct sip_cseq cseq;

	if (!sip_msg_via(m, &via) || !sip_msg_cseq(m, &cseq))
		return false;
	if (sip_via_cookie(&via)) {
		buf_add_str(b, via.branch);
	} else {
		buf_addf(b, STR_FMT "\n" STR_FMT "\n" STR_FMT "\n%u\n" STR_FMT,
			STR_ARG(m->request_uri), STR_ARG(sip_msg_from_tag(m)),
			STR_ARG(sip_msg_call_id(m)), cseq.number, STR_ARG(via.branch));
	}
	buf_add_char(b, '\n');
	lower_into(b, via.host);
	buf_add_char(b, ':');
	buf_add_u32(b, via.port);
	buf_add_char(b, '\n');
	buf_add_str(b, method);
	return b->fail == 0;
}

/* A refused INVITE over UDP waits for its ACK. */
static void count_unacked(struct transaction *t, bool alive)
{
	bool is = alive && t->server && t->tx.kind == SIP_TX_INVITE_SERVER &&
		  t->tx.state == SIP_TX_COMPLETED && !t->tx.reliable;

	if (is == t->unacked)
		return;
	t->unacked = is;
	if (is)
		t->manager->unacked++;
	else
		t->manager->unacked--;
}

/* The transaction has taken a step. */
static void stepped(struct transaction *t, enum sip_tx_state from, const char *why)
{
	const struct trace *trace = t->manager->config.trace;
	struct sip_via via;

	if (t->tx.state == from)
		return;
	count_unacked(t, true);
	if (!trace_on(trace, TRACE_TX))
		return;
	trace_emit(trace, &(struct trace_event){
				  .kind = TRACE_TX,
				  .name = sip_msg_via(t->msg, &via) ? via.branch : STR_EMPTY,
				  .from = str_of(sip_tx_state_name(from)),
				  .to = str_of(sip_tx_state_name(t->tx.state)),
				  .note = str_of(why),
			  });
}

/* ---- life ---- */

static void wait_for_answer(struct transaction *t, bool waits)
{
	if (t->waiting == waits)
		return;
	t->waiting = waits;
	if (waits)
		t->manager->waiting++;
	else
		t->manager->waiting--;
}

static void destroy(struct transaction *t)
{
	count_unacked(t, false);
	ev_timer_stop(endpoint_loop(), &t->timer);
	flow_watch_stop(&t->watch);
	wait_for_answer(t, false);
	map_del(t->server ? &t->manager->server_txs : &t->manager->client_txs, &t->node);
	if (t->server)
		t->manager->server_bytes -= t->msg->wire.n;
	if (t->request_key.n > 0)
		map_del(&t->manager->requests, &t->request);
	net_flow_unref(t->flow);
	sip_msg_unref(t->msg);
	buf_done(&t->wire);
	buf_done(&t->ack);
	mem_free((char *)(uintptr_t)t->key.p);
	mem_free((char *)(uintptr_t)t->request_key.p);
	mem_free(t);
}

static void deliver(struct transaction *t, enum transaction_event_type type, struct sip_msg *m,
	const struct fail *f)
{
	const struct transaction_event ev = { .type = type, .msg = m, .fail = f };

	if (t->fn)
		t->fn(t->arg, t, &ev);
}

/* Carries actions out. What tells the user comes last, since it may free t. */
static void act(
	struct transaction *t, unsigned actions, struct sip_msg *received, const struct fail *f)
{
	const struct fail timeout = { -FAIL_TIMEOUT, "no answer in time" };

	if (actions & SIP_TX_SEND &&
		t->wire.n > 0) { /* the first sending is done where it is asked for */
		/* A server's response is signed anew, with a number of its own: a peer that checks
		 * signatures takes no number twice. */
		if (t->server) {
			dispatch_send(t->manager, t->flow, buf_str(&t->wire), true);
		} else {
			dispatch_send_signed(t->manager, t->flow, buf_str(&t->wire), true);
			t->retransmissions++;
		}
	}
	if (actions & SIP_TX_ACK) {
		if (t->ack.n == 0) {
			sip_build_ack(&t->ack, t->msg, received);
			sip_build_end(&t->ack, STR_EMPTY, STR_EMPTY);
		}
		if (t->ack.fail == 0)
			dispatch_send(t->manager, t->flow, buf_str(&t->ack), false);
	}
	if (actions & SIP_TX_DONE)
		ev_timer_stop(endpoint_loop(), &t->timer);
	else if (!t->abandoned)
		net_timer_set(endpoint_loop(), &t->timer, sip_tx_deadline(&t->tx));

	if (t->ended || !t->fn) {
		if (actions & SIP_TX_DONE)
			destroy(t);
		return;
	}
	if (actions & SIP_TX_DELIVER && received) {
		/* A client's last event may be its response: the ENDED that follows is for servers
		 * only. */
		deliver(t, TRANSACTION_RESPONSE, received, NULL);
		return;
	}
	if (actions & (SIP_TX_TIMEOUT | SIP_TX_ERROR)) {
		t->ended = true;
		deliver(t, actions & SIP_TX_TIMEOUT ? TRANSACTION_TIMEOUT : TRANSACTION_FAILED,
			NULL, f ? f : &timeout);
		return;
	}
	if (actions & SIP_TX_DONE) {
		t->ended = true;
		deliver(t, TRANSACTION_ENDED, NULL, NULL);
	}
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct transaction *t = CONTAINER_OF(w, struct transaction, timer);
	enum sip_tx_state from = t->tx.state;
	unsigned actions;

	(void)loop;
	(void)revents;
	if (t->abandoned) {
		destroy(t);
		return;
	}
	/* A reply that ended the transaction at once left the telling to the loop. */
	actions = from == SIP_TX_TERMINATED ? SIP_TX_DONE : sip_tx_tick(&t->tx, net_now_ms());
	stepped(t, from, "timer");
	act(t, actions, NULL, NULL);
}

/* The flow died or the peer cannot be reached. */
static void on_flow(void *arg, enum flow_news news, const struct net_event *ev)
{
	struct transaction *t = arg;
	enum sip_tx_state from = t->tx.state;
	unsigned actions;

	if (news != FLOW_CLOSED && news != FLOW_UNREACHABLE)
		return;
	if (t->server && news == FLOW_UNREACHABLE)
		return; /* the response may have been the ICMP's cause; the peer repeats its
			   request, if it lives */
	actions = sip_tx_error(&t->tx);
	stepped(t, from, ev->fail ? ev->fail->text : "flow closed");
	act(t, actions, NULL, ev->fail);
}

static struct transaction *make(struct endpoint_manager *m, struct net_flow *flow,
	struct sip_msg *msg, struct map *map, struct str key)
{
	struct transaction *t = MEM_NEW(struct transaction);

	t->manager = m;
	t->flow = net_flow_ref(flow);
	t->msg = sip_msg_ref(msg);
	t->started_us = net_now_us();
	buf_init(&t->wire, 1 << 20);
	buf_init(&t->ack, 1 << 16);
	ev_init(&t->timer, on_timer);
	t->key = (struct str){ mem_strndup(key.p, key.n), key.n };
	map_set(map, &t->node, t->key);
	t->watch = (struct flow_watch){ .fn = on_flow, .arg = t };
	flow_watch_start(m, flow, &t->watch);
	return t;
}

/* ---- client ---- */

int transaction_send(const struct transaction_config *config, struct str wire,
	struct transaction **out, struct fail *f)
{
	struct endpoint_manager *m = config->manager;
	struct sip_timers timers = m->config.timers;
	const struct net_flow_info *info = net_flow_info(config->flow);
	struct buf key = BUF_INIT(1 << 16), b = BUF_INIT(1 << 20);
	struct transaction *t;
	struct sip_msg *msg;
	struct sip_via via;
	int e;

	buf_add_str(&b, wire);
	dispatch_sign(m, config->flow, &b);
	e = sip_msg_parse(buf_str(&b), &m->config.limits, &msg, f);
	if (e == 0 && !sip_msg_via(msg, &via)) {
		sip_msg_unref(msg);
		e = fail_set(f, -FAIL_ARGUMENT, "a request without Via");
	}
	if (e != 0) {
		buf_done(&b);
		return e;
	}
	client_key(&key, via.branch, msg->method_name);
	t = make(m, config->flow, msg, &m->client_txs, buf_str(&key));
	buf_done(&key);
	sip_msg_unref(msg);
	t->endpoint = config->endpoint;
	t->fn = config->fn;
	t->arg = config->arg;
	buf_done(&t->wire);
	t->wire = b;
	if (config->timeout_ms > 0)
		timers.give_up = (uint32_t)(config->timeout_ms < UINT32_MAX ? config->timeout_ms
									    : UINT32_MAX);
	sip_tx_start(&t->tx, msg->method == SIP_INVITE ? SIP_TX_INVITE_CLIENT : SIP_TX_CLIENT,
		net_transport_reliable(info->transport), &timers, net_now_ms());
	e = dispatch_send_signed(m, t->flow, buf_str(&t->wire), false);
	if (e != 0) {
		destroy(t);
		return fail_set(f, e == -FAIL_LIMIT ? -FAIL_LIMIT : -FAIL_CONNECT,
			"cannot send: %s", fail_text(e));
	}
	net_timer_set(endpoint_loop(), &t->timer, sip_tx_deadline(&t->tx));
	*out = t;
	return 0;
}

/* The branch is a secret between us and the path; a response that knows it but names another sender
 * or call, or that has a second Via though we sent one (8.1.3.3), is forged or broken (A59). It
 * must not touch the transaction. */
static bool answers(
	const struct sip_msg *response, const struct sip_via *via, const struct sip_msg *request)
{
	struct sip_list theirs = sip_msg_list(response, SIP_HDR_VIA),
			ours = sip_msg_list(request, SIP_HDR_VIA);
	struct sip_via sent, other;

	if (!sip_list_via(&ours, &sent) || !str_ieq(sent.host, via->host) ||
		sent.port != via->port ||
		!str_eq(sip_msg_call_id(response), sip_msg_call_id(request)))
		return false;
	return sip_list_via(&ours, &other) ||
	       (sip_list_via(&theirs, &other) && !sip_list_via(&theirs, &other));
}

struct transaction *transaction_find_client(
	struct endpoint_manager *m, const struct sip_msg *response)
{
	struct buf key = BUF_INIT(1 << 16);
	struct map_node *node;
	struct transaction *t;
	struct sip_via via;
	struct sip_cseq cseq;

	if (!sip_msg_via(response, &via) || !sip_msg_cseq(response, &cseq))
		return NULL;
	client_key(&key, via.branch, cseq.name);
	node = map_get(&m->client_txs, buf_str(&key));
	buf_done(&key);
	if (!node)
		return NULL;
	t = CONTAINER_OF(node, struct transaction, node);
	return answers(response, &via, t->msg) ? t : NULL;
}

void transaction_got_response(struct transaction *t, struct sip_msg *m)
{
	enum sip_tx_state from = t->tx.state;
	unsigned actions = sip_tx_response(&t->tx, m->status, net_now_ms());

	stepped(t, from, "response");
	act(t, actions, m, NULL);
}

/* ---- server ---- */

struct transaction *transaction_find_server(
	struct endpoint_manager *m, const struct sip_msg *request, bool as_invite)
{
	struct buf key = BUF_INIT(1 << 16);
	struct map_node *node = NULL;

	if (server_key(&key, request, as_invite ? STR("INVITE") : request->method_name))
		node = map_get(&m->server_txs, buf_str(&key));
	buf_done(&key);
	return node ? CONTAINER_OF(node, struct transaction, node) : NULL;
}

struct transaction *transaction_accept(
	struct endpoint_manager *m, struct sip_msg *msg, struct net_flow *flow)
{
	struct buf key = BUF_INIT(1 << 16);
	struct transaction *t = NULL;
	struct net_flow *back;

	if (m->server_txs.count < MANAGER_TRANSACTIONS &&
		m->server_bytes + msg->wire.n <= MANAGER_BYTES &&
		server_key(&key, msg, msg->method_name)) {
		back = transaction_response_flow(m, msg, flow);
		t = make(m, back, msg, &m->server_txs, buf_str(&key));
		net_flow_unref(back);
		t->server = true;
		m->server_bytes += msg->wire.n;
		sip_tx_start(&t->tx,
			msg->method == SIP_INVITE ? SIP_TX_INVITE_SERVER : SIP_TX_SERVER,
			net_transport_reliable(net_flow_info(back)->transport), &m->config.timers,
			net_now_ms());
	}
	buf_done(&key);
	return t;
}

bool transaction_merged(struct transaction *t)
{
	struct buf key = BUF_INIT(1 << 16);
	struct sip_cseq cseq = { 0 };
	bool merged = false;

	sip_msg_cseq(t->msg, &cseq);
	buf_add_str(&key, sip_msg_from_tag(t->msg));
	buf_add_char(&key, '\n');
	buf_add_str(&key, sip_msg_call_id(t->msg));
	buf_add_char(&key, '\n');
	buf_add_u32(&key, cseq.number);
	buf_add_char(&key, ' ');
	buf_add_str(&key, cseq.name);
	if (sip_msg_to_tag(t->msg).n == 0 && t->request_key.n == 0 && !key.fail) {
		merged = map_get(&t->manager->requests, buf_str(&key)) != NULL;
		if (!merged) {
			t->request_key = (struct str){ mem_strndup(key.p, key.n), key.n };
			map_set(&t->manager->requests, &t->request, t->request_key);
		}
	}
	buf_done(&key);
	return merged;
}

void transaction_got_request(struct transaction *t, struct sip_msg *m, bool ack)
{
	enum sip_tx_state from = t->tx.state;
	unsigned actions = sip_tx_request(&t->tx, ack, net_now_ms());

	(void)m;
	if (!ack)
		t->retransmissions++;
	stepped(t, from, ack ? "ACK" : "retransmission");
	if (ack && t->tx.state != from && t->fn) {
		/* Actions of an ACK touch timers only; the user hears of it last. */
		net_timer_set(endpoint_loop(), &t->timer, sip_tx_deadline(&t->tx));
		if ((actions & SIP_TX_DONE) == 0) {
			deliver(t, TRANSACTION_ACK, m, NULL);
			return;
		}
	}
	act(t, actions, NULL, NULL);
}

void transaction_got_cancel(struct transaction *t, struct sip_msg *m)
{
	deliver(t, TRANSACTION_CANCEL, m, NULL);
}

void transaction_own(struct transaction *t, transaction_fn *fn, void *arg)
{
	t->fn = fn;
	t->arg = arg;
	wait_for_answer(t, true);
}

void transaction_reply(struct transaction *t, unsigned status, struct str wire)
{
	enum sip_tx_state from = t->tx.state;
	unsigned actions = sip_tx_reply(&t->tx, status, net_now_ms());

	if (actions == 0)
		return;
	if (status >= 200)
		wait_for_answer(t, false);
	buf_clear(&t->wire);
	buf_add_str(&t->wire, wire);
	stepped(t, from, "reply");
	if (actions & SIP_TX_SEND)
		dispatch_send(t->manager, t->flow, wire, false);
	if ((actions & SIP_TX_DONE) == 0) {
		net_timer_set(endpoint_loop(), &t->timer, sip_tx_deadline(&t->tx));
	} else {
		/* Over a reliable transport Timer J is zero. The end comes from the loop: R2. */
		net_later(endpoint_loop(), &t->timer);
	}
}

void transaction_repeat(struct transaction *t)
{
	if (t->wire.n > 0)
		dispatch_send(t->manager, t->flow, buf_str(&t->wire), true);
}

void transaction_answer(struct transaction *t, unsigned status, const char *headers)
{
	struct buf b = BUF_INIT(1 << 16);
	char text[NET_ADDR_TEXT];
	struct sip_response r = transaction_response(t->msg, t->flow, text);

	r.status = status;
	r.to_tag = transaction_tag(t);
	sip_build_response(&b, t->msg, &r);
	if (headers)
		buf_add_str(&b, str_of(headers));
	sip_build_end(&b, STR_EMPTY, STR_EMPTY);
	if (b.fail == 0)
		transaction_reply(t, status, buf_str(&b));
	buf_done(&b);
}

/* No timer of 17.2 runs before the final response, which will not come any more. Retransmissions
 * are absorbed for as long as the peer sends them (64*T1; an INVITE rings for Timer C's three
 * minutes); then it is over, or peers could fill our memory with what is never answered. */
static void abandon(struct transaction *t)
{
	uint64_t wait =
		t->tx.kind == SIP_TX_INVITE_SERVER ? 180000 : (uint64_t)64 * t->tx.timers.t1;

	t->abandoned = true;
	net_timer_set(endpoint_loop(), &t->timer, net_now_ms() + wait);
}

void transaction_free(struct transaction *t)
{
	if (!t)
		return;
	t->fn = NULL;
	wait_for_answer(t, false);
	if (t->tx.kind == SIP_TX_INVITE_CLIENT && t->tx.state == SIP_TX_COMPLETED)
		return; /* Timer D: the response may come again, and wants its ACK again */
	if (!t->server || t->tx.state == SIP_TX_TERMINATED)
		destroy(t);
	else if (t->tx.state == SIP_TX_TRYING || t->tx.state == SIP_TX_PROCEEDING)
		abandon(t);
}

void transaction_free_all(struct endpoint_manager *m)
{
	struct map_iter clients = map_iter(&m->client_txs), servers = map_iter(&m->server_txs);
	struct map_node *node;

	while ((node = map_next(&clients)) != NULL)
		destroy(CONTAINER_OF(node, struct transaction, node));
	while ((node = map_next(&servers)) != NULL)
		destroy(CONTAINER_OF(node, struct transaction, node));
}

/* 18.2.2: over the connection that the request came by; over UDP to the source port if the client
 * asked for it (rport) or to the port of its sent-by. */
struct net_flow *transaction_response_flow(
	struct endpoint_manager *m, const struct sip_msg *msg, struct net_flow *flow)
{
	const struct net_flow_info *info = net_flow_info(flow);
	struct net_target target = { .transport = NET_UDP, .addr = info->remote, .answer = true };
	struct net_flow *other;
	struct sip_via via;
	char host[NET_ADDR_TEXT];
	uint16_t port;

	if (info->transport != NET_UDP || !sip_msg_via(msg, &via) || via.has_rport)
		return net_flow_ref(flow);
	port = via.port ? via.port : 5060;
	if (port == net_addr_port(&info->remote))
		return net_flow_ref(flow);
	net_addr_set_port(&target.addr, port);
	target.host = str_of(net_addr_host(&info->remote, host));
	if (manager_flow(m, &target, &other, NULL) != 0)
		return net_flow_ref(flow);
	return other;
}

struct sip_response transaction_response(
	const struct sip_msg *msg, struct net_flow *flow, char text[NET_ADDR_TEXT])
{
	struct sip_response r = { 0 };
	const struct net_flow_info *info = net_flow_info(flow);
	struct sip_via via;
	struct str host;

	if (!sip_msg_via(msg, &via))
		return r;
	host = str_of(net_addr_host(&info->remote, text));
	/* 18.2.1: received when sent-by is not the source address; RFC 3581 4: always beside rport.
	 */
	if (via.has_rport || !str_ieq(host, via.host))
		r.received = host;
	if (via.has_rport)
		r.rport = net_addr_port(&info->remote);
	return r;
}

struct sip_msg *transaction_msg(const struct transaction *t)
{
	return t->msg;
}

struct net_flow *transaction_flow(const struct transaction *t)
{
	return t->flow;
}

unsigned transaction_retransmissions(const struct transaction *t)
{
	return t->retransmissions;
}

double transaction_age_ms(const struct transaction *t)
{
	return (double)(net_now_us() - t->started_us) / 1000.0;
}

struct str transaction_tag(struct transaction *t)
{
	if (t->tag[0] == '\0')
		text_token(t->tag, 16);
	return str_of(t->tag);
}
