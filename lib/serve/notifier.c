/* lib/serve/notifier.c -- one subscription: its dialog, its time, and its NOTIFYs, of which one is
 * on its way at a time. RFC 6665 section 4.2, RFC 5839 section 6 */
#include "serve/events.h"

#include "base/mem.h"
#include "sip/build.h"
#include "sip/param.h"

#include <stdio.h>
#include <string.h>

/* ---- life ---- */

void notifier_free(struct notifier *n, const char *reason)
{
	struct events *ev = n->events;

	ev_timer_stop(endpoint_loop(), &n->expiry);
	ev_timer_stop(endpoint_loop(), &n->wake);
	list_del(&n->node);
	ev->notifier_count--;
	request_free(n->request);
	dialog_close(&n->dialog);
	for (unsigned i = 0; i < n->view_count; i++)
		view_close(&n->views[i], reason);
	mem_free(n->views);
	mem_free(n->event_id);
	mem_free(n->watcher);
	mem_free(n->uri);
	mem_free(n);
	if (ev->stopping && ev->notifier_count == 0)
		net_later(endpoint_loop(), &ev->stopped);
}

/* From the loop: presentities and their views may be in somebody's hands now. */
static void give_up(struct notifier *n)
{
	n->over = true;
	net_later(endpoint_loop(), &n->wake);
}

void notifier_wake(struct notifier *n)
{
	n->due = true;
	if (!n->request)
		net_later(endpoint_loop(), &n->wake);
}

void notifier_again(struct notifier *n)
{
	for (unsigned i = 0; i < n->view_count; i++)
		n->views[i].full = n->views[i].due = true;
	n->list_full = n->must = true;
	notifier_wake(n);
}

void notifier_end(struct notifier *n, const char *reason, const uint32_t *retry_after)
{
	if (n->ending || n->over)
		return;
	n->ending = reason;
	n->has_retry_after = retry_after != NULL;
	n->retry_after = retry_after ? *retry_after : 0;
	n->must = true;
	ev_timer_stop(endpoint_loop(), &n->expiry);
	notifier_wake(n);
}

static void on_expiry(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct notifier *n = CONTAINER_OF(w, struct notifier, expiry);

	(void)revents;
	if (net_now_ms() < n->expires_at) {
		net_timer_set(loop, w, n->expires_at);
		return;
	}
	ev_timer_stop(loop, w);
	notifier_end(n, "timeout", NULL);
}

static void expire_after(struct notifier *n, uint32_t seconds)
{
	n->expires_at = net_now_ms() + seconds * 1000ULL;
	if (seconds > 0)
		net_timer_set(endpoint_loop(), &n->expiry, n->expires_at);
	else
		notifier_end(n, "timeout", NULL);
}

/* ---- NOTIFY ---- */

static void send_due(struct notifier *n);

/* RFC 6665 4.2.2: whoever answers 481, or not at all, has no subscription any more. */
static void on_notified(void *arg, const struct endpoint_event *ev)
{
	struct notifier *n = arg;

	if (ev->type != ENDPOINT_DONE && ev->type != ENDPOINT_FAILED)
		return;
	request_free(n->request);
	n->request = NULL;
	if (n->last)
		notifier_free(n, n->ending);
	else if (ev->type == ENDPOINT_FAILED)
		notifier_free(n, "noresource");
	else if (n->due)
		send_due(n);
}

/* Under the key of this process: another run's tags are none of ours. */
static void tag_text(uint64_t tag, char out[20])
{
	const struct str bytes = { (const char *)&tag, sizeof(tag) };

	snprintf(out, 20, "%016llx", (unsigned long long)map_hash(bytes));
}

static void write_event(const struct notifier *n, struct buf *b)
{
	const char *name = events_packages[n->package].name;

	if (n->event_id)
		sip_build_hdrf(b, SIP_HDR_EVENT, "%s;id=%s", name, n->event_id);
	else
		sip_build_hdrf(b, SIP_HDR_EVENT, "%s", name);
}

static void write_notify(void *arg, struct request *request, struct buf *b)
{
	struct notifier *n = arg;
	uint64_t now = net_now_ms();
	char tag[20];

	dialog_contact(n->dialog.endpoint, request_flow(request), n->dialog.sip.secure, b);
	write_event(n, b);
	if (n->ending && n->has_retry_after)
		sip_build_hdrf(b, SIP_HDR_SUBSCRIPTION_STATE, "terminated;reason=%s;retry-after=%u",
			n->ending, n->retry_after);
	else if (n->ending)
		sip_build_hdrf(b, SIP_HDR_SUBSCRIPTION_STATE, "terminated;reason=%s", n->ending);
	else
		sip_build_hdrf(b, SIP_HDR_SUBSCRIPTION_STATE, "active;expires=%u",
			n->expires_at > now ? (unsigned)((n->expires_at - now + 999) / 1000) : 0);
	tag_text(n->told, tag);
	sip_build_hdrf(b, SIP_HDR_SIP_ETAG, "%s", tag);
	if (n->list) /* RFC 4662 4.2 */
		buf_add_str(b, STR("Require: eventlist\r\n"));
}

static void write_state(struct notifier *n, struct state *st)
{
	if (n->list)
		lists_write(n, st);
	else
		view_write(&n->views[0], st);
	if (st->type.n == 0)
		st->type = str_of(events_packages[n->package].type);
}

static void told_state(struct notifier *n, const struct state *st)
{
	if (n->list)
		lists_told(n);
	else
		view_told(&n->views[0], st->version);
}

/* RFC 5839 6.2: "*" is always true, a tag is while the state has it. */
static bool is_suppressed(const struct notifier *n, uint64_t tag)
{
	char text[20];

	tag_text(tag, text);
	return n->dormant || (n->suppress[0] && strcmp(n->suppress, text) == 0);
}

static void send_state(struct notifier *n, const struct state *st, bool bare)
{
	struct request_config c = {
		.endpoint = n->dialog.endpoint,
		.method = n->best_effort ? STR("BENOTIFY") : STR("NOTIFY"),
		.dialog = &n->dialog,
		.max_forwards = -1,
		.write = write_notify,
		.write_arg = n,
		.on_event = on_notified,
		.arg = n,
	};

	n->told = st->tag;
	n->has_told = true;
	n->must = n->due = false;
	n->last = n->ending != NULL;
	if (!bare && st->body.n > 0) {
		c.body = buf_str(&st->body);
		c.type = st->type;
	}
	if (request_start(&c, &n->request, NULL) != 0)
		give_up(n);
	else if (!bare)
		told_state(n, st);
}

static void send_due(struct notifier *n)
{
	struct state st = { .body = BUF_INIT(EVENTS_DOCUMENT) };

	write_state(n, &st);
	if (st.body.fail && !n->ending) {
		/* More than a message can hold: there is no way to tell it, for the time being. */
		notifier_end(n, "probation", NULL);
	}
	if (n->must)
		/* Only who fetches, unsubscribes or lets it expire is told the state at the end. */
		send_state(n, &st,
			is_suppressed(n, st.tag) || st.body.fail ||
				(n->ending && strcmp(n->ending, "timeout") != 0));
	else if (is_suppressed(n, st.tag) || (n->has_told && n->told == st.tag))
		n->due = false; /* what changed has changed back, or is not to be told */
	else
		send_state(n, &st, false);
	buf_done(&st.body);
}

static void on_wake(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct notifier *n = CONTAINER_OF(w, struct notifier, wake);

	(void)loop;
	(void)revents;
	if (n->over)
		notifier_free(n, n->ending ? n->ending : "noresource");
	else if (!n->request && n->due)
		send_due(n);
}

/* ---- SUBSCRIBE ---- */

/* Suppress-If-Match: "*" or a tag. True: the condition holds (now). */
static void read_condition(struct notifier *n, const struct sip_msg *m)
{
	const struct sip_hdr *h = sip_msg_hdr_named(m, STR("Suppress-If-Match"));
	struct str tag = h ? str_trim(h->value) : STR_EMPTY;

	n->dormant = str_eq(tag, STR("*"));
	n->suppress[0] = '\0';
	if (!n->dormant && tag.n > 0 && tag.n < sizeof(n->suppress))
		snprintf(n->suppress, sizeof(n->suppress), STR_FMT, STR_ARG(tag));
}

static void write_piggyback(const struct notifier *n, uint32_t expires, struct buf *h)
{
	buf_addf(h, "Supported: ms-piggyback-first-notify\r\nms-piggyback-cseq: %u\r\n",
		(unsigned)n->dialog.sip.local_cseq);
	write_event(n, h);
	if (expires > 0)
		sip_build_hdrf(h, SIP_HDR_SUBSCRIPTION_STATE, "active;expires=%u", expires);
	else
		buf_add_str(h, STR("Subscription-State: terminated;expires=0\r\n"));
}

/* Within its dialog, RFC 6665 4.2.1 and 5839 6.3. */
static bool holds(struct notifier *n)
{
	struct state st = { .body = BUF_INIT(EVENTS_DOCUMENT) };
	bool is;

	write_state(n, &st);
	is = is_suppressed(n, st.tag);
	buf_done(&st.body);
	return is;
}

/* st: the state that it carries, or NULL. */
static void answer(struct notifier *n, struct transaction *t, unsigned status, uint32_t expires,
	const struct state *st)
{
	struct buf headers = BUF_INIT(1 << 16);
	struct dialog_response r = { .status = status, .record_route = true };

	dialog_contact(n->dialog.endpoint, transaction_flow(t),
		dialog_wants_sips(transaction_msg(t)) || n->dialog.sip.secure, &headers);
	sip_build_hdrf(&headers, SIP_HDR_EXPIRES, "%u", expires);
	if (n->list)
		buf_add_str(&headers, STR("Require: eventlist\r\n"));
	if (n->best_effort)
		buf_add_str(&headers, STR("Supported: ms-benotify\r\n"));
	if (st) {
		write_piggyback(n, expires, &headers);
		r.type = st->type;
		r.body = buf_str(&st->body);
	}
	r.headers = buf_str(&headers);
	serve_tell_request(n->events->serve, t, status);
	dialog_reply(t, &r);
	buf_done(&headers);
	transaction_free(t);
}

/* [MS-SIP] 3.4.5.1: the first notification is in the 200; another one comes when something changes.
 * Who fetches needs no more. */
static void answer_with_state(struct notifier *n, struct transaction *t, uint32_t expires)
{
	struct state st = { .body = BUF_INIT(EVENTS_DOCUMENT) };

	write_state(n, &st);
	n->told = st.tag;
	n->has_told = true;
	n->dialog.sip.local_cseq++;
	answer(n, t, 200, expires, st.body.fail ? NULL : &st);
	if (st.body.fail == 0)
		told_state(n, &st);
	buf_done(&st.body);
	if (expires > 0)
		expire_after(n, expires);
	else
		give_up(n);
}

static void refresh(struct notifier *n, struct transaction *t, const struct sip_msg *m)
{
	uint32_t expires;
	bool quiet;

	if (!events_expires(n->events->serve, t, m, &expires))
		return;
	sip_dialog_refresh(&n->dialog.sip, m);
	read_condition(n, m);
	quiet = holds(n);
	answer(n, t, quiet ? 204 : 200, expires, NULL);
	if (quiet && expires == 0) { /* RFC 5839 5.7: the 204 concludes it */
		n->ending = "timeout";
		give_up(n);
		return;
	}
	expire_after(n, expires);
	if (!quiet)
		notifier_again(n);
}

static bool is_mine(const struct notifier *n, const struct sip_event *event)
{
	return str_ieq(event->package, str_of(events_packages[n->package].name)) &&
	       str_eq(event->id, str_of(n->event_id));
}

static void on_dialog(void *arg, struct dialog *d, struct transaction *t, struct sip_msg *m,
	struct net_flow *flow)
{
	struct notifier *n = arg;
	struct sip_event event;
	unsigned status = 0;

	(void)d;
	(void)flow;
	if (!t || m->method == SIP_BENOTIFY) { /* AR-12 */
		transaction_free(t);
		return;
	}
	if (m->method != SIP_SUBSCRIBE)
		status = m->method == SIP_BYE || m->method == SIP_NOTIFY ? 481 : 405;
	else if (!sip_event_parse(sip_msg_value(m, SIP_HDR_EVENT), &event))
		status = 489;
	else if (!is_mine(n, &event) || n->ending || n->over)
		status = 481; /* there is no such subscription in this dialog, or no more */
	if (status == 0)
		refresh(n, t, m);
	else if (status == 489)
		events_bad(n->events, t, n->events->packages);
	else
		serve_answer(n->events->serve, t, status, STR_EMPTY,
			status == 405 ? STR("Allow: SUBSCRIBE\r\n") : STR_EMPTY);
}

/* Is a body of this type, of a package or a list, one that Accept lets through? RFC 6665 3.1.3:
 * without Accept the package's default. */
static bool accepts(const struct sip_msg *m, const char *type)
{
	struct sip_list l = sip_msg_list(m, SIP_HDR_ACCEPT);
	struct str range, name, rest, main, sub;

	if (!sip_msg_hdr(m, SIP_HDR_ACCEPT))
		return true;
	if (!str_cut(str_of(type), '/', &main, &sub))
		return false;
	while (sip_list_token(&l, &range)) {
		if (!str_cut(range, ';', &name, &rest))
			name = range;
		name = str_trim(name);
		if (str_eq(name, STR("*/*")) || str_ieq(name, str_of(type)) ||
			(str_ends(name, STR("/*")) && str_ieq(str_sub(name, 0, name.n - 2), main)))
			return true;
	}
	return false;
}

static bool accepts_all(const struct sip_msg *m, const struct notifier_wish *w)
{
	if (!accepts(m, events_packages[w->package].type))
		return false;
	/* RFC 4662 4.1: "any resource list subscription ... MUST include both" */
	return !w->list || (accepts(m, "multipart/related") && accepts(m, "application/rlmi+xml"));
}

static void refuse_types(struct serve *s, struct transaction *t, const struct notifier_wish *w)
{
	struct buf h = BUF_INIT(256);

	buf_addf(&h, "Accept: %s\r\n", events_packages[w->package].type);
	serve_answer(s, t, 406, STR_EMPTY, buf_str(&h));
	buf_done(&h);
}

static void open_members(struct notifier *n, const struct notifier_wish *w)
{
	n->view_count = w->member_count;
	n->views = mem_zalloc(w->member_count, sizeof(*n->views));
	n->list = n->list_full = true;
	n->uri = mem_strndup(w->list_uri.p, w->list_uri.n);
	for (unsigned i = 0; i < w->member_count; i++) {
		struct serve *s = n->events->serve;
		struct buf key = BUF_INIT(1 << 12);
		struct presentity *p = NULL;
		struct sip_uri uri;

		if (sip_uri_parse(w->members[i], &uri) && uri.scheme <= SIP_URI_SIPS &&
			uri.has_user && serve_is_self(s, &uri)) {
			serve_user_key(&uri, &key);
			p = presentity_make(n->events, buf_str(&key));
		}
		view_open(&n->views[i], p, w->package, n);
		n->views[i].uri = mem_strndup(w->members[i].p, w->members[i].n);
		buf_done(&key);
	}
}

static struct notifier *make(
	struct events *ev, const struct sip_msg *m, const struct notifier_wish *w)
{
	struct notifier *n = MEM_NEW(struct notifier);
	struct sip_nameaddr from;

	list_init(&n->node);
	list_add(&ev->notifiers, &n->node);
	ev->notifier_count++;
	n->events = ev;
	n->package = w->package;
	n->began_at = net_now_ms();
	ev_init(&n->expiry, on_expiry);
	ev_init(&n->wake, on_wake);
	if (w->event.id.n > 0)
		n->event_id = mem_strndup(w->event.id.p, w->event.id.n);
	if (sip_msg_from(m, &from))
		n->watcher = mem_strndup(from.uri.text.p, from.uri.text.n);
	else
		n->watcher = mem_strndup("", 0);
	if (w->list) {
		open_members(n, w);
	} else {
		n->view_count = 1;
		n->views = MEM_NEW(struct view);
		view_open(&n->views[0], presentity_make(ev, w->key), w->package, n);
	}
	return n;
}

static bool open_dialog(struct notifier *n, struct transaction *t, const struct sip_msg *m,
	struct net_flow *flow, struct fail *f)
{
	if (sip_dialog_from_request(&n->dialog.sip, m, transaction_tag(t),
		    net_flow_info(flow)->transport == NET_TLS, f) != 0)
		return false;
	sip_dialog_confirm(&n->dialog.sip, NULL, NULL);
	n->dialog.on_request = on_dialog;
	n->dialog.arg = n;
	if (!dialog_open(&n->dialog, n->events->endpoint)) {
		fail_set(f, -FAIL_STATE, "this dialog is there already");
		return false;
	}
	dialog_use_flow(&n->dialog, flow, m);
	return true;
}

/* What Communications Server does for who offers it. */
static void read_offers(struct notifier *n, const struct sip_msg *m, bool *piggyback)
{
	bool ocs = n->events->serve->config.ocs;

	n->best_effort = ocs && sip_msg_has_token(m, SIP_HDR_SUPPORTED, "ms-benotify") &&
			 sip_msg_has_token(m, SIP_HDR_PROXY_REQUIRE, "ms-benotify");
	*piggyback = ocs && sip_msg_has_token(m, SIP_HDR_SUPPORTED, "ms-piggyback-first-notify");
}

void notifier_subscribe(struct events *ev, struct transaction *t, struct sip_msg *m,
	struct net_flow *flow, const struct notifier_wish *w)
{
	struct serve *s = ev->serve;
	struct notifier *n;
	struct sip_nameaddr from;
	struct fail f = { 0 };
	uint32_t expires;
	bool piggyback;

	if (m->wire.n - m->body.n > EVENTS_HEAD) {
		serve_answer(s, t, 513, STR_EMPTY, STR_EMPTY);
		return;
	}
	if (sip_msg_from(m, &from) && from.uri.text.n > EVENTS_WATCHER) {
		serve_answer(s, t, 403, STR("From Too Long"), STR_EMPTY);
		return;
	}
	if (!events_expires(s, t, m, &expires))
		return;
	if (!accepts_all(m, w)) {
		refuse_types(s, t, w);
		return;
	}
	if (ev->stopping ||
		ev->view_count + (w->list ? w->member_count : 1) > s->config.max_subscriptions) {
		events_busy(s, t, ev->stopping ? "Shutting down" : "Too many subscriptions");
		return;
	}
	n = make(ev, m, w);
	if (!open_dialog(n, t, m, flow, &f)) {
		serve_answer(s, t, 400, str_of(f.text), STR_EMPTY);
		notifier_free(n, "rejected");
		return;
	}
	read_condition(n, m);
	read_offers(n, m, &piggyback);
	if (piggyback) {
		answer_with_state(n, t, expires);
		return;
	}
	answer(n, t, 200, expires, NULL);
	expire_after(n, expires);
	notifier_again(n);
}
