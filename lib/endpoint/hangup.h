/* lib/endpoint/hangup.h -- calls that nobody wants: an INVITE was sent to see what is answered, and
 * each 2xx to it gets its ACK and a BYE. RFC 3261 sections 13.2.2.4 and 15.1 */
#ifndef ENDPOINT_HANGUP_H
#define ENDPOINT_HANGUP_H

#include "endpoint/request.h"

struct hangup;

/* on_event: ENDPOINT_CLOSED, with the result of the last BYE, whenever all that there was is hung
 * up. timeout_ms: of a BYE. */
struct hangup *hangup_new(
	struct endpoint *ep, uint64_t timeout_ms, endpoint_event_fn *on_event, void *arg);
/* At once and silently. NULL is fine. Allowed in the handler. */
void hangup_free(struct hangup *h);
/* A 2xx to the INVITE that invite has sent: it is acknowledged; a new call is hung up. Anything
 * else changes nothing. -FAIL_x: no BYE can be written to it, for the reason in f. */
int hangup_answer(struct hangup *h, const struct request *invite, const struct endpoint_msg *answer,
	struct fail *f);
/* Is a call still to be hung up? */
bool hangup_busy(const struct hangup *h);

#endif
