#include "call.h"

#include "base/mem.h"
#include "exit.h"
#include "file.h"
#include "secret.h"
#include "target.h"
#include "value.h"

#include <stdio.h>
#include <string.h>

enum {
	SDP_MAX = 65536,
	CODECS_MAX = 8,
	RING_MS = 60000,
	DEPTH_MAX = 5, /* a transferred call that is transferred, and so on */
	TRANSFERS_MAX = 100, /* at a time */
	HEADERS_MAX = 8, /* of the command's own: Replaces, Privacy ... */
	LEAST_SE = 90, /* s; RFC 4028 section 4 */
};

/* ---- options ---- */

static int read_sdp(struct call_options *o, struct groups *g, struct fail *f)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(SDP_MAX);
	int e = file_read(o->sdp, &b);

	if (e)
		return fail_set(f, -FAIL_LOCAL, "--sdp: %s: %s", o->sdp, strerror(-e));
	if (b.n == 0)
		return fail_set(f, -FAIL_ARGUMENT, "--sdp: %s is empty", o->sdp);
	o->media.kind = MEDIA_GIVEN;
	o->media.given = arena_str(&g->arena, buf_str(&b));
	return 0;
}

static int sdp(struct call_options *o, struct groups *g, bool late, struct fail *f)
{
	if (!o->sdp)
		return 0;
	if (strcmp(o->sdp, "none") == 0) {
		o->media.kind = MEDIA_NONE;
		return 0;
	}
	if (strcmp(o->sdp, "late") == 0 && late) {
		o->late = true;
		return 0;
	}
	if (strncmp(o->sdp, "cmd:", 4) != 0)
		return read_sdp(o, g, f);
	if (o->sdp[4] == '\0')
		return fail_set(f, -FAIL_ARGUMENT, "--sdp: cmd: without a command");
	o->sdp_command = o->sdp + 4;
	o->media.kind = MEDIA_GIVEN;
	return 0;
}

static int codecs(struct call_options *o, struct groups *g, struct fail *f)
{
	struct str *list = arena_zalloc(&g->arena, CODECS_MAX * sizeof(*list));
	struct str rest = str_of(o->codec), one;
	char shown[VALUE_SHOWN];
	unsigned n = 0;

	if (!o->codec)
		return 0;
	if (o->media.kind != MEDIA_BUILT_IN)
		return fail_set(f, -FAIL_ARGUMENT, "--codec with --sdp");
	for (bool last = false; !last;) {
		last = !str_cut(rest, ',', &one, &rest);
		one = str_trim(last ? rest : one);
		if (!sdp_codec_known(one))
			return fail_set(f, -FAIL_ARGUMENT,
				"--codec: %s is not one of pcmu pcma g722 g729 gsm opus "
				"telephone-event",
				value_show(arena_str(&g->arena, one).p, shown));
		if (n == CODECS_MAX)
			return fail_set(f, -FAIL_ARGUMENT, "--codec: too many");
		list[n++] = one;
	}
	o->media.codecs = list;
	o->media.codec_count = n;
	return 0;
}

/* T[;uac|;uas] */
static int session_expires(struct call_options *o, struct groups *g, bool uac, struct fail *f)
{
	struct session_policy *p = &o->policy;
	struct str time, who = STR_EMPTY;
	int e;

	if (!o->session_expires)
		return 0;
	if (!str_cut(str_of(o->session_expires), ';', &time, &who))
		time = str_of(o->session_expires);
	else if (!uac || (!str_eq(who, STR("uac")) && !str_eq(who, STR("uas"))))
		return fail_set(f, -FAIL_ARGUMENT, "--session-expires: not T%s",
			uac ? ", T;uac or T;uas" : "");
	if ((e = value_seconds(
		     "--session-expires", arena_str(&g->arena, time).p, 0, &p->expires, f)) != 0)
		return e;
	if (p->expires < LEAST_SE || p->expires < p->min_se)
		return fail_set(f, -FAIL_ARGUMENT, "--session-expires: less than %s (RFC 4028)",
			p->min_se > LEAST_SE ? "--min-se" : "90s");
	if (who.n)
		p->refresher =
			str_eq(who, STR("uac")) ? SESSION_REFRESHER_UAC : SESSION_REFRESHER_UAS;
	return 0;
}

static int on_reinvite(struct call_options *o, struct fail *f)
{
	uint32_t status;

	if (!o->on_reinvite || strcmp(o->on_reinvite, "accept") == 0)
		return 0;
	if (!str_u32(str_of(o->on_reinvite), &status) || status < 300 || status > 699)
		return fail_set(f, -FAIL_ARGUMENT,
			"--on-reinvite: neither accept nor a status from 300 to 699");
	o->policy.reinvite_status = status;
	return 0;
}

int call_options_read(struct call_options *o, struct groups *g, bool late, struct fail *f)
{
	int reliable = SESSION_100REL_OFFER, refer = CALL_REFER_DECLINE, e;

	if ((e = sdp(o, g, late, f)) != 0 || (e = codecs(o, g, f)) != 0 ||
		(e = value_word("--100rel", o->reliable, "no|offer|require", &reliable, f)) != 0 ||
		(e = value_seconds("--min-se", o->min_se, 0, &o->policy.min_se, f)) != 0)
		return e;
	if (o->min_se && o->policy.min_se < LEAST_SE)
		return fail_set(f, -FAIL_ARGUMENT, "--min-se: less than 90s (RFC 4028)");
	if ((e = session_expires(o, g, late, f)) != 0 || (e = on_reinvite(o, f)) != 0 ||
		(e = value_word("--on-refer", o->on_refer, "decline|accept|follow", &refer, f)) !=
			0)
		return e;
	o->policy.reliable = (enum session_100rel)reliable;
	o->refer = (enum call_on_refer)refer;
	return steps_parse(&o->steps, target_domain(g->aor), &g->arena, &o->step_list, f);
}

/* ---- failures of what belongs to calls ---- */

int call_failed(struct calls *cs, const struct call_failure *failure)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(1 << 16);
	const struct endpoint_result *result = failure->result;
	int code = result ? exit_of_call(result) : failure->code;

	buf_addf(&b, "%s: %s", failure->what, result ? fail_show(&result->fail) : failure->why);
	if (cs->on_failure)
		cs->on_failure(failure->call, cs, code, buf_cstr(&b), result);
	else
		out_error(cs->run->out, code, buf_cstr(&b), result);
	if (result && cs->failed == EXIT_ok)
		run_result(cs->run, result);
	if (cs->failed == EXIT_ok)
		cs->failed = code;
	if (cs->run->exit_code == EXIT_ok)
		cs->run->exit_code = code;
	return code;
}

int call_failed_status(struct call *c, const char *what, unsigned status, struct str reason)
{
	const struct endpoint_msg m = { .status_code = status, .reason_phrase = reason };
	struct endpoint_result r = { .response = &m, .cause = "" };

	if (status < 200)
		return call_failed(c->calls, &(struct call_failure){ .what = what,
						     .why = "the peer did not say what came of it",
						     .code = EXIT_timeout,
						     .call = c });
	fail_set(&r.fail, -FAIL_STATUS, "%u" STR_FMT STR_FMT, status, STR_ARG(STR(" ")),
		STR_ARG(reason.n ? reason : STR("by NOTIFY")));
	return call_failed(
		c->calls, &(struct call_failure){ .what = what, .result = &r, .call = c });
}

/* ---- transfers: a REFER that arrived, and the call it asks for ---- */

struct transfer {
	struct list node;
	struct calls *calls;
	struct refer *refer;
	struct call *in; /* where it arrived; NULL: outside of any call */
	struct call *placed; /* NULL: none, or it is gone */
	bool final; /* the last NOTIFY is on its way */
};

static void transfer_free(struct transfer *t)
{
	list_del(&t->node);
	if (t->placed)
		t->placed->transfer = NULL;
	refer_free(t->refer);
	mem_free(t);
}

static void on_transfer(void *arg, const struct endpoint_event *ev)
{
	struct transfer *t = arg;
	struct run *r = t->calls->run;

	switch (ev->type) {
	case ENDPOINT_FAILED:
		out_note(r->out, "the result of the transfer could not be told: %s",
			fail_show(&ev->result->fail));
		transfer_free(t);
		break;
	case ENDPOINT_CLOSED:
		transfer_free(t);
		break;
	default:
		out_event(r->out, ev);
		break;
	}
}

/* Tells who asked for c how it stands. */
static void report(struct call *c, unsigned status, struct str reason)
{
	struct transfer *t = c->transfer;
	struct fail f = { 0 };

	if (!t || t->final || status < 101)
		return;
	t->final = status >= 200;
	if (t->final) { /* from here on it is nobody's business */
		c->transfer = NULL;
		t->placed = NULL;
	}
	if (refer_notify(t->refer, status, reason, &f) != 0)
		out_note(c->calls->run->out, "NOTIFY: %s", fail_show(&f));
}

/* The call that is asked for: Replaces (RFC 3891) and Referred-By (RFC 3892 section 2.2) go with
 * it. */
static int place_transferred(struct calls *cs, struct call *in, const struct endpoint_transfer *t,
	struct call **out, struct fail *f)
{
	struct session_config config = call_config(cs, refer_uri(t->refer));
	const struct session_policy *policy = &cs->options->policy;
	struct endpoint_header headers[HEADERS_MAX + 2];
	struct str replaces = refer_replaces(t->refer);
	unsigned n = 0;
	int e;

	for (unsigned i = 0; i < policy->header_count && n < HEADERS_MAX; i++)
		if (!str_eq(policy->headers[i].name, STR("Replaces"))) /* of the first call */
			headers[n++] = policy->headers[i];
	if (replaces.n)
		headers[n++] =
			(struct endpoint_header){ ENDPOINT_HEADER_SET, STR("Replaces"), replaces };
	if (t->referred_by.n)
		headers[n++] = (struct endpoint_header){ ENDPOINT_HEADER_SET, STR("Referred-By"),
			t->referred_by };
	config.policy.headers = headers;
	config.policy.header_count = n;
	if ((e = call_place(cs, &config, out, f)) != 0)
		return e;
	(*out)->own = true;
	(*out)->from = in;
	if (in)
		in->successors++;
	(*out)->depth = in ? in->depth + 1 : 1;
	return 0;
}

/* It is over before it began: that is told, too. */
static void decline(struct calls *cs, const struct endpoint_transfer *t, unsigned status)
{
	struct endpoint_transfer answer = *t;

	answer.state = "terminated";
	answer.status_code = status;
	out_event(cs->run->out,
		&(struct endpoint_event){ .type = ENDPOINT_TRANSFER, .transfer = &answer });
	refer_decline(t->refer, status, STR_EMPTY);
}

static void follow(struct calls *cs, struct call *in, const struct endpoint_transfer *e)
{
	struct transfer *t = MEM_NEW(struct transfer);
	struct fail f = { 0 };

	list_init(&t->node);
	t->calls = cs;
	t->in = in;
	if (place_transferred(cs, in, e, &t->placed, &f) != 0) {
		out_note(cs->run->out, "the transfer cannot be followed: %s", fail_show(&f));
		decline(cs, e, 400);
		mem_free(t);
		return;
	}
	t->refer = e->refer;
	t->placed->transfer = t;
	list_add(&cs->transfers, &t->node);
	if (refer_accept(t->refer, on_transfer, t, &f) == 0)
		return;
	out_note(cs->run->out, "the REFER cannot be accepted: %s", fail_show(&f));
	call_stop(t->placed);
	t->refer = NULL;
	transfer_free(t);
}

/* --on-refer=accept: done, says the NOTIFY, and no call is placed. */
static void accept_only(struct calls *cs, struct call *in, const struct endpoint_transfer *e)
{
	struct transfer *t = MEM_NEW(struct transfer);
	struct fail f = { 0 };

	*t = (struct transfer){ .calls = cs, .in = in, .refer = e->refer, .final = true };
	list_init(&t->node);
	list_add(&cs->transfers, &t->node);
	if (refer_accept(t->refer, on_transfer, t, &f) != 0) {
		out_note(cs->run->out, "the REFER cannot be accepted: %s", fail_show(&f));
		t->refer = NULL; /* it was refused and freed */
		transfer_free(t);
	} else if (refer_notify(t->refer, 200, STR("OK"), &f) != 0) {
		out_note(cs->run->out, "NOTIFY: %s", fail_show(&f));
	}
}

void call_refer(struct calls *cs, struct call *in, const struct endpoint_transfer *t)
{
	bool invite = t->method.n == 0 || str_eq(t->method, STR("INVITE"));
	unsigned n = 0;

	LIST_EACH (it, &cs->transfers)
		n++;
	if (cs->options->refer == CALL_REFER_DECLINE || (in && in->stopping))
		decline(cs, t, 603);
	else if (!invite)
		decline(cs, t, 501);
	else if (n >= TRANSFERS_MAX || (in && in->depth >= DEPTH_MAX))
		decline(cs, t, 503);
	else if (cs->options->refer == CALL_REFER_ACCEPT)
		accept_only(cs, in, t);
	else
		follow(cs, in, t);
}

/* ---- MESSAGE and INFO ---- */

bool call_message(struct run *r, const struct endpoint_event *ev)
{
	const struct endpoint_incoming *in = ev->incoming;
	const struct endpoint_msg *m = in->msg;

	if (ev->type != ENDPOINT_INCOMING || !in->request ||
		(!str_eq(m->method, STR("MESSAGE")) && !str_eq(m->method, STR("INFO"))))
		return false;
	out_message(r->out, &(struct out_message){
				    .dialog = in->session ? session_id(in->session) : 0,
				    .method = m->method,
				    .from = &m->from,
				    .to = &m->to,
				    .content_type = m->content_type,
				    .body = m->body,
				    .status = 200,
			    });
	return true;
}

/* ---- the life of a call ---- */

static struct call *call_new(struct calls *cs)
{
	struct call *c = MEM_NEW(struct call);

	c->calls = cs;
	list_init(&c->node);
	steps_init(&c->steps, c, cs->options->step_list);
	return c;
}

static void enlist(struct call *c)
{
	list_add(&c->calls->list, &c->node);
	c->listed = true;
	c->calls->count++;
}

static void delist(struct call *c)
{
	list_del(&c->node);
	if (c->listed)
		c->calls->count--;
	c->listed = false;
}

/* Nobody must know it any more. */
static void forget(struct call *c)
{
	struct calls *cs = c->calls;

	LIST_EACH (it, &cs->transfers) {
		struct transfer *t = CONTAINER_OF(it, struct transfer, node);
		if (t->in == c)
			transfer_free(t);
	}
	if (c->successors > 0) /* thousands may be open: no walk for nothing */
		LIST_EACH (it, &cs->list) {
			struct call *other = CONTAINER_OF(it, struct call, node);
			if (other->from == c)
				other->from = NULL;
		}
	if (c->from)
		c->from->successors--;
	if (c->transfer)
		c->transfer->placed = NULL;
	if (c->consulted_by)
		c->consulted_by->consult = NULL;
}

static void call_free(struct call *c)
{
	forget(c);
	delist(c);
	steps_done(&c->steps);
	session_free(c->session);
	mem_free(c);
}

/* The call that a followed transfer in c has placed. */
static struct call *successor(const struct call *c)
{
	if (c->successors == 0)
		return NULL;
	LIST_EACH (it, &c->calls->list) {
		struct call *other = CONTAINER_OF(it, struct call, node);
		if (other->from == c)
			return other;
	}
	return NULL;
}

static void confirmed(struct call *c)
{
	bool first = !c->confirmed;

	c->confirmed = true;
	if (!first)
		return;
	if (c->consulted_by)
		steps_consulted(c->consulted_by, true);
	else if (!c->own || c->steps.begun)
		steps_start(&c->steps);
}

static void on_session(struct call *c, const struct endpoint_session *s)
{
	if (s->extra)
		return;
	if (c->id == 0 || strcmp(s->state, "confirmed") == 0)
		c->id = s->id;
	if (strcmp(s->state, "proceeding") == 0 || strcmp(s->state, "early") == 0) {
		report(c, s->status_code, s->reason_phrase);
	} else if (strcmp(s->state, "confirmed") == 0) {
		report(c, s->status_code ? s->status_code : 200, s->reason_phrase);
		confirmed(c);
	}
}

/* What the end of c means for those that know of it. */
static void ended(struct call *c, const struct endpoint_event *ev)
{
	const struct endpoint_msg *m = ev->result ? ev->result->response : NULL;
	bool failed = ev->type == ENDPOINT_FAILED;
	struct call *next = successor(c);
	char what[32] = "a call";

	if (c->id)
		snprintf(what, sizeof(what), "call d%u", c->id);
	if (failed && c->own && !c->stopping && !c->calls->run->stopping)
		call_failed(c->calls, &(struct call_failure){
					      .what = what,
					      .result = ev->result,
					      .call = c->consulted_by ? c->consulted_by->call : c,
				      });
	/* RFC 3515 2.4.5: a failure that nobody sent is told as 503 */
	report(c, m && m->status_code >= 300 ? m->status_code : 503,
		m && m->status_code >= 300 ? m->reason_phrase : STR("Service Unavailable"));
	if (c->consulted_by)
		steps_consulted(c->consulted_by, false);
	c->consulted_by = NULL;
	if (next && !c->stopping && c->steps.next < c->steps.list.n)
		steps_move(&c->steps, &next->steps);
	else if (!c->stopping && c->confirmed && steps_left(&c->steps) && c->steps.begun &&
		 !c->calls->run->stopping && !failed)
		call_failed(c->calls, &(struct call_failure){ .what = steps_left(&c->steps),
					      .why = "the peer has hung up before",
					      .code = EXIT_ended_by_server,
					      .call = c });
}

static void on_event(void *arg, const struct endpoint_event *ev)
{
	struct call *c = arg;
	struct calls *cs = c->calls;
	bool final = ev->type == ENDPOINT_FAILED || ev->type == ENDPOINT_CLOSED;

	out_event(cs->run->out, ev);
	switch (ev->type) {
	case ENDPOINT_SESSION:
		on_session(c, ev->session);
		break;
	case ENDPOINT_TRANSFER:
		if (ev->transfer->received && strcmp(ev->transfer->state, "pending") == 0)
			call_refer(cs, c, ev->transfer);
		break;
	case ENDPOINT_INCOMING:
		call_message(cs->run, ev);
		break;
	case ENDPOINT_ANSWERED:
		steps_answered(&c->steps, ev->result);
		break;
	case ENDPOINT_FAILED:
	case ENDPOINT_CLOSED:
		ended(c, ev);
		delist(c); /* whoever counts counts without it */
		break;
	default:
		break;
	}
	if (cs->on_event)
		cs->on_event(c, ev);
	if (final)
		call_free(c);
}

struct session_config call_config(const struct calls *cs, struct str target)
{
	const struct run *r = cs->run;

	return (struct session_config){
		.endpoint = r->endpoint,
		.policy = cs->options->policy,
		.target = target,
		.late_offer = cs->options->late,
		.max_forwards = r->max_forwards,
		.timeout_ms = r->timeout_ms,
		.ring_ms = cs->ring_ms,
		.follow = r->follow,
		.retry = r->retry,
	};
}

static struct session_policy policy_of(struct call *c, struct session_policy policy)
{
	policy.media = c->calls->media;
	policy.on_event = on_event;
	policy.arg = c;
	return policy;
}

int call_place(struct calls *cs, struct session_config *config, struct call **out, struct fail *f)
{
	struct call *c = call_new(cs);
	int e;

	config->policy = policy_of(c, config->policy);
	if ((e = session_start(config, &c->session, f)) != 0) {
		call_free(c);
		return e;
	}
	enlist(c);
	*out = c;
	return 0;
}

struct call *call_take(struct calls *cs, struct session *s)
{
	struct call *c = call_new(cs);
	struct session_policy policy = policy_of(c, cs->options->policy);

	c->session = s;
	enlist(c);
	session_take(s, &policy);
	return c;
}

void call_stop(struct call *c)
{
	c->stopping = true;
	session_stop(c->session, STR_EMPTY);
}

void call_steps_over(struct call *c, int code)
{
	if (c->calls->on_steps_over)
		c->calls->on_steps_over(c);
	else if (c->steps.list.n > 0 || code != EXIT_ok)
		call_stop(c);
}

/* ---- all calls ---- */

/* The description that a command prints (ruling 23: killed at --timeout). */
static int run_command(struct calls *cs, struct media_config *config, struct fail *f)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(SDP_MAX);
	struct run *r = cs->run;
	struct fail why = { 0 };
	int e = secret_command(cs->options->sdp_command, r->timeout_ms, &b, &why);

	if (e)
		return fail_set(f, e, "--sdp: %s", fail_show(&why));
	config->given = arena_str(&r->g->arena, buf_str(&b));
	return 0;
}

int call_all_init(struct calls *cs, struct run *r, const struct call_options *o, struct fail *f)
{
	struct media_config config = o->media;
	struct fail why;
	int e;

	*cs = (struct calls){ .run = r, .options = o, .ring_ms = RING_MS };
	list_init(&cs->list);
	list_init(&cs->transfers);
	config.manager = r->manager;
	if (o->sdp_command && (e = run_command(cs, &config, f)) != 0)
		return e;
	e = media_new(&config, &cs->media, f);
	if (e == -FAIL_ARGUMENT && o->sdp) { /* what a file or a command says is no description */
		why = *f;
		fail_set(f, e, "--sdp: %s: %s", o->sdp, fail_show(&why));
	}
	return e;
}

void call_all_done(struct calls *cs)
{
	if (!cs->run)
		return;
	LIST_EACH (it, &cs->transfers)
		transfer_free(CONTAINER_OF(it, struct transfer, node));
	while (!list_empty(&cs->list))
		call_free(CONTAINER_OF(list_first(&cs->list), struct call, node));
	media_free(cs->media);
	*cs = (struct calls){ .run = NULL };
}

unsigned call_all_count(const struct calls *cs)
{
	return cs->count;
}

void call_all_stop(struct calls *cs)
{
	LIST_EACH (it, &cs->list)
		call_stop(CONTAINER_OF(it, struct call, node));
}
