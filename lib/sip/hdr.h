/* lib/sip/hdr.h -- names of header fields, RFC 3261 sections 7.3 and 20 */
#ifndef SIP_HDR_H
#define SIP_HDR_H

#include "base/str.h"

enum sip_hdr_id {
	SIP_HDR_OTHER, /* any name that is not in hdr.def */
#define HDR(id, name, compact, kind) SIP_HDR_##id,
#include "sip/hdr.def"
#undef HDR
	SIP_HDR_COUNT
};

enum sip_hdr_kind { SIP_HDR_ONE, SIP_HDR_LIST, SIP_HDR_MANY, SIP_HDR_TEXT };

/* The id of a name, long or compact, letters in any case; SIP_HDR_OTHER when unknown. */
enum sip_hdr_id sip_hdr_id(struct str name);
/* The canonical name; "" for SIP_HDR_OTHER. */
struct str sip_hdr_name(enum sip_hdr_id id);
/* The compact form; the long one when there is none. */
struct str sip_hdr_compact(enum sip_hdr_id id);
enum sip_hdr_kind sip_hdr_kind(enum sip_hdr_id id);

#endif
