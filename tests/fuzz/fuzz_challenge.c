/* tests/fuzz/fuzz_challenge.c -- challenges, credentials and their parameters */
#include "../unit/sip_touch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was checked as a whole can be stepped through to its end. */
static void check_steps(struct str params)
{
	struct sip_param p, found;

	for (struct str rest = params; str_trim(rest).n;) {
		bool ok = sip_challenge_next(&rest, &p);
		assert(ok && p.has_value && p.name.n);
	}
	if (sip_challenge_get(params, "realm", &found)) {
		struct buf b = BUF_INIT(1 << 20), quoted = BUF_INIT(1 << 21);
		sip_unquote(&b, found.value);
		sip_quote(&quoted, buf_str(&b));
		assert(!b.fail && b.n <= found.value.n);
		buf_done(&b);
		buf_done(&quoted);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str value = { (const char *)data, size }, params;
	struct sip_challenge c;

	touch_value(value);
	if (sip_challenge_parse(value, &c)) {
		assert(c.scheme.n);
		check_steps(c.params);
	}
	if (sip_auth_info_parse(value, &params))
		check_steps(params);
	return 0;
}
