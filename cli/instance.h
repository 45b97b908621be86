/* cli/instance.h -- the instance of this user and host, as a URN that stays the same (RFC 5626
 * section 4.1), and the endpoint ids of dialect ocs, one for each address of record */
#ifndef CLI_INSTANCE_H
#define CLI_INSTANCE_H

#include "base/arena.h"
#include "base/fail.h"

/* --instance: "auto" is the URN kept in $XDG_STATE_HOME/rte/instance, which is made at the first
 * use; anything else must be a URN. Lives in a. -FAIL_ARGUMENT, or -FAIL_LOCAL when the file cannot
 * be read or written. */
int instance_get(const char *text, struct arena *a, const char **out, struct fail *f);
/* --epid: "auto" is the one kept for this AOR in $XDG_STATE_HOME/rte/epid, made at the first use;
 * anything else must be an endpoint id (EP-05). aor: a SIP URI, or "" when there is none. As
 * instance_get. */
int instance_epid(
	const char *text, const char *aor, struct arena *a, const char **out, struct fail *f);

#endif
