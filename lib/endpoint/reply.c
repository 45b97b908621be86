#include "endpoint/reply.h"

#include "base/scan.h"
#include "sip/build.h"
#include "sip/msg.h"
#include "sip/status.h"

bool reply_time(struct str text, uint64_t *ms)
{
	static const struct {
		struct str unit;
		uint64_t factor;
	} units[] = {
		{ { "ms", 2 }, 1 },
		{ { "s", 1 }, 1000 },
		{ { "", 0 }, 1000 },
		{ { "m", 1 }, 60000 },
		{ { "h", 1 }, 3600000 },
	};
	struct scan s = scan_str(text);
	uint32_t n;

	if (!scan_u32(&s, 1000000000, &n))
		return false;
	for (unsigned i = 0; i < ARRAY_LEN(units); i++)
		if (str_eq(scan_rest(&s), units[i].unit)) {
			*ms = n * units[i].factor;
			return true;
		}
	return false;
}

bool reply_status(struct str text, unsigned *status, struct str *reason)
{
	struct str number, phrase = STR_EMPTY;
	uint32_t n;

	if (!sip_build_clean(text))
		return false;
	if (!str_cut(str_trim(text), ' ', &number, &phrase))
		number = str_trim(text);
	if (!str_u32(number, &n) || (n != 0 && (n < 100 || n > 699)))
		return false;
	*status = n;
	*reason = str_trim(phrase);
	return true;
}

struct str reply_phrase(unsigned status)
{
	return sip_status_reason(status);
}

static bool parse_option(struct str option, struct reply *r)
{
	struct str name, value;
	uint64_t ms;

	if (!str_cut(option, '=', &name, &value))
		return false;
	if (str_eq(name, STR("after")))
		return reply_time(value, &r->after_ms);
	if (!str_eq(name, STR("retry-after")) || !reply_time(value, &ms))
		return false;
	r->has_retry_after = true;
	/* seconds on the wire (RFC 3261 20.33): rounded up, and at most what they may be */
	r->retry_after = ms / 1000 < UINT32_MAX ? (uint32_t)((ms + 999) / 1000) : UINT32_MAX;
	return true;
}

static bool parse_options(struct str rest, struct reply *r)
{
	struct str option;

	do {
		if (!str_cut(rest, ';', &option, &rest)) {
			option = rest;
			rest = STR_EMPTY;
		}
		if (!parse_option(option, r))
			return false;
	} while (rest.n > 0);
	return true;
}

static bool parse(struct str text, struct reply *r)
{
	struct str what, answer, rest;
	struct scan method;

	*r = (struct reply){ .user = STR_EMPTY };
	if (!sip_build_clean(text) || !str_cut(text, '=', &what, &answer))
		return false;
	if (!str_cut(str_trim(what), ' ', &r->method, &r->user))
		r->method = str_trim(what);
	r->user = str_trim(r->user);
	if (str_cut(answer, ';', &answer, &rest) && !parse_options(rest, r))
		return false;
	method = scan_str(r->method);
	return scan_run(&method, CH_TOKEN, NULL) && scan_end(&method) &&
	       str_find(r->user, ' ') == r->user.n && reply_status(answer, &r->status, &r->reason);
}

int reply_parse(struct str rule, struct reply *out, struct fail *f)
{
	if (parse(rule, out))
		return 0;
	return fail_set(f, -FAIL_ARGUMENT,
		"\"" STR_FMT "\" is not METHOD[ USER]=STATUS[ REASON][;after=T][;retry-after=T]",
		STR_ARG(rule));
}

bool reply_matches(const struct reply *r, const struct sip_msg *request)
{
	struct sip_nameaddr to;

	if (!str_eq(r->method, STR("*")) && !str_eq(r->method, request->method_name))
		return false;
	return r->user.n == 0 || (sip_msg_to(request, &to) && str_eq(to.uri.user, r->user));
}
