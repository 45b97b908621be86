/* lib/sip/param.c -- generic-param of RFC 3261 section 25.1, and quoted strings */
#include "sip/param.h"

#include "base/buf.h"
#include "base/fail.h"

/* gen-value = token / host / quoted-string. A host may be an IPv6reference; RFC 5118 4.5 asks for
 * the bare address of `received`, too; and base64 padding occurs in tags and branches. */
enum { VALUE = CH_TOKEN | CH_PARAM | CH_BASE64 };

bool sip_param_scan(struct scan *s, struct sip_param *out)
{
	struct scan t = *s;
	struct sip_param p = { .value = { s->p, 0 } };

	if (!scan_run(&t, CH_TOKEN, &p.name))
		return false;
	s->p = t.p;
	if (scan_sep(&t, '=')) {
		p.has_value = true;
		p.quoted = scan_peek(&t) == '"';
		if (!(p.quoted ? scan_quoted(&t, &p.value) : scan_run(&t, VALUE, &p.value)))
			return false;
		s->p = t.p;
	}
	*out = p;
	return true;
}

bool sip_params_scan(struct scan *s, struct str *out)
{
	struct scan t = *s;
	struct str text = { t.p, 0 };
	struct sip_param p;
	const char *end = t.p;

	scan_lws(&t);
	if (scan_peek(&t) == ';')
		text.p = t.p;
	while (scan_sep(&t, ';')) {
		if (!sip_param_scan(&t, &p))
			return false;
		end = t.p;
	}
	scan_lws(&t);
	if (!scan_end(&t) && *t.p != ',')
		return false;
	if (end > text.p)
		text.n = (size_t)(end - text.p);
	s->p = t.p;
	if (out)
		*out = text;
	return true;
}

bool sip_param_next(struct str *rest, struct sip_param *out)
{
	struct scan s = scan_str(*rest);

	if (!scan_sep(&s, ';') || !sip_param_scan(&s, out))
		return false;
	*rest = scan_rest(&s);
	return true;
}

bool sip_param_get(struct str params, const char *name, struct sip_param *out)
{
	struct str want = str_of(name);
	struct sip_param p;

	while (sip_param_next(&params, &p)) {
		if (str_ieq(p.name, want)) {
			*out = p;
			return true;
		}
	}
	return false;
}

bool sip_param(struct str params, const char *name, struct str *value)
{
	struct sip_param p;

	if (!sip_param_get(params, name, &p))
		return false;
	*value = p.value;
	return true;
}

void sip_unquote(struct buf *b, struct str content)
{
	for (size_t i = 0; i < content.n; i++) {
		if (content.p[i] == '\\' && i + 1 < content.n)
			i++;
		buf_add_char(b, content.p[i]);
	}
}

void sip_quote(struct buf *b, struct str s)
{
	buf_add_char(b, '"');
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		/* RFC 3261 25.1: CR and LF cannot be escaped. NUL and the other controls could,
		 * but nobody who sends them means well. */
		if (c == '\r' || c == '\n' || c == '\0')
			buf_fail(b, -FAIL_SYNTAX);
		if (c == '"' || c == '\\' || (scan_is(c, CH_CONTROL) && c != '\t'))
			buf_add_char(b, '\\');
		buf_add_char(b, c);
	}
	buf_add_char(b, '"');
}
