/* lib/sip/challenge.h -- challenges, credentials and Authentication-Info as lists of parameters,
 * RFC 3261 sections 20.44, 20.7 and 20.6. What the parameters mean is lib/auth's. */
#ifndef SIP_CHALLENGE_H
#define SIP_CHALLENGE_H

#include "base/str.h"
#include "sip/param.h"

struct sip_challenge {
	struct str scheme; /* "Digest", "NTLM", "Kerberos" ... */
	struct str params; /* comma-separated name=value, blanks around */
};

/* WWW-Authenticate, Proxy-Authenticate, Authorization, Proxy-Authorization: a scheme and its
 * parameters. False when malformed: no scheme, a parameter without value, an unterminated quote, an
 * empty list element. */
bool sip_challenge_parse(struct str value, struct sip_challenge *out);
/* Authentication-Info: parameters without a scheme. */
bool sip_auth_info_parse(struct str value, struct str *params);
/* Steps through comma-separated parameters that one of the above has checked. */
bool sip_challenge_next(struct str *rest, struct sip_param *out);
/* Finds one by name; the first of several. */
bool sip_challenge_get(struct str params, const char *name, struct sip_param *out);

#endif
