/* lib/net/flow_impl.h -- the inside of a flow, for lib/net only. What flows of all transports share
 * is flow.c; how bytes move is udp.c or tcp.c.
 *
 * A flow dies in one place, net_flow_end, which may be called from anywhere: it closes the socket
 * and takes the flow out of every table at once, and has NET_CLOSED told by the flow's own watcher
 * later. So no path calls a handler but those that libev started, and each of them holds the flow
 * and looks at its state afterwards (R2 to R4). */
#ifndef NET_FLOW_IMPL_H
#define NET_FLOW_IMPL_H

#include "base/buf.h"
#include "base/list.h"
#include "base/map.h"
#include "base/trace.h"
#include "net/flow.h"
#include "net/loop.h"

struct net_manager;
struct net_pool;
struct net_udp;

enum net_flow_state { NET_FLOW_CONNECTING, NET_FLOW_HANDSHAKE, NET_FLOW_OPEN, NET_FLOW_DEAD };

struct net_flow {
	struct net_flow_info info; /* info.refs: of the users */
	enum net_flow_state state;
	struct net_manager *manager; /* NULL when everything about it has been told */
	struct ev_loop *loop;
	unsigned holds; /* of the manager and of running callbacks */
	void *user;
	char *host; /* what info.host points to */

	bool closing; /* closed by us: the queue still goes out, nothing comes in */
	bool tell_open; /* NET_OPENED is to be told by `later` */
	bool untold; /* incoming TLS before its NET_OPENED: its end is NET_TLS_FAILED */
	int icmp; /* an errno to be told as NET_UNREACHABLE */
	enum net_cause cause; /* of its end */
	struct fail fail;

	struct list in_manager;
	struct list in_pool;
	struct net_pool *pool; /* NULL: none */
	struct list evictable; /* incoming over UDP and unused: least recently used first */
	struct map_node by_id, by_remote, by_peer;
	struct list same_remote; /* those that share the entry by_remote */
	bool retired; /* out of all tables */
	bool in_remotes; /* the one of them that is in the map */
	char key[1 + NET_ADDR_KEY]; /* transport, remote address */
	size_t key_len;

	ev_timer timer; /* the earliest of the deadlines */
	ev_timer later; /* fed: tells what may not be told at once */
	uint64_t connect_at; /* connect and handshake */
	uint64_t first_at; /* the first valid message */
	uint64_t linger_at; /* unused */
	uint64_t flush_at; /* closing */
	uint64_t active_ms, idle_ms; /* last traffic; the limit */
	uint64_t started_us, connected_us;

	struct net_udp *udp; /* UDP: the socket, which may be shared */

	int fd; /* TCP and TLS from here on */
	ev_io io;
	int read_wants, write_wants; /* EV_READ or EV_WRITE: what the next step waits for */
	struct buf out;
	bool write_failed; /* and `fail` says why; what has come in is read before the end */
	struct net_tls_conn *tls;
};

/* A flow of m without a socket yet, in state CONNECTING, its connect limit running; host may be
 * empty. It is in the tables of m. */
struct net_flow *net_flow_new(struct net_manager *m, enum net_transport t,
	const struct net_addr *remote, struct str host, bool incoming);
/* Keeps the memory across a callback. */
void net_flow_hold(struct net_flow *f);
void net_flow_release(struct net_flow *f);

/* It is connected, and verified: state OPEN, traced. Then tell, from a libev callback, or let
 * `later` do it. */
void net_flow_opened(struct net_flow *f);
void net_flow_tell_opened(struct net_flow *f);
/* NET_RECEIVED: calls the handler. */
void net_flow_received(struct net_flow *f, struct str bytes);
/* NET_UNREACHABLE for this errno: calls the handler. */
void net_flow_unreachable(struct net_flow *f, int err);
/* Traffic, in either direction. */
void net_flow_active(struct net_flow *f);

/* Its end; NET_CLOSED comes later. Nothing happens to one that is dead. */
void net_flow_end(struct net_flow *f, enum net_cause cause, const struct fail *why);
/* The same with the text of an errno. */
void net_flow_end_errno(struct net_flow *f, int err);
/* The same, after the queue has gone out, with the text of the cause. */
void net_flow_stop(struct net_flow *f, enum net_cause cause);
/* Its end without any event: it failed before anyone had it, or the manager goes. */
void net_flow_abandon(struct net_flow *f);
/* "192.0.2.1:5060 tcp: connection refused"; returns -FAIL_CONNECT. */
int net_flow_fail(const struct net_flow *f, int err, struct fail *out);
/* Arms the timer for the earliest deadline. */
void net_flow_rearm(struct net_flow *f);
/* Completes the event with addresses and transport, and emits it if it is wanted. */
void net_flow_trace_event(
	const struct trace *t, const struct net_flow_info *info, struct trace_event *ev);
void net_flow_trace(const struct net_flow *f, const char *what, const char *why);

/* now + ms; NET_NEVER stays what it is. */
static inline uint64_t net_flow_after(uint64_t now, uint64_t ms)
{
	return ms > NET_NEVER - now ? NET_NEVER : now + ms;
}

#endif
