/* lib/sip/xml.c -- XML documents as element trees */
#include "sip/xml.h"

#include "base/buf.h"
#include "base/mem.h"

#include <expat.h>
#include <stdarg.h>
#include <stdio.h>

/* Stands between namespace and name in what expat tells; expat refuses it within a namespace. */
#define SEPARATOR '\n'
#define XML_NAMESPACE "http://www.w3.org/XML/1998/namespace"

struct reader {
	XML_Parser parser;
	struct arena *arena;
	struct xml_element *open[XML_DEPTH], *root;
	struct buf text[XML_DEPTH]; /* of the open ones */
	unsigned depth, elements;
	struct xml_namespaces namespaces;
	struct fail *fail;
	int failed; /* the first one; expat may call once more after it was stopped */
};

/* ---- failures ---- */

static int fail_at(struct fail *f, int code, const unsigned long at[2], const char *text)
{
	return fail_set(f, code, "line %lu column %lu: %s", at[0], at[1], text);
}

int xml_fail(struct fail *f, const struct xml_element *e, const char *fmt, ...)
{
	char text[200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return fail_at(f, -FAIL_SYNTAX, (unsigned long[]){ e->line, e->column }, text);
}

static int fail_here(struct reader *r, int code, const char *text)
{
	return fail_at(r->fail, code,
		(unsigned long[]){ XML_GetCurrentLineNumber(r->parser),
			XML_GetCurrentColumnNumber(r->parser) + 1 },
		text);
}

static void stop(struct reader *r, int code, const char *text)
{
	if (r->failed)
		return;
	r->failed = fail_here(r, code, text);
	XML_StopParser(r->parser, XML_FALSE);
}

static void stop_limit(struct reader *r, const char *fmt, int limit)
{
	char text[80];

	snprintf(text, sizeof(text), fmt, limit);
	stop(r, -FAIL_LIMIT, text);
}

/* ---- what expat tells ---- */

static void split_name(const XML_Char *full, struct str *ns, struct str *name)
{
	struct str s = str_of(full);

	*ns = STR_EMPTY;
	if (!str_cut(s, SEPARATOR, ns, name))
		*name = s;
}

bool xml_namespaces_keep(struct xml_namespaces *l, struct arena *arena, struct str *ns)
{
	if (ns->n == 0) {
		*ns = STR_EMPTY;
		return true;
	}
	for (unsigned i = 0; i < l->count; i++)
		if (str_eq(l->list[i], *ns)) {
			*ns = l->list[i];
			return true;
		}
	if (l->count == XML_NAMESPACES)
		return false;
	*ns = l->list[l->count++] = arena_str(arena, *ns);
	return true;
}

/* A declaration is no attribute to expat, and one may stand for thousands of names. */
static bool keep_ns(struct reader *r, struct str *ns)
{
	if (ns->n > XML_NAMESPACE_BYTES)
		stop_limit(r, "a namespace of more than %d bytes", XML_NAMESPACE_BYTES);
	else if (!xml_namespaces_keep(&r->namespaces, r->arena, ns))
		stop_limit(r, "more than %d namespaces", XML_NAMESPACES);
	return !r->failed;
}

static bool add_attributes(struct reader *r, struct xml_element *e, const XML_Char **list)
{
	struct xml_attribute **end = &e->attributes;
	int count = 0;

	for (; list[0]; list += 2) {
		struct xml_attribute *x;
		struct str value = str_of(list[1]);

		if (++count > XML_ATTRIBUTES) {
			stop_limit(r, "more than %d attributes", XML_ATTRIBUTES);
			return false;
		}
		if (value.n > XML_TEXT) {
			stop_limit(r, "an attribute of more than %d bytes", XML_TEXT);
			return false;
		}
		x = ARENA_NEW(r->arena, struct xml_attribute);
		split_name(list[0], &x->ns, &x->name);
		if (!keep_ns(r, &x->ns))
			return false;
		x->name = arena_str(r->arena, x->name);
		x->value = arena_str(r->arena, value);
		*end = x;
		end = &x->next;
	}
	return true;
}

static void hang(struct reader *r, struct xml_element *e)
{
	struct xml_element *parent = r->depth > 0 ? r->open[r->depth - 1] : NULL;

	if (!parent)
		r->root = e;
	else if (parent->last)
		parent->last->next = e;
	else
		parent->first = e;
	if (parent)
		parent->last = e;
}

static void XMLCALL on_start(void *arg, const XML_Char *full, const XML_Char **attributes)
{
	struct reader *r = arg;
	struct xml_element *e;

	if (r->failed)
		return;
	if (r->depth == XML_DEPTH) {
		stop_limit(r, "more than %d levels of elements", XML_DEPTH);
		return;
	}
	if (r->elements++ == XML_ELEMENTS) {
		stop_limit(r, "more than %d elements", XML_ELEMENTS);
		return;
	}
	e = ARENA_NEW(r->arena, struct xml_element);
	split_name(full, &e->ns, &e->name);
	if (!keep_ns(r, &e->ns))
		return;
	e->name = arena_str(r->arena, e->name);
	e->line = (unsigned)XML_GetCurrentLineNumber(r->parser);
	e->column = (unsigned)XML_GetCurrentColumnNumber(r->parser) + 1;
	if (!add_attributes(r, e, attributes))
		return;
	hang(r, e);
	buf_clear(&r->text[r->depth]);
	r->open[r->depth++] = e;
}

static void XMLCALL on_end(void *arg, const XML_Char *full)
{
	struct reader *r = arg;

	(void)full;
	if (r->failed)
		return;
	r->depth--;
	r->open[r->depth]->text = arena_str(r->arena, str_trim(buf_str(&r->text[r->depth])));
}

static void XMLCALL on_text(void *arg, const XML_Char *bytes, int n)
{
	struct reader *r = arg;

	if (r->failed || r->depth == 0)
		return;
	buf_add(&r->text[r->depth - 1], bytes, (size_t)n);
	if (r->text[r->depth - 1].fail)
		stop_limit(r, "an element with more than %d bytes of text", XML_TEXT);
}

/* A DTD declares entities, and those are how a short document becomes a long one, or asks for
 * files. No body of an event package needs one. */
static void XMLCALL on_doctype(void *arg, const XML_Char *name, const XML_Char *system_id,
	const XML_Char *public_id, int has_subset)
{
	(void)name;
	(void)system_id;
	(void)public_id;
	(void)has_subset;
	stop(arg, -FAIL_SYNTAX, "a document type declaration (DTD) is not taken");
}

/* ---- the whole ---- */

static void reader_init(struct reader *r)
{
	static const XML_Memory_Handling_Suite memory = { mem_alloc, mem_realloc, mem_free };
	static const XML_Char separator[] = { SEPARATOR, 0 };

	r->parser = XML_ParserCreate_MM(NULL, &memory, separator);
	XML_SetUserData(r->parser, r);
	XML_SetElementHandler(r->parser, on_start, on_end);
	XML_SetCharacterDataHandler(r->parser, on_text);
	XML_SetStartDoctypeDeclHandler(r->parser, on_doctype);
	for (unsigned i = 0; i < XML_DEPTH; i++)
		buf_init(&r->text[i], XML_TEXT);
}

int xml_parse(struct str document, struct arena *arena, struct xml_element **root, struct fail *f)
{
	struct reader r = { .arena = arena, .fail = f };

	if (document.n > XML_DOCUMENT)
		return fail_set(f, -FAIL_LIMIT, "line 1 column 1: a document of more than %d bytes",
			XML_DOCUMENT);
	reader_init(&r);
	if (XML_Parse(r.parser, document.n ? document.p : "", (int)document.n, XML_TRUE) !=
			XML_STATUS_OK &&
		!r.failed)
		r.failed = fail_here(&r, -FAIL_SYNTAX, XML_ErrorString(XML_GetErrorCode(r.parser)));
	XML_ParserFree(r.parser);
	for (unsigned i = 0; i < XML_DEPTH; i++)
		buf_done(&r.text[i]);
	if (!r.failed)
		*root = r.root;
	return r.failed;
}

const struct xml_attribute *xml_get(const struct xml_element *e, const char *name)
{
	for (const struct xml_attribute *x = e->attributes; x; x = x->next)
		if (str_eq(x->name, str_of(name)) &&
			(x->ns.n == 0 || str_eq(x->ns, STR(XML_NAMESPACE))))
			return x;
	return NULL;
}
