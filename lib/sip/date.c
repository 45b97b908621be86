/* lib/sip/date.c -- SIP-date */
#include "sip/date.h"

#include "base/scan.h"

static bool month(struct str s, unsigned *out)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	for (unsigned i = 0; i < 12; i++) {
		if (str_ieq(s, (struct str){ names + (size_t)3 * i, 3 })) {
			*out = i;
			return true;
		}
	}
	return false;
}

/* Days from 1970-01-01, of the Gregorian calendar; month from 0, day from 1. */
static uint64_t days(unsigned year, unsigned mon, unsigned day)
{
	static const unsigned before[] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334 };
	unsigned past = year - 1;
	uint64_t leaps = past / 4 - past / 100 + past / 400 - (1969 / 4 - 1969 / 100 + 1969 / 400);
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return (uint64_t)(year - 1970) * 365 + leaps + before[mon] + (leap && mon > 1) + day - 1;
}

static bool number(struct scan *s, char sep, uint32_t max, uint32_t *out)
{
	return scan_u32(s, max, out) && (sep == '\0' || scan_char(s, sep));
}

bool sip_date_parse(struct str value, uint64_t *seconds)
{
	struct scan s = scan_str(str_trim(value));
	struct str name;
	uint32_t day, year, hour, minute, second;
	unsigned mon;

	if (!scan_run(&s, CH_ALPHA, &name) || name.n != 3 || !scan_char(&s, ',') ||
		!scan_char(&s, ' ') || !number(&s, ' ', 31, &day) || day == 0 ||
		!scan_run(&s, CH_ALPHA, &name) || !month(name, &mon) || !scan_char(&s, ' ') ||
		!number(&s, ' ', 9999, &year) || year < 1970 || !number(&s, ':', 23, &hour) ||
		!number(&s, ':', 59, &minute) || !number(&s, ' ', 60, &second) ||
		!str_ieq(scan_rest(&s), STR("GMT")))
		return false;
	*seconds = days(year, mon, day) * 86400 + hour * 3600 + minute * 60 + second;
	return true;
}
