/* lib/sip/session_expires.c -- the Session-Expires and Min-SE header fields */
#include "sip/session_expires.h"

#include "base/scan.h"
#include "sip/param.h"

/* delta-seconds *( SEMI generic-param ) */
static bool seconds_params(struct str value, uint32_t *seconds, struct str *params)
{
	struct scan s = scan_str(value);
	return scan_u32(&s, UINT32_MAX, seconds) && sip_params_scan(&s, params) && scan_end(&s);
}

/* refresher-param = "refresher" EQUAL ( "uas" / "uac" ); only one makes sense. */
static bool refresher(const struct sip_param *p, enum sip_refresher *out)
{
	if (*out != SIP_REFRESHER_NONE || p->quoted)
		return false;
	if (str_ieq(p->value, STR("uac")))
		*out = SIP_REFRESHER_UAC;
	else if (str_ieq(p->value, STR("uas")))
		*out = SIP_REFRESHER_UAS;
	return *out != SIP_REFRESHER_NONE;
}

bool sip_session_expires_parse(struct str value, struct sip_session_expires *out)
{
	struct sip_session_expires e = { .refresher = SIP_REFRESHER_NONE };
	struct sip_param p;
	struct str params;

	if (!seconds_params(value, &e.seconds, &params))
		return false;
	while (sip_param_next(&params, &p))
		if (str_ieq(p.name, STR("refresher")) && !refresher(&p, &e.refresher))
			return false;
	*out = e;
	return true;
}

bool sip_min_se_parse(struct str value, uint32_t *seconds)
{
	uint32_t n;

	if (!seconds_params(value, &n, NULL))
		return false;
	*seconds = n;
	return true;
}
