/* lib/auth/kerberos_name.c -- names of users and of services, as people and challenges write them
 */
#include "auth/kerberos.h"

#include "base/scan.h"

bool kerberos_target_is_good(struct str target)
{
	struct scan s = scan_str(target);
	struct str host;

	if (target.n > KERBEROS_NAME_MAX || !str_starts(target, STR("sip/")))
		return false;
	s.p += 4;
	return scan_run(&s, CH_HOST, &host) && scan_is(host.p[0], CH_ALPHA | CH_DIGIT) &&
	       scan_end(&s);
}

/* A realm of Active Directory is its DNS domain in capitals ([MS-KILE] 3.1.5.6 leaves lower case to
 * servers that fold it), and krb5.conf is read with regard to case. */
static void add_realm(struct buf *out, struct str domain)
{
	for (size_t i = 0; i < domain.n; i++) {
		char c = domain.p[i];
		buf_add_char(out, c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c);
	}
}

bool kerberos_principal_of(struct str name, struct buf *out)
{
	struct str before, after;

	/* A backslash before '@' or '/' quotes it in a principal's name, so '@' decides first. */
	if (str_find(name, '@') < name.n || !str_cut(name, '\\', &before, &after) || !before.n ||
		!after.n) {
		buf_add_str(out, name);
		return str_cut(name, '@', &before, &after) && before.n && after.n;
	}
	buf_add_str(out, after);
	buf_add_char(out, '@');
	add_realm(out, before);
	return false;
}
