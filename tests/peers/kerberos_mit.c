/* tests/peers/kerberos_mit.c -- MIT's own side of a context */
#include "kerberos_mit.h"

#include "base/mem.h"

#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct mit {
	gss_ctx_id_t context;
	char peer[256];
};

static bool good(const char *what, OM_uint32 major, OM_uint32 minor)
{
	gss_buffer_desc text = GSS_C_EMPTY_BUFFER;
	OM_uint32 ignored, more = 0;

	if (!GSS_ERROR(major))
		return true;
	gss_display_status(&ignored, minor, GSS_C_MECH_CODE, gss_mech_krb5, &more, &text);
	fprintf(stderr, "MIT: %s: %08x %.*s\n", what, major, (int)text.length, (char *)text.value);
	gss_release_buffer(&ignored, &text);
	return false;
}

static struct mit_bytes copy(const gss_buffer_desc *b)
{
	struct mit_bytes out = { malloc(b->length + 1), b->length };

	if (!out.p)
		abort();
	memcpy(out.p, b->value, b->length);
	return out;
}

static struct mit_bytes take(gss_buffer_t b)
{
	struct mit_bytes out = copy(b);
	OM_uint32 ignored;

	gss_release_buffer(&ignored, b);
	return out;
}

struct mit *mit_accept(struct mit_bytes token)
{
	gss_buffer_desc in = { token.n, token.p }, out = GSS_C_EMPTY_BUFFER,
			text = GSS_C_EMPTY_BUFFER;
	struct mit *m = calloc(1, sizeof(*m));
	gss_name_t who = GSS_C_NO_NAME;
	OM_uint32 major, minor, ignored;

	if (!m)
		abort();
	major = gss_accept_sec_context(&minor, &m->context, GSS_C_NO_CREDENTIAL, &in,
		GSS_C_NO_CHANNEL_BINDINGS, &who, NULL, &out, NULL, NULL, NULL);
	if (!good("accept", major, minor) || major != GSS_S_COMPLETE || out.length) {
		mit_free(m);
		return NULL;
	}
	gss_display_name(&ignored, who, &text, NULL);
	snprintf(m->peer, sizeof(m->peer), "%.*s", (int)text.length, (char *)text.value);
	gss_release_buffer(&ignored, &text);
	gss_release_name(&ignored, &who);
	return m;
}

struct mit *mit_initiate(const char *service, unsigned flags, struct mit_bytes *token)
{
	gss_buffer_desc name = { strlen(service), (void *)(uintptr_t)service },
			out = GSS_C_EMPTY_BUFFER;
	struct mit *m = calloc(1, sizeof(*m));
	gss_name_t target = GSS_C_NO_NAME;
	OM_uint32 major, minor, ignored;

	if (!m)
		abort();
	gss_import_name(&ignored, &name, GSS_C_NT_HOSTBASED_SERVICE, &target);
	major = gss_init_sec_context(&minor, GSS_C_NO_CREDENTIAL, &m->context, target,
		(gss_OID)(uintptr_t)gss_mech_krb5, GSS_C_INTEG_FLAG | flags, 0,
		GSS_C_NO_CHANNEL_BINDINGS, GSS_C_NO_BUFFER, NULL, &out, NULL, NULL);
	gss_release_name(&ignored, &target);
	if (!good("initiate", major, minor)) {
		mit_free(m);
		return NULL;
	}
	*token = take(&out);
	return m;
}

void mit_free(struct mit *m)
{
	OM_uint32 ignored;

	if (!m)
		return;
	if (m->context != GSS_C_NO_CONTEXT)
		gss_delete_sec_context(&ignored, &m->context, GSS_C_NO_BUFFER);
	free(m);
}

const char *mit_peer(const struct mit *m)
{
	return m->peer;
}

struct mit_bytes mit_sign(struct mit *m, const char *text)
{
	gss_buffer_desc in = { strlen(text), (void *)(uintptr_t)text }, out = GSS_C_EMPTY_BUFFER;
	OM_uint32 major, minor;

	major = gss_get_mic(&minor, m->context, GSS_C_QOP_DEFAULT, &in, &out);
	if (!good("sign", major, minor))
		return (struct mit_bytes){ NULL, 0 };
	return take(&out);
}

bool mit_verify(struct mit *m, const char *text, struct mit_bytes mic)
{
	gss_buffer_desc in = { strlen(text), (void *)(uintptr_t)text }, token = { mic.n, mic.p };
	OM_uint32 minor;

	return gss_verify_mic(&minor, m->context, &in, &token, NULL) == GSS_S_COMPLETE;
}

struct mit_bytes mit_key(struct mit *m)
{
	gss_buffer_set_t set = GSS_C_NO_BUFFER_SET;
	struct mit_bytes out = { NULL, 0 };
	OM_uint32 major, minor, ignored;

	major = gss_inquire_sec_context_by_oid(
		&minor, m->context, GSS_C_INQ_SSPI_SESSION_KEY, &set);
	if (good("key", major, minor) && set->count > 0)
		out = copy(&set->elements[0]);
	/* or the search of kerberos_probe finds this copy */
	for (size_t i = 0; set != GSS_C_NO_BUFFER_SET && i < set->count; i++)
		mem_wipe(set->elements[i].value, set->elements[i].length);
	gss_release_buffer_set(&ignored, &set);
	return out;
}
