/* tests/unit/ntlm_rig.h -- bytes in hex, and challenges to answer, for the tests of NTLM */
#ifndef NTLM_RIG_H
#define NTLM_RIG_H

#include "auth/ntlm_impl.h"
#include "auth/ntlm_text.h"
#include "base/base.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Bytes of their own for each text, so that sanitizers see what is read beyond them. */
struct bytes {
	unsigned char *p;
	size_t n;
};

static inline struct bytes unhex(const char *hex)
{
	size_t n = strlen(hex) / 2;
	struct bytes b = { malloc(n ? n : 1), n };

	if (!b.p || !text_unhex(str_of(hex), b.p, n))
		fail_msg("bad hex: %s", hex);
	return b;
}

static inline void bytes_done(struct bytes *b)
{
	free(b->p);
}

static inline struct str bytes_str(const struct bytes *b)
{
	return ntlm_bytes(b->p, b->n);
}

#define assert_hex(p, n, want) assert_bytes_are((p), (n), (want), __LINE__)
#define assert_key(p, want) assert_bytes_are((p), NTLM_KEY, (want), __LINE__)

static inline void assert_bytes_are(const void *p, size_t n, const char *want, int line)
{
	struct bytes b = unhex(want);
	char *hex = malloc(2 * n + 1);

	text_hex(hex, p, n);
	if (b.n != n || memcmp(b.p, p, n) != 0)
		fail_msg("line %d: got %s, want %s", line, hex, want);
	free(hex);
	bytes_done(&b);
}

/* Within a buffer of the test, which buf_done frees. */
static inline struct str utf16(struct buf *b, const char *text)
{
	buf_clear(b);
	buf_reserve(b, 1);
	assert_true(ntlm_text_write(b, str_of(text)));
	return buf_str(b);
}

/* Does the context of the client fit that of the server, both ways? */
static inline void assert_pair(struct ntlm *client, struct ntlm *server)
{
	static const struct str text = { "<NTLM><0a0b0c0d><1>", 19 };
	unsigned char mic[NTLM_MIC];

	ntlm_sign(client, text, mic);
	assert_true(ntlm_verify(server, text, ntlm_bytes(mic, sizeof(mic))));
	ntlm_sign(server, text, mic);
	assert_true(ntlm_verify(client, text, ntlm_bytes(mic, sizeof(mic))));
}

#endif
