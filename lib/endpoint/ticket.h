/* lib/endpoint/ticket.h -- a Kerberos ticket, asked for by a child process, since GSSAPI blocks on
 * the KDC and the loop must go on (ruling 15). Embedded in who waits. */
#ifndef ENDPOINT_TICKET_H
#define ENDPOINT_TICKET_H

#include "auth/kerberos.h"
#include "net/loop.h"

#include <sys/types.h>

/* *t lives during the call. The owner may stop, start or free in it. A child that died or was out
 * of time is a ticket with a cause (KERBEROS_UNREACHABLE, KERBEROS_OTHER) and a reason. */
typedef void ticket_fn(void *arg, const struct kerberos_ticket *t);

struct ticket { /* zeroed: idle */
	pid_t child; /* 0: idle */
	int fd;
	ev_io io;
	ev_child exit;
	ev_timer timer;
	struct buf bytes;
	uint64_t timeout_ms;
	ticket_fn *fn;
	void *arg;
};

/* Never calls fn (R2). w is needed during the call only. timeout_ms: then the child is killed,
 * NET_NEVER: never. -errno when it cannot be made. */
int ticket_start(struct ticket *t, const struct kerberos_wish *w, uint64_t timeout_ms,
	ticket_fn *fn, void *arg, struct fail *f);
void ticket_stop(struct ticket *t); /* kills the child; idle is fine */

#endif
