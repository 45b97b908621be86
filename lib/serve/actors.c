/* lib/serve/actors.c -- the well-known users of the test server: sessions of one peer-to-peer
 * endpoint, each played by the user part of its Request-URI (cli.md section 16) */
#include "serve/actors.h"

#include "base/mem.h"
#include "base/text.h"
#include "endpoint/dialog.h"
#include "endpoint/incoming.h"
#include "endpoint/refer.h"
#include "endpoint/reply.h"
#include "endpoint/session.h"
#include "sip/build.h"

#include <string.h>

enum {
	RING_MS = 200, /* how long reinvite@ and refer@ wait after the ACK, early@ before it answers
			*/
	REFER_MS = 180000, /* for the result of a transfer */
	CALLS = 10000, /* and requests that wait, at a time; more are refused with 503 */
};

enum play {
	PLAY_NONE,
	PLAY_ECHO,
	PLAY_RING,
	PLAY_BUSY,
	PLAY_STATUS,
	PLAY_SLOW,
	PLAY_SILENT,
	PLAY_FORK,
	PLAY_REDIRECT,
	PLAY_EARLY,
	PLAY_REFER,
	PLAY_TIMER,
	PLAY_REINVITE,
};

struct actors {
	struct serve *serve;
	struct endpoint *endpoint;
	struct media *media;
	struct list calls, waits;
	unsigned count;
};

struct call {
	struct list node;
	struct actors *actors;
	struct session *session;
	struct refer *refer;
	enum play play;
	unsigned step;
	char *call_id, *caller_tag; /* for who watches */
	ev_timer timer;
};

/* A request other than INVITE that slow-T@ lets wait. */
struct wait {
	struct list node;
	struct actors *actors;
	struct incoming *request;
	ev_timer timer;
};

/* ---- who is who ---- */

struct part {
	enum play play;
	unsigned status; /* STATUS */
	uint64_t ms; /* slow-T */
	struct str uri; /* redirect-URI */
};

static struct part part_of(struct str user)
{
	static const struct {
		const char *name;
		enum play play;
	} names[] = { { "echo", PLAY_ECHO }, { "ring", PLAY_RING }, { "busy", PLAY_BUSY },
		{ "silent", PLAY_SILENT }, { "fork3", PLAY_FORK }, { "early", PLAY_EARLY },
		{ "refer", PLAY_REFER }, { "timer90", PLAY_TIMER }, { "reinvite", PLAY_REINVITE } };
	struct part p = { PLAY_NONE, 0, 0, STR_EMPTY };
	uint32_t status;

	for (unsigned i = 0; i < ARRAY_LEN(names); i++)
		if (str_eq(user, str_of(names[i].name)))
			p.play = names[i].play;
	if (user.n == 3 && str_u32(user, &status) && status >= 200 && status < 700) {
		p.play = PLAY_STATUS;
		p.status = status;
	} else if (str_starts(user, STR("slow-")) && reply_time(str_sub(user, 5, user.n), &p.ms)) {
		p.play = PLAY_SLOW;
	} else if (str_starts(user, STR("redirect-")) && user.n > 9) {
		p.play = PLAY_REDIRECT;
		p.uri = str_sub(user, 9, user.n);
	}
	return p;
}

bool actors_has(struct str user)
{
	return part_of(user).play != PLAY_NONE;
}

/* Whoever has this name by configuration or by registration is no actor. */
static bool is_person(const struct serve *s, struct str key)
{
	struct record *r = registrar_record(s, key);

	return serve_user(s, key) || (r && r->count > 0);
}

bool actors_decide(const struct serve *s, const struct sip_uri *uri)
{
	struct buf key = BUF_INIT(1 << 12);
	enum play play;
	bool person;

	serve_user_key(uri, &key);
	play = part_of(buf_str(&key)).play;
	person = is_person(s, buf_str(&key));
	buf_done(&key);
	return !person && (play == PLAY_BUSY || play == PLAY_STATUS || play == PLAY_SLOW ||
				  play == PLAY_SILENT || play == PLAY_REDIRECT);
}

static struct part part_of_uri(struct str text, struct buf *key)
{
	struct sip_uri uri;

	if (!sip_uri_parse(text, &uri) || !uri.has_user)
		return (struct part){ PLAY_NONE, 0, 0, STR_EMPTY };
	serve_user_key(&uri, key);
	return part_of(buf_str(key));
}

/* ---- calls ---- */

static void end_call(struct call *c)
{
	ev_timer_stop(endpoint_loop(), &c->timer);
	list_del(&c->node);
	c->actors->count--;
	refer_free(c->refer);
	session_free(c->session);
	calls_ended(c->actors->serve, str_of(c->call_id), str_of(c->caller_tag), "error", 0);
	mem_free(c->call_id);
	mem_free(c->caller_tag);
	mem_free(c);
}

static void on_refer(void *arg, const struct endpoint_event *ev)
{
	struct call *c = arg;

	if (ev->type != ENDPOINT_DONE && ev->type != ENDPOINT_FAILED && ev->type != ENDPOINT_CLOSED)
		return;
	refer_free(c->refer);
	c->refer = NULL;
	session_stop(c->session, STR_EMPTY);
}

/* refer@: the caller is asked to call echo@ instead (RFC 5589 section 6). */
static void transfer(struct call *c)
{
	struct serve *s = c->actors->serve;
	struct buf to = BUF_INIT(1 << 12);
	struct refer_config config = {
		.endpoint = c->actors->endpoint,
		.session = c->session,
		.max_forwards = -1,
		.notify_ms = REFER_MS,
		.on_event = on_refer,
		.arg = c,
	};

	buf_addf(&to, "sip:echo@" STR_FMT, STR_ARG(s->config.domain));
	config.refer_to = buf_str(&to);
	if (refer_start(&config, &c->refer, NULL) != 0)
		session_stop(c->session, STR_EMPTY);
	buf_done(&to);
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct call *c = CONTAINER_OF(w, struct call, timer);
	struct session_change change = { .direction = SDP_SENDONLY };

	(void)revents;
	ev_timer_stop(loop, w);
	switch (c->play) {
	case PLAY_SLOW:
	case PLAY_EARLY:
		session_accept(c->session, 200, STR_EMPTY, NULL);
		break;
	case PLAY_REFER:
		transfer(c);
		break;
	case PLAY_REINVITE: /* hold, then resume */
		if (c->step++ > 0)
			change.direction = SDP_SENDRECV;
		session_change(c->session, &change, NULL);
		break;
	default:
		break;
	}
}

static void later(struct call *c, uint64_t ms)
{
	net_timer_set(endpoint_loop(), &c->timer, net_now_ms() + ms);
}

/* echo@ says within the call what it is told. */
static void echo_within(struct call *c, const struct endpoint_msg *m)
{
	if (str_eq(m->method, STR("MESSAGE")))
		session_send(c->session, m->method, m->content_type, m->body, NULL);
}

/* Calls are watched (package dialog). */
static void tell_call(const struct call *c, const struct endpoint_session *e)
{
	struct serve *s = c->actors->serve;
	struct str call_id = str_of(c->call_id), tag = str_of(c->caller_tag);

	if (strcmp(e->state, "terminated") == 0)
		calls_ended(s, call_id, tag, e->cause, e->status_code);
	else if (strcmp(e->state, "trying") != 0)
		calls_answered(s, call_id, tag, strcmp(e->state, "confirmed") == 0 ? 200 : 180,
			strcmp(e->state, "proceeding") == 0 ? STR_EMPTY : e->local_tag);
}

static void on_call(void *arg, const struct endpoint_event *ev)
{
	struct call *c = arg;

	switch (ev->type) {
	case ENDPOINT_SESSION:
		tell_call(c, ev->session);
		if (strcmp(ev->session->state, "confirmed") == 0 && c->step == 0 &&
			(c->play == PLAY_REFER || c->play == PLAY_REINVITE) && !ev->session->news)
			later(c, RING_MS);
		break;
	case ENDPOINT_ANSWERED:
		if (c->play == PLAY_REINVITE && c->step == 1)
			later(c, RING_MS);
		break;
	case ENDPOINT_INCOMING:
		if (c->play == PLAY_ECHO) {
			struct buf body = BUF_INIT(SIP_MESSAGE_MAX), type = BUF_INIT(1 << 12);
			struct endpoint_msg m = *ev->incoming->msg;

			buf_add_str(&body, m.body);
			buf_add_str(&type, m.content_type);
			m.body = buf_str(&body);
			m.content_type = buf_str(&type);
			incoming_answer(
				ev->incoming->request, &(struct incoming_answer){ .status = 200 });
			m.method = STR("MESSAGE");
			echo_within(c, &m);
			buf_done(&body);
			buf_done(&type);
		}
		break;
	case ENDPOINT_DONE:
	case ENDPOINT_FAILED:
	case ENDPOINT_CLOSED:
		end_call(c);
		break;
	default:
		break;
	}
}

static void reject(struct call *c, unsigned status, const struct endpoint_header *header)
{
	session_reject(c->session, status, STR_EMPTY, header, header ? 1 : 0, NULL);
}

/* Contact of a 302: URI, or the user of that name here. False: it is neither. */
static bool contact_of(const struct actors *a, struct str to, struct buf *out)
{
	struct buf uri = BUF_INIT(1 << 12);
	struct sip_uri parsed;
	bool good;

	if (str_istarts(to, STR("sip:")) || str_istarts(to, STR("sips:"))) {
		buf_add_str(&uri, to);
	} else {
		buf_add_str(&uri, STR("sip:"));
		sip_uri_write_user(&uri, to);
		buf_addf(&uri, "@" STR_FMT, STR_ARG(a->serve->config.domain));
	}
	good = sip_uri_parse(buf_str(&uri), &parsed);
	if (good)
		buf_addf(out, "<" STR_FMT ">", STR_ARG(buf_str(&uri)));
	buf_done(&uri);
	return good && out->fail == 0;
}

static void redirect(struct call *c, struct str to)
{
	struct buf contact = BUF_INIT(1 << 13);
	struct endpoint_header h = { .change = ENDPOINT_HEADER_ADD, .name = STR("Contact") };
	bool good = contact_of(c->actors, to, &contact);

	h.value = buf_str(&contact);
	reject(c, good ? 302 : 404, good ? &h : NULL);
	buf_done(&contact);
}

static void act(struct call *c, const struct part *p)
{
	switch (p->play) {
	case PLAY_RING:
		session_ring(c->session, 180, STR_EMPTY, false, NULL);
		break;
	case PLAY_BUSY:
		reject(c, 486, NULL);
		break;
	case PLAY_STATUS:
		if (p->status < 300)
			session_accept(c->session, p->status, STR_EMPTY, NULL);
		else
			reject(c, p->status, NULL);
		break;
	case PLAY_SLOW:
		session_ring(c->session, 180, STR_EMPTY, false, NULL);
		later(c, p->ms);
		break;
	case PLAY_EARLY:
		session_ring(c->session, 183, STR_EMPTY, true, NULL);
		later(c, RING_MS);
		break;
	case PLAY_REDIRECT:
		redirect(c, p->uri);
		break;
	default:
		session_accept(c->session, 200, STR_EMPTY, NULL);
		break;
	}
}

static void take_call(struct actors *a, const struct endpoint_incoming *in, const struct part *p)
{
	struct session *s = in->session;
	struct call *c = MEM_NEW(struct call);
	const struct session_policy policy = {
		.media = a->media,
		.reliable = SESSION_100REL_OFFER,
		.expires = p->play == PLAY_TIMER ? 90 : 0,
		.on_event = on_call,
		.arg = c,
	};

	list_init(&c->node);
	list_add(&a->calls, &c->node);
	a->count++;
	c->actors = a;
	c->session = s;
	c->play = p->play;
	c->call_id = mem_strndup(in->msg->call_id.p, in->msg->call_id.n);
	c->caller_tag = mem_strndup(in->msg->from.tag.p, in->msg->from.tag.n);
	ev_init(&c->timer, on_timer);
	session_take(s, &policy);
	calls_invite(a->serve, in->msg->msg);
	if (a->count > CALLS)
		reject(c, 503, NULL);
	else
		act(c, p);
}

/* ---- requests other than INVITE ---- */

/* echo@ sends a MESSAGE back, over the connection that it came by: whoever sent it is there,
 * registered or not. */
static void echo_back(struct actors *a, const struct sip_msg *m, struct net_flow *flow)
{
	const struct transaction_config config = { .manager = a->serve->manager, .flow = flow };
	static const char *const vias[] = { "UDP", "TCP", "TLS" };
	struct buf b = BUF_INIT(1 << 18), host = BUF_INIT(512), key = BUF_INIT(1 << 12);
	char branch[TRANSACTION_BRANCH], token[33];
	struct transaction *out;
	struct sip_nameaddr from, to;
	uint16_t port;

	/* What an echo says is not echoed, or two of them would talk for ever. */
	if (sip_msg_from(m, &from) && sip_msg_to(m, &to) &&
		part_of_uri(from.uri.text, &key).play != PLAY_ECHO) {
		transaction_branch(branch);
		text_token(token, 32);
		dispatch_sent_by(a->serve->manager, flow, &host, &port);
		sip_build_request(&b, STR("MESSAGE"), from.uri.text);
		sip_build_via(&b, str_of(vias[net_flow_info(flow)->transport]), buf_str(&host),
			port, str_of(branch));
		buf_add_str(&b, STR("Max-Forwards: 70\r\n"));
		sip_build_hdrf(
			&b, SIP_HDR_FROM, "<" STR_FMT ">;tag=%.16s", STR_ARG(to.uri.text), token);
		sip_build_hdrf(&b, SIP_HDR_TO, "<" STR_FMT ">", STR_ARG(from.uri.text));
		sip_build_hdrf(&b, SIP_HDR_CALL_ID, "%s", token);
		buf_add_str(&b, STR("CSeq: 1 MESSAGE\r\n"));
		sip_build_end(&b, sip_msg_value(m, SIP_HDR_CONTENT_TYPE), m->body);
		if (b.fail == 0)
			transaction_send(&config, buf_str(&b), &out, NULL);
	}
	buf_done(&key);
	buf_done(&host);
	buf_done(&b);
}

static void on_wait(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct wait *p = CONTAINER_OF(w, struct wait, timer);

	(void)revents;
	ev_timer_stop(loop, w);
	list_del(&p->node);
	p->actors->count--;
	incoming_answer(p->request, &(struct incoming_answer){ .status = 200 });
	mem_free(p);
}

static void let_wait(struct actors *a, struct incoming *in, uint64_t ms)
{
	struct wait *w = MEM_NEW(struct wait);

	list_init(&w->node);
	list_add(&a->waits, &w->node);
	a->count++;
	w->actors = a;
	w->request = in;
	incoming_keep(in);
	ev_init(&w->timer, on_wait);
	net_timer_set(endpoint_loop(), &w->timer, net_now_ms() + ms);
}

static void answer_other(struct actors *a, struct incoming *in, const struct part *p)
{
	struct buf contact = BUF_INIT(1 << 13);
	struct endpoint_header h = { .change = ENDPOINT_HEADER_ADD, .name = STR("Contact") };
	struct incoming_answer answer = { .status = 200 };

	switch (p->play) {
	case PLAY_SLOW:
		if (a->count < CALLS) {
			let_wait(a, in, p->ms);
			return;
		}
		answer.status = 503;
		break;
	case PLAY_BUSY:
		answer.status = 486;
		break;
	case PLAY_STATUS:
		answer.status = p->status;
		break;
	case PLAY_REDIRECT:
		answer.status = contact_of(a, p->uri, &contact) ? 302 : 404;
		if (answer.status == 404)
			break;
		h.value = buf_str(&contact);
		answer.headers = &h;
		answer.header_count = 1;
		break;
	default:
		/* Nobody is here whose state could be watched. */
		if (str_eq(incoming_msg(in)->method, STR("SUBSCRIBE")) ||
			str_eq(incoming_msg(in)->method, STR("PUBLISH")))
			answer.status = 489;
		break;
	}
	incoming_answer(in, &answer);
	buf_done(&contact);
}

static void on_event(void *arg, const struct endpoint_event *ev)
{
	struct actors *a = arg;
	struct buf key = BUF_INIT(1 << 12);
	struct part p;

	if (ev->type == ENDPOINT_REQUEST || ev->type == ENDPOINT_UNMATCHED) {
		serve_tell(
			a->serve, &(struct serve_event){ .type = SERVE_REQUEST, .msg = ev->msg });
	} else if (ev->type == ENDPOINT_INCOMING) {
		p = part_of_uri(ev->incoming->msg->request_uri, &key);
		if (ev->incoming->request)
			answer_other(a, ev->incoming->request, &p);
		else
			take_call(a, ev->incoming, &p);
	}
	buf_done(&key);
}

/* ---- what the server asks ---- */

enum actors_verdict actors_within(struct serve *s, struct transaction *t, struct sip_msg *m)
{
	if (sip_msg_to_tag(m).n == 0 || !s->actors)
		return ACTORS_NOT_OURS;
	if (dialog_find(s->manager, m, true))
		return ACTORS_ENDPOINT;
	return actor_fork_within(s, t, m) ? ACTORS_TAKEN : ACTORS_NOT_OURS;
}

enum actors_verdict actors_request(
	struct serve *s, struct transaction *t, struct sip_msg *m, struct net_flow *flow)
{
	struct buf key = BUF_INIT(1 << 12);
	struct part p = part_of_uri(m->request_uri, &key);
	bool person = is_person(s, buf_str(&key));

	buf_done(&key);
	if (p.play == PLAY_NONE || person || !s->actors)
		return ACTORS_NOT_OURS;
	if (!proxy_proved(s, t, m, flow))
		return ACTORS_TAKEN;
	if (p.play == PLAY_SILENT) {
		transaction_free(t);
		return ACTORS_TAKEN;
	}
	if (p.play == PLAY_FORK && m->method == SIP_INVITE) {
		actor_fork_request(s, t, m, flow);
		return ACTORS_TAKEN;
	}
	if (p.play == PLAY_ECHO && m->method == SIP_MESSAGE) {
		serve_answer(s, t, 200, STR_EMPTY, STR_EMPTY);
		echo_back(s->actors, m, flow);
		return ACTORS_TAKEN;
	}
	return ACTORS_ENDPOINT;
}

int actors_open(struct serve *s, struct fail *f)
{
	struct actors *a = MEM_NEW(struct actors);
	const struct media_config media = { .manager = s->manager, .kind = MEDIA_BUILT_IN };
	const struct endpoint_config config = {
		.manager = s->manager,
		.kind = ENDPOINT_PEER_TO_PEER,
		.transport = -1,
		.any_to = true,
		.methods = STR("INVITE,MESSAGE,INFO,OPTIONS,REFER,SUBSCRIBE,PUBLISH"),
		.on_event = on_event,
		.arg = a,
	};
	int e;

	a->serve = s;
	list_init(&a->calls);
	list_init(&a->waits);
	if ((e = media_new(&media, &a->media, f)) != 0 ||
		(e = endpoint_new(&config, &a->endpoint, f)) != 0) {
		media_free(a->media);
		mem_free(a);
		return e;
	}
	s->actors = a;
	return 0;
}

void actors_close(struct serve *s)
{
	struct actors *a = s->actors;

	if (!a)
		return;
	LIST_EACH (it, &a->calls)
		end_call(CONTAINER_OF(it, struct call, node));
	LIST_EACH (it, &a->waits) {
		struct wait *w = CONTAINER_OF(it, struct wait, node);

		ev_timer_stop(endpoint_loop(), &w->timer);
		mem_free(w);
	}
	actor_fork_done(s);
	endpoint_free(a->endpoint);
	media_free(a->media);
	s->actors = NULL;
	mem_free(a);
}
