/* tests/peers/kerberos_mit.h -- MIT's own side of a context, straight at GSSAPI, without a line of
 * lib/auth: for kerberos_probe.c */
#ifndef KERBEROS_MIT_H
#define KERBEROS_MIT_H

#include <stdbool.h>
#include <stddef.h>

struct mit_bytes {
	char *p; /* malloc */
	size_t n;
};

struct mit;
/* Accepts with the default keytab, initiates for "sip@host" with the default cache; NULL, and why
 * on stderr. flags: further ones of gss_init_sec_context. */
struct mit *mit_accept(struct mit_bytes token);
struct mit *mit_initiate(const char *service, unsigned flags, struct mit_bytes *token);
void mit_free(struct mit *m);
const char *mit_peer(const struct mit *m); /* accepted: whose token it was */
struct mit_bytes mit_sign(struct mit *m, const char *text);
bool mit_verify(struct mit *m, const char *text, struct mit_bytes mic);
/* The session key. */
struct mit_bytes mit_key(struct mit *m);

#endif
