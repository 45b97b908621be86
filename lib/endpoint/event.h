/* lib/endpoint/event.h -- everything a handler can be told. Plain types: who listens needs no
 * header of lib/sip or lib/net. All views live during the call only. */
#ifndef ENDPOINT_EVENT_H
#define ENDPOINT_EVENT_H

#include "base/fail.h"
#include "base/str.h"

struct endpoint;
struct incoming;
struct publication;
struct refer;
struct session;
struct sip_msg;
struct subscription;
struct tree;

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
	ENDPOINT_LISTENER_LOST, /* flow: only local and detail (CM-11) */
	ENDPOINT_INCOMING, /* incoming: a request that its handler answers, now or later */
	ENDPOINT_SESSION, /* session: one of its dialogs has a new state, or its media changed */
	ENDPOINT_SESSION_TIMER, /* session_timer: RFC 4028 */
	ENDPOINT_TRANSFER, /* transfer: a REFER and what became of it */
	ENDPOINT_SUBSCRIPTION, /* subscription: one of its dialogs has a new state */
	ENDPOINT_NOTIFY, /* notify: a notification of a subscription */
	ENDPOINT_PUBLICATION, /* publication: active or terminated, with its cause */
	ENDPOINT_ANSWERED, /* result: a request within a session came to its end */
	ENDPOINT_MALFORMED, /* malformed: of a request_custom */
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
	struct str server, warning, reason; /* header fields; empty: absent */
	struct str ms_diagnostics; /* ms-diagnostics or ms-diagnostics-public; of it: */
	uint32_t ms_diagnostics_id; /* 0: absent */
	struct str ms_diagnostics_reason; /* escapes kept */
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
/* The index-th header field (from 0) of all, by its long name; false when there are no more. */
bool endpoint_msg_field(
	const struct endpoint_msg *m, unsigned index, struct str *name, struct str *value);

struct endpoint_auth {
	const char *scheme, *chosen, *qop,
		*source; /* "digest" "sha-256" "auth" "env"; qop may be NULL */
	const char *const *offered;
	unsigned offered_count;
	struct str realm, user;
	bool stale;
	/* Of a scheme with a security association: "negotiate" "authenticate" "ticket", else NULL
	 */
	const char *step;
	struct str target; /* its targetname */
	unsigned version; /* 2 to 4; 0: none */
};

struct endpoint_retry {
	unsigned attempt, of; /* the attempt that comes, from 2; of 0: no fixed number */
	const char *because; /* "connect" "timeout" "status" "retry-after" "dns" "dropped" */
	struct str detail;
	double wait_ms;
};

struct endpoint_contact {
	struct str uri, pub_gruu, temp_gruu, instance; /* empty: absent; the gruu of dialect ocs
							  is public */
	uint32_t expires;
	unsigned q; /* thousandths; 1001: absent */
	unsigned reg_id; /* 0: absent */
	bool own;
};

struct endpoint_registration {
	bool active; /* of a query: there are bindings */
	const char *cause; /* RFC 3680: "registered" "refreshed" "unregistered" "expired" "rejected"
			      ..., ours: "connection-dropped", of dialect ocs: "binding-reset" (it
			      is made anew), "preferred-registrar-change",
			      "userservices-unavailable" */
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
	const struct endpoint_msg *msg; /* the request by which the server ended it, or NULL */
};

/* A request that arrived for us outside of any dialog, or a MESSAGE or INFO within a session (rows
 * ME-, SS-34). */
struct endpoint_incoming {
	const struct endpoint_msg *msg;
	struct incoming *request; /* see incoming.h; NULL when it is an INVITE */
	struct session *session; /* INVITE: a new one, see session_take(); else the one it came in,
				    or NULL */
	struct session *replaced; /* INVITE with Replaces: ends when the new one is accepted; else
				     NULL */
};

struct endpoint_times;
struct endpoint_counts;

struct endpoint_session {
	struct session *session;
	unsigned id; /* of the dialog, from 1 in this process: "d1" */
	const char *state; /* RFC 4235: "trying" "proceeding" "early" "confirmed" "terminated" */
	const char *cause; /* of terminated: "cancelled" "rejected" "replaced" "local-bye"
			      "remote-bye" "error" "timeout"; else NULL */
	const char *news; /* confirmed again: "hold" "resume" "reinvite" "update"; else NULL */
	bool initiator; /* we sent the INVITE */
	bool extra; /* not the call: another branch had answered first */
	struct str call_id, local_tag, remote_tag, remote_target; /* empty: not known yet */
	const struct str *route_set;
	unsigned route_count;
	struct endpoint_address peer; /* who it is with */
	unsigned status_code; /* of the response that made this state, 0: none */
	struct str reason_phrase;
	struct str reason, warning; /* header fields; empty: absent */
	double setup_ms, duration_ms; /* < 0: not known */
	const char *codec; /* "PCMU/8000"; "": none */
	const char *direction; /* of our media: "sendrecv" ...; NULL: none */
	uint64_t rtp_received;
	/* Of our first INVITE, up to now; NULL: it is ended, or was not ours. */
	const struct endpoint_times *times;
	const struct endpoint_counts *counts;
	const struct endpoint_msg *msg; /* the message behind it, or NULL */
};

struct endpoint_session_timer {
	unsigned id; /* of the dialog */
	const char *action; /* "negotiated" "refreshed" "expired" "failed" */
	const char *method; /* of a refresh: "UPDATE" or "INVITE"; else NULL */
	const char *refresher; /* "uac" "uas"; "" when there is no timer */
	bool local; /* it is we who refresh */
	uint32_t session_expires;
};

struct endpoint_transfer {
	struct refer *refer;
	unsigned id; /* of the session's dialog, 0: outside of any */
	bool received; /* a REFER to us; else ours */
	const char *state; /* RFC 6665: "pending" (a received one: decide now, see refer.h)
			      "active" "terminated" */
	struct str refer_to, referred_by; /* Referred-By is a claim, nothing is proved by it */
	struct str method; /* of Refer-To; empty: INVITE */
	struct str sipfrag; /* of a NOTIFY */
	unsigned status_code; /* of the sipfrag, or what the REFER got; 0: none yet */
	struct str reason; /* of Subscription-State; empty: none */
	const struct endpoint_msg *msg;
};

/* A subscription has one dialog for each notifier, mostly one. */
struct endpoint_subscription {
	struct subscription *subscription;
	unsigned id; /* of the dialog: "d1"; 0: there is none */
	struct str uri, event; /* the target; the package */
	const char *state; /* RFC 6665: "pending" "active" "terminated" */
	const char *cause; /* "subscribed" (its first NOTIFY) "notified" (a NOTIFY changed it)
			      "refreshed"; of terminated: "unsubscribed" (by us) "ended" (by the
			      notifier) "lost" */
	struct str reason; /* of Subscription-State; empty: none */
	uint32_t expires, refresh_in; /* seconds; 0: not known, none planned */
	bool has_retry_after;
	uint32_t retry_after;
	struct str call_id; /* empty: not known */
	const struct endpoint_msg *msg; /* the message behind it, or NULL */
};

struct endpoint_notify {
	struct subscription *subscription;
	unsigned id; /* of the dialog */
	struct str uri, event; /* the target; the package */
	struct str state, reason; /* of Subscription-State, as the notifier wrote them */
	bool has_expires;
	uint32_t expires;
	struct str etag; /* SIP-ETag (RFC 5839); empty: none */
	const struct tree
		*body; /* decoded; NULL: none, of a type that is not decoded, or not asked for */
	const struct tree *whole; /* all that is known after a partial one; else NULL */
	const struct fail *malformed; /* why it could not be decoded, or NULL */
	const char
		*note; /* for people, of partial documents: one was old, one is missing; or NULL */
	const struct endpoint_msg *msg;
};

struct endpoint_publication {
	struct publication *publication;
	struct str aor, event;
	const char *state; /* "active" "terminated" */
	const char *cause; /* "published" "refreshed" "modified" "republished" (the server had
			      forgotten it); of terminated: "removed" "expired" "rejected" */
	uint32_t expires, refresh_in; /* seconds; 0: none */
	struct str etag; /* empty: none */
	const struct endpoint_msg *msg;
};

struct endpoint_times { /* in ms; < 0: did not happen */
	double resolve, connect, tls, first_response, total;
};

struct endpoint_counts {
	unsigned sent, received, retransmissions, redirects, retries;
	unsigned targets_known, targets_tried;
	unsigned discarded; /* messages that did not stand the check of a security association */
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

/* Bytes that are no message, or one that does not fit the grammar. */
struct endpoint_malformed {
	bool sent;
	struct str wire;
	const char *why;
	struct endpoint_hop local, remote;
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
		const struct endpoint_incoming *incoming;
		const struct endpoint_session *session;
		const struct endpoint_session_timer *session_timer;
		const struct endpoint_transfer *transfer;
		const struct endpoint_subscription *subscription;
		const struct endpoint_notify *notify;
		const struct endpoint_publication *publication;
		const struct endpoint_malformed *malformed;
		const struct endpoint_result *result;
	};
};

typedef void endpoint_event_fn(void *arg, const struct endpoint_event *ev);

/* Tells fn of a message that stands somewhere, as an ENDPOINT_REQUEST or ENDPOINT_RESPONSE of ours
 * without hops. False when it is malformed. */
bool endpoint_describe(struct str wire, endpoint_event_fn *fn, void *arg);

#endif
