/* lib/base/list.h -- intrusive doubly linked list; a node that is in no list points at itself */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include "base/base.h"

#include <stdbool.h>

struct list {
	struct list *next, *prev;
};

/* Makes an empty list, or a node that is in no list. */
static inline void list_init(struct list *l)
{
	l->next = l->prev = l;
}

static inline bool list_empty(const struct list *l)
{
	return l->next == l;
}

/* Puts node at the end of l; the node must be in no list. */
static inline void list_add(struct list *l, struct list *node)
{
	node->prev = l->prev;
	node->next = l;
	l->prev->next = node;
	l->prev = node;
}

/* Takes node out of its list; twice is fine. */
static inline void list_del(struct list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	list_init(node);
}

/* The first node, still in the list; NULL when empty. */
static inline struct list *list_first(const struct list *l)
{
	return list_empty(l) ? NULL : l->next;
}

/* Over the nodes of l; the body may remove `it`, but no other node. */
#define LIST_EACH(it, l)                                                                           \
	for (struct list *it = (l)->next, *it##_next = it->next; it != (l);                        \
		it = it##_next, it##_next = it->next)

#endif
