/* lib/serve/challenge_ms.h -- how an association comes to be: NTLM in three requests, Kerberos in
 * two. [MS-SIPAE] 3.3.5, microsoft-auth.md section 1.3. For lib/serve only. */
#ifndef SERVE_CHALLENGE_MS_H
#define SERVE_CHALLENGE_MS_H

#include "serve/pact.h"

/* The challenge that begins one: a header line. */
void challenge_ms_write(struct serve *s, enum serve_scheme scheme, bool proxy, struct buf *h);
/* m carries credentials of NTLM or Kerberos, and is not signed within an association. True: it ends
 * a handshake, and *user is who it is; else it has been answered. */
bool challenge_ms_passed(struct serve *s, struct transaction *t, struct sip_msg *m,
	const struct association_proof *proof, bool proxy, struct str *user);
void challenge_ms_done(struct serve *s);

#endif
