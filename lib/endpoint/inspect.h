/* lib/endpoint/inspect.h -- what is in a message and what is wrong with it, for eyes: the parsers
 * of the stack look at every part, and each fault has the byte where it is. Where the stack stops
 * at the first one, this goes on. */
#ifndef ENDPOINT_INSPECT_H
#define ENDPOINT_INSPECT_H

#include "base/arena.h"
#include "base/fail.h"
#include "endpoint/event.h"

enum { INSPECT_FINDINGS = 100 }; /* more are counted, not kept */

struct inspect_finding {
	bool error; /* it does not fit the grammar or breaks a MUST; else it is worth a look */
	size_t offset; /* of the byte, from the start of the text */
	unsigned line, column; /* from 1; columns are bytes */
	struct str header; /* the canonical name of the header field, or as written; empty: none */
	struct str text;
};

struct inspect_header {
	struct str name, value; /* as written; a fold is one line */
	size_t offset;
};

/* What a receiver would do (RFC 3261 8.2, 18.1.2). */
enum inspect_verdict { INSPECT_ACCEPT, INSPECT_REJECT, INSPECT_DROP };

struct inspect {
	struct arena arena;
	struct sip_msg *parsed;
	bool readable; /* msg and headers are there */
	struct endpoint_msg msg;
	struct str version;
	struct inspect_header *headers;
	unsigned header_count;
	size_t offset, bytes; /* of this message in the text */
	struct inspect_finding *findings;
	unsigned finding_count, error_count, left_off;
	enum inspect_verdict verdict;
	unsigned status; /* of a rejection */
};

/* The message at offset in the text; out is done with inspect_done. Gives the offset behind it:
 * where the next one begins, when the text holds several as a stream does (Content-Length tells
 * where one ends), else text.n. Never fails: what cannot be read is a finding. */
size_t inspect_message(struct str text, size_t offset, struct inspect *out);
void inspect_done(struct inspect *i);
/* "accept" "reject" "drop" */
const char *inspect_verdict_name(enum inspect_verdict v);

#endif
