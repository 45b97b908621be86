/* lib/serve/lists.c -- the list server: several presentities as one subscription, RFC 4662, with
 * lists of the configuration or in the request (RFC 5367, [MS-SIP] 3.3). What a
 * member of another domain does is not known here: it stands in the meta-information without an
 * instance. */
#include "serve/events.h"

#include "base/mem.h"
#include "base/text.h"
#include "sip/multipart.h"
#include "sip/xml.h"
#include "sip/xml_text.h"

#include <stdio.h>

#define LIST_TYPE "application/resource-lists+xml"
#define LIST_NS "urn:ietf:params:xml:ns:resource-lists"
#define ADHOC_TYPE "application/adrl+xml"
#define ADHOC_NS "urn:ietf:params:xml:ns:adrl"

/* ---- documents ---- */

/* The names of parts: within one message they need not be longer. */
static void write_cid(struct buf *b, const struct view *v)
{
	buf_addf(b, "w%u.%u@" STR_FMT, v->id, v->version,
		STR_ARG(v->owner->events->serve->config.domain));
}

static void write_resource(struct buf *b, const struct view *v)
{
	buf_add_str(b, STR("<resource uri=\""));
	xml_text_write(b, str_of(v->uri));
	if (!v->who) {
		buf_add_str(b, STR("\"/>\n"));
		return;
	}
	buf_addf(b, "\"><instance id=\"w%u\" state=\"active\" cid=\"", v->id);
	write_cid(b, v);
	buf_add_str(b, STR("\"/></resource>\n"));
}

static void write_part(struct buf *b, const char *boundary, const struct view *v, struct str type,
	const struct buf *body)
{
	buf_addf(b, "--%s\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <", boundary);
	write_cid(b, v);
	buf_addf(b, ">\r\nContent-Type: " STR_FMT "\r\n\r\n", STR_ARG(type));
	buf_add_str(b, buf_str(body));
	buf_add_str(b, STR("\r\n"));
	if (body->fail)
		buf_fail(b, body->fail);
}

/* A member; written is what is told of it now. */
static void write_member(struct notifier *n, struct view *v, const char *boundary, struct buf *rlmi,
	struct buf *parts, struct state *st)
{
	struct state m = { .body = BUF_INIT(EVENTS_DOCUMENT) };

	if (!v->who) {
		if (n->list_full)
			write_resource(rlmi, v);
		return;
	}
	view_write(v, &m);
	v->version = m.version;
	events_wanted(st, m.tag);
	if (n->list_full || v->due) {
		write_resource(rlmi, v);
		write_part(parts, boundary, v,
			m.type.n ? m.type : str_of(events_packages[v->package].type), &m.body);
	}
	buf_done(&m.body);
}

void lists_write(struct notifier *n, struct state *st)
{
	struct buf rlmi = BUF_INIT(EVENTS_DOCUMENT), parts = BUF_INIT(EVENTS_DOCUMENT);
	const struct str domain = n->events->serve->config.domain;
	char boundary[33];

	text_token(boundary, sizeof(boundary) - 1);
	buf_add_str(&rlmi, STR("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
			       "<list xmlns=\"urn:ietf:params:xml:ns:rlmi\" uri=\""));
	xml_text_write(&rlmi, str_of(n->uri));
	buf_addf(&rlmi, "\" version=\"%u\" fullState=\"%s\">\n", n->version,
		n->list_full ? "true" : "false");
	for (unsigned i = 0; i < n->view_count; i++)
		write_member(n, &n->views[i], boundary, &rlmi, &parts, st);
	buf_add_str(&rlmi, STR("</list>\n"));
	buf_addf(&st->body,
		"--%s\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <rlmi@" STR_FMT ">\r\n"
		"Content-Type: application/rlmi+xml;charset=\"UTF-8\"\r\n\r\n",
		boundary, STR_ARG(domain));
	buf_add_str(&st->body, buf_str(&rlmi));
	buf_add_str(&st->body, STR("\r\n"));
	buf_add_str(&st->body, buf_str(&parts));
	buf_addf(&st->body, "--%s--\r\n", boundary);
	if (rlmi.fail || parts.fail)
		buf_fail(&st->body, -FAIL_LIMIT);
	snprintf(st->type_text, sizeof(st->type_text),
		"multipart/related;type=\"application/rlmi+xml\";start=\"<rlmi@" STR_FMT
		">\";boundary=\"%s\"",
		STR_ARG(domain), boundary);
	st->type = str_of(st->type_text);
	buf_done(&rlmi);
	buf_done(&parts);
}

void lists_told(struct notifier *n)
{
	for (unsigned i = 0; i < n->view_count; i++)
		if (n->list_full || n->views[i].due)
			view_told(&n->views[i], n->views[i].version);
	n->version++;
	n->list_full = false;
}

/* ---- the configured ones ---- */

struct named_list {
	struct map_node node; /* by name, in events->lists */
	struct str uri, members[EVENTS_MEMBERS];
	unsigned count;
};

static bool has(const struct str *members, unsigned count, struct str uri)
{
	for (unsigned i = 0; i < count; i++)
		if (str_eq(members[i], uri))
			return true;
	return false;
}

/* "NAME=URI,URI" */
static int parse(struct str option, struct str *name, struct str members[EVENTS_MEMBERS],
	unsigned *count, struct fail *f)
{
	struct sip_uri parsed;
	struct str rest, uri;
	unsigned n = 0;

	if (!str_cut(option, '=', name, &rest) || name->n == 0 || rest.n == 0)
		return fail_set(
			f, -FAIL_ARGUMENT, "\"" STR_FMT "\" is not NAME=URI,URI", STR_ARG(option));
	while (rest.n > 0) {
		if (!str_cut(rest, ',', &uri, &rest)) {
			uri = rest;
			rest = STR_EMPTY;
		}
		uri = str_trim(uri);
		if (!sip_uri_parse(uri, &parsed))
			return fail_set(
				f, -FAIL_ARGUMENT, "\"" STR_FMT "\" is not a URI", STR_ARG(uri));
		if (has(members, n, uri))
			continue;
		if (n == EVENTS_MEMBERS)
			return fail_set(f, -FAIL_ARGUMENT, "more than %u members in a list",
				(unsigned)EVENTS_MEMBERS);
		members[n++] = uri;
	}
	*count = n;
	return 0;
}

int serve_list_check(struct str option, struct fail *f)
{
	struct str name, members[EVENTS_MEMBERS];
	unsigned count;

	return parse(option, &name, members, &count, f);
}

int lists_open(struct events *ev, struct fail *f)
{
	const struct serve_config *c = &ev->serve->config;
	struct arena *arena = &ev->serve->arena;
	int e;

	for (unsigned i = 0; i < c->list_count; i++) {
		struct named_list *l = ARENA_NEW(arena, struct named_list);
		struct buf uri = BUF_INIT(1 << 18);
		struct str name;

		if ((e = parse(c->lists[i], &name, l->members, &l->count, f)) != 0)
			return e;
		if (map_get(&ev->lists, name))
			return fail_set(f, -FAIL_ARGUMENT, "there are two lists \"" STR_FMT "\"",
				STR_ARG(name));
		buf_add_str(&uri, STR("sip:"));
		sip_uri_write_user(&uri, name);
		buf_addf(&uri, "@" STR_FMT, STR_ARG(c->domain));
		l->uri = arena_str(arena, buf_str(&uri));
		buf_done(&uri);
		map_set(&ev->lists, &l->node, name);
	}
	return 0;
}

void lists_close(struct events *ev)
{
	struct map_node *node;

	while ((node = map_any(&ev->lists)) != NULL)
		map_del(&ev->lists, node);
	map_done(&ev->lists);
}

bool lists_find(const struct events *ev, struct str key, struct notifier_wish *wish)
{
	struct map_node *node = map_get(&ev->lists, key);
	const struct named_list *l = node ? CONTAINER_OF(node, struct named_list, node) : NULL;

	if (!l)
		return false;
	wish->list_uri = l->uri;
	wish->members = l->members;
	wish->member_count = l->count;
	return true;
}

/* ---- those that come with the request, RFC 5367 ---- */

/* The entries of <list>s, of any depth (RFC 4826 3.3). False: there are too many. */
static bool collect(const struct xml_element *parent, struct str *members, unsigned *count)
{
	for (const struct xml_element *e = parent->first; e; e = e->next) {
		const struct xml_attribute *uri = xml_get(e, "uri");

		if (!str_eq(e->ns, STR(LIST_NS)))
			continue;
		if (str_eq(e->name, STR("list")) && !collect(e, members, count))
			return false;
		if (!str_eq(e->name, STR("entry")) || !uri || has(members, *count, uri->value))
			continue;
		if (*count == EVENTS_MEMBERS)
			return false;
		members[(*count)++] = uri->value;
	}
	return true;
}

/* [MS-SIP] 3.3.4.1: <adhoclist><create><resource uri=""/>. What stands within it has no name space,
 * or the list's. False: there are too many. */
static bool collect_adhoc(const struct xml_element *root, struct str *members, unsigned *count)
{
	for (const struct xml_element *c = root->first; c; c = c->next)
		for (const struct xml_element *e = str_eq(c->name, STR("create")) ? c->first : NULL;
			e; e = e->next) {
			const struct xml_attribute *uri = xml_get(e, "uri");

			if (!str_eq(e->name, STR("resource")) || !uri ||
				has(members, *count, uri->value))
				continue;
			if (*count == EVENTS_MEMBERS)
				return false;
			members[(*count)++] = uri->value;
		}
	return true;
}

bool lists_is_request(const struct events *ev, const struct sip_msg *m)
{
	return ev->serve->config.ocs && m->method == SIP_SUBSCRIBE &&
	       sip_msg_has_token(m, SIP_HDR_REQUIRE, "adhoclist");
}

/* The status to refuse with, or 0. */
static unsigned read_body(const struct sip_msg *m, bool adhoc, struct arena *arena,
	struct str *members, unsigned *count, struct fail *f)
{
	struct xml_element *root;
	struct sip_uri uri;
	struct str body;

	if (!multipart_find(sip_msg_value(m, SIP_HDR_CONTENT_TYPE), m->body,
		    adhoc ? ADHOC_TYPE : LIST_TYPE, &body))
		return 415;
	if (body.n > EVENTS_BODY)
		return 413;
	if (xml_parse(body, arena, &root, f) != 0)
		return 400;
	*count = 0;
	if (!str_eq(root->ns, adhoc ? STR(ADHOC_NS) : STR(LIST_NS)) ||
		!str_eq(root->name, adhoc ? STR("adhoclist") : STR("resource-lists")))
		return 415;
	if (!(adhoc ? collect_adhoc : collect)(root, members, count))
		return 413;
	for (unsigned i = 0; i < *count; i++)
		if (!sip_uri_parse(members[i], &uri)) {
			fail_set(f, -FAIL_SYNTAX, "an entry is no URI");
			return 400;
		}
	if (*count > 0)
		return 0;
	fail_set(f, -FAIL_SYNTAX, "an empty list");
	return 400;
}

void lists_request(struct events *ev, struct transaction *t, struct sip_msg *m,
	struct net_flow *flow, const struct notifier_wish *wish)
{
	struct str members[EVENTS_MEMBERS];
	struct notifier_wish w = *wish;
	struct arena arena = { 0 };
	struct fail f = { 0 };
	bool adhoc = lists_is_request(ev, m);
	unsigned status;

	if (!sip_msg_has_token(m, SIP_HDR_SUPPORTED, "eventlist")) {
		serve_answer(ev->serve, t, 421, STR_EMPTY, STR("Require: eventlist\r\n"));
		return;
	}
	status = read_body(m, adhoc, &arena, members, &w.member_count, &f);
	if (status != 0) {
		serve_answer(ev->serve, t, status, str_of(f.text),
			status != 415 ? STR_EMPTY
			: adhoc       ? STR("Accept: " ADHOC_TYPE "\r\n")
				      : STR("Accept: " LIST_TYPE "\r\n"));
	} else {
		w.list = true;
		w.list_uri = m->request_uri;
		w.members = members;
		notifier_subscribe(ev, t, m, flow, &w);
	}
	arena_done(&arena);
}
