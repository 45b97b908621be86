/* lib/auth/ntlm.c -- a security context: its keys and its signatures, [MS-NLMP] 3.4.4 and 3.4.5
 *
 * Every message is signed with the same sequence number, so the RC4 stream starts anew for each. */
#include "auth/ntlm.h"

#include "auth/ntlm_impl.h"
#include "base/base.h"
#include "base/hash.h"
#include "base/mem.h"

#include <ntlm.h>
#include <string.h>

int ntlm_ready(struct fail *f)
{
	/* 1.6 mends CVE-2019-17455; the library that is loaded may be older than the one we were
	 * built with */
	if (!ntlm_check_version("1.6"))
		return fail_set(f, -FAIL_NOT_BUILT, "NTLM needs libntlm 1.6 or later");
	return ntlm_crypto_ready(f);
}

struct ntlm_identity ntlm_identity_of(struct str name, struct str password)
{
	struct ntlm_identity id = { .user = name, .domain = STR_EMPTY, .password = password };

	str_cut(name, '\\', &id.domain, &id.user);
	return id;
}

/* ---- keys */

/* from: "client-to-server" or its reverse; with its NUL, which is part of what is hashed. */
static void derive(struct ntlm_direction *d, const unsigned char exported[NTLM_KEY], uint32_t flags,
	const char *from)
{
	char sign[80], seal[80];
	size_t n = flags & NTLM_FLAG_128 ? 16 : flags & (uint32_t)NTLM_FLAG_56 ? 7 : 5;
	int sign_n =
		snprintf(sign, sizeof(sign), "session key to %s signing key magic constant", from);
	int seal_n =
		snprintf(seal, sizeof(seal), "session key to %s sealing key magic constant", from);
	const struct str sign_parts[] = { ntlm_bytes(exported, NTLM_KEY),
		ntlm_bytes(sign, (size_t)sign_n + 1) };
	const struct str seal_parts[] = { ntlm_bytes(exported, n),
		ntlm_bytes(seal, (size_t)seal_n + 1) };

	hash_parts(HASH_MD5, sign_parts, ARRAY_LEN(sign_parts), d->sign);
	hash_parts(HASH_MD5, seal_parts, ARRAY_LEN(seal_parts), d->seal);
	d->seal_len = NTLM_KEY;
}

struct ntlm *ntlm_new(const unsigned char exported[NTLM_KEY], uint32_t flags, bool server)
{
	struct ntlm *n = MEM_NEW(struct ntlm);
	struct ntlm_direction *client = server ? &n->theirs : &n->ours;
	struct ntlm_direction *other = server ? &n->ours : &n->theirs;

	n->sequence = NTLM_SEQUENCE;
	n->ess = flags & NTLM_FLAG_EXTENDED_SESSIONSECURITY;
	if (n->ess) {
		derive(client, exported, flags, "client-to-server");
		derive(other, exported, flags, "server-to-client");
	} else {
		/* LM_KEY, which would shorten it, is never agreed on */
		memcpy(client->seal, exported, NTLM_KEY);
		memcpy(other->seal, exported, NTLM_KEY);
		client->seal_len = other->seal_len = NTLM_KEY;
	}
	return n;
}

void ntlm_free(struct ntlm *n)
{
	if (!n)
		return;
	mem_wipe(n, sizeof(*n));
	mem_free(n);
}

/* ---- signatures: version 1, then 8 bytes, then the sequence number; or, without extended session
 * security, version 1, 4 bytes of anything, then 8 bytes that hold both */

static void put_le32(unsigned char out[4], uint32_t v)
{
	for (unsigned i = 0; i < 4; i++, v >>= 8)
		out[i] = (unsigned char)(v & 0xff);
}

static void sign_extended(const struct ntlm_direction *d, uint32_t sequence, struct str text,
	unsigned char mic[NTLM_MIC])
{
	unsigned char number[4], key[NTLM_KEY], sum[NTLM_KEY];
	const struct str key_parts[] = { ntlm_bytes(d->seal, d->seal_len),
		ntlm_bytes(number, sizeof(number)) };
	const struct str sum_parts[] = { ntlm_bytes(number, sizeof(number)), text };

	put_le32(number, sequence);
	/* [MS-NLMP] 3.4: without a connection the key of RC4 is made anew for each message */
	hash_parts(HASH_MD5, key_parts, ARRAY_LEN(key_parts), key);
	ntlm_crypto_hmac(d->sign, sum_parts, ARRAY_LEN(sum_parts), sum);
	ntlm_crypto_rc4(ntlm_bytes(key, sizeof(key)), ntlm_bytes(sum, 8), mic + 4);
	memcpy(mic + 12, number, sizeof(number));
	mem_wipe(key, sizeof(key));
	mem_wipe(sum, sizeof(sum));
}

static void sign_plain(const struct ntlm_direction *d, uint32_t sequence, struct str text,
	unsigned char mic[NTLM_MIC])
{
	unsigned char sum[12] = { 0 };

	put_le32(sum + 4, ntlm_crypto_crc32(text));
	put_le32(sum + 8, sequence);
	ntlm_crypto_rc4(ntlm_bytes(d->seal, d->seal_len), ntlm_bytes(sum, sizeof(sum)), sum);
	put_le32(mic + 4, 0);
	memcpy(mic + 8, sum + 4, 8);
	mem_wipe(sum, sizeof(sum));
}

static void sign(const struct ntlm *n, const struct ntlm_direction *d, struct str text,
	unsigned char mic[NTLM_MIC])
{
	put_le32(mic, 1);
	if (n->ess)
		sign_extended(d, n->sequence, text, mic);
	else
		sign_plain(d, n->sequence, text, mic);
}

void ntlm_sign(struct ntlm *n, struct str text, unsigned char mic[NTLM_MIC])
{
	sign(n, &n->ours, text, mic);
	mem_wipe_stack();
}

bool ntlm_verify(struct ntlm *n, struct str text, struct str mic)
{
	unsigned char want[NTLM_MIC];
	/* The 4 bytes of anything: real servers send what lay about in their memory there. */
	size_t skip = n->ess ? 0 : 4;
	bool good;

	if (mic.n != sizeof(want))
		return false;
	sign(n, &n->theirs, text, want);
	good = hash_equal(str_sub(mic, 0, 4), ntlm_bytes(want, 4));
	good &= hash_equal(str_sub(mic, 4 + skip, NTLM_MIC),
		ntlm_bytes(want + 4 + skip, sizeof(want) - 4 - skip));
	mem_wipe(want, sizeof(want));
	mem_wipe_stack();
	return good;
}
