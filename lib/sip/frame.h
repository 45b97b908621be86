/* lib/sip/frame.h -- messages out of a byte stream: Content-Length and CRLF keep-alives, RFC 3261
 * sections 7.5 and 18.3, RFC 5626 section 3.5.1 */
#ifndef SIP_FRAME_H
#define SIP_FRAME_H

#include "base/buf.h"
#include "base/fail.h"
#include "sip/msg.h"

/* The most that may be fed between two answers of SIP_FRAME_MORE; what is beyond it is an error. */
#define SIP_FRAME_FEED_MAX 65536

enum sip_frame_result {
	SIP_FRAME_MORE, /* nothing whole yet: feed more */
	SIP_FRAME_MESSAGE, /* *message is one whole message, valid until the next feed or next */
	SIP_FRAME_PING, /* CRLF CRLF: answer with CRLF */
	SIP_FRAME_PONG, /* a single CRLF: an answer to our ping, if one is due */
	SIP_FRAME_ERROR, /* not SIP, or over the limit: close the stream. Stays in error. */
};

struct sip_frame {
	struct buf in;
	size_t taken; /* bytes of `in` that were handed out */
	size_t scanned; /* bytes behind `taken` already searched for the end of the headers */
	size_t line; /* where the line at `scanned` begins, behind `taken`; 0: the start line */
	size_t need; /* whole length once the headers are known, else 0 */
	size_t limit; /* of one message */
	int broken; /* 0, or the code of the error */
	/* The owner's, false at first: the peer opened this flow, so it may ping, and a lone CRLF
	 * means nothing (RFC 3261 7.5). On a flow that we opened each CRLF outside a message is a
	 * pong: "The client periodically sends a double-CRLF" (RFC 5626 3.5.1). */
	bool pings;
};

/* limits may be NULL; only the size of a message counts here. */
void sip_frame_init(struct sip_frame *f, const struct sip_limits *limits);
void sip_frame_done(struct sip_frame *f);
/* Appends received bytes. Never fails: what is too much shows at the next sip_frame_next. */
void sip_frame_feed(struct sip_frame *f, struct str bytes);
/* The next thing in the stream; call it until MORE. *message is set with MESSAGE only. At the ERROR
 * that ends the stream fail (may be NULL) says why. What comes out does not depend on how the bytes
 * were cut into feeds, and the cost is linear in them. The start line is checked as far as it is
 * there, so that foreign protocols end early. */
enum sip_frame_result sip_frame_next(struct sip_frame *f, struct str *message, struct fail *fail);
/* After MORE: does a part of a message wait for the rest (A05: bounded wait)? */
bool sip_frame_partial(const struct sip_frame *f);

#endif
