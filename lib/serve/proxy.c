/* lib/serve/proxy.c -- a transaction-stateful proxy to registered bindings, RFC 3261 section 16,
 * over the flow they registered with (RFC 5626 section 5.3). One branch at a time; INVITE and
 * forking are not its matter yet. */
#include "serve/impl.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/text.h"
#include "sip/build.h"
#include "sip/challenge.h"
#include "sip/delta.h"
#include "sip/param.h"

#include <stdio.h>
#include <string.h>

struct forward {
	struct list node; /* in serve->forwards */
	struct serve *serve;
	struct transaction *upstream; /* the request's server transaction */
	struct transaction *downstream;
	struct sip_msg *msg;
	struct net_flow *from;
	struct buf key,
		instance; /* the record and instance it goes to, for the next flow when one fails */
	uint64_t last_serial; /* of the binding that was tried last, 0: none */
};

static void finish(struct forward *w)
{
	list_del(&w->node);
	transaction_free(w->upstream);
	transaction_free(w->downstream);
	sip_msg_unref(w->msg);
	net_flow_unref(w->from);
	buf_done(&w->key);
	buf_done(&w->instance);
	mem_free(w);
}

void proxy_done(struct serve *s)
{
	struct list *node;

	while ((node = list_first(&s->forwards)) != NULL)
		finish(CONTAINER_OF(node, struct forward, node));
}

/* ---- the request as it goes on, 16.6 ---- */

/* 16.6 step 8: the second part of the branch tells a loop from a spiral. */
static void loop_hash(const struct sip_msg *m, char out[2 * HASH_MAX + 1])
{
	const struct str parts[] = { m->request_uri, STR("\n"), sip_msg_from_tag(m), STR("\n"),
		sip_msg_to_tag(m), STR("\n"), sip_msg_call_id(m), STR("\n"),
		sip_msg_value(m, SIP_HDR_CSEQ), STR("\n"), sip_msg_value(m, SIP_HDR_ROUTE) };

	hash_hex(HASH_MD5, parts, ARRAY_LEN(parts), out);
	out[12] = '\0';
}

/* 16.3 step 4: one of our own branches with the same second part is a loop. */
static bool is_loop(struct serve *s, const struct sip_msg *m)
{
	struct sip_list l = sip_msg_list(m, SIP_HDR_VIA);
	char hash[2 * HASH_MAX + 1];
	struct sip_uri self = { 0 };
	struct sip_via via;

	loop_hash(m, hash);
	while (sip_list_via(&l, &via)) {
		self.host = via.host;
		self.port = via.port;
		if (str_ends(via.branch, str_of(hash)) && serve_is_self(s, &self))
			return true;
	}
	return false;
}

/* RFC 5626 5.2: nobody else can make a token, so nobody else chooses a connection: SipHash under the
 * key of this process signs it. */
static void add_token(struct buf *b, unsigned id)
{
	char text[32];

	snprintf(text, sizeof(text), "flow %u", id);
	buf_addf(b, "f%u-%016llx", id, (unsigned long long)map_hash(str_of(text)));
}

static bool read_token(struct str user, unsigned *id)
{
	struct buf own = BUF_INIT(64);
	struct str number, hash;
	bool good = user.n > 1 && user.p[0] == 'f' && str_cut(user, '-', &number, &hash) &&
		str_u32(str_sub(number, 1, number.n), id);

	if (good)
		add_token(&own, *id);
	good = good && hash_equal(buf_str(&own), user);
	buf_done(&own);
	return good;
}

/* sip:TOKEN@HOST:PORT;transport=T;lr, where TOKEN names the flow (RFC 5626 5.2): in Record-Route it
 * brings a dialog's requests back to us and from here to the peer's connection. */
static void put_own_route(struct buf *b, struct serve *s, const struct net_flow *flow)
{
	const struct net_flow_info *i = net_flow_info(flow);
	struct buf host = BUF_INIT(512), uri = BUF_INIT(1 << 10);
	uint16_t port;

	dispatch_sent_by(s->manager, flow, &host, &port);
	buf_add_str(&uri, STR("<sip:"));
	add_token(&uri, i->id);
	buf_add_char(&uri, '@');
	sip_uri_write_hostport(&uri, buf_str(&host), port);
	buf_addf(&uri, ";transport=%s;lr>", net_transport_name(i->transport));
	sip_build_hdr(b, SIP_HDR_RECORD_ROUTE, buf_str(&uri));
	buf_done(&host);
	buf_done(&uri);
}

static bool makes_dialog(const struct sip_msg *m)
{
	return sip_msg_to_tag(m).n == 0 && (m->method == SIP_SUBSCRIBE || m->method == SIP_REFER);
}

/* Which of the topmost Route values are ours and end here (16.4)? */
static unsigned own_routes(struct serve *s, const struct sip_msg *m)
{
	struct sip_list l = sip_msg_list(m, SIP_HDR_ROUTE);
	struct sip_nameaddr a;
	unsigned n = 0;

	while (sip_list_nameaddr(&l, &a) && serve_is_self(s, &a.uri))
		n++;
	return n;
}

static void put_routes(struct serve *s, const struct sip_msg *m, struct str path, struct buf *b)
{
	struct sip_list l = sip_msg_list(m, SIP_HDR_ROUTE);
	unsigned skip = own_routes(s, m);
	struct sip_nameaddr a;

	if (path.n > 0) /* RFC 3327 5.4: the stored Path comes first */
		sip_build_hdr(b, SIP_HDR_ROUTE, path);
	while (sip_list_nameaddr(&l, &a))
		if (skip > 0)
			skip--;
		else
			sip_build_hdr(b, SIP_HDR_ROUTE, a.text);
}

static void put_vias(struct buf *b, const struct sip_msg *m, struct net_flow *from,
	struct net_flow *to, struct serve *s)
{
	static const char *const names[] = { "UDP", "TCP", "TLS" };
	const struct net_flow_info *i = net_flow_info(from);
	char random[TRANSACTION_BRANCH], hash[2 * HASH_MAX + 1], text[NET_ADDR_TEXT];
	struct buf host = BUF_INIT(512), branch = BUF_INIT(128);
	bool top = true;
	uint16_t port;

	transaction_branch(random);
	loop_hash(m, hash);
	buf_addf(&branch, "%s.%s", random, hash);
	dispatch_sent_by(s->manager, to, &host, &port);
	sip_build_via(b, str_of(names[net_flow_info(to)->transport]), buf_str(&host), port,
		buf_str(&branch));
	for (const struct sip_hdr *h = sip_msg_hdr(m, SIP_HDR_VIA); h; h = sip_msg_hdr_next(m, h)) {
		if (top)
			sip_build_via_from(b, h->value, str_of(net_addr_host(&i->remote, text)),
				net_addr_port(&i->remote));
		else
			sip_build_hdr(b, SIP_HDR_VIA, h->value);
		top = false;
	}
	buf_done(&host);
	buf_done(&branch);
}

/* Is this field written anew, or not for those who come after us? */
static bool is_ours_to_write(const struct serve *s, const struct sip_hdr *h)
{
	struct sip_challenge c;
	struct sip_param realm;

	switch (h->id) {
	case SIP_HDR_VIA:
	case SIP_HDR_ROUTE:
	case SIP_HDR_MAX_FORWARDS:
	case SIP_HDR_CONTENT_LENGTH:
	case SIP_HDR_CONTENT_TYPE:
		return true;
	case SIP_HDR_PROXY_AUTHORIZATION: /* 22.3: credentials for our realm end here */
		return sip_challenge_parse(h->value, &c) &&
		       sip_challenge_get(c.params, "realm", &realm) &&
		       str_eq(realm.value, s->config.realm);
	default:
		return false;
	}
}

static bool write_request(
	struct forward *w, struct str uri, struct str path, struct net_flow *to, struct buf *b)
{
	const struct sip_msg *m = w->msg;
	uint32_t hops = 70;

	sip_build_request(b, m->method_name, uri);
	put_vias(b, m, w->from, to, w->serve);
	put_routes(w->serve, m, path, b);
	if (makes_dialog(m)) {
		put_own_route(b, w->serve, w->from);
		put_own_route(b, w->serve, to);
	}
	if (sip_delta_parse(sip_msg_value(m, SIP_HDR_MAX_FORWARDS), &hops))
		hops--; /* zero was refused before */
	sip_build_hdrf(b, SIP_HDR_MAX_FORWARDS, "%u", hops);
	for (unsigned i = 0; i < m->hdr_count; i++)
		if (!is_ours_to_write(w->serve, &m->hdrs[i]))
			sip_build_named(b, m->hdrs[i].name, m->hdrs[i].value);
	sip_build_end(b, sip_msg_value(m, SIP_HDR_CONTENT_TYPE), m->body);
	return b->fail == 0;
}

/* ---- the response on its way back, 16.7 ---- */

/* Without our Via, otherwise as it came. */
static bool write_response(const struct sip_msg *m, struct buf *b)
{
	struct str rest = STR_EMPTY;
	struct sip_via via;
	bool top = true;

	buf_addf(b, "SIP/2.0 %u " STR_FMT "\r\n", m->status, STR_ARG(m->reason));
	for (unsigned i = 0; i < m->hdr_count; i++) {
		const struct sip_hdr *h = &m->hdrs[i];

		if (h->id == SIP_HDR_VIA && top) {
			top = false;
			if (sip_via_parse(h->value, &via, &rest) && str_trim(rest).n > 0)
				sip_build_hdr(b, SIP_HDR_VIA, str_trim(rest));
		} else if (h->id != SIP_HDR_CONTENT_LENGTH && h->id != SIP_HDR_CONTENT_TYPE) {
			sip_build_named(b, h->name, h->value);
		}
	}
	sip_build_end(b, sip_msg_value(m, SIP_HDR_CONTENT_TYPE), m->body);
	return b->fail == 0;
}

static void forward_to_next(struct forward *w, unsigned status);

static void on_downstream(void *arg, struct transaction *t, const struct transaction_event *ev)
{
	struct forward *w = arg;
	struct buf b = BUF_INIT(1 << 18);

	(void)t;
	switch (ev->type) {
	case TRANSACTION_RESPONSE:
		if (ev->msg->status == 100)
			return; /* step 5: never forwarded */
		if (ev->msg->status == 430) { /* RFC 5626 5.3: the flow failed further on */
			forward_to_next(w, 430);
			return;
		}
		if (write_response(ev->msg, &b))
			transaction_reply(w->upstream, ev->msg->status, buf_str(&b));
		else
			transaction_answer(w->upstream, 502, NULL);
		buf_done(&b);
		if (ev->msg->status >= 200)
			finish(w);
		return;
	case TRANSACTION_TIMEOUT:
		transaction_answer(w->upstream, 408, NULL); /* 16.8 */
		finish(w);
		return;
	case TRANSACTION_FAILED:
		forward_to_next(w, 480);
		return;
	default:
		return;
	}
}

static bool send_over(struct forward *w, struct net_flow *to, struct str uri, struct str path)
{
	struct buf b = BUF_INIT(1 << 18);
	const struct transaction_config config = {
		.manager = w->serve->manager,
		.flow = to,
		.fn = on_downstream,
		.arg = w,
	};
	bool sent = write_request(w, uri, path, to, &b) &&
		    transaction_send(&config, buf_str(&b), &w->downstream, NULL) == 0;

	buf_done(&b);
	return sent;
}

/* The flow that a binding was registered over; UDP flows come back by their addresses. */
static struct net_flow *flow_of(struct serve *s, const struct binding *b)
{
	struct net_manager *net = endpoint_manager_net(s->manager);
	struct net_flow *flow = net_manager_flow_by_id(net, b->flow_id);
	struct net_target target = { .transport = NET_UDP, .addr = b->source };
	char text[NET_ADDR_TEXT];

	if (flow || b->transport != NET_UDP)
		return flow ? net_flow_ref(flow) : NULL;
	target.host = str_of(net_addr_host(&b->source, text));
	return net_manager_flow(net, &target, &flow, NULL) == 0 ? flow : NULL;
}

static bool send_to(struct forward *w, const struct binding *b)
{
	struct net_flow *to = flow_of(w->serve, b);
	bool sent = to && send_over(w, to, str_of(b->contact), str_of(b->path));

	w->last_serial = b->serial;
	net_flow_unref(to);
	return sent;
}

/* The flow to one binding failed: another flow of the same instance may live (RFC 5626 5.3). Each
 * is older than the one before, so that none gets the request twice, whatever was registered. */
static void forward_to_next(struct forward *w, unsigned status)
{
	struct record *r = registrar_record(w->serve, buf_str(&w->key));
	struct binding *b = NULL;

	transaction_free(w->downstream);
	w->downstream = NULL;
	if (r && w->instance.n > 0 && w->last_serial > 0)
		b = registrar_choose(r, buf_str(&w->instance), w->last_serial);
	if (b && send_to(w, b))
		return;
	transaction_answer(w->upstream, status, NULL);
	finish(w);
}

/* ---- where it goes, 16.5 ---- */

static struct forward *begin(
	struct serve *s, struct transaction *t, struct sip_msg *m, struct net_flow *flow)
{
	struct forward *w = MEM_NEW(struct forward);

	list_init(&w->node);
	list_add(&s->forwards, &w->node);
	w->serve = s;
	w->upstream = t;
	w->msg = sip_msg_ref(m);
	w->from = net_flow_ref(flow);
	buf_init(&w->key, 1 << 12);
	buf_init(&w->instance, 1 << 12);
	return w;
}

/* A Route of ours with a flow token says over which connection (RFC 5626 5.3.1). NULL: no token, or
 * that flow is gone
 * (*gone). */
static struct net_flow *token_flow(
	struct serve *s, const struct sip_msg *m, struct net_flow *from, bool *gone)
{
	struct sip_list l = sip_msg_list(m, SIP_HDR_ROUTE);
	struct sip_nameaddr a;
	struct net_flow *flow;
	uint32_t id;

	while (sip_list_nameaddr(&l, &a) && serve_is_self(s, &a.uri)) {
		if (!read_token(a.uri.user, &id))
			continue;
		flow = net_manager_flow_by_id(endpoint_manager_net(s->manager), id);
		*gone = !flow;
		if (flow && flow != from) /* of the two that Record-Route got, the one the request
					     did not come by */
			return flow;
	}
	return NULL;
}

/* The binding that a Request-URI of ours names: a GRUU's instance, or the best of the user's. */
static struct binding *target_of(struct serve *s, const struct sip_uri *u, struct forward *w)
{
	struct str gr, instance = STR_EMPTY;
	struct buf wrapped = BUF_INIT(1 << 12);
	struct record *r;
	struct binding *b = NULL;

	serve_user_key(u, &w->key);
	if (sip_uri_param(u, "gr", &gr)) {
		if (gr.n == 0)
			return registrar_by_temp_gruu(s, u->user);
		buf_addf(&wrapped, "<" STR_FMT ">", STR_ARG(gr));
		instance = buf_str(&wrapped);
	}
	r = registrar_record(s, buf_str(&w->key));
	if (r)
		b = registrar_choose(r, instance, 0);
	buf_add_str(&w->instance, b ? str_of(b->instance) : STR_EMPTY);
	buf_done(&wrapped);
	return b;
}

/* To one of our users, or with a Contact of a binding in the Request-URI (a dialog's requests). */
static void forward_request(struct serve *s, struct transaction *t, struct sip_msg *m,
	struct net_flow *flow, const struct sip_uri *uri)
{
	bool gone = false;
	struct net_flow *to = token_flow(s, m, flow, &gone);
	struct forward *w = begin(s, t, m, flow);
	struct binding *b;

	if (to) {
		if (!send_over(w, to, m->request_uri, STR_EMPTY))
			forward_to_next(w, 430);
		return;
	}
	if (gone) {
		forward_to_next(w, 430);
		return;
	}
	b = serve_is_self(s, uri) ? target_of(s, uri, w) : registrar_by_contact(s, uri);
	if (b && send_to(w, b))
		return;
	if (b)
		forward_to_next(w, 480);
	else
		/* An address of ours that nobody is at now is 480, one that does not exist 404. */
		forward_to_next(w, serve_is_self(s, uri) && (s->users.count == 0 ||
								    serve_user(s, buf_str(&w->key)))
					   ? 480
					   : 404);
}

/* ---- the requests that we look at first, 16.3 ---- */

static unsigned validate(
	struct serve *s, const struct sip_msg *m, const struct sip_uri *uri, struct buf *headers)
{
	struct sip_list l = sip_msg_list(m, SIP_HDR_PROXY_REQUIRE);
	struct str tag;
	uint32_t hops;

	if (uri->scheme > SIP_URI_SIPS)
		return 416;
	if (sip_delta_parse(sip_msg_value(m, SIP_HDR_MAX_FORWARDS), &hops) && hops == 0)
		return 483;
	if (is_loop(s, m))
		return 482;
	while (sip_list_token(&l, &tag))
		buf_addf(headers, "Unsupported: " STR_FMT "\r\n", STR_ARG(tag));
	return headers->n > 0 ? 420 : 0;
}

/* Requests that come from our domain prove it (22.3); who calls in from elsewhere need not. */
static bool proved(struct serve *s, struct transaction *t, struct sip_msg *m)
{
	struct arena arena = { 0 };
	struct buf key = BUF_INIT(1 << 12);
	struct sip_nameaddr from;
	struct str user;
	bool good = true;

	if (s->config.challenge && sip_msg_to_tag(m).n == 0 && sip_msg_from(m, &from) &&
		serve_is_self(s, &from.uri)) {
		serve_user_key(&from.uri, &key);
		good = challenge_passed(s, t, m, true, &user, &arena);
		if (good && !str_eq(user, buf_str(&key))) {
			serve_answer(s, t, 403, STR("Not your address"), STR_EMPTY);
			good = false;
		}
	}
	buf_done(&key);
	arena_done(&arena);
	return good;
}

void proxy_request(struct serve *s, struct transaction *t, struct sip_msg *m, struct net_flow *flow)
{
	struct buf headers = BUF_INIT(1 << 12);
	struct sip_uri uri;
	unsigned status =
		sip_uri_parse(m->request_uri, &uri) ? validate(s, m, &uri, &headers) : 400;

	if (status != 0)
		serve_answer(s, t, status, STR_EMPTY, buf_str(&headers));
	else if (m->method == SIP_INVITE)
		serve_answer(s, t, 405, STR_EMPTY,
			STR("Allow: REGISTER, OPTIONS, MESSAGE, SUBSCRIBE, NOTIFY, REFER, "
			    "INFO\r\n"));
	else if (proved(s, t, m))
		forward_request(s, t, m, flow, &uri);
	buf_done(&headers);
}
