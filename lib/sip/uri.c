/* lib/sip/uri.c -- reading and writing URIs */
#include "sip/uri.h"

#include "base/scan.h"
#include "sip/host.h"

#include <string.h>

/* 1*( classes / escaped ) */
static inline bool escaped_run(struct scan *s, unsigned classes, struct str *out)
{
	const char *p = scan_past(s->p, s->end, classes);

	while (s->end - p >= 3 && *p == '%' && scan_is(p[1], CH_HEX) && scan_is(p[2], CH_HEX))
		p = scan_past(p + 3, s->end, classes);
	if (p == s->p)
		return false;
	if (out)
		*out = (struct str){ s->p, (size_t)(p - s->p) };
	s->p = p;
	return true;
}

/* [ user [ ":" password ] "@" ] */
static bool userinfo(struct scan *s, struct sip_uri *u)
{
	struct scan t = *s;
	struct str user, password = STR_EMPTY;

	if (!escaped_run(&t, CH_USER, &user))
		return true;
	if (scan_char(&t, ':'))
		escaped_run(&t, CH_PASSWORD, &password);
	if (!scan_char(&t, '@'))
		return true; /* it was the host */
	u->user = user;
	u->password = password;
	u->has_user = true;
	s->p = t.p;
	return true;
}

static bool hostport(struct scan *s, struct sip_uri *u)
{
	return sip_host_scan(s, &u->host, &u->ipv6) &&
	       (!scan_char(s, ':') || sip_host_port(s, &u->port));
}

/* *( ";" pname [ "=" pvalue ] ). '=' inside a value is not in the grammar, but base64 text is put
 * there without escapes. */
static bool params(struct scan *s, struct str *out)
{
	const char *start = s->p;

	while (scan_char(s, ';'))
		if (!escaped_run(s, CH_PARAM, NULL) ||
			(scan_char(s, '=') && !escaped_run(s, CH_PARAM | CH_BASE64, NULL)))
			return false;
	*out = (struct str){ start, (size_t)(s->p - start) };
	return true;
}

/* [ "?" hname "=" [ hvalue ] *( "&" hname "=" [ hvalue ] ) ] */
static bool headers(struct scan *s, struct str *out)
{
	const char *start;

	*out = (struct str){ s->p, 0 };
	if (!scan_char(s, '?'))
		return true;
	start = s->p;
	do {
		if (!escaped_run(s, CH_HEADER, NULL) || !scan_char(s, '='))
			return false;
		escaped_run(s, CH_HEADER, NULL);
	} while (scan_char(s, '&'));
	*out = (struct str){ start, (size_t)(s->p - start) };
	return true;
}

/* telephone-subscriber of RFC 3966 section 3: digits of a global or local number with visual
 * separators, then parameters. That a local number needs a phone-context is not insisted on. */
static bool telephone(struct scan *s, struct sip_uri *u)
{
	const char *start = s->p;
	bool digits = false;

	scan_char(s, '+');
	for (; !scan_end(s); s->p++) {
		char c = *s->p;
		if (scan_is(c, CH_HEX) || c == '*' || c == '#')
			digits = true;
		else if (c != '-' && c != '.' && c != '(' && c != ')')
			break;
	}
	u->user = (struct str){ start, (size_t)(s->p - start) };
	u->has_user = true;
	return digits && params(s, &u->params);
}

/* absoluteURI = scheme ":" ( hier-part / opaque-part ): one of reserved, unreserved and escaped at
 * least; '[' and ']' for the IPv6 hosts of RFC 2732, '#' for fragments. */
static bool absolute(struct scan *s)
{
	bool any = false;

	if (!scan_run(s, CH_ALPHA, NULL))
		return false;
	while (scan_run(s, CH_ALPHA | CH_DIGIT, NULL) || scan_char(s, '+') || scan_char(s, '-') ||
		scan_char(s, '.'))
		continue;
	if (!scan_char(s, ':'))
		return false;
	while (escaped_run(s, CH_USER | CH_PARAM, NULL) || scan_char(s, '@') || scan_char(s, '#'))
		any = true;
	return any;
}

/* Takes the scheme and its colon when it is one of ours. */
static enum sip_uri_scheme scheme(struct scan *s)
{
	const char *p = s->p;

	if (s->end - p < 4)
		return SIP_URI_OTHER;
	if ((p[0] | 0x20) == 's' && (p[1] | 0x20) == 'i' && (p[2] | 0x20) == 'p') {
		bool sips = (p[3] | 0x20) == 's';
		s->p += 3 + sips;
		if (scan_char(s, ':'))
			return sips ? SIP_URI_SIPS : SIP_URI_SIP;
		s->p = p;
	}
	return scan_lit(s, "tel:") ? SIP_URI_TEL : SIP_URI_OTHER;
}

bool sip_uri_scan(struct scan *s, struct sip_uri *u)
{
	const char *start = s->p;
	bool ok;

	/* One by one: clearing the whole struct first is a measurable part of parsing a message. */
	u->user = u->password = u->host = u->params = u->headers = STR_EMPTY;
	u->port = 0;
	u->has_user = u->ipv6 = false;
	u->scheme = scheme(s);
	if (u->scheme == SIP_URI_OTHER)
		ok = absolute(s);
	else if (u->scheme == SIP_URI_TEL)
		ok = telephone(s, u);
	else
		ok = userinfo(s, u) && hostport(s, u) && params(s, &u->params) &&
		     headers(s, &u->headers);
	u->text = (struct str){ start, (size_t)(s->p - start) };
	return ok;
}

bool sip_uri_parse(struct str text, struct sip_uri *out)
{
	struct scan s = scan_str(text);
	struct sip_uri u;

	if (!sip_uri_scan(&s, &u) || !scan_end(&s))
		return false;
	*out = u;
	return true;
}

static unsigned hex_digit(char c)
{
	return (unsigned)(scan_is(c, CH_DIGIT) ? c - '0' : (c | 0x20) - 'a' + 10);
}

int sip_uri_char(struct str *rest, bool *escaped)
{
	struct scan s = scan_str(*rest);
	int c;

	if (scan_end(&s))
		return -1;
	*escaped = escaped_run(&s, 0, NULL);
	if (*escaped) {
		c = (int)(hex_digit(rest->p[1]) << 4 | hex_digit(rest->p[2]));
		*rest = str_sub(*rest, 3, rest->n);
	} else {
		c = (unsigned char)rest->p[0];
		*rest = str_sub(*rest, 1, rest->n);
	}
	return c;
}

/* Is this the name, written with or without escapes? */
static bool names(struct str pname, const char *name)
{
	bool escaped;

	for (; *name; name++) {
		int c = sip_uri_char(&pname, &escaped);
		if (c < 0 || str_lower((char)c) != str_lower(*name))
			return false;
	}
	return pname.n == 0;
}

bool sip_uri_param(const struct sip_uri *u, const char *name, struct str *value)
{
	struct scan s = scan_str(u->params);

	while (scan_char(&s, ';')) {
		struct str pname, v = { s.p, 0 };
		if (!escaped_run(&s, CH_PARAM, &pname))
			return false;
		if (scan_char(&s, '='))
			escaped_run(&s, CH_PARAM | CH_BASE64, &v);
		if (names(pname, name)) {
			*value = v;
			return true;
		}
	}
	return false;
}

void sip_uri_write_hostport(struct buf *b, struct str host, uint16_t port)
{
	bool ipv6 = str_find(host, ':') < host.n;

	if (ipv6)
		buf_add_char(b, '[');
	buf_add_str(b, host);
	if (ipv6)
		buf_add_char(b, ']');
	if (port) {
		buf_add_char(b, ':');
		buf_add_u32(b, port);
	}
}

static void write_escaped(struct buf *b, struct str s, unsigned classes)
{
	for (size_t i = 0; i < s.n; i++) {
		if (scan_is(s.p[i], classes))
			buf_add_char(b, s.p[i]);
		else
			buf_addf(b, "%%%02X", (unsigned char)s.p[i]);
	}
}

void sip_uri_write_user(struct buf *b, struct str user)
{
	write_escaped(b, user, CH_USER);
}

void sip_uri_escape_header(struct buf *b, struct str value)
{
	write_escaped(b, value, CH_HEADER);
}

/* The raw value of a header that is there once. */
static bool find_header(struct str rest, const char *name, struct str *value)
{
	bool found = false;

	while (rest.n) {
		size_t end = str_find(rest, '&');
		struct str hname, v;
		if (str_cut(str_sub(rest, 0, end), '=', &hname, &v) && names(hname, name)) {
			if (found)
				return false;
			found = true;
			*value = v;
		}
		rest = str_sub(rest, end + 1, rest.n);
	}
	return found;
}

bool sip_uri_header(const struct sip_uri *u, const char *name, struct buf *out)
{
	struct str value, rest;
	bool escaped;
	int c;

	if (!find_header(u->headers, name, &value))
		return false;
	for (rest = value; (c = sip_uri_char(&rest, &escaped)) >= 0;)
		if (scan_is((char)c, CH_CONTROL) || (c == '%' && !escaped))
			return false;
	/* What is shorter than its escaped form fits as a whole, or nothing is written. */
	if (!buf_reserve(out, value.n))
		return false;
	while ((c = sip_uri_char(&value, &escaped)) >= 0)
		buf_add_char(out, (char)c);
	return true;
}

void sip_uri_write_request(struct buf *b, const struct sip_uri *u)
{
	struct str params = u->params;

	if (u->scheme == SIP_URI_OTHER || u->scheme == SIP_URI_TEL) {
		buf_add_str(b, u->text);
		return;
	}
	/* The parameters are behind all but the headers. */
	buf_add_str(b, str_sub(u->text, 0, (size_t)(params.p - u->text.p)));
	while (params.n) {
		size_t end = 1 + str_find(str_sub(params, 1, params.n), ';');
		struct str name = str_sub(params, 1, end);
		if (!names(str_sub(name, 0, str_find(name, '=')), "method"))
			buf_add_str(b, str_sub(params, 0, end));
		params = str_sub(params, end, params.n);
	}
}

/* RFC 3261 10.3 step 5: "any escaped characters MUST be converted to their unescaped form", but for
 * what may not stand in a user part: the key of %00 has three letters, not a NUL. */
static void write_canonical_user(struct buf *b, struct str user)
{
	bool escaped;

	for (int c; (c = sip_uri_char(&user, &escaped)) >= 0;)
		sip_uri_write_user(b, (struct str){ &(char){ (char)c }, 1 });
}

static void write_lower(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		buf_add_char(b, str_lower(s.p[i]));
}

void sip_uri_aor_key(struct buf *b, const struct sip_uri *u)
{
	size_t scheme = str_find(u->text, ':') + 1;

	write_lower(b, str_sub(u->text, 0, scheme));
	if (u->scheme == SIP_URI_OTHER) {
		buf_add_str(b, str_sub(u->text, scheme, u->text.n));
	} else if (u->scheme == SIP_URI_TEL) {
		for (size_t i = 0; i < u->user.n; i++)
			if (!strchr("-.()", u->user.p[i]))
				buf_add_char(b, str_lower(u->user.p[i]));
	} else {
		struct buf host = BUF_INIT(u->host.n);
		if (u->has_user) {
			write_canonical_user(b, u->user);
			buf_add_char(b, '@');
		}
		write_lower(&host, u->host);
		sip_uri_write_hostport(b, buf_str(&host), u->port);
		buf_done(&host);
	}
}
