/* lib/serve/rule.c -- --reply rules: 'METHOD[ USER]=STATUS[ REASON][;after=T][;retry-after=T]'.
 * Status 0 never answers. */
#include "serve/impl.h"

#include "base/mem.h"
#include "base/scan.h"
#include "sip/build.h"

#include <string.h>

struct rule {
	struct str method, user, reason; /* user empty: any; method "*": any */
	uint32_t status;
	uint64_t after_ms;
	bool has_retry_after;
	uint64_t retry_after_ms;
};

/* An answer that waits for its time. */
struct pending {
	struct list node;
	ev_timer timer;
	struct serve *serve;
	struct transaction *t;
	struct rule rule; /* its texts live in the server's configuration */
};

bool rule_time(struct str text, uint64_t *ms)
{
	static const struct {
		struct str unit;
		uint64_t factor;
	} units[] = {
		{ { "ms", 2 }, 1 },
		{ { "s", 1 }, 1000 },
		{ { "", 0 }, 1000 },
		{ { "m", 1 }, 60000 },
		{ { "h", 1 }, 3600000 },
	};
	struct scan s = scan_str(text);
	uint32_t n;

	if (!scan_u32(&s, 1000000000, &n))
		return false;
	for (unsigned i = 0; i < ARRAY_LEN(units); i++)
		if (str_eq(scan_rest(&s), units[i].unit)) {
			*ms = n * units[i].factor;
			return true;
		}
	return false;
}

static bool parse_option(struct str option, struct rule *r)
{
	struct str name, value;

	if (!str_cut(option, '=', &name, &value))
		return false;
	if (str_eq(name, STR("after")))
		return rule_time(value, &r->after_ms);
	r->has_retry_after = str_eq(name, STR("retry-after"));
	return r->has_retry_after && rule_time(value, &r->retry_after_ms);
}

static bool parse_options(struct str rest, struct rule *r)
{
	struct str option;

	do {
		if (!str_cut(rest, ';', &option, &rest)) {
			option = rest;
			rest = STR_EMPTY;
		}
		if (!parse_option(option, r))
			return false;
	} while (rest.n > 0);
	return true;
}

static bool parse(struct str text, struct rule *r)
{
	struct str what, answer, rest, number;
	struct scan method;

	*r = (struct rule){ 0 };
	if (!sip_build_clean(text) || !str_cut(text, '=', &what, &answer))
		return false;
	if (!str_cut(str_trim(what), ' ', &r->method, &r->user))
		r->method = str_trim(what);
	r->user = str_trim(r->user);
	if (str_cut(answer, ';', &answer, &rest) && !parse_options(rest, r))
		return false;
	if (!str_cut(str_trim(answer), ' ', &number, &r->reason))
		number = str_trim(answer);
	method = scan_str(r->method);
	return scan_run(&method, CH_TOKEN, NULL) && scan_end(&method) &&
	       str_find(r->user, ' ') == r->user.n && str_u32(number, &r->status) &&
	       (r->status == 0 || (r->status >= 100 && r->status < 700));
}

int serve_reply_check(struct str rule, struct fail *f)
{
	struct rule r;

	return parse(rule, &r) ? 0
			       : fail_set(f, -FAIL_ARGUMENT,
					 "\"" STR_FMT "\" is not METHOD[ USER]=STATUS[ "
						      "REASON][;after=T][;retry-after=T]",
					 STR_ARG(rule));
}

static void answer(struct serve *s, struct transaction *t, const struct rule *r)
{
	struct buf h = BUF_INIT(1 << 10);

	if (r->has_retry_after)
		buf_addf(&h, "Retry-After: %u\r\n", (unsigned)((r->retry_after_ms + 999) / 1000));
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
	struct rule r = p->rule;

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

static void answer_later(struct serve *s, struct transaction *t, const struct rule *r)
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

static bool matches(const struct rule *r, const struct sip_msg *m)
{
	struct sip_nameaddr to;

	if (!str_eq(r->method, STR("*")) && !str_eq(r->method, m->method_name))
		return false;
	return r->user.n == 0 || (sip_msg_to(m, &to) && str_eq(to.uri.user, r->user));
}

bool rule_request(struct serve *s, struct transaction *t, struct sip_msg *m)
{
	struct rule r;

	for (unsigned i = 0; i < s->config.reply_count; i++) {
		if (!parse(s->config.replies[i], &r) || !matches(&r, m))
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
