/* lib/sip/xml.h -- XML documents as element trees: over expat, with namespaces, without any DTD
 * (so without entities of one's own, or external ones), within limits */
#ifndef SIP_XML_H
#define SIP_XML_H

#include "base/arena.h"
#include "base/fail.h"

enum {
	XML_DOCUMENT = 1 << 20, /* bytes */
	XML_DEPTH = 32, /* elements within elements */
	XML_ELEMENTS = 20000,
	XML_ATTRIBUTES = 64, /* of one element */
	XML_TEXT = 65536, /* bytes of one element or attribute */
	XML_NAMESPACE_BYTES = 256, /* of its URI */
	XML_NAMESPACES = 64, /* that are used */
};

struct xml_attribute {
	struct xml_attribute *next;
	struct str ns, name, value; /* ns: empty for most */
};

struct xml_element {
	struct xml_element *next; /* the next one of the same parent */
	struct xml_element *first, *last; /* its children */
	struct xml_attribute *attributes;
	struct str ns, name; /* the URI of the namespace, the name without prefix */
	struct str text; /* all of its own, without blanks at both ends */
	unsigned line, column; /* where it begins, from 1 */
};

/* The namespaces of a document, each kept once however many elements are of it. */
struct xml_namespaces {
	struct str list[XML_NAMESPACES];
	unsigned count;
};
/* The one kept copy of *ns, made in the arena when it is the first; no namespace is none to keep.
 * False: there are too many. */
bool xml_namespaces_keep(struct xml_namespaces *l, struct arena *arena, struct str *ns);

/* 0 and the root; all is in the arena. -FAIL_SYNTAX: not well-formed, or with a document type;
 * -FAIL_LIMIT. f says "line L column C: ...". */
int xml_parse(struct str document, struct arena *arena, struct xml_element **root, struct fail *f);
/* The attribute of this name in no namespace (or in that of XML: "lang"); NULL when there is none.
 */
const struct xml_attribute *xml_get(const struct xml_element *e, const char *name);
/* A failure that is found later: -FAIL_SYNTAX, the text led by where e begins. */
int xml_fail(struct fail *f, const struct xml_element *e, const char *fmt, ...) PRINTF_LIKE(3, 4);

#endif
