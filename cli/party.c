#include "party.h"

#include "base/mem.h"
#include "config.h"
#include "endpoint/publication.h"
#include "endpoint/registration.h"
#include "endpoint/subscription.h"
#include "exit.h"
#include "opt_table.h"
#include "target.h"

#include <stdio.h>
#include <string.h>

enum {
	/* What a section may say; what is said of output and configuration is the command's. */
	PARTY_GROUPS = GROUP_ALL & ~(GROUP_OUTPUT | GROUP_CONFIG | GROUP_CHECK),
};

/* ---- settings ---- */

/* The own rows of a section, in p's arena. */
static const struct poptOption *rows(struct party *p)
{
	const struct poptOption own[] = { { "sdp", 0, POPT_ARG_STRING, &p->call_options.sdp, 0,
						  "description in place of the built-in one",
						  "FILE|cmd:COMMAND|none|late" },
		{ "session-expires", 0, POPT_ARG_STRING, &p->call_options.session_expires, 0,
			"session timer (RFC 4028)", "T[;uac|;uas]" },
		CALL_ROWS(p->call_options), ANSWER_ROWS(p->answer_options), POPT_TABLEEND };

	return memcpy(arena_alloc(&p->g.arena, sizeof(own)), own, sizeof(own));
}

static void table_of(struct party *p, struct opt_spec *spec, struct opt_table *t)
{
	*spec = (struct opt_spec){ .cmd = &p->cmd, .own = rows(p), .groups = PARTY_GROUPS };
	opt_table_init(t, spec, &p->g);
}

/* Steps have their own words for these. */
static bool is_a_step(const char *key)
{
	return strcmp(key, "register") == 0 || strcmp(key, "do") == 0;
}

static bool may_have(const struct opt_table *t, const char *key)
{
	const struct opt_row *row = opt_table_find(t, str_of(key));

	return row && opt_row_in_file(row) && !is_a_step(key) && strcmp(key, "max-time") != 0 &&
	       strcmp(key, "dry-run") != 0;
}

bool party_knows(const char *key)
{
	struct party p = { .cmd = { .name = "run" } };
	struct opt_spec spec;
	struct opt_table t;
	bool known;

	table_of(&p, &spec, &t);
	known = may_have(&t, key);
	arena_done(&p.g.arena);
	return known;
}

static int unknown(const struct opt_table *t, const struct scenario_setting *s, struct arena *a,
	struct fail *f)
{
	const char **words = arena_alloc(a, (t->count + 1) * sizeof(*words)), *near;
	char shown[VALUE_SHOWN];
	unsigned n = 0;

	if (is_a_step(s->key))
		return fail_set(
			f, -FAIL_ARGUMENT, "%s: %s is a step and no setting", s->where, s->key);
	for (unsigned i = 0; i < t->count; i++)
		if (t->rows[i].opt.longName && may_have(t, t->rows[i].opt.longName))
			words[n++] = t->rows[i].opt.longName;
	words[n] = NULL;
	near = value_nearest(s->key, words);
	value_show(s->key, shown);
	return fail_set(f, -FAIL_ARGUMENT, "%s: unknown key %s%s%s%s", s->where, shown,
		near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

static int apply(struct party *p, const struct opt_table *t, const struct scenario_settings *list,
	enum opt_layer layer, struct fail *f)
{
	for (unsigned i = 0; i < list->n; i++) {
		const struct scenario_setting *s = &list->v[i];
		const struct opt_row *row = opt_table_find(t, str_of(s->key));
		struct opt_value v = { s->value, s->where, layer };

		if (!may_have(t, s->key)) {
			if (layer == OPT_SCENARIO)
				continue; /* the command's: it was looked at before */
			return unknown(t, s, &p->g.arena, f);
		}
		v.text = config_value(&p->g.arena, row, s->value);
		if (opt_store(&p->g, row, &v, f) != 0)
			return -FAIL_ARGUMENT;
	}
	return 0;
}

/* Begins with what holds for all. */
static void inherit(struct party *p, const struct groups *g)
{
	p->g = *g;
	p->g.arena = (struct arena){ 0 };
	p->g.origins = NULL;
	p->g.origin_count = 0;
	for (unsigned i = 0; i < g->origin_count; i++)
		opt_note_origin(&p->g, &g->origins[i]);
	p->cmd = *g->cmd;
	p->cmd.kind = p->about->registers ? CMD_SERVER_BASED : CMD_EITHER;
	p->g.cmd = &p->cmd;
}

/* Peer to peer at an address of this host it is its name there. */
static void name_it(struct party *p)
{
	struct groups *g = &p->g;

	if (g->aor || p->about->registers || g->listen.n || (g->server.n && !g->p2p))
		return;
	g->aor = arena_fmt(&g->arena, "sip:%s@127.0.0.1", p->about->name).p;
	g->any_to = 1;
}

static int settings(struct party *p, const struct scenario *s, struct fail *f)
{
	struct opt_spec spec;
	struct opt_table t;
	int e;

	table_of(p, &spec, &t);
	if ((e = apply(p, &t, &s->top, OPT_SCENARIO, f)) != 0 ||
		(e = apply(p, &t, &p->about->settings, OPT_PARTY, f)) != 0 ||
		(e = answer_options_read(&p->answer_options, &p->g, f)) != 0)
		return e;
	name_it(p);
	if (p->about->registers && !p->g.aor)
		return fail_set(f, -FAIL_ARGUMENT,
			"%s:%u: [endpoint %s] registers or publishes: it needs aor", s->file,
			p->about->line, p->about->name);
	return call_options_read(&p->call_options, &p->g, true, f);
}

/* ---- life ---- */

static int refuse(struct party *p, struct out *out, int e, const struct fail *f)
{
	char text[OPT_BAD_TEXT];

	out_error(out, exit_of_fail(e), opt_bad_text(&p->g, f, text), NULL);
	return out_end(out, exit_of_fail(e), NULL, NULL);
}

static int nothing(struct run *r, struct fail *f)
{
	(void)r;
	(void)f;
	return 0;
}

int party_init(struct party *p, const struct party_config *config)
{
	struct out *out = out_party(config->out, config->about->name);
	struct run_config c = {
		.g = &p->g,
		.out = out,
		.listens = true,
		.registers_later = true,
		.on_incoming = party_incoming,
		.start = nothing,
		.exit_of = exit_of_call,
		.arg = p,
	};
	struct fail f = { 0 };
	int e, code;

	*p = (struct party){
		.about = config->about, .on_news = config->on_news, .arg = config->arg
	};
	list_init(&p->legs);
	list_init(&p->watches);
	list_init(&p->heard);
	inherit(p, config->g);
	if ((e = settings(p, config->scenario, &f)) != 0)
		return refuse(p, out, e, &f);
	c.methods = answer_methods(&p->answer_options);
	if ((code = run_init(&p->run, &c)) != OPT_GO_ON)
		return code;
	if ((e = call_all_init(&p->calls, &p->run, &p->call_options, &f)) != 0) {
		char text[OPT_BAD_TEXT];

		out_error(out, exit_of_fail(e), opt_bad_text(&p->g, &f, text), NULL);
		run_done(&p->run);
		return exit_of_fail(e);
	}
	party_calls_init(p);
	if (p->run.manager)
		run_announce_listening(&p->run);
	return OPT_GO_ON;
}

void party_stop(struct party *p)
{
	p->run.stopping = true;
	answer_stop(&p->answers);
	LIST_EACH (it, &p->watches) {
		struct watch *w = CONTAINER_OF(it, struct watch, node);
		if (w->subscription)
			subscription_stop(w->subscription);
	}
	request_free(p->request);
	p->request = NULL;
	if (p->publication)
		publication_stop(p->publication);
}

bool party_leaves(struct party *p)
{
	LIST_EACH (it, &p->watches)
		if (CONTAINER_OF(it, struct watch, node)->subscription)
			return true;
	if (call_all_count(&p->calls) > 0 || p->publication)
		return true;
	if (p->registration) { /* without a binding nothing of the above could end */
		registration_stop(p->registration);
		return true;
	}
	return p->run.manager && endpoint_manager_unacked(p->run.manager) > 0;
}

void party_done(struct party *p)
{
	LIST_EACH (it, &p->watches) {
		struct watch *w = CONTAINER_OF(it, struct watch, node);
		subscription_free(w->subscription);
		list_del(it);
		mem_free(w);
	}
	LIST_EACH (it, &p->heard) {
		list_del(it);
		mem_free(CONTAINER_OF(it, struct heard, node));
	}
	request_free(p->request);
	publication_free(p->publication);
	registration_free(p->registration);
	party_calls_done(p);
	if (p->run.out)
		run_done(&p->run);
	groups_done(&p->g);
}

/* ---- where it is ---- */

/* The user part of its AOR, else its name. */
static struct str user(const struct party *p)
{
	struct str scheme, rest, name, host;

	if (str_cut(str_of(p->run.aor), ':', &scheme, &rest) && str_cut(rest, '@', &name, &host))
		return name;
	return str_of(p->about->name);
}

static bool fits(const struct endpoint_hop *hop, const struct run *from)
{
	static const char *const names[] = {
		[NET_UDP] = "udp", [NET_TCP] = "tcp", [NET_TLS] = "tls"
	};

	return from->transport < 0 || strcmp(hop->transport, names[from->transport]) == 0;
}

/* At the first listener that `from` can reach. */
static int uri_of_listener(
	const struct party *p, const struct party *from, struct buf *b, struct fail *f)
{
	struct endpoint_hop hop;
	char text[NET_ADDR_TEXT];

	for (unsigned i = 0; endpoint_manager_listener(p->run.manager, i, text, &hop); i++) {
		struct str name = user(p);
		bool v6 = memchr(hop.address.p, ':', hop.address.n) != NULL;

		if (!fits(&hop, &from->run))
			continue;
		buf_addf(b, "sip:" STR_FMT "@%s" STR_FMT "%s:%u", STR_ARG(name), v6 ? "[" : "",
			STR_ARG(hop.address), v6 ? "]" : "", hop.port);
		if (strcmp(hop.transport, "udp") != 0)
			buf_addf(b, ";transport=%s", hop.transport);
		return 0;
	}
	return fail_set(f, -FAIL_ARGUMENT, "[endpoint %s] does not listen on the transport of %s",
		p->about->name, from->about->name);
}

int party_uri(const struct party *p, const struct party *from, struct buf *b, struct fail *f)
{
	if (p->run.kind == ENDPOINT_PEER_TO_PEER)
		return uri_of_listener(p, from, b, f);
	buf_add_str(b, endpoint_uri(p->run.endpoint));
	return b->n ? 0 : fail_set(f, -FAIL_ARGUMENT, "[endpoint %s] has no aor", p->about->name);
}
