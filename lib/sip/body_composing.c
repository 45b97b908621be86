/* lib/sip/body_composing.c -- application/im-iscomposing+xml: somebody is typing (RFC 3994) */
#include "sip/body_shape.h"

static const struct body_shape_field fields[] = {
	{ "state", .element = "state", .required = true },
	{ "lastactive", .element = "lastactive" },
	{ "contenttype", .element = "contenttype" },
	{ "refresh", .element = "refresh", .kind = SHAPE_INTEGER },
	{ .key = NULL },
};
const struct body_shape body_composing_shape = { .name = "is_composing",
	.ns = "urn:ietf:params:xml:ns:im-iscomposing",
	.root = "isComposing",
	.fields = fields,
	.open = true };
