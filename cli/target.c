#include "target.h"

struct str target_domain(const char *aor)
{
	struct str user, host = STR_EMPTY;

	str_cut(str_of(aor), '@', &user, &host);
	host = str_sub(host, 0, str_find(host, ';'));
	return str_sub(host, 0, str_find(host, '?'));
}

int target_parse(const struct run *r, const char *text, struct str *out, struct fail *f)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(1 << 16);
	int e = endpoint_target_parse(str_of(text), target_domain(r->aor), &b, f);

	if (e == 0)
		*out = arena_str(&r->g->arena, buf_str(&b));
	return e;
}

int target_request(
	const struct run *r, struct str method, const char *text, struct str *out, struct fail *f)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(1 << 16);
	struct str uri;
	int e = target_parse(r, text, &uri, f);

	if (e == 0 && (e = endpoint_target_request(uri, method, &b, f)) == 0)
		*out = arena_str(&r->g->arena, buf_str(&b));
	return e;
}
