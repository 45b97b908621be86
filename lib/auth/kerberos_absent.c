/* lib/auth/kerberos_absent.c -- the build without Kerberos (-Dkerberos=disabled): every door says
 * so; names and the bytes of tickets are as ever */
#include "auth/kerberos.h"

#define ABSENT "Kerberos is not in this build"

static int absent(struct fail *f)
{
	return fail_set(f, -FAIL_NOT_BUILT, ABSENT);
}

void kerberos_free(struct kerberos *k)
{
	(void)k;
}

void kerberos_ask(const struct kerberos_wish *w, struct kerberos_ticket *out)
{
	(void)w;
	kerberos_ticket_init(out);
	buf_add_str(&out->reason, STR(ABSENT));
}

int kerberos_import(struct str context, struct kerberos **out, struct fail *f)
{
	(void)context;
	(void)out;
	return absent(f);
}

int kerberos_acceptor_new(const char *keytab, struct kerberos_acceptor **out, struct fail *f)
{
	(void)keytab;
	(void)out;
	return absent(f);
}

void kerberos_acceptor_free(struct kerberos_acceptor *a)
{
	(void)a;
}

int kerberos_accept(struct kerberos_acceptor *a, struct str token, struct kerberos **out,
	struct buf *principal, uint32_t *life_s, struct fail *f)
{
	(void)a;
	(void)token;
	(void)out;
	(void)principal;
	(void)life_s;
	return absent(f);
}

int kerberos_sign(struct kerberos *k, struct str text, struct buf *mic, struct fail *f)
{
	(void)k;
	(void)text;
	(void)mic;
	return absent(f);
}

bool kerberos_verify(struct kerberos *k, struct str text, struct str mic)
{
	(void)k;
	(void)text;
	(void)mic;
	return false;
}
