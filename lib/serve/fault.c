/* lib/serve/fault.c -- what goes wrong on the way out: drop, delay, duplicate, reorder, truncate.
 * Per cent are drawn from a generator with a printed seed, so that a run can be repeated. */
#include "serve/impl.h"

#include "base/mem.h"
#include "endpoint/reply.h"

#include <string.h>

struct held {
	struct list node;
	ev_timer timer;
	struct net_flow *flow;
	char *bytes;
	size_t n;
};

static uint32_t draw(struct fault *f)
{
	/* xorshift64*: a test needs repeatable numbers, not secret ones */
	f->state ^= f->state >> 12;
	f->state ^= f->state << 25;
	f->state ^= f->state >> 27;
	return (uint32_t)((f->state * 2685821657736338717ULL) >> 32) % 100;
}

static bool parse(struct str text, struct fault *f)
{
	static const char *const names[] = { "drop", "dup", "reorder" };
	unsigned *const values[] = { &f->drop, &f->dup, &f->reorder };
	struct str name, value;
	uint32_t n;

	if (str_eq(text, STR("truncate"))) {
		f->truncate = true;
		return true;
	}
	if (!str_cut(text, ':', &name, &value))
		return false;
	if (str_eq(name, STR("delay")))
		return reply_time(value, &f->delay_ms);
	for (unsigned i = 0; i < ARRAY_LEN(names); i++)
		if (str_eq(name, str_of(names[i])) && str_u32(value, &n) && n <= 100) {
			*values[i] = n;
			return true;
		}
	return false;
}

int serve_fault_check(struct str rule, struct fail *fail)
{
	struct fault f = { 0 };

	return parse(rule, &f) ? 0
			       : fail_set(fail, -FAIL_ARGUMENT,
					 "\"" STR_FMT
					 "\" is not drop:P, dup:P, reorder:P, delay:T or truncate",
					 STR_ARG(rule));
}

int fault_init(struct fault *f, const struct serve_config *c, uint32_t seed, struct fail *fail)
{
	int e;

	list_init(&f->held);
	f->state = ((uint64_t)seed << 1) | 1;
	for (unsigned i = 0; i < c->fault_count; i++) {
		if ((e = serve_fault_check(c->faults[i], fail)) != 0)
			return e;
		parse(c->faults[i], f);
	}
	return 0;
}

static void free_held(struct held *h)
{
	ev_timer_stop(endpoint_loop(), &h->timer);
	list_del(&h->node);
	net_flow_unref(h->flow);
	mem_free(h->bytes);
	mem_free(h);
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct held *h = CONTAINER_OF(w, struct held, timer);

	(void)loop;
	(void)revents;
	net_flow_send(h->flow, (struct str){ h->bytes, h->n });
	free_held(h);
}

static void hold(struct fault *f, struct net_flow *flow, struct str wire, uint64_t ms)
{
	struct held *h = MEM_NEW(struct held);

	list_init(&h->node);
	list_add(&f->held, &h->node);
	h->flow = net_flow_ref(flow);
	h->bytes = mem_strndup(wire.p, wire.n);
	h->n = wire.n;
	ev_init(&h->timer, on_timer);
	net_timer_set(endpoint_loop(), &h->timer, net_now_ms() + ms);
}

/* Messages over a stream are never reordered in themselves: each goes whole, later than the next.
 */
bool fault_send(void *arg, struct net_flow *flow, struct str wire)
{
	struct fault *f = &((struct serve *)arg)->fault;

	if (draw(f) < f->drop)
		return true;
	if (f->truncate)
		wire.n /= 2;
	if (draw(f) < f->dup)
		hold(f, flow, wire, f->delay_ms + 1);
	if (draw(f) < f->reorder)
		hold(f, flow, wire, f->delay_ms + 20);
	else if (f->delay_ms > 0)
		hold(f, flow, wire, f->delay_ms);
	else
		net_flow_send(flow, wire);
	return true;
}

void fault_done(struct fault *f)
{
	struct list *node;

	while (f->held.next && (node = list_first(&f->held)) != NULL)
		free_held(CONTAINER_OF(node, struct held, node));
}
