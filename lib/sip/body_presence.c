/* lib/sip/body_presence.c -- application/pidf+xml: presence (RFC 3863) with the data model (RFC
 * 4479), RPID (RFC 4480), timed status (RFC 4481) and CIPID (RFC 4482) */
#include "sip/body_shape.h"

#define PIDF "urn:ietf:params:xml:ns:pidf"
#define MODEL "urn:ietf:params:xml:ns:pidf:data-model"
#define RPID "urn:ietf:params:xml:ns:pidf:rpid"
#define TIMED "urn:ietf:params:xml:ns:pidf:timed-status"
#define CIPID "urn:ietf:params:xml:ns:pidf:cipid"

/* ---- RPID ---- */

static const struct body_shape_field words_fields[] = {
	{ "value", .kind = SHAPE_WORDS, .list = true, .required = true },
	{ "note", .element = "note", .kind = SHAPE_OBJECT, .list = true,
		.shape = &body_shape_note },
	{ "id", .attribute = "id" },
	{ "from", .attribute = "from" },
	{ "until", .attribute = "until" },
	{ .key = NULL },
};
static const struct body_shape words = {
	.name = "presence_words", .ns = RPID, .fields = words_fields
};

static const struct body_shape_field place_fields[] = {
	{ "audio", .element = "audio", .kind = SHAPE_OBJECT, .shape = &words },
	{ "video", .element = "video", .kind = SHAPE_OBJECT, .shape = &words },
	{ "text", .element = "text", .kind = SHAPE_OBJECT, .shape = &words },
	{ "note", .element = "note", .kind = SHAPE_OBJECT, .list = true,
		.shape = &body_shape_note },
	{ "id", .attribute = "id" },
	{ "from", .attribute = "from" },
	{ "until", .attribute = "until" },
	{ .key = NULL },
};
static const struct body_shape place = {
	.name = "presence_place", .ns = RPID, .fields = place_fields
};

static const struct body_shape_field input_fields[] = {
	{ .key = "value" },
	{ "idle_threshold", .attribute = "idle-threshold", .kind = SHAPE_INTEGER },
	{ "last_input", .attribute = "last-input" },
	{ "id", .attribute = "id" },
	{ .key = NULL },
};
static const struct body_shape input = { .name = "presence_input", .fields = input_fields };

/* Elements that may stand there once for each span of time are lists (RFC 4480 section 3.1). */
#define WORDS(key, name)                                                                           \
	{                                                                                          \
		key, .element = name, .ns = RPID, .kind = SHAPE_OBJECT, .list = true,              \
		     .shape = &words                                                               \
	}
#define ONCE(key, name)                                                                            \
	{                                                                                          \
		key, .element = name, .ns = RPID, .kind = SHAPE_OBJECT, .shape = &words            \
	}
#define TEXT(key, name, space)                                                                     \
	{                                                                                          \
		key, .element = name, .ns = space                                                  \
	}
#define NOTES(space)                                                                               \
	{                                                                                          \
		"note", .element = "note", .ns = space, .kind = SHAPE_OBJECT, .list = true,        \
			.shape = &body_shape_note                                                  \
	}
#define INPUT                                                                                      \
	{                                                                                          \
		"user_input", .element = "user-input", .ns = RPID, .kind = SHAPE_OBJECT,           \
			      .shape = &input                                                      \
	}
/* RFC 4482: in a person or a tuple */
#define CARD                                                                                       \
	TEXT("card", "card", CIPID), TEXT("display_name", "display-name", CIPID),                  \
		TEXT("homepage", "homepage", CIPID), TEXT("icon", "icon", CIPID),                  \
		TEXT("map", "map", CIPID), TEXT("sound", "sound", CIPID)

/* ---- person, device, tuple ---- */

static const struct body_shape_field person_fields[] = {
	{ "id", .attribute = "id" },
	WORDS("activities", "activities"),
	TEXT("class", "class", RPID),
	WORDS("mood", "mood"),
	{ "place_is", .element = "place-is", .ns = RPID, .kind = SHAPE_OBJECT, .list = true,
		.shape = &place },
	WORDS("place_type", "place-type"),
	WORDS("privacy", "privacy"),
	WORDS("sphere", "sphere"),
	TEXT("status_icon", "status-icon", RPID),
	{ "time_offset", .element = "time-offset", .ns = RPID, .kind = SHAPE_SIGNED },
	INPUT,
	CARD,
	NOTES(MODEL),
	TEXT("timestamp", "timestamp", MODEL),
	{ .key = NULL },
};
static const struct body_shape person = {
	.name = "presence_person", .ns = MODEL, .fields = person_fields, .open = true
};

static const struct body_shape_field device_fields[] = {
	{ "id", .attribute = "id" },
	TEXT("device_id", "deviceID", MODEL),
	TEXT("class", "class", RPID),
	INPUT,
	NOTES(MODEL),
	TEXT("timestamp", "timestamp", MODEL),
	{ .key = NULL },
};
static const struct body_shape device = {
	.name = "presence_device", .ns = MODEL, .fields = device_fields, .open = true
};

static const struct body_shape_field status_fields[] = {
	TEXT("basic", "basic", PIDF),
	{ .key = NULL },
};
static const struct body_shape status = {
	.name = "presence_status", .ns = PIDF, .fields = status_fields, .open = true
};

static const struct body_shape_field timed_fields[] = {
	{ "from", .attribute = "from" },
	{ "until", .attribute = "until" },
	TEXT("basic", "basic", TIMED),
	NOTES(TIMED),
	{ .key = NULL },
};
static const struct body_shape timed = {
	.name = "presence_timed_status", .ns = TIMED, .fields = timed_fields, .open = true
};

static const struct body_shape_field contact_fields[] = {
	{ "uri", .required = true },
	{ "priority", .attribute = "priority", .kind = SHAPE_NUMBER },
	{ .key = NULL },
};
static const struct body_shape contact = { .name = "presence_contact", .fields = contact_fields };

static const struct body_shape_field tuple_fields[] = {
	{ "id", .attribute = "id" },
	{ "status", .element = "status", .kind = SHAPE_OBJECT, .shape = &status },
	{ "timed_status", .element = "timed-status", .ns = TIMED, .kind = SHAPE_OBJECT,
		.list = true, .shape = &timed },
	{ "contact", .element = "contact", .kind = SHAPE_OBJECT, .shape = &contact },
	TEXT("device_id", "deviceID", MODEL),
	TEXT("class", "class", RPID),
	WORDS("privacy", "privacy"),
	ONCE("relationship", "relationship"),
	ONCE("service_class", "service-class"),
	TEXT("status_icon", "status-icon", RPID),
	INPUT,
	CARD,
	NOTES(NULL),
	TEXT("timestamp", "timestamp", PIDF),
	{ .key = NULL },
};
static const struct body_shape tuple = {
	.name = "presence_tuple", .ns = PIDF, .fields = tuple_fields, .open = true
};

static const struct body_shape_field presence_fields[] = {
	{ "entity", .attribute = "entity", .required = true },
	{ "tuple", .element = "tuple", .kind = SHAPE_OBJECT, .list = true, .required = true,
		.shape = &tuple },
	{ "person", .element = "person", .ns = MODEL, .kind = SHAPE_OBJECT, .list = true,
		.shape = &person },
	{ "device", .element = "device", .ns = MODEL, .kind = SHAPE_OBJECT, .list = true,
		.shape = &device },
	NOTES(NULL),
	{ .key = NULL },
};
const struct body_shape body_presence_shape = {
	.name = "presence", .ns = PIDF, .root = "presence", .fields = presence_fields, .open = true
};
