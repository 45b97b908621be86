/* tests/unit/test_ntlm_wiped.c -- no password, hash or key of NTLM is left in memory when the
 * contexts are freed: every writable page of the process is searched. A program of its own, since
 * other tests hold such keys. */
#include "ntlm_rig.h"

#include "base/mem.h"

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

/* In the order of how long they may live: the first ones are needed within a call only. */
enum { PASSWORD, HASH, HASH_V2, IN_CALLS, KEY = IN_CALLS, SIGN, SEAL, NEEDLES };

static void needles_set(struct needle needles[NEEDLES])
{
	/* Of the password, user and domain below, and of the key c0, c5, ca ... The end of the
	 * password only: free() itself overwrites the beginning. */
	static const char *const values[NEEDLES][2] = {
		[PASSWORD] = { "the password in UTF-16",
			"630061006e006100720079002d00510037007800" },
		[HASH] = { "the hash of the password", "c757f8f6662f55da774f080432279664" },
		[HASH_V2] = { "NTLMv2's hash", "99c78e2c218fa9afd3dd17c89b6d8928" },
		[KEY] = { "the exported key", "c0c5cacfd4d9dee3e8edf2f7fc01060b" },
		[SIGN] = { "a signing key", "da9c7a2cfb99599ff75902e964da214d" },
		[SEAL] = { "a sealing key", "d15ae9361651542532d197c932d55dd1" },
	};

	for (size_t i = 0; i < NEEDLES; i++)
		needle_set(&needles[i], values[i][0], values[i][1]);
}

static void assert_gone(const struct needle *needles, size_t n, const char *when)
{
	for (size_t i = 0; i < n; i++)
		if (found(&needles[i]))
			fail_msg("%s is left in memory %s", needles[i].what, when);
}

/* Everything that a client and a server do, with keys that are known. */
static void handshake(const struct needle *needles, bool weak)
{
	CLEANUP(buf_done) struct buf challenge = BUF_INIT(2000), out = BUF_INIT(2000);
	const struct ntlm_server s = { .netbios_domain = STR("D"), .weak = weak };
	const struct ntlm_identity id = { .user = STR("alice"),
		.password = STR("a long beginning, then canary-Q7x") };
	unsigned char key[NTLM_KEY];
	const struct ntlm_options o = { .v1 = weak, .exported_key = key };
	struct ntlm *client = NULL, *server = NULL, *none = NULL;

	for (unsigned i = 0; i < sizeof(key); i++)
		key[i] = (unsigned char)(0xc0 + 5 * i);
	assert_int_equal(0, ntlm_challenge(&s, 0, &challenge, NULL));
	assert_int_equal(0, ntlm_answer(&id, buf_str(&challenge), &o, &out, &client, NULL));
	assert_gone(needles, IN_CALLS, "after the answer");
	assert_int_equal(
		0, ntlm_accept(buf_str(&challenge), buf_str(&out), id.password, &server, NULL));
	assert_gone(needles, IN_CALLS, "after it was accepted");
	challenge.p[24] ^= 1; /* what was answered is another one */
	assert_int_equal(-FAIL_AUTH,
		ntlm_accept(buf_str(&challenge), buf_str(&out), id.password, &none, NULL));
	assert_gone(needles, IN_CALLS, "after another was refused");
	assert_pair(client, server);
	ntlm_free(client);
	ntlm_free(server);
	mem_wipe(key, sizeof(key));
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
	struct needle needles[NEEDLES];

	(void)state;
	needles_set(needles);
	for (unsigned weak = 0; weak < 2; weak++) {
		handshake(needles, weak);
		assert_gone(needles, NEEDLES, "at the end");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_finds),
		cmocka_unit_test(test_wiped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
