/* lib/sip/body_shape.h -- tables that tell which elements and attributes of an XML document become
 * which fields of a tree: the decoders of event packages are such tables. Private to body*.c and
 * its tests. */
#ifndef SIP_BODY_SHAPE_H
#define SIP_BODY_SHAPE_H

#include "base/tree.h"
#include "sip/xml.h"

enum body_shape_kind {
	SHAPE_TEXT,
	SHAPE_INTEGER, /* not negative */
	SHAPE_SIGNED,
	SHAPE_NUMBER, /* a decimal that is not negative, such as a q value */
	SHAPE_BOOLEAN, /* xs:boolean */
	SHAPE_OBJECT, /* of the field's shape */
	SHAPE_WORDS, /* the names of the children that are no other field (RFC 4480: <away/>), or,
			of <other>, its text; of an element without children its text */
};

/* Where a field comes from: an attribute of the element that the shape is of; a child; an attribute
 * of a child; the children of a child; none of these: the element's own text. */
struct body_shape_field {
	const char *key; /* in the tree; NULL ends a list of fields */
	const char *attribute, *element, *child;
	const char *ns; /* of element and child; NULL: that of the shape */
	enum body_shape_kind kind;
	bool list; /* all of them; else the first */
	bool required; /* without it the document is malformed; a list is there though empty */
	const struct body_shape *shape;
};

struct body_shape {
	const char *name; /* in events.def */
	const char *ns, *root; /* root: name of the element, where it is one of a document */
	const struct body_shape_field *fields;
	bool open; /* what is no field and has no children of its own is kept in "other" */
};

/* The documents. */
extern const struct body_shape body_presence_shape, body_dialog_shape, body_reginfo_shape,
	body_conference_shape, body_watchers_shape, body_rlmi_shape, body_composing_shape;
/* What several of them have: text with its language. */
extern const struct body_shape body_shape_note;

/* Parses a document and reads it by its shape. 0 and *out; -FAIL_SYNTAX, -FAIL_LIMIT. */
int body_shape_read(const struct body_shape *shape, struct str document, struct arena *arena,
	struct tree **out, struct fail *f);

#endif
