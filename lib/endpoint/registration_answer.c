/* lib/endpoint/registration_answer.c -- what a registration makes of the answers to its REGISTER:
 * the next refresh, another try, the end. RFC 3261 section 10.2.4 to 10.2.7; rows RG- of ucma.md;
 * ruling 5 */
#include "endpoint/registration_impl.h"

#include "base/text.h"
#include "endpoint/session_impl.h"

#include <string.h>

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
	registration_emit(r, &(struct endpoint_event){ .type = ENDPOINT_RETRY, .retry = &retry });
	return true;
}

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

	return registration_emit(f->registration,
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
		registration_finish(r, ENDPOINT_DONE, result);
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
	registration_finish(r, ENDPOINT_FAILED, &copy);
	return true;
}

void registration_begin_anew(struct registration_flow *f)
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
	registration_begin_anew(f);
	registration_emit_over(
		f->registration, &(struct endpoint_registration){ .cause = "binding-reset",
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
		if (!registration_is_busy(r) && registration_emit_terminated(r, "unregistered"))
			registration_finish(r, ENDPOINT_CLOSED, result);
		return;
	}
	if (a.malformed && r->config.what != REGISTRATION_REMOVE_ALL) {
		if (f->state != REGISTRATION_REGISTERED ||
			registration_emit_terminated(r, "rejected"))
			registration_finish_lost(
				r, -FAIL_PROTOCOL, "200 OK, but its Contact is malformed");
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
			registration_finish(r, ENDPOINT_DONE, result);
		return;
	}
	if (a.expires == 0 || (a.contact_count > 0 && !a.listed)) { /* A77 */
		bool was = f->state == REGISTRATION_REGISTERED;

		if (!was || registration_emit_terminated(r, "deactivated"))
			registration_finish_lost(r, was ? -FAIL_ENDED : -FAIL_PROTOCOL,
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
		if (!registration_is_busy(r) && registration_emit_terminated(r, "unregistered"))
			registration_finish(r, ENDPOINT_CLOSED, result);
		return;
	}
	if (r->endpoint->refuse) /* RG-12: the loss of the flow ends it, from the loop */
		return;
	if (f->state != REGISTRATION_REGISTERED && !f->anew) {
		registration_finish(r, ENDPOINT_FAILED, result);
		return;
	}
	if (!backoff_is_final(result)) {
		struct str detail = str_of(result->fail.text);

		keepalive_stop(&f->keepalive);
		if (recover(f, backoff_because(result), detail))
			return;
		if (registration_emit_terminated(r, "expired"))
			registration_finish_lost(r, -FAIL_LOST, result->fail.text);
		return;
	}
	if (registration_emit_terminated(r, "rejected"))
		registration_finish(r, ENDPOINT_FAILED, result);
}

void registration_on_request(void *arg, const struct endpoint_event *ev)
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
		registration_emit(f->registration, ev);
	}
}
