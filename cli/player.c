#include "player.h"

#include "exit.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
	END_MS = 3000, /* ruling 27 */
	LOOK_MS = 20,
	SAME_MS = 300, /* how long a call with the same Call-ID is waited for */
};

static const struct scenario_step *current(const struct player *pl)
{
	const struct scenario *s = pl->scenario;

	return pl->next < s->step_count ? &s->steps[pl->next] : NULL;
}

enum player_state player_failed(struct player *pl, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(pl->why, sizeof(pl->why), fmt, ap);
	va_end(ap);
	pl->code = code;
	return PLAYER_FAILED;
}

enum player_state player_refused(struct player *pl, int e, const struct fail *f)
{
	return player_failed(
		pl, e == -FAIL_STATE ? EXIT_check_failed : exit_of_fail(e), "%s", fail_show(f));
}

/* ---- names ---- */

/* The side of a call that is looked for among those without a name. */
struct lookup {
	struct player *player;
	const char *name;
	bool same; /* the Call-ID must be that of a call of this name */
};

/* A call that other steps know by another name cannot be the one. */
static bool passes(void *arg, const struct leg *leg)
{
	const struct lookup *l = arg;
	const struct scenario *s = l->player->scenario;
	bool same = false, other = false;

	for (unsigned i = 0; i < s->party_count; i++)
		LIST_EACH (it, &l->player->parties[i].legs) {
			const struct leg *one = CONTAINER_OF(it, struct leg, node);

			if (!one->name || strcmp(one->call_id, leg->call_id) != 0)
				continue;
			same = same || strcmp(one->name, l->name) == 0;
			other = other || strcmp(one->name, l->name) != 0;
		}
	return l->same ? same : !other;
}

static bool is_direct(const struct party *p)
{
	return p->run.kind == ENDPOINT_PEER_TO_PEER &&
	       endpoint_next_hop_text(p->run.endpoint).n == 0;
}

/* The step that places the call; NULL: it comes from elsewhere. */
static const struct scenario_step *placed_by(const struct player *pl, const char *name)
{
	const struct scenario *s = pl->scenario;

	for (unsigned i = 0; i < s->step_count; i++)
		if (s->steps[i].verb == VERB_INVITE && strcmp(s->steps[i].name, name) == 0)
			return &s->steps[i];
	return NULL;
}

/* May its Call-ID be another one here? Not with nothing between the two; and a server that leaves
 * it as it is has some time to bring the call before another one is taken for it. */
static bool may_differ(struct player *pl, const struct party *p, const char *name)
{
	const struct scenario_step *s = placed_by(pl, name);

	if (!s)
		return true;
	if (strcmp(s->target, p->about->name) == 0 && is_direct(p) &&
		is_direct(&pl->parties[s->party]))
		return false;
	if (net_now_us() - pl->began_us >= SAME_MS * 1000)
		return true;
	player_look_again(pl);
	return false;
}

struct leg *player_leg(struct player *pl, struct party *p, const char *name)
{
	struct lookup l = { pl, name, true };
	struct leg *leg = party_leg(p, name);

	if (leg)
		return leg;
	leg = party_nameless(p, passes, &l);
	l.same = false;
	/* a back-to-back user agent between them has changed the Call-ID */
	if (!leg && party_nameless(p, passes, &l) && may_differ(pl, p, name))
		leg = party_nameless(p, passes, &l);
	if (leg)
		leg->name = name;
	return leg;
}

const char *player_leg_text(const struct leg *l, char text[160])
{
	int n = snprintf(text, 160, "%s", l->is.cause[0] ? l->is.cause : l->is.state);

	if (l->is.status)
		n += snprintf(text + n, 160 - (size_t)n, " (%u)", l->is.status);
	if (l->why[0])
		snprintf(text + n, 160 - (size_t)n, ": %s", l->why);
	return text;
}

/* ---- a step ---- */

static void tell_step(struct player *pl, const struct scenario_step *s, enum player_state state)
{
	const struct scenario *file = pl->scenario;
	const struct out_step step = {
		.file = file->file,
		.line = s->line,
		.text = s->text,
		.party = s->party < 0 ? NULL : file->parties[s->party].name,
		.state = state == PLAYER_DONE ? OUT_STEP_OK : OUT_STEP_FAILED,
		.code = pl->code,
		.why = state == PLAYER_FAILED ? pl->why : NULL,
		.ms = (double)(net_now_us() - pl->began_us) / 1000,
	};

	out_step(pl->run->out, &step);
}

static void tell(struct player *pl, const struct scenario_step *s, enum player_state state)
{
	char text[1200];

	tell_step(pl, s, state);
	if (state != PLAYER_FAILED)
		return;
	snprintf(
		text, sizeof(text), "%s:%u: %s: %s", pl->scenario->file, s->line, s->text, pl->why);
	out_error(pl->run->out, pl->code, text, NULL);
}

/* For the reports: what was not reached. */
static void skip_rest(struct player *pl)
{
	const struct scenario_step *s;

	for (; (s = current(pl)); pl->next++)
		out_step(pl->run->out, &(struct out_step){
					       .file = pl->scenario->file,
					       .line = s->line,
					       .text = s->text,
					       .state = OUT_STEP_SKIPPED,
					       .code = EXIT_ok,
					       .ms = -1,
				       });
}

/* What was counts no more: for nobody behind a wait, and not for who has just done something in the
 * call, for it would take its own deeds for the others'. */
static void forget_moments(struct player *pl, const struct scenario_step *s)
{
	struct leg *leg = NULL;

	if (s->name && s->verb != VERB_EXPECT)
		leg = party_leg(&pl->parties[s->party], s->name);
	if (leg)
		moments_forget(&leg->was);
	if (s->verb != VERB_WAIT)
		return;
	for (unsigned i = 0; i < pl->scenario->party_count; i++) {
		LIST_EACH (it, &pl->parties[i].legs)
			moments_forget(&CONTAINER_OF(it, struct leg, node)->was);
		LIST_EACH (it, &pl->parties[i].watches)
			moments_forget(&CONTAINER_OF(it, struct watch, node)->was);
	}
}

static void finish_step(struct player *pl, enum player_state state)
{
	const struct scenario_step *s = current(pl);

	ev_timer_stop(endpoint_loop(), &pl->timer);
	tell(pl, s, state);
	forget_moments(pl, s);
	pl->next++;
	pl->begun = false;
	if (state == PLAYER_FAILED || !current(pl))
		player_end(pl);
	else
		net_later(endpoint_loop(), &pl->look);
}

/* How long the step may wait for others; 0: it ends by itself. */
static uint64_t limit(const struct scenario_step *s)
{
	if (s->ms)
		return s->ms;
	switch (s->verb) {
	case VERB_EXPECT:
	case VERB_RING:
	case VERB_ANSWER:
	case VERB_BYE:
	case VERB_IN_CALL: /* until the call is confirmed */
		return PLAYER_WITHIN_MS;
	case VERB_MESSAGE:
		return s->name ? PLAYER_WITHIN_MS : 0;
	default:
		return 0;
	}
}

static void begin(struct player *pl)
{
	const struct scenario_step *s = current(pl);
	struct fail f = { 0 };
	uint64_t ms = limit(s);
	int e;

	pl->begun = true;
	pl->acted = false;
	pl->began_us = net_now_us();
	if (s->party >= 0)
		pl->parties[s->party].deed = (struct deed){ .over = false };
	out_step_begins(pl->run->out, &(struct out_step){ .line = s->line, .text = s->text }, ms);
	if (ms)
		net_timer_set(endpoint_loop(), &pl->timer, net_now_ms() + ms);
	e = player_begin(pl, s, &f);
	if (e)
		finish_step(pl, player_refused(pl, e, &f));
}

static bool any_leaves(const struct player *pl)
{
	bool leaves = false;

	for (unsigned i = 0; i < pl->scenario->party_count; i++)
		leaves = party_leaves(&pl->parties[i]) || leaves;
	return leaves;
}

void player_look_again(struct player *pl)
{
	net_timer_set(endpoint_loop(), &pl->look, net_now_ms() + LOOK_MS);
}

static void look(struct player *pl, bool late)
{
	enum player_state state;

	if (pl->ending) {
		if (late || !any_leaves(pl))
			run_finish(pl->run, pl->code);
		else
			player_look_again(pl);
		return;
	}
	if (!pl->begun)
		begin(pl);
	if (!pl->begun || pl->ending)
		return;
	state = player_look(pl, current(pl), late);
	if (state != PLAYER_WAITS)
		finish_step(pl, state);
}

static void on_look(struct ev_loop *loop, ev_timer *w, int revents)
{
	(void)revents;
	ev_timer_stop(loop, w);
	look(CONTAINER_OF(w, struct player, look), false);
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int revents)
{
	(void)revents;
	ev_timer_stop(loop, w);
	look(CONTAINER_OF(w, struct player, timer), true);
}

/* ---- life ---- */

void player_init(struct player *pl, const struct scenario *s, struct party *parties, struct run *r)
{
	*pl = (struct player){ .scenario = s, .parties = parties, .run = r };
	ev_init(&pl->timer, on_timer);
	ev_init(&pl->look, on_look);
}

void player_news(void *arg)
{
	struct player *pl = arg;

	if (pl->begun || pl->ending)
		net_later(endpoint_loop(), &pl->look);
}

void player_start(struct player *pl)
{
	net_later(endpoint_loop(), &pl->look);
}

/* A signal or --max-time: the step that is under way is where it was. */
static void interrupt(struct player *pl)
{
	if (!pl->begun)
		return;
	pl->begun = false;
	player_failed(pl, pl->run->exit_code, "the run was ended before");
	tell_step(pl, &pl->scenario->steps[pl->next++], PLAYER_FAILED);
}

/* Is the caller's side of this call here, too? Then that hangs up, and not both at once. */
static bool caller_is_here(const struct player *pl, const struct leg *leg)
{
	for (unsigned i = 0; i < pl->scenario->party_count; i++)
		LIST_EACH (it, &pl->parties[i].legs) {
			const struct leg *one = CONTAINER_OF(it, struct leg, node);

			if (one != leg && one->call && !one->incoming && one->call_id[0] &&
				strcmp(one->call_id, leg->call_id) == 0)
				return true;
		}
	return false;
}

static void hang_up(const struct player *pl, struct party *p)
{
	LIST_EACH (it, &p->legs) {
		struct leg *leg = CONTAINER_OF(it, struct leg, node);

		if (leg->call && !(leg->incoming && caller_is_here(pl, leg)))
			call_stop(leg->call);
	}
}

void player_end(struct player *pl)
{
	if (pl->ending)
		return;
	pl->ending = true;
	pl->run->goal = true;
	interrupt(pl);
	skip_rest(pl);
	for (unsigned i = 0; i < pl->scenario->party_count; i++) {
		hang_up(pl, &pl->parties[i]);
		party_stop(&pl->parties[i]);
	}
	net_timer_set(endpoint_loop(), &pl->timer, net_now_ms() + END_MS);
	net_later(endpoint_loop(), &pl->look);
}

void player_done(struct player *pl)
{
	ev_timer_stop(endpoint_loop(), &pl->timer);
	ev_timer_stop(endpoint_loop(), &pl->look);
	arena_done(&pl->arena);
}
