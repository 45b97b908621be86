/* tests/unit/test_sdp.c -- session descriptions: RFC 8866, the offers and answers of RFC 3264 and
 * RFC 4317, the attacks A41 to A48 */
#include "base/buf.h"
#include "sip/sdp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define CORPUS TEST_SOURCE_ROOT "/../shared/corpus/sdp/"

#define HEAD "v=0\r\no=alice 1 7 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"

static struct arena arena; /* of the running test */

static int done(void **state)
{
	(void)state;
	arena_done(&arena);
	return 0;
}

static struct sdp parse(const char *text)
{
	struct sdp s;
	struct fail f = { 0 };

	if (sdp_parse(str_of(text), &arena, &s, &f) != 0)
		fail_msg("%s\n%s", f.text, text);
	return s;
}

static void refused_as(const char *text, int code, const char *words)
{
	struct sdp s = { .media_count = 77 };
	struct fail f = { 0 };

	if (sdp_parse(str_of(text), &arena, &s, &f) != code)
		fail_msg("taken: %s", text);
	if (!strstr(f.text, words))
		fail_msg("\"%s\" does not say \"%s\"", f.text, words);
	assert_int_equal(s.media_count, 77); /* untouched */
}

static void refused(const char *text)
{
	refused_as(text, -FAIL_SYNTAX, "");
}

#define assert_str(s, text)                                                                        \
	do {                                                                                       \
		struct str got_ = (s);                                                             \
		if (!str_eq(got_, str_of(text)))                                                   \
			fail_msg("\"" STR_FMT "\", not \"%s\"", STR_ARG(got_), text);              \
	} while (0)

/* ---- RFC 8866 ---- */

/* The example of section 5, with each line that there is. */
static void whole(void **state)
{
	struct sdp s = parse("v=0\r\n"
			     "o=jdoe 3724394400 3724394405 IN IP4 198.51.100.1\r\n"
			     "s=Call to John Smith\r\n"
			     "i=SDP Offer #1\r\n"
			     "u=http://www.jdoe.example.com/home.html\r\n"
			     "e=Jane Doe <jane@jdoe.example.com>\r\n"
			     "p=+1 617 555-6011\r\n"
			     "c=IN IP4 198.51.100.1\r\n"
			     "b=AS:128\r\n"
			     "t=0 0\r\n"
			     "r=7d 1h 0 25h\r\n"
			     "z=2882844526 -1h 2898848070 0\r\n"
			     "k=prompt\r\n"
			     "a=recvonly\r\n"
			     "m=audio 49170 RTP/AVP 0\r\n"
			     "m=audio 49180/2 RTP/AVP 0 96\r\n"
			     "i=second\r\n"
			     "b=AS:64\r\n"
			     "a=rtcp:53020 IN IP4 126.16.64.4\r\n"
			     "a=rtpmap:96 opus/48000/2\r\n"
			     "a=sendonly\r\n"
			     "m=video 51372 RTP/AVP 99\r\n"
			     "c=IN IP6 2001:db8::2\r\n"
			     "a=rtpmap:99 h263-1998/90000\r\n");

	(void)state;
	assert_str(s.origin, "jdoe 3724394400 3724394405 IN IP4 198.51.100.1");
	assert_str(s.address, "198.51.100.1");
	assert_false(s.ipv6);
	assert_int_equal(s.media_count, 3);
	assert_str(s.media[0].type, "audio");
	assert_str(s.media[0].proto, "RTP/AVP");
	assert_int_equal(s.media[0].port, 49170);
	assert_str(s.media[0].formats, "0");
	assert_str(s.media[0].address, "198.51.100.1");
	assert_int_equal(s.media[0].direction, SDP_RECVONLY); /* the session's (6.7) */
	assert_int_equal(s.media[0].lines.n, 0);
	assert_int_equal(s.media[0].rtcp_port, 0);
	assert_int_equal(s.media[1].port, 49180);
	assert_str(s.media[1].formats, "0 96");
	assert_int_equal(s.media[1].direction, SDP_SENDONLY);
	assert_int_equal(s.media[1].rtcp_port, 53020);
	assert_true(str_starts(s.media[1].lines, STR("i=second\r\nb=AS:64\r\n")));
	assert_true(str_ends(s.media[1].lines, STR("a=sendonly\r\n")));
	assert_str(s.media[2].address, "2001:db8::2");
	assert_true(s.media[2].ipv6);
	assert_str(s.media[2].lines, "c=IN IP6 2001:db8::2\r\na=rtpmap:99 h263-1998/90000\r\n");
}

/* Section 6.7: the second example, a direction of the session and one of a stream. */
static void directions(void **state)
{
	struct sdp s = parse("v=0\r\no=- 1 1 IN IP6 2001:db8::1\r\ns=-\r\nc=IN IP6 2001:db8::1\r\n"
			     "t=0 0\r\na=inactive\r\nm=audio 49170 RTP/AVP 0\r\na=sendrecv\r\n"
			     "m=audio 49180 RTP/AVP 0\r\n");
	static const char *const names[] = { "sendrecv", "sendonly", "recvonly", "inactive" };
	enum sdp_direction d;

	(void)state;
	assert_int_equal(s.media[0].direction, SDP_SENDRECV);
	assert_int_equal(s.media[1].direction, SDP_INACTIVE);
	assert_true(s.media[0].ipv6 && s.media[1].ipv6);
	for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
		assert_string_equal(sdp_direction_name((enum sdp_direction)i), names[i]);
		assert_true(sdp_direction_parse(str_of(names[i]), &d) && d == i);
	}
	assert_false(sdp_direction_parse(STR("Sendonly"), &d)); /* 5.13: case-sensitive */
	assert_false(sdp_direction_parse(STR(""), &d));
	assert_int_equal(parse(HEAD "m=audio 1 RTP/AVP 0\r\n").media[0].direction, SDP_SENDRECV);
	/* of two, the first */
	s = parse(HEAD "m=audio 1 RTP/AVP 0\r\na=rtcp:7\r\na=recvonly\r\na=rtcp:8\r\n"
		       "a=sendonly\r\n");
	assert_int_equal(s.media[0].direction, SDP_RECVONLY);
	assert_int_equal(s.media[0].rtcp_port, 7);
	/* no direction, but another attribute of that beginning */
	s = parse(HEAD "m=audio 1 RTP/AVP 0\r\na=sendonly:1\r\na=inactivex\r\n");
	assert_int_equal(s.media[0].direction, SDP_SENDRECV);
}

/* What has no exact form: line ends, the order of a section, an empty subject. */
static void tolerant(void **state)
{
	struct sdp s = parse("v=0\no=a 1 1 IN IP4 h.example\ns=\nt=0 0\nc=IN IP4 h.example\n"
			     "m=audio 0 RTP/AVP 0 1 3");

	(void)state;
	assert_int_equal(s.media_count, 1);
	assert_str(s.media[0].formats, "0 1 3");
	assert_str(s.media[0].address, "h.example");
	s = parse(HEAD "m=audio 4 RTP/AVP  0   8 \r\na=ptime:20\r\n\r\n\r\n");
	assert_str(s.media[0].formats, "0   8");
	assert_str(s.media[0].lines, "a=ptime:20\r\n");
	/* a multicast address with TTL and count; of several, the first */
	s = parse(HEAD "m=audio 4 RTP/AVP 0\r\nc=IN IP4 224.2.1.1/127/3\r\nc=IN IP4 "
		       "224.2.1.9/127\r\n");
	assert_str(s.media[0].address, "224.2.1.1");
	/* no media at all (RFC 3264 5), and no address then */
	s = parse("v=0\r\no=a 1 1 IN IP4 1.2.3.4\r\ns=-\r\nt=0 0\r\n");
	assert_int_equal(s.media_count, 0);
	assert_int_equal(s.address.n, 0);
	/* other transports have formats of their own */
	s = parse(HEAD "m=image 4 udptl t38\r\nm=message 7 TCP/MSRP *\r\nm=application 9 "
		       "UDP/DTLS/SCTP webrtc-datachannel\r\n");
	assert_int_equal(s.media_count, 3);
	assert_str(s.media[2].proto, "UDP/DTLS/SCTP");
}

static void malformed(void **state)
{
	static const char *const texts[] = {
		"",
		"\r\n",
		"v",
		"v=0",
		"v=0\r\n",
		"v=1\r\no=a 1 1 IN IP4 h\r\ns=-\r\nt=0 0\r\n",
		"v=0\r\ns=-\r\no=a 1 1 IN IP4 h\r\nt=0 0\r\n", /* the order */
		"o=a 1 1 IN IP4 h\r\ns=-\r\nt=0 0\r\n", /* no v= */
		"v=0\r\no=a 1 1 IN IP4 h\r\ns=-\r\n", /* no t= */
		"v=0\r\no=a 1 1 IN IP4 h\r\ns=-\r\nm=audio 0 RTP/AVP 0\r\nt=0 0\r\n",
		"v=0\r\no=a 1 1 IN IP4\r\ns=-\r\nt=0 0\r\n",
		"v=0\r\no=a 1 -1 IN IP4 h\r\ns=-\r\nt=0 0\r\n",
		"v=0\r\no=a 1x 1 IN IP4 h\r\ns=-\r\nt=0 0\r\n",
		"v=0\r\no=a 1 1 IN IP4 h h\r\ns=-\r\nt=0 0\r\n",
		"v=0\r\no=a 1 1 IN IP4 h\r\ns=-\r\nt=0\r\n",
		"v=0\r\no=a 1 1 IN IP4 h\r\ns=-\r\nt=now 0\r\n",
		"v=0\r\no=a 1 1 IN IP4 h\r\ns=-\r\nt=0 0 0\r\n",
		" " HEAD,
		HEAD "\r\na=x\r\n", /* an empty line inside */
		HEAD "x=1\r\n", /* an unknown type (section 5) */
		HEAD "A=x\r\n",
		HEAD "a =x\r\n",
		HEAD "ax\r\n",
		HEAD "=x\r\n",
		HEAD "v=0\r\n", /* a second description */
		HEAD "c=IN IP4 192.0.2.2\r\n", /* a second address of the session */
		HEAD "i=\r\n",
		HEAD "b=64\r\n",
		HEAD "b=AS:x\r\n",
		HEAD "k=\r\n",
		HEAD "m=audio 4 RTP/AVP 0\r\nt=0 0\r\n",
		HEAD "m=audio 4 RTP/AVP 0\r\nu=x\r\n",
		HEAD "m=audio 4 RTP/AVP 0\r\ni=x\r\ni=y\r\n",
		HEAD "m=audio 4 RTP/AVP 0\r\nc=IN IP4\r\n",
		HEAD "m=audio 4 RTP/AVP 0\r\nc=IN IP4 /127\r\n",
		HEAD "m=audio 4 RTP/AVP 0\r\nc=IN IP4 224.0.0.1/x\r\n",
		HEAD "m=audio 4 RTP/AVP 0\r\nc=IN IP4 224.0.0.1/\r\n",
		HEAD "m=audio 4 RTP/AVP 0\r\na=ab\rc\r\n",
		HEAD "m=\r\n",
		HEAD "m=audio\r\n",
		HEAD "m=audio 4\r\n",
		HEAD "m=audio 4 RTP/AVP\r\n",
		HEAD "m=audio 65536 RTP/AVP 0\r\n",
		HEAD "m=audio -4 RTP/AVP 0\r\n",
		HEAD "m=audio 4/ RTP/AVP 0\r\n",
		HEAD "m=audio 4/0 RTP/AVP 0\r\n",
		HEAD "m=au(dio 4 RTP/AVP 0\r\n",
		HEAD "m=audio 4 RTP//AVP 0\r\n",
		HEAD "m=audio 4 /AVP 0\r\n",
		HEAD "m=audio 4 RTP/ 0\r\n",
		HEAD "m=audio 4 RTP/AVP 0\r\na=rtcp\r\n",
		HEAD "m=audio 4 RTP/AVP 0\r\na=rtcp:x\r\n",
		HEAD "m=audio 4 RTP/AVP 0\r\na=rtcp:65536\r\n",
		/* a stream without an address (5.7) */
		"v=0\r\no=a 1 1 IN IP4 h\r\ns=-\r\nt=0 0\r\nm=audio 4 RTP/AVP 0\r\n",
	};
	struct sdp s;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		refused(texts[i]);
	refused_as(HEAD "a=x\r\nm=audio x RTP/AVP 0\r\n", -FAIL_SYNTAX, "line 7");
	assert_int_equal(sdp_parse(STR(HEAD "a=x\0y\r\n"), &arena, &s, NULL), -FAIL_SYNTAX);
	assert_int_equal(sdp_parse((struct str){ NULL, 0 }, &arena, &s, NULL), -FAIL_SYNTAX);
}

/* Each beginning of a description, at the end of readable memory as far as a sanitizer can tell. */
static void truncated(void **state)
{
	static const char text[] = HEAD "b=AS:64\r\na=inactive\r\nm=audio 4 RTP/AVP 0 96\r\n"
					"c=IN IP4 192.0.2.9\r\na=rtpmap:96 opus/48000/2\r\n";

	(void)state;
	for (size_t n = 0; n < sizeof(text); n++) {
		char *copy = malloc(n ? n : 1);
		struct sdp s;
		int e;
		assert_non_null(copy);
		memcpy(copy, text, n);
		e = sdp_parse((struct str){ copy, n }, &arena, &s, NULL);
		/* Whole lines are a whole description, also without the last line end; half of
		 * that is none. */
		if (n < strlen(HEAD) - 2 || text[n - 1] == '\r')
			assert_int_equal(e, -FAIL_SYNTAX);
		else if (text[n - 1] == '\n' || text[n] == '\r')
			assert_int_equal(e, 0);
		free(copy);
	}
}

/* ---- payload types ---- */

static void payloads(void **state)
{
	struct str of[SDP_PAYLOADS];
	struct sdp s = parse(HEAD "m=audio 4 RTP/AVP 0 96 18 97\r\na=rtpmap:96 iLBC/8000\r\n"
				  "a=rtpmap:96 second/1\r\na=rtpmap:18 G729/8000/1\r\n");

	(void)state;
	sdp_payloads(&s.media[0], of);
	assert_str(of[0], "PCMU/8000"); /* RFC 3551 table 4 */
	assert_str(of[8], "PCMA/8000");
	assert_str(of[10], "L16/44100/2");
	assert_str(of[34], "H263/90000");
	assert_str(of[96], "iLBC/8000");
	assert_str(of[18], "G729/8000/1");
	assert_str(of[97], "");
	assert_str(of[1], ""); /* reserved */
	assert_str(of[127], "");
}

/* ---- attacks ---- */

static void a41_short_lines(void **state)
{
	(void)state;
	refused_as(HEAD "m=", -FAIL_SYNTAX, "line 6");
	refused(HEAD "m");
	refused(HEAD "a");
	refused(HEAD "a\r\n");
	refused(HEAD "a=");
	refused(HEAD "m=audio 4 RTP/AVP 0\r\na");
	refused(HEAD "m=audio 4 RTP/AVP 0\r\na\r\n");
}

static void a42_empty_attributes(void **state)
{
	static const char *const attributes[] = { "", ":", ":x", "fmtp", "fmtp:", "rtpmap",
		"rtpmap:", "rtpmap: ", "rtpmap:96", "rtpmap:96 ", "rtpmap:96 x", "rtpmap:96 x/",
		"rtpmap:96 /8000", "rtpmap:96 x/0", "rtpmap:96 x/8000/", "rtpmap:96 x/8000 y",
		"rtpmap:x PCMU/8000" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(attributes); i++) {
		char text[256];
		snprintf(
			text, sizeof(text), HEAD "m=audio 4 RTP/AVP 96\r\na=%s\r\n", attributes[i]);
		refused_as(text, -FAIL_SYNTAX, "line 7");
	}
}

static void a43_formats(void **state)
{
	(void)state;
	refused(HEAD "m=audio 17000 RTP/AVP 9 0 abc\r\n");
	refused(HEAD "m=audio 17000 RTP/AVP \x01\x02\r\n");
	refused(HEAD "m=audio 17000 RTP/AVP 0,8\r\n");
	refused(HEAD "m=audio 17000 RTP/SAVPF *\r\n");
	refused(HEAD "m=audio 17000 UDP/TLS/RTP/SAVP x\r\n");
	refused(HEAD "m=image 17000 udptl t\"38\r\n");
	refused(HEAD "m=image 17000 udptl \xc3\xa4\r\n");
}

static void a44_payload_types(void **state)
{
	(void)state;
	refused(HEAD "m=audio 4 RTP/AVP 0\r\na=rtpmap:65535 PCMU/8000\r\n");
	refused(HEAD "m=audio 4 RTP/AVP 0\r\na=rtpmap:128 PCMU/8000\r\n");
	refused(HEAD "m=audio 4 RTP/AVP 0\r\na=rtpmap:4294967296 PCMU/8000\r\n");
	refused(HEAD "m=audio 4 RTP/AVP 0\r\na=rtpmap:-1 PCMU/8000\r\n");
	refused(HEAD "m=audio 4 RTP/AVP 128\r\n");
	refused(HEAD "m=audio 4 RTP/AVP 4294967296\r\n");
	parse(HEAD "m=audio 4 RTP/AVP 127\r\na=rtpmap:127 x/1\r\n");
}

/* The text with n times this line behind it. */
static const char *many(const char *line, unsigned n)
{
	struct buf b = BUF_INIT(1 << 22);
	struct str s;

	buf_add_str(&b, STR(HEAD));
	for (unsigned i = 0; i < n; i++)
		buf_add_str(&b, str_of(line));
	assert_int_equal(b.fail, 0);
	s = arena_str(&arena, buf_str(&b));
	buf_done(&b);
	return s.p;
}

static void a45_limits(void **state)
{
	struct buf b = BUF_INIT(4096);

	(void)state;
	assert_int_equal(parse(many("m=audio 4 RTP/AVP 0\r\n", SDP_MEDIA)).media_count, SDP_MEDIA);
	refused_as(many("m=audio 4 RTP/AVP 0\r\n", SDP_MEDIA + 1), -FAIL_LIMIT, "64 m= lines");
	refused_as(many("m=audio 4 RTP/AVP 0\r\n", 5000), -FAIL_LIMIT, "m= lines");
	parse(many("a=x\r\n", SDP_LINES - 5)); /* five are in the head */
	refused_as(many("a=x\r\n", SDP_LINES - 4), -FAIL_LIMIT, "2048 lines");
	refused(many("c=IN IP4 192.0.2.1\r\n", 5000));
	refused_as(many("b=AS:1\r\n", 5000), -FAIL_LIMIT, "lines");
	for (unsigned n = SDP_FORMATS; n <= SDP_FORMATS + 1; n++) {
		buf_clear(&b);
		buf_add_str(&b, STR(HEAD "m=audio 4 RTP/AVP"));
		for (unsigned i = 0; i < n; i++)
			buf_add_str(&b, STR(" 0"));
		if (n == SDP_FORMATS)
			parse(buf_cstr(&b));
		else
			refused_as(buf_cstr(&b), -FAIL_LIMIT, "128");
	}
	buf_done(&b);
}

static void a46_crypto(void **state)
{
	const char *line = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkg\r\n";
	struct sdp s;

	(void)state;
	s = parse(many(line, 1000)); /* nothing is kept of them */
	assert_int_equal(s.media_count, 0);
	refused_as(many(line, 3000), -FAIL_LIMIT, "lines");
}

static int check(const char *offer, const char *answer, struct str *codec, struct fail *f)
{
	struct sdp o = parse(offer), w = parse(answer);

	return sdp_check_answer(&o, &w, &arena, codec, f);
}

static void a47_declined_streams(void **state)
{
	static const char two[] = HEAD "m=audio 4 RTP/AVP 0\r\nm=image 6 udptl t38\r\n";
	struct str codec = STR("kept");
	struct fail f = { 0 };

	(void)state;
	assert_int_equal(
		check(two, HEAD "m=audio 4 RTP/AVP 0\r\nm=image 0 udptl t38\r\n", &codec, NULL), 0);
	assert_str(codec, "PCMU/8000");
	assert_int_equal(
		check(two, HEAD "m=audio 0 RTP/AVP 0\r\nm=image 0 udptl t38\r\n", &codec, NULL), 0);
	assert_str(codec, ""); /* nothing was taken */
	codec = STR("kept");
	assert_int_equal(check(two, HEAD "m=audio 4 RTP/AVP 0\r\n", &codec, &f), -FAIL_MEDIA);
	assert_non_null(strstr(f.text, "1 streams, the offer has 2"));
	assert_int_equal(check(two, HEAD, &codec, NULL), -FAIL_MEDIA);
	assert_int_equal(check(HEAD "m=audio 4 RTP/AVP 0\r\n", two, &codec, NULL), -FAIL_MEDIA);
	assert_int_equal(check(HEAD, two, &codec, NULL), -FAIL_MEDIA);
	/* in another order, over another transport, with a port that was not offered */
	assert_int_equal(
		check(two, HEAD "m=image 6 udptl t38\r\nm=audio 4 RTP/AVP 0\r\n", &codec, NULL),
		-FAIL_MEDIA);
	assert_int_equal(
		check(two, HEAD "m=audio 4 RTP/SAVP 0\r\nm=image 6 udptl t38\r\n", &codec, NULL),
		-FAIL_MEDIA);
	assert_int_equal(
		check(HEAD "m=audio 0 RTP/AVP 0\r\n", HEAD "m=audio 4 RTP/AVP 0\r\n", &codec, NULL),
		-FAIL_MEDIA);
	assert_str(codec, "kept");
	assert_int_equal(check(HEAD, HEAD, &codec, NULL), 0);
	assert_str(codec, "");
}

static void a48_ptime(void **state)
{
	struct sdp s = parse(HEAD "m=audio 4 RTP/AVP 0\r\na=ptime:4294967295\r\n"
				  "a=maxptime:99999999999999999999\r\na=ptime:0\r\na=ptime\r\n");
	struct buf b = BUF_INIT(4096);
	struct sdp_local l = { .address = STR("192.0.2.7"), .port = 8 };
	struct str codec;

	(void)state;
	assert_int_equal(sdp_write_answer(&b, &s, &l, &arena, &codec, NULL), 0);
	assert_null(strstr(buf_cstr(&b), "ptime"));
	assert_true(b.n < 400);
	buf_done(&b);
}

/* ---- what we write ---- */

static struct sdp_local local = {
	.address = { "192.0.2.7", 9 }, .port = 20000, .rtcp_port = 20001, .id = 77, .version = 3
};

static const char *offer_of(const struct sdp_local *l)
{
	struct buf b = BUF_INIT(4096);
	struct str s;

	sdp_write_offer(&b, l);
	assert_int_equal(b.fail, 0);
	s = arena_str(&arena, buf_str(&b));
	buf_done(&b);
	parse(s.p);
	return s.p;
}

static void offer(void **state)
{
	static const struct str all[] = { { "OPUS", 4 }, { "g722", 4 }, { "G729", 4 }, { "gsm", 3 },
		{ "pcma", 4 }, { "gsm", 3 } };
	struct sdp_local l = local;

	(void)state;
	assert_string_equal(offer_of(&l), "v=0\r\n"
					  "o=- 77 3 IN IP4 192.0.2.7\r\n"
					  "s=-\r\n"
					  "c=IN IP4 192.0.2.7\r\n"
					  "t=0 0\r\n"
					  "m=audio 20000 RTP/AVP 0 8 101\r\n"
					  "a=rtpmap:0 PCMU/8000\r\n"
					  "a=rtpmap:8 PCMA/8000\r\n"
					  "a=rtpmap:101 telephone-event/8000\r\n"
					  "a=fmtp:101 0-16\r\n"
					  "a=sendrecv\r\n");
	l.codecs = all;
	l.codec_count = ARRAY_LEN(all);
	l.direction = SDP_SENDONLY;
	l.address = STR("2001:db8::7");
	l.ipv6 = true;
	l.rtcp_port = 30001;
	assert_string_equal(offer_of(&l), "v=0\r\n"
					  "o=- 77 3 IN IP6 2001:db8::7\r\n"
					  "s=-\r\n"
					  "c=IN IP6 2001:db8::7\r\n"
					  "t=0 0\r\n"
					  "m=audio 20000 RTP/AVP 96 9 18 3 8\r\n"
					  "a=rtpmap:96 opus/48000/2\r\n"
					  "a=rtpmap:9 G722/8000\r\n"
					  "a=rtpmap:18 G729/8000\r\n"
					  "a=rtpmap:3 GSM/8000\r\n"
					  "a=rtpmap:8 PCMA/8000\r\n"
					  "a=sendonly\r\n"
					  "a=rtcp:30001\r\n");
}

static void codec_names(void **state)
{
	static const char *const names[] = { "pcmu", "PCMA", "g722", "G729", "gsm", "Opus",
		"telephone-event" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		assert_true(sdp_codec_known(str_of(names[i])));
	assert_false(sdp_codec_known(STR("")));
	assert_false(sdp_codec_known(STR("PCMU/8000")));
	assert_false(sdp_codec_known(STR("pcm")));
	assert_false(sdp_codec_known(STR("speex")));
}

/* Our answer from its first m= on; what we write has to fit the offer. */
static const char *answer_to(const char *text, const struct sdp_local *l, const char *codec)
{
	struct buf b = BUF_INIT(65535);
	struct sdp o = parse(text), w;
	struct str got = STR_EMPTY, s, m;
	struct fail f = { 0 };

	if (sdp_write_answer(&b, &o, l, &arena, &got, &f) != 0)
		fail_msg("%s\n%s", f.text, text);
	assert_int_equal(b.fail, 0);
	assert_str(got, codec);
	s = arena_str(&arena, buf_str(&b));
	buf_done(&b);
	w = parse(s.p);
	assert_int_equal(sdp_check_answer(&o, &w, &arena, &m, NULL), 0);
	for (unsigned i = 0; i < w.media_count; i++)
		assert_true(!o.media[i].port <= !w.media[i].port);
	return strstr(s.p, "m=") ? strstr(s.p, "m=") : "";
}

static void no_answer(const char *text, const struct sdp_local *l)
{
	struct buf b = BUF_INIT(4096);
	struct sdp o = parse(text);
	struct str codec = STR("kept");
	struct fail f = { 0 };

	assert_int_equal(sdp_write_answer(&b, &o, l, &arena, &codec, &f), -FAIL_MEDIA);
	assert_int_equal(b.n, 0);
	assert_true(f.text[0] != '\0');
	assert_str(codec, "kept");
}

/* RFC 3264 10.1 and 6.1 */
static void answers(void **state)
{
	static const struct str all[] = { { "pcmu", 4 }, { "pcma", 4 }, { "g722", 4 },
		{ "g729", 4 }, { "gsm", 3 }, { "opus", 4 }, { "telephone-event", 15 } };
	struct str pcma = STR("pcma"), events = STR("telephone-event"), both[2];
	struct sdp_local l = local;

	(void)state;
	assert_string_equal(answer_to(HEAD "m=audio 49170 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
					   "m=video 51372 RTP/AVP 31\r\na=rtpmap:31 H261/90000\r\n"
					   "m=video 53000 RTP/AVP 32 34\r\n",
				    &l, "PCMU/8000"),
		"m=audio 20000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=sendrecv\r\n"
		"m=video 0 RTP/AVP 31\r\nm=video 0 RTP/AVP 32\r\n");
	/* the offer's order, and its payload types; what is dynamic needs its rtpmap */
	assert_string_equal(answer_to(HEAD "m=audio 4 RTP/AVP 18 100 8 0 98\r\na=rtpmap:100 "
					   "TELEPHONE-EVENT/8000/1\r\na=rtpmap:98 pcmu/8000\r\n",
				    &l, "PCMA/8000"),
		"m=audio 20000 RTP/AVP 100 8 0\r\na=rtpmap:100 telephone-event/8000\r\n"
		"a=fmtp:100 0-16\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 "
		"PCMU/8000\r\na=sendrecv\r\n");
	/* each codec once, under its first number, however often it is offered */
	l.codecs = all;
	l.codec_count = ARRAY_LEN(all);
	assert_non_null(strstr(answer_to(HEAD "m=audio 4 RTP/AVP 0 8 9 18 3 96 97 0 8 98 9 0 8\r\n"
					      "a=rtpmap:96 opus/48000/2\r\na=rtpmap:97 "
					      "telephone-event/8000\r\na=rtpmap:98 PCMU/8000\r\n",
				       &l, "PCMU/8000"),
		"m=audio 20000 RTP/AVP 0 8 9 18 3 96 97\r\na=rtpmap:0 PCMU/8000\r\n"));
	l = local;
	/* an rtpmap has the last word over a static number; rates and channels count */
	no_answer(HEAD "m=audio 4 RTP/AVP 0 96 97\r\na=rtpmap:0 X/8000\r\na=rtpmap:96 "
		       "PCMU/16000\r\na=rtpmap:97 PCMA/8000/2\r\n",
		&l);
	/* not ours: secure, video, declined, multicast; the second audio is taken */
	assert_string_equal(
		answer_to(HEAD "m=audio 4 RTP/SAVP 0\r\nm=video 6 RTP/AVP 0\r\n"
			       "m=audio 0 RTP/AVP 0\r\nm=audio 8 RTP/AVP 0\r\nc=IN IP4 "
			       "224.2.1.1/3\r\nm=audio 8 RTP/AVP 0\r\nc=IN IP6 FF15::1\r\n"
			       "m=audio 10 RTP/AVP 8\r\nm=audio 12 RTP/AVP 8\r\n",
			&l, "PCMA/8000"),
		"m=audio 0 RTP/SAVP 0\r\nm=video 0 RTP/AVP 0\r\nm=audio 0 RTP/AVP 0\r\n"
		"m=audio 0 RTP/AVP 0\r\nm=audio 0 RTP/AVP 0\r\n"
		"m=audio 20000 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\na=sendrecv\r\n"
		"m=audio 0 RTP/AVP 8\r\n");
	/* only declined streams, or none */
	assert_string_equal(
		answer_to(HEAD "m=audio 0 RTP/AVP 0 8\r\nm=image 0 udptl t38\r\n", &l, ""),
		"m=audio 0 RTP/AVP 0\r\nm=image 0 udptl t38\r\n");
	assert_string_equal(answer_to(HEAD, &l, ""), "");
	no_answer(HEAD "m=audio 4 RTP/AVP 18\r\n", &l);
	no_answer(HEAD "m=audio 4 RTP/SAVP 0\r\n", &l);
	no_answer(HEAD "m=audio 0 RTP/AVP 0\r\nm=video 4 RTP/AVP 0\r\n", &l);
	/* events alone are no call, unless they are all that was asked for */
	no_answer(HEAD "m=audio 4 RTP/AVP 101\r\na=rtpmap:101 telephone-event/8000\r\n", &l);
	l.codecs = &events;
	l.codec_count = 1;
	answer_to(HEAD "m=audio 4 RTP/AVP 101\r\na=rtpmap:101 telephone-event/8000\r\n", &l,
		"telephone-event/8000");
	l.codecs = &pcma;
	no_answer(HEAD "m=audio 4 RTP/AVP 0\r\n", &l);
	both[0] = pcma;
	both[1] = STR("opus");
	l.codecs = both;
	l.codec_count = 2;
	assert_string_equal(
		answer_to(HEAD "m=audio 4 RTP/AVP 111 8\r\na=rtpmap:111 opus/48000/2\r\n", &l,
			"opus/48000/2"),
		"m=audio 20000 RTP/AVP 111 8\r\na=rtpmap:111 opus/48000/2\r\n"
		"a=rtpmap:8 PCMA/8000\r\na=sendrecv\r\n");
}

/* RFC 3264 6.1: sendonly is answered by recvonly or inactive, and so on; what we want comes in. */
static void answer_directions(void **state)
{
	static const enum sdp_direction want[4][4] = {
		/* by offer; wanted: sendrecv, sendonly, recvonly, inactive */
		[SDP_SENDRECV] = { SDP_SENDRECV, SDP_SENDONLY, SDP_RECVONLY, SDP_INACTIVE },
		[SDP_SENDONLY] = { SDP_RECVONLY, SDP_INACTIVE, SDP_RECVONLY, SDP_INACTIVE },
		[SDP_RECVONLY] = { SDP_SENDONLY, SDP_SENDONLY, SDP_INACTIVE, SDP_INACTIVE },
		[SDP_INACTIVE] = { SDP_INACTIVE, SDP_INACTIVE, SDP_INACTIVE, SDP_INACTIVE },
	};

	(void)state;
	for (unsigned o = 0; o < 4; o++) {
		for (unsigned w = 0; w < 4; w++) {
			struct sdp_local l = local;
			char text[512], line[32];
			snprintf(text, sizeof(text), HEAD "m=audio 4 RTP/AVP 0\r\na=%s\r\n",
				sdp_direction_name((enum sdp_direction)o));
			snprintf(
				line, sizeof(line), "\r\na=%s\r\n", sdp_direction_name(want[o][w]));
			l.direction = (enum sdp_direction)w;
			assert_non_null(strstr(answer_to(text, &l, "PCMU/8000"), line));
			assert_int_equal(
				sdp_answer_direction((enum sdp_direction)o, (enum sdp_direction)w),
				want[o][w]);
		}
	}
	/* RFC 6337 5.4: with 0.0.0.0 the attribute counts all the same */
	assert_non_null(strstr(
		answer_to(HEAD "m=audio 4 RTP/AVP 0\r\nc=IN IP4 0.0.0.0\r\n", &local, "PCMU/8000"),
		"a=sendrecv"));
}

static void offered_direction(void **state)
{
	struct sdp s = parse(HEAD "a=recvonly\r\nm=audio 0 RTP/AVP 0\r\na=inactive\r\n"
				  "m=audio 4 RTP/AVP 0\r\nm=audio 4 RTP/AVP 0\r\na=sendonly\r\n");

	(void)state;
	assert_int_equal(sdp_offered_direction(&s), SDP_RECVONLY);
	s = parse(HEAD "m=audio 4 RTP/AVP 0\r\na=sendonly\r\n");
	assert_int_equal(sdp_offered_direction(&s), SDP_SENDONLY);
	s = parse(HEAD "m=audio 4 RTP/AVP 0\r\n");
	assert_int_equal(sdp_offered_direction(&s), SDP_SENDRECV);
	s = parse(HEAD "m=audio 4 RTP/AVP 0\r\nc=IN IP4 0.0.0.0\r\n");
	assert_int_equal(sdp_offered_direction(&s), SDP_INACTIVE);
	s = parse(HEAD "m=audio 0 RTP/AVP 0\r\n");
	assert_int_equal(sdp_offered_direction(&s), SDP_INACTIVE);
	s = parse(HEAD);
	assert_int_equal(sdp_offered_direction(&s), SDP_INACTIVE);
}

static void answer_codec(void **state)
{
	static const char offer_text[] =
		HEAD "m=video 0 RTP/AVP 31\r\nm=audio 4 RTP/AVP 97 8\r\na=rtpmap:97 iLBC/8000\r\n"
		     "m=image 6 udptl t38\r\n";
	struct str codec;

	(void)state;
	/* by the answer's own mapping, by the offer's, by the static name, by the number, or as it
	 * is */
	assert_int_equal(check(offer_text,
				 HEAD "m=video 0 RTP/AVP 31\r\nm=audio 4 RTP/AVP 98\r\n"
				      "a=rtpmap:98 iLBC/8000\r\nm=image 0 udptl t38\r\n",
				 &codec, NULL),
		0);
	assert_str(codec, "iLBC/8000");
	assert_int_equal(check(offer_text,
				 HEAD "m=video 0 RTP/AVP 31\r\nm=audio 4 RTP/AVP 97\r\n"
				      "m=image 0 udptl t38\r\n",
				 &codec, NULL),
		0);
	assert_str(codec, "iLBC/8000");
	assert_int_equal(check(offer_text,
				 HEAD "m=video 0 RTP/AVP 31\r\nm=audio 4 RTP/AVP 8 97\r\n"
				      "m=image 6 udptl t38\r\n",
				 &codec, NULL),
		0);
	assert_str(codec, "PCMA/8000");
	assert_int_equal(check(offer_text,
				 HEAD "m=video 0 RTP/AVP 31\r\nm=audio 4 RTP/AVP 99\r\n"
				      "m=image 0 udptl t38\r\n",
				 &codec, NULL),
		0);
	assert_str(codec, "99");
	assert_int_equal(check(offer_text,
				 HEAD "m=video 0 RTP/AVP 31\r\nm=audio 0 RTP/AVP 8\r\n"
				      "m=image 6 udptl t38\r\n",
				 &codec, NULL),
		0);
	assert_str(codec, "t38");
}

/* ---- once more ---- */

static const char *rewritten(const char *text, enum sdp_direction d, unsigned raise)
{
	struct buf b = BUF_INIT(1 << 17);
	struct sdp s = parse(text), again;
	struct str r;

	sdp_rewrite(&b, &s, d, raise);
	assert_int_equal(b.fail, 0);
	r = arena_str(&arena, buf_str(&b));
	buf_done(&b);
	again = parse(r.p);
	assert_int_equal(again.media_count, s.media_count);
	for (unsigned i = 0; i < s.media_count; i++)
		if (s.media[i].port)
			assert_int_equal(again.media[i].direction, d);
	return r.p;
}

static void rewrite(void **state)
{
	static const char text[] =
		HEAD "b=AS:1\r\nm=audio 4 RTP/AVP 0\r\na=x\r\na=sendrecv\r\na=y\r\n";

	(void)state;
	assert_string_equal(rewritten(text, SDP_SENDRECV, 0), text);
	assert_string_equal(rewritten(text, SDP_SENDONLY, 3),
		"v=0\r\no=alice 1 10 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
		"b=AS:1\r\nm=audio 4 RTP/AVP 0\r\na=x\r\na=sendonly\r\na=y\r\n");
	/* nothing is said where nothing has to be */
	assert_string_equal(rewritten(HEAD "m=audio 4 RTP/AVP 0\r\n", SDP_SENDRECV, 0),
		HEAD "m=audio 4 RTP/AVP 0\r\n");
	/* else behind the stream's other lines; a stream without a port stays as it is */
	assert_string_equal(
		rewritten(HEAD "m=audio 4 RTP/AVP 0\r\na=x\r\nm=audio 0 RTP/AVP 0\r\na=recvonly\r\n"
			       "m=audio 6 RTP/AVP 0",
			SDP_INACTIVE, 0),
		HEAD
		"m=audio 4 RTP/AVP 0\r\na=x\r\na=inactive\r\nm=audio 0 RTP/AVP 0\r\na=recvonly\r\n"
		"m=audio 6 RTP/AVP 0\r\na=inactive\r\n");
	assert_string_equal(rewritten(HEAD "m=audio 4 RTP/AVP 0\r\na=sendrecv\r\nm=audio 6 RTP/AVP "
					   "0\r\n",
				    SDP_RECVONLY, 0),
		HEAD "m=audio 4 RTP/AVP 0\r\na=recvonly\r\nm=audio 6 RTP/AVP 0\r\na=recvonly\r\n");
	/* the session's attribute speaks for its streams */
	assert_string_equal(rewritten(HEAD "a=recvonly\r\nm=audio 4 RTP/AVP 0\r\nm=audio 4 RTP/AVP "
					   "0\r\na=inactive\r\n",
				    SDP_SENDONLY, 0),
		HEAD "a=sendonly\r\nm=audio 4 RTP/AVP 0\r\nm=audio 4 RTP/AVP 0\r\na=sendonly\r\n");
	/* line ends and padding as they were */
	assert_string_equal(rewritten("v=0\no=a 1 9 IN IP4 1.2.3.4\ns=\nc=IN IP4 1.2.3.4\nt=0 0\n"
				      "m=audio 4 RTP/AVP 0\n\n\r\n",
				    SDP_SENDONLY, 1),
		"v=0\no=a 1 10 IN IP4 1.2.3.4\ns=\nc=IN IP4 1.2.3.4\nt=0 0\n"
		"m=audio 4 RTP/AVP 0\na=sendonly\n\n\r\n");
}

/* RFC 3264 5: 63 bits */
static void rewrite_version(void **state)
{
	static const struct {
		const char *before, *after;
	} rows[] = {
		{ "9", "10" },
		{ "007", "8" },
		{ "4294967295", "4294967296" },
		{ "9223372036854775806", "9223372036854775807" },
		{ "9223372036854775807", "9223372036854775807" },
		{ "99999999999999999999999", "99999999999999999999999" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[256], want[256];
		snprintf(text, sizeof(text), "v=0\r\no=a 5  %s IN IP4 h\r\ns=-\r\nt=0 0\r\n",
			rows[i].before);
		snprintf(want, sizeof(want), "v=0\r\no=a 5  %s IN IP4 h\r\ns=-\r\nt=0 0\r\n",
			rows[i].after);
		assert_string_equal(rewritten(text, SDP_SENDRECV, 1), want);
		assert_string_equal(rewritten(text, SDP_SENDRECV, 0), text);
	}
}

/* ---- linear time (A78) ---- */

static double seconds_for(struct str text)
{
	struct timespec a, b;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
	for (int i = 0; i < 20; i++) {
		struct arena mine = { 0 };
		struct str of[SDP_PAYLOADS], codec;
		struct buf out = BUF_INIT(1 << 21);
		struct sdp s;
		if (sdp_parse(text, &mine, &s, NULL) == 0) {
			sdp_rewrite(&out, &s, SDP_SENDONLY, 1);
			buf_clear(&out);
			sdp_write_answer(&out, &s, &local, &mine, &codec, NULL);
			for (unsigned k = 0; k < s.media_count; k++)
				sdp_payloads(&s.media[k], of);
		}
		buf_done(&out);
		arena_done(&mine);
	}
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
	return (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9;
}

/* `unit` again and again between the two, to n bytes */
static struct str filled(const char *front, const char *unit, const char *back, size_t n)
{
	struct buf b = BUF_INIT(1 << 21);
	struct str s;

	buf_add_str(&b, str_of(front));
	while (b.n < n)
		buf_add_str(&b, str_of(unit));
	buf_add_str(&b, str_of(back));
	s = arena_str(&arena, buf_str(&b));
	buf_done(&b);
	return s;
}

static void linear(void **state)
{
	static const struct {
		const char *front, *unit, *back;
	} rows[] = {
		{ HEAD "m=audio 4 RTP/AVP 0", " ", "8\r\n" },
		{ HEAD "m=audio 4 RTP/AVP 0\r\na=", "(", "\r\n" },
		{ HEAD "m=audio 4 RTP/AVP 0\r\na=rtpmap:96 ", ",", "/8000\r\n" },
		{ HEAD "m=audio 4 ", "a/", "b 0\r\n" },
		{ HEAD, "\r\n", "x" },
		{ HEAD "m=audio 4 RTP/AVP 0\r\nc=IN IP4 1/", "1/", "1\r\n" },
		{ HEAD "a=", "<", "\r\n" },
		{ "v=0\r\no=a", " ", "1 1 IN IP4 h\r\ns=-\r\nt=0 0\r\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		double best = 1e9;
		for (int k = 0; k < 5 && best > 12; k++) {
			double one = seconds_for(
				filled(rows[i].front, rows[i].unit, rows[i].back, 100000));
			double ten = seconds_for(
				filled(rows[i].front, rows[i].unit, rows[i].back, 1000000));
			if (ten / one < best)
				best = ten / one;
		}
		if (best > 25) /* quadratic would be 100 */
			fail_msg("row %zu: ten times the size takes %.1f times the time", i, best);
	}
}

/* ---- the examples of the RFCs ---- */

/* Ruling 38: CI has the corpus, so there its absence is a failure. */
static void need_corpus(void)
{
	const char *ci = getenv("CI");

	if (access(CORPUS "manifest.tsv", R_OK) == 0)
		return;
	if (ci && strcmp(ci, "true") == 0)
		fail_msg("no corpus at %s, and CI=true", CORPUS);
	print_message("# DID NOT RUN: there is no corpus at %s\n", CORPUS);
	skip();
}

static struct str load(const char *file)
{
	static char bytes[65536];
	char path[8192];
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), CORPUS "%s", file);
	f = fopen(path, "rb");
	assert_non_null(f);
	n = fread(bytes, 1, sizeof(bytes), f);
	fclose(f);
	assert_true(n > 0 && n < sizeof(bytes));
	return arena_str(&arena, (struct str){ bytes, n });
}

/* The k-th column of a line. */
static struct str column(struct str line, int k)
{
	struct str col = line, rest = line;

	for (; k >= 0; k--)
		if (!str_cut(rest, '\t', &col, &rest)) {
			col = rest;
			rest = STR_EMPTY;
		}
	return str_trim(col);
}

/* Each parses, with as many streams as counted by hand; each that is an answer fits what came
 * before; we have an answer to each, too. */
static void corpus(void **state)
{
	struct str rest, line;
	struct sdp last = { 0 };
	int count = 0, pairs = 0, ours = 0;

	(void)state;
	need_corpus();
	rest = load("manifest.tsv");
	assert_true(str_cut(rest, '\n', &line, &rest));
	while (str_cut(rest, '\n', &line, &rest)) {
		struct str file = column(line, 0), role = column(line, 5), codec;
		struct str text = load(arena_str(&arena, file).p);
		struct buf b = BUF_INIT(65535);
		struct fail f = { 0 };
		struct sdp s, mine;
		uint32_t streams;
		int e;
		if (sdp_parse(text, &arena, &s, &f) != 0)
			fail_msg(STR_FMT ": %s", STR_ARG(file), f.text);
		assert_true(str_u32(column(line, 3), &streams));
		assert_int_equal(s.media_count, streams);
		count++;
		if (str_ends(role, STR("answer"))) {
			if (sdp_check_answer(&last, &s, &arena, &codec, &f) != 0)
				fail_msg(STR_FMT ": %s", STR_ARG(file), f.text);
			pairs++;
		}
		e = sdp_write_answer(&b, &s, &local, &arena, &codec, NULL);
		assert_true(e == 0 || e == -FAIL_MEDIA);
		if (e == 0) {
			assert_int_equal(sdp_parse(buf_str(&b), &arena, &mine, NULL), 0);
			assert_int_equal(sdp_check_answer(&s, &mine, &arena, &codec, NULL), 0);
			ours++;
		}
		buf_done(&b);
		last = s;
	}
	print_message(
		"# %d descriptions, %d answers that fit, %d answered by us\n", count, pairs, ours);
	assert_int_equal(count, 66);
	assert_int_equal(pairs, 27);
	assert_int_equal(ours, 30); /* with PCMU or PCMA, or with nothing but declined streams */
}

/* RFC 3264 section 10: these have no roles in the manifest. */
static void rfc3264(void **state)
{
	static const struct {
		const char *offer, *answer, *codec;
	} rows[] = {
		{ "rfc3264/02.sdp", "rfc3264/03.sdp", "PCMU/8000" },
		{ "rfc3264/04.sdp", "rfc3264/05.sdp", "PCMU/8000" },
		{ "rfc3264/06.sdp", "rfc3264/07.sdp", "PCMU/8000" },
		{ "rfc3264/08.sdp", "rfc3264/09.sdp", "G723/8000" },
	};

	(void)state;
	need_corpus();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str codec = STR_EMPTY;
		assert_int_equal(
			check(load(rows[i].offer).p, load(rows[i].answer).p, &codec, NULL), 0);
		assert_str(codec, rows[i].codec);
	}
	/* the first answer is none to the second offer, which has one stream more */
	assert_int_equal(
		check(load("rfc3264/04.sdp").p, load("rfc3264/03.sdp").p, &(struct str){ 0 }, NULL),
		-FAIL_MEDIA);
}

int main(void)
{
#define T(name) cmocka_unit_test_teardown(name, done)
	const struct CMUnitTest tests[] = {
		T(whole),
		T(directions),
		T(tolerant),
		T(malformed),
		T(truncated),
		T(payloads),
		T(a41_short_lines),
		T(a42_empty_attributes),
		T(a43_formats),
		T(a44_payload_types),
		T(a45_limits),
		T(a46_crypto),
		T(a47_declined_streams),
		T(a48_ptime),
		T(offer),
		T(codec_names),
		T(answers),
		T(answer_directions),
		T(offered_direction),
		T(answer_codec),
		T(rewrite),
		T(rewrite_version),
		T(linear),
		T(corpus),
		T(rfc3264),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
