/* lib/auth/cred.c -- credentials by realm */
#include "auth/cred.h"

#include "base/list.h"
#include "base/mem.h"
#include "base/text.h"

#include <string.h>

struct entry {
	struct list node;
	struct cred cred; /* texts and the secret are copies */
};

struct cred_store {
	struct list entries; /* the oldest first */
};

static struct str copy(struct str s)
{
	return (struct str){ mem_strndup(s.p, s.n), s.n };
}

static void drop(struct str s)
{
	mem_wipe((char *)s.p,
		s.n); /* all alike: a user or a realm is wiped for nothing, at no cost */
	mem_free((char *)s.p);
}

static void entry_free(struct entry *e)
{
	list_del(&e->node);
	drop(e->cred.realm);
	drop(e->cred.user);
	drop(e->cred.secret);
	mem_free(e);
}

struct cred_store *cred_store_new(void)
{
	struct cred_store *s = MEM_NEW(struct cred_store);

	list_init(&s->entries);
	return s;
}

void cred_store_clear(struct cred_store *s)
{
	LIST_EACH (it, &s->entries)
		entry_free(CONTAINER_OF(it, struct entry, node));
}

void cred_store_free(struct cred_store *s)
{
	if (!s)
		return;
	cred_store_clear(s);
	mem_free(s);
}

/* A password serves every algorithm; an HA1 has one, and its length. */
static bool ha1_valid(const struct cred *c)
{
	char sum[HASH_MAX];
	size_t n = hash_len(c->ha1_alg);
	bool ok = c->secret.n == 2 * n && text_unhex(c->secret, sum, n);

	mem_wipe(sum, sizeof(sum));
	return ok;
}

static bool same_key(const struct cred *a, const struct cred *b)
{
	return a->kind == b->kind && (a->kind == CRED_PASSWORD || a->ha1_alg == b->ha1_alg) &&
	       str_eq(a->realm, b->realm) && str_eq(a->user, b->user);
}

int cred_store_add(struct cred_store *s, const struct cred *c, struct fail *f)
{
	struct entry *e;

	if (c->kind == CRED_HA1 && !ha1_valid(c))
		return fail_set(f, -FAIL_ARGUMENT,
			"the HA1 for realm \"" STR_FMT "\" must be %zu hex digits",
			STR_ARG(c->realm), 2 * hash_len(c->ha1_alg));
	e = MEM_NEW(struct entry);
	e->cred = *c;
	e->cred.realm = copy(c->realm);
	e->cred.user = copy(c->user);
	e->cred.secret = copy(c->secret);
	if (c->kind == CRED_HA1) {
		/* It is hashed as text, and RFC 7616 3.1 writes its digits in lower case. */
		for (char *p = (char *)e->cred.secret.p; *p; p++)
			*p = str_lower(*p);
	}
	LIST_EACH (it, &s->entries) {
		struct entry *old = CONTAINER_OF(it, struct entry, node);
		if (same_key(&old->cred, &e->cred))
			entry_free(old);
	}
	list_add(&s->entries, &e->node);
	return 0;
}

bool cred_store_remove(struct cred_store *s, struct str realm)
{
	bool found = false;

	LIST_EACH (it, &s->entries) {
		struct entry *e = CONTAINER_OF(it, struct entry, node);
		if (str_eq(e->cred.realm, realm)) {
			entry_free(e);
			found = true;
		}
	}
	return found;
}

static bool fits(const struct cred *c, struct str realm, struct str user, enum hash_kind alg)
{
	return str_eq(c->realm, realm) && (user.n == 0 || str_eq(c->user, user)) &&
	       (c->kind == CRED_PASSWORD || c->ha1_alg == alg);
}

const struct cred *cred_store_find(
	const struct cred_store *s, struct str realm, struct str user, enum hash_kind alg)
{
	const struct str realms[] = { realm, STR("*") };

	for (size_t i = 0; i < ARRAY_LEN(realms); i++) {
		LIST_EACH (it, &s->entries) {
			const struct entry *e = CONTAINER_OF(it, struct entry, node);
			if (fits(&e->cred, realms[i], user, alg))
				return &e->cred;
		}
	}
	return NULL;
}

const struct cred *cred_store_password(
	const struct cred_store *s, struct str realm, struct str user)
{
	const struct str realms[] = { realm, STR("*") };

	for (size_t i = 0; i < ARRAY_LEN(realms); i++) {
		LIST_EACH (it, &s->entries) {
			const struct entry *e = CONTAINER_OF(it, struct entry, node);
			if (e->cred.kind == CRED_PASSWORD &&
				fits(&e->cred, realms[i], user, HASH_MD5))
				return &e->cred;
		}
	}
	return NULL;
}

bool cred_store_empty(const struct cred_store *s)
{
	return list_empty(&s->entries);
}

const struct cred *cred_store_next(const struct cred_store *s, const struct cred *c)
{
	const struct list *node = c ? &CONTAINER_OF(c, struct entry, cred)->node : &s->entries;

	return node->next == &s->entries ? NULL
					 : &CONTAINER_OF(node->next, struct entry, node)->cred;
}
