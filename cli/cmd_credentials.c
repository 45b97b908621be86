/* cli/cmd_credentials.c -- rte credentials: the entries of the credentials file, without their
 * secrets; adds, removes and checks them (cli.md section 11) */
#include "base/hash.h"
#include "base/mem.h"
#include "config.h"
#include "exit.h"
#include "run.h"
#include "secret.h"
#include "value.h"

#include <string.h>

struct args {
	int add, remove, check;
	const char *ha1;

	struct groups *g;
	struct run *run;
	const char *path;
	unsigned shown;
};

static void show(void *arg, const struct secret_entry *e)
{
	struct args *a = arg;

	/* what is removed is named exactly; in a list alice may be CORP\\alice */
	if (a->remove &&
		(!str_eq(e->user, str_of(a->g->user)) || !str_eq(e->realm, str_of(a->g->realm))))
		return;
	a->shown++;
	out_credential(a->run->out, &(struct out_credential){ .file = a->path,
					    .entry = e,
					    .state = a->add      ? "added"
						     : a->remove ? "removed"
						     : a->check  ? "good"
								 : NULL });
}

static struct secret_file file_of(struct args *a)
{
	return (struct secret_file){
		.path = a->path,
		.must_exist = a->g->credentials || a->check,
		.user = str_of(a->g->user),
		.realm = str_of(a->g->realm),
		.timeout_ms = a->run->timeout_ms,
	};
}

static int list(struct args *a, struct fail *f)
{
	struct secret_file file = file_of(a);

	file.each = show;
	file.arg = a;
	return secret_file(&file, NULL, f);
}

/* Every secret is read, so that each command has to run. */
static int check(struct args *a, struct fail *f)
{
	struct cred_store *store = cred_store_new();
	struct secret_file file = file_of(a);
	int e = secret_file(&file, store, f);

	cred_store_free(store);
	return e ? e : list(a, f);
}

static int ask(const struct args *a, struct buf *secret, struct fail *f)
{
	CLEANUP(buf_wipe) struct buf again = BUF_INIT(SECRET_MAX);
	char what[300];
	int e;

	snprintf(
		what, sizeof(what), "Password for %.100s in realm %.100s", a->g->user, a->g->realm);
	buf_reserve(&again, SECRET_MAX);
	if ((e = secret_prompt(what, secret, f)) != 0 ||
		(e = secret_prompt("The same again", &again, f)) != 0)
		return e;
	return str_eq(buf_str(secret), buf_str(&again))
		       ? 0
		       : fail_set(f, -FAIL_CREDENTIALS, "these are two different passwords");
}

/* The password, from where it was said that it is. */
static int password(const struct args *a, struct buf *secret, struct fail *f)
{
	const struct secret_source source = {
		.option = "--password",
		.text = a->g->password,
		.prompt = "Password",
		.timeout_ms = a->run->timeout_ms,
	};
	const char *kind;
	int e = a->g->password ? secret_read(&source, secret, &kind, f) : ask(a, secret, f);

	if (e == 0 && secret->n == 0)
		e = fail_set(f, -FAIL_ARGUMENT, "--password: it is empty");
	for (size_t i = 0; e == 0 && i < secret->n; i++)
		if ((unsigned char)secret->p[i] < ' ' || secret->p[i] == 0x7f)
			e = fail_set(f, -FAIL_ARGUMENT, "--password: it has a control character");
	return e;
}

/* RFC 7616 3.4.2 */
static void hash(const struct args *a, enum hash_kind kind, struct buf *secret)
{
	const struct str parts[] = { str_of(a->g->user), STR(":"), str_of(a->g->realm), STR(":"),
		buf_str(secret) };
	char hex[2 * HASH_MAX + 1];

	hash_hex(kind, parts, ARRAY_LEN(parts), hex);
	buf_wipe(secret);
	buf_init(secret, SECRET_MAX);
	buf_add_str(secret, str_of(hex));
	mem_wipe(hex, sizeof(hex));
}

static int add(struct args *a, struct fail *f)
{
	static const char *const names[] = { "md5", "sha-256", "sha-512-256" };
	static const enum hash_kind kinds[] = { HASH_MD5, HASH_SHA256, HASH_SHA512_256 };
	CLEANUP(buf_wipe) struct buf secret = BUF_INIT(SECRET_MAX), line = BUF_INIT(4 * SECRET_MAX);
	struct secret_entry entry = {
		.realm = str_of(a->g->realm), .user = str_of(a->g->user), .kind = "password"
	};
	unsigned removed;
	int e, which = -1;

	buf_reserve(&secret, SECRET_MAX);
	buf_reserve(&line, 4 * SECRET_MAX);
	if ((e = value_word("--ha1", a->ha1, "md5|sha-256|sha-512-256", &which, f)) != 0 ||
		(e = password(a, &secret, f)) != 0)
		return e;
	if (which >= 0) {
		hash(a, kinds[which], &secret);
		entry.kind = "ha1";
		entry.algorithm = names[which];
	}
	secret_line(&entry, buf_str(&secret), &line);
	e = secret_edit(a->path, &entry, buf_str(&line), &removed, f);
	if (e == 0)
		show(a, &entry);
	return e;
}

static int remove_entries(struct args *a, struct fail *f)
{
	const struct secret_entry entry = {
		.realm = str_of(a->g->realm), .user = str_of(a->g->user), .algorithm = a->ha1
	};
	unsigned removed;
	int e = list(a, f);

	if (e == 0)
		e = secret_edit(a->path, &entry, STR_EMPTY, &removed, f);
	if (e == 0 && removed == 0)
		e = fail_set(f, -FAIL_LOCAL, "%s: no such entry", a->path);
	return e;
}

static int values(struct args *a, struct groups *g, struct fail *f)
{
	int e;

	if (a->add + a->remove + a->check > 1)
		return fail_set(f, -FAIL_ARGUMENT, "one of --add, --remove and --check");
	if ((a->add || a->remove) && (!g->realm || !g->user))
		return fail_set(f, -FAIL_ARGUMENT, "--%s needs --realm and --user",
			a->add ? "add" : "remove");
	if ((g->password && opt_on_line(g, "password") && !a->add) ||
		(a->ha1 && !a->add && !a->remove))
		return fail_set(
			f, -FAIL_ARGUMENT, "--%s without --add", a->ha1 ? "ha1" : "password");
	if (a->add && a->ha1 && strcmp(g->realm, "*") == 0)
		return fail_set(f, -FAIL_ARGUMENT, "--ha1: a hash is of one realm, not of any");
	if ((e = value_clean("--realm", g->realm, f)) != 0 ||
		(e = value_clean("--user", g->user, f)) != 0)
		return e;
	return a->add && g->password ? secret_check("--password", g->password, f) : 0;
}

static int go(struct args *a, struct groups *g)
{
	struct run_config config = { .g = g };
	struct fail f = { 0 };
	struct run r;
	int e, code = run_init(&r, &config);

	if (code != OPT_GO_ON)
		return code;
	a->run = &r;
	e = a->add      ? add(a, &f)
	    : a->remove ? remove_entries(a, &f)
	    : a->check  ? check(a, &f)
			: list(a, &f);
	if (e == 0 && a->check && a->shown == 0)
		e = fail_set(&f, -FAIL_CREDENTIALS, "%s: no such entry", a->path);
	else if (e == 0 && a->shown == 0)
		out_line(r.out, "no entries  %s", a->path);
	if (e != 0) {
		out_error(r.out, exit_of_fail(e), fail_show(&f), NULL);
		run_finish(&r, exit_of_fail(e));
	}
	return run_done(&r);
}

int cmd_credentials(const struct cmd *cmd, int argc, const char **argv, struct groups *g)
{
	struct args a = { .g = g };
	const struct poptOption own[] = { { "add", 0, POPT_ARG_NONE, &a.add, 0,
						  "add an entry, or change it", NULL },
		{ "remove", 0, POPT_ARG_NONE, &a.remove, 0, "remove an entry", NULL },
		{ "check", 0, POPT_ARG_NONE, &a.check, 0,
			"can each secret be had? runs each password-cmd", NULL },
		{ "ha1", 0, POPT_ARG_STRING, &a.ha1, 0, "keep a hash in place of the password",
			"md5|sha-256|sha-512-256" },
		{ "realm", 0, POPT_ARG_STRING, &g->realm, 0, "its realm; * for any", "REALM" },
		{ "user", 'u', POPT_ARG_STRING, &g->user, 0, "its user", "NAME" },
		{ "password", 0, POPT_ARG_STRING, &g->password, 0,
			"where it comes from (default prompt) (sensitive)", "SOURCE" },
		{ "credentials", 0, POPT_ARG_STRING, &g->credentials, 0, "the file", "FILE" },
		POPT_TABLEEND };
	const struct opt_spec spec = {
		.cmd = cmd, .own = own, .groups = GROUP_OUTPUT | GROUP_CONFIG, .max_args = 0
	};
	struct fail f = { 0 };
	int e, code = opt_parse(&spec, argc, argv, g);

	if (code != OPT_GO_ON)
		return code;
	if ((e = values(&a, g, &f)) != 0)
		return opt_failed(g, e, &f);
	a.path = g->credentials ? config_home(&g->arena, g->credentials)
				: config_path(&g->arena, "credentials");
	if (!a.path)
		return opt_refuse(g, EXIT_local, "no home: say --credentials=FILE");
	return go(&a, g);
}
