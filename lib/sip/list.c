/* lib/sip/list.c -- the elements of a comma list across repeated header fields, RFC 3261 7.3.1: the
 * rows of one name are one list, in their order */
#include "sip/msg.h"

/* Goes on to the next row once the elements of this one are taken. */
static bool more(struct sip_list *l)
{
	while (l->hdr && !l->bad && l->rest.n == 0) {
		l->hdr = sip_msg_hdr_next(l->m, l->hdr);
		if (l->hdr)
			l->rest = l->hdr->value;
	}
	return l->hdr && !l->bad;
}

bool sip_list_nameaddr(struct sip_list *l, struct sip_nameaddr *out)
{
	return more(l) && sip_nameaddr_next(&l->rest, l->hdr->id == SIP_HDR_CONTACT, out, &l->bad);
}

bool sip_list_via(struct sip_list *l, struct sip_via *out)
{
	if (!more(l))
		return false;
	l->bad = !sip_via_parse(l->rest, out, &l->rest);
	return !l->bad;
}

/* Up to a comma outside of quotes; s stands on the comma or at the end. */
static bool element(struct scan *s, struct str *out)
{
	const char *start = s->p;

	while (!scan_end(s) && *s->p != ',') {
		if (*s->p != '"')
			s->p++;
		else if (!scan_quoted(s, NULL))
			return false; /* and no second look at what is behind it: linear time */
	}
	*out = str_trim((struct str){ start, (size_t)(s->p - start) });
	return out->n > 0;
}

bool sip_list_token(struct sip_list *l, struct str *out)
{
	struct scan s;
	struct str token;

	if (!more(l))
		return false;
	s = scan_str(l->rest);
	l->bad = !element(&s, &token) || (scan_char(&s, ',') && scan_lws(&s) && scan_end(&s));
	if (l->bad)
		return false;
	l->rest = scan_rest(&s);
	*out = token;
	return true;
}
