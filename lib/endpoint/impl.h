/* lib/endpoint/impl.h -- the insides that the files of this layer share: the manager, its flows, an
 * endpoint */
#ifndef ENDPOINT_IMPL_H
#define ENDPOINT_IMPL_H

#include "base/arena.h"
#include "base/list.h"
#include "base/map.h"
#include "endpoint/dispatch.h"
#include "endpoint/endpoint.h"
#include "sip/frame.h"

/* Hears of the life of one flow: OPENED, UNREACHABLE, CLOSED, and of keep-alive answers. Embedded
 * in who waits. */
enum flow_news {
	FLOW_OPENED,
	FLOW_UNREACHABLE,
	FLOW_CLOSED,
	FLOW_PONG,
	FLOW_STRAY, /* bytes: a response of no transaction, or (fail) what is no message */
};
typedef void flow_watch_fn(void *arg, enum flow_news news, const struct net_event *ev);
struct flow_watch {
	struct list node;
	flow_watch_fn *fn;
	void *arg;
};

/* What this layer keeps with every flow (net_flow_user). */
struct flow_state {
	struct sip_frame frame; /* streams only */
	struct list watches;
	struct endpoint *reporter; /* whose handler heard of the connect and hears of its end; NULL:
				      nobody's */
	bool announced;
	struct fail broken; /* code 0, or how the peer broke the framing, which is why the flow was
			       closed */
};

struct endpoint_manager {
	struct endpoint_manager_config config; /* texts live in the arena */
	struct arena arena;
	struct net_manager *net;
	struct net_tls *tls; /* for outgoing connections, made with the first */
	struct net_dns *dns; /* made with the first question */
	struct resolve_dead *dead;
	struct list endpoints;
	unsigned endpoint_count;
	struct map client_txs; /* by branch and method */
	struct map server_txs; /* RFC 3261 17.2.3 */
	size_t server_bytes; /* of their requests */
	struct map dialogs; /* by Call-ID and both tags; in the making: by Call-ID and ours */
	unsigned dialog_count; /* ever told of: ids of events */
	unsigned waiting; /* requests that handlers have not answered yet (CM-21) */
	bool throttled;
	unsigned unacked; /* refused INVITEs without their ACK */
	struct map
		requests; /* those that endpoints have taken, by what merged ones share (8.2.2.2) */
	dispatch_request_fn *on_request;
	void *on_request_arg;
	net_flow_fn *on_flow;
	void *on_flow_arg;
	dispatch_send_fn *on_send;
	void *on_send_arg;
	const struct dispatch_security *security; /* NULL: nobody signs */
	void *security_arg;
	struct endpoint_counts counts;
	bool *gone; /* set while an event of a flow is told: tells that a handler freed us */
};

#define MANAGER_TRANSACTIONS                                                                       \
	100000 /* server transactions at a time; more are dropped, the peer repeats */
#define MANAGER_BYTES ((size_t)256 << 20) /* and the requests that they hold on to */

/* The state of a flow, made at its first use. */
struct flow_state *flow_state_of(struct endpoint_manager *m, struct net_flow *flow);
void flow_state_free(struct net_flow *flow);
/* Tells everybody who waits on the flow. A handler may stop any watch, its own and others'. */
void flow_state_tell(struct flow_state *s, enum flow_news news, const struct net_event *ev);
void flow_watch_start(struct endpoint_manager *m, struct net_flow *flow, struct flow_watch *w);
void flow_watch_stop(struct flow_watch *w); /* idempotent; a zeroed watch is fine */
/* A flow to a target with one ref: makes the TLS context when it is needed first. */
int manager_flow(struct endpoint_manager *m, const struct net_target *target, struct net_flow **out,
	struct fail *f);
/* The manager's handler of all flows (dispatch.c). */
void dispatch_flow_event(void *arg, const struct net_event *ev);

/* transaction.c, for dispatch.c */
struct transaction *transaction_find_client(
	struct endpoint_manager *m, const struct sip_msg *response);
struct transaction *transaction_find_server(
	struct endpoint_manager *m, const struct sip_msg *request, bool as_invite);
/* A new server transaction for m over flow; NULL when there are too many. */
struct transaction *transaction_accept(
	struct endpoint_manager *m, struct sip_msg *msg, struct net_flow *flow);
void transaction_got_response(struct transaction *t, struct sip_msg *m);
/* Server: has this request come before by another way, and is not over yet (8.2.2.2)? */
bool transaction_merged(struct transaction *t);
void transaction_got_request(struct transaction *t, struct sip_msg *m, bool ack);
void transaction_got_cancel(struct transaction *t, struct sip_msg *m);
/* Ends all at once and silently: the manager goes. */
void transaction_free_all(struct endpoint_manager *m);
/* The flow that a response to msg has to take (18.2.2), with a ref. */
struct net_flow *transaction_response_flow(
	struct endpoint_manager *m, const struct sip_msg *msg, struct net_flow *flow);

struct request;

/* One of the flows that a server-based endpoint keeps (SE-06); one, or one per reg-id. */
#define ENDPOINT_FLOWS 4
struct kept_flow {
	struct endpoint *endpoint;
	unsigned index;
	struct net_flow *flow; /* NULL: none */
	struct flow_watch watch;
	struct net_addr remote; /* of the latest flow, also of one that is gone */
};

struct registration;

/* The four answers in which the kinds differ. */
struct endpoint_ops {
	/* The n-th URI to locate for a request to target over kept flow `index`; false: there is no
	 * n-th. */
	bool (*next_hop)(struct endpoint *ep, struct str target, unsigned index, unsigned n,
		struct str *uri);
	/* NULL: challenges are not answered. */
	struct auth *(*auth)(struct endpoint *ep);
	/* The flow that is there already for this request, or NULL. No ref is taken. */
	struct net_flow *(*flow)(struct endpoint *ep, unsigned index);
	/* A request is about to go over this flow. */
	void (*use_flow)(struct endpoint *ep, unsigned index, struct net_flow *flow);
};
extern const struct endpoint_ops sip_endpoint_ops, p2p_endpoint_ops;

struct endpoint {
	struct list node; /* in manager->endpoints */
	struct endpoint_manager *manager;
	const struct endpoint_ops *ops;
	struct endpoint_config config; /* texts live in the arena */
	struct arena arena;
	struct sip_uri aor;
	struct str host; /* of the AOR */
	struct auth *auth;
	struct cred_store *no_creds; /* an empty one, when the owner gave none */
	struct kept_flow kept[ENDPOINT_FLOWS];
	struct registration *registration; /* at most one (RG-02) */
	struct str *service_route; /* of the registration; each malloc'ed */
	unsigned service_route_count;
	bool spread; /* outbound: the servers are one for each reg-id, not a failover list (ruling
			8) */
	bool refuse; /* RG-12: registered, dropped, and told not to reconnect: sends are refused
			(ruling 21) */
	bool stopping, stopped;
	ev_timer stop_timer;
	unsigned outstanding;
	struct list queue; /* requests that wait for a free place (SE-11) */
	struct list
		starting; /* requests that begin with the next turn of the loop, in this order */
	struct list finished; /* requests whose end is told then, in this order */
	ev_timer start_timer, finish_timer;
	struct list requests; /* all that are not freed */
	struct list sessions; /* all that are not freed */
	struct list subscriptions, publications; /* all that are not freed */
	struct list incoming; /* requests that wait for a handler's answer */
	uint64_t methods; /* set of 1 << enum sip_method that handlers take; all: every bit */
	struct endpoint_counts counts;
	char contact_user[24]; /* of our Contact: unpredictable when the AOR has no user */
	/* Dialect ocs: */
	char ms_opaque[11]; /* tells the Contacts of one address apart */
	char *gruu; /* what the registrar calls us, Contact of dialogs; NULL: none */
	bool adhoclist; /* the registrar takes lists in the body of SUBSCRIBE */
};

void endpoint_emit(struct endpoint *ep, const struct endpoint_event *ev);
/* endpoint_check.c: -FAIL_ARGUMENT for what does not fit into a message. */
int endpoint_check(const struct endpoint_config *c, struct fail *f);
/* any: every name is allowed. */
int endpoint_check_headers(
	const struct endpoint_header *list, unsigned n, bool any, struct fail *f);
bool endpoint_check_token(struct str s);
/* ADDR[:PORT] of --connect. */
bool endpoint_connect_parse(struct str text, uint16_t usual_port, struct net_addr *out);
/* An incoming request that no hook took: AR- rows and ruling 6. t is NULL for a stray ACK. */
void endpoint_incoming(struct endpoint_manager *m, struct transaction *t, struct sip_msg *msg,
	struct net_flow *flow);
/* A list of names as a set of methods. */
uint64_t endpoint_methods(struct str names);
/* incoming.c: answered no more; of the endpoint's end. */
void incoming_abandon_all(struct endpoint *ep);
/* "Allow: ...\r\n": what this endpoint takes, within dialogs, too. NULL: OPTIONS only. */
void endpoint_allow(const struct endpoint *ep, struct buf *b);
/* "Supported: ...\r\n" */
void endpoint_supported(const struct endpoint *ep, struct buf *b);
/* 8.2.2.3: does Require name what this endpoint does not know? Writes "Unsupported: ...\r\n" then;
 * b may be NULL. */
bool endpoint_unsupported(const struct endpoint *ep, const struct sip_msg *m, struct buf *b);
/* A CANCEL for this INVITE came and was answered: tells whose it is. */
void endpoint_cancelled(struct endpoint_manager *m, const struct sip_msg *invite,
	struct sip_msg *msg, struct net_flow *flow);
/* Its user: that of the AOR, else an unpredictable one. */
struct str endpoint_contact_user(const struct endpoint *ep);
/* Our Contact URI on this flow, without parameters of the header; secure: a sips URI, over TLS. */
void endpoint_contact_uri(struct endpoint *ep, struct net_flow *flow, bool secure, struct buf *b);
/* Host and port of Via. */
void endpoint_hop_of(const struct net_addr *addr, enum net_transport t, char text[NET_ADDR_TEXT],
	struct endpoint_hop *out);
/* Removes the endpoint from flow states that report to it. */
void dispatch_forget_endpoint(struct endpoint *ep);
/* registration.c: the endpoint's kept flow is gone. True: the registration takes care (refresh or
 * unregister). */
const char *registration_flow_lost(
	struct registration *r, unsigned index, const struct net_event *ev);
/* Is this what a server says of one of our bindings (event registration-notify)? True: t was
 * answered and let go. Its handler may have freed anything. */
bool registration_notified(struct endpoint_manager *m, struct transaction *t, struct sip_msg *msg,
	struct net_flow *flow);
/* Makes the endpoint's security association anew, by a REGISTER. False: it is not registered. What
 * it comes to is told to request_renewed. */
bool registration_renew(struct endpoint *ep);
/* request_renew.c: the REGISTER has been answered, or will not be (f). */
void request_renewed(struct endpoint *ep, const struct fail *f);
/* Does it bind this URI? */
bool registration_has_contact(const struct registration *r, const struct sip_uri *uri);
/* It was lost, and is being made anew? NULL is fine. */
bool registration_is_pending(const struct registration *r);
/* Is its last event out? */
bool registration_ended(const struct registration *r);
/* subscription.c and publication.c: as for sessions. */
void subscription_stop_all(struct endpoint *ep);
bool subscription_all_ended(const struct endpoint *ep);
void subscription_abandon_all(struct endpoint *ep);
void publication_stop_all(struct endpoint *ep);
bool publication_all_ended(const struct endpoint *ep);
void publication_abandon_all(struct endpoint *ep);
/* A flow is gone, and nothing else brings it back: dialogs on it are refreshed over another. */
void subscription_flow_lost(struct endpoint *ep, const struct net_flow *flow);
/* The server has forgotten the endpoint, its dialogs among it: what there was ends, without a word
 * on the wire and from the loop; subscriptions come back with the registration. */
void subscription_lose_all(struct endpoint *ep);
/* The endpoint's registration was lost and is there again (RG-22). */
void subscription_registered(struct endpoint *ep);
/* keepalive.c: a STUN message; what is a Binding request gets its answer. */
void keepalive_answer(struct net_flow *flow, struct str bytes);
/* The manager goes (CM-19): nothing of a request or registration runs any more, silently. */
void request_abandon_all(struct endpoint *ep);
void registration_abandon(struct registration *r);
/* request.c: of endpoint->start_timer and finish_timer. */
void request_on_start(struct ev_loop *loop, ev_timer *w, int revents);
void request_on_finish(struct ev_loop *loop, ev_timer *w, int revents);
/* request.c: a place became free, let queued ones go. */
void request_unqueue(struct endpoint *ep);
/* Sets the name of this endpoint at its registrar; copies. Empty: there is none any more. */
void endpoint_set_gruu(struct endpoint *ep, struct str gruu);
/* Sets what a registrar told (RFC 3608); copies. */
void endpoint_set_service_route(struct endpoint *ep, const struct str *routes, unsigned count);

#endif
