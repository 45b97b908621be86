/* cli/target.h -- the peers that a command is about (cli.md section 6) */
#ifndef CLI_TARGET_H
#define CLI_TARGET_H

#include "run.h"

/* The host of an AOR, which completes tel: targets; empty without one (NULL). */
struct str target_domain(const char *aor);
/* A peer in any form as a SIP URI, which lives in the arena of the groups. -FAIL_ARGUMENT. */
int target_parse(const struct run *r, const char *text, struct str *out, struct fail *f);
/* The same as the Request-URI of a request of that method: see endpoint_target_request. */
int target_request(
	const struct run *r, struct str method, const char *text, struct str *out, struct fail *f);

#endif
