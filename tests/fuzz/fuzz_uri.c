/* tests/fuzz/fuzz_uri.c -- two URIs, a line each: parse, compare, key, and parse the key again */
#include "../unit/sip_touch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool same_key(const struct sip_uri *a, const struct sip_uri *b)
{
	struct buf ka = BUF_INIT(1 << 20), kb = BUF_INIT(1 << 20);
	bool same;

	sip_uri_aor_key(&ka, a);
	sip_uri_aor_key(&kb, b);
	assert(!ka.fail && !kb.fail);
	same = str_eq(buf_str(&ka), buf_str(&kb));
	buf_done(&ka);
	buf_done(&kb);
	return same;
}

/* The key of an address of record is one itself, and its own key. */
static void check_key(const struct sip_uri *u)
{
	struct buf key = BUF_INIT(1 << 20);
	struct sip_uri k;
	bool ok;

	sip_uri_aor_key(&key, u);
	ok = sip_uri_parse(buf_str(&key), &k);
	assert(ok && k.scheme == u->scheme && k.port == u->port && same_key(u, &k));
	assert(u->scheme == SIP_URI_OTHER || (k.params.n == 0 && k.headers.n == 0));
	buf_done(&key);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str all = { (const char *)data, size }, first = all, second = STR_EMPTY;
	struct sip_uri a, b;

	str_cut(all, '\n', &first, &second);
	touch_value(first);
	if (!sip_uri_parse(first, &a))
		return 0;
	touch_uri(&a);
	assert(str_eq(a.text, first));
	assert(sip_uri_equal(&a, &a));
	check_key(&a);
	if (!sip_uri_parse(second, &b))
		return 0;
	assert(sip_uri_equal(&a, &b) == sip_uri_equal(&b, &a));
	assert(!sip_uri_equal(&a, &b) || same_key(&a, &b));
	return 0;
}
