#include "run_setup.h"

#include "instance.h"
#include "run_register.h"
#include "secret.h"
#include "value.h"

#include <stdlib.h>
#include <string.h>

/* A peer in any form of cli.md section 6, as a SIP URI. */
static int uri(
	struct run *r, const char *option, const char *text, const char **out, struct fail *f)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(65536);
	struct fail why = { 0 };

	if (endpoint_target_parse(str_of(text), STR_EMPTY, &b, &why) != 0)
		return fail_set(f, -FAIL_ARGUMENT, "%s: %s", option, fail_show(&why));
	*out = arena_str(&r->g->arena, buf_str(&b)).p;
	return 0;
}

/* The same for each of a list. */
static int uris(struct run *r, const char *option, const struct values *list,
	const struct str **out, struct fail *f)
{
	struct str *copy = arena_zalloc(&r->g->arena, (list->n + 1) * sizeof(*copy));
	const char *one = NULL;

	for (unsigned i = 0; i < list->n; i++) {
		int e = uri(r, option, list->v[i], &one, f);
		if (e)
			return e;
		copy[i] = str_of(one);
	}
	*out = copy;
	return 0;
}

static int identity(struct run *r, struct run_setup *s, struct fail *f)
{
	const struct groups *g = r->g;
	struct endpoint_config *c = &s->endpoint;
	const char *aor = r->config.aor ? r->config.aor : g->aor, *epid = NULL;
	int e;

	r->aor = "";
	if (aor && (e = uri(r, r->config.aor ? r->cmd->arguments : "--aor", aor, &r->aor, f)) != 0)
		return e;
	if ((e = value_clean("--from", g->from, f)) != 0 ||
		(e = value_clean("--display-name", g->display_name, f)) != 0 ||
		(e = value_clean("--user-agent", g->user_agent, f)) != 0)
		return e;
	if (g->epid && (e = instance_epid(g->epid, r->aor, &r->g->arena, &epid, f)) != 0)
		return e;
	c->aor = str_of(r->aor);
	c->from = str_of(g->from);
	c->display_name = str_of(g->display_name);
	c->user_agent = str_of(g->user_agent);
	c->epid = str_of(epid);
	c->instance = str_of(r->config.instance);
	c->any_to = g->any_to;
	c->methods = str_of(r->config.methods);
	return 0;
}

/* One whole URI in place of our Contact, or parameters behind it. */
static int contact(struct run *r, struct run_setup *s, struct fail *f)
{
	const struct values *list = &r->g->contact;
	const char *text = NULL;
	int e;

	for (unsigned i = 0; i < list->n; i++) {
		bool params = list->v[i][0] == ';';
		if ((e = value_clean("--contact", list->v[i], f)) != 0)
			return e;
		if (!params && r->config.binds_contacts)
			continue;
		if (text)
			return fail_set(f, -FAIL_ARGUMENT, "--contact: only one here");
		text = list->v[i];
		if (!params && (e = uri(r, "--contact", text, &text, f)) != 0)
			return e;
	}
	s->endpoint.contact = str_of(text);
	return 0;
}

static bool is_environment(const char *name, const char *value)
{
	const char *there = getenv(name);

	return there && strcmp(there, value) == 0;
}

/* Ruling 11: the one RTE_SERVER inside of `rte serve --` is that of UDP and TCP; TLS has a port of
 * its own. */
static struct values home_servers(struct run *r)
{
	const struct opt_origin *o = opt_origin(r->g, "server");
	const char *address = getenv("RTE_SERVE_TLS");
	bool tls = str_istarts(str_of(r->aor), STR("sips:")) || r->transport == NET_TLS ||
		   (r->dialect == ENDPOINT_OCS && r->transport < 0);
	struct values one = { arena_zalloc(&r->g->arena, 2 * sizeof(char *)), 1 };

	if (!tls || !address || !o || o->layer != OPT_ENVIRONMENT || r->g->server.n != 1 ||
		(!is_environment("RTE_SERVE_UDP", r->g->server.v[0]) &&
			!is_environment("RTE_SERVE_TCP", r->g->server.v[0])))
		return r->g->server;
	one.v[0] = address;
	return one;
}

static int route(struct run *r, struct run_setup *s, struct fail *f)
{
	const struct groups *g = r->g;
	const struct values servers = home_servers(r);
	struct endpoint_config *c = &s->endpoint;
	const char *proxy = NULL;
	int e;

	if ((e = uris(r, "--server", &servers, &c->servers, f)) != 0 ||
		(e = uris(r, "--route", &g->route, &c->routes, f)) != 0)
		return e;
	if (g->proxy && (e = uri(r, "--proxy", g->proxy, &proxy, f)) != 0)
		return e;
	if (r->kind == ENDPOINT_SERVER_BASED)
		c->server_count = g->server.n;
	else
		c->proxy = str_of(proxy);
	c->route_count = g->route.n;
	c->connect = str_of(g->connect);
	c->transport = r->transport;
	if (r->dialect == ENDPOINT_OCS && r->transport == NET_UDP)
		return fail_set(f, -FAIL_ARGUMENT, "--dialect: ocs goes over tcp or tls");
	c->udp_only = r->transport == NET_UDP && opt_on_line(g, "transport");
	c->family = r->family;
	return 0;
}

/* Schemes that make a security association want a connection (RFC 3261 17.1.2.2: UDP repeats what
 * may be said but once): TCP where the user leaves it open. */
static int auth_transport(struct run *r, struct run_setup *s, struct fail *f)
{
	const struct auth_config *a = &s->endpoint.auth;

	if (!auth_names_signing(a))
		return 0;
	if (r->transport == NET_UDP && opt_on_line(r->g, "transport"))
		return fail_set(
			f, -FAIL_ARGUMENT, "--auth: ntlm and kerberos need --transport=tcp or tls");
	if (s->endpoint.transport < 0 && s->endpoint.dialect != ENDPOINT_OCS &&
		!str_istarts(str_of(r->aor), STR("sips:")))
		s->endpoint.transport = NET_TCP;
	return 0;
}

static bool lists(const struct auth_config *a, enum auth_scheme_id id)
{
	for (unsigned i = 0; i < a->scheme_count; i++) {
		if (a->schemes[i] == id)
			return true;
	}
	return false;
}

static int auth(struct run *r, struct run_setup *s, struct fail *f)
{
	/* in the order of ids */
	static const char schemes[] = "digest|ntlm|kerberos|none|ntlmv1";
	static const enum auth_scheme_id ids[] = { AUTH_DIGEST, AUTH_NTLM, AUTH_KERBEROS, AUTH_NONE,
		AUTH_NTLM };
	static const char digests[] = "sha-512-256|sha-256|md5";
	static const enum hash_kind hashes[] = { HASH_SHA512_256, HASH_SHA256, HASH_MD5 };
	const struct groups *g = r->g;
	struct auth_config *a = &s->endpoint.auth;
	struct value_list list, digest;
	bool none = false;
	int e;

	if ((e = value_words("--auth", g->auth, schemes, &list, f)) != 0 ||
		(e = value_words("--digest", g->digest, digests, &digest, f)) != 0 ||
		(e = value_clean("--user", g->user, f)) != 0 ||
		(e = value_clean("--realm", g->realm, f)) != 0)
		return e;
	if (r->kind == ENDPOINT_PEER_TO_PEER)
		return 0;
	if (g->password && (e = secret_check("--password", g->password, f)) != 0)
		return e;
	for (unsigned i = 0; i < list.n; i++) {
		enum auth_scheme_id id = ids[list.v[i]];
		none = none || id == AUTH_NONE;
		a->ntlm_v1 = a->ntlm_v1 || list.v[i] == 4;
		if (!auth_scheme_built(id))
			return fail_set(f, -FAIL_NOT_BUILT, "--auth: %s is not in this build",
				id == AUTH_NTLM ? "ntlm" : "kerberos");
		if (!lists(a, id))
			a->schemes[a->scheme_count++] = id;
	}
	if ((e = auth_transport(r, s, f)) != 0)
		return e;
	r->must_challenge = list.n > 0 && !none;
	for (unsigned i = 0; i < digest.n; i++)
		a->digest |= 1U << hashes[digest.v[i]];
	a->user = str_of(g->user);
	a->realm = str_of(g->realm);
	a->preauth = g->preauth;
	a->unsigned_too = g->accept_unsigned;
	return 0;
}

/* SE-11: what the home servers of dialect ocs take at once. */
enum { OCS_OUTSTANDING = 20 };

static int limits(struct run *r, struct run_setup *s, struct fail *f)
{
	const struct groups *g = r->g;
	uint32_t forwards, outstanding;
	int e, drop = 0;

	if ((e = value_word("--on-drop", g->on_drop, "refresh|unregister", &drop, f)) != 0 ||
		(e = value_number("--max-forwards", g->max_forwards,
			 (struct value_range){ 0, 255, 70 }, &forwards, f)) != 0 ||
		(e = value_number("--max-outstanding", g->max_outstanding,
			 (struct value_range){
				 1, 100000, r->dialect == ENDPOINT_OCS ? OCS_OUTSTANDING : 0 },
			 &outstanding, f)) != 0 ||
		(e = value_mime("--type", g->type, f)) != 0)
		return e;
	s->endpoint.on_drop = drop ? ENDPOINT_DROP_UNREGISTER : ENDPOINT_DROP_REFRESH;
	s->endpoint.max_outstanding = outstanding;
	s->endpoint.max_forwards = forwards;
	s->endpoint.compact = g->compact;
	r->max_forwards = g->max_forwards ? (int)forwards : -1;
	return 0;
}

int run_setup(struct run *r, struct run_setup *s, struct fail *f)
{
	int color, e;

	if ((e = value_word("--color", r->g->color, "auto|always|never", &color, f)) != 0)
		return e;
	if (r->g->pcap_secrets && !r->g->pcap)
		return fail_set(f, -FAIL_ARGUMENT, "--pcap-secrets without --pcap");
	if (r->cmd->kind == CMD_NONE)
		return run_setup_net(r, s, f);
	if ((e = run_setup_kind(r, s, f)) != 0 || (e = run_setup_net(r, s, f)) != 0 ||
		(e = identity(r, s, f)) != 0 || (e = run_register_setup(r, f)) != 0 ||
		(e = contact(r, s, f)) != 0 || (e = route(r, s, f)) != 0 ||
		(e = auth(r, s, f)) != 0 || (e = limits(r, s, f)) != 0)
		return e;
	return run_setup_headers(r, s, f);
}
