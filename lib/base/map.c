/* lib/base/map.c -- intrusive chained hash map, keyed with SipHash-2-4 */
#include "base/map.h"

#include "base/mem.h"
#include "base/text.h"

#include <assert.h>

static uint64_t rotl(uint64_t x, int n)
{
	return x << n | x >> (64 - n);
}

static void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotl(v[1], 13) ^ v[0];
	v[0] = rotl(v[0], 32);
	v[2] += v[3];
	v[3] = rotl(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotl(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotl(v[1], 17) ^ v[2];
	v[2] = rotl(v[2], 32);
}

static void sip_block(uint64_t v[4], uint64_t m)
{
	v[3] ^= m;
	sip_round(v);
	sip_round(v);
	v[0] ^= m;
}

/* Up to 8 bytes, little-endian. */
static uint64_t load(const char *p, size_t n)
{
	uint64_t m = 0;
	for (size_t i = 0; i < n; i++)
		m |= (uint64_t)(unsigned char)p[i] << (8 * i);
	return m;
}

/* Aumasson and Bernstein, "SipHash: a fast short-input PRF" */
static uint64_t siphash(const uint64_t key[2], struct str s)
{
	uint64_t v[4] = {
		key[0] ^ 0x736f6d6570736575,
		key[1] ^ 0x646f72616e646f6d,
		key[0] ^ 0x6c7967656e657261,
		key[1] ^ 0x7465646279746573,
	};
	size_t i = 0;

	for (; s.n - i >= 8; i += 8)
		sip_block(v, load(s.p + i, 8));
	sip_block(v, (uint64_t)s.n << 56 | (s.n > i ? load(s.p + i, s.n - i) : 0));
	v[2] ^= 0xff;
	for (int r = 0; r < 4; r++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint64_t map_hash(struct str s)
{
	/* One key for the process (ruling 32): made at the first use, never changed. */
	static uint64_t key[2];
	static bool made;

	if (!made) {
		text_random(key, sizeof(key));
		made = true;
	}
	return siphash(key, s);
}

static struct map_node **slot_of(const struct map *m, uint64_t hash)
{
	return &m->slots[hash & (m->size - 1)];
}

static void grow(struct map *m)
{
	struct map bigger = { .size = m->size ? m->size * 2 : 8, .count = m->count };
	struct map_iter it = map_iter(m);
	struct map_node *node;

	bigger.slots = mem_zalloc(bigger.size, sizeof(*bigger.slots));
	while ((node = map_next(&it)) != NULL) {
		struct map_node **slot = slot_of(&bigger, node->hash);
		node->next = *slot;
		*slot = node;
	}
	mem_free(m->slots);
	*m = bigger;
}

struct map_node *map_get(const struct map *m, struct str key)
{
	uint64_t hash;
	struct map_node *node;

	if (m->count == 0)
		return NULL;
	hash = map_hash(key);
	for (node = *slot_of(m, hash); node; node = node->next)
		if (node->hash == hash && str_eq(node->key, key))
			break;
	return node;
}

void map_set(struct map *m, struct map_node *node, struct str key)
{
	struct map_node **slot;

	assert(!map_get(m, key));
	if (m->count >= m->size / 4 * 3)
		grow(m);
	node->key = key;
	node->hash = map_hash(key);
	slot = slot_of(m, node->hash);
	node->next = *slot;
	*slot = node;
	m->count++;
}

void map_del(struct map *m, struct map_node *node)
{
	struct map_node **at;

	assert(m->count > 0);
	at = slot_of(m, node->hash);
	while (*at && *at != node)
		at = &(*at)->next;
	assert(*at);
	*at = node->next;
	node->next = NULL;
	m->count--;
}

struct map_node *map_any(const struct map *m)
{
	struct map_iter it = map_iter(m);
	return m->count ? map_next(&it) : NULL;
}

void map_done(struct map *m)
{
	mem_free(m->slots);
	*m = (struct map){ 0 };
}

struct map_iter map_iter(const struct map *m)
{
	return (struct map_iter){ .m = m };
}

struct map_node *map_next(struct map_iter *it)
{
	struct map_node *node = it->next;

	while (!node && it->slot < it->m->size)
		node = it->m->slots[it->slot++];
	if (node)
		it->next = node->next; /* now, since the caller may remove node */
	return node;
}
