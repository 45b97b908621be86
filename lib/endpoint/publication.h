/* lib/endpoint/publication.h -- event state published to a server: RFC 3903; row SB-20 */
#ifndef ENDPOINT_PUBLICATION_H
#define ENDPOINT_PUBLICATION_H

#include "endpoint/request.h"

struct publication;

struct publication_config {
	struct endpoint *endpoint;
	struct str target; /* Request-URI and To: whose state it is */
	struct str event; /* package */
	uint32_t expires; /* asked for, seconds; not 0 */
	struct str type, body; /* the state; empty: only with etag, a refresh of what is there */
	struct str etag; /* SIP-If-Match of the first PUBLISH; empty: a new publication */
	bool remove; /* of what etag names: Expires 0 */
	bool keep; /* refresh until it is stopped */
	bool leave; /* stop does not remove it */
	const struct endpoint_header *headers;
	unsigned header_count;
	int max_forwards; /* -1: the endpoint's */
	uint64_t timeout_ms;
	unsigned follow;
	struct request_retry retry;
	uint64_t recover_ms; /* how long a refresh that fails is tried again; 0: 5 min */
	endpoint_event_fn *on_event; /* PUBLICATION, RETRY, CHALLENGED; then DONE (without keep),
					FAILED or CLOSED */
	void *arg;
};

/* -FAIL_ARGUMENT, -FAIL_STATE, before any packet. Never calls the handler. */
int publication_start(
	const struct publication_config *config, struct publication **out, struct fail *f);
/* New state under the same entity tag. -FAIL_STATE unless it is published; -FAIL_ARGUMENT. */
int publication_modify(struct publication *p, struct str type, struct str body, struct fail *f);
/* A refresh now. -FAIL_STATE unless it is published. */
int publication_refresh(struct publication *p);
/* Graceful: removes what is kept unless leave is set, then ENDPOINT_CLOSED. Twice is fine. */
void publication_stop(struct publication *p);
void publication_free(struct publication *p); /* at once and silently; NULL is fine */
/* The entity tag of the last 2xx; empty: none. */
struct str publication_etag(const struct publication *p);
int publication_dry_run(const struct publication_config *config, struct buf *out, struct fail *f);

/* Presence as pidf with rpid (RFC 3863, 4479, 4480): what `publish` makes of its options. */
struct publication_presence {
	struct str entity; /* URI */
	struct str id; /* of the tuple; empty: one that follows from nothing */
	int open; /* 1 open, 0 closed, -1: not said */
	struct str note; /* empty: none */
	struct str activity; /* a word of RFC 4480 3.2, or text of its own (other); empty: none */
	struct str contact; /* URI; empty: none */
};
#define PUBLICATION_PRESENCE_TYPE "application/pidf+xml"
void publication_write_presence(const struct publication_presence *p, struct buf *b);

#endif
