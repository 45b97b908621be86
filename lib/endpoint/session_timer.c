/* lib/endpoint/session_timer.c -- session timers: RFC 4028; rows SS-36 and SS-37; and how long an
 * invitation is good for */
#include "endpoint/session_impl.h"

#include "sip/build.h"
#include "sip/session_expires.h"

enum { TRY_AGAIN_MS = 2000 }; /* the least between two refreshes */

uint32_t session_min_se(const struct session_policy *p)
{
	return p->min_se > SESSION_MIN_SE ? p->min_se : SESSION_MIN_SE;
}

/* Half the interval for who refreshes; who does not ends it a little before (10). */
static void arm(struct session *s)
{
	uint64_t ms = (uint64_t)s->interval * 1000, early = ms / 3 < 32000 ? ms / 3 : 32000;

	s->expires_at = net_now_ms() + ms;
	net_timer_set(
		endpoint_loop(), &s->expiry, net_now_ms() + (s->refresher ? ms / 2 : ms - early));
}

/* From now on. 0 seconds: without. A peer that says less than the RFC's least does not make us
 * refresh more often (11.1). */
static void set(struct session *s, uint32_t seconds, bool refresher)
{
	bool first = s->interval == 0;

	if (seconds == 0) {
		s->interval = 0;
		ev_timer_stop(endpoint_loop(), &s->expiry);
		return;
	}
	s->interval = seconds < SESSION_MIN_SE ? SESSION_MIN_SE : seconds;
	s->refresher = refresher;
	s->timer_news = first ? "negotiated" : "refreshed";
	arm(s);
}

void session_timer_write(struct session *s, uint32_t expires, bool first, struct buf *b)
{
	enum session_refresher wanted = s->policy.refresher;
	const char *who = "";

	if (expires == 0)
		return;
	if (!first) /* 7.4: the roles stay */
		wanted = s->refresher ? SESSION_REFRESHER_UAC : SESSION_REFRESHER_UAS;
	if (expires < s->min_se)
		expires = s->min_se;
	if (wanted != SESSION_REFRESHER_ANY)
		who = wanted == SESSION_REFRESHER_UAC ? ";refresher=uac" : ";refresher=uas";
	sip_build_hdrf(b, SIP_HDR_SESSION_EXPIRES, "%u%s", expires, who);
	if (s->min_se > 0)
		sip_build_hdrf(b, SIP_HDR_MIN_SE, "%u", s->min_se);
}

/* Table 2 of section 9. */
static enum sip_refresher choose(const struct session *s, enum sip_refresher asked)
{
	if (!s->peer_timer)
		return SIP_REFRESHER_UAS;
	if (asked != SIP_REFRESHER_NONE)
		return asked;
	if (s->interval > 0) /* 7.4: a refresh does not change the roles */
		return s->refresher ? SIP_REFRESHER_UAS : SIP_REFRESHER_UAC;
	return s->policy.refresher == SESSION_REFRESHER_UAS ? SIP_REFRESHER_UAS : SIP_REFRESHER_UAC;
}

void session_timer_accept(struct session *s, const struct sip_msg *m, struct buf *b)
{
	struct sip_session_expires se = { 0 };
	enum sip_refresher who;
	uint32_t least = SESSION_MIN_SE, ours = s->policy.expires;

	if (sip_min_se_parse(sip_msg_value(m, SIP_HDR_MIN_SE), &least) && least > s->min_se)
		s->min_se = least; /* 7.4: ours must say so, too */
	if (least < SESSION_MIN_SE)
		least = SESSION_MIN_SE;
	if (!sip_session_expires_parse(sip_msg_value(m, SIP_HDR_SESSION_EXPIRES), &se)) {
		if (ours == 0 || !s->peer_timer) {
			set(s, 0, false);
			return;
		}
		se.seconds = ours > least ? ours : least;
	} else if (ours > 0 && ours < se.seconds) {
		se.seconds = ours > least ? ours : least; /* "MAY reduce its value" */
	}
	who = choose(s, se.refresher);
	sip_build_hdrf(b, SIP_HDR_SESSION_EXPIRES, "%u;refresher=%s", se.seconds,
		who == SIP_REFRESHER_UAC ? "uac" : "uas");
	if (s->peer_timer)
		sip_build_hdr(b, SIP_HDR_REQUIRE, STR("timer"));
	set(s, se.seconds, who == SIP_REFRESHER_UAS);
}

void session_timer_accepted(struct session *s, const struct sip_msg *m, uint32_t asked)
{
	struct sip_session_expires se;

	/* 7.2: a peer without session timers leaves us to do it alone. */
	if (!sip_session_expires_parse(sip_msg_value(m, SIP_HDR_SESSION_EXPIRES), &se))
		se = (struct sip_session_expires){ asked, SIP_REFRESHER_UAC };
	set(s, se.seconds, se.refresher != SIP_REFRESHER_UAS);
}

static bool tell(struct session *s, const char *action, const char *method)
{
	/* The role in the request that settled it is not known to a listener: uac is who sent the
	 * INVITE. */
	bool uac = s->refresher != s->incoming;
	const struct endpoint_session_timer e = {
		.id = session_id(s),
		.action = action,
		.method = method,
		.refresher = s->interval == 0 ? ""
			     : uac            ? "uac"
					      : "uas",
		.local = s->refresher,
		.session_expires = s->interval,
	};

	return session_tell(
		s, &(struct endpoint_event){ .type = ENDPOINT_SESSION_TIMER, .session_timer = &e });
}

bool session_timer_tell(struct session *s, const char *method)
{
	const char *news = s->timer_news;

	s->timer_news = NULL;
	return !news || tell(s, news, method);
}

/* 10: other failures are tried again, but not for ever: up to the expiration, with half of what is
 * left between. */
void session_timer_failed(struct session *s, const char *method)
{
	uint64_t now = net_now_ms(), left = s->expires_at > now ? s->expires_at - now : 0;

	if (s->interval > 0 && s->state == SESSION_CONFIRMED)
		net_timer_set(endpoint_loop(), &s->expiry,
			now + (left / 2 > TRY_AGAIN_MS ? left / 2 : left));
	tell(s, "failed", method);
}

static void on_expiry(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct session *s = CONTAINER_OF(w, struct session, expiry);
	struct fail f;
	uint64_t now = net_now_ms();

	(void)revents;
	ev_timer_stop(loop, w);
	if (s->state == SESSION_RINGING) {
		session_why(s, "timeout", -FAIL_TIMEOUT, "the invitation has expired");
		session_refuse(s, 487, STR_EMPTY, STR_EMPTY);
		return;
	}
	if (s->refresher && now < s->expires_at) {
		bool busy = s->change || s->got; /* what is under way may refresh as well */
		uint64_t again = busy ? now + TRY_AGAIN_MS : s->expires_at;

		net_timer_set(loop, w, again < s->expires_at ? again : s->expires_at);
		if (!busy)
			session_refresh(s, &f);
		return;
	}
	session_why(s, "timeout", -FAIL_LOST, "the session timer of %u s has expired", s->interval);
	session_end(s, STR("SIP;cause=408;text=\"Session timer expired\""));
	tell(s, "expired", NULL);
}

void session_timer_ring(struct session *s, const struct sip_msg *m)
{
	uint32_t seconds;

	if (sip_msg_seconds(m, SIP_HDR_EXPIRES, &seconds))
		net_timer_set(endpoint_loop(), &s->expiry, net_now_ms() + (uint64_t)seconds * 1000);
}

void session_timer_init(struct session *s)
{
	ev_init(&s->expiry, on_expiry);
}
