/* lib/sip/build.h -- writing messages. No writer can emit CR, LF or NUL from a value: such a byte latches -FAIL_SYNTAX
 * in the buffer and nothing of the message is sent. RFC 3261 sections 7, 8.1.1, 8.2.6, 9.1 and 17.1.1.3. */
#ifndef SIP_BUILD_H
#define SIP_BUILD_H

#include "base/buf.h"
#include "sip/hdr.h"
#include "sip/msg.h"

/* "METHOD uri SIP/2.0". */
void sip_build_request(struct buf *b, struct str method, struct str request_uri);
/* "Via: SIP/2.0/UDP host:port;branch=...;rport" (rport for every transport: RFC 3581, harmless on streams). */
void sip_build_via(struct buf *b, struct str transport, struct str host, uint16_t port, struct str branch);
/* One header line; the value is checked. */
void sip_build_hdr(struct buf *b, enum sip_hdr_id id, struct str value);
void sip_build_named(struct buf *b, struct str name, struct str value);
/* The same from a printf format; what it formats is checked, too. */
void sip_build_hdrf(struct buf *b, enum sip_hdr_id id, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Content-Type (unless type is empty), Content-Length, the blank line and the body. */
void sip_build_end(struct buf *b, struct str type, struct str body);

/* The start of a response to m: status line, all Via, From, To (with our tag when it has none and status is not 100),
 * Call-ID, CSeq; Record-Route when record_route is set (a response that makes a dialog). Values are copied only when
 * they are clean. reason empty: the default phrase. Then add headers and call sip_build_end. */
void sip_build_response(struct buf *b, const struct sip_msg *m, unsigned status, struct str reason, struct str to_tag,
	bool record_route);

/* ACK for a final response other than 2xx (17.1.1.3) and CANCEL (9.1): from the request as sent. */
void sip_build_ack(struct buf *b, const struct sip_msg *invite, const struct sip_msg *response);
void sip_build_cancel(struct buf *b, const struct sip_msg *invite);

/* Is every byte fit for a header value (no CR, LF, NUL or other control but HTAB)? */
bool sip_build_clean(struct str value);

#endif
