/* tests/unit/call_rig.h -- calls for the tests of lib/endpoint/session: what the handler of a
 * session hears, and the other end of the call, played by hand on a scripted peer. Include it after
 * cmocka.h. */
#ifndef CALL_RIG_H
#define CALL_RIG_H

#include "peer_rig.h"

#include "endpoint/incoming.h"
#include "endpoint/session.h"

#include <sys/syscall.h>
#include <time.h>

/* Runs the loop until it is so. */
#define till(cond)                                                                                 \
	do {                                                                                       \
		double till_end = rig_ms() + PEER_MS;                                              \
		while (!(cond)) {                                                                  \
			if (rig_ms() > till_end)                                                   \
				fail_msg("%s:%d: never: %s", __func__, __LINE__, #cond);           \
			rig_idle(1);                                                               \
		}                                                                                  \
	} while (0)

#ifdef CALL_RIG_CLOCK
/* ---- The clock of this process, which can be put ahead: the times of RFC 4028 are minutes ---- */

static time_t clock_ahead;

int clock_gettime(clockid_t id, struct timespec *t)
{
	int e = (int)syscall(SYS_clock_gettime, id, t);

	t->tv_sec += clock_ahead;
	return e;
}

/* Seconds pass; then what is due happens. What is under way arrives before. */
static inline void clock_skip(unsigned seconds)
{
	rig_idle(10);
	clock_ahead += (time_t)seconds;
	rig_idle(30);
}
#endif

/* ---- A session and what its handler hears ---- */

struct rig;

struct call {
	struct heard heard;
	struct rig *rig;
	struct session *s;

	char states[16384]; /* " trying early confirmed/hold terminated/local-bye", an extra one
			      with '+' */
	unsigned extra; /* states of extra dialogs */
	unsigned ids[16], id_count; /* of its dialogs, each once */
	char timers[512]; /* " negotiated:uac:local:1800 refreshed:UPDATE:..." */

	/* of the last state that is not extra */
	unsigned id, status, routes;
	double setup_ms, duration_ms;
	bool initiator;
	char call_id[160], local_tag[96], remote_tag[96], target[256], route[256], codec[32],
		direction[16], reason[128];

	/* requests within */
	unsigned answered, asked;
	unsigned answered_status;
	struct fail answered_fail;
	char method[32], body[256], type[64];
	unsigned answer; /* what a request within gets; 0: the handler is silent */

	void (*hook)(struct call *c, const struct endpoint_event *ev); /* last: may free it */
	void *arg;
};

static inline void call_state(struct call *c, const struct endpoint_session *e)
{
	unsigned i = 0;

	assert_true(e->id > 0);
	assert_non_null(e->state);
	heard_touch(e->reason_phrase);
	heard_touch(e->warning);
	heard_touch(e->peer.uri);
	heard_touch(e->peer.display_name);
	heard_touch(e->peer.tag);
	for (unsigned k = 0; k < e->route_count; k++)
		heard_touch(e->route_set[k]);
	if (e->msg)
		heard_touch_msg(e->msg);
	/* A cause belongs to the end of a dialog. */
	assert_true(!e->cause || strcmp(e->state, "terminated") == 0);
	assert_true(strcmp(e->state, "terminated") != 0 || e->cause);
	while (i < c->id_count && c->ids[i] != e->id)
		i++;
	if (i == c->id_count && i < ARRAY_LEN(c->ids))
		c->ids[c->id_count++] = e->id;
	snprintf(c->states + strlen(c->states), sizeof(c->states) - strlen(c->states),
		" %s%s%s%s%s%s", e->extra ? "+" : "", e->state, e->cause ? "/" : "",
		e->cause ? e->cause : "", e->news ? "/" : "", e->news ? e->news : "");
	if (e->extra) {
		c->extra++;
		return;
	}
	c->id = e->id;
	c->status = e->status_code;
	c->routes = e->route_count;
	c->initiator = e->initiator;
	c->setup_ms = e->setup_ms;
	c->duration_ms = e->duration_ms;
	heard_copy(c->call_id, sizeof(c->call_id), e->call_id);
	heard_copy(c->local_tag, sizeof(c->local_tag), e->local_tag);
	heard_copy(c->remote_tag, sizeof(c->remote_tag), e->remote_tag);
	heard_copy(c->target, sizeof(c->target), e->remote_target);
	if (e->route_count)
		heard_copy(c->route, sizeof(c->route), e->route_set[0]);
	heard_copy(c->codec, sizeof(c->codec), str_of(e->codec));
	heard_copy(c->direction, sizeof(c->direction), str_of(e->direction ? e->direction : ""));
	heard_copy(c->reason, sizeof(c->reason), e->reason);
}

static inline void call_timer(struct call *c, const struct endpoint_session_timer *t)
{
	snprintf(c->timers + strlen(c->timers), sizeof(c->timers) - strlen(c->timers),
		" %s:%s%s%s:%s:%u", t->action, t->method ? t->method : "", t->method ? ":" : "",
		t->refresher, t->local ? "local" : "remote", t->session_expires);
}

static inline void call_within(struct call *c, const struct endpoint_incoming *in)
{
	c->asked++;
	assert_ptr_equal(in->session, c->s);
	assert_non_null(in->request);
	heard_touch_msg(in->msg);
	heard_copy(c->method, sizeof(c->method), in->msg->method);
	heard_copy(c->body, sizeof(c->body), in->msg->body);
	heard_copy(c->type, sizeof(c->type), in->msg->content_type);
	if (c->answer)
		incoming_answer(in->request, &(struct incoming_answer){ .status = c->answer });
}

static inline void call_event(void *arg, const struct endpoint_event *ev)
{
	struct call *c = arg;

	heard_event(&c->heard, ev);
	switch ((int)ev->type) {
	case ENDPOINT_SESSION:
		call_state(c, ev->session);
		break;
	case ENDPOINT_SESSION_TIMER:
		call_timer(c, ev->session_timer);
		break;
	case ENDPOINT_INCOMING:
		call_within(c, ev->incoming);
		break;
	case ENDPOINT_ANSWERED:
		c->answered++;
		c->answered_status = ev->result->response ? ev->result->response->status_code : 0;
		c->answered_fail = ev->result->fail;
		if (ev->result->response)
			heard_touch_msg(ev->result->response);
		break;
	case ENDPOINT_DONE:
		fail_msg("a session ends with FAILED or CLOSED");
		break;
	}
	if (c->hook)
		c->hook(c, ev);
}

/* How often this state was told; "early" "confirmed" "confirmed/hold" "terminated/local-bye" */
static inline unsigned call_times(const struct call *c, const char *state)
{
	unsigned n = 0;
	size_t len = strlen(state);

	for (const char *p = c->states; (p = strstr(p, state)) != NULL; p += len)
		n += p[-1] == ' ' && (p[len] == ' ' || p[len] == '\0');
	return n;
}

static inline void assert_state(const struct call *c, const char *state)
{
	if (call_times(c, state) != 1)
		fail_msg("%s %u times in \"%s\"", state, call_times(c, state), c->states);
}

static inline void assert_no_state(const struct call *c, const char *state)
{
	if (call_times(c, state) != 0)
		fail_msg("%s is in \"%s\"", state, c->states);
}

/* ---- An agent and its peer ---- */

struct rig {
	struct peer *p;
	struct ua *u;
	struct media *media; /* NULL: sessions without descriptions */
	char target[NET_ADDR_TEXT + 32];
	struct net_addr at; /* where the agent listens */
	unsigned conn; /* of the peer to the agent, 0: UDP */

	/* what comes in */
	bool leave; /* nobody takes it */
	struct session_policy policy; /* what it is taken with */
	void (*on_invite)(struct rig *r, struct call *c); /* in the handler, when it is taken */
	unsigned offered; /* INVITEs that the handler saw */
	struct call *in[16]; /* taken; the test frees them */
	unsigned in_count;
};

static inline struct call *call_new(struct rig *r)
{
	struct call *c = MEM_NEW(struct call);

	c->heard.operation = true;
	c->rig = r;
	return c;
}

static inline void rig_on_event(struct heard *h, const struct endpoint_event *ev)
{
	struct rig *r = h->arg;
	struct call *c;

	if (ev->type != ENDPOINT_INCOMING)
		return;
	heard_touch_msg(ev->incoming->msg);
	if (!str_eq(ev->incoming->msg->method, STR("INVITE")))
		return;
	r->offered++;
	assert_non_null(ev->incoming->session);
	assert_null(ev->incoming->request);
	if (r->leave)
		return;
	assert_true(r->in_count < ARRAY_LEN(r->in));
	c = r->in[r->in_count++] = call_new(r);
	c->s = ev->incoming->session;
	r->policy.media = r->media;
	r->policy.on_event = call_event;
	r->policy.arg = c;
	session_take(c->s, &r->policy);
	assert_true(session_is_incoming(c->s));
	assert_false(session_is_confirmed(c->s));
	if (r->on_invite)
		r->on_invite(r, c);
}

static inline struct media *rig_media(struct rig *r, struct media_config mc)
{
	struct media *m;

	mc.manager = r->u->m;
	assert_int_equal(media_new(&mc, &m, NULL), 0);
	return m;
}

static inline struct rig *rig_of(struct peer *p, struct ua *u)
{
	struct rig *r = MEM_NEW(struct rig);

	r->p = p;
	r->u = u;
	u->heard.hook = rig_on_event;
	u->heard.arg = r;
	r->media = rig_media(r, (struct media_config){ .kind = MEDIA_BUILT_IN });
	snprintf(r->target, sizeof(r->target), "sip:bob@%s", p->text);
	return r;
}

/* A server-based endpoint at the peer; t1 of 0: 20 ms. */
static inline struct rig *rig_out(int transport, uint32_t t1)
{
	struct peer *p = peer_new();

	return rig_of(p, ua_new((struct endpoint_manager_config){ .kind = NET_CLIENT,
					.timers = rig_timers(t1 ? t1 : 20) },
				 (struct endpoint_config){ .servers = &p->server,
					 .server_count = 1,
					 .methods = STR("INVITE"),
					 .transport = transport }));
}

/* A peer-to-peer endpoint that listens and takes INVITE; the peer asks it over this transport. */
static inline struct rig *rig_in(int transport, uint32_t t1)
{
	struct peer *p = peer_new();
	struct ua *u = ua_manager((struct endpoint_manager_config){
		.kind = NET_SERVER, .timers = rig_timers(t1 ? t1 : 20) });
	struct endpoint_hop hop;
	char text[NET_ADDR_TEXT];
	struct rig *r;

	assert_int_equal(
		endpoint_manager_listen(u->m,
			transport == NET_TCP ? STR("tcp:127.0.0.1:0") : STR("udp:127.0.0.1:0"),
			&u->why),
		0);
	assert_int_equal(ua_endpoint(u, (struct endpoint_config){ .kind = ENDPOINT_PEER_TO_PEER,
						.aor = STR("sip:alice@example.test"),
						.methods = STR("INVITE"),
						.transport = -1 }),
		0);
	r = rig_of(p, u);
	assert_true(endpoint_manager_listener(u->m, 0, text, &hop));
	assert_true(net_addr_parse(hop.address, hop.port, &r->at));
	if (transport == NET_TCP) {
		r->conn = peer_connect(p, &r->at);
		snprintf(r->target, sizeof(r->target), "sip:bob@%s;transport=tcp", p->text);
	}
	return r;
}

/* Its calls are freed before. */
static inline void rig_free(struct rig *r)
{
	r->u->heard.hook = NULL;
	media_free(r->media);
	ua_free(r->u);
	peer_free(r->p);
	mem_free(r);
}

/* ---- Calls of ours ---- */

/* R2: not one event while it starts. */
static inline int call_try(struct call *c, struct session_config sc)
{
	struct ua *u = c->rig->u;
	bool was = u->heard.quiet;
	int e;

	sc.endpoint = u->ep;
	if (!sc.target.p)
		sc.target = str_of(c->rig->target);
	if (!sc.max_forwards)
		sc.max_forwards = -1;
	sc.policy.media = c->rig->media;
	sc.policy.on_event = call_event;
	sc.policy.arg = c;
	u->heard.quiet = c->heard.quiet = true;
	c->heard.began = rig_ms();
	e = session_start(&sc, &c->s, &u->why);
	u->heard.quiet = was;
	c->heard.quiet = false;
	return e;
}

static inline struct call *call_start(struct rig *r, struct session_config sc)
{
	struct call *c = call_new(r);

	if (call_try(c, sc) != 0)
		fail_msg("session_start: %s", fail_show(&r->u->why));
	return c;
}

/* No event of it may come from inside of session_stop (R2). */
static inline void call_stop(struct call *c, const char *reason)
{
	bool was = c->heard.quiet;

	c->heard.quiet = true;
	session_stop(c->s, str_of(reason ? reason : ""));
	c->heard.quiet = was;
}

static inline void call_free(struct call *c)
{
	c->heard.quiet = true; /* R5 */
	session_free(c->s);
	ev_run(net_loop(), EVRUN_NOWAIT);
	mem_free(c);
}

/* Nothing more comes after its final event (R6); then it goes. */
static inline void call_end(struct call *c)
{
	rig_idle(15);
	assert_int_equal(c->heard.finals, 1);
	call_free(c);
}

static inline void call_wait(struct call *c)
{
	if (!rig_run(&c->heard.finals, 1, PEER_MS))
		fail_msg("no final event; states:%s, events: %s", c->states, c->heard.order);
}

/* code: FAIL_x; status 0: no response. */
static inline void call_failed(struct call *c, int code, unsigned status)
{
	call_wait(c);
	if (c->heard.final != ENDPOINT_FAILED || c->heard.fail.code != -code ||
		c->heard.status != status)
		fail_msg(
			"event %d, failed with %d (%s) status %u, wanted %d (%s) and %u; states:%s",
			(int)c->heard.final, c->heard.fail.code, fail_show(&c->heard.fail),
			c->heard.status, -code, fail_text(-code), status, c->states);
	assert_false(session_is_confirmed(c->s));
}

/* The same for a call of the peer's, where the answer was ours. */
static inline void call_failed_in(struct call *c, int code)
{
	call_wait(c);
	call_failed(c, code, c->heard.status);
}

static inline void call_closed(struct call *c)
{
	call_wait(c);
	if (c->heard.final != ENDPOINT_CLOSED)
		fail_msg("event %d: %s; states:%s", (int)c->heard.final, fail_show(&c->heard.fail),
			c->states);
	assert_false(session_is_confirmed(c->s));
}

/* ---- Memory ---- */

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CALL_RIG_ASAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) && !defined(CALL_RIG_ASAN)
#define CALL_RIG_ASAN 1
#endif

#ifdef CALL_RIG_ASAN
size_t __sanitizer_get_current_allocated_bytes(void); /* its header is not everywhere */
#else
#include <malloc.h>
#endif

/* How much more may be in use after a thousand calls that are over. The sanitizer counts to the
 * byte; glibc counts what its caches keep of freed memory, too, so there only some hundred bytes a
 * call are seen. */
#ifdef CALL_RIG_ASAN
#define MEMORY_SLACK ((size_t)64 * 1024)
#else
#define MEMORY_SLACK ((size_t)256 * 1024)
#endif
/* Bytes that are allocated now. */
static inline size_t memory_in_use(void)
{
#ifdef CALL_RIG_ASAN
	return __sanitizer_get_current_allocated_bytes();
#else
	return mallinfo2().uordblks;
#endif
}

/* ---- What arrived at the peer ---- */

/* Requests of this method: new ones, and retransmissions besides. */
static inline unsigned got_new(const struct peer *p, const char *method)
{
	unsigned n = 0;

	for (unsigned i = 0; i < p->count; i++)
		n += p->got[i].msg->request && !p->got[i].again &&
		     str_eq(p->got[i].msg->method_name, str_of(method));
	return n;
}

static inline unsigned got_all(const struct peer *p, const char *method)
{
	unsigned n = 0;

	for (unsigned i = 0; i < p->count; i++)
		n += p->got[i].msg->request && str_eq(p->got[i].msg->method_name, str_of(method));
	return n;
}

/* The n-th new one, from 1; waits for it. By value: more may arrive. */
static inline struct peer_got got(struct peer *p, const char *method, unsigned n)
{
	if (got_new(p, method) < n) {
		double end = rig_ms() + PEER_MS;
		while (got_new(p, method) < n) {
			if (rig_ms() > end)
				fail_msg("there is no %s number %u", method, n);
			rig_idle(1);
		}
	}
	for (unsigned i = 0;; i++)
		if (p->got[i].msg->request && !p->got[i].again &&
			str_eq(p->got[i].msg->method_name, str_of(method)) && --n == 0)
			return p->got[i];
}

/* ---- The other end of a dialog ---- */

#define SDP_HEAD "v=0\r\no=bob 4711 %u IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
#define SDP_AUDIO "m=audio 40000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"

/* Bob's description; direction NULL: none is written. Good until the fourth call after this one. */
static inline const char *bob_sdp(unsigned version, const char *direction)
{
	static char texts[4][400];
	static unsigned next;
	char *text = texts[next++ % 4];

	snprintf(text, sizeof(texts[0]), SDP_HEAD SDP_AUDIO "%s%s%s", version,
		direction ? "a=" : "", direction ? direction : "", direction ? "\r\n" : "");
	return text;
}

/* The version in the o= line of this body, and its id. */
static inline unsigned long long sdp_version(struct str body, unsigned long long *id)
{
	char text[4096];
	unsigned long long sess = 0, version = 0;
	const char *o;

	heard_copy(text, sizeof(text), body);
	o = strstr(text, "\r\no=");
	if (!o || sscanf(o + 4, "%*s %llu %llu", &sess, &version) != 2)
		fail_msg("no o= in \"%s\"", text);
	if (id)
		*id = sess;
	return version;
}

struct leg {
	struct rig *r;
	struct peer *p;
	struct net_addr to;
	unsigned conn;
	char call_id[160], local[256], remote[256], target[256], tag[64];
	char contact[256]; /* ours: "<sip:bob@...>" */
	const char *more; /* lines in each response */
	uint32_t cseq; /* of the last request */
	unsigned branch; /* of the last request */
	/* of the last INVITE */
	uint32_t invite_cseq;
	unsigned invite_branch;
	char invite_uri[256];
};

static unsigned leg_branches __attribute__((unused));

static inline void leg_contact(struct leg *l)
{
	snprintf(l->contact, sizeof(l->contact), "<sip:bob@%s%s>", l->p->text,
		l->conn ? ";transport=tcp" : "");
}

static inline void contact_uri(const struct sip_msg *m, char out[256])
{
	struct sip_list list = sip_msg_list(m, SIP_HDR_CONTACT);
	struct sip_nameaddr a;

	if (!sip_list_nameaddr(&list, &a))
		fail_msg("no Contact in " STR_FMT, STR_ARG(m->wire));
	heard_copy(out, 256, a.uri.text);
}

/* We are called: the far end of this INVITE, with this tag. */
static inline struct leg leg_of(struct rig *r, const struct peer_got *g, const char *tag)
{
	struct leg l = { .r = r, .p = r->p, .to = g->from, .conn = g->conn, .cseq = 1000 };
	const struct sip_msg *m = g->msg;

	heard_copy(l.call_id, sizeof(l.call_id), sip_msg_call_id(m));
	snprintf(l.local, sizeof(l.local), STR_FMT ";tag=%s", STR_ARG(sip_msg_value(m, SIP_HDR_TO)),
		tag);
	heard_copy(l.remote, sizeof(l.remote), sip_msg_value(m, SIP_HDR_FROM));
	contact_uri(m, l.target);
	snprintf(l.tag, sizeof(l.tag), "%s", tag);
	leg_contact(&l);
	return l;
}

/* Answers a request that came; with a Contact where one belongs. */
static inline void leg_reply(struct leg *l, const struct peer_got *g, unsigned status,
	const char *lines, const char *sdp)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(65536);
	char host[NET_ADDR_TEXT];
	struct sip_response r = {
		.status = status,
		.to_tag = str_of(l->tag),
		.received = str_of(net_addr_host(&g->from, host)),
		.rport = net_addr_port(&g->from),
	};

	sip_build_response(&b, g->msg, &r);
	if (status > 100 && status < 300 &&
		(g->msg->method == SIP_INVITE || g->msg->method == SIP_UPDATE))
		buf_addf(&b, "Contact: %s\r\n", l->contact);
	buf_addf(&b, "%s%s", lines ? lines : "", l->more ? l->more : "");
	sip_build_end(&b, sdp ? STR("application/sdp") : STR_EMPTY, str_of(sdp ? sdp : ""));
	assert_int_equal(b.fail, 0);
	peer_send(l->p, g, buf_str(&b));
}

struct leg_says { /* what differs from the usual */
	const char *lines, *type, *body, *uri, *from, *to;
	uint32_t cseq; /* 0: the next */
	unsigned branch; /* 0: a new one */
	bool no_contact;
};

/* A request of the peer; its responses are those with l->branch. */
static inline void leg_ask(struct leg *l, const char *method, struct leg_says s)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(65536);
	const char *uri = s.uri ? s.uri : l->target;

	l->branch = s.branch ? s.branch : ++leg_branches;
	if (!s.cseq)
		s.cseq = ++l->cseq;
	if (strcmp(method, "INVITE") == 0) {
		l->invite_branch = l->branch;
		l->invite_cseq = s.cseq;
		snprintf(l->invite_uri, sizeof(l->invite_uri), "%s", uri);
	}
	buf_addf(&b, "%s %s SIP/2.0\r\nVia: SIP/2.0/%s %s;branch=z9hG4bKleg%u;rport\r\n", method,
		uri, l->conn ? "TCP" : "UDP", l->p->text, l->branch);
	buf_addf(&b, "Max-Forwards: 70\r\nFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %u %s\r\n",
		s.from ? s.from : l->local, s.to ? s.to : l->remote, l->call_id, s.cseq, method);
	if (!s.no_contact)
		buf_addf(&b, "Contact: %s\r\n", l->contact);
	if (s.lines)
		buf_addf(&b, "%s", s.lines);
	if (s.body)
		buf_addf(&b, "Content-Type: %s\r\n", s.type ? s.type : "application/sdp");
	buf_addf(&b, "Content-Length: %zu\r\n\r\n%s", s.body ? strlen(s.body) : 0,
		s.body ? s.body : "");
	assert_int_equal(b.fail, 0);
	peer_send_to(l->p, &l->to, l->conn, buf_str(&b));
}

/* Responses to a branch of ours and a method; with at least this status. */
static inline struct sip_msg *leg_find(
	const struct leg *l, unsigned branch, const char *method, unsigned status, unsigned *count)
{
	char text[40];
	struct sip_msg *first = NULL;
	unsigned n = 0;

	snprintf(text, sizeof(text), "z9hG4bKleg%u", branch);
	for (unsigned i = 0; i < l->p->count; i++) {
		struct sip_msg *m = l->p->got[i].msg;
		struct sip_cseq cseq;
		struct sip_via v;
		if (m->request || m->status < status || !sip_msg_via(m, &v) ||
			!str_eq(v.branch, str_of(text)) || !sip_msg_cseq(m, &cseq) ||
			!str_eq(cseq.name, str_of(method)))
			continue;
		first = first ? first : m;
		n++;
	}
	if (count)
		*count = n;
	return first;
}

/* Waits for such a response. */
static inline struct sip_msg *leg_response(struct leg *l, const char *method, unsigned status)
{
	unsigned branch = strcmp(method, "CANCEL") == 0 || strcmp(method, "INVITE") == 0
				  ? l->invite_branch
				  : l->branch;
	double end = rig_ms() + PEER_MS;
	struct sip_msg *m;

	while (!(m = leg_find(l, branch, method, status, NULL))) {
		if (rig_ms() > end)
			fail_msg("no response of %u or more to %s", status, method);
		rig_idle(1);
	}
	return m;
}

static inline struct sip_msg *leg_do(struct leg *l, const char *method, struct leg_says s)
{
	leg_ask(l, method, s);
	return leg_response(l, method, 200);
}

/* The ACK: to a 2xx a request of its own (13.2.2.4), else part of the transaction (17.1.1.3). */
static inline void leg_ack(struct leg *l, const struct sip_msg *m, const char *sdp)
{
	char to[256];

	heard_copy(to, sizeof(to), sip_msg_value(m, SIP_HDR_TO));
	if (m->status < 300)
		leg_ask(l, "ACK", (struct leg_says){ .cseq = l->invite_cseq, .body = sdp });
	else
		leg_ask(l, "ACK",
			(struct leg_says){ .cseq = l->invite_cseq,
				.branch = l->invite_branch,
				.uri = l->invite_uri,
				.to = to,
				.no_contact = true });
}

/* 12.2.1.1: the Request-URI is that of our Contact. */
static inline void assert_uri(const struct sip_msg *m, const struct leg *l)
{
	if (m->request_uri.n != strlen(l->contact) - 2 ||
		memcmp(m->request_uri.p, l->contact + 1, m->request_uri.n) != 0)
		fail_msg("to " STR_FMT ", wanted %s", STR_ARG(m->request_uri), l->contact);
}

/* ---- The peer calls ---- */

/* Its INVITE; lines may be NULL. */
static inline struct leg leg_call(struct rig *r, const char *lines, const char *sdp)
{
	struct leg l = { .r = r, .p = r->p, .to = r->at, .conn = r->conn, .cseq = 100 };

	asked++;
	snprintf(l.call_id, sizeof(l.call_id), "in%u@peer.test", asked);
	snprintf(l.tag, sizeof(l.tag), "bob%u", asked);
	snprintf(l.local, sizeof(l.local), "\"Bob\" <sip:bob@peer.test>;tag=%s", l.tag);
	snprintf(l.remote, sizeof(l.remote), "<sip:alice@example.test>");
	snprintf(l.target, sizeof(l.target), "sip:alice@example.test");
	leg_contact(&l);
	leg_ask(&l, "INVITE", (struct leg_says){ .lines = lines, .body = sdp });
	return l;
}

/* A response of theirs made the dialog. */
static inline void leg_learn(struct leg *l, const struct sip_msg *m)
{
	assert_true(sip_msg_to_tag(m).n > 0);
	heard_copy(l->remote, sizeof(l->remote), sip_msg_value(m, SIP_HDR_TO));
	contact_uri(m, l->target);
}

/* ---- Whole calls ---- */

/* Ours, up to its ACK. l is the far end, tag "bob"; answer: its description. */
static inline struct call *call_up_with(struct rig *r, struct session_config sc, struct leg *l,
	const char *lines, const char *answer)
{
	unsigned before = got_new(r->p, "INVITE"), acks = got_new(r->p, "ACK");
	struct call *c = call_start(r, sc);
	struct peer_got g = got(r->p, "INVITE", before + 1);
	const char *more = l->more;

	*l = leg_of(r, &g, "bob");
	l->more = more;
	leg_reply(l, &g, 180, NULL, NULL);
	leg_reply(l, &g, 200, lines, answer);
	got(r->p, "ACK", acks + 1);
	till(session_is_confirmed(c->s));
	return c;
}

static inline struct call *call_up(struct rig *r, struct session_config sc, struct leg *l)
{
	l->more = NULL;
	return call_up_with(r, sc, l, NULL, bob_sdp(1, NULL));
}

/* The peer's, accepted at once, up to its ACK. */
static inline struct call *call_in_up(struct rig *r, struct leg *l, const char *lines)
{
	unsigned before = r->in_count;
	struct call *c;
	struct sip_msg *m;

	*l = leg_call(r, lines, bob_sdp(1, NULL));
	till(r->in_count > before);
	c = r->in[before];
	assert_int_equal(session_accept(c->s, 200, STR_EMPTY, &r->u->why), 0);
	m = leg_response(l, "INVITE", 200);
	assert_int_equal(m->status, 200);
	leg_learn(l, m);
	leg_ack(l, m, NULL);
	till(session_is_confirmed(c->s));
	return c;
}

/* We hang up; the peer agrees. */
static inline void call_down(struct call *c, struct leg *l)
{
	unsigned before = got_new(l->p, "BYE");
	struct peer_got g;

	call_stop(c, NULL);
	g = got(l->p, "BYE", before + 1);
	leg_reply(l, &g, 200, NULL, NULL);
	call_closed(c);
	assert_state(c, "terminated/local-bye");
	call_end(c);
}

/* The peer hangs up. */
static inline void call_bye(struct call *c, struct leg *l)
{
	assert_int_equal(leg_do(l, "BYE", (struct leg_says){ 0 })->status, 200);
	call_closed(c);
	assert_state(c, "terminated/remote-bye");
	call_end(c);
}

#endif
