/* tests/bench/parse/driver.h -- what a parser has to decode, and how the bench calls it */
#ifndef PARSE_DRIVER_H
#define PARSE_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct view {
	const char *p;
	size_t n;
};

/* Numbers are -1 when absent. The views live until the driver's call returns. */
struct fields {
	long request, status, vias, record_routes, cseq, max_forwards, content_length, body;
	struct view method, uri_user, uri_host;
	struct view via_host, via_branch; /* the topmost; every Via is decoded */
	struct view from_user, from_tag, to_user, to_tag, call_id, cseq_method;
	struct view contact_user, contact_host, type, subtype;
};

static const struct fields no_fields = { .max_forwards = -1, .content_length = -1 };

/* Gets the fields while they live; NULL while time is taken. */
typedef void seen_fn(const struct fields *f);

struct driver {
	const char *name;
	void (*init)(void); /* may be NULL */
	bool (*parse)(const char *p, size_t n, seen_fn *seen);
	/* Parses, decodes and writes every header back; the bytes in out. NULL when there is no
	 * such thing. */
	size_t (*serialise)(const char *p, size_t n, char *out, size_t room);
};

/* The one symbol of a module. */
extern const struct driver driver;

static inline struct view view_of(const char *p, size_t n)
{
	return (struct view){ p, p ? n : 0 };
}

static inline struct view view_z(const char *z)
{
	return view_of(z, z ? strlen(z) : 0);
}

#endif
