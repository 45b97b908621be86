/* lib/sip/body_rlmi.c -- application/rlmi+xml and the multipart/related it comes in: the state of a
 * list of resources (RFC 4662). The body of each instance is decoded where it belongs. */
#include "base/buf.h"
#include "base/scan.h"
#include "base/text.h"
#include "base/utf8.h"
#include "sip/body_impl.h"
#include "sip/body_shape.h"
#include "sip/multipart.h"

#define NS "urn:ietf:params:xml:ns:rlmi"

static const struct body_shape_field instance_fields[] = {
	{ "id", .attribute = "id", .required = true },
	{ "state", .attribute = "state", .required = true },
	{ "reason", .attribute = "reason" },
	{ "cid", .attribute = "cid" },
	{ .key = NULL },
};
static const struct body_shape instance = {
	.name = "rlmi_instance", .ns = NS, .fields = instance_fields
};

static const struct body_shape_field resource_fields[] = {
	{ "uri", .attribute = "uri", .required = true },
	{ "name", .element = "name", .kind = SHAPE_OBJECT, .list = true,
		.shape = &body_shape_note },
	{ "instance", .element = "instance", .kind = SHAPE_OBJECT, .list = true, .required = true,
		.shape = &instance },
	{ .key = NULL },
};
static const struct body_shape resource = {
	.name = "rlmi_resource", .ns = NS, .fields = resource_fields
};

static const struct body_shape_field root_fields[] = {
	{ "uri", .attribute = "uri", .required = true },
	{ "version", .attribute = "version", .kind = SHAPE_INTEGER, .required = true },
	{ "full_state", .attribute = "fullState", .kind = SHAPE_BOOLEAN, .required = true },
	{ "cid", .attribute = "cid" },
	{ "name", .element = "name", .kind = SHAPE_OBJECT, .list = true,
		.shape = &body_shape_note },
	{ "resource", .element = "resource", .kind = SHAPE_OBJECT, .list = true, .required = true,
		.shape = &resource },
	{ .key = NULL },
};
const struct body_shape body_rlmi_shape = {
	.name = "rlmi", .ns = NS, .root = "list", .fields = root_fields
};

/* ---- the parts ---- */

struct parts {
	struct multipart_part list[MULTIPART_PARTS];
	bool taken[MULTIPART_PARTS];
	unsigned count, levels;
	struct arena *arena;
};

static void put_text(struct parts *p, struct tree *o, struct str body)
{
	struct buf base64 = BUF_INIT(body.n * 2 + 4);

	if (utf8_valid(body) && str_find(body, '\0') == body.n) {
		tree_text(p->arena, o, "body", body);
		return;
	}
	text_base64_encode(&base64, body);
	tree_text(p->arena, o, "body_base64", buf_str(&base64));
	buf_done(&base64);
}

static void put_part(struct parts *p, struct tree *o, const struct multipart_part *part)
{
	struct tree *body = NULL;
	struct fail f = { 0 };
	int e;

	if (part->type.n)
		tree_text(p->arena, o, "content_type", body_flat(p->arena, part->type));
	e = body_decode_within(part->type, part->body, p->levels - 1, p->arena, &body, &f);
	if (body) {
		body->name = STR("body");
		tree_add(o, body);
		return;
	}
	put_text(p, o, part->body);
	if (e != 0)
		tree_text(p->arena, o, "body_error", str_of(f.text));
}

/* A part belongs to one instance. Were it decoded for each that names it, a short body would become
 * a long one. */
static void put_instance(struct parts *p, struct tree *o, struct str cid)
{
	for (unsigned i = 0; i < p->count; i++) {
		if (!multipart_has_id(&p->list[i], cid))
			continue;
		if (p->taken[i])
			tree_text(p->arena, o, "body_error",
				STR("the part of this cid is that of another instance"));
		else
			put_part(p, o, &p->list[i]);
		p->taken[i] = true;
		return;
	}
	tree_text(p->arena, o, "body_error", STR("no part has this cid"));
}

static void put_bodies(struct parts *p, struct tree *list)
{
	struct tree *resources = tree_get(list, "resource");

	for (struct tree *r = resources->first; r; r = r->next) {
		struct tree *instances = tree_get(r, "instance");

		for (struct tree *i = instances->first; i; i = i->next) {
			struct str cid = tree_get_text(i, "cid");

			if (cid.n)
				put_instance(p, i, cid);
		}
	}
}

static bool is_rlmi(struct str type)
{
	struct scan s = scan_str(type);

	return scan_lit(&s, "application/rlmi+xml") && scan_lws(&s) &&
	       (scan_end(&s) || !scan_is(scan_peek(&s), CH_TOKEN));
}

/* What multipart says of the Content-Type has no line. */
static int lead(const struct fail *why, struct fail *f)
{
	bool has_line = str_starts(str_of(why->text), STR("line "));

	return fail_set(f, why->code, "%s%s", has_line ? "" : "line 1 column 1: ", why->text);
}

/* A line is one of the part, and says so. */
static int lead_part(const struct fail *why, struct fail *f)
{
	struct str at = STR_EMPTY, text = str_of(why->text);

	str_cut(text, ':', &at, &text);
	return fail_set(
		f, why->code, STR_FMT " of the root part:" STR_FMT, STR_ARG(at), STR_ARG(text));
}

static int read_parts(
	struct parts *p, const struct multipart_part *root, struct tree **out, struct fail *f)
{
	struct tree *list = NULL;
	struct fail why = { 0 };

	if (body_shape_read(&body_rlmi_shape, root->body, p->arena, &list, &why) != 0)
		return lead_part(&why, f);
	p->taken[root - p->list] = true;
	put_bodies(p, list);
	*out = list;
	return 0;
}

int body_rlmi_read(struct str content_type, struct str body, unsigned levels, struct arena *arena,
	struct tree **out, struct fail *f)
{
	struct parts p = { .levels = levels, .arena = arena };
	const struct multipart_part *root;
	struct fail why = { 0 };

	if (levels == 0)
		return fail_set(f, -FAIL_LIMIT, "line 1 column 1: more than %d lists within lists",
			BODY_LEVELS);
	if (multipart_split(content_type, body, p.list, &p.count, &why) != 0)
		return lead(&why, f);
	root = multipart_root(content_type, p.list, p.count);
	if (!root)
		return fail_set(
			f, -FAIL_SYNTAX, "line 1 column 1: a multipart/related without its root");
	return is_rlmi(root->type) ? read_parts(&p, root, out, f) : 0;
}
