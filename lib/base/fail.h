/* lib/base/fail.h -- the one error space: 0, -errno for the system, -FAIL_x (from 10000 up) for
 * ours */
#ifndef BASE_FAIL_H
#define BASE_FAIL_H

#include "base/base.h"

#include <stdbool.h>

enum fail_code {
	FAIL_FIRST = 9999,
#define FAIL(id, text, retryable) FAIL_##id,
#include "base/fail.def"
#undef FAIL
	FAIL_END
};

/* A code for programs and one sentence for people, written where the failure is found. */
struct fail {
	int code; /* 0, -errno or -FAIL_x */
	char text[240]; /* always terminated; no trailing full stop */
};

/* Writes code and text into f (NULL: discarded) and returns code, so that callers can `return
 * fail_set(...)`. */
int fail_set(struct fail *f, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* The general text of a code: ours, or strerror of an errno. Never NULL. */
const char *fail_text(int code);

/* What to show for f: its own text, else the general text of its code. */
const char *fail_show(const struct fail *f);

/* May the same thing succeed when it is tried again? A property of the code. */
bool fail_retryable(int code);

#endif
