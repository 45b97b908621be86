/* lib/sip/method.c -- from a method's name to its value and back */
#include "sip/method.h"

#include <string.h>

static const struct str names[SIP_METHOD_COUNT] = {
	[SIP_OTHER] = { "", 0 },
#define METHOD(id) [SIP_##id] = { #id, sizeof(#id) - 1 },
#include "sip/method.def"
#undef METHOD
};

enum sip_method sip_method_of(struct str name)
{
	/* RFC 3261 7.1: method names are case-sensitive, so RE%47ISTER or invite is a method that
	 * we do not know. */
#define METHOD(id)                                                                                 \
	if (name.n == sizeof(#id) - 1 && memcmp(name.p, #id, sizeof(#id) - 1) == 0)                \
		return SIP_##id;
#include "sip/method.def"
#undef METHOD
	return SIP_OTHER;
}

struct str sip_method_name(enum sip_method m)
{
	return names[m];
}
