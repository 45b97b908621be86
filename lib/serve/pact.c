/* lib/serve/pact.c -- which association a message belongs to; what is signed, checked, discarded,
 * and when an association ends. [MS-SIPAE] 3.3.5, microsoft-auth.md 1.6 to 1.9 */
#include "serve/challenge_ms.h"

#include "auth/kerberos.h"
#include "auth/ntlm.h"
#include "base/mem.h"
#include "base/text.h"
#include "sip/build.h"
#include "sip/param.h"

#include <string.h>

enum {
	IDLE_MS = 900000, /* until it is registered */
	IDLE_MORE_MS = 30000, /* beyond the registration */
	PACTS = 100000, /* then the oldest is forgotten */
};

/* ---- endpoint ids ---- */

struct str pact_epid(const struct sip_nameaddr *a)
{
	struct str epid;

	return sip_param(a->params, "epid", &epid) ? epid : STR_EMPTY;
}

bool pact_id(const struct serve *s, const struct sip_nameaddr *a, struct buf *out)
{
	struct str epid = pact_epid(a);

	if (epid.n == 0 || a->uri.scheme > SIP_URI_SIPS || !a->uri.has_user ||
		!serve_is_self(s, &a->uri))
		return false;
	serve_user_key(&a->uri, out);
	buf_add_char(out, '\n'); /* which no epid holds */
	buf_add_str(out, epid);
	return out->fail == 0;
}

/* ---- life ---- */

struct pact *pact_new(struct serve *s, const struct pact_config *c)
{
	struct pact *p = MEM_NEW(struct pact);
	size_t lf = c->id.n;
	uint64_t life =
		c->life_ms < s->config.association_ms ? c->life_ms : s->config.association_ms;

	list_init(&p->node);
	p->serve = s;
	p->id = (struct str){ mem_strndup(c->id.p, c->id.n), c->id.n };
	while (lf > 0 && p->id.p[lf - 1] != '\n')
		lf--;
	p->user = str_sub(p->id, 0, lf ? lf - 1 : 0);
	memcpy(p->opaque, c->opaque, sizeof(p->opaque));
	p->idle_ms = IDLE_MS;
	p->association = association_new(&(struct association_config){
		.mechanism = c->mechanism,
		.context = c->context,
		.server = true,
		.realm = s->ms_realm,
		.targetname = c->targetname,
		.opaque = str_of(p->opaque),
		.version = c->version,
		.ends_at = net_now_ms() + life,
	});
	return p;
}

void pact_free(struct pact *p)
{
	struct pacts *pacts;

	if (!p)
		return;
	pacts = p->serve->pacts;
	if (pacts->proved_by == p)
		pacts->proved_by = NULL;
	if (p->by_id.key.n > 0) {
		ev_timer_stop(endpoint_loop(), &p->end);
		list_del(&p->node);
		map_del(&pacts->by_id, &p->by_id);
		map_del(&pacts->by_opaque, &p->by_opaque);
	}
	association_unref(p->association);
	mem_free((char *)(uintptr_t)p->id.p);
	mem_free(p);
}

static uint64_t ends_at(const struct pact *p)
{
	uint64_t life = association_ends_at(p->association);

	return life < p->idle_at ? life : p->idle_at;
}

/* Silently: the endpoint learns of it from the 401 to what it signs next. */
static void on_end(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct pact *p = CONTAINER_OF(w, struct pact, end);

	(void)revents;
	if (net_now_ms() < ends_at(p))
		net_timer_set(loop, w, ends_at(p));
	else
		pact_free(p);
}

static void use(struct pact *p, const struct net_flow *flow)
{
	const struct net_flow_info *i = net_flow_info(flow);

	p->flow_id = i->id;
	p->remote = i->remote;
	p->transport = i->transport;
	p->idle_at = net_now_ms() + p->idle_ms;
}

static struct pact *by_id(const struct serve *s, struct str id)
{
	struct map_node *node = map_get(&s->pacts->by_id, id);

	return node ? CONTAINER_OF(node, struct pact, by_id) : NULL;
}

static struct pact *by_opaque(const struct serve *s, struct str opaque)
{
	struct map_node *node = map_get(&s->pacts->by_opaque, opaque);

	return node ? CONTAINER_OF(node, struct pact, by_opaque) : NULL;
}

void pact_opaque(const struct serve *s, char out[PACT_OPAQUE + 1])
{
	unsigned char bytes[PACT_OPAQUE / 2];

	do {
		text_random(bytes, sizeof(bytes));
		text_hex(out, bytes, sizeof(bytes));
	} while (by_opaque(s, str_of(out)));
}

static void set_proved(struct serve *s, struct sip_msg *m, struct pact *p)
{
	sip_msg_unref(s->pacts->proved);
	s->pacts->proved = m ? sip_msg_ref(m) : NULL;
	s->pacts->proved_by = p;
}

void pact_begin(struct pact *p, struct sip_msg *m, const struct net_flow *flow)
{
	struct pacts *pacts = p->serve->pacts;

	pact_free(by_id(p->serve, p->id));
	if (pacts->by_id.count >= PACTS)
		pact_free(CONTAINER_OF(list_first(&pacts->list), struct pact, node));
	list_add(&pacts->list, &p->node);
	map_set(&pacts->by_id, &p->by_id, p->id);
	map_set(&pacts->by_opaque, &p->by_opaque, str_of(p->opaque));
	use(p, flow);
	ev_init(&p->end, on_end);
	net_timer_set(endpoint_loop(), &p->end, ends_at(p));
	set_proved(p->serve, m, p);
}

void pact_registered(struct serve *s, const struct sip_msg *m, uint32_t expires)
{
	struct pact *p = s->pacts->proved == m ? s->pacts->proved_by : NULL;

	if (!p)
		return;
	p->idle_ms = expires ? expires * 1000ULL + IDLE_MORE_MS : IDLE_MS;
	p->idle_at = net_now_ms() + p->idle_ms;
	net_timer_set(endpoint_loop(), &p->end, ends_at(p));
}

unsigned pact_forget(struct serve *s, struct str user)
{
	unsigned count = 0;

	LIST_EACH (it, &s->pacts->list) {
		struct pact *p = CONTAINER_OF(it, struct pact, node);

		if (!str_eq(p->user, user))
			continue;
		pact_free(p);
		count++;
	}
	return count;
}

/* ---- whose is it? ---- */

/* A UDP flow that was closed comes back under another id. */
static bool is_at(const struct pact *p, const struct net_flow *flow)
{
	const struct net_flow_info *i = net_flow_info(flow);

	return p->flow_id == i->id || (p->transport == NET_UDP && i->transport == NET_UDP &&
					      net_addr_equal(&p->remote, &i->remote));
}

static struct pact *by_address(const struct serve *s, const struct sip_nameaddr *a)
{
	struct buf id = BUF_INIT(1 << 16);
	struct pact *p = pact_id(s, a, &id) ? by_id(s, buf_str(&id)) : NULL;

	buf_done(&id);
	return p;
}

static bool is_user(const struct serve *s, const struct pact *p, const struct sip_nameaddr *a)
{
	struct buf key = BUF_INIT(1 << 16);
	bool is;

	if (a->uri.scheme > SIP_URI_SIPS || !serve_is_self(s, &a->uri))
		return false;
	serve_user_key(&a->uri, &key);
	is = key.fail == 0 && str_eq(buf_str(&key), p->user);
	buf_done(&key);
	return is;
}

static bool has_contact(const struct serve *s, const struct pact *p, const struct sip_uri *uri)
{
	const struct binding *b = registrar_by_contact(s, uri);
	struct str epid = str_sub(p->id, p->user.n + 1, p->id.n);

	return b && str_eq(b->record->key, p->user) && str_eq(str_of(b->epid), epid);
}

/* How well does a request that goes over its flow fit this endpoint? Several may share one. */
static unsigned fit(const struct serve *s, const struct pact *p, const struct sip_msg *m)
{
	struct sip_nameaddr to;
	struct sip_uri uri;
	bool has_to = sip_msg_to(m, &to);

	if (has_to && by_address(s, &to) == p)
		return 4;
	if (sip_uri_parse(m->request_uri, &uri) && has_contact(s, p, &uri))
		return 3;
	return has_to && is_user(s, p, &to) ? 2 : 1;
}

/* Requests go to the endpoint of their flow, responses to who is in From: his epid comes back. */
static struct pact *receiver(
	const struct serve *s, const struct net_flow *flow, const struct sip_msg *m)
{
	struct pact *best = NULL;
	struct sip_nameaddr from;
	unsigned best_fit = 0, count = 0;

	if (!m->request) {
		best = sip_msg_from(m, &from) ? by_address(s, &from) : NULL;
		return best && is_at(best, flow) ? best : NULL;
	}
	LIST_EACH (it, &s->pacts->list) {
		struct pact *p = CONTAINER_OF(it, struct pact, node);
		unsigned n = is_at(p, flow) ? fit(s, p, m) : 0;

		count += n > 0;
		if (n > 0 && n >= best_fit) {
			best = p;
			best_fit = n;
		}
	}
	/* Who is nobody's name in the message is meant only when nobody else is there. */
	return best_fit > 1 || count == 1 ? best : NULL;
}

/* Who signed m with this proof. */
static struct pact *sender(const struct serve *s, const struct net_flow *flow,
	const struct sip_msg *m, const struct association_proof *proof)
{
	struct sip_nameaddr from;
	struct pact *p = NULL;

	/* 3.3.5.2: by endpoint id and opaque; responses have no id of their own in them. */
	if (m->request)
		p = sip_msg_from(m, &from) ? by_address(s, &from) : NULL;
	else if (proof->opaque.n > 0)
		p = by_opaque(s, proof->opaque);
	else
		LIST_EACH (it, &s->pacts->list)
			if (is_at(CONTAINER_OF(it, struct pact, node), flow))
				p = CONTAINER_OF(it, struct pact, node);
	return p && association_is_for(p->association, proof) ? p : NULL;
}

enum serve_scheme pact_scheme(const struct association_proof *p)
{
	return str_ieq(p->scheme, STR("NTLM")) ? SERVE_NTLM : SERVE_KERBEROS;
}

bool pact_proof(const struct serve *s, const struct sip_msg *m, struct arena *a,
	struct association_proof *p)
{
	static const enum sip_hdr_id ids[] = { SIP_HDR_AUTHORIZATION, SIP_HDR_PROXY_AUTHORIZATION };

	for (unsigned i = 0; i < ARRAY_LEN(ids); i++)
		for (const struct sip_hdr *h = sip_msg_hdr(m, ids[i]); h;
			h = sip_msg_hdr_next(m, h))
			if (association_proof_read(a, h->value, true, p) &&
				str_eq(p->realm, s->ms_realm) &&
				challenge_offers(s, pact_scheme(p)))
				return true;
	return false;
}

/* ---- what comes in ---- */

/* Does it come from an endpoint that signs all it sends? */
static bool is_bound(const struct serve *s, const struct net_flow *flow, const struct sip_msg *m)
{
	struct sip_nameaddr from;
	bool has_from = m->request && sip_msg_from(m, &from);

	if (has_from && by_address(s, &from))
		return true;
	LIST_EACH (it, &s->pacts->list) {
		const struct pact *p = CONTAINER_OF(it, struct pact, node);

		if (is_at(p, flow) && (!m->request || (has_from && is_user(s, p, &from))))
			return true;
	}
	return false;
}

static bool discard(
	struct serve *s, struct net_flow *flow, const struct sip_msg *m, const char *why)
{
	struct dispatch_text text;
	struct endpoint_msg description;

	s->pacts->discarded++;
	trace_note(s->config.trace, "discarded, %s: " STR_FMT, why,
		STR_ARG(m->request ? m->method_name : m->reason));
	dispatch_describe_msg(m, flow, &text, &description);
	serve_tell(s, &(struct serve_event){
			      .type = SERVE_DISCARDED, .msg = &description, .text = str_of(why) });
	return false;
}

unsigned serve_discarded(const struct serve *s)
{
	return s->pacts->discarded;
}

/* Is it from our domain, where everybody has to have an association? Digest signs no single
 * message: where it is offered, too, requests within dialogs are taken as ever. */
static bool is_of_bound(const struct serve *s, const struct sip_msg *m)
{
	struct sip_nameaddr from;

	return !challenge_offers(s, SERVE_DIGEST) && m->request && sip_msg_from(m, &from) &&
	       serve_is_self(s, &from.uri);
}

/* A CANCEL acts on an INVITE: who signed that one has to sign this one. */
static bool was_signed(const struct serve *s, const struct sip_msg *cancel)
{
	const struct sip_msg *invite = dispatch_known(s->manager, cancel, true);
	struct association_proof proof;
	struct arena arena = { 0 };
	bool is = invite && pact_proof(s, invite, &arena, &proof);

	arena_done(&arena);
	return is;
}

/* 3.3.5.1: ACK and CANCEL cannot be challenged, and are discarded; other requests are challenged
 * later (pact_admits). Of the responses an endpoint's own 100 is for one hop only. */
static bool take_unsigned(struct serve *s, struct net_flow *flow, const struct sip_msg *m)
{
	bool wanted = is_bound(s, flow, m);

	if (route_trusts(s, flow))
		return true;
	if (m->request && m->method == SIP_CANCEL)
		wanted = wanted || is_of_bound(s, m) || was_signed(s, m);
	else if (m->request &&
		 m->method == SIP_ACK) /* of a refusal: the transaction ends with it */
		wanted = wanted || (is_of_bound(s, m) && !dispatch_known(s->manager, m, true));
	else
		wanted = wanted && !m->request && m->status > 100;
	return !wanted || discard(s, flow, m, "unsigned");
}

/* Over UDP a request comes again with the number that it had: the transaction knows it. */
static bool is_repeated(const struct serve *s, const struct net_flow *flow, const struct sip_msg *m)
{
	const struct sip_msg *known = m->request ? dispatch_known(s->manager, m, false) : NULL;

	return net_flow_info(flow)->transport == NET_UDP && known && str_eq(known->wire, m->wire);
}

static bool check(struct serve *s, struct net_flow *flow, struct sip_msg *m,
	const struct association_proof *proof)
{
	struct pact *p = sender(s, flow, m, proof);

	if (!p || net_now_ms() >= ends_at(p))
		return take_unsigned(s, flow, m); /* forgotten, or never there: 401 */
	switch (association_verify(p->association, m, proof)) {
	case ASSOCIATION_FORGED:
		return discard(s, flow, m, "forged");
	case ASSOCIATION_REPLAYED:
		return is_repeated(s, flow, m) || discard(s, flow, m, "replayed");
	case ASSOCIATION_GOOD:
		break;
	}
	use(p, flow);
	set_proved(s, m, p);
	return true;
}

/* Does m name an association that is in force, and is not of its sender, realm or target? Whoever
 * has the handle has the keys: somebody changed the message on its way. Without the handle it may
 * be that we forgot, and a challenge helps. */
static bool is_misdirected(struct serve *s, const struct net_flow *flow, const struct sip_msg *m)
{
	static const enum sip_hdr_id ids[] = { SIP_HDR_AUTHORIZATION, SIP_HDR_PROXY_AUTHORIZATION };
	struct association_proof proof;
	struct arena arena = { 0 };
	bool is = false;

	for (unsigned i = 0; i < ARRAY_LEN(ids); i++)
		for (const struct sip_hdr *h = sip_msg_hdr(m, ids[i]); h;
			h = sip_msg_hdr_next(m, h)) {
			struct pact *p;

			if (!association_proof_read(&arena, h->value, true, &proof) ||
				proof.gssapi_data.p)
				continue;
			p = by_opaque(s, proof.opaque);
			is = is ||
			     (p && net_now_ms() < ends_at(p) && sender(s, flow, m, &proof) != p);
		}
	arena_done(&arena);
	return is;
}

static bool verify(void *arg, struct net_flow *flow, struct sip_msg *m)
{
	struct serve *s = arg;
	struct association_proof proof;
	struct arena arena = { 0 };
	bool good;

	set_proved(s, NULL, NULL);
	if (is_misdirected(s, flow, m))
		return discard(s, flow, m, "forged");
	if (!pact_proof(s, m, &arena, &proof))
		good = take_unsigned(s, flow, m);
	else if (m->request && proof.gssapi_data.p)
		good = take_unsigned(s, flow, m); /* a leg of a handshake */
	else
		good = check(s, flow, m, &proof);
	arena_done(&arena);
	return good;
}

bool pact_proved(const struct serve *s, const struct sip_msg *m, struct str *user)
{
	if (s->pacts->proved != m || !s->pacts->proved_by)
		return false;
	*user = s->pacts->proved_by->user;
	return true;
}

bool pact_admits(struct serve *s, struct transaction *t, const struct sip_msg *m,
	const struct net_flow *flow)
{
	struct association_proof proof;
	struct arena arena = { 0 };
	struct str user;
	bool has_proof, good;

	/* The registrar challenges by itself. */
	if (!s->pacts->active || !t || m->method == SIP_REGISTER || pact_proved(s, m, &user) ||
		route_trusts(s, flow))
		return true;
	has_proof = pact_proof(s, m, &arena, &proof);
	if (has_proof && proof.gssapi_data.p)
		good = true;
	else
		good = !has_proof && !is_bound(s, flow, m) &&
		       (sip_msg_to_tag(m).n == 0 || !is_of_bound(s, m));
	arena_done(&arena);
	if (!good)
		challenge_send(s, t, false, STR_EMPTY);
	return good;
}

/* ---- what goes out ---- */

/* A hop's own 100 and what is only a challenge need no signature (1.6). */
static bool is_exempt(const struct sip_msg *m)
{
	return !m->request && (m->status == 100 || m->status == 401 || m->status == 407);
}

/* --fault=badsign: the last digit is another. */
static void spoil(struct buf *value)
{
	char *rspauth = memmem(value->p, value->n, "rspauth=\"", 9), *end;

	if (!rspauth)
		return;
	end = memchr(rspauth + 9, '"', value->n - (size_t)(rspauth + 9 - value->p));
	/* Further in front: the last four bytes of NTLM's are always the same. */
	if (end && end - rspauth > 9 + 12)
		end[-12] = end[-12] == '0' ? '1' : '0';
}

static bool write_signed(struct pact *p, const struct sip_msg *m, struct str wire, struct buf *out)
{
	const struct fault *fault = &p->serve->fault;
	struct buf value = BUF_INIT(1 << 16);
	const char *end = memmem(wire.p, wire.n, "\r\n\r\n", 4);
	struct fail f = { 0 };
	bool good;

	if (!end || (fault->no_sign && p->signed_count >= fault->no_sign_after))
		return false;
	good = association_sign(p->association, m, STR_EMPTY, &value, &f) == 0;
	if (!good)
		trace_note(p->serve->config.trace, "cannot sign: %s", f.text);
	else if (fault->bad_sign && p->signed_count >= fault->bad_sign_after)
		spoil(&value);
	p->signed_count++;
	if (good) {
		buf_add(out, wire.p, (size_t)(end - wire.p) + 2);
		buf_addf(out, "Authentication-Info: " STR_FMT "\r\n", STR_ARG(buf_str(&value)));
		buf_add_str(out, str_sub(wire, (size_t)(end - wire.p) + 2, wire.n));
	}
	buf_done(&value);
	return good;
}

static bool sign(void *arg, struct net_flow *flow, struct str wire, struct buf *out)
{
	struct serve *s = arg;
	const struct sip_limits limits = { .message = 16 << 20 }; /* it is ours */
	struct sip_msg *m;
	struct pact *p;
	bool good;

	if (list_empty(&s->pacts->list) || sip_msg_parse(wire, &limits, &m, NULL) != 0)
		return false;
	p = is_exempt(m) ? NULL : receiver(s, flow, m);
	good = p && net_now_ms() < association_ends_at(p->association) &&
	       write_signed(p, m, wire, out);
	sip_msg_unref(m);
	return good;
}

/* ---- the table ---- */

/* The first label in upper case, as NetBIOS has it. */
static struct str netbios(struct serve *s, struct str host)
{
	size_t dot = str_find(host, '.');
	struct str name = arena_str(&s->arena, str_sub(host, 0, dot < 15 ? dot : 15));

	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] >= 'a' && name.p[i] <= 'z')
			((char *)(uintptr_t)name.p)[i] = (char)(name.p[i] - 'a' + 'A');
	return name;
}

int pact_open(struct serve *s, struct fail *f)
{
	static const struct dispatch_security ops = { .sign = sign, .verify = verify };
	struct serve_config *c = &s->config;
	int e;

	s->pacts = MEM_NEW(struct pacts);
	list_init(&s->pacts->list);
	list_init(&s->pacts->handshakes);
	s->pacts->active = challenge_offers(s, SERVE_NTLM) || challenge_offers(s, SERVE_KERBEROS);
	if (!s->pacts->active)
		return 0;
	if (challenge_offers(s, SERVE_NTLM) && (e = ntlm_ready(f)) != 0)
		return e;
	if (challenge_offers(s, SERVE_KERBEROS) &&
		(e = kerberos_acceptor_new(c->keytab, &s->pacts->acceptor, f)) != 0)
		return e;
	c->targetname = c->targetname.n ? arena_str(&s->arena, c->targetname) : c->domain;
	c->ntlm_domain =
		c->ntlm_domain.n ? arena_str(&s->arena, c->ntlm_domain) : netbios(s, c->domain);
	s->pacts->computer = netbios(s, c->targetname);
	s->pacts->spn = arena_fmt(&s->arena, "sip/" STR_FMT, STR_ARG(c->targetname));
	endpoint_manager_secure(s->manager, &ops, s);
	return 0;
}

void pact_close(struct serve *s)
{
	struct list *node;

	if (!s->pacts)
		return;
	set_proved(s, NULL, NULL);
	while ((node = list_first(&s->pacts->list)) != NULL)
		pact_free(CONTAINER_OF(node, struct pact, node));
	challenge_ms_done(s);
	map_done(&s->pacts->by_id);
	map_done(&s->pacts->by_opaque);
	kerberos_acceptor_free(s->pacts->acceptor);
	mem_free(s->pacts);
	s->pacts = NULL;
}
