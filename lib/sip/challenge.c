/* lib/sip/challenge.c -- challenges and credentials as lists of parameters */
#include "sip/challenge.h"

static bool param(struct scan *s, struct sip_param *out)
{
	struct scan t = *s;
	struct sip_param p;

	/* auth-param = auth-param-name EQUAL ( token / quoted-string ) */
	if (!sip_param_scan(&t, &p) || !p.has_value || !scan_lws(&t) ||
		(!scan_end(&t) && *t.p != ','))
		return false;
	s->p = t.p;
	*out = p;
	return true;
}

static bool all_params(struct scan *s)
{
	struct sip_param p;

	do {
		scan_lws(s);
		if (!param(s, &p))
			return false;
	} while (scan_char(s, ','));
	return scan_end(s);
}

bool sip_challenge_parse(struct str value, struct sip_challenge *out)
{
	struct scan s = scan_str(value);
	struct sip_challenge c;

	if (!scan_lws(&s) || !scan_run(&s, CH_TOKEN, &c.scheme))
		return false;
	c.params = scan_rest(&s);
	/* A scheme alone is what HTTP has for NTLM and Negotiate; lib/auth says what is missing. */
	if (!scan_end(&s) && (!scan_run(&s, CH_LWS, NULL) || !scan_end(&s))) {
		c.params = scan_rest(&s);
		if (!all_params(&s))
			return false;
	}
	c.params = str_trim(c.params);
	*out = c;
	return true;
}

bool sip_auth_info_parse(struct str value, struct str *params)
{
	struct scan s = scan_str(value);

	if (!all_params(&s))
		return false;
	*params = str_trim(value);
	return true;
}

bool sip_challenge_next(struct str *rest, struct sip_param *out)
{
	struct scan s = scan_str(*rest);
	struct sip_param p;

	if (!scan_lws(&s) || !param(&s, &p))
		return false;
	scan_char(&s, ',');
	*out = p;
	*rest = scan_rest(&s);
	return true;
}

bool sip_challenge_get(struct str params, const char *name, struct sip_param *out)
{
	struct sip_param p;

	while (sip_challenge_next(&params, &p)) {
		if (str_ieq(p.name, str_of(name))) {
			*out = p;
			return true;
		}
	}
	return false;
}
