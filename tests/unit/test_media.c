/* tests/unit/test_media.c -- the offers and answers of a session (RFC 3264, RFC 6337), and the
 * ports that count (ruling 24) */
#include "base/mem.h"
#include "endpoint/dispatch.h"
#include "endpoint/media.h"
#include "net/socket.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "net_rig.h"

#define GIVEN                                                                                      \
	"v=0\no=me 5 40 IN IP4 192.0.2.9\ns=mine\nc=IN IP4 192.0.2.9\nt=0 0\nm=audio 4000 "        \
	"RTP/AVP 0\na=recvonly\n"

#define OFFER_OF(address, port, lines)                                                             \
	"v=0\r\no=peer 1 1 IN IP4 " address "\r\ns=-\r\nc=IN IP4 " address                         \
	"\r\nt=0 0\r\nm=audio " port " RTP/AVP 0 8\r\n" lines

/* One process: a manager, a flow over loopback, media. */
struct world {
	struct endpoint_manager *m;
	struct net_flow *flow;
	struct media *media;
	struct fail why;
	struct buf out;
};

static struct net_flow *flow_to(struct endpoint_manager *m, const char *address)
{
	struct net_target t = { .transport = NET_UDP, .owner = m };
	struct net_flow *f = NULL;

	assert_true(net_addr_parse(str_of(address), 9, &t.addr));
	assert_int_equal(net_manager_flow(endpoint_manager_net(m), &t, &f, NULL), 0);
	return f;
}

static struct world *world_new(struct media_config c, const char *advertise, const char *address)
{
	struct world *w = MEM_NEW(struct world);
	struct endpoint_manager_config mc = { .kind = NET_SERVER, .advertise = str_of(advertise) };

	buf_init(&w->out, 65535);
	assert_int_equal(endpoint_manager_new(&mc, &w->m, NULL), 0);
	w->flow = flow_to(w->m, address);
	c.manager = w->m;
	if (media_new(&c, &w->media, &w->why) != 0)
		fail_msg("%s", fail_show(&w->why));
	return w;
}

static struct world *built_in(void)
{
	return world_new((struct media_config){ .kind = MEDIA_BUILT_IN }, NULL, "127.0.0.1");
}

static struct world *given(void)
{
	return world_new((struct media_config){ .kind = MEDIA_GIVEN, .given = STR(GIVEN) }, NULL,
		"127.0.0.1");
}

static void world_free(struct world *w)
{
	media_free(w->media);
	net_flow_unref(w->flow);
	endpoint_manager_free(w->m);
	buf_done(&w->out);
	mem_free(w);
}

static const char *offer(struct world *w, struct media_call *c)
{
	buf_clear(&w->out);
	if (media_offer(c, w->flow, &w->out, &w->why) != 0)
		fail_msg("%s", fail_show(&w->why));
	assert_true(media_waits(c));
	return buf_cstr(&w->out);
}

static const char *answer(struct world *w, struct media_call *c, const char *text)
{
	buf_clear(&w->out);
	if (media_answer(c, w->flow, str_of(text), &w->out, &w->why) != 0)
		fail_msg("%s", fail_show(&w->why));
	assert_string_equal(c->local, buf_cstr(&w->out));
	assert_string_equal(c->remote, text);
	return buf_cstr(&w->out);
}

static void answered(struct media_call *c, const char *text)
{
	struct fail f = { 0 };

	if (media_answered(c, str_of(text), &f) != 0)
		fail_msg("%s", f.text);
	assert_false(media_waits(c));
	assert_string_equal(c->remote, text);
}

/* What the o= line and the first stream say. */
struct said {
	uint64_t id, version;
	unsigned port;
	enum sdp_direction direction;
	char address[64];
};

static struct said read_sdp(const char *text)
{
	struct arena a = { 0 };
	struct said r = { 0 };
	struct sdp s;
	struct fail f = { 0 };
	struct str user, id = STR_EMPTY, version = STR_EMPTY, rest;

	if (sdp_parse(str_of(text), &a, &s, &f) != 0)
		fail_msg("%s\n%s", f.text, text);
	assert_true(str_cut(s.origin, ' ', &user, &rest) && str_cut(rest, ' ', &id, &rest) &&
		    str_cut(rest, ' ', &version, &rest));
	assert_true(str_u64(id, &r.id) && str_u64(version, &r.version));
	assert_true(s.media_count > 0);
	r.port = s.media[0].port;
	r.direction = s.media[0].direction;
	snprintf(r.address, sizeof(r.address), STR_FMT, STR_ARG(s.media[0].address));
	arena_done(&a);
	return r;
}

/* ---- configuration ---- */

static void arguments(void **state)
{
	struct world *w = built_in();
	struct str codecs[] = { STR("pcmu"), STR("speex") };
	struct media *m = NULL;
	struct fail f = { 0 };
	struct media_config c = { .manager = w->m, .codecs = codecs, .codec_count = 2 };

	(void)state;
	assert_int_equal(media_new(&c, &m, &f), -FAIL_ARGUMENT);
	assert_non_null(strstr(f.text, "speex"));
	c = (struct media_config){ .manager = w->m, .kind = MEDIA_GIVEN, .given = STR("v=0\r\nx") };
	assert_int_equal(media_new(&c, &m, &f), -FAIL_ARGUMENT);
	assert_non_null(strstr(f.text, "line 2"));
	c.given = STR("");
	assert_int_equal(media_new(&c, &m, &f), -FAIL_ARGUMENT);
	assert_null(m);
	assert_false(media_is_none(w->media));
	media_free(NULL);
	media_call_done(&(struct media_call){ 0 });
	world_free(w);
}

/* The codecs of --codec, which are copied. */
static void codec_list(void **state)
{
	struct str codecs[] = { STR("opus"), STR("PCMA") };
	struct world *w = world_new(
		(struct media_config){ .codecs = codecs, .codec_count = 2 }, NULL, "127.0.0.1");
	struct media_call c;

	(void)state;
	codecs[0] = codecs[1] = STR("none");
	media_call_init(&c, w->media);
	assert_non_null(strstr(offer(w, &c), " RTP/AVP 96 8\r\n"));
	media_call_done(&c);
	world_free(w);
}

/* ---- offers ---- */

static void first_offer(void **state)
{
	struct world *w = built_in();
	struct media_call c, d;
	struct said s, t;

	(void)state;
	media_call_init(&c, w->media);
	media_call_init(&d, w->media);
	s = read_sdp(offer(w, &c));
	assert_string_equal(s.address, "127.0.0.1");
	assert_true(s.port % 2 == 0 && s.port >= 1024);
	assert_true(s.id < UINT64_C(1) << 62 && s.version < UINT64_C(1) << 62); /* RFC 3264 5 */
	assert_int_equal(s.direction, SDP_SENDRECV);
	assert_null(c.local);
	assert_null(c.remote);
	t = read_sdp(offer(w, &d));
	assert_int_equal(t.port, s.port); /* one pair a process */
	assert_true(t.id != s.id);
	answered(&c, OFFER_OF("127.0.0.1", "4000", ""));
	assert_non_null(c.local);
	assert_string_equal(c.codec, "PCMU/8000");
	assert_false(media_is_held(&c));
	media_call_done(&c);
	media_call_done(&d);
	world_free(w);
}

/* RFC 3264 8: the same text with the same version, else one more. */
static void versions(void **state)
{
	struct world *w = built_in();
	struct media_call c;
	struct said s, t;
	char first[2048];

	(void)state;
	media_call_init(&c, w->media);
	snprintf(first, sizeof(first), "%s", offer(w, &c));
	s = read_sdp(first);
	media_withdraw(&c); /* a 401, say */
	assert_string_equal(offer(w, &c), first);
	answered(&c, OFFER_OF("127.0.0.1", "4000", ""));
	assert_string_equal(offer(w, &c), first); /* a refresh */
	answered(&c, OFFER_OF("127.0.0.1", "4000", ""));
	assert_string_equal(offer(w, &c), first);
	media_withdraw(&c); /* refused */
	assert_false(media_waits(&c));
	assert_string_equal(c.local, first);

	c.wanted = SDP_SENDONLY;
	t = read_sdp(offer(w, &c));
	assert_int_equal(t.version, s.version + 1);
	assert_int_equal(t.id, s.id);
	assert_int_equal(t.direction, SDP_SENDONLY);
	media_withdraw(&c);
	/* the same once more, with credentials perhaps: the same version */
	t = read_sdp(offer(w, &c));
	assert_int_equal(t.version, s.version + 1);
	media_withdraw(&c);
	/* another: one more than the one previously sent (RFC 6337 5.2.5) */
	c.wanted = SDP_INACTIVE;
	t = read_sdp(offer(w, &c));
	assert_int_equal(t.version, s.version + 2);
	assert_int_equal(t.direction, SDP_INACTIVE);
	answered(&c, OFFER_OF("127.0.0.1", "4000", "a=inactive\r\n"));
	t = read_sdp(offer(w, &c));
	assert_int_equal(t.version, s.version + 2);
	answered(&c, OFFER_OF("127.0.0.1", "4000", "a=inactive\r\n"));
	c.wanted = SDP_SENDRECV;
	t = read_sdp(offer(w, &c));
	assert_int_equal(t.version, s.version + 3);
	assert_int_equal(t.direction, SDP_SENDRECV);
	media_call_done(&c);
	world_free(w);
}

static void bad_answers(void **state)
{
	struct world *w = built_in();
	struct media_call c;
	struct fail f = { 0 };
	char *local;

	(void)state;
	media_call_init(&c, w->media);
	offer(w, &c);
	answered(&c, OFFER_OF("127.0.0.1", "4000", ""));
	local = c.local;
	offer(w, &c);
	assert_int_equal(media_answered(&c, STR("v=0"), &f), -FAIL_SYNTAX);
	assert_true(!media_waits(&c) && c.local == local && f.text[0]);
	offer(w, &c);
	assert_int_equal(
		media_answered(
			&c, STR(OFFER_OF("127.0.0.1", "4000", "m=video 0 RTP/AVP 31\r\n")), &f),
		-FAIL_MEDIA);
	assert_true(!media_waits(&c) && c.local == local);
	assert_string_equal(c.remote, OFFER_OF("127.0.0.1", "4000", ""));
	assert_int_equal(
		media_answered(&c, STR(OFFER_OF("127.0.0.1", "4000", "")), &f), -FAIL_STATE);
	media_call_done(&c);
	world_free(w);
}

/* ---- answers ---- */

static void first_answer(void **state)
{
	struct world *w = built_in();
	struct media_call c;
	struct said s;

	(void)state;
	media_call_init(&c, w->media);
	s = read_sdp(answer(w, &c, OFFER_OF("127.0.0.1", "4000", "m=video 6 RTP/AVP 31\r\n")));
	assert_true(s.port % 2 == 0 && s.port > 0);
	assert_non_null(strstr(c.local, "m=video 0 RTP/AVP 31\r\n"));
	assert_string_equal(c.codec, "PCMU/8000");
	/* our own offer afterwards has both streams (RFC 3264 8) */
	assert_string_equal(offer(w, &c), c.local);
	/* packets come from the stream that we take, which need not be the first */
	answer(w, &c,
		"v=0\r\no=peer 1 2 IN IP4 h\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
		"m=video 6 RTP/AVP 31\r\nm=audio 4002 RTP/AVP 0\r\n");
	assert_int_equal(net_addr_port(&c.remote_rtp), 4002);
	media_call_done(&c);
	world_free(w);
}

static void refused_offers(void **state)
{
	struct world *w = built_in();
	struct media_call c;
	char before[2048];
	struct fail f = { 0 };

	(void)state;
	media_call_init(&c, w->media);
	buf_clear(&w->out);
	assert_int_equal(media_answer(&c, w->flow, STR("v=1"), &w->out, &f), -FAIL_SYNTAX);
	assert_true(!c.local && !c.remote && w->out.n == 0);
	snprintf(before, sizeof(before), "%s",
		answer(w, &c, OFFER_OF("127.0.0.1", "4000", "a=sendonly\r\n")));
	buf_clear(&w->out);
	assert_int_equal(media_answer(&c, w->flow,
				 STR("v=0\r\no=p 1 2 IN IP4 h\r\ns=-\r\nt=0 0\r\n"
				     "m=audio 4 RTP/SAVP 0\r\nc=IN IP4 h\r\n"),
				 &w->out, &f),
		-FAIL_MEDIA);
	assert_int_equal(w->out.n, 0);
	assert_string_equal(c.local, before);
	assert_string_equal(c.remote, OFFER_OF("127.0.0.1", "4000", "a=sendonly\r\n"));
	assert_true(media_is_held(&c));
	assert_string_equal(c.codec, "PCMU/8000");
	media_call_done(&c);
	world_free(w);
}

/* RFC 3264 8.4, RFC 6337 5.3: the peer's hold and ours. */
static void hold(void **state)
{
	struct world *w = built_in();
	struct media_call c;
	struct said s, t;

	(void)state;
	media_call_init(&c, w->media);
	s = read_sdp(answer(w, &c, OFFER_OF("127.0.0.1", "4000", "")));
	assert_false(media_is_held(&c));
	t = read_sdp(answer(w, &c, OFFER_OF("127.0.0.1", "4000", "a=sendonly\r\n")));
	assert_int_equal(t.direction, SDP_RECVONLY);
	assert_int_equal(t.version, s.version + 1);
	assert_int_equal(t.id, s.id);
	assert_true(media_is_held(&c));
	t = read_sdp(answer(w, &c, OFFER_OF("127.0.0.1", "4000", "a=sendonly\r\n")));
	assert_int_equal(t.version, s.version + 1); /* nothing has changed */
	/* what we want was not changed by what we had to answer */
	t = read_sdp(offer(w, &c));
	assert_int_equal(t.direction, SDP_SENDRECV);
	assert_int_equal(t.version, s.version + 2);
	answered(&c, OFFER_OF("127.0.0.1", "4000", "a=sendonly\r\n"));
	assert_true(media_is_held(&c));
	/* both hold */
	c.wanted = SDP_SENDONLY;
	t = read_sdp(answer(w, &c, OFFER_OF("127.0.0.1", "4000", "a=sendonly\r\n")));
	assert_int_equal(t.direction, SDP_INACTIVE);
	t = read_sdp(answer(w, &c, OFFER_OF("127.0.0.1", "4000", "a=inactive\r\n")));
	assert_int_equal(t.direction, SDP_INACTIVE);
	assert_true(media_is_held(&c));
	/* it resumes, we do not */
	t = read_sdp(answer(w, &c, OFFER_OF("127.0.0.1", "4000", "")));
	assert_int_equal(t.direction, SDP_SENDONLY);
	assert_false(media_is_held(&c));
	/* RFC 2543's way */
	answer(w, &c, OFFER_OF("0.0.0.0", "4000", ""));
	assert_true(media_is_held(&c));
	media_call_done(&c);
	world_free(w);
}

/* ---- the user's text ---- */

static void given_offer(void **state)
{
	struct world *w = given();
	struct media_call c;

	(void)state;
	media_call_init(&c, w->media);
	assert_string_equal(offer(w, &c), GIVEN);
	answered(&c, OFFER_OF("127.0.0.1", "4000", "a=sendonly\r\n"));
	assert_string_equal(c.codec, "PCMU/8000");
	assert_string_equal(offer(w, &c), GIVEN); /* a refresh; its own direction stays */
	media_withdraw(&c);
	c.wanted = SDP_SENDONLY;
	assert_string_equal(offer(w, &c),
		"v=0\no=me 5 41 IN IP4 192.0.2.9\ns=mine\nc=IN IP4 192.0.2.9\nt=0 0\n"
		"m=audio 4000 RTP/AVP 0\na=sendonly\n");
	answered(&c, OFFER_OF("127.0.0.1", "4000", "a=recvonly\r\n"));
	assert_string_equal(offer(w, &c), c.local);
	media_withdraw(&c);
	c.wanted = SDP_SENDRECV;
	assert_string_equal(offer(w, &c),
		"v=0\no=me 5 42 IN IP4 192.0.2.9\ns=mine\nc=IN IP4 192.0.2.9\nt=0 0\n"
		"m=audio 4000 RTP/AVP 0\na=sendrecv\n");
	media_call_done(&c);
	world_free(w);
}

static void given_answer(void **state)
{
	struct world *w = given();
	struct media_call c;

	(void)state;
	media_call_init(&c, w->media);
	/* as it is, whether it fits or not */
	assert_string_equal(
		answer(w, &c, OFFER_OF("127.0.0.1", "4000", "m=video 6 RTP/AVP 31\r\n")), GIVEN);
	assert_string_equal(c.codec, "");
	media_call_done(&c);
	media_call_init(&c, w->media);
	c.wanted = SDP_INACTIVE; /* from the beginning, so that it changes nothing */
	assert_string_equal(answer(w, &c, OFFER_OF("127.0.0.1", "4000", "")), GIVEN);
	assert_string_equal(offer(w, &c), GIVEN);
	media_call_done(&c);
	media_call_init(&c, w->media);
	assert_string_equal(answer(w, &c, OFFER_OF("127.0.0.1", "4000", "")), GIVEN);
	assert_string_equal(c.codec, "PCMU/8000");
	assert_string_equal(answer(w, &c, OFFER_OF("127.0.0.1", "4000", "")), GIVEN);
	assert_string_equal(answer(w, &c, OFFER_OF("127.0.0.1", "4000", "a=inactive\r\n")),
		"v=0\no=me 5 41 IN IP4 192.0.2.9\ns=mine\nc=IN IP4 192.0.2.9\nt=0 0\n"
		"m=audio 4000 RTP/AVP 0\na=inactive\n");
	/* the same offer, but we want something else; then the same of both */
	answer(w, &c, OFFER_OF("127.0.0.1", "4000", ""));
	assert_non_null(strstr(c.local, " 42 IN"));
	c.wanted = SDP_SENDONLY;
	answer(w, &c, OFFER_OF("127.0.0.1", "4000", ""));
	assert_non_null(strstr(c.local, " 43 IN"));
	assert_int_equal(read_sdp(c.local).direction, SDP_SENDONLY);
	assert_string_equal(offer(w, &c), c.local);
	media_call_done(&c);
	world_free(w);
}

/* `--do=reinvite:FILE` */
static void give(void **state)
{
	static const struct media_config none = { .kind = MEDIA_NONE };
	struct world *w = built_in();
	struct media_call c;
	char ours[2048];

	(void)state;
	media_call_init(&c, w->media);
	snprintf(ours, sizeof(ours), "%s", offer(w, &c));
	answered(&c, OFFER_OF("127.0.0.1", "4000", ""));
	media_give(&c, STR("no description"));
	media_give(&c, STR(GIVEN)); /* the last one counts */
	assert_string_equal(offer(w, &c), GIVEN);
	media_withdraw(&c);
	assert_int_equal(read_sdp(offer(w, &c)).id, read_sdp(ours).id); /* ours again */
	media_give(&c, STR("no description"));
	assert_int_equal(media_offer(&c, w->flow, &w->out, &w->why), -FAIL_ARGUMENT);
	media_call_done(&c);
	world_free(w);

	w = world_new(none, NULL, "127.0.0.1");
	media_call_init(&c, w->media);
	media_give(&c, STR(GIVEN));
	assert_string_equal(offer(w, &c), GIVEN);
	media_call_done(&c);
	world_free(w);
}

static void nothing(void **state)
{
	static const struct media_config none = { .kind = MEDIA_NONE };
	struct world *w = world_new(none, NULL, "127.0.0.1");
	struct media_call c;

	(void)state;
	assert_true(media_is_none(w->media));
	media_call_init(&c, w->media);
	assert_int_equal(media_offer(&c, w->flow, &w->out, NULL), 0);
	assert_int_equal(w->out.n, 0);
	assert_false(media_waits(&c));
	assert_int_equal(media_answered(&c, STR("anything"), NULL), 0);
	assert_int_equal(media_answer(&c, w->flow, STR("anything"), &w->out, NULL), 0);
	assert_int_equal(w->out.n, 0);
	assert_false(media_is_held(&c));
	media_call_done(&c);
	world_free(w);
}

/* ---- addresses and ports ---- */

static void advertise(void **state)
{
	static const struct {
		const char *advertise, *address, *want;
	} rows[] = {
		{ "192.0.2.77:5062", "127.0.0.1", "192.0.2.77" },
		{ "192.0.2.77", "127.0.0.1", "192.0.2.77" },
		{ "sip.example.com:5062", "127.0.0.1", "127.0.0.1" }, /* a name: not here */
		{ "[2001:db8::7]:5062", "127.0.0.1", "127.0.0.1" }, /* of the other kind */
		{ "[2001:db8::7]:5062", "::1", "2001:db8::7" },
		{ NULL, "::1", "::1" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world *w =
			world_new((struct media_config){ 0 }, rows[i].advertise, rows[i].address);
		struct media_call c;
		bool ipv6 = strchr(rows[i].want, ':') != NULL;
		media_call_init(&c, w->media);
		assert_string_equal(read_sdp(offer(w, &c)).address, rows[i].want);
		assert_non_null(strstr(c.offered, ipv6 ? "c=IN IP6 " : "c=IN IP4 "));
		media_call_done(&c);
		world_free(w);
	}
}

/* Is this UDP port taken? */
static bool taken(const char *address, unsigned port)
{
	struct net_addr a;
	int fd;

	assert_true(net_addr_parse(str_of(address), (uint16_t)port, &a));
	fd = net_socket_listening(SOCK_DGRAM, &a, NULL, NULL);
	if (fd >= 0)
		close(fd);
	return fd < 0;
}

static int descriptors(void)
{
	int n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void ports(void **state)
{
	struct world *w = built_in();
	struct media_call c;
	struct net_flow *other = flow_to(w->m, "::1");
	struct buf b = BUF_INIT(4096);
	struct said s, t;
	int before = descriptors();

	(void)state;
	media_call_init(&c, w->media);
	assert_int_equal(descriptors(), before); /* none before the first description */
	s = read_sdp(offer(w, &c));
	assert_true(taken("127.0.0.1", s.port) && taken("127.0.0.1", s.port + 1));
	assert_null(strstr(c.offered, "a=rtcp"));
	media_withdraw(&c);
	assert_int_equal(media_offer(&c, other, &b, NULL), 0);
	t = read_sdp(buf_cstr(&b));
	assert_true(taken("::1", t.port) && taken("::1", t.port + 1) && t.port % 2 == 0);
	assert_int_equal(descriptors(), before + 4); /* two pairs */
	media_call_done(&c);
	buf_done(&b);
	net_flow_unref(other);
	media_free(w->media);
	w->media = NULL;
	assert_int_equal(descriptors(), before);
	world_free(w);
}

/* No socket for what is not ours, or nothing. */
static void no_ports(void **state)
{
	static const enum { OFFER, ANSWER } what[] = { OFFER, ANSWER };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(what); i++) {
		struct world *w[] = { given(),
			world_new((struct media_config){ .kind = MEDIA_NONE }, NULL, "127.0.0.1") };
		int before = descriptors();
		for (size_t k = 0; k < ARRAY_LEN(w); k++) {
			struct media_call c;
			media_call_init(&c, w[k]->media);
			buf_clear(&w[k]->out);
			if (what[i] == OFFER)
				media_offer(&c, w[k]->flow, &w[k]->out, NULL);
			else
				media_answer(&c, w[k]->flow, STR(OFFER_OF("127.0.0.1", "4000", "")),
					&w[k]->out, NULL);
			assert_string_equal(buf_cstr(&w[k]->out), k == 0 ? GIVEN : "");
			assert_int_equal(descriptors(), before);
			media_call_done(&c);
		}
		world_free(w[0]);
		world_free(w[1]);
	}
}

/* A dry run has no flow: a description all the same, and no socket. */
static void dry_run(void **state)
{
	struct world *w = built_in();
	struct media_call c;
	int before = descriptors();

	(void)state;
	media_call_init(&c, w->media);
	assert_int_equal(media_offer(&c, NULL, &w->out, NULL), 0);
	assert_true(str_ends(str_of(read_sdp(buf_cstr(&w->out)).address), STR(".invalid")));
	assert_int_equal(descriptors(), before);
	media_call_done(&c);
	world_free(w);
}

/* ---- counting ---- */

static int sender(uint16_t *port)
{
	struct net_addr a = rig_loopback(AF_INET, 0);
	int fd = net_socket_listening(SOCK_DGRAM, &a, NULL, NULL);

	assert_true(fd >= 0);
	a = net_socket_local(fd);
	*port = net_addr_port(&a);
	return fd;
}

static void send_to(int fd, unsigned port, const void *bytes, size_t n)
{
	struct net_addr to = rig_loopback(AF_INET, (uint16_t)port);

	assert_int_equal(sendto(fd, bytes, n, 0, &to.u.sa, net_addr_len(&to)), (ssize_t)n);
}

/* The call's peer is at this port. */
static unsigned call_from(struct world *w, struct media_call *c, uint16_t port)
{
	char text[512], number[8];

	snprintf(number, sizeof(number), "%u", port);
	snprintf(text, sizeof(text),
		"v=0\r\no=p 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
		"m=audio %s RTP/AVP 0\r\n",
		number);
	return read_sdp(answer(w, c, text)).port;
}

static const unsigned char rtp[172] = { 0x80, 0 };

static void counting(void **state)
{
	struct world *w = built_in();
	struct media_call a, b, twin;
	uint16_t pa, pb, pc;
	int fa = sender(&pa), fb = sender(&pb), fc = sender(&pc);
	struct net_addr elsewhere;
	unsigned port;

	(void)state;
	media_call_init(&a, w->media);
	media_call_init(&b, w->media);
	media_call_init(&twin, w->media);
	port = call_from(w, &a, pa);
	assert_int_equal(call_from(w, &b, pb), port);
	call_from(w, &twin, pa);
	call_from(w, &a, pa); /* a refresh: it stays the first */
	for (int i = 0; i < 5; i++)
		send_to(fa, port, rtp, sizeof(rtp));
	for (int i = 0; i < 3; i++)
		send_to(fb, port, rtp, 12);
	send_to(fc, port, rtp, sizeof(rtp)); /* nobody's */
	send_to(fa, port, rtp, 11); /* too short */
	send_to(fa, port, "", 0);
	send_to(fa, port, "\x40zzzzzzzzzzzzzzz", 16); /* another version, STUN and such */
	send_to(fa, port, "\x00\x01zzzzzzzzzzzzzzzzzz", 20);
	send_to(fa, port, "\xc0zzzzzzzzzzzzzzz", 16);
	send_to(fa, port + 1, rtp, sizeof(rtp)); /* RTCP's port */
	assert_true(net_addr_parse(STR("127.0.0.2"), (uint16_t)port, &elsewhere));
	sendto(fa, rtp, sizeof(rtp), 0, &elsewhere.u.sa, net_addr_len(&elsewhere));
	rig_idle(30);
	assert_int_equal(a.received, 5);
	assert_int_equal(b.received, 3);
	assert_int_equal(twin.received, 0); /* the first of those with this address counts */
	media_call_done(&a);
	send_to(fa, port, rtp, sizeof(rtp));
	rig_idle(30);
	assert_int_equal(twin.received, 1); /* it is the first now */
	/* the peer moves, and comes back */
	call_from(w, &twin, pc);
	send_to(fa, port, rtp, sizeof(rtp));
	send_to(fc, port, rtp, sizeof(rtp));
	rig_idle(30);
	assert_int_equal(twin.received, 2);
	answer(w, &twin, OFFER_OF("127.0.0.1", "0", ""));
	send_to(fc, port, rtp, sizeof(rtp));
	rig_idle(30);
	assert_int_equal(twin.received, 2); /* it has no stream any more */
	media_call_done(&twin);
	media_call_done(&b);
	send_to(fb, port, rtp, sizeof(rtp));
	assert_true(rig_idle(30) < 20); /* drained, and nothing spins */
	world_free(w);
	close(fa);
	close(fb);
	close(fc);
}

/* More than one pass takes is not lost, and nothing is sent back. */
static void flood(void **state)
{
	struct world *w = built_in();
	struct media_call c;
	uint16_t from;
	int fd = sender(&from);
	unsigned port;
	char byte;

	(void)state;
	media_call_init(&c, w->media);
	port = call_from(w, &c, from);
	for (int i = 0; i < 150; i++)
		send_to(fd, port, rtp, 20);
	rig_idle(50);
	assert_int_equal(c.received, 150);
	assert_true(recv(fd, &byte, 1, 0) < 0);
	media_call_done(&c);
	world_free(w);
	close(fd);
}

/* Names and wildcards have no packets. */
static void no_address(void **state)
{
	struct world *w = built_in();
	struct media_call c;

	(void)state;
	media_call_init(&c, w->media);
	answer(w, &c, OFFER_OF("host.example", "4000", ""));
	assert_int_equal(c.remote_rtp.u.sa.sa_family, AF_UNSPEC);
	answer(w, &c, OFFER_OF("127.0.0.1", "4000", ""));
	assert_int_equal(net_addr_port(&c.remote_rtp), 4000);
	answer(w, &c, OFFER_OF("0.0.0.0", "4000", ""));
	assert_int_equal(c.remote_rtp.u.sa.sa_family, AF_UNSPEC);
	media_call_done(&c);
	world_free(w);
}

/* Thousands of calls; each finds its own. */
static void many_calls(void **state)
{
	enum { CALLS = 5000 };
	struct world *w = built_in();
	struct media_call *calls = mem_zalloc(CALLS, sizeof(*calls));
	uint16_t from;
	int fd = sender(&from);
	unsigned port = 0;

	(void)state;
	for (int i = 0; i < CALLS; i++) {
		media_call_init(&calls[i], w->media);
		port = call_from(w, &calls[i], i == 3000 ? from : (uint16_t)(i + 1));
	}
	send_to(fd, port, rtp, sizeof(rtp));
	rig_idle(30);
	for (int i = 0; i < CALLS; i++)
		if (calls[i].remote_rtp.u.in4.sin_port == calls[3000].remote_rtp.u.in4.sin_port) {
			assert_int_equal(calls[i].received, 1); /* the first of them */
			break;
		}
	assert_true(sizeof(*calls) + strlen(calls[0].local) + strlen(calls[0].remote) < 768);
	for (int i = 0; i < CALLS; i++)
		media_call_done(&calls[i]);
	mem_free(calls);
	world_free(w);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arguments),
		cmocka_unit_test(codec_list),
		cmocka_unit_test(first_offer),
		cmocka_unit_test(versions),
		cmocka_unit_test(bad_answers),
		cmocka_unit_test(first_answer),
		cmocka_unit_test(refused_offers),
		cmocka_unit_test(hold),
		cmocka_unit_test(given_offer),
		cmocka_unit_test(given_answer),
		cmocka_unit_test(give),
		cmocka_unit_test(nothing),
		cmocka_unit_test(advertise),
		cmocka_unit_test(ports),
		cmocka_unit_test(no_ports),
		cmocka_unit_test(dry_run),
		cmocka_unit_test(counting),
		cmocka_unit_test(flood),
		cmocka_unit_test(no_address),
		cmocka_unit_test(many_calls),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
