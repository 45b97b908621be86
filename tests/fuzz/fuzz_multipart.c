/* tests/fuzz/fuzz_multipart.c -- a multipart body: the first line of the input is its Content-Type
 */
#include "sip/multipart.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile unsigned sum;

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void touch(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		sum += (unsigned char)s.p[i];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str input = { (const char *)data, size }, type = input, body = STR_EMPTY, out;
	struct multipart_part parts[MULTIPART_PARTS];
	struct fail f = { 0 };
	unsigned count = 0;
	size_t all = 0;
	int e;

	str_cut(input, '\n', &type, &body);
	e = multipart_split(type, body, parts, &count, &f);
	check(e == 0 || ((e == -FAIL_SYNTAX || e == -FAIL_LIMIT) && f.code == e && count == 0));
	check(e != 0 || multipart_is(type));
	check(count <= MULTIPART_PARTS);
	for (unsigned i = 0; i < count; i++) {
		touch(parts[i].type);
		touch(parts[i].disposition);
		touch(parts[i].id);
		touch(parts[i].body);
		/* Parts are pieces of the body that do not overlap. */
		all += parts[i].type.n + parts[i].disposition.n + parts[i].id.n + parts[i].body.n;
	}
	check(all <= body.n);
	if (multipart_find(type, body, "application/sdp", &out)) {
		touch(out);
		check(out.n <= body.n);
	}
	return 0;
}
