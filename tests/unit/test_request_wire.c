/* tests/unit/test_request_wire.c -- requests of lib/endpoint on the wire: forged and odd responses,
 * large requests, what is written into a message and what is refused */
#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "peer_rig.h"

/* --- forged responses, A59 ----------------------------------------------------------------------
 */

static unsigned unexpected;

static void on_trace(void *arg, const struct trace_event *ev)
{
	(void)arg;
	if (ev->kind == TRACE_MSG_IN && ev->unexpected)
		unexpected++;
}

static const struct trace forged_trace = { .fn = on_trace, .mask = 1U << TRACE_MSG_IN };

struct forgery {
	const char *name, *old, *new; /* the first `old` of the right response becomes `new` */
};

static void text_replace(struct buf *out, struct str s, const char *old, const char *new)
{
	const char *at = memmem(s.p, s.n, old, strlen(old));

	assert_non_null(at);
	buf_add(out, s.p, (size_t)(at - s.p));
	buf_add_str(out, str_of(new));
	at += strlen(old);
	buf_add(out, at, (size_t)(s.p + s.n - at));
}

static void forge(struct peer *p, const struct peer_got *g)
{
	const struct forgery *f = p->hook_arg;
	CLEANUP(buf_done) struct buf right = BUF_INIT(65536);
	CLEANUP(buf_done) struct buf wrong = BUF_INIT(65536);

	if (p->requests > 1 || g->again)
		return;
	peer_response(&right, p, g, 200, NULL);
	text_replace(&wrong, buf_str(&right), f->old, f->new);
	peer_send(p, g, buf_str(&wrong));
	peer_reply_later(p, g, 204, NULL, 40, false);
}

static void test_forged(void **state)
{
	static const struct forgery forgeries[] = {
		{ "a second Via", "From:", "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx\r\nFrom:" },
		{ "a second Via in one line", ";branch=", ";x, SIP/2.0/UDP 192.0.2.1;branch=" },
		{ "no Via", "Via:", "X-Via:" },
		{ "another Call-ID", "Call-ID: ", "Call-ID: x" },
		{ "no Call-ID", "Call-ID: ", "X-Call-ID: " },
		{ "another method", " OPTIONS\r\n", " MESSAGE\r\n" },
		{ "the method in lower case", " OPTIONS\r\n", " options\r\n" },
		{ "another branch", "branch=z9hG4bK", "branch=z9hG4bKx" },
		{ "another sent-by host", "127.0.0.1:", "127.0.0.9:" },
		{ "another sent-by port", "127.0.0.1:", "127.0.0.1:1" },
		{ "status 700", "SIP/2.0 200", "SIP/2.0 700" },
		{ "status 099", "SIP/2.0 200", "SIP/2.0 099" },
		{ "a status of 64 bits", "SIP/2.0 200", "SIP/2.0 4294967496" },
		{ "status 2000", "SIP/2.0 200", "SIP/2.0 2000" },
		{ "another version", "SIP/2.0 200", "SIP/3.0 200" },
		{ "no CSeq", "CSeq:", "X-CSeq:" },
		{ "a CSeq that is no number", "CSeq: 1", "CSeq: one" },
		{ "a Content-Length beyond the end", "Content-Length: 0", "Content-Length: 100" },
		{ "no Content-Length value", "Content-Length: 0", "Content-Length: x" },
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(forgeries); i++) {
		struct peer *p = peer_new();
		struct ua *u = ua_new((struct endpoint_manager_config){ .kind = NET_CLIENT,
					      .timers = rig_timers(200),
					      .trace = &forged_trace },
			(struct endpoint_config){ .servers = &p->server, .server_count = 1 });
		struct op *o;
		p->hook = forge;
		p->hook_arg = (void *)(uintptr_t)&forgeries[i];
		unexpected = 0;
		o = op_request(u, (struct request_config){ 0 });
		op_wait(o);
		if (o->heard.status != 204)
			fail_msg("taken: %s (%u, %s)", forgeries[i].name, o->heard.status,
				fail_show(&o->heard.fail));
		if (unexpected != 1)
			fail_msg("not traced as unexpected: %s", forgeries[i].name);
		assert_int_equal(u->heard.count[ENDPOINT_RESPONSE], 1);
		op_end(o);
		ua_free(u);
		peer_free(p);
	}
}

/* What tells nothing about the transaction may differ. */
static void test_tolerated(void **state)
{
	static const struct forgery others[] = {
		{ "another CSeq number", "CSeq: 1", "CSeq: 01" },
		{ "no To tag", ";tag=peer", "" },
		{ "compact names", "Via:", "v:" },
		{ "no received", ";received=127.0.0.1", "" },
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(others); i++) {
		struct peer *p = peer_new();
		struct ua *u = ua_new((struct endpoint_manager_config){ .kind = NET_CLIENT,
					      .timers = rig_timers(200) },
			(struct endpoint_config){ .servers = &p->server, .server_count = 1 });
		struct op *o;
		p->hook = forge;
		p->hook_arg = (void *)(uintptr_t)&others[i];
		o = op_request(u, (struct request_config){ 0 });
		op_wait(o);
		if (o->heard.status != 200)
			fail_msg("not taken: %s (%u)", others[i].name, o->heard.status);
		op_end(o);
		ua_free(u);
		peer_free(p);
	}
}

/* Ruling 7: the source address of a response may differ. */
static void answer_elsewhere(struct peer *p, const struct peer_got *g)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(65536);

	peer_response(&b, p, g, 200, NULL);
	peer_send_to(p->hook_arg, &g->from, 0, buf_str(&b));
}

static void test_other_source(void **state)
{
	struct peer *p, *q;

	(void)state;
	for (int kind = 0; kind < 2; kind++) {
		struct ua *u = ua_manager((struct endpoint_manager_config){ .kind = NET_SERVER });
		struct op *o;
		char target[96];
		peer_pair(&p, &q);
		p->hook = answer_elsewhere;
		p->hook_arg = q; /* the same port of another address */
		assert_int_equal(endpoint_manager_listen(u->m, STR("udp:127.0.0.1:0"), NULL), 0);
		assert_int_equal(
			ua_endpoint(
				u, (struct endpoint_config){ .kind = kind ? ENDPOINT_PEER_TO_PEER
									  : ENDPOINT_SERVER_BASED,
					   .servers = &p->server,
					   .server_count = kind ? 0 : 1 }),
			0);
		snprintf(target, sizeof(target), "sip:bob@%s", p->text);
		o = op_request(u, (struct request_config){ .target = str_of(target) });
		op_done(o, 200);
		op_end(o);
		ua_free(u);
		peer_free(p);
		peer_free(q);
	}
}

/* Bytes that are no SIP at all do no harm. */
static void answer_junk(struct peer *p, const struct peer_got *g)
{
	static const char *const junk[] = { "", "x", "\r\n\r\n", "SIP/2.0",
		"SIP/2.0 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n", "\x16\x03\x01\x02",
		"OPTIONS" };

	for (unsigned i = 0; i < ARRAY_LEN(junk); i++)
		peer_send(p, g, str_of(junk[i]));
	peer_reply(p, g, 200, NULL);
}

static void test_junk(void **state)
{
	struct peer *p = peer_new();
	struct ua *u = ua_at(p, NET_UDP);
	struct op *o;

	(void)state;
	p->hook = answer_junk;
	o = op_request(u, (struct request_config){ 0 });
	op_done(o, 200);
	op_end(o);
	ua_free(u);

	/* On a stream it ends the connection, and the request with it. */
	u = ua_at(p, NET_TCP);
	o = op_request(u, (struct request_config){ 0 });
	op_wait(o);
	assert_int_equal(o->heard.final, ENDPOINT_FAILED);
	assert_between(op_ms(o), 0, 1000);
	op_end(o);
	ua_free(u);
	peer_free(p);
}

/* A response in two segments, two responses in one, and byte by byte. */
static void answer_split(struct peer *p, const struct peer_got *g)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(65536);

	peer_response(&b, p, g, 180, NULL);
	peer_response(&b, p, g, 200, NULL);
	for (size_t i = 0; i < b.n; i++) {
		peer_send(p, g, (struct str){ b.p + i, 1 });
		if (i % 7 == 0)
			usleep(50);
	}
}

static void test_split_stream(void **state)
{
	struct peer *p = peer_new();
	struct ua *u = ua_at(p, NET_TCP);
	struct op *o;

	(void)state;
	p->hook = answer_split;
	o = op_request(u, (struct request_config){ 0 });
	op_done(o, 200);
	assert_int_equal(u->heard.count[ENDPOINT_RESPONSE], 2);
	op_end(o);
	ua_free(u);
	peer_free(p);
}

/* --- large requests, RFC 3261 18.1.1 and ruling 3 ------------------------------------------------
 */

static char large[4000];

static struct op *send_large(struct ua *u, size_t n, const char *target)
{
	memset(large, 'x', sizeof(large));
	return op_request(u, (struct request_config){ .method = STR("MESSAGE"),
				     .target = target ? str_of(target) : (struct str){ 0 },
				     .body = { large, n },
				     .type = STR("text/plain") });
}

static void test_large(void **state)
{
	struct peer *p = peer_new();
	struct ua *u = ua_new((struct endpoint_manager_config){ .kind = NET_CLIENT },
		(struct endpoint_config){
			.servers = &p->server, .server_count = 1, .transport = -1 });
	struct op *o;
	unsigned fixed;

	(void)state;
	peer_script(p, STEPS({ 200 }));
	o = send_large(u, 500, NULL);
	op_done(o, 200);
	assert_int_equal(peer_last(p)->transport, NET_UDP);
	fixed = peer_last(p)->bytes - 500;
	op_end(o);
	/* 1300 bytes are fine, one more is not. */
	o = send_large(u, 1300 - fixed, NULL);
	op_done(o, 200);
	assert_int_equal(peer_last(p)->bytes, 1300);
	assert_int_equal(peer_last(p)->transport, NET_UDP);
	op_end(o);
	o = send_large(u, 1301 - fixed, NULL);
	op_done(o, 200);
	assert_int_equal(peer_last(p)->transport, NET_TCP);
	assert_str(msg_via(peer_last(p)->msg).transport, "TCP");
	op_end(o);
	/* Small ones stay on UDP. */
	o = send_large(u, 10, NULL);
	op_done(o, 200);
	assert_int_equal(peer_last(p)->transport, NET_UDP);
	op_end(o);
	/* Back to UDP if TCP is refused. */
	peer_close_tcp(p);
	rig_idle(20);
	o = send_large(u, 2000, NULL);
	op_done(o, 200);
	assert_between(op_ms(o), 0, 1000);
	assert_int_equal(peer_last(p)->transport, NET_UDP);
	assert_str(msg_via(peer_last(p)->msg).transport, "UDP");
	op_end(o);
	ua_free(u);
	peer_free(p);
}

static void test_large_udp_only(void **state)
{
	struct peer *p = peer_new();
	struct ua *u = ua_new((struct endpoint_manager_config){ .kind = NET_CLIENT },
		(struct endpoint_config){ .servers = &p->server,
			.server_count = 1,
			.transport = NET_UDP,
			.udp_only = true });
	struct op *o;

	(void)state;
	peer_script(p, STEPS({ 200 }));
	o = send_large(u, 3000, NULL);
	op_done(o, 200);
	assert_int_equal(peer_last(p)->transport, NET_UDP);
	assert_int_equal(p->accepted, 0);
	op_end(o);
	ua_free(u);
	peer_free(p);
}

static void test_large_p2p(void **state)
{
	struct peer *p = peer_new();
	struct ua *u = ua_p2p(-1);
	char target[96];
	struct op *o;

	(void)state;
	snprintf(target, sizeof(target), "sip:bob@%s", p->text);
	peer_script(p, STEPS({ 200 }));
	o = send_large(u, 2000, target);
	op_done(o, 200);
	assert_int_equal(peer_last(p)->transport, NET_TCP);
	op_end(o);
	peer_close_tcp(p);
	rig_idle(20);
	o = send_large(u, 2000, target);
	op_done(o, 200);
	assert_int_equal(peer_last(p)->transport, NET_UDP);
	op_end(o);
	/* Nobody at all: one failure, quickly. */
	peer_close_udp(p);
	o = send_large(u, 2000, target);
	op_failed(o, FAIL_CONNECT, 0);
	assert_between(op_ms(o), 0, 1000);
	op_end(o);
	ua_free(u);
	peer_free(p);
}

/* --- what is written -----------------------------------------------------------------------------
 */

/* Sends one and gives it back, checked by our own receiver. */
static struct sip_msg *sent_by(struct peer *p, struct ua *u, struct request_config c)
{
	struct op *o;
	struct sip_msg *m;
	unsigned status;
	struct fail f;

	peer_script(p, STEPS({ 200 }));
	o = op_request(u, c);
	op_done(o, 200);
	op_end(o);
	m = peer_last(p)->msg;
	if (sip_msg_check(m, peer_last(p)->transport == NET_UDP, &status, &f) != SIP_ACCEPT)
		fail_msg("we sent what we refuse: %s", f.text);
	return m;
}

static struct sip_nameaddr from_of(const struct sip_msg *m)
{
	struct sip_nameaddr a;

	assert_true(sip_msg_from(m, &a));
	return a;
}

static struct sip_nameaddr to_of(const struct sip_msg *m)
{
	struct sip_nameaddr a;

	assert_true(sip_msg_to(m, &a));
	return a;
}

static void written_over(int transport)
{
	struct peer *p = peer_new();
	struct ua *u = ua_new((struct endpoint_manager_config){ .kind = NET_CLIENT },
		(struct endpoint_config){ .servers = &p->server,
			.server_count = 1,
			.transport = transport,
			.epid = STR("01ab23cd45"),
			.display_name = STR("Alice \"A\" \\ B"),
			.user_agent = STR("probe/1 (test)") });
	struct sip_msg *m, *n;
	struct sip_nameaddr a;
	struct sip_via v;
	struct str epid;
	CLEANUP(buf_done) struct buf name = BUF_INIT(256);

	m = sent_by(
		p, u, (struct request_config){ .target = STR("sip:bob@example.test;user=phone") });
	assert_str(m->method_name, "OPTIONS");
	assert_str(m->request_uri, "sip:bob@example.test;user=phone");
	v = msg_via(m);
	assert_str(v.transport, transport == NET_UDP ? "UDP" : "TCP");
	assert_str(v.host, "127.0.0.1");
	assert_int_equal(v.port, net_addr_port(&peer_last(p)->from)); /* the real one */
	assert_true(v.has_rport);
	assert_true(sip_via_cookie(&v) && v.branch.n >= 7 + 16);
	assert_int_equal(msg_count(m, SIP_HDR_VIA), 1);
	a = from_of(m);
	assert_str(a.uri.text, "sip:alice@example.test");
	assert_true(a.quoted);
	sip_unquote(&name, a.display);
	assert_string_equal(buf_cstr(&name), "Alice \"A\" \\ B");
	assert_true(a.tag.n >= 8); /* 19.3: at least 32 bits of randomness */
	assert_true(sip_param(a.params, "epid", &epid));
	assert_str(epid, "01ab23cd45");
	a = to_of(m);
	assert_str(a.uri.text, "sip:bob@example.test;user=phone");
	assert_int_equal(a.tag.n, 0);
	assert_int_equal(a.display.n, 0);
	assert_str(sip_msg_value(m, SIP_HDR_CSEQ), "1 OPTIONS");
	assert_str(sip_msg_value(m, SIP_HDR_MAX_FORWARDS), "70");
	assert_str(sip_msg_value(m, SIP_HDR_CONTENT_LENGTH), "0");
	assert_true(str_starts(sip_msg_value(m, SIP_HDR_USER_AGENT), STR("rte/")));
	assert_true(str_ends(sip_msg_value(m, SIP_HDR_USER_AGENT), STR(" probe/1 (test)")));
	assert_true(sip_msg_call_id(m).n >= 16);
	assert_null(sip_msg_hdr(m, SIP_HDR_ROUTE)); /* ruling 1 */
	assert_null(sip_msg_hdr(m, SIP_HDR_AUTHORIZATION));
	assert_null(sip_msg_hdr(m, SIP_HDR_EXPIRES));

	/* Nothing of one request is found in another. */
	n = sent_by(p, u, (struct request_config){ 0 });
	assert_false(str_eq(sip_msg_call_id(m), sip_msg_call_id(n)));
	assert_false(str_eq(sip_msg_from_tag(m), sip_msg_from_tag(n)));
	assert_false(str_eq(msg_via(m).branch, msg_via(n).branch));
	assert_int_equal(msg_cseq(n), 1);

	m = sent_by(p, u,
		(struct request_config){ .method = STR("MESSAGE"),
			.body = STR("two\r\nlines"),
			.type = STR("text/plain;charset=utf-8") });
	assert_str(m->body, "two\r\nlines");
	assert_str(sip_msg_value(m, SIP_HDR_CONTENT_LENGTH), "10");
	assert_str(sip_msg_value(m, SIP_HDR_CONTENT_TYPE), "text/plain;charset=utf-8");
	ua_free(u);
	peer_free(p);
}

static void test_written(void **state)
{
	(void)state;
	written_over(NET_UDP);
	written_over(NET_TCP);
}

static void test_from_and_to(void **state)
{
	struct peer *p = peer_new();
	struct ua *u = ua_new((struct endpoint_manager_config){ .kind = NET_CLIENT },
		(struct endpoint_config){ .servers = &p->server,
			.server_count = 1,
			.display_name = STR("Not shown"),
			.from = STR("\"Carol C\" <sip:carol@other.test;x=y>") });
	struct sip_msg *m = sent_by(p, u, (struct request_config){ 0 });
	struct sip_nameaddr a = from_of(m);

	(void)state;
	assert_str(a.uri.text, "sip:carol@other.test;x=y"); /* EP-34 */
	assert_str(a.display, "Carol C");
	assert_true(a.tag.n > 0);
	m = sent_by(p, u,
		(struct request_config){ .from = STR("sip:dave@third.test"),
			.to = STR("\"Erin\" <sip:erin@fourth.test>;p=1"),
			.from_tag = STR("mytag"),
			.call_id = STR("mycall@here") });
	assert_str(from_of(m).uri.text, "sip:dave@third.test");
	assert_str(from_of(m).tag, "mytag");
	assert_str(sip_msg_call_id(m), "mycall@here");
	assert_str(to_of(m).uri.text, "sip:erin@fourth.test");
	assert_str(to_of(m).display, "Erin");
	assert_str(m->request_uri, "sip:bob@example.test");
	m = sent_by(p, u, (struct request_config){ .to = STR("sip:erin@fourth.test;user=phone") });
	assert_str(to_of(m).uri.text, "sip:erin@fourth.test;user=phone");
	ua_free(u);
	peer_free(p);
}

/* Odd but legal display names come through whole; UTF-8 as it is. */
static void test_display_names(void **state)
{
	static const char *const names[] = { "a", "a b", "\"", "\\", "a\\", "<sip:x@y>", "a,b;c=d",
		"J\xc3\xbcrgen \xe6\x97\xa5", " lead and trail ", "\t" };
	struct peer *p = peer_new();

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
		struct ua *u = ua_new((struct endpoint_manager_config){ .kind = NET_CLIENT },
			(struct endpoint_config){ .servers = &p->server,
				.server_count = 1,
				.display_name = str_of(names[i]) });
		struct sip_msg *m = sent_by(p, u, (struct request_config){ 0 });
		CLEANUP(buf_done) struct buf name = BUF_INIT(256);
		sip_unquote(&name, from_of(m).display);
		assert_string_equal(buf_cstr(&name), names[i]);
		assert_str(from_of(m).uri.text, "sip:alice@example.test");
		ua_free(u);
	}
	peer_free(p);
}

/* Ruling 10: nobody in particular is rte at the host of the server, peer to peer at our own. */
static void test_no_aor(void **state)
{
	struct peer *p = peer_new();
	struct ua *u = ua_manager((struct endpoint_manager_config){ .kind = NET_SERVER });
	struct endpoint_config ec = { .manager = u->m,
		.servers = &p->server,
		.server_count = 1,
		.on_event = heard_event,
		.arg = &u->heard };
	struct op *o = op_new();
	char target[96];

	(void)state;
	assert_int_equal(endpoint_new(&ec, &u->ep, NULL), 0);
	assert_str(
		from_of(sent_by(p, u, (struct request_config){ 0 })).uri.text, "sip:rte@127.0.0.1");
	/* Only a registration needs to know who. */
	assert_int_equal(
		op_try_register(u, o, (struct registration_config){ .expires = 60, .q = -1 }),
		-FAIL_ARGUMENT);
	op_free(o);
	ua_free(u);

	u = ua_p2p(NET_UDP);
	snprintf(target, sizeof(target), "sip:bob@%s", p->text);
	assert_str(from_of(sent_by(p, u, (struct request_config){ .target = str_of(target) }))
			   .uri.text,
		"sip:rte@127.0.0.1");
	ua_free(u);

	u = ua_new((struct endpoint_manager_config){ .kind = NET_SERVER,
			   .advertise = STR("me.example.test:5099") },
		(struct endpoint_config){ .kind = ENDPOINT_PEER_TO_PEER });
	assert_str(from_of(sent_by(p, u, (struct request_config){ .target = str_of(target) }))
			   .uri.text,
		"sip:rte@me.example.test");
	ua_free(u);
	peer_free(p);
}

static void test_advertise(void **state)
{
	static const struct {
		const char *advertise, *host;
		unsigned port;
	} cases[] = { { "me.example.test:5099", "me.example.test", 5099 },
		{ "192.0.2.1", "192.0.2.1", 0 }, { "[2001:db8::1]:5061", "2001:db8::1", 5061 },
		{ "[2001:db8::1]", "2001:db8::1", 0 } };
	struct peer *p = peer_new();

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
		struct ua *u = ua_new((struct endpoint_manager_config){ .kind = NET_CLIENT,
					      .advertise = str_of(cases[i].advertise) },
			(struct endpoint_config){ .servers = &p->server, .server_count = 1 });
		struct sip_via v = msg_via(sent_by(p, u, (struct request_config){ 0 }));
		assert_str(v.host, cases[i].host);
		assert_int_equal(
			v.port, cases[i].port ? cases[i].port : net_addr_port(&peer_last(p)->from));
		ua_free(u);
	}
	peer_free(p);
}

static unsigned routes_of(const struct sip_msg *m, struct sip_nameaddr *out, unsigned max)
{
	struct sip_list l = sip_msg_list(m, SIP_HDR_ROUTE);
	unsigned n = 0;

	while (n < max && sip_list_nameaddr(&l, &out[n]))
		n++;
	return n;
}

static void test_routes(void **state)
{
	struct peer *p = peer_new();
	const struct str routes[] = { STR("sip:one.test;lr"), STR("<sip:two.test;lr>") };
	struct ua *u = ua_new((struct endpoint_manager_config){ .kind = NET_CLIENT },
		(struct endpoint_config){ .servers = &p->server,
			.server_count = 1,
			.routes = routes,
			.route_count = 2 });
	struct sip_msg *m = sent_by(p, u, (struct request_config){ 0 });
	struct sip_nameaddr r[4];
	char proxy[96];

	(void)state;
	assert_int_equal(routes_of(m, r, 4), 2);
	assert_str(r[0].uri.text, "sip:one.test;lr");
	assert_str(r[1].uri.text, "sip:two.test;lr");
	assert_str(m->request_uri, "sip:bob@example.test");
	ua_free(u);

	/* An outbound proxy is the next hop, and the first Route when it says lr. */
	for (int lr = 0; lr < 2; lr++) {
		snprintf(proxy, sizeof(proxy), "sip:%s%s", p->text, lr ? ";lr" : "");
		u = ua_new((struct endpoint_manager_config){ .kind = NET_SERVER },
			(struct endpoint_config){ .kind = ENDPOINT_PEER_TO_PEER,
				.proxy = str_of(proxy),
				.routes = routes,
				.route_count = 1 });
		m = sent_by(
			p, u, (struct request_config){ .target = STR("sip:bob@nowhere.invalid") });
		assert_int_equal(routes_of(m, r, 4), lr ? 2 : 1);
		if (lr)
			assert_str(r[0].uri.text, proxy);
		assert_str(r[lr].uri.text, "sip:one.test;lr");
		assert_str(m->request_uri, "sip:bob@nowhere.invalid");
		ua_free(u);
	}
	peer_free(p);
}

/* SE-07, EP-08, ruling 3: the server whatever the target, or the target's transport before -t. */
static void test_next_hop(void **state)
{
	struct peer *p = peer_new();
	struct ua *u = ua_at(p, NET_UDP);
	char target[96];

	(void)state;
	sent_by(p, u,
		(struct request_config){ .target = STR("sip:bob@127.0.0.9:9;transport=tcp") });
	assert_int_equal(peer_last(p)->transport, NET_UDP);
	ua_free(u);

	snprintf(target, sizeof(target), "sip:bob@%s;transport=tcp", p->text);
	u = ua_p2p(NET_UDP);
	sent_by(p, u, (struct request_config){ .target = str_of(target) });
	assert_int_equal(peer_last(p)->transport, NET_TCP);
	ua_free(u);

	snprintf(target, sizeof(target), "sip:bob@%s", p->text);
	for (int t = -1; t <= NET_TCP; t++) {
		u = ua_p2p(t);
		sent_by(p, u, (struct request_config){ .target = str_of(target) });
		assert_int_equal(peer_last(p)->transport, t < 0 ? NET_UDP : t);
		ua_free(u);
	}

	/* --connect goes there, whatever the URI says. */
	u = ua_new((struct endpoint_manager_config){ .kind = NET_SERVER },
		(struct endpoint_config){ .kind = ENDPOINT_PEER_TO_PEER,
			.connect = p->server,
			.transport = NET_TCP });
	sent_by(p, u, (struct request_config){ .target = STR("sip:bob@nowhere.invalid:1") });
	assert_int_equal(peer_last(p)->transport, NET_TCP);
	ua_free(u);
	u = ua_new((struct endpoint_manager_config){ .kind = NET_CLIENT },
		(struct endpoint_config){ .connect = p->server, .transport = -1 });
	sent_by(p, u, (struct request_config){ 0 });
	assert_int_equal(peer_last(p)->transport, NET_UDP);
	ua_free(u);
	peer_free(p);
}

static void test_ipv6(void **state)
{
	struct peer *p = peer_at("::1", 0);
	struct ua *u;
	struct sip_via v;

	(void)state;
	if (!p)
		skip();
	for (int t = NET_UDP; t <= NET_TCP; t++) {
		u = ua_at(p, t);
		v = msg_via(sent_by(p, u, (struct request_config){ 0 }));
		assert_str(v.host, "::1");
		assert_true(v.ipv6);
		assert_int_equal(v.port, net_addr_port(&peer_last(p)->from));
		ua_free(u);
	}
	/* Of the other family only: a failure that says so, at once. */
	u = ua_new((struct endpoint_manager_config){ .kind = NET_CLIENT },
		(struct endpoint_config){
			.servers = &p->server, .server_count = 1, .family = AF_INET });
	{
		struct op *o = op_request(u, (struct request_config){ 0 });
		op_wait(o);
		assert_int_equal(o->heard.final, ENDPOINT_FAILED);
		assert_between(op_ms(o), 0, 500);
		op_end(o);
	}
	ua_free(u);
	peer_free(p);
}

/* sips needs TLS: not one byte of it goes out in clear. */
static void test_sips(void **state)
{
	struct peer *p = peer_new();
	struct ua *u = ua_p2p(-1);
	char target[96];
	struct op *o;

	(void)state;
	snprintf(target, sizeof(target), "sips:bob@%s", p->text);
	o = op_request(u, (struct request_config){ .target = str_of(target), .timeout_ms = 500 });
	op_wait(o);
	assert_int_equal(o->heard.final, ENDPOINT_FAILED);
	assert_int_equal(p->requests, 0);
	op_end(o);
	ua_free(u);
	u = ua_p2p(NET_UDP);
	o = op_request(u, (struct request_config){ .target = str_of(target), .timeout_ms = 500 });
	op_wait(o);
	assert_int_equal(o->heard.final, ENDPOINT_FAILED);
	assert_int_equal(p->requests, 0);
	op_end(o);
	ua_free(u);
	peer_free(p);
}

static void test_max_forwards(void **state)
{
	struct peer *p = peer_new();
	struct ua *u = ua_new((struct endpoint_manager_config){ .kind = NET_CLIENT },
		(struct endpoint_config){
			.servers = &p->server, .server_count = 1, .max_forwards = 5 });
	struct op *o;

	(void)state;
	assert_str(sip_msg_value(sent_by(p, u, (struct request_config){ 0 }), SIP_HDR_MAX_FORWARDS),
		"5");
	assert_str(sip_msg_value(sent_by(p, u, (struct request_config){ .max_forwards = 7 }),
			   SIP_HDR_MAX_FORWARDS),
		"7");
	o = op_new();
	assert_int_equal(op_try(u, o, (struct request_config){ .method = STR("OPTIONS") }), 0);
	op_done(o, 200);
	assert_str(sip_msg_value(peer_last(p)->msg, SIP_HDR_MAX_FORWARDS), "0");
	op_end(o);
	ua_free(u);
	peer_free(p);
}

static void test_compact(void **state)
{
	struct peer *p = peer_new();
	struct endpoint_header h = { ENDPOINT_HEADER_SET, STR("Subject"), STR("x") };
	struct ua *u = ua_new((struct endpoint_manager_config){ .kind = NET_CLIENT },
		(struct endpoint_config){ .servers = &p->server,
			.server_count = 1,
			.compact = true,
			.headers = &h,
			.header_count = 1 });
	struct sip_msg *m = sent_by(p, u,
		(struct request_config){
			.method = STR("MESSAGE"), .body = STR("x"), .type = STR("text/plain") });
	unsigned compact = 0;

	(void)state;
	for (unsigned i = 0; i < m->hdr_count; i++) {
		const struct sip_hdr *one = &m->hdrs[i];
		if (one->id == SIP_HDR_OTHER || one->id == SIP_HDR_SUBJECT)
			continue; /* the user's own name stays as it is */
		if (!str_eq(one->name, sip_hdr_compact(one->id)))
			fail_msg("not compact: " STR_FMT, STR_ARG(one->name));
		compact += one->name.n == 1;
	}
	assert_true(compact >= 6); /* v f t i c l */
	ua_free(u);
	peer_free(p);
}

/* --- changes of header fields --------------------------------------------------------------------
 */

static void test_header_changes(void **state)
{
	const struct endpoint_header all[] = {
		{ ENDPOINT_HEADER_SET, STR("Subject"), STR("of all") },
		{ ENDPOINT_HEADER_ADD, STR("X-Two"), STR("1") },
		{ ENDPOINT_HEADER_ADD, STR("X-Two"), STR("2") },
		{ ENDPOINT_HEADER_REMOVE, STR("user-agent"), STR("") },
		{ ENDPOINT_HEADER_REMOVE, STR("X-Not-There"), STR("") },
		{ ENDPOINT_HEADER_SET, STR("X-Empty"), STR("") },
	};
	const struct endpoint_header one[] = {
		{ ENDPOINT_HEADER_SET, STR("s"), STR("of one") },
		{ ENDPOINT_HEADER_ADD, STR("X-Two"), STR("3") },
		{ ENDPOINT_HEADER_SET, STR("User-Agent"), STR("mine") },
		{ ENDPOINT_HEADER_SET, STR("Accept"), STR("a/b, c/d;q=\"x,y\"") },
	};
	struct peer *p = peer_new();
	struct ua *u = ua_new((struct endpoint_manager_config){ .kind = NET_CLIENT },
		(struct endpoint_config){ .servers = &p->server,
			.server_count = 1,
			.headers = all,
			.header_count = ARRAY_LEN(all) });
	struct sip_msg *m = sent_by(p, u, (struct request_config){ 0 });
	const struct sip_hdr *h;

	(void)state;
	assert_str(sip_msg_value(m, SIP_HDR_SUBJECT), "of all");
	assert_int_equal(msg_count(m, SIP_HDR_SUBJECT), 1);
	h = sip_msg_hdr_named(m, STR("X-Two"));
	assert_str(h->value, "1");
	h = sip_msg_hdr_next(m, h);
	assert_str(h->value, "2");
	assert_null(sip_msg_hdr_next(m, h));
	assert_null(sip_msg_hdr(m, SIP_HDR_USER_AGENT));
	assert_non_null(sip_msg_hdr_named(m, STR("X-Empty")));

	/* What one request says comes after what is said for all. */
	m = sent_by(
		p, u, (struct request_config){ .headers = one, .header_count = ARRAY_LEN(one) });
	assert_int_equal(msg_count(m, SIP_HDR_SUBJECT), 1);
	assert_str(sip_msg_value(m, SIP_HDR_SUBJECT), "of one");
	h = sip_msg_hdr_named(m, STR("X-Two"));
	h = sip_msg_hdr_next(m, sip_msg_hdr_next(m, h));
	assert_str(h->value, "3");
	assert_int_equal(msg_count(m, SIP_HDR_USER_AGENT), 1);
	assert_str(sip_msg_value(m, SIP_HDR_USER_AGENT), "mine");
	assert_str(sip_msg_value(m, SIP_HDR_ACCEPT), "a/b, c/d;q=\"x,y\"");
	ua_free(u);
	peer_free(p);
}

static int try_header(struct ua *u, struct endpoint_header h, bool of_endpoint)
{
	struct op *o = op_new();
	int e;

	if (of_endpoint) {
		struct endpoint_config ec = { .manager = u->m,
			.aor = STR("sip:x@example.test"),
			.headers = &h,
			.header_count = 1,
			.on_event = heard_event,
			.arg = &u->heard };
		struct endpoint *ep = NULL;
		e = endpoint_new(&ec, &ep, &u->why);
		endpoint_free(ep);
	} else {
		e = op_try(u, o,
			(struct request_config){ .method = STR("OPTIONS"),
				.max_forwards = -1,
				.headers = &h,
				.header_count = 1 });
	}
	op_free(o);
	return e;
}

/* cli.md section 7: what has options of its own or keeps the protocol sound. */
static void test_restricted_headers(void **state)
{
	static const char *const restricted[] = { "Via", "From", "To", "Call-ID", "CSeq", "Contact",
		"Max-Forwards", "Content-Length", "Route", "Record-Route", "Authorization",
		"Proxy-Authorization", "Event", "Expires", "RAck", "RSeq", "v", "f", "t", "i", "m",
		"l", "o", "via", "FROM", "cAlL-iD", "V", "L" };
	static const char *const allowed[] = { "Subject", "s", "X-Foo", "User-Agent", "Supported",
		"k", "Require", "Accept", "Content-Type", "Priority", "Reply-To", "Vias", "Tox",
		"-", "a'b" };
	static const char *const malformed[] = { "", " ", "X Foo", "X:", "X-\xc3\xbc", "X\tY",
		"(x)", "Subject ", "X@Y", "X\r\nY", "X\n" };
	struct peer *p = peer_new();
	struct ua *u = ua_at(p, NET_UDP);

	(void)state;
	for (int ep = 0; ep < 2; ep++)
		for (int change = 0; change < 3; change++) {
			struct endpoint_header h = { (unsigned)change, STR_EMPTY,
				change == ENDPOINT_HEADER_REMOVE ? STR_EMPTY : STR("1") };
			for (unsigned i = 0; i < ARRAY_LEN(restricted); i++) {
				h.name = str_of(restricted[i]);
				assert_false(endpoint_header_allowed(h.name));
				if (try_header(u, h, ep) != -FAIL_ARGUMENT)
					fail_msg("%s may be changed", restricted[i]);
			}
			for (unsigned i = 0; i < ARRAY_LEN(allowed); i++) {
				h.name = str_of(allowed[i]);
				assert_true(endpoint_header_allowed(h.name));
				if (try_header(u, h, ep) != 0)
					fail_msg("%s may not be changed: %s", allowed[i],
						u->why.text);
			}
			for (unsigned i = 0; i < ARRAY_LEN(malformed); i++) {
				h.name = str_of(malformed[i]);
				if (try_header(u, h, ep) != -FAIL_ARGUMENT)
					fail_msg("\"%s\" is taken for a name", malformed[i]);
			}
		}
	rig_idle(20);
	assert_int_equal(p->count, 0);
	ua_free(u);
	peer_free(p);
}

/* --- refused before anything is sent (A69)
 * ---------------------------------------------------------- */

static const struct {
	const char *p;
	size_t n;
} evil[] = {
	{ "\r\nX-Evil: 1", 11 },
	{ "\n", 1 },
	{ "\r", 1 },
	{ "\0", 1 },
	{ "\r\n", 2 },
	{ "\n ", 2 },
	{ "\0x", 2 },
	{ "\x01", 1 },
	{ "\x7f", 1 },
	{ "\x1b[2J", 4 },
};

struct field {
	const char *name;
	size_t offset;
	const char *good;
};

/* The good value with the evil one at its end, at its beginning, or inside. */
static struct str spoil(char *out, size_t cap, const char *good, unsigned how, unsigned where)
{
	size_t n = strlen(good), k = evil[how].n, at = where == 0 ? n : where == 1 ? 0 : n / 2;

	assert_true(n + k < cap);
	memcpy(out, good, at);
	memcpy(out + at, evil[how].p, k);
	memcpy(out + at + k, good + at, n - at);
	return (struct str){ out, n + k };
}

#define FIELD(type, member, good)                                                                  \
	{                                                                                          \
#member, offsetof(struct type, member), good                                       \
	}

static void test_control_endpoint(void **state)
{
	static const struct field fields[] = {
		FIELD(endpoint_config, aor, "sip:alice@example.test"),
		FIELD(endpoint_config, from, "\"A\" <sip:carol@example.test>"),
		FIELD(endpoint_config, display_name, "Alice"),
		FIELD(endpoint_config, epid, "01ab23cd45"),
		FIELD(endpoint_config, user_agent, "probe/1"),
		FIELD(endpoint_config, contact, "sip:alice@192.0.2.1"),
		FIELD(endpoint_config, contact, ";x=y"),
		FIELD(endpoint_config, instance, "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"),
		FIELD(endpoint_config, proxy, "sip:proxy.test;lr"),
		FIELD(endpoint_config, connect, "127.0.0.1:5060"),
	};
	static const char *const lists[] = { "servers", "routes", "features", "header",
		"header name" };
	struct ua *u = ua_manager((struct endpoint_manager_config){ .kind = NET_SERVER });
	struct endpoint *ep = NULL;
	char text[256];

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(fields); i++)
		for (unsigned how = 0; how <= ARRAY_LEN(evil); how++)
			for (unsigned where = 0; where < 3; where++) {
				struct endpoint_config c = { .manager = u->m,
					.kind = strcmp(fields[i].name, "proxy") == 0
							? ENDPOINT_PEER_TO_PEER
							: ENDPOINT_SERVER_BASED,
					.aor = STR("sip:alice@example.test"),
					.on_event = heard_event,
					.arg = &u->heard };
				struct str *field = (void *)((char *)&c + fields[i].offset);
				bool good = how == ARRAY_LEN(evil);
				int e;
				*field = good ? str_of(fields[i].good)
					      : spoil(text, sizeof(text), fields[i].good, how,
							where);
				e = endpoint_new(&c, &ep, &u->why);
				if (e != (good ? 0 : -FAIL_ARGUMENT))
					fail_msg("%s, %u at %u: %d %s", fields[i].name, how, where,
						e, e ? u->why.text : "");
				if (!e)
					endpoint_free(ep);
			}
	for (unsigned i = 0; i < ARRAY_LEN(lists); i++)
		for (unsigned how = 0; how < ARRAY_LEN(evil); how++)
			for (unsigned where = 0; where < 3; where++) {
				static const char *const goods[] = { "sip.example.test:5060",
					"sip:route.test;lr", "+sip.foo=\"bar\"", "value",
					"X-Name" };
				struct str bad = spoil(text, sizeof(text), goods[i], how, where);
				struct endpoint_header h = { ENDPOINT_HEADER_ADD,
					i == 4 ? bad : STR("X-Name"), i == 3 ? bad : STR("1") };
				struct endpoint_config c = { .manager = u->m,
					.aor = STR("sip:alice@example.test"),
					.servers = &bad,
					.server_count = i == 0,
					.routes = &bad,
					.route_count = i == 1,
					.features = &bad,
					.feature_count = i == 2,
					.headers = &h,
					.header_count = i >= 3,
					.on_event = heard_event,
					.arg = &u->heard };
				int e = endpoint_new(&c, &ep, &u->why);
				if (e != -FAIL_ARGUMENT)
					fail_msg("%s, %u at %u: %d", lists[i], how, where, e);
			}
	assert_int_equal(endpoint_manager_count(u->m), 0);
	ua_free(u);
}

static void test_control_request(void **state)
{
	static const struct field fields[] = {
		FIELD(request_config, method, "OPTIONS"),
		FIELD(request_config, target, "sip:bob@example.test"),
		FIELD(request_config, to, "\"B\" <sip:bob@example.test>"),
		FIELD(request_config, to, "sip:bob@example.test"),
		FIELD(request_config, from, "sip:carol@example.test"),
		FIELD(request_config, type, "text/plain"),
		FIELD(request_config, call_id, "abc@def"),
		FIELD(request_config, from_tag, "abc"),
	};
	struct peer *p = peer_new();
	struct ua *u = ua_at(p, NET_UDP);
	char text[256];

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(fields); i++)
		for (unsigned how = 0; how < ARRAY_LEN(evil); how++)
			for (unsigned where = 0; where < 3; where++) {
				struct request_config c = { .method = STR("OPTIONS"),
					.body = STR("x"),
					.type = STR("text/plain"),
					.max_forwards = -1 };
				struct str *field = (void *)((char *)&c + fields[i].offset);
				struct op *o = op_new();
				int e;
				*field = spoil(text, sizeof(text), fields[i].good, how, where);
				e = op_try(u, o, c);
				if (e != -FAIL_ARGUMENT)
					fail_msg("%s, %u at %u: %d", fields[i].name, how, where, e);
				op_free(o);
			}
	for (unsigned how = 0; how < ARRAY_LEN(evil); how++)
		for (unsigned where = 0; where < 3; where++) {
			struct endpoint_header h = { ENDPOINT_HEADER_SET, STR("X-Name"),
				spoil(text, sizeof(text), "value", how, where) };
			assert_int_equal(try_header(u, h, false), -FAIL_ARGUMENT);
		}
	rig_idle(20);
	assert_int_equal(p->count, 0);
	assert_int_equal(p->junk, 0);
	ua_free(u);
	peer_free(p);
}

static void test_bad_endpoints(void **state)
{
	static const struct field fields[] = {
		FIELD(endpoint_config, aor, "alice"),
		FIELD(endpoint_config, aor, "alice@example.test"),
		FIELD(endpoint_config, aor, "tel:+1555"),
		FIELD(endpoint_config, aor, "http://example.test"),
		FIELD(endpoint_config, aor, "sip:"),
		FIELD(endpoint_config, aor, "sip:alice@"),
		FIELD(endpoint_config, aor, "sip:a b@example.test"),
		FIELD(endpoint_config, aor, "<sip:alice@example.test>"),
		FIELD(endpoint_config, from, "Carol <sip:carol@example.test"),
		FIELD(endpoint_config, from, "nobody"),
		FIELD(endpoint_config, from, "\"Carol <sip:carol@example.test>"),
		FIELD(endpoint_config, epid, "a b"),
		FIELD(endpoint_config, epid, "a;b"),
		FIELD(endpoint_config, epid, "a\"b"),
		FIELD(endpoint_config, epid, "a>b"),
		FIELD(endpoint_config, user_agent, "probe (unbalanced"),
		FIELD(endpoint_config, contact, "nobody"),
		FIELD(endpoint_config, contact, "sip:"),
		FIELD(endpoint_config, contact, "sip:a@b>;x"),
		FIELD(endpoint_config, contact, ";"),
		FIELD(endpoint_config, contact, ";a b"),
		FIELD(endpoint_config, contact, ";x=y, <sip:c@d>"),
		FIELD(endpoint_config, instance, "not a urn"),
		FIELD(endpoint_config, instance, "urn:uuid:\"x\""),
		FIELD(endpoint_config, instance, "urn:uuid:a>b"),
		FIELD(endpoint_config, proxy, "sip:"),
		FIELD(endpoint_config, proxy, "tel:+1555"),
		FIELD(endpoint_config, connect, "127.0.0.1:99999"),
		FIELD(endpoint_config, connect, "name.test:5060"),
		FIELD(endpoint_config, connect, "127.0.0.1:"),
		FIELD(endpoint_config, connect, "[::1:5060"),
	};
	static const char *const servers[] = { "", "[::1", "host:99999", "host:x", "sip:", "tel:+1",
		"a b", "host:5060:5061" };
	static const char *const routes[] = { "", "nobody", "<sip:a.test;lr", "tel:+1",
		"sip:a.test>" };
	static const char *const features[][2] = { { "", NULL }, { "audio", "audio" },
		{ "audio", "AUDIO=1" }, { "a b", NULL }, { "a;b", NULL }, { "a=b c", NULL },
		{ "a=\"x", NULL }, { "=x", NULL }, { "a=<x>", NULL }, { "a,b", NULL } };
	struct ua *u = ua_manager((struct endpoint_manager_config){ .kind = NET_SERVER });
	struct endpoint *ep = NULL;

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(fields); i++) {
		struct endpoint_config c = { .manager = u->m,
			.kind = strcmp(fields[i].name, "proxy") == 0 ? ENDPOINT_PEER_TO_PEER
								     : ENDPOINT_SERVER_BASED,
			.aor = STR("sip:alice@example.test"),
			.on_event = heard_event,
			.arg = &u->heard };
		*(struct str *)(void *)((char *)&c + fields[i].offset) = str_of(fields[i].good);
		u->why.text[0] = '\0';
		if (endpoint_new(&c, &ep, &u->why) != -FAIL_ARGUMENT)
			fail_msg("%s of \"%s\" is taken", fields[i].name, fields[i].good);
		assert_true(u->why.text[0] != '\0');
	}
	for (unsigned i = 0; i < ARRAY_LEN(servers); i++) {
		struct str s = str_of(servers[i]);
		if (endpoint_new(&(struct endpoint_config){ .manager = u->m,
					 .aor = STR("sip:alice@example.test"),
					 .servers = &s,
					 .server_count = 1,
					 .on_event = heard_event,
					 .arg = &u->heard },
			    &ep, &u->why) != -FAIL_ARGUMENT)
			fail_msg("the server \"%s\" is taken", servers[i]);
	}
	for (unsigned i = 0; i < ARRAY_LEN(routes); i++) {
		struct str s = str_of(routes[i]);
		if (endpoint_new(&(struct endpoint_config){ .manager = u->m,
					 .aor = STR("sip:alice@example.test"),
					 .routes = &s,
					 .route_count = 1,
					 .on_event = heard_event,
					 .arg = &u->heard },
			    &ep, &u->why) != -FAIL_ARGUMENT)
			fail_msg("the route \"%s\" is taken", routes[i]);
	}
	for (unsigned i = 0; i < ARRAY_LEN(features); i++) {
		const struct str s[2] = { str_of(features[i][0]), str_of(features[i][1]) };
		if (endpoint_new(&(struct endpoint_config){ .manager = u->m,
					 .aor = STR("sip:alice@example.test"),
					 .features = s,
					 .feature_count = features[i][1] ? 2 : 1,
					 .on_event = heard_event,
					 .arg = &u->heard },
			    &ep, &u->why) != -FAIL_ARGUMENT)
			fail_msg("the feature \"%s\" is taken", features[i][0]);
	}
	/* The address of a peer-to-peer endpoint has no port; it takes a server manager only. */
	assert_int_equal(endpoint_new(&(struct endpoint_config){ .manager = u->m,
					      .kind = ENDPOINT_PEER_TO_PEER,
					      .aor = STR("sip:alice@example.test:5060"),
					      .on_event = heard_event,
					      .arg = &u->heard },
				 &ep, &u->why),
		-FAIL_ARGUMENT);
	ua_free(u);
	u = ua_manager((struct endpoint_manager_config){ .kind = NET_CLIENT });
	assert_true(endpoint_new(&(struct endpoint_config){ .manager = u->m,
					 .kind = ENDPOINT_PEER_TO_PEER,
					 .on_event = heard_event,
					 .arg = &u->heard },
			    &ep, &u->why) < 0);
	assert_true(endpoint_manager_listen(u->m, STR("udp:127.0.0.1:0"), &u->why) == -FAIL_STATE);
	ua_free(u);
}

static void test_bad_requests(void **state)
{
	static const struct field fields[] = {
		FIELD(request_config, method, ""),
		FIELD(request_config, method, "TWO WORDS"),
		FIELD(request_config, method, "M\xc3\xbcLL"),
		FIELD(request_config, target, ""),
		FIELD(request_config, target, "bob"),
		FIELD(request_config, target, "sip:"),
		FIELD(request_config, target, "sip:bob@exa mple.test"),
		FIELD(request_config, target, "<sip:bob@example.test>"),
		FIELD(request_config, to, "nobody"),
		FIELD(request_config, to, "<sip:bob@example.test"),
		FIELD(request_config, to, "<sip:a@b.test>, <sip:c@d.test>"),
		FIELD(request_config, from, "nobody"),
		FIELD(request_config, from, "sip:a@b.test>;x"),
		FIELD(request_config, from_tag, "a b"),
		FIELD(request_config, from_tag, "a;b"),
		FIELD(request_config, call_id, "a b"),
		FIELD(request_config, type, "text"),
		FIELD(request_config, type, "text/plain, text/html"),
	};
	struct peer *p = peer_new();
	struct ua *u = ua_at(p, NET_UDP);

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(fields); i++) {
		struct request_config c = { .method = STR("OPTIONS"),
			.target = STR("sip:bob@example.test"),
			.body = STR("x"),
			.type = STR("text/plain"),
			.max_forwards = -1 };
		struct op *o = op_new();
		*(struct str *)(void *)((char *)&c + fields[i].offset) = str_of(fields[i].good);
		u->why.text[0] = '\0';
		if (op_try(u, o, c) != -FAIL_ARGUMENT)
			fail_msg("%s of \"%s\" is taken", fields[i].name, fields[i].good);
		assert_true(u->why.text[0] != '\0');
		op_free(o);
	}
	rig_idle(20);
	assert_int_equal(p->count, 0);
	ua_free(u);
	peer_free(p);
}

/* --- dry runs (ruling 25)
 * ------------------------------------------------------------------------- */

static void test_dry_run(void **state)
{
	struct peer *p = peer_new();
	struct ua *u = ua_at(p, NET_TCP);
	CLEANUP(buf_done) struct buf out = BUF_INIT(65536);
	struct request_config c = { .endpoint = u->ep,
		.method = STR("MESSAGE"),
		.target = STR("sip:bob@example.test"),
		.body = STR("hello"),
		.type = STR("text/plain"),
		.max_forwards = -1,
		.on_event = heard_event,
		.arg = &u->heard };
	struct sip_msg *m;
	unsigned status;
	struct fail f;
	struct op *o;

	(void)state;
	u->heard.quiet = true;
	assert_int_equal(request_dry_run(&c, &out, &u->why), 0);
	assert_int_equal(sip_msg_parse(buf_str(&out), NULL, &m, &f), 0);
	assert_int_equal(sip_msg_check(m, true, &status, &f), SIP_ACCEPT);
	assert_str(m->method_name, "MESSAGE");
	assert_str(m->request_uri, "sip:bob@example.test");
	assert_str(m->body, "hello");
	assert_str(msg_via(m).transport, "TCP");
	assert_str(from_of(m).uri.text, "sip:alice@example.test");
	sip_msg_unref(m);
	/* No network at all, not even a name. */
	rig_idle(30);
	assert_int_equal(p->count + p->accepted, 0);
	c.method = STR("BAD METHOD");
	assert_int_equal(request_dry_run(&c, &out, &u->why), -FAIL_ARGUMENT);
	u->heard.quiet = false;

	/* The same of a request that waits for its turn; it still goes afterwards. */
	o = op_request(u, (struct request_config){ 0 });
	buf_clear(&out);
	assert_int_equal(request_dump(o->r, &out, &f), 0);
	assert_true(str_starts(buf_str(&out), STR("OPTIONS sip:bob@example.test SIP/2.0\r\n")));
	peer_script(p, STEPS({ 200 }));
	op_done(o, 200);
	op_end(o);
	ua_free(u);
	peer_free(p);
}

/* --- names of peers, cli.md section 6
 * --------------------------------------------------------------- */

static void test_target_parse(void **state)
{
	static const struct {
		const char *text, *domain, *uri; /* uri NULL: refused */
	} cases[] = {
		{ "sip:bob@example.com;transport=tls", "", "sip:bob@example.com;transport=tls" },
		{ "sips:bob@example.com", "", "sips:bob@example.com" },
		{ "SIP:bob@example.com", "", "SIP:bob@example.com" },
		{ "bob@example.com", "", "sip:bob@example.com" },
		{ "example.com", "", "sip:example.com" },
		{ "example.com:5080", "", "sip:example.com:5080" },
		{ "192.0.2.1", "", "sip:192.0.2.1" },
		{ "[2001:db8::1]:5060", "", "sip:[2001:db8::1]:5060" },
		{ "tls:example.com:5061", "", "sip:example.com:5061;transport=tls" },
		{ "tcp:[2001:db8::1]", "", "sip:[2001:db8::1];transport=tcp" },
		{ "udp:192.0.2.1:5060", "", "sip:192.0.2.1:5060;transport=udp" },
		{ "tel:+1-201-555-0123", "example.com", "sip:+12015550123@example.com;user=phone" },
		{ "tel:+1-201-555-0123", "", NULL },
		{ "tel:", "example.com", NULL },
		{ "", "example.com", NULL },
		{ "sip:", "example.com", NULL },
		{ "bob@", "example.com", NULL },
		{ "a b", "example.com", NULL },
		{ "http://example.com/", "", NULL },
		{ "udp:", "", NULL },
		{ "example.com:99999", "", NULL },
		{ "2001:db8::1", "", NULL },
		{ "sip:bob@example.com\r\nX: y", "", NULL },
		{ "bob@example.com\n", "", NULL },
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(buf_done) struct buf out = BUF_INIT(1024);
		struct fail f = { 0 };
		int e = endpoint_target_parse(
			str_of(cases[i].text), str_of(cases[i].domain), &out, &f);
		if (!cases[i].uri) {
			if (e != -FAIL_ARGUMENT)
				fail_msg("\"%s\" is taken: %s", cases[i].text, buf_cstr(&out));
			assert_true(f.text[0] != '\0');
			assert_int_equal(out.n, 0);
		} else {
			if (e != 0)
				fail_msg("\"%s\": %s", cases[i].text, f.text);
			assert_string_equal(buf_cstr(&out), cases[i].uri);
		}
	}
}

/* RFC 3261 19.1.5 and table 1: what a Request-URI cannot hold has an effect that was asked for, or none
 * and an error. */
static void test_target_request(void **state)
{
	static const struct {
		const char *text, *method, *uri; /* uri NULL: refused */
	} cases[] = {
		{ "sip:bob@example.com", "INVITE", "sip:bob@example.com" },
		{ "sip:bob@example.com;method=INVITE;x=1", "INVITE", "sip:bob@example.com;x=1" },
		{ "sip:bob@example.com;x=1;method=INVITE", "INVITE", "sip:bob@example.com;x=1" },
		{ "sip:bob@example.com;transport=tcp;maddr=192.0.2.1;ttl=1;user=phone", "OPTIONS",
			"sip:bob@example.com;transport=tcp;maddr=192.0.2.1;ttl=1;user=phone" },
		{ "sip:bob@example.com;method=MESSAGE", "INVITE", NULL },
		{ "sip:bob@example.com;method=invite", "INVITE", NULL }, /* 7.1: case-sensitive */
		{ "sip:bob@example.com;method", "INVITE", NULL },
		{ "sip:bob@example.com?Subject=x", "INVITE", NULL },
		{ "sip:bob@example.com;method=INVITE?Route=%3Csip:x%3E", "INVITE", NULL },
		{ "sip:bob@example.com?body=x", "MESSAGE", NULL },
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(buf_done) struct buf out = BUF_INIT(1024);
		struct fail f = { 0 };
		int e = endpoint_target_request(
			str_of(cases[i].text), str_of(cases[i].method), &out, &f);

		assert_int_equal(e, cases[i].uri ? 0 : -FAIL_ARGUMENT);
		if (cases[i].uri)
			assert_string_equal(buf_cstr(&out), cases[i].uri);
		else
			assert_true(f.text[0] != '\0' && out.n == 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forged),
		cmocka_unit_test(test_tolerated),
		cmocka_unit_test(test_other_source),
		cmocka_unit_test(test_junk),
		cmocka_unit_test(test_split_stream),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_large_udp_only),
		cmocka_unit_test(test_large_p2p),
		cmocka_unit_test(test_written),
		cmocka_unit_test(test_from_and_to),
		cmocka_unit_test(test_display_names),
		cmocka_unit_test(test_no_aor),
		cmocka_unit_test(test_advertise),
		cmocka_unit_test(test_routes),
		cmocka_unit_test(test_next_hop),
		cmocka_unit_test(test_ipv6),
		cmocka_unit_test(test_sips),
		cmocka_unit_test(test_max_forwards),
		cmocka_unit_test(test_compact),
		cmocka_unit_test(test_header_changes),
		cmocka_unit_test(test_restricted_headers),
		cmocka_unit_test(test_control_endpoint),
		cmocka_unit_test(test_control_request),
		cmocka_unit_test(test_bad_endpoints),
		cmocka_unit_test(test_bad_requests),
		cmocka_unit_test(test_dry_run),
		cmocka_unit_test(test_target_parse),
		cmocka_unit_test(test_target_request),
	};

	net_loop();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
