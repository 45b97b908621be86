/* lib/net/dns.h -- NAPTR, SRV, A and AAAA questions through c-ares on the loop. Answers never
 * arrive inside a call: the query's own watcher is fed. c-ares is initialised with the first
 * question. */
#ifndef NET_DNS_H
#define NET_DNS_H

#include "base/arena.h"
#include "base/fail.h"
#include "base/trace.h"
#include "net/addr.h"

#include <ev.h>

struct net_dns;
struct net_dns_token;

struct net_dns_config {
	struct ev_loop *loop;
	const struct trace *trace;
	struct str servers; /* "ADDR[:PORT][,...]", IPv6 in brackets; empty: those of the system */
	uint32_t timeout_ms; /* of one try of one server; 0: 2000 */
	unsigned tries; /* 0: 2 */
	bool no_hosts_file; /* leave /etc/hosts out for A and AAAA */
};

/* A question is over after timeout_ms * tries at the latest or, when there are more servers than
 * tries, after timeout_ms for each of them. localhost and its subdomains never leave the machine
 * (RFC 6761 section 6.3). A and AAAA of a name without any dot try the search list of resolv.conf,
 * as other programs do; all other names are asked as they are. */

/* -FAIL_ARGUMENT for a bad server list. */
int net_dns_new(const struct net_dns_config *config, struct net_dns **out, struct fail *f);
/* NULL is fine; every query that was asked has been forgotten. */
void net_dns_free(struct net_dns *d);

enum net_dns_type { NET_DNS_A, NET_DNS_AAAA, NET_DNS_SRV, NET_DNS_NAPTR };

struct net_dns_record {
	struct net_addr addr; /* A, AAAA: port 0 */
	uint16_t priority, weight, port; /* SRV */
	uint16_t order, preference; /* NAPTR */
	struct str flags, service, regexp; /* NAPTR */
	struct str target; /* SRV target, NAPTR replacement; "" for the root */
};

#define NET_DNS_RECORDS 256

struct net_dns_query {
	ev_timer done; /* fed when the answer is there; ev_init() it before net_dns_ask */

	/* The answer, valid from `done` until net_dns_forget: */
	struct str name;
	enum net_dns_type type;
	const char *rcode; /* "NOERROR" (also with no records) "NXDOMAIN" "FORMERR" "SERVFAIL"
			    * "NOTIMP" "REFUSED", and of our own "TIMEOUT", "UNREACHABLE" (no server
			    * took it), "MALFORMED" (the answer), "BADNAME" (no name that DNS could
			    * know; it was not asked), "ERROR" (c-ares could not be set up) */
	bool failed; /* neither records nor an authoritative "no": all but NOERROR and NXDOMAIN */
	double ms;
	struct net_dns_record *records; /* at most NET_DNS_RECORDS, in the order of the answer */
	size_t count;

	struct net_dns *dns; /* internal */
	struct arena arena;
	uint64_t started_us;
	bool running;
	struct net_dns_token *token; /* what c-ares holds; outlives a query forgotten early */
};

/* Asks. q is zeroed but for `done` and stays where it is until net_dns_forget; name is copied. */
void net_dns_ask(
	struct net_dns *d, struct net_dns_query *q, struct str name, enum net_dns_type type);
/* Cancels if running, frees the answer; q may be used again. A zeroed q is fine. */
void net_dns_forget(struct net_dns_query *q);
const char *net_dns_type_name(enum net_dns_type type);

#endif
