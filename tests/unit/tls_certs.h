/* tests/unit/tls_certs.h -- certificates of every wrong kind, into the working directory. Errors
 * abort: this is the rig, not the thing under test. */
#ifndef TLS_CERTS_H
#define TLS_CERTS_H

#include <assert.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* A subjectAltName; n counts what stands behind a NUL too. */
struct certs_san {
	int type; /* GEN_DNS, GEN_URI, GEN_IPADD (raw bytes); 0 ends a list */
	const char *p;
	size_t n;
};

/* clang-format off */
#define DNS(z) { GEN_DNS, (z), sizeof(z) - 1 }
#define URI(z) { GEN_URI, (z), sizeof(z) - 1 }
#define IP(z) { GEN_IPADD, (z), sizeof(z) - 1 }
/* clang-format on */

struct certs_spec {
	const char *file; /* FILE.pem and FILE.key */
	const char *cn;
	struct certs_san sans[4];
	const char *eku; /* of X509V3_EXT_conf_nid; NULL: no extension */
	int from_s, to_s; /* validity beside now; 0, 0: an hour ago until in an hour */
	const char *issuer; /* FILE of its CA; NULL: self-signed */
	bool ca, rsa;
	const char *password;
};

static inline void certs_check(bool ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "certs: %s\n", what);
		abort();
	}
}

static inline EVP_PKEY *certs_read_key(const char *file)
{
	char path[64];
	FILE *in;
	EVP_PKEY *key;

	snprintf(path, sizeof(path), "%s.key", file);
	in = fopen(path, "r");
	certs_check(in, path);
	key = PEM_read_PrivateKey(in, NULL, NULL, NULL);
	fclose(in);
	certs_check(key, path);
	return key;
}

static inline X509 *certs_read(const char *file)
{
	char path[64];
	FILE *in;
	X509 *cert;

	snprintf(path, sizeof(path), "%s.pem", file);
	in = fopen(path, "r");
	certs_check(in, path);
	cert = PEM_read_X509(in, NULL, NULL, NULL);
	fclose(in);
	certs_check(cert, path);
	return cert;
}

static inline void certs_add_sans(X509 *cert, const struct certs_san *sans)
{
	GENERAL_NAMES *list = GENERAL_NAMES_new();

	for (; sans->type; sans++) {
		GENERAL_NAME *g = GENERAL_NAME_new();
		ASN1_STRING *s = ASN1_STRING_type_new(
			sans->type == GEN_IPADD ? V_ASN1_OCTET_STRING : V_ASN1_IA5STRING);
		ASN1_STRING_set(s, sans->p, (int)sans->n);
		GENERAL_NAME_set0_value(g, sans->type, s);
		sk_GENERAL_NAME_push(list, g);
	}
	certs_check(X509_add1_ext_i2d(cert, NID_subject_alt_name, list, 0, 0) == 1, "names");
	GENERAL_NAMES_free(list);
}

static inline void certs_add_ext(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	certs_check(ext && X509_add_ext(cert, ext, -1), value);
	X509_EXTENSION_free(ext);
}

static inline void certs_write(const struct certs_spec *s, X509 *cert, EVP_PKEY *key)
{
	char path[64];
	FILE *out;

	snprintf(path, sizeof(path), "%s.pem", s->file);
	out = fopen(path, "w");
	certs_check(out && PEM_write_X509(out, cert) && fclose(out) == 0, path);
	snprintf(path, sizeof(path), "%s.key", s->file);
	out = fopen(path, "w");
	certs_check(out &&
			    PEM_write_PrivateKey(out, key, s->password ? EVP_aes_128_cbc() : NULL,
				    (const unsigned char *)s->password,
				    s->password ? (int)strlen(s->password) : 0, NULL, NULL) &&
			    fclose(out) == 0,
		path);
}

static inline void certs_make(const struct certs_spec *s)
{
	static long serial = 1;
	EVP_PKEY *key = s->rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
	EVP_PKEY *signer = s->issuer ? certs_read_key(s->issuer) : NULL;
	X509 *issuer = s->issuer ? certs_read(s->issuer) : NULL, *cert = X509_new();
	bool timed = s->from_s || s->to_s;

	certs_check(key && cert, "key");
	X509_set_version(cert, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), ++serial);
	X509_gmtime_adj(X509_getm_notBefore(cert), timed ? s->from_s : -3600);
	X509_gmtime_adj(X509_getm_notAfter(cert), timed ? s->to_s : 3600);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_UTF8,
		(const unsigned char *)(s->cn ? s->cn : s->file), -1, -1, 0);
	X509_set_issuer_name(cert, X509_get_subject_name(issuer ? issuer : cert));
	X509_set_pubkey(cert, key);
	if (s->ca)
		certs_add_ext(cert, NID_basic_constraints, "critical,CA:TRUE");
	if (s->sans[0].type)
		certs_add_sans(cert, s->sans);
	if (s->eku)
		certs_add_ext(cert, NID_ext_key_usage, s->eku);
	certs_check(X509_sign(cert, signer ? signer : key, EVP_sha256()), "signature");
	certs_write(s, cert, key);
	X509_free(cert);
	X509_free(issuer);
	EVP_PKEY_free(signer);
	EVP_PKEY_free(key);
}

/* ANCHOR + the revocation list of CA, which holds FILE, into OUT. */
static inline void certs_revoke(const char *ca, const char *file, const char *out)
{
	EVP_PKEY *key = certs_read_key(ca);
	X509 *issuer = certs_read(ca), *cert = certs_read(file);
	X509_CRL *crl = X509_CRL_new();
	X509_REVOKED *r = X509_REVOKED_new();
	ASN1_TIME *t = X509_gmtime_adj(NULL, -60);
	FILE *f = fopen(out, "w");

	certs_check(f, out);
	X509_CRL_set_version(crl, X509_CRL_VERSION_2);
	X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer));
	X509_CRL_set1_lastUpdate(crl, t);
	X509_REVOKED_set_serialNumber(r, X509_get_serialNumber(cert));
	X509_REVOKED_set_revocationDate(r, t);
	X509_CRL_add0_revoked(crl, r);
	X509_gmtime_adj(t, 3600);
	X509_CRL_set1_nextUpdate(crl, t);
	certs_check(X509_CRL_sort(crl) && X509_CRL_sign(crl, key, EVP_sha256()), "crl");
	certs_check(PEM_write_X509(f, issuer) && PEM_write_X509_CRL(f, crl), out);
	fclose(f);
	ASN1_TIME_free(t);
	X509_CRL_free(crl);
	X509_free(cert);
	X509_free(issuer);
	EVP_PKEY_free(key);
}

#endif
