/* lib/net/flow.h -- a flow: one TCP or TLS connection, or one pair of UDP addresses. Counted:
 * whoever uses a flow holds a ref; when the last user lets go, an outgoing flow lingers, then
 * closes (an incoming one stays until it is idle or the peer ends it). Its death is one NET_CLOSED
 * event; the memory goes with the last ref. */
#ifndef NET_FLOW_H
#define NET_FLOW_H

#include "base/fail.h"
#include "base/str.h"
#include "net/addr.h"
#include "net/tls.h"

enum net_transport { NET_UDP, NET_TCP, NET_TLS, NET_TRANSPORTS };

const char *net_transport_name(enum net_transport t); /* "udp" "tcp" "tls" */
bool net_transport_parse(struct str s, enum net_transport *out); /* any case */
static inline bool net_transport_reliable(enum net_transport t)
{
	return t != NET_UDP;
}

struct net_flow;

enum net_cause {
	NET_CAUSE_PEER, /* the peer closed in order */
	NET_CAUSE_ERROR, /* refused, reset, unreachable ...: fail says what */
	NET_CAUSE_TLS, /* handshake or verification */
	NET_CAUSE_NOT_ALLOWED, /* an incoming peer whose name is not admitted */
	NET_CAUSE_IDLE,
	NET_CAUSE_LINGER,
	NET_CAUSE_FIRST_MESSAGE, /* no valid message in time */
	NET_CAUSE_LOCAL, /* net_flow_close, or the manager ended */
};
/* "peer" "error" "tls" "not-allowed" "idle" "linger" "first-message" "local" */
const char *net_cause_name(enum net_cause c);

enum net_event_type {
	/* Connected and, for TLS, verified; for incoming flows: accepted. Not told of incoming
	 * peers over UDP, which begin with their first datagram, nor of a flow that is shared. */
	NET_OPENED,
	NET_RECEIVED, /* bytes: a datagram, or some bytes of the stream */
	NET_UNREACHABLE, /* UDP: an ICMP error came back; fail says which. The flow stays. */
	NET_CLOSED, /* the last event of a flow; cause and fail, which is never NULL here */
	NET_LISTEN_LOST, /* flow is NULL: a listener failed (CM-11); local says which */
	NET_TLS_FAILED, /* flow is NULL: an incoming handshake failed (CM-13); cause and fail */
};

struct net_event {
	enum net_event_type type;
	struct net_flow *flow;
	struct str bytes;
	enum net_cause cause;
	const struct fail *fail;
	const struct net_addr *local, *remote; /* remote: not of NET_LISTEN_LOST */
};

/* The one handler of a manager for all its flows. It may do anything, freeing the flow's users
 * included. */
typedef void net_flow_fn(void *arg, const struct net_event *ev);

struct net_flow_info {
	enum net_transport transport;
	struct net_addr local, remote; /* local: where packets leave from, no wildcard */
	bool incoming, open, closed;
	struct str host; /* the name it was opened for; empty for incoming ones */
	const struct net_tls_info *tls; /* NULL unless TLS and open */
	double connect_ms, tls_ms; /* time of the connect and of the handshake; 0 before */
	unsigned id; /* from 1, unique in the manager */
	unsigned refs;
	uint64_t sent_ms; /* when something was sent last; 0: never */
};

const struct net_flow_info *net_flow_info(const struct net_flow *f);
struct net_flow *net_flow_ref(struct net_flow *f);
void net_flow_unref(struct net_flow *f); /* NULL is fine */

/* Queues bytes: they go out as soon as the flow is open. 0; -FAIL_LIMIT when the queue is full
 * (nothing is queued then); -FAIL_CONNECT when the flow is closed or closing; UDP: -errno of the
 * send, but a datagram that found no room in the socket is lost as it could be on its way. A stream
 * that breaks while it is written to is told by NET_CLOSED, after what the peer said before. */
int net_flow_send(struct net_flow *f, struct str bytes);
/* Ends it in order after what is queued, for which the peer has 5 s; from now on it takes nothing,
 * nothing is received from it, and nobody finds or shares it. NET_CLOSED (cause local) comes from
 * the loop. */
void net_flow_close(struct net_flow *f);
/* A valid message arrived: ends the first-message deadline (CM-17). */
void net_flow_valid(struct net_flow *f);
/* Idle limit of this flow in ms, NET_NEVER for none, 0 for that of its manager (CP-09). -FAIL_STATE
 * on a client manager's flow. */
int net_flow_set_idle(struct net_flow *f, uint64_t ms);
/* A free slot for the owner of the manager. */
void net_flow_set_user(struct net_flow *f, void *user);
void *net_flow_user(const struct net_flow *f);

#endif
