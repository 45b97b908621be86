/* lib/sip/nameaddr.c -- name-addr and addr-spec */
#include "sip/nameaddr.h"

#include "sip/param.h"

#include <string.h>

/* display-name = *(token LWS) / quoted-string, up to the '<'. RFC 4475 3.1.1.6 means the LWS to be
 * optional. Text in UTF-8 without quotes is not in the grammar, but is in use. */
static bool display(struct scan *s, struct sip_nameaddr *a)
{
	const char *p = s->p;
	struct str quoted;

	if (p < s->end && *p == '"') {
		if (!scan_quoted(s, &quoted) || !scan_lws(s) || scan_peek(s) != '<')
			return false;
		a->display = quoted;
		a->quoted = true;
		return true;
	}
	while (p < s->end && (scan_is(*p, CH_TOKEN | CH_LWS) || (unsigned char)*p >= 0x80))
		p++;
	if (p == s->end || *p != '<')
		return true; /* an addr-spec */
	a->display = str_trim((struct str){ s->p, (size_t)(p - s->p) });
	s->p = p;
	return true;
}

/* RFC 3261 20: "If the URI contains a comma, question mark or semicolon, the URI MUST be enclosed
 * in angle brackets", so without them these end it. */
static bool bare_uri(struct scan *s, struct sip_uri *u)
{
	struct scan text = *s;
	const char *p = s->p;

	while (p < s->end && *p != ';' && *p != ',' && *p != '?' && !scan_is(*p, CH_LWS))
		p++;
	text.end = s->p = p;
	return scan_peek(s) != '?' && sip_uri_scan(&text, u) && scan_end(&text);
}

/* *( SEMI generic-param ), and the first tag among them. tag-param = "tag" EQUAL token: a tag that
 * is there is not empty (attack A17). */
static bool params(struct scan *s, struct sip_nameaddr *a)
{
	struct sip_param p;

	scan_lws(s);
	a->tag = STR_EMPTY;
	a->params = (struct str){ s->p, 0 };
	while (scan_sep(s, ';')) {
		if (!sip_param_scan(s, &p))
			return false;
		if (p.name.n == 3 && a->tag.n == 0 && str_ieq(p.name, STR("tag"))) {
			if (p.value.n == 0)
				return false;
			a->tag = p.value;
		}
		a->params.n = (size_t)(s->p - a->params.p);
	}
	return scan_lws(s) && (scan_end(s) || *s->p == ',');
}

/* Writes into *a as it goes. */
static bool element(struct scan *s, struct sip_nameaddr *a)
{
	const char *start = s->p;

	a->display = STR_EMPTY;
	a->quoted = a->star = false;
	if (!display(s, a))
		return false;
	a->brackets = scan_char(s, '<');
	if (a->brackets ? !sip_uri_scan(s, &a->uri) || !scan_char(s, '>') : !bare_uri(s, &a->uri))
		return false;
	if (!params(s, a))
		return false;
	a->text = str_trim((struct str){ start, (size_t)(s->p - start) });
	return true;
}

bool sip_nameaddr_parse(struct str value, struct sip_nameaddr *out)
{
	struct scan s = scan_str(value);
	struct sip_nameaddr a;

	if (!scan_lws(&s) || !element(&s, &a) || !scan_end(&s))
		return false;
	*out = a;
	return true;
}

bool sip_nameaddr_next(struct str *rest, bool star, struct sip_nameaddr *out, bool *bad)
{
	struct scan s = scan_str(*rest);
	struct sip_nameaddr a;

	*bad = false;
	if (!scan_lws(&s) || scan_end(&s))
		return false;
	if (star && *s.p == '*') {
		a = (struct sip_nameaddr){ .star = true, .text = { s.p++, 1 } };
		*bad = !scan_lws(&s) || !scan_end(&s);
	} else {
		*bad = !element(&s, &a) || (scan_char(&s, ',') && scan_lws(&s) && scan_end(&s));
	}
	if (*bad)
		return false;
	*rest = scan_rest(&s);
	*out = a;
	return true;
}

bool sip_nameaddr_tag(const struct sip_nameaddr *a, struct str *tag)
{
	if (a->tag.n == 0)
		return false;
	*tag = a->tag;
	return true;
}
