#include "mask.h"

#include "base/scan.h"

static const struct str masked = { "<masked>", 8 };

static bool is_at(struct str s, size_t i, struct str word)
{
	return str_istarts(str_sub(s, i, s.n), word);
}

/* Behind blanks, and line ends that fold. */
static size_t skip_blank(struct str s, size_t i)
{
	for (;;) {
		size_t at = i;

		while (at < s.n && (s.p[at] == '\r' || s.p[at] == '\n'))
			at++;
		if (at == s.n || !scan_is(s.p[at], CH_LWS))
			return i;
		i = at + 1;
	}
}

/* Behind the value that begins at i: a quoted string, or up to what ends a parameter. */
static size_t skip_value(struct str s, size_t i)
{
	if (i < s.n && s.p[i] == '"') {
		for (i++; i < s.n && s.p[i] != '"'; i++)
			if (s.p[i] == '\\' && i + 1 < s.n)
				i++;
		return i < s.n ? i + 1 : i;
	}
	while (i < s.n && !scan_is(s.p[i], CH_LWS | CH_CONTROL) && s.p[i] != ',' && s.p[i] != ';' &&
		s.p[i] != '>' && s.p[i] != '"')
		i++;
	return i;
}

/* NAME=VALUE of a parameter that is a secret: [from, to) is its value. */
static bool parameter(struct str s, size_t i, size_t *from, size_t *to)
{
	static const struct str names[] = {
		{ "response", 8 },
		{ "rspauth", 7 },
		{ "gssapi-data", 11 },
		{ "pn-prid", 7 },
	};

	for (size_t k = 0; k < ARRAY_LEN(names); k++) {
		size_t at;

		if (!is_at(s, i, names[k]))
			continue;
		at = skip_blank(s, i + names[k].n);
		if (at == s.n || s.p[at] != '=')
			continue;
		*from = skip_blank(s, at + 1);
		*to = skip_value(s, *from);
		return *to > *from;
	}
	return false;
}

/* a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:KEY|2^20|1:4 */
static bool crypto_key(struct str s, size_t i, size_t *from, size_t *to)
{
	if (!is_at(s, i, STR("inline:")))
		return false;
	*from = *to = i + 7;
	while (*to < s.n && !scan_is(s.p[*to], CH_LWS | CH_CONTROL) && s.p[*to] != ';')
		++*to;
	return *to > *from;
}

/* Authorization: SCHEME TOKEN, where the token is no parameter. */
static bool bare_token(struct str s, size_t i, size_t *from, size_t *to)
{
	static const struct str names[] = {
		{ "Authorization:", 14 },
		{ "Proxy-Authorization:", 20 },
	};
	size_t at = 0;

	for (size_t k = 0; k < ARRAY_LEN(names) && at == 0; k++)
		if ((i == 0 || s.p[i - 1] == '\n') && is_at(s, i, names[k]))
			at = skip_blank(s, i + names[k].n);
	if (at == 0)
		return false;
	while (at < s.n && scan_is(s.p[at], CH_TOKEN))
		at++;
	*from = *to = skip_blank(s, at);
	while (*to < s.n && (scan_is(s.p[*to], CH_TOKEN) || s.p[*to] == '/' || s.p[*to] == '='))
		++*to;
	/* behind parameters stands more: NAME="VALUE", NAME=VALUE, NAME = VALUE */
	at = skip_blank(s, *to);
	return *to > *from && (at == s.n || s.p[at] == '\r' || s.p[at] == '\n');
}

/* sip:user:PASSWORD@host */
static bool uri_password(struct str s, size_t i, size_t *from, size_t *to)
{
	size_t at = i, colon = 0;

	if (is_at(s, i, STR("sip:")))
		at += 4;
	else if (is_at(s, i, STR("sips:")))
		at += 5;
	else
		return false;
	for (; at < s.n && s.p[at] != '@'; at++) {
		char c = s.p[at];

		if (scan_is(c, CH_LWS | CH_CONTROL) || c == '<' || c == '>' || c == '"' ||
			is_at(s, at, STR("sip:")) || is_at(s, at, STR("sips:")))
			return false;
		if (c == ':' && colon == 0)
			colon = at;
	}
	*from = colon + 1;
	*to = at;
	return at < s.n && colon > 0 && *to > *from;
}

/* Only these letters begin something that parameter() and its kind look for. */
static bool is_start(char c)
{
	switch (c) {
	case 'r':
	case 'R':
	case 'g':
	case 'G':
	case 'p':
	case 'P':
	case 'i':
	case 'I':
	case 'a':
	case 'A':
	case 's':
	case 'S':
		return true;
	default:
		return false;
	}
}

/* The value [from, to) without the quotes around it. */
static void inside(struct str s, size_t *from, size_t *to)
{
	if (s.p[*from] != '"')
		return;
	++*from;
	if (*to > *from && s.p[*to - 1] == '"')
		--*to;
}

static void add_same_length(struct buf *b, struct str secret)
{
	for (size_t i = 0; i < secret.n; i++) {
		char c = secret.p[i];
		buf_add_char(b, scan_is(c, CH_LWS) || c == '\r' || c == '\n' ? c : 'x');
	}
}

static void add(struct buf *b, struct str s, bool same_length)
{
	size_t done = 0, from, to;

	for (size_t i = 0; i < s.n; i++) {
		if (!is_start(s.p[i]) ||
			(!parameter(s, i, &from, &to) && !crypto_key(s, i, &from, &to) &&
				!bare_token(s, i, &from, &to) && !uri_password(s, i, &from, &to)))
			continue;
		i = to - 1;
		if (same_length)
			inside(s, &from, &to);
		buf_add_str(b, str_sub(s, done, from));
		if (same_length)
			add_same_length(b, str_sub(s, from, to));
		else
			buf_add_str(b, masked);
		done = to;
	}
	buf_add_str(b, str_sub(s, done, s.n));
}

void mask_add(struct buf *b, struct str s)
{
	add(b, s, false);
}

void mask_add_same_length(struct buf *b, struct str s)
{
	add(b, s, true);
}
