#include "secret.h"

#include "base/mem.h"
#include "base/scan.h"
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MAX = 1 << 20 };

struct entry {
	struct str realm, user, password, ha1, algorithm, command;
};

struct reader {
	const struct secret_file *file;
	struct cred_store *store;
	struct fail *f;
	unsigned line;
	struct buf words; /* unquoted words of the line; never grows, so that views of it stay */
};

static int complain(struct reader *r, const char *what)
{
	return fail_set(r->f, -FAIL_ARGUMENT, "%s:%u: %s", r->file->path, r->line, what);
}

/* The next word; in quotes with \" and \\, else as it is up to a blank. False at the end or at a
 * comment. */
static bool word(struct reader *r, struct scan *s, struct str *out)
{
	struct str raw;
	size_t from = r->words.n;

	scan_lws(s);
	if (scan_end(s) || scan_peek(s) == '#')
		return false;
	if (scan_quoted(s, &raw)) {
		for (size_t i = 0; i < raw.n; i++) {
			if (raw.p[i] == '\\' && i + 1 < raw.n)
				i++;
			buf_add_char(&r->words, raw.p[i]);
		}
	} else {
		while (!scan_end(s) && !scan_is(scan_peek(s), CH_LWS))
			buf_add_char(&r->words, *s->p++);
	}
	*out = str_sub(buf_str(&r->words), from, r->words.n);
	return true;
}

static struct str *field(struct entry *e, struct str key)
{
	const struct {
		const char *name;
		struct str *value;
	} fields[] = {
		{ "realm", &e->realm },
		{ "user", &e->user },
		{ "password", &e->password },
		{ "ha1", &e->ha1 },
		{ "algorithm", &e->algorithm },
		{ "password-cmd", &e->command },
	};

	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (str_eq(key, str_of(fields[i].name)))
			return fields[i].value;
	return NULL;
}

static int parse(struct reader *r, struct str line, struct entry *e)
{
	struct scan s = scan_str(line);
	struct str key, *value;

	while (word(r, &s, &key)) {
		value = field(e, key);
		if (!value)
			return complain(r,
				"expected realm, user, password, password-cmd, ha1 or algorithm");
		if (value->n)
			return complain(r, "a word stands there twice");
		if (!word(r, &s, value) || value->n == 0)
			return complain(r, "a value is missing");
	}
	if (!e->realm.n || !e->user.n)
		return complain(r, "an entry needs realm and user");
	if ((e->password.n != 0) + (e->ha1.n != 0) + (e->command.n != 0) != 1)
		return complain(r, "an entry needs one of password, password-cmd and ha1");
	if (e->algorithm.n && !e->ha1.n)
		return complain(r, "algorithm belongs to ha1");
	return 0;
}

static int hash_of(struct reader *r, const struct entry *e, enum hash_kind *out)
{
	static const struct {
		const char *name;
		enum hash_kind kind;
	} algorithms[] = { { "md5", HASH_MD5 }, { "sha-256", HASH_SHA256 },
		{ "sha-512-256", HASH_SHA512_256 } };
	struct str name = e->algorithm.n ? e->algorithm : STR("md5");

	for (size_t i = 0; i < ARRAY_LEN(algorithms); i++) {
		if (!str_ieq(name, str_of(algorithms[i].name)))
			continue;
		*out = algorithms[i].kind;
		return 0;
	}
	return complain(r, "the algorithm is none of md5, sha-256 and sha-512-256");
}

/* "alice" may be "CORP\alice" or "alice@CORP.EXAMPLE" in the file. */
static bool user_matches(struct str wanted, struct str user)
{
	struct str before, after;

	return wanted.n == 0 || str_eq(wanted, user) ||
	       (str_cut(user, '\\', &before, &after) && str_eq(wanted, after)) ||
	       (str_cut(user, '@', &before, &after) && str_eq(wanted, before));
}

static bool wanted(const struct reader *r, const struct entry *e)
{
	struct str realm = r->file->realm;

	return user_matches(r->file->user, e->user) &&
	       (realm.n == 0 || str_eq(realm, e->realm) || str_eq(e->realm, STR("*")));
}

static int tell(struct reader *r, const struct entry *e)
{
	static const char *const names[] = {
		[HASH_MD5] = "md5", [HASH_SHA256] = "sha-256", [HASH_SHA512_256] = "sha-512-256"
	};
	enum hash_kind hash = HASH_MD5;
	int code = e->ha1.n ? hash_of(r, e, &hash) : 0;

	if (code == 0 && wanted(r, e))
		r->file->each(r->file->arg, &(struct secret_entry){
						    .realm = e->realm,
						    .user = e->user,
						    .kind = e->ha1.n       ? "ha1"
							    : e->command.n ? "password-cmd"
									   : "password",
						    .algorithm = e->ha1.n ? names[hash] : NULL,
						    .line = r->line,
					    });
	return code;
}

static int add(struct reader *r, const struct entry *e)
{
	CLEANUP(buf_wipe) struct buf secret = BUF_INIT(SECRET_MAX);
	struct cred c = { .realm = e->realm, .user = e->user, .source = "credentials-file" };
	struct fail why = { 0 };
	int code = 0;

	if (e->ha1.n) {
		c.kind = CRED_HA1;
		c.secret = e->ha1;
		code = hash_of(r, e, &c.ha1_alg);
	} else if (e->command.n && wanted(r, e)) {
		char *command = mem_strndup(e->command.p, e->command.n);
		buf_reserve(&secret, SECRET_MAX);
		code = secret_command(command, r->file->timeout_ms, &secret, &why);
		mem_free(command);
		if (code)
			return fail_set(
				r->f, code, "%s:%u: %s", r->file->path, r->line, fail_show(&why));
		c.secret = str_sub(buf_str(&secret), 0, str_find(buf_str(&secret), '\n'));
	} else {
		c.secret = e->password;
	}
	if (code || !wanted(r, e))
		return code;
	if (c.secret.n == 0)
		return complain(r, "the secret is empty");
	code = cred_store_add(r->store, &c, &why);
	return code ? complain(r, fail_show(&why)) : 0;
}

static int read_lines(struct reader *r, struct str text)
{
	int code = 0;

	while (text.n && code == 0) {
		struct entry e = { 0 };
		struct str line = text;

		r->line++;
		if (!str_cut(text, '\n', &line, &text))
			text = STR_EMPTY;
		line = str_trim(line);
		if (line.n == 0 || line.p[0] == '#')
			continue;
		r->words.n = 0;
		if (memchr(line.p, '\0', line.n) || memchr(line.p, '\r', line.n))
			return complain(r, "a control character");
		code = parse(r, line, &e);
		if (code == 0)
			code = r->file->each ? tell(r, &e) : add(r, &e);
	}
	return code;
}

/* Only the owner may touch it. */
static int check_mode(const struct secret_file *file, int fd, struct fail *f)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return fail_set(f, -FAIL_LOCAL, "%s: %s", file->path, strerror(errno));
	if (st.st_mode & 077)
		return fail_set(f, -FAIL_ARGUMENT,
			"%s: others than its owner can use it (mode %03o); chmod 600", file->path,
			(unsigned)(st.st_mode & 0777));
	return 0;
}

int secret_file(const struct secret_file *file, struct cred_store *store, struct fail *f)
{
	CLEANUP(buf_wipe) struct buf text = BUF_INIT(FILE_MAX);
	struct reader r = { .file = file, .store = store, .f = f, .words = BUF_INIT(FILE_MAX) };
	int fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NOCTTY), e;

	if (fd < 0 && errno == ENOENT && !file->must_exist)
		return 0;
	if (fd < 0)
		return fail_set(f, -FAIL_LOCAL, "%s: %s", file->path, strerror(errno));
	e = check_mode(file, fd, f);
	buf_reserve(&text, 65536); /* growing leaves copies behind: rare enough */
	if (e == 0 && (e = file_read_fd(fd, &text)) != 0)
		e = fail_set(f, -FAIL_LOCAL, "%s: %s", file->path, strerror(-e));
	close(fd);
	if (e == 0) {
		buf_reserve(&r.words, text.n);
		e = read_lines(&r, buf_str(&text));
		buf_wipe(&r.words);
	}
	return e;
}
