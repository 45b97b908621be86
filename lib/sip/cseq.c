/* lib/sip/cseq.c -- the CSeq header field */
#include "sip/cseq.h"

#include "base/scan.h"

bool sip_cseq_parse(struct str value, struct sip_cseq *out)
{
	struct scan s = scan_str(value);
	struct sip_cseq c;

	/* RFC 3261 8.1.1.5: "The sequence number value MUST be expressible as a 32-bit unsigned
	 * integer and MUST be less than 2**31." */
	if (!scan_u32(&s, INT32_MAX, &c.number) || !scan_run(&s, CH_LWS, NULL) ||
		!scan_run(&s, CH_TOKEN, &c.name) || !scan_end(&s))
		return false;
	c.method = sip_method_of(c.name);
	*out = c;
	return true;
}
