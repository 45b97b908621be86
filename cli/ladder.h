/* cli/ladder.h -- who sent what to whom, and when, for people: a column for each party, a line for
 * each message, 80 columns wide */
#ifndef CLI_LADDER_H
#define CLI_LADDER_H

#include "base/buf.h"
#include "base/str.h"

struct ladder;

/* Remembers the last `keep` messages, and how many there were before. */
struct ladder *ladder_new(unsigned keep);
void ladder_free(struct ladder *l);

/* Parties that have the first columns, in this order, when messages name them; at most four, more
 * are ignored. All others follow as messages name them. */
void ladder_party(struct ladder *l, struct str name);

struct ladder_message {
	uint64_t at_us; /* since the run began */
	struct str from, to; /* the same name is the same party */
	struct str label; /* "INVITE", "200 OK (INVITE)": see ladder_label */
	struct str
		bytes; /* of the message: the same on the same way again is marked; may be empty */
	bool marked; /* it is a retransmission, or was not expected */
};
/* Copies what it keeps. */
void ladder_add(struct ladder *l, const struct ladder_message *m);

/* What a message is called: the method, or "STATUS REASON (METHOD)". */
void ladder_label(struct buf *b, struct str message);

bool ladder_is_empty(const struct ladder *l); /* no message was ever added */

struct ladder_style {
	bool utf8, color;
};
/* The whole of it as lines. Names that do not fit above their columns are numbers there, with the
 * names below; parties that find no column share the last one. */
void ladder_write(const struct ladder *l, struct ladder_style style, struct buf *b);

#endif
