/* tests/fuzz/fuzz_via.c -- a Via value with all its elements */
#include "../unit/sip_touch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = { (const char *)data, size };
	struct sip_via v, front;
	struct sip_param p;

	touch_value(rest);
	while (rest.n) {
		struct scan s = scan_str(rest), t = s;
		struct str params, left = rest;
		if (!sip_via_parse(rest, &v, &rest)) {
			assert(str_eq(rest, left));
			break;
		}
		assert(rest.n < left.n);
		touch_via(&v);
		assert(v.transport.n && sip_uri_is_host(v.host) &&
			v.ipv6 == sip_uri_is_ipv6(v.host));
		assert(!v.received.n || sip_uri_is_host(v.received));
		assert(!v.maddr.n || sip_uri_is_host(v.maddr));
		/* The parts agree with the general readers. */
		bool ok = sip_via_sent_by(&s, &front) && sip_params_scan(&s, &params);
		assert(ok && str_eq(front.host, v.host) && front.port == v.port &&
			str_eq(params, str_trim(v.params)));
		assert(sip_param_get(v.params, "branch", &p) == (v.branch.n > 0));
		assert(!v.branch.n || str_eq(p.value, v.branch));
		ok = sip_via_scan(&t, &front);
		assert(ok && (scan_end(&t) || *t.p == ','));
	}
	return 0;
}
