/* tests/fuzz/fuzz_session.c -- calls of an endpoint with a peer that says anything at any time, and
 * with handlers that do anything in any event. No packet leaves: what is sent is taken from
 * dispatch.h's hook, what arrives is handed to the dispatcher, and the clock is ours, so that an
 * input always does the same. What must hold: all that is written can be read and has no faults;
 * a session ends once (R6), at the latest when it was stopped and all timers are over; what was
 * begun within is answered once; no handler of a session runs inside of a call to it (R2); at the
 * end nothing is left in the manager's tables.
 *
 * Input: a byte of configuration, then steps, each up to a NUL; see step(). */
#include "base/mem.h"
#include "endpoint/impl.h"
#include "endpoint/incoming.h"
#include "endpoint/refer.h"
#include "endpoint/session.h"
#include "net/loop.h"
#include "sip/build.h"
#include "sip/param.h"
#include "sip/rack.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CALLS = 12, LINES = 6, SENT = 8, REFERS = 16, STEPS = 60, SENDS = 100000 };

#define SDP                                                                                        \
	"v=0\r\no=p 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"                \
	"m=audio 40000 RTP/AVP 0\r\n"

/* One call as the peer sees it. */
struct line {
	char call_id[128], local[128], remote[256], target[256];
	char tag[64]; /* ours, of its last response */
	unsigned cseq, invite_cseq, branch;
	uint32_t rseq;
};

struct call {
	struct session *s; /* NULL: freed */
	unsigned begun, answered; /* requests within */
	bool used, final;
};

struct transfer {
	struct refer *r;
	struct call *call; /* NULL: outside of any */
	bool used;
};

static struct {
	struct endpoint_manager *m;
	struct endpoint *ep;
	struct media *media;
	struct net_flow *flow;
	struct session_policy policy;
	struct line lines[LINES];
	unsigned line_count;
	struct call calls[CALLS];
	struct transfer refers[REFERS];
	struct sip_msg *sent[SENT]; /* our requests, the newest first */
	struct str actions; /* what the next events do */
	unsigned sends, branches;
	bool quiet, dead;
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

static void keep(char *out, size_t size, struct str s)
{
	size_t n = s.n < size ? s.n : size - 1;

	if (n)
		memcpy(out, s.p, n);
	out[n] = '\0';
}

static void learn(struct line *l, const struct sip_msg *m)
{
	struct sip_list contacts = sip_msg_list(m, SIP_HDR_CONTACT);
	struct sip_nameaddr a;

	if (sip_list_nameaddr(&contacts, &a))
		keep(l->target, sizeof(l->target), a.uri.text);
}

static struct line *line_find(struct str call_id)
{
	for (unsigned i = 0; i < r.line_count; i++)
		if (str_eq(call_id, str_of(r.lines[i].call_id)))
			return &r.lines[i];
	return NULL;
}

static struct line *line_new(void)
{
	struct line *l = &r.lines[r.line_count % LINES];

	if (r.line_count < LINES)
		r.line_count++;
	else
		l = &r.lines[LINES - 1];
	*l = (struct line){ .cseq = 10 };
	return l;
}

static void sent_request(struct sip_msg *m)
{
	struct line *l = line_find(sip_msg_call_id(m));

	sip_msg_unref(r.sent[SENT - 1]);
	memmove(r.sent + 1, r.sent, (SENT - 1) * sizeof(*r.sent));
	r.sent[0] = sip_msg_ref(m);
	if (m->method != SIP_INVITE && m->method != SIP_REFER)
		return;
	if (!l) {
		l = line_new();
		keep(l->call_id, sizeof(l->call_id), sip_msg_call_id(m));
		keep(l->remote, sizeof(l->remote), sip_msg_value(m, SIP_HDR_FROM));
		keep(l->local, sizeof(l->local), STR("<sip:p@127.0.0.1:9>;tag=pa"));
		keep(l->tag, sizeof(l->tag), sip_msg_from_tag(m));
	}
	learn(l, m);
}

static void sent_response(const struct sip_msg *m)
{
	struct line *l = line_find(sip_msg_call_id(m));
	uint32_t rseq;

	if (!l || m->status == 100 || sip_msg_to_tag(m).n == 0)
		return;
	if (l->tag[0] == '\0') {
		keep(l->tag, sizeof(l->tag), sip_msg_to_tag(m));
		keep(l->remote, sizeof(l->remote), sip_msg_value(m, SIP_HDR_TO));
	}
	learn(l, m);
	if (sip_rseq_parse(sip_msg_value(m, SIP_HDR_RSEQ), &rseq))
		l->rseq = rseq;
}

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
		sent_request(m);
	} else {
		assert(m->status < 700);
		sent_response(m);
	}
	sip_msg_unref(m);
	return true;
}

/* ---- what is done with calls ---- */

static void on_call(void *arg, const struct endpoint_event *ev);
static void on_refer(void *arg, const struct endpoint_event *ev);

static struct call *call_new(void)
{
	for (unsigned i = 0; i < CALLS; i++)
		if (!r.calls[i].used) {
			r.calls[i] = (struct call){ .used = true };
			return &r.calls[i];
		}
	return NULL;
}

static struct transfer *transfer_new(struct call *c)
{
	for (unsigned i = 0; i < REFERS; i++)
		if (!r.refers[i].used) {
			r.refers[i] = (struct transfer){ .used = true, .call = c };
			return &r.refers[i];
		}
	return NULL;
}

static void transfer_free(struct transfer *t)
{
	refer_free(t->r);
	*t = (struct transfer){ .used = false };
}

static void call_free(struct call *c)
{
	for (unsigned i = 0; i < REFERS; i++)
		if (r.refers[i].used && r.refers[i].call == c)
			transfer_free(&r.refers[i]);
	session_free(c->s);
	*c = (struct call){ .used = false };
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
	for (unsigned i = 0; i < REFERS; i++)
		if (r.refers[i].used)
			transfer_free(&r.refers[i]);
	for (unsigned i = 0; i < CALLS; i++)
		if (r.calls[i].used)
			call_free(&r.calls[i]);
	endpoint_free(r.ep);
	media_free(r.media);
	if (!manager_first)
		endpoint_manager_free(m);
}

static struct session_policy policy_of(struct call *c)
{
	struct session_policy p = r.policy;

	p.on_event = on_call;
	p.arg = c;
	return p;
}

static void dial(bool late)
{
	struct call *c = call_new();
	struct session_config config = {
		.endpoint = r.ep,
		.target = STR("sip:p@127.0.0.1:9"),
		.late_offer = late,
		.max_forwards = -1,
		.ring_ms = 60000,
		.follow = 2,
	};

	if (!c)
		return;
	config.policy = policy_of(c);
	if (session_start(&config, &c->s, NULL) != 0)
		*c = (struct call){ .used = false };
}

static void refer(struct call *c)
{
	struct transfer *t = transfer_new(c);
	const struct refer_config config = {
		.endpoint = r.ep,
		.session = c ? c->s : NULL,
		.target = STR("sip:p@127.0.0.1:9"),
		.refer_to = STR("sip:q@127.0.0.1:9"),
		.max_forwards = -1,
		.notify_ms = 60000,
		.on_event = on_refer,
		.arg = t,
	};

	if (t && refer_start(&config, &t->r, NULL) != 0)
		*t = (struct transfer){ .used = false };
}

static void change(struct call *c, const struct session_change *what)
{
	c->begun += session_change(c->s, what, NULL) == 0;
}

/* c may be NULL: then what needs none. */
static void act(struct call *c, char action)
{
	bool was = r.quiet;
	struct fail f;

	if (r.dead || (!c && !strchr("dDoxX", action)))
		return;
	r.quiet = true;
	switch (action) {
	case 'a':
		session_accept(c->s, 200, STR_EMPTY, &f);
		break;
	case 'r':
		session_ring(c->s, 180, STR_EMPTY, false, &f);
		break;
	case 'e':
		session_ring(c->s, 183, STR_EMPTY, true, &f);
		break;
	case 'n':
		session_reject(c->s, 486, STR_EMPTY, NULL, 0, &f);
		break;
	case 's':
		session_stop(c->s, STR("SIP;cause=200"));
		break;
	case 'f':
		call_free(c);
		break;
	case 'S': /* both in one event */
		session_stop(c->s, STR_EMPTY);
		call_free(c);
		break;
	case 'h':
		change(c, &(struct session_change){ .direction = SDP_SENDONLY });
		break;
	case 'u':
		change(c, &(struct session_change){ .update = true, .direction = SDP_SENDRECV });
		break;
	case 'l':
		change(c, &(struct session_change){ .no_offer = true });
		break;
	case 'i':
		c->begun += session_send(c->s, STR("INFO"), STR("text/plain"), STR("x"), &f) == 0;
		break;
	case 't':
		refer(c);
		break;
	case 'o':
		refer(NULL);
		break;
	case 'd':
		dial(false);
		break;
	case 'D':
		dial(true);
		break;
	case 'x':
		free_all(false);
		break;
	case 'X':
		free_all(true);
		break;
	default:
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

static void touch_event(const struct endpoint_event *ev)
{
	switch (ev->type) {
	case ENDPOINT_REQUEST:
	case ENDPOINT_RESPONSE:
	case ENDPOINT_UNMATCHED:
		touch(ev->msg->wire);
		break;
	case ENDPOINT_INCOMING:
		touch(ev->incoming->msg->wire);
		break;
	case ENDPOINT_TRANSFER:
		touch(ev->transfer->refer_to);
		touch(ev->transfer->sipfrag);
		if (ev->transfer->msg)
			touch(ev->transfer->msg->wire);
		break;
	case ENDPOINT_SESSION:
		touch(ev->session->call_id);
		touch(ev->session->remote_target);
		touch(ev->session->peer.uri);
		touch(ev->session->reason);
		for (unsigned i = 0; i < ev->session->route_count; i++)
			touch(ev->session->route_set[i]);
		if (ev->session->msg)
			touch(ev->session->msg->wire);
		break;
	case ENDPOINT_ANSWERED:
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

/* A REFER that asks: taken, refused, or left to itself. */
static void decide(struct call *c, const struct endpoint_transfer *what, char action)
{
	struct transfer *t;

	if (!what->received || strcmp(what->state, "pending") != 0)
		return;
	if (action == 'N') {
		refer_decline(what->refer, 486, STR_EMPTY);
	} else if (action == 'A' && (t = transfer_new(c)) != NULL) {
		t->r = what->refer;
		if (refer_accept(what->refer, on_refer, t, NULL) != 0)
			*t = (struct transfer){ .used = false };
	}
}

static void on_refer(void *arg, const struct endpoint_event *ev)
{
	struct transfer *t = arg;
	char action = next_action();

	assert(!r.dead && t->used);
	touch_event(ev);
	if (ev->type == ENDPOINT_DONE || ev->type == ENDPOINT_FAILED || ev->type == ENDPOINT_CLOSED)
		transfer_free(t);
	else if (action == 'f')
		transfer_free(t);
	else if (action == 's')
		refer_stop(t->r);
	else
		act(t->call, action);
}

static void on_call(void *arg, const struct endpoint_event *ev)
{
	struct call *c = arg;
	char action = next_action();

	assert(!r.dead && !r.quiet);
	assert(c->used && c->s && !c->final);
	touch_event(ev);
	switch (ev->type) {
	case ENDPOINT_ANSWERED:
		c->answered++;
		assert(c->answered <= c->begun);
		break;
	case ENDPOINT_TRANSFER:
		decide(c, ev->transfer, action);
		break;
	case ENDPOINT_FAILED:
	case ENDPOINT_CLOSED:
		c->final = true;
		assert(c->answered == c->begun);
		if (action != '-') { /* else it is freed at the end */
			call_free(c);
			return;
		}
		break;
	default:
		break;
	}
	act(c, action);
}

static struct call *any_call(char c)
{
	struct call *one = &r.calls[(unsigned char)c % CALLS];

	return one->used && one->s ? one : NULL;
}

static void on_endpoint(void *arg, const struct endpoint_event *ev)
{
	const struct endpoint_incoming *in = ev->incoming;
	struct session_policy p;
	char action;
	struct call *c;

	(void)arg;
	assert(!r.dead);
	touch_event(ev);
	if (ev->type == ENDPOINT_TRANSFER) {
		decide(NULL, ev->transfer, action = next_action());
		act(NULL, action);
	} else if (ev->type == ENDPOINT_REQUEST) {
		if (r.quiet) /* our CANCEL, inside of session_stop */
			return;
		if (next_action() != '!') /* then a call, and what is done to it */
			return;
		c = any_call(next_action());
		act(c, next_action());
	} else if (ev->type == ENDPOINT_INCOMING && in->request) {
		action = next_action();
		if (action == 'k')
			incoming_keep(in->request);
		else
			act(NULL, action);
	} else if (ev->type == ENDPOINT_INCOMING) {
		action = next_action();
		if (action == '-' || (c = call_new()) == NULL) /* untaken */
			return;
		if (action == 'x' || action == 'X') {
			*c = (struct call){ .used = false };
			act(NULL, action);
			return;
		}
		c->s = in->session;
		p = policy_of(c);
		session_take(c->s, &p);
		act(c, action);
	}
}

/* ---- what arrives ---- */

static void arrive(struct str bytes)
{
	const struct net_event ev = { .type = NET_RECEIVED, .flow = r.flow, .bytes = bytes };

	if (r.dead || bytes.n == 0)
		return;
	dispatch_flow_event(r.m, &ev);
	turn();
}

static struct line *line_at(char c)
{
	return r.line_count ? &r.lines[(unsigned char)c % r.line_count] : NULL;
}

/* {K}: RAck of this call; {Rn}: Replaces of call n; {S}: a description; LF becomes CRLF. */
static void expand(struct buf *b, const struct line *l, struct str text)
{
	for (size_t i = 0; i < text.n; i++) {
		const struct line *other;

		if (text.p[i] == '\n') {
			buf_add_str(b, STR("\r\n"));
		} else if (text.p[i] != '{' || i + 2 >= text.n) {
			buf_add_char(b, text.p[i]);
		} else if (text.p[i + 1] == 'K') {
			buf_addf(b, "%u %u INVITE", l->rseq, l->invite_cseq);
			i += 2;
		} else if (text.p[i + 1] == 'S') {
			buf_add_str(b, STR(SDP));
			i += 2;
		} else if (text.p[i + 1] == 'R' && (other = line_at(text.p[i + 2])) != NULL) {
			buf_addf(b, "%s;to-tag=%s;from-tag=%s", other->call_id, other->tag, "pa");
			i += 3;
		} else {
			buf_add_char(b, text.p[i]);
		}
	}
}

/* The tail of a step: header lines, each with its LF; an empty line, then a body. */
static void finish(struct buf *b, const struct line *l, struct str tail)
{
	struct buf body = BUF_INIT(1 << 16), lines = BUF_INIT(1 << 16);
	size_t cut = 0;

	while (cut < tail.n && !(tail.p[cut] == '\n' && (cut == 0 || tail.p[cut - 1] == '\n')))
		cut++;
	expand(&lines, l, str_sub(tail, 0, cut));
	expand(&body, l, str_sub(tail, cut < tail.n ? cut + 1 : cut, tail.n));
	buf_add_str(b, buf_str(&lines));
	if (lines.n > 0 && lines.p[lines.n - 1] != '\n')
		buf_add_str(b, STR("\r\n"));
	if (body.n > 0)
		buf_add_str(b, STR("Content-Type: application/sdp\r\n"));
	buf_addf(b, "Content-Length: %zu\r\n\r\n", body.n);
	buf_add_str(b, buf_str(&body));
	buf_done(&body);
	buf_done(&lines);
	if (b->fail == 0)
		arrive(buf_str(b));
}

static const char *method_of(char c)
{
	static const char *const names[] = { "ACK", "BYE", "CANCEL", "PRACK", "UPDATE", "INVITE",
		"MESSAGE", "NOTIFY", "REFER", "SUBSCRIBE", "OPTIONS", "INFO", "FOO", "BENOTIFY" };

	for (unsigned i = 0; i < ARRAY_LEN(names); i++)
		if (names[i][0] == c)
			return names[i];
	return names[(unsigned char)c % ARRAY_LEN(names)];
}

static void request(struct line *l, const char *method, struct str tail)
{
	struct buf b = BUF_INIT(1 << 17);
	bool invite = strcmp(method, "INVITE") == 0, ack = strcmp(method, "ACK") == 0,
	     cancel = strcmp(method, "CANCEL") == 0;
	unsigned cseq = ack || cancel ? l->invite_cseq : ++l->cseq;
	unsigned branch = cancel ? l->branch : ++r.branches;

	if (invite) {
		l->invite_cseq = cseq;
		l->branch = branch;
	}
	buf_addf(&b, "%s %s SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK%u;rport\r\n",
		method, l->target, branch);
	buf_addf(&b, "Max-Forwards: 70\r\nFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %u %s\r\n",
		l->local, l->remote, l->call_id, cseq, method);
	if (!memmem(tail.p ? tail.p : "", tail.n, "Contact", 7))
		buf_addf(&b, "Contact: <sip:p@127.0.0.1:9>\r\n");
	finish(&b, l, tail);
	buf_done(&b);
}

/* Outside of any dialog. */
static void first_request(const char *method, struct str tail)
{
	struct line *l = line_new();

	snprintf(l->call_id, sizeof(l->call_id), "c%u", r.branches);
	snprintf(l->local, sizeof(l->local), "<sip:p@peer.test>;tag=pa");
	snprintf(l->remote, sizeof(l->remote), "<sip:us@example.test>");
	snprintf(l->target, sizeof(l->target), "sip:us@example.test");
	request(l, method, tail);
}

/* n, three digits, a letter for the To tag; '0' for none. */
static void response(struct str s)
{
	struct buf b = BUF_INIT(1 << 17);
	const struct sip_msg *m;
	struct sip_response resp = { 0 };
	struct line none = { .cseq = 0 }, *l;
	char tag[3] = "pa";
	uint32_t status;

	if (s.n < 5 || !(m = r.sent[(unsigned char)s.p[0] % SENT]) ||
		!str_u32(str_sub(s, 1, 4), &status) || status < 100 || status > 699)
		return;
	tag[1] = scan_is(s.p[4], CH_TOKEN) ? s.p[4] : 'a';
	resp.status = status;
	if (s.p[4] != '0')
		resp.to_tag = str_of(tag);
	sip_build_response(&b, m, &resp);
	s = str_sub(s, 5, s.n);
	if (!memmem(s.p ? s.p : "", s.n, "Contact", 7))
		buf_addf(&b, "Contact: <sip:p@127.0.0.1:9>\r\n");
	l = line_find(sip_msg_call_id(m));
	finish(&b, l ? l : &none, s);
	buf_done(&b);
}

/* I tail: the peer calls. O method tail: another first request. Q line method tail: within a
 * dialog. P n status tag tail: an answer to our n-th last request. W byte: time passes. H actions:
 * what the next events do. D call actions: now. Z: these bytes arrive. */
static void step(struct str s)
{
	char kind = s.n ? s.p[0] : '\0';
	struct line *l;

	s = str_sub(s, s.n > 0, s.n);
	switch (kind) {
	case 'I':
		first_request("INVITE", s);
		break;
	case 'O':
		if (s.n > 0)
			first_request(method_of(s.p[0]), str_sub(s, 1, s.n));
		break;
	case 'Q':
		if (s.n > 1 && (l = line_at(s.p[0])) != NULL)
			request(l, method_of(s.p[1]), str_sub(s, 2, s.n));
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
	case 'H':
		r.actions = s;
		break;
	case 'D':
		for (size_t i = 1; i < s.n && i < 6; i++)
			act(any_call(s.p[0]), s.p[i]);
		turn();
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
	struct net_target target = { .transport = NET_UDP, .host = STR("127.0.0.1") };
	struct endpoint_config ec = {
		.kind = ENDPOINT_PEER_TO_PEER,
		.aor = STR("sip:us@example.test"),
		.any_to = true,
		.transport = -1,
		.methods = STR("INVITE,MESSAGE,INFO,OPTIONS,REFER"),
		.on_event = on_endpoint,
	};
	int e;

	memset(&r, 0, sizeof(r));
	now_ms = 1000000;
	dice = 1;
	e = endpoint_manager_new(&mc, &r.m, NULL);
	assert(e == 0);
	e = endpoint_manager_listen(r.m, STR("udp:127.0.0.1:0"), NULL);
	assert(e == 0);
	endpoint_manager_on_send(r.m, on_send, NULL);
	ec.manager = r.m;
	e = endpoint_new(&ec, &r.ep, NULL);
	assert(e == 0);
	e = media_new(&(struct media_config){ .manager = r.m,
			      .kind = how & 1 ? MEDIA_NONE : MEDIA_BUILT_IN },
		&r.media, NULL);
	assert(e == 0);
	net_addr_parse(STR("127.0.0.1"), 9, &target.addr);
	e = manager_flow(r.m, &target, &r.flow, NULL);
	assert(e == 0);
	r.policy = (struct session_policy){
		.media = r.media,
		.reliable = (enum session_100rel)((how >> 1 & 3) % 3),
		.expires = how & 8 ? 90 : 0,
		.refresher = (enum session_refresher)((how >> 4 & 3) % 3),
		.reinvite_status = how & 64 ? 488 : 0,
	};
	turn();
}

/* R6: what was stopped ends, once. */
static void stop_all(void)
{
	r.actions = STR_EMPTY;
	r.quiet = true;
	for (unsigned i = 0; i < CALLS; i++)
		if (r.calls[i].used && !r.calls[i].final)
			session_stop(r.calls[i].s, STR_EMPTY);
	r.quiet = false;
	for (unsigned i = 0; i < 150; i++)
		pass(1000);
	for (unsigned i = 0; i < CALLS; i++)
		assert(!r.calls[i].used || r.calls[i].final);
	for (unsigned i = 0; i < CALLS; i++)
		if (r.calls[i].used)
			call_free(&r.calls[i]);
	for (unsigned i = 0; i < REFERS; i++)
		if (r.refers[i].used)
			transfer_free(&r.refers[i]);
	incoming_abandon_all(r.ep); /* those that were kept */
	for (unsigned i = 0; i < 50; i++)
		pass(5000);
	assert(r.m->client_txs.count == 0 && r.m->server_txs.count == 0);
	assert(r.m->dialogs.count == 0 && r.m->server_bytes == 0 && r.m->waiting == 0);
	assert(list_empty(&r.ep->sessions) && list_empty(&r.ep->requests));
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
