/* tests/unit/test_dialog.c -- dialogs as RFC 3261 section 12 has them, and the header fields around
 * them: Replaces, RSeq and RAck, Session-Expires, headers of a URI */
#include "base/mem.h"
#include "sip/build.h"
#include "sip/dialog.h"
#include "sip/rack.h"
#include "sip/replaces.h"
#include "sip/session_expires.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define CORPUS TEST_SOURCE_ROOT "/../shared/corpus/"

#define assert_str(is, want) assert_str_at(is, want, __LINE__)

static void assert_str_at(struct str is, const char *want, int line)
{
	if (!str_eq(is, str_of(want)))
		fail_msg("line %d: \"" STR_FMT "\", not \"%s\"", line, STR_ARG(is), want);
}

/* -- messages -- */

static struct sip_msg *parse(struct str wire)
{
	struct sip_msg *m = NULL;
	assert_int_equal(sip_msg_parse(wire, NULL, &m, NULL), 0);
	return m;
}

/* The INVITE of RFC 3261 24.2, to another Request-URI, with more header lines (Contact among
 * them). */
static struct sip_msg *invite_to(const char *uri, const char *more)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(SIP_MESSAGE_MAX);

	buf_addf(&b,
		"INVITE %s SIP/2.0\r\n"
		"Via: SIP/2.0/UDP pc33.atlanta.com;branch=z9hG4bKnashds8\r\n"
		"Max-Forwards: 70\r\n"
		"To: Bob <sip:bob@biloxi.com>\r\n"
		"From: Alice <sip:alice@atlanta.com>;tag=1928301774\r\n"
		"Call-ID: a84b4c76e66710@pc33.atlanta.com\r\n"
		"CSeq: 314159 INVITE\r\n%s\r\n",
		uri, more);
	return parse(buf_str(&b));
}

static struct sip_msg *invite(const char *more)
{
	return invite_to("sip:bob@biloxi.com", more);
}

/* An answer to it. tag: of To, may be empty. */
static struct sip_msg *answer(unsigned status, const char *tag, const char *more)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(SIP_MESSAGE_MAX);

	buf_addf(&b,
		"SIP/2.0 %u X\r\n"
		"Via: SIP/2.0/UDP pc33.atlanta.com;branch=z9hG4bKnashds8;received=192.0.2.1\r\n"
		"To: Bob <sip:bob@biloxi.com>%s%s\r\n"
		"From: Alice <sip:alice@atlanta.com>;tag=1928301774\r\n"
		"Call-ID: a84b4c76e66710@pc33.atlanta.com\r\n"
		"CSeq: 314159 INVITE\r\n%s\r\n",
		status, *tag ? ";tag=" : "", tag, more);
	return parse(buf_str(&b));
}

/* A request of the peer's within the dialog. */
static struct sip_msg *in_dialog(const char *method, const char *cseq, const char *more)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(SIP_MESSAGE_MAX);

	buf_addf(&b,
		"%s sip:alice@pc33.atlanta.com SIP/2.0\r\n"
		"Via: SIP/2.0/UDP 192.0.2.4;branch=z9hG4bKnashds10\r\n"
		"Max-Forwards: 70\r\n"
		"From: Bob <sip:bob@biloxi.com>;tag=a6c85cf\r\n"
		"To: Alice <sip:alice@atlanta.com>;tag=1928301774\r\n"
		"Call-ID: a84b4c76e66710@pc33.atlanta.com\r\n"
		"CSeq: %s\r\n%s\r\n",
		method, cseq, more);
	return parse(buf_str(&b));
}

#define ALICE "Contact: <sip:alice@pc33.atlanta.com>\r\n"
#define BOB "Contact: <sip:bob@192.0.2.4>\r\n"

/* -- dialogs out of them: what is given is freed -- */

static int by_response(struct sip_dialog *d, struct sip_msg *request, struct sip_msg *response)
{
	struct fail f = { 0 };
	int e = sip_dialog_from_response(d, request, response, &f);

	assert_int_equal(e, f.code);
	assert_true((e < 0) == (f.text[0] != '\0'));
	sip_msg_unref(request);
	sip_msg_unref(response);
	return e;
}

static int by_request(struct sip_dialog *d, struct sip_msg *request, bool tls)
{
	struct fail f = { 0 };
	int e = sip_dialog_from_request(d, request, STR("314159"), tls, &f);

	assert_int_equal(e, f.code);
	assert_true((e < 0) == (f.text[0] != '\0'));
	sip_msg_unref(request);
	return e;
}

static int by_notify(struct sip_dialog *d, struct sip_msg *request, struct sip_msg *notify)
{
	struct fail f = { 0 };
	int e = sip_dialog_from_notify(d, request, notify, &f);

	assert_int_equal(e, f.code);
	sip_msg_unref(request);
	sip_msg_unref(notify);
	return e;
}

static int confirm(struct sip_dialog *d, struct sip_msg *response)
{
	int e = sip_dialog_confirm(d, response, NULL);
	sip_msg_unref(response);
	return e;
}

static bool refresh(struct sip_dialog *d, struct sip_msg *m)
{
	bool ok = sip_dialog_refresh(d, m);
	sip_msg_unref(m);
	return ok;
}

static unsigned received(struct sip_dialog *d, const char *method, const char *cseq)
{
	struct sip_msg *m = in_dialog(method, cseq, "");
	unsigned status = sip_dialog_received(d, m);
	sip_msg_unref(m);
	return status;
}

/* How the next request would go, in the notation of RFC 3261: "URI | route, route | next hop". */
static void assert_route(const struct sip_dialog *d, const char *want)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(SIP_MESSAGE_MAX);
	struct sip_dialog_route r;

	sip_dialog_route(d, &r);
	buf_addf(&b, STR_FMT " | ", STR_ARG(r.request_uri));
	for (unsigned i = 0; i < r.route_count; i++)
		buf_addf(&b, "%s" STR_FMT, i ? "," : "", STR_ARG(r.routes[i]));
	buf_addf(&b, " | " STR_FMT, STR_ARG(r.next_hop));
	assert_string_equal(buf_cstr(&b), want);
}

static void assert_empty(const struct sip_dialog *d)
{
	static const struct sip_dialog none;
	assert_memory_equal(d, &none, sizeof(none));
}

/* -- RFC 3261 12.1.2: as UAC -- */

static void uac_fields(void **state)
{
	struct sip_dialog d = { 0 };

	(void)state;
	assert_int_equal(by_response(&d, invite(ALICE), answer(200, "a6c85cf", BOB)), 0);
	assert_int_equal(d.state, SIP_DIALOG_CONFIRMED);
	assert_true(d.initiator);
	assert_false(d.secure);
	assert_str(d.call_id, "a84b4c76e66710@pc33.atlanta.com");
	assert_str(d.local_tag, "1928301774");
	assert_str(d.remote_tag, "a6c85cf");
	assert_str(d.local, "Alice <sip:alice@atlanta.com>;tag=1928301774");
	assert_str(d.remote, "Bob <sip:bob@biloxi.com>;tag=a6c85cf");
	assert_str(d.remote_target, "sip:bob@192.0.2.4");
	assert_int_equal(d.local_cseq, 314159);
	assert_false(d.has_remote_cseq);
	assert_route(&d, "sip:bob@192.0.2.4 |  | sip:bob@192.0.2.4");
	sip_dialog_done(&d);
	assert_empty(&d);
	sip_dialog_done(&d);
}

/* "taken in reverse order and preserving all URI parameters"; header parameters and names are not
 * of the URI. */
static void uac_routes_reversed(void **state)
{
	struct sip_dialog d = { 0 };

	(void)state;
	assert_int_equal(
		by_response(&d, invite(ALICE),
			answer(200, "t",
				"Record-Route: <sip:p3.example.com;lr;x=%41>;hp=1, "
				"\"Two\" <sip:p2.example.com:5070;transport=tcp;lr=on>\r\n" BOB
				"Record-Route: <sip:p1.example.com;lr>\r\n")),
		0);
	assert_route(&d,
		"sip:bob@192.0.2.4 | <sip:p1.example.com;lr>,"
		"<sip:p2.example.com:5070;transport=tcp;lr=on>,<sip:p3.example.com;lr;x=%41> | "
		"sip:p1.example.com;lr");
	sip_dialog_done(&d);
}

/* "This route set, even if empty, overrides any pre-existing route set" */
static void uac_preloaded_route(void **state)
{
	struct sip_dialog d = { 0 };

	(void)state;
	assert_int_equal(by_response(&d, invite("Route: <sip:out.example.com;lr>\r\n" ALICE),
				 answer(200, "t", BOB)),
		0);
	assert_int_equal(d.route_count, 0);
	assert_route(&d, "sip:bob@192.0.2.4 |  | sip:bob@192.0.2.4");
	sip_dialog_done(&d);
}

static void uac_early(void **state)
{
	struct sip_dialog d = { 0 };

	(void)state;
	assert_int_equal(by_response(&d, invite(ALICE), answer(101, "t", BOB)), 0);
	assert_int_equal(d.state, SIP_DIALOG_EARLY);
	assert_str(d.remote_target, "sip:bob@192.0.2.4");
	/* Without a Contact, or with one that is none: the Request-URI. What d held is freed. */
	assert_int_equal(by_response(&d, invite(ALICE), answer(199, "t", "")), 0);
	assert_str(d.remote_target, "sip:bob@biloxi.com");
	assert_int_equal(by_response(&d, invite(ALICE), answer(180, "t", "Contact: <x\r\n")), 0);
	assert_str(d.remote_target, "sip:bob@biloxi.com");
	sip_dialog_done(&d);
}

static void uac_refused(void **state)
{
	static const struct {
		unsigned status;
		const char *tag, *more;
	} rows[] = {
		{ 100, "t", BOB }, /* 12.1: "101-199" */
		{ 300, "t", BOB },
		{ 486, "t", BOB },
		{ 200, "", BOB },
		{ 180, "", BOB },
		{ 200, "t", "" },
		{ 200, "t", "Contact: *\r\n" },
		{ 200, "t", "Contact: <sip:bob@192.0.2.4\r\n" },
		{ 200, "t", "Contact: <tel:+1-212-555-1212>\r\n" },
		{ 200, "t", "Contact: <http://192.0.2.4/>\r\n" },
		{ 200, "t", BOB "Record-Route: <sip:p1;lr>, \r\n" },
		{ 200, "t", BOB "Record-Route: <sip:p1;lr>\r\nRecord-Route: p2\r\n" },
		{ 200, "t", BOB "Record-Route: <sip:p1;lr\r\n" },
		{ 200, "t", BOB "Record-Route: <tel:911>\r\n" },
		{ 200, "t", BOB "Record-Route: *\r\n" },
		{ 180, "t", BOB "Record-Route: <sip:p 1;lr>\r\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sip_dialog d = { 0 };
		assert_int_equal(by_response(&d, invite(ALICE), answer(200, "held", BOB)), 0);
		if (by_response(&d, invite(ALICE),
			    answer(rows[i].status, rows[i].tag, rows[i].more)) != -FAIL_PROTOCOL)
			fail_msg("row %zu makes a dialog", i);
		assert_empty(&d);
	}
}

/* -- RFC 3261 12.1.1: as UAS -- */

static void uas_fields(void **state)
{
	struct sip_dialog d = { 0 };

	(void)state;
	assert_int_equal(by_request(&d, invite(ALICE), false), 0);
	assert_int_equal(d.state, SIP_DIALOG_EARLY);
	assert_false(d.initiator || d.secure);
	assert_str(d.call_id, "a84b4c76e66710@pc33.atlanta.com");
	assert_str(d.local_tag, "314159");
	assert_str(d.remote_tag, "1928301774");
	assert_str(d.local, "Bob <sip:bob@biloxi.com>;tag=314159");
	assert_str(d.remote, "Alice <sip:alice@atlanta.com>;tag=1928301774");
	assert_str(d.remote_target, "sip:alice@pc33.atlanta.com");
	assert_true(d.has_remote_cseq);
	assert_int_equal(d.remote_cseq, 314159);
	assert_int_equal(d.local_cseq, 0);
	assert_int_equal(sip_dialog_confirm(&d, NULL, NULL), 0);
	assert_int_equal(d.state, SIP_DIALOG_CONFIRMED);
	assert_str(d.remote_target, "sip:alice@pc33.atlanta.com");
	sip_dialog_done(&d);
}

/* "taken in order" */
static void uas_routes_in_order(void **state)
{
	struct sip_dialog d = { 0 };

	(void)state;
	assert_int_equal(by_request(&d,
				 invite(ALICE "Record-Route: <sip:p2.example.com;lr>,"
					      "<sip:p1.example.com;lr>\r\n"
					      "Record-Route: <sip:p0.example.com;lr>\r\n"),
				 false),
		0);
	assert_route(&d,
		"sip:alice@pc33.atlanta.com | <sip:p2.example.com;lr>,<sip:p1.example.com;lr>,"
		"<sip:p0.example.com;lr> | sip:p2.example.com;lr");
	sip_dialog_done(&d);
}

/* "A UAS MUST be prepared to receive a request without a tag in the From field" */
static void uas_peer_without_tag(void **state)
{
	struct sip_msg *m = parse(STR("INVITE sip:bob@biloxi.com SIP/2.0\r\n"
				      "Via: SIP/2.0/UDP a.example.com\r\n"
				      "To: sip:bob@biloxi.com\r\n"
				      "From: sip:alice@atlanta.com\r\n"
				      "Call-ID: 1\r\nCSeq: 0 INVITE\r\n"
				      "Contact: sip:alice@a.example.com;expires=5\r\n\r\n"));
	struct sip_dialog d = { 0 };

	(void)state;
	assert_int_equal(by_request(&d, m, false), 0);
	assert_str(d.remote_tag, "");
	assert_str(d.remote, "sip:alice@atlanta.com");
	assert_str(d.local, "sip:bob@biloxi.com;tag=314159");
	/* RFC 3261 20: without brackets parameters are the header's. */
	assert_str(d.remote_target, "sip:alice@a.example.com");
	assert_true(d.has_remote_cseq && d.remote_cseq == 0);
	assert_int_equal(received(&d, "INFO", "0 INFO"), 500);
	sip_dialog_done(&d);
}

/* A name that we could never write again does not come along; nor does a tag that is not ours. */
static void uas_addresses_bare(void **state)
{
	struct sip_msg *m = parse(STR("INVITE sip:bob@biloxi.com SIP/2.0\r\n"
				      "Via: SIP/2.0/UDP a.example.com\r\n"
				      "To: Bob <sip:bob@biloxi.com>;tag=other\r\n"
				      "From: \"A\\\x07\" <sip:alice@atlanta.com>;tag=x;y=z\r\n"
				      "Call-ID: 1\r\nCSeq: 7 INVITE\r\n"
				      "Contact: <sip:alice@a.example.com>\r\n\r\n"));
	struct sip_dialog d = { 0 };

	(void)state;
	assert_int_equal(by_request(&d, m, false), 0);
	assert_str(d.remote, "<sip:alice@atlanta.com>;tag=x");
	assert_str(d.remote_tag, "x");
	assert_str(d.local, "<sip:bob@biloxi.com>;tag=314159");
	assert_str(d.local_tag, "314159");
	sip_dialog_done(&d);
}

/* A21 among them */
static void uas_refused(void **state)
{
	static const char *const rows[] = {
		"",
		"Contact: *\r\n",
		"Contact: <sip:\r\n",
		"Contact: \r\n",
		"Contact: <tel:+12125551212>\r\n",
		ALICE "Record-Route: <sip:p1.example.com;lr\r\n",
		ALICE "Record-Route: <sip:p1.example.com;lr>,\r\n",
		ALICE "Record-Route: <mailto:p1@example.com>\r\n",
	};
	struct sip_dialog d = { 0 };
	struct sip_msg *m = invite("");
	struct fail f = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (by_request(&d, invite(rows[i]), false) != -FAIL_SYNTAX)
			fail_msg("row %zu makes a dialog", i);
		assert_empty(&d);
	}
	(void)state;
	sip_dialog_from_request(&d, m, STR("x"), false, &f);
	assert_string_equal(f.text, "missing Contact");
	sip_msg_unref(m);
}

/* A24: 0, 1, the limit, one more, and as many as a message can have, in rows and in one list */
static void many_record_routes(void **state)
{
	static const unsigned counts[] = { 0, 1, 31, 32, 33, 200, 1000 };
	CLEANUP(buf_done) struct buf b = BUF_INIT(SIP_MESSAGE_MAX);
	struct sip_dialog d = { 0 };

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_LEN(counts); i++) {
		unsigned n = counts[i / 2];
		bool rows = i % 2 == 0 && n <= 200, fits = n <= SIP_DIALOG_ROUTES;
		buf_clear(&b);
		buf_add_str(&b, STR("Contact: <sip:x@192.0.2.9>\r\n"));
		for (unsigned j = 0; j < n; j++)
			buf_addf(&b, "%s<sip:p%u;lr>%s", rows || j == 0 ? "Record-Route: " : ",", j,
				rows || j == n - 1 ? "\r\n" : "");
		assert_int_equal(
			by_request(&d, invite(buf_cstr(&b)), false), fits ? 0 : -FAIL_SYNTAX);
		assert_int_equal(d.route_count, fits ? n : 0);
		assert_int_equal(by_response(&d, invite(ALICE), answer(200, "t", buf_cstr(&b))),
			fits ? 0 : -FAIL_PROTOCOL);
		assert_int_equal(d.route_count, fits ? n : 0);
		if (n == SIP_DIALOG_ROUTES) {
			assert_str(d.routes[0], "<sip:p31;lr>");
			assert_str(d.routes[31], "<sip:p0;lr>");
		}
		assert_int_equal(by_response(&d, invite(ALICE), answer(180, "t", "")), 0);
		assert_int_equal(
			confirm(&d, answer(200, "t", buf_cstr(&b))), fits ? 0 : -FAIL_PROTOCOL);
		assert_int_equal(d.route_count, fits ? n : 0);
	}
	sip_dialog_done(&d);
}

/* -- strict routers -- */

/* RFC 3261 12.2.1.1, its example: routes are those of a UAS, in order */
static void strict_first(void **state)
{
	struct sip_dialog d = { 0 };

	(void)state;
	assert_int_equal(by_request(&d,
				 invite("Contact: <sip:user@remoteua>\r\n"
					"Record-Route: <sip:proxy1>,<sip:proxy2>,<sip:proxy3;lr>,"
					"<sip:proxy4>\r\n"),
				 false),
		0);
	assert_route(&d,
		"sip:proxy1 | <sip:proxy2>,<sip:proxy3;lr>,<sip:proxy4>,<sip:user@remoteua> | "
		"sip:proxy1");
	/* A refresh is seen in the last Route. */
	assert_true(refresh(&d, in_dialog("INVITE", "314160 INVITE", BOB)));
	assert_route(&d,
		"sip:proxy1 | <sip:proxy2>,<sip:proxy3;lr>,<sip:proxy4>,<sip:bob@192.0.2.4> | "
		"sip:proxy1");
	sip_dialog_done(&d);
}

/* RFC 3261 16.12.1.2: the strict router is not the first, so the UA does nothing about it */
static void strict_later(void **state)
{
	struct sip_dialog d = { 0 };

	(void)state;
	assert_int_equal(by_request(&d,
				 invite("Contact: sip:caller@u1.example.com\r\n"
					"Record-Route: <sip:p4.domain.com;lr>\r\n"
					"Record-Route: <sip:p3.middle.com>\r\n"
					"Record-Route: <sip:p2.example.com;lr>\r\n"
					"Record-Route: <sip:p1.example.com;lr>\r\n"),
				 false),
		0);
	assert_route(&d, "sip:caller@u1.example.com | <sip:p4.domain.com;lr>,<sip:p3.middle.com>,"
			 "<sip:p2.example.com;lr>,<sip:p1.example.com;lr> | sip:p4.domain.com;lr");
	sip_dialog_done(&d);
}

/* "stripping any parameters that are not allowed in a Request-URI": table 1 of 19.1.1 names method
 * and headers; "transport, maddr, ttl" and unknown ones stay (19.1.5). */
static void strict_stripped(void **state)
{
	struct sip_dialog d = { 0 };

	(void)state;
	assert_int_equal(
		by_response(&d, invite(ALICE),
			answer(200, "t",
				BOB
				"Record-Route: <sip:p;method@h:5070;a=b;%4Dethod=INVITE;methods=1;"
				"ttl=1;METHOD;transport=tcp;maddr=192.0.2.7;method=BYE?X=y>\r\n")),
		0);
	assert_route(&d, "sip:p;method@h:5070;a=b;methods=1;ttl=1;transport=tcp;maddr=192.0.2.7 | "
			 "<sip:bob@192.0.2.4> | "
			 "sip:p;method@h:5070;a=b;methods=1;ttl=1;transport=tcp;maddr=192.0.2.7");
	sip_dialog_done(&d);
}

/* The remote target becomes a Request-URI, too. */
static void target_stripped(void **state)
{
	struct sip_dialog d = { 0 };

	(void)state;
	assert_int_equal(by_request(&d,
				 invite("Contact: <sip:a@b.example.com;x;method=REFER;lr?"
					"Route=%3Csip:evil%3E&Subject=z>\r\n"),
				 false),
		0);
	assert_str(d.remote_target, "sip:a@b.example.com;x;lr");
	assert_int_equal(
		by_request(&d, invite("Contact: <sip:a@b.example.com?X=y>\r\n"), false), 0);
	assert_str(d.remote_target, "sip:a@b.example.com");
	sip_dialog_done(&d);
}

/* RFC 4028 section 10 prints "Record-Route: sips:p1.atlanta.example.com;lr": that is a loose
 * router. */
static void route_without_brackets(void **state)
{
	struct sip_dialog d = { 0 };

	(void)state;
	assert_int_equal(by_request(&d,
				 invite(ALICE "Record-Route: sips:p1.atlanta.example.com;lr\r\n"
					      "Record-Route: sip:p0.example.com\r\n"),
				 false),
		0);
	assert_route(&d, "sip:alice@pc33.atlanta.com | "
			 "<sips:p1.atlanta.example.com;lr>,<sip:p0.example.com> | "
			 "sips:p1.atlanta.example.com;lr");
	sip_dialog_done(&d);
}

/* -- forks, confirmation -- */

/* 13.2.2.4: "Each response is distinguished by the tag parameter in the To header field, and each
 * represents a distinct dialog" */
static void forks(void **state)
{
	static const char *const tags[] = { "a", "b", "c" };
	struct sip_dialog d[3] = { { 0 } };
	CLEANUP(buf_done) struct buf keys = BUF_INIT(4096);
	CLEANUP(buf_done) struct buf key = BUF_INIT(4096);

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		char contact[64];
		snprintf(contact, sizeof(contact), "Contact: <sip:%s@192.0.2.4>\r\n", tags[i]);
		assert_int_equal(by_response(&d[i], invite(ALICE),
					 answer(i == 1 ? 200 : 180, tags[i], contact)),
			0);
	}
	assert_str(d[0].remote_target, "sip:a@192.0.2.4");
	assert_str(d[1].remote_target, "sip:b@192.0.2.4");
	assert_str(d[2].remote_tag, "c");
	assert_true(str_eq(d[0].call_id, d[2].call_id) && str_eq(d[0].local_tag, d[2].local_tag));
	for (size_t i = 0; i < 3; i++) {
		buf_clear(&key);
		sip_dialog_key(&key, d[i].call_id, d[i].local_tag, d[i].remote_tag);
		buf_add_str(&keys, buf_str(&key));
		buf_add_char(&keys, '|');
	}
	assert_string_equal(buf_cstr(&keys), "a84b4c76e66710@pc33.atlanta.com\n1928301774\na|"
					     "a84b4c76e66710@pc33.atlanta.com\n1928301774\nb|"
					     "a84b4c76e66710@pc33.atlanta.com\n1928301774\nc|");
	assert_int_equal(confirm(&d[2], answer(200, "c", BOB)), 0);
	assert_int_equal(d[0].state, SIP_DIALOG_EARLY);
	assert_int_equal(d[1].state, SIP_DIALOG_CONFIRMED);
	assert_int_equal(d[2].state, SIP_DIALOG_CONFIRMED);
	for (size_t i = 0; i < 3; i++)
		sip_dialog_done(&d[i]);
}

/* Parts that run into each other must not make equal keys; both sides see one dialog. */
static void keys(void **state)
{
	CLEANUP(buf_done) struct buf a = BUF_INIT(256);
	CLEANUP(buf_done) struct buf b = BUF_INIT(256);

	(void)state;
	sip_dialog_key(&a, STR("id"), STR("ab"), STR("c"));
	sip_dialog_key(&b, STR("id"), STR("a"), STR("bc"));
	assert_false(str_eq(buf_str(&a), buf_str(&b)));
	buf_clear(&b);
	sip_dialog_key(&b, STR("id"), STR("c"), STR("ab"));
	assert_false(str_eq(buf_str(&a), buf_str(&b)));
	buf_clear(&b);
	sip_dialog_key(&b, STR("id"), STR("ab"), STR_EMPTY);
	assert_string_equal(buf_cstr(&b), "id\nab\n");
	buf_clear(&a);
	sip_dialog_key(&a, (struct str){ "a\0b", 3 }, STR("c"), STR_EMPTY);
	assert_int_equal(a.n, 6);
}

/* "the route set for the dialog MUST be recomputed based on the 2xx"; "the only piece of state that
 * is recomputed is the route set. Other pieces of state such as the highest sequence numbers
 * (remote and local) sent within the dialog are not recomputed" */
static void confirm_recomputes(void **state)
{
	struct sip_dialog d = { 0 };

	(void)state;
	assert_int_equal(by_response(&d, invite(ALICE),
				 answer(183, "t", BOB "Record-Route: <sip:old>,<sip:p0;lr>\r\n")),
		0);
	assert_route(&d, "sip:bob@192.0.2.4 | <sip:p0;lr>,<sip:old> | sip:p0;lr");
	d.local_cseq = 314161; /* a PRACK and an UPDATE */
	assert_int_equal(received(&d, "UPDATE", "5 UPDATE"), 0);
	assert_int_equal(confirm(&d, answer(200, "t",
					     "Contact: <sip:bob@192.0.2.5>\r\n"
					     "Record-Route: <sip:p2;lr>\r\n"
					     "Record-Route: <sip:p1;lr>\r\n")),
		0);
	assert_int_equal(d.state, SIP_DIALOG_CONFIRMED);
	assert_route(&d, "sip:bob@192.0.2.5 | <sip:p1;lr>,<sip:p2;lr> | sip:p1;lr");
	assert_int_equal(d.local_cseq, 314161);
	assert_true(d.has_remote_cseq && d.remote_cseq == 5);
	assert_str(d.remote_tag, "t");

	/* Once confirmed, a 2xx changes no route set any more (12.2). */
	assert_int_equal(confirm(&d, answer(200, "t", BOB)), 0);
	assert_route(&d, "sip:bob@192.0.2.5 | <sip:p1;lr>,<sip:p2;lr> | sip:p1;lr");
	sip_dialog_done(&d);
}

/* RFC 2543 did not mirror Record-Route in a 1xx; and a 2xx without routes takes them away. */
static void confirm_empties(void **state)
{
	struct sip_dialog d = { 0 };

	(void)state;
	assert_int_equal(
		by_response(&d, invite(ALICE), answer(180, "t", "Record-Route: <sip:strict>\r\n")),
		0);
	assert_route(&d, "sip:strict | <sip:bob@biloxi.com> | sip:strict");
	assert_int_equal(confirm(&d, answer(200, "t", BOB)), 0);
	assert_route(&d, "sip:bob@192.0.2.4 |  | sip:bob@192.0.2.4");
	sip_dialog_done(&d);
}

static void confirm_refused(void **state)
{
	static const char *const rows[] = {
		"",
		"Contact: *\r\n",
		"Contact: <tel:1>\r\n",
		BOB "Record-Route: <sip:p1\r\n",
		BOB "Record-Route: <sip:p1;lr>, tel:1\r\n",
	};
	struct sip_dialog d = { 0 };

	(void)state;
	assert_int_equal(
		by_response(&d, invite(ALICE), answer(180, "t", "Record-Route: <sip:p;lr>\r\n")),
		0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(confirm(&d, answer(200, "t", rows[i])), -FAIL_PROTOCOL);
		assert_int_equal(d.state, SIP_DIALOG_EARLY);
		assert_route(&d, "sip:bob@biloxi.com | <sip:p;lr> | sip:p;lr");
	}
	d.state = SIP_DIALOG_TERMINATED;
	assert_int_equal(confirm(&d, answer(200, "t", BOB)), 0);
	assert_int_equal(d.state, SIP_DIALOG_TERMINATED);
	assert_str(d.remote_target, "sip:bob@biloxi.com");
	sip_dialog_done(&d);
}

/* -- target refresh -- */

#define NEW "Contact: <sip:new@192.0.2.8>\r\n"

static void refresh_by_request(void **state)
{
	static const struct {
		const char *method;
		bool refreshes;
	} rows[] = {
		{ "INVITE", true },
		{ "UPDATE", true }, /* RFC 3311 5.1 */
		{ "SUBSCRIBE", true }, /* RFC 6665 4.1.2.2 */
		{ "NOTIFY", true },
		{ "REFER", true },
		{ "ACK", false }, /* 12.2: "Note that an ACK is NOT a target refresh request" */
		{ "BYE", false },
		{ "PRACK", false },
		{ "INFO", false },
		{ "OPTIONS", false },
		{ "MESSAGE", false },
		{ "CANCEL", false },
		{ "FOO", false },
	};
	struct sip_dialog d = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char cseq[32];
		snprintf(cseq, sizeof(cseq), "%zu %s", i + 1, rows[i].method);
		assert_int_equal(by_response(&d, invite(ALICE),
					 answer(200, "t", BOB "Record-Route: <sip:p;lr>\r\n")),
			0);
		if (refresh(&d, in_dialog(rows[i].method, cseq,
					NEW "Record-Route: <sip:other;lr>\r\n")) !=
			rows[i].refreshes)
			fail_msg("%s: not %d", rows[i].method, rows[i].refreshes);
		/* 12.2: "these requests do not cause the dialog's route set to be modified" */
		assert_route(&d, rows[i].refreshes ? "sip:new@192.0.2.8 | <sip:p;lr> | sip:p;lr"
						   : "sip:bob@192.0.2.4 | <sip:p;lr> | sip:p;lr");
	}
	sip_dialog_done(&d);
}

/* 12.2.1.2 and RFC 6141 4.7 */
static void refresh_by_response(void **state)
{
	static const struct {
		unsigned status;
		const char *more;
		bool refreshes;
	} rows[] = {
		{ 200, NEW, true },
		{ 202, NEW, true },
		{ 183, NEW "RSeq: 1\r\n", true },
		{ 183, NEW, false },
		{ 100, NEW "RSeq: 1\r\n", false },
		{ 302, NEW, false },
		{ 488, NEW, false },
	};
	struct sip_dialog d = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(by_response(&d, invite(ALICE), answer(200, "t", BOB)), 0);
		if (refresh(&d, answer(rows[i].status, "t", rows[i].more)) != rows[i].refreshes)
			fail_msg("row %zu", i);
		assert_str(d.remote_target,
			rows[i].refreshes ? "sip:new@192.0.2.8" : "sip:bob@192.0.2.4");
	}
	sip_dialog_done(&d);
}

static void refresh_refused(void **state)
{
	static const char *const rows[] = { "", "Contact: *\r\n", "Contact: <sip:\r\n",
		"Contact: <im:bob@example.com>\r\n" };
	struct sip_dialog d = { 0 };

	(void)state;
	assert_int_equal(by_response(&d, invite(ALICE), answer(200, "t", BOB)), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_false(refresh(&d, in_dialog("UPDATE", "1 UPDATE", rows[i])));
		assert_str(d.remote_target, "sip:bob@192.0.2.4");
	}
	sip_dialog_done(&d);
}

/* What a refresh replaces is freed: the leak check of the sanitizer counts. */
static void refresh_often(void **state)
{
	struct sip_dialog d = { 0 };

	(void)state;
	assert_int_equal(by_response(&d, invite(ALICE), answer(200, "t", BOB)), 0);
	for (unsigned i = 0; i < 2000; i++) {
		char contact[64];
		snprintf(contact, sizeof(contact), "Contact: <sip:%u@192.0.2.4>\r\n", i % 7);
		assert_true(refresh(&d, in_dialog("UPDATE", "1 UPDATE", contact)));
	}
	assert_str(d.remote_target, "sip:4@192.0.2.4");
	sip_dialog_done(&d);
}

/* -- CSeq: RFC 3261 12.2.2, attack A57 -- */

static void cseq_verdicts(void **state)
{
	static const struct {
		const char *method, *cseq;
		unsigned status;
	} rows[] = {
		{ "INFO", "314160 INFO", 0 }, { "INFO", "314160 INFO", 500 }, /* equal */
		{ "INFO", "314159 INFO", 500 }, /* lower */
		{ "INFO", "0 INFO", 500 }, { "INVITE", "314200 INVITE", 0 }, /* a gap is no error */
		{ "ACK", "314200 ACK", 0 }, { "INFO", "314201 INFO", 0 },
		{ "ACK", "314200 ACK", 0 }, /* late */
		{ "CANCEL", "314201 CANCEL", 0 },
		{ "ACK", "314202 ACK", 400 }, /* of an INVITE that was not */
		{ "CANCEL", "314202 CANCEL", 400 },
		{ "INFO", "314202 INFO", 0 }, /* which has not been remembered */
		{ "BYE", "314203 INVITE", 400 }, /* 8.1.1.5: the methods match */
		{ "BYE", "2147483648 BYE", 400 }, /* A20: "MUST be less than 2**31" */
		{ "BYE", "4294967296 BYE", 400 }, { "BYE", "-1 BYE", 400 }, { "BYE", "BYE", 400 },
		{ "BYE", "314203", 400 }, { "BYE", "314203 BYE", 0 },
		{ "BYE", "2147483647 BYE", 0 }, { "BYE", "2147483647 BYE", 500 },
		{ "BYE", "1 BYE", 500 }, /* no wrap */
	};
	struct sip_dialog d = { 0 };

	(void)state;
	assert_int_equal(by_request(&d, invite(ALICE), false), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		unsigned status = received(&d, rows[i].method, rows[i].cseq);
		if (status != rows[i].status)
			fail_msg("row %zu: %u", i, status);
	}
	assert_int_equal(d.remote_cseq, 2147483647);
	sip_dialog_done(&d);
}

/* "If the remote sequence number is empty, it MUST be set" */
static void cseq_of_uac(void **state)
{
	struct sip_dialog d = { 0 };
	struct sip_msg *m = parse(STR("BYE sip:a@b SIP/2.0\r\n\r\n"));

	(void)state;
	assert_int_equal(by_response(&d, invite(ALICE), answer(200, "t", BOB)), 0);
	assert_int_equal(sip_dialog_received(&d, m), 400);
	sip_msg_unref(m);
	assert_int_equal(received(&d, "ACK", "0 ACK"), 400);
	assert_false(d.has_remote_cseq);
	assert_int_equal(received(&d, "INFO", "0 INFO"), 0);
	assert_true(d.has_remote_cseq && d.remote_cseq == 0);
	assert_int_equal(received(&d, "INFO", "0 INFO"), 500);
	assert_int_equal(received(&d, "INFO", "1 INFO"), 0);
	assert_int_equal(d.local_cseq, 314159);
	sip_dialog_done(&d);
}

/* -- secure dialogs -- */

static void secure(void **state)
{
	static const char sips_alice[] = "Contact: <sips:alice@pc33.atlanta.com>\r\n";
	static const char sips_bob[] = "Contact: <sips:bob@192.0.2.4>\r\n";
	struct sip_dialog d = { 0 };

	(void)state;
	/* 12.1.1: "arrived over TLS, and the Request-URI contained a SIPS URI" */
	assert_int_equal(by_request(&d, invite_to("sips:bob@biloxi.com", sips_alice), true), 0);
	assert_true(d.secure);
	assert_int_equal(by_request(&d, invite_to("SIPS:bob@biloxi.com", sips_alice), false), 0);
	assert_false(d.secure);
	assert_int_equal(by_request(&d, invite(sips_alice), true), 0);
	assert_false(d.secure);
	assert_int_equal(by_response(&d, invite_to("sips:bob@biloxi.com", sips_alice),
				 answer(200, "t", sips_bob)),
		0);
	assert_true(d.secure);

	/* RFC 5630 5.1.2: "the Request-URI is a SIPS URI, but the Contact header field is a SIP
	 * URI": 400. And never down from sips to sip later. */
	assert_false(refresh(&d, in_dialog("INVITE", "1 INVITE", NEW)));
	assert_str(d.remote_target, "sips:bob@192.0.2.4");
	assert_true(refresh(&d, in_dialog("INVITE", "2 INVITE", sips_alice)));
	assert_int_equal(
		by_request(&d, invite_to("sips:bob@biloxi.com", ALICE), true), -FAIL_SYNTAX);
	assert_int_equal(by_response(&d, invite_to("sips:bob@biloxi.com", sips_alice),
				 answer(200, "t", BOB)),
		-FAIL_PROTOCOL);
	assert_int_equal(by_response(&d, invite_to("sips:bob@biloxi.com", sips_alice),
				 answer(180, "t", BOB)),
		0);
	assert_str(d.remote_target, "sips:bob@biloxi.com");
	assert_int_equal(confirm(&d, answer(200, "t", BOB)), -FAIL_PROTOCOL);
	assert_int_equal(confirm(&d, answer(200, "t", sips_bob)), 0);
	sip_dialog_done(&d);
}

/* -- RFC 6665 4.4.1 -- */

static struct sip_msg *subscribe(const char *uri)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(4096);

	buf_addf(&b,
		"SUBSCRIBE %s SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\n"
		"To: <sip:bob@biloxi.com>\r\nFrom: <sip:alice@atlanta.com>;tag=1928301774\r\n"
		"Call-ID: a84b4c76e66710@pc33.atlanta.com\r\nCSeq: 41 SUBSCRIBE\r\n" ALICE "\r\n",
		uri);
	return parse(buf_str(&b));
}

static void notify_makes_it(void **state)
{
	struct sip_dialog d = { 0 };
	struct sip_msg *m;

	(void)state;
	assert_int_equal(by_notify(&d, subscribe("sip:bob@biloxi.com"),
				 in_dialog("NOTIFY", "9 NOTIFY",
					 BOB "Record-Route: <sip:p2;lr>,<sip:p1;lr>\r\n")),
		0);
	assert_int_equal(d.state, SIP_DIALOG_CONFIRMED);
	assert_true(d.initiator);
	assert_false(d.secure);
	assert_str(d.call_id, "a84b4c76e66710@pc33.atlanta.com");
	assert_str(d.local_tag, "1928301774");
	assert_str(d.remote_tag, "a6c85cf");
	assert_str(d.local, "<sip:alice@atlanta.com>;tag=1928301774"); /* as we wrote it */
	assert_str(d.remote, "Bob <sip:bob@biloxi.com>;tag=a6c85cf");
	assert_int_equal(d.local_cseq, 41);
	assert_true(d.has_remote_cseq && d.remote_cseq == 9);
	/* "the route set at the subscriber is taken from the NOTIFY request itself": in order */
	assert_route(&d, "sip:bob@192.0.2.4 | <sip:p2;lr>,<sip:p1;lr> | sip:p2;lr");
	assert_int_equal(received(&d, "NOTIFY", "9 NOTIFY"), 500);
	assert_int_equal(received(&d, "NOTIFY", "10 NOTIFY"), 0);

	assert_int_equal(
		by_notify(&d, subscribe("sip:bob@biloxi.com"), in_dialog("NOTIFY", "1 NOTIFY", "")),
		-FAIL_SYNTAX);
	assert_empty(&d);
	assert_int_equal(by_notify(&d, subscribe("sips:bob@biloxi.com"),
				 in_dialog("NOTIFY", "1 NOTIFY", BOB)),
		-FAIL_SYNTAX);
	assert_int_equal(by_notify(&d, subscribe("sips:bob@biloxi.com"),
				 in_dialog("NOTIFY", "1 NOTIFY", "Contact: <sips:b@h>\r\n")),
		0);
	assert_true(d.secure);
	m = parse(
		STR("NOTIFY sip:a@b SIP/2.0\r\nFrom: <sip:bob@biloxi.com>\r\nCall-ID: 1\r\n"
		    "To: <sip:alice@atlanta.com>;tag=1928301774\r\nCSeq: 1 NOTIFY\r\n" BOB "\r\n"));
	assert_int_equal(by_notify(&d, subscribe("sip:bob@biloxi.com"), m), -FAIL_SYNTAX);
	sip_dialog_done(&d);
}

/* -- memory -- */

static size_t taken(const struct sip_dialog *d)
{
	size_t n = sizeof(*d) + d->call_id.n + d->local.n + d->remote.n + d->remote_target.n + 2;
	for (unsigned i = 0; i < d->route_count; i++)
		n += sizeof(*d->routes) + d->routes[i].n;
	return n;
}

static void costs_little(void **state)
{
	struct sip_dialog d = { 0 };

	(void)state;
	assert_int_equal(by_response(&d, invite(ALICE),
				 answer(200, "a6c85cf",
					 BOB "Record-Route: <sip:p2.example.com;lr>\r\n"
					     "Record-Route: <sip:p1.example.com;lr>\r\n")),
		0);
	print_message("# %zu bytes in 3 blocks, %zu of them the struct\n", taken(&d), sizeof(d));
	assert_true(taken(&d) < 512);
	sip_dialog_done(&d);
}

/* -- Replaces -- */

static void replaces_good(void **state)
{
	static const struct {
		const char *value, *call_id, *to, *from;
		bool early;
		const char *written;
	} rows[] = {
		/* the examples of RFC 3891 6.1, their folds undone */
		{ "98732@sip.example.com   ;from-tag=r33th4x0r   ;to-tag=ff87ff",
			"98732@sip.example.com", "ff87ff", "r33th4x0r", false,
			"98732@sip.example.com;to-tag=ff87ff;from-tag=r33th4x0r" },
		{ "12adf2f34456gs5;to-tag=12345;from-tag=54321;early-only", "12adf2f34456gs5",
			"12345", "54321", true,
			"12adf2f34456gs5;to-tag=12345;from-tag=54321;early-only" },
		{ "87134@171.161.34.23;to-tag=24796;from-tag=0", "87134@171.161.34.23", "24796",
			"0", false, "87134@171.161.34.23;to-tag=24796;from-tag=0" },
		/* generic-param; names in any case; words of a callid */
		{ "a(<b>)@[::1];x=1;TO-TAG=A;y;From-Tag=b;Early-Only;z=\"q;to-tag=no\"",
			"a(<b>)@[::1]", "A", "b", true,
			"a(<b>)@[::1];to-tag=A;from-tag=b;early-only" },
		/* early-flag has no value: this is a generic-param */
		{ "id;to-tag=a;from-tag=b;early-only=no", "id", "a", "b", false,
			"id;to-tag=a;from-tag=b" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(buf_done) struct buf b = BUF_INIT(4096);
		struct sip_replaces r;
		if (!sip_replaces_parse(str_of(rows[i].value), &r))
			fail_msg("row %zu is refused", i);
		assert_str(r.call_id, rows[i].call_id);
		assert_str(r.to_tag, rows[i].to);
		assert_str(r.from_tag, rows[i].from);
		assert_int_equal(r.early_only, rows[i].early);
		sip_replaces_write(&b, &r);
		assert_string_equal(buf_cstr(&b), rows[i].written);
		assert_true(sip_replaces_parse(buf_str(&b), &r));
	}
}

static void replaces_bad(void **state)
{
	static const char *const rows[] = {
		"",
		"id",
		";to-tag=a;from-tag=b",
		"id;to-tag=a",
		"id;from-tag=b",
		"id;to-tag=a;from-tag=b;to-tag=a", /* A75: "exactly one" */
		"id;to-tag=a;from-tag=b;from-tag=c",
		"id;to-tag;from-tag=b;to-tag=a",
		"id;to-tag=;from-tag=b",
		"id;to-tag=a;from-tag",
		"id;to-tag=\"a\";from-tag=b", /* a token */
		"id;to-tag=a;from-tag=\"\"",
		"id;to-tag=a;from-tag=b;",
		"id;to-tag=a;from-tag=b,id2;to-tag=a;from-tag=b", /* "Only a single" value */
		"id;to-tag=a;from-tag=b, ",
		"id@;to-tag=a;from-tag=b",
		"@host;to-tag=a;from-tag=b",
		"a@b@c;to-tag=a;from-tag=b",
		"a b;to-tag=a;from-tag=b",
		"id;to-tag=a;from-tag=b\r\nX: y",
	};
	struct sip_replaces r = { .early_only = true };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (sip_replaces_parse(str_of(rows[i]), &r))
			fail_msg("row %zu is taken: %s", i, rows[i]);
	assert_true(r.early_only && r.call_id.p == NULL); /* untouched */
	assert_false(sip_replaces_parse((struct str){ "i\0d;to-tag=a;from-tag=b", 23 }, &r));
}

/* -- RSeq and RAck -- */

static void rack_values(void **state)
{
	static const char *const bad[] = {
		"",
		"776656",
		"776656 1",
		"776656 1 ",
		"776656 INVITE",
		"776656 1 INVITE x",
		"776656 1 INVITE, 1 1 INVITE",
		"-1 1 INVITE",
		"0 1 INVITE", /* 7.1: "from 1 to 2**32 - 1" */
		"4294967296 1 INVITE",
		"1 2147483648 INVITE",
		"1 4294967297 INVITE",
		"99999999999999999999 1 INVITE",
		"7766561INVITE",
		"776656,1,INVITE",
		"1 1 IN(VITE",
	};
	struct sip_rack r;

	(void)state;
	assert_true(sip_rack_parse(STR("776656 1 INVITE"), &r)); /* the example of 7.2 */
	assert_int_equal(r.rseq, 776656);
	assert_int_equal(r.cseq, 1);
	assert_str(r.method, "INVITE");
	assert_true(sip_rack_parse(STR("4294967295 \t 2147483647  invite"), &r));
	assert_int_equal(r.rseq, 4294967295);
	assert_int_equal(r.cseq, 2147483647);
	assert_str(r.method, "invite"); /* 7.2: "case sensitive" */
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (sip_rack_parse(str_of(bad[i]), &r))
			fail_msg("\"%s\" is taken", bad[i]);
	assert_int_equal(r.rseq, 4294967295);
}

static void rseq_values(void **state)
{
	static const char *const bad[] = { "", "0", "00", "4294967296", "-1", "+1", "1 ", "1;x",
		"1,2", "a", "0x1", "18446744073709551617" };
	uint32_t n;

	(void)state;
	assert_true(sip_rseq_parse(STR("988789"), &n) && n == 988789);
	assert_true(sip_rseq_parse(STR("1"), &n) && n == 1);
	assert_true(sip_rseq_parse(STR("0004294967295"), &n) && n == UINT32_MAX);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (sip_rseq_parse(str_of(bad[i]), &n))
			fail_msg("\"%s\" is taken", bad[i]);
	assert_int_equal(n, UINT32_MAX);
}

/* -- Session-Expires and Min-SE -- */

static void session_expires_values(void **state)
{
	static const struct {
		const char *value;
		uint32_t seconds;
		enum sip_refresher refresher;
	} good[] = {
		{ "1800", 1800, SIP_REFRESHER_NONE },
		{ "4000;refresher=uac", 4000, SIP_REFRESHER_UAC },
		{ "50 ; refresher = UAS", 50, SIP_REFRESHER_UAS },
		{ "0;x=y;Refresher=uac;z", 0, SIP_REFRESHER_UAC },
		{ "4294967295;refreshers=no", UINT32_MAX, SIP_REFRESHER_NONE },
	};
	static const char *const bad[] = { "", "x", "-1", "4294967296", "1800;", "1800;refresher",
		"1800;refresher=", "1800;refresher=proxy", "1800;refresher=\"uac\"",
		"1800;refresher=uac;refresher=uas", "1800, 90", "1800 (soon)", "1800refresher=uac",
		"18 00", ";refresher=uac" };
	struct sip_session_expires e = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_true(sip_session_expires_parse(str_of(good[i].value), &e));
		assert_int_equal(e.seconds, good[i].seconds);
		assert_int_equal(e.refresher, good[i].refresher);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (sip_session_expires_parse(str_of(bad[i]), &e))
			fail_msg("\"%s\" is taken", bad[i]);
	assert_int_equal(e.seconds, UINT32_MAX);
}

static void min_se_values(void **state)
{
	static const char *const bad[] = { "", "x", "90;", "90,91", "4294967296", "90 s" };
	uint32_t n = 0;

	(void)state;
	assert_true(sip_min_se_parse(STR("3600"), &n) && n == 3600);
	assert_true(sip_min_se_parse(STR("90 ;lr;a=\"b;c\""), &n) && n == 90);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (sip_min_se_parse(str_of(bad[i]), &n))
			fail_msg("\"%s\" is taken", bad[i]);
	assert_int_equal(n, 90);
}

/* -- the headers of a URI -- */

static struct sip_uri uri(const char *z)
{
	struct sip_uri u;
	if (!sip_uri_parse(str_of(z), &u))
		fail_msg("%s is no URI", z);
	return u;
}

static void uri_headers(void **state)
{
	/* RFC 3891 section 4 and RFC 5589 7.1 */
	struct sip_uri u =
		uri("sip:bob@cave.example.org;transport=tcp?x=&Replaces=425928%40phone."
		    "example.org%3Bto-tag%3D7743%3Bfrom-tag%3D6472&R%65quire=replaces&"
		    "Twice=1&tWice=2&Cr=a%0d%0AX:%20y&Nul=%00&Tab=a%09b&Utf=%C3%A9&del=%7f");
	static const char *const absent[] = { "Replace", "Replacess", "Subject", "Twice", "Cr",
		"Nul", "Tab", "del", "" };
	CLEANUP(buf_done) struct buf b = BUF_INIT(256);
	CLEANUP(buf_done) struct buf small = BUF_INIT(10);
	struct sip_replaces r;

	(void)state;
	assert_true(sip_uri_header(&u, "replaces", &b));
	assert_string_equal(buf_cstr(&b), "425928@phone.example.org;to-tag=7743;from-tag=6472");
	assert_true(sip_replaces_parse(buf_str(&b), &r));
	assert_str(r.to_tag, "7743");
	buf_clear(&b);
	buf_add_char(&b, '>'); /* it appends */
	assert_true(sip_uri_header(&u, "Require", &b));
	assert_string_equal(buf_cstr(&b), ">replaces");
	for (size_t i = 0; i < ARRAY_LEN(absent); i++)
		if (sip_uri_header(&u, absent[i], &b))
			fail_msg("\"%s\" is found", absent[i]);
	assert_string_equal(buf_cstr(&b), ">replaces"); /* nothing more */
	assert_true(sip_uri_header(&u, "X", &b));
	assert_true(sip_uri_header(&u, "utf", &b));
	assert_string_equal(buf_cstr(&b), ">replaces\xc3\xa9");
	assert_false(sip_uri_header(&u, "Replaces", &small));
	assert_int_equal(small.n, 0);

	u = uri("sip:bob@example.org");
	assert_false(sip_uri_header(&u, "Replaces", &b));
	u = uri("tel:+1;x=y");
	assert_false(sip_uri_header(&u, "x", &b));
	/* A struct that no parser made: escapes are looked at again. */
	u.headers = STR("a=%4&b=%&c=%zz&d");
	assert_false(sip_uri_header(&u, "a", &b) || sip_uri_header(&u, "b", &b) ||
		     sip_uri_header(&u, "c", &b) || sip_uri_header(&u, "d", &b));
}

static void uri_header_escapes(void **state)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(2048);
	CLEANUP(buf_done) struct buf out = BUF_INIT(2048);
	struct sip_uri u;
	char all[0x100 - 0x20 - 1];
	size_t n = 0;

	(void)state;
	sip_uri_escape_header(&b, STR("425928@h.org;to-tag=7743;from-tag=64 &%?/:+$[]\r\n"));
	assert_string_equal(buf_cstr(&b),
		"425928%40h.org%3Bto-tag%3D7743%3Bfrom-tag%3D64%20%26%25?/"
		":+$[]%0D%0A");
	/* Every byte that is no control comes back as it was. */
	for (unsigned c = 0x20; c < 0x100; c++)
		if (c != 0x7f)
			all[n++] = (char)c;
	assert_int_equal(n, sizeof(all));
	buf_clear(&b);
	buf_add_str(&b, STR("sip:h?Subject="));
	sip_uri_escape_header(&b, (struct str){ all, n });
	assert_true(sip_uri_parse(buf_str(&b), &u));
	assert_true(sip_uri_header(&u, "Subject", &out));
	assert_int_equal(out.n, n);
	assert_memory_equal(out.p, all, n);
}

static void uri_as_request(void **state)
{
	static const struct {
		const char *uri, *want;
	} rows[] = {
		{ "sip:a@b", "sip:a@b" },
		{ "sip:a@b;method=INVITE", "sip:a@b" },
		{ "sip:a;method=x@b;transport=udp", "sip:a;method=x@b;transport=udp" },
		{ "sip:b;a;method;METHOD=1;m%45thod=2;methode=3;lr?a=b&c=",
			"sip:b;a;methode=3;lr" },
		{ "sips:b:5061?a=b", "sips:b:5061" },
		{ "sip:[::1]:5060?method=x", "sip:[::1]:5060" },
		{ "tel:+1;method=x", "tel:+1;method=x" },
		{ "im:a@b?c=d", "im:a@b?c=d" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(buf_done) struct buf b = BUF_INIT(256);
		struct sip_uri u = uri(rows[i].uri);
		sip_uri_write_request(&b, &u);
		assert_string_equal(buf_cstr(&b), rows[i].want);
	}
}

/* -- the call flows of the corpus -- */

enum { FLOW_MAX = 200 };

struct flow {
	struct sip_msg *m[FLOW_MAX];
	unsigned n;
	unsigned checked, right; /* requests within dialogs */
};

/* NNN.sip of a folder, in order; what does not parse is left out. */
static void load(struct flow *f, const char *folder)
{
	static char bytes[SIP_MESSAGE_MAX];

	for (f->n = 0; f->n < FLOW_MAX; f->n++) {
		char path[4096];
		FILE *in;
		snprintf(path, sizeof(path), CORPUS "callflows/%s/%03u.sip", folder, f->n + 1);
		in = fopen(path, "rb");
		if (!in)
			break;
		f->m[f->n] = NULL;
		sip_msg_parse((struct str){ bytes, fread(bytes, 1, sizeof(bytes), in) }, NULL,
			&f->m[f->n], NULL);
		fclose(in);
	}
	assert_in_range(f->n, 1, FLOW_MAX - 1);
}

static unsigned vias(const struct sip_msg *m)
{
	struct sip_list l = sip_msg_list(m, SIP_HDR_VIA);
	struct sip_via v;
	unsigned n = 0;

	while (sip_list_via(&l, &v))
		n++;
	return n;
}

static bool same_invite(const struct sip_msg *a, const struct sip_msg *b)
{
	struct sip_cseq x, y;
	return str_eq(sip_msg_call_id(a), sip_msg_call_id(b)) && sip_msg_cseq(a, &x) &&
	       sip_msg_cseq(b, &y) && x.number == y.number && y.method == SIP_INVITE &&
	       x.method == SIP_INVITE;
}

static struct str without_params(struct str uri)
{
	return str_sub(uri, 0, str_find(uri, ';'));
}

/* RFC 4028 prints no brackets. */
static bool same_route(const struct sip_nameaddr *a, struct str route)
{
	return str_eq(a->text, a->brackets ? route : str_sub(route, 1, route.n - 1));
}

/* Does the request of the dialog's owner go as the RFC prints it? RFC 3665 forgets the
 * transport=tcp of its Contacts in some Request-URIs. */
static void check_request(struct flow *f, const struct sip_dialog *d, unsigned i)
{
	struct sip_list l = sip_msg_list(f->m[i], SIP_HDR_ROUTE);
	struct sip_dialog_route r;
	struct sip_nameaddr a;
	bool right;
	unsigned n = 0;

	sip_dialog_route(d, &r);
	right = str_eq(without_params(r.request_uri), without_params(f->m[i]->request_uri));
	for (; sip_list_nameaddr(&l, &a); n++)
		right = right && n < r.route_count && same_route(&a, r.routes[n]);
	right = right && !l.bad && n == r.route_count;
	f->checked++;
	f->right += right;
	if (!right)
		print_message("# %03u.sip: " STR_FMT " to " STR_FMT " and %u routes, not " STR_FMT
			      " and %u\n",
			i + 1, STR_ARG(f->m[i]->method_name), STR_ARG(f->m[i]->request_uri), n,
			STR_ARG(r.request_uri), r.route_count);
}

/* The requests that the dialog's owner sends from message i on: with one Via, its own. A re-INVITE
 * of the peer (RFC 3665 3.7 F9) refreshes the target. The next INVITE without a To tag begins the
 * next flow, where the ids of this one may come again. */
static void follow(struct flow *f, struct sip_dialog *d, unsigned i)
{
	for (; i < f->n; i++) {
		const struct sip_msg *m = f->m[i];
		if (!m || !m->request || m->method == SIP_CANCEL || vias(m) != 1)
			continue;
		if (m->method == SIP_INVITE && sip_msg_to_tag(m).n == 0)
			break;
		if (!str_eq(sip_msg_call_id(m), d->call_id))
			continue;
		if (str_eq(sip_msg_from_tag(m), d->local_tag) &&
			str_eq(sip_msg_to_tag(m), d->remote_tag))
			check_request(f, d, i);
		else if (str_eq(sip_msg_from_tag(m), d->remote_tag))
			sip_dialog_refresh(d, m);
	}
}

/* Both sides of the dialog that the 200 at i makes: the caller's INVITE has one Via; the callee's
 * is the one that has gone furthest. */
static void both_sides(struct flow *f, unsigned i)
{
	const struct sip_msg *ok = f->m[i], *sent = NULL, *arrived = NULL;
	struct sip_dialog uac = { 0 }, uas = { 0 };
	unsigned j = i;

	while (j-- > 0 && !sent) {
		const struct sip_msg *m = f->m[j];
		if (!m || !m->request || !same_invite(m, ok))
			continue;
		if (!arrived || vias(m) > vias(arrived))
			arrived = m;
		if (vias(m) == 1)
			sent = m;
	}
	if (!sent || sip_msg_to_tag(sent).n > 0) /* a re-INVITE makes none */
		return;
	assert_int_equal(sip_dialog_from_response(&uac, sent, ok, NULL), 0);
	assert_int_equal(
		sip_dialog_from_request(&uas, arrived, sip_msg_to_tag(ok), false, NULL), 0);
	follow(f, &uac, i);
	follow(f, &uas, i);
	sip_dialog_done(&uac);
	sip_dialog_done(&uas);
}

static void corpus_flows(void **state)
{
	static const char *const folders[] = { "rfc3261", "rfc3665", "rfc4028" };
	const char *ci = getenv("CI");
	unsigned all = 0;

	(void)state;
	if (access(CORPUS "README.md", R_OK) != 0) {
		/* Ruling 38: CI has the corpus, so there its absence is a failure. */
		if (ci && strcmp(ci, "true") == 0)
			fail_msg("no corpus at %s, and CI=true", CORPUS);
		print_message("# DID NOT RUN: there is no corpus at %s\n", CORPUS);
		skip();
	}
	for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
		struct flow f = { .n = 0 };
		load(&f, folders[i]);
		for (unsigned j = 0; j < f.n; j++)
			if (f.m[j] && f.m[j]->status == 200 && vias(f.m[j]) == 1 &&
				sip_msg_to_tag(f.m[j]).n > 0)
				both_sides(&f, j);
		print_message("# %s: %u requests within dialogs, %u right, of %u messages\n",
			folders[i], f.checked, f.right, f.n);
		all += f.checked;
		assert_int_equal(f.right, f.checked);
		for (unsigned j = 0; j < f.n; j++)
			sip_msg_unref(f.m[j]);
	}
	assert_int_equal(all, 18);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(uac_fields),
		cmocka_unit_test(uac_routes_reversed),
		cmocka_unit_test(uac_preloaded_route),
		cmocka_unit_test(uac_early),
		cmocka_unit_test(uac_refused),
		cmocka_unit_test(uas_fields),
		cmocka_unit_test(uas_routes_in_order),
		cmocka_unit_test(uas_peer_without_tag),
		cmocka_unit_test(uas_addresses_bare),
		cmocka_unit_test(uas_refused),
		cmocka_unit_test(many_record_routes),
		cmocka_unit_test(strict_first),
		cmocka_unit_test(strict_later),
		cmocka_unit_test(strict_stripped),
		cmocka_unit_test(target_stripped),
		cmocka_unit_test(route_without_brackets),
		cmocka_unit_test(forks),
		cmocka_unit_test(keys),
		cmocka_unit_test(confirm_recomputes),
		cmocka_unit_test(confirm_empties),
		cmocka_unit_test(confirm_refused),
		cmocka_unit_test(refresh_by_request),
		cmocka_unit_test(refresh_by_response),
		cmocka_unit_test(refresh_refused),
		cmocka_unit_test(refresh_often),
		cmocka_unit_test(cseq_verdicts),
		cmocka_unit_test(cseq_of_uac),
		cmocka_unit_test(secure),
		cmocka_unit_test(notify_makes_it),
		cmocka_unit_test(costs_little),
		cmocka_unit_test(replaces_good),
		cmocka_unit_test(replaces_bad),
		cmocka_unit_test(rack_values),
		cmocka_unit_test(rseq_values),
		cmocka_unit_test(session_expires_values),
		cmocka_unit_test(min_se_values),
		cmocka_unit_test(uri_headers),
		cmocka_unit_test(uri_header_escapes),
		cmocka_unit_test(uri_as_request),
		cmocka_unit_test(corpus_flows),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
