/* lib/serve/presentity.c -- whose state is watched, by name, and who sees what of it */
#include "serve/events.h"

#include "base/mem.h"

/* ---- by name ---- */

struct presentity *presentity_get(const struct events *ev, struct str key)
{
	struct map_node *node = map_get(&ev->presentities, key);

	return node ? CONTAINER_OF(node, struct presentity, node) : NULL;
}

struct presentity *presentity_make(struct events *ev, struct str key)
{
	struct presentity *p = presentity_get(ev, key);
	struct buf uri = BUF_INIT(1 << 18);

	if (p)
		return p;
	p = MEM_NEW(struct presentity);
	p->events = ev;
	list_init(&p->views);
	list_init(&p->publications);
	list_init(&p->legs);
	for (unsigned i = 0; i < PACKAGES; i++)
		list_init(&p->ghosts[i].list);
	p->key = (struct str){ mem_strndup(key.p, key.n), key.n };
	buf_add_str(&uri, STR("sip:"));
	sip_uri_write_user(&uri, key);
	buf_addf(&uri, "@" STR_FMT, STR_ARG(ev->serve->config.domain));
	p->uri = mem_strndup(uri.p, uri.n);
	buf_done(&uri);
	map_set(&ev->presentities, &p->node, p->key);
	return p;
}

/* ---- what has ended ---- */

struct ghost {
	struct list node;
	uint64_t serial;
	struct str words;
};

static void forget(struct ghosts *g, struct ghost *ghost)
{
	g->count--;
	list_del(&ghost->node);
	mem_free((char *)(uintptr_t)ghost->words.p);
	mem_free(ghost);
}

static void forget_all(struct ghosts *g)
{
	LIST_EACH (it, &g->list)
		forget(g, CONTAINER_OF(it, struct ghost, node));
	g->forgotten = 0;
}

void presentity_bury(struct presentity *p, enum package_id id, const struct buf *words)
{
	struct ghosts *g = &p->ghosts[id];
	struct ghost *ghost;

	if (p->watched[id] == 0 || words->fail)
		return;
	if (g->count >= EVENTS_GHOSTS) {
		struct ghost *oldest = CONTAINER_OF(list_first(&g->list), struct ghost, node);

		g->forgotten = oldest->serial;
		forget(g, oldest);
	}
	ghost = MEM_NEW(struct ghost);
	list_init(&ghost->node);
	list_add(&g->list, &ghost->node);
	ghost->serial = ++p->events->serial;
	ghost->words = (struct str){ mem_strndup(words->p, words->n), words->n };
	g->count++;
}

void events_write_ghosts(const struct view *v, struct state *st)
{
	LIST_EACH (it, &v->who->ghosts[v->package].list) {
		const struct ghost *g = CONTAINER_OF(it, struct ghost, node);

		if (!st->full && g->serial > st->since)
			buf_add_str(&st->body, g->words);
	}
}

/* ---- views ---- */

void view_open(struct view *v, struct presentity *p, enum package_id id, struct notifier *owner)
{
	struct events *ev = owner->events;

	list_init(&v->node);
	v->who = p;
	v->package = id;
	v->owner = owner;
	v->id = ++ev->last_id;
	v->full = true;
	if (!p)
		return;
	list_add(&p->views, &v->node);
	p->watched[id]++;
	v->began = ++ev->serial;
	if (id == PACKAGE_PRESENCE)
		presentity_changed(p, PACKAGE_WINFO);
}

void view_close(struct view *v, const char *reason)
{
	struct presentity *p = v->who;

	mem_free(v->uri);
	v->uri = NULL;
	if (!p)
		return;
	v->who = NULL;
	list_del(&v->node);
	if (--p->watched[v->package] == 0)
		forget_all(&p->ghosts[v->package]);
	if (v->package == PACKAGE_PRESENCE) {
		v->who = p;
		state_winfo_bury(v, reason);
		v->who = NULL;
		presentity_changed(p, PACKAGE_WINFO);
	}
	presentity_tidy(p);
}

void view_write(const struct view *v, struct state *st)
{
	st->since = v->since;
	st->version = v->version;
	st->tag = v->package + 1;
	st->full = v->full || v->since < v->who->ghosts[v->package].forgotten;
	events_packages[v->package].write(v, st);
}

void view_told(struct view *v, uint32_t version)
{
	v->since = v->owner->events->serial;
	v->version = version + 1;
	v->due = v->full = false;
}

void presentity_changed(struct presentity *p, enum package_id id)
{
	if (p->watched[id] == 0)
		return;
	LIST_EACH (it, &p->views) {
		struct view *v = CONTAINER_OF(it, struct view, node);

		if (v->package != id)
			continue;
		v->due = true;
		notifier_wake(v->owner);
	}
}

/* ---- the end ---- */

static void free_presentity(struct presentity *p)
{
	for (unsigned i = 0; i < PACKAGES; i++)
		forget_all(&p->ghosts[i]);
	map_del(&p->events->presentities, &p->node);
	mem_free((char *)(uintptr_t)p->key.p);
	mem_free(p->uri);
	mem_free(p->conference);
	mem_free(p);
}

void presentity_tidy(struct presentity *p)
{
	if (list_empty(&p->views) && list_empty(&p->publications) && list_empty(&p->legs) &&
		p->mwi_serial == 0 && p->conference_serial == 0)
		free_presentity(p);
}

void presentity_done(struct events *ev)
{
	struct map_node *node;

	while ((node = map_any(&ev->presentities)) != NULL) {
		struct presentity *p = CONTAINER_OF(node, struct presentity, node);

		publisher_done(p);
		free_presentity(p);
	}
	map_done(&ev->presentities);
}
