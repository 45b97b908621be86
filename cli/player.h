/* cli/player.h -- plays the steps of a scenario, one after another. A step begins, and is looked at
 * again whenever something has happened to an endpoint, until it is done, has failed, or its time
 * is over. */
#ifndef CLI_PLAYER_H
#define CLI_PLAYER_H

#include "party.h"

enum { PLAYER_WITHIN_MS = 5000 }; /* how long is waited for what others do, unless a step says it */

enum player_state { PLAYER_WAITS, PLAYER_DONE, PLAYER_FAILED };

struct player {
	const struct scenario *scenario;
	struct party *parties; /* in the order of the scenario */
	struct run *run; /* of the command */
	unsigned next; /* the step that is under way, or comes */
	bool begun; /* it is under way */
	bool acted; /* it has done what it had to wait with */
	bool ending;
	uint64_t began_us, deadline; /* of the step; ms */
	struct step step; /* of VERB_IN_CALL */
	struct arena arena; /* of the step */
	ev_timer timer; /* the deadline */
	ev_timer look; /* something has happened */

	/* of a step that failed */
	int code;
	char why[500];
};

/* parties: as many as the scenario has, made. */
void player_init(struct player *pl, const struct scenario *s, struct party *parties, struct run *r);
/* The handler of the parties' news; arg is the player. */
void player_news(void *arg);
/* Begins with the first step. The last one, or one that fails, is followed by the end. */
void player_start(struct player *pl);
/* Ends what there is, then run_finish. Twice is fine. */
void player_end(struct player *pl);
void player_done(struct player *pl);

/* ---- player_do.c and player_expect.c: of the step that is under way ---- */

/* Can the files of all steps be read, and do all targets make a URI? 0, or -FAIL_x with "FILE:LINE:
 * ..." in f. */
int player_check(struct player *pl, struct fail *f);
/* Begins what the step does by itself. 0 or -FAIL_x. */
int player_begin(struct player *pl, const struct scenario_step *s, struct fail *f);
/* How it stands. late: its time is over, which decides. */
enum player_state player_look(struct player *pl, const struct scenario_step *s, bool late);
enum player_state player_expect(struct player *pl, const struct scenario_step *s, bool late);
/* What the step waits for is no event of ours (an ACK, a PRACK): player_look is called soon. */
void player_look_again(struct player *pl);
/* Keeps why the step failed; gives PLAYER_FAILED. */
enum player_state player_failed(struct player *pl, int code, const char *fmt, ...)
	PRINTF_LIKE(3, 4);
/* It could not be done: the same with a failure. What the state of things forbids (there is no
 * registration to remove) is a mistake of the scenario, not of ours: exit 17 and not 1. */
enum player_state player_refused(struct player *pl, int e, const struct fail *f);
/* A party's side of a call; an incoming call without a name gets it here. NULL: not yet. */
struct leg *player_leg(struct player *pl, struct party *p, const char *name);
/* "early (180)": how a call stands. */
const char *player_leg_text(const struct leg *l, char text[160]);

#endif
