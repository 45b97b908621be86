/* cli/player_do.c -- what each verb does, and when it is done */
#include "base/mem.h"
#include "endpoint/subscription.h"
#include "exit.h"
#include "player.h"
#include "target.h"

#include <stdio.h>
#include <string.h>

/* The endpoint that TARGET names, or NULL. */
static const struct party *target_party(const struct player *pl, const struct scenario_step *s)
{
	for (unsigned i = 0; i < pl->scenario->party_count; i++)
		if (strcmp(pl->parties[i].about->name, s->target) == 0)
			return &pl->parties[i];
	return NULL;
}

/* The request to TARGET; empty where TARGET is any URI (a REFER names one) or is sent as it stands.
 */
static struct str method_of(const struct scenario_step *s)
{
	switch (s->verb) {
	case VERB_INVITE:
		return STR("INVITE");
	case VERB_MESSAGE:
		return STR("MESSAGE");
	case VERB_OPTIONS:
		return STR("OPTIONS");
	case VERB_SUBSCRIBE:
		return STR("SUBSCRIBE");
	case VERB_IN_CALL: /* it is called before it is referred to */
		return strcmp(s->word, "refer-replaces") == 0 ? STR("INVITE") : STR_EMPTY;
	default:
		return STR_EMPTY;
	}
}

/* TARGET: the name of an endpoint, else a URI. */
static int target(struct player *pl, const struct scenario_step *s, struct str *out, struct fail *f)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(1 << 16);
	struct party *me = &pl->parties[s->party];
	const struct party *p = target_party(pl, s);
	int e;

	if (!p && method_of(s).n == 0)
		return target_parse(&me->run, s->target, out, f);
	if (!p)
		return target_request(&me->run, method_of(s), s->target, out, f);
	if ((e = party_uri(p, me, &b, f)) == 0)
		*out = arena_str(&pl->arena, buf_str(&b));
	return e;
}

/* ---- the beginning ---- */

static int send_request(struct player *pl, const struct scenario_step *s, struct fail *f)
{
	struct party_request r = { .method = s->verb == VERB_REQUEST ? str_of(s->value)
								     : method_of(s) };
	int e;

	if (s->name) /* of a call */
		return 0; /* when it is confirmed */
	if ((e = target(pl, s, &r.target, f)) != 0)
		return e;
	if (s->verb == VERB_MESSAGE) {
		r.body = str_of(s->value);
		r.type = STR("text/plain; charset=UTF-8");
	}
	return party_send(&pl->parties[s->party], &r, f);
}

static int unsubscribe(struct party *p, const char *name, struct fail *f)
{
	struct watch *w = party_watch(p, name);

	if (!w || !w->subscription)
		return fail_set(f, -FAIL_STATE, "%s", w ? "it has ended" : "it has not begun");
	subscription_stop(w->subscription);
	return 0;
}

int player_begin(struct player *pl, const struct scenario_step *s, struct fail *f)
{
	struct party *p = s->party < 0 ? NULL : &pl->parties[s->party];
	struct str uri;
	int e;

	arena_done(&pl->arena);
	switch (s->verb) {
	case VERB_REGISTER:
		return party_register(p, f);
	case VERB_UNREGISTER:
		return party_unregister(p, f);
	case VERB_INVITE:
		e = target(pl, s, &uri, f);
		return e ? e : party_invite(p, s->name, uri, f);
	case VERB_MESSAGE:
	case VERB_OPTIONS:
	case VERB_REQUEST:
		return send_request(pl, s, f);
	case VERB_SUBSCRIBE:
		e = target(pl, s, &uri, f);
		return e ? e : party_subscribe(p, s->name, uri, s->value, f);
	case VERB_UNSUBSCRIBE:
		return unsubscribe(p, s->name, f);
	case VERB_PUBLISH:
		return party_publish(p, strcmp(s->state, "open") == 0, s->value, f);
	case VERB_UNPUBLISH:
		return party_unpublish(p, f);
	case VERB_WAIT:
	case VERB_EXPECT:
	case VERB_RING:
	case VERB_ANSWER:
	case VERB_IN_CALL:
	case VERB_BYE:
		break;
	}
	return 0;
}

/* ---- calls ---- */

/* The party's side of the call, while it lives. */
static enum player_state live_leg(
	struct player *pl, const struct scenario_step *s, bool late, struct leg **out)
{
	struct leg *l = player_leg(pl, &pl->parties[s->party], s->name);
	char text[160];

	*out = l;
	if (l && !l->call)
		return player_failed(pl, EXIT_ended_by_server, "the call has ended: %s",
			player_leg_text(l, text));
	if (!l && late)
		return player_failed(pl, EXIT_timeout, "no such call has come");
	return l ? PLAYER_DONE : PLAYER_WAITS;
}

static enum player_state answer(struct player *pl, const struct scenario_step *s, bool late)
{
	unsigned code = s->status ? s->status : s->verb == VERB_RING ? 180 : 200;
	struct str reason = s->reason ? str_of(s->reason) : reply_phrase(code);
	struct fail f = { 0 };
	struct leg *l;
	enum player_state state = live_leg(pl, s, late, &l);
	int e;

	if (state != PLAYER_DONE)
		return state;
	if (!l->incoming)
		return player_failed(pl, EXIT_check_failed, "it has placed this call itself");
	if (s->verb == VERB_RING && session_waits_for_prack(l->call->session)) {
		if (late)
			return player_failed(
				pl, EXIT_timeout, "the response before it has no PRACK yet");
		player_look_again(pl);
		return PLAYER_WAITS;
	}
	if (s->verb == VERB_RING)
		e = session_ring(l->call->session, code, reason, code == 183, &f);
	else if (code < 300)
		e = session_accept(l->call->session, code, reason, &f);
	else
		e = session_reject(l->call->session, code, reason, NULL, 0, &f);
	if (e != 0)
		return player_refused(pl, e, &f);
	l->is.status = code;
	return PLAYER_DONE;
}

static enum player_state hang_up(struct player *pl, const struct scenario_step *s, bool late)
{
	struct leg *l = NULL;
	enum player_state state;

	if (pl->acted) {
		l = party_leg(&pl->parties[s->party], s->name);
		if (l->call)
			return late ? player_failed(pl, EXIT_timeout, "the call does not end")
				    : PLAYER_WAITS;
		return PLAYER_DONE;
	}
	state = live_leg(pl, s, late, &l);
	if (state != PLAYER_DONE)
		return state;
	pl->acted = true;
	call_stop(l->call);
	return PLAYER_WAITS;
}

/* The step as --do would write it, with what a scenario names in other words. */
static int step_of(struct player *pl, const struct scenario_step *s, struct fail *f)
{
	const char *value = s->value;
	const char *text;
	struct step_list list;
	struct fail why = { 0 };
	struct str uri;
	int e;

	if (s->target && s->verb == VERB_IN_CALL) {
		if ((e = target(pl, s, &uri, f)) != 0)
			return e;
		value = uri.p;
	}
	text = arena_fmt(&pl->arena, "%s%s%s", s->word, value ? ":" : "", value ? value : "").p;
	e = steps_parse(&(struct values){ &text, 1 }, STR_EMPTY, &pl->arena, &list, &why);
	if (e) /* "--do: why" */
		return fail_set(f, e, "%s",
			strncmp(fail_show(&why), "--do: ", 6) == 0 ? fail_show(&why) + 6
								   : fail_show(&why));
	pl->step = list.v[0];
	return 0;
}

static int check_step(struct player *pl, const struct scenario_step *s, struct fail *why)
{
	const struct party *p = s->target ? target_party(pl, s) : NULL;
	struct str uri;

	/* where a peer-to-peer endpoint listens is known when its sockets are bound */
	if (s->target && !(p && p->run.kind == ENDPOINT_PEER_TO_PEER))
		return target(pl, s, &uri, why);
	return s->verb == VERB_IN_CALL && !s->target ? step_of(pl, s, why) : 0;
}

int player_check(struct player *pl, struct fail *f)
{
	const struct scenario *file = pl->scenario;
	struct fail why = { 0 };
	int e = 0;

	for (unsigned i = 0; i < file->step_count && e == 0; i++) {
		if ((e = check_step(pl, &file->steps[i], &why)) != 0)
			fail_set(f, e, "%s:%u: %s", file->file, file->steps[i].line,
				fail_show(&why));
		arena_done(&pl->arena);
	}
	return e;
}

static enum player_state deed(struct player *pl, const struct scenario_step *s, bool late);

static enum player_state in_call(struct player *pl, const struct scenario_step *s, bool late)
{
	struct party *p = &pl->parties[s->party];
	struct fail f = { 0 };
	char text[160];
	struct leg *l;
	enum player_state state;
	int e;

	if (pl->acted && p->deed.over)
		return deed(pl, s, late);
	state = live_leg(pl, s, late, &l);
	if (state != PLAYER_DONE)
		return state;
	if (pl->acted)
		return deed(pl, s, late);
	if (!l->call->confirmed)
		return late ? player_failed(
				      pl, EXIT_timeout, "the call is %s", player_leg_text(l, text))
			    : PLAYER_WAITS;
	pl->acted = true;
	if (!s->ms) /* what it has begun ends by itself */
		ev_timer_stop(endpoint_loop(), &pl->timer);
	if ((e = step_of(pl, s, &f)) != 0 || (e = party_step(p, l, &pl->step, &f)) != 0)
		return player_refused(pl, e, &f);
	return PLAYER_WAITS;
}

/* ---- everything else ---- */

/* What it came to against what was expected. */
static enum player_state deed(struct player *pl, const struct scenario_step *s, bool late)
{
	const struct deed *d = &pl->parties[s->party].deed;

	if (!d->over)
		return late ? player_failed(pl, EXIT_timeout, "no result in this time")
			    : PLAYER_WAITS;
	if (s->expect.n && d->status && value_has_status(&s->expect, d->status))
		return PLAYER_DONE;
	if (s->expect.n && d->status && d->why[0])
		return player_failed(pl, EXIT_check_failed, "%s", d->why);
	if (s->expect.n && d->status)
		return player_failed(pl, EXIT_check_failed, "%u " STR_FMT, d->status,
			STR_ARG(reply_phrase(d->status)));
	return d->code ? player_failed(pl, d->code, "%s", d->why) : PLAYER_DONE;
}

static enum player_state unsubscribed(struct player *pl, const struct scenario_step *s, bool late)
{
	if (!party_watch(&pl->parties[s->party], s->name)->subscription)
		return PLAYER_DONE;
	return late ? player_failed(pl, EXIT_timeout, "it does not end") : PLAYER_WAITS;
}

enum player_state player_look(struct player *pl, const struct scenario_step *s, bool late)
{
	switch (s->verb) {
	case VERB_WAIT:
		return late || s->ms == 0 ? PLAYER_DONE : PLAYER_WAITS;
	case VERB_EXPECT:
		return player_expect(pl, s, late);
	case VERB_INVITE:
	case VERB_SUBSCRIBE:
		return PLAYER_DONE;
	case VERB_RING:
	case VERB_ANSWER:
		return answer(pl, s, late);
	case VERB_BYE:
		return hang_up(pl, s, late);
	case VERB_IN_CALL:
		return in_call(pl, s, late);
	case VERB_UNSUBSCRIBE:
		return unsubscribed(pl, s, late);
	case VERB_MESSAGE:
		if (s->name)
			return in_call(pl, s, late);
		break;
	case VERB_REGISTER:
	case VERB_UNREGISTER:
	case VERB_OPTIONS:
	case VERB_REQUEST:
	case VERB_PUBLISH:
	case VERB_UNPUBLISH:
		break;
	}
	return deed(pl, s, late);
}
