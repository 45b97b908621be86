/* lib/sip/diagnostics.h -- ms-diagnostics and ms-diagnostics-public ([MS-OCER] 2.2.1): why a server
 * of Microsoft's refused or ended something */
#ifndef SIP_DIAGNOSTICS_H
#define SIP_DIAGNOSTICS_H

#include "base/str.h"

struct sip_diagnostics { /* 4141;reason="User disabled";source="ocs.example.com" */
	uint32_t id;
	struct str reason, source; /* between the quotes, escapes kept; empty: absent */
};

bool sip_diagnostics_parse(struct str value, struct sip_diagnostics *out);

#endif
