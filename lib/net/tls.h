/* lib/net/tls.h -- TLS over OpenSSL: contexts, verification as RFC 5922 and RFC 3261 section 26.3
 * want it, and one connection over a non-blocking socket. Nothing of OpenSSL is touched before the
 * first context is made. */
#ifndef NET_TLS_H
#define NET_TLS_H

#include "base/fail.h"
#include "base/str.h"
#include "base/trace.h"

struct net_tls; /* a context: many connections */
struct net_tls_conn; /* one connection */

struct net_tls_config {
	bool server;
	const char *cacert,
		*capath; /* trust anchors, with revocation lists if there are some; both NULL: the
			  * system's (client); a mutual server must have one of them */
	const char *cert,
		*key; /* PEM files; a server needs both, a client presents them when asked */
	struct str key_password; /* borrowed during the call only */
	const char *ciphers; /* TLS 1.2 list and TLS 1.3 suites alike; NULL: OpenSSL's default */
	const char *keylog; /* append NSS key log lines to this file */
	const char *tls_name; /* client: verify against this name in place of the host; SNI too */
	const char *pin; /* "sha256//BASE64[;sha256//...]" of the peer's SPKI; checked even when
			  * insecure; of servers only mutual ones */
	int min_version; /* 0 or 12: TLS 1.2; 13: TLS 1.3 */
	bool insecure; /* client: do not verify chain and name */

	bool mutual; /* server: a certificate of the client is required */
	const char *const *allow; /* mutual: exact names, ".suffix", or "any"; NULL-terminated */
	const char *const
		*ekus; /* OIDs that the peer's certificate must have, all of them, even when
			* insecure; of servers only mutual ones; NULL-terminated, NULL: none */
};

/* 0 and *out; -FAIL_LOCAL when a file cannot be read or does not fit, -FAIL_ARGUMENT for a bad pin,
 * cipher list, OID or name, and for what does not go together: nothing that is asked for goes
 * unchecked. */
int net_tls_new(const struct net_tls_config *config, struct net_tls **out, struct fail *f);
struct net_tls *net_tls_ref(struct net_tls *t);
void net_tls_unref(struct net_tls *t); /* NULL is fine */

/* Admits one more name to a mutual server context, for later handshakes only (TL-05, TL-06). False:
 * it was there. Only this very name: hosts of targets come here, so "any" and ".suffix" mean
 * nothing more. */
bool net_tls_allow(struct net_tls *t, const char *name);

/* What a finished handshake agreed on; texts live as long as the connection. */
struct net_tls_info {
	const char *version, *cipher;
	const char *server_name; /* SNI that was sent or received; "" when none */
	const char *identity; /* what matched: "DNS:example.com", "URI:sip:example.com",
			       * "IP:192.0.2.1", of incoming peers also "CN:example.com"; "" when
			       * nothing was verified */
	const char *subject; /* of the peer's certificate, one line; "" without certificate */
	char not_after[24]; /* "2027-02-01T00:00:00Z", "" without certificate */
	char spki_sha256[48]; /* base64, "" without certificate */
	bool verified;
	bool resumed;
};

/* Why a handshake was refused (TL-09). */
enum net_tls_reason {
	NET_TLS_OTHER,
	NET_TLS_NO_LOCAL_CERTIFICATE,
	NET_TLS_UNTRUSTED,
	NET_TLS_WRONG_NAME,
	NET_TLS_EXPIRED,
	NET_TLS_NEGOTIATION,
	NET_TLS_DISCONNECTED,
	NET_TLS_REVOKED,
	NET_TLS_USAGE,
	NET_TLS_PIN,
	NET_TLS_NOT_ALLOWED,
};

enum net_io {
	NET_IO_DONE, /* the step is complete; for reads and writes *n bytes moved */
	NET_IO_READ, /* again when the socket is readable */
	NET_IO_WRITE, /* again when it is writable */
	NET_IO_CLOSED, /* the peer ended in order */
	NET_IO_FAILED, /* f says why */
};

/* host: the name of the URI or of --server, never an SRV target (RFC 5922 section 7); an IP literal
 * is matched against iPAddress entries and sends no SNI. Empty for servers. The socket stays the
 * caller's. -FAIL_ARGUMENT when host is no name at all (a client that is insecure may have none).
 */
int net_tls_conn_new(
	struct net_tls *t, int fd, struct str host, struct net_tls_conn **out, struct fail *f);
void net_tls_conn_free(struct net_tls_conn *c); /* at once, no alert; NULL is fine */
/* Verification is part of the handshake: DONE means admitted. f names the peer and the cause, e.g.
 * "certificate of 192.0.2.10:5061 is for DNS:sip.example.net, wanted example.com" (peer_text:
 * "192.0.2.10:5061"). */
enum net_io net_tls_handshake(struct net_tls_conn *c, const char *peer_text, struct fail *f);
enum net_tls_reason net_tls_reason(const struct net_tls_conn *c);
/* In TLS 1.3 a server that does not take our certificate says so after our handshake: then the
 * first read fails with -FAIL_TLS, and net_tls_reason is set. cap and len are not 0. A write that
 * was not DONE is tried again with the same bytes and no fewer, at any address. Read until it is
 * not DONE: what is decrypted already makes no socket readable. After a write that FAILED a read
 * may still tell why. */
enum net_io net_tls_read(struct net_tls_conn *c, void *p, size_t cap, size_t *n, struct fail *f);
enum net_io net_tls_write(
	struct net_tls_conn *c, const void *p, size_t len, size_t *n, struct fail *f);
/* Sends close_notify once, does not wait. */
void net_tls_goodbye(struct net_tls_conn *c);
const struct net_tls_info *net_tls_conn_info(const struct net_tls_conn *c);
/* The context's name of its verification, part of the key under which connections may be reused
 * (A65). */
const char *net_tls_key(const struct net_tls *t);

/* A throw-away CA and a server certificate for the names (DNS names or IP literals) into dir:
 * ca.pem, server.pem, server.key; P-256, one day back to thirty days ahead. 0 or -FAIL_LOCAL. */
int net_tls_make_ca(const char *dir, const char *const *names, struct fail *f);

#endif
