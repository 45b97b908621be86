/* cli/stats.h -- what many requests came to: counts, and times with percentiles from stored samples
 */
#ifndef CLI_STATS_H
#define CLI_STATS_H

#include "out.h"

struct stats {
	struct out_summary sum; /* its times are filled in by stats_finish */
	double *samples; /* ms of the answered ones */
	size_t count, size;
	int first_failure; /* exit code of the first item that failed; 0: none */
};

/* Zeroed, it is empty. code: what the result came to. */
void stats_add(struct stats *s, const struct endpoint_result *result, int code);
void stats_finish(struct stats *s);
void stats_done(struct stats *s);

#endif
