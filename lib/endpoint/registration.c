/* lib/endpoint/registration.c -- the course of a registration: register, refresh, recover, remove.
 * RFC 3261 section 10, RFC 5626 section 4.2 to 4.5; rows RG- and the state table 2.1 of ucma.md;
 * ruling 5 */
#include "endpoint/registration.h"

#include "base/mem.h"
#include "base/text.h"
#include "endpoint/registration_impl.h"
#include "endpoint/session_impl.h"
#include "sip/build.h"
#include "sip/event.h"

#include <stdio.h>
#include <string.h>

static int send_register(struct registration_flow *f, struct fail *fail);

/* False when the handler freed r (R3): then nothing of it may be touched. */
static bool emit(struct registration *r, const struct endpoint_event *ev)
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

static void set_states(struct registration *r, enum registration_state state)
{
	for (unsigned i = 0; i < r->flow_count; i++)
		r->flows[i].state = state;
}

static bool emit_over(struct registration *r, const struct endpoint_registration *why)
{
	struct endpoint_registration e = *why;

	e.aor = endpoint_uri(r->endpoint);
	return emit(
		r, &(struct endpoint_event){ .type = ENDPOINT_REGISTRATION, .registration = &e });
}

/* Its end is near: what comes after this event is the final one, whatever the handler calls. */
static bool emit_terminated(struct registration *r, const char *cause)
{
	r->ended = true;
	set_states(r, REGISTRATION_UNREGISTERED);
	return emit_over(r, &(struct endpoint_registration){ .cause = cause });
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

/* Tells the end. What the result points at lives in the request, which is freed with r or before
 * the next one. */
static void finish(
	struct registration *r, enum endpoint_event_type type, const struct endpoint_result *result)
{
	const struct endpoint_event ev = { .type = type, .result = result };

	r->ended = true;
	stop_flows(r);
	request_renewed(r->endpoint, &no_renewal);
	if (type != ENDPOINT_DONE)
		set_states(r, REGISTRATION_UNREGISTERED);
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
	emit(r, &ev); /* may free r */
}

static void finish_lost(struct registration *r, int code, const char *text)
{
	struct endpoint_result result = { .cause = "", .times = { -1, -1, -1, -1, -1 } };

	fail_set(&result.fail, code, "%s", text);
	finish(r, ENDPOINT_FAILED, &result);
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

static bool any_busy(const struct registration *r)
{
	for (unsigned i = 0; i < r->flow_count; i++)
		if (r->flows[i].busy)
			return true;
	return false;
}

/* ---- refresh and recovery ---- */

/* Ruling 5: at 90 % of what was granted, at half below 20 s. A month is enough for any timer. */
static uint64_t refresh_ms(uint32_t granted)
{
	uint64_t ms = (uint64_t)(granted < 2592000 ? granted : 2592000) * 1000;

	return granted < 20 ? ms / 2 : ms / 10 * 9;
}

/* RG-15 and ruling 5. False: the time is over. */
static bool recover(struct registration_flow *f, const char *because, struct str detail)
{
	struct registration *r = f->registration;
	struct endpoint_retry retry = { .because = because, .detail = detail };
	uint64_t wait;

	if (!backoff_next(&f->recovery, r->config.recover_ms, 0, &wait))
		return false;
	net_timer_set(endpoint_loop(), &f->timer, net_now_ms() + wait);
	retry.wait_ms = (double)wait;
	emit(r, &(struct endpoint_event){ .type = ENDPOINT_RETRY, .retry = &retry });
	return true;
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct registration_flow *f = CONTAINER_OF(w, struct registration_flow, timer);
	struct fail fail;

	(void)revents;
	ev_timer_stop(loop, w);
	if (f->busy || f->registration->ended)
		return;
	f->registration->renews = false;
	if (send_register(f, &fail) != 0)
		finish_lost(f->registration, fail.code, fail.text);
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
		finish(r, ENDPOINT_CLOSED, &r->end);
		return;
	}
	if (emit_terminated(r, "connection-dropped"))
		finish_lost(r, -FAIL_LOST, "the connection was lost");
}

/* ---- answers ---- */

static bool emit_state(struct registration_flow *f, const struct registration_answer *a,
	const char *cause, uint32_t in)
{
	const struct registration *r = f->registration;
	const struct endpoint_registration e = {
		.active = strcmp(cause, "unregistered") != 0,
		.cause = cause,
		.aor = endpoint_uri(r->endpoint),
		.expires = a->expires,
		.refresh_in = in,
		.contacts = a->contacts,
		.contact_count = a->contact_count,
		.path = a->path,
		.path_count = a->path_count,
		.service_route = a->service_route,
		.service_route_count = a->service_route_count,
		.outbound = a->outbound,
		.reg_id = f->reg_id,
		.detail = r->config.what != REGISTRATION_ADD || a->contact_count > 0
				  ? NULL
				  : "the answer lists no contacts",
	};

	return emit(f->registration,
		&(struct endpoint_event){ .type = ENDPOINT_REGISTRATION, .registration = &e });
}

enum { RENEW_LEAST_MS = 30000 };

/* Before it is due, and before a security association ends, which a REGISTER makes anew. */
static uint64_t refresh_at(const struct registration *r, uint32_t expires)
{
	uint64_t now = net_now_ms(), at = now + refresh_ms(expires),
		 renew = auth_renew_at(r->endpoint->auth);

	/* never in a row: that of a Kerberos ticket's last minutes lives no longer than the old */
	if (renew < now + RENEW_LEAST_MS)
		renew = now + RENEW_LEAST_MS;
	return renew < at ? renew : at;
}

/* What was subscribed to under an association dies with it at the server (microsoft-auth.md 1.8).
 */
static bool is_secured_anew(struct registration *r)
{
	unsigned before = r->associations;

	r->associations = auth_associations(r->endpoint->auth);
	return before > 0 && r->associations != before;
}

/* The first registration, or one that a recovery made anew, or a refresh. */
static void registered(struct registration_flow *f, const struct endpoint_result *result,
	const struct registration_answer *a)
{
	struct registration *r = f->registration;
	const char *cause = f->state == REGISTRATION_REGISTERED ? "refreshed" : "registered";
	uint32_t in = r->config.keep ? (uint32_t)(refresh_ms(a->expires) / 1000) : 0;
	bool whole = true, back = f->recovery.until != 0 || f->anew;

	f->state = REGISTRATION_REGISTERED;
	f->anew = false;
	f->recovery.until = 0;
	r->endpoint->adhoclist = a->adhoclist;
	endpoint_set_gruu(r->endpoint, a->gruu);
	r->endpoint->refuse = false;
	if (f->index == 0)
		endpoint_set_service_route(r->endpoint, a->service_route, a->service_route_count);
	if (r->config.keep) {
		net_timer_set(endpoint_loop(), &f->timer, refresh_at(r, a->expires));
		keepalive_start(&f->keepalive, a, a->outbound && f->reg_id > 0);
	}
	if (back || is_secured_anew(r)) /* RG-22; they begin from the loop */
		subscription_registered(r->endpoint);
	for (unsigned i = 0; i < r->flow_count; i++)
		whole = whole && r->flows[i].state == REGISTRATION_REGISTERED;
	if (emit_state(f, a, cause, in) && !r->stopping && !r->config.keep && whole)
		finish(r, ENDPOINT_DONE, result);
}

static bool refused_unchallenged(struct registration *r, const struct endpoint_result *result)
{
	struct endpoint_result copy;

	bool must = r->config.reject_unchallenged || auth_must_challenge(r->endpoint->auth);

	if (result->authenticated || !must || registration_active(r))
		return false;
	copy = *result; /* AU-05 */
	copy.cause = auth_cause_name(AUTH_UNCHALLENGING_SERVER);
	fail_set(&copy.fail, -FAIL_AUTH,
		"%u " STR_FMT " without a challenge (add none to --auth to allow it)",
		result->response->status_code, STR_ARG(result->response->reason_phrase));
	finish(r, ENDPOINT_FAILED, &copy);
	return true;
}

/* ---- from the beginning ---- */

/* A redirect has changed where the endpoint goes, and holds no longer; nor does what was agreed
 * with that server. */
static void go_back(struct registration *r)
{
	struct kept_flow *kept = &r->endpoint->kept[0];

	auth_forget(r->endpoint->auth);
	r->endpoint->config.servers = r->servers;
	r->endpoint->config.server_count = r->server_count;
	flow_watch_stop(&kept->watch);
	net_flow_unref(kept->flow);
	kept->flow = NULL;
}

/* The binding is not there any more: what hung on it is dead, and it is made again as if it were
 * the first time. */
static void begin_anew(struct registration_flow *f)
{
	struct registration *r = f->registration;
	uint64_t now = net_now_ms();

	keepalive_stop(&f->keepalive);
	f->busy = false;
	request_free(f->request);
	f->request = NULL;
	auth_exchange_done(&f->exchange);
	text_token(f->call_id, 32);
	text_token(f->from_tag, 16);
	f->cseq = 0;
	f->anew = true;
	f->state = REGISTRATION_REGISTERING;
	net_timer_set(endpoint_loop(), &f->timer, now + backoff_repeat(&f->drops, now));
	endpoint_set_gruu(r->endpoint, STR_EMPTY);
	session_lose_all(r->endpoint, "the registrar has lost the binding");
	subscription_lose_all(r->endpoint);
}

/* [MS-SIPREGE] 3.1.1.5.1: to refresh what is not there "MUST" be treated "as a registration failure
 * and all existing dialogs SHOULD be considered terminated. The UAC SHOULD restart registration."
 */
static void binding_reset(struct registration_flow *f)
{
	begin_anew(f);
	emit_over(f->registration, &(struct endpoint_registration){ .cause = "binding-reset",
					   .detail = "the server did not know it any more" });
}

/* REGISTRATION_REMOVE without a Contact: what is there that this host made? */
static bool collect_removals(struct registration_flow *f, const struct registration_answer *a)
{
	struct registration *r = f->registration;
	char text[NET_ADDR_TEXT];
	struct net_flow *flow = f->request ? request_flow(f->request) : NULL;
	struct str local =
		flow ? str_of(net_addr_host(&net_flow_info(flow)->local, text)) : STR_EMPTY;
	struct sip_uri u;

	r->queried = true;
	r->removals = arena_alloc(&r->arena, sizeof(*r->removals) * (a->contact_count + 1));
	for (unsigned i = 0; i < a->contact_count; i++)
		if (sip_uri_parse(a->contacts[i].uri, &u) && str_ieq(u.host, local) &&
			str_eq(u.user, r->endpoint->aor.user))
			r->removals[r->removal_count++] = arena_str(&r->arena, a->contacts[i].uri);
	return r->removal_count > 0;
}

static void succeeded(struct registration_flow *f, const struct endpoint_result *result)
{
	struct registration *r = f->registration;
	struct registration_answer a;

	r->expires = r->config.what == REGISTRATION_ADD ? request_expires(f->request) : r->expires;
	registration_read(f, result->response->msg, &a);
	if (refused_unchallenged(r, result))
		return;
	if (f->state == REGISTRATION_UNREGISTERING) {
		if (!any_busy(r) && emit_terminated(r, "unregistered"))
			finish(r, ENDPOINT_CLOSED, result);
		return;
	}
	if (a.malformed && r->config.what != REGISTRATION_REMOVE_ALL) {
		if (f->state != REGISTRATION_REGISTERED || emit_terminated(r, "rejected"))
			finish_lost(r, -FAIL_PROTOCOL, "200 OK, but its Contact is malformed");
		return;
	}
	if (r->config.what == REGISTRATION_REMOVE && !r->queried && r->config.contact_count == 0 &&
		r->endpoint->config.instance.n == 0 && collect_removals(f, &a)) {
		net_later(endpoint_loop(), &f->timer); /* the next request goes out from the loop:
							  this one is in its handler */
		return;
	}
	if (r->config.what != REGISTRATION_ADD) {
		bool there = r->config.what == REGISTRATION_QUERY && a.contact_count > 0;

		if (!a.listed)
			a.expires = 0;
		if (emit_state(f, &a, there ? "registered" : "unregistered", 0) && !r->stopping)
			finish(r, ENDPOINT_DONE, result);
		return;
	}
	if (a.expires == 0 || (a.contact_count > 0 && !a.listed)) { /* A77 */
		bool was = f->state == REGISTRATION_REGISTERED;

		if (!was || emit_terminated(r, "deactivated"))
			finish_lost(r, was ? -FAIL_ENDED : -FAIL_PROTOCOL,
				was ? "the server has dropped the binding"
				    : "200 OK, but our contact is not among the bindings");
		return;
	}
	if (a.added && f->state == REGISTRATION_REGISTERED) /* RG-17 */
		binding_reset(f);
	else
		registered(f, result, &a);
}

static void failed(struct registration_flow *f, const struct endpoint_result *result)
{
	struct registration *r = f->registration;

	if (f->state == REGISTRATION_UNREGISTERING) { /* RG-08: it ends in either case */
		if (!any_busy(r) && emit_terminated(r, "unregistered"))
			finish(r, ENDPOINT_CLOSED, result);
		return;
	}
	if (r->endpoint->refuse) /* RG-12: the loss of the flow ends it, from the loop */
		return;
	if (f->state != REGISTRATION_REGISTERED && !f->anew) {
		finish(r, ENDPOINT_FAILED, result);
		return;
	}
	if (!backoff_is_final(result)) {
		struct str detail = str_of(result->fail.text);

		keepalive_stop(&f->keepalive);
		if (recover(f, backoff_because(result), detail))
			return;
		if (emit_terminated(r, "expired"))
			finish_lost(r, -FAIL_LOST, result->fail.text);
		return;
	}
	if (emit_terminated(r, "rejected"))
		finish(r, ENDPOINT_FAILED, result);
}

/* ---- the server ends it: RG-09, RG-10 ---- */

/* The REGISTER made the dialog that this belongs to: its Call-ID and our tag are all there is. */
static struct registration_flow *find_flow(struct endpoint_manager *m, const struct sip_msg *msg)
{
	LIST_EACH (it, &m->endpoints) {
		struct endpoint *ep = CONTAINER_OF(it, struct endpoint, node);
		struct registration *r = ep->registration;

		for (unsigned i = 0; r && ep->config.dialect == ENDPOINT_OCS && i < r->flow_count;
			i++)
			if (!r->ended && r->flows[i].cseq > 0 &&
				str_eq(sip_msg_call_id(msg), str_of(r->flows[i].call_id)) &&
				str_eq(sip_msg_to_tag(msg), str_of(r->flows[i].from_tag)))
				return &r->flows[i];
	}
	return NULL;
}

static void deregistered(struct registration_flow *f, const struct registration_notice *n,
	const struct endpoint_msg *msg)
{
	struct registration *r = f->registration;
	const struct endpoint_registration e = {
		.cause = n->cause, .detail = n->words, .msg = msg
	};
	bool again = n->again && r->config.keep;
	char text[160];
	size_t at;

	at = (size_t)snprintf(
		text, sizeof(text), "deregistered by the server: %s (%s)", n->cause, n->words);
	if (msg->ms_diagnostics_id && at < sizeof(text))
		snprintf(text + at, sizeof(text) - at, ": %u %.*s", msg->ms_diagnostics_id,
			STR_ARG(msg->ms_diagnostics_reason));
	if (again) {
		begin_anew(f);
		go_back(r);
		emit_over(r, &e);
		return;
	}
	r->ended = true;
	set_states(r, REGISTRATION_UNREGISTERED);
	auth_forget(r->endpoint->auth); /* so has the server */
	session_lose_all(r->endpoint, text);
	subscription_lose_all(r->endpoint);
	if (emit_over(r, &e))
		finish_lost(r, -FAIL_ENDED, text);
}

bool registration_notified(struct endpoint_manager *m, struct transaction *t, struct sip_msg *msg,
	struct net_flow *flow)
{
	struct registration_notice notice = { NULL, NULL, false };
	struct registration_flow *f = NULL;
	const bool *gone = m->gone;
	struct dispatch_text text;
	struct endpoint_msg description;
	struct sip_event event;
	unsigned status;

	if ((msg->method != SIP_NOTIFY && msg->method != SIP_BENOTIFY) ||
		!sip_event_parse(sip_msg_value(msg, SIP_HDR_EVENT), &event) ||
		!str_ieq(event.package, STR("registration-notify")) || !(f = find_flow(m, msg)))
		return false;
	status = registration_ocs_event(msg, &notice) ? 200 : 400;
	if (msg->method == SIP_NOTIFY) /* AR-12 */
		transaction_answer(t, status, NULL);
	transaction_free(t);
	dispatch_describe_msg(msg, flow, &text, &description);
	description.replied = msg->method == SIP_NOTIFY ? status : 0;
	endpoint_emit(f->registration->endpoint,
		&(struct endpoint_event){ .type = ENDPOINT_REQUEST, .msg = &description });
	/* the handler may have ended it */
	if (status == 200 && !(gone && *gone) && (f = find_flow(m, msg)) != NULL &&
		!f->registration->stopping)
		deregistered(f, &notice, &description);
	return true;
}

static void on_request(void *arg, const struct endpoint_event *ev)
{
	struct registration_flow *f = arg;

	switch (ev->type) {
	case ENDPOINT_DONE:
		f->busy = false;
		if (f->index == 0)
			request_renewed(f->registration->endpoint, NULL);
		succeeded(f, ev->result);
		break;
	case ENDPOINT_FAILED:
		f->busy = false;
		if (f->index == 0)
			request_renewed(f->registration->endpoint, &ev->result->fail);
		failed(f, ev->result);
		break;
	default:
		emit(f->registration, ev);
	}
}

/* ---- sending ---- */

static int send_register(struct registration_flow *f, struct fail *fail)
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
		.on_event = on_request,
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

/* Each registration flow has an id of its own, from 1 (RFC 5626 4.2). */
static bool are_reg_ids(const unsigned *ids, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (ids[i] == 0 || ids[i] > INT32_MAX)
			return false;
		for (unsigned k = 0; k < i; k++)
			if (ids[k] == ids[i])
				return false;
	}
	return true;
}

static bool is_method_list(struct str text)
{
	struct scan s = scan_str(text);

	if (text.n == 0)
		return true;
	do {
		if (!scan_run(&s, CH_TOKEN, NULL))
			return false;
	} while (scan_sep(&s, ','));
	return scan_end(&s);
}

/* PROVIDER,PRID[,PARAM], each the value of a URI parameter. */
static bool is_push(struct str text)
{
	struct str part, rest = text;
	unsigned n = 0;

	while (rest.n > 0) {
		struct scan s;

		if (!str_cut(rest, ',', &part, &rest)) {
			part = rest;
			rest = STR_EMPTY;
		}
		s = scan_str(part);
		while (scan_run(&s, CH_PARAM, NULL) || scan_char(&s, '%'))
			;
		if (part.n == 0 || !scan_end(&s))
			return false;
		n++;
	}
	return text.n == 0 || n == 2 || n == 3;
}

static int check(const struct registration_config *c, struct fail *f)
{
	struct sip_uri uri;

	if (c->endpoint->config.kind != ENDPOINT_SERVER_BASED)
		return fail_set(f, -FAIL_STATE, "only a server-based endpoint registers");
	if (c->endpoint->config.aor.n == 0)
		return fail_set(f, -FAIL_ARGUMENT, "a registration needs an address of record");
	if (c->endpoint->registration || c->endpoint->stopping)
		return fail_set(f, -FAIL_STATE,
			"the endpoint is registered already, or is closed"); /* RG-02 */
	if (c->reg_id_count > REGISTRATION_FLOWS)
		return fail_set(f, -FAIL_LIMIT, "at most %d reg-ids", REGISTRATION_FLOWS);
	if (!are_reg_ids(c->reg_ids, c->reg_id_count))
		return fail_set(f, -FAIL_ARGUMENT, "each reg-id is a number of its own, from 1");
	if (c->outbound && c->endpoint->config.instance.n == 0)
		return fail_set(f, -FAIL_ARGUMENT, "outbound needs an instance"); /* RFC 5626 4.2 */
	if (c->outbound && c->endpoint->config.dialect == ENDPOINT_OCS)
		return fail_set(f, -FAIL_ARGUMENT, "dialect ocs has no outbound");
	if (c->follow > 5)
		return fail_set(f, -FAIL_ARGUMENT, "at most 5 redirects are followed"); /* RG-16 */
	for (unsigned i = 0; i < c->contact_count; i++)
		if (!sip_uri_parse(c->contacts[i], &uri))
			return fail_set(f, -FAIL_ARGUMENT, "\"" STR_FMT "\" is not a URI",
				STR_ARG(c->contacts[i]));
	for (unsigned i = 0; i < c->path_count; i++)
		if (!sip_uri_parse(c->paths[i], &uri))
			return fail_set(f, -FAIL_ARGUMENT, "\"" STR_FMT "\" is not a URI",
				STR_ARG(c->paths[i]));
	if (c->third_party.n > 0 && !sip_uri_parse(c->third_party, &uri))
		return fail_set(
			f, -FAIL_ARGUMENT, "\"" STR_FMT "\" is not a URI", STR_ARG(c->third_party));
	if (!is_method_list(c->methods) || !is_push(c->push) || c->q > 1000)
		return fail_set(f, -FAIL_ARGUMENT,
			"a list of methods, a push resource or a q value is malformed");
	return 0;
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
	int e = check(config, f);

	if (e != 0)
		return e;
	r = make(config);
	for (unsigned i = 0; i < r->flow_count; i++)
		if ((e = send_register(&r->flows[i], f)) != 0) {
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
	return send_register(&r->flows[0], &f);
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
			send_register(&r->flows[i], &f);
		} else {
			request_free(r->flows[i].request);
			r->flows[i].request = NULL;
		}
	}
	if (!any_busy(r))
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
	int e = check(config, f);

	if (e != 0)
		return e;
	r = make(config);
	e = send_register(&r->flows[0], f);
	if (e == 0)
		e = request_dump(r->flows[0].request, out, f);
	registration_free(r);
	return e;
}
