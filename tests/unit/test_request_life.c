/* tests/unit/test_request_life.c -- requests of lib/endpoint: the cap on outstanding ones, and that
 * they may be freed anywhere, end exactly once and rest while nothing happens */
#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "peer_rig.h"

/* --- a cap on outstanding requests, SE-11 --------------------------------------------------------
 */

static unsigned outstanding_ended;

static void count_end(struct heard *h, const struct endpoint_event *ev)
{
	(void)h;
	outstanding_ended += ev->type >= ENDPOINT_DONE;
}

static void test_outstanding(void **state)
{
	struct peer *p = peer_new();
	struct ua *u = ua_new(
		(struct endpoint_manager_config){ .kind = NET_CLIENT, .timers = rig_timers(500) },
		(struct endpoint_config){ .servers = &p->server,
			.server_count = 1,
			.transport = NET_TCP,
			.max_outstanding = 20 });
	struct op *o[26];

	(void)state;
	outstanding_ended = 0;
	for (unsigned i = 0; i < 26; i++) {
		o[i] = op_request(u, (struct request_config){ 0 });
		o[i]->heard.hook = count_end;
	}
	rig_wait(p->requests, 20);
	rig_idle(50);
	assert_int_equal(p->requests, 20);
	for (unsigned i = 0; i < 26; i++) /* the first to come are the first to go */
		assert_int_equal(request_flow(o[i]->r) != NULL, i < 20);
	/* A provisional answer frees no place. */
	peer_reply(p, peer_request(p, 0), 100, NULL);
	rig_idle(30);
	assert_int_equal(p->requests, 20);
	/* A final one does: the 21st goes. */
	peer_reply(p, peer_request(p, 0), 200, NULL);
	rig_wait(outstanding_ended, 1);
	rig_wait(p->requests, 21);
	rig_idle(30);
	assert_int_equal(p->requests, 21);
	assert_non_null(request_flow(o[20]->r));
	/* So does a failure, and the end of a request that is not waited for any more. */
	peer_reply(p, peer_request(p, 1), 404, NULL);
	rig_wait(outstanding_ended, 2);
	rig_wait(p->requests, 22);
	op_free(o[21]); /* the last one sent */
	rig_wait(p->requests, 23);
	/* One that waits is freed: it is never sent. */
	assert_null(request_flow(o[24]->r));
	op_free(o[24]);
	for (unsigned i = 2; i < 23; i++)
		peer_reply(p, peer_request(p, i), 200, NULL);
	rig_wait(p->requests, 25);
	rig_idle(30);
	assert_int_equal(p->requests, 25); /* all but [24] */
	for (unsigned i = 23; i < 25; i++)
		peer_reply(p, peer_request(p, i), 200, NULL);
	rig_wait(outstanding_ended, 24);
	for (unsigned i = 0; i < 26; i++)
		if (i != 21 && i != 24)
			op_end(o[i]);
	ua_free(u);
	peer_free(p);
}

/* Freed with its queue full, in any order. */
static void test_outstanding_free(void **state)
{
	(void)state;
	for (int order = 0; order < 2; order++) {
		struct peer *p = peer_new();
		struct ua *u = ua_new((struct endpoint_manager_config){ .kind = NET_CLIENT },
			(struct endpoint_config){
				.servers = &p->server, .server_count = 1, .max_outstanding = 1 });
		struct op *o[5];
		for (unsigned i = 0; i < 5; i++)
			o[i] = op_request(u, (struct request_config){ 0 });
		rig_wait(p->requests, 1);
		for (unsigned i = 0; i < 5; i++)
			op_free(o[order ? i : 4 - i]);
		ua_free(u);
		peer_free(p);
	}
}

/* --- lifetimes ----------------------------------------------------------------------------------
 */

/* A request with everything in it: 401, 503 with Retry-After, 200, and its connection closed. What
 * is freed at the first event of a kind: the request, the endpoint besides, the manager besides, or
 * the manager alone. */
enum { ONLY_REQUEST, AND_ENDPOINT, AND_MANAGER, ONLY_MANAGER, WHATS };

struct end {
	struct ua *u;
	struct op *o;
	enum endpoint_event_type at;
	int what;
	unsigned happened;
};

static void end_now(struct heard *h, const struct endpoint_event *ev)
{
	struct end *e = h->arg;

	if (ev->type != e->at || e->happened)
		return;
	e->happened = 1;
	if (e->what != ONLY_MANAGER) {
		request_free(e->o->r);
		e->o->r = NULL;
	}
	if (e->what == AND_ENDPOINT || e->what == AND_MANAGER) {
		endpoint_free(e->u->ep);
		e->u->ep = NULL;
	}
	if (e->what >= AND_MANAGER) {
		endpoint_manager_free(e->u->m);
		e->u->m = NULL;
	}
	e->o->heard.quiet = true;
	if (e->what >= 1)
		e->u->heard.quiet = true;
}

static bool end_at(
	enum endpoint_event_type at, int what, int transport, unsigned last, unsigned wait)
{
	const struct peer_step steps[] = {
		{ 401, "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\"\r\n" },
		{ 503, "Retry-After: 0\r\n" },
		{ last, .close = true },
	};
	struct peer *p = peer_new();
	struct end *e = MEM_NEW(struct end);
	bool happened;

	peer_script(p, steps, 3);
	e->u = ua_auth_at(p, transport, "secret", (struct auth_config){ 0 });
	e->at = at;
	e->what = what;
	e->o = op_new();
	e->u->heard.arg = e->o->heard.arg = e;
	e->u->heard.hook = e->o->heard.hook = end_now;
	assert_int_equal(
		op_try(e->u, e->o,
			(struct request_config){
				.method = STR("OPTIONS"), .max_forwards = -1, .timeout_ms = 3000 }),
		0);
	rig_run(&e->happened, 1, wait);
	happened = e->happened;
	rig_idle(30);
	e->u->heard.hook = e->o->heard.hook = NULL;
	op_free(e->o);
	ua_free(e->u);
	peer_free(p);
	mem_free(e);
	return happened;
}

static void test_free_anywhere(void **state)
{
	static const enum endpoint_event_type types[] = { ENDPOINT_RESOLVED, ENDPOINT_CONNECTED,
		ENDPOINT_REQUEST, ENDPOINT_RESPONSE, ENDPOINT_CHALLENGED, ENDPOINT_RETRY,
		ENDPOINT_DONE, ENDPOINT_FAILED, ENDPOINT_DISCONNECTED };

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(types); i++)
		for (int what = 0; what < WHATS; what++)
			for (int transport = NET_UDP; transport <= NET_TCP; transport++) {
				/* Nothing is asked for a numeric host, nothing connects over UDP.
				 */
				bool may_miss = types[i] == ENDPOINT_RESOLVED ||
						(transport == NET_UDP &&
							(types[i] == ENDPOINT_CONNECTED ||
								types[i] == ENDPOINT_DISCONNECTED));
				if (!end_at(types[i], what, transport,
					    types[i] == ENDPOINT_FAILED ? 404 : 200,
					    may_miss ? 60 : 2000) &&
					!may_miss)
					fail_msg("event %d did not happen", (int)types[i]);
			}
}

/* A refused connection and a time-out: freed in their final event. */
static void test_free_in_failure(void **state)
{
	(void)state;
	for (int transport = NET_UDP; transport <= NET_TCP; transport++)
		for (int what = 0; what < WHATS; what++)
			for (int silent = 0; silent < 2; silent++) {
				struct peer *p = peer_new();
				struct end *e = MEM_NEW(struct end);
				if (!silent) {
					peer_close_udp(p);
					peer_close_tcp(p);
				}
				e->u = ua_at(p, transport);
				e->at = ENDPOINT_FAILED;
				e->what = what;
				e->o = op_new();
				e->o->heard.arg = e;
				e->o->heard.hook = end_now;
				assert_int_equal(
					op_try(e->u, e->o,
						(struct request_config){ .method = STR("OPTIONS"),
							.max_forwards = -1,
							.timeout_ms = 50 }),
					0);
				rig_wait(e->happened, 1);
				rig_idle(10);
				op_free(e->o);
				ua_free(e->u);
				peer_free(p);
				mem_free(e);
			}
}

/* Freed after every number of loop passes. */
static void test_free_at_any_pass(void **state)
{
	(void)state;
	for (int transport = NET_UDP; transport <= NET_TCP; transport++)
		for (int passes = 0; passes < 14; passes++) {
			struct peer *p = peer_new();
			struct ua *u =
				ua_auth_at(p, transport, "secret", (struct auth_config){ 0 });
			struct op *o;
			peer_script(p, STEPS({ 401, "WWW-Authenticate: Digest realm=\"r\", "
						    "nonce=\"n\", qop=\"auth\"\r\n" },
					       { 503, "Retry-After: 0\r\n" }, { 200 }));
			o = op_request(u, (struct request_config){ 0 });
			for (int i = 0; i < passes; i++)
				ev_run(net_loop(), EVRUN_NOWAIT);
			op_free(o);
			ua_free(u);
			peer_free(p);
		}
}

/* The next request is started in the handler of the last one. */
struct chain {
	struct ua *u;
	struct op *ops[10];
	unsigned n;
};

static void chain_next(struct heard *h, const struct endpoint_event *ev)
{
	struct chain *c = h->arg;

	assert_int_equal(ev->type, ENDPOINT_DONE);
	if (c->n == ARRAY_LEN(c->ops))
		return;
	c->ops[c->n] = op_request(c->u, (struct request_config){ 0 });
	c->ops[c->n]->heard.hook = chain_next;
	c->ops[c->n]->heard.arg = c;
	c->n++;
}

static void test_chain(void **state)
{
	(void)state;
	for (int transport = NET_UDP; transport <= NET_TCP; transport++) {
		struct peer *p = peer_new();
		struct chain c = { .u = ua_at(p, transport) };
		peer_script(p, STEPS({ 200 }));
		c.ops[0] = op_request(c.u, (struct request_config){ 0 });
		c.ops[0]->heard.hook = chain_next;
		c.ops[0]->heard.arg = &c;
		c.n = 1;
		rig_wait(p->requests, 10);
		op_done(c.ops[9], 200);
		for (unsigned i = 0; i < 10; i++)
			op_end(c.ops[i]);
		ua_free(c.u);
		peer_free(p);
	}
}

/* Requests go out in the order in which they were started, over a new connection and a kept one. */
static void test_order(void **state)
{
	(void)state;
	for (int transport = NET_UDP; transport <= NET_TCP; transport++) {
		struct peer *p = peer_new();
		struct ua *u = ua_at(p, transport);
		peer_script(p, STEPS({ 200 }));
		for (unsigned round = 0; round < 2; round++) {
			struct op *o[5];
			for (unsigned i = 0; i < 5; i++) {
				char target[64];
				snprintf(target, sizeof(target), "sip:n%u@example.test", i);
				o[i] = op_request(
					u, (struct request_config){ .target = str_of(target) });
			}
			for (unsigned i = 0; i < 5; i++)
				op_done(o[i], 200);
			for (unsigned i = 0; i < 5; i++) {
				char name[16];
				snprintf(name, sizeof(name), "sip:n%u@", i);
				assert_has(peer_msg(p, 5 * round + i)->request_uri, name);
				op_end(o[i]);
			}
		}
		ua_free(u);
		peer_free(p);
	}
}

/* R6: whatever the peer does, one final event each. */
static void answer_random(struct peer *p, const struct peer_got *g)
{
	static const char challenge[] =
		"WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\"\r\n";
	struct peer_conn *c = peer_conn(p, g->conn);

	switch (rand() % 14) {
	case 0:
	case 1:
		peer_reply(p, g, 200, NULL);
		return;
	case 2:
		peer_reply(p, g, 100, NULL);
		return;
	case 3:
		peer_reply_later(p, g, 200, NULL, (unsigned)(rand() % 60), false);
		return;
	case 4:
		peer_reply(p, g, 503, "Retry-After: 0\r\n");
		return;
	case 5:
		peer_reply(p, g, 401, challenge);
		return;
	case 6:
		peer_reply(p, g, 302, "Contact: <sip:other@{me}>\r\n");
		return;
	case 7:
		peer_reply(p, g, 423, "Min-Expires: 120\r\n");
		return;
	case 8:
		if (c)
			peer_conn_close(c, true);
		return;
	case 9:
		peer_reply(p, g, 200, NULL);
		if (c)
			peer_conn_close(c, false);
		return;
	case 10:
		peer_reply(p, g, 200, NULL);
		peer_reply(p, g, 404, NULL);
		return;
	case 11:
		peer_reply(p, g, 603, NULL);
		return;
	case 12:
		peer_reply(p, g, 401, NULL);
		return;
	default:
		return;
	}
}

static void test_random(void **state)
{
	(void)state;
	srand(4711);
	for (int round = 0; round < 8; round++) {
		struct peer *p = peer_new(), *q = peer_new();
		struct str servers[] = { p->server, q->server };
		struct cred_store *creds = rig_creds("secret");
		struct op *o[40];
		struct ua *u = ua_new((struct endpoint_manager_config){ .kind = NET_CLIENT,
					      .timers = rig_timers(10) },
			(struct endpoint_config){ .servers = servers,
				.server_count = 2,
				.transport = round % 2 ? NET_TCP : NET_UDP,
				.auth = { .creds = creds },
				.max_outstanding = round % 4 < 2 ? 0 : 7 });
		u->creds = creds;
		p->hook = q->hook = answer_random;
		for (unsigned i = 0; i < ARRAY_LEN(o); i++)
			o[i] = op_request(u, (struct request_config){ .timeout_ms = 80,
						     .follow = 2,
						     .has_expires = i % 2,
						     .expires = 60,
						     .retry = { .count = (unsigned)rand() % 3,
							     .delay_ms = 5,
							     .connrefused = rand() % 2 } });
		for (unsigned i = 0; i < ARRAY_LEN(o); i++)
			op_wait(o[i]);
		rig_idle(100);
		for (unsigned i = 0; i < ARRAY_LEN(o); i++) {
			assert_int_equal(o[i]->heard.finals, 1);
			op_free(o[i]);
		}
		ua_free(u);
		peer_free(p);
		peer_free(q);
	}
}

/* While nothing happens, nothing runs. */
static void test_no_spin(void **state)
{
	struct peer *p = peer_new();
	struct ua *u = ua_new(
		(struct endpoint_manager_config){ .kind = NET_CLIENT, .timers = rig_timers(500) },
		(struct endpoint_config){
			.servers = &p->server, .server_count = 1, .transport = NET_TCP });
	struct op *o = op_request(u, (struct request_config){ 0 });

	(void)state;
	rig_wait(p->requests, 1);
	rig_idle(20);
	assert_true(rig_idle(200) < 20);
	peer_send_to(p, NULL, p->conn_ids, STR("SIP/2.0 200 OK\r\nVia: SIP")); /* A05 */
	rig_idle(20);
	assert_true(rig_idle(200) < 20);
	op_free(o);
	ua_free(u);
	peer_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_outstanding),
		cmocka_unit_test(test_outstanding_free),
		cmocka_unit_test(test_free_anywhere),
		cmocka_unit_test(test_free_in_failure),
		cmocka_unit_test(test_free_at_any_pass),
		cmocka_unit_test(test_chain),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_no_spin),
	};

	net_loop();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
