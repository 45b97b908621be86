/* lib/auth/signature.c -- the fields of a message that a signature covers */
#include "auth/signature.h"

#include "base/scan.h"

static void add(struct buf *b, struct str value)
{
	buf_add_char(b, '<');
	buf_add_str(b, value);
	buf_add_char(b, '>');
}

/* The digits as they stand there, "007" too, and the method. */
static void add_cseq(struct buf *b, const struct sip_msg *m)
{
	struct scan s = scan_str(sip_msg_value(m, SIP_HDR_CSEQ));
	struct sip_cseq cseq;
	struct str digits;

	if (!sip_msg_cseq(m, &cseq) || !scan_run(&s, CH_DIGIT, &digits)) {
		cseq.name = STR_EMPTY;
		digits = STR_EMPTY;
	}
	add(b, digits);
	add(b, cseq.name);
}

/* The URI that the rest of this program acts on: a second reading of our own could be made to sign
 * another one. Empty when malformed, and such a message is refused anyway. */
static struct str uri_of(const struct sip_nameaddr *a, bool good)
{
	return good ? a->uri.text : STR_EMPTY;
}

/* Takes one PAssertedID-value = name-addr / addr-spec (RFC 3325 9.1) off a row. There are no header
 * parameters here, so those behind a URI without brackets are its own: "tel:+420123456;ext=88463".
 * False at the end, and at a quote or bracket that is never closed. */
static bool take_identity(struct scan *s, struct str *uri)
{
	const char *start = s->p;
	bool brackets = false;

	if (scan_end(s))
		return false;
	while (!scan_end(s) && *s->p != ',') {
		if (*s->p == '"') {
			if (!scan_quoted(s, NULL))
				return false;
		} else if (scan_char(s, '<')) {
			struct str inside;

			if (!scan_until(s, '>', &inside))
				return false;
			if (!brackets)
				*uri = str_trim(inside);
			brackets = true;
		} else {
			s->p++;
		}
	}
	if (!brackets)
		*uri = str_trim((struct str){ start, (size_t)(s->p - start) });
	scan_char(s, ',');
	return true;
}

struct identities {
	struct str sip, tel;
};

/* The first of each kind, over all rows of this name. False when there is no such row. */
static bool identities(const struct sip_msg *m, struct str name, struct identities *out)
{
	const struct sip_hdr *h = sip_msg_hdr_named(m, name);
	struct str uri;

	if (!h)
		return false;
	for (; h; h = sip_msg_hdr_next(m, h)) {
		struct scan s = scan_str(h->value);

		while (take_identity(&s, &uri)) {
			bool sip = str_istarts(uri, STR("sip:")) || str_istarts(uri, STR("sips:"));

			if (sip && out->sip.n == 0)
				out->sip = uri;
			if (str_istarts(uri, STR("tel:")) && out->tel.n == 0)
				out->tel = uri;
		}
	}
	return true;
}

/* P-Asserted-Identity, or P-Preferred-Identity where that is absent; never one URI of each. */
static void add_identities(struct buf *b, const struct sip_msg *m)
{
	struct identities i = { STR_EMPTY, STR_EMPTY };

	if (!identities(m, STR("P-Asserted-Identity"), &i))
		identities(m, STR("P-Preferred-Identity"), &i);
	add(b, i.sip);
	add(b, i.tel);
}

void signature_text(const struct signature *s, const struct sip_msg *m, struct buf *out)
{
	bool three = s->version >= 3;
	struct sip_nameaddr a;

	add(out, s->scheme);
	add(out, s->rand);
	add(out, s->num);
	add(out, s->realm);
	add(out, s->targetname);
	add(out, sip_msg_call_id(m));
	add_cseq(out, m);
	add(out, uri_of(&a, sip_msg_from(m, &a)));
	add(out, sip_msg_from_tag(m));
	if (three)
		add(out, uri_of(&a, sip_msg_to(m, &a)));
	add(out, sip_msg_to_tag(m));
	if (three)
		add_identities(out, m);
	/* The Expires header field alone, not the parameter of a Contact. */
	add(out, sip_msg_value(m, SIP_HDR_EXPIRES));
	/* A request adds nothing here, not even "<>". */
	if (!m->request)
		buf_addf(out, "<%u>", m->status);
}
