/* cli/value.h -- text of options to values (cli.md section 6). Each gives 0 or -FAIL_ARGUMENT with a sentence in f that
 * names the option; an absent value (NULL) gives the default; an empty one is refused. */
#ifndef CLI_VALUE_H
#define CLI_VALUE_H

#include "base/arena.h"
#include "base/fail.h"
#include "base/str.h"

/* T: "500ms" "5" "5s" "2m" "1h", in ms. */
int value_ms(const char *option, const char *text, uint64_t default_ms, uint64_t *out, struct fail *f);
/* The same in whole seconds; 500ms is refused. */
int value_seconds(const char *option, const char *text, uint32_t default_s, uint32_t *out, struct fail *f);
int value_number(const char *option, const char *text, uint32_t min, uint32_t max, uint32_t dflt, uint32_t *out,
	struct fail *f);
/* One of the words "a|b|c": its index. */
int value_word(const char *option, const char *text, const char *words, int dflt, int *out, struct fail *f);
/* 0.0 to 1.0 in thousandths. */
int value_q(const char *option, const char *text, int dflt, int *out, struct fail *f);
/* TEXT|@FILE|@- ; "@@" begins a literal "@". The bytes live in the arena. At most 4 MiB. */
int value_data(const char *option, const char *text, struct arena *a, struct str *out, struct fail *f);
/* No CR, LF, NUL and not empty: fit for a message. */
int value_clean(const char *option, const char *text, struct fail *f);

#endif
