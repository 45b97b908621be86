/* lib/sip/rack.h -- RSeq and RAck: RFC 3262 sections 7.1 and 7.2 */
#ifndef SIP_RACK_H
#define SIP_RACK_H

#include "base/str.h"

struct sip_rack {
	uint32_t rseq; /* 1 to 2^32-1 */
	uint32_t cseq;
	struct str method;
};

/* "776656 1 INVITE". False when malformed. */
bool sip_rack_parse(struct str value, struct sip_rack *out);
/* RSeq: 1*DIGIT, 1 to 2^32-1. */
bool sip_rseq_parse(struct str value, uint32_t *out);

#endif
