/* tests/fuzz/fuzz_frame.c -- a stream gives the same results however it is cut, and the parser sees
 * the same end of each message as the framing does. Input: a byte of settings, a byte that seeds
 * the cuts, the stream. */
#include "sip/frame.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ONE_FEED, RANDOM_FEEDS, BYTE_BY_BYTE };

/* What the parser makes of it; both have to agree where the body is (A01: else a part of it would
 * be taken for a second message somewhere). */
static void check_message(struct str message, const struct sip_limits *limits)
{
	struct sip_msg *m;

	assert(message.n > 0 && message.n <= (limits->message ? limits->message : SIP_MESSAGE_MAX));
	if (sip_msg_parse(message, limits, &m, NULL) != 0)
		return;
	assert(m->body.p + m->body.n == m->wire.p + m->wire.n);
	sip_msg_unref(m);
}

static enum sip_frame_result drain(
	struct sip_frame *f, const struct sip_limits *limits, struct buf *log)
{
	enum sip_frame_result r;
	struct str message = STR_EMPTY;

	while ((r = sip_frame_next(f, &message, NULL)) != SIP_FRAME_MORE && r != SIP_FRAME_ERROR) {
		buf_add_char(log, (char)r);
		if (r == SIP_FRAME_MESSAGE) {
			check_message(message, limits);
			buf_addf(log, "%zu:", message.n);
			buf_add_str(log, message);
		}
	}
	if (r == SIP_FRAME_ERROR)
		buf_add_char(log, (char)r);
	return r;
}

static void run(struct buf *log, struct str stream, uint8_t settings, uint32_t dice, int how)
{
	struct sip_limits limits = { .message = (settings >> 1) * 8 };
	struct sip_frame f;
	size_t n;

	buf_clear(log);
	sip_frame_init(&f, &limits);
	f.pings = settings & 1;
	for (size_t at = 0; at < stream.n; at += n) {
		dice = dice * 1664525 + 1013904223;
		n = how == ONE_FEED ? stream.n : how == BYTE_BY_BYTE ? 1 : 1 + (dice >> 24) % 40;
		sip_frame_feed(&f, str_sub(stream, at, at + n));
		if (drain(&f, &limits, log) == SIP_FRAME_ERROR) {
			assert(sip_frame_next(&f, &(struct str){ 0 }, NULL) == SIP_FRAME_ERROR);
			break;
		}
		assert(f.in.n - f.taken < (f.need ? f.need : f.limit));
	}
	sip_frame_done(&f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf one = BUF_INIT(1 << 22), other = BUF_INIT(1 << 22);
	struct str stream;

	if (size < 2 || size > SIP_FRAME_FEED_MAX)
		return -1;
	stream = (struct str){ (const char *)data + 2, size - 2 };
	run(&one, stream, data[0], data[1], ONE_FEED);
	for (int how = RANDOM_FEEDS; how <= BYTE_BY_BYTE; how++) {
		run(&other, stream, data[0], data[1], how);
		assert(str_eq(buf_str(&one), buf_str(&other)));
	}
	buf_done(&one);
	buf_done(&other);
	return 0;
}
