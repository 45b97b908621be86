/* tests/peers/ntlm_side.c -- lib/auth's NTLM, to talk to sides that are not ours:
 * tests/interop/ntlm.bats
 *
 *   ntlm_side client NAME [no-mic] [v1] [connected] [key=BYTES] [workstation=NAME]
 *   ntlm_side server DOMAIN COMPUTER [weak] [no-time]
 *
 * The password is in NTLM_PASSWORD. Lines as of tests/peers/ntlm_acceptor.c: a server first writes
 * "challenge BYTES".
 *   challenge BYTES       -> authenticate BYTES, or refused CODE TEXT
 *   authenticate BYTES    -> complete DOMAIN\user, or refused CODE TEXT
 *   sign TEXT             -> mic BYTES
 *   verify TEXT MIC       -> good, or bad
 *
 * connected: the other side has a connection and grants no DATAGRAM, so its flags are made to fit;
 * a signature of that is none of ours. */
#include "auth/ntlm_message.h"
#include "auth/ntlm.h"
#include "base/base.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CHALLENGE_FLAGS = 20, AUTHENTICATE_FLAGS = 60 };

static struct ntlm *context;
static struct ntlm_identity identity;
static struct ntlm_options options;
static struct ntlm_server server;
static struct buf challenge = BUF_INIT(65536); /* the server's */
static unsigned char key[16];
static bool connected;

static void die(const char *what)
{
	fprintf(stderr, "ntlm_side: %s\n", what);
	exit(2);
}

static void say_hex(const char *word, struct str s)
{
	char *hex = malloc(2 * s.n + 1);

	text_hex(hex, s.p, s.n);
	printf("%s %s\n", word, hex);
	free(hex);
}

static void say_refused(const struct fail *f)
{
	printf("refused %d %s\n", f->code, f->text);
}

/* The next word of hex; it lives in the line. */
static struct str next_hex(struct str *rest)
{
	struct str word = *rest;

	if (!str_cut(*rest, ' ', &word, rest))
		*rest = STR_EMPTY;
	if (word.n && !text_unhex(word, (char *)(uintptr_t)word.p, word.n / 2))
		die("bad hex");
	return (struct str){ word.p, word.n / 2 };
}

static void answer(struct str bytes)
{
	CLEANUP(buf_done) struct buf out = BUF_INIT(65536), in = BUF_INIT(65536);
	struct fail f = { 0 };

	buf_add_str(&in, bytes);
	if (connected && in.n > CHALLENGE_FLAGS)
		in.p[CHALLENGE_FLAGS] |= NTLM_FLAG_DATAGRAM;
	if (ntlm_answer(&identity, buf_str(&in), &options, &out, &context, &f) != 0) {
		say_refused(&f);
		return;
	}
	if (connected)
		out.p[AUTHENTICATE_FLAGS] &= ~NTLM_FLAG_DATAGRAM;
	say_hex("authenticate", buf_str(&out));
}

static void accept_answer(struct str bytes)
{
	CLEANUP(buf_done) struct buf user = BUF_INIT(1000), domain = BUF_INIT(1000);
	struct fail f = { 0 };

	if (ntlm_who(bytes, &user, &domain, &f) != 0 ||
		ntlm_accept(buf_str(&challenge), bytes, identity.password, &context, &f) != 0)
		say_refused(&f);
	else
		printf("complete %s\\%s\n", buf_cstr(&domain), buf_cstr(&user));
}

static void order(struct str line)
{
	unsigned char mic[NTLM_MIC];
	struct str word, rest, text;

	if (!str_cut(line, ' ', &word, &rest))
		die("no word");
	text = next_hex(&rest);
	if (str_eq(word, STR("challenge"))) {
		answer(text);
	} else if (str_eq(word, STR("authenticate"))) {
		accept_answer(text);
	} else if (str_eq(word, STR("sign"))) {
		ntlm_sign(context, text, mic);
		say_hex("mic", (struct str){ (char *)mic, sizeof(mic) });
	} else if (str_eq(word, STR("verify"))) {
		printf("%s\n", ntlm_verify(context, text, next_hex(&rest)) ? "good" : "bad");
	} else {
		die("what?");
	}
}

static void setting(const char *s)
{
	if (strcmp(s, "no-mic") == 0)
		options.no_mic = true;
	else if (strcmp(s, "v1") == 0)
		options.v1 = true;
	else if (strcmp(s, "connected") == 0)
		connected = true;
	else if (strcmp(s, "weak") == 0)
		server.weak = true;
	else if (strcmp(s, "no-time") == 0)
		server.no_time = true;
	else if (strncmp(s, "workstation=", 12) == 0)
		identity.workstation = str_of(s + 12);
	else if (strncmp(s, "key=", 4) == 0 && text_unhex(str_of(s + 4), key, sizeof(key)))
		options.exported_key = key;
	else
		die(s);
}

int main(int argc, char **argv)
{
	static char line[65536];
	bool client = argc > 2 && strcmp(argv[1], "client") == 0;
	struct fail f = { 0 };

	if (!client && (argc < 4 || strcmp(argv[1], "server") != 0))
		die("usage: ntlm_side client NAME ... | server DOMAIN COMPUTER ...");
	identity = ntlm_identity_of(str_of(argv[2]), str_of(getenv("NTLM_PASSWORD")));
	options.now_ms = (uint64_t)time(NULL) * 1000;
	for (int i = client ? 3 : 4; i < argc; i++)
		setting(argv[i]);
	if (!client) {
		server.netbios_domain = str_of(argv[2]);
		server.netbios_computer = str_of(argv[3]);
		if (ntlm_challenge(&server, options.now_ms, &challenge, &f) != 0)
			say_refused(&f);
		else
			say_hex("challenge", buf_str(&challenge));
		fflush(stdout);
	}
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		order(str_of(line));
		fflush(stdout);
	}
	ntlm_free(context);
	buf_done(&challenge);
	return 0;
}
