/* lib/sip/event.h -- Event and Subscription-State, RFC 6665 sections 8.2.1 and 8.2.3 */
#ifndef SIP_EVENT_H
#define SIP_EVENT_H

#include "base/str.h"

struct sip_event {
	struct str package; /* with templates: "presence.winfo" */
	struct str params;
	struct str id; /* empty: absent */
};

bool sip_event_parse(struct str value, struct sip_event *out);

struct sip_subscription_state {
	struct str state, reason;
	bool has_expires, has_retry_after;
	uint32_t expires, retry_after;
};

bool sip_subscription_state_parse(struct str value, struct sip_subscription_state *out);

#endif
