/* lib/sip/body.c -- which body is decoded by whom */
#include "sip/body.h"

#include "base/mem.h"

struct body_state {
	struct arena arena;
};

int body_decode(struct str content_type, struct str body, struct arena *arena, struct tree **out,
	struct fail *f)
{
	(void)content_type;
	(void)body;
	(void)arena;
	(void)f;
	*out = NULL;
	return 0;
}

struct body_state *body_state_new(void)
{
	return MEM_NEW(struct body_state);
}

void body_state_free(struct body_state *s)
{
	if (!s)
		return;
	arena_done(&s->arena);
	mem_free(s);
}

enum body_news body_state_add(struct body_state *s, struct str content_type, const struct tree *doc,
	const struct tree **whole)
{
	(void)s;
	(void)content_type;
	(void)doc;
	*whole = NULL;
	return BODY_WHOLE;
}
