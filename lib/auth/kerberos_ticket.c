/* lib/auth/kerberos_ticket.c -- what a wish came to, as bytes: how the child that asked tells it.
 * Both ends are one program, yet the child has talked to a KDC, so nothing is believed:
 *
 *   "rte1"  cause, 1 byte  life, 4 bytes  reason  token  context  principal
 *
 * each of the last four as its length in 4 bytes, and its bytes. Numbers have the high byte first.
 */
#include "auth/kerberos.h"

#include "base/mem.h"
#include "base/scan.h"

#include <string.h>

#define MAGIC "rte1"
enum { MAGIC_LEN = 4, LENGTH_LEN = 4 };

void kerberos_ticket_init(struct kerberos_ticket *t)
{
	*t = (struct kerberos_ticket){
		.cause = KERBEROS_OTHER,
		.reason = BUF_INIT(KERBEROS_REASON_MAX),
		.token = BUF_INIT(KERBEROS_TOKEN_MAX),
		.context = BUF_INIT(KERBEROS_CONTEXT_MAX),
		.principal = BUF_INIT(KERBEROS_NAME_MAX),
	};
}

void kerberos_ticket_done(struct kerberos_ticket *t)
{
	buf_done(&t->reason);
	buf_wipe(&t->token);
	buf_wipe(&t->context);
	buf_done(&t->principal);
	mem_wipe_stack();
}

static void add_number(struct buf *out, uint32_t n)
{
	const char bytes[LENGTH_LEN] = { (char)(n >> 24), (char)(n >> 16), (char)(n >> 8),
		(char)n };

	buf_add(out, bytes, sizeof(bytes));
}

static void add_part(struct buf *out, const struct buf *part)
{
	add_number(out, (uint32_t)part->n);
	buf_add_str(out, buf_str(part));
}

void kerberos_ticket_write(const struct kerberos_ticket *t, struct buf *out)
{
	/* at once, since a buffer that grows leaves an unwiped copy behind */
	if (!buf_reserve(out, KERBEROS_TICKET_MAX))
		return;
	buf_add(out, MAGIC, MAGIC_LEN);
	buf_add_char(out, (char)t->cause);
	add_number(out, t->life_s);
	add_part(out, &t->reason);
	add_part(out, &t->token);
	add_part(out, &t->context);
	add_part(out, &t->principal);
}

static bool take(struct scan *s, size_t n, struct str *out)
{
	if ((size_t)(s->end - s->p) < n)
		return false;
	*out = (struct str){ s->p, n };
	s->p += n;
	return true;
}

static bool take_number(struct scan *s, uint32_t *n)
{
	struct str b;

	if (!take(s, LENGTH_LEN, &b))
		return false;
	*n = 0;
	for (size_t i = 0; i < b.n; i++)
		*n = *n << 8 | (unsigned char)b.p[i];
	return true;
}

static bool take_part(struct scan *s, size_t max, struct str *out)
{
	uint32_t n;

	return take_number(s, &n) && n <= max && take(s, n, out);
}

struct parts {
	struct str magic, cause, reason, token, context, principal;
	uint32_t life_s;
};

static bool take_apart(struct scan *s, struct parts *p)
{
	return take(s, MAGIC_LEN, &p->magic) && str_eq(p->magic, STR(MAGIC)) &&
	       take(s, 1, &p->cause) && (unsigned char)p->cause.p[0] <= KERBEROS_OTHER &&
	       take_number(s, &p->life_s) && take_part(s, KERBEROS_REASON_MAX, &p->reason) &&
	       take_part(s, KERBEROS_TOKEN_MAX, &p->token) &&
	       take_part(s, KERBEROS_CONTEXT_MAX, &p->context) &&
	       take_part(s, KERBEROS_NAME_MAX, &p->principal) && scan_end(s);
}

/* What was granted has a context, what was not has neither that nor a token. */
static bool makes_sense(const struct parts *p)
{
	if (p->cause.p[0] == KERBEROS_NO_CAUSE)
		return p->context.n > 0;
	return !p->token.n && !p->context.n;
}

int kerberos_ticket_read(struct str bytes, struct kerberos_ticket *out)
{
	struct scan s = scan_str(bytes);
	struct parts p;

	if (!take_apart(&s, &p) || !makes_sense(&p))
		return -FAIL_PROTOCOL;
	kerberos_ticket_init(out);
	out->cause = (enum kerberos_cause)p.cause.p[0];
	out->life_s = p.life_s;
	buf_add_str(&out->reason, p.reason);
	buf_add_str(&out->token, p.token);
	buf_add_str(&out->context, p.context);
	buf_add_str(&out->principal, p.principal);
	return 0;
}
