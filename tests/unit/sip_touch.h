/* tests/unit/sip_touch.h -- calls every reader of lib/sip on a value or a message and looks at each
 * byte that comes out, so that sanitizers and guard pages see what is read too far. Shared with
 * tests/fuzz. */
#ifndef SIP_TOUCH_H
#define SIP_TOUCH_H

#include "sip/challenge.h"
#include "sip/delta.h"
#include "sip/event.h"
#include "sip/msg.h"
#include "sip/param.h"
#include "sip/warning.h"

#include <assert.h>

static inline void touch_str(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		(void)((const volatile char *)s.p)[i];
}

static inline void touch_params(struct str params)
{
	struct sip_param p;
	struct str v;

	touch_str(params);
	sip_param(params, "tag", &v);
	while (sip_param_next(&params, &p)) {
		touch_str(p.name);
		touch_str(p.value);
	}
}

static inline void touch_uri(const struct sip_uri *u)
{
	struct str v;
	bool escaped;

	touch_str(u->text);
	touch_str(u->password);
	touch_str(u->host);
	touch_str(u->params);
	touch_str(u->headers);
	if (sip_uri_param(u, "lr", &v))
		touch_str(v);
	for (v = u->user; sip_uri_char(&v, &escaped) >= 0;)
		continue;
	assert(u->has_user || u->user.n == 0);
	assert(u->scheme > SIP_URI_SIPS || u->host.n > 0);
}

static inline void touch_nameaddr(const struct sip_nameaddr *a)
{
	touch_str(a->text);
	touch_str(a->display);
	touch_params(a->params);
	if (!a->star) {
		touch_str(a->tag);
		touch_uri(&a->uri);
	}
}

static inline void touch_via(const struct sip_via *v)
{
	touch_str(v->transport);
	touch_str(v->host);
	touch_params(v->params);
	touch_str(v->branch);
	touch_str(v->received);
	touch_str(v->maddr);
	sip_via_cookie(v);
}

/* Lists end: each step takes at least one byte. */
static inline void touch_lists(struct str value)
{
	struct sip_nameaddr a;
	struct sip_warning w;
	struct sip_reason r;
	struct str rest;
	bool bad;

	for (rest = value; sip_nameaddr_next(&rest, true, &a, &bad);)
		touch_nameaddr(&a);
	for (rest = value; sip_warning_next(&rest, &w, &bad);)
		touch_str(w.text);
	for (rest = value; sip_reason_next(&rest, &r, &bad);)
		touch_str(r.text);
}

static inline void touch_credentials(struct str value)
{
	struct sip_challenge c;
	struct sip_param p;
	struct str params = value;

	if (sip_challenge_parse(value, &c)) {
		touch_str(c.scheme);
		params = c.params;
	} else {
		sip_auth_info_parse(value, &params);
	}
	touch_str(params);
	sip_challenge_get(params, "nonce", &p);
	while (sip_challenge_next(&params, &p)) {
		touch_str(p.name);
		touch_str(p.value);
	}
}

/* Every parser on one value. */
static inline void touch_value(struct str value)
{
	struct sip_subscription_state state;
	struct sip_nameaddr a;
	struct sip_event event;
	struct sip_cseq cseq;
	struct sip_uri uri;
	struct sip_via via;
	struct str rest;
	unsigned q;
	uint32_t n;
	int64_t t;

	if (sip_uri_parse(value, &uri))
		touch_uri(&uri);
	if (sip_nameaddr_parse(value, &a))
		touch_nameaddr(&a);
	for (rest = value; sip_via_parse(rest, &via, &rest) && rest.n > 0;)
		touch_via(&via);
	if (sip_cseq_parse(value, &cseq))
		touch_str(cseq.name);
	if (sip_event_parse(value, &event))
		touch_str(event.id);
	if (sip_subscription_state_parse(value, &state))
		touch_str(state.reason);
	sip_delta_parse(value, &n);
	sip_retry_after_parse(value, &n);
	sip_qvalue_parse(value, &q);
	sip_date_parse(value, &t);
	sip_hdr_id(value);
	sip_method_of(value);
	sip_uri_is_host(value);
	touch_params(value);
	touch_lists(value);
	touch_credentials(value);
}

static inline void touch_list(const struct sip_msg *m, enum sip_hdr_id id)
{
	struct sip_list l;
	struct sip_nameaddr a;
	struct sip_via v;
	struct str token;

	for (l = sip_msg_list(m, id); sip_list_nameaddr(&l, &a);)
		touch_nameaddr(&a);
	for (l = sip_msg_list(m, id); sip_list_via(&l, &v);)
		touch_via(&v);
	for (l = sip_msg_list(m, id); sip_list_token(&l, &token);)
		touch_str(token);
	sip_msg_has_token(m, id, "100rel");
}

static inline void touch_msg(const struct sip_msg *m)
{
	struct sip_nameaddr a;
	struct sip_via via;
	struct sip_cseq cseq;
	uint32_t n;

	touch_str(m->wire);
	touch_str(m->request ? m->request_uri : m->reason);
	touch_str(m->body);
	for (unsigned i = 0; i < m->hdr_count; i++) {
		const struct sip_hdr *h = &m->hdrs[i];
		touch_str(h->name);
		touch_str(h->value);
		assert(sip_msg_hdr_named(m, h->name));
		assert(h->id == SIP_HDR_OTHER || m->first[h->id]);
	}
	for (int id = 1; id < SIP_HDR_COUNT; id++) {
		if (!m->first[id])
			continue;
		touch_list(m, (enum sip_hdr_id)id);
		sip_msg_seconds(m, (enum sip_hdr_id)id, &n);
	}
	if (sip_msg_via(m, &via))
		touch_via(&via);
	if (sip_msg_from(m, &a))
		touch_nameaddr(&a);
	if (sip_msg_to(m, &a))
		touch_nameaddr(&a);
	if (sip_msg_cseq(m, &cseq))
		touch_str(cseq.name);
	touch_str(sip_msg_call_id(m));
	touch_str(sip_msg_from_tag(m));
	touch_str(sip_msg_to_tag(m));
}

/* Parses, checks and reads everything, as a datagram and as a part of a stream. */
static inline void touch_wire(struct str wire)
{
	struct sip_msg *m;
	struct fail f;
	unsigned status = 0;
	enum sip_verdict v;

	if (sip_msg_parse(wire, NULL, &m, &f) < 0) {
		assert(f.code < 0 && f.text[0]);
		return;
	}
	touch_msg(m);
	for (int datagram = 0; datagram < 2; datagram++) {
		f = (struct fail){ 0 };
		v = sip_msg_check(m, datagram, &status, &f);
		assert(v == SIP_ACCEPT || (f.code < 0 && f.text[0]));
		assert(v != SIP_REJECT || (m->request && m->method != SIP_ACK && status >= 400));
		/* The text becomes a reason phrase. */
		for (const char *p = f.text; *p; p++)
			assert((unsigned char)*p >= 0x20 && (unsigned char)*p < 0x7f);
	}
	sip_msg_unref(m);
}

#endif
