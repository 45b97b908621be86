/* lib/endpoint/endpoint.h -- real-time endpoints: the common base (reference rows EP-) and the
 * manager that endpoints share. Two kinds: server based (SE-) and peer to peer (PP-). They differ
 * in four answers: where a request goes next, which credentials there are, which flow it takes, and
 * what the loss of a flow means. */
#ifndef ENDPOINT_ENDPOINT_H
#define ENDPOINT_ENDPOINT_H

#include "auth/auth.h"
#include "base/fail.h"
#include "base/trace.h"
#include "endpoint/event.h"
#include "net/manager.h"
#include "net/tls.h"
#include "sip/tx.h"

/* ---- The manager: sockets, TLS, DNS and transactions, shared by any number of endpoints (EP-18,
 * CM-18) ---- */

struct endpoint_manager;

/* The idle limit of flows to or from one peer (ruling 28). */
struct endpoint_idle {
	struct str host; /* as in a target, or a numeric address */
	uint16_t port; /* 0: any */
	uint64_t ms; /* NET_NEVER: none */
};

struct endpoint_manager_config {
	enum net_manager_kind kind; /* NET_CLIENT: server-based endpoints only */
	const struct trace *trace; /* borrowed; lives as long as the manager */
	struct net_manager_config net; /* times, sizes, local address; loop, kind, trace, handler
					  and TLS are filled in */
	struct net_tls_config
		tls; /* for outgoing connections; the context is made with the first TLS target */
	struct net_tls_config tls_server; /* for listening on TLS; needs cert and key */
	struct str dns_servers; /* --dns; empty: the system's */
	const char *const *resolve; /* --resolve, NULL-terminated or NULL */
	struct sip_limits limits;
	struct sip_timers timers;
	struct str advertise; /* HOST[:PORT] in Via and Contact in place of the local address;
				 empty: none */
	const struct endpoint_idle *idle;
	unsigned idle_count;
	/* Requests that handlers have not answered yet: from `high` on new ones get 503 with
	 * Retry-After until there are no more than `low` (CM-21). 0: never. A library limit
	 * (ruling 28). */
	unsigned high_mark, low_mark;
};

/* The loop of this process; ev_run and ev_break are the command's (R1). */
struct ev_loop *endpoint_loop(void);

int endpoint_manager_new(const struct endpoint_manager_config *config,
	struct endpoint_manager **out, struct fail *f);
/* At once and silently: its endpoints are dead, too (CM-19). NULL is fine. */
void endpoint_manager_free(struct endpoint_manager *m);
/* "udp:127.0.0.1:0", "tcp:[::1]:5060", "tls:0.0.0.0:5061". -FAIL_ARGUMENT, -FAIL_STATE,
 * -FAIL_LOCAL. */
int endpoint_manager_listen(struct endpoint_manager *m, struct str uri, struct fail *f);
/* UDP and TCP on one free port of 127.0.0.1. Nothing else must be listened at before. */
int endpoint_manager_listen_loopback(struct endpoint_manager *m, struct fail *f);
/* The i-th address we listen at; false behind the last. */
/* text: storage for the address. */
bool endpoint_manager_listener(const struct endpoint_manager *m, unsigned i,
	char text[NET_ADDR_TEXT], struct endpoint_hop *out);
/* How many endpoints live on it (CM-18). */
unsigned endpoint_manager_count(const struct endpoint_manager *m);
/* How many INVITEs were refused over UDP and wait for their ACK: who ends before cannot repeat a
 * refusal that was lost (RFC 3261 17.2.1). */
unsigned endpoint_manager_unacked(const struct endpoint_manager *m);
/* Counters over all operations, for summaries. */
struct endpoint_counts endpoint_manager_counts(const struct endpoint_manager *m);

/* ---- Endpoints ---- */

enum endpoint_kind { ENDPOINT_SERVER_BASED, ENDPOINT_PEER_TO_PEER };

enum endpoint_on_drop { ENDPOINT_DROP_REFRESH, ENDPOINT_DROP_UNREGISTER }; /* RG-11, RG-12 */

/* One change of the header fields of every message (EP-11, cli.md -H and --add-header). */
struct endpoint_header {
	enum { ENDPOINT_HEADER_SET, ENDPOINT_HEADER_ADD, ENDPOINT_HEADER_REMOVE } change;
	struct str name, value;
};
/* May the user touch this header with -H (cli.md section 7)? */
bool endpoint_header_allowed(struct str name);

/* The forms of RFC 3261 and its family, or those of Office Communications Server
 * (microsoft-auth.md section 6). */
enum endpoint_dialect { ENDPOINT_STANDARD, ENDPOINT_OCS };

struct endpoint_config {
	struct endpoint_manager *manager;
	enum endpoint_kind kind;
	enum endpoint_dialect dialect; /* OCS: server based, TCP and TLS only */
	struct str aor; /* who we are (EP-02, EP-07); empty: sip:rte@HOST (ruling 10) */
	struct str from; /* name-addr for From when it differs (EP-34); empty: aor */
	struct str display_name; /* EP-09 */
	struct str epid; /* EP-05; empty: none on the wire, in dialect ocs a random one (epid.h);
			    "auto" is the command's matter */
	struct str user_agent; /* appended to ours (EP-10) */
	struct str contact; /* a whole URI in place of ours, or ";params" appended to ours; empty:
			       neither */
	struct str instance; /* URN of +sip.instance (EP-04); empty: none, in dialect ocs the one
				that belongs to the epid */
	const struct str *features;
	unsigned feature_count; /* feature parameters of Contact (EP-12): name or name=value */

	const struct str *servers;
	unsigned server_count; /* home servers HOST[:PORT] or URIs: failover list, or one per
				* reg-id (ruling 8); none: the domain of the AOR. Server based only.
				*/
	struct str proxy; /* peer to peer: outbound proxy URI; with ;lr also the first Route (ruling
			     1) */
	const struct str *routes;
	unsigned route_count; /* preloaded Route set */
	struct str connect; /* ADDR:PORT: skip RFC 3263 */
	int transport; /* enum net_transport the user asked for, or -1 (ruling 3) */
	int family; /* AF_UNSPEC, AF_INET, AF_INET6 (EP-33) */
	bool udp_only; /* -t udp was said: large requests stay on UDP (ruling 3) */

	struct auth_config auth; /* server based only; trace is filled in */
	enum endpoint_on_drop on_drop;
	unsigned max_outstanding; /* requests without a final answer; more are queued (SE-11); 0: no
				     limit */
	struct str
		methods; /* requests outside of dialogs that the handler takes, as names with
			    commas: "INVITE,MESSAGE" (ENDPOINT_INCOMING; REFER:
			    ENDPOINT_TRANSFER; NOTIFY: unsolicited ones, ruling 9); "*": all.
			    OPTIONS is answered by itself unless it is named; the rest gets 405 */
	bool any_to; /* take every request, whatever its To (EP-31) */

	const struct endpoint_header *headers;
	unsigned header_count;
	unsigned max_forwards; /* 0: 70 */
	bool compact; /* compact header names */

	endpoint_event_fn *on_event; /* flows, messages, resolutions, unmatched requests */
	void *arg;
};

/* Checks and copies everything; nothing is sent. -FAIL_ARGUMENT with the cause in f; a duplicate
 * (URI, epid) on one manager is -FAIL_STATE (EP-32). */
int endpoint_new(const struct endpoint_config *config, struct endpoint **out, struct fail *f);
/* Graceful: unregisters, ends children, then one ENDPOINT_CLOSED (EP-17); a second call changes
 * nothing. */
void endpoint_stop(struct endpoint *ep);
/* At once and silently; its children must be freed before. NULL is fine. */
void endpoint_free(struct endpoint *ep);

struct str endpoint_uri(const struct endpoint *ep); /* EP-07: the owner's */
/* Called for a name: its home server or proxy as text ("example.com:5061"), empty for peer to peer
 * without proxy. */
struct str endpoint_next_hop_text(const struct endpoint *ep);
/* A peer named in any form of cli.md section 6 into a SIP URI (`bob` needs a domain: EP-20).
 * -FAIL_ARGUMENT. */
int endpoint_target_parse(
	struct str text, struct str default_domain, struct buf *out, struct fail *f);
/* A SIP URI as the Request-URI of a request of that method, RFC 3261 19.1.5: a method parameter has
 * done its work when it says the same; another method is refused, and so are headers, for who wrote
 * the URI need not be who sends the request. -FAIL_ARGUMENT. */
int endpoint_target_request(struct str uri, struct str method, struct buf *out, struct fail *f);
/* Counters of this endpoint's operations. */
struct endpoint_counts endpoint_counts(const struct endpoint *ep);

#endif
