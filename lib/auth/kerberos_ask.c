/* lib/auth/kerberos_ask.c -- a ticket of a KDC, and the context that it makes. Blocks: it runs in a
 * child process (lib/endpoint/ticket.c), where nothing else waits. */
#include "auth/kerberos_impl.h"

#include "base/mem.h"
#include "base/utf8.h"

#include <krb5.h>
#include <string.h>

struct asking {
	const struct kerberos_wish *wish;
	struct kerberos_ticket *out;
	krb5_context krb5;
	krb5_ccache cache; /* in memory, of a password */
	gss_cred_id_t cred;
	gss_name_t target;
	gss_ctx_id_t context;
};

static bool refuse(struct asking *a, enum kerberos_cause cause, const char *why)
{
	a->out->cause = cause;
	buf_clear(&a->out->reason);
	buf_add_str(&a->out->reason, str_of(why));
	return false;
}

static bool gss_good(struct asking *a, OM_uint32 major, OM_uint32 minor)
{
	if (!GSS_ERROR(major))
		return true;
	a->out->cause = kerberos_cause_of(major, minor);
	buf_clear(&a->out->reason);
	kerberos_reason_of(major, minor, &a->out->reason);
	return false;
}

static bool krb5_good(struct asking *a, krb5_error_code code)
{
	const char *text;

	if (code == 0)
		return true;
	text = krb5_get_error_message(a->krb5, code);
	refuse(a, kerberos_cause_of(0, (OM_uint32)code), "");
	utf8_show(&a->out->reason, str_sub(str_of(text), 0, KERBEROS_REASON_MAX / 4));
	krb5_free_error_message(a->krb5, text);
	return false;
}

/* ---- the credential ---- */

/* RFC 4120 5.2.1 leaves the bytes of a name open, C strings do not. */
static char *name_text(struct asking *a, struct str name)
{
	if (name.n > KERBEROS_NAME_MAX || str_find(name, '\0') < name.n) {
		refuse(a, KERBEROS_UNKNOWN_PRINCIPAL, "no such name can be");
		return NULL;
	}
	return mem_strndup(name.p, name.n);
}

/* Nothing may outlive the call or be handed on. canonicalize: for Active Directory, which knows its
 * realm by a short name, too, and answers with the long one (RFC 6806 section 5). */
static krb5_error_code options(struct asking *a, krb5_get_init_creds_opt **opt)
{
	krb5_error_code e = krb5_get_init_creds_opt_alloc(a->krb5, opt);

	if (e != 0)
		return e;
	krb5_get_init_creds_opt_set_forwardable(*opt, 0);
	krb5_get_init_creds_opt_set_proxiable(*opt, 0);
	krb5_get_init_creds_opt_set_canonicalize(*opt, 1);
	return krb5_get_init_creds_opt_set_out_ccache(a->krb5, *opt, a->cache);
}

static krb5_error_code ask_with(struct asking *a, krb5_principal who, const char *password)
{
	krb5_get_init_creds_opt *opt = NULL;
	krb5_creds got = { 0 };
	krb5_error_code e = options(a, &opt);

	if (e == 0)
		e = krb5_get_init_creds_password(
			a->krb5, &got, who, password, NULL, NULL, 0, NULL, opt);
	if (e == 0)
		krb5_free_cred_contents(a->krb5, &got); /* wipes the session key */
	krb5_get_init_creds_opt_free(a->krb5, opt);
	return e;
}

/* Tickets of a password, into the cache in memory. */
static bool log_on(struct asking *a)
{
	struct str password = a->wish->password;
	krb5_principal who = NULL;
	char *name, *secret;
	bool good;

	if (str_find(password, '\0') < password.n)
		return refuse(
			a, KERBEROS_WRONG_PASSWORD, "a password without a zero byte is wanted");
	if (!(name = name_text(a, a->wish->principal)))
		return false;
	secret = mem_strndup(password.p, password.n);
	good = krb5_good(a, krb5_parse_name(a->krb5, name, &who)) &&
	       krb5_good(a, krb5_cc_new_unique(a->krb5, "MEMORY", NULL, &a->cache)) &&
	       krb5_good(a, ask_with(a, who, secret));
	mem_wipe(secret, password.n);
	mem_free(secret);
	mem_free(name);
	krb5_free_principal(a->krb5, who);
	return good;
}

static bool acquire(struct asking *a, gss_name_t who, const char *cache)
{
	gss_key_value_element_desc element = { "ccache", cache };
	gss_key_value_set_desc store = { cache ? 1 : 0, &element };
	gss_OID_set_desc mechs = { 1, (gss_OID)(uintptr_t)gss_mech_krb5 };
	OM_uint32 major, minor;

	major = gss_acquire_cred_from(&minor, who, GSS_C_INDEFINITE, &mechs, GSS_C_INITIATE, &store,
		&a->cred, NULL, NULL);
	return gss_good(a, major, minor);
}

static bool from_password(struct asking *a)
{
	char *cache = NULL;
	bool good = log_on(a) && krb5_good(a, krb5_cc_get_full_name(a->krb5, a->cache, &cache)) &&
		    acquire(a, GSS_C_NO_NAME, cache);

	krb5_free_string(a->krb5, cache);
	return good;
}

/* Of the default collection of caches: of this principal, or the first. */
static bool from_cache(struct asking *a)
{
	gss_buffer_desc text = kerberos_buffer(a->wish->principal);
	gss_name_t who = GSS_C_NO_NAME;
	OM_uint32 major, minor;
	bool good;

	if (text.length) {
		major = gss_import_name(&minor, &text, GSS_KRB5_NT_PRINCIPAL_NAME, &who);
		if (!gss_good(a, major, minor))
			return false;
	}
	good = acquire(a, who, NULL);
	gss_release_name(&minor, &who);
	return good;
}

static bool from_credential(struct asking *a)
{
	gss_buffer_desc token = kerberos_buffer(a->wish->credential);
	OM_uint32 minor, major = gss_import_cred(&minor, &token, &a->cred);

	return gss_good(a, major, minor);
}

static bool have_credential(struct asking *a)
{
	if (a->wish->credential.n)
		return from_credential(a);
	if (a->wish->principal.n && a->wish->password.n)
		return from_password(a);
	return from_cache(a);
}

/* ---- what is handed back ---- */

static bool keep_secret(struct asking *a, gss_buffer_t b, struct buf *out)
{
	buf_add(out, b->value, b->length);
	kerberos_release(b);
	if (!out->fail && out->n)
		return true;
	buf_clear(out);
	return refuse(a, KERBEROS_OTHER, "the ticket is larger than a message can carry");
}

/* The ticket-granting ticket alone. A cache in memory is exported whole, another one by its name.
 */
static bool give_credential(struct asking *a)
{
	gss_buffer_desc exported = GSS_C_EMPTY_BUFFER;
	gss_name_t who = GSS_C_NO_NAME;
	OM_uint32 major, minor, life = 0;

	major = gss_inquire_cred(&minor, a->cred, &who, &life, NULL, NULL);
	if (!gss_good(a, major, minor))
		return false;
	kerberos_name_add(who, &a->out->principal);
	gss_release_name(&minor, &who);
	if (life == 0)
		return refuse(a, KERBEROS_EXPIRED, "Ticket expired");
	a->out->life_s = life;
	major = gss_export_cred(&minor, a->cred, &exported);
	return gss_good(a, major, minor) && keep_secret(a, &exported, &a->out->context);
}

/* [MS-SIPAE] names the service "sip/host", GSSAPI "sip@host". */
static bool import_target(struct asking *a)
{
	struct str target = a->wish->target;
	struct buf name = BUF_INIT(KERBEROS_NAME_MAX);
	gss_buffer_desc text;
	OM_uint32 major, minor;

	if (!kerberos_target_is_good(target))
		return refuse(a, KERBEROS_UNKNOWN_SERVICE, "the target is no sip/HOST");
	buf_add_str(&name, target);
	name.p[3] = '@';
	text = kerberos_buffer(buf_str(&name));
	major = gss_import_name(&minor, &text, GSS_C_NT_HOSTBASED_SERVICE, &a->target);
	buf_done(&name);
	return gss_good(a, major, minor);
}

/* Integrity alone, so that one token is all and a MIC can be made at once: with mutual
 * authentication the context would wait for an answer that no 200 carries, and sequence numbers are
 * the association's matter (microsoft-auth.md section 3). */
static bool make_context(struct asking *a)
{
	gss_buffer_desc token = GSS_C_EMPTY_BUFFER;
	OM_uint32 major, minor, ignored;
	bool good;

	major = gss_init_sec_context(&minor, a->cred, &a->context, a->target,
		(gss_OID)(uintptr_t)gss_mech_krb5, GSS_C_INTEG_FLAG, 0, GSS_C_NO_CHANNEL_BINDINGS,
		GSS_C_NO_BUFFER, NULL, &token, NULL, &a->out->life_s);
	good = gss_good(a, major, minor);
	if (good && (major & GSS_S_CONTINUE_NEEDED))
		good = refuse(a, KERBEROS_OTHER, "the context wants more than one token");
	if (good)
		buf_add(&a->out->token, token.value, token.length);
	gss_release_buffer(&ignored, &token);
	if (good && a->out->token.fail)
		good = refuse(a, KERBEROS_OTHER, "the ticket is larger than a message can carry");
	return good;
}

static bool give_context(struct asking *a)
{
	gss_buffer_desc exported = GSS_C_EMPTY_BUFFER;
	gss_name_t who = GSS_C_NO_NAME;
	OM_uint32 major, minor;

	if (!import_target(a) || !make_context(a))
		return false;
	major = gss_inquire_context(&minor, a->context, &who, NULL, NULL, NULL, NULL, NULL, NULL);
	if (!gss_good(a, major, minor))
		return false;
	kerberos_name_add(who, &a->out->principal);
	gss_release_name(&minor, &who);
	major = gss_export_sec_context(&minor, &a->context, &exported);
	return gss_good(a, major, minor) && keep_secret(a, &exported, &a->out->context);
}

static void asking_done(struct asking *a)
{
	OM_uint32 ignored;

	if (a->context != GSS_C_NO_CONTEXT)
		gss_delete_sec_context(&ignored, &a->context, GSS_C_NO_BUFFER);
	gss_release_name(&ignored, &a->target);
	gss_release_cred(&ignored, &a->cred);
	if (a->cache)
		krb5_cc_destroy(a->krb5, a->cache);
	if (a->krb5)
		krb5_free_context(a->krb5);
}

void kerberos_ask(const struct kerberos_wish *w, struct kerberos_ticket *out)
{
	struct asking a = { .wish = w, .out = out };
	bool good;

	kerberos_ticket_init(out);
	good = krb5_good(&a, krb5_init_context(&a.krb5)) && have_credential(&a) &&
	       (w->target.n ? give_context(&a) : give_credential(&a));
	asking_done(&a);
	if (good) {
		out->cause = KERBEROS_NO_CAUSE;
		return;
	}
	out->life_s = 0;
	buf_wipe(&out->token);
	buf_wipe(&out->context);
}
