/* tests/unit/test_build.c -- lib/sip/build: what is written to the byte, at every size of the
 * output, and what no value can make it write */
#include "base/base.h"
#include "base/mem.h"
#include "sip/build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char invite_text[] =
	"INVITE sip:bob@biloxi.com SIP/2.0\r\n"
	"Via: SIP/2.0/UDP pc33.atlanta.com ; branch=z9hG4bKkjshdyff;rport , SIP/2.0/TCP\r\n"
	" [2001:db8::9]:5070;branch=z9hG4bKb\r\n"
	"v: SIP/2.0/TLS c;branch=z9hG4bKc\r\n"
	"f: Alice <sip:alice@atlanta.com>;tag=88sja8x\r\n"
	"To: Bob <sip:bob@biloxi.com>\r\n"
	"Max-Forwards: 3\r\n"
	"Route: <sip:p1.atlanta.com;lr>,\r\n"
	"\t<sip:p2.atlanta.com;lr>\r\n"
	"Record-Route: <sip:r1;lr>, <sip:r2;lr>\r\n"
	"i: 987asjd97y7atg\r\n"
	"Record-Route: <sip:r3;lr>\r\n"
	"CSeq: 986759 INVITE\r\n"
	"Route: <sip:p3.atlanta.com;lr>\r\n"
	"Timestamp: 54\r\n"
	"Require: 100rel\r\n"
	"Proxy-Authorization: Digest username=\"alice\"\r\n"
	"Content-Length: 0\r\n"
	"\r\n";

static struct sip_msg *parse(struct str text)
{
	struct sip_msg *m = NULL;
	struct fail f = { 0 };

	if (sip_msg_parse(text, NULL, &m, &f) != 0)
		fail_msg("%s in <" STR_FMT ">", f.text, STR_ARG(text));
	return m;
}

/* Messages to answer, and what the tests of this file write. */
static struct sip_msg *invite, *options, *busy;

static int set_up(void **state)
{
	(void)state;
	invite = parse(STR(invite_text));
	options = parse(STR("OPTIONS sip:a@b SIP/2.0\r\n"
			    "Via: SIP/2.0/UDP [2001:db8::1];branch=z9hG4bK1\r\n"
			    "From: sip:c@d;tag=1\r\nTo: sip:a@b;tag=2\r\nCall-ID: x\r\n"
			    "CSeq: 7 OPTIONS\r\nContent-Length: 0\r\n\r\n"));
	busy = parse(STR("SIP/2.0 486 Busy Here\r\n"
			 "Via: SIP/2.0/UDP pc33.atlanta.com;branch=z9hG4bKkjshdyff\r\n"
			 "To: Bob <sip:bob@biloxi.com>;tag=99sa0xk\r\n"
			 "From: sip:other@example.com\r\nCall-ID: other\r\nCSeq: 1 INVITE\r\n"
			 "Content-Length: 0\r\n\r\n"));
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	sip_msg_unref(invite);
	sip_msg_unref(options);
	sip_msg_unref(busy);
	return 0;
}

static void write_request(struct buf *b)
{
	sip_build_request(b, STR("MESSAGE"), STR("sip:bob@example.com"));
	sip_build_via(b, STR("TCP"), STR("2001:db8::1"), 5070, STR("z9hG4bKabc"));
	sip_build_hdr(b, SIP_HDR_MAX_FORWARDS, STR("70"));
	sip_build_hdrf(b, SIP_HDR_CSEQ, "%u %s", 4294967295U, "MESSAGE");
	sip_build_named(b, STR("X-Empty"), STR_EMPTY);
	sip_build_hdr(b, SIP_HDR_SUBJECT, STR("caf\xc3\xa9 \t tabs"));
	sip_build_end(b, STR("text/plain"), STR("line\r\n\0end"));
}

static void write_via_plain(struct buf *b)
{
	sip_build_via(b, STR("UDP"), STR("192.0.2.1"), 0, STR("z9hG4bK0"));
	sip_build_end(b, STR_EMPTY, STR_EMPTY);
}

static void write_200(struct buf *b)
{
	sip_build_response(b, invite,
		&(struct sip_response){ .status = 200,
			.to_tag = STR("ours"),
			.record_route = true,
			.received = STR("192.0.2.7"),
			.rport = 40000 });
	sip_build_end(b, STR("application/sdp"), STR("v=0\r\n"));
}

static void write_100(struct buf *b)
{
	sip_build_response(
		b, invite, &(struct sip_response){ .status = 100, .to_tag = STR("ours") });
	sip_build_end(b, STR_EMPTY, STR_EMPTY);
}

static void write_options(struct buf *b)
{
	sip_build_response(b, options,
		&(struct sip_response){ .status = 299,
			.reason = STR("Na gut"),
			.to_tag = STR("ours"),
			.record_route = true,
			.received = STR("2001:db8::2"),
			.rport = 5060 });
	sip_build_end(b, STR_EMPTY, STR_EMPTY);
}

static void write_ack(struct buf *b)
{
	sip_build_ack(b, invite, busy);
	sip_build_end(b, STR_EMPTY, STR_EMPTY);
}

static void write_cancel(struct buf *b)
{
	sip_build_cancel(b, invite);
	sip_build_end(b, STR_EMPTY, STR_EMPTY);
}

/* STR is no constant initializer. */
/* clang-format off */
#define BYTES(literal) { (literal), sizeof(literal) - 1 }
/* clang-format on */

static const struct {
	void (*write)(struct buf *b);
	struct str want;
} messages[] = {
	{ write_request, BYTES("MESSAGE sip:bob@example.com SIP/2.0\r\n"
			       "Via: SIP/2.0/TCP [2001:db8::1]:5070;branch=z9hG4bKabc;rport\r\n"
			       "Max-Forwards: 70\r\n"
			       "CSeq: 4294967295 MESSAGE\r\n"
			       "X-Empty: \r\n"
			       "Subject: caf\xc3\xa9 \t tabs\r\n"
			       "Content-Type: text/plain\r\n"
			       "Content-Length: 10\r\n"
			       "\r\n"
			       "line\r\n\0end") },
	{ write_via_plain, BYTES("Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK0;rport\r\n"
				 "Content-Length: 0\r\n\r\n") },
	/* Only the topmost Via changes: RFC 3261 18.2.1, RFC 3581 4. */
	{ write_200,
		BYTES("SIP/2.0 200 OK\r\n"
		      "Via: SIP/2.0/UDP pc33.atlanta.com ; branch=z9hG4bKkjshdyff;rport=40000"
		      ";received=192.0.2.7, SIP/2.0/TCP   [2001:db8::9]:5070;branch=z9hG4bKb\r\n"
		      "Via: SIP/2.0/TLS c;branch=z9hG4bKc\r\n"
		      "Record-Route: <sip:r1;lr>, <sip:r2;lr>\r\n"
		      "Record-Route: <sip:r3;lr>\r\n"
		      "From: Alice <sip:alice@atlanta.com>;tag=88sja8x\r\n"
		      "To: Bob <sip:bob@biloxi.com>;tag=ours\r\n"
		      "Call-ID: 987asjd97y7atg\r\n"
		      "CSeq: 986759 INVITE\r\n"
		      "Content-Type: application/sdp\r\n"
		      "Content-Length: 5\r\n"
		      "\r\n"
		      "v=0\r\n") },
	{ write_100, BYTES("SIP/2.0 100 Trying\r\n"
			   "Via: SIP/2.0/UDP pc33.atlanta.com ; branch=z9hG4bKkjshdyff;rport "
			   ", SIP/2.0/TCP   [2001:db8::9]:5070;branch=z9hG4bKb\r\n"
			   "Via: SIP/2.0/TLS c;branch=z9hG4bKc\r\n"
			   "From: Alice <sip:alice@atlanta.com>;tag=88sja8x\r\n"
			   "To: Bob <sip:bob@biloxi.com>\r\n"
			   "Call-ID: 987asjd97y7atg\r\n"
			   "CSeq: 986759 INVITE\r\n"
			   "Timestamp: 54\r\n"
			   "Content-Length: 0\r\n"
			   "\r\n") },
	{ write_options,
		BYTES("SIP/2.0 299 Na gut\r\n"
		      "Via: SIP/2.0/UDP [2001:db8::1];branch=z9hG4bK1;received=2001:db8::2\r\n"
		      "From: sip:c@d;tag=1\r\n"
		      "To: sip:a@b;tag=2\r\n"
		      "Call-ID: x\r\n"
		      "CSeq: 7 OPTIONS\r\n"
		      "Content-Length: 0\r\n"
		      "\r\n") },
	{ write_ack, BYTES("ACK sip:bob@biloxi.com SIP/2.0\r\n"
			   "Via: SIP/2.0/UDP pc33.atlanta.com ; branch=z9hG4bKkjshdyff;rport\r\n"
			   "Max-Forwards: 70\r\n"
			   "Route: <sip:p1.atlanta.com;lr>,  \t<sip:p2.atlanta.com;lr>\r\n"
			   "Route: <sip:p3.atlanta.com;lr>\r\n"
			   "From: Alice <sip:alice@atlanta.com>;tag=88sja8x\r\n"
			   "To: Bob <sip:bob@biloxi.com>;tag=99sa0xk\r\n"
			   "Call-ID: 987asjd97y7atg\r\n"
			   "CSeq: 986759 ACK\r\n"
			   "Content-Length: 0\r\n"
			   "\r\n") },
	{ write_cancel, BYTES("CANCEL sip:bob@biloxi.com SIP/2.0\r\n"
			      "Via: SIP/2.0/UDP pc33.atlanta.com ; branch=z9hG4bKkjshdyff;rport\r\n"
			      "Max-Forwards: 70\r\n"
			      "Route: <sip:p1.atlanta.com;lr>,  \t<sip:p2.atlanta.com;lr>\r\n"
			      "Route: <sip:p3.atlanta.com;lr>\r\n"
			      "From: Alice <sip:alice@atlanta.com>;tag=88sja8x\r\n"
			      "To: Bob <sip:bob@biloxi.com>\r\n"
			      "Call-ID: 987asjd97y7atg\r\n"
			      "CSeq: 986759 CANCEL\r\n"
			      "Content-Length: 0\r\n"
			      "\r\n") },
};

static void test_bytes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(messages); i++) {
		struct buf b = BUF_INIT(10000);
		messages[i].write(&b);
		assert_int_equal(b.fail, 0);
		if (!str_eq(buf_str(&b), messages[i].want))
			fail_msg("got\n" STR_FMT "want\n" STR_FMT, STR_ARG(buf_str(&b)),
				STR_ARG(messages[i].want));
		buf_done(&b);
	}
}

/* A25: each message at each size of its output. */
static void test_limits(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(messages); i++) {
		for (size_t limit = 0; limit <= messages[i].want.n; limit++) {
			struct buf b = BUF_INIT(limit);
			messages[i].write(&b);
			assert_int_equal(b.fail, limit < messages[i].want.n ? -FAIL_LIMIT : 0);
			assert_true(b.n <= limit);
			buf_done(&b);
		}
	}
}

/* ---- injection ---- */

/* Each writer with `value` in one of its places. What is a token there is marked. */
static void bad_method(struct buf *b, struct str value)
{
	sip_build_request(b, value, STR("sip:a"));
}

static void bad_uri(struct buf *b, struct str value)
{
	sip_build_request(b, STR("INVITE"), value);
}

static void bad_transport(struct buf *b, struct str value)
{
	sip_build_via(b, value, STR("a"), 1, STR("z9hG4bK0"));
}

static void bad_host(struct buf *b, struct str value)
{
	sip_build_via(b, STR("UDP"), value, 1, STR("z9hG4bK0"));
}

static void bad_branch(struct buf *b, struct str value)
{
	sip_build_via(b, STR("UDP"), STR("a"), 1, value);
}

static void bad_value(struct buf *b, struct str value)
{
	sip_build_hdr(b, SIP_HDR_WARNING, value);
}

static void bad_name(struct buf *b, struct str value)
{
	sip_build_named(b, value, STR("x"));
}

static void bad_named(struct buf *b, struct str value)
{
	sip_build_named(b, STR("X"), value);
}

/* By character: "%s" would end at a NUL. */
static void bad_format(struct buf *b, struct str value)
{
	sip_build_hdrf(b, SIP_HDR_REASON, "x%c%c%c", value.p[0], value.p[value.n / 2],
		value.p[value.n - 1]);
}

static void bad_type(struct buf *b, struct str value)
{
	sip_build_end(b, value, STR("body"));
}

static void bad_reason(struct buf *b, struct str value)
{
	sip_build_response(b, invite, &(struct sip_response){ .status = 400, .reason = value });
}

static void bad_tag(struct buf *b, struct str value)
{
	sip_build_response(b, invite, &(struct sip_response){ .status = 400, .to_tag = value });
}

static void bad_received(struct buf *b, struct str value)
{
	sip_build_response(b, invite, &(struct sip_response){ .status = 400, .received = value });
}

static const struct {
	void (*write)(struct buf *b, struct str value);
	bool token; /* or a URI: no blank either */
} writers[] = {
	{ bad_method, true },
	{ bad_uri, true },
	{ bad_transport, true },
	{ bad_host, true },
	{ bad_branch, true },
	{ bad_value, false },
	{ bad_name, true },
	{ bad_named, false },
	{ bad_format, false },
	{ bad_type, false },
	{ bad_reason, false },
	{ bad_tag, true },
	{ bad_received, false },
};

/* Every control character at the start, in the middle and at the end, in every place. */
static void test_injection(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(writers); i++) {
		for (int c = 0; c < 256; c++) {
			for (size_t at = 0; at < 3; at++) {
				bool control = (c < 32 && c != '\t') || c == 127;
				bool blank = c == ' ' || c == '\t';
				char text[3] = { 'a', 'a', 'a' };
				struct buf b = BUF_INIT(10000);

				text[at] = (char)c;
				writers[i].write(&b, (struct str){ text, 3 });
				if (control || (blank && writers[i].token))
					assert_int_equal(b.fail, -FAIL_SYNTAX);
				else if (c == 'z' || (!writers[i].token && c != 0))
					assert_int_equal(b.fail, 0);
				/* nor has a part of it been written */
				if (control && c != '\r' && c != '\n')
					assert_int_equal(str_find(buf_str(&b), (char)c), b.n);
				buf_done(&b);
			}
		}
	}
}

static void test_empty(void **state)
{
	struct buf b = BUF_INIT(1000);
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(writers); i++) {
		buf_clear(&b);
		if (writers[i].token && writers[i].write != bad_tag) {
			writers[i].write(&b, STR_EMPTY);
			assert_int_equal(b.fail, -FAIL_SYNTAX);
		}
	}
	assert_true(sip_build_clean(STR_EMPTY));
	assert_true(sip_build_clean(STR("a \t\xff\x80")));
	assert_false(sip_build_clean(STR("a\0")));
	assert_false(sip_build_clean(STR("\x1b[1m")));
	buf_done(&b);
}

/* ---- responses to what is odd ---- */

/* The response with these parts to a request with these lines behind its start line. */
static int respond(struct buf *b, struct str lines, const struct sip_response *r)
{
	struct buf text = BUF_INIT(10000);
	struct sip_msg *m;

	buf_add_str(&text, STR("INVITE sip:a SIP/2.0\r\n"));
	buf_add_str(&text, lines);
	buf_add_str(&text, STR("\r\n"));
	m = parse(buf_str(&text));
	buf_clear(b);
	sip_build_response(b, m, r);
	sip_msg_unref(m);
	buf_done(&text);
	return b->fail;
}

static void check_via(const char *via, const char *received, uint16_t rport, const char *want)
{
	struct buf b = BUF_INIT(1000);
	char lines[300], all[300];

	snprintf(lines, sizeof(lines), "Via: %s\r\n", via);
	snprintf(all, sizeof(all), "SIP/2.0 500 Server Internal Error\r\nVia: %s\r\n", want);
	respond(&b, str_of(lines),
		&(struct sip_response){
			.status = 500, .received = str_of(received), .rport = rport });
	assert_string_equal(buf_cstr(&b), all);
	buf_done(&b);
}

static void test_via(void **state)
{
	(void)state;
	check_via("SIP/2.0/UDP a", NULL, 0, "SIP/2.0/UDP a");
	check_via("SIP/2.0/UDP a", "1.2.3.4", 5060, "SIP/2.0/UDP a;received=1.2.3.4");
	/* RFC 3581 section 4 */
	check_via("SIP/2.0/UDP 10.1.1.1:4540;rport;branch=z9hG4bKkjshdyff", "192.0.2.1", 9988,
		"SIP/2.0/UDP 10.1.1.1:4540;rport=9988;branch=z9hG4bKkjshdyff;received=192.0.2.1");
	/* what the client claims does not count, and is not there twice */
	check_via("SIP/2.0/UDP a;received=9.9.9.9;Rport=7;x=\"q;rport\";RECEIVED=8.8.8.8",
		"1.2.3.4", 5061, "SIP/2.0/UDP a;rport=5061;x=\"q;rport\";received=1.2.3.4");
	check_via("SIP/2.0/UDP a;received=9.9.9.9;rport", NULL, 5061,
		"SIP/2.0/UDP a;received=9.9.9.9;rport=5061");
	check_via("SIP/2.0/UDP a;received=9.9.9.9;rport", "1.2.3.4", 0,
		"SIP/2.0/UDP a;rport;received=1.2.3.4");
	check_via("SIP/2.0/UDP a ;  branch = x ,SIP/2.0/UDP b;rport", "::1", 1,
		"SIP/2.0/UDP a ;  branch = x;received=::1,SIP/2.0/UDP b;rport");
	/* a Via that cannot be read goes back as it came */
	check_via("SIP/2.0/UDP a;;rport", "1.2.3.4", 1, "SIP/2.0/UDP a;;rport");
	check_via("nonsense", "1.2.3.4", 1, "nonsense");
}

/* A71: what a request carries goes out clean or not at all. RFC 4475 3.1.1.2 has a To whose display
 * name holds escaped BEL, NUL and DEL: it is answered without that name. */
static void test_unclean(void **state)
{
	static const char *const lines[] = { "Via: SIP/2.0/UDP a%cb\r\n",
		"Via: SIP/2.0/UDP a\r\nv: SIP/2.0/UDP b;x=%c\r\n", "From: \"%c\" <sip:a>\r\n",
		"To: <sip:a%cb>\r\n", "To: sip:a;x=\"%c\"\r\n", "Call-ID: x%cy\r\n",
		"CSeq: 1 IN%cVITE\r\n", "Record-Route: <sip:%c>\r\n", "Timestamp: %c1\r\n" };
	const struct sip_response r = { .status = 100, .record_route = true };
	struct buf b = BUF_INIT(1000);
	char text[100];
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		int n = snprintf(text, sizeof(text), lines[i], 'x');
		assert_int_equal(respond(&b, (struct str){ text, (size_t)n }, &r), 0);
		for (int c = 0; c < 32; c++) {
			n = snprintf(text, sizeof(text), lines[i], c);
			if (c == '\n' || c == '\t')
				continue;
			assert_int_equal(
				respond(&b, (struct str){ text, (size_t)n }, &r), -FAIL_SYNTAX);
		}
	}
	assert_int_equal(respond(&b,
				 STR("From: \"BEL:\\\x07 NUL:\\\x00 DEL:\\\x7f\" "
				     "<sip:1_unusual.URI~(to-be!sure)@example.com> ;tag=1\r\n"
				     "To: \"\\\x01\" <sip:a>\r\n"),
				 &(struct sip_response){ .status = 400, .to_tag = STR("t") }),
		0);
	assert_string_equal(buf_cstr(&b),
		"SIP/2.0 400 Bad Request\r\n"
		"From: <sip:1_unusual.URI~(to-be!sure)@example.com>;tag=1\r\n"
		"To: <sip:a>;tag=t\r\n");
	buf_done(&b);
}

/* Folding in the middle of a value must not become a line of ours. */
static void test_folded(void **state)
{
	struct buf b = BUF_INIT(1000);
	(void)state;

	respond(&b, STR("To:\r\n <sip:a>\r\n ;x=y\r\nCall-ID: a\r\n\tVia: evil\r\n"),
		&(struct sip_response){ .status = 404, .to_tag = STR("t") });
	assert_int_equal(b.fail, 0);
	assert_string_equal(buf_cstr(&b), "SIP/2.0 404 Not Found\r\nTo: <sip:a>   ;x=y;tag=t\r\n"
					  "Call-ID: a  \tVia: evil\r\n");
	buf_done(&b);
}

/* A request without the headers of 8.1.1, and a To that cannot be read: the answer has what there
 * is. */
static void test_incomplete(void **state)
{
	struct buf b = BUF_INIT(1000);
	const struct sip_response r = {
		.status = 400, .to_tag = STR("t"), .received = STR("1.2.3.4")
	};
	(void)state;

	assert_int_equal(respond(&b, STR("X: y\r\n"), &r), 0);
	assert_string_equal(buf_cstr(&b), "SIP/2.0 400 Bad Request\r\n");
	assert_int_equal(respond(&b, STR("To: \"x <sip:a>\r\nCSeq: 1\r\n"), &r), 0);
	assert_string_equal(
		buf_cstr(&b), "SIP/2.0 400 Bad Request\r\nTo: \"x <sip:a>;tag=t\r\nCSeq: 1\r\n");
	buf_done(&b);
}

/* ACK and CANCEL need a Via, a CSeq and a To that can be read. */
static void test_derive_bad(void **state)
{
	static const char *const lines[] = { "", "Via: x\r\nCSeq: 1 INVITE\r\nTo: sip:a\r\n",
		"Via: SIP/2.0/UDP a\r\nCSeq: x INVITE\r\nTo: sip:a\r\n",
		"Via: SIP/2.0/UDP a\r\nCSeq: 1 INVITE\r\n" };
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		struct buf b = BUF_INIT(1000);
		char text[200];
		struct sip_msg *m;

		snprintf(text, sizeof(text), "INVITE sip:a SIP/2.0\r\n%s\r\n", lines[i]);
		m = parse(str_of(text));
		sip_build_cancel(&b, m);
		assert_int_equal(b.fail, -FAIL_SYNTAX);
		assert_int_equal(b.n, 0);
		buf_clear(&b);
		sip_build_ack(&b, i < 3 ? m : invite, m);
		assert_int_equal(b.fail, -FAIL_SYNTAX);
		sip_msg_unref(m);
		buf_done(&b);
	}
}

/* The first failure stays, whatever is written behind it. */
static void test_latch(void **state)
{
	struct buf b = BUF_INIT(1000);
	size_t n;
	(void)state;

	sip_build_hdr(&b, SIP_HDR_SUBJECT, STR("a\r\nb"));
	n = b.n;
	write_200(&b);
	write_ack(&b);
	assert_int_equal(b.fail, -FAIL_SYNTAX);
	assert_int_equal(b.n, n);
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_injection),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_via),
		cmocka_unit_test(test_unclean),
		cmocka_unit_test(test_folded),
		cmocka_unit_test(test_incomplete),
		cmocka_unit_test(test_derive_bad),
		cmocka_unit_test(test_latch),
	};
	return cmocka_run_group_tests_name("build", tests, set_up, tear_down);
}
