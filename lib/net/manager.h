/* lib/net/manager.h -- connection managers (reference rows CM-01 to CM-19, CP-01 to CP-09): the
 * client kind never listens and never shares a connection between owners; the server kind listens
 * and pools. */
#ifndef NET_MANAGER_H
#define NET_MANAGER_H

#include "base/fail.h"
#include "base/trace.h"
#include "net/flow.h"
#include "net/loop.h"

struct net_manager;

enum net_manager_kind { NET_CLIENT, NET_SERVER };

/* Times in ms: 0 is the default, NET_NEVER none. */
struct net_manager_config {
	struct ev_loop *loop;
	const struct trace *trace;
	enum net_manager_kind kind;
	net_flow_fn *on_event;
	void *arg;
	struct net_tls *tls_client; /* NULL while no TLS target is asked for; a ref is taken */
	struct net_tls *tls_server; /* for net_manager_listen(NET_TLS); a ref is taken */
	uint64_t idle_in_ms, idle_out_ms; /* default 15 min; server kind only */
	uint64_t linger_ms; /* of outgoing flows without refs, both kinds; default 60 s */
	uint64_t first_message_ms; /* incoming streams; default 60 s */
	uint64_t connect_ms; /* connect and handshake together; default 32 s */
	unsigned pool_size; /* default 5; UDP, or a local port: 1 */
	/* Default 20000; more are refused (A61), incoming ones closed at once. As many peers over
	 * UDP besides: the one longest unheard of makes room for a new one. */
	unsigned max_flows;
	size_t queue_bytes; /* output queued per flow, default 4 MiB */
	struct net_addr local; /* of outgoing flows (port 0: any); AF_UNSPEC: the system chooses */
	const char *interface; /* SO_BINDTODEVICE of every socket; NULL: none */
};

int net_manager_new(
	const struct net_manager_config *config, struct net_manager **out, struct fail *f);
/* Closes everything silently: no event comes any more. Flows that still have refs are dead, their
 * memory goes with the last ref. NULL is fine. */
void net_manager_free(struct net_manager *m);

/* Sets the context of outgoing connections later than at the start; a ref is taken. */
void net_manager_set_tls_client(struct net_manager *m, struct net_tls *tls);

enum net_manager_kind net_manager_kind(const struct net_manager *m);

/* Listens at addr (port 0: any free one) and tells the address bound. -FAIL_STATE on a client
 * manager, -FAIL_LOCAL with the cause when it cannot be bound, -FAIL_TLS without tls_server. UDP
 * listeners also serve outgoing flows of their family: one socket, one port. */
int net_manager_listen(struct net_manager *m, enum net_transport t, const struct net_addr *addr,
	struct net_addr *bound, struct fail *f);
/* Stops accepting on all listeners; flows stay, those over UDP on their socket (CM-09). -FAIL_STATE
 * when not listening. */
int net_manager_unlisten(struct net_manager *m);
/* The i-th listener; false behind the last. */
bool net_manager_listener(
	const struct net_manager *m, unsigned i, enum net_transport *t, struct net_addr *bound);

struct net_target {
	enum net_transport transport;
	struct net_addr addr; /* with port */
	struct str host; /* the name it was found under: pool key and TLS identity (RFC 5922) */
	const void *owner; /* client kind: flows are never shared between owners */
	/* Over UDP from a listening socket: it is for an answer, so it counts as a peer that came
	 * to us, and not as a connection of ours. */
	bool answer;
};

/* A flow to the target with one ref for the caller. Server kind: from the pool of (host, port,
 * transport, verified name): one that nobody uses, else a new one while the pool is below its size,
 * else they take turns (CP-03). A flow to another address of the same host is no substitute (RFC
 * 3263 failover), so the first flow to an address may exceed the size. Over UDP from a listening
 * socket there is one flow to a peer, whoever began. Client kind: the owner's one flow. Failures of
 * the connect come as NET_CLOSED. -FAIL_LIMIT, -FAIL_LOCAL, -FAIL_TLS or -FAIL_ARGUMENT (a host
 * unfit for TLS) at once. */
int net_manager_flow(struct net_manager *m, const struct net_target *target, struct net_flow **out,
	struct fail *f);
/* An open flow with exactly these addresses, or NULL; no ref is taken. For answers and for flow
 * tokens. */
struct net_flow *net_manager_find(
	struct net_manager *m, enum net_transport t, const struct net_addr *remote);
/* Over all flows, open or not: NULL begins, NULL ends. */
struct net_flow *net_manager_next(const struct net_manager *m, const struct net_flow *flow);
/* By net_flow_info.id; NULL when it is closed. No ref is taken. */
struct net_flow *net_manager_flow_by_id(struct net_manager *m, unsigned id);

/* Setters for later connections only (CM-15, CM-16). */
void net_manager_set_idle(struct net_manager *m, uint64_t in_ms, uint64_t out_ms);
/* Idle limit for flows to or from one peer (ruling 28), 0: the usual one. host: as in the target,
 * or a numeric address; port 0: any. Of connections from a peer the port is not compared. */
void net_manager_set_peer_idle(struct net_manager *m, struct str host, uint16_t port, uint64_t ms);

struct net_manager_stats {
	unsigned pools, flows, incoming;
	uint64_t opened, accepted, closed, refused;
};
struct net_manager_stats net_manager_stats(const struct net_manager *m);

#endif
