/* lib/auth/ntlm_text.c -- UTF-8 to UTF-16LE and back */
#include "auth/ntlm_text.h"

#include "base/utf8.h"

#include <string.h>

/* The character at *at of valid UTF-8; *at moves behind it. */
static unsigned next_utf8(struct str s, size_t *at)
{
	const unsigned char *p = (const unsigned char *)s.p + *at;
	size_t n = p[0] < 0x80 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	unsigned c = n == 1 ? p[0] : p[0] & (0xffU >> (n + 1));

	for (size_t i = 1; i < n; i++)
		c = c << 6 | (p[i] & 0x3f);
	*at += n;
	return c;
}

static void add_unit(struct buf *b, unsigned unit)
{
	buf_add_char(b, (char)(unit & 0xff));
	buf_add_char(b, (char)(unit >> 8));
}

static unsigned unit_at(const char *p)
{
	return (unsigned)(unsigned char)p[0] | (unsigned)(unsigned char)p[1] << 8;
}

bool ntlm_text_write(struct buf *b, struct str utf8)
{
	size_t start = b->n;

	if (!utf8_valid(utf8) || (utf8.n && memchr(utf8.p, 0, utf8.n)))
		return false;
	for (size_t at = 0; at < utf8.n;) {
		unsigned c = next_utf8(utf8, &at);

		if (c < 0x10000) {
			add_unit(b, c);
		} else {
			add_unit(b, 0xd800 + ((c - 0x10000) >> 10));
			add_unit(b, 0xdc00 + ((c - 0x10000) & 0x3ff));
		}
	}
	if (b->fail)
		b->n = start;
	return !b->fail;
}

static void add_utf8(struct buf *b, unsigned c)
{
	if (c < 0x80) {
		buf_add_char(b, (char)c);
		return;
	}
	if (c < 0x800) {
		buf_add_char(b, (char)(0xc0 | c >> 6));
	} else if (c < 0x10000) {
		buf_add_char(b, (char)(0xe0 | c >> 12));
		buf_add_char(b, (char)(0x80 | (c >> 6 & 0x3f)));
	} else {
		buf_add_char(b, (char)(0xf0 | c >> 18));
		buf_add_char(b, (char)(0x80 | (c >> 12 & 0x3f)));
		buf_add_char(b, (char)(0x80 | (c >> 6 & 0x3f)));
	}
	buf_add_char(b, (char)(0x80 | (c & 0x3f)));
}

/* The character at *at; 0 for a NUL or half a pair. */
static unsigned next_utf16(struct str s, size_t *at)
{
	unsigned c = unit_at(s.p + *at), low;

	*at += 2;
	if (c < 0xd800 || c > 0xdfff)
		return c;
	if (c > 0xdbff || *at == s.n)
		return 0;
	low = unit_at(s.p + *at);
	if (low < 0xdc00 || low > 0xdfff)
		return 0;
	*at += 2;
	return 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
}

bool ntlm_text_read(struct buf *b, struct str utf16)
{
	size_t start = b->n;
	bool good = utf16.n % 2 == 0;

	for (size_t at = 0; good && at < utf16.n;) {
		unsigned c = next_utf16(utf16, &at);

		good = c != 0;
		if (good)
			add_utf8(b, c);
	}
	if (!good || b->fail)
		b->n = start;
	return good && !b->fail;
}

void ntlm_text_upper(char *utf16, size_t n)
{
	for (size_t at = 0; at + 1 < n; at += 2) {
		unsigned c = ntlm_upper(unit_at(utf16 + at));

		utf16[at] = (char)(c & 0xff);
		utf16[at + 1] = (char)(c >> 8);
	}
}
