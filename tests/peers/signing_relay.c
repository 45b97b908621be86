/* tests/peers/signing_relay.c -- ends the security associations of NTLM and Kerberos between
 * clients and a server with gss-ntlmssp and MIT's Kerberos: tests/interop/signed.bats
 *
 *   signing_relay PORT HOST:PORT SECONDS [in|out:WHICH:+N|=N...]
 *
 * Listens at 127.0.0.1:PORT (0: a free one) and passes everything on to HOST:PORT. To a client it
 * is the acceptor, to the server it is that client's user, so that every signature is verified by
 * the one mechanism and made anew by the other: nothing here was written with rte. Users and
 * passwords are those of NTLM_USER_FILE, the service's key is that of KRB5_KTNAME. Prints
 *
 *   ready PORT
 *   connection N | end N
 *   N >> METHOD[/NUMBER] VERDICT     from the client: REGISTER/3 verified
 *   N << STATUS METHOD[/NUMBER] VERDICT, N << METHOD[/NUMBER] VERDICT
 *   total verified N in N out N handshakes N wrong N
 *
 * The verdicts: `verified`; `open` (a REGISTER without credentials), `begin` (NTLM's empty token),
 * `token`, `challenge`, `plain` (no association, a 100 or a challenge: need not be signed); `wrong`
 * with a word for the reason: `unsigned`, `signature`, `number`, or the parameter that is not as
 * microsoft-auth.md has it; `refused` (a user's token). Ends 0 when nothing was wrong or refused.
 *
 * An order gives one message the number of the sender plus N, or N, before it is signed: the first
 * of that direction that WHICH names, a METHOD or STATUS.METHOD. */
#include "between.h"
#include "half.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VALUE_MAX = 512, ORDER_MAX = 16, INPUT_MAX = 8192 };

static const char *const scheme_names[] = { "NTLM", "Kerberos" };

/* One association, from its first token on. */
struct relayed {
	enum half_scheme scheme;
	unsigned version;
	struct half *half[2]; /* by whom a message of that direction is verified: [TO_SERVER] is the
				 acceptor */
	struct half_token challenge; /* the server's, NTLM */
	bool accepted; /* the client's token was good, and so both halves sign */
	unsigned long number[2]; /* the last one of each direction */
	char opaque[VALUE_MAX], realm[VALUE_MAX], target[VALUE_MAX];
};

/* What one connection knows. */
struct talk {
	unsigned version[2]; /* of the last challenges, by scheme */
	struct relayed *r;
};

struct order {
	enum direction d;
	char which[64];
	bool relative, done;
	unsigned long n;
};

static struct {
	struct order orders[ORDER_MAX];
	size_t order_count;
	unsigned long verified[2], handshakes, wrong;
} relay;

/* A message that is being rewritten. */
struct draft {
	struct pair *pair;
	enum direction d;
	char m[SIP_TEXT_MAX + 1];
	size_t n;
};

/* ---- words */

static void tell(const struct draft *g, const char *verdict, const char *why)
{
	struct view signer = sip_text_signer(g->m);
	struct view number = sip_text_param(signer, g->d == TO_SERVER ? "cnum" : "snum");
	char status[8] = "";

	if (!sip_text_is_request(g->m))
		snprintf(status, sizeof(status), "%u ", sip_text_status(g->m));
	printf("%u %s %s" VIEW_FMT "%s" VIEW_FMT " %s%s%s\n", g->pair->number,
		g->d == TO_SERVER ? ">>" : "<<", status, VIEW_ARG(sip_text_method(g->m)),
		number.p ? "/" : "", VIEW_ARG(number), verdict, *why ? " " : "", why);
}

static void tell_wrong(const struct draft *g, const char *why)
{
	relay.wrong++;
	tell(g, "wrong", why);
}

static void copy(char out[VALUE_MAX], struct view v)
{
	snprintf(out, VALUE_MAX, VIEW_FMT, VIEW_ARG(v));
}

static void replace(struct draft *g, struct view old, const char *text)
{
	static char out[SIP_TEXT_MAX + 1];
	size_t n = sip_text_replace(out, g->m, g->n, old, text);

	if (n == 0) {
		fprintf(stderr, "signing_relay: a message became too long\n");
		exit(2);
	}
	memcpy(g->m, out, n + 1);
	g->n = n;
}

static void replace_token(struct draft *g, struct view old, const struct half_token *t)
{
	static char text[2 * HALF_TOKEN];

	half_token_write(t, text);
	replace(g, old, text);
}

/* ---- signatures */

static const char *side(const struct draft *g, const char *client, const char *server)
{
	return g->d == TO_SERVER ? client : server;
}

static bool is_hex(struct view v, size_t n)
{
	return v.p && v.n == n && strspn(v.p, "0123456789abcdefABCDEF") == n;
}

/* What is not as it must be in what signs this message; NULL: nothing. */
static const char *misshapen(const struct draft *g, const struct relayed *r)
{
	struct view s = sip_text_signer(g->m), token = sip_text_param(s, "gssapi-data"),
		    version = sip_text_param(s, "version");

	if (!view_is(sip_text_scheme(s), scheme_names[r->scheme]))
		return "scheme";
	if (!view_is(sip_text_param(s, "qop"), "auth"))
		return "qop";
	if (!view_is(sip_text_param(s, "realm"), r->realm))
		return "realm";
	if (!view_is(sip_text_param(s, "targetname"), r->target))
		return "targetname";
	if (r->opaque[0] && !view_is(sip_text_param(s, "opaque"), r->opaque))
		return "opaque";
	/* the version goes with a token, and version 2 has none */
	if ((version.p != NULL) != (token.p != NULL && r->version > 2))
		return "version";
	if (version.p && strtoul(version.p, NULL, 10) != r->version)
		return "version";
	return NULL;
}

static const char *misnumbered(const struct draft *g, const struct relayed *r)
{
	struct view s = sip_text_signer(g->m), number = sip_text_param(s, side(g, "cnum", "snum"));

	if (!is_hex(sip_text_param(s, side(g, "crand", "srand")), 8))
		return side(g, "crand", "srand");
	if (!number.p || strtoul(number.p, NULL, 10) != r->number[g->d] + 1)
		return "number";
	return NULL;
}

static const char *forged(const struct draft *g, const struct relayed *r)
{
	char input[INPUT_MAX];
	size_t n = sip_text_signed(input, sizeof(input), g->m, r->version);
	struct view mic = sip_text_param(sip_text_signer(g->m), side(g, "response", "rspauth"));

	return n > 0 && half_verify(r->half[g->d], input, n, mic) ? NULL : "signature";
}

static void renumber(struct draft *g)
{
	struct view number = sip_text_param(sip_text_signer(g->m), side(g, "cnum", "snum"));
	char what[64], text[24];

	if (sip_text_is_request(g->m))
		snprintf(what, sizeof(what), VIEW_FMT, VIEW_ARG(sip_text_method(g->m)));
	else
		snprintf(what, sizeof(what), "%u." VIEW_FMT, sip_text_status(g->m),
			VIEW_ARG(sip_text_method(g->m)));
	for (size_t i = 0; i < relay.order_count; i++) {
		struct order *o = &relay.orders[i];

		if (o->done || o->d != g->d || strcmp(o->which, what) != 0)
			continue;
		o->done = true;
		snprintf(text, sizeof(text), "%lu",
			(o->relative ? strtoul(number.p, NULL, 10) : 0) + o->n);
		printf("renumbered %s\n", text);
		replace(g, number, text);
		return;
	}
}

static void sign_anew(struct draft *g, struct relayed *r)
{
	char input[INPUT_MAX], mic[2 * HALF_MIC + 1];
	size_t n;

	renumber(g);
	n = sip_text_signed(input, sizeof(input), g->m, r->version);
	if (!half_sign(r->half[!g->d], input, n, mic)) {
		fprintf(stderr, "signing_relay: %s\n", half_reason(r->half[!g->d]));
		exit(2);
	}
	replace(g, sip_text_param(sip_text_signer(g->m), side(g, "response", "rspauth")), mic);
}

/* A signed message: it goes on as the other half's, a wrong one as it came. */
static void pass_signed(struct draft *g, struct relayed *r)
{
	const char *why = forged(g, r);

	if (!why)
		why = misshapen(g, r);
	if (!why)
		why = misnumbered(g, r);
	if (why) {
		tell_wrong(g, why);
		return;
	}
	r->number[g->d]++;
	relay.verified[g->d]++;
	tell(g, "verified", "");
	sign_anew(g, r);
}

/* ---- from the client */

static struct relayed *relayed_new(struct talk *t, struct view credentials)
{
	struct relayed *r = calloc(1, sizeof(*r));

	if (!r)
		exit(70);
	if (t->r) {
		half_free(t->r->half[TO_SERVER]);
		half_free(t->r->half[TO_CLIENT]);
		free(t->r);
	}
	t->r = r;
	r->scheme = view_is(sip_text_scheme(credentials), "NTLM") ? HALF_NTLM : HALF_KERBEROS;
	r->version = t->version[r->scheme];
	r->half[TO_SERVER] = half_accept(r->scheme);
	copy(r->realm, sip_text_param(credentials, "realm"));
	copy(r->target, sip_text_param(credentials, "targetname"));
	return r;
}

/* The same user's association with the server; its token takes the place of the client's. */
static bool initiate(struct draft *g, struct relayed *r)
{
	static struct half_token in, out;
	int state;

	r->half[TO_CLIENT] = half_initiate(r->scheme, half_user(r->half[TO_SERVER]), r->target);
	if (!r->half[TO_CLIENT])
		return false;
	in.n = 0;
	state = half_step(r->half[TO_CLIENT], &in, &out);
	if (state == 1 && r->scheme == HALF_NTLM)
		state = half_step(r->half[TO_CLIENT], &r->challenge, &out);
	if (state != 0) {
		fprintf(stderr, "signing_relay: initiator: %s\n", half_reason(r->half[TO_CLIENT]));
		return false;
	}
	replace_token(g, sip_text_param(sip_text_signer(g->m), "gssapi-data"), &out);
	return true;
}

static void pass_token(struct draft *g, struct relayed *r)
{
	static struct half_token in, out;
	struct view s = sip_text_signer(g->m);
	const char *why = misshapen(g, r);
	bool is_signed = sip_text_param(s, "response").p != NULL;

	if (!half_token_read(sip_text_param(s, "gssapi-data"), &in))
		why = "gssapi-data";
	if (is_signed != (r->version == 4)) /* only version 4 signs the last leg */
		why = "response";
	if (why) {
		tell_wrong(g, why);
		return;
	}
	if (half_step(r->half[TO_SERVER], &in, &out) != 0) {
		relay.wrong++;
		tell(g, "refused", half_reason(r->half[TO_SERVER]));
		return;
	}
	tell(g, "token", half_user(r->half[TO_SERVER]));
	r->accepted = initiate(g, r);
	relay.handshakes += r->accepted;
	if (r->accepted && is_signed)
		pass_signed(g, r);
}

static void begin(struct draft *g, struct talk *t)
{
	struct relayed *r = relayed_new(t, sip_text_signer(g->m));
	const char *why = misshapen(g, r);

	if (why)
		tell_wrong(g, why);
	else
		tell(g, "begin", "");
}

static void from_client(struct draft *g, struct talk *t)
{
	struct view s = sip_text_signer(g->m), token = sip_text_param(s, "gssapi-data");

	if (!s.p && sip_text_is_request(g->m) && view_is(sip_text_method(g->m), "REGISTER"))
		tell(g, "open", "");
	else if (!s.p && t->r && t->r->accepted)
		tell_wrong(g, "unsigned");
	else if (!s.p)
		tell(g, "plain", "");
	else if (token.p && token.n == 0)
		begin(g, t);
	else if (token.p && view_is(sip_text_scheme(s), "Kerberos"))
		pass_token(g, relayed_new(t, s));
	else if (token.p && t->r && !t->r->accepted)
		pass_token(g, t->r);
	else if (!token.p && t->r && t->r->accepted)
		pass_signed(g, t->r);
	else
		tell_wrong(g, "order");
}

/* ---- from the server */

static void learn_versions(const struct draft *g, struct talk *t)
{
	for (size_t i = 0; i < 2; i++) {
		struct view c = sip_text_challenge(g->m, scheme_names[i]),
			    version = sip_text_param(c, "version");

		if (c.p)
			t->version[i] = version.p ? (unsigned)strtoul(version.p, NULL, 10) : 2;
	}
}

/* NTLM's CHALLENGE: the client gets that of our acceptor, which makes it of an empty token. */
static void pass_challenge(struct draft *g, struct relayed *r)
{
	static struct half_token in, out;
	struct view c = sip_text_challenge(g->m, "NTLM"), token = sip_text_param(c, "gssapi-data");

	if (!half_token_read(token, &r->challenge) || r->challenge.n == 0) {
		tell_wrong(g, "gssapi-data");
		return;
	}
	copy(r->opaque, sip_text_param(c, "opaque"));
	in.n = 0;
	if (half_step(r->half[TO_SERVER], &in, &out) != 1) {
		fprintf(stderr, "signing_relay: acceptor: %s\n", half_reason(r->half[TO_SERVER]));
		exit(2);
	}
	replace_token(g, token, &out);
	tell(g, "challenge", "");
}

static void from_server(struct draft *g, struct talk *t)
{
	unsigned status = sip_text_status(g->m);
	bool challenges = status == 401 || status == 407,
	     leg = sip_text_param(sip_text_challenge(g->m, "NTLM"), "gssapi-data").p != NULL;
	struct relayed *r = t->r;

	if (challenges)
		learn_versions(g, t);
	if (sip_text_signer(g->m).p && r && r->accepted) {
		if (!r->opaque[0]) /* Kerberos' comes with its first answer */
			copy(r->opaque, sip_text_param(sip_text_signer(g->m), "opaque"));
		pass_signed(g, r);
	} else if (sip_text_signer(g->m).p) {
		tell_wrong(g, "order");
	} else if (challenges && leg && r && !r->accepted) {
		pass_challenge(g, r);
	} else if (challenges || status == 100 || !r || !r->accepted) {
		tell(g, challenges ? "challenge" : "plain", "");
	} else {
		tell_wrong(g, "unsigned");
	}
}

/* ---- everything */

static void on_message(struct pair *p, enum direction d, char *m, size_t n)
{
	static struct draft g;

	if (!p->state && !(p->state = calloc(1, sizeof(struct talk))))
		exit(70);
	if (n > SIP_TEXT_MAX || *m == '\r' || *m == '\n') {
		printf("%u %s line ends %zu\n", p->number, d == TO_SERVER ? ">>" : "<<", n);
		between_send(p, d, m, n);
		return;
	}
	g.pair = p;
	g.d = d;
	g.n = n;
	memcpy(g.m, m, n + 1);
	if (d == TO_SERVER)
		from_client(&g, p->state);
	else
		from_server(&g, p->state);
	between_send(p, d, g.m, g.n);
}

static void on_end(struct pair *p)
{
	struct talk *t = p->state;

	if (t && t->r) {
		half_free(t->r->half[TO_SERVER]);
		half_free(t->r->half[TO_CLIENT]);
		free(t->r);
	}
	free(t);
	p->state = NULL;
}

static bool read_order(const char *text)
{
	struct order *o = &relay.orders[relay.order_count];
	const char *which = strchr(text, ':'), *number = which ? strchr(which + 1, ':') : NULL;

	if (!number || relay.order_count == ORDER_MAX || (number[1] != '+' && number[1] != '='))
		return false;
	o->d = strncmp(text, "in:", 3) == 0 ? TO_CLIENT : TO_SERVER;
	snprintf(o->which, sizeof(o->which), "%.*s", (int)(number - which - 1), which + 1);
	o->relative = number[1] == '+';
	o->n = strtoul(number + 2, NULL, 10);
	relay.order_count++;
	return true;
}

int main(int argc, char *argv[])
{
	struct between b = { .on_message = on_message, .on_end = on_end };
	bool good = argc >= 4;

	for (int i = 4; good && i < argc; i++)
		good = read_order(argv[i]);
	if (!good) {
		fprintf(stderr, "usage: signing_relay PORT HOST:PORT SECONDS "
				"[in|out:WHICH:+N|=N...]\n");
		return 2;
	}
	b.port = argv[1];
	b.server = argv[2];
	b.seconds = (unsigned)strtoul(argv[3], NULL, 10);
	between_run(&b);
	printf("total verified %lu in %lu out %lu handshakes %lu wrong %lu\n",
		relay.verified[0] + relay.verified[1], relay.verified[TO_CLIENT],
		relay.verified[TO_SERVER], relay.handshakes, relay.wrong);
	return relay.wrong > 0;
}
