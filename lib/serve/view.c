/* lib/serve/view.c -- what one watcher sees of one presentity: whole documents and partial ones,
 * each with the next version */
#include "serve/events.h"

#include "base/mem.h"

void view_open(struct view *v, struct presentity *p, enum package_id id, struct notifier *owner)
{
	struct events *ev = owner->events;

	list_init(&v->node);
	v->who = p;
	v->package = id;
	v->owner = owner;
	v->id = ++ev->last_id;
	v->full = true;
	ev->view_count++;
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

	v->owner->events->view_count--;
	mem_free(v->uri);
	v->uri = NULL;
	if (!p)
		return;
	v->who = NULL;
	list_del(&v->node);
	if (--p->watched[v->package] == 0)
		presentity_forget(p, v->package);
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
