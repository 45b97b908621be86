/* lib/endpoint/registration_impl.h -- the insides of a registration, shared by its files */
#ifndef ENDPOINT_REGISTRATION_IMPL_H
#define ENDPOINT_REGISTRATION_IMPL_H

#include "endpoint/backoff.h"
#include "endpoint/impl.h"
#include "endpoint/registration.h"

enum registration_state { /* ucma.md 2.1 */
	REGISTRATION_UNREGISTERED,
	REGISTRATION_REGISTERING,
	REGISTRATION_REGISTERED,
	REGISTRATION_UNREGISTERING,
};

/* Keep-alive of one flow, RFC 5626 section 4.4 (keepalive.c). */
struct keepalive {
	struct registration *registration;
	unsigned index;
	enum registration_keepalive kind;
	ev_timer timer; /* the next probe, or the end of the wait for its answer */
	struct flow_watch watch;
	struct net_flow *flow; /* with a ref while running */
	struct request *probe; /* OPTIONS */
	bool waiting;
	unsigned tries;
	uint64_t interval_ms; /* the longest: each wait is 80 to 100 per cent of it */
	unsigned char id[12]; /* of the STUN transaction */
	unsigned char mapped[20];
	size_t mapped_len;
};

/* One flow of the registration: one without outbound, one per reg-id with it. */
struct registration_flow {
	struct registration *registration;
	unsigned index, reg_id; /* reg_id 0: no outbound */
	enum registration_state state;
	struct request *request; /* the latest one; freed before the next */
	bool busy; /* it is on its way */
	ev_timer timer; /* refresh, or the next try of recovery */
	uint32_t cseq;
	struct auth_exchange exchange; /* of its Call-ID */
	char call_id[40], from_tag[17];
	char contact[600]; /* the Contact URI as it was last registered */
	bool anew; /* there was a binding, and it is being made again from the beginning */
	struct backoff recovery;
	struct backoff_repeat drops;
	struct keepalive keepalive;
};

#define REGISTRATION_FLOWS ENDPOINT_FLOWS

struct registration {
	struct endpoint *endpoint;
	struct registration_config config; /* texts live in the arena */
	struct arena arena;
	struct str registrar; /* Request-URI */
	uint32_t expires; /* asked for; a 423 raises it */
	struct registration_flow flows[REGISTRATION_FLOWS];
	unsigned flow_count;
	struct str *removals; /* REGISTRATION_REMOVE without a Contact: what the query found to be
				 ours */
	unsigned removal_count;
	bool queried;
	unsigned associations; /* how many the endpoint had made at the latest 2xx */
	const struct str *servers; /* where it began: a redirect changes the endpoint's */
	unsigned server_count;
	struct backoff_repeat renewals; /* of the security association, asked for by requests */
	bool renews; /* the timer of the first flow is set for it */
	bool stopping, ended;
	bool *gone; /* set while a handler runs: tells its caller that it freed us */
	ev_timer end_timer; /* tells the end from the loop */
	struct endpoint_result end;
};

/* What a 2xx to REGISTER says; views into the message (and the contacts array of the caller). */
#define REGISTRATION_CONTACTS 128
struct registration_answer {
	struct endpoint_contact contacts[REGISTRATION_CONTACTS];
	unsigned contact_count;
	struct str path[16], service_route[16];
	unsigned path_count, service_route_count;
	bool outbound, listed; /* Require: outbound; our binding is among the contacts */
	bool malformed; /* a Contact cannot be read */
	uint32_t expires; /* of our binding */
	uint32_t flow_timer; /* seconds; 0: absent */
	/* Dialect ocs: */
	uint32_t keepalive; /* seconds that the server waits; 0: not agreed to */
	bool added; /* the binding was not there before, or was broken */
	bool adhoclist; /* lists in the body of SUBSCRIBE are taken */
	struct str gruu; /* ours; empty: none */
};

/* What the server says with a NOTIFY of registration-notify. */
struct registration_notice {
	const char *cause, *words;
	bool again; /* it wants us back */
};

/* registration.c */

/* To the handler of the registration. False when it freed r (R3): then nothing of it may be
 * touched. */
bool registration_emit(struct registration *r, const struct endpoint_event *ev);
/* ENDPOINT_REGISTRATION of a registration that is no more; false as above. */
bool registration_emit_over(struct registration *r, const struct endpoint_registration *why);
/* Its end is near: what comes after this event is the final one, whatever the handler calls. */
bool registration_emit_terminated(struct registration *r, const char *cause);
/* Tells the end; may free r. What the result points at lives in the request, which is freed with r
 * or before the next one. */
void registration_finish(struct registration *r, enum endpoint_event_type type,
	const struct endpoint_result *result);
void registration_finish_lost(struct registration *r, int code, const char *text);
void registration_set_states(struct registration *r, enum registration_state state);
bool registration_is_busy(const struct registration *r); /* a request of any flow is on its way */
/* The next REGISTER of this flow: adds, asks or removes. 0 or -FAIL_... */
int registration_send(struct registration_flow *f, struct fail *fail);

/* registration_check.c: 0, or -FAIL_... and why no registration can be made of that */
int registration_check(const struct registration_config *c, struct fail *f);

/* registration_answer.c */

/* What becomes of a REGISTER; arg: struct registration_flow. */
void registration_on_request(void *arg, const struct endpoint_event *ev);
/* The binding is not there any more: what hung on it is dead, and it is made again as if it were
 * the first time. */
void registration_begin_anew(struct registration_flow *f);

/* registration_wire.c */
void registration_write(
	void *arg, struct request *r, struct buf *b); /* arg: struct registration_flow */
void registration_read(const struct registration_flow *f, const struct sip_msg *m,
	struct registration_answer *out);

/* registration_ocs.c, of registration_wire.c: parameters of Contact; header fields; of the 2xx the
 * header fields and the gruu of one Contact, empty when there is none to be used. */
void registration_ocs_params(struct buf *b, const struct registration_flow *f);
void registration_ocs_headers(struct buf *b);
void registration_ocs_read(const struct sip_msg *m, struct registration_answer *out);
struct str registration_ocs_gruu(struct str params);
/* The body of a NOTIFY; false when it is malformed. */
bool registration_ocs_event(const struct sip_msg *m, struct registration_notice *out);

/* keepalive.c */
void keepalive_start(struct keepalive *k, const struct registration_answer *a, bool outbound);
void keepalive_stop(struct keepalive *k); /* idempotent */

#endif
