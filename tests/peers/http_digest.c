/* tests/peers/http_digest.c -- a one-shot HTTP server that challenges with Digest and judges the
 * answer with lib/auth, so that an independent client (curl) checks what no SIP peer can (ruling
 * 40).
 *
 *   http_digest ALGORITHM QOP USER PASSWORD [userhash] [stale]
 *
 * QOP may be "" for none; an ALGORITHM of "A,B" makes two challenges. Prints "ready PORT", then one
 * verdict: "verified ALGORITHM QOP nc=N" or "wrong ...: why", and ends 0 or 1. With stale the first
 * right answer is called stale, the second one is judged. */
#include "auth/digest_answer.h"
#include "auth/digest_challenge.h"
#include "auth/nonce.h"
#include "sip/challenge.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define REALM "http \"digest\" \\ peer"

enum { LIFETIME_MS = 60000, NOW_MS = 1000 };

struct server {
	const char *algorithms, *qop, *user, *password;
	bool userhash, stale;
	struct auth_nonce nonces;
	int listener;
};

struct request {
	struct str method, uri, authorization, body;
};

static void die(const char *what)
{
	perror(what);
	exit(2);
}

static void listen_on_loopback(struct server *s)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(a);

	s->listener = socket(AF_INET, SOCK_STREAM, 0);
	if (s->listener < 0 || bind(s->listener, (struct sockaddr *)&a, n) < 0 ||
		listen(s->listener, 8) < 0 ||
		getsockname(s->listener, (struct sockaddr *)&a, &n) < 0)
		die("listen");
	printf("ready %u\n", ntohs(a.sin_port));
	fflush(stdout);
}

/* The value of this header field, or the empty view. */
static struct str header(struct str lines, const char *name)
{
	struct str line, key, value;

	while (str_cut(lines, '\n', &line, &lines)) {
		if (str_cut(line, ':', &key, &value) && str_ieq(key, str_of(name)))
			return str_trim(value);
	}
	return STR_EMPTY;
}

/* A whole request without a body, or with one of Content-Length. */
static bool parse(struct str text, struct request *r)
{
	struct str rest = text, line, version;
	uint32_t length = 0;
	size_t end = 0;

	while (end + 4 <= text.n && memcmp(text.p + end, "\r\n\r\n", 4) != 0)
		end++;
	if (end + 4 > text.n || !str_cut(rest, '\n', &line, &rest) ||
		!str_cut(line, ' ', &r->method, &line) || !str_cut(line, ' ', &r->uri, &version))
		return false;
	str_u32(header(rest, "Content-Length"), &length);
	r->body = str_sub(text, end + 4, text.n);
	r->authorization = header(str_sub(text, 0, end + 2), "Authorization");
	return r->body.n >= length;
}

static bool receive(int fd, struct buf *in, struct request *r)
{
	for (;;) {
		ssize_t n;

		if (!buf_reserve(in, 4096))
			return false;
		n = read(fd, in->p + in->n, 4096);
		if (n <= 0)
			return false;
		buf_commit(in, (size_t)n);
		if (parse(buf_str(in), r))
			return true;
	}
}

static void challenge(struct server *s, struct buf *b, bool stale)
{
	struct str rest = str_of(s->algorithms);
	char nonce[AUTH_NONCE_LEN + 1];

	while (rest.n) {
		struct auth_digest_challenge c = { .realm = STR(REALM), .opaque = STR("op\"aque") };
		struct str name = rest, after = STR_EMPTY;

		str_cut(rest, ',', &name, &after);
		rest = after;
		if (!auth_digest_alg_parse(name, &c.alg))
			die("algorithm");
		auth_nonce_make(&s->nonces, NOW_MS, nonce);
		c.nonce = str_of(nonce);
		c.qop = (strstr(s->qop, "auth-int") ? AUTH_QOP_INT : 0U) |
			(strcmp(s->qop, "auth") == 0 || strstr(s->qop, "auth,") ? AUTH_QOP_AUTH
										: 0U);
		c.userhash = s->userhash;
		c.stale = stale;
		buf_addf(b, "WWW-Authenticate: ");
		auth_digest_challenge_write(b, &c);
		buf_addf(b, "\r\n");
	}
}

/* NULL when all is right, else why not. */
static const char *judge(struct server *s, const struct request *r,
	const struct auth_digest_answer *a, const struct auth_digest *who)
{
	if (auth_nonce_check(&s->nonces, a->nonce, NOW_MS) != AUTH_NONCE_FRESH)
		return "the nonce is not ours";
	if (!str_eq(a->uri, r->uri) || !str_eq(a->opaque, STR("op\"aque")))
		return "uri or opaque is another one";
	if (a->userhash != s->userhash || !auth_digest_answer_is(a, str_of(s->user)))
		return "the user is another one";
	if (!auth_digest_answer_verify(a, who))
		return "the response is wrong";
	if (auth_nonce_use(&s->nonces, a->nonce, a->nc, NOW_MS) != AUTH_NONCE_FRESH)
		return "the nonce count is a replay";
	return NULL;
}

static void reply(int fd, const char *status, struct buf *headers)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(65536);
	size_t sent = 0;

	buf_addf(&b, "HTTP/1.1 %s\r\nContent-Length: 0\r\nConnection: close\r\n%s\r\n", status,
		buf_cstr(headers));
	while (sent < b.n) {
		ssize_t n = write(fd, b.p + sent, b.n - sent);
		if (n <= 0)
			die("write");
		sent += (size_t)n;
	}
}

/* One request. -1: challenged, go on; else the exit code. */
static int serve(struct server *s, int fd, const struct request *r)
{
	CLEANUP(buf_done) struct buf h = BUF_INIT(65536);
	CLEANUP(arena_done) struct arena t = { 0 };
	struct auth_digest who = {
		.user = str_of(s->user),
		.realm = STR(REALM),
		.password = str_of(s->password),
		.method = r->method,
		.body = r->body,
	};
	struct auth_digest_answer a = { 0 };
	struct sip_challenge c;
	struct fail f = { 0 };
	const char *why;

	if (!r->authorization.n) {
		challenge(s, &h, false);
		reply(fd, "401 Unauthorized", &h);
		return -1;
	}
	if (!sip_challenge_parse(r->authorization, &c))
		why = "malformed";
	else if (auth_digest_answer_parse(&t, c.params, &a, &f) != 0)
		why = fail_show(&f);
	else
		why = judge(s, r, &a, &who);
	if (!why && s->stale) {
		s->stale = false;
		challenge(s, &h, true);
		reply(fd, "401 Unauthorized", &h);
		return -1;
	}
	if (why)
		printf("wrong %s: " STR_FMT "\n", why, STR_ARG(r->authorization));
	else
		printf("verified %s " STR_FMT " nc=%u\n", auth_digest_alg_name(a.alg),
			STR_ARG(a.qop), a.nc);
	if (!why) {
		buf_addf(&h, "Authentication-Info: ");
		who.body = STR_EMPTY;
		auth_digest_info_write(&h, &a, &who, STR_EMPTY);
		buf_addf(&h, "\r\n");
	}
	reply(fd, why ? "403 Forbidden" : "200 OK", &h);
	return why != NULL;
}

int main(int argc, char **argv)
{
	struct server s = { 0 };
	int result = -1;

	if (argc < 5) {
		fprintf(stderr,
			"usage: http_digest ALGORITHM QOP USER PASSWORD [userhash] [stale]\n");
		return 2;
	}
	s.algorithms = argv[1];
	s.qop = argv[2];
	s.user = argv[3];
	s.password = argv[4];
	for (int i = 5; i < argc; i++) {
		s.userhash = s.userhash || strcmp(argv[i], "userhash") == 0;
		s.stale = s.stale || strcmp(argv[i], "stale") == 0;
	}
	alarm(20); /* nobody waits for a peer that was forgotten */
	auth_nonce_init(&s.nonces, LIFETIME_MS, 0);
	listen_on_loopback(&s);
	while (result < 0) {
		CLEANUP(buf_done) struct buf in = BUF_INIT(65536);
		int fd = accept(s.listener, NULL, NULL);
		struct request r;

		if (fd < 0)
			die("accept");
		if (receive(fd, &in, &r))
			result = serve(&s, fd, &r);
		close(fd);
	}
	close(s.listener);
	auth_nonce_done(&s.nonces);
	return result;
}
