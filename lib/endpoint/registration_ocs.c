/* lib/endpoint/registration_ocs.c -- REGISTER in the forms of Office Communications Server:
 * [MS-SIPREGE] sections 2.2.1 and 3.1, [MS-SIPRE] 3.4, [MS-CONMGMT] 2.2.1; rows RG-04, RG-09,
 * RG-10, RG-17 to RG-19 */
#include "endpoint/registration_impl.h"

#include "endpoint/session_impl.h"
#include "sip/build.h"
#include "sip/event.h"
#include "sip/param.h"

#include <stdio.h>

/* RG-04: what sessions and subscriptions need. */
#define METHODS "INVITE, MESSAGE, INFO, SERVICE, OPTIONS, BYE, CANCEL, NOTIFY, BENOTIFY, ACK, REFER"

void registration_ocs_params(struct buf *b, const struct registration_flow *f)
{
	const struct endpoint_config *ec = &f->registration->endpoint->config;
	struct str methods = f->registration->config.methods;

	buf_addf(b, ";methods=\"" STR_FMT "\";proxy=replace;+sip.instance=\"<" STR_FMT ">\"",
		STR_ARG(methods.n ? methods : STR(METHODS)), STR_ARG(ec->instance));
}

void registration_ocs_headers(struct buf *b)
{
	sip_build_hdr(b, SIP_HDR_SUPPORTED,
		STR("gruu-10, adhoclist, msrtc-event-categories, com.microsoft.msrtc.presence"));
	/* [MS-SIPREGE] 3.1: it "MUST have the value registration", and subscribes to what the
	 * server may say of this binding. */
	sip_build_hdr(b, SIP_HDR_EVENT, STR("registration"));
	sip_build_named(b, STR("ms-keep-alive"), STR("UAC;hop-hop=yes"));
}

/* ---- the answer ---- */

/* The value of a header field by its name; empty: absent. */
static struct str named(const struct sip_msg *m, const char *name)
{
	const struct sip_hdr *h = sip_msg_hdr_named(m, str_of(name));

	return h ? h->value : STR_EMPTY;
}

/* UAS;tcp=no;hop-hop=yes;end-end=no;timeout=300: the seconds, or 0 when it was not agreed to. */
static uint32_t read_keepalive(const struct sip_msg *m)
{
	struct scan s = scan_str(named(m, "ms-keep-alive"));
	struct str role, params, hop, timeout;
	uint32_t seconds = 0;

	if (!scan_lws(&s) || !scan_run(&s, CH_TOKEN, &role) || !str_ieq(role, STR("UAS")) ||
		!sip_params_scan(&s, &params) || !sip_param(params, "timeout", &timeout) ||
		!str_u32(timeout, &seconds))
		return 0;
	if (sip_param(params, "hop-hop", &hop) && str_ieq(hop, STR("no")))
		return 0;
	return seconds;
}

/* RG-17, [MS-SIPREGE] 2.2.1.4 and 3.1.1.5.1: presence-state: register-action="added"; the server
 * knew no such binding, or repaired it. */
static bool read_action(const struct sip_msg *m)
{
	struct scan s = scan_str(named(m, "presence-state"));
	struct str value = named(m, "register-action");
	struct sip_param p;

	while (scan_lws(&s) && sip_param_scan(&s, &p)) {
		if (str_ieq(p.name, STR("register-action")))
			value = p.value;
		if (!scan_sep(&s, ';'))
			break;
	}
	return str_ieq(value, STR("added")) || str_ieq(value, STR("fixed"));
}

void registration_ocs_read(const struct sip_msg *m, struct registration_answer *out)
{
	out->keepalive = read_keepalive(m);
	out->added = read_action(m);
	out->adhoclist = sip_msg_has_token(m, SIP_HDR_SUPPORTED, "adhoclist");
}

struct str registration_ocs_gruu(struct str params)
{
	struct sip_uri uri;
	struct str gruu;

	/* It goes between angle brackets of our own. */
	if (!sip_param(params, "gruu", &gruu) || !sip_uri_parse(gruu, &uri) ||
		uri.scheme != SIP_URI_SIP || !sip_build_clean(gruu) || str_find(gruu, '>') < gruu.n)
		return STR_EMPTY;
	return gruu;
}

/* ---- the server ends it ---- */

bool registration_ocs_event(const struct sip_msg *m, struct registration_notice *out)
{
	/* RG-10; the causes are those of RFC 3680 and of [MS-SIPREGE] 2.2.1.13. */
	static const struct registration_notice events[] = {
		{ "unregistered", "too many endpoints", false },
		{ "rejected", "the user is disabled or was changed", false },
		{ "deactivated", "the user was moved to another server", true },
		{ "userservices-unavailable", "the user services are not available", false },
		{ "preferred-registrar-change", "another registrar is preferred", false },
	};
	struct scan s = scan_str(str_trim(m->body));
	struct str what, params, event;

	if (!scan_run(&s, CH_TOKEN, &what) || !str_ieq(what, STR("deregistered")) ||
		!sip_params_scan(&s, &params) || !scan_lws(&s) || !scan_end(&s) ||
		!sip_param(params, "event", &event))
		return false;
	*out = (struct registration_notice){ "unregistered", "for a reason not known here", false };
	for (size_t i = 0; i < ARRAY_LEN(events); i++)
		if (str_ieq(event, str_of(events[i].cause)))
			*out = events[i];
	return true;
}

/* ---- the server ends it: RG-09, RG-10 ---- */

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
		registration_begin_anew(f);
		go_back(r);
		registration_emit_over(r, &e);
		return;
	}
	r->ended = true;
	registration_set_states(r, REGISTRATION_UNREGISTERED);
	auth_forget(r->endpoint->auth); /* so has the server */
	session_lose_all(r->endpoint, text);
	subscription_lose_all(r->endpoint);
	if (registration_emit_over(r, &e))
		registration_finish_lost(r, -FAIL_ENDED, text);
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
