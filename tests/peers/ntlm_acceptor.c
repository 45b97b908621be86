/* tests/peers/ntlm_acceptor.c -- gss-ntlmssp as the other side of NTLM, without a line of ours:
 * tests/interop/ntlm.bats
 *
 *   ntlm_acceptor accept              the server; its users, names and level are in the environment
 *                                     (NTLM_USER_FILE, NETBIOS_COMPUTER_NAME, LM_COMPAT_LEVEL ...)
 *   ntlm_acceptor initiate 'DOM\user' the client; its password is in NTLM_PASSWORD
 *
 * Lines on standard input and output, bytes in hex. As a server it first writes "challenge BYTES".
 *   authenticate BYTES    -> complete NAME, or refused MAJOR MINOR TEXT       (accept)
 *   challenge BYTES       -> authenticate BYTES, or refused MAJOR MINOR TEXT  (initiate)
 *   sign TEXT             -> mic BYTES
 *   verify TEXT MIC       -> good, or bad MAJOR MINOR TEXT
 *
 * The module is loaded without MIT's mechanism glue for the server, since the glue takes an empty
 * first token for SPNEGO. Signatures have the sequence number 100, both ways. */
#include <dlfcn.h>
#include <glob.h>
#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>
#include <inttypes.h>
#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MODULE "/usr/lib/*/gssntlmssp/gssntlmssp.so"

#define DATAGRAM 0x10000 /* GSS_C_DATAGRAM_FLAG of gss-ntlmssp */

/* 1.3.6.1.4.1.311.2.2.10, and the option that sets the sequence number, 1.3.6.1.4.1.7165.655.1.1 */
static char ntlm_oid[] = "\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x0a";
static char sequence_oid[] = "\x2b\x06\x01\x04\x01\xb7\x7d\x85\x0f\x01\x01";
static gss_OID_desc ntlm = { sizeof(ntlm_oid) - 1, ntlm_oid };
static gss_OID_desc sequence_number = { sizeof(sequence_oid) - 1, sequence_oid };

/* Whatever the context came from: the glue or the module itself. */
static struct {
	__typeof__(gss_accept_sec_context) *accept;
	__typeof__(gss_get_mic) *get_mic;
	__typeof__(gss_verify_mic) *verify_mic;
	__typeof__(gss_set_sec_context_option) *set_option;
	__typeof__(gss_display_status) *status;
	__typeof__(gss_display_name) *name;
} gss = { NULL, gss_get_mic, gss_verify_mic, gss_set_sec_context_option, gss_display_status,
	gss_display_name };

static gss_ctx_id_t context = GSS_C_NO_CONTEXT;

static void die(const char *what)
{
	fprintf(stderr, "ntlm_acceptor: %s\n", what);
	exit(2);
}

static void *symbol(void *module, const char *name)
{
	void *p = dlsym(module, name);

	if (!p)
		die(name);
	return p;
}

static void load(void)
{
	glob_t found;
	void *module;

	if (glob(MODULE, 0, NULL, &found) != 0)
		die("gss-ntlmssp is not installed");
	module = dlopen(found.gl_pathv[0], RTLD_NOW | RTLD_LOCAL);
	globfree(&found);
	if (!module)
		die(dlerror());
	*(void **)&gss.accept = symbol(module, "gss_accept_sec_context");
	*(void **)&gss.get_mic = symbol(module, "gss_get_mic");
	*(void **)&gss.verify_mic = symbol(module, "gss_verify_mic");
	*(void **)&gss.set_option = symbol(module, "gss_set_sec_context_option");
	*(void **)&gss.status = symbol(module, "gss_display_status");
	*(void **)&gss.name = symbol(module, "gss_display_name");
}

/* ---- lines */

static void say_hex(const char *word, const gss_buffer_desc *b)
{
	const unsigned char *p = b->value;

	printf("%s ", word);
	for (size_t i = 0; i < b->length; i++)
		printf("%02x", p[i]);
	printf("\n");
}

static void say_status(const char *word, OM_uint32 major, OM_uint32 minor)
{
	gss_buffer_desc text = GSS_C_EMPTY_BUFFER;
	OM_uint32 more = 0, ignored;

	gss.status(&ignored, minor, GSS_C_MECH_CODE, &ntlm, &more, &text);
	printf("%s %08" PRIx32 " %" PRIu32 " %.*s\n", word, (uint32_t)major, (uint32_t)minor,
		(int)text.length, text.value ? (char *)text.value : "");
}

/* The next word of hex, as bytes that nobody frees: a handful a run. */
static gss_buffer_desc next_hex(char **rest)
{
	char *word = strsep(rest, " ");
	gss_buffer_desc b = { word ? strlen(word) / 2 : 0, NULL };
	unsigned char *p = malloc(b.length + 1);

	if (!p)
		die("out of memory");
	for (size_t i = 0; i < b.length; i++) {
		char two[3] = { word[2 * i], word[2 * i + 1], 0 };

		p[i] = (unsigned char)strtoul(two, NULL, 16);
	}
	b.value = p;
	return b;
}

/* ---- the handshake */

static void complete(const char *name, int n)
{
	uint32_t number = 100;
	gss_buffer_desc value = { sizeof(number), &number };
	OM_uint32 minor, major = gss.set_option(&minor, &context, &sequence_number, &value);

	if (GSS_ERROR(major))
		say_status("refused", major, minor);
	else if (name)
		printf("complete %.*s\n", n, name);
}

static void accept_token(gss_buffer_desc in)
{
	gss_buffer_desc out = GSS_C_EMPTY_BUFFER, text = GSS_C_EMPTY_BUFFER;
	gss_name_t name = GSS_C_NO_NAME;
	OM_uint32 minor, ignored;
	OM_uint32 major = gss.accept(&minor, &context, GSS_C_NO_CREDENTIAL, &in,
		GSS_C_NO_CHANNEL_BINDINGS, &name, NULL, &out, NULL, NULL, NULL);

	if (major == GSS_S_CONTINUE_NEEDED) {
		say_hex("challenge", &out);
	} else if (major == GSS_S_COMPLETE) {
		gss.name(&ignored, name, &text, NULL);
		complete(text.value, (int)text.length);
	} else {
		say_status("refused", major, minor);
	}
}

static gss_cred_id_t credential(const char *user)
{
	const char *password = getenv("NTLM_PASSWORD");
	gss_OID_set_desc mechanisms = { 1, &ntlm };
	gss_buffer_desc text = { strlen(user), (void *)(uintptr_t)user };
	gss_buffer_desc secret = { strlen(password ? password : ""), (void *)(uintptr_t)password };
	gss_cred_id_t cred = GSS_C_NO_CREDENTIAL;
	gss_name_t name;
	OM_uint32 minor;

	if (GSS_ERROR(gss_import_name(&minor, &text, GSS_C_NT_USER_NAME, &name)) ||
		GSS_ERROR(gss_acquire_cred_with_password(&minor, name, &secret, GSS_C_INDEFINITE,
			&mechanisms, GSS_C_INITIATE, &cred, NULL, NULL)))
		die("no credential");
	return cred;
}

static void initiate(gss_cred_id_t cred, gss_buffer_desc in)
{
	gss_buffer_desc out = GSS_C_EMPTY_BUFFER,
			host = { 15, (void *)(uintptr_t) "sip@server.test" };
	gss_name_t target;
	OM_uint32 minor, major;

	if (GSS_ERROR(gss_import_name(&minor, &host, GSS_C_NT_HOSTBASED_SERVICE, &target)))
		die("no target");
	major = gss_init_sec_context(&minor, cred, &context, target, &ntlm,
		GSS_C_INTEG_FLAG | DATAGRAM, 0, GSS_C_NO_CHANNEL_BINDINGS, &in, NULL, &out, NULL,
		NULL);
	if (major == GSS_S_COMPLETE) {
		complete(NULL, 0);
		say_hex("authenticate", &out);
	} else if (major != GSS_S_CONTINUE_NEEDED || out.length) {
		say_status("refused", major, minor);
	}
}

/* ---- signatures */

static void sign(gss_buffer_desc text)
{
	gss_buffer_desc mic = GSS_C_EMPTY_BUFFER;
	OM_uint32 minor, major = gss.get_mic(&minor, context, GSS_C_QOP_DEFAULT, &text, &mic);

	if (GSS_ERROR(major))
		say_status("refused", major, minor);
	else
		say_hex("mic", &mic);
}

static void verify(gss_buffer_desc text, gss_buffer_desc mic)
{
	OM_uint32 minor = 0, major = GSS_S_BAD_MIC;

	if (mic.length == 16) /* it does not look itself */
		major = gss.verify_mic(&minor, context, &text, &mic, NULL);
	if (major == GSS_S_COMPLETE)
		printf("good\n");
	else
		say_status("bad", major, minor);
}

static void orders(gss_cred_id_t cred)
{
	static char line[65536];

	while (fgets(line, sizeof(line), stdin)) {
		char *rest = line, *word;
		gss_buffer_desc text;

		line[strcspn(line, "\n")] = '\0';
		word = strsep(&rest, " ");
		text = next_hex(&rest);
		if (strcmp(word, "authenticate") == 0)
			accept_token(text);
		else if (strcmp(word, "challenge") == 0)
			initiate(cred, text);
		else if (strcmp(word, "sign") == 0)
			sign(text);
		else if (strcmp(word, "verify") == 0)
			verify(text, next_hex(&rest));
		else
			die(word);
		fflush(stdout);
	}
}

int main(int argc, char **argv)
{
	const gss_buffer_desc empty = GSS_C_EMPTY_BUFFER;
	gss_cred_id_t cred = GSS_C_NO_CREDENTIAL;

	setlocale(LC_ALL, "C.UTF-8"); /* or it finds no user with an umlaut */
	if (argc == 2 && strcmp(argv[1], "accept") == 0) {
		load();
		accept_token(empty);
	} else if (argc == 3 && strcmp(argv[1], "initiate") == 0) {
		cred = credential(argv[2]);
		initiate(cred, empty);
	} else {
		die("usage: ntlm_acceptor accept | initiate USER");
	}
	fflush(stdout);
	orders(cred);
	return 0;
}
