/* tests/fuzz/fuzz_msg.c -- a message: parse, check, every accessor and every list */
#include "../unit/sip_touch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An accepted message has what the stack asks for without a second look. */
static void check_accepted(const struct sip_msg *m)
{
	struct sip_nameaddr a;
	struct sip_cseq cseq;
	struct sip_via via;
	struct sip_list l;
	bool ok = sip_msg_via(m, &via) && sip_msg_from(m, &a) && sip_msg_to(m, &a) &&
		  sip_msg_cseq(m, &cseq);

	assert(ok && sip_msg_call_id(m).n > 0);
	for (l = sip_msg_list(m, SIP_HDR_VIA); sip_list_via(&l, &via);)
		continue;
	assert(!l.bad);
	if (m->request) {
		struct sip_uri uri;
		ok = sip_uri_parse(m->request_uri, &uri) && str_eq(cseq.name, m->method_name);
		assert(ok && uri.headers.n == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct sip_limits limits = { .headers = 40 };
	struct str wire = { (const char *)data, size };
	struct sip_msg *m;
	unsigned status;

	touch_wire(wire);
	if (sip_msg_parse(wire, &limits, &m, NULL) != 0)
		return 0;
	assert(m->hdr_count <= 40);
	for (unsigned i = 0; i < m->hdr_count; i++)
		touch_value(m->hdrs[i].value);
	if (sip_msg_check(m, true, &status, NULL) == SIP_ACCEPT)
		check_accepted(m);
	sip_msg_unref(m);
	return 0;
}
