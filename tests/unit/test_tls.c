/* tests/unit/test_tls.c -- lib/net/tls*.c: who is admitted, what is said when not, and I/O under
 * bad conditions */
#include "base/buf.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/text.h"
#include "net/tls.h"
#include "net/tls_impl.h" /* for sessions and versions that the contract keeps to itself */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "tls_certs.h"

#define PEER "192.0.2.10:5061"
#define CLIENT "192.0.2.7:40152"
#define LIST(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* ---- two ends in one process ---- */

struct end {
	struct net_tls_conn *conn;
	int fd;
	enum net_io io;
	struct fail fail;
};

struct pair {
	struct net_tls *client_tls, *server_tls;
	struct end client, server;
};

static void nonblocking(int fd)
{
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
}

static void assert_no_errors_left(void)
{
	assert_int_equal(ERR_peek_error(), 0);
}

static struct net_tls *tls(const struct net_tls_config *config)
{
	struct net_tls *t = NULL;
	struct fail f = { 0 };

	if (net_tls_new(config, &t, &f))
		fail_msg("net_tls_new: %s", f.text);
	assert_no_errors_left();
	return t;
}

static struct net_tls *server_of(const char *cert)
{
	char pem[64], key[64];

	snprintf(pem, sizeof(pem), "%s.pem", cert);
	snprintf(key, sizeof(key), "%s.key", cert);
	return tls(&(struct net_tls_config){ .server = true, .cert = pem, .key = key });
}

static struct net_tls *client_of(const char *cacert)
{
	return tls(&(struct net_tls_config){ .cacert = cacert });
}

static bool shaken(const struct end *e)
{
	return e->io == NET_IO_DONE || e->io == NET_IO_FAILED;
}

static void shake(struct end *e, const char *peer)
{
	if (shaken(e))
		return;
	e->io = net_tls_handshake(e->conn, peer, &e->fail);
	assert_true(e->io != NET_IO_CLOSED);
	assert_no_errors_left();
	if (e->io == NET_IO_FAILED) /* as a flow does */
		shutdown(e->fd, SHUT_RDWR);
}

static void shake_both(struct pair *p)
{
	for (int i = 0; i < 100 && !(shaken(&p->client) && shaken(&p->server)); i++) {
		shake(&p->client, PEER);
		shake(&p->server, CLIENT);
	}
	assert_true(shaken(&p->client) && shaken(&p->server));
}

/* Takes over both contexts. */
static struct pair pair(struct net_tls *client, struct net_tls *server, const char *host)
{
	struct pair p = { .client_tls = client, .server_tls = server };
	int fd[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	nonblocking(fd[0]);
	nonblocking(fd[1]);
	p.client = (struct end){ .fd = fd[0], .io = NET_IO_WRITE };
	p.server = (struct end){ .fd = fd[1], .io = NET_IO_READ };
	assert_int_equal(net_tls_conn_new(client, fd[0], str_of(host), &p.client.conn, NULL), 0);
	assert_int_equal(net_tls_conn_new(server, fd[1], STR_EMPTY, &p.server.conn, NULL), 0);
	return p;
}

/* The sockets and connections go, the contexts stay. */
static void hang_up(struct pair *p)
{
	net_tls_conn_free(p->client.conn);
	net_tls_conn_free(p->server.conn);
	close(p->client.fd);
	close(p->server.fd);
}

static void done(struct pair *p)
{
	hang_up(p);
	net_tls_unref(p->client_tls);
	net_tls_unref(p->server_tls);
}

static struct pair handshake(struct net_tls *client, struct net_tls *server, const char *host)
{
	struct pair p = pair(client, server, host);
	shake_both(&p);
	return p;
}

static void assert_good(const struct pair *p)
{
	if (p->client.io != NET_IO_DONE || p->server.io != NET_IO_DONE)
		fail_msg("client: %s, server: %s", p->client.fail.text, p->server.fail.text);
}

static void assert_failed(const struct end *e, enum net_tls_reason reason, const char *text)
{
	if (e->io != NET_IO_FAILED)
		fail_msg("passed, although: %s", text);
	assert_string_equal(e->fail.text, text);
	assert_int_equal(e->fail.code, -FAIL_TLS);
	assert_int_equal(net_tls_reason(e->conn), reason);
}

static const struct net_tls_info *info(const struct end *e)
{
	return net_tls_conn_info(e->conn);
}

/* From one end to the other; what it takes of rounds. */
static void send_text(struct end *from, struct end *to, const char *text)
{
	char got[64];
	size_t n = 0;

	assert_int_equal(net_tls_write(from->conn, text, strlen(text), &n, NULL), NET_IO_DONE);
	assert_int_equal(n, strlen(text));
	assert_int_equal(net_tls_read(to->conn, got, sizeof(got), &n, NULL), NET_IO_DONE);
	assert_int_equal(n, strlen(text));
	assert_memory_equal(got, text, n);
	assert_no_errors_left();
}

/* ---- certificates ---- */

#define V4 "\xc0\x00\x02\x0a" /* 192.0.2.10 */
#define V6 "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"
#define SIP_DOMAIN "1.3.6.1.5.5.7.3.20"

static char dir[] = "/tmp/test_tls.XXXXXX";

/* clang-format off */
static const struct certs_spec certs[] = {
	{ "ca", .ca = true },
	{ "other-ca", .ca = true },
	{ "old-ca", .ca = true, .from_s = -7200, .to_s = -3600 },
	{ "middle", .issuer = "ca", .ca = true },
	{ "good", .issuer = "ca", .sans = { DNS("example.com"), DNS("www.example.com") } },
	{ "good2", .issuer = "ca", .sans = { DNS("example.com") } },
	{ "below", .issuer = "middle", .sans = { DNS("example.com") } },
	{ "self", .sans = { DNS("example.com") } },
	{ "wrong", .issuer = "ca", .sans = { DNS("sip.example.net") } },
	{ "expired", .issuer = "ca", .sans = { DNS("example.com") }, .from_s = -7200, .to_s = -60 },
	{ "future", .issuer = "ca", .sans = { DNS("example.com") }, .from_s = 600, .to_s = 7200 },
	{ "of-old", .issuer = "old-ca", .sans = { DNS("example.com") } },
	{ "rsa", .issuer = "ca", .rsa = true, .sans = { DNS("example.com") } },
	{ "locked", .issuer = "ca", .sans = { DNS("example.com") }, .password = "se cret" },
	{ "sip-only", .issuer = "ca", .sans = { DNS("example.com") }, .eku = SIP_DOMAIN },
	{ "any-use", .issuer = "ca", .sans = { DNS("example.com") }, .eku = "anyExtendedKeyUsage" },
	{ "mail", .issuer = "ca", .sans = { DNS("example.com") }, .eku = "emailProtection" },
	{ "web", .issuer = "ca", .sans = { DNS("example.com") }, .eku = "serverAuth" },
	{ "user", .issuer = "ca", .sans = { DNS("example.com") }, .eku = "clientAuth" },
	{ "both", .issuer = "ca", .sans = { DNS("example.com") },
		.eku = "serverAuth,clientAuth," SIP_DOMAIN },
	{ "host", .issuer = "ca", .sans = { DNS("a.example.com") } },
	{ "star", .issuer = "ca", .sans = { DNS("*.example.com"), DNS(".example.com") } },
	{ "nul-host", .issuer = "ca", .sans = { DNS("a\0.example.com") } },
	{ "cn", .issuer = "ca", .cn = "cn.example.com" },
	{ "cn-san", .issuer = "ca", .cn = "cn.example.com", .sans = { DNS("a.example.org") } },
	{ "cn-text", .issuer = "ca", .cn = "Example Corporation" },
	{ "domain", .issuer = "ca", .sans = { URI("sip:example.com") } },
	{ "address", .issuer = "ca", .sans = { IP(V4), IP(V6) } },
};
/* clang-format on */

static int make_certs(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN);
	if (!mkdtemp(dir) || chdir(dir) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(certs); i++)
		certs_make(&certs[i]);
	certs_revoke("ca", "good", "crl.pem");
	return 0;
}

static int remove_certs(void **state)
{
	char cmd[64];
	(void)state;
	snprintf(cmd, sizeof(cmd), "rm -r %s", dir);
	return chdir("/") < 0 || system(cmd) != 0;
}

/* ---- names, RFC 5922 sections 7.1 and 7.2 ---- */

/* clang-format off */
static const struct name_case {
	struct certs_san sans[4];
	const char *cn, *wanted;
	const char *identity; /* NULL: refused */
	const char *is_for;
} name_cases[] = {
	{ { DNS("example.com") }, .wanted = "example.com", .identity = "DNS:example.com" },
	{ { DNS("EXAMPLE.com") }, .wanted = "example.COM.", .identity = "DNS:EXAMPLE.com" },
	{ { DNS("a.example"), DNS("b.example") }, .wanted = "b.example",
		.identity = "DNS:b.example" },
	{ { DNS("sip.example.net") }, .wanted = "example.com", .is_for = "DNS:sip.example.net" },
	{ { DNS("www.example.com") }, .wanted = "example.com", .is_for = "DNS:www.example.com" },
	{ { DNS("example.com") }, .wanted = "www.example.com", .is_for = "DNS:example.com" },
	/* "For example, "*.example.com" matches only "*.example.com" but not "foo.example.com"" */
	{ { DNS("*.example.com") }, .wanted = "foo.example.com", .is_for = "DNS:*.example.com" },
	{ { DNS(".example.com") }, .wanted = "foo.example.com", .is_for = "DNS:.example.com" },
	{ { DNS("*") }, .wanted = "localhost", .is_for = "DNS:*" },
	/* embedded NUL (A66) */
	{ { DNS("example.com\0.attacker.net") }, .wanted = "example.com",
		.is_for = "DNS:example.com\\x00.attacker.net" },
	{ { DNS("example.com\0") }, .wanted = "example.com", .is_for = "DNS:example.com\\x00" },
	{ { URI("sip:example.com\0.attacker.net") }, .wanted = "example.com",
		.is_for = "URI:sip:example.com\\x00.attacker.net" },
	{ { DNS("") }, .wanted = "example.com", .is_for = "DNS:" },
	/* URI */
	{ { URI("sip:example.com") }, .wanted = "example.com", .identity = "URI:sip:example.com" },
	{ { URI("SIP:Example.Com") }, .wanted = "example.com", .identity = "URI:sip:Example.Com" },
	{ { URI("sip:example.com:5061;transport=tls?a=b") }, .wanted = "example.com",
		.identity = "URI:sip:example.com" },
	{ { URI("sip:alice@example.com") }, .wanted = "example.com", .is_for = "no host" },
	{ { URI("sip:example.com;a=@") }, .wanted = "example.com", .is_for = "no host" },
	{ { URI("sips:example.com") }, .wanted = "example.com", .is_for = "no host" },
	{ { URI("https://example.com") }, .wanted = "example.com", .is_for = "no host" },
	{ { URI("sip:*.example.com") }, .wanted = "a.example.com",
		.is_for = "URI:sip:*.example.com" },
	{ { URI("sip:") }, .wanted = "example.com", .is_for = "URI:sip:" },
	{ { URI("sip:[2001:db8::1]:5061") }, .wanted = "2001:db8::1",
		.is_for = "URI:sip:2001:db8::1" },
	{ { DNS("a.host.name.that.is.longer.than.any.ip.address.can.be.example") },
		.wanted = "a.host.name.that.is.longer.than.any.ip.address.can.be.example",
		.identity = "DNS:a.host.name.that.is.longer.than.any.ip.address.can.be.example" },
	{ { URI("sip:a.example"), URI("sip:b.example") }, .wanted = "b.example",
		.identity = "URI:sip:b.example" },
	/* dNSName "if and only if no other identity is found that matches the "sip" URI type" */
	{ { DNS("example.com"), URI("sip:example.net") }, .wanted = "example.com",
		.is_for = "URI:sip:example.net" },
	{ { URI("sip:alice@example.net"), DNS("example.com") }, .wanted = "example.com",
		.identity = "DNS:example.com" },
	{ { URI("sips:example.net"), DNS("example.com") }, .wanted = "example.com",
		.identity = "DNS:example.com" },
	/* never the common name of a server */
	{ { { 0 } }, .cn = "example.com", .wanted = "example.com", .is_for = "no host" },
	{ { DNS("example.net") }, .cn = "example.com", .wanted = "example.com",
		.is_for = "DNS:example.net" },
	/* addresses */
	{ { IP(V4) }, .wanted = "192.0.2.10", .identity = "IP:192.0.2.10" },
	{ { IP(V6) }, .wanted = "[2001:DB8::1]", .identity = "IP:2001:db8::1" },
	{ { IP(V6) }, .wanted = "2001:db8:0::1%eth0", .identity = "IP:2001:db8::1" },
	{ { IP(V4), URI("sip:example.com") }, .wanted = "192.0.2.10", .identity = "IP:192.0.2.10" },
	{ { DNS("192.0.2.10") }, .wanted = "192.0.2.10", .is_for = "DNS:192.0.2.10" },
	{ { URI("sip:192.0.2.10") }, .wanted = "192.0.2.10", .is_for = "URI:sip:192.0.2.10" },
	{ { { 0 } }, .cn = "192.0.2.10", .wanted = "192.0.2.10", .is_for = "no host" },
	{ { IP(V4) }, .wanted = "192.0.2.11", .is_for = "IP:192.0.2.10" },
	{ { IP(V4) }, .wanted = "example.com", .is_for = "IP:192.0.2.10" },
	{ { IP("test") }, .wanted = "test", .is_for = "IP:116.101.115.116" },
	{ { DNS(V4) }, .wanted = "192.0.2.10", .is_for = "DNS:\\xc0\\x00\\x02\\x0a" },
	{ { IP("\x2a") }, .wanted = "*", .is_for = "no host" },
};
/* clang-format on */

static void names(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(name_cases); i++) {
		const struct name_case *n = &name_cases[i];
		struct certs_spec spec = { "name", .issuer = "ca", .cn = n->cn };
		struct pair p;
		char text[240];

		memcpy(spec.sans, n->sans, sizeof(spec.sans));
		certs_make(&spec);
		p = handshake(client_of("ca.pem"), server_of("name"), n->wanted);
		if (n->identity) {
			assert_good(&p);
			assert_string_equal(info(&p.client)->identity, n->identity);
			assert_true(info(&p.client)->verified);
		} else {
			struct str bare = net_tls_host(str_of(n->wanted));
			snprintf(text, sizeof(text),
				"certificate of " PEER " is for %s, wanted " STR_FMT, n->is_for,
				STR_ARG(bare));
			assert_failed(&p.client, NET_TLS_WRONG_NAME, text);
			assert_int_equal(p.server.io, NET_IO_FAILED);
		}
		done(&p);
	}
}

static void long_names(void **state)
{
	char text[240];
	static char name[60000];
	struct certs_spec spec = { "name", .issuer = "ca",
		.sans = { DNS("a.example"), { GEN_DNS, name, sizeof(name) } } };
	struct pair p;

	(void)state;
	memset(name, 'a', sizeof(name));
	certs_make(&spec);
	p = handshake(client_of("ca.pem"), server_of("name"), "example.com");
	assert_failed(&p.client, NET_TLS_WRONG_NAME,
		"certificate of " PEER " is for DNS:a.example, ..., wanted example.com");
	done(&p);
	spec.sans[0] = spec.sans[1];
	memset(&spec.sans[1], 0, sizeof(spec.sans[1]));
	certs_make(&spec);
	p = handshake(client_of("ca.pem"), server_of("name"), "example.com");
	snprintf(text, sizeof(text),
		"certificate of " PEER " is for DNS:%.146s..., wanted example.com", name);
	assert_failed(&p.client, NET_TLS_WRONG_NAME, text);
	done(&p);
}

static void tls_name_replaces_the_host(void **state)
{
	struct net_tls_config g = { .cacert = "ca.pem", .tls_name = "example.com" };
	struct pair p = handshake(tls(&g), server_of("good"), "192.0.2.1");

	(void)state;
	assert_good(&p);
	assert_string_equal(info(&p.client)->identity, "DNS:example.com");
	assert_string_equal(info(&p.server)->server_name, "example.com");
	done(&p);
	g.tls_name = "example.org";
	p = handshake(tls(&g), server_of("good"), "example.com");
	assert_failed(&p.client, NET_TLS_WRONG_NAME,
		"certificate of " PEER
		" is for DNS:example.com, DNS:www.example.com, wanted example.org");
	done(&p);
}

static void server_name(void **state)
{
	struct pair p = handshake(client_of("ca.pem"), server_of("good"), "example.com.");

	(void)state;
	assert_good(&p);
	assert_string_equal(info(&p.client)->server_name, "example.com");
	assert_string_equal(info(&p.server)->server_name, "example.com");
	done(&p);
	p = handshake(client_of("ca.pem"), server_of("address"), "[2001:db8::1]");
	assert_good(&p);
	assert_string_equal(info(&p.client)->server_name, "");
	assert_string_equal(info(&p.server)->server_name, "");
	done(&p);
}

static void hosts_that_are_none(void **state)
{
	static const struct str bad[] = { { "", 0 }, { ".", 1 }, { "[]", 2 }, { "a\0b", 3 } };
	char big[300];
	struct net_tls *t = client_of("ca.pem");
	struct net_tls_conn *c = NULL;
	struct fail f = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(net_tls_conn_new(t, 0, bad[i], &c, &f), -FAIL_ARGUMENT);
	memset(big, 'a', sizeof(big));
	assert_int_equal(
		net_tls_conn_new(t, 0, (struct str){ big, sizeof(big) }, &c, &f), -FAIL_ARGUMENT);
	assert_null(c);
	net_tls_unref(t);
}

/* ---- chains and usages ---- */

static void chains(void **state)
{
	static const struct {
		const char *cert, *anchors;
		enum net_tls_reason reason;
		const char *why;
	} cases[] = {
		{ "expired", "ca.pem", NET_TLS_EXPIRED, "certificate has expired" },
		{ "future", "ca.pem", NET_TLS_EXPIRED, "certificate is not yet valid" },
		{ "of-old", "old-ca.pem", NET_TLS_EXPIRED, "certificate has expired" },
		{ "good", "other-ca.pem", NET_TLS_UNTRUSTED,
			"unable to get local issuer certificate" },
		{ "below", "ca.pem", NET_TLS_UNTRUSTED, "unable to get local issuer certificate" },
		{ "self", "ca.pem", NET_TLS_UNTRUSTED, "self-signed certificate" },
		{ "good", "crl.pem", NET_TLS_REVOKED, "certificate revoked" },
		{ "mail", "ca.pem", NET_TLS_USAGE, "unsuitable certificate purpose" },
		{ "user", "ca.pem", NET_TLS_USAGE, "unsuitable certificate purpose" },
		{ "good2", "crl.pem", NET_TLS_OTHER, NULL },
		{ "self", "self.pem", NET_TLS_OTHER, NULL },
		{ "web", "ca.pem", NET_TLS_OTHER, NULL },
		{ "rsa", "ca.pem", NET_TLS_OTHER, NULL },
		{ "sip-only", "ca.pem", NET_TLS_OTHER, NULL }, /* RFC 5924 section 5 */
		{ "any-use", "ca.pem", NET_TLS_OTHER, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct pair p = handshake(
			client_of(cases[i].anchors), server_of(cases[i].cert), "example.com");
		char text[240];
		snprintf(text, sizeof(text), "certificate of " PEER " (wanted example.com): %s",
			cases[i].why ? cases[i].why : "");
		if (cases[i].why)
			assert_failed(&p.client, cases[i].reason, text);
		else
			assert_good(&p);
		done(&p);
	}
}

static void peer_tells_why_it_refused(void **state)
{
	struct pair p = handshake(client_of("other-ca.pem"), server_of("good"), "example.com");

	(void)state;
	assert_failed(&p.server, NET_TLS_NEGOTIATION,
		CLIENT " refused our TLS handshake: unknown ca (alert 48)");
	done(&p);
	p = handshake(client_of("ca.pem"), server_of("wrong"), "example.com");
	assert_failed(&p.server, NET_TLS_NEGOTIATION,
		CLIENT " refused our TLS handshake: bad certificate (alert 42)");
	done(&p);
}

static void concat(const char *out, const char *a, const char *b)
{
	char cmd[200];
	snprintf(cmd, sizeof(cmd), "cat %s %s > %s", a, b, out);
	assert_int_equal(system(cmd), 0);
}

static void chain_file(void **state)
{
	struct pair p;

	(void)state;
	concat("chain.pem", "below.pem", "middle.pem");
	p = handshake(client_of("ca.pem"),
		tls(&(struct net_tls_config){
			.server = true, .cert = "chain.pem", .key = "below.key" }),
		"example.com");
	assert_good(&p);
	done(&p);
}

static void required_usages(void **state)
{
	struct net_tls_config g = { .cacert = "ca.pem",
		.ekus = LIST(SIP_DOMAIN, "1.3.6.1.5.5.7.3.1") };
	struct pair p = handshake(tls(&g), server_of("both"), "example.com");

	(void)state;
	assert_good(&p);
	done(&p);
	p = handshake(tls(&g), server_of("web"), "example.com");
	assert_failed(&p.client, NET_TLS_USAGE,
		"certificate of " PEER " is not for the usage " SIP_DOMAIN);
	done(&p);
	p = handshake(tls(&g), server_of("sip-only"), "example.com");
	assert_failed(&p.client, NET_TLS_USAGE,
		"certificate of " PEER " is not for the usage 1.3.6.1.5.5.7.3.1");
	done(&p);
	g.insecure = true; /* asked for by itself, so it stays */
	p = handshake(tls(&g), server_of("good"), "example.com");
	assert_failed(&p.client, NET_TLS_USAGE,
		"certificate of " PEER " is not for the usage " SIP_DOMAIN);
	done(&p);
}

/* ---- insecure and pins ---- */

static void insecure(void **state)
{
	struct pair p = handshake(
		tls(&(struct net_tls_config){ .insecure = true }), server_of("self"), "wrong.name");

	(void)state;
	assert_good(&p);
	assert_false(info(&p.client)->verified);
	assert_string_equal(info(&p.client)->identity, "");
	assert_string_equal(info(&p.client)->subject, "CN=self");
	assert_string_equal(info(&p.client)->server_name, "wrong.name");
	done(&p);
	p = handshake(tls(&(struct net_tls_config){ .insecure = true }), server_of("self"), "");
	assert_good(&p);
	done(&p);
}

/* openssl's own idea of the pin */
static void pin_of(const char *cert, char out[128])
{
	char cmd[300];
	FILE *in;

	snprintf(cmd, sizeof(cmd),
		"openssl x509 -in %s.pem -noout -pubkey | openssl pkey -pubin -outform DER | "
		"openssl dgst -sha256 -binary | openssl base64 -A",
		cert);
	in = popen(cmd, "r");
	assert_non_null(in);
	memcpy(out, "sha256//", 8);
	assert_non_null(fgets(out + 8, 100, in));
	pclose(in);
}

static void pins(void **state)
{
	char good[128], other[128], both[260];
	struct net_tls_config g = { .cacert = "ca.pem", .pin = good };
	struct pair p;

	(void)state;
	pin_of("good", good);
	pin_of("good2", other);
	snprintf(both, sizeof(both), "%s;%s", other, good);
	for (int i = 0; i < 2; i++, g.insecure = true) {
		g.pin = good;
		p = handshake(tls(&g), server_of("good"), "example.com");
		assert_good(&p);
		assert_string_equal(info(&p.client)->spki_sha256, good + 8);
		done(&p);
		g.pin = both;
		p = handshake(tls(&g), server_of("good"), "example.com");
		assert_good(&p);
		done(&p);
		g.pin = other;
		p = handshake(tls(&g), server_of("good"), "example.com");
		assert_failed(
			&p.client, NET_TLS_PIN, "public key of " PEER " does not match the pin");
		assert_int_equal(p.server.io, NET_IO_FAILED);
		done(&p);
	}
}

/* ---- what was agreed on ---- */

static void facts(void **state)
{
	struct pair p = handshake(client_of("ca.pem"), server_of("good"), "example.com");
	const struct net_tls_info *c = info(&p.client), *s = info(&p.server);
	X509 *cert = certs_read("good");
	struct tm tm;
	char when[24];

	(void)state;
	assert_good(&p);
	assert_string_equal(c->version, "TLSv1.3");
	assert_string_equal(c->cipher, "TLS_AES_256_GCM_SHA384");
	assert_string_equal(c->subject, "CN=good");
	ASN1_TIME_to_tm(X509_get0_notAfter(cert), &tm);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
	assert_string_equal(c->not_after, when);
	assert_int_equal(strlen(c->spki_sha256), 44);
	assert_true(c->verified && !c->resumed);
	assert_string_equal(s->version, "TLSv1.3");
	assert_string_equal(s->subject, "");
	assert_string_equal(s->identity, "");
	assert_string_equal(s->not_after, "");
	assert_string_equal(s->spki_sha256, "");
	assert_false(s->verified);
	send_text(&p.client, &p.server, "REGISTER");
	send_text(&p.server, &p.client, "200 OK");
	X509_free(cert);
	done(&p);
}

static void anonymous_servers(void **state)
{
	const char *list = "AECDH-AES128-SHA:@SECLEVEL=0";
	struct net_tls *server = tls(&(struct net_tls_config){
		.server = true, .cert = "good.pem", .key = "good.key", .ciphers = list });
	struct pair p;

	(void)state;
	SSL_CTX_set_max_proto_version(server->ctx, TLS1_2_VERSION);
	p = handshake(tls(&(struct net_tls_config){ .cacert = "ca.pem", .ciphers = list }), server,
		"example.com");
	assert_failed(&p.client, NET_TLS_UNTRUSTED, PEER " presented no certificate");
	hang_up(&p);
	net_tls_unref(p.client_tls);
	p = handshake(tls(&(struct net_tls_config){ .insecure = true, .ciphers = list }), server,
		"example.com");
	assert_good(&p);
	assert_string_equal(info(&p.client)->subject, "");
	done(&p);
}

static void versions(void **state)
{
	struct pair p = pair(client_of("ca.pem"), server_of("good"), "example.com");

	(void)state;
	hang_up(&p);
	SSL_CTX_set_max_proto_version(p.server_tls->ctx, TLS1_2_VERSION);
	p = handshake(p.client_tls, p.server_tls, "example.com");
	assert_good(&p);
	assert_string_equal(info(&p.client)->version, "TLSv1.2");
	hang_up(&p);
	net_tls_unref(p.client_tls);
	p = handshake(tls(&(struct net_tls_config){ .cacert = "ca.pem", .min_version = 13 }),
		p.server_tls, "example.com");
	assert_failed(&p.client, NET_TLS_NEGOTIATION,
		PEER " refused our TLS handshake: protocol version (alert 70)");
	assert_failed(&p.server, NET_TLS_NEGOTIATION,
		"TLS handshake with " CLIENT ": unsupported protocol");
	done(&p);
}

static void ciphers(void **state)
{
	static const struct {
		const char *ciphers, *version, *cipher;
	} cases[] = {
		{ "TLS_AES_128_GCM_SHA256", "TLSv1.3", "TLS_AES_128_GCM_SHA256" },
		{ "ECDHE-ECDSA-AES128-GCM-SHA256:TLS_CHACHA20_POLY1305_SHA256", "TLSv1.3",
			"TLS_CHACHA20_POLY1305_SHA256" },
		{ "ECDHE-ECDSA-AES128-GCM-SHA256", "TLSv1.3", "TLS_AES_256_GCM_SHA384" },
	};
	struct pair p;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		p = handshake(tls(&(struct net_tls_config){
				      .cacert = "ca.pem", .ciphers = cases[i].ciphers }),
			server_of("good"), "example.com");
		assert_good(&p);
		assert_string_equal(info(&p.client)->version, cases[i].version);
		assert_string_equal(info(&p.client)->cipher, cases[i].cipher);
		done(&p);
	}
	/* only suites of TLS 1.3: what TLS 1.2 would offer was not asked for */
	p = pair(tls(&(struct net_tls_config){
			 .cacert = "ca.pem", .ciphers = "TLS_AES_128_GCM_SHA256" }),
		server_of("good"), "example.com");
	hang_up(&p);
	SSL_CTX_set_max_proto_version(p.server_tls->ctx, TLS1_2_VERSION);
	p = handshake(p.client_tls, p.server_tls, "example.com");
	assert_int_equal(p.client.io, NET_IO_FAILED);
	done(&p);
}

/* ---- peers that do not play ---- */

static void plaintext(void **state)
{
	static const char *const hello[] = { "HTTP/1.1 400 Bad Request\r\n\r\n",
		"SIP/2.0 400 Bad Request\r\nContent-Length: 0\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n",
		"OPTIONS sip:example.com SIP/2.0\r\n\r\n", "GET / HTTP/1.1\r\n\r\n" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(hello); i++) {
		struct pair p = pair(client_of("ca.pem"), server_of("good"), "example.com");
		ssize_t n = (ssize_t)strlen(hello[i]);

		assert_int_equal(write(p.server.fd, hello[i], strlen(hello[i])), n);
		assert_int_equal(write(p.client.fd, hello[i], strlen(hello[i])), n);
		shake(&p.client, PEER);
		shake(&p.server, CLIENT);
		assert_failed(&p.client, NET_TLS_NEGOTIATION, PEER " does not speak TLS");
		assert_failed(&p.server, NET_TLS_NEGOTIATION, CLIENT " does not speak TLS");
		done(&p);
	}
}

static void unknown_alert(void **state)
{
	struct pair p = pair(client_of("ca.pem"), server_of("good"), "example.com");

	(void)state;
	shake(&p.client, PEER);
	assert_int_equal(write(p.server.fd, "\x15\x03\x03\x00\x02\x02\xc8", 7), 7);
	shake(&p.client, PEER);
	assert_failed(&p.client, NET_TLS_NEGOTIATION,
		PEER " refused our TLS handshake: unknown error (alert 200)");
	done(&p);
}

static void handshake_waits_for_room(void **state)
{
	struct pair p = pair(client_of("ca.pem"), server_of("good"), "example.com");
	char zeros[4096] = { 0 };
	ssize_t n, filled = 0;

	(void)state;
	while ((n = write(p.client.fd, zeros, sizeof(zeros))) > 0)
		filled += n;
	shake(&p.client, PEER);
	assert_int_equal(p.client.io, NET_IO_WRITE);
	for (; filled > 0; filled -= n)
		assert_true((n = read(p.server.fd, zeros, sizeof(zeros))) > 0);
	shake_both(&p);
	assert_good(&p);
	assert_int_equal(net_tls_handshake(p.client.conn, PEER, NULL), NET_IO_DONE); /* again */
	done(&p);
}

static void disconnected(void **state)
{
	struct pair p = pair(client_of("ca.pem"), server_of("good"), "example.com");

	(void)state;
	shake(&p.client, PEER);
	assert_int_equal(p.client.io, NET_IO_READ);
	shutdown(p.server.fd, SHUT_RDWR);
	shake(&p.client, PEER);
	assert_failed(&p.client, NET_TLS_DISCONNECTED,
		PEER " closed the connection during the TLS handshake");
	/* and it says so again */
	memset(&p.client.fail, 0, sizeof(p.client.fail));
	p.client.io = NET_IO_READ;
	shake(&p.client, PEER);
	assert_failed(&p.client, NET_TLS_DISCONNECTED,
		PEER " closed the connection during the TLS handshake");
	net_tls_goodbye(p.client.conn);
	done(&p);
}

/* A wire that carries so many bytes each way and then breaks; two socket pairs with us between. */
struct wire {
	int fd[2];
	size_t left[2];
	bool cut;
};

static size_t carry(struct wire *w, int from)
{
	char bytes[4096];
	size_t max = w->left[from] < sizeof(bytes) ? w->left[from] : sizeof(bytes);
	ssize_t n = max ? read(w->fd[from], bytes, max) : 0;

	if (n <= 0)
		return 0;
	w->left[from] -= (size_t)n;
	assert_int_equal(write(w->fd[!from], bytes, (size_t)n), n);
	return (size_t)n;
}

static int tcp_pair(int fd[2])
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(a);
	int l = socket(AF_INET, SOCK_STREAM, 0);

	if (l < 0 || bind(l, (struct sockaddr *)&a, n) || listen(l, 1) ||
		getsockname(l, (struct sockaddr *)&a, &n))
		return -1;
	fd[0] = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(fd[0], (struct sockaddr *)&a, n))
		return -1;
	fd[1] = accept(l, NULL, NULL);
	for (int i = 0; i < 2; i++)
		nonblocking(fd[i]);
	return close(l);
}

/* TCP: with zero linger time the close is a reset. */
static void hang(int fd, bool orderly)
{
	struct linger now = { 1, 0 };
	if (!orderly)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(fd);
}

struct cut {
	struct net_tls *client, *server;
	struct wire wire;
	struct end ends[2];
	size_t carried[2];
};

/* The handshake over a wire that breaks after so many bytes of one side. False: it did not break.
 */
static bool run_cut(struct cut *c, int side, size_t after, bool orderly)
{
	int a[2], b[2];

	assert_int_equal(tcp_pair(a) | tcp_pair(b), 0);
	c->wire = (struct wire){ { a[1], b[1] }, { SIZE_MAX, SIZE_MAX }, false };
	c->wire.left[side] = after;
	c->carried[0] = c->carried[1] = 0;
	c->ends[0] = (struct end){ .fd = a[0], .io = NET_IO_WRITE };
	c->ends[1] = (struct end){ .fd = b[0], .io = NET_IO_READ };
	assert_int_equal(
		net_tls_conn_new(c->client, a[0], STR("example.com"), &c->ends[0].conn, NULL), 0);
	assert_int_equal(net_tls_conn_new(c->server, b[0], STR_EMPTY, &c->ends[1].conn, NULL), 0);
	for (int i = 0; i < 200; i++) {
		shake(&c->ends[0], PEER);
		shake(&c->ends[1], CLIENT);
		if (shaken(&c->ends[0]) && shaken(&c->ends[1]))
			break;
		if (c->wire.cut)
			continue;
		c->carried[0] += carry(&c->wire, 0);
		c->carried[1] += carry(&c->wire, 1);
		if (c->wire.left[side] == 0) {
			for (int k = 0; k < 2; k++)
				hang(c->wire.fd[k], orderly);
			c->wire.cut = true;
		}
	}
	assert_true(shaken(&c->ends[0]) && shaken(&c->ends[1]));
	if (!c->wire.cut)
		for (int k = 0; k < 2; k++)
			close(c->wire.fd[k]);
	return c->wire.cut;
}

static void check_cut(struct cut *c)
{
	for (int k = 0; k < 2; k++) {
		struct end *e = &c->ends[k];
		if (e->io == NET_IO_FAILED) {
			assert_int_equal(net_tls_reason(e->conn), NET_TLS_DISCONNECTED);
			assert_int_equal(e->fail.code, -FAIL_TLS);
		}
	}
}

static void end_cut(struct cut *c)
{
	for (int k = 0; k < 2; k++) {
		net_tls_conn_free(c->ends[k].conn);
		close(c->ends[k].fd);
	}
}

static void cuts(struct cut *c, size_t step)
{
	size_t total[2];

	assert_false(run_cut(c, 0, SIZE_MAX, false));
	assert_int_equal(c->ends[0].io, NET_IO_DONE);
	assert_int_equal(c->ends[1].io, NET_IO_DONE);
	memcpy(total, c->carried, sizeof(total));
	end_cut(c);
	for (int side = 0; side < 2; side++) {
		for (size_t n = 1; n < total[side]; n += step) {
			run_cut(c, side, n, n % 2);
			check_cut(c);
			end_cut(c);
		}
	}
}

static void resets_at_every_stage(void **state)
{
	struct cut c = { .client = client_of("ca.pem"), .server = server_of("good") };

	(void)state;
	cuts(&c, 1);
	SSL_CTX_set_max_proto_version(c.client->ctx, TLS1_2_VERSION);
	cuts(&c, 1);
	net_tls_unref(c.client);
	net_tls_unref(c.server);
}

/* ---- data ---- */

/* Writes of 1 MB against a reader that takes little at a time: short writes both ways at once. */
static void one_megabyte(void **state)
{
	enum { SIZE = 1 << 20 };
	struct pair p = handshake(client_of("ca.pem"), server_of("good"), "example.com");
	struct end *ends[2] = { &p.client, &p.server };
	unsigned char *out = mem_alloc(SIZE), *copy = mem_alloc(SIZE),
		      *in[2] = { mem_alloc(SIZE), mem_alloc(SIZE) };
	size_t sent[2] = { 0 }, got[2] = { 0 }, n;
	unsigned blocked = 0, partial = 0;

	(void)state;
	text_random(out, SIZE);
	memcpy(copy, out, SIZE);
	for (int round = 0; round < 100000 && (got[0] < SIZE || got[1] < SIZE); round++) {
		for (int k = 0; k < 2; k++) {
			enum net_io io;
			while (sent[k] < SIZE) {
				io = net_tls_write(ends[k]->conn,
					(round % 2 ? copy : out) + sent[k], SIZE - sent[k], &n,
					NULL); /* the queue may move */
				if (io != NET_IO_DONE) {
					assert_int_equal(io, NET_IO_WRITE);
					blocked++;
					break;
				}
				sent[k] += n;
				partial += sent[k] < SIZE;
			}
			while (got[k] < SIZE && (io = net_tls_read(ends[k]->conn, in[k] + got[k],
							 777, &n, NULL)) == NET_IO_DONE)
				got[k] += n;
		}
	}
	assert_true(blocked > 1 && partial > 1);
	assert_memory_equal(in[0], out, SIZE);
	assert_memory_equal(in[1], out, SIZE);
	mem_free(out);
	mem_free(copy);
	mem_free(in[0]);
	mem_free(in[1]);
	done(&p);
}

static void endings(void **state)
{
	struct net_tls *client = client_of("ca.pem"), *server = server_of("good");
	struct pair p = handshake(client, server, "example.com");
	struct fail f = { 0 };
	char byte;
	size_t n;

	(void)state;
	assert_int_equal(net_tls_read(p.server.conn, &byte, 1, &n, &f), NET_IO_READ);
	net_tls_goodbye(p.client.conn);
	net_tls_goodbye(p.client.conn);
	assert_int_equal(net_tls_read(p.server.conn, &byte, 1, &n, &f), NET_IO_CLOSED);
	send_text(&p.server, &p.client, "the other direction is still open");
	hang_up(&p);
	/* without close_notify, as many servers do */
	p = handshake(client, server, "example.com");
	send_text(&p.server, &p.client, "last words");
	shutdown(p.server.fd, SHUT_WR);
	assert_int_equal(net_tls_read(p.client.conn, &byte, 1, &n, &f), NET_IO_CLOSED);
	hang_up(&p);
	assert_no_errors_left();
	net_tls_unref(client);
	net_tls_unref(server);
}

static void broken_records(void **state)
{
	static const char record[] = "\x17\x03\x03\x00\x20 no encrypted bytes here, really!!";
	struct pair p = handshake(client_of("ca.pem"), server_of("good"), "example.com");
	struct fail f = { 0 };
	char byte;
	size_t n;

	(void)state;
	assert_good(&p);
	send_text(&p.server, &p.client, "200 OK");
	assert_int_equal(write(p.client.fd, record, 5 + 32), 5 + 32);
	assert_int_equal(net_tls_read(p.server.conn, &byte, 1, &n, &f), NET_IO_FAILED);
	assert_string_equal(f.text, "TLS with " CLIENT ": decryption failed or bad record mac");
	assert_int_equal(f.code, -FAIL_TLS);
	assert_int_equal(net_tls_read(p.client.conn, &byte, 1, &n, &f), NET_IO_FAILED);
	assert_string_equal(f.text, PEER " ended TLS: bad record mac (alert 20)");
	assert_int_equal(f.code, -FAIL_TLS);
	assert_no_errors_left();
	done(&p);
}

static void reset_while_open(void **state)
{
	struct net_tls *client = client_of("ca.pem"), *server = server_of("good");
	struct end e[2] = { { .io = NET_IO_WRITE }, { .io = NET_IO_READ } };
	struct fail f = { 0 };
	char byte;
	size_t n;
	int fd[2];

	(void)state;
	assert_int_equal(tcp_pair(fd), 0);
	assert_int_equal(net_tls_conn_new(client, fd[0], STR("example.com"), &e[0].conn, NULL), 0);
	assert_int_equal(net_tls_conn_new(server, fd[1], STR_EMPTY, &e[1].conn, NULL), 0);
	for (int i = 0; i < 100 && !(shaken(&e[0]) && shaken(&e[1])); i++) {
		shake(&e[0], PEER);
		shake(&e[1], CLIENT);
	}
	hang(fd[1], false);
	while (net_tls_read(e[0].conn, &byte, 1, &n, &f) == NET_IO_READ)
		;
	assert_int_equal(f.code, -ECONNRESET);
	assert_string_equal(f.text, PEER ": Connection reset by peer");
	assert_int_equal(net_tls_read(e[0].conn, &byte, 1, &n, &f), NET_IO_FAILED);
	assert_int_equal(f.code, -FAIL_STATE);
	assert_int_equal(net_tls_write(e[0].conn, "x", 1, &n, &f), NET_IO_FAILED);
	net_tls_goodbye(e[0].conn);
	assert_no_errors_left();
	net_tls_conn_free(e[0].conn);
	net_tls_conn_free(e[1].conn);
	close(fd[0]);
	net_tls_unref(client);
	net_tls_unref(server);
}

/* ---- mutual TLS ---- */

static struct net_tls *mutual(const char *const *allow, const char *const *ekus)
{
	return tls(&(struct net_tls_config){ .server = true,
		.cert = "good.pem",
		.key = "good.key",
		.cacert = "ca.pem",
		.mutual = true,
		.allow = allow,
		.ekus = ekus });
}

static struct net_tls *client_with(const char *cert)
{
	char pem[64], key[64];

	snprintf(pem, sizeof(pem), "%s.pem", cert);
	snprintf(key, sizeof(key), "%s.key", cert);
	return tls(&(struct net_tls_config){ .cacert = "ca.pem", .cert = pem, .key = key });
}

static void allowed_names(void **state)
{
	static const struct {
		const char *cert, *allow, *identity, *is_for;
	} cases[] = {
		{ "host", "a.example.com", "DNS:a.example.com", NULL },
		{ "host", "A.Example.COM.", "DNS:a.example.com", NULL },
		{ "host", ".example.com", "DNS:a.example.com", NULL },
		{ "host", ".COM", "DNS:a.example.com", NULL },
		{ "host", "any", "DNS:a.example.com", NULL },
		{ "host", "example.com", NULL, "DNS:a.example.com" },
		{ "host", "b.example.com", NULL, "DNS:a.example.com" },
		{ "host", ".a.example.com", NULL, "DNS:a.example.com" },
		{ "host", ".xample.com", NULL, "DNS:a.example.com" },
		{ "domain", "example.com", "URI:sip:example.com", NULL },
		{ "address", "192.0.2.10", "IP:192.0.2.10", NULL },
		{ "address", "[2001:DB8:0::1]", "IP:2001:db8::1", NULL },
		{ "address", "192.0.2.11", NULL, "IP:192.0.2.10, IP:2001:db8::1" },
		/* no wildcard, no NUL */
		{ "star", ".example.com", NULL, "DNS:*.example.com, DNS:.example.com" },
		{ "nul-host", ".example.com", NULL, "DNS:a\\x00.example.com" },
		{ "nul-host", "a", NULL, "DNS:a\\x00.example.com" },
		/* the common name, where there is no subjectAltName (TL-04) */
		{ "cn", "cn.example.com", "CN:cn.example.com", NULL },
		{ "cn", ".example.com", "CN:cn.example.com", NULL },
		{ "cn-san", "cn.example.com", NULL, "DNS:a.example.org" },
		{ "cn-text", ".com", NULL, "no host" },
		{ "cn-text", "any", "", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct pair p = handshake(client_with(cases[i].cert),
			mutual(LIST("other.example", cases[i].allow), NULL), "example.com");
		char text[240];

		if (cases[i].identity) {
			assert_good(&p);
			assert_string_equal(info(&p.server)->identity, cases[i].identity);
			assert_true(info(&p.server)->verified);
			assert_int_equal(strlen(info(&p.server)->spki_sha256), 44);
		} else {
			snprintf(text, sizeof(text),
				"certificate of " CLIENT " is for %s, which is not allowed",
				cases[i].is_for);
			assert_failed(&p.server, NET_TLS_NOT_ALLOWED, text);
		}
		done(&p);
	}
}

static void default_of_the_list_is_this_host(void **state)
{
	char self[256];
	struct certs_spec spec = { "name", .issuer = "ca" };
	struct net_tls *server = mutual(NULL, NULL), *client;
	struct pair p;

	(void)state;
	assert_int_equal(gethostname(self, sizeof(self)), 0);
	spec.sans[0] = (struct certs_san){ GEN_DNS, self, strlen(self) };
	certs_make(&spec);
	p = handshake(client_with("name"), server, "example.com");
	assert_good(&p);
	hang_up(&p);
	net_tls_unref(p.client_tls);
	/* names may come later; a name is never a pattern */
	client = client_with("host");
	p = handshake(client, server, "example.com");
	assert_int_equal(p.server.io, NET_IO_FAILED);
	hang_up(&p);
	assert_true(net_tls_allow(server, "any"));
	assert_true(net_tls_allow(server, ".example.com"));
	p = handshake(client, server, "example.com");
	assert_int_equal(p.server.io, NET_IO_FAILED);
	hang_up(&p);
	assert_true(net_tls_allow(server, "A.example.com"));
	assert_false(net_tls_allow(server, "a.example.com."));
	p = handshake(client, server, "example.com");
	assert_good(&p);
	done(&p);
}

static void client_certificates(void **state)
{
	struct pair p = handshake(client_with("expired"), mutual(LIST("any"), NULL), "example.com");

	(void)state;
	assert_failed(
		&p.server, NET_TLS_EXPIRED, "certificate of " CLIENT ": certificate has expired");
	done(&p);
	p = handshake(client_with("self"), mutual(LIST("any"), NULL), "example.com");
	assert_failed(
		&p.server, NET_TLS_UNTRUSTED, "certificate of " CLIENT ": self-signed certificate");
	done(&p);
	p = handshake(client_with("web"), mutual(LIST("any"), NULL), "example.com");
	assert_failed(&p.server, NET_TLS_USAGE,
		"certificate of " CLIENT ": unsuitable certificate purpose");
	done(&p);
	p = handshake(client_with("sip-only"), mutual(LIST("any"), NULL), "example.com");
	assert_good(&p);
	done(&p);
	p = handshake(client_with("user"), mutual(LIST("any"), LIST(SIP_DOMAIN)), "example.com");
	assert_failed(&p.server, NET_TLS_USAGE,
		"certificate of " CLIENT " is not for the usage " SIP_DOMAIN);
	done(&p);
	p = handshake(client_with("both"), mutual(LIST("any"), LIST(SIP_DOMAIN)), "example.com");
	assert_good(&p);
	done(&p);
}

static void no_client_certificate(void **state)
{
	struct pair p = handshake(client_of("ca.pem"), mutual(LIST("any"), NULL), "example.com");
	struct fail f = { 0 };
	char byte;
	size_t n;

	(void)state;
	assert_failed(&p.server, NET_TLS_UNTRUSTED, CLIENT " presented no certificate");
	/* TLS 1.3: the client was through before that */
	assert_int_equal(p.client.io, NET_IO_DONE);
	assert_int_equal(net_tls_read(p.client.conn, &byte, 1, &n, &f), NET_IO_FAILED);
	assert_int_equal(f.code, -FAIL_TLS);
	assert_string_equal(
		f.text, PEER " refused our TLS handshake: certificate required (alert 116)");
	assert_int_equal(net_tls_reason(p.client.conn), NET_TLS_NO_LOCAL_CERTIFICATE);
	hang_up(&p);
	SSL_CTX_set_max_proto_version(p.client_tls->ctx, TLS1_2_VERSION);
	p = handshake(p.client_tls, p.server_tls, "example.com");
	assert_failed(&p.client, NET_TLS_NO_LOCAL_CERTIFICATE,
		PEER " refused our TLS handshake: handshake failure (alert 40)");
	done(&p);
}

/* What we said in the meantime failed; the alert is read all the same. */
static void refusal_behind_a_failed_write(void **state)
{
	struct net_tls *client = client_of("ca.pem"), *server = mutual(LIST("any"), NULL);
	struct end e[2] = { { .io = NET_IO_WRITE }, { .io = NET_IO_READ } };
	struct fail f = { 0 };
	char byte;
	size_t n;
	int fd[2];

	(void)state;
	assert_int_equal(tcp_pair(fd), 0);
	e[0].fd = fd[0];
	e[1].fd = fd[1];
	assert_int_equal(net_tls_conn_new(client, fd[0], STR("example.com"), &e[0].conn, NULL), 0);
	assert_int_equal(net_tls_conn_new(server, fd[1], STR_EMPTY, &e[1].conn, NULL), 0);
	while (!shaken(&e[0]) || !shaken(&e[1])) {
		shake(&e[0], PEER);
		shake(&e[1], CLIENT);
	}
	close(fd[1]);
	while (net_tls_write(e[0].conn, "REGISTER", 8, &n, &f) == NET_IO_DONE)
		;
	assert_true(f.code == -EPIPE || f.code == -ECONNRESET);
	assert_int_equal(net_tls_write(e[0].conn, "REGISTER", 8, &n, &f), NET_IO_FAILED);
	assert_int_equal(f.code, -FAIL_STATE);
	assert_int_equal(net_tls_read(e[0].conn, &byte, 1, &n, &f), NET_IO_FAILED);
	assert_string_equal(
		f.text, PEER " refused our TLS handshake: certificate required (alert 116)");
	net_tls_goodbye(e[0].conn);
	net_tls_conn_free(e[0].conn);
	net_tls_conn_free(e[1].conn);
	close(fd[0]);
	net_tls_unref(client);
	net_tls_unref(server);
}

static void client_certificate_only_when_asked(void **state)
{
	struct pair p = handshake(client_with("host"), server_of("good"), "example.com");

	(void)state;
	assert_good(&p);
	assert_string_equal(info(&p.server)->subject, "");
	done(&p);
}

/* ---- resumption ---- */

static struct pair and_talk(struct net_tls *client, struct net_tls *server, const char *host)
{
	struct pair p = handshake(client, server, host);
	assert_good(&p);
	send_text(&p.server, &p.client, "tickets of TLS 1.3 come before this");
	return p;
}

static void assert_resumed(
	struct net_tls *client, struct net_tls *server, const char *host, bool resumed)
{
	struct pair p = and_talk(client, server, host);

	assert_int_equal(info(&p.client)->resumed, resumed);
	assert_int_equal(info(&p.server)->resumed, resumed);
	assert_true(info(&p.client)->verified);
	assert_string_equal(info(&p.client)->subject, "CN=good");
	assert_memory_equal(info(&p.client)->identity, "DNS:", 4);
	hang_up(&p);
}

static void resumption(void **state)
{
	(void)state;
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		struct net_tls *client = client_of("ca.pem"), *other = client_of("ca.pem");
		struct net_tls *server = server_of("good");

		SSL_CTX_set_max_proto_version(server->ctx, version);
		assert_resumed(client, server, "example.com", false);
		assert_resumed(client, server, "example.com", true);
		assert_resumed(client, server, "Example.COM.", true);
		assert_resumed(client, server, "www.example.com", false);
		assert_resumed(other, server, "example.com", false);
		net_tls_unref(client);
		net_tls_unref(other);
		net_tls_unref(server);
	}
}

static void resumption_of_mutual(void **state)
{
	(void)state;
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		struct net_tls *client = client_with("host");
		struct net_tls *server = mutual(LIST("a.example.com"), NULL);
		struct pair p;

		SSL_CTX_set_max_proto_version(server->ctx, version);
		for (int i = 0; i < 2; i++) {
			p = and_talk(client, server, "example.com");
			assert_int_equal(info(&p.server)->resumed, i);
			assert_string_equal(info(&p.server)->identity, "DNS:a.example.com");
			assert_string_equal(info(&p.server)->subject, "CN=host");
			hang_up(&p);
		}
		/* the list is asked again */
		net_tls_allow_done(server);
		server->names = (struct map){ 0 };
		p = handshake(client, server, "example.com");
		assert_failed(&p.server, NET_TLS_NOT_ALLOWED,
			"certificate of " CLIENT " is for DNS:a.example.com, which is not allowed");
		done(&p);
	}
}

/* What a session was verified for does not count for another name (A65). */
static void resumed_sessions_are_verified_again(void **state)
{
	(void)state;
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		struct net_tls *client = client_of("ca.pem"), *server = server_of("good");
		struct pair p;

		SSL_CTX_set_max_proto_version(server->ctx, version);
		assert_resumed(client, server, "example.com", false);
		client->tls_name = mem_strndup("example.org", 11);
		p = handshake(client, server, "example.com");
		assert_failed(&p.client, NET_TLS_WRONG_NAME,
			"certificate of " PEER
			" is for DNS:example.com, DNS:www.example.com, wanted example.org");
		assert_int_equal(client->session_count, 0);
		done(&p);
	}
}

static void resumed_certificates_expire(void **state)
{
	struct net_tls *client = client_of("ca.pem"), *server = server_of("good");
	struct pair p;

	(void)state;
	assert_resumed(client, server, "example.com", false);
	X509_VERIFY_PARAM_set_time(SSL_CTX_get0_param(client->ctx), time(NULL) + 7200);
	p = handshake(client, server, "example.com");
	assert_failed(&p.client, NET_TLS_EXPIRED,
		"certificate of " PEER " (wanted example.com): certificate has expired");
	done(&p);
}

static void tickets_are_used_once(void **state)
{
	struct net_tls *client = client_of("ca.pem"), *server = server_of("good");
	struct pair first, second;

	(void)state;
	assert_resumed(client, server, "example.com", false);
	first = pair(client, server, "example.com");
	shake(&first.client, PEER);
	second = handshake(client, server, "example.com");
	shake_both(&first);
	assert_true(info(&first.client)->resumed);
	assert_false(info(&second.client)->resumed);
	hang_up(&first);
	done(&second);
}

static void sessions_are_bounded(void **state)
{
	struct net_tls *client = tls(&(struct net_tls_config){ .insecure = true });
	struct net_tls *server = server_of("good");

	(void)state;
	for (int i = 0; i < 80; i++) {
		char host[32];
		struct pair p;
		snprintf(host, sizeof(host), "host%d.example", i % 70);
		p = and_talk(client, server, host);
		hang_up(&p);
	}
	assert_int_equal(client->session_count, 64);
	net_tls_unref(client);
	net_tls_unref(server);
}

/* ---- files ---- */

static void assert_refused(const struct net_tls_config *g, int code, const char *text)
{
	struct net_tls *t = NULL;
	struct fail f = { 0 };

	assert_int_equal(net_tls_new(g, &t, &f), code);
	assert_string_equal(f.text, text);
	assert_int_equal(f.code, code);
	assert_null(t);
	assert_no_errors_left();
}

static void bad_files(void **state)
{
	struct net_tls_config server = { .server = true, .cert = "good.pem", .key = "good.key" };

	(void)state;
	assert_refused(&(struct net_tls_config){ .cacert = "none.pem" }, -FAIL_LOCAL,
		"cannot read trust anchors from none.pem: No such file or directory");
	assert_refused(&(struct net_tls_config){ .cacert = "good.key" }, -FAIL_LOCAL,
		"cannot read trust anchors from good.key: no certificate or crl found");
	assert_refused(&(struct net_tls_config){ .capath = "none" }, -FAIL_LOCAL,
		"not a directory of trust anchors: none");
	assert_refused(&(struct net_tls_config){ .keylog = "none/log" }, -FAIL_LOCAL,
		"cannot open key log none/log: No such file or directory");
	server.cert = "none.pem";
	assert_refused(
		&server, -FAIL_LOCAL, "cannot use certificate none.pem: No such file or directory");
	server.cert = "good.key";
	assert_refused(&server, -FAIL_LOCAL, "cannot use certificate good.key: no start line");
	server.cert = "good.pem";
	server.key = "none.key";
	assert_refused(&server, -FAIL_LOCAL, "cannot read key none.key: No such file or directory");
	server.key = "good.pem";
	assert_refused(&server, -FAIL_LOCAL, "no private key in good.pem");
	server.key = "good2.key";
	assert_refused(&server, -FAIL_LOCAL, "key good2.key does not fit certificate good.pem");
	server.key = "rsa.key";
	assert_refused(&server, -FAIL_LOCAL, "key rsa.key does not fit certificate good.pem");
}

static void key_passwords(void **state)
{
	struct net_tls_config g = { .server = true, .cert = "locked.pem", .key = "locked.key" };
	char big[2000];
	struct pair p;

	(void)state;
	assert_refused(&g, -FAIL_LOCAL, "key locked.key needs a password");
	g.key_password = STR("secret");
	assert_refused(&g, -FAIL_LOCAL, "the password does not open key locked.key");
	memset(big, 'a', sizeof(big));
	g.key_password = (struct str){ big, sizeof(big) };
	assert_refused(&g, -FAIL_LOCAL, "the password does not open key locked.key");
	g.key_password = str_sub(STR("se cret and more"), 0, 7);
	p = handshake(client_of("ca.pem"), tls(&g), "example.com");
	assert_good(&p);
	done(&p);
	g = (struct net_tls_config){ .server = true,
		.cert = "good.pem",
		.key = "good.key",
		.key_password = STR("not needed") };
	net_tls_unref(tls(&g));
}

static void bad_arguments(void **state)
{
	static const char *const bad_pins[] = { "", "sha256//", "sha1//AAAA", "sha256//AAAA",
		"sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=;",
		" sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
		"sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" };
	struct net_tls_config g = { .server = true, .cert = "good.pem", .key = "good.key" };
	struct net_tls *t = NULL;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad_pins); i++)
		assert_int_equal(
			net_tls_new(&(struct net_tls_config){ .pin = bad_pins[i] }, &t, NULL),
			-FAIL_ARGUMENT);
	assert_refused(&(struct net_tls_config){ .ciphers = "NONSENSE" }, -FAIL_ARGUMENT,
		"no such TLS ciphers: NONSENSE");
	assert_refused(&(struct net_tls_config){ .ciphers = "TLS_NONSENSE" }, -FAIL_ARGUMENT,
		"no such TLS ciphers: TLS_NONSENSE");
	assert_refused(&(struct net_tls_config){ .ciphers = ":" }, -FAIL_ARGUMENT,
		"no such TLS ciphers: :");
	assert_refused(&(struct net_tls_config){ .ekus = LIST("serverAuth") }, -FAIL_ARGUMENT,
		"not an OID: serverAuth");
	assert_refused(&(struct net_tls_config){ .min_version = 11 }, -FAIL_ARGUMENT,
		"the lowest TLS version is 1.2 or 1.3");
	assert_refused(&(struct net_tls_config){ .cert = "good.pem" }, -FAIL_ARGUMENT,
		"a TLS certificate and its key go together");
	assert_refused(&(struct net_tls_config){ .server = true }, -FAIL_ARGUMENT,
		"a TLS server needs a certificate and its key");
	g.ekus = LIST(SIP_DOMAIN);
	assert_refused(&g, -FAIL_ARGUMENT, "a pin or usage of the peer needs mutual TLS");
	g.mutual = true;
	assert_refused(&g, -FAIL_ARGUMENT, "mutual TLS needs trust anchors");
	g.cacert = "ca.pem";
	g.allow = LIST("*.example.com");
	assert_refused(&g, -FAIL_ARGUMENT, "not a host name, a .suffix or any: *.example.com");
	g.allow = LIST("a", "");
	assert_refused(&g, -FAIL_ARGUMENT, "not a host name, a .suffix or any: ");
	g.allow = LIST(".");
	assert_refused(&g, -FAIL_ARGUMENT, "not a host name, a .suffix or any: .");
	g.allow = LIST("..com");
	assert_refused(&g, -FAIL_ARGUMENT, "not a host name, a .suffix or any: ..com");
	assert_null(t);
}

static void anchors_by_directory(void **state)
{
	struct pair p;

	(void)state;
	assert_int_equal(mkdir("anchors", 0700), 0);
	assert_int_equal(system("cp ca.pem anchors/$(openssl x509 -hash -noout -in ca.pem).0"), 0);
	p = handshake(tls(&(struct net_tls_config){ .capath = "anchors" }), server_of("good"),
		"example.com");
	assert_good(&p);
	done(&p);
	/* crl.pem: the anchor too, which does no harm */
	assert_int_equal(
		system("cp crl.pem anchors/$(openssl x509 -hash -noout -in ca.pem).r0"), 0);
	p = handshake(tls(&(struct net_tls_config){ .capath = "anchors" }), server_of("good"),
		"example.com");
	assert_failed(&p.client, NET_TLS_REVOKED,
		"certificate of " PEER " (wanted example.com): certificate revoked");
	done(&p);
	/* those of the system do not know us */
	p = handshake(tls(&(struct net_tls_config){ 0 }), server_of("good"), "example.com");
	assert_int_equal(net_tls_reason(p.client.conn), NET_TLS_UNTRUSTED);
	done(&p);
}

static void keylog(void **state)
{
	struct net_tls_config g = { .cacert = "ca.pem", .keylog = "keys" };
	struct net_tls *client, *server = server_of("good");
	char line[300];
	unsigned lines = 0;
	struct stat st;
	FILE *in;

	(void)state;
	for (int i = 0; i < 2; i++) { /* the second one appends */
		struct pair p;
		client = tls(&g);
		assert_int_equal(stat("keys", &st), 0); /* from the start */
		assert_int_equal(st.st_mode & 0777, 0600);
		p = handshake(client, server, "example.com");
		assert_good(&p);
		hang_up(&p);
		net_tls_unref(client);
	}
	in = fopen("keys", "r");
	assert_non_null(in);
	for (; fgets(line, sizeof(line), in); lines++) {
		struct str rest = str_of(line), label, random;
		assert_true(
			str_cut(rest, ' ', &label, &rest) && str_cut(rest, ' ', &random, &rest));
		assert_int_equal(random.n, 64);
		assert_true(str_ends(rest, STR("\n")) && rest.n > 64);
	}
	fclose(in);
	assert_int_equal(lines, 2 * 5);
	net_tls_unref(server);
}

static void keys(void **state)
{
	struct net_tls_config g[] = {
		{ .cacert = "ca.pem" },
		{ .cacert = "other-ca.pem" },
		{ .cacert = "ca.pem", .tls_name = "example.com" },
		{ .cacert = "ca.pem", .insecure = true },
		{ .cacert = "ca.pem", .min_version = 13 },
		{ .cacert = "ca.pem", .cert = "good.pem", .key = "good.key" },
		{ .cacert = "ca.pem", .cert = "good2.pem", .key = "good2.key" },
		{ .cacert = "ca.pem", .ekus = LIST(SIP_DOMAIN) },
		{ .cacert = "ca.pem",
			.pin = "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=" },
	};
	struct net_tls *t[ARRAY_LEN(g)], *again = client_of("ca.pem");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(g); i++)
		t[i] = tls(&g[i]);
	assert_string_equal(net_tls_key(t[0]), net_tls_key(again));
	for (size_t i = 0; i < ARRAY_LEN(g); i++)
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(net_tls_key(t[i]), net_tls_key(t[k]));
	for (size_t i = 0; i < ARRAY_LEN(g); i++)
		net_tls_unref(t[i]);
	net_tls_unref(again);
	net_tls_unref(NULL);
	net_tls_conn_free(NULL);
}

/* ---- the throw-away CA ---- */

static void make_ca(void **state)
{
	static const char *const hosts[] = { "test.invalid", "127.0.0.1", "::1" };
	struct net_tls_config server = {
		.server = true, .cert = "tmp/server.pem", .key = "tmp/server.key"
	};
	struct fail f = { 0 };
	struct stat st;

	(void)state;
	assert_int_equal(mkdir("tmp", 0700), 0);
	assert_int_equal(symlink("../ca.pem", "tmp/server.key"), 0);
	for (int i = 0; i < 2; i++) /* again in the same place */
		assert_int_equal(net_tls_make_ca("tmp", LIST(hosts[0], hosts[1], hosts[2]), &f), 0);
	assert_int_equal(lstat("tmp/server.key", &st), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0600);
	assert_int_equal(system("openssl verify -x509_strict -purpose sslserver -CAfile "
				"tmp/ca.pem tmp/server.pem >verified 2>&1"),
		0);
	for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
		struct pair p = handshake(client_of("tmp/ca.pem"), tls(&server), hosts[i]);
		assert_good(&p);
		assert_string_equal(info(&p.client)->identity, i == 0   ? "URI:sip:test.invalid"
							       : i == 1 ? "IP:127.0.0.1"
									: "IP:::1");
		assert_string_equal(info(&p.client)->subject, "CN=test.invalid");
		done(&p);
	}
	assert_int_equal(net_tls_make_ca("nowhere", LIST("a"), &f), -FAIL_LOCAL);
	assert_string_equal(f.text, "cannot write nowhere/ca.pem: No such file or directory");
	assert_int_equal(net_tls_make_ca("tmp", LIST("a b"), &f), -FAIL_LOCAL);
	assert_string_equal(f.text, "not a host name: a b");
	assert_int_equal(net_tls_make_ca("tmp", LIST("*.a"), &f), -FAIL_LOCAL);
	assert_int_equal(net_tls_make_ca("tmp", (const char *const[]){ NULL }, &f), -FAIL_LOCAL);
	assert_no_errors_left();
}

/* ---- a foreign peer: openssl's own programs ---- */

struct child {
	pid_t pid;
	FILE *in, *out; /* its stdin and stdout */
};

static struct child spawn(const char *const *argv)
{
	extern char **environ;
	posix_spawn_file_actions_t fa;
	struct child c;
	int in[2], out[2];

	assert_int_equal(pipe(in) | pipe(out), 0);
	fcntl(in[1], F_SETFD, FD_CLOEXEC); /* or the child never sees the end */
	fcntl(out[0], F_SETFD, FD_CLOEXEC);
	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_adddup2(&fa, in[0], 0);
	posix_spawn_file_actions_adddup2(&fa, out[1], 1);
	posix_spawn_file_actions_adddup2(&fa, out[1], 2);
	assert_int_equal(
		posix_spawnp(&c.pid, argv[0], &fa, NULL, (char **)(uintptr_t)argv, environ), 0);
	posix_spawn_file_actions_destroy(&fa);
	close(in[0]);
	close(out[1]);
	c.in = fdopen(in[1], "w");
	c.out = fdopen(out[0], "r");
	return c;
}

static void reap(struct child *c)
{
	fclose(c->in);
	kill(c->pid, SIGTERM);
	fclose(c->out);
	waitpid(c->pid, NULL, 0);
}

/* The first line with this text, into line. */
static void expect(struct child *c, const char *text, char line[256])
{
	while (fgets(line, 256, c->out))
		if (strstr(line, text))
			return;
	fail_msg("the peer never said %s", text);
}

static void wait_for(int fd, enum net_io io)
{
	struct pollfd p = { fd, io == NET_IO_WRITE ? POLLOUT : POLLIN, 0 };
	assert_int_equal(poll(&p, 1, 20000), 1);
}

static void shake_over(struct end *e, const char *peer)
{
	e->io = NET_IO_WRITE;
	for (;;) {
		shake(e, peer);
		if (shaken(e))
			return;
		wait_for(e->fd, e->io);
	}
}

static void read_over(struct end *e, char *got, size_t want)
{
	size_t have = 0, n;
	while (have < want) {
		enum net_io io = net_tls_read(e->conn, got + have, want - have, &n, &e->fail);
		if (io == NET_IO_DONE)
			have += n;
		else if (io == NET_IO_READ || io == NET_IO_WRITE)
			wait_for(e->fd, io);
		else
			fail_msg("read: %d %s", (int)io, e->fail.text);
	}
}

static void against_s_server(const char *version)
{
	struct child s = spawn(LIST("openssl", "s_server", "-accept", "127.0.0.1:0", "-cert",
		"both.pem", "-key", "both.key", "-CAfile", "ca.pem", "-Verify", "1", version));
	struct net_tls *client = client_with("user");
	char line[256], got[6];

	expect(&s, "ACCEPT", line);
	for (int i = 0; i < 2; i++) {
		struct sockaddr_in a = { .sin_family = AF_INET,
			.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
			.sin_port = htons((uint16_t)strtoul(strrchr(line, ':') + 1, NULL, 10)) };
		struct end e = { .fd = socket(AF_INET, SOCK_STREAM, 0) };
		size_t n;

		assert_int_equal(connect(e.fd, (struct sockaddr *)&a, sizeof(a)), 0);
		nonblocking(e.fd);
		assert_int_equal(
			net_tls_conn_new(client, e.fd, STR("example.com"), &e.conn, NULL), 0);
		shake_over(&e, PEER);
		assert_string_equal(e.fail.text, "");
		assert_int_equal(info(&e)->resumed, i);
		assert_string_equal(info(&e)->identity, "DNS:example.com");
		fputs("hello\n", s.in);
		fflush(s.in);
		read_over(&e, got, 6);
		assert_memory_equal(got, "hello\n", 6);
		assert_int_equal(net_tls_write(e.conn, "BYE\n", 4, &n, NULL), NET_IO_DONE);
		net_tls_goodbye(e.conn);
		net_tls_conn_free(e.conn);
		close(e.fd);
	}
	reap(&s);
	net_tls_unref(client);
}

static void openssl_server(void **state)
{
	(void)state;
	against_s_server("-tls1_3");
	against_s_server("-tls1_2");
}

static void openssl_client(void **state)
{
	struct net_tls *server = mutual(LIST(".example.com"), NULL);
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int l = socket(AF_INET, SOCK_STREAM, 0);
	char port[32], line[256], got[6];
	struct end e = { 0 };
	struct child c;
	size_t n;

	(void)state;
	assert_int_equal(bind(l, (struct sockaddr *)&a, len) | listen(l, 1), 0);
	assert_int_equal(getsockname(l, (struct sockaddr *)&a, &len), 0);
	snprintf(port, sizeof(port), "127.0.0.1:%u", ntohs(a.sin_port));
	c = spawn(LIST("openssl", "s_client", "-connect", port, "-servername", "www.example.com",
		"-verify_hostname", "www.example.com", "-verify_return_error", "-CAfile", "ca.pem",
		"-cert", "host.pem", "-key", "host.key", "-brief"));
	e.fd = accept(l, NULL, NULL);
	assert_true(e.fd >= 0);
	nonblocking(e.fd);
	assert_int_equal(net_tls_conn_new(server, e.fd, STR_EMPTY, &e.conn, NULL), 0);
	shake_over(&e, CLIENT);
	assert_string_equal(e.fail.text, "");
	assert_string_equal(info(&e)->server_name, "www.example.com");
	assert_string_equal(info(&e)->identity, "DNS:a.example.com");
	expect(&c, "Verification: OK", line);
	fputs("hello\n", c.in);
	fflush(c.in);
	read_over(&e, got, 6);
	assert_memory_equal(got, "hello\n", 6);
	assert_int_equal(net_tls_write(e.conn, "200 OK\n", 7, &n, NULL), NET_IO_DONE);
	expect(&c, "200 OK", line);
	net_tls_conn_free(e.conn);
	close(e.fd);
	close(l);
	reap(&c);
	net_tls_unref(server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(long_names),
		cmocka_unit_test(tls_name_replaces_the_host),
		cmocka_unit_test(server_name),
		cmocka_unit_test(hosts_that_are_none),
		cmocka_unit_test(chains),
		cmocka_unit_test(peer_tells_why_it_refused),
		cmocka_unit_test(chain_file),
		cmocka_unit_test(required_usages),
		cmocka_unit_test(insecure),
		cmocka_unit_test(pins),
		cmocka_unit_test(facts),
		cmocka_unit_test(anonymous_servers),
		cmocka_unit_test(versions),
		cmocka_unit_test(ciphers),
		cmocka_unit_test(plaintext),
		cmocka_unit_test(unknown_alert),
		cmocka_unit_test(handshake_waits_for_room),
		cmocka_unit_test(disconnected),
		cmocka_unit_test(resets_at_every_stage),
		cmocka_unit_test(one_megabyte),
		cmocka_unit_test(endings),
		cmocka_unit_test(broken_records),
		cmocka_unit_test(reset_while_open),
		cmocka_unit_test(allowed_names),
		cmocka_unit_test(default_of_the_list_is_this_host),
		cmocka_unit_test(client_certificates),
		cmocka_unit_test(no_client_certificate),
		cmocka_unit_test(refusal_behind_a_failed_write),
		cmocka_unit_test(client_certificate_only_when_asked),
		cmocka_unit_test(resumption),
		cmocka_unit_test(resumption_of_mutual),
		cmocka_unit_test(resumed_sessions_are_verified_again),
		cmocka_unit_test(resumed_certificates_expire),
		cmocka_unit_test(tickets_are_used_once),
		cmocka_unit_test(sessions_are_bounded),
		cmocka_unit_test(bad_files),
		cmocka_unit_test(key_passwords),
		cmocka_unit_test(bad_arguments),
		cmocka_unit_test(anchors_by_directory),
		cmocka_unit_test(keylog),
		cmocka_unit_test(keys),
		cmocka_unit_test(make_ca),
		cmocka_unit_test(openssl_server),
		cmocka_unit_test(openssl_client),
	};
	return cmocka_run_group_tests(tests, make_certs, remove_certs);
}
