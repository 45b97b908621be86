/* lib/endpoint/media.h -- what sessions say about media, and a port pair that counts what arrives
 * (ruling 24). Nothing is sent or played. */
#ifndef ENDPOINT_MEDIA_H
#define ENDPOINT_MEDIA_H

#include "base/list.h"
#include "endpoint/endpoint.h"
#include "sip/sdp.h"

struct media; /* shared by the sessions of a process */

struct media_config {
	struct endpoint_manager *manager; /* its --advertise and --local count here, too */
	enum { MEDIA_BUILT_IN, MEDIA_GIVEN, MEDIA_NONE } kind;
	struct str given; /* the description to send as it is, offer or answer (--sdp) */
	const struct str *codecs; /* --codec */
	unsigned codec_count;
};

/* Copies. -FAIL_ARGUMENT: given is no SDP, an unknown codec. Sockets are bound with the first
 * description that needs them. */
int media_new(const struct media_config *config, struct media **out, struct fail *f);
void media_free(struct media *m); /* its media_calls must be done before; NULL is fine */
bool media_is_none(const struct media *m);

/* The offer/answer state of one session (RFC 3264), embedded in it. Zeroed: nothing was said. */
struct media_call {
	struct media *media;
	struct list node; /* of those that count for the same remote address */
	uint64_t id;
	uint32_t version; /* of the last description of ours, in force or not */
	uint32_t local_version, offered_version; /* of the one in force, of the one that waits */
	char *local, *remote; /* descriptions in force, terminated; NULL: none */
	char *offered; /* ours that waits for its answer; NULL: none */
	char *withdrawn; /* the last one that did not come into force; NULL: none since */
	char *given; /* for the next offer (media_give); NULL: none */
	enum sdp_direction wanted; /* of ours: hold is SDP_SENDONLY */
	enum sdp_direction local_wanted, offered_wanted; /* what was wanted with those */
	bool local_given, offered_given; /* the user wrote them */
	enum sdp_direction peer; /* the peer's direction, as it is in force */
	bool held; /* that is sendonly or inactive */
	char codec[32]; /* "PCMU/8000"; "": none yet */
	struct net_addr remote_rtp; /* whose packets are ours; AF_UNSPEC: nobody's */
	uint64_t received; /* RTP packets, counted by the remote address of its SDP */
};
void media_call_init(struct media_call *c, struct media *m);
void media_call_done(struct media_call *c); /* zeroed is fine */

/* Writes our next offer for this flow (its local address is ours; NULL: a dry run); it waits for
 * its answer. With a description in force the streams are those of before (RFC 3264 8), and the
 * version is raised only if something changes: a refresh says the same, and so does an offer that
 * is sent once more. A text of the user's goes out as it is; once it is in force its direction
 * changes when `wanted` does. MEDIA_NONE: nothing is written, nothing waits. -FAIL_LOCAL when no
 * port pair can be bound; -FAIL_ARGUMENT when the text of media_give is none.
 */
int media_offer(struct media_call *c, struct net_flow *flow, struct buf *out, struct fail *f);
/* Answers an offer; in force from now on. -FAIL_SYNTAX, -FAIL_LIMIT (answer 400 or 488),
 * -FAIL_MEDIA (488), -FAIL_LOCAL (no port pair): nothing has changed then. MEDIA_GIVEN: the text as
 * it is, whether it fits or not; later with the direction that the offer asks for. MEDIA_NONE: the
 * offer is not looked at, nothing is written. */
int media_answer(struct media_call *c, struct net_flow *flow, struct str offer, struct buf *out,
	struct fail *f);
/* The answer to our waiting offer arrived: both are in force. -FAIL_SYNTAX, -FAIL_LIMIT,
 * -FAIL_MEDIA: the old ones stay and the offer is forgotten. -FAIL_STATE: no offer waits.
 * MEDIA_NONE without an offer: 0. */
int media_answered(struct media_call *c, struct str answer, struct fail *f);
/* Our waiting offer was refused or withdrawn: what was in force stays. */
void media_withdraw(struct media_call *c);
/* Does an offer of ours wait for its answer? */
bool media_waits(const struct media_call *c);
/* An answer that declines every stream of an offer that media_answer has refused; nothing is in
 * force by it. Nothing is written when the offer is malformed. */
void media_decline(struct media_call *c, struct net_flow *flow, struct str offer, struct buf *out);
/* Has the peer put us on hold (its direction is sendonly or inactive)? */
bool media_is_held(const struct media_call *c);
/* What our media does: what we want, less what the peer's direction forbids. */
enum sdp_direction media_direction(const struct media_call *c);
/* --sdp's text in place of ours for the next offer (`--do=reinvite:FILE`), with MEDIA_NONE, too;
 * copied. */
void media_give(struct media_call *c, struct str text);

#endif
