/* cli/ready.h -- telling others that we are ready (cli.md section 14) */
#ifndef CLI_READY_H
#define CLI_READY_H

#include "endpoint/event.h"

struct ready {
	const char *file; /* --ready-file, or NULL: one address a line, "udp:127.0.0.1:5060" */
	int fd; /* --ready-fd, or -1: the same on one line; closed afterwards */
};

/* --ready-fd: a descriptor that is open for writing. -FAIL_ARGUMENT. */
int ready_fd(const char *text, int *fd, struct fail *f);
/* File, descriptor, $NOTIFY_SOCKET, in this order. -FAIL_LOCAL with the cause. */
int ready_tell(
	const struct ready *r, const struct endpoint_hop *local, unsigned count, struct fail *f);

#endif
