/* lib/serve/presentity.c -- whose state is watched, by name, and what has ended of it */
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

static void forget_one(struct ghosts *g, struct ghost *ghost)
{
	g->count--;
	list_del(&ghost->node);
	mem_free((char *)(uintptr_t)ghost->words.p);
	mem_free(ghost);
}

void presentity_forget(struct presentity *p, enum package_id id)
{
	struct ghosts *g = &p->ghosts[id];

	LIST_EACH (it, &g->list)
		forget_one(g, CONTAINER_OF(it, struct ghost, node));
	g->forgotten = 0;
}

void presentity_bury(struct presentity *p, enum package_id id, const struct buf *words)
{
	struct ghosts *g = &p->ghosts[id];
	struct ghost *ghost;

	if (p->watched[id] == 0)
		return;
	if (words->fail || words->n > EVENTS_WORDS) {
		g->forgotten = ++p->events->serial;
		return;
	}
	if (g->count >= EVENTS_GHOSTS) {
		struct ghost *oldest = CONTAINER_OF(list_first(&g->list), struct ghost, node);

		if (g->forgotten < oldest->serial)
			g->forgotten = oldest->serial;
		forget_one(g, oldest);
	}
	ghost = MEM_NEW(struct ghost);
	list_init(&ghost->node);
	list_add(&g->list, &ghost->node);
	ghost->serial = ++p->events->serial;
	ghost->words = (struct str){ mem_strndup(words->p, words->n), words->n };
	g->count++;
}

void presentity_write_ghosts(const struct view *v, struct state *st)
{
	LIST_EACH (it, &v->who->ghosts[v->package].list) {
		const struct ghost *g = CONTAINER_OF(it, struct ghost, node);

		if (!st->full && g->serial > st->since)
			buf_add_str(&st->body, g->words);
	}
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
		presentity_forget(p, (enum package_id)i);
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
