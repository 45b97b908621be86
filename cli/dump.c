#include "dump.h"

#include "exit.h"
#include "value.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static void print_row(const char *command, const struct opt_row *row)
{
	char letter[2] = { row->opt.shortName, '\0' };
	const char *word = row->opt.argDescrip ? row->opt.argDescrip : "";

	printf("%s\t%s\t%s\t%s\t%s\t%s%s%s\n", command, row->opt.longName, letter, word, row->group,
		row->hidden ? "hidden" : "", row->hidden && row->sensitive ? "," : "",
		row->sensitive ? "sensitive" : "");
}

static void print_table(void *arg, const struct opt_table *t)
{
	const char *command = t->spec->cmd ? t->spec->cmd->name : "rte";

	(void)arg;
	for (unsigned i = 0; i < t->count; i++)
		print_row(command, &t->rows[i]);
}

int dump_options(void)
{
	opt_table_visit(&(struct opt_visitor){ .fn = print_table });
	return exit_flush(EXIT_ok);
}

static bool known(const struct dump *d, const char *name)
{
	for (unsigned i = 0; i < d->all_count; i++)
		if (strcmp(d->all[i]->opt.longName, name) == 0)
			return true;
	return false;
}

static void collect(void *arg, const struct opt_table *t)
{
	struct dump *d = arg;
	struct dump_command *c = &d->commands[d->count++];

	assert(d->count <= ARRAY_LEN(d->commands));
	c->cmd = t->spec->cmd;
	c->rows = arena_alloc(d->arena, (t->count + 1) * sizeof(*c->rows));
	for (unsigned i = 0; i < t->count; i++) {
		const struct opt_row *row = &t->rows[i];
		if (row->hidden)
			continue;
		/* its texts are literals: they live on */
		c->rows[c->count] = *row;
		if (!known(d, row->opt.longName)) {
			assert(d->all_count < ARRAY_LEN(d->all));
			d->all[d->all_count++] = &c->rows[c->count];
		}
		c->count++;
	}
}

/* "a|b|c" without capitals is a choice. */
static bool is_choice(const char *word)
{
	bool bar = false;

	for (; *word; word++) {
		if (*word >= 'A' && *word <= 'Z')
			return false;
		bar = bar || *word == '|';
	}
	return bar;
}

static const char *spaced(const struct dump *d, const char *choice)
{
	struct str copy = arena_str(d->arena, str_of(choice));
	char *p = (char *)(uintptr_t)copy.p;

	for (; *p; p++)
		if (*p == '|')
			*p = ' ';
	return copy.p;
}

enum dump_kind dump_kind(const struct dump *d, const struct opt_row *row, const char **words)
{
	const char *word = row->opt.argDescrip, *name = row->opt.longName;

	if (!word)
		return DUMP_FLAG;
	if (strcmp(name, "profile") == 0)
		return DUMP_PROFILE;
	if (strcmp(word, "FILE") == 0)
		return DUMP_FILE;
	if (strcmp(word, "DIR") == 0)
		return DUMP_DIR;
	if (is_choice(word)) {
		*words = spaced(d, word);
		return DUMP_WORDS;
	}
	if (strcmp(name, "auth") == 0 || strcmp(name, "digest") == 0) {
		*words = strcmp(name, "auth") == 0 ? "digest none" : "sha-512-256 sha-256 md5";
		return DUMP_LIST;
	}
	if (strcmp(word, "SOURCE") == 0) {
		*words = "env: file: fd: stdin cmd: prompt";
		return DUMP_SOURCE;
	}
	return DUMP_PLAIN;
}

const char *dump_quoted(const struct dump *d, const char *text)
{
	char *out = arena_alloc(d->arena, 4 * strlen(text) + 1), *p = out;

	for (; *text; text++) {
		if (*text == '\'') {
			memcpy(p, "'\\''", 4);
			p += 4;
		} else {
			*p++ = *text;
		}
	}
	*p = '\0';
	return out;
}

int dump_completion(struct groups *g, const char *shell)
{
	static void (*const writers[])(const struct dump *) = { dump_bash, dump_zsh, dump_fish };
	struct dump d = { .arena = &g->arena };
	struct fail f = { 0 };
	int which = 0;

	if (value_word("--dump-completion", shell, "bash|zsh|fish", &which, &f) != 0)
		return opt_usage(g, "%s", fail_show(&f));
	opt_table_visit(&(struct opt_visitor){ collect, &d });
	writers[which](&d);
	return exit_flush(EXIT_ok);
}
