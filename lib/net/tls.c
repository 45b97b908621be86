/* lib/net/tls.c -- a TLS context: protocol, ciphers, pins, the key log, callbacks */
#include "net/tls_impl.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

static bool all_null(const char *const *list)
{
	return !list || !list[0];
}

/* What cannot be checked must not be asked for: a condition that is never looked at admits all. */
static int check(const struct net_tls_config *g, struct fail *f)
{
	if (!g->cert != !g->key)
		return fail_set(f, -FAIL_ARGUMENT, "a TLS certificate and its key go together");
	if (g->server && !g->cert)
		return fail_set(f, -FAIL_ARGUMENT, "a TLS server needs a certificate and its key");
	if (g->server && g->mutual && !g->cacert && !g->capath)
		return fail_set(f, -FAIL_ARGUMENT, "mutual TLS needs trust anchors");
	if (g->server && !g->mutual && (g->pin || !all_null(g->ekus)))
		return fail_set(f, -FAIL_ARGUMENT, "a pin or usage of the peer needs mutual TLS");
	if (g->min_version != 0 && g->min_version != 12 && g->min_version != 13)
		return fail_set(f, -FAIL_ARGUMENT, "the lowest TLS version is 1.2 or 1.3");
	return 0;
}

static void set_protocol(struct net_tls *t, const struct net_tls_config *g)
{
	SSL_CTX_set_min_proto_version(
		t->ctx, g->min_version == 13 ? TLS1_3_VERSION : TLS1_2_VERSION);
	/* Many SIP servers close without close_notify; Content-Length frames the messages, so that
	 * a cut one is noticed. */
	SSL_CTX_set_options(t->ctx,
		SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_mode(t->ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
					 SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
					 SSL_MODE_RELEASE_BUFFERS);
}

/* TLS 1.3 has suites ("TLS_..."), which OpenSSL wants apart from the list of TLS 1.2. */
static int set_ciphers(struct net_tls *t, const char *ciphers, struct fail *f)
{
	CLEANUP(buf_done) struct buf suites = BUF_INIT(4096), list = BUF_INIT(4096);

	for (const char *p = ciphers; *p; p += strspn(p, ":, ")) {
		size_t n = strcspn(p, ":, ");
		struct buf *b = strncmp(p, "TLS_", 4) == 0 ? &suites : &list;
		if (b->n)
			buf_add_char(b, ':');
		buf_add(b, p, n);
		p += n;
	}
	if ((suites.n && !SSL_CTX_set_ciphersuites(t->ctx, buf_cstr(&suites))) ||
		(list.n && !SSL_CTX_set_cipher_list(t->ctx, buf_cstr(&list))) || suites.fail ||
		list.fail || (!suites.n && !list.n))
		return fail_set(f, -FAIL_ARGUMENT, "no such TLS ciphers: %s", ciphers);
	/* Nothing of TLS 1.2 was named, so it is not wanted. */
	if (!list.n)
		SSL_CTX_set_min_proto_version(t->ctx, TLS1_3_VERSION);
	return 0;
}

static int set_pins(struct net_tls *t, const char *pin, struct fail *f)
{
	CLEANUP(buf_done) struct buf digests = BUF_INIT(1024 * NET_TLS_DIGEST);
	const struct str scheme = STR("sha256//");
	struct str rest = str_of(pin), one;
	bool more;

	do {
		size_t before = digests.n;
		more = str_cut(rest, ';', &one, &rest);
		if (!more)
			one = rest;
		if (!str_starts(one, scheme) ||
			!text_base64_decode(&digests, str_sub(one, scheme.n, one.n)) ||
			digests.n - before != NET_TLS_DIGEST)
			return fail_set(f, -FAIL_ARGUMENT,
				"not a pin of the form sha256//BASE64: " STR_FMT, STR_ARG(one));
	} while (more);
	t->pin_count = digests.n / NET_TLS_DIGEST;
	t->pins = (unsigned char *)mem_strndup(digests.p, digests.n);
	return 0;
}

static int set_ekus(struct net_tls *t, const char *const *ekus, struct fail *f)
{
	t->ekus = sk_ASN1_OBJECT_new_null();
	for (; *ekus; ekus++) {
		ASN1_OBJECT *use = OBJ_txt2obj(*ekus, 1);
		if (!use)
			return fail_set(f, -FAIL_ARGUMENT, "not an OID: %s", *ekus);
		sk_ASN1_OBJECT_push(t->ekus, use);
	}
	return 0;
}

/* One write a line, so that several processes can append to the same file. */
static void on_keylog(const SSL *ssl, const char *line)
{
	const struct net_tls *t = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
	struct iovec parts[] = { { (void *)(uintptr_t)line, strlen(line) },
		{ (char[]){ "\n" }, 1 } };
	ssize_t n = writev(t->keylog, parts, ARRAY_LEN(parts));

	(void)n; /* a full disk is no reason to lose the call */
}

static int open_keylog(struct net_tls *t, const char *path, struct fail *f)
{
	t->keylog = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (t->keylog < 0)
		return fail_set(
			f, -FAIL_LOCAL, "cannot open key log %s: %s", path, fail_text(-errno));
	SSL_CTX_set_keylog_callback(t->ctx, on_keylog);
	return 0;
}

static int on_new_session(SSL *ssl, SSL_SESSION *session)
{
	net_tls_session_keep(SSL_get_app_data(ssl), session);
	return 1; /* the reference is ours now */
}

/* The server wants a certificate, and there is none that it would take. */
static int on_client_certificate(SSL *ssl, X509 **cert, EVP_PKEY **key)
{
	struct net_tls_conn *c = SSL_get_app_data(ssl);

	(void)cert;
	(void)key;
	c->asked = true;
	return 0;
}

static void set_callbacks(struct net_tls *t)
{
	int client = SSL_VERIFY_PEER; /* insecure too: the callback decides, and checks the pin */
	int server =
		t->mutual ? SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT : SSL_VERIFY_NONE;

	SSL_CTX_set_app_data(t->ctx, t);
	SSL_CTX_set_verify(t->ctx, t->server ? server : client, net_tls_verify_chain);
	SSL_CTX_set_cert_verify_callback(t->ctx, net_tls_verify_peer, NULL);
	if (t->server) {
		/* Tickets only: no peer can make us remember. */
		SSL_CTX_set_session_cache_mode(t->ctx, SSL_SESS_CACHE_OFF);
		SSL_CTX_set_session_id_context(t->ctx, (const unsigned char *)"sip", 3);
		return;
	}
	SSL_CTX_set_session_cache_mode(t->ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(t->ctx, on_new_session);
	SSL_CTX_set_client_cert_cb(t->ctx, on_client_certificate);
}

static void add_part(struct buf *b, const char *z)
{
	buf_add(b, z ? z : "", z ? strlen(z) + 1 : 1);
}

/* Everything that decides whom we trust and who we are; terminators keep the parts apart. */
static void set_key(struct net_tls *t, const struct net_tls_config *g)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(SIZE_MAX / 2);
	struct str all;

	buf_addf(&b, "%d %d %d %d", t->server, t->insecure, t->mutual, g->min_version);
	add_part(&b, "");
	add_part(&b, g->tls_name);
	add_part(&b, g->pin);
	add_part(&b, g->cacert);
	add_part(&b, g->capath);
	add_part(&b, g->cert);
	add_part(&b, g->key);
	add_part(&b, g->ciphers);
	for (const char *const *p = g->ekus; p && *p; p++)
		add_part(&b, *p);
	all = buf_str(&b);
	hash_hex(HASH_SHA256, &all, 1, t->key);
}

static int set_all(struct net_tls *t, const struct net_tls_config *g, struct fail *f)
{
	int e = 0;

	ERR_clear_error();
	t->ctx = SSL_CTX_new(t->server ? TLS_server_method() : TLS_client_method());
	if (!t->ctx)
		return fail_set(f, -FAIL_LOCAL, "TLS: %s", net_tls_alert_why());
	set_protocol(t, g);
	set_callbacks(t);
	set_key(t, g);
	if (g->ciphers)
		e = set_ciphers(t, g->ciphers, f);
	if (!e)
		e = net_tls_load_anchors(t, g, f);
	if (!e && g->cert)
		e = net_tls_load_certificate(t, g, f);
	if (!e && g->pin)
		e = set_pins(t, g->pin, f);
	if (!e && g->ekus)
		e = set_ekus(t, g->ekus, f);
	if (!e && t->mutual)
		e = net_tls_allow_init(t, g->allow, f);
	if (!e && g->keylog)
		e = open_keylog(t, g->keylog, f);
	return e;
}

int net_tls_new(const struct net_tls_config *config, struct net_tls **out, struct fail *f)
{
	struct net_tls *t;
	int e = check(config, f);

	if (e)
		return e;
	t = MEM_NEW(struct net_tls);
	t->refs = 1;
	t->server = config->server;
	t->mutual = config->server && config->mutual;
	t->insecure = !config->server && config->insecure;
	if (!t->server && config->tls_name)
		t->tls_name = mem_strndup(config->tls_name, strlen(config->tls_name));
	t->keylog = -1;
	list_init(&t->suffixes);
	list_init(&t->sessions);
	e = set_all(t, config, f);
	ERR_clear_error();
	if (e) {
		net_tls_unref(t);
		return e;
	}
	*out = t;
	return 0;
}

struct net_tls *net_tls_ref(struct net_tls *t)
{
	t->refs++;
	return t;
}

void net_tls_unref(struct net_tls *t)
{
	if (!t || --t->refs > 0)
		return;
	net_tls_session_done(t);
	net_tls_allow_done(t);
	SSL_CTX_free(t->ctx);
	sk_ASN1_OBJECT_pop_free(t->ekus, ASN1_OBJECT_free);
	if (t->keylog >= 0)
		close(t->keylog);
	mem_free(t->pins);
	mem_free(t->tls_name);
	mem_free(t);
}

const char *net_tls_key(const struct net_tls *t)
{
	return t->key;
}
