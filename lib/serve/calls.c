/* lib/serve/calls.c -- the calls that the proxy passes on and those of the actors, as the package
 * dialog tells of them: RFC 4235. One INVITE is one dialog, whoever of several phones answers; its
 * tag is that of the phone that rang or answered last. */
#include "serve/events.h"

#include "base/mem.h"
#include "sip/xml_text.h"

#include <string.h>

enum { TEXT_MAX = 512 };

struct leg { /* how one side sees it */
	struct list node; /* in presentity->legs */
	struct call *call;
	struct presentity *who; /* NULL: not of our domain */
	bool initiator;
};

struct call {
	struct map_node node; /* by Call-ID and the caller's tag */
	struct list in_all;
	struct events *events;
	struct str key;
	unsigned id;
	char *call_id, *caller_tag, *callee_tag, *caller, *callee; /* the last two: URIs */
	const char *state;
	uint64_t changed, confirmed_at;
	struct leg legs[2]; /* the caller's, the callee's */
};

static void write_key(struct buf *b, struct str call_id, struct str tag)
{
	buf_addf(b, STR_FMT "\n" STR_FMT, STR_ARG(call_id), STR_ARG(tag));
}

static struct call *find(const struct events *ev, struct str call_id, struct str tag)
{
	struct buf key = BUF_INIT(1 << 17);
	struct map_node *node;

	write_key(&key, call_id, tag);
	node = map_get(&ev->calls, buf_str(&key));
	buf_done(&key);
	return node ? CONTAINER_OF(node, struct call, node) : NULL;
}

/* ---- documents ---- */

static void write_side(struct buf *b, const char *side, const char *uri)
{
	buf_addf(b, "<%s><identity>", side);
	xml_text_write(b, str_of(uri));
	buf_addf(b, "</identity></%s>\n", side);
}

static void write_tag(struct buf *b, const char *side, const char *tag)
{
	if (!tag[0])
		return;
	buf_addf(b, " %s-tag=\"", side);
	xml_text_write(b, str_of(tag));
	buf_add_char(b, '"');
}

/* event: why it ended, or NULL. */
static void write_dialog(struct buf *b, const struct leg *l, const char *event, unsigned code)
{
	const struct call *c = l->call;

	buf_addf(b, "<dialog id=\"d%u\" call-id=\"", c->id);
	xml_text_write(b, str_of(c->call_id));
	buf_add_char(b, '"');
	write_tag(b, "local", l->initiator ? c->caller_tag : c->callee_tag);
	write_tag(b, "remote", l->initiator ? c->callee_tag : c->caller_tag);
	buf_addf(b, " direction=\"%s\">\n<state", l->initiator ? "initiator" : "recipient");
	if (event)
		buf_addf(b, " event=\"%s\"", event);
	if (code)
		buf_addf(b, " code=\"%u\"", code);
	buf_addf(b, ">%s</state>\n", c->state);
	if (c->confirmed_at)
		buf_addf(b, "<duration>%u</duration>\n",
			(unsigned)((net_now_ms() - c->confirmed_at) / 1000));
	write_side(b, "local", l->initiator ? c->caller : c->callee);
	write_side(b, "remote", l->initiator ? c->callee : c->caller);
	buf_add_str(b, STR("</dialog>\n"));
}

void calls_write(const struct view *v, struct state *st)
{
	struct buf *b = &st->body;

	buf_addf(b,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"%u\" "
		"state=\"%s\" entity=\"",
		st->version, st->full ? "full" : "partial");
	xml_text_write(b, str_of(v->who->uri));
	buf_add_str(b, STR("\">\n"));
	LIST_EACH (it, &v->who->legs) {
		const struct leg *l = CONTAINER_OF(it, struct leg, node);

		if (events_wanted(st, l->call->changed))
			write_dialog(b, l, NULL, 0);
	}
	presentity_write_ghosts(v, st);
	buf_add_str(b, STR("</dialog-info>\n"));
}

/* ---- life ---- */

static void changed(struct call *c)
{
	c->changed = ++c->events->serial;
	for (unsigned i = 0; i < 2; i++)
		if (c->legs[i].who)
			presentity_changed(c->legs[i].who, PACKAGE_DIALOG);
}

static void free_call(struct call *c)
{
	for (unsigned i = 0; i < 2; i++)
		if (c->legs[i].who) {
			list_del(&c->legs[i].node);
			presentity_tidy(c->legs[i].who);
		}
	list_del(&c->in_all);
	map_del(&c->events->calls, &c->node);
	mem_free((char *)(uintptr_t)c->key.p);
	mem_free(c->call_id);
	mem_free(c->caller_tag);
	mem_free(c->callee_tag);
	mem_free(c->caller);
	mem_free(c->callee);
	mem_free(c);
}

/* by_caller: of a BYE, whose it is; each side has its own word for that. */
static void end(struct call *c, const char *event, unsigned code, bool bye, bool by_caller)
{
	struct buf words = BUF_INIT(EVENTS_DOCUMENT);

	c->state = "terminated";
	for (unsigned i = 0; i < 2; i++) {
		struct leg *l = &c->legs[i];

		if (!l->who)
			continue;
		if (bye)
			event = l->initiator == by_caller ? "local-bye" : "remote-bye";
		buf_clear(&words);
		write_dialog(&words, l, event, code);
		presentity_bury(l->who, PACKAGE_DIALOG, &words);
	}
	changed(c);
	buf_done(&words);
	free_call(c);
}

void calls_done(struct events *ev)
{
	struct list *node;

	while ((node = list_first(&ev->all_calls)) != NULL)
		free_call(CONTAINER_OF(node, struct call, in_all));
	map_done(&ev->calls);
}

/* ---- what happens ---- */

static void open_leg(struct call *c, unsigned i, const struct sip_uri *uri)
{
	struct leg *l = &c->legs[i];
	struct buf key = BUF_INIT(1 << 12);

	list_init(&l->node);
	l->call = c;
	l->initiator = i == 0;
	if (uri->scheme <= SIP_URI_SIPS && uri->has_user && serve_is_self(c->events->serve, uri)) {
		serve_user_key(uri, &key);
		l->who = presentity_make(c->events, buf_str(&key));
		list_add(&l->who->legs, &l->node);
	}
	buf_done(&key);
}

void calls_invite(struct serve *s, const struct sip_msg *m)
{
	struct events *ev = s->events;
	struct sip_nameaddr from, to;
	struct buf key = BUF_INIT(1 << 17);
	struct str call_id = sip_msg_call_id(m), tag = sip_msg_from_tag(m);
	struct sip_uri uri;
	struct call *c;

	/* Texts are kept for as long as the call lasts: not those that nobody writes. */
	if (!events_has(ev, PACKAGE_DIALOG) || m->request_uri.n > TEXT_MAX ||
		sip_msg_to_tag(m).n > 0 || !sip_msg_from(m, &from) || !sip_msg_to(m, &to) ||
		!sip_uri_parse(m->request_uri, &uri) || tag.n == 0 || from.uri.text.n > TEXT_MAX ||
		to.uri.text.n > TEXT_MAX || call_id.n > TEXT_MAX || tag.n > TEXT_MAX ||
		find(ev, call_id, tag)) /* it came round a second time */
		return;
	if (ev->calls.count >= EVENTS_CALLS)
		end(CONTAINER_OF(list_first(&ev->all_calls), struct call, in_all), "timeout", 0,
			false, false);
	c = MEM_NEW(struct call);
	c->events = ev;
	c->id = ++ev->last_id;
	c->state = "trying";
	c->call_id = mem_strndup(call_id.p, call_id.n);
	c->caller_tag = mem_strndup(tag.p, tag.n);
	c->callee_tag = mem_strndup("", 0);
	c->caller = mem_strndup(from.uri.text.p, from.uri.text.n);
	c->callee = mem_strndup(to.uri.text.p, to.uri.text.n);
	list_init(&c->in_all);
	list_add(&ev->all_calls, &c->in_all);
	write_key(&key, call_id, tag);
	c->key = (struct str){ mem_strndup(key.p, key.n), key.n };
	map_set(&ev->calls, &c->node, c->key);
	buf_done(&key);
	open_leg(c, 0, &from.uri);
	open_leg(c, 1, &uri);
	changed(c);
}

static const char *why(unsigned status)
{
	return status == 487 ? "cancelled" : status == 408 ? "timeout" : "rejected";
}

void calls_answered(
	struct serve *s, struct str call_id, struct str caller_tag, unsigned status, struct str tag)
{
	struct call *c = s->events ? find(s->events, call_id, caller_tag) : NULL;
	const char *state;

	if (!c || c->confirmed_at)
		return; /* of a call that is established nothing changes but by its BYE */
	if (status >= 300) {
		end(c, why(status), status, false, false);
		return;
	}
	/* RFC 4235 3.7.1: with a tag in its provisional response it is early. */
	state = status >= 200 ? "confirmed" : tag.n > 0 ? "early" : "proceeding";
	if (status >= 200)
		c->confirmed_at = net_now_ms();
	else if (strcmp(c->state, "early") == 0 && tag.n == 0)
		return;
	if (strcmp(c->state, state) == 0 && str_eq(tag, str_of(c->callee_tag)))
		return;
	c->state = state;
	if (tag.n > 0 && tag.n <= TEXT_MAX) {
		mem_free(c->callee_tag);
		c->callee_tag = mem_strndup(tag.p, tag.n);
	}
	changed(c);
}

void calls_bye(struct serve *s, const struct sip_msg *m)
{
	struct str call_id = sip_msg_call_id(m);
	struct call *c;
	bool by_caller = true;

	if (!s->events || s->events->calls.count == 0)
		return;
	c = find(s->events, call_id, sip_msg_from_tag(m));
	if (!c) {
		c = find(s->events, call_id, sip_msg_to_tag(m));
		by_caller = false;
	}
	/* With forking, the BYE may be for another one than that which stayed. */
	if (c && str_eq(by_caller ? sip_msg_to_tag(m) : sip_msg_from_tag(m), str_of(c->callee_tag)))
		end(c, NULL, 0, true, by_caller);
}

void calls_ended(struct serve *s, struct str call_id, struct str caller_tag, const char *cause,
	unsigned status)
{
	struct call *c = s->events ? find(s->events, call_id, caller_tag) : NULL;
	bool bye = cause && (strcmp(cause, "remote-bye") == 0 || strcmp(cause, "local-bye") == 0);

	if (c) /* the cause is the callee's */
		end(c, cause, bye ? 0 : status, bye, bye && cause[0] == 'r');
}
