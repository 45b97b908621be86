/* cli/run_setup.h -- from the texts of the option groups to the config structs of manager and
 * endpoint, with the rules of cli.md section 5 */
#ifndef CLI_RUN_SETUP_H
#define CLI_RUN_SETUP_H

#include "run.h"

struct run_setup {
	struct endpoint_manager_config manager;
	struct endpoint_config endpoint;
	bool listens_tls;
	const char *unused; /* what a file or the environment says in vain, for -v; NULL: nothing */
};

/* Fills in r's values and s; nothing is opened but files that @FILE names. 0, or -FAIL_x with f
 * beginning with the option. Texts live in the arena of the groups. */
int run_setup(struct run *r, struct run_setup *s, struct fail *f);
/* Parts of it: which kind of endpoint (5.1, 5.3); times, sockets, DNS and TLS; header fields. */
int run_setup_kind(struct run *r, struct run_setup *s, struct fail *f);
int run_setup_net(struct run *r, struct run_setup *s, struct fail *f);
int run_setup_headers(struct run *r, struct run_setup *s, struct fail *f);
/* --keylog or SSLKEYLOGFILE; NULL: none. */
const char *run_setup_keylog(const struct groups *g);

/* Fills r->creds from the first source that has something (section 11), and reads the password of
 * the TLS key. */
int run_creds(struct run *r, struct run_setup *s, struct fail *f);
/* Asks for the password after a challenge (source 6). */
int run_creds_ask(struct run *r, struct fail *f);
/* Would asking help against this failure, and may we? */
bool run_creds_may_ask(const struct run *r, const struct endpoint_result *result);

#endif
