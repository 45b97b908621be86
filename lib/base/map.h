/* lib/base/map.h -- intrusive hash map from bytes to nodes: SipHash-2-4 under a key of this
 * process, so that a peer cannot choose colliding names. Zeroed `struct map` is an empty one. */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/base.h"
#include "base/str.h"

struct map_node {
	struct map_node *next;
	struct str key; /* borrowed: lives as long as the node is in the map */
	uint64_t hash;
};

struct map {
	struct map_node **slots;
	size_t size; /* a power of two, or 0 */
	size_t count;
};

/* The node of this key, or NULL. */
struct map_node *map_get(const struct map *m, struct str key);
/* Puts node under key. The key must not be in the map (assert). */
void map_set(struct map *m, struct map_node *node, struct str key);
/* Takes node out; it must be in the map (assert). */
void map_del(struct map *m, struct map_node *node);
/* Any node, or NULL when empty: for emptying a map. */
struct map_node *map_any(const struct map *m);
/* Frees the slots, not the nodes. */
void map_done(struct map *m);

/* Over all nodes, in no order; the body may remove `it` but must add nothing. */
struct map_iter {
	const struct map *m;
	size_t slot;
	struct map_node *next;
};
struct map_iter map_iter(const struct map *m);
struct map_node *map_next(struct map_iter *it);

/* The keyed hash itself. */
uint64_t map_hash(struct str s);

#endif
