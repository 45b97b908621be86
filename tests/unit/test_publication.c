/* tests/unit/test_publication.c -- lib/endpoint/publication: PUBLISH and its entity tags,
 * refreshes, modifications, removals, what fails and what is forgotten (RFC 3903 section 4, row
 * SB-20), and the presence document (RFC 3863, 4480). Over loopback against a scripted peer. */
#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#define CALL_RIG_CLOCK
#include "call_rig.h"

#include "base/utf8.h"
#include "endpoint/publication.h"

enum { QUICK_T1 = 5 };

/* ---- a publication and what its handler hears ---- */

struct pub {
	struct heard heard;
	struct rig *rig;
	struct publication *p;
	char states[2048]; /* " active/published active/refreshed terminated/removed" */
	unsigned told;
	uint32_t expires, refresh_in; /* of the last state */
	char etag[64];
	unsigned free_at, stop_at; /* the event in which it is freed or stopped, from 1; 0: none */
};

static void pub_stop(struct pub *b)
{
	bool was = b->heard.quiet;

	b->heard.quiet = true; /* R2 */
	publication_stop(b->p);
	publication_stop(b->p);
	b->heard.quiet = was;
}

static void pub_state(struct pub *b, const struct endpoint_publication *e)
{
	assert_ptr_equal(e->publication, b->p);
	assert_str(e->event, "presence");
	heard_touch(e->aor);
	if (e->msg)
		heard_touch_msg(e->msg);
	b->told++;
	b->expires = e->expires;
	b->refresh_in = e->refresh_in;
	heard_copy(b->etag, sizeof(b->etag), e->etag);
	snprintf(b->states + strlen(b->states), sizeof(b->states) - strlen(b->states), " %s/%s",
		e->state, e->cause);
}

static void pub_event(void *arg, const struct endpoint_event *ev)
{
	struct pub *b = arg;

	heard_event(&b->heard, ev);
	if (ev->type == ENDPOINT_PUBLICATION)
		pub_state(b, ev->publication);
	if (b->heard.all == b->stop_at)
		pub_stop(b);
	if (b->heard.all == b->free_at) {
		publication_free(b->p);
		b->p = NULL;
		b->heard.quiet = true; /* R5 */
	}
}

static struct pub *pub_new(struct rig *r)
{
	struct pub *b = MEM_NEW(struct pub);

	b->heard.operation = true;
	b->rig = r;
	return b;
}

static struct publication_config pub_config(struct pub *b, struct publication_config c)
{
	c.endpoint = b->rig->u->ep;
	if (!c.target.p)
		c.target = STR("sip:alice@example.test");
	if (!c.event.p)
		c.event = STR("presence");
	if (!c.expires && !c.remove)
		c.expires = 3600;
	if (!c.body.p && !c.etag.p) {
		c.body = STR("one");
		c.type = STR("text/plain");
	}
	c.max_forwards = -1;
	c.on_event = pub_event;
	c.arg = b;
	return c;
}

/* R2: no event while it starts. */
static int pub_try(struct pub *b, struct publication_config c)
{
	struct ua *u = b->rig->u;
	bool was = u->heard.quiet;
	int e;

	c = pub_config(b, c);
	u->heard.quiet = b->heard.quiet = true;
	b->heard.began = rig_ms();
	e = publication_start(&c, &b->p, &u->why);
	u->heard.quiet = was;
	b->heard.quiet = false;
	return e;
}

static struct pub *pub_start(struct rig *r, struct publication_config c)
{
	struct pub *b = pub_new(r);

	if (pub_try(b, c) != 0)
		fail_msg("publication_start: %s", fail_show(&r->u->why));
	return b;
}

static void pub_free(struct pub *b)
{
	b->heard.quiet = true;
	publication_free(b->p);
	ev_run(net_loop(), EVRUN_NOWAIT);
	mem_free(b);
}

static void pub_wait(struct pub *b)
{
	if (!rig_run(&b->heard.finals, 1, PEER_MS))
		fail_msg("no final event; states:%s, events: %s", b->states, b->heard.order);
}

/* It ended so, and nothing comes after it (R6). */
static void pub_end(struct pub *b, enum endpoint_event_type type, int code, unsigned status)
{
	pub_wait(b);
	if (b->heard.final != type || b->heard.fail.code != -code || b->heard.status != status)
		fail_msg("event %d, %s, %u; wanted %d, %s, %u; states:%s", (int)b->heard.final,
			fail_show(&b->heard.fail), b->heard.status, (int)type, fail_text(-code),
			status, b->states);
	rig_idle(10);
	assert_int_equal(b->heard.finals, 1);
	assert_int_equal(publication_refresh(b->p), -FAIL_STATE);
	assert_int_equal(
		publication_modify(b->p, STR("a/b"), STR("c"), &b->rig->u->why), -FAIL_STATE);
	pub_free(b);
}

static struct peer_got pub_asked(struct rig *r, unsigned n)
{
	return got(r->p, "PUBLISH", n);
}

/* A 2xx with this tag and time; NULL, < 0: without. */
static void pub_ok(struct rig *r, const struct peer_got *g, const char *etag, int expires)
{
	char lines[256] = "";

	if (etag)
		snprintf(lines, sizeof(lines), "SIP-ETag: %s\r\n", etag);
	if (expires >= 0)
		snprintf(lines + strlen(lines), sizeof(lines) - strlen(lines), "Expires: %d\r\n",
			expires);
	peer_reply(r->p, g, 200, lines);
}

/* What a PUBLISH says; "": none of it. */
static void assert_says(
	const struct peer_got *g, const char *etag, uint32_t expires, const char *body)
{
	assert_str(sip_msg_value(g->msg, SIP_HDR_SIP_IF_MATCH), etag);
	assert_int_equal(msg_seconds(g->msg, SIP_HDR_EXPIRES), expires);
	assert_str(g->msg->body, body);
	assert_int_equal(msg_count(g->msg, SIP_HDR_CONTENT_TYPE), body[0] != '\0');
	assert_str(sip_msg_value(g->msg, SIP_HDR_EVENT), "presence");
	assert_str(g->msg->request_uri, "sip:alice@example.test");
}

/* Kept, published as "t1" for so long. */
static struct pub *pub_up_with(struct rig *r, struct publication_config c, int expires)
{
	unsigned n = got_new(r->p, "PUBLISH");
	struct peer_got g;
	struct pub *b;

	c.keep = true;
	b = pub_start(r, c);
	g = pub_asked(r, n + 1);
	pub_ok(r, &g, "t1", expires);
	till(b->told == 1);
	assert_string_equal(b->states, " active/published");
	return b;
}

static struct pub *pub_up(struct rig *r)
{
	return pub_up_with(r, (struct publication_config){ 0 }, 3600);
}

/* Stopped, with the n-th PUBLISH for the state of this tag. */
static void pub_down(struct pub *b, unsigned n, const char *etag)
{
	struct peer_got g;

	pub_stop(b);
	g = pub_asked(b->rig, n);
	assert_says(&g, etag, 0, "");
	peer_reply(b->rig->p, &g, 200, "SIP-ETag: gone\r\nExpires: 0\r\n");
	pub_wait(b);
	assert_has(str_of(b->states), "terminated/removed");
	pub_end(b, ENDPOINT_CLOSED, 0, 200);
}

/* --- wire forms ----------------------------------------------------------------------------------
 */

static void test_wire(void **state)
{
	const struct endpoint_header mine = { ENDPOINT_HEADER_ADD, STR("X-Mine"), STR("1") };
	struct rig *r = rig_out(NET_UDP, 0);
	struct pub *b =
		pub_start(r, (struct publication_config){ .headers = &mine, .header_count = 1 });
	struct peer_got g = pub_asked(r, 1);

	(void)state;
	assert_says(&g, "", 3600, "one");
	assert_str(sip_msg_value(g.msg, SIP_HDR_CONTENT_TYPE), "text/plain");
	assert_str(sip_msg_value(g.msg, SIP_HDR_TO), "<sip:alice@example.test>");
	assert_has(sip_msg_value(g.msg, SIP_HDR_FROM), "<sip:alice@example.test>;tag=");
	assert_str(msg_named(g.msg, "X-Mine"), "1");
	assert_str(publication_etag(b->p), "");
	pub_ok(r, &g, "dx200xyz", 1800);
	pub_wait(b);
	assert_string_equal(b->heard.order, "Pd");
	assert_string_equal(b->states, " active/published");
	assert_string_equal(b->etag, "dx200xyz");
	assert_int_equal(b->expires, 1800);
	assert_int_equal(b->refresh_in, 0); /* it is not kept */
	assert_str(publication_etag(b->p), "dx200xyz");
	pub_end(b, ENDPOINT_DONE, 0, 200);
	clock_skip(1800);
	assert_int_equal(got_new(r->p, "PUBLISH"), 1);
	rig_free(r);
}

/* RFC 3903 4.1 table 1: what is there already. */
static void test_if_match(void **state)
{
	static const struct {
		const char *body;
		bool remove;
		const char *states;
	} rows[] = {
		{ "two", false, " active/modified" },
		{ "", false, " active/refreshed" },
		{ "", true, " terminated/removed" },
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		struct rig *r = rig_out(NET_UDP, 0);
		struct pub *b = pub_start(r, (struct publication_config){ .etag = STR("old"),
						     .remove = rows[i].remove,
						     .type = STR("text/plain"),
						     .body = str_of(rows[i].body) });
		struct peer_got g = pub_asked(r, 1);

		assert_says(&g, "old", rows[i].remove ? 0 : 3600, rows[i].body);
		pub_ok(r, &g, "new", rows[i].remove ? 0 : 3600);
		pub_wait(b);
		assert_string_equal(b->states, rows[i].states);
		assert_string_equal(b->etag, rows[i].remove ? "" : "new");
		pub_end(b, ENDPOINT_DONE, 0, 200);
		rig_free(r);
	}
}

static void test_dry_run(void **state)
{
	CLEANUP(buf_done) struct buf wire = BUF_INIT(65536);
	struct rig *r = rig_out(NET_UDP, 0);
	struct pub *b = pub_new(r);
	struct publication_config c = pub_config(b, (struct publication_config){ 0 });

	(void)state;
	assert_int_equal(publication_dry_run(&c, &wire, &r->u->why), 0);
	assert_has(buf_str(&wire), "PUBLISH sip:alice@example.test SIP/2.0\r\n");
	assert_has(buf_str(&wire), "\r\n\r\none");
	rig_idle(10);
	assert_int_equal(r->p->requests, 0);
	mem_free(b);
	rig_free(r);
}

static void test_bad_config(void **state)
{
	const struct endpoint_header inject = { ENDPOINT_HEADER_ADD, STR("X-A"), STR("a\r\nX: y") };
	const struct publication_config rows[] = {
		{ .event = STR("") },
		{ .event = STR("a b") },
		{ .event = STR("presence\r\nX: y") },
		{ .target = STR("alice") },
		{ .target = STR("sip:a@x\r\nX: y") },
		{ .etag = STR("a b") },
		{ .etag = STR("a\r\nX: y") },
		{ .remove = true, .body = STR("x"), .type = STR("a/b") },
		{ .body = STR("no type") },
		{ .body = STR("x"), .type = STR("a/b\r\nX: y") },
		{ .headers = &inject, .header_count = 1 },
	};
	struct rig *r = rig_out(NET_UDP, 0);
	struct pub *b = pub_new(r);
	struct publication_config c = pub_config(b, (struct publication_config){ 0 });

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		r->u->why = (struct fail){ 0 };
		if (pub_try(b, rows[i]) != -FAIL_ARGUMENT)
			fail_msg("row %u is not refused", i);
		assert_null(b->p);
		assert_int_equal(r->u->why.code, -FAIL_ARGUMENT);
	}
	c.expires = 0;
	assert_int_equal(publication_start(&c, &b->p, &r->u->why), -FAIL_ARGUMENT);
	c.expires = 60;
	c.body = STR_EMPTY; /* and no tag: nothing to publish */
	assert_int_equal(publication_start(&c, &b->p, &r->u->why), -FAIL_ARGUMENT);
	assert_int_equal(r->p->requests, 0);
	mem_free(b);
	rig_free(r);
}

/* --- kept ----------------------------------------------------------------------------------------
 */

/* Each tag is that of the answer before; a refresh has no body (RFC 3903 4.1). */
static void test_kept(void **state)
{
	struct rig *r = rig_out(NET_UDP, 0);
	struct pub *b = pub_up(r);
	struct peer_got g, first = pub_asked(r, 1);

	(void)state;
	assert_int_equal(b->expires, 3600);
	assert_int_equal(b->refresh_in, 3240); /* ruling 5 */
	clock_skip(3238);
	assert_int_equal(got_new(r->p, "PUBLISH"), 1);
	clock_skip(3);
	g = pub_asked(r, 2);
	assert_says(&g, "t1", 3600, "");
	assert_true(str_eq(sip_msg_call_id(g.msg), sip_msg_call_id(first.msg)));
	assert_true(msg_cseq(g.msg) > msg_cseq(first.msg));
	pub_ok(r, &g, "t2", 3600);
	till(b->told == 2);
	assert_str(publication_etag(b->p), "t2");
	/* by hand */
	assert_int_equal(publication_refresh(b->p), 0);
	assert_int_equal(publication_refresh(b->p), 0);
	g = pub_asked(r, 3);
	assert_says(&g, "t2", 3600, "");
	rig_idle(20);
	assert_int_equal(got_new(r->p, "PUBLISH"), 3);
	pub_ok(r, &g, "t3", 3600);
	till(b->told == 3);
	assert_int_equal(publication_modify(b->p, STR("text/x"), STR("two"), &r->u->why), 0);
	g = pub_asked(r, 4);
	assert_says(&g, "t3", 3600, "two");
	assert_str(sip_msg_value(g.msg, SIP_HDR_CONTENT_TYPE), "text/x");
	pub_ok(r, &g, "t4", 3600);
	till(b->told == 4);
	assert_string_equal(
		b->states, " active/published active/refreshed active/refreshed active/modified");
	assert_string_equal(b->etag, "t4");
	clock_skip(3241);
	g = pub_asked(r, 5);
	assert_says(&g, "t4", 3600, "");
	pub_ok(r, &g, "t5", 3600);
	till(b->told == 5);
	pub_down(b, 6, "t5");
	rig_free(r);
}

/* Ruling 5: at 90 %, at half below 20 s; by what was granted, if that is less than was asked for.
 */
static void test_refresh_time(void **state)
{
	static const struct {
		uint32_t asked;
		int granted;
		uint32_t due;
	} rows[] = { { 3600, 1000, 900 }, { 60, 20, 18 }, { 60, 10, 5 }, { 60, -1, 54 },
		{ 60, 7200, 54 } };

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		struct rig *r = rig_out(NET_UDP, 0);
		struct pub *b = pub_up_with(r,
			(struct publication_config){ .expires = rows[i].asked }, rows[i].granted);
		struct peer_got g;

		assert_int_equal(b->refresh_in, rows[i].due);
		clock_skip(rows[i].due - 1);
		assert_int_equal(got_new(r->p, "PUBLISH"), 1);
		clock_skip(2);
		g = pub_asked(r, 2);
		assert_says(&g, "t1", rows[i].asked, "");
		pub_free(b);
		rig_free(r);
	}
}

static void test_423(void **state)
{
	struct rig *r = rig_out(NET_UDP, 0);
	struct pub *b = pub_start(r, (struct publication_config){ .expires = 60, .keep = true });
	struct peer_got g = pub_asked(r, 1);

	(void)state;
	peer_reply(r->p, &g, 423, "Min-Expires: 600\r\n");
	g = pub_asked(r, 2);
	assert_says(&g, "", 600, "one");
	pub_ok(r, &g, "t1", 600);
	till(b->told == 1);
	assert_int_equal(b->expires, 600);
	/* it is not asked for less again */
	assert_int_equal(publication_refresh(b->p), 0);
	g = pub_asked(r, 3);
	assert_says(&g, "t1", 600, "");
	pub_free(b);
	rig_free(r);
}

/* RFC 3903 4.1: without a tag nothing can follow. */
static void test_no_etag(void **state)
{
	static const char *const lines[] = { "Expires: 60\r\n", "SIP-ETag: \r\n",
		"SIP-ETag: a b\r\n" };

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(lines); i++)
		for (int refresh = 0; refresh < 2; refresh++) {
			struct rig *r = rig_out(NET_UDP, 0);
			struct pub *b = refresh ? pub_up(r)
						: pub_start(r, (struct publication_config){ 0 });
			struct peer_got g;

			if (refresh)
				assert_int_equal(publication_refresh(b->p), 0);
			g = pub_asked(r, 1 + (unsigned)refresh);
			peer_reply(r->p, &g, 200, lines[i]);
			pub_wait(b);
			pub_end(b, ENDPOINT_FAILED, FAIL_PROTOCOL, b->heard.status);
			rig_free(r);
		}
}

static void test_refused(void **state)
{
	static const unsigned codes[] = { 403, 404, 412, 489, 500, 0 };

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(codes); i++)
		for (int keep = 0; keep < 2; keep++) {
			struct rig *r = rig_out(NET_UDP, QUICK_T1);
			struct pub *b = pub_start(
				r, (struct publication_config){ .keep = keep, .etag = STR("old") });
			struct peer_got g = pub_asked(r, 1);

			if (codes[i])
				peer_reply(r->p, &g, codes[i], NULL);
			pub_wait(b);
			assert_string_equal(b->states, "");
			if (codes[i])
				pub_end(b, ENDPOINT_FAILED, FAIL_STATUS, codes[i]);
			else
				pub_end(b, ENDPOINT_FAILED, FAIL_TIMEOUT, 0);
			assert_int_equal(got_new(r->p, "PUBLISH"), 1);
			rig_free(r);
		}
}

static void test_challenged(void **state)
{
	static const char lines[] = "WWW-Authenticate: Digest realm=\"r\", nonce=\"n1\"\r\n",
			  again[] = "WWW-Authenticate: Digest realm=\"r\", nonce=\"n2\", "
				    "stale=true\r\n";
	struct peer *p = peer_new();
	struct cred_store *creds = rig_creds("secret");
	struct ua *u = ua_new((struct endpoint_manager_config){ .kind = NET_CLIENT },
		(struct endpoint_config){ .servers = &p->server,
			.server_count = 1,
			.transport = NET_UDP,
			.auth = { .creds = creds } });
	struct peer_got g;
	struct rig *r;
	struct pub *b;

	(void)state;
	u->creds = creds;
	r = rig_of(p, u);
	b = pub_start(r, (struct publication_config){ .keep = true });
	g = pub_asked(r, 1);
	peer_reply(p, &g, 401, lines);
	g = pub_asked(r, 2);
	assert_says(&g, "", 3600, "one");
	assert_has(g.msg->wire, "\r\nAuthorization: ");
	pub_ok(r, &g, "t1", 3600);
	till(b->told == 1);
	assert_int_equal(publication_refresh(b->p), 0);
	g = pub_asked(r, 3);
	peer_reply(p, &g, 401, again);
	g = pub_asked(r, 4);
	assert_says(&g, "t1", 3600, "");
	assert_has(g.msg->wire, "nonce=\"n2\"");
	pub_ok(r, &g, "t2", 3600);
	till(b->told == 2);
	pub_down(b, 5, "t2");
	rig_free(r);
}

/* --- forgotten by the server: 412 ----------------------------------------------------------------
 */

/* RFC 3903 4.4, 5: what is kept is published as the first time. */
static void test_412(void **state)
{
	(void)state;
	for (int modifies = 0; modifies < 2; modifies++) {
		struct rig *r = rig_out(NET_UDP, 0);
		struct pub *b = pub_up(r);
		struct peer_got g;

		if (modifies)
			assert_int_equal(
				publication_modify(b->p, STR("a/b"), STR("two"), &r->u->why), 0);
		else
			assert_int_equal(publication_refresh(b->p), 0);
		g = pub_asked(r, 2);
		peer_reply(r->p, &g, 412, NULL);
		g = pub_asked(r, 3);
		assert_says(&g, "", 3600, modifies ? "two" : "one");
		pub_ok(r, &g, "n1", 3600);
		till(b->told == 2);
		assert_string_equal(b->states, " active/published active/republished");
		assert_string_equal(b->etag, "n1");
		/* and once more, later */
		assert_int_equal(publication_refresh(b->p), 0);
		g = pub_asked(r, 4);
		assert_says(&g, "n1", 3600, "");
		peer_reply(r->p, &g, 412, NULL);
		g = pub_asked(r, 5);
		assert_says(&g, "", 3600, modifies ? "two" : "one");
		pub_ok(r, &g, "n2", 3600);
		till(b->told == 3);
		pub_down(b, 6, "n2");
		rig_free(r);
	}
}

/* A tag from outside that is not known: with a body it is kept all the same. */
static void test_412_first(void **state)
{
	struct rig *r = rig_out(NET_UDP, 0);
	struct pub *b = pub_start(r, (struct publication_config){ .etag = STR("old"),
					     .keep = true,
					     .type = STR("text/plain"),
					     .body = STR("one") });
	struct peer_got g = pub_asked(r, 1);

	(void)state;
	peer_reply(r->p, &g, 412, NULL);
	g = pub_asked(r, 2);
	assert_says(&g, "", 3600, "one");
	/* to one without a tag it is nonsense: the end */
	peer_reply(r->p, &g, 412, NULL);
	pub_end(b, ENDPOINT_FAILED, FAIL_STATUS, 412);
	assert_int_equal(got_new(r->p, "PUBLISH"), 2);
	/* one-shot: the end as well (and so test_refused without a body) */
	b = pub_start(
		r, (struct publication_config){
			   .etag = STR("old"), .type = STR("text/plain"), .body = STR("one") });
	g = pub_asked(r, 3);
	peer_reply(r->p, &g, 412, NULL);
	pub_end(b, ENDPOINT_FAILED, FAIL_STATUS, 412);
	assert_int_equal(got_new(r->p, "PUBLISH"), 3);
	rig_free(r);
}

/* --- what fails ----------------------------------------------------------------------------------
 */

static void test_refresh_fails(void **state)
{
	static const unsigned codes[] = { 500, 503, 0 };

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(codes); i++) {
		struct rig *r = rig_out(NET_UDP, QUICK_T1);
		struct pub *b = pub_up(r);
		struct peer_got g;

		assert_int_equal(publication_refresh(b->p), 0);
		g = pub_asked(r, 2);
		if (codes[i])
			peer_reply(r->p, &g, codes[i], NULL);
		till(b->heard.count[ENDPOINT_RETRY] == 1);
		assert_between(b->heard.waits[0], 0, 0); /* ruling 5 */
		g = pub_asked(r, 3);
		assert_says(&g, "t1", 3600, "");
		peer_reply(r->p, &g, 503, "Retry-After: 7\r\n");
		till(b->heard.count[ENDPOINT_RETRY] == 2);
		assert_between(b->heard.waits[1], 7000, 9000);
		clock_skip(5);
		assert_int_equal(got_new(r->p, "PUBLISH"), 3);
		clock_skip(4);
		g = pub_asked(r, 4);
		assert_says(&g, "t1", 3600, "");
		pub_ok(r, &g, "t2", 3600);
		till(b->told == 2);
		assert_string_equal(b->states, " active/published active/refreshed");
		assert_int_equal(b->heard.finals, 0);
		pub_free(b);
		rig_free(r);
	}
}

static void test_refresh_refused(void **state)
{
	static const unsigned codes[] = { 403, 404, 489, 603 };

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(codes); i++) {
		struct rig *r = rig_out(NET_UDP, 0);
		struct pub *b = pub_up(r);
		struct peer_got g;

		assert_int_equal(publication_refresh(b->p), 0);
		g = pub_asked(r, 2);
		peer_reply(r->p, &g, codes[i], NULL);
		pub_wait(b);
		assert_string_equal(b->states, " active/published terminated/rejected");
		pub_end(b, ENDPOINT_FAILED, FAIL_STATUS, codes[i]);
		rig_free(r);
	}
}

static void test_lost(void **state)
{
	struct rig *r = rig_out(NET_UDP, 0);
	struct pub *b = pub_up_with(r, (struct publication_config){ .recover_ms = 3000 }, 3600);
	unsigned n = 2;

	(void)state;
	assert_int_equal(publication_refresh(b->p), 0);
	while (!b->heard.finals) {
		unsigned have = got_new(r->p, "PUBLISH");
		for (; n <= have; n++) {
			struct peer_got g = pub_asked(r, n);
			assert_says(&g, "t1", 3600, "");
			peer_reply(r->p, &g, 500, NULL);
		}
		rig_idle(5);
		clock_ahead += b->heard.count[ENDPOINT_RETRY] > 1;
		rig_idle(5);
		assert_true(n < 10);
	}
	assert_true(n > 3);
	assert_string_equal(b->states, " active/published terminated/expired");
	pub_end(b, ENDPOINT_FAILED, FAIL_LOST, 0);
	rig_free(r);
}

/* A modification waits for the answer before it (RFC 3903 4: "MUST NOT send a new PUBLISH ... until
 * they have received a final response"), and the last one counts. */
static void test_modify_waits(void **state)
{
	static const unsigned codes[] = { 200, 500, 412, 0 };

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(codes); i++) {
		struct rig *r = rig_out(NET_UDP, QUICK_T1);
		struct pub *b = pub_up(r);
		struct peer_got g;

		assert_int_equal(publication_refresh(b->p), 0);
		g = pub_asked(r, 2);
		assert_int_equal(publication_modify(b->p, STR("a/b"), STR("two"), &r->u->why), 0);
		assert_int_equal(publication_modify(b->p, STR("a/b"), STR("three"), &r->u->why), 0);
		rig_idle(20);
		assert_int_equal(got_new(r->p, "PUBLISH"), 2);
		if (codes[i] == 200)
			pub_ok(r, &g, "t2", 3600);
		else if (codes[i])
			peer_reply(r->p, &g, codes[i], NULL);
		g = pub_asked(r, 3);
		assert_says(&g,
			codes[i] == 200   ? "t2"
			: codes[i] == 412 ? ""
					  : "t1",
			3600, "three");
		/* and when it fails, it is not lost */
		peer_reply(r->p, &g, 500, NULL);
		if (codes[i] != 200 && codes[i] != 412) { /* the second try: after a second */
			till(b->heard.count[ENDPOINT_RETRY] == 2);
			clock_skip(2);
		}
		g = pub_asked(r, 4);
		assert_str(g.msg->body, "three");
		pub_ok(r, &g, "t4", 3600);
		till(b->told >= 2 && strcmp(b->etag, "t4") == 0);
		rig_idle(20);
		assert_int_equal(got_new(r->p, "PUBLISH"), 4);
		assert_has(str_of(strrchr(b->states, ' ')),
			codes[i] == 412 ? "active/republished" : "active/modified");
		pub_free(b);
		rig_free(r);
	}
}

/* Another one that comes while the modification is on its way. */
static void test_modify_twice(void **state)
{
	(void)state;
	for (int fails = 0; fails < 2; fails++) {
		struct rig *r = rig_out(NET_UDP, 0);
		struct pub *b = pub_up(r);
		struct peer_got g;

		assert_int_equal(publication_modify(b->p, STR("a/b"), STR("two"), &r->u->why), 0);
		g = pub_asked(r, 2);
		assert_says(&g, "t1", 3600, "two");
		assert_int_equal(publication_modify(b->p, STR("a/b"), STR("three"), &r->u->why), 0);
		if (fails)
			peer_reply(r->p, &g, 500, NULL);
		else
			pub_ok(r, &g, "t2", 3600);
		g = pub_asked(r, 3);
		assert_says(&g, fails ? "t1" : "t2", 3600, "three");
		pub_ok(r, &g, "t3", 3600);
		till(strcmp(b->etag, "t3") == 0);
		pub_down(b, 4, "t3");
		rig_free(r);
	}
}

static void test_modify_bad(void **state)
{
	struct rig *r = rig_out(NET_UDP, 0);
	struct pub *b = pub_start(r, (struct publication_config){ .keep = true });
	struct peer_got g = pub_asked(r, 1);

	(void)state;
	assert_int_equal(publication_modify(b->p, STR("a/b"), STR("x"), &r->u->why), -FAIL_STATE);
	assert_int_equal(publication_refresh(b->p), -FAIL_STATE);
	pub_ok(r, &g, "t1", 3600);
	till(b->told == 1);
	assert_int_equal(
		publication_modify(b->p, STR("a/b"), STR_EMPTY, &r->u->why), -FAIL_ARGUMENT);
	assert_int_equal(publication_modify(b->p, STR_EMPTY, STR("x"), &r->u->why), -FAIL_ARGUMENT);
	assert_int_equal(
		publication_modify(b->p, STR("a/b\r\nX: y"), STR("x"), &r->u->why), -FAIL_ARGUMENT);
	rig_idle(10);
	assert_int_equal(got_new(r->p, "PUBLISH"), 1);
	pub_free(b);
	rig_free(r);
}

/* --- ends ----------------------------------------------------------------------------------------
 */

/* Whatever the server says to it. */
static void test_stop(void **state)
{
	static const unsigned codes[] = { 200, 412, 403, 500, 503, 0 };

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(codes); i++) {
		struct rig *r = rig_out(NET_UDP, QUICK_T1);
		struct pub *b = pub_up(r);
		struct peer_got g;

		pub_stop(b);
		assert_int_equal(publication_refresh(b->p), -FAIL_STATE);
		g = pub_asked(r, 2);
		assert_says(&g, "t1", 0, "");
		if (codes[i])
			peer_reply(r->p, &g, codes[i], NULL);
		pub_wait(b);
		assert_int_equal(b->heard.final, ENDPOINT_CLOSED);
		assert_string_equal(b->states, codes[i] == 200
						       ? " active/published terminated/removed"
						       : " active/published");
		rig_idle(20);
		assert_int_equal(b->heard.finals, 1);
		assert_int_equal(got_new(r->p, "PUBLISH"), 2);
		pub_free(b);
		rig_free(r);
	}
}

static void test_leave(void **state)
{
	struct rig *r = rig_out(NET_UDP, 0);
	struct pub *b = pub_up_with(r, (struct publication_config){ .leave = true }, 3600);

	(void)state;
	pub_stop(b);
	assert_int_equal(b->heard.finals, 0); /* from the loop */
	pub_wait(b);
	assert_string_equal(b->states, " active/published");
	pub_end(b, ENDPOINT_CLOSED, 0, 0);
	assert_int_equal(got_new(r->p, "PUBLISH"), 1);
	rig_free(r);
}

/* RFC 3903 4: no PUBLISH before the final response to the one on its way; the removal then names
 * the tag of that response. */
static void test_stop_busy(void **state)
{
	static const struct {
		unsigned status;
		const char *etag; /* that the removal names; NULL: there is none */
	} rows[][2] = {
		/* the first PUBLISH, a refresh */
		{ { 200, "t2" }, { 200, "t2" } },
		{ { 403, NULL }, { 403, "t1" } },
		{ { 500, NULL }, { 500, "t1" } },
		{ { 0, NULL }, { 0, "t1" } },
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(rows); i++)
		for (int refresh = 0; refresh < 2; refresh++) {
			struct rig *r = rig_out(NET_UDP, QUICK_T1);
			unsigned status = rows[i][refresh].status, n = 1 + (unsigned)refresh;
			const char *etag = rows[i][refresh].etag;
			struct pub *b =
				refresh ? pub_up(r)
					: pub_start(r, (struct publication_config){ .keep = true });
			struct peer_got g;

			if (refresh)
				assert_int_equal(publication_refresh(b->p), 0);
			g = pub_asked(r, n);
			pub_stop(b);
			rig_idle(20);
			assert_int_equal(got_new(r->p, "PUBLISH"), n);
			if (status == 200)
				pub_ok(r, &g, "t2", 3600);
			else if (status)
				peer_reply(r->p, &g, status, NULL);
			if (etag) {
				g = pub_asked(r, n + 1);
				assert_says(&g, etag, 0, "");
				peer_reply(r->p, &g, 200, "SIP-ETag: gone\r\nExpires: 0\r\n");
			}
			pub_wait(b);
			assert_int_equal(b->heard.final, ENDPOINT_CLOSED);
			rig_idle(20);
			assert_int_equal(b->heard.finals, 1);
			assert_int_equal(got_new(r->p, "PUBLISH"), n + (etag != NULL));
			pub_free(b);
			rig_free(r);
		}
}

/* One-shot, left, and before it went out: nothing to remove, and no waiting. */
static void test_stop_early(void **state)
{
	(void)state;
	for (int how = 0; how < 3; how++) {
		struct rig *r = rig_out(NET_UDP, 0);
		struct pub *b = pub_start(
			r, (struct publication_config){ .keep = how > 0, .leave = how == 1 });

		if (how < 2)
			pub_asked(r, 1);
		pub_stop(b);
		assert_int_equal(b->heard.finals, 0);
		if (how == 2) /* it may be out or not: then its answer is waited for */
			for (unsigned n = 0; n < 40 && !b->heard.finals; n++) {
				rig_idle(5);
				if (got_new(r->p, "PUBLISH") == 1) {
					struct peer_got g = pub_asked(r, 1);
					peer_reply(r->p, &g, 500, NULL);
				}
			}
		pub_wait(b);
		assert_string_equal(b->states, "");
		assert_int_equal(b->heard.final, ENDPOINT_CLOSED);
		pub_free(b);
		rig_free(r);
	}
}

/* While it waits for its next try. */
static void test_stop_waiting(void **state)
{
	struct rig *r = rig_out(NET_UDP, 0);
	struct pub *b = pub_up(r);
	struct peer_got g;

	(void)state;
	assert_int_equal(publication_refresh(b->p), 0);
	g = pub_asked(r, 2);
	peer_reply(r->p, &g, 503, "Retry-After: 9\r\n");
	till(b->heard.count[ENDPOINT_RETRY] == 1);
	pub_down(b, 3, "t1");
	rig_free(r);
}

/* R3: published, RETRY, refreshed, removed, CLOSED: each may be the last, or the one of the stop.
 */
static void test_in_handler(void **state)
{
	(void)state;
	for (unsigned at = 1; at <= 5; at++)
		for (int stops = 0; stops < 2; stops++) {
			struct rig *r = rig_out(NET_UDP, QUICK_T1);
			struct pub *b = pub_new(r);
			struct peer_got g;

			*(stops ? &b->stop_at : &b->free_at) = at;
			assert_int_equal(
				pub_try(b, (struct publication_config){ .keep = true }), 0);
			g = pub_asked(r, 1);
			pub_ok(r, &g, "t1", 3600);
			till(b->told == 1);
			if (b->p)
				publication_refresh(b->p);
			rig_idle(10);
			for (unsigned n = 2, stopped = 0; n < 8 && b->p && !b->heard.finals;) {
				if (got_new(r->p, "PUBLISH") < n) {
					if (!stopped++)
						pub_stop(b);
					rig_idle(5);
					continue;
				}
				g = pub_asked(r, n);
				if (n++ == 2 && g.msg->wire.n &&
					msg_seconds(g.msg, SIP_HDR_EXPIRES) > 0)
					peer_reply(r->p, &g, 500, NULL);
				else
					pub_ok(r, &g, "t2", 3600);
				rig_idle(10);
			}
			rig_idle(10);
			if (stops) {
				assert_int_equal(b->heard.final, ENDPOINT_CLOSED);
				assert_int_equal(b->heard.finals, 1);
			} else {
				assert_null(b->p);
				assert_int_equal(b->heard.all, at);
			}
			pub_free(b);
			rig_free(r);
		}
}

/* DONE and FAILED, too. */
static void test_free_at_end(void **state)
{
	(void)state;
	for (unsigned at = 1; at <= 2; at++)
		for (int fails = 0; fails < 2; fails++) {
			struct rig *r = rig_out(NET_UDP, 0);
			struct pub *b = pub_new(r);
			struct peer_got g;

			b->free_at = at;
			assert_int_equal(pub_try(b, (struct publication_config){ 0 }), 0);
			g = pub_asked(r, 1);
			if (fails)
				peer_reply(r->p, &g, 403, NULL);
			else
				pub_ok(r, &g, "t1", 3600);
			rig_idle(20);
			assert_int_equal(b->p == NULL, !(fails && at == 2));
			pub_free(b);
			rig_free(r);
		}
	publication_free(NULL);
}

/* When its end is told it is too late to stop it. */
static void test_stop_at_end(void **state)
{
	struct rig *r = rig_out(NET_UDP, 0);
	struct peer_got g;
	struct pub *b;

	(void)state;
	b = pub_up(r);
	b->stop_at = 2;
	assert_int_equal(publication_refresh(b->p), 0);
	g = pub_asked(r, 2);
	peer_reply(r->p, &g, 403, NULL);
	pub_wait(b);
	assert_string_equal(b->states, " active/published terminated/rejected");
	pub_end(b, ENDPOINT_FAILED, FAIL_STATUS, 403);
	b = pub_new(r);
	b->stop_at = 1;
	assert_int_equal(
		pub_try(b, (struct publication_config){ .remove = true, .etag = STR("old") }), 0);
	g = pub_asked(r, 3);
	pub_ok(r, &g, "gone", 0);
	pub_wait(b);
	assert_string_equal(b->states, " terminated/removed");
	pub_end(b, ENDPOINT_DONE, 0, 200);
	assert_int_equal(got_new(r->p, "PUBLISH"), 3);
	rig_free(r);
}

/* EP-17: what lives on the endpoint ends before it. */
static void closed_last(struct heard *h, const struct endpoint_event *ev)
{
	struct pub **b = h->arg;

	if (ev->type == ENDPOINT_CLOSED)
		for (unsigned i = 0; i < 3; i++)
			assert_int_equal(b[i]->heard.finals, 1);
}

static void test_endpoint_stop(void **state)
{
	struct rig *r = rig_out(NET_UDP, QUICK_T1);
	struct pub *b[3];
	struct peer_got g;

	(void)state;
	b[0] = pub_up(r);
	b[1] = pub_up_with(r, (struct publication_config){ .leave = true }, 3600);
	b[2] = pub_start(r, (struct publication_config){ 0 }); /* no answer */
	pub_asked(r, 3);
	r->u->heard.hook = closed_last;
	r->u->heard.arg = b;
	endpoint_stop(r->u->ep);
	g = pub_asked(r, 4);
	assert_says(&g, "t1", 0, "");
	rig_idle(20);
	assert_int_equal(r->u->heard.count[ENDPOINT_CLOSED], 0);
	pub_ok(r, &g, "gone", 0);
	rig_wait(r->u->heard.count[ENDPOINT_CLOSED], 1);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(b[i]->heard.final, ENDPOINT_CLOSED);
		pub_free(b[i]);
	}
	/* and nothing starts on it any more */
	b[0] = pub_new(r);
	assert_int_equal(pub_try(b[0], (struct publication_config){ 0 }), -FAIL_STATE);
	mem_free(b[0]);
	rig_free(r);
}

/* The manager goes first, with a refresh on its way. */
static void test_manager_first(void **state)
{
	struct rig *r = rig_out(NET_UDP, 0);
	struct pub *b = pub_up(r);

	(void)state;
	assert_int_equal(publication_refresh(b->p), 0);
	pub_asked(r, 2);
	b->heard.quiet = r->u->heard.quiet = true;
	media_free(r->media);
	r->media = NULL;
	endpoint_manager_free(r->u->m);
	r->u->m = NULL;
	rig_idle(10);
	pub_free(b);
	rig_free(r);
}

/* --- presence ------------------------------------------------------------------------------------
 */

static unsigned count_of(struct str s, char c)
{
	unsigned n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += s.p[i] == c;
	return n;
}

/* Of this document; *out lives until the next call. */
static struct str presence(struct publication_presence p)
{
	static struct buf b;

	buf_done(&b);
	buf_init(&b, 1 << 20);
	publication_write_presence(&p, &b);
	assert_int_equal(b.fail, 0);
	return buf_str(&b);
}

static void test_presence(void **state)
{
	const struct str who = STR("sip:alice@example.test");
	struct str x = presence((struct publication_presence){
		.entity = who, .id = STR("desk"), .open = 1, .note = STR("here") });

	(void)state;
	assert_has(x, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
	assert_has(x, "xmlns=\"urn:ietf:params:xml:ns:pidf\"");
	assert_has(x, "entity=\"sip:alice@example.test\"");
	assert_has(x, "<tuple id=\"desk\">");
	assert_has(x, "<basic>open</basic>");
	assert_has(x, "<note>here</note>");
	assert_lacks(x, "<contact>");
	assert_lacks(x, "person");
	assert_has(presence((struct publication_presence){ .entity = who, .open = 0 }),
		"<basic>closed</basic>");
	x = presence((struct publication_presence){ .entity = who, .open = -1 });
	assert_lacks(x, "basic");
	assert_has(x, "<status></status>"); /* RFC 3863 4.1.2: it MUST be there */
	assert_lacks(x, "note");
	x = presence((struct publication_presence){ .entity = who,
		.open = 1,
		.contact = STR("sip:alice@192.0.2.1"),
		.activity = STR("on-the-phone"),
		.note = STR("soon") });
	assert_has(x, "<contact>sip:alice@192.0.2.1</contact>");
	assert_has(x, "<rpid:on-the-phone/>");
	assert_has(x, "<dm:note>soon</dm:note>");
	assert_has(x, "urn:ietf:params:xml:ns:pidf:rpid");
	assert_has(x, "urn:ietf:params:xml:ns:pidf:data-model");
	x = presence((struct publication_presence){
		.entity = who, .open = 1, .activity = STR("juggling") });
	assert_has(x, "<rpid:other>juggling</rpid:other>");
	/* the same entity, the same id: the state replaces the one before (RFC 3863 4.1.2) */
	char one[4096], two[4096];
	heard_copy(one, sizeof(one),
		presence((struct publication_presence){ .entity = who, .open = 1 }));
	heard_copy(two, sizeof(two),
		presence((struct publication_presence){ .entity = who, .open = 1 }));
	assert_string_equal(one, two);
	heard_copy(two, sizeof(two),
		presence((struct publication_presence){ .entity = STR("sip:b@x"), .open = 1 }));
	assert_string_not_equal(strstr(one, "id=\""), strstr(two, "id=\""));
}

/* No text makes markup, leaves UTF-8, or holds what XML 1.0 forbids. */
static void test_presence_hostile(void **state)
{
	static const char *const texts[] = { "<x>&y;\"'>]]>", "</note><evil/>",
		"a\x01\x02\x0b\x1f\x7f z", "\xff\xfe", "\xc0\x80", "\xed\xa0\x80",
		"\xf4\x90\x80\x80", "\xe2\x82", "\xef\xbf\xbe\xef\xbf\xbf", "&lt;&#60;",
		"a\r\nb\tc", "--><!--", "<![CDATA[x" };
	const struct str plain = STR("abc");
	const struct publication_presence base = { .entity = plain,
		.id = plain,
		.open = 1,
		.note = plain,
		.activity = plain,
		.contact = plain };

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(texts); i++)
		for (unsigned field = 0; field < 5; field++) {
			struct publication_presence p = base;
			struct str x = presence(base), text = str_of(texts[i]);
			unsigned less = count_of(x, '<'), more = count_of(x, '>'),
				 quotes = count_of(x, '"');

			*(field == 0         ? &p.entity
				: field == 1 ? &p.id
				: field == 2 ? &p.note
				: field == 3 ? &p.activity
					     : &p.contact) = text;
			x = presence(p);
			assert_int_equal(count_of(x, '<'), less);
			assert_int_equal(count_of(x, '>'), more);
			assert_int_equal(count_of(x, '"'), quotes);
			assert_true(utf8_valid(x));
			assert_lacks(x, "\xef\xbf\xbe");
			assert_lacks(x, "\xef\xbf\xbf");
			for (size_t k = 0; k < x.n; k++)
				if ((unsigned char)x.p[k] < 0x20)
					assert_non_null(strchr("\t\r\n", x.p[k]));
			for (size_t k = 0; k < x.n; k++) /* each & begins a reference */
				if (x.p[k] == '&')
					assert_true(str_starts(str_sub(x, k, x.n), STR("&lt;")) ||
						    str_starts(str_sub(x, k, x.n), STR("&gt;")) ||
						    str_starts(str_sub(x, k, x.n), STR("&amp;")) ||
						    str_starts(str_sub(x, k, x.n), STR("&quot;")) ||
						    str_starts(str_sub(x, k, x.n), STR("&apos;")) ||
						    str_starts(str_sub(x, k, x.n), STR("&#")));
		}
	assert_has(presence((struct publication_presence){
			   .entity = plain, .open = 1, .note = STR("&lt;") }),
		"<note>&amp;lt;</note>");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wire),
		cmocka_unit_test(test_if_match),
		cmocka_unit_test(test_dry_run),
		cmocka_unit_test(test_bad_config),
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_refresh_time),
		cmocka_unit_test(test_423),
		cmocka_unit_test(test_no_etag),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_challenged),
		cmocka_unit_test(test_412),
		cmocka_unit_test(test_412_first),
		cmocka_unit_test(test_refresh_fails),
		cmocka_unit_test(test_refresh_refused),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_modify_waits),
		cmocka_unit_test(test_modify_twice),
		cmocka_unit_test(test_modify_bad),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_leave),
		cmocka_unit_test(test_stop_busy),
		cmocka_unit_test(test_stop_early),
		cmocka_unit_test(test_stop_waiting),
		cmocka_unit_test(test_in_handler),
		cmocka_unit_test(test_free_at_end),
		cmocka_unit_test(test_stop_at_end),
		cmocka_unit_test(test_endpoint_stop),
		cmocka_unit_test(test_manager_first),
		cmocka_unit_test(test_presence),
		cmocka_unit_test(test_presence_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
