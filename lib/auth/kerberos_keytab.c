/* lib/auth/kerberos_keytab.c -- is there a key of ours in a keytab? GSSAPI would say so too, but
 * not as well, and MIT's leaks where it says no. */
#include "auth/kerberos_impl.h"

#include <krb5.h>
#include <string.h>

static bool is_ours(krb5_const_principal p)
{
	const krb5_data *service = p->length == 2 ? &p->data[0] : NULL;

	return service && str_eq((struct str){ service->data, service->length }, STR("sip"));
}

static krb5_error_code look(krb5_context context, krb5_keytab keytab, bool *found)
{
	krb5_keytab_entry entry;
	krb5_kt_cursor cursor;
	krb5_error_code e = krb5_kt_start_seq_get(context, keytab, &cursor);

	if (e != 0)
		return e;
	while (!*found && (e = krb5_kt_next_entry(context, keytab, &entry, &cursor)) == 0) {
		*found = is_ours(entry.principal);
		krb5_free_keytab_entry_contents(context, &entry); /* wipes the key */
	}
	krb5_kt_end_seq_get(context, keytab, &cursor);
	return e == KRB5_KT_END ? 0 : e;
}

int kerberos_keytab_check(const char *name, struct fail *f)
{
	const char *path = name + strlen("FILE:");
	krb5_context context = NULL;
	krb5_keytab keytab = NULL;
	bool found = false;
	const char *text;
	krb5_error_code e = krb5_init_context(&context);

	if (e != 0)
		return fail_set(f, -FAIL_LOCAL, "Kerberos: krb5.conf cannot be used");
	e = krb5_kt_resolve(context, name, &keytab);
	if (e == 0)
		e = look(context, keytab, &found);
	if (e != 0) {
		text = krb5_get_error_message(context, e);
		e = fail_set(f, -FAIL_LOCAL, "Kerberos: keytab %s: %s", path, text);
		krb5_free_error_message(context, text);
	} else if (!found) {
		e = fail_set(
			f, -FAIL_LOCAL, "Kerberos: keytab %s: no key of a service sip/HOST", path);
	}
	if (keytab)
		krb5_kt_close(context, keytab);
	krb5_free_context(context);
	return e;
}
