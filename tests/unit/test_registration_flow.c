/* tests/unit/test_registration_flow.c -- registrations of lib/endpoint and their flows: what a drop
 * means (RG-11 to RG-13, ruling 21), outbound (RFC 5626, ruling 8), keep-alive */
#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "peer_rig.h"

#define INSTANCE "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"

static struct op *keep(struct ua *u, struct registration_config c)
{
	struct op *o;

	c.keep = true;
	o = op_register(u, c);
	rig_wait(o->heard.count[ENDPOINT_REGISTRATION], c.reg_id_count ? c.reg_id_count : 1);
	assert_true(o->heard.active);
	return o;
}

static struct sip_nameaddr contact_of(const struct sip_msg *m)
{
	struct sip_list l = sip_msg_list(m, SIP_HDR_CONTACT);
	struct sip_nameaddr a;

	assert_true(sip_list_nameaddr(&l, &a));
	return a;
}

/* --- the drop matrix
 * ------------------------------------------------------------------------------- */

/* A client manager, a server manager that is silent, one that listens. */
enum managers { CLIENT, SILENT, LISTENING };

static struct ua *ua_of(enum managers kind, const struct peer *p, enum endpoint_on_drop on_drop)
{
	struct ua *u = ua_manager((struct endpoint_manager_config){
		.kind = kind == CLIENT ? NET_CLIENT : NET_SERVER });

	if (kind == LISTENING)
		assert_int_equal(endpoint_manager_listen(u->m, STR("tcp:127.0.0.1:0"), NULL), 0);
	assert_int_equal(ua_endpoint(u, (struct endpoint_config){ .servers = &p->server,
						.server_count = 1,
						.transport = NET_TCP,
						.on_drop = on_drop }),
		0);
	return u;
}

/* RG-11: a new connection and a refresh over it, at once; by order or by reset. */
static void test_drop_refresh(void **state)
{
	(void)state;
	for (enum managers kind = CLIENT; kind <= SILENT; kind++)
		for (int reset = 0; reset < 2; reset++) {
			struct peer *p = peer_new();
			struct ua *u = ua_of(kind, p, ENDPOINT_DROP_REFRESH);
			struct op *o, *q;
			double dropped;
			p->hook = peer_registrar;
			o = keep(u, (struct registration_config){ 0 });
			dropped = rig_ms();
			peer_drop(p, reset);
			rig_wait(o->heard.count[ENDPOINT_REGISTRATION], 2);
			assert_between(rig_ms() - dropped, 0, 400);
			assert_int_equal(u->heard.count[ENDPOINT_DISCONNECTED], 1);
			assert_int_equal(u->heard.count[ENDPOINT_CONNECTED], 2);
			assert_string_equal(u->heard.action, "refresh");
			assert_string_equal(u->heard.flow_cause, reset ? "error" : "peer");
			assert_true(o->heard.active);
			assert_string_equal(o->heard.reg_cause, "refreshed");
			assert_int_equal(p->accepted, 2);
			assert_int_equal(p->requests, 2);
			/* The Contact is where we are now. */
			assert_int_equal(contact_of(peer_msg(p, 1)).uri.port,
				net_addr_port(&peer_request(p, 1)->from));
			assert_true(str_eq(
				sip_msg_call_id(peer_msg(p, 0)), sip_msg_call_id(peer_msg(p, 1))));
			/* Other requests take the new one. */
			q = op_request(u, (struct request_config){ 0 });
			op_done(q, 200);
			op_end(q);
			assert_int_equal(p->accepted, 2);
			op_free(o);
			ua_free(u);
			peer_free(p);
		}
}

/* RG-12: unregistered at once; nothing connects any more, sends are refused until there is a new
 * registration (ruling 21). */
static void test_drop_unregister(void **state)
{
	(void)state;
	for (enum managers kind = CLIENT; kind <= SILENT; kind++) {
		struct peer *p = peer_new();
		struct ua *u = ua_of(kind, p, ENDPOINT_DROP_UNREGISTER);
		struct op *o, *q;
		p->hook = peer_registrar;
		o = keep(u, (struct registration_config){ 0 });
		peer_drop(p, false);
		op_failed(o, FAIL_LOST, 0);
		assert_string_equal(o->heard.order, "GGf");
		assert_false(o->heard.active);
		assert_string_equal(o->heard.reg_cause, "connection-dropped");
		assert_string_equal(u->heard.action, "unregister");
		assert_false(registration_active(o->reg));
		for (int i = 0; i < 2; i++) {
			q = op_request(u, (struct request_config){ 0 });
			op_wait(q);
			assert_int_equal(q->heard.final, ENDPOINT_FAILED);
			assert_int_equal(q->heard.counts.sent, 0);
			assert_between(op_ms(q), 0, 200);
			op_end(q);
			if (i == 0)
				op_end(o); /* freed or not */
		}
		rig_idle(50);
		assert_int_equal(p->accepted, 1);
		assert_int_equal(p->requests, 1);
		/* Until it is registered again: not before. */
		peer_script(p, STEPS({ 200, "Contact: {contact};expires=60\r\n", .after_ms = 80 },
				       { 200 }));
		o = op_register(u, (struct registration_config){ .keep = true });
		q = op_request(u, (struct request_config){ 0 });
		op_wait(q);
		assert_int_equal(q->heard.final, ENDPOINT_FAILED);
		op_end(q);
		rig_wait(o->heard.count[ENDPOINT_REGISTRATION], 1);
		q = op_request(u, (struct request_config){ 0 });
		op_done(q, 200);
		op_end(q);
		op_free(o);
		ua_free(u);
		peer_free(p);
	}
}

/* RG-13: the server can connect to us. Nothing happens, and the next request reconnects (RG-14). */
static void test_drop_listening(void **state)
{
	(void)state;
	for (int on_drop = 0; on_drop < 2; on_drop++) {
		struct peer *p = peer_new();
		struct ua *u = ua_of(
			LISTENING, p, on_drop ? ENDPOINT_DROP_UNREGISTER : ENDPOINT_DROP_REFRESH);
		struct op *o, *q;
		p->hook = peer_registrar;
		o = keep(u, (struct registration_config){ 0 });
		peer_drop(p, false);
		rig_wait(u->heard.count[ENDPOINT_DISCONNECTED], 1);
		rig_idle(100);
		assert_string_equal(u->heard.action, "none");
		assert_true(registration_active(o->reg));
		assert_int_equal(o->heard.all, 1);
		assert_int_equal(p->requests, 1);
		assert_int_equal(p->accepted, 1);
		q = op_request(u, (struct request_config){ 0 });
		op_done(q, 200);
		op_end(q);
		assert_int_equal(p->accepted, 2);
		/* The refresh works over the new one. */
		assert_int_equal(registration_refresh(o->reg), 0);
		rig_wait(o->heard.count[ENDPOINT_REGISTRATION], 2);
		op_free(o);
		ua_free(u);
		peer_free(p);
	}
}

/* SE-08: not registered, a drop means nothing; the next request makes a new connection. */
static void test_drop_unregistered(void **state)
{
	(void)state;
	for (int on_drop = 0; on_drop < 2; on_drop++) {
		struct peer *p = peer_new();
		struct ua *u = ua_of(
			CLIENT, p, on_drop ? ENDPOINT_DROP_UNREGISTER : ENDPOINT_DROP_REFRESH);
		struct op *o;
		p->hook = peer_registrar;
		for (int i = 1; i <= 3; i++) {
			o = op_request(u, (struct request_config){ 0 });
			op_done(o, 200);
			op_end(o);
			peer_drop(p, false);
			rig_wait(u->heard.count[ENDPOINT_DISCONNECTED], (unsigned)i);
			assert_string_equal(u->heard.action, "none");
			rig_idle(30);
			assert_int_equal(p->accepted, i);
		}
		/* Nor after an orderly removal, nor with a registration that was not to be kept. */
		o = keep(u, (struct registration_config){ 0 });
		registration_stop(o->reg);
		op_wait(o);
		op_end(o);
		peer_drop(p, false);
		rig_wait(u->heard.count[ENDPOINT_DISCONNECTED], 4);
		assert_string_equal(u->heard.action, "none");
		o = op_request(u, (struct request_config){ 0 });
		op_done(o, 200);
		op_end(o);
		ua_free(u);
		peer_free(p);
	}
}

/* A request in flight when the connection drops fails, and the registration recovers. */
static void test_drop_in_flight(void **state)
{
	struct peer *p = peer_new();
	struct ua *u = ua_of(CLIENT, p, ENDPOINT_DROP_REFRESH);
	struct op *o, *q;

	(void)state;
	p->hook = peer_registrar;
	o = keep(u, (struct registration_config){ 0 });
	peer_script(p, STEPS({ 0, .close = true }, { 200, "Contact: {contact};expires=60\r\n" }));
	q = op_request(u, (struct request_config){ 0 });
	op_failed(q, FAIL_CONNECT, 0);
	op_end(q);
	rig_wait(o->heard.count[ENDPOINT_REGISTRATION], 2);
	assert_true(o->heard.active);
	op_free(o);
	ua_free(u);
	peer_free(p);
}

/* A server that hangs up behind each of its answers is not stormed. */
static void test_hang_up(void **state)
{
	struct peer *p = peer_new();
	struct ua *u = ua_of(CLIENT, p, ENDPOINT_DROP_REFRESH);
	struct op *o;

	(void)state;
	peer_script(p, STEPS({ 200, "Contact: {contact};expires=60\r\n", .close = true }));
	o = op_register(u, (struct registration_config){ .keep = true });
	rig_idle(700);
	assert_between(p->requests, 2, 3);
	op_free(o);
	ua_free(u);
	peer_free(p);
}

/* --- outbound
 * ---------------------------------------------------------------------------------------- */

/* With what an outbound registrar says. */
#define OUTBOUND "Require: outbound\r\n"

struct outbound {
	struct peer *p, *q;
	struct ua *u;
};

static struct outbound *outbound_new(int transport)
{
	struct outbound *x = MEM_NEW(struct outbound);
	struct str servers[2];

	x->p = peer_new();
	x->q = peer_new();
	x->p->hook = x->q->hook = peer_registrar;
	x->p->extra = x->q->extra = OUTBOUND;
	servers[0] = x->p->server;
	servers[1] = x->q->server;
	x->u = ua_new((struct endpoint_manager_config){ .kind = NET_CLIENT },
		(struct endpoint_config){ .servers = servers,
			.server_count = 2,
			.transport = transport,
			.instance = STR(INSTANCE) });
	return x;
}

static void outbound_free(struct outbound *x)
{
	ua_free(x->u);
	peer_free(x->p);
	peer_free(x->q);
	mem_free(x);
}

static const unsigned ids[] = { 1, 2 };
static const struct registration_config two_flows = { .outbound = true,
	.reg_ids = ids,
	.reg_id_count = 2,
	.keepalive = REGISTRATION_KEEPALIVE_NONE };

static void test_outbound(void **state)
{
	(void)state;
	for (int transport = NET_UDP; transport <= NET_TCP; transport++) {
		struct outbound *x = outbound_new(transport);
		struct op *o = keep(x->u, two_flows), *r;
		struct peer *const peers[] = { x->p, x->q };
		struct str v;

		/* Ruling 8: the reg-ids go to the servers in order, one flow each. */
		for (unsigned i = 0; i < 2; i++) {
			struct sip_msg *m = peer_msg(peers[i], 0);
			assert_int_equal(peers[i]->requests, 1);
			assert_true(sip_param(contact_of(m).params, "reg-id", &v));
			assert_str(v, i ? "2" : "1");
			assert_true(sip_param(contact_of(m).params, "+sip.instance", &v));
			assert_str(v, "<" INSTANCE ">");
			assert_true(sip_msg_has_token(m, SIP_HDR_SUPPORTED, "outbound"));
			assert_true(sip_msg_has_token(m, SIP_HDR_SUPPORTED, "path"));
			assert_int_equal(contact_of(m).uri.port,
				net_addr_port(&peer_request(peers[i], 0)->from));
		}
		assert_true(o->heard.outbound);
		assert_true(o->heard.reg_id == 1 || o->heard.reg_id == 2);
		/* Requests take the first flow. */
		r = op_request(x->u, (struct request_config){ 0 });
		op_done(r, 200);
		op_end(r);
		assert_int_equal(x->p->requests, 2);
		if (transport == NET_TCP) {
			/* Only the flow that dropped is made anew. */
			peer_drop(x->q, false);
			rig_wait(o->heard.count[ENDPOINT_REGISTRATION], 3);
			assert_int_equal(o->heard.reg_id, 2);
			assert_int_equal(x->q->requests, 2);
			assert_int_equal(x->p->requests, 2);
			assert_int_equal(x->p->accepted, 1);
			assert_int_equal(x->q->accepted, 2);
		}
		/* Each flow has a binding of its own to remove; the end comes once. */
		registration_stop(o->reg);
		op_wait(o);
		assert_int_equal(o->heard.final, ENDPOINT_CLOSED);
		assert_int_equal(x->p->requests, 3);
		assert_int_equal(x->q->requests, transport == NET_TCP ? 3 : 2);
		assert_int_equal(msg_seconds(peer_last(x->p)->msg, SIP_HDR_EXPIRES), 0);
		assert_int_equal(msg_seconds(peer_last(x->q)->msg, SIP_HDR_EXPIRES), 0);
		op_end(o);
		outbound_free(x);
	}
}

static void test_outbound_once(void **state)
{
	struct outbound *x = outbound_new(NET_TCP);
	struct op *o = op_register(x->u, two_flows);

	(void)state;
	op_done(o, 200);
	assert_string_equal(o->heard.order, "GGd"); /* when both are there */
	op_end(o);
	outbound_free(x);

	/* One of them refuses: one end, and no more. */
	x = outbound_new(NET_TCP);
	peer_script(x->q, STEPS({ 403 }));
	o = op_register(x->u, two_flows);
	op_wait(o);
	assert_int_equal(o->heard.final, ENDPOINT_FAILED);
	assert_int_equal(o->heard.status, 403);
	op_end(o);
	outbound_free(x);

	/* A server that knows nothing of it: registered, not outbound. */
	x = outbound_new(NET_TCP);
	x->p->extra = x->q->extra = NULL;
	o = op_register(x->u, (struct registration_config){ .outbound = true });
	op_done(o, 200);
	assert_false(o->heard.outbound);
	op_end(o);
	outbound_free(x);
}

/* --- keep-alive (RFC 5626 section 4.4)
 * ----------------------------------------------------------------- */

static void test_crlf(void **state)
{
	struct peer *p = peer_new();
	struct ua *u = ua_at(p, NET_TCP);
	struct op *o;

	(void)state;
	p->hook = peer_registrar;
	o = keep(u, (struct registration_config){
			    .keepalive = REGISTRATION_KEEPALIVE_CRLF, .keepalive_ms = 40 });
	rig_idle(400);
	assert_between(p->pings, 7, 13); /* each wait is 80 to 100 per cent of 40 ms */
	assert_int_equal(p->requests, 1);
	assert_int_equal(p->accepted, 1);
	assert_int_equal(o->heard.finals, 0);
	/* Requests go on between. */
	for (int i = 0; i < 5; i++) {
		struct op *q = op_request(u, (struct request_config){ 0 });
		op_done(q, 200);
		op_end(q);
	}
	/* It ends with the registration. */
	registration_stop(o->reg);
	op_wait(o);
	op_end(o);
	p->pings = 0;
	rig_idle(100);
	assert_int_equal(p->pings, 0);
	ua_free(u);
	peer_free(p);
}

static void test_stun(void **state)
{
	struct peer *p = peer_new();
	struct ua *u = ua_at(p, NET_UDP);
	struct op *o;
	unsigned port;

	(void)state;
	p->hook = peer_registrar;
	o = keep(u, (struct registration_config){
			    .keepalive = REGISTRATION_KEEPALIVE_STUN, .keepalive_ms = 40 });
	rig_idle(300);
	assert_between(p->stuns, 5, 10);
	assert_int_equal(p->junk, 0);
	assert_int_equal(p->requests, 1);
	port = net_addr_port(&peer_last(p)->from);
	/* 4.4.2: another mapped address means that the flow has failed; there will be a new one. */
	p->stun_shift = 1;
	rig_wait(o->heard.count[ENDPOINT_REGISTRATION], 2);
	p->stun_shift = 0;
	assert_true(o->heard.active);
	assert_int_equal(p->requests, 2);
	assert_int_not_equal(net_addr_port(&peer_last(p)->from), port);
	assert_int_equal(
		contact_of(peer_last(p)->msg).uri.port, net_addr_port(&peer_last(p)->from));
	rig_idle(100);
	op_free(o);
	ua_free(u);
	peer_free(p);
}

/* An answer of somebody else, or to something else, is none. */
static void test_stun_forged(void **state)
{
	struct peer *p = peer_new();
	struct ua *u = ua_at(p, NET_UDP);
	struct net_addr to;
	struct op *o;
	static const unsigned char forged[] = { 1, 1, 0, 12, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5,
		6, 7, 8, 9, 10, 11, 12, 0, 0x20, 0, 8, 0, 1, 1, 1, 1, 1, 1, 1 };
	static const unsigned char cut[] = { 1, 1, 0, 200, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6,
		7, 8, 9, 10, 11, 12, 0, 0x20, 0xff };

	(void)state;
	p->hook = peer_registrar;
	o = keep(u, (struct registration_config){
			    .keepalive = REGISTRATION_KEEPALIVE_STUN, .keepalive_ms = 60 });
	to = peer_last(p)->from;
	for (int i = 0; i < 5; i++) {
		peer_send_to(p, &to, 0, (struct str){ (const char *)forged, sizeof(forged) });
		peer_send_to(p, &to, 0, (struct str){ (const char *)cut, sizeof(cut) });
		rig_idle(30);
	}
	assert_true(p->stuns >= 2);
	assert_int_equal(p->requests, 1);
	assert_int_equal(o->heard.all, 1);
	op_free(o);
	ua_free(u);
	peer_free(p);
}

static void test_options(void **state)
{
	(void)state;
	for (int transport = NET_UDP; transport <= NET_TCP; transport++) {
		struct peer *p = peer_new();
		struct ua *u = ua_at(p, transport);
		struct op *o;
		unsigned options = 0;
		p->hook = peer_registrar;
		o = keep(u,
			(struct registration_config){
				.keepalive = REGISTRATION_KEEPALIVE_OPTIONS, .keepalive_ms = 40 });
		rig_idle(150);
		/* Any answer proves the path. */
		peer_script(p, STEPS({ 404 }));
		rig_idle(100);
		for (unsigned i = 1; i < p->requests; i++) {
			assert_str(peer_msg(p, i)->method_name, "OPTIONS");
			options++;
		}
		assert_between(options, 4, 8);
		assert_int_equal(o->heard.all, 1);
		assert_int_equal(o->heard.finals, 0);
		op_free(o);
		ua_free(u);
		peer_free(p);
	}
}

/* By itself: only with outbound, CRLF on streams, STUN on UDP; Flow-Timer says how often. */
static void test_auto(void **state)
{
	struct outbound *tcp = outbound_new(NET_TCP), *udp = outbound_new(NET_UDP);
	struct peer *p = peer_new();
	struct ua *u = ua_at(p, NET_TCP);
	struct registration_config c = { .outbound = true };
	struct op *a, *b, *d;

	(void)state;
	p->hook = peer_registrar;
	tcp->p->extra = udp->p->extra = OUTBOUND "Flow-Timer: 1\r\n";
	a = keep(tcp->u, c);
	b = keep(udp->u, c);
	d = keep(u, (struct registration_config){ 0 });
	rig_idle(750);
	assert_int_equal(tcp->p->pings + udp->p->stuns, 0);
	rig_idle(500);
	assert_int_equal(tcp->p->pings, 1);
	assert_int_equal(udp->p->stuns, 1);
	assert_int_equal(p->pings, 0);
	op_free(a);
	op_free(b);
	op_free(d);
	ua_free(u);
	peer_free(p);
	outbound_free(tcp);
	outbound_free(udp);
}

/* No pong for 10 s (4.4.1): the flow has failed and is made anew. The same of OPTIONS. It begins
 * before and ends behind the other tests, which go on meanwhile. */
static struct {
	struct peer *p, *q;
	struct ua *u, *v;
	struct op *o, *r;
	double asked;
} pong;

static void test_no_pong_begins(void **state)
{
	(void)state;
	pong.p = peer_new();
	pong.q = peer_new();
	pong.u = ua_at(pong.p, NET_TCP);
	pong.v = ua_at(pong.q, NET_TCP);
	pong.p->hook = pong.q->hook = peer_registrar;
	pong.p->no_pong = true;
	pong.o =
		keep(pong.u, (struct registration_config){ .keepalive = REGISTRATION_KEEPALIVE_CRLF,
				     .keepalive_ms = 20 });
	pong.r = keep(
		pong.v, (struct registration_config){
				.keepalive = REGISTRATION_KEEPALIVE_OPTIONS, .keepalive_ms = 20 });
	peer_script(pong.q, STEPS({ 0 }));
	rig_wait(pong.p->pings, 1);
	pong.asked = rig_ms();
	rig_wait(pong.q->requests, 2);
	pong.q->hook = peer_registrar;
}

static void test_no_pong(void **state)
{
	(void)state;
	assert_true(rig_run(&pong.p->requests, 2, 12000));
	assert_between(peer_request(pong.p, 1)->ms - pong.asked, 9980, 10000 + 2 * PEER_LATE);
	rig_wait(pong.o->heard.count[ENDPOINT_REGISTRATION], 2);
	assert_string_equal(pong.u->heard.action, "refresh");
	assert_string_equal(pong.u->heard.flow_cause, "local");
	assert_true(pong.o->heard.active);
	assert_int_equal(pong.p->accepted, 2);
	rig_wait(pong.r->heard.count[ENDPOINT_REGISTRATION], 2);
	assert_int_equal(pong.q->accepted, 2);
	op_free(pong.o);
	op_free(pong.r);
	ua_free(pong.u);
	ua_free(pong.v);
	peer_free(pong.p);
	peer_free(pong.q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_pong_begins),
		cmocka_unit_test(test_drop_refresh),
		cmocka_unit_test(test_drop_unregister),
		cmocka_unit_test(test_drop_listening),
		cmocka_unit_test(test_drop_unregistered),
		cmocka_unit_test(test_drop_in_flight),
		cmocka_unit_test(test_hang_up),
		cmocka_unit_test(test_outbound),
		cmocka_unit_test(test_outbound_once),
		cmocka_unit_test(test_crlf),
		cmocka_unit_test(test_stun),
		cmocka_unit_test(test_stun_forged),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_auto),
		cmocka_unit_test(test_no_pong),
	};

	net_loop();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
