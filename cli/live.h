/* cli/live.h -- the line at the bottom of a terminal that tells people what is being waited for,
 * and for how long. It is drawn on stderr after a second and redrawn in place once a second, from
 * the loop, and does not keep that going. Everything takes a NULL. */
#ifndef CLI_LIVE_H
#define CLI_LIVE_H

#include <stdbool.h>
#include <stdint.h>

struct live;

/* From now on; who: whose line it is, "register sip:alice@example.com". NULL where it is not to be
 * seen: stderr is no terminal, or one that cannot redraw a line. */
struct live *live_new(const char *who);
/* Wipes it, too. */
void live_free(struct live *l);

struct live_state {
	const char *text; /* "waiting for an answer from 192.0.2.10:5060 udp" */
	uint64_t since_us; /* 0: now */
	uint64_t limit_ms; /* how long it may take; 0: not known */
	uint64_t refresh_us; /* when it is refreshed; 0: not */
};
/* What is being waited for. It is seen when the line is drawn the next time. */
void live_state(struct live *l, const struct live_state *s);
/* How far a batch is, which is told in place of the state. */
void live_progress(struct live *l, unsigned done, unsigned of, unsigned failed);

/* To be called before anything is written to the terminal. The line comes back when the loop has
 * nothing else to do. */
void live_hide(struct live *l);
void live_show(struct live *l);

#endif
