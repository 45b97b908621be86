/* cli/moments.h -- what a call or a subscription of a scenario was, from one moment to the next: a
 * state may be over before anybody has looked */
#ifndef CLI_MOMENTS_H
#define CLI_MOMENTS_H

#include <stdbool.h>

struct moment {
	char state[16]; /* RFC 4235, RFC 6665; "": nothing yet */
	char cause[16]; /* of a call's end */
	char news[16]; /* "hold" "resume", of its latest change */
	unsigned status; /* of the latest response that counted; 0: none */
};

/* The last ones that nobody has asked for, oldest first; zeroed at first. Those before the last 32
 * are forgotten. */
struct moments {
	struct moment v[32];
	unsigned n;
};

/* One that is as the last one is no news. */
void moments_add(struct moments *m, const struct moment *one);
/* Was it, or is it, in this state, or over for this cause, or not over and of this news? Then what
 * was up to there is forgotten. status: 0 is any. */
bool moments_met(struct moments *was, const struct moment *is, const char *state, unsigned status);
void moments_forget(struct moments *m);

#endif
