/* lib/serve/fault.c -- what goes wrong on the way out: drop, delay, duplicate, reorder, truncate, a
 * session description that is none; and what goes wrong in security associations.
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

/* "unsigned" "badsign", from the first message or from the N-th after */
static bool parse_sign(struct str text, const char *name, bool *on, uint32_t *after)
{
	struct str word = text, count = STR_EMPTY;
	bool has_count = str_cut(text, ':', &word, &count);

	*after = 0;
	return str_eq(word, str_of(name)) && (!has_count || str_u32(count, after)) && (*on = true);
}

static bool parse(struct str text, struct fault *f)
{
	static const char *const names[] = { "drop", "dup", "reorder" };
	unsigned *const values[] = { &f->drop, &f->dup, &f->reorder };
	struct str name, value;
	uint32_t n;

	if (str_eq(text, STR("truncate")))
		return f->truncate = true;
	if (str_eq(text, STR("badsdp")))
		return f->bad_sdp = true;
	if (str_eq(text, STR("endless")))
		return f->endless = true;
	if (str_eq(text, STR("weak")))
		return f->weak = true;
	if (parse_sign(text, "unsigned", &f->no_sign, &f->no_sign_after) ||
		parse_sign(text, "badsign", &f->bad_sign, &f->bad_sign_after))
		return true;
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
					 "\" is not drop:P, dup:P, reorder:P, delay:T, truncate, "
					 "badsdp, unsigned[:N], badsign[:N], endless or weak",
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

/* The port of each m= line becomes a word of the same length, which RFC 8866 9 does not allow: what
 * Content-Length says stays true. Other bodies are left alone. */
static void spoil_sdp(char *p, size_t n)
{
	struct str body = { p, n }, line, rest;
	size_t at, from, to;

	at = (size_t)((const char *)memmem(p, n, "\r\n\r\n", 4) - p) + 4;
	for (rest = str_sub(body, at, n); rest.n > 0; at = n - rest.n) {
		if (!str_cut(rest, '\n', &line, &rest)) {
			line = rest;
			rest = STR_EMPTY;
		}
		if (!str_starts(line, STR("m=")))
			continue;
		from = str_find(line, ' ') + 1;
		to = from < line.n ? from + str_find(str_sub(line, from, line.n), ' ') : from;
		for (size_t i = from; i < to; i++)
			p[at + i] = 'x';
	}
}

static bool has_sdp(struct str wire)
{
	const char *body = memmem(wire.p, wire.n, "\r\n\r\nv=0", 7);

	return body && body == memmem(wire.p, wire.n, "\r\n\r\n", 4);
}

/* Messages over a stream are never reordered in themselves: each goes whole, later than the next.
 */
static void send_spoiled(struct fault *f, struct net_flow *flow, struct str wire)
{
	if (draw(f) < f->drop)
		return;
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
}

bool fault_send(void *arg, struct net_flow *flow, struct str wire)
{
	struct fault *f = &((struct serve *)arg)->fault;
	char *copy;

	if (!f->bad_sdp || !has_sdp(wire)) {
		send_spoiled(f, flow, wire);
		return true;
	}
	copy = mem_strndup(wire.p, wire.n);
	spoil_sdp(copy, wire.n);
	send_spoiled(f, flow, (struct str){ copy, wire.n });
	mem_free(copy);
	return true;
}

void fault_done(struct fault *f)
{
	struct list *node;

	while (f->held.next && (node = list_first(&f->held)) != NULL)
		free_held(CONTAINER_OF(node, struct held, node));
}
