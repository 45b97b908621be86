/* lib/endpoint/event.h -- everything a handler can be told. Plain types: who listens needs no
 * header of lib/sip or lib/net. All views live during the call only. */
#ifndef ENDPOINT_EVENT_H
#define ENDPOINT_EVENT_H

#include "base/fail.h"
#include "base/str.h"

struct endpoint;
struct sip_msg;

enum endpoint_event_type {
	/* progress; any number, in the order of what happens */
	ENDPOINT_RESOLVED, /* resolved */
	ENDPOINT_CONNECTED, /* flow */
	ENDPOINT_DISCONNECTED, /* flow */
	ENDPOINT_REQUEST, /* msg: sent or received, no retransmissions */
	ENDPOINT_RESPONSE, /* msg */
	ENDPOINT_CHALLENGED, /* auth: a challenge is about to be answered */
	ENDPOINT_RETRY, /* retry: the operation waits and tries again */
	ENDPOINT_REGISTRATION, /* registration: active or terminated, with its cause */
	ENDPOINT_UNMATCHED, /* msg: a request that was not ours; msg.replied says what it got */
	/* exactly one of these ends an operation (R6) */
	ENDPOINT_DONE, /* result: a final response that is a success */
	ENDPOINT_FAILED, /* result with fail; a status when one was received */
	ENDPOINT_CLOSED, /* after stop: all is over; result when something was sent for it */
};

struct endpoint_hop {
	const char *transport; /* "udp" "tcp" "tls" */
	struct str address;
	uint16_t port;
};

struct endpoint_tls {
	const char *version, *cipher, *server_name, *identity, *not_after, *spki_sha256;
	bool verified, resumed;
};

struct endpoint_flow {
	struct endpoint_hop local, remote;
	bool incoming;
	const struct endpoint_tls *tls; /* NULL unless TLS */
	double connect_ms, tls_ms;
	/* of a disconnect */
	const char *cause; /* "idle" "linger" "peer" "error" "first-message" "tls" "not-allowed"
			      "local" */
	const char *action; /* "refresh" "unregister" "none" */
	struct str detail;
};

struct endpoint_query {
	struct str name;
	const char *rrtype, *rcode;
	double ms;
};

struct endpoint_target {
	struct endpoint_hop hop;
	struct str host;
	unsigned priority, weight;
	bool srv;
};

struct endpoint_resolved {
	struct str uri;
	const struct endpoint_query *queries;
	unsigned query_count;
	const struct endpoint_target *targets;
	unsigned target_count;
	double ms;
};

struct endpoint_address { /* a name-addr */
	struct str display_name, uri, tag;
};

struct endpoint_msg {
	bool sent;
	struct str method;
	struct str request_uri; /* of a request */
	unsigned status_code; /* of a response */
	struct str reason_phrase;
	struct str call_id, branch;
	uint32_t cseq;
	struct endpoint_address from, to;
	struct endpoint_hop local, remote;
	size_t bytes;
	unsigned retransmissions; /* of the request, up to its final response */
	double rtt_ms; /* a response's time since its request was first sent; < 0: not known */
	unsigned replied; /* a received request: the status that was sent, 0: not yet */
	struct str server, warning, reason, ms_diagnostics; /* header fields; empty: absent */
	bool has_retry_after;
	uint32_t retry_after;
	struct str content_type, body;
	struct str wire; /* the whole message as received or sent */
	const struct sip_msg *msg; /* for endpoint_msg_header() */
};

/* The index-th value (from 0) of a header field by its name, long or compact; false when there is
 * none. */
bool endpoint_msg_header(
	const struct endpoint_msg *m, struct str name, unsigned index, struct str *value);

struct endpoint_auth {
	const char *scheme, *chosen, *qop,
		*source; /* "digest" "sha-256" "auth" "env"; qop may be NULL */
	const char *const *offered;
	unsigned offered_count;
	struct str realm, user;
	bool stale;
};

struct endpoint_retry {
	unsigned attempt, of; /* the attempt that comes, from 2; of 0: no fixed number */
	const char *because; /* "connect" "timeout" "status" "retry-after" "dns" "dropped" */
	struct str detail;
	double wait_ms;
};

struct endpoint_contact {
	struct str uri, pub_gruu, temp_gruu, instance; /* empty: absent */
	uint32_t expires;
	unsigned q; /* thousandths; 1001: absent */
	unsigned reg_id; /* 0: absent */
	bool own;
};

struct endpoint_registration {
	bool active; /* of a query: there are bindings */
	const char *cause; /* RFC 3680: "registered" "refreshed" "unregistered" "expired" "rejected"
			      ..., ours: "connection-dropped" */
	struct str aor;
	uint32_t expires; /* of our binding; 0 when there is none */
	uint32_t refresh_in; /* seconds; 0: no refresh is planned */
	const struct endpoint_contact *contacts;
	unsigned contact_count;
	const struct str *path, *service_route;
	unsigned path_count, service_route_count;
	bool outbound; /* the server agreed: Require: outbound */
	unsigned reg_id; /* which flow, 0 without outbound */
	const char *detail; /* a note for people, or NULL */
};

struct endpoint_times { /* in ms; < 0: did not happen */
	double resolve, connect, tls, first_response, total;
};

struct endpoint_counts {
	unsigned sent, received, retransmissions, redirects, retries;
	unsigned targets_known, targets_tried;
};

struct endpoint_result {
	const struct endpoint_msg *response; /* the final response, or NULL */
	struct fail fail; /* code 0 on success */
	const char *cause; /* of exit codes 7 and 22: "invalid_credentials" ...; "" otherwise */
	bool after_ringing; /* a 18x came before */
	bool authenticated; /* credentials were sent and taken */
	struct endpoint_times times;
	struct endpoint_counts counts;
};

struct endpoint_event {
	enum endpoint_event_type type;
	struct endpoint *endpoint;
	union {
		const struct endpoint_resolved *resolved;
		const struct endpoint_flow *flow;
		const struct endpoint_msg *msg;
		const struct endpoint_auth *auth;
		const struct endpoint_retry *retry;
		const struct endpoint_registration *registration;
		const struct endpoint_result *result;
	};
};

typedef void endpoint_event_fn(void *arg, const struct endpoint_event *ev);

/* Tells fn of a message that was not sent (--dry-run), as an ENDPOINT_REQUEST without hops. False
 * when it is malformed or a response. */
bool endpoint_describe(struct str wire, endpoint_event_fn *fn, void *arg);

#endif
