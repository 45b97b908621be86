/* lib/auth/kerberos.c -- security contexts and their MICs over MIT's GSSAPI (RFC 4121). Always its
 * Kerberos by name: other mechanisms may be installed beside it. */
#include "auth/kerberos_impl.h"

#include "base/hash.h"
#include "base/mem.h"

#include <string.h>

struct kerberos {
	gss_ctx_id_t context;
};

enum { USED_MAX = 512 };

struct kerberos_acceptor {
	gss_cred_id_t cred;
	char used[USED_MAX][HASH_MAX]; /* contexts that were accepted last, as digests */
	size_t count; /* in all; the place of the next one */
};

void kerberos_free(struct kerberos *k)
{
	OM_uint32 ignored;

	if (!k)
		return;
	gss_delete_sec_context(&ignored, &k->context, GSS_C_NO_BUFFER); /* wipes its keys */
	mem_wipe_stack();
	mem_free(k);
}

static int failed(struct fail *f, int code, const char *what, OM_uint32 major, OM_uint32 minor)
{
	struct buf reason = BUF_INIT(KERBEROS_REASON_MAX);

	kerberos_reason_of(major, minor, &reason);
	fail_set(f, code, "Kerberos: %s: %s", what, buf_cstr(&reason));
	buf_done(&reason);
	return code;
}

int kerberos_import(struct str context, struct kerberos **out, struct fail *f)
{
	gss_buffer_desc token = kerberos_buffer(context);
	gss_ctx_id_t made = GSS_C_NO_CONTEXT;
	OM_uint32 major, minor;
	struct kerberos *k;

	if (!context.n || context.n > KERBEROS_CONTEXT_MAX)
		return fail_set(f, -FAIL_PROTOCOL, "Kerberos: no context");
	major = gss_import_sec_context(&minor, &token, &made);
	mem_wipe_stack();
	if (GSS_ERROR(major))
		return failed(f, -FAIL_PROTOCOL, "the context", major, minor);
	k = MEM_NEW(struct kerberos);
	k->context = made;
	*out = k;
	return 0;
}

int kerberos_sign(struct kerberos *k, struct str text, struct buf *mic, struct fail *f)
{
	gss_buffer_desc message = kerberos_buffer(text), token = GSS_C_EMPTY_BUFFER;
	OM_uint32 major, minor, ignored;

	major = gss_get_mic(&minor, k->context, GSS_C_QOP_DEFAULT, &message, &token);
	mem_wipe_stack();
	if (GSS_ERROR(major))
		return failed(f, -FAIL_AUTH, "no signature", major, minor);
	buf_add(mic, token.value, token.length);
	gss_release_buffer(&ignored, &token);
	return 0;
}

bool kerberos_verify(struct kerberos *k, struct str text, struct str mic)
{
	gss_buffer_desc message = kerberos_buffer(text), token = kerberos_buffer(mic);
	OM_uint32 minor;
	bool good;

	/* A client that asked for sequence detection gets bits about the order beside a good
	 * signature: the order is the association's matter, which has a window. */
	good = mic.n > 0 && !GSS_ERROR(gss_verify_mic(&minor, k->context, &message, &token, NULL));
	mem_wipe_stack();
	return good;
}

/* ---- the acceptor ---- */

/* Without the replay cache of the library, which is a file in a folder of the system's, synced at
 * every token: see take. Any host's key will do, but only of the service sip: a ticket for
 * another service of the keytab proves nothing to us. */
static OM_uint32 acquire(const char *keytab, gss_cred_id_t *cred, OM_uint32 *minor)
{
	gss_key_value_element_desc elements[] = { { "keytab", keytab }, { "rcache", "none:" } };
	gss_key_value_set_desc store = { 2, elements };
	gss_OID_set_desc mechs = { 1, (gss_OID)(uintptr_t)gss_mech_krb5 };
	gss_buffer_desc service = kerberos_buffer(STR("sip"));
	gss_name_t name = GSS_C_NO_NAME;
	OM_uint32 major, ignored;

	major = gss_import_name(minor, &service, GSS_C_NT_HOSTBASED_SERVICE, &name);
	if (GSS_ERROR(major))
		return major;
	major = gss_acquire_cred_from(
		minor, name, GSS_C_INDEFINITE, &mechs, GSS_C_ACCEPT, &store, cred, NULL, NULL);
	gss_release_name(&ignored, &name);
	return major;
}

int kerberos_acceptor_new(const char *keytab, struct kerberos_acceptor **out, struct fail *f)
{
	struct buf name = BUF_INIT(4096 + 5);
	gss_cred_id_t cred = GSS_C_NO_CREDENTIAL;
	OM_uint32 major, minor;
	int e;

	buf_addf(&name, "FILE:%s", keytab);
	if (name.fail) {
		buf_done(&name);
		return fail_set(f, -FAIL_LOCAL, "Kerberos: the name of the keytab is too long");
	}
	e = kerberos_keytab_check(buf_cstr(&name), f);
	if (e == 0) {
		major = acquire(buf_cstr(&name), &cred, &minor);
		if (GSS_ERROR(major))
			e = failed(f, -FAIL_LOCAL, "the keytab", major, minor);
	}
	buf_done(&name);
	if (e != 0)
		return e;
	*out = MEM_NEW(struct kerberos_acceptor);
	(*out)->cred = cred;
	return 0;
}

void kerberos_acceptor_free(struct kerberos_acceptor *a)
{
	OM_uint32 ignored;

	if (!a)
		return;
	gss_release_cred(&ignored, &a->cred);
	mem_free(a);
}

struct accepted {
	gss_ctx_id_t context;
	gss_name_t name;
	gss_buffer_desc answer;
	OM_uint32 flags, life_s;
};

static void accepted_done(struct accepted *a)
{
	OM_uint32 ignored;

	gss_release_name(&ignored, &a->name);
	gss_release_buffer(&ignored, &a->answer);
	if (a->context != GSS_C_NO_CONTEXT)
		gss_delete_sec_context(&ignored, &a->context, GSS_C_NO_BUFFER);
}

/* RFC 4120 3.2.3: a replay must be refused as long as its time is good, five minutes. Before
 * version 4 nothing but the token proves a REGISTER, so that with a used one a binding could be
 * made in another's name. The token itself is not compared, since a parser overlooks bytes that
 * were added: what it says, its subkey and first sequence number above all, is in the exported
 * context. */
static bool take(struct kerberos_acceptor *a, struct str exported)
{
	char digest[HASH_MAX];

	hash_parts(HASH_SHA256, &exported, 1, digest);
	for (size_t i = 0; i < USED_MAX && i < a->count; i++)
		if (memcmp(a->used[i], digest, sizeof(digest)) == 0)
			return false;
	memcpy(a->used[a->count++ % USED_MAX], digest, sizeof(digest));
	return true;
}

/* Exporting ends a context, so it is made anew of that. */
static int renew(
	struct kerberos_acceptor *a, struct accepted *got, struct kerberos **out, struct fail *f)
{
	gss_buffer_desc exported = GSS_C_EMPTY_BUFFER;
	struct str bytes;
	OM_uint32 minor, major = gss_export_sec_context(&minor, &got->context, &exported);
	int e;

	if (GSS_ERROR(major))
		return failed(f, -FAIL_AUTH, "the context", major, minor);
	bytes = (struct str){ exported.value, exported.length };
	if (take(a, bytes))
		e = kerberos_import(bytes, out, f);
	else
		e = fail_set(f, -FAIL_AUTH, "Kerberos: the token was used before");
	kerberos_release(&exported);
	return e;
}

/* RFC 2743 3.1: a tag, a length, and the mechanism's name, that of RFC 1964. Anything else GSSAPI
 * might give to another mechanism, which it would load. */
static bool is_kerberos(struct str token)
{
	static const char oid[] = "\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02";
	struct str rest = str_sub(token, 2, token.n);
	unsigned length = token.n > 1 ? (unsigned char)token.p[1] : 0;

	if (!str_starts(token, STR("\x60")))
		return false;
	if (length > 0x80)
		rest = str_sub(rest, length - 0x80, rest.n);
	return str_starts(rest, STR(oid));
}

static int accept_token(
	struct kerberos_acceptor *a, struct str token, struct accepted *out, struct fail *f)
{
	gss_buffer_desc t = kerberos_buffer(token);
	OM_uint32 major, minor;

	if (!token.n || token.n > KERBEROS_TOKEN_MAX)
		return fail_set(f, -FAIL_AUTH, "Kerberos: no token, or one of more than %d bytes",
			KERBEROS_TOKEN_MAX);
	if (!is_kerberos(token))
		return fail_set(f, -FAIL_AUTH, "Kerberos: the token is of another mechanism");
	major = gss_accept_sec_context(&minor, &out->context, a->cred, &t,
		GSS_C_NO_CHANNEL_BINDINGS, &out->name, NULL, &out->answer, &out->flags,
		&out->life_s, NULL);
	mem_wipe_stack();
	if (GSS_ERROR(major))
		return failed(f, -FAIL_AUTH, "the token", major, minor);
	/* There is no gssapi-data in a 200: a client that waits for ours would wait for ever. */
	if ((major & GSS_S_CONTINUE_NEEDED) || (out->flags & GSS_C_MUTUAL_FLAG))
		return fail_set(f, -FAIL_AUTH, "Kerberos: the client wants more than one token");
	return 0;
}

int kerberos_accept(struct kerberos_acceptor *a, struct str token, struct kerberos **out,
	struct buf *principal, uint32_t *life_s, struct fail *f)
{
	struct accepted got = { .context = GSS_C_NO_CONTEXT };
	struct buf name = BUF_INIT(KERBEROS_NAME_MAX);
	int e = accept_token(a, token, &got, f);

	if (e == 0 && !kerberos_name_add(got.name, &name))
		e = fail_set(f, -FAIL_AUTH, "Kerberos: the token names nobody");
	if (e == 0)
		e = renew(a, &got, out, f);
	if (e == 0) {
		buf_add_str(principal, buf_str(&name));
		*life_s = got.life_s;
	}
	buf_done(&name);
	accepted_done(&got);
	return e;
}
