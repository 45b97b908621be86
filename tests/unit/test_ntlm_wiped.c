/* tests/unit/test_ntlm_wiped.c -- no password, hash or key of NTLM is left in memory when the
 * contexts are freed: every writable page of the process is searched. A program of its own, since
 * other tests hold such keys. */
#include "ntlm_rig.h"

#include <stdio.h>

#define MASK 0x5a

/* What is looked for, masked, so that the search does not find itself. */
struct needle {
	const char *what;
	unsigned char masked[32];
	size_t n;
};

static void needle_set(struct needle *needle, const char *what, const char *hex)
{
	needle->what = what;
	needle->n = strlen(hex) / 2;
	assert_true(needle->n <= sizeof(needle->masked));
	for (size_t i = 0; i < needle->n; i++) {
		unsigned char byte;

		assert_true(text_unhex((struct str){ hex + 2 * i, 2 }, &byte, 1));
		needle->masked[i] = byte ^ MASK;
	}
}

static bool is_at(const struct needle *needle, const unsigned char *p)
{
	size_t i = 0;

	while (i < needle->n && (p[i] ^ MASK) == needle->masked[i])
		i++;
	return i == needle->n;
}

/* How often it stands in [from, to), which is read piece by piece. */
static unsigned found_in(
	FILE *memory, unsigned long from, unsigned long to, const struct needle *needle)
{
	static unsigned char piece[1 << 16];
	unsigned found = 0;

	while (from < to) {
		size_t want = to - from < sizeof(piece) ? to - from : sizeof(piece), got;

		if (fseek(memory, (long)from, SEEK_SET) != 0)
			break;
		got = fread(piece, 1, want, memory);
		for (size_t i = 0; i + needle->n <= got; i++)
			found += is_at(needle, piece + i);
		if (got < want || got <= needle->n)
			break;
		from += got == want && from + got < to ? got - needle->n : got;
	}
	memset(piece, 0, sizeof(piece));
	return found;
}

static unsigned found(const struct needle *needle)
{
	FILE *maps = fopen("/proc/self/maps", "r"), *memory = fopen("/proc/self/mem", "r");
	char line[512];
	unsigned n = 0;

	if (!maps || !memory)
		skip();
	setvbuf(memory, NULL, _IONBF, 0);
	while (fgets(line, sizeof(line), maps)) {
		char *end;
		unsigned long from = strtoul(line, &end, 16), to = strtoul(end + 1, &end, 16);

		/* the stack, the heap, what is mapped: all that we can write into. Shadow memory of
		 * sanitizers is too large to be read, and holds nothing. */
		if (end[1] == 'r' && end[2] == 'w' && to - from < 1UL << 30)
			n += found_in(memory, from, to, needle);
	}
	fclose(maps);
	fclose(memory);
	return n;
}

static const unsigned char client_challenge[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };

/* Everything that a client and a server do, with keys that are known. */
static void handshake(bool weak)
{
	CLEANUP(buf_done) struct buf challenge = BUF_INIT(2000), out = BUF_INIT(2000);
	/* written out in text, so that it is no constant that UTF-16 or the mask would miss */
	const struct ntlm_server s = { .netbios_domain = STR("D"), .weak = weak };
	const struct ntlm_identity id = { .user = STR("alice"), .password = STR("canary-Q7x") };
	unsigned char key[NTLM_KEY];
	const struct ntlm_options o = {
		.v1 = weak, .client_challenge = client_challenge, .exported_key = key
	};
	struct ntlm *client = NULL, *server = NULL;

	for (unsigned i = 0; i < sizeof(key); i++)
		key[i] = (unsigned char)(0xc0 + 5 * i);
	assert_int_equal(0, ntlm_challenge(&s, 0, &challenge, NULL));
	assert_int_equal(0, ntlm_answer(&id, buf_str(&challenge), &o, &out, &client, NULL));
	assert_int_equal(
		0, ntlm_accept(buf_str(&challenge), buf_str(&out), id.password, &server, NULL));
	assert_int_equal(-FAIL_AUTH, ntlm_accept(buf_str(&challenge), buf_str(&out), STR("no"),
					     &(struct ntlm *){ NULL }, NULL));
	assert_pair(client, server);
	ntlm_free(client);
	ntlm_free(server);
	memset(key, 0, sizeof(key));
	__asm__ volatile("" : : "r"(key) : "memory");
}

/* The search itself works. */
static void test_finds(void **state)
{
	struct needle needle;
	unsigned char *here = malloc(8);

	(void)state;
	needle_set(&needle, "a value on the heap", "f1e2d3c4b5a69788");
	for (unsigned i = 0; i < 8; i++)
		here[i] = needle.masked[i] ^ MASK;
	__asm__ volatile("" : : "r"(here) : "memory");
	assert_true(found(&needle) >= 1);
	free(here);
}

static void test_wiped(void **state)
{
	/* Of "canary-Q7x", user alice, domain D, and the exported key above. */
	static const char *const values[][2] = {
		{ "the password in UTF-16", "630061006e006100720079002d00510037007800" },
		{ "its hash", "57589556c858b04a91426a2fedc61e98" },
		{ "NTLMv2's hash", "12e73712fc1bc560c57c62131c85e57d" },
		{ "the exported key", "c0c5cacfd4d9dee3e8edf2f7fc01060b" },
		{ "a signing key", "da9c7a2cfb99599ff75902e964da214d" },
		{ "a sealing key", "d15ae9361651542532d197c932d55dd1" },
	};
	struct needle needles[ARRAY_LEN(values)];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(values); i++)
		needle_set(&needles[i], values[i][0], values[i][1]);
	handshake(false);
	handshake(true);
	for (size_t i = 0; i < ARRAY_LEN(values); i++)
		if (found(&needles[i]))
			fail_msg("%s is left in memory", needles[i].what);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_finds),
		cmocka_unit_test(test_wiped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
