/* lib/sip/dialog.h -- a dialog as a value: RFC 3261 section 12. Messages go in; state, a route and
 * verdicts come out. No I/O, no timers: who owns it sends. */
#ifndef SIP_DIALOG_H
#define SIP_DIALOG_H

#include "base/buf.h"
#include "base/fail.h"
#include "sip/msg.h"

enum sip_dialog_state { SIP_DIALOG_EARLY, SIP_DIALOG_CONFIRMED, SIP_DIALOG_TERMINATED };

#define SIP_DIALOG_ROUTES 32 /* more Record-Route values than this are refused (A24) */

/* Its texts are in three blocks of just their size, since thousands of dialogs may be open. */
struct sip_dialog {
	char *texts; /* the block of call_id, local and remote, which stay as they are */
	char *target; /* the block of remote_target: "<URI>" */
	enum sip_dialog_state state;
	bool initiator; /* we sent the request that made it */
	bool secure; /* 12.1.1, 12.1.2: made over TLS by a sips Request-URI */
	struct str call_id, local_tag, remote_tag;
	struct str local, remote; /* values for From and To of our requests, tags and all */
	struct str remote_target; /* URI, without what a Request-URI may not have */
	struct str *routes; /* as for Route: the first is the next hop; "<sip:...;lr>" */
	unsigned route_count;
	struct str strict; /* the first route as a Request-URI, when it is a strict router */
	uint32_t local_cseq; /* of our last request */
	uint32_t remote_cseq; /* of the peer's last one, when has_remote_cseq */
	bool has_remote_cseq;
};

/* d of the functions that make a dialog is zeroed, done, or holds one, which is freed. On failure
 * it is as after sip_dialog_done. A good Contact is a sip or sips URI, in a secure dialog a sips
 * URI (12.1.1, RFC 5630 5.1.2); the first counts. */

/* We sent `request` and got `response` (101-299, with a To tag): 12.1.2. Early for a provisional,
 * confirmed for a 2xx. -FAIL_PROTOCOL when it can make no dialog: no tag, no good Contact in a 2xx
 * (a provisional without one leaves remote_target the Request-URI), too many or malformed
 * Record-Routes. */
int sip_dialog_from_response(struct sip_dialog *d, const struct sip_msg *request,
	const struct sip_msg *response, struct fail *f);
/* We answer `request` with local_tag (a token) in To: 12.1.1. Early; sip_dialog_confirm() with our
 * 2xx. secure: it came over TLS. -FAIL_SYNTAX: it needs a 400 (no good Contact (A21), malformed or
 * too many Record-Routes). Without a tag in From (RFC 2543) remote_tag is empty. */
int sip_dialog_from_request(struct sip_dialog *d, const struct sip_msg *request,
	struct str local_tag, bool secure, struct fail *f);
/* A NOTIFY that came to our SUBSCRIBE or REFER before any 2xx or in place of one makes the dialog
 * (RFC 6665 4.4.1): confirmed, routes as for a UAS. That it belongs to the request is known.
 * -FAIL_SYNTAX: as above, and without a tag in From. */
int sip_dialog_from_notify(struct sip_dialog *d, const struct sip_msg *request,
	const struct sip_msg *notify, struct fail *f);
void sip_dialog_done(struct sip_dialog *d); /* frees; zeroed and done are fine */

/* Our early dialog got its 2xx: confirmed; the route set is computed again from it and the target
 * is the 2xx's Contact (13.2.2.4). As UAS response is NULL: only the state changes. When it is not
 * early (any more) nothing changes. -FAIL_PROTOCOL without a good Contact or with bad
 * Record-Routes: nothing changes. */
int sip_dialog_confirm(struct sip_dialog *d, const struct sip_msg *response, struct fail *f);
/* 12.2, RFC 6141 4.7: Contact of a target refresh request (INVITE, UPDATE, SUBSCRIBE, NOTIFY,
 * REFER) or of the 2xx or reliable provisional response to ours becomes the remote target. False
 * when m is none of these, or has no good Contact: nothing changes. Only the last target is kept.
 */
bool sip_dialog_refresh(struct sip_dialog *d, const struct sip_msg *m);

/* A request arrived within the dialog: 12.2.2 and 22.2. 0: take it; 500: its CSeq is lower than one
 * before, or equal to it (a repetition the transaction layer did not know); 400: malformed. ACK and
 * CANCEL carry the INVITE's number and are always 0 when they do not exceed the last one, else 400.
 * Remembers the number. */
unsigned sip_dialog_received(struct sip_dialog *d, const struct sip_msg *request);

/* How our next request goes: 12.2.1.1. */
struct sip_dialog_route {
	struct str request_uri;
	struct str routes[SIP_DIALOG_ROUTES + 1]; /* values for Route, in order */
	unsigned route_count;
	struct str next_hop; /* the URI to locate: the first route's, else the Request-URI */
};
/* With a strict router on top (no lr) its URI, stripped of what 19.1.1 forbids in a Request-URI, is
 * the Request-URI and the remote target the last Route. Views into d, good until it changes. */
void sip_dialog_route(const struct sip_dialog *d, struct sip_dialog_route *out);

/* The id of a dialog, as seen from us, for maps. Texts are separated by LF, which none can hold. An
 * empty remote_tag gives the key of a dialog in the making (Call-ID and our tag). */
void sip_dialog_key(struct buf *b, struct str call_id, struct str local_tag, struct str remote_tag);

#endif
