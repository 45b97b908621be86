/* tests/fuzz/fuzz_ntlm.c -- NTLM from a hostile peer. Input: a byte of options, then a CHALLENGE
 * for our client or an AUTHENTICATE for our server. What our client says, our server must accept.
 */
#include "auth/ntlm.h"
#include "auth/ntlm_message.h"
#include "base/base.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SERVER = 1, V1 = 2, NO_MIC = 4, NO_DOMAIN = 8, WEAK = 16 };

#define PASSWORD STR("Passw0rd!")

/* Both contexts have the same keys. */
static void check_pair(struct ntlm *client, struct ntlm *server)
{
	unsigned char mic[NTLM_MIC];

	ntlm_sign(client, STR("request"), mic);
	assert(ntlm_verify(server, STR("request"), (struct str){ (char *)mic, sizeof(mic) }));
	ntlm_sign(server, STR("response"), mic);
	assert(ntlm_verify(client, STR("response"), (struct str){ (char *)mic, sizeof(mic) }));
}

static bool acceptable(struct str challenge, unsigned options)
{
	struct ntlm_message_challenge c;
	int e = ntlm_message_challenge_read(challenge, &c, NULL);

	assert(e == 0);
	/* Our server takes NTLMv1 only without extended session security. */
	return !(options & V1) || !(c.flags & NTLM_FLAG_EXTENDED_SESSIONSECURITY);
}

static void client(struct str challenge, unsigned options)
{
	CLEANUP(buf_done) struct buf out = BUF_INIT(4096);
	CLEANUP(buf_done) struct buf user = BUF_INIT(NTLM_NAME), domain = BUF_INIT(NTLM_NAME);
	const struct ntlm_identity id = { STR("test2"),
		options & NO_DOMAIN ? STR_EMPTY : STR("LYNC"), PASSWORD, STR("WKS") };
	const struct ntlm_options o = { .v1 = options & V1, .no_mic = options & NO_MIC };
	struct ntlm *ours = NULL, *theirs = NULL;
	struct fail f = { 0 };
	int e = ntlm_answer(&id, challenge, &o, &out, &ours, &f);

	assert(e == f.code && !e == !!ours && !e == !!out.n);
	if (e)
		return;
	/* A domain of the server may be no text. */
	e = ntlm_who(buf_str(&out), &user, &domain, NULL);
	assert(e == 0 || options & NO_DOMAIN);
	assert(e != 0 || str_eq(buf_str(&user), id.user));
	if (acceptable(challenge, options)) {
		e = ntlm_accept(challenge, buf_str(&out), PASSWORD, &theirs, NULL);
		assert(e == 0);
		check_pair(ours, theirs);
	}
	ntlm_free(ours);
	ntlm_free(theirs);
}

/* The CHALLENGE that the seeds answer. */
static void server(struct str authenticate, unsigned options)
{
	static const char info[4] = { 0 };
	const struct ntlm_message_challenge m = {
		.flags = 0xe29882f3 & ~(options & WEAK ? UINT32_C(0x20080080) : 0),
		.challenge = { 1, 2, 3, 4, 5, 6, 7, 8 },
		.info = { info, sizeof(info) },
	};
	CLEANUP(buf_done) struct buf b = BUF_INIT(4096);
	CLEANUP(buf_done) struct buf user = BUF_INIT(4096), domain = BUF_INIT(4096);
	struct ntlm *context = NULL;
	struct fail f = { 0 };
	int e = ntlm_message_challenge_write(&m, &b, NULL);

	assert(e == 0);
	e = ntlm_who(authenticate, &user, &domain, &f);
	assert(e == 0 || e == -FAIL_PROTOCOL);
	assert(e ? user.n + domain.n == 0 : user.n <= NTLM_NAME && domain.n <= NTLM_NAME);
	e = ntlm_accept(buf_str(&b), authenticate, PASSWORD, &context, &f);
	assert(e == 0 || e == -FAIL_PROTOCOL || e == -FAIL_AUTH);
	assert(!e == !!context);
	ntlm_free(context);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str message = { (const char *)data + 1, size ? size - 1 : 0 };

	if (!size)
		return 0;
	if (data[0] & SERVER)
		server(message, data[0]);
	else
		client(message, data[0]);
	return 0;
}
