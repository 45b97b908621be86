/* lib/endpoint/resolve_dead.c -- targets that failed lately (CM-22) */
#include "base/mem.h"
#include "endpoint/resolve.h"

enum {
	DEAD_MAX = 256,
	DEAD_MS = 10 * 60 * 1000,
};

struct entry {
	enum net_transport transport;
	struct net_addr addr;
	uint64_t until_ms;
};

/* In no order. A few hundred are found faster by walking than they are hashed. */
struct resolve_dead {
	size_t count;
	struct entry entries[DEAD_MAX];
};

struct resolve_dead *resolve_dead_new(void)
{
	return MEM_NEW(struct resolve_dead);
}

void resolve_dead_free(struct resolve_dead *d)
{
	mem_free(d);
}

/* Index, or count when it is not there. */
static size_t find(const struct resolve_dead *d, enum net_transport t, const struct net_addr *addr)
{
	size_t i = 0;

	while (i < d->count &&
		!(d->entries[i].transport == t && net_addr_equal(&d->entries[i].addr, addr)))
		i++;
	return i;
}

/* The entry that ends first; those that are over end first of all. */
static size_t oldest(const struct resolve_dead *d)
{
	size_t found = 0;

	for (size_t i = 1; i < d->count; i++)
		if (d->entries[i].until_ms < d->entries[found].until_ms)
			found = i;
	return found;
}

void resolve_dead_add(
	struct resolve_dead *d, enum net_transport t, const struct net_addr *addr, uint64_t now_ms)
{
	size_t i = find(d, t, addr);

	if (i == DEAD_MAX)
		i = oldest(d);
	else if (i == d->count)
		d->count++;
	d->entries[i] = (struct entry){ t, *addr, now_ms + DEAD_MS };
}

void resolve_dead_del(struct resolve_dead *d, enum net_transport t, const struct net_addr *addr)
{
	size_t i = find(d, t, addr);

	if (i < d->count)
		d->entries[i] = d->entries[--d->count];
}

bool resolve_dead_has(const struct resolve_dead *d, enum net_transport t,
	const struct net_addr *addr, uint64_t now_ms)
{
	size_t i = find(d, t, addr);

	return i < d->count && now_ms < d->entries[i].until_ms;
}
