/* lib/endpoint/template.h -- a message with fields to fill in (`rte request --template`): text in
 * which {{NAME}} stands for a value. It is the user's own file, checked as a whole before anything
 * is sent. */
#ifndef ENDPOINT_TEMPLATE_H
#define ENDPOINT_TEMPLATE_H

#include "base/buf.h"
#include "base/fail.h"
#include "base/str.h"

struct template;

struct template_set { /* a field of the user's; it hides ours of that name */
	struct str name, value;
};

struct template_config {
	struct str text;
	const char *file; /* its name in failures */
	const struct template_set *sets;
	unsigned set_count;
	const char *const *environment; /* "NAME=VALUE", ended by NULL, for {{env:NAME}} */
	bool no_message; /* it is another text than a request: there are no fields of a sending */
};

/* ALPHA *( ALPHA / DIGIT / "_" ) */
bool template_is_name(struct str name);
/* Copies everything. Values that do not depend on the sending are chosen here, so that a request
 * which is sent again (after a challenge, say) has the same {{uuid}} and {{rand:N}}.
 * -FAIL_ARGUMENT with "FILE:LINE: ..." in f. */
int template_new(const struct template_config *config, struct template **out, struct fail *f);
/* NULL is fine. */
void template_free(struct template *t);

struct template_facts { /* of one sending */
	struct str method, request_uri, from_tag, call_id, branch;
	struct str local; /* HOST:PORT as in Via */
	struct str transport; /* "UDP" "TCP" "TLS" */
	uint32_t seq; /* the number for CSeq */
};

void template_expand(const struct template *t, const struct template_facts *facts, struct buf *b);

#endif
