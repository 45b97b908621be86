/* lib/endpoint/registration.h -- a binding at a registrar: RFC 3261 section 10, RFC 3327, 3608,
 * 5626, 5627; rows RG-. States as in ucma.md 2.1: unregistered -> registering -> registered ->
 * unregistering. */
#ifndef ENDPOINT_REGISTRATION_H
#define ENDPOINT_REGISTRATION_H

#include "endpoint/request.h"

struct registration;

enum registration_what {
	REGISTRATION_ADD, /* add and, with keep, refresh */
	REGISTRATION_QUERY, /* no Contact: which bindings are there? */
	REGISTRATION_REMOVE, /* our Contact (or those given) with Expires 0 */
	REGISTRATION_REMOVE_ALL, /* Contact: * */
};

enum registration_keepalive {
	/* With outbound: crlf on streams, stun on UDP; in dialect ocs as the server agrees to; else
	 * none. */
	REGISTRATION_KEEPALIVE_AUTO,
	REGISTRATION_KEEPALIVE_CRLF,
	REGISTRATION_KEEPALIVE_STUN,
	REGISTRATION_KEEPALIVE_OPTIONS,
	REGISTRATION_KEEPALIVE_NONE,
	REGISTRATION_KEEPALIVE_MS, /* of dialect ocs; not for configurations */
};

struct registration_config {
	struct endpoint *endpoint; /* server based */
	enum registration_what what;
	uint32_t expires; /* asked for; 0 in dialect ocs: what the server likes */
	const struct str *contacts;
	unsigned contact_count; /* URIs to bind in place of ours */
	int q; /* thousandths, -1: none */
	const struct str *paths;
	unsigned path_count;
	const unsigned *reg_ids;
	unsigned reg_id_count; /* outbound: one flow each (ruling 8) */
	bool outbound, gruu;
	struct str methods; /* Contact's methods parameter (RG-04); empty: none, in dialect ocs
			       those that sessions and subscriptions need */
	struct str push; /* PROVIDER,PRID[,PARAM] of RFC 8599; empty: none */
	struct str third_party; /* From of a third-party registration; empty: the AOR */
	bool keep; /* refresh until stopped */
	bool leave; /* stop does not remove the binding */
	bool reject_unchallenged; /* AU-05; set by schemes without none */
	enum registration_keepalive keepalive;
	uint64_t keepalive_ms; /* 0: as RFC 5626 4.4.1 and Flow-Timer say */
	unsigned follow; /* redirects, 0 to 5 (RG-16); usual: 3 */
	uint64_t timeout_ms;
	struct request_retry retry;
	uint64_t recover_ms; /* how long a lost registration is tried again (RG-15); 0: 5 min */
	endpoint_event_fn *on_event; /* REGISTRATION, RETRY, CHALLENGED; then DONE (without keep),
					FAILED or CLOSED */
	void *arg;
};

/* -FAIL_STATE when the endpoint has a registration already (RG-02), before any packet. Never calls
 * the handler. */
int registration_start(
	const struct registration_config *config, struct registration **out, struct fail *f);
/* Graceful: removes the binding unless leave is set, then ENDPOINT_CLOSED, also when the server
 * fails (RG-08). */
void registration_stop(struct registration *r);
void registration_free(struct registration *r); /* at once; NULL is fine */

/* Sends a refresh now; RegisterMethods may have changed (RG-04). -FAIL_STATE unless registered. */
int registration_refresh(struct registration *r);
void registration_set_methods(struct registration *r, struct str methods);
bool registration_active(const struct registration *r);
/* The first REGISTER as it would be sent (--dry-run). */
int registration_dry_run(const struct registration_config *config, struct buf *out, struct fail *f);

#endif
