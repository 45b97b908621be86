/* cli/record.h -- one record of NDJSON, and the values that all of them are made of (cli.md section
 * 10.3). Jansson counts references: what is set in or appended to another value is its own. */
#ifndef CLI_RECORD_H
#define CLI_RECORD_H

#include "out_impl.h"

#include <jansson.h>

enum { RECORD_TEXT = 64 << 20 }; /* bytes of a text, at most */

/* The head of a record of this type; numbered. */
json_t *record_new(struct out *o, const char *type);
/* Writes it to the result, and frees it. */
void record_emit(struct out *o, json_t *r);
/* Appends it as a line, and frees it. The line fails, and is empty, when it does not fit. */
void record_line(json_t *r, struct buf *line);

/* Text of the wire: masked, and well-formed UTF-8. */
json_t *record_text(struct str s);
json_t *record_texts(const struct str *list, unsigned n);
json_t *record_ms(double value);
json_t *record_hop(const struct endpoint_hop *h);
json_t *record_hops(const struct endpoint_hop *list, unsigned n);
json_t *record_name_addr(const struct endpoint_address *a);

/* What is not known is absent: an empty text, a negative time, a number that is not known. */
void record_put_text(json_t *o, const char *key, struct str s);
void record_put_word(json_t *o, const char *key, const char *word);
void record_put_ms(json_t *o, const char *key, double value);
void record_put_number(json_t *o, const char *key, bool known, unsigned value);

#endif
