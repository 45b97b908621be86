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
/* The length of the canonical name that stands at p with a colon right behind it, and its id; 0
 * when it is any other name or spelling, or when fewer than 32 bytes are there. So come nearly all
 * headers, and the colon is found on the way. */
size_t sip_hdr_match(const char *p, size_t n, enum sip_hdr_id *id);
/* The canonical name; "" for SIP_HDR_OTHER. */
struct str sip_hdr_name(enum sip_hdr_id id);
/* The compact form; the long one when there is none. */
struct str sip_hdr_compact(enum sip_hdr_id id);
enum sip_hdr_kind sip_hdr_kind(enum sip_hdr_id id);

#endif
