/* cli/cmd_parse.c -- rte parse: what is in message files, and what is wrong with them (cli.md
 * section 4) */
#include "exit.h"
#include "file.h"
#include "run.h"

#include <stdio.h>
#include <string.h>

enum { FILE_MAX = 16 << 20 };

static void first_fault(struct out *out, const char *file, const struct inspect *i, bool named)
{
	const struct inspect_finding *f = i->findings;
	char text[640], more[40] = "";

	while (!f->error && f + 1 < i->findings + i->finding_count)
		f++;
	if (i->error_count > 1)
		snprintf(more, sizeof(more), ", and %u more error%s", i->error_count - 1,
			i->error_count == 2 ? "" : "s");
	snprintf(text, sizeof(text), "%.200s%sline %u column %u, byte %zu: %.*s%s",
		named ? file : "", named ? ": " : "", f->line, f->column, f->offset,
		f->text.n < 300 ? (int)f->text.n : 300, f->text.p, more);
	out_error(out, EXIT_protocol, text, NULL);
}

/* Every message in the file: EXIT_protocol when one has an error. */
static int parse_text(struct out *out, const char *file, struct str text, bool named)
{
	size_t at = 0;
	int code = EXIT_ok;

	for (unsigned index = 1; index == 1 || at < text.n; index++) {
		struct inspect i;
		size_t next = inspect_message(text, at, &i);

		out_parsed(out, &(struct out_parsed){ file, index, text, &i });
		if (i.error_count > 0) {
			first_fault(out, file, &i, named);
			code = EXIT_protocol;
		}
		inspect_done(&i);
		at = next;
	}
	return code;
}

static int parse_file(struct out *out, const char *file, bool named)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(FILE_MAX);
	int e = file_read(file, &b);
	char text[400];

	if (e == 0)
		return parse_text(out, file, buf_str(&b), named);
	snprintf(text, sizeof(text), "%.200s%s%s", named ? file : "", named ? ": " : "",
		strerror(-e));
	out_error(out, EXIT_local, text, NULL);
	return EXIT_local;
}

int cmd_parse(const struct cmd *cmd, int argc, const char **argv, struct groups *g)
{
	const struct poptOption own[] = { POPT_TABLEEND };
	const struct opt_spec spec = {
		.cmd = cmd,
		.own = own,
		.groups = GROUP_OUTPUT | GROUP_CONFIG,
		.min_args = 1,
		.max_args = -1,
	};
	struct run_config config = { .g = g };
	struct run r;
	int code = opt_parse(&spec, argc, argv, g);

	if (code != OPT_GO_ON)
		return code;
	if (g->args.n == 1)
		config.target = g->args.v[0];
	if ((code = run_init(&r, &config)) != OPT_GO_ON)
		return code;
	for (unsigned i = 0; i < g->args.n; i++)
		run_finish(&r, parse_file(r.out, g->args.v[i], g->args.n > 1));
	return run_done(&r);
}
