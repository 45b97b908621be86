/* tests/unit/test_subscription.c -- lib/endpoint/subscription: wire forms, states, notifications,
 * refreshes, fetches, the ways to end (RFC 6665 4.1 and 4.4, RFC 5367, RFC 5839; reference rows
 * SB-, ucma.md 2.5). What is lost and comes back: test_subscription_lost.c. Over loopback against a
 * scripted peer. */
#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "subscription_rig.h"

#include "sip/body.h"

static const char over[] = "terminated;reason=noresource", active[] = "active;expires=3600";

/* --- wire forms ----------------------------------------------------------------------------------
 */

static void test_wire(void **state)
{
	struct rig *r = rig_out(NET_UDP, 0);
	const struct str accept[] = { STR("application/a+xml"), STR("text/b") };
	const struct endpoint_header mine = { ENDPOINT_HEADER_ADD, STR("X-Mine"), STR("1") };
	struct peer_got g;
	struct leg l;
	struct sub *s = sub_sent(r,
		(struct subscription_config){
			.event = STR("presence;call-id=\"a;b\";full"),
			.expires = 1234,
			.accept = accept,
			.accept_count = 2,
			.extra[SUBSCRIPTION_SUBSCRIBE] = { &mine, 1, STR("application/x"),
				STR("the body") },
		},
		&l, &g);
	struct sip_msg *m = g.msg;

	(void)state;
	assert_str(m->request_uri, r->target);
	assert_lacks(sip_msg_value(m, SIP_HDR_TO), "tag=");
	assert_has(sip_msg_value(m, SIP_HDR_TO), r->target);
	assert_true(sip_msg_from_tag(m).n > 0);
	assert_str(sip_msg_value(m, SIP_HDR_EVENT), "presence;call-id=\"a;b\";full");
	assert_int_equal(msg_count(m, SIP_HDR_EVENT), 1);
	assert_int_equal(msg_seconds(m, SIP_HDR_EXPIRES), 1234);
	assert_int_equal(msg_count(m, SIP_HDR_CONTACT), 1);
	assert_str(sip_msg_value(m, SIP_HDR_CONTENT_TYPE), "application/x");
	assert_str(m->body, "the body");
	assert_str(msg_named(m, "X-Mine"), "1");
	assert_has(m->wire, "application/a+xml");
	assert_has(m->wire, "text/b");
	assert_lacks(m->wire, "multipart/related"); /* what was said counts */
	assert_lacks(m->wire, "Suppress-If-Match");
	assert_lacks(m->wire, "Require:");
	/* the NOTIFY has to have the package, and the id only (RFC 6665 8.2.1) */
	sub_accept(&l, &g, 200, 1234, NULL);
	assert_int_equal(notify(&l, "active;expires=1234", "one"), 200);
	till(s->notified == 1);
	assert_string_equal(s->call_id, l.call_id);
	assert_int_equal(subscription_refresh(s->s), 0);
	g = sub_asked(r, 2);
	assert_within(&g, &l, 1234);
	assert_str(sip_msg_value(g.msg, SIP_HDR_EVENT), "presence;call-id=\"a;b\";full");
	assert_has(g.msg->wire, "application/a+xml");
	assert_int_equal(g.msg->body.n, 0);
	assert_str(msg_named(g.msg, "X-Mine"), "");
	sub_accept(&l, &g, 200, 1234, NULL);
	rig_idle(10);
	sub_down(s, &l, 3);
	rig_free(r);
}

/* SB-06: without a list of its own, what the package has and what lists are made of. */
static void test_accept(void **state)
{
	static const struct {
		const char *event, *type;
	} rows[] = {
		{ "presence", "application/pidf+xml" },
		{ "dialog", "application/dialog-info+xml" },
		{ "reg", "application/reginfo+xml" },
		{ "conference", "application/conference-info+xml" },
		{ "message-summary", "application/simple-message-summary" },
		{ "presence.winfo", "application/watcherinfo+xml" },
		{ "x-unheard-of", NULL },
	};
	struct rig *r = rig_out(NET_UDP, 0);
	struct sub *s = sub_new(r);

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(buf_done) struct buf wire = BUF_INIT(65536);
		struct subscription_config c = sub_config(
			s, (struct subscription_config){ .event = str_of(rows[i].event) });
		struct sip_msg *m;

		assert_int_equal(subscription_dry_run(&c, &wire, &r->u->why), 0);
		assert_int_equal(sip_msg_parse(buf_str(&wire), NULL, &m, NULL), 0);
		assert_str(m->method_name, "SUBSCRIBE");
		assert_str(sip_msg_value(m, SIP_HDR_EVENT), rows[i].event);
		if (rows[i].type) { /* RFC 4662 4.1 */
			assert_has(m->wire, rows[i].type);
			assert_has(m->wire, "multipart/related");
			assert_has(m->wire, "application/rlmi+xml");
			assert_has(m->wire, "eventlist");
		} else { /* what it cannot do without is not known */
			assert_null(sip_msg_hdr(m, SIP_HDR_ACCEPT));
		}
		sip_msg_unref(m);
	}
	assert_int_equal(r->p->requests, 0);
	mem_free(s);
	rig_free(r);
}

/* SB-06, SB-07: each kind of request has its own. */
static void test_kinds(void **state)
{
	static const char *const names[] = { "0", "1", "2", "3", "4" };
	struct endpoint_header h[SUBSCRIPTION_REQUESTS + 1];
	struct subscription_config c = { 0 };
	struct subscription_extra extra;
	struct rig *r = rig_out(NET_UDP, 0);
	struct peer_got g;
	struct leg l;
	struct sub *s;

	(void)state;
	for (unsigned i = 0; i <= SUBSCRIPTION_REQUESTS; i++) {
		h[i] = (struct endpoint_header){ ENDPOINT_HEADER_ADD, STR("X-Kind"),
			str_of(names[i]) };
		if (i < SUBSCRIPTION_REQUESTS)
			c.extra[i] = (struct subscription_extra){ &h[i], 1, STR("text/kind"),
				str_of(names[i]) };
	}
	s = sub_up(r, c, &l);
	g = sub_asked(r, 1);
	assert_str(msg_named(g.msg, "X-Kind"), "0");
	assert_str(g.msg->body, "0");
	assert_int_equal(subscription_refresh(s->s), 0);
	g = sub_asked(r, 2);
	assert_str(msg_named(g.msg, "X-Kind"), "3");
	assert_str(g.msg->body, "3");
	assert_str(sip_msg_value(g.msg, SIP_HDR_CONTENT_TYPE), "text/kind");
	sub_accept(&l, &g, 200, 3600, NULL);
	rig_idle(5);
	extra = (struct subscription_extra){ &h[4], 1, STR("text/update"), STR("4") };
	assert_int_equal(subscription_update(s->s, &extra, &r->u->why), 0);
	g = sub_asked(r, 3);
	assert_has(g.msg->wire, "X-Kind: 4\r\n");
	assert_str(g.msg->body, "4");
	assert_str(sip_msg_value(g.msg, SIP_HDR_CONTENT_TYPE), "text/update");
	sub_accept(&l, &g, 200, 3600, NULL);
	rig_idle(5);
	sub_stop(s);
	g = sub_asked(r, 4);
	assert_str(msg_named(g.msg, "X-Kind"), "2");
	assert_str(g.msg->body, "2");
	sub_accept(&l, &g, 200, 0, NULL);
	sub_end(s, ENDPOINT_CLOSED, 0, 200);
	rig_free(r);
}

/* RFC 5367 4: the list is a body that the server must understand. */
static void test_members(void **state)
{
	const struct str members[] = { STR("sip:a@example.test"),
		STR("sip:b&c@example.test?x=<y>\"") };
	struct rig *r = rig_out(NET_UDP, 0);
	struct peer_got g;
	struct leg l;
	struct sub *s = sub_sent(
		r, (struct subscription_config){ .members = members, .member_count = 2 }, &l, &g);

	(void)state;
	assert_str(msg_named(g.msg, "Require"), "recipient-list-subscribe");
	assert_str(sip_msg_value(g.msg, SIP_HDR_CONTENT_TYPE), "application/resource-lists+xml");
	assert_has(msg_named(g.msg, "Content-Disposition"), "recipient-list");
	assert_has(g.msg->body, "urn:ietf:params:xml:ns:resource-lists");
	assert_has(g.msg->body, "\"sip:a@example.test\"");
	assert_has(g.msg->body, "b&amp;c@example.test?x=&lt;y");
	assert_lacks(g.msg->body, "<y>");
	assert_has(g.msg->wire, "eventlist");
	sub_accept(&l, &g, 200, 3600, "Require: eventlist\r\n");
	assert_int_equal(notify(&l, active, "one"), 200);
	/* RFC 5367 4.4: the list is not said again by a refresh */
	assert_int_equal(subscription_refresh(s->s), 0);
	g = sub_asked(r, 2);
	assert_within(&g, &l, 3600);
	assert_int_equal(g.msg->body.n, 0);
	assert_lacks(g.msg->wire, "recipient-list");
	sub_accept(&l, &g, 200, 3600, NULL);
	rig_idle(5);
	sub_down(s, &l, 3);
	rig_free(r);
}

/* What cannot be asked for never starts. */
static void test_bad_config(void **state)
{
	const struct str bad_accept = STR("text/a\r\nX: y");
	const struct str good = STR("sip:a@x");
	const struct endpoint_header inject = { ENDPOINT_HEADER_ADD, STR("X-A"), STR("a\r\nX: y") };
	const struct subscription_config rows[] = {
		{ .event = STR("") }, /* SB-01 */
		{ .event = STR("a b") },
		{ .event = STR("presence\r\nX: y") },
		{ .event = STR(";id=1") },
		{ .target = STR("bob") },
		{ .target = STR("sip:bob@x\r\nX: y") },
		{ .accept = &bad_accept, .accept_count = 1 },
		{ .suppress = STR("a b") },
		{ .suppress = STR("a\r\nX: y") },
		{ .members = &good,
			.member_count = 1,
			.extra[SUBSCRIPTION_SUBSCRIBE] = { NULL, 0, STR("a/b"), STR("c") } },
		{ .extra[SUBSCRIPTION_SUBSCRIBE] = { &inject, 1, STR_EMPTY, STR_EMPTY } },
		{ .extra[SUBSCRIPTION_REFRESH] = { &inject, 1, STR_EMPTY, STR_EMPTY } },
		{ .extra[SUBSCRIPTION_SUBSCRIBE] = { NULL, 0, STR_EMPTY, STR("no type") } },
		{ .extra[SUBSCRIPTION_SUBSCRIBE] = { NULL, 0, STR("a/b\r\nX: y"), STR("c") } },
	};
	struct rig *r = rig_out(NET_UDP, 0);
	struct sub *s = sub_new(r);
	struct subscription_config c = sub_config(s, (struct subscription_config){ 0 });

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		r->u->why = (struct fail){ 0 };
		if (sub_try(s, rows[i]) != -FAIL_ARGUMENT)
			fail_msg("row %u is not refused", i);
		assert_null(s->s);
		assert_int_equal(r->u->why.code, -FAIL_ARGUMENT);
	}
	c.expires = 0;
	assert_int_equal(subscription_start(&c, &s->s, &r->u->why), -FAIL_ARGUMENT);
	assert_int_equal(r->p->requests, 0);
	mem_free(s);
	rig_free(r);
}

/* --- the states ----------------------------------------------------------------------------------
 */

static void test_states(void **state)
{
	struct rig *r = rig_out(NET_UDP, 0);
	struct peer_got g;
	struct leg l;
	struct sub *s = sub_sent(r, (struct subscription_config){ 0 }, &l, &g);

	(void)state;
	assert_int_equal(subscription_state(s->s), SUBSCRIPTION_SUBSCRIBING);
	assert_int_equal(subscription_refresh(s->s), -FAIL_STATE); /* SB-12 */
	assert_true(subscription_refresh_in_ms(s->s) == NET_NEVER);
	sub_accept(&l, &g, 202, 3600, NULL); /* RFC 3265's 202 */
	rig_idle(10);
	assert_string_equal(s->heard.order, ""); /* it is the NOTIFY that says what it is */
	assert_int_equal(notify(&l, "pending;expires=3600", NULL), 200);
	till(s->notified == 1);
	assert_string_equal(s->heard.order, "bn");
	assert_string_equal(s->states, " pending/subscribed");
	assert_int_equal(s->expires, 3600);
	assert_int_equal(s->refresh_in, 2700);
	assert_true(s->id > 0);
	assert_int_equal(s->notify_id, s->id);
	assert_string_equal(s->state, "pending");
	assert_int_equal(subscription_state(s->s), SUBSCRIPTION_SUBSCRIBED);
	/* nothing changes: only the notification */
	assert_int_equal(notify(&l, "pending;expires=3600", "two"), 200);
	till(s->notified == 2);
	assert_string_equal(s->heard.order, "bnn");
	assert_int_equal(notify(&l, "Active;Expires=3600", "three"), 200);
	till(s->notified == 3);
	assert_string_equal(s->heard.order, "bnnbn");
	assert_string_equal(s->states, " pending/subscribed active/notified");
	assert_true(s->has_expires);
	assert_int_equal(s->notify_expires, 3600);
	assert_string_equal(s->body, "three");
	assert_string_equal(s->type, "text/plain");
	/* a state of another RFC is passed on, and ends nothing */
	assert_int_equal(notify(&l, "waiting", "four"), 200);
	till(s->notified == 4);
	assert_false(s->has_expires);
	assert_string_equal(s->state, "waiting");
	assert_int_equal(notify(&l, over, "five"), 200);
	till(s->notified == 5);
	assert_has(str_of(s->states), "terminated/ended:noresource");
	assert_string_equal(s->reason, "noresource");
	assert_string_equal(s->bodies, "  two three four five");
	sub_end(s, ENDPOINT_FAILED, FAIL_ENDED, 202);
	assert_int_equal(notify(&l, over, "six"), 481);
	assert_int_equal(r->p->requests, 1);
	rig_free(r);
}

/* RFC 6665 4.1.2.4, 4.4.1: the NOTIFY may come before the 2xx, and makes the dialog. */
static void test_notify_first(void **state)
{
	(void)state;
	for (int same = 0; same < 2; same++) {
		struct rig *r = rig_out(NET_UDP, 0);
		struct peer_got g;
		struct leg l;
		struct sub *s = sub_sent(r, (struct subscription_config){ 0 }, &l, &g);

		if (same) { /* both in one pass of the loop */
			leg_ask(&l, "NOTIFY",
				(struct leg_says){ .lines = "Event: presence\r\n"
							    "Subscription-State: active\r\n",
					.type = "text/plain",
					.body = "one" });
			sub_accept(&l, &g, 200, 600, NULL);
			till(s->notified == 1);
			rig_idle(10);
		} else {
			assert_int_equal(notify(&l, "active;expires=600", "one"), 200);
			till(s->notified == 1);
			assert_string_equal(s->states, " active/subscribed");
			assert_int_equal(notify(&l, "active;expires=600", "two"), 200);
			sub_accept(&l, &g, 200, 600, NULL);
			rig_idle(10);
		}
		assert_string_equal(s->states, " active/subscribed");
		assert_int_equal(s->id_count, 1);
		assert_between((double)subscription_refresh_in_ms(s->s), 290000, 300000);
		sub_down(s, &l, 2);
		rig_free(r);
	}
}

/* Even the last NOTIFY overtakes the 2xx: one end. A refusal behind it ends it no second time. */
static void test_end_first(void **state)
{
	static const unsigned codes[] = { 200, 403, 0 };

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(codes); i++) {
		struct rig *r = rig_out(NET_UDP, QUICK_T1);
		struct peer_got g;
		struct leg l;
		struct sub *s = sub_sent(r, (struct subscription_config){ 0 }, &l, &g);

		assert_int_equal(notify(&l, over, "one"), 200);
		if (codes[i])
			sub_accept(&l, &g, codes[i], 0, NULL);
		sub_wait(s);
		assert_has(str_of(s->states), "terminated/ended:noresource");
		assert_int_equal(s->notified, 1);
		sub_end(s, ENDPOINT_FAILED, codes[i] == 403 ? FAIL_STATUS : FAIL_ENDED, codes[i]);
		rig_free(r);
	}
}

/* RFC 6665 4.1.2.4: Timer N. */
static void test_no_notify(void **state)
{
	struct rig *r = rig_out(NET_UDP, QUICK_T1);
	struct peer_got g;
	struct leg l;
	struct sub *s = sub_sent(r, (struct subscription_config){ 0 }, &l, &g);

	(void)state;
	sub_accept(&l, &g, 200, 3600, NULL);
	sub_wait(s);
	assert_between(
		s->heard.ended - s->heard.began, 64 * QUICK_T1 - 20, 64 * QUICK_T1 + PEER_LATE);
	sub_end(s, ENDPOINT_FAILED, FAIL_TIMEOUT, 200);
	assert_int_equal(notify(&l, active, "late"), 481);
	rig_free(r);
}

static void test_refused(void **state)
{
	static const unsigned codes[] = { 403, 404, 489, 603, 500, 0 };

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(codes); i++) {
		struct rig *r = rig_out(NET_UDP, QUICK_T1);
		struct peer_got g;
		struct leg l;
		struct sub *s = sub_sent(r, (struct subscription_config){ 0 }, &l, &g);

		if (codes[i])
			leg_reply(&l, &g, codes[i], NULL, NULL);
		sub_wait(s);
		assert_string_equal(s->states, "");
		if (codes[i])
			sub_end(s, ENDPOINT_FAILED, FAIL_STATUS, codes[i]);
		else
			sub_end(s, ENDPOINT_FAILED, FAIL_TIMEOUT, 0);
		assert_int_equal(notify(&l, active, "late"), 481);
		assert_int_equal(got_new(r->p, "SUBSCRIBE"), 1);
		rig_free(r);
	}
}

static void test_423(void **state)
{
	struct rig *r = rig_out(NET_UDP, 0);
	struct peer_got g;
	struct leg l;
	struct sub *s = sub_sent(r, (struct subscription_config){ .expires = 60 }, &l, &g);

	(void)state;
	assert_int_equal(msg_seconds(g.msg, SIP_HDR_EXPIRES), 60);
	leg_reply(&l, &g, 423, "Min-Expires: 600\r\n", NULL);
	g = sub_asked(r, 2);
	assert_int_equal(msg_seconds(g.msg, SIP_HDR_EXPIRES), 600);
	l = leg_of(r, &g, "bob");
	sub_accept(&l, &g, 200, 600, NULL);
	assert_int_equal(notify(&l, "active;expires=600", "one"), 200);
	till(s->told == 1);
	assert_int_equal(s->expires, 600);
	/* it is not asked for less again */
	assert_int_equal(subscription_refresh(s->s), 0);
	g = sub_asked(r, 3);
	assert_within(&g, &l, 600);
	/* and a refresh is raised as well */
	leg_reply(&l, &g, 423, "Min-Expires: 900\r\n", NULL);
	g = sub_asked(r, 4);
	assert_within(&g, &l, 900);
	sub_accept(&l, &g, 200, 900, NULL);
	till(s->told == 2);
	assert_int_equal(s->expires, 900);
	sub_down(s, &l, 5);
	rig_free(r);
}

/* RFC 3261 22, of the first SUBSCRIBE, of a refresh and of the last. */
static void test_challenged(void **state)
{
	static const char challenge[] = "WWW-Authenticate: Digest realm=\"r\", nonce=\"n%u\"\r\n",
			  proxy[] = "Proxy-Authenticate: Digest realm=\"p\", nonce=\"m%u\"\r\n";

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct rig *r = rig_auth(20);
		unsigned status = i ? 407 : 401;
		char lines[128];
		struct peer_got g;
		struct leg l;
		struct sub *s = sub_sent(r, (struct subscription_config){ 0 }, &l, &g);
		char call_id[160];

		heard_copy(call_id, sizeof(call_id), sip_msg_call_id(g.msg));
		snprintf(lines, sizeof(lines), i ? proxy : challenge, 1);
		leg_reply(&l, &g, status, lines, NULL);
		g = sub_asked(r, 2);
		assert_str(sip_msg_call_id(g.msg), call_id);
		assert_has(g.msg->wire, i ? "Proxy-Authorization: " : "\r\nAuthorization: ");
		assert_int_equal(msg_cseq(g.msg), 2);
		l = leg_of(r, &g, "bob");
		sub_accept(&l, &g, 200, 3600, NULL);
		assert_int_equal(notify(&l, active, "one"), 200);
		till(s->notified == 1);
		assert_string_equal(s->heard.order, "Abn");
		assert_int_equal(subscription_refresh(s->s), 0);
		g = sub_asked(r, 3);
		assert_within(&g, &l, 3600);
		assert_int_equal(msg_cseq(g.msg), 3);
		snprintf(lines, sizeof(lines), i ? proxy : challenge, 2);
		memcpy(strstr(lines, "\r\n"), ", stale=true\r\n", 15);
		leg_reply(&l, &g, status, lines, NULL);
		g = sub_asked(r, 4);
		assert_within(&g, &l, 3600);
		assert_int_equal(msg_cseq(g.msg), 4);
		assert_has(g.msg->wire, i ? "nonce=\"m2\"" : "nonce=\"n2\"");
		sub_accept(&l, &g, 200, 3600, NULL);
		till(s->told == 2);
		assert_string_equal(s->states, " active/subscribed active/refreshed");
		sub_stop(s);
		g = sub_asked(r, 5);
		assert_within(&g, &l, 0);
		sub_accept(&l, &g, 200, 0, NULL);
		sub_end(s, ENDPOINT_CLOSED, 0, 200);
		rig_free(r);
	}
}

/* A wrong password ends it, with the layer named. */
static void test_challenged_twice(void **state)
{
	static const char lines[] = "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\"\r\n";
	struct rig *r = rig_auth(20);
	struct peer_got g;
	struct leg l;
	struct sub *s = sub_sent(r, (struct subscription_config){ 0 }, &l, &g);

	(void)state;
	leg_reply(&l, &g, 401, lines, NULL);
	g = sub_asked(r, 2);
	leg_reply(&l, &g, 401, lines, NULL);
	sub_wait(s);
	sub_end(s, ENDPOINT_FAILED, FAIL_AUTH, 401);
	rig_free(r);
}

static void test_redirected(void **state)
{
	struct rig *r = rig_out(NET_UDP, 0);
	struct peer *other = peer_new();
	char contact[128], uri[96];
	struct peer_got g;
	struct leg l;
	struct sub *s = sub_sent(r, (struct subscription_config){ .follow = 1 }, &l, &g);

	(void)state;
	snprintf(uri, sizeof(uri), "sip:carol@%s", other->text);
	snprintf(contact, sizeof(contact), "Contact: <%s>\r\n", uri);
	leg_reply(&l, &g, 302, contact, NULL);
	g = sub_asked(r, 2); /* a server-based endpoint sends it to its server (ruling 1) */
	assert_str(g.msg->request_uri, uri);
	l = leg_of(r, &g, "carol");
	sub_accept(&l, &g, 200, 3600, NULL);
	assert_int_equal(notify(&l, active, "one"), 200);
	till(s->told == 1);
	sub_down(s, &l, 3);
	/* not followed: it is the end */
	s = sub_sent(r, (struct subscription_config){ 0 }, &l, &g);
	leg_reply(&l, &g, 302, contact, NULL);
	sub_end(s, ENDPOINT_FAILED, FAIL_STATUS, 302);
	peer_free(other);
	rig_free(r);
}

/* RFC 3261 12.1.2, RFC 6665 4.4.1: the route set, of the 2xx and of the NOTIFY. */
static void test_routes(void **state)
{
	static const struct {
		const char *in_2xx, *in_notify, *route;
		bool notify_first;
	} rows[] = {
		{ "Record-Route: <sip:two@%s;lr>, <sip:one@%s;lr>\r\n", "",
			"<sip:one@%s;lr>, <sip:two@%s;lr>", false },
		{ "", "Record-Route: <sip:one@%s;lr>, <sip:two@%s;lr>\r\n",
			"<sip:one@%s;lr>, <sip:two@%s;lr>", true },
		{ "Record-Route: <sip:two@%s;lr>, <sip:one@%s;lr>\r\n",
			"Record-Route: <sip:one@%s;lr>, <sip:two@%s;lr>\r\n",
			"<sip:one@%s;lr>, <sip:two@%s;lr>", true },
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		struct rig *r = rig_out(NET_UDP, 0);
		char in_2xx[160], in_notify[160], route[160], have[320] = "";
		const char *at = r->p->text;
		struct peer_got g;
		struct leg l;
		struct sub *s = sub_sent(r, (struct subscription_config){ 0 }, &l, &g);

		snprintf(in_2xx, sizeof(in_2xx), rows[i].in_2xx, at, at);
		snprintf(in_notify, sizeof(in_notify), rows[i].in_notify, at, at);
		snprintf(route, sizeof(route), rows[i].route, at, at);
		if (!rows[i].notify_first) {
			sub_accept(&l, &g, 200, 3600, in_2xx);
			rig_idle(5);
		}
		assert_int_equal(
			notify_with(&l, (struct says){ .lines = in_notify, .body = "one" })->status,
			200);
		if (rows[i].notify_first)
			sub_accept(&l, &g, 200, 3600, in_2xx);
		till(s->notified == 1);
		rig_idle(5);
		assert_int_equal(subscription_refresh(s->s), 0);
		g = sub_asked(r, 2);
		assert_within(&g, &l, 3600);
		for (const struct sip_hdr *h = sip_msg_hdr(g.msg, SIP_HDR_ROUTE); h;
			h = sip_msg_hdr_next(g.msg, h))
			snprintf(have + strlen(have), sizeof(have) - strlen(have), "%s" STR_FMT,
				have[0] ? ", " : "", STR_ARG(h->value));
		assert_string_equal(have, route);
		sub_free(s);
		rig_free(r);
	}
}

/* --- several notifiers ---------------------------------------------------------------------------
 */

/* RFC 6665 4.1.4: each has a dialog, is refreshed, and ends by itself. */
static void test_forked(void **state)
{
	struct rig *r = rig_out(NET_UDP, 0);
	struct peer_got g;
	struct leg a, b;
	struct sub *s = sub_sent(r, (struct subscription_config){ 0 }, &a, &g);
	unsigned first, second;

	(void)state;
	b = leg_of(r, &g, "fork");
	sub_accept(&a, &g, 200, 3600, NULL);
	assert_int_equal(notify(&a, "active;expires=3600", "a"), 200);
	till(s->notified == 1);
	first = s->id;
	assert_int_equal(notify(&b, "pending;expires=1000", "b"), 200);
	till(s->notified == 2);
	second = s->id;
	assert_true(first != second && s->id_count == 2);
	assert_int_equal(s->notify_id, second);
	assert_string_equal(s->states, " active/subscribed pending/subscribed");
	assert_int_equal(s->refresh_in, 500);
	/* the next one is that of the one who expires first */
	assert_between((double)subscription_refresh_in_ms(s->s), 490000, 500000);
	clock_skip(501);
	g = sub_asked(r, 2);
	assert_within(&g, &b, 3600);
	sub_accept(&b, &g, 200, 3600, NULL);
	till(s->told == 3);
	assert_int_equal(s->id, second);
	assert_int_equal(notify(&b, "active;expires=3600", "b2"), 200);
	till(s->told == 4);
	clock_skip(2200);
	g = sub_asked(r, 3);
	assert_within(&g, &a, 3600);
	sub_accept(&a, &g, 200, 3600, NULL);
	till(s->told == 5);
	assert_int_equal(s->id, first);
	assert_int_equal(notify(&a, active, "a2"), 200); /* else Timer N ends it */
	assert_int_equal(got_new(r->p, "SUBSCRIBE"), 3);
	/* one ends, for good: the other lives */
	assert_int_equal(notify(&a, over, NULL), 200);
	till(s->told == 6);
	assert_int_equal(s->id, first);
	rig_idle(20);
	assert_int_equal(s->heard.finals, 0);
	assert_int_equal(subscription_state(s->s), SUBSCRIPTION_SUBSCRIBED);
	assert_int_equal(notify(&a, active, NULL), 481);
	assert_int_equal(notify(&b, active, "b3"), 200);
	/* a manual refresh is of those that live */
	assert_int_equal(subscription_refresh(s->s), 0);
	g = sub_asked(r, 4);
	assert_within(&g, &b, 3600);
	sub_accept(&b, &g, 200, 3600, NULL);
	rig_idle(10);
	assert_int_equal(got_new(r->p, "SUBSCRIBE"), 4);
	assert_int_equal(notify(&b, over, NULL), 200);
	sub_end(s, ENDPOINT_FAILED, FAIL_ENDED, 200);
	rig_free(r);
}

/* Both are refreshed by hand, updated, and unsubscribed from. */
static void test_forked_all(void **state)
{
	const struct subscription_extra extra = { NULL, 0, STR("text/u"), STR("u") };
	struct rig *r = rig_out(NET_UDP, 0);
	struct peer_got g;
	struct leg a, b;
	struct sub *s = sub_sent(r, (struct subscription_config){ 0 }, &a, &g);

	(void)state;
	b = leg_of(r, &g, "fork");
	assert_int_equal(notify(&b, active, "b"), 200);
	assert_int_equal(notify(&a, active, "a"), 200);
	sub_accept(&a, &g, 200, 3600, NULL);
	rig_idle(10);
	assert_int_equal(s->id_count, 2);
	for (unsigned i = 0; i < 3; i++) {
		bool to_a = false, to_b = false;
		if (i == 0)
			assert_int_equal(subscription_refresh(s->s), 0);
		else if (i == 1)
			assert_int_equal(subscription_update(s->s, &extra, &r->u->why), 0);
		else
			sub_stop(s);
		for (unsigned k = 0; k < 2; k++) {
			g = sub_asked(r, 2 + 2 * i + k);
			bool is_a = str_eq(sip_msg_value(g.msg, SIP_HDR_TO), str_of(a.local));
			to_a |= is_a;
			to_b |= !is_a;
			assert_within(&g, is_a ? &a : &b, i == 2 ? 0 : 3600);
			assert_str(g.msg->body, i == 1 ? "u" : "");
			sub_accept(is_a ? &a : &b, &g, 200, i == 2 ? 0 : 3600, NULL);
		}
		assert_true(to_a && to_b);
		rig_idle(10);
	}
	sub_wait(s);
	assert_has(str_of(s->states), "terminated/unsubscribed");
	sub_end(s, ENDPOINT_CLOSED, 0, 200);
	assert_int_equal(got_new(r->p, "SUBSCRIBE"), 7);
	rig_free(r);
}

/* Behind Timer N no NOTIFY makes a dialog (4.1.2.4). */
static void test_fork_late(void **state)
{
	struct rig *r = rig_out(NET_UDP, QUICK_T1);
	struct peer_got g;
	struct leg a, b;
	struct sub *s = sub_sent(r, (struct subscription_config){ 0 }, &a, &g);

	(void)state;
	b = leg_of(r, &g, "fork");
	sub_accept(&a, &g, 200, 3600, NULL);
	assert_int_equal(notify(&a, active, "a"), 200);
	rig_idle(64 * QUICK_T1 + 60);
	assert_int_equal(notify(&b, active, "b"), 481);
	assert_int_equal(notify(&a, active, "a"), 200);
	assert_int_equal(s->id_count, 1);
	sub_down(s, &a, 2);
	rig_free(r);
}

/* A peer cannot make us grow: the 65th notifier is refused. */
static void test_fork_limit(void **state)
{
	struct rig *r = rig_out(NET_UDP, 100);
	struct peer_got g;
	struct leg l;
	struct sub *s = sub_sent(r, (struct subscription_config){ 0 }, &l, &g);

	(void)state;
	for (unsigned i = 1; i <= 66; i++) {
		char tag[16];
		snprintf(tag, sizeof(tag), "t%u", i);
		l = leg_of(r, &g, tag);
		assert_int_equal(notify(&l, active, "x"), i <= 64 ? 200 : 481);
	}
	assert_int_equal(s->notified, 64);
	assert_int_equal(s->id_count, 64);
	sub_free(s);
	rig_free(r);
}

/* --- notifications, judged -----------------------------------------------------------------------
 */

static void test_judged(void **state)
{
	struct rig *r = rig_out(NET_UDP, 0);
	struct leg l, forged;
	struct sub *s = sub_up(r, (struct subscription_config){ 0 }, &l);
	struct sip_msg *m;

	(void)state;
	m = notify_with(&l, (struct says){ .event = "dialog", .body = "x" });
	assert_int_equal(m->status, 489);
	assert_has(msg_named(m, "Allow-Events"), "presence"); /* RFC 6665 8.3.2 */
	assert_int_equal(notify_with(&l, (struct says){ .event = "presence.winfo" })->status, 489);
	assert_int_equal(notify_with(&l, (struct says){ .event = "" })->status, 489);
	assert_int_equal(notify_with(&l, (struct says){ .event = "presence;id=1" })->status, 481);
	assert_int_equal(notify(&l, "", "x"), 400);
	assert_int_equal(notify(&l, ";;", "x"), 400);
	assert_int_equal(notify(&l, "active;expires=x", "x"), 400);
	assert_int_equal(notify(&l, "active active", "x"), 400);
	forged = l;
	snprintf(forged.local, sizeof(forged.local), "<sip:bob@peer.test>;tag=forged");
	forged.cseq += 10;
	snprintf(forged.call_id, sizeof(forged.call_id), "other");
	assert_int_equal(notify(&forged, active, "x"), 481);
	assert_int_equal(
		notify_with(&l, (struct says){ .cseq = l.cseq - 1, .body = "x" })->status, 500);
	assert_int_equal(s->notified, 1);
	assert_string_equal(s->heard.order, "bn");
	/* package and parameters: which is which in RFC 6665 8.2.1 */
	assert_int_equal(notify_with(&l, (struct says){ .event = "PRESENCE;x=y" })->status, 200);
	till(s->notified == 2);
	/* AR-12 */
	leg_ask(&l, "BENOTIFY",
		(struct leg_says){ .lines = "Event: presence\r\nSubscription-State: active\r\n",
			.type = "text/plain",
			.body = "be" });
	till(s->notified == 3);
	rig_idle(20);
	assert_null(leg_find(&l, l.branch, "BENOTIFY", 100, NULL));
	assert_string_equal(s->body, "be");
	leg_ask(&l, "BENOTIFY", (struct leg_says){ .lines = "Event: dialog\r\n" });
	rig_idle(20);
	assert_null(leg_find(&l, l.branch, "BENOTIFY", 100, NULL));
	/* a repeated one gets its answer again, and is told once */
	unsigned branch, count;
	assert_int_equal(notify(&l, active, "four"), 200);
	branch = l.branch;
	leg_ask(&l, "NOTIFY",
		(struct leg_says){ .lines = "Event: presence\r\nSubscription-State: active\r\n",
			.cseq = l.cseq,
			.branch = branch });
	rig_idle(20);
	leg_find(&l, branch, "NOTIFY", 200, &count);
	assert_int_equal(count, 2);
	assert_int_equal(s->notified, 4);
	sub_down(s, &l, 2);
	assert_int_equal(notify(&l, active, "x"), 481);
	rig_free(r);
}

/* The id of ours has to come back. */
static void test_event_id(void **state)
{
	struct rig *r = rig_out(NET_UDP, 0);
	struct peer_got g;
	struct leg l;
	struct sub *s =
		sub_sent(r, (struct subscription_config){ .event = STR("presence;id=a7") }, &l, &g);

	(void)state;
	sub_accept(&l, &g, 200, 3600, NULL);
	assert_int_equal(notify(&l, active, "x"), 481);
	assert_int_equal(notify_with(&l, (struct says){ .event = "presence;id=A7" })->status, 481);
	assert_int_equal(notify_with(&l, (struct says){ .event = "presence;id=a7" })->status, 200);
	till(s->notified == 1);
	assert_int_equal(subscription_refresh(s->s), 0);
	g = sub_asked(r, 2);
	assert_str(sip_msg_value(g.msg, SIP_HDR_EVENT), "presence;id=a7");
	sub_free(s);
	rig_free(r);
}

/* Before there is a dialog, what does not fit makes none. */
static void test_judged_early(void **state)
{
	struct rig *r = rig_out(NET_UDP, 0);
	struct peer_got g;
	struct leg l, other;
	struct sub *s = sub_sent(r, (struct subscription_config){ 0 }, &l, &g);

	(void)state;
	assert_int_equal(notify_with(&l, (struct says){ .event = "dialog" })->status, 489);
	assert_int_equal(notify_with(&l, (struct says){ .event = "presence;id=1" })->status, 481);
	assert_int_equal(notify(&l, "", NULL), 400);
	other = l;
	snprintf(other.remote, sizeof(other.remote), "<sip:alice@example.test>;tag=other");
	assert_int_equal(notify(&other, active, NULL), 481);
	assert_int_equal(s->heard.all, 0);
	sub_accept(&l, &g, 200, 3600, NULL);
	assert_int_equal(notify(&l, active, "one"), 200);
	till(s->notified == 1);
	sub_down(s, &l, 2);
	rig_free(r);
}

static const char pidf[] = "<?xml version=\"1.0\"?>\r\n"
			   "<presence xmlns=\"urn:ietf:params:xml:ns:pidf\" "
			   "entity=\"sip:bob@example.test\">"
			   "<tuple id=\"t\"><status><basic>open</basic></status></tuple>"
			   "</presence>";

/* What lib/sip/body makes of it, is what the handler hears; a malformed one is answered with 200,
 * too: RFC 6665 has no other answer. */
static void test_bodies(void **state)
{
	static const char *const rows[][2] = { { "application/pidf+xml", pidf },
		{ "application/pidf+xml", "<presence" }, { "application/x-unheard-of", "x" } };

	(void)state;
	for (int decode = 0; decode < 2; decode++) {
		struct rig *r = rig_out(NET_UDP, 0);
		struct leg l;
		struct sub *s = sub_up(r, (struct subscription_config){ .decode = decode }, &l);

		assert_false(s->decoded);
		for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
			const struct says says = { .type = rows[i][0], .body = rows[i][1] };
			struct arena a = { 0 };
			struct fail f = { 0 };
			struct tree *tree = NULL;
			int e = body_decode(str_of(rows[i][0]), str_of(rows[i][1]), &a, &tree, &f);

			assert_int_equal(notify_with(&l, says)->status, 200);
			till(s->notified == 2 + i);
			assert_int_equal(s->decoded, decode && tree);
			assert_int_equal(s->malformed, decode && e != 0);
			assert_string_equal(s->body, rows[i][1]);
			arena_done(&a);
		}
		sub_down(s, &l, 2);
		rig_free(r);
	}
}

static void notify_dialogs(struct leg *l, unsigned version, const char *state)
{
	char body[512];

	snprintf(body, sizeof(body),
		"<dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"%u\" "
		"state=\"%s\" entity=\"sip:bob@example.test\"><dialog id=\"d%u\">"
		"<state>early</state></dialog></dialog-info>",
		version, state, version);
	assert_int_equal(notify_with(l, (struct says){ .type = "application/dialog-info+xml",
						.lines = "SIP-ETag: e1\r\n",
						.body = body })
				 ->status,
		200);
}

/* RFC 4235 3.4: when versions are missing, the whole is asked for; not again and again, and not
 * "unless it is what I know". */
static void test_partial(void **state)
{
	struct rig *r = rig_out(NET_UDP, 0);
	struct leg l;
	struct sub *s = sub_up(r, (struct subscription_config){ .decode = true }, &l);
	struct peer_got g;

	(void)state;
	notify_dialogs(&l, 0, "full");
	notify_dialogs(&l, 1, "partial");
	till(s->notified == 3);
	assert_true(s->decoded && s->whole);
	rig_idle(10);
	assert_int_equal(got_new(r->p, "SUBSCRIBE"), 1);
	notify_dialogs(&l, 3, "partial");
	g = sub_asked(r, 2);
	assert_within(&g, &l, 3600);
	assert_str(msg_named(g.msg, "Suppress-If-Match"), "");
	sub_accept(&l, &g, 200, 3600, NULL);
	till(s->told == 2);
	notify_dialogs(&l, 9, "partial");
	rig_idle(20);
	assert_int_equal(got_new(r->p, "SUBSCRIBE"), 2);
	clock_skip(31);
	notify_dialogs(&l, 20, "partial");
	g = sub_asked(r, 3);
	sub_accept(&l, &g, 200, 3600, NULL);
	till(s->told == 3);
	assert_int_equal(subscription_refresh(s->s), 0);
	g = sub_asked(r, 4);
	assert_str(msg_named(g.msg, "Suppress-If-Match"), "e1");
	sub_free(s);
	rig_free(r);
}

/* --- refreshes -----------------------------------------------------------------------------------
 */

/* SB-03 */
static void test_refresh_time(void **state)
{
	static const uint32_t rows[][2] = { { 3600, 2700 }, { 1801, 901 }, { 1800, 900 },
		{ 1000, 500 }, { 60, 30 }, { 86400, 85500 }, { 2, 1 } };

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		struct rig *r = rig_out(NET_UDP, 0);
		uint32_t due = rows[i][1];
		struct peer_got g;
		struct leg l;
		struct sub *s =
			sub_up(r, (struct subscription_config){ .expires = rows[i][0] }, &l);

		assert_between((double)subscription_refresh_in_ms(s->s), due * 1000.0 - 500,
			due * 1000.0 + 500);
		assert_int_equal(s->expires, rows[i][0]);
		assert_between((double)s->refresh_in, due - 1, due + 1);
		if (due > 1) {
			clock_skip(due - 1);
			assert_int_equal(got_new(r->p, "SUBSCRIBE"), 1);
			clock_skip(2);
		}
		g = sub_asked(r, 2);
		assert_within(&g, &l, rows[i][0]);
		sub_accept(&l, &g, 200, (int)rows[i][0], NULL);
		till(s->told == 2);
		assert_string_equal(s->states, " active/subscribed active/refreshed");
		assert_int_equal(s->heard.finals, 0);
		sub_free(s);
		rig_free(r);
	}
}

/* By the clock that nobody puts ahead. */
static void test_refresh_short(void **state)
{
	struct rig *r = rig_out(NET_UDP, 0);
	struct peer_got g;
	struct leg l;
	struct sub *s = sub_up(r, (struct subscription_config){ .expires = 1 }, &l);

	(void)state;
	for (unsigned i = 2; i < 4; i++) {
		double began = rig_ms();
		g = sub_asked(r, i);
		assert_between(g.ms - began, 400, 500 + PEER_LATE);
		sub_accept(&l, &g, 200, 1, NULL);
		assert_int_equal(notify(&l, "active;expires=1", "again"), 200);
		till(s->told == i);
	}
	sub_free(s);
	rig_free(r);
}

/* Who notifies all the time, keeps no refresh away: RFC 6665 4.1.2.2 has it by the expiry. */
static void test_refresh_stream(void **state)
{
	static const char *const says[] = { "active", "active;expires=1" };

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(says); i++) {
		struct rig *r = rig_out(NET_UDP, 0);
		struct leg l;
		struct sub *s = sub_up(r, (struct subscription_config){ .expires = 1 }, &l);
		double began = rig_ms();
		unsigned sent = 0;

		while (rig_ms() < began + 900 && got_new(r->p, "SUBSCRIBE") < 2) {
			notify(&l, says[i], "again");
			rig_idle(20);
			sent++;
		}
		assert_true(sent > 5);
		if (got_new(r->p, "SUBSCRIBE") != 2)
			fail_msg("\"%s\" put the refresh off", says[i]);
		sub_free(s);
		rig_free(r);
	}
}

/* RFC 6665 4.1.2.1, 4.1.3: the 2xx and each NOTIFY may shorten it. */
static void test_expiry_shorter(void **state)
{
	struct rig *r = rig_out(NET_UDP, 0);
	struct peer_got g;
	struct leg l;
	struct sub *s = sub_sent(r, (struct subscription_config){ .expires = 7200 }, &l, &g);

	(void)state;
	sub_accept(&l, &g, 200, 3600, NULL);
	assert_int_equal(notify(&l, "active", "one"), 200);
	till(s->told == 1);
	assert_int_equal(s->expires, 3600);
	assert_between((double)subscription_refresh_in_ms(s->s), 2690000, 2700000);
	assert_int_equal(notify(&l, "active;expires=100", "two"), 200);
	till(s->notified == 2);
	assert_between((double)subscription_refresh_in_ms(s->s), 49000, 50000);
	/* it asks for what was asked for at first */
	clock_skip(51);
	g = sub_asked(r, 2);
	assert_within(&g, &l, 7200);
	sub_accept(&l, &g, 200, 1000, NULL);
	till(s->heard.count[ENDPOINT_SUBSCRIPTION] > 1 && s->expires == 1000);
	assert_between((double)subscription_refresh_in_ms(s->s), 490000, 500000);
	sub_free(s);
	rig_free(r);
}

/* A 2xx without Expires: RFC 6665 4.2.1.1 forbids it, what was asked for is believed. One that
 * gives more than was asked for is broken (4.1.2.1): it would be a refresh too late. */
static void test_expiry_odd(void **state)
{
	static const int rows[] = { -1, 7200 };

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		struct rig *r = rig_out(NET_UDP, 0);
		struct peer_got g;
		struct leg l;
		struct sub *s = sub_sent(r, (struct subscription_config){ .expires = 60 }, &l, &g);

		sub_accept(&l, &g, 200, rows[i], NULL);
		assert_int_equal(notify(&l, "active", "one"), 200);
		till(s->told == 1);
		assert_int_equal(s->expires, 60);
		assert_between((double)subscription_refresh_in_ms(s->s), 29000, 30000);
		sub_free(s);
		rig_free(r);
	}
}

/* SB-12 */
static void test_manual(void **state)
{
	struct rig *r = rig_out(NET_UDP, 0);
	struct peer_got first, g;
	struct leg l;
	struct sub *s = sub_up(r, (struct subscription_config){ 0 }, &l);

	(void)state;
	first = sub_asked(r, 1);
	assert_int_equal(subscription_refresh(s->s), 0);
	assert_int_equal(subscription_refresh(s->s), 0); /* several at once do no harm */
	g = sub_asked(r, 2);
	assert_within(&g, &l, 3600);
	assert_int_equal(msg_cseq(g.msg), msg_cseq(first.msg) + 1);
	rig_idle(20);
	assert_int_equal(got_new(r->p, "SUBSCRIBE"), 2); /* never two on their way */
	assert_int_equal(subscription_state(s->s), SUBSCRIPTION_SUBSCRIBED);
	sub_accept(&l, &g, 200, 3600, NULL);
	till(s->told == 2);
	assert_string_equal(s->states, " active/subscribed active/refreshed");
	assert_int_equal(notify(&l, active, "two"), 200);
	sub_stop(s);
	assert_int_equal(subscription_refresh(s->s), -FAIL_STATE);
	assert_int_equal(subscription_state(s->s), SUBSCRIPTION_TERMINATING);
	sub_free(s);
	rig_free(r);
}

/* SB-13 */
static void test_update(void **state)
{
	const struct endpoint_header mine = { ENDPOINT_HEADER_ADD, STR("X-Mine"), STR("1") };
	const struct endpoint_header inject = { ENDPOINT_HEADER_ADD, STR("X-A"), STR("a\r\nb") };
	const struct subscription_extra extra = { &mine, 1, STR("text/filter"), STR("more") };
	const struct subscription_extra bad[] = { { &inject, 1, STR_EMPTY, STR_EMPTY },
		{ NULL, 0, STR_EMPTY, STR("no type") } };
	struct rig *r = rig_out(NET_UDP, 0);
	struct peer_got g;
	struct leg l;
	struct sub *s = sub_sent(r, (struct subscription_config){ 0 }, &l, &g);

	(void)state;
	assert_int_equal(subscription_update(s->s, &extra, &r->u->why), -FAIL_STATE);
	sub_accept(&l, &g, 200, 3600, NULL);
	assert_int_equal(notify(&l, active, "one"), 200);
	till(s->notified == 1);
	for (unsigned i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(subscription_update(s->s, &bad[i], &r->u->why), -FAIL_ARGUMENT);
	assert_int_equal(subscription_update(s->s, &extra, &r->u->why), 0);
	g = sub_asked(r, 2);
	assert_within(&g, &l, 3600);
	assert_str(g.msg->body, "more");
	assert_str(sip_msg_value(g.msg, SIP_HDR_CONTENT_TYPE), "text/filter");
	assert_str(msg_named(g.msg, "X-Mine"), "1");
	sub_accept(&l, &g, 200, 3600, NULL);
	rig_idle(10);
	/* during a refresh on its way it is not lost */
	assert_int_equal(subscription_refresh(s->s), 0);
	g = sub_asked(r, 3);
	assert_int_equal(g.msg->body.n, 0);
	assert_int_equal(subscription_update(s->s, &extra, &r->u->why), 0);
	sub_accept(&l, &g, 200, 3600, NULL);
	g = sub_asked(r, 4);
	assert_str(g.msg->body, "more");
	sub_accept(&l, &g, 200, 3600, NULL);
	rig_idle(10);
	sub_down(s, &l, 5);
	rig_free(r);
}

/* RFC 5839: tags of notifications condition the SUBSCRIBEs that follow. */
static void test_suppress(void **state)
{
	struct rig *r = rig_out(NET_UDP, QUICK_T1);
	struct peer_got g;
	struct leg l;
	struct sub *s =
		sub_sent(r, (struct subscription_config){ .suppress = STR("old1") }, &l, &g);

	(void)state;
	assert_str(msg_named(g.msg, "Suppress-If-Match"), "old1");
	sub_accept(&l, &g, 200, 3600, NULL);
	assert_int_equal(
		notify_with(&l, (struct says){ .lines = "SIP-ETag: new1\r\n", .body = "one" })
			->status,
		200);
	till(s->notified == 1);
	assert_string_equal(s->etag, "new1");
	assert_int_equal(subscription_refresh(s->s), 0);
	g = sub_asked(r, 2);
	assert_str(msg_named(g.msg, "Suppress-If-Match"), "new1");
	/* 204: no NOTIFY comes, and none is waited for */
	sub_accept(&l, &g, 204, 1800, NULL);
	till(s->told == 2);
	assert_string_equal(s->states, " active/subscribed active/refreshed");
	assert_int_equal(s->expires, 1800);
	rig_idle(64 * QUICK_T1 + 60);
	assert_int_equal(s->heard.finals, 0);
	assert_int_equal(got_new(r->p, "SUBSCRIBE"), 2);
	/* RFC 5839 5.2: the tag stays the one of the last NOTIFY that had one */
	assert_int_equal(notify(&l, active, "two"), 200);
	till(s->notified == 2);
	assert_string_equal(s->etag, "");
	sub_stop(s);
	g = sub_asked(r, 3);
	assert_within(&g, &l, 0);
	sub_accept(&l, &g, 204, 0, NULL);
	sub_end(s, ENDPOINT_CLOSED, 0, 200); /* the response is the first one's */
	rig_free(r);
	/* "*": whatever there is */
	r = rig_out(NET_UDP, 0);
	s = sub_sent(r, (struct subscription_config){ .suppress = STR("*") }, &l, &g);
	assert_str(msg_named(g.msg, "Suppress-If-Match"), "*");
	/* a 204 to the first one: subscribed, nothing to tell (RFC 5839 5.4) */
	sub_free(s);
	rig_free(r);
}

/* --- fetches -------------------------------------------------------------------------------------
 */

/* SB-05, RFC 6665 4.4.3 */
static void test_fetch(void **state)
{
	static const char *const says[] = { "terminated;reason=timeout", "active;expires=0",
		"pending", "terminated;reason=rejected", "terminated" };

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(says); i++)
		for (int first = 0; first < 2; first++) {
			struct rig *r = rig_out(NET_UDP, 0);
			struct peer_got g;
			struct leg l;
			struct sub *s =
				sub_sent(r, (struct subscription_config){ .fetch = true }, &l, &g);

			assert_int_equal(msg_seconds(g.msg, SIP_HDR_EXPIRES), 0);
			if (!first)
				sub_accept(&l, &g, 200, 0, NULL);
			rig_idle(5);
			assert_int_equal(notify(&l, says[i], "one"), 200);
			if (first)
				sub_accept(&l, &g, 200, 0, NULL);
			sub_wait(s);
			assert_int_equal(s->notified, 1);
			assert_string_equal(s->body, "one");
			sub_end(s, ENDPOINT_DONE, 0, first ? s->heard.status : 200);
			rig_idle(20);
			assert_int_equal(got_new(r->p, "SUBSCRIBE"), 1);
			rig_free(r);
		}
}

static void test_fetch_fails(void **state)
{
	static const struct {
		unsigned status;
		enum endpoint_event_type type;
		int code;
	} rows[] = {
		{ 200, ENDPOINT_FAILED, FAIL_TIMEOUT }, /* no NOTIFY */
		{ 204, ENDPOINT_DONE, 0 }, /* RFC 5839: nothing is new */
		{ 403, ENDPOINT_FAILED, FAIL_STATUS },
		{ 500, ENDPOINT_FAILED, FAIL_STATUS },
		{ 0, ENDPOINT_FAILED, FAIL_TIMEOUT },
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		struct rig *r = rig_out(NET_UDP, QUICK_T1);
		struct peer_got g;
		struct leg l;
		struct sub *s = sub_sent(r,
			(struct subscription_config){ .fetch = true, .suppress = STR("t1") }, &l,
			&g);

		assert_str(msg_named(g.msg, "Suppress-If-Match"), "t1");
		if (rows[i].status)
			sub_accept(&l, &g, rows[i].status, 0, NULL);
		sub_wait(s);
		assert_int_equal(s->notified, 0);
		sub_end(s, rows[i].type, rows[i].code, rows[i].status);
		assert_int_equal(got_new(r->p, "SUBSCRIBE"), 1);
		rig_free(r);
	}
}

/* --- ends ----------------------------------------------------------------------------------------
 */

/* Before any answer there is nothing that could be unsubscribed from; what comes after is refused.
 */
static void test_stop_early(void **state)
{
	(void)state;
	for (int answered = 0; answered < 3; answered++) {
		struct rig *r = rig_out(NET_UDP, QUICK_T1);
		struct sub *s;
		struct peer_got g;
		struct leg l;

		if (answered == 2) { /* before it is sent */
			s = sub_start(r, (struct subscription_config){ 0 });
			sub_stop(s);
			sub_wait(s);
			sub_end(s, ENDPOINT_CLOSED, 0, s->heard.status);
			rig_free(r);
			continue;
		}
		s = sub_sent(r, (struct subscription_config){ 0 }, &l, &g);
		if (answered) { /* a 2xx without a NOTIFY makes the dialog: RFC 6665 4.4.1 */
			sub_accept(&l, &g, 200, 3600, NULL);
			rig_idle(5);
		}
		sub_stop(s);
		assert_int_equal(s->heard.finals, 0); /* from the loop */
		if (answered) {
			g = sub_asked(r, 2);
			assert_within(&g, &l, 0);
			sub_accept(&l, &g, 200, 0, NULL);
		}
		sub_wait(s);
		assert_int_equal(s->notified, 0);
		sub_end(s, ENDPOINT_CLOSED, 0, s->heard.status);
		assert_int_equal(notify(&l, active, "late"), 481);
		rig_free(r);
	}
}

/* SB-14: whatever the notifier says to it. */
static void test_stop(void **state)
{
	static const unsigned codes[] = { 200, 202, 204, 481, 403, 500, 503, 0 };

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(codes); i++) {
		struct rig *r = rig_out(NET_UDP, QUICK_T1);
		struct leg l;
		struct sub *s = sub_up(r, (struct subscription_config){ 0 }, &l);
		struct peer_got g;

		sub_stop(s);
		assert_int_equal(subscription_state(s->s), SUBSCRIPTION_TERMINATING);
		g = sub_asked(r, 2);
		assert_within(&g, &l, 0);
		if (codes[i])
			sub_accept(&l, &g, codes[i], 0, "Retry-After: 1\r\n");
		sub_wait(s);
		assert_string_equal(s->states, " active/subscribed terminated/unsubscribed");
		assert_int_equal(s->heard.final, ENDPOINT_CLOSED);
		rig_idle(20);
		assert_int_equal(s->heard.finals, 1);
		assert_int_equal(got_new(r->p, "SUBSCRIBE"), 2);
		sub_free(s);
		assert_int_equal(notify(&l, active, "late"), 481);
		rig_free(r);
	}
}

/* RFC 6665 4.1.2.3: the last NOTIFY may have state; it may come before the 2xx. */
static void test_stop_notified(void **state)
{
	(void)state;
	for (int first = 0; first < 2; first++) {
		struct rig *r = rig_out(NET_UDP, QUICK_T1);
		struct leg l;
		struct sub *s = sub_up(r, (struct subscription_config){ 0 }, &l);
		struct peer_got g;

		sub_stop(s);
		g = sub_asked(r, 2);
		if (first) {
			assert_int_equal(notify(&l, "terminated;reason=timeout", "last"), 200);
			sub_accept(&l, &g, 200, 0, NULL);
			sub_wait(s);
			assert_int_equal(s->notified, 2);
			assert_string_equal(s->body, "last");
		} else {
			sub_accept(&l, &g, 200, 0, NULL);
			notify(&l, "terminated;reason=timeout", "last");
			sub_wait(s);
		}
		assert_int_equal(s->heard.final, ENDPOINT_CLOSED);
		assert_has(str_of(s->states), " active/subscribed terminated/unsubscribed");
		rig_idle(20);
		sub_free(s);
		rig_free(r);
	}
}

/* During a refresh: RFC 3261 has no CANCEL for it, the Expires 0 goes out beside it. */
static void test_stop_refreshing(void **state)
{
	static const unsigned codes[] = { 200, 481, 500, 0 };

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(codes); i++) {
		struct rig *r = rig_out(NET_UDP, QUICK_T1);
		struct leg l;
		struct sub *s = sub_up(r, (struct subscription_config){ 0 }, &l);
		struct peer_got g, last;

		assert_int_equal(subscription_refresh(s->s), 0);
		g = sub_asked(r, 2);
		sub_stop(s);
		if (codes[i])
			sub_accept(&l, &g, codes[i], 3600, NULL);
		last = sub_asked(r, 3);
		assert_within(&last, &l, 0);
		assert_true(msg_cseq(last.msg) > msg_cseq(g.msg));
		sub_accept(&l, &last, 200, 0, NULL);
		sub_wait(s);
		assert_has(str_of(s->states), "terminated/unsubscribed");
		sub_end(s, ENDPOINT_CLOSED, 0, 200);
		assert_int_equal(got_new(r->p, "SUBSCRIBE"), 3);
		rig_free(r);
	}
}

/* One run with all kinds of events: two notifiers, a refresh, an end, a stop. */
static void run_all(struct rig *r, struct sub *s, const char *last)
{
	struct leg a, b;
	struct peer_got g = sub_asked(r, 1);

	a = leg_of(r, &g, "bob");
	b = leg_of(r, &g, "fork");
	leg_ask(&b, "NOTIFY",
		(struct leg_says){ .lines = "Event: presence\r\nSubscription-State: pending\r\n" });
	rig_idle(5);
	sub_accept(&a, &g, 200, 3600, NULL);
	leg_ask(&a, "NOTIFY",
		(struct leg_says){ .lines = "Event: presence\r\nSubscription-State: active\r\n",
			.type = "text/plain",
			.body = "one" });
	rig_idle(5);
	if (s->s)
		subscription_refresh(s->s);
	rig_idle(5);
	for (unsigned i = 0; i < r->p->count; i++)
		if (r->p->got[i].msg->request && i > 0) {
			struct peer_got one = r->p->got[i];
			leg_reply(&a, &one, 200, "Expires: 3600\r\n", NULL);
		}
	rig_idle(5);
	leg_ask(&b, "NOTIFY",
		(struct leg_says){ .lines = "Event: presence\r\nSubscription-State: "
					    "terminated;reason=rejected\r\n" });
	rig_idle(5);
	leg_ask(&a, "NOTIFY", (struct leg_says){ .lines = last });
	rig_idle(10);
}

/* R3: every event may be the last, or the one in which it is stopped. */
static void test_free_in_handler(void **state)
{
	static const char last[] = "Event: presence\r\nSubscription-State: "
				   "terminated;reason=noresource\r\n";
	unsigned events = 0, subscribes = 0;

	(void)state;
	for (unsigned at = 0; at <= events; at++)
		for (int stops = 0; stops < (at ? 2 : 1); stops++) {
			struct rig *r = rig_out(NET_UDP, QUICK_T1);
			struct sub *s = sub_new(r);

			*(stops ? &s->stop_at : &s->free_at) = at;
			assert_int_equal(sub_try(s, (struct subscription_config){ 0 }), 0);
			run_all(r, s, last);
			if (!at) {
				assert_int_equal(s->heard.finals, 1);
				events = s->heard.all;
				subscribes = got_new(r->p, "SUBSCRIBE");
				assert_true(events >= 8);
			} else if (stops) {
				sub_wait(s);
				/* with its end it is decided already */
				assert_int_equal(s->heard.final,
					at >= events - 1 ? ENDPOINT_FAILED : ENDPOINT_CLOSED);
				/* what the notifier has ended is not unsubscribed from */
				if (at >= events - 2)
					assert_int_equal(got_new(r->p, "SUBSCRIBE"), subscribes);
			} else {
				assert_null(s->s);
				assert_int_equal(s->heard.all, at);
			}
			sub_free(s);
			rig_free(r);
		}
}

/* The final CLOSED, too. */
static void test_free_closed(void **state)
{
	(void)state;
	for (unsigned at = 1; at <= 4; at++) {
		struct rig *r = rig_out(NET_UDP, QUICK_T1);
		struct leg l;
		struct sub *s = sub_up(r, (struct subscription_config){ 0 }, &l);
		struct peer_got g;

		s->free_at = 2 + at; /* behind "bn" */
		sub_stop(s);
		g = sub_asked(r, 2);
		leg_ask(&l, "NOTIFY",
			(struct leg_says){ .lines = "Event: presence\r\nSubscription-State: "
						    "terminated;reason=timeout\r\n" });
		sub_accept(&l, &g, 200, 0, NULL);
		rig_idle(20);
		sub_free(s);
		rig_free(r);
	}
}

static void free_manager(struct sub *s, const struct endpoint_event *ev)
{
	struct ua *u = s->rig->u;

	if (ev->type != ENDPOINT_NOTIFY)
		return;
	s->heard.quiet = u->heard.quiet = true;
	if (s->arg) { /* the other order */
		subscription_free(s->s);
		endpoint_manager_free(u->m);
	} else {
		endpoint_manager_free(u->m);
		subscription_free(s->s);
	}
	s->s = NULL;
	u->m = NULL;
}

static void test_manager_in_handler(void **state)
{
	(void)state;
	for (int order = 0; order < 2; order++) {
		struct rig *r = rig_out(NET_UDP, QUICK_T1);
		struct peer_got g;
		struct leg l;
		struct sub *s = sub_sent(r, (struct subscription_config){ 0 }, &l, &g);

		s->hook = free_manager;
		s->arg = order ? r : NULL;
		media_free(r->media);
		r->media = NULL;
		sub_accept(&l, &g, 200, 3600, NULL);
		leg_ask(&l, "NOTIFY",
			(struct leg_says){
				.lines = "Event: presence\r\nSubscription-State: active\r\n" });
		rig_idle(20);
		assert_null(s->s);
		sub_free(s);
		rig_free(r);
	}
}

/* SB-14, EP-17: the endpoint ends what lives on it, and says so last. */
static void closed_last(struct heard *h, const struct endpoint_event *ev)
{
	struct sub **s = h->arg;

	if (ev->type == ENDPOINT_CLOSED)
		for (unsigned i = 0; i < 4; i++)
			assert_int_equal(s[i]->heard.finals, 1);
}

static void test_endpoint_stop(void **state)
{
	struct rig *r = rig_out(NET_UDP, QUICK_T1);
	struct sub *s[4];
	struct leg l[4];
	struct peer_got g;

	(void)state;
	s[0] = sub_up(r, (struct subscription_config){ 0 }, &l[0]);
	s[1] = sub_up(r, (struct subscription_config){ 0 }, &l[1]);
	s[2] = sub_sent(r, (struct subscription_config){ 0 }, &l[2], &g); /* no answer yet */
	s[3] = sub_sent(r, (struct subscription_config){ 0 }, &l[3], &g);
	sub_accept(&l[3], &g, 200, 3600, NULL);
	assert_int_equal(notify(&l[3], over, NULL), 200); /* over already */
	sub_wait(s[3]);
	r->u->heard.hook = closed_last;
	r->u->heard.arg = s;
	endpoint_stop(r->u->ep);
	endpoint_stop(r->u->ep);
	for (unsigned i = 0; i < 2; i++) {
		g = sub_asked(r, 5 + i);
		assert_int_equal(msg_seconds(g.msg, SIP_HDR_EXPIRES), 0);
		if (i == 0) /* the other one never answers */
			sub_accept(&l[0], &g, 200, 0, NULL);
	}
	rig_wait(r->u->heard.count[ENDPOINT_CLOSED], 1);
	rig_idle(10);
	assert_int_equal(r->u->heard.count[ENDPOINT_CLOSED], 1);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(s[i]->heard.final, ENDPOINT_CLOSED);
	for (unsigned i = 0; i < 4; i++)
		sub_free(s[i]);
	/* and nothing starts on it any more */
	struct sub *late = sub_new(r);
	assert_int_equal(sub_try(late, (struct subscription_config){ 0 }), -FAIL_STATE);
	mem_free(late);
	rig_free(r);
}

/* Silently, in every state; what arrives then is refused. */
static void test_freed(void **state)
{
	(void)state;
	for (int i = 0; i < 5; i++) {
		struct rig *r = rig_out(NET_UDP, QUICK_T1);
		struct peer_got g;
		struct leg l;
		struct sub *s;

		if (i < 3) {
			s = sub_sent(r, (struct subscription_config){ 0 }, &l, &g);
			if (i >= 1)
				sub_accept(&l, &g, 200, 3600, NULL);
			if (i == 2)
				assert_int_equal(
					notify(&l, "terminated;reason=probation;retry-after=9",
						NULL),
					200);
		} else {
			s = sub_up(r, (struct subscription_config){ 0 }, &l);
			if (i == 3)
				subscription_refresh(s->s);
			else
				sub_stop(s);
		}
		rig_idle(5);
		sub_free(s);
		assert_int_equal(notify(&l, active, "late"), 481);
		rig_idle(20);
		rig_free(r);
	}
	subscription_free(NULL);
}

/* RFC 6665 4.1.3: what a NOTIFY says of the expiry counts more than the 2xx before it, also when
 * both arrive together. */
static void test_notify_behind_refresh(void **state)
{
	struct rig *r = rig_out(NET_UDP, 0);
	struct leg l;
	struct sub *s = sub_up(r, (struct subscription_config){ 0 }, &l);
	struct peer_got g;

	(void)state;
	assert_int_equal(subscription_refresh(s->s), 0);
	g = sub_asked(r, 2);
	sub_accept(&l, &g, 200, 3600, NULL);
	leg_ask(&l, "NOTIFY",
		(struct leg_says){
			.lines = "Event: presence\r\nSubscription-State: active;expires=100\r\n",
			.type = "text/plain",
			.body = "both" });
	till(s->notified == 2);
	assert_string_equal(s->states, " active/subscribed active/refreshed");
	assert_between((double)subscription_refresh_in_ms(s->s), 48000, 50000);
	sub_free(s);
	rig_free(r);
}

/* Ruling 6: NOTIFY is no exception; eventlist is known (RFC 4662 4.4). */
static void test_notify_require(void **state)
{
	struct rig *r = rig_out(NET_UDP, 0);
	struct leg l;
	struct sub *s = sub_up(r, (struct subscription_config){ 0 }, &l);
	struct sip_msg *answer = notify_with(
		&l, (struct says){ .lines = "Require: nothing-we-know, eventlist\r\n" });

	(void)state;
	assert_int_equal(answer->status, 420);
	assert_str(sip_msg_value(answer, SIP_HDR_UNSUPPORTED), "nothing-we-know");
	assert_int_equal(s->notified, 1);
	assert_int_equal(
		notify_with(&l, (struct says){ .lines = "Require: eventlist\r\n" })->status, 200);
	till(s->notified == 2);
	sub_free(s);
	rig_free(r);
}

/* RFC 6665 4.1.2.1: without a 2xx there is no subscription, whatever was notified. */
static void test_refused_behind_notify(void **state)
{
	(void)state;
	for (unsigned fetch = 0; fetch < 2; fetch++) {
		struct rig *r = rig_out(NET_UDP, 0);
		struct peer_got g;
		struct leg l;
		struct sub *s = sub_sent(r, (struct subscription_config){ .fetch = fetch }, &l, &g);

		assert_int_equal(notify(&l, active, "one"), 200);
		leg_reply(&l, &g, 403, NULL, NULL);
		sub_wait(s);
		sub_end(s, ENDPOINT_FAILED, FAIL_STATUS, 403);
		rig_free(r);
	}
}

/* 4.1.2.4, 4.4.1: what one notifier of a fork says is not the word of the others. */
static void test_fork_first_ends(void **state)
{
	struct rig *r = rig_out(NET_UDP, QUICK_T1);
	struct peer_got g;
	struct leg a, b;
	struct sub *s = sub_sent(r, (struct subscription_config){ 0 }, &a, &g);

	(void)state;
	b = leg_of(r, &g, "busy");
	sub_accept(&a, &g, 200, 3600, NULL);
	assert_int_equal(notify(&b, over, NULL), 200);
	till(s->told == 1);
	assert_int_equal(notify(&a, active, "here"), 200);
	till(s->told == 2);
	assert_string_equal(s->states, " terminated/ended:noresource active/subscribed");
	assert_int_equal(s->heard.finals, 0);
	sub_free(s);
	rig_free(r);
}

/* It counts when nobody else came. */
static void test_fork_only_ends(void **state)
{
	struct rig *r = rig_out(NET_UDP, QUICK_T1);
	struct peer_got g;
	struct leg a, b;
	struct sub *s = sub_sent(r, (struct subscription_config){ 0 }, &a, &g);

	(void)state;
	b = leg_of(r, &g, "busy");
	sub_accept(&a, &g, 200, 3600, NULL);
	assert_int_equal(notify(&b, over, NULL), 200);
	sub_wait(s);
	sub_end(s, ENDPOINT_FAILED, FAIL_ENDED, 200);
	rig_free(r);
}

/* A 2xx that can make no dialog does not spoil the one that the NOTIFY made. */
static void test_bad_2xx_behind_notify(void **state)
{
	struct rig *r = rig_out(NET_UDP, 0);
	struct peer_got g;
	struct leg l;
	struct sub *s = sub_sent(r, (struct subscription_config){ 0 }, &l, &g);

	(void)state;
	assert_int_equal(notify(&l, active, "one"), 200);
	leg_reply(&l, &g, 200, "Expires: 3600\r\nRecord-Route: <sip:127.0.0.1:9;lr>\r\n", NULL);
	till(subscription_state(s->s) == SUBSCRIPTION_SUBSCRIBED);
	assert_int_equal(subscription_refresh(s->s), 0);
	g = sub_asked(r, 2);
	assert_within(&g, &l, 3600);
	sub_free(s);
	rig_free(r);
}

/* R6: one final event, and nothing after it, also when the owner keeps it. */
static void test_refused_once(void **state)
{
	struct rig *r = rig_out(NET_UDP, QUICK_T1);
	struct leg l;
	struct sub *s = sub_up(r, (struct subscription_config){ 0 }, &l);
	struct peer_got g;

	(void)state;
	assert_int_equal(subscription_refresh(s->s), 0);
	g = sub_asked(r, 2);
	leg_reply(&l, &g, 403, NULL, NULL);
	till(s->heard.finals == 1);
	rig_idle(64 * QUICK_T1 + 50); /* past Timer N; an event after the final one fails */
	assert_int_equal(s->heard.finals, 1);
	sub_free(s);
	rig_free(r);
}

/* What a fetch was answered is all. */
static void test_fetch_over(void **state)
{
	struct rig *r = rig_out(NET_UDP, 0);
	struct peer_got g;
	struct leg l;
	struct sub *s = sub_sent(r, (struct subscription_config){ .fetch = true }, &l, &g);

	(void)state;
	sub_accept(&l, &g, 200, 0, NULL);
	assert_int_equal(notify(&l, active, "one"), 200);
	till(s->heard.finals == 1);
	assert_int_equal(notify(&l, "pending", "two"), 481);
	assert_int_equal(s->notified, 1);
	sub_free(s);
	rig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fetch_over),
		cmocka_unit_test(test_refused_once),
		cmocka_unit_test(test_bad_2xx_behind_notify),
		cmocka_unit_test(test_fork_only_ends),
		cmocka_unit_test(test_fork_first_ends),
		cmocka_unit_test(test_refused_behind_notify),
		cmocka_unit_test(test_notify_behind_refresh),
		cmocka_unit_test(test_notify_require),
		cmocka_unit_test(test_wire),
		cmocka_unit_test(test_accept),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_bad_config),
		cmocka_unit_test(test_states),
		cmocka_unit_test(test_notify_first),
		cmocka_unit_test(test_end_first),
		cmocka_unit_test(test_no_notify),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_423),
		cmocka_unit_test(test_challenged),
		cmocka_unit_test(test_challenged_twice),
		cmocka_unit_test(test_redirected),
		cmocka_unit_test(test_routes),
		cmocka_unit_test(test_forked),
		cmocka_unit_test(test_forked_all),
		cmocka_unit_test(test_fork_late),
		cmocka_unit_test(test_fork_limit),
		cmocka_unit_test(test_judged),
		cmocka_unit_test(test_event_id),
		cmocka_unit_test(test_judged_early),
		cmocka_unit_test(test_bodies),
		cmocka_unit_test(test_partial),
		cmocka_unit_test(test_refresh_time),
		cmocka_unit_test(test_refresh_short),
		cmocka_unit_test(test_refresh_stream),
		cmocka_unit_test(test_expiry_shorter),
		cmocka_unit_test(test_expiry_odd),
		cmocka_unit_test(test_manual),
		cmocka_unit_test(test_update),
		cmocka_unit_test(test_suppress),
		cmocka_unit_test(test_fetch),
		cmocka_unit_test(test_fetch_fails),
		cmocka_unit_test(test_stop_early),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_stop_notified),
		cmocka_unit_test(test_stop_refreshing),
		cmocka_unit_test(test_free_in_handler),
		cmocka_unit_test(test_free_closed),
		cmocka_unit_test(test_manager_in_handler),
		cmocka_unit_test(test_endpoint_stop),
		cmocka_unit_test(test_freed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
