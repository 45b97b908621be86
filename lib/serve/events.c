/* lib/serve/events.c -- the event agent of the test server: which SUBSCRIBEs and PUBLISHs it takes,
 * its packages, its orders, its life. RFC 6665, RFC 3903, RFC 4662 */
#include "serve/events.h"

#include "base/mem.h"
#include "serve/actors.h"
#include "sip/build.h"

#include <string.h>

const struct package events_packages[PACKAGES] = {
	[PACKAGE_PRESENCE] = { "presence", "application/pidf+xml", state_presence_write },
	[PACKAGE_DIALOG] = { "dialog", "application/dialog-info+xml", calls_write },
	[PACKAGE_REG] = { "reg", "application/reginfo+xml", state_reg_write },
	[PACKAGE_MESSAGE_SUMMARY] = { "message-summary", "application/simple-message-summary",
		state_mwi_write },
	[PACKAGE_CONFERENCE] = { "conference", "application/conference-info+xml",
		state_conference_write },
	[PACKAGE_WINFO] = { "presence.winfo", "application/watcherinfo+xml", state_winfo_write },
};

static enum package_id package_of(struct str name)
{
	unsigned i = 0;

	while (i < PACKAGES && !str_ieq(name, str_of(events_packages[i].name)))
		i++;
	return (enum package_id)i;
}

/* ---- what its parts share ---- */

bool events_expires(
	struct serve *s, struct transaction *t, const struct sip_msg *m, uint32_t *seconds)
{
	const struct serve_config *c = &s->config;
	struct buf h = BUF_INIT(128);
	uint32_t n = c->max_expires;

	if (sip_msg_hdr(m, SIP_HDR_EXPIRES) && !sip_msg_seconds(m, SIP_HDR_EXPIRES, &n))
		n = c->max_expires;
	/* RFC 6665 4.2.1.1: "greater than zero and smaller than one hour and less than a
	 * notifier-configured minimum" */
	if (n > 0 && n < c->min_expires && n < 3600) {
		buf_addf(&h, "Min-Expires: %u\r\n", c->min_expires);
		serve_answer(s, t, 423, STR_EMPTY, buf_str(&h));
		buf_done(&h);
		return false;
	}
	*seconds = n < c->max_expires ? n : c->max_expires;
	return true;
}

void events_busy(struct serve *s, struct transaction *t, const char *reason)
{
	struct buf h = BUF_INIT(128);

	buf_addf(&h, "Retry-After: %u\r\n", EVENTS_RETRY_S);
	serve_answer(s, t, 503, str_of(reason), buf_str(&h));
	buf_done(&h);
}

bool events_wanted(struct state *st, uint64_t serial)
{
	/* An odd factor: any two orders and any two sets of serials differ, as hashes do. */
	st->tag = (st->tag ^ serial) * 0x9e3779b97f4a7c15ULL + 1;
	return st->full || serial > st->since;
}

/* ---- requests ---- */

static void write_packages(unsigned packages, struct buf *h)
{
	const char *lead = "Allow-Events: ";

	for (unsigned i = 0; i < PACKAGES; i++)
		if (packages >> i & 1) {
			buf_addf(h, "%s%s", lead, events_packages[i].name);
			lead = ", ";
		}
	if (packages)
		buf_add_str(h, STR("\r\n"));
}

void events_write_options(const struct serve *s, struct buf *h)
{
	unsigned packages = s->events ? s->events->packages : 0;

	write_packages(packages, h); /* RFC 6665 4.4.4 */
	if (packages)
		buf_add_str(h, STR("Supported: eventlist, recipient-list-subscribe\r\n"));
}

void events_bad(struct events *ev, struct transaction *t, unsigned packages)
{
	struct buf h = BUF_INIT(256);

	write_packages(packages, &h);
	serve_answer(ev->serve, t, 489, STR_EMPTY, buf_str(&h));
	buf_done(&h);
}

/* An address of ours: a user, somebody registered, an actor, or what an option or order made. */
static bool exists(const struct events *ev, struct str key)
{
	const struct serve *s = ev->serve;
	const struct presentity *p = presentity_get(ev, key);
	const struct record *r = registrar_record(s, key);

	return s->users.count == 0 || serve_user(s, key) || (r && r->count > 0) ||
	       actors_has(key) || (p && (p->mwi_serial || p->conference_serial));
}

static bool is_conference(const struct events *ev, struct str key)
{
	const struct presentity *p = presentity_get(ev, key);

	return p && p->conference_serial != 0;
}

/* RFC 3857 section 3: by default only the one who is watched hears who watches. */
static bool may_watch_watchers(
	struct events *ev, struct transaction *t, const struct sip_msg *m, struct str key)
{
	struct serve *s = ev->serve;
	struct buf from_key = BUF_INIT(1 << 12);
	struct sip_nameaddr from;
	bool is;

	if (!s->config.challenge || route_trusts(s, transaction_flow(t)))
		return true;
	is = sip_msg_from(m, &from) && serve_is_self(s, &from.uri);
	if (is)
		serve_user_key(&from.uri, &from_key);
	is = is && str_eq(buf_str(&from_key), key);
	buf_done(&from_key);
	if (!is)
		serve_answer(s, t, 403, STR("Not your watchers"), STR_EMPTY);
	return is;
}

static void subscribe(struct events *ev, struct transaction *t, struct sip_msg *m,
	struct net_flow *flow, struct notifier_wish *w)
{
	struct serve *s = ev->serve;
	bool eventlist = sip_msg_has_token(m, SIP_HDR_SUPPORTED, "eventlist");

	if (!proxy_proved(s, t, m, flow))
		return;
	w->list = lists_find(ev, w->key, w);
	if (w->list && !eventlist) /* RFC 4662 4.1 */
		serve_answer(s, t, 421, STR_EMPTY, STR("Require: eventlist\r\n"));
	else if (!w->list && !(w->package == PACKAGE_CONFERENCE ? is_conference(ev, w->key)
								: exists(ev, w->key)))
		serve_answer(s, t, 404, STR_EMPTY, STR_EMPTY);
	else if (w->package != PACKAGE_WINFO || w->list || may_watch_watchers(ev, t, m, w->key))
		notifier_subscribe(ev, t, m, flow, w);
}

/* The publisher is the presentity (RFC 3903 section 14.1). */
static void publish(struct events *ev, struct transaction *t, struct sip_msg *m,
	struct net_flow *flow, struct str key)
{
	struct serve *s = ev->serve;
	struct arena arena = { 0 };
	struct str user;
	bool good = true;

	if (s->config.challenge && !route_trusts(s, flow)) {
		good = challenge_passed(s, t, m, false, &user, &arena);
		if (good && !str_eq(user, key)) {
			serve_answer(s, t, 403, STR("Not your address"), STR_EMPTY);
			good = false;
		}
	}
	arena_done(&arena);
	if (good && !exists(ev, key))
		serve_answer(s, t, 404, STR_EMPTY, STR_EMPTY);
	else if (good)
		publisher_request(ev, t, m, key);
}

static void take(struct events *ev, struct transaction *t, struct sip_msg *m, struct net_flow *flow,
	const struct sip_uri *uri)
{
	/* The last one only in dialect ocs. */
	const char *const known[] = { "eventlist", "recipient-list-subscribe",
		ev->serve->config.ocs ? "adhoclist" : NULL, NULL };
	struct notifier_wish w = { .package = PACKAGES };
	struct buf key = BUF_INIT(1 << 12);

	if (sip_event_parse(sip_msg_value(m, SIP_HDR_EVENT), &w.event))
		w.package = package_of(w.event.package);
	serve_user_key(uri, &key);
	w.key = buf_str(&key);
	if (serve_unsupported(ev->serve, t, m, known) || proxy_unsupported(ev->serve, t, m)) {
		/* answered */
	} else if (m->method == SIP_PUBLISH) {
		if (w.package != PACKAGE_PRESENCE || !events_has(ev, w.package))
			events_bad(ev, t, ev->packages & 1U << PACKAGE_PRESENCE);
		else
			publish(ev, t, m, flow, w.key);
	} else if (w.package == PACKAGES || !events_has(ev, w.package)) {
		events_bad(ev, t, ev->packages);
	} else if (uri->has_user && !lists_is_request(ev, m)) {
		subscribe(ev, t, m, flow, &w);
	} else if (proxy_proved(ev->serve, t, m, flow)) {
		lists_request(ev, t, m, flow, &w);
	}
	buf_done(&key);
}

/* Requests for a certain phone (a GRUU), by a static route, or within a dialog that goes through us
 * are the proxy's; those for actors who say by their name how they answer are the actors'. */
static bool is_ours(
	const struct events *ev, struct sip_msg *m, const struct sip_uri *uri, bool *within)
{
	struct serve *s = ev->serve;
	struct net_flow *flow = NULL;
	struct str gr;

	*within = sip_msg_to_tag(m).n > 0;
	if (uri->scheme > SIP_URI_SIPS || !serve_is_self(s, uri) || sip_uri_param(uri, "gr", &gr) ||
		(*within && sip_msg_hdr(m, SIP_HDR_ROUTE)))
		return false;
	if (!uri->has_user)
		return m->method == SIP_SUBSCRIBE &&
		       (sip_msg_has_token(m, SIP_HDR_REQUIRE, "recipient-list-subscribe") ||
			       lists_is_request(ev, m));
	if (route_find(s, uri, &flow)) {
		if (flow)
			net_flow_unref(flow);
		return false;
	}
	return !actors_decide(s, uri);
}

bool events_request(struct serve *s, struct transaction *t, struct sip_msg *m,
	struct net_flow *flow, const struct sip_uri *uri)
{
	struct events *ev = s->events;
	bool within;

	if (!ev || ev->packages == 0 || (m->method != SIP_SUBSCRIBE && m->method != SIP_PUBLISH) ||
		!is_ours(ev, m, uri, &within))
		return false;
	if (within) /* of a dialog that is not there (any more) */
		serve_answer(s, t, 481, STR_EMPTY, STR_EMPTY);
	else
		take(ev, t, m, flow, uri);
	return true;
}

/* ---- what happens elsewhere ---- */

void events_binding(struct serve *s, struct binding *b, const char *cause, bool gone)
{
	struct events *ev = s->events;
	struct presentity *p;

	if (!ev)
		return;
	b->event = cause;
	b->changed = ++ev->serial;
	if (!b->id)
		b->id = ++ev->last_id;
	p = presentity_get(ev, b->record->key);
	if (!p)
		return;
	if (gone)
		state_reg_bury(p, b, cause);
	presentity_changed(p, PACKAGE_REG);
	if (list_empty(&p->publications))
		presentity_changed(p, PACKAGE_PRESENCE);
}

/* ---- options and orders ---- */

static int set_mwi(struct events *ev, struct str user, struct str counts, struct fail *f)
{
	struct presentity *p;
	uint32_t new, old;

	if (user.n == 0 || !state_mwi_parse(counts, &new, &old))
		return fail_set(f, -FAIL_ARGUMENT, "\"" STR_FMT "\" is not NEW/OLD messages",
			STR_ARG(counts));
	p = presentity_make(ev, user);
	p->mwi_new = new;
	p->mwi_old = old;
	p->mwi_serial = ++ev->serial;
	presentity_changed(p, PACKAGE_MESSAGE_SUMMARY);
	return 0;
}

static int set_conference(struct events *ev, struct str user, struct str file, struct fail *f)
{
	struct presentity *p;
	int e;

	if (user.n == 0 || file.n == 0)
		return fail_set(f, -FAIL_ARGUMENT, "a conference needs USER and FILE");
	p = presentity_make(ev, user);
	if ((e = state_conference_read(p, file, f)) == 0)
		presentity_changed(p, PACKAGE_CONFERENCE);
	else
		presentity_tidy(p);
	return e;
}

/* Every subscription that has a view of this. */
static unsigned each_notifier(struct events *ev, struct str user, enum package_id id,
	void (*fn)(struct notifier *n, const void *arg), const void *arg)
{
	struct presentity *p = presentity_get(ev, user);
	unsigned count = 0;

	if (p)
		LIST_EACH (it, &p->views) {
			struct view *v = CONTAINER_OF(it, struct view, node);

			if (v->package != id || v->owner->list || v->owner->ending)
				continue;
			fn(v->owner, arg);
			count++;
		}
	LIST_EACH (it, &ev->notifiers) { /* lists by their name */
		struct notifier *n = CONTAINER_OF(it, struct notifier, node);
		struct notifier_wish w;

		if (!n->list || n->package != id || n->ending || !lists_find(ev, user, &w) ||
			!str_eq(w.list_uri, str_of(n->uri)))
			continue;
		fn(n, arg);
		count++;
	}
	return count;
}

struct ending {
	const char *reason;
	const uint32_t *retry_after;
};

static void end_one(struct notifier *n, const void *arg)
{
	const struct ending *e = arg;

	notifier_end(n, e->reason, e->retry_after);
}

static void repeat_one(struct notifier *n, const void *arg)
{
	(void)arg;
	notifier_again(n);
}

static int package_argument(struct str name, enum package_id *id, struct fail *f)
{
	*id = package_of(name);
	return *id < PACKAGES ? 0
			      : fail_set(f, -FAIL_ARGUMENT, "\"" STR_FMT "\" is not a package",
					STR_ARG(name));
}

/* "REASON[;retry-after=N]" */
static int read_ending(struct str text, struct ending *e, uint32_t *retry_after, struct fail *f)
{
	static const char *const reasons[] = { "deactivated", "probation", "rejected", "timeout",
		"giveup", "noresource", "invariant" };
	struct str word = text, rest = STR_EMPTY;

	str_cut(text, ';', &word, &rest);
	*e = (struct ending){ NULL, NULL };
	for (unsigned i = 0; i < ARRAY_LEN(reasons); i++)
		if (str_eq(str_trim(word), str_of(reasons[i])))
			e->reason = reasons[i];
	rest = str_trim(rest);
	if (rest.n > 0) {
		if (!str_starts(rest, STR("retry-after=")) ||
			!str_u32(str_sub(rest, 12, rest.n), retry_after))
			return fail_set(f, -FAIL_ARGUMENT, "\"" STR_FMT "\" is not retry-after=N",
				STR_ARG(rest));
		e->retry_after = retry_after;
	}
	return e->reason ? 0
			 : fail_set(f, -FAIL_ARGUMENT,
				   "\"" STR_FMT "\" is not a reason of RFC 6665", STR_ARG(word));
}

static int act_on(
	struct events *ev, struct str verb, struct str user, struct str rest, struct fail *f)
{
	struct str package = rest, reason = STR_EMPTY;
	bool terminate = str_eq(verb, STR("terminate"));
	struct ending ending;
	enum package_id id;
	uint32_t retry_after;
	unsigned count;
	int e;

	str_cut(rest, ' ', &package, &reason);
	if ((e = package_argument(package, &id, f)) != 0 ||
		(terminate && (e = read_ending(str_trim(reason), &ending, &retry_after, f)) != 0))
		return e;
	if (terminate)
		count = each_notifier(ev, user, id, end_one, &ending);
	else
		count = each_notifier(ev, user, id, repeat_one, NULL);
	return count ? 0
		     : fail_set(f, -FAIL_ARGUMENT,
			       "nobody has subscribed to " STR_FMT " of \"" STR_FMT "\"",
			       STR_ARG(package), STR_ARG(user));
}

int events_order(struct serve *s, struct str verb, struct str user, struct str rest, struct fail *f)
{
	if (str_eq(verb, STR("mwi")))
		return set_mwi(s->events, user, rest, f);
	if (str_eq(verb, STR("conference")))
		return set_conference(s->events, user, rest, f);
	return act_on(s->events, verb, user, rest, f);
}

/* Bits of the packages in "presence,dialog". */
static int read_packages(struct str list, unsigned *packages, struct fail *f)
{
	unsigned set = 0;
	enum package_id id;
	struct str name;
	int e;

	if (list.n == 0)
		set = (1U << PACKAGES) - 1;
	else if (str_eq(list, STR("none")))
		list = STR_EMPTY;
	while (list.n > 0) {
		if (!str_cut(list, ',', &name, &list)) {
			name = list;
			list = STR_EMPTY;
		}
		if ((e = package_argument(str_trim(name), &id, f)) != 0)
			return e;
		set |= 1U << id;
	}
	*packages = set;
	return 0;
}

int serve_events_check(struct str list, struct fail *f)
{
	unsigned packages;

	return list.n > 0 ? read_packages(list, &packages, f)
			  : fail_set(f, -FAIL_ARGUMENT, "no package");
}

int serve_mwi_check(struct str option, struct fail *f)
{
	struct str user, counts;
	uint32_t new, old;

	if (!str_cut(option, '=', &user, &counts) || user.n == 0 ||
		!state_mwi_parse(counts, &new, &old))
		return fail_set(
			f, -FAIL_ARGUMENT, "\"" STR_FMT "\" is not USER=NEW/OLD", STR_ARG(option));
	return 0;
}

int serve_conference_check(struct str option, struct fail *f)
{
	struct str user, file;

	if (!str_cut(option, '=', &user, &file) || user.n == 0 || file.n == 0)
		return fail_set(
			f, -FAIL_ARGUMENT, "\"" STR_FMT "\" is not USER=FILE", STR_ARG(option));
	return 0;
}

/* ---- life ---- */

static void on_event(void *arg, const struct endpoint_event *e)
{
	struct events *ev = arg;

	/* NOTIFYs that go out are no requests to us, and what arrives within our dialogs is told
	 * of with its answer. */
	if (e->type == ENDPOINT_REQUEST && e->msg->replied)
		serve_tell(
			ev->serve, &(struct serve_event){ .type = SERVE_REQUEST, .msg = e->msg });
}

static void on_stopped(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct events *ev = CONTAINER_OF(w, struct events, stopped);

	(void)loop;
	(void)revents;
	serve_tell(ev->serve, &(struct serve_event){ .type = SERVE_STOPPED });
}

static int make_endpoint(struct events *ev, struct fail *f)
{
	struct buf aor = BUF_INIT(1 << 10);
	struct endpoint_config c = {
		.manager = ev->serve->manager,
		.kind = ENDPOINT_PEER_TO_PEER,
		.transport = -1,
		.on_event = on_event,
		.arg = ev,
	};
	int e;

	buf_add_str(&aor, STR("sip:events@"));
	sip_uri_write_hostport(&aor, ev->serve->config.domain, 0);
	c.aor = buf_str(&aor);
	e = endpoint_new(&c, &ev->endpoint, f);
	buf_done(&aor);
	return e;
}

static int read_options(struct events *ev, struct fail *f)
{
	const struct serve_config *c = &ev->serve->config;
	struct str user, value;
	int e;

	if ((e = read_packages(c->events, &ev->packages, f)) != 0)
		return e;
	for (unsigned i = 0; i < c->mwi_count; i++)
		if ((e = serve_mwi_check(c->mwi[i], f)) != 0 ||
			!str_cut(c->mwi[i], '=', &user, &value) ||
			(e = set_mwi(ev, user, value, f)) != 0)
			return e;
	for (unsigned i = 0; i < c->conference_count; i++)
		if ((e = serve_conference_check(c->conferences[i], f)) != 0 ||
			!str_cut(c->conferences[i], '=', &user, &value) ||
			(e = set_conference(ev, user, value, f)) != 0)
			return e;
	return lists_open(ev, f);
}

int events_open(struct serve *s, struct fail *f)
{
	struct events *ev = MEM_NEW(struct events);
	int e;

	ev->serve = s;
	list_init(&ev->notifiers);
	list_init(&ev->all_calls);
	ev_init(&ev->stopped, on_stopped);
	s->events = ev;
	e = read_options(ev, f);
	return e != 0 ? e : make_endpoint(ev, f); /* events_close follows in any case */
}

void events_stop(struct serve *s)
{
	struct events *ev = s->events;

	ev->stopping = true;
	LIST_EACH (it, &ev->notifiers)
		/* RFC 6665 4.1.3: "the client SHOULD retry at some later time". With deactivated it
		 * would come back at once, to nobody; noresource would say that it need not come
		 * back to who serves this address next. */
		notifier_end(CONTAINER_OF(it, struct notifier, node), "probation", NULL);
	if (ev->notifier_count == 0)
		net_later(endpoint_loop(), &ev->stopped);
}

void events_close(struct serve *s)
{
	struct events *ev = s->events;
	struct list *node;

	if (!ev)
		return;
	ev->stopping = false;
	s->events = NULL;
	while ((node = list_first(&ev->notifiers)) != NULL)
		notifier_free(CONTAINER_OF(node, struct notifier, node), "noresource");
	calls_done(ev);
	lists_close(ev);
	presentity_done(ev);
	ev_timer_stop(endpoint_loop(), &ev->stopped);
	endpoint_free(ev->endpoint);
	mem_free(ev);
}
