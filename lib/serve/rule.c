/* lib/serve/rule.c -- requests that a --reply rule answers (endpoint/reply.h) */
#include "serve/impl.h"

#include "base/mem.h"
#include "endpoint/reply.h"

/* An answer that waits for its time. */
struct pending {
	struct list node;
	ev_timer timer;
	struct serve *serve;
	struct transaction *t;
	struct reply rule; /* its texts live in the server's configuration */
};

int serve_reply_check(struct str rule, struct fail *f)
{
	struct reply r;

	return reply_parse(rule, &r, f);
}

static void answer(struct serve *s, struct transaction *t, const struct reply *r)
{
	struct buf h = BUF_INIT(1 << 10);

	if (r->has_retry_after)
		buf_addf(&h, "Retry-After: %u\r\n", r->retry_after);
	if (r->status == 401 || r->status == 407)
		buf_addf(&h,
			"%s: Digest realm=\"" STR_FMT
			"\", nonce=\"%u\", algorithm=MD5, qop=\"auth\"\r\n",
			r->status == 401 ? "WWW-Authenticate" : "Proxy-Authenticate",
			STR_ARG(s->config.realm), (unsigned)(net_now_us() & 0xffffffffU));
	serve_answer(s, t, r->status, r->reason, buf_str(&h));
	buf_done(&h);
	if (r->status < 200)
		transaction_free(t); /* nobody says more */
}

static void free_pending(struct pending *p)
{
	ev_timer_stop(endpoint_loop(), &p->timer);
	list_del(&p->node);
	mem_free(p);
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct pending *p = CONTAINER_OF(w, struct pending, timer);
	struct transaction *t = p->t;
	struct serve *s = p->serve;
	struct reply r = p->rule;

	(void)loop;
	(void)revents;
	free_pending(p);
	answer(s, t, &r);
}

void rule_done(struct serve *s)
{
	struct list *node;

	while ((node = list_first(&s->pending)) != NULL) {
		struct pending *p = CONTAINER_OF(node, struct pending, node);

		transaction_free(p->t);
		free_pending(p);
	}
}

static void answer_later(struct serve *s, struct transaction *t, const struct reply *r)
{
	struct pending *p = MEM_NEW(struct pending);

	list_init(&p->node);
	list_add(&s->pending, &p->node);
	p->serve = s;
	p->t = t;
	p->rule = *r;
	ev_init(&p->timer, on_timer);
	net_timer_set(endpoint_loop(), &p->timer, net_now_ms() + r->after_ms);
}

bool rule_request(struct serve *s, struct transaction *t, struct sip_msg *m)
{
	struct reply r;

	for (unsigned i = 0; i < s->config.reply_count; i++) {
		if (reply_parse(s->config.replies[i], &r, NULL) != 0 || !reply_matches(&r, m))
			continue;
		if (r.status == 0)
			transaction_free(
				t); /* silent: it lives on and swallows the retransmissions */
		else if (r.after_ms > 0)
			answer_later(s, t, &r);
		else
			answer(s, t, &r);
		return true;
	}
	return false;
}
