/* tests/unit/test_refer.c -- lib/endpoint/refer: REFER and its subscription, both roles, within a
 * call and outside of any (RFC 3515, 3420, 3891, 3892, 4488, RFC 6665 section 4). Over loopback
 * against a scripted peer. */
#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#define CALL_RIG_CLOCK
#include "call_rig.h"

#include "endpoint/refer.h"
#include "sip/uri.h"

enum { QUICK_T1 = 5, SUBSCRIPTION_S = 300 };

static const char carol[] = "sip:carol@example.test";

/* ---- a REFER and what its handler hears ---- */

struct xfer {
	struct heard heard;
	struct rig *rig;
	struct refer *r;
	char states[512]; /* " active:0 active:100 terminated:200" */
	unsigned told;
	char sipfrag[128], reason[64];
	bool has_response;
	unsigned free_at; /* the event in which it is freed, from 1; 0: none */
};

static void xfer_event(void *arg, const struct endpoint_event *ev)
{
	struct xfer *x = arg;
	const struct endpoint_transfer *t = ev->transfer;

	heard_event(&x->heard, ev);
	if (ev->type == ENDPOINT_TRANSFER) {
		x->told++;
		assert_ptr_equal(t->refer, x->r);
		assert_false(t->received);
		heard_touch(t->refer_to);
		heard_touch(t->method);
		if (t->msg)
			heard_touch_msg(t->msg);
		snprintf(x->states + strlen(x->states), sizeof(x->states) - strlen(x->states),
			" %s:%u", t->state, t->status_code);
		heard_copy(x->sipfrag, sizeof(x->sipfrag), t->sipfrag);
		heard_copy(x->reason, sizeof(x->reason), t->reason);
	}
	if (x->heard.all == x->free_at) {
		refer_free(x->r);
		x->r = NULL;
		x->heard.quiet = true; /* R5 */
	}
}

static struct xfer *xfer_new(struct rig *r)
{
	struct xfer *x = MEM_NEW(struct xfer);

	x->heard.operation = true;
	x->rig = r;
	return x;
}

/* R2: no event while it starts. */
static int xfer_try(struct xfer *x, struct refer_config rc)
{
	struct ua *u = x->rig->u;
	bool was = u->heard.quiet;
	int e;

	rc.endpoint = u->ep;
	if (!rc.target.p)
		rc.target = str_of(x->rig->target);
	if (!rc.refer_to.p)
		rc.refer_to = str_of(carol);
	rc.max_forwards = -1;
	rc.on_event = xfer_event;
	rc.arg = x;
	u->heard.quiet = x->heard.quiet = true;
	x->heard.began = rig_ms();
	e = refer_start(&rc, &x->r, &u->why);
	u->heard.quiet = was;
	x->heard.quiet = false;
	return e;
}

static struct xfer *xfer_start(struct rig *r, struct refer_config rc)
{
	struct xfer *x = xfer_new(r);

	if (xfer_try(x, rc) != 0)
		fail_msg("refer_start: %s", fail_show(&r->u->why));
	return x;
}

static void xfer_free(struct xfer *x)
{
	x->heard.quiet = true;
	refer_free(x->r);
	ev_run(net_loop(), EVRUN_NOWAIT);
	mem_free(x);
}

static void xfer_wait(struct xfer *x)
{
	if (!rig_run(&x->heard.finals, 1, PEER_MS))
		fail_msg("no final event; states:%s", x->states);
}

/* It ended so (code 0: no failure), and nothing comes after it (R6). status: of the REFER's own
 * response, 0: none. */
static void xfer_end(struct xfer *x, enum endpoint_event_type type, int code, unsigned status)
{
	xfer_wait(x);
	if (x->heard.final != type || x->heard.fail.code != -code || x->heard.status != status)
		fail_msg("event %d, %s, %u; wanted %d, %s, %u; states:%s", (int)x->heard.final,
			fail_show(&x->heard.fail), x->heard.status, (int)type, fail_text(-code),
			status, x->states);
	rig_idle(10);
	assert_int_equal(x->heard.finals, 1);
	xfer_free(x);
}

/* ---- both places: within a call, and outside of any ---- */

static struct rig *rig_refer(uint32_t t1)
{
	struct peer *p = peer_new();
	struct ua *u = ua_manager((struct endpoint_manager_config){
		.kind = NET_SERVER, .timers = rig_timers(t1 ? t1 : 20) });
	struct endpoint_config ec = { .kind = ENDPOINT_PEER_TO_PEER,
		.aor = STR("sip:alice@example.test"),
		.methods = STR("INVITE,REFER"),
		.transport = -1 };
	struct endpoint_hop hop;
	char text[NET_ADDR_TEXT];
	struct rig *r;

	assert_int_equal(endpoint_manager_listen(u->m, STR("udp:127.0.0.1:0"), &u->why), 0);
	assert_int_equal(ua_endpoint(u, ec), 0);
	r = rig_of(p, u);
	assert_true(endpoint_manager_listener(u->m, 0, text, &hop));
	assert_true(net_addr_parse(hop.address, hop.port, &r->at));
	return r;
}

/* Server based, with a password: to a peer-to-peer endpoint no challenge is answered. */
static struct rig *rig_auth(void)
{
	struct peer *p = peer_new();
	struct cred_store *creds = rig_creds("secret");
	struct ua *u = ua_new((struct endpoint_manager_config){ .kind = NET_CLIENT },
		(struct endpoint_config){ .servers = &p->server,
			.server_count = 1,
			.methods = STR("INVITE"),
			.transport = NET_UDP,
			.auth = { .creds = creds } });

	u->creds = creds;
	return rig_of(p, u);
}

struct place {
	struct rig *r;
	struct call *c; /* NULL: outside */
	struct leg l; /* of the call, or of the REFER's own dialog */
};

static struct place place_with(bool within, uint32_t t1)
{
	struct place at = { .r = rig_refer(t1) };

	if (within)
		at.c = call_up(at.r, (struct session_config){ 0 }, &at.l);
	return at;
}

static void place_free(struct place *at)
{
	if (at->c)
		call_bye(at->c, &at->l);
	rig_free(at->r);
}

/* The REFER of ours goes out; at->l is the far end from now on. */
static struct xfer *ask_with(struct place *at, struct refer_config rc, struct peer_got *g)
{
	unsigned before = got_new(at->r->p, "REFER");
	struct xfer *x;

	rc.session = at->c ? at->c->s : NULL;
	x = xfer_start(at->r, rc);
	*g = got(at->r->p, "REFER", before + 1);
	if (!at->c)
		at->l = leg_of(at->r, g, "bob");
	return x;
}

static void accept_with(struct place *at, const struct peer_got *g, const char *lines)
{
	char all[512];

	snprintf(all, sizeof(all), "Contact: %s\r\n%s", at->l.contact, lines ? lines : "");
	leg_reply(&at->l, g, 202, all, NULL);
}

/* ... and is accepted. */
static struct xfer *asked_for(struct place *at, struct refer_config rc, struct peer_got *g)
{
	struct xfer *x = ask_with(at, rc, g);

	accept_with(at, g, NULL);
	till(x->told == 1);
	assert_string_equal(x->states, " active:0");
	return x;
}

/* NULL: without that header field; what it was answered. */
static struct sip_msg *notify_type(
	struct place *at, const char *event, const char *state, const char *type, const char *frag)
{
	char lines[256] = "";

	if (event)
		snprintf(lines, sizeof(lines), "Event: %s\r\n", event);
	if (state)
		snprintf(lines + strlen(lines), sizeof(lines) - strlen(lines),
			"Subscription-State: %s\r\n", state);
	return leg_do(
		&at->l, "NOTIFY", (struct leg_says){ .lines = lines, .type = type, .body = frag });
}

static unsigned notify(struct place *at, const char *event, const char *state, const char *frag)
{
	return notify_type(at, event, state, "message/sipfrag;version=2.0", frag)->status;
}

static const char active[] = "active;expires=60", over[] = "terminated;reason=noresource",
		  trying[] = "SIP/2.0 100 Trying\r\n", ok[] = "SIP/2.0 200 OK\r\n";

#define BOTH_PLACES(within) for (int within = 0; within < 2; within++)

/* --- ours ----------------------------------------------------------------------------------------
 */

/* RFC 3515 2.1, RFC 3892 2, 202, NOTIFY 100, NOTIFY 200 */
static void test_transfer(void **state)
{
	(void)state;
	BOTH_PLACES(within)
	{
		struct place at = place_with(within, 0);
		struct peer_got g;
		struct xfer *x = asked_for(&at, (struct refer_config){ 0 }, &g);
		char event[32];

		assert_int_equal(msg_count(g.msg, SIP_HDR_REFER_TO), 1);
		assert_str(sip_msg_value(g.msg, SIP_HDR_REFER_TO), "<sip:carol@example.test>");
		assert_str(sip_msg_value(g.msg, SIP_HDR_REFERRED_BY), "<sip:alice@example.test>");
		assert_int_equal(msg_count(g.msg, SIP_HDR_CONTACT), 1); /* RFC 3515 2.2: m */
		assert_false(sip_msg_hdr_named(g.msg, STR("Refer-Sub")));
		if (within) {
			assert_uri(g.msg, &at.l);
			assert_str(sip_msg_value(g.msg, SIP_HDR_TO), at.l.local);
		} else {
			assert_str(g.msg->request_uri, at.r->target);
		}
		snprintf(event, sizeof(event), "refer;id=%u", msg_cseq(g.msg));
		assert_int_equal(notify(&at, event, active, trying), 200);
		assert_string_equal(x->states, " active:0 active:100");
		assert_string_equal(x->sipfrag, "SIP/2.0 100 Trying");
		assert_int_equal(refer_status(x->r), 100);
		assert_int_equal(x->heard.finals, 0);
		assert_int_equal(notify(&at, "refer", over, ok), 200); /* no id: the first REFER */
		xfer_wait(x);
		assert_string_equal(x->states, " active:0 active:100 terminated:200");
		assert_string_equal(x->reason, "noresource");
		assert_int_equal(refer_status(x->r), 200);
		xfer_end(x, ENDPOINT_DONE, 0, 202);
		/* A56: there is no subscription any more */
		assert_int_equal(notify(&at, event, over, ok), 481);
		place_free(&at);
	}
}

/* The final status is the result, whatever it is; also when the subscription goes on. */
static void test_final_status(void **state)
{
	static const struct {
		const char *state, *frag;
		unsigned status;
	} rows[] = {
		{ over, "SIP/2.0 486 Busy Here\r\n", 486 },
		{ "active;expires=60", "SIP/2.0 603 Decline", 603 },
		{ "terminated", "SIP/2.0 302 Moved\r\nContact: <sip:dave@example.test>\r\n\r\n",
			302 },
		/* it ended without saying what came of it */
		{ "terminated;reason=timeout", trying, 100 },
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(rows); i++)
		BOTH_PLACES(within)
		{
			struct place at = place_with(within, 0);
			struct peer_got g;
			struct xfer *x = asked_for(&at, (struct refer_config){ 0 }, &g);
			assert_int_equal(notify(&at, "refer", rows[i].state, rows[i].frag), 200);
			xfer_wait(x);
			assert_int_equal(refer_status(x->r), rows[i].status);
			xfer_end(x, ENDPOINT_DONE, 0, 202);
			place_free(&at);
		}
}

static void test_ended_untold(void **state)
{
	(void)state;
	BOTH_PLACES(within)
	{
		struct place at = place_with(within, 0);
		struct peer_got g;
		struct xfer *x = asked_for(&at, (struct refer_config){ 0 }, &g);

		assert_int_equal(notify(&at, "refer", "terminated;reason=giveup", NULL), 200);
		xfer_end(x, ENDPOINT_FAILED, FAIL_ENDED, 202);
		place_free(&at);
	}
}

/* RFC 6665 4.4.1: the NOTIFY may come before the 202, and makes the dialog then. */
static void test_early_notify(void **state)
{
	(void)state;
	BOTH_PLACES(within)
	{
		struct place at = place_with(within, 0);
		struct peer_got g;
		struct xfer *x = ask_with(&at, (struct refer_config){ 0 }, &g);
		char event[32];

		snprintf(event, sizeof(event), "refer;id=%u", msg_cseq(g.msg));
		/* what is not about it makes no dialog */
		assert_int_equal(notify(&at, "presence", active, trying), 489);
		assert_int_equal(notify(&at, "refer;id=4711", active, trying), 481);
		assert_int_equal(x->told, 0);
		assert_int_equal(notify(&at, event, active, trying), 200);
		assert_string_equal(x->states, " active:100");
		accept_with(&at, &g, NULL);
		rig_idle(10);
		assert_string_equal(x->states, " active:100"); /* known already */
		assert_int_equal(notify(&at, event, active, "SIP/2.0 180 Ringing\r\n"), 200);
		assert_int_equal(notify(&at, event, over, ok), 200);
		xfer_wait(x);
		assert_string_equal(x->states, " active:100 active:180 terminated:200");
		xfer_end(x, ENDPOINT_DONE, 0, 202);
		place_free(&at);
	}
}

/* Even the last NOTIFY overtakes the 202: one end, and the 202 is nobody's. */
static void test_final_first(void **state)
{
	(void)state;
	BOTH_PLACES(within)
	{
		struct place at = place_with(within, 0);
		struct peer_got g;
		struct xfer *x = ask_with(&at, (struct refer_config){ 0 }, &g);

		assert_int_equal(notify(&at, "refer", over, ok), 200);
		accept_with(&at, &g, NULL);
		xfer_end(x, ENDPOINT_DONE, 0, 0);
		place_free(&at);
	}
	/* and a refusal that comes in the same pass does not end it twice */
	struct place at = place_with(false, 0);
	struct peer_got g;
	struct xfer *x = ask_with(&at, (struct refer_config){ 0 }, &g);

	leg_ask(&at.l, "NOTIFY",
		(struct leg_says){ .lines = "Event: refer\r\nSubscription-State: terminated\r\n",
			.type = "message/sipfrag",
			.body = ok });
	leg_reply(&at.l, &g, 500, NULL, NULL);
	xfer_end(x, ENDPOINT_DONE, 0, 0);
	place_free(&at);
}

/* The branch that answers first has the dialog; the NOTIFY of another one has none. */
static void test_forked(void **state)
{
	struct place at = place_with(false, 0), other;
	struct peer_got g;
	struct xfer *x = ask_with(&at, (struct refer_config){ 0 }, &g);

	(void)state;
	other = at;
	other.l = leg_of(at.r, &g, "fork");
	assert_int_equal(notify(&at, "refer", active, trying), 200);
	assert_int_equal(notify(&other, "refer", active, trying), 481);
	accept_with(&at, &g, NULL);
	assert_int_equal(notify(&at, "refer", over, ok), 200);
	xfer_end(x, ENDPOINT_DONE, 0, 202);
	place_free(&at);
}

/* The id is the number of the REFER that was accepted, not of the challenged one. */
static void test_challenged(void **state)
{
	(void)state;
	BOTH_PLACES(within)
	{
		struct place at = { .r = rig_auth() };
		struct peer_got first, second;
		struct xfer *x;
		char event[32];

		if (within)
			at.c = call_up(at.r, (struct session_config){ 0 }, &at.l);
		x = ask_with(&at, (struct refer_config){ 0 }, &first);
		leg_reply(&at.l, &first, 407,
			"Proxy-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\"\r\n",
			NULL);
		second = got(at.r->p, "REFER", 2);
		assert_int_equal(msg_cseq(second.msg), msg_cseq(first.msg) + 1);
		if (!within)
			at.l = leg_of(at.r, &second, "bob");
		snprintf(event, sizeof(event), "refer;id=%u", msg_cseq(first.msg));
		assert_int_equal(notify(&at, event, active, trying), 481);
		snprintf(event, sizeof(event), "refer;id=%u", msg_cseq(second.msg));
		assert_int_equal(notify(&at, event, active, trying), 200);
		accept_with(&at, &second, NULL);
		rig_idle(5);
		assert_int_equal(notify(&at, event, over, ok), 200);
		xfer_end(x, ENDPOINT_DONE, 0, 202);
		place_free(&at);
	}
}

/* A56: what does not fit is refused and disturbs nothing. */
static void test_odd_notify(void **state)
{
	(void)state;
	BOTH_PLACES(within)
	{
		struct place at = place_with(within, 0);
		struct peer_got g;
		struct xfer *x = asked_for(&at, (struct refer_config){ 0 }, &g);
		struct place forged = at;
		struct sip_msg *m;

		m = notify_type(&at, "presence", active, "message/sipfrag", ok);
		assert_int_equal(m->status, 489);
		assert_has(msg_named(m, "Allow-Events"), "refer"); /* RFC 6665 8.3.2 */
		assert_int_equal(notify(&at, NULL, active, ok), 489);
		assert_int_equal(notify(&at, "refer.winfo", active, ok), 489);
		assert_int_equal(notify(&at, "refer;id=99999", active, ok), 481);
		assert_int_equal(notify(&at, "refer;id=x", active, ok), 481);
		assert_int_equal(notify(&at, "refer", NULL, ok), 400);
		assert_int_equal(notify(&at, "refer", ";;", ok), 400);
		snprintf(forged.l.local, sizeof(forged.l.local), "<sip:bob@peer.test>;tag=forged");
		assert_int_equal(notify(&forged, "refer", over, ok), 481);
		leg_ask(&at.l, "BENOTIFY",
			(struct leg_says){
				.lines = "Event: refer\r\nSubscription-State: active\r\n" });
		rig_idle(20);
		assert_null(leg_find(&at.l, at.l.branch, "BENOTIFY", 100, NULL)); /* AR-12 */
		assert_string_equal(x->states, " active:0");
		/* no status in it */
		m = notify_type(&at, "refer", active, "text/plain", ok);
		assert_int_equal(m->status, 200);
		assert_int_equal(notify(&at, "refer", active, NULL), 200);
		assert_int_equal(notify(&at, "refer", active, "SIP/2.0 2000 OK\r\n"), 200);
		assert_int_equal(notify(&at, "refer", active, "SIP/2.0 99 OK\r\n"), 200);
		assert_int_equal(notify(&at, "refer", active, "SIP/3.0 200 OK\r\n"), 200);
		assert_int_equal(notify(&at, "refer", "pending", "\r\n"), 200);
		assert_string_equal(x->states,
			" active:0 active:0 active:0 active:0 active:0 active:0 pending:0");
		assert_int_equal(refer_status(x->r), 0);
		assert_int_equal(
			notify_type(&at, "REFER", "Terminated", "Message/SipFrag", "sip/2.0 200\n")
				->status,
			200);
		xfer_wait(x);
		assert_int_equal(refer_status(x->r), 200);
		xfer_end(x, ENDPOINT_DONE, 0, 202);
		place_free(&at);
	}
}

static void test_refused(void **state)
{
	static const unsigned codes[] = { 603, 405, 202 };

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(codes); i++)
		BOTH_PLACES(within)
		{
			struct place at = place_with(within, QUICK_T1);
			struct peer_got g;
			struct xfer *x =
				ask_with(&at, (struct refer_config){ .timeout_ms = 100 }, &g);
			if (codes[i] > 299)
				leg_reply(&at.l, &g, codes[i], NULL, NULL);
			xfer_wait(x);
			assert_string_equal(x->states, "");
			if (codes[i] > 299)
				xfer_end(x, ENDPOINT_FAILED, FAIL_STATUS, codes[i]);
			else
				xfer_end(x, ENDPOINT_FAILED, FAIL_TIMEOUT, 0);
			assert_int_equal(notify(&at, "refer", active, trying), 481);
			place_free(&at);
		}
}

static void test_notify_ms(void **state)
{
	(void)state;
	BOTH_PLACES(within)
	{
		struct place at = place_with(within, 0);
		struct peer_got g;
		struct xfer *x = asked_for(&at, (struct refer_config){ .notify_ms = 150 }, &g);
		double began = rig_ms();

		assert_int_equal(notify(&at, "refer", active, trying), 200);
		assert_int_equal(x->heard.finals, 0);
		xfer_wait(x);
		assert_between(x->heard.ended - began, 100, 150 + PEER_LATE);
		xfer_end(x, ENDPOINT_FAILED, FAIL_TIMEOUT, 202);
		place_free(&at);
	}
}

/* RFC 4488: a peer that knows of it, and one that does not. */
static void test_no_subscription(void **state)
{
	(void)state;
	BOTH_PLACES(within)
	{
		struct place at = place_with(within, 0);
		const struct refer_config rc = { .no_subscription = true, .notify_ms = 5000 };
		struct peer_got g;
		struct xfer *x = ask_with(&at, rc, &g);

		assert_str(msg_named(g.msg, "Refer-Sub"), "false");
		accept_with(&at, &g, "Refer-Sub: false\r\n");
		xfer_wait(x);
		assert_int_equal(refer_status(x->r), 0);
		xfer_end(x, ENDPOINT_DONE, 0, 202);
		x = ask_with(&at, rc, &g);
		accept_with(&at, &g, NULL);
		till(x->told == 1);
		assert_int_equal(notify(&at, "refer", over, ok), 200);
		xfer_wait(x);
		assert_int_equal(refer_status(x->r), 200);
		xfer_end(x, ENDPOINT_DONE, 0, 202);
		place_free(&at);
	}
}

/* Who is transferred hangs up behind the 202, in one read with it: it was accepted all the same. */
static void test_accepted_and_bye(void **state)
{
	(void)state;
	for (int quiet = 0; quiet < 2; quiet++) { /* RFC 4488: no subscription, the 202 is all */
		struct place at = place_with(true, 0);
		struct peer_got g;
		struct xfer *x =
			ask_with(&at, (struct refer_config){ .no_subscription = quiet }, &g);

		accept_with(&at, &g, quiet ? "Refer-Sub: false\r\n" : NULL);
		leg_ask(&at.l, "BYE", (struct leg_says){ 0 });
		xfer_wait(x);
		assert_string_equal(x->states, quiet ? "" : " active:0");
		xfer_end(x, quiet ? ENDPOINT_DONE : ENDPOINT_FAILED, quiet ? 0 : FAIL_ENDED, 202);
		call_closed(at.c);
		call_end(at.c);
		rig_free(at.r);
	}
}

/* One that was refused is told once, whatever comes in the call then. */
static void test_refused_once(void **state)
{
	struct place at = place_with(true, 0);
	struct peer_got g;
	struct xfer *x = ask_with(&at, (struct refer_config){ 0 }, &g);

	(void)state;
	leg_reply(&at.l, &g, 603, NULL, NULL);
	xfer_wait(x);
	leg_do(&at.l, "INFO", (struct leg_says){ 0 });
	xfer_end(x, ENDPOINT_FAILED, FAIL_STATUS, 603);
	place_free(&at);
}

/* So is a final NOTIFY: the transfer is done, and then the call is over. */
static void test_final_and_bye(void **state)
{
	struct place at = place_with(true, 0);
	struct peer_got g;
	struct xfer *x = asked_for(&at, (struct refer_config){ 0 }, &g);

	(void)state;
	leg_ask(&at.l, "NOTIFY",
		(struct leg_says){ .lines = "Event: refer\r\nSubscription-State: terminated\r\n",
			.type = "message/sipfrag",
			.body = ok });
	leg_ask(&at.l, "BYE", (struct leg_says){ 0 });
	xfer_wait(x);
	assert_int_equal(refer_status(x->r), 200);
	xfer_end(x, ENDPOINT_DONE, 0, 202);
	call_closed(at.c);
	call_end(at.c);
	rig_free(at.r);
}

static void stop(struct xfer *x)
{
	bool was = x->heard.quiet;

	x->heard.quiet = true; /* R2 */
	refer_stop(x->r);
	refer_stop(x->r);
	x->heard.quiet = was;
}

/* RF-03, RFC 6665 4.1.2.3: SUBSCRIBE with Expires 0. */
static void test_unsubscribe(void **state)
{
	static const unsigned codes[] = { 200, 481, 0 };

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(codes); i++)
		BOTH_PLACES(within)
		{
			struct place at = place_with(within, QUICK_T1);
			const struct endpoint_header mine = { ENDPOINT_HEADER_ADD, STR("X-Mine"),
				STR("1") };
			struct peer_got g, s;
			struct xfer *x = asked_for(&at,
				(struct refer_config){ .headers = &mine,
					.header_count = 1,
					.timeout_ms = 150,
					.notify_ms = 100 },
				&g);
			char event[32];
			assert_str(msg_named(g.msg, "X-Mine"), "1");
			snprintf(event, sizeof(event), "refer;id=%u", msg_cseq(g.msg));
			stop(x);
			s = got(at.r->p, "SUBSCRIBE", 1);
			assert_str(sip_msg_value(s.msg, SIP_HDR_EVENT), event);
			assert_int_equal(msg_seconds(s.msg, SIP_HDR_EXPIRES), 0);
			assert_int_equal(msg_count(s.msg, SIP_HDR_CONTACT), 1);
			assert_int_equal(msg_cseq(s.msg), msg_cseq(g.msg) + 1);
			assert_str(sip_msg_call_id(s.msg), at.l.call_id);
			assert_uri(s.msg, &at.l);
			assert_str(msg_named(s.msg, "X-Mine"), "");
			if (codes[i]) {
				leg_reply(&at.l, &s, codes[i], "Expires: 0\r\n", NULL);
				xfer_end(x, ENDPOINT_CLOSED, 0, 202);
			} else { /* the NOTIFY is an end as good */
				assert_int_equal(
					notify(&at, event, "terminated;reason=timeout", NULL), 200);
				xfer_end(x, ENDPOINT_CLOSED, 0, 202);
			}
			assert_int_equal(got_new(at.r->p, "SUBSCRIBE"), 1);
			place_free(&at);
		}
}

/* Nobody answers the SUBSCRIBE: it is over all the same, after its time. */
static void test_unsubscribe_silent(void **state)
{
	struct place at = place_with(true, QUICK_T1);
	struct peer_got g;
	struct xfer *x =
		asked_for(&at, (struct refer_config){ .timeout_ms = 100, .notify_ms = 50 }, &g);

	(void)state;
	stop(x);
	xfer_end(x, ENDPOINT_CLOSED, 0, 202);
	place_free(&at);
}

/* Before it was accepted there is nothing to unsubscribe from. */
static void test_stop_early(void **state)
{
	(void)state;
	BOTH_PLACES(within)
	{
		struct place at = place_with(within, 0);
		struct peer_got g;
		struct xfer *x = ask_with(&at, (struct refer_config){ 0 }, &g);

		stop(x);
		assert_int_equal(x->heard.finals, 0); /* from the loop */
		xfer_end(x, ENDPOINT_CLOSED, 0, 0);
		accept_with(&at, &g, NULL);
		assert_int_equal(notify(&at, "refer", active, trying), 481);
		assert_int_equal(got_new(at.r->p, "SUBSCRIBE"), 0);
		place_free(&at);
	}
}

/* RF-03: it ends with its session. */
static void test_session_ends(void **state)
{
	(void)state;
	for (int how = 0; how < 4; how++) { /* BYE of theirs, of ours; unsubscribing or not */
		struct place at = place_with(true, 0);
		struct peer_got g;
		struct xfer *x = asked_for(&at, (struct refer_config){ 0 }, &g);
		if (how / 2)
			stop(x);
		if (how % 2)
			call_down(at.c, &at.l);
		else
			call_bye(at.c, &at.l);
		if (how / 2)
			xfer_end(x, ENDPOINT_CLOSED, 0, 202);
		else
			xfer_end(x, ENDPOINT_FAILED, FAIL_ENDED, 202);
		rig_free(at.r);
	}
	/* before there was an answer */
	struct place at = place_with(true, 0);
	struct peer_got g;
	struct xfer *x = ask_with(&at, (struct refer_config){ 0 }, &g);

	call_bye(at.c, &at.l);
	xfer_end(x, ENDPOINT_FAILED, FAIL_ENDED, 0);
	rig_free(at.r);
}

/* RFC 3515 2.4.6: several in one dialog, told apart by their ids. */
static void test_several(void **state)
{
	struct place at = place_with(true, 0);
	struct peer_got a, b;
	struct xfer *x = asked_for(&at, (struct refer_config){ 0 }, &a);
	struct xfer *y = asked_for(&at, (struct refer_config){ 0 }, &b);
	char event[2][32];

	(void)state;
	assert_int_equal(msg_cseq(b.msg), msg_cseq(a.msg) + 1);
	snprintf(event[0], sizeof(event[0]), "refer;id=%u", msg_cseq(a.msg));
	snprintf(event[1], sizeof(event[1]), "refer;id=%u", msg_cseq(b.msg));
	assert_int_equal(notify(&at, event[1], active, "SIP/2.0 180 Ringing\r\n"), 200);
	assert_string_equal(x->states, " active:0");
	assert_string_equal(y->states, " active:0 active:180");
	assert_int_equal(notify(&at, "refer", active, trying), 200); /* the first one's */
	assert_string_equal(x->states, " active:0 active:100");
	assert_int_equal(notify(&at, event[1], over, ok), 200);
	xfer_end(y, ENDPOINT_DONE, 0, 202);
	assert_int_equal(notify(&at, event[0], over, "SIP/2.0 404 Not Found\r\n"), 200);
	xfer_wait(x);
	assert_int_equal(refer_status(x->r), 404);
	xfer_end(x, ENDPOINT_DONE, 0, 202);
	place_free(&at);
}

/* What cannot be asked for, and what is written. */
static void test_config(void **state)
{
	struct place at = place_with(false, 0);
	struct xfer *x = xfer_new(at.r);
	const struct refer_config bad[] = {
		{ .refer_to = STR("carol") },
		{ .refer_to = STR("sip:carol@example.test\r\nX: y") },
		{ .refer_to = STR("sip:carol@example.test?Replaces=1;to-tag=2") },
		{ .refer_to = STR("sip:carol@example.test?Replaces=a%0d%0a;to-tag=2;from-tag=3") },
		{ .refer_to = STR("sip:c@x"), .method = STR("IN VITE") },
		{ .refer_to = STR("http://example.test/"), .method = STR("GET") },
	};
	const struct {
		struct refer_config rc;
		const char *refer_to;
	} good[] = {
		{ { .refer_to = STR("http://example.test/?a=b") },
			"Refer-To: <http://example.test/?a=b>\r\n" },
		{ { .refer_to = STR("tel:+4930123") }, "Refer-To: <tel:+4930123>\r\n" },
		{ { .refer_to = STR("sip:c@x?Replaces=1%3Bto-tag%3D2%3Bfrom-tag%3D3"),
			  .method = STR("INVITE") },
			"Refer-To: "
			"<sip:c@x;method=INVITE?Replaces=1%3Bto-tag%3D2%3Bfrom-tag%3D3>\r\n" },
	};
	const struct endpoint_header by = { ENDPOINT_HEADER_SET, STR("Referred-By"),
		STR("<sip:x@y>") };
	struct refer_config rc = { .endpoint = at.r->u->ep,
		.target = STR("sip:bob@192.0.2.1"),
		.refer_to = STR("sip:c@x"),
		.max_forwards = -1,
		.headers = &by,
		.header_count = 1 };
	struct call *c;
	struct buf wire = BUF_INIT(1 << 16);

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(xfer_try(x, bad[i]), -FAIL_ARGUMENT);
		assert_null(x->r);
	}
	for (unsigned i = 0; i < ARRAY_LEN(good); i++) {
		struct refer_config g = good[i].rc;
		g.endpoint = at.r->u->ep;
		g.target = STR("sip:bob@192.0.2.1");
		buf_clear(&wire);
		assert_int_equal(refer_dry_run(&g, &wire, &at.r->u->why), 0);
		assert_has(buf_str(&wire), good[i].refer_to);
	}
	/* one Referred-By: the caller's own */
	buf_clear(&wire);
	assert_int_equal(refer_dry_run(&rc, &wire, NULL), 0);
	assert_has(buf_str(&wire), "Referred-By: <sip:x@y>\r\n");
	assert_lacks(buf_str(&wire), "alice@example.test>\r\nReferred-By");
	assert_lacks(buf_str(&wire), "Referred-By: <sip:alice");
	/* within a session only while it is established */
	c = call_start(at.r, (struct session_config){ 0 });
	got(at.r->p, "INVITE", 1);
	assert_int_equal(xfer_try(x, (struct refer_config){ .session = c->s }), -FAIL_STATE);
	call_free(c);
	xfer_free(x);
	buf_done(&wire);
	place_free(&at);
}

static void test_replaces(void **state)
{
	struct buf b = BUF_INIT(1 << 12), value = BUF_INIT(1 << 12);
	struct sip_uri u;

	(void)state;
	assert_true(refer_is_replaces(STR("a@b;to-tag=1;from-tag=2")));
	assert_true(refer_is_replaces(STR("a;from-tag=2;to-tag=1;early-only")));
	assert_false(refer_is_replaces(STR("a@b;to-tag=1")));
	assert_false(refer_is_replaces(STR("a@b;to-tag=1;to-tag=1;from-tag=2")));
	assert_false(refer_is_replaces(STR("")));
	refer_write_replaces(&b, str_of(carol), STR("a@b;to-tag=1;from-tag=2"));
	assert_has(buf_str(&b), "sip:carol@example.test?Replaces=");
	assert_lacks(buf_str(&b), ";"); /* escaped: RFC 3261 25.1 hvalue */
	assert_true(sip_uri_parse(buf_str(&b), &u));
	assert_true(sip_uri_header(&u, "replaces", &value));
	assert_str(buf_str(&value), "a@b;to-tag=1;from-tag=2");
	buf_clear(&b);
	refer_write_replaces(&b, STR("sip:c@x?Subject=y"), STR("a;to-tag=1;from-tag=2"));
	assert_has(buf_str(&b), "sip:c@x?Subject=y&Replaces=a");
	buf_done(&b);
	buf_done(&value);
}

/* --- received ------------------------------------------------------------------------------------
 */

enum verdict { UNTOUCHED, ACCEPT, DECLINE, FREE };

struct got_refer {
	struct heard heard; /* after it was accepted */
	struct refer *r;
	enum verdict verdict;
	unsigned status; /* DECLINE */
	unsigned offered;
	unsigned report; /* in the handler, after it was accepted; 0: nothing */
	char refer_to[256], referred_by[128], method[32], uri[256], replaces[256];
	unsigned id;
	bool free_at_end;
};

static void on_taken(void *arg, const struct endpoint_event *ev)
{
	struct got_refer *g = arg;

	heard_event(&g->heard, ev);
	if (g->free_at_end && g->heard.finals) {
		refer_free(g->r);
		g->r = NULL;
	}
}

static void on_offered(struct got_refer *g, const struct endpoint_event *ev)
{
	const struct endpoint_transfer *t = ev->transfer;
	struct fail f = { 0 };
	bool was = g->heard.quiet;

	if (ev->type != ENDPOINT_TRANSFER)
		return;
	g->offered++;
	assert_true(t->received);
	assert_string_equal(t->state, "pending");
	heard_touch_msg(t->msg);
	heard_copy(g->refer_to, sizeof(g->refer_to), t->refer_to);
	heard_copy(g->referred_by, sizeof(g->referred_by), t->referred_by);
	heard_copy(g->method, sizeof(g->method), t->method);
	heard_copy(g->uri, sizeof(g->uri), refer_uri(t->refer));
	heard_copy(g->replaces, sizeof(g->replaces), refer_replaces(t->refer));
	g->id = t->id;
	g->heard.quiet = true; /* R2 */
	switch (g->verdict) {
	case UNTOUCHED:
		break;
	case ACCEPT:
		g->heard.operation = true;
		g->r = t->refer;
		assert_int_equal(refer_accept(g->r, on_taken, g, &f), 0);
		if (g->report)
			assert_int_equal(refer_notify(g->r, g->report, STR_EMPTY, &f), 0);
		break;
	case DECLINE:
		refer_decline(t->refer, g->status, STR("Not Now"));
		break;
	case FREE:
		refer_free(t->refer);
		break;
	}
	g->heard.quiet = was;
}

static void on_call(struct call *c, const struct endpoint_event *ev)
{
	on_offered(c->arg, ev);
}

static void on_endpoint(struct heard *h, const struct endpoint_event *ev)
{
	on_offered(h->arg, ev);
}

/* A place where REFERs are offered to g. */
static struct place place_for(bool within, uint32_t t1, struct got_refer *g)
{
	struct place at = place_with(within, t1);

	if (within) {
		at.c->hook = on_call;
		at.c->arg = g;
	} else {
		at.r->u->heard.hook = on_endpoint;
		at.r->u->heard.arg = g;
	}
	return at;
}

/* The peer's REFER with these lines; outside of a call at->l is its end from now on. */
static void ask_refer(struct place *at, const char *lines)
{
	if (!at->c) {
		struct leg l = { .r = at->r, .p = at->r->p, .to = at->r->at, .cseq = 300 };
		asked++;
		snprintf(l.call_id, sizeof(l.call_id), "refer%u@peer.test", asked);
		snprintf(l.local, sizeof(l.local), "<sip:bob@peer.test>;tag=bob%u", asked);
		snprintf(l.tag, sizeof(l.tag), "bob%u", asked);
		snprintf(l.remote, sizeof(l.remote), "<sip:alice@example.test>");
		snprintf(l.target, sizeof(l.target), "sip:alice@example.test");
		leg_contact(&l);
		at->l = l;
	}
	leg_ask(&at->l, "REFER", (struct leg_says){ .lines = lines });
}

/* ... and the final response to it. */
static struct sip_msg *they_refer(struct place *at, const char *lines)
{
	struct sip_msg *m;

	ask_refer(at, lines);
	m = leg_response(&at->l, "REFER", 200);
	if (!at->c && m->status < 300)
		leg_learn(&at->l, m);
	return m;
}

static const char refer_carol[] = "Refer-To: <sip:carol@example.test>\r\n";

/* A74, RFC 3515 2.4.2: what is refused without asking anybody, and what is offered. */
static void test_judged(void **state)
{
	static const struct {
		const char *lines;
		unsigned status;
		unsigned offered;
		const char *method, *uri, *replaces;
	} rows[] = {
		{ "", 400 },
		{ "Refer-To: <sip:a@x>\r\nRefer-To: <sip:b@x>\r\n", 400 },
		{ "Refer-To: <sip:a@x>, <sip:b@x>\r\n", 400 },
		{ "Refer-To: <sip:a@x\r\n", 400 },
		{ "Refer-To: <http://example.test/>\r\n", 416 },
		{ "Refer-To: <file:///etc/passwd>\r\n", 416 },
		{ "Refer-To: <sip:a@x?Replaces=1%3Bto-tag%3D2>\r\n", 400 },
		{ "Refer-To: <sip:a@x?Replaces=>\r\n", 400 },
		{ "Refer-To: <sip:a@x?Replaces=1%3Bto-tag%3D2%3Bfrom-tag%3D3%0d%0aX:y>\r\n", 400 },
		{ "Refer-To: <sip:a@x?Replaces=1%3Bto-tag%3D2%3Bfrom-tag%3D3"
		  "&Replaces=1%3Bto-tag%3D2%3Bfrom-tag%3D3>\r\n",
			400 },
		{ "Refer-To: <sip:a@x;method=BYE?Replaces=1%3Bto-tag%3D2%3Bfrom-tag%3D3>\r\n",
			400 },
		{ "Refer-To: <sip:a@x;method=B[E>\r\n", 400 },
		/* RF-08: nobody has said yes */
		{ refer_carol, 603, 1, "", "sip:carol@example.test", "" },
		{ "r: sip:carol@example.test\r\n", 603, 1, "", "sip:carol@example.test", "" },
		{ "Refer-To: <tel:+4930123>\r\n", 603, 1, "", "tel:+4930123", "" },
		{ "Refer-To: \"C\" <sip:a@x;method=BYE>\r\n", 603, 1, "BYE", "sip:a@x", "" },
		{ "Refer-To: <sip:a@x?Replaces=1%40b%3Bto-tag%3D2%3Bfrom-tag%3D3&Subject=y>\r\n",
			603, 1, "", "sip:a@x", "1@b;to-tag=2;from-tag=3" },
	};

	(void)state;
	BOTH_PLACES(within)
	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		struct got_refer g = { .verdict = UNTOUCHED };
		struct place at = place_for(within, 0, &g);
		struct sip_msg *m = they_refer(&at, rows[i].lines);
		if (m->status != rows[i].status || g.offered != rows[i].offered)
			fail_msg("%s: %u, offered %u times", rows[i].lines, m->status, g.offered);
		if (g.offered) {
			assert_string_equal(g.method, rows[i].method);
			assert_string_equal(g.uri, rows[i].uri);
			assert_string_equal(g.replaces, rows[i].replaces);
		}
		rig_idle(5);
		assert_int_equal(got_all(at.r->p, "NOTIFY"), 0);
		place_free(&at);
	}
}

static void test_declined(void **state)
{
	(void)state;
	BOTH_PLACES(within)
	{
		struct got_refer g = { .verdict = DECLINE, .status = 480 };
		struct place at = place_for(within, 0, &g);
		struct sip_msg *m = they_refer(
			&at, "Refer-To: <sip:carol@example.test>\r\nReferred-By: <sip:boss@x>\r\n");

		assert_int_equal(m->status, 480);
		assert_str(m->reason, "Not Now");
		assert_string_equal(g.referred_by, "<sip:boss@x>");
		assert_string_equal(g.refer_to, "sip:carol@example.test");
		assert_int_equal(g.id != 0, within);
		place_free(&at);
	}
}

/* The n-th NOTIFY: what it says. */
static struct peer_got notified(
	struct place *at, unsigned n, uint32_t refer_cseq, const char *frag, const char *state)
{
	struct peer_got g = got(at->r->p, "NOTIFY", n);
	char event[32];

	snprintf(event, sizeof(event), "refer;id=%u", refer_cseq);
	assert_str(sip_msg_value(g.msg, SIP_HDR_EVENT), event);
	assert_has(sip_msg_value(g.msg, SIP_HDR_SUBSCRIPTION_STATE), state);
	assert_has(sip_msg_value(g.msg, SIP_HDR_CONTENT_TYPE), "message/sipfrag");
	assert_str(g.msg->body, frag); /* RFC 3420 2.1: the status line, with its CRLF */
	assert_int_equal(msg_count(g.msg, SIP_HDR_CONTACT), 1);
	assert_uri(g.msg, &at->l);
	assert_str(sip_msg_call_id(g.msg), at->l.call_id);
	assert_str(sip_msg_value(g.msg, SIP_HDR_TO), at->l.local);
	assert_str(sip_msg_value(g.msg, SIP_HDR_FROM), at->l.remote);
	return g;
}

static void agree(struct place *at, const struct peer_got *g)
{
	leg_reply(&at->l, g, 200, NULL, NULL);
}

static void taken_end(struct got_refer *g, enum endpoint_event_type type, int code)
{
	rig_wait(g->heard.finals, 1);
	assert_int_equal(g->heard.final, type);
	assert_int_equal(g->heard.fail.code, -code);
	rig_idle(10);
	assert_int_equal(g->heard.finals, 1);
	refer_free(g->r);
	g->r = NULL;
}

/* RFC 3515 2.4.4 and 2.4.5: 202, NOTIFY at once, then what is reported. */
static void test_accepted(void **state)
{
	(void)state;
	BOTH_PLACES(within)
	{
		struct got_refer g = { .verdict = ACCEPT };
		struct place at = place_for(within, 0, &g);
		struct sip_msg *m = they_refer(&at, refer_carol);
		struct peer_got n;
		uint32_t cseq = at.l.cseq;
		struct fail f;

		assert_int_equal(m->status, 202);
		assert_int_equal(msg_count(m, SIP_HDR_CONTACT), 1); /* it makes a dialog */
		n = notified(&at, 1, cseq, "SIP/2.0 100 Trying\r\n", "active;expires=300");
		agree(&at, &n);
		rig_idle(5);
		assert_int_equal(refer_notify(g.r, 180, STR_EMPTY, &f), 0);
		n = notified(&at, 2, cseq, "SIP/2.0 180 Ringing\r\n", "active");
		agree(&at, &n);
		rig_idle(5);
		assert_int_equal(g.heard.all, 0);
		assert_int_equal(refer_notify(g.r, 42, STR_EMPTY, &f), -FAIL_ARGUMENT);
		assert_int_equal(refer_notify(g.r, 700, STR_EMPTY, &f), -FAIL_ARGUMENT);
		assert_int_equal(refer_notify(g.r, 200, STR("a\r\nb"), &f), -FAIL_ARGUMENT);
		assert_int_equal(refer_notify(g.r, 486, STR("Is Busy"), &f), 0);
		assert_int_equal(refer_notify(g.r, 200, STR_EMPTY, &f), -FAIL_STATE);
		n = notified(
			&at, 3, cseq, "SIP/2.0 486 Is Busy\r\n", "terminated;reason=noresource");
		rig_idle(5);
		assert_int_equal(g.heard.finals, 0);
		agree(&at, &n);
		taken_end(&g, ENDPOINT_CLOSED, 0);
		assert_int_equal(got_new(at.r->p, "NOTIFY"), 3);
		/* its subscription is gone */
		assert_int_equal(
			leg_do(&at.l, "SUBSCRIBE",
				(struct leg_says){ .lines = "Event: refer\r\nExpires: 60\r\n" })
				->status,
			within ? 489 : 481);
		place_free(&at);
	}
}

/* One at a time, in order; what was overtaken while it waited is not told. */
static void test_reports_in_order(void **state)
{
	(void)state;
	BOTH_PLACES(within)
	{
		struct got_refer g = { .verdict = ACCEPT, .report = 180 };
		struct place at = place_for(within, 0, &g);
		struct peer_got n;
		uint32_t cseq;
		struct fail f;

		assert_int_equal(they_refer(&at, refer_carol)->status, 202);
		cseq = at.l.cseq;
		n = notified(&at, 1, cseq, "SIP/2.0 100 Trying\r\n", "active");
		rig_idle(10);
		assert_int_equal(got_new(at.r->p, "NOTIFY"), 1);
		agree(&at, &n);
		n = notified(&at, 2, cseq, "SIP/2.0 180 Ringing\r\n", "active");
		assert_int_equal(refer_notify(g.r, 183, STR_EMPTY, &f), 0);
		assert_int_equal(refer_notify(g.r, 200, STR_EMPTY, &f), 0);
		assert_int_equal(refer_notify(g.r, 180, STR_EMPTY, &f), -FAIL_STATE);
		rig_idle(10);
		assert_int_equal(got_new(at.r->p, "NOTIFY"), 2);
		agree(&at, &n);
		n = notified(&at, 3, cseq, "SIP/2.0 200 OK\r\n", "terminated");
		agree(&at, &n);
		taken_end(&g, ENDPOINT_CLOSED, 0);
		assert_int_equal(got_new(at.r->p, "NOTIFY"), 3);
		place_free(&at);
	}
}

/* RFC 4488 */
static void test_silent(void **state)
{
	(void)state;
	BOTH_PLACES(within)
	{
		struct got_refer g = { .verdict = ACCEPT };
		struct place at = place_for(within, 0, &g);
		struct sip_msg *m = they_refer(
			&at, "Refer-To: <sip:carol@example.test>\r\nRefer-Sub: false\r\n");
		struct fail f;

		assert_int_equal(m->status, 200);
		assert_str(msg_named(m, "Refer-Sub"), "false");
		assert_int_equal(refer_notify(g.r, 180, STR_EMPTY, &f), 0);
		assert_int_equal(refer_notify(g.r, 200, STR_EMPTY, &f), 0);
		assert_int_equal(refer_notify(g.r, 200, STR_EMPTY, &f), -FAIL_STATE);
		taken_end(&g, ENDPOINT_CLOSED, 0);
		assert_int_equal(got_all(at.r->p, "NOTIFY"), 0);
		place_free(&at);
	}
}

/* RFC 6665 4.2.2: 481 and silence end the subscription. */
static void test_notify_dead(void **state)
{
	static const unsigned codes[] = { 481, 500, 0 };

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(codes); i++)
		BOTH_PLACES(within)
		{
			struct got_refer g = { .verdict = ACCEPT };
			struct place at = place_for(within, QUICK_T1, &g);
			struct peer_got n;
			struct fail f;
			assert_int_equal(they_refer(&at, refer_carol)->status, 202);
			n = got(at.r->p, "NOTIFY", 1);
			assert_int_equal(refer_notify(g.r, 180, STR_EMPTY, &f), 0);
			if (codes[i])
				leg_reply(&at.l, &n, codes[i], NULL, NULL);
			rig_wait(g.heard.finals, 1);
			assert_int_equal(refer_notify(g.r, 200, STR_EMPTY, &f), -FAIL_STATE);
			taken_end(&g, ENDPOINT_FAILED, FAIL_LOST);
			assert_int_equal(got_new(at.r->p, "NOTIFY"), 1);
			place_free(&at);
		}
}

/* RFC 6665 4.2.1: it is refreshed, and it is given up; each is answered with a NOTIFY, too. */
static void test_subscribe(void **state)
{
	(void)state;
	BOTH_PLACES(within)
	{
		struct got_refer g = { .verdict = ACCEPT };
		struct place at = place_for(within, 0, &g);
		struct peer_got n;
		struct sip_msg *m;
		uint32_t cseq;
		char lines[64];

		assert_int_equal(they_refer(&at, refer_carol)->status, 202);
		cseq = at.l.cseq;
		n = got(at.r->p, "NOTIFY", 1);
		agree(&at, &n);
		rig_idle(5);
		m = leg_do(&at.l, "SUBSCRIBE",
			(struct leg_says){ .lines = "Event: presence\r\nExpires: 0\r\n" });
		assert_int_equal(m->status, 489);
		assert_has(msg_named(m, "Allow-Events"), "refer");
		m = leg_do(&at.l, "SUBSCRIBE",
			(struct leg_says){ .lines = "Event: refer;id=9\r\nExpires: 0\r\n" });
		assert_int_equal(m->status, within ? 489 : 481);
		snprintf(lines, sizeof(lines), "Event: refer;id=%u\r\nExpires: 40\r\n", cseq);
		m = leg_do(&at.l, "SUBSCRIBE", (struct leg_says){ .lines = lines });
		assert_int_equal(m->status, 200);
		assert_int_equal(msg_seconds(m, SIP_HDR_EXPIRES), 40);
		assert_int_equal(msg_count(m, SIP_HDR_CONTACT), 1);
		n = notified(&at, 2, cseq, "SIP/2.0 100 Trying\r\n", "active;expires=40");
		agree(&at, &n);
		m = leg_do(&at.l, "SUBSCRIBE",
			(struct leg_says){ .lines = "Event: refer\r\nExpires: 86400\r\n" });
		assert_int_equal(msg_seconds(m, SIP_HDR_EXPIRES), SUBSCRIPTION_S);
		n = notified(&at, 3, cseq, "SIP/2.0 100 Trying\r\n", "active;expires=300");
		agree(&at, &n);
		assert_int_equal(g.heard.finals, 0);
		m = leg_do(&at.l, "SUBSCRIBE",
			(struct leg_says){ .lines = "Event: refer\r\nExpires: 0\r\n" });
		assert_int_equal(m->status, 200);
		assert_int_equal(msg_seconds(m, SIP_HDR_EXPIRES), 0);
		n = notified(&at, 4, cseq, "SIP/2.0 100 Trying\r\n", "terminated;reason=timeout");
		assert_int_equal(refer_notify(g.r, 200, STR_EMPTY, NULL), -FAIL_STATE);
		agree(&at, &n);
		taken_end(&g, ENDPOINT_CLOSED, 0);
		place_free(&at);
	}
}

/* Nobody refreshed it. */
static void test_expires(void **state)
{
	(void)state;
	BOTH_PLACES(within)
	{
		struct got_refer g = { .verdict = ACCEPT };
		struct place at = place_for(within, 0, &g);
		struct peer_got n;
		uint32_t cseq;

		assert_int_equal(they_refer(&at, refer_carol)->status, 202);
		cseq = at.l.cseq;
		n = got(at.r->p, "NOTIFY", 1);
		agree(&at, &n);
		clock_skip(SUBSCRIPTION_S - 10);
		assert_int_equal(refer_notify(g.r, 180, STR_EMPTY, NULL), 0);
		n = got(at.r->p, "NOTIFY", 2);
		assert_has(sip_msg_value(n.msg, SIP_HDR_SUBSCRIPTION_STATE), "active;expires=");
		assert_lacks(sip_msg_value(n.msg, SIP_HDR_SUBSCRIPTION_STATE), "300");
		agree(&at, &n);
		clock_skip(11);
		n = notified(&at, 3, cseq, "SIP/2.0 180 Ringing\r\n", "terminated;reason=timeout");
		agree(&at, &n);
		taken_end(&g, ENDPOINT_CLOSED, 0);
		place_free(&at);
	}
}

/* Its taker gives up, or the session ends. */
static void test_taken_stop(void **state)
{
	(void)state;
	BOTH_PLACES(within)
	{
		struct got_refer g = { .verdict = ACCEPT };
		struct place at = place_for(within, 0, &g);
		struct peer_got n;

		assert_int_equal(they_refer(&at, refer_carol)->status, 202);
		n = got(at.r->p, "NOTIFY", 1);
		agree(&at, &n);
		rig_idle(5);
		refer_stop(g.r);
		n = notified(&at, 2, at.l.cseq, "SIP/2.0 100 Trying\r\n",
			"terminated;reason=noresource");
		agree(&at, &n);
		taken_end(&g, ENDPOINT_CLOSED, 0);
		place_free(&at);
	}
	struct got_refer g = { .verdict = ACCEPT };
	struct place at = place_for(true, 0, &g);

	assert_int_equal(they_refer(&at, refer_carol)->status, 202);
	got(at.r->p, "NOTIFY", 1);
	call_bye(at.c, &at.l);
	assert_int_equal(refer_notify(g.r, 200, STR_EMPTY, NULL), -FAIL_STATE);
	taken_end(&g, ENDPOINT_CLOSED, 0);
	rig_free(at.r);
}

/* What else comes in the dialog that a REFER made. */
static void test_strays(void **state)
{
	struct got_refer g = { .verdict = ACCEPT };
	struct place at = place_for(false, 0, &g);
	struct peer_got n;
	struct sip_msg *m;

	(void)state;
	assert_int_equal(they_refer(&at, refer_carol)->status, 202);
	n = got(at.r->p, "NOTIFY", 1);
	agree(&at, &n);
	assert_int_equal(leg_do(&at.l, "BYE", (struct leg_says){ 0 })->status, 481);
	assert_int_equal(notify(&at, "refer", over, ok), 481);
	m = leg_do(&at.l, "INFO", (struct leg_says){ 0 });
	assert_int_equal(m->status, 405);
	assert_has(msg_named(m, "Allow"), "SUBSCRIBE"); /* RFC 3261 21.4.6 */
	assert_int_equal(refer_notify(g.r, 200, STR_EMPTY, NULL), 0);
	n = got(at.r->p, "NOTIFY", 2);
	agree(&at, &n);
	taken_end(&g, ENDPOINT_CLOSED, 0);
	place_free(&at);
}

/* --- lifetimes -----------------------------------------------------------------------------------
 */

/* A whole transfer, freed in the handler of its n-th event. False: there are not so many. */
static bool freed_in(bool within, unsigned n)
{
	struct place at = place_with(within, 0);
	struct peer_got g;
	struct xfer *x = ask_with(&at, (struct refer_config){ 0 }, &g);
	bool freed;

	x->free_at = n;
	accept_with(&at, &g, NULL);
	rig_idle(5);
	notify(&at, "refer", active, trying);
	notify(&at, "refer", over, ok);
	rig_idle(10);
	freed = x->r == NULL;
	assert_int_equal(x->heard.all, freed ? n : 4);
	xfer_free(x);
	place_free(&at);
	return freed;
}

static void test_free_in_handler(void **state)
{
	(void)state;
	BOTH_PLACES(within)
	{
		unsigned n = 1;
		while (freed_in(within, n))
			n++;
		assert_int_equal(n, 5); /* accepted, 100, 200, DONE */
	}
	/* A received one: undecided, and at its end. */
	BOTH_PLACES(within)
	{
		struct got_refer g = { .verdict = FREE };
		struct place at = place_for(within, 0, &g);

		ask_refer(&at, refer_carol);
		till(g.offered == 1);
		place_free(&at);
	}
	BOTH_PLACES(within)
	{
		struct got_refer g = { .verdict = ACCEPT, .report = 200, .free_at_end = true };
		struct place at = place_for(within, 0, &g);
		struct peer_got n;

		assert_int_equal(they_refer(&at, refer_carol)->status, 202);
		for (unsigned i = 1; i < 3; i++) {
			n = got(at.r->p, "NOTIFY", i);
			agree(&at, &n);
		}
		rig_wait(g.heard.finals, 1);
		assert_null(g.r);
		place_free(&at);
	}
}

/* Freed at any pass: ours while it runs or is being ended, and a received one. */
static void test_free_at_any_pass(void **state)
{
	(void)state;
	for (int what = 0; what < 4; what++)
		BOTH_PLACES(within)
	for (int passes = 0; passes < 8; passes++) {
		struct got_refer g = { .verdict = ACCEPT, .report = 180 };
		struct place at = place_for(within, 0, &g);
		struct xfer *x = NULL;
		struct peer_got m;
		if (what == 3) {
			they_refer(&at, refer_carol);
		} else {
			x = ask_with(&at, (struct refer_config){ 0 }, &m);
			if (what > 0)
				accept_with(&at, &m, NULL);
			if (what == 2)
				stop(x);
		}
		for (int i = 0; i < passes; i++)
			ev_run(net_loop(), EVRUN_NOWAIT);
		if (x)
			xfer_free(x);
		refer_free(g.r);
		g.heard.quiet = true;
		rig_idle(2);
		place_free(&at);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_transfer),
		cmocka_unit_test(test_final_status),
		cmocka_unit_test(test_ended_untold),
		cmocka_unit_test(test_accepted_and_bye),
		cmocka_unit_test(test_final_and_bye),
		cmocka_unit_test(test_refused_once),
		cmocka_unit_test(test_early_notify),
		cmocka_unit_test(test_final_first),
		cmocka_unit_test(test_forked),
		cmocka_unit_test(test_challenged),
		cmocka_unit_test(test_odd_notify),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_notify_ms),
		cmocka_unit_test(test_no_subscription),
		cmocka_unit_test(test_unsubscribe),
		cmocka_unit_test(test_unsubscribe_silent),
		cmocka_unit_test(test_stop_early),
		cmocka_unit_test(test_session_ends),
		cmocka_unit_test(test_several),
		cmocka_unit_test(test_config),
		cmocka_unit_test(test_replaces),
		cmocka_unit_test(test_judged),
		cmocka_unit_test(test_declined),
		cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_reports_in_order),
		cmocka_unit_test(test_silent),
		cmocka_unit_test(test_notify_dead),
		cmocka_unit_test(test_subscribe),
		cmocka_unit_test(test_expires),
		cmocka_unit_test(test_taken_stop),
		cmocka_unit_test(test_strays),
		cmocka_unit_test(test_free_in_handler),
		cmocka_unit_test(test_free_at_any_pass),
	};

	net_loop();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
