/* lib/endpoint/resolve.h -- locating a SIP server: URI -> ordered targets, RFC 3263 */
#ifndef ENDPOINT_RESOLVE_H
#define ENDPOINT_RESOLVE_H

#include "base/arena.h"
#include "base/fail.h"
#include "base/trace.h"
#include "net/dns.h"
#include "net/flow.h"
#include "sip/uri.h"

struct resolve_target {
	enum net_transport transport;
	struct net_addr addr;
	struct str host; /* the name whose address this is: an SRV target, or the host itself */
	uint16_t priority, weight; /* of its SRV record; 0 without */
	bool srv; /* it came from an SRV record */
	bool dead; /* it failed lately and stands behind the living (CM-22) */
};

struct resolve_query { /* one question that was asked, for people and events */
	struct str name;
	const char *rrtype, *rcode; /* "NAPTR", "NOERROR" */
	double ms;
};

/* Targets that failed lately; kept by the owner of many resolves. */
struct resolve_dead;
struct resolve_dead *resolve_dead_new(void);
void resolve_dead_free(struct resolve_dead *d); /* NULL is fine */
/* Leaves a target alone for ten minutes (CM-22). At most 256 are remembered. */
void resolve_dead_add(
	struct resolve_dead *d, enum net_transport t, const struct net_addr *addr, uint64_t now_ms);
/* It answered: it lives. */
void resolve_dead_del(struct resolve_dead *d, enum net_transport t, const struct net_addr *addr);
bool resolve_dead_has(const struct resolve_dead *d, enum net_transport t,
	const struct net_addr *addr, uint64_t now_ms);

enum resolve_from { RESOLVE_AUTO, RESOLVE_FROM_NAPTR, RESOLVE_FROM_SRV };

struct resolve_config {
	struct ev_loop *loop;
	struct net_dns *dns; /* may be NULL for numeric hosts and overrides */
	const struct trace *trace;
	struct resolve_dead *dead; /* may be NULL */
	const struct sip_uri *uri; /* sip or sips; copied. Its transport parameter wins over: */
	int transport; /* enum net_transport the user asked for, or -1 (ruling 3) */
	enum net_transport preferred; /* where RFC 3263 leaves freedom for a sip URI (ruling 3):
				       * NET_UDP, dialect ocs NET_TLS */
	bool no_udp; /* services over UDP are passed over (dialect ocs) */
	int family; /* AF_UNSPEC, AF_INET or AF_INET6 */
	const char *const *overrides; /* --resolve, NULL-terminated or NULL; borrowed */
	enum resolve_from from; /* AUTO as RFC 3263 says; else start at this step, whatever port
				 * (and for NAPTR, transport) is given */
	bool all; /* look at every NAPTR service, for `rte resolve --all` */
};

struct resolve {
	ev_timer done; /* fed when finished, never inside resolve_start; ev_init() it first */

	/* The result, valid from `done` until resolve_done: */
	struct resolve_target *targets; /* in the order to try: at most RESOLVE_TARGETS */
	size_t count;
	struct resolve_query *queries; /* in the order of use, those without a result included */
	size_t query_count;
	struct fail fail; /* code 0 when count > 0; else -FAIL_DNS naming the question that had no
			   * answer, or -FAIL_ARGUMENT for what no DNS can answer: another scheme, a
			   * transport we do not have, sips over udp, a numeric host of the family
			   * that is not wanted */
	double ms;

	struct resolve_state *state; /* internal */
};

#define RESOLVE_TARGETS 64

/* One override, HOST:PORT:ADDR[,ADDR...]: addresses of HOST at PORT without DNS, tried in this
 * order. They are used wherever HOST and PORT would be: for the URI itself (one without a port has
 * the default port of its transport, and then NAPTR and SRV are not asked either) and for the
 * targets of SRV records. HOST is a name in any case, a numeric address (IPv6 in brackets) or `*`
 * for any; of several overrides the first that fits. ADDR is numeric, IPv6 with or without
 * brackets. False when malformed; host comes without brackets, addrs as written. */
bool resolve_override_parse(struct str s, struct str *host, uint16_t *port, struct str *addrs);

/* Begins; r is zeroed but for `done`, and stays where it is. Numeric hosts and overrides ask
 * nothing.
 *
 * Services are in the order of RFC 3263 and 2915, servers in that of RFC 2782, the addresses of one
 * server in that of RFC 6724 (those with a route first, then IPv6 before IPv4 where our own address
 * is of the same kind), the dead behind all others. Without NAPTR the order of services is:
 * `preferred`, then udp, tcp, tls.
 *
 * A dead DNS server is given up after the time of three questions: NAPTR, SRV (all at once),
 * addresses. */
void resolve_start(struct resolve *r, const struct resolve_config *config);
/* Cancels if running, frees the result. A zeroed r is fine. */
void resolve_done(struct resolve *r);

#endif
