/* lib/base/scan.h -- a cursor over bytes, with character classes; every parser is an if chain of
 * these. Each function advances only on success; outputs are untouched on failure, may be NULL. */
#ifndef BASE_SCAN_H
#define BASE_SCAN_H

#include "base/str.h"

#include <string.h>

struct scan {
	const char *p, *end;
};

/* Classes of bytes, to be ORed. The names are those of RFC 3261 section 25.1 and RFC 5234. */
enum {
	CH_ALPHA = 1 << 0,
	CH_DIGIT = 1 << 1,
	CH_HEX = 1 << 2, /* 0-9 a-f A-F */
	CH_LWS = 1 << 3, /* SP and HTAB (folding is undone before anything is scanned) */
	CH_TOKEN = 1 << 4, /* alphanum and -.!%*_+`'~ */
	CH_WORD = 1 << 5, /* token and ()<>:\"/[]?{} */
	CH_HOST = 1 << 6, /* alphanum and - . _ : the bytes of a host name or IPv4 address */
	CH_UNRESERVED = 1 << 7, /* alphanum and -_.!~*'() */
	CH_USER = 1 << 8, /* unreserved and &=+$,;?/ : a user part but for escapes */
	CH_PARAM = 1 << 9, /* unreserved and []/:&+$ : a URI parameter but for escapes */
	CH_HEADER = 1 << 10, /* unreserved and []/?:+$ : a URI header but for escapes */
	CH_PASSWORD = 1 << 11, /* unreserved and &=+$, */
	CH_CONTROL = 1 << 12, /* 0x00-0x1f and 0x7f */
	CH_IPV6 = 1 << 13, /* hex digits, ':' and '.' */
	CH_BASE64 = 1 << 14, /* alphanum and +/= */
	CH_VISIBLE = 1 << 15, /* 0x21-0x7e */
};

/* The classes of one byte. */
extern const uint16_t scan_class[256];

static inline bool scan_is(char c, unsigned classes)
{
	return (scan_class[(unsigned char)c] & classes) != 0;
}

static inline struct scan scan_str(struct str s)
{
	return (struct scan){ s.p, s.n ? s.p + s.n : s.p };
}

static inline bool scan_end(const struct scan *s)
{
	return s->p == s->end;
}

/* What is left. */
static inline struct str scan_rest(const struct scan *s)
{
	return (struct str){ s->p, (size_t)(s->end - s->p) };
}

/* The next byte without taking it; 0 at the end. */
static inline char scan_peek(const struct scan *s)
{
	return s->p < s->end ? *s->p : '\0';
}

/* What a cursor function would take, from p on: where that ends, or NULL. They get pointers and the
 * functions below are inline, so that the cursor of a parser can live in registers. */
const char *scan_past_lit(const char *p, const char *end, const char *literal);
const char *scan_past_u32(const char *p, const char *end, uint32_t max, uint32_t *out);
const char *scan_past_quoted(const char *p, const char *end);

/* The end of the run of bytes of the classes, which may be empty. Four at a time: this loop is
 * where a parser spends its time. */
static inline const char *scan_past(const char *p, const char *end, unsigned classes)
{
	for (; end - p >= 4; p += 4) {
		if (!scan_is(p[0], classes))
			return p;
		if (!scan_is(p[1], classes))
			return p + 1;
		if (!scan_is(p[2], classes))
			return p + 2;
		if (!scan_is(p[3], classes))
			return p + 3;
	}
	while (p < end && scan_is(*p, classes))
		p++;
	return p;
}

/* Blanks, possibly none. Always true, so that it fits into a chain. */
static inline bool scan_lws(struct scan *s)
{
	while (s->p < s->end && scan_is(*s->p, CH_LWS))
		s->p++;
	return true;
}

/* Exactly this byte. */
static inline bool scan_char(struct scan *s, char c)
{
	if (s->p == s->end || *s->p != c)
		return false;
	s->p++;
	return true;
}

/* Blanks, this byte, blanks: the SLASH, SEMI, COMMA, COLON, EQUAL of RFC 3261. */
static inline bool scan_sep(struct scan *s, char c)
{
	struct scan t = *s;
	if (!scan_lws(&t) || !scan_char(&t, c))
		return false;
	scan_lws(&t);
	s->p = t.p;
	return true;
}

/* Exactly this text, letters in any case. */
static inline bool scan_lit(struct scan *s, const char *literal)
{
	const char *p = scan_past_lit(s->p, s->end, literal);
	if (!p)
		return !*literal; /* also where there is nothing, not even a pointer */
	s->p = p;
	return true;
}

/* The longest run of bytes of the classes; at least one. */
static inline bool scan_run(struct scan *s, unsigned classes, struct str *out)
{
	const char *start = s->p, *p = scan_past(start, s->end, classes);
	if (p == start)
		return false;
	if (out)
		*out = (struct str){ start, (size_t)(p - start) };
	s->p = p;
	return true;
}

/* Everything before the first `stop`; false when there is none. `stop` itself is not taken. */
static inline bool scan_until(struct scan *s, char stop, struct str *out)
{
	const char *start = s->p;
	const char *p = start < s->end ? memchr(start, stop, (size_t)(s->end - start)) : NULL;
	if (!p)
		return false;
	if (out)
		*out = (struct str){ start, (size_t)(p - start) };
	s->p = p;
	return true;
}

/* A decimal number of at most max; more digits than fit are refused. */
static inline bool scan_u32(struct scan *s, uint32_t max, uint32_t *out)
{
	const char *p = scan_past_u32(s->p, s->end, max, out);
	if (p)
		s->p = p;
	return p != NULL;
}

/* A quoted string. out is what stands between the quotes, backslashes included. */
static inline bool scan_quoted(struct scan *s, struct str *out)
{
	const char *start = s->p, *p = scan_past_quoted(start, s->end);
	if (!p)
		return false;
	if (out)
		*out = (struct str){ start + 1, (size_t)(p - start) - 2 };
	s->p = p;
	return true;
}

#endif
