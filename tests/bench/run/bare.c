/* tests/bench/run/bare.c -- bare udp|tcp ADDRESS PORT, bare_tls tls ADDRESS PORT CAFILE: one
 * OPTIONS and the first bytes of its answer with socket calls alone (TLS: verified by OpenSSL): the
 * least that such a program can cost */
#include <arpa/inet.h>
#include <netinet/in.h>
#ifdef BARE_TLS
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#endif
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void fail(const char *what)
{
	fprintf(stderr, "bare: %s failed\n", what);
	exit(1);
}

static int dial(int type, const char *address, const char *port, struct sockaddr_in *local)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)) };
	socklen_t n = sizeof(*local);
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	if (fd < 0 || inet_pton(AF_INET, address, &a.sin_addr) != 1)
		fail("socket");
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) != 0)
		fail("connect");
	if (getsockname(fd, (struct sockaddr *)local, &n) != 0)
		fail("getsockname");
	return fd;
}

#ifdef BARE_TLS
typedef SSL tls;

static SSL *shake(int fd, const char *address, const char *ca)
{
	SSL_CTX *c = SSL_CTX_new(TLS_client_method());
	SSL *s;

	if (!c || SSL_CTX_load_verify_file(c, ca) != 1)
		fail("loading the CA");
	SSL_CTX_set_verify(c, SSL_VERIFY_PEER, NULL);
	s = SSL_new(c);
	if (!s || X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(s), address) != 1 ||
		SSL_set_fd(s, fd) != 1)
		fail("SSL_new");
	if (SSL_connect(s) != 1)
		fail("SSL_connect");
	return s;
}
#else
typedef void tls;

static void *shake(int fd, const char *address, const char *ca)
{
	(void)fd;
	(void)address;
	(void)ca;
	fail("TLS, which is not in this build,");
	return NULL;
}
#define SSL_write(s, p, n) ((s) ? (n) : -1)
#define SSL_read(s, p, n) ((s) ? (int)(n) : -1)
#endif

int main(int argc, char **argv)
{
	struct sockaddr_in local;
	char request[600], answer[4096];
	tls *ssl = NULL;
	int fd, n;

	if (argc < 4 || (strcmp(argv[1], "tls") == 0 && argc < 5)) {
		fprintf(stderr,
			"usage: bare udp|tcp ADDRESS PORT; bare_tls tls ADDRESS PORT CAFILE\n");
		return 2;
	}
	fd = dial(strcmp(argv[1], "udp") == 0 ? SOCK_DGRAM : SOCK_STREAM, argv[2], argv[3], &local);
	if (strcmp(argv[1], "tls") == 0)
		ssl = shake(fd, argv[2], argv[4]);
	n = snprintf(request, sizeof(request),
		"OPTIONS sip:%s SIP/2.0\r\nVia: SIP/2.0/%s 127.0.0.1:%u;branch=z9hG4bK-%d;rport\r\n"
		"Max-Forwards: 70\r\nFrom: <sip:bare@127.0.0.1>;tag=%d\r\nTo: <sip:%s>\r\nCall-ID: "
		"%d@bare\r\n"
		"CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
		argv[2],
		argv[1][1] == 'd'   ? "UDP"
		: argv[1][1] == 'c' ? "TCP"
				    : "TLS",
		ntohs(local.sin_port), getpid(), getpid(), argv[2], getpid());
	if (ssl ? SSL_write(ssl, request, n) != n : send(fd, request, (size_t)n, 0) != n)
		fail("send");
	n = ssl ? SSL_read(ssl, answer, sizeof(answer)) : (int)recv(fd, answer, sizeof(answer), 0);
	if (n < 12 || strncmp(answer, "SIP/2.0 200", 11) != 0)
		fail("the request");
	printf("%.*s\n", 14, answer);
	return 0;
}
