/* tests/peers/half.c -- one half of a security association */
#include "half.h"

#include <dlfcn.h>
#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* gssapi_ext.h has it under another name in other implementations; [MS-NLMP] 3.4's Datagram. */
enum { FLAG_DATAGRAM = 0x10000, SEQUENCE = 100, NAME_MAX_BYTES = 512 };

/* Where Debian has it on this machine; NTLMSSP_MODULE in the environment says otherwise. */
static const char ntlm_module_path[] = "/usr/lib/x86_64-linux-gnu/gssntlmssp/gssntlmssp.so";

/* 1.3.6.1.4.1.311.2.2.10, and what sets its sequence number, 1.3.6.1.4.1.7165.655.1.1 */
static gss_OID_desc ntlm_mech = { 10, (void *)"\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x0a" };
static gss_OID_desc set_sequence = { 11, (void *)"\x2b\x06\x01\x04\x01\xb7\x7d\x85\x0f\x01\x01" };

typedef OM_uint32 accept_fn(OM_uint32 *, gss_ctx_id_t *, gss_cred_id_t, gss_buffer_t,
	gss_channel_bindings_t, gss_name_t *, gss_OID *, gss_buffer_t, OM_uint32 *, OM_uint32 *,
	gss_cred_id_t *);
typedef OM_uint32 get_mic_fn(OM_uint32 *, gss_ctx_id_t, gss_qop_t, gss_buffer_t, gss_buffer_t);
typedef OM_uint32 verify_mic_fn(OM_uint32 *, gss_ctx_id_t, gss_buffer_t, gss_buffer_t, gss_qop_t *);
typedef OM_uint32 set_option_fn(OM_uint32 *, gss_ctx_id_t *, const gss_OID, const gss_buffer_t);
typedef OM_uint32 display_name_fn(OM_uint32 *, gss_name_t, gss_buffer_t, gss_OID *);
typedef OM_uint32 inquire_fn(OM_uint32 *, gss_ctx_id_t, const gss_OID, gss_buffer_set_t *);
typedef OM_uint32 delete_fn(OM_uint32 *, gss_ctx_id_t *, gss_buffer_t);

/* The same seven of the mechglue or of the module. */
struct calls {
	accept_fn *accept;
	get_mic_fn *get_mic;
	verify_mic_fn *verify_mic;
	set_option_fn *set_option;
	display_name_fn *display_name;
	inquire_fn *inquire;
	delete_fn *release;
};

struct half {
	enum half_scheme scheme;
	bool accepts;
	struct calls call;
	gss_ctx_id_t context;
	gss_cred_id_t credential;
	gss_name_t target;
	char user[NAME_MAX_BYTES], reason[NAME_MAX_BYTES];
};

static const struct calls mechglue = { gss_accept_sec_context, gss_get_mic, gss_verify_mic,
	gss_set_sec_context_option, gss_display_name, gss_inquire_sec_context_by_oid,
	gss_delete_sec_context };

static void *symbol(void *module, const char *name)
{
	void *p = dlsym(module, name);

	if (!p) {
		fprintf(stderr, "half: %s\n", dlerror());
		exit(2);
	}
	return p;
}

static const struct calls *ntlm_module(void)
{
	static struct calls c;
	const char *path = getenv("NTLMSSP_MODULE");
	void *module;

	if (c.accept)
		return &c;
	module = dlopen(path ? path : ntlm_module_path, RTLD_NOW | RTLD_LOCAL);
	if (!module) {
		fprintf(stderr, "half: %s\n", dlerror());
		exit(2);
	}
	*(void **)&c.accept = symbol(module, "gss_accept_sec_context");
	*(void **)&c.get_mic = symbol(module, "gss_get_mic");
	*(void **)&c.verify_mic = symbol(module, "gss_verify_mic");
	*(void **)&c.set_option = symbol(module, "gss_set_sec_context_option");
	*(void **)&c.display_name = symbol(module, "gss_display_name");
	*(void **)&c.inquire = symbol(module, "gss_inquire_sec_context_by_oid");
	*(void **)&c.release = symbol(module, "gss_delete_sec_context");
	return &c;
}

static gss_OID mech_of(enum half_scheme scheme)
{
	return scheme == HALF_NTLM ? &ntlm_mech : (gss_OID)gss_mech_krb5;
}

static struct half *half_new(enum half_scheme scheme, bool accepts)
{
	struct half *h = calloc(1, sizeof(*h));

	if (!h)
		exit(70);
	h->scheme = scheme;
	h->accepts = accepts;
	h->call = scheme == HALF_NTLM && accepts ? *ntlm_module() : mechglue;
	h->context = GSS_C_NO_CONTEXT;
	h->credential = GSS_C_NO_CREDENTIAL;
	h->target = GSS_C_NO_NAME;
	return h;
}

void half_free(struct half *h)
{
	OM_uint32 minor;

	if (!h)
		return;
	if (h->context != GSS_C_NO_CONTEXT)
		h->call.release(&minor, &h->context, GSS_C_NO_BUFFER);
	if (h->credential != GSS_C_NO_CREDENTIAL)
		gss_release_cred(&minor, &h->credential);
	if (h->target != GSS_C_NO_NAME)
		gss_release_name(&minor, &h->target);
	free(h);
}

static void explain(struct half *h, OM_uint32 major, OM_uint32 minor)
{
	gss_buffer_desc text = GSS_C_EMPTY_BUFFER;
	OM_uint32 ignored, more = 0;

	/* of gss-ntlmssp it is an errno value */
	if (gss_display_status(&ignored, minor, GSS_C_MECH_CODE, mech_of(h->scheme), &more,
		    &text) != GSS_S_COMPLETE)
		text.length = 0;
	snprintf(h->reason, sizeof(h->reason), "major %08x minor %08x %.*s", major, minor,
		(int)text.length, text.length > 0 ? (const char *)text.value : "");
	gss_release_buffer(&ignored, &text);
}

/* ---- credentials */

/* The line of the user: its domain and password go to out, separated by a NUL. */
static bool find_user(const char *user, char *domain, char *password)
{
	const char *name = getenv("NTLM_USER_FILE");
	FILE *f = name ? fopen(name, "r") : NULL;
	char line[NAME_MAX_BYTES];
	bool found = false;

	while (!found && f && fgets(line, sizeof(line), f)) {
		char *first = strchr(line, ':'), *second = first ? strchr(first + 1, ':') : NULL;

		if (!second)
			continue;
		*first = *second = '\0';
		second[1 + strcspn(second + 1, "\r\n")] = '\0';
		found = strcmp(first + 1, user) == 0;
		snprintf(domain, NAME_MAX_BYTES, "%s", line);
		snprintf(password, NAME_MAX_BYTES, "%s", second + 1);
	}
	if (f)
		fclose(f);
	if (!found)
		fprintf(stderr, "half: no user %s\n", user);
	return found;
}

static bool import_name(struct half *h, const char *text, gss_OID type, gss_name_t *out)
{
	gss_buffer_desc b = { .length = strlen(text), .value = (void *)(uintptr_t)text };
	OM_uint32 minor, major = gss_import_name(&minor, &b, type, out);

	if (major != GSS_S_COMPLETE)
		explain(h, major, minor);
	return major == GSS_S_COMPLETE;
}

static bool acquire(struct half *h, const char *name, const char *password)
{
	gss_OID_set_desc mechs = { 1, mech_of(h->scheme) };
	gss_buffer_desc secret = { .length = strlen(password),
		.value = (void *)(uintptr_t)password };
	gss_name_t who = GSS_C_NO_NAME;
	OM_uint32 minor, major;

	if (!import_name(h, name, GSS_C_NT_USER_NAME, &who))
		return false;
	major = gss_acquire_cred_with_password(&minor, who, &secret, GSS_C_INDEFINITE, &mechs,
		GSS_C_INITIATE, &h->credential, NULL, NULL);
	if (major != GSS_S_COMPLETE)
		explain(h, major, minor);
	gss_release_name(&minor, &who);
	return major == GSS_S_COMPLETE;
}

struct half *half_accept(enum half_scheme scheme)
{
	return half_new(scheme, true);
}

struct half *half_initiate(enum half_scheme scheme, const char *user, const char *target)
{
	char domain[NAME_MAX_BYTES], password[NAME_MAX_BYTES], name[2 * NAME_MAX_BYTES],
		service[NAME_MAX_BYTES];
	struct half *h = half_new(scheme, false);
	bool good = find_user(user, domain, password);

	if (scheme == HALF_NTLM) {
		snprintf(name, sizeof(name), "%s\\%s", domain, user);
		snprintf(service, sizeof(service), "sip@%s", target);
	} else { /* sip/host is imported as sip@host */
		snprintf(name, sizeof(name), "%s", user);
		snprintf(service, sizeof(service), "sip@%s",
			strncmp(target, "sip/", 4) == 0 ? target + 4 : target);
	}
	good = good && acquire(h, name, password) &&
	       import_name(h, service, GSS_C_NT_HOSTBASED_SERVICE, &h->target);
	memset(password, 0, sizeof(password));
	if (good)
		return h;
	fprintf(stderr, "half: %s\n", h->reason);
	half_free(h);
	return NULL;
}

/* ---- the handshake */

/* The session key, for who searches for it where it should not be. */
static void print_key(struct half *h)
{
	gss_buffer_set_t set = GSS_C_NO_BUFFER_SET;
	OM_uint32 minor;

	if (h->call.inquire(&minor, h->context, GSS_C_INQ_SSPI_SESSION_KEY, &set) !=
			GSS_S_COMPLETE ||
		set->count == 0)
		return;
	fprintf(stderr, "key %s ", h->accepts ? "accepts" : "initiates");
	for (size_t i = 0; i < set->elements[0].length; i++)
		fprintf(stderr, "%02x", ((const unsigned char *)set->elements[0].value)[i]);
	fputc('\n', stderr);
	gss_release_buffer_set(&minor, &set);
}

/* The wire has 100 at every message, both ways. */
static void fix_sequence(struct half *h)
{
	uint32_t number = SEQUENCE;
	gss_buffer_desc value = { .length = sizeof(number), .value = &number };
	OM_uint32 minor, major = h->call.set_option(&minor, &h->context, &set_sequence, &value);

	if (major != GSS_S_COMPLETE) {
		fprintf(stderr, "half: the sequence number: %08x %08x\n", major, minor);
		exit(2);
	}
}

/* RTE\alice, alice@RTE.TEST -> alice */
static void learn_user(struct half *h, gss_name_t who)
{
	gss_buffer_desc text = GSS_C_EMPTY_BUFFER;
	OM_uint32 minor;
	const char *p, *slash;

	if (h->call.display_name(&minor, who, &text, NULL) != GSS_S_COMPLETE)
		return;
	p = text.value;
	slash = memchr(p, '\\', text.length);
	p = slash ? slash + 1 : p;
	snprintf(h->user, sizeof(h->user), "%.*s",
		(int)(text.length - (size_t)(p - (const char *)text.value)), p);
	h->user[strcspn(h->user, "@")] = '\0';
	/* both are malloc'ed; the names are left to the end of the process */
	gss_release_buffer(&minor, &text);
}

static OM_uint32 accept_leg(struct half *h, gss_buffer_t in, gss_buffer_t out, OM_uint32 *minor)
{
	gss_name_t who = GSS_C_NO_NAME;
	OM_uint32 major = h->call.accept(minor, &h->context, GSS_C_NO_CREDENTIAL, in,
		GSS_C_NO_CHANNEL_BINDINGS, &who, NULL, out, NULL, NULL, NULL);

	if (major == GSS_S_COMPLETE && who != GSS_C_NO_NAME)
		learn_user(h, who);
	return major;
}

static OM_uint32 initiate_leg(struct half *h, gss_buffer_t in, gss_buffer_t out, OM_uint32 *minor)
{
	OM_uint32 flags = GSS_C_INTEG_FLAG | (h->scheme == HALF_NTLM ? FLAG_DATAGRAM : 0);

	return gss_init_sec_context(minor, h->credential, &h->context, h->target,
		mech_of(h->scheme), flags, 0, GSS_C_NO_CHANNEL_BINDINGS,
		in->length > 0 ? in : GSS_C_NO_BUFFER, NULL, out, NULL, NULL);
}

int half_step(struct half *h, const struct half_token *in, struct half_token *out)
{
	gss_buffer_desc given = { .length = in->n, .value = (void *)(uintptr_t)in->p };
	gss_buffer_desc made = GSS_C_EMPTY_BUFFER;
	OM_uint32 minor = 0, ignored,
		  major = h->accepts ? accept_leg(h, &given, &made, &minor)
				     : initiate_leg(h, &given, &made, &minor);

	if (GSS_ERROR(major) || made.length > sizeof(out->p)) {
		explain(h, major, minor);
		return -1;
	}
	if (made.length > 0)
		memcpy(out->p, made.value, made.length);
	out->n = made.length;
	if (h->scheme == HALF_NTLM && h->accepts && out->n > 22 && getenv("NTLM_IDENTIFY"))
		out->p[22] |= 0x10;
	gss_release_buffer(&ignored, &made);
	if (major & GSS_S_CONTINUE_NEEDED)
		return 1;
	if (h->scheme == HALF_NTLM)
		fix_sequence(h);
	if (getenv("HALF_KEYS"))
		print_key(h);
	return 0;
}

const char *half_user(const struct half *h)
{
	return h->user;
}

const char *half_reason(const struct half *h)
{
	return h->reason;
}

/* ---- signatures */

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool half_sign(struct half *h, const char *text, size_t n, char *out)
{
	gss_buffer_desc message = { .length = n, .value = (void *)(uintptr_t)text };
	gss_buffer_desc mic = GSS_C_EMPTY_BUFFER;
	OM_uint32 minor,
		major = h->call.get_mic(&minor, h->context, GSS_C_QOP_DEFAULT, &message, &mic);
	const unsigned char *p = mic.value;

	if (major != GSS_S_COMPLETE || mic.length > HALF_MIC) {
		explain(h, major, minor);
		return false;
	}
	for (size_t i = 0; i < mic.length; i++)
		snprintf(out + 2 * i, 3, "%02x", p[i]);
	gss_release_buffer(&minor, &mic);
	return true;
}

bool half_verify(struct half *h, const char *text, size_t n, struct view hex)
{
	unsigned char mic[HALF_MIC];
	gss_buffer_desc message = { .length = n, .value = (void *)(uintptr_t)text };
	gss_buffer_desc given = { .length = hex.n / 2, .value = mic };
	OM_uint32 minor, major;

	if (hex.n == 0 || hex.n % 2 != 0 || given.length > sizeof(mic))
		return false;
	for (size_t i = 0; i < given.length; i++) {
		int high = digit(hex.p[2 * i]), low = digit(hex.p[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		mic[i] = (unsigned char)(high * 16 + low);
	}
	if (h->scheme == HALF_NTLM && given.length != 16) /* gss-ntlmssp does not look */
		return false;
	major = h->call.verify_mic(&minor, h->context, &message, &given, NULL);
	if (major != GSS_S_COMPLETE)
		explain(h, major, minor);
	return major == GSS_S_COMPLETE; /* with nothing supplementary, such as a gap */
}

/* ---- tokens */

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

bool half_token_read(struct view base64, struct half_token *out)
{
	unsigned bits = 0, have = 0;

	out->n = 0;
	if (!base64.p)
		return false;
	for (size_t i = 0; i < base64.n && base64.p[i] != '='; i++) {
		const char *at = memchr(letters, base64.p[i], 64);

		if (!at || out->n == sizeof(out->p))
			return false;
		bits = bits << 6 | (unsigned)(at - letters);
		have += 6;
		if (have < 8)
			continue;
		have -= 8;
		out->p[out->n++] = (unsigned char)(bits >> have);
		bits &= (1u << have) - 1;
	}
	return true;
}

void half_token_write(const struct half_token *t, char *out)
{
	size_t at = 0;

	for (size_t i = 0; i < t->n; i += 3) {
		unsigned bits = (unsigned)t->p[i] << 16;

		bits |= i + 1 < t->n ? (unsigned)t->p[i + 1] << 8 : 0;
		bits |= i + 2 < t->n ? (unsigned)t->p[i + 2] : 0;
		out[at++] = letters[bits >> 18];
		out[at++] = letters[bits >> 12 & 63];
		out[at++] = '=';
		out[at++] = '=';
		if (i + 1 < t->n)
			out[at - 2] = letters[bits >> 6 & 63];
		if (i + 2 < t->n)
			out[at - 1] = letters[bits & 63];
	}
	out[at] = '\0';
}
