/* lib/sip/delta.c -- seconds and q values */
#include "sip/delta.h"

#include "base/scan.h"
#include "sip/param.h"

bool sip_delta_parse(struct str value, uint32_t *seconds)
{
	struct scan s = scan_str(value);
	uint32_t n;

	if (!scan_u32(&s, UINT32_MAX, &n) || !scan_end(&s))
		return false;
	*seconds = n;
	return true;
}

/* comment = LPAREN *(ctext / quoted-pair / comment) RPAREN. Comments nest: a count, not a
 * recursion, since the depth is the sender's choice. */
static bool comment(struct scan *s)
{
	const char *p = s->p;
	size_t depth = 0;

	for (; p < s->end; p++) {
		if (*p == '(')
			depth++;
		else if (*p == ')' && --depth == 0)
			break;
		else if (*p == '\\' && ++p == s->end)
			return false;
	}
	if (p == s->end)
		return false;
	s->p = p + 1;
	return true;
}

bool sip_retry_after_parse(struct str value, uint32_t *seconds)
{
	struct scan s = scan_str(value);
	uint32_t n;

	if (!scan_u32(&s, UINT32_MAX, &n) || !scan_lws(&s) ||
		(scan_peek(&s) == '(' && !comment(&s)) || !sip_params_scan(&s, NULL) ||
		!scan_end(&s))
		return false;
	*seconds = n;
	return true;
}

/* qvalue = ( "0" [ "." 0*3DIGIT ] ) / ( "1" [ "." 0*3("0") ] ) */
bool sip_qvalue_parse(struct str value, unsigned *thousandths)
{
	unsigned q = 0, digits = 0;

	if (value.n == 0 || value.n > 5 || (value.p[0] != '0' && value.p[0] != '1') ||
		(value.n > 1 && value.p[1] != '.'))
		return false;
	for (size_t i = 0; i < value.n; i++) {
		if (i == 1)
			continue;
		if (!scan_is(value.p[i], CH_DIGIT))
			return false;
		q = q * 10 + (unsigned)(value.p[i] - '0');
		digits++;
	}
	for (; digits < 4; digits++)
		q *= 10;
	if (q > 1000)
		return false;
	*thousandths = q;
	return true;
}
