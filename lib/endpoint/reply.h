/* lib/endpoint/reply.h -- what is answered to whom, as text: "486 Busy Here", and rules of the form
 * 'METHOD[ USER]=STATUS[ REASON][;after=T][;retry-after=T]' (cli.md sections 8 and 16) */
#ifndef ENDPOINT_REPLY_H
#define ENDPOINT_REPLY_H

#include "base/fail.h"
#include "base/str.h"

struct sip_msg;

struct reply {
	struct str method, user; /* "*": any method; empty: any user part of To */
	struct str reason; /* empty: the usual phrase */
	unsigned status; /* 100 to 699; 0: never answers */
	uint64_t after_ms;
	bool has_retry_after;
	uint32_t retry_after; /* s */
};

/* The views of *out are of the rule. -FAIL_ARGUMENT with the form that is wanted. */
int reply_parse(struct str rule, struct reply *out, struct fail *f);
/* Does the rule hold for this request? */
bool reply_matches(const struct reply *r, const struct sip_msg *request);
/* "STATUS[ REASON]": 0, or 100 to 699, fit for a message. */
bool reply_status(struct str text, unsigned *status, struct str *reason);
/* The usual phrase of a status: "OK". */
struct str reply_phrase(unsigned status);
/* "500ms" "2s" "5" "1m" "1h" */
bool reply_time(struct str text, uint64_t *ms);

#endif
