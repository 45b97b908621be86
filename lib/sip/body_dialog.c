/* lib/sip/body_dialog.c -- application/dialog-info+xml: the dialogs of a user agent (RFC 4235) */
#include "sip/body_shape.h"

#define NS "urn:ietf:params:xml:ns:dialog-info"

/* The text of RFC 4235 calls the attribute "display", its schema "display-name"; both are sent. */
static const struct body_shape_field party_fields[] = {
	{ "uri", .required = true },
	{ "display_name", .attribute = "display" },
	{ "display_name", .attribute = "display-name" },
	{ .key = NULL },
};
static const struct body_shape name_addr = { .name = "name_addr", .fields = party_fields };

static const struct body_shape_field param_fields[] = {
	{ "pname", .attribute = "pname", .required = true },
	{ "pval", .attribute = "pval" },
	{ .key = NULL },
};
static const struct body_shape param = { .name = "dialog_info_param", .fields = param_fields };

static const struct body_shape_field target_fields[] = {
	{ "uri", .attribute = "uri", .required = true },
	{ "param", .element = "param", .kind = SHAPE_OBJECT, .list = true, .shape = &param },
	{ .key = NULL },
};
static const struct body_shape target = {
	.name = "dialog_info_target", .ns = NS, .fields = target_fields
};

static const struct body_shape_field description_fields[] = {
	{ "type", .attribute = "type" },
	{ "text", .required = true },
	{ .key = NULL },
};
static const struct body_shape description = { .name = "dialog_info_session",
	.fields = description_fields };

static const struct body_shape_field participant_fields[] = {
	{ "identity", .element = "identity", .kind = SHAPE_OBJECT, .shape = &name_addr },
	{ "target", .element = "target", .kind = SHAPE_OBJECT, .shape = &target },
	{ "session_description", .element = "session-description", .kind = SHAPE_OBJECT,
		.shape = &description },
	{ "cseq", .element = "cseq", .kind = SHAPE_INTEGER },
	{ .key = NULL },
};
static const struct body_shape participant = {
	.name = "dialog_info_party", .ns = NS, .fields = participant_fields, .open = true
};

static const struct body_shape_field replaces_fields[] = {
	{ "call_id", .attribute = "call-id", .required = true },
	{ "local_tag", .attribute = "local-tag" },
	{ "remote_tag", .attribute = "remote-tag" },
	{ .key = NULL },
};
static const struct body_shape replaces = { .name = "dialog_info_replaces",
	.fields = replaces_fields };

static const struct body_shape_field dialog_fields[] = {
	{ "id", .attribute = "id", .required = true },
	{ "call_id", .attribute = "call-id" },
	{ "local_tag", .attribute = "local-tag" },
	{ "remote_tag", .attribute = "remote-tag" },
	{ "direction", .attribute = "direction" },
	{ "state", .element = "state", .required = true },
	{ "event", .element = "state", .attribute = "event" },
	{ "code", .element = "state", .attribute = "code", .kind = SHAPE_INTEGER },
	{ "duration", .element = "duration", .kind = SHAPE_INTEGER },
	{ "replaces", .element = "replaces", .kind = SHAPE_OBJECT, .shape = &replaces },
	{ "referred_by", .element = "referred-by", .kind = SHAPE_OBJECT, .shape = &name_addr },
	{ "route_set", .element = "route-set", .child = "hop", .list = true },
	{ "local", .element = "local", .kind = SHAPE_OBJECT, .shape = &participant },
	{ "remote", .element = "remote", .kind = SHAPE_OBJECT, .shape = &participant },
	{ .key = NULL },
};
static const struct body_shape dialog = {
	.name = "dialog_info_dialog", .ns = NS, .fields = dialog_fields, .open = true
};

static const struct body_shape_field root_fields[] = {
	{ "entity", .attribute = "entity", .required = true },
	{ "version", .attribute = "version", .kind = SHAPE_INTEGER, .required = true },
	{ "state", .attribute = "state", .required = true },
	{ "dialog", .element = "dialog", .kind = SHAPE_OBJECT, .list = true, .required = true,
		.shape = &dialog },
	{ .key = NULL },
};
const struct body_shape body_dialog_shape = {
	.name = "dialog_info", .ns = NS, .root = "dialog-info", .fields = root_fields, .open = true
};
