/* tests/fuzz/fuzz_nameaddr.c -- addresses one by one and as a list */
#include "../unit/sip_touch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str value = { (const char *)data, size }, rest = value, left;
	struct sip_nameaddr a, again;
	bool bad = false;

	touch_value(value);
	for (left = rest; sip_nameaddr_next(&rest, true, &a, &bad); left = rest) {
		assert(rest.n < left.n);
		touch_nameaddr(&a);
		if (a.star)
			continue;
		/* An element of a list is an address by itself. */
		bool ok = sip_nameaddr_parse(a.text, &again);
		assert(ok && str_eq(again.uri.text, a.uri.text) && str_eq(again.params, a.params));
		assert(again.brackets == a.brackets && str_eq(again.tag, a.tag));
	}
	/* Whole or not at all: what is left is nothing, or wrong from its start. */
	assert(bad || str_trim(rest).n == 0);
	assert(!bad || str_eq(rest, left));
	return 0;
}
