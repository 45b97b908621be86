/* lib/endpoint/epid.c -- endpoint ids and the instances that are derived from them: [MS-SIPRE]
 * 3.3.3.1 and 4.2 */
#include "endpoint/epid.h"

#include "base/hash.h"
#include "endpoint/impl.h"

#include <stdio.h>
#include <string.h>

void epid_make(char out[EPID_LEN + 1])
{
	unsigned char bytes[EPID_LEN / 2];

	text_random(bytes, sizeof(bytes));
	text_hex(out, bytes, sizeof(bytes));
}

bool epid_is_valid(struct str epid)
{
	return epid.n <= EPID_MAX && endpoint_check_token(epid);
}

/* The digest is read as a GUID in its little-endian form, as the name space goes in: the first
 * three groups are turned round. RFC 4122's version 5 would read it big-endian. */
void epid_uuid(struct str epid, char out[TEXT_UUID_LEN + 1])
{
	/* fcacfb03-8a73-46ef-91b1-e5ebeeaba4fe */
	static const char space[] = "\x03\xfb\xac\xfc\x73\x8a\xef\x46\x91\xb1\xe5\xeb\xee\xab\xa4"
				    "\xfe";
	const struct str parts[] = { { space, 16 }, epid };
	unsigned char h[HASH_MAX];

	hash_parts(HASH_SHA1, parts, ARRAY_LEN(parts), h);
	h[7] = (unsigned char)((h[7] & 0x0f) | 0x50);
	h[8] = (unsigned char)((h[8] & 0x3f) | 0x80);
	snprintf(out, TEXT_UUID_LEN + 1,
		"%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", h[3], h[2],
		h[1], h[0], h[5], h[4], h[7], h[6], h[8], h[9], h[10], h[11], h[12], h[13], h[14],
		h[15]);
}

void endpoint_epid_make(struct endpoint *ep)
{
	struct endpoint_config *c = &ep->config;
	char epid[EPID_LEN + 1], uuid[TEXT_UUID_LEN + 1];

	if (c->epid.n == 0) {
		epid_make(epid);
		c->epid = arena_str(&ep->arena, str_of(epid));
	}
	if (c->dialect != ENDPOINT_OCS || c->instance.n > 0)
		return;
	epid_uuid(c->epid, uuid);
	c->instance = arena_fmt(&ep->arena, "urn:uuid:%s", uuid);
}

struct str endpoint_epid(const struct endpoint *ep)
{
	return ep->config.epid;
}
