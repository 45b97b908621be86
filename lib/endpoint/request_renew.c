/* lib/endpoint/request_renew.c -- a request that the server challenges because it has forgotten the
 * security association waits for a REGISTER to make another, and is then sent anew: "non-REGISTER
 * requests wait for REGISTER handshake" (microsoft-auth.md 1.10) */
#include "endpoint/request_impl.h"

/* "one full re-handshake": the new association is not known either. */
static void give_up(struct request *r, const struct sip_msg *challenge)
{
	struct fail f;

	r->result.cause = auth_cause_name(AUTH_INVALID_CREDENTIALS);
	fail_set(&f, -FAIL_AUTH, "%u " STR_FMT " also within a new security association",
		challenge->status, STR_ARG(str_sub(challenge->reason, 0, 60)));
	request_finish(r, &f);
}

bool request_waits_for_renewal(struct request *r, const struct sip_msg *challenge)
{
	struct endpoint *ep = r->endpoint;

	if (str_eq(r->config.method, STR("REGISTER")) ||
		!auth_lapsed(ep->auth, challenge, net_now_ms()))
		return false;
	if (r->renewed) {
		give_up(r, challenge);
		return true;
	}
	if (!registration_renew(ep))
		return false;
	auth_renew(ep->auth, challenge, net_now_ms());
	trace_note(ep->manager->config.trace,
		"the server has forgotten the security association: the " STR_FMT
		" waits for a REGISTER to make another",
		STR_ARG(r->config.method));
	r->renewed = r->waits_for_renewal = true;
	request_drop_flow(r);
	sip_msg_unref(r->final);
	r->final = NULL;
	r->state = REQUEST_PAUSED;
	request_release_place(r); /* the REGISTER may need it */
	return true;
}

void request_renewed(struct endpoint *ep, const struct fail *f)
{
	LIST_EACH (it, &ep->requests) {
		struct request *r = CONTAINER_OF(it, struct request, all);
		struct fail why;

		if (!r->waits_for_renewal)
			continue;
		r->waits_for_renewal = false;
		if (r->state != REQUEST_PAUSED) /* it was cancelled */
			continue;
		if (!f) {
			request_enter(r);
			continue;
		}
		fail_set(&why, f->code == -FAIL_STATUS ? -FAIL_LOST : f->code,
			"no new security association: %s", f->text);
		request_finish(r, &why);
	}
}
