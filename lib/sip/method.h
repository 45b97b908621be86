/* lib/sip/method.h -- request methods, RFC 3261 section 7.1 and its extensions */
#ifndef SIP_METHOD_H
#define SIP_METHOD_H

#include "base/str.h"

enum sip_method {
	SIP_OTHER, /* a method that is not in method.def */
#define METHOD(id) SIP_##id,
#include "sip/method.def"
#undef METHOD
	SIP_METHOD_COUNT
};

/* SIP_OTHER when unknown. */
enum sip_method sip_method_of(struct str name);
/* "" for SIP_OTHER. */
struct str sip_method_name(enum sip_method m);

#endif
