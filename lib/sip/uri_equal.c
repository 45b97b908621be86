/* lib/sip/uri_equal.c -- comparison of URIs, RFC 3261 section 19.1.4 and RFC 3966 section 4 */
#include "sip/uri.h"

#include "base/base.h"
#include "base/scan.h"

#include <string.h>

/* RFC 3261 25.1: reserved = ";" / "/" / "?" / ":" / "@" / "&" / "=" / "+" / "$" / "," */
static bool reserved(int c)
{
	return c > 0 && strchr(";/?:@&=+$,", c);
}

/* The next character as 19.1.4 sees it: an escape of a reserved character is not that character. */
static int next(struct str *s, bool fold)
{
	bool escaped;
	int c = sip_uri_char(s, &escaped);

	if (c >= 0 && escaped && reserved(c))
		return c + 0x100;
	return c >= 0 && fold ? (unsigned char)str_lower((char)c) : c;
}

static bool same(struct str a, struct str b, bool fold)
{
	int c;

	do {
		c = next(&a, fold);
		if (c != next(&b, fold))
			return false;
	} while (c >= 0);
	return true;
}

/* A telephone number without its visual separators. */
static bool same_number(struct str a, struct str b)
{
	for (;;) {
		for (; a.n && strchr("-.()", a.p[0]); a.n--)
			a.p++;
		for (; b.n && strchr("-.()", b.p[0]); b.n--)
			b.p++;
		if (a.n == 0 || b.n == 0)
			return a.n == b.n;
		if (str_lower(a.p[0]) != str_lower(b.p[0]))
			return false;
		a = str_sub(a, 1, a.n);
		b = str_sub(b, 1, b.n);
	}
}

/* The parts of a list. What has more of them is compared as text, which keeps the time linear. */
enum { PARTS = 32 };

struct part {
	struct str name, value;
};

struct parts {
	struct part at[PARTS];
	size_t n;
};

static bool split(struct str text, char separator, struct parts *out)
{
	out->n = 0;
	while (text.n) {
		struct part *p = &out->at[out->n];
		struct str one = text, rest = STR_EMPTY;
		if (out->n++ == PARTS)
			return false;
		str_cut(text, separator, &one, &rest);
		text = rest;
		*p = (struct part){ one, STR_EMPTY };
		str_cut(one, '=', &p->name, &p->value);
	}
	return true;
}

static const struct part *find(const struct parts *in, struct str name)
{
	for (size_t i = 0; i < in->n; i++)
		if (same(in->at[i].name, name, true))
			return &in->at[i];
	return NULL;
}

/* RFC 3261 19.1.4: these parameters count when they are absent, too. RFC 3966 4: "If one URI has a
 * parameter name not found in the other, the two URIs are not equal." */
static bool counts(struct str name, bool tel)
{
	static const char *const in_both[] = { "user", "ttl", "method", "maddr", "transport" };

	for (size_t i = 0; i < ARRAY_LEN(in_both); i++)
		if (same(name, str_of(in_both[i]), true))
			return true;
	return tel;
}

static bool params_within(const struct parts *a, const struct parts *b, bool tel)
{
	for (size_t i = 0; i < a->n; i++) {
		const struct part *p = &a->at[i], *q = find(b, p->name);
		bool number = tel && (same(p->name, STR("ext"), true) ||
					     (p->value.n && p->value.p[0] == '+'));
		if (find(a, p->name) != p)
			continue; /* a repeated name is against the rules; the first one counts */
		if (!q && counts(p->name, tel))
			return false;
		if (q && !(number ? same_number(p->value, q->value)
				  : same(p->value, q->value, true)))
			return false;
	}
	return true;
}

static bool params_equal(const struct sip_uri *a, const struct sip_uri *b)
{
	struct parts pa, pb;
	bool tel = a->scheme == SIP_URI_TEL;

	if (!split(str_sub(a->params, 1, a->params.n), ';', &pa) ||
		!split(str_sub(b->params, 1, b->params.n), ';', &pb))
		return str_eq(a->params, b->params);
	return params_within(&pa, &pb, tel) && params_within(&pb, &pa, tel);
}

/* How often a list holds this header. Values keep their case: what a Subject or a To means by it is
 * not known here, and taking two URIs for different is the harmless mistake. */
static size_t count(const struct parts *in, const struct part *p)
{
	size_t n = 0;
	for (size_t i = 0; i < in->n; i++)
		n += same(in->at[i].name, p->name, true) && same(in->at[i].value, p->value, false);
	return n;
}

static bool headers_equal(struct str a, struct str b)
{
	struct parts pa, pb;

	if (!split(a, '&', &pa) || !split(b, '&', &pb))
		return str_eq(a, b);
	if (pa.n != pb.n)
		return false;
	for (size_t i = 0; i < pa.n; i++)
		if (count(&pa, &pa.at[i]) != count(&pb, &pa.at[i]))
			return false;
	return true;
}

/* Scheme in any case, the rest as it is: the rules of other schemes are not known. */
static bool other_equal(const struct sip_uri *a, const struct sip_uri *b)
{
	struct str sa, sb, ra, rb;
	return str_cut(a->text, ':', &sa, &ra) && str_cut(b->text, ':', &sb, &rb) &&
	       str_ieq(sa, sb) && str_eq(ra, rb);
}

bool sip_uri_equal(const struct sip_uri *a, const struct sip_uri *b)
{
	if (a->scheme != b->scheme)
		return false;
	if (a->scheme == SIP_URI_OTHER)
		return other_equal(a, b);
	if (a->scheme == SIP_URI_TEL)
		return same_number(a->user, b->user) && params_equal(a, b);
	return a->has_user == b->has_user && same(a->user, b->user, false) &&
	       same(a->password, b->password, false) && str_ieq(a->host, b->host) &&
	       a->port == b->port && params_equal(a, b) && headers_equal(a->headers, b->headers);
}
