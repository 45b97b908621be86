/* lib/sip/body_reginfo.c -- application/reginfo+xml: registrations (RFC 3680), with GRUUs (RFC
 * 5628) */
#include "sip/body_shape.h"

#define NS "urn:ietf:params:xml:ns:reginfo"
#define GRUU "urn:ietf:params:xml:ns:gruuinfo"

static const struct body_shape_field param_fields[] = {
	{ "name", .attribute = "name", .required = true },
	{ .key = "value" },
	{ .key = NULL },
};
static const struct body_shape param = { .name = "reginfo_param", .fields = param_fields };

static const struct body_shape_field contact_fields[] = {
	{ "id", .attribute = "id", .required = true },
	{ "state", .attribute = "state", .required = true },
	{ "event", .attribute = "event", .required = true },
	{ "uri", .element = "uri", .required = true },
	{ "display_name", .element = "display-name" },
	{ "duration_registered", .attribute = "duration-registered", .kind = SHAPE_INTEGER },
	{ "expires", .attribute = "expires", .kind = SHAPE_INTEGER },
	{ "retry_after", .attribute = "retry-after", .kind = SHAPE_INTEGER },
	{ "q", .attribute = "q", .kind = SHAPE_NUMBER },
	{ "callid", .attribute = "callid" },
	{ "cseq", .attribute = "cseq", .kind = SHAPE_INTEGER },
	{ "unknown_param", .element = "unknown-param", .kind = SHAPE_OBJECT, .list = true,
		.shape = &param },
	{ "pub_gruu", .element = "pub-gruu", .attribute = "uri", .ns = GRUU },
	{ "temp_gruu", .element = "temp-gruu", .attribute = "uri", .ns = GRUU },
	{ "first_cseq", .element = "temp-gruu", .attribute = "first-cseq", .ns = GRUU,
		.kind = SHAPE_INTEGER },
	{ .key = NULL },
};
static const struct body_shape contact = {
	.name = "reginfo_contact", .ns = NS, .fields = contact_fields, .open = true
};

static const struct body_shape_field registration_fields[] = {
	{ "aor", .attribute = "aor", .required = true },
	{ "id", .attribute = "id", .required = true },
	{ "state", .attribute = "state", .required = true },
	{ "contact", .element = "contact", .kind = SHAPE_OBJECT, .list = true, .required = true,
		.shape = &contact },
	{ .key = NULL },
};
static const struct body_shape registration = {
	.name = "reginfo_registration", .ns = NS, .fields = registration_fields, .open = true
};

static const struct body_shape_field root_fields[] = {
	{ "version", .attribute = "version", .kind = SHAPE_INTEGER, .required = true },
	{ "state", .attribute = "state", .required = true },
	{ "registration", .element = "registration", .kind = SHAPE_OBJECT, .list = true,
		.required = true, .shape = &registration },
	{ .key = NULL },
};
const struct body_shape body_reginfo_shape = {
	.name = "reginfo", .ns = NS, .root = "reginfo", .fields = root_fields, .open = true
};
