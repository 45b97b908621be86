/* lib/auth/fields.c -- unescaped parameters of authentication header fields */
#include "auth/fields.h"

#include "base/buf.h"
#include "base/scan.h"
#include "sip/challenge.h"

static bool clean(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (scan_is(s.p[i], CH_CONTROL) && s.p[i] != '\t')
			return false;
	}
	return true;
}

static struct str unescape(struct arena *a, const struct sip_param *p)
{
	struct buf b = BUF_INIT(p->value.n);
	struct str s;

	if (!p->quoted || str_find(p->value, '\\') == p->value.n)
		return arena_str(a, p->value);
	sip_unquote(&b, p->value);
	s = arena_str(a, buf_str(&b));
	buf_done(&b);
	return s;
}

static bool read(struct arena *a, struct str params, const struct auth_field *fields, size_t n,
	bool verbatim)
{
	struct sip_param p;

	while (sip_challenge_next(&params, &p)) {
		for (size_t i = 0; i < n; i++) {
			if (!str_ieq(p.name, str_of(fields[i].name)))
				continue;
			/* RFC 7235 2.1: "each parameter name MUST only occur once per challenge".
			 * Taking one of two nonces is what OpenSIPS was attacked with (A36). */
			if (fields[i].value->p || !clean(p.value))
				return false;
			*fields[i].value = verbatim ? arena_str(a, p.value) : unescape(a, &p);
		}
	}
	return true;
}

bool auth_fields_read(struct arena *a, struct str params, const struct auth_field *fields, size_t n)
{
	return read(a, params, fields, n, false);
}

bool auth_fields_verbatim(
	struct arena *a, struct str params, const struct auth_field *fields, size_t n)
{
	return read(a, params, fields, n, true);
}
