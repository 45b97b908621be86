/* lib/endpoint/registration.c -- the life of a registration: begin, send, lose a flow, stop, end.
 * RFC 3261 section 10, RFC 5626 section 4.2 to 4.5; rows RG- and the state table 2.1 of ucma.md */
#include "endpoint/registration.h"

#include "base/mem.h"
#include "base/text.h"
#include "endpoint/registration_impl.h"

bool registration_emit(struct registration *r, const struct endpoint_event *ev)
{
	struct endpoint_event copy = *ev;
	bool gone = false;

	r->gone = &gone;
	copy.endpoint = r->endpoint;
	r->config.on_event(r->config.arg, &copy);
	if (!gone)
		r->gone = NULL;
	return !gone;
}

void registration_set_states(struct registration *r, enum registration_state state)
{
	for (unsigned i = 0; i < r->flow_count; i++)
		r->flows[i].state = state;
}

bool registration_emit_over(struct registration *r, const struct endpoint_registration *why)
{
	struct endpoint_registration e = *why;

	e.aor = endpoint_uri(r->endpoint);
	return registration_emit(
		r, &(struct endpoint_event){ .type = ENDPOINT_REGISTRATION, .registration = &e });
}

bool registration_emit_terminated(struct registration *r, const char *cause)
{
	r->ended = true;
	registration_set_states(r, REGISTRATION_UNREGISTERED);
	return registration_emit_over(r, &(struct endpoint_registration){ .cause = cause });
}

/* ---- the end ---- */

/* What requests hear that wait for another security association. */
static const struct fail no_renewal = { -FAIL_LOST, "the registration ends" };

static void stop_flows(struct registration *r)
{
	for (unsigned i = 0; i < r->flow_count; i++) {
		ev_timer_stop(endpoint_loop(), &r->flows[i].timer);
		keepalive_stop(&r->flows[i].keepalive);
	}
}

void registration_finish(
	struct registration *r, enum endpoint_event_type type, const struct endpoint_result *result)
{
	const struct endpoint_event ev = { .type = type, .result = result };

	r->ended = true;
	stop_flows(r);
	request_renewed(r->endpoint, &no_renewal);
	if (type != ENDPOINT_DONE)
		registration_set_states(r, REGISTRATION_UNREGISTERED);
	if (type != ENDPOINT_DONE &&
		!r->config.leave) { /* RFC 3608 6.1: it lives with the binding */
		endpoint_set_service_route(r->endpoint, NULL, 0);
		endpoint_set_gruu(r->endpoint, STR_EMPTY);
	}
	for (unsigned i = 0; i < r->flow_count; i++) /* with outbound others may be on their way */
		if (r->flows[i].busy) {
			r->flows[i].busy = false;
			request_free(r->flows[i].request);
			r->flows[i].request = NULL;
		}
	if (r->endpoint->stopping) /* EP-17: the endpoint ends after its children */
		net_later(endpoint_loop(), &r->endpoint->stop_timer);
	registration_emit(r, &ev); /* may free r */
}

void registration_finish_lost(struct registration *r, int code, const char *text)
{
	struct endpoint_result result = { .cause = "", .times = { -1, -1, -1, -1, -1 } };

	fail_set(&result.fail, code, "%s", text);
	registration_finish(r, ENDPOINT_FAILED, &result);
}

bool registration_active(const struct registration *r)
{
	for (unsigned i = 0; i < r->flow_count; i++)
		if (r->flows[i].state == REGISTRATION_REGISTERED)
			return true;
	return false;
}

static bool is_same_place(struct str text, const struct sip_uri *uri)
{
	struct sip_uri own;

	return sip_uri_parse(text, &own) && own.scheme <= SIP_URI_SIPS && own.port == uri->port &&
	       str_eq(own.user, uri->user) && str_ieq(own.host, uri->host);
}

bool registration_has_contact(const struct registration *r, const struct sip_uri *uri)
{
	for (unsigned i = 0; i < r->config.contact_count; i++)
		if (is_same_place(r->config.contacts[i], uri))
			return true;
	for (unsigned i = 0; i < r->flow_count; i++)
		if (r->flows[i].contact[0] && is_same_place(str_of(r->flows[i].contact), uri))
			return true;
	return false;
}

bool registration_is_pending(const struct registration *r)
{
	return r && !r->ended && r->flows[0].anew;
}

bool registration_ended(const struct registration *r)
{
	return r->ended;
}

bool registration_is_busy(const struct registration *r)
{
	for (unsigned i = 0; i < r->flow_count; i++)
		if (r->flows[i].busy)
			return true;
	return false;
}

/* ---- times ---- */

static void on_timer(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct registration_flow *f = CONTAINER_OF(w, struct registration_flow, timer);
	struct fail fail;

	(void)revents;
	ev_timer_stop(loop, w);
	if (f->busy || f->registration->ended)
		return;
	f->registration->renews = false;
	if (registration_send(f, &fail) != 0)
		registration_finish_lost(f->registration, fail.code, fail.text);
}

/* Asked by the dispatcher when a kept flow is gone; says what will be done (RG-11 to RG-13). What
 * follows comes from the loop, since others have yet to hear of the loss. */
const char *registration_flow_lost(
	struct registration *r, unsigned index, const struct net_event *ev)
{
	struct registration_flow *f = &r->flows[index < r->flow_count ? index : 0];
	enum net_transport t;
	struct net_addr bound;
	uint64_t at;

	(void)ev;
	if (r->ended || r->stopping || f->state != REGISTRATION_REGISTERED || !r->config.keep)
		return "none";
	keepalive_stop(&f->keepalive);
	if (net_manager_listener(endpoint_manager_net(r->endpoint->manager), 0, &t, &bound))
		return "none"; /* RG-13: the server can connect to us; the next request reconnects
				*/
	if (r->endpoint->config.on_drop == ENDPOINT_DROP_UNREGISTER) {
		f->state = REGISTRATION_UNREGISTERED;
		r->endpoint->refuse = true; /* RG-12 */
		net_later(endpoint_loop(), &r->end_timer);
		return "unregister";
	}
	if (!f->busy) { /* else the refresh on its way fails and recovers */
		at = backoff_repeat(&f->drops, net_now_ms()) + net_now_ms();
		backoff_begin(&f->recovery, at, r->config.recover_ms);
		net_timer_set(endpoint_loop(), &f->timer, at);
	}
	return "refresh";
}

static void on_end_timer(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct registration *r = CONTAINER_OF(w, struct registration, end_timer);

	(void)revents;
	ev_timer_stop(loop, w);
	if (r->ended)
		return;
	if (r->stopping) {
		registration_finish(r, ENDPOINT_CLOSED, &r->end);
		return;
	}
	if (registration_emit_terminated(r, "connection-dropped"))
		registration_finish_lost(r, -FAIL_LOST, "the connection was lost");
}

/* ---- sending ---- */

int registration_send(struct registration_flow *f, struct fail *fail)
{
	struct registration *r = f->registration;
	bool removing = f->state == REGISTRATION_UNREGISTERING ||
			r->config.what == REGISTRATION_REMOVE_ALL ||
			(r->config.what == REGISTRATION_REMOVE &&
				(r->queried || r->config.contact_count > 0 ||
					r->endpoint->config.instance.n > 0));
	struct request_config config = {
		.endpoint = r->endpoint,
		.method = STR("REGISTER"),
		.target = r->registrar,
		.to = endpoint_uri(r->endpoint),
		.from = r->config.third_party,
		.max_forwards = -1,
		.timeout_ms = r->config.timeout_ms,
		.follow = r->config.follow,
		.retry = r->config.retry,
		.call_id = str_of(f->call_id),
		.from_tag = str_of(f->from_tag),
		.cseq = &f->cseq,
		.exchange = &f->exchange,
		.has_expires = (r->config.what == REGISTRATION_ADD && r->expires > 0) || removing,
		.expires = removing ? 0 : r->expires,
		.flow_index = f->index,
		.write = registration_write,
		.write_arg = f,
		.on_event = registration_on_request,
		.arg = f,
	};

	/* A refresh recovers by the schedule of ruling 5, not by --retry. */
	if (f->state == REGISTRATION_REGISTERED)
		config.retry =
			(struct request_retry){ .no_retry_after = r->config.retry.no_retry_after };
	request_free(f->request);
	f->request = NULL;
	f->busy = request_start(&config, &f->request, fail) == 0;
	return f->busy ? 0 : fail->code;
}

static struct str keep_str(struct registration *r, struct str s)
{
	return arena_str(&r->arena, s);
}

/* 10.2: the Request-URI names the domain, without user. */
static struct str registrar_uri(struct registration *r)
{
	const struct sip_uri *aor = &r->endpoint->aor;
	struct buf b = BUF_INIT(1 << 12);
	struct str s;

	buf_add_str(&b, aor->scheme == SIP_URI_SIPS ? STR("sips:") : STR("sip:"));
	sip_uri_write_hostport(&b, aor->host, aor->port);
	s = arena_str(&r->arena, buf_str(&b));
	buf_done(&b);
	return s;
}

static struct registration *make(const struct registration_config *config)
{
	struct registration *r = MEM_NEW(struct registration);
	unsigned flows = config->outbound && config->reg_id_count ? config->reg_id_count : 1;

	r->config = *config;
	r->endpoint = config->endpoint;
	r->config.contacts = arena_strs(&r->arena, config->contacts, config->contact_count);
	r->config.paths = arena_strs(&r->arena, config->paths, config->path_count);
	r->config.methods = keep_str(r, config->methods);
	r->config.push = keep_str(r, config->push);
	r->config.third_party = keep_str(r, config->third_party);
	r->expires = config->expires;
	r->registrar = registrar_uri(r);
	r->servers = r->endpoint->config.servers;
	r->server_count = r->endpoint->config.server_count;
	r->flow_count = flows;
	ev_init(&r->end_timer, on_end_timer);
	for (unsigned i = 0; i < flows; i++) {
		struct registration_flow *f = &r->flows[i];

		f->registration = r;
		f->index = i;
		f->reg_id = !config->outbound ? 0 : config->reg_id_count ? config->reg_ids[i] : 1;
		f->state = REGISTRATION_REGISTERING;
		f->keepalive.registration = r;
		f->keepalive.index = i;
		ev_init(&f->timer, on_timer);
		text_token(f->call_id, 32);
		text_token(f->from_tag, 16);
	}
	r->config.reg_ids = NULL;
	return r;
}

int registration_start(
	const struct registration_config *config, struct registration **out, struct fail *f)
{
	struct registration *r;
	int e = registration_check(config, f);

	if (e != 0)
		return e;
	r = make(config);
	for (unsigned i = 0; i < r->flow_count; i++)
		if ((e = registration_send(&r->flows[i], f)) != 0) {
			registration_free(r);
			return e;
		}
	r->endpoint->registration = r;
	r->endpoint->spread = config->outbound;
	*out = r;
	return 0;
}

int registration_refresh(struct registration *r)
{
	struct fail f;

	if (r->ended || r->stopping || r->flows[0].state != REGISTRATION_REGISTERED ||
		r->flows[0].busy)
		return -FAIL_STATE;
	return registration_send(&r->flows[0], &f);
}

bool registration_renew(struct endpoint *ep)
{
	struct registration *r = ep->registration;
	struct registration_flow *f = r ? &r->flows[0] : NULL;

	if (!r || r->ended || r->stopping || f->state != REGISTRATION_REGISTERED)
		return false;
	if (f->busy || r->renews)
		return true;
	/* A server that asks again and again gets an answer with the password now and then, not as
	 * fast as it asks. */
	r->renews = true;
	net_timer_set(endpoint_loop(), &f->timer,
		net_now_ms() + backoff_repeat(&r->renewals, net_now_ms()));
	return true;
}

void registration_set_methods(struct registration *r, struct str methods)
{
	r->config.methods = keep_str(r, methods);
}

void registration_stop(struct registration *r)
{
	struct registration_flow *first = NULL;
	struct fail f;

	if (r->stopping || r->ended)
		return;
	r->stopping = true;
	r->end.cause = "";
	stop_flows(r);
	request_renewed(r->endpoint, &no_renewal);
	for (unsigned i = 0; i < r->flow_count; i++) {
		struct registration_flow *flow = &r->flows[i];
		/* What was sent and not answered yet may have made a binding. */
		bool bound = flow->state == REGISTRATION_REGISTERED || flow->anew ||
			     (flow->busy && flow->cseq > 0);

		flow->busy =
			false; /* a refresh on its way is overtaken by the removal's higher CSeq */
		if (bound && !r->config.leave && r->config.what == REGISTRATION_ADD)
			first = first ? first : flow;
	}
	/* One removal is enough without outbound; with it every flow has a binding of its own.
	 * Where there is none, what is on its way is not waited for. */
	for (unsigned i = 0; i < r->flow_count; i++) {
		if (first) {
			r->flows[i].state = REGISTRATION_UNREGISTERING;
			registration_send(&r->flows[i], &f);
		} else {
			request_free(r->flows[i].request);
			r->flows[i].request = NULL;
		}
	}
	if (!registration_is_busy(r))
		net_later(endpoint_loop(), &r->end_timer);
}

void registration_abandon(struct registration *r)
{
	if (r->gone)
		*r->gone = true;
	r->gone = NULL;
	ev_timer_stop(endpoint_loop(), &r->end_timer);
	stop_flows(r);
}

void registration_free(struct registration *r)
{
	if (!r)
		return;
	registration_abandon(r);
	request_renewed(r->endpoint, &no_renewal);
	for (unsigned i = 0; i < r->flow_count; i++) {
		request_free(r->flows[i].request);
		auth_exchange_done(&r->flows[i].exchange);
	}
	if (r->endpoint->registration == r) {
		r->endpoint->registration = NULL;
		if (r->endpoint->stopping)
			net_later(endpoint_loop(), &r->endpoint->stop_timer);
	}
	arena_done(&r->arena);
	mem_free(r);
}

int registration_dry_run(const struct registration_config *config, struct buf *out, struct fail *f)
{
	struct registration *r;
	int e = registration_check(config, f);

	if (e != 0)
		return e;
	r = make(config);
	e = registration_send(&r->flows[0], f);
	if (e == 0)
		e = request_dump(r->flows[0].request, out, f);
	registration_free(r);
	return e;
}
