/* tests/fuzz/fuzz_subscription.c -- subscriptions and publications of an endpoint with notifiers
 * and servers that say anything at any time, and with handlers that do anything in any event. No
 * packet leaves: what is sent is taken from dispatch.h's hook, what arrives is handed to the
 * dispatcher, and the clock is ours, so that an input always does the same. What must hold: all
 * that is written can be read and has no faults; each ends once (R6), at the latest when it was
 * stopped and all timers are over, and says how it may; no handler runs inside of a call (R2);
 * nobody who only listens makes us send without end; at the end nothing is left in the manager's
 * tables.
 *
 * Input: a byte of configuration, then steps, each up to a NUL; see step(). */
#include "base/mem.h"
#include "base/tree.h"
#include "endpoint/impl.h"
#include "endpoint/publication.h"
#include "endpoint/subscription.h"
#include "net/loop.h"
#include "sip/build.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { THINGS = 10, SENT = 8, STEPS = 60, SENDS = 20000 };

struct thing { /* one subscription or publication */
	struct subscription *s;
	struct publication *p;
	bool used, final, stopped, once; /* once: it may end with DONE */
};

static struct {
	struct endpoint_manager *m;
	struct endpoint *ep;
	struct net_flow *flow;
	struct thing things[THINGS];
	struct sip_msg *sent[SENT]; /* our requests, the newest first */
	struct str actions; /* what the next events do */
	unsigned sends, branches, cseq, closed;
	uint8_t how;
	bool quiet, dead, stopping;
} r;

/* ---- a clock and random numbers that repeat ---- */

static bool inside;
static uint64_t now_ms, dice;

int clock_gettime(clockid_t id, struct timespec *t)
{
	if (!inside || id != CLOCK_MONOTONIC) /* the fuzzer has a watchdog */
		return (int)syscall(SYS_clock_gettime, id, t);
	t->tv_sec = (time_t)(now_ms / 1000);
	t->tv_nsec = (long)(now_ms % 1000) * 1000000;
	return 0;
}

/* The loop is never behind its clock. */
ev_tstamp ev_time(void)
{
	return ev_now(net_loop());
}

ssize_t getrandom(void *to, size_t n, unsigned flags)
{
	unsigned char *p = to;

	(void)flags;
	for (size_t i = 0; i < n; i++) {
		dice = dice * 6364136223846793005u + 1442695040888963407u;
		p[i] = (unsigned char)(dice >> 56);
	}
	return (ssize_t)n;
}

static void turn(void)
{
	for (int i = 0; i < 4; i++)
		ev_run(net_loop(), EVRUN_NOWAIT);
}

static void pass(unsigned ms)
{
	now_ms += ms;
	turn();
}

/* ---- what is sent ---- */

static bool on_send(void *arg, struct net_flow *flow, struct str wire)
{
	struct sip_msg *m;
	unsigned status = 0;
	bool ok;

	(void)arg;
	(void)flow;
	assert(++r.sends < SENDS);
	ok = sip_msg_parse(wire, NULL, &m, NULL) == 0;
	assert(ok);
	if (m->request) {
		enum sip_verdict v = sip_msg_check(m, true, &status, NULL);
		assert(v == SIP_ACCEPT);
		sip_msg_unref(r.sent[SENT - 1]);
		memmove(r.sent + 1, r.sent, (SENT - 1) * sizeof(*r.sent));
		r.sent[0] = sip_msg_ref(m);
	} else {
		assert(m->status < 700);
	}
	sip_msg_unref(m);
	return true;
}

/* ---- what is done with them ---- */

static void on_thing(void *arg, const struct endpoint_event *ev);

static struct thing *thing_new(void)
{
	for (unsigned i = 0; i < THINGS; i++)
		if (!r.things[i].used) {
			r.things[i] = (struct thing){ .used = true };
			return &r.things[i];
		}
	return NULL;
}

static void thing_free(struct thing *t)
{
	subscription_free(t->s);
	publication_free(t->p);
	*t = (struct thing){ .used = false };
}

static void thing_stop(struct thing *t)
{
	t->stopped = true;
	if (t->s)
		subscription_stop(t->s);
	else
		publication_stop(t->p);
}

static void free_all(bool manager_first)
{
	struct endpoint_manager *m = r.m;

	if (r.dead)
		return;
	r.dead = true;
	net_flow_unref(r.flow);
	if (manager_first)
		endpoint_manager_free(m);
	for (unsigned i = 0; i < THINGS; i++)
		if (r.things[i].used)
			thing_free(&r.things[i]);
	endpoint_free(r.ep);
	if (!manager_first)
		endpoint_manager_free(m);
}

static void subscribe(bool fetch)
{
	static const char *const events[] = { "presence", "dialog;id=7", "reg", "x-other" };
	static const struct str members[] = { STR("sip:a@example.test"), STR("sip:b&<@x") };
	const struct subscription_extra extra = { .type = STR("text/x"), .body = STR("extra") };
	struct thing *t = thing_new();
	struct subscription_config c = {
		.endpoint = r.ep,
		.target = STR("sip:p@127.0.0.1:9"),
		.event = str_of(events[r.how & 3]),
		.expires = r.how & 4 ? 60 : 4000,
		.fetch = fetch,
		.decode = true,
		.give_up = r.how & 8,
		.members = members,
		.member_count = r.how & 16 ? 2 : 0,
		.suppress = r.how & 32 ? STR("*") : STR_EMPTY,
		.recover_ms = r.how & 64 ? 5000 : 0,
		.max_forwards = -1,
		.follow = 2,
		.on_event = on_thing,
		.arg = t,
	};

	if (!t)
		return;
	c.extra[SUBSCRIPTION_REFRESH] = extra;
	t->once = fetch;
	if (subscription_start(&c, &t->s, NULL) != 0)
		*t = (struct thing){ .used = false };
}

static void publish(bool keep)
{
	struct thing *t = thing_new();
	const struct publication_config c = {
		.endpoint = r.ep,
		.target = STR("sip:p@127.0.0.1:9"),
		.event = STR("presence"),
		.expires = r.how & 4 ? 60 : 4000,
		.type = STR("text/x"),
		.body = r.how & 8 ? STR_EMPTY : STR("state"),
		.etag = r.how & 16 || r.how & 8 ? STR("old") : STR_EMPTY,
		.keep = keep,
		.leave = r.how & 32,
		.remove = !keep && r.how & 16,
		.recover_ms = r.how & 64 ? 5000 : 0,
		.max_forwards = -1,
		.follow = 2,
		.on_event = on_thing,
		.arg = t,
	};

	if (!t)
		return;
	t->once = !keep;
	if (publication_start(&c, &t->p, NULL) != 0)
		*t = (struct thing){ .used = false };
}

/* t may be NULL: then what needs none. */
static void act_on(struct thing *t, char action)
{
	const struct subscription_extra extra = { .type = STR("text/x"), .body = STR("update") };

	switch (action) {
	case 'x':
		thing_stop(t);
		break;
	case 'X':
		thing_free(t);
		break;
	case 'b': /* both in one event */
		thing_stop(t);
		thing_free(t);
		break;
	case 'r':
		if (t->s)
			subscription_refresh(t->s);
		else
			publication_refresh(t->p);
		break;
	case 'u':
		if (t->s)
			subscription_update(t->s, &extra, NULL);
		else
			publication_modify(t->p, STR("text/x"), STR("new"), NULL);
		break;
	default:
		break;
	}
}

static void act(struct thing *t, char action)
{
	bool was = r.quiet;

	if (r.dead)
		return;
	r.quiet = true;
	switch (action) {
	case 's':
	case 'f':
		subscribe(action == 'f');
		break;
	case 'p':
	case 'o':
		publish(action == 'p');
		break;
	case 'e':
		r.stopping = true;
		for (unsigned i = 0; i < THINGS; i++)
			r.things[i].stopped = true;
		endpoint_stop(r.ep);
		break;
	case 'L': /* the connection is gone */
		subscription_flow_lost(r.ep, r.flow);
		break;
	case 'G': /* the registration is back */
		subscription_registered(r.ep);
		break;
	case 'k':
		free_all(false);
		break;
	case 'K':
		free_all(true);
		break;
	default:
		if (t && t->used && (t->s || t->p))
			act_on(t, action);
		break;
	}
	r.quiet = was;
}

static char next_action(void)
{
	char a = '.';

	if (r.actions.n > 0) {
		a = r.actions.p[0];
		r.actions = str_sub(r.actions, 1, r.actions.n);
	}
	return a;
}

/* ---- handlers ---- */

static void touch(struct str s)
{
	static volatile char sink;

	for (size_t i = 0; i < s.n; i++)
		sink = s.p[i];
	(void)sink;
}

static void touch_tree(const struct tree *t)
{
	if (!t)
		return;
	touch(t->name);
	touch(t->text);
	for (const struct tree *one = t->first; one; one = one->next)
		touch_tree(one);
}

static void touch_subscription(const struct endpoint_subscription *e)
{
	bool over = strcmp(e->state, "terminated") == 0;

	assert(over == (strcmp(e->cause, "unsubscribed") == 0 || strcmp(e->cause, "ended") == 0 ||
			       strcmp(e->cause, "lost") == 0));
	touch(e->uri);
	touch(e->event);
	touch(e->reason);
	touch(e->call_id);
	if (e->msg)
		touch(e->msg->wire);
}

static void touch_notify(const struct endpoint_notify *n)
{
	touch(n->uri);
	touch(n->state);
	touch(n->reason);
	touch(n->etag);
	touch(n->msg->wire);
	touch_tree(n->body);
	touch_tree(n->whole);
	assert(!n->malformed || !n->body);
}

static void touch_event(const struct endpoint_event *ev)
{
	switch (ev->type) {
	case ENDPOINT_REQUEST:
	case ENDPOINT_RESPONSE:
	case ENDPOINT_UNMATCHED:
		touch(ev->msg->wire);
		break;
	case ENDPOINT_SUBSCRIPTION:
		touch_subscription(ev->subscription);
		break;
	case ENDPOINT_NOTIFY:
		touch_notify(ev->notify);
		break;
	case ENDPOINT_PUBLICATION:
		touch(ev->publication->aor);
		touch(ev->publication->etag);
		if (ev->publication->msg)
			touch(ev->publication->msg->wire);
		break;
	case ENDPOINT_RETRY:
		touch(ev->retry->detail);
		break;
	case ENDPOINT_DONE:
	case ENDPOINT_FAILED:
	case ENDPOINT_CLOSED:
		if (ev->result && ev->result->response)
			touch(ev->result->response->wire);
		break;
	default:
		break;
	}
}

static void check_final(struct thing *t, const struct endpoint_event *ev)
{
	t->final = true;
	if (ev->type == ENDPOINT_DONE)
		assert(t->once && ev->result && ev->result->fail.code == 0);
	else if (ev->type == ENDPOINT_FAILED)
		assert(ev->result && ev->result->fail.code < 0);
	else
		assert(t->stopped);
}

static void on_thing(void *arg, const struct endpoint_event *ev)
{
	struct thing *t = arg;
	char action = next_action();

	assert(!r.dead && !r.quiet);
	assert(t->used && (t->s || t->p) && !t->final);
	touch_event(ev);
	if (ev->type == ENDPOINT_DONE || ev->type == ENDPOINT_FAILED ||
		ev->type == ENDPOINT_CLOSED) {
		check_final(t, ev);
		if (action != '-') { /* else it is freed at the end */
			thing_free(t);
			act(NULL, action);
			return;
		}
	}
	act(t, action);
}

static struct thing *any_thing(char c)
{
	return &r.things[(unsigned char)c % THINGS];
}

static void on_endpoint(void *arg, const struct endpoint_event *ev)
{
	(void)arg;
	assert(!r.dead);
	touch_event(ev);
	if (ev->type == ENDPOINT_CLOSED) {
		assert(r.stopping && ++r.closed == 1);
		for (unsigned i = 0; i < THINGS; i++)
			assert(!r.things[i].used || r.things[i].final);
	} else if (ev->type == ENDPOINT_REQUEST && !r.quiet && next_action() == '!') {
		struct thing *t = any_thing(next_action());
		act(t, next_action());
	}
}

/* ---- what arrives ---- */

/* What is idle for too long is closed: then there is another one. */
static struct net_flow *flow_now(void)
{
	struct net_target target = { .transport = NET_UDP, .host = STR("127.0.0.1") };
	int e;

	if (r.flow && !net_flow_info(r.flow)->closed)
		return r.flow;
	net_flow_unref(r.flow);
	net_addr_parse(STR("127.0.0.1"), 9, &target.addr);
	e = manager_flow(r.m, &target, &r.flow, NULL);
	assert(e == 0);
	return r.flow;
}

static void arrive(struct str bytes)
{
	struct net_event ev = { .type = NET_RECEIVED, .bytes = bytes };

	if (r.dead || bytes.n == 0)
		return;
	ev.flow = flow_now();
	dispatch_flow_event(r.m, &ev);
	turn();
}

/* LF becomes CRLF. */
static void expand(struct buf *b, struct str text)
{
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] == '\n')
			buf_add_str(b, STR("\r\n"));
		else
			buf_add_char(b, text.p[i]);
}

/* The tail of a step: header lines, each with its LF; an empty line, then a body. */
static void finish(struct buf *b, struct str tail)
{
	struct buf body = BUF_INIT(1 << 16);
	size_t cut = 0;

	while (cut < tail.n && !(tail.p[cut] == '\n' && (cut == 0 || tail.p[cut - 1] == '\n')))
		cut++;
	expand(b, str_sub(tail, 0, cut));
	if (cut > 0 && tail.p[cut - 1] != '\n')
		buf_add_str(b, STR("\r\n"));
	expand(&body, str_sub(tail, cut < tail.n ? cut + 1 : cut, tail.n));
	buf_addf(b, "Content-Length: %zu\r\n\r\n", body.n);
	buf_add_str(b, buf_str(&body));
	buf_done(&body);
	if (b->fail == 0)
		arrive(buf_str(b));
}

static const char *method_of(char c)
{
	static const char *const names[] = { "NOTIFY", "BENOTIFY", "SUBSCRIBE", "OPTIONS", "CANCEL",
		"MESSAGE" };

	for (unsigned i = 0; i < ARRAY_LEN(names); i++)
		if (names[i][0] == c)
			return names[i];
	return c == 'Y' ? "BYE" : "NOTIFY";
}

static char tag_of(char c)
{
	return scan_is(c, CH_TOKEN) ? c : 'a';
}

/* Which of our last requests, a letter for the tag of who speaks, a letter for the method, tail. A
 * capital tag: with the number of the request before. */
static void request(struct str s)
{
	struct buf b = BUF_INIT(1 << 17);
	struct sip_list contacts;
	struct sip_nameaddr a = { .star = false };
	const struct sip_msg *m;
	const char *method;
	struct str to;

	if (s.n < 3 || !(m = r.sent[(unsigned char)s.p[0] % SENT]))
		return;
	method = method_of(s.p[2]);
	contacts = sip_msg_list(m, SIP_HDR_CONTACT);
	to = sip_msg_value(m, SIP_HDR_TO);
	r.cseq += s.p[1] < 'A' || s.p[1] > 'Z';
	buf_addf(&b, "%s " STR_FMT " SIP/2.0\r\n", method,
		STR_ARG(sip_list_nameaddr(&contacts, &a) ? a.uri.text : STR("sip:us@x")));
	buf_addf(&b, "Via: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK%u;rport\r\n", ++r.branches);
	buf_addf(&b, "From: " STR_FMT, STR_ARG(to));
	if (sip_msg_to_tag(m).n == 0)
		buf_addf(&b, ";tag=p%c", tag_of(s.p[1]));
	buf_addf(&b, "\r\nTo: " STR_FMT "\r\nCall-ID: " STR_FMT "\r\nCSeq: %u %s\r\n",
		STR_ARG(sip_msg_value(m, SIP_HDR_FROM)), STR_ARG(sip_msg_call_id(m)), r.cseq,
		method);
	buf_add_str(&b, STR("Max-Forwards: 70\r\nContact: <sip:p@127.0.0.1:9>\r\n"));
	finish(&b, str_sub(s, 3, s.n));
	buf_done(&b);
}

/* Which of our last requests, three digits, a letter for the To tag; '0' for none. */
static void response(struct str s)
{
	struct buf b = BUF_INIT(1 << 17);
	struct sip_response resp = { .status = 0 };
	const struct sip_msg *m;
	char tag[3] = "pa";
	uint32_t status;

	if (s.n < 5 || !(m = r.sent[(unsigned char)s.p[0] % SENT]) ||
		!str_u32(str_sub(s, 1, 4), &status) || status < 100 || status > 699)
		return;
	tag[1] = tag_of(s.p[4]);
	resp.status = status;
	if (s.p[4] != '0')
		resp.to_tag = str_of(tag);
	sip_build_response(&b, m, &resp);
	s = str_sub(s, 5, s.n);
	if (!memmem(s.p ? s.p : "", s.n, "Contact", 7))
		buf_addf(&b, "Contact: <sip:p@127.0.0.1:9>\r\n");
	finish(&b, s);
	buf_done(&b);
}

/* Q n tag method tail: a request to us. P n status tag tail: an answer to our n-th last request. W
 * byte: time passes, T byte: a lot of it. H actions: what the next events do. D thing actions: now.
 * C byte: what is begun from now on is of this kind. Z: these bytes arrive. */
static void step(struct str s)
{
	char kind = s.n ? s.p[0] : '\0';

	s = str_sub(s, s.n > 0, s.n);
	switch (kind) {
	case 'Q':
		request(s);
		break;
	case 'P':
		response(s);
		break;
	case 'W':
		for (unsigned ms = s.n ? 1u << ((unsigned char)s.p[0] % 18) : 0; ms && !r.dead;) {
			pass(ms < 500 ? ms : 500);
			ms -= ms < 500 ? ms : 500;
		}
		break;
	case 'T':
		for (unsigned n = s.n ? (unsigned char)s.p[0] : 0; n && !r.dead; n--)
			pass(20000);
		break;
	case 'H':
		r.actions = s;
		break;
	case 'D':
		for (size_t i = 1; i < s.n && i < 6; i++)
			act(any_thing(s.p[0]), s.p[i]);
		turn();
		break;
	case 'C':
		r.how = s.n ? (uint8_t)s.p[0] : 0;
		break;
	case 'Z':
		arrive(s);
		break;
	default:
		break;
	}
}

/* ---- the whole ---- */

static void begin(uint8_t how)
{
	const struct endpoint_manager_config mc = { .kind = NET_SERVER };
	struct endpoint_config ec = {
		.kind = ENDPOINT_PEER_TO_PEER,
		.aor = STR("sip:us@example.test"),
		.any_to = true,
		.transport = -1,
		.on_event = on_endpoint,
	};
	int e;

	memset(&r, 0, sizeof(r));
	now_ms = 1000000;
	dice = 1;
	r.how = how;
	r.cseq = 10;
	e = endpoint_manager_new(&mc, &r.m, NULL);
	assert(e == 0);
	e = endpoint_manager_listen(r.m, STR("udp:127.0.0.1:0"), NULL);
	assert(e == 0);
	endpoint_manager_on_send(r.m, on_send, NULL);
	ec.manager = r.m;
	e = endpoint_new(&ec, &r.ep, NULL);
	assert(e == 0);
	flow_now();
	turn();
}

/* R6: what was stopped ends, once. */
static void stop_all(void)
{
	r.actions = STR_EMPTY;
	r.quiet = true;
	for (unsigned i = 0; i < THINGS; i++)
		if (r.things[i].used && !r.things[i].final)
			thing_stop(&r.things[i]);
	r.quiet = false;
	for (unsigned i = 0; i < 150; i++)
		pass(1000);
	for (unsigned i = 0; i < THINGS; i++) {
		assert(!r.things[i].used || r.things[i].final);
		if (r.things[i].used)
			thing_free(&r.things[i]);
	}
	for (unsigned i = 0; i < 50; i++)
		pass(5000);
	assert(!r.stopping || r.closed == 1);
	assert(r.m->client_txs.count == 0 && r.m->server_txs.count == 0);
	assert(r.m->dialogs.count == 0 && r.m->server_bytes == 0 && r.m->waiting == 0);
	assert(list_empty(&r.ep->subscriptions) && list_empty(&r.ep->publications));
	assert(list_empty(&r.ep->requests));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = { (const char *)data + 1, size ? size - 1 : 0 }, one;

	if (size == 0)
		return 0;
	inside = true;
	begin(data[0]);
	for (unsigned i = 0; i < STEPS && rest.n > 0 && !r.dead; i++) {
		if (!str_cut(rest, '\0', &one, &rest)) {
			one = rest;
			rest = STR_EMPTY;
		}
		step(one);
	}
	if (!r.dead)
		stop_all();
	free_all(false);
	for (unsigned i = 0; i < SENT; i++)
		sip_msg_unref(r.sent[i]);
	turn();
	inside = false;
	return 0;
}
