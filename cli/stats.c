#include "stats.h"

#include "base/mem.h"
#include "exit.h"

#include <stdlib.h>

static void add_sample(struct stats *s, double ms)
{
	if (s->count == s->size) {
		s->size = s->size ? 2 * s->size : 64;
		s->samples = mem_realloc(s->samples, s->size * sizeof(*s->samples));
	}
	s->samples[s->count++] = ms;
}

void stats_add(struct stats *s, const struct endpoint_result *result, int code)
{
	const struct endpoint_msg *m = result->response;

	s->sum.sent++;
	if (m && m->status_code < ARRAY_LEN(s->sum.by_status)) {
		s->sum.by_status[m->status_code]++;
		add_sample(s, m->rtt_ms);
	}
	if (code == EXIT_ok) {
		s->sum.ok++;
		return;
	}
	s->sum.failed++;
	if (code > 0 && (size_t)code < ARRAY_LEN(s->sum.by_exit))
		s->sum.by_exit[code]++;
	if (s->first_failure == EXIT_ok)
		s->first_failure = code;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The smallest sample that at least per cent of all are not above. */
static double percentile(const struct stats *s, unsigned per_cent)
{
	size_t rank = (s->count * per_cent + 99) / 100;

	return s->samples[rank ? rank - 1 : 0];
}

void stats_finish(struct stats *s)
{
	double total = 0;

	if (s->count == 0)
		return;
	qsort(s->samples, s->count, sizeof(*s->samples), compare);
	for (size_t i = 0; i < s->count; i++)
		total += s->samples[i];
	s->sum.min = s->samples[0];
	s->sum.max = s->samples[s->count - 1];
	s->sum.mean = total / (double)s->count;
	s->sum.p50 = percentile(s, 50);
	s->sum.p95 = percentile(s, 95);
	s->sum.p99 = percentile(s, 99);
}

void stats_done(struct stats *s)
{
	mem_free(s->samples);
	s->samples = NULL;
}
