/* lib/net/tls_load.c -- what a context reads: trust anchors with their revocation lists, our
 * certificate and its key */
#include "net/tls_impl.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>
#include <sys/stat.h>

/* Revocation lists that came with the anchors are used; a directory may have some. Servers name
 * the anchors to clients, which choose their certificate by them. */
static void use_anchors(struct net_tls *t, bool has_dir)
{
	X509_STORE *store = SSL_CTX_get_cert_store(t->ctx);
	STACK_OF(X509_OBJECT) *all = X509_STORE_get0_objects(store);
	bool crl = has_dir;

	for (int i = 0; i < sk_X509_OBJECT_num(all); i++) {
		X509_OBJECT *o = sk_X509_OBJECT_value(all, i);
		if (X509_OBJECT_get_type(o) == X509_LU_CRL)
			crl = true;
		else if (t->server && X509_OBJECT_get_type(o) == X509_LU_X509)
			SSL_CTX_add_client_CA(t->ctx, X509_OBJECT_get0_X509(o));
	}
	if (crl)
		X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
}

int net_tls_load_anchors(struct net_tls *t, const struct net_tls_config *g, struct fail *f)
{
	struct stat st;

	if (g->cacert && !SSL_CTX_load_verify_file(t->ctx, g->cacert))
		return fail_set(f, -FAIL_LOCAL, "cannot read trust anchors from %s: %s", g->cacert,
			net_tls_alert_why());
	if (g->capath && (stat(g->capath, &st) != 0 || !S_ISDIR(st.st_mode)))
		return fail_set(f, -FAIL_LOCAL, "not a directory of trust anchors: %s", g->capath);
	if (g->capath && !SSL_CTX_load_verify_dir(t->ctx, g->capath))
		return fail_set(f, -FAIL_LOCAL, "cannot read trust anchors from %s: %s", g->capath,
			net_tls_alert_why());
	if (!g->cacert && !g->capath && !t->server && !t->insecure)
		SSL_CTX_set_default_verify_paths(t->ctx);
	use_anchors(t, g->capath != NULL);
	return 0;
}

struct password {
	struct str text;
	bool asked;
};

/* Always installed, since OpenSSL asks on the terminal by itself otherwise. */
static int on_password(char *out, int size, int writing, void *arg)
{
	struct password *p = arg;

	(void)writing;
	p->asked = true;
	if (p->text.n == 0 || p->text.n > (size_t)size)
		return -1;
	memcpy(out, p->text.p, p->text.n);
	return (int)p->text.n;
}

static EVP_PKEY *read_key(const struct net_tls_config *g, struct fail *f)
{
	struct password password = { .text = g->key_password };
	BIO *file = BIO_new_file(g->key, "r");
	EVP_PKEY *key;

	if (!file) {
		fail_set(f, -FAIL_LOCAL, "cannot read key %s: %s", g->key, net_tls_alert_why());
		return NULL;
	}
	key = PEM_read_bio_PrivateKey(file, NULL, on_password, &password);
	BIO_free(file);
	if (!key && !password.asked)
		fail_set(f, -FAIL_LOCAL, "no private key in %s", g->key);
	else if (!key && password.text.n)
		fail_set(f, -FAIL_LOCAL, "the password does not open key %s", g->key);
	else if (!key)
		fail_set(f, -FAIL_LOCAL, "key %s needs a password", g->key);
	return key;
}

int net_tls_load_certificate(struct net_tls *t, const struct net_tls_config *g, struct fail *f)
{
	struct password none = { .text = STR_EMPTY };
	EVP_PKEY *key;
	int ok;

	SSL_CTX_set_default_passwd_cb(t->ctx, on_password);
	SSL_CTX_set_default_passwd_cb_userdata(t->ctx, &none);
	ok = SSL_CTX_use_certificate_chain_file(t->ctx, g->cert);
	SSL_CTX_set_default_passwd_cb_userdata(t->ctx, NULL); /* nothing reads PEM from here on */
	if (!ok)
		return fail_set(f, -FAIL_LOCAL, "cannot use certificate %s: %s", g->cert,
			net_tls_alert_why());
	key = read_key(g, f);
	if (!key)
		return -FAIL_LOCAL;
	/* The second call too: a key of another kind than the certificate's passes the first. */
	ok = SSL_CTX_use_PrivateKey(t->ctx, key) && SSL_CTX_check_private_key(t->ctx);
	EVP_PKEY_free(key);
	if (!ok)
		return fail_set(
			f, -FAIL_LOCAL, "key %s does not fit certificate %s", g->key, g->cert);
	return 0;
}
