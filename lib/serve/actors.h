/* lib/serve/actors.h -- the well-known users of the test server (cli.md section 16): each shows a
 * client one behaviour of a callee. For lib/serve only. */
#ifndef SERVE_ACTORS_H
#define SERVE_ACTORS_H

#include "serve/impl.h"

/* echo ring busy STATUS slow-T silent fork3 redirect-URI early refer timer90 reinvite: is this user
 * part (unescaped) one of them? */
bool actors_has(struct str user);
/* Is this URI one whose name says how every request is answered (busy STATUS slow-T silent
 * redirect-URI)? */
bool actors_decide(const struct serve *s, const struct sip_uri *uri);

/* Makes the endpoint that they share. -FAIL_x as endpoint_new. */
int actors_open(struct serve *s, struct fail *f);
/* Before the endpoint's manager goes. */
void actors_close(struct serve *s);

/* A request within a dialog of an actor's, or for one that has no dialog: what it comes to. t is
 * NULL for an ACK. */
enum actors_verdict {
	ACTORS_NOT_OURS,
	ACTORS_TAKEN, /* t is taken over */
	ACTORS_ENDPOINT, /* it is the actors' endpoint's: dispatch goes on */
};
/* First the dialogs, whose requests are never challenged, then the users, whose callers are as the
 * proxy's. */
enum actors_verdict actors_within(struct serve *s, struct transaction *t, struct sip_msg *m);
enum actors_verdict actors_request(
	struct serve *s, struct transaction *t, struct sip_msg *m, struct net_flow *flow);

/* actor_fork.c: fork3@, which no single session can play. */
void actor_fork_request(
	struct serve *s, struct transaction *t, struct sip_msg *m, struct net_flow *flow);
/* An ACK (t is NULL) or a request within one of its dialogs. */
bool actor_fork_within(struct serve *s, struct transaction *t, struct sip_msg *m);
void actor_fork_done(struct serve *s);

#endif
