/* tests/unit/test_serve.c -- the test server of lib/serve through raw messages over UDP and TCP:
 * its registrar and challenges. The proxy, rules, faults and orders are in test_serve_proxy.c. RFC
 * 3261 section 10 and 22, RFC 3327, 3608, 5626, 5627, 7616, 8760 */
#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "serve_rig.h"

/* --- binding -------------------------------------------------------------------------------------
 */

static void test_listeners(void **state)
{
	struct srv *v = srv_new((struct serve_config){ 0 });
	struct endpoint_hop a, b, none;
	char ta[NET_ADDR_TEXT], tb[NET_ADDR_TEXT];

	(void)state;
	/* Ruling 11: UDP and TCP on one free port of 127.0.0.1. */
	assert_true(serve_listener(v->s, 0, ta, &a));
	assert_true(serve_listener(v->s, 1, tb, &b));
	assert_false(serve_listener(v->s, 2, tb, &none));
	assert_string_equal(a.transport, "udp");
	assert_string_equal(b.transport, "tcp");
	assert_str(a.address, "127.0.0.1");
	assert_int_equal(a.port, b.port);
	assert_true(a.port > 0);
	assert_null(serve_cacert(v->s));
	srv_free(v);
}

static void test_bad_configs(void **state)
{
	static const struct str bad_listen[] = { { "udp", 3 }, { "", 0 },
		{ "sctp:127.0.0.1:0", 16 }, { "udp:localhost:0", 15 },
		{ "udp:127.0.0.1:99999", 19 }, { "tls:127.0.0.1:0", 15 } };
	static const struct str open_listen = { "udp:0.0.0.0:0", 13 };
	static const struct str bad_rule = { "REGISTER", 8 }, bad_fault = { "drop:101", 8 };
	struct serve_user alice = srv_user("alice", "secret");
	struct serve *s = NULL;
	struct fail f;
	struct srv *v;

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(bad_listen); i++) {
		f.text[0] = '\0';
		if (serve_new(&(struct serve_config){ .listen = &bad_listen[i], .listen_count = 1 },
			    false, &s, &f) >= 0)
			fail_msg("it listens at " STR_FMT, STR_ARG(bad_listen[i]));
		assert_true(f.text[0] != '\0');
	}
	assert_int_equal(serve_new(&(struct serve_config){ .replies = &bad_rule, .reply_count = 1 },
				 false, &s, &f),
		-FAIL_ARGUMENT);
	assert_int_equal(serve_new(&(struct serve_config){ .faults = &bad_fault, .fault_count = 1 },
				 false, &s, &f),
		-FAIL_ARGUMENT);
	assert_int_equal(
		serve_new(&(struct serve_config){ .domain = STR("not a domain") }, false, &s, &f),
		-FAIL_ARGUMENT);
	/* Beyond loopback only with users and a challenge, unless open. */
	assert_int_equal(
		serve_new(&(struct serve_config){ .listen = &open_listen, .listen_count = 1 },
			false, &s, &f),
		-FAIL_ARGUMENT);
	assert_int_equal(serve_new(&(struct serve_config){ .listen = &open_listen,
					   .listen_count = 1,
					   .users = &alice,
					   .user_count = 1 },
				 false, &s, &f),
		-FAIL_ARGUMENT);
	v = srv_new((struct serve_config){ .listen = &open_listen,
		.listen_count = 1,
		.users = &alice,
		.user_count = 1,
		.challenge = true });
	srv_free(v);
	assert_int_equal(
		serve_new(&(struct serve_config){ .listen = &open_listen, .listen_count = 1 }, true,
			&s, &f),
		0);
	serve_free(s);
	serve_free(NULL);
	/* A port that is taken. */
	{
		struct peer *p = peer_new();
		char taken[96];
		struct str uri;
		snprintf(taken, sizeof(taken), "tcp:%s", p->text);
		uri = str_of(taken);
		assert_int_equal(
			serve_new(&(struct serve_config){ .listen = &uri, .listen_count = 1 },
				false, &s, &f),
			-FAIL_LOCAL);
		peer_free(p);
	}
}

/* --- the registrar
 * ---------------------------------------------------------------------------------- */

static void registers_over(bool tcp)
{
	struct srv *v = srv_new((struct serve_config){ 0 });
	struct sip_msg *m;
	struct sip_nameaddr a;

	if (tcp)
		srv_over_tcp(v, v->p);
	m = srv_register(v, &(struct reg){ .expires = "600", .lines = "User-Agent: phone/1\r\n" });
	assert_int_equal(m->status, 200);
	assert_int_equal(contacts_in(m), 1);
	a = contact_at(m, 0);
	assert_str(a.uri.user, "alice");
	assert_int_equal(expires_at(m, 0), 600);
	assert_true(sip_msg_to_tag(m).n > 0);
	assert_int_equal(serve_bindings(v->s, STR("alice")), 1);
	assert_int_equal(serve_bindings(v->s, STR("bob")), 0);
	assert_string_equal(v->causes, "created");
	assert_int_equal(v->last_expires, 600);
	assert_string_equal(v->last_agent, "phone/1");
	assert_string_equal(v->last_aor, "sip:alice@test.invalid");

	/* Refreshed: the same binding. */
	m = srv_register(v, &(struct reg){ .expires = "700" });
	assert_int_equal(m->status, 200);
	assert_int_equal(expires_at(m, 0), 700);
	assert_int_equal(serve_bindings(v->s, STR("alice")), 1);
	assert_string_equal(v->causes, "created refreshed");
	/* Shorter, by the client's own wish ("shortened" of RFC 3680 is the registrar's). */
	srv_register(v, &(struct reg){ .expires = "100" });
	assert_string_equal(v->causes, "created refreshed refreshed");

	/* A query tells without touching. */
	m = srv_register(v, &(struct reg){ .no_contact = true });
	assert_int_equal(m->status, 200);
	assert_int_equal(contacts_in(m), 1);
	assert_between(expires_at(m, 0), 99, 100);
	assert_string_equal(v->causes, "created refreshed refreshed");

	/* The expires parameter wins over the header. */
	m = srv_register(v, &(struct reg){ .expires = "100", .params = ";expires=200" });
	assert_int_equal(expires_at(m, 0), 200);

	/* Removed. */
	m = srv_register(v, &(struct reg){ .expires = "0" });
	assert_int_equal(m->status, 200);
	assert_int_equal(contacts_in(m), 0);
	assert_int_equal(serve_bindings(v->s, STR("alice")), 0);
	assert_true(strstr(v->causes, "unregistered") != NULL);
	/* Once more: nothing there, no failure. */
	assert_int_equal(srv_register(v, &(struct reg){ .expires = "0" })->status, 200);
	srv_free(v);
}

static void test_registers(void **state)
{
	(void)state;
	registers_over(false);
	registers_over(true);
}

static void test_expires(void **state)
{
	struct srv *v = srv_new((struct serve_config){ .min_expires = 60, .max_expires = 1000 });
	struct sip_msg *m;

	(void)state;
	/* 10.3 step 6: too brief. */
	for (unsigned i = 1; i < 60; i += 29) {
		char text[16];
		snprintf(text, sizeof(text), "%u", i);
		m = srv_register(v, &(struct reg){ .expires = text });
		assert_int_equal(m->status, 423);
		assert_int_equal(msg_seconds(m, SIP_HDR_MIN_EXPIRES), 60);
		m = srv_register(v, &(struct reg){ .expires = "100", .params = ";expires=1" });
		assert_int_equal(m->status, 423);
	}
	assert_int_equal(serve_bindings(v->s, STR("alice")), 0);
	assert_int_equal(expires_at(srv_register(v, &(struct reg){ .expires = "60" }), 0), 60);
	/* No more than the most, also of what is huge; nothing said is a default within the limits.
	 */
	assert_int_equal(expires_at(srv_register(v, &(struct reg){ .expires = "1001" }), 0), 1000);
	assert_int_equal(
		expires_at(srv_register(v, &(struct reg){ .expires = "4294967295" }), 0), 1000);
	assert_between(expires_at(srv_register(v, &(struct reg){ 0 }), 0), 60, 1000);
	/* One Contact that is too brief: none is stored (10.3: all or nothing). */
	m = srv_register(v, &(struct reg){ .user = "bob",
				    .expires = "600",
				    .lines = "Contact: <sip:b@192.0.2.2>;expires=5\r\n" });
	assert_int_equal(m->status, 423);
	assert_int_equal(serve_bindings(v->s, STR("bob")), 0);
	srv_free(v);
}

static void test_expiry(void **state)
{
	struct srv *v = srv_new((struct serve_config){ .min_expires = 1 });

	(void)state;
	assert_int_equal(srv_register(v, &(struct reg){ .expires = "1" })->status, 200);
	assert_int_equal(
		srv_register(v, &(struct reg){ .user = "bob", .expires = "60" })->status, 200);
	assert_int_equal(serve_bindings(v->s, STR("alice")), 1);
	assert_true(rig_run(&v->bindings, 3, 1000 + PEER_LATE));
	assert_string_equal(v->causes, "created created expired");
	assert_string_equal(v->last_aor, "sip:alice@test.invalid");
	assert_int_equal(serve_bindings(v->s, STR("alice")), 0);
	assert_int_equal(serve_bindings(v->s, STR("bob")), 1);
	assert_int_equal(contacts_in(srv_register(v, &(struct reg){ .no_contact = true })), 0);
	srv_free(v);
}

/* 10.3 step 7: the order of CSeq within a Call-ID. */
static void test_cseq(void **state)
{
	struct srv *v = srv_new((struct serve_config){ 0 });
	struct sip_msg *m;

	(void)state;
	m = srv_register(
		v, &(struct reg){ .expires = "600", .call_id = "one", .cseq = "10 REGISTER" });
	assert_int_equal(m->status, 200);
	/* Lower and equal ones change nothing and fail. */
	m = srv_register(
		v, &(struct reg){ .expires = "700", .call_id = "one", .cseq = "9 REGISTER" });
	assert_true(m->status >= 400);
	m = srv_register(
		v, &(struct reg){ .expires = "700", .call_id = "one", .cseq = "10 REGISTER" });
	assert_true(m->status >= 400);
	m = srv_register(
		v, &(struct reg){ .expires = "0", .call_id = "one", .cseq = "5 REGISTER" });
	assert_true(m->status >= 400);
	m = srv_register(
		v, &(struct reg){
			   .star = true, .expires = "0", .call_id = "one", .cseq = "4 REGISTER" });
	assert_true(m->status >= 400);
	assert_int_equal(serve_bindings(v->s, STR("alice")), 1);
	m = srv_register(v, &(struct reg){ .no_contact = true });
	assert_between(expires_at(m, 0), 599, 600);
	/* Higher ones, and another Call-ID with any, do. */
	m = srv_register(
		v, &(struct reg){ .expires = "650", .call_id = "one", .cseq = "11 REGISTER" });
	assert_int_equal(m->status, 200);
	m = srv_register(
		v, &(struct reg){ .expires = "800", .call_id = "two", .cseq = "1 REGISTER" });
	assert_int_equal(m->status, 200);
	assert_int_equal(expires_at(m, 0), 800);
	assert_int_equal(serve_bindings(v->s, STR("alice")), 1);
	/* A query asks in no order. */
	m = srv_register(
		v, &(struct reg){ .no_contact = true, .call_id = "two", .cseq = "1 REGISTER" });
	assert_int_equal(m->status, 200);
	srv_free(v);
}

static void test_star(void **state)
{
	struct srv *v = srv_new((struct serve_config){ 0 });
	struct sip_msg *m;

	(void)state;
	srv_register(v, &(struct reg){ .expires = "600" });
	srv_register(v, &(struct reg){ .contact = "<sip:second@192.0.2.2>", .expires = "600" });
	srv_register(v, &(struct reg){ .contact = "<sip:third@192.0.2.3>", .expires = "600" });
	srv_register(v, &(struct reg){ .user = "bob", .expires = "600" });
	assert_int_equal(serve_bindings(v->s, STR("alice")), 3);
	/* 10.3 step 6: "*" with anything else is wrong. */
	assert_int_equal(
		srv_register(v, &(struct reg){ .star = true, .expires = "1" })->status, 400);
	assert_int_equal(srv_register(v, &(struct reg){ .star = true })->status, 400);
	assert_int_equal(srv_register(v, &(struct reg){ .star = true,
						 .expires = "0",
						 .lines = "Contact: <sip:x@192.0.2.1>\r\n" })
				 ->status,
		400);
	assert_int_equal(serve_bindings(v->s, STR("alice")), 3);
	m = srv_register(v, &(struct reg){ .star = true, .expires = "0" });
	assert_int_equal(m->status, 200);
	assert_int_equal(contacts_in(m), 0);
	assert_int_equal(serve_bindings(v->s, STR("alice")), 0);
	assert_int_equal(serve_bindings(v->s, STR("bob")), 1);
	srv_free(v);
}

/* Several Contacts in one request; what they say comes back; 19.1.4 says which are the same. */
static void test_several(void **state)
{
	struct srv *v = srv_new((struct serve_config){ 0 });
	struct sip_msg *m;
	unsigned q;

	(void)state;
	m = srv_register(
		v, &(struct reg){ .contact = "\"One\" <sip:one@192.0.2.1>;q=0.5;expires=100, "
					     "<sip:two@192.0.2.2;transport=tcp>;expires=200;x=y",
			   .lines = "Contact: <sip:three@192.0.2.3>;q=1\r\n",
			   .expires = "300" });
	assert_int_equal(m->status, 200);
	assert_int_equal(contacts_in(m), 3);
	assert_int_equal(serve_bindings(v->s, STR("alice")), 3);
	for (unsigned i = 0; i < 3; i++) {
		struct sip_nameaddr a = contact_at(m, i);
		struct str text;
		if (str_eq(a.uri.user, STR("one"))) {
			assert_int_equal(expires_at(m, i), 100);
			assert_true(sip_param(a.params, "q", &text) && sip_qvalue_parse(text, &q) &&
				    q == 500);
		} else if (str_eq(a.uri.user, STR("two"))) {
			assert_int_equal(expires_at(m, i), 200);
			assert_has(a.uri.text, ";transport=tcp");
		} else {
			assert_int_equal(expires_at(m, i), 300);
		}
	}
	/* Equal ones are one binding; different ones are not. */
	srv_register(v, &(struct reg){ .contact = "<sip:%6fne@192.0.2.1>", .expires = "400" });
	assert_int_equal(serve_bindings(v->s, STR("alice")), 3);
	srv_register(v, &(struct reg){ .contact = "<sip:ONE@192.0.2.1>", .expires = "400" });
	assert_int_equal(serve_bindings(v->s, STR("alice")), 4);
	srv_register(v, &(struct reg){ .contact = "<sip:one@192.0.2.1:5060>", .expires = "400" });
	assert_int_equal(serve_bindings(v->s, STR("alice")), 5);
	srv_register(v, &(struct reg){ .contact = "<sip:one@192.0.2.1>", .expires = "0" });
	assert_int_equal(serve_bindings(v->s, STR("alice")), 4);
	/* RFC 4475 3.1.1.4: %00 does not shorten a name. */
	srv_register(v, &(struct reg){ .user = "bob",
				.contact = "<sip:%00@host5.example.com>",
				.expires = "100" });
	srv_register(v, &(struct reg){ .user = "bob",
				.contact = "<sip:%00%00@host5.example.com>",
				.expires = "100" });
	assert_int_equal(serve_bindings(v->s, STR("bob")), 2);
	srv_free(v);
}

static void test_refused(void **state)
{
	struct serve_user alice = srv_user("alice", "secret");
	struct srv *v = srv_new((struct serve_config){ .users = &alice, .user_count = 1 });
	struct sip_msg *m;

	(void)state;
	/* 10.3 step 5: an address that is not in the domain. */
	assert_int_equal(
		srv_register(v, &(struct reg){ .user = "nobody", .expires = "60" })->status, 404);
	assert_int_equal(
		srv_register(v, &(struct reg){ .to = "<sip:alice@other.test>", .expires = "60" })
			->status,
		404);
	/* 10.3 step 2. */
	m = srv_register(v, &(struct reg){ .expires = "60", .lines = "Require: foo, path\r\n" });
	assert_int_equal(m->status, 420);
	assert_true(sip_msg_has_token(m, SIP_HDR_UNSUPPORTED, "foo"));
	assert_false(sip_msg_has_token(m, SIP_HDR_UNSUPPORTED, "path"));
	/* Malformed. */
	assert_int_equal(
		srv_register(v, &(struct reg){ .contact = "<sip:", .expires = "60" })->status, 400);
	assert_int_equal(
		srv_register(v, &(struct reg){ .contact = "nobody", .expires = "60" })->status,
		400);
	assert_int_equal(
		srv_register(v, &(struct reg){ .expires = "60", .cseq = "1 INVITE" })->status, 400);
	assert_int_equal(srv_register(v, &(struct reg){ .expires = "-1" })->status, 400);
	assert_int_equal(
		srv_register(v, &(struct reg){ .expires = "60", .to = "nobody" })->status, 400);
	/* Another scheme. */
	assert_int_equal(
		srv_register(v, &(struct reg){ .uri = "tel:+1555", .expires = "60" })->status, 416);
	assert_int_equal(serve_bindings(v->s, STR("alice")), 0);
	assert_int_equal(v->bindings, 0);
	srv_free(v);
}

/* A limit stands at every door. */
static void test_many(void **state)
{
	struct srv *v = srv_new((struct serve_config){ 0 });
	unsigned refused = 0;

	(void)state;
	for (unsigned i = 0; i < 300; i++) {
		char contact[64];
		struct sip_msg *m;
		snprintf(contact, sizeof(contact), "<sip:c%u@192.0.2.1>", i);
		m = srv_register(v, &(struct reg){ .contact = contact, .expires = "60" });
		refused += m->status >= 400;
	}
	assert_int_equal(serve_bindings(v->s, STR("alice")), 300 - refused);
	assert_int_equal(
		srv_register(v, &(struct reg){ .star = true, .expires = "0" })->status, 200);
	assert_int_equal(serve_bindings(v->s, STR("alice")), 0);
	srv_free(v);
}

/* RFC 3327 and 3608. */
static void test_path_and_service_route(void **state)
{
	struct srv *v = srv_new((struct serve_config){ .service_route = STR("sip:route.test;lr") });
	struct sip_msg *m =
		srv_register(v, &(struct reg){ .expires = "60",
					.lines = "Supported: path\r\nPath: <sip:p1.test;lr>\r\n"
						 "Path: <sip:p2.test;lr>, <sip:p3.test;lr>\r\n" });
	struct sip_list l;
	struct sip_nameaddr a;

	(void)state;
	assert_int_equal(m->status, 200);
	l = sip_msg_list(m, SIP_HDR_PATH);
	for (unsigned i = 0; i < 3; i++) {
		char uri[32];
		snprintf(uri, sizeof(uri), "sip:p%u.test;lr", i + 1);
		assert_true(sip_list_nameaddr(&l, &a));
		assert_str(a.uri.text, uri);
	}
	assert_false(sip_list_nameaddr(&l, &a));
	l = sip_msg_list(m, SIP_HDR_SERVICE_ROUTE);
	assert_true(sip_list_nameaddr(&l, &a));
	assert_str(a.uri.text, "sip:route.test;lr");
	srv_free(v);
}

/* RFC 5627: with an instance and Supported: gruu; the public one stays, temporary ones are new. */
static void test_gruu(void **state)
{
	struct srv *v = srv_new((struct serve_config){ 0 });
	struct reg r = { .expires = "60",
		.params = ";+sip.instance=\"<" SRV_INSTANCE ">\"",
		.lines = "Supported: gruu\r\n" };
	char pub[256], temp[256];
	struct sip_msg *m = srv_register(v, &r);
	struct sip_uri u;
	struct str gr;

	(void)state;
	assert_int_equal(m->status, 200);
	assert_true(param_at(m, 0, "pub-gruu", pub, sizeof(pub)));
	assert_true(param_at(m, 0, "temp-gruu", temp, sizeof(temp)));
	assert_true(sip_uri_parse(str_of(pub), &u));
	assert_str(u.user, "alice");
	assert_true(sip_uri_param(&u, "gr", &gr) && gr.n > 0);
	assert_true(sip_uri_parse(str_of(temp), &u));
	assert_true(sip_uri_param(&u, "gr", &gr));
	assert_lacks(str_of(temp), "alice"); /* it must not tell who */
	m = srv_register(v, &r);
	{
		char pub2[256], temp2[256];
		assert_true(param_at(m, 0, "pub-gruu", pub2, sizeof(pub2)));
		assert_true(param_at(m, 0, "temp-gruu", temp2, sizeof(temp2)));
		assert_string_equal(pub, pub2);
		assert_string_not_equal(temp, temp2);
	}
	/* Not unasked, not without an instance. */
	m = srv_register(v, &(struct reg){ .expires = "60",
				    .params = ";+sip.instance=\"<" SRV_INSTANCE ">\"" });
	assert_false(param_at(m, 0, "pub-gruu", pub, sizeof(pub)));
	m = srv_register(
		v, &(struct reg){ .user = "bob", .expires = "60", .lines = "Supported: gruu\r\n" });
	assert_false(param_at(m, 0, "pub-gruu", pub, sizeof(pub)));
	srv_free(v);
}

/* RFC 5626: a binding is its instance and reg-id, whatever its URI. */
static void test_outbound(void **state)
{
	struct srv *v = srv_new((struct serve_config){ 0 });
	struct reg one = { .expires = "60",
		.params = ";+sip.instance=\"<" SRV_INSTANCE ">\";reg-id=1",
		.lines = "Supported: path, outbound\r\n" };
	struct reg two = one, plain = one;
	struct sip_msg *m;

	(void)state;
	srv_over_tcp(v, v->p);
	m = srv_register(v, &one);
	assert_int_equal(m->status, 200);
	assert_true(sip_msg_has_token(m, SIP_HDR_REQUIRE, "outbound")); /* 6: MUST */
	two.params = ";+sip.instance=\"<" SRV_INSTANCE ">\";reg-id=2";
	assert_int_equal(srv_register(v, &two)->status, 200);
	assert_int_equal(serve_bindings(v->s, STR("alice")), 2);
	one.contact = "<sip:alice@192.0.2.77>"; /* another URI, the same flow id */
	m = srv_register(v, &one);
	assert_int_equal(serve_bindings(v->s, STR("alice")), 2);
	assert_int_equal(contacts_in(m), 2);
	/* Who does not support it, or names no instance, gets a plain binding. */
	plain.user = "bob";
	plain.lines = "Supported: path\r\n";
	m = srv_register(v, &plain);
	assert_int_equal(m->status, 200);
	assert_false(sip_msg_has_token(m, SIP_HDR_REQUIRE, "outbound"));
	plain.user = "carol";
	plain.lines = "Supported: outbound\r\n";
	plain.params = ";reg-id=1";
	m = srv_register(v, &plain);
	assert_false(sip_msg_has_token(m, SIP_HDR_REQUIRE, "outbound"));
	srv_free(v);
}

/* --- challenges
 * ------------------------------------------------------------------------------------------ */

static void test_challenge(void **state)
{
	static const char *const algorithms[] = { "SHA-512-256", "SHA-256", "MD5" };
	struct srv *v = srv_secure(0, 0);
	struct sip_msg *m = srv_register(v, &(struct reg){ .expires = "60" });
	struct srv_challenge c[8];
	unsigned n = srv_challenges(m, c, 8);

	(void)state;
	assert_int_equal(m->status, 401);
	/* RFC 8760: one each, the strongest first. */
	assert_int_equal(n, 3);
	for (unsigned i = 0; i < 3; i++) {
		assert_string_equal(c[i].algorithm, algorithms[i]);
		assert_string_equal(c[i].realm, "test.invalid");
		assert_true(strlen(c[i].nonce) >= 16);
		assert_true(strstr(c[i].qop, "auth") != NULL);
		assert_false(c[i].stale);
	}
	assert_int_equal(serve_bindings(v->s, STR("alice")), 0);
	srv_free(v);
}

static void test_algorithms(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3; i++)
		for (unsigned form = 0; form < 3; form++) { /* auth, auth-int, without qop */
			struct srv *v = srv_secure(0, 0);
			struct srv_challenge c[8];
			struct sip_msg *m = srv_register(v, &(struct reg){ .expires = "60" });
			struct answer a = { .user = "alice",
				.password = "secret",
				.qop = form == 0   ? "auth"
				       : form == 1 ? "auth-int"
						   : NULL };
			srv_challenges(m, c, 8);
			if (form == 1 && !strstr(c[i].qop, "auth-int")) {
				srv_free(v);
				continue;
			}
			a.challenge = &c[i];
			m = srv_register(v, &(struct reg){ .expires = "60", .answer = &a });
			if (m->status != 200)
				fail_msg("%s, form %u: %u", c[i].algorithm, form, m->status);
			assert_int_equal(serve_bindings(v->s, STR("alice")), 1);
			/* The same once more is a replay; with the next count it is fine. */
			if (form == 0) {
				m = srv_register(v, &(struct reg){ .expires = "70", .answer = &a });
				assert_int_equal(m->status, 401);
				a.nc = 2;
				m = srv_register(v, &(struct reg){ .expires = "80", .answer = &a });
				assert_int_equal(m->status, 200);
			}
			srv_free(v);
		}
}

/* Only what the configuration allows. */
static void test_digest_set(void **state)
{
	struct srv *v = srv_secure(1U << HASH_SHA256, 0);
	struct srv_challenge c[8];
	struct sip_msg *m = srv_register(v, &(struct reg){ .expires = "60" });
	struct answer a = { .user = "alice", .password = "secret", .qop = "auth", .challenge = c };

	(void)state;
	assert_int_equal(srv_challenges(m, c, 8), 1);
	assert_string_equal(c[0].algorithm, "SHA-256");
	snprintf(c[0].algorithm, sizeof(c[0].algorithm),
		"MD5"); /* a weaker one of the client's own */
	m = srv_register(v, &(struct reg){ .expires = "60", .answer = &a });
	assert_true(m->status == 401 || m->status == 400);
	assert_int_equal(serve_bindings(v->s, STR("alice")), 0);
	srv_free(v);
}

static void test_wrong_answers(void **state)
{
	struct srv *v = srv_secure(0, 0);
	struct srv_challenge c[8];
	struct sip_msg *m = srv_register(v, &(struct reg){ .expires = "60" });
	struct answer a = { .user = "alice", .password = "wrong", .qop = "auth", .challenge = c };

	(void)state;
	srv_challenges(m, c, 8);
	/* The password. */
	m = srv_register(v, &(struct reg){ .expires = "60", .answer = &a });
	assert_int_equal(m->status, 401);
	assert_int_equal(srv_challenges(m, c + 3, 3), 3);
	assert_false(c[3].stale);
	a.password = "secret";
	/* Another's name, another method. (Another URI is no failure in SIP: RFC 3261 22.4.) */
	a.user = "alicia";
	assert_int_equal(
		srv_register(v, &(struct reg){ .expires = "60", .answer = &a })->status, 401);
	a.user = "alice";
	a.method = "OPTIONS";
	assert_int_equal(
		srv_register(v, &(struct reg){ .expires = "60", .answer = &a })->status, 401);
	a.method = NULL;
	/* A nonce that is not ours, another realm. */
	{
		struct srv_challenge other = c[0];
		other.nonce[3] ^= 1;
		a.challenge = &other;
		assert_int_equal(
			srv_register(v, &(struct reg){ .expires = "60", .answer = &a })->status,
			401);
		other = c[0];
		snprintf(other.realm, sizeof(other.realm), "elsewhere");
		assert_int_equal(
			srv_register(v, &(struct reg){ .expires = "60", .answer = &a })->status,
			401);
		a.challenge = c;
	}
	/* Malformed credentials, other schemes, several of them. */
	m = srv_register(v, &(struct reg){ .expires = "60",
				    .lines = "Authorization: Digest username=\"alice\r\n" });
	assert_true(m->status == 400 || m->status == 401);
	m = srv_register(
		v, &(struct reg){ .expires = "60", .lines = "Authorization: Basic YTpi\r\n" });
	assert_true(m->status == 400 || m->status == 401);
	m = srv_register(
		v, &(struct reg){ .expires = "60",
			   .answer = &a,
			   .lines = "Authorization: NoOneKnowsThisScheme opaque-data=here\r\n" });
	assert_int_equal(m->status, 200);
	assert_int_equal(serve_bindings(v->s, STR("alice")), 1);
	srv_free(v);
}

/* 403: somebody else's address, with one's own good password. */
static void test_forbidden(void **state)
{
	struct srv *v = srv_secure(0, 0);
	struct srv_challenge c[8];
	struct sip_msg *m = srv_register(v, &(struct reg){ .user = "bob", .expires = "60" });
	struct answer a = { .user = "alice", .password = "secret", .qop = "auth", .challenge = c };

	(void)state;
	srv_challenges(m, c, 8);
	m = srv_register(v, &(struct reg){ .user = "bob", .expires = "60", .answer = &a });
	assert_int_equal(m->status, 403);
	assert_int_equal(serve_bindings(v->s, STR("bob")), 0);
	srv_free(v);
}

/* A80: who does not exist is not told from who does. */
static void test_unknown_user(void **state)
{
	struct srv *v = srv_secure(0, 0);
	struct srv_challenge c[8];
	struct sip_msg *known[2], *unknown[2];
	struct answer a = { .user = "alice", .password = "wrong", .qop = "auth", .challenge = c };

	(void)state;
	known[0] = srv_register(v, &(struct reg){ .expires = "60" });
	unknown[0] = srv_register(v, &(struct reg){ .user = "nobody", .expires = "60" });
	srv_challenges(known[0], c, 8);
	known[1] = srv_register(v, &(struct reg){ .expires = "60", .answer = &a });
	a.user = "nobody";
	unknown[1] =
		srv_register(v, &(struct reg){ .user = "nobody", .expires = "60", .answer = &a });
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(known[i]->status, 401);
		assert_int_equal(unknown[i]->status, 401);
		assert_true(str_eq(known[i]->reason, unknown[i]->reason));
		assert_int_equal(known[i]->hdr_count, unknown[i]->hdr_count);
		for (unsigned h = 0; h < known[i]->hdr_count; h++) {
			assert_true(str_eq(known[i]->hdrs[h].name, unknown[i]->hdrs[h].name));
			if (known[i]->hdrs[h].id == SIP_HDR_WWW_AUTHENTICATE)
				assert_int_equal(
					known[i]->hdrs[h].value.n, unknown[i]->hdrs[h].value.n);
		}
	}
	srv_free(v);
}

static void test_stale(void **state)
{
	struct srv *v = srv_secure(0, 80);
	struct srv_challenge c[8];
	struct sip_msg *m = srv_register(v, &(struct reg){ .expires = "60" });
	struct answer a = { .user = "alice", .password = "secret", .qop = "auth", .challenge = c };

	(void)state;
	srv_challenges(m, c, 8);
	assert_int_equal(
		srv_register(v, &(struct reg){ .expires = "60", .answer = &a })->status, 200);
	rig_idle(120);
	a.nc = 2;
	m = srv_register(v, &(struct reg){ .expires = "60", .answer = &a });
	assert_int_equal(m->status, 401);
	assert_int_equal(srv_challenges(m, c, 8), 3);
	assert_true(c[0].stale);
	a.nc = 1;
	assert_int_equal(
		srv_register(v, &(struct reg){ .expires = "60", .answer = &a })->status, 200);
	/* With the wrong password an old nonce is not called stale. */
	rig_idle(120);
	a.password = "wrong";
	a.nc = 2;
	m = srv_register(v, &(struct reg){ .expires = "60", .answer = &a });
	assert_int_equal(m->status, 401);
	srv_challenges(m, c, 8);
	srv_free(v);
}

static void test_ha1(void **state)
{
	struct serve_user u = { .name = STR("alice"),
		.secret = { .kind = CRED_HA1, .ha1_alg = HASH_MD5 } };
	char ha1[AUTH_DIGEST_HEX];
	struct srv_challenge c[8];
	struct sip_msg *m;
	struct srv *v;
	struct answer a = { .user = "alice", .password = "secret", .qop = "auth", .challenge = c };
	unsigned n, md5;

	(void)state;
	auth_digest_ha1(AUTH_MD5, STR("alice"), STR("test.invalid"), STR("secret"), ha1);
	u.secret.secret = str_of(ha1);
	v = srv_new((struct serve_config){ .users = &u, .user_count = 1, .challenge = true });
	m = srv_register(v, &(struct reg){ .expires = "60" });
	n = srv_challenges(m, c, 8);
	for (md5 = 0; md5 < n && strcmp(c[md5].algorithm, "MD5") != 0; md5++)
		;
	assert_true(md5 < n);
	a.challenge = &c[md5];
	assert_int_equal(
		srv_register(v, &(struct reg){ .expires = "60", .answer = &a })->status, 200);
	srv_free(v);
}

/* --- with the library's own client
 * ------------------------------------------------------------------------- */

static void test_with_registration(void **state)
{
	(void)state;
	for (int transport = NET_UDP; transport <= NET_TCP; transport++)
		for (unsigned digest = 0; digest < 4; digest++) {
			static const unsigned sets[] = { 0, 1U << HASH_MD5, 1U << HASH_SHA256,
				1U << HASH_SHA512_256 };
			struct srv *v = srv_secure(0, 0);
			struct cred_store *creds = rig_creds("secret");
			struct str server = str_of(v->text);
			struct ua *u = ua_new(
				(struct endpoint_manager_config){ .kind = NET_CLIENT },
				(struct endpoint_config){ .aor = STR("sip:alice@test.invalid"),
					.servers = &server,
					.server_count = 1,
					.transport = transport,
					.instance = STR(SRV_INSTANCE),
					.auth = { .creds = creds, .digest = sets[digest] } });
			struct op *o = op_register(u, (struct registration_config){ .keep = true,
							      .gruu = true,
							      .outbound = true,
							      .reject_unchallenged = true });
			u->creds = creds;
			rig_wait(o->heard.count[ENDPOINT_REGISTRATION], 1);
			assert_true(o->heard.active);
			assert_true(o->heard.pub_gruu[0] && o->heard.temp_gruu[0]);
			assert_true(o->heard.outbound);
			assert_int_equal(serve_bindings(v->s, STR("alice")), 1);
			assert_int_equal(registration_refresh(o->reg), 0);
			rig_wait(o->heard.count[ENDPOINT_REGISTRATION], 2);
			assert_int_equal(serve_bindings(v->s, STR("alice")), 1);
			/* An order that drops its flow: over TCP it comes back at once. */
			assert_int_equal(serve_order(v->s, STR("drop alice"), NULL), 0);
			if (transport == NET_TCP)
				rig_wait(o->heard.count[ENDPOINT_REGISTRATION], 3);
			registration_stop(o->reg);
			op_wait(o);
			assert_int_equal(o->heard.final, ENDPOINT_CLOSED);
			assert_int_equal(o->heard.fail.code, 0);
			assert_int_equal(serve_bindings(v->s, STR("alice")), 0);
			op_end(o);
			ua_free(u);
			srv_free(v);
		}
}

/* Freed at any moment. */
static void test_free_at_any_pass(void **state)
{
	(void)state;
	for (int passes = 0; passes < 12; passes++) {
		struct srv *v = srv_secure(0, 0);
		CLEANUP(buf_done) struct buf b = BUF_INIT(65536);
		srv_register(v, &(struct reg){ .expires = "60" });
		for (int i = 0; i < 4; i++) {
			asked++;
			peer_ask_write(&b, v->p, 0,
				&(struct ask){ .method = i % 2 ? "OPTIONS" : "MESSAGE",
					.uri = "sip:alice@test.invalid",
					.to = "<sip:alice@test.invalid>" });
			peer_send_to(v->p, &v->udp, 0, buf_str(&b));
			buf_clear(&b);
		}
		for (int i = 0; i < passes; i++)
			ev_run(net_loop(), EVRUN_NOWAIT);
		srv_free(v);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_listeners),
		cmocka_unit_test(test_bad_configs),
		cmocka_unit_test(test_registers),
		cmocka_unit_test(test_expires),
		cmocka_unit_test(test_expiry),
		cmocka_unit_test(test_cseq),
		cmocka_unit_test(test_star),
		cmocka_unit_test(test_several),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_path_and_service_route),
		cmocka_unit_test(test_gruu),
		cmocka_unit_test(test_outbound),
		cmocka_unit_test(test_challenge),
		cmocka_unit_test(test_algorithms),
		cmocka_unit_test(test_digest_set),
		cmocka_unit_test(test_wrong_answers),
		cmocka_unit_test(test_forbidden),
		cmocka_unit_test(test_unknown_user),
		cmocka_unit_test(test_stale),
		cmocka_unit_test(test_ha1),
		cmocka_unit_test(test_with_registration),
		cmocka_unit_test(test_free_at_any_pass),
	};

	net_loop();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
