/* lib/sip/build.h -- writing messages. No writer can emit CR, LF or NUL from a value: such a byte
 * latches -FAIL_SYNTAX in the buffer and nothing of the message is sent. RFC 3261 sections 7,
 * 8.1.1, 8.2.6, 9.1 and 17.1.1.3. */
#ifndef SIP_BUILD_H
#define SIP_BUILD_H

#include "base/buf.h"
#include "sip/hdr.h"
#include "sip/msg.h"

/* "METHOD uri SIP/2.0". The method must be a token, the uri must hold no blank. */
void sip_build_request(struct buf *b, struct str method, struct str request_uri);
/* "Via: SIP/2.0/UDP host:port;branch=...;rport" (rport for every transport: RFC 3581, harmless on
 * streams). An IPv6 host goes without brackets; a port of 0 is not written. */
void sip_build_via(
	struct buf *b, struct str transport, struct str host, uint16_t port, struct str branch);
/* One header line; the value is checked. */
void sip_build_hdr(struct buf *b, enum sip_hdr_id id, struct str value);
/* The same under any name, which must be a token. */
void sip_build_named(struct buf *b, struct str name, struct str value);
/* The same from a printf format; what it formats is checked, too. (A %s ends at a NUL: give what
 * comes from outside to sip_build_hdr.) */
void sip_build_hdrf(struct buf *b, enum sip_hdr_id id, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Content-Type (unless type is empty), Content-Length, the blank line and the body. */
void sip_build_end(struct buf *b, struct str type, struct str body);

/* "Via: " and a value as it was received, its topmost element with received=address (18.2.1) and
 * the port in its rport, if it has one (RFC 3581): what a proxy passes on. */
void sip_build_via_from(struct buf *b, struct str value, struct str received, uint16_t rport);

/* A response to a request; zero or empty means none, and for reason the default phrase. */
struct sip_response {
	unsigned status;
	struct str reason;
	struct str to_tag; /* ours: goes to a To that has none, but not in a 100 (8.2.6.2) */
	bool record_route; /* a response that makes a dialog: as in the request (12.1.1) */
	/* Where the request came from. received (without brackets) goes into the topmost Via, in
	 * the place of what the client wrote there (18.2.1); rport becomes the value of its rport,
	 * if the client put one in (RFC 3581 section 4). */
	struct str received;
	uint16_t rport;
};

/* The start of a response to m: status line, all Via, Record-Route, From, To, Call-ID, CSeq; in a
 * 100 Timestamp, too. What m lacks is left out. Values go through as they are; a From or To whose
 * display name is not clean (RFC 3261 lets it hold escaped controls) goes without it, any other
 * unclean value latches. Then add headers and call sip_build_end. */
void sip_build_response(struct buf *b, const struct sip_msg *m, const struct sip_response *r);

/* The start of the ACK for a final response other than 2xx (17.1.1.3) and of the CANCEL (9.1), from
 * the request as sent. Then add headers (a signature may be wanted) and call sip_build_end. */
void sip_build_ack(struct buf *b, const struct sip_msg *invite, const struct sip_msg *response);
void sip_build_cancel(struct buf *b, const struct sip_msg *invite);

/* Is every byte fit for a header value (no CR, LF, NUL or other control but HTAB)? */
bool sip_build_clean(struct str value);

#endif
