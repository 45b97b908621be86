/* tests/fuzz/fuzz_sdp.c -- a session description: read, answered, offered once more */
#include "base/buf.h"
#include "sip/sdp.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile unsigned sum;

static void check(bool ok)
{
	if (!ok)
		abort();
}

/* Everything that a view points to is readable. */
static void touch(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		sum += (unsigned char)s.p[i];
}

static void look(const struct sdp *s)
{
	struct str of[SDP_PAYLOADS];

	touch(s->origin);
	touch(s->address);
	check(s->media_count <= SDP_MEDIA);
	for (unsigned i = 0; i < s->media_count; i++) {
		const struct sdp_media *m = &s->media[i];
		touch(m->type);
		touch(m->proto);
		touch(m->lines);
		touch(m->address);
		check(m->formats.n > 0 && (m->address.n > 0 || !m->port));
		check(m->direction <= SDP_INACTIVE);
		sdp_payloads(m, of);
		for (unsigned k = 0; k < SDP_PAYLOADS; k++)
			touch(of[k]);
	}
	check(sdp_offered_direction(s) <= SDP_INACTIVE);
}

/* Our answer fits the offer, and is a description. */
static void answer(const struct sdp *offer, struct arena *a, enum sdp_direction wanted)
{
	static const struct str codecs[] = { { "opus", 4 }, { "pcma", 4 },
		{ "telephone-event", 15 }, { "g729", 4 }, { "pcmu", 4 } };
	struct sdp_local l = { .address = STR("192.0.2.1"),
		.port = 4000,
		.rtcp_port = 4001,
		.id = 1,
		.direction = wanted,
		.codecs = wanted % 2 ? codecs : NULL,
		.codec_count = wanted % 2 ? ARRAY_LEN(codecs) : 0 };
	struct buf b = BUF_INIT(1 << 20);
	struct str ours = STR_EMPTY, theirs;
	unsigned taken = 0;
	struct sdp s;
	int e = sdp_write_answer(&b, offer, &l, a, &ours, NULL);

	check(e == 0 || (e == -FAIL_MEDIA && b.n == 0));
	if (e == 0) {
		check(b.fail == 0 && sdp_parse(buf_str(&b), a, &s, NULL) == 0);
		check(sdp_check_answer(offer, &s, a, &theirs, NULL) == 0);
		for (unsigned i = 0; i < s.media_count; i++) {
			taken += s.media[i].port != 0;
			check(!s.media[i].port ||
				s.media[i].direction ==
					sdp_answer_direction(offer->media[i].direction, wanted));
		}
		check(taken <= 1 && taken == (ours.n > 0) && taken == (theirs.n > 0));
	}
	buf_done(&b);
}

static void rewrite(const struct sdp *s, struct arena *a, enum sdp_direction d)
{
	struct buf b = BUF_INIT(1 << 22), c = BUF_INIT(1 << 22);
	struct sdp again;

	sdp_rewrite(&b, s, d, 1);
	check(b.fail == 0);
	/* One line for a stream may be one too many. */
	switch (sdp_parse(buf_str(&b), a, &again, NULL)) {
	case 0:
		check(again.media_count == s->media_count);
		for (unsigned i = 0; i < s->media_count; i++)
			check(again.media[i].port == s->media[i].port &&
				(!s->media[i].port || again.media[i].direction == d));
		sdp_rewrite(&c, &again, d, 0);
		check(str_eq(buf_str(&c), buf_str(&b))); /* it is as it should be */
		break;
	case -FAIL_LIMIT:
		break;
	default:
		abort();
	}
	buf_done(&b);
	buf_done(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size }, codec;
	struct arena a = { 0 };
	struct fail f = { 0 };
	struct sdp s;
	int e = sdp_parse(text, &a, &s, &f);

	check(e == 0 || ((e == -FAIL_SYNTAX || e == -FAIL_LIMIT) && f.code == e));
	if (e == 0) {
		look(&s);
		for (unsigned d = SDP_SENDRECV; d <= SDP_INACTIVE; d++) {
			answer(&s, &a, (enum sdp_direction)d);
			rewrite(&s, &a, (enum sdp_direction)d);
		}
		check(sdp_check_answer(&s, &s, &a, &codec, NULL) == 0);
		touch(codec);
	}
	arena_done(&a);
	return 0;
}
