/* tests/fuzz/fuzz_auth.c -- challenges and Authentication-Info from a hostile server. Input: a byte
 * of options, then header lines; each run of lines up to an empty one is a response to the same
 * request. What we say in answer must be well-formed, and right for our password. */
#include "auth/auth.h"
#include "auth/digest_answer.h"
#include "auth/handshake.h"
#include "auth/nonce.h"
#include "base/text.h"
#include "sip/challenge.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PASSWORD STR("secret")

/* What stands before the credentials: the last leg of version 4 signs it. */
#define HEAD                                                                                       \
	"REGISTER sip:example.com SIP/2.0\r\n"                                                     \
	"Via: SIP/2.0/TCP 192.0.2.1;branch=z9hG4bK1\r\n"                                           \
	"From: <sip:a@example.com>;tag=1\r\n"                                                      \
	"To: <sip:a@example.com>\r\n"                                                              \
	"Call-ID: 1\r\n"                                                                           \
	"CSeq: 1 REGISTER\r\n"

static const struct auth_request request = { { "REGISTER", 8 }, { "sip:example.com", 15 },
	{ "body", 4 } };

static struct auth *new_auth(unsigned options, struct cred_store *creds)
{
	struct auth_config c = {
		.creds = creds,
		.preauth = options & 1,
		.digest = options & 2 ? 1U << HASH_SHA256 | 1U << HASH_MD5 : 0,
		.realm = options & 4 ? STR("r") : STR_EMPTY,
	};

	cred_store_add(creds,
		&(struct cred){ .realm = STR("*"), .user = STR("al\"ice\\"), .secret = PASSWORD },
		NULL);
	return auth_new(&c);
}

static void check_digest(struct str params)
{
	CLEANUP(arena_done) struct arena t = { 0 };
	struct auth_digest who = { .user = STR("al\"ice\\"), .password = PASSWORD };
	struct auth_digest_answer a;
	int e;

	e = auth_digest_answer_parse(&t, params, &a, NULL);
	assert(e == 0);
	assert(str_eq(a.uri, request.uri) && auth_digest_answer_is(&a, who.user));
	who.realm = a.realm;
	who.method = request.method;
	who.body = request.body;
	/* The key of -sess may be that of an earlier nonce. */
	assert(auth_digest_sess(a.alg) || auth_digest_answer_verify(&a, &who));
}

/* A leg of NTLM; Kerberos gets no ticket here, and stays silent. */
static void check_leg(const struct sip_challenge *c)
{
	CLEANUP(buf_done) struct buf token = BUF_INIT(1 << 16);
	struct handshake_challenge leg;

	assert(str_eq(c->scheme, STR("NTLM")));
	assert(handshake_challenge_parse(c->params, &leg));
	assert(leg.gssapi_data.p && text_base64_decode(&token, leg.gssapi_data));
}

/* One line of ours, read as a server reads it. */
static void check_line(struct str line)
{
	struct str name, value;
	struct sip_challenge c;

	assert(str_cut(line, ':', &name, &value));
	assert(str_eq(name, STR("Authorization")) || str_eq(name, STR("Proxy-Authorization")));
	assert(sip_challenge_parse(value, &c));
	if (str_eq(c.scheme, STR("Digest")))
		check_digest(c.params);
	else
		check_leg(&c);
}

static void check_lines(struct str lines)
{
	struct str line;

	while (str_cut(lines, '\n', &line, &lines)) {
		assert(line.n && line.p[line.n - 1] == '\r');
		check_line(str_sub(line, 0, line.n - 1));
	}
	assert(lines.n == 0);
}

/* Takes the next header lines off *rest as a response. NULL when they are no headers. */
static struct sip_msg *next_response(struct str *rest, unsigned status)
{
	struct buf b = BUF_INIT(SIP_MESSAGE_MAX);
	struct sip_msg *m = NULL;
	size_t end = 0;

	while (end + 4 <= rest->n && memcmp(rest->p + end, "\r\n\r\n", 4) != 0)
		end++;
	end = end + 4 <= rest->n ? end + 2 : rest->n;
	buf_addf(&b, "SIP/2.0 %u Reason\r\n", status);
	buf_add_str(&b, str_sub(*rest, 0, end));
	buf_addf(&b, "\r\n");
	*rest = str_sub(*rest, end + 2, rest->n);
	if (!b.fail && sip_msg_parse(buf_str(&b), NULL, &m, NULL) != 0)
		m = NULL;
	buf_done(&b);
	return m;
}

/* The server's side: credentials from a hostile client. */
static void check_credentials(const struct sip_msg *m)
{
	const struct sip_hdr *h = sip_msg_hdr(m, SIP_HDR_AUTHORIZATION);

	for (; h; h = sip_msg_hdr_next(m, h)) {
		CLEANUP(arena_done) struct arena t = { 0 };
		struct auth_digest who = { .user = STR("u"), .password = PASSWORD };
		struct auth_digest_answer a;
		struct sip_challenge c;
		struct auth_nonce n;

		if (!sip_challenge_parse(h->value, &c) ||
			auth_digest_answer_parse(&t, c.params, &a, NULL) != 0)
			continue;
		who.realm = a.realm;
		auth_digest_answer_is(&a, who.user);
		assert(!auth_digest_answer_verify(&a, &who));
		auth_nonce_init(&n, 1000, 0);
		assert(auth_nonce_use(&n, a.nonce, a.nc, 0) == AUTH_NONCE_UNKNOWN);
		auth_nonce_done(&n);
	}
}

/* No KDC grants anything. */
static int without_tickets(
	struct auth *a, struct auth_exchange *x, const struct sip_msg *m, int e, struct fail *f)
{
	CLEANUP(kerberos_ticket_done) struct kerberos_ticket none;

	kerberos_ticket_init(&none);
	none.cause = KERBEROS_UNREACHABLE;
	while (e == 0 && auth_wish(x))
		e = auth_ticket(a, x, &none, m, 0, f);
	return e;
}

/* 0 while the client goes on. */
static int step(struct auth *a, struct auth_exchange *x, const struct sip_msg *m, bool challenge)
{
	CLEANUP(buf_done) struct buf out = BUF_INIT(1 << 20);
	struct fail f = { 0 };
	int e;

	check_credentials(m);
	e = challenge ? auth_challenged(a, x, m, 0, &f) : auth_accepted(a, x, m, &request, &f);
	e = without_tickets(a, x, m, e, &f);
	assert(e == f.code || e == 0);
	assert(!e || f.text[0]);
	assert(x->rounds <= AUTH_ROUNDS);
	if (e)
		return e;
	buf_addf(&out, HEAD);
	e = auth_authorize(a, x, &request, &out, &f);
	assert(e == 0);
	check_lines(str_sub(buf_str(&out), sizeof(HEAD) - 1, out.n));
	assert(!challenge || out.n > sizeof(HEAD) - 1);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cred_store *creds = cred_store_new();
	unsigned options = size ? data[0] : 0;
	struct str rest = { (const char *)data + 1, size ? size - 1 : 0 };
	struct auth *a = new_auth(options, creds);
	struct auth_exchange x = { 0 };

	for (unsigned n = 0; rest.n && n < 8; n++) {
		bool challenge = !(options & (8U << n % 5));
		struct sip_msg *m = next_response(&rest, challenge ? 401 : 200);
		int e = m ? step(a, &x, m, challenge) : 0;

		sip_msg_unref(m);
		if (e)
			auth_exchange_done(&x);
		else if (!challenge)
			auth_exchange_next(&x);
	}
	auth_exchange_done(&x);
	auth_free(a);
	cred_store_free(creds);
	return 0;
}
