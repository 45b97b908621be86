/* cli/out_tree.h -- decoded bodies, as JSON and for people */
#ifndef CLI_OUT_TREE_H
#define CLI_OUT_TREE_H

#include "base/tree.h"

#include <jansson.h>

struct out;

/* Texts are masked, and UTF-8. */
json_t *out_json_tree(const struct tree *t);
/* The same facts as lines: two blanks deeper than what they belong to, names and values in columns;
 * an entry of a list begins with its name and the first thing it says of itself. */
void out_text_tree(struct out *o, const struct tree *t);

#endif
