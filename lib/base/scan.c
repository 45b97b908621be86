/* lib/base/scan.c -- the class table and the cursor functions, RFC 3261 section 25.1 */
#include "base/scan.h"

/* What belongs to several classes at once, as the grammar builds them from each other. */
#define PASSWORD (CH_PASSWORD | CH_USER)
#define MARK (CH_UNRESERVED | PASSWORD | CH_PARAM | CH_HEADER)
#define TOKEN (CH_TOKEN | CH_WORD)
#define ALNUM (MARK | TOKEN | CH_HOST | CH_BASE64 | CH_VISIBLE)
#define DIGIT (ALNUM | CH_DIGIT | CH_HEX | CH_IPV6)
#define HEX (ALNUM | CH_ALPHA | CH_HEX | CH_IPV6)
#define ALPHA (ALNUM | CH_ALPHA)
#define CTL CH_CONTROL

/* Letters and digits stand in order behind the sign that precedes them; from 0x80 on no byte has a
 * class. */
/* clang-format off */
const uint16_t scan_class[256] = {
	CTL, CTL, CTL, CTL, CTL, CTL, CTL, CTL, CTL, CTL | CH_LWS, CTL, CTL, CTL, CTL, CTL, CTL,
	CTL, CTL, CTL, CTL, CTL, CTL, CTL, CTL, CTL, CTL, CTL, CTL, CTL, CTL, CTL, CTL,
	[' '] = CH_LWS,
	['!'] = CH_VISIBLE | MARK | TOKEN,
	['"'] = CH_VISIBLE | CH_WORD,
	['#'] = CH_VISIBLE,
	['$'] = CH_VISIBLE | PASSWORD | CH_PARAM | CH_HEADER,
	['%'] = CH_VISIBLE | TOKEN,
	['&'] = CH_VISIBLE | PASSWORD | CH_PARAM,
	['\''] = CH_VISIBLE | MARK | TOKEN,
	['('] = CH_VISIBLE | MARK | CH_WORD,
	[')'] = CH_VISIBLE | MARK | CH_WORD,
	['*'] = CH_VISIBLE | MARK | TOKEN,
	['+'] = CH_VISIBLE | TOKEN | PASSWORD | CH_PARAM | CH_HEADER | CH_BASE64,
	[','] = CH_VISIBLE | PASSWORD,
	['-'] = CH_VISIBLE | MARK | TOKEN | CH_HOST,
	['.'] = CH_VISIBLE | MARK | TOKEN | CH_HOST | CH_IPV6,
	['/'] = CH_VISIBLE | CH_WORD | CH_USER | CH_PARAM | CH_HEADER | CH_BASE64,
	DIGIT, DIGIT, DIGIT, DIGIT, DIGIT, DIGIT, DIGIT, DIGIT, DIGIT, DIGIT,
	[':'] = CH_VISIBLE | CH_WORD | CH_PARAM | CH_HEADER | CH_IPV6,
	[';'] = CH_VISIBLE | CH_USER,
	['<'] = CH_VISIBLE | CH_WORD,
	['='] = CH_VISIBLE | PASSWORD | CH_BASE64,
	['>'] = CH_VISIBLE | CH_WORD,
	['?'] = CH_VISIBLE | CH_WORD | CH_USER | CH_HEADER,
	['@'] = CH_VISIBLE,
	HEX, HEX, HEX, HEX, HEX, HEX, ALPHA, ALPHA, ALPHA, ALPHA, ALPHA, ALPHA, ALPHA,
	ALPHA, ALPHA, ALPHA, ALPHA, ALPHA, ALPHA, ALPHA, ALPHA, ALPHA, ALPHA, ALPHA, ALPHA, ALPHA,
	['['] = CH_VISIBLE | CH_WORD | CH_PARAM | CH_HEADER,
	['\\'] = CH_VISIBLE | CH_WORD,
	[']'] = CH_VISIBLE | CH_WORD | CH_PARAM | CH_HEADER,
	['^'] = CH_VISIBLE,
	['_'] = CH_VISIBLE | MARK | TOKEN | CH_HOST,
	['`'] = CH_VISIBLE | TOKEN,
	HEX, HEX, HEX, HEX, HEX, HEX, ALPHA, ALPHA, ALPHA, ALPHA, ALPHA, ALPHA, ALPHA,
	ALPHA, ALPHA, ALPHA, ALPHA, ALPHA, ALPHA, ALPHA, ALPHA, ALPHA, ALPHA, ALPHA, ALPHA, ALPHA,
	['{'] = CH_VISIBLE | CH_WORD,
	['|'] = CH_VISIBLE,
	['}'] = CH_VISIBLE | CH_WORD,
	['~'] = CH_VISIBLE | MARK | TOKEN,
	[0x7f] = CTL,
};
/* clang-format on */

const char *scan_past_lit(const char *p, const char *end, const char *literal)
{
	for (; *literal; literal++, p++)
		if (p == end || str_lower(*p) != str_lower(*literal))
			return NULL;
	return p;
}

const char *scan_past_u32(const char *p, const char *end, uint32_t max, uint32_t *out)
{
	const char *start = p;
	uint64_t n = 0;

	for (; p < end && scan_is(*p, CH_DIGIT); p++) {
		n = n * 10 + (uint64_t)(*p - '0');
		if (n > max)
			return NULL;
	}
	if (p == start)
		return NULL;
	if (out)
		*out = (uint32_t)n;
	return p;
}

const char *scan_past_quoted(const char *p, const char *end)
{
	if (p == end || *p != '"')
		return NULL;
	for (p++; p < end && *p != '"'; p++) {
		/* quoted-pair: %x00-09 / %x0B-0C / %x0E-7F behind the backslash */
		if (*p == '\\') {
			if (++p == end || (unsigned char)*p > 0x7f || *p == '\r' || *p == '\n')
				return NULL;
		} else if (scan_is(*p, CH_CONTROL) && *p != '\t') {
			return NULL;
		}
	}
	return p == end ? NULL : p + 1;
}
