/* cli/party.h -- one endpoint of a scenario (`rte run`): how it is made of its section, what its
 * steps do, and what has happened to it */
#ifndef CLI_PARTY_H
#define CLI_PARTY_H

#include "answer.h"
#include "call.h"
#include "moments.h"
#include "scenario.h"

struct publication;
struct registration;
struct request;
struct subscription;

/* One side of a call. */
struct leg {
	struct list node;
	const char *name; /* NULL: none yet */
	struct call *call; /* NULL: it has ended */
	bool incoming;
	char call_id[256];
	struct moment is;
	struct moments was;
	char why[200]; /* it failed, for people */
};

struct watch { /* a subscription */
	struct list node;
	struct party *party;
	const char *name;
	struct subscription *subscription; /* NULL: it has ended */
	struct moment is;
	struct moments was;
	char why[200]; /* it ended, for people */
};

enum heard_kind { HEARD_MESSAGE, HEARD_INFO, HEARD_NOTIFY };

/* A text that came and was not asked for yet. */
struct heard {
	struct list node;
	enum heard_kind kind;
	const struct watch *watch; /* of a NOTIFY */
	char text[];
};

/* What the step that is under way waits for. */
enum deed_kind {
	DEED_NONE,
	DEED_BIND,
	DEED_UNBIND,
	DEED_REQUEST,
	DEED_PUBLISH,
	DEED_UNPUBLISH,
	DEED_IN_CALL
};

/* What it came to. */
struct deed {
	enum deed_kind kind;
	const struct call *call; /* of DEED_IN_CALL; only to compare */
	bool over;
	int code; /* exit code; 0: well */
	unsigned status; /* of the final response; 0: none */
	char why[400];
};

struct party {
	const struct scenario_party *about;
	struct groups g;
	struct cmd cmd;
	struct run run;
	struct call_options call_options;
	struct answer_options answer_options;
	struct calls calls;
	struct answers answers;
	struct registration *registration;
	bool registered;
	struct publication *publication;
	struct request *request; /* of a step */
	struct list legs, watches, heard;
	unsigned heard_count;
	struct deed deed;
	/* Something has happened: never from inside of a function of this header. */
	void (*on_news)(void *arg);
	void *arg;
};

struct party_config {
	const struct scenario *scenario;
	const struct scenario_party *about;
	const struct groups *g; /* of the command line */
	struct out *out;
	void (*on_news)(void *arg);
	void *arg;
};

/* Makes the endpoint; prints its own errors. OPT_GO_ON or an exit code. With --dry-run nothing is
 * bound. party_done must follow. */
int party_init(struct party *p, const struct party_config *config);
/* Is this a key that a section may have? */
bool party_knows(const char *key);
/* Unsubscribes; calls are the caller's to hang up. party_leaves unregisters behind them. */
void party_stop(struct party *p);
/* Goes on with the end. False when nothing is left to wait for. */
bool party_leaves(struct party *p);
void party_done(struct party *p);
/* The URI under which `from` reaches it. -FAIL_ARGUMENT when it cannot. */
int party_uri(const struct party *p, const struct party *from, struct buf *b, struct fail *f);

/* ---- party_do.c: steps that end by themselves. 0, or -FAIL_x when they cannot begin; what they
 * came to is in deed. */

int party_register(struct party *p, struct fail *f);
int party_unregister(struct party *p, struct fail *f);
struct party_request {
	struct str method, target, type, body;
};
int party_send(struct party *p, const struct party_request *r, struct fail *f);
int party_publish(struct party *p, bool open, const char *note, struct fail *f);
int party_unpublish(struct party *p, struct fail *f);
/* These only begin. */
int party_subscribe(
	struct party *p, const char *name, struct str target, const char *package, struct fail *f);
struct watch *party_watch(struct party *p, const char *name);
/* Of its kind the first one that matches (regex NULL: any), which is then forgotten. */
bool party_heard(struct party *p, enum heard_kind kind, const struct watch *w, const char *regex);
void party_hear(struct party *p, enum heard_kind kind, const struct watch *w, struct str text);

/* ---- party_call.c */

void party_calls_init(struct party *p);
void party_calls_done(struct party *p);
void party_incoming(struct run *r, const struct endpoint_event *ev);
int party_invite(struct party *p, const char *name, struct str target, struct fail *f);
/* Its side of the call of this name; NULL: there is none. */
struct leg *party_leg(struct party *p, const char *name);
/* The oldest incoming call without a name that passes; NULL: there is none. */
struct leg *party_nameless(
	struct party *p, bool (*passes)(void *arg, const struct leg *leg), void *arg);
/* One of the steps that --do has, in a confirmed call. */
int party_step(struct party *p, struct leg *leg, const struct step *step, struct fail *f);

#endif
