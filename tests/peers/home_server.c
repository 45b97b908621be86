/* tests/peers/home_server.c -- a registrar of Communications Server's kind that nobody wrote with
 * rte: NTLM by gss-ntlmssp, Kerberos by MIT's library: tests/interop/associations.bats
 *
 *   home_server PORT SECONDS VERSION SCHEMES [FAULT...]
 *
 * Listens at 127.0.0.1:PORT (0: a free one), TCP, one association a connection. VERSION is 2, 3 or
 * 4; SCHEMES what a REGISTER without credentials is challenged with, of NTLM, Kerberos, TLS-DSK,
 * Digest with commas between, or `none`. Users are those of NTLM_USER_FILE, the service's key is
 * that of KRB5_KTNAME; LM_COMPAT_LEVEL=0 makes NTLM's challenge a weak one. A signed request is
 * verified and has a signed 200. FAULT is one of
 *
 *   endless          a fresh challenge to every token
 *   refuse           no token is good enough
 *   unsigned         the 200 of a token, and all after it, has no signature
 *   badsign          ... has a wrong one
 *   stuck            every answer has the number 1
 *   forget[:N]       the association is forgotten after N messages of it (1)
 *   stranger         nothing but a REGISTER is known by its association
 *   garbage          NTLM's challenge is none
 *   garbled          NTLM's challenge is no base64
 *   forbidden        a good token is answered 403
 *   redirect:H:P     a REGISTER without credentials is answered 301
 *   slow             Date is an hour behind
 *
 * Prints
 *
 *   ready PORT
 *   METHOD open|begin|token USER|refused|verified N|wrong WHY -> STATUS
 *   total requests N tokens N verified N wrong N
 */
#include "half.h"
#include "sip_text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTIONS = 16, INPUT_MAX = 8192, VALUE_MAX = 512 };

struct server {
	unsigned version;
	const char *schemes, *redirect;
	bool endless, refuse, without, badsign, stuck, garbage, garbled, forbidden, slow, stranger;
	unsigned long forget; /* 0: never */
	unsigned long requests, tokens, verified, wrong;
	unsigned opaque;
};

struct connection {
	int fd;
	size_t n;
	char in[SIP_TEXT_MAX + 1];
	struct half *half;
	enum half_scheme scheme;
	bool accepted;
	char opaque[16];
	unsigned long heard, said; /* the last cnum, snum */
};

/* What is answered. */
struct answer {
	unsigned status;
	const char *reason;
	bool is_signed;
	char fields[4 * HALF_TOKEN];
	size_t n;
};

static const char *const names[] = { "NTLM", "Kerberos" };
static const char *const targets[] = { "rte.test", "sip/rte.test" };
static const char realm[] = "SIP Communications Service";
static volatile sig_atomic_t over;

static void on_signal(int signal)
{
	(void)signal;
	over = 1;
}

/* ---- answers */

static void add(struct answer *a, const char *line)
{
	a->n += (size_t)snprintf(a->fields + a->n, sizeof(a->fields) - a->n, "%s\r\n", line);
	if (a->n >= sizeof(a->fields))
		exit(2);
}

static void add_date(struct answer *a, const struct server *s)
{
	time_t now = time(NULL) - (s->slow ? 3600 : 0);
	char line[64];
	struct tm t;

	strftime(line, sizeof(line), "Date: %a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now, &t));
	add(a, line);
}

static void add_version(char *line, size_t room, unsigned version)
{
	size_t n = strlen(line);

	if (version > 2)
		snprintf(line + n, room - n, ", version=%u", version);
}

static bool offers(const struct server *s, const char *scheme)
{
	return strcasestr(s->schemes, scheme) != NULL;
}

static void challenge(struct answer *a, const struct server *s)
{
	char line[VALUE_MAX];

	a->status = 401;
	a->reason = "Unauthorized";
	add_date(a, s);
	for (size_t i = 0; i < 2; i++) {
		if (!offers(s, names[i]))
			continue;
		snprintf(line, sizeof(line), "WWW-Authenticate: %s realm=\"%s\", targetname=\"%s\"",
			names[i], realm, targets[i]);
		add_version(line, sizeof(line), s->version);
		add(a, line);
	}
	if (offers(s, "TLS-DSK"))
		add(a, "WWW-Authenticate: TLS-DSK realm=\"SIP Communications Service\", "
		       "targetname=\"rte.test\", version=4, sts-uri=\"https://rte.test/c.svc\"");
	if (offers(s, "Digest"))
		add(a, "WWW-Authenticate: Digest realm=\"rte.test\", nonce=\"n\", qop=\"auth\"");
}

/* The next leg of NTLM. */
static void challenge_token(struct answer *a, const struct server *s, struct connection *c)
{
	static struct half_token in, out;
	static char text[2 * HALF_TOKEN], line[3 * HALF_TOKEN];

	half_free(c->half);
	c->half = half_accept(HALF_NTLM);
	c->scheme = HALF_NTLM;
	c->accepted = false;
	in.n = 0;
	if (half_step(c->half, &in, &out) != 1)
		exit(2);
	half_token_write(&out, text);
	if (s->garbage)
		snprintf(text, sizeof(text), "TlRMTVNTUAACAAAA");
	if (s->garbled)
		snprintf(text, sizeof(text), "TlRMT!?NTUAACAAAA");
	a->status = 401;
	a->reason = "Unauthorized";
	add_date(a, s);
	snprintf(line, sizeof(line),
		"WWW-Authenticate: NTLM opaque=\"%s\", gssapi-data=\"%s\", targetname=\"%s\", "
		"realm=\"%s\"",
		c->opaque, text, targets[0], realm);
	add_version(line, sizeof(line), s->version);
	add(a, line);
}

/* A 200, with what a client wants of it. */
static void grant(struct answer *a, const char *m)
{
	struct view expires = sip_text_field(m, "Expires", 0),
		    contact = sip_text_field(m, "Contact", 0);
	unsigned long seconds = expires.p ? strtoul(expires.p, NULL, 10) : 7200;
	char line[2048];

	a->status = 200;
	a->reason = "OK";
	if (!view_is(sip_text_method(m), "REGISTER"))
		return;
	if (seconds > 0) {
		snprintf(line, sizeof(line), "Contact: " VIEW_FMT ";expires=%lu", VIEW_ARG(contact),
			seconds);
		add(a, line);
	}
	snprintf(line, sizeof(line), "Expires: %lu", seconds);
	add(a, line);
	add(a, "ms-keep-alive: UAS; tcp=no; hop-hop=yes; end-end=no; timeout=300");
}

static void write_all(int fd, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t k = send(fd, p, n, MSG_NOSIGNAL);

		if (k < 0 && errno != EINTR)
			return;
		p += k > 0 ? k : 0;
		n -= k > 0 ? (size_t)k : 0;
	}
}

static void sign(const struct server *s, struct connection *c, char *m, size_t *n)
{
	static char out[SIP_TEXT_MAX + 1];
	char input[INPUT_MAX], mic[2 * HALF_MIC + 1];
	size_t k = sip_text_signed(input, sizeof(input), m, s->version);

	if (!half_sign(c->half, input, k, mic))
		exit(2);
	if (s->badsign)
		mic[10] = mic[10] == '0' ? '1' : '0';
	*n = sip_text_replace(out, m, *n, sip_text_param(sip_text_signer(m), "rspauth"), mic);
	memcpy(m, out, *n + 1);
}

/* As the request has them; a To without a tag gets one. */
static size_t copy_fields(char *out, size_t room, const char *m)
{
	static const char *const kept[] = { "Via", "From", "To", "Call-ID", "CSeq" };
	size_t n = 0;

	for (size_t k = 0; k < sizeof(kept) / sizeof(kept[0]); k++)
		for (unsigned i = 0;; i++) {
			struct view v = sip_text_field(m, kept[k], i);
			bool tag = strcmp(kept[k], "To") == 0 && !sip_text_tag(v).p;

			if (!v.p)
				break;
			n += (size_t)snprintf(out + n, room - n, "%s: " VIEW_FMT "%s\r\n", kept[k],
				VIEW_ARG(v), tag ? ";tag=home" : "");
		}
	return n;
}

static void reply(const struct server *s, struct connection *c, const char *m, struct answer *a)
{
	static char out[SIP_TEXT_MAX + 1];
	size_t n = (size_t)snprintf(out, sizeof(out), "SIP/2.0 %u %s\r\n", a->status, a->reason);

	n += copy_fields(out + n, sizeof(out) - n, m);
	n += (size_t)snprintf(out + n, sizeof(out) - n, "%s", a->fields);
	c->said += a->is_signed && !(s->stuck && c->said > 0);
	if (a->is_signed)
		n += (size_t)snprintf(out + n, sizeof(out) - n,
			"Authentication-Info: %s rspauth=\"\", srand=\"%08x\", snum=\"%lu\", "
			"opaque=\"%s\", qop=\"auth\", targetname=\"%s\", realm=\"%s\"\r\n",
			names[c->scheme], (unsigned)(0x5ca1ab1e + s->requests), c->said, c->opaque,
			targets[c->scheme], realm);
	n += (size_t)snprintf(out + n, sizeof(out) - n, "Content-Length: 0\r\n\r\n");
	if (a->is_signed)
		sign(s, c, out, &n);
	write_all(c->fd, out, n);
	printf("%u\n", a->status);
}

/* ---- requests */

static const char *verify(const struct server *s, struct connection *c, const char *m)
{
	struct view signer = sip_text_signer(m), number = sip_text_param(signer, "cnum");
	char input[INPUT_MAX];
	size_t n = sip_text_signed(input, sizeof(input), m, s->version);

	if (!number.p || strtoul(number.p, NULL, 10) != c->heard + 1)
		return "number";
	if (!half_verify(c->half, input, n, sip_text_param(signer, "response")))
		return "signature";
	c->heard++;
	return NULL;
}

/* A signed request: answered like one, or silence. */
static void take_signed(struct server *s, struct connection *c, const char *m, struct answer *a)
{
	const char *why = verify(s, c, m);

	if (why) {
		s->wrong++;
		printf("wrong %s -> ", why);
		return;
	}
	s->verified++;
	printf("verified %lu -> ", c->heard);
	grant(a, m);
	a->is_signed = !s->without;
}

static void take_token(struct server *s, struct connection *c, const char *m, struct answer *a)
{
	static struct half_token in, out;
	struct view signer = sip_text_signer(m);

	s->tokens++;
	if (view_is(sip_text_scheme(signer), "Kerberos")) {
		half_free(c->half);
		c->half = half_accept(HALF_KERBEROS);
		c->scheme = HALF_KERBEROS;
		snprintf(c->opaque, sizeof(c->opaque), "%08X", ++s->opaque);
	}
	if (s->endless && c->scheme == HALF_NTLM) {
		printf("token -> ");
		challenge_token(a, s, c);
		return;
	}
	if (!c->half || !half_token_read(sip_text_param(signer, "gssapi-data"), &in) ||
		half_step(c->half, &in, &out) != 0 || s->refuse || s->endless) {
		printf("refused -> ");
		challenge(a, s);
		return;
	}
	printf("token %s ", half_user(c->half));
	c->accepted = true;
	c->heard = c->said = 0;
	if (sip_text_param(signer, "response").p) {
		take_signed(s, c, m, a);
	} else if (s->version == 4) {
		s->wrong++;
		printf("wrong unsigned -> ");
	} else {
		printf("-> ");
		grant(a, m);
		a->is_signed = !s->without;
	}
	if (s->forbidden && a->status == 200) {
		a->status = 403;
		a->reason = "Forbidden";
		add(a, "ms-diagnostics: 1034;reason=\"Not today\";source=\"rte.test\"");
	}
}

static void take_open(struct server *s, struct answer *a, const char *m)
{
	char line[VALUE_MAX];

	printf("open -> ");
	if (s->redirect) {
		a->status = 301;
		a->reason = "Moved Permanently";
		snprintf(line, sizeof(line), "Contact: <sip:%s;transport=tcp>", s->redirect);
		add(a, line);
	} else if (strcmp(s->schemes, "none") == 0) {
		grant(a, m);
	} else {
		challenge(a, s);
	}
}

static void take(struct server *s, struct connection *c, const char *m)
{
	static struct answer a;
	struct view signer = sip_text_signer(m), token = sip_text_param(signer, "gssapi-data");

	a.status = 0;
	a.n = 0;
	a.fields[0] = '\0';
	a.is_signed = false;
	s->requests++;
	printf(VIEW_FMT " ", VIEW_ARG(sip_text_method(m)));
	if (s->forget > 0 && c->heard >= s->forget) {
		c->accepted = false;
		s->forget = 0;
	}
	if (!signer.p) {
		take_open(s, &a, m);
	} else if (token.p && token.n == 0) {
		printf("begin -> ");
		snprintf(c->opaque, sizeof(c->opaque), "%08X", ++s->opaque);
		challenge_token(&a, s, c);
	} else if (token.p) {
		take_token(s, c, m, &a);
	} else if (c->accepted && (!s->stranger || view_is(sip_text_method(m), "REGISTER"))) {
		take_signed(s, c, m, &a);
	} else {
		c->heard++; /* the client has counted it */
		printf("unknown -> ");
		challenge(&a, s);
	}
	if (a.status > 0 && !view_is(sip_text_method(m), "ACK"))
		reply(s, c, m, &a);
	else
		printf("silence\n");
}

/* ---- connections */

static bool take_bytes(struct server *s, struct connection *c)
{
	ssize_t k = recv(c->fd, c->in + c->n, SIP_TEXT_MAX - c->n, 0);
	size_t at = 0, whole;

	if (k <= 0)
		return false;
	c->n += (size_t)k;
	c->in[c->n] = '\0';
	while ((whole = sip_text_whole(c->in + at, c->n - at)) > 0) {
		char next = c->in[at + whole];

		c->in[at + whole] = '\0';
		if (c->in[at] != '\r' && c->in[at] != '\n' && sip_text_is_request(c->in + at))
			take(s, c, c->in + at);
		c->in[at + whole] = next;
		at += whole;
	}
	memmove(c->in, c->in + at, c->n - at + 1);
	c->n -= at;
	return true;
}

static void end_connection(struct connection *c)
{
	close(c->fd);
	half_free(c->half);
	*c = (struct connection){ .fd = -1 };
}

static void serve(struct server *s, int listener, struct connection *all, time_t end)
{
	struct pollfd p[CONNECTIONS + 1];

	while (!over && time(NULL) < end) {
		p[CONNECTIONS] = (struct pollfd){ .fd = listener, .events = POLLIN };
		for (size_t i = 0; i < CONNECTIONS; i++)
			p[i] = (struct pollfd){ .fd = all[i].fd, .events = POLLIN };
		if (poll(p, CONNECTIONS + 1, 100) <= 0)
			continue;
		for (size_t i = 0; i < CONNECTIONS; i++)
			if (all[i].fd >= 0 && p[i].revents && !take_bytes(s, &all[i]))
				end_connection(&all[i]);
		for (size_t i = 0; p[CONNECTIONS].revents && i < CONNECTIONS; i++)
			if (all[i].fd < 0) {
				all[i].fd = accept(listener, NULL, NULL);
				break;
			}
	}
}

static int listen_at(const char *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons((uint16_t)strtoul(port, NULL, 10)) };
	socklen_t size = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, size) < 0 || listen(fd, CONNECTIONS) < 0 ||
		getsockname(fd, (struct sockaddr *)&a, &size) < 0) {
		perror("listen");
		exit(2);
	}
	printf("ready %u\n", ntohs(a.sin_port));
	return fd;
}

static bool read_fault(struct server *s, const char *word)
{
	const struct {
		const char *name;
		bool *flag;
	} flags[] = { { "endless", &s->endless }, { "refuse", &s->refuse },
		{ "unsigned", &s->without }, { "badsign", &s->badsign }, { "stuck", &s->stuck },
		{ "garbage", &s->garbage }, { "garbled", &s->garbled },
		{ "forbidden", &s->forbidden }, { "slow", &s->slow },
		{ "stranger", &s->stranger } };

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (strcmp(flags[i].name, word) == 0)
			return *flags[i].flag = true;
	if (strncmp(word, "forget", 6) == 0)
		s->forget = word[6] == ':' ? strtoul(word + 7, NULL, 10) : 1;
	else if (strncmp(word, "redirect:", 9) == 0)
		s->redirect = word + 9;
	else
		return false;
	return true;
}

int main(int argc, char *argv[])
{
	struct server s = { .opaque = 0xd29ac0 };
	struct connection *all = calloc(CONNECTIONS, sizeof(*all));
	struct sigaction action = { .sa_handler = on_signal };
	bool good = argc >= 5 && all;
	int listener;

	for (int i = 5; good && i < argc; i++)
		good = read_fault(&s, argv[i]);
	if (!good) {
		fprintf(stderr, "usage: home_server PORT SECONDS VERSION SCHEMES [FAULT...]\n");
		return 2;
	}
	s.version = (unsigned)strtoul(argv[3], NULL, 10);
	s.schemes = argv[4];
	setvbuf(stdout, NULL, _IOLBF, 0);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	listener = listen_at(argv[1]);
	for (size_t i = 0; i < CONNECTIONS; i++)
		all[i].fd = -1;
	serve(&s, listener, all, time(NULL) + (time_t)strtoul(argv[2], NULL, 10));
	for (size_t i = 0; i < CONNECTIONS; i++)
		if (all[i].fd >= 0)
			end_connection(&all[i]);
	printf("total requests %lu tokens %lu verified %lu wrong %lu\n", s.requests, s.tokens,
		s.verified, s.wrong);
	free(all);
	return s.wrong > 0;
}
