#include "fields.h"

#include "value.h"

int fields_read(
	const struct values *texts, struct groups *g, struct template_set **out, struct fail *f)
{
	struct template_set *list = arena_zalloc(&g->arena, (texts->n + 1) * sizeof(*list));
	char shown[VALUE_SHOWN];

	for (unsigned i = 0; i < texts->n; i++)
		if (!str_cut(str_of(texts->v[i]), '=', &list[i].name, &list[i].value) ||
			!template_is_name(list[i].name))
			return fail_set(f, -FAIL_ARGUMENT, "--set: %s is not NAME=VALUE",
				value_show(texts->v[i], shown));
	*out = list;
	return 0;
}
