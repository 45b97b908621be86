/* lib/sip/body_watchers.c -- application/watcherinfo+xml: who watches a resource (RFC 3858) */
#include "sip/body_shape.h"

#define NS "urn:ietf:params:xml:ns:watcherinfo"

static const struct body_shape_field watcher_fields[] = {
	{ "id", .attribute = "id", .required = true },
	{ "uri", .required = true },
	{ "status", .attribute = "status", .required = true },
	{ "event", .attribute = "event", .required = true },
	{ "display_name", .attribute = "display-name" },
	{ "lang", .attribute = "lang" },
	{ "expiration", .attribute = "expiration", .kind = SHAPE_INTEGER },
	{ "duration_subscribed", .attribute = "duration-subscribed", .kind = SHAPE_INTEGER },
	{ .key = NULL },
};
static const struct body_shape watcher = {
	.name = "watcherinfo_watcher", .ns = NS, .fields = watcher_fields
};

static const struct body_shape_field list_fields[] = {
	{ "resource", .attribute = "resource", .required = true },
	{ "package", .attribute = "package", .required = true },
	{ "watcher", .element = "watcher", .kind = SHAPE_OBJECT, .list = true, .required = true,
		.shape = &watcher },
	{ .key = NULL },
};
static const struct body_shape list = {
	.name = "watcherinfo_list", .ns = NS, .fields = list_fields, .open = true
};

static const struct body_shape_field root_fields[] = {
	{ "version", .attribute = "version", .kind = SHAPE_INTEGER, .required = true },
	{ "state", .attribute = "state", .required = true },
	{ "watcher_list", .element = "watcher-list", .kind = SHAPE_OBJECT, .list = true,
		.required = true, .shape = &list },
	{ .key = NULL },
};
const struct body_shape body_watchers_shape = {
	.name = "watcherinfo", .ns = NS, .root = "watcherinfo", .fields = root_fields, .open = true
};
