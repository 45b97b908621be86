/* lib/sip/event.c -- Event and Subscription-State */
#include "sip/event.h"

#include "base/scan.h"
#include "sip/param.h"

/* What both have in common: token *( SEMI generic-param ) */
static bool token_and_params(struct str value, struct str *token, struct str *params)
{
	struct scan s = scan_str(value);
	return scan_run(&s, CH_TOKEN, token) && sip_params_scan(&s, params) && scan_end(&s);
}

bool sip_event_parse(struct str value, struct sip_event *out)
{
	struct sip_event e = { .id = STR_EMPTY };

	if (!token_and_params(value, &e.package, &e.params))
		return false;
	sip_param(e.params, "id", &e.id);
	*out = e;
	return true;
}

/* An absent parameter is fine, one out of range is not. */
static bool seconds(struct str params, const char *name, bool *has, uint32_t *out)
{
	struct str v;
	*has = sip_param(params, name, &v);
	return !*has || str_u32(v, out);
}

bool sip_subscription_state_parse(struct str value, struct sip_subscription_state *out)
{
	struct sip_subscription_state st = { .reason = STR_EMPTY };
	struct str params;

	if (!token_and_params(value, &st.state, &params) ||
		!seconds(params, "expires", &st.has_expires, &st.expires) ||
		!seconds(params, "retry-after", &st.has_retry_after, &st.retry_after))
		return false;
	sip_param(params, "reason", &st.reason);
	*out = st;
	return true;
}
