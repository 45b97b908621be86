/* lib/serve/proxy.h -- the insides of the proxy, shared by its files: proxy.c decides where a
 * request goes, forward.c carries one on over its branches (RFC 3261 16.6 to 16.10), proxy_wire.c
 * writes what goes out. */
#ifndef SERVE_PROXY_H
#define SERVE_PROXY_H

#include "serve/impl.h"

/* Where one copy of a request goes. The texts are borrowed. */
struct target {
	struct net_flow *flow; /* a ref */
	struct str uri, path; /* the Request-URI; the Path that was registered, or empty */
	struct str key, instance; /* of the binding: for its next flow; empty: there is none */
	uint64_t serial; /* of the binding */
	unsigned q;
	unsigned lost; /* the status to answer with when the flow fails */
};

struct targets {
	struct target list[SERVE_BINDINGS]; /* the first to be tried first */
	unsigned count;
	unsigned otherwise; /* the status to answer with when there is none */
};

/* proxy.c */
/* A ref to the flow that leads to a binding, or NULL. */
struct net_flow *proxy_flow_of(struct serve *s, const struct binding *b);
/* A flow to one binding failed: the next older flow of the same instance (RFC 5626 section 7).
 * Each has a lower serial than the one before, so that none gets the request twice, whatever was
 * registered in between. */
bool proxy_next_flow(struct serve *s, const struct target *failed, struct target *out);

/* forward.c */
/* Takes t and the refs of all targets over. breadth: how many branches at a time (RFC 5393). */
void forward_request(struct serve *s, struct transaction *t, struct net_flow *from,
	const struct targets *targets, unsigned breadth);

/* proxy_wire.c */
struct proxy_copy { /* of a request */
	const struct sip_msg *m;
	struct net_flow *from, *to;
	struct str uri, path;
	unsigned breadth; /* its Max-Breadth */
	bool stateless; /* the same request gets the same branch again (16.11) */
};
bool proxy_write_request(struct serve *s, const struct proxy_copy *c, struct buf *b);
/* Without our Via, otherwise as it came, with these header lines added. False when it does not fit
 * or when nobody else's Via is there (16.7 step 3). */
bool proxy_write_response(
	const struct serve *s, const struct sip_msg *m, struct str headers, struct buf *b);
/* 16.3 step 4: has it been here before, unchanged? */
bool proxy_is_loop(struct serve *s, const struct sip_msg *m);
/* The flow that the user part of a Route of ours names. False: it is no token. */
bool proxy_read_token(struct str user, unsigned *flow_id);

#endif
