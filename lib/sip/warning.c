/* lib/sip/warning.c -- Warning, Reason and Date */
#include "sip/warning.h"

#include "base/scan.h"
#include "sip/host.h"
#include "sip/param.h"

#include <string.h>

/* Behind an element of a comma list: its end, or a comma with something behind it. */
static bool next_element(struct scan *s)
{
	scan_lws(s);
	return scan_end(s) || (scan_char(s, ',') && scan_lws(s) && !scan_end(s));
}

/* warn-agent = hostport / pseudonym */
static bool agent(struct scan *s, struct str *out)
{
	struct scan t = *s;
	struct str host;
	uint16_t port;
	bool ipv6;

	if (sip_host_scan(&t, &host, &ipv6) && (!scan_char(&t, ':') || sip_host_port(&t, &port)) &&
		scan_is(scan_peek(&t), CH_LWS)) {
		*out = (struct str){ s->p, (size_t)(t.p - s->p) };
		*s = t;
		return true;
	}
	return scan_run(s, CH_TOKEN, out);
}

bool sip_warning_next(struct str *rest, struct sip_warning *out, bool *bad)
{
	struct scan s = scan_str(*rest);
	struct sip_warning w;
	struct str code;
	uint32_t n = 0;

	*bad = false;
	if (!scan_lws(&s) || scan_end(&s))
		return false;
	/* warning-value = warn-code SP warn-agent SP warn-text, the code 3DIGIT */
	*bad = !scan_run(&s, CH_DIGIT, &code) || code.n != 3 || !str_u32(code, &n) ||
	       !scan_run(&s, CH_LWS, NULL) || !agent(&s, &w.agent) || !scan_run(&s, CH_LWS, NULL) ||
	       !scan_quoted(&s, &w.text) || !next_element(&s);
	if (*bad)
		return false;
	w.code = n;
	*rest = scan_rest(&s);
	*out = w;
	return true;
}

bool sip_reason_next(struct str *rest, struct sip_reason *out, bool *bad)
{
	struct scan s = scan_str(*rest);
	struct sip_reason r = { .text = STR_EMPTY };
	struct str cause;

	*bad = false;
	if (!scan_lws(&s) || scan_end(&s))
		return false;
	*bad = !scan_run(&s, CH_TOKEN, &r.protocol) || !sip_params_scan(&s, &r.params) ||
	       !next_element(&s);
	if (*bad)
		return false;
	r.has_cause = sip_param(r.params, "cause", &cause) && str_u32(cause, &r.cause);
	sip_param(r.params, "text", &r.text);
	*rest = scan_rest(&s);
	*out = r;
	return true;
}

/* Exactly n digits. */
static bool digits(struct scan *s, size_t n, uint32_t *out)
{
	struct str d = str_sub(scan_rest(s), 0, n);

	if (d.n != n || !str_u32(d, out))
		return false;
	s->p += n;
	return true;
}

static bool month(struct scan *s, uint32_t *out)
{
	static const char names[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug",
		"Sep", "Oct", "Nov", "Dec" };

	for (*out = 0; *out < 12; ++*out)
		if (scan_lit(s, names[*out]))
			return true;
	return false;
}

/* Days from 1970-01-01 in the Gregorian calendar; m counts from 0. The year begins in March, so
 * that the leap day is its last. */
static int64_t days(uint32_t y, uint32_t m, uint32_t d)
{
	uint32_t march = (m + 10) % 12;
	int64_t year = (int64_t)y - (m < 2);

	return year * 365 + year / 4 - year / 100 + year / 400 + (march * 153 + 2) / 5 + d - 719469;
}

bool sip_date_parse(struct str value, int64_t *unix_s)
{
	static const uint32_t lengths[12] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	struct scan s = scan_str(value);
	struct str weekday;
	uint32_t d, mon, y, h, m, sec;

	/* rfc1123-date = wkday "," SP date1 SP time SP "GMT" */
	if (!scan_run(&s, CH_ALPHA, &weekday) || weekday.n != 3 || !scan_lit(&s, ", ") ||
		!digits(&s, 2, &d) || !scan_char(&s, ' ') || !month(&s, &mon) ||
		!scan_char(&s, ' ') || !digits(&s, 4, &y) || !scan_char(&s, ' ') ||
		!digits(&s, 2, &h) || !scan_char(&s, ':') || !digits(&s, 2, &m) ||
		!scan_char(&s, ':') || !digits(&s, 2, &sec) || !scan_lit(&s, " GMT") ||
		!scan_end(&s))
		return false;
	if (d == 0 || d > lengths[mon] || h > 23 || m > 59 || sec > 60)
		return false;
	*unix_s = ((days(y, mon, d) * 24 + h) * 60 + m) * 60 + sec;
	return true;
}
