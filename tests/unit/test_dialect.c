/* tests/unit/test_dialect.c -- the client's side of dialect ocs against a scripted home server:
 * endpoint ids, REGISTER and what its answers mean, keep-alive, how the server ends a registration,
 * BENOTIFY, the first notification in a 2xx, lists. Rows EP-05, EP-06, RG-04, RG-09, RG-10, RG-16
 * to RG-19, SB-16, SB-17, SB-19; microsoft-auth.md section 6 */
#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "subscription_rig.h"

#include "endpoint/epid.h"
#include "sip/diagnostics.h"

#define GRUU "sip:alice@example.test;opaque=user:epid:21nYNIVlkV-jtN6FPBU0fQAA;gruu"
#define INSTANCE "urn:uuid:34d859db-6585-5f91-a3b4-de853c15347d" /* of this one */
#define EPID "c8ca638a15"

/* ---- the home server ---- */

static struct {
	unsigned expires, keepalive;
	const char *action; /* of register-action; NULL: no such field */
	const char *lines;
	bool no_gruu;
} home;

/* One binding of somebody else, then ours: its UUID in another case, its address replaced. */
static void home_register(struct peer *p, const struct peer_got *g)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(65536);
	struct sip_list l = sip_msg_list(g->msg, SIP_HDR_CONTACT);
	struct sip_nameaddr a;
	struct str instance, opaque;
	uint32_t wanted;

	assert_true(sip_list_nameaddr(&l, &a));
	assert_true(sip_param(a.params, "+sip.instance", &instance));
	assert_true(sip_uri_param(&a.uri, "ms-opaque", &opaque));
	peer_begin(&b, g, 200);
	if (!sip_msg_seconds(g->msg, SIP_HDR_EXPIRES, &wanted) || wanted > 0) {
		buf_add_str(
			&b, STR("Contact: <sip:192.0.2.9:5;transport=tls;ms-opaque=00>;expires=9;"
				"+sip.instance=\"<urn:uuid:00000000-6585-5f91-a3b4-de853c15347d>"
				"\";gruu=\"sip:alice@example.test;opaque=user:epid:x;gruu\"\r\n"));
		buf_addf(&b,
			"Contact: <sip:192.0.2.1:4;transport=tcp;ms-opaque=" STR_FMT
			";ms-received-cid=200>;expires=%u;+sip.instance=\"",
			STR_ARG(opaque), home.expires);
		for (size_t i = 0; i < instance.n; i++) /* letters in the other case */
			buf_add_char(&b, (char)(instance.p[i] >= 'a' && instance.p[i] <= 'z'
							 ? instance.p[i] - 32
							 : instance.p[i]));
		buf_addf(&b, "\"%s\r\nExpires: %u\r\n", home.no_gruu ? "" : ";gruu=\"" GRUU "\"",
			home.expires);
	}
	if (home.action)
		buf_addf(&b,
			"presence-state: "
			"register-action=\"%s\";primary-cluster-type=\"central\"\r\n",
			home.action);
	if (home.keepalive)
		buf_addf(&b, "ms-keep-alive: UAS; tcp=no; hop-hop=yes; end-end=no; timeout=%u\r\n",
			home.keepalive);
	buf_addf(&b, "%s", home.lines ? home.lines : "");
	sip_build_end(&b, STR_EMPTY, STR_EMPTY);
	assert_int_equal(b.fail, 0);
	peer_send(p, g, buf_str(&b));
}

static void home_hook(struct peer *p, const struct peer_got *g)
{
	if (str_eq(g->msg->method_name, STR("REGISTER")))
		home_register(p, g);
	else if (g->msg->method == SIP_BYE || g->msg->method == SIP_MESSAGE)
		peer_reply(p, g, 200, NULL);
}

static struct rig *home_new(void)
{
	struct peer *p = peer_new();
	struct ua *u = ua_new((struct endpoint_manager_config){ .kind = NET_CLIENT },
		(struct endpoint_config){ .servers = &p->server,
			.server_count = 1,
			.dialect = ENDPOINT_OCS,
			.epid = STR(EPID),
			.methods = STR("INVITE,MESSAGE"),
			.transport = NET_TCP });

	memset(&home, 0, sizeof(home));
	home.expires = 7200;
	home.action = "added";
	home.lines = "Supported: adhoclist\r\n";
	p->hook = home_hook;
	return rig_of(p, u);
}

/* Registers with keep, and waits. */
static struct op *keep_with(struct rig *r, struct registration_config c)
{
	struct op *o = op_new();

	c.q = -1;
	c.keep = true;
	assert_int_equal(op_try_register(r->u, o, c), 0);
	rig_wait(o->heard.count[ENDPOINT_REGISTRATION], 1);
	assert_true(o->heard.active);
	return o;
}

static struct op *keep(struct rig *r)
{
	return keep_with(r, (struct registration_config){ .recover_ms = 0 });
}

/* The connection that the endpoint keeps. */
static void to_kept(struct rig *r, struct leg *l)
{
	const struct peer_got *g = peer_last(r->p);

	l->r = r;
	l->p = r->p;
	l->to = g->from;
	l->conn = g->conn;
}

static struct sip_nameaddr contact_of(const struct sip_msg *m)
{
	struct sip_list l = sip_msg_list(m, SIP_HDR_CONTACT);
	struct sip_nameaddr a;

	assert_true(sip_list_nameaddr(&l, &a));
	return a;
}

static struct str epid_of(struct sip_nameaddr a)
{
	struct str v = STR_EMPTY;

	sip_param(a.params, "epid", &v);
	return v;
}

static struct str from_epid(const struct sip_msg *m)
{
	struct sip_nameaddr a;

	assert_true(sip_msg_from(m, &a));
	return epid_of(a);
}

/* ---- endpoint ids ---- */

/* microsoft-auth.md 6.2: six published pairs. */
static void test_uuid(void **state)
{
	static const struct {
		const char *epid, *uuid;
	} rows[] = {
		{ "01010101", "4b1682a8-f968-5701-83fc-7c6741dc6697" },
		{ "8248ca9ebb", "4233fd41-093b-5fd6-b5d2-651ed55969e6" },
		{ "2ebb6f264f", "124841e4-264d-52e8-96c5-d22aa8cdc316" },
		{ "c8ca638a15", "34d859db-6585-5f91-a3b4-de853c15347d" },
		{ "492a7ce35f", "b43b3d1d-9f8f-5fdc-9f74-3ca273cadb97" },
		{ "a0ae9e6cb0", "c1589240-e660-594f-a8b3-4b55f358cbc1" },
	};
	char uuid[TEXT_UUID_LEN + 1];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		epid_uuid(str_of(rows[i].epid), uuid);
		assert_string_equal(uuid, rows[i].uuid);
	}
}

static int try_endpoint(struct endpoint_config c)
{
	struct ua *u = ua_manager((struct endpoint_manager_config){ .kind = NET_SERVER });
	int e = ua_endpoint(u, c);

	ua_free(u);
	return e;
}

/* EP-05: a token of up to 16 characters; and where the dialect is possible. */
static void test_limits(void **state)
{
	const struct str udp = STR("sip:127.0.0.1:1;transport=udp");
	char one[EPID_LEN + 1], two[EPID_LEN + 1];

	(void)state;
	epid_make(one);
	epid_make(two);
	assert_int_equal(strspn(one, "0123456789abcdef"), EPID_LEN);
	assert_string_not_equal(one, two);
	assert_int_equal(
		try_endpoint((struct endpoint_config){ .epid = STR("0123456789abcdef") }), 0);
	assert_int_equal(try_endpoint((struct endpoint_config){ .epid = STR("0123456789abcdef0") }),
		-FAIL_ARGUMENT);
	assert_int_equal(
		try_endpoint((struct endpoint_config){ .epid = STR("a b") }), -FAIL_ARGUMENT);
	assert_int_equal(try_endpoint((struct endpoint_config){
				 .dialect = ENDPOINT_OCS, .transport = NET_UDP }),
		-FAIL_ARGUMENT);
	assert_int_equal(try_endpoint((struct endpoint_config){ .dialect = ENDPOINT_OCS,
				 .transport = -1,
				 .servers = &udp,
				 .server_count = 1 }),
		-FAIL_ARGUMENT);
	assert_int_equal(
		try_endpoint((struct endpoint_config){
			.dialect = ENDPOINT_OCS, .transport = -1, .kind = ENDPOINT_PEER_TO_PEER }),
		-FAIL_ARGUMENT);
	assert_int_equal(
		try_endpoint((struct endpoint_config){ .dialect = ENDPOINT_OCS, .transport = -1 }),
		0);
}

/* EP-06: one that comes late is in every request from then on; that of the dialect is there. */
static void test_late(void **state)
{
	struct peer *p = peer_new();
	struct ua *u = ua_at(p, NET_UDP), *ocs;
	struct op *o;
	char first[64];

	(void)state;
	peer_script(p, STEPS({ 200 }));
	o = op_request(u, (struct request_config){ .max_forwards = 0 });
	op_done(o, 200);
	op_end(o);
	assert_int_equal(endpoint_epid(u->ep).n, 0);
	assert_int_equal(from_epid(peer_msg(p, 0)).n, 0);
	endpoint_epid_make(u->ep);
	heard_copy(first, sizeof(first), endpoint_epid(u->ep));
	assert_int_equal(strlen(first), EPID_LEN);
	endpoint_epid_make(u->ep);
	assert_str(endpoint_epid(u->ep), first);
	o = op_request(u, (struct request_config){ .max_forwards = 0 });
	op_done(o, 200);
	op_end(o);
	assert_str(from_epid(peer_msg(p, 1)), first);
	ua_free(u);
	ocs = ua_new((struct endpoint_manager_config){ .kind = NET_CLIENT },
		(struct endpoint_config){ .dialect = ENDPOINT_OCS, .transport = -1 });
	assert_int_equal(endpoint_epid(ocs->ep).n, EPID_LEN);
	ua_free(ocs);
	peer_free(p);
}

/* It is kept of both sides within a dialog, and ours is there when the caller did not write it. */
static void test_within_dialogs(void **state)
{
	struct rig *r = home_new();
	struct op *o = keep(r);
	struct leg l = { .cseq = 100 };
	struct sip_nameaddr to;
	struct sip_msg *m;
	struct call *c;
	struct peer_got bye;

	(void)state;
	to_kept(r, &l);
	snprintf(l.call_id, sizeof(l.call_id), "ocs@peer.test");
	snprintf(l.local, sizeof(l.local), "<sip:bob@peer.test>;tag=197962092;epid=9546ac6d2b5a");
	snprintf(l.remote, sizeof(l.remote), "<sip:alice@example.test>");
	snprintf(l.target, sizeof(l.target), STR_FMT,
		STR_ARG(contact_of(peer_last(r->p)->msg).uri.text));
	leg_contact(&l);
	leg_ask(&l, "INVITE", (struct leg_says){ .body = bob_sdp(1, NULL) });
	till(r->in_count == 1);
	c = r->in[0];
	assert_int_equal(session_accept(c->s, 200, STR_EMPTY, &r->u->why), 0);
	m = leg_response(&l, "INVITE", 200);
	assert_str(contact_of(m).uri.text, GRUU);
	assert_int_equal(contact_of(m).params.n, 0);
	leg_learn(&l, m);
	leg_ack(&l, m, NULL);
	till(session_is_confirmed(c->s));
	call_stop(c, NULL);
	bye = got(r->p, "BYE", 1);
	assert_str(from_epid(bye.msg), EPID);
	assert_true(sip_msg_to(bye.msg, &to));
	assert_str(epid_of(to), "9546ac6d2b5a");
	call_closed(c);
	call_end(c);
	op_free(o);
	rig_free(r);
}

/* A Request-URI says whose it is: by ms-opaque, whatever address stands there, or by the GRUU. */
static void test_ownership(void **state)
{
	struct rig *r = home_new();
	struct op *o = keep(r);
	struct sip_uri contact = contact_of(peer_last(r->p)->msg).uri;
	struct leg l;
	struct str opaque;
	char uri[200];

	(void)state;
	assert_true(sip_uri_param(&contact, "ms-opaque", &opaque));
	to_kept(r, &l);
	for (unsigned i = 0; i < 5; i++) {
		static const struct {
			const char *uri, *to;
			unsigned status;
		} rows[] = {
			{ "sip:192.0.2.7:99;transport=tcp;ms-opaque=%.*s;ms-received-cid=6",
				"<sip:x@y.test>", 200 },
			{ "sip:192.0.2.7:99;transport=tcp;ms-opaque=1%.*s", "<sip:x@y.test>", 500 },
			{ GRUU "%.*s", "<sip:x@y.test>", 200 },
			{ "sip:alice@example.test;opaque=user:epid:other;gruu%.*s",
				"<sip:alice@example.test>", 500 },
			{ "sip:alice@example.test%.*s", "<sip:alice@example.test>;epid=0", 500 },
		};
		CLEANUP(buf_done) struct buf b = BUF_INIT(65536);
		unsigned before = r->p->responses;

		snprintf(uri, sizeof(uri), rows[i].uri, i < 2 ? (int)opaque.n : 0, opaque.p);
		asked++;
		peer_ask_write(&b, r->p, l.conn,
			&(struct ask){ .method = "OPTIONS", .uri = uri, .to = rows[i].to });
		peer_send_to(r->p, &l.to, l.conn, buf_str(&b));
		rig_wait(r->p->responses, before + 1);
		if (peer_answer(r->p)->status != rows[i].status)
			fail_msg("%s: %u", uri, peer_answer(r->p)->status);
	}
	op_free(o);
	rig_free(r);
}

/* ---- REGISTER ---- */

static struct str param_of(struct sip_nameaddr a, const char *name)
{
	struct str v = { 0 };

	sip_param(a.params, name, &v);
	return v;
}

static void test_register(void **state)
{
	struct rig *r = home_new();
	struct op *o = keep(r);
	const struct sip_msg *m = peer_msg(r->p, 0);
	struct sip_nameaddr a = contact_of(m);
	struct str v;
	unsigned status;

	(void)state;
	assert_int_equal(sip_msg_check(m, false, &status, NULL), SIP_ACCEPT);
	assert_str(m->request_uri, "sip:example.test");
	assert_str(from_epid(m), EPID);
	assert_int_equal(a.uri.user.n, 0);
	assert_str(a.uri.host, "127.0.0.1");
	assert_int_equal(a.uri.port, net_addr_port(&peer_request(r->p, 0)->from));
	assert_true(sip_uri_param(&a.uri, "transport", &v));
	assert_str(v, "tcp");
	assert_true(sip_uri_param(&a.uri, "ms-opaque", &v));
	assert_int_equal(v.n, 10);
	assert_str(param_of(a, "proxy"), "replace");
	assert_str(param_of(a, "+sip.instance"), "<" INSTANCE ">");
	assert_has(param_of(a, "methods"), "NOTIFY"); /* RG-04 */
	assert_has(param_of(a, "methods"), "BENOTIFY");
	assert_has(param_of(a, "methods"), "INVITE, MESSAGE, INFO, SERVICE");
	assert_int_equal(param_of(a, "expires").n, 0);
	assert_null(sip_msg_hdr(m, SIP_HDR_EXPIRES)); /* nobody asked for a time */
	assert_str(sip_msg_value(m, SIP_HDR_EVENT), "registration");
	assert_str(msg_named(m, "ms-keep-alive"), "UAC;hop-hop=yes");
	assert_true(sip_msg_has_token(m, SIP_HDR_SUPPORTED, "gruu-10"));
	assert_true(sip_msg_has_token(m, SIP_HDR_SUPPORTED, "adhoclist"));
	assert_true(sip_msg_has_token(m, SIP_HDR_SUPPORTED, "msrtc-event-categories"));
	assert_true(sip_msg_has_token(m, SIP_HDR_SUPPORTED, "com.microsoft.msrtc.presence"));
	assert_false(sip_msg_has_token(m, SIP_HDR_SUPPORTED, "path"));
	/* what the answer means */
	assert_string_equal(o->heard.reg_causes, "registered"); /* "added" is fine the first time */
	assert_int_equal(o->heard.expires, 7200);
	assert_int_equal(o->heard.contacts, 2);
	assert_int_equal(o->heard.own, 1);
	assert_string_equal(o->heard.pub_gruu, GRUU);
	assert_int_equal(o->heard.refresh_in, 6480);
	/* RG-18: a refresh names the address, never the GRUU; the removal too, with Expires alone
	 */
	home.action = "refreshed";
	registration_set_methods(o->reg, STR("INVITE, NOTIFY"));
	assert_int_equal(registration_refresh(o->reg), 0);
	rig_wait(o->heard.count[ENDPOINT_REGISTRATION], 2);
	m = peer_msg(r->p, 1);
	assert_true(str_eq(contact_of(m).uri.text, contact_of(peer_msg(r->p, 0)).uri.text));
	assert_str(param_of(contact_of(m), "methods"), "INVITE, NOTIFY");
	assert_string_equal(o->heard.reg_causes, "registered refreshed");
	registration_stop(o->reg);
	op_wait(o);
	assert_int_equal(o->heard.final, ENDPOINT_CLOSED);
	m = peer_msg(r->p, 2);
	assert_int_equal(msg_seconds(m, SIP_HDR_EXPIRES), 0);
	assert_true(str_eq(contact_of(m).uri.text, contact_of(peer_msg(r->p, 0)).uri.text));
	assert_int_equal(param_of(contact_of(m), "expires").n, 0);
	assert_str(msg_named(m, "ms-keep-alive"), "UAC;hop-hop=yes");
	op_free(o);
	rig_free(r);
}

/* The usual time is asked for when somebody wants it; without a GRUU the address is the Contact. */
static void test_no_gruu(void **state)
{
	struct rig *r = home_new();
	struct op *o;
	struct peer_got g;
	struct leg l;
	struct sub *s;

	(void)state;
	home.no_gruu = true;
	o = keep_with(r, (struct registration_config){ .expires = 600 });
	assert_int_equal(msg_seconds(peer_msg(r->p, 0), SIP_HDR_EXPIRES), 600);
	s = sub_sent(r, (struct subscription_config){ .expires = 60 }, &l, &g);
	assert_has(contact_of(g.msg).uri.text, "ms-opaque=");
	assert_str(param_of(contact_of(g.msg), "proxy"), "replace");
	assert_str(param_of(contact_of(g.msg), "+sip.instance"), "<" INSTANCE ">");
	sub_free(s);
	op_free(o);
	rig_free(r);
}

/* RG-16: to the home server; the GRUU of the new one counts. */
static void test_redirect(void **state)
{
	struct rig *r = home_new();
	struct peer *front = peer_new();
	CLEANUP(buf_done) struct buf lines = BUF_INIT(1000);
	struct op *o;

	(void)state;
	endpoint_free(r->u->ep);
	assert_int_equal(ua_endpoint(r->u, (struct endpoint_config){ .servers = &front->server,
						   .server_count = 1,
						   .dialect = ENDPOINT_OCS,
						   .epid = STR(EPID),
						   .transport = NET_TCP }),
		0);
	buf_addf(&lines, "Contact: <sip:%s;transport=tcp>\r\n", r->p->text);
	peer_script(front, STEPS({ 301, buf_cstr(&lines) }));
	o = keep_with(r, (struct registration_config){ .follow = 3 });
	assert_int_equal(front->requests, 1);
	assert_int_equal(r->p->requests, 1);
	assert_str(from_epid(peer_msg(r->p, 0)), EPID);
	assert_true(
		str_eq(sip_msg_call_id(peer_msg(r->p, 0)), sip_msg_call_id(peer_msg(front, 0))));
	assert_string_equal(o->heard.pub_gruu, GRUU);
	op_free(o);
	rig_free(r);
	peer_free(front);
}

/* No redirect leads to where nothing can be signed. */
static void test_redirect_udp(void **state)
{
	struct rig *r = home_new();
	struct op *o = op_new();

	(void)state;
	peer_script(r->p, STEPS({ 301, "Contact: <sip:{me};transport=udp>\r\n" }));
	assert_int_equal(
		op_try_register(r->u, o, (struct registration_config){ .q = -1, .follow = 3 }), 0);
	op_failed(o, FAIL_CONNECT, 0);
	assert_has(str_of(o->heard.fail.text), "UDP");
	assert_int_equal(r->p->requests, 1);
	op_end(o);
	rig_free(r);
}

/* RG-17: the server knew nothing of what is refreshed. Dialogs are dead, and it begins anew. */
static void test_reset(void **state)
{
	static const char *const actions[] = { "added", "fixed" };

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(actions); i++) {
		struct rig *r = home_new();
		struct op *o = keep(r);
		struct leg call = { 0 }, l;
		struct peer_got g;
		struct call *c = call_up(r, (struct session_config){ .max_forwards = -1 }, &call);
		struct sub *s = sub_up(r, (struct subscription_config){ .expires = 3600 }, &l);

		home.action = actions[i];
		assert_int_equal(registration_refresh(o->reg), 0);
		rig_wait(o->heard.count[ENDPOINT_REGISTRATION], 3);
		assert_string_equal(o->heard.reg_causes, "registered binding-reset registered");
		assert_int_equal(o->heard.finals, 0);
		g = got(r->p, "REGISTER", 3);
		assert_int_equal(msg_cseq(g.msg), 1);
		assert_false(str_eq(
			sip_msg_call_id(g.msg), sip_msg_call_id(got(r->p, "REGISTER", 2).msg)));
		call_failed(c, FAIL_LOST, 0);
		assert_state(c, "terminated/error");
		assert_int_equal(got_new(r->p, "BYE"), 0);
		/* the subscription comes back, with another dialog */
		g = sub_asked(r, 2);
		assert_anew(&g, &l);
		assert_has(str_of(s->states), " terminated/lost");
		assert_int_equal(s->heard.finals, 0);
		/* and what comes now is a refresh again */
		home.action = "refreshed";
		assert_int_equal(registration_refresh(o->reg), 0);
		rig_wait(o->heard.count[ENDPOINT_REGISTRATION], 4);
		assert_string_equal(o->heard.reg_cause, "refreshed");
		call_end(c);
		sub_free(s);
		op_free(o);
		rig_free(r);
	}
}

/* A server that forgets again and again is asked at growing intervals, not in a storm. */
static void test_reset_storm(void **state)
{
	struct rig *r = home_new();
	struct op *o = keep(r);

	(void)state;
	assert_int_equal(registration_refresh(o->reg), 0); /* "added" */
	rig_wait(o->heard.count[ENDPOINT_REGISTRATION], 3);
	assert_int_equal(registration_refresh(o->reg), 0);
	rig_wait(o->heard.count[ENDPOINT_REGISTRATION], 4);
	assert_string_equal(o->heard.reg_cause, "binding-reset");
	rig_idle(300);
	assert_int_equal(got_new(r->p, "REGISTER"), 4);
	registration_stop(o->reg); /* what there may be is removed */
	op_wait(o);
	assert_int_equal(o->heard.final, ENDPOINT_CLOSED);
	assert_int_equal(msg_seconds(peer_last(r->p)->msg, SIP_HDR_EXPIRES), 0);
	op_free(o);
	rig_free(r);
}

/* ---- keep-alive ---- */

/* [MS-CONMGMT]: two thirds of what was agreed on, counted from the last byte sent; no answer is
 * wanted. */
static void test_keepalive(void **state)
{
	struct rig *r = home_new();
	struct op *o, *more;
	double began;

	(void)state;
	home.keepalive = 1;
	r->p->no_pong = true;
	o = keep(r);
	began = rig_ms();
	rig_wait(r->p->pings, 2);
	assert_between(rig_ms() - began, 1300, 1340 + 2 * PEER_LATE);
	rig_idle(400); /* nobody minds that there was no answer */
	more = op_request(r->u, (struct request_config){ .method = STR("MESSAGE") });
	op_done(more, 200);
	op_end(more);
	began = rig_ms();
	rig_wait(r->p->pings, 3);
	assert_between(rig_ms() - began, 600, 680 + PEER_LATE);
	assert_int_equal(r->p->closed, 0);
	assert_int_equal(o->heard.count[ENDPOINT_REGISTRATION], 1);
	op_free(o);
	rig_idle(700);
	assert_int_equal(r->p->pings, 3);
	rig_free(r);
}

/* Not agreed to: none. */
static void test_no_keepalive(void **state)
{
	static const char *const rows[] = { NULL, "ms-keep-alive: UAC;hop-hop=yes;timeout=1\r\n",
		"ms-keep-alive: UAS;hop-hop=yes\r\n", "ms-keep-alive: UAS;hop-hop=no;timeout=1\r\n",
		"ms-keep-alive: UAS;hop-hop=yes;timeout=0\r\n",
		"ms-keep-alive: UAS;hop-hop=yes;timeout=x\r\n", "ms-keep-alive: ;;\r\n" };

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		struct rig *r = home_new();
		struct op *o;

		home.lines = rows[i];
		o = keep(r);
		rig_idle(i < 2 ? 1000 : 50);
		assert_int_equal(r->p->pings, 0);
		op_free(o);
		rig_free(r);
	}
}

/* ---- the server ends it ---- */

struct words {
	const char *body, *lines, *method;
	bool other_tag, other_call;
};

/* What it was answered; 0: nothing came. */
static unsigned tell(struct rig *r, struct words w)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(65536);
	const struct peer_got *g = peer_last(r->p);
	const char *method = w.method ? w.method : "NOTIFY";
	unsigned before = r->p->responses;

	buf_addf(&b, "%s " STR_FMT " SIP/2.0\r\nVia: SIP/2.0/TCP %s;branch=z9hG4bKhome%u\r\n",
		method, STR_ARG(contact_of(g->msg).uri.text), r->p->text, ++asked);
	buf_addf(&b,
		"Max-Forwards: 70\r\nFrom: <sip:alice@example.test>;tag=25498F39\r\n"
		"To: <sip:alice@example.test>;tag=" STR_FMT "%s;epid=" EPID "\r\n",
		STR_ARG(sip_msg_from_tag(g->msg)), w.other_tag ? "x" : "");
	buf_addf(&b, "Call-ID: %s" STR_FMT "\r\nCSeq: 1 %s\r\n", w.other_call ? "x" : "",
		STR_ARG(sip_msg_call_id(g->msg)), method);
	buf_addf(&b,
		"Event: registration-notify\r\nsubscription-state: terminated;expires=0\r\n"
		"Content-Type: text/registration-event\r\n%sContent-Length: %zu\r\n\r\n%s",
		w.lines ? w.lines : "", strlen(w.body), w.body);
	peer_send(r->p, g, buf_str(&b));
	rig_run(&r->p->responses, before + 1, w.method ? 50 : PEER_MS);
	return r->p->responses > before ? peer_answer(r->p)->status : 0;
}

/* RG-09, RG-10 */
static void test_deregistered(void **state)
{
	static const struct {
		struct words words;
		const char *cause, *text;
	} rows[] = {
		{ { "deregistered;event=unregistered",
			  "ms-diagnostics-public: 4140;reason=\"Too many endpoints\"\r\n", NULL },
			"unregistered", "(too many endpoints): 4140 Too many endpoints" },
		{ { "  deregistered; event=rejected \r\n",
			  "ms-diagnostics-public: 4141.1;reason=\"User disabled\"\r\n", NULL },
			"rejected", ": 4141 User disabled" },
		{ { "deregistered;event=userservices-unavailable", NULL, NULL },
			"userservices-unavailable", "userservices-unavailable" },
		{ { "deregistered;event=preferred-registrar-change", NULL, NULL },
			"preferred-registrar-change", "another registrar" },
		{ { "DEREGISTERED;event=\"Rejected\"", NULL, "BENOTIFY" }, "rejected", "rejected" },
		{ { "deregistered;event=something-new", NULL, NULL }, "unregistered",
			"not known here" },
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		struct rig *r = home_new();
		struct op *o = keep(r);
		struct leg l;
		struct peer_got g;
		struct sub *s;

		assert_int_equal(tell(r, rows[i].words), rows[i].words.method ? 0 : 200);
		op_failed(o, FAIL_ENDED, 0);
		assert_string_equal(o->heard.reg_cause, rows[i].cause);
		assert_int_equal(o->heard.count[ENDPOINT_REGISTRATION], 2);
		assert_has(str_of(o->heard.fail.text), rows[i].text);
		assert_false(registration_active(o->reg));
		op_end(o);
		/* its name is no name any more; nothing was sent for it */
		assert_int_equal(got_new(r->p, "REGISTER"), 1);
		s = sub_sent(r, (struct subscription_config){ .expires = 60 }, &l, &g);
		assert_lacks(sip_msg_value(g.msg, SIP_HDR_CONTACT), "gruu");
		sub_free(s);
		rig_free(r);
	}
}

/* The user was moved: back to where it began, with a new registration. */
static void test_deactivated(void **state)
{
	struct rig *r = home_new();
	struct peer *front = peer_new();
	CLEANUP(buf_done) struct buf lines = BUF_INIT(1000);
	struct op *o;
	struct sub *s;
	struct leg l;
	struct peer_got g;

	(void)state;
	endpoint_free(r->u->ep);
	assert_int_equal(ua_endpoint(r->u, (struct endpoint_config){ .servers = &front->server,
						   .server_count = 1,
						   .dialect = ENDPOINT_OCS,
						   .epid = STR(EPID),
						   .transport = NET_TCP }),
		0);
	buf_addf(&lines, "Contact: <sip:%s;transport=tcp>\r\n", r->p->text);
	peer_script(front, STEPS({ 301, buf_cstr(&lines) }));
	o = keep_with(r, (struct registration_config){ .follow = 3 });
	s = sub_up(r, (struct subscription_config){ .expires = 3600 }, &l);
	/* tell() looks at the last request, which has to be a REGISTER */
	home.action = "refreshed";
	assert_int_equal(registration_refresh(o->reg), 0);
	rig_wait(o->heard.count[ENDPOINT_REGISTRATION], 2);
	assert_int_equal(tell(r, (struct words){ .body = "deregistered;event=deactivated" }), 200);
	rig_wait(o->heard.count[ENDPOINT_REGISTRATION], 4);
	assert_string_equal(o->heard.reg_causes, "registered refreshed deactivated registered");
	assert_int_equal(o->heard.finals, 0);
	assert_int_equal(front->requests, 2);
	assert_false(
		str_eq(sip_msg_call_id(peer_msg(front, 0)), sip_msg_call_id(peer_msg(front, 1))));
	assert_int_equal(msg_cseq(peer_msg(front, 1)), 1);
	assert_string_equal(o->heard.pub_gruu, GRUU);
	g = sub_asked(r, 2);
	assert_anew(&g, &l);
	sub_free(s);
	op_free(o);
	rig_free(r);
	peer_free(front);
}

/* Who does not know the ids of the REGISTER ends nothing; what cannot be read neither. */
static void test_not_deregistered(void **state)
{
	static const struct {
		struct words words;
		unsigned status;
	} rows[] = {
		{ { "deregistered;event=rejected", .other_tag = true }, 481 },
		{ { "deregistered;event=rejected", .other_call = true }, 481 },
		{ { "deregistered" }, 400 },
		{ { "registered;event=rejected" }, 400 },
		{ { "" }, 400 },
		{ { "deregistered;event=rejected;;" }, 400 },
		{ { "deregistered", .method = "BENOTIFY" }, 0 },
		{ { "deregistered;event=rejected", .method = "BENOTIFY", .other_tag = true }, 0 },
	};
	struct rig *r = home_new();
	struct op *o = keep(r);

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(rows); i++)
		if (tell(r, rows[i].words) != rows[i].status)
			fail_msg("row %u", i);
	assert_int_equal(o->heard.count[ENDPOINT_REGISTRATION], 1);
	assert_true(registration_active(o->reg));
	op_free(o);
	rig_free(r);
}

/* R3: whatever a handler does when it hears of it. */
static void free_at_end(struct heard *h, const struct endpoint_event *ev)
{
	struct op *o = CONTAINER_OF(h, struct op, heard);

	if (ev->type != ENDPOINT_REGISTRATION || ev->registration->active)
		return;
	registration_free(o->reg);
	o->reg = NULL;
	h->hook = NULL;
}

static void stop_at_end(struct heard *h, const struct endpoint_event *ev)
{
	if (ev->type == ENDPOINT_REGISTRATION && !ev->registration->active)
		registration_stop(CONTAINER_OF(h, struct op, heard)->reg);
}

static void test_handlers(void **state)
{
	static const char *const bodies[] = { "deregistered;event=rejected",
		"deregistered;event=deactivated" };

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct rig *r = home_new();
		struct op *o = keep(r);

		o->heard.hook = i & 1 ? stop_at_end : free_at_end;
		assert_int_equal(tell(r, (struct words){ .body = bodies[i / 2] }), 200);
		rig_idle(50);
		assert_int_equal(o->heard.finals, i & 1 ? 1 : 0);
		op_free(o);
		rig_free(r);
	}
}

/* ---- subscriptions ---- */

/* SB-16, SB-17: what is offered, and taken. */
static void test_benotify(void **state)
{
	struct rig *r = home_new();
	struct op *o = keep(r);
	struct peer_got g;
	struct leg l;
	struct sub *s = sub_sent(r, (struct subscription_config){ .expires = 3600 }, &l, &g);
	unsigned answers;

	(void)state;
	assert_true(sip_msg_has_token(g.msg, SIP_HDR_SUPPORTED, "ms-benotify"));
	assert_true(sip_msg_has_token(g.msg, SIP_HDR_SUPPORTED, "ms-piggyback-first-notify"));
	assert_true(sip_msg_has_token(g.msg, SIP_HDR_SUPPORTED, "eventlist"));
	assert_str(sip_msg_value(g.msg, SIP_HDR_PROXY_REQUIRE), "ms-benotify");
	assert_has(g.msg->wire, "text/xml+msrtc.pidf");
	assert_str(contact_of(g.msg).uri.text, GRUU);
	sub_accept(&l, &g, 200, 3600, "Supported: ms-benotify\r\n");
	answers = r->p->responses;
	/* without a Contact, with an option tag that lists have, as in [MS-SIP] 4.4 */
	leg_ask(&l, "BENOTIFY",
		(struct leg_says){ .no_contact = true,
			.lines = "Event: presence\r\nRequire: eventlist\r\n"
				 "subscription-state: active;expires=28367\r\n",
			.type = "text/plain",
			.body = "one" });
	till(s->notified == 1);
	assert_string_equal(s->body, "one");
	assert_string_equal(s->states, " active/subscribed");
	/* whatever is wrong with it: no word */
	leg_ask(&l, "BENOTIFY", (struct leg_says){ .lines = "Event: dialog\r\n" });
	leg_ask(&l, "BENOTIFY", (struct leg_says){ .lines = "Event: presence\r\n" });
	leg_ask(&l, "BENOTIFY",
		(struct leg_says){ .lines = "Event: presence\r\nRequire: x\r\n"
					    "Subscription-State: active\r\n" });
	leg_ask(&l, "BENOTIFY",
		(struct leg_says){
			.cseq = 1, .lines = "Event: presence\r\nSubscription-State: active\r\n" });
	leg_ask(&l, "BENOTIFY", (struct leg_says){ .to = "<sip:alice@example.test>;tag=x" });
	leg_ask(&l, "BENOTIFY", (struct leg_says){ .to = "<sip:alice@example.test>" });
	leg_ask(&l, "BENOTIFY", (struct leg_says){ .lines = "CSeq: 8 BENOTIFY\r\n" });
	leg_ask(&l, "BENOTIFY", (struct leg_says){ .lines = "Expires: x\r\nEvent: ;\r\n" });
	rig_idle(30);
	assert_int_equal(s->notified, 1);
	assert_int_equal(r->p->responses, answers);
	/* a NOTIFY still gets its answer, and the end may come by either */
	assert_int_equal(notify(&l, "active;expires=30", "two"), 200);
	till(s->notified == 2);
	answers = r->p->responses;
	leg_ask(&l, "BENOTIFY",
		(struct leg_says){
			.lines = "Event: presence\r\n"
				 "Subscription-State: terminated;reason=noresource\r\n" });
	sub_end(s, ENDPOINT_FAILED, FAIL_ENDED, 200);
	assert_int_equal(r->p->responses, answers);
	op_free(o);
	rig_free(r);
}

/* A proxy on the way does not know it: once more without. */
static void test_plain(void **state)
{
	struct rig *r = home_new();
	struct op *o = keep(r);
	struct peer_got g;
	struct leg l;
	struct sub *s = sub_sent(r, (struct subscription_config){ .expires = 3600 }, &l, &g);

	(void)state;
	peer_reply(r->p, &g, 420, "Unsupported: ms-benotify\r\n");
	g = sub_asked(r, 2);
	assert_null(sip_msg_hdr(g.msg, SIP_HDR_PROXY_REQUIRE));
	assert_lacks(g.msg->wire, "ms-benotify");
	assert_int_equal(s->heard.count[ENDPOINT_RETRY], 1);
	l = leg_of(r, &g, "bob");
	sub_accept(&l, &g, 200, 3600, NULL);
	assert_int_equal(notify(&l, "active;expires=3600", "one"), 200);
	till(s->notified == 1);
	sub_down(s, &l, 3);
	/* another 420 is one */
	s = sub_sent(r, (struct subscription_config){ .expires = 3600 }, &l, &g);
	peer_reply(r->p, &g, 420, "Unsupported: eventlist\r\n");
	sub_end(s, ENDPOINT_FAILED, FAIL_STATUS, 420);
	s = sub_sent(r, (struct subscription_config){ .expires = 3600 }, &l, &g);
	peer_reply(r->p, &g, 420, "Unsupported: ms-benotify\r\n");
	g = sub_asked(r, 6);
	peer_reply(r->p, &g, 420, "Unsupported: ms-benotify\r\n");
	sub_end(s, ENDPOINT_FAILED, FAIL_STATUS, 420);
	op_free(o);
	rig_free(r);
}

/* A 2xx with a body. */
static void accept_with(struct leg *l, const struct peer_got *g, const char *lines,
	const char *type, const char *body)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(65536);
	char host[NET_ADDR_TEXT];
	struct sip_response r = {
		.status = 200,
		.to_tag = str_of(l->tag),
		.received = str_of(net_addr_host(&g->from, host)),
		.rport = net_addr_port(&g->from),
	};

	sip_build_response(&b, g->msg, &r);
	buf_addf(&b, "%s", lines);
	sip_build_end(&b, str_of(type), str_of(body));
	assert_int_equal(b.fail, 0);
	l->to = g->from;
	l->conn = g->conn;
	peer_send(l->p, g, buf_str(&b));
}

#define PIGGYBACK "Supported: com.microsoft.autoextend, ms-piggyback-first-notify, ms-benotify\r\n"

/* The example of [MS-SIP] 4.3, whose list has a media type that nobody decodes here. */
static const char batch[] =
	"--e79\r\nContent-Transfer-Encoding: binary\r\nContent-ID: resourceList\r\n"
	"Content-Type: application/rlmi+xml\r\n\r\n"
	"<list xmlns=\"urn:ietf:params:xml:ns:rlmi\" uri=\"sip:user1@server.contoso.com\" "
	"version=\"0\" fullState=\"true\"><resource uri=\"sip:user2@server.contoso.com\">"
	"<instance id=\"0\" state=\"active\" "
	"cid=\"user2@server.contoso.com\"/></resource></list>\r\n"
	"--e79\r\nContent-Transfer-Encoding: binary\r\nContent-ID: user2@server.contoso.com\r\n"
	"Content-Type: text/xml+msrtc.pidf\r\n\r\n"
	"<presentity uri=\"user2@server.contoso.com\"/>\r\n--e79--\r\n";
static const char batch_type[] =
	"multipart/related; type=\"application/rlmi+xml\";start=resourceList; boundary=e79";

/* SB-17, also where it was not offered. */
static void piggyback(struct rig *r, const char *lines, const char *state, unsigned expires)
{
	char all[1024];
	struct peer_got g;
	struct leg l;
	unsigned before = got_new(r->p, "SUBSCRIBE");
	struct sub *s = sub_sent(
		r, (struct subscription_config){ .expires = 36000, .decode = true }, &l, &g);

	snprintf(all, sizeof(all), "Contact: %s\r\nExpires: 24767\r\n%s", l.contact, lines);
	accept_with(&l, &g, all, batch_type, batch);
	till(s->notified == 1);
	assert_string_equal(s->states, state);
	assert_true(s->decoded);
	assert_false(s->malformed);
	assert_int_equal(s->expires, expires);
	assert_int_equal(s->id, s->notify_id);
	till(subscription_state(s->s) == SUBSCRIPTION_SUBSCRIBED);
	rig_idle(30);
	assert_int_equal(s->heard.all, s->heard.count[ENDPOINT_SUBSCRIPTION] + 1);
	/* the next one is within the same dialog */
	assert_int_equal(notify(&l, "active;expires=24000", "two"), 200);
	till(s->notified == 2);
	assert_int_equal(s->id_count, 1);
	/* a refresh may bring one, too */
	assert_int_equal(subscription_refresh(s->s), 0);
	g = sub_asked(r, before + 2);
	assert_within(&g, &l, 36000);
	accept_with(&l, &g, all, "text/plain", "three");
	till(s->notified == 3);
	assert_string_equal(s->body, "three");
	rig_idle(10);
	sub_down(s, &l, before + 3);
}

static void test_piggyback(void **state)
{
	struct rig *r = home_new(), *plain = rig_out(NET_UDP, 0);
	struct op *o = keep(r);

	(void)state;
	piggyback(r,
		"Require: eventlist\r\nEvent: presence\r\nms-piggyback-cseq: 1\r\n"
		"subscription-state: active;expires=24760\r\n" PIGGYBACK,
		" active/subscribed", 24760);
	piggyback(r, PIGGYBACK, " active/subscribed", 24767);
	piggyback(plain, "ms-piggyback-cseq: 1\r\n", " active/subscribed", 24767);
	op_free(o);
	rig_free(r);
	rig_free(plain);
}

/* A body without the word is no notification; one about something else neither. */
static void test_no_piggyback(void **state)
{
	static const char *const rows[] = { "", "Event: dialog\r\n" PIGGYBACK,
		"Supported: eventlist\r\n" };
	struct rig *r = rig_out(NET_UDP, 0);

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		char all[1024];
		struct peer_got g;
		struct leg l;
		struct sub *s = sub_sent(r, (struct subscription_config){ .expires = 60 }, &l, &g);

		snprintf(all, sizeof(all), "Contact: %s\r\n%s", l.contact, rows[i]);
		accept_with(&l, &g, all, "text/plain", "x");
		rig_idle(30);
		assert_int_equal(s->notified, 0);
		assert_int_equal(notify(&l, "active;expires=60", "one"), 200);
		till(s->notified == 1);
		sub_free(s);
	}
	rig_free(r);
}

/* All at once, as provisioning comes: without time, and without a Contact. */
static void test_piggyback_once(void **state)
{
	struct rig *r = home_new();
	struct op *o = keep(r);
	struct peer_got g;
	struct leg l;
	struct sub *s = sub_sent(r, (struct subscription_config){ .fetch = true }, &l, &g);

	(void)state;
	accept_with(&l, &g, "Expires: 0\r\n" PIGGYBACK, "text/plain", "all");
	sub_wait(s);
	assert_int_equal(s->notified, 1);
	assert_string_equal(s->body, "all");
	sub_end(s, ENDPOINT_DONE, 0, 200);
	s = sub_sent(r, (struct subscription_config){ .expires = 60 }, &l, &g);
	accept_with(&l, &g, "Expires: 0\r\n" PIGGYBACK, "text/plain", "all");
	sub_wait(s);
	assert_int_equal(s->notified, 1);
	sub_end(s, ENDPOINT_FAILED, FAIL_ENDED, 200);
	rig_idle(30);
	assert_int_equal(got_new(r->p, "SUBSCRIBE"), 2);
	/* freed in any of its events, or stopped */
	for (unsigned at = 1; at <= 4; at++) {
		s = sub_sent(r, (struct subscription_config){ .expires = 60 }, &l, &g);
		if (at & 1)
			s->free_at = (at + 1) / 2;
		else
			s->stop_at = at / 2;
		accept_with(&l, &g, "Contact: <sip:x@y.test>\r\n" PIGGYBACK, "text/plain", "all");
		rig_idle(30);
		sub_free(s);
	}
	op_free(o);
	rig_free(r);
}

/* SB-19: the form that the registrar takes. */
static void test_list(void **state)
{
	const struct str members[] = { STR("sip:user2@example.test"), STR("sip:a&b@example.test") };
	const struct subscription_config c = { .expires = 60,
		.members = members,
		.member_count = 2,
		.target = STR("sip:alice@example.test") };
	struct rig *r = home_new();
	struct op *o = keep(r);
	struct peer_got g;
	struct leg l;
	struct sub *s = sub_sent(r, c, &l, &g);

	(void)state;
	assert_true(sip_msg_has_token(g.msg, SIP_HDR_REQUIRE, "adhoclist"));
	assert_true(sip_msg_has_token(g.msg, SIP_HDR_SUPPORTED, "eventlist"));
	assert_str(sip_msg_value(g.msg, SIP_HDR_CONTENT_TYPE), "application/adrl+xml");
	assert_lacks(g.msg->wire, "recipient-list");
	assert_str(g.msg->body,
		"<adhoclist xmlns=\"urn:ietf:params:xml:ns:adrl\" uri=\"sip:alice@example.test\" "
		"name=\"sip:alice@example.test\">\r\n<create xmlns=\"\">\r\n"
		"<resource uri=\"sip:user2@example.test\"/>\r\n"
		"<resource uri=\"sip:a&amp;b@example.test\"/>\r\n</create>\r\n</adhoclist>\r\n");
	sub_free(s);
	/* a registrar that does not say so gets the standard's */
	home.lines = NULL;
	home.action = NULL;
	assert_int_equal(registration_refresh(o->reg), 0);
	rig_wait(o->heard.count[ENDPOINT_REGISTRATION], 2);
	s = sub_sent(r, c, &l, &g);
	assert_str(sip_msg_value(g.msg, SIP_HDR_CONTENT_TYPE), "application/resource-lists+xml");
	assert_true(sip_msg_has_token(g.msg, SIP_HDR_REQUIRE, "recipient-list-subscribe"));
	sub_free(s);
	op_free(o);
	rig_free(r);
}

/* ---- why ---- */

static void test_diagnostics(void **state)
{
	static const struct {
		const char *value, *reason, *source;
		uint32_t id;
		bool good;
	} rows[] = {
		{ "4141;reason=\"User disabled\";source=\"ocs.fabrikam.com\"", "User disabled",
			"ocs.fabrikam.com", 4141, true },
		{ "1000.2 ; Reason=\"Final \\\"handshake\\\" failed\"; x=y",
			"Final \\\"handshake\\\" failed", "", 1000, true },
		{ "4140", "", "", 4140, true },
		{ "", NULL, NULL, 0, false },
		{ "x", NULL, NULL, 0, false },
		{ "4140.", NULL, NULL, 0, false },
		{ "4140;reason=\"open", NULL, NULL, 0, false },
		{ "99999999999", NULL, NULL, 0, false },
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		struct sip_diagnostics d = { .id = 7 };

		assert_int_equal(sip_diagnostics_parse(str_of(rows[i].value), &d), rows[i].good);
		assert_int_equal(d.id, rows[i].good ? rows[i].id : 7);
		if (!rows[i].good)
			continue;
		assert_str(d.reason, rows[i].reason);
		assert_str(d.source, rows[i].source);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_uuid),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_late),
		cmocka_unit_test(test_within_dialogs),
		cmocka_unit_test(test_ownership),
		cmocka_unit_test(test_register),
		cmocka_unit_test(test_no_gruu),
		cmocka_unit_test(test_redirect),
		cmocka_unit_test(test_redirect_udp),
		cmocka_unit_test(test_reset),
		cmocka_unit_test(test_reset_storm),
		cmocka_unit_test(test_keepalive),
		cmocka_unit_test(test_no_keepalive),
		cmocka_unit_test(test_deregistered),
		cmocka_unit_test(test_deactivated),
		cmocka_unit_test(test_not_deregistered),
		cmocka_unit_test(test_handlers),
		cmocka_unit_test(test_benotify),
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_piggyback),
		cmocka_unit_test(test_no_piggyback),
		cmocka_unit_test(test_piggyback_once),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_diagnostics),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
