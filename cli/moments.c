#include "moments.h"

#include "base/base.h"

#include <string.h>

static bool is(const char *a, const char *b)
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

	if (last && is(last->state, one->state) && is(last->cause, one->cause) &&
		is(last->news, one->news) && last->status == one->status)
		return;
	if (m->n == ARRAY_LEN(m->v))
		drop(m, 1);
	m->v[m->n++] = *one;
}

bool moments_match(const struct moment *m, const char *state, unsigned status)
{
	if (status && status != m->status)
		return false;
	return is(m->state, state) || is(is(m->state, "terminated") ? m->cause : m->news, state);
}

bool moments_take(struct moments *m, const char *state, unsigned status)
{
	for (unsigned i = 0; i < m->n; i++)
		if (moments_match(&m->v[i], state, status)) {
			drop(m, i + 1);
			return true;
		}
	return false;
}

void moments_forget(struct moments *m)
{
	m->n = 0;
}
