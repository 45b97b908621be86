/* lib/endpoint/secure.h -- the endpoints' messages within security associations: signed as they
 * leave, checked as they come (auth/auth.h). Internal to the endpoint layer. */
#ifndef ENDPOINT_SECURE_H
#define ENDPOINT_SECURE_H

#include "endpoint/impl.h"

/* A scheme with a security association was chosen: from now on messages of this endpoint are
 * looked at, and it has an endpoint id, which associations are bound to (microsoft-auth.md 1.9).
 * Idempotent. */
void secure_begin(struct endpoint *ep);

#endif
