/* lib/base/utf8.c -- UTF-8 as RFC 3629 section 4 defines it */
#include "base/utf8.h"

static bool between(char c, unsigned low, unsigned high)
{
	return (unsigned char)c >= low && (unsigned char)c <= high;
}

/* Bytes of the sequence that s starts with; 0 when it is malformed. s is not empty. */
static size_t sequence(struct str s)
{
	unsigned char lead = (unsigned char)s.p[0];
	/* The second byte tells overlong forms, surrogates and what is above U+10FFFF. */
	unsigned low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
	unsigned high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
	size_t n = 0;

	if (lead < 0x80)
		n = 1;
	else if (lead >= 0xc2 && lead < 0xe0)
		n = 2;
	else if (lead >= 0xe0 && lead < 0xf0)
		n = 3;
	else if (lead >= 0xf0 && lead < 0xf5)
		n = 4;
	if (n > s.n || (n > 1 && !between(s.p[1], low, high)))
		return 0;
	for (size_t i = 2; i < n; i++)
		if (!between(s.p[i], 0x80, 0xbf))
			return 0;
	return n;
}

bool utf8_valid(struct str s)
{
	for (size_t i = 0, n; i < s.n; i += n)
		if ((n = sequence(str_sub(s, i, s.n))) == 0)
			return false;
	return true;
}

void utf8_clean(struct buf *b, struct str s)
{
	size_t done = 0;

	for (size_t i = 0, n; i < s.n; i += n) {
		n = sequence(str_sub(s, i, s.n));
		if (n > 0)
			continue;
		buf_add_str(b, str_sub(s, done, i));
		buf_add_str(b, STR("\xef\xbf\xbd"));
		n = 1;
		done = i + n;
	}
	buf_add_str(b, str_sub(s, done, s.n));
}

/* s is one well-formed sequence: C0, DEL, or C1, which is U+0080 to U+009F. */
static bool control(struct str s)
{
	return s.n == 1 ? between(s.p[0], 0, 0x1f) || between(s.p[0], 0x7f, 0x7f)
			: between(s.p[0], 0xc2, 0xc2) && between(s.p[1], 0x80, 0x9f);
}

/* s is one well-formed sequence: U+2028 and U+2029 end a line; U+202A to U+202E and U+2066 to
 * U+2069 change the order in which the rest of the line is shown. */
static bool disorder(struct str s)
{
	if (s.n != 3 || !between(s.p[0], 0xe2, 0xe2))
		return false;
	return between(s.p[1], 0x80, 0x80)
		       ? between(s.p[2], 0xa8, 0xae)
		       : between(s.p[1], 0x81, 0x81) && between(s.p[2], 0xa6, 0xa9);
}

void utf8_show(struct buf *b, struct str s)
{
	size_t done = 0;

	for (size_t i = 0, n; i < s.n; i += n) {
		n = sequence(str_sub(s, i, s.n));
		if (n > 0 && !control(str_sub(s, i, i + n)) && !disorder(str_sub(s, i, i + n)))
			continue;
		n = n ? n : 1;
		buf_add_str(b, str_sub(s, done, i));
		for (done = i; done < i + n; done++)
			buf_addf(b, "\\x%02x", (unsigned)(unsigned char)s.p[done]);
	}
	buf_add_str(b, str_sub(s, done, s.n));
}
