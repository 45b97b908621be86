/* lib/endpoint/session_impl.h -- the insides of a session, shared by its files and by refer.c */
#ifndef ENDPOINT_SESSION_IMPL_H
#define ENDPOINT_SESSION_IMPL_H

#include "endpoint/dialog.h"
#include "endpoint/impl.h"
#include "endpoint/session.h"

enum session_state {
	SESSION_CALLING, /* our INVITE has no final response yet */
	SESSION_RINGING, /* the peer's waits for ours */
	SESSION_ACCEPTED, /* our 2xx waits for its ACK */
	SESSION_CONFIRMED,
	SESSION_ENDING, /* our BYE waits for its response */
	SESSION_ENDED, /* all is told, or will be with the next turn of the loop */
};

/* What is taken within a session, whatever its endpoint takes outside of one. */
#define SESSION_ALLOW                                                                              \
	"INVITE, ACK, CANCEL, BYE, PRACK, UPDATE, INFO, MESSAGE, OPTIONS, REFER, NOTIFY"

#define SESSION_FORKS                                                                              \
	32 /* early dialogs of one INVITE; the provisionals of more are not followed */

/* One dialog. A call has one; while it forks each branch has its own. */
struct session_leg {
	struct list node; /* in session->legs */
	struct session *session;
	struct dialog dialog;
	unsigned id; /* of events */
	uint32_t rseq; /* of the last reliable provisional response; 0: none */
	uint32_t invite_cseq; /* of the INVITE that it answers */
	bool confirmed;
	struct list pracks; /* on their way */
	struct request *ack, *bye;
	bool bye_waits; /* it is over, but those of further 2xx's are not */
};

#define SESSION_PRACKS                                                                             \
	8 /* at a time: more from a dialog are not looked at until they come again                 \
	   */

/* A request of ours that makes or changes the session: INVITE, re-INVITE, UPDATE. One with a 2xx to
 * an INVITE stays for as long as the 2xx may come again (13.2.2.4). */
struct session_sent {
	struct list node; /* in session->lingering */
	struct session *session;
	struct request *request;
	ev_timer timer; /* ring limit, pause of a glare, or the end of lingering */
	enum { SESSION_SENT_FIRST, SESSION_SENT_REINVITE, SESSION_SENT_UPDATE } kind;
	bool refresh; /* of the session timer's, not the user's */
	bool late; /* without an offer */
	bool ringing, proceeding, final, pausing, glared, taken, was_held;
	unsigned raised; /* how often a 422 was followed (A76) */
	uint32_t cseq; /* of a first INVITE */
	uint32_t expires; /* the Session-Expires it asks for; 0: none */
	uint64_t ring_ms;
	enum sdp_direction wanted, before; /* what we want with the change, and did before it */
	char *sdp; /* the user's description for the change */
	char *answer; /* ours to an offer in the 2xx, which each ACK carries */
	struct fail fail; /* of the media */
};

/* An INVITE of the peer's, first or within, until its ACK. */
struct session_got {
	struct session *session;
	struct session_leg *leg;
	struct transaction *t; /* NULL: its connection died behind our final response */
	ev_timer timer; /* the 100; then the next sending of what waits for ACK or PRACK */
	uint64_t interval, give_up;
	uint32_t cseq;
	uint32_t rseq; /* of our last reliable provisional response; 0: none */
	bool first; /* else a re-INVITE */
	bool offers; /* it has an offer */
	bool described; /* our description is out: in a provisional response */
	bool settled; /* offer and answer are done with, reliably: the 2xx carries none */
	bool unacknowledged; /* a reliable provisional response has no PRACK yet */
	bool provisional; /* anything but a 100 was sent */
	bool broken; /* the connection of t is gone */
	unsigned status; /* of the 2xx that waits for that PRACK; 0: none */
	char *reason;
};

struct session {
	struct list node; /* in endpoint->sessions */
	struct endpoint *endpoint;
	struct session_policy policy; /* headers are in a block of their own */
	enum session_state state;
	unsigned first_id; /* of the dialog that events name before there is one */
	bool incoming, taken, stopping;
	bool secure; /* our Contact is a sips URI (RFC 3261 8.1.1.8, 12.1.1) */
	bool peer_update, peer_timer, peer_100rel; /* what its Allow and Supported say */
	bool refresher; /* it is we who refresh */
	unsigned pending; /* SESSION_TELL_x, with the next turn of the loop */
	struct list legs, lingering, refers;
	struct session_leg *leg; /* the one that counts; NULL: none yet */
	struct session_leg *media_leg; /* whose answer is in force */
	struct session_sent *out; /* our first INVITE until its final response */
	struct session_sent *change; /* a re-INVITE or UPDATE of ours on its way */
	struct session_got *got;
	struct request *sending; /* a MESSAGE, INFO ... of the user's */
	struct request *spent; /* the one before: its result was told just now */
	struct media_call media;
	ev_timer later, expiry;
	uint32_t interval, min_se; /* RFC 4028, in s; interval 0: no session timer */
	uint64_t expires_at; /* ms */
	const char *timer_news; /* what to tell of it next, or NULL */
	uint64_t timeout_ms, started_us, confirmed_us; /* confirmed_us 0: never */
	double setup_ms;
	struct auth_exchange *exchange; /* server-based endpoints only */
	const char *cause; /* of its end */
	unsigned refused; /* with this status, an incoming one; 0: it was not */
	char *phrase; /* and this reason phrase; NULL: the usual one */
	char *reason; /* Reason of the BYE that waits until there is an ACK, or of a CANCEL */
	struct fail *fail; /* NULL: ends well */
	struct session *replaces, *replaced_by; /* RFC 3891: until the new one is accepted */
	bool *gone; /* set while a handler runs: tells its caller that it freed us */
};

enum {
	SESSION_TELL_TRYING = 1,
	SESSION_TELL_EARLY = 2,
	SESSION_TELL_END = 4,
	SESSION_FREE_SPENT = 8,
};

/* What a SESSION event says beside what the session knows. */
struct session_told {
	const char *state, *cause, *news;
	struct session_leg *leg; /* NULL: none yet */
	const struct endpoint_msg *msg;
	struct str reason; /* of a BYE or CANCEL */
};

/* ---- session.c ---- */

struct session *session_new(struct endpoint *ep);
int session_set_policy(struct session *s, const struct session_policy *p, struct fail *f);
/* False when the handler freed s: then nothing of it may be touched. */
bool session_tell(struct session *s, const struct endpoint_event *ev);
bool session_tell_state(struct session *s, const struct session_told *told);
/* With the next turn of the loop: SESSION_TELL_x. */
void session_later(struct session *s, unsigned what);
/* How it ends: the first to say so decides. code 0: CLOSED. */
void session_why(struct session *s, const char *cause, int code, const char *fmt, ...)
	PRINTF_LIKE(4, 5);
/* For the BYE that has to wait for an ACK, or from the CANCEL that came. */
void session_keep_reason(struct session *s, struct str reason);
/* Ends it on the wire, by what its state asks for; why was said before. */
void session_end(struct session *s, struct str reason);
/* An in-dialog request of ours was answered 481 or 408, or not at all (12.2.1.2). */
void session_lost(struct session *s, const struct fail *f);
bool session_is_lost(const struct endpoint_result *r);
/* All is over: tells it. result: what goes with it, msg: what brought it about; may be NULL. Comes
 * last: s may be freed. */
void session_finish(
	struct session *s, const struct endpoint_result *result, const struct endpoint_msg *msg);
/* The endpoint's end (SS-42), and the manager's (CM-19). */
void session_stop_all(struct endpoint *ep);
/* The server has forgotten the endpoint: what was established ends, without a word on the wire and
 * from the loop. */
void session_lose_all(struct endpoint *ep, const char *why);
bool session_all_ended(const struct endpoint *ep);
void session_abandon_all(struct endpoint *ep);
/* A description of a received message, for events. */
struct session_seen {
	struct dispatch_text text;
	struct endpoint_msg msg;
};
const struct endpoint_msg *session_seen(
	struct session_seen *seen, const struct sip_msg *m, const struct net_flow *flow);

bool session_has_media(const struct session *s);
/* The description in m, not looked into: false when there is none. *status is set when the body is
 * something else (415). */
bool session_body(const struct sip_msg *m, struct str *sdp, unsigned *status);
/* Contact, Allow, Supported of ours. */
void session_write_self(struct session *s, struct net_flow *flow, struct buf *b);
/* The user's header fields, into a response. */
void session_write_headers(struct session *s, struct buf *b);
/* What the peer says that it can do. */
void session_learn(struct session *s, const struct sip_msg *m);
uint64_t session_t1(const struct session *s);
uint64_t session_t2(const struct session *s);
uint64_t session_give_up(const struct session *s); /* 64*T1 */

/* For refer.c. */
struct dialog *session_dialog(struct session *s); /* NULL before it was confirmed */
struct list *session_refers(struct session *s);
struct endpoint *session_endpoint(struct session *s);
struct auth_exchange *session_exchange(struct session *s); /* of its Call-ID, or NULL */

/* ---- legs: session_leg.c ---- */

struct session_leg *session_leg_new(struct session *s);
void session_leg_free(struct session_leg *leg);
struct session_leg *session_leg_find(struct session *s, struct str remote_tag);
/* Of another branch of our INVITE than the one that answered first: it may still answer, and is
 * hung up then. */
bool session_leg_lost(const struct session_leg *leg);
void session_ack(struct session_leg *leg, struct session_sent *sent);
/* 0, or the request could not be made: then the leg is as good as ended. */
int session_bye(struct session_leg *leg, struct str reason);
/* For the response with leg->rseq. */
int session_prack(struct session_leg *leg, struct str answer);
bool session_may_prack(const struct session_leg *leg);

/* ---- session_out.c ---- */

void session_sent_free(struct session_sent *sent);
/* Waits for more 2xx. */
void session_linger(struct session_sent *sent);
/* Gives up our first INVITE. */
void session_cancel(struct session *s, struct str reason);
/* Puts the offer into a request that is about to go. */
void session_write_offer(struct session_sent *sent, struct request *r, struct buf *b);
struct session_sent *session_sent_new(struct session *s);

/* ---- session_in.c ---- */

void session_got_free(struct session_got *got);
struct session_got *session_got_new(struct session_leg *leg, struct transaction *t, bool first);
/* Sends the 2xx with this description, and again until the ACK. */
void session_got_accept(
	struct session_got *got, unsigned status, struct str reason, struct str body);
/* Answers a first INVITE that rings with 300 to 699; the end is told from the loop. */
void session_refuse(struct session *s, unsigned status, struct str reason, struct str headers);
void session_in_ack(struct session_leg *leg, struct sip_msg *m, struct net_flow *flow);
void session_in_prack(struct session_leg *leg, struct transaction *t, struct sip_msg *m);

/* ---- session_within.c ---- */

void session_on_request(void *arg, struct dialog *d, struct transaction *t, struct sip_msg *m,
	struct net_flow *flow);
/* 420, 422, 415, 400 for an INVITE or UPDATE; headers to add go into b. 0: fine. */
unsigned session_judge_interval(const struct sip_msg *m, uint32_t min_se, struct buf *b);
unsigned session_judge(const struct sip_msg *m, uint32_t min_se, struct buf *b);
/* The media have changed: hold, resume, or as usual. As session_tell. */
bool session_tell_media(
	struct session *s, bool was_held, const char *usual, const struct endpoint_msg *msg);
/* Answers t without a body and lets it go. */
void session_answer(struct transaction *t, unsigned status, const struct buf *headers);

/* ---- session_change.c ---- */

/* A refresh of the session timer: UPDATE, else re-INVITE. */
int session_refresh(struct session *s, struct fail *f);
/* After the pause of a glare. */
void session_change_again(struct session_sent *sent);

/* ---- session_timer.c ---- */

enum { SESSION_MIN_SE = 90 };
uint32_t session_min_se(const struct session_policy *p);
/* Session-Expires and Min-SE of a request of ours. */
void session_timer_write(struct session *s, uint32_t expires, bool first, struct buf *b);
/* RFC 4028 9: what our 2xx to m says, and from then on is. */
void session_timer_accept(struct session *s, const struct sip_msg *m, struct buf *b);
/* RFC 4028 7.2: what the 2xx to ours says. */
void session_timer_accepted(struct session *s, const struct sip_msg *m, uint32_t asked);
/* Tells what is new of it. As session_tell. */
bool session_timer_tell(struct session *s, const char *method);
/* A refresh failed; code as in the result. */
void session_timer_failed(struct session *s, const char *method);
/* RFC 3261 13.3.1: "If the invitation expires before the UAS has generated a final response, a 487
 * ... SHOULD be generated." What the Expires of the INVITE m says. */
void session_timer_ring(struct session *s, const struct sip_msg *m);
void session_timer_init(struct session *s);

#endif
