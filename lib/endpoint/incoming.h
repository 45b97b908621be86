/* lib/endpoint/incoming.h -- a request that arrived and waits for its answer (rows ME-08 to ME-10,
 * AR-01). It comes with ENDPOINT_INCOMING; a handler that does nothing with it has it answered 200
 * when it returns. */
#ifndef ENDPOINT_INCOMING_H
#define ENDPOINT_INCOMING_H

#include "endpoint/endpoint.h"

struct incoming;

struct incoming_answer {
	unsigned status; /* 200 to 699; 0: none at all, for tests of the peer */
	struct str reason; /* empty: the usual phrase */
	const struct endpoint_header *headers;
	unsigned header_count;
	struct str type, body;
};

/* Sends the answer and frees `in`. A value that has control characters makes it 500. */
void incoming_answer(struct incoming *in, const struct incoming_answer *a);
/* The answer will come later: in the handler only. The manager's end frees it silently. */
void incoming_keep(struct incoming *in);
/* What arrived; lives as long as `in`. */
const struct endpoint_msg *incoming_msg(struct incoming *in);

#endif
