/* cli/cmd_run.c -- rte run: several endpoints in one process, and what each of them does, from a
 * file (rte-run(5)) */
#include "base/mem.h"
#include "config.h"
#include "exit.h"
#include "fields.h"
#include "opt_table.h"
#include "player.h"
#include "run.h"

#include <string.h>

extern char **environ; /* POSIX has no header for it; read for {{env:NAME}} */

struct args {
	struct values set;
	struct scenario scenario;
	struct party *parties;
	unsigned made; /* of them */
	struct player player;
};

/* ---- the file ---- */

/* What its top says for the command itself; what only endpoints know is left to them. */
static int apply_top(const struct opt_table *t, struct args *a, struct groups *g, struct fail *f)
{
	const struct scenario_settings *top = &a->scenario.top;

	for (unsigned i = 0; i < top->n; i++) {
		const struct scenario_setting *s = &top->v[i];
		const struct opt_row *row = opt_table_find(t, str_of(s->key));
		struct opt_value v = { s->value, s->where, OPT_SCENARIO };

		if (strcmp(s->key, "register") == 0 || (!row && !party_knows(s->key)))
			return fail_set(
				f, -FAIL_ARGUMENT, "%s: unknown key \"%s\"", s->where, s->key);
		if (row && !opt_row_in_file(row))
			return fail_set(f, -FAIL_ARGUMENT, "%s: cannot be set in a file: \"%s\"",
				s->where, s->key);
		if (row)
			v.text = config_value(&g->arena, row, s->value);
		if (row && opt_store(g, row, &v, f) != 0)
			return -FAIL_ARGUMENT;
	}
	return 0;
}

static int read_file(const struct opt_spec *spec, struct args *a, struct groups *g)
{
	struct scenario_source source = {
		.path = g->args.v[0],
		.set_count = a->set.n,
		.environment = (const char *const *)environ,
	};
	struct template_set *sets = NULL;
	struct fail f = { 0 };
	struct opt_table t;
	int e = fields_read(&a->set, g, &sets, &f);

	source.sets = sets;
	if (e == 0)
		e = scenario_read(&source, &g->arena, &a->scenario, &f);
	opt_table_init(&t, spec, g);
	if (e == 0)
		e = apply_top(&t, a, g, &f);
	return e ? opt_failed(g, e, &f) : OPT_GO_ON;
}

/* ---- the run ---- */

static int make_parties(struct args *a, struct run *r)
{
	const struct scenario *s = &a->scenario;
	int code = OPT_GO_ON;

	a->parties = mem_zalloc(s->party_count, sizeof(*a->parties));
	for (unsigned i = 0; i < s->party_count; i++) /* all lines are as wide, from the first on */
		out_party_expect(r->out, s->parties[i].name);
	for (unsigned i = 0; i < s->party_count && code == OPT_GO_ON; i++) {
		const struct party_config config = {
			.scenario = s,
			.about = &s->parties[i],
			.g = r->g,
			.out = r->out,
			.on_news = player_news,
			.arg = &a->player,
		};

		code = party_init(&a->parties[i], &config);
		a->made++;
	}
	return code;
}

static void free_parties(struct args *a)
{
	for (unsigned i = 0; i < a->made; i++)
		party_done(&a->parties[i]);
	mem_free(a->parties);
}

static int start(struct run *r, struct fail *f)
{
	struct args *a = r->arg;

	(void)f;
	player_start(&a->player);
	return 0;
}

static void stop(struct run *r)
{
	struct args *a = r->arg;

	player_end(&a->player);
}

static int go(struct args *a, struct groups *g)
{
	const struct run_config config = {
		.g = g,
		.start = start,
		.stop = stop,
		.parties = true,
		.arg = a,
	};
	struct fail f = { 0 };
	struct run r;
	int e, code = run_init(&r, &config);

	if (code != OPT_GO_ON)
		return code;
	code = make_parties(a, &r);
	player_init(&a->player, &a->scenario, a->parties, &r);
	if (code == OPT_GO_ON && (e = player_check(&a->player, &f)) != 0) {
		code = exit_of_fail(e);
		out_error(r.out, code, fail_show(&f), NULL);
	}
	if (code != OPT_GO_ON)
		run_finish(&r, code);
	else if (g->dry_run)
		out_line(r.out, "ok  %s: %u endpoint%s, %u step%s", a->scenario.file,
			a->scenario.party_count, a->scenario.party_count == 1 ? "" : "s",
			a->scenario.step_count, a->scenario.step_count == 1 ? "" : "s");
	else
		run_loop(&r);
	player_done(&a->player);
	free_parties(a);
	return run_done(&r);
}

int cmd_run(const struct cmd *cmd, int argc, const char **argv, struct groups *g)
{
	struct args a = { .made = 0 };
	const struct poptOption own[] = { { "set", 0, POPT_ARG_STRING, &a.set, OPT_LIST,
						  "a field of the file", "NAME=VALUE" },
		POPT_TABLEEND };
	const struct opt_spec spec = { .cmd = cmd,
		.own = own,
		.groups = GROUP_ALL & ~(GROUP_REGISTER | GROUP_CHECK),
		.min_args = 1,
		.max_args = 1 };
	int code = opt_parse(&spec, argc, argv, g);

	if (code != OPT_GO_ON)
		return code;
	code = read_file(&spec, &a, g);
	return code == OPT_GO_ON ? go(&a, g) : code;
}
