/* lib/sip/body_conference.c -- application/conference-info+xml: conferences (RFC 4575) */
#include "sip/body_shape.h"

#define NS "urn:ietf:params:xml:ns:conference-info"

#define TEXT(key, name)                                                                            \
	{                                                                                          \
		key, .element = name                                                               \
	}
#define OBJECT(key, name, of)                                                                      \
	{                                                                                          \
		key, .element = name, .kind = SHAPE_OBJECT, .shape = &(of)                         \
	}
#define OBJECTS(key, name, of)                                                                     \
	{                                                                                          \
		key, .element = name, .kind = SHAPE_OBJECT, .list = true, .shape = &(of)           \
	}
#define STATE                                                                                      \
	{                                                                                          \
		"state", .attribute = "state"                                                      \
	}

/* ---- who did it when, URIs ---- */

static const struct body_shape_field change_fields[] = {
	TEXT("when", "when"),
	TEXT("reason", "reason"),
	TEXT("by", "by"),
	{ .key = NULL },
};
static const struct body_shape change = {
	.name = "conference_change", .ns = NS, .fields = change_fields
};

static const struct body_shape_field uri_fields[] = {
	{ "uri", .element = "uri", .required = true },
	TEXT("display_text", "display-text"),
	TEXT("purpose", "purpose"),
	OBJECT("modified", "modified", change),
	{ .key = NULL },
};
static const struct body_shape uri = {
	.name = "conference_uri", .ns = NS, .fields = uri_fields, .open = true
};

static const struct body_shape_field uris_fields[] = {
	STATE,
	{ "entry", .element = "entry", .kind = SHAPE_OBJECT, .list = true, .required = true,
		.shape = &uri },
	{ .key = NULL },
};
static const struct body_shape uris = {
	.name = "conference_uris", .ns = NS, .fields = uris_fields
};

/* ---- description, host, state ---- */

static const struct body_shape_field medium_fields[] = {
	{ "label", .attribute = "label" },
	TEXT("display_text", "display-text"),
	TEXT("type", "type"),
	TEXT("status", "status"),
	{ .key = NULL },
};
static const struct body_shape medium = {
	.name = "conference_medium", .ns = NS, .fields = medium_fields, .open = true
};

static const struct body_shape_field description_fields[] = {
	TEXT("display_text", "display-text"),
	TEXT("subject", "subject"),
	TEXT("free_text", "free-text"),
	TEXT("keywords", "keywords"),
	OBJECT("conf_uris", "conf-uris", uris),
	OBJECT("service_uris", "service-uris", uris),
	{ "maximum_user_count", .element = "maximum-user-count", .kind = SHAPE_INTEGER },
	{ "available_media", .element = "available-media", .child = "entry", .kind = SHAPE_OBJECT,
		.list = true, .shape = &medium },
	{ .key = NULL },
};
static const struct body_shape description = {
	.name = "conference_description", .ns = NS, .fields = description_fields, .open = true
};

static const struct body_shape_field host_fields[] = {
	TEXT("display_text", "display-text"),
	TEXT("web_page", "web-page"),
	OBJECT("uris", "uris", uris),
	{ .key = NULL },
};
static const struct body_shape host = {
	.name = "conference_host", .ns = NS, .fields = host_fields, .open = true
};

static const struct body_shape_field state_fields[] = {
	{ "user_count", .element = "user-count", .kind = SHAPE_INTEGER },
	{ "active", .element = "active", .kind = SHAPE_BOOLEAN },
	{ "locked", .element = "locked", .kind = SHAPE_BOOLEAN },
	{ .key = NULL },
};
static const struct body_shape state = {
	.name = "conference_state", .ns = NS, .fields = state_fields, .open = true
};

/* ---- users ---- */

static const struct body_shape_field media_fields[] = {
	{ "id", .attribute = "id", .required = true },
	TEXT("display_text", "display-text"),
	TEXT("type", "type"),
	TEXT("label", "label"),
	TEXT("src_id", "src-id"),
	TEXT("status", "status"),
	{ .key = NULL },
};
static const struct body_shape media = {
	.name = "conference_media", .ns = NS, .fields = media_fields, .open = true
};

static const struct body_shape_field sip_fields[] = {
	TEXT("display_text", "display-text"),
	TEXT("call_id", "call-id"),
	TEXT("from_tag", "from-tag"),
	TEXT("to_tag", "to-tag"),
	{ .key = NULL },
};
static const struct body_shape sip = {
	.name = "conference_dialog", .ns = NS, .fields = sip_fields, .open = true
};

static const struct body_shape_field call_fields[] = {
	OBJECT("sip", "sip", sip),
	{ .key = NULL },
};
static const struct body_shape call = {
	.name = "conference_call", .ns = NS, .fields = call_fields, .open = true
};

static const struct body_shape_field endpoint_fields[] = {
	{ "entity", .attribute = "entity" },
	STATE,
	TEXT("display_text", "display-text"),
	OBJECT("referred", "referred", change),
	TEXT("status", "status"),
	TEXT("joining_method", "joining-method"),
	OBJECT("joining_info", "joining-info", change),
	TEXT("disconnection_method", "disconnection-method"),
	OBJECT("disconnection_info", "disconnection-info", change),
	OBJECTS("media", "media", media),
	OBJECT("call_info", "call-info", call),
	{ .key = NULL },
};
static const struct body_shape endpoint = {
	.name = "conference_endpoint", .ns = NS, .fields = endpoint_fields, .open = true
};

static const struct body_shape_field user_fields[] = {
	{ "entity", .attribute = "entity" },
	STATE,
	TEXT("display_text", "display-text"),
	OBJECT("associated_aors", "associated-aors", uris),
	{ "roles", .element = "roles", .child = "entry", .list = true },
	TEXT("languages", "languages"),
	TEXT("cascaded_focus", "cascaded-focus"),
	OBJECTS("endpoint", "endpoint", endpoint),
	{ .key = NULL },
};
static const struct body_shape user = {
	.name = "conference_user", .ns = NS, .fields = user_fields, .open = true
};

static const struct body_shape_field users_fields[] = {
	STATE,
	{ "user", .element = "user", .kind = SHAPE_OBJECT, .list = true, .required = true,
		.shape = &user },
	{ .key = NULL },
};
static const struct body_shape users = {
	.name = "conference_users", .ns = NS, .fields = users_fields, .open = true
};

/* ---- the whole ---- */

static const struct body_shape_field sidebars_fields[] = {
	STATE,
	{ "entry", .element = "entry", .kind = SHAPE_OBJECT, .list = true, .required = true,
		.shape = &body_conference_shape },
	{ .key = NULL },
};
static const struct body_shape sidebars = {
	.name = "conference_sidebars", .ns = NS, .fields = sidebars_fields
};

static const struct body_shape_field root_fields[] = {
	{ "entity", .attribute = "entity", .required = true },
	{ "version", .attribute = "version", .kind = SHAPE_INTEGER },
	STATE,
	OBJECT("conference_description", "conference-description", description),
	OBJECT("host_info", "host-info", host),
	OBJECT("conference_state", "conference-state", state),
	OBJECT("users", "users", users),
	OBJECT("sidebars_by_ref", "sidebars-by-ref", uris),
	OBJECT("sidebars_by_val", "sidebars-by-val", sidebars),
	{ .key = NULL },
};
const struct body_shape body_conference_shape = { .name = "conference_info",
	.ns = NS,
	.root = "conference-info",
	.fields = root_fields,
	.open = true };
