/* lib/endpoint/request_ticket.c -- a request waits for a Kerberos ticket, which a child process
 * asks the KDC for (ruling 15) */
#include "endpoint/request_impl.h"

/* As long as an answer of the server may take. */
static uint64_t patience_ms(const struct request *r)
{
	uint32_t t1 = r->endpoint->manager->config.timers.t1;

	return r->config.timeout_ms ? r->config.timeout_ms : 64 * (uint64_t)(t1 ? t1 : 500);
}

static void ask(struct request *r, const struct kerberos_wish *w, ticket_fn *fn)
{
	struct fail f;

	r->state = REQUEST_TICKET;
	if (ticket_start(&r->ticket, w, patience_ms(r), fn, r, &f) != 0) {
		f.code = -FAIL_LOCAL;
		request_finish(r, &f);
	}
}

/* ---- before the first packet: a password's ticket-granting ticket ---- */

static void on_first(void *arg, const struct kerberos_ticket *t)
{
	struct request *r = arg;
	enum auth_cause cause = AUTH_CAUSE_NONE;
	struct fail f = { 0 };
	int e = auth_first_ticket(r->endpoint->auth, t, &cause, &f);

	if (e == 0) {
		request_begin(r);
		return;
	}
	f.code = e;
	r->result.cause = auth_cause_name(cause);
	request_finish(r, &f);
}

bool request_first_ticket(struct request *r)
{
	struct auth *auth = r->endpoint->ops->auth(r->endpoint);
	struct kerberos_wish w;

	if (!auth || !auth_first_wish(auth, &r->arena, &w))
		return false;
	ask(r, &w, on_first);
	return true;
}

/* ---- once a challenge has named the service ---- */

static void on_ticket(void *arg, const struct kerberos_ticket *t)
{
	struct request *r = arg;
	struct fail f = { 0 };
	int e;

	if (!r->flow || net_flow_info(r->flow)->closed) {
		request_attempt_failed(
			r, &(struct fail){ -FAIL_CONNECT, "the connection was closed meanwhile" });
		return;
	}
	e = auth_ticket(r->endpoint->auth, r->exchange, t, r->final, net_now_ms(), &f);
	if (e == 0 && t->cause == KERBEROS_NO_CAUSE)
		request_send(r);
	else
		request_answer_challenge(r, e, &f);
}

void request_ticket(struct request *r)
{
	ask(r, auth_wish(r->exchange), on_ticket);
}
