/* tests/unit/test_serve_ocs.c -- the test server in the forms of Office Communications Server: its
 * registrar, routing by epid and GRUU, the notice of a registration's end, BENOTIFY, the first
 * notification in the 200, lists in the body. microsoft-auth.md section 6 */
#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "serve_rig.h"

#define EPID_1 "c8ca638a15" /* of the reference: instance and GRUU are given there */
#define UUID_1 "34d859db-6585-5f91-a3b4-de853c15347d"
#define GRUU_1 "21nYNIVlkV-jtN6FPBU0fQAA"
#define EPID_2 "01010101"
#define UUID_2 "4b1682a8-f968-5701-83fc-7c6741dc6697"

static struct srv *ocs_new(void)
{
	return srv_new((struct serve_config){ .ocs = true });
}

/* A client of OCS: an epid on a connection. */
struct client {
	struct srv *v;
	struct peer *p;
	unsigned conn, cseq;
	const char *user, *epid, *uuid;
	char tag[24];
};

static struct client client_new(struct srv *v, const char *user, const char *epid, const char *uuid)
{
	struct client c = { .v = v, .p = peer_new(), .user = user, .epid = epid, .uuid = uuid };

	c.conn = peer_connect(c.p, &v->tcp);
	return c;
}

static void client_free(struct client *c)
{
	peer_free(c->p);
}

/* REGISTER as Communicator sends it; more: further lines. */
static struct sip_msg *client_register(struct client *c, const char *more)
{
	CLEANUP(buf_done) struct buf lines = BUF_INIT(8192);
	char from[160], to[96], cseq[32], call_id[48];
	struct sip_msg *m;

	snprintf(c->tag, sizeof(c->tag), "f%u", asked);
	snprintf(to, sizeof(to), "<sip:%s@test.invalid>", c->user);
	snprintf(from, sizeof(from), "%s;tag=%s;epid=%s", to, c->tag, c->epid);
	snprintf(cseq, sizeof(cseq), "%u REGISTER", ++c->cseq);
	snprintf(call_id, sizeof(call_id), "call-of-%s", c->epid);
	buf_addf(&lines, "Contact: <sip:10.0.0.1:12723;transport=tcp;ms-opaque=fad3dfab32>;"
			 "methods=\"INVITE, MESSAGE, NOTIFY, BENOTIFY\";proxy=replace");
	if (c->uuid)
		buf_addf(&lines, ";+sip.instance=\"<urn:uuid:%s>\"", c->uuid);
	buf_addf(&lines,
		"\r\nSupported: gruu-10, adhoclist, msrtc-event-categories\r\n"
		"Supported: ms-forking\r\nms-keep-alive: UAC;hop-hop=yes\r\n"
		"Event: registration\r\n%s",
		more ? more : "");
	m = srv_ask_within(c->v, c->p, c->conn,
		&(struct ask){ .method = "REGISTER",
			.uri = "sip:test.invalid",
			.to = to,
			.from = from,
			.call_id = call_id,
			.cseq = cseq,
			.lines = buf_cstr(&lines) },
		PEER_MS);
	if (!m)
		fail_msg("no answer to REGISTER");
	return m;
}

/* What the peer's side of the connection is called there. */
static unsigned client_port(const struct client *c)
{
	struct sockaddr_in a;
	socklen_t n = sizeof(a);
	struct peer_conn *conn = peer_conn(c->p, c->conn);

	assert_int_equal(getsockname(conn->fd, (struct sockaddr *)&a, &n), 0);
	return ntohs(a.sin_port);
}

/* --- the registrar
 * --------------------------------------------------------------------------------
 */

static void test_register(void **state)
{
	struct srv *v = ocs_new();
	struct client c = client_new(v, "user", EPID_1, "34D859DB-6585-5F91-A3B4-DE853C15347D");
	struct sip_msg *m = client_register(&c, NULL);
	struct sip_nameaddr a;
	char text[256];

	(void)state;
	assert_int_equal(m->status, 200);
	assert_int_equal(contacts_in(m), 1);
	/* 6.1: the connection's address in the Contact's place, the rest of it stays. */
	a = contact_at(m, 0);
	snprintf(text, sizeof(text), "sip:127.0.0.1:%u;transport=tcp;ms-opaque=fad3dfab32",
		client_port(&c));
	assert_str(a.uri.text, text);
	assert_int_equal(expires_at(m, 0), 7200);
	assert_int_equal(msg_seconds(m, SIP_HDR_EXPIRES), 7200);
	assert_true(param_at(m, 0, "+sip.instance", text, sizeof(text)));
	assert_string_equal(text, "<urn:uuid:" UUID_1 ">");
	assert_true(param_at(m, 0, "gruu", text, sizeof(text)));
	assert_string_equal(text, "sip:user@test.invalid;opaque=user:epid:" GRUU_1 ";gruu");
	assert_false(param_at(m, 0, "pub-gruu", text, sizeof(text)));
	assert_str(
		msg_named(m, "ms-keep-alive"), "UAS; tcp=no; hop-hop=yes; end-end=no; timeout=300");
	assert_str(msg_named(m, "presence-state"), "register-action=\"added\"");
	assert_true(sip_msg_has_token(m, SIP_HDR_SUPPORTED, "adhoclist"));
	assert_null(sip_msg_hdr(m, SIP_HDR_ALLOW_EVENTS));

	m = client_register(&c, NULL);
	assert_str(msg_named(m, "presence-state"), "register-action=\"refreshed\"");
	assert_int_equal(contacts_in(m), 1);
	/* Over another connection: the binding is repaired. */
	c.conn = peer_connect(c.p, &v->tcp);
	m = client_register(&c, "Expires: 600\r\n");
	assert_str(msg_named(m, "presence-state"), "register-action=\"fixed\"");
	assert_int_equal(contacts_in(m), 1);
	assert_int_equal(msg_seconds(m, SIP_HDR_EXPIRES), 600);
	m = client_register(&c, "Expires: 0\r\n");
	assert_int_equal(m->status, 200);
	assert_int_equal(contacts_in(m), 0);
	assert_int_equal(msg_seconds(m, SIP_HDR_EXPIRES), 0);
	assert_int_equal(msg_named(m, "presence-state").n, 0);
	m = client_register(&c, NULL);
	assert_str(msg_named(m, "presence-state"), "register-action=\"added\"");
	client_free(&c);
	srv_free(v);
}

/* The instance is the epid's: written by the server when it is left out, refused when it is
 * another. */
static void test_instance(void **state)
{
	struct srv *v = ocs_new();
	struct client c = client_new(v, "user", EPID_2, NULL);
	struct sip_msg *m = client_register(&c, NULL);
	char text[128];

	(void)state;
	assert_int_equal(m->status, 200);
	assert_true(param_at(m, 0, "+sip.instance", text, sizeof(text)));
	assert_string_equal(text, "<urn:uuid:" UUID_2 ">");
	c.uuid = UUID_1;
	m = client_register(&c, NULL);
	assert_int_equal(m->status, 400);
	client_free(&c);
	srv_free(v);
}

/* Without an epid, and for those who do not ask, it is any other registrar. */
static void test_standard_client(void **state)
{
	struct srv *v = ocs_new();
	struct sip_msg *m;
	char text[128];

	(void)state;
	m = srv_register(v, &(struct reg){ .lines = "Supported: gruu\r\n",
				    .params = ";+sip.instance=\"<" SRV_INSTANCE ">\"" });
	assert_int_equal(m->status, 200);
	assert_true(param_at(m, 0, "pub-gruu", text, sizeof(text)));
	assert_false(param_at(m, 0, "gruu", text, sizeof(text)));
	assert_int_equal(msg_named(m, "ms-keep-alive").n, 0);
	assert_int_equal(msg_named(m, "presence-state").n, 0);
	srv_free(v);
}

/* And the standard registrar makes nothing of OCS's forms. */
static void test_standard_server(void **state)
{
	struct srv *v = srv_new((struct serve_config){ 0 });
	struct client c = client_new(v, "user", EPID_1, UUID_1);
	struct sip_msg *m = client_register(&c, NULL);
	char text[128];

	(void)state;
	assert_int_equal(m->status, 200);
	assert_str(contact_at(m, 0).uri.host, "10.0.0.1");
	assert_false(param_at(m, 0, "gruu", text, sizeof(text)));
	assert_int_equal(msg_named(m, "ms-keep-alive").n, 0);
	assert_null(sip_msg_hdr(m, SIP_HDR_EXPIRES));
	client_free(&c);
	srv_free(v);
}

/* --- where requests go
 * ----------------------------------------------------------------------------
 */

static void message(struct srv *v, const char *uri, const char *to, const char *method)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(65536);

	asked++;
	peer_ask_write(&b, v->p, 0, &(struct ask){ .method = method, .uri = uri, .to = to });
	peer_send_to(v->p, &v->udp, 0, buf_str(&b));
}

static void test_routing(void **state)
{
	struct srv *v = ocs_new();
	struct client c[2] = { client_new(v, "user", EPID_1, UUID_1),
		client_new(v, "user", EPID_2, UUID_2) };
	char text[96];

	(void)state;
	client_register(&c[0], NULL);
	client_register(&c[1], NULL);
	assert_int_equal(serve_bindings(v->s, STR("user")), 2);

	/* By GRUU, by the epid in To; without both a call rings at each. */
	message(v, "sip:user@test.invalid;opaque=user:epid:" GRUU_1 ";gruu",
		"<sip:user@test.invalid>", "MESSAGE");
	rig_wait(c[0].p->requests, 1);
	snprintf(text, sizeof(text), "sip:127.0.0.1:%u;transport=tcp;ms-opaque=fad3dfab32",
		client_port(&c[0]));
	assert_str(peer_last(c[0].p)->msg->request_uri, text);
	message(v, "sip:user@test.invalid", "<sip:user@test.invalid>;epid=" EPID_1, "MESSAGE");
	rig_wait(c[0].p->requests, 2);
	message(v, "sip:user@test.invalid", "<sip:user@test.invalid>;epid=" EPID_2, "INVITE");
	rig_wait(c[1].p->requests, 1);
	message(v, "sip:user@test.invalid", "<sip:user@test.invalid>", "INVITE");
	rig_wait(c[0].p->requests, 3);
	rig_wait(c[1].p->requests, 2);
	rig_idle(20);
	assert_int_equal(c[0].p->requests, 3);
	assert_int_equal(c[1].p->requests, 2);

	/* An endpoint that is not there. */
	assert_int_equal(srv_ask(v, &(struct ask){ .method = "MESSAGE",
					    .uri = "sip:user@test.invalid",
					    .to = "<sip:user@test.invalid>;epid=0f0f" })
				 ->status,
		480);
	assert_int_equal(
		srv_ask(v, &(struct ask){ .method = "MESSAGE",
				   .uri = "sip:user@test.invalid;opaque=user:epid:AAAA;gruu",
				   .to = "<sip:user@test.invalid>" })
			->status,
		480);
	client_free(&c[0]);
	client_free(&c[1]);
	srv_free(v);
}

/* --- the end of a registration
 * --------------------------------------------------------------------
 */

static void test_deregister(void **state)
{
	static const struct {
		const char *cause, *as;
		unsigned id;
	} causes[] = {
		{ "unregistered", "unregistered", 4140 },
		{ "rejected", "rejected", 4141 },
		{ "deactivated", "deactivated", 4142 },
		{ "userservices-unavailable", "probation", 4165 },
		{ "preferred-registrar-change", "deactivated", 4166 },
	};
	struct srv *v = ocs_new();
	struct client c = client_new(v, "user", EPID_1, UUID_1);
	struct fail f;

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(causes); i++) {
		char order[64], text[64];
		struct sip_msg *m;

		client_register(&c, NULL);
		snprintf(order, sizeof(order), "deregister user %s", causes[i].cause);
		v->causes[0] = '\0';
		assert_int_equal(serve_order(v->s, str_of(order), &f), 0);
		rig_wait(c.p->requests, i + 1);
		assert_string_equal(v->causes, causes[i].as);
		m = peer_last(c.p)->msg;
		assert_str(m->method_name, "NOTIFY");
		assert_str(sip_msg_value(m, SIP_HDR_EVENT), "registration-notify");
		assert_str(sip_msg_value(m, SIP_HDR_CONTENT_TYPE), "text/registration-event");
		assert_str(sip_msg_value(m, SIP_HDR_SUBSCRIPTION_STATE), "terminated;expires=0");
		snprintf(text, sizeof(text), "deregistered;event=%s", causes[i].cause);
		assert_str(str_trim(m->body), text);
		snprintf(text, sizeof(text), "%u;reason=\"", causes[i].id);
		assert_has(msg_named(m, "ms-diagnostics-public"), text);
		/* In the dialog that REGISTER made. */
		assert_str(sip_msg_call_id(m), "call-of-" EPID_1);
		assert_str(sip_msg_to_tag(m), c.tag);
		assert_has(sip_msg_value(m, SIP_HDR_TO), ";epid=" EPID_1);
		peer_reply(c.p, peer_last(c.p), 200, NULL);
		assert_int_equal(serve_bindings(v->s, STR("user")), 0);
	}
	client_register(&c, NULL);
	/* The other words of RFC 3680 tell nobody. */
	assert_int_equal(serve_order(v->s, STR("deregister user expired"), &f), 0);
	rig_idle(20);
	assert_int_equal(c.p->requests, ARRAY_LEN(causes));
	client_register(&c, NULL);
	assert_int_equal(serve_order(v->s, STR("deregister user whim"), &f), -FAIL_ARGUMENT);
	client_free(&c);
	srv_free(v);
}

/* --- notifications
 * --------------------------------------------------------------------------------
 */

#define OFFERS                                                                                     \
	"Supported: ms-benotify\r\nProxy-Require: ms-benotify\r\n"                                 \
	"Supported: ms-piggyback-first-notify\r\n"

static struct sip_msg *subscribe(struct client *c, const char *lines, const char *body)
{
	CLEANUP(buf_done) struct buf all = BUF_INIT(8192);
	char from[128], contact[96];

	snprintf(from, sizeof(from), "<sip:%s@test.invalid>;tag=w%u;epid=%s", c->user, asked,
		c->epid);
	snprintf(contact, sizeof(contact), "Contact: <sip:%s;transport=tcp>\r\n", c->p->text);
	buf_addf(&all, "%sEvent: presence\r\n%s", contact, lines);
	return srv_ask_within(c->v, c->p, c->conn,
		&(struct ask){ .method = "SUBSCRIBE",
			.uri = "sip:alice@test.invalid",
			.to = "<sip:alice@test.invalid>",
			.from = from,
			.lines = buf_cstr(&all),
			.body = body },
		PEER_MS);
}

static void test_piggyback(void **state)
{
	struct srv *v = ocs_new();
	struct client c = client_new(v, "user", EPID_1, UUID_1);
	struct client alice = client_new(v, "alice", EPID_2, UUID_2);
	struct sip_msg *m;
	unsigned answers;

	(void)state;
	m = subscribe(&c, OFFERS "Accept: application/pidf+xml\r\n", NULL);
	assert_int_equal(m->status, 200);
	assert_true(sip_msg_has_token(m, SIP_HDR_SUPPORTED, "ms-benotify"));
	assert_true(sip_msg_has_token(m, SIP_HDR_SUPPORTED, "ms-piggyback-first-notify"));
	assert_str(msg_named(m, "ms-piggyback-cseq"), "1");
	assert_str(sip_msg_value(m, SIP_HDR_EVENT), "presence");
	assert_has(sip_msg_value(m, SIP_HDR_SUBSCRIPTION_STATE), "active;expires=");
	assert_str(sip_msg_value(m, SIP_HDR_CONTENT_TYPE), "application/pidf+xml");
	assert_has(m->body, "<basic>closed</basic>");
	rig_idle(30);
	assert_int_equal(c.p->requests, 0);

	/* What changes comes as BENOTIFY, and nobody waits for an answer. */
	client_register(&alice, NULL);
	rig_wait(c.p->requests, 1);
	m = peer_last(c.p)->msg;
	assert_str(m->method_name, "BENOTIFY");
	assert_int_equal(msg_cseq(m), 2);
	assert_has(sip_msg_value(m, SIP_HDR_CSEQ), "BENOTIFY");
	assert_has(sip_msg_value(m, SIP_HDR_TO), ";epid=" EPID_1); /* EP-06 */
	assert_has(m->body, "<basic>open</basic>");
	answers = c.p->responses;
	client_register(&alice, "Expires: 0\r\n");
	rig_wait(c.p->requests, 2);
	assert_has(peer_last(c.p)->msg->body, "<basic>closed</basic>");
	rig_idle(800); /* longer than 64*T1 */
	assert_int_equal(c.p->requests, 2);
	assert_int_equal(c.p->responses, answers);
	client_register(&alice, NULL);
	rig_wait(c.p->requests, 3);

	/* Fetched: all there is comes in the 200. */
	m = subscribe(&c, OFFERS "Expires: 0\r\n", NULL);
	assert_int_equal(m->status, 200);
	assert_has(sip_msg_value(m, SIP_HDR_SUBSCRIPTION_STATE), "terminated");
	assert_has(m->body, "<basic>open</basic>");
	rig_idle(30);
	assert_int_equal(c.p->requests, 3);
	client_free(&c);
	client_free(&alice);
	srv_free(v);
}

/* Each offer for itself, and none. */
static void test_offers(void **state)
{
	struct srv *v = ocs_new();
	struct client c = client_new(v, "user", EPID_1, UUID_1);
	struct sip_msg *m;

	(void)state;
	m = subscribe(&c, "Supported: ms-benotify\r\nProxy-Require: ms-benotify\r\n", NULL);
	assert_int_equal(m->body.n, 0);
	assert_true(sip_msg_has_token(m, SIP_HDR_SUPPORTED, "ms-benotify"));
	rig_wait(c.p->requests, 1);
	assert_str(peer_last(c.p)->msg->method_name, "BENOTIFY");
	m = subscribe(&c, "Supported: ms-piggyback-first-notify\r\n", NULL);
	assert_true(m->body.n > 0);
	assert_false(sip_msg_has_token(m, SIP_HDR_SUPPORTED, "ms-benotify"));
	m = subscribe(&c, "", NULL);
	assert_int_equal(m->body.n, 0);
	rig_wait(c.p->requests, 2);
	assert_str(peer_last(c.p)->msg->method_name, "NOTIFY");
	client_free(&c);
	srv_free(v);

	/* RFC 3261 16.3 step 5: another server knows no such thing. */
	v = srv_new((struct serve_config){ 0 });
	c = client_new(v, "user", EPID_1, UUID_1);
	m = subscribe(&c, OFFERS, NULL);
	assert_int_equal(m->status, 420);
	assert_str(sip_msg_value(m, SIP_HDR_UNSUPPORTED), "ms-benotify");
	m = subscribe(&c, "Supported: ms-piggyback-first-notify\r\n", NULL);
	assert_int_equal(m->status, 200);
	assert_int_equal(m->body.n, 0);
	client_free(&c);
	srv_free(v);
}

#define ADHOC                                                                                      \
	"Require: adhoclist\r\nSupported: eventlist\r\nAccept: application/pidf+xml, "             \
	"application/rlmi+xml, multipart/related\r\nContent-Type: application/adrl+xml\r\n"

static void test_adhoclist(void **state)
{
	static const char body[] =
		"<adhoclist xmlns=\"urn:ietf:params:xml:ns:adrl\" uri=\"sip:user@test.invalid\" "
		"name=\"sip:user@test.invalid\">\n<create xmlns=\"\">\n"
		"<resource uri=\"sip:alice@test.invalid\"/>\n"
		"<resource uri=\"sip:bob@test.invalid\"/>\n</create>\n</adhoclist>\n";
	struct srv *v = ocs_new();
	struct client c = client_new(v, "user", EPID_1, UUID_1);
	struct sip_msg *m;

	(void)state;
	m = subscribe(&c, ADHOC OFFERS, body);
	assert_int_equal(m->status, 200);
	assert_true(sip_msg_has_token(m, SIP_HDR_REQUIRE, "eventlist"));
	assert_has(sip_msg_value(m, SIP_HDR_CONTENT_TYPE), "multipart/related");
	assert_has(m->body, "uri=\"sip:alice@test.invalid\"");
	assert_has(m->body, "uri=\"sip:bob@test.invalid\"");
	m = subscribe(&c, ADHOC, body);
	assert_int_equal(m->status, 200);
	rig_wait(c.p->requests, 1);
	assert_has(peer_last(c.p)->msg->body, "uri=\"sip:bob@test.invalid\"");

	m = subscribe(&c, ADHOC, "<adhoclist xmlns=\"urn:ietf:params:xml:ns:adrl\"/>");
	assert_int_equal(m->status, 400);
	m = subscribe(
		&c, ADHOC, "<resource-lists xmlns=\"urn:ietf:params:xml:ns:resource-lists\"/>");
	assert_int_equal(m->status, 415);
	assert_str(sip_msg_value(m, SIP_HDR_ACCEPT), "application/adrl+xml");
	client_free(&c);
	srv_free(v);

	v = srv_new((struct serve_config){ 0 });
	c = client_new(v, "user", EPID_1, UUID_1);
	m = subscribe(&c, ADHOC, body);
	assert_int_equal(m->status, 420);
	assert_str(sip_msg_value(m, SIP_HDR_UNSUPPORTED), "adhoclist");
	client_free(&c);
	srv_free(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_register),
		cmocka_unit_test(test_instance),
		cmocka_unit_test(test_standard_client),
		cmocka_unit_test(test_standard_server),
		cmocka_unit_test(test_routing),
		cmocka_unit_test(test_deregister),
		cmocka_unit_test(test_piggyback),
		cmocka_unit_test(test_offers),
		cmocka_unit_test(test_adhoclist),
	};

	net_loop();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
