/* lib/sip/replaces.c -- the Replaces and Join header fields */
#include "sip/replaces.h"

#include "base/scan.h"
#include "sip/param.h"

/* callid = word [ "@" word ] */
static bool call_id(struct scan *s, struct str *out)
{
	const char *start = s->p;

	if (!scan_run(s, CH_WORD, NULL) || (scan_char(s, '@') && !scan_run(s, CH_WORD, NULL)))
		return false;
	*out = (struct str){ start, (size_t)(s->p - start) };
	return true;
}

/* to-tag and from-tag are tokens: not quoted, not empty. *tag is empty before the first one. */
static bool take_tag(const struct sip_param *p, struct str *tag)
{
	if (p->quoted || p->value.n == 0 || tag->n > 0)
		return false;
	*tag = p->value;
	return true;
}

bool sip_replaces_parse(struct str value, struct sip_replaces *out)
{
	struct sip_replaces r = { .to_tag = STR_EMPTY, .from_tag = STR_EMPTY };
	struct scan s = scan_str(value);
	struct sip_param p;
	struct str params;

	if (!call_id(&s, &r.call_id) || !sip_params_scan(&s, &params) || !scan_end(&s))
		return false;
	while (sip_param_next(&params, &p)) {
		if ((str_ieq(p.name, STR("to-tag")) && !take_tag(&p, &r.to_tag)) ||
			(str_ieq(p.name, STR("from-tag")) && !take_tag(&p, &r.from_tag)))
			return false;
		if (str_ieq(p.name, STR("early-only")) && !p.has_value)
			r.early_only = true;
	}
	/* RFC 3891 6.1: "MUST contain exactly one to-tag and exactly one from-tag" */
	if (r.to_tag.n == 0 || r.from_tag.n == 0)
		return false;
	*out = r;
	return true;
}

void sip_replaces_write(struct buf *b, const struct sip_replaces *r)
{
	buf_addf(b, STR_FMT ";to-tag=" STR_FMT ";from-tag=" STR_FMT, STR_ARG(r->call_id),
		STR_ARG(r->to_tag), STR_ARG(r->from_tag));
	if (r->early_only)
		buf_add_str(b, STR(";early-only"));
}
