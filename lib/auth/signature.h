/* lib/auth/signature.h -- what is signed of a message: [MS-SIP] 3.1.4.2 for version 2, [MS-SIPAE]
 * 3.2.5.2 for versions 3 and 4; microsoft-auth.md section 1.4 */
#ifndef AUTH_SIGNATURE_H
#define AUTH_SIGNATURE_H

#include "base/buf.h"
#include "sip/msg.h"

/* What does not stand in the message, but in the header field that carries the signature. */
struct signature {
	struct str scheme; /* "NTLM" "Kerberos" */
	unsigned version; /* 2, 3, 4 */
	struct str rand, num; /* crand and cnum, or srand and snum, as texts */
	struct str realm, targetname; /* what stands between their quotes; a Kerberos target keeps
				       * its "sip/" */
};

/* Appends the bytes that are signed: each value in <>, "<>" for what is absent, as it stands in the
 * message. */
void signature_text(const struct signature *s, const struct sip_msg *m, struct buf *out);

#endif
