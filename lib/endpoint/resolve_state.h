/* lib/endpoint/resolve_state.h -- one running resolve: resolve.c begins and ends it, resolve_step.c
 * asks the questions */
#ifndef ENDPOINT_RESOLVE_STATE_H
#define ENDPOINT_RESOLVE_STATE_H

#include "endpoint/resolve.h"

/* However many records there are, no more of them are followed (A68): a name server cannot make us
 * ask for ever. */
enum {
	RESOLVE_SERVICES = 8, /* NAPTR records of use */
	RESOLVE_NAMES = RESOLVE_TARGETS, /* hosts whose addresses are asked for */
	RESOLVE_QUERIES = 1 + RESOLVE_SERVICES + 2 * RESOLVE_NAMES,
};

struct resolve_question {
	struct net_dns_query q;
	struct resolve *r;
	bool asked, answered;
	bool told; /* it is in r->queries */
};

/* A transport, and where its servers are listed. */
struct resolve_service {
	enum net_transport transport;
	bool srv; /* name has SRV records; else (NAPTR flag "a") addresses, with the default port */
	struct str name;
	struct resolve_question question;
};

struct resolve_name {
	struct str host;
	struct resolve_question a, aaaa;
};

/* What becomes targets when its addresses are known. */
struct resolve_host {
	enum net_transport transport;
	struct str host;
	uint16_t port, priority, weight;
	bool srv;
	struct str addrs; /* from --resolve; then there is no name */
	struct resolve_name *name; /* one for all hosts of that name */
};

enum resolve_phase {
	RESOLVE_NAPTR, /* RFC 3263 4.1: which transports, and where they are listed */
	RESOLVE_SERVICE, /* RFC 3263 4.2: the hosts of a service */
	RESOLVE_ADDRESS, /* RFC 3263 4.2: their addresses */
	RESOLVE_END,
};

struct resolve_state {
	struct resolve_config config; /* its uri is not used after the start */
	struct arena arena;
	uint64_t started_us;
	enum resolve_phase phase;

	struct str target; /* RFC 3263 section 4: maddr, or the host */
	uint16_t port; /* 0: none was given */
	bool sips;
	int transport; /* what was asked for, or -1 */

	struct resolve_question naptr;
	struct resolve_service services[RESOLVE_SERVICES];
	size_t service_count, at; /* those before `at` have been looked at */
	bool parallel; /* all services are asked at once */
	bool found; /* some service has records: no going on without */
	struct str not_offered; /* an SRV name whose target is "." */
	bool left_out; /* a record without address (0.0.0.0) or port (0) */
	bool fell_back; /* to addresses of the target itself */

	struct resolve_host hosts[RESOLVE_TARGETS];
	size_t host_count;
	struct resolve_name *names[RESOLVE_NAMES];
	size_t name_count;

	/* Bits 1 << enum net_dns_type, for the text of a failure. */
	unsigned asked_types, found_types;
};

/* The transport where DNS does not choose one, and the port where nothing else says one. */
enum net_transport resolve_state_transport(const struct resolve_state *s);
uint16_t resolve_state_port(enum net_transport t);
/* Goes on until there is something to wait for; at the end, resolve_state_finish. */
void resolve_step(struct resolve *r);
/* Adds what is to become targets; beyond the limits it does nothing. host.host is copied. */
void resolve_step_host(struct resolve *r, struct resolve_host host);
/* The services to ask without NAPTR. */
void resolve_step_guess(struct resolve_state *s);
/* Adds a target, up to RESOLVE_TARGETS of the family wanted. */
void resolve_state_add(struct resolve *r, struct resolve_target target);
/* Orders the targets, or says why there are none, and feeds `done`. */
void resolve_state_finish(struct resolve *r);

#endif
