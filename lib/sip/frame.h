/* lib/sip/frame.h -- messages out of a byte stream: Content-Length and CRLF keep-alives, RFC 3261 section 18.3 and
 * RFC 5626 section 3.5.1 */
#ifndef SIP_FRAME_H
#define SIP_FRAME_H

#include "base/buf.h"
#include "base/fail.h"
#include "sip/msg.h"

enum sip_frame_result {
	SIP_FRAME_MORE,    /* nothing whole yet: feed more */
	SIP_FRAME_MESSAGE, /* *message is one whole message, valid until the next call */
	SIP_FRAME_PING,    /* CRLF CRLF: answer with CRLF */
	SIP_FRAME_PONG,    /* a single CRLF */
	SIP_FRAME_ERROR,   /* not SIP, or over the limit: close the stream; f says why. Stays in error. */
};

struct sip_frame {
	struct buf in;
	size_t taken;   /* bytes of `in` that were handed out */
	size_t scanned; /* bytes behind `taken` already searched for the end of the headers */
	size_t need;    /* whole length once the headers are known, else 0 */
	struct sip_limits limits;
	bool broken;
};

void sip_frame_init(struct sip_frame *f, const struct sip_limits *limits);
void sip_frame_done(struct sip_frame *f);
/* Appends received bytes. Never fails: what is too much shows at the next sip_frame_next. */
void sip_frame_feed(struct sip_frame *f, struct str bytes);
/* The next thing in the stream. A pong is told from the first half of a ping by what follows: a CRLF with nothing
 * behind it yet is a pong when `idle` is set by the owner (no more bytes at hand), else MORE. Cost is linear in the bytes. */
enum sip_frame_result sip_frame_next(struct sip_frame *f, struct str *message, struct fail *fail);
/* Does a part of a message wait for more (A05: bounded wait)? */
bool sip_frame_partial(const struct sip_frame *f);

#endif
