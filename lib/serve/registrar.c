/* lib/serve/registrar.c -- the registrar: RFC 3261 section 10.3, Path (RFC 3327), Service-Route
 * (RFC 3608), outbound (RFC 5626), GRUU (RFC 5627) */
#include "serve/impl.h"
#include "serve/ocs.h"

#include "base/mem.h"
#include "base/text.h"
#include "sip/build.h"
#include "sip/delta.h"
#include "sip/param.h"

#include <string.h>

/* ---- the location table ---- */

struct record *registrar_record(const struct serve *s, struct str key)
{
	struct map_node *node = map_get(&s->records, key);

	return node ? CONTAINER_OF(node, struct record, node) : NULL;
}

static struct record *record_of(struct serve *s, struct str key)
{
	struct record *r = registrar_record(s, key);
	struct buf aor = BUF_INIT(1 << 12);

	if (r)
		return r;
	r = MEM_NEW(struct record);
	list_init(&r->bindings);
	r->key = (struct str){ mem_strndup(key.p, key.n), key.n };
	buf_add_str(&aor, STR("sip:"));
	sip_uri_write_user(&aor, key);
	buf_addf(&aor, "@" STR_FMT, STR_ARG(s->config.domain));
	r->aor = mem_strndup(aor.p, aor.n);
	buf_done(&aor);
	map_set(&s->records, &r->node, r->key);
	return r;
}

static void tell(struct binding *b, const char *cause)
{
	uint64_t now = net_now_ms();
	const struct serve_binding e = {
		.aor = str_of(b->record->aor),
		.contact = str_of(b->contact),
		.user_agent = str_of(b->user_agent),
		.cause = cause,
		.expires = b->expires_at > now ? (uint32_t)((b->expires_at - now + 500) / 1000) : 0,
	};

	serve_tell(b->serve, &(struct serve_event){ .type = SERVE_BINDING, .binding = &e });
	events_binding(b->serve, b, cause, b->expires_at == 0);
}

static void free_binding(struct binding *b)
{
	ev_timer_stop(endpoint_loop(), &b->expiry);
	list_del(&b->node);
	b->record->count--;
	mem_free(b->contact);
	mem_free(b->instance);
	mem_free(b->epid);
	mem_free(b->from_tag);
	mem_free(b->to_tag);
	mem_free(b->call_id);
	mem_free(b->path);
	mem_free(b->user_agent);
	mem_free(b);
}

static void drop_empty(struct serve *s, struct record *r)
{
	if (!list_empty(&r->bindings))
		return;
	map_del(&s->records, &r->node);
	mem_free((char *)(uintptr_t)r->key.p);
	mem_free(r->aor);
	mem_free(r);
}

void registrar_remove(struct binding *b, const char *cause)
{
	struct serve *s = b->serve;
	struct record *r = b->record;

	b->expires_at = 0; /* it is gone */
	tell(b, cause);
	free_binding(b);
	drop_empty(s, r);
}

static void on_expiry(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct binding *b = CONTAINER_OF(w, struct binding, expiry);

	(void)loop;
	(void)revents;
	if (net_now_ms() >= b->expires_at)
		registrar_remove(b, "expired");
	else
		net_timer_set(endpoint_loop(), &b->expiry, b->expires_at);
}

void registrar_done(struct serve *s)
{
	struct map_node *node;

	while ((node = map_any(&s->records)) != NULL) {
		struct record *r = CONTAINER_OF(node, struct record, node);

		LIST_EACH (it, &r->bindings)
			free_binding(CONTAINER_OF(it, struct binding, node));
		drop_empty(s, r);
	}
	map_done(&s->records);
}

/* Calls fn for every binding; it may remove the one it is given, and with it the record. */
static struct binding *find(const struct serve *s,
	bool (*is)(const struct binding *b, const void *arg), const void *arg)
{
	struct map_iter it = map_iter(&s->records);
	struct map_node *node;

	while ((node = map_next(&it)) != NULL)
		LIST_EACH (b, &CONTAINER_OF(node, struct record, node)->bindings)
			if (is(CONTAINER_OF(b, struct binding, node), arg))
				return CONTAINER_OF(b, struct binding, node);
	return NULL;
}

static bool has_contact(const struct binding *b, const void *arg)
{
	struct sip_uri u;

	return sip_uri_parse(str_of(b->contact), &u) && sip_uri_equal(&u, arg);
}

struct binding *registrar_by_contact(const struct serve *s, const struct sip_uri *u)
{
	return find(s, has_contact, u);
}

static bool has_temp_gruu(const struct binding *b, const void *arg)
{
	return b->temp_gruu[0] && str_eq(str_of(b->temp_gruu), *(const struct str *)arg);
}

struct binding *registrar_by_temp_gruu(const struct serve *s, struct str user)
{
	return find(s, has_temp_gruu, &user);
}

static void forget_flow(struct record *r, unsigned flow_id)
{
	LIST_EACH (it, &r->bindings) {
		struct binding *b = CONTAINER_OF(it, struct binding, node);

		if (b->transport == NET_UDP || b->flow_id != flow_id)
			continue;
		b->expires_at = 0;
		tell(b, "deactivated");
		free_binding(b);
	}
}

/* In one walk: thousands of users may come over one connection. */
void registrar_flow_closed(struct serve *s, unsigned flow_id)
{
	struct map_iter it = map_iter(&s->records);
	struct map_node *node;

	while ((node = map_next(&it)) != NULL) {
		struct record *r = CONTAINER_OF(node, struct record, node);

		forget_flow(r, flow_id);
		drop_empty(s, r);
	}
}

struct binding *registrar_choose(struct record *r, struct str instance, uint64_t older_than)
{
	struct binding *best = NULL;

	/* The newest of the highest q: RFC 3261 16.6 item 1 leaves the order of equals to us. With
	 * `older_than`, the next older one of the same instance (RFC 5626 5.3: the next flow when
	 * one has failed). */
	for (struct list *it = r->bindings.prev; it != &r->bindings; it = it->prev) {
		struct binding *b = CONTAINER_OF(it, struct binding, node);

		if (older_than && b->serial >= older_than)
			continue;
		if (instance.n > 0 && !str_ieq(instance, str_of(b->instance)))
			continue;
		if (!best || (!older_than && b->q > best->q))
			best = b;
	}
	return best;
}

/* ---- REGISTER ---- */

struct registering {
	struct serve *serve;
	struct transaction *t;
	struct sip_msg *m;
	struct net_flow *flow;
	struct record *record;
	uint64_t now;
	uint32_t cseq, dflt; /* dflt: of the Expires header, or ours */
	bool outbound, gruu, ms_gruu;
	struct str epid; /* of From */
	const char *action; /* dialect ocs: what became of the endpoint's binding */
};

static void put(char **field, struct str s)
{
	mem_free(*field);
	*field = mem_strndup(s.p ? s.p : "", s.n);
}

static struct str instance_of(const struct sip_nameaddr *a)
{
	struct str v;

	return sip_param(a->params, "+sip.instance", &v) ? v : STR_EMPTY;
}

static unsigned reg_id_of(const struct sip_nameaddr *a)
{
	struct str v;
	uint32_t n = 0;

	return sip_param(a->params, "reg-id", &v) && str_u32(v, &n) ? n : 0;
}

/* 10.3 step 6 and 7: explicit expires, else the header, else the default; cut to what we allow. */
static uint32_t expires_of(const struct registering *g, const struct sip_nameaddr *a)
{
	uint32_t n = g->dflt;
	struct str v;

	if (sip_param(a->params, "expires", &v) && !sip_delta_parse(v, &n))
		n = 3600; /* 20.19: "malformed values SHOULD be treated as 3600" */
	return n < g->serve->config.max_expires ? n : g->serve->config.max_expires;
}

static bool is_ocs(const struct registering *g)
{
	return g->serve->config.ocs && g->epid.n > 0;
}

/* RFC 5626 6: a binding with reg-id is (AOR, instance, reg-id); any other is its URI. */
static struct binding *match(const struct registering *g, const struct sip_nameaddr *a)
{
	struct sip_uri u;
	struct str instance = instance_of(a);
	unsigned reg_id = g->outbound ? reg_id_of(a) : 0;

	LIST_EACH (it, &g->record->bindings) {
		struct binding *b = CONTAINER_OF(it, struct binding, node);

		if (is_ocs(g)) { /* an endpoint has one binding */
			if (str_ieq(g->epid, str_of(b->epid)))
				return b;
			continue;
		}

		if (reg_id > 0 && b->reg_id > 0 && instance.n > 0) {
			if (b->reg_id == reg_id && str_ieq(instance, str_of(b->instance)))
				return b;
		} else if (sip_uri_parse(str_of(b->contact), &u) && sip_uri_equal(&u, &a->uri)) {
			return b;
		}
	}
	return NULL;
}

static void put_path(struct registering *g, struct binding *b)
{
	struct sip_list l = sip_msg_list(g->m, SIP_HDR_PATH);
	struct buf path = BUF_INIT(1 << 16);
	struct sip_nameaddr a;

	while (sip_list_nameaddr(&l, &a))
		buf_addf(&path, "%s" STR_FMT, path.n ? ", " : "", STR_ARG(a.text));
	put(&b->path, buf_str(&path));
	buf_done(&path);
}

static void put_contact(struct registering *g, struct binding *b, const struct sip_nameaddr *a)
{
	struct buf contact = BUF_INIT(1 << 16), instance = BUF_INIT(1 << 16);

	if (is_ocs(g)) {
		ocs_write_contact(a, g->flow, &contact);
		ocs_write_instance(a, g->epid, &instance);
		g->action = !b->contact                                     ? "added"
			    : str_eq(str_of(b->contact), buf_str(&contact)) ? "refreshed"
									    : "fixed";
	} else {
		buf_add_str(&contact, a->uri.text);
		buf_add_str(&instance, instance_of(a));
	}
	put(&b->contact, buf_str(&contact));
	put(&b->instance, buf_str(&instance));
	buf_done(&contact);
	buf_done(&instance);
}

static void add_binding(struct registering *g, const struct sip_nameaddr *a, uint32_t expires)
{
	struct binding *b = match(g, a);
	const struct net_flow_info *i = net_flow_info(g->flow);
	const char *cause = b ? "refreshed" : "created";
	struct str v;

	if (!b) {
		b = MEM_NEW(struct binding);
		b->serve = g->serve;
		b->record = g->record;
		list_init(&b->node);
		ev_init(&b->expiry, on_expiry);
		g->record->count++;
	}
	list_del(&b->node); /* the newest is the last */
	list_add(&g->record->bindings, &b->node);
	put_contact(g, b, a);
	put(&b->epid, g->epid);
	put(&b->from_tag, sip_msg_from_tag(g->m));
	put(&b->to_tag, transaction_tag(g->t));
	put(&b->call_id, sip_msg_call_id(g->m));
	put(&b->user_agent, sip_msg_value(g->m, SIP_HDR_USER_AGENT));
	put_path(g, b);
	b->cseq = g->cseq;
	b->serial = ++g->serve->last_serial;
	b->reg_id = g->outbound ? reg_id_of(a) : 0;
	b->q = 1000;
	if (sip_param(a->params, "q", &v))
		sip_qvalue_parse(v, &b->q);
	b->flow_id = i->id;
	b->source = i->remote;
	b->transport = i->transport;
	if (b->instance[0] &&
		g->gruu) /* RFC 5627 5.1: a new temporary GRUU with every registration */
		text_token(b->temp_gruu, 20);
	b->expires_at = g->now + (uint64_t)expires * 1000;
	net_timer_set(endpoint_loop(), &b->expiry, b->expires_at);
	tell(b, cause);
}

/* Step 7: an older CSeq of the same Call-ID is a request that came late. */
static bool is_late(const struct registering *g, const struct binding *b)
{
	return str_eq(str_of(b->call_id), sip_msg_call_id(g->m)) && g->cseq <= b->cseq;
}

/* Step 6: "*" stands alone and goes with Expires: 0 only. */
static unsigned judge_star(const struct registering *g)
{
	const struct sip_hdr *first = sip_msg_hdr(g->m, SIP_HDR_CONTACT);

	if (sip_msg_hdr_next(g->m, first) || sip_msg_value(g->m, SIP_HDR_EXPIRES).n == 0 ||
		g->dflt != 0)
		return 400;
	LIST_EACH (it, &g->record->bindings)
		if (is_late(g, CONTAINER_OF(it, struct binding, node)))
			return 500;
	return 0;
}

/* Looks at every Contact before anything changes: 10.3 wants all or nothing. Gives the status to
 * refuse with, or 0. */
static unsigned judge(struct registering *g)
{
	struct sip_list l = sip_msg_list(g->m, SIP_HDR_CONTACT);
	struct sip_nameaddr a;
	struct str rest = sip_msg_value(g->m, SIP_HDR_CONTACT);
	unsigned count = 0, adding = 0;
	bool star = str_eq(rest, STR("*"));

	if (star)
		return judge_star(g);
	while (sip_list_nameaddr(&l, &a)) {
		uint32_t expires = expires_of(g, &a);
		struct binding *b = match(g, &a);

		if (a.star || a.uri.scheme == SIP_URI_OTHER ||
			(is_ocs(g) && ocs_is_foreign(&a, g->epid)))
			return 400;
		if (expires > 0 && expires < g->serve->config.min_expires && expires < 3600)
			return 423; /* step 7 */
		if (b && is_late(g, b))
			return 500;
		count++;
		adding += expires > 0 && !b;
	}
	if (l.bad)
		return 400;
	if (g->record->count + adding > SERVE_BINDINGS || count > SERVE_BINDINGS)
		return 403;
	return 0;
}

static void change(struct registering *g)
{
	struct sip_list l = sip_msg_list(g->m, SIP_HDR_CONTACT);
	struct sip_nameaddr a;

	if (str_eq(sip_msg_value(g->m, SIP_HDR_CONTACT), STR("*"))) {
		LIST_EACH (it, &g->record->bindings) {
			struct binding *b = CONTAINER_OF(it, struct binding, node);

			b->expires_at = 0;
			tell(b, "unregistered");
			free_binding(b);
		}
		return;
	}
	while (sip_list_nameaddr(&l, &a)) {
		uint32_t expires = expires_of(g, &a);
		struct binding *b = match(g, &a);

		if (expires > 0) {
			add_binding(g, &a, expires);
		} else if (b) {
			b->expires_at = 0;
			tell(b, "unregistered");
			free_binding(b);
		}
	}
}

/* Step 8: every current binding, with what is left of its time. */
static void write_bindings(struct registering *g, struct buf *out)
{
	const struct str domain = g->serve->config.domain;

	LIST_EACH (it, &g->record->bindings) {
		const struct binding *b = CONTAINER_OF(it, struct binding, node);
		struct buf gruu = BUF_INIT(1 << 16);

		buf_addf(out, "Contact: <%s>;expires=%u", b->contact,
			(unsigned)((b->expires_at - g->now + 999) / 1000));
		if (b->q < 1000)
			buf_addf(out, ";q=0.%03u", b->q);
		if (b->instance[0])
			buf_addf(out, ";+sip.instance=\"%s\"", b->instance);
		if (b->reg_id)
			buf_addf(out, ";reg-id=%u", b->reg_id);
		if (g->ms_gruu && ocs_write_gruu(b, &gruu))
			buf_addf(out, ";gruu=\"" STR_FMT "\"", STR_ARG(buf_str(&gruu)));
		buf_done(&gruu);
		if (g->gruu && b->instance[0]) {
			size_t n = strlen(b->instance);
			bool brackets = n > 2 && b->instance[0] == '<';

			buf_addf(out, ";pub-gruu=\"%s;gr=%.*s\"", g->record->aor,
				(int)(n - (brackets ? 2 : 0)), b->instance + (brackets ? 1 : 0));
			buf_addf(out, ";temp-gruu=\"sip:%s@" STR_FMT ";gr\"", b->temp_gruu,
				STR_ARG(domain));
		}
		buf_add_str(out, STR("\r\n"));
	}
}

/* What the endpoint that asks has now. */
static uint32_t longest(const struct registering *g)
{
	uint64_t until = g->now;

	LIST_EACH (it, &g->record->bindings) {
		const struct binding *b = CONTAINER_OF(it, struct binding, node);

		if (str_eq(str_of(b->epid), g->epid) && b->expires_at > until)
			until = b->expires_at;
	}
	return (uint32_t)((until - g->now) / 1000);
}

static void apply(struct registering *g)
{
	struct buf h = BUF_INIT(1 << 18);
	struct sip_list path = sip_msg_list(g->m, SIP_HDR_PATH);
	struct sip_nameaddr a;

	change(g);
	write_bindings(g, &h);
	while (sip_list_nameaddr(&path, &a)) /* RFC 3327 5.3: the Path goes back */
		buf_addf(&h, "Path: " STR_FMT "\r\n", STR_ARG(a.text));
	if (g->serve->config.service_route.n > 0)
		buf_addf(&h, "Service-Route: <" STR_FMT ">\r\n",
			STR_ARG(g->serve->config.service_route));
	if (g->outbound) /* RFC 5626 6: what was applied must be required */
		buf_add_str(&h, STR("Require: outbound\r\nFlow-Timer: 120\r\n"));
	pact_registered(g->serve, g->m, longest(g));
	if (g->serve->config.ocs)
		ocs_write_registered(&(struct ocs_registered){ g->m, g->action, longest(g) }, &h);
	serve_answer(g->serve, g->t, 200, STR_EMPTY, buf_str(&h));
	buf_done(&h);
	drop_empty(g->serve, g->record);
}

static void refuse(struct registering *g, unsigned status)
{
	struct buf h = BUF_INIT(1 << 10);

	if (status == 423) /* 10.3 step 7 */
		buf_addf(&h, "Min-Expires: %u\r\n", g->serve->config.min_expires);
	drop_empty(g->serve, g->record);
	serve_answer(g->serve, g->t, status, status == 403 ? STR("Too many bindings") : STR_EMPTY,
		buf_str(&h));
	buf_done(&h);
}

static bool wants_outbound(const struct sip_msg *m)
{
	struct sip_list l = sip_msg_list(m, SIP_HDR_CONTACT);
	struct sip_nameaddr a;

	if (!sip_msg_has_token(m, SIP_HDR_SUPPORTED, "outbound"))
		return false;
	while (sip_list_nameaddr(&l, &a))
		if (reg_id_of(&a) > 0 && instance_of(&a).n > 0)
			return true;
	return false;
}

/* The home server of this user is another one. */
static void redirect(const struct registering *g, struct str home)
{
	struct buf h = BUF_INIT(1 << 16);

	buf_addf(&h, "Contact: <" STR_FMT ">\r\n", STR_ARG(home));
	serve_answer(g->serve, g->t, 301, STR_EMPTY, buf_str(&h));
	buf_done(&h);
}

/* Who may register this address: its own user, once there are users. 404 for an address that is
 * nobody's (10.3 step 5). */
static bool admitted(const struct registering *g, struct str key, struct arena *arena)
{
	struct serve *s = g->serve;
	struct transaction *t = g->t;
	struct str user, home;

	if (route_home(s, key, &home)) {
		redirect(g, home);
		return false;
	}
	if (s->config.challenge && !route_trusts(s, g->flow)) {
		if (!challenge_passed(s, t, g->m, false, &user, arena))
			return false;
		if (!str_eq(user, key)) {
			serve_answer(s, t, 403, STR("Not your address"), STR_EMPTY); /* step 4 */
			return false;
		}
	}
	if (s->users.count > 0 && !serve_user(s, key)) {
		serve_answer(s, t, 404, STR_EMPTY, STR_EMPTY);
		return false;
	}
	return true;
}

void registrar_request(
	struct serve *s, struct transaction *t, struct sip_msg *m, struct net_flow *flow)
{
	struct registering g = {
		.serve = s, .t = t, .m = m, .flow = flow, .now = net_now_ms(), .dflt = 3600
	};
	struct arena arena = { 0 };
	struct buf key = BUF_INIT(1 << 12);
	struct sip_nameaddr to, from;
	struct sip_cseq cseq;
	unsigned status;

	if (!sip_msg_to(m, &to) || !sip_msg_cseq(m, &cseq) || to.uri.scheme > SIP_URI_SIPS ||
		!serve_is_self(s, &to.uri)) {
		serve_answer(s, t, 404, STR_EMPTY, STR_EMPTY);
		return;
	}
	serve_user_key(&to.uri, &key);
	if (admitted(&g, buf_str(&key), &arena)) {
		g.cseq = cseq.number;
		if (s->config.ocs) /* what is not asked for is as long as may be */
			g.dflt = s->config.max_expires;
		if (sip_msg_hdr(m, SIP_HDR_EXPIRES) &&
			!sip_msg_seconds(m, SIP_HDR_EXPIRES, &g.dflt))
			g.dflt = 3600;
		if (!sip_msg_from(m, &from) || !sip_param(from.params, "epid", &g.epid))
			g.epid = STR_EMPTY;
		g.outbound = wants_outbound(m);
		g.gruu = sip_msg_has_token(m, SIP_HDR_SUPPORTED, "gruu");
		g.ms_gruu = s->config.ocs && sip_msg_has_token(m, SIP_HDR_SUPPORTED, "gruu-10");
		g.record = record_of(s, buf_str(&key));
		status = judge(&g);
		if (status == 0)
			apply(&g);
		else
			refuse(&g, status);
	}
	buf_done(&key);
	arena_done(&arena);
}
