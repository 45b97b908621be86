/* lib/auth/kerberos_impl.h -- what the files on GSSAPI share; for them only */
#ifndef AUTH_KERBEROS_IMPL_H
#define AUTH_KERBEROS_IMPL_H

#include "auth/kerberos.h"

#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>

/* What MIT calls KG_*, the mechanism's own codes, is in no public header; its major code tells.
 * minor: a code of krb5.h, where there is one. */
enum kerberos_cause kerberos_cause_of(OM_uint32 major, OM_uint32 minor);
/* What the library says to it, fit for people; cut to KERBEROS_REASON_MAX. */
void kerberos_reason_of(OM_uint32 major, OM_uint32 minor, struct buf *reason);
/* "FILE:PATH": 0, or -FAIL_LOCAL: it cannot be read, or has no key of a service sip. */
int kerberos_keytab_check(const char *name, struct fail *f);
/* The name as text; false (and nothing) when there is none or it is too long. */
bool kerberos_name_add(gss_name_t name, struct buf *out);
/* Wiped, then released. */
void kerberos_release(gss_buffer_t b);
/* Borrowed. */
gss_buffer_desc kerberos_buffer(struct str s);

#endif
