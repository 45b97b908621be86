/* cli/users.h -- the users of rte serve: --add-user=NAME[:SOURCE] and --users=FILE */
#ifndef CLI_USERS_H
#define CLI_USERS_H

#include "groups.h"
#include "serve/serve.h"

struct users {
	struct cred_store *store; /* holds the secrets */
	struct serve_user *list;
	unsigned count;
};

/* Reads them all. open: nobody is challenged, so a user needs no secret. -FAIL_ARGUMENT,
 * -FAIL_LOCAL, -FAIL_CREDENTIALS. users_done must follow in any case. */
int users_read(
	struct users *u, const struct values *added, const char *file, bool open, struct fail *f);
void users_done(struct users *u);

#endif
