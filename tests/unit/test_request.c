/* tests/unit/test_request.c -- lib/endpoint/request over loopback against a scripted peer:
 * outcomes, times, failover, Retry-After and retries, 423. Its siblings: _wire, _auth, _life. */
#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "peer_rig.h"

/* --- outcomes ----------------------------------------------------------------------------------
 */

static void success_over(int transport)
{
	struct peer *p = peer_new();
	struct ua *u = ua_at(p, transport);
	struct op *o;

	peer_script(p, STEPS({ 200 }));
	o = op_request(u, (struct request_config){ 0 });
	op_done(o, 200);
	assert_int_equal(p->requests, 1);
	assert_int_equal(peer_request(p, 0)->transport, transport);
	assert_false(o->heard.authenticated);
	assert_false(o->heard.after_ringing);
	assert_int_equal(o->heard.counts.sent, 1);
	assert_int_equal(o->heard.counts.received, 1);
	assert_int_equal(o->heard.counts.retransmissions, 0);
	assert_int_equal(o->heard.counts.retries, 0);
	assert_int_equal(o->heard.counts.redirects, 0);
	assert_int_equal(o->heard.counts.targets_tried, 1);
	assert_true(o->heard.times.total >= 0 && o->heard.times.total < 1000);
	assert_true(o->heard.times.first_response >= 0);
	assert_true(o->heard.times.tls < 0);
	/* The endpoint's handler heard of both messages, the operation's of its end only. */
	assert_int_equal(u->heard.count[ENDPOINT_REQUEST], 1);
	assert_int_equal(u->heard.count[ENDPOINT_RESPONSE], 1);
	assert_int_equal(o->heard.all, 1);
	assert_int_equal(endpoint_counts(u->ep).sent, 1);
	assert_int_equal(endpoint_counts(u->ep).received, 1);
	assert_int_equal(endpoint_manager_counts(u->m).sent, 1);
	op_end(o);
	ua_free(u);
	peer_free(p);
}

static void test_success(void **state)
{
	(void)state;
	success_over(NET_UDP);
	success_over(NET_TCP);
}

static void test_provisional(void **state)
{
	struct peer *p = peer_new();
	struct ua *u = ua_at(p, NET_UDP);
	struct op *o;

	(void)state;
	peer_script(p, STEPS({ 100, .more = true }, { 180, .more = true }, { 183, .more = true },
			       { 200, .after_ms = 10 }));
	o = op_request(u, (struct request_config){ 0 });
	op_done(o, 200);
	assert_int_equal(u->heard.count[ENDPOINT_RESPONSE], 4);
	assert_true(o->heard.after_ringing);
	op_end(o);
	ua_free(u);
	peer_free(p);
}

static void test_final_failures(void **state)
{
	static const unsigned statuses[] = { 300, 302, 400, 403, 404, 405, 416, 420, 480, 481, 486,
		487, 500, 501, 503, 504, 513, 580, 600, 603, 604, 606, 499, 599, 699 };
	struct peer *p = peer_new();

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(statuses); i++) {
		int transport = i % 2 ? NET_UDP : NET_TCP;
		struct ua *u = ua_at(p, transport);
		unsigned before = p->requests;
		struct op *o;
		peer_script(
			p, &(struct peer_step){ statuses[i], "Warning: 399 peer \"no\"\r\n" }, 1);
		o = op_request(u, (struct request_config){ 0 });
		op_failed(o, FAIL_STATUS, statuses[i]);
		assert_int_equal(p->requests, before + 1);
		op_end(o);
		ua_free(u);
	}
	peer_free(p);
}

/* Any 2xx is a success. */
static void test_other_success(void **state)
{
	struct peer *p = peer_new();
	struct ua *u = ua_at(p, NET_UDP);

	(void)state;
	for (unsigned status = 200; status < 300; status += 33) {
		struct op *o;
		peer_script(p, &(struct peer_step){ status }, 1);
		o = op_request(u, (struct request_config){ .method = STR("MESSAGE"),
					  .body = STR("hello"),
					  .type = STR("text/plain") });
		op_done(o, status);
		op_end(o);
	}
	ua_free(u);
	peer_free(p);
}

/* --- times -------------------------------------------------------------------------------------
 */

/* RFC 3261 17.1.2.2 with T1 30 ms, T2 8*T1: 11 sendings, Timer F after 64*T1. */
static void test_timeout_udp(void **state)
{
	static const unsigned due[] = { 0, 1, 3, 7, 15, 23, 31, 39, 47, 55, 63 };
	struct peer *p = peer_new();
	struct ua *u = ua_new(
		(struct endpoint_manager_config){ .kind = NET_CLIENT, .timers = rig_timers(30) },
		(struct endpoint_config){ .servers = &p->server, .server_count = 1 });
	struct op *o = op_request(u, (struct request_config){ 0 });

	(void)state;
	op_failed(o, FAIL_TIMEOUT, 0);
	assert_false(o->heard.has_response);
	assert_between(op_ms(o), 64 * 30 - 1, 64 * 30 + PEER_LATE);
	assert_int_equal(p->requests, 1);
	assert_int_equal(p->count, 11);
	for (unsigned i = 0; i < 11; i++)
		assert_between(p->got[i].ms - o->heard.began, due[i] * 30.0 - 1,
			due[i] * 30.0 + PEER_LATE);
	for (unsigned i = 1; i < 11; i++)
		assert_true(str_eq(p->got[i].msg->wire, p->got[0].msg->wire));
	assert_int_equal(o->heard.counts.sent, 1);
	assert_int_equal(o->heard.counts.retransmissions, 10);
	assert_int_equal(
		u->heard.count[ENDPOINT_REQUEST], 1); /* retransmissions are counted, not told */
	op_end(o);
	ua_free(u);
	peer_free(p);
}

static void test_timeout_tcp(void **state)
{
	struct peer *p = peer_new();
	struct ua *u = ua_at(p, NET_TCP); /* T1 20 ms */
	struct op *o = op_request(u, (struct request_config){ 0 });

	(void)state;
	op_failed(o, FAIL_TIMEOUT, 0);
	assert_between(op_ms(o), 64 * 20 - 1, 64 * 20 + PEER_LATE);
	assert_int_equal(p->count, 1);
	op_end(o);
	ua_free(u);
	peer_free(p);
}

/* A time-out of its own bounds a transaction; a provisional answer does not prolong it. */
static void test_timeout_given(void **state)
{
	struct peer *p = peer_new();
	struct ua *u = ua_at(p, NET_UDP);
	struct op *o = op_request(u, (struct request_config){ .timeout_ms = 200 });

	(void)state;
	op_failed(o, FAIL_TIMEOUT, 0);
	assert_between(op_ms(o), 199, 200 + PEER_LATE);
	assert_between(p->count, 4, 5); /* 0 20 60 140 (300) */
	op_end(o);

	peer_script(p, STEPS({ 100 }));
	o = op_request(u, (struct request_config){ .timeout_ms = 150 });
	op_failed(o, FAIL_TIMEOUT, 0);
	assert_between(op_ms(o), 149, 150 + PEER_LATE);
	op_end(o);
	ua_free(u);
	peer_free(p);
}

/* 17.1.2.2: in Proceeding Timer E is set to T2. */
static void test_proceeding(void **state)
{
	struct peer *p = peer_new();
	struct ua *u = ua_new((struct endpoint_manager_config){ .kind = NET_CLIENT,
				      .timers = { .t1 = 40, .t2 = 200, .t4 = 200 } },
		(struct endpoint_config){ .servers = &p->server, .server_count = 1 });
	struct op *o;

	(void)state;
	peer_script(p, STEPS({ 100 }));
	o = op_request(u, (struct request_config){ .timeout_ms = 500 });
	op_failed(o, FAIL_TIMEOUT, 0);
	/* Sent at 0, then E fires at 40 (it was running), 240, 440. */
	assert_int_equal(p->count, 4);
	assert_between(p->got[1].ms - o->heard.began, 39, 40 + PEER_LATE);
	assert_between(p->got[2].ms - p->got[1].ms, 190, 200 + PEER_LATE);
	op_end(o);
	ua_free(u);
	peer_free(p);
}

static void test_no_retransmit(void **state)
{
	struct peer *p = peer_new();
	struct ua *u = ua_new((struct endpoint_manager_config){ .kind = NET_CLIENT,
				      .timers = { .t1 = 10, .t2 = 80, .no_retransmit = true } },
		(struct endpoint_config){ .servers = &p->server, .server_count = 1 });
	struct op *o = op_request(u, (struct request_config){ .timeout_ms = 200 });

	(void)state;
	op_failed(o, FAIL_TIMEOUT, 0);
	assert_int_equal(p->count, 1);
	op_end(o);
	ua_free(u);
	peer_free(p);
}

static void answer_third(struct peer *p, const struct peer_got *g)
{
	if (p->count == 3) {
		peer_reply(p, g, 200, NULL);
		peer_reply(p, g, 200, NULL); /* a retransmission of the answer is absorbed */
	}
}

static void test_answer_to_third(void **state)
{
	struct peer *p = peer_new();
	struct ua *u = ua_at(p, NET_UDP);
	struct op *o;

	(void)state;
	p->hook = answer_third;
	o = op_request(u, (struct request_config){ 0 });
	op_done(o, 200);
	assert_int_equal(p->count, 3);
	assert_int_equal(o->heard.counts.retransmissions, 2);
	assert_int_equal(o->heard.retransmissions, 2); /* of the response's request */
	assert_between(op_ms(o), 59, 60 + PEER_LATE);
	rig_idle(100);
	assert_int_equal(p->count, 3);
	assert_int_equal(u->heard.count[ENDPOINT_RESPONSE], 1);
	op_end(o);
	ua_free(u);
	peer_free(p);
}

/* An answer that comes when the request is over, or freed, does nothing. */
static void test_late_answer(void **state)
{
	struct peer *p = peer_new();
	struct ua *u = ua_at(p, NET_UDP);
	struct op *o;
	unsigned count;

	(void)state;
	peer_script(p, STEPS({ 200, .after_ms = 120 }));
	o = op_request(u, (struct request_config){ .timeout_ms = 50 });
	op_failed(o, FAIL_TIMEOUT, 0);
	rig_idle(120);
	op_end(o);
	o = op_request(u, (struct request_config){ 0 });
	rig_idle(30);
	op_free(o); /* and no retransmission any more */
	rig_idle(10);
	count = p->count;
	rig_idle(200);
	assert_int_equal(p->count, count);
	ua_free(u);
	peer_free(p);
}

/* --- the network says no -----------------------------------------------------------------------
 */

static void closed_over(int transport, enum net_manager_kind kind, bool listen)
{
	struct peer *p = peer_new();
	struct ua *u = ua_manager((struct endpoint_manager_config){ .kind = kind });
	struct op *o;

	if (listen)
		assert_int_equal(endpoint_manager_listen(u->m, STR("udp:127.0.0.1:0"), NULL), 0);
	assert_int_equal(ua_endpoint(u, (struct endpoint_config){ .servers = &p->server,
						.server_count = 1,
						.transport = transport }),
		0);
	peer_close_udp(p);
	peer_close_tcp(p);
	o = op_request(u, (struct request_config){ 0 });
	op_failed(o, FAIL_CONNECT, 0);
	assert_between(op_ms(o), 0, 1000);
	assert_false(o->heard.has_response);
	assert_has(str_of(o->heard.fail.text), "refused");
	assert_has(str_of(o->heard.fail.text), p->text); /* names the target */
	op_end(o);
	ua_free(u);
	peer_free(p);
}

static void test_closed_port(void **state)
{
	(void)state;
	closed_over(NET_UDP, NET_CLIENT, false);
	closed_over(NET_TCP, NET_CLIENT, false);
	closed_over(NET_UDP, NET_SERVER, false);
	closed_over(NET_UDP, NET_SERVER, true); /* IP_RECVERR, ruling 7 */
	closed_over(NET_TCP, NET_SERVER, true);
}

/* The peer ends the connection before it answers. */
static void test_closed_before_answer(void **state)
{
	struct peer *p = peer_new();
	struct ua *u = ua_at(p, NET_TCP);
	struct op *o;

	(void)state;
	peer_script(p, STEPS({ 0, .close = true }));
	o = op_request(u, (struct request_config){ 0 });
	op_failed(o, FAIL_CONNECT, 0);
	assert_between(op_ms(o), 0, 1000);
	op_end(o);
	/* The next one makes a new connection (SE-08). */
	peer_script(p, STEPS({ 200 }));
	o = op_request(u, (struct request_config){ 0 });
	op_done(o, 200);
	assert_int_equal(p->accepted, 2);
	op_end(o);
	/* The connection is kept (SE-06) ... */
	o = op_request(u, (struct request_config){ 0 });
	op_done(o, 200);
	assert_int_equal(p->accepted, 2);
	op_end(o);
	/* ... and made anew after an idle drop, which is told. */
	peer_drop(p, false);
	rig_wait(u->heard.count[ENDPOINT_DISCONNECTED], 2);
	assert_string_equal(u->heard.flow_cause, "peer");
	assert_string_equal(u->heard.action, "none");
	o = op_request(u, (struct request_config){ 0 });
	op_done(o, 200);
	assert_int_equal(p->accepted, 3);
	op_end(o);
	ua_free(u);
	peer_free(p);
}

/* An answer that arrives together with the end of the stream counts. */
static void test_answer_and_close(void **state)
{
	struct peer *p = peer_new();
	struct ua *u = ua_at(p, NET_TCP);
	struct op *o;

	(void)state;
	peer_script(p, STEPS({ 200, .close = true }));
	for (int i = 0; i < 5; i++) {
		o = op_request(u, (struct request_config){ 0 });
		op_done(o, 200);
		op_end(o);
	}
	ua_free(u);
	peer_free(p);
}

/* --- failover ----------------------------------------------------------------------------------
 */

/* Two servers of a server-based endpoint, or two addresses of one name. */
struct two {
	struct peer *a, *b;
	struct ua *u;
	char override[128];
	const char *overrides[2];
	char server[64], target[64];
};

static struct two *two_new(bool by_name, enum endpoint_kind kind, int transport)
{
	struct two *t = MEM_NEW(struct two);
	struct str servers[2];
	struct endpoint_config ec = { .kind = kind, .transport = transport };

	peer_pair(&t->a, &t->b);
	snprintf(t->override, sizeof(t->override), "sip.test:%u:127.0.0.1,127.0.0.2", t->a->port);
	snprintf(t->server, sizeof(t->server), "sip.test:%u", t->a->port);
	snprintf(t->target, sizeof(t->target), "sip:bob@sip.test:%u", t->a->port);
	t->overrides[0] = t->override;
	servers[0] = by_name ? str_of(t->server) : t->a->server;
	servers[1] = t->b->server;
	if (kind == ENDPOINT_SERVER_BASED) {
		ec.servers = servers;
		ec.server_count = by_name ? 1 : 2;
	}
	t->u = ua_new(
		(struct endpoint_manager_config){
			.kind = kind == ENDPOINT_SERVER_BASED ? NET_CLIENT : NET_SERVER,
			.resolve = t->overrides },
		ec);
	return t;
}

static void two_free(struct two *t)
{
	ua_free(t->u);
	peer_free(t->a);
	peer_free(t->b);
	mem_free(t);
}

static struct op *two_request(struct two *t, struct request_config c)
{
	c.target = str_of(t->target);
	return op_request(t->u, c);
}

/* Every combination of kind, naming and transport. */
struct two_case {
	bool by_name;
	enum endpoint_kind kind;
	int transport;
};

static const struct two_case two_cases[] = {
	{ false, ENDPOINT_SERVER_BASED, NET_UDP },
	{ false, ENDPOINT_SERVER_BASED, NET_TCP },
	{ true, ENDPOINT_SERVER_BASED, NET_UDP },
	{ true, ENDPOINT_SERVER_BASED, NET_TCP },
	{ true, ENDPOINT_PEER_TO_PEER, NET_UDP },
	{ true, ENDPOINT_PEER_TO_PEER, NET_TCP },
};

static struct two *two_of(unsigned i)
{
	return two_new(two_cases[i].by_name, two_cases[i].kind, two_cases[i].transport);
}

static void test_failover_connect(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(two_cases); i++) {
		struct two *t = two_of(i);
		struct op *o;
		peer_close_udp(t->a);
		peer_close_tcp(t->a);
		peer_script(t->b, STEPS({ 200 }));
		o = two_request(t, (struct request_config){ 0 });
		op_done(o, 200);
		assert_between(op_ms(o), 0, 1000);
		assert_int_equal(o->heard.counts.targets_tried, 2);
		op_end(o);
		/* The dead one is left alone for a while. */
		o = two_request(t, (struct request_config){ 0 });
		op_done(o, 200);
		assert_true(o->heard.counts.targets_tried <= 1);
		assert_int_equal(t->b->requests, 2);
		op_end(o);
		two_free(t);
	}
}

static void test_failover_timeout(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(two_cases); i++) {
		struct two *t = two_of(i);
		struct op *o;
		peer_script(t->b, STEPS({ 200 }));
		o = two_request(t, (struct request_config){ .timeout_ms = 150 });
		op_done(o, 200);
		assert_between(op_ms(o), 149, 150 + PEER_LATE);
		assert_int_equal(t->a->requests, 1);
		assert_int_equal(t->b->requests, 1);
		/* RFC 3263 4.3: the same request with another branch. */
		assert_true(str_eq(
			sip_msg_call_id(peer_msg(t->a, 0)), sip_msg_call_id(peer_msg(t->b, 0))));
		assert_true(str_eq(
			sip_msg_from_tag(peer_msg(t->a, 0)), sip_msg_from_tag(peer_msg(t->b, 0))));
		assert_false(str_eq(
			msg_via(peer_msg(t->a, 0)).branch, msg_via(peer_msg(t->b, 0)).branch));
		op_end(o);
		two_free(t);
	}
}

static void test_failover_503(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(two_cases); i++) {
		struct two *t = two_of(i);
		struct op *o;
		peer_script(t->a, STEPS({ 503 }));
		peer_script(t->b, STEPS({ 200 }));
		o = two_request(t, (struct request_config){ 0 });
		op_done(o, 200);
		assert_int_equal(t->a->requests, 1);
		assert_int_equal(t->b->requests, 1);
		assert_int_equal(o->heard.counts.targets_tried, 2);
		op_end(o);
		two_free(t);
	}
}

/* A TCP server that hangs up instead of answering. */
static void test_failover_hangup(void **state)
{
	struct two *t = two_new(false, ENDPOINT_SERVER_BASED, NET_TCP);
	struct op *o;

	(void)state;
	peer_script(t->a, STEPS({ 0, .close = true }));
	peer_script(t->b, STEPS({ 200 }));
	o = two_request(t, (struct request_config){ 0 });
	op_done(o, 200);
	op_end(o);
	two_free(t);
}

static void test_failover_ends(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(two_cases); i++) {
		struct two *t = two_of(i);
		struct op *o;
		/* Both refuse with 503. */
		peer_script(t->a, STEPS({ 503 }));
		peer_script(t->b, STEPS({ 503 }));
		o = two_request(t, (struct request_config){ 0 });
		op_failed(o, FAIL_STATUS, 503);
		assert_int_equal(t->a->requests, 1);
		assert_int_equal(t->b->requests, 1);
		op_end(o);
		two_free(t);

		/* Nobody is there. */
		t = two_of(i);
		peer_close_udp(t->a);
		peer_close_tcp(t->a);
		peer_close_udp(t->b);
		peer_close_tcp(t->b);
		o = two_request(t, (struct request_config){ 0 });
		op_failed(o, FAIL_CONNECT, 0);
		assert_int_equal(o->heard.counts.targets_tried, 2);
		op_end(o);
		two_free(t);

		/* Both are silent: two time-outs. */
		t = two_of(i);
		o = two_request(t, (struct request_config){ .timeout_ms = 60 });
		op_failed(o, FAIL_TIMEOUT, 0);
		assert_between(op_ms(o), 119, 120 + PEER_LATE);
		op_end(o);
		two_free(t);
	}
}

/* No failover for what another server would not do better, nor for probes. */
static void test_no_failover(void **state)
{
	static const unsigned statuses[] = { 302, 404, 408, 480, 500, 504, 600 };
	struct two *t = two_new(false, ENDPOINT_SERVER_BASED, NET_UDP);
	struct op *o;

	(void)state;
	peer_script(t->b, STEPS({ 200 }));
	for (unsigned i = 0; i < ARRAY_LEN(statuses); i++) {
		peer_script(t->a, &(struct peer_step){ statuses[i] }, 1);
		o = two_request(t, (struct request_config){ 0 });
		op_failed(o, FAIL_STATUS, statuses[i]);
		op_end(o);
	}
	assert_int_equal(t->b->requests, 0);
	peer_script(t->a, STEPS({ 503 }));
	o = two_request(t, (struct request_config){ .fixed_target = true });
	op_failed(o, FAIL_STATUS, 503);
	op_end(o);
	peer_script(t->a, STEPS({ 0 }));
	o = two_request(t, (struct request_config){ .fixed_target = true, .timeout_ms = 100 });
	op_failed(o, FAIL_TIMEOUT, 0);
	op_end(o);
	assert_int_equal(t->b->requests, 0);
	two_free(t);
}

/* --- Retry-After -------------------------------------------------------------------------------
 */

static void test_retry_after_once(void **state)
{
	struct peer *p = peer_new();
	struct ua *u = ua_at(p, NET_UDP);
	struct op *o;

	(void)state;
	peer_script(p, STEPS({ 503, "Retry-After: 1\r\n" }, { 200 }));
	o = op_request(u, (struct request_config){ 0 });
	op_done(o, 200);
	assert_between(op_ms(o), 999, 1000 + PEER_LATE);
	assert_int_equal(p->requests, 2);
	assert_int_equal(o->heard.count[ENDPOINT_RETRY], 1);
	assert_string_equal(o->heard.because, "retry-after");
	assert_int_equal(o->heard.attempt, 2);
	assert_between(o->heard.waits[0], 1000, 1000);
	assert_int_equal(o->heard.counts.retries, 1);
	assert_true(str_eq(sip_msg_call_id(peer_msg(p, 0)), sip_msg_call_id(peer_msg(p, 1))));
	assert_false(str_eq(msg_via(peer_msg(p, 0)).branch, msg_via(peer_msg(p, 1)).branch));
	assert_true(msg_cseq(peer_msg(p, 1)) > msg_cseq(peer_msg(p, 0)));
	op_end(o);
	ua_free(u);
	peer_free(p);
}

static void test_retry_after(void **state)
{
	static const unsigned statuses[] = { 404, 413, 480, 486, 500, 503, 600, 603 };
	struct peer *p = peer_new();
	struct ua *u = ua_at(p, NET_UDP);
	struct op *o;
	unsigned before;

	(void)state;
	/* Any failure that carries it, exactly once. */
	for (unsigned i = 0; i < ARRAY_LEN(statuses); i++) {
		before = p->requests;
		peer_script(p, &(struct peer_step){ statuses[i], "Retry-After: 0\r\n" }, 1);
		o = op_request(u, (struct request_config){ 0 });
		op_failed(o, FAIL_STATUS, statuses[i]);
		assert_int_equal(p->requests, before + 2);
		op_end(o);
	}
	/* EP-25: switched off. */
	before = p->requests;
	peer_script(p, STEPS({ 503, "Retry-After: 0\r\n" }));
	o = op_request(u, (struct request_config){ .retry = { .no_retry_after = true } });
	op_failed(o, FAIL_STATUS, 503);
	assert_int_equal(p->requests, before + 1);
	op_end(o);
	/* A probe is never repeated (ruling 4). */
	before = p->requests;
	o = op_request(u, (struct request_config){ .fixed_target = true });
	op_failed(o, FAIL_STATUS, 503);
	assert_int_equal(p->requests, before + 1);
	op_end(o);
	/* Longer than the time-out of the transaction: not waited for. */
	before = p->requests;
	peer_script(p, STEPS({ 503, "Retry-After: 1 (soon)\r\n" }));
	o = op_request(u, (struct request_config){ .timeout_ms = 900 });
	op_failed(o, FAIL_STATUS, 503);
	assert_between(op_ms(o), 0, 500);
	assert_int_equal(p->requests, before + 1);
	op_end(o);
	ua_free(u);
	peer_free(p);
}

/* A77: huge, negative, not a number. */
static void test_retry_after_odd(void **state)
{
	static const char *const odd[] = { "3600", "4294967295", "4294967296",
		"99999999999999999999", "-1", "soon", "1e3", "0x1", "" };
	struct peer *p = peer_new();
	struct ua *u = ua_at(p, NET_UDP);

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(odd); i++) {
		char header[64];
		unsigned before = p->requests;
		struct op *o;
		snprintf(header, sizeof(header), "Retry-After: %s\r\n", odd[i]);
		peer_script(p, &(struct peer_step){ 503, header }, 1);
		o = op_request(u, (struct request_config){ .timeout_ms = 300 });
		op_wait(o);
		assert_int_equal(o->heard.final, ENDPOINT_FAILED);
		assert_between(op_ms(o), 0, 300 + PEER_LATE);
		assert_between(p->requests - before, 1, 1);
		op_end(o);
	}
	ua_free(u);
	peer_free(p);
}

/* Ruling 4: the next target first, then the one repeat. */
static void test_retry_after_and_failover(void **state)
{
	struct two *t = two_new(false, ENDPOINT_SERVER_BASED, NET_UDP);
	struct op *o;

	(void)state;
	peer_script(t->a, STEPS({ 503, "Retry-After: 1\r\n" }));
	peer_script(t->b, STEPS({ 200 }));
	o = two_request(t, (struct request_config){ 0 });
	op_done(o, 200);
	assert_between(op_ms(o), 0, 500);
	op_end(o);
	two_free(t);

	t = two_new(false, ENDPOINT_SERVER_BASED, NET_UDP);
	peer_script(t->a, STEPS({ 503, "Retry-After: 0\r\n" }));
	peer_script(t->b, STEPS({ 503, "Retry-After: 0\r\n" }));
	o = two_request(t, (struct request_config){ 0 });
	op_failed(o, FAIL_STATUS, 503);
	assert_true(t->a->requests >= 1 && t->b->requests >= 1);
	assert_between(t->a->requests + t->b->requests, 3, 4);
	op_end(o);
	two_free(t);
}

/* --- retries -----------------------------------------------------------------------------------
 */

static void test_retry_schedule(void **state)
{
	struct peer *p = peer_new();
	struct ua *u = ua_at(p, NET_UDP);
	struct op *o;

	(void)state;
	peer_script(p, STEPS({ 503 }));
	o = op_request(u, (struct request_config){ .retry = { .count = 3, .delay_ms = 40 } });
	op_failed(o, FAIL_STATUS, 503);
	assert_int_equal(p->requests, 4);
	assert_int_equal(o->heard.count[ENDPOINT_RETRY], 3);
	assert_int_equal(o->heard.attempt, 4);
	assert_int_equal(o->heard.of, 4);
	assert_string_equal(o->heard.because, "status");
	assert_string_equal(o->heard.order, "YYYf");
	for (unsigned i = 0; i < 3; i++) {
		double wait = 40 << i;
		assert_between(o->heard.waits[i], wait, wait);
		assert_between(peer_request(p, i + 1)->ms - peer_request(p, i)->ms, wait - 2,
			wait + PEER_LATE);
	}
	assert_int_equal(o->heard.counts.retries, 3);
	op_end(o);
	ua_free(u);
	peer_free(p);
}

static void test_retry_what(void **state)
{
	static const struct {
		unsigned status;
		bool repeated;
	} cases[] = { { 408, true }, { 480, true }, { 500, true }, { 503, true }, { 504, true },
		{ 302, false }, { 400, false }, { 403, false }, { 404, false }, { 405, false },
		{ 486, false }, { 501, false }, { 502, false }, { 513, false }, { 600, false },
		{ 603, false } };
	struct peer *p = peer_new();
	struct ua *u = ua_at(p, NET_UDP);
	struct op *o;
	unsigned before;

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
		const struct peer_step steps[] = { { cases[i].status }, { 200 } };
		before = p->requests;
		peer_script(p, steps, 2);
		o = op_request(
			u, (struct request_config){ .retry = { .count = 2, .delay_ms = 5 } });
		if (cases[i].repeated)
			op_done(o, 200);
		else
			op_failed(o, FAIL_STATUS, cases[i].status);
		assert_int_equal(p->requests - before, cases[i].repeated ? 2 : 1);
		op_end(o);
	}
	/* Time-outs are repeated, too. */
	before = p->requests;
	peer_script(p, STEPS({ 0 }, { 0 }, { 200 }));
	o = op_request(u, (struct request_config){
				  .timeout_ms = 60, .retry = { .count = 2, .delay_ms = 10 } });
	op_done(o, 200);
	assert_int_equal(p->requests - before, 3);
	assert_string_equal(o->heard.because, "timeout");
	op_end(o);
	ua_free(u);
	peer_free(p);
}

static void test_retry_refused(void **state)
{
	static const int transports[] = { NET_UDP, NET_TCP };

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct peer *p = peer_new();
		struct ua *u = ua_at(p, transports[i]);
		struct op *o;
		peer_close_udp(p);
		peer_close_tcp(p);
		/* Not without the flag. */
		o = op_request(
			u, (struct request_config){ .retry = { .count = 3, .delay_ms = 10 } });
		op_failed(o, FAIL_CONNECT, 0);
		assert_int_equal(o->heard.count[ENDPOINT_RETRY], 0);
		op_end(o);
		o = op_request(
			u, (struct request_config){
				   .retry = { .count = 2, .delay_ms = 10, .connrefused = true } });
		op_failed(o, FAIL_CONNECT, 0);
		assert_int_equal(o->heard.count[ENDPOINT_RETRY], 2);
		assert_string_equal(o->heard.because, "connect");
		op_end(o);
		/* "wait for my server to start" */
		o = op_request(
			u, (struct request_config){
				   .retry = { .count = 6, .delay_ms = 20, .connrefused = true } });
		rig_wait(o->heard.count[ENDPOINT_RETRY], 2);
		assert_true(peer_reopen(p));
		peer_script(p, STEPS({ 200 }));
		op_done(o, 200);
		op_end(o);
		ua_free(u);
		peer_free(p);
	}
}

/* All attempts together are bounded. */
static void test_retry_max(void **state)
{
	struct peer *p = peer_new();
	struct ua *u = ua_at(p, NET_UDP);
	struct op *o;

	(void)state;
	peer_script(p, STEPS({ 503 }));
	o = op_request(u,
		(struct request_config){ .retry = { .count = 50, .delay_ms = 50, .max_ms = 250 } });
	op_failed(o, FAIL_STATUS, 503);
	assert_between(op_ms(o), 0, 250 + PEER_LATE);
	assert_int_equal(p->requests, 3); /* at 0, 50, 150; 350 would be too late */
	op_end(o);
	ua_free(u);
	peer_free(p);
}

/* Retry-After is honoured in place of the schedule. */
static void test_retry_honours(void **state)
{
	struct peer *p = peer_new();
	struct ua *u = ua_at(p, NET_UDP);
	struct op *o;

	(void)state;
	peer_script(p, STEPS({ 503, "Retry-After: 1\r\n" }, { 503 }, { 200 }));
	o = op_request(u, (struct request_config){ .retry = { .count = 3, .delay_ms = 20 } });
	op_done(o, 200);
	assert_int_equal(p->requests, 3);
	assert_between(peer_request(p, 1)->ms - peer_request(p, 0)->ms, 998, 1000 + PEER_LATE);
	assert_between(peer_request(p, 2)->ms - peer_request(p, 1)->ms, 18, 40 + PEER_LATE);
	op_end(o);
	ua_free(u);
	peer_free(p);
}

/* --- 423 ---------------------------------------------------------------------------------------
 */

static struct op *publish(struct ua *u, uint32_t expires)
{
	return op_request(
		u, (struct request_config){
			   .method = STR("PUBLISH"), .expires = expires, .has_expires = true });
}

static void test_423(void **state)
{
	struct peer *p = peer_new();
	struct ua *u = ua_at(p, NET_UDP);
	struct op *o;

	(void)state;
	/* Once, with what the server wants. */
	peer_script(p, STEPS({ 423, "Min-Expires: 120\r\n" }, { 200, "Expires: 120\r\n" }));
	o = publish(u, 60);
	op_done(o, 200);
	assert_int_equal(p->requests, 2);
	assert_int_equal(msg_seconds(peer_msg(p, 0), SIP_HDR_EXPIRES), 60);
	assert_int_equal(msg_seconds(peer_msg(p, 1), SIP_HDR_EXPIRES), 120);
	assert_true(msg_cseq(peer_msg(p, 1)) > msg_cseq(peer_msg(p, 0)));
	assert_int_equal(request_expires(o->r), 120);
	op_end(o);
	ua_free(u);
	peer_free(p);
}

static void test_423_refused(void **state)
{
	static const struct {
		const char *first, *second;
		unsigned sent;
	} cases[] = {
		{ "Min-Expires: 120\r\n", "Min-Expires: 240\r\n", 2 }, /* A76: growing */
		{ "Min-Expires: 120\r\n", "Min-Expires: 120\r\n", 2 },
		{ "Min-Expires: 30\r\n", NULL, 1 }, /* lower than asked */
		{ "Min-Expires: 60\r\n", NULL, 1 }, /* as asked */
		{ "Min-Expires: 0\r\n", NULL, 1 },
		{ NULL, NULL, 1 },
		{ "Min-Expires: often\r\n", NULL, 1 },
		{ "Min-Expires: 4294967296\r\n", NULL, 1 },
	};
	struct peer *p = peer_new();
	struct ua *u = ua_at(p, NET_UDP);

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
		const struct peer_step steps[] = { { 423, cases[i].first },
			{ 423, cases[i].second }, { 423, "Min-Expires: 100000\r\n" } };
		unsigned before = p->requests;
		struct op *o;
		peer_script(p, steps, 3);
		o = publish(u, 60);
		op_wait(o);
		assert_int_equal(o->heard.final, ENDPOINT_FAILED);
		assert_int_equal(p->requests - before, cases[i].sent);
		op_end(o);
	}
	/* Without Expires there is nothing to raise. */
	{
		unsigned before = p->requests;
		struct op *o;
		peer_script(p, STEPS({ 423, "Min-Expires: 120\r\n" }));
		o = op_request(u, (struct request_config){ 0 });
		op_failed(o, FAIL_STATUS, 423);
		assert_int_equal(p->requests - before, 1);
		op_end(o);
	}
	ua_free(u);
	peer_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_success),
		cmocka_unit_test(test_provisional),
		cmocka_unit_test(test_final_failures),
		cmocka_unit_test(test_other_success),
		cmocka_unit_test(test_timeout_udp),
		cmocka_unit_test(test_timeout_tcp),
		cmocka_unit_test(test_timeout_given),
		cmocka_unit_test(test_proceeding),
		cmocka_unit_test(test_no_retransmit),
		cmocka_unit_test(test_answer_to_third),
		cmocka_unit_test(test_late_answer),
		cmocka_unit_test(test_closed_port),
		cmocka_unit_test(test_closed_before_answer),
		cmocka_unit_test(test_answer_and_close),
		cmocka_unit_test(test_failover_connect),
		cmocka_unit_test(test_failover_timeout),
		cmocka_unit_test(test_failover_503),
		cmocka_unit_test(test_failover_hangup),
		cmocka_unit_test(test_failover_ends),
		cmocka_unit_test(test_no_failover),
		cmocka_unit_test(test_retry_after_once),
		cmocka_unit_test(test_retry_after),
		cmocka_unit_test(test_retry_after_odd),
		cmocka_unit_test(test_retry_after_and_failover),
		cmocka_unit_test(test_retry_schedule),
		cmocka_unit_test(test_retry_what),
		cmocka_unit_test(test_retry_refused),
		cmocka_unit_test(test_retry_max),
		cmocka_unit_test(test_retry_honours),
		cmocka_unit_test(test_423),
		cmocka_unit_test(test_423_refused),
	};

	net_loop();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
