/* lib/sip/msg.h -- a SIP message: one copy of the wire bytes, views into it, header fields typed
 * when asked for. RFC 3261 section 7. */
#ifndef SIP_MSG_H
#define SIP_MSG_H

#include "base/arena.h"
#include "base/fail.h"
#include "base/str.h"
#include "sip/cseq.h"
#include "sip/hdr.h"
#include "sip/method.h"
#include "sip/nameaddr.h"
#include "sip/via.h"

#define SIP_MESSAGE_MAX 65536

/* Limits at this door; 0 means the default. */
struct sip_limits {
	size_t message; /* bytes, default SIP_MESSAGE_MAX */
	unsigned headers; /* header lines, default 256 */
};

struct sip_hdr {
	enum sip_hdr_id id;
	struct str name; /* as written */
	struct str value; /* trimmed; the CR LF of a fold are blanks in our copy (RFC 3261 7.3.1) */
};

/* What nearly every reader of a message asks for, decoded at the first time. */
struct sip_msg_typed {
	struct sip_via via;
	struct sip_nameaddr from, to;
	struct sip_cseq cseq;
	enum sip_decoded { SIP_NOT_YET, SIP_GOOD, SIP_BAD } via_is, from_is, to_is, cseq_is;
};

struct sip_msg {
	unsigned refs;
	struct arena arena;
	struct str wire; /* our copy, folds undone */

	bool request;
	enum sip_method method; /* of a request */
	struct str method_name; /* of a request */
	struct str request_uri; /* as written, unparsed */
	unsigned status; /* of a response, 100 to 699 */
	struct str reason; /* of a response */
	struct str version; /* "SIP/2.0" as written */

	struct sip_hdr *hdrs;
	unsigned hdr_count;
	uint16_t first[SIP_HDR_COUNT]; /* 1 + index of the first header of this id, 0: absent */

	struct sip_msg_typed *typed; /* of msg.c only */
	bool cut; /* the bytes ended before the blank line; only whole header lines are here */
	struct str body; /* cut to Content-Length; without one all behind the blank line */
};

/* Copies and splits one message (a datagram, or what sip_frame found). Only what makes it unusable
 * as a message fails here: no start line, a header line without colon or with a bad name, over the
 * limits (-FAIL_LIMIT), no end of the headers when a request could not even be answered. Everything
 * else is sip_msg_check's. f may be NULL. 0 and *out with one reference; -FAIL_SYNTAX or
 * -FAIL_LIMIT. */
int sip_msg_parse(
	struct str wire, const struct sip_limits *limits, struct sip_msg **out, struct fail *f);
struct sip_msg *sip_msg_ref(struct sip_msg *m);
/* NULL is fine. */
void sip_msg_unref(struct sip_msg *m);

/* What a receiver must do with a message that was parsed. */
enum sip_verdict {
	SIP_ACCEPT,
	SIP_REJECT, /* a request: answer with *status (400, 505 ...), the text as its reason */
	SIP_DROP, /* a response, an ACK, or a request that cannot be answered: discard */
};

/* The grammar of RFC 3261 25.1 for the start line and every header that the stack itself uses, the
 * mandatory headers of 8.1.1, CSeq against method, Content-Length against the bytes at hand
 * (datagram). The verdicts are those of RFC 4475 and RFC 5118. On reject and drop f says what is
 * wrong, in printable ASCII; *status is set on reject. */
enum sip_verdict sip_msg_check(
	const struct sip_msg *m, bool datagram, unsigned *status, struct fail *f);

/* Does the value fit the grammar that sip_msg_check holds requests to (a list as a whole)? True of
 * header fields that are not checked. *at: how far into the value it does, when that is known. */
bool sip_msg_hdr_fits(const struct sip_hdr *h, size_t *at);

/* The first header of this id, or NULL. */
const struct sip_hdr *sip_msg_hdr(const struct sip_msg *m, enum sip_hdr_id id);
/* The next one of h's id behind h, or NULL; for SIP_HDR_OTHER the next one of the same name. */
const struct sip_hdr *sip_msg_hdr_next(const struct sip_msg *m, const struct sip_hdr *h);
/* The value of the first one; the empty view when absent. */
struct str sip_msg_value(const struct sip_msg *m, enum sip_hdr_id id);
/* By name, long or compact, also of unknown headers. NULL when absent. */
const struct sip_hdr *sip_msg_hdr_named(const struct sip_msg *m, struct str name);

/* Typed access to the first value; false when absent or malformed. */
bool sip_msg_via(const struct sip_msg *m, struct sip_via *out); /* the topmost */
bool sip_msg_from(const struct sip_msg *m, struct sip_nameaddr *out);
bool sip_msg_to(const struct sip_msg *m, struct sip_nameaddr *out);
bool sip_msg_cseq(const struct sip_msg *m, struct sip_cseq *out);
/* Expires, Min-Expires, Retry-After, Session-Expires, Max-Forwards ...: the number */
bool sip_msg_seconds(const struct sip_msg *m, enum sip_hdr_id id, uint32_t *out);
struct str sip_msg_call_id(const struct sip_msg *m);
struct str sip_msg_from_tag(const struct sip_msg *m); /* empty: absent */
struct str sip_msg_to_tag(const struct sip_msg *m);

/* Iteration over every element of a comma list, across repeated headers:
 *   struct sip_list l = sip_msg_list(m, SIP_HDR_CONTACT);
 *   while (sip_list_nameaddr(&l, &a)) ...
 *   if (l.bad) malformed */
struct sip_list {
	const struct sip_msg *m;
	const struct sip_hdr *hdr;
	struct str rest;
	bool bad;
};
struct sip_list sip_msg_list(const struct sip_msg *m, enum sip_hdr_id id);
bool sip_list_nameaddr(struct sip_list *l, struct sip_nameaddr *out);
bool sip_list_via(struct sip_list *l, struct sip_via *out);
/* Tokens (option tags, methods): one element each, trimmed. Empty elements are malformed. */
bool sip_list_token(struct sip_list *l, struct str *out);
/* Does this comma list hold the token (letters in any case)? */
bool sip_msg_has_token(const struct sip_msg *m, enum sip_hdr_id id, const char *token);

#endif
