/* lib/net/tls_ca.c -- a throw-away CA and one certificate of it. The key of the CA is never
 * written: nobody can sign another certificate that whoever trusts ca.pem would take. */
#include "net/tls_impl.h"

#include "base/mem.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <unistd.h>

#define DAY (24 * 60 * 60L)

static bool set_serial(X509 *cert)
{
	unsigned char n[16];
	BIGNUM *big;
	bool ok;

	text_random(n, sizeof(n));
	n[0] &= 0x7f; /* RFC 5280 section 4.1.2.2: "MUST be a positive integer" */
	n[0] |= 0x40;
	big = BN_bin2bn(n, sizeof(n), NULL);
	ok = big && BN_to_ASN1_INTEGER(big, X509_get_serialNumber(cert));
	BN_free(big);
	return ok;
}

static bool set_subject(X509 *cert, const char *cn)
{
	return X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
		(const unsigned char *)cn, -1, -1, 0);
}

static bool add_ext(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *ext;
	bool ok;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	ok = ext && X509_add_ext(cert, ext, -1);
	X509_EXTENSION_free(ext);
	return ok;
}

/* A certificate that lacks its names or its CA flag and the signature. */
static X509 *blank(const char *cn, EVP_PKEY *key, X509 *issuer)
{
	X509 *cert = X509_new();

	if (cert && X509_set_version(cert, X509_VERSION_3) && set_serial(cert) &&
		X509_gmtime_adj(X509_getm_notBefore(cert), -DAY) &&
		X509_gmtime_adj(X509_getm_notAfter(cert), 30 * DAY) && set_subject(cert, cn) &&
		X509_set_issuer_name(cert, X509_get_subject_name(issuer ? issuer : cert)) &&
		X509_set_pubkey(cert, key) &&
		add_ext(cert, issuer ? issuer : cert, NID_subject_key_identifier, "hash"))
		return cert;
	X509_free(cert);
	return NULL;
}

static X509 *make_ca(EVP_PKEY *key)
{
	X509 *ca = blank("rte throw-away CA", key, NULL);

	if (ca && add_ext(ca, ca, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
		add_ext(ca, ca, NID_key_usage, "critical,keyCertSign,cRLSign") &&
		X509_sign(ca, key, EVP_sha256()))
		return ca;
	X509_free(ca);
	return NULL;
}

static bool push_name(GENERAL_NAMES *names, int type, struct str text)
{
	GENERAL_NAME *g = GENERAL_NAME_new();
	ASN1_STRING *s =
		ASN1_STRING_type_new(type == GEN_IPADD ? V_ASN1_OCTET_STRING : V_ASN1_IA5STRING);

	if (g && s && ASN1_STRING_set(s, text.p, (int)text.n)) {
		GENERAL_NAME_set0_value(g, type, s);
		if (sk_GENERAL_NAME_push(names, g))
			return true;
		s = NULL; /* goes with g */
	}
	GENERAL_NAME_free(g);
	ASN1_STRING_free(s);
	return false;
}

/* A DNS name twice: RFC 5922 section 7.1 lets dNSName count only where no SIP URI is, and other
 * clients know no SIP URIs. */
static bool add_name(GENERAL_NAMES *names, struct str name)
{
	CLEANUP(buf_done) struct buf uri = BUF_INIT(512);
	unsigned char ip[16];
	size_t n = net_tls_host_ip(name, ip);

	if (n)
		return push_name(names, GEN_IPADD, (struct str){ (char *)ip, n });
	buf_addf(&uri, "sip:" STR_FMT, STR_ARG(name));
	return push_name(names, GEN_DNS, name) && push_name(names, GEN_URI, buf_str(&uri));
}

static bool add_names(X509 *cert, const char *const *names)
{
	GENERAL_NAMES *list = GENERAL_NAMES_new();
	bool ok = list;

	for (; ok && *names; names++)
		ok = add_name(list, net_tls_host(str_of(*names)));
	ok = ok && X509_add1_ext_i2d(cert, NID_subject_alt_name, list, 0, X509V3_ADD_DEFAULT) == 1;
	GENERAL_NAMES_free(list);
	return ok;
}

static X509 *make_server(const char *const *names, EVP_PKEY *key, X509 *ca, EVP_PKEY *ca_key)
{
	/* RFC 5280 appendix A: ub-common-name is 64 */
	const char *cn = strlen(names[0]) <= 64 ? names[0] : "rte throw-away server";
	X509 *cert = blank(cn, key, ca);

	if (cert && add_ext(cert, ca, NID_authority_key_identifier, "keyid") &&
		add_ext(cert, ca, NID_basic_constraints, "critical,CA:FALSE") &&
		add_ext(cert, ca, NID_key_usage, "critical,digitalSignature") &&
		/* RFC 5924 section 4.1: id-kp-sipDomain; the others for those who do not know it */
		add_ext(cert, ca, NID_ext_key_usage, "serverAuth,clientAuth,1.3.6.1.5.5.7.3.20") &&
		add_names(cert, names) && X509_sign(cert, ca_key, EVP_sha256()))
		return cert;
	X509_free(cert);
	return NULL;
}

/* A new file each time: neither a link nor the looser mode of an old file is followed. */
static BIO *create(const char *dir, const char *name, mode_t mode, struct fail *f)
{
	CLEANUP(buf_done) struct buf path = BUF_INIT(4096);
	const char *p;
	int fd;

	buf_addf(&path, "%s/%s", dir, name);
	p = buf_cstr(&path);
	if (path.fail || (unlink(p) < 0 && errno != ENOENT))
		fd = -1;
	else
		fd = open(p, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd < 0) {
		fail_set(f, -FAIL_LOCAL, "cannot write %s/%s: %s", dir, name,
			fail_text(path.fail ? path.fail : -errno));
		return NULL;
	}
	return BIO_new_fd(fd, BIO_CLOSE);
}

static int write_file(const char *dir, const char *name, X509 *cert, EVP_PKEY *key, struct fail *f)
{
	BIO *b = create(dir, name, key ? 0600 : 0644, f);
	int ok;

	if (!b)
		return -FAIL_LOCAL;
	ok = key ? PEM_write_bio_PrivateKey(b, key, NULL, NULL, 0, NULL, NULL)
		 : PEM_write_bio_X509(b, cert);
	BIO_free(b);
	if (!ok)
		return fail_set(f, -FAIL_LOCAL, "cannot write %s/%s", dir, name);
	return 0;
}

static int check_names(const char *const *names, struct fail *f)
{
	unsigned char ip[16];

	if (!names || !names[0])
		return fail_set(f, -FAIL_LOCAL, "a certificate needs a name");
	for (; *names; names++) {
		struct str host = net_tls_host(str_of(*names));
		if (!net_tls_host_is_name(host) && !net_tls_host_ip(host, ip))
			return fail_set(f, -FAIL_LOCAL, "not a host name: %s", *names);
	}
	return 0;
}

int net_tls_make_ca(const char *dir, const char *const *names, struct fail *f)
{
	EVP_PKEY *ca_key, *key;
	X509 *ca = NULL, *server = NULL;
	int e = check_names(names, f);

	if (e)
		return e;
	ERR_clear_error();
	ca_key = EVP_EC_gen("P-256");
	key = EVP_EC_gen("P-256");
	if (ca_key && key)
		ca = make_ca(ca_key);
	if (ca)
		server = make_server(names, key, ca, ca_key);
	if (!server)
		e = fail_set(f, -FAIL_LOCAL, "cannot make a certificate: %s", net_tls_alert_why());
	if (!e)
		e = write_file(dir, "ca.pem", ca, NULL, f);
	if (!e)
		e = write_file(dir, "server.pem", server, NULL, f);
	if (!e)
		e = write_file(dir, "server.key", NULL, key, f);
	X509_free(server);
	X509_free(ca);
	EVP_PKEY_free(key);
	EVP_PKEY_free(ca_key);
	ERR_clear_error();
	return e;
}
