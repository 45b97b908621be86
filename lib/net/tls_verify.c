/* lib/net/tls_verify.c -- who is admitted: the chain (RFC 5280), the name (RFC 5922), the usage
 * (RFC 5924), the pin */
#include "net/tls_impl.h"

#include "base/buf.h"
#include "base/mem.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

static bool has_use(X509 *cert, const ASN1_OBJECT *use)
{
	EXTENDED_KEY_USAGE *uses = X509_get_ext_d2i(cert, NID_ext_key_usage, NULL, NULL);
	bool has = false;

	for (int i = 0; i < sk_ASN1_OBJECT_num(uses) && !has; i++)
		has = OBJ_cmp(sk_ASN1_OBJECT_value(uses, i), use) == 0;
	EXTENDED_KEY_USAGE_free(uses);
	return has;
}

/* RFC 5924 section 5: "If the certificate contains the id-kp-sipDomain EKU extension, then
 * implementations of this specification MUST consider the certificate acceptable for use as a SIP
 * certificate"; anyExtendedKeyUsage is local policy. OpenSSL looks for TLS server or client only.
 */
static bool for_sip(X509 *cert)
{
	const uint32_t tls = KU_DIGITAL_SIGNATURE | KU_KEY_ENCIPHERMENT | KU_KEY_AGREEMENT;
	ASN1_OBJECT *sip = OBJ_txt2obj("1.3.6.1.5.5.7.3.20", 1);
	bool ok = (X509_get_key_usage(cert) & tls) != 0 && sip &&
		  (has_use(cert, sip) || (X509_get_extended_key_usage(cert) & XKU_ANYEKU) != 0);

	ASN1_OBJECT_free(sip);
	return ok;
}

int net_tls_verify_chain(int ok, X509_STORE_CTX *store)
{
	int e = X509_STORE_CTX_get_error(store);

	if (ok)
		return 1;
	/* Revocation lists are used where the trust anchors come with them, and demanded nowhere.
	 */
	if (e == X509_V_ERR_UNABLE_TO_GET_CRL ||
		(e == X509_V_ERR_INVALID_PURPOSE && X509_STORE_CTX_get_error_depth(store) == 0 &&
			for_sip(X509_STORE_CTX_get_current_cert(store)))) {
		X509_STORE_CTX_set_error(store, X509_V_OK);
		return 1;
	}
	return 0;
}

static enum net_tls_reason reason_of(int e)
{
	switch (e) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return NET_TLS_EXPIRED;
	case X509_V_ERR_CERT_REVOKED:
		return NET_TLS_REVOKED;
	case X509_V_ERR_INVALID_PURPOSE:
		return NET_TLS_USAGE;
	default:
		return NET_TLS_UNTRUSTED;
	}
}

static bool chain_failed(struct net_tls_conn *c, int e)
{
	if (e == X509_V_OK)
		e = X509_V_ERR_UNSPECIFIED;
	c->reason = reason_of(e);
	if (c->tls->server)
		fail_set(&c->fail, -FAIL_TLS, "certificate of %s: %s", c->peer,
			X509_verify_cert_error_string(e));
	else
		fail_set(&c->fail, -FAIL_TLS, "certificate of %s (wanted %s): %s", c->peer,
			c->wanted, X509_verify_cert_error_string(e));
	return false;
}

static void set_identity(struct net_tls_conn *c, const struct net_tls_name *name)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(4096);

	net_tls_name_write(&b, name);
	mem_free(c->identity);
	c->identity = mem_strndup(buf_cstr(&b), b.n);
}

static bool name_failed(struct net_tls_conn *c, const struct net_tls_names *names)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(1 << 20);

	net_tls_names_write(&b, names);
	if (!names->count)
		buf_add_str(&b, STR("no host"));
	c->reason = c->tls->server ? NET_TLS_NOT_ALLOWED : NET_TLS_WRONG_NAME;
	if (c->tls->server)
		fail_set(&c->fail, -FAIL_TLS, "certificate of %s is for %s, which is not allowed",
			c->peer, buf_cstr(&b));
	else
		fail_set(&c->fail, -FAIL_TLS, "certificate of %s is for %s, wanted %s", c->peer,
			buf_cstr(&b), c->wanted);
	return false;
}

/* RFC 5922 section 7.3: the one identity that is the wanted host. */
static const struct net_tls_name *wanted(
	const struct net_tls_conn *c, const struct net_tls_names *names)
{
	return net_tls_names_find(names, str_of(c->wanted));
}

/* Section 7.4: "for each identity in the client certificate, the server searches for the identity
 * in the list of acceptable domains". */
static const struct net_tls_name *allowed(
	const struct net_tls_conn *c, const struct net_tls_names *names)
{
	for (size_t i = 0; i < names->count; i++)
		if (c->tls->allow_any || net_tls_allow_has(c->tls, &names->list[i]))
			return &names->list[i];
	return NULL;
}

static bool name_ok(struct net_tls_conn *c, X509 *cert)
{
	CLEANUP(net_tls_names_done) struct net_tls_names names;
	const struct net_tls_name *name;

	net_tls_names_get(cert, c->tls->server, &names);
	name = c->tls->server ? allowed(c, &names) : wanted(c, &names);
	if (name)
		set_identity(c, name);
	return name || (c->tls->server && c->tls->allow_any) || name_failed(c, &names);
}

/* TL-07 */
static bool uses_ok(struct net_tls_conn *c, X509 *cert)
{
	for (int i = 0; i < sk_ASN1_OBJECT_num(c->tls->ekus); i++) {
		const ASN1_OBJECT *use = sk_ASN1_OBJECT_value(c->tls->ekus, i);
		char oid[80];
		if (has_use(cert, use))
			continue;
		OBJ_obj2txt(oid, sizeof(oid), use, 1);
		c->reason = NET_TLS_USAGE;
		fail_set(&c->fail, -FAIL_TLS, "certificate of %s is not for the usage %s", c->peer,
			oid);
		return false;
	}
	return true;
}

void net_tls_verify_spki(X509 *cert, unsigned char out[NET_TLS_DIGEST])
{
	unsigned char *der = NULL;
	int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);
	struct str spki = { (const char *)der, n > 0 ? (size_t)n : 0 };

	hash_parts(HASH_SHA256, &spki, 1, out);
	OPENSSL_free(der);
}

static bool pin_ok(struct net_tls_conn *c, X509 *cert)
{
	unsigned char got[NET_TLS_DIGEST];

	if (c->tls->pin_count == 0)
		return true;
	net_tls_verify_spki(cert, got);
	for (size_t i = 0; i < c->tls->pin_count; i++)
		if (memcmp(c->tls->pins + i * NET_TLS_DIGEST, got, NET_TLS_DIGEST) == 0)
			return true;
	c->reason = NET_TLS_PIN;
	fail_set(&c->fail, -FAIL_TLS, "public key of %s does not match the pin", c->peer);
	return false;
}

/* Insecure leaves out the chain and the name; what was asked for by itself stays. */
static bool admitted(struct net_tls_conn *c, X509 *cert)
{
	return (c->tls->insecure || name_ok(c, cert)) && uses_ok(c, cert) && pin_ok(c, cert);
}

/* For the alert that OpenSSL makes of it. */
static int error_of(enum net_tls_reason r)
{
	return r == NET_TLS_WRONG_NAME ? X509_V_ERR_HOSTNAME_MISMATCH
	       : r == NET_TLS_USAGE    ? X509_V_ERR_INVALID_PURPOSE
				       : X509_V_ERR_CERT_REJECTED;
}

/* Everything is decided here, in the middle of the handshake, so that a peer that is refused gets
 * its alert and never a byte more. */
int net_tls_verify_peer(X509_STORE_CTX *store, void *arg)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct net_tls_conn *c = SSL_get_app_data(ssl);

	(void)arg;
	if (!c->tls->insecure && X509_verify_cert(store) <= 0) {
		chain_failed(c, X509_STORE_CTX_get_error(store));
		return 0;
	}
	if (!admitted(c, X509_STORE_CTX_get0_cert(store))) {
		X509_STORE_CTX_set_error(store, error_of(c->reason));
		return 0;
	}
	X509_STORE_CTX_set_error(store, X509_V_OK);
	return 1;
}

/* The chain was verified when the session began; time has passed, and the list of admitted names
 * may have changed. */
static bool still_ok(struct net_tls_conn *c, X509 *cert)
{
	long e = SSL_get_verify_result(c->ssl);
	int when = X509_cmp_timeframe(
		SSL_get0_param(c->ssl), X509_get0_notBefore(cert), X509_get0_notAfter(cert));

	if (e == X509_V_OK && when)
		e = when > 0 ? X509_V_ERR_CERT_HAS_EXPIRED : X509_V_ERR_CERT_NOT_YET_VALID;
	if (e != X509_V_OK && !c->tls->insecure)
		return chain_failed(c, (int)e);
	return admitted(c, cert);
}

bool net_tls_verify_finished(struct net_tls_conn *c)
{
	const struct net_tls *t = c->tls;
	X509 *cert = SSL_get0_peer_certificate(c->ssl);

	if (t->server && !t->mutual)
		return true;
	if (cert)
		return !SSL_session_reused(c->ssl) || still_ok(c, cert);
	/* A cipher without authentication, which takes a cipher list that asks for it. */
	if (t->insecure && t->pin_count == 0 && sk_ASN1_OBJECT_num(t->ekus) <= 0)
		return true;
	c->reason = NET_TLS_UNTRUSTED;
	fail_set(&c->fail, -FAIL_TLS, "%s presented no certificate", c->peer);
	return false;
}
