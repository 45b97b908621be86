/* lib/net/tls_conn.c -- one TLS connection over a non-blocking socket */
#include "net/tls_impl.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"

#include <assert.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* The name that the certificate must have; SNI is that name too. RFC 5922 section 7.8: "to request
 * a certificate corresponding to the specific domain (from the SIP AUS)". */
static int set_name(struct net_tls_conn *c, struct str host, struct fail *f)
{
	struct str name = net_tls_host(c->tls->tls_name ? str_of(c->tls->tls_name) : host);
	unsigned char ip[16];

	host = net_tls_host(host);
	if (str_find(host, '\0') < host.n || host.n > 255 || name.n > 255)
		return fail_set(f, -FAIL_ARGUMENT, "not a host name for TLS");
	if (name.n == 0 && !c->tls->insecure)
		return fail_set(f, -FAIL_ARGUMENT, "no name to verify the TLS certificate with");
	c->host = mem_strndup(host.p, host.n);
	for (char *p = c->host; *p; p++)
		*p = str_lower(*p);
	c->wanted = mem_strndup(name.p, name.n);
	if (name.n && !net_tls_host_ip(name, ip)) {
		if (!SSL_set_tlsext_host_name(c->ssl, c->wanted))
			return fail_set(f, -FAIL_LOCAL, "TLS: %s", net_tls_alert_why());
		c->server_name = mem_strndup(name.p, name.n);
	}
	return 0;
}

static int set_up(struct net_tls_conn *c, int fd, struct str host, struct fail *f)
{
	ERR_clear_error();
	c->ssl = SSL_new(c->tls->ctx);
	if (!c->ssl || !SSL_set_fd(c->ssl, fd) || !SSL_set_app_data(c->ssl, c))
		return fail_set(f, -FAIL_LOCAL, "TLS: %s", net_tls_alert_why());
	if (!c->tls->server) {
		SSL_set_connect_state(c->ssl);
		return set_name(c, host, f);
	}
	SSL_set_accept_state(c->ssl);
	c->host = mem_strndup("", 0);
	c->wanted = mem_strndup("", 0);
	return 0;
}

int net_tls_conn_new(
	struct net_tls *t, int fd, struct str host, struct net_tls_conn **out, struct fail *f)
{
	struct net_tls_conn *c = MEM_NEW(struct net_tls_conn);
	int e;

	c->tls = net_tls_ref(t);
	e = set_up(c, fd, host, f);
	if (e) {
		net_tls_conn_free(c);
		return e;
	}
	*out = c;
	return 0;
}

void net_tls_conn_free(struct net_tls_conn *c)
{
	if (!c)
		return;
	/* Without this OpenSSL takes the session for spoilt. RFC 5246 section 7.2.1: "failure to
	 * properly close a connection no longer requires that a session not be resumed". */
	if (c->ssl && c->done && !c->dead)
		SSL_set_shutdown(c->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(c->ssl); /* the socket stays: SSL_set_fd does not own it */
	ERR_clear_error();
	net_tls_unref(c->tls);
	mem_free(c->host);
	mem_free(c->wanted);
	mem_free(c->identity);
	mem_free(c->server_name);
	mem_free(c->subject);
	mem_free(c);
}

static char *subject_line(X509 *cert)
{
	const unsigned long style = (XN_FLAG_ONELINE & ~XN_FLAG_SPC_EQ) & ~ASN1_STRFLGS_ESC_MSB;
	BIO *b = BIO_new(BIO_s_mem());
	char *line = NULL, *copy;
	long n = 0;

	if (b && X509_NAME_print_ex(b, X509_get_subject_name(cert), 0, style) >= 0)
		n = BIO_get_mem_data(b, &line);
	copy = mem_strndup(line, n > 0 ? (size_t)n : 0);
	BIO_free(b);
	return copy;
}

static void tell_certificate(struct net_tls_conn *c, X509 *cert)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(64);
	unsigned char digest[NET_TLS_DIGEST];
	struct tm tm;

	c->subject = subject_line(cert);
	net_tls_verify_spki(cert, digest);
	text_base64_encode(&b, (struct str){ (char *)digest, sizeof(digest) });
	snprintf(c->info.spki_sha256, sizeof(c->info.spki_sha256), "%s", buf_cstr(&b));
	if (ASN1_TIME_to_tm(X509_get0_notAfter(cert), &tm))
		strftime(c->info.not_after, sizeof(c->info.not_after), "%Y-%m-%dT%H:%M:%SZ", &tm);
}

static const char *or_empty(const char *z)
{
	return z ? z : "";
}

static void tell(struct net_tls_conn *c)
{
	struct net_tls_info *i = &c->info;
	X509 *cert = SSL_get0_peer_certificate(c->ssl);

	if (cert)
		tell_certificate(c, cert);
	if (c->tls->server) {
		struct str sni = str_of(SSL_get_servername(c->ssl, TLSEXT_NAMETYPE_host_name));
		c->server_name = mem_strndup(sni.p, sni.n);
	}
	i->version = SSL_get_version(c->ssl);
	i->cipher = SSL_get_cipher_name(c->ssl);
	i->server_name = or_empty(c->server_name);
	i->identity = or_empty(c->identity);
	i->subject = or_empty(c->subject);
	i->verified = c->tls->server ? c->tls->mutual : !c->tls->insecure;
	i->resumed = SSL_session_reused(c->ssl);
}

static void start(struct net_tls_conn *c, const char *peer_text)
{
	c->started = true;
	snprintf(c->peer, sizeof(c->peer), "%s", peer_text);
	if (!c->tls->server)
		net_tls_session_offer(c);
}

static enum net_io handshake_failed(struct net_tls_conn *c, struct fail *f)
{
	c->dead = true;
	if (!c->tls->server)
		net_tls_session_drop(c);
	ERR_clear_error();
	if (f)
		*f = c->fail;
	return NET_IO_FAILED;
}

enum net_io net_tls_handshake(struct net_tls_conn *c, const char *peer_text, struct fail *f)
{
	int ret, e;

	if (c->done)
		return NET_IO_DONE;
	if (c->dead)
		return handshake_failed(c, f);
	ERR_clear_error();
	if (!c->started)
		start(c, peer_text);
	errno = 0;
	ret = SSL_do_handshake(c->ssl);
	if (ret == 1) {
		if (!net_tls_verify_finished(c))
			return handshake_failed(c, f);
		c->done = true;
		tell(c);
		return NET_IO_DONE;
	}
	e = SSL_get_error(c->ssl, ret);
	if (e == SSL_ERROR_WANT_READ)
		return NET_IO_READ;
	if (e == SSL_ERROR_WANT_WRITE)
		return NET_IO_WRITE;
	net_tls_alert_handshake(c, e);
	return handshake_failed(c, f);
}

enum net_tls_reason net_tls_reason(const struct net_tls_conn *c)
{
	return c->reason;
}

/* What became of a read or a write that did not succeed. When the peer has closed, a write fails,
 * but the alert that says why is still to be read. */
static enum net_io unfinished(struct net_tls_conn *c, bool writing, int e, struct fail *f)
{
	switch (e) {
	case SSL_ERROR_WANT_READ:
		return NET_IO_READ;
	case SSL_ERROR_WANT_WRITE:
		return NET_IO_WRITE;
	case SSL_ERROR_ZERO_RETURN:
		return NET_IO_CLOSED;
	}
	c->dead = e != SSL_ERROR_SYSCALL || !writing;
	c->deaf = writing;
	net_tls_alert_io(c, e, f);
	ERR_clear_error();
	return NET_IO_FAILED;
}

static enum net_io is_dead(const struct net_tls_conn *c, struct fail *f)
{
	fail_set(f, -FAIL_STATE, "the TLS connection to %s has failed before", c->peer);
	return NET_IO_FAILED;
}

enum net_io net_tls_read(struct net_tls_conn *c, void *p, size_t cap, size_t *n, struct fail *f)
{
	int ret;

	assert(c->done && cap > 0);
	if (c->dead)
		return is_dead(c, f);
	ERR_clear_error();
	errno = 0;
	ret = SSL_read_ex(c->ssl, p, cap, n);
	if (ret != 1)
		return unfinished(c, false, SSL_get_error(c->ssl, ret), f);
	c->heard = true;
	return NET_IO_DONE;
}

enum net_io net_tls_write(
	struct net_tls_conn *c, const void *p, size_t len, size_t *n, struct fail *f)
{
	int ret;

	assert(c->done && len > 0);
	if (c->dead || c->deaf)
		return is_dead(c, f);
	ERR_clear_error();
	errno = 0;
	ret = SSL_write_ex(c->ssl, p, len, n);
	return ret == 1 ? NET_IO_DONE : unfinished(c, true, SSL_get_error(c->ssl, ret), f);
}

void net_tls_goodbye(struct net_tls_conn *c)
{
	if (!c->done || c->dead || c->deaf || (SSL_get_shutdown(c->ssl) & SSL_SENT_SHUTDOWN) != 0)
		return;
	ERR_clear_error();
	SSL_shutdown(c->ssl);
	ERR_clear_error();
}

const struct net_tls_info *net_tls_conn_info(const struct net_tls_conn *c)
{
	return &c->info;
}
