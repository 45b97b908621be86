/* lib/endpoint/request_renew.c -- a request that the server challenges because it has forgotten the
 * security association waits for a REGISTER to make another, and is then sent anew: "non-REGISTER
 * requests wait for REGISTER handshake" (microsoft-auth.md 1.10) */
#include "endpoint/request_impl.h"

bool request_waits_for_renewal(struct request *r, const struct sip_msg *challenge)
{
	struct endpoint *ep = r->endpoint;

	if (r->renewed || str_eq(r->config.method, STR("REGISTER")) ||
		!auth_lapsed(ep->auth, challenge, net_now_ms()) || !registration_renew(ep))
		return false;
	trace_note(ep->manager->config.trace,
		"the server has forgotten the security association: the " STR_FMT
		" waits for a REGISTER to make another",
		STR_ARG(r->config.method));
	r->renewed = r->waits_for_renewal = true;
	request_drop_flow(r);
	r->state = REQUEST_PAUSED;
	return true;
}

void request_renewed(struct endpoint *ep, const struct fail *f, const char *cause)
{
	LIST_EACH (it, &ep->requests) {
		struct request *r = CONTAINER_OF(it, struct request, all);

		if (!r->waits_for_renewal)
			continue;
		r->waits_for_renewal = false;
		if (r->state != REQUEST_PAUSED) /* it was cancelled */
			continue;
		if (!f) {
			net_later(endpoint_loop(), &r->timer);
			continue;
		}
		r->result.cause = cause;
		request_finish(r, f);
	}
}
