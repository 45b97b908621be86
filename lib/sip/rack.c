/* lib/sip/rack.c -- the RSeq and RAck header fields */
#include "sip/rack.h"

#include "base/scan.h"
#include "sip/cseq.h"

/* RFC 3262 7.1: "a single numeric value from 1 to 2**32 - 1" */
static bool response_num(struct scan *s, uint32_t *out)
{
	return scan_u32(s, UINT32_MAX, out) && *out > 0;
}

bool sip_rack_parse(struct str value, struct sip_rack *out)
{
	struct scan s = scan_str(value);
	struct sip_cseq cseq;
	uint32_t rseq;

	/* The rest is a CSeq: "the next number, and the method, are copied from the CSeq" (7.2). */
	if (!response_num(&s, &rseq) || !scan_run(&s, CH_LWS, NULL) ||
		!sip_cseq_parse(scan_rest(&s), &cseq))
		return false;
	*out = (struct sip_rack){ .rseq = rseq, .cseq = cseq.number, .method = cseq.name };
	return true;
}

bool sip_rseq_parse(struct str value, uint32_t *out)
{
	struct scan s = scan_str(value);
	uint32_t n;

	if (!response_num(&s, &n) || !scan_end(&s))
		return false;
	*out = n;
	return true;
}
