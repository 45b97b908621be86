/* cli/out_report.c -- what --tap and --junit say of a run: a case for its operation, each check and
 * each step of a file */
#include "out_impl.h"

#include "exit.h"
#include "report.h"

#include <stdio.h>

void out_report_begin(struct out *o)
{
	char suite[64];

	snprintf(suite, sizeof(suite), "rte %s", o->config.command);
	o->report = report_new(suite);
}

void out_report_check(struct out *o, const struct out_check *c)
{
	CLEANUP(buf_done) struct buf name = BUF_INIT(1 << 16), why = BUF_INIT(1 << 20);

	buf_addf(&name, "%s %s", c->name, c->wanted ? c->wanted : "");
	buf_addf(&why, "wanted %s, found ", c->wanted ? c->wanted : "");
	buf_add_str(&why, c->found.n ? c->found : STR("nothing"));
	report_add(o->report, &(struct report_case){ .name = buf_cstr(&name),
				      .passed = c->passed,
				      .kind = exit_name(EXIT_check_failed),
				      .detail = buf_str(&why),
				      .seconds = -1 });
}

void out_report_step(struct out *o, const struct out_step *s)
{
	CLEANUP(buf_done) struct buf name = BUF_INIT(1 << 16);

	buf_addf(&name, "%s:%u: %s", s->file, s->line, s->text);
	report_add(o->report, &(struct report_case){ .name = buf_cstr(&name),
				      .passed = s->state == OUT_STEP_OK,
				      .skipped = s->state == OUT_STEP_SKIPPED,
				      .kind = exit_name(s->code),
				      .detail = str_of(s->why ? s->why : ""),
				      .seconds = s->ms < 0 ? -1 : s->ms / 1000 });
}

/* The operation itself, behind its checks. */
void out_report_end(struct out *o, int code)
{
	CLEANUP(buf_done) struct buf tap = BUF_INIT(16 << 20), junit = BUF_INIT(16 << 20);
	const bool check = code == EXIT_check_failed;

	/* a check that failed is a case of its own, and every step of a file is one */
	if (o->step_count == 0 || (code != EXIT_ok && o->steps_failed == 0))
		report_add(o->report, &(struct report_case){
					      .name = o->config.target ? o->config.target : "",
					      .passed = code == EXIT_ok || check,
					      .kind = exit_name(code),
					      .detail = str_of(o->first_error[0] ? o->first_error
										 : exit_text(code)),
					      .seconds = out_elapsed_ms(o) / 1000,
				      });
	report_tap(o->report, &tap);
	report_junit(o->report, &junit);
	out_write(&o->tap, buf_str(&tap));
	out_write(&o->junit, buf_str(&junit));
	out_stream_close(&o->tap);
	out_stream_close(&o->junit);
}
