#include "users.h"

#include "base/mem.h"
#include "base/scan.h"
#include "config.h"
#include "secret.h"

enum { COMMAND_MS = 30000 };

static int check_name(struct str name, struct fail *f)
{
	bool ok = name.n > 0 && name.n <= 200;

	for (size_t i = 0; i < name.n; i++)
		ok = ok && scan_is(name.p[i], CH_UNRESERVED | CH_USER | CH_TOKEN);
	return ok ? 0
		  : fail_set(f, -FAIL_ARGUMENT, "--add-user: \"" STR_FMT "\" is no name of a user",
			    STR_ARG(name));
}

static int add(struct users *u, const char *text, bool open, struct fail *f)
{
	CLEANUP(buf_wipe) struct buf secret = BUF_INIT(SECRET_MAX);
	struct cred c = { .realm = STR("*"), .kind = CRED_PASSWORD, .source = "add-user" };
	struct str source = STR_EMPTY;
	const char *kind = NULL;
	bool has = str_cut(str_of(text), ':', &c.user, &source);
	int e;

	if (!has)
		c.user = str_of(text);
	if ((e = check_name(c.user, f)) != 0)
		return e;
	if (!has && !open)
		return fail_set(f, -FAIL_ARGUMENT,
			"--add-user: " STR_FMT " has no password; add :SOURCE, or --auth=none",
			STR_ARG(c.user));
	if (has) {
		const struct secret_source from = {
			.option = "--add-user",
			.text = source.p,
			.prompt = "Password of the user",
			.timeout_ms = COMMAND_MS,
		};

		if ((e = secret_read(&from, &secret, &kind, f)) != 0)
			return e;
		c.secret = buf_str(&secret);
	}
	return cred_store_add(u->store, &c, f);
}

/* The entries of the store as the server wants them: one a name. */
static int list(struct users *u, struct fail *f)
{
	unsigned n = 0;

	for (const struct cred *c = cred_store_next(u->store, NULL); c;
		c = cred_store_next(u->store, c))
		n++;
	u->list = mem_zalloc(n + 1, sizeof(*u->list));
	for (const struct cred *c = cred_store_next(u->store, NULL); c;
		c = cred_store_next(u->store, c)) {
		for (unsigned i = 0; i < u->count; i++)
			if (str_eq(u->list[i].name, c->user))
				return fail_set(f, -FAIL_ARGUMENT,
					"--users: " STR_FMT " stands there twice",
					STR_ARG(c->user));
		u->list[u->count++] = (struct serve_user){ c->user, *c };
	}
	return 0;
}

int users_read(
	struct users *u, const struct values *added, const char *file, bool open, struct fail *f)
{
	int e = 0;

	u->store = cred_store_new();
	for (unsigned i = 0; i < added->n && e == 0; i++)
		e = add(u, added->v[i], open, f);
	if (e == 0 && file)
		e = secret_file(
			&(struct secret_file){
				.path = file, .must_exist = true, .timeout_ms = COMMAND_MS },
			u->store, f);
	return e ? e : list(u, f);
}

void users_done(struct users *u)
{
	cred_store_free(u->store);
	mem_free(u->list);
	*u = (struct users){ .store = NULL };
}
