/* cli/writeout_impl.h -- the insides of --write-out, shared by its files */
#ifndef CLI_WRITEOUT_IMPL_H
#define CLI_WRITEOUT_IMPL_H

#include "base/buf.h"
#include "writeout.h"

enum { WRITEOUT_VALUE = 1 << 20 }; /* bytes of one value */

enum writeout_kind { LITERAL, VARIABLE, HEADER, TO_STDOUT, TO_STDERR, TO_FILE };

struct writeout_piece {
	enum writeout_kind kind;
	struct str text; /* of a literal; name of a header field; path */
	unsigned variable;
	bool append; /* %output{>>FILE} */
};

struct writeout {
	struct arena arena;
	struct writeout_piece *pieces;
	unsigned count;

	/* What is known so far. The messages as they were on the wire: the latest request outside
	 * of dialogs and its final answer, and those that the result is about. */
	struct buf latest, answer, request, response;
	char local[64], remote[64], transport[8];
	uint16_t local_port, remote_port;
	struct endpoint_times times;
	struct endpoint_counts counts;
	bool has_result, has_expires;
	uint32_t expires; /* of our binding */
	char *contact; /* of it */
	char *error; /* the first one */
	/* While it is printed: what of both is there. */
	const struct endpoint_msg *req, *res;
	const struct writeout_end *end;
	int failed;
	struct fail *f;
};

/* writeout_vars.c: the index of a variable by its name; false: there is none. */
bool writeout_variable(struct str name, unsigned *out);
/* Appends its value, masked and shown. */
void writeout_value(
	const struct writeout *w, unsigned variable, const struct writeout_end *e, struct buf *b);
/* Appends the values of a header field of the response. */
void writeout_header(const struct writeout *w, struct str name, struct buf *b);

#endif
