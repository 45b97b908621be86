/* tests/fuzz/fuzz_ticket.c -- what the child that asks for a Kerberos ticket may hand back, and
 * names */
#include "auth/kerberos.h"
#include "base/mem.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void touch_names(struct str s)
{
	struct buf b = BUF_INIT(KERBEROS_NAME_MAX);
	bool whole = kerberos_principal_of(s, &b);

	assert(b.fail || b.n == s.n);
	assert(!whole || b.fail || str_eq(buf_str(&b), s));
	buf_done(&b);
	if (kerberos_target_is_good(s))
		assert(str_starts(s, STR("sip/")) && s.n > 4 && s.n <= KERBEROS_NAME_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str bytes = { (const char *)data, size };
	struct buf again = BUF_INIT(KERBEROS_TICKET_MAX);
	struct kerberos_ticket t;

	touch_names(bytes);
	if (kerberos_ticket_read(bytes, &t) != 0)
		return 0;
	assert((t.cause == KERBEROS_NO_CAUSE) == (t.context.n > 0));
	assert(t.context.n || !t.token.n);
	assert(!t.reason.fail && !t.token.fail && !t.context.fail && !t.principal.fail);
	/* there is one form of it */
	kerberos_ticket_write(&t, &again);
	assert(str_eq(buf_str(&again), bytes));
	buf_wipe(&again);
	kerberos_ticket_done(&t);
	return 0;
}
