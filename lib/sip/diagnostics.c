/* lib/sip/diagnostics.c -- ms-diagnostics and ms-diagnostics-public */
#include "sip/diagnostics.h"

#include "base/scan.h"
#include "sip/param.h"

/* An id may have a part behind a dot, which says more than anybody needs. */
static bool scan_id(struct scan *s, uint32_t *id)
{
	return scan_u32(s, UINT32_MAX, id) && (!scan_char(s, '.') || scan_run(s, CH_DIGIT, NULL)) &&
	       scan_lws(s);
}

bool sip_diagnostics_parse(struct str value, struct sip_diagnostics *out)
{
	struct scan s = scan_str(value);
	struct sip_diagnostics d = { .reason = STR_EMPTY, .source = STR_EMPTY };
	struct str params;

	if (!scan_lws(&s) || !scan_id(&s, &d.id) || !sip_params_scan(&s, &params))
		return false;
	sip_param(params, "reason", &d.reason);
	sip_param(params, "source", &d.source);
	*out = d;
	return true;
}
