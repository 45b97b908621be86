/* tests/unit/test_serve_events.c -- the event agent of the test server through raw messages:
 * PUBLISH (RFC 3903), SUBSCRIBE and NOTIFY (RFC 6665, RFC 5839), the documents of its packages,
 * lists (RFC 4662, RFC 5367), its orders and its end. */
#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "serve_rig.h"

#include "sip/body.h"
#include "sip/event.h"
#include "sip/multipart.h"
#include "sip/xml.h"

/* ---- subscriptions by hand ---- */

struct sub {
	struct srv *v;
	struct peer *p; /* the watcher; it answers NOTIFY with 200 unless told otherwise */
	unsigned conn;
	char from[700], to[200], uri[160], call_id[64], event[64];
	unsigned cseq;
	struct sip_msg *answer; /* to the latest SUBSCRIBE */
	unsigned seen; /* NOTIFYs that were looked at */
};

struct want { /* NULL: the usual */
	const char *user, *uri, *event, *expires, *lines, *body, *watcher;
};

static struct peer *watcher_new(void)
{
	struct peer *p = peer_new();

	peer_script(p, STEPS({ 200 }));
	return p;
}

static struct sip_msg *send_subscribe(struct sub *s, const struct want *w)
{
	CLEANUP(buf_done) struct buf lines = BUF_INIT(65536);
	char cseq[32];

	if (w->event != NULL)
		snprintf(s->event, sizeof(s->event), "%s", w->event);
	snprintf(cseq, sizeof(cseq), "%u SUBSCRIBE", ++s->cseq);
	if (s->event[0])
		buf_addf(&lines, "Event: %s\r\n", s->event);
	if (w->expires)
		buf_addf(&lines, "Expires: %s\r\n", w->expires);
	buf_addf(&lines, "Contact: <sip:w@%s%s>\r\n%s", s->p->text, s->conn ? ";transport=tcp" : "",
		w->lines ? w->lines : "");
	s->answer = srv_ask_within(s->v, s->p, s->conn,
		&(struct ask){ .method = "SUBSCRIBE",
			.uri = s->uri,
			.to = s->to,
			.from = s->from,
			.call_id = s->call_id,
			.cseq = cseq,
			.lines = buf_cstr(&lines),
			.body = w->body },
		PEER_MS);
	if (!s->answer)
		fail_msg("no answer to SUBSCRIBE");
	return s->answer;
}

/* Within its dialog from now on. */
static void keep_dialog(struct sub *s)
{
	struct sip_nameaddr to;

	assert_int_equal(contacts_in(s->answer), 1);
	heard_copy(s->uri, sizeof(s->uri), contact_at(s->answer, 0).uri.text);
	assert_true(sip_msg_to(s->answer, &to));
	heard_copy(s->to, sizeof(s->to), to.text);
}

static struct sub *sub_try(struct srv *v, struct peer *p, unsigned conn, const struct want *w)
{
	struct sub *s = MEM_NEW(struct sub);
	static unsigned number;

	s->v = v;
	s->p = p;
	s->conn = conn;
	s->seen = p->requests;
	number++;
	snprintf(s->uri, sizeof(s->uri), "sip:%s@test.invalid", w->user ? w->user : "alice");
	if (w->uri)
		snprintf(s->uri, sizeof(s->uri), "%s", w->uri);
	snprintf(s->to, sizeof(s->to), "<%s>", s->uri);
	snprintf(s->from, sizeof(s->from), "<%s>;tag=w%u",
		w->watcher ? w->watcher : "sip:watcher@elsewhere.test", number);
	snprintf(s->call_id, sizeof(s->call_id), "sub%u@peer.test", number);
	snprintf(s->event, sizeof(s->event), "presence");
	send_subscribe(s, w);
	return s;
}

/* One that is taken. */
static struct sub *sub_new(struct srv *v, struct peer *p, const struct want *w)
{
	struct sub *s = sub_try(v, p, 0, w);

	if (s->answer->status != 200)
		fail_msg(
			"SUBSCRIBE got %u " STR_FMT, s->answer->status, STR_ARG(s->answer->reason));
	keep_dialog(s);
	return s;
}

/* One that is not. */
static unsigned refused(struct srv *v, struct peer *p, const struct want *w)
{
	struct sub *s = sub_try(v, p, 0, w);
	unsigned status = s->answer->status;

	mem_free(s);
	return status;
}

static struct sip_msg *sub_again(struct sub *s, const char *expires, const char *lines)
{
	return send_subscribe(s, &(struct want){ .expires = expires, .lines = lines });
}

/* The next NOTIFY of its dialog. */
static struct sip_msg *next_notify(struct sub *s)
{
	for (;;) {
		struct sip_msg *m;

		if (!rig_run(&s->p->requests, s->seen + 1, PEER_MS))
			fail_msg("no NOTIFY");
		m = peer_msg(s->p, s->seen++);
		if (str_eq(sip_msg_call_id(m), str_of(s->call_id))) {
			assert_str(m->method_name, "NOTIFY");
			return m;
		}
	}
}

/* None comes. */
static void no_notify(struct sub *s)
{
	rig_idle(60);
	for (; s->seen < s->p->requests; s->seen++)
		if (str_eq(sip_msg_call_id(peer_msg(s->p, s->seen)), str_of(s->call_id)))
			fail_msg("a NOTIFY: " STR_FMT, STR_ARG(peer_msg(s->p, s->seen)->wire));
}

static struct sip_subscription_state state_of(const struct sip_msg *m)
{
	struct sip_subscription_state st;

	assert_true(
		sip_subscription_state_parse(sip_msg_value(m, SIP_HDR_SUBSCRIPTION_STATE), &st));
	return st;
}

static struct sip_msg *active(struct sub *s)
{
	struct sip_msg *m = next_notify(s);

	assert_str(state_of(m).state, "active");
	return m;
}

static struct sip_msg *terminated(struct sub *s, const char *reason)
{
	struct sip_msg *m = next_notify(s);

	assert_str(state_of(m).state, "terminated");
	assert_str(state_of(m).reason, reason);
	assert_false(state_of(m).has_expires);
	return m;
}

/* ---- documents: the decoder of lib/sip reads what lib/serve wrote ---- */

static struct arena docs; /* all trees of a test */

static const struct tree *doc_of(const struct sip_msg *m)
{
	struct tree *t = NULL;
	struct fail f;

	if (body_decode(sip_msg_value(m, SIP_HDR_CONTENT_TYPE), m->body, &docs, &t, &f) != 0)
		fail_msg("%s: " STR_FMT, fail_show(&f), STR_ARG(m->body));
	assert_non_null(t);
	return t;
}

static void assert_whole(const struct sip_msg *m, const char *state, unsigned version)
{
	const struct tree *t = doc_of(m);

	assert_str(tree_get_text(t, "state"), state);
	assert_non_null(tree_get(t, "version"));
	assert_int_equal(tree_get(t, "version")->integer, version);
}

static struct sip_msg *publish(struct srv *v, const char *lines, const char *body)
{
	CLEANUP(buf_done) struct buf all = BUF_INIT(65536);

	buf_addf(&all, "Event: presence\r\n%s%s", lines ? lines : "",
		body ? "Content-Type: application/pidf+xml\r\n" : "");
	return srv_ask(v, &(struct ask){ .method = "PUBLISH",
				  .uri = "sip:alice@test.invalid",
				  .to = "<sip:alice@test.invalid>",
				  .from = "<sip:alice@test.invalid>;tag=p",
				  .lines = buf_cstr(&all),
				  .body = body });
}

static const char *pidf(const char *note)
{
	static char text[4][400];
	static unsigned n;
	char *out = text[n++ % 4];

	snprintf(out, sizeof(text[0]),
		"<?xml version=\"1.0\"?><presence xmlns=\"urn:ietf:params:xml:ns:pidf\" "
		"entity=\"sip:alice@test.invalid\"><tuple id=\"t\"><status><basic>open</basic>"
		"</status><note>%s</note></tuple></presence>",
		note);
	return out;
}

static const char *if_match(const struct sip_msg *m)
{
	static char line[128];

	assert_true(sip_msg_value(m, SIP_HDR_SIP_ETAG).n > 0);
	snprintf(line, sizeof(line), "SIP-If-Match: " STR_FMT "\r\n",
		STR_ARG(sip_msg_value(m, SIP_HDR_SIP_ETAG)));
	return line;
}

static void assert_etag_differs(const struct sip_msg *a, const struct sip_msg *b)
{
	assert_true(sip_msg_value(a, SIP_HDR_SIP_ETAG).n > 0);
	assert_false(
		str_eq(sip_msg_value(a, SIP_HDR_SIP_ETAG), sip_msg_value(b, SIP_HDR_SIP_ETAG)));
}

static void order(struct srv *v, const char *line)
{
	struct fail f;

	if (serve_order(v->s, str_of(line), &f) != 0)
		fail_msg("%s: %s", line, fail_show(&f));
}

/* ---- PUBLISH ---- */

static void test_publish(void **state)
{
	struct srv *v = srv_new((struct serve_config){ .min_expires = 60, .max_expires = 1000 });
	struct sip_msg *first, *m, *old;
	char line[160];

	(void)state;
	first = publish(v, "Expires: 600\r\n", pidf("one"));
	assert_int_equal(first->status, 200);
	assert_int_equal(msg_seconds(first, SIP_HDR_EXPIRES), 600);
	assert_int_equal(v->last_replied, 200);
	assert_string_equal(v->last_method, "PUBLISH");

	/* Refreshed: another tag, and the old one is none any more. */
	m = publish(v, if_match(first), NULL);
	assert_int_equal(m->status, 200);
	assert_int_equal(msg_seconds(m, SIP_HDR_EXPIRES), 1000);
	assert_etag_differs(first, m);
	assert_int_equal(publish(v, if_match(first), NULL)->status, 412);
	assert_int_equal(publish(v, if_match(first), pidf("x"))->status, 412);

	/* Modified. */
	old = m;
	m = publish(v, if_match(m), pidf("two"));
	assert_int_equal(m->status, 200);
	assert_etag_differs(old, m);

	/* Too brief: nothing changes. */
	snprintf(line, sizeof(line), "%sExpires: 59\r\n", if_match(m));
	old = m;
	m = publish(v, line, NULL);
	assert_int_equal(m->status, 423);
	assert_int_equal(msg_seconds(m, SIP_HDR_MIN_EXPIRES), 60);
	m = publish(v, "Expires: 1\r\n", pidf("three"));
	assert_int_equal(m->status, 423);

	/* Removed; then the tag is gone. */
	snprintf(line, sizeof(line), "%sExpires: 0\r\n", if_match(old));
	m = publish(v, line, NULL);
	assert_int_equal(m->status, 200);
	assert_int_equal(msg_seconds(m, SIP_HDR_EXPIRES), 0);
	assert_int_equal(publish(v, line, NULL)->status, 412);
	assert_int_equal(publish(v, "SIP-If-Match: nonsense\r\n", NULL)->status, 412);

	/* What cannot be published. */
	m = publish(v, NULL, NULL);
	assert_int_equal(m->status, 400);
	m = publish(v, NULL, "<presence");
	assert_int_equal(m->status, 400);
	assert_has(m->reason, "line 1");
	srv_free(v);
}

static void test_publish_refused(void **state)
{
	struct srv *v = srv_new((struct serve_config){ 0 });
	static const struct {
		const char *lines;
		const char *body;
		unsigned status;
	} cases[] = {
		{ "Content-Type: application/pidf+xml\r\n", "<a/>", 489 },
		{ "Event: dialog\r\nContent-Type: application/pidf+xml\r\n", "<a/>", 489 },
		{ "Event: presence.winfo\r\nContent-Type: application/pidf+xml\r\n", "<a/>", 489 },
		{ "Event: nothing\r\nContent-Type: application/pidf+xml\r\n", "<a/>", 489 },
		{ "Event: presence\r\nContent-Type: text/plain\r\n", "open", 415 },
		{ "Event: presence\r\n", "open", 415 },
		{ "Event: presence\r\nRequire: foo\r\nContent-Type: application/pidf+xml\r\n",
			"<a/>", 420 },
		{ "Event: presence\r\nContent-Type: application/pidf+xml;charset=UTF-8\r\n", "<a/>",
			200 },
	};
	struct sip_msg *m;

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
		m = srv_ask(v, &(struct ask){ .method = "PUBLISH",
				       .uri = "sip:alice@test.invalid",
				       .to = "<sip:alice@test.invalid>",
				       .lines = cases[i].lines,
				       .body = cases[i].body });
		if (m->status != cases[i].status)
			fail_msg("case %u: %u", i, m->status);
		if (m->status == 489)
			assert_str(sip_msg_value(m, SIP_HDR_ALLOW_EVENTS), "presence");
		if (m->status == 415)
			assert_str(sip_msg_value(m, SIP_HDR_ACCEPT), "application/pidf+xml");
	}
	srv_free(v);
	/* Nobody of that name. */
	v = srv_new((struct serve_config){
		.users = (struct serve_user[]){ srv_user("bob", "x") }, .user_count = 1 });
	assert_int_equal(publish(v, NULL, pidf("x"))->status, 404);
	srv_free(v);
}

/* Of several publications the newest is seen, then the one before, then what is registered. */
static void test_composition(void **state)
{
	struct srv *v = srv_new((struct serve_config){ .min_expires = 1 });
	struct peer *p = watcher_new();
	struct sub *s = sub_new(v, p, &(struct want){ 0 });
	struct sip_msg *one, *two;
	char line[160];

	(void)state;
	assert_has(active(s)->body, ">closed<");
	one = publish(v, "Expires: 600\r\n", pidf("first"));
	assert_has(active(s)->body, ">first<");
	two = publish(v, "Expires: 600\r\n", pidf("second"));
	assert_has(active(s)->body, ">second<");
	assert_etag_differs(one, two);
	/* The older one is refreshed: nothing is new. */
	one = publish(v, if_match(one), NULL);
	no_notify(s);
	/* It is modified: now it is the newest. */
	one = publish(v, if_match(one), pidf("third"));
	assert_has(active(s)->body, ">third<");
	snprintf(line, sizeof(line), "%sExpires: 0\r\n", if_match(one));
	assert_int_equal(publish(v, line, NULL)->status, 200);
	assert_has(active(s)->body, ">second<");
	/* The last one runs out by itself. */
	snprintf(line, sizeof(line), "%sExpires: 1\r\n", if_match(two));
	assert_int_equal(publish(v, line, NULL)->status, 200);
	assert_has(active(s)->body, ">closed<");
	assert_int_equal(srv_register(v, &(struct reg){ .expires = "600" })->status, 200);
	assert_has(active(s)->body, ">open<");
	/* One more binding changes nothing of it. */
	srv_register(v, &(struct reg){ .expires = "600", .contact = "<sip:a@192.0.2.7>" });
	no_notify(s);
	assert_int_equal(
		srv_register(v, &(struct reg){ .star = true, .expires = "0" })->status, 200);
	assert_has(active(s)->body, ">closed<");
	mem_free(s);
	srv_free(v);
	peer_free(p);
}

/* Who is challenged publishes for himself only. */
static void test_publish_secure(void **state)
{
	struct srv *v = srv_secure(0, 0);
	struct srv_challenge c[3];
	struct sip_msg *m;

	(void)state;
	m = publish(v, NULL, pidf("x"));
	assert_int_equal(m->status, 401);
	assert_true(srv_challenges(m, c, 3) > 0);
	for (unsigned i = 0; i < 2; i++) {
		CLEANUP(buf_done) struct buf lines = BUF_INIT(4096);
		const struct answer a = { .challenge = c,
			.user = i ? "alice" : "bob",
			.password = "secret",
			.qop = "auth",
			.nc = i + 1 };
		answer_write(&lines, &a, "PUBLISH", "sip:alice@test.invalid", NULL);
		m = publish(v, buf_cstr(&lines), pidf("x"));
		assert_int_equal(m->status, i ? 200 : 403);
	}
	/* Nor does somebody of the domain watch without saying who he is. */
	assert_int_equal(
		refused(v, v->p, &(struct want){ .watcher = "sip:bob@test.invalid" }), 407);
	/* Strangers watch whom they like, but not the watchers. */
	assert_int_equal(refused(v, v->p, &(struct want){ .event = "presence.winfo" }), 403);
	assert_int_equal(refused(v, v->p, &(struct want){ .user = "nobody" }), 404);
	assert_int_equal(refused(v, v->p, &(struct want){ 0 }), 200);
	srv_free(v);
}

static void test_publish_limits(void **state)
{
	struct srv *v = srv_new((struct serve_config){ 0 });
	struct sip_msg *m;
	char *big = mem_alloc(20000);

	(void)state;
	for (unsigned i = 0; i < 32; i++)
		assert_int_equal(publish(v, NULL, pidf("x"))->status, 200);
	m = publish(v, NULL, pidf("x"));
	assert_int_equal(m->status, 503);
	assert_true(msg_seconds(m, SIP_HDR_RETRY_AFTER) > 0);
	/* The body's size; UDP carries it. */
	memset(big, ' ', 20000);
	memcpy(big, "<a>", 3);
	memcpy(big + 16384 - 4, "</a>", 5);
	m = srv_ask(v, &(struct ask){ .method = "PUBLISH",
			       .uri = "sip:bob@test.invalid",
			       .to = "<sip:bob@test.invalid>",
			       .lines = "Event: presence\r\nContent-Type: application/pidf+xml\r\n",
			       .body = big });
	assert_int_equal(m->status, 200);
	memcpy(big + 16384 - 4, " </a>", 6);
	m = srv_ask(v, &(struct ask){ .method = "PUBLISH",
			       .uri = "sip:bob@test.invalid",
			       .to = "<sip:bob@test.invalid>",
			       .lines = "Event: presence\r\nContent-Type: application/pidf+xml\r\n",
			       .body = big });
	assert_int_equal(m->status, 413);
	mem_free(big);
	srv_free(v);
	v = srv_new((struct serve_config){ .max_publications = 1 });
	m = publish(v, NULL, pidf("x"));
	assert_int_equal(m->status, 200);
	assert_int_equal(publish(v, NULL, pidf("x"))->status, 503);
	/* What is there goes on. */
	assert_int_equal(publish(v, if_match(m), pidf("y"))->status, 200);
	srv_free(v);
}

/* ---- SUBSCRIBE ---- */

static void subscribes_over(bool tcp)
{
	struct srv *v = srv_new((struct serve_config){ .max_expires = 1000 });
	struct peer *p = watcher_new();
	struct sub *s;
	struct sip_msg *m, *n;
	struct sip_event event;

	s = sub_try(v, p, tcp ? peer_connect(p, &v->tcp) : 0,
		&(struct want){ .event = "presence;id=7",
			.expires = "9999",
			.lines = "Record-Route: <sip:192.0.2.1;lr>\r\n" });
	m = s->answer;
	assert_int_equal(m->status, 200);
	assert_int_equal(msg_seconds(m, SIP_HDR_EXPIRES), 1000);
	assert_str(sip_msg_value(m, SIP_HDR_RECORD_ROUTE), "<sip:192.0.2.1;lr>");
	assert_int_equal(v->last_replied, 200); /* the NOTIFY is no request to it */
	assert_string_equal(v->last_method, "SUBSCRIBE");
	mem_free(s);

	/* Without a route the NOTIFY comes over the connection of the SUBSCRIBE. */
	s = sub_try(v, p, tcp ? peer_connect(p, &v->tcp) : 0,
		&(struct want){ .event = "presence;id=7", .expires = "600" });
	keep_dialog(s);
	n = active(s);
	assert_int_equal(peer_last(p)->conn, s->conn);
	assert_true(sip_event_parse(sip_msg_value(n, SIP_HDR_EVENT), &event));
	assert_str(event.package, "presence");
	assert_str(event.id, "7");
	assert_between(state_of(n).expires, 599, 600);
	assert_int_equal(contacts_in(n), 1);
	assert_str(sip_msg_value(n, SIP_HDR_CONTENT_TYPE), "application/pidf+xml");
	assert_true(str_eq(sip_msg_from_tag(n), sip_msg_to_tag(s->answer)));
	assert_int_equal(doc_of(n)->kind, TREE_OBJECT);

	/* Refreshed: the whole again. */
	m = sub_again(s, "700", NULL);
	assert_int_equal(m->status, 200);
	assert_int_equal(msg_seconds(m, SIP_HDR_EXPIRES), 700);
	n = active(s);
	assert_between(state_of(n).expires, 699, 700);
	assert_true(n->body.n > 0);
	/* Too brief: the subscription stays as it is. */
	assert_int_equal(sub_again(s, "5", NULL)->status, 423);
	assert_int_equal(v->last_replied, 423);
	no_notify(s);
	/* Not ours. */
	snprintf(s->event, sizeof(s->event), "presence;id=8");
	assert_int_equal(sub_again(s, "600", NULL)->status, 481);
	snprintf(s->event, sizeof(s->event), "dialog;id=7");
	assert_int_equal(sub_again(s, "600", NULL)->status, 481);
	s->event[0] = '\0';
	assert_int_equal(sub_again(s, "600", NULL)->status, 489);
	assert_has(sip_msg_value(s->answer, SIP_HDR_ALLOW_EVENTS), "presence, dialog");
	snprintf(s->event, sizeof(s->event), "presence;id=7");
	/* Unsubscribed: the state once more, and then there is nothing. */
	m = sub_again(s, "0", NULL);
	assert_int_equal(m->status, 200);
	assert_int_equal(msg_seconds(m, SIP_HDR_EXPIRES), 0);
	assert_true(terminated(s, "timeout")->body.n > 0);
	rig_idle(20);
	assert_int_equal(sub_again(s, "600", NULL)->status, 481);
	publish(v, NULL, pidf("x"));
	no_notify(s);
	mem_free(s);
	srv_free(v);
	peer_free(p);
}

static void test_subscribe(void **state)
{
	(void)state;
	subscribes_over(false);
	subscribes_over(true);
	arena_done(&docs);
}

static void test_subscribe_refused(void **state)
{
	struct str events = STR("presence,reg");
	struct sip_msg *m;
	struct srv *v = srv_new((struct serve_config){ .events = events });
	struct peer *p = watcher_new();
	static const struct {
		struct want want;
		unsigned status;
	} cases[] = {
		{ { .event = "dialog" }, 489 },
		{ { .event = "nothing" }, 489 },
		{ { .event = "" }, 489 },
		{ { .event = "presence.winfo.winfo" }, 489 },
		{ { .expires = "59" }, 423 },
		{ { .lines = "Accept: text/plain\r\n" }, 406 },
		{ { .lines = "Accept: application/*;q=0.5, text/plain\r\n" }, 200 },
		{ { .lines = "Accept: */*\r\n" }, 200 },
		{ { .lines = "Accept: text/plain\r\nAccept: application/PIDF+xml\r\n" }, 200 },
		{ { .lines = "Accept: application/pidf+xml\r\n", .event = "reg" }, 406 },
		{ { .lines = "Require: foo\r\n" }, 420 },
		{ { .lines = "Contact: <sip:second@192.0.2.1>\r\n" }, 200 },
		{ { .user = "503" }, 503 }, /* the actors whose name is an answer */
		{ { .user = "busy" }, 486 },
		{ { .user = "echo" }, 200 }, /* others are watched */
		{ { .uri = "sip:test.invalid" }, 405 },
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
		struct sub *s = sub_try(v, p, 0, &cases[i].want);

		m = s->answer;
		if (m->status != cases[i].status)
			fail_msg("case %u: %u", i, m->status);
		if (m->status == 489)
			assert_str(sip_msg_value(m, SIP_HDR_ALLOW_EVENTS), "presence, reg");
		if (m->status == 423)
			assert_int_equal(msg_seconds(m, SIP_HDR_MIN_EXPIRES), 60);
		mem_free(s);
	}
	assert_int_equal(v->last_replied, 405);
	assert_string_equal(v->last_method, "SUBSCRIBE");
	m = srv_ask(v, &(struct ask){ .uri = "sip:test.invalid" });
	assert_str(sip_msg_value(m, SIP_HDR_ALLOW_EVENTS), "presence, reg");
	assert_true(sip_msg_has_token(m, SIP_HDR_SUPPORTED, "eventlist"));
	/* No Contact, no dialog. */
	assert_int_equal(srv_ask(v, &(struct ask){ .method = "SUBSCRIBE",
					    .uri = "sip:alice@test.invalid",
					    .lines = "Event: presence\r\n" })
				 ->status,
		400);
	/* Of a dialog that is not there. */
	assert_int_equal(srv_ask(v, &(struct ask){ .method = "SUBSCRIBE",
					    .uri = "sip:alice@test.invalid",
					    .to = "<sip:alice@test.invalid>;tag=gone",
					    .lines = "Event: presence\r\n"
						     "Contact: <sip:w@192.0.2.1>\r\n" })
				 ->status,
		481);
	srv_free(v);
	/* Without an agent they go where all requests go. */
	v = srv_new((struct serve_config){ .events = STR("none") });
	assert_int_equal(refused(v, p, &(struct want){ 0 }), 480);
	assert_int_equal(
		srv_register(v, &(struct reg){ .peer = p, .expires = "600" })->status, 200);
	assert_int_equal(refused(v, p, &(struct want){ 0 }), 200);
	assert_str(peer_last(p)->msg->method_name, "SUBSCRIBE");
	srv_free(v);
	peer_free(p);
}

static void test_fetch(void **state)
{
	struct srv *v = srv_new((struct serve_config){ 0 });
	struct peer *p = watcher_new();
	struct sub *s = sub_new(v, p, &(struct want){ .expires = "0" });
	struct sip_msg *m;

	(void)state;
	assert_int_equal(msg_seconds(s->answer, SIP_HDR_EXPIRES), 0);
	m = terminated(s, "timeout");
	assert_has(m->body, ">closed<");
	publish(v, NULL, pidf("x"));
	no_notify(s);
	mem_free(s);
	srv_free(v);
	peer_free(p);
}

static void test_expiry(void **state)
{
	struct srv *v = srv_new((struct serve_config){ .min_expires = 1 });
	struct peer *p = watcher_new();
	struct sub *s = sub_new(v, p, &(struct want){ .expires = "1" });
	double began = rig_ms();

	(void)state;
	active(s);
	assert_has(terminated(s, "timeout")->body, ">closed<");
	assert_between(rig_ms() - began, 900, 1000 + PEER_LATE);
	rig_idle(20);
	assert_int_equal(sub_again(s, "60", NULL)->status, 481);
	mem_free(s);
	srv_free(v);
	peer_free(p);
}

/* One NOTIFY is on its way at a time; what comes meanwhile is told as one, the newest. */
static void test_one_at_a_time(void **state)
{
	struct srv *v = srv_new((struct serve_config){ 0 });
	struct peer *p = watcher_new();
	struct sub *s;

	(void)state;
	peer_script(p, STEPS({ 200, .after_ms = 150 }));
	s = sub_new(v, p, &(struct want){ 0 });
	assert_has(active(s)->body, ">closed<");
	publish(v, NULL, pidf("one"));
	publish(v, NULL, pidf("two"));
	publish(v, NULL, pidf("three"));
	assert_int_equal(p->requests, 1);
	assert_has(active(s)->body, ">three<");
	rig_idle(200);
	assert_int_equal(p->requests, 2);
	assert_int_equal(msg_cseq(peer_msg(p, 1)), msg_cseq(peer_msg(p, 0)) + 1);
	mem_free(s);
	srv_free(v);
	peer_free(p);
}

/* Whoever does not know of the subscription, or is not there, has none any more. */
static void test_failing_notify(void **state)
{
	struct srv *v = srv_new((struct serve_config){ 0 });
	struct peer *p = watcher_new(), *w = watcher_new();
	struct sub *s = sub_new(v, p, &(struct want){ 0 }), *winfo;

	(void)state;
	active(s);
	winfo = sub_new(v, w, &(struct want){ .event = "presence.winfo" });
	active(winfo);
	peer_script(p, STEPS({ 481 }));
	publish(v, NULL, pidf("one"));
	active(s);
	assert_has(active(winfo)->body, "status=\"terminated\"");
	publish(v, NULL, pidf("two"));
	no_notify(s);
	assert_int_equal(sub_again(s, "600", NULL)->status, 481);
	mem_free(s);

	/* No answer at all: 64*T1. */
	peer_script(p, STEPS({ 0 }));
	s = sub_new(v, p, &(struct want){ 0 });
	active(s);
	assert_has(active(winfo)->body, "status=\"active\"");
	assert_has(active(winfo)->body, "status=\"terminated\"");
	assert_int_equal(sub_again(s, "600", NULL)->status, 481);
	mem_free(s);
	mem_free(winfo);
	srv_free(v);
	peer_free(p);
	peer_free(w);
}

static void test_subscription_limit(void **state)
{
	struct srv *v = srv_new((struct serve_config){ .max_subscriptions = 2 });
	struct peer *p = watcher_new();
	struct sub *a = sub_new(v, p, &(struct want){ 0 }), *b = sub_new(v, p, &(struct want){ 0 }),
		   *c;
	struct str list = STR("two=sip:alice@test.invalid,sip:bob@test.invalid");
	CLEANUP(buf_done) struct buf lines = BUF_INIT(65536);

	(void)state;
	c = sub_try(v, p, 0, &(struct want){ 0 });
	assert_int_equal(c->answer->status, 503);
	assert_true(msg_seconds(c->answer, SIP_HDR_RETRY_AFTER) > 0);
	mem_free(c);
	assert_int_equal(sub_again(a, "0", NULL)->status, 200);
	rig_idle(30);
	c = sub_new(v, p, &(struct want){ 0 });
	mem_free(a);
	mem_free(b);
	mem_free(c);
	srv_free(v);
	/* A list counts as its members. */
	v = srv_new(
		(struct serve_config){ .max_subscriptions = 1, .lists = &list, .list_count = 1 });
	assert_int_equal(
		refused(v, p, &(struct want){ .user = "two", .lines = "Supported: eventlist\r\n" }),
		503);
	assert_int_equal(refused(v, p, &(struct want){ 0 }), 200);
	srv_free(v);
	/* A head that is too large. */
	v = srv_new((struct serve_config){ 0 });
	buf_add_str(&lines, STR("X-Long: "));
	for (unsigned i = 0; i < 8192; i++)
		buf_add_char(&lines, 'x');
	buf_add_str(&lines, STR("\r\n"));
	assert_int_equal(refused(v, p, &(struct want){ .lines = buf_cstr(&lines) }), 513);
	srv_free(v);
	peer_free(p);
}

/* More than one message can hold: there is no way to tell it. */
static void test_too_much(void **state)
{
	struct srv *v = srv_new((struct serve_config){ .timers = rig_timers(200) });
	struct peer *bob = peer_new(), *p = watcher_new();
	char from[600], call_id[32], user[401];
	struct sub *s;

	(void)state;
	memset(user, 'u', 400);
	user[400] = '\0';
	snprintf(from, sizeof(from), "<sip:%s@elsewhere.test>;tag=1", user);
	srv_register(v, &(struct reg){ .user = "bob", .expires = "600", .peer = bob });
	peer_script(bob, STEPS({ 180 }));
	for (unsigned i = 0; i < 90; i++) {
		struct ask a = { .method = "INVITE",
			.uri = "sip:bob@test.invalid",
			.to = "<sip:bob@test.invalid>",
			.from = from,
			.call_id = call_id };

		snprintf(call_id, sizeof(call_id), "many%u", i);
		assert_null(srv_ask_within(v, v->p, 0, &a, 1));
	}
	rig_wait(bob->requests, 90);
	s = sub_new(v, p, &(struct want){ .user = "bob", .event = "dialog" });
	assert_int_equal(terminated(s, "probation")->body.n, 0);
	mem_free(s);
	srv_free(v);
	peer_free(p);
	peer_free(bob);
}

/* RFC 5839 */
static void test_conditions(void **state)
{
	struct srv *v = srv_new((struct serve_config){ 0 });
	struct peer *p = watcher_new();
	struct sub *s = sub_new(v, p, &(struct want){ 0 });
	struct sip_msg *m = active(s), *old;
	char line[100];

	(void)state;
	snprintf(line, sizeof(line), "Suppress-If-Match: " STR_FMT "\r\n",
		STR_ARG(sip_msg_value(m, SIP_HDR_SIP_ETAG)));
	/* 6.3: within the dialog no NOTIFY, and 204. */
	assert_int_equal(sub_again(s, "900", line)->status, 204);
	assert_int_equal(msg_seconds(s->answer, SIP_HDR_EXPIRES), 900);
	no_notify(s);
	/* The state changes: the condition is false. */
	old = m;
	publish(v, NULL, pidf("x"));
	m = active(s);
	assert_etag_differs(old, m);
	assert_has(m->body, ">x<");
	assert_int_equal(sub_again(s, "900", line)->status, 200);
	assert_has(active(s)->body, ">x<");
	/* Dormant, until a SUBSCRIBE without a condition. */
	assert_int_equal(sub_again(s, "900", "Suppress-If-Match: *\r\n")->status, 204);
	publish(v, NULL, pidf("y"));
	no_notify(s);
	assert_int_equal(sub_again(s, "900", NULL)->status, 200);
	m = active(s);
	assert_has(m->body, ">y<");
	/* 6.2: who comes anew gets a NOTIFY without a body, the tag unchanged. */
	snprintf(line, sizeof(line), "Suppress-If-Match: " STR_FMT "\r\n",
		STR_ARG(sip_msg_value(m, SIP_HDR_SIP_ETAG)));
	mem_free(s);
	s = sub_new(v, p, &(struct want){ .lines = line });
	m = active(s);
	assert_int_equal(m->body.n, 0);
	assert_int_equal(msg_count(m, SIP_HDR_CONTENT_TYPE), 0);
	assert_has(str_of(line), "Suppress-If-Match: ");
	assert_true(str_has(str_of(line), arena_str(&docs, sip_msg_value(m, SIP_HDR_SIP_ETAG)).p));
	publish(v, NULL, pidf("z"));
	assert_has(active(s)->body, ">z<");
	/* 5.7: who unsubscribes gets 204, and nothing else; there is no subscription any more. */
	assert_int_equal(sub_again(s, "0", "Suppress-If-Match: *\r\n")->status, 204);
	no_notify(s);
	assert_int_equal(sub_again(s, "900", NULL)->status, 481);
	/* 6.2: who fetches gets a NOTIFY without a body, too. */
	m = next_notify(s = (mem_free(s), sub_new(v, p,
						  &(struct want){ .expires = "0",
							  .lines = "Suppress-If-Match: *\r\n" })));
	assert_str(state_of(m).state, "terminated");
	assert_int_equal(m->body.n, 0);
	mem_free(s);
	srv_free(v);
	peer_free(p);
	arena_done(&docs);
}

/* ---- packages ---- */

static void test_reg(void **state)
{
	struct srv *v = srv_new((struct serve_config){ .min_expires = 1 });
	struct peer *p = watcher_new();
	struct sub *s = sub_new(v, p, &(struct want){ .event = "reg" });
	struct sip_msg *m = active(s);
	unsigned id;

	(void)state;
	assert_str(sip_msg_value(m, SIP_HDR_CONTENT_TYPE), "application/reginfo+xml");
	assert_whole(m, "full", 0);
	assert_has(m->body, "state=\"init\"");
	srv_register(v, &(struct reg){ .contact = "<sip:a&b@192.0.2.1;x=1>",
				.expires = "600",
				.params = ";q=0.5;+sip.instance=\"<urn:uuid:1>\"",
				.call_id = "reg-call",
				.cseq = "17 REGISTER" });
	m = active(s);
	assert_whole(m, "partial", 1);
	assert_has(m->body, "state=\"active\"");
	assert_has(m->body, "event=\"created\"");
	assert_has(m->body, "<uri>sip:a&amp;b@192.0.2.1;x=1</uri>");
	assert_has(m->body, "callid=\"reg-call\" cseq=\"17\"");
	assert_has(m->body, "q=\"0.500\"");
	assert_has(m->body, "&lt;urn:uuid:1&gt;");
	assert_int_equal(sscanf(strstr(arena_str(&docs, m->body).p, "id=\"c") + 5, "%u", &id), 1);
	/* A second one: only that is told. */
	srv_register(v, &(struct reg){ .contact = "<sip:second@192.0.2.2>", .expires = "600" });
	m = active(s);
	assert_whole(m, "partial", 2);
	assert_has(m->body, "sip:second@192.0.2.2");
	assert_lacks(m->body, "192.0.2.1");
	srv_register(v, &(struct reg){ .contact = "<sip:second@192.0.2.2>", .expires = "700" });
	m = active(s);
	assert_whole(m, "partial", 3);
	assert_has(m->body, "event=\"refreshed\"");
	/* The whole, on demand. */
	sub_again(s, "600", NULL);
	m = active(s);
	assert_whole(m, "full", 4);
	assert_has(m->body, "192.0.2.1");
	assert_has(m->body, "192.0.2.2");
	/* By the registrar, one after the other, told as one. */
	order(v, "deregister alice probation");
	m = active(s);
	assert_whole(m, "partial", 5);
	assert_has(m->body, "<registration aor=\"sip:alice@test.invalid\" id=\"r1\" "
			    "state=\"terminated\"");
	assert_has(m->body, "192.0.2.1");
	assert_has(m->body, "192.0.2.2");
	assert_has(m->body, "event=\"probation\"");
	assert_lacks(m->body, "state=\"active\"");
	{
		char same[32];
		snprintf(same, sizeof(same), "id=\"c%u\" ", id);
		assert_has(m->body, same);
	}
	/* One that expires. */
	srv_register(v, &(struct reg){ .contact = "<sip:third@192.0.2.3>", .expires = "1" });
	assert_has(active(s)->body, "event=\"created\"");
	m = active(s);
	assert_has(m->body, "event=\"expired\"");
	assert_whole(m, "partial", 7);
	assert_lacks(m->body, "192.0.2.2");
	mem_free(s);
	srv_free(v);
	peer_free(p);
	arena_done(&docs);
}

/* More ends than are remembered while a NOTIFY is on its way: then the whole is told. */
static void test_forgotten(void **state)
{
	struct srv *v = srv_new((struct serve_config){ .timers = rig_timers(200) });
	struct peer *p = watcher_new();
	struct sub *s = sub_new(v, p, &(struct want){ .event = "reg" });
	struct sip_msg *m;

	(void)state;
	active(s);
	peer_script(p, STEPS({ 0 }, { 200 }));
	srv_register(v, &(struct reg){ .contact = "<sip:stays@192.0.2.1>", .expires = "600" });
	active(s);
	for (unsigned i = 0; i < 90; i++) {
		char contact[64];

		snprintf(contact, sizeof(contact), "<sip:c%u@192.0.2.9>", i);
		srv_register(v, &(struct reg){ .contact = contact, .expires = "600" });
		srv_register(v, &(struct reg){ .contact = contact, .expires = "0" });
	}
	srv_register(v, &(struct reg){ .contact = "<sip:last@192.0.2.2>", .expires = "600" });
	assert_int_equal(p->requests, 2);
	peer_reply(p, peer_last(p), 200, NULL);
	m = active(s);
	assert_whole(m, "full", 2);
	assert_has(m->body, "stays");
	assert_lacks(m->body, "192.0.2.9");
	mem_free(s);
	srv_free(v);
	peer_free(p);
	arena_done(&docs);
}

static void test_mwi(void **state)
{
	struct str mwi = STR("alice=2/8");
	struct srv *v = srv_new((struct serve_config){ .mwi = &mwi, .mwi_count = 1 });
	struct peer *p = watcher_new();
	struct sub *s = sub_new(v, p, &(struct want){ .event = "message-summary" });
	struct sip_msg *m = active(s);
	struct fail f;

	(void)state;
	assert_str(sip_msg_value(m, SIP_HDR_CONTENT_TYPE), "application/simple-message-summary");
	assert_str(m->body, "Messages-Waiting: yes\r\nMessage-Account: sip:alice@test.invalid\r\n"
			    "Voice-Message: 2/8\r\n");
	order(v, "mwi alice 0/9");
	assert_has(active(s)->body, "Messages-Waiting: no\r\n");
	/* The same once more is a change that was ordered. */
	order(v, "mwi alice 0/9");
	assert_has(active(s)->body, "Voice-Message: 0/9\r\n");
	order(v, "mwi bob 1/1");
	no_notify(s);
	order(v, "notify alice message-summary");
	assert_has(active(s)->body, "Voice-Message: 0/9\r\n");
	for (unsigned i = 0; i < 7; i++) {
		static const char *const bad[] = { "mwi alice", "mwi alice 1", "mwi alice -1/2",
			"mwi alice 1/x", "mwi", "notify bob message-summary", "notify alice x" };
		if (serve_order(v->s, str_of(bad[i]), &f) != -FAIL_ARGUMENT)
			fail_msg("\"%s\" was carried out", bad[i]);
	}
	mem_free(s);
	srv_free(v);
	peer_free(p);
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void test_conference(void **state)
{
	char path[] = "/tmp/rte-conference-XXXXXX", line[80], option[80];
	int fd = mkstemp(path);
	struct str conference;
	struct srv *v;
	struct peer *p = watcher_new();
	struct sub *s;
	struct sip_msg *m;
	struct fail f;

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	write_file(path, "<?xml version=\"1.0\"?><!-- <a version=\"9\"> -->\n"
			 "<conference-info xmlns=\"urn:ietf:params:xml:ns:conference-info\"\n"
			 " entity='sip:room@test.invalid' state=\"full\" version=\"4\"/>\n");
	snprintf(option, sizeof(option), "room=%s", path);
	conference = str_of(option);
	v = srv_new((struct serve_config){ .conferences = &conference, .conference_count = 1 });
	assert_int_equal(refused(v, p, &(struct want){ .event = "conference" }), 404);
	s = sub_new(v, p, &(struct want){ .user = "room", .event = "conference" });
	m = active(s);
	assert_str(sip_msg_value(m, SIP_HDR_CONTENT_TYPE), "application/conference-info+xml");
	assert_whole(m, "full", 4);
	assert_has(m->body, "<!-- <a version=\"9\"> -->"); /* as it is */
	/* The same file: its number is one that the subscriber has seen. */
	snprintf(line, sizeof(line), "conference room %s", path);
	order(v, line);
	m = active(s);
	assert_whole(m, "full", 5);
	assert_has(m->body, "<!-- <a version=\"9\"> -->");
	/* A file with a higher one goes as it is. */
	write_file(path, "<c:conference-info xmlns:c=\"urn:ietf:params:xml:ns:conference-info\" "
			 "version='70' state='full' entity='sip:room@test.invalid'/>");
	order(v, line);
	m = active(s);
	assert_whole(m, "full", 70);
	/* What is no XML is for who wants to try that. */
	write_file(path, "<!-- no end");
	order(v, line);
	assert_str(active(s)->body, "<!-- no end");
	assert_true(serve_order(v->s, STR("conference room /nonexistent/file"), &f) < 0);
	assert_has(str_of(f.text), "/nonexistent/file");
	/* Larger than may be. */
	{
		FILE *out = fopen(path, "w");

		assert_non_null(out);
		for (unsigned i = 0; i < 16385; i++)
			fputc('x', out);
		fclose(out);
	}
	assert_int_equal(serve_order(v->s, str_of(line), &f), -FAIL_LIMIT);
	no_notify(s);
	unlink(path);
	mem_free(s);
	srv_free(v);
	peer_free(p);
	arena_done(&docs);
}

static void test_winfo(void **state)
{
	struct srv *v = srv_new((struct serve_config){ .min_expires = 1 });
	struct peer *p = watcher_new(), *w = watcher_new();
	struct sub *s = sub_new(v, w, &(struct want){ .event = "presence.winfo" }), *a, *b;
	struct sip_msg *m = active(s);
	struct fail f;

	(void)state;
	assert_str(sip_msg_value(m, SIP_HDR_CONTENT_TYPE), "application/watcherinfo+xml");
	assert_whole(m, "full", 0);
	assert_lacks(m->body, "<watcher ");
	a = sub_new(v, p, &(struct want){ .watcher = "sip:one@a.test", .expires = "600" });
	m = active(s);
	assert_whole(m, "partial", 1);
	assert_has(m->body, "status=\"active\" event=\"subscribe\"");
	assert_has(m->body, ">sip:one@a.test</watcher>");
	assert_has(m->body, "resource=\"sip:alice@test.invalid\" package=\"presence\"");
	/* Other packages and other users are not told of, and a refresh is nothing new. */
	mem_free(sub_new(v, p, &(struct want){ .event = "reg" }));
	mem_free(sub_new(v, p, &(struct want){ .user = "bob" }));
	sub_again(a, "600", NULL);
	no_notify(s);
	b = sub_new(v, p, &(struct want){ .watcher = "sip:two@b.test" });
	m = active(s);
	assert_whole(m, "partial", 2);
	assert_lacks(m->body, "sip:one@a.test");
	sub_again(s, "600", NULL);
	m = active(s);
	assert_whole(m, "full", 3);
	assert_has(m->body, "sip:one@a.test");
	assert_has(m->body, "sip:two@b.test");
	/* Who leaves, and why. */
	sub_again(a, "0", NULL);
	m = active(s);
	assert_whole(m, "partial", 4);
	assert_has(m->body, "status=\"terminated\" event=\"timeout\"");
	assert_has(m->body, "sip:one@a.test");
	assert_lacks(m->body, "sip:two@b.test");
	/* By order, with words for who is ended. */
	b->seen = p->requests;
	order(v, "terminate alice presence probation;retry-after=120");
	m = terminated(b, "probation");
	assert_true(state_of(m).has_retry_after);
	assert_int_equal(state_of(m).retry_after, 120);
	assert_int_equal(m->body.n, 0);
	assert_has(active(s)->body, "status=\"terminated\" event=\"probation\"");
	for (unsigned i = 0; i < 6; i++) {
		static const char *const bad[] = { "terminate alice presence rejected",
			"terminate alice reg", "terminate alice reg nonsense",
			"terminate alice reg rejected;foo=1",
			"terminate alice reg probation;retry-after=x",
			"terminate alice x rejected" };
		if (serve_order(v->s, str_of(bad[i]), &f) != -FAIL_ARGUMENT)
			fail_msg("\"%s\" was carried out", bad[i]);
	}
	order(v, "terminate alice presence.winfo rejected");
	terminated(s, "rejected");
	mem_free(a);
	mem_free(b);
	mem_free(s);
	srv_free(v);
	peer_free(p);
	peer_free(w);
	arena_done(&docs);
}

/* A watcher whose name is long is not kept five times as long: none over 512 bytes; and what takes
 * many words to say is told by its absence from the whole. */
static void test_winfo_long(void **state)
{
	struct srv *v = srv_new((struct serve_config){ 0 });
	struct peer *p = watcher_new(), *w = watcher_new();
	struct sub *s = sub_new(v, w, &(struct want){ .event = "presence.winfo" }), *a, *b;
	char name[600] = "sip:";
	struct sip_msg *m = active(s);

	(void)state;
	memset(name + 4, '&', 503);
	memcpy(name + 507, "@a.bc", 6);
	assert_int_equal(strlen(name), 512);
	a = sub_new(v, p, &(struct want){ .watcher = name });
	assert_has(active(s)->body, "&amp;&amp;@a.bc</watcher>");
	b = sub_new(v, p, &(struct want){ .watcher = "sip:two@b.test" });
	assert_whole(active(s), "partial", 2);
	sub_again(a, "0", NULL);
	m = active(s);
	assert_whole(m, "full", 3);
	assert_lacks(m->body, "&amp;");
	assert_has(m->body, "sip:two@b.test");
	sub_again(b, "0", NULL);
	assert_whole(active(s), "partial", 4);
	memcpy(name + 512, "d", 2);
	assert_int_equal(refused(v, p, &(struct want){ .watcher = name }), 403);
	no_notify(s);
	mem_free(a);
	mem_free(b);
	mem_free(s);
	srv_free(v);
	peer_free(p);
	peer_free(w);
	arena_done(&docs);
}

/* ---- calls ---- */

struct phones {
	struct srv *v;
	struct peer *bob, *p;
	struct sub *callee, *caller;
};

static struct phones phones_new(void)
{
	struct phones x = {
		.v = srv_new((struct serve_config){ 0 }), .bob = peer_new(), .p = watcher_new()
	};

	srv_register(x.v, &(struct reg){ .user = "bob", .expires = "600", .peer = x.bob });
	x.callee = sub_new(x.v, x.p, &(struct want){ .user = "bob", .event = "dialog" });
	assert_whole(active(x.callee), "full", 0);
	x.caller = sub_new(x.v, x.p, &(struct want){ .user = "alice", .event = "dialog" });
	assert_whole(active(x.caller), "full", 0);
	x.callee->seen = x.caller->seen;
	return x;
}

static void phones_free(struct phones *x)
{
	mem_free(x->callee);
	mem_free(x->caller);
	srv_free(x->v);
	peer_free(x->bob);
	peer_free(x->p);
	arena_done(&docs);
}

static struct ask call_to(const char *method, const char *uri, const char *to, const char *cseq)
{
	return (struct ask){ .method = method,
		.uri = uri,
		.to = to,
		.from = "<sip:alice@test.invalid>;tag=caller",
		.call_id = "the-call",
		.cseq = cseq,
		.lines = "Contact: <sip:alice@192.0.2.1>\r\n" };
}

/* Until a document of s has this state; each NOTIFY is the next version. */
static struct sip_msg *state_comes(struct sub *s, const char *state)
{
	char words[40];

	snprintf(words, sizeof(words), ">%s</state>", state);
	for (;;) {
		struct sip_msg *m = active(s);

		if (str_has(m->body, words))
			return m;
		/* what may come between, or be passed over when a NOTIFY is on its way */
		if (!str_has(m->body, ">trying<") && !str_has(m->body, ">early<"))
			fail_msg("not %s: " STR_FMT, state, STR_ARG(m->body));
	}
}

static void test_dialog(void **state)
{
	struct phones x = phones_new();
	struct ask a;
	struct sip_msg *m;
	char uri[100], route[200];

	(void)state;
	peer_script(
		x.bob, STEPS({ 180, .more = true },
			       { 200, "Contact: <sip:bob@{me}>\r\n", .after_ms = 200 }, { 200 }));
	a = call_to("INVITE", "sip:bob@test.invalid", "<sip:bob@test.invalid>", "1 INVITE");
	m = srv_ask(x.v, &a);
	assert_int_equal(m->status, 200);
	m = state_comes(x.callee, "early");
	assert_has(m->body, "call-id=\"the-call\"");
	assert_has(m->body, "local-tag=\"peer\" remote-tag=\"caller\" direction=\"recipient\"");
	assert_has(m->body, "<local><identity>sip:bob@test.invalid</identity></local>");
	assert_has(m->body, "<remote><identity>sip:alice@test.invalid</identity></remote>");
	assert_has(m->body, "state=\"partial\"");
	m = state_comes(x.caller, "early");
	assert_has(m->body, "local-tag=\"caller\" remote-tag=\"peer\" direction=\"initiator\"");
	assert_has(state_comes(x.callee, "confirmed")->body, "<duration>0</duration>");
	state_comes(x.caller, "confirmed");
	/* Who comes now sees it, in a whole document. */
	x.caller->seen = x.callee->seen = x.p->requests;
	sub_again(x.callee, "600", NULL);
	m = active(x.callee);
	assert_has(m->body, "state=\"full\"");
	assert_has(m->body, ">confirmed</state>");
	/* The callee hangs up; the caller's side says who it was, too. */
	snprintf(uri, sizeof(uri), "sip:alice@%s", x.v->p->text);
	snprintf(route, sizeof(route), "Route: " STR_FMT "\r\n",
		STR_ARG(sip_msg_value(peer_msg(x.bob, 0), SIP_HDR_RECORD_ROUTE)));
	asked++;
	x.caller->seen = x.callee->seen = x.p->requests;
	srv_ask_within(x.v, x.bob, 0,
		&(struct ask){ .method = "BYE",
			.uri = uri,
			.to = "<sip:alice@test.invalid>;tag=caller",
			.from = "<sip:bob@test.invalid>;tag=peer",
			.call_id = "the-call",
			.cseq = "5 BYE",
			.lines = route },
		40);
	m = state_comes(x.callee, "terminated");
	assert_has(m->body, "<state event=\"local-bye\">");
	m = state_comes(x.caller, "terminated");
	assert_has(m->body, "<state event=\"remote-bye\">");
	/* And then there is nothing. */
	sub_again(x.callee, "600", NULL);
	x.callee->seen = x.p->requests - 1;
	m = active(x.callee);
	while (!str_has(m->body, "state=\"full\""))
		m = active(x.callee);
	assert_lacks(m->body, "<dialog ");
	phones_free(&x);
}

static void test_dialog_refused(void **state)
{
	static const struct {
		unsigned status;
		const char *words;
	} cases[] = { { 486, "<state event=\"rejected\" code=\"486\">" },
		{ 487, "<state event=\"cancelled\" code=\"487\">" },
		{ 408, "<state event=\"timeout\" code=\"408\">" } };

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
		struct phones x = phones_new();
		struct ask a = call_to(
			"INVITE", "sip:bob@test.invalid", "<sip:bob@test.invalid>", "1 INVITE");

		peer_script(x.bob, STEPS({ cases[i].status }));
		assert_int_equal(srv_ask(x.v, &a)->status, cases[i].status);
		assert_has(state_comes(x.callee, "terminated")->body, cases[i].words);
		phones_free(&x);
	}
}

static void test_dialog_actor(void **state)
{
	struct srv *v = srv_new((struct serve_config){ 0 });
	struct peer *p = watcher_new();
	struct sub *s = sub_new(v, p, &(struct want){ .user = "echo", .event = "dialog" });
	struct ask a =
		call_to("INVITE", "sip:echo@test.invalid", "<sip:echo@test.invalid>", "1 INVITE");
	struct sip_msg *m;
	char uri[160], to[160];

	a.lines = "Contact: <sip:alice@192.0.2.1>\r\nContent-Type: application/sdp\r\n";
	a.body = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
		 "m=audio 9000 RTP/AVP 0\r\n";

	(void)state;
	assert_whole(active(s), "full", 0);
	m = srv_ask(v, &a);
	assert_int_equal(m->status, 200);
	heard_copy(uri, sizeof(uri), contact_at(m, 0).uri.text);
	heard_copy(to, sizeof(to), sip_msg_value(m, SIP_HDR_TO));
	a = call_to("ACK", uri, to, "1 ACK");
	assert_null(srv_ask_within(v, v->p, 0, &a, 20));
	assert_has(state_comes(s, "confirmed")->body, "direction=\"recipient\"");
	a = call_to("BYE", uri, to, "2 BYE");
	assert_int_equal(srv_ask(v, &a)->status, 200);
	assert_has(state_comes(s, "terminated")->body, "<state event=\"remote-bye\">");
	/* The fork: whoever answers first is the one. */
	mem_free(s);
	s = sub_new(v, p, &(struct want){ .user = "fork3", .event = "dialog" });
	assert_whole(active(s), "full", 0);
	a = call_to("INVITE", "sip:fork3@test.invalid", "<sip:fork3@test.invalid>", "1 INVITE");
	a.call_id = "the-fork";
	assert_int_equal(srv_ask(v, &a)->status, 200);
	state_comes(s, "confirmed");
	mem_free(s);
	srv_free(v);
	peer_free(p);
	arena_done(&docs);
}

/* ---- lists ---- */

#define EVENTLIST                                                                                  \
	"Supported: eventlist\r\nAccept: application/pidf+xml, application/rlmi+xml, "             \
	"multipart/related\r\n"

/* How many parts there are of this type; the first is the meta-information. */
static unsigned parts_of(const struct sip_msg *m, struct multipart_part *parts)
{
	unsigned n;
	struct fail f;

	if (multipart_split(sip_msg_value(m, SIP_HDR_CONTENT_TYPE), m->body, parts, &n, &f) != 0)
		fail_msg("%s", fail_show(&f));
	assert_true(n > 0);
	assert_true(str_starts(parts[0].type, STR("application/rlmi+xml")));
	assert_has(sip_msg_value(m, SIP_HDR_REQUIRE), "eventlist");
	return n;
}

static void test_list(void **state)
{
	struct str list = STR("friends=sip:alice@test.invalid,sip:bob@test.invalid,"
			      "sip:bob@test.invalid,sip:far@elsewhere.test");
	struct srv *v = srv_new((struct serve_config){ .lists = &list, .list_count = 1 });
	struct peer *p = watcher_new(), *w = watcher_new();
	struct multipart_part parts[MULTIPART_PARTS];
	struct sub *s, *winfo;
	struct sip_msg *m;

	(void)state;
	s = sub_try(v, p, 0, &(struct want){ .user = "friends" });
	assert_int_equal(s->answer->status, 421);
	assert_str(sip_msg_value(s->answer, SIP_HDR_REQUIRE), "eventlist");
	mem_free(s);
	assert_int_equal(refused(v, p,
				 &(struct want){ .user = "friends",
					 .lines = "Supported: eventlist\r\n"
						  "Accept: application/pidf+xml\r\n" }),
		406);
	winfo = sub_new(v, w, &(struct want){ .event = "presence.winfo" });
	active(winfo);
	s = sub_new(v, p, &(struct want){ .user = "friends", .lines = EVENTLIST });
	assert_str(sip_msg_value(s->answer, SIP_HDR_REQUIRE), "eventlist");
	m = active(s);
	assert_int_equal(parts_of(m, parts), 3);
	assert_has(parts[0].body, "uri=\"sip:friends@test.invalid\" version=\"0\" "
				  "fullState=\"true\"");
	assert_has(parts[0].body, "<resource uri=\"sip:far@elsewhere.test\"/>");
	assert_has(parts[1].body, "sip:alice@test.invalid");
	assert_has(parts[2].body, "sip:bob@test.invalid");
	assert_non_null(doc_of(m));
	/* A watcher as any other. */
	assert_has(active(winfo)->body, "sip:watcher@elsewhere.test");
	/* Only who changed. */
	publish(v, NULL, pidf("news"));
	m = active(s);
	assert_int_equal(parts_of(m, parts), 2);
	assert_has(parts[0].body, "version=\"1\" fullState=\"false\"");
	assert_lacks(parts[0].body, "far@elsewhere.test");
	assert_lacks(parts[0].body, "sip:bob@");
	assert_has(parts[1].body, ">news<");
	/* The ids of parts are those that the meta-information has. */
	{
		struct str id = str_sub(parts[1].id, 1, parts[1].id.n - 1);
		assert_has(parts[0].body, arena_str(&docs, id).p);
	}
	sub_again(s, "600", NULL);
	assert_int_equal(parts_of(active(s), parts), 3);
	order(v, "terminate friends presence rejected");
	terminated(s, "rejected");
	assert_has(active(winfo)->body, "event=\"rejected\"");
	mem_free(s);
	mem_free(winfo);
	srv_free(v);
	peer_free(p);
	peer_free(w);
	arena_done(&docs);
}

#define LISTS(entries)                                                                             \
	"<resource-lists xmlns=\"urn:ietf:params:xml:ns:resource-lists\">" entries                 \
	"</resource-lists>"
#define OWN_LIST                                                                                   \
	EVENTLIST "Require: recipient-list-subscribe\r\nContent-Disposition: recipient-list\r\n"   \
		  "Content-Type: application/resource-lists+xml\r\n"

/* The answer to one SUBSCRIBE with a list in its body, that is over at once. */
static struct sip_msg *sub_fetch(struct srv *v, struct peer *p, const char *body)
{
	struct sub *s = sub_try(v, p, 0,
		&(struct want){ .uri = "sip:test.invalid",
			.expires = "0",
			.lines = OWN_LIST,
			.body = body });
	struct sip_msg *m = s->answer;

	mem_free(s);
	return m;
}

static void test_own_list(void **state)
{
	static const struct {
		const char *lines, *body;
		unsigned status;
	} cases[] = {
		{ OWN_LIST, LISTS("<list><entry uri=\"sip:alice@test.invalid\"/></list>"), 200 },
		{ OWN_LIST, LISTS("<list/>"), 400 },
		{ OWN_LIST, LISTS("<list><entry uri=\"nonsense\"/></list>"), 400 },
		{ OWN_LIST, "<resource-lists", 400 },
		{ OWN_LIST, "<a/>", 415 },
		{ OWN_LIST, NULL, 400 },
		{ EVENTLIST "Require: recipient-list-subscribe\r\nContent-Type: text/plain\r\n",
			"x", 415 },
		{ "Require: recipient-list-subscribe\r\n"
		  "Content-Type: application/resource-lists+xml\r\n",
			LISTS("<list><entry uri=\"sip:alice@test.invalid\"/></list>"), 421 },
	};
	struct srv *v = srv_new((struct serve_config){ 0 });
	struct peer *p = watcher_new();
	struct multipart_part parts[MULTIPART_PARTS];
	CLEANUP(buf_done) struct buf many = BUF_INIT(65536);
	struct sub *s;
	struct sip_msg *m;

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
		unsigned status = refused(v, p,
			&(struct want){ .uri = "sip:test.invalid",
				.lines = cases[i].lines,
				.body = cases[i].body });
		if (status != cases[i].status)
			fail_msg("case %u: %u", i, status);
	}
	s = sub_new(v, p,
		&(struct want){ .uri = "sip:test.invalid",
			.event = "reg",
			.lines = "Supported: eventlist\r\n"
				 "Require: recipient-list-subscribe\r\n"
				 "Content-Type: application/resource-lists+xml\r\n",
			.body = LISTS("<list><entry uri=\"sip:alice@test.invalid\"/><list>"
				      "<entry uri=\"sip:bob@test.invalid\"/>"
				      "<entry uri=\"sip:alice@test.invalid\"/></list></list>") });
	m = active(s);
	assert_int_equal(parts_of(m, parts), 3);
	assert_has(parts[1].body, "version=\"0\" state=\"full\"");
	/* Each member has versions of its own. */
	srv_register(v, &(struct reg){ .user = "bob", .expires = "600" });
	m = active(s);
	assert_int_equal(parts_of(m, parts), 2);
	assert_has(parts[1].body, "version=\"1\" state=\"partial\"");
	assert_has(parts[1].body, "sip:bob@test.invalid");
	mem_free(s);
	/* More than may be. */
	buf_add_str(&many, STR("<resource-lists xmlns=\"urn:ietf:params:xml:ns:resource-lists\">"
			       "<list>"));
	for (unsigned i = 0; i < 51; i++)
		buf_addf(&many, "<entry uri=\"sip:u%u@test.invalid\"/>", i);
	buf_add_str(&many, STR("</list></resource-lists>"));
	assert_int_equal(refused(v, p,
				 &(struct want){ .uri = "sip:test.invalid",
					 .lines = OWN_LIST,
					 .body = buf_cstr(&many) }),
		413);
	srv_free(v);
	peer_free(p);
	arena_done(&docs);
}

/* ---- options and the end ---- */

static void test_bad_options(void **state)
{
	static const struct {
		const char *events, *mwi, *conference, *list;
	} cases[] = { { .events = "presence,foo" }, { .events = "," }, { .mwi = "alice" },
		{ .mwi = "=1/1" }, { .mwi = "alice=1/-1" }, { .conference = "room" },
		{ .conference = "room=/nonexistent" }, { .list = "friends" },
		{ .list = "friends=" }, { .list = "friends=x" },
		{ .list = "=sip:a@test.invalid" } };
	struct str one = STR("f=sip:a@b.test"), twice[2] = { one, one };
	struct serve *s;
	struct fail f;

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
		struct str mwi = str_of(cases[i].mwi), conference = str_of(cases[i].conference),
			   list = str_of(cases[i].list);
		const struct serve_config c = { .events = str_of(cases[i].events),
			.mwi = &mwi,
			.mwi_count = cases[i].mwi != NULL,
			.conferences = &conference,
			.conference_count = cases[i].conference != NULL,
			.lists = &list,
			.list_count = cases[i].list != NULL };

		f.text[0] = '\0';
		if (serve_new(&c, false, &s, &f) == 0)
			fail_msg("case %u is taken", i);
		assert_true(f.text[0] != '\0');
	}
	assert_int_equal(
		serve_new(&(struct serve_config){ .lists = twice, .list_count = 2 }, false, &s, &f),
		-FAIL_ARGUMENT);
}

static void test_stop(void **state)
{
	struct srv *v = srv_new((struct serve_config){ 0 });
	struct peer *p = watcher_new(), *gone = watcher_new();
	struct sub *a, *b, *late;

	(void)state;
	/* With nobody it is over at once, but not inside of the call. */
	serve_stop(v->s);
	assert_int_equal(v->stopped, 0);
	rig_wait(v->stopped, 1);
	srv_free(v);

	v = srv_new((struct serve_config){ 0 });
	a = sub_new(v, p, &(struct want){ 0 });
	active(a);
	b = sub_new(v, p, &(struct want){ .event = "reg" });
	active(b);
	mem_free(sub_new(v, gone, &(struct want){ 0 }));
	rig_idle(20);
	peer_script(gone, STEPS({ 0 }));
	serve_stop(v->s);
	serve_stop(v->s);
	a->seen = b->seen = p->requests;
	assert_int_equal(terminated(a, "probation")->body.n, 0);
	a->seen = b->seen = 2;
	terminated(b, "probation");
	/* Nobody new meanwhile. */
	late = sub_try(v, p, 0, &(struct want){ 0 });
	assert_int_equal(late->answer->status, 503);
	assert_int_equal(v->stopped, 0);
	/* The one that is silent has its 64*T1. */
	rig_wait(v->stopped, 1);
	rig_idle(20);
	assert_int_equal(v->stopped, 1);
	mem_free(a);
	mem_free(b);
	mem_free(late);
	srv_free(v);
	peer_free(p);
	peer_free(gone);
}

/* Every truncation of the bodies that are read, and every byte of them turned into another: it
 * answers, keeps nothing that is malformed, and goes on. */
static void test_hostile(void **state)
{
	static const char list[] = LISTS("<list><entry uri=\"sip:alice@test.invalid\"/></list>");
	struct srv *v = srv_new((struct serve_config){ .max_publications = 5 });
	struct peer *p = watcher_new();
	char body[400];
	const char *doc = pidf("x");
	struct sip_msg *m;

	(void)state;
	for (size_t n = 1; n < 2 * sizeof(list) - 1; n++) {
		size_t at = n < sizeof(list) ? n : n - sizeof(list);

		snprintf(body, sizeof(body), "%s", list);
		if (n < sizeof(list))
			body[at - 1] = '\0';
		else
			body[at] ^= 0x15;
		m = sub_fetch(v, p, body);
		if (m->status != 200 && m->status != 400 && m->status != 415)
			fail_msg("%u for %s", m->status, body);
		if (n < sizeof(list) - 1 && m->status == 200)
			fail_msg("it takes %s", body);
	}
	for (size_t n = 1; n < strlen(doc); n++) {
		snprintf(body, sizeof(body), "%.*s", (int)n, doc);
		assert_int_equal(publish(v, NULL, body)->status, 400);
	}
	assert_int_equal(refused(v, p, &(struct want){ 0 }), 200);
	srv_free(v);
	peer_free(p);
}

/* Freed with everything in it: nothing is left, nothing comes. */
static void test_freed(void **state)
{
	struct str list = STR("friends=sip:alice@test.invalid,sip:bob@test.invalid");
	struct srv *v = srv_new((struct serve_config){ .lists = &list, .list_count = 1 });
	struct peer *p = watcher_new();
	struct ask a =
		call_to("INVITE", "sip:ring@test.invalid", "<sip:ring@test.invalid>", "1 INVITE");
	static const char *const packages[] = { "presence", "dialog", "reg", "message-summary",
		"presence.winfo" };

	(void)state;
	peer_script(p, STEPS({ 0 }));
	for (unsigned i = 0; i < ARRAY_LEN(packages); i++)
		mem_free(sub_new(v, p, &(struct want){ .event = packages[i] }));
	mem_free(sub_new(v, p, &(struct want){ .user = "friends", .lines = EVENTLIST }));
	publish(v, NULL, pidf("x"));
	srv_register(v, &(struct reg){ .expires = "600" });
	order(v, "mwi bob 1/2");
	srv_ask_within(v, v->p, 0, &a, 20);
	srv_free(v);
	peer_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_publish),
		cmocka_unit_test(test_publish_refused),
		cmocka_unit_test(test_composition),
		cmocka_unit_test(test_publish_secure),
		cmocka_unit_test(test_publish_limits),
		cmocka_unit_test(test_subscribe),
		cmocka_unit_test(test_subscribe_refused),
		cmocka_unit_test(test_fetch),
		cmocka_unit_test(test_expiry),
		cmocka_unit_test(test_one_at_a_time),
		cmocka_unit_test(test_failing_notify),
		cmocka_unit_test(test_subscription_limit),
		cmocka_unit_test(test_too_much),
		cmocka_unit_test(test_conditions),
		cmocka_unit_test(test_reg),
		cmocka_unit_test(test_forgotten),
		cmocka_unit_test(test_mwi),
		cmocka_unit_test(test_conference),
		cmocka_unit_test(test_winfo),
		cmocka_unit_test(test_winfo_long),
		cmocka_unit_test(test_dialog),
		cmocka_unit_test(test_dialog_refused),
		cmocka_unit_test(test_dialog_actor),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_own_list),
		cmocka_unit_test(test_bad_options),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_freed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
