/* lib/auth/fields.h -- the parameters of a challenge, of credentials or of Authentication-Info,
 * unescaped: the unq() of RFC 7616 section 3.3. For lib/auth only. */
#ifndef AUTH_FIELDS_H
#define AUTH_FIELDS_H

#include "base/arena.h"

#include <stdbool.h>

struct auth_field {
	const char *name;
	struct str *value; /* p stays NULL when absent; quoted or not makes no difference */
};

/* Fills in the fields that params (checked by sip_challenge_parse or sip_auth_info_parse) names;
 * others are passed over. The texts are copied into the arena. False when a field comes twice or
 * holds a control character; the fields may be set nevertheless. */
bool auth_fields_read(
	struct arena *a, struct str params, const struct auth_field *fields, size_t n);
/* The same with the texts as they stand between their quotes: what is signed by [MS-SIPAE]. */
bool auth_fields_verbatim(
	struct arena *a, struct str params, const struct auth_field *fields, size_t n);

#endif
