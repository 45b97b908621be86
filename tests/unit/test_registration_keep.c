/* tests/unit/test_registration_keep.c -- registrations of lib/endpoint that stay: refresh,
 * refusals, recovery and its end (rulings 4 and 5), removal, lifetimes. State table 2.1 of ucma.md.
 */
#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "peer_rig.h"

#define WWW "WWW-Authenticate: Digest "
#define OK                                                                                         \
	{                                                                                          \
		200, "Contact: {contact};expires=1\r\n"                                            \
	} /* refreshed after half a second */

static uint32_t expires_of(const struct sip_msg *m)
{
	struct sip_list l = sip_msg_list(m, SIP_HDR_CONTACT);
	struct sip_nameaddr a;
	uint32_t n = UINT32_MAX;
	struct str v;

	sip_msg_seconds(m, SIP_HDR_EXPIRES, &n);
	if (sip_list_nameaddr(&l, &a) && sip_param(a.params, "expires", &v))
		assert_true(sip_delta_parse(v, &n));
	return n;
}

/* Registers with keep at p and waits for it. */
static struct op *keep(struct ua *u, struct registration_config c)
{
	struct op *o;

	c.keep = true;
	o = op_register(u, c);
	rig_wait(o->heard.count[ENDPOINT_REGISTRATION], 1);
	assert_true(o->heard.active);
	assert_true(registration_active(o->reg));
	return o;
}

/* --- refresh
 * --------------------------------------------------------------------------------------- */

static void test_refresh(void **state)
{
	(void)state;
	for (int transport = NET_UDP; transport <= NET_TCP; transport++) {
		struct peer *p = peer_new();
		struct ua *u = ua_at(p, transport);
		struct op *o;
		p->hook = peer_registrar;
		p->granted = 1;
		o = keep(u, (struct registration_config){ .expires = 3600 });
		assert_int_equal(o->heard.expires, 1);
		rig_wait(o->heard.count[ENDPOINT_REGISTRATION], 3);
		assert_string_equal(o->heard.reg_causes, "registered refreshed refreshed");
		assert_string_equal(o->heard.order, "GGG");
		for (unsigned i = 1; i < 3; i++) {
			const struct sip_msg *a = peer_msg(p, i - 1), *b = peer_msg(p, i);
			assert_between(peer_request(p, i)->ms - peer_request(p, i - 1)->ms, 490,
				500 + PEER_LATE);
			/* 10.2.4: the same Call-ID, CSeq goes up by one. */
			assert_true(str_eq(sip_msg_call_id(a), sip_msg_call_id(b)));
			assert_int_equal(msg_cseq(b), msg_cseq(a) + 1);
			assert_true(str_eq(sip_msg_from_tag(a), sip_msg_from_tag(b)));
			assert_true(str_eq(sip_msg_value(a, SIP_HDR_CONTACT),
				sip_msg_value(b, SIP_HDR_CONTACT)));
			assert_int_equal(expires_of(b), 3600); /* what is wanted stays the same */
		}
		assert_int_equal(p->accepted, transport == NET_TCP ? 1 : 0);
		op_free(o);
		rig_idle(20);
		assert_int_equal(p->requests, 3); /* free is silent (R5) */
		ua_free(u);
		peer_free(p);
	}
}

/* RG-04: methods change with the next refresh only. */
static void test_methods(void **state)
{
	struct peer *p = peer_new();
	struct ua *u = ua_at(p, NET_UDP);
	struct op *o;

	(void)state;
	p->hook = peer_registrar;
	o = keep(u, (struct registration_config){ .methods = STR("INVITE,NOTIFY") });
	assert_has(sip_msg_value(peer_msg(p, 0), SIP_HDR_CONTACT), "methods=\"INVITE,NOTIFY\"");
	registration_set_methods(o->reg, STR("MESSAGE,NOTIFY"));
	rig_idle(60);
	assert_int_equal(p->requests, 1);
	assert_int_equal(registration_refresh(o->reg), 0);
	/* One at a time. */
	assert_int_equal(registration_refresh(o->reg), -FAIL_STATE);
	rig_wait(o->heard.count[ENDPOINT_REGISTRATION], 2);
	assert_has(sip_msg_value(peer_msg(p, 1), SIP_HDR_CONTACT), "methods=\"MESSAGE,NOTIFY\"");
	assert_int_equal(p->requests, 2);
	registration_stop(o->reg);
	assert_int_equal(registration_refresh(o->reg), -FAIL_STATE);
	op_wait(o);
	assert_int_equal(registration_refresh(o->reg), -FAIL_STATE);
	op_end(o);
	o = op_register(u, (struct registration_config){ .keep = true });
	assert_int_equal(registration_refresh(o->reg), -FAIL_STATE); /* registering */
	op_free(o);
	ua_free(u);
	peer_free(p);
}

/* AU-06: a refresh may be challenged again. */
static void test_refresh_challenged(void **state)
{
	struct peer *p = peer_new();
	struct ua *u = ua_auth_at(p, NET_UDP, "secret", (struct auth_config){ 0 });
	struct op *o;

	(void)state;
	peer_script(
		p, STEPS({ 401, WWW "realm=\"r\", nonce=\"n1\", qop=\"auth\"\r\n" }, OK,
			   { 401, WWW "realm=\"r\", nonce=\"n2\", qop=\"auth\"\r\n" }, OK,
			   { 401, WWW "realm=\"r\", nonce=\"n3\", qop=\"auth\", stale=true\r\n" },
			   OK));
	o = keep(u, (struct registration_config){ 0 });
	assert_int_equal(registration_refresh(o->reg), 0);
	rig_wait(o->heard.count[ENDPOINT_REGISTRATION], 2);
	assert_has(sip_msg_value(peer_msg(p, 3), SIP_HDR_AUTHORIZATION), "nonce=\"n2\"");
	assert_int_equal(registration_refresh(o->reg), 0);
	rig_wait(o->heard.count[ENDPOINT_REGISTRATION], 3);
	assert_has(sip_msg_value(peer_msg(p, 5), SIP_HDR_AUTHORIZATION), "nonce=\"n3\"");
	assert_string_equal(o->heard.order, "AGAGAG");
	assert_int_equal(p->requests, 6);
	for (unsigned i = 1; i < 6; i++)
		assert_int_equal(msg_cseq(peer_msg(p, i)), msg_cseq(peer_msg(p, i - 1)) + 1);
	op_free(o);
	ua_free(u);
	peer_free(p);
}

/* Ruling 5: 401, 403 and 404 end it at once, with their own code. */
static void test_refresh_refused(void **state)
{
	static const unsigned statuses[] = { 403, 404, 600 };
	struct peer *p = peer_new();
	struct op *o, *q;
	struct ua *u;
	unsigned before;

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(statuses); i++) {
		const struct peer_step steps[] = { OK, { statuses[i] } };
		u = ua_at(p, NET_UDP);
		before = p->requests;
		peer_script(p, steps, 2);
		o = keep(u, (struct registration_config){ 0 });
		assert_int_equal(registration_refresh(o->reg), 0);
		op_failed(o, FAIL_STATUS, statuses[i]);
		assert_string_equal(o->heard.order, "GGf"); /* the state first, then the end */
		assert_false(o->heard.active);
		assert_string_equal(o->heard.reg_cause, "rejected");
		assert_false(registration_active(o->reg));
		rig_idle(50);
		assert_int_equal(p->requests - before, 2);
		op_end(o);
		/* The endpoint lives on, unregistered (SE-09). */
		peer_script(p, STEPS({ 200 }));
		q = op_request(u, (struct request_config){ 0 });
		op_done(q, 200);
		op_end(q);
		ua_free(u);
	}
	u = ua_auth_at(p, NET_UDP, "secret", (struct auth_config){ 0 });
	before = p->requests;
	peer_script(p, STEPS({ 401, WWW "realm=\"r\", nonce=\"n1\"\r\n" }, OK,
			       { 401, WWW "realm=\"r\", nonce=\"n2\"\r\n" },
			       { 401, WWW "realm=\"r\", nonce=\"n3\"\r\n" }));
	o = keep(u, (struct registration_config){ 0 });
	assert_int_equal(registration_refresh(o->reg), 0);
	op_failed(o, FAIL_AUTH, 401);
	assert_string_equal(o->heard.cause, "invalid_credentials");
	assert_false(o->heard.active);
	assert_int_equal(p->requests - before, 4);
	op_end(o);
	ua_free(u);
	peer_free(p);
}

static void test_refresh_423(void **state)
{
	struct peer *p = peer_new();
	struct ua *u = ua_at(p, NET_UDP);
	struct op *o;

	(void)state;
	peer_script(p,
		STEPS({ 200, "Contact: {contact};expires=60\r\n" }, { 423, "Min-Expires: 120\r\n" },
			{ 200, "Contact: {contact};expires=120\r\n" },
			{ 200, "Contact: {contact};expires=120\r\n" }));
	o = keep(u, (struct registration_config){ .expires = 60 });
	assert_int_equal(registration_refresh(o->reg), 0);
	rig_wait(o->heard.count[ENDPOINT_REGISTRATION], 2);
	assert_int_equal(expires_of(peer_msg(p, 2)), 120);
	/* It is remembered. */
	assert_int_equal(registration_refresh(o->reg), 0);
	rig_wait(o->heard.count[ENDPOINT_REGISTRATION], 3);
	assert_int_equal(p->requests, 4);
	assert_int_equal(expires_of(peer_msg(p, 3)), 120);
	op_free(o);
	ua_free(u);
	peer_free(p);
}

/* A 200 to a refresh that does not list us, or grants nothing: the server has ended it. */
static void test_refresh_lost(void **state)
{
	static const char *const headers[] = { "Contact: <sip:other@192.0.2.1>;expires=60\r\n",
		"Contact: {contact};expires=0\r\n", "Expires: 0\r\n" };
	struct peer *p = peer_new();

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(headers); i++) {
		const struct peer_step steps[] = { { 200, "Contact: {contact};expires=60\r\n" },
			{ 200, headers[i] } };
		struct ua *u = ua_at(p, NET_UDP);
		unsigned before = p->requests;
		struct op *o;
		peer_script(p, steps, 2);
		o = keep(u, (struct registration_config){ 0 });
		assert_int_equal(registration_refresh(o->reg), 0);
		op_wait(o);
		assert_int_equal(o->heard.final, ENDPOINT_FAILED);
		assert_int_equal(o->heard.fail.code, -FAIL_ENDED);
		assert_false(o->heard.active);
		rig_idle(50);
		assert_int_equal(p->requests - before, 2);
		op_end(o);
		ua_free(u);
	}
	peer_free(p);
}

/* --- recovery: ruling 5, RG-15
 * ----------------------------------------------------------------------- */

/* A refresh that fails without a refusal is repeated at once. */
static void test_recovery(void **state)
{
	static const unsigned statuses[] = { 0, 408, 500, 503, 504 };

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(statuses); i++) {
		const struct peer_step steps[] = { { 200, "Contact: {contact};expires=60\r\n" },
			{ statuses[i] }, { 200, "Contact: {contact};expires=60\r\n" } };
		struct peer *p = peer_new();
		struct ua *u = ua_at(p, NET_UDP);
		double wait = statuses[i] ? 0 : 100;
		struct op *o;
		peer_script(p, steps, 3);
		o = keep(u, (struct registration_config){ .timeout_ms = 100 });
		assert_int_equal(registration_refresh(o->reg), 0);
		rig_wait(o->heard.count[ENDPOINT_REGISTRATION], 2);
		assert_true(o->heard.active);
		assert_int_equal(p->requests, 3);
		assert_between(peer_request(p, 2)->ms - peer_request(p, 1)->ms, wait - 1,
			wait + PEER_LATE);
		assert_int_equal(o->heard.count[ENDPOINT_RETRY], 1);
		assert_between(o->heard.waits[0], 0, 0);
		assert_string_equal(o->heard.order, "GYG");
		rig_idle(30);
		assert_int_equal(o->heard.finals, 0);
		op_free(o);
		ua_free(u);
		peer_free(p);
	}
}

/* At once, then after a second with 20 % jitter, then the time is over: exit 19. */
static void test_give_up(void **state)
{
	struct peer *p = peer_new();
	struct ua *u = ua_at(p, NET_UDP);
	struct op *o;

	(void)state;
	peer_script(p, STEPS({ 200, "Contact: {contact};expires=60\r\n" }, { 500 }));
	o = keep(u, (struct registration_config){ .recover_ms = 1700 });
	assert_int_equal(registration_refresh(o->reg), 0);
	op_failed(o, FAIL_LOST, 0);
	assert_false(o->heard.active);
	assert_int_equal(p->requests, 4); /* and the refresh: 0, 0, 1 s; 3 s would be too late */
	assert_between(peer_request(p, 2)->ms - peer_request(p, 1)->ms, 0, PEER_LATE);
	assert_between(peer_request(p, 3)->ms - peer_request(p, 2)->ms, 798, 1200 + PEER_LATE);
	assert_int_equal(o->heard.count[ENDPOINT_RETRY], 2);
	assert_between(o->heard.waits[1], 800, 1200);
	assert_between(o->heard.ended - peer_request(p, 1)->ms, 0, 1700 + PEER_LATE);
	assert_string_equal(o->heard.order, "GYYGf");
	op_end(o);
	ua_free(u);
	peer_free(p);
}

/* The server goes and comes back, over UDP (the next refresh notices) and TCP (the drop does). */
static void test_server_restart(void **state)
{
	(void)state;
	for (int transport = NET_UDP; transport <= NET_TCP; transport++) {
		struct peer *p = peer_new();
		struct ua *u = ua_at(p, transport);
		struct op *o;
		p->hook = peer_registrar;
		o = keep(u, (struct registration_config){ .recover_ms = 5000 });
		peer_close_udp(p);
		peer_close_tcp(p);
		if (transport == NET_UDP)
			assert_int_equal(registration_refresh(o->reg), 0);
		rig_wait(o->heard.count[ENDPOINT_RETRY], 1);
		assert_string_equal(o->heard.because, "connect");
		assert_int_equal(o->heard.finals, 0);
		assert_true(peer_reopen(p));
		if (!rig_run(&o->heard.count[ENDPOINT_REGISTRATION], 2, PEER_MS))
			fail_msg("%s: not registered again: %s %s",
				net_transport_name((enum net_transport)transport), o->heard.order,
				o->heard.because);
		assert_true(o->heard.active);
		assert_string_equal(o->heard.reg_cause, "refreshed");
		rig_idle(30);
		op_free(o);
		ua_free(u);
		peer_free(p);
	}
}

/* --- the end
 * ------------------------------------------------------------------------------------------ */

static void test_stop(void **state)
{
	(void)state;
	for (int transport = NET_UDP; transport <= NET_TCP; transport++) {
		struct peer *p = peer_new();
		struct ua *u = ua_auth_at(p, transport, "secret", (struct auth_config){ 0 });
		struct op *o;
		peer_script(p, STEPS({ 401, WWW "realm=\"r\", nonce=\"n1\", qop=\"auth\"\r\n" },
				       { 200, "Contact: {contact};expires=60\r\n" }, { 200 }));
		o = keep(u, (struct registration_config){ 0 });
		o->heard.quiet = true;
		registration_stop(o->reg);
		registration_stop(o->reg); /* twice is fine */
		o->heard.quiet = false;
		op_wait(o);
		assert_int_equal(o->heard.final, ENDPOINT_CLOSED);
		assert_string_equal(o->heard.order, "AGGc");
		assert_false(o->heard.active);
		assert_string_equal(o->heard.reg_cause, "unregistered");
		assert_int_equal(o->heard.fail.code, 0);
		assert_int_equal(o->heard.status, 200);
		assert_int_equal(p->requests, 3);
		assert_int_equal(expires_of(peer_msg(p, 2)), 0);
		assert_has(sip_msg_value(peer_msg(p, 2), SIP_HDR_AUTHORIZATION), "nc=00000002");
		assert_true(
			str_eq(sip_msg_call_id(peer_msg(p, 1)), sip_msg_call_id(peer_msg(p, 2))));
		assert_int_equal(msg_cseq(peer_msg(p, 2)), msg_cseq(peer_msg(p, 1)) + 1);
		{ /* the very binding that was made */
			struct sip_list a = sip_msg_list(peer_msg(p, 1), SIP_HDR_CONTACT),
					b = sip_msg_list(peer_msg(p, 2), SIP_HDR_CONTACT);
			struct sip_nameaddr x, y;
			assert_true(sip_list_nameaddr(&a, &x) && sip_list_nameaddr(&b, &y));
			assert_true(sip_uri_equal(&x.uri, &y.uri));
		}
		registration_stop(o->reg); /* and after the end, too */
		op_end(o);
		ua_free(u);
		peer_free(p);
	}
}

/* RG-08: it ends, whatever the server says; the state is unregistered in each case. */
static void test_stop_and_failure(void **state)
{
	static const unsigned statuses[] = { 0, 403, 404, 423, 481, 500, 503, 302, 401, 1 };

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(statuses); i++)
		for (int transport = NET_UDP; transport <= NET_TCP; transport++) {
			const struct peer_step steps[] = {
				{ 200, "Contact: {contact};expires=60\r\n" },
				{ statuses[i] > 1 ? statuses[i] : 0, .close = statuses[i] == 1 }
			};
			struct peer *p = peer_new();
			struct ua *u = ua_at(p, transport);
			struct op *o;
			peer_script(p, steps, 2);
			o = keep(u, (struct registration_config){ .timeout_ms = 100 });
			if (statuses[i] == 1) /* nobody there any more */
				peer_close_udp(p);
			registration_stop(o->reg);
			op_wait(o);
			assert_int_equal(o->heard.final, ENDPOINT_CLOSED);
			if (strcmp(o->heard.order, "GGc") != 0)
				fail_msg("%u: %s", statuses[i], o->heard.order);
			assert_false(o->heard.active);
			assert_false(registration_active(o->reg));
			if (statuses[i] != 1 || transport == NET_TCP) {
				assert_int_equal(p->requests, 2);
				assert_int_equal(expires_of(peer_msg(p, 1)), 0);
			}
			op_end(o);
			ua_free(u);
			peer_free(p);
		}
}

/* --leave: the binding stays. */
static void test_stop_and_leave(void **state)
{
	struct peer *p = peer_new();
	struct ua *u = ua_at(p, NET_UDP);
	struct op *o;

	(void)state;
	p->hook = peer_registrar;
	o = keep(u, (struct registration_config){ .leave = true });
	registration_stop(o->reg);
	op_wait(o);
	assert_int_equal(o->heard.final, ENDPOINT_CLOSED);
	rig_idle(30);
	assert_int_equal(p->requests, 1);
	op_end(o);
	ua_free(u);
	peer_free(p);
}

/* Before the first answer: what may have been made is removed; CLOSED comes once. */
static void test_stop_while_registering(void **state)
{
	(void)state;
	for (int transport = NET_UDP; transport <= NET_TCP; transport++)
		for (int passes = 0; passes < 12; passes += 2) {
			struct peer *p = peer_new();
			struct ua *u = ua_at(p, transport);
			struct op *o;
			peer_script(p,
				STEPS({ 200, "Contact: {contact};expires=60\r\n", .after_ms = 10 },
					{ 200 }));
			o = op_register(
				u, (struct registration_config){ .keep = true, .timeout_ms = 300 });
			for (int i = 0; i < passes; i++)
				ev_run(net_loop(), EVRUN_NOWAIT);
			registration_stop(o->reg);
			op_wait(o);
			assert_int_equal(o->heard.final, ENDPOINT_CLOSED);
			rig_idle(40);
			assert_int_equal(o->heard.finals, 1);
			/* Whatever was sent last took the binding away. */
			if (p->requests)
				assert_int_equal(expires_of(peer_last(p)->msg), 0);
			op_end(o);
			ua_free(u);
			peer_free(p);
		}
}

/* While a refresh is on its way, and while it waits for its next try. */
static void test_stop_while_refreshing(void **state)
{
	(void)state;
	for (int transport = NET_UDP; transport <= NET_TCP; transport++)
		for (int waiting = 0; waiting < 2; waiting++) {
			const struct peer_step steps[] = {
				{ 200, "Contact: {contact};expires=60\r\n" }, { waiting ? 500 : 0 },
				{ waiting ? 500 : 200 }, { 200 }
			};
			struct peer *p = peer_new();
			struct ua *u = ua_at(p, transport);
			struct op *o;
			peer_script(p, steps, 4);
			o = keep(u, (struct registration_config){ .timeout_ms = 1000 });
			assert_int_equal(registration_refresh(o->reg), 0);
			if (waiting)
				rig_wait(o->heard.count[ENDPOINT_RETRY], 2);
			else
				rig_wait(p->requests, 2);
			registration_stop(o->reg);
			op_wait(o);
			assert_int_equal(o->heard.final, ENDPOINT_CLOSED);
			assert_between(o->heard.ended - peer_request(p, 1)->ms, 0, 700);
			assert_int_equal(expires_of(peer_last(p)->msg), 0);
			assert_int_equal(p->requests, waiting ? 4 : 3);
			op_end(o);
			ua_free(u);
			peer_free(p);
		}
}

/* Operations that end by themselves may be stopped, too. */
static void test_stop_others(void **state)
{
	static const enum registration_what whats[] = { REGISTRATION_ADD, REGISTRATION_QUERY,
		REGISTRATION_REMOVE, REGISTRATION_REMOVE_ALL };

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(whats); i++)
		for (int wait = 0; wait < 2; wait++) {
			struct peer *p = peer_new();
			struct ua *u = ua_at(p, NET_UDP);
			struct op *o =
				op_register(u, (struct registration_config){
						       .what = whats[i], .timeout_ms = 100 });
			if (wait)
				rig_wait(p->requests, 1);
			registration_stop(o->reg);
			op_wait(o);
			assert_int_equal(o->heard.final, ENDPOINT_CLOSED);
			op_end(o);
			ua_free(u);
			peer_free(p);
		}
}

/* Stopped in each of its events: one end. */
static void stop_now(struct heard *h, const struct endpoint_event *ev)
{
	struct op *o = h->arg;

	if (ev->type < ENDPOINT_DONE && h->count[ENDPOINT_CLOSED] == 0 && h->all - 1 == o->cseq)
		registration_stop(o->reg);
}

static void test_stop_in_events(void **state)
{
	(void)state;
	for (unsigned keeps = 0; keeps < 2; keeps++)
		for (unsigned at = 0; at < 6; at++) {
			struct peer *p = peer_new();
			struct ua *u = ua_auth_at(p, NET_UDP, "secret", (struct auth_config){ 0 });
			struct op *o;
			peer_script(p, STEPS({ 401, WWW "realm=\"r\", nonce=\"n1\"\r\n" }, OK,
					       { 500 }, OK, { 403 }, { 200 }));
			o = op_register(u, (struct registration_config){ .keep = keeps });
			o->cseq = at;
			o->heard.arg = o;
			o->heard.hook = stop_now;
			if (keeps && rig_run(&o->heard.count[ENDPOINT_REGISTRATION], 1, 300) &&
				registration_refresh(o->reg) == 0 &&
				rig_run(&o->heard.count[ENDPOINT_REGISTRATION], 2, 300))
				registration_refresh(o->reg);
			op_wait(o);
			op_end(o);
			ua_free(u);
			peer_free(p);
		}
}

/* EP-17: children first, then the endpoint, once. */
static char both[64];

static void note(struct heard *h, const struct endpoint_event *ev)
{
	if (ev->type == ENDPOINT_CLOSED)
		snprintf(both + strlen(both), sizeof(both) - strlen(both), "%s",
			h->operation ? "r" : "e");
}

static void test_endpoint_stop(void **state)
{
	(void)state;
	for (int silent = 0; silent < 2; silent++) {
		struct peer *p = peer_new();
		struct ua *u = ua_at(p, NET_UDP);
		struct op *o, *q = op_new();
		both[0] = '\0';
		p->hook = peer_registrar;
		o = keep(u, (struct registration_config){ .timeout_ms = 100 });
		if (silent)
			peer_script(p, STEPS({ 0 }));
		o->heard.hook = u->heard.hook = note;
		u->heard.quiet = o->heard.quiet = true;
		endpoint_stop(u->ep);
		endpoint_stop(u->ep);
		u->heard.quiet = o->heard.quiet = false;
		rig_wait(u->heard.count[ENDPOINT_CLOSED], 1);
		assert_string_equal(both, "re");
		assert_int_equal(expires_of(peer_last(p)->msg), 0);
		endpoint_stop(u->ep);
		rig_idle(30);
		assert_string_equal(both, "re");
		/* Unusable afterwards. */
		assert_int_equal(op_try(u, q,
					 (struct request_config){
						 .method = STR("OPTIONS"), .max_forwards = -1 }),
			-FAIL_STATE);
		assert_int_equal(op_try_register(u, q,
					 (struct registration_config){ .expires = 60, .q = -1 }),
			-FAIL_STATE);
		op_free(q);
		op_end(o);
		ua_free(u);
		peer_free(p);
	}
	/* Without children; and when the registration is freed in between. */
	for (int with = 0; with < 2; with++) {
		struct peer *p = peer_new();
		struct ua *u = ua_at(p, NET_UDP);
		struct op *o = NULL;
		both[0] = '\0';
		p->hook = peer_registrar;
		if (with)
			o = keep(u, (struct registration_config){ 0 });
		u->heard.hook = note;
		endpoint_stop(u->ep);
		if (with)
			op_free(o);
		rig_wait(u->heard.count[ENDPOINT_CLOSED], 1);
		assert_string_equal(both, "e");
		ua_free(u);
		peer_free(p);
	}
}

/* --- lifetimes
 * ------------------------------------------------------------------------------------------ */

enum { ONLY_REGISTRATION, AND_ENDPOINT, AND_MANAGER, ONLY_MANAGER, WHATS };

struct end {
	struct ua *u;
	struct op *o;
	unsigned at; /* the number of the event */
	int what;
	unsigned seen, happened;
};

static void end_now(struct heard *h, const struct endpoint_event *ev)
{
	struct end *e = h->arg;

	(void)ev;
	if (e->happened || e->seen++ != e->at)
		return;
	e->happened = 1;
	if (e->what != ONLY_MANAGER) {
		registration_free(e->o->reg);
		e->o->reg = NULL;
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
	e->u->heard.quiet = e->what >= AND_ENDPOINT;
}

static void until(const struct end *e, const unsigned *counter, unsigned value)
{
	double stop = rig_ms() + 500;

	while (!e->happened && *counter < value && rig_ms() < stop)
		rig_run(counter, value, 1);
}

/* Everything that may happen: a challenge, success, a drop or a failed refresh, recovery, a
 * removal. False: there was no such event. */
static bool end_at(unsigned at, int what, int transport)
{
	struct peer *p = peer_new();
	struct end *e = MEM_NEW(struct end);
	bool happened;

	peer_script(p, STEPS({ 401, WWW "realm=\"r\", nonce=\"n1\", qop=\"auth\"\r\n" },
			       { 200, "Contact: {contact};expires=60\r\n" }, { 500 },
			       { 200, "Contact: {contact};expires=60\r\n" }, { 200 }));
	e->u = ua_auth_at(p, transport, "secret", (struct auth_config){ 0 });
	e->at = at;
	e->what = what;
	e->o = op_register(e->u, (struct registration_config){ .keep = true,
					 .keepalive = REGISTRATION_KEEPALIVE_CRLF,
					 .keepalive_ms = 2 });
	e->u->heard.arg = e->o->heard.arg = e;
	e->u->heard.hook = e->o->heard.hook = end_now;
	until(e, &e->o->heard.count[ENDPOINT_REGISTRATION], 1);
	if (!e->happened && registration_refresh(e->o->reg) == 0)
		until(e, &e->o->heard.count[ENDPOINT_REGISTRATION], 2);
	if (!e->happened && transport == NET_TCP) {
		peer_drop(p, false);
		until(e, &e->o->heard.count[ENDPOINT_REGISTRATION], 3);
	}
	if (!e->happened) {
		registration_stop(e->o->reg);
		until(e, &e->o->heard.finals, 1);
	}
	happened = e->happened;
	rig_idle(5);
	e->u->heard.hook = e->o->heard.hook = NULL;
	op_free(e->o);
	ua_free(e->u);
	peer_free(p);
	mem_free(e);
	return happened;
}

static void test_free_anywhere(void **state)
{
	(void)state;
	for (int transport = NET_UDP; transport <= NET_TCP; transport++)
		for (int what = 0; what < WHATS; what++) {
			unsigned at = 0;
			while (end_at(at, what, transport))
				at++;
			assert_true(at >= 14);
		}
}

static void test_free_at_any_pass(void **state)
{
	(void)state;
	for (int transport = NET_UDP; transport <= NET_TCP; transport++)
		for (int passes = 0; passes < 20; passes++) {
			struct peer *p = peer_new();
			struct ua *u =
				ua_auth_at(p, transport, "secret", (struct auth_config){ 0 });
			struct op *o;
			peer_script(
				p, STEPS({ 401, WWW "realm=\"r\", nonce=\"n1\"\r\n" },
					   { 200, "Contact: {contact};expires=60\r\n" }, { 200 }));
			o = op_register(u, (struct registration_config){ .keep = true });
			for (int i = 0; i < passes; i++) {
				ev_run(net_loop(), EVRUN_NOWAIT);
				if (o->heard.active && i % 2)
					registration_stop(o->reg);
			}
			op_free(o);
			ua_free(u);
			peer_free(p);
		}
}

/* R6 against a registrar out of its mind. */
static void answer_random(struct peer *p, const struct peer_got *g)
{
	struct peer_conn *c = peer_conn(p, g->conn);

	switch (rand() % 12) {
	case 0:
	case 1:
	case 2:
	case 3:
		peer_registrar(p, g);
		return;
	case 4:
		peer_reply(p, g, 401, WWW "realm=\"r\", nonce=\"n\", stale=true\r\n");
		return;
	case 5:
		peer_reply(p, g, 500, NULL);
		return;
	case 6:
		peer_reply(p, g, 423, "Min-Expires: 70\r\n");
		return;
	case 7:
		if (c)
			peer_conn_close(c, rand() % 2);
		return;
	case 8:
		peer_registrar(p, g);
		if (c)
			peer_conn_close(c, rand() % 2);
		return;
	case 9:
		peer_reply(p, g, 302, "Contact: <sip:{me}>\r\n");
		return;
	case 10:
		peer_reply(p, g, 200, "Contact: <sip:x@192.0.2.1>;expires=3\r\n");
		return;
	default:
		return;
	}
}

static void test_random(void **state)
{
	(void)state;
	srand(815);
	for (int round = 0; round < 40; round++) {
		struct peer *p = peer_new();
		struct ua *u = ua_auth_at(
			p, round % 2 ? NET_TCP : NET_UDP, "secret", (struct auth_config){ 0 });
		struct op *o;
		p->hook = answer_random;
		p->granted = 1;
		o = op_register(
			u, (struct registration_config){
				   .keep = true, .timeout_ms = 20, .recover_ms = 60, .follow = 3 });
		for (int i = 0; i < 5 && !o->heard.finals; i++) {
			rig_run(&o->heard.finals, 1, 20);
			registration_refresh(o->reg);
		}
		if (!o->heard.finals)
			registration_stop(o->reg);
		op_wait(o);
		assert_true(p->requests < 60);
		op_end(o);
		ua_free(u);
		peer_free(p);
	}
}

static void test_no_spin(void **state)
{
	struct peer *p = peer_new();
	struct ua *u = ua_at(p, NET_TCP);
	struct op *o;

	(void)state;
	p->hook = peer_registrar;
	o = keep(u, (struct registration_config){ 0 });
	rig_idle(30);
	assert_true(rig_idle(200) < 10);
	op_free(o);
	ua_free(u);
	peer_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refresh),
		cmocka_unit_test(test_methods),
		cmocka_unit_test(test_refresh_challenged),
		cmocka_unit_test(test_refresh_refused),
		cmocka_unit_test(test_refresh_423),
		cmocka_unit_test(test_refresh_lost),
		cmocka_unit_test(test_recovery),
		cmocka_unit_test(test_give_up),
		cmocka_unit_test(test_server_restart),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_stop_and_failure),
		cmocka_unit_test(test_stop_and_leave),
		cmocka_unit_test(test_stop_while_registering),
		cmocka_unit_test(test_stop_while_refreshing),
		cmocka_unit_test(test_stop_others),
		cmocka_unit_test(test_stop_in_events),
		cmocka_unit_test(test_endpoint_stop),
		cmocka_unit_test(test_free_anywhere),
		cmocka_unit_test(test_free_at_any_pass),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_no_spin),
	};

	net_loop();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
