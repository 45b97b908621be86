/* lib/serve/events.h -- the insides of the event agent: presentities (who is watched), views (one
 * watcher's sight of one of them), notifiers (subscriptions) and the packages. RFC 6665, RFC 3903
 */
#ifndef SERVE_EVENTS_H
#define SERVE_EVENTS_H

#include "endpoint/dialog.h"
#include "endpoint/request.h"
#include "serve/impl.h"
#include "sip/event.h"

enum package_id {
	PACKAGE_PRESENCE,
	PACKAGE_DIALOG,
	PACKAGE_REG,
	PACKAGE_MESSAGE_SUMMARY,
	PACKAGE_CONFERENCE,
	PACKAGE_WINFO, /* of presence */
	PACKAGES,
};

enum {
	EVENTS_HEAD = 8192, /* of a SUBSCRIBE, without its body: its dialog keeps parts of it */
	EVENTS_BODY = 16384, /* of a publication or a document of a conference */
	EVENTS_DOCUMENT = 49152, /* that fits into a message */
	EVENTS_PUBLICATIONS = 32, /* of one user */
	EVENTS_CALLS = 10000, /* that are remembered; then the oldest is forgotten */
	EVENTS_GHOSTS = 64, /* of a user and a package */
	EVENTS_WORDS = 2048, /* of one of them */
	EVENTS_WATCHER = 512, /* of a From URI: all who watch the watchers are told of it */
	EVENTS_MEMBERS = 50, /* of a list; each is a part of a multipart body (MULTIPART_PARTS) */
	EVENTS_RETRY_S = 30, /* Retry-After of a 503 */
};

struct notifier;
struct view;

/* A document in the making. */
struct state {
	bool full; /* all is wanted, else what changed after `since` */
	uint64_t since;
	uint32_t version;
	uint64_t tag; /* of the whole, whatever is written: RFC 5839 section 6.4 */
	struct str type; /* empty: the package's */
	char type_text[512]; /* room for one that is made */
	struct buf body;
};

struct package {
	const char *name, *type;
	void (*write)(const struct view *v, struct state *st);
};
extern const struct package events_packages[PACKAGES];

/* What has ended and not everybody was told of: the last words on bindings, calls and watchers.
 * Documents in part carry them. */
struct ghosts {
	struct list list;
	unsigned count;
	uint64_t forgotten; /* the serial of the newest one that was dropped for want of room, or
			     * had too many words: who was not told of it needs the whole */
};

/* One user of our domain, as far as events know the name. */
struct presentity {
	struct map_node node; /* by key */
	struct events *events;
	struct str key; /* the user part, unescaped */
	char *uri;
	struct list views;
	unsigned watched[PACKAGES]; /* how many views of each package */
	struct ghosts ghosts[PACKAGES];
	struct list publications; /* the newest last */
	unsigned publication_count;
	struct list legs; /* of calls, the oldest first */
	uint64_t mwi_serial; /* 0: nobody has set it */
	uint32_t mwi_new, mwi_old;
	uint64_t conference_serial; /* 0: there is none */
	char *conference; /* the document */
	size_t conference_n;
};

/* What one watcher sees of one presentity. */
struct view {
	struct list node; /* in presentity->views */
	struct presentity *who; /* NULL: not of our domain */
	struct notifier *owner;
	enum package_id package;
	char *uri; /* of a member of a list, as it was written there; else NULL */
	unsigned id; /* for watcherinfo */
	uint64_t began; /* serial */
	uint64_t since; /* the serial up to which it was told */
	uint32_t version; /* of the next document */
	bool due; /* of a list: it changed */
	bool full; /* the whole is to be told */
};

struct events {
	struct serve *serve;
	struct endpoint *endpoint; /* whose dialogs the subscriptions are */
	unsigned packages; /* set of 1 << enum package_id */
	uint64_t serial; /* of the latest change of anything */
	unsigned last_id; /* of views and calls */
	struct map presentities;
	struct list notifiers;
	unsigned notifier_count, view_count, publication_count;
	struct map calls;
	struct list all_calls; /* the oldest first */
	struct map lists; /* the configured ones */
	bool stopping;
	ev_timer stopped; /* tells, from the loop, that all subscriptions were ended */
};

/* events.c */
static inline bool events_has(const struct events *ev, enum package_id id)
{
	return ev && (ev->packages >> id & 1) != 0;
}
/* The seconds that m asks for, within our limits. False: it was refused with 423. */
bool events_expires(
	struct serve *s, struct transaction *t, const struct sip_msg *m, uint32_t *seconds);
/* 489 with Allow-Events. */
void events_bad(struct events *ev, struct transaction *t, unsigned packages);
/* 503 with Retry-After. */
void events_busy(struct serve *s, struct transaction *t, const char *reason);
/* Is this element with its serial to be written? All of a whole are asked for, in one order: they
 * make its tag. */
bool events_wanted(struct state *st, uint64_t serial);

/* presentity.c */
struct presentity *presentity_get(const struct events *ev, struct str key);
struct presentity *presentity_make(struct events *ev, struct str key);
/* The state of a package changed: its watchers hear of it from the loop. */
void presentity_changed(struct presentity *p, enum package_id id);
/* The last words on something that ended. */
void presentity_bury(struct presentity *p, enum package_id id, const struct buf *words);
/* Those that a partial document tells of. */
void presentity_write_ghosts(const struct view *v, struct state *st);
void presentity_forget(struct presentity *p, enum package_id id);
/* Frees it when nothing is known of it any more. */
void presentity_tidy(struct presentity *p);
void presentity_done(struct events *ev);

/* view.c */
void view_open(struct view *v, struct presentity *p, enum package_id id, struct notifier *owner);
/* reason: why, for watcherinfo. May free its presentity. */
void view_close(struct view *v, const char *reason);
/* Writes the document; view_told: it is on its way, with this version. */
void view_write(const struct view *v, struct state *st);
void view_told(struct view *v, uint32_t version);

/* notifier.c */
struct notifier {
	struct list node; /* in events->notifiers */
	struct events *events;
	struct dialog dialog;
	struct request *request; /* a NOTIFY on its way */
	enum package_id package;
	char *event_id, *watcher; /* id parameter of Event, or NULL; the From URI */
	struct view *views;
	unsigned view_count;
	bool list; /* RFC 4662: the views are parts of one state */
	char *uri; /* of the list */
	uint32_t version; /* of its meta-information */
	bool list_full;
	uint64_t began_at, expires_at; /* ms */
	ev_timer expiry, wake; /* wake: what is due is sent, or what is over is freed */
	bool due; /* something changed */
	bool must; /* a NOTIFY is owed, whatever changed */
	bool over, last; /* last: the NOTIFY on its way is the last one */
	const char *ending; /* why it ends; NULL: it does not */
	uint32_t retry_after;
	bool has_retry_after, has_told;
	uint64_t told; /* the tag of the state that was told */
	bool dormant; /* Suppress-If-Match: * */
	bool best_effort; /* [MS-SIP] 3.5: BENOTIFY, which nobody answers */
	char suppress[40]; /* the tag of Suppress-If-Match; "": none */
};

struct notifier_wish {
	enum package_id package;
	struct sip_event event;
	struct str key; /* of the presentity */
	bool list; /* or all of these */
	struct str list_uri;
	const struct str *members;
	unsigned member_count;
};
/* Takes t: makes the subscription that m asks for, or refuses it. */
void notifier_subscribe(struct events *ev, struct transaction *t, struct sip_msg *m,
	struct net_flow *flow, const struct notifier_wish *wish);
/* Something changed; in full: the whole is to be told. */
void notifier_wake(struct notifier *n);
void notifier_again(struct notifier *n);
/* The last NOTIFY, with this reason. */
void notifier_end(struct notifier *n, const char *reason, const uint32_t *retry_after);
void notifier_free(struct notifier *n, const char *reason);

/* publisher.c */
void publisher_request(struct events *ev, struct transaction *t, struct sip_msg *m, struct str key);
void publisher_done(struct presentity *p);
/* False: nothing is published. */
bool publisher_write(const struct presentity *p, struct state *st);

/* state_presence.c and its kin: documents */
void state_presence_write(const struct view *v, struct state *st);
void state_reg_write(const struct view *v, struct state *st);
/* Says the last words on a binding that is about to go. */
void state_reg_bury(struct presentity *p, const struct binding *b, const char *cause);
void state_winfo_write(const struct view *v, struct state *st);
void state_winfo_bury(const struct view *watcher, const char *reason);
void state_mwi_write(const struct view *v, struct state *st);
/* "NEW/OLD" */
bool state_mwi_parse(struct str text, uint32_t *new, uint32_t *old);
void state_conference_write(const struct view *v, struct state *st);
/* Reads the document. */
int state_conference_read(struct presentity *p, struct str file, struct fail *f);

/* calls.c: the package dialog */
void calls_write(const struct view *v, struct state *st);
void calls_done(struct events *ev);

/* lists.c: RFC 4662, RFC 5367 */
void lists_write(struct notifier *n, struct state *st);
void lists_told(struct notifier *n);
int lists_open(struct events *ev, struct fail *f);
void lists_close(struct events *ev);
/* A list of this name; false: there is none. */
bool lists_find(const struct events *ev, struct str key, struct notifier_wish *wish);
/* A SUBSCRIBE with the list in its body: as RFC 5367 has it, or Communications Server. */
bool lists_is_request(const struct events *ev, const struct sip_msg *m);
void lists_request(struct events *ev, struct transaction *t, struct sip_msg *m,
	struct net_flow *flow, const struct notifier_wish *wish);

#endif
