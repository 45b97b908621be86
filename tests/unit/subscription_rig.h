/* tests/unit/subscription_rig.h -- subscriptions for the tests of lib/endpoint/subscription: what
 * the handler hears, and notifiers played by hand on a scripted peer. Include it after cmocka.h. */
#ifndef SUBSCRIPTION_RIG_H
#define SUBSCRIPTION_RIG_H

#define CALL_RIG_CLOCK
#include "call_rig.h"

#include "base/tree.h"
#include "endpoint/subscription.h"

enum { QUICK_T1 = 5 };

/* ---- A subscription and what its handler hears ---- */

struct sub {
	struct heard heard;
	struct rig *rig;
	struct subscription *s;

	char states[8192]; /* " pending/subscribed active/notified terminated/ended:rejected" */
	unsigned told, notified;
	unsigned ids[80], id_count; /* of its dialogs, each once */

	/* of the last state */
	unsigned id;
	uint32_t expires, refresh_in, retry_after;
	bool has_retry_after;
	char call_id[160];

	/* of the last notification */
	unsigned notify_id;
	bool has_expires, decoded, whole, malformed;
	uint32_t notify_expires;
	char state[64], reason[64], etag[64], body[256], type[64], bodies[1024];

	unsigned free_at; /* the event in which it is freed, from 1; 0: none */
	unsigned stop_at; /* the same for its stop */
	void (*hook)(struct sub *s, const struct endpoint_event *ev); /* last: may free it */
	void *arg;
};

static inline void sub_state(struct sub *s, const struct endpoint_subscription *e)
{
	bool over = strcmp(e->state, "terminated") == 0;
	unsigned i = 0;

	assert_ptr_equal(e->subscription, s->s);
	assert_non_null(e->cause);
	assert_true(
		over == (strcmp(e->cause, "unsubscribed") == 0 || strcmp(e->cause, "ended") == 0 ||
				strcmp(e->cause, "lost") == 0));
	heard_touch(e->uri);
	assert_str(e->event, "presence");
	if (e->msg)
		heard_touch_msg(e->msg);
	while (i < s->id_count && s->ids[i] != e->id)
		i++;
	if (i == s->id_count && i < ARRAY_LEN(s->ids))
		s->ids[s->id_count++] = e->id;
	s->told++;
	s->id = e->id;
	s->expires = e->expires;
	s->refresh_in = e->refresh_in;
	s->has_retry_after = e->has_retry_after;
	s->retry_after = e->retry_after;
	heard_copy(s->call_id, sizeof(s->call_id), e->call_id);
	snprintf(s->states + strlen(s->states), sizeof(s->states) - strlen(s->states),
		" %s/%s%s" STR_FMT, e->state, e->cause, e->reason.n ? ":" : "", STR_ARG(e->reason));
}

static inline unsigned tree_touch(const struct tree *t)
{
	unsigned n = heard_touch(t->name) + heard_touch(t->text);

	for (const struct tree *one = t->first; one; one = one->next)
		n += tree_touch(one);
	return n;
}

static inline void sub_notify(struct sub *s, const struct endpoint_notify *n)
{
	assert_ptr_equal(n->subscription, s->s);
	assert_non_null(n->msg);
	heard_touch_msg(n->msg);
	heard_touch(n->uri);
	assert_str(n->event, "presence");
	s->notified++;
	s->notify_id = n->id;
	s->has_expires = n->has_expires;
	s->notify_expires = n->expires;
	s->decoded = n->body != NULL;
	s->whole = n->whole != NULL;
	s->malformed = n->malformed != NULL;
	if (n->body)
		tree_touch(n->body);
	if (n->whole)
		tree_touch(n->whole);
	if (n->malformed)
		assert_true(fail_show(n->malformed)[0] != '\0');
	heard_copy(s->state, sizeof(s->state), n->state);
	heard_copy(s->reason, sizeof(s->reason), n->reason);
	heard_copy(s->etag, sizeof(s->etag), n->etag);
	heard_copy(s->body, sizeof(s->body), n->msg->body);
	heard_copy(s->type, sizeof(s->type), n->msg->content_type);
	snprintf(s->bodies + strlen(s->bodies), sizeof(s->bodies) - strlen(s->bodies), " %s",
		s->body);
}

static inline void sub_stop(struct sub *s)
{
	bool was = s->heard.quiet;

	s->heard.quiet = true; /* R2 */
	subscription_stop(s->s);
	subscription_stop(s->s);
	s->heard.quiet = was;
}

static inline void sub_event(void *arg, const struct endpoint_event *ev)
{
	struct sub *s = arg;

	heard_event(&s->heard, ev);
	if (ev->type == ENDPOINT_SUBSCRIPTION)
		sub_state(s, ev->subscription);
	else if (ev->type == ENDPOINT_NOTIFY)
		sub_notify(s, ev->notify);
	if (s->heard.finals)
		assert_int_equal(subscription_state(s->s), SUBSCRIPTION_TERMINATED);
	if (s->heard.all == s->stop_at)
		sub_stop(s);
	if (s->heard.all == s->free_at) {
		subscription_free(s->s);
		s->s = NULL;
		s->heard.quiet = true; /* R5 */
		return;
	}
	if (s->hook)
		s->hook(s, ev);
}

static inline struct sub *sub_new(struct rig *r)
{
	struct sub *s = MEM_NEW(struct sub);

	s->heard.operation = true;
	s->rig = r;
	return s;
}

static inline struct subscription_config sub_config(struct sub *s, struct subscription_config c)
{
	c.endpoint = s->rig->u->ep;
	if (!c.target.p)
		c.target = str_of(s->rig->target);
	if (!c.event.p)
		c.event = STR("presence");
	if (!c.expires && !c.fetch)
		c.expires = 3600;
	c.max_forwards = -1;
	c.on_event = sub_event;
	c.arg = s;
	return c;
}

/* R2: no event while it starts. */
static inline int sub_try(struct sub *s, struct subscription_config c)
{
	struct ua *u = s->rig->u;
	bool was = u->heard.quiet;
	int e;

	c = sub_config(s, c);
	u->heard.quiet = s->heard.quiet = true;
	s->heard.began = rig_ms();
	e = subscription_start(&c, &s->s, &u->why);
	u->heard.quiet = was;
	s->heard.quiet = false;
	return e;
}

static inline struct sub *sub_start(struct rig *r, struct subscription_config c)
{
	struct sub *s = sub_new(r);

	if (sub_try(s, c) != 0)
		fail_msg("subscription_start: %s", fail_show(&r->u->why));
	return s;
}

static inline void sub_free(struct sub *s)
{
	s->heard.quiet = true;
	subscription_free(s->s);
	ev_run(net_loop(), EVRUN_NOWAIT);
	mem_free(s);
}

static inline void sub_wait(struct sub *s)
{
	if (!rig_run(&s->heard.finals, 1, PEER_MS))
		fail_msg("no final event; states:%s, events: %s", s->states, s->heard.order);
}

/* It ended so (code 0: no failure), and nothing comes after it (R6). status: of the response in
 * the result, 0: none. */
static inline void sub_end(struct sub *s, enum endpoint_event_type type, int code, unsigned status)
{
	sub_wait(s);
	if (s->heard.final != type || s->heard.fail.code != -code || s->heard.status != status)
		fail_msg("event %d, %s, %u; wanted %d, %s, %u; states:%s", (int)s->heard.final,
			fail_show(&s->heard.fail), s->heard.status, (int)type, fail_text(-code),
			status, s->states);
	rig_idle(10);
	assert_int_equal(s->heard.finals, 1);
	assert_true(subscription_refresh(s->s) == -FAIL_STATE);
	assert_true(subscription_refresh_in_ms(s->s) == NET_NEVER);
	sub_free(s);
}

/* ---- Notifiers ---- */

/* A 2xx to a SUBSCRIBE; expires < 0: none in it. */
static inline void sub_accept(
	struct leg *l, const struct peer_got *g, unsigned status, int expires, const char *lines)
{
	char all[1024], seconds[40] = "";

	if (expires >= 0)
		snprintf(seconds, sizeof(seconds), "Expires: %d\r\n", expires);
	snprintf(all, sizeof(all), "Contact: %s\r\n%s%s", l->contact, seconds, lines ? lines : "");
	l->to = g->from;
	l->conn = g->conn;
	leg_reply(l, g, status, all, NULL);
}

struct says { /* what differs from the usual NOTIFY; "": without that header field */
	const char *event, *state, *lines, *type, *body;
	uint32_t cseq;
};

/* What it was answered. */
static inline struct sip_msg *notify_with(struct leg *l, struct says s)
{
	char lines[1024] = "";
	const char *event = s.event ? s.event : "presence";
	const char *state = s.state ? s.state : "active;expires=3600";

	if (event[0])
		snprintf(lines, sizeof(lines), "Event: %s\r\n", event);
	if (state[0])
		snprintf(lines + strlen(lines), sizeof(lines) - strlen(lines),
			"Subscription-State: %s\r\n", state);
	snprintf(
		lines + strlen(lines), sizeof(lines) - strlen(lines), "%s", s.lines ? s.lines : "");
	return leg_do(l, "NOTIFY",
		(struct leg_says){ .lines = lines,
			.type = s.type ? s.type : "text/plain",
			.body = s.body,
			.cseq = s.cseq });
}

static inline unsigned notify(struct leg *l, const char *state, const char *body)
{
	return notify_with(l, (struct says){ .state = state, .body = body })->status;
}

static inline struct peer_got sub_asked(struct rig *r, unsigned n)
{
	return got(r->p, "SUBSCRIBE", n);
}

/* The first SUBSCRIBE is there; l: its notifier, "bob". */
static inline struct sub *sub_sent(
	struct rig *r, struct subscription_config c, struct leg *l, struct peer_got *g)
{
	unsigned before = got_new(r->p, "SUBSCRIBE");
	struct sub *s = sub_start(r, c);

	*g = sub_asked(r, before + 1);
	*l = leg_of(r, g, "bob");
	return s;
}

/* ... and is accepted for so long, and has its first NOTIFY. */
static inline struct sub *sub_up_for(
	struct rig *r, struct subscription_config c, struct leg *l, int expires)
{
	struct peer_got g;
	struct sub *s = sub_sent(r, c, l, &g);
	char state[40];

	sub_accept(l, &g, 200, expires, NULL);
	snprintf(state, sizeof(state), "active;expires=%d", expires);
	assert_int_equal(notify(l, state, "one"), 200);
	till(s->notified == 1);
	assert_string_equal(s->states, " active/subscribed");
	assert_int_equal(subscription_state(s->s), SUBSCRIPTION_SUBSCRIBED);
	return s;
}

static inline struct sub *sub_up(struct rig *r, struct subscription_config c, struct leg *l)
{
	return sub_up_for(r, c, l, c.expires ? (int)c.expires : 3600);
}

/* A SUBSCRIBE within the dialog of this notifier. */
static inline void assert_within(const struct peer_got *g, const struct leg *l, uint32_t expires)
{
	assert_uri(g->msg, l);
	assert_str(sip_msg_call_id(g->msg), l->call_id);
	assert_str(sip_msg_value(g->msg, SIP_HDR_TO), l->local);
	assert_str(sip_msg_value(g->msg, SIP_HDR_FROM), l->remote);
	assert_int_equal(msg_seconds(g->msg, SIP_HDR_EXPIRES), expires);
	assert_int_equal(msg_count(g->msg, SIP_HDR_CONTACT), 1);
	assert_int_equal(msg_count(g->msg, SIP_HDR_EVENT), 1);
}

/* A subscription anew: nothing of the dialog before (RFC 6665 4.1.2.2). */
static inline void assert_anew(const struct peer_got *g, const struct leg *l)
{
	assert_false(str_eq(sip_msg_call_id(g->msg), str_of(l->call_id)));
	assert_false(str_eq(sip_msg_value(g->msg, SIP_HDR_FROM), str_of(l->remote)));
	assert_lacks(sip_msg_value(g->msg, SIP_HDR_TO), "tag=");
	assert_str(g->msg->request_uri, l->r->target);
}

/* We unsubscribe, with the n-th SUBSCRIBE; the notifier agrees. */
static inline void sub_down(struct sub *s, struct leg *l, unsigned n)
{
	struct peer_got g;

	sub_stop(s);
	g = sub_asked(s->rig, n);
	assert_within(&g, l, 0);
	sub_accept(l, &g, 200, 0, NULL);
	notify(l, "terminated;reason=timeout", NULL);
	sub_end(s, ENDPOINT_CLOSED, 0, 200);
}

/* Server based, with a password: to a peer-to-peer endpoint no challenge is answered. */
static inline struct rig *rig_auth(uint32_t t1)
{
	struct peer *p = peer_new();
	struct cred_store *creds = rig_creds("secret");
	struct ua *u = ua_new(
		(struct endpoint_manager_config){ .kind = NET_CLIENT, .timers = rig_timers(t1) },
		(struct endpoint_config){ .servers = &p->server,
			.server_count = 1,
			.transport = NET_UDP,
			.auth = { .creds = creds } });

	u->creds = creds;
	return rig_of(p, u);
}

#endif
