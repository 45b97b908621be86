/* lib/sip/cseq.h -- the CSeq header field, RFC 3261 section 20.16 */
#ifndef SIP_CSEQ_H
#define SIP_CSEQ_H

#include "base/str.h"
#include "sip/method.h"

struct sip_cseq {
	uint32_t number;
	enum sip_method method;
	struct str name;
};

bool sip_cseq_parse(struct str value, struct sip_cseq *out);

#endif
