#include "run_setup.h"

#include "base/text.h"
#include "config.h"
#include "secret.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The user part of sip:USER[:PASSWORD]@HOST, escapes undone; empty when there is none. */
static struct str user_of(struct run *r, const char *aor)
{
	struct str scheme, rest = STR_EMPTY, user, host;
	char *out;
	size_t n = 0;

	if (!str_cut(str_of(aor), ':', &scheme, &rest) || !str_cut(rest, '@', &user, &host))
		return STR_EMPTY;
	user = str_sub(user, 0, str_find(user, ':'));
	out = arena_alloc(&r->g->arena, user.n + 1);
	for (size_t i = 0; i < user.n; i++, n++) {
		out[n] = user.p[i];
		if (out[n] == '%' && text_unhex(str_sub(user, i + 1, i + 3), &out[n], 1))
			i += 2;
	}
	return (struct str){ out, n };
}

/* A password without --user is that of the AOR's user. */
static struct str secret_user(struct run *r)
{
	return r->g->user ? str_of(r->g->user) : user_of(r, r->aor);
}

static int keep(struct run *r, const struct buf *secret, const char *source, struct fail *f)
{
	struct cred c = {
		.realm = r->g->realm ? str_of(r->g->realm) : STR("*"),
		.user = secret_user(r),
		.kind = CRED_PASSWORD,
		.secret = buf_str(secret),
		.source = source,
	};

	if (c.user.n == 0 && !opt_on_line(r->g, "password")) {
		/* It stands in the environment or a file for other commands than this one. */
		out_note(r->out, "the password from %s is unused: there is no --user or --aor",
			source);
		return 0;
	}
	if (c.user.n == 0)
		return fail_set(f, -FAIL_ARGUMENT, "a password needs a user: add --user or --aor");
	return cred_store_add(r->creds, &c, f);
}

static const char *question(struct run *r)
{
	return arena_fmt(&r->g->arena, "Password for " STR_FMT, STR_ARG(secret_user(r))).p;
}

static int from_option(struct run *r, struct fail *f)
{
	CLEANUP(buf_wipe) struct buf secret = BUF_INIT(SECRET_MAX);
	const struct secret_source from = {
		.option = "--password",
		.text = r->g->password,
		.prompt = question(r),
		.timeout_ms = r->timeout_ms,
	};
	const char *source = NULL;
	int e = secret_read(&from, &secret, &source, f);

	return e ? e : keep(r, &secret, source, f);
}

static int from_environment(struct run *r, const char *value, struct fail *f)
{
	CLEANUP(buf_wipe) struct buf secret = BUF_INIT(SECRET_MAX);

	if (value[0] == '\0')
		return fail_set(f, -FAIL_ARGUMENT, "RTE_PASSWORD: the value is empty");
	buf_reserve(&secret, SECRET_MAX);
	buf_add(&secret, value, strlen(value));
	if (secret.fail)
		return fail_set(f, -FAIL_LOCAL, "RTE_PASSWORD: the secret is longer than %d bytes",
			SECRET_MAX);
	return keep(r, &secret, "env", f);
}

static int from_file(struct run *r, struct fail *f)
{
	struct groups *g = r->g;
	struct secret_file file = {
		.user = str_of(g->user),
		.realm = str_of(g->realm),
		.timeout_ms = r->timeout_ms,
		.must_exist = g->credentials != NULL,
	};

	if (g->credentials)
		file.path = config_home(&g->arena, g->credentials);
	else if (!g->no_config)
		file.path = config_path(&g->arena, "credentials");
	return file.path ? secret_file(&file, r->creds, f) : 0;
}

static int from_sources(struct run *r, struct fail *f)
{
	const char *environment = getenv("RTE_PASSWORD");

	if (r->g->auth && strcmp(r->g->auth, "none") == 0)
		return 0;
	if (opt_on_line(r->g, "password"))
		return from_option(r, f);
	if (environment)
		return from_environment(r, environment, f);
	return r->g->password ? from_option(r, f) : from_file(r, f);
}

static int key_password(struct run *r, struct run_setup *s, struct fail *f)
{
	const struct secret_source from = {
		.option = "--key-password",
		.text = r->g->key_password,
		.prompt = "Password of the private key",
		.timeout_ms = r->timeout_ms,
	};
	const char *kind = NULL;
	int e;

	if (!r->g->key_password || !r->g->key)
		return 0;
	e = secret_read(&from, &r->key_password, &kind, f);
	s->manager.tls.key_password = buf_str(&r->key_password);
	if (s->listens_tls)
		s->manager.tls_server.key_password = s->manager.tls.key_password;
	return e;
}

int run_creds(struct run *r, struct run_setup *s, struct fail *f)
{
	int e;

	r->creds = cred_store_new();
	s->endpoint.auth.creds = r->creds;
	if (r->g->dry_run)
		return 0;
	if (r->kind == ENDPOINT_SERVER_BASED && (e = from_sources(r, f)) != 0)
		return e;
	return key_password(r, s, f);
}

bool run_creds_may_ask(const struct run *r, const struct endpoint_result *result)
{
	const struct groups *g = r->g;

	return !r->prompted && r->kind == ENDPOINT_SERVER_BASED && result->cause &&
	       strcmp(result->cause, "missing_credentials") == 0 && !g->quiet && !g->json &&
	       isatty(STDERR_FILENO);
}

int run_creds_ask(struct run *r, struct fail *f)
{
	CLEANUP(buf_wipe) struct buf secret = BUF_INIT(SECRET_MAX);
	int e;

	r->prompted = true;
	e = secret_prompt(question(r), &secret, f);
	return e ? e : keep(r, &secret, "prompt", f);
}
