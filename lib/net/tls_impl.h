/* lib/net/tls_impl.h -- what the files of TLS share; only tls.c and tls_*.c include this */
#ifndef NET_TLS_IMPL_H
#define NET_TLS_IMPL_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/map.h"
#include "net/tls.h"

#include <openssl/ssl.h>

#define NET_TLS_DIGEST 32 /* bytes of a SHA-256 */

struct net_tls {
	unsigned refs;
	SSL_CTX *ctx;
	bool server, mutual, insecure;
	char *tls_name; /* NULL: the host of each connection */
	unsigned char *pins; /* pin_count digests, one behind the other */
	size_t pin_count;
	struct stack_st_ASN1_OBJECT *ekus; /* STACK_OF */
	bool allow_any;
	struct list suffixes; /* of what .suffix admits */
	struct map names; /* of single names that are admitted */
	int keylog; /* file descriptor, -1: none */
	struct list sessions; /* client: oldest first */
	unsigned session_count;
	char key[2 * HASH_MAX + 1];
};

struct net_tls_conn {
	struct net_tls *tls;
	SSL *ssl;
	char *host; /* as given, lower case: the key of the session */
	char *wanted; /* what the certificate must name, bare; "" for servers */
	char peer[96];
	bool started, done, dead;
	bool asked; /* the server wanted a certificate and we had none */
	bool deaf; /* the peer takes no more bytes */
	bool heard; /* the peer has sent data */
	struct fail fail; /* of the handshake; code 0: none yet */
	enum net_tls_reason reason;
	char *identity, *server_name, *subject; /* NULL: none */
	struct net_tls_info info;
};

/* tls_names.c: the SIP identities of a certificate, RFC 5922 section 7.1, and IP addresses. */
enum net_tls_name_kind { NET_TLS_URI, NET_TLS_DNS, NET_TLS_IP, NET_TLS_CN };

struct net_tls_name {
	enum net_tls_name_kind kind;
	struct str text; /* the host; NET_TLS_IP: its 4 or 16 bytes */
};

struct net_tls_names {
	struct arena arena;
	struct net_tls_name *list;
	size_t count;
};

/* incoming: the common name counts when there is no subjectAltName. out is to be freed with _done.
 */
void net_tls_names_get(X509 *cert, bool incoming, struct net_tls_names *out);
void net_tls_names_done(struct net_tls_names *n);
/* The one that is the wanted host, or NULL. */
const struct net_tls_name *net_tls_names_find(const struct net_tls_names *n, struct str wanted);
/* "DNS:a.example, DNS:b.example, ..." fit for terminals, cut after about 150 bytes. b has room for
 * twice the bytes of any certificate. */
void net_tls_names_write(struct buf *b, const struct net_tls_names *n);
void net_tls_name_write(struct buf *b, const struct net_tls_name *n);
/* Without brackets, scope id and trailing dot. */
struct str net_tls_host(struct str s);
/* A host name of labels: no wildcard, no empty label. */
bool net_tls_host_is_name(struct str s);
/* 4 or 16 and the bytes when it is an IP literal; else 0. */
size_t net_tls_host_ip(struct str s, unsigned char out[16]);

/* tls_allow.c: the names of incoming peers that are admitted. */
int net_tls_allow_init(struct net_tls *t, const char *const *allow, struct fail *f);
void net_tls_allow_done(struct net_tls *t);
bool net_tls_allow_has(const struct net_tls *t, const struct net_tls_name *name);

/* tls_load.c */
int net_tls_load_anchors(struct net_tls *t, const struct net_tls_config *g, struct fail *f);
int net_tls_load_certificate(struct net_tls *t, const struct net_tls_config *g, struct fail *f);

/* tls_session.c: sessions to resume, by the host of the connection. */
void net_tls_session_offer(struct net_tls_conn *c);
/* Takes over the reference. */
void net_tls_session_keep(struct net_tls_conn *c, SSL_SESSION *session);
/* Forgets the one of this host: it led to a failure. */
void net_tls_session_drop(struct net_tls_conn *c);
void net_tls_session_done(struct net_tls *t);

/* tls_verify.c: the two callbacks of OpenSSL, and what they leave to us. */
int net_tls_verify_chain(int ok, X509_STORE_CTX *store);
int net_tls_verify_peer(X509_STORE_CTX *store, void *arg);
/* After the handshake: whether the peer is admitted, also when a session was resumed, which calls
 * neither of the callbacks. */
bool net_tls_verify_finished(struct net_tls_conn *c);
void net_tls_verify_spki(X509 *cert, unsigned char out[NET_TLS_DIGEST]);

/* tls_alert.c: why OpenSSL gave up, from its error queue; e is what SSL_get_error said. */
void net_tls_alert_handshake(struct net_tls_conn *c, int e);
void net_tls_alert_io(struct net_tls_conn *c, int e, struct fail *f);
/* The reason of the oldest error in the queue. Never NULL. */
const char *net_tls_alert_why(void);

#endif
