/* lib/sip/session_expires.h -- Session-Expires and Min-SE: RFC 4028 sections 4 and 5 */
#ifndef SIP_SESSION_EXPIRES_H
#define SIP_SESSION_EXPIRES_H

#include "base/str.h"

enum sip_refresher { SIP_REFRESHER_NONE, SIP_REFRESHER_UAC, SIP_REFRESHER_UAS };

struct sip_session_expires {
	uint32_t seconds;
	enum sip_refresher refresher;
};

/* "1800;refresher=uac": other parameters are passed over, an unknown refresher is malformed. */
bool sip_session_expires_parse(struct str value, struct sip_session_expires *out);
/* Min-SE: delta-seconds and parameters. */
bool sip_min_se_parse(struct str value, uint32_t *seconds);

#endif
