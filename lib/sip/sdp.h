/* lib/sip/sdp.h -- session descriptions: RFC 8866, and the offer/answer model of RFC 3264 as far as
 * a signalling tool needs it. Views point into the text that was parsed. */
#ifndef SIP_SDP_H
#define SIP_SDP_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/fail.h"
#include "base/str.h"

enum sdp_direction { SDP_SENDRECV, SDP_SENDONLY, SDP_RECVONLY, SDP_INACTIVE };
const char *sdp_direction_name(enum sdp_direction d); /* "sendrecv" ... */
bool sdp_direction_parse(struct str s, enum sdp_direction *out);

#define SDP_MEDIA 64 /* m= lines; more are refused (A45) */
#define SDP_LINES 2048
#define SDP_FORMATS 128 /* of one m= line */

struct sdp_media {
	struct str type, proto; /* "audio", "RTP/AVP" */
	uint16_t port; /* 0: declined, or not wanted (RFC 3264 5.1, 6) */
	struct str formats; /* "0 8 101" */
	struct str address; /* of its c= line, else the session's; empty: none */
	bool ipv6; /* of address */
	enum sdp_direction direction; /* its own attribute, else the session's, else sendrecv */
	struct str lines; /* all lines behind the m= line, as written */
	uint16_t rtcp_port; /* a=rtcp (RFC 3605); 0: none */
};

struct sdp {
	struct str text;
	struct str origin; /* value of o= */
	struct str address; /* of the session's c= line */
	bool ipv6;
	struct sdp_media *media; /* in the arena that was given */
	unsigned media_count;
};

/* RFC 8866 section 9; what RFC 4566 allowed is taken, too; LF alone ends a line as CRLF does, and
 * the last one needs no end. The text must be one whole description: v=, o=, s=, then t= before the
 * first m=; the other lines of a section may stand in any order, since an example of RFC 3264 has
 * them so. An s= without a value is fine for the same reason. Unknown attributes are fine, lines of
 * an unknown type are not (5). A stream with a port needs an address (5.7). Ports, payload types
 * (0-127, A44) and counts are checked. -FAIL_SYNTAX with the line's number in f; -FAIL_LIMIT. */
int sdp_parse(struct str text, struct arena *a, struct sdp *out, struct fail *f);

/* What each payload type of this stream stands for: "PCMU/8000", by its rtpmap, else by RFC 3551;
 * empty: unknown. */
#define SDP_PAYLOADS 128
void sdp_payloads(const struct sdp_media *m, struct str out[SDP_PAYLOADS]);

/* What we say of ourselves. */
struct sdp_local {
	struct str address; /* numeric */
	bool ipv6;
	uint16_t port; /* RTP; RTCP is the next one, else a=rtcp names it */
	uint16_t rtcp_port;
	uint64_t id; /* of o=: the same for one session */
	uint32_t version; /* of o=: one more for every change (RFC 3264 8) */
	enum sdp_direction direction; /* what we want to do */
	const struct str *codecs; /* names of the list below, in order of preference */
	unsigned codec_count; /* 0: PCMU, PCMA, telephone-event */
};
/* Does this name a codec that we can offer? pcmu pcma g722 g729 gsm opus telephone-event, in any
 * case. Nothing is ever encoded: the names are all there is. */
bool sdp_codec_known(struct str name);

/* The built-in offer: one audio stream, RTP/AVP. */
void sdp_write_offer(struct buf *b, const struct sdp_local *l);
/* The built-in answer (RFC 3264 6): as many m= lines as the offer, in its order; the first audio
 * stream over RTP/AVP with a codec of ours, a port and no multicast address is taken, everything
 * else is declined with port 0; directions answer the offer's and what we want. telephone-event
 * comes with a codec, it is none, unless it is all that we have. An offer that has only declined
 * streams is answered with the like. *codec: the first common one as "PCMU/8000" (in a); empty:
 * none. -FAIL_MEDIA when the offer has streams but none fits; nothing is written then. */
int sdp_write_answer(struct buf *b, const struct sdp *offer, const struct sdp_local *l,
	struct arena *a, struct str *codec, struct fail *f);
/* With every stream declined, for an offer that must have an answer (RFC 3261 13.2.2.4). */
void sdp_write_declined(struct buf *b, const struct sdp *offer, const struct sdp_local *l);
/* Does this answer fit the offer (RFC 3264 6): as many m= lines, each of the same type and
 * transport, and no port for a stream that was offered without one (8.2)? *codec: the first format
 * of the first stream taken, by its rtpmap or static name, else the format itself (in a); empty
 * when no stream was taken. -FAIL_MEDIA. */
int sdp_check_answer(const struct sdp *offer, const struct sdp *answer, struct arena *a,
	struct str *codec, struct fail *f);
/* The peer's direction, as it says: hold is seen here. That of the first stream with a port;
 * inactive when there is none. A c= of 0.0.0.0 (RFC 2543's hold) is inactive, too. */
enum sdp_direction sdp_offered_direction(const struct sdp *s);

/* The direction to answer with: what we want, as far as the offer's allows it (RFC 3264 6.1). */
enum sdp_direction sdp_answer_direction(enum sdp_direction offered, enum sdp_direction wanted);

/* A description (ours, or what the user wrote) once more with another direction on each stream that
 * has a port, and the version of o= raised by `raise`. All other bytes stay; so does a version that
 * would not fit into the 63 bits of RFC 3264 5. */
void sdp_rewrite(struct buf *b, const struct sdp *s, enum sdp_direction d, unsigned raise);

#endif
