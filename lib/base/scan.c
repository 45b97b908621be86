/* lib/base/scan.c -- the class table and the cursor functions, RFC 3261 section 25.1 */
#include "base/scan.h"

#include <string.h>

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

/* Takes everything before p, without what stands before `from`. */
static bool took(struct scan *s, const char *from, const char *p, struct str *out)
{
	if (out)
		*out = (struct str){ from, (size_t)(p - from) };
	s->p = p;
	return true;
}

static const char *skip(const char *p, const char *end, unsigned classes)
{
	while (p < end && scan_is(*p, classes))
		p++;
	return p;
}

bool scan_char(struct scan *s, char c)
{
	if (s->p == s->end || *s->p != c)
		return false;
	s->p++;
	return true;
}

bool scan_lit(struct scan *s, const char *literal)
{
	const char *p = s->p;

	for (; *literal; literal++, p++)
		if (p == s->end || str_lower(*p) != str_lower(*literal))
			return false;
	s->p = p;
	return true;
}

bool scan_run(struct scan *s, unsigned classes, struct str *out)
{
	const char *p = skip(s->p, s->end, classes);
	return p > s->p && took(s, s->p, p, out);
}

bool scan_until(struct scan *s, char stop, struct str *out)
{
	const char *p = s->p < s->end ? memchr(s->p, stop, (size_t)(s->end - s->p)) : NULL;
	return p && took(s, s->p, p, out);
}

bool scan_lws(struct scan *s)
{
	s->p = skip(s->p, s->end, CH_LWS);
	return true;
}

bool scan_sep(struct scan *s, char c)
{
	const char *p = skip(s->p, s->end, CH_LWS);
	if (p == s->end || *p != c)
		return false;
	s->p = skip(p + 1, s->end, CH_LWS);
	return true;
}

bool scan_u32(struct scan *s, uint32_t max, uint32_t *out)
{
	const char *p = s->p;
	uint64_t n = 0;

	for (; p < s->end && scan_is(*p, CH_DIGIT); p++) {
		n = n * 10 + (uint64_t)(*p - '0');
		if (n > max)
			return false;
	}
	if (p == s->p)
		return false;
	if (out)
		*out = (uint32_t)n;
	s->p = p;
	return true;
}

bool scan_quoted(struct scan *s, struct str *out)
{
	const char *p = s->p, *end = s->end;

	if (p == end || *p != '"')
		return false;
	for (p++; p < end && *p != '"'; p++) {
		/* quoted-pair: %x00-09 / %x0B-0C / %x0E-7F behind the backslash */
		if (*p == '\\') {
			if (++p == end || (unsigned char)*p > 0x7f || *p == '\r' || *p == '\n')
				return false;
		} else if (scan_is(*p, CH_CONTROL) && *p != '\t') {
			return false;
		}
	}
	if (p == end)
		return false;
	took(s, s->p + 1, p, out);
	s->p++;
	return true;
}
