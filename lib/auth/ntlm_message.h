/* lib/auth/ntlm_message.h -- CHALLENGE and AUTHENTICATE, [MS-NLMP] 2.2.1.2 and 2.2.1.3, and the
 * attributes of the target info, 2.2.2.1. The layout is libntlm's; the checks are ours. For
 * lib/auth/ntlm*.c and its tests. */
#ifndef AUTH_NTLM_MESSAGE_H
#define AUTH_NTLM_MESSAGE_H

#include "base/buf.h"
#include "base/fail.h"
#include "base/str.h"

#include <stdint.h>

enum ntlm_flag {
#define FLAG(id, value) NTLM_FLAG_##id = (int)(value),
#include "auth/ntlm_flags.def"
#undef FLAG
};
/* Without these there is no NTLM as SIP uses it. */
#define NTLM_ALWAYS                                                                                \
	((uint32_t)(NTLM_FLAG_UNICODE | NTLM_FLAG_SIGN | NTLM_FLAG_DATAGRAM | NTLM_FLAG_NTLM |     \
		    NTLM_FLAG_KEY_EXCH))
/* And without these it is weak. IDENTIFY is not among them: not every server says it. */
#define NTLM_STRONG                                                                                \
	((uint32_t)(NTLM_FLAG_EXTENDED_SESSIONSECURITY | NTLM_FLAG_TARGET_INFO | NTLM_FLAG_128))
/* Appends the names of these flags: "SIGN, 128". */
void ntlm_message_flags(uint32_t flags, struct buf *b);

/* Bytes of a message at most: what libntlm's structures hold. */
#define NTLM_MESSAGE_MAX 1072
#define NTLM_MIC_AT 72 /* where the MIC of an AUTHENTICATE stands */
/* 6.1.7601, revision 15, [MS-NLMP] 2.2.2.10: what an ordinary machine says */
#define NTLM_MESSAGE_VERSION                                                                       \
	{                                                                                          \
		6, 1, 0xb1, 0x1d, 0, 0, 0, 15                                                      \
	}
/* 100 ns since 1601, as in AV 7. */
void ntlm_message_time(uint64_t ms_since_1970, unsigned char out[8]);

struct ntlm_message_challenge {
	uint32_t flags;
	unsigned char challenge[8];
	struct str target, info; /* of the message; info ends behind its AV 0 */
};
/* -FAIL_PROTOCOL, -FAIL_LIMIT */
int ntlm_message_challenge_read(
	struct str bytes, struct ntlm_message_challenge *out, struct fail *f);
/* Appends; -FAIL_LIMIT. */
int ntlm_message_challenge_write(
	const struct ntlm_message_challenge *m, struct buf *out, struct fail *f);

struct ntlm_message_authenticate {
	uint32_t flags;
	struct str lm, nt, domain, user, workstation, key;
	unsigned char version[8]; /* written only */
	bool mic; /* room for it (zeros), or: there may be one */
};
/* -FAIL_PROTOCOL, also when it is too long */
int ntlm_message_authenticate_read(
	struct str bytes, struct ntlm_message_authenticate *out, struct fail *f);
int ntlm_message_authenticate_write(
	const struct ntlm_message_authenticate *m, struct buf *out, struct fail *f);

enum ntlm_av {
	NTLM_AV_END,
	NTLM_AV_NETBIOS_COMPUTER,
	NTLM_AV_NETBIOS_DOMAIN,
	NTLM_AV_DNS_COMPUTER,
	NTLM_AV_DNS_DOMAIN,
	NTLM_AV_DNS_TREE,
	NTLM_AV_FLAGS, /* 4 bytes */
	NTLM_AV_TIME, /* 8 bytes */
	NTLM_AV_KNOWN,
};
#define NTLM_AV_FLAGS_MIC 2 /* in the first byte of AV 6 */

/* Is s a list of attributes that ends with AV 0, none of the known ones twice, AV 6 and 7 with
 * their lengths? Then *n is its length with AV 0. */
bool ntlm_message_info_check(struct str s, size_t *n);
/* An attribute of a checked list. */
bool ntlm_message_info_get(struct str info, unsigned id, struct str *value);
void ntlm_message_info_add(struct buf *b, unsigned id, struct str value);

#endif
