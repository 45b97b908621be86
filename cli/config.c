#include "config.h"

#include "exit.h"
#include "file.h"
#include "value.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONFIG_MAX = 1 << 20 };

extern char **environ;

const char *config_path(struct arena *a, const char *name)
{
	const char *base = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

	/* a relative path is to be ignored, says the XDG Base Directory Specification */
	if (base && base[0] == '/')
		return arena_fmt(a, "%s/rte/%s", base, name).p;
	if (home && home[0] != '\0')
		return arena_fmt(a, "%s/.config/rte/%s", home, name).p;
	return NULL;
}

const char *config_home(struct arena *a, const char *path)
{
	const char *home = getenv("HOME");

	if (strncmp(path, "~/", 2) != 0 || !home || home[0] == '\0')
		return path;
	return arena_fmt(a, "%s%s", home, path + 1).p;
}

/* "RTE_ON_DROP=x" to "on-drop"; an empty view when it is not of that form. */
static struct str option_of(const char *entry, char name[64])
{
	size_t n = strcspn(entry, "=") - 4;

	if (n == 0 || n >= 64)
		return STR_EMPTY;
	for (size_t i = 0; i < n; i++) {
		char c = entry[4 + i];
		if (c != '_' && (c < '0' || c > '9') && (c < 'A' || c > 'Z'))
			return STR_EMPTY;
		name[i] = c == '_' ? '-' : str_lower(c);
	}
	return (struct str){ name, n };
}

int config_environment(const struct opt_table *t, struct groups *g)
{
	struct fail f = { 0 };
	char name[64];

	for (char **e = environ; *e; e++) {
		const struct opt_row *row;
		const char *value;
		struct str option;

		if (strncmp(*e, "RTE_", 4) != 0)
			continue;
		option = option_of(*e, name);
		row = option.n ? opt_table_find(t, option) : NULL;
		if (!row || row->special || str_eq(option, STR("password")))
			continue;
		value = strchr(*e, '=') + 1;
		struct str where =
			arena_str(&g->arena, (struct str){ *e, (size_t)(value - *e - 1) });
		if (opt_store(g, row, &(struct opt_value){ value, where.p, OPT_ENVIRONMENT }, &f))
			return opt_usage(g, "%s", fail_show(&f));
	}
	return OPT_GO_ON;
}

struct reader {
	const struct opt_table *table;
	struct groups *g;
	const char *path;
	unsigned line;
	enum { TOP, MINE, OTHER } section; /* which part of the file this is */
	bool found; /* the profile */
};

static int complain(const struct reader *r, const char *what, struct str about)
{
	char text[200], shown[VALUE_SHOWN];

	snprintf(text, sizeof(text), STR_FMT, STR_ARG(about));
	return opt_usage(r->g, "%s:%u: %s %s", r->path, r->line, what, value_show(text, shown));
}

static int section(struct reader *r, struct str line)
{
	struct str name, rest;

	if (!str_cut(str_sub(line, 1, line.n), ']', &name, &rest) || str_trim(rest).n ||
		!str_starts(str_trim(name), STR("profile ")))
		return complain(r, "neither [profile NAME] nor a setting:", line);
	name = str_trim(str_sub(str_trim(name), strlen("profile "), name.n));
	r->section = r->g->profile && str_eq(name, str_of(r->g->profile)) ? MINE : OTHER;
	r->found = r->found || r->section == MINE;
	return OPT_GO_ON;
}

struct lookup {
	struct str name;
	bool found;
};

static void look(void *arg, const struct opt_table *t)
{
	struct lookup *l = arg;
	const struct opt_row *row = opt_table_find(t, l->name);

	l->found = l->found || (row && opt_row_in_file(row));
}

/* A key that this command does not know: another one may. */
static int foreign(struct reader *r, struct str key)
{
	struct lookup l = { .name = key };
	struct opt_visitor v = { look, &l };

	opt_table_visit(&v);
	return l.found ? OPT_GO_ON : complain(r, "unknown key", key);
}

const char *config_value(struct arena *a, const struct opt_row *row, const char *text)
{
	const char *word = row->opt.argDescrip;
	bool names = word && (strcmp(word, "FILE") == 0 || strcmp(word, "DIR") == 0 ||
				     strncmp(word, "FILE|", 5) == 0);

	return names && text ? config_home(a, text) : text;
}

static const char *value_of(struct reader *r, const struct opt_row *row, struct str value)
{
	return config_value(&r->g->arena, row, arena_str(&r->g->arena, value).p);
}

static int setting(struct reader *r, struct str line)
{
	struct str key = line, value = STR_EMPTY;
	const struct opt_row *row;
	struct fail f = { 0 };

	bool assigned = str_cut(line, '=', &key, &value);
	key = str_trim(key);
	row = opt_table_find(r->table, key);
	if (!row)
		return foreign(r, key);
	if (!opt_row_in_file(row))
		return complain(r, "cannot be set in a file:", key);
	if (r->section == OTHER)
		return OPT_GO_ON;
	struct opt_value v = {
		.text = assigned ? value_of(r, row, str_trim(value)) : NULL,
		.where = arena_fmt(&r->g->arena, "%s:%u", r->path, r->line).p,
		.layer = r->section == TOP ? OPT_CONFIG : OPT_PROFILE,
	};
	if (opt_store(r->g, row, &v, &f) != 0)
		return opt_usage(r->g, "%s", fail_show(&f));
	return OPT_GO_ON;
}

static int read_lines(struct reader *r, struct str text)
{
	int code = OPT_GO_ON;

	while (text.n && code == OPT_GO_ON) {
		struct str line = text;

		r->line++;
		if (!str_cut(text, '\n', &line, &text))
			text = STR_EMPTY;
		line = str_trim(line);
		if (line.n == 0 || line.p[0] == '#')
			continue;
		if (memchr(line.p, '\0', line.n))
			return complain(r, "NUL byte in", line);
		code = line.p[0] == '[' ? section(r, line) : setting(r, line);
	}
	if (code == OPT_GO_ON && r->g->profile && !r->found)
		return opt_usage(
			r->g, "--profile: there is no [profile %s] in %s", r->g->profile, r->path);
	return code;
}

int config_file(const struct opt_table *t, struct groups *g)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(CONFIG_MAX);
	struct reader r = { .table = t, .g = g };
	int e;

	if (!(t->spec->groups & GROUP_CONFIG))
		return OPT_GO_ON;
	if (g->no_config)
		return opt_on_line(g, "profile") ? opt_usage(g, "--profile with --no-config")
						 : OPT_GO_ON;
	r.path = g->config ? config_home(&g->arena, g->config) : config_path(&g->arena, "config");
	e = r.path ? file_read(r.path, &b) : -ENOENT;
	if (e == -ENOENT && !g->config) {
		if (g->profile)
			return opt_usage(g, "--profile: there is no %s", r.path ? r.path : "home");
		return OPT_GO_ON;
	}
	if (e)
		return opt_refuse(g, g->config ? EXIT_local : EXIT_usage, "configuration %s: %s",
			r.path, strerror(-e));
	return read_lines(&r, buf_str(&b));
}
