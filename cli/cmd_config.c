/* cli/cmd_config.c -- rte config: what the configuration and the environment say, to one command or
 * to the options that all share, and where each value comes from (cli.md section 12) */
#include "config.h"
#include "exit.h"
#include "opt_table.h"
#include "run.h"

#include <stdlib.h>
#include <string.h>

struct args {
	int origin; /* --origin */
	const struct cmd *about; /* NULL: the common options */
	struct groups *g; /* of our own line */
	struct groups found; /* its origins are what there is */
	int code;
};

static const char *text_of(const struct opt_table *t, const char *name)
{
	const struct opt_row *row = opt_table_find(t, str_of(name));

	return row ? *(const char *const *)row->opt.arg : NULL;
}

/* Which files: as our own line says, else as the layers below say. */
static void choose_files(struct args *a, const struct opt_table *t)
{
	const struct opt_row *no = opt_table_find(t, STR("no-config"));
	struct groups *to = &a->found;

	to->profile = opt_on_line(a->g, "profile") ? a->g->profile : text_of(t, "profile");
	to->config = opt_on_line(a->g, "config") ? a->g->config : text_of(t, "config");
	to->no_config = opt_on_line(a->g, "no-config") ? a->g->no_config
			: no                           ? *(const int *)no->opt.arg
						       : 0;
}

/* The table of the command in question, while its rows lead somewhere. */
static void look(void *arg, const struct opt_table *t)
{
	struct args *a = arg;

	if (t->spec->cmd != a->about || a->code != OPT_GO_ON)
		return;
	a->found.cmd = a->g->cmd;
	a->found.json_errors = a->g->json || a->g->json_errors;
	a->code = config_environment(t, &a->found);
	choose_files(a, t);
	if (a->code == OPT_GO_ON)
		a->code = config_file(t, &a->found);
}

static int by_name(const void *a, const void *b)
{
	const struct opt_origin *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static void print(struct args *a, struct out *out)
{
	static const char *const layers[] = { [OPT_CONFIG] = "config",
		[OPT_PROFILE] = "profile",
		[OPT_ENVIRONMENT] = "environment",
		[OPT_SCENARIO] = "scenario",
		[OPT_LINE] = "line",
		[OPT_PARTY] = "party" };
	struct groups *f = &a->found;

	/* stable for what may be given several times: qsort of glibc merges */
	if (f->origin_count > 0)
		qsort(f->origins, f->origin_count, sizeof(*f->origins), by_name);
	for (unsigned i = 0; i < f->origin_count; i++)
		out_option(out, &(struct out_option){
					.name = f->origins[i].name,
					.value = f->origins[i].value,
					.origin = f->origins[i].where,
					.layer = layers[f->origins[i].layer],
					.with_origin = a->origin,
					.no_key = opt_selects_file(f->origins[i].name),
				});
}

static int go(struct args *a, struct groups *g)
{
	struct run_config config = { .g = g };
	struct opt_visitor visitor = { look, a };
	struct run r;
	int code;

	a->g = g;
	a->code = OPT_GO_ON;
	if (g->args.n == 1 && !(a->about = cmd_find(g->args.v[0])))
		return opt_usage(g, "no such command: %s", g->args.v[0]);
	opt_table_visit(&visitor);
	if (a->code != OPT_GO_ON)
		return a->code;
	if ((code = run_init(&r, &config)) != OPT_GO_ON)
		return code;
	print(a, r.out);
	return run_done(&r);
}

int cmd_config(const struct cmd *cmd, int argc, const char **argv, struct groups *g)
{
	struct args a = { .origin = 0 };
	const struct poptOption own[] = { { "origin", 0, POPT_ARG_NONE, &a.origin, 0,
						  "where each value comes from", NULL },
		POPT_TABLEEND };
	const struct opt_spec spec = {
		.cmd = cmd,
		.own = own,
		.groups = GROUP_OUTPUT | GROUP_CONFIG,
		.max_args = 1,
	};
	int code = opt_parse(&spec, argc, argv, g);

	if (code == OPT_GO_ON)
		code = go(&a, g);
	groups_done(&a.found);
	return code;
}
