/* tests/unit/test_registration.c -- lib/endpoint/registration against a scripted registrar: what a
 * REGISTER says, what its answers mean, redirects, queries and removals. Refresh, loss, recovery
 * and the end are in test_registration_keep.c. RFC 3261 section 10, RFC 3327, 3608, 5626, 5627 */
#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "peer_rig.h"

#define INSTANCE "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"
#define WWW "WWW-Authenticate: Digest "

/* The n-th Contact of a message. */
static struct sip_nameaddr contact_of(const struct sip_msg *m, unsigned n)
{
	struct sip_list l = sip_msg_list(m, SIP_HDR_CONTACT);
	struct sip_nameaddr a;

	do {
		assert_true(sip_list_nameaddr(&l, &a));
	} while (n-- > 0);
	return a;
}

static unsigned contacts_in(const struct sip_msg *m)
{
	struct sip_list l = sip_msg_list(m, SIP_HDR_CONTACT);
	struct sip_nameaddr a;
	unsigned n = 0;

	while (sip_list_nameaddr(&l, &a))
		n++;
	assert_false(l.bad);
	return n;
}

static struct str param_of(struct sip_nameaddr a, const char *name)
{
	struct str v = { 0 };

	sip_param(a.params, name, &v);
	return v;
}

/* A registration that is over when it is done: the REGISTER that arrived. */
static struct sip_msg *registered(struct peer *p, struct ua *u, struct registration_config c)
{
	struct op *o = op_register(u, c);

	op_done(o, 200);
	assert_true(o->heard.count[ENDPOINT_REGISTRATION] == 1);
	op_end(o);
	return peer_last(p)->msg;
}

/* --- what a REGISTER says
 * ------------------------------------------------------------------------- */

static void written_over(int transport)
{
	struct peer *p = peer_new();
	struct ua *u = ua_new((struct endpoint_manager_config){ .kind = NET_CLIENT },
		(struct endpoint_config){ .servers = &p->server,
			.server_count = 1,
			.transport = transport,
			.aor = STR("sip:alice@example.test:5070"),
			.epid = STR("0123456789"),
			.display_name = STR("Alice") });
	struct sip_msg *m;
	struct sip_nameaddr a;
	struct op *o;
	unsigned status;
	struct str value;

	p->hook = peer_registrar;
	o = op_register(u, (struct registration_config){ .expires = 600 });
	op_done(o, 200);
	m = peer_msg(p, 0);
	assert_int_equal(sip_msg_check(m, transport == NET_UDP, &status, NULL), SIP_ACCEPT);
	assert_str(m->method_name, "REGISTER");
	assert_str(m->request_uri, "sip:example.test:5070"); /* 10.2: the domain, no user */
	assert_true(sip_msg_to(m, &a));
	assert_str(a.uri.text, "sip:alice@example.test:5070");
	assert_int_equal(a.tag.n, 0);
	assert_true(sip_msg_from(m, &a));
	assert_str(a.uri.text, "sip:alice@example.test:5070");
	assert_true(sip_param(a.params, "epid", &value));
	assert_str(value, "0123456789");
	assert_int_equal(msg_seconds(m, SIP_HDR_EXPIRES), 600);
	assert_int_equal(contacts_in(m), 1);
	a = contact_of(m, 0);
	assert_true(a.brackets);
	assert_str(a.uri.user, "alice");
	assert_str(a.uri.host, "127.0.0.1");
	/* The real port: of the UDP socket, or of the connection (client managers never listen). */
	assert_int_equal(a.uri.port, net_addr_port(&peer_request(p, 0)->from));
	if (transport == NET_TCP) {
		assert_true(sip_uri_param(&a.uri, "transport", &value));
		assert_str(value, "tcp");
	}
	assert_true(sip_msg_has_token(m, SIP_HDR_SUPPORTED, "path"));
	assert_false(sip_msg_has_token(m, SIP_HDR_SUPPORTED, "gruu"));
	assert_false(sip_msg_has_token(m, SIP_HDR_SUPPORTED, "outbound"));
	assert_int_equal(param_of(a, "+sip.instance").n, 0);
	assert_int_equal(param_of(a, "reg-id").n, 0);
	assert_int_equal(param_of(a, "q").n, 0);
	assert_int_equal(param_of(a, "methods").n, 0);
	assert_null(sip_msg_hdr(m, SIP_HDR_ROUTE));
	/* The event, before the end. */
	assert_string_equal(o->heard.order, "Gd");
	assert_true(o->heard.active);
	assert_string_equal(o->heard.reg_cause, "registered");
	assert_int_equal(o->heard.expires, 600);
	assert_int_equal(o->heard.refresh_in, 0); /* it does not stay */
	assert_int_equal(o->heard.contacts, 1);
	assert_int_equal(o->heard.own, 1);
	assert_str(a.uri.text, o->heard.own_uri);
	assert_false(o->heard.outbound);
	op_end(o);
	rig_idle(30);
	assert_int_equal(p->requests, 1); /* the binding stays (ruling 26) */
	ua_free(u);
	peer_free(p);
}

static void test_written(void **state)
{
	(void)state;
	written_over(NET_UDP);
	written_over(NET_TCP);
}

static void test_contact_parameters(void **state)
{
	const struct str features[] = { STR("audio"), STR("+sip.ice"), STR("+g.x=\"a,b\"") };
	struct peer *p = peer_new();
	struct ua *u = ua_new((struct endpoint_manager_config){ .kind = NET_CLIENT },
		(struct endpoint_config){ .servers = &p->server,
			.server_count = 1,
			.instance = STR(INSTANCE),
			.features = features,
			.feature_count = 3,
			.contact = STR(";x=y;z") });
	struct sip_nameaddr a;
	struct sip_msg *m;
	struct sip_param f;
	unsigned q = 0;

	(void)state;
	p->hook = peer_registrar;
	m = registered(p, u,
		(struct registration_config){ .q = 700,
			.methods = STR("INVITE, MESSAGE"),
			.gruu = true,
			.push = STR("fcm,abc123,proj") });
	a = contact_of(m, 0);
	assert_true(sip_qvalue_parse(param_of(a, "q"), &q));
	assert_int_equal(q, 700);
	assert_str(param_of(a, "+sip.instance"), "<" INSTANCE ">");
	assert_true(sip_param_get(a.params, "+sip.instance", &f) && f.quoted);
	assert_str(param_of(a, "methods"), "INVITE, MESSAGE");
	assert_true(sip_param_get(a.params, "audio", &f) && !f.has_value);
	assert_true(sip_param_get(a.params, "+sip.ice", &f));
	assert_str(param_of(a, "+g.x"), "a,b");
	assert_str(param_of(a, "x"), "y");
	assert_true(sip_param_get(a.params, "z", &f));
	assert_true(sip_msg_has_token(m, SIP_HDR_SUPPORTED, "gruu"));
	assert_int_equal(param_of(a, "reg-id").n, 0); /* only with outbound */
	assert_has(a.uri.params, "pn-provider=fcm"); /* RFC 8599 */
	assert_has(a.uri.params, "pn-prid=abc123");
	assert_has(a.uri.params, "pn-param=proj");

	/* q at its ends; gruu needs an instance, else it is not asked for. */
	a = contact_of(registered(p, u, (struct registration_config){ .q = 1000 }), 0);
	assert_true(sip_qvalue_parse(param_of(a, "q"), &q) && q == 1000);
	a = contact_of(registered(p, u, (struct registration_config){ .q = 1 }), 0);
	assert_true(sip_qvalue_parse(param_of(a, "q"), &q) && q == 1);
	ua_free(u);
	u = ua_at(p, NET_UDP);
	m = registered(p, u, (struct registration_config){ .gruu = true });
	assert_false(sip_msg_has_token(m, SIP_HDR_SUPPORTED, "gruu"));
	ua_free(u);
	peer_free(p);
}

static void test_whole_contact(void **state)
{
	const struct str contacts[] = { STR("sip:one@192.0.2.1;transport=tcp"),
		STR("sip:two@192.0.2.2"), STR("tel:+15551234") };
	struct peer *p = peer_new();
	struct ua *u = ua_new((struct endpoint_manager_config){ .kind = NET_CLIENT },
		(struct endpoint_config){ .servers = &p->server,
			.server_count = 1,
			.contact = STR("sip:me@host.test:5099;x") });
	struct sip_msg *m;
	struct op *o;

	(void)state;
	p->hook = peer_registrar;
	m = registered(p, u, (struct registration_config){ 0 });
	assert_str(contact_of(m, 0).uri.text, "sip:me@host.test:5099;x");

	/* Several, in place of ours. */
	o = op_register(
		u, (struct registration_config){ .contacts = contacts, .contact_count = 3 });
	op_done(o, 200);
	m = peer_last(p)->msg;
	assert_int_equal(contacts_in(m), 3);
	for (unsigned i = 0; i < 3; i++)
		assert_str(contact_of(m, i).uri.text, contacts[i].p);
	assert_int_equal(o->heard.contacts, 3);
	assert_int_equal(o->heard.own, 3);
	op_end(o);
	ua_free(u);

	u = ua_new((struct endpoint_manager_config){ .kind = NET_CLIENT,
			   .advertise = STR("public.test:5077") },
		(struct endpoint_config){ .servers = &p->server, .server_count = 1 });
	m = registered(p, u, (struct registration_config){ 0 });
	assert_str(contact_of(m, 0).uri.text, "sip:alice@public.test:5077");
	ua_free(u);
	peer_free(p);
}

/* A listening manager is reached at its listener (RG-13), CM-06. */
static void test_contact_of_listener(void **state)
{
	struct peer *p = peer_new();
	struct ua *u = ua_manager((struct endpoint_manager_config){ .kind = NET_SERVER });
	struct endpoint_hop hop;
	char text[NET_ADDR_TEXT];
	struct sip_nameaddr a;

	(void)state;
	p->hook = peer_registrar;
	assert_int_equal(endpoint_manager_listen(u->m, STR("tcp:127.0.0.1:0"), NULL), 0);
	assert_true(endpoint_manager_listener(u->m, 0, text, &hop));
	assert_int_equal(ua_endpoint(u, (struct endpoint_config){ .servers = &p->server,
						.server_count = 1,
						.transport = NET_TCP }),
		0);
	a = contact_of(registered(p, u, (struct registration_config){ 0 }), 0);
	assert_int_equal(a.uri.port, hop.port);
	assert_int_equal(msg_via(peer_last(p)->msg).port, hop.port);
	assert_int_not_equal(net_addr_port(&peer_last(p)->from), hop.port);
	ua_free(u);
	peer_free(p);
}

static void test_third_party(void **state)
{
	struct peer *p = peer_new();
	struct ua *u = ua_at(p, NET_UDP);
	struct sip_nameaddr a;
	struct sip_msg *m;

	(void)state;
	p->hook = peer_registrar;
	m = registered(
		p, u, (struct registration_config){ .third_party = STR("sip:boss@example.test") });
	assert_true(sip_msg_from(m, &a));
	assert_str(a.uri.text, "sip:boss@example.test");
	assert_true(sip_msg_to(m, &a));
	assert_str(a.uri.text, "sip:alice@example.test");
	ua_free(u);
	peer_free(p);
}

/* --- what its answers say
 * -------------------------------------------------------------------------- */

static void test_path_and_service_route(void **state)
{
	const struct str paths[] = { STR("sip:p1.test;lr"), STR("sip:p2.test;lr") };
	struct peer *p = peer_new();
	struct ua *u = ua_at(p, NET_UDP);
	struct sip_list l;
	struct sip_nameaddr a;
	struct sip_msg *m;
	struct op *o, *q;

	(void)state;
	p->hook = peer_registrar;
	p->extra =
		"Path: <sip:p1.test;lr>, <sip:p2.test;lr>\r\n"
		"Service-Route: <sip:s1.test;lr>\r\nService-Route: <sip:s2.test;lr>;y=\"a,b\"\r\n";
	o = op_register(
		u, (struct registration_config){ .paths = paths, .path_count = 2, .keep = true });
	rig_wait(o->heard.count[ENDPOINT_REGISTRATION], 1);
	m = peer_msg(p, 0);
	l = sip_msg_list(m, SIP_HDR_PATH);
	assert_true(sip_list_nameaddr(&l, &a));
	assert_str(a.uri.text, "sip:p1.test;lr");
	assert_true(sip_list_nameaddr(&l, &a));
	assert_str(a.uri.text, "sip:p2.test;lr");
	assert_int_equal(o->heard.paths, 2);
	assert_int_equal(o->heard.service_routes, 2);
	assert_string_equal(o->heard.service_route, "<sip:s2.test;lr>;y=\"a,b\"");

	/* RFC 3608 section 5: later requests take that route ... */
	q = op_request(u, (struct request_config){ 0 });
	op_done(q, 200);
	op_end(q);
	m = peer_last(p)->msg;
	l = sip_msg_list(m, SIP_HDR_ROUTE);
	assert_true(sip_list_nameaddr(&l, &a));
	assert_str(a.uri.text, "sip:s1.test;lr");
	assert_true(sip_list_nameaddr(&l, &a));
	assert_has(a.text, "sip:s2.test;lr");
	assert_false(sip_list_nameaddr(&l, &a));
	assert_str(m->request_uri, "sip:bob@example.test");

	/* ... a REGISTER does not, and a refresh without it takes it away. */
	p->extra = NULL;
	assert_int_equal(registration_refresh(o->reg), 0);
	rig_wait(o->heard.count[ENDPOINT_REGISTRATION], 2);
	assert_null(sip_msg_hdr(peer_last(p)->msg, SIP_HDR_ROUTE));
	q = op_request(u, (struct request_config){ 0 });
	op_done(q, 200);
	op_end(q);
	assert_null(sip_msg_hdr(peer_last(p)->msg, SIP_HDR_ROUTE));

	/* So does the end of the registration. */
	p->extra = "Service-Route: <sip:s1.test;lr>\r\n";
	assert_int_equal(registration_refresh(o->reg), 0);
	rig_wait(o->heard.count[ENDPOINT_REGISTRATION], 3);
	registration_stop(o->reg);
	op_wait(o);
	op_end(o);
	assert_null(sip_msg_hdr(peer_last(p)->msg, SIP_HDR_ROUTE));
	q = op_request(u, (struct request_config){ 0 });
	op_done(q, 200);
	op_end(q);
	assert_null(sip_msg_hdr(peer_last(p)->msg, SIP_HDR_ROUTE));
	ua_free(u);
	peer_free(p);
}

static void test_gruu(void **state)
{
	struct peer *p = peer_new();
	struct ua *u = ua_new((struct endpoint_manager_config){ .kind = NET_CLIENT },
		(struct endpoint_config){
			.servers = &p->server, .server_count = 1, .instance = STR(INSTANCE) });
	struct op *o;

	(void)state;
	peer_script(
		p, STEPS({ 200, "Contact: <sip:other@192.0.2.9>;expires=5;pub-gruu=\"sip:no\"\r\n"
				"Contact: {contact};expires=60;"
				"pub-gruu=\"sip:alice@example.test;gr=" INSTANCE "\";"
				"temp-gruu=\"sip:tgruu.7hs==@example.test;gr\"\r\n" }));
	o = op_register(u, (struct registration_config){ .gruu = true });
	op_done(o, 200);
	assert_int_equal(o->heard.contacts, 2);
	assert_int_equal(o->heard.own, 1);
	assert_int_equal(o->heard.expires, 60);
	assert_string_equal(o->heard.pub_gruu, "sip:alice@example.test;gr=" INSTANCE);
	assert_string_equal(o->heard.temp_gruu, "sip:tgruu.7hs==@example.test;gr");
	op_end(o);
	ua_free(u);
	peer_free(p);
}

/* What the 200 grants, in its several forms; A77. */
static void test_granted(void **state)
{
	static const struct {
		const char *headers;
		uint32_t expires; /* 0: refused */
		uint32_t refresh_in;
	} cases[] = {
		{ "Contact: {contact};expires=60\r\n", 60, 54 },
		{ "Contact: {contact};expires=20\r\n", 20, 18 },
		{ "Contact: {contact};expires=10\r\n", 10, 5 }, /* half below 20 s */
		{ "Contact: {contact};expires=3600\r\n", 3600, 3240 },
		{ "Contact: {contact}\r\nExpires: 30\r\n", 30, 27 },
		{ "Contact: {contact};expires=40\r\nExpires: 30\r\n", 40, 36 },
		{ "Contact: {contact}\r\n", 60, 54 }, /* as asked */
		{ "Expires: 30\r\n", 30, 27 }, /* no Contact at all: what was asked for was done */
		{ "Contact: {contact};expires=4294967295\r\n", 4294967295U, 0 },
		{ "Contact: <sip:other@192.0.2.1>;expires=60\r\n", 0, 0 },
		{ "Contact: <sip:other@192.0.2.1>;expires=60, <sip:x@192.0.2.2>\r\nExpires: 60\r\n",
			0, 0 },
		{ "Contact: {contact};expires=0\r\n", 0, 0 },
		{ "Expires: 0\r\n", 0, 0 },
		{ "Contact: {contact}\r\nExpires: 0\r\n", 0, 0 },
	};
	struct peer *p = peer_new();

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
		struct ua *u = ua_at(p, NET_UDP);
		unsigned before = p->requests;
		struct op *o;
		peer_script(p, &(struct peer_step){ 200, cases[i].headers }, 1);
		o = op_register(u, (struct registration_config){ .keep = true });
		if (cases[i].expires) {
			rig_wait(o->heard.count[ENDPOINT_REGISTRATION], 1);
			if (!o->heard.active || o->heard.expires != cases[i].expires)
				fail_msg("%s: %u", cases[i].headers, o->heard.expires);
			if (cases[i].refresh_in)
				assert_int_equal(o->heard.refresh_in, cases[i].refresh_in);
			else
				assert_true(o->heard.refresh_in > 3600);
			rig_idle(30);
			assert_int_equal(o->heard.finals, 0);
		} else {
			op_wait(o);
			if (o->heard.final != ENDPOINT_FAILED)
				fail_msg("%s is taken", cases[i].headers);
			assert_false(o->heard.active);
			rig_idle(30);
			assert_int_equal(p->requests - before, 1); /* no tight loop */
		}
		assert_int_equal(p->requests - before, 1);
		op_free(o);
		ua_free(u);
	}
	peer_free(p);
}

/* Values out of range are no reason to run in circles, or to crash. */
static void test_granted_odd(void **state)
{
	static const char *const headers[] = { "Contact: {contact};expires=4294967296\r\n",
		"Contact: {contact};expires=-1\r\n", "Contact: {contact};expires=soon\r\n",
		"Contact: {contact};expires=\r\n", "Contact: {contact};expires=1\r\nExpires: x\r\n",
		"Contact: {contact};q=7;expires=60\r\n", "Contact: *\r\n", "Contact: <sip:\r\n",
		"Contact: \r\n", "Contact: {contact};expires=60,\r\n" };
	struct peer *p = peer_new();

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(headers); i++) {
		struct ua *u = ua_at(p, NET_UDP);
		unsigned before = p->requests;
		struct op *o;
		peer_script(p, &(struct peer_step){ 200, headers[i] }, 1);
		o = op_register(u, (struct registration_config){ .keep = true, .timeout_ms = 200 });
		rig_idle(300);
		if (p->requests - before > 2)
			fail_msg("%s: %u requests", headers[i], p->requests - before);
		op_free(o);
		ua_free(u);
	}
	peer_free(p);
}

/* 128 bindings of others are no reason to overlook ours, 1,000 none to break. */
static void test_many_bindings(void **state)
{
	struct peer *p = peer_new();
	CLEANUP(buf_done) struct buf b = BUF_INIT(65536);

	(void)state;
	for (unsigned count = 1; count <= 1000; count *= 10) {
		struct ua *u = ua_at(p, NET_TCP);
		struct op *o;
		buf_clear(&b);
		for (unsigned i = 0; i < count; i++)
			buf_addf(&b, "%s<sip:u%u@192.0.2.1>;expires=60", i ? "," : "Contact: ", i);
		buf_add_str(&b, STR(", {contact};expires=60\r\n"));
		peer_script(p, &(struct peer_step){ 200, buf_cstr(&b) }, 1);
		o = op_register(u, (struct registration_config){ 0 });
		op_wait(o);
		if (o->heard.final != ENDPOINT_DONE)
			fail_msg("%u bindings: %s", count, fail_show(&o->heard.fail));
		assert_int_equal(o->heard.own, 1);
		op_end(o);
		ua_free(u);
	}
	peer_free(p);
}

static void test_refused(void **state)
{
	static const unsigned statuses[] = { 302, 400, 403, 404, 405, 420, 500, 503, 600 };
	struct peer *p = peer_new();
	struct ua *u = ua_at(p, NET_UDP);
	struct op *o;

	(void)state;
	for (unsigned keep = 0; keep < 2; keep++)
		for (unsigned i = 0; i < ARRAY_LEN(statuses); i++) {
			unsigned before = p->requests;
			peer_script(p, &(struct peer_step){ statuses[i] }, 1);
			o = op_register(u, (struct registration_config){ .keep = keep });
			op_failed(o, FAIL_STATUS, statuses[i]);
			assert_int_equal(p->requests - before, 1);
			assert_false(registration_active(o->reg));
			op_end(o);
		}
	/* Nobody there, nobody answers. */
	o = op_register(u, (struct registration_config){ .timeout_ms = 100, .keep = true });
	peer_script(p, STEPS({ 0 }));
	op_failed(o, FAIL_TIMEOUT, 0);
	assert_between(op_ms(o), 99, 100 + PEER_LATE);
	op_end(o);
	peer_close_udp(p);
	o = op_register(u, (struct registration_config){ .keep = true });
	op_failed(o, FAIL_CONNECT, 0);
	assert_between(op_ms(o), 0, 1000);
	op_end(o);
	ua_free(u);
	peer_free(p);
}

static void test_423(void **state)
{
	struct peer *p = peer_new();
	struct ua *u = ua_at(p, NET_UDP);
	struct op *o;

	(void)state;
	peer_script(p, STEPS({ 423, "Min-Expires: 120\r\n" },
			       { 200, "Contact: {contact};expires=120\r\n" }));
	o = op_register(u, (struct registration_config){ .expires = 60 });
	op_done(o, 200);
	assert_int_equal(msg_seconds(peer_msg(p, 0), SIP_HDR_EXPIRES), 60);
	assert_int_equal(msg_seconds(peer_msg(p, 1), SIP_HDR_EXPIRES), 120);
	assert_int_equal(o->heard.expires, 120);
	op_end(o);
	/* Growing for ever: once, then it is over (A76). */
	peer_script(p, STEPS({ 423, "Min-Expires: 120\r\n" }, { 423, "Min-Expires: 240\r\n" },
			       { 423, "Min-Expires: 480\r\n" }));
	o = op_register(u, (struct registration_config){ .expires = 60 });
	op_failed(o, FAIL_STATUS, 423);
	assert_int_equal(p->requests, 4);
	op_end(o);
	peer_script(p, STEPS({ 423, "Min-Expires: 30\r\n" }));
	o = op_register(u, (struct registration_config){ .expires = 60 });
	op_failed(o, FAIL_STATUS, 423);
	assert_int_equal(p->requests, 5);
	op_end(o);
	ua_free(u);
	peer_free(p);
}

/* --- challenges
 * ------------------------------------------------------------------------------------- */

static void test_challenged(void **state)
{
	struct peer *p = peer_new();
	struct ua *u = ua_auth_at(p, NET_UDP, "secret", (struct auth_config){ 0 });
	struct op *o;

	(void)state;
	peer_script(p, STEPS({ 401, WWW "realm=\"r\", nonce=\"n\", qop=\"auth\"\r\n" },
			       { 200, "Contact: {contact};expires=60\r\n" }));
	o = op_register(u, (struct registration_config){ .keep = true });
	rig_wait(o->heard.count[ENDPOINT_REGISTRATION], 1);
	assert_string_equal(o->heard.order, "AG");
	assert_string_equal(o->heard.realm, "r");
	assert_int_equal(p->requests, 2);
	/* RFC 3261 22.3: the refresh, with its Call-ID, is authorized at once. */
	assert_int_equal(registration_refresh(o->reg), 0);
	rig_wait(o->heard.count[ENDPOINT_REGISTRATION], 2);
	assert_int_equal(p->requests, 3);
	assert_has(sip_msg_value(peer_msg(p, 2), SIP_HDR_AUTHORIZATION), "nc=00000002");
	op_free(o);
	ua_free(u);
	peer_free(p);
}

/* AU-05 and its cases. */
static void test_unchallenging(void **state)
{
	static const struct {
		struct auth_config auth;
		bool reject, refused;
	} cases[] = {
		{ { .scheme_count = 0 }, false, false },
		{ { .scheme_count = 0 }, true, true },
		{ { .schemes = { AUTH_DIGEST }, .scheme_count = 1 }, false, true },
		{ { .schemes = { AUTH_DIGEST }, .scheme_count = 1 }, true, true },
		{ { .schemes = { AUTH_DIGEST, AUTH_NONE }, .scheme_count = 2 }, false, false },
	};
	struct peer *p = peer_new();

	(void)state;
	p->hook = peer_registrar;
	for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
		struct ua *u = ua_auth_at(p, NET_UDP, "secret", cases[i].auth);
		struct op *o = op_register(
			u, (struct registration_config){ .reject_unchallenged = cases[i].reject });
		op_wait(o);
		if ((o->heard.final == ENDPOINT_FAILED) != cases[i].refused)
			fail_msg("case %u: %s", i, fail_show(&o->heard.fail));
		if (cases[i].refused) {
			assert_int_equal(o->heard.fail.code, -FAIL_AUTH);
			assert_string_equal(o->heard.cause, "unchallenging_server");
			assert_int_equal(o->heard.status, 200);
			assert_false(o->heard.active);
		}
		op_end(o);
		ua_free(u);
	}
	/* A challenge that was answered is one. */
	{
		struct ua *u = ua_auth_at(p, NET_UDP, "secret",
			(struct auth_config){ .schemes = { AUTH_DIGEST }, .scheme_count = 1 });
		struct op *o;
		peer_script(p, STEPS({ 401, WWW "realm=\"r\", nonce=\"n\"\r\n" },
				       { 200, "Contact: {contact};expires=60\r\n" }));
		o = op_register(u, (struct registration_config){ .reject_unchallenged = true });
		op_done(o, 200);
		assert_true(o->heard.authenticated);
		op_end(o);
		ua_free(u);
	}
	peer_free(p);
}

static void test_auth_failures(void **state)
{
	struct peer *p = peer_new();
	struct ua *u = ua_auth_at(p, NET_UDP, "wrong", (struct auth_config){ 0 });
	struct op *o;

	(void)state;
	peer_script(p, STEPS({ 401, WWW "realm=\"r\", nonce=\"n1\"\r\n" },
			       { 401, WWW "realm=\"r\", nonce=\"n2\"\r\n" }));
	o = op_register(u, (struct registration_config){ .keep = true });
	op_failed(o, FAIL_AUTH, 401);
	assert_string_equal(o->heard.cause, "invalid_credentials");
	assert_int_equal(p->requests, 2);
	op_end(o);
	ua_free(u);
	u = ua_at(p, NET_UDP);
	peer_script(p, STEPS({ 401, WWW "realm=\"r\", nonce=\"n1\"\r\n" }));
	o = op_register(u, (struct registration_config){ .keep = true });
	op_failed(o, FAIL_CREDENTIALS, 401);
	assert_string_equal(o->heard.cause, "missing_credentials");
	op_end(o);
	ua_free(u);
	peer_free(p);
}

/* --- queries and removals
 * --------------------------------------------------------------------------- */

static void test_query(void **state)
{
	struct peer *p = peer_new();
	struct ua *u = ua_at(p, NET_UDP);
	struct sip_msg *m;
	struct op *o;

	(void)state;
	peer_script(p, STEPS({ 200, "Contact: <sip:a@192.0.2.1>;expires=60;q=0.5\r\n"
				    "Contact: \"B\" <sip:b@192.0.2.2>;expires=70\r\n" }));
	o = op_register(u, (struct registration_config){ .what = REGISTRATION_QUERY });
	op_done(o, 200);
	m = peer_msg(p, 0);
	assert_null(sip_msg_hdr(m, SIP_HDR_CONTACT)); /* 10.2.3 */
	assert_null(sip_msg_hdr(m, SIP_HDR_EXPIRES));
	assert_int_equal(o->heard.count[ENDPOINT_REGISTRATION], 1);
	assert_int_equal(o->heard.contacts, 2);
	assert_int_equal(o->heard.own, 0);
	op_end(o);
	/* None: no failure. */
	peer_script(p, STEPS({ 200 }));
	o = op_register(u, (struct registration_config){ .what = REGISTRATION_QUERY });
	op_done(o, 200);
	assert_int_equal(o->heard.contacts, 0);
	op_end(o);
	ua_free(u);
	peer_free(p);
}

static bool zero(const struct sip_msg *m)
{
	struct sip_list l = sip_msg_list(m, SIP_HDR_CONTACT);
	struct sip_nameaddr a;
	uint32_t all = 1, one;
	struct str v;

	sip_msg_seconds(m, SIP_HDR_EXPIRES, &all);
	while (sip_list_nameaddr(&l, &a)) {
		one = all;
		if (sip_param(a.params, "expires", &v))
			assert_true(sip_delta_parse(v, &one));
		if (one)
			return false;
	}
	return true;
}

static void test_remove(void **state)
{
	const struct str contacts[] = { STR("sip:one@192.0.2.1"), STR("sip:two@192.0.2.2") };
	struct peer *p = peer_new();
	struct ua *u = ua_new((struct endpoint_manager_config){ .kind = NET_CLIENT },
		(struct endpoint_config){
			.servers = &p->server, .server_count = 1, .instance = STR(INSTANCE) });
	struct sip_msg *m;
	struct op *o;

	(void)state;
	p->hook = peer_registrar;
	/* Ours, known by its instance. */
	o = op_register(u, (struct registration_config){ .what = REGISTRATION_REMOVE });
	op_done(o, 200);
	m = peer_last(p)->msg;
	assert_int_equal(contacts_in(m), 1);
	assert_true(zero(m));
	assert_str(param_of(contact_of(m, 0), "+sip.instance"), "<" INSTANCE ">");
	assert_false(o->heard.active);
	assert_string_equal(o->heard.reg_cause, "unregistered");
	op_end(o);
	/* Those that are named. */
	m = registered(p, u,
		(struct registration_config){
			.what = REGISTRATION_REMOVE, .contacts = contacts, .contact_count = 2 });
	assert_int_equal(contacts_in(m), 2);
	assert_true(zero(m));
	assert_str(contact_of(m, 1).uri.text, "sip:two@192.0.2.2");
	/* All: "*" alone, with Expires 0 (10.2.2). */
	m = registered(p, u, (struct registration_config){ .what = REGISTRATION_REMOVE_ALL });
	assert_str(sip_msg_value(m, SIP_HDR_CONTACT), "*");
	assert_int_equal(msg_count(m, SIP_HDR_CONTACT), 1);
	assert_int_equal(msg_seconds(m, SIP_HDR_EXPIRES), 0);
	ua_free(u);
	peer_free(p);
}

/* A removal that a server refuses. */
static void test_remove_refused(void **state)
{
	static const enum registration_what whats[] = { REGISTRATION_QUERY, REGISTRATION_REMOVE,
		REGISTRATION_REMOVE_ALL };
	struct peer *p = peer_new();
	struct ua *u = ua_at(p, NET_UDP);
	struct op *o;

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(whats); i++) {
		peer_script(p, STEPS({ 404 }));
		o = op_register(u, (struct registration_config){ .what = whats[i] });
		op_failed(o, FAIL_STATUS, 404);
		op_end(o);
		peer_script(p, STEPS({ 0 }));
		o = op_register(
			u, (struct registration_config){ .what = whats[i], .timeout_ms = 60 });
		op_failed(o, FAIL_TIMEOUT, 0);
		op_end(o);
	}
	ua_free(u);
	peer_free(p);
}

/* --- redirects, RG-16
 * ------------------------------------------------------------------------------- */

static void test_redirect(void **state)
{
	struct peer *p = peer_new(), *q = peer_new();
	char contact[128];
	struct op *o, *r;
	struct ua *u = ua_at(p, NET_UDP);

	(void)state;
	snprintf(contact, sizeof(contact), "Contact: <sip:%s>\r\n", q->text);
	peer_script(p, &(struct peer_step){ 302, contact }, 1);
	q->hook = peer_registrar;
	/* 0: off */
	o = op_register(u, (struct registration_config){ .follow = 0 });
	op_failed(o, FAIL_STATUS, 302);
	assert_int_equal(q->requests, 0);
	op_end(o);
	o = op_register(u, (struct registration_config){ .follow = 3, .keep = true });
	rig_wait(o->heard.count[ENDPOINT_REGISTRATION], 1);
	assert_true(o->heard.active);
	assert_int_equal(p->requests, 2);
	assert_int_equal(q->requests, 1);
	/* The same registration: the domain and the AOR do not change. */
	assert_str(peer_msg(q, 0)->request_uri, "sip:example.test");
	assert_has(sip_msg_value(peer_msg(q, 0), SIP_HDR_TO), "sip:alice@example.test");
	/* From now on that is the server: for the refresh, for other requests, and by name. */
	assert_int_equal(registration_refresh(o->reg), 0);
	rig_wait(o->heard.count[ENDPOINT_REGISTRATION], 2);
	assert_int_equal(q->requests, 2);
	r = op_request(u, (struct request_config){ 0 });
	op_done(r, 200);
	op_end(r);
	assert_int_equal(q->requests, 3);
	assert_int_equal(p->requests, 2);
	assert_has(endpoint_next_hop_text(u->ep), q->text);
	op_free(o);
	ua_free(u);
	peer_free(p);
	peer_free(q);
}

static void send_on(struct peer *p, const struct peer_got *g)
{
	char contact[128];

	if (g->again)
		return;
	snprintf(contact, sizeof(contact), "Contact: <sip:n%u@%s>\r\n", p->requests, p->text);
	peer_reply(p, g, 302, contact);
}

static void test_redirect_limit(void **state)
{
	(void)state;
	for (unsigned follow = 0; follow <= 5; follow++) {
		struct peer *p = peer_new();
		struct ua *u = ua_at(p, NET_UDP);
		struct op *o;
		p->hook = send_on;
		o = op_register(u, (struct registration_config){ .follow = follow, .keep = true });
		op_failed(o, FAIL_STATUS, 302);
		assert_int_equal(p->requests, follow + 1);
		op_end(o);
		ua_free(u);
		peer_free(p);
	}
	{
		struct peer *p = peer_new();
		struct ua *u = ua_at(p, NET_UDP);
		struct op *o = op_new();
		assert_int_equal(op_try_register(u, o,
					 (struct registration_config){
						 .expires = 60, .q = -1, .follow = 6 }),
			-FAIL_ARGUMENT);
		op_free(o);
		ua_free(u);
		peer_free(p);
	}
}

/* A39: the new server gets no answer made for the old one. */
static void test_redirect_and_challenge(void **state)
{
	struct peer *p = peer_new(), *q = peer_new();
	struct ua *u = ua_auth_at(p, NET_UDP, "secret", (struct auth_config){ 0 });
	char contact[128];
	struct op *o;

	(void)state;
	snprintf(contact, sizeof(contact), "Contact: <sip:%s>\r\n", q->text);
	{
		const struct peer_step steps[] = { { 401, WWW "realm=\"r\", nonce=\"n\"\r\n" },
			{ 302, contact } };
		peer_script(p, steps, 2);
	}
	peer_script(q, STEPS({ 401, WWW "realm=\"r\", nonce=\"m\"\r\n" },
			       { 200, "Contact: {contact};expires=60\r\n" }));
	o = op_register(u, (struct registration_config){ .follow = 3 });
	op_done(o, 200);
	assert_null(sip_msg_hdr(peer_msg(q, 0), SIP_HDR_AUTHORIZATION));
	assert_has(sip_msg_value(peer_msg(q, 1), SIP_HDR_AUTHORIZATION), "nonce=\"m\"");
	op_end(o);
	ua_free(u);
	peer_free(p);
	peer_free(q);
}

/* --- failover
 * --------------------------------------------------------------------------------------- */

static void test_failover(void **state)
{
	static const unsigned modes[] = { 0, 1, 2 }; /* closed, silent, 503 */

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(modes); i++)
		for (int transport = NET_UDP; transport <= NET_TCP; transport++) {
			struct peer *p = peer_new(), *q = peer_new();
			struct str servers[] = { p->server, q->server };
			struct ua *u =
				ua_new((struct endpoint_manager_config){ .kind = NET_CLIENT },
					(struct endpoint_config){ .servers = servers,
						.server_count = 2,
						.transport = transport });
			struct op *o;
			if (i == 0) {
				peer_close_udp(p);
				peer_close_tcp(p);
			} else if (i == 2) {
				peer_script(p, STEPS({ 503 }));
			}
			q->hook = peer_registrar;
			o = op_register(u, (struct registration_config){ .timeout_ms = 100 });
			op_done(o, 200);
			assert_int_equal(q->requests, 1);
			/* The Contact is that of the flow that was taken in the end. */
			assert_int_equal(contact_of(peer_msg(q, 0), 0).uri.port,
				net_addr_port(&peer_request(q, 0)->from));
			op_end(o);
			ua_free(u);
			peer_free(p);
			peer_free(q);
		}
}

/* --- states
 * ------------------------------------------------------------------------------------------ */

static void expect_refused(struct ua *u, struct registration_config c, int code)
{
	struct op *o = op_new();
	int e;

	c.q = c.q ? c.q : -1;
	e = op_try_register(u, o, c);
	if (e != -code)
		fail_msg("%d (%s), wanted %d", e, e ? u->why.text : "", -code);
	assert_true(u->why.text[0] != '\0');
	op_free(o);
}

/* RG-02: a second one is a wrong state, before any packet. */
static void test_second_start(void **state)
{
	struct peer *p = peer_new();
	struct ua *u = ua_at(p, NET_UDP);
	struct registration_config again = { .expires = 60 };
	struct op *o = op_register(u, (struct registration_config){ .keep = true });

	(void)state;
	p->hook = peer_registrar;
	expect_refused(u, again, FAIL_STATE); /* registering */
	rig_wait(o->heard.count[ENDPOINT_REGISTRATION], 1);
	expect_refused(u, again, FAIL_STATE); /* registered */
	assert_true(registration_active(o->reg));
	registration_stop(o->reg);
	expect_refused(u, again, FAIL_STATE); /* unregistering */
	op_wait(o);
	assert_int_equal(p->requests, 2);
	op_end(o);
	/* Unregistered: it may be done again. */
	o = op_register(u, (struct registration_config){ 0 });
	op_done(o, 200);
	op_end(o);
	/* Not after the endpoint was stopped. */
	endpoint_stop(u->ep);
	rig_wait(u->heard.count[ENDPOINT_CLOSED], 1);
	expect_refused(u, again, FAIL_STATE);
	rig_idle(20);
	assert_int_equal(p->requests, 3);
	ua_free(u);
	peer_free(p);
}

static void test_bad_configs(void **state)
{
	static const unsigned ids[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9 };
	static const unsigned twice[] = { 1, 1 };
	const struct str bad_uri = STR("not a uri"), lines = STR("sip:a@b\r\nX: y");
	struct peer *p = peer_new();
	struct ua *u = ua_at(p, NET_UDP);

	(void)state;
	expect_refused(u, (struct registration_config){ .contacts = &bad_uri, .contact_count = 1 },
		FAIL_ARGUMENT);
	expect_refused(u, (struct registration_config){ .contacts = &lines, .contact_count = 1 },
		FAIL_ARGUMENT);
	expect_refused(u, (struct registration_config){ .paths = &bad_uri, .path_count = 1 },
		FAIL_ARGUMENT);
	expect_refused(
		u, (struct registration_config){ .paths = &lines, .path_count = 1 }, FAIL_ARGUMENT);
	expect_refused(u, (struct registration_config){ .third_party = bad_uri }, FAIL_ARGUMENT);
	expect_refused(u, (struct registration_config){ .third_party = lines }, FAIL_ARGUMENT);
	expect_refused(u, (struct registration_config){ .methods = STR("A\r\nB") }, FAIL_ARGUMENT);
	expect_refused(u, (struct registration_config){ .methods = STR("A\"B") }, FAIL_ARGUMENT);
	expect_refused(u, (struct registration_config){ .push = STR("a\r\nb,c") }, FAIL_ARGUMENT);
	expect_refused(u, (struct registration_config){ .push = STR("fcm>;x,c") }, FAIL_ARGUMENT);
	expect_refused(u, (struct registration_config){ .q = 1001 }, FAIL_ARGUMENT);
	/* Outbound needs an instance (RFC 5626 4.2). */
	expect_refused(u, (struct registration_config){ .outbound = true }, FAIL_ARGUMENT);
	rig_idle(20);
	assert_int_equal(p->count, 0);
	ua_free(u);

	u = ua_new((struct endpoint_manager_config){ .kind = NET_CLIENT },
		(struct endpoint_config){
			.servers = &p->server, .server_count = 1, .instance = STR(INSTANCE) });
	expect_refused(u,
		(struct registration_config){ .outbound = true, .reg_ids = ids, .reg_id_count = 9 },
		FAIL_LIMIT);
	expect_refused(u,
		(struct registration_config){
			.outbound = true, .reg_ids = twice, .reg_id_count = 2 },
		FAIL_ARGUMENT);
	ua_free(u);

	/* A peer-to-peer endpoint does not register. */
	u = ua_p2p(NET_UDP);
	{
		struct op *o = op_new();
		assert_true(op_try_register(u, o,
				    (struct registration_config){ .expires = 60, .q = -1 }) < 0);
		op_free(o);
	}
	ua_free(u);
	peer_free(p);
}

static void test_dry_run(void **state)
{
	struct peer *p = peer_new();
	struct ua *u = ua_new((struct endpoint_manager_config){ .kind = NET_CLIENT },
		(struct endpoint_config){ .servers = &p->server,
			.server_count = 1,
			.transport = NET_TCP,
			.instance = STR(INSTANCE) });
	struct registration_config c = { .endpoint = u->ep,
		.expires = 77,
		.q = 500,
		.outbound = true,
		.on_event = heard_event,
		.arg = &u->heard };
	CLEANUP(buf_done) struct buf b = BUF_INIT(65536);
	struct sip_msg *m;
	unsigned status;
	struct fail f;
	struct op *o;

	(void)state;
	u->heard.quiet = true;
	assert_int_equal(registration_dry_run(&c, &b, &f), 0);
	u->heard.quiet = false;
	assert_int_equal(sip_msg_parse(buf_str(&b), NULL, &m, &f), 0);
	assert_int_equal(sip_msg_check(m, true, &status, &f), SIP_ACCEPT);
	assert_str(m->method_name, "REGISTER");
	assert_str(m->request_uri, "sip:example.test");
	assert_int_equal(msg_seconds(m, SIP_HDR_EXPIRES), 77);
	assert_int_equal(contacts_in(m), 1);
	assert_str(param_of(contact_of(m, 0), "reg-id"), "1");
	sip_msg_unref(m);
	rig_idle(30);
	assert_int_equal(p->count + p->accepted, 0);
	/* It leaves no trace: the real one may start. */
	p->hook = peer_registrar;
	o = op_register(u, (struct registration_config){ 0 });
	op_done(o, 200);
	op_end(o);
	ua_free(u);
	peer_free(p);
}

/* --- several endpoints on one manager
 * ------------------------------------------------------------------ */

static int second(struct ua *u, const char *aor, const char *epid, struct endpoint **out)
{
	struct endpoint_config c = { .manager = u->m,
		.aor = str_of(aor),
		.epid = str_of(epid),
		.on_event = heard_event,
		.arg = &u->heard };

	*out = NULL;
	return endpoint_new(&c, out, &u->why);
}

/* EP-32, CM-18 */
static void test_duplicates(void **state)
{
	struct ua *u = ua_manager((struct endpoint_manager_config){ .kind = NET_SERVER });
	struct endpoint *a, *b, *c, *d;

	(void)state;
	assert_int_equal(endpoint_manager_count(u->m), 0);
	assert_int_equal(second(u, "sip:alice@example.test", "", &a), 0);
	assert_int_equal(endpoint_manager_count(u->m), 1);
	assert_int_equal(second(u, "sip:alice@example.test", "", &b), -FAIL_STATE);
	assert_int_equal(second(u, "sip:alice@EXAMPLE.test", "", &b), -FAIL_STATE);
	assert_int_equal(second(u, "sip:%61lice@example.test", "", &b), -FAIL_STATE);
	assert_int_equal(endpoint_manager_count(u->m), 1);
	assert_int_equal(second(u, "sip:alice@example.test", "one", &b), 0); /* MPOP */
	assert_int_equal(second(u, "sip:alice@example.test", "one", &c), -FAIL_STATE);
	assert_int_equal(second(u, "sip:alice@example.test", "two", &c), 0);
	assert_int_equal(second(u, "sip:bob@example.test", "", &d), 0);
	assert_int_equal(endpoint_manager_count(u->m), 4);
	assert_str(endpoint_uri(d), "sip:bob@example.test");
	endpoint_free(b);
	assert_int_equal(endpoint_manager_count(u->m), 3);
	assert_int_equal(second(u, "sip:alice@example.test", "one", &b), 0);
	endpoint_free(a);
	endpoint_free(b);
	endpoint_free(c);
	endpoint_free(d);
	endpoint_free(NULL);
	assert_int_equal(endpoint_manager_count(u->m), 0);
	ua_free(u);
}

/* CM-02: endpoints of a client manager never share a connection; of a server manager they do. */
static void test_sharing(void **state)
{
	(void)state;
	for (int kind = NET_CLIENT; kind <= NET_SERVER; kind++) {
		struct peer *p = peer_new();
		struct ua *u = ua_manager((struct endpoint_manager_config){
			.kind = kind == NET_CLIENT ? NET_CLIENT : NET_SERVER,
			.net = { .pool_size = 1 } });
		struct endpoint *ep[3];
		struct op *o[3];
		p->hook = peer_registrar;
		for (unsigned i = 0; i < 3; i++) {
			char aor[64];
			struct endpoint_config c;
			snprintf(aor, sizeof(aor), "sip:user%u@example.test", i);
			c = (struct endpoint_config){ .manager = u->m,
				.aor = str_of(aor),
				.servers = &p->server,
				.server_count = 1,
				.transport = NET_TCP,
				.on_event = heard_event,
				.arg = &u->heard };
			assert_int_equal(endpoint_new(&c, &ep[i], NULL), 0);
		}
		for (unsigned i = 0; i < 3; i++) {
			o[i] = op_register(
				u, (struct registration_config){ .endpoint = ep[i], .keep = true });
			rig_wait(o[i]->heard.count[ENDPOINT_REGISTRATION], 1);
		}
		assert_int_equal(p->accepted, kind == NET_CLIENT ? 3 : 1);
		/* The loss of a shared connection is everybody's. */
		peer_drop(p, false);
		for (unsigned i = 0; i < 3; i++)
			rig_wait(o[i]->heard.count[ENDPOINT_REGISTRATION], 2);
		for (unsigned i = 0; i < 3; i++)
			op_free(o[i]);
		for (unsigned i = 0; i < 3; i++)
			endpoint_free(ep[i]);
		ua_free(u);
		peer_free(p);
	}
}

/* CM-19: with the manager its endpoints are dead, whatever they were doing. */
static void test_dead_manager(void **state)
{
	(void)state;
	for (int transport = NET_UDP; transport <= NET_TCP; transport++)
		for (unsigned passes = 0; passes < 12; passes++) {
			struct peer *p = peer_new(), *dns = peer_new();
			char name[] = "sip:name.invalid";
			struct str lost = str_of(name);
			struct endpoint_config ec = { .aor = STR("sip:carol@example.test"),
				.servers = &lost,
				.server_count = 1,
				.on_event = heard_event };
			struct endpoint *other;
			struct ua *u = ua_new((struct endpoint_manager_config){ .kind = NET_CLIENT,
						      .dns_servers = dns->server },
				(struct endpoint_config){ .servers = &p->server,
					.server_count = 1,
					.transport = transport,
					.max_outstanding = 4 });
			struct op *o[7];
			ec.manager = u->m;
			ec.arg = &u->heard;
			assert_int_equal(endpoint_new(&ec, &other, NULL), 0);
			p->hook = peer_registrar;
			o[0] = op_register(u, (struct registration_config){ .keep = true,
						      .keepalive = REGISTRATION_KEEPALIVE_OPTIONS,
						      .keepalive_ms = 1 });
			for (unsigned i = 1; i < 5; i++) /* the last ones wait for a place */
				o[i] = op_request(u, (struct request_config){ 0 });
			o[5] = op_request(
				u, (struct request_config){ .endpoint = other }); /* asks DNS */
			for (unsigned i = 0; i < passes; i++)
				ev_run(net_loop(), EVRUN_NOWAIT);
			u->heard.quiet = true;
			for (unsigned i = 0; i < 6; i++)
				o[i]->heard.quiet = true;
			endpoint_manager_free(u->m);
			u->m = NULL;
			rig_idle(10);
			o[6] = op_new();
			assert_true(
				op_try(u, o[6],
					(struct request_config){ .method = STR("OPTIONS") }) < 0);
			for (unsigned i = 0; i < 7; i++)
				op_free(o[i]);
			endpoint_free(other);
			ua_free(u);
			peer_free(p);
			peer_free(dns);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_written),
		cmocka_unit_test(test_contact_parameters),
		cmocka_unit_test(test_whole_contact),
		cmocka_unit_test(test_contact_of_listener),
		cmocka_unit_test(test_third_party),
		cmocka_unit_test(test_path_and_service_route),
		cmocka_unit_test(test_gruu),
		cmocka_unit_test(test_granted),
		cmocka_unit_test(test_granted_odd),
		cmocka_unit_test(test_many_bindings),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_423),
		cmocka_unit_test(test_challenged),
		cmocka_unit_test(test_unchallenging),
		cmocka_unit_test(test_auth_failures),
		cmocka_unit_test(test_query),
		cmocka_unit_test(test_remove),
		cmocka_unit_test(test_remove_refused),
		cmocka_unit_test(test_redirect),
		cmocka_unit_test(test_redirect_limit),
		cmocka_unit_test(test_redirect_and_challenge),
		cmocka_unit_test(test_failover),
		cmocka_unit_test(test_second_start),
		cmocka_unit_test(test_bad_configs),
		cmocka_unit_test(test_dry_run),
		cmocka_unit_test(test_duplicates),
		cmocka_unit_test(test_sharing),
		cmocka_unit_test(test_dead_manager),
	};

	net_loop();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
