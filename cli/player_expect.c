/* cli/player_expect.c -- expectations: what must have happened, or must not happen, within a time
 */
#include "exit.h"
#include "player.h"

#include <stdio.h>
#include <string.h>

/* "after 5 s" */
static const char *after(const struct scenario_step *s, char text[40])
{
	double ms = (double)(s->ms ? s->ms : PLAYER_WITHIN_MS);

	snprintf(text, 40, "after %.4g s", ms / 1000);
	return text;
}

/* An end that is not the one that is waited for will not turn into it. */
static enum player_state call_state(struct player *pl, const struct scenario_step *s, bool late)
{
	struct leg *l = player_leg(pl, &pl->parties[s->party], s->name);
	char text[160], time[40];

	if (l && moments_met(&l->was, &l->is, s->state, s->status))
		return PLAYER_DONE; /* early by a 180 may become early by a 183 */
	if (l && !l->call)
		return player_failed(pl, EXIT_check_failed, "it is %s", player_leg_text(l, text));
	if (!late)
		return PLAYER_WAITS;
	if (!l)
		return player_failed(pl, EXIT_check_failed, "no such call %s", after(s, time));
	return player_failed(
		pl, EXIT_check_failed, "it is %s %s", player_leg_text(l, text), after(s, time));
}

static enum player_state watch_state(struct player *pl, const struct scenario_step *s, bool late)
{
	struct watch *w = party_watch(&pl->parties[s->party], s->name);
	bool over = w && !w->subscription;
	char time[40];

	if (w && moments_met(&w->was, &w->is, s->state, 0))
		return PLAYER_DONE;
	if (!late && !over)
		return PLAYER_WAITS;
	return player_failed(pl, EXIT_check_failed, "it is %s%s%s%s%s",
		w && w->is.state[0] ? w->is.state : "not answered", over && w->why[0] ? ": " : "",
		over ? w->why : "", over ? "" : " ", over ? "" : after(s, time));
}

static bool any(void *arg, const struct leg *leg)
{
	(void)arg;
	return leg->call != NULL;
}

static bool has_come(struct player *pl, const struct scenario_step *s)
{
	struct party *p = &pl->parties[s->party];

	switch (s->wanted) {
	case WANTED_MESSAGE:
		return party_heard(p, HEARD_MESSAGE, NULL, s->value);
	case WANTED_INFO:
		return party_heard(p, HEARD_INFO, NULL, s->value);
	case WANTED_NOTIFY:
		return party_heard(p, HEARD_NOTIFY, party_watch(p, s->name), s->value);
	default:
		return party_nameless(p, any, NULL) != NULL;
	}
}

static enum player_state coming(struct player *pl, const struct scenario_step *s, bool late)
{
	bool come = has_come(pl, s);
	char time[40];

	if (s->none)
		return come   ? player_failed(pl, EXIT_check_failed, "one has come")
		       : late ? PLAYER_DONE
			      : PLAYER_WAITS;
	if (come)
		return PLAYER_DONE;
	return late ? player_failed(pl, EXIT_check_failed, "none has come %s", after(s, time))
		    : PLAYER_WAITS;
}

static enum player_state registered(struct player *pl, const struct scenario_step *s, bool late)
{
	bool want = s->wanted == WANTED_REGISTERED, is_so = pl->parties[s->party].registered;
	char time[40];

	if (want == is_so)
		return PLAYER_DONE;
	return late ? player_failed(pl, EXIT_check_failed, "it is%s registered %s",
			      is_so ? "" : " not", after(s, time))
		    : PLAYER_WAITS;
}

enum player_state player_expect(struct player *pl, const struct scenario_step *s, bool late)
{
	switch (s->wanted) {
	case WANTED_CALL_STATE:
		return call_state(pl, s, late);
	case WANTED_WATCH_STATE:
		return watch_state(pl, s, late);
	case WANTED_REGISTERED:
	case WANTED_UNREGISTERED:
		return registered(pl, s, late);
	case WANTED_NOTIFY:
	case WANTED_MESSAGE:
	case WANTED_INFO:
	case WANTED_CALL:
		break;
	}
	return coming(pl, s, late);
}
