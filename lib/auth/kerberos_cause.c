/* lib/auth/kerberos_cause.c -- why Kerberos failed: its codes as causes and as words, and the small
 * change of GSSAPI */
#include "auth/kerberos_impl.h"

#include "base/mem.h"
#include "base/utf8.h"

#include <errno.h>
#include <krb5.h>

static const struct {
	krb5_error_code code;
	enum kerberos_cause cause;
} causes[] = {
	{ KRB5_CC_NOTFOUND, KERBEROS_NO_CREDENTIAL },
	{ KRB5_FCC_NOFILE, KERBEROS_NO_CREDENTIAL },
	{ KRB5_CC_END, KERBEROS_NO_CREDENTIAL },
	{ KRB5KRB_AP_ERR_TKT_EXPIRED, KERBEROS_EXPIRED },
	{ KRB5KDC_ERR_KEY_EXP, KERBEROS_EXPIRED }, /* the password */
	{ KRB5KDC_ERR_NAME_EXP, KERBEROS_EXPIRED }, /* the account */
	{ KRB5KDC_ERR_PREAUTH_FAILED, KERBEROS_WRONG_PASSWORD },
	{ KRB5_PREAUTH_FAILED, KERBEROS_WRONG_PASSWORD },
	{ KRB5KRB_AP_ERR_BAD_INTEGRITY, KERBEROS_WRONG_PASSWORD },
	{ KRB5KDC_ERR_C_PRINCIPAL_UNKNOWN, KERBEROS_UNKNOWN_PRINCIPAL },
	{ KRB5KDC_ERR_WRONG_REALM, KERBEROS_UNKNOWN_PRINCIPAL },
	{ KRB5KDC_ERR_S_PRINCIPAL_UNKNOWN, KERBEROS_UNKNOWN_SERVICE },
	{ KRB5_ERR_HOST_REALM_UNKNOWN, KERBEROS_UNKNOWN_SERVICE },
	{ KRB5KRB_AP_ERR_SKEW, KERBEROS_SKEW },
	{ KRB5_KDCREP_SKEW, KERBEROS_SKEW },
	{ KRB5KRB_AP_ERR_TKT_NYV, KERBEROS_SKEW }, /* not yet valid */
	{ KRB5_KDC_UNREACH, KERBEROS_UNREACHABLE },
	{ KRB5_REALM_UNKNOWN, KERBEROS_UNREACHABLE }, /* no KDC is known for the realm */
	{ KRB5_REALM_CANT_RESOLVE, KERBEROS_UNREACHABLE },
	{ ECONNREFUSED, KERBEROS_UNREACHABLE },
	{ EHOSTUNREACH, KERBEROS_UNREACHABLE },
	{ ENETUNREACH, KERBEROS_UNREACHABLE },
	{ ETIMEDOUT, KERBEROS_UNREACHABLE },
};

enum kerberos_cause kerberos_cause_of(OM_uint32 major, OM_uint32 minor)
{
	for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++)
		if (causes[i].code == (krb5_error_code)minor)
			return causes[i].cause;
	switch (GSS_ROUTINE_ERROR(major)) {
	case GSS_S_NO_CRED:
		return KERBEROS_NO_CREDENTIAL;
	case GSS_S_CREDENTIALS_EXPIRED:
	case GSS_S_CONTEXT_EXPIRED:
		return KERBEROS_EXPIRED;
	default:
		return KERBEROS_OTHER;
	}
}

/* A KDC may have sent this text. */
static void add_clean(struct buf *reason, struct str text)
{
	struct buf shown = BUF_INIT(4 * KERBEROS_REASON_MAX);
	size_t room = reason->limit > reason->n ? reason->limit - reason->n : 0;

	utf8_show(&shown, str_sub(text, 0, KERBEROS_REASON_MAX));
	buf_add_str(reason, str_sub(buf_str(&shown), 0, room));
	buf_done(&shown);
}

static void add_status(OM_uint32 code, int type, struct buf *reason)
{
	gss_buffer_desc text = GSS_C_EMPTY_BUFFER;
	OM_uint32 ignored, more = 0;

	gss_display_status(&ignored, code, type, gss_mech_krb5, &more, &text);
	add_clean(reason, (struct str){ text.value, text.length });
	gss_release_buffer(&ignored, &text);
}

void kerberos_reason_of(OM_uint32 major, OM_uint32 minor, struct buf *reason)
{
	if (minor)
		add_status(minor, GSS_C_MECH_CODE, reason);
	/* A mechanism that leaves its code at 0 is given one by the layer above: it says so. */
	if (!reason->n || str_eq(buf_str(reason), STR("Success"))) {
		buf_clear(reason);
		add_status(major, GSS_C_GSS_CODE, reason);
	}
}

bool kerberos_name_add(gss_name_t name, struct buf *out)
{
	gss_buffer_desc text = GSS_C_EMPTY_BUFFER;
	OM_uint32 ignored;
	bool good;

	if (name == GSS_C_NO_NAME || GSS_ERROR(gss_display_name(&ignored, name, &text, NULL)))
		return false;
	good = text.length > 0 && text.length <= KERBEROS_NAME_MAX;
	if (good)
		buf_add(out, text.value, text.length);
	gss_release_buffer(&ignored, &text);
	return good;
}

void kerberos_release(gss_buffer_t b)
{
	OM_uint32 ignored;

	mem_wipe(b->value, b->length);
	gss_release_buffer(&ignored, b);
}

gss_buffer_desc kerberos_buffer(struct str s)
{
	return (gss_buffer_desc){ .length = s.n, .value = (void *)(uintptr_t)s.p };
}
