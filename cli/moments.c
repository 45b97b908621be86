#include "moments.h"

#include "base/base.h"

#include <string.h>

static bool same(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

static void drop(struct moments *m, unsigned n)
{
	m->n -= n;
	memmove(m->v, m->v + n, m->n * sizeof(m->v[0]));
}

void moments_add(struct moments *m, const struct moment *one)
{
	const struct moment *last = m->n ? &m->v[m->n - 1] : NULL;

	if (last && same(last->state, one->state) && same(last->cause, one->cause) &&
		same(last->news, one->news) && last->status == one->status)
		return;
	if (m->n == ARRAY_LEN(m->v))
		drop(m, 1);
	m->v[m->n++] = *one;
}

static bool has(const struct moment *m, const char *state, unsigned status)
{
	if (status && status != m->status)
		return false;
	return same(m->state, state) ||
	       same(same(m->state, "terminated") ? m->cause : m->news, state);
}

bool moments_met(struct moments *was, const struct moment *is, const char *state, unsigned status)
{
	for (unsigned i = 0; i < was->n; i++)
		if (has(&was->v[i], state, status)) {
			drop(was, i + 1);
			return true;
		}
	if (!has(is, state, status))
		return false;
	moments_forget(was);
	return true;
}

void moments_forget(struct moments *m)
{
	m->n = 0;
}
