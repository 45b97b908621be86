/* tests/unit/test_dialect.c -- the client's side of dialect ocs against a scripted home server:
 * endpoint ids, REGISTER and what its answers mean, keep-alive, how the server ends a registration,
 * BENOTIFY, the first notification in a 2xx, lists. Rows EP-05, EP-06, RG-04, RG-09, RG-10, RG-16 to
 * RG-19, SB-16, SB-17, SB-19; microsoft-auth.md section 6 */
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
		buf_add_str(&b, STR("Contact: <sip:192.0.2.9:5;transport=tls;ms-opaque=00>;expires=9;"
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
		buf_addf(&b, "\"%s\r\nExpires: %u\r\n",
			home.no_gruu ? "" : ";gruu=\"" GRUU "\"", home.expires);
	}
	if (home.action)
		buf_addf(&b,
			"presence-state: register-action=\"%s\";primary-cluster-type=\"central\"\r\n",
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
	assert_int_equal(try_endpoint((struct endpoint_config){ .epid = STR("0123456789abcdef") }), 0);
	assert_int_equal(try_endpoint((struct endpoint_config){ .epid = STR("0123456789abcdef0") }),
		-FAIL_ARGUMENT);
	assert_int_equal(
		try_endpoint((struct endpoint_config){ .epid = STR("a b") }), -FAIL_ARGUMENT);
	assert_int_equal(try_endpoint((struct endpoint_config){
				 .dialect = ENDPOINT_OCS, .transport = NET_UDP }),
		-FAIL_ARGUMENT);
	assert_int_equal(
		try_endpoint((struct endpoint_config){
			.dialect = ENDPOINT_OCS, .transport = -1, .servers = &udp, .server_count = 1 }),
		-FAIL_ARGUMENT);
	assert_int_equal(
		try_endpoint((struct endpoint_config){ .dialect = ENDPOINT_OCS,
			.transport = -1,
			.kind = ENDPOINT_PEER_TO_PEER }),
		-FAIL_ARGUMENT);
	assert_int_equal(
		try_endpoint((struct endpoint_config){ .dialect = ENDPOINT_OCS, .transport = -1 }), 0);
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
	/* RG-18: a refresh names the address, never the GRUU; the removal too, with Expires alone */
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_uuid),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_late),
		cmocka_unit_test(test_within_dialogs),
		cmocka_unit_test(test_ownership),
		cmocka_unit_test(test_register),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
