/* cli/scenario_step.c -- one line of [steps]: NAME VERB ARGUMENTS, wait, expect */
#include "base/buf.h"
#include "scenario_impl.h"

#include <popt.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What follows a verb. Words in capitals stand for values, [X] may be left out, X... takes all that
 * is left of the line; anything else is to be said as it is. */
static const struct {
	const char *name;
	enum scenario_verb verb;
	const char *syntax;
	bool expects; /* "expect STATUS,..." may stand behind it */
} verbs[] = {
	{ "register", VERB_REGISTER, "", true },
	{ "unregister", VERB_UNREGISTER, "", false },
	{ "invite", VERB_INVITE, "TARGET as CALL", false },
	{ "ring", VERB_RING, "CALL [STATUS]", false },
	{ "answer", VERB_ANSWER, "CALL [STATUS] [REASON...]", false },
	{ "cancel", VERB_BYE, "CALL", false },
	{ "bye", VERB_BYE, "CALL", false },
	{ "hold", VERB_IN_CALL, "CALL", false },
	{ "resume", VERB_IN_CALL, "CALL", false },
	{ "reinvite", VERB_IN_CALL, "CALL [FILE]", false },
	{ "update", VERB_IN_CALL, "CALL [FILE]", false },
	{ "info", VERB_IN_CALL, "CALL MIME@FILE", false },
	{ "refer", VERB_IN_CALL, "CALL TARGET", false },
	{ "refer-replaces", VERB_IN_CALL, "CALL TARGET", false },
	{ "message", VERB_MESSAGE, "TARGET TEXT...", true },
	{ "options", VERB_OPTIONS, "TARGET", true },
	{ "request", VERB_REQUEST, "METHOD TARGET", true },
	{ "subscribe", VERB_SUBSCRIBE, "TARGET PACKAGE as NAME", false },
	{ "unsubscribe", VERB_UNSUBSCRIBE, "NAME", false },
	{ "publish", VERB_PUBLISH, "BASIC [NOTE...]", true },
	{ "unpublish", VERB_UNPUBLISH, "", false },
};

/* The words of a line; a step takes them from the front. */
struct words {
	const char **v;
	int n, next;
};

static const char *next_word(struct words *w)
{
	return w->next < w->n ? w->v[w->next++] : NULL;
}

static const char *rest(struct words *w, struct arena *a)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(1 << 20);

	while (w->next < w->n)
		buf_addf(&b, "%s%s", b.n ? " " : "", w->v[w->next++]);
	return arena_str(a, buf_str(&b)).p;
}

/* ---- names ---- */

static struct scenario_name *find(const struct scenario_reader *r, const char *name)
{
	struct scenario_name *n = r->names;

	while (n && strcmp(n->name, name) != 0)
		n = n->next;
	return n;
}

static int define(struct scenario_reader *r, const char *name, bool watch, struct fail *f)
{
	static const char *const taken[] = { "message", "info", "call", "no", "registered",
		"unregistered" };
	struct scenario_name *n = ARENA_NEW(r->arena, struct scenario_name);

	for (size_t i = 0; i < ARRAY_LEN(taken); i++)
		if (strcmp(name, taken[i]) == 0)
			return scenario_bad(r, f, "no call can be named", name);
	if (!scenario_is_name(name))
		return scenario_bad(r, f, "no name (letters, digits, - and _):", name);
	*n = (struct scenario_name){ r->names, name, watch };
	r->names = n;
	return 0;
}

/* A call that a step before this one has named; `ring` and `answer` may name one that comes from
 * elsewhere. */
static int call_name(struct scenario_reader *r, struct scenario_step *s, const char *word,
	bool defines, struct fail *f)
{
	const struct scenario_name *n = find(r, word);

	s->name = word;
	if (defines && n)
		return scenario_bad(r, f, "there is one of this name:", word);
	if (n && n->watch)
		return scenario_bad(r, f, "a subscription and no call:", word);
	if (n)
		return 0;
	if (defines || s->verb == VERB_RING || s->verb == VERB_ANSWER)
		return define(r, word, false, f);
	return scenario_bad(r, f, "no step before this one names a call", word);
}

static int watch_name(struct scenario_reader *r, struct scenario_step *s, const char *word,
	bool defines, struct fail *f)
{
	const struct scenario_name *n = find(r, word);

	s->name = word;
	if (defines)
		return n ? scenario_bad(r, f, "there is one of this name:", word)
			 : define(r, word, true, f);
	return n && n->watch
		       ? 0
		       : scenario_bad(r, f, "no step before this one names a subscription", word);
}

/* ---- values ---- */

static int status(
	struct scenario_reader *r, struct scenario_step *s, const char *word, struct fail *f)
{
	bool rings = s->verb == VERB_RING;
	uint32_t n;

	if (!str_u32(str_of(word), &n) || n < (rings ? 101 : 200) || n > (rings ? 199 : 699))
		return scenario_bad(r, f,
			rings ? "no status from 101 to 199:" : "no status from 200 to 699:", word);
	s->status = n;
	return 0;
}

static int basic(
	struct scenario_reader *r, struct scenario_step *s, const char *word, struct fail *f)
{
	if (strcmp(word, "open") != 0 && strcmp(word, "closed") != 0)
		return scenario_bad(r, f, "neither open nor closed:", word);
	s->state = word;
	return 0;
}

static bool is(struct str what, const char *word)
{
	return str_eq(what, str_of(word));
}

static int take(struct scenario_reader *r, struct scenario_step *s, struct str what, bool defines,
	const char *word, struct fail *f)
{
	if (is(what, "CALL"))
		return call_name(r, s, word, defines, f);
	if (is(what, "NAME"))
		return watch_name(r, s, word, defines, f);
	if (is(what, "STATUS"))
		return status(r, s, word, f);
	if (is(what, "BASIC"))
		return basic(r, s, word, f);
	if (is(what, "TARGET")) {
		s->target = word;
		if (s->verb == VERB_MESSAGE && find(r, word))
			return call_name(r, s, word, false, f);
	} else if (is(what, "REASON...")) {
		s->reason = word;
	} else {
		s->value = word;
	}
	return 0;
}

static int usage(struct scenario_reader *r, size_t verb, struct fail *f)
{
	return fail_set(f, -FAIL_ARGUMENT, "%s:%u: it is NAME %s%s%s%s", r->out->file, r->line,
		verbs[verb].name, verbs[verb].syntax[0] ? " " : "", verbs[verb].syntax,
		verbs[verb].expects ? " [expect STATUS,...]" : "");
}

/* The words against the syntax of the verb. */
static int arguments(struct scenario_reader *r, struct scenario_step *s, size_t verb,
	struct words *w, struct fail *f)
{
	struct str syntax = str_of(verbs[verb].syntax), what;
	bool defines = false;
	int e;

	while (syntax.n) {
		bool optional, all;
		const char *word;

		if (!str_cut(syntax, ' ', &what, &syntax)) {
			what = syntax;
			syntax = STR_EMPTY;
		}
		optional = what.p[0] == '[';
		if (optional)
			what = str_sub(what, 1, what.n - 1);
		all = what.n > 3 && str_eq(str_sub(what, what.n - 3, what.n), STR("..."));
		if (w->next == w->n && optional)
			continue;
		word = all && w->next < w->n ? rest(w, r->arena) : next_word(w);
		if (!word)
			return usage(r, verb, f);
		if (str_eq(what, STR("as"))) {
			if (strcmp(word, "as") != 0)
				return usage(r, verb, f);
			defines = true;
		} else if ((e = take(r, s, what, defines, word, f)) != 0) {
			return e;
		}
	}
	return w->next < w->n ? usage(r, verb, f) : 0;
}

/* "within T" and "expect STATUS,..." at the end of a line. */
static int modifiers(struct scenario_reader *r, struct scenario_step *s, bool expects,
	struct words *w, struct fail *f)
{
	struct fail why = { 0 };

	while (w->n - w->next >= 2) {
		const char *name = w->v[w->n - 2], *value = w->v[w->n - 1];
		int e;

		if (strcmp(name, "within") == 0)
			e = value_ms(name, value, 0, &s->ms, &why);
		else if (expects && strcmp(name, "expect") == 0)
			e = value_statuses(name, value, &s->expect, &why);
		else
			return 0;
		if (e)
			return scenario_bad(r, f, fail_show(&why), NULL);
		if (strcmp(name, "within") == 0 && s->ms == 0)
			return scenario_bad(r, f, "within: the time must be more than 0", NULL);
		w->n -= 2;
	}
	return 0;
}

/* ---- expectations ---- */

static int regex(
	struct scenario_reader *r, struct scenario_step *s, const char *text, struct fail *f)
{
	char why[120];
	regex_t compiled;
	int e = regcomp(&compiled, text, REG_EXTENDED | REG_NOSUB | REG_NEWLINE);

	s->value = text;
	if (e == 0) {
		regfree(&compiled);
		return 0;
	}
	regerror(e, &compiled, why, sizeof(why));
	return fail_set(f, -FAIL_ARGUMENT, "%s:%u: %s", r->out->file, r->line, why);
}

static int bad_word(struct scenario_reader *r, const char *what, const char *word,
	const char *const *list, struct fail *f)
{
	const char *near = value_nearest(word, list);
	char shown[VALUE_SHOWN];

	return fail_set(f, -FAIL_ARGUMENT, "%s:%u: %s: %s%s%s%s", r->out->file, r->line, what,
		value_show(word, shown), near ? "; did you mean " : "", near ? near : "",
		near ? "?" : "");
}

static bool is_one_of(const char *word, const char *const *list)
{
	while (*list && strcmp(word, *list) != 0)
		list++;
	return *list != NULL;
}

static int call_state(
	struct scenario_reader *r, struct scenario_step *s, struct words *w, struct fail *f)
{
	/* RFC 4235 section 3.7.1: states, and the causes of the last one; and what a re-INVITE does
	 */
	static const char *const states[] = { "trying", "proceeding", "early", "confirmed",
		"terminated", "cancelled", "rejected", "replaced", "local-bye", "remote-bye",
		"error", "timeout", "hold", "resume", NULL };
	const char *word = next_word(w);
	uint32_t n;

	if (!is_one_of(s->state, states))
		return bad_word(r, "no state of a call", s->state, states, f);
	s->wanted = WANTED_CALL_STATE;
	if (!word)
		return 0;
	if (!str_u32(str_of(word), &n) || n < 100 || n > 699)
		return scenario_bad(r, f, "no status:", word);
	s->status = n;
	return 0;
}

static int watch_state(
	struct scenario_reader *r, struct scenario_step *s, struct words *w, struct fail *f)
{
	/* RFC 6665 section 4.1.3 */
	static const char *const states[] = { "pending", "active", "terminated", NULL };

	s->wanted = WANTED_WATCH_STATE;
	if (strcmp(s->state, "notified") == 0) {
		s->wanted = WANTED_NOTIFY;
		return w->next < w->n ? regex(r, s, rest(w, r->arena), f) : 0;
	}
	return is_one_of(s->state, states)
		       ? 0
		       : bad_word(r, "no state of a subscription", s->state, states, f);
}

static int expected_request(struct scenario_reader *r, struct scenario_step *s, const char *what,
	struct words *w, struct fail *f)
{
	s->wanted = strcmp(what, "message") == 0 ? WANTED_MESSAGE
		    : strcmp(what, "info") == 0  ? WANTED_INFO
						 : WANTED_CALL;
	if (w->next == w->n)
		return 0;
	return s->wanted == WANTED_CALL ? scenario_bad(r, f, "a call has no text:", next_word(w))
					: regex(r, s, rest(w, r->arena), f);
}

static int expectation(
	struct scenario_reader *r, struct scenario_step *s, struct words *w, struct fail *f)
{
	static const char *const requests[] = { "message", "info", "call", NULL };
	const char *what = next_word(w);
	const struct scenario_name *n;
	int e = 0;

	s->none = what && strcmp(what, "no") == 0;
	if (s->none)
		what = next_word(w);
	if (!what)
		return scenario_bad(r, f, "it is expect NAME WHAT [within T]", NULL);
	if (is_one_of(what, requests))
		return expected_request(r, s, what, w, f);
	if (s->none)
		return scenario_bad(r, f, "none of message, info and call:", what);
	if (strcmp(what, "registered") == 0 || strcmp(what, "unregistered") == 0) {
		s->wanted = what[0] == 'r' ? WANTED_REGISTERED : WANTED_UNREGISTERED;
	} else {
		n = find(r, what);
		s->name = what;
		s->state = next_word(w);
		if (!n)
			return scenario_bad(r, f, "no step before this one names", what);
		if (!s->state)
			return scenario_bad(r, f, "it is expect NAME CALL STATE [within T]", NULL);
		e = n->watch ? watch_state(r, s, w, f) : call_state(r, s, w, f);
	}
	return e == 0 && w->next < w->n ? scenario_bad(r, f, "too many words:", next_word(w)) : e;
}

/* ---- a line ---- */

static int unknown_party(struct scenario_reader *r, const char *word, struct fail *f)
{
	const struct scenario *s = r->out;
	const char **names = arena_alloc(r->arena, (s->party_count + 3) * sizeof(*names)), *near;
	char shown[VALUE_SHOWN];
	unsigned n = 0;

	for (; n < s->party_count; n++)
		names[n] = s->parties[n].name;
	names[n++] = "wait";
	names[n++] = "expect";
	names[n] = NULL;
	near = value_nearest(word, names);
	value_show(word, shown);
	return fail_set(f, -FAIL_ARGUMENT, "%s:%u: %s is no endpoint of this file%s%s%s",
		r->out->file, r->line, shown, near ? "; did you mean " : "", near ? near : "",
		near ? "?" : "");
}

static int party(
	struct scenario_reader *r, struct scenario_step *s, const char *word, struct fail *f)
{
	s->party = word ? scenario_party_index(r->out, word) : -1;
	if (s->party >= 0)
		return 0;
	return word ? unknown_party(r, word, f)
		    : scenario_bad(r, f, "it is expect NAME WHAT [within T]", NULL);
}

static int unknown_verb(struct scenario_reader *r, const char *word, struct fail *f)
{
	const char *names[ARRAY_LEN(verbs) + 1] = { NULL }, *near;
	char shown[VALUE_SHOWN];

	for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
		names[i] = verbs[i].name;
	near = value_nearest(word, names);
	value_show(word, shown);
	return fail_set(f, -FAIL_ARGUMENT, "%s:%u: unknown verb %s%s%s%s", r->out->file, r->line,
		shown, near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

static int verb(struct scenario_reader *r, struct scenario_step *s, struct words *w, struct fail *f)
{
	struct scenario_party *p = &r->out->parties[s->party];
	const char *word = next_word(w);
	size_t i = 0;
	int e;

	if (!word)
		return scenario_bad(r, f, "without a verb:", s->text);
	while (i < ARRAY_LEN(verbs) && strcmp(verbs[i].name, word) != 0)
		i++;
	if (i == ARRAY_LEN(verbs))
		return unknown_verb(r, word, f);
	s->verb = verbs[i].verb;
	s->word = verbs[i].name;
	p->registers = p->registers || s->verb == VERB_REGISTER || s->verb == VERB_PUBLISH;
	if ((e = modifiers(r, s, verbs[i].expects, w, f)) != 0)
		return e;
	if (s->ms && (s->verb == VERB_INVITE || s->verb == VERB_SUBSCRIBE))
		return scenario_bad(
			r, f, "within: nothing is waited for here; say what is expected", NULL);
	return arguments(r, s, i, w, f);
}

static int wait_step(
	struct scenario_reader *r, struct scenario_step *s, struct words *w, struct fail *f)
{
	const char *time = next_word(w);
	struct fail why = { 0 };

	s->verb = VERB_WAIT;
	s->word = "wait";
	if (!time || w->next < w->n)
		return scenario_bad(r, f, "it is wait T", NULL);
	return value_ms("wait", time, 0, &s->ms, &why) ? scenario_bad(r, f, fail_show(&why), NULL)
						       : 0;
}

static int expect_step(
	struct scenario_reader *r, struct scenario_step *s, struct words *w, struct fail *f)
{
	int e;

	s->verb = VERB_EXPECT;
	s->word = "expect";
	if ((e = modifiers(r, s, false, w, f)) != 0 || (e = party(r, s, next_word(w), f)) != 0)
		return e;
	return expectation(r, s, w, f);
}

static int read_words(
	struct scenario_reader *r, struct scenario_step *s, struct words *w, struct fail *f)
{
	const char *first = next_word(w);
	int e;

	if (strcmp(first, "wait") == 0)
		return wait_step(r, s, w, f);
	if (strcmp(first, "expect") == 0)
		return expect_step(r, s, w, f);
	if ((e = party(r, s, first, f)) != 0)
		return e;
	return verb(r, s, w, f);
}

/* popt lets a line end within quotes. */
static bool is_open(const char *text)
{
	char quote = '\0';

	for (; *text; text++) {
		if (*text == '\\' && text[1])
			text++;
		else if (quote && *text == quote)
			quote = '\0';
		else if (!quote && (*text == '"' || *text == '\''))
			quote = *text;
	}
	return quote != '\0';
}

int scenario_step_read(struct scenario_reader *r, struct scenario_step *s, struct fail *f)
{
	const char **argv = NULL;
	struct words w = { .next = 0 };

	/* quotes and \ as popt has them in its alias files */
	if (is_open(s->text) || poptParseArgvString(s->text, &w.n, &argv) != 0 || w.n == 0)
		return scenario_bad(r, f, "a quote without its end:", s->text);
	w.v = arena_alloc(r->arena, (size_t)w.n * sizeof(*w.v));
	for (int i = 0; i < w.n; i++)
		w.v[i] = arena_str(r->arena, str_of(argv[i])).p;
	free(argv);
	return read_words(r, s, &w, f);
}
