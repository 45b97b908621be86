/* lib/serve/forward.c -- one request that the proxy carries on: its response context with a branch
 * for every target, RFC 3261 sections 16.6 to 16.10, INVITE as RFC 6026 corrects it.
 *
 * A branch is one client transaction. It waits (for room in Max-Breadth), runs, and concludes with
 * a final status; its transaction may outlive that, to acknowledge or to pass on what is repeated.
 * After every event settle() looks at the whole: who may start now, is an answer due, is it over?
 */
#include "serve/proxy.h"

#include "base/mem.h"
#include "sip/build.h"
#include "sip/status.h"

struct forward {
	struct list node; /* in serve->forwards */
	struct serve *serve;
	struct transaction *upstream; /* the request's server transaction */
	struct net_flow *from;
	struct arena arena; /* texts of the targets */
	struct list branches; /* in the order in which they start */
	unsigned breadth; /* RFC 5393: of all that run */
	unsigned final; /* the status that went upstream; 0: none yet */
	struct str reason; /* of the CANCELs (RFC 3326); empty: none */
	bool invite;
	bool closed; /* no more branches: answered, cancelled, or a 6xx came */
	bool cancelled; /* by who asked */
	bool over; /* the server transaction has ended: what still comes is forwarded without it */
};

struct branch {
	struct list node; /* in forward->branches */
	struct forward *forward;
	struct target to;
	struct transaction *tx; /* NULL: it waits, or is over */
	struct transaction *cancel; /* of our CANCEL, while it runs */
	ev_timer timer; /* INVITE: Timer C; after our CANCEL the time that its answer may take */
	unsigned breadth; /* its share */
	unsigned status; /* the final one; 0: none yet */
	struct sip_msg *response; /* with that status; NULL: it was not received */
	bool provisional; /* 100 or more came */
	bool unwanted; /* to be cancelled, which needs a provisional response (9.1) */
	bool replaced; /* another flow of the instance took its place */
};

static void settle(struct forward *w);

/* ---- life ---- */

static void free_branch(struct branch *b)
{
	ev_timer_stop(endpoint_loop(), &b->timer);
	list_del(&b->node);
	b->forward->serve->branches--;
	transaction_free(b->tx);
	transaction_free(b->cancel);
	sip_msg_unref(b->response);
	net_flow_unref(b->to.flow);
	mem_free(b);
}

static void finish(struct forward *w)
{
	LIST_EACH (it, &w->branches)
		free_branch(CONTAINER_OF(it, struct branch, node));
	list_del(&w->node);
	transaction_free(w->upstream);
	net_flow_unref(w->from);
	arena_done(&w->arena);
	mem_free(w);
}

void forward_done(struct serve *s)
{
	struct list *node;

	while ((node = list_first(&s->forwards)) != NULL)
		finish(CONTAINER_OF(node, struct forward, node));
}

static void on_timer(struct ev_loop *loop, ev_timer *timer, int revents);

/* Before `next` in the list of branches. */
static void add_branch(struct forward *w, const struct target *t, struct list *next)
{
	struct branch *b = MEM_NEW(struct branch);

	b->forward = w;
	b->to = *t;
	b->to.uri = arena_str(&w->arena, t->uri);
	b->to.path = arena_str(&w->arena, t->path);
	b->to.key = arena_str(&w->arena, t->key);
	b->to.instance = arena_str(&w->arena, t->instance);
	ev_init(&b->timer, on_timer);
	list_init(&b->node);
	list_add(next, &b->node);
	w->serve->branches++;
}

/* ---- what goes upstream ---- */

/* False: it cannot be written. */
static bool pass_on(struct forward *w, const struct sip_msg *m, struct str headers)
{
	struct buf b = BUF_INIT(1 << 18);
	bool written = proxy_write_response(w->serve, m, headers, &b);

	if (written && w->over) /* 16.7 step 9; RFC 6026 8.10 */
		dispatch_send(w->serve->manager, transaction_flow(w->upstream), buf_str(&b), false);
	else if (written)
		transaction_reply(w->upstream, m->status, buf_str(&b));
	buf_done(&b);
	return written;
}

/* Calls are watched (package dialog). */
static void told(const struct forward *w, unsigned status, struct str tag)
{
	const struct sip_msg *m = transaction_msg(w->upstream);

	if (w->invite)
		calls_answered(w->serve, sip_msg_call_id(m), sip_msg_from_tag(m), status, tag);
}

/* 16.7 step 6: how good is it to answer with? Lower is better. */
static unsigned rank(const struct branch *b)
{
	unsigned class = b->status / 100, worse = b->response ? 0 : 5;

	if (b->forward->cancelled && b->status == 487)
		return 9; /* who gave up is told so, unless a 6xx came */
	switch (b->status) {
	case 401:
	case 407:
	case 415:
	case 420:
	case 484: /* these say how to ask again */
		break;
	case 408:
	case 430:
	case 480:
	case 487: /* these say nothing of the person */
	case 503: /* nor does this */
		worse += 2;
		break;
	default:
		worse += 1;
	}
	return class == 6 ? worse : class * 10 + worse;
}

static const struct branch *best_of(const struct forward *w)
{
	const struct branch *best = NULL;

	LIST_EACH (it, &w->branches) {
		const struct branch *b = CONTAINER_OF(it, struct branch, node);

		if (!b->replaced && (!best || rank(b) < rank(best)))
			best = b;
	}
	return best;
}

/* Step 7: the challenges of all branches go into a 401 or 407. */
static void put_challenges(const struct forward *w, const struct branch *best, struct buf *b)
{
	static const enum sip_hdr_id ids[] = { SIP_HDR_WWW_AUTHENTICATE,
		SIP_HDR_PROXY_AUTHENTICATE };

	LIST_EACH (it, &w->branches) {
		const struct branch *other = CONTAINER_OF(it, struct branch, node);

		if (other == best || !other->response ||
			(other->status != 401 && other->status != 407))
			continue;
		for (unsigned i = 0; i < ARRAY_LEN(ids); i++)
			for (const struct sip_hdr *h = sip_msg_hdr(other->response, ids[i]); h;
				h = sip_msg_hdr_next(other->response, h))
				if (sip_build_clean(h->value))
					sip_build_hdr(b, ids[i], h->value);
	}
}

static void answer(struct forward *w)
{
	const struct branch *best = best_of(w);
	struct buf headers = BUF_INIT(1 << 17);
	const struct sip_msg *m = best ? best->response : NULL;
	unsigned status = best ? best->status : 408;

	if (w->cancelled && status < 600 && status != 487) {
		status = 487;
		m = NULL;
	} else if (status == 503) { /* step 6: a 503 would mean us */
		status = 500;
		m = NULL;
	} else if (status == 401 || status == 407) {
		put_challenges(w, best, &headers);
	}
	w->final = status;
	told(w, status, STR_EMPTY);
	if (!m)
		transaction_answer(w->upstream, status, NULL);
	else if (headers.fail != 0 || !pass_on(w, m, buf_str(&headers)))
		transaction_answer(w->upstream, 502, NULL);
	buf_done(&headers);
}

/* ---- CANCEL, 9.1 and 16.10 ---- */

static uint64_t patience_ms(const struct serve *s)
{
	const struct sip_timers *t = &s->config.timers;

	return t->give_up ? t->give_up : (uint64_t)64 * (t->t1 ? t->t1 : 500);
}

static void on_cancel(void *arg, struct transaction *t, const struct transaction_event *ev)
{
	struct branch *b = arg;

	if (ev->type == TRANSACTION_RESPONSE && ev->msg->status < 200)
		return;
	transaction_free(t);
	b->cancel = NULL;
	settle(b->forward);
}

static void send_cancel(struct branch *b)
{
	struct forward *w = b->forward;
	struct buf wire = BUF_INIT(1 << 16);
	const struct transaction_config config = {
		.manager = w->serve->manager,
		.flow = b->to.flow,
		.fn = on_cancel,
		.arg = b,
	};

	sip_build_cancel(&wire, transaction_msg(b->tx));
	if (w->reason.n > 0)
		sip_build_hdr(&wire, SIP_HDR_REASON, w->reason);
	sip_build_end(&wire, STR_EMPTY, STR_EMPTY);
	if (wire.fail != 0 || transaction_send(&config, buf_str(&wire), &b->cancel, NULL) != 0)
		b->cancel = NULL;
	buf_done(&wire);
	/* 9.1: "If there is no final response for the original request in 64*T1 seconds" it is
	 * cancelled all the same. */
	net_timer_set(endpoint_loop(), &b->timer, net_now_ms() + patience_ms(w->serve));
}

static void cancel(struct branch *b)
{
	if (b->status != 0 || b->unwanted)
		return;
	b->unwanted = true;
	if (b->provisional)
		send_cancel(b);
}

/* No branch begins any more, and those that run are to end. reason: why, or empty. */
static void close_branches(struct forward *w, struct str reason)
{
	w->closed = true;
	if (w->reason.n == 0 && sip_build_clean(reason))
		w->reason = arena_str(&w->arena, reason);
	LIST_EACH (it, &w->branches) {
		struct branch *b = CONTAINER_OF(it, struct branch, node);

		if (!b->tx && b->status == 0)
			free_branch(b);
		else if (w->invite)
			cancel(b);
	}
}

/* RFC 3326 section 2: the others need not show a missed call. */
static void close_because(struct forward *w, unsigned status)
{
	struct buf reason = BUF_INIT(128);
	struct str text =
		status < 300 ? STR("Call completed elsewhere") : sip_status_reason(status);

	buf_addf(&reason, "SIP;cause=%u;text=\"" STR_FMT "\"", status, STR_ARG(text));
	close_branches(w, buf_str(&reason));
	buf_done(&reason);
}

/* ---- one branch ---- */

/* It has its final status; the transaction may have to stay. */
static void conclude(struct branch *b, unsigned status, struct sip_msg *response)
{
	ev_timer_stop(endpoint_loop(), &b->timer);
	b->status = status;
	b->response = response ? sip_msg_ref(response) : NULL;
}

static void release(struct branch *b)
{
	transaction_free(b->tx);
	b->tx = NULL;
}

static void try_next_flow(struct branch *b)
{
	struct forward *w = b->forward;
	struct target next;

	if (w->closed || b->to.instance.n == 0 || !proxy_next_flow(w->serve, &b->to, &next))
		return;
	b->replaced = true;
	add_branch(w, &next, b->node.next);
}

static void start_timer_c(struct branch *b)
{
	net_timer_set(
		endpoint_loop(), &b->timer, net_now_ms() + b->forward->serve->config.timer_c_ms);
}

static void got_provisional(struct branch *b, const struct sip_msg *m)
{
	struct forward *w = b->forward;
	bool first = !b->provisional;

	b->provisional = true;
	if (first && b->unwanted)
		send_cancel(b);
	if (m->status == 100)
		return; /* step 5: never forwarded */
	if (w->invite && !b->unwanted) /* step 2 */
		start_timer_c(b);
	if (w->final == 0) {
		told(w, m->status, sip_msg_to_tag(m));
		pass_on(w, m, STR_EMPTY);
	}
}

/* Forwarded at once, whatever was forwarded before (step 5). */
static void got_success(struct branch *b, struct sip_msg *m)
{
	struct forward *w = b->forward;
	bool first = b->status == 0;

	conclude(b, m->status, NULL);
	if (!pass_on(w, m, STR_EMPTY))
		transaction_answer(w->upstream, 502, NULL);
	w->final = m->status;
	told(w, m->status, sip_msg_to_tag(m));
	if (first)
		close_because(w, m->status);
	if (!w->invite) /* of an INVITE every 2xx comes again: RFC 6026 8.4 */
		release(b);
	settle(w);
}

static void got_failure(struct branch *b, struct sip_msg *m)
{
	struct forward *w = b->forward;

	conclude(b, m->status, m);
	/* Over UDP it must stay and acknowledge again what is sent again. */
	if (!w->invite || net_flow_info(b->to.flow)->transport != NET_UDP)
		release(b);
	if (m->status >= 600)
		close_because(w, m->status);
	else if (m->status == 430 || (w->invite && m->status == 408)) /* RFC 5626 section 7 */
		try_next_flow(b);
	settle(w);
}

static void on_branch(void *arg, struct transaction *t, const struct transaction_event *ev)
{
	struct branch *b = arg;
	struct forward *w = b->forward;

	(void)t;
	if (ev->type == TRANSACTION_RESPONSE) {
		if (ev->msg->status < 200)
			got_provisional(b, ev->msg);
		else if (ev->msg->status < 300)
			got_success(b, ev->msg);
		else
			got_failure(b, ev->msg);
		return;
	}
	release(b); /* TIMEOUT, FAILED or ENDED */
	if (b->status == 0) {
		conclude(b, ev->type == TRANSACTION_FAILED ? b->to.lost : 408, NULL);
		if (ev->type == TRANSACTION_FAILED || w->invite)
			try_next_flow(b);
	}
	settle(w);
}

/* 16.8 Timer C; or a CANCEL had no effect. */
static void on_timer(struct ev_loop *loop, ev_timer *timer, int revents)
{
	struct branch *b = CONTAINER_OF(timer, struct branch, timer);

	(void)revents;
	ev_timer_stop(loop, timer);
	if (b->provisional && !b->unwanted) {
		cancel(b);
		return;
	}
	release(b);
	conclude(b, 408, NULL);
	settle(b->forward);
}

static void start(struct branch *b, unsigned breadth)
{
	struct forward *w = b->forward;
	struct buf wire = BUF_INIT(1 << 18);
	const struct proxy_copy copy = {
		.m = transaction_msg(w->upstream),
		.from = w->from,
		.to = b->to.flow,
		.uri = b->to.uri,
		.path = b->to.path,
		.breadth = breadth,
	};
	const struct transaction_config config = {
		.manager = w->serve->manager,
		.flow = b->to.flow,
		.fn = on_branch,
		.arg = b,
	};

	b->breadth = breadth;
	if (!proxy_write_request(w->serve, &copy, &wire) ||
		transaction_send(&config, buf_str(&wire), &b->tx, NULL) != 0) {
		conclude(b, b->to.lost, NULL);
		try_next_flow(b);
	} else if (w->invite) {
		start_timer_c(b);
	}
	buf_done(&wire);
}

/* ---- the whole ---- */

/* RFC 5393 5.3.3: what runs shares the breadth; what ended gives its share back. */
static void start_waiting(struct forward *w)
{
	for (;;) {
		struct branch *first = NULL;
		unsigned left = w->breadth, waiting = 0;

		LIST_EACH (it, &w->branches) {
			struct branch *b = CONTAINER_OF(it, struct branch, node);

			if (b->status != 0)
				continue;
			if (b->tx) {
				left -= b->breadth;
				continue;
			}
			first = first ? first : b;
			waiting++;
		}
		if (!first || left == 0)
			return;
		start(first, waiting < left ? left / waiting : 1);
	}
}

/* May free w. */
static void settle(struct forward *w)
{
	bool pending = false, running = false;

	if (!w->closed)
		start_waiting(w);
	LIST_EACH (it, &w->branches) {
		const struct branch *b = CONTAINER_OF(it, struct branch, node);

		pending = pending || b->status == 0;
		running = running || b->tx || b->cancel;
	}
	if (pending)
		return;
	if (w->final == 0)
		answer(w);
	if (!running)
		finish(w);
}

static void on_upstream(void *arg, struct transaction *t, const struct transaction_event *ev)
{
	struct forward *w = arg;

	(void)t;
	switch (ev->type) {
	case TRANSACTION_CANCEL:
		if (w->final != 0)
			return; /* 9.2: too late */
		w->cancelled = true;
		close_branches(w, sip_msg_value(ev->msg, SIP_HDR_REASON));
		settle(w);
		return;
	case TRANSACTION_TIMEOUT:
	case TRANSACTION_ENDED:
		w->over = true;
		return;
	default:
		return;
	}
}

void forward_request(struct serve *s, struct transaction *t, struct net_flow *from,
	const struct targets *targets, unsigned breadth)
{
	struct forward *w = MEM_NEW(struct forward);

	list_init(&w->node);
	list_init(&w->branches);
	list_add(&s->forwards, &w->node);
	w->serve = s;
	w->upstream = t;
	w->from = net_flow_ref(from);
	w->breadth = breadth;
	w->invite = transaction_msg(t)->method == SIP_INVITE;
	for (unsigned i = 0; i < targets->count; i++)
		add_branch(w, &targets->list[i], &w->branches);
	transaction_own(t, on_upstream, w);
	if (w->invite) {
		transaction_answer(t, 100, NULL);
		calls_invite(s, transaction_msg(t));
	} else if (transaction_msg(t)->method == SIP_BYE) {
		calls_bye(s, transaction_msg(t));
	}
	settle(w);
}
