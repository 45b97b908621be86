/* lib/base/text.c -- base64, hex, and random tokens */
#include "base/text.h"

#include "base/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char base32[] = "abcdefghijklmnopqrstuvwxyz234567";
static const char hex[] = "0123456789abcdef";

void text_base64_encode(struct buf *b, struct str s)
{
	const unsigned char *in = (const unsigned char *)s.p;
	size_t groups = s.n / 3 + (s.n % 3 != 0);

	if (groups == 0 || !buf_reserve(b, 4 * groups))
		return;
	for (size_t i = 0; i < s.n; i += 3) {
		size_t left = s.n - i;
		unsigned v = (unsigned)in[i] << 16 | (left > 1 ? (unsigned)in[i + 1] << 8 : 0) |
			     (left > 2 ? in[i + 2] : 0U);
		char *out = b->p + b->n;
		out[0] = base64[v >> 18];
		out[1] = base64[v >> 12 & 63];
		out[2] = left > 1 ? base64[v >> 6 & 63] : '=';
		out[3] = left > 2 ? base64[v & 63] : '=';
		buf_commit(b, 4);
	}
}

/* 0 to 63, or -1. */
static int base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool text_base64_decode(struct buf *b, struct str s)
{
	size_t pad = 0, n = s.n / 4 * 3;
	char *out;

	if (s.n % 4 != 0)
		return false;
	if (s.n == 0)
		return b->fail == 0;
	pad = s.p[s.n - 1] != '=' ? 0 : s.p[s.n - 2] != '=' ? 1 : 2;
	if (!buf_reserve(b, n - pad))
		return false;
	out = b->p + b->n;
	for (size_t i = 0; i < s.n; i += 4) {
		size_t skip = i + 4 == s.n ? pad : 0; /* digits that are '=' */
		unsigned v = 0;
		for (size_t k = 0; k < 4; k++) {
			int digit = k < 4 - skip ? base64_value(s.p[i + k]) : 0;
			if (digit < 0)
				return false;
			v = v << 6 | (unsigned)digit;
		}
		if ((v & ((1U << 8 * skip) - 1)) != 0) /* bits that no byte takes must be 0 */
			return false;
		for (size_t k = 0; k < 3 - skip; k++)
			*out++ = (char)(v >> (16 - 8 * k) & 0xff);
	}
	buf_commit(b, n - pad);
	return true;
}

void text_hex(char *out, const void *p, size_t n)
{
	const unsigned char *in = p;
	for (size_t i = 0; i < n; i++) {
		*out++ = hex[in[i] >> 4];
		*out++ = hex[in[i] & 15];
	}
	*out = '\0';
}

/* 0 to 15, or -1. */
static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = str_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool text_unhex(struct str s, void *out, size_t n)
{
	unsigned char *to = out;

	if (s.n % 2 != 0 || s.n / 2 != n)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (hex_value(s.p[i]) < 0)
			return false;
	for (size_t i = 0; i < n; i++)
		to[i] = (unsigned char)(hex_value(s.p[2 * i]) << 4 | hex_value(s.p[2 * i + 1]));
	return true;
}

void text_random(void *p, size_t n)
{
	unsigned char *to = p;

	while (n > 0) {
		ssize_t got = getrandom(to, n, 0);
		if (got < 0 && errno != EINTR)
			abort();
		if (got > 0) {
			to += got;
			n -= (size_t)got;
		}
	}
}

uint32_t text_random_u32(void)
{
	uint32_t n;
	text_random(&n, sizeof(n));
	return n;
}

void text_token(char *out, size_t n)
{
	text_random(out, n);
	for (size_t i = 0; i < n; i++)
		out[i] = base32[out[i] & 31];
	out[n] = '\0';
}

void text_uuid(char out[TEXT_UUID_LEN + 1])
{
	unsigned char id[16];

	text_random(id, sizeof(id));
	/* RFC 9562 section 5.4: version 4, variant 10 */
	id[6] = (unsigned char)((id[6] & 0x0f) | 0x40);
	id[8] = (unsigned char)((id[8] & 0x3f) | 0x80);
	for (size_t i = 0; i < sizeof(id); i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*out++ = '-';
		text_hex(out, &id[i], 1);
		out += 2;
	}
}
