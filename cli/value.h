/* cli/value.h -- text of options to values (cli.md section 6). Each gives 0 or -FAIL_ARGUMENT with
 * a sentence in f that begins with the option ("--timeout"); an absent value (NULL) gives the
 * default, an empty one is refused. */
#ifndef CLI_VALUE_H
#define CLI_VALUE_H

#include "base/arena.h"
#include "base/fail.h"
#include "base/str.h"

/* T: "500ms" "5" "5s" "2m" "1h", in ms; fractions ("0.5s") are fine down to 1 ms. */
int value_ms(const char *option, const char *text, uint64_t dflt, uint64_t *out, struct fail *f);
/* The same in whole seconds; 500ms is refused. */
int value_seconds(
	const char *option, const char *text, uint32_t dflt, uint32_t *out, struct fail *f);
/* N, from min to max. */
struct value_range {
	uint32_t min, max, dflt;
};
int value_number(const char *option, const char *text, struct value_range range, uint32_t *out,
	struct fail *f);
/* One of the words "a|b|c": its index; *out stays as it is when absent. */
int value_word(const char *option, const char *text, const char *words, int *out, struct fail *f);
/* LIST of words "a|b|c", separated by commas: their indices in the order given; a word twice is
 * refused. Absent: none. */
struct value_list {
	int v[8];
	unsigned n;
};
int value_words(const char *option, const char *text, const char *words, struct value_list *out,
	struct fail *f);
/* LIST of final statuses, "200,4xx". Absent: none. */
enum { VALUE_STATUSES = 64 };
struct value_statuses {
	struct {
		unsigned from, to;
	} v[VALUE_STATUSES];
	unsigned n;
};
int value_statuses(
	const char *option, const char *text, struct value_statuses *out, struct fail *f);
bool value_has_status(const struct value_statuses *list, unsigned status);
/* "0.0" to "1.0" in thousandths; dflt when absent. */
int value_q(const char *option, const char *text, int dflt, int *out, struct fail *f);
/* TEXT|@FILE|@- ; "@@" begins a literal "@". The bytes live in the arena, at most 4 MiB.
 * -FAIL_LOCAL when the file cannot be read. */
int value_data(
	const char *option, const char *text, struct arena *a, struct str *out, struct fail *f);
/* HOST[:PORT], HOST:PORT, [IPv6]:PORT; port 0 when absent. host has no brackets and points into
 * text. */
int value_hostport(
	const char *option, const char *text, struct str *host, uint16_t *port, struct fail *f);
/* A media type: type/subtype and parameters. */
int value_mime(const char *option, const char *text, struct fail *f);
/* Fit for a message: not empty, no control byte, UTF-8. */
int value_clean(const char *option, const char *text, struct fail *f);

/* "abc" in quotes, shortened, control bytes as \x1b: for messages. Returns out. */
#define VALUE_SHOWN 208
const char *value_show(const char *text, char out[VALUE_SHOWN]);
/* The word of the list (ended by NULL) that is nearest to text, or NULL when none is near: "did you
 * mean". */
const char *value_nearest(const char *text, const char *const *words);

#endif
