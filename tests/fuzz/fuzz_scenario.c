/* tests/fuzz/fuzz_scenario.c -- a file of `rte run`: what is accepted names only what is there */
#include "scenario.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_step(const struct scenario *s, const struct scenario_step *step)
{
	assert(step->line > 0 && step->text[0] && step->word);
	if (step->verb == VERB_WAIT)
		assert(step->party == -1);
	else
		assert(step->party >= 0 && (unsigned)step->party < s->party_count);
	if (step->verb == VERB_ANSWER && step->status)
		assert(step->status >= 200 && step->status <= 699);
	if (step->verb == VERB_INVITE || step->verb == VERB_SUBSCRIBE)
		assert(step->target && step->name && step->name[0]);
	for (unsigned i = 0; i < step->expect.n; i++)
		assert(step->expect.v[i].from <= step->expect.v[i].to);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct scenario s = { 0 };
	struct arena arena = { 0 };
	struct fail f = { 0 };
	int e = scenario_parse("x", (struct str){ (const char *)data, size }, &arena, &s, &f);

	if (e) {
		assert(e == -FAIL_ARGUMENT && strncmp(fail_show(&f), "x:", 2) == 0);
	} else {
		assert(s.party_count > 0 && s.step_count > 0);
		for (unsigned i = 0; i < s.step_count; i++)
			check_step(&s, &s.steps[i]);
	}
	arena_done(&arena);
	return 0;
}
