/* lib/endpoint/epid.h -- endpoint ids of Office Communications Server ([MS-SIPRE]): one for each
 * user and device, in From of every request; the instance of a Contact is derived from it. Rows
 * EP-05 and EP-06 */
#ifndef ENDPOINT_EPID_H
#define ENDPOINT_EPID_H

#include "base/str.h"
#include "base/text.h"

struct endpoint;

#define EPID_MAX 16 /* characters of one that somebody gives (EP-05) */
#define EPID_LEN 10 /* hex digits of one that is made */

/* An unpredictable one and a terminator. */
void epid_make(char out[EPID_LEN + 1]);
/* A token of at most EPID_MAX characters? */
bool epid_is_valid(struct str epid);
/* [MS-SIPRE] 3.3.3.1: the UUID that belongs to it, in lower case, and a terminator. */
void epid_uuid(struct str epid, char out[TEXT_UUID_LEN + 1]);

/* The endpoint has an id from now on, a random one unless it had one before: a challenge may come
 * that cannot be answered without. In dialect ocs its instance comes along. */
void endpoint_epid_make(struct endpoint *ep);
/* Empty: none. */
struct str endpoint_epid(const struct endpoint *ep);

#endif
