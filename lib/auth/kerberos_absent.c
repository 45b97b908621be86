/* lib/auth/kerberos_absent.c -- the build without Kerberos (-Dkerberos=disabled): every door says
 * so */
#include "auth/kerberos.h"

static int absent(struct fail *f)
{
	return fail_set(f, -FAIL_NOT_BUILT, "Kerberos is not in this build");
}

void kerberos_free(struct kerberos *k)
{
	(void)k;
}

void kerberos_ticket_done(struct kerberos_ticket *t)
{
	(void)t;
}

bool kerberos_target_is_good(struct str target)
{
	(void)target;
	return false;
}

void kerberos_ask(const struct kerberos_wish *w, struct kerberos_ticket *out)
{
	(void)w;
	*out = (struct kerberos_ticket){ .cause = KERBEROS_OTHER };
}

void kerberos_ticket_write(const struct kerberos_ticket *t, struct buf *out)
{
	(void)t;
	(void)out;
}

int kerberos_ticket_read(struct str bytes, struct kerberos_ticket *out)
{
	(void)bytes;
	*out = (struct kerberos_ticket){ .cause = KERBEROS_OTHER };
	return -FAIL_NOT_BUILT;
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
