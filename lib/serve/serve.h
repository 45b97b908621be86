/* lib/serve/serve.h -- the embedded test server: registrar, proxy and challenger in memory. One
 * fence: every feature exists to make a client testable. cli.md section 16 */
#ifndef SERVE_SERVE_H
#define SERVE_SERVE_H

#include "endpoint/endpoint.h"

struct serve;

struct serve_user {
	struct str name;
	struct cred secret; /* realm is ignored; copied and wiped by the server */
};

struct serve_binding { /* a change of the location table */
	struct str aor, contact, user_agent;
	const char *cause; /* RFC 3680: "created" "refreshed" "shortened" "expired" "unregistered"
			      "deactivated" */
	uint32_t expires;
};

enum serve_scheme { SERVE_DIGEST, SERVE_NTLM, SERVE_KERBEROS, SERVE_SCHEMES };

enum serve_event_type {
	SERVE_LISTENING, /* all sockets are bound */
	SERVE_BINDING, /* binding */
	SERVE_REQUEST, /* msg: a request, with what was replied (0: it was proxied) */
	SERVE_CONTROL, /* text: an order of the control FIFO that was carried out, or why it was not
			*/
	SERVE_DISCARDED, /* msg: within a security association, and not acted on; text:
			    "unsigned" "forged" "replayed" */
	SERVE_STOPPED, /* after serve_stop: no subscription is left */
};

struct serve_event {
	enum serve_event_type type;
	const struct serve_binding *binding;
	const struct endpoint_msg *msg;
	struct str text;
};

typedef void serve_event_fn(void *arg, const struct serve_event *ev);

struct serve_config {
	const struct trace *trace;
	struct str domain; /* empty: test.invalid */
	struct str realm; /* empty: the domain, and what Communications Server says */
	const struct str *listen;
	unsigned listen_count; /* "udp:127.0.0.1:0" ...; none: udp and tcp on one free port of
				* 127.0.0.1, and tls on another when there is a certificate (ruling
				* 11) */
	struct net_tls_config tls; /* cert and key; NULL: none */
	bool tls_auto; /* a throw-away CA in `tls_dir` */
	const char *tls_dir;
	const struct serve_user *users;
	unsigned user_count;
	bool challenge; /* for REGISTER (401) and for requests from our domain (407) */
	enum serve_scheme schemes[SERVE_SCHEMES]; /* of its challenges, in this order */
	unsigned scheme_count; /* 0: Digest alone */
	/* Of the Microsoft schemes: */
	unsigned ms_version; /* 2, 3 or 4; 0: 4 */
	uint64_t association_ms; /* life of an association; 0: 8 h */
	struct str ntlm_domain; /* empty: the first label of the domain, in upper case */
	struct str targetname; /* empty: the domain */
	const char *keytab; /* for Kerberos */
	bool ocs; /* the registrar speaks as Office Communications Server does */
	const struct str *homes;
	unsigned home_count; /* "USER=URI": who is at home there is sent there with 301 */
	unsigned digest; /* set of 1 << enum hash_kind, 0: all, strongest first */
	uint64_t nonce_ms; /* life of a nonce, then stale=true; 0: 5 min */
	uint32_t min_expires, max_expires; /* seconds; 0: 60 and 3600 */
	struct str service_route; /* URI; empty: none */
	const struct str *replies;
	unsigned reply_count; /* "METHOD[ USER]=STATUS[ REASON][;after=T][;retry-after=T]" */
	const struct str *faults;
	unsigned fault_count; /* "drop:P" "delay:T" "dup:P" "reorder:P" "truncate" "badsdp"
			       * "unsigned[:N]" "badsign[:N]" "endless" "weak" */
	uint32_t seed; /* of the faults; 0: random */
	const struct str *routes;
	unsigned
		route_count; /* "sip:[USER@]DOMAIN=sip:ADDR[:PORT][;transport=udp|tcp]": requests
			      * to the left side go to the right side, the first that fits counts */
	const struct str *trust;
	unsigned trust_count; /* "ADDR" or "ADDR:PORT": who comes from there is not challenged */
	uint64_t
		timer_c_ms; /* Timer C of an INVITE; 0: 181 s (RFC 3261 16.6 step 11: over 3 min) */
	struct str events; /* packages that the event agent serves: "presence,reg"; empty: all,
			    * "none": none, SUBSCRIBE and PUBLISH are then passed on */
	const struct str *mwi;
	unsigned mwi_count; /* "USER=NEW/OLD": messages that wait */
	const struct str *conferences;
	unsigned conference_count; /* "USER=FILE": a document of RFC 4575 */
	const struct str *lists;
	unsigned list_count; /* "NAME=URI,URI": resource lists of RFC 4662 */
	unsigned max_subscriptions, max_publications; /* 0: 10000 (a list counts as its members)
						       * and 1000 */
	const char *control; /* path of a FIFO, made if missing; NULL: none */
	struct sip_timers timers;
	serve_event_fn *on_event;
	void *arg;
};

/* Checks one --reply or --fault rule, --route or --trust. -FAIL_ARGUMENT with the cause. */
int serve_reply_check(struct str rule, struct fail *f);
int serve_fault_check(struct str rule, struct fail *f);
int serve_route_check(struct str route, struct fail *f);
int serve_trust_check(struct str address, struct fail *f);
int serve_home_check(struct str option, struct fail *f);
/* The same for --events, --mwi, --conference (its file is not looked at) and --list. */
int serve_events_check(struct str list, struct fail *f);
int serve_mwi_check(struct str option, struct fail *f);
int serve_conference_check(struct str option, struct fail *f);
int serve_list_check(struct str option, struct fail *f);

/* Binds everything. -FAIL_ARGUMENT, -FAIL_LOCAL. Beyond loopback it wants users and a challenge,
 * unless open is set. */
int serve_new(const struct serve_config *config, bool open, struct serve **out, struct fail *f);
void serve_free(struct serve *s); /* NULL is fine */
/* Messages of all that it speaks to; discarded ones were told as events. */
struct endpoint_counts serve_counts(const struct serve *s);
/* The orderly end: every subscription gets its last NOTIFY. One SERVE_STOPPED follows, from the
 * loop. A second call changes nothing. */
void serve_stop(struct serve *s);

/* Where it listens, as in endpoint_manager_listener. */
bool serve_listener(
	const struct serve *s, unsigned i, char text[NET_ADDR_TEXT], struct endpoint_hop *out);
/* The CA file of tls_auto, or NULL. */
const char *serve_cacert(const struct serve *s);
uint32_t serve_seed(const struct serve *s);
/* One order of the control FIFO, as in rte-serve(1). */
int serve_order(struct serve *s, struct str line, struct fail *f);
/* How many messages were discarded. */
unsigned serve_discarded(const struct serve *s);
/* How many bindings a user has, for tests. */
unsigned serve_bindings(const struct serve *s, struct str user);

#endif
