/* tests/fuzz/fuzz_inspect.c -- messages under `rte parse`: every finding has a place within the
 * text, what the stack refuses has an error, and a text comes to its end */
#include "endpoint/inspect.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void findings(const struct inspect *i, size_t size)
{
	size_t last = 0;

	check(i->finding_count <= INSPECT_FINDINGS);
	for (unsigned k = 0; k < i->finding_count; k++) {
		const struct inspect_finding *f = &i->findings[k];

		check(f->offset <= size && f->offset >= last && f->line > 0 && f->column > 0);
		check(f->text.n > 0);
		last = f->offset;
	}
	check(i->error_count > 0 || (i->readable && i->verdict == INSPECT_ACCEPT));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct str text = { (const char *)data, size };
	size_t at = 0;

	do {
		struct inspect i;
		size_t next = inspect_message(text, at, &i);

		check(next <= size && (next > at || size == at));
		check(i.offset == at && i.bytes == next - at);
		findings(&i, size);
		inspect_done(&i);
		at = next;
	} while (at < size);
	return 0;
}
