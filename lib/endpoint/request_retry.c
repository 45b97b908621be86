/* lib/endpoint/request_retry.c -- what a final response or a failure means: challenge, 423,
 * redirect, the next target, the one repeat for Retry-After, --retry, or the end. Rulings 3 and 4
 */
#include "endpoint/request_impl.h"
#include "endpoint/secure.h"

#include "base/mem.h"
#include "sip/build.h"
#include "sip/delta.h"
#include "sip/param.h"

#include <stdio.h>
#include <string.h>

/* ---- redirects, 8.1.3.4 ---- */

static bool is_register(const struct request *r)
{
	return str_eq(r->config.method, STR("REGISTER"));
}

static bool in_list(const struct redirect *list, unsigned n, const struct sip_uri *uri)
{
	struct sip_uri other;

	for (unsigned i = 0; i < n; i++)
		if (sip_uri_parse(list[i].uri, &other) && sip_uri_equal(&other, uri))
			return true;
	return false;
}

static bool is_sips(struct str text)
{
	struct sip_uri uri;

	return sip_uri_parse(text, &uri) && uri.scheme == SIP_URI_SIPS;
}

/* Puts a Contact behind those of the same q; the headers and the method of its URI mean nothing to
 * us (19.1.5). */
static void remember(struct request *r, const struct sip_nameaddr *a)
{
	CLEANUP(buf_done) struct buf uri = BUF_INIT(1 << 16);
	struct str q_text;
	unsigned q = 1000, at = r->tried_count;
	struct redirect *set = r->redirects;

	sip_uri_write_request(&uri, &a->uri);
	if (sip_param(a->params, "q", &q_text))
		sip_qvalue_parse(q_text, &q);
	while (at < r->redirect_count && set[at].q >= q)
		at++;
	for (unsigned i = r->redirect_count; i > at; i--)
		set[i] = set[i - 1];
	set[at] = (struct redirect){ arena_str(&r->arena, buf_str(&uri)), q };
	r->redirect_count++;
}

/* The Contacts that are SIP URIs, no step down from sips, and not known: "MUST NOT add a URI that
 * was in the target set". At most ten of them (A73). */
static void collect(struct request *r, const struct sip_msg *m)
{
	struct sip_list l = sip_msg_list(m, SIP_HDR_CONTACT);
	struct str asked = is_register(r) ? r->hop_uri : r->target;
	bool sips = is_sips(r->target) || is_sips(r->config.target) || is_sips(asked);
	struct sip_nameaddr a;

	if (r->redirect_count == 0) {
		r->redirects[0] = (struct redirect){ asked, 1000 };
		r->redirect_count = r->tried_count = 1;
	}
	while (r->redirect_count < REQUEST_REDIRECTS && sip_list_nameaddr(&l, &a))
		if (!a.star && a.uri.scheme <= SIP_URI_SIPS &&
			(!sips || a.uri.scheme == SIP_URI_SIPS) &&
			!in_list(r->redirects, r->redirect_count, &a.uri))
			remember(r, &a);
}

/* Goes on to the best Contact that is left. A server-based endpoint goes there through its server
 * (SE-07), except that a redirected REGISTER goes to the new one (RG-16). */
static bool next_contact(struct request *r)
{
	struct str uri;

	if (r->tried_count >= r->redirect_count)
		return false;
	uri = r->redirects[r->tried_count++].uri;
	auth_exchange_done(r->exchange); /* A39: what the old server asked for is not for the new */
	r->grown = false;
	request_drop_flow(r);
	if (is_register(r)) {
		struct str *server = arena_alloc(&r->endpoint->arena, sizeof(*server));

		auth_forget(
			r->endpoint->auth); /* 1.10: the old server's association is not for it */
		*server = arena_str(&r->endpoint->arena, uri);
		r->endpoint->config.servers = server;
		r->endpoint->config.server_count = 1;
	} else {
		r->target = uri;
	}
	r->hop = 0;
	request_locate(r);
	return true;
}

/* ---- failures of one target ---- */

/* The most that a UDP datagram can carry over IPv4. */
enum { UDP_PAYLOAD_MAX = 65535 - 20 - 8 };

static bool next_target(struct request *r)
{
	struct resolve *v = &r->resolve;

	if (r->config.fixed_target || r->config.keep_flow)
		return false;
	if (r->grown && r->current.transport == NET_TCP && r->wire.n <= UDP_PAYLOAD_MAX) {
		/* 18.1.1: "if the attempt is refused, SHOULD retry over UDP". */
		r->current.transport = NET_UDP;
		request_try(r);
		return true;
	}
	if (r->resolved && r->target_index + 1 < v->count) {
		r->current = v->targets[++r->target_index];
		r->grown = false;
		auth_exchange_next(r->exchange); /* what was answered there is not refused here */
		request_try(r);
		return true;
	}
	return false;
}

/* The next server of the failover list. */
static bool next_server(struct request *r)
{
	struct str uri;

	if (r->config.fixed_target || r->config.keep_flow || r->config.dialog ||
		!r->endpoint->ops->next_hop(
			r->endpoint, r->target, r->config.flow_index, r->hop + 1, &uri))
		return false;
	r->hop++;
	r->grown = false;
	auth_exchange_next(r->exchange);
	request_drop_flow(r);
	request_locate(r);
	return true;
}

static uint64_t backoff(struct request *r)
{
	uint64_t wait;

	if (r->delay_ms == 0)
		r->delay_ms = r->config.retry.delay_ms ? r->config.retry.delay_ms : 1000;
	wait = r->delay_ms;
	r->delay_ms *= 2;
	return wait;
}

static bool may_retry(const struct request *r, uint64_t wait)
{
	const struct request_retry *c = &r->config.retry;

	if (r->config.fixed_target || r->attempt > c->count)
		return false;
	return c->max_ms == 0 || net_now_ms() + wait - r->started_ms <= c->max_ms;
}

static bool is_connect_failure(int code)
{
	return code == -FAIL_CONNECT || (code < 0 && code > -FAIL_FIRST);
}

/* A target failed without a response: the next one, the next server, --retry, the end. */
void request_attempt_failed(struct request *r, const struct fail *fail)
{
	struct fail f = *fail; /* it may live in what is dropped below */
	uint64_t wait;

	if (r->cancelled) {
		request_finish(r, &f);
		return;
	}
	if (r->current.addr.u.sa.sa_family != AF_UNSPEC && f.code != -FAIL_DNS)
		resolve_dead_add(r->endpoint->manager->dead, r->current.transport, &r->current.addr,
			net_now_ms());
	/* A certificate that is not the peer's ends it: another target under the same name may be
	 * an attacker's choice, but it must prove the same name, so it is tried. */
	if (next_target(r) || next_server(r) || next_contact(r))
		return;
	wait = backoff(r);
	if ((f.code == -FAIL_TIMEOUT ||
		    (is_connect_failure(f.code) && r->config.retry.connrefused)) &&
		may_retry(r, wait)) {
		request_pause(
			r, wait, f.code == -FAIL_TIMEOUT ? "timeout" : "connect", str_of(f.text));
		return;
	}
	/* What an earlier attempt was answered (401, 423, 503) is not what this one came to. */
	sip_msg_unref(r->final);
	r->final = NULL;
	request_finish(r, &f);
}

/* ---- final responses ---- */

static void fail_with_status(struct request *r, struct sip_msg *m, const char *more)
{
	struct fail f;

	fail_set(&f, -FAIL_STATUS, "%u " STR_FMT "%s", m->status, STR_ARG(m->reason), more);
	request_finish(r, &f);
}

static void on_challenge(struct request *r, struct sip_msg *m)
{
	struct auth *auth = r->endpoint->ops->auth(r->endpoint);
	struct fail f = { 0 };
	int e;

	if (!auth) {
		r->result.cause = auth_cause_name(AUTH_PEER_TO_PEER);
		fail_set(&f, -FAIL_CREDENTIALS,
			"%u " STR_FMT ": a peer-to-peer endpoint answers no challenge; add "
			"--server or --register",
			m->status, STR_ARG(m->reason));
		request_finish(r, &f);
		return;
	}
	if (request_waits_for_renewal(r, m))
		return;
	r->exchange->datagram = net_flow_info(r->flow)->transport == NET_UDP;
	e = auth_challenged(auth, r->exchange, m, net_now_ms(), &f);
	request_answer_challenge(r, e, &f);
}

/* A challenge was chosen, or none can be (e): tells of it and sends the request again. */
void request_answer_challenge(struct request *r, int e, struct fail *f)
{
	const struct auth_info *i = &r->exchange->info;
	struct endpoint_auth info;

	if (e != 0) {
		f->code = e;
		r->result.cause = auth_cause_name(r->exchange->cause);
		request_finish(r, f);
		return;
	}
	if (i->signs)
		secure_begin(r->endpoint);
	info = (struct endpoint_auth){ .scheme = i->scheme,
		.chosen = i->chosen,
		.qop = i->qop,
		.source = i->source,
		.offered = i->offered,
		.offered_count = i->offered_count,
		.realm = i->realm,
		.user = i->user,
		.stale = i->stale,
		.step = i->step,
		.target = i->target,
		.version = i->version };
	if (!request_tell_owner(
		    r, &(struct endpoint_event){ .type = ENDPOINT_CHALLENGED, .auth = &info }))
		return;
	if (auth_wish(r->exchange))
		request_ticket(r);
	else
		request_send(r);
}

/* 10.2.8: once more with the least that the server takes; a server that then wants more again is
 * refused (A76). */
static bool raise_expires(struct request *r, struct sip_msg *m)
{
	uint32_t least;

	if (m->status != 423 || !r->config.has_expires || r->min_expires_done ||
		!sip_msg_seconds(m, SIP_HDR_MIN_EXPIRES, &least) || least <= r->expires)
		return false;
	r->min_expires_done = true;
	r->expires = least;
	request_send(r);
	return true;
}

static bool follow(struct request *r, struct sip_msg *m)
{
	if (m->status < 300 || m->status > 399 || r->result.counts.redirects >= r->config.follow)
		return false;
	collect(r, m);
	if (r->tried_count >= r->redirect_count)
		return false;
	r->result.counts.redirects++;
	return next_contact(r);
}

/* Statuses that --retry repeats. */
static bool is_transient(unsigned status)
{
	return status == 408 || status == 480 || status == 500 || status == 503 || status == 504;
}

static bool repeat_later(struct request *r, struct sip_msg *m)
{
	uint32_t after = 0;
	bool has = sip_retry_after_parse(sip_msg_value(m, SIP_HDR_RETRY_AFTER), &after);
	uint32_t t1 = r->endpoint->manager->config.timers.t1;
	uint64_t limit = r->config.timeout_ms ? r->config.timeout_ms
			 : t1                 ? 64 * (uint64_t)t1
					      : 32000;
	uint64_t wait;
	char detail[80];

	snprintf(detail, sizeof(detail), "%u %.*s", m->status, STR_ARG(m->reason));
	if (after > 3600)
		after = 3600; /* A77: no peer puts us to sleep for years */
	if (r->config.retry.count > 0) {
		wait = backoff(r);
		if (has && !r->config.retry.no_retry_after && (uint64_t)after * 1000 > wait)
			wait = (uint64_t)after * 1000;
		if (!is_transient(m->status) || !may_retry(r, wait))
			return false;
		request_pause(r, wait, "status", str_of(detail));
		return true;
	}
	/* EP-25: exactly one more. */
	if (!has || r->config.retry.no_retry_after || r->retry_after_done ||
		r->config.fixed_target || (uint64_t)after * 1000 > limit)
		return false;
	r->retry_after_done = true;
	request_pause(r, (uint64_t)after * 1000, "retry-after", str_of(detail));
	return true;
}

static void on_success(struct request *r, struct sip_msg *m)
{
	struct auth *auth = r->endpoint->ops->auth(r->endpoint);
	const struct auth_request ar = { r->config.method, r->target, r->config.body };
	struct fail f = { 0 };

	if (auth && auth_accepted(auth, r->exchange, m, &ar, &f) != 0) {
		r->result.cause = auth_cause_name(r->exchange->cause);
		request_finish(r, &f);
		return;
	}
	r->result.authenticated =
		auth_exchange_sent(r->exchange) || (auth && auth_established(auth, net_now_ms()));
	request_finish(r, NULL);
}

void request_final(struct request *r, struct sip_msg *m)
{
	struct auth *auth = r->endpoint->ops->auth(r->endpoint);

	sip_msg_unref(r->final);
	r->final = sip_msg_ref(m);
	r->result.after_ringing = r->after_ringing;
	if (m->status < 300) {
		on_success(r, m);
		return;
	}
	if (r->cancelled) {
		fail_with_status(r, m, "");
		return;
	}
	if (m->status == 401 || m->status == 407) {
		on_challenge(r, m);
		return;
	}
	if (raise_expires(r, m) || follow(r, m))
		return;
	if (m->status == 503) { /* RFC 3263 4.3: a 503 is a failure of this target */
		resolve_dead_add(r->endpoint->manager->dead, r->current.transport, &r->current.addr,
			net_now_ms());
		if (next_target(r) || next_server(r))
			return;
	}
	if ((m->status < 600 && next_contact(r)) || repeat_later(r, m))
		return;
	if (auth && m->status == 403) {
		struct fail ignored;

		auth_accepted(auth, r->exchange, m,
			&(struct auth_request){ r->config.method, r->target, r->config.body },
			&ignored);
		if (r->exchange->cause == AUTH_FORBIDDEN) {
			r->result.cause = auth_cause_name(AUTH_FORBIDDEN);
			fail_with_status(r, m, " after credentials were sent");
			return;
		}
	}
	fail_with_status(r, m, "");
}
