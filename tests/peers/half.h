/* tests/peers/half.h -- one half of a security association: with gss-ntlmssp or MIT's Kerberos, as
 * acceptor towards a client or as initiator towards a server. Without a line of rte's library. */
#ifndef HALF_H
#define HALF_H

#include "sip_text.h"

#include <stdbool.h>
#include <stddef.h>

enum half_scheme { HALF_NTLM, HALF_KERBEROS };
enum { HALF_TOKEN = 32768, HALF_MIC = 256 }; /* bytes of a token, of a signature */

struct half_token {
	unsigned char p[HALF_TOKEN];
	size_t n;
};

struct half;
void half_free(struct half *h); /* NULL is fine */

/* NTLM's acceptor is the module itself, which the mechglue does not start on an empty token. It
 * knows the users of NTLM_USER_FILE, Kerberos' the keys of KRB5_KTNAME. With NTLM_IDENTIFY in the
 * environment its challenge says NTLMSSP_NEGOTIATE_IDENTIFY, which pidgin-sipe insists on and
 * gss-ntlmssp leaves out; a client that proves the CHALLENGE by a MIC fails then. */
struct half *half_accept(enum half_scheme scheme);
/* With the password of user in the file of lines `DOMAIN:user:password`, as the environment
 * variable NTLM_USER_FILE names it. target is that of the challenge. NULL: why has been printed. */
struct half *half_initiate(enum half_scheme scheme, const char *user, const char *target);

/* The next leg: 1 goes on, 0 complete, -1 refused. out is empty when there is nothing to send. With
 * HALF_KEYS in the environment the session key is written to stderr when it is complete: `key
 * accepts|initiates HEX`. */
int half_step(struct half *h, const struct half_token *in, struct half_token *out);
/* The user's name without domain or realm, once an acceptor is complete. */
const char *half_user(const struct half *h);
/* Why the last step was refused. */
const char *half_reason(const struct half *h);

/* A signature in hexadecimal digits: out has 2 * HALF_MIC + 1 bytes. */
bool half_sign(struct half *h, const char *text, size_t n, char *out);
bool half_verify(struct half *h, const char *text, size_t n, struct view hex);

/* base64; false: too long, or none */
bool half_token_read(struct view base64, struct half_token *out);
void half_token_write(const struct half_token *t, char *out); /* 2 * HALF_TOKEN bytes */

#endif
