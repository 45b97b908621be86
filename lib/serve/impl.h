/* lib/serve/impl.h -- the insides of the test server, shared by its files */
#ifndef SERVE_IMPL_H
#define SERVE_IMPL_H

#include "auth/digest_answer.h"
#include "auth/nonce.h"
#include "base/arena.h"
#include "base/list.h"
#include "base/map.h"
#include "endpoint/dispatch.h"
#include "serve/serve.h"

struct user {
	struct map_node node; /* by name */
	struct str name;
	struct cred secret;
};

/* One binding of an address of record, RFC 3261 section 10.3 */
struct binding {
	struct list node; /* in its record, newest last */
	struct record *record;
	struct serve *serve;
	char *contact; /* URI */
	char *instance; /* "" without */
	char *call_id, *path, *user_agent; /* path: comma list of the Path values, "" without */
	unsigned reg_id;
	uint32_t cseq;
	unsigned q; /* thousandths */
	uint64_t expires_at; /* ms */
	unsigned flow_id; /* net_flow_info.id of where it came from */
	uint64_t serial; /* a newer registration has a higher one */
	struct net_addr source;
	enum net_transport transport;
	char *epid, *from_tag; /* of From; "" without */
	char *to_tag; /* of our answer */
	char temp_gruu[24]; /* user part; "" without instance */
	unsigned id; /* for reginfo; 0: not told of yet */
	const char *event; /* RFC 3680: what happened to it last */
	uint64_t changed; /* when, as a serial of events */
	ev_timer expiry;
};

/* All bindings of one user of our domain. */
struct record {
	struct map_node node; /* by key */
	struct str key; /* the user part, unescaped: it may hold any byte */
	char *aor;
	struct list bindings;
	unsigned count;
};

struct fault {
	unsigned drop, dup, reorder; /* per cent */
	uint64_t delay_ms;
	bool truncate, bad_sdp;
	bool no_sign, bad_sign; /* in a security association, after so many messages */
	uint32_t no_sign_after, bad_sign_after;
	bool endless; /* no answer to a challenge is right */
	bool weak; /* NTLM without extended session security and 128 bits */
	uint64_t state; /* of the generator */
	struct list held; /* delayed or reordered messages */
};

struct serve {
	struct serve_config config; /* texts live in the arena */
	struct arena arena;
	struct str ms_realm; /* of NTLM and Kerberos; config.realm is of Digest */
	struct endpoint_manager *manager;
	struct map users, records;
	uint64_t last_serial; /* of a binding */
	struct auth_nonce nonce;
	struct list pending; /* rule.c: answers that wait */
	struct list forwards; /* forward.c: requests on their way */
	unsigned branches; /* of all of them */
	struct actors *actors; /* the well-known users */
	struct events *events; /* the event agent */
	struct pacts *pacts; /* security associations */
	struct list forks; /* actor_fork.c: calls to fork3@ */
	struct route *routes; /* route.c: config.route_count of them */
	struct net_addr *trusted; /* config.trust_count; port 0: any */
	struct fault fault;
	uint32_t seed;
	char *cacert;
	int control_fd,
		control_keep; /* -1: none; the second end keeps the FIFO open between writers */
	ev_io control_io;
	struct buf control_line;
};

#define SERVE_BINDINGS 64 /* of one user; more are refused with 403 */

/* serve.c */
void serve_tell(struct serve *s, const struct serve_event *ev);
/* Tells of a request and what it got. */
void serve_tell_request(struct serve *s, struct transaction *t, unsigned status);
/* Does m require what neither the server nor `known` (ended by NULL) has? Then it has been answered
 * with 420. */
bool serve_unsupported(
	struct serve *s, struct transaction *t, const struct sip_msg *m, const char *const *known);
/* Is this host (and port) one of ours: the domain, or an address that we listen at? */
bool serve_is_self(const struct serve *s, const struct sip_uri *u);
struct user *serve_user(const struct serve *s, struct str name);
/* A response with further header lines ("Name: value\r\n"...), then the transaction is let go. */
void serve_answer(struct serve *s, struct transaction *t, unsigned status, struct str reason,
	struct str headers);
/* The user part of a URI of our domain, %HH undone where it may be: the key of users and records.
 */
void serve_user_key(const struct sip_uri *u, struct buf *out);

/* registrar.c */
void registrar_request(
	struct serve *s, struct transaction *t, struct sip_msg *m, struct net_flow *flow);
struct record *registrar_record(const struct serve *s, struct str key);
/* The binding that a request to this record goes to: of an instance (GRUU), else the highest q,
 * then the newest. older_than: only the newest of those with a lower serial, 0: any. */
struct binding *registrar_choose(struct record *r, struct str instance, uint64_t older_than);
struct binding *registrar_by_contact(const struct serve *s, const struct sip_uri *u);
struct binding *registrar_by_temp_gruu(const struct serve *s, struct str user);
void registrar_remove(struct binding *b, const char *cause);
void registrar_done(struct serve *s);
/* The registrations that came over this flow are gone with it when it is a connection. */
void registrar_flow_closed(struct serve *s, unsigned flow_id);

/* challenge.c: true when the request is proved to come from *user; else it has been answered (401,
 * 407, 400, 403). */
bool challenge_passed(struct serve *s, struct transaction *t, struct sip_msg *m, bool proxy,
	struct str *user, struct arena *a);
/* 401 or 407 with a challenge of every scheme that is offered, and these header lines. */
void challenge_send(struct serve *s, struct transaction *t, bool proxy, struct str headers);
bool challenge_offers(const struct serve *s, enum serve_scheme scheme);
/* "Date: ...\r\n" */
void challenge_write_date(struct buf *h);

/* challenge_digest.c: one challenge for each algorithm. */
void challenge_digest_write(struct serve *s, bool proxy, bool stale, struct buf *h);
/* Looks at credentials for our realm in m. */
enum challenge_verdict {
	CHALLENGE_NONE, /* there are none, or they are wrong */
	CHALLENGE_STALE, /* they were right, but for the age of their nonce */
	CHALLENGE_BAD, /* malformed; answered */
	CHALLENGE_GOOD,
};
enum challenge_verdict challenge_digest_judge(struct serve *s, struct transaction *t,
	struct sip_msg *m, bool proxy, struct str *user, struct arena *a);

/* pact.c */
int pact_open(struct serve *s, struct fail *f);
void pact_close(struct serve *s);
/* Is the signature of m good, and whose is it? For as long as m is being dealt with. */
bool pact_proved(const struct serve *s, const struct sip_msg *m, struct str *user);
/* Requests from endpoints that have to sign, and from those whose association is gone, must be
 * signed ([MS-SIPAE] 3.3.5.1). False: it has been answered with 401. */
bool pact_admits(struct serve *s, struct transaction *t, const struct sip_msg *m,
	const struct net_flow *flow);
/* The endpoint that sent m is registered for this time, 0: no more; its association stays that
 * long. */
void pact_registered(struct serve *s, const struct sip_msg *m, uint32_t expires);
/* Drops the associations of a user, silently; how many. */
unsigned pact_forget(struct serve *s, struct str user);

/* proxy.c */
void proxy_request(
	struct serve *s, struct transaction *t, struct sip_msg *m, struct net_flow *flow);
/* Requests that come from our domain prove it (22.3); who calls in from elsewhere need not. False:
 * it has been answered. */
bool proxy_proved(struct serve *s, struct transaction *t, struct sip_msg *m, struct net_flow *flow);
/* Does Proxy-Require name what we do not know? Then it has been answered with 420. */
bool proxy_unsupported(struct serve *s, struct transaction *t, const struct sip_msg *m);
/* An ACK that belongs to no transaction. */
void proxy_ack(struct serve *s, struct sip_msg *m, struct net_flow *flow);

/* forward.c: ends all requests that are on their way, silently. */
void forward_done(struct serve *s);

/* events.c: the event agent. True: it took the request. */
bool events_request(struct serve *s, struct transaction *t, struct sip_msg *m,
	struct net_flow *flow, const struct sip_uri *uri);
/* What a 200 to OPTIONS says of it. */
void events_write_options(const struct serve *s, struct buf *h);
/* Something happened to a binding; gone: it is about to be freed. */
void events_binding(struct serve *s, struct binding *b, const char *cause, bool gone);
/* "mwi" "conference" "terminate" "notify" */
int events_order(
	struct serve *s, struct str verb, struct str user, struct str rest, struct fail *f);
int events_open(struct serve *s, struct fail *f);
/* Ends all subscriptions; SERVE_STOPPED tells when that is done. */
void events_stop(struct serve *s);
void events_close(struct serve *s);

/* calls.c: what the package dialog tells of. All are by Call-ID and the caller's tag; what is not
 * known is passed over. */
void calls_invite(struct serve *s, const struct sip_msg *m);
/* tag: of the response's To */
void calls_answered(struct serve *s, struct str call_id, struct str caller_tag, unsigned status,
	struct str tag);
void calls_bye(struct serve *s, const struct sip_msg *m);
/* cause: a word of RFC 4235, as the callee has it */
void calls_ended(struct serve *s, struct str call_id, struct str caller_tag, const char *cause,
	unsigned status);

/* route.c */
int route_init(struct serve *s, struct fail *f);
void route_done(struct serve *s);
/* Does a static route lead there? *flow: to its next hop, with a ref; NULL: it cannot be reached.
 */
bool route_find(struct serve *s, const struct sip_uri *uri, struct net_flow **flow);
/* Is what comes by this flow taken without a challenge? */
bool route_trusts(const struct serve *s, const struct net_flow *flow);
/* Is this user at home at another server? */
bool route_home(const struct serve *s, struct str user, struct str *uri);

/* rule.c: true when a --reply rule took the request. */
bool rule_request(struct serve *s, struct transaction *t, struct sip_msg *m);
void rule_done(struct serve *s);

/* fault.c */
int fault_init(struct fault *f, const struct serve_config *c, uint32_t seed, struct fail *fail);
bool fault_send(void *arg, struct net_flow *flow,
	struct str wire); /* dispatch_send_fn; arg: struct serve */
void fault_done(struct fault *f);

/* control.c */
int control_open(struct serve *s, struct fail *f);
void control_close(struct serve *s);

#endif
