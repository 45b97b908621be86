/* tests/peers/mutate.c -- somebody between clients and a server who has no keys, and tries:
 * tests/interop/mutations.bats, associations.bats
 *
 *   mutate PORT HOST:PORT SECONDS [ORDER...]
 *
 * Listens at 127.0.0.1:PORT (0: a free one), passes every message on as it is and says what it was;
 * and does what is ordered with signed ones, those of a security association of NTLM or Kerberos.
 * An order is ACTION:out|in:WHICH[:FIELD]; out is to the server; WHICH is a METHOD, STATUS.METHOD
 * or
 * `*`, and but for that the order is done once.
 *
 *   copies    forged copies go before the message, in each another byte of a signed field is
 *             changed: the first, the middle and the last one of every field (or of FIELD)
 *   replay    the message goes twice
 *   hold      the message waits until another one of its direction has passed
 *   flip      one byte of FIELD of the message itself is changed
 *   strip     the message goes without its signature
 *   stripped  a copy without its signature goes before the message
 *   swallow   the message does not go
 *
 * FIELD: from-uri from-tag to-uri to-tag call-id cseq-number cseq-method pai expires status realm
 * targetname rand number signature opaque; and for what is there or not: add-pai add-expires
 * drop-expires drop-to-tag. What no signature covers is changed as an attacker would like it: in
 * copies and replays of requests a branch of their own, so that an answer to one is known for what
 * it is and goes nowhere; the body begins with MUTANT, and the reason of responses is Mutant.
 * Prints
 *
 *   ready PORT
 *   connection N | end N
 *   N >> METHOD              or N << STATUS METHOD; then ` token N` when it carries NTLM's
 *                            message N, or ` token K`
 *   mutant I >> METHOD FIELD one was sent
 *   replay I ...             and one that is the same
 *   held | released | flipped | stripped | swallowed
 *   answered I STATUS        somebody took it seriously
 *   total NAME N ...         of mutants out in replays late answered tokens challenges; late are
 *                            the replays of what a client was sent after it had said its last:
 *                            it may have gone before it could read them
 */
#include "between.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { ORDER_MAX = 64, WORD_MAX = 32, POSITIONS = 3 };

struct order {
	char action[WORD_MAX], which[WORD_MAX], field[WORD_MAX];
	enum direction d;
	bool done;
};

static struct {
	struct order orders[ORDER_MAX];
	size_t order_count;
	unsigned long sent; /* forged or repeated, numbered from 1 */
	unsigned long mutants[2], replays, late, answered, tokens, challenges;
} mutate;

struct draft {
	char m[SIP_TEXT_MAX + 1];
	size_t n;
};

/* What one connection knows: a message that waits, for each direction; and that the answer to a
 * token has not come yet. That one is no message of an association but the proof of it, which fails
 * when it is wrong: no copies go before it. */
struct held {
	size_t n[2];
	char *m[2];
	bool proves;
	unsigned long late; /* replays to a client that has said nothing since */
};

/* ---- the fields that a signature covers */

static struct view from_uri(const char *m)
{
	return sip_text_uri(sip_text_field(m, "From", 0));
}
static struct view from_tag(const char *m)
{
	return sip_text_tag(sip_text_field(m, "From", 0));
}
static struct view to_uri(const char *m)
{
	return sip_text_uri(sip_text_field(m, "To", 0));
}
static struct view to_tag(const char *m)
{
	return sip_text_tag(sip_text_field(m, "To", 0));
}
static struct view call_id(const char *m)
{
	return sip_text_field(m, "Call-ID", 0);
}
static struct view cseq_number(const char *m)
{
	struct view v = sip_text_field(m, "CSeq", 0);

	if (v.p)
		v.n = strspn(v.p, "0123456789");
	return v;
}
static struct view cseq_method(const char *m)
{
	struct view v = sip_text_field(m, "CSeq", 0), number = cseq_number(m);
	size_t blanks = v.p ? strspn(v.p + number.n, " \t") : 0;

	if (v.p) {
		v.p += number.n + blanks;
		v.n -= number.n + blanks;
	}
	return v;
}
static struct view pai(const char *m)
{
	return sip_text_identity(m, "P-Asserted-Identity", "sip:", "sips:");
}
static struct view expires(const char *m)
{
	return sip_text_field(m, "Expires", 0);
}
static struct view status(const char *m)
{
	return sip_text_is_request(m) ? (struct view){ NULL, 0 } : (struct view){ m + 8, 3 };
}
static struct view param(const char *m, const char *name, const char *other)
{
	struct view v = sip_text_param(sip_text_signer(m), name);

	return v.p || !other ? v : sip_text_param(sip_text_signer(m), other);
}
static struct view realm(const char *m)
{
	return param(m, "realm", NULL);
}
static struct view targetname(const char *m)
{
	return param(m, "targetname", NULL);
}
static struct view fresh(const char *m)
{
	return param(m, "crand", "srand");
}
static struct view number(const char *m)
{
	return param(m, "cnum", "snum");
}
static struct view signature(const char *m)
{
	return param(m, "response", "rspauth");
}
static struct view opaque(const char *m)
{
	return param(m, "opaque", NULL);
}

/* The opaque is a handle and covered by no signature: only by name. */
static const struct field {
	const char *name;
	struct view (*of)(const char *m);
	bool by_name;
} fields[] = { { "from-uri", from_uri, false }, { "from-tag", from_tag, false },
	{ "to-uri", to_uri, false }, { "to-tag", to_tag, false }, { "call-id", call_id, false },
	{ "cseq-number", cseq_number, false }, { "cseq-method", cseq_method, false },
	{ "pai", pai, false }, { "expires", expires, false }, { "status", status, false },
	{ "realm", realm, false }, { "targetname", targetname, false }, { "rand", fresh, false },
	{ "number", number, false }, { "signature", signature, false },
	{ "opaque", opaque, true } };

/* ---- changes */

static bool replace(struct draft *g, struct view old, const char *text)
{
	static char out[SIP_TEXT_MAX + 1];
	size_t n = old.p ? sip_text_replace(out, g->m, g->n, old, text) : 0;

	if (n == 0)
		return false;
	memcpy(g->m, out, n + 1);
	g->n = n;
	return true;
}

static struct view behind_first_line(const char *m)
{
	return (struct view){ strstr(m, "\r\n") + 2, 0 };
}

/* The line of a header field, with its end; the value is known to be there. */
static struct view line_of(const char *m, struct view value)
{
	const char *p = value.p, *end = strstr(value.p, "\r\n") + 2;

	while (p > m && p[-1] != '\n')
		p--;
	return (struct view){ p, (size_t)(end - p) };
}

static bool changeable(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Another character of its kind, so that the message keeps its form. */
static char other(char c, bool hex)
{
	if (c >= '0' && c <= '9')
		return c == '9' ? '0' : (char)(c + 1);
	if (c >= 'a' && c <= 'z')
		return c == (hex ? 'f' : 'z') ? 'a' : (char)(c + 1);
	return c == (hex ? 'F' : 'Z') ? 'A' : (char)(c + 1);
}

/* The byte of the view to be changed, of a URI behind its scheme; false: no further one. */
static bool find_byte(struct view v, const char *name, unsigned position, size_t *out)
{
	const char *colon =
		strstr(name, "-uri") || strcmp(name, "pai") == 0 ? memchr(v.p, ':', v.n) : NULL;
	size_t at[1024], n = 0;

	for (size_t i = colon ? (size_t)(colon - v.p) + 1 : 0; i < v.n && n < 1024; i++)
		if (changeable(v.p[i]))
			at[n++] = i;
	if (n <= position)
		return false;
	if (position == 0)
		*out = at[0];
	else if (position == 1)
		*out = at[n - 1];
	else
		*out = at[n / 2];
	return position < 2 || (n > 2 && n / 2 != n - 1);
}

static bool flip(struct draft *g, const struct field *f, unsigned position)
{
	struct view v = f->of(g->m);
	size_t at;
	char *p;

	if (v.n == 0 || !find_byte(v, f->name, position, &at))
		return false;
	p = g->m + (v.p - g->m) + at;
	if (f->of == status && at == 0)
		*p = *p == '6' ? '1' : (char)(*p + 1);
	else
		*p = other(*p, f->of == fresh || f->of == signature || f->of == opaque);
	if (f->of == cseq_method && sip_text_is_request(g->m)) /* RFC 3261 8.1.1.5: they agree */
		g->m[at] = *p;
	return true;
}

/* What is there or not. */
static bool restructure(struct draft *g, const char *name)
{
	struct view to = to_tag(g->m);

	if (strcmp(name, "add-pai") == 0)
		return !pai(g->m).p && replace(g, behind_first_line(g->m),
					       "P-Asserted-Identity: <sip:mallory@rte.test>\r\n");
	if (strcmp(name, "add-expires") == 0)
		return !expires(g->m).p && replace(g, behind_first_line(g->m), "Expires: 1\r\n");
	if (strcmp(name, "drop-expires") == 0)
		return expires(g->m).p && replace(g, line_of(g->m, expires(g->m)), "");
	if (strcmp(name, "drop-to-tag") == 0)
		return to.p && replace(g, (struct view){ to.p - 5, to.n + 5 }, "");
	return false;
}

/* What no signature covers. */
static void disguise(struct draft *g, unsigned long i, const char *what)
{
	char text[128];
	char *body;

	snprintf(text, sizeof(text), "z9hG4bKmutant%lu", i);
	/* a CANCEL in a transaction of its own would do nothing: RFC 3261 9.2 */
	if (sip_text_is_request(g->m) && !view_is(sip_text_method(g->m), "CANCEL"))
		replace(g, sip_text_branch(g->m), text);
	else if (!sip_text_is_request(g->m))
		replace(g, sip_text_reason(g->m), "Mutant");
	snprintf(text, sizeof(text), "X-Mutant: %lu %s\r\n", i, what);
	replace(g, behind_first_line(g->m), text);
	body = strstr(g->m, "\r\n\r\n") + 4;
	for (const char *p = "MUTANT"; *p && body < g->m + g->n; p++)
		*body++ = *p;
}

static void strip(struct draft *g)
{
	struct view signer = sip_text_signer(g->m);

	replace(g, line_of(g->m, signer), "");
}

/* ---- what is sent besides */

static const char *arrow(enum direction d)
{
	return d == TO_SERVER ? ">>" : "<<";
}

static void tell_message(const char *m)
{
	if (!sip_text_is_request(m))
		printf("%u ", sip_text_status(m));
	printf(VIEW_FMT, VIEW_ARG(sip_text_method(m)));
}

static void send_forged(
	const struct pair *p, enum direction d, struct draft *g, const char *word, const char *what)
{
	unsigned long i = ++mutate.sent;

	printf("%s %lu %s ", word, i, arrow(d));
	tell_message(g->m);
	printf(" %s\n", what);
	disguise(g, i, what);
	between_send(p, d, g->m, g->n);
}

static void draft(struct draft *g, const char *m, size_t n)
{
	memcpy(g->m, m, n + 1);
	g->n = n;
}

static void send_copies(
	const struct pair *p, enum direction d, const char *m, size_t n, const char *only)
{
	static const char *const structural[] = { "add-pai", "add-expires", "drop-expires",
		"drop-to-tag" };
	static struct draft g;

	for (size_t k = 0; k < sizeof(fields) / sizeof(fields[0]); k++) {
		if (*only ? strcmp(only, fields[k].name) != 0 : fields[k].by_name)
			continue;
		for (unsigned position = 0; position < POSITIONS; position++) {
			draft(&g, m, n);
			if (!flip(&g, &fields[k], position))
				continue;
			mutate.mutants[d]++;
			send_forged(p, d, &g, "mutant", fields[k].name);
		}
	}
	for (size_t k = 0; k < sizeof(structural) / sizeof(structural[0]); k++) {
		draft(&g, m, n);
		if ((*only && strcmp(only, structural[k]) != 0) || !restructure(&g, structural[k]))
			continue;
		mutate.mutants[d]++;
		send_forged(p, d, &g, "mutant", structural[k]);
	}
}

/* ---- orders */

static bool is_which(const char *which, const char *m)
{
	char what[64];

	if (sip_text_is_request(m))
		snprintf(what, sizeof(what), VIEW_FMT, VIEW_ARG(sip_text_method(m)));
	else
		snprintf(what, sizeof(what), "%u." VIEW_FMT, sip_text_status(m),
			VIEW_ARG(sip_text_method(m)));
	return strcmp(which, "*") == 0 || strcmp(which, what) == 0;
}

/* The order for this message, if there is one that is not done. */
static const struct order *ordered(const char *action, enum direction d, const char *m)
{
	for (size_t i = 0; i < mutate.order_count; i++) {
		struct order *o = &mutate.orders[i];

		if (o->done || o->d != d || strcmp(o->action, action) != 0 ||
			!is_which(o->which, m))
			continue;
		o->done = strcmp(o->which, "*") != 0;
		return o;
	}
	return NULL;
}

static void hold(struct pair *p, enum direction d, const struct draft *g)
{
	struct held *h = p->state;

	h->m[d] = malloc(g->n + 1);
	if (!h->m[d])
		exit(70);
	memcpy(h->m[d], g->m, g->n + 1);
	h->n[d] = g->n;
	printf("held\n");
}

static void release(struct pair *p, enum direction d)
{
	struct held *h = p->state;

	if (!h->m[d])
		return;
	between_send(p, d, h->m[d], h->n[d]);
	free(h->m[d]);
	h->m[d] = NULL;
	printf("released\n");
}

static void change(struct draft *g, enum direction d)
{
	const struct order *o = ordered("flip", d, g->m);

	if (o)
		for (size_t k = 0; k < sizeof(fields) / sizeof(fields[0]); k++)
			if (strcmp(o->field, fields[k].name) == 0 && flip(g, &fields[k], 0))
				printf("flipped\n");
	if (ordered("strip", d, g->m)) {
		strip(g);
		printf("stripped\n");
	}
}

static void pass_signed(struct pair *p, enum direction d, const char *m, size_t n)
{
	static struct draft g;
	struct held *h = p->state;
	const struct order *o;
	bool waits;

	while (!h->proves && (o = ordered("copies", d, m)) != NULL) {
		send_copies(p, d, m, n, o->field);
		if (strcmp(o->which, "*") == 0)
			break;
	}
	draft(&g, m, n);
	if (!h->proves && ordered("stripped", d, m)) {
		strip(&g);
		mutate.mutants[d]++;
		send_forged(p, d, &g, "mutant", "stripped");
		draft(&g, m, n);
	}
	if (ordered("swallow", d, m)) {
		printf("swallowed\n");
		return;
	}
	change(&g, d);
	waits = ordered("hold", d, m) != NULL;
	if (waits) {
		hold(p, d, &g);
		return;
	}
	between_send(p, d, g.m, g.n);
	release(p, d);
	if (ordered("replay", d, m)) {
		mutate.replays++;
		h->late += d == TO_CLIENT;
		send_forged(p, d, &g, "replay", "replay");
	}
}

/* ---- everything */

/* An answer to something forged: nobody waits for it. */
static bool is_answer_to_forged(const char *m)
{
	static const char mark[] = "z9hG4bKmutant";
	struct view branch = sip_text_branch(m);

	if (sip_text_is_request(m) || branch.n < sizeof(mark) ||
		strncmp(branch.p, mark, sizeof(mark) - 1) != 0)
		return false;
	printf("answered %lu %u\n", strtoul(branch.p + sizeof(mark) - 1, NULL, 10),
		sip_text_status(m));
	mutate.answered++;
	return true;
}

/* The value of a base64 digit. */
static unsigned digit(char c)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *p = c ? strchr(letters, c) : NULL;

	return p ? (unsigned)(p - letters) : 0;
}

/* [MS-NLMP] 2.2.1: the type is the ninth byte of a token, which is three times three bytes in. */
static void tell_token(const char *m)
{
	struct view v = sip_text_signer(m), token;

	if (!v.p)
		v = sip_text_challenge(m, "NTLM");
	if (!v.p)
		v = sip_text_challenge(m, "Kerberos");
	token = sip_text_param(v, "gssapi-data");
	if (token.n < 16)
		return;
	mutate.tokens += sip_text_is_request(m);
	if (view_is(sip_text_scheme(v), "NTLM"))
		printf(" token %u", (digit(token.p[10]) & 3) << 6 | digit(token.p[11]));
	else
		printf(" token K");
}

static void tell(const struct pair *p, enum direction d, const char *m)
{
	printf("%u %s ", p->number, arrow(d));
	tell_message(m);
	tell_token(m);
	printf("\n");
	mutate.challenges += sip_text_status(m) == 401 || sip_text_status(m) == 407;
}

static void on_message(struct pair *p, enum direction d, char *m, size_t n)
{
	struct held *h;

	if (!p->state && !(p->state = calloc(1, sizeof(struct held))))
		exit(70);
	h = p->state;
	if (n > SIP_TEXT_MAX - 512 || *m == '\r' || *m == '\n') {
		between_send(p, d, m, n);
		return;
	}
	if (is_answer_to_forged(m))
		return;
	tell(p, d, m);
	if (d == TO_SERVER)
		h->late = 0;
	if (signature(m).p && !param(m, "gssapi-data", NULL).p) {
		pass_signed(p, d, m, n);
		h->proves = false;
	} else {
		h->proves = param(m, "gssapi-data", NULL).n > 0;
		between_send(p, d, m, n);
		release(p, d);
	}
}

static void on_end(struct pair *p)
{
	struct held *h = p->state;

	if (h) {
		free(h->m[TO_SERVER]);
		free(h->m[TO_CLIENT]);
		mutate.late += h->late;
	}
	free(h);
	p->state = NULL;
}

/* The next word of an order; false: it is too long. */
static bool word(const char **at, char out[WORD_MAX])
{
	size_t n = strcspn(*at, ":");

	if (n >= WORD_MAX)
		return false;
	memcpy(out, *at, n);
	out[n] = '\0';
	*at += n;
	*at += **at == ':';
	return true;
}

static bool read_order(const char *text)
{
	struct order *o = &mutate.orders[mutate.order_count];
	char direction[WORD_MAX];

	if (mutate.order_count == ORDER_MAX || !word(&text, o->action) || !word(&text, direction) ||
		!word(&text, o->which) || !word(&text, o->field) || !o->which[0])
		return false;
	if (strcmp(direction, "in") != 0 && strcmp(direction, "out") != 0)
		return false;
	o->d = strcmp(direction, "in") == 0 ? TO_CLIENT : TO_SERVER;
	mutate.order_count++;
	return true;
}

int main(int argc, char *argv[])
{
	struct between b = { .on_message = on_message, .on_end = on_end };
	bool good = argc >= 4;

	for (int i = 4; good && i < argc; i++)
		good = read_order(argv[i]);
	if (!good) {
		fprintf(stderr, "usage: mutate PORT HOST:PORT SECONDS "
				"[ACTION:out|in:WHICH[:FIELD]...]\n");
		return 2;
	}
	b.port = argv[1];
	b.server = argv[2];
	b.seconds = (unsigned)strtoul(argv[3], NULL, 10);
	between_run(&b);
	printf("total mutants %lu out %lu in %lu replays %lu late %lu answered %lu tokens %lu "
	       "challenges %lu\n",
		mutate.mutants[0] + mutate.mutants[1], mutate.mutants[TO_SERVER],
		mutate.mutants[TO_CLIENT], mutate.replays, mutate.late, mutate.answered,
		mutate.tokens, mutate.challenges);
	return 0;
}
