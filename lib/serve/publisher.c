/* lib/serve/publisher.c -- PUBLISH: publications of presence, each known by its entity tag. RFC
 * 3903 section 6. Of several publications of one user the one that was published or modified last
 * is what watchers see; when it goes, the one before. */
#include "serve/events.h"

#include "base/mem.h"
#include "base/text.h"
#include "sip/build.h"
#include "sip/xml.h"

#include <stdio.h>

enum { TYPE_MAX = 256 }; /* of a Content-Type that is kept */

struct publication {
	struct list node; /* in presentity->publications */
	struct presentity *who;
	char etag[25];
	char *type, *body;
	size_t n;
	uint64_t serial, expires_at;
	ev_timer expiry;
};

/* ---- life ---- */

static void free_publication(struct publication *c)
{
	ev_timer_stop(endpoint_loop(), &c->expiry);
	list_del(&c->node);
	c->who->publication_count--;
	c->who->events->publication_count--;
	mem_free(c->type);
	mem_free(c->body);
	mem_free(c);
}

static void remove_publication(struct publication *c)
{
	struct presentity *p = c->who;

	free_publication(c);
	presentity_changed(p, PACKAGE_PRESENCE);
	presentity_tidy(p);
}

void publisher_done(struct presentity *p)
{
	LIST_EACH (it, &p->publications)
		free_publication(CONTAINER_OF(it, struct publication, node));
}

static void on_expiry(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct publication *c = CONTAINER_OF(w, struct publication, expiry);

	(void)revents;
	if (net_now_ms() < c->expires_at)
		net_timer_set(loop, w, c->expires_at);
	else
		remove_publication(c);
}

static struct publication *make(struct presentity *p)
{
	struct publication *c = MEM_NEW(struct publication);

	c->who = p;
	list_init(&c->node);
	list_add(&p->publications, &c->node);
	p->publication_count++;
	p->events->publication_count++;
	ev_init(&c->expiry, on_expiry);
	return c;
}

static struct publication *find(const struct presentity *p, struct str etag)
{
	if (p)
		LIST_EACH (it, &p->publications) {
			struct publication *c = CONTAINER_OF(it, struct publication, node);

			if (str_eq(str_of(c->etag), etag))
				return c;
		}
	return NULL;
}

bool publisher_write(const struct presentity *p, struct state *st)
{
	const struct publication *c;

	if (list_empty(&p->publications))
		return false;
	c = CONTAINER_OF(p->publications.prev, struct publication, node);
	events_wanted(st, c->serial);
	st->type = str_of(c->type);
	buf_add(&st->body, c->body, c->n);
	return true;
}

/* ---- PUBLISH ---- */

static void put_state(struct publication *c, const struct sip_msg *m)
{
	struct str type = sip_msg_value(m, SIP_HDR_CONTENT_TYPE);

	mem_free(c->type);
	mem_free(c->body);
	c->type = mem_strndup(type.p, type.n);
	c->body = mem_strndup(m->body.p, m->body.n);
	c->n = m->body.n;
	c->serial = ++c->who->events->serial;
	list_del(&c->node); /* the newest is the last */
	list_add(&c->who->publications, &c->node);
	presentity_changed(c->who, PACKAGE_PRESENCE);
}

static bool is_pidf(const struct sip_msg *m)
{
	struct str type = sip_msg_value(m, SIP_HDR_CONTENT_TYPE), name = type, params;

	str_cut(type, ';', &name, &params);
	return str_ieq(str_trim(name), STR("application/pidf+xml"));
}

/* Step 5, before anything changes: the status to refuse with, or 0. */
static unsigned judge_body(const struct sip_msg *m, bool initial, struct fail *f)
{
	struct arena arena = { 0 };
	struct xml_element *root;
	unsigned status;

	if (m->body.n == 0 && initial)
		fail_set(f, -FAIL_SYNTAX, "nothing to publish");
	if (m->body.n == 0)
		return initial ? 400 : 0;
	if (sip_msg_value(m, SIP_HDR_CONTENT_TYPE).n > TYPE_MAX || !is_pidf(m) ||
		sip_msg_hdr(m, SIP_HDR_CONTENT_ENCODING))
		return 415;
	if (m->body.n > EVENTS_BODY)
		return 413;
	status = xml_parse(m->body, &arena, &root, f) == 0 ? 0 : 400;
	arena_done(&arena);
	return status;
}

static void refuse(struct serve *s, struct transaction *t, unsigned status, const struct fail *f)
{
	serve_answer(s, t, status, str_of(f->text),
		status == 415 ? STR("Accept: application/pidf+xml\r\n") : STR_EMPTY);
}

/* Step 6: a new tag with every success. */
static void succeed(struct serve *s, struct transaction *t, const char *etag, uint32_t expires)
{
	struct buf h = BUF_INIT(256);

	buf_addf(&h, "SIP-ETag: %s\r\nExpires: %u\r\n", etag, expires);
	serve_answer(s, t, 200, STR_EMPTY, buf_str(&h));
	buf_done(&h);
}

/* c: NULL for a new one. */
static void store(struct events *ev, struct publication *c, struct str key, const struct sip_msg *m,
	const char *etag, uint32_t expires)
{
	if (expires == 0) {
		if (c)
			remove_publication(c);
		return;
	}
	c = c ? c : make(presentity_make(ev, key));
	snprintf(c->etag, sizeof(c->etag), "%s", etag);
	if (m->body.n > 0)
		put_state(c, m);
	c->expires_at = net_now_ms() + expires * 1000ULL;
	net_timer_set(endpoint_loop(), &c->expiry, c->expires_at);
}

void publisher_request(struct events *ev, struct transaction *t, struct sip_msg *m, struct str key)
{
	struct serve *s = ev->serve;
	const struct sip_hdr *match = sip_msg_hdr(m, SIP_HDR_SIP_IF_MATCH);
	struct presentity *p = presentity_get(ev, key);
	struct publication *c = match ? find(p, str_trim(match->value)) : NULL;
	struct fail f = { 0 };
	char etag[25];
	uint32_t expires;
	unsigned status;

	if (match && !c) {
		serve_answer(s, t, 412, STR_EMPTY, STR_EMPTY);
		return;
	}
	if (!events_expires(s, t, m, &expires))
		return;
	if ((status = judge_body(m, !match, &f)) != 0) {
		refuse(s, t, status, &f);
		return;
	}
	if (!c && expires > 0 &&
		(ev->publication_count >= s->config.max_publications ||
			(p && p->publication_count >= EVENTS_PUBLICATIONS))) {
		events_busy(s, t, "Too many publications");
		return;
	}
	text_token(etag, sizeof(etag) - 1);
	store(ev, c, key, m, etag, expires);
	succeed(s, t, etag, expires);
}
